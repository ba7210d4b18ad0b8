"""Small published warehouses made by hand: a verdict, its conditions, a quarter of spending, and a few facts.

A run of the whole snapshot takes most of a minute. What compares or takes away warehouses does not ask how they came about.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import polars as pl

from tests.conftest import with_provenance
from warehouse import files, marts
from warehouse.database import store
from warehouse.database.releases import comparing, reading
from warehouse.paths import WAREHOUSE, Paths, create_folders
from warehouse.reports import changes
from warehouse.reports.diff import Comparison
from warehouse.tables import CORE, SYSTEM
from warehouse.tables.table import Table

AS_OF = date(2025, 10, 31)
Rows = Mapping[str, Sequence[Mapping[str, Any]]]

NO_FACTS: Rows = MappingProxyType({})

VERDICT = {"scope": "ALL", "question": "Q3", "as_of": AS_OF, "verdict": "cannot_tell", "headline": "One cannot tell.",
           "statement": "Too little is known.", "would_change": "More facts.", "method_version": 2, "grade": "C"}  # fmt: skip
CONDITION = {"scope": "ALL", "question": "Q3", "condition": "facts_cover_group_capex", "quantity": "companies",
             "comparison": ">=", "holds": False, "statement": "Four companies are known.", "grade": "C"}  # fmt: skip
QUARTER = {"ticker": "MSFT", "period_end": date(2025, 9, 30), "company": "Microsoft", "capex_usd": 19.4e9, "grade": "A"}
EVIDENCE = {"evidence_id": "EV1", "topic": "ai_revenue", "entity": "Microsoft", "metric": "ai_run_rate",
            "as_of_date": date(2025, 9, 30), "value": 13e9, "unit": "USD/year", "known_on": date(2025, 10, 29)}  # fmt: skip


def publish(
    home: Path, run_id: str, of_marts: Rows, facts: Rows = NO_FACTS, *, as_of: date = AS_OF, **run: Any
) -> Paths:
    """Publish a warehouse with these rows as the current answer of a home, beside those published before."""
    paths = Paths(home, home / WAREHOUSE)
    create_folders(paths)
    folder = paths.releases / run_id
    folder.mkdir()
    write(folder, run_id, of_marts, facts, as_of=as_of, **run)
    files.point(paths.current, folder)
    return paths


def publish_after(home: Path, run_id: str, rows: Rows, before: str) -> Paths:
    """Publish another run over the last one, which records what it changed as a run does."""
    earlier = home / "releases" / before / WAREHOUSE
    with reading(earlier) as connection:
        names = [name for name, *_ in connection.execute("SELECT * FROM provenance.runs").description]
        history = [
            dict(zip(names, row, strict=True)) for row in connection.execute("SELECT * FROM provenance.runs").fetchall()
        ]
        names = [name for name, *_ in connection.execute("SELECT * FROM provenance.changes").description]
        kept = [
            dict(zip(names, row, strict=True))
            for row in connection.execute("SELECT * FROM provenance.changes").fetchall()
        ]
    paths = publish(home, f"{run_id}.draft", rows)
    with comparing(earlier, paths.current / WAREHOUSE) as connection:
        rows_kept = [row | {"run_id": run_id} for row in changes.kept(Comparison(connection))]
    files.remove_folder(paths.releases / f"{run_id}.draft")
    return publish(home, run_id, rows, system={"runs": history, "changes": [*kept, *rows_kept]})


def write(
    folder: Path, run_id: str, of_marts: Rows, facts: Rows = NO_FACTS, *, as_of: date = AS_OF, **run: Any
) -> Path:
    """Write such a warehouse into a folder."""
    path = folder / WAREHOUSE
    path.write_bytes(empty(tuple(of_marts)))
    with store.opened(path, folder / "staging.duckdb") as opened:
        for name, rows in of_marts.items():
            opened.append(marts.all_marts()[name].table, _filled(marts.all_marts()[name].table, rows))
        for name, rows in facts.items():
            opened.append(CORE[name], with_provenance(CORE[name], _filled(CORE[name], rows)))
        started = datetime.strptime(run_id[:15], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
        made = {"run_id": run_id, "started_at": started, "source": "reference", "as_of": as_of, "outcome": "published"}
        made |= {"versions": json.dumps(run.get("versions", {"overbuild": "0.1.0"}))}
        opened.append(SYSTEM["runs"], SYSTEM["runs"].conform(pl.DataFrame([made])))
        for name, rows in run.get("system", {}).items():
            opened.append(SYSTEM[name], pl.DataFrame(rows, schema=SYSTEM[name].polars_schema))
    for left in folder.glob("staging*"):
        left.unlink()
    return path


@cache
def empty(of_marts: tuple[str, ...] = ()) -> bytes:
    """The file of a warehouse without rows; other marts than these are on neither side. To create its tables takes long."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / WAREHOUSE
        with store.opened(path, Path(folder) / "staging.duckdb") as opened:
            opened.create([marts.all_marts()[name].table for name in of_marts])
        return path.read_bytes()


_MADE_UP = {"text": "made up", "real": 1.0, "integer": 1, "date": AS_OF, "flag": False, "json": "{}", "texts": []}


def _filled(table: Table, rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """The rows with something in each column that must not be null."""
    left = WITH_PROVENANCE if table.schema == "core" else ()
    required = {c.name: _default(c) for c in table.columns if c.required and c.name not in left}
    given = {name for row in rows for name in row}
    required |= {name: value for name, value in (("source", "test"), ("known_on", AS_OF)) if name in given}
    if not rows:
        return table.empty()
    names = [name for name in table.names if any(name in {**required, **row} for row in rows)]
    schema = {name: table.polars_schema[name] for name in names}
    return pl.DataFrame([{name: {**required, **row}.get(name) for name in names} for row in rows], schema=schema)


WITH_PROVENANCE = (
    "loaded_at",
    "source",
    "source_kind",
    "citation",
    "document_sha256",
    "locator",
    "fact_id",
    "known_on",
)


def _default(column: Any) -> Any:
    return next(iter(column.allowed)) if column.allowed else _MADE_UP[column.type]
