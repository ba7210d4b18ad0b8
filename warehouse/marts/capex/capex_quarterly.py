"""What each company spent in each quarter, with the figures to compare it with; from filings that print no such thing.

Three questions stand between filings and this table, each in a file of its own: which periods the filings give
(`filed_periods`), which of several figures of one thing counts (`current_facts`), and what a quarter's figure is where
only longer periods are printed (`quarters_by_difference`). Here the quarters of all measures are laid beside each other,
with their sums, their ratios and the facts behind them.
"""

from __future__ import annotations

from itertools import pairwise

import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.calendars.fiscal import calendar_quarter, fiscal_quarter, fiscal_year
from warehouse.marts.capex import lease_assets
from warehouse.marts.capex.consistency import Limits
from warehouse.marts.capex.current_facts import at_quarter_ends
from warehouse.marts.capex.filed_periods import (
    LONGEST,
    QUARTERS,
    SHORTEST,
    over_periods,
    quarter_ends,
    with_bounds,
    with_starts,
)
from warehouse.marts.capex.latest_quarters import with_latest
from warehouse.marts.capex.measures import (
    CAPEX,
    DEPRECIATION,
    DEPRECIATION_AND_AMORTIZATION,
    FLOWS,
    INSTANTS,
    KINDS_OF_DEPRECIATION,
    LEASE_ASSETS,
)
from warehouse.marts.capex.quarter_reasons import reasons_of
from warehouse.marts.capex.quarters_by_difference import quarters
from warehouse.marts.common.mart import Mart, Trace
from warehouse.marts.common.select_current import admissible, select_current
from warehouse.tables import sec_tags
from warehouse.tables.columns import TICKER
from warehouse.tables.companies import TABLE as COMPANIES
from warehouse.tables.formula import Formula
from warehouse.tables.guide import Guide
from warehouse.tables.table import FACT_IDS, GRADE_MEANINGS, Check, Column, mart

QUARTER = ["ticker", "end"]
DERIVATIONS = {
    "printed": "as a quarter",
    "derived": "a longer period less the shorter one from the same day",
    "derived_from_parts": "a longer period less its other parts",
}

FAR = 5
"""How many times a quarter's capex is below or above both its neighbours before it is a warning.

A judgement that decides nothing: it is the line of a warning, and the checks of a table are declared before any assumptions
are read. Of 110 quarters of seven companies in the packaged filings, 2021 to 2026, none is below 0.78 of its lower
neighbour or above 1.21 of its higher one. The fault that it looks for, Amazon's 0.8 billion, is twenty times below them.
"""

