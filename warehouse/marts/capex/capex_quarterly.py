"""What each company spent in each quarter, with the figures to compare it with; from filings that print no such thing.

A 10-Q gives cash flows since the start of the fiscal year, and the fourth quarter stands in the annual report alone, so
a quarter is mostly a difference of two periods that start on the same day. What makes a difference wrong decides how it
is taken here:

- Two tags are two series. A difference across them is a number that no company ever spent (a public page shows Amazon's
  39.5 billion as 0.8 that way). So quarters are worked out within each tag and only then stitched, one by one; a
  quarter whose two periods are filed under different tags stays unknown until a later filing repeats them under one.
  Where one day's filings give a quarter under two tags, the declared order of the tags decides.
- Restatements come in steps: a company restates its first quarter a year later, its half year a quarter after that.
  Both figures of a difference are therefore taken on one basis: the longer period as last known, the shorter as it was
  known on the day that the longer was filed.
- Labels lie. Comparatives repeat a period under the next year's label and years of 52 or 53 weeks start and end on
  different days, so a period is known by the months that its ends lie nearest to, never by what its filing is called.

Where better facts leave no shorter period to take off (a results release prints a half year and its second quarter),
the other parts of the longer period are taken off instead.
"""

from __future__ import annotations

from datetime import date
from functools import cache
from itertools import product

import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.calendars.fiscal import calendar_quarter, fiscal_quarter, fiscal_year
from warehouse.marts.common.mart import Mart, Trace
from warehouse.marts.common.select_current import admissible, select_current
from warehouse.tables import sec_tags
from warehouse.tables.companies import TABLE as COMPANIES
from warehouse.tables.company_facts import TABLE as COMPANY_FACTS
from warehouse.tables.table import GRADES, Check, Column, mart

CAPEX, LEASES = "purchases_of_property_and_equipment", "finance_lease_principal"
DEPRECIATION, DEPRECIATION_AND_AMORTIZATION = "depreciation", "depreciation_and_amortization"
KINDS_OF_DEPRECIATION = (DEPRECIATION, DEPRECIATION_AND_AMORTIZATION)
# Measure -> column of the mart and words for it. Those over a period, in the order in which they lend a row its dates.
FLOWS = {
    CAPEX: ("capex_usd", "capex"),
    "revenue": ("revenue_usd", "revenue"),
    "operating_cash_flow": ("operating_cash_flow_usd", "operating cash flow"),
    "operating_income": ("operating_income_usd", "operating income"),
    "net_income": ("net_income_usd", "net income"),
    DEPRECIATION: ("depreciation_usd", "depreciation"),
    LEASES: ("finance_lease_principal_usd", "finance lease principal"),
}
INSTANTS = {
    "property_and_equipment_net": ("property_and_equipment_net_usd", "net property"),
    "property_and_equipment_gross": ("property_and_equipment_gross_usd", "gross property"),
    "remaining_performance_obligation": ("remaining_performance_obligation_usd", "backlog"),
}
# A quarter of these below zero comes of two periods that do not belong together.
NEVER_NEGATIVE = (CAPEX, "revenue", DEPRECIATION, DEPRECIATION_AND_AMORTIZATION, LEASES)

MONTHS, QUARTERS = 3, 4  # of a quarter, of a year
NEAREST = 10  # days: a fiscal period ends at most so long after the end of the month that it is named by
QUARTER_DAYS = 91
OFF_SCALE = 10
"""What was paid since the year began cannot be this many times less than three months ago: it was filed in thousands."""

SEPARATOR = "; "
# One line a fact behind a figure; `trace` compares it with the same line made of a row of core.
_LINE = "{}|{}|{}|{}|{}|{}|{}"
_LINE_SQL = (
    "concat_ws('|', t.measure, t.tag, coalesce(cast(t.period_start as varchar), 'at'), t.period_end, t.known_on, "
    "t.grade, t.accession)"
)

