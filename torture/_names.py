"""Names in folders that a power cut may take back: what was created, renamed, linked or removed and never synced.

A name is on disk once its folder was synced. Until then a file system may forget it: a new file has no name, a renamed one
has its old name back, a removed one is there again. Which of them it forgets, no standard says. Most keep an order and
forget the last ones; some have both names of a renamed file. Each is a way (`WAYS`). A folder cannot have two names: in
the last way it has its old one again, and what was removed from it stays away.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Way = Literal["all", "last", "both"]
WAYS: tuple[Way, ...] = ("all", "last", "both")
"""All unsynced names are forgotten, the last ones alone, or renamed files have both names."""


@dataclass
class Change:
    """A change of names that is not on disk; `folders` are those (by inode) that are still to be synced."""

    kind: Literal["added", "removed", "renamed"]
    folders: set[int]
    place: tuple[int, str]
    source: tuple[int, str] | None = None
    kept: Path | int | None = None
    """What was there before: a file or link that is kept elsewhere, or the inode of a folder."""


@dataclass
class Names:
    """Changes of names below one folder, in their order. `stash` is a folder beside it for files that are removed."""

    root: Path
    stash: Path
    changes: list[Change] = field(default_factory=list)
    kept: int = 0

    def before(self, event: str, paths: list[str]) -> None:
        """Note what is about to be done to paths below the root. Nothing here may fail."""
        with suppress(OSError):
            last = paths[-1]
            match event:
                case "open" | "os.mkdir" | "os.symlink" | "os.link":
                    if not os.path.lexists(last):
                        self.changes.append(Change("added", {_folder(last)}, _place(last)))
                case "os.remove" | "os.rmdir":
                    self.changes.append(Change("removed", {_folder(last)}, _place(last), kept=self._keep(last)))
                case "os.rename":
                    source, folders = paths[0], {_folder(paths[0]), _folder(last)}
                    self.changes.append(Change("renamed", folders, _place(last), _place(source), self._keep(last)))

    def _keep(self, path: str) -> Path | int | None:
        if not os.path.lexists(path):
            return None
        if os.path.isdir(path) and not os.path.islink(path):
            return os.stat(path).st_ino
        self.stash.mkdir(exist_ok=True)
        self.kept += 1
        kept = self.stash / str(self.kept)
        os.link(path, kept, follow_symlinks=False)
        return kept

    def synced(self, folder: int) -> None:
        """A folder (by its inode) was synced: its names are on disk. A rename is, once the folder of its new name is."""
        for change in self.changes:
            if folder == change.place[0]:
                change.folders.clear()
            change.folders.discard(folder)
        self.changes = [change for change in self.changes if change.folders]

    def forget(self, way: Way, chance: random.Random) -> None:
        """Take back what was not synced."""
        known = {os.stat(top).st_ino: top for top, _, _ in os.walk(self.root)} | {
            os.stat(self.root).st_ino: str(self.root)
        }
        last = self.changes if way != "last" else self.changes[chance.randint(0, len(self.changes)) :]
        for change in reversed(last):
            with suppress(OSError, KeyError):
                _writable(known[change.place[0]], lambda c=change: _undo(c, known, both=way == "both"))  # type: ignore[misc]


def _undo(change: Change, known: dict[int, str], *, both: bool) -> None:
    path = os.path.join(known[change.place[0]], change.place[1])
    if change.kind == "renamed":
        assert change.source is not None
        source = os.path.join(known[change.source[0]], change.source[1])
        if os.path.lexists(source) or not os.path.lexists(path):
            return
        if both and not os.path.isdir(path):
            os.link(path, source, follow_symlinks=False)
            return
        os.rename(path, source)
        for inode, where in list(known.items()):
            if where == path or where.startswith(f"{path}/"):
                known[inode] = source + where[len(path) :]
        _put_back(change.kept, path, known)
    elif both:
        return
    elif change.kind == "added":
        shutil.rmtree(path) if os.path.isdir(path) and not os.path.islink(path) else os.unlink(path)
    elif not os.path.lexists(path):
        _put_back(change.kept, path, known)


def _put_back(kept: Path | int | None, path: str, known: dict[int, str]) -> None:
    if isinstance(kept, int):
        os.mkdir(path)
        known[kept] = path
    elif isinstance(kept, Path):
        os.link(kept, path, follow_symlinks=False)


def _writable(folder: str, act: Callable[[], Any]) -> None:
    mode = os.stat(folder).st_mode
    os.chmod(folder, mode | 0o700)
    try:
        act()
    finally:
        if os.path.isdir(folder):
            os.chmod(folder, mode)


def _folder(path: str) -> int:
    return os.stat(os.path.dirname(path)).st_ino


def _place(path: str) -> tuple[int, str]:
    return _folder(path), os.path.basename(path)
