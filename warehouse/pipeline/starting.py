"""What a run goes on from: the published answer where it is whole, else the last good one, else the archive.

A run copies the published warehouse and adds to it, so damage in it would be copied on for ever. So all its bytes are
hashed before they are copied. Where no release is whole, nothing is lost but the history of runs and checks. The archive
holds every document that was ever published, and the run reads them again, in their order.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from warehouse import storage
from warehouse.database import recovery, releases, seals
from warehouse.errors import DamagedError, UsageError
from warehouse.fetching.fetch_log import FetchLog
from warehouse.paths import WAREHOUSE, Paths
from warehouse.pipeline.context import Base, RunContext, Say
from warehouse.sources import all_sources
from warehouse.sources.common.source import Source
from warehouse.tables.runs import newest_published

ARCHIVE = "archive"
"""In place of a path to a copy: start from the archive alone."""


def base(paths: Paths, restore: str, say: Say) -> Base:
    """What a run goes on from. `restore` is ARCHIVE, or the path of a published copy that takes the place of everything.

    Whoever calls it holds the lock. Raises UsageError for a copy that is not one, DamagedError for one that is damaged.
    """
    if restore == ARCHIVE:
        return Base(restores=True)
    if restore:
        return Base(warehouse=_copy(Path(restore)))
    found = recovery.whole_to_the_last_byte(paths, say)
    release = found.current.resolve()
    if not recovery.was_published(paths):
        return Base(restores=bool(archived(paths)))
    if why := seals.damaged(release):
        say(f"{recovery.damaged(paths, why)} This run reads the archive again.")
        return Base(restores=True)
    broken = list(seals.damages(release))
    for damage in broken[:3]:
        say(f"{damage}. It is made anew.")
    with releases.reading(release / WAREHOUSE):  # raises where a later program wrote it
        return Base(release, None if broken else release, release / WAREHOUSE)


def restored(run: RunContext) -> list[Source]:
    """Sources whose documents a run loads again out of the archive: all that it holds any of, in a run that restores."""
    return archived(run.paths) if run.base.restores else []


def archived(paths: Paths) -> list[Source]:
    """Sources of which the archive holds documents that were published."""
    return [source for source in all_sources() if FetchLog(paths.raw, source.name).published()]


def kind_of_archive(paths: Paths) -> Literal["reference", "live"]:
    """Which kind of run makes the answer anew that the archive is of: live where a live source was ever published."""
    return "live" if any(source.kind == "live" for source in archived(paths)) else "reference"


def kind_of_copy(asked: Path) -> Literal["reference", "live"]:
    """Which kind of run a published copy is of. Raises as `base` does."""
    with releases.reading(_copy(asked)) as connection:
        row = connection.execute(newest_published("source")).fetchone()
    return "live" if row == ("live",) else "reference"


def _copy(asked: Path) -> Path:
    """The warehouse of a published copy: the file itself, or that of a release's folder."""
    file = asked.expanduser().absolute()
    file = (file / WAREHOUSE if file.is_dir() else file).resolve()
    if not file.is_file():
        raise UsageError(
            f"restore {asked}: there is no such file; give a copy of warehouse.duckdb, or a release's folder."
        )
    if why := seals.damaged(file.parent) if file.name == WAREHOUSE else "":
        raise DamagedError(f"{file}: this copy is damaged: {why}. Give another one.")
    with releases.reading(file) as connection:
        tables = {
            name
            for (name,) in connection.execute("SELECT schema_name || '.' || table_name FROM duckdb_tables()").fetchall()
        }
        if not {"provenance.runs", "provenance.documents"} <= tables:
            raise UsageError(f"restore {asked}: overbuild did not publish this database.")
        for table in sorted(tables):  # every value is read, and with it each block, whose checksum DuckDB compares
            try:
                connection.execute(f"SELECT bit_xor(hash(t)) FROM {table} AS t").fetchall()
            except Exception as error:
                raise storage.fault(error, file) or error from error
    return file
