"""Waiting for one's turn at a file that several processes write, with a bound, and who it is that holds it.

Such turns take milliseconds: a line is added, or the next free moment of a source is noted. A process that was stopped in
the middle of one keeps all others waiting, and neither a run nor a person who decides about a row should wait for ever
without a word. So whoever waits is told for whom after two seconds, and gives up after a minute.

Turns are too short to write down who has them, as `warehouse.locks` does. The system knows who holds a lock, and on Linux
it says so in /proc/locks.
"""

from __future__ import annotations

import logging
import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from warehouse.errors import UsageError

if TYPE_CHECKING:
    from filelock import FileLock

GIVES_UP_AFTER_SECONDS = 60.0
SAYS_SO_AFTER_SECONDS = 2.0
LOOKS_EVERY_SECONDS = 0.02

waiting = logging.getLogger("overbuild.progress.waiting")


@contextmanager
def taken(lock: FileLock, what: str) -> Iterator[None]:
    """Hold a lock for a moment; `what` says what it is for. Raises UsageError that names the holder where it stays taken."""
    from filelock import Timeout

    says_so = min(SAYS_SO_AFTER_SECONDS, GIVES_UP_AFTER_SECONDS)
    try:
        lock.acquire(timeout=says_so, poll_interval=LOOKS_EVERY_SECONDS)
    except Timeout:
        said = f"{what}: another process has its turn ({holder(Path(lock.lock_file))})"
        waiting.warning("%s; waiting for it to end, %g seconds at most", said, GIVES_UP_AFTER_SECONDS)
        try:
            lock.acquire(timeout=GIVES_UP_AFTER_SECONDS - says_so, poll_interval=LOOKS_EVERY_SECONDS)
        except Timeout as error:
            raise UsageError(
                f"{said}. It did not end within {GIVES_UP_AFTER_SECONDS:g} seconds. Look at that process; end it where it "
                "hangs, and run again."
            ) from error
    try:
        yield
    finally:
        lock.release()


def holder(path: Path) -> str:
    """Which process of this machine holds a lock file, as the system says it."""
    with suppress(OSError, ValueError):
        wanted = path.stat()
        for line in Path("/proc/locks").read_text(encoding="utf-8").splitlines():
            # 1: FLOCK  ADVISORY  WRITE 4711 fd:01:1234567 0 EOF
            fields = line.split()
            device, inode = fields[5].rpartition(":")[::2]
            major, minor = (int(part, 16) for part in device.split(":"))
            if (os.makedev(major, minor), int(inode)) == (wanted.st_dev, wanted.st_ino) and fields[1] != "->":
                return f"process {fields[4]}: {_command(int(fields[4]))}"
    return "the system does not say which"


def _command(pid: int) -> str:
    with suppress(OSError):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        return shlex.join(os.fsdecode(word) for word in words if word)
    return "its command is not known"
