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
PERIOD_MEANINGS = {
    "instant": "no length: a figure at a point in time",
    "quarter": "a fiscal quarter",
    "half_year": "the first two quarters of a fiscal year",
    "nine_months": "the first three",
    "year": "a fiscal year",
    "trailing_year": "four quarters that are no fiscal year",
    "other": "any other length",
}
QUARTERS, WEEKS_OF_A_YEAR, DAYS_OF_A_QUARTER = 4, 52, 91.31
DAYS_OVER_MONTH_END = 10
"""A fiscal year of 52 or 53 weeks ends up to so many days after the month that it is named by."""


def period_type(start: str = "period_start", end: str = "period_end", last_quarter: str = "fiscal_quarter") -> pl.Expr:
    """Kind of a period by its length, one of PERIOD_MEANINGS.

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


def in_order_of_the_year(rows: pl.DataFrame, year_ends: pl.DataFrame, of: str) -> pl.DataFrame:
    """`rows` (with `period_end`, `fiscal_year`, `fiscal_quarter`) labelled by the fiscal years that end on given days.

    `of` is the column of both frames that says whose rows and whose days (`year_end`, each once) they are.

    A quarter is known by its order in the year, not by its month: quarters of 16, 12, 12 and 12 weeks end in other months
    than those of 13 weeks, and a year that moved leaves one of six or eleven months behind. The order is the number of
    quarters of 13 weeks from the end of the year before, to the nearest. Of a period that lies in no such year, and not in
    the one after the last, the labels stay as they are.
    """
    if year_ends.is_empty():
        return rows
    end = pl.col("year_end")
    ends = year_ends.sort(of, "year_end").with_columns(
        begins=end.shift(1).over(of).fill_null(end - pl.duration(days=WEEKS_OF_A_YEAR * 7))
    )
    slack = pl.duration(days=DAYS_OVER_MONTH_END)
    placed = rows.with_row_index("\0place").with_columns((pl.col("period_end") - slack).alias("\0from"))
    in_year = (
        placed.sort("\0from")
        .join_asof(
            ends.sort("year_end"), left_on="\0from", right_on="year_end", by=of, strategy="forward",
            check_sortedness=False,  # both are sorted, and within each of their parts as well
        )
        .join(ends.group_by(of).agg(end.max().alias("\0last")), on=of, how="left")
    )  # fmt: skip
    after = pl.col("\0last")
    is_after = end.is_null()
    begins = pl.when(is_after).then(after).otherwise("begins")
    # Years between two that are known may be missing: then the year begins 52 weeks before it ends.
    long_ago = end - pl.duration(days=WEEKS_OF_A_YEAR * 7)
    begins = pl.when((end - begins).dt.total_days() > LENGTHS_DAYS["year"][1]).then(long_ago).otherwise(begins)
    days = (pl.col("period_end") - begins).dt.total_days()
    fits = days.is_between(1, LENGTHS_DAYS["year"][1])
    named = (end - slack).dt.year().cast(pl.Int64)
    year = pl.when(is_after).then((after - slack).dt.year().cast(pl.Int64) + 1).otherwise(named)
    quarter = (days / DAYS_OF_A_QUARTER).round().cast(pl.Int64).clip(1, QUARTERS)
    return (
        in_year.with_columns(
            fiscal_year=pl.when(fits).then(year).otherwise("fiscal_year"),
            fiscal_quarter=pl.when(fits).then(quarter).otherwise("fiscal_quarter"),
        )
        .sort("\0place")
        .drop("\0place", "\0from", "\0last", "year_end", "begins")
    )
