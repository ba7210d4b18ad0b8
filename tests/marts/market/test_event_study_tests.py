"""The five tests: by arithmetic on a role's firms, by hand on five days, and on days when nothing happened."""

from __future__ import annotations

from datetime import date
from math import sqrt
from statistics import mean, stdev

import duckdb
import numpy as np
import polars as pl
import pytest
import scipy.stats
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from tests.built import build
from tests.conftest import AS_OF
from tests.examples import examples
from tests.marts.declared import warehouse_of
from tests.marts.market.cases import priced
from warehouse.marts import known
from warehouse.marts.market.event_study_tests import MART
from warehouse.marts.market.returns import abnormal_returns, fit, standard_errors, student_p
from warehouse.marts.market.significance import TESTS, mean_correlation, rank_test, ranked, standardised_tests

EVENT = date(2025, 1, 27)
MAIN = {"event_date": EVENT, "benchmark": "SPY", "model": "market_model", "return_kind": "simple"}
BUYERS = ("AMZN", "GOOGL", "META", "MSFT", "ORCL")
WINDOWS = [(0, 0), (0, 1), (-1, 1), (-5, 5), (0, 10), (0, 60)]


@pytest.fixture(scope="module")
def published(facts, assumptions) -> dict[str, pl.DataFrame]:
    return build(facts, as_of=AS_OF, assumptions=assumptions, only=["event_study_tests"])


def rows(frames: dict[str, pl.DataFrame], grouping: str, window: tuple[int, int], **key) -> dict[str, dict]:
    """The row of each test of one role and window."""
    where = {**MAIN, "grouping": grouping, "window_start": window[0], "window_end": window[1], **key}
    found = frames["event_study_tests"].filter(*(pl.col(name) == value for name, value in where.items()))
    assert sorted(found["test"]) == sorted(TESTS)
    return {row["test"]: row for row in found.to_dicts()}


def firms_t(frames: dict[str, pl.DataFrame], window: tuple[int, int], tickers: tuple[str, ...]) -> list[float]:
    where = {**MAIN, "window_start": window[0], "window_end": window[1]}
    found = frames["event_study"].filter(*(pl.col(name) == value for name, value in where.items()))
    return found.filter(pl.col("ticker").is_in(tickers))["t_stat"].to_list()


def daily(facts, ticker: str, first: int, last: int) -> np.ndarray:
    """Returns of the rows `first` to `last` of the ticker's own file, the event being row 0."""
    bars = facts["stock_prices"].filter(pl.col("ticker") == ticker).sort("date")
    at = bars["date"].to_list().index(EVENT)
    closes = bars["adj_close"].to_numpy()[at + first - 1 : at + last + 1]
    return closes[1:] / closes[:-1] - 1


def abnormal_series(facts, ticker: str, window: tuple[int, int]) -> np.ndarray:
    """Estimation residuals, then prediction errors of the event days, by statsmodels."""
    market = sm.add_constant(daily(facts, "SPY", -260, -11))
    fitted = sm.OLS(daily(facts, ticker, -260, -11), market).fit()
    event = sm.add_constant(daily(facts, "SPY", *window), has_constant="add")
    return np.r_[fitted.resid, daily(facts, ticker, *window) - fitted.predict(event)]


@pytest.mark.parametrize("window", WINDOWS)
def test_the_tests_of_the_buyers_are_the_papers_formulas(published, facts, window):
    t = firms_t(published, window, BUYERS)
    n = len(t)
    found = rows(published, "buyer", window)
    patell = sum(t) / sqrt(n * 248 / 246)
    bmp = mean(t) * sqrt(n) / stdev(t)
    series = np.array([abnormal_series(facts, ticker, window) for ticker in BUYERS])
    correlations = np.corrcoef(series[:, :250])
    r = correlations[np.triu_indices(n, 1)].mean()
    adjusted = bmp * sqrt((1 - r) / (1 + (n - 1) * r))
    days = window[1] - window[0] + 1
    deviations = np.array([scipy.stats.rankdata(one) - (250 + days + 1) / 2 for one in series]).mean(axis=0)
    rank = deviations[250:].sum() / (np.sqrt((deviations**2).mean()) * sqrt(days))
    expected = {
        "patell": (patell, 2 * scipy.stats.norm.sf(abs(patell))),
        "bmp": (bmp, 2 * scipy.stats.t.sf(abs(bmp), n - 1)),
        "kolari_pynnonen": (adjusted, 2 * scipy.stats.t.sf(abs(adjusted), n - 1)),
        "corrado_rank": (rank, 2 * scipy.stats.norm.sf(abs(rank))),
    }
    assert n == 5
    for test, (statistic, p_value) in expected.items():
        assert found[test]["statistic"] == pytest.approx(statistic, rel=1e-8), test
        assert found[test]["p_value"] == pytest.approx(p_value, rel=1e-6), test
        assert found[test]["n_firms"] == n
        assert found[test]["mean_correlation"] == pytest.approx(r, rel=1e-9)


