"""Memory that runs out in runs, publication, decisions and queries: at a call of ours, or where the system gives no more.

    python -m torture.memory [--seconds 240]

Each act happens in a forked process (`_small.py`). In one attack a call of this project's code, chosen at random, raises
MemoryError, as an allocation would. In the other the process may get so many more bytes from the system and no more, so
that Python, DuckDB and Polars fail where they happen to. What is asked after each: the words and the exit code are those
of memory that ran out, the published answer is whole and the old one or the new one, and the same goes through afterwards.
"""

from __future__ import annotations

import random
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

from torture import _small as small
from torture import results, runs
from torture._points import Ended, in_child
from torture._scenes import require
from warehouse import storage
from warehouse.errors import StorageError, UsageError
from warehouse.paths import Paths

OURS = tuple(str(Path(__file__).parents[1] / room) for room in ("warehouse", "flows"))
ROOM_MIB = (4, 600)
"""The least and most that a process may get beyond what it has."""
QUERY = "SELECT count(*) FROM core.gpu_prices a, core.gpu_prices b"
CALLS = "MemoryError at a call of ours chosen at random"
HANGS_AFTER_SECONDS = 120.0
"""An act takes some seconds; one that counts its calls, or is short of memory, some times as long on a busy machine."""
LIMIT = "no more memory from the system after so many bytes chosen at random"


def failing_at(number: int, act: Callable[[], object]) -> int:
    """Do something whose call of ours of that number raises MemoryError; gives how many calls there were."""
    counted = 0

    def look(frame: FrameType, event: str, _: Any) -> None:
        nonlocal counted
        if event == "call" and frame.f_code.co_filename.startswith(OURS):
            counted += 1
            if counted == number:
                sys.setprofile(None)
                raise MemoryError

    sys.setprofile(look)
    try:
        act()
    finally:
        sys.setprofile(None)
    return counted


def bounded(mib: int, act: Callable[[], object]) -> None:
    """Do something with so much more memory than there is."""
    said = Path("/proc/self/status").read_text()
    held = int(said.partition("VmSize:")[2].split()[0]) * 1024
    resource.setrlimit(resource.RLIMIT_AS, (held + mib * 2**20, resource.RLIM_INFINITY))
    try:
        act()
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)


def in_words(act: Callable[[], object]) -> None:
    """What an act raises must be said as memory that ran out. Raises AssertionError where it is not."""
    try:
        act()
    except BaseException as error:
        told = storage.fault(error) or error
        words = str(told)
        right = isinstance(told, StorageError | UsageError) and "memory" in words
        require(right, f"said as {type(error).__name__}: {error}")


def query(paths: Paths, _: Any) -> None:
    """A query as `overbuild sql` asks it; an error is one that says what its exit code would."""
    from tests.runs import command

    done = command(paths.root, "sql", QUERY, "--format", "csv")
    if done.returncode:
        require(done.returncode in (2, 5) and "memory" in done.stderr, f"exit {done.returncode}: {done.stderr}")


def acts() -> list[small.Kind]:
    """What memory runs out in."""
    wanted = {"a live run with nothing new", "a live run with something new", "a run as of an earlier date"}
    return [*(kind for kind in small.kinds() if kind.name in wanted), small.Kind("a query", small.prepare, query)]


def once(ready: runs.Ready, calls: int, attack: str) -> str | None:
    """Attack an act once, then do it again; gives what was found."""
    paths = ready.afresh()
    act: Callable[[], object] = lambda: ready.kind.act(paths, ready.host)  # noqa: E731
    attacked: Callable[[], object]
    if attack == CALLS:
        at = random.randint(1, calls)
        how, attacked = f"call {at} of {calls}", lambda: failing_at(at, act)
    else:
        mib = round(ROOM_MIB[0] * (ROOM_MIB[1] / ROOM_MIB[0]) ** random.random())
        how, attacked = f"{mib} MB more", lambda: bounded(mib, act)
    began = time.monotonic()
    ended = in_child(lambda: in_words(attacked), killed_after_seconds=HANGS_AFTER_SECONDS)
    hung = ended.killed and time.monotonic() - began > HANGS_AFTER_SECONDS
    why = f"it hung for {HANGS_AFTER_SECONDS:g} s" if hung else _after(ready, paths, ended)
    return None if why is None else f"{ready.kind.name}, {how}: {why}"


def _after(ready: runs.Ready, paths: Paths, ended: Ended) -> str | None:
    """A library may end the process where it gets no memory (Polars does); all else must be said."""
    if ended.code and not ended.killed:
        return ended.said or f"exit {ended.code}"
    if (why := runs.unlike(ready, paths, ready.passes)) is not None:
        return why
    again = in_child(lambda: runs.looked_at(ready.kind, paths, ready.host))
    if again.code or again.killed:
        return f"it cannot be done again: {again.said}"
    return runs.unlike(ready, paths, ready.passes[-1:])


def counting(kind: small.Kind) -> small.Kind:
    """The same kind of act, which writes to the host's folder how many calls of ours it makes."""

    def act(paths: Paths, host: small.Host) -> None:
        (host.file.parent / "calls").write_text(str(failing_at(0, lambda: kind.act(paths, host))))

    return replace(kind, act=act)


def main(seconds: float) -> int:
    """Let memory run out for so long, twice in each act at least; gives how many faults were found."""
    small.warmed()
    tried: Counter[str] = Counter()
    found: Counter[str] = Counter()
    took: Counter[str] = Counter()
    until, kinds = time.monotonic() + seconds, random.sample(acts(), len(acts()))
    for number, kind in enumerate(kinds):
        share = time.monotonic() + (until - time.monotonic()) / (len(kinds) - number)
        with runs.prepared(counting(kind)) as ready:
            calls, ready.kind = int((ready.folder / "calls").read_text()), kind
            attacks = 0
            while attacks < 2 or time.monotonic() < share:
                began, attack = time.monotonic(), (CALLS, LIMIT)[attacks % 2]
                why = once(ready, calls, attack)
                attacks += 1
                tried[attack] += 1
                took[attack] += time.monotonic() - began  # type: ignore[assignment]
                if why is not None:
                    found[attack] += 1
                    print(why, flush=True)
    for attack in tried:
        results.record(
            "memory", attack, tried=tried[attack], survived=tried[attack] - found[attack], faults_found=found[attack],
            seconds=took[attack],
        )  # fmt: skip
    return sum(found.values())


if __name__ == "__main__":
    sys.exit(results.run(main, 240.0))
