"""What each share did around an event beyond what its market explains, and the market value that it lost.

Read this before reading a number:

- An event is news on a date; the market answers in that day's session or the next. 2025-01-20 is a holiday, so its
  session is the 21st; `event_date` stays the date that was asked for and `session` is the day that was measured.
- Days are counted on the exchange's calendar. Counting weekdays puts every return behind a holiday on the wrong day;
  published studies of this very event did that.
- Returns are taken from `adj_close` (a dividend is not a loss), market values from `close`. Closes are split-adjusted,
  a cover page's share count is not: it is multiplied by every split since the day it was measured.
- Several days' abnormal returns lean on the same two estimated parameters, so the variance of their sum is larger than
  the sum of their variances (`warehouse.marts.returns.standard_errors`).
- The benchmark may be an equal-weight index of the panel without Nvidia, because Nvidia is a good part of the funds: held
  against a market that it moves, it seems to fall less. But an index of this panel is the rest of the AI trade, nearly
  half of it suppliers, and it fell on the same news; against it one sees who fell more than the others and not whether
  they fell. A firm or portfolio that is part of an index is still held against the whole of it, so that all rows of a
  benchmark have the same market, and the row's reason says how much of it. EW_EX_SUPPLIERS has none of the suppliers.
- Shares that fall together on one day are not so many independent witnesses. A role's portfolio
  (`portfolio:supplier`, ...) carries their correlation in its own variance; it stands among the tickers, with the role
  as `role`, and must not be added to them.

Beside the market model stand two simpler ones, so that a result that hangs on the model can be seen to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.common.mart import Mart, Trace
from warehouse.marts.common.reasons import joined
from warehouse.marts.common.select_current import admissible, pick, weakest
from warehouse.marts.market.returns import (
    KINDS,
    MODELS,
    NEVER,
    NO_GRADE,
    Gaps,
    Model,
    Prices,
    Setting,
    abnormal_returns,
    compound,
    daily_returns,
    gaps,
    grade_codes,
    memberships,
    offsets,
    panel_prices,
    rows_at,
    setting,
    standard_errors,
    student_p,
    study,
)
from warehouse.tables.companies import TABLE as COMPANIES
from warehouse.tables.corporate_actions import TABLE as CORPORATE_ACTIONS
from warehouse.tables.shares_outstanding import TABLE as SHARES_OUTSTANDING
from warehouse.tables.table import GRADES, Check, Column, mart

PORTFOLIO = "portfolio:"

TABLE = mart(
    "event_study",
    "actual and abnormal returns of each ticker and of each role's portfolio around each event",
    [
        Column("event_date", "date", "date of the news, as asked for", required=True),
        Column("session", "date", "trading day that is day 0: the event date, or the next session after it"),
        Column("event", "text", "what happened"),
        Column(
            "ticker",
            "text",
            "share, fund, or `portfolio:ROLE`: the equal-weight mean of the daily returns of that role's firms with "
            "every return of estimation and event window",
            required=True,
        ),
        Column("role", "text", "role in the question; of a portfolio, the role of its firms", required=True),
        Column(
            "benchmark",
            "text",
            "fund, or equal-weight index of the panel (assumption benchmark_indices), that stands for the market",
            required=True,
        ),
        Column(
            "model",
            "text",
            "normal return: market_model a + b Rm, market_adjusted Rm, mean_adjusted the mean (uses no benchmark)",
            required=True,
            allowed=MODELS,
        ),
        Column("return_kind", "text", "daily returns: simple, or log", required=True, allowed=KINDS),
        Column("window_start", "integer", "first day of the window relative to the session", "trading days", True),
        Column("window_end", "integer", "last day of the window relative to the session", "trading days", True),
        Column("prices_from", "date", "day of the close that the first estimation return starts from"),
        Column("prices_to", "date", "last day of the window"),
        Column("n_firms", "integer", "firms in the row: 1, or those of the portfolio", "firms", True, minimum=0),
        Column("firms", "text", "tickers in the row, separated by blanks"),
        Column(
            "benchmark_firms",
            "text",
            "tickers whose prices make the benchmark, separated by blanks: of a fund the fund, of an index its firms",
            required=True,
        ),
        Column(
            "n_estimation",
            "integer",
            "returns found in the estimation window",
            "trading days",
            required=True,
            minimum=0,
        ),
        Column(
            "degrees_of_freedom",
            "integer",
            "of the t statistic: n - 2 for the market model, n - 1 for the others, n being the days of the estimation "
            "window",
            "trading days",
            required=True,
            minimum=1,
        ),
        Column("alpha", "real", "normal return of a day on which the benchmark does not move", "fraction a day"),
        Column("beta", "real", "normal return for each unit of the benchmark's (1 or 0 where the model sets it)"),
        Column(
            "r2",
            "real",
            "1 - squared errors / squared deviations from the mean; negative is worse than the mean",
            maximum=1,
        ),
        Column("sigma", "real", "standard deviation of a day's abnormal return", "fraction a day", minimum=0),
        Column("actual_return", "real", "return of the window: simple ones compound, logs add up", "fraction"),
        Column("abnormal_return", "real", "sum of the window's daily abnormal returns (CAR)", "fraction"),
        Column(
            "standard_error",
            "real",
            "of the abnormal return over L days: market_model s sqrt(L + L^2/n + (sum(Rm - mean))^2/Sxx), "
            "market_adjusted s sqrt(L), mean_adjusted s sqrt(L + L^2/n)",
            "fraction",
            above=0,
        ),
        Column("t_stat", "real", "abnormal return over its standard error", "standard errors"),
        Column("p_value", "real", "two-sided, Student's t", "probability", minimum=0, maximum=1),
        Column("shares", "real", "latest count known on the session, on the closes' split basis", "shares", above=0),
        Column("shares_measured_on", "date", "day that the count is about"),
        Column(
            "market_value_change_usd",
            "real",
            "close at the window's end less the close before its start, times shares",
            "USD",
        ),
        Column("known_on", "date", "day by which all inputs were public"),
    ],
    key=("event_date", "ticker", "benchmark", "model", "return_kind", "window_start", "window_end"),
    checks=(
        Check(
            "never_before_the_news",
            "select * from {table} where session < event_date",
            "a price from before the news cannot answer it",
        ),
        Check(
            "null_has_a_reason",
            "select * from {table} where reason is null and (alpha is null or abnormal_return is null "
            "or actual_return is null or t_stat is null or p_value is null or market_value_change_usd is null)",
            "a missing figure would look like one that was forgotten",
        ),
        Check(
            "t_is_abnormal_return_over_its_error",
            "select * from {table} where abs(t_stat * standard_error - abnormal_return) > 1e-9",
            "a statistic that belongs to another row",
        ),
        Check(
            "no_benchmark_against_itself",
            "select * from {table} where ticker = benchmark and abnormal_return is not null",
            "a regression on itself has no error and calls any day significant",
        ),
    ),
)

FLAT = "the estimation returns do not vary enough to test anything"
NO_PORTFOLIO_VALUE = "market values are given for firms and not for portfolios"


def build(
    stock_prices: pl.DataFrame,
    shares_outstanding: pl.DataFrame,
    corporate_actions: pl.DataFrame,
    companies: pl.DataFrame,
    sessions: pl.DataFrame,
    *,
    as_of: date,
    assumptions: Assumptions,
) -> pl.DataFrame:
    """Method 6: every event, ticker and portfolio, benchmark, model, kind of return and window.

    Returns are fractions, money is USD. Formulas: `returns.fit`, `returns.standard_errors`. `as_of` enters only through
    the facts given: a window that is not over lacks its prices, and says so.
    """
    chosen = setting(companies, sessions, assumptions)
    if not (chosen.firms and chosen.events):
        return TABLE.empty()
    bars = panel_prices(stock_prices, sessions, chosen)
    members = np.stack([memberships(bars, event, chosen) for event in chosen.events])
    counts = share_counts(shares_outstanding, corporate_actions, chosen)
    grid = _grid(chosen)
    figures = _figures(bars, members, chosen, grid)
    value_change = _close_changes(bars, chosen) * counts.shares[:, None, :]
    valued = ~np.isnan(value_change)
    # A row has a grade where it has any figure.
    any_figure = grid.flat(valued, "EWA") | ~np.isnan(figures["actual_return"]) | ~np.isnan(figures["alpha"])
    grade, known_on = _evidence(bars, members, companies, counts, valued, chosen)
    frame = pl.DataFrame(
        {
            **_keys(chosen, grid),
            "n_firms": grid.flat(_n_firms(members, chosen), "EWA"),
            "firms": grid.series(_firm_lists(members, chosen), "EWA"),
            "n_estimation": grid.flat(_n_estimation(bars, members, chosen), "EWA"),
            **figures,
            "shares": grid.flat(counts.shares, "EA"),
            "shares_measured_on": grid.flat(counts.measured_on, "EA"),
            "market_value_change_usd": grid.flat(value_change, "EWA"),
            "known_on": np.where(any_figure, grid.flat(known_on, "EWMBA"), NEVER),
            "grade": np.where(any_figure, grid.flat(grade, "EWMBA"), NO_GRADE),
        }
    )
    reasons = _reasons(bars, members, counts, chosen)
    unexplained = (pl.col("t_stat").is_null() | pl.col("r2").is_null()) & ~pl.col("explained")
    return (
        frame.hstack(reasons[_place_of_reason(grid)])
        .with_columns(pl.col(pl.Float64).fill_nan(None))
        .with_columns(
            known_on=pl.when(pl.col("known_on") != NEVER).then(pl.col("known_on")).cast(pl.Int32).cast(pl.Date),
            grade=pl.col("grade").replace_strict(
                list(range(len(GRADES))), GRADES, default=None, return_dtype=pl.String()
            ),
            reason=joined("reason", pl.when(unexplained).then(pl.lit(FLAT))),
        )
        .drop("explained")
    )


def uses_market(model: Model) -> bool:
    """Whether the benchmark's returns enter a model's abnormal return."""
    return model != "mean_adjusted"


@dataclass(frozen=True)
class _Grid:
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


def _grid(chosen: Setting, axes: str = "EKWMBA") -> _Grid:
    sizes = {
        "E": len(chosen.events),
        "K": len(KINDS),
        "W": len(chosen.windows),
        "U": 2,
        "M": len(MODELS),
        "B": len(chosen.benchmarks),
        "A": len(chosen.firms) + len(chosen.groups),
    }
    return _Grid({axis: sizes[axis] for axis in axes})


def _keys(chosen: Setting, grid: _Grid) -> dict[str, pl.Series | np.ndarray]:
    first, last = np.array(chosen.windows).T
    return {
        "event_date": grid.series([event.asked for event in chosen.events], "E"),
        "session": grid.series([event.session for event in chosen.events], "E", pl.Date()),
        "event": grid.series([event.what for event in chosen.events], "E"),
        "ticker": grid.series(_assets(chosen), "A"),
        "role": grid.series([*chosen.roles, *chosen.groups], "A"),
        "benchmark": grid.series(chosen.benchmarks, "B"),
        "benchmark_firms": grid.series([" ".join(chosen.behind(name)) for name in chosen.benchmarks], "B"),
        "model": grid.series(MODELS, "M"),
        "return_kind": grid.series(KINDS, "K"),
        "window_start": grid.flat(first, "W"),
        "window_end": grid.flat(last, "W"),
    }


def _assets(chosen: Setting) -> list[str]:
    return [*chosen.firms, *(PORTFOLIO + group for group in chosen.groups)]


# ---- Figures -------------------------------------------------------------------------------------------------------


def _figures(bars: Prices, members: np.ndarray, chosen: Setting, grid: _Grid) -> dict[str, np.ndarray]:
    """Columns of every statistic; NaN where it cannot be computed."""
    names = ("alpha", "beta", "r2", "sigma", "abnormal_return", "standard_error")
    found = np.full((len(names), *grid.shape), np.nan)
    actual = np.full((grid.size["E"], grid.size["K"], grid.size["W"], grid.size["A"]), np.nan)
    daily = [daily_returns(bars.adj_close, kind) for kind in KINDS]
    for e, event in enumerate(chosen.events):
        for k, kind in enumerate(KINDS):
            studied = study(bars, kind, event, members[e], chosen, daily[k])
            for w in range(grid.size["W"]):
                fits, returns, market = studied.of_window(w)
                actual[e, k, w] = compound(returns, kind)
                for m, fitted in enumerate(fits.values()):
                    box = found[:, e, k, w, m]
                    box[:4] = fitted.alpha, fitted.beta, fitted.r2, fitted.sigma
                    box[4] = abnormal_returns(fitted, returns, market).sum(axis=1)
                    box[5] = standard_errors(fitted, market)
    # What the market-adjusted model sets without looking (a = 0, b = 1) counts only where it can be tested.
    itself = grid.flat(_itself(members, chosen), "EWBA").reshape(grid.shape)
    found[:, np.isnan(found[3]) | itself] = np.nan
    columns = {name: found[i].reshape(-1) for i, name in enumerate(names)}
    # A window that is not over has no standard error either.
    columns["standard_error"] = np.where(np.isnan(columns["abnormal_return"]), np.nan, columns["standard_error"])
    days = chosen.estimation_days
    degrees = grid.flat(np.array([days - 2 if model == "market_model" else days - 1 for model in MODELS]), "M")
    t_stat = columns["abnormal_return"] / columns["standard_error"]
    return {
        **columns,
        "actual_return": grid.flat(actual, "EKWA"),
        "t_stat": t_stat,
        "p_value": student_p(t_stat, degrees),
        "degrees_of_freedom": degrees,
    }


def _shared(members: np.ndarray, chosen: Setting) -> np.ndarray:
    """Firms that each asset and each benchmark have in common: E by W by B by A."""
    in_benchmark = np.array([[firm in chosen.behind(name) for firm in chosen.firms] for name in chosen.benchmarks])
    own = np.broadcast_to(in_benchmark, (*members.shape[:2], *in_benchmark.shape))
    return np.concatenate([own, np.einsum("ewgf,bf->ewbg", members, in_benchmark, dtype=int)], axis=3).astype(int)


def _itself(members: np.ndarray, chosen: Setting) -> np.ndarray:
    """Whether an asset is the benchmark that it would be held against: E by W by B by A."""
    sizes = np.array([len(chosen.behind(name)) for name in chosen.benchmarks])[:, None]
    return (_shared(members, chosen) == sizes) & (_n_firms(members, chosen)[:, :, None, :] == sizes)


def _close_changes(bars: Prices, chosen: Setting) -> np.ndarray:
    """Close at the window's end less the close before its start, E by W by A, USD; NaN for portfolios."""
    changes = np.full((len(chosen.events), len(chosen.windows), len(_assets(chosen))), np.nan)
    for e, event in enumerate(chosen.events):
        for w, (first, last) in enumerate(chosen.windows):
            before, after = rows_at(bars.close, event.at + np.array([first - 1, last]))
            changes[e, w, : len(chosen.firms)] = (after - before)[: len(chosen.firms)]
    return changes


