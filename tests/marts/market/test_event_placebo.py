"""The tests on days when nothing happened: the same figures as in the mart that uses them, and honest rates."""

from __future__ import annotations

from datetime import date

import duckdb
import numpy as np
import polars as pl
import pytest
import scipy.stats

from tests.built import build
from tests.conftest import AS_OF
from tests.marts.declared import warehouse_of
from tests.marts.market.cases import one, without
from warehouse.assumptions import load
from warehouse.marts import known
from warehouse.marts.market.event_placebo import MART, variance_limit
from warehouse.marts.market.panel import panel_prices, setting
from warehouse.marts.market.quiet_days import quiet_days, try_tests
from warehouse.marts.market.significance import ABOUT, TESTS, independent_firms, rank_statistic, too_few_ranks
from warehouse.marts.wording.market import ASSUMES, VALID_WHEN

ROLES = ("adopter", "buyer", "neocloud", "power", "supplier")
VALID = [test for test in TESTS if ABOUT[test].valid_for_one_event_day]


@pytest.fixture(scope="module")
def published(facts, assumptions) -> pl.DataFrame:
    return build(facts, as_of=AS_OF, assumptions=assumptions, only=["event_placebo"])["event_placebo"]


def run(facts, as_of: date = AS_OF, **changes) -> pl.DataFrame:
    return MART.run(known(facts, as_of), as_of=as_of, assumptions=load().replaced(changes))


@pytest.fixture(scope="module")
def tried(facts):
    """Days drawn, and p-values by test (days by windows by roles)."""
    frames = known(facts, AS_OF)
    chosen = setting(frames["companies"], frames["sessions"], load())
    chosen = type(chosen)(**{**vars(chosen), "benchmarks": ("SPY",), "windows": ((0, 0), (0, 1))})
    bars = panel_prices(frames["stock_prices"], frames["sessions"], chosen)
    days = quiet_days(bars, chosen, 250, 20250127)
    return bars, days, *try_tests(bars, days, chosen), chosen


def test_the_vectorised_tests_are_those_of_the_event_study(facts, tried):
    """Four of the drawn days as events: the mart of the tests gives the same p-values."""
    bars, days, p_values, measures, chosen = tried
    correlations = measures["mean_correlation"]
    picked = [0, 90, 180, 249]
    events = {bars.sessions[days[i]].item().isoformat(): "a quiet day" for i in picked}
    assumed = load().replaced({"events": {"value": events}, "benchmarks": ["SPY"], "windows": [[0, 0], [0, 1]]})
    tests = build(facts, as_of=AS_OF, assumptions=assumed, only=["event_study_tests"])["event_study_tests"]
    compared = 0
    for i in picked:
        for w, end in enumerate((0, 1)):
            for g, role in enumerate(chosen.groups):
                for test in TESTS:
                    row = one(
                        tests, event_date=bars.sessions[days[i]].item(), grouping=role, model="market_model",
                        return_kind="simple", window_end=end, test=test,
                    )  # fmt: skip
                    assert p_values[test][i, w, g] == pytest.approx(row["p_value"], rel=1e-7, abs=1e-12)
                    assert correlations[i, w, g] == pytest.approx(row["mean_correlation"], abs=1e-9)
                    compared += 1
    assert compared == 4 * 2 * 5 * 5


@pytest.mark.parametrize("end", [0, 1])
@pytest.mark.parametrize("test", VALID)
def test_what_claims_to_be_valid_on_a_common_day_keeps_its_level(published, test, end):
    row = one(published, test=test, grouping="ALL", window_end=end)
    assert row["days"] == 250
    assert 0.02 <= row["rejection_share"] <= 0.09


@pytest.mark.parametrize("end", [0, 1])
def test_the_verdicts_test_keeps_its_level_for_the_suppliers(published, end):
    assert 0.02 <= one(published, test="portfolio", grouping="supplier", window_end=end)["rejection_share"] <= 0.09


