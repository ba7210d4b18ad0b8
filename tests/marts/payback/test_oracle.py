"""Method 5 and 4 written a second time, straight from their formulas, and held against the marts.

Nothing of the marts' arithmetic is used: draws are numpy's own, vintages are summed one by one, and the break-even growth is
found by halving. What the two have in common is the method, the made-up facts and the ranges of the assumptions.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest

from tests.conftest import with_provenance
from tests.marts.payback.cases import A_YEAR_BEFORE, ON, row, run, share
from warehouse.tables import CORE

DRAWS = 60_000
QUARTERS = [(year, quarter) for year in (2024, 2025, 2026) for quarter in (1, 2, 3, 4)]
SPENT = {2024: 40e9, 2025: 100e9, 2026: 40e9}  # a quarter of it in the middle month of each quarter, as in `cases`
NOW, BEFORE = 20e9, 5e9  # revenue at the end of June 2026 and a year before
GROWN = (NOW / BEFORE) ** (365.25 / (ON - A_YEAR_BEFORE).days) - 1


class Draws:
    """Numbers drawn from an entry of the assumptions file by numpy, each name once."""

    def __init__(self, assumptions: Any) -> None:
        self.rng, self.assumptions, self.drawn = np.random.default_rng(7), assumptions, {}

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self.drawn:
            entry = self.assumptions[name]
            if entry["distribution"] == "uniform":
                self.drawn[name] = self.rng.uniform(entry["low"], entry["high"], DRAWS)
            elif entry["distribution"] == "triangular":
                self.drawn[name] = self.rng.triangular(entry["low"], entry["mode"], entry["high"], DRAWS)
            else:
                self.drawn[name] = self.rng.normal(entry["mean"], entry["sd"], DRAWS)
        return self.drawn[name]


def payback(of: Draws) -> dict[str, np.ndarray]:
    """Method 5 for the made-up spend and revenue, vintage by vintage."""
    life, rate, margin, ai = (of[name] for name in ("life", "discount_rate", "cash_margin", "ai_share"))
    recovery = rate / (1 - (1 + rate) ** -life)
    standing = owed = years = np.zeros(DRAWS)
    for year, quarter in QUARTERS:
        age = (ON - date(year, 3 * quarter - 1, 15)).days / 365.25
        if age < 0:
            continue
        usd = np.where(age < life, SPENT[year] / 4, 0.0)
        standing, years = standing + usd, years + usd * (life - age)
        owed = owed + usd * (1 - (1 + rate) ** -(life - age)) / (1 - (1 + rate) ** -life)
    owed, years = owed * ai, years / standing
    low, high = np.full(DRAWS, -0.9), np.full(DRAWS, 20.0)
    for _ in range(40):
        middle = (low + high) / 2
        x = np.log1p(middle) - np.log1p(rate)
        too_little = margin * NOW * (np.exp(x * years) - 1) / x < owed
        low, high = np.where(too_little, middle, low), np.where(too_little, high, middle)
    required = standing * ai * recovery / margin
    return {
        "required_revenue_usd": required,
        "standing_capital_usd": owed,
        "remaining_life_years": years,
        "coverage": NOW / required,
        "breakeven_growth": middle,
        "marginal_coverage": (NOW - BEFORE) / (SPENT[2025] * ai * recovery / margin),
    }


def redundancy(of: Draws) -> dict[str, np.ndarray]:
    """Method 4 for 1e27 operations of half of the year's models on ten million chips, and two published inference shares."""
    gross_up = of.rng.triangular(1, 1 / 0.5, 3 / 0.5, DRAWS)
    fleet = 10e6 * of["fleet"] * 989.4e12 * of["utilisation"] * 31_536_000
    bottom_up = np.minimum(1e27 * gross_up / fleet / of["share_final"], 1.0)
    inference = np.where(of.rng.random(DRAWS) < 0.5, of.rng.uniform(0.33, 0.67, DRAWS), of.rng.uniform(0.6, 0.8, DRAWS))
    trains = np.where(of.rng.random(DRAWS) < 0.5, bottom_up, 1 - inference)
    gain, elasticity = of["efficiency_gain"], of["elasticity"]
    return {
        "training_share_with_experiments": trains,
        "redundant_capex_share_gross": trains * (1 - 1 / gain),
        "redundant_capex_share": trains * (1 - gain ** (elasticity - 1)),
    }


def inference_shares() -> pl.DataFrame:
    about = {"topic": "inference", "as_of_date": date(2025, 12, 31), "unit": "share", "grade": "C",
             "known_on": date(2026, 3, 31)}  # fmt: skip
    rows = [
        about
        | {"evidence_id": "CC088", "entity": "Deloitte", "metric": "inference_share_of_compute", "value": 0.5,
           "value_low": 0.33, "value_high": 0.67},
        about
        | {"evidence_id": "CC089", "entity": "Epoch AI", "metric": "frontier_training_share_of_compute", "value": 0.05,
           "value_low": None, "value_high": None},
    ]  # fmt: skip
    return with_provenance(CORE["evidence"], pl.DataFrame(rows))


def test_a_second_implementation_finds_the_same(assumptions):
    """Within three standard errors of both, which at the ends of a distribution are a few per cent."""
    made = run(
        assumptions.replaced({"draws": 50_000}),
        ("waste_simulation", "waste_probabilities"),
        training_share=share(),
        evidence=inference_shares(),
    )
    of = Draws(assumptions)
    paid = payback(of)
    for view, found in (("infrastructure", paid), ("none", redundancy(of))):
        for quantity, values in found.items():
            mart = row(made["waste_simulation"], scope="MSFT", revenue_view=view, bound="point", quantity=quantity)
            spread = np.subtract(*np.quantile(values, [0.75, 0.25]))
            for name, at in (("p05", 0.05), ("p25", 0.25), ("p50", 0.5), ("p75", 0.75), ("p95", 0.95)):
                tolerance = 0.02 * spread + 0.02 * abs(np.quantile(values, at)) * (at in (0.05, 0.95))
                assert mart[name] == pytest.approx(np.quantile(values, at), abs=tolerance), (quantity, name)
    within = row(made["waste_probabilities"], scope="MSFT", bound="point", event="breakeven_within_lowest_growth")
    assert within["threshold"] == pytest.approx(GROWN)
    assert within["probability"] == pytest.approx(np.mean(paid["breakeven_growth"] <= GROWN), abs=0.006)
