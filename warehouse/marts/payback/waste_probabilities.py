"""How likely it is, over the draws, that a figure passes a test of the decision rule (method 7).

The tests of a revenue view are asked at each bound of its revenue, and where a quarter of capex is unknown at both of
its ends, of which the less favourable share stands here. Without a view stand the shares of draws that meet all
conditions of a verdict by themselves, in every view of the scope: what the answer leans to.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.common.columns import SCOPE
from warehouse.marts.common.mart import Mart, Trace
from warehouse.marts.common.reasons import listed, reason
from warehouse.marts.common.scopes import SCOPES
from warehouse.marts.payback import breakeven_tests as tests
from warehouse.marts.payback.model import NO_VIEW, POINT, VIEW, Model, newest, weakest
from warehouse.marts.payback.models import payback_views, share_of_the_world
from warehouse.marts.payback.payback_model import PaybackView
from warehouse.marts.payback.waste_simulation import BOUND
from warehouse.tables.formula import Formula
from warehouse.tables.guide import Guide
from warehouse.tables.table import Check, Column, mart

SHARE_EVENT = "redundant_share_at_least_threshold"
PAY_EVENTS = (*tests.TESTS, tests.FALLS_SHORT)
LEANING_EVENTS = {tests.ON_COURSE: "draw_is_on_course", tests.FALLS_SHORT: "draw_falls_short"}
OF_GROWTH = {
    tests.WITHIN_LOWEST: "low",
    tests.BEYOND_LOWEST: "low",
    tests.BEYOND_HIGHEST: "high",
}

EVENTS = {
    SHARE_EVENT: "the redundant share is at the threshold or above it",
    tests.WITHIN_LOWEST: "the lowest growth observed recovers the capital",
    tests.BEYOND_LOWEST: "the lowest growth observed does not recover the capital",
    tests.BEYOND_HIGHEST: "not even the highest growth observed recovers the capital",
    tests.WITHIN_DRAWN: "the growth drawn recovers the capital",
    tests.ABOVE: "the newest spending earns more than all of it does",
    tests.BELOW: "the newest spending earns less than all of it does",
    tests.FALLS_SHORT: "the conditions of the verdict that revenue falls short hold",
    LEANING_EVENTS[tests.ON_COURSE]: "the draw by itself meets the conditions of being on course",
    LEANING_EVENTS[tests.FALLS_SHORT]: "the draw by itself meets the conditions of falling short",
}

TABLE = mart(
    "waste_probabilities",
    "share of the draws in which a figure passes a threshold of the decision rule",
    [
        SCOPE,
        VIEW,
        BOUND,
        Column("event", "text", "what happens in those draws", required=True, allowed=EVENTS),
        Column("threshold", "real", "what the figure is compared with; null where that is another figure of the draw"),
        Column(
            "probability",
            "real",
            "share of the draws",
            "probability",
            minimum=0,
            maximum=1,
            formula=Formula(
                "share of the draws in which the event happens",
                "draws with it / draws",
                "7",
                assumptions=(
                    "q3_probability",
                    "q2_threshold",
                ),
            ),
        ),
        Column(
            "standard_error",
            "real",
            "of the probability, by simulation alone",
            "probability",
            minimum=0,
            formula=Formula("error of the probability by simulation alone", "sqrt(p × (1 − p) / draws)", "7"),
        ),
        Column("draws", "integer", "draws", "draws", required=True, minimum=1),
        Column("known_on", "date", "day on which the newest fact behind it became public"),
    ],
    key=("scope", "revenue_view", "bound", "event"),
    checks=(
        Check(
            "null_has_a_reason",
            "select * from {table} where probability is null and reasons is null",
            "a test that nothing is known of must say what is missing",
        ),
        Check(
            "no_draw_meets_both",
            "select scope, revenue_view, sum(probability) as total from {table} "
            "where event in ('draw_is_on_course', 'draw_falls_short') "
            "group by all having sum(probability) > 1 + 1e-9",
            "no draw is on course and falls short",
        ),
    ),
    guide=Guide(
        "One row for each scope, revenue view, bound and event.",
        "probabilities: events overlap.",
        {
            "How likely is it that a quarter of the spending is redundant?": "select scope, probability, standard_error "
            "from waste_probabilities where event = 'redundant_share_at_least_threshold'",
            "How likely does growth recover the capital?": "select scope, revenue_view, bound, probability from "
            "waste_probabilities where event = 'breakeven_within_lowest_growth' order by all",
            "Which events are there?": "select event, count(*) as rows from waste_probabilities group by all order by all",
        },
    ),
)


def build(
    training_share: pl.DataFrame,
    capex_vintages: pl.DataFrame,
    attributable_revenue: pl.DataFrame,
    evidence: pl.DataFrame,
    *,
    assumptions: Assumptions,
) -> pl.DataFrame:
    """One row for each scope, view, bound and event."""
    seed, draws = assumptions.integer("seed"), assumptions.integer("draws")
    share = share_of_the_world(training_share, evidence, assumptions=assumptions)
    p = _redundant(share, seed, draws, assumptions)
    limit = assumptions.number("q2_threshold")
    rows = [_row(replace(share, scope=scope), SHARE_EVENT, limit, p, draws) for scope in SCOPES]
    views = payback_views(capex_vintages, attributable_revenue, evidence, assumptions=assumptions)
    for view in views:
        rows += _of_view(view, seed, draws)
    for scope in dict.fromkeys(view.scope for view in views):
        rows += _leaning([view for view in views if view.scope == scope], seed, draws)
    return pl.DataFrame(rows, schema=dict(TABLE.polars_schema))


def _redundant(model: Model, seed: int, draws: int, assumptions: Assumptions) -> float | None:
    share = model.simulate(seed, draws).get("redundant_capex_share")
    return None if share is None else float(np.mean(share >= assumptions.number("q2_threshold")))


def _of_view(view: PaybackView, seed: int, draws: int) -> Iterator[dict[str, Any]]:
    """The tests of one view at each bound."""
    found = tests.probabilities(view, tests.simulated_values(view, seed, draws))
    for bound, model in view.models.items():
        for event in PAY_EVENTS:
            end = OF_GROWTH.get(event)
            p = found.get(bound, event)
            row = _row(model, event, getattr(view.growth, end) if end else None, p, draws)
            yield row if p is not None else row | {"reasons": listed([*_why(view, model, event), *model.notes])}


def _why(view: PaybackView, model: Model, event: str) -> list[str]:
    """Why a test cannot be made."""
    unknown = model.reasons.get("coverage")
    if unknown:
        return [unknown]
    asks_growth = event in (*OF_GROWTH, tests.FALLS_SHORT)
    found = [reason("no_growth_observed")] if asks_growth and view.growth.low is None else []
    marginal = model.reasons.get("marginal_coverage")
    return [*found, marginal] if marginal and event in (tests.ABOVE, tests.BELOW, tests.FALLS_SHORT) else found


def _leaning(views: list[PaybackView], seed: int, draws: int) -> Iterator[dict[str, Any]]:
    """The share of draws that meet each verdict's conditions by themselves, in all views of a scope."""
    found, marks = tests.leanings(views, seed, draws)
    points = [view[POINT] for view in views]
    for verdict, event in LEANING_EVENTS.items():
        p = float(np.mean(found[verdict])) if verdict in found else None
        why = [model.reasons.get("coverage") for model in points] if p is None else marks
        yield {
            **_row(points[0], event, None, p, draws),
            "revenue_view": NO_VIEW,
            "known_on": None if p is None else newest([{"known_on": each.known_on} for each in points]),
            "grade": None if p is None else weakest([{"grade": each.grade} for each in points]),
            "reasons": listed(why),
        }


def _row(model: Model, event: str, threshold: float | None, p: float | None, draws: int) -> dict[str, Any]:
    known_on: date | None = None if p is None else model.known_on
    return {
        "scope": model.scope,
        "revenue_view": model.view,
        "bound": model.bound,
        "event": event,
        "threshold": threshold,
        "probability": p,
        "standard_error": None if p is None else float(np.sqrt(p * (1 - p) / draws)),
        "draws": draws,
        "known_on": known_on,
        "grade": None if p is None else model.grade,
        "reasons": listed([model.reasons.get(model.deciding), *model.notes]),
    }


MART = Mart(
    table=TABLE,
    build=build,
    traces=(
        Trace(
            "marts.waste_simulation",
            "t.scope = m.scope and (t.revenue_view = m.revenue_view and t.bound = m.bound "
            "or m.event in ('draw_is_on_course', 'draw_falls_short') and t.revenue_view <> 'none' and t.bound = 'point') "
            "and t.quantity in (case when m.event = 'redundant_share_at_least_threshold' then 'redundant_capex_share' "
            "when m.event like 'breakeven%' then 'breakeven_growth' else 'coverage' end, "
            "case when m.event like 'marginal%' then 'marginal_coverage' end)",
        ),
    ),
)
