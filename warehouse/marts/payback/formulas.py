"""The two formulas that turn draws into shares of capex (Q2) and into coverage (Q3).

They take arrays of draws or single numbers alike, and read no table: what goes in is named by driver, what comes out by
quantity.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from warehouse.marts.common.units import H100_DENSE_BF16_FLOP_PER_S, SECONDS_PER_YEAR

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
    "years_to_cover",
    "remaining_life_years",
)


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


def capital_recovery(rate: Any, life: Any) -> Any:
    """CRF(r, L) = r / (1 - (1 + r)^-L): what has to come back each year for one dollar spent; 1 / L at no interest."""
    rate, life = np.asarray(rate, dtype=float), np.asarray(life, dtype=float)
    counts = rate > 1e-12  # below it the formula is rounding, and the limit 1 / L exact
    some = np.where(counts, rate, 1.0)
    return np.where(counts, some / -np.expm1(-life * np.log1p(some)), 1 / life)


def payback(values: Values, capex_usd: Sequence[float], ages_years: Sequence[float]) -> dict[str, Any]:
    """Does the spend pay (method 5)? By quantity; `capex_usd` and `ages_years` are the vintages'.

    A vintage older than its life has dropped out. Where all have, nothing is required: coverage is infinite and there
    is no remaining life. Coverage of 1 or more takes no years; without growth it takes for ever.
    """
    life = np.asarray(values["life"], dtype=float)
    standing: Any = 0.0
    lived: Any = 0.0
    for capex, age in zip(capex_usd, ages_years, strict=True):
        alive = np.where(age < life, capex, 0.0)
        standing, lived = standing + alive, lived + alive * (life - age)
    recovery = capital_recovery(values["discount_rate"], life)
    required = standing * values["ai_share"] * recovery / values["cash_margin"]
    found = {
        "required_revenue_usd": required,
        "remaining_life_years": np.divide(lived, standing, out=np.zeros_like(lived + 0.0), where=standing > 0),
    }
    if "attributable_revenue" in values:
        revenue = np.asarray(values["attributable_revenue"], dtype=float)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            coverage = np.where(required > 0, revenue / np.where(required > 0, required, 1.0), np.inf)
            growth = np.asarray(values["growth"], dtype=float)
            years = np.log(1 / coverage) / np.log1p(np.where(growth > 0, growth, np.nan))
            years = np.where(coverage >= 1, 0.0, np.where(growth > 0, years, np.inf))
        found |= {"attributable_revenue_usd": revenue + 0 * required, "coverage": coverage, "years_to_cover": years}
    return found
