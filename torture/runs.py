"""Kills runs of every kind, at file operations and at moments chosen at random, and looks after each kill.

    python -m torture.runs [--seconds 300]

The kinds are in `_small.py`: live runs, an `--as-of`, a backfill, what the service starts, a restore. Each kill happens to
a forked process, on a home that earlier kills left as it is. After each, what is published must be what was before or
what comes after, whole, and no process may be left. After every third the run is let through: it must then publish what
a run publishes that nobody killed, and leave no litter.
"""

from __future__ import annotations

import json
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from torture import _small as small
from torture import results
from torture._interrupt import MEMORY
from torture._points import Ended, Point, in_child
from torture._scenes import paths_in, require, require_no_litter
from warehouse import files
from warehouse.paths import WAREHOUSE, Paths

RECOVERS_EVERY = 3
"""After so many kills a run is let through."""

Content = dict[str, Any]


def main(seconds: float) -> int:
    """Kill runs for so long, a few of each kind at least, and count; gives how many faults were found."""
    small.warmed()
    faults, kinds = 0, random.sample(small.kinds(), len(small.kinds()))
    until = time.monotonic() + seconds
    for number, kind in enumerate(kinds):
        share = time.monotonic() + (until - time.monotonic()) / (len(kinds) - number)
        faults += _kill(kind, share)
    return faults


def _kill(kind: small.Kind, until: float) -> int:
    began, tried, found = time.monotonic(), 0, 0
    with prepared(kind) as ready:
        while not tried or time.monotonic() < until:
            at_once, why = killed_and_recovered(ready)
            tried += at_once
            if why is not None:
                found += 1
                print(f"{kind.name}: {why}", flush=True)
    results.record(
        "runs", f"SIGKILL of {kind.name}", tried=tried, survived=tried - found, faults_found=found,
        seconds=time.monotonic() - began,
    )  # fmt: skip
    return found


@dataclass
class Ready:
    """A kind of run that was let through once: how many operations and seconds it takes, and what it publishes."""

    kind: small.Kind
    folder: Path
    host: small.Host
    operations: int
    seconds: float
    passes: list[Content]

    def afresh(self) -> Paths:
        """The home as it is before."""
        files.remove_folder(self.folder / "here")
        shutil.copytree(self.folder / "kept", self.folder / "here", symlinks=True)
        return paths_in(self.folder / "here")


@contextmanager
def prepared(kind: small.Kind) -> Iterator[Ready]:
    """A kind of run, with what it finds and what it leaves. Raises AssertionError where it fails by itself."""
    folder = Path(tempfile.mkdtemp(prefix="torture-", dir=MEMORY if Path(MEMORY).is_dir() else None))
    host = small.Host(folder)
    try:
        kept = paths_in(folder / "kept")
        kept.root.mkdir(parents=True)
        through(lambda: kind.prepare(kept, host), f"{kind.name}, before")
        ready = Ready(kind, folder, host, 0, 0.0, [content(kept, folder, kind.as_of)])
        if (between := kind.between) is not None:
            paths = ready.afresh()
            through(lambda: between(paths, host), f"{kind.name}, between")
            ready.passes.append(content(paths, folder, kind.as_of))
        paths, began = ready.afresh(), time.monotonic()
        ready.operations = through(lambda: kind.act(paths, host), kind.name, Point(paths.root)).operations
        ready.seconds = time.monotonic() - began
        ready.passes.append(content(paths, folder, kind.as_of))
        yield ready
    finally:
        host.close()
        files.remove_folder(folder)


def through(act: Callable[[], object], what: str, point: Point | None = None) -> Ended:
    """Do something in a child that must go through."""
    ended = in_child(act, point)
    require(not ended.code and not ended.killed, f"{what}: fails by itself: {ended.said}")
    return ended


def killed_and_recovered(ready: Ready, kills: int = RECOVERS_EVERY) -> tuple[int, str | None]:
    """Kill a run some times over, then let it through; gives how many kills, and what was found."""
    paths, number = ready.afresh(), 0
    for number in range(1, kills + 1):
        how, ended = _once(ready, paths)
        why = None if ended.killed or not ended.code else f"the run failed: {ended.said}"
        why = why or (f"processes are left: {ended.left}" if ended.left else None)
        why = why or unlike(ready, paths, ready.passes)
        if why is not None:
            return number, f"{how}: {why}"
    again = in_child(lambda: looked_at(ready.kind, paths, ready.host))
    if again.code or again.killed:
        return number, f"it cannot be done again: {again.said}"
    return number, unlike(ready, paths, ready.passes[-1:])


def _once(ready: Ready, paths: Paths) -> tuple[str, Ended]:
    """Kill a run once: half of them before a file operation, half of them at a moment, when a library may be writing."""
    act: Callable[[], object] = lambda: ready.kind.act(paths, ready.host)  # noqa: E731
    if random.random() < 0.5:
        at = random.randint(1, ready.operations)
        return f"operation {at} of {ready.operations}", in_child(act, Point(paths.root, "kill", at), alone=True)
    after = random.uniform(0, ready.seconds)
    return f"after {after:.2f} of {ready.seconds:.2f} s", in_child(act, killed_after_seconds=after, alone=True)


def looked_at(kind: small.Kind, paths: Paths, host: small.Host) -> None:
    kind.act(paths, host)
    kind.holds(paths)
    require_no_litter(paths)


def unlike(ready: Ready, paths: Paths, wanted: list[Content]) -> str | None:
    """Where what is published is none of what is wanted; None where it is."""
    try:
        now = content(paths, ready.folder, ready.kind.as_of)
    except AssertionError as error:
        return str(error)
    if now in wanted:
        return None
    last = wanted[-1]
    changed = sorted(name for name in last.keys() | now.keys() if last.get(name) != now.get(name))
    return f"other content: {', '.join(changed)}"


def content(paths: Paths, folder: Path, as_of: date | None = None) -> Content:
    """Rows and a hash of each mart that is published, and rows of each table of core; empty where nothing is published.

    Read in another process. Raises AssertionError where it cannot be read.
    """
    answer = folder / "content.json"
    published = paths.published(as_of)
    if not published.is_symlink():
        return {}

    def look() -> None:
        from warehouse.database.releases import reading

        with reading(published / WAREHOUSE) as connection:
            names = "SELECT schema_name, table_name FROM duckdb_tables() WHERE schema_name IN ('core', 'marts') ORDER BY 1, 2"
            found = {
                f"{schema}.{name}": connection.execute(
                    f'SELECT count(*){", bit_xor(hash(t))" if schema == "marts" else ""} FROM {schema}."{name}" t'
                ).fetchone()
                for schema, name in connection.execute(names).fetchall()
            }
        require((published / "site" / "index.html").stat().st_size > 0, "the site is empty")
        answer.write_text(json.dumps(found))

    looked = in_child(look)
    require(not looked.code and not looked.killed, f"what is published cannot be read: {looked.said}")
    return dict(json.loads(answer.read_text()))


if __name__ == "__main__":
    sys.exit(results.run(main, 300.0))
