"""Revealed preference: what the buyers said they would spend before an event, and two quarters later.

Words are cheap, guidance less so. If those who buy compute had believed that it was wasted, they would have cut what
they had promised for the year that was running. Companies guide for their own fiscal years and at different times, so a
sum is only taken over those that had guidance for one and the same fiscal year at both dates; the others are named and
left out, since a company that speaks for the first time would otherwise look like a rise. A later date that is still
to come is unknown, not unchanged.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.common.mart import Mart, Trace
from warehouse.marts.common.reasons import TYPE, all_of, because, listed, reason
from warehouse.marts.common.select_current import admissible, select_current
from warehouse.tables.capex_guidance import TABLE as GUIDANCE
from warehouse.tables.companies import TABLE as COMPANIES
from warehouse.tables.table import Check, Column, mart

GROUP = "ALL"

TABLE = mart(
    "capex_guidance_change",
    "capex guidance of each buyer for the fiscal year running at an event, known then and known two quarters later",
    [
        Column("event_date", "date", "day of the event", required=True),
        Column("ticker", "text", "ticker of the buyer, or ALL for the sum of those known at both dates", required=True),
        Column("fiscal_year", "integer", "the company's fiscal year that was running; null for ALL", "year"),
        Column("compared_on", "date", "day two quarters after the event", required=True),
        Column("issued_before_on", "date", "day of the last guidance known at the event"),
        Column("guidance_before_usd", "real", "middle of that guidance", "USD", above=0),
        Column("issued_after_on", "date", "day of the last guidance known two quarters later"),
        Column("guidance_after_usd", "real", "middle of that guidance", "USD", above=0),
        Column("change_usd", "real", "after less before; null unless both are known", "USD"),
        Column("change_share", "real", "change over the guidance before", "share", minimum=-1),
        Column("companies", "text", "companies in the figures of the row, comma-joined"),
        Column("known_on", "date", "day on which the newest of the guidance in the row became public"),
    ],
    key=("event_date", "ticker"),
    checks=(
        Check(
            "same_year_at_both_dates",
            "select a.* from {table} a where a.ticker = 'ALL' and a.change_usd is not null and abs(a.change_usd - ("
            "select sum(c.change_usd) from {table} c where c.event_date = a.event_date and c.ticker <> 'ALL')) > 1",
            "the group's change is the sum of the changes of the companies known at both dates, and of nothing else",
        ),
    ),
)


def build(
    capex_guidance: pl.DataFrame, companies: pl.DataFrame, *, as_of: date, assumptions: Assumptions
) -> pl.DataFrame:
    """One row for each event and buyer, and one for the sum (USD, middles of the ranges). Method 6 and 7."""
    months = assumptions.integer("guidance_months")
    buyers = select_current(admissible(companies), COMPANIES).filter(pl.col("role") == "buyer")
    known = admissible(capex_guidance)
    days = sorted(date.fromisoformat(day) for day in assumptions.value("events"))
    by_event = [_of_event(known, buyers, event, months, as_of) for event in days if event <= as_of]
    return pl.concat(by_event) if by_event else TABLE.empty()


def _of_event(known: pl.DataFrame, buyers: pl.DataFrame, event: date, months: int, as_of: date) -> pl.DataFrame:
    compared_on = pl.select(pl.lit(event).dt.offset_by(f"{months}mo")).item()
    running = buyers.select(
        "ticker",
        fiscal_year=(pl.lit(event.year) + (pl.lit(event.month) > pl.col("fiscal_year_end_month"))).cast(pl.Int64),
        company_grade="grade",
    )
    over = compared_on <= as_of
    before = _last_known(known, event, "before")
    after = _last_known(known, compared_on, "after") if over else _last_known(known.clear(), compared_on, "after")
    each = (
        running.join(before, on=["ticker", "fiscal_year"], how="left")
        .join(after, on=["ticker", "fiscal_year"], how="left")
        .with_columns(
            event_date=pl.lit(event),
            compared_on=pl.lit(compared_on),
            companies=pl.col("ticker"),
            change_usd=pl.col("guidance_after_usd") - pl.col("guidance_before_usd"),
            known_on=pl.max_horizontal("known_before", "known_after"),
            grade=pl.max_horizontal("grade_before", "grade_after"),
        )
        .with_columns(change_share=pl.col("change_usd") / pl.col("guidance_before_usd"), reasons=_missing(over, months))
        .sort("ticker")
    )
    return pl.concat([TABLE.conform(each.select(_own(each))), _group(each, event, compared_on, over, months)])


def _last_known(known: pl.DataFrame, day: date, when: str) -> pl.DataFrame:
    """Last guidance of each company and fiscal year known by `day`: middle of the range, day and grade."""
    rows = known.filter((pl.col("issued_on") <= day) & (pl.col("known_on") <= day))
    last = select_current(rows, GUIDANCE).sort("issued_on", descending=True, maintain_order=True)
    return last.unique(["ticker", "fiscal_year"], keep="first", maintain_order=True).select(
        "ticker",
        "fiscal_year",
        pl.col("issued_on").alias(f"issued_{when}_on"),
        ((pl.col("low_usd") + pl.col("high_usd")) / 2).alias(f"guidance_{when}_usd"),
        pl.col("known_on").alias(f"known_{when}"),
        pl.col("grade").alias(f"grade_{when}"),
    )


def _missing(over: bool, months: int) -> pl.Expr:
    no_later = because("no_guidance_later" if over else "guidance_span_not_over", months=months)
    return all_of(
        pl.when(pl.col("fiscal_year").is_null())
        .then(because("fiscal_year_end_unknown"))
        .when(pl.col("guidance_before_usd").is_null())
        .then(because("no_guidance_at_event"))
        .when(pl.col("guidance_after_usd").is_null())
        .then(no_later)
        .when(pl.col("issued_after_on") == pl.col("issued_before_on"))
        .then(because("no_newer_guidance"))
    )


def _group(each: pl.DataFrame, event: date, compared_on: date, over: bool, months: int) -> pl.DataFrame:
    """The sum over the companies with guidance for the same year at both dates; unknown where there is none."""
    both = each.filter(pl.col("change_usd").is_not_null())
    left_out = each.filter(pl.col("change_usd").is_null()).get_column("ticker").to_list()
    why: str | None = None
    if not over:
        why = reason("guidance_span_not_over", months=months)
    elif both.is_empty():
        why = reason("no_guidance_at_both_dates")
    elif left_out:
        why = reason("guidance_sum_without", tickers=left_out)
    names = ["guidance_before_usd", "guidance_after_usd", "change_usd"]
    total = both.select(
        *(pl.when(pl.len() > 0).then(pl.col(name).sum()).alias(name) for name in names),
        pl.col("issued_before_on", "issued_after_on", "known_on", "grade").max(),
        event_date=pl.lit(event),
        ticker=pl.lit(GROUP),
        compared_on=pl.lit(compared_on),
        companies=pl.lit(", ".join(both.get_column("ticker")) or None, dtype=pl.String),
        reasons=pl.lit(listed([why]), dtype=TYPE),
    ).with_columns(change_share=pl.col("change_usd") / pl.col("guidance_before_usd"))
    return TABLE.conform(total)


def _own(frame: pl.DataFrame) -> list[str]:
    return [name for name in TABLE.names if name in frame.columns]


MART = Mart(
    table=TABLE,
    build=build,
    traces=(
        Trace(
            "core.capex_guidance",
            "t.ticker = m.ticker and t.fiscal_year = m.fiscal_year "
            "and t.issued_on in (m.issued_before_on, m.issued_after_on)",
        ),
        Trace(
            "marts.capex_guidance_change",
            "m.ticker = 'ALL' and t.event_date = m.event_date and t.ticker <> 'ALL' and t.change_usd is not null",
        ),
    ),
)
