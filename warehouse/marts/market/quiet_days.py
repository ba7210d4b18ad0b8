"""The tests across firms made on quiet days: days drawn at random on which nothing is known to have happened.

The formulas are those of `returns.fit` and `significance`. But each day has an estimation window of its own, and fitting
hundreds of days one by one would take most of a run. So they are written here once more, for many days at once. A test
holds both against each other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from warehouse.marts.market.panel import Prices, Setting
from warehouse.marts.market.returns import ROUNDING, daily_returns, normal_p, student_p
from warehouse.marts.market.significance import (
    TESTS,
    independent_firms,
    kolari_pynnonen,
    rank_deviations,
    rank_statistic,
    ranked,
    standardised_tests,
)

MEASURES = ("mean_correlation", "independent_firms", "variance_ratio")
# Days worked on at a time: their residuals stay in the processor's cache.
BLOCK = 10


def quiet_days(bars: Prices, chosen: Setting, wanted: int, seed: int) -> np.ndarray:
    """Rows of days drawn without putting back: with an estimation window before, windows known, and no event near."""
    before = 1 - chosen.estimation[0]
    market = np.isfinite(bars.adj_close[:, bars.tickers.index(chosen.benchmarks[0])])
    known = np.flatnonzero(market)
    if not len(known):
        return known
    first, last = (extreme for window in [np.array(chosen.windows)] for extreme in (window.min(), window.max()))
    days = np.arange(known[0] + before, known[-1] - max(last, 0) + 1)
    for event in chosen.events:
        days = days[(days + last < event.at - 1) | (days + first > event.at + 1)]
    if len(days) > wanted:
        days = np.random.default_rng(seed).choice(days, size=wanted, replace=False)
    return np.sort(days)


def try_tests(bars: Prices, days: np.ndarray, chosen: Setting) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """p-values of each test, days by windows by groups (NaN where it cannot be made), and MEASURES of the same shape.

    `variance_ratio` of a day is its squared t of the portfolio, over what that is on average where the test is right.
    """
    in_role = np.array([[role == group for role in chosen.roles] for group in chosen.groups])
    firms = np.flatnonzero(in_role.any(axis=0))
    returns = daily_returns(bars.adj_close, "simple")
    own, market = returns[:, firms], returns[:, bars.tickers.index(chosen.benchmarks[0])]
    blocks = [
        _block(own, market, days[i : i + BLOCK], in_role[:, firms], chosen) for i in range(0, len(days), BLOCK)
    ]  # fmt: skip
    shape = (0, len(chosen.windows), len(chosen.groups))
    found = {
        name: np.concatenate([np.empty(shape), *(block[name] for block in blocks)]) for name in (*TESTS, *MEASURES)
    }
    return {test: found[test] for test in TESTS}, {measure: found[measure] for measure in MEASURES}


@dataclass(frozen=True)
class _Estimated:
    """Market models of some days at once. Axes: D days, n estimation days, F firms.

    `residuals` are D by n by F and zero where a firm's window is incomplete (`estimated` is false); `alpha`, `beta` and
    `squares` (sum of squared residuals) are D by F; `market_mean` and `sxx` of length D; `ranks` as of `significance.ranked`.
    """

    estimated: np.ndarray
    residuals: np.ndarray
    alpha: np.ndarray
    beta: np.ndarray
    squares: np.ndarray
    market_mean: np.ndarray
    sxx: np.ndarray
    ranks: np.ndarray


def _block(
    own: np.ndarray, market: np.ndarray, days: np.ndarray, in_role: np.ndarray, chosen: Setting
) -> dict[str, np.ndarray]:
    """The tests on some days at once, days by windows by groups."""
    rows = days[:, None] + np.arange(chosen.estimation[0], chosen.estimation[1] + 1)
    # Firms that lack a return before each of the days are left out first, as they have no residuals to rank.
    listed = np.isfinite(own[rows]).all(axis=1).any(axis=0)
    own, in_role = own[:, listed], in_role[:, listed]
    estimated = _estimate(own[rows], market[rows])
    parts = [
        _window(estimated, own, market, days[:, None] + np.arange(first, last + 1), in_role)
        for first, last in chosen.windows
    ]
    return {name: np.stack([part[name] for part in parts], axis=1) for name in (*TESTS, *MEASURES)}


def _estimate(residuals: np.ndarray, normal_market: np.ndarray) -> _Estimated:
    """The market model of each day and firm; `residuals` are the firms' returns, which are changed in place."""
    estimated = np.isfinite(residuals).all(axis=1) & np.isfinite(normal_market).all(axis=1)[:, None]
    residuals[~np.broadcast_to(estimated[:, None, :], residuals.shape)] = 0.0
    mean, market_mean = residuals.mean(axis=1), normal_market.mean(axis=1)
    centred = normal_market - market_mean[:, None]
    sxx = (centred**2).sum(axis=1)
    residuals -= mean[:, None, :]
    beta = (centred[:, None, :] @ residuals)[:, 0] / sxx[:, None]
    residuals -= centred[:, :, None] * beta[:, None, :]
    alpha = mean - beta * market_mean[:, None]
    squares = np.einsum("dnf,dnf->df", residuals, residuals)
    return _Estimated(estimated, residuals, alpha, beta, squares, market_mean, sxx, ranked(residuals))


