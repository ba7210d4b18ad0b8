"""Days some months apart, against the independent arithmetic of Polars."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from warehouse.calendars.months import months_before, quarter_ends_after

DAYS = st.dates(date(1990, 1, 1), date(2100, 12, 31))


@given(DAYS, st.integers(-60, 60))
def test_the_same_day_of_another_month_or_its_last(day, months):
    assert months_before(day, months) == pl.select(pl.lit(day).dt.offset_by(f"{-months}mo")).item()


@given(DAYS, st.integers(1, 12))
def test_quarter_ends_after_a_day(day, count):
    every = (day + timedelta(days=n) for n in range(1, 93 * count + 93))
    expected = [each for each in every if each.month % 3 == 0 and (each + timedelta(days=1)).day == 1]
    assert quarter_ends_after(day, count) == expected[:count]


def test_quarter_ends_come_after_the_day():
    assert quarter_ends_after(date(2026, 3, 31), 2) == [date(2026, 6, 30), date(2026, 9, 30)]
    assert quarter_ends_after(date(2026, 12, 30), 2) == [date(2026, 12, 31), date(2027, 3, 31)]
