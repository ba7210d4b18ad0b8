"""The tests on days when nothing happened: the same figures as in the mart that uses them, and honest rates."""

from __future__ import annotations

from datetime import date

import duckdb
import numpy as np
import polars as pl
import pytest
import scipy.stats

from tests.conftest import AS_OF
from tests.marts.test_event_study import one, without
from warehouse.assumptions import load
from warehouse.marts import build, known
from warehouse.marts.event_placebo import MART, quiet_days, try_tests
from warehouse.marts.event_study_tests import ABOUT, TESTS, rank_statistic
from warehouse.marts.returns import panel_prices, setting

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
    bars, days, p_values, correlations, chosen = tried
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
            ABOUT[test].reference, ABOUT[test].assumes, ABOUT[test].valid_when,
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
    connection = duckdb.connect()
    connection.execute("CREATE SCHEMA core; CREATE SCHEMA marts")
    frames = {"marts.event_placebo": published, **{f"core.{n}": facts[n] for n in ("stock_prices", "companies")}}
    for name, frame in frames.items():
        connection.register("incoming", frame.to_arrow())
        connection.execute(f"CREATE TABLE {name} AS SELECT * FROM incoming")
        connection.unregister("incoming")
    return connection


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
