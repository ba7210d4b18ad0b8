"""Returns around an event: what a share would have done anyway, what it did beyond that, and how sure that is.

A price change on the day of some news is not yet an effect of the news: the market moved too, and a volatile share
moves by itself. So a model of normal returns is fitted before the event, on days that the news cannot have touched,
and what the event days bring beyond it (the abnormal return) is measured in units of the share's own unrest.

Everything here is arithmetic on arrays: days by firms, every firm at once. Days are sessions of the exchange and never
weekdays, for a calendar without the holidays shifts every return after one. A missing price is NaN and stays NaN: a
return across a gap would be the return of two days. Axes in docstrings: T sessions, n estimation days, L event
days, B benchmarks, K shares or portfolios.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal

import numpy as np
import polars as pl
from scipy.special import ndtr, stdtr

from warehouse.assumptions import Assumptions
from warehouse.errors import UsageError
from warehouse.marts.common.select_current import admissible, pick
from warehouse.tables.companies import TABLE as COMPANIES
from warehouse.tables.stock_prices import TABLE as STOCK_PRICES
from warehouse.tables.table import GRADES

Model = Literal["market_model", "market_adjusted", "mean_adjusted"]
Kind = Literal["simple", "log"]
MODELS: tuple[Model, ...] = ("market_model", "market_adjusted", "mean_adjusted")
KINDS: tuple[Kind, ...] = ("simple", "log")
BENCHMARK_ROLE = "benchmark"
# Standard deviations below this are rounding of equal numbers and not a share's unrest: nothing can be divided by them.
ROUNDING = 1e-10
# A row number that lies outside every calendar, also after an offset is added to it.
NOWHERE = -(10**9)
NO_GRADE = -1
NEVER = -(2**31)


@dataclass(frozen=True)
class Prices:
    """Closes of some tickers on every session: arrays of T by tickers, USD, NaN where there is no bar.

    `volume` is the shares traded, on the split basis of `close`.
    `grade` is the place of a bar's grade in GRADES and `known_on` the day it became public (days since 1970); NO_GRADE
    and NEVER where there is no bar.
    """

    sessions: np.ndarray
    tickers: tuple[str, ...]
    close: np.ndarray
    adj_close: np.ndarray
    grade: np.ndarray
    known_on: np.ndarray
    volume: np.ndarray

    @property
    def last_row(self) -> int:
        """Row of the last session with a bar of any ticker; NOWHERE where there is none."""
        traded = np.flatnonzero((self.grade != NO_GRADE).any(axis=1))
        return int(traded[-1]) if len(traded) else NOWHERE

    @property
    def last(self) -> date | None:
        """The last session with a bar of any ticker."""
        return self.sessions[self.last_row].item() if self.last_row != NOWHERE else None


@dataclass(frozen=True)
class Event:
    """An event: the date asked for, the session it falls on (None where the calendar ends before), its row there."""

    asked: date
    what: str
    session: date | None
    at: int


@dataclass(frozen=True)
class Setting:
    """What is asked for: events, windows and estimation window in trading days from the event, firms and benchmarks.

    `firms` are the tickers of the panel (benchmark funds too) with their `roles`; `groups` are the roles that have a
    portfolio, all but the benchmarks'. `indices` are the benchmarks that are made of the panel, each with its firms.
    """

    events: tuple[Event, ...]
    windows: tuple[tuple[int, int], ...]
    estimation: tuple[int, int]
    benchmarks: tuple[str, ...]
    firms: tuple[str, ...]
    roles: tuple[str, ...]
    groups: tuple[str, ...]
    indices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def behind(self, benchmark: str) -> tuple[str, ...]:
        """Tickers whose prices make a benchmark: the firms of an index, or the fund or share itself."""
        return self.indices.get(benchmark, (benchmark,))

    @property
    def estimation_days(self) -> int:
        return self.estimation[1] - self.estimation[0] + 1


def setting(companies: pl.DataFrame, sessions: pl.DataFrame, assumptions: Assumptions) -> Setting:
    """The panel, the events and the windows: what the event study and its tests have in common.

    Raises UsageError where an index has the name of a ticker: its rows could not be told from the ticker's.
    """
    panel = pick(admissible(companies), COMPANIES).sort("ticker")
    days = _days(sessions)
    indices = {
        name: tuple(
            panel.filter(~pl.any_horizontal(pl.col("ticker", "role").is_in([*without, BENCHMARK_ROLE])))["ticker"]
        )
        for name, without in assumptions.value("benchmark_indices").items()
    }
    if taken := sorted(set(indices) & set(panel["ticker"])):
        raise UsageError(f"benchmark_indices: {taken[0]} is a ticker of the panel. Give the index another name.")
    asked = sorted((date.fromisoformat(day), what) for day, what in assumptions.value("events").items())
    return Setting(
        events=tuple(event(days, day, what) for day, what in asked),
        windows=tuple((int(first), int(last)) for first, last in assumptions.value("windows")),
        estimation=tuple(assumptions.value("estimation_window")),
        benchmarks=tuple(dict.fromkeys(assumptions.value("benchmarks"))),
        firms=tuple(panel["ticker"]),
        roles=tuple(panel["role"]),
        groups=tuple(sorted(set(panel["role"]) - {BENCHMARK_ROLE})),
        indices=indices,
    )


def event(sessions: np.ndarray, asked: date, what: str = "") -> Event:
    """The session of an event: the day itself, or the next day on which the exchange was open."""
    at = int(np.searchsorted(sessions, np.datetime64(asked, "D")))
    if at == len(sessions):
        return Event(asked, what, None, NOWHERE)
    return Event(asked, what, sessions[at].item(), at)


def panel_prices(stock_prices: pl.DataFrame, sessions: pl.DataFrame, chosen: Setting) -> Prices:
    """Prices of the firms, then of the benchmarks that are not among them; an index stands as a ticker of its own."""
    funds = [name for name in chosen.benchmarks if name not in chosen.indices]
    found = prices(stock_prices, sessions, list(dict.fromkeys((*chosen.firms, *funds))))
    for name in chosen.benchmarks:
        if name in chosen.indices:
            found = with_index(found, name, chosen.indices[name])
    return found


def with_index(found: Prices, name: str, firms: Sequence[str]) -> Prices:
    """`found` with one more ticker: the level of an equal-weight index of some of its tickers, as `adj_close`.

    Its simple return of a day is the mean of the simple returns of the firms that have one, so that a firm enters on the
    day after its listing and a firm's missing day is nobody else's. The level starts at 1; it has no `close`, as nobody
    trades it. Where no firm has a return there is no level, and so no return across the gap.
    """
    columns = [found.tickers.index(ticker) for ticker in firms]
    returns = daily_returns(found.adj_close[:, columns], "simple")
    there = ~np.isnan(returns)
    firms_a_day = there.sum(axis=1)
    moved = np.where(there, returns, 0.0).sum(axis=1) / np.maximum(firms_a_day, 1)
    has = firms_a_day > 0
    starts = np.append(has[1:], False) & ~np.append(False, has[:-1])
    level = np.where(has | starts, np.cumprod(1 + moved), np.nan)

    def beside(values: np.ndarray, column: np.ndarray) -> np.ndarray:
        return np.column_stack([values, column]).astype(values.dtype)

    return Prices(
        found.sessions,
        (*found.tickers, name),
        beside(found.close, np.full(len(level), np.nan)),
        beside(found.adj_close, level),
        beside(found.grade, found.grade[:, columns].max(axis=1, initial=NO_GRADE)),
        beside(found.known_on, found.known_on[:, columns].max(axis=1, initial=NEVER)),
        beside(found.volume, np.full(len(level), np.nan)),
    )


def prices(stock_prices: pl.DataFrame, sessions: pl.DataFrame, tickers: Sequence[str]) -> Prices:
    """The picked bar of each ticker and session, in the order of `tickers` and of the calendar."""
    days, names = _days(sessions), tuple(tickers)
    shape = (len(days), len(names))
    close, adj_close, volume = (np.full(shape, np.nan) for _ in range(3))
    grade, known_on = np.full(shape, NO_GRADE, dtype=np.int8), np.full(shape, NEVER, dtype=np.int32)
    columns = pl.DataFrame(
        {"ticker": names, "column": range(len(names))}, schema={"ticker": pl.String, "column": pl.Int64}
    )
    rows = pl.DataFrame({"date": days, "row": np.arange(len(days))}, schema={"date": pl.Date, "row": pl.Int64})
    bars = stock_prices.filter(pl.col("ticker").is_in(names) & (pl.col("close") > 0) & (pl.col("adj_close") > 0))
    found = admissible(bars).join(columns, on="ticker").join(rows, on="date")
    place = found["row"].to_numpy(), found["column"].to_numpy()
    grade[place] = 0
    if np.count_nonzero(grade != NO_GRADE) < len(found):
        # Sorting every bar to choose among them is worth it only where two bars speak of one day.
        found = pick(found, STOCK_PRICES)
        place = found["row"].to_numpy(), found["column"].to_numpy()
    close[place], adj_close[place] = found["close"].to_numpy(), found["adj_close"].to_numpy()
    volume[place] = found["volume"].cast(pl.Float64).to_numpy()
    grade[place] = grade_codes(found["grade"])
    known_on[place] = found["known_on"].cast(pl.Int32).to_numpy()
    return Prices(days, names, close, adj_close, grade, known_on, volume)


def grade_codes(grades: pl.Series) -> np.ndarray:
    """Place of each grade in GRADES, so that the weakest is the largest; -1 for none."""
    codes = grades.replace_strict(GRADES, list(range(len(GRADES))), default=None, return_dtype=pl.Int8)
    return codes.fill_null(NO_GRADE).to_numpy()


def daily_returns(closes: np.ndarray, kind: Kind) -> np.ndarray:
    """Return of each session over the one before, as a fraction (T by K); NaN in the first row and beside a gap."""
    growth = np.full(closes.shape, np.nan)
    growth[1:] = closes[1:] / closes[:-1]
    return growth - 1 if kind == "simple" else np.log(growth)


def compound(returns: np.ndarray, kind: Kind) -> np.ndarray:
    """Return of a whole window from its daily ones (L by K to K): simple returns compound, logs add up."""
    return np.prod(1 + returns, axis=0) - 1 if kind == "simple" else returns.sum(axis=0)


def rows_at(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Rows of a float array by number; NaN for numbers outside it (before the calendar begins or after it ends)."""
    inside = (rows >= 0) & (rows < len(values))
    found = np.full((len(rows), *values.shape[1:]), np.nan)
    found[inside] = values[rows[inside]]
    return found


