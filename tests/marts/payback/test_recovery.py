"""What capital has to earn back, against annuities by hand and against scipy's root finder."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from tests.examples import examples
from warehouse.marts.payback.recovery import breakeven_growth, capital_recovery, earned_over, standing


def test_capital_recovery_of_tables():
    """0.14903 and 0.26380 are printed in tables of the capital recovery factor (8 %, 10 years; 10 %, 5 years)."""
    assert capital_recovery(0.08, 10) == pytest.approx(0.14902949, rel=1e-7)
    assert capital_recovery(0.10, 5) == pytest.approx(0.26379748, rel=1e-7)
    assert capital_recovery(0.0, 4) == 0.25
    np.testing.assert_allclose(capital_recovery(np.array([0.0, 0.1]), 5), [0.2, 0.26379748], rtol=1e-7)


@given(st.floats(0, 1), st.integers(1, 40))
def test_what_capital_recovery_returns_is_worth_what_was_spent(rate, years):
    paid = capital_recovery(rate, years)
    assert sum(paid / (1 + rate) ** t for t in range(1, years + 1)) == pytest.approx(1, rel=1e-9)


@given(st.floats(1e-12, 1e-6), st.floats(0.5, 40))
def test_capital_recovery_is_steady_next_to_no_interest(rate, life):
    assert capital_recovery(rate, life) == pytest.approx(1 / life, rel=1e-4)


AGES = np.array([0.25, 1.0, 3.0])
SPENT = np.array([100.0, 60.0, 200.0])


def left_by_annuity(spent: float, age: float, rate: float, life: float) -> float:
    """What is owed on a loan of `spent` after `age` years of `life` level payments a year: their present value then."""
    payment = spent * rate / (1 - (1 + rate) ** -life)
    return payment * (1 - (1 + rate) ** -(life - age)) / rate


def test_what_stands_is_what_a_loan_would_still_owe():
    """Three quarters, a life of three years: the oldest has just dropped out."""
    found = standing(SPENT, AGES, 0.1, 3.0)
    assert found.standing_usd == 160
    owed = sum(left_by_annuity(usd, age, 0.1, 3.0) for usd, age in ((100, 0.25), (60, 1.0)))
    assert found.to_recover_usd == pytest.approx(owed, rel=1e-12)
    assert found.remaining_life_years == pytest.approx((100 * 2.75 + 60 * 2) / 160)


def test_without_interest_what_is_left_is_the_share_of_life_left():
    found = standing(SPENT, AGES, 0.0, 4.0)
    assert found.to_recover_usd == pytest.approx(100 * 3.75 / 4 + 60 * 3 / 4 + 200 * 1 / 4)


def test_nothing_stands_when_all_lives_are_over():
    found = standing(SPENT, AGES, 0.1, 0.2)
    assert (found.standing_usd, found.to_recover_usd, found.remaining_life_years) == (0, 0, 0)


@settings(max_examples=examples(0.6))
@given(st.data())
def test_many_draws_at_once_are_each_draw_alone(data):
    """The series in the rate and the look-up by life, against the sum written out for each draw."""
    ages = np.sort(data.draw(st.lists(st.floats(0, 10), min_size=1, max_size=20)))
    spent = np.array([data.draw(st.floats(0, 1e3)) for _ in ages])
    life = np.array(data.draw(st.lists(st.floats(0.5, 12), min_size=1, max_size=10)))
    rate = np.array([data.draw(st.floats(1e-3, 1)) for _ in life])
    found = standing(spent, ages, rate, life)
    for i in range(len(life)):
        alive = ages < life[i]
        wanted = sum(
            left_by_annuity(usd, age, rate[i], life[i]) for usd, age in zip(spent[alive], ages[alive], strict=True)
        )
        assert found.to_recover_usd[i] == pytest.approx(wanted, rel=1e-7, abs=1e-6)


def present_value(growth: float, cash: float, rate: float, years: float) -> float:
    """Cash that grows, by ten thousand small payments."""
    at = (np.arange(10_000) + 0.5) * years / 10_000
    return float(np.sum(cash * ((1 + growth) / (1 + rate)) ** at) * years / 10_000)


@pytest.mark.parametrize(
    ("growth", "rate", "years"), [(0.5, 0.1, 3.0), (0.1, 0.1, 4.0), (-0.5, 0.08, 2.0), (5.0, 0.12, 1.0)]
)
def test_earnings_that_grow_are_worth_their_payments(growth, rate, years):
    assert earned_over(growth, rate, years) == pytest.approx(present_value(growth, 1.0, rate, years), rel=1e-6)


@given(st.floats(1, 1e3), st.floats(1, 1e3), st.floats(1e-3, 0.5), st.floats(0.2, 6))
def test_break_even_growth_is_the_root_that_scipy_finds(need, cash, rate, years):
    def short(growth: float) -> float:
        excess = math.log1p(growth) - math.log1p(rate)
        return cash * (years if abs(excess) < 1e-12 else math.expm1(excess * years) / excess) - need

    found = float(breakeven_growth(need, cash, rate, years))
    if short(-0.9) > 0:
        assert found == -math.inf
    elif short(20.0) < 0:
        assert found == math.inf
    else:
        assert found == pytest.approx(brentq(short, -0.9, 20.0, xtol=1e-13), rel=1e-7, abs=1e-8)


@pytest.mark.parametrize(
    ("need", "cash", "wanted"),
    [(100.0, 0.0, math.inf), (0.0, 10.0, -math.inf), (0.0, 0.0, -math.inf), (1e12, 1.0, math.inf)],
)
def test_outside_of_its_range_break_even_growth_says_on_which_side(need, cash, wanted):
    assert breakeven_growth(need, cash, 0.1, 3.0) == wanted


@given(st.floats(1, 1e3), st.floats(1, 1e3), st.floats(0, 0.5), st.floats(0.2, 6), st.floats(1, 10))
def test_more_cash_never_raises_the_growth_that_breaks_even(need, cash, rate, years, factor):
    before, after, dearer = (
        breakeven_growth(need, cash, rate, years),
        breakeven_growth(need, cash * factor, rate, years),
        breakeven_growth(need * factor, cash, rate, years),
    )
    assert after <= before or after == pytest.approx(float(before), abs=1e-9)
    assert dearer >= before or dearer == pytest.approx(float(before), abs=1e-9)
