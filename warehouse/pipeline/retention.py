"""What a home keeps and for how long, and the removal of what it keeps no longer.

Most of it needs no one: a run keeps the last releases and removes the others, and it keeps the last refused runs. What
grows for ever are dated answers, each with a warehouse and a site of its own. Whoever asks for one a day fills the disk. They
can be made again at any time, because facts are never removed.

Documents of the archive are never removed. A figure can be followed to them, and the answer be made anew from them. Neither
is what a link leads to as today's answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from warehouse import files
from warehouse.paths import Paths
from warehouse.pipeline import publish
from warehouse.reports import later


@dataclass(frozen=True)
class Removed:
    """Something that is kept no longer; `frees_bytes` is what the disk gets back, as links share files."""

    path: Path
    why: str
    frees_bytes: int


def due(
    paths: Paths, now: datetime, *, releases: int, dated_days: float | None, refused_days: float | None
) -> Iterator[Removed]:
    """What these rules keep no longer. `releases` are those that no link leads to, the newest of which stay."""
    linked = publish.linked(paths)
    unlinked = sorted(path for path in paths.releases.glob("*") if path.resolve() not in linked)
    for path in unlinked[: len(unlinked) - releases]:
        yield Removed(path, f"not among the last {releases} before today's answer", _frees(path))
    if dated_days is not None:
        for link in sorted((paths.root / "as-of").glob("*")):
            if link.is_symlink() and _made(link.resolve()) < now - timedelta(days=dated_days):
                yield Removed(link, f"answered more than {dated_days:g} days ago", _frees(link.resolve()))
    if refused_days is not None:
        for path in sorted(paths.refused.glob("*")):
            if _made(path) < now - timedelta(days=refused_days):
                yield Removed(path, f"refused more than {refused_days:g} days ago", _frees(path))


def remove(paths: Paths, what: Removed) -> None:
    """Remove it. Only whoever holds the lock of the home may do this."""
    path = what.path
    if path.parent == paths.releases:
        publish.remove(paths, path)
    elif path.is_symlink():
        release = path.resolve()
        path.unlink()
        if release.parent == paths.releases.resolve() and release.is_dir() and release not in publish.linked(paths):
            publish.remove(paths, release)
    else:
        files.remove_folder(path)
    later.forget(paths.later, (each.name for each in paths.releases.iterdir()))


def _made(folder: Path) -> datetime:
    """When a run started, by the name of its folder; the time of the folder where the name does not say."""
    try:
        return datetime.strptime(folder.name[:15], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        pass
    try:
        return datetime.fromtimestamp(folder.stat().st_mtime, UTC)
    except OSError:  # a link that leads nowhere
        return datetime.min.replace(tzinfo=UTC)


def _frees(folder: Path) -> int:
    """What no other folder has a link to."""
    seen = [path.stat() for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return sum(each.st_size for each in seen if each.st_nlink == 1)
