"""How much of an event day's loss came back: by arithmetic on closes, by statsmodels, and on paths made up for it."""

from __future__ import annotations

from datetime import date
from itertools import accumulate

import duckdb
import polars as pl
import pytest
import statsmodels.api as sm

from tests.built import build
from tests.conftest import AS_OF
from tests.marts.declared import warehouse_of
from tests.marts.market.cases import around, closes, one, priced, without
from warehouse.assumptions import load
from warehouse.calendars.exchange import sessions as exchange_sessions
from warehouse.marts import known
from warehouse.marts.market.event_persistence import BASES, MART

EVENT = date(2025, 1, 27)
NVDA = {"event_date": EVENT, "ticker": "NVDA"}


@pytest.fixture(scope="module")
def published(facts, assumptions) -> pl.DataFrame:
    return build(facts, as_of=AS_OF, assumptions=assumptions, only=["event_persistence"])["event_persistence"]


def run(facts, as_of: date = AS_OF, **changes) -> pl.DataFrame:
    assumed = load().replaced({"events": {"value": {"2025-01-27": "fall"}}, **changes})
    return MART.run(known(facts, as_of), as_of=as_of, assumptions=assumed)


@pytest.mark.parametrize("ticker", ["NVDA", "VRT", "MSFT"])
def test_the_path_of_the_market_model_is_that_of_statsmodels(published, facts, ticker):
    estimation = around(facts, [ticker, "SPY"], EVENT, -260, -11)
    fitted = sm.OLS(estimation[:, 0], sm.add_constant(estimation[:, 1])).fit()
    own, market = around(facts, [ticker, "SPY"], EVENT, 0, 120).T
    path = list(accumulate(own - fitted.predict(sm.add_constant(market))))
    back = next((day for day, value in enumerate(path) if day and value >= 0), None)
    for day in (0, 1, 10, 60, 120):
        row = one(published, event_date=EVENT, ticker=ticker, basis="market_model", day=day)
        assert row["cumulative_return"] == pytest.approx(path[day], abs=1e-12)
        assert row["days_to_recover"] == (back if path[0] < 0 else None)
        if path[0] < 0:
            assert row["share_recovered"] == pytest.approx(1 - path[day] / path[0], abs=1e-9)
        # The variance of a sum of L prediction errors (method 6).
        length, mean = day + 1, estimation[:, 1].mean()
        spread = ((estimation[:, 1] - mean) ** 2).sum()
        drift = (market[: day + 1] - mean).sum() ** 2 / spread
        expected = (fitted.mse_resid * (length + length**2 / 250 + drift)) ** 0.5
        assert row["standard_error"] == pytest.approx(expected, rel=1e-9)


def test_nvidias_price_was_back_after_92_sessions(published, facts):
    """Back above its close of 2025-01-24 on 2025-06-09, in adjusted closes."""
    series = closes(facts, "NVDA")
    before = series[date(2025, 1, 24)]
    back = next(day for day, close in series.items() if day > EVENT and close >= before)
    row = one(published, **NVDA, basis="price", day=120)
    assert back == date(2025, 6, 9) == row["recovered_on"]
    assert row["days_to_recover"] == exchange_sessions(EVENT, back).height - 1 == 92
    first = one(published, **NVDA, basis="price", day=1)
    loss, later = series[EVENT] - before, series[date(2025, 1, 28)] - before
    assert first["share_recovered"] == pytest.approx(1 - later / loss, rel=1e-9)
    assert first["standard_error"] is first["p_value"] is None


def test_day_0_and_the_windows_are_those_of_the_event_study(facts, assumptions, published):
    study = build(facts, as_of=AS_OF, assumptions=assumptions, only=["event_study"])["event_study"]
    key = {"event_date": EVENT, "benchmark": "SPY", "return_kind": "simple", "window_start": 0}
    for ticker in ("NVDA", "portfolio:buyer"):
        for model in ("market_model", "market_adjusted", "mean_adjusted"):
            for day in (0, 1, 10, 60):
                a = one(study, **key, ticker=ticker, model=model, window_end=day)
                b = one(published, event_date=EVENT, ticker=ticker, basis=model, day=day)
                assert b["cumulative_return"] == pytest.approx(a["abnormal_return"], abs=1e-12)
                assert b["standard_error"] == pytest.approx(a["standard_error"], rel=1e-12)
                assert b["p_value"] == pytest.approx(a["p_value"], rel=1e-9)


