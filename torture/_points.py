"""File operations of a child process as points at which something can happen to it.

Python tells its auditors of each file that is opened, renamed, linked or removed, before it is; syncing is told here. The
operations below one folder are numbered, from 1. Nothing waits for a disk: no power is ever cut in earnest.

At the chosen operation the child is killed (`kill`), or the operation fails (`fail`), or the power is cut: what was written
and not synced is lost although its name is there (`cut`), and names that were not synced are taken back, too, where
`names` says in which way (`_names`).
"""

from __future__ import annotations

import errno
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from torture._names import Names, Way

Manner = Literal["count", "kill", "fail", "cut"]
RENAMING = {"os.rename": 2, "os.link": 2, "os.symlink": 2}
CHANGING = {"os.remove", "os.mkdir", "os.rmdir", "os.chmod", "os.truncate", *RENAMING}
FOLDERS_AT = {"os.mkdir": 2, "os.chmod": 2}
"""At which argument the open folder stands that a path is relative to, where that is not right behind the paths."""
FREEING = {"os.remove", "os.rmdir"}
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
HANGS_AFTER_SECONDS = 1200.0


@dataclass
class Point:
    """What happens at which operation. `stays` has every later one fail, too, but for those that free space."""

    root: Path
    manner: Manner = "count"
    at: int = 0
    error: int = 0
    stays: bool = False
    spares_freeing: bool = False
    count: int = 0
    written: dict[str, int] = field(default_factory=dict)
    unsynced: dict[int, int] = field(default_factory=dict)
    busy: bool = False
    names: Way | None = None

    def arm(self) -> None:
        """From here on in this process, whatever it imports or starts in threads."""
        ftruncate = os.ftruncate

        def syncing(descriptor: int) -> None:
            number = descriptor if isinstance(descriptor, int) else descriptor.fileno()
            self._resolve()
            if self._is_below(os.readlink(f"/proc/self/fd/{number}")):
                self.reached("os.fsync")
            self.unsynced.pop(os.fstat(number).st_ino, None)
            self._known.synced(os.fstat(number).st_ino)

        def truncating(descriptor: int, length: int) -> None:
            self.reached("os.ftruncate")
            ftruncate(descriptor, length)

        os.fsync, os.ftruncate = syncing, truncating
        sys.addaudithook(self._audit)

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.busy or (event != "open" and event not in CHANGING):
            return
        if event == "open":
            path, mode, flags = arguments
            if not (flags or 0) & WRITES and not any(each in (mode or "") for each in "wax+"):
                return
            named = [os.fsdecode(path)] if isinstance(path, str | bytes | os.PathLike) else []
        else:
            named = _named(event, arguments)
        if not any(self._is_below(path) for path in named):
            return
        self._resolve()
        self.reached(event)
        if self.names is not None:
            self.busy = True
            self._known.before(event, [os.path.abspath(path) for path in named])
            self.busy = False
        if event == "open":
            self.written[named[0]] = self._kept(named[0], flags or 0)

    @cached_property
    def _known(self) -> Names:
        return Names(self.root, self.root.parent / f"{self.root.name}.stash")

    def _is_below(self, path: str) -> bool:
        return os.path.abspath(path).startswith(f"{self.root}/")

    def _kept(self, path: str, flags: int) -> int:
        """How many bytes of a file are on disk that is about to be opened: what was there, if it is added to."""
        try:
            found = os.stat(path)
        except OSError:
            return 0
        return 0 if flags & os.O_TRUNC else self.unsynced.get(found.st_ino, found.st_size)

    def _resolve(self) -> None:
        """Files that were opened to be written have their number by now, whatever name they get later."""
        for path, kept in list(self.written.items()):
            with suppress(OSError):
                self.unsynced[os.lstat(path).st_ino] = kept
            self.written.pop(path, None)

    def reached(self, event: str) -> None:
        self.count += 1
        if self.manner == "count" or self.count < self.at or (self.count > self.at and not self.stays):
            return
        if self.manner == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.manner == "cut":
            self.busy = True
            self._lose()
            if self.names is not None:
                self._known.forget(self.names, random.Random(self.at))
            os.kill(os.getpid(), signal.SIGKILL)
        if self.manner == "fail" and not (self.spares_freeing and event in FREEING):
            if self.error == errno.ENOMEM:
                raise MemoryError
            raise OSError(self.error, os.strerror(self.error))

    def _lose(self) -> None:
        for path in self.root.rglob("*"):
            with suppress(OSError):
                known = path.lstat()
                if known.st_ino in self.unsynced and path.is_file() and not path.is_symlink():
                    path.chmod(0o600)
                    os.truncate(path, min(known.st_size, self.unsynced[known.st_ino]))
                    path.chmod(known.st_mode)


def _named(event: str, arguments: tuple[Any, ...]) -> list[str]:
    """The paths that an operation names, those relative to an open folder, too."""
    count = RENAMING.get(event, 1)
    folders = arguments[FOLDERS_AT.get(event, count) :]
    named = []
    for number, path in enumerate(arguments[:count]):
        if isinstance(path, str | bytes | os.PathLike):
            at = folders[min(number, len(folders) - 1)] if folders and event != "os.truncate" else -1
            above = os.readlink(f"/proc/self/fd/{at}") if isinstance(at, int) and at >= 0 else ""
            named.append(os.path.join(above, os.fsdecode(path)))
    return named


@dataclass(frozen=True)
class Ended:
    """How a child ended: `killed`, or its exit code, and what it said."""

    killed: bool
    code: int
    said: str
    operations: int
    left: tuple[int, ...] = ()


def in_child(
    act: Callable[[], object],
    point: Point | None = None,
    *,
    killed_after_seconds: float | None = None,
    alone: bool = False,
) -> Ended:
    """Do something in a forked child, with a point armed; `code` is 0 where it went through, 1 where it raised.

    It is killed after so many seconds where it still lives. A child that is `alone` leads a session of its own, and what
    is left of that after its end is noted in `left`.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        code, said = 0, ""
        if alone:
            os.setsid()
        try:
            if point is not None:
                point.arm()
            act()
        except BaseException as error:
            code, said = 1, f"{type(error).__name__}: {error}"
        finally:
            operations = point.count if point else 0
            os.write(writing, f"{operations}\n{said}".encode()[:4000])
            os._exit(code)
    os.close(writing)
    status = _waited(child, killed_after_seconds)
    with os.fdopen(reading, "rb") as told:
        operations, _, said = told.read().decode(errors="replace").partition("\n")
    killed = os.WIFSIGNALED(status)
    left = of_session(child) if alone else ()
    return Ended(killed, 0 if killed else os.WEXITSTATUS(status), said, int(operations or 0), left)


def of_session(leader: int) -> tuple[int, ...]:
    """Processes that live of the session that a process led."""
    found = []
    for entry in os.scandir("/proc"):
        with suppress(OSError):
            if entry.name.isdecimal() and os.getsid(int(entry.name)) == leader and int(entry.name) != leader:
                found.append(int(entry.name))
    return tuple(found)


def _waited(child: int, killed_after_seconds: float | None) -> int:
    began = time.monotonic()
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status
        taken = time.monotonic() - began
        if taken > (HANGS_AFTER_SECONDS if killed_after_seconds is None else killed_after_seconds):
            os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
            if killed_after_seconds is None:
                raise AssertionError(f"a child hung for {HANGS_AFTER_SECONDS:g} s")
            return status
        time.sleep(0.0005)
