"""Which periods the filings give: each figure by the months that its period begins and ends with.

Labels lie. Comparatives repeat a period under the next year's label, and years of 52 or 53 weeks start and end on
different days. So a period is known by the months that its ends lie nearest to, never by what its filing is called, and
a flow is a figure over one to four whole quarters of such months.
"""

from __future__ import annotations

import polars as pl

from warehouse.calendars.fiscal import month_number
from warehouse.marts.capex.measures import DEPRECIATION_AND_AMORTIZATION, FLOWS

MONTHS, QUARTERS = 3, 4  # of a quarter, of a year
QUARTER_DAYS = 91


def with_months(facts: pl.DataFrame) -> pl.DataFrame:
    """`facts` with the month that each period ends with (`end_month`) and the one before it starts (`start_month`)."""
    return facts.with_columns(
        end_month=month_number(pl.col("period_end")),
        start_month=month_number(pl.col("period_start").dt.offset_by("-1d")),
    )


def over_periods(facts: pl.DataFrame) -> pl.DataFrame:
    """Figures over one to four whole quarters, with their number of quarters."""
    months = pl.col("end_month") - pl.col("start_month")
    return facts.filter(
        pl.col("measure").is_in([*FLOWS, DEPRECIATION_AND_AMORTIZATION])
        & months.is_in([MONTHS * n for n in range(1, QUARTERS + 1)])
    ).with_columns(quarters=months // MONTHS)


def quarter_ends(flows: pl.DataFrame) -> pl.DataFrame:
    """Each company's quarter ends; where filings differ by days, the day that most of them give (then the later)."""
    return (
        flows.group_by("ticker", "end_month", "period_end")
        .agg(
            pl.len().alias("rows"),
            own_fiscal_year=pl.col("fiscal_year").max(),
            own_fiscal_quarter=pl.col("fiscal_quarter").max(),
        )
        .sort("rows", "period_end", descending=True)
        .unique(["ticker", "end_month"], keep="first", maintain_order=True)
        .drop("rows")
        .sort("ticker", "end_month")
    )


def with_starts(rows: pl.DataFrame, flows: pl.DataFrame) -> pl.DataFrame:
    """First day of each quarter: of its figures, else the day after the one before; `assumed_start` is never null."""
    before = rows.select("ticker", pl.col("end_month") + MONTHS, after_last=day_after("period_end"))
    begun = flows.group_by("ticker", end_month=pl.col("start_month") + MONTHS).agg(begun=pl.col("period_start").max())
    own = [f"{column}_start" for column in FLOWS.values()]
    return (
        rows.join(before, on=["ticker", "end_month"], how="left")
        .join(begun, on=["ticker", "end_month"], how="left")
        .with_columns(period_start=pl.coalesce(*own, "after_last", "begun"))
        .with_columns(assumed_start=pl.coalesce("period_start", pl.col("period_end").dt.offset_by(f"-{QUARTER_DAYS}d")))
        .sort("ticker", "end_month")
    )


def day_after(column: str) -> pl.Expr:
    return pl.col(column).dt.offset_by("1d")
