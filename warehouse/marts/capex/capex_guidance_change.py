"""Revealed preference: what the buyers said they would spend before an event, and what they said first after it.

Words are cheap, guidance less so. If those who buy compute had believed that it was wasted, they would have cut what
they had promised for the year that was running. So the first guidance after the event is held against the last before
it for the same year. A company that had not spoken of that year yet is held against what it spent the year before. The
sum is taken over those that have such a figure, each named; the others are named too.

Both figures have to be on one basis. One company counts the principal of its leases, another every asset it leases,
and Microsoft moved leases from one kind to the other in July 2026: its guidance fell by 15 billion USD and nothing less
is built. A company's fiscal year is not the calendar's either. Two bases give no change but the reason.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.capex.measures import CAPEX, LEASE_ASSETS, LEASES
from warehouse.marts.common.mart import Mart, Trace
from warehouse.marts.common.reasons import TYPE, all_of, because, listed, reason
from warehouse.marts.common.select_current import admissible, select_current, weakest
from warehouse.tables.capex_guidance import BASIS_MEANINGS, CASH, FISCAL, YEAR_KIND_MEANINGS
from warehouse.tables.capex_guidance import TABLE as GUIDANCE
from warehouse.tables.companies import TABLE as COMPANIES
from warehouse.tables.company_facts import TABLE as COMPANY_FACTS
from warehouse.tables.formula import Formula
from warehouse.tables.guide import Guide
from warehouse.tables.table import FACT_IDS, Check, Column, mart

GROUP = "ALL"
AGAINST_MEANINGS = {
    "earlier_guidance": "the last guidance on that year before the event",
    "last_years_capex": "what was spent the year before, as there was no such guidance",
}
EARLIER_GUIDANCE, LAST_YEAR = tuple(AGAINST_MEANINGS)
# What each basis adds to the cash that was paid for property and equipment, as a measure of filings.
ADDS = {"cash_and_lease_principal": LEASES, "with_finance_leases": LEASE_ASSETS}
MONTHS_A_YEAR = 12

TABLE = mart(
    "capex_guidance_change",
    "first capex guidance of each buyer after an event, against the last before it for that year or the year before",
    [
        Column("event_date", "date", "day of the event", required=True),
        Column("ticker", "text", "ticker of the buyer, or ALL for the sum of those that have a change", required=True),
        Column("fiscal_year", "integer", "the company's year that was running; null for ALL", "year"),
        Column("year_kind", "text", "which year that is", allowed=YEAR_KIND_MEANINGS),
        Column("basis", "text", "what the first guidance after the event counts; null where not said", allowed=BASIS_MEANINGS),
        Column("issued_before_on", "date", "day of the last guidance known at the event"),
        Column("guidance_before_usd", "real", "middle of that guidance; of ALL null where a company had none", "USD", above=0,
            formula=Formula("middle of the last guidance known at the event", "(low + high) / 2", "6"),
        ),
        Column("last_years_capex_usd", "real", "what was spent the year before, on the basis of the guidance", "USD", above=0),
        Column(
            "held_against", "text", "what the first guidance after the event is held against; null for ALL",
            allowed=AGAINST_MEANINGS,
        ),
        Column("base_usd", "real", "that figure", "USD", above=0),
        Column("issued_after_on", "date", "day of the first guidance after the event"),
        Column("guidance_after_usd", "real", "middle of that guidance", "USD", above=0,
            formula=Formula("middle of the first guidance after the event", "(low + high) / 2", "6"),
        ),
        Column("change_usd", "real", "that guidance less base_usd; null unless both are known, on one basis", "USD",
            formula=Formula(
                "first guidance after the event less what it is held against, on one basis; of the four together "
                "the sum of those that have one",
                "guidance after − base",
                "6",
            ),
        ),
        Column("change_share", "real", "change over base_usd", "share", minimum=-1,
            formula=Formula("the change over what it is held against", "{change_usd} / {base_usd}", "6"),
        ),
        Column("companies", "texts", "companies in the change"),
        Column("companies_left_out", "texts", "of ALL, buyers without a change"),
        FACT_IDS,
        Column("known_on", "date", "day on which the newest fact in the row became public"),
    ],
    key=("event_date", "ticker"),
    checks=(
        Check(
            "sum_of_the_companies",
            "select a.* from {table} a where a.ticker = 'ALL' and a.change_usd is not null and abs(a.change_usd - ("
            "select sum(c.change_usd) from {table} c where c.event_date = a.event_date and c.ticker <> 'ALL')) > 1",
            "the group's change is the sum of the changes of the companies that have one, and of nothing else",
        ),
        Check(
            "unknown_says_why",
            "select * from {table} where change_usd is null and reasons is null",
            "a buyer that is left out without a word would look as if it had been counted",
        ),
    ),
    guide=Guide(
        "One row for each event and buyer, and one for their sum (ALL).",
        "over tickers: the row ALL is the sum already.",
        {
            "Did anybody cut after 27 January 2025?": "select ticker, base_usd, guidance_after_usd, change_usd from "
            "capex_guidance_change where event_date = '2025-01-27'",
            "What is each held against?": "select event_date, ticker, held_against, issued_before_on, issued_after_on "
            "from capex_guidance_change order by all",
            "Why is a change unknown?": "select event_date, ticker, reason from capex_guidance_change where change_usd is "
            "null and reason is not null",
        },
    ),
)  # fmt: skip


def build(
    capex_guidance: pl.DataFrame,
    company_facts: pl.DataFrame,
    companies: pl.DataFrame,
    *,
    as_of: date,
    assumptions: Assumptions,
) -> pl.DataFrame:
    """One row for each event and buyer, and one for the sum (USD, middles of the ranges). Method 6, 7 and 9."""
    buyers = select_current(admissible(companies), COMPANIES).filter(pl.col("role") == "buyer")
    buyers = buyers.select("ticker", "fiscal_year_end_month")
    said = _said(capex_guidance)
    spent = _spent(company_facts)
    days = sorted(date.fromisoformat(day) for day in assumptions.value("events"))
    by_event = [_of_event(said, spent, buyers, event) for event in days if event <= as_of]
    return pl.concat(by_event) if by_event else TABLE.empty()


def _said(capex_guidance: pl.DataFrame) -> pl.DataFrame:
    """Guidance as it was given: its middle, and of which year. What is not said is the cash of the fiscal year."""
    return select_current(admissible(capex_guidance), GUIDANCE).select(
        "ticker",
        "fiscal_year",
        "issued_on",
        "known_on",
        "basis",
        "grade",
        "fact_id",
        year_kind=pl.col("year_kind").fill_null(FISCAL),
        middle_usd=(pl.col("low_usd") + pl.col("high_usd")) / 2,
    )


def _spent(company_facts: pl.DataFrame) -> pl.DataFrame:
    """What each company spent in each fiscal year, by basis: `ticker`, `fiscal_year`, `basis`, `spent_usd`, its evidence.

    Cash comes from the cash-flow statement. A basis that counts leases adds what the filings give of them for that year,
    and is unknown where they give nothing.
    """
    years = select_current(
        admissible(company_facts).filter((pl.col("period_type") == "year") & (pl.col("value_usd") >= 0)), COMPANY_FACTS
    ).select("ticker", "fiscal_year", "measure", "value_usd", "known_on", "grade", "fact_id")
    cash = years.filter(pl.col("measure") == CAPEX).unique(["ticker", "fiscal_year"], keep="none")
    of_basis = [cash.with_columns(basis=pl.lit(CASH), spent_usd="value_usd", spent_ids=pl.concat_list("fact_id"))]
    for basis, measure in ADDS.items():
        leases = years.filter(pl.col("measure") == measure).unique(["ticker", "fiscal_year"], keep="none")
        of_basis.append(
            cash.join(leases, on=["ticker", "fiscal_year"], suffix="_leases").with_columns(
                basis=pl.lit(basis),
                spent_usd=pl.col("value_usd") + pl.col("value_usd_leases"),
                known_on=pl.max_horizontal("known_on", "known_on_leases"),
                grade=weakest("grade", "grade_leases"),
                spent_ids=pl.concat_list("fact_id", "fact_id_leases"),
            )
        )
    return pl.concat(of_basis, how="diagonal").select(
        "ticker", "fiscal_year", "basis", "spent_ids", pl.col("spent_usd").cast(pl.Float64),
        known_spent="known_on", grade_spent="grade",
    )  # fmt: skip


def _of_event(said: pl.DataFrame, spent: pl.DataFrame, buyers: pl.DataFrame, event: date) -> pl.DataFrame:
    """The rows of one event: each buyer's, and their sum."""
    fiscal = event.year + (pl.lit(event.month) > pl.col("fiscal_year_end_month")).cast(pl.Int64)
    running = buyers.with_columns(running_year=fiscal)
    # Of a company that guides for the calendar year, the running year is the event's.
    of_year = pl.when(pl.col("year_kind") == FISCAL).then("running_year").otherwise(event.year)
    of_the_year = said.join(running, on="ticker").filter(pl.col("fiscal_year") == of_year)
    each = (
        running.join(_one(of_the_year, event, "before"), on="ticker", how="left")
        .join(_one(of_the_year, event, "after"), on="ticker", how="left")
        .with_columns(year_kind=pl.coalesce("year_kind_after", "year_kind_before", pl.lit(FISCAL)))
        .with_columns(
            fiscal_year=pl.when(pl.col("year_kind") == FISCAL).then("running_year").otherwise(event.year),
            last_year=pl.col("running_year") - 1,
            basis=pl.coalesce("basis_after", pl.lit(CASH)),
        )
        .join(spent, left_on=["ticker", "last_year", "basis"], right_on=["ticker", "fiscal_year", "basis"], how="left")
        .with_columns(event_date=pl.lit(event), basis="basis_after", **_bases())
        .sort("ticker")
    )
    each = _with_change(each)
    return pl.concat([TABLE.conform(each.select(_own(each))), _group(each, event)])


