"""The facts and marts of an earlier day, built only where a claim asks for them.

Whoever spoke in January 2025 could not know what was published in 2026, so a claim is judged as of its own day too. Five
days make 43 claims and each day's formulas read a few marts: a day's replay is shared by its claims and builds nothing
that none of them reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts import known
from warehouse.marts.verdict.replay import chain, replay

OF_DAY_0 = ("event_study", "event_study_tests")
"""Marts of which claims read the event day alone: a claim of the next morning knows no longer window."""


class Replay(Mapping[str, pl.DataFrame]):
    """The facts known by a day, and marts as a run on that day would have built them."""

    def __init__(self, facts: Mapping[str, pl.DataFrame], as_of: date, assumptions: Assumptions) -> None:
        self.as_of, self.assumptions = as_of, assumptions
        self._of_day_0 = assumptions.replaced({"windows": [[0, 0]]})
        self._frames: dict[str, pl.DataFrame] = known(facts, as_of)

    def __getitem__(self, name: str) -> pl.DataFrame:
        if name not in self._frames:
            if name == "verdict":  # without tornado and turning values, which no claim reads
                self._frames[name] = replay(self._frames, [self.as_of], self.assumptions)[self.as_of]
            else:
                self._build(name)
        return self._frames[name]

    def _build(self, name: str) -> None:
        """The mart and what it reads, as far as they were not built yet."""
        for each, mart in chain([name]).items():
            if each not in self._frames:
                assumed = self._of_day_0 if each in OF_DAY_0 else self.assumptions
                self._frames[each] = mart.run(self._frames, as_of=self.as_of, assumptions=assumed)

    def __iter__(self) -> Iterator[str]:
        return iter(self._frames)

    def __len__(self) -> int:
        return len(self._frames)
