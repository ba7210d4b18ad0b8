"""Benchmarks made of the panel, and events and windows that a user adds."""

from __future__ import annotations

import statistics
from datetime import date

import numpy as np
import polars as pl
import pytest
import statsmodels.api as sm

from tests.built import build
from tests.conftest import AS_OF
from tests.marts.market.cases import (
    DAY,
    EVENT,
    MAIN,
    TWO_DAYS,
    around,
    one,
    returns,
    study,
    without,
)
from warehouse.assumptions import load
from warehouse.errors import UsageError

# ---- Benchmarks made of the panel, and what a user adds ----------------------------------------------------------------

PANEL_FIRMS = 44
INDEX = {**MAIN, "benchmark": "EW_EX_NVDA"}


def index_returns(facts, first: int, last: int, without: tuple[str, ...] = ("NVDA",)) -> np.ndarray:
    """Mean return of the panel's firms that have one, day by day, from the files' own rows."""
    funds = facts["companies"].filter(pl.col("role") == "benchmark")["ticker"].to_list()
    series = [returns(facts, t) for t in facts["companies"]["ticker"] if t not in (*funds, *without)]
    days = sorted(returns(facts, "SPY"))
    at = days.index(EVENT)
    return np.array([
        statistics.fmean([one[day] for one in series if day in one]) for day in days[at + first : at + last + 1]
    ])  # fmt: skip


@pytest.mark.parametrize("ticker", ["NVDA", "AMD", "SPY"])
def test_an_equal_weight_index_without_nvidia_is_a_benchmark(published, facts, ticker):
    market, own = index_returns(facts, -260, 1), around(facts, [ticker], EVENT, -260, 1)[:, 0]
    fitted = sm.OLS(own[:250], sm.add_constant(market[:250])).fit()
    abnormal = own[260:] - fitted.predict(sm.add_constant(market[260:], has_constant="add"))
    row = one(published, **INDEX, ticker=ticker, **TWO_DAYS)
    found = [row[name] for name in ("alpha", "beta", "r2", "sigma", "abnormal_return")]
    expected = [*fitted.params, fitted.rsquared, fitted.mse_resid**0.5, abnormal.sum()]
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert len(row["benchmark_firms"]) == PANEL_FIRMS - 1
    assert "NVDA" not in row["benchmark_firms"]
    assert ("AMD is one of the 43 firms of EW_EX_NVDA" in (row["reason"] or "")) == (ticker == "AMD")


def test_a_portfolio_says_how_much_of_its_benchmark_it_is(published):
    row = one(published, **INDEX, ticker="portfolio:supplier", **DAY)
    assert "18 of the portfolio's 19 firms are among the 43 of EW_EX_NVDA, which they pull along" in row["reason"]
    assert "EW_EX_NVDA" not in one(published, **INDEX | {"model": "mean_adjusted"}, ticker="AMD", **DAY)["reason"]


def test_a_firm_enters_an_index_when_it_is_listed_and_its_gap_is_nobody_elses(facts):
    gap = without(facts, ticker="AMD", date=date(2024, 6, 12))
    row = one(study(gap, tickers=None, benchmarks=["EW_EX_NVDA"]), **INDEX, ticker="NVDA", **DAY)
    assert row["n_estimation"] == 250
    market = index_returns(gap, -260, 0)
    day = sorted(returns(facts, "SPY")).index(date(2024, 6, 12)) - sorted(returns(facts, "SPY")).index(EVENT) + 260
    # A return of AMD over two days is no return of the 13th.
    series = [returns(facts, t) for t in row["benchmark_firms"] if t != "AMD"]
    market[day + 1] = statistics.fmean([one[date(2024, 6, 13)] for one in series if date(2024, 6, 13) in one])
    own = around(facts, ["NVDA"], EVENT, -260, 0)[:, 0]
    fitted = sm.OLS(own[:250], sm.add_constant(market[:250])).fit()
    assert [row["alpha"], row["beta"]] == pytest.approx(list(fitted.params), rel=1e-9)


