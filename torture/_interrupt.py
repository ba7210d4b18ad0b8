"""Interrupts a scene at one of its file operations, looks, does it once more, and looks again."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torture._points import Ended, Point, in_child
from torture._scenes import Scene, paths_in
from warehouse import files

MEMORY = "/dev/shm"
"""A folder in memory, where there is one: nothing of this has to last."""


@dataclass(frozen=True)
class Kind:
    """A kind of harm: how a point is made of the number of an operation."""

    name: str
    what: str
    point: Callable[[Path, int], Point]


KINDS = (
    Kind("kills", "SIGKILL before a file operation", lambda root, at: Point(root, "kill", at)),
    Kind("power cuts", "power cut before a file operation", lambda root, at: Point(root, "cut", at)),
    *(
        Kind(f"power cuts, {way}", f"power cut; {said}", lambda root, at, way=way: Point(root, "cut", at, names=way))  # type: ignore[misc]
        for way, said in (
            ("all", "names that were not synced are forgotten"),
            ("last", "the last names that were not synced are forgotten"),
            ("both", "what was renamed and not synced has both names"),
        )
    ),
    Kind(
        "full disk",
        "ENOSPC from a file operation on; only removing still works",
        lambda root, at: Point(root, "fail", at, errno.ENOSPC, stays=True, spares_freeing=True),
    ),
    Kind("i/o errors", "EIO at one file operation", lambda root, at: Point(root, "fail", at, errno.EIO)),
    Kind("memory", "MemoryError at one file operation", lambda root, at: Point(root, "fail", at, errno.ENOMEM)),
    Kind(
        "read-only",
        "EROFS from a file operation on",
        lambda root, at: Point(root, "fail", at, errno.EROFS, stays=True),
    ),
)


@contextmanager
def prepared(scene: Scene) -> Any:
    """A folder with the home of a scene as it is before its act, and a way to make it so again."""
    folder = Path(tempfile.mkdtemp(prefix="torture-", dir=MEMORY if os.path.isdir(MEMORY) else None))
    kept, here = folder / "kept", folder / "here"
    try:
        kept.mkdir()
        made = in_child(lambda: scene.before(paths_in(kept)))
        if made.code:
            raise AssertionError(f"{scene.name}: cannot be prepared: {made.said}")

        def afresh() -> Path:
            files.remove_folder(here)
            files.remove_folder(folder / "here.stash")
            shutil.copytree(kept, here, symlinks=True)
            return here

        yield afresh
    finally:
        files.remove_folder(folder)


def interrupted(scene: Scene, afresh: Callable[[], Path], kind: Kind, at: int) -> str | None:
    """Interrupt a scene once; gives what was found, None where all held."""
    here = afresh()
    paths = paths_in(here)
    point = kind.point(here, at)
    ended = in_child(lambda: scene.act(paths), point)
    if (unforeseen := _unforeseen(ended, point)) is not None:
        return unforeseen
    looked = in_child(lambda: _look(scene, here))
    return looked.said if looked.killed or looked.code else None


def at_a_moment(scene: Scene, afresh: Callable[[], Path], seconds: float) -> str | None:
    """Kill a scene after so long, wherever it then is: in the middle of a write, or between two threads that sync."""
    here = afresh()
    ended = in_child(lambda: scene.act(paths_in(here)), killed_after_seconds=seconds, alone=True)
    if ended.code or ended.left:
        return ended.said or f"processes are left: {ended.left}"
    looked = in_child(lambda: _look(scene, here))
    return looked.said if looked.killed or looked.code else None


def takes(scene: Scene, afresh: Callable[[], Path]) -> float:
    """How many seconds a scene takes in a child."""
    here, began = afresh(), time.monotonic()
    in_child(lambda: scene.act(paths_in(here)))
    return time.monotonic() - began


def _look(scene: Scene, here: Path) -> None:
    """What must hold of a home that was interrupted, and after the same is done once more."""
    paths = paths_in(here)
    os.fsync = lambda _: None  # in a child of its own: nothing waits for a disk here
    scene.holds(paths, False)
    try:
        scene.act(paths)
    except Exception as error:
        raise AssertionError(f"it cannot be done again: {type(error).__name__}: {error}") from error
    scene.holds(paths, True)


def _unforeseen(ended: Ended, point: Point) -> str | None:
    """An error that is injected comes out as one of the system or of ours, or what was done could do without it."""
    if point.manner != "fail" or not ended.code:
        return None
    known = ("MemoryError", "OSError", "PermissionError", "UsageError", "OverbuildError", "Error: [(", "Error")
    return None if ended.said.split(":")[0].endswith(known) else f"an unforeseen error: {ended.said}"


def operations(scene: Scene, afresh: Callable[[], Path]) -> int:
    here = afresh()
    counted = in_child(lambda: scene.act(paths_in(here)), Point(here))
    if counted.code:
        raise AssertionError(f"{scene.name}: fails by itself: {counted.said}")
    return counted.operations