@dataclass(frozen=True)
class ShareCounts:
    """Share counts known on each event's session, E by A, and their evidence.

    NaN, NaT, NO_GRADE and NEVER where there is none.
    """

    shares: np.ndarray
    measured_on: np.ndarray
    grade: np.ndarray
    known_on: np.ndarray


def share_counts(shares: pl.DataFrame, actions: pl.DataFrame, chosen: Setting) -> ShareCounts:
    """The latest count of each firm that was known on each event's session, times every split since it was measured."""
    shape = (len(chosen.events), len(_assets(chosen)))
    counts, measured = np.full(shape, np.nan), np.full(shape, np.datetime64("NaT", "D"))
    grade, known_on = np.full(shape, NO_GRADE), np.full(shape, NEVER)
    places = {ticker: a for a, ticker in enumerate(chosen.firms)}
    events = pl.DataFrame(
        {"e": range(shape[0]), "session": [event.session for event in chosen.events]},
        schema={"e": pl.Int64, "session": pl.Date},
    )
    known = (
        admissible(shares)
        .filter(pl.col("ticker").is_in(list(places)))
        .join(events, how="cross")
        .filter(pl.col("known_on") <= pl.col("session"))
    )
    latest = (
        pick(known, SHARES_OUTSTANDING, ["e", "ticker", "measured_on"])
        .sort("measured_on", descending=True, maintain_order=True)
        .unique(["e", "ticker"], keep="first", maintain_order=True)
    )
    splits = pick(admissible(actions).filter(pl.col("kind") == "split"), CORPORATE_ACTIONS)
    since = (
        latest.join(splits.select("ticker", "date", "value", "grade", "known_on"), on="ticker", suffix="_split")
        .filter(pl.col("date") > pl.col("measured_on"))
        .sort("date")
        .group_by("e", "ticker", maintain_order=True)
        .agg(pl.col("value").product(), pl.col("grade_split", "known_on_split").max())
    )
    found = latest.join(since, on=["e", "ticker"], how="left").sort("e", "ticker")
    place = found["e"].to_numpy(), np.array([places[ticker] for ticker in found["ticker"]], dtype=int)
    counts[place] = (found["shares"] * found["value"].fill_null(1.0)).to_numpy()
    measured[place] = found["measured_on"].to_numpy()
    grade[place] = grade_codes(found.select(weakest("grade", "grade_split")).to_series())
    known_on[place] = (
        found.select(pl.max_horizontal("known_on", "known_on_split").cast(pl.Int32)).to_series().to_numpy()
    )
    return ShareCounts(counts, measured, grade, known_on)


