"""Where everything is under OVERBUILD_HOME.

current -> releases/RUN     the published answer: one link, switched whole
warehouse.duckdb, site, quality, export -> current/...
as-of/DATE -> releases/RUN  the same for a dated run
raw/                        documents as received, by their hash
releases/RUN/               warehouse.duckdb, site/, quality/, export/ of a run
refused/RUN/                what a refused run found: results, quarantine, quality pages
later/RUN/                  what the pages of a release are told of later runs that were refused
work/                       what a run is building; removed when it ends
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from warehouse.errors import UsageError
from warehouse.home import Places, places

if TYPE_CHECKING:  # checking settings takes as long as importing DuckDB, and a query needs only two of them
    from warehouse.settings import Settings

WAREHOUSE, SITE, QUALITY, EXPORT = "warehouse.duckdb", "site", "quality", "export"
CURRENT = "current"
FETCHES = "fetches"
"""Folder in `raw` of what is remembered of each source's fetches and turns."""
LAKE, LAKE_STATE = "ducklake:", "lake.json"
"""How the address of a warehouse begins that several machines share (`warehouse.database.lake`)."""


@dataclass(frozen=True)
class Paths:
    """Paths of one OVERBUILD_HOME; `warehouse` is the name that users open.

    `standing` is a release that is read in place of the published one, where that is damaged and cannot be replaced.
    """

    root: Path
    warehouse: Path
    standing: Path | None = None
    lake: str = field(default="", repr=False)
    """The address of the lake where this home publishes, with what it may hold of credentials; '' for a warehouse of its own.

    `warehouse` is then this home's own copy. Readers of the published answer open the lake.
    """

    @property
    def raw(self) -> Path:
        return self.root / "raw"

    @property
    def current(self) -> Path:
        return self.standing or self.root / CURRENT

    @property
    def releases(self) -> Path:
        return self.root / "releases"

    @property
    def refused(self) -> Path:
        return self.root / "refused"

    @property
    def later(self) -> Path:
        return self.root / "later"

    @property
    def work(self) -> Path:
        return self.root / "work"

    @property
    def lock(self) -> Path:
        return self.root / ".lock"

    def dated(self, as_of: date) -> Path:
        return self.root / "as-of" / as_of.isoformat()

    def published(self, as_of: date | None = None) -> Path:
        """Folder of the published answer, or of a dated one."""
        return self.dated(as_of) if as_of else self.current


def paths_here() -> Paths:
    """The paths of the OVERBUILD_HOME that is set. Raises UsageError as `paths_of` and the settings do."""
    if (found := places()) is not None:
        return paths_of(found)
    from warehouse.settings import load_settings

    return paths_of(load_settings())


def paths_of(settings: Settings | Places) -> Paths:
    """Paths by the settings. Raises UsageError for a kind of warehouse that is not supported."""
    asked = settings.warehouse
    root = settings.home.expanduser().absolute()
    if asked and asked.startswith(LAKE):
        return Paths(root, root / WAREHOUSE, lake=asked)
    if asked and (kind := asked.split(":", 1)[0]) in ("postgres", "postgresql", "md", "s3"):
        raise UsageError(
            f"OVERBUILD_WAREHOUSE={kind}:...: give a path to a DuckDB file, or the address of a lake, as "
            "ducklake:postgres:dbname=lake host=db.example.org."
        )
    return Paths(root, Path(asked).expanduser().absolute() if asked else root / WAREHOUSE)


def create_folders(paths: Paths) -> None:
    """Create the folders. Raises UsageError where they cannot be written."""
    from warehouse import files  # here only: a query writes nothing

    try:
        for folder in (
            paths.raw,
            paths.releases,
            paths.refused,
            paths.work,
            paths.root / "as-of",
            paths.warehouse.parent,
        ):
            files.create_folder(folder)
        _sweep(paths)
        with files.temporary(paths.work, "writable") as probe:
            probe.write_bytes(b"")
    except OSError as error:
        raise UsageError(
            f"OVERBUILD_HOME={paths.root}: this folder cannot be written ({error.strerror}: {error.filename}). "
            "Set OVERBUILD_HOME to a folder that you can write."
        ) from error
    _require_links(paths)
    if paths.warehouse.exists() and not paths.warehouse.is_symlink():
        raise UsageError(
            f"{paths.warehouse}: there is a file here that overbuild did not publish. Move it away, or set "
            "OVERBUILD_WAREHOUSE to another path."
        )


def _require_links(paths: Paths) -> None:
    """Raises UsageError for a folder or file where publication would switch a link: a copy that followed links leaves one."""
    names = (*(paths.root / name for name in (CURRENT, SITE, QUALITY, EXPORT)), *(paths.root / "as-of").iterdir())
    for path in names:
        if os.path.lexists(path) and not path.is_symlink():
            restored = (
                ""
                if path.name in (SITE, QUALITY, EXPORT)
                else (" To go on from the answer that it holds: overbuild restore, with the path where it then is.")
            )
            raise UsageError(
                f"{path}: this is a {'folder' if path.is_dir() else 'file'} where overbuild keeps a link to what it published; "
                f"copying a home in a way that follows links makes one. Move it away, and run again.{restored}"
            )


def _sweep(paths: Paths) -> None:
    """Remove what processes left unfinished that are gone. Nothing is written into a release, so nothing is left there."""
    from warehouse import files

    files.sweep_temporary()
    later = paths.later.iterdir() if paths.later.is_dir() else ()
    for folder in (paths.root, *paths.root.iterdir(), *later, paths.raw / FETCHES):
        if folder.is_dir() and not folder.is_symlink() and folder not in (paths.releases, paths.refused):
            files.sweep(folder)
