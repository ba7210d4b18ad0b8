"""Which process something belongs to, and whether that process still lives.

A number alone does not name a process: after a while the system gives it to another. So a process is its number, the
moment at which it started and the machine that it runs on. What a killed run left behind is known by that, and what a
living one holds is never taken from it.
"""

from __future__ import annotations

import os
import re
import zlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

TEMPORARY = "overbuild-"
MARK = r"(?P<pid>[0-9]{1,10})-(?P<started>[0-9]{0,20})-(?P<host>[0-9a-f]{8})"


@dataclass(frozen=True)
class Process:
    """A process: `pid`, `started` in ticks of the machine's clock ('' where it does not say), `host` as eight digits."""

    pid: int
    started: str
    host: str

    def __str__(self) -> str:
        return f"{self.pid}-{self.started}-{self.host}"

    @property
    def is_here(self) -> bool:
        """Whether it is a process of this machine; of another one nothing can be told."""
        return self.host == _host()

    @property
    def is_gone(self) -> bool:
        """Whether it ran on this machine and has ended; where that cannot be known, it may live."""
        if not self.is_here:
            return False
        now = started(self.pid)
        return now is None or ("" not in (now, self.started) and now != self.started)


def this() -> Process:
    """The process that asks."""
    return _this(os.getpid())


def of(pid: int) -> Process:
    """A process of this machine that lives."""
    return Process(pid, started(pid) or "", _host())


@cache
def _this(pid: int) -> Process:
    return of(pid)


def read(text: str) -> Process | None:
    """The process that a text names as `str` of one writes it; None where it names none."""
    found = re.fullmatch(MARK, text)
    return Process(int(found["pid"]), found["started"], found["host"]) if found else None


def started(pid: int) -> str | None:
    """When a process of this machine started; '' where the system does not say, None where there is no such process."""
    try:
        said = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return "" if _answers(pid) else None
    # The name of the program stands in brackets and may hold anything; the start is the 20th field after it.
    state, *fields = said.rpartition(")")[2].split()
    return None if state in "ZX" else fields[18]


def _answers(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):  # no system has processes of such numbers
        return False
    except OSError:
        return True
    return True


def temporary_root() -> Path:
    """The folder outside the home for what lives no longer than the process that makes it."""
    return Path(os.environ.get("TMPDIR") or "/tmp")


def temporary_name() -> Path:
    """A name there that nothing has, and that says whose it is: whoever cleans up knows whether that process lives."""
    return temporary_root() / f"{TEMPORARY}{this()}.{os.urandom(4).hex()}"


@cache
def _host() -> str:
    return f"{zlib.crc32(os.uname().nodename.encode()):08x}"
