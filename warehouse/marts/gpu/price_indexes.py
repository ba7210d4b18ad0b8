"""Two indexes of the prices of things that come and go: chained matched models, and time-product dummies.

Both are given the things that were priced in each month, and both give each provider the same weight in a month, however
many things it has. Levels are logs; which is which, and where it was published, stands in `gpu_price_chain`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np

BASE = 100.0
# The row (provider, usd_per_gpu_hour, known_on, grade) of each thing of a month, by the thing's name.
Items = dict[str, dict[str, Any]]
Months = dict[date, Items]


def longest_chain(months: Months) -> dict[date, float]:
    """Log level of each month of the chain with most providers behind it (of equals the later); its first month has 0."""
    chains = _Chains(months)
    for number, month in enumerate(months):
        chains.add(number, month)
    sizes: dict[int, int] = {}
    for month, items in months.items():
        part = chains.part[month]
        sizes[part] = sizes.get(part, 0) + len(providers(items))
    longest = max(sizes, key=lambda part: (sizes[part], part))
    levels = {month: chains.level[month] for month in months if chains.part[month] == longest}
    first = next(iter(levels.values()))
    return {month: level - first for month, level in levels.items()}


@dataclass
class _Chains:
    """Months linked to earlier ones by what is priced in both. Levels of two chains (`part`) do not compare."""

    months: Months
    level: dict[date, float] = field(default_factory=dict)
    part: dict[date, int] = field(default_factory=dict)
    last_seen: dict[str, date] = field(default_factory=dict)

    def add(self, number: int, month: date) -> None:
        """Link the next month; one that has nothing in common with any before begins a chain of that number.

        What ties two chains together (a month with things of both) makes them one: the smaller is moved to the larger.
        """
        items = self.months[month]
        linked = self._linked(items)
        if linked:
            main = max(linked, key=lambda part: (self._size(part), -part))
            self.level[month], self.part[month] = linked[main], main
            for m in [m for m in self.part if self.part[m] in linked and self.part[m] != main]:
                self.level[m], self.part[m] = self.level[m] + linked[main] - linked[self.part[m]], main
        else:
            self.level[month], self.part[month] = 0.0, number
        self.last_seen |= dict.fromkeys(items, month)

    def _linked(self, items: Items) -> dict[int, float]:
        """The level that the things seen before give the month, by the chain that they were seen in."""
        found: dict[int, dict[str, list[float]]] = {}
        for name, row in items.items():
            if name in self.last_seen:
                base = self.last_seen[name]
                moved = np.log(row["usd_per_gpu_hour"] / self.months[base][name]["usd_per_gpu_hour"])
                of_chain = found.setdefault(self.part[base], {})
                of_chain.setdefault(row["provider"], []).append(self.level[base] + moved)
        return {part: _mean_of_means(by_provider.values()) for part, by_provider in found.items()}

    def _size(self, part: int) -> int:
        return sum(len(providers(self.months[m])) for m in self.part if self.part[m] == part)


def dummy_index(months: Months, first: date) -> dict[date, float]:
    """Time-product dummy index of the months that hang together with `first`, where it is 100.

    Weighted least squares of the log price on dummies of months and things, each provider with weight one a month.
    """
    connected, things = {first}, set(months[first])
    while grown := {m for m in months if m not in connected and things & set(months[m])}:
        connected |= grown
        things |= {name for m in grown for name in months[m]}
    order, names = sorted(connected), sorted(things)
    month_at, item_at = {m: i for i, m in enumerate(order)}, {n: i for i, n in enumerate(names)}
    observed = [(m, name, row) for m in order for name, row in months[m].items()]
    design = np.zeros((len(observed), len(order) + len(names)))
    log_price, weight = np.empty(len(observed)), np.empty(len(observed))
    for i, (m, name, row) in enumerate(observed):
        design[i, month_at[m]] = design[i, len(order) + item_at[name]] = 1.0
        log_price[i] = np.log(row["usd_per_gpu_hour"])
        of_provider = sum(other["provider"] == row["provider"] for other in months[m].values())
        weight[i] = 1.0 / np.sqrt(of_provider)
    # One level is free (all months up, all things down): the smallest solution has it, and differences do not.
    found = np.linalg.lstsq(design * weight[:, None], log_price * weight, rcond=None)[0]
    return {m: float(BASE * np.exp(found[i] - found[month_at[first]])) for m, i in month_at.items()}


def providers(items: Items) -> set[str]:
    return {row["provider"] for row in items.values()}


def mean_log_price(items: Items) -> float:
    """Mean over providers of the mean log price of each one's things."""
    by_provider: dict[str, list[float]] = {}
    for row in items.values():
        by_provider.setdefault(row["provider"], []).append(float(np.log(row["usd_per_gpu_hour"])))
    return _mean_of_means(by_provider.values())


def _mean_of_means(groups: Iterable[list[float]]) -> float:
    return float(np.mean([np.mean(values) for values in groups]))
