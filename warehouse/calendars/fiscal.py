"""Fiscal periods.

Fiscal years differ (Microsoft's ends in June, Oracle's in May, Nvidia's on the last Sunday of January), and a year of
52 or 53 weeks ends a few days before or after the month's end. So a period is named by the month that its last days
mostly lie in, and laid on the calendar by its middle.
"""

from __future__ import annotations

import polars as pl

# Longest and shortest number of days that a period of each kind spans: 13 weeks, 26, 39, 52 or 53, with a week of slack.
_QUARTER, _HALF, _NINE_MONTHS, _YEAR = (80, 100), (170, 192), (260, 285), (350, 380)
_WEEK_AND_A_BIT = 10


def period_type(start: str = "period_start", end: str = "period_end", last_quarter: str = "fiscal_quarter") -> pl.Expr:
    """Kind of a period by its length: instant, quarter, half_year, nine_months, year, trailing_year or other.

    A year that does not end with the fiscal year (Amazon prints them) is a trailing one.
    """
    days = (pl.col(end) - pl.col(start)).dt.total_days() + 1
    return (
        pl.when(pl.col(start).is_null())
        .then(pl.lit("instant"))
        .when(days.is_between(*_QUARTER))
        .then(pl.lit("quarter"))
        .when(days.is_between(*_HALF))
        .then(pl.lit("half_year"))
        .when(days.is_between(*_NINE_MONTHS))
        .then(pl.lit("nine_months"))
        .when(days.is_between(*_YEAR) & (pl.col(last_quarter) == 4))
        .then(pl.lit("year"))
        .when(days.is_between(*_YEAR))
        .then(pl.lit("trailing_year"))
        .otherwise(pl.lit("other"))
    )


def fiscal_year(end: str = "period_end", month: str = "fiscal_year_end_month") -> pl.Expr:
    """Fiscal year that a period ends in, named by the calendar year in which the fiscal year ends."""
    inside = pl.col(end) - pl.duration(days=_WEEK_AND_A_BIT)
    return (inside.dt.year() + (inside.dt.month() > pl.col(month)).cast(pl.Int32)).cast(pl.Int64)


def fiscal_quarter(end: str = "period_end", month: str = "fiscal_year_end_month") -> pl.Expr:
    """Fiscal quarter (1 to 4) that a period ends in."""
    inside = (pl.col(end) - pl.duration(days=_WEEK_AND_A_BIT)).dt.month().cast(pl.Int64)
    return ((inside - pl.col(month) - 1) % 12) // 3 + 1


def month_number(day: pl.Expr) -> pl.Expr:
    """The month that a period's end lies nearest to the end of, counted from year 0 (12 a year).

    Years of 52 or 53 weeks wander: their ends are compared by this number and not by the day.
    """
    inside = day - pl.duration(days=_WEEK_AND_A_BIT)
    return inside.dt.year().cast(pl.Int64) * 12 + inside.dt.month().cast(pl.Int64)


def calendar_quarter(start: str = "period_start", end: str = "period_end") -> pl.Expr:
    """Calendar quarter that holds the middle of a period, as `2025Q3`."""
    middle = pl.col(start) + (pl.col(end) - pl.col(start)) / 2
    return pl.format("{}Q{}", middle.dt.year(), middle.dt.quarter())
