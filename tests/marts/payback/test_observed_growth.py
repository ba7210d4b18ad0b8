"""Growth is seen between figures of one thing, far enough apart; a year earlier is a fact or lies between two."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from tests.marts.payback.cases import ON, earlier, line
from warehouse.marts.common.reasons import codes
from warehouse.marts.payback.observed_growth import a_year_before, observed


def seen(assumptions, *lines, of_sum=False):
    found = observed(lines, ON, assumptions, of_sum=of_sum)
    return found.low, found.high


def test_growth_is_annualised_between_figures(assumptions):
    """From 10 to 20 in half a year is a fourfold year; both pairs of three figures count beside the whole."""
    half, year = ON - timedelta(days=183), ON - timedelta(days=365)
    low, high = seen(assumptions, earlier("Microsoft", 10e9, half), line("Microsoft", 20e9))
    assert low == high == pytest.approx(2 ** (365.25 / 183) - 1)
    low, high = seen(
        assumptions, earlier("Microsoft", 9e9, year), earlier("Microsoft", 10e9, half), line("Microsoft", 20e9)
    )
    assert low == pytest.approx((10 / 9) ** (365.25 / 182) - 1)
    assert high == pytest.approx(2 ** (365.25 / 183) - 1)


@pytest.mark.parametrize(
    "first",
    [
        earlier("Microsoft", 10e9, ON - timedelta(days=79)),  # too near
        earlier("Microsoft", 10e9, date(2024, 6, 29)),  # more than two years back
        earlier("Microsoft", 10e9, date(2025, 6, 30), metric="trailing_12_month_revenue"),  # another basis
        earlier("Microsoft", 10e9, date(2025, 6, 30), used_as="beside"),
        earlier("Microsoft", 10e9, date(2025, 6, 30), used_as="outside_estimate"),  # a guess shows no growth
        earlier("Amazon AWS", 10e9, date(2025, 6, 30)),
        earlier("Microsoft", 0.0, date(2025, 6, 30)),
    ],
)
def test_what_shows_no_growth(first, assumptions):
    assert seen(assumptions, first, line("Microsoft", 20e9)) == (None, None)


def test_what_the_company_states_over_a_year_counts_beside(assumptions):
    assert seen(assumptions, line("Microsoft", 20e9, growth_stated=1.23)) == (1.23, 1.23)
    low, high = seen(
        assumptions, earlier("Microsoft", 10e9, date(2025, 6, 30)), line("Microsoft", 20e9, growth_stated=1.23)
    )
    assert (low, high) == (pytest.approx(2 ** (365.25 / 365) - 1), 1.23)


def test_of_several_sellers_it_is_the_growth_of_the_sum_of_those_with_both(assumptions):
    """10 + 30 became 20 + 40 in a year; a third seller without a figure a year ago has no part in it."""
    year = date(2025, 6, 30)
    lines = [
        earlier("A", 10e9, year), earlier("B", 30e9, year + timedelta(days=10)), line("A", 20e9), line("B", 40e9),
        line("C", 100e9),
    ]  # fmt: skip
    found = observed(lines, ON, assumptions, of_sum=True)
    assert found.low == found.high == pytest.approx((60 / 40) ** (365.25 / 360) - 1)
    assert found.entities == ("A", "B")


def test_a_year_earlier_is_the_fact_near_it(assumptions):
    near = earlier("Microsoft", 12e9, date(2025, 5, 1))
    found = a_year_before([near, line("Microsoft", 20e9)], ["Microsoft"], ON, assumptions)
    assert (found.usd, found.notes) == (12e9, ())


def test_else_it_lies_in_logs_between_the_facts_around_it(assumptions):
    """Half way between 10 and 40 is 20."""
    around = [earlier("Microsoft", 10e9, date(2025, 6, 30) - timedelta(days=100)),
              line("Microsoft", 40e9, date(2025, 6, 30) + timedelta(days=100))]  # fmt: skip
    found = a_year_before(around, ["Microsoft"], ON, assumptions)
    assert found.usd == pytest.approx(20e9)
    assert codes(found.notes) == ["year_earlier_interpolated"]


def test_without_a_fact_before_it_is_unknown_and_so_is_a_sum_with_it(assumptions):
    known = [earlier("Microsoft", 10e9, date(2025, 6, 30)), line("Microsoft", 20e9), line("Amazon AWS", 20e9)]
    assert a_year_before(known, ["Amazon AWS"], ON, assumptions).usd is None
    assert a_year_before(known, ["Microsoft", "Amazon AWS"], ON, assumptions).missing == ("Amazon AWS",)


def test_a_figure_said_twice_on_a_day_is_one_of_the_better_grade(assumptions):
    twice = [earlier("Microsoft", 12e9, date(2025, 6, 30)), earlier("Microsoft", 13e9, date(2025, 6, 30), grade="A",
             evidence_id="better")]  # fmt: skip
    assert a_year_before([*twice, line("Microsoft", 20e9)], ["Microsoft"], ON, assumptions).usd == 13e9
