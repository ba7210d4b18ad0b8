"""What a run keeps of how each mart was made, in the warehouse itself, is what the next run goes by."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import polars as pl
import pytest

from tests.conftest import with_provenance
from warehouse import marts
from warehouse.assumptions import load
from warehouse.database import store as stores
from warehouse.marts.common.mart import Mart
from warehouse.paths import Paths
from warehouse.pipeline import build
from warehouse.pipeline.context import RunContext
from warehouse.settings import Settings
from warehouse.tables import CORE
from warehouse.tables.table import Column, mart

DAY = date(2025, 1, 22)
BAR = {
    "ticker": "NVDA", "open": 136.7, "high": 138.5, "low": 135.5, "close": 137.7, "adj_close": 137.6,
    "volume": 201_188_800, "known_on": date(2025, 1, 21), "locator": "line 2",
}  # fmt: skip


def _bars(stock_prices: pl.DataFrame, *, assumptions) -> pl.DataFrame:
    assumptions.integer("draws")
    return stock_prices.select(n=pl.col("close") * 2, day="date")


def _filings(company_facts: pl.DataFrame, *, assumptions) -> pl.DataFrame:
    return pl.DataFrame({"n": [float(company_facts.height)], "day": [None]}, schema={"n": pl.Float64, "day": pl.Date})


def _verdict(bars: pl.DataFrame, *, as_of: date, assumptions) -> pl.DataFrame:
    return pl.DataFrame({"n": [bars["n"].sum()], "day": [as_of]})


def _made_up(name: str, function) -> Mart:
    columns = [Column("n", "real", "number"), Column("day", "date", "day")]
    return Mart(table=mart(name, "made up", columns, key=("n",)), build=function)


MARTS = {
    name: _made_up(name, function)
    for name, function in {"bars": _bars, "filings": _filings, "verdict": _verdict}.items()
}


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run that loads a bar of each of these days and builds; gives what it built and what the warehouse holds then."""
    monkeypatch.setattr(marts, "all_marts", lambda: MARTS)
    context = RunContext(
        "", datetime(2025, 1, 23, tzinfo=UTC), Paths(tmp_path, tmp_path / "w"), Settings(), assumptions=load()
    )
    prices = CORE["stock_prices"]

    def run(run_id: str, *days: date, as_of: date = DAY):
        with stores.opened(tmp_path / "w.duckdb", tmp_path / f"{run_id}.staging") as store:
            if days:
                store.append(
                    prices, with_provenance(prices, pl.DataFrame([BAR | {"date": day} for day in days]), "toy")
                )
            built = build.build_marts(store, replace(context, run_id=run_id), as_of)
            rows = {name: store.rows(mart.table) for name, mart in MARTS.items()}
            since = dict(store.execute("SELECT mart, run_id FROM provenance.marts_made").fetchall())
            return built, rows, since

    return run


def test_a_mart_stands_from_run_to_run_and_is_written_again_only_where_it_changed(run):
    built, rows, since = run("one", date(2025, 1, 21))
    assert (built.anew, built.standing) == (set(MARTS), set())
    assert since == dict.fromkeys(MARTS, "one")
    again, same, since = run("two")
    assert (again.anew, again.standing) == (set(), set(MARTS))
    assert since == dict.fromkeys(MARTS, "one")
    assert all(same[name].equals(rows[name]) for name in MARTS)
    assert again.marts["verdict"].equals(built.marts["verdict"]), "the verdict is shown, whether it was built or not"
    assert "3 marts stand" in again.in_short
    later, more, since = run("three", date(2025, 1, 22))
    assert (later.anew, later.standing) == ({"bars", "verdict"}, {"filings"})
    assert since == {"bars": "three", "verdict": "three", "filings": "one"}
    assert more["bars"]["day"].to_list() == [date(2025, 1, 21), date(2025, 1, 22)]
    assert run("four", as_of=date(2025, 1, 23))[0].anew == {"verdict"}, "it alone asks for the day"


def test_another_program_builds_everything(run, monkeypatch):
    run("one", date(2025, 1, 21))
    monkeypatch.setattr(build, "program", lambda: {"polars": "another"})
    assert run("two")[0].anew == set(MARTS)
