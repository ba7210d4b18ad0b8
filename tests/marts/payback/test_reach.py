"""Facts that deserve each verdict of Q2 and Q3 get it, by way of the simulation."""

from __future__ import annotations

import pytest

from tests.marts import made_up
from tests.marts.payback.cases import (
    FEW,
    revenue,
    run,
    share,
)
from warehouse.assumptions import Assumptions


def verdict_of(question: str, assumptions: Assumptions, *, signals: dict | None = None, **changed) -> str:
    found = run(assumptions.replaced(FEW), **changed)
    frames = made_up.frames(**found, **{name: changed[name] for name in changed if name != "capex_vintages"})
    frames["glut_signals"] = made_up.glut(signals or {})
    frames.pop("capex_vintages", None)
    return made_up.verdicts_of(frames, assumptions)["MSFT", question]["verdict"]


@pytest.mark.parametrize(
    ("flop", "elasticity", "wanted"),
    [
        (1e29, 0.2, "looks_wasteful"),  # training is most of the fleet's work, demand hardly responds
        (1e25, 0.2, "not_shown_wasteful"),  # training is next to nothing
        (1e29, 1.2, "not_shown_wasteful"),  # cheaper training calls for more
        (1.5e27, 0.2, "cannot_tell"),  # the median is below the threshold and the tail above it
    ],
)
def test_reach_of_q2(flop, elasticity, wanted, assumptions):
    assert verdict_of("Q2", assumptions.replaced({"elasticity": elasticity}), training_share=share(flop=flop)) == wanted


GLUT = {"rental_prices": True, "falling_backlog": True}


@pytest.mark.parametrize(
    ("earned", "signals", "wanted"),
    [
        (1e9, GLUT, "looks_wasteful"),
        (0.0, GLUT, "looks_wasteful"),
        (1e9, {"rental_prices": True}, "cannot_tell"),
        (1e9, {}, "cannot_tell"),
        (60e9, {}, "not_shown_wasteful"),
        (60e9, {"rental_prices": True}, "cannot_tell"),
        (60e9, GLUT, "cannot_tell"),
    ],
)
def test_reach_of_q3(earned, signals, wanted, assumptions):
    lines = revenue(("Microsoft", None, earned, None))
    assert verdict_of("Q3", assumptions, signals=signals, attributable_revenue=lines) == wanted


def test_reach_of_q3_without_revenue_or_with_a_lower_bound(assumptions):
    assert verdict_of("Q3", assumptions, signals=GLUT, attributable_revenue=revenue()) == "cannot_tell"
    lower = revenue(("Microsoft", None, 1e9, None), lower=True)
    assert verdict_of("Q3", assumptions, signals=GLUT, attributable_revenue=lower) == "cannot_tell"
