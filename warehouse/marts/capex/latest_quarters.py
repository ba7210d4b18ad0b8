"""A row for the newest quarter of each company, also where it has not filed yet what others have.

Companies file weeks apart. Whoever adds up the newest quarter gets the sum of those that have filed, and an absent row
says nothing: of the second quarter of 2026 it said 80.7 billion where four companies had spent twice that. So a company
that is behind has its rows, without figures and with the reason.
"""

from __future__ import annotations

import polars as pl

from warehouse.marts.common.reasons import all_of, because
from warehouse.marts.common.scopes import COMPANIES

QUARTERS, MONTHS, DAYS = 4, 3, 91
AT_MOST = 4
"""Quarters that a company can be behind: one that filed nothing for a year is not late, it is gone. No judgement
on an answer: its rows have reasons and no figures."""
UNKNOWN = ["capex_usd", "revenue_usd", "operating_cash_flow_usd", "depreciation_usd"]


def with_latest(rows: pl.DataFrame, panel: pl.DataFrame) -> pl.DataFrame:
    """`rows` of capex_quarterly, and those of each company from its last to the newest that one of the group filed.

    `panel` has the names (`ticker`, `company`), also of a company that nothing is known of yet.
    """
    year, quarter = (pl.col("calendar_quarter").str.slice(at, n).cast(pl.Int64) for at, n in ((0, 4), (5, 1)))
    numbered = rows.with_columns(number=year * QUARTERS + quarter - 1)
    group = numbered.filter(pl.col("ticker").is_in(COMPANIES))
    newest = group.get_column("number").max()
    if not isinstance(newest, int):
        return rows
    others = sorted(set(group.filter(pl.col("number") == newest).get_column("ticker")))
    last = numbered.sort("ticker", "period_end").group_by("ticker", maintain_order=True).last()
    late = last.filter((pl.col("number") < newest) & (newest - pl.col("number") <= AT_MOST)).with_columns(
        by=pl.int_ranges(1, newest - pl.col("number") + 1)
    )
    missing = late.explode("by", empty_as_null=False, keep_nulls=False).with_columns(
        number=pl.col("number") + pl.col("by")
    )
    added = missing.select(
        "ticker",
        "company",
        period_end=_later(pl.col("period_end"), pl.col("by")),
        fiscal_year=pl.col("fiscal_year") + (pl.col("fiscal_quarter") - 1 + pl.col("by")) // QUARTERS,
        fiscal_quarter=(pl.col("fiscal_quarter") - 1 + pl.col("by")) % QUARTERS + 1,
        calendar_quarter=pl.format("{}Q{}", pl.col("number") // QUARTERS, pl.col("number") % QUARTERS + 1),
    )
    never = [ticker for ticker in COMPANIES if ticker not in set(rows.get_column("ticker"))]
    end = pl.date(newest // QUARTERS, newest % QUARTERS * MONTHS + MONTHS, 1).dt.month_end()
    of_never = pl.DataFrame({"ticker": never}, schema={"ticker": pl.String}).with_columns(
        period_end=end, calendar_quarter=pl.lit(f"{newest // QUARTERS}Q{newest % QUARTERS + 1}")
    )
    of_never = of_never.join(panel.select("ticker", "company"), on="ticker", how="left", maintain_order="left")
    both = pl.concat([added, of_never], how="diagonal_relaxed").with_columns(
        reasons=all_of(
            because("latest_quarter_unknown", figures=UNKNOWN, quarter=pl.col("calendar_quarter"), others=others)
        )
    )
    return pl.concat([rows, both.cast({n: t for n, t in rows.schema.items() if n in both.columns})], how="diagonal")


def _later(day: pl.Expr, quarters: pl.Expr) -> pl.Expr:
    """The end of a later quarter: a month's end stays one, a week's end is thirteen weeks on."""
    months = day.dt.offset_by(pl.format("{}mo", quarters * MONTHS)).dt.month_end()
    weeks = day + pl.duration(days=quarters * DAYS)
    return pl.when(day == day.dt.month_end()).then(months).otherwise(weeks)
