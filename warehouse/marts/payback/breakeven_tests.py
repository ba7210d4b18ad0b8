"""The tests of Q3 (method 7) draw by draw: does revenue that grows as it has been seen to grow recover the capital?

A draw's break-even growth is at most some growth exactly where revenue that grows by it recovers the capital. So the
tests need no equation solved, and a marginal coverage above coverage is compared without the factors that both have.

On course is asked at the lower bound of revenue and falling short at the upper one, each with unknown quarters of capex at
both of their ends. The leaning is asked of each draw at the revenue that it drew.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from warehouse.assumptions import Assumptions
from warehouse.marts.common.kept import Kept
from warehouse.marts.common.reasons import reason
from warehouse.marts.payback.formulas import Values
from warehouse.marts.payback.model import LOWER, POINT, UPPER, Model
from warehouse.marts.payback.payback_model import Payback, PaybackView
from warehouse.marts.payback.recovery import HIGHEST_GROWTH, LOWEST_GROWTH, Capital, earned_over

ON_COURSE, FALLS_SHORT = "on_course", "falls_short"
VERDICT_MEANINGS = {
    ON_COURSE: "revenue grows fast enough to recover the capital",
    FALLS_SHORT: "it does not",
}
WITHIN_LOWEST = "breakeven_within_lowest_growth"
BEYOND_LOWEST = "breakeven_beyond_lowest_growth"
BEYOND_HIGHEST = "breakeven_beyond_highest_growth"
WITHIN_DRAWN = "breakeven_within_drawn_growth"
ABOVE, BELOW = "marginal_above_coverage", "marginal_below_coverage"
TESTS = (WITHIN_LOWEST, BEYOND_LOWEST, BEYOND_HIGHEST, WITHIN_DRAWN, ABOVE, BELOW)
# What the verdict asks for at each bound.
DECIDING: Mapping[str, Collection[str]] = {
    LOWER: (WITHIN_LOWEST, ABOVE),
    UPPER: (BEYOND_LOWEST, BEYOND_HIGHEST, BELOW),
}
# The bound at which each verdict is asked about.
BOUND_OF = {ON_COURSE: LOWER, FALLS_SHORT: UPPER}
Held = Mapping[str, Any]


@dataclass(frozen=True)
class Probabilities:
    """Share of the draws of each test at each bound, the less favourable of the ends of what was spent; by bound, test."""

    of: Mapping[tuple[str, str], float]

    def get(self, bound: str, test: str) -> float | None:
        return self.of.get((bound, test))

    @property
    def on_course(self) -> float | None:
        """The smaller of what on_course asks for, at the lower bound; None where a test is unknown."""
        return _least(self.get(LOWER, WITHIN_LOWEST), self.get(LOWER, ABOVE))

    @property
    def falls_short(self) -> float | None:
        """The larger of the two ways to fall short, at the upper bound; None where a test is unknown."""
        return self.get(UPPER, FALLS_SHORT)


def _least(*values: float | None) -> float | None:
    known = [value for value in values if value is not None]
    return min(known) if len(known) == len(values) else None


def outcomes(
    model: Model, formula: Any, values: Values, low: Any, high: Any, wanted: Collection[str] = TESTS
) -> dict[str, Any]:
    """Whether each draw passes each test that is wanted, for growth from `low` to `high` (None where none was seen)."""
    assert isinstance(formula, Payback)
    capital, rate = formula.capital(values), values["discount_rate"]
    revenue = formula.revenue(values)
    need, cash = capital.to_recover_usd * values["ai_share"], revenue * values["cash_margin"]
    found: dict[str, Any] = {}
    growths = {WITHIN_DRAWN: values.get("growth"), WITHIN_LOWEST: low, BEYOND_LOWEST: low, BEYOND_HIGHEST: high}
    for test, growth in growths.items():
        if test in wanted and growth is not None:
            within = cash * _earned(growth, rate, capital) >= need
            found[test] = within if test in (WITHIN_DRAWN, WITHIN_LOWEST) else ~within
    if "marginal_coverage" in model.quantities and {ABOVE, BELOW} & set(wanted):
        assert formula.earlier_revenue_usd is not None
        assert formula.recent_capex_usd is not None
        newest = (revenue - formula.earlier_revenue_usd) * capital.standing_usd
        average = revenue * formula.recent_capex_usd
        found[ABOVE], found[BELOW] = newest > average, newest < average
    return found


_EARNED: Kept[Any] = Kept(most=16)


def _earned(growth: Any, rate: Any, capital: Capital) -> Any:
    """Present value of a dollar a year that grows, over what is left of the capital."""
    years = capital.remaining_life_years
    within = np.clip(growth, LOWEST_GROWTH, HIGHEST_GROWTH)
    return _EARNED.get((growth, rate, years), lambda: earned_over(within, rate, years))


def shares(ends: Sequence[Mapping[str, Any]], part: np.ndarray | slice = slice(None)) -> dict[str, float]:
    """Share of the draws (or a part of them) that pass each test, the less favourable of the ends of what was spent.

    `ends` hold what each draw passes at each end, by test; falling short joins the tests where it can be told.
    """
    found: dict[str, float] = {}
    for outcome in ends:
        passed = {test: float(np.mean(draws[part])) for test, draws in outcome.items()}
        if (short := _either_way_short(passed)) is not None:
            passed[FALLS_SHORT] = short
        for test, share in passed.items():
            found[test] = min(share, found.get(test, 1.0))
    return found


def probabilities(
    view: PaybackView,
    values: Mapping[str, Values],
    held: Held | None = None,
    wanted: Mapping[str, Collection[str]] | None = None,
    *,
    at_ends: bool = True,
) -> Probabilities:
    """Of each test at each bound, from values of the drivers at each; `held` are drivers held at one value everywhere.

    `wanted` names the tests of each bound, where not all of them are; without `at_ends`, unknown quarters of capex count by
    their middle, as in a leaning.
    """
    found: dict[tuple[str, str], float] = {}
    held = held or {}
    for bound, of_bound in values.items():
        model = view[bound]
        if "coverage" not in model.quantities or (wanted is not None and bound not in wanted):
            continue
        given = {**of_bound, **held}
        low, high = (held["growth"],) * 2 if "growth" in held else (view.growth.low, view.growth.high)
        asked = TESTS if wanted is None else wanted[bound]
        formulas = (model.ends if at_ends else ()) or (model.formula,)
        ends = [outcomes(model, formula, given, low, high, asked) for formula in formulas]
        found |= {(bound, test): share for test, share in shares(ends).items()}
    return Probabilities(found)


def _either_way_short(passed: Mapping[str, float]) -> float | None:
    """Either of the two ways to fall short; an unknown marginal coverage leaves both out of reach (method 7)."""
    if BEYOND_HIGHEST not in passed or BELOW not in passed:
        return None
    return max(passed[BEYOND_HIGHEST], min(passed[BEYOND_LOWEST], passed[BELOW]))


def simulated_values(view: PaybackView, seed: int, draws: int) -> dict[str, Values]:
    """The draws of the drivers at each bound."""
    return {bound: model.draw(seed, draws) for bound, model in view.models.items() if model.drivers}


# ---- Verdict and leaning -------------------------------------------------------------------------------------------


def margins(views: Sequence[Probabilities], assumptions: Assumptions) -> dict[str, float | None]:
    """How far each verdict is from being given (at least zero where it is), over all views; None where unknown."""
    limit = assumptions.number("q3_probability")
    found: dict[str, float | None] = {}
    for verdict in (ON_COURSE, FALLS_SHORT):
        least = _least(*(getattr(each, verdict) for each in views))
        found[verdict] = None if least is None else least - limit
    return found


def verdict_of(views: Sequence[Probabilities], assumptions: Assumptions) -> str | None:
    """The verdict that all views give; None for none."""
    given = [name for name, margin in margins(views, assumptions).items() if margin is not None and margin >= 0]
    return given[0] if len(given) == 1 else None


def leanings(views: Sequence[PaybackView], seed: int, draws: int) -> tuple[dict[str, np.ndarray], list[str]]:
    """For each verdict whether a draw meets its conditions by itself, in all views that have revenue; and what to know.

    Without a marginal coverage it goes by growth alone; where no growth was seen, by the growth drawn. Where the newest
    revenue of a view waits in quarantine there is no leaning: the other view alone would seem surer than both were.
    """
    if any(view.revenue_waits for view in views):
        return {}, []
    found: dict[str, np.ndarray] = {}
    marks = []
    known = [view for view in views if view.has_revenue]
    if len(known) < len(views):
        marks.append(reason("leaning_by_some_views", views=[view.view for view in known]))
    for view in known:
        model = view[POINT]
        values = model.draw(seed, draws)
        low: Any = view.growth.low
        high: Any = view.growth.high
        if low is None:
            low = high = values["growth"]
            marks.append(reason("leaning_by_assumed_growth", revenue_view=view.view))
        passed = outcomes(model, model.formula, values, low, high)
        on, short = passed[WITHIN_LOWEST], passed[BEYOND_HIGHEST]
        if ABOVE in passed:
            on, short = on & passed[ABOVE], short | (passed[BEYOND_LOWEST] & passed[BELOW])
        else:
            marks.append(reason("leaning_by_growth_alone", revenue_view=view.view))
        own = {ON_COURSE: on, FALLS_SHORT: short}
        found = {name: own[name] & found.get(name, True) for name in own}
    return found, (marks if known else [])