@pytest.mark.parametrize("role", ROLES)
def test_the_adjusted_test_keeps_its_level_in_every_role(published, role):
    for end in (0, 1):
        assert 0.02 <= one(published, test="kolari_pynnonen", grouping=role, window_end=end)["rejection_share"] <= 0.09


@pytest.mark.parametrize("test", ["patell", "bmp"])
def test_what_takes_firms_for_independent_calls_chance_an_effect(published, test):
    """The more firms and the closer they move, the worse: a third to a half of quiet days for the suppliers."""
    assert one(published, test=test, grouping="ALL", window_end=0)["rejection_share"] > 0.15
    assert one(published, test=test, grouping="supplier", window_end=0)["rejection_share"] > 0.3
    assert not ABOUT[test].valid_for_one_event_day


def test_what_is_called_valid_for_a_role_keeps_its_level_there_and_the_rest_says_why(published):
    """On all quiet days, so that no lucky draw makes a test valid."""
    roles = published.filter(pl.col("grouping") != "ALL")
    valid = roles.filter("is_valid_here")
    assert valid["share_of_quiet_days"].is_between(0.02, 0.09).all()
    claims = roles.filter("valid_for_one_event_day", ~pl.col("is_valid_here"))
    assert set(claims.select("test", "grouping", "window_end").rows()) == {
        ("portfolio", "adopter", 0), ("portfolio", "adopter", 1),
        ("corrado_rank", "adopter", 0), ("corrado_rank", "adopter", 1), ("corrado_rank", "neocloud", 0),
    }  # fmt: skip
    assert not roles.filter(~pl.col("valid_for_one_event_day"))["is_valid_here"].any()
    assert one(published, test="portfolio", grouping="supplier", window_end=1)["is_valid_here"], "the verdict's test"


def test_the_draw_is_of_the_quiet_days_and_its_luck_is_shown(published):
    row = one(published, test="corrado_rank", grouping="buyer", window_end=0)
    assert (row["days"], row["rejections"]) == (250, 2)
    assert row["quiet_days"] > 450
    assert 0.02 < row["share_of_quiet_days"] < 0.05


def test_variance_that_is_not_valid_is_that_which_rejects_nearly_twice_as_often():
    """A normal variable with that variance lies beyond 1.96 in 9 % of cases; no ratio is too high for a level of 1."""
    beyond = 2 * scipy.stats.norm.sf(scipy.stats.norm.isf(0.025) / np.sqrt(variance_limit(0.05, 1.8)))
    assert beyond == pytest.approx(0.09)
    assert variance_limit(1.0, 1.8) == float("inf")


def test_firms_that_move_together_are_worth_fewer():
    """Variance of a mean of n with correlation r is (1 + (n - 1) r) / n of one's."""
    worth = independent_firms(np.array([1, 4, 4, 4]), np.array([np.nan, 0.0, 0.5, 1.0]))
    assert worth.tolist() == pytest.approx([1, 4, 1.6, 1])


def test_two_independent_ranks_are_as_many_as_it_takes():
    """Of two even spreads the sum is triangular: beyond 1.96 standard deviations (1 - 1.96 / root 6)^2, which is 4.0 %."""
    assert (1 - 1.96 / np.sqrt(6)) ** 2 == pytest.approx(0.04, abs=5e-4)
    assert not too_few_ranks(2.0, 1)
    assert too_few_ranks(1.9, 1)
    assert not too_few_ranks(1.0, 2)


def test_adopters_rejections_are_those_of_2026(tried):
    """The portfolio test's excess has a cause: a wilder time than the window before it."""
    bars, days, p_values, _, chosen = tried
    adopter = p_values["portfolio"][:, 0, chosen.groups.index("adopter")] < 0.05
    late = bars.sessions[days] >= np.datetime64("2026-01-01")
    assert adopter[~late].mean() < 0.09 < 0.15 < adopter[late].mean()


def test_ranks_of_firms_that_move_as_one_cannot_reject_on_one_day():
    """Ranks 1 to 251 of one firm; the last day the highest: 125 over the root of (251^2 - 1) / 12, just under 1.73."""
    deviations = np.arange(251.0)[None, :, None] - 125
    found = rank_statistic(deviations, 1).item()
    assert found == pytest.approx(125 / np.sqrt((251**2 - 1) / 12))
    assert found < np.sqrt(3) < 1.96