def test_portfolios_are_followed_daily_and_tickers_on_the_days_asked_for(published):
    days = published.filter(event_date=EVENT, basis="market_model").group_by("ticker").agg("day")
    lists = dict(days.iter_rows())
    assert sorted(lists["portfolio:supplier"]) == list(range(121))
    assert sorted(lists["NVDA"]) == [0, 1, 10, 60, 120]
    assert published.height < 15_000


def test_a_user_asks_for_other_days(facts):
    found = run(facts, persistence_days=[5, 20])
    assert sorted(found.filter(ticker="NVDA", basis="price")["day"]) == [0, 5, 20]
    row = one(found, **NVDA, basis="price", day=20)
    assert (row["days_to_recover"], row["reason"]) == (None, "not back by day 20, 2025-02-25")


def bent(facts, *growth: float) -> pl.DataFrame:
    """A made-up path of Nvidia from the event day on, against a benchmark that stands still."""
    days = sorted(day for day in closes(facts, "NVDA") if day >= EVENT)
    levels = [100.0 * level for level in accumulate(growth, lambda a, b: a * b)]
    path = dict(zip(days, levels + [levels[-1]] * len(days), strict=False))
    own = pl.col("ticker") == "NVDA"
    level = pl.col("date").replace_strict(path, default=100.0, return_dtype=pl.Float64)
    # Before the eve of the event the path is Nvidia's own, brought to 100 at its end.
    eve = closes(facts, "NVDA")[date(2025, 1, 24)]
    return run(
        priced(facts, own, pl.when(pl.col("date") >= EVENT).then(level).otherwise(pl.col("adj_close") * 100 / eve))
    )


def test_made_up_paths_give_the_shares_that_arithmetic_gives(facts):
    """Down 20 %, up 12.5 % to 90: half of the loss is back; then to exactly 100 on day 2."""
    found = bent(facts, 0.8, 1.125, 1 / 0.9)
    assert one(found, **NVDA, basis="price", day=0)["share_recovered"] == pytest.approx(0)
    assert one(found, **NVDA, basis="price", day=1)["share_recovered"] == pytest.approx(0.5)


def test_a_day_that_was_no_loss_has_nothing_to_recover(facts):
    row = one(bent(facts, 1.1), **NVDA, basis="price", day=10)
    assert (row["share_recovered"], row["days_to_recover"]) == (None, None)
    assert row["reason"] == "day 0 was no loss (10.0 %)"


def test_a_loss_that_stays_is_said_to_have_stayed(facts):
    row = one(bent(facts, 0.8), **NVDA, basis="price", day=120)
    assert row["share_recovered"] == pytest.approx(0)
    assert (row["days_to_recover"], row["recovered_on"]) == (None, None)
    assert row["reason"].startswith("not back by day 120, 2025-07-21")


# ---- What is missing ----------------------------------------------------------------------------------------------


def test_days_that_are_not_over_are_null_with_the_day_they_end_on(facts, published):
    early = run(facts, as_of=date(2025, 2, 10))
    for ticker in ("NVDA", "portfolio:supplier"):
        now = one(early, event_date=EVENT, ticker=ticker, basis="market_model", day=10)
        assert now["cumulative_return"] == pytest.approx(
            one(published, event_date=EVENT, ticker=ticker, basis="market_model", day=10)["cumulative_return"]
        )
        later = one(early, event_date=EVENT, ticker=ticker, basis="market_model", day=60)
        assert later["cumulative_return"] is later["share_recovered"] is None
        assert "day 60 is 2025-04-23 and prices are known through 2025-02-10" in later["reason"]
        assert later["grade"] is None


def test_before_the_first_fact_every_row_has_a_reason(facts):
    found = run(facts, as_of=date(2020, 1, 2))
    assert found.height > 0
    assert found["cumulative_return"].null_count() == found.height
    assert found["reason"].null_count() == 0
    assert "no prices are known" in found["reason"][0]


