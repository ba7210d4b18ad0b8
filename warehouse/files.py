"""Files that are never half there: how this project writes, appends to, links and replaces them.

A run can be killed at any moment, and other processes read meanwhile. So a file is written beside its place and then
renamed, which a file system does in one step. A line is added whole, under a lock that other processes respect.

The power can fail, too. A file system may keep a rename and lose what was renamed. So what gets a name is on disk before
it has it (`put`), and the name is on disk before whoever wrote it goes on.

What is not finished has a name that says whose it is. A killed process cannot remove it; the next one does (`sweep`).
"""

from __future__ import annotations

import codecs
import errno
import os
import re
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path

from warehouse import processes, stopping
from warehouse.processes import MARK


@contextmanager
def temporary(folder: Path, name: str = "new") -> Iterator[Path]:
    """A path in `folder` that nothing uses; what is there at the end, file or folder, is removed. Creates the folder."""
    create_folder(folder)
    path = folder / f".{name}.{processes.this()}.{os.urandom(4).hex()}"
    with stopping.last_act(lambda: _remove(path)):
        try:
            yield path
        finally:
            _remove(path)


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder outside the home, for files that live no longer than this process."""
    path = processes.temporary_name()
    path.mkdir(mode=0o700)
    with stopping.last_act(lambda: _remove(path)):
        try:
            yield path
        finally:
            _remove(path)


def sweep_temporary() -> list[Path]:
    """Remove such folders of processes that are gone: what killed queries had on disk. Gives what is gone."""
    return sweep(processes.temporary_root(), within=processes.TEMPORARY)


def sweep(folder: Path, within: str = ".") -> list[Path]:
    """Remove what processes left in a folder that ended before they were done; gives what is gone.

    What belongs to a living process stays, and so does what belongs to another machine's, for a day.
    """
    removed = []
    with suppress(OSError), os.scandir(folder) as found:
        for entry in found:
            if entry.name.startswith(within) and _is_left(entry):
                _remove(folder / entry.name)
                removed.append(folder / entry.name)
    return removed


def _is_left(entry: os.DirEntry[str]) -> bool:
    found = _UNFINISHED.search(entry.name)
    if found is None:
        return False
    owner = processes.read(found["owner"])
    if owner is None:
        return False
    if owner.is_here:
        return owner.is_gone
    try:
        return time.time() - entry.stat(follow_symlinks=False).st_mtime > _OTHERS_FINISH_WITHIN_SECONDS
    except OSError:
        return False


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        remove_folder(path)
    else:
        path.unlink(missing_ok=True)


def text(path: Path) -> str:
    """The text of a file that a person wrote: UTF-8, with a byte-order mark or without, or UTF-16 with one.

    Raises OSError, or UnicodeDecodeError where it is neither.
    """
    content = path.read_bytes()
    return content.decode("utf-16" if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig")


def write(path: Path, content: str | bytes) -> None:
    """Put `content` (text as UTF-8) at `path`, in place of what was there: all of it, or nothing changes."""
    with named(path), temporary(path.parent, path.name) as new:
        new.write_bytes(content.encode() if isinstance(content, str) else content)
        put(new, path)


def put(new: Path, path: Path) -> None:
    """Give a finished file, link or folder its name, in one step and for good, in place of the file or link of that name.

    A folder takes the place of nothing; what is in it is on disk before the folder has its name.
    """
    if not new.is_symlink():
        _sync_folder(new) if new.is_dir() else sync(new)
    new.replace(path)
    sync(path.parent)


@contextmanager
def named(path: Path) -> Iterator[None]:
    """An error of a file that is open does not say which file: here it does."""
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno is not None:
            error.filename = str(path)
        raise


def sync(path: Path) -> None:
    """Have a file, or the list of names in a folder, on disk before going on."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except PermissionError:  # only a system that cannot open folders: it keeps names by itself
        if path.is_dir():
            return
        raise
    try:
        with named(path):
            os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # a file system that keeps nothing on disk
            raise
    finally:
        os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    """The same for a folder and all that is in it."""
    wanted = [folder, *(path for path in folder.rglob("*") if not path.is_symlink())]
    from concurrent.futures import ThreadPoolExecutor  # here only: queries need none

    # One after the other, each waits for the disk; together they take a tenth of that.
    with ThreadPoolExecutor(_SYNCED_AT_ONCE) as pool:
        list(pool.map(sync, wanted))


def create_folder(folder: Path) -> None:
    """Make a folder, and those above it, that is there for good."""
    if folder.is_dir():
        return
    create_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync(folder.parent)