def test_the_days_are_quiet_known_and_drawn_once(tried):
    bars, days, _, _, chosen = tried
    assert len(set(days)) == 250
    events = np.array([event.at for event in chosen.events])
    assert np.abs(days[:, None] - events).min() > 1
    market = np.isfinite(bars.adj_close[:, bars.tickers.index("SPY")])
    assert all(market[day - 261 : day + 2].all() for day in days)


def test_the_interval_beside_a_share_is_the_binomials(published):
    row = one(published, test="portfolio", grouping="supplier", window_end=0)
    expected = [scipy.stats.binom.ppf(q, 250, 0.05) / 250 for q in (0.05, 0.95)]
    assert [row["share_low"], row["share_high"]] == pytest.approx(expected)
    assert row["rejections"] == pytest.approx(row["rejection_share"] * 250)


def test_every_test_says_what_it_takes_for_granted(published):
    for test in TESTS:
        row = one(published, test=test, grouping="ALL", window_end=0)
        assert (row["reference"], row["assumes"], row["valid_when"]) == (
            ABOUT[test].reference, ASSUMES[test], VALID_WHEN[test],
        )  # fmt: skip
        assert any(year in row["reference"] for year in ("1974", "1976", "1989", "1991", "2010"))


# ---- What a user changes, and what is missing ---------------------------------------------------------------------


def test_a_user_changes_days_windows_benchmark_and_seed(facts, published):
    found = run(facts, placebo_days=40, event_day_windows=[[0, 4]], benchmarks=["EW_EX_NVDA"], seed=7)
    assert set(found["window_end"]) == {4}
    row = one(found, test="kolari_pynnonen", grouping="supplier")
    assert (row["days"], row["benchmark"], row["seed"]) == (40, "EW_EX_NVDA", 7)
    assert run(facts).equals(published)


def test_before_there_is_history_there_are_reasons(facts):
    for as_of in (date(2020, 1, 2), date(2024, 6, 10)):
        early = run(facts, as_of=as_of)
        assert early["rejection_share"].null_count() == early.height > 0
        assert early["reason"].null_count() == 0
        assert set(early["days"]) == {0}
    few = run(facts, as_of=date(2024, 7, 31))
    assert 10 < one(few, test="portfolio", grouping="buyer", window_end=0)["days"] < 40


def test_a_session_that_the_benchmark_misses_leaves_no_number_behind(facts):
    found = run(without(facts, ticker="SPY", date=date(2025, 3, 12)))
    assert not any(found[name].is_nan().any() for name in found.select(pl.col(pl.Float64)).columns)
    assert 0 < one(found, test="portfolio", grouping="buyer", window_end=0)["days"] < 250


# ---- Declared rules and traces ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def warehouse(published, facts) -> duckdb.DuckDBPyConnection:
    return warehouse_of(
        {"marts.event_placebo": published, **{f"core.{n}": facts[n] for n in ("stock_prices", "companies")}}
    )


@pytest.mark.parametrize("check", MART.table.checks, ids=lambda check: check.name)
def test_the_declared_rules_hold_on_the_snapshot(warehouse, check):
    assert warehouse.execute(check.unexpected.format(table="marts.event_placebo")).fetchall() == []


def test_a_row_leads_back_to_its_prices(warehouse):
    condition = next(trace.condition for trace in MART.traces if trace.table == "core.stock_prices")
    found = warehouse.execute(
        f"SELECT count(DISTINCT t.ticker), min(t.date), max(t.date), any_value(m.prices_from), any_value(m.prices_to) "
        f"FROM marts.event_placebo m JOIN core.stock_prices t ON {condition} "
        "WHERE m.test = 'bmp' and m.grouping = 'buyer' and m.window_end = 0"
    ).fetchone()
    assert found is not None
    assert found[0] == 6
    assert found[1:3] == found[3:5]
