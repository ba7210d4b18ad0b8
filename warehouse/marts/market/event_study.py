"""What each share did around an event beyond what its market explains, and the market value that it lost.

Read this before you read a number:

- An event is news on a date. The market answers in that day's session or in the next one. 2025-01-20 is a holiday, so its
  session is the 21st: `event_date` stays the date that was asked for, `session` is the day that was measured.
- Days are counted on the exchange's calendar. Counting weekdays puts every return behind a holiday on the wrong day.
  Published studies of this very event did that.
- Returns are taken from `adj_close` (a dividend is not a loss), market values from `close`. Closes are split-adjusted and
  a cover page's share count is not: it is multiplied by every split since the day it was measured.
- The abnormal returns of several days rest on the same two estimated parameters. So the variance of their sum is larger
  than the sum of their variances (`returns.standard_errors`).
- Nvidia is a good part of the funds. Held against a market that it moves itself, it seems to fall less. So
  SPY_LESS_NVDA is the fund with Nvidia taken out at its weight of the day before the event.
- A benchmark may also be an equal-weight index of the panel without Nvidia. But that index is the rest of the AI trade,
  nearly half of it suppliers, and it fell on the same news (`benchmark_is_circular`). Against it one sees who fell more
  than the others, not whether they fell. EW_EX_SUPPLIERS has none of the suppliers.
- That a test finds nothing means little where it could not have found anything. So the smallest CAR that it would find in
  four of five cases stands beside each, and whether that is as small as the loss of day 0 (`sees_first_day_loss`).
- A firm or portfolio that is part of an index is still held against the whole of it, so that all rows of a benchmark have
  the same market. The row's reason says how much of the index it is.
- Shares that fall together on one day are not so many independent witnesses. A role's portfolio (`portfolio:supplier`)
  carries their correlation in its own variance. It stands among the tickers, with the role as `role`, and must not be
  added to them.

Two simpler models stand beside the market model, so that a reader sees whether a result depends on the model.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.common.columns import KNOWN_ON_OR_NULL
from warehouse.marts.common.mart import Mart, Trace
from warehouse.marts.common.reasons import all_of, because
from warehouse.marts.common.select_current import admissible, select_current
from warehouse.marts.market.columns import (
    BENCHMARK,
    BENCHMARK_FIRMS,
    CIRCULAR,
    COMPANIES_BEHIND,
    ESTIMATION_TO_WINDOW,
    EVENT_DATE,
    FIRMS,
    MODEL,
    N_FIRMS,
    RETURN_KIND,
    ROLE,
    SEES_FIRST_DAY,
    SESSION,
    SMALLEST_DETECTABLE,
    WINDOW,
    null_has_a_reason,
    prices_behind,
)
from warehouse.marts.market.estimation import FITTED, memberships, studied
from warehouse.marts.market.event_study_reasons import place_of_reasons, reasons_and_dates
from warehouse.marts.market.event_study_rows import (
    Grid,
    estimation_returns,
    firm_counts,
    firm_lists,
    grid_of,
    is_its_benchmark,
    keys,
)
from warehouse.marts.market.panel import (
    NEVER,
    NO_GRADE,
    Prices,
    Setting,
    as_date,
    grade_codes,
    grade_letter,
    panel_prices,
    setting,
)
from warehouse.marts.market.returns import (
    KINDS,
    MODELS,
    daily_returns,
    degrees_of_freedom,
    interval,
    rows_at,
    smallest_detectable,
    student_p,
    uses_market,
)
from warehouse.marts.market.share_counts import ShareCounts, last_days, share_counts
from warehouse.spreading import Spread
from warehouse.tables.companies import TABLE as COMPANIES
from warehouse.tables.formula import Formula
from warehouse.tables.guide import Guide
from warehouse.tables.table import Check, Column, mart

DAY_0 = (0, 0)

TABLE = mart(
    "event_study",
    "actual and abnormal returns of each ticker and of each role's portfolio around each event",
    [
        EVENT_DATE,
        SESSION,
        Column("event", "text", "what happened"),
        Column(
            "ticker",
            "text",
            "share, fund, or `portfolio:ROLE`: the equal-weight mean of the daily returns of that role's firms with "
            "every return of estimation and event window",
            required=True,
        ),
        ROLE,
        BENCHMARK,
        MODEL,
        RETURN_KIND,
        *WINDOW,
        *ESTIMATION_TO_WINDOW,
        N_FIRMS,
        FIRMS,
        BENCHMARK_FIRMS,
        CIRCULAR,
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
        Column(
            "alpha",
            "real",
            "normal return of a day on which the benchmark does not move",
            "fraction a day",
            formula=Formula(
                "intercept of the least-squares line of the share's daily returns on the benchmark's over the "
                "estimation window",
                "mean(R) − beta × mean(Rm)",
                "6",
                assumptions=("estimation_window",),
            ),
        ),
        Column(
            "beta",
            "real",
            "normal return for each unit of the benchmark's (1 or 0 where the model sets it)",
            formula=Formula(
                "slope of that line",
                "Σ (R − mean R)(Rm − mean Rm) / Σ (Rm − mean Rm)^2",
                "6",
                assumptions=("estimation_window",),
            ),
        ),
        Column(
            "r2",
            "real",
            "1 - squared errors / squared deviations from the mean; negative is worse than the mean",
            maximum=1,
            formula=Formula(
                "share of the variance that the line explains",
                "1 − Σ e^2 / Σ (R − mean R)^2",
                "6",
                assumptions=("estimation_window",),
            ),
        ),
        Column(
            "sigma",
            "real",
            "standard deviation of a day's abnormal return",
            "fraction a day",
            minimum=0,
            formula=Formula(
                "standard deviation of the line's residuals",
                "sqrt(Σ e^2 / degrees of freedom)",
                "6",
                assumptions=("estimation_window",),
            ),
        ),
        Column(
            "actual_return",
            "real",
            "return of the window: simple ones compound, logs add up",
            "fraction",
            formula=Formula(
                "return of the window: simple ones compound, logs add up", "Π (1 + R) − 1, or Σ R of logs", "6"
            ),
        ),
        Column(
            "abnormal_return",
            "real",
            "sum of the window's daily abnormal returns (CAR)",
            "fraction",
            formula=Formula(
                "sum of the daily abnormal returns of the window (CAR)",
                "Σ (R − alpha − beta × Rm)",
                "6",
                assumptions=("estimation_window",),
            ),
        ),
        Column(
            "standard_error",
            "real",
            "of the abnormal return over L days: market_model s sqrt(L + L^2/n + (sum(Rm - mean))^2/Sxx), "
            "market_adjusted s sqrt(L), mean_adjusted s sqrt(L + L^2/n)",
            "fraction",
            above=0,
            formula=Formula(
                "standard error of that sum over L days, with n days of estimation",
                "sigma × sqrt(L + L^2 / n + (Σ (Rm − mean Rm))^2 / Sxx)",
                "6",
                assumptions=("estimation_window",),
            ),
        ),
        Column(
            "t_stat",
            "real",
            "abnormal return over its standard error",
            "standard errors",
            formula=Formula("abnormal return over its standard error", "{abnormal_return} / {standard_error}", "6"),
        ),
        Column(
            "p_value",
            "real",
            "two-sided, Student's t",
            "probability",
            minimum=0,
            maximum=1,
            formula=Formula("two-sided, from Student's t", "2 × P(T > |t|)", "6"),
        ),
        *(
            Column(
                f"abnormal_return_{end}",
                "real",
                f"{end} end of the two-sided interval of the abnormal return at 1 less the level of assumption "
                "q4_significance (95 %)",
                "fraction",
                formula=Formula(
                    f"{end} end of the interval in which the true abnormal return lies in 95 of 100 cases",
                    f"{{abnormal_return}} {sign} t(1 − level / 2) × {{standard_error}}",
                    "6",
                    assumptions=("q4_significance",),
                ),
                label=f"Return beyond the market, {end} end",
            )
            for end, sign in (("low", "−"), ("high", "+"))
        ),
        SMALLEST_DETECTABLE,
        SEES_FIRST_DAY,
        Column("shares", "real", "latest count known on the session, on the closes' split basis", "shares", above=0),
        Column("shares_measured_on", "date", "day that the count is about"),
        Column(
            "market_value_change_usd",
            "real",
            "close at the window's end less the close before its start, times shares",
            "USD",
            formula=Formula(
                "close at the window's end less the close before its start, times shares known that day",
                "(close − close before) × shares",
                "6",
            ),
        ),
        KNOWN_ON_OR_NULL,
    ],
    key=("event_date", "ticker", "benchmark", "model", "return_kind", "window_start", "window_end"),
    checks=(
        Check(
            "never_before_the_news",
            "select * from {table} where session < event_date",
            "a price from before the news cannot answer it",
        ),
        null_has_a_reason(
            "alpha is null or abnormal_return is null or actual_return is null or t_stat is null or p_value is null "
            "or market_value_change_usd is null"
        ),
        Check(
            "t_is_abnormal_return_over_its_error",
            "select * from {table} where abs(t_stat * standard_error - abnormal_return) > 1e-9",
            "a statistic that belongs to another row",
        ),
        Check(
            "interval_holds_its_abnormal_return",
            "select * from {table} where not (abnormal_return_low < abnormal_return and abnormal_return < "
            "abnormal_return_high) or (abnormal_return_low is null) <> (t_stat is null)",
            "an interval that belongs to another row",
        ),
        Check(
            "no_benchmark_against_itself",
            "select * from {table} where ticker = benchmark and abnormal_return is not null",
            "a regression on itself has no error and calls any day significant",
        ),
    ),
    guide=Guide(
        "One row for each event, ticker, benchmark, model, kind of return and window.",
        "market_value_change_usd or returns: each stands there once for every benchmark, model and window. Portfolios are no "
        "further firms. The view market_day has one row a firm.",
        {
            "How unusual was Nvidia's fall?": "select actual_return, abnormal_return, t_stat, p_value from event_study "
            "where ticker = 'NVDA' and event_date = '2025-01-27' and benchmark = 'SPY' and model = 'market_model' and "
            "return_kind = 'simple' and window_start = 0 and window_end = 0",
            "Does the benchmark matter?": "select benchmark, abnormal_return, benchmark_is_circular from event_study "
            "where ticker = 'portfolio:supplier' and event_date = '2025-01-27' and model = 'market_model' and return_kind "
            "= 'simple' and window_start = 0 and window_end = 0",
            "Which windows are there?": "select distinct window_start, window_end from event_study order by all",
        },
    ),
)


def build(
    stock_prices: pl.DataFrame,
    shares_outstanding: pl.DataFrame,
    corporate_actions: pl.DataFrame,
    companies: pl.DataFrame,
    sessions: pl.DataFrame,
    *,
    assumptions: Assumptions,
    spread: Spread | None = None,
) -> pl.DataFrame:
    """Method 6: every event, ticker and portfolio, benchmark, model, kind of return and window.

    Returns are fractions, money is USD. Formulas: `returns.fit`, `returns.standard_errors`. `as_of` enters only through
    the facts given: a window that is not over lacks its prices, and says so. `spread` takes events, where others study some.
    """
    asked = setting(companies, sessions, assumptions)
    if not (asked.firms and asked.events):
        return TABLE.empty()
    # Day 0 alone is studied even where nobody asks for it: other windows are held against its loss.
    chosen = asked if DAY_0 in asked.windows else replace(asked, windows=(*asked.windows, DAY_0))
    bars = panel_prices(stock_prices, sessions, chosen)
    members = np.stack([memberships(bars, event, chosen) for event in chosen.events])
    counts = share_counts(shares_outstanding, corporate_actions, chosen, last_days(bars, chosen))
    grid = grid_of(chosen)
    level, power = assumptions.number("q4_significance"), assumptions.number("q4_power")
    figures = _figures(bars, members, chosen, grid, level=level, power=power, spread=spread)
    value_change = _close_changes(bars, chosen) * counts.shares[:, None, :]
    valued = ~np.isnan(value_change)
    # A row has a grade where it has any figure.
    any_figure = grid.flat(valued, "EWA") | ~np.isnan(figures["actual_return"]) | ~np.isnan(figures["alpha"])
    grade, known_on = _evidence(bars, members, companies, counts, valued, chosen)
    frame = pl.DataFrame(
        {
            **keys(chosen, grid),
            "n_firms": grid.flat(firm_counts(members, chosen), "EWA"),
            "firms": grid.series(firm_lists(members, chosen), "EWA", pl.List(pl.String)),
            "n_estimation": grid.flat(estimation_returns(bars, members, chosen), "EWA"),
            **figures,
            "benchmark_is_circular": grid.flat(np.array([chosen.is_circular(name) for name in chosen.benchmarks]), "B"),
            "shares": grid.flat(counts.shares, "EA"),
            "shares_measured_on": grid.flat(counts.measured_on, "EA"),
            "market_value_change_usd": grid.flat(value_change, "EWA"),
            "known_on": np.where(any_figure, grid.flat(known_on, "EWMBA"), NEVER),
            "grade": np.where(any_figure, grid.flat(grade, "EWMBA"), NO_GRADE),
        }
    )
    reasons = reasons_and_dates(bars, members, counts, chosen)
    found = (
        frame.hstack(reasons[place_of_reasons(grid)])
        .with_columns(pl.col(pl.Float64).fill_nan(None))
        .with_columns(known_on=as_date(pl.col("known_on")), grade=grade_letter(pl.col("grade")))
    )
    loss = -pl.col("first_day")
    found = found.with_columns(sees_first_day_loss=pl.when(loss > 0).then(pl.col("smallest_detectable_car") <= loss))
    found = _with_flat_returns(found).drop("explained", "first_day")
    if chosen is asked:
        return found
    return found.filter((pl.col("window_start") != DAY_0[0]) | (pl.col("window_end") != DAY_0[1]))


def _with_flat_returns(found: pl.DataFrame) -> pl.DataFrame:
    """`found` with the reason of rows whose statistics are missing though no price is."""
    unexplained = (pl.col("t_stat").is_null() | pl.col("r2").is_null()) & ~pl.col("explained")
    if not found.select(unexplained.any()).item():  # as nearly always, and lists of many rows take long to change
        return found
    flat = pl.when(unexplained).then(because("estimation_returns_do_not_vary"))
    return found.with_columns(reasons=all_of("reasons", flat))


# ---- Figures -------------------------------------------------------------------------------------------------------


def _figures(
    bars: Prices,
    members: np.ndarray,
    chosen: Setting,
    grid: Grid,
    *,
    level: float,
    power: float,
    spread: Spread | None = None,
) -> dict[str, np.ndarray]:
    """Columns of every statistic; NaN where it cannot be computed. `first_day` is the abnormal return of day 0 alone."""
    found = np.full((len(FITTED), *grid.shape), np.nan)
    actual = np.full((grid.size["E"], grid.size["K"], grid.size["W"], grid.size["A"]), np.nan)
    daily = {kind: daily_returns(bars.adj_close, kind) for kind in KINDS} if spread is None else {}
    each = [(e, k, event, kind) for e, event in enumerate(chosen.events) for k, kind in enumerate(KINDS)]
    pieces = (
        []
        if spread is None
        else [spread.submit(studied, bars, kind, event, members[e], chosen) for e, _, event, kind in each]
    )
    for place, (e, k, event, kind) in enumerate(each):
        made = pieces[place].result() if pieces else studied(bars, kind, event, members[e], chosen, daily[kind])
        actual[e, k], found[:, e, k] = made
    # What the market-adjusted model sets without looking (a = 0, b = 1) counts only where it can be tested.
    itself = grid.flat(is_its_benchmark(members, chosen), "EWBA").reshape(grid.shape)
    found[:, np.isnan(found[3]) | itself] = np.nan
    columns = {name: found[i].reshape(-1) for i, name in enumerate(FITTED)}
    # A window that is not over has no standard error either.
    columns["standard_error"] = np.where(np.isnan(columns["abnormal_return"]), np.nan, columns["standard_error"])
    days = chosen.estimation_days
    degrees = grid.flat(np.array([degrees_of_freedom(model, days) for model in MODELS]), "M")
    t_stat = columns["abnormal_return"] / columns["standard_error"]
    low, high = interval(columns["abnormal_return"], columns["standard_error"], degrees, level)
    day_0 = chosen.windows.index(DAY_0)
    return {
        **columns,
        "actual_return": grid.flat(actual, "EKWA"),
        "t_stat": t_stat,
        "p_value": student_p(t_stat, degrees),
        "degrees_of_freedom": degrees,
        "abnormal_return_low": low,
        "abnormal_return_high": high,
        "smallest_detectable_car": smallest_detectable(columns["standard_error"], degrees, level, power),
        "first_day": grid.flat(found[FITTED.index("abnormal_return")][:, :, day_0], "EKMBA"),
    }


def _close_changes(bars: Prices, chosen: Setting) -> np.ndarray:
    """Close at the window's end less the close before its start, E by W by A, USD; NaN for portfolios."""
    changes = np.full((len(chosen.events), len(chosen.windows), len(chosen.assets)), np.nan)
    last_break = bars.last_break()[: len(chosen.firms)]
    for e, event in enumerate(chosen.events):
        for w, (first, last) in enumerate(chosen.windows):
            before, after = rows_at(bars.close, event.at + np.array([first - 1, last]))
            change = (after - before)[: len(chosen.firms)]
            # A share count is on the basis of the newest closes: before a step between two bases the two do not fit.
            changes[e, w, : len(chosen.firms)] = np.where(last_break > event.at + first - 1, np.nan, change)
    return changes


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
    panel = select_current(admissible(companies), COMPANIES).sort("ticker")
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


MART = Mart(
    table=TABLE,
    build=build,
    traces=(
        prices_behind("m.model <> 'mean_adjusted'"),
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
        COMPANIES_BEHIND,
    ),
)
