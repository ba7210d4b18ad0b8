"""The models of all scopes: the one of Q2, which is the world's, and those of Q3, one for each revenue view of a scope."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.capex.filed_periods import QUARTERS
from warehouse.marts.common.early import early_reasons
from warehouse.marts.common.scopes import SCOPES, VIEWS
from warehouse.marts.common.select_current import admissible, select_current
from warehouse.marts.payback.model import Model
from warehouse.marts.payback.payback_model import payback_model
from warehouse.marts.payback.share_model import BEHIND, share_model
from warehouse.tables.evidence import TABLE as EVIDENCE


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
    current = select_current(admissible(evidence), EVIDENCE).sort("evidence_id")
    behind = {fact["evidence_id"]: fact for fact in current.select(BEHIND).to_dicts()}
    share = share_model(training_share, behind, assumptions)
    # A few dozen rows are asked about in many ways: as plain rows that costs next to nothing.
    vintages = _by_year(capex_vintages).sort("year", "ticker").to_dicts()
    lines = attributable_revenue.sort("entity", "evidence_id").to_dicts()
    found = []
    for scope in SCOPES:
        found.append(replace(share, scope=scope))
        found += [payback_model(scope, view, vintages, lines, behind, as_of, assumptions) for view in VIEWS[scope]]
    return [replace(each, notes=(*each.notes, *_early(each, assumptions))) for each in found]


def _early(model: Model, assumptions: Assumptions) -> list[str]:
    """What is drawn from a wide range because the evidence behind it was not public yet."""
    assumed = (
        each.name
        for each in model.drivers
        if "distribution" in assumptions.get(each.name, {})
        and each.parts == ((each.name, assumptions.distribution(each.name)),)
    )
    return early_reasons(assumptions, assumed)


def _by_year(capex_vintages: pl.DataFrame) -> pl.DataFrame:
    """Quarters added up to calendar years (USD): one that is over counts where all of its quarters are known."""
    year = pl.col("calendar_quarter").str.head(4).cast(pl.Int64)
    leases = pl.col("finance_lease_assets_usd").filter("is_known")
    years = capex_vintages.group_by("ticker", year=year).agg(
        quarters_known=pl.col("is_known").sum().cast(pl.Int64),
        known_usd=pl.col("capex_usd").sum(),
        finance_lease_principal_usd=pl.when(leases.is_not_null().all()).then(leases.sum()),
        known_on=pl.col("known_on").filter("is_known").max(),
        grade=pl.col("grade").filter("is_known").max(),
    )
    is_running = (pl.col("year") == pl.col("year").max()) & (pl.col("quarters_known") < QUARTERS)
    counts = (pl.col("quarters_known") == QUARTERS) | (is_running & (pl.col("quarters_known") > 0))
    return years.with_columns(is_running=is_running, capex_usd=pl.when(counts).then("known_usd"))
