"""What is drawn: each judgement as a distribution, with random numbers of its own.

Each driver's random numbers are made from the seed and its name: the same for every scope (so that companies differ by
their facts and not by luck), unchanged when another driver is added, and unchanged when its distribution is, so that two
assumptions are compared on the same draws.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import numpy as np
from scipy.special import ndtri

from warehouse.assumptions import Distribution

Grade = str | None


@dataclass(frozen=True)
class Mixture:
    """One of several uniform distributions (or points), each as likely as the others: estimates that exclude each other."""

    of: tuple[Distribution, ...]

    @property
    def low(self) -> float:
        return min(each.low for each in self.of)

    @property
    def high(self) -> float:
        return max(each.high for each in self.of)

    @property
    def mean(self) -> float:
        return sum(each.mean for each in self.of) / len(self.of)

    def quantile(self, u: np.ndarray) -> np.ndarray:
        """Values at probabilities `u`: the distribution function is straight between the ends of its parts."""
        ends = np.unique([end for each in self.of for end in (each.low, each.high)])
        width = np.array([[each.high - each.low] for each in self.of])
        start = np.array([[each.low] for each in self.of])
        # Where a part is a point, the function jumps: its value just before each end and at it.
        at = np.where(width > 0, (ends - start) / np.where(width > 0, width, 1), ends >= start).clip(0, 1).mean(axis=0)
        just_before = np.where(width > 0, (ends - start) / np.where(width > 0, width, 1), ends > start)
        steps = np.stack([just_before.clip(0, 1).mean(axis=0), at], axis=1).ravel()
        return np.interp(u, steps, np.repeat(ends, 2))


Shape = Distribution | Mixture


@dataclass(frozen=True)
class Driver:
    """One thing that is drawn: a sum of distributions times a scale, held inside its bounds; and the facts behind it.

    Most drivers are one distribution; attributable revenue is a sum over entities, each drawn by itself. `facts` are the
    evidence that its entry names, whether known yet or not; `fact_ids` the facts of it that are known.
    """

    name: str
    parts: tuple[tuple[str, Shape], ...]
    scale: float = 1.0
    minimum: float = -np.inf
    maximum: float = np.inf
    facts: tuple[str, ...] = ()
    fact_ids: tuple[str, ...] = ()
    grade: Grade = None
    known_on: date | None = None

    def values(self, seed: int, draws: int) -> np.ndarray:
        """Its draws; not to be written to."""
        return drawn_values(self.parts, self.scale, self.minimum, self.maximum, seed, draws)

    def _of(self, figure: str) -> float:
        total = sum(getattr(drawn, figure) for _, drawn in self.parts)
        return float(np.clip(self.scale * total, self.minimum, self.maximum))

    @property
    def low(self) -> float:
        return self._of("low")

    @property
    def high(self) -> float:
        return self._of("high")

    @property
    def central(self) -> float:
        """Sum of the medians."""
        total = sum(float(quantile(drawn, np.array(0.5))) for _, drawn in self.parts)
        return float(np.clip(self.scale * total, self.minimum, self.maximum))


@lru_cache(maxsize=64)
def uniforms(seed: int, name: str, draws: int) -> np.ndarray:
    """Uniform draws of one name, the same whatever else is drawn; not to be written to."""
    drawn = np.random.default_rng([seed, zlib.crc32(name.encode())]).random(draws)
    drawn.flags.writeable = False
    return drawn


@lru_cache(maxsize=64)
def drawn_values(
    parts: tuple[tuple[str, Shape], ...], scale: float, minimum: float, maximum: float, seed: int, draws: int
) -> np.ndarray:
    total = sum(quantile(drawn, uniforms(seed, name, draws)) for name, drawn in parts)
    values = np.clip(scale * np.asarray(total), minimum, maximum)
    values.flags.writeable = False
    return values


def quantile(drawn: Shape, u: np.ndarray) -> np.ndarray:
    """Values of a distribution at probabilities `u` (its inverse distribution function)."""
    if isinstance(drawn, Mixture):
        return drawn.quantile(u)
    if drawn.kind == "point":
        return np.full(np.shape(u), drawn["value"])
    if drawn.kind == "normal":
        return drawn["mean"] + drawn["sd"] * ndtri(u)
    low, high = drawn["low"], drawn["high"]
    if drawn.kind == "uniform":
        return low + (high - low) * u
    width, rise = high - low, drawn["mode"] - low
    if width == 0:
        return np.full(np.shape(u), low)
    below = low + np.sqrt(u * width * rise)
    above = high - np.sqrt((1 - u) * width * (high - drawn["mode"]))
    return np.where(u < rise / width, below, above)
