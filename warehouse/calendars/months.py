"""Days some months apart: the calendar of facts that are a year old, of windows and of quarters.

A fact of 30 June is held against one "a year before", capex against revenue "two quarters" later, prices over "18
months". A month has no length of its own, so one rule says which day is meant: the same day of the month, or the
month's last day where it has none.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date

MONTHS_A_YEAR, MONTHS_A_QUARTER = 12, 3


def months_before(day: date, months: int) -> date:
    """The same day of the month so many months earlier, or that month's last day where it is shorter."""
    year, month = divmod(day.year * MONTHS_A_YEAR + day.month - 1 - months, MONTHS_A_YEAR)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def quarter_ends_after(day: date, count: int) -> list[date]:
    """The next ends of calendar quarters after a day."""
    last_month = date(day.year, (day.month + 2) // MONTHS_A_QUARTER * MONTHS_A_QUARTER, 1)
    months = (months_before(last_month, -MONTHS_A_QUARTER * step) for step in range(count + 1))
    ends = [month.replace(day=monthrange(month.year, month.month)[1]) for month in months]
    return [end for end in ends if end > day][:count]
