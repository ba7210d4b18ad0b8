"""What takes the place of a published answer that is damaged: the last good release, for every reader at once.

A reader that finds the published file changed, cut short or gone does not end there. Releases before it are kept, and the
newest whole one becomes the published answer again. One link is switched, as in publication, so people, pages and programs
see the same. Whoever may not switch it reads that release all the same. Where no release is whole, the answer is made anew
from the archive, which a run does (`warehouse.pipeline.workspace`).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import date
from pathlib import Path

from warehouse import files
from warehouse.database import seals
from warehouse.errors import DamagedError
from warehouse.paths import SITE, WAREHOUSE, Paths

REBUILD = "Make it anew from the archive: overbuild restore"


def whole(paths: Paths, say: Callable[[str], None]) -> Paths:
    """The same paths, once the published answer is whole again where another release can take its place."""
    if paths.standing is None and was_published(paths) and (why := seals.fault(paths.current)):
        return _replaced(paths, why, say)
    return paths


def whole_to_the_last_byte(paths: Paths, say: Callable[[str], None]) -> Paths:
    """The same where all bytes are hashed: for a run, which copies them, and after a query that met damage."""
    if was_published(paths) and (why := seals.damaged(paths.current)):
        return _replaced(paths, why, say)
    return paths


def was_published(paths: Paths) -> bool:
    """Whether something was ever published here, even where it is gone."""
    if os.path.lexists(paths.current):
        return True
    return (paths.root / SITE).is_symlink() and seals.newest_good(paths) is not None  # else a first run was killed


def require(paths: Paths, as_of: date | None = None) -> None:
    """Raises DamagedError where the published answer, or a dated one, is damaged and nothing took its place."""
    if why := seals.fault(paths.published(as_of)):
        raise damaged(paths, why, as_of)


def damaged(paths: Paths, why: str, as_of: date | None = None) -> DamagedError:
    path = paths.published(as_of) / WAREHOUSE
    return DamagedError(f"{path}: the published warehouse is damaged: {why}. No release before it is whole. {REBUILD}")


def _replaced(paths: Paths, why: str, say: Callable[[str], None]) -> Paths:
    good = seals.newest_good(paths)
    if good is None:
        return paths
    say(
        f"{paths.current / WAREHOUSE}: the published warehouse is damaged: {why}. The last good answer takes its place: "
        f"run {good.name}. `overbuild run` brings it up to date."
    )
    return paths if _switched(paths, good) else replace(paths, standing=good)


def _switched(paths: Paths, release: Path) -> bool:
    """Make a release the published one; False where a run is at work, which publishes its own, or nobody may write here."""
    from filelock import FileLock, Timeout

    with suppress(OSError, Timeout), FileLock(paths.lock).acquire(timeout=0):
        files.point(paths.current, release)
        return True
    return False
