"""Whether the verdicts hang on choices that another analyst would make otherwise (method 5).

A tornado moves one judgement inside its range; a variant makes another choice: hardware that lives three years for
everyone, cash capex without finance leases, spending that serves at once or after a year, revenue seen from one side
only, offers from a narrower window, another benchmark for the market. Each is the whole chain of the verdict again with
that one choice replaced, so a verdict here is what a run with that assumption would give.

What a choice cannot reach is not computed again: leases, lags and lives move the simulation, a window the training cost, a
benchmark the reading of an event study that has it already. `as_assumed` is the same arithmetic with nothing replaced, so
that a verdict is compared with one from as many draws; the draws are fewer than a run's, and stand in their column.

A question is decided by several figures (Q4 by four), so it has a row for each of them, `figure` being part of the key; the
verdict is the question's and the same on each of those rows. `select distinct variant, scope, question, verdict` gives one
row a question. The overall verdict has no figure of its own and one row, whose `figure` is `verdict`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.common.columns import SCOPE
from warehouse.marts.common.mart import Mart, Trace
from warehouse.marts.common.scopes import SCOPES, VIEWS
from warehouse.marts.payback import value_of_information, waste_probabilities, waste_sensitivity, waste_simulation
from warehouse.marts.payback.model import NO_VIEW, VIEW
from warehouse.marts.training import training_cost
from warehouse.marts.verdict import verdict_conditions
from warehouse.marts.verdict.decision import MEANINGS, QUESTION, QUESTIONS, decide
from warehouse.marts.verdict.meanings import QUANTITY_MEANINGS
from warehouse.marts.verdict.question import COMPARISON_MEANINGS
from warehouse.tables.formula import Formula
from warehouse.tables.guide import Guide
from warehouse.tables.table import Check, Column, mart

DRAWS = 20_000  # the least that method 5 asks for
BASE = "as_assumed"
ANSWER = ["scope", "question"]
SIMULATED = (waste_simulation.MART, waste_probabilities.MART, waste_sensitivity.MART, value_of_information.MART)
PRICED = (training_cost.MART,)


@dataclass(frozen=True)
class Variant:
    """One choice made otherwise: what it is in words, what is replaced, which question it enters, and which marts it reaches.

    `view` is the revenue view that counts alone.
    """

    meaning: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    enters: str = ""
    reaches: tuple[Mart, ...] = ()
    view: str = ""


BENCHMARKS = {"benchmark_qqq": "QQQ", "benchmark_smh": "SMH", "benchmark_spy_less_nvda": "SPY_LESS_NVDA"}
VARIANTS: Mapping[str, Variant] = {
    BASE: Variant("the assumptions as they are"),
    "life_3_years": Variant("hardware lives for three years", {"life": 3}, "Q3", SIMULATED),
    "cash_capex_only": Variant(
        "leased assets do not count as spending", {"include_finance_leases": 0}, "Q3", SIMULATED
    ),
    "service_without_lag": Variant("spending is in service at once", {"lag_quarters": 0}, "Q3", SIMULATED),
    "service_after_4_quarters": Variant("spending is in service after a year", {"lag_quarters": 4}, "Q3", SIMULATED),
    "price_window_90_days": Variant("offers of 90 days around a run price it", {"price_window_days": 90}, "Q1", PRICED),
    **{name: Variant(f"the market is {ticker}", {"benchmarks": [ticker]}, "Q4") for name, ticker in BENCHMARKS.items()},
    "infrastructure_view_alone": Variant(
        "only what sellers of computing are paid counts", enters="Q3", view="infrastructure"
    ),
    "end_customer_view_alone": Variant("only what end customers pay counts", enters="Q3", view="end_customer"),
}
# Kinds of the conditions that a question is decided by and that are shown for it.
DECIDING = (
    "recomputed_low_within_factor",
    "redundant_median_at_threshold",
    "redundant_p95_below_threshold",
    "growth_recovers_capital",
    "newest_spend_earns_more",
    "revenue_falls_short",
    "suppliers_car_below_zero",
    "suppliers_car_above_zero",
    "suppliers_car_significant",
    "loss_would_be_seen",
)
SHOWN = (
    "revenue_view",
    "quantity",
    "value",
    "comparison",
    "threshold",
    "unit",
    "holds",
    "known_on",
    "grade",
    "reasons",
)

TABLE = mart(
    "waste_variants",
    "what each other choice of method 5 would give: a row for each figure that decides a question, its verdict on each",
    [
        Column(
            "variant",
            "text",
            "choice that is made otherwise; as_assumed for none",
            required=True,
            allowed={name: variant.meaning for name, variant in VARIANTS.items()},
        ),
        SCOPE,
        QUESTION,
        Column(
            "figure",
            "text",
            "the deciding condition that the row is of, one row each; verdict for a question without a figure of its own",
            required=True,
        ),
        replace(VIEW, required=False),
        Column("quantity", "text", "what the figure is", required=True, named=QUANTITY_MEANINGS),
        Column(
            "value",
            "real",
            "what was found; null where unknown",
            formula=Formula("the figure that decides, with one choice made otherwise", method="5"),
        ),
        Column("comparison", "text", "how it is compared", allowed=COMPARISON_MEANINGS),
        Column("threshold", "real", "what it is compared with"),
        Column("unit", "text", "unit of value and threshold"),
        Column("holds", "flag", "whether the comparison is true; null where unknown"),
        Column(
            "verdict",
            "text",
            "the verdict on the question in this variant, repeated on each row of the question",
            required=True,
            allowed=MEANINGS,
            formula=Formula("the decision rule with one choice made otherwise", method="7"),
        ),
        Column("verdict_as_assumed", "text", "the verdict with nothing replaced", required=True, allowed=MEANINGS),
        Column("is_changed", "flag", "whether the verdict is another one", required=True),
        Column("is_touched", "flag", "whether the choice enters this question at all", required=True),
        Column("draws", "integer", "draws of the simulation behind Q2 and Q3", "draws", required=True, minimum=1),
        Column("known_on", "date", "day on which the newest fact behind the figure became public"),
    ],
    key=("variant", "scope", "question", "figure"),
    checks=(
        Check(
            "changed_is_the_difference",
            "select * from {table} where is_changed is distinct from (verdict <> verdict_as_assumed)",
            "the flag and the verdicts beside it must say the same",
        ),
        Check(
            "one_verdict_a_question",
            "select variant, scope, question from {table} group by all having count(distinct verdict) <> 1",
            "rows of one question show its figures and not different answers",
        ),
        Check(
            "untouched_is_unchanged",
            "select * from {table} where is_changed and not is_touched",
            "a choice that does not enter a question cannot change its verdict",
        ),
        Check(
            "unknown_says_why",
            "select * from {table} where value is null and figure <> 'verdict' and reasons is null",
            "a figure that is missing must say why",
        ),
    ),
    guide=Guide(
        "One row for each other choice, scope, question and figure that decides it.",
        "value: each figure has its own unit. A verdict stands there once for each of its figures.",
        {
            "Which choice changes a verdict?": "select distinct variant, scope, question, verdict_as_assumed, verdict "
            "from waste_variants where is_changed",
            "Which verdicts does each choice touch?": "select variant, count(distinct (scope, question)) as verdicts from "
            "waste_variants where is_touched group by all order by all",
            "What is Q3 for the group under each choice?": "select distinct variant, verdict from waste_variants where "
            "scope = 'ALL' and question = 'Q3' order by all",
        },
    ),
)


def build(*, as_of: date, assumptions: Assumptions, **frames: pl.DataFrame) -> pl.DataFrame:
    """The deciding figures and the verdict for each variant, scope and question (method 5 and 7)."""
    draws = min(DRAWS, assumptions.integer("draws"))
    fewer = assumptions.replaced({"draws": draws, "detail": "deciding"})
    assumed = {**frames, **_run(SIMULATED, frames, as_of, fewer)}
    as_assumed = _conclude(assumed, as_of, fewer)
    verdicts_as_assumed = decide(as_assumed).select(*ANSWER, verdict_as_assumed="verdict")
    found = []
    for name, variant in VARIANTS.items():
        conditions = _conditions(variant, assumed, as_assumed, as_of, fewer)
        about = _about(name, variant, conditions).join(verdicts_as_assumed, on=ANSWER)
        rows = pl.concat([_figures(variant, conditions), _without_figures(conditions)], how="diagonal")
        found.append(about.join(rows, on=ANSWER).with_columns(draws=pl.lit(draws, dtype=pl.Int64)))
    whole = pl.concat(found, how="diagonal")
    return whole.with_columns(is_changed=pl.col("verdict") != pl.col("verdict_as_assumed"))


def _run(
    marts: tuple[Mart, ...], frames: Mapping[str, pl.DataFrame], as_of: date, assumptions: Assumptions
) -> dict[str, pl.DataFrame]:
    return {each.name: each.run(dict(frames), as_of=as_of, assumptions=assumptions) for each in marts}


def _conclude(frames: Mapping[str, pl.DataFrame], as_of: date, assumptions: Assumptions) -> pl.DataFrame:
    return verdict_conditions.MART.run(dict(frames), as_of=as_of, assumptions=assumptions)


def _conditions(
    variant: Variant,
    assumed: Mapping[str, pl.DataFrame],
    as_assumed: pl.DataFrame,
    as_of: date,
    assumptions: Assumptions,
) -> pl.DataFrame:
    """The conditions of every verdict in a variant; only what the choice reaches is computed again."""
    if variant.view:
        return _in_one_view(as_assumed, variant.view)
    if not variant.changes:
        return as_assumed
    changed = assumptions.replaced(variant.changes)
    return _conclude({**assumed, **_run(variant.reaches, assumed, as_of, changed)}, as_of, changed)


def _in_one_view(conditions: pl.DataFrame, view: str) -> pl.DataFrame:
    """Conditions as they would be were revenue seen in one view only: for scopes with both, it stands for the other.

    What no longer counts is shown as it was found, and holds what the view that counts holds; the overall verdict follows.
    """
    comparison = [*ANSWER, "kind", "quantity"]
    own = conditions.filter((pl.col("revenue_view") == view) & pl.col("decides")).select(
        *comparison, own="holds", has_own=pl.lit(True)
    )
    is_other = ~pl.col("revenue_view").is_in([view, NO_VIEW]) & pl.col("has_own")
    found = (
        conditions.join(own, on=comparison, how="left", maintain_order="left")
        .with_columns(holds=pl.when(is_other).then("own").otherwise("holds"))
        .drop("own", "has_own")
    )
    return verdict_conditions.conclude_again(found)


def _about(name: str, variant: Variant, conditions: pl.DataFrame) -> pl.DataFrame:
    """The verdict on each question of each scope, and whether the choice enters it at all."""
    touched = pl.DataFrame(
        [(scope, question, _enters(variant, scope, question)) for scope in SCOPES for question in QUESTIONS],
        schema={"scope": pl.String, "question": pl.String, "is_touched": pl.Boolean},
        orient="row",
    )
    return decide(conditions).select(*ANSWER, "verdict", variant=pl.lit(name)).join(touched, on=ANSWER)


def _enters(variant: Variant, scope: str, question: str) -> bool:
    """Whether a variant's choice enters a question: what enters Q2 or Q3 enters the overall verdict."""
    if variant.view and len(VIEWS[scope]) == 1:
        return False
    return question == variant.enters or (question == "overall" and variant.enters in ("Q2", "Q3"))


