"""What a test could have seen: the smallest abnormal return that it finds in four of five cases."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest
from scipy.stats import nct, t

from tests.built import build
from tests.conftest import AS_OF
from tests.marts.market.cases import DAY, ELEVEN_DAYS, EVENT, MAIN, around, one, study
from warehouse.marts.market.returns import smallest_detectable

TWO_TO_TEN = {"window_start": 2, "window_end": 10}
SUPPLIERS = "portfolio:supplier"


@pytest.mark.parametrize("degrees", [30, 248, 249])
def test_the_test_finds_it_in_four_of_five_cases(degrees):
    """Power by the noncentral t distribution, which the formula's sum of two quantiles stands for."""
    effect = smallest_detectable(np.array(1.0), np.array(degrees), 0.05, 0.80)
    critical = t.ppf(0.975, degrees)
    power = nct.sf(critical, degrees, effect) + nct.cdf(-critical, degrees, effect)
    assert power == pytest.approx(0.80, abs=0.002)


def test_with_248_degrees_of_freedom_it_is_2_81_standard_errors():
    """1.9696 and 0.8431 are in the tables of Student's t; of a normal variable they are 1.9600 and 0.8416."""
    assert smallest_detectable(np.array(1.0), np.array(248), 0.05, 0.80) == pytest.approx(1.9696 + 0.8431, abs=2e-4)
    assert smallest_detectable(np.array(1.0), np.array(1e9), 0.05, 0.80) == pytest.approx(1.9600 + 0.8416, abs=2e-4)


@pytest.mark.parametrize("window", [DAY, ELEVEN_DAYS, TWO_TO_TEN])
@pytest.mark.parametrize("ticker", ["NVDA", "MSFT", SUPPLIERS])
def test_it_stands_beside_each_window_with_what_it_can_see(published, ticker, window):
    row = one(published, **MAIN, ticker=ticker, **window)
    loss = -one(published, **MAIN, ticker=ticker, **DAY)["abnormal_return"]
    smallest = row["standard_error"] * (t.ppf(0.975, 248) + t.ppf(0.80, 248))
    assert row["smallest_detectable_car"] == pytest.approx(smallest, rel=1e-9)
    assert row["sees_first_day_loss"] == (None if loss <= 0 else smallest <= loss)


@pytest.mark.parametrize("window", [DAY, ELEVEN_DAYS, TWO_TO_TEN])
@pytest.mark.parametrize("ticker", ["NVDA", "MSFT", SUPPLIERS])
def test_an_interval_leaves_out_no_loss_where_the_test_rejects_it(published, ticker, window):
    row = one(published, **MAIN, ticker=ticker, **window)
    low, high = t.interval(0.95, 248, loc=row["abnormal_return"], scale=row["standard_error"])
    assert (row["abnormal_return_low"], row["abnormal_return_high"]) == pytest.approx((low, high), rel=1e-9)
    assert (low > 0 or high < 0) == (row["p_value"] < 0.05)


def test_the_suppliers_lost_7_to_16_percent_in_two_days(published):
    """A CAR of -11.64 % with a standard error of 2.22 %, and 1.9696 of the tables of Student's t for 248 degrees."""
    row = one(published, **MAIN, ticker=SUPPLIERS, window_start=0, window_end=1)
    ends = -0.1164 - 1.9696 * 0.0222, -0.1164 + 1.9696 * 0.0222
    assert (row["abnormal_return_low"], row["abnormal_return_high"]) == pytest.approx(ends, abs=2e-4)


def test_the_suppliers_loss_of_the_first_day_could_not_be_seen_to_last(published):
    """10.9 % on the day; to be found in four of five cases, a CAR has to be 14.9 % over [0, 10], 13.4 % over [2, 10]."""
    found = {
        window: one(published, **MAIN, ticker=SUPPLIERS, window_start=window[0], window_end=window[1])
        for window in ((0, 0), (0, 1), (0, 10), (2, 10), (0, 60))
    }
    assert found[0, 0]["abnormal_return"] == pytest.approx(-0.109, abs=5e-4)
    assert found[0, 10]["smallest_detectable_car"] == pytest.approx(0.149, abs=5e-4)
    assert found[2, 10]["smallest_detectable_car"] == pytest.approx(0.134, abs=5e-4)
    assert {window: row["sees_first_day_loss"] for window, row in found.items()} == {
        (0, 0): True, (0, 1): True, (0, 10): False, (2, 10): False, (0, 60): False,
    }  # fmt: skip


def test_a_window_is_held_against_day_0_even_where_nobody_asks_for_day_0(facts):
    found = study(facts, windows=[[2, 10]])
    assert found.select("window_start", "window_end").unique().rows() == [(2, 10)]
    whole = study(facts, windows=[[0, 0], [2, 10]]).filter(pl.col("window_end") == 10)
    assert found.equals(whole)


def test_more_power_needs_a_larger_loss(facts):
    sure = one(study(facts, q4_power=0.95), **MAIN, ticker="NVDA", **ELEVEN_DAYS)["smallest_detectable_car"]
    usual = one(study(facts), **MAIN, ticker="NVDA", **ELEVEN_DAYS)["smallest_detectable_car"]
    assert sure / usual == pytest.approx((t.ppf(0.975, 248) + t.ppf(0.95, 248)) / (t.ppf(0.975, 248) + t.ppf(0.8, 248)))