@dataclass(frozen=True)
class Gaps:
    """Of each ticker, over some days: returns that are there, whether a price is missing, and the first such day.

    The day is NaT where nothing is missing, or where it lies outside the calendar.
    """

    returns: np.ndarray
    missing: np.ndarray
    first: np.ndarray


def gaps(bars: Prices, rows: np.ndarray) -> Gaps:
    """What is missing of each ticker over the days of some rows; returns are counted from the second day on."""
    present = rows_at((~np.isnan(bars.adj_close)).astype(float), rows) == 1
    missing = ~present.all(axis=0)
    row = rows[np.argmin(present, axis=0)]
    inside = missing & (row >= 0) & (row < len(bars.sessions))
    first = np.full(len(row), np.datetime64("NaT", "D"))
    first[inside] = bars.sessions[row[inside]]
    return Gaps((present[1:] & present[:-1]).sum(axis=0), missing, first)


def offsets(first: int, last: int) -> np.ndarray:
    """Trading days from `first` to `last`, both included."""
    return np.arange(first, last + 1)


@dataclass(frozen=True)
class Fit:
    """Normal returns `alpha + beta * market` of K shares against each of B benchmarks, from n estimation days.

    `alpha`, `beta`, `r2` and `sigma` (standard deviation of the daily abnormal return) are B by K; `market_mean` and
    `sxx` (sum of squared deviations of the market's returns) are of length B.
    """

    model: Model
    days: int
    degrees: int
    alpha: np.ndarray
    beta: np.ndarray
    r2: np.ndarray
    sigma: np.ndarray
    market_mean: np.ndarray
    sxx: np.ndarray

    def of(self, columns: np.ndarray) -> Fit:
        """The same fit for some of its shares."""
        chosen = {name: getattr(self, name)[:, columns] for name in ("alpha", "beta", "r2", "sigma")}
        return replace(self, **chosen)