TABLE = mart(
    "capex_quarterly",
    "capital expenditure of each company by fiscal quarter, and the figures of the same quarter to compare it with",
    [
        TICKER,
        Column("period_end", "date", "last day of the fiscal quarter", required=True),
        Column("company", "text", "name of the company"),
        Column("fiscal_year", "integer", "fiscal year, named by the calendar year that it ends in", "year"),
        Column("fiscal_quarter", "integer", "fiscal quarter", minimum=1, maximum=4),
        Column("period_start", "date", "first day of the fiscal quarter"),
        Column("calendar_quarter", "text", "calendar quarter that holds the middle of the period", required=True),
        Column(
            "capex_usd",
            "real",
            "purchases of property and equipment in the quarter",
            "USD",
            minimum=0,
            formula=Formula(
                "purchases of property and equipment of the quarter: as a filing prints it, else a longer period "
                "less the shorter one from the same day",
                "year to date − year to date a quarter before",
                "9",
            ),
        ),
        Column(
            "capex_ttm_usd",
            "real",
            "capex of this quarter and the three before it",
            "USD",
            minimum=0,
            formula=Formula("the quarter and the three before it", "Σ capex of four quarters", "5"),
        ),
        Column("revenue_usd", "real", "revenue of the quarter", "USD", minimum=0),
        Column("operating_cash_flow_usd", "real", "cash from operating activities in the quarter", "USD"),
        Column("operating_income_usd", "real", "operating income of the quarter", "USD"),
        Column("net_income_usd", "real", "net income of the quarter", "USD"),
        Column("depreciation_usd", "real", "depreciation in the quarter, by `depreciation_measure`", "USD", minimum=0),
        Column(
            "depreciation_ttm_usd",
            "real",
            "depreciation of this quarter and the three before it",
            "USD",
            minimum=0,
            formula=Formula(
                "depreciation of the quarter and the three before it", "Σ depreciation of four quarters", "5"
            ),
        ),
        Column(
            "depreciation_measure",
            "text",
            "what the company's depreciation is",
            allowed={
                DEPRECIATION: "depreciation alone",
                DEPRECIATION_AND_AMORTIZATION: "with amortization, as it files no other by quarter",
            },
        ),
        Column("finance_lease_principal_usd", "real", "finance lease principal paid in the quarter", "USD", minimum=0),
        Column(
            "finance_lease_assets_usd",
            "real",
            "assets obtained under finance leases in the quarter, by `finance_lease_assets_derivation`",
            "USD",
            minimum=0,
        ),
        Column(
            "finance_lease_assets_derivation",
            "text",
            "how the quarter's leased assets came about",
            allowed=DERIVATIONS
            | {
                "spread_over_year": "what the year's filing gives, less the known quarters, in proportion to cash capex"
            },
        ),
        Column(
            "capex_with_leases_usd",
            "real",
            "capex and assets obtained under finance leases",
            "USD",
            minimum=0,
            formula=Formula(
                "capex and assets obtained under finance leases", "{capex_usd} + {finance_lease_assets_usd}", "5"
            ),
        ),
        Column("property_and_equipment_net_usd", "real", "net property and equipment at the quarter's end", "USD"),
        Column("property_and_equipment_gross_usd", "real", "gross property and equipment at the quarter's end", "USD"),
        Column("remaining_performance_obligation_usd", "real", "contracted backlog at the quarter's end", "USD"),
        Column(
            "capex_to_revenue",
            "real",
            "capex over revenue",
            "share",
            minimum=0,
            formula=Formula("capex over revenue of the same quarter", "{capex_usd} / {revenue_usd}", "5"),
        ),
        Column(
            "capex_to_operating_cash_flow",
            "real",
            "capex over operating cash flow",
            "share",
            minimum=0,
            formula=Formula(
                "capex over operating cash flow of the same quarter", "{capex_usd} / {operating_cash_flow_usd}", "5"
            ),
        ),
        Column(
            "capex_with_leases_to_revenue",
            "real",
            "capex and leased assets obtained over revenue",
            "share",
            minimum=0,
            formula=Formula("capex and leased assets over revenue", "{capex_with_leases_usd} / {revenue_usd}", "5"),
        ),
        Column(
            "capex_with_leases_to_operating_cash_flow",
            "real",
            "capex and leased assets obtained over operating cash flow",
            "share",
            minimum=0,
            formula=Formula(
                "capex and leased assets over operating cash flow",
                "{capex_with_leases_usd} / {operating_cash_flow_usd}",
                "5",
            ),
        ),
        Column(
            "depreciation_to_revenue",
            "real",
            "depreciation over revenue",
            "share",
            minimum=0,
            formula=Formula("depreciation over revenue", "{depreciation_usd} / {revenue_usd}", "5"),
        ),
        Column(
            "implied_life_years",
            "real",
            "gross property over four quarters' depreciation",
            "years",
            minimum=0,
            formula=Formula(
                "gross property over a year's depreciation",
                "{property_and_equipment_gross_usd} / {depreciation_ttm_usd}",
                "5",
            ),
        ),
        Column("capex_tag", "text", "tag that capex is filed under; empty where a release or page was read"),
        Column(
            "capex_derivation",
            "text",
            "how the quarter's capex came about",
            allowed=DERIVATIONS,
        ),
        Column("capex_accession", "text", "filing of the printed quarter or of the longer period; empty for a page"),
        Column("capex_grade", "text", "weakest grade of the facts behind the quarter's capex", allowed=GRADE_MEANINGS),
        Column("capex_known_on", "date", "day on which the quarter's capex, as it stands here, was public"),
        Column(
            "capex_fact_ids", "texts", "the facts behind the quarter's capex, by the `fact_id` that they have in core"
        ),
        Column("leases_grade", "text", "weakest grade of the facts behind the leased assets", allowed=GRADE_MEANINGS),
        Column("leases_known_on", "date", "day on which the leased assets, as they stand here, were public"),
        Column(
            "leases_fact_ids", "texts", "the facts behind the leased assets, by the `fact_id` that they have in core"
        ),
        FACT_IDS,
        Column("known_on", "date", "day by which every figure of the row was public"),
    ],
    key=("ticker", "period_end"),
    checks=(
        Check(
            "one_row_a_calendar_quarter",
            "select ticker, calendar_quarter, count(*) as quarters from {table} group by all having count(*) > 1",
            "two fiscal quarters of a company in one calendar quarter (its fiscal year moved) are hard to compare",
            severity="warning",
            columns=("ticker", "calendar_quarter"),
        ),
        Check(
            "four_quarters_make_the_sum",
            "select a.* from {table} a where a.capex_ttm_usd is not null and not exists (select 1 from {table} b "
            "where b.ticker = a.ticker and b.period_end between a.period_end - 300 and a.period_end "
            "having count(b.capex_usd) = 4 and abs(sum(b.capex_usd) - a.capex_ttm_usd) < 1)",
            "a sum over a gap or over five quarters looks like a rise or a fall of spending",
        ),
        Check(
            "unknown_has_a_reason",
            "select * from {table} where reasons is null and (capex_usd is null or capex_ttm_usd is null "
            "or revenue_usd is null or operating_cash_flow_usd is null or depreciation_usd is null)",
            "a figure that is missing without a word reads as if the company had not filed it",
        ),
        Check(
            "known_after_the_quarter",
            "select * from {table} where known_on <= period_end",
            "a figure cannot have been public before its quarter was over",
        ),
        Check(
            "capex_does_not_collapse",
            "select * from (select *, lag(capex_usd) over w as before_usd, lead(capex_usd) over w as after_usd "
            "from {table} window w as (partition by ticker order by period_end)) "
            f"where {FAR} * capex_usd < least(before_usd, after_usd) or capex_usd > {FAR} * greatest(before_usd, after_usd)",
            "a quarter far from both its neighbours looks like a difference of two series (Amazon's 0.8 billion)",
            severity="warning",
            columns=("ticker", "period_end", "capex_usd"),
        ),
    ),
    guide=Guide(
        "One row for each company and fiscal quarter.",
        "capex_ttm_usd or depreciation_ttm_usd: they hold four quarters already. Whole years stand in capex_by_year.",
        {
            "What did each buyer spend in the newest quarter?": "select ticker, calendar_quarter, capex_usd, "
            "capex_to_operating_cash_flow from capex_quarterly where capex_usd is not null qualify row_number() over "
            "(partition by ticker order by period_end desc) = 1",
            "Which quarters are differences of longer periods?": "select ticker, calendar_quarter, capex_derivation from "
            "capex_quarterly where capex_derivation <> 'printed' order by all",
            "How long would equipment live by its depreciation?": "select ticker, calendar_quarter, implied_life_years "
            "from capex_quarterly where implied_life_years is not null order by all",
        },
    ),
)