def test_the_portfolio_test_is_the_portfolios_row(published):
    found = rows(published, "supplier", (0, 1))["portfolio"]
    row = published["event_study"].filter(
        pl.col("ticker") == "portfolio:supplier", window_start=0, window_end=1, **MAIN
    ).to_dicts()[0]  # fmt: skip
    names = {"statistic": "t_stat", **{n: n for n in ("p_value", "abnormal_return", "n_firms", "grade", "known_on")}}
    assert {name: found[name] for name in names} == {name: row[other] for name, other in names.items()}


def test_a_firm_without_all_returns_is_left_out_and_said_so(published):
    """Astera Labs was listed in March 2024, too late for 250 returns before the event."""
    found = rows(published, "supplier", (0, 0))
    assert {row["n_firms"] for row in found.values()} == {19}
    assert "19 of the role's 20 firms" in found["patell"]["reason"]
    assert "ALAB" not in found["patell"]["firms"]


def test_each_row_says_whether_its_test_is_valid_on_a_common_day(published):
    """Three neoclouds move as one: too few for the ranks of one day, enough for those of two."""
    told = {role: {test: row["valid_for_one_event_day"] for test, row in rows(published, role, (0, 0)).items()}
            for role in ("supplier", "neocloud")}  # fmt: skip
    honest = {"portfolio": True, "kolari_pynnonen": True, "corrado_rank": True, "patell": False, "bmp": False}
    assert told == {"supplier": honest, "neocloud": {**honest, "corrado_rank": False}}
    assert rows(published, "neocloud", (0, 1))["corrado_rank"]["valid_for_one_event_day"]


def test_no_group_of_benchmarks(published):
    groups = set(published["event_study_tests"]["grouping"])
    assert groups == {"supplier", "buyer", "power", "neocloud", "adopter"}


def test_a_benchmark_counts_in_the_models_that_use_it(published):
    tests = published["event_study_tests"].filter(return_kind="simple", window_start=0, window_end=10, grouping="power")
    by_benchmark = tests.group_by("event_date", "model", "test").agg(pl.col("statistic").n_unique())
    assert set(by_benchmark.filter(model="mean_adjusted")["statistic"]) == {1}
    assert set(by_benchmark.filter(model="market_model")["statistic"]) == {5}


def test_a_window_that_is_not_over_is_null_with_the_reason(facts, assumptions, published):
    early = build(facts, as_of=date(2025, 1, 28), assumptions=assumptions, only=["event_study_tests"])
    for row in rows(early, "supplier", (0, 60)).values():
        assert (row["statistic"], row["p_value"], row["n_firms"], row["grade"]) == (None, None, 0, None)
        assert row["reason"] == "the window ends on 2025-04-23 and prices are known through 2025-01-28"
    assert rows(early, "supplier", (0, 1)) == rows(published, "supplier", (0, 1))


def test_one_firm_has_no_spread_across_firms(facts, assumptions):
    alone = {**facts, "companies": facts["companies"].filter(pl.col("ticker").is_in(["NVDA", "SPY"]))}
    found = rows(build(alone, as_of=AS_OF, assumptions=assumptions, only=["event_study_tests"]), "supplier", (0, 0))
    assert found["bmp"]["statistic"] is found["kolari_pynnonen"]["p_value"] is found["bmp"]["mean_correlation"] is None
    assert found["bmp"]["reason"] == "the spread across firms needs two firms or more"
    # Patell's statistic of one firm is its t, brought to variance one; the portfolio of one firm is the firm.
    assert found["portfolio"]["statistic"] == pytest.approx(-5.148, abs=1e-3)
    assert found["patell"]["statistic"] == pytest.approx(found["portfolio"]["statistic"] / sqrt(248 / 246), rel=1e-12)
    assert found["patell"]["reason"] is None


