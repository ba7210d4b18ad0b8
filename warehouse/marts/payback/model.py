"""A model of one scope and revenue view: what is drawn, with what it is computed, and every quantity that comes of it.

A point estimate of a figure whose inputs are known within a factor of two is a guess with decimals. So every input that
is a judgement is a driver with a distribution, and the answer is a distribution too. Several marts ask for the draws of
one model, and the world's share of training is every scope's: so a computation is known by what its figures depend on,
and done once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from typing import Any, Protocol

import numpy as np

from warehouse.assumptions import Assumptions
from warehouse.marts.common.early import early_reasons
from warehouse.marts.common.scopes import VIEW_MEANINGS
from warehouse.marts.payback.draws import Driver, Grade
from warehouse.marts.payback.formulas import Values, redundancy
from warehouse.tables.table import Column

Facts = Mapping[str, Mapping[str, Any]]
Rows = Sequence[Mapping[str, Any]]
NO_VIEW = "none"  # of a model without revenue
VIEW = Column(
    "revenue_view",
    "text",
    "whose revenue is counted",
    required=True,
    allowed=VIEW_MEANINGS | {NO_VIEW: "of a quantity without revenue"},
)


POINT, LOWER, UPPER = "point", "lower", "upper"
BOUND_MEANINGS = {
    LOWER: "the least revenue that is possible",
    UPPER: "the most revenue that is possible",
    POINT: "the revenue that is best known, as drawn",
}
BOUNDS = tuple(BOUND_MEANINGS)


class Formula(Protocol):
    """Every quantity from values of the drivers. Hashable, and equal to another that gives the same figures."""

    def __call__(self, values: Values) -> Mapping[str, Any]: ...

    def alone(self, quantity: str) -> tuple[Formula, tuple[str, ...]]:
        """The formula without what this quantity does not depend on, and the drivers that it does depend on."""
        ...


@dataclass(frozen=True)
class Model:
    """What can be drawn for one scope, revenue view and bound of revenue, and with what it is computed.

    `formula` gives the quantities from values of the drivers; `ends` are the same with unknown quarters of capex at
    nothing and at the most that they can be, where there are any. `reasons` says for a quantity why it cannot be
    computed; `notes` are what to know of those that can.
    """

    scope: str
    view: str
    drivers: tuple[Driver, ...] = ()
    quantities: tuple[str, ...] = ()
    training_flop_added: float | None = None
    grade: Grade = None
    known_on: date | None = None
    reasons: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    bound: str = POINT
    formula: Formula | None = None
    ends: tuple[Formula, ...] = ()

    @property
    def deciding(self) -> str:
        return "redundant_capex_share" if self.view == NO_VIEW else "breakeven_growth"

    @property
    def stated(self) -> tuple[str, ...]:
        """The quantities that an answer states, whatever else is left out: the deciding one and those in its sentences."""
        if self.view == NO_VIEW:
            return (self.deciding,)
        return (self.deciding, "coverage", "marginal_coverage", "breakeven_revenue_usd")

    def driver(self, name: str) -> Driver:
        """The driver of a name. Raises StopIteration where it has none of it."""
        return next(driver for driver in self.drivers if driver.name == name)

    def draw(self, seed: int, draws: int) -> dict[str, np.ndarray]:
        return {driver.name: driver.values(seed, draws) for driver in self.drivers}

    def simulate(self, seed: int, draws: int) -> Mapping[str, np.ndarray]:
        """Every quantity over the draws."""
        return simulated(Computation(self), seed, draws)

    def compute(self, values: Values) -> Mapping[str, Any]:
        """Every quantity of this model that can be computed, from draws or single values of its drivers."""
        if self.formula is not None:
            return self.formula(values)
        if not self.quantities:
            return {}
        return redundancy(values, self.training_flop_added)

    def about(self, quantity: str) -> Model:
        """This model without what the quantity does not depend on: what stands is the same whatever it earns."""
        if self.formula is None:
            return self
        formula, names = self.formula.alone(quantity)
        drivers = tuple(driver for driver in self.drivers if driver.name in names)
        return replace(
            self, formula=formula, drivers=drivers, quantities=self.quantities if formula is self.formula else ()
        )


@dataclass(frozen=True)
class Computation:
    """A model by what its figures depend on (not by scope or facts), so that the same computation is done once."""

    model: Model = field(compare=False)
    key: tuple[Any, ...] = ()

    def __post_init__(self) -> None:
        m = self.model
        drawn = tuple((d.name, d.parts, d.scale, d.minimum, d.maximum) for d in m.drivers)
        object.__setattr__(self, "key", (drawn, m.quantities, m.training_flop_added, m.formula))


@lru_cache(maxsize=48)
def simulated(computation: Computation, seed: int, draws: int) -> Mapping[str, np.ndarray]:
    return computation.model.compute(computation.model.draw(seed, draws))


def driver(name: str, behind: Facts, assumptions: Assumptions, **changed: Any) -> Driver:
    """A driver as the assumptions file has it, with grade and day of the facts that its entry names and are known."""
    entry = assumptions[name]
    facts = [behind[fact] for fact in entry.get("facts", ()) if fact in behind]
    own = {
        "parts": ((name, assumptions.distribution(name)),),
        "minimum": entry["minimum"],
        "maximum": entry["maximum"],
        "facts": tuple(entry.get("facts", ())),
        "fact_ids": tuple(fact["fact_id"] for fact in facts),
        "grade": weakest(facts),
        "known_on": newest(facts),
    }
    return Driver(name, **{**own, **changed})


def weakest(rows: Rows) -> Grade:
    return max((row["grade"] for row in rows if row["grade"] is not None), default=None)


def newest(rows: Rows) -> date | None:
    return max((row["known_on"] for row in rows if row["known_on"] is not None), default=None)


def early(drivers: Sequence[Driver], assumptions: Assumptions) -> list[str]:
    """What is drawn from a wide range because the evidence behind it was not public yet."""
    assumed = (
        each.name
        for each in drivers
        if "distribution" in assumptions.get(each.name, {})
        and each.parts == ((each.name, assumptions.distribution(each.name)),)
    )
    return early_reasons(assumptions, assumed)
