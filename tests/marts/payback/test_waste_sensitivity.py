"""Rank correlations are those of scipy, and a turning value turns the verdict."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tests.marts import made_up
from tests.marts.payback.cases import (
    FEW,
    POINTS_Q2,
    POINTS_Q3,
    WASTE,
    grown,
    line,
    model,
    revenue,
    row,
    run,
    share,
    view_of,
)
from warehouse.marts.payback import waste_sensitivity
from warehouse.marts.payback.model import Model
from warehouse.marts.payback.turning_values import of_payback, of_share


@given(st.lists(st.floats(-1e3, 1e3) | st.sampled_from([0.0, 1.0, np.inf]), min_size=2, max_size=30))
def test_ranks_are_scipys_also_where_values_are_equal(values):
    found = waste_sensitivity._ranks(np.array(values))
    ranks = stats.rankdata(values)
    wanted = ranks - ranks.mean()
    length = np.sqrt(wanted @ wanted)
    np.testing.assert_allclose(found, wanted / length if length else np.zeros(len(values)), atol=1e-12)


def test_rank_correlations_are_scipys(assumptions):
    lines = revenue(line("Microsoft", 20e9, low_usd=10e9, high_usd=30e9, has_range=True))
    found = run(assumptions.replaced(FEW), attributable_revenue=lines)
    asked = model(assumptions, attributable_revenue=lines)
    seed = assumptions.integer("seed")
    coverage = asked.simulate(seed, 2000)["coverage"]
    at = {"scope": "MSFT", "revenue_view": "infrastructure", "bound": "point", "quantity": "coverage"}
    for name, values in asked.draw(seed, 2000).items():
        if name == "growth":
            continue
        wanted = stats.spearmanr(values, coverage).statistic ** 2
        got = row(found["waste_sensitivity"], **at, driver=name)["rank_correlation_squared"]
        assert got == pytest.approx(wanted, abs=1e-12), name


def test_the_tornado_is_the_formula_at_the_ends(assumptions):
    """All 160 billion stand at every life from three years on."""
    found = run(assumptions.replaced({**POINTS_Q3, "life": {"distribution": "uniform", "low": 3, "high": 6}, **FEW}))
    bar = row(found["waste_sensitivity"], scope="MSFT", revenue_view="infrastructure", bound="point",
              quantity="required_revenue_usd", driver="life")  # fmt: skip
    for end, life in (("low", 3), ("central", 4.5), ("high", 6)):
        assert bar[f"quantity_at_{end}"] == pytest.approx(160e9 * 0.6 * 0.1 / (1 - 1.1**-life) / 0.5)


def test_growth_turns_q3_at_the_growth_that_breaks_even(assumptions):
    """All else certain, being on course is lost where growth seen is below the one growth that recovers the capital."""
    certain = assumptions.replaced({**POINTS_Q3, **FEW})
    found = run(certain)
    at = {"scope": "MSFT", "revenue_view": "infrastructure", "bound": "point"}
    flip = row(found["waste_sensitivity"], **at, quantity="breakeven_growth", driver="growth")
    breaks_even = row(found["waste_simulation"], **at, quantity="breakeven_growth")["p50"]
    assert flip["flip_value"] == pytest.approx(breaks_even, rel=1e-4)
    assert flip["turns"] == "on_course"


def test_elasticity_turns_q2_where_algebra_says(assumptions):
    """s (1 - k ** (e - 1)) = 1/4 at e = 1 + ln(1 - 1 / (4 s)) / ln k."""
    certain = assumptions.replaced({**POINTS_Q2, **FEW})
    found = run(certain, training_share=share(flop=1e28))["waste_sensitivity"]
    s = min(1.0, 1e28 * 2 / (10e6 * 989.4e12 * 0.4 * 31_536_000) / 0.2)
    at = {"scope": "ALL", "revenue_view": "none", "bound": "point", "quantity": "redundant_capex_share"}
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


def test_a_turning_value_turns_the_verdict_of_q2(assumptions):
    """Two per mille to either side of it, set as a user would set it, the condition holds and does not.

    With other draws than the verdict's the value would be a few percent off.
    """
    few = assumptions.replaced({"draws": 50_000})
    # Elasticity below one and much training: Q2's distribution straddles the threshold, so that many drivers can turn it.
    moved = few.replaced({"elasticity": {"low": 0.0, "mode": 0.2, "high": 0.5, "distribution": "triangular"}})
    frames = {"training_share": share(flop=5e27)}
    asked = model(moved, "ALL", "none", **frames)
    turning = {name: turn.value for name, turn in of_share(asked, moved).items() if turn.value is not None}
    assert len(turning) >= 4, turning
    for name, value in turning.items():
        outcomes = set()
        for side in (0.998, 1.002):
            changed = moved.replaced({name: as_assumption(name, value * side, asked)})
            figures = row(run(changed, WASTE[:1], **frames)["waste_simulation"], scope="ALL", revenue_view="none",
                          quantity="redundant_capex_share")  # fmt: skip
            outcomes.add((figures["p50"] >= 0.25, figures["p95"] < 0.25))
        assert len(outcomes) == 2, (name, value, outcomes)


@pytest.mark.parametrize(
    "lines", [grown(), grown(4e9, 3.5e9), grown(25e9, None)], ids=["on course", "falls short", "leans"]
)
def test_a_turning_value_turns_the_verdict_of_q3(lines, assumptions):
    """The same through the whole chain: the verdict, or where none can be reached the leaning, is another."""
    few = assumptions.replaced({"draws": 20_000})
    frames = {"attributable_revenue": lines}
    view = view_of(few, **frames)
    turning = {name: turn.value for name, turn in of_payback(view, few).items() if turn.value is not None}
    assert len(turning) >= 3, turning
    for name, value in turning.items():
        # Growth that was seen is a fact; only where none was can a user set it.
        if name == "growth" and view.growth.low is not None:
            continue
        outcomes = {answer(few.replaced({name: as_assumption(name, value * side, view["point"])}), **frames)
                    for side in (0.998, 1.002)}  # fmt: skip
        assert len(outcomes) == 2, (name, value, outcomes)


def answer(assumptions, **frames) -> tuple[str, str | None]:
    found = made_up.frames(**run(assumptions, **frames), **frames)
    row_of = made_up.verdicts_of(found, assumptions)["MSFT", "Q3"]
    return row_of["verdict"], row_of["leaning"]
