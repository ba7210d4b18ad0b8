"""The rows of `event_study`: every event, kind of return, window, model, benchmark and asset, and what stands behind each.

Hardly any figure depends on all of these. A share count knows the event and the firm, an actual return no benchmark. So
each is computed once, on its own axes, and `Grid` repeats it over the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from warehouse.marts.market.panel import Prices, Setting, gaps
from warehouse.marts.market.returns import KINDS, MODELS, offsets


@dataclass(frozen=True)
class Grid:
    """Rows as a box of named axes: E events, K kinds of return, W windows, U use of the benchmark (no, yes), M models,
    B benchmarks, A assets (firms, then portfolios). What is computed on some of the axes is repeated over the others.
    """

    size: dict[str, int]

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.size.values())

    def flat(self, values: np.ndarray, axes: str) -> np.ndarray:
        """`values` on `axes` (letters in the order of the box) as one column of all rows."""
        shape = [size if axis in axes else 1 for axis, size in self.size.items()]
        return np.broadcast_to(values.reshape(shape), self.shape).reshape(-1)

    def series(self, values: Sequence, axes: str, dtype: pl.DataType | None = None) -> pl.Series:
        """Texts or dates on `axes`, as one column of all rows."""
        return pl.Series(values, dtype=dtype)[self.flat(np.arange(len(values)), axes)]


def grid_of(chosen: Setting, axes: str = "EKWMBA") -> Grid:
    sizes = {
        "E": len(chosen.events),
        "K": len(KINDS),
        "W": len(chosen.windows),
        "U": 2,
        "M": len(MODELS),
        "B": len(chosen.benchmarks),
        "A": len(chosen.firms) + len(chosen.groups),
    }
    return Grid({axis: sizes[axis] for axis in axes})


def keys(chosen: Setting, grid: Grid) -> dict[str, pl.Series | np.ndarray]:
    first, last = np.array(chosen.windows).T
    return {
        "event_date": grid.series([event.asked for event in chosen.events], "E"),
        "session": grid.series([event.session for event in chosen.events], "E", pl.Date()),
        "event": grid.series([event.what for event in chosen.events], "E"),
        "ticker": grid.series(chosen.assets, "A"),
        "role": grid.series([*chosen.roles, *chosen.groups], "A"),
        "benchmark": grid.series(chosen.benchmarks, "B"),
        "benchmark_firms": grid.series([list(chosen.behind(name)) for name in chosen.benchmarks], "B"),
        "model": grid.series(MODELS, "M"),
        "return_kind": grid.series(KINDS, "K"),
        "window_start": grid.flat(first, "W"),
        "window_end": grid.flat(last, "W"),
    }


def firm_counts(members: np.ndarray, chosen: Setting) -> np.ndarray:
    """Firms behind each asset: E by W by A."""
    return np.concatenate([np.ones((*members.shape[:2], len(chosen.firms)), int), members.sum(axis=3)], axis=2)


def firm_lists(members: np.ndarray, chosen: Setting) -> list[list[str] | None]:
    """Tickers behind each asset, in the order of E, W and A; None for none."""
    names = np.array(chosen.firms, dtype=object)
    return [
        tickers
        for window in members.reshape(-1, len(chosen.groups), len(chosen.firms))
        for tickers in (*([firm] for firm in chosen.firms), *(list(names[group]) or None for group in window))
    ]


def estimation_returns(bars: Prices, members: np.ndarray, chosen: Setting) -> np.ndarray:
    """Returns in the estimation window: E by W by A; a portfolio has all or, without firms, none."""
    days = offsets(chosen.estimation[0] - 1, chosen.estimation[1])
    own = np.stack([gaps(bars, event.at + days).returns[: len(chosen.firms)] for event in chosen.events])
    portfolios = np.where(members.any(axis=3), chosen.estimation_days, 0)
    return np.concatenate([np.broadcast_to(own[:, None, :], (*members.shape[:2], own.shape[1])), portfolios], axis=2)


def shared_firms(members: np.ndarray, chosen: Setting) -> np.ndarray:
    """Firms that each asset and each benchmark have in common: E by W by B by A."""
    in_benchmark = np.array([[firm in chosen.held(name) for firm in chosen.firms] for name in chosen.benchmarks])
    own = np.broadcast_to(in_benchmark, (*members.shape[:2], *in_benchmark.shape))
    return np.concatenate([own, np.einsum("ewgf,bf->ewbg", members, in_benchmark, dtype=int)], axis=3).astype(int)


def is_its_benchmark(members: np.ndarray, chosen: Setting) -> np.ndarray:
    """Whether an asset is the benchmark that it would be held against: E by W by B by A."""
    sizes = np.array([len(chosen.held(name)) for name in chosen.benchmarks])[:, None]
    return (
        (sizes > 0) & (shared_firms(members, chosen) == sizes) & (firm_counts(members, chosen)[:, :, None, :] == sizes)
    )
