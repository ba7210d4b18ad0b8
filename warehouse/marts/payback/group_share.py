"""The group's share of the world's computing, by which the industry's revenue is held against four companies' capex.

End customers pay an industry, and the group runs only a part of its computing. That part is what the four own of the
world's H100-equivalents, owners and world counted for one date. Published totals of the world differ, so the total is
drawn between the lowest and the highest of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from warehouse.assumptions import Assumptions, Distribution
from warehouse.marts.common.kept import Kept
from warehouse.marts.common.select_current import admissible, select_current
from warehouse.marts.payback.draws import Driver
from warehouse.marts.payback.model import Facts, Rows, driver, newest, weakest
from warehouse.marts.training.fleets import OWNED, OWNED_BY_ALL, WORLD
from warehouse.tables.evidence import TABLE as EVIDENCE


@dataclass(frozen=True)
class GroupShare:
    """H100-equivalents that the group owned on a day, and the lowest and highest count of the world's of that day."""

    on: date
    owned: float
    world_low: float
    world_high: float
    facts: Rows

    @property
    def low(self) -> float:
        return min(self.owned / self.world_high, 1.0)

    @property
    def high(self) -> float:
        return min(self.owned / self.world_low, 1.0)

    def driver(self, behind: Facts, assumptions: Assumptions) -> Driver:
        """The world's fleet; with one count of it, that count times the error that is assumed of counts."""
        own: dict[str, Any] = {
            "facts": tuple(fact["evidence_id"] for fact in self.facts),
            "fact_ids": tuple(fact["fact_id"] for fact in self.facts),
            "grade": weakest(self.facts),
            "known_on": newest(self.facts),
        }
        middle = (self.world_low + self.world_high) / 2
        bounds = {"minimum": middle * 0.01, "maximum": middle * assumptions["fleet"]["maximum"]}
        if self.world_low == self.world_high or "fleet" in assumptions.overridden:
            return driver("fleet", behind, assumptions, scale=middle, **bounds, **own)
        between = Distribution("uniform", (self.world_low, self.world_high))
        return driver("fleet", behind, assumptions, parts=(("fleet", between),), **bounds, **own)


_CURRENT: Kept[pl.DataFrame] = Kept(most=4)


def current_evidence(evidence: pl.DataFrame) -> pl.DataFrame:
    """The current row of each piece of evidence that is no hearsay, in the order of identifiers."""

    def current() -> pl.DataFrame:
        return select_current(admissible(evidence), EVIDENCE).sort("evidence_id")

    return _CURRENT.get((evidence,), current)


def group_share(evidence: pl.DataFrame, assumptions: Assumptions) -> GroupShare | None:
    """The latest day on which all owners of the group and the world were counted; None where there is none."""
    owners: Mapping[str, str] = assumptions.value("computing_owners")
    counts = current_evidence(evidence).filter(
        (pl.col("topic") == "capacity") & pl.col("metric").is_in([OWNED, OWNED_BY_ALL]) & (pl.col("value") > 0)
    )
    rows = counts.sort("known_on", "evidence_id").to_dicts()
    for day in sorted({row["as_of_date"] for row in rows}, reverse=True):
        of_day = [row for row in rows if row["as_of_date"] == day]
        owned = {name: _best(of_day, name) for name in owners.values()}
        world = [row for row in of_day if row["entity"] == WORLD and row["metric"] == OWNED_BY_ALL]
        if world and all(owned.values()):
            facts = [row for row in owned.values() if row]
            lows = [min(row["value"], row["value_low"] or row["value"]) for row in world]
            highs = [max(row["value"], row["value_high"] or row["value"]) for row in world]
            total = float(sum(row["value"] for row in facts))
            return GroupShare(day, total, float(min(lows)), float(max(highs)), (*facts, *world))
    return None


def _best(rows: Rows, entity: str) -> Mapping[str, Any] | None:
    """The count of an owner of the better grade, among equals the one known last."""
    own = [row for row in rows if row["entity"] == entity and row["metric"] == OWNED]
    return min(reversed(own), key=lambda row: row["grade"], default=None)
