"""Publication: everything together, or nothing.

A run builds its warehouse, site and quality pages in a folder of its own. Publishing is one rename of one link, so that a
reader sees the last good answer or the new one; whoever has the old file open goes on reading it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from filelock import FileLock, Timeout

from warehouse import files
from warehouse.paths import QUALITY, SITE, WAREHOUSE, Home

KEPT_RELEASES = 3


@contextmanager
def one_at_a_time(home: Home, say_waiting: str, say) -> Iterator[None]:
    """Hold the home's lock; where another run has it, say so once and wait for it to end."""
    lock = FileLock(home.lock)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        say(say_waiting)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def busy(home: Home) -> bool:
    """Whether a run is at work in this home."""
    lock = FileLock(home.lock)
    try:
        with lock.acquire(timeout=0):
            return False
    except Timeout:
        return True


def publish(home: Home, built: Path, run_id: str, as_of: date | None) -> Path:
    """Move what a run built to the releases and switch the link to it; gives the release.

    With `as_of` the link is that date's own, and today's answer stays as it is.
    """
    release = home.releases / run_id
    os.replace(built, release)
    files.point(home.published(as_of), release)
    if as_of is None:
        for name in (SITE, QUALITY):
            if not (home.root / name).is_symlink():
                files.point(home.root / name, home.current / name)
        if not home.warehouse.is_symlink() or home.warehouse.resolve() != (home.current / WAREHOUSE).resolve():
            files.point(home.warehouse, home.current / WAREHOUSE)
    _forget_old(home)
    return release


def _forget_old(home: Home) -> None:
    """Remove releases that no link points at, but for the last few: a reader may just be opening one."""
    linked = {link.resolve() for link in (home.current, *(home.root / "as-of").iterdir()) if link.is_symlink()}
    unlinked = sorted(path for path in home.releases.iterdir() if path.resolve() not in linked)
    for path in unlinked[:-KEPT_RELEASES]:
        shutil.rmtree(path, ignore_errors=True)
