"""What each company spent in a year, calendar and fiscal: the query that everybody asks first.

Adding quarters up by hand goes wrong in two ways. A year with three of its quarters looks like a fall of spending, and
a company whose fiscal year ends in June has other quarters in its year than in the calendar's. So a year's figure is
the sum of its four quarters, or the year as a filing prints it, or null; what is known so far stands beside it, and
`quarters_known` and `is_complete` say which of these a row is.
"""

from __future__ import annotations

import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.capex.consistency import Limits, of_the_whole
from warehouse.marts.capex.filed_periods import QUARTERS, with_bounds
from warehouse.marts.capex.measures import CAPEX, LEASE_ASSETS, REVENUE, UNLISTED_CAPEX
from warehouse.marts.common.mart import Mart, Trace
from warehouse.marts.common.reasons import all_of, because
from warehouse.marts.common.select_current import admissible, select_current
from warehouse.tables import sec_tags
from warehouse.tables.columns import TICKER
from warehouse.tables.company_facts import TABLE as COMPANY_FACTS
from warehouse.tables.formula import Formula
from warehouse.tables.guide import Guide
from warehouse.tables.table import FACT_IDS, GRADE_MEANINGS, Check, Column, mart

DAYS_FROM_NEW_YEAR = 10
"""A fiscal year of 52 or 53 weeks is the calendar's where it starts so near to New Year."""
YEAR = ["ticker", "year_kind", "year"]
MEASURES = {CAPEX: "capex_usd", LEASE_ASSETS: "finance_lease_assets_usd", REVENUE: "revenue_usd"}

TABLE = mart(
    "capex_yearly",
    "capital expenditure, leased assets and revenue of each company by calendar year and by fiscal year",
    [
        TICKER,
        Column(
            "year_kind",
            "text",
            "which year",
            required=True,
            allowed={
                "calendar": "of the quarters whose middle lies in it",
                "fiscal": "the company's own, named by the year it ends in",
            },
        ),
        Column("year", "integer", "the year", "year", required=True),
        Column("company", "text", "name of the company"),
        Column(
            "capex_usd", "real", "purchases of property and equipment of the whole year; null unless complete", "USD", minimum=0,
            formula=Formula("sum of the year's four quarters, or the year as a filing prints it", "Σ capex of four quarters", "5"),
        ),
        Column("capex_so_far_usd", "real", "the same of the quarters that are known", "USD", minimum=0,
            formula=Formula("sum of the quarters of the year that are known", "Σ capex of known quarters", "5"),
        ),
        Column(
            "finance_lease_assets_usd",
            "real",
            "assets obtained under finance leases in the whole year; null where unknown",
            "USD",
            minimum=0,
        ),
        Column("revenue_usd", "real", "revenue of the whole year; null where unknown", "USD", minimum=0),
        Column("quarters_known", "integer", "quarters of the year with capex", "quarters", True, minimum=0, maximum=4),
        Column("is_complete", "flag", "capex is that of the whole year", required=True),
        Column("made_of", "text", "what capex is taken from", allowed={"quarters": "their sum", "year": "as a filing prints it"}),
        Column("capex_grade", "text", "weakest grade of the facts behind the year's capex", allowed=GRADE_MEANINGS),
        Column("known_on", "date", "day on which the newest fact behind the row became public"),
        FACT_IDS,
    ],
    key=("ticker", "year_kind", "year"),
    checks=(
        Check(
            "complete_or_unknown",
            "select * from {table} where is_complete <> (capex_usd is not null) or (not is_complete and reasons is null) "
            "or (made_of = 'quarters' and (quarters_known <> 4 or abs(capex_usd - capex_so_far_usd) > 1))",
            "a year with some of its quarters is not a smaller year",
            columns=("capex_usd", "is_complete"),
        ),
    ),
    guide=Guide(
        "One row for each company, kind of year and year.",
        "over both kinds of year: it gives twice what was spent. Choose year_kind, or ask capex_by_year.",
        {
            "What did each company spend in 2025?": "select ticker, capex_usd, is_complete from capex_yearly where year = "
            "2025 and year_kind = 'calendar'",
            "What did Microsoft spend in its fiscal years?": "select year, capex_usd, revenue_usd from capex_yearly where "
            "ticker = 'MSFT' and year_kind = 'fiscal' order by all",
            "Which years are as a filing prints them?": "select ticker, year_kind, year from capex_yearly where made_of = "
            "'year' order by all",
        },
    ),
)  # fmt: skip


