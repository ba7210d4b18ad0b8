"""Returns around an event, held against statsmodels, official closes and a published table."""

from __future__ import annotations

import csv
import gzip
import io
import statistics
from datetime import date, timedelta
from itertools import pairwise

import duckdb
import numpy as np
import polars as pl
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from tests.conftest import AS_OF, recorded, with_provenance
from tests.marts.declared import warehouse_of
from warehouse.assumptions import load
from warehouse.calendars.exchange import sessions as exchange_sessions
from warehouse.errors import UsageError
from warehouse.marts import build, known
from warehouse.marts.market.event_study import MART
from warehouse.tables import CORE

EVENT = date(2025, 1, 27)
MAIN = {"event_date": EVENT, "benchmark": "SPY", "model": "market_model", "return_kind": "simple"}
DAY, TWO_DAYS, ELEVEN_DAYS = (
    {"window_start": first, "window_end": last} for first, last in ((0, 0), (0, 1), (0, 10))
)  # fmt: skip
PANEL = {"NVDA": "supplier", "AMD": "supplier", "MSFT": "buyer", "SPY": "benchmark"}


@pytest.fixture(scope="module")
def published(facts, assumptions) -> pl.DataFrame:
    return build(facts, as_of=AS_OF, assumptions=assumptions, only=["event_study"])["event_study"]


def study(facts, as_of: date = AS_OF, tickers: dict[str, str] | None = PANEL, **changes) -> pl.DataFrame:
    """The mart of a few tickers and SPY alone, with some assumptions changed."""
    assumed = load().replaced({"benchmarks": ["SPY"], "events": {"value": {"2025-01-27": "fall"}}, **changes})
    frames = known(facts, as_of)
    if tickers is not None:
        keep = list(tickers)
        frames["companies"] = frames["companies"].filter(pl.col("ticker").is_in(keep))
        frames["stock_prices"] = frames["stock_prices"].filter(pl.col("ticker").is_in(keep))
    return MART.run(frames, as_of=as_of, assumptions=assumed)


def one(frame: pl.DataFrame, **key) -> dict:
    rows = frame.filter(*(pl.col(name) == value for name, value in key.items())).to_dicts()
    assert len(rows) == 1
    return rows[0]


def closes(facts, ticker: str) -> dict[date, float]:
    rows = facts["stock_prices"].filter(pl.col("ticker") == ticker).sort("date")
    return dict(zip(rows["date"], rows["adj_close"], strict=True))


def returns(facts, ticker: str) -> dict[date, float]:
    """Simple returns from one file row to the next: the file's own days, no calendar."""
    days = list(closes(facts, ticker).items())
    return {day: now / before - 1 for (_, before), (day, now) in pairwise(days)}


def around(facts, tickers: list[str], event: date, first: int, last: int) -> np.ndarray:
    """Returns of the days `first` to `last` from the event, days by tickers."""
    series = [returns(facts, ticker) for ticker in tickers]
    days = sorted(series[-1])
    at = days.index(event)
    return np.array([[one[day] for one in series] for day in days[at + first : at + last + 1]])


def without(facts, **where) -> dict[str, pl.DataFrame]:
    """The facts without the bars that match."""
    bad = pl.all_horizontal(pl.col(name) == value for name, value in where.items())
    return {**facts, "stock_prices": facts["stock_prices"].filter(~bad)}


def changed(facts, where: pl.Expr, **columns: pl.Expr) -> dict[str, pl.DataFrame]:
    """The facts with some columns of some bars replaced."""
    bars = facts["stock_prices"].with_columns(
        pl.when(where).then(value).otherwise(pl.col(name)).alias(name) for name, value in columns.items()
    )
    return {**facts, "stock_prices": bars}


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


@pytest.mark.parametrize("window", [(0, 0), (0, 1), (-1, 1), (-5, 5), (0, 10), (0, 60)])
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


def yahoo(ticker: str) -> dict[date, float]:
    path = recorded("event_study", f"yahoo_{ticker}_2023-07-03_2025-04-29.csv.gz")
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()[3:]
    return {date.fromisoformat(day): float(close) for day, close, *_ in csv.reader(lines)}


@pytest.fixture(scope="module")
def nasdaq_facts(facts) -> dict[str, pl.DataFrame]:
    """Recorded closes of three shares and of the Nasdaq index as facts."""
    tickers = {"AAPL": "adopter", "MSFT": "buyer", "NVDA": "supplier", "IXIC": "benchmark"}
    bars = [(ticker, day, close) for ticker in tickers for day, close in yahoo(ticker).items()]
    frame = pl.DataFrame(bars, schema=["ticker", "date", "close"], orient="row").with_columns(
        adj_close=pl.col("close"), known_on=pl.col("date")
    )
    panel = pl.DataFrame({"ticker": list(tickers), "role": list(tickers.values())})
    panel = panel.with_columns(known_on=pl.lit(date(1970, 1, 1)))
    return {
        "stock_prices": with_provenance(CORE["stock_prices"], frame),
        "companies": with_provenance(CORE["companies"], panel),
        "sessions": facts["sessions"],
    }


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


