"""What capital has to earn back and how fast revenue has to grow for it (method 5), over many draws at once.

Capital is bought in quarters, each of its own age, and judged by draws that each have a life, a cost of capital, a
margin and a share of AI of their own. What follows is arithmetic on arrays of draws (or single numbers) and knows no
table. A hundred thousand draws of twenty quarters are asked for dozens of times, so sums over the quarters are not made
draw by draw: which quarters still stand depends on the life alone and is looked up, and what is left of each is a series
in the rate whose terms are summed once.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np

NO_INTEREST = 1e-12  # below it the formulas are rounding, and their limits at no interest exact
LOWEST_GROWTH, HIGHEST_GROWTH = -0.9, 20.0  # method 5: where a break-even growth is looked for
SERIES_ERROR = 1e-15


class Capital(NamedTuple):
    """What stands at one date: spend of the vintages still alive (USD), their part still to be recovered (USD), both
    before the share that is for AI, and what is left of their lives (years, weighted by spend)."""

    standing_usd: Any
    to_recover_usd: Any
    remaining_life_years: Any


def capital_recovery(rate: Any, life: Any) -> Any:
    """CRF(r, L) = r / (1 - (1 + r)^-L): what has to come back each year for one dollar spent; 1 / L at no interest."""
    rate, life = np.asarray(rate, dtype=float), np.asarray(life, dtype=float)
    counts = rate > NO_INTEREST
    some = np.where(counts, rate, 1.0)
    return np.where(counts, some / -np.expm1(-life * np.log1p(some)), 1 / life)


def standing(capex_usd: np.ndarray, ages_years: np.ndarray, rate: Any, life: Any) -> Capital:
    """The capital that stands, from vintages in the order of their ages.

    To recover: the sum of capex x (1 - (1 + r)^-(L - a)) / (1 - (1 + r)^-L) over vintages of age a below the life L.
    """
    life, interest = np.asarray(life, dtype=float), np.log1p(np.asarray(rate, dtype=float))
    alive = np.searchsorted(ages_years, life, side="left")
    spent = _up_to(capex_usd)[alive]
    lived = spent * life - _up_to(capex_usd * ages_years)[alive]
    gone = np.exp(-life * interest)
    counts = interest > NO_INTEREST
    grown = _grown(capex_usd, ages_years, interest, alive)
    left = np.where(counts, (spent - gone * grown) / np.where(counts, 1 - gone, 1.0), lived / life)
    remaining = np.divide(lived, spent, out=np.zeros_like(lived + 0.0), where=spent > 0)
    return Capital(spent, left, remaining)


def _up_to(values: np.ndarray) -> np.ndarray:
    """Sums of the first none, one, two ... of the values."""
    return np.concatenate([[0.0], np.cumsum(values)])


def _grown(capex_usd: np.ndarray, ages_years: np.ndarray, interest: np.ndarray, alive: np.ndarray) -> Any:
    """Sum of capex x e^(interest x age) over the vintages alive, as a series around the middle of the interests."""
    low, high = float(np.min(interest)), float(np.max(interest))
    middle, off = (low + high) / 2, interest - (low + high) / 2
    reach = (high - low) / 2 * float(np.max(ages_years, initial=0.0))
    terms, bound = [capex_usd * np.exp(middle * ages_years)], 1.0
    while bound > SERIES_ERROR and len(terms) < 200:
        terms.append(terms[-1] * ages_years / len(terms))
        bound *= reach / (len(terms) - 1)
    total: Any = 0.0
    for term in reversed(terms):
        total = total * off + _up_to(term)[alive]
    return total


def earned_over(growth: Any, rate: Any, years: Any) -> Any:
    """Present value of one dollar a year that grows, over some years: (e^(x n) - 1) / x, x = ln(1+g) - ln(1+r)."""
    excess = np.log1p(np.asarray(growth, dtype=float)) - np.log1p(np.asarray(rate, dtype=float))
    years = np.asarray(years, dtype=float)
    flat = np.abs(excess) < 1e-9
    with np.errstate(over="ignore"):
        return np.where(flat, years * (1 + excess * years / 2), np.expm1(excess * years) / np.where(flat, 1.0, excess))


def breakeven_growth(to_recover_usd: Any, cash_usd: Any, rate: Any, years: Any) -> Any:
    """The yearly growth g* at which `cash_usd` a year (margin times revenue) recovers the capital over `years`.

    Minus infinity where a fall by 90 % a year would do (or nothing is to recover), infinity where even 2,000 % would not
    (or there is no revenue). Solves earned_over(g, r, n) x cash = to recover: with y = x n, (e^y - 1) / y is the years of
    today's cash that are needed over the years there are, so that one inverse function serves all draws.
    """
    need, cash = np.asarray(to_recover_usd, dtype=float), np.asarray(cash_usd, dtype=float)
    years = np.asarray(years, dtype=float)
    solvable = (need > 0) & (cash > 0) & (years > 0)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ratio = np.where(solvable, need / np.where(solvable, cash * years, 1.0), 1.0)
        y = _inverse(np.log(ratio))
        growth = np.expm1(y / np.where(solvable, years, 1.0) + np.log1p(rate))
    growth = np.where(growth < LOWEST_GROWTH, -np.inf, np.where(growth > HIGHEST_GROWTH, np.inf, growth))
    return np.where(solvable, growth, np.where(need > 0, np.inf, -np.inf))


LOWEST_RATIO, HIGHEST_RATIO, STEPS = -5.0, 60.0, 65_000  # in logs; beyond them growth is beyond its range


@cache
def _table() -> np.ndarray:
    """y at evenly spaced logs of (e^y - 1) / y, so that it is looked up and not searched."""
    y = np.linspace(-200.0, 80.0, 400_001)
    return np.interp(np.linspace(LOWEST_RATIO, HIGHEST_RATIO, STEPS + 1), _log_mean(y), y)


def _inverse(log_ratio: np.ndarray) -> np.ndarray:
    """y with ln((e^y - 1) / y) = log_ratio: read off a table, then a step of Newton's method."""
    table = _table()
    place = (log_ratio - LOWEST_RATIO) * (STEPS / (HIGHEST_RATIO - LOWEST_RATIO))
    place = np.clip(place, 0.0, STEPS - 1e-9)
    below = place.astype(np.int64)
    y = table[below] + (place - below) * (table[below + 1] - table[below])
    return y - (_log_mean(y) - log_ratio) / _slope(y)


def _log_mean(y: np.ndarray) -> np.ndarray:
    """ln((e^y - 1) / y), without overflow and exact near zero."""
    size = np.abs(y)
    far = np.where(size < 1e-4, 1.0, size)
    of_size = np.where(size < 1e-4, -size / 2 + size**2 / 24, np.log(-np.expm1(-far) / far))
    return of_size + np.maximum(y, 0.0)


def _slope(y: np.ndarray) -> np.ndarray:
    """Its derivative, 1 / (1 - e^-y) - 1 / y."""
    near = np.abs(y) < 1e-3
    far = np.where(near, 1.0, y)
    with np.errstate(over="ignore"):
        return np.where(near, 0.5 + y / 12, 1 / -np.expm1(-far) - 1 / far)
