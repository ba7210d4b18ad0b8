"""One event, estimated: which firms have every price it needs, and the models of normal returns fitted before it.

A role's portfolio is the equal-weight mean of its firms' daily returns. It is fitted and tested as if it were a firm, so
that its own variance carries how its firms move together. A firm without one of the returns of the estimation or event
window is left out of it, for a mean over changing firms is the return of no portfolio.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from warehouse.marts.market.panel import Event, Prices, Setting
from warehouse.marts.market.returns import (
    MODELS,
    Fit,
    Kind,
    Model,
    abnormal_returns,
    compound,
    daily_returns,
    fit,
    means,
    offsets,
    rows_at,
    standard_errors,
)

FITTED = ("alpha", "beta", "r2", "sigma", "abnormal_return", "standard_error")
"""What a regression gives of an event, in this order."""


def memberships(prices: Prices, where: Event, chosen: Setting) -> np.ndarray:
    """Firms of each group with every return of estimation and event window: W by G by F flags."""
    present = (~np.isnan(prices.adj_close[:, : len(chosen.firms)])).astype(float)
    roles = np.array(chosen.roles, dtype=object)
    in_group = np.array([roles == group for group in chosen.groups], dtype=bool)
    in_group = in_group.reshape(len(chosen.groups), len(chosen.firms))

    def complete(first: int, last: int) -> np.ndarray:
        return (rows_at(present, where.at + offsets(first - 1, last)) == 1).all(axis=0)

    estimated = complete(*chosen.estimation)
    return np.stack([in_group & (estimated & complete(*window)) for window in chosen.windows])


@dataclass(frozen=True)
class Study:
    """One event and one kind of return, for every firm, every benchmark and every group's portfolio.

    `estimation` (n by K) holds the returns of the F firms, then those of the G portfolios of window 0, of window 1 and
    so on (a portfolio's members depend on the window); `fits` are the models fitted to them against `market` (n by B).
    """

    setting: Setting
    where: Event
    returns: np.ndarray
    members: np.ndarray
    benchmarks: tuple[int, ...]
    estimation: np.ndarray
    market: np.ndarray
    fits: dict[Model, Fit]

    def of_window(self, w: int) -> tuple[dict[Model, Fit], np.ndarray, np.ndarray]:
        """Fits, event days' returns (L by F + G) and the market's (L by B) of window number `w`, portfolios last."""
        firms, groups = len(self.setting.firms), len(self.setting.groups)
        columns = np.r_[0:firms, firms + w * groups : firms + (w + 1) * groups]
        days = rows_at(self.returns, self.where.at + offsets(*self.setting.windows[w]))
        own = days[:, :firms]
        fits = {model: fitted.of(columns) for model, fitted in self.fits.items()}
        return fits, np.hstack([own, means(own, self.members[w])]), days[:, list(self.benchmarks)]


def study(
    prices: Prices, kind: Kind, where: Event, members: np.ndarray, chosen: Setting, returns: np.ndarray | None = None
) -> Study:
    """Everything fitted for one event; `members` from `memberships`, `returns` (where they are at hand) of that kind.

    A portfolio is the equal-weight mean of its members' daily returns of the kind given (of logs: the mean of logs);
    it is fitted and tested as if it were a firm.
    """
    returns = daily_returns(prices.adj_close, kind) if returns is None else returns
    benchmarks = tuple(prices.tickers.index(ticker) for ticker in chosen.benchmarks)
    days = rows_at(returns, where.at + offsets(*chosen.estimation))
    own, market = days[:, : len(chosen.firms)], days[:, list(benchmarks)]
    estimation = np.hstack([own, means(own, members.reshape(-1, len(chosen.firms)))])
    fits = {model: fit(model, estimation, market) for model in MODELS}
    return Study(chosen, where, returns, members, benchmarks, estimation, market, fits)


def studied(
    bars: Prices, kind: Kind, event: Event, members: np.ndarray, chosen: Setting, returns: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """One event by one kind of return, of all firms: actual returns (W by A), and FITTED by W by M by B by A.

    Firms are the columns of one regression. To study them apart would change the order of its sums, and with it last digits.
    """
    windows, assets = len(chosen.windows), len(chosen.assets)
    actual = np.full((windows, assets), np.nan)
    found = np.full((len(FITTED), windows, len(MODELS), len(chosen.benchmarks), assets), np.nan)
    of_event = study(bars, kind, event, members, chosen, returns)
    for w in range(windows):
        fits, days, market = of_event.of_window(w)
        actual[w] = compound(days, kind)
        for m, fitted in enumerate(fits.values()):
            box = found[:, w, m]
            box[:4] = fitted.alpha, fitted.beta, fitted.r2, fitted.sigma
            box[4] = abnormal_returns(fitted, days, market).sum(axis=1)
            box[5] = standard_errors(fitted, market)
    return actual, found
