"""Returns around an event, held against statsmodels, official closes and a published table."""

from __future__ import annotations

import csv
import io
import statistics
from datetime import date, timedelta

import duckdb
import numpy as np
import polars as pl
import pytest
import statsmodels.api as sm

from tests.conftest import recorded
from tests.marts.declared import warehouse_of
from tests.marts.market.cases import (
    DAY,
    ELEVEN_DAYS,
    EVENT,
    MAIN,
    around,
    one,
    study,
    yahoo,
)
from warehouse.marts.market.event_study import MART

# ---- Against statsmodels -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("event", [date(2024, 12, 26), EVENT, date(2025, 1, 28)])
@pytest.mark.parametrize("benchmark", ["SPY", "QQQ", "SMH"])
@pytest.mark.parametrize("ticker", ["NVDA", "MSFT", "VST", "IGV"])
def test_one_day_is_the_prediction_of_an_ols(published, facts, ticker, benchmark, event):
    estimation = around(facts, [ticker, benchmark], event, -260, -11)
    fitted = sm.OLS(estimation[:, 0], sm.add_constant(estimation[:, 1])).fit()
    (actual, market), = around(facts, [ticker, benchmark], event, 0, 0)  # fmt: skip
    predicted = fitted.get_prediction([[1.0, market]])
    row = one(published, **MAIN | {"event_date": event, "benchmark": benchmark}, ticker=ticker, **DAY)
    error = float(predicted.se_obs[0])
    abnormal = actual - float(predicted.predicted_mean[0])
    assert row["n_estimation"] == 250
    assert row["degrees_of_freedom"] == fitted.df_resid
    found = [row[name] for name in ("alpha", "beta", "r2", "sigma", "actual_return", "abnormal_return", "t_stat")]
    expected = [*fitted.params, fitted.rsquared, fitted.mse_resid**0.5, actual, abnormal, abnormal / error]
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("window", [(0, 0), (0, 1), (-1, 1), (-5, 5), (0, 10), (2, 10), (0, 60)])
@pytest.mark.parametrize("model", ["market_model", "mean_adjusted"])
@pytest.mark.parametrize("kind", ["simple", "log"])
def test_several_days_are_the_sum_of_event_dummies(published, facts, window, model, kind):
    """One regression over both windows with a dummy for each event day: the dummies' sum is the CAR."""
    days = np.vstack([around(facts, ["AMD", "SPY"], EVENT, -260, -11), around(facts, ["AMD", "SPY"], EVENT, *window)])
    days = np.log1p(days) if kind == "log" else days
    length = window[1] - window[0] + 1
    dummies = np.vstack([np.zeros((250, length)), np.eye(length)])
    regressors = [np.ones(len(days)), *([days[:, 1]] if model == "market_model" else []), *dummies.T]
    fitted = sm.OLS(days[:, 0], np.column_stack(regressors)).fit()
    sums = np.r_[np.zeros(len(regressors) - length), np.ones(length)]
    tested = fitted.t_test(sums)
    row = one(
        published,
        **MAIN | {"model": model, "return_kind": kind},
        ticker="AMD",
        window_start=window[0],
        window_end=window[1],
    )
    found = [row[name] for name in ("abnormal_return", "standard_error", "t_stat")]
    expected = [float(np.squeeze(part)) for part in (tested.effect, tested.sd, tested.tvalue)]
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert row["p_value"] == pytest.approx(float(np.squeeze(tested.pvalue)), rel=1e-7)
    assert row["degrees_of_freedom"] == tested.df_denom