def test_prices_that_never_move_give_null_and_no_exception(facts, assumptions):
    still = priced(facts, pl.col("ticker").is_in(BUYERS), pl.lit(100.0))
    frames = build(still, as_of=AS_OF, assumptions=assumptions, only=["event_study_tests"])
    for row in rows(frames, "buyer", (0, 1)).values():
        assert row["statistic"] is None
        assert "do not vary enough" in row["reason"]


def test_a_benchmark_without_prices_is_the_reason(facts, assumptions):
    bars = facts["stock_prices"].filter(pl.col("ticker") != "SPY")
    frames = build({**facts, "stock_prices": bars}, as_of=AS_OF, assumptions=assumptions, only=["event_study_tests"])
    for row in rows(frames, "buyer", (0, 1)).values():
        assert row["statistic"] is None
        assert row["reason"].startswith("0 of 250 estimation returns of SPY")
    assert all(r["statistic"] is not None for r in rows(frames, "buyer", (0, 1), model="mean_adjusted").values())


def test_without_facts_there_are_no_rows(assumptions):
    assert build({}, as_of=AS_OF, assumptions=assumptions, only=["event_study_tests"])["event_study_tests"].is_empty()


def test_only_what_the_event_study_holds_is_tested(facts, assumptions, published):
    """A narrower event study gives the same tests of fewer windows and benchmarks."""
    narrow = published["event_study"].filter(benchmark="QQQ", window_start=0)
    found = MART.run({**known(facts, AS_OF), "event_study": narrow}, as_of=AS_OF, assumptions=assumptions)
    assert_frame_equal(found, published["event_study_tests"].filter(benchmark="QQQ", window_start=0))


# ---- By hand -------------------------------------------------------------------------------------------------------


def test_ranks_of_five_days_by_hand():
    """Days 1, 2, 3, 4 and the event's 9: ranks less 3 are -2 to 2, S^2 = 10/5, and 2 / sqrt(2) is the statistic."""
    found = rank_test(np.array([[[1.0], [2], [3], [4]]]), np.array([[[9.0]]]), np.array([[True]]))
    assert found["corrado_rank_statistic"].item() == pytest.approx(sqrt(2))


def test_ties_share_their_mean_rank():
    """0, 0, 1, 2 and 2: ranks 1.5, 1.5, 3, 4.5, 4.5; S^2 = 4 x 1.5^2 / 5 = 1.8."""
    found = rank_test(np.array([[[0.0], [0], [1], [2]]]), np.array([[[2.0]]]), np.array([[True]]))
    assert found["corrado_rank_statistic"].item() == pytest.approx(1.5 / sqrt(1.8))


@pytest.mark.parametrize("last", [4.0, 1.0], ids=["no ties", "ties"])
def test_a_series_with_a_hole_has_no_ranks(last):
    series = np.array([[[3.0, 3.0], [1.0, np.nan], [2.0, 2.0], [last, 5.0]]])
    found = ranked(series)
    assert found[0, :, 0].tolist() == scipy.stats.rankdata(series[0, :, 0]).tolist()
    assert np.isnan(found[0, :, 1]).all()


def test_patell_and_bmp_of_three_firms_by_hand():
    """t of 1, 2 and 3 with 10 degrees of freedom, and a fourth firm of another group."""
    found = standardised_tests(np.array([[1.0, 2, 3, np.nan]]), np.array([[[True, True, True, False]]]), 10)
    assert found["n_tested"].item() == 3
    assert found["patell_statistic"].item() == pytest.approx(6 / sqrt(3 * 10 / 8))
    assert found["bmp_statistic"].item() == pytest.approx(2 * sqrt(3) / 1)