def _bases() -> dict[str, pl.Expr]:
    """Whether the two figures that are held against each other are on one basis."""
    same_kind = pl.col("year_kind_before") == pl.col("year_kind_after")
    is_fiscal = pl.col("year_kind_after") == FISCAL
    is_both = is_fiscal | (pl.col("fiscal_year_end_month") == MONTHS_A_YEAR)
    return {
        "same_basis": (pl.col("basis_before").fill_null(CASH) == pl.col("basis_after").fill_null(CASH)) & same_kind,
        "last_year_compares": pl.col("spent_usd").is_not_null() & is_both,
    }


def _with_change(each: pl.DataFrame) -> pl.DataFrame:
    """`each` with what the guidance is held against, the change, its evidence and the reasons."""
    with_before = pl.col("guidance_before_usd").is_not_null()
    by_guidance = with_before & pl.col("same_basis")
    by_last_year = ~with_before & pl.col("last_year_compares")
    after = pl.col("guidance_after_usd")
    changed = after.is_not_null() & (by_guidance | by_last_year)
    no_ids = pl.lit([], dtype=pl.List(pl.String))
    found = each.with_columns(
        last_years_capex_usd=pl.when("last_year_compares").then("spent_usd"),
        held_against=pl.when(changed & by_guidance)
        .then(pl.lit(EARLIER_GUIDANCE))
        .when(changed)
        .then(pl.lit(LAST_YEAR)),
        base_usd=pl.when(changed & by_guidance).then("guidance_before_usd").when(changed).then("spent_usd"),
        companies=pl.when(changed).then(pl.concat_list("ticker")),
        reasons=_reasons(),
    )
    of_last_year = pl.col("held_against") == LAST_YEAR
    return found.with_columns(
        change_usd=after - pl.col("base_usd"),
        change_share=after / pl.col("base_usd") - 1,
        known_on=pl.max_horizontal("known_before", "known_after", pl.when(of_last_year).then("known_spent")),
        grade=weakest("grade_before", "grade_after", pl.when(of_last_year).then("grade_spent")),
        fact_ids=pl.concat_list(
            pl.concat_list("fact_id_before", "fact_id_after").list.drop_nulls(),
            pl.when(of_last_year).then("spent_ids").otherwise(no_ids).fill_null(no_ids),
        ),
    )