TABLE = mart(
    "capex_quarterly",
    "capital expenditure of each company by fiscal quarter, and the figures of the same quarter to compare it with",
    [
        Column("ticker", "text", "ticker of the company", required=True),
        Column("period_end", "date", "last day of the fiscal quarter", required=True),
        Column("company", "text", "name of the company"),
        Column("fiscal_year", "integer", "fiscal year, named by the calendar year that it ends in", "year"),
        Column("fiscal_quarter", "integer", "fiscal quarter", minimum=1, maximum=4),
        Column("period_start", "date", "first day of the fiscal quarter"),
        Column("calendar_quarter", "text", "calendar quarter that holds the middle of the period", required=True),
        Column("capex_usd", "real", "purchases of property and equipment in the quarter", "USD", minimum=0),
        Column("capex_ttm_usd", "real", "the same, this quarter and the three before it", "USD", minimum=0),
        Column("revenue_usd", "real", "revenue of the quarter", "USD", minimum=0),
        Column("operating_cash_flow_usd", "real", "cash from operating activities in the quarter", "USD"),
        Column("operating_income_usd", "real", "operating income of the quarter", "USD"),
        Column("net_income_usd", "real", "net income of the quarter", "USD"),
        Column("depreciation_usd", "real", "depreciation in the quarter, by `depreciation_measure`", "USD", minimum=0),
        Column("depreciation_ttm_usd", "real", "the same, this quarter and the three before it", "USD", minimum=0),
        Column(
            "depreciation_measure",
            "text",
            "what the company's depreciation is: alone, or with amortization where it files no other by quarter",
            allowed=(DEPRECIATION, DEPRECIATION_AND_AMORTIZATION),
        ),
        Column("finance_lease_principal_usd", "real", "finance lease principal paid in the quarter", "USD", minimum=0),
        Column("capex_with_leases_usd", "real", "capex and finance lease principal", "USD", minimum=0),
        Column("property_and_equipment_net_usd", "real", "net property and equipment at the quarter's end", "USD"),
        Column("property_and_equipment_gross_usd", "real", "gross property and equipment at the quarter's end", "USD"),
        Column("remaining_performance_obligation_usd", "real", "contracted backlog at the quarter's end", "USD"),
        Column("capex_to_revenue", "real", "capex over revenue", "share", minimum=0),
        Column("capex_to_operating_cash_flow", "real", "capex over operating cash flow", "share", minimum=0),
        Column(
            "capex_with_leases_to_revenue", "real", "capex and finance lease principal over revenue", "share", minimum=0
        ),
        Column(
            "capex_with_leases_to_operating_cash_flow",
            "real",
            "capex and finance lease principal over operating cash flow",
            "share",
            minimum=0,
        ),
        Column("depreciation_to_revenue", "real", "depreciation over revenue", "share", minimum=0),
        Column("implied_life_years", "real", "gross property over four quarters' depreciation", "years", minimum=0),
        Column("capex_tag", "text", "tag that capex is filed under; empty where a release or page was read"),
        Column(
            "capex_derivation",
            "text",
            "printed as a quarter; a longer period less the shorter one from the same day; or less its other parts",
            allowed=("printed", "derived", "derived_from_parts"),
        ),
        Column("capex_accession", "text", "filing of the printed quarter or of the longer period; empty for a page"),
        Column("capex_grade", "text", "weakest grade of the facts behind the quarter's capex", allowed=GRADES),
        Column("capex_known_on", "date", "day on which the quarter's capex, as it stands here, was public"),
        Column(
            "capex_inputs",
            "text",
            "facts behind the quarter's capex: measure, tag, start, end, known on, grade, accession; `; ` between them",
        ),
        Column("leases_grade", "text", "weakest grade of the facts behind the lease principal", allowed=GRADES),
        Column("leases_known_on", "date", "day on which the lease principal, as it stands here, was public"),
        Column(
            "inputs",
            "text",
            "facts behind all figures of the row, the sums of four quarters included; as in `capex_inputs`",
        ),
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
            "select * from {table} where reason is null and (capex_usd is null or capex_ttm_usd is null "
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
            "where capex_usd < 0.2 * least(before_usd, after_usd) or capex_usd > 5 * greatest(before_usd, after_usd)",
            "a quarter far from both its neighbours looks like a difference of two series (Amazon's 0.8 billion)",
            severity="warning",
            columns=("ticker", "period_end", "capex_usd"),
        ),
    ),
)


