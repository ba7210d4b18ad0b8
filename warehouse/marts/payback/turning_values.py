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
Held = Mapping[str, Any]
Margin = Callable[[str, Held], float]
"""How far a condition is from its threshold (at least zero where it holds), with some drivers held at a value."""
LEANS = "leaning"
MEANINGS = {
    **share_model.VERDICT_MEANINGS,
    **tests.VERDICT_MEANINGS,
    LEANS: "no verdict can be reached; what it leans to turns",
}


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

    @cache
    def margins(held: tuple[tuple[str, Any], ...]) -> Mapping[str, float]:
        found = share_model.margins(model.compute({**drawn, **dict(held)})["redundant_capex_share"], limit)
        # At the limit itself it is not below it.
        return {**found, "not_shown_wasteful": found["not_shown_wasteful"] - TOLERANCE}

    return _turning(model, margins(()), lambda condition, held: margins(tuple(held.items()))[condition])


def of_payback(view: PaybackView, assumptions: Assumptions) -> Turning:
    """For each driver of a view of Q3 the value at which it alone turns what the view says, or None with the reason."""
    model = view[POINT]
    if not view.has_revenue:
        return {driver.name: Turn() for driver in model.drivers}
    values = tests.simulated_values(view, assumptions.integer("seed"), assumptions.integer("draws"))
    now = tests.margins([tests.probabilities(view, values, wanted=tests.DECIDING)], assumptions)
    if all(margin is None for margin in now.values()):
        only_point = {POINT: values[POINT]}
        lean = partial(_leaning_margin, view, only_point, assumptions.number("leaning_minimum"))
        found = _turning(model, {name: lean(name, {}) for name in (tests.ON_COURSE, tests.FALLS_SHORT)}, lean)
        mark = reason("turns_the_leaning")
        return {name: turn if turn.value is None else Turn(turn.value, LEANS, mark) for name, turn in found.items()}

    def margin(verdict: str, held: Held) -> float:
        bound = tests.BOUND_OF[verdict]
        at = tests.probabilities(view, values, held, {bound: tests.DECIDING[bound]})
        found = tests.margins([at], assumptions)[verdict]
        assert found is not None
        return found

    return _turning(model, {verdict: each for verdict, each in now.items() if each is not None}, margin)


def _leaning_margin(view: PaybackView, values: Mapping[str, Any], least: float, verdict: str, held: Held) -> float:
    """By growth alone: how far a leaning is from its least share."""
    seen = tests.WITHIN_LOWEST if verdict == tests.ON_COURSE else tests.BEYOND_HIGHEST
    wanted = seen if view.growth.low is not None else tests.WITHIN_DRAWN
    found = tests.probabilities(view, values, held, {POINT: (wanted,)}, at_ends=False)
    share = found.get(POINT, wanted) or 0.0
    return (1 - share if wanted == tests.WITHIN_DRAWN and verdict == tests.FALLS_SHORT else share) - least


def _turning(model: Model, now: Mapping[str, float], margin: Margin) -> Turning:
    # Only the condition that holds can be lost; where none holds, each could be won.
    watched = [name for name, each in now.items() if each >= 0] or list(now)
    found: dict[str, Turn] = {}
    for driver in model.drivers:
        turns = [Turn(value, name) for name in watched for value in _roots(_alone(margin, name, driver), driver)]
        nearest = min(turns, key=partial(_distance, driver.central), default=None)
        found[driver.name] = nearest or Turn(reason=reason("never_turns"))
    return found


def _alone(margin: Margin, condition: str, driver: Driver) -> Callable[[float], float]:
    """The margin of a condition by the value of one driver; its ends are asked about more than once."""

    @cache
    def at(value: float) -> float:
        return margin(condition, {driver.name: value})

    return at


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
