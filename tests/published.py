"""The published warehouse with its marts as of an earlier day: what a dated run publishes, without checks and pages."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl

from warehouse import marts
from warehouse.assumptions import Assumptions
from warehouse.calendars.exchange import FIRST_SESSION, sessions
from warehouse.database import store
from warehouse.paths import WAREHOUSE, Paths
from warehouse.quality import quarantined
from warehouse.tables import CORE, SYSTEM

STARTED = datetime(2026, 11, 10, tzinfo=UTC)


def as_of(day: date, published: Paths, folder: Path, assumptions: Assumptions, only: Collection[str]) -> Path:
    """A copy of the warehouse in which marts are as of `day`: `only` some and what they read, the others empty."""
    path = folder / WAREHOUSE
    shutil.copyfile(published.current / WAREHOUSE, path)
    with store.opened(path, folder / "staging.duckdb") as opened:
        facts = {name: opened.rows(table) for name, table in CORE.items()}
        facts["sessions"] = sessions(FIRST_SESSION, STARTED.date())
        facts["quarantined"] = quarantined.for_marts(opened)
        built = marts.build(facts, as_of=day, assumptions=assumptions, only=only)
        for name, mart in marts.all_marts().items():
            opened.replace(mart.table, built.get(name, mart.table.empty()))
        opened.execute("DELETE FROM provenance.runs")
        row = {"run_id": "test", "started_at": STARTED, "source": "reference", "as_of": day}
        row |= {"outcome": "published", "versions": "{}"}
        opened.append(SYSTEM["runs"], SYSTEM["runs"].conform(pl.DataFrame([row])))
    return path