# ---- Evidence ------------------------------------------------------------------------------------------------------


def _evidence(
    bars: Prices,
    members: np.ndarray,
    companies: pl.DataFrame,
    counts: ShareCounts,
    valued: np.ndarray,
    chosen: Setting,
) -> tuple[np.ndarray, np.ndarray]:
    """Weakest grade (code) and last day of publication among a row's inputs: both E by W by M by B by A."""
    panel = pick(admissible(companies), COMPANIES).sort("ticker")
    own = {"grade": grade_codes(panel["grade"]), "known_on": panel["known_on"].cast(pl.Int32).to_numpy()}
    found = []
    for name, nothing in (("grade", NO_GRADE), ("known_on", NEVER)):
        of_bars, of_counts = getattr(bars, name), getattr(counts, name)
        worst = np.stack([_worst(of_bars, event.at, chosen, nothing) for event in chosen.events])
        firms = np.maximum(worst[:, :, : len(chosen.firms)], own[name])
        portfolios = np.where(members, firms[:, :, None, :], nothing).max(axis=3, initial=nothing)
        assets = np.concatenate([firms, portfolios], axis=2)
        assets = np.maximum(assets, np.where(valued, of_counts[:, None, :], nothing))
        market = worst[:, :, [bars.tickers.index(ticker) for ticker in chosen.benchmarks]]
        market = np.stack([market if uses_market(model) else np.full_like(market, nothing) for model in MODELS], axis=2)
        found.append(np.maximum(assets[:, :, None, None, :], market[:, :, :, :, None]))
    return found[0], found[1]