def test_market_adjusted_is_the_difference_and_its_standard_deviation(published, facts):
    differences = [r - m for r, m in around(facts, ["META", "QQQ"], EVENT, -260, -11)]
    event = [r - m for r, m in around(facts, ["META", "QQQ"], EVENT, -1, 1)]
    row = one(
        published,
        **MAIN | {"benchmark": "QQQ", "model": "market_adjusted"},
        ticker="META", window_start=-1, window_end=1,
    )  # fmt: skip
    assert (row["alpha"], row["beta"], row["degrees_of_freedom"]) == (0, 1, 249)
    assert row["sigma"] == pytest.approx(statistics.stdev(differences), rel=1e-9)
    assert row["abnormal_return"] == pytest.approx(sum(event), abs=1e-12)
    assert row["t_stat"] == pytest.approx(sum(event) / (statistics.stdev(differences) * 3**0.5), rel=1e-9)


def test_a_portfolio_is_tested_as_a_firm(published, facts):
    """The five buyers' mean return, regressed by statsmodels."""
    buyers = ["AMZN", "GOOGL", "META", "MSFT", "ORCL"]
    days = around(facts, [*buyers, "SPY"], EVENT, -260, 0)
    mean, market = days[:, :5].mean(axis=1), days[:, 5]
    fitted = sm.OLS(mean[:250], sm.add_constant(market[:250])).fit()
    predicted = fitted.get_prediction([[1.0, market[-1]]])
    row = one(published, **MAIN, ticker="portfolio:buyer", **DAY)
    assert (row["role"], row["n_firms"], row["firms"]) == ("buyer", 5, ["AMZN", "GOOGL", "META", "MSFT", "ORCL"])
    abnormal = mean[-1] - float(predicted.predicted_mean[0])
    assert row["abnormal_return"] == pytest.approx(abnormal, abs=1e-12)
    assert row["t_stat"] == pytest.approx(abnormal / float(predicted.se_obs[0]), rel=1e-9)
    assert row["market_value_change_usd"] is None
    assert "not for portfolios" in row["reason"]


# ---- Against what was printed --------------------------------------------------------------------------------------


def test_nvidia_lost_593_billion(published):
    """118.42 after 142.62 is -16.97 %; times the 24.49 billion shares of the last cover page, 592.7 billion USD."""
    row = one(published, **MAIN, ticker="NVDA", **DAY)
    assert round(100 * row["actual_return"], 2) == -16.97
    assert row["shares"] == 24.49e9
    assert row["shares_measured_on"] == date(2024, 11, 15)
    assert row["market_value_change_usd"] == pytest.approx((118.42 - 142.62) * 24.49e9, rel=2e-4)
    assert row["market_value_change_usd"] == pytest.approx(-592.7e9, rel=1e-3)
    assert (row["grade"], row["reason"], row["known_on"]) == ("A", None, EVENT)


def test_a_published_table_of_market_adjusted_cars_is_met(published):
    """yc4704 printed 27 January to 10 February 2025 over SPY with beta 1; its window is [0, 10]."""
    table = recorded("event_study", "yc4704_car_table_2025-01-27_2025-02-10.csv").read_text(encoding="utf-8")
    printed = {row["ticker"]: float(row["CAR"]) for row in csv.DictReader(io.StringIO(table))}
    found = published.filter(
        event_date=EVENT, benchmark="SPY", model="market_adjusted", return_kind="simple", **ELEVEN_DAYS
    ).filter(pl.col("abnormal_return").is_not_null() & pl.col("ticker").is_in(list(printed)))
    assert found.height == 28
    for row in found.to_dicts():
        assert row["abnormal_return"] == pytest.approx(printed[row["ticker"]], abs=2e-6), row["ticker"]