def _window(
    of: _Estimated, own: np.ndarray, market: np.ndarray, span: np.ndarray, in_role: np.ndarray
) -> dict[str, np.ndarray]:
    """p-values and MEASURES of one window, days by groups; `span` holds the rows of each day's window."""
    n, length = of.residuals.shape[1], span.shape[1]
    there = of.estimated & np.isfinite(own[span]).all(axis=1)
    members = in_role & there[:, None, :] & (of.squares > ROUNDING**2)[:, None, :]
    size = members.sum(axis=2)
    daily = (
        np.where(there[:, None, :], own[span], 0.0)
        - of.alpha[:, None, :]
        - market[span][:, :, None] * of.beta[:, None, :]
    )
    car = daily.sum(axis=1)
    drift = (market[span] - of.market_mean[:, None]).sum(axis=1) ** 2 / of.sxx
    factor = (length + length**2 / n + drift)[:, None]
    # A portfolio's regression is the mean of its firms' regressions, being linear in the returns.
    weights = (members / np.maximum(size, 1)[:, :, None]).transpose(0, 2, 1)
    portfolio = np.einsum("dng,dng->dg", of.residuals @ weights, of.residuals @ weights) / (n - 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = car / np.sqrt(of.squares / (n - 2) * factor)
        t_portfolio = (car[:, None, :] @ weights)[:, 0] / np.sqrt(portfolio * factor)
    r = _mean_correlation(of, members, size)
    tests = standardised_tests(np.where(np.isfinite(t), t, 0.0), members, n - 2)
    adjusted = kolari_pynnonen(tests["bmp_statistic"], r, size)
    corrado = rank_statistic(rank_deviations(of.residuals, daily, of.ranks) @ weights, length)
    found = {
        "portfolio": student_p(t_portfolio, n - 2),
        "patell": tests["patell_p"],
        "bmp": tests["bmp_p"],
        "kolari_pynnonen": student_p(adjusted, np.maximum(size - 1, 1)),
        "corrado_rank": normal_p(corrado),
        "mean_correlation": r,
        "independent_firms": independent_firms(size, r),
        "variance_ratio": t_portfolio**2 * (n - 4) / (n - 2),
    }
    return {name: np.where(size == 0, np.nan, values) for name, values in found.items()}


def _mean_correlation(of: _Estimated, members: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Mean correlation between the residuals of each group's firms, days by groups: `significance.mean_correlation`."""
    with np.errstate(divide="ignore", invalid="ignore"):
        unit = members.transpose(0, 2, 1) / np.sqrt(of.squares)[:, :, None]
    unit[~np.isfinite(unit)] = 0.0
    together = ((of.residuals @ unit) ** 2).sum(axis=1)
    return (together - size) / np.where(size > 1, size * (size - 1), np.nan)
