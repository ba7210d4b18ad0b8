"""Files that are never half there: how this project writes, appends to, links and replaces them.

A run can be killed at any moment, and other processes read meanwhile. So a file is written beside its place and then
renamed, which a file system does in one step. A line is added whole, under a lock that other processes respect.
"""

from __future__ import annotations

import codecs
import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from filelock import FileLock


@contextmanager
def temporary(folder: Path, name: str = "new") -> Iterator[Path]:
    """A path in `folder` that nothing uses; what is still there at the end is removed. Creates the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f".{name}.{os.getpid()}.{os.urandom(4).hex()}"
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def text(path: Path) -> str:
    """The text of a file that a person wrote: UTF-8, with a byte-order mark or without, or UTF-16 with one.

    Raises OSError, or UnicodeDecodeError where it is neither.
    """
    content = path.read_bytes()
    return content.decode("utf-16" if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig")


def write(path: Path, content: str | bytes) -> None:
    """Put `content` (text as UTF-8) at `path`, in place of what was there: all of it, or nothing changes."""
    with temporary(path.parent, path.name) as new:
        new.write_bytes(content.encode() if isinstance(content, str) else content)
        new.replace(path)


def point(link: Path, target: Path) -> None:
    """Make `link` a relative link to `target`, in one step, whatever it pointed at before."""
    with temporary(link.parent, link.name) as new:
        new.symlink_to(os.path.relpath(target, link.parent))
        new.replace(link)


def locked(path: Path) -> FileLock:
    """The lock of a file that grows by lines. Whoever holds it may `append` in the same thread."""
    from filelock import FileLock  # here only: it brings asyncio, and who only reads needs no lock

    return FileLock(path.with_suffix(".lock"), is_singleton=True)


def append(path: Path, line: str) -> None:
    """Add one line to the end of a file: whole and on disk, or not at all, whatever other processes add meanwhile.

    A line that a crash cut short stays as it is, and the new one starts below it.
    """
    if "\n" in line:
        raise ValueError(f"{path}: a line that is added must be one line")
    path.parent.mkdir(parents=True, exist_ok=True)
    with locked(path), path.open("a+b", buffering=0) as file:
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


def remove_folder(folder: Path) -> None:
    """Remove a folder, also one that nobody may write to. What cannot be removed stays."""
    with suppress(OSError):
        for path in (folder, *folder.rglob("*")):
            if path.is_dir() and not path.is_symlink():
                path.chmod(path.stat().st_mode | stat.S_IRWXU)
    shutil.rmtree(folder, ignore_errors=True)


_ANY_WRITE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
