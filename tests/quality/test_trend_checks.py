"""A run is compared with the runs before it: a table that shrank, a list that was cut short, a source that is overdue."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from tests.conftest import with_provenance
from warehouse.database.store import Store, opened
from warehouse.quality import trend_checks
from warehouse.tables import CORE, SYSTEM

NOW = datetime(2026, 11, 10, 12, tzinfo=UTC)  # a Tuesday
SHARES = CORE["shares_outstanding"]


@pytest.fixture
def store() -> Iterator[Store]:
    with opened(Path(":memory:"), Path(":memory:")) as made:
        yield made


def counts(store: Store, number: int) -> None:
    rows = pl.DataFrame(
        {"ticker": ["A"] * number, "measured_on": [NOW.date()] * number, "shares": list(range(1, number + 1))}
    )
    store.append(SHARES, with_provenance(SHARES, rows))


def ran(store: Store, run_id: str, *, kind: str = "live", rows: int | None = None, outcome: str = "published") -> None:
    run = {"run_id": run_id, "started_at": NOW - timedelta(days=1), "source": kind, "outcome": outcome, "versions": "{}",
           "as_of": NOW.date(), "finished_at": NOW}  # fmt: skip
    store.append(SYSTEM["runs"], pl.DataFrame([run]))
    if rows is not None:
        measure = {
            "run_id": run_id,
            "table_name": SHARES.full_name,
            "measure": "rows",
            "column_name": "",
            "value": rows,
        }
        store.append(SYSTEM["measures"], pl.DataFrame([measure]))


def asked(store: Store, run_id: str, source: str, rows: int, *, success: datetime = NOW, documents: int = 1) -> None:
    row = {"run_id": run_id, "source": source, "feed": "gpu", "outcome": "good", "message": "", "documents": documents,
           "new_documents": documents, "rows_read": rows, "requests": 1, "checked_at": NOW, "last_success_at": success,
           "newest_known_on": NOW.date()}  # fmt: skip
    store.append(SYSTEM["source_runs"], pl.DataFrame([row], schema=SYSTEM["source_runs"].polars_schema))


def found(store: Store, *, live: bool = True) -> list[str]:
    return trend_checks.warnings(trend_checks.results(store.execute, run_id="now", live=live, now=NOW))


@pytest.mark.parametrize(("before", "shrank"), [(10, False), (12, False), (13, True), (5, False)])
def test_a_table_that_lost_a_fifth_of_its_rows_is_a_warning(store: Store, before: int, shrank: bool) -> None:
    ran(store, "earlier", rows=before)
    counts(store, 10)
    said = found(store)
    assert bool(said) == shrank
    assert all("core.shares_outstanding: 10 rows, and 13 in run earlier" in one for one in said)


def test_only_a_published_run_of_the_same_kind_is_compared(store: Store) -> None:
    ran(store, "snapshot", kind="reference", rows=100)
    ran(store, "refused", rows=100, outcome="refused")
    counts(store, 10)
    assert found(store) == []
    assert len(found(store, live=False)) == 1


@pytest.mark.parametrize(("rows", "cut"), [(40, True), (60, False), (200, False)])
def test_a_list_that_gives_half_of_what_it_gave_is_a_warning(store: Store, rows: int, cut: bool) -> None:
    for number in range(3):
        asked(store, f"run{number}", "gpurentalprices", 100 + number)
    asked(store, "backfill", "gpurentalprices", 5000, documents=49)
    asked(store, "now", "gpurentalprices", rows)
    said = found(store)
    assert bool(said) == cut
    assert all("gpurentalprices: 40 rows from 1 new documents, where 101 are usual" in one for one in said)


@pytest.mark.parametrize(("age", "stale"), [(timedelta(hours=20), False), (timedelta(days=4), True)])
def test_a_source_older_than_its_schedule_promises_is_a_warning(store: Store, age: timedelta, stale: bool) -> None:
    asked(store, "earlier", "gpurentalprices", 100, success=NOW - age)
    said = found(store)
    assert bool(said) == stale
    assert all(
        "gpurentalprices: last whole on 2026-11-06 12:00 UTC, due since 2026-11-07 05:20 UTC" in one for one in said
    )
    assert found(store, live=False) == []