def _figures(variant: Variant, conditions: pl.DataFrame) -> pl.DataFrame:
    """The figures that decide; where one view counts alone, those of that view for the scopes that have it."""
    seen_alone = [scope for scope in SCOPES if variant.view in VIEWS[scope]]
    is_unseen = pl.col("scope").is_in(seen_alone) & ~pl.col("revenue_view").is_in([variant.view, NO_VIEW])
    return conditions.filter(pl.col("kind").is_in(DECIDING) & ~is_unseen).select(*ANSWER, *SHOWN, figure="condition")


def _without_figures(conditions: pl.DataFrame) -> pl.DataFrame:
    """A row for each question that has no figure of its own, with what its conditions are worth."""
    has_figure = pl.col("kind").is_in(DECIDING)
    return (
        conditions.filter(~has_figure.any().over(ANSWER) & pl.col("decides"))
        .group_by(ANSWER)
        .agg(pl.col("known_on", "grade").max())
        .with_columns(figure=pl.lit("verdict"), quantity=pl.lit("verdict"))
    )


def _reads() -> tuple[str, ...]:
    """What the marts that are built here read, without these marts themselves."""
    built = {each.name for each in SIMULATED}
    names = (name for each in (*SIMULATED, *PRICED, verdict_conditions.MART) for name in each.inputs)
    return tuple(dict.fromkeys(name for name in names if name not in built))