def _worst(values: np.ndarray, at: int, chosen: Setting, nothing: int) -> np.ndarray:
    """Largest value of each ticker from the first estimation day to the end of each window: W by tickers."""
    spans = [
        values[max(at + chosen.estimation[0] - 1, 0) : max(at + last + 1, 0)].max(axis=0, initial=nothing)
        for _, last in chosen.windows
    ]
    return np.stack(spans)


# ---- What is there, and why the rest is not ------------------------------------------------------------------------


def _n_firms(members: np.ndarray, chosen: Setting) -> np.ndarray:
    """Firms behind each asset: E by W by A."""
    return np.concatenate([np.ones((*members.shape[:2], len(chosen.firms)), int), members.sum(axis=3)], axis=2)


def _firm_lists(members: np.ndarray, chosen: Setting) -> list[str | None]:
    """Tickers behind each asset, blanks between them, in the order of E, W and A; None for none."""
    names = np.array(chosen.firms, dtype=object)
    return [
        text
        for window in members.reshape(-1, len(chosen.groups), len(chosen.firms))
        for text in (*chosen.firms, *(" ".join(names[group]) or None for group in window))
    ]


def _n_estimation(bars: Prices, members: np.ndarray, chosen: Setting) -> np.ndarray:
    """Returns in the estimation window: E by W by A; a portfolio has all or, without firms, none."""
    days = offsets(chosen.estimation[0] - 1, chosen.estimation[1])
    own = np.stack([gaps(bars, event.at + days).returns[: len(chosen.firms)] for event in chosen.events])
    portfolios = np.where(members.any(axis=3), chosen.estimation_days, 0)
    return np.concatenate([np.broadcast_to(own[:, None, :], (*members.shape[:2], own.shape[1])), portfolios], axis=2)