def build(
    company_facts: pl.DataFrame, companies: pl.DataFrame, *, as_of: date, assumptions: Assumptions
) -> pl.DataFrame:
    """One row for each company and fiscal quarter that a figure over a period ends with (USD, shares, years).

    A figure that the facts do not give is null, and `reason` says which and why.
    """
    facts = _with_months(admissible(company_facts).filter(sec_tags.in_use()))
    flows = _over_periods(facts)
    found = quarters(flows)
    kept, measure_of_depreciation = _one_depreciation(found)
    panel = select_current(admissible(companies), COMPANIES).select("ticker", "company", "fiscal_year_end_month")
    rows = (
        _ends(flows)
        .join(panel, on="ticker", how="left")
        .join(measure_of_depreciation, on="ticker", how="left")
        .with_columns(
            fiscal_year=pl.coalesce(fiscal_year(), "own_fiscal_year"),
            fiscal_quarter=pl.coalesce(fiscal_quarter(), "own_fiscal_quarter"),
        )
    )
    at_end = _at_ends(facts, rows)
    for measure, (column, _) in FLOWS.items():
        rows = _beside(rows, kept, measure, column)
    for measure, (column, _) in INSTANTS.items():
        rows = _beside(rows, at_end, measure, column)
    leases = kept.filter(pl.col("measure") == LEASES).select(
        "ticker", "end_month", leases_grade="grade", leases_known_on="known_on"
    )
    rows = rows.join(_of_capex(kept), on=["ticker", "end_month"], how="left")
    rows = rows.join(leases, on=["ticker", "end_month"], how="left")
    rows = _starts(rows, flows).with_columns(
        calendar_quarter=calendar_quarter("assumed_start"),
        capex_ttm_usd=_four_quarters("capex_usd"),
        depreciation_ttm_usd=_four_quarters("depreciation_usd"),
    )
    rows = _ratios(rows)
    behind = _behind(rows, kept, at_end)
    reasons = _reasons(rows, flows)
    whole = rows.join(behind, on=["ticker", "end_month"], how="left").join(
        reasons, on=["ticker", "end_month"], how="left"
    )
    return whole.select(name for name in TABLE.names if name in whole.columns)


# ---- Periods ---------------------------------------------------------------------------------------------------------


def _nearest_month(day: pl.Expr) -> pl.Expr:
    """Number of the month whose end a boundary of a fiscal period lies nearest to (years of 52 or 53 weeks wander)."""
    inside = day.dt.offset_by(f"-{NEAREST}d")
    return inside.dt.year().cast(pl.Int64) * 12 + inside.dt.month().cast(pl.Int64)


def _with_months(facts: pl.DataFrame) -> pl.DataFrame:
    """`facts` with the month that each period ends with, the one that it starts after, and the trace's line."""
    start = pl.col("period_start")
    return facts.with_columns(
        end_month=_nearest_month(pl.col("period_end")),
        start_month=_nearest_month(start.dt.offset_by("-1d")),
        line=pl.format(
            _LINE,
            "measure",
            "tag",
            start.cast(pl.String).fill_null("at"),
            pl.col("period_end").cast(pl.String),
            pl.col("known_on").cast(pl.String),
            "grade",
            "accession",
        ),
    )


