"""The distributions behind Q2 and Q3: quantiles over many draws of every judgement at once.

The formulas are in `formulas` and `payback_model`, the judgements in the assumptions file. Revenue that is only known
between bounds is simulated at both of them and at what is drawn between (`bound`). A quantity that cannot be computed has
no figure and says why; so does one without a finite value at a quantile (no growth up to 2,000 % a year breaks even).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.common.columns import SCOPE
from warehouse.marts.common.mart import Mart, Trace
from warehouse.marts.common.reasons import listed, reason
from warehouse.marts.payback.formulas import PAY_QUANTITIES, QUANTITY_FORMULAS, SHARE_QUANTITIES
from warehouse.marts.payback.model import BOUND_MEANINGS, NO_VIEW, VIEW, Computation, Model, simulated
from warehouse.marts.payback.models import models
from warehouse.spreading import Spread
from warehouse.tables.formula import Formula
from warehouse.tables.guide import Guide
from warehouse.tables.table import Check, Column, mart

Figures = tuple[dict[str, float | None], str | None]
"""What is told of a quantity, and why something is missing."""
QUANTILES = {"p05": 0.05, "p25": 0.25, "p50": 0.50, "p75": 0.75, "p95": 0.95}
BATCHES = 20  # ten to thirty serve for the error of a simulated figure (Schmeiser 1982, Operations Research 30)
UNITS = {
    "required_revenue_usd": "USD a year",
    "attributable_revenue_usd": "USD a year",
    "coverage": "ratio",
    "breakeven_growth": "share a year",
    "marginal_coverage": "ratio",
    "breakeven_revenue_usd": "USD a year",
    "standing_capital_usd": "USD",
    "remaining_life_years": "years",
}

BOUND = Column(
    "bound",
    "text",
    "which attributable revenue is taken",
    required=True,
    allowed=BOUND_MEANINGS,
)
QUANTITY = Column(
    "quantity",
    "text",
    "what the figures are of",
    required=True,
    allowed={name: QUANTITY_FORMULAS[name].words for name in (*SHARE_QUANTITIES, *PAY_QUANTITIES)},
)


def _over_draws(what: str) -> Formula:
    return Formula(f"{what} over the draws", method="5", of="quantity", each=QUANTITY_FORMULAS)


TABLE = mart(
    "waste_simulation",
    "quantiles of each quantity over the draws, for each scope and revenue view",
    [
        SCOPE,
        VIEW,
        BOUND,
        QUANTITY,
        Column("unit", "text", "unit of the figures", required=True),
        *(
            Column(name, "real", f"{share:.0%} of the draws are below it", formula=_over_draws(f"{share:.0%} quantile"))
            for name, share in QUANTILES.items()
        ),
        Column("mean", "real", "mean over the draws", formula=_over_draws("mean")),
        Column(
            "p50_standard_error",
            "real",
            f"standard error of the median by simulation alone, from {BATCHES} batches of the draws",
            minimum=0,
        ),
        Column("draws", "integer", "draws", "draws", required=True, minimum=1),
        Column("seed", "integer", "seed of the random numbers", required=True),
        Column("known_on", "date", "day on which the newest fact behind it became public"),
    ],
    key=("scope", "revenue_view", "bound", "quantity"),
    checks=(
        Check(
            "quantiles_in_order",
            "select * from {table} where p05 > p25 or p25 > p50 or p50 > p75 or p75 > p95",
            "quantiles out of order are not of one distribution",
        ),
        Check(
            "null_has_a_reason",
            "select * from {table} where reasons is null "
            "and (p05 is null or p50 is null or p95 is null or mean is null)",
            "a missing figure would look like one that was forgotten",
        ),
        Check(
            "bounds_in_order",
            "select * from {table} l join {table} u using (scope, revenue_view, quantity) where l.bound = 'lower' "
            "and u.bound = 'upper' and quantity in ('attributable_revenue_usd', 'coverage') and l.p50 > u.p50",
            "more revenue at the lower bound than at the upper one",
        ),
        Check(
            "shares_are_possible",
            "select * from {table} where (p05 < 0 or p95 > 1) "
            "and quantity in ('training_share_with_experiments', 'redundant_capex_share_gross')",
            "a share of capex lies between none and all",
        ),
    ),
    guide=Guide(
        "One row for each scope, revenue view, bound and quantity.",
        "over bounds or views: they are several answers to one question. coverage has one row a scope and view.",
        {
            "What is Microsoft's coverage at each bound?": "select bound, p05, p50, p95 from waste_simulation where scope "
            "= 'MSFT' and quantity = 'coverage'",
            "How much of the spending is redundant?": "select scope, p05, p50, p95, unit from waste_simulation where "
            "quantity = 'redundant_capex_share'",
            "Which growth breaks even?": "select scope, revenue_view, p50 from waste_simulation where quantity = "
            "'breakeven_growth' and bound = 'point'",
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
    spread: Spread | None = None,
) -> pl.DataFrame:
    """One row for each scope, view, bound and quantity (method 4 and 5). `spread` takes simulations, where others do some."""
    seed, draws = assumptions.integer("seed"), assumptions.integer("draws")
    everything = assumptions.value("detail") == "all"
    simulation = Simulation(seed, draws, BATCHES if everything else 0)
    listed_models = list(
        models(training_share, capex_vintages, attributable_revenue, evidence, assumptions=assumptions)
    )
    if spread is not None:
        simulation.spread_out(listed_models, spread)
    rows = []
    for model in listed_models:
        for quantity in _quantities(model):
            is_known = quantity in model.quantities
            rows.append(
                {
                    "scope": model.scope,
                    "revenue_view": model.view,
                    "bound": model.bound,
                    "quantity": quantity,
                    "unit": UNITS.get(quantity, "share"),
                    "draws": draws,
                    "seed": seed,
                    "known_on": model.known_on if is_known else None,
                    "grade": model.grade if is_known else None,
                    **_of_quantity(model, quantity, simulation),
                }
            )
    return pl.DataFrame(rows, schema=dict(TABLE.polars_schema))


def _quantities(model: Model) -> Sequence[str]:
    """The quantities of which a model has a row each."""
    return SHARE_QUANTITIES if model.view == NO_VIEW else PAY_QUANTITIES


class Simulation:
    """Figures of quantities from a number of draws; those that others made first, where work is spread.

    A piece is all draws of one computation: a quantile needs them all, and each gives the same bytes wherever it is made.
    """

    def __init__(self, seed: int, draws: int, batches: int) -> None:
        self.seed, self.draws, self.batches = seed, draws, batches
        self._made_elsewhere: dict[tuple[Computation, str], Figures] = {}

    def spread_out(self, listed_models: Sequence[Model], spread: Spread) -> None:
        """Have others make the figures of these models."""
        asked: dict[Computation, dict[str, None]] = {}
        for model in listed_models:
            for quantity in _quantities(model):
                if quantity in model.quantities and self.states(model, quantity):
                    asked.setdefault(Computation(model.about(quantity)), {})[quantity] = None
        pieces = [
            (computation, of, spread.submit(_all_figures, computation, tuple(of), self.seed, self.draws, self.batches))
            for computation, of in asked.items()
        ]
        for computation, of, piece in pieces:
            self._made_elsewhere |= {
                (computation, quantity): found for quantity, found in zip(of, piece.result(), strict=True)
            }

    def states(self, model: Model, quantity: str) -> bool:
        """Whether a quantity's figures are given; with less detail those that decide are, and no others."""
        return bool(self.batches) or quantity in model.stated

    def figures(self, model: Model, quantity: str) -> Figures:
        computation = Computation(model.about(quantity))
        found = self._made_elsewhere.get((computation, quantity))
        return found or _figures(computation, quantity, self.seed, self.draws, self.batches)