def test_the_path_says_from_which_day_on_it_sees_nothing(facts, assumptions):
    path = build(facts, as_of=AS_OF, assumptions=assumptions, only=["event_persistence"])["event_persistence"]
    suppliers = path.filter(event_date=EVENT, ticker=SUPPLIERS, basis="market_model").sort("day")
    smallest = suppliers["standard_error"] * (t.ppf(0.975, 248) + t.ppf(0.80, 248))
    assert suppliers["smallest_detectable_car"].to_list() == pytest.approx(smallest.to_list(), rel=1e-9)
    loss = -suppliers["event_day_return"][0]
    assert suppliers["sees_first_day_loss"].to_list() == (smallest <= loss).to_list()
    # Five days after the event a loss that lasts in full can still be seen; two weeks after it, it cannot.
    assert suppliers["sees_first_day_loss"][:5].all()
    assert not suppliers["sees_first_day_loss"][10:].any()
    price = path.filter(event_date=EVENT, ticker=SUPPLIERS, basis="price")
    assert price["smallest_detectable_car"].null_count() == price["sees_first_day_loss"].null_count() == price.height


# ---- Other news, and a market without Nvidia ------------------------------------------------------------------------


def test_sixty_days_are_shown_with_the_remark_that_they_hold_the_tariffs(published, facts, assumptions):
    """2025-04-02 is 46 sessions after the event, and 2024-12-26 is 60 sessions before 2025-03-26."""
    remark = "the window holds the US tariffs of April 2025 (2025-04-02), which moved the whole market"
    said = published.filter(pl.col("reason").str.contains(remark, literal=True))
    assert said.select("event_date", "window_start", "window_end").unique().sort("event_date").rows() == [
        (day, 0, 60) for day in (date(2025, 1, 20), EVENT, date(2025, 1, 28))
    ]
    path = build(facts, as_of=AS_OF, assumptions=assumptions, only=["event_persistence"])["event_persistence"]
    days = path.filter(pl.col("reason").str.contains(remark, literal=True), event_date=EVENT)["day"]
    assert days.min() == 46


def test_before_the_tariffs_nobody_knows_of_them(facts, assumptions):
    for as_of in (date(2025, 1, 28), date(2025, 4, 1)):
        early = build(facts, as_of=as_of, assumptions=assumptions, only=["event_study", "event_persistence"])
        for frame in early.values():
            assert not frame["reason"].fill_null("").str.contains("tariffs").any()


def test_spy_less_nvidia_is_spy_at_its_weight_taken_apart(published, facts):
    """Of 100 dollars of SPY, 6.80 were Nvidia: the rest returned (R - 0.068 R_nvda) / 0.932."""
    key = {**MAIN, "benchmark": "SPY_LESS_NVDA"}
    both = around(facts, ["SPY", "NVDA"], EVENT, -260, 1)
    rest = (both[:, 0] - 0.068 * both[:, 1]) / 0.932
    own = around(facts, ["AMD"], EVENT, -260, 1)[:, 0]
    slope, intercept = np.polyfit(rest[:250], own[:250], 1)
    row = one(published, **key, ticker="AMD", window_start=0, window_end=1)
    assert [row["alpha"], row["beta"]] == pytest.approx([intercept, slope], rel=1e-9)
    abnormal = (own[260:] - intercept - slope * rest[260:]).sum()
    assert row["abnormal_return"] == pytest.approx(abnormal, abs=1e-12)
    assert sorted(row["benchmark_firms"]) == ["NVDA", "SPY"]
    # On the day SPY fell 1.4 % and the rest of it 0.3 %: less of Nvidia's fall is called the market's.
    assert rest[260] == pytest.approx(-0.0029, abs=5e-4)
    with_it = one(published, **MAIN, ticker="NVDA", **DAY)["abnormal_return"]
    assert one(published, **key, ticker="NVDA", **DAY)["abnormal_return"] < with_it


def test_neither_nvidia_nor_spy_is_part_of_spy_without_nvidia(published):
    less = published.filter(pl.col("benchmark") == "SPY_LESS_NVDA", pl.col("model") == "market_model")
    assert not less["reason"].fill_null("").str.contains("pull along|pulls along|benchmark is not held").any()
    assert less.filter(pl.col("ticker").is_in(["NVDA", "SPY"]))["abnormal_return"].null_count() == 0


def test_only_a_benchmark_made_of_the_panel_is_circular(published, facts):
    marked = dict(published.select("benchmark", "benchmark_is_circular").unique().iter_rows())
    assert marked == {"SPY": False, "QQQ": False, "SMH": False, "SPY_LESS_NVDA": False, "EW_EX_NVDA": True}
    row = one(published, **MAIN | {"benchmark": "EW_EX_NVDA"}, ticker="VST", **DAY)
    assert "it is circular and hides what they have in common" in row["reason"]
    assert "circular" not in (one(published, **MAIN, ticker="VST", **DAY)["reason"] or "")


def test_a_weight_of_next_to_nothing_leaves_the_fund(facts):
    nothing = {"value": {"SAME": {"fund": "SPY", "without": "NVDA", "weight": 1e-15}}}
    found = study(facts, benchmarks=["SPY", "SAME"], benchmark_weights=nothing)
    for ticker in ("NVDA", "AMD"):
        whole, same = (one(found, **MAIN | {"benchmark": name}, ticker=ticker, **DAY) for name in ("SPY", "SAME"))
        assert same["abnormal_return"] == pytest.approx(whole["abnormal_return"], abs=1e-12)
