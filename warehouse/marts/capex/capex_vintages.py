"""What each company of the group spent in each calendar year: the vintages that have to be paid for.

A company's fiscal year is not the calendar's (Microsoft's ends in June), and a vintage has one age for everyone. So
quarters are laid on the calendar and added up; a year with only some of its quarters known is not a smaller year but an
unknown one, unless it is still running. So between New Year and the filing of the last quarter the year just past is
out (method 5: a year whose capex is unknown is left out and named beside the result), and what is required is too low for
those weeks; the row says which quarter is missing. Where a calendar-year company printed the year but not its quarters,
the printed year stands in. An unknown year is left out of the vintages and named, since a zero would make the spend look
small.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.capex.filed_periods import QUARTERS
from warehouse.marts.capex.measures import CAPEX, LEASES
from warehouse.marts.common.mart import Mart, Trace
from warehouse.marts.common.reasons import all_of, because
from warehouse.marts.common.scopes import COMPANIES
from warehouse.marts.common.select_current import admissible, select_current
from warehouse.tables.companies import TABLE as PANEL
from warehouse.tables.company_facts import TABLE as COMPANY_FACTS
from warehouse.tables.table import Check, Column, mart

TABLE = mart(
    "capex_vintages",
    "capital expenditure of each company of the group by calendar year, as known so far",
    [
        Column("ticker", "text", "ticker", required=True, allowed=COMPANIES),
        Column("year", "integer", "calendar year", "year", required=True),
        Column("capex_usd", "integer", "purchases of property and equipment; null where unknown", "USD", minimum=0),
        Column("finance_lease_principal_usd", "integer", "principal paid on finance leases; null where unknown", "USD"),
        Column("quarters_known", "integer", "quarters of the year with capex", "quarters", True, minimum=0, maximum=4),
        Column("is_running", "flag", "the year is not complete: it counts by the quarters known", required=True),
        Column("made_of", "text", "quarters or year", allowed=("quarters", "year")),
        Column("known_on", "date", "day on which the newest fact behind it became public"),
    ],
    key=("ticker", "year"),
    checks=(
        Check(
            "null_has_a_reason",
            "select * from {table} where capex_usd is null and reasons is null",
            "a year that is left out must be named",
        ),
    ),
)


def build(
    capex_quarterly: pl.DataFrame,
    company_facts: pl.DataFrame,
    companies: pl.DataFrame,
    *,
    as_of: date,
    assumptions: Assumptions,
) -> pl.DataFrame:
    """One row for each company and calendar year from the first vintage to the as-of year (method 5), USD."""
    years = pl.DataFrame(
        {"year": range(assumptions.integer("first_vintage"), as_of.year + 1)}, schema={"year": pl.Int64}
    )
    wanted = pl.DataFrame({"ticker": COMPANIES}).join(years, how="cross")
    of_quarter = pl.col("calendar_quarter").str.head(4).cast(pl.Int64)
    known = capex_quarterly.filter(pl.col("capex_usd").is_not_null())
    quarters = known.group_by("ticker", year=of_quarter).agg(
        quarters_known=pl.col("calendar_quarter").n_unique().cast(pl.Int64),
        known=pl.col("calendar_quarter").unique(),
        quarters_usd=pl.col("capex_usd").sum(),
        quarters_leases=_whole_sum("finance_lease_principal_usd"),
        quarters_known_on=pl.col("capex_known_on").max(),
        quarters_grade=pl.col("capex_grade").max(),
    )
    found = (
        wanted.join(quarters, on=["ticker", "year"], how="left")
        .join(_printed_years(company_facts, companies), on=["ticker", "year"], how="left")
        .with_columns(pl.col("quarters_known").fill_null(0), missing=_missing())
        .with_columns(is_running=(pl.col("year") == pl.col("year").max()) & (pl.col("quarters_known") < QUARTERS))
    )
    by_quarters = (pl.col("quarters_known") == QUARTERS) | (pl.col("is_running") & (pl.col("quarters_known") > 0))
    by_year = ~by_quarters & pl.col("year_usd").is_not_null()

    def either(quarterly: str, yearly: str) -> pl.Expr:
        return pl.when(by_quarters).then(pl.col(quarterly)).when(by_year).then(pl.col(yearly))

    return found.with_columns(
        capex_usd=either("quarters_usd", "year_usd"),
        finance_lease_principal_usd=either("quarters_leases", "year_leases"),
        made_of=pl.when(by_quarters).then(pl.lit("quarters")).when(by_year).then(pl.lit("year")),
        known_on=either("quarters_known_on", "year_known_on"),
        grade=either("quarters_grade", "year_grade"),
        reasons=all_of(
            pl.when(by_year)
            .then(because("year_as_printed"))
            .when(~by_quarters & pl.col("is_running"))
            .then(because("running_year_unknown", year=pl.col("year")))
            .when(~by_quarters & (pl.col("quarters_known") == 0))
            .then(because("year_unknown", year=pl.col("year")))
            .when(~by_quarters)
            .then(
                because(
                    "year_incomplete",
                    year=pl.col("year"),
                    quarters=pl.col("missing"),
                    quarters_known=pl.col("quarters_known"),
                )
            )
            .when("is_running")
            .then(because("running_year_so_far", year=pl.col("year"), quarters_known=pl.col("quarters_known")))
        ),
    ).select(name for name in TABLE.names if name != "reason")


def _missing() -> pl.Expr:
    """Quarters of the year without capex: `2024Q4`."""
    quarters = [pl.format("{}Q{}", "year", pl.lit(quarter)) for quarter in range(1, QUARTERS + 1)]
    known = pl.col("known").fill_null([])
    return pl.concat_list(pl.when(~known.list.contains(each)).then(each) for each in quarters).list.drop_nulls()


def _whole_sum(name: str) -> pl.Expr:
    """A sum that is null where a part is."""
    return pl.when(pl.col(name).is_not_null().all()).then(pl.col(name).sum())


def _printed_years(company_facts: pl.DataFrame, companies: pl.DataFrame) -> pl.DataFrame:
    """Years as printed by companies whose fiscal year is the calendar's."""
    calendar = (
        select_current(admissible(companies), PANEL).filter(pl.col("fiscal_year_end_month") == 12).select("ticker")
    )
    years = select_current(
        admissible(company_facts).filter(
            (pl.col("period_type") == "year") & pl.col("measure").is_in([CAPEX, LEASES]) & (pl.col("value_usd") >= 0)
        ),
        COMPANY_FACTS,
    ).join(calendar, on="ticker", how="semi")
    of = {
        measure: years.filter(pl.col("measure") == measure).select(
            "ticker", year="fiscal_year", usd="value_usd", known_on="known_on", grade="grade"
        )
        for measure in (CAPEX, LEASES)
    }
    return (
        of[CAPEX]
        .join(of[LEASES].select("ticker", "year", leases="usd"), on=["ticker", "year"], how="left")
        .select(
            "ticker",
            "year",
            year_usd="usd",
            year_leases="leases",
            year_known_on="known_on",
            year_grade="grade",
        )
    )


MART = Mart(
    table=TABLE,
    build=build,
    traces=(
        Trace(
            "marts.capex_quarterly",
            "m.made_of = 'quarters' and t.ticker = m.ticker and left(t.calendar_quarter, 4) = m.year::text "
            "and t.capex_usd is not null",
        ),
        Trace(
            "core.company_facts",
            f"m.made_of = 'year' and t.ticker = m.ticker and t.measure in ('{CAPEX}', '{LEASES}') "
            "and t.period_type = 'year' and t.fiscal_year = m.year and t.known_on <= m.known_on and t.grade <> 'D'",
        ),
    ),
)