_ITS_BENCHMARK = " ".join(f"when '{name}' then '{ticker}'" for name, ticker in BENCHMARKS.items())

MART = Mart(
    table=TABLE,
    build=build,
    reads=_reads(),
    traces=(
        Trace(
            "marts.training_cost",
            "m.question = 'Q1' and t.model in (select a.value->>'$.base' from marts.assumptions a "
            "where a.key = 'claim_runs' union select a.value->>'$.increment' from marts.assumptions a "
            "where a.key = 'claim_runs') and not t.is_component",
        ),
        Trace(
            "marts.training_share",
            "m.question = 'Q2' and not t.is_lower_bound and t.training_share is not null "
            "and t.year = (select max(u.year) from marts.training_share u "
            "where not u.is_lower_bound and u.training_share is not null)",
        ),
        Trace(
            "marts.capex_vintages",
            "m.question = 'Q3' and (t.ticker = m.scope or m.scope = 'ALL') and t.capex_usd is not null",
        ),
        Trace(
            "marts.attributable_revenue",
            "m.question = 'Q3' and t.scope = m.scope and t.revenue_view = m.revenue_view and t.counted",
        ),
        Trace(
            "marts.event_study",
            "m.question = 'Q4' and t.ticker = 'portfolio:supplier' and t.model = 'market_model' "
            f"and t.return_kind = 'simple' and t.benchmark = case m.variant {_ITS_BENCHMARK} "
            "else (select a.value->>'$[0]' from marts.assumptions a where a.key = 'benchmarks') end and t.event_date "
            "= (select (a.value->>'$')::date from marts.assumptions a where a.key = 'main_event')",
        ),
        Trace(
            "marts.waste_variants",
            "m.question = 'overall' and t.variant = m.variant and t.scope = m.scope and t.question in ('Q2', 'Q3')",
        ),
    ),
)
