"""Who is looked at, when, and at what prices: what the event study and everything built on it have in common.

Days are sessions of the exchange and never weekdays: a calendar that counts a holiday as a trading day shifts every
return behind it by one. Prices stand in arrays of sessions by tickers, so that the days around any event are a slice of
rows and every firm is computed at once. Beside each price stands its evidence: how good it is and since when it is public.

A benchmark is a fund, an index made of the panel's own firms, or a fund with one share taken out of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.errors import UsageError
from warehouse.marts.common.select_current import admissible, select_current
from warehouse.marts.market.doubts import KINDS, TWO_BASES, doubtful
from warehouse.marts.market.returns import daily_returns, rows_at
from warehouse.tables.companies import TABLE as COMPANIES
from warehouse.tables.stock_prices import TABLE as STOCK_PRICES
from warehouse.tables.table import GRADES

BENCHMARK_ROLE = "benchmark"
# Ticker of the portfolio of a role's firms: `portfolio:supplier`.
PORTFOLIO = "portfolio:"
# A row number that lies outside every calendar, also after an offset is added to it.
NOWHERE = -(10**9)
NO_GRADE = -1
NEVER = -(2**31)


@dataclass(frozen=True)
class Prices:
    """Closes of some tickers on every session: arrays of T by tickers, USD, NaN where there is no bar.

    A bar whose price is in doubt counts as missing; `doubt` then is 1 + its place in `doubts.KINDS`, elsewhere 0.
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
    doubt: np.ndarray

    def last_break(self) -> np.ndarray:
        """Of each ticker the row of its last step between two bases, -1 for none: closes before it are on another one."""
        rows = np.where(self.doubt == 1 + KINDS.index(TWO_BASES), np.arange(len(self.doubt))[:, None], -1)
        return rows.max(axis=0, initial=-1)

    @property
    def last_row(self) -> int:
        """Row of the last session with a bar of any ticker; NOWHERE where there is none."""
        traded = np.flatnonzero((self.grade != NO_GRADE).any(axis=1))
        return int(traded[-1]) if len(traded) else NOWHERE

    @property
    def last(self) -> date | None:
        """The last session with a bar of any ticker."""
        return self.day(self.last_row)

    def day(self, row: int) -> date | None:
        """The session of a row; None outside the calendar."""
        return self.sessions[row].item() if 0 <= row < len(self.sessions) else None


@dataclass(frozen=True)
class Event:
    """An event: the date asked for, the session it falls on (None where the calendar ends before), its row there."""

    asked: date
    what: str
    session: date | None
    at: int


@dataclass(frozen=True)
class FundLess:
    """A fund with one share taken out at its weight, the share of the fund's value that it was (0 to below 1).

    The weight is held fixed. A fund's weights drift with prices, so the further a day is from the one whose weight this
    is, the less exact the rest of the fund's return becomes.
    """

    fund: str
    without: str
    weight: float


@dataclass(frozen=True)
class Setting:
    """What is asked for: events, windows and estimation window in trading days from the event, firms and benchmarks.

    `firms` are the tickers of the panel (benchmark funds too) with their `roles`; `groups` are the roles that have a
    portfolio, all but the benchmarks'. `indices` are the benchmarks that are made of the panel, each with its firms, and
    `less` those that are a fund without one share. `other_news` are days on which something else moved the whole market.
    """

    events: tuple[Event, ...]
    windows: tuple[tuple[int, int], ...]
    estimation: tuple[int, int]
    benchmarks: tuple[str, ...]
    firms: tuple[str, ...]
    roles: tuple[str, ...]
    groups: tuple[str, ...]
    indices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    less: Mapping[str, FundLess] = field(default_factory=dict)
    other_news: tuple[tuple[date, str], ...] = ()

    def behind(self, benchmark: str) -> tuple[str, ...]:
        """Tickers whose prices make a benchmark: an index's firms, a fund and the share taken out, or the fund itself."""
        if made := self.less.get(benchmark):
            return made.fund, made.without
        return self.indices.get(benchmark, (benchmark,))

    def held(self, benchmark: str) -> tuple[str, ...]:
        """Tickers that a benchmark is known to hold, which it is pulled along by: none of a fund without a share."""
        return () if benchmark in self.less else self.behind(benchmark)

    def is_circular(self, benchmark: str) -> bool:
        """Whether a benchmark is made of the panel: its firms met the same news, so it hides what they have in common."""
        return benchmark in self.indices

    @property
    def assets(self) -> tuple[str, ...]:
        """Whatever has returns of its own: the firms, then each role's portfolio."""
        return (*self.firms, *(PORTFOLIO + group for group in self.groups))

    @property
    def estimation_days(self) -> int:
        return self.estimation[1] - self.estimation[0] + 1