# ---- Days ----------------------------------------------------------------------------------------------------------


def test_an_event_on_a_holiday_moves_to_the_next_session(published):
    row = one(published, **MAIN | {"event_date": date(2025, 1, 20)}, ticker="NVDA", **DAY)
    assert row["session"] == date(2025, 1, 21)
    assert row["reason"] == "2025-01-20 has no session, so the event moves to the next one, 2025-01-21"
    assert row["abnormal_return"] is not None
    assert one(published, **MAIN, ticker="NVDA", **DAY)["session"] == EVENT


def test_a_day_of_mourning_is_no_session(facts):
    """The exchange was closed on Thursday 2025-01-09; a window of two days from the 8th ends on the 10th."""
    found = study(facts, events={"2025-01-09": "closed", "2025-01-08": "the day before"})
    assert one(found, **MAIN | {"event_date": date(2025, 1, 9)}, ticker="NVDA", **DAY)["session"] == date(2025, 1, 10)
    two = one(found, **MAIN | {"event_date": date(2025, 1, 8)}, ticker="NVDA", **TWO_DAYS)
    assert two["prices_to"] == date(2025, 1, 10)
    series = closes(facts, "NVDA")
    assert two["actual_return"] == pytest.approx(series[date(2025, 1, 10)] / series[date(2025, 1, 7)] - 1, rel=1e-12)


def test_a_window_that_is_not_over_is_null_and_says_until_when_prices_are_known(facts, published, assumptions):
    then = date(2025, 1, 28)
    early = build(facts, as_of=then, assumptions=assumptions, only=["event_study"])["event_study"]
    for ticker in ("NVDA", "portfolio:supplier"):
        late = one(early, **MAIN, ticker=ticker, **ELEVEN_DAYS)
        assert late["abnormal_return"] is late["actual_return"] is late["p_value"] is None
        assert "the window ends on 2025-02-10 and prices are known through 2025-01-28" in late["reason"]
        # What was over then gives what it gives today.
        assert one(early, **MAIN, ticker=ticker, **TWO_DAYS) == one(published, **MAIN, ticker=ticker, **TWO_DAYS)


def test_before_the_event_there_are_reasons_and_no_figures(facts, assumptions):
    early = build(facts, as_of=date(2024, 6, 28), assumptions=assumptions, only=["event_study"])["event_study"]
    for name in ("abnormal_return", "actual_return", "market_value_change_usd", "grade"):
        assert early[name].null_count() == early.height > 0
    assert early["reason"].null_count() == 0


def test_without_facts_there_are_no_rows(assumptions):
    frames = known({}, AS_OF)
    assert MART.run(frames, as_of=AS_OF, assumptions=assumptions).is_empty()


@pytest.mark.parametrize("missing", ["stock_prices", "sessions", "shares_outstanding", "corporate_actions"])
def test_each_frame_may_be_empty(facts, missing):
    found = study({**facts, missing: facts[missing].clear()})
    assert found.filter(pl.col("reason").is_null() & pl.col("t_stat").is_null()).is_empty()
    if missing in ("stock_prices", "sessions"):
        assert found["actual_return"].null_count() == found.height > 0
    else:
        assert one(found, **MAIN, ticker="NVDA", **DAY)["t_stat"] == pytest.approx(-5.148, abs=1e-3)


def test_an_event_after_the_end_of_the_calendar_has_no_session(facts):
    row = one(
        study(facts, events={"2027-02-01": "later"}), **MAIN | {"event_date": date(2027, 2, 1)}, ticker="NVDA", **DAY
    )
    assert row["session"] is None
    assert "the calendar has no session on or after 2027-02-01" in row["reason"]


# ---- Missing prices ------------------------------------------------------------------------------------------------


def test_too_few_estimation_returns_are_counted(published):
    """Astera Labs was listed on 2024-03-20: its returns run from the 21st, and day -11 is 2025-01-08."""
    listed = exchange_sessions(date(2024, 3, 21), date(2025, 1, 8)).height
    row = one(published, **MAIN, ticker="ALAB", **DAY)
    assert row["n_estimation"] == listed < 250
    assert row["abnormal_return"] is row["alpha"] is row["t_stat"] is None
    assert row["actual_return"] is not None
    assert f"{listed} of 250 estimation returns of ALAB, no price on 2024-01-10" in row["reason"]


