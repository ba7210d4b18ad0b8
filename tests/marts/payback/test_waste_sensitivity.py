"""Rank correlations are those of scipy, and a turning value turns the verdict."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tests.marts.payback.cases import (
    FEW,
    POINTS_Q2,
    POINTS_Q3,
    WASTE,
    model,
    revenue,
    row,
    run,
    share,
)
from warehouse.marts.payback import waste_sensitivity
from warehouse.marts.payback.model import Model
from warehouse.marts.payback.waste_sensitivity import turning_values


@given(st.lists(st.floats(-1e3, 1e3) | st.sampled_from([0.0, 1.0, np.inf]), min_size=2, max_size=30))
def test_ranks_are_scipys_also_where_values_are_equal(values):
    found = waste_sensitivity._ranks(np.array(values))
    ranks = stats.rankdata(values)
    wanted = ranks - ranks.mean()
    length = np.sqrt(wanted @ wanted)
    np.testing.assert_allclose(found, wanted / length if length else np.zeros(len(values)), atol=1e-12)


def test_rank_correlations_are_scipys(assumptions):
    found = run(assumptions.replaced(FEW), attributable_revenue=revenue(("Microsoft", 10e9, 20e9, 30e9)))
    asked = model(assumptions, attributable_revenue=revenue(("Microsoft", 10e9, 20e9, 30e9)))
    seed = assumptions.integer("seed")
    coverage = asked.simulate(seed, 2000)["coverage"]
    at = {"scope": "MSFT", "revenue_view": "infrastructure", "quantity": "coverage"}
    for name, values in asked.draw(seed, 2000).items():
        wanted = stats.spearmanr(values, coverage).statistic ** 2
        got = row(found["waste_sensitivity"], **at, driver=name)["rank_correlation_squared"]
        assert got == pytest.approx(wanted, abs=1e-12), name


def test_the_tornado_is_the_formula_at_the_ends(assumptions):
    found = run(assumptions.replaced({**POINTS_Q3, "life": {"distribution": "uniform", "low": 3, "high": 6}, **FEW}))
    bar = row(found["waste_sensitivity"], scope="MSFT", revenue_view="infrastructure", quantity="required_revenue_usd",
              driver="life")  # fmt: skip
    for end, life in (("low", 3), ("central", 4.5), ("high", 6)):
        assert bar[f"quantity_at_{end}"] == pytest.approx(100e9 * 0.6 * 0.1 / (1 - 1.1**-life) / 0.5)


def test_growth_turns_q3_where_algebra_says(assumptions):
    """All else certain, it is covered in half of what is left when (1 + g) ** (left / 2) = 1 / coverage."""
    certain = assumptions.replaced({**POINTS_Q3, **FEW})
    left = 5 - 365 / 365.25
    coverage = 20e9 * 0.5 / (100e9 * 0.6 * 0.2637974808)
    found = run(certain)["waste_sensitivity"]
    at = {"scope": "MSFT", "revenue_view": "infrastructure", "quantity": "coverage"}
    assert row(found, **at, driver="growth")["flip_value"] == pytest.approx(coverage ** (-2 / left) - 1, rel=1e-4)


def test_elasticity_turns_q2_where_algebra_says(assumptions):
    """s (1 - k ** (e - 1)) = 1/4 at e = 1 + ln(1 - 1 / (4 s)) / ln k."""
    certain = assumptions.replaced({**POINTS_Q2, **FEW})
    found = run(certain, training_share=share(flop=1e28))["waste_sensitivity"]
    s = min(1.0, 1e28 * 2 / (10e6 * 989.4e12 * 0.4 * 31_536_000) / 0.2)
    at = {"scope": "ALL", "revenue_view": "none", "quantity": "redundant_capex_share"}
    assert row(found, **at, driver="elasticity")["flip_value"] == pytest.approx(
        1 + np.log(1 - 0.25 / s) / np.log(4), rel=1e-4
    )


# What a user's number for a driver is a multiple of; the others are replaced as they are.
def as_assumption(driver: str, value: float, of: Model) -> float:
    if driver == "fleet":
        return value / 10e6
    if driver == "attributable_revenue":
        return value / next(d for d in of.drivers if d.name == driver).central
    return value


@pytest.mark.parametrize("view", ["none", "infrastructure"])
def test_a_turning_value_turns_the_verdict(view, assumptions):
    """Two per mille to either side of it, set as a user would set it, the condition holds and does not.

    With other draws than the verdict's the value would be a few percent off.
    """
    few = assumptions.replaced({"draws": 50_000})
    # Elasticity below one and much training: Q2's distribution straddles the threshold, so that many drivers can turn it.
    moved = few.replaced({"elasticity": {"low": 0.0, "high": 0.5}})
    frames = {"training_share": share(flop=5e27)}
    scope = "ALL" if view == "none" else "MSFT"
    asked = model(moved, scope, view, **frames)
    turning = {name: value for name, (value, _) in turning_values(asked, 0, moved).items() if value is not None}
    assert len(turning) >= 4, turning
    quantity = "redundant_capex_share"
    for name, value in turning.items():
        outcomes = set()
        for side in (0.998, 1.002):
            changed = moved.replaced({name: as_assumption(name, value * side, asked)})
            found = run(changed, WASTE[:2], **frames)
            if view == "none":
                figures = row(found["waste_simulation"], scope=scope, revenue_view=view, quantity=quantity)
                outcomes.add((figures["p50"] >= 0.25, figures["p95"] < 0.25))
            else:
                events = row(found["waste_probabilities"], scope=scope, revenue_view=view,
                             event="years_within_share_of_life")  # fmt: skip
                outcomes.add(events["probability"] >= 0.5)
        assert len(outcomes) == 2, (name, value, outcomes)
