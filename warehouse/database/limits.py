"""What a query may use: time, memory, and room on disk for what does not fit in memory.

A query that a person types can have no end, or more rows than the machine can hold. DuckDB stops at its own points, which
is enough for nearly all of them. Some work has no such point: reading a sum of ten thousand terms, or one function of one
huge text. So there are two bounds. At the first the query is asked to stop. At the second whoever waits is told that it
does not (`stuck`), and a program of one query ends there. Memory has two bounds as well: DuckDB's own, and for texts that
it does not count, the operating system's.
"""

from __future__ import annotations

import math
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from warehouse import processes, sqltext
from warehouse.database.connection import Connection, DatabaseError
from warehouse.errors import UsageError

SECONDS = 60.0
MEMORY = "2GB"
SPILL = "10GB"
GRACE_SECONDS = 5.0
"""How long a query that was asked to stop may take to do so."""
BEYOND_BYTES = 512 * 2**20
"""What the process may hold beside DuckDB's own memory: the program, and texts that DuckDB does not count."""

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(i?)B?", re.IGNORECASE)


@dataclass(frozen=True)
class Limits:
    """Bounds of one query: `seconds` of time, `memory` and `spill` as DuckDB writes sizes (2GB)."""

    seconds: float = SECONDS
    memory: str = MEMORY
    spill: str = SPILL

    def __post_init__(self) -> None:
        if not self.seconds > 0:
            raise UsageError(f"--timeout {self.seconds:g}: give seconds above zero.")
        if size_of(self.memory) < 16 * 2**20:
            raise UsageError(f"--memory {self.memory}: a query needs at least 16MB.")


def size_of(text: str) -> int:
    """Bytes of a size as DuckDB writes it. Raises UsageError for another text."""
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise UsageError(f"--memory {text}: write a size as 500MB or 2GB.")
    number, unit, binary = found.groups()
    return int(float(number) * (1024 if binary else 1000) ** " KMGT".index(unit.upper() or " "))


_SPILLS: set[Path] = set()


def settings(limits: Limits | None) -> str:
    """SQL that sets the bounds of a connection, before it is locked down; without `limits` only where it spills.

    What does not fit in memory goes to a folder of the connection's own, never beside a release. DuckDB makes it when it
    needs it, and removes it when it closes.
    """
    folder = processes.temporary_name()
    _SPILLS.add(folder)
    spill = f"SET temp_directory = {sqltext.literal(folder)}"
    if limits is None:
        return spill
    return (
        f"{spill}; SET max_temp_directory_size = {sqltext.literal(limits.spill)}; "
        f"SET memory_limit = {sqltext.literal(f'{size_of(limits.memory)}B')}"
    )


def end_process(said: str) -> None:
    """End a query that does not stop when it is asked to: with this process, as nothing else ends it."""
    sys.stderr.write(f"overbuild: {said}\n")
    sys.stderr.flush()
    remove_spills()
    os._exit(UsageError.exit_code)


def remove_spills() -> None:
    """Remove what this process has on disk for its queries, before it ends without closing them."""
    import shutil

    for folder in _SPILLS:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def within(connection: Connection, limits: Limits, stuck: Callable[[str], None] | None = None) -> Iterator[None]:
    """Stop what runs on the connection after its time. Raises UsageError that says which limit, and how to raise it.

    `stuck` is called in another thread where the query does not stop within GRACE_SECONDS, with what to say.
    """
    ended = threading.Event()
    interrupted = threading.Event()
    unit = "second" if limits.seconds == 1 else "seconds"
    said = f"the query was stopped after {limits.seconds:g} {unit}. {RAISE_TIME}"

    def watch() -> None:
        if ended.wait(limits.seconds):
            return
        interrupted.set()
        if not _ask_to_stop(connection, ended, GRACE_SECONDS) and stuck is not None:
            stuck(said)

    watcher = threading.Thread(target=watch, name="timeout of a query", daemon=True)
    watcher.start()
    try:
        yield
    except (DatabaseError, UsageError, RuntimeError) as error:
        if interrupted.is_set():
            raise UsageError(said) from None
        if is_interruption(error):
            _end_what_was_interrupted(connection)
            raise KeyboardInterrupt from None
        if "Out of Memory" in str(error) or "bad_alloc" in str(error):
            raise UsageError(beyond_memory(limits, str(error))) from None
        raise
    except MemoryError as error:
        raise UsageError(beyond_memory(limits, str(error))) from None
    finally:
        ended.set()
        watcher.join()


RAISE_TIME = "Give it more time (--timeout 300), or ask for less: fewer rows or columns, a narrower WHERE."


def is_interruption(error: BaseException) -> bool:
    """Whether a query ended because somebody pressed Ctrl-C: DuckDB's client says so by errors of its own."""
    return "INTERRUPT Error" in str(error) or "Query interrupted" in str(error)


def _ask_to_stop(connection: Connection, ended: threading.Event, seconds: float = math.inf) -> bool:
    """Ask what runs on a connection to stop until it has; False where it has not in time.

    More than once: a request that comes between two steps of a query is forgotten.
    """
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        connection.interrupt()
        if ended.wait(0.1):
            return True
    return False


def _end_what_was_interrupted(connection: Connection) -> None:
    """End a query that Ctrl-C interrupted. DuckDB's client has given it up, but its threads go on.

    The connection's next query, or its closing, would wait for them until they are asked to stop. So a first query waits
    here, and they are asked until it is through.
    """
    ended = threading.Event()
    asking = threading.Thread(target=_ask_to_stop, args=(connection, ended), name="ending a query", daemon=True)
    asking.start()
    try:
        with suppress(DatabaseError, RuntimeError):  # it may be this one that is asked to stop
            connection.execute("SELECT 1")
    finally:
        ended.set()
        asking.join()


def beyond_memory(limits: Limits, message: str) -> str:
    """Which limit of memory or of disk was reached, and how to raise it."""
    if "temp_directory" in message.lower():
        return (
            f"the query was stopped: it needs more than {limits.memory} of memory and {limits.spill} of disk. "
            "Give it more memory (--memory 8GB), or ask for less: fewer rows or columns, a narrower WHERE."
        )
    return (
        f"the query was stopped: it needs more than {limits.memory} of memory. Give it more (--memory 8GB), or ask for "
        "less: fewer rows or columns, a narrower WHERE."
    )


@contextmanager
def bounded_process(limits: Limits) -> Iterator[None]:
    """Bound the memory of this process while it runs queries: what DuckDB does not count is counted here.

    Systems that cannot bound the memory that a process holds (all but Linux) go without.
    """
    before = None
    with suppress(ImportError, OSError, ValueError):
        import resource

        said = Path("/proc/self/status").read_text()
        held = int(said.partition("VmData:")[2].split()[0]) * 1024
        before = resource.getrlimit(resource.RLIMIT_DATA)
        wanted = held + size_of(limits.memory) + BEYOND_BYTES + (os.cpu_count() or 1) * 16 * 2**20
        resource.setrlimit(resource.RLIMIT_DATA, (wanted if before[1] < 0 else min(wanted, before[1]), before[1]))
    try:
        yield
    finally:
        if before is not None:
            resource.setrlimit(resource.RLIMIT_DATA, before)