def _reasons(bars: Prices, members: np.ndarray, counts: ShareCounts, chosen: Setting) -> pl.DataFrame:
    """`prices_from`, `prices_to`, `reason`, and whether it tells why statistics are missing (`explained`).

    One row for each event, window, use of the benchmark, benchmark and asset, in this order.
    """
    grid = _grid(chosen, "EWUBA")
    days = offsets(chosen.estimation[0] - 1, chosen.estimation[1])
    estimation = [gaps(bars, event.at + days) for event in chosen.events]
    windows = [
        gaps(bars, event.at + offsets(first - 1, last)) for event in chosen.events for first, last in chosen.windows
    ]
    benchmarks = [bars.tickers.index(ticker) for ticker in chosen.benchmarks]
    firms, groups = slice(0, len(chosen.firms)), len(chosen.groups)

    def of_assets(found: list[Gaps], name: str, nothing: object) -> np.ndarray:
        return np.stack([np.append(getattr(gap, name)[firms], np.full(groups, nothing)) for gap in found])

    def of_benchmarks(found: list[Gaps], name: str) -> np.ndarray:
        return np.stack([getattr(gap, name)[benchmarks] for gap in found])

    no_day, window_ends = np.datetime64("NaT", "D"), [last for _, last in chosen.windows]
    ends = [day for event in chosen.events for day in _sessions_at(bars, event.at, window_ends)]
    starts = [_sessions_at(bars, event.at, [chosen.estimation[0] - 1])[0] for event in chosen.events]
    in_role = np.array([chosen.roles.count(group) for group in chosen.groups], dtype=int)
    frame = pl.DataFrame(
        {
            "asked": grid.series([event.asked for event in chosen.events], "E"),
            "session": grid.series([event.session for event in chosen.events], "E", pl.Date()),
            "prices_from": grid.series(starts, "E", pl.Date()),
            "prices_to": grid.series(ends, "EW", pl.Date()),
            "ticker": grid.series(_assets(chosen), "A"),
            "benchmark": grid.series(chosen.benchmarks, "B"),
            "uses_market": grid.flat(np.array([False, True]), "U"),
            "have": grid.flat(of_assets(estimation, "returns", chosen.estimation_days), "EA"),
            "short": grid.flat(of_assets(estimation, "missing", False), "EA"),
            "short_on": grid.flat(of_assets(estimation, "first", no_day), "EA"),
            "market_have": grid.flat(of_benchmarks(estimation, "returns"), "EB"),
            "market_short": grid.flat(of_benchmarks(estimation, "missing"), "EB"),
            "market_short_on": grid.flat(of_benchmarks(estimation, "first"), "EB"),
            "gap": grid.flat(of_assets(windows, "missing", False), "EWA"),
            "gap_on": grid.flat(of_assets(windows, "first", no_day), "EWA"),
            "market_gap": grid.flat(of_benchmarks(windows, "missing"), "EWB"),
            "market_gap_on": grid.flat(of_benchmarks(windows, "first"), "EWB"),
            "members": grid.flat(_n_firms(members, chosen), "EWA"),
            "in_role": grid.flat(np.append(np.zeros(len(chosen.firms), dtype=int), in_role), "A"),
            "shared": grid.flat(_shared(members, chosen), "EWBA"),
            "itself": grid.flat(_itself(members, chosen), "EWBA"),
            "in_benchmark": grid.flat(np.array([len(chosen.behind(name)) for name in chosen.benchmarks]), "B"),
            "has_shares": grid.flat(~np.isnan(counts.shares), "EA"),
        }
    )
    sentences = _sentences(bars.last, chosen.estimation_days)
    # Most sentences are true of no row, and writing one for every row to drop it again costs more than looking first.
    true = frame.select(sentence.when.fill_null(False).alias(f"true_{i}") for i, sentence in enumerate(sentences))
    used = [(f"true_{i}", sentence) for i, sentence in enumerate(sentences) if true[f"true_{i}"].any()]
    told = [pl.when(name).then(sentence.text) for name, sentence in used]
    explaining = [name for name, sentence in used if sentence.explains]
    return frame.hstack(true).select(
        "prices_from",
        "prices_to",
        reason=joined(*told) if told else pl.lit(None, dtype=pl.String),
        explained=pl.any_horizontal(explaining) if explaining else pl.lit(False),
    )


