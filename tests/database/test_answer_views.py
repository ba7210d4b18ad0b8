"""Views of the answers that a reader asks for first, on the snapshot's own marts."""

from __future__ import annotations

from datetime import date
from importlib import resources
from pathlib import Path

import duckdb
import polars as pl
import pytest

from tests.conftest import AS_OF
from warehouse.marts import build
from warehouse.marts.common.select_current import select_current
from warehouse.tables import CORE

SQL = Path(str(resources.files("sql")))


@pytest.fixture(scope="module")
def database(facts, assumptions) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("CREATE SCHEMA marts")
    study = build(facts, as_of=AS_OF, assumptions=assumptions, only={"event_study"})["event_study"]
    frames = {"marts.event_study": study} | {
        f"main.{name}": select_current(facts[name], CORE[name]) for name in ("companies", "capex_guidance")
    }
    for name, frame in frames.items():
        connection.register("incoming", frame.to_arrow())
        connection.execute(f"CREATE TABLE {name} AS SELECT * FROM incoming")
    for name in ("market_day", "guidance_history"):
        connection.execute((SQL / "views" / f"{name}.sql").read_text(encoding="utf-8"))
    return connection


def test_the_day_has_one_row_for_each_firm(database, facts):
    firms = facts["companies"].filter(pl.col("role") != "benchmark")["ticker"]
    rows = database.execute("SELECT ticker FROM market_day").fetchall()
    assert sorted(ticker for (ticker,) in rows) == sorted(firms)


def test_a_firm_without_a_market_model_keeps_its_fall(database):
    """Astera Labs was listed in March 2024: 202 of 250 returns. It fell by 28 %, and four firms fell more."""
    row = database.execute("SELECT * FROM market_day WHERE ticker = 'ALAB'").pl().to_dicts()[0]
    assert (row["firm_group"], row["abnormal_return"], row["fall_rank"]) == ("return_only", None, 5)
    assert row["actual_return"] == pytest.approx(-0.28, abs=0.01)
    assert "202 of 250 estimation returns of ALAB" in row["reason"]
    listed_later = database.execute("SELECT firm_group, reason FROM market_day WHERE ticker = 'CRWV'").fetchone()
    assert listed_later[0] == "no_return"
    assert listed_later[1]


def test_who_fell_most_names_firms_of_both_groups(database):
    found = database.execute((SQL / "questions" / "fell_most.sql").read_text(encoding="utf-8")).pl()
    assert found["ticker"][4] == "ALAB"
    assert {"market_model", "return_only"} == set(found["firm_group"])
    assert found["return_percent"].is_sorted()


def test_nvidias_row_is_that_of_the_event_study(database):
    value, fell = database.execute(
        "SELECT market_value_change_usd, actual_return FROM market_day WHERE ticker = 'NVDA'"
    ).fetchone()
    # Official closes 142.62 and 118.42, 24.49 billion shares.
    assert fell == pytest.approx(118.42 / 142.62 - 1, abs=1e-3)
    assert value == pytest.approx((118.42 - 142.62) * 24.49e9, rel=1e-3)


def test_guidance_is_compared_on_one_basis(database):
    """Microsoft 190 billion, then 175 with leases counted otherwise: no change; Meta 135, then 137.5."""
    rows = database.execute(
        "SELECT ticker, issued_on, change_usd, reason FROM guidance_history WHERE fiscal_year = 2026"
    ).fetchall()
    found = {(ticker, day): (change, why) for ticker, day, change, why in rows}
    change, why = found["MSFT", date(2026, 7, 29)]
    assert change is None
    assert "another basis" in why
    assert found["META", date(2026, 7, 29)] == (2.5e9, None)
    assert found["GOOGL", date(2026, 4, 29)] == (5e9, None)
    assert found["MSFT", date(2026, 4, 29)] == (None, "its first words on that year")
