"""A published warehouse of the packaged snapshot, made in the tests' own process in a few seconds.

As a run publishes it, without Prefect, checks and pages; and without the timeline, which replays some thirty days.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl

from warehouse import marts
from warehouse.assumptions import Assumptions
from warehouse.calendars.exchange import FIRST_SESSION, sessions
from warehouse.database import store
from warehouse.paths import WAREHOUSE, Paths, create_folders
from warehouse.pipeline import ingest
from warehouse.pipeline.context import RunContext
from warehouse.settings import Settings
from warehouse.sources.reference import SOURCES
from warehouse.tables import CORE, SYSTEM

STARTED = datetime(2026, 11, 10, tzinfo=UTC)


def publish(paths: Paths, as_of: date, assumptions: Assumptions) -> None:
    """Ingest the snapshot into the archive and into `current/warehouse.duckdb`, with every mart but the timeline."""
    create_folders(paths)
    run = RunContext("test", STARTED, paths, Settings())
    paths.current.mkdir()
    with store.opened(paths.current / WAREHOUSE, paths.work / "staging.duckdb") as opened:
        for source in SOURCES:
            ingest.ingest(source, opened, run)
        ingest.load(opened)
        facts = {name: opened.rows(table) for name, table in CORE.items()}
        facts["sessions"] = sessions(FIRST_SESSION, run.today)
        wanted = set(marts.all_marts()) - {"verdict_timeline"}
        built = marts.build(facts, as_of=as_of, assumptions=assumptions, only=wanted)
        for name, mart in marts.all_marts().items():
            opened.replace(mart.table, built.get(name, mart.table.empty()))
        row = {"run_id": "test", "started_at": STARTED, "source": "reference", "as_of": as_of}
        row |= {"outcome": "published", "versions": "{}"}
        opened.append(SYSTEM["runs"], SYSTEM["runs"].conform(pl.DataFrame([row])))