def fit(model: Model, returns: np.ndarray, market: np.ndarray) -> Fit:
    """Normal returns from the estimation window: `returns` n by K, `market` n by B.

    market_model: `R = a + b Rm + e` by ordinary least squares; s^2 = sum(e^2) / (n - 2), n - 2 degrees of freedom
    (MacKinlay 1997, Event studies in economics and finance, section 5).
    market_adjusted: a = 0 and b = 1 are given and nothing is estimated, so that e = R - Rm; s is the standard deviation
    of e about its mean, with n - 1 degrees of freedom (Brown and Warner 1985).
    mean_adjusted: a is the mean of R and b = 0; s^2 = sum(e^2) / (n - 1), n - 1 degrees of freedom; it uses no market.
    r2 is 1 - sum(e^2) / sum((R - mean)^2) in each: of the mean-adjusted model zero, of the market-adjusted one below
    zero where R - Rm varies more than R.
    """
    n, shape = len(returns), (market.shape[1], returns.shape[1])
    mean, market_mean = returns.mean(axis=0), market.mean(axis=0)
    centred, market_centred = returns - mean, market - market_mean
    total, sxx = (centred**2).sum(axis=0), (market_centred**2).sum(axis=0)
    if model == "market_model":
        products = [(centred * market_centred[:, [b]]).sum(axis=0) for b in range(len(sxx))]
        beta = np.reshape(products, shape) / _positive(sxx)[:, None]
        alpha = mean - beta * market_mean[:, None]
        spread = _squares(centred, market_centred, beta)
        squares = spread
    elif model == "market_adjusted":
        alpha, beta = np.zeros(shape), np.ones(shape)
        spread = _squares(centred, market_centred, beta)
        squares = spread + n * (mean - market_mean[:, None]) ** 2
    else:
        alpha, beta = np.broadcast_to(mean, shape), np.zeros(shape)
        spread = squares = np.broadcast_to(total, shape)
    degrees = n - 2 if model == "market_model" else n - 1
    r2 = 1 - squares / _positive(total)
    return Fit(model, n, degrees, alpha, beta, r2, np.sqrt(spread / degrees), market_mean, sxx)


