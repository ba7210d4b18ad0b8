"""The value of each driver at which it alone turns what is concluded.

It is solved for, not read off a grid: the driver is held at a value, at both bounds of revenue, all others are drawn, and
the condition that decides is brought to its threshold by Brent's method (`scipy.optimize.brentq`). As many draws as the
verdict has: with fewer, a value said to turn it could be a few per cent off and not do so.

Where no verdict of Q3 can be reached (revenue a year earlier is unknown) the value is the one at which the leaning turns,
and its row says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import brentq

from warehouse.assumptions import Assumptions
from warehouse.marts.common.reasons import reason
from warehouse.marts.payback import breakeven_tests as tests
from warehouse.marts.payback import share_model
from warehouse.marts.payback.draws import Driver
from warehouse.marts.payback.model import POINT, Model
from warehouse.marts.payback.payback_model import PaybackView

TOLERANCE = 1e-6
Margins = Callable[[Mapping[str, Any]], Mapping[str, float]]
LEANS = "leaning"


class Turn(NamedTuple):
    """A value of a driver and the verdict that it gives or takes away, or the reason why there is none."""

    value: float | None = None
    turns: str | None = None
    reason: str | None = None


Turning = Mapping[str, Turn]


def of_share(model: Model, assumptions: Assumptions) -> Turning:
    """For each driver of Q2 the value at which it alone turns the verdict, or None with the reason."""
    if model.deciding not in model.quantities:
        return {driver.name: Turn() for driver in model.drivers}
    limit = assumptions.number("q2_threshold")
    drawn = model.draw(assumptions.integer("seed"), assumptions.integer("draws"))

    def margins(held: Mapping[str, Any]) -> Mapping[str, float]:
        found = share_model.margins(model.compute({**drawn, **held})["redundant_capex_share"], limit)
        # At the limit itself it is not below it.
        return {**found, "not_shown_wasteful": found["not_shown_wasteful"] - TOLERANCE}

    return _turning(model, margins)


def of_payback(view: PaybackView, assumptions: Assumptions) -> Turning:
    """For each driver of a view of Q3 the value at which it alone turns what the view says, or None with the reason."""
    model = view[POINT]
    if not view.has_revenue:
        return {driver.name: Turn() for driver in model.drivers}
    values = tests.simulated_values(view, assumptions.integer("seed"), assumptions.integer("draws"))
    now = tests.margins([tests.probabilities(view, values, wanted=tests.DECIDING)], assumptions)
    if all(margin is None for margin in now.values()):
        only_point = {POINT: values[POINT]}
        found = _turning(model, partial(_leaning_margins, view, only_point, assumptions.number("leaning_minimum")))
        mark = reason("turns_the_leaning")
        return {name: turn if turn.value is None else Turn(turn.value, LEANS, mark) for name, turn in found.items()}

    def margins(held: Mapping[str, Any]) -> Mapping[str, float]:
        at = tests.margins([tests.probabilities(view, values, held, tests.DECIDING)], assumptions)
        return {verdict: margin for verdict, margin in at.items() if margin is not None}

    return _turning(model, margins)


def _leaning_margins(
    view: PaybackView, values: Mapping[str, Any], least: float, held: Mapping[str, Any]
) -> Mapping[str, float]:
    """By growth alone: how far a leaning is from its least share."""
    of_growth = (tests.WITHIN_LOWEST, tests.BEYOND_HIGHEST) if view.growth.low is not None else (tests.WITHIN_DRAWN,)
    found = tests.probabilities(view, values, held, {POINT: of_growth}, at_ends=False)
    drawn = found.get(POINT, tests.WITHIN_DRAWN) or 0.0
    within, beyond = found.get(POINT, tests.WITHIN_LOWEST), found.get(POINT, tests.BEYOND_HIGHEST)
    return {
        tests.ON_COURSE: (drawn if within is None else within) - least,
        tests.FALLS_SHORT: (1 - drawn if beyond is None else beyond) - least,
    }


def _turning(model: Model, margins: Margins) -> Turning:
    now = margins({})
    # Only the condition that holds can be lost; where none holds, each could be won.
    watched = [name for name, margin in now.items() if margin >= 0] or list(now)
    found: dict[str, Turn] = {}
    for driver in model.drivers:
        # The ends of a driver are asked about for each condition, and again by the method that looks for its roots.
        at = cache(partial(_with_held, margins, driver.name))
        turns = [Turn(value, name) for name in watched for value in _roots(partial(_margin_at, at, name), driver)]
        nearest = min(turns, key=partial(_distance, driver.central), default=None)
        found[driver.name] = nearest or Turn(reason=reason("never_turns"))
    return found


def _with_held(margins: Margins, driver: str, value: float) -> Mapping[str, float]:
    return margins({driver: value})


def _margin_at(at: Callable[[float], Mapping[str, float]], condition: str, value: float) -> float:
    """How far a condition is from its threshold with one driver held at a value."""
    return at(value)[condition]


def _distance(centre: float, turn: Turn) -> float:
    return abs((turn.value or 0.0) - centre)


def _roots(statistic: Callable[[float], float], driver: Driver) -> list[float]:
    """Values on either side of the driver's median at which the statistic changes its sign."""
    centre = driver.central
    found = []
    for end in (driver.minimum, driver.maximum):
        low, high = sorted((centre, end))
        if low == high or not np.isfinite([low, high]).all():
            continue
        at_low, at_high = statistic(low), statistic(high)
        if np.isfinite([at_low, at_high]).all() and (at_low < 0) != (at_high < 0):
            found.append(float(brentq(statistic, low, high, xtol=TOLERANCE * max(abs(centre), TOLERANCE), rtol=1e-5)))
    return found
