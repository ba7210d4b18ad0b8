"""The models of all scopes: the one of Q2, which is the world's, and those of Q3, one for each revenue view of a scope."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.common.scopes import SCOPES, VIEWS
from warehouse.marts.payback.model import Model
from warehouse.marts.payback.payback_model import payback_model
from warehouse.marts.payback.share_model import share_model


def models(
    training_share: pl.DataFrame,
    capex_vintages: pl.DataFrame,
    attributable_revenue: pl.DataFrame,
    evidence: pl.DataFrame,
    *,
    as_of: date,
    assumptions: Assumptions,
) -> list[Model]:
    """The models of all scopes: Q2 (view none), then Q3 in each revenue view that the scope has."""
    facts = evidence.select("evidence_id", "fact_id", "grade", "known_on").to_dicts()
    behind = {fact["evidence_id"]: fact for fact in facts}
    share = share_model(training_share, behind, assumptions)
    # A few dozen rows are asked about in many ways: as plain rows that costs next to nothing.
    vintages = capex_vintages.sort("year", "ticker").to_dicts()
    lines = attributable_revenue.sort("entity", "evidence_id").to_dicts()
    found = []
    for scope in SCOPES:
        found.append(replace(share, scope=scope))
        found += [payback_model(scope, view, vintages, lines, behind, as_of, assumptions) for view in VIEWS[scope]]
    return found