def build(
    company_facts: pl.DataFrame, companies: pl.DataFrame, quarantined: pl.DataFrame, *, assumptions: Assumptions
) -> pl.DataFrame:
    """One row for each company and fiscal quarter that a figure over a period ends with (USD, shares, years).

    A figure that the facts do not give is null, and `reason` says which and why.
    """
    facts = with_bounds(admissible(company_facts).filter(sec_tags.in_use()))
    flows = over_periods(facts)
    worked_out = quarters(flows, Limits.of(assumptions))
    kept, measure_of_depreciation = _one_depreciation(worked_out.found)
    panel = select_current(admissible(companies), COMPANIES).select("ticker", "company", "fiscal_year_end_month")
    rows = (
        quarter_ends(facts, flows)
        .join(panel, on="ticker", how="left")
        .join(measure_of_depreciation, on="ticker", how="left")
        .with_columns(
            fiscal_year=pl.coalesce("own_fiscal_year", fiscal_year()),
            fiscal_quarter=pl.coalesce("own_fiscal_quarter", fiscal_quarter()),
        )
    )
    at_end = at_quarter_ends(facts, rows)
    for measure, column in FLOWS.items():
        rows = _beside(rows, kept, measure, column)
    for measure, column in INSTANTS.items():
        rows = _beside(rows, at_end, measure, column)
    rows = rows.join(_of_capex(kept), on=QUARTER, how="left")
    over_year = lease_assets.spread(rows, kept, flows, worked_out.fallen)
    rows = _with_leases(rows, kept, over_year)
    rows = with_starts(rows, flows).with_columns(
        calendar_quarter=calendar_quarter("assumed_start"),
        capex_ttm_usd=_four_quarters("capex_usd"),
        depreciation_ttm_usd=_four_quarters("depreciation_usd"),
    )
    rows = _ratios(rows)
    behind = _behind(rows, kept, at_end, over_year)
    reasons = reasons_of(rows, worked_out.used, worked_out.fallen, quarantined)
    whole = rows.join(behind, on=QUARTER, how="left").join(reasons, on=QUARTER, how="left")
    return with_latest(whole.select(name for name in TABLE.names if name in whole.columns), panel)


