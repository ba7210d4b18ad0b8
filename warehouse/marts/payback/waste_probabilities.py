"""How likely it is, over the draws, that a figure passes a threshold of the decision rule (method 7).

A draw in which everything has dropped out of its life needs no revenue: it covers at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.common.columns import SCOPE
from warehouse.marts.common.mart import Mart, Trace
from warehouse.marts.common.reasons import listed
from warehouse.marts.payback.model import NO_VIEW
from warehouse.marts.payback.models import models
from warehouse.tables.table import Check, Column, mart

SHARE_EVENTS = ("redundant_share_at_least_threshold",)
PAY_EVENTS = ("coverage_below_threshold", "years_exceed_share_of_life", "years_within_share_of_life")

TABLE = mart(
    "waste_probabilities",
    "share of the draws in which a figure passes a threshold of the decision rule",
    [
        SCOPE,
        Column("revenue_view", "text", "end_customer, infrastructure or none", required=True),
        Column("event", "text", "what happens in those draws", required=True, allowed=(*SHARE_EVENTS, *PAY_EVENTS)),
        Column("threshold", "real", "what the figure is compared with", required=True),
        Column("probability", "real", "share of the draws", "probability", minimum=0, maximum=1),
        Column("standard_error", "real", "of the probability, by simulation alone", "probability", minimum=0),
        Column("draws", "integer", "draws", "draws", required=True, minimum=1),
        Column("known_on", "date", "day on which the newest fact behind it became public"),
    ],
    key=("scope", "revenue_view", "event"),
    checks=(
        Check(
            "covered_in_time_or_not",
            "select scope, revenue_view, sum(probability) as total from {table} "
            "where event in ('years_exceed_share_of_life', 'years_within_share_of_life') "
            "group by all having abs(sum(probability) - 1) > 1e-9",
            "the two must add up to one",
        ),
    ),
)


def build(
    training_share: pl.DataFrame,
    capex_vintages: pl.DataFrame,
    attributable_revenue: pl.DataFrame,
    evidence: pl.DataFrame,
    *,
    as_of: date,
    assumptions: Assumptions,
) -> pl.DataFrame:
    """One row for each scope, view and event."""
    seed, draws = assumptions.integer("seed"), assumptions.integer("draws")
    limits = thresholds(assumptions)
    rows = []
    for model in models(
        training_share, capex_vintages, attributable_revenue, evidence, as_of=as_of, assumptions=assumptions
    ):
        found = probabilities(model.simulate(seed, draws), limits)
        for event in SHARE_EVENTS if model.view == NO_VIEW else PAY_EVENTS:
            p = found.get(event)
            rows.append(
                {
                    "scope": model.scope,
                    "revenue_view": model.view,
                    "event": event,
                    "threshold": limits[event],
                    "probability": p,
                    "standard_error": None if p is None else float(np.sqrt(p * (1 - p) / draws)),
                    "draws": draws,
                    "known_on": None if p is None else model.known_on,
                    "grade": None if p is None else model.grade,
                    "reasons": listed([model.reasons.get(model.deciding), *model.notes]),
                }
            )
    return pl.DataFrame(rows, schema=dict(TABLE.polars_schema))


def thresholds(assumptions: Assumptions) -> dict[str, float]:
    """What each event's figure is compared with."""
    of_life = assumptions.number("q3_share_of_life")
    return {
        "redundant_share_at_least_threshold": assumptions.number("q2_threshold"),
        "coverage_below_threshold": assumptions.number("q3_coverage"),
        "years_exceed_share_of_life": of_life,
        "years_within_share_of_life": of_life,
    }


def probabilities(found: Mapping[str, Any], limits: Mapping[str, float]) -> dict[str, float]:
    """Share of the draws of each event that `found` (by quantity) allows to count."""
    shares: dict[str, float] = {}
    if "redundant_capex_share" in found:
        shares["redundant_share_at_least_threshold"] = float(
            np.mean(found["redundant_capex_share"] >= limits["redundant_share_at_least_threshold"])
        )
    if "coverage" in found:
        late = found["years_to_cover"] > limits["years_exceed_share_of_life"] * found["remaining_life_years"]
        shares["coverage_below_threshold"] = float(np.mean(found["coverage"] < limits["coverage_below_threshold"]))
        shares["years_exceed_share_of_life"] = float(np.mean(late))
        shares["years_within_share_of_life"] = float(np.mean(~late))
    return shares


MART = Mart(
    table=TABLE,
    build=build,
    traces=(
        Trace(
            "marts.waste_simulation",
            "t.scope = m.scope and t.revenue_view = m.revenue_view and t.quantity in (case m.event "
            "when 'redundant_share_at_least_threshold' then 'redundant_capex_share' "
            "when 'coverage_below_threshold' then 'coverage' else 'years_to_cover' end, "
            "case when m.event like 'years%' then 'remaining_life_years' end)",
        ),
    ),
)
