"""Quarters of capex up to a date: their ages, unknown ones as intervals, leases, and the spend whose service has begun."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from tests.marts.payback.cases import ON, vintages
from warehouse.marts.common.reasons import codes, read
from warehouse.marts.payback.vintages import spend

BILLION = 1_000_000_000


def of(frame: pl.DataFrame, assumptions, on: date | None = ON, tickers=("MSFT",)):
    return spend(frame.to_dicts(), tickers, on, assumptions)


def test_a_quarter_is_as_old_as_its_middle_and_later_ones_are_not_there(assumptions):
    found = of(vintages({2025: 40 * BILLION, 2026: 80 * BILLION}), assumptions)
    assert found.capex == ((20e9, 20e9, 10e9, 10e9, 10e9, 10e9),)
    assert found.ages[0] == pytest.approx((ON - date(2026, 5, 16)).days / 365.25)
    assert list(found.ages) == sorted(found.ages)


def test_the_recent_spend_ends_the_lag_before_the_date(assumptions):
    """Half a year before the end of June 2026 the four quarters of 2025 had been spent; a lag of none takes the newest."""
    frame = vintages({2024: 8 * BILLION, 2025: 40 * BILLION, 2026: 80 * BILLION})
    assert of(frame, assumptions).recent == (40e9,)
    assert of(frame, assumptions.replaced({"lag_quarters": 0})).recent == (60e9,)
    assert of(frame, assumptions.replaced({"lag_quarters": 4})).recent == (2 * 2e9 + 2 * 10e9,)
    assert of(vintages({2025: 40 * BILLION}), assumptions, date(2026, 3, 31)).recent is None


def test_leases_count_where_they_are_known_and_a_company_without_is_named(assumptions):
    both = pl.concat([vintages({2025: 40 * BILLION}, leases=8 * BILLION), vintages({2025: 20 * BILLION}, "AMZN")])
    found = of(both, assumptions, date(2025, 12, 31), ("MSFT", "AMZN"))
    assert found.capex == ((17e9,) * 4,)
    assert [read(note) for note in found.notes] == [{"reason_code": "capex_cash_only", "tickers": ["AMZN"]}]
    cash = of(both, assumptions.replaced({"include_finance_leases": 0}), date(2025, 12, 31), ("MSFT", "AMZN"))
    assert (cash.capex, cash.notes) == (((15e9,) * 4,), ())


def test_an_unknown_quarter_is_an_interval_and_is_named(assumptions):
    frame = vintages({2025: 40 * BILLION}).with_columns(
        is_known=pl.col("calendar_quarter") != "2025Q2",
        capex_low_usd=pl.when(pl.col("calendar_quarter") == "2025Q2").then(0.0).otherwise("capex_low_usd"),
    )
    found = of(frame, assumptions, date(2025, 12, 31))
    middle, low, high = found.capex
    assert (middle[2], low[2], high[2]) == (5e9, 0.0, 10e9)
    assert (sum(low), sum(high)) == (30e9, 40e9)
    assert found.recent is None
    assert read(found.notes[0])["quarters"] == ["MSFT 2025Q2"]


def test_quarters_that_nobody_has_filed_by_the_date_are_unknown_too(assumptions):
    found = of(vintages({2025: 40 * BILLION}), assumptions)
    assert [case[:2] for case in found.capex] == [(5e9, 5e9), (0.0, 0.0), (10e9, 10e9)]


@pytest.mark.parametrize(
    ("frame", "on", "code"),
    [
        (vintages({2025: None}), ON, "no_capex"),
        (vintages({2025: 40 * BILLION}), date(2024, 12, 31), "no_capex_by"),
        (vintages({2025: 40 * BILLION}), date(2025, 3, 31), "one_vintage"),
        (vintages({}), ON, "no_capex"),
    ],
)
def test_where_nothing_can_be_said(frame, on, code, assumptions):
    found = of(frame, assumptions, on)
    assert codes(found.reasons) == [code]
    assert found.capex == ()


def test_a_company_of_the_group_without_any_quarter_leaves_the_group_unbounded(assumptions):
    both = pl.concat([vintages({2025: 40 * BILLION}), vintages({2025: None}, "AMZN")])
    assert codes(of(both, assumptions, ON, ("MSFT", "AMZN")).reasons) == ["capex_unbounded"]