def _one(said: pl.DataFrame, event: date, when: str) -> pl.DataFrame:
    """Of each company its last guidance `before` the event, known by then, or its first `after` it."""
    last = when == "before"
    rows = said.filter((pl.col("issued_on") <= event) == last)
    if last:
        rows = rows.filter(pl.col("known_on") <= event)
    rows = rows.sort("issued_on", descending=last, maintain_order=True).unique(
        "ticker", keep="first", maintain_order=True
    )
    return rows.select(
        "ticker",
        pl.col("issued_on").alias(f"issued_{when}_on"),
        pl.col("middle_usd").alias(f"guidance_{when}_usd"),
        pl.col("known_on").alias(f"known_{when}"),
        *(pl.col(name).alias(f"{name}_{when}") for name in ("basis", "year_kind", "grade", "fact_id")),
    )


def _reasons() -> pl.Expr:
    with_before, with_after = pl.col("guidance_before_usd").is_not_null(), pl.col("guidance_after_usd").is_not_null()
    year = pl.col("fiscal_year")
    two_bases = because(
        "guidance_on_two_bases",
        issued_before_on=pl.col("issued_before_on"),
        issued_after_on=pl.col("issued_after_on"),
        basis_before=pl.col("basis_before"),
        basis_after=pl.col("basis_after"),
        year_kind_before=pl.col("year_kind_before"),
        year_kind_after=pl.col("year_kind_after"),
    )
    no_base = because(
        "no_figure_to_hold_guidance_against", year=year, last_year=pl.col("last_year"), basis=pl.col("basis_after")
    )
    return all_of(
        pl.when(pl.col("fiscal_year_end_month").is_null())
        .then(because("fiscal_year_end_unknown"))
        .when(~with_after)
        .then(because("no_guidance_after_event", year=year))
        .when(with_before & ~pl.col("same_basis"))
        .then(two_bases)
        .when(~with_before & ~pl.col("last_year_compares"))
        .then(no_base)
        .when(~with_before)
        .then(because("guidance_held_against_last_year", year=year, last_year=pl.col("last_year")))
    )