def test_a_user_declares_an_index_by_what_it_leaves_out(facts):
    found = study(
        facts, tickers=None, benchmarks=["EW_EX_SUPPLIERS", "MINE"], benchmark_indices={"MINE": ["power", "adopter"]}
    )
    suppliers = one(found, **MAIN | {"benchmark": "EW_EX_SUPPLIERS"}, ticker="portfolio:supplier", **DAY)
    assert len(suppliers["benchmark_firms"]) == PANEL_FIRMS - 20
    assert "pull along" not in suppliers["reason"]
    assert suppliers["t_stat"] < -2
    mine = one(found, **MAIN | {"benchmark": "MINE"}, ticker="portfolio:buyer", **DAY)
    assert "5 of the portfolio's 5 firms are among the 29 of MINE" in mine["reason"]


def test_an_index_cannot_have_the_name_of_a_ticker(facts):
    with pytest.raises(UsageError, match="AMD is a ticker of the panel"):
        study(facts, benchmark_indices={"AMD": ["power"]})


def test_an_index_without_firms_is_no_benchmark(facts):
    everyone = ["supplier", "buyer", "power", "neocloud", "adopter"]
    found = study(facts, benchmarks=["NONE"], benchmark_indices={"NONE": everyone})
    row = one(found, **MAIN | {"benchmark": "NONE"}, ticker="NVDA", **DAY)
    assert row["abnormal_return"] is None
    assert "0 of 250 estimation returns of NONE" in row["reason"]


def test_a_firm_may_be_the_benchmark_but_not_its_own(facts):
    found = study(facts, benchmarks=["AMD", "MSFT"])
    itself = one(found, **MAIN | {"benchmark": "AMD"}, ticker="AMD", **DAY)
    assert (itself["abnormal_return"], itself["alpha"], itself["t_stat"]) == (None, None, None)
    assert itself["reason"].startswith("a benchmark is not held against itself")
    assert one(found, **MAIN | {"benchmark": "AMD"}, ticker="NVDA", **DAY)["reason"] is None
    portfolio = one(found, **MAIN | {"benchmark": "AMD"}, ticker="portfolio:supplier", **DAY)
    assert "AMD, the benchmark, is one of the portfolio's 2 firms" in portfolio["reason"]
    # A portfolio of the benchmark alone is the benchmark.
    alone = one(found, **MAIN | {"benchmark": "MSFT"}, ticker="portfolio:buyer", **DAY)
    assert alone["abnormal_return"] is alone["sigma"] is None
    assert alone["reason"].startswith("a benchmark is not held against itself")


def test_events_and_windows_that_a_user_adds_are_studied(facts, tmp_path):
    """A file with one event and one window of the user's own; the packaged events stay."""
    file = tmp_path / "mine.toml"
    file.write_text(
        '[events]\n2025-03-18 = "Nvidia\'s developer conference"\n\n'
        "[windows]\nvalue = [[-3, 7]]\n\n[benchmarks]\nvalue = ['SOXX']\n"
    )
    assumed = load(file)
    found = build(facts, as_of=AS_OF, assumptions=assumed, only=["event_study"])["event_study"]
    assert date(2025, 1, 27) in found["event_date"]
    row = one(
        found, event_date=date(2025, 3, 18), ticker="NVDA", benchmark="SOXX", model="market_model",
        return_kind="simple", window_start=-3, window_end=7,
    )  # fmt: skip
    assert row["event"] == "Nvidia's developer conference"
    estimation = around(facts, ["NVDA", "SOXX"], date(2025, 3, 18), -260, -11)
    fitted = sm.OLS(estimation[:, 0], sm.add_constant(estimation[:, 1])).fit()
    own, market = around(facts, ["NVDA", "SOXX"], date(2025, 3, 18), -3, 7).T
    assert row["abnormal_return"] == pytest.approx((own - fitted.predict(sm.add_constant(market))).sum(), abs=1e-12)
