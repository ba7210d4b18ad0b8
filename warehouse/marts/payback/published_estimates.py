"""What published estimates of required revenue give in their own formula on our data, and what each takes for granted.

Each estimate is a multiple of something that was spent: Sequoia four times a run rate of GPU sales (twice for the rest of
the data centre, twice for a gross margin of half), Bain four times a year's capex, J.P. Morgan 13 cents a year for each
dollar invested, Goldman Sachs a profit of about twice a year's capex. So the multiple is the printed figure over what it was
printed for (`published_inputs`), and the recomputation is that multiple of the same thing in our facts: once as they
were known on the day of publication, which shows whether we speak of the same thing, and once as they are known now.

Our spend is that of four companies, or of one supplier; the estimates speak of an industry. What none of them says aloud
stands in `assumes`. None of them decides anything here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts import QUARANTINED
from warehouse.marts.capex import capex_quarterly as quarters_mart
from warehouse.marts.capex.filed_periods import QUARTERS
from warehouse.marts.capex.measures import CAPEX, REVENUE
from warehouse.marts.common.mart import Mart, Trace
from warehouse.marts.common.reasons import reason
from warehouse.marts.common.scopes import COMPANIES, GROUP
from warehouse.marts.common.select_current import admissible, select_current
from warehouse.marts.payback import attributable_revenue as revenue_mart
from warehouse.marts.wording.payback import INPUTS
from warehouse.tables.evidence import TABLE as EVIDENCE
from warehouse.tables.formula import Formula
from warehouse.tables.guide import Guide
from warehouse.tables.table import FACT_IDS, Check, Column, mart

SUPPLIER = "NVDA"
MEASURES = (CAPEX, REVENUE)
# What of ours stands for an estimate's input.
RUN_RATE, YEAR, YEAR_OF_AI, INVESTED, NOTHING = "run_rate", "year", "year_of_ai", "invested", "nothing"
BASES = {
    "at_publication": "what was known when it was published",
    "as_known": "what is known by the day of the answer",
}


class Estimate(NamedTuple):
    """One published estimate: what of ours goes into its formula, the formula in words, and what it does not say."""

    needs: str
    formula: str
    assumes: str
    less_revenue: bool = False
    of: str | None = None  # the estimate whose multiple it takes


GPU = (
    "every dollar of chips is sold on within the year at half gross margin and needs as much again for the rest of the "
    "data centre; a year's chips are paid for by one year's revenue, whatever they last, and capital costs nothing"
)
ESTIMATES: Mapping[str, Estimate] = {
    "CC067": Estimate(
        RUN_RATE, "run rate of GPU sales x 2 (all else in a data centre) x 2 (gross margin of half)", GPU
    ),
    "CC068": Estimate(
        RUN_RATE, "run rate of GPU sales x 2 (all else in a data centre) x 2 (gross margin of half)", GPU
    ),
    "CC069": Estimate(
        YEAR_OF_AI,
        "capex of a year x {multiple}",
        "capex may be a quarter of revenue for ever, as it was for other technology companies, whatever the hardware's "
        "life, its return or the growth of revenue",
    ),
    "CC070": Estimate(
        YEAR_OF_AI,
        "capex of a year x {multiple}, less the revenue there is",
        "as the revenue needed (CC069); and that what is missing is only what customers do not pay yet, so a saving "
        "inside the spender's own business counts for nothing unless it is added by hand",
        less_revenue=True,
        of="CC069",
    ),
    "CC071": Estimate(
        INVESTED,
        "cumulative spend x {multiple} a year, for a return of 10 %",
        "the revenue lasts for ever and so does what was bought: beyond the return next to nothing is left to "
        "replace chips that last about five years, which alone would take twenty cents a year of each dollar",
    ),
    "CC072": Estimate(
        YEAR,
        "capex of a year x {multiple}, as profit",
        "the return on capital that investors are used to holds for this spend too, and the profit comes in the year of "
        "the spend; all capex counts, also that which is not for AI",
    ),
    "CC073": Estimate(
        NOTHING,
        "present value of higher productivity",
        "gains of the whole economy can be paid out to those who spend: it says what society gains and not what the "
        "spenders earn",
    ),
}

LESS_REVENUE = ", ".join(f"'{name}'" for name, estimate in ESTIMATES.items() if estimate.less_revenue)

TABLE = mart(
    "published_estimates",
    "published estimates of what AI spending must earn, and what each gives in its own formula on our data",
    [
        Column("evidence_id", "text", "the published figure", required=True),
        Column("basis", "text", "which of our facts enter", required=True, allowed=BASES),
        Column("published_by", "text", "whose estimate", required=True),
        Column("metric", "text", "what is estimated", required=True),
        Column("published_on", "date", "day on which the estimate became public", required=True),
        Column("formula", "text", "the estimate's own formula, in words", required=True),
        Column("published_usd", "real", "figure as published", "USD a year (a present value for CC073)", True, above=0),
        Column("published_for_usd", "real", "what it was published for", "USD", above=0),
        Column(
            "multiple",
            "real",
            "published figure over that",
            "multiple",
            above=0,
            formula=Formula(
                "the published figure, with the revenue that it nets out, over what it was published for",
                "(published + netted revenue) / published for",
                "5",
            ),
        ),
        Column("our_input_is", "text", "what of ours stands for it", required=True, allowed=INPUTS),
        Column("our_input", "text", "the same in words", required=True),
        Column("our_input_usd", "real", "that, from our facts", "USD", above=0),
        Column("input_through", "date", "last day that our input is about"),
        Column(
            "recomputed_usd",
            "real",
            "the multiple of our input",
            "USD a year",
            formula=Formula(
                "the same multiple of our own input; of a gap to revenue, less the revenue found",
                "multiple × our input",
                "5",
                assumptions=("published_inputs",),
            ),
        ),
        Column(
            "recomputed_over_published",
            "real",
            "recomputed over published",
            "ratio",
            formula=Formula("recomputed over published", "{recomputed_usd} / {published_usd}", "5"),
        ),
        Column("assumes", "text", "what the estimate takes for granted without saying so", required=True),
        Column("known_on", "date", "day on which the newest fact behind the row became public", required=True),
        FACT_IDS,
    ],
    key=("evidence_id", "basis"),
    checks=(
        Check(
            "recomputed_is_the_multiple",
            f"select * from {{table}} where evidence_id not in ({LESS_REVENUE}) "
            "and abs(recomputed_usd - multiple * our_input_usd) > 1e-6 * recomputed_usd",
            "the recomputation and the figures beside it must say the same",
        ),
        Check(
            "no_later_facts_at_publication",
            "select * from {table} where basis = 'at_publication' and (known_on > published_on "
            "or input_through > published_on)",
            "what was not public when the estimate was made cannot have been in it",
        ),
        Check(
            "unknown_says_why",
            "select * from {table} where recomputed_usd is null and reasons is null",
            "a recomputation that is missing must say why",
        ),
    ),
    guide=Guide(
        "One row for each published estimate and each state of our facts.",
        "over estimates: they answer different questions.",
        {
            "What do the estimates give on today's facts?": "select published_by, published_usd, recomputed_usd, "
            "recomputed_over_published from published_estimates where basis = 'as_known'",
            "What does each take for granted?": "select distinct published_by, formula, assumes from published_estimates",
            "Which of our facts go in?": "select published_by, our_input, our_input_usd, input_through from "
            "published_estimates where basis = 'as_known'",
        },
    ),
)


class Input(NamedTuple):
    """What of ours stands for an estimate's input, in USD, with what is behind it and what there is to say of it."""

    usd: float
    through: date
    known_on: date
    grade: str
    fact_ids: list[str]
    note: str