def _squares(centred: np.ndarray, market_centred: np.ndarray, beta: np.ndarray) -> np.ndarray:
    """Sum over days of (R - beta Rm)^2 of centred returns, B by K; one benchmark at a time, to stay in the cache."""
    squares = [((centred - market_centred[:, [b]] * beta[b]) ** 2).sum(axis=0) for b in range(len(beta))]
    return np.reshape(squares, beta.shape)


def abnormal_returns(fitted: Fit, returns: np.ndarray, market: np.ndarray) -> np.ndarray:
    """What each event day brought beyond the normal return: `returns` L by K, `market` L by B, to B by L by K."""
    if fitted.model == "mean_adjusted":
        return returns - fitted.alpha[:, None, :]
    return returns - fitted.alpha[:, None, :] - market.T[:, :, None] * fitted.beta[:, None, :]


def standard_errors(fitted: Fit, market: np.ndarray) -> np.ndarray:
    """Standard error of the cumulative abnormal return over the L days of `market` (L by B), B by K.

    market_model: s^2 (L + L^2 / n + (sum of (Rm - mean))^2 / Sxx), the errors of a and b being the same on every day
    (method 6; for one day the prediction error of the regression).
    market_adjusted: s^2 L, as nothing was estimated. mean_adjusted: s^2 (L + L^2 / n), the mean being estimated.
    Zero (within rounding) becomes NaN: returns that do not vary allow no test.
    """
    days = len(market)
    if fitted.model == "market_adjusted":
        factor = np.full(fitted.market_mean.shape, float(days))
    else:
        factor = np.full(fitted.market_mean.shape, days + days**2 / fitted.days)
    if fitted.model == "market_model":
        factor = factor + (market - fitted.market_mean).sum(axis=0) ** 2 / _positive(fitted.sxx)
    return np.where(fitted.sigma > ROUNDING, fitted.sigma, np.nan) * np.sqrt(factor)[:, None]


