"""A model of one scope and revenue view: what is drawn, with what it is computed, and every quantity that comes of it.

A point estimate of a figure whose inputs are known within a factor of two is a guess with decimals. So every input that
is a judgement is a driver with a distribution, and the answer is a distribution too. Several marts ask for the draws of
one model, and the world's share of training is every scope's: so a computation is known by what its figures depend on,
and done once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np

from warehouse.assumptions import Assumptions
from warehouse.marts.payback.draws import Driver, Grade
from warehouse.marts.payback.formulas import Values, payback, redundancy

Facts = Mapping[str, Mapping[str, Any]]
Rows = Sequence[Mapping[str, Any]]
NO_VIEW = "none"  # of a model without revenue


@dataclass(frozen=True)
class Model:
    """What can be drawn for one scope and revenue view, and with what it is computed.

    `reasons` says for a quantity why it cannot be computed; `notes` are what to know about those that can.
    """

    scope: str
    view: str
    drivers: tuple[Driver, ...] = ()
    quantities: tuple[str, ...] = ()
    training_flop_added: float | None = None
    capex_usd: tuple[float, ...] = ()
    ages_years: tuple[float, ...] = ()
    grade: Grade = None
    known_on: date | None = None
    reasons: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def deciding(self) -> str:
        return "redundant_capex_share" if self.view == NO_VIEW else "coverage"

    def draw(self, seed: int, draws: int) -> dict[str, np.ndarray]:
        return {driver.name: driver.values(seed, draws) for driver in self.drivers}

    def simulate(self, seed: int, draws: int) -> Mapping[str, np.ndarray]:
        """Every quantity over the draws."""
        return simulated(Computation(self), seed, draws)

    def compute(self, values: Values) -> dict[str, Any]:
        """Every quantity of this model that can be computed, from draws or single values of its drivers."""
        if not self.quantities:
            return {}
        if self.view == NO_VIEW:
            return redundancy(values, self.training_flop_added)
        return payback(values, self.capex_usd, self.ages_years)


@dataclass(frozen=True)
class Computation:
    """A model by what its figures depend on (not by scope or facts), so that the same computation is done once."""

    model: Model = field(compare=False)
    key: tuple[Any, ...] = ()

    def __post_init__(self) -> None:
        m = self.model
        drawn = tuple((d.name, d.parts, d.scale, d.minimum, d.maximum) for d in m.drivers)
        key = (m.view == NO_VIEW, drawn, m.quantities, m.training_flop_added, m.capex_usd, m.ages_years)
        object.__setattr__(self, "key", key)


@lru_cache(maxsize=16)
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