@settings(max_examples=examples(0.2))
@given(seed=st.integers(0, 10_000), firms=st.integers(2, 6))
def test_mean_correlation_is_that_of_the_matrix(seed, firms):
    series = np.random.default_rng(seed).normal(size=(30, firms)) + np.random.default_rng(seed + 1).normal(size=(30, 1))
    expected = np.corrcoef(series.T)[np.triu_indices(firms, 1)].mean()
    found = mean_correlation(series[None], np.ones((1, firms), dtype=bool))
    assert found.item() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("firms", [2, 9, 39])
def test_firms_that_move_as_one_correlate_at_one_and_not_above(firms):
    series = np.repeat(np.random.default_rng(firms).normal(size=(1, 250, 1)), firms, axis=2)
    found = mean_correlation(series, np.ones((1, firms), dtype=bool)).item()
    assert found == pytest.approx(1.0)
    assert found <= 1.0


def test_when_nothing_happens_only_honest_tests_stay_quiet():
    """A thousand quiet events of twenty firms whose residuals correlate at 0.3, each tested at 5 %.

    With r = 0.3 the sum of 20 t statistics has 6.7 times the variance of independent ones, so Patell's |Z| beats 1.96
    in about 45 % of them (2 x P(Z > 1.96 / sqrt(6.7))); the portfolio keeps its 5 %, Kolari and Pynnonen about that.
    """
    rng = np.random.default_rng(20250127)
    rejected = dict.fromkeys(("patell", "kolari_pynnonen", "portfolio"), 0)
    everyone, trials = np.ones((1, 20), dtype=bool), 1000
    for _ in range(trials):
        market, common = rng.normal(0, 0.01, (121, 1)), rng.normal(0, sqrt(0.3), (121, 1))
        returns = market + 0.02 * (common + rng.normal(0, sqrt(0.7), (121, 20)))
        with_portfolio = np.hstack([returns, returns.mean(axis=1, keepdims=True)])
        fitted = fit("market_model", with_portfolio[:120], market[:120])
        event = abnormal_returns(fitted, with_portfolio[120:], market[120:])
        t = event.sum(axis=1) / standard_errors(fitted, market[120:])
        tests = standardised_tests(t[:, :20], everyone[None], fitted.degrees)
        residuals = abnormal_returns(fitted, with_portfolio[:120], market[:120])[:, :, :20]
        r = mean_correlation(residuals, everyone)
        kolari_pynnonen = tests["bmp_statistic"] * np.sqrt((1 - r) / (1 + 19 * r))
        rejected["patell"] += tests["patell_p"].item() < 0.05
        rejected["kolari_pynnonen"] += student_p(kolari_pynnonen, 19).item() < 0.05
        rejected["portfolio"] += student_p(t[0, 20], fitted.degrees).item() < 0.05
    assert 0.38 < rejected["patell"] / trials < 0.52
    assert 0.03 < rejected["portfolio"] / trials < 0.07
    assert 0.03 < rejected["kolari_pynnonen"] / trials < 0.07


# ---- Declared rules and traces -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def warehouse(published, facts) -> duckdb.DuckDBPyConnection:
    marts = {f"marts.{name}": frame for name, frame in published.items()}
    return warehouse_of(marts | {f"core.{n}": facts[n] for n in ("stock_prices", "companies")})


@pytest.mark.parametrize("check", MART.table.checks, ids=lambda check: check.name)
def test_the_declared_rules_hold_on_the_snapshot(warehouse, check):
    assert warehouse.execute(check.unexpected.format(table="marts.event_study_tests")).fetchall() == []


@pytest.mark.parametrize(
    ("table", "expected"), [("marts.event_study", 6), ("core.stock_prices", 6 * 262), ("core.companies", 5)]
)
def test_a_row_leads_back_to_its_inputs(warehouse, table, expected):
    """Five buyers and their portfolio; 262 closes (day -261 to day 0) of each buyer and of SPY."""
    condition = next(trace.condition for trace in MART.traces if trace.table == table)
    found = warehouse.execute(
        f"SELECT t.* FROM marts.event_study_tests m JOIN {table} t ON {condition} "
        "WHERE m.event_date = DATE '2025-01-27' and m.benchmark = 'SPY' and m.return_kind = 'simple' "
        "and m.test = 'bmp' and m.model = 'market_model' and m.window_start = 0 and m.window_end = 0 "
        "and m.grouping = 'buyer'"
    ).fetchall()
    assert len(found) == expected
