"""Market value lost, and why printed figures of it differ."""

from __future__ import annotations

from datetime import date

import duckdb
import polars as pl
import pytest

from tests.built import build
from tests.conftest import AS_OF, with_provenance
from tests.marts.declared import warehouse_of
from tests.marts.market.cases import one, without
from warehouse.assumptions import load
from warehouse.marts.common.reasons import codes
from warehouse.marts.market.event_market_value import MART
from warehouse.tables import CORE

EVENT = date(2025, 1, 27)
NVDA = {"event_date": EVENT, "ticker": "NVDA"}


def run(facts, as_of: date = AS_OF, **changes) -> pl.DataFrame:
    assumed = load().replaced(changes)
    return build(facts, as_of=as_of, assumptions=assumed, only=["event_market_value"])["event_market_value"]


@pytest.fixture(scope="module")
def published(facts) -> pl.DataFrame:
    return run(facts)


def test_nvidias_loss_is_the_official_close_times_the_last_cover_page(published):
    """(118.42 - 142.62) x 24.49 billion = -592.7 billion USD, of 3,493 billion the day before."""
    row = one(published, **NVDA, figure="computed")
    assert (row["close_before_usd"], row["close_usd"]) == pytest.approx((142.62, 118.42), abs=0.006)
    assert (row["shares"], row["shares_measured_on"]) == (24.49e9, date(2024, 11, 15))
    assert row["market_value_change_usd"] == pytest.approx(-592.7e9, rel=1e-3)
    assert row["market_value_before_usd"] == pytest.approx(142.62 * 24.49e9, rel=1e-4)
    assert (row["grade"], row["reason"], row["known_on"]) == ("A", None, EVENT)


def test_the_article_rounded(published):
    row = one(published, **NVDA, figure="article")
    assert (row["figure_id"], row["market_value_change_usd"]) == ("SC01", -600e9)
    assert row["difference_usd"] == pytest.approx(-600e9 + 592.66e9, rel=1e-2)
    assert codes(row["explanations"]) == ["printed_figure_is_rounded"]
    assert row["explanation"] == "rounding: -592.7 billion USD to the nearest 100 billion USD is -600.0 billion USD"
    assert row["known_on"] == date(2025, 1, 28)


def test_the_press_used_a_close_from_before_the_official_one(published):
    """589 at 24.49 billion shares is a close of 118.57; the printed range's 588.7 is 118.58."""
    row = one(published, **NVDA, figure="press")
    assert (row["figure_id"], row["grade"]) == ("CC031", "C")
    assert row["implied_close_usd"] == pytest.approx(118.57, abs=0.005)
    smaller = row["close_before_usd"] + row["market_value_change_high_usd"] / row["shares"]
    assert smaller == pytest.approx(118.58, abs=0.005)
    assert row["implied_shares"] == pytest.approx(24.34e9, rel=1e-3)
    assert "24.49 billion shares at a close of 118.57 USD instead of the official 118.42" in row["explanation"]
    assert "the share count: 24.34 billion at the official close instead of the 24.49 billion" in row["explanation"]
    assert "118.58 print" in row["explanation"]


def test_the_other_events_and_firms_stand_beside_it(published):
    computed = published.filter(figure="computed")
    assert set(computed["event_date"]) == {date(2024, 12, 26), date(2025, 1, 20), EVENT, date(2025, 1, 28)}
    rebound = one(published, event_date=date(2025, 1, 28), ticker="NVDA", figure="computed")
    assert rebound["market_value_change_usd"] == pytest.approx((128.99 - 118.42) * 24.49e9, rel=1e-3)
    holiday = one(published, event_date=date(2025, 1, 20), ticker="AAPL", figure="computed")
    assert (holiday["session"], holiday["day_before"]) == (date(2025, 1, 21), date(2025, 1, 17))
    assert holiday["reason"] == "2025-01-20 has no session, so the event moves to the next one, 2025-01-21"
    missing = one(published, event_date=EVENT, ticker="AMD", figure="computed")
    assert (missing["market_value_change_usd"], missing["grade"]) == (None, None)
    assert missing["reason"] == "no share count of AMD known by 2025-01-27"
    assert "SPY" not in set(published["ticker"])