def sha256(path: Path) -> str:
    """The SHA-256 of a file, read in pieces. Raises OSError."""
    import hashlib  # here only: a query needs none

    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def point(link: Path, target: Path) -> None:
    """Make `link` a relative link to `target`, in one step, whatever it pointed at before."""
    with temporary(link.parent, link.name) as new:
        new.symlink_to(os.path.relpath(target, link.parent))
        put(new, link)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of a file that grows by lines. Whoever holds it may `append` in the same thread.

    Raises UsageError where another process holds it for a minute (`warehouse.turns`).
    """
    from filelock import FileLock  # here only: it brings asyncio, and who only reads needs no lock

    from warehouse import turns

    with turns.taken(FileLock(path.with_suffix(".lock"), is_singleton=True), str(path)):
        yield


def append(path: Path, line: str) -> None:
    """Add one line to the end of a file: whole and on disk, or not at all, whatever other processes add meanwhile.

    A line that a crash cut short stays as it is, and the new one starts below it.
    """
    if "\n" in line:
        raise ValueError(f"{path}: a line that is added must be one line")
    path.parent.mkdir(parents=True, exist_ok=True)
    with named(path), locked(path), path.open("a+b", buffering=0) as file:
        size = file.seek(0, os.SEEK_END)
        added = b"\n" * _is_cut(file, size) + line.encode() + b"\n"
        try:
            if file.write(added) != len(added):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
            os.fsync(file.fileno())
        except BaseException:
            os.ftruncate(file.fileno(), size)
            raise


def _is_cut(file: FileIO, size: int) -> bool:
    """Whether the last line of an open file lacks its end."""
    if not size:
        return False
    file.seek(size - 1)
    return file.read(1) != b"\n"


def link(source: str, target: str) -> None:
    """A file that no longer changes, in a second folder: the same file where the file system can, else a copy."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def clone(source: Path, target: Path) -> bool:
    """A copy of a file that will be changed, at a path where nothing is; gives whether it shares the blocks of the first.

    Where the file system can (Btrfs, XFS, bcachefs), the copy takes no space and no time whatever its size: both files
    have the same blocks until one of them is written. Elsewhere (ext4, tmpfs) each byte is copied.

    A warehouse is copied so for each run. Facts in segments of their own, which no run rewrites, would spare the copy
    everywhere. But then what is published would be several files, and any program could no longer open one that has
    everything in it. To copy costs less than to hash the same file, which a run does before it goes on from it.
    """
    with source.open("rb") as read, target.open("xb") as written:
        try:
            import fcntl

            fcntl.ioctl(written.fileno(), _FICLONE, read.fileno())
            return True
        except (ImportError, OSError):  # not this system, not this file system, or not two files of one
            pass
    shutil.copyfile(source, target)
    return False


_FICLONE = 0x40049409
"""Linux: make a file of the blocks of another one (ioctl_ficlone(2))."""


def link_folder(source: Path, target: Path) -> None:
    """A folder whose files no longer change, in a second place: its files are linked, and its folders can be added to."""
    shutil.copytree(source, target, copy_function=link)
    for folder in (target, *(path for path in target.rglob("*") if path.is_dir())):
        folder.chmod(folder.stat().st_mode | stat.S_IWUSR)


def make_read_only(folder: Path) -> None:
    """Take the right to write from everything in a folder, not yet from the folder itself: it may still be moved."""
    for path in folder.rglob("*"):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & ~_ANY_WRITE)


def close_folder(folder: Path) -> None:
    """Take the right to write from a folder alone: nothing is added to it, renamed in it or removed from it."""
    folder.chmod(folder.stat().st_mode & ~_ANY_WRITE)


def open_folder(folder: Path) -> None:
    """Give its owner the right to write to a folder back: without it, it cannot be moved to another one."""
    folder.chmod(folder.stat().st_mode | stat.S_IWUSR)


def remove_folder(folder: Path) -> None:
    """Remove a folder, also one that nobody may write to. What cannot be removed stays."""
    with suppress(OSError):
        for path in (folder, *folder.rglob("*")):
            if path.is_dir() and not path.is_symlink():
                path.chmod(path.stat().st_mode | stat.S_IRWXU)
    shutil.rmtree(folder, ignore_errors=True)


_UNFINISHED = re.compile(rf"(?P<owner>{MARK})\.[0-9a-f]{{8}}$")
_OTHERS_FINISH_WITHIN_SECONDS = 86_400
_SYNCED_AT_ONCE = 8
_ANY_WRITE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
