"""The quantities of the simulation by name, and the formula that turns draws into shares of capex (Q2).

It takes arrays of draws or single numbers alike, and reads no table: what goes in is named by driver, what comes out by
quantity. The formulas of Q3 are in `recovery` and `payback_model`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from warehouse.marts.common.units import H100_DENSE_BF16_FLOP_PER_S, SECONDS_PER_YEAR
from warehouse.tables.formula import Formula

Values = Mapping[str, Any]
SHARE_QUANTITIES = (
    "training_share",
    "training_share_with_experiments",
    "redundant_capex_share_gross",
    "redundant_capex_share",
)
PAY_QUANTITIES = (
    "required_revenue_usd",
    "attributable_revenue_usd",
    "coverage",
    "breakeven_growth",
    "marginal_coverage",
    "breakeven_revenue_usd",
    "standing_capital_usd",
    "remaining_life_years",
)

_B = "Σ capex × ai_share × (1 − (1 + r)^−(L − a)) / (1 − (1 + r)^−L)"
QUANTITY_FORMULAS: Mapping[str, Formula] = {
    "training_share": Formula(
        "operations of the year's models, grossed up for the undisclosed, over what the world's fleet can do in a year",
        "FLOP added × gross-up / (H100-equivalents × 989.4e12 × utilisation × 31,536,000)",
        "4.3",
    ),
    "training_share_with_experiments": Formula(
        "of each draw one reading: the training share over the final runs' share of it, at most 1, or one less the inference "
        "share of computing",
        "s = min(training share / share_final, 1), or s = 1 − inference share",
        "4.3",
    ),
    "redundant_capex_share_gross": Formula(
        "of the share that trains, what a price fallen by k saves before demand responds", "s × (1 − 1 / k)", "4.5"
    ),
    "redundant_capex_share": Formula(
        "of the share that trains, what a price fallen by k saves after demand has responded with elasticity e",
        "s × (1 − k^(e − 1))",
        "4.5",
    ),
    "required_revenue_usd": Formula(
        "what the vintages of spending have to bring in a year over their lives",
        "Σ capex × ai_share × CRF(r, L) / m, with CRF(r, L) = r / (1 − (1 + r)^−L)",
        "5",
    ),
    "attributable_revenue_usd": Formula(
        "the facts known last, added up over the sellers; of end customers the industry's, times the group's share of the "
        "world's computing",
        "R = Σ revenue, or R = industry × owned / world",
        "5",
    ),
    "coverage": Formula("attributable revenue over required revenue", "R / Σ (capex × ai_share × CRF(r, L) / m)", "5"),
    "breakeven_growth": Formula(
        "the yearly growth at which revenue recovers what the standing capital still has to earn, over its remaining life n",
        f"g* with m × R × (e^(x × n) − 1) / x = B, x = ln(1 + g*) − ln(1 + r), B = {_B}",
        "5",
    ),
    "marginal_coverage": Formula(
        "the yearly revenue that came in a year against what a year's capex has to bring",
        "(R − R a year before) / (capex of the four quarters to the lag × ai_share × CRF(r, L) / m)",
        "5",
        assumptions=("lag_quarters",),
    ),
    "breakeven_revenue_usd": Formula(
        "the revenue whose break-even growth is the lowest growth observed",
        "B / (m × (e^(x × n) − 1) / x), x = ln(1 + lowest growth) − ln(1 + r)",
        "5",
    ),
    "standing_capital_usd": Formula("what is still to be recovered of the vintages that stand", f"B = {_B}", "5"),
    "remaining_life_years": Formula(
        "what is left of the lives of the vintages that stand, weighted by spending",
        "n = Σ capex × (L − a) / Σ capex",
        "5",
    ),
}
"""How each quantity comes about. Of a vintage, a is its age and L its life; r is the cost of capital, m the cash margin."""

DRIVER_MEANINGS: Mapping[str, str] = {
    "fleet": "computing that the world's and the group's chips can do",
    "utilisation": "share of it that is done",
    "undisclosed_gross_up": "all training over the part that is disclosed",
    "share_final": "share of research computing that final runs take",
    "inference_share": "share of computing that serves users",
    "training_share_readings": "which reading of the share that trains counts in a draw",
    "efficiency_gain": "how many times cheaper the same capability becomes",
    "elasticity": "how demand for training responds to its price",
    "life": "years that the hardware earns",
    "discount_rate": "cost of capital, a year",
    "cash_margin": "share of the revenue that is left to pay for the capital",
    "ai_share": "share of the spending that is for AI",
    "growth": "growth of the revenue, a year",
    "attributable_revenue": "the revenue itself, between its bounds",
}
"""What is drawn for the quantities. The assumption of the same name has its range and citation."""


def redundancy(values: Values, training_flop_added: float | None) -> dict[str, Any]:
    """How much capex cheap training makes redundant (method 4.2 to 4.5), by quantity; shares.

    `fleet` is in H100-equivalents, `inference_share` a share of computing, `efficiency_gain` is k, `elasticity` is e.
    `training_share_readings` says which reading of the share that trains counts in a draw: below zero the sum of models
    over the fleet, above it one less the inference share. With the drivers of one reading alone, that one counts.
    """
    found: dict[str, Any] = {}
    bottom_up = None
    if "fleet" in values and training_flop_added is not None:
        fleet_flop = values["fleet"] * H100_DENSE_BF16_FLOP_PER_S * values["utilisation"] * SECONDS_PER_YEAR
        found["training_share"] = training_flop_added * values["undisclosed_gross_up"] / fleet_flop
        bottom_up = np.minimum(found["training_share"] / values["share_final"], 1.0)
    rest = 1 - values["inference_share"] if "inference_share" in values else None
    trains = _one_reading(bottom_up, rest, values.get("training_share_readings"))
    gain = values["efficiency_gain"]
    return found | {
        "training_share_with_experiments": trains,
        "redundant_capex_share_gross": made_redundant(trains, gain, 0.0),
        "redundant_capex_share": made_redundant(trains, gain, values["elasticity"]),
    }


def _one_reading(bottom_up: Any, rest: Any, which: Any) -> Any:
    """The reading that counts in each draw; halfway between the two (as in a middle case) their mean."""
    if bottom_up is None or rest is None:
        return rest if bottom_up is None else bottom_up
    side = np.sign(which)
    return np.where(side < 0, bottom_up, np.where(side > 0, rest, (bottom_up + rest) / 2))


def made_redundant(trains: Any, gain: Any, elasticity: Any) -> Any:
    """s (1 - k^(e - 1)): of the share that trains, what a price fallen by k saves after demand's response (method 4.5)."""
    return trains * (1 - gain ** (elasticity - 1.0))