def test_a_short_listing_and_a_missing_day_are_said(facts, published):
    row = one(published, event_date=EVENT, ticker="ALAB", basis="market_model", day=1)
    assert row["cumulative_return"] is None
    assert row["reason"] == "202 of 250 estimation returns of ALAB"
    # Its price needs no estimation window.
    assert one(published, event_date=EVENT, ticker="ALAB", basis="price", day=1)["cumulative_return"] is not None
    gap = run(without(facts, ticker="NVDA", date=date(2024, 6, 12)))
    assert one(gap, **NVDA, basis="market_model", day=1)["reason"] == "248 of 250 estimation returns of NVDA"
    market = run(without(facts, ticker="SPY", date=date(2024, 6, 12)))
    assert "250 estimation returns of SPY" in one(market, **NVDA, basis="market_model", day=1)["reason"]
    assert one(market, **NVDA, basis="mean_adjusted", day=1)["cumulative_return"] is not None


def test_a_path_ends_at_a_missing_day(facts):
    found = run(without(facts, ticker="NVDA", date=date(2025, 2, 3)))
    assert one(found, **NVDA, basis="price", day=1)["cumulative_return"] is not None
    row = one(found, **NVDA, basis="price", day=10)
    assert row["cumulative_return"] is None
    assert "a price of NVDA or of its benchmark is missing from day -1 to day 10" in row["reason"]


def test_an_event_on_a_holiday_moves_and_one_after_the_calendar_has_none(facts):
    found = run(facts, events={"2025-01-20": "holiday", "2027-02-01": "later"})
    row = one(found, event_date=date(2025, 1, 20), ticker="NVDA", basis="price", day=1)
    assert row["session"] == date(2025, 1, 21)
    assert row["reason"].startswith("2025-01-20 has no session, so the event moves to the next one, 2025-01-21")
    none = one(found, event_date=date(2027, 2, 1), ticker="NVDA", basis="price", day=1)
    assert none["reason"] == "the calendar has no session on or after 2027-02-01"


def test_the_benchmark_itself_and_a_share_that_never_moves(facts, published):
    row = one(published, event_date=EVENT, ticker="SPY", basis="market_model", day=1)
    assert (row["cumulative_return"], row["reason"]) == (None, "a benchmark is not held against itself")
    flat = run(priced(facts, pl.col("ticker") == "NVDA", pl.lit(100.0)))
    row = one(flat, **NVDA, basis="market_model", day=1)
    assert row["p_value"] is None
    assert "do not vary enough" in row["reason"]


# ---- Declared rules and traces ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def warehouse(published, facts) -> duckdb.DuckDBPyConnection:
    return warehouse_of(
        {"marts.event_persistence": published, **{f"core.{n}": facts[n] for n in ("stock_prices", "companies")}}
    )


@pytest.mark.parametrize("check", MART.table.checks, ids=lambda check: check.name)
def test_the_declared_rules_hold_on_the_snapshot(warehouse, check):
    assert warehouse.execute(check.unexpected.format(table="marts.event_persistence")).fetchall() == []


def test_keys_are_unique_and_nothing_is_not_a_number(published):
    assert not published.select(MART.table.key).is_duplicated().any()
    assert all(published[column.name].null_count() == 0 for column in MART.table.columns if column.required)
    assert not any(published[name].is_nan().any() for name in published.select(pl.col(pl.Float64)).columns)
    assert set(published["basis"]) == set(BASES)


@pytest.mark.parametrize(("basis", "expected"), [("market_model", 2 * 382), ("mean_adjusted", 382), ("price", 122)])
def test_a_row_leads_back_to_its_prices(warehouse, basis, expected):
    """Closes of days -261 to 120 of Nvidia and SPY; for the price, of days -1 to 120 of Nvidia."""
    condition = next(trace.condition for trace in MART.traces if trace.table == "core.stock_prices")
    found = warehouse.execute(
        f"SELECT count(*) FROM marts.event_persistence m JOIN core.stock_prices t ON {condition} "
        f"WHERE m.event_date = DATE '2025-01-27' and m.ticker = 'NVDA' and m.basis = '{basis}' and m.day = 120"
    ).fetchone()
    assert found == (expected,)