def test_a_session_missing_in_the_estimation_window_costs_two_returns(facts):
    gap = date(2024, 6, 12)
    found = study(without(facts, ticker="NVDA", date=gap))
    row = one(found, **MAIN, ticker="NVDA", **DAY)
    assert (row["n_estimation"], row["abnormal_return"]) == (248, None)
    assert "248 of 250 estimation returns of NVDA, no price on 2024-06-12" in row["reason"]
    portfolio = one(found, **MAIN, ticker="portfolio:supplier", **DAY)
    assert (portfolio["firms"], portfolio["n_firms"]) == (["AMD"], 1)
    assert "1 of the role's 2 firms have every return" in portfolio["reason"]


def test_a_session_missing_in_the_window_is_named(facts):
    found = study(without(facts, ticker="NVDA", date=date(2025, 1, 29)))
    row = one(found, **MAIN, ticker="NVDA", **ELEVEN_DAYS)
    assert row["abnormal_return"] is row["actual_return"] is None
    assert row["reason"] == "no price of NVDA on 2025-01-29 in the window"
    # Closes at both ends are there, so the change in market value is; and the shorter window has everything.
    assert row["market_value_change_usd"] is not None
    assert one(found, **MAIN, ticker="NVDA", **TWO_DAYS)["reason"] is None


def test_a_session_that_the_benchmark_misses_spares_the_model_without_it(facts):
    found = study(without(facts, ticker="SPY", date=date(2024, 6, 12)))
    row = one(found, **MAIN, ticker="NVDA", **DAY)
    assert row["abnormal_return"] is None
    assert row["reason"] == "248 of 250 estimation returns of SPY, no price on 2024-06-12"
    assert one(found, **MAIN | {"model": "mean_adjusted"}, ticker="NVDA", **DAY)["t_stat"] is not None


def test_a_role_without_a_complete_firm_has_an_empty_portfolio(facts):
    row = one(study(without(facts, ticker="MSFT", date=EVENT)), **MAIN, ticker="portfolio:buyer", **DAY)
    assert (row["n_firms"], row["firms"], row["abnormal_return"], row["grade"]) == (0, None, None, None)
    assert "none of the role's 1 firms has every return" in row["reason"]


def test_a_benchmark_is_not_held_against_itself(published):
    itself = published.filter(pl.col("ticker") == pl.col("benchmark"))
    assert itself["abnormal_return"].null_count() == itself["beta"].null_count() == itself.height > 0
    assert itself["reason"].str.contains("a benchmark is not held against itself").all()
    assert one(published, **MAIN | {"benchmark": "QQQ"}, ticker="SPY", **DAY)["t_stat"] is not None


def test_prices_that_never_move_allow_no_test(facts):
    flat = changed(facts, pl.col("ticker") == "NVDA", adj_close=pl.lit(100.0))
    row = one(study(flat), **MAIN, ticker="NVDA", **DAY)
    assert (row["beta"], row["actual_return"], row["t_stat"], row["p_value"]) == (0, 0, None, None)
    assert "do not vary enough" in row["reason"]


# ---- Share counts --------------------------------------------------------------------------------------------------


def shares(*rows: tuple[date, date, int], grade: str = "A") -> pl.DataFrame:
    frame = pl.DataFrame(rows, schema=["measured_on", "known_on", "shares"], orient="row")
    return with_provenance(CORE["shares_outstanding"], frame.with_columns(ticker=pl.lit("NVDA"), grade=pl.lit(grade)))


def test_only_a_share_count_known_on_the_day_counts(facts):
    counts = shares(
        (date(2024, 8, 23), date(2024, 8, 28), 10),
        (date(2024, 11, 15), EVENT, 20),
        (date(2025, 1, 24), date(2025, 1, 28), 30),
    )
    row = one(study({**facts, "shares_outstanding": counts}), **MAIN, ticker="NVDA", **TWO_DAYS)
    assert (row["shares"], row["shares_measured_on"]) == (20, date(2024, 11, 15))


def test_a_count_from_before_a_split_is_put_on_the_closes_basis(facts):
    """Nvidia split ten for one on 2024-06-10; closes are on the new basis, the count of 2024-05-24 is not."""
    old = shares((date(2024, 5, 24), date(2024, 5, 29), 2_460_000_000))
    row = one(study({**facts, "shares_outstanding": old}), **MAIN, ticker="NVDA", **DAY)
    assert row["shares"] == 24.6e9
    assert row["market_value_change_usd"] == pytest.approx((118.42 - 142.62) * 24.6e9, rel=2e-4)


def test_without_a_share_count_the_market_value_is_null_with_a_reason(published):
    row = one(published, **MAIN, ticker="AMD", **DAY)
    assert row["market_value_change_usd"] is None
    assert row["reason"] == "no share count of AMD known by 2025-01-27"


# ---- Grades --------------------------------------------------------------------------------------------------------


