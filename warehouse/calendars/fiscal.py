"""Fiscal periods: how long each kind is, which fiscal year and quarter it ends in, and which calendar quarter it fills.

Fiscal years differ: Microsoft's ends in June, Oracle's in May, Nvidia's on the last Sunday of January. A year of 52 or
53 weeks ends a few days before or after the month's end. So a period is named by the month that its last days mostly
lie in, and laid on the calendar by its middle.
"""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

LENGTHS_DAYS = {
    "quarter": (80, 119),
    "half_year": (165, 198),
    "nine_months": (250, 287),
    "year": (350, 380),
    "trailing_year": (350, 380),
}
"""Shortest and longest length of each kind of period: 12 to 17 weeks, 24 to 28, 36 to 41, 52 or 53, with some days of slack.

The check of the periods in core.company_facts goes by these, too. Most quarters have 13 weeks. Some companies have three
of 12 and one of 16 or 17, or begin with the long one. Four months (120 days) are no quarter, and five, seven, eight, ten
or eleven months are no other kind: they are `other`, what a moved fiscal year leaves behind.
"""
PERIOD_TYPES = ("instant", *LENGTHS_DAYS, "other")
DAYS_OVER_MONTH_END = 10
"""A fiscal year of 52 or 53 weeks ends up to so many days after the month that it is named by."""


def period_type(start: str = "period_start", end: str = "period_end", last_quarter: str = "fiscal_quarter") -> pl.Expr:
    """Kind of a period by its length, one of PERIOD_TYPES.

    A year that does not end with the fiscal year (Amazon prints them) is a trailing one.
    """
    days = (pl.col(end) - pl.col(start)).dt.total_days() + 1
    kinds = [pl.when(pl.col(start).is_null()).then(pl.lit("instant"))]
    for name, (shortest, longest) in LENGTHS_DAYS.items():
        fits = days.is_between(shortest, longest)
        kinds.append(pl.when(fits & (pl.col(last_quarter) == 4) if name == "year" else fits).then(pl.lit(name)))
    return pl.coalesce(*kinds, pl.lit("other"))


def named_month(end: date) -> int:
    """The month that a fiscal year which ends on a day is named by."""
    return (end - timedelta(days=DAYS_OVER_MONTH_END)).month


def fiscal_year(end: str = "period_end", month: str = "fiscal_year_end_month") -> pl.Expr:
    """Fiscal year that a period ends in, named by the calendar year in which the fiscal year ends."""
    inside = pl.col(end) - pl.duration(days=DAYS_OVER_MONTH_END)
    return (inside.dt.year() + (inside.dt.month() > pl.col(month)).cast(pl.Int32)).cast(pl.Int64)


def fiscal_quarter(end: str = "period_end", month: str = "fiscal_year_end_month") -> pl.Expr:
    """Fiscal quarter (1 to 4) that a period ends in."""
    inside = (pl.col(end) - pl.duration(days=DAYS_OVER_MONTH_END)).dt.month().cast(pl.Int64)
    return ((inside - pl.col(month) - 1) % 12) // 3 + 1


def month_number(day: pl.Expr) -> pl.Expr:
    """The month that a period's end lies nearest to the end of, counted from year 0 (12 a year).

    Years of 52 or 53 weeks wander: their ends are compared by this number and not by the day.
    """
    inside = day - pl.duration(days=DAYS_OVER_MONTH_END)
    return inside.dt.year().cast(pl.Int64) * 12 + inside.dt.month().cast(pl.Int64)


def calendar_quarter(start: str = "period_start", end: str = "period_end") -> pl.Expr:
    """Calendar quarter that holds the middle of a period, as `2025Q3`."""
    middle = pl.col(start) + (pl.col(end) - pl.col(start)) / 2
    return pl.format("{}Q{}", middle.dt.year(), middle.dt.quarter())