def build(
    evidence: pl.DataFrame,
    company_facts: pl.DataFrame,
    companies: pl.DataFrame,
    capex_quarterly: pl.DataFrame,
    attributable_revenue: pl.DataFrame,
    quarantined: pl.DataFrame,
    *,
    as_of: date,
    assumptions: Assumptions,
) -> pl.DataFrame:
    """Two rows for each estimate that is known: on our facts at its publication, and as they are known now.

    A quarter stands in `capex_quarterly` as its last filing has it, often a year after it was first printed. What was
    known on an earlier day is worked out again from the facts of that day.
    """
    facts = {row["evidence_id"]: row for row in select_current(admissible(evidence), EVIDENCE).to_dicts()}
    days = sorted({facts[name]["known_on"] for name in ESTIMATES if name in facts})
    quarters = {**_quarters_known_by(days, company_facts, companies, assumptions), as_of: capex_quarterly}

    def earned_by(day: date) -> pl.DataFrame:
        """Attributable revenue as a run on that day would have had it."""
        if day == as_of:
            return attributable_revenue
        of_core = {"evidence": evidence, "quarantined": quarantined}
        then = {name: frame.filter(pl.col("known_on") <= day) for name, frame in of_core.items()}
        return revenue_mart.MART.run(then, as_of=day, assumptions=assumptions)

    published_for: Mapping[str, float] = assumptions.value("published_inputs")
    rows: list[dict[str, Any]] = []
    for name, estimate in ESTIMATES.items():
        fact = facts.get(name)
        if fact is None:
            continue
        base = facts.get(estimate.of or name)
        input_usd = published_for.get(estimate.of or name)
        multiple = float(base["value"] / input_usd) if base and input_usd else None
        for basis, day in (("at_publication", fact["known_on"]), ("as_known", as_of)):
            rows.append(
                {
                    "evidence_id": name,
                    "basis": basis,
                    "published_by": fact["entity"],
                    "metric": fact["metric"],
                    "published_on": fact["known_on"],
                    "formula": estimate.formula.format(multiple="?" if multiple is None else f"{multiple:.3g}"),
                    "published_usd": fact["value"],
                    "published_for_usd": input_usd,
                    "multiple": multiple,
                    "our_input_is": estimate.needs,
                    "our_input": INPUTS[estimate.needs],
                    "assumes": estimate.assumes,
                    **_recomputed(estimate, fact, base, multiple, day, quarters[day], earned_by, assumptions),
                }
            )
    return pl.DataFrame(rows, schema=dict(TABLE.polars_schema))