def _one_depreciation(found: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """`found` with one measure of depreciation a company, called depreciation, and which one that is.

    Depreciation alone, unless the company files it by quarter less than half as often as with amortization. Half is a
    judgement, and nothing hangs on it: in the packaged filings of 2022 to 2026 a company gives depreciation alone in every
    such quarter (Alphabet, Meta, Microsoft) or in none (Amazon, Apple, Nvidia, which state it once a year).
    """
    kinds = KINDS_OF_DEPRECIATION
    alone, both = ((pl.col("measure") == kind).sum() for kind in kinds)
    chosen = (
        found.filter(pl.col("measure").is_in(kinds))
        .group_by("ticker")
        .agg(depreciation_measure=pl.when(2 * alone >= both).then(pl.lit(kinds[0])).otherwise(pl.lit(kinds[1])))
    )
    is_other = pl.col("measure").is_in(kinds) & (pl.col("measure") != pl.col("depreciation_measure"))
    kept = (
        found.join(chosen, on="ticker", how="left")
        .filter(~is_other.fill_null(False))
        .with_columns(pl.col("measure").replace(DEPRECIATION_AND_AMORTIZATION, DEPRECIATION))
        .drop("depreciation_measure")
    )
    return kept, chosen


# ---- Rows ------------------------------------------------------------------------------------------------------------


def _beside(rows: pl.DataFrame, found: pl.DataFrame, measure: str, column: str) -> pl.DataFrame:
    """`rows` with the figure of `measure` as `column`, and the first day of its period."""
    one = found.filter(pl.col("measure") == measure).select(
        *QUARTER, pl.col("value_usd").alias(column), pl.col("period_start").alias(f"{column}_start")
    )
    return rows.join(one, on=QUARTER, how="left")


def _derivation() -> pl.Expr:
    return (
        pl.when(~pl.col("is_derived"))
        .then(pl.lit("printed"))
        .when(pl.col("roundabout") == 0)
        .then(pl.lit("derived"))
        .otherwise(pl.lit("derived_from_parts"))
    )


def _with_leases(rows: pl.DataFrame, kept: pl.DataFrame, over_year: pl.DataFrame) -> pl.DataFrame:
    """`rows` with the leased assets of each quarter, its own or its part of the year's, and what is behind them."""
    own = kept.filter(pl.col("measure") == LEASE_ASSETS).with_columns(how=_derivation())
    both = pl.concat([own, over_year.with_columns(how=pl.lit("spread_over_year"))], how="diagonal_relaxed").select(
        "ticker",
        "end",
        lease_usd="value_usd",
        finance_lease_assets_derivation="how",
        leases_grade="grade",
        leases_known_on="known_on",
        leases_fact_ids="fact_ids",
    )
    column = FLOWS[LEASE_ASSETS]
    joined = rows.join(both, on=QUARTER, how="left")
    return joined.with_columns(pl.coalesce(column, "lease_usd").alias(column))


def _of_capex(kept: pl.DataFrame) -> pl.DataFrame:
    """How each quarter's capex came about."""
    return kept.filter(pl.col("measure") == CAPEX).select(
        "ticker",
        "end",
        capex_tag="tag",
        capex_derivation=_derivation(),
        capex_accession="accession",
        capex_grade="grade",
        capex_known_on="known_on",
        capex_fact_ids="fact_ids",
    )


def _four_quarters(column: str) -> pl.Expr:
    """Sum of this and the three quarters before it; null where one of them is missing. Rows are sorted by quarter."""
    last = [pl.col(column).shift(n).over("ticker") for n in range(QUARTERS)]
    return pl.when(_are_running()).then(pl.sum_horizontal(last, ignore_nulls=False))


def _are_running() -> pl.Expr:
    """Whether the three rows before a row end a quarter apart each."""
    ends = [pl.col("end").shift(n).over("ticker") for n in range(QUARTERS)]
    gaps = [later - earlier for later, earlier in pairwise(ends)]
    return pl.all_horizontal(gap.is_between(SHORTEST, LONGEST) for gap in gaps)


def _ratios(rows: pl.DataFrame) -> pl.DataFrame:
    def over(above: str, below: str) -> pl.Expr:
        return pl.when(pl.col(below) > 0).then(pl.col(above) / pl.col(below))

    return rows.with_columns(
        capex_with_leases_usd=pl.col("capex_usd") + pl.col("finance_lease_assets_usd"),
    ).with_columns(
        capex_with_leases_to_revenue=over("capex_with_leases_usd", "revenue_usd"),
        capex_with_leases_to_operating_cash_flow=over("capex_with_leases_usd", "operating_cash_flow_usd"),
        capex_to_revenue=over("capex_usd", "revenue_usd"),
        capex_to_operating_cash_flow=over("capex_usd", "operating_cash_flow_usd"),
        depreciation_to_revenue=over("depreciation_usd", "revenue_usd"),
        implied_life_years=over("property_and_equipment_gross_usd", "depreciation_ttm_usd"),
    )


def _behind(rows: pl.DataFrame, kept: pl.DataFrame, at_end: pl.DataFrame, over_year: pl.DataFrame) -> pl.DataFrame:
    """The facts behind all figures of each row: their ids, weakest grade and last day."""
    names = [*QUARTER, "grade", "known_on", "fact_ids"]
    before = pl.concat_list(pl.col("end").shift(n).over("ticker") for n in range(1, QUARTERS))
    earlier = rows.sort(QUARTER).select(*QUARTER, "capex_ttm_usd", "depreciation_ttm_usd", earlier_end=before)
    sums = [
        earlier.filter(pl.col(total).is_not_null())
        .explode("earlier_end", empty_as_null=False, keep_nulls=False)
        .join(
            kept.filter(pl.col("measure") == measure).rename({"end": "earlier_end"}).drop("begin"),
            on=["ticker", "earlier_end"],
        )
        for measure, total in ((CAPEX, "capex_ttm_usd"), (DEPRECIATION, "depreciation_ttm_usd"))
    ]
    return (
        pl.concat([frame.select(names) for frame in (kept, at_end, over_year, *sums)])
        .explode("fact_ids", empty_as_null=False, keep_nulls=False)
        .group_by(QUARTER)
        .agg(pl.col("grade", "known_on").max(), pl.col("fact_ids").unique().sort())
    )


MART = Mart(
    table=TABLE,
    build=build,
    traces=(Trace("core.company_facts", ids="fact_ids"), Trace("core.companies", "t.ticker = m.ticker")),
)
