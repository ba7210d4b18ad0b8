"""What is recorded of a run in the warehouse itself: its row in `provenance.runs`, and what it measured of each table.

The row says what the answer was made with: the program, its libraries, the assumptions. So a later run knows whether it
would come to the same answer.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from functools import cache
from importlib import metadata, resources
from pathlib import Path
from typing import Any

import polars as pl

from warehouse import __version__, marts
from warehouse.database import releases
from warehouse.database.connection import ALIAS
from warehouse.database.store import Store
from warehouse.paths import WAREHOUSE
from warehouse.pipeline.context import RunContext
from warehouse.quality import decisions, measures
from warehouse.tables import CORE, SYSTEM


def record_run(store: Store, run: RunContext, outcome: str, as_of: date) -> None:
    row = {
        "run_id": run.run_id,
        "started_at": run.started_at,
        "finished_at": datetime.now(UTC),
        "source": run.source,
        "as_of": min(as_of, run.today),
        "outcome": outcome,
        "versions": json.dumps(made_with(run)),
    }
    store.append(SYSTEM["runs"], pl.DataFrame([row], schema=SYSTEM["runs"].polars_schema))


def record_quarantined(store: Store, run: RunContext, rows: pl.DataFrame) -> int:
    """Write rows of `quality.quarantine`, but for those that a person decided about; gives how many."""
    undecided = rows.filter(~pl.col("row_id").is_in(list(decisions.in_force(run.decisions))))
    store.append(SYSTEM["quarantine"], undecided)
    return undecided.height


def record_measures(store: Store, run: RunContext, added: Mapping[str, int], built: Iterable[str]) -> None:
    """Record rows, gaps and ages of the tables of core and of the marts that were built; `added` are new rows."""
    quarantined = "SELECT table_name, count(*) FROM quality.quarantine WHERE run_id = ? GROUP BY 1"
    names = set(built)
    tables = [mart.table for name, mart in marts.all_marts().items() if name in names]
    found = measures.measure(
        store.connection,
        [*CORE.values(), *tables],
        run_id=run.run_id,
        today=run.today,
        added={f"core.{name}": count for name, count in added.items()},
        quarantined=dict(store.execute(quarantined, [run.run_id]).fetchall()),
    )
    store.append(SYSTEM["measures"], found)


def record_changes(store: Store, run: RunContext, *, carried_over: bool = False) -> int:
    """Record what this run changed against the published answer, once the run itself is recorded; gives how many rows.

    A first run has nothing to be compared with, and a dated answer is no successor of today's. An answer that was carried
    over is that of the run before, so its marts are not compared.
    """
    if run.asked_as_of is not None or run.base.release is None:
        return 0
    from warehouse.reports import changes  # needed here only
    from warehouse.reports.diff import Comparison

    with releases.beside(store.connection, run.base.release / WAREHOUSE):
        rows = changes.kept(Comparison(store.connection, after=ALIAS, marts=() if carried_over else None))
    table = SYSTEM["changes"]
    store.append(table, pl.DataFrame(rows, schema=table.polars_schema))
    return len(rows)


def made_with(run: RunContext) -> dict[str, Any]:
    """The program, its libraries and the assumptions: what an answer is made with, beside the facts."""
    return {
        **program(),
        "assumptions_sha256": run.assumptions.sha256,
        "assumptions_overridden": list(run.assumptions.overridden),
    }


def program() -> dict[str, str]:
    """The program and its libraries, by their versions and a hash of the program's files."""
    return {**_versions(), "program_sha256": _program()}


@cache
def _versions() -> dict[str, str]:
    packages = ("prefect", "great-expectations", "duckdb", "polars", "numpy", "scipy", "exchange-calendars")
    return {"overbuild": __version__, "python": sys.version.split()[0]} | {p: metadata.version(p) for p in packages}


@cache
def _program() -> str:
    """Hash of the program's own files: one that is worked on changes without a new version."""
    found = hashlib.sha256()
    for package in ("warehouse", "sql", "flows"):
        folder = Path(str(resources.files(package)))
        for path in sorted(p for kind in ("*.py", "*.sql", "*.j2", "*.toml") for p in folder.rglob(kind)):
            found.update(f"{package}/{path.relative_to(folder)}".encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()
