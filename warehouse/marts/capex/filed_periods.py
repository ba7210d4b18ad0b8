"""Which periods the filings give: each figure by the days that its period runs from and to, as its company counts them.

Labels lie, and so do months. Comparatives repeat a period under the next year's label; years of 52 or 53 weeks end on
another day each time; quarters of 12, 12, 12 and 16 weeks end in no month's end at all; and a fiscal year that moves
leaves a period of some other number of months behind. So the days on which a company's periods begin and end are its
bounds, days that lie near each other being one bound, and a period is known by its two bounds. A quarter is what is 12
to 17 weeks long, whatever it is called and whichever month it ends in.
"""

from __future__ import annotations

import polars as pl

from warehouse.calendars.fiscal import LENGTHS_DAYS
from warehouse.marts.capex.measures import CAPEX, DEPRECIATION_AND_AMORTIZATION, FLOWS, UNLISTED_CAPEX

QUARTERS = 4  # of a year
QUARTER_DAYS = 91
SHORTEST, LONGEST = LENGTHS_DAYS["quarter"]
WHOLE_YEAR = LENGTHS_DAYS["year"][1]
NEAR_DAYS = 10
"""Days by which filings differ about one and the same end of a period: a week, or the days to a month's end."""
TRANSITION = "T"
"""Forms of a period between two fiscal years (10-KT, 10-QT)."""
BOUNDS = ["begin", "end"]


def with_bounds(facts: pl.DataFrame) -> pl.DataFrame:
    """`facts` with `begin` (the day before the period starts) and `end`, as day numbers of the company's own bounds.

    A bound is the day that most figures of the company give, of those within NEAR_DAYS of each other. A figure at a
    point in time has only an `end`, the bound that it lies at.
    """
    days = facts.filter(pl.col("period_start").is_not_null()).select("ticker", "period_start", "period_end")
    each = pl.concat([days.select("ticker", day=_before("period_start")), days.select("ticker", day="period_end")])
    step = (pl.col("day") - pl.col("day").shift(1).over("ticker")).dt.total_days()
    bounds = (
        each.group_by("ticker", "day")
        .agg(pl.len().alias("rows"))
        .sort("ticker", "day")
        .with_columns(group=(step > NEAR_DAYS).fill_null(True).cum_sum())
        .with_columns(bound=_number(pl.col("day").sort_by("rows", "day").last()).over("group"))
        .select("ticker", "day", "bound")
    )
    at_point = pl.col("period_start").is_null()
    return (
        facts.join(bounds.rename({"day": "period_end", "bound": "end"}), on=["ticker", "period_end"], how="left")
        .with_columns(before_start=_before("period_start"))
        .join(bounds.rename({"day": "before_start", "bound": "begin"}), on=["ticker", "before_start"], how="left")
        .sort("period_end", maintain_order=True)
        .join_asof(
            bounds.sort("day").rename({"bound": "nearest"}),
            left_on="period_end",
            right_on="day",
            by="ticker",
            strategy="nearest",
            tolerance=f"{NEAR_DAYS}d",
            check_sortedness=False,
        )
        .with_columns(
            end=pl.coalesce("end", pl.when(at_point).then("nearest"), _number(pl.col("period_end"))),
        )
        .drop("before_start", "nearest", "day", strict=False)
    )


def over_periods(facts: pl.DataFrame) -> pl.DataFrame:
    """Figures over a quarter to a year, of any number of weeks between; `is_quarter` marks the quarters."""
    days = pl.col("end") - pl.col("begin")
    return facts.filter(
        pl.col("measure").is_in([*FLOWS, DEPRECIATION_AND_AMORTIZATION, UNLISTED_CAPEX])
        & days.is_between(SHORTEST, WHOLE_YEAR)
    ).with_columns(is_quarter=is_quarter("begin", "end"))


def is_quarter(begin: str, end: str) -> pl.Expr:
    """Whether two bounds are a quarter apart: 12 to 17 weeks."""
    return (pl.col(end) - pl.col(begin)).is_between(SHORTEST, LONGEST)


def quarter_ends(facts: pl.DataFrame, flows: pl.DataFrame) -> pl.DataFrame:
    """Each company's quarter ends (`end`, `period_end`): every bound that a figure of a quarter up to a year ends at.

    So does one of a transition between two fiscal years, of whatever length: it can be split or it cannot, but it does
    not vanish. A bound that a single other measure than capex ends at, over some odd number of weeks, is a stray date.
    """
    usual = pl.any_horizontal((pl.col("end") - pl.col("begin")).is_between(*span) for span in LENGTHS_DAYS.values())
    between = facts.filter(
        pl.col("form").str.contains("T") & (pl.col("measure") == CAPEX) & pl.col("begin").is_not_null()
    ).filter((pl.col("end") - pl.col("begin")).is_between(1, SHORTEST - 1))
    own = ["ticker", *BOUNDS, "measure", "fiscal_year", "fiscal_quarter"]
    return (
        pl.concat([flows.select(*own, usual=usual), between.select(*own, usual=pl.lit(True))])
        .group_by("ticker", "end")
        .agg(
            own_fiscal_year=pl.col("fiscal_year").max(),
            own_fiscal_quarter=pl.col("fiscal_quarter").max(),
            is_one=pl.col("usual").any() | (pl.col("measure") == CAPEX).any() | (pl.col("measure").n_unique() > 1),
        )
        .filter("is_one")
        .drop("is_one")
        .with_columns(period_end=_day("end"))
        .sort("ticker", "end")
    )


def with_starts(rows: pl.DataFrame, flows: pl.DataFrame) -> pl.DataFrame:
    """First day of each quarter: of its figures, else the day after the one before; `assumed_start` is never null."""
    before = pl.col("end").shift(1).over("ticker", order_by="end")
    follows = (pl.col("end") - before).is_between(SHORTEST, LONGEST)
    begun = flows.filter("is_quarter").group_by("ticker", "end").agg(begun=_after(pl.col("begin").max()))
    own = [f"{column}_start" for column in FLOWS.values()]
    return (
        rows.with_columns(after_last=pl.when(follows).then(_after(before)))
        .join(begun, on=["ticker", "end"], how="left")
        .with_columns(period_start=pl.coalesce(*own, "after_last", "begun"))
        .with_columns(assumed_start=pl.coalesce("period_start", pl.col("period_end").dt.offset_by(f"-{QUARTER_DAYS}d")))
        .sort("ticker", "end")
    )


def day_after(column: str) -> pl.Expr:
    return pl.col(column).dt.offset_by("1d")


def _before(column: str) -> pl.Expr:
    return pl.col(column).dt.offset_by("-1d")


def _number(day: pl.Expr) -> pl.Expr:
    return day.cast(pl.Int32).cast(pl.Int64)


def _day(number: str) -> pl.Expr:
    return pl.col(number).cast(pl.Int32).cast(pl.Date)


def _after(number: pl.Expr) -> pl.Expr:
    """The day after a bound."""
    return (number + 1).cast(pl.Int32).cast(pl.Date)