def build(capex_quarterly: pl.DataFrame, company_facts: pl.DataFrame, *, assumptions: Assumptions) -> pl.DataFrame:
    """One row for each company and year, of either kind, in which it has a quarter or prints the year (USD)."""
    found = _by_quarters(capex_quarterly).join(
        _printed(company_facts, Limits.of(assumptions)), on=YEAR, how="full", coalesce=True
    )
    names = capex_quarterly.group_by("ticker").agg(company=pl.col("company").drop_nulls().first())
    found = found.join(names, on="ticker", how="left").with_columns(
        pl.col("quarters_known", "quarters").fill_null(0), missing=_missing()
    )
    is_whole = (pl.col("quarters_known") == QUARTERS) & (pl.col("quarters") == QUARTERS)
    is_printed = ~is_whole & (pl.col("quarters_known") <= QUARTERS) & pl.col("printed_capex_usd").is_not_null()

    def whole(column: str) -> pl.Expr:
        of_quarters = pl.when(pl.col("quarters") == QUARTERS).then(f"sum_{column}")
        return pl.coalesce(of_quarters, f"printed_{column}")

    uses_year = is_printed | (pl.col("printed_known_on").is_not_null() & _any_printed())
    no_year = pl.lit(None, dtype=pl.List(pl.String()))
    return found.with_columns(
        capex_usd=pl.when(is_whole).then("sum_capex_usd").when(is_printed).then("printed_capex_usd"),
        capex_so_far_usd=pl.col("known_capex_usd"),
        finance_lease_assets_usd=whole("finance_lease_assets_usd"),
        revenue_usd=whole("revenue_usd"),
        is_complete=is_whole | is_printed,
        made_of=pl.when(is_whole).then(pl.lit("quarters")).when(is_printed).then(pl.lit("year")),
        capex_grade=pl.when(is_whole).then("quarters_capex_grade").when(is_printed).then("printed_grade"),
        quarters_known=pl.min_horizontal("quarters_known", QUARTERS),
        known_on=pl.max_horizontal("quarters_known_on", pl.when(uses_year).then("printed_known_on")),
        grade=pl.max_horizontal("quarters_grade", pl.when(uses_year).then("printed_grade")),
        fact_ids=_ids(pl.col("quarters_fact_ids"), pl.when(uses_year).then("printed_fact_ids").otherwise(no_year)),
        reasons=all_of(
            pl.when(is_printed).then(because("year_as_printed")),
            pl.when(~is_whole & ~is_printed & (pl.col("quarters") > QUARTERS)).then(
                because("year_of_more_than_four_quarters", quarters=pl.col("quarters"))
            ),
            pl.when(~is_whole & ~is_printed & (pl.col("missing").list.len() > 0)).then(
                because("year_incomplete", quarters=pl.col("missing"), quarters_known=pl.col("quarters_known"))
            ),
            pl.when(whole("revenue_usd").is_null()).then(because("year_without_revenue")),
            pl.when(whole("finance_lease_assets_usd").is_null()).then(because("year_without_leases")),
        ),
    ).select(name for name in TABLE.names if name != "reason")


def _any_printed() -> pl.Expr:
    """Leases or revenue of the row come from the printed year."""
    return pl.any_horizontal(
        pl.col(f"sum_{column}").is_null() & pl.col(f"printed_{column}").is_not_null()
        for column in ("finance_lease_assets_usd", "revenue_usd")
    )


def _ids(*lists: pl.Expr) -> pl.Expr:
    ids = pl.concat_list(each.fill_null([]) for each in lists).list.unique().list.sort()
    return pl.when(ids.list.len() > 0).then(ids)


def _missing() -> pl.Expr:
    """Quarters of the year without capex: `2024Q4`, or `Q4` of a fiscal year."""
    numbers = range(1, QUARTERS + 1)
    known = pl.col("known").fill_null([])
    is_calendar = pl.col("year_kind") == "calendar"
    return pl.concat_list(
        pl.when(~known.list.contains(number)).then(
            pl.when(is_calendar).then(pl.format("{}Q{}", "year", pl.lit(number))).otherwise(pl.lit(f"Q{number}"))
        )
        for number in numbers
    ).list.drop_nulls()


