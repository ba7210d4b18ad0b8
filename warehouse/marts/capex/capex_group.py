"""What the four buyers spent together, and how much of it the facts cover.

Companies file weeks apart and at different fiscal quarters' ends, so the latest calendar quarter is usually known for
some of them only. A sum over three companies beside one over four looks like a fall of spending: so a row names who is
in it, the sum of four quarters is null unless all four companies are in each, and what is missing weighs in
`coverage_share` with the company's last known quarter, as if it had gone on spending the same.
"""

from __future__ import annotations

import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.common.mart import Mart, Trace
from warehouse.marts.common.reasons import all_of, because
from warehouse.marts.common.scopes import COMPANIES
from warehouse.tables.formula import Formula
from warehouse.tables.guide import Guide
from warehouse.tables.table import Check, Column, mart

QUARTERS = 4  # of a year, over which coverage is measured

TABLE = mart(
    "capex_group",
    "capital expenditure of Microsoft, Alphabet, Meta and Amazon together, by calendar quarter",
    [
        Column("calendar_quarter", "text", "calendar quarter that holds the middle of the fiscal one", required=True),
        Column("companies", "texts", "companies whose capex of the quarter is known and summed; null where none is"),
        Column(
            "capex_usd",
            "real",
            "sum over those companies; null where none is known",
            "USD",
            minimum=0,
            formula=Formula(
                "sum over the companies whose quarter is known, which the row names", "Σ capex of the companies", "5"
            ),
        ),
        Column(
            "capex_with_leases_usd",
            "real",
            "the same with assets obtained under finance leases; null unless known for every one of those companies",
            "USD",
            minimum=0,
            formula=Formula("the same with assets obtained under finance leases", "Σ (capex + leased assets)", "5"),
        ),
        Column(
            "capex_ttm_usd",
            "real",
            "sum of this and the three quarters before it; null unless all companies are known in all of them",
            "USD",
            minimum=0,
            formula=Formula(
                "this quarter and the three before it, where all four companies are known in all of them",
                "Σ capex of four quarters",
                "5",
            ),
        ),
        Column(
            "coverage_share",
            "real",
            "known capex of the last four quarters over the same with `stand_ins` for what is missing",
            "share",
            minimum=0,
            maximum=1,
            formula=Formula(
                "known capex of four quarters over the same with stand-ins for what is missing",
                "known / (known + stand-ins)",
                "7",
                assumptions=("coverage_minimum",),
            ),
        ),
        Column(
            "stand_ins",
            "texts",
            "quarters that count in `coverage_share` for missing ones: the company's last known before, else its first",
        ),
        Column("known_on", "date", "day on which the newest of the facts behind the row became public"),
    ],
    key=("calendar_quarter",),
    checks=(
        Check(
            "no_quarter_left_out",
            "select * from (select calendar_quarter, lag(calendar_quarter) over (order by calendar_quarter) as before "
            "from {table}) where before is not null and 4 * left(calendar_quarter, 4)::int "
            "+ right(calendar_quarter, 1)::int <> 4 * left(before, 4)::int + right(before, 1)::int + 1",
            "four rows are four quarters only where none is left out between them",
        ),
        Check(
            "year_is_all_companies",
            f"select * from {{table}} where capex_ttm_usd is not null and (coverage_share < 1 - 1e-9 "
            f"or len(companies) <> {len(COMPANIES)})",
            "a year's sum that lacks a company looks like a fall of spending",
        ),
        Check(
            "group_is_the_sum_of_its_companies",
            "with parts as (select calendar_quarter, sum(capex_usd) as of_companies_usd from (select * from "
            f"marts.capex_quarterly where ticker in ({', '.join(map(repr, COMPANIES))}) qualify row_number() over "
            "(partition by ticker, calendar_quarter order by period_end desc) = 1) group by all) "
            "select g.calendar_quarter, g.companies, g.capex_usd, p.of_companies_usd from {table} g "
            "left join parts p using (calendar_quarter) "
            "where abs(coalesce(g.capex_usd, 0) - coalesce(p.of_companies_usd, 0)) > 1",
            "the group's figure and the companies' own, shown beside each other, must add up",
            columns=("capex_usd",),
        ),
        Check(
            "unknown_has_a_reason",
            "select * from {table} where reasons is null and (capex_usd is null or capex_ttm_usd is null "
            "or capex_with_leases_usd is null or coverage_share is null)",
            "a sum that is missing without a word reads as if nothing had been spent",
        ),
    ),
    guide=Guide(
        "One row for each calendar quarter, of the four buyers together.",
        "capex_ttm_usd: it holds four quarters already.",
        {
            "What do the four spend together?": "select calendar_quarter, capex_usd, capex_ttm_usd, grade from "
            "capex_group order by all",
            "How much of it is known from facts?": "select calendar_quarter, companies, coverage_share, stand_ins from "
            "capex_group order by all",
            "By how much did it grow in a year?": "select calendar_quarter, capex_usd / lag(capex_usd, 4) over (order by "
            "calendar_quarter) - 1 as growth from capex_group order by all",
        },
    ),
)


