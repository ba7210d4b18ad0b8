"""What a refused run found is kept beside the published answer, which it did not touch, and joins the history later.

A run that the checks refuse publishes nothing, so its results cannot stand in the published warehouse. They are the most
needed of all: they say what is wrong. So they lie in files until the next run takes them into its warehouse.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from warehouse import files
from warehouse.database import seals
from warehouse.database.store import Store
from warehouse.errors import RefusedError
from warehouse.paths import QUALITY, SITE
from warehouse.pipeline import record
from warehouse.pipeline.context import RunContext, Say
from warehouse.pipeline.publish import write_quality_page
from warehouse.reports import later
from warehouse.tables import SYSTEM
from warehouse.tables.table import Table

KEPT_REFUSED = 10
_HISTORY = ("results", "quarantine", "runs", "source_runs", "measures")


@dataclass(frozen=True)
class Kept:
    """The page that shows what a refused run found, and the quarantined rows that wait for a decision."""

    page: Path
    waiting: tuple[dict[str, Any], ...]


def keep(
    store: Store, run: RunContext, error: RefusedError, as_of: date, added: Mapping[str, int], built: Iterable[str]
) -> Kept:
    """Keep what a refused run found. `added` and `built` are how far it came: new rows by table, and marts."""
    folder, new = run.paths.refused / run.run_id, run.folder / "refused"
    new.mkdir()
    record.record_run(store, run, "refused", as_of)
    record.record_measures(store, run, added, built)
    for name in _HISTORY:
        found = store.frame(f"SELECT * FROM {SYSTEM[name].full_name} WHERE run_id = ?", [run.run_id])
        SYSTEM[name].conform(found).write_parquet(new / f"{name}.parquet")
    (new / later.MESSAGE).write_text(f"{error}\n", encoding="utf-8")
    pages = run.release / QUALITY
    if pages.exists():
        pages.replace(new / QUALITY)
    waiting = write_quality_page(store, run, new, str(error))
    seals.write(new, run.run_id, run.asked_as_of)
    files.put(new, folder)  # all of it at once: the next run takes up what lies there
    _tell_published(run, folder)
    for old in sorted(run.paths.refused.iterdir())[:-KEPT_REFUSED]:
        shutil.rmtree(old, ignore_errors=True)
    return Kept(folder / SITE / "quality.html", tuple(waiting))


def _tell_published(run: RunContext, folder: Path) -> None:
    """Let the published answer link to this refusal. What cannot be told there is still said of the run itself."""
    release = run.paths.published(run.asked_as_of)
    if release.exists():
        with suppress(OSError):
            later.refused(run.paths.later, release.resolve(), folder, run.started_at)


def take_up(store: Store, run: RunContext, say: Say) -> None:
    """Bring what earlier refused runs found into the history of this warehouse, once; a damaged part is said and left out."""
    known = {run_id for (run_id,) in store.execute("SELECT run_id FROM provenance.runs").fetchall()}
    for folder in sorted(run.paths.refused.iterdir()):
        if folder.name not in known and (folder / "runs.parquet").exists():
            for name in _HISTORY:
                file = folder / f"{name}.parquet"
                if file.exists():
                    found, why = _read(file, SYSTEM[name])
                    if found is None:
                        say(f"{file}: cannot be read ({why}), and the history goes on without it. Remove {folder}.")
                    else:
                        store.append(SYSTEM[name], found)


def _read(file: Path, table: Table) -> tuple[pl.DataFrame | None, str]:
    """What a refused run kept, or why it cannot be read. Its seal tells first: of some damage, the reader panics."""
    if why := seals.fault_of_part(file):
        return None, why
    try:
        return table.conform(pl.read_parquet(file)), ""
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, ValueError) as error:
        return None, (str(error).splitlines() or [""])[0]