@pytest.mark.parametrize("ticker", ["AAPL", "MSFT", "NVDA"])
def test_recorded_closes_against_the_nasdaq(nasdaq_facts, ticker):
    """The estimation window counted on the file's own rows, which have no holidays; the event is row 0."""
    share, market = yahoo(ticker), yahoo("IXIC")
    days = sorted(share)
    at = days.index(EVENT)
    pairs = [
        (share[day] / share[before] - 1, market[day] / market[before] - 1)
        for before, day in zip(days[at - 261 : at], days[at - 260 : at + 1], strict=True)
    ]
    r, m = np.array(pairs).T
    fitted = sm.OLS(r[:250], sm.add_constant(m[:250])).fit()
    predicted = fitted.get_prediction([[1.0, m[-1]]])
    found = study(nasdaq_facts, tickers=None, benchmarks=["IXIC"])
    row = one(found, **MAIN | {"benchmark": "IXIC"}, ticker=ticker, **DAY)
    assert row["prices_from"] == days[at - 261]
    abnormal = r[-1] - float(predicted.predicted_mean[0])
    expected = [*fitted.params, abnormal, abnormal / float(predicted.se_obs[0])]
    assert [row[name] for name in ("alpha", "beta", "abnormal_return", "t_stat")] == pytest.approx(expected, abs=1e-9)


def test_a_calendar_of_weekdays_is_refused_instead_of_shifting_returns(nasdaq_facts):
    """On weekdays, a holiday is a session without a price: that is said, and no later return moves by a day."""
    first = date(2023, 1, 2)
    weekdays = [day for i in range(900) if (day := first + timedelta(days=i)).weekday() < 5]
    frames = {**nasdaq_facts, "sessions": pl.DataFrame({"session": weekdays})}
    row = one(study(frames, tickers=None, benchmarks=["IXIC"]), **MAIN | {"benchmark": "IXIC"}, ticker="NVDA", **DAY)
    assert row["abnormal_return"] is None
    assert "no price on 2024-02-19" in row["reason"]  # Washington's Birthday, the first holiday in the window


# ---- Declared rules and traces -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def warehouse(published, facts) -> duckdb.DuckDBPyConnection:
    names = ("stock_prices", "shares_outstanding", "corporate_actions", "companies")
    return warehouse_of({"marts.event_study": published, **{f"core.{n}": facts[n] for n in names}})


@pytest.mark.parametrize("check", MART.table.checks, ids=lambda check: check.name)
def test_the_declared_rules_hold_on_the_snapshot(warehouse, check):
    assert warehouse.execute(check.unexpected.format(table="marts.event_study")).fetchall() == []


def test_keys_are_unique_and_required_columns_filled(published):
    assert not published.select(MART.table.key).is_duplicated().any()
    assert all(published[column.name].null_count() == 0 for column in MART.table.columns if column.required)
    assert not any(published[name].is_nan().any() for name in published.select(pl.col(pl.Float64)).columns)


def traced(warehouse, table: str, where: str) -> list[tuple]:
    condition = next(trace.condition for trace in MART.traces if trace.table == table)
    key = (
        "m.event_date = DATE '2025-01-27' and m.benchmark = 'SPY' and m.return_kind = 'simple' "
        f"and m.window_start = 0 and m.window_end = 1 and {where}"
    )
    return warehouse.execute(
        f"SELECT t.* FROM marts.event_study m JOIN {table} t ON {condition} WHERE {key}"
    ).fetchall()


def test_a_row_leads_back_to_its_prices_and_shares(warehouse):
    """263 closes each of share and benchmark: day -261 to day 1; for the mean-adjusted model the share's alone."""
    nvda = "m.ticker = 'NVDA' and m.model = 'market_model'"
    assert len(traced(warehouse, "core.stock_prices", nvda)) == 2 * 263
    assert len(traced(warehouse, "core.stock_prices", "m.ticker = 'NVDA' and m.model = 'mean_adjusted'")) == 263
    buyers = "m.ticker = 'portfolio:buyer' and m.model = 'market_model'"
    assert len(traced(warehouse, "core.stock_prices", buyers)) == 6 * 263
    assert [row[1] for row in traced(warehouse, "core.shares_outstanding", nvda)] == [date(2024, 11, 15)]
    assert traced(warehouse, "core.corporate_actions", nvda) == []  # the split is older than the count
    assert len(traced(warehouse, "core.companies", buyers)) == 5
