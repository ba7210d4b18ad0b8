"""What each company of the group spent in each calendar quarter: the vintages that have to be paid for.

A vintage is as old as the money in it, so it is a quarter and not a year: a year that counted only when all of its
quarters were known made the verdict turn with the clock alone (method 10). A company's fiscal quarters are laid on the
calendar by their middle, and each is spent in its middle.

A quarter whose capex is unknown is neither left out nor a zero, both of which would make the spend look small. It is an
interval from zero to the larger of the nearest known quarters before and after it (the one there is, where it has one
neighbour), and whatever is concluded has to hold at both ends (method 5). The quarter is named in its reason.

Equipment under finance leases is part of what has to earn (`finance_lease_assets_usd`), where a filing gives it; where
none does, the quarter is cash only and says so.
"""

from __future__ import annotations

from typing import Literal

import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.capex.filed_periods import QUARTERS
from warehouse.marts.common.mart import Mart, Trace
from warehouse.marts.common.reasons import all_of, because
from warehouse.marts.common.scopes import COMPANIES, COMPANY_NAMES
from warehouse.tables.formula import Formula
from warehouse.tables.guide import Guide
from warehouse.tables.table import FACT_IDS, Check, Column, mart

MONTHS = 3
OF_CAPEX = '"capex_usd"'
"""How a reason of `capex_quarterly` names capex among the figures that it is about."""

TABLE = mart(
    "capex_vintages",
    "capital expenditure of each company of the group by calendar quarter, unknown quarters as intervals",
    [
        Column("ticker", "text", "ticker", required=True, allowed=COMPANY_NAMES),
        Column("calendar_quarter", "text", "calendar quarter that holds the middle of the fiscal one", required=True),
        Column("spent_on", "date", "middle day of the quarter, on which it counts as spent", required=True),
        Column("capex_usd", "real", "purchases of property and equipment; null where unknown", "USD", minimum=0),
        Column("capex_low_usd", "real", "the least that it can be: itself where known, else zero", "USD", True, minimum=0,
            formula=Formula("itself where known, else zero", method="5"),
        ),
        Column(
            "capex_high_usd",
            "real",
            "the most that it is taken for: itself where known, else the larger of the nearest known quarters",
            "USD",
            minimum=0,
            formula=Formula("itself where known, else the larger of the nearest known quarters", "max(neighbours)", "5"),
        ),
        Column(
            "finance_lease_assets_usd",
            "real",
            "assets obtained under finance leases, a year's spread over its quarters by cash capex; null where no filing "
            "gives them",
            "USD",
            minimum=0,
        ),
        Column("is_known", "flag", "capex of the quarter is known", required=True),
        Column("known_on", "date", "day on which the newest fact behind the row became public"),
        FACT_IDS,
    ],
    key=("ticker", "calendar_quarter"),
    checks=(
        Check(
            "unknown_is_an_interval",
            "select * from {table} where is_known <> (capex_usd is not null) or capex_low_usd > capex_high_usd "
            "or (is_known and (capex_low_usd <> capex_usd or capex_high_usd <> capex_usd)) "
            "or (not is_known and (capex_low_usd <> 0 or reasons is null))",
            "an unknown quarter that is left out, or counted as zero at both ends, makes the spend look small",
        ),
        Check(
            "no_quarter_left_out",
            "select * from (select ticker, calendar_quarter, lag(calendar_quarter) over "
            "(partition by ticker order by calendar_quarter) as before from {table}) where before is not null "
            "and 4 * left(calendar_quarter, 4)::int + right(calendar_quarter, 1)::int "
            "<> 4 * left(before, 4)::int + right(before, 1)::int + 1",
            "a quarter without a row is money that nobody asks to be paid back",
        ),
    ),
    guide=Guide(
        "One row for each buyer and calendar quarter in which it spent.",
        "capex_low_usd with capex_high_usd: they are the two ends of one figure.",
        {
            "How many quarters are known of each buyer?": "select ticker, count(*) as quarters, count(*) filter "
            "(is_known) as known from capex_vintages group by all order by all",
            "What did the vintages cost together?": "select ticker, sum(capex_usd) as capex_usd, count(*) as quarters "
            "from capex_vintages group by all order by all",
            "How much was leased?": "select ticker, calendar_quarter, finance_lease_assets_usd from capex_vintages where "
            "finance_lease_assets_usd is not null order by all",
        },
    ),
)  # fmt: skip


def build(capex_quarterly: pl.DataFrame, *, assumptions: Assumptions) -> pl.DataFrame:
    """One row for each company and quarter from the first vintage's to the newest that one of the group filed (USD).

    Empty where no company of the group has filed any quarter since then. Method 5.
    """
    filed = capex_quarterly.filter(pl.col("ticker").is_in(COMPANIES)).with_columns(number=_number("calendar_quarter"))
    first = assumptions.integer("first_vintage") * QUARTERS
    newest = filed.filter(pl.col("fact_ids").is_not_null()).get_column("number").max()
    numbers = range(first, (newest if isinstance(newest, int) else -1) + 1)
    wanted = pl.DataFrame({"ticker": COMPANIES}).join(
        pl.DataFrame({"number": numbers}, schema={"number": pl.Int64}), how="cross"
    )
    known = _known(filed)
    rows = wanted.join(known, on=["ticker", "number"], how="left")
    for strategy in ("backward", "forward"):
        rows = _with_neighbour(rows, known, strategy)
    rows = rows.with_columns(
        calendar_quarter=_name(),
        is_known=pl.col("capex_usd").is_not_null(),
        own_reasons=pl.when(pl.col("capex_usd").is_null()).then("why"),
    )
    return rows.select(
        "ticker",
        "calendar_quarter",
        "capex_usd",
        "finance_lease_assets_usd",
        "is_known",
        spent_on=_middle(),
        capex_low_usd=pl.when("is_known").then("capex_usd").otherwise(0.0),
        capex_high_usd=pl.when("is_known").then("capex_usd").otherwise(_of_neighbours("capex_usd")),
        known_on=pl.when("is_known")
        .then(pl.max_horizontal("capex_known_on", "leases_known_on"))
        .otherwise(_of_neighbours("capex_known_on")),
        grade=pl.when("is_known")
        .then(pl.max_horizontal("capex_grade", "leases_grade"))
        .otherwise(_of_neighbours("capex_grade")),
        fact_ids=_facts(),
        reasons=_reasons(),
    )


