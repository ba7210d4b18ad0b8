"""The models of all scopes: the one of Q2, which is the world's, and those of Q3, one for each revenue view and bound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.common.scopes import COMPANIES, GROUP, SCOPES, VIEWS
from warehouse.marts.payback.group_share import current_evidence, group_share
from warehouse.marts.payback.model import BOUNDS, Facts, Model, early
from warehouse.marts.payback.observed_growth import Growth
from warehouse.marts.payback.payback_model import PaybackView, payback_view
from warehouse.marts.payback.share_model import BEHIND, share_model


def models(
    training_share: pl.DataFrame,
    capex_vintages: pl.DataFrame,
    attributable_revenue: pl.DataFrame,
    evidence: pl.DataFrame,
    *,
    assumptions: Assumptions,
) -> list[Model]:
    """The models of all scopes: Q2 (view none), then Q3 in each revenue view that the scope has, at each bound."""
    share = share_of_the_world(training_share, evidence, assumptions=assumptions)
    views = payback_views(capex_vintages, attributable_revenue, evidence, assumptions=assumptions)
    found = []
    for scope in SCOPES:
        found.append(replace(share, scope=scope))
        found += [each[bound] for each in views if each.scope == scope for bound in BOUNDS]
    return found


def share_of_the_world(training_share: pl.DataFrame, evidence: pl.DataFrame, *, assumptions: Assumptions) -> Model:
    """The model of Q2, which is every scope's (method 4)."""
    share = share_model(training_share, facts_behind(evidence), assumptions)
    return replace(share, notes=(*share.notes, *early(share.drivers, assumptions)))


def payback_views(
    capex_vintages: pl.DataFrame,
    attributable_revenue: pl.DataFrame,
    evidence: pl.DataFrame,
    *,
    assumptions: Assumptions,
) -> Sequence[PaybackView]:
    """Each revenue view of each scope (method 5)."""
    # A few dozen rows are asked about in many ways: as plain rows that costs next to nothing.
    vintages = capex_vintages.sort("ticker", "calendar_quarter").to_dicts()
    lines = attributable_revenue.sort("entity", "evidence_id").to_dicts()
    behind, share = facts_behind(evidence), group_share(evidence, assumptions)
    found: list[PaybackView] = []
    # The group first: what Meta would have to earn is asked at the growth that the group's sellers have shown.
    for scope in (GROUP, *COMPANIES):
        for view in VIEWS[scope]:
            of_group = next((each.growth for each in found if (each.scope, each.view) == (GROUP, view)), Growth())
            found.append(payback_view(scope, view, vintages, lines, share, behind, assumptions, of_group))
    return sorted(found, key=lambda each: SCOPES.index(each.scope))


def facts_behind(evidence: pl.DataFrame) -> Facts:
    """The current evidence by its identifier."""
    return {fact["evidence_id"]: fact for fact in current_evidence(evidence).select(BEHIND).to_dicts()}