def _all_figures(
    computation: Computation, quantities: tuple[str, ...], seed: int, draws: int, batches: int
) -> list[Figures]:
    """The figures of several quantities that one computation gives: a piece of work."""
    return [_figures(computation, quantity, seed, draws, batches) for quantity in quantities]


def _of_quantity(model: Model, quantity: str, simulation: Simulation) -> dict[str, Any]:
    """The figures of one quantity, and the reasons for those that are missing."""
    figures: Mapping[str, float | None] = {}
    why: str | None = None
    if quantity in model.quantities:
        if simulation.states(model, quantity):
            figures, why = simulation.figures(model, quantity)
        else:
            why = reason("only_what_decides")
    return {**figures, "reasons": listed([model.reasons.get(quantity), why, *model.notes])}


@lru_cache(maxsize=128)
def _figures(computation: Computation, quantity: str, seed: int, draws: int, batches: int) -> Figures:
    """Quantiles, mean and the error of the median; None, with the reason, where a figure is not finite."""
    values = simulated(computation, seed, draws)[quantity]
    found = dict(zip(QUANTILES, np.quantile(values, list(QUANTILES.values()), method="inverted_cdf"), strict=True))
    endless = np.isinf(values).mean()
    of_growth = quantity == "breakeven_growth"
    with np.errstate(invalid="ignore"):
        found["mean"] = values.mean()
    if batches:
        parts = values[: len(values) // batches * batches].reshape(batches, -1)
        with np.errstate(invalid="ignore"):
            found["p50_standard_error"] = np.median(parts, axis=1).std(ddof=1) / np.sqrt(batches)
    if endless and of_growth:
        why: str | None = reason(
            "outside_of_growth", below=float(np.mean(values < -1)), above=float(np.mean(values > 1e9))
        )
    else:
        why = reason("endless_draws", share=float(endless)) if endless else None
    return {name: float(value) if np.isfinite(value) else None for name, value in found.items()}, why


MART = Mart(
    table=TABLE,
    build=build,
    traces=(
        Trace(
            "marts.training_share",
            "m.revenue_view = 'none' and t.year = (select max(u.year) from marts.training_share u "
            "where not u.is_lower_bound and u.training_share is not null)",
        ),
        Trace(
            "marts.capex_vintages",
            "m.revenue_view <> 'none' and (t.ticker = m.scope or m.scope = 'ALL') and t.capex_usd is not null",
        ),
        Trace(
            "marts.attributable_revenue",
            "m.quantity in ('attributable_revenue_usd', 'coverage', 'breakeven_growth', 'marginal_coverage') "
            "and t.scope = m.scope and t.revenue_view = m.revenue_view and (t.counted "
            "or m.quantity = 'marginal_coverage' and t.used_as = 'earlier')",
        ),
        Trace(
            "core.evidence",
            "m.revenue_view = 'end_customer' and t.topic = 'capacity' and t.metric in "
            "('h100_equivalents_owned', 'h100_equivalents_total') and t.known_on <= m.known_on",
        ),
        # The judgements that are drawn, and through them the facts that they rest on.
        Trace(
            "marts.assumptions",
            "t.key in ('share_final', 'utilisation', 'fleet', 'undisclosed_gross_up', "
            "'training_share_readings', 'inference_share', 'efficiency_gain', 'elasticity') "
            "and m.revenue_view = 'none' or m.revenue_view <> 'none' "
            "and t.key in ('life', 'discount_rate', 'cash_margin', 'ai_share', 'attributable_revenue')",
        ),
    ),
)