@dataclass(frozen=True)
class _Sentence:
    """What a row says `when` a condition holds; `explains` where it tells why statistics are missing."""

    when: pl.Expr
    text: pl.Expr
    explains: bool


def _sentences(last: date | None, wanted: int) -> list[_Sentence]:
    """What there is to say of the rows of `_reasons`, in this order; prices are known through `last`."""
    portfolio = pl.col("in_role") > 0
    on_calendar, through = pl.col("session").is_not_null(), pl.lit(last, dtype=pl.Date)
    over = (pl.col("prices_to") <= through).fill_null(False)
    market = pl.col("uses_market") & ~pl.col("itself")
    known = f"prices are known through {last}" if last else "no prices are known"

    def when(condition: pl.Expr, text: str, *columns: str | pl.Expr, explains: bool = False) -> _Sentence:
        return _Sentence(condition, pl.format(text, *columns) if columns else pl.lit(text), explains)

    def why(condition: pl.Expr, text: str, *columns: str | pl.Expr) -> _Sentence:
        return when(condition, text, *columns, explains=True)

    def day(column: str) -> pl.Expr:
        return pl.col(column).cast(pl.String).fill_null("a day outside the calendar")

    of = f"{{}} of {wanted} estimation returns of {{}}, no price on {{}}"
    return [
        when(
            (pl.col("session") != pl.col("asked")),
            "{} has no session, so the event moves to the next one, {}", "asked", "session",
        ),
        why(~on_calendar, "the calendar has no session on or after {}", "asked"),
        why(pl.col("itself"), "a benchmark is not held against itself"),
        why(on_calendar & ~over, f"the window ends on {{}} and {known}", day("prices_to")),
        why(pl.col("short") & on_calendar, of, "have", "ticker", day("short_on")),
        why(market & pl.col("market_short") & on_calendar, of, "market_have", "benchmark", day("market_short_on")),
        why(pl.col("gap") & over, "no price of {} on {} in the window", "ticker", day("gap_on")),
        why(
            market & pl.col("market_gap") & over,
            "no price of {} on {} in the window", "benchmark", day("market_gap_on"),
        ),
        why(
            portfolio & over & (pl.col("members") == 0),
            "none of the role's {} firms has every return of estimation and event window", "in_role",
        ),
        when(
            market & ~portfolio & (pl.col("shared") == 1) & (pl.col("in_benchmark") > 1),
            "{} is one of the {} firms of {}, which it pulls along", "ticker", "in_benchmark", "benchmark",
        ),
        when(
            market & portfolio & (pl.col("shared") == 1) & (pl.col("in_benchmark") == 1),
            "{}, the benchmark, is one of the portfolio's {} firms", "benchmark", "members",
        ),
        when(
            market & portfolio & (pl.col("shared") > 0) & (pl.col("in_benchmark") > 1),
            "{} of the portfolio's {} firms are among the {} of {}, which they pull along",
            "shared", "members", "in_benchmark", "benchmark",
        ),
        when(
            portfolio & (pl.col("members") > 0) & (pl.col("members") < pl.col("in_role")),
            "{} of the role's {} firms have every return of estimation and event window", "members", "in_role",
        ),
        when(portfolio, NO_PORTFOLIO_VALUE),
        when(
            ~portfolio & ~pl.col("has_shares") & on_calendar, "no share count of {} known by {}", "ticker", "session"
        ),
    ]  # fmt: skip