def _over_periods(facts: pl.DataFrame) -> pl.DataFrame:
    """Figures over one to four whole quarters, with their number of quarters."""
    months = pl.col("end_month") - pl.col("start_month")
    return facts.filter(
        pl.col("measure").is_in([*FLOWS, DEPRECIATION_AND_AMORTIZATION])
        & months.is_in([MONTHS * n for n in range(1, QUARTERS + 1)])
    ).with_columns(quarters=months // MONTHS)


def _ends(flows: pl.DataFrame) -> pl.DataFrame:
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


def _starts(rows: pl.DataFrame, flows: pl.DataFrame) -> pl.DataFrame:
    """First day of each quarter: of its figures, else the day after the one before; `assumed_start` is never null."""
    before = rows.select("ticker", pl.col("end_month") + MONTHS, after_last=_day_after("period_end"))
    begun = flows.group_by("ticker", end_month=pl.col("start_month") + MONTHS).agg(begun=pl.col("period_start").max())
    own = [f"{column}_start" for column, _ in FLOWS.values()]
    return (
        rows.join(before, on=["ticker", "end_month"], how="left")
        .join(begun, on=["ticker", "end_month"], how="left")
        .with_columns(period_start=pl.coalesce(*own, "after_last", "begun"))
        .with_columns(assumed_start=pl.coalesce("period_start", pl.col("period_end").dt.offset_by(f"-{QUARTER_DAYS}d")))
        .sort("ticker", "end_month")
    )


# ---- Quarters --------------------------------------------------------------------------------------------------------

_SERIES = ["ticker", "measure", "tag"]
# The best row of one thing first (method 7), and the same one whatever the order in which rows arrive.
_BEST = {
    "grade": False, "known_on": True, "loaded_at": True, "document_sha256": False, "locator": False,
    "accession": False, "form": False, "citation": False, "value_usd": False,
}  # fmt: skip
# The place of a row's tag in the order of preference.
_LISTED = {f"tag_place_{n}": False for n in range(len(COMPANY_FACTS.listed))}


def _places() -> list[pl.Expr]:
    return [each.expr.alias(name) for name, each in zip(_LISTED, COMPANY_FACTS.listed, strict=True)]


@cache
def _recipes() -> pl.DataFrame:
    """How a longer period gives one of its quarters: the parts to take off, as numbers of quarters from its start.

    A period of `quarters` gives the quarter number `at` (from 0) when all `parts` of a `recipe` are taken off, one row
    a part. `to_date` marks the usual one: a period less the shorter period from the same day.
    """
    rows: list[dict[str, int | bool]] = []
    recipe = 0
    for long in range(2, QUARTERS + 1):
        for at in range(long):
            for before, after in product(_tilings(0, at), _tilings(at + 1, long)):
                parts = (*before, *after)
                of_recipe = {"quarters": long, "recipe": recipe, "at": at, "parts": len(parts)}
                to_date = at == long - 1 and len(parts) == 1
                rows += [of_recipe | {"to_date": to_date, "part_from": begin, "part_to": end} for begin, end in parts]
                recipe += 1
    return pl.DataFrame(rows)


def _tilings(begin: int, end: int) -> list[tuple[tuple[int, int], ...]]:
    """All ways to lay the quarters from `begin` to `end` out in consecutive parts."""
    if begin == end:
        return [()]
    return [((begin, cut), *rest) for cut in range(begin + 1, end + 1) for rest in _tilings(cut, end)]


def quarters(flows: pl.DataFrame) -> pl.DataFrame:
    """The figure of each company, measure and quarter (`end_month`) in USD, with its first day, grade and facts.

    Best grade first. Among equals a figure made of one grade, printed or as the difference of two periods from the same
    day, goes before one from other parts; then the one known last, the tag that the list names first (what a later filing
    repeats under another tag is a restatement), and the printed one. `flows` are facts with `quarters`, `start_month`,
    `end_month` and `line`.
    """
    # Both figures of a difference come from facts of one grade where that is possible, so each grade is tried alone.
    grades = sorted(flows["grade"].unique())
    bases = [flows.filter(pl.col("grade") == grade) for grade in grades]
    if len(bases) != 1:
        bases.append(flows)
    possible = pl.concat([candidates for basis in bases for candidates in (_printed(basis), _derived(basis))])
    sensible = possible.filter((pl.col("value_usd") >= 0) | ~pl.col("measure").is_in(NEVER_NEGATIVE))
    order = {
        "grade": False, "mixed": False, "roundabout": False, "known_on": True, **_LISTED, "is_derived": False,
        "lines": False,
    }  # fmt: skip
    return (
        sensible.with_columns(_places())
        .sort(list(order), descending=list(order.values()), maintain_order=True)
        .unique(["ticker", "measure", "end_month"], keep="first", maintain_order=True)
    )


def _last_known(basis: pl.DataFrame) -> pl.DataFrame:
    """One row for each tag and period: best grade, then known last."""
    return basis.sort(list(_BEST), descending=list(_BEST.values()), maintain_order=True).unique(
        [*_SERIES, "start_month", "end_month"], keep="first", maintain_order=True
    )


def _printed(basis: pl.DataFrame) -> pl.DataFrame:
    return _last_known(basis.filter(pl.col("quarters") == 1)).select(
        *_SERIES,
        "end_month",
        "value_usd",
        "period_start",
        "grade",
        "known_on",
        "accession",
        lines="line",
        mixed=pl.lit(False),
        roundabout=pl.lit(0, dtype=pl.Int64),
        is_derived=pl.lit(False),
    )


def _derived(basis: pl.DataFrame) -> pl.DataFrame:
    """Quarters as a longer period, as last known, less its other parts as they were known on the day it was filed."""
    longer = _last_known(basis.filter(pl.col("quarters") > 1)).select(
        *_SERIES, "quarters", "start_month", "period_start", "period_end", "value_usd", "grade", "known_on",
        "accession", "line",
    )  # fmt: skip
    of_part = [*_BEST, "period_start", "period_end", "start_month", "end_month", "line"]
    parts = _on_scale(basis).select(*_SERIES, pl.col(of_part).name.prefix("part_"))
    is_shifted = ((pl.col("part_from") == 0) & (pl.col("part_period_start") != pl.col("period_start"))) | (
        (pl.col("part_to") == pl.col("quarters")) & (pl.col("part_period_end") != pl.col("period_end"))
    )
    # Of two rows of a part the one that starts or ends on the very day of the longer period goes first.
    best = {"part_grade": False, "is_shifted": False} | {f"part_{name}": down for name, down in _BEST.items()}
    taken_off = (
        longer.join(_recipes(), on="quarters")
        .with_columns(
            part_start_month=pl.col("start_month") + MONTHS * pl.col("part_from"),
            part_end_month=pl.col("start_month") + MONTHS * pl.col("part_to"),
        )
        .join(parts, on=[*_SERIES, "part_start_month", "part_end_month"])
        .filter(pl.col("part_known_on") <= pl.col("known_on"))
        .with_columns(is_shifted=is_shifted)
        .sort(list(best), descending=list(best.values()), maintain_order=True)
        .unique([*_SERIES, "start_month", "recipe", "part_from"], keep="first", maintain_order=True)
        .sort("part_from", maintain_order=True)
    )
    whole = taken_off.group_by(*_SERIES, "start_month", "recipe").agg(
        pl.len().alias("found"),
        pl.col("parts", "at", "to_date", "value_usd", "grade", "known_on", "accession", "line", "period_start").first(),
        off_usd=pl.col("part_value_usd").sum(),
        weakest_part=pl.col("part_grade").max(),
        best_part=pl.col("part_grade").min(),
        part_before_ends=pl.col("part_period_end").filter(pl.col("part_to") == pl.col("at")).first(),
        part_lines=pl.col("part_line").str.join(SEPARATOR),
    )
    return whole.filter(pl.col("found") == pl.col("parts")).select(
        *_SERIES,
        end_month=pl.col("start_month") + MONTHS * (pl.col("at") + 1),
        value_usd=pl.col("value_usd") - pl.col("off_usd"),
        period_start=pl.when(pl.col("at") == 0).then("period_start").otherwise(_day_after("part_before_ends")),
        grade=pl.max_horizontal("grade", "weakest_part"),
        known_on="known_on",
        accession="accession",
        lines=pl.concat_str("line", "part_lines", separator=SEPARATOR),
        mixed=(pl.col("weakest_part") != pl.col("grade")) | (pl.col("best_part") != pl.col("grade")),
        roundabout=pl.when("to_date").then(0).otherwise("parts").cast(pl.Int64),
        is_derived=pl.lit(True),
    )


def _on_scale(basis: pl.DataFrame) -> pl.DataFrame:
    """Periods that may be taken off: not those far below a shorter one from the same day, as known when they were filed.

    Of such two the quarter between them is below zero and unknown; the wrong one would spoil the next quarter as well.
    """
    year = [*_SERIES, "start_month"]
    period = [*year, "end_month", "known_on", "value_usd"]
    is_low = pl.col("value_usd") * OFF_SCALE < pl.col("value_usd").max().over(year)
    low = basis.filter(is_low & (pl.col("quarters") > 1) & pl.col("measure").is_in(NEVER_NEGATIVE)).select(period)
    if low.is_empty():
        return basis
    of_short = {f"short_{name}": pl.col(name) for name in ("end_month", "known_on", "value_usd")}
    off_scale = (
        low.unique()
        .join(basis.select(*year, **of_short), on=year)
        .filter((pl.col("short_end_month") < pl.col("end_month")) & (pl.col("short_known_on") <= pl.col("known_on")))
        .filter(pl.col("short_known_on") == pl.col("short_known_on").max().over(*period, "short_end_month"))
        .filter(pl.col("value_usd") * OFF_SCALE < pl.col("short_value_usd"))
    )
    return basis.join(off_scale, on=period, how="anti", maintain_order="left")


def _day_after(column: str) -> pl.Expr:
    return pl.col(column).dt.offset_by("1d")


def _one_depreciation(found: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """`found` with one measure of depreciation a company, called depreciation, and which one that is.

    Depreciation alone, unless the company files it by quarter less than half as often as with amortization.
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


def _at_ends(facts: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Figures at the ends of the quarters: best grade, on that very day, known last, under the tag listed first."""
    at = facts.filter(pl.col("measure").is_in(list(INSTANTS)) & pl.col("period_start").is_null())
    best = {"grade": False, "is_away": False, "known_on": True} | _LISTED | _BEST
    return (
        at.join(rows.select("ticker", "end_month", quarter_end="period_end"), on=["ticker", "end_month"])
        .with_columns(*_places(), is_away=pl.col("period_end") != pl.col("quarter_end"))
        .sort(list(best), descending=list(best.values()), maintain_order=True)
        .unique(["ticker", "measure", "end_month"], keep="first", maintain_order=True)
        .select(*_SERIES, "end_month", "value_usd", "period_start", "grade", "known_on", lines="line")
    )


# ---- Rows ------------------------------------------------------------------------------------------------------------


def _beside(rows: pl.DataFrame, found: pl.DataFrame, measure: str, column: str) -> pl.DataFrame:
    """`rows` with the figure of `measure` as `column`, and the first day of its period."""
    one = found.filter(pl.col("measure") == measure).select(
        "ticker", "end_month", pl.col("value_usd").alias(column), pl.col("period_start").alias(f"{column}_start")
    )
    return rows.join(one, on=["ticker", "end_month"], how="left")


def _of_capex(kept: pl.DataFrame) -> pl.DataFrame:
    """How each quarter's capex came about."""
    derivation = (
        pl.when(~pl.col("is_derived"))
        .then(pl.lit("printed"))
        .when(pl.col("roundabout") == 0)
        .then(pl.lit("derived"))
        .otherwise(pl.lit("derived_from_parts"))
    )
    return kept.filter(pl.col("measure") == CAPEX).select(
        "ticker",
        "end_month",
        capex_tag="tag",
        capex_derivation=derivation,
        capex_accession="accession",
        capex_grade="grade",
        capex_known_on="known_on",
        capex_inputs="lines",
    )


def _four_quarters(column: str) -> pl.Expr:
    """Sum of this and the three quarters before it; null where one of them is missing. Rows are sorted by quarter."""
    last = [pl.col(column).shift(n).over("ticker") for n in range(QUARTERS)]
    is_running = pl.all_horizontal(
        pl.col("end_month") - pl.col("end_month").shift(n).over("ticker") == MONTHS * n for n in range(1, QUARTERS)
    )
    return pl.when(is_running).then(pl.sum_horizontal(last, ignore_nulls=False))


def _ratios(rows: pl.DataFrame) -> pl.DataFrame:
    def over(above: str, below: str) -> pl.Expr:
        return pl.when(pl.col(below) > 0).then(pl.col(above) / pl.col(below))

    return rows.with_columns(
        capex_with_leases_usd=pl.col("capex_usd") + pl.col("finance_lease_principal_usd"),
    ).with_columns(
        capex_with_leases_to_revenue=over("capex_with_leases_usd", "revenue_usd"),
        capex_with_leases_to_operating_cash_flow=over("capex_with_leases_usd", "operating_cash_flow_usd"),
        capex_to_revenue=over("capex_usd", "revenue_usd"),
        capex_to_operating_cash_flow=over("capex_usd", "operating_cash_flow_usd"),
        depreciation_to_revenue=over("depreciation_usd", "revenue_usd"),
        implied_life_years=over("property_and_equipment_gross_usd", "depreciation_ttm_usd"),
    )


def _behind(rows: pl.DataFrame, kept: pl.DataFrame, at_end: pl.DataFrame) -> pl.DataFrame:
    """The facts behind all figures of each row: their lines, weakest grade and last day."""
    names = ["ticker", "end_month", "grade", "known_on", "lines"]
    earlier = pl.DataFrame({"later_by": [MONTHS * n for n in range(1, QUARTERS)]}, schema={"later_by": pl.Int64})
    sums = [
        kept.filter(pl.col("measure") == measure)
        .join(earlier, how="cross")
        .with_columns(end_month=pl.col("end_month") + pl.col("later_by"))
        .join(rows.filter(pl.col(total).is_not_null()), on=["ticker", "end_month"], how="semi")
        for measure, total in ((CAPEX, "capex_ttm_usd"), (DEPRECIATION, "depreciation_ttm_usd"))
    ]
    return (
        pl.concat([frame.select(names) for frame in (kept, at_end, *sums)])
        .with_columns(pl.col("lines").str.split(SEPARATOR))
        .explode("lines", empty_as_null=False, keep_nulls=False)
        .group_by("ticker", "end_month")
        .agg(pl.col("grade", "known_on").max(), inputs=pl.col("lines").unique().sort().str.join(SEPARATOR))
    )


# ---- Reasons ---------------------------------------------------------------------------------------------------------


def _reasons(rows: pl.DataFrame, flows: pl.DataFrame) -> pl.DataFrame:
    """In plain words, for each row: which figures are unknown and why. One clause a cause, figures in a fixed order."""
    key = ["ticker", "end_month"]
    unknown = [
        rows.filter(pl.col(column).is_null()).select(
            *key, pl.lit(measure).alias("measure"), pl.lit(words).alias("words"), pl.lit(place).alias("place")
        )
        for place, (measure, (column, words)) in enumerate((FLOWS | INSTANTS).items())
    ]
    of_figures = (
        pl.concat(unknown)
        .join(_why_not_derived(rows, flows), on=[*key, "measure"], how="left")
        .with_columns(pl.col("why").fill_null("no fact of it is known"))
        .sort(*key, "place")
        .group_by(*key, "why")
        .agg(pl.col("words").str.join(", "), pl.col("place").min())
        .select(*key, "place", clause=pl.format("{}: {}", "words", "why"))
    )
    other = [
        rows.filter(condition).select(*key, pl.lit(place + len(unknown)).alias("place"), clause=pl.lit(clause))
        for place, (clause, condition) in enumerate(_notes().items())
    ]
    return (
        pl.concat([of_figures, *other], how="vertical_relaxed")
        .sort(*key, "place")
        .group_by(key)
        .agg(reason=pl.col("clause").str.join("; "))
    )


def _notes() -> dict[str, pl.Expr]:
    """What to say of a row beside the figures that no fact gives, and when. Rows are sorted by quarter."""
    gross, depreciation = pl.col("property_and_equipment_gross_usd"), pl.col("depreciation_ttm_usd")
    tags = [pl.col("capex_tag").shift(n).over("ticker") for n in range(QUARTERS)]
    is_mixed = pl.col("capex_ttm_usd").is_not_null() & (pl.max_horizontal(tags) != pl.min_horizontal(tags))
    return {
        "capex of four quarters running: one of them is unknown": pl.col("capex_ttm_usd").is_null(),
        "capex of four quarters running: filed under more than one tag": is_mixed,
        "depreciation of four quarters running: one of them is unknown": depreciation.is_null(),
        "implied life: depreciation is zero": gross.is_not_null() & (depreciation == 0),
        "capex to operating cash flow: the cash flow is not above zero": (
            pl.col("capex_usd").is_not_null() & (pl.col("operating_cash_flow_usd") <= 0)
        ),
        "ratios to revenue: revenue is zero": pl.col("revenue_usd") == 0,
        "fiscal year: the month that it ends in is not known": pl.col("fiscal_year").is_null(),
        "first day of the quarter: in no fact": pl.col("period_start").is_null(),
        "company: the ticker is not in the panel": pl.col("company").is_null(),
    }


def _why_not_derived(rows: pl.DataFrame, flows: pl.DataFrame) -> pl.DataFrame:
    """Why a quarter that a longer period ends with has no figure: `why` for ticker, measure and end_month."""
    is_depreciation = pl.col("measure").is_in(KINDS_OF_DEPRECIATION)
    used = flows.join(rows.select("ticker", "depreciation_measure").unique(), on="ticker", how="left").filter(
        ~is_depreciation | (pl.col("measure") == pl.col("depreciation_measure")).fill_null(True)
    )
    periods = used.group_by(*_SERIES, "start_month", "end_month", "quarters").agg(
        pl.col("known_on").max(), first_known_on=pl.col("known_on").min()
    )
    shorter = periods.select(
        "ticker",
        "measure",
        "start_month",
        end_month=pl.col("end_month") + MONTHS,
        short_tag="tag",
        short_known_on="first_known_on",
    )
    tag, short_tag = (pl.col(name).str.split(":").list.last() for name in ("tag", "short_tag"))
    is_same = pl.col("short_tag") == pl.col("tag")
    # The number in front says which cause goes before another; it is cut off.
    cause = (
        pl.when(is_same & (pl.col("short_known_on") > pl.col("known_on")))
        .then(pl.lit("1 the shorter period became known only after the longer one, so their basis may differ"))
        .when(is_same & pl.col("measure").is_in(NEVER_NEGATIVE))
        .then(pl.lit("2 the difference of its two periods is below zero, or the shorter is far below one yet shorter"))
        .when(pl.col("short_tag") != pl.col("tag"))
        .then(pl.format("3 the longer period is filed as {}, the shorter as {}, two series", tag, short_tag))
        .otherwise(pl.lit("4 a longer period is known, but not the shorter one to take from it"))
    )
    return (
        periods.filter(pl.col("quarters") > 1)
        .join(shorter, on=["ticker", "measure", "start_month", "end_month"], how="left")
        .with_columns(cause=cause, measure=pl.col("measure").replace(DEPRECIATION_AND_AMORTIZATION, DEPRECIATION))
        .group_by("ticker", "measure", "end_month")
        .agg(why=pl.col("cause").min().str.slice(2))
    )


MART = Mart(
    table=TABLE,
    build=build,
    traces=(
        Trace(
            "core.company_facts",
            f"t.ticker = m.ticker and list_contains(string_split(m.inputs, '{SEPARATOR}'), {_LINE_SQL})",
        ),
        Trace("core.companies", "t.ticker = m.ticker"),
    ),
)