def _number(name: str) -> pl.Expr:
    """The number of a calendar quarter, counted from year 0: that of `2025Q3` is 4 x 2025 + 2."""
    year, quarter = (pl.col(name).str.slice(at, n).cast(pl.Int64) for at, n in ((0, 4), (5, 1)))
    return year * QUARTERS + quarter - 1


def _name(number: str = "number") -> pl.Expr:
    return pl.format("{}Q{}", pl.col(number) // QUARTERS, pl.col(number) % QUARTERS + 1)


def _middle() -> pl.Expr:
    first = pl.date(pl.col("number") // QUARTERS, pl.col("number") % QUARTERS * MONTHS + 1, 1)
    last = first.dt.offset_by(f"{MONTHS}mo").dt.offset_by("-1d")
    return first + (last - first) / 2


def _known(filed: pl.DataFrame) -> pl.DataFrame:
    """Each company's calendar quarters with their capex; null where it is unknown, or where two fiscal quarters fall in one."""
    once = pl.col("capex_usd").count() == 1
    figures = [
        "capex_usd", "capex_grade", "capex_known_on", "capex_fact_ids",
        "finance_lease_assets_usd", "leases_grade", "leases_known_on", "leases_fact_ids",
    ]  # fmt: skip
    has_capex = pl.col("capex_usd").is_not_null()
    return (
        filed.sort("ticker", "period_end")
        .group_by("ticker", "number", maintain_order=True)
        .agg(
            *(pl.when(once).then(pl.col(name).filter(has_capex).first()).alias(name) for name in figures),
            is_twice=pl.col("capex_usd").count() > 1,
            why=pl.col("reasons").last(),
        )
        .with_columns(
            why=pl.col("why").list.eval(pl.element().filter(pl.element().str.contains(OF_CAPEX, literal=True)))
        )
    )


def _with_neighbour(rows: pl.DataFrame, known: pl.DataFrame, strategy: Literal["backward", "forward"]) -> pl.DataFrame:
    """`rows` with the nearest known quarter of the company at or before (`backward`) or after (`forward`)."""
    at = known.filter(pl.col("capex_usd").is_not_null()).select(
        "ticker",
        "number",
        pl.col("capex_usd", "capex_grade", "capex_known_on", "capex_fact_ids").name.prefix(f"{strategy}_"),
        _name().alias(f"{strategy}_quarter"),
    )
    return rows.sort("number").join_asof(
        at.sort("number"), on="number", by="ticker", strategy=strategy, check_sortedness=False
    )  # fmt: skip


def _of_neighbours(name: str) -> pl.Expr:
    """The larger, later or weaker of the nearest known quarters'."""
    return pl.max_horizontal(f"backward_{name}", f"forward_{name}")


def _facts() -> pl.Expr:
    """What a known quarter's figures come from, or those of the neighbours that bound it."""
    own = [pl.col(name).fill_null([]) for name in ("capex_fact_ids", "leases_fact_ids")]
    near = [pl.col(f"{side}_capex_fact_ids").fill_null([]) for side in ("backward", "forward")]
    ids = pl.when("is_known").then(pl.concat_list(own)).otherwise(pl.concat_list(near)).list.unique().list.sort()
    return pl.when(ids.list.len() > 0).then(ids)


def _reasons() -> pl.Expr:
    """What the row is, where it is not simply known; then why the filings do not give the quarter."""
    quarter = {"ticker": pl.col("ticker"), "quarter": pl.col("calendar_quarter")}
    near = pl.concat_list("backward_quarter", "forward_quarter").list.drop_nulls().list.unique(maintain_order=True)
    is_twice = pl.col("is_twice").fill_null(False)
    return all_of(
        pl.when(is_twice).then(because("vintage_known_twice", **quarter)),
        pl.when(~pl.col("is_known")).then(
            pl.when(near.list.len() > 0)
            .then(because("vintage_unknown", neighbours=near, **quarter))
            .otherwise(because("vintage_unbounded", **quarter))
        ),
        pl.when(pl.col("is_known") & pl.col("finance_lease_assets_usd").is_null()).then(
            because("vintage_cash_only", **quarter)
        ),
        "own_reasons",
    )


MART = Mart(
    table=TABLE,
    build=build,
    traces=(
        Trace(
            "marts.capex_quarterly",
            "t.ticker = m.ticker and t.calendar_quarter = m.calendar_quarter",
        ),
        Trace("core.company_facts", ids="fact_ids"),
    ),
)