def _quarters_known_by(
    days: Sequence[date], company_facts: pl.DataFrame, companies: pl.DataFrame, assumptions: Assumptions
) -> dict[date, pl.DataFrame]:
    """`capex_quarterly` of the companies that enter, as a run on each of the days would have had it.

    Its cost is in its many steps and not in its rows. So what was known of a company on each day is given to it as a
    company of its own, and all days are worked out at once.
    """
    needed = (*COMPANIES, SUPPLIER)
    filed = company_facts.filter(pl.col("ticker").is_in(needed) & pl.col("measure").is_in(MEASURES))
    panel = companies.filter(pl.col("ticker").is_in(needed))
    if not days:
        return {}

    then = pl.DataFrame({"ticker": needed}).join(pl.DataFrame({"day": days}), how="cross")
    then = then.with_columns(as_known=pl.format("{} as known on {}", "ticker", "day"))

    def by_day(rows: pl.DataFrame) -> pl.DataFrame:
        known = rows.join(then, on="ticker").filter(pl.col("known_on") <= pl.col("day"))
        return known.with_columns(ticker="as_known").drop("as_known", "day")

    # Quarantined rows explain figures that are missing; none of them is read here.
    given = {
        "company_facts": by_day(filed),
        "companies": by_day(panel),
        "quarantined": pl.DataFrame(schema=QUARANTINED),
    }
    found = quarters_mart.MART.run(given, as_of=days[-1], assumptions=assumptions)
    of_day = found.join(then, left_on="ticker", right_on="as_known").with_columns(ticker="ticker_right")
    return {day: of_day.filter(pl.col("day") == day).select(found.columns) for day in days}


