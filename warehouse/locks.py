"""Places that one process at a time may hold, and who holds them.

The operating system keeps the lock and gives it back when its holder ends, however that ends. It does not say who the
holder is, and whoever waits wants to know. So the holder says so in a file beside the lock. A note of a process that is gone
says nothing: the lock is what counts.
"""

from __future__ import annotations

import json
import os
import shlex
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from warehouse import files, processes, records, stopping, turns
from warehouse.errors import UsageError

LOOKS_EVERY_SECONDS = 0.05


@contextmanager
def held(
    path: Path, taken: str, *, within_seconds: float = 0.0, say: Callable[[str], None] = lambda _: None
) -> Iterator[None]:
    """Hold the lock file `path`. `taken` says in words that another process has it.

    Waits up to `within_seconds` and says so once. Raises UsageError that names the holder where that is too long.
    """
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        if within_seconds:
            say(f"{taken} ({holder(path)}); waiting for it to end, {_spoken(within_seconds)} at most")
        try:
            lock.acquire(timeout=within_seconds, poll_interval=LOOKS_EVERY_SECONDS)
        except Timeout as error:
            waited = f" It did not end within {_spoken(within_seconds)}." if within_seconds else ""
            raise UsageError(f"{taken} ({holder(path)}).{waited}") from error
    note = note_of(path)
    try:
        with stopping.last_act(lambda: note.unlink(missing_ok=True)):
            files.write(note, json.dumps(_said_of_us(), ensure_ascii=False))
            yield
    finally:
        with suppress(OSError):  # a disk that takes no more keeps nobody from the lock
            note.unlink(missing_ok=True)
        lock.release()


def is_taken(path: Path) -> bool:
    """Whether another process holds the lock file now."""
    lock = FileLock(path)
    try:
        with lock.acquire(timeout=0):
            return False
    except Timeout:
        return True


def note_of(path: Path) -> Path:
    """The file in which the holder of a lock says who it is."""
    return path.with_name(f"{path.name}.json")


def holder(path: Path) -> str:
    """Who holds a lock, in words: process, machine, command and since when."""
    try:
        said = records.value(dict[str, str], records.parsed(note_of(path).read_bytes())) or {}
    except OSError:
        said = {}
    process = processes.read(said.get("process", ""))
    if process is not None and not process.is_gone and {"host", "since", "command"} <= set(said):
        return f"process {process.pid} on {said['host']}, since {said['since']} UTC: {said['command']}"
    found = turns.holder(path)
    return found if found.startswith("process") else "a process that has not said who it is"


def _said_of_us() -> dict[str, str]:
    program, *arguments = sys.argv
    return {
        "process": str(processes.this()),
        "host": socket.gethostname(),
        "since": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}",
        "command": shlex.join([os.path.basename(program), *arguments]),
    }


def _spoken(seconds: float) -> str:
    return f"{seconds / 60:g} minutes" if seconds >= 120 else f"{seconds:g} seconds"