def build(capex_quarterly: pl.DataFrame, *, assumptions: Assumptions) -> pl.DataFrame:
    """One row for each calendar quarter from the first with capex of a company of the group to the last filed (USD)."""
    own = _of_group(capex_quarterly)
    by_quarter = _sums(_every_quarter(own))
    last_four = [pl.col("number").shift(n) == pl.col("number") - n for n in range(QUARTERS)]
    rows = by_quarter.with_columns(
        capex_ttm_usd=pl.when(pl.all_horizontal(last_four)).then(_over_year("complete_usd")),
        known_year_usd=_over_year("known_usd"),
        assumed_year_usd=_over_year("assumed_usd"),
        known_on=pl.max_horizontal(_year("known_on")),
        grade=pl.max_horizontal(_year("grade")),
        stand_ins=_stand_ins(),
    ).with_columns(coverage_share=pl.col("known_year_usd") / pl.col("assumed_year_usd"))
    first = own.filter(pl.col("capex_usd").is_not_null()).get_column("number").min()
    kept = rows.filter(pl.col("number") >= pl.lit(first, dtype=pl.Int64))
    return kept.with_columns(calendar_quarter=_name("number"), reasons=_reasons()).select(
        name for name in TABLE.names if name != "reason"
    )


def _name(number: str) -> pl.Expr:
    """`2025Q3` from the number of a calendar quarter."""
    return pl.format("{}Q{}", pl.col(number) // QUARTERS, pl.col(number) % QUARTERS + 1)


def _of_group(capex_quarterly: pl.DataFrame) -> pl.DataFrame:
    """Quarters of the group's companies by number of the calendar quarter; one each, the fiscal one that ended last."""
    year, quarter = (pl.col("calendar_quarter").str.slice(at, n).cast(pl.Int64) for at, n in ((0, 4), (5, 1)))
    figures = [
        "capex_usd",
        "capex_known_on",
        "capex_grade",
        "finance_lease_assets_usd",
        "leases_known_on",
        "leases_grade",
    ]
    return (
        capex_quarterly.filter(pl.col("ticker").is_in(COMPANIES))
        .with_columns(number=year * QUARTERS + quarter - 1)
        .sort("ticker", "period_end")
        .unique(["ticker", "number"], keep="last", maintain_order=True)
        .select("ticker", "number", *figures)
    )


def _every_quarter(own: pl.DataFrame) -> pl.DataFrame:
    """Each company of the group in each quarter, with its nearest known capex to count where its own is missing.

    The grid starts a year before the first quarter, so that each row has four quarters to look at.
    """
    ends = own.select(begin=pl.col("number").min() - QUARTERS + 1, end=pl.col("number").max() + 1)
    span = ends.select(number=pl.int_ranges("begin", "end")).explode("number", empty_as_null=False, keep_nulls=False)
    figures = {
        "capex_usd": "nearest_usd",
        "known_number": "nearest_number",
        "capex_grade": "nearest_grade",
        "capex_known_on": "nearest_known_on",
    }
    return (
        pl.DataFrame({"ticker": COMPANIES})
        .join(span, how="cross")
        .join(own, on=["ticker", "number"], how="left")
        .with_columns(is_known=pl.col("capex_usd").is_not_null())
        .with_columns(known_number=pl.when("is_known").then("number"))
        .with_columns(
            # The last known quarter; before the first known one, that.
            pl.col(name)
            .fill_null(strategy="forward")
            .fill_null(strategy="backward")
            .over("ticker", order_by="number")
            .alias(alias)
            for name, alias in figures.items()
        )
        .with_columns(nearest=pl.format("{} {}", "ticker", _name("nearest_number")))
        .sort("number", "ticker")
    )


def _sums(each: pl.DataFrame) -> pl.DataFrame:
    """By quarter: sums over the companies known, over all with stand-ins for the missing ones, and who is who."""
    ticker, known, capex = pl.col("ticker"), pl.col("is_known"), pl.col("capex_usd")
    leased = known & pl.col("finance_lease_assets_usd").is_not_null()
    return (
        each.group_by("number", maintain_order=True)
        .agg(
            companies=ticker.filter(known),
            missing=ticker.filter(~known),
            without_leases=ticker.filter(known & ~leased),
            never_known=ticker.filter(pl.col("nearest_usd").is_null()),
            known_usd=capex.sum(),
            capex_usd=pl.when(known.any()).then(capex.sum()),
            complete_usd=pl.when(known.all()).then(capex.sum()),
            assumed_usd=pl.when(pl.col("nearest_usd").is_not_null().all()).then(pl.col("nearest_usd").sum()),
            capex_with_leases_usd=pl.when(known.any() & (known == leased).all()).then(
                (capex + pl.col("finance_lease_assets_usd")).sum()
            ),
            stand_ins=pl.col("nearest").filter(~known).drop_nulls(),
            known_on=pl.max_horizontal(
                pl.col("nearest_known_on").max(), pl.col("leases_known_on").filter(leased).max()
            ),
            grade=pl.max_horizontal(pl.col("nearest_grade").max(), pl.col("leases_grade").filter(leased).max()),
        )
        .with_columns(companies=pl.when(pl.col("companies").list.len() > 0).then("companies"))
        .sort("number")
    )


def _stand_ins() -> pl.Expr:
    named = pl.concat_list(_year("stand_ins")).list.unique().list.sort()
    return pl.when(named.list.len() > 0).then(named)


def _year(column: str) -> list[pl.Expr]:
    """A column of this quarter and of the three before it."""
    return [pl.col(column).shift(n) for n in range(QUARTERS)]


def _over_year(column: str) -> pl.Expr:
    """Sum over this quarter and the three before it; null where one of them is."""
    return pl.sum_horizontal(_year(column), ignore_nulls=False)


def _reasons() -> pl.Expr:
    """What is missing, from which company."""
    is_short = pl.col("missing").list.len() > 0
    without_leases, never_known = pl.col("without_leases"), pl.col("never_known")
    return all_of(
        pl.when(is_short).then(because("group_capex_without", tickers=pl.col("missing"))),
        pl.when(pl.col("capex_ttm_usd").is_null()).then(
            pl.when(is_short).then(because("group_year_incomplete")).otherwise(because("group_year_incomplete_before"))
        ),
        pl.when(pl.col("capex_with_leases_usd").is_null()).then(
            pl.when(without_leases.list.len() > 0)
            .then(because("group_leases_unknown", tickers=without_leases))
            .otherwise(because("group_leases_without_capex"))
        ),
        pl.when(pl.col("coverage_share").is_null()).then(
            pl.when(never_known.list.len() > 0)
            .then(because("group_coverage_without", tickers=never_known))
            .otherwise(because("group_spent_nothing"))
        ),
    )


MART = Mart(
    table=TABLE,
    build=build,
    traces=(
        # The quarters of the year that are known, and those that stand in for the others.
        Trace(
            "marts.capex_quarterly",
            f"t.ticker in {COMPANIES} and t.capex_usd is not null and ({QUARTERS} * "
            "(left(m.calendar_quarter, 4)::int - left(t.calendar_quarter, 4)::int) + right(m.calendar_quarter, 1)::int "
            f"- right(t.calendar_quarter, 1)::int between 0 and {QUARTERS - 1} "
            "or list_contains(m.stand_ins, t.ticker || ' ' || t.calendar_quarter))",
        ),
    ),
)