def setting(companies: pl.DataFrame, sessions: pl.DataFrame, assumptions: Assumptions) -> Setting:
    """The panel, the events and the windows: what the event study and its tests have in common.

    Raises UsageError where a benchmark that is made has the name of a ticker: its rows would look like the ticker's.
    """
    panel = select_current(admissible(companies), COMPANIES).sort("ticker")
    days = _days(sessions)
    indices = {
        name: tuple(
            panel.filter(~pl.any_horizontal(pl.col("ticker", "role").is_in([*without, BENCHMARK_ROLE])))["ticker"]
        )
        for name, without in assumptions.value("benchmark_indices").items()
    }
    less = {name: FundLess(**made) for name, made in assumptions.value("benchmark_weights").items()}
    taken = set(panel["ticker"])
    for entry, names in (("benchmark_indices", indices), ("benchmark_weights", less)):
        if clash := sorted(taken & set(names)):
            raise UsageError(
                f"{entry}: {clash[0]} is a ticker of the panel, or another benchmark. Give it another name."
            )
        taken |= set(names)
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
        less=less,
        other_news=tuple(
            sorted((date.fromisoformat(day), what) for day, what in assumptions.value("other_news").items())
        ),
    )


def tickers_looked_at(companies: pl.DataFrame, assumptions: Assumptions) -> list[str]:
    """The tickers whose bars an event study may look at: those of the panel, and the funds behind the benchmarks."""
    weights = assumptions.value("benchmark_weights").values()
    funds = [*assumptions.value("benchmarks"), *(str(made[name]) for made in weights for name in ("fund", "without"))]
    return sorted({*companies["ticker"], *funds})


def event(sessions: np.ndarray, asked: date, what: str = "") -> Event:
    """The session of an event: the day itself, or the next day on which the exchange was open."""
    at = int(np.searchsorted(sessions, np.datetime64(asked, "D")))
    if at == len(sessions):
        return Event(asked, what, None, NOWHERE)
    return Event(asked, what, sessions[at].item(), at)


def panel_prices(stock_prices: pl.DataFrame, sessions: pl.DataFrame, chosen: Setting) -> Prices:
    """Prices of the firms, then of the benchmarks that are not among them; an index stands as a ticker of its own."""
    funds = [ticker for name in chosen.benchmarks if name not in chosen.indices for ticker in chosen.behind(name)]
    found = prices(stock_prices, sessions, list(dict.fromkeys((*chosen.firms, *funds))))
    for name in chosen.benchmarks:
        if name in chosen.indices:
            found = with_index(found, name, chosen.indices[name])
        elif name in chosen.less:
            found = without_a_share(found, name, chosen.less[name])
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
    return _with_level(found, name, columns, np.where(firms_a_day > 0, moved, np.nan))


def without_a_share(found: Prices, name: str, made: FundLess) -> Prices:
    """`found` with one more ticker: the level, as `adj_close`, of a fund with one share taken out.

    The rest of the fund returns (R_fund - w R_share) / (1 - w) on a day on which both have a return, w being the share's
    weight: R_fund is the mean of the two parts by weight. On other days there is none.
    """
    columns = [found.tickers.index(ticker) for ticker in (made.fund, made.without)]
    fund, share = daily_returns(found.adj_close[:, columns], "simple").T
    return _with_level(found, name, columns, (fund - made.weight * share) / (1 - made.weight))