def test_only_what_was_known_counts(facts):
    """On the evening of the event the article's figure was not printed yet; before any fact there are reasons."""
    evening = run(facts, as_of=EVENT)
    assert set(evening.filter(**NVDA)["figure"]) == {"computed", "press"}
    early = run(facts, as_of=date(2024, 6, 28))
    assert early["market_value_change_usd"].null_count() == early.height > 0
    assert early["reason"].null_count() == 0
    first = run(facts, as_of=date(2020, 1, 2))
    assert first["reason"].null_count() == 0
    assert build({}, as_of=AS_OF, assumptions=load(), only=["event_market_value"])["event_market_value"].is_empty()


def test_a_missing_close_and_an_event_after_the_calendar_are_said(facts):
    row = one(run(without(facts, ticker="NVDA", date=EVENT)), **NVDA, figure="press")
    assert row["difference_usd"] is row["implied_shares"] is None
    assert row["market_value_change_usd"] == -589e9
    assert row["reason"] == "no close of NVDA on 2025-01-27"
    later = run(facts, events={"2027-02-01": "later"})
    row = one(later, event_date=date(2027, 2, 1), ticker="NVDA", figure="computed")
    assert row["reason"] == "the calendar has no session on or after 2027-02-01"


def claims(value: str) -> pl.DataFrame:
    frame = pl.DataFrame(
        {
            "claim_id": ["X1"], "statement": ["Nvidia did this"], "speaker": ["somebody"], "event_date": [EVENT],
            "statement_date": [EVENT], "quantity": ["market_cap_change"], "unit": ["USD"], "value_claimed": [value],
            "check_kind": ["computed"],
        }
    )  # fmt: skip
    return with_provenance(CORE["article_claims"], frame)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("-593000000000", "rounding: -592.7 billion USD to the nearest 1 billion USD"),
        ("-465000000000", "at a close of 123.63 USD instead of the official 118.42"),
        ("100000000000", "different signs"),
    ],
)
def test_a_made_up_figure_is_explained(facts, value, says):
    row = one(run({**facts, "article_claims": claims(value)}), **NVDA, figure="article")
    assert says in row["explanation"]


def test_a_claim_without_a_number_is_no_figure(facts):
    assert run({**facts, "article_claims": claims("a lot")}).filter(figure="article").is_empty()


# ---- Declared rules and traces ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def warehouse(published, facts) -> duckdb.DuckDBPyConnection:
    core = {f"core.{n}": frame for n, frame in facts.items() if n != "sessions"}
    return warehouse_of({**core, "marts.event_market_value": published})


@pytest.mark.parametrize("check", MART.table.checks, ids=lambda check: check.name)
def test_the_declared_rules_hold_on_the_snapshot(warehouse, check):
    assert warehouse.execute(check.unexpected.format(table="marts.event_market_value")).fetchall() == []


@pytest.mark.parametrize(
    ("figure", "table", "expected"),
    [
        ("computed", "core.stock_prices", 2), ("computed", "core.shares_outstanding", 1),
        ("computed", "core.corporate_actions", 0), ("computed", "core.evidence", 0), ("press", "core.evidence", 1),
        ("article", "core.article_claims", 1), ("computed", "core.companies", 1),
    ],
)  # fmt: skip
def test_a_row_leads_back_to_its_facts(warehouse, published, figure, table, expected):
    condition = next(trace.condition for trace in MART.traces if trace.table == table)
    found = warehouse.execute(
        f"SELECT count(*) FROM marts.event_market_value m JOIN {table} t ON {condition} "
        f"WHERE m.event_date = DATE '2025-01-27' and m.ticker = 'NVDA' and m.figure = '{figure}'"
    ).fetchone()
    assert found == (expected,)
    assert not published.select(MART.table.key).is_duplicated().any()