def _group(each: pl.DataFrame, event: date) -> pl.DataFrame:
    """The sum over the companies that have a change; unknown where there is none."""
    changed = pl.col("change_usd").is_not_null()
    summed, left_out = each.filter(changed), each.filter(~changed)["ticker"].to_list()
    why: str | None = None
    if summed.is_empty():
        why = reason("no_guidance_to_compare")
    elif left_out:
        why = reason("guidance_sum_without", tickers=left_out)
    total = summed.select(
        *(
            pl.when(pl.len() > 0).then(pl.col(name).sum()).alias(name)
            for name in ("base_usd", "guidance_after_usd", "change_usd")
        ),
        pl.when(pl.col("guidance_before_usd").is_not_null().all() & (pl.len() > 0))
        .then(pl.col("guidance_before_usd").sum())
        .alias("guidance_before_usd"),
        pl.col("issued_before_on", "issued_after_on", "known_on", "grade").max(),
        event_date=pl.lit(event),
        ticker=pl.lit(GROUP),
        companies=pl.lit(summed["ticker"].to_list() or None, dtype=TYPE),
        companies_left_out=pl.lit(left_out or None, dtype=TYPE),
        fact_ids=pl.lit(sorted({each for ids in summed["fact_ids"] for each in ids}), dtype=TYPE),
        reasons=pl.lit(listed([why]), dtype=TYPE),
    ).with_columns(change_share=pl.col("change_usd") / pl.col("base_usd"))
    return TABLE.conform(total)


def _own(frame: pl.DataFrame) -> list[str]:
    return [name for name in TABLE.names if name in frame.columns]


MART = Mart(
    table=TABLE,
    build=build,
    traces=(
        Trace("core.capex_guidance", ids="fact_ids"),
        Trace("core.company_facts", ids="fact_ids"),
        Trace("core.companies", "t.ticker = m.ticker"),
        Trace(
            "marts.capex_guidance_change",
            "m.ticker = 'ALL' and t.event_date = m.event_date and t.ticker <> 'ALL' and t.change_usd is not null",
        ),
    ),
)