def _with_level(found: Prices, name: str, columns: list[int], moved: np.ndarray) -> Prices:
    """`found` with one more ticker made of others (`columns`), by its simple return of each day (NaN for none).

    The level starts at 1 on the session before the first return, and after each gap anew from where it stood.
    """
    has = np.isfinite(moved)
    starts = np.append(has[1:], False) & ~np.append(False, has[:-1])
    level = np.where(has | starts, np.cumprod(1 + np.where(has, moved, 0.0)), np.nan)

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
        beside(found.doubt, np.zeros(len(level))),
    )


def prices(stock_prices: pl.DataFrame, sessions: pl.DataFrame, tickers: Sequence[str]) -> Prices:
    """The current bar of each ticker and session, in the order of `tickers` and of the calendar."""
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
    sources = found.select("ticker", "source").unique().height
    if np.count_nonzero(grade != NO_GRADE) < len(found) or sources > found["ticker"].n_unique():
        # Sorting every bar to choose among them is worth it only where two bars speak of one day, or two sources of a share.
        found = select_current(found, STOCK_PRICES)
        grade[:] = NO_GRADE
        place = found["row"].to_numpy(), found["column"].to_numpy()
    close[place], adj_close[place] = found["close"].to_numpy(), found["adj_close"].to_numpy()
    volume[place] = found["volume"].cast(pl.Float64).to_numpy()
    grade[place] = grade_codes(found["grade"])
    known_on[place] = found["known_on"].cast(pl.Int32).to_numpy()
    doubt = np.zeros(shape, dtype=np.int8)
    doubts = doubtful(found).join(columns, on="ticker").join(rows, on="date")
    place = doubts["row"].to_numpy(), doubts["column"].to_numpy()
    doubt[place] = [1 + KINDS.index(kind) for kind in doubts["doubt"]]
    close[place] = adj_close[place] = np.nan
    return Prices(days, names, close, adj_close, grade, known_on, volume, doubt)


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


def first_doubts(bars: Prices, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of each ticker, over some rows: the kind of its first bar in doubt (as in `Prices.doubt`, 0 for none) and its day."""
    inside = rows[(rows >= 0) & (rows < len(bars.sessions))]
    doubt = bars.doubt[inside]
    place = (doubt > 0).argmax(axis=0) if len(inside) else np.zeros(len(bars.tickers), dtype=int)
    kind = doubt[place, np.arange(len(bars.tickers))] if len(inside) else np.zeros(len(bars.tickers), dtype=np.int8)
    days = np.full(len(kind), np.datetime64("NaT", "D"))
    days[kind > 0] = bars.sessions[inside[place[kind > 0]]]
    return kind, days


def grade_codes(grades: pl.Series) -> np.ndarray:
    """Place of each grade in GRADES, so that the weakest is the largest; -1 for none."""
    codes = grades.replace_strict(GRADES, list(range(len(GRADES))), default=None, return_dtype=pl.Int8)
    return codes.fill_null(NO_GRADE).to_numpy()


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
    panel = select_current(admissible(companies), COMPANIES)
    worst_of_panel = int(grade_codes(panel["grade"]).max(initial=NO_GRADE))
    newest_of_panel = panel["known_on"].cast(pl.Int32).max() if len(panel) else NEVER
    return found.with_columns(
        grade=pl.when(any_figure).then(grade_letter(pl.max_horizontal("grade", pl.lit(worst_of_panel)))),
        known_on=pl.when(any_figure).then(as_date(pl.max_horizontal("known_on", pl.lit(newest_of_panel)))),
    )


def grade_letter(code: pl.Expr) -> pl.Expr:
    """The grade of a code of `grade_codes`; null for NO_GRADE."""
    return code.cast(pl.Int8).replace_strict(list(range(len(GRADES))), GRADES, default=None, return_dtype=pl.String())


def as_date(days: pl.Expr) -> pl.Expr:
    """The date so many days after 1970-01-01; null for NEVER."""
    return pl.when(days != NEVER).then(days).cast(pl.Int32).cast(pl.Date)


def _days(sessions: pl.DataFrame) -> np.ndarray:
    return np.unique(sessions["session"].drop_nulls().to_numpy()).astype("datetime64[D]")