def student_p(t: np.ndarray, degrees: float | np.ndarray) -> np.ndarray:
    """Two-sided p-value of a t statistic with so many degrees of freedom; NaN stays NaN."""
    return 2 * stdtr(degrees, -np.abs(t))


def normal_p(z: np.ndarray) -> np.ndarray:
    """Two-sided p-value of a standard normal statistic; NaN stays NaN."""
    return 2 * ndtr(-np.abs(z))


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


def means(values: np.ndarray, members: np.ndarray) -> np.ndarray:
    """Equal-weight mean over the last axis (..., F) of each group's members (G by F flags): (..., G), NaN for none.

    Group by group and not as a matrix product, whose last digit depends on which other groups there are.
    """
    found = np.full((*values.shape[:-1], len(members)), np.nan)
    for g, member in enumerate(members):
        if member.any():
            found[..., g] = values[..., member].mean(axis=-1)
    return found


def evidence(
    bars: Prices, first_row: int, last_row: int, members: np.ndarray, with_market: bool, chosen: Setting
) -> tuple[np.ndarray, np.ndarray]:
    """Weakest grade (code) and last day of publication of the prices of some rows, for each firm, then each group.

    `members` are G by F flags; `with_market` adds the first benchmark's prices to each.
    """
    rows = slice(max(first_row, 0), max(last_row + 1, 0))
    market = bars.tickers.index(chosen.benchmarks[0])
    found = []
    for values, nothing in ((bars.grade, NO_GRADE), (bars.known_on, NEVER)):
        worst = values[rows].max(axis=0, initial=nothing)
        firms = worst[: len(chosen.firms)]
        groups = np.where(members, firms, nothing).max(axis=1, initial=nothing)
        assets = np.append(firms, groups)
        found.append(np.maximum(assets, worst[market]) if with_market else assets)
    return found[0], found[1]


def with_evidence(found: pl.DataFrame, companies: pl.DataFrame, any_figure: pl.Expr) -> pl.DataFrame:
    """`grade` (code) and `known_on` (days since 1970) as they are published, null where a row has no figure.

    The panel's own rows count too: a role is a fact with a grade.
    """
    panel = pick(admissible(companies), COMPANIES)
    worst_of_panel = int(grade_codes(panel["grade"]).max(initial=NO_GRADE))
    grade = pl.max_horizontal("grade", pl.lit(worst_of_panel)).cast(pl.Int8)
    days = pl.max_horizontal("known_on", pl.lit(panel["known_on"].cast(pl.Int32).max() if len(panel) else NEVER))
    return found.with_columns(
        grade=pl.when(any_figure).then(
            grade.replace_strict(list(range(len(GRADES))), GRADES, default=None, return_dtype=pl.String())
        ),
        known_on=pl.when(any_figure).then(days.cast(pl.Int32).cast(pl.Date)),
    )


def _days(sessions: pl.DataFrame) -> np.ndarray:
    return np.unique(sessions["session"].drop_nulls().to_numpy()).astype("datetime64[D]")


def _positive(values: np.ndarray) -> np.ndarray:
    """Values to divide by: sums of squares that are zero within rounding become NaN."""
    return np.where(values > ROUNDING**2, values, np.nan)
