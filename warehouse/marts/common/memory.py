"""What a mart gave before, for whoever builds it again as of other days.

A mart is a function of its frames and assumptions. As of the next day most of them are what they were, so that its rows
are, too. Two things make that hard to see. A frame that is filtered or built again is another object with the same rows:
so frames are compared by what they hold, and the first of equals stands for all. On the day on which the evidence of one
assumption becomes public, all assumptions look like others. So it is noted which of them a mart asks for.

What was noted decides safely. A function that is given the same frames, and the same answers to what it asked before, asks
the same again and comes to the same.
"""

from __future__ import annotations

from datetime import date
from operator import is_
from typing import NamedTuple

import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.common.mart import Mart
from warehouse.marts.common.standing import Noting


class _Made(NamedTuple):
    """A frame, what it was made of, and the assumptions that were asked for, with those of them that were early."""

    inputs: tuple[pl.DataFrame, ...]
    asked: frozenset[str]
    early: frozenset[str]
    frame: pl.DataFrame


class Memory:
    """What marts gave for the frames and the one assumptions file that they were run with. `runs` counts the runs."""

    def __init__(self) -> None:
        self.runs: dict[str, int] = {}
        self._made: dict[tuple[str, str], list[_Made]] = {}
        self._frames: dict[str, list[pl.DataFrame]] = {}

    def same(self, name: str, frame: pl.DataFrame) -> pl.DataFrame:
        """The first frame of this name that was equal to it, so that what is alike is one object."""
        known = self._frames.setdefault(name, [])
        for other in known:
            if other is frame or (other.height == frame.height and other.equals(frame)):
                return other
        known.append(frame)
        return frame

    def run(
        self, mart: Mart, frames: dict[str, pl.DataFrame], *, as_of: date, assumptions: Assumptions
    ) -> pl.DataFrame:
        """What `mart.run` gives. Frames are known by being one object (`same`); a mart that asks for the date always runs."""
        inputs = tuple(frames[name] for name in mart.inputs)
        of_day = assumptions.as_of(as_of)
        early = frozenset(of_day.early)
        known = self._made.setdefault((mart.name, assumptions.sha256), [])
        for made in known if mart.is_dateless else ():
            if made.early == early & made.asked and all(map(is_, made.inputs, inputs)):
                return made.frame
        noting = Noting(of_day)
        frame = self.same(mart.name, mart.run(frames, as_of=as_of, assumptions=noting))
        self.runs[mart.name] = self.runs.get(mart.name, 0) + 1
        asked = noting.asked
        known.append(_Made(inputs, asked, early & asked, frame))
        return frame
