"""Views of the answers that a reader asks for first, on the snapshot's own marts."""

from __future__ import annotations

from datetime import date
from importlib import resources
from pathlib import Path

import duckdb
import polars as pl
import pytest

from tests.built import build
from tests.conftest import AS_OF
from warehouse.marts.common.select_current import select_current
from warehouse.reports.dictionary.questions import question
from warehouse.tables import CORE

SQL = Path(str(resources.files("sql")))


@pytest.fixture(scope="module")
def database(facts, assumptions) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("CREATE SCHEMA marts")
    wanted = ("event_study", "event_persistence", "gpu_price_index", "gpu_price_chain", "claim_check")
    built = build(facts, as_of=AS_OF, assumptions=assumptions.replaced({"draws": 1000}), only=wanted)
    frames = {f"marts.{name}": built[name] for name in wanted} | {
        f"main.{name}": select_current(facts[name], CORE[name]) for name in ("companies", "capex_guidance")
    }
    for name, frame in frames.items():
        connection.register("incoming", frame.to_arrow())
        connection.execute(f"CREATE TABLE {name} AS SELECT * FROM incoming")
    for name in ("market_day", "guidance_history", "gpu_price_by_month", "claims"):
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
    found = database.execute(question("fell_most").filled()).pl()
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


def rent(database, month: date, **more) -> dict:
    rows = database.execute(
        "SELECT * FROM gpu_price_by_month WHERE month = ? AND gpu_model = 'H100 SXM' AND provider_class = 'specialist' "
        "AND pricing_kind = 'on_demand'", [month],
    ).pl().to_dicts()  # fmt: skip
    assert len(rows) == 1
    return rows[0]


def test_a_months_rent_is_the_middle_of_its_providers(database):
    """July 2024: Lambda Labs 3.49, RunPod 3.99 and Paperspace 5.95 dollars an hour."""
    row = rent(database, date(2024, 7, 1))
    assert (row["n_providers"], row["median_usd_per_gpu_hour"], row["reason"]) == (3, 3.99, None)


def test_a_month_of_few_providers_has_its_reason_and_still_its_change(database):
    """August 2024 has two of the three: no middle. The same two asked what they had asked in July, so the index stands."""
    row = rent(database, date(2024, 8, 1))
    assert (row["n_providers"], row["median_usd_per_gpu_hour"]) == (2, None)
    assert "2 of the 3 providers" in row["reason"]
    assert row["change"] == pytest.approx(0.0)
    assert row["matched_index"] == pytest.approx(rent(database, date(2024, 7, 1))["matched_index"])


def test_rents_come_newest_first_one_row_a_cell(database):
    months = database.execute("SELECT month FROM gpu_price_by_month").pl()["month"]
    assert months.is_sorted(descending=True)
    [(rows, cells)] = database.execute(
        "SELECT count(*), count(DISTINCT (month, gpu_model, provider_class, pricing_kind)) FROM gpu_price_by_month"
    ).fetchall()
    assert rows == cells


def test_each_claim_has_one_row_with_what_became_of_it(database, facts):
    """Nvidia's share fell by 17.0 % on the day, as the article says (SC02)."""
    rows = {row["claim_id"]: row for row in database.execute("SELECT * FROM claims").pl().to_dicts()}
    assert sorted(rows) == sorted(facts["article_claims"]["claim_id"].unique())
    assert (rows["SC02"]["finding"], float(rows["SC02"]["value_claimed"])) == ("confirmed", -0.17)
    assert rows["SC02"]["value_found"] == pytest.approx(118.42 / 142.62 - 1, abs=1e-3)
    assert all(row["reason"] for row in rows.values())
