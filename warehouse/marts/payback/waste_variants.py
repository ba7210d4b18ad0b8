"""Whether the verdicts hang on choices that another analyst would make otherwise (method 5).

A tornado moves one judgement inside its range; a variant makes another choice: hardware that lives three years for
everyone, finance leases counted as capex, revenue seen from one side only, offers from a narrower window, another benchmark
for the market. Each is the whole chain of the verdict again with that one choice replaced, so a verdict here is what a
run with that assumption would give.

What a choice cannot reach is not computed again: leases and lives move the simulation, a window the training cost, a
benchmark the reading of an event study that has it already. `as_assumed` is the same arithmetic with nothing replaced, so
that a verdict is compared with one from as many draws; the draws are fewer than a run's, and stand in their column.

A question is decided by several figures (Q4 by four), so it has a row for each of them, `figure` being part of the key; the
verdict is the question's and the same on each of those rows. One row a question is had by `select distinct variant, scope,
question, verdict`. The overall verdict has no figure of its own and one row, whose `figure` is `verdict`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.common.columns import SCOPE
from warehouse.marts.common.mart import Mart, Trace
from warehouse.marts.common.scopes import SCOPES, VIEWS
from warehouse.marts.payback import waste_probabilities, waste_sensitivity, waste_simulation
from warehouse.marts.training import training_cost as cost_mart
from warehouse.marts.verdict import verdict_conditions as conditions_mart
from warehouse.marts.verdict.decision import QUESTION, QUESTIONS, VERDICTS, decide
from warehouse.tables.table import Check, Column, mart

DRAWS = 20_000  # the least that method 5 asks for
BASE = "as_assumed"
ONE_VIEW = {f"{view}_view_alone": view for view in ("infrastructure", "end_customer")}
SIMULATED = (waste_simulation.MART, waste_probabilities.MART, waste_sensitivity.MART)
CHANGES: dict[str, dict[str, Any]] = {
    BASE: {},
    "life_3_years": {"life": 3},
    "with_finance_leases": {"include_finance_leases": 1},
    "without_finance_leases": {"include_finance_leases": 0},
    "price_window_90_days": {"price_window_days": 90},
}
BENCHMARKS = {"benchmark_qqq": "QQQ", "benchmark_smh": "SMH"}
TOUCHES = {"life_3_years": "Q3", "with_finance_leases": "Q3", "without_finance_leases": "Q3",
           "price_window_90_days": "Q1", "benchmark_qqq": "Q4", "benchmark_smh": "Q4",
           "infrastructure_view_alone": "Q3", "end_customer_view_alone": "Q3"}  # fmt: skip
VARIANTS = (*CHANGES, *BENCHMARKS, *ONE_VIEW)
# The figures that a question is decided by, by the condition that holds them; those of a view end with its name.
DECIDING: dict[str, tuple[str, ...]] = {
    "Q1": ("recomputed_low_within_factor",),
    "Q2": ("redundant_median_at_threshold", "redundant_p95_below_threshold"),
    "Q3": ("coverage_falls_short_{view}", "covers_too_late_{view}", "covers_in_time_{view}"),
    "Q4": ("suppliers_car_below_zero_0_1", "suppliers_car_significant_0_1", "suppliers_car_below_zero_0_60",
           "suppliers_car_significant_0_60"),
}  # fmt: skip

TABLE = mart(
    "waste_variants",
    "what each other choice of method 5 would give: a row for each figure that decides a question, its verdict on each",
    [
        Column(
            "variant", "text", "choice that is made otherwise; as_assumed for none", required=True, allowed=VARIANTS
        ),
        SCOPE,
        QUESTION,
        Column(
            "figure",
            "text",
            "the deciding condition that the row is of, one row each; verdict for a question without a figure of its own",
            required=True,
        ),
        Column("quantity", "text", "what the figure is", required=True),
        Column("value", "real", "what was found; null where unknown"),
        Column("comparison", "text", "how it is compared"),
        Column("threshold", "real", "what it is compared with"),
        Column("unit", "text", "unit of value and threshold"),
        Column("holds", "flag", "whether the comparison is true; null where unknown"),
        Column(
            "verdict",
            "text",
            "the verdict on the question in this variant, repeated on each row of the question",
            required=True,
            allowed=tuple(sorted({name for names in VERDICTS.values() for name in names})),
        ),
        Column("verdict_as_assumed", "text", "the verdict with nothing replaced", required=True),
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
            "select * from {table} where value is null and figure <> 'verdict' and coalesce(reason, '') = ''",
            "a figure that is missing must say why",
        ),
    ),
)


def build(
    article_claims: pl.DataFrame,
    training_cost: pl.DataFrame,
    training_runs: pl.DataFrame,
    offers: pl.DataFrame,
    gpu_specs: pl.DataFrame,
    training_share: pl.DataFrame,
    training_share_own: pl.DataFrame,
    capex_vintages: pl.DataFrame,
    attributable_revenue: pl.DataFrame,
    evidence: pl.DataFrame,
    capex_group: pl.DataFrame,
    glut_signals: pl.DataFrame,
    event_study: pl.DataFrame,
    event_study_tests: pl.DataFrame,
    capex_guidance_change: pl.DataFrame,
    *,
    as_of: date,
    assumptions: Assumptions,
) -> pl.DataFrame:
    """The deciding figures and the verdict for each variant, scope and question (method 5 and 7)."""
    draws = min(DRAWS, assumptions.integer("draws"))
    fewer = assumptions.replaced({"draws": draws, "detail": "deciding"})
    frames: dict[str, pl.DataFrame] = {
        "article_claims": article_claims,
        "training_cost": training_cost,
        "training_runs": training_runs,
        "offers": offers,
        "gpu_specs": gpu_specs,
        "training_share": training_share,
        "training_share_own": training_share_own,
        "capex_vintages": capex_vintages,
        "attributable_revenue": attributable_revenue,
        "evidence": evidence,
        "capex_group": capex_group,
        "glut_signals": glut_signals,
        "event_study": event_study,
        "event_study_tests": event_study_tests,
        "capex_guidance_change": capex_guidance_change,
    }
    frames |= _run(SIMULATED, frames, as_of, fewer)
    concluded: dict[str, pl.DataFrame] = {}
    for name, changes in CHANGES.items():
        changed = fewer.replaced(changes) if changes else fewer
        # Only what the choice reaches is computed again.
        again = {"Q1": (cost_mart.MART,), "Q3": SIMULATED}.get(TOUCHES.get(name, ""), ())
        concluded[name] = _conclude({**frames, **_run(again, frames, as_of, changed)}, as_of, changed)
    for name, benchmark in BENCHMARKS.items():
        changed = fewer.replaced({"benchmarks": [benchmark]})
        concluded[name] = _conclude(frames, as_of, changed)
    for name, view in ONE_VIEW.items():
        concluded[name] = _in_one_view(concluded[BASE], view)
    verdicts = {name: _verdicts(found) for name, found in concluded.items()}
    rows = [
        row for name, found in concluded.items() for row in _rows(name, found, verdicts[name], verdicts[BASE], draws)
    ]
    return pl.DataFrame(rows, schema=dict(TABLE.polars_schema))


def _run(
    marts: tuple[Mart, ...], frames: Mapping[str, pl.DataFrame], as_of: date, assumptions: Assumptions
) -> dict[str, pl.DataFrame]:
    return {found.name: found.run(dict(frames), as_of=as_of, assumptions=assumptions) for found in marts}


def _conclude(frames: Mapping[str, pl.DataFrame], as_of: date, assumptions: Assumptions) -> pl.DataFrame:
    return conditions_mart.MART.run(dict(frames), as_of=as_of, assumptions=assumptions)


def _in_one_view(conditions: pl.DataFrame, view: str) -> pl.DataFrame:
    """Conditions as they would be were revenue seen in one view only: for scopes with both, it stands for the other.

    What no longer counts is shown as it was found, and holds what the view that counts holds; the overall verdict follows.
    """
    own = {
        (row["scope"], row["condition"]): row["holds"]
        for row in conditions.to_dicts()
        if row["question"] == "Q3" and row["condition"].endswith(f"_{view}")
    }
    others = {scope: [name for name in VIEWS[scope] if name != view] for scope in SCOPES if view in VIEWS[scope]}
    holds = [
        own.get(
            (row["scope"], next((row["condition"].removesuffix(o) + view for o in others.get(row["scope"], ())
                                 if row["condition"].endswith(f"_{o}")), "")),
            row["holds"],
        )
        if row["question"] == "Q3"
        else row["holds"]
        for row in conditions.to_dicts()
    ]  # fmt: skip
    found = conditions.with_columns(holds=pl.Series(holds, dtype=pl.Boolean))
    return conditions_mart.conclude_again(found)


def _verdicts(conditions: pl.DataFrame) -> dict[tuple[str, str], str]:
    return {(row["scope"], row["question"]): row["verdict"] for row in decide(conditions).to_dicts()}


def _rows(
    variant: str,
    conditions: pl.DataFrame,
    verdicts: Mapping[tuple[str, str], str],
    as_assumed: Mapping[tuple[str, str], str],
    draws: int,
) -> list[dict[str, Any]]:
    found = {(row["scope"], row["question"], row["condition"]): row for row in conditions.to_dicts()}
    touched = TOUCHES.get(variant)
    rows = []
    for scope in SCOPES:
        views = [ONE_VIEW[variant]] if variant in ONE_VIEW and ONE_VIEW[variant] in VIEWS[scope] else VIEWS[scope]
        for question in QUESTIONS:
            about = {
                "variant": variant,
                "scope": scope,
                "question": question,
                "verdict": verdicts[scope, question],
                "verdict_as_assumed": as_assumed[scope, question],
                "is_changed": verdicts[scope, question] != as_assumed[scope, question],
                "is_touched": _enters(touched, question, variant, scope),
                "draws": draws,
            }
            named = [
                name.format(view=view)
                for name in DECIDING.get(question, ())
                for view in (views if "{view}" in name else ("none",))
            ]
            shown = [found[scope, question, name] for name in named if (scope, question, name) in found]
            for row in shown:
                rows.append(
                    about
                    | {"figure": row["condition"]}
                    | {c: row[c] for c in ("quantity", "value", "comparison", "threshold", "unit", "holds", "known_on",
                                           "grade", "reasons", "reason")}
                )  # fmt: skip
            if not shown:
                behind = [row for (s, q, _), row in found.items() if (s, q) == (scope, question) and row["decides"]]
                days = [row["known_on"] for row in behind if row["known_on"] is not None]
                grades = [row["grade"] for row in behind if row["grade"] is not None]
                rows.append(
                    about
                    | {"figure": "verdict", "quantity": "verdict", "known_on": max(days, default=None),
                       "grade": max(grades, default=None)}
                )  # fmt: skip
    return rows


def _enters(touched: str | None, question: str, variant: str, scope: str) -> bool:
    """Whether a variant's choice enters a question: what enters Q3 enters the overall verdict."""
    if variant in ONE_VIEW and len(VIEWS[scope]) == 1:
        return False
    return question == touched or (question == "overall" and touched in ("Q2", "Q3"))


MART = Mart(
    table=TABLE,
    build=build,
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
            "m.question = 'Q3' and t.scope = m.scope and m.figure like '%_' || t.revenue_view and t.counted",
        ),
        Trace(
            "marts.event_study",
            "m.question = 'Q4' and t.ticker = 'portfolio:supplier' and t.model = 'market_model' "
            "and t.return_kind = 'simple' and t.benchmark = case m.variant when 'benchmark_qqq' then 'QQQ' "
            "when 'benchmark_smh' then 'SMH' else (select a.value->>'$[0]' from marts.assumptions a "
            "where a.key = 'benchmarks') end and t.event_date = (select (a.value->>'$')::date "
            "from marts.assumptions a where a.key = 'main_event')",
        ),
        Trace(
            "marts.waste_variants",
            "m.question = 'overall' and t.variant = m.variant and t.scope = m.scope and t.question in ('Q2', 'Q3')",
        ),
    ),
)