def _place_of_reason(grid: _Grid) -> np.ndarray:
    """For each row of the table, the row of `_reasons`."""
    sizes = [2 if axis == "M" else grid.size[axis] for axis in "EWMBA"]
    place = np.arange(int(np.prod(sizes))).reshape(sizes)
    return grid.flat(place[:, :, [int(uses_market(model)) for model in MODELS]], "EWMBA")


def _sessions_at(bars: Prices, at: int, days: Sequence[int]) -> list[date | None]:
    """The session so many trading days from row `at`; None outside the calendar."""
    return [bars.sessions[at + day].item() if 0 <= at + day < len(bars.sessions) else None for day in days]


_PRICES = (
    "(list_contains(string_split(m.firms, ' '), t.ticker) "
    "or list_contains(string_split(m.benchmark_firms, ' '), t.ticker) and m.model <> 'mean_adjusted') "
    "and t.date between m.prices_from and m.prices_to and t.grade <> 'D'"
)

MART = Mart(
    table=TABLE,
    build=build,
    traces=(
        Trace("core.stock_prices", _PRICES),
        Trace(
            "core.shares_outstanding",
            "m.market_value_change_usd is not null and t.ticker = m.ticker and t.measured_on = m.shares_measured_on "
            "and t.known_on <= m.session and t.grade <> 'D'",
        ),
        Trace(
            "core.corporate_actions",
            "m.market_value_change_usd is not null and t.ticker = m.ticker and t.kind = 'split' "
            "and t.date > m.shares_measured_on and t.grade <> 'D'",
        ),
        Trace("core.companies", "list_contains(string_split(m.firms, ' '), t.ticker)"),
    ),
)