def _by_quarters(capex_quarterly: pl.DataFrame) -> pl.DataFrame:
    """Sums of each year's quarters, null where one of them is; and of capex what is known."""
    calendar = capex_quarterly.with_columns(
        year_kind=pl.lit("calendar"),
        year=pl.col("calendar_quarter").str.head(4).cast(pl.Int64),
        number=pl.col("calendar_quarter").str.tail(1).cast(pl.Int64),
    )
    fiscal = capex_quarterly.with_columns(
        year_kind=pl.lit("fiscal"), year=pl.col("fiscal_year"), number=pl.col("fiscal_quarter")
    )
    both = pl.concat([calendar, fiscal]).drop_nulls(["year", "number"])
    is_known = pl.col("capex_usd").is_not_null()

    def total(column: str) -> pl.Expr:
        return pl.when(pl.col(column).is_not_null().all()).then(pl.col(column).sum()).alias(f"sum_{column}")

    return both.group_by(YEAR).agg(
        *map(total, MEASURES.values()),
        quarters=pl.len().cast(pl.Int64),
        quarters_known=pl.col("number").filter(is_known).n_unique().cast(pl.Int64),
        known=pl.col("number").filter(is_known).unique(),
        known_capex_usd=pl.when(is_known.any()).then(pl.col("capex_usd").sum()),
        quarters_known_on=pl.col("known_on").max(),
        quarters_grade=pl.col("grade").max(),
        quarters_capex_grade=pl.col("capex_grade").max(),
        quarters_fact_ids=pl.col("fact_ids").explode().drop_nulls().unique().sort(),
    )


def _printed(company_facts: pl.DataFrame, limits: Limits) -> pl.DataFrame:
    """Fiscal years as filings print them; those that start at New Year are calendar years as well."""
    usable = admissible(company_facts).filter(
        (pl.col("period_type") == "year")
        & pl.col("measure").is_in(list(MEASURES))
        & (pl.col("value_usd") >= 0)
        & pl.col("fiscal_year").is_not_null()
        & sec_tags.in_use()
    )
    # What stands under an unlisted tag for the same period is larger: the listed one is a part.
    period = ["ticker", "period_start", "period_end"]
    doubted = company_facts.filter(pl.col("measure") == UNLISTED_CAPEX).select(*period, measure=pl.lit(CAPEX)).unique()
    usable = usable.join(doubted, on=[*period, "measure"], how="anti")
    usable, _ = of_the_whole(with_bounds(usable), limits)
    years = select_current(usable, COMPANY_FACTS).with_columns(
        year=pl.col("fiscal_year"), middle=pl.col("period_start") + (pl.col("period_end") - pl.col("period_start")) / 2
    )
    new_year = pl.date(pl.col("middle").dt.year(), 1, 1)
    is_calendar = (pl.col("period_start") - new_year).dt.total_days().abs() <= DAYS_FROM_NEW_YEAR
    both = pl.concat(
        [
            years.with_columns(year_kind=pl.lit("fiscal")),
            years.filter(is_calendar).with_columns(
                year_kind=pl.lit("calendar"), year=pl.col("middle").dt.year().cast(pl.Int64)
            ),
        ]
    )
    one = pl.col("measure")
    return both.sort("period_end").group_by(YEAR, maintain_order=True).agg(
        *(
            pl.col("value_usd").filter(one == measure).last().cast(pl.Float64).alias(f"printed_{column}")
            for measure, column in MEASURES.items()
        ),
        printed_known_on=pl.col("known_on").max(),
        printed_grade=pl.col("grade").max(),
        printed_fact_ids=pl.col("fact_id").unique().sort(),
    )  # fmt: skip


MART = Mart(
    table=TABLE,
    build=build,
    traces=(
        Trace(
            "marts.capex_quarterly",
            "t.ticker = m.ticker and (m.year_kind = 'calendar' and left(t.calendar_quarter, 4) = m.year::text "
            "or m.year_kind = 'fiscal' and t.fiscal_year = m.year)",
        ),
        Trace("core.company_facts", ids="fact_ids"),
    ),
)