def test_a_row_is_worth_its_weakest_price(facts):
    in_window = study(changed(facts, (pl.col("ticker") == "SPY") & (pl.col("date") == EVENT), grade=pl.lit("C")))
    assert one(in_window, **MAIN, ticker="NVDA", **DAY)["grade"] == "C"
    assert one(in_window, **MAIN | {"model": "mean_adjusted"}, ticker="NVDA", **DAY)["grade"] == "A"
    after = study(changed(facts, pl.col("date") == date(2025, 1, 29), grade=pl.lit("B")))
    assert one(after, **MAIN, ticker="NVDA", **TWO_DAYS)["grade"] == "A"
    assert one(after, **MAIN, ticker="NVDA", **ELEVEN_DAYS)["grade"] == "B"
    assert one(after, **MAIN, ticker="portfolio:supplier", **ELEVEN_DAYS)["grade"] == "B"


def test_hearsay_is_no_price(facts):
    hearsay = study(changed(facts, (pl.col("ticker") == "NVDA") & (pl.col("date") == EVENT), grade=pl.lit("D")))
    assert one(hearsay, **MAIN, ticker="NVDA", **DAY)["actual_return"] is None


def test_a_share_count_lowers_the_grade_where_it_is_used(facts):
    counts = shares((date(2024, 11, 15), date(2024, 11, 20), 24_490_000_000), grade="C")
    found = study({**facts, "shares_outstanding": counts})
    assert one(found, **MAIN, ticker="NVDA", **DAY)["grade"] == "C"
    assert one(found, **MAIN, ticker="MSFT", **DAY)["grade"] == "A"


# ---- What must not matter ------------------------------------------------------------------------------------------

FIGURES = ("alpha", "beta", "r2", "sigma", "abnormal_return", "standard_error", "t_stat", "p_value", "actual_return")


@settings(max_examples=15, deadline=None)
@given(factor=st.floats(1e-3, 1e3))
def test_the_unit_of_a_price_does_not_matter(facts, factor):
    before, after = (
        study(facts),
        study(changed(facts, pl.col("ticker") == "NVDA", adj_close=pl.col("adj_close") * factor)),
    )
    assert_frame_equal(after.select(FIGURES), before.select(FIGURES), rel_tol=1e-6, abs_tol=1e-9)


@settings(max_examples=10, deadline=None)
@given(drift=st.floats(-0.002, 0.002))
def test_a_benchmark_that_drifts_changes_alpha_alone(facts, drift):
    """Log returns of the benchmark plus a constant: the line shifts along, so a falls by b times it, the rest stays."""
    rank = pl.col("date").rank("dense").over("ticker")
    drifted = changed(facts, pl.col("ticker") == "SPY", adj_close=pl.col("adj_close") * (drift * rank).exp())
    key = {**MAIN, "return_kind": "log", "ticker": "NVDA", **ELEVEN_DAYS}
    before, after = one(study(facts), **key), one(study(drifted), **key)
    assert after["alpha"] == pytest.approx(before["alpha"] - before["beta"] * drift, abs=1e-9)
    for name in FIGURES[1:]:
        assert after[name] == pytest.approx(before[name], rel=1e-6, abs=1e-9), name


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 1000))
def test_the_order_of_facts_does_not_matter(facts, seed):
    shuffled = {**facts, "stock_prices": facts["stock_prices"].sample(fraction=1, shuffle=True, seed=seed)}
    assert study(shuffled).equals(study(facts))


def test_other_benchmarks_and_windows_do_not_matter(facts, published):
    """A study of one benchmark and two windows holds the same figures, to the last digit."""
    narrow = study(facts, tickers=None, windows=[[0, 1], [0, 60]])
    windows = pl.col("window_start").eq(0) & pl.col("window_end").is_in([1, 60])
    same = published.filter(windows, event_date=EVENT, benchmark="SPY")
    assert narrow.drop("event").equals(same.drop("event"))


@settings(max_examples=15, deadline=None)
@given(first=st.integers(-30, 30), length=st.integers(1, 40))
def test_windows_add_up(facts, first, length):
    """Abnormal returns of neighbouring windows add up; actual ones compound, of logs they add up."""
    middle, last = first + length, first + 2 * length
    found = study(facts, windows=[[first, middle - 1], [middle, last - 1], [first, last - 1]])
    for kind in ("simple", "log"):
        key = {**MAIN, "return_kind": kind, "ticker": "AMD"}
        a, b, both = (
            one(found, **key, window_start=s, window_end=e)
            for s, e in ((first, middle - 1), (middle, last - 1), (first, last - 1))
        )
        assert a["abnormal_return"] + b["abnormal_return"] == pytest.approx(both["abnormal_return"], abs=1e-12)
        whole = (1 + a["actual_return"]) * (1 + b["actual_return"]) - 1
        whole = a["actual_return"] + b["actual_return"] if kind == "log" else whole
        assert both["actual_return"] == pytest.approx(whole, abs=1e-12)


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
