"""GPU price sources through the loading: what one row lacks costs that row, and read twice nothing is loaded twice."""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl
import pytest

from tests.by_sql import checks_as_sql  # noqa: F401  (for the whole file)
from tests.live_server import Reply
from tests.sources import said
from tests.sources.test_azure import ITEM, page
from warehouse.assumptions import load as load_assumptions
from warehouse.calendars.exchange import sessions
from warehouse.database.store import opened
from warehouse.paths import create_folders, paths_of
from warehouse.pipeline.context import RunContext
from warehouse.pipeline.ingest import ingest, load
from warehouse.pipeline.quarantine import quarantine
from warehouse.settings import Settings
from warehouse.sources import azure

SOURCE = azure.SOURCES[0]
PATH = "/api/retail/prices"


@pytest.fixture
def run_once(live_server, tmp_path):
    """A function that asks Azure once and loads what it brings; gives what came of it, and the prices in core."""
    paths = paths_of(Settings(home=tmp_path))
    create_folders(paths)
    settings = Settings(home=tmp_path, azure_prices_url=live_server.url)

    def once():
        run = RunContext("run", datetime.now(UTC), paths, settings)
        with opened(tmp_path / "warehouse.duckdb", tmp_path / "staging.duckdb") as store:
            put_bounds(store)
            found = ingest(SOURCE, store, run)
            messages = quarantine(store, run, [found]).messages
            added = load(store).get("gpu_prices", 0)
            rows = store.execute("SELECT usd_per_gpu_hour FROM core.gpu_prices ORDER BY 1").fetchall()
            store.finish()
        return found, messages, added, [price for (price,) in rows]

    return once


def put_bounds(store) -> None:
    bounds = load_assumptions().value("gpu_price_bounds")
    frame = pl.DataFrame(
        [(chip, low, high) for chip, (low, high) in bounds.items()],
        schema={"gpu_model": pl.String, "low_usd_per_gpu_hour": pl.Float64, "high_usd_per_gpu_hour": pl.Float64},
        orient="row",
    )
    store.put_helpers(sessions(date(2025, 1, 1), date(2026, 12, 31)), frame)


def test_many_unknown_sizes_cost_their_own_rows_only(live_server, run_once):
    unknown = [ITEM | {"armSkuName": f"Standard_ND{n}_Z1_v9"} for n in range(30)]
    live_server.body(PATH, page(ITEM, *unknown))
    found, messages, added, rows = run_once()
    assert (added, rows) == (1, [12.29])
    assert found.outcome == "good"
    assert len(messages) == 30
    assert "Standard_ND7_Z1_v9" in " ".join(said.notices(notice for _, notice in found.notices))


def test_prices_that_are_implausible_for_their_chip_cost_the_document(live_server, run_once):
    cents = [ITEM | {"armRegionName": f"region{n}", "retailPrice": 9832.0} for n in range(12)]
    live_server.body(PATH, page(ITEM, *cents))
    found, _, added, rows = run_once()
    assert (added, rows) == (0, [])
    assert "bad" in found.message


def test_the_same_list_adds_nothing_and_a_changed_one_its_rows(live_server, run_once):
    live_server.script(
        PATH,
        Reply(page(ITEM), etag='"1"'),
        Reply(page(ITEM), etag='"1"'),
        Reply(page(ITEM | {"retailPrice": 80.0}), etag='"2"'),
    )
    assert run_once()[2:] == (1, [12.29])
    again, _, added, rows = run_once()
    assert (added, rows, again.new_documents) == (0, [12.29], 0)
    assert run_once()[3] == [10.0, 12.29]


def test_a_page_repeated_by_the_next_keeps_its_rows_and_says_why_it_stopped(live_server, run_once):
    link = f"https://prices.azure.com{PATH}?$skip=1000"
    live_server.body(PATH, page(ITEM, link=link))
    found, _, added, _ = run_once()
    assert added == 1
    assert "repeats page 1" in found.stopped
    assert found.outcome == "partly_failed"


@pytest.mark.parametrize("kind", ["429", "404", "consent", "error_json", "cut", "redirect", "500"])
def test_a_refusal_brings_no_row_and_is_reported(live_server, run_once, kind, monkeypatch):
    monkeypatch.setattr("warehouse.fetching.client.wait_before_retry", lambda state: 0.0)
    live_server.refuse(PATH, kind)
    found, _, added, rows = run_once()
    assert (added, rows) == (0, [])
    assert found.message
    assert found.outcome == "failed"