def _recomputed(
    estimate: Estimate,
    fact: Mapping[str, Any],
    base: Mapping[str, Any] | None,
    multiple: float | None,
    day: date,
    capex_quarterly: pl.DataFrame,
    earned_by: Callable[[date], pl.DataFrame],
    assumptions: Assumptions,
) -> dict[str, Any]:
    """The multiple of our input as known by `day`, with the facts, the weakest grade and the newest day behind it.

    `base` is the published figure that the multiple is taken from.
    """
    published = sorted({each["fact_id"] for each in (fact, base) if each is not None})
    alone = {"known_on": fact["known_on"], "grade": fact["grade"], "fact_ids": published}
    if estimate.needs == NOTHING:
        return alone | {"reasons": [reason("no_spend_in_it")]}
    ours = _input(estimate.needs, capex_quarterly, assumptions)
    if ours is None:
        return alone | {"reasons": [reason("input_not_known", input=estimate.needs, day=day)]}
    if multiple is None:
        return alone | {"reasons": [reason("published_input_not_known")]}
    behind = [*published, *ours.fact_ids]
    shown: dict[str, Any] = {"our_input_usd": ours.usd, "input_through": ours.through, "fact_ids": behind}
    grades, days = [fact["grade"], ours.grade], [fact["known_on"], ours.known_on]
    usd, reasons = multiple * ours.usd, [ours.note]
    if estimate.less_revenue:
        earned = earned_by(day).filter(
            (pl.col("scope") == GROUP) & (pl.col("revenue_view") == "end_customer") & pl.col("counted")
        )
        if earned.is_empty():
            why = reason("no_end_customer_revenue", day=day)
            return shown | {"known_on": max(days), "grade": max(grades), "reasons": [why]}
        # Independent estimates of one thing: it lies between the lowest and the highest of them (method 5).
        lowest, highest = earned["low_usd"].min(), earned["high_usd"].max()
        assert isinstance(lowest, float) and isinstance(highest, float)  # noqa: PT018
        usd -= (lowest + highest) / 2
        grades.append(str(earned["grade"].max()))
        days += earned["known_on"].to_list()
    return shown | {
        "recomputed_usd": usd,
        "recomputed_over_published": usd / fact["value"],
        "known_on": max(days),
        "grade": max(grades),
        "reasons": reasons,
    }


def _input(needs: str, capex_quarterly: pl.DataFrame, assumptions: Assumptions) -> Input | None:
    """What of ours stands for the estimate's input, from quarters as known on a day; None where it is not known."""
    if needs == RUN_RATE:
        earned = capex_quarterly.filter((pl.col("ticker") == SUPPLIER) & pl.col("revenue_usd").is_not_null())
        if earned.is_empty():
            return None
        row = earned.sort("period_end").row(-1, named=True)
        return Input(
            QUARTERS * row["revenue_usd"], row["period_end"], row["known_on"], row["grade"], row["fact_ids"],
            reason("all_revenue_of_supplier"),
        )  # fmt: skip
    spent = capex_quarterly.filter(pl.col("ticker").is_in(COMPANIES) & pl.col("capex_usd").is_not_null()).sort(
        "period_end", "ticker"
    )
    if needs == INVESTED:
        first = assumptions.integer("first_vintage")
        wanted = spent.filter(pl.col("calendar_quarter").str.head(4).cast(pl.Int64) >= first)
    else:
        # The last four quarters of each, where it has four.
        wanted = (
            spent.filter(pl.len().over("ticker") >= QUARTERS).group_by("ticker", maintain_order=True).tail(QUARTERS)
        )
    missing = [name for name in COMPANIES if name not in set(wanted["ticker"])]
    if wanted.is_empty() or missing:
        return None
    share = 1.0 if needs == YEAR else assumptions.distribution("ai_share").mean
    grade, known_on, through = wanted["capex_grade"].max(), wanted["capex_known_on"].max(), wanted["period_end"].max()
    assert isinstance(grade, str) and isinstance(known_on, date) and isinstance(through, date)  # noqa: PT018
    fact_ids = wanted["capex_fact_ids"].explode().unique().sort().to_list()
    note = reason("companies_of_an_industry")
    return Input(share * float(wanted["capex_usd"].sum()), through, known_on, grade, fact_ids, note)


MART = Mart(
    table=TABLE,
    build=build,
    traces=(
        Trace("core.evidence", ids="fact_ids"),
        Trace("core.company_facts", ids="fact_ids"),
        Trace(
            "marts.attributable_revenue",
            f"m.evidence_id in ({LESS_REVENUE}) and t.scope = '{GROUP}' and t.revenue_view = 'end_customer' "
            "and t.counted and t.known_on <= m.known_on",
        ),
    ),
)
