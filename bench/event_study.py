"""The event study of the whole panel against a loop over statsmodels, side by side in one run.

    python -m bench.event_study

It covers every event, ticker and portfolio, window, benchmark, model and kind of return. The numbers must agree to
1e-9, and the ratio of times is what the arithmetic on whole arrays is worth. The loop is what one writes with
statsmodels: for each row of the answer, its regression and then its abnormal return. A thriftier loop that keeps a
regression for the other windows of the same share and benchmark is timed too. All start from the same frames. The loops
are spared the grades, the reasons and the table, and take from our table which rows can be computed.
"""

from __future__ import annotations

import time
from datetime import date, timedelta
from functools import partial
from typing import Any

import numpy as np
import polars as pl
import scipy.stats
import statsmodels.api as sm

from bench.lines import in_turn, report
from bench.snapshot import facts as snapshot
from warehouse.assumptions import Assumptions, load
from warehouse.calendars.exchange import sessions
from warehouse.marts import known
from warehouse.marts.market import event_study
from warehouse.marts.market.panel import panel_prices, setting
from warehouse.marts.market.returns import KINDS, MODELS, daily_returns

TARGET, TOLERANCE, ROUNDS = 100, 1e-9, 3
TABLES = ("stock_prices", "shares_outstanding", "corporate_actions", "companies")
FIGURES = ("alpha", "beta", "r2", "sigma", "abnormal_return", "standard_error", "t_stat", "p_value", "actual_return")
Key = tuple[str, str, str, str, tuple[str, ...], int, int]


def facts() -> dict[str, pl.DataFrame]:
    """The packaged snapshot's prices, share counts and panel, and the exchange's sessions."""
    found = snapshot(TABLES)
    last = found["stock_prices"]["date"].max()
    assert isinstance(last, date)
    return found | {"sessions": sessions(date(2018, 1, 1), last + timedelta(days=120))}


def series(
    frames: dict[str, pl.DataFrame], assumptions: Assumptions, table: pl.DataFrame
) -> list[tuple[Key, np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Returns of every row that can be computed: key, estimation and event returns of the asset and of its benchmark."""
    chosen = setting(frames["companies"], frames["sessions"], assumptions)
    bars = panel_prices(frames["stock_prices"], frames["sessions"], chosen)
    returns = {kind: daily_returns(bars.adj_close, kind) for kind in KINDS}
    at = {event.asked: event.at for event in chosen.events}
    first, last = chosen.estimation
    found = []
    for row in table.filter(pl.col("t_stat").is_not_null(), model="market_model").to_dicts():
        columns = [bars.tickers.index(firm) for firm in row["firms"]]
        market = bars.tickers.index(row["benchmark"])
        day, daily = at[row["event_date"]], returns[row["return_kind"]]
        estimation, event = (
            slice(day + a, day + b + 1) for a, b in ((first, last), (row["window_start"], row["window_end"]))
        )
        key = (
            str(row["event_date"]), row["ticker"], row["benchmark"], row["return_kind"], tuple(row["firms"]),
            row["window_start"], row["window_end"],
        )  # fmt: skip
        own = daily[:, columns].mean(axis=1)
        found.append((key, own[estimation], daily[estimation, market], own[event], daily[event, market]))
    return found


def loop(
    rows: list[tuple[Key, np.ndarray, np.ndarray, np.ndarray, np.ndarray]], keep: bool
) -> dict[tuple[str, Key], list[float]]:
    """All three models of each row; with `keep`, a regression serves the other windows of its asset and benchmark."""
    fitted: dict[tuple[Any, ...], Any] = {}
    answers: dict[tuple[str, Key], list[float]] = {}
    for key, own, market, own_event, market_event in rows:
        n, days = len(own), len(own_event)
        for model in MODELS:
            same = (model, *key[:5])
            if not (keep and same in fitted):
                if model == "market_model":
                    fitted[same] = sm.OLS(own, sm.add_constant(market)).fit()
                elif model == "market_adjusted":
                    fitted[same] = sm.OLS(own - market, np.ones(n)).fit()
                else:
                    fitted[same] = sm.OLS(own, np.ones(n)).fit()
            result = fitted[same]
            s = float(np.sqrt(result.mse_resid))
            total = float(((own - own.mean()) ** 2).sum())
            if model == "market_model":
                alpha, beta = (float(value) for value in result.params)
                abnormal = own_event - result.predict(sm.add_constant(market_event, has_constant="add"))
                drift = float((market_event - market.mean()).sum() ** 2 / ((market - market.mean()) ** 2).sum())
                error, r2 = s * float(np.sqrt(days + days**2 / n + drift)), float(result.rsquared)
            elif model == "market_adjusted":
                alpha, beta = 0.0, 1.0
                abnormal, error = own_event - market_event, s * float(np.sqrt(days))
                r2 = 1 - float(((own - market) ** 2).sum()) / total
            else:
                alpha, beta = float(result.params[0]), 0.0
                abnormal, error = own_event - alpha, s * float(np.sqrt(days + days**2 / n))
                r2 = 0.0
            car = float(abnormal.sum())
            p_value = float(2 * scipy.stats.t.sf(abs(car / error), result.df_resid))
            actual = float(own_event.sum() if key[3] == "log" else np.prod(1 + own_event) - 1)
            answers[model, key] = [alpha, beta, r2, s, car, error, car / error, p_value, actual]
    return answers


def largest_difference(table: pl.DataFrame, answers: dict[tuple[str, Key], list[float]]) -> float:
    """Largest absolute difference of any figure; raises where a row is missing from either."""
    compared, worst = 0, 0.0
    for row in table.filter(pl.col("t_stat").is_not_null()).to_dicts():
        key = (
            str(row["event_date"]), row["ticker"], row["benchmark"], row["return_kind"], tuple(row["firms"]),
            row["window_start"], row["window_end"],
        )  # fmt: skip
        expected = answers[row["model"], key]
        worst = max(worst, *(abs(row[name] - value) for name, value in zip(FIGURES, expected, strict=True)))
        compared += 1
    if compared != len(answers):
        raise SystemExit(f"the event study has {compared} rows with figures and the loop {len(answers)}")
    return worst


def main() -> None:
    assumptions, frames = load(), facts()
    as_of = frames["sessions"]["session"].max()
    assert isinstance(as_of, date)
    frames = known(frames, as_of)
    given = {name: frames[name] for name in event_study.MART.inputs}
    table = event_study.MART.run(given, as_of=as_of, assumptions=assumptions)
    rows = series(frames, assumptions, table)
    # The first regression imports; it is outside the clock.
    sm.OLS(rows[0][1], sm.add_constant(rows[0][2])).fit()
    worst = largest_difference(table, loop(rows, True))
    if worst > TOLERANCE:
        raise SystemExit(f"the numbers differ by {worst:.1e}, more than {TOLERANCE:.0e}")

    def ours() -> float:
        started = time.process_time()
        event_study.MART.run(given, as_of=as_of, assumptions=assumptions)
        return time.process_time() - started

    def theirs(keep: bool) -> float:
        started = time.process_time()
        loop(series(frames, assumptions, table), keep)
        return time.process_time() - started

    what, equal = f"event study, {table.height:,} rows", f"every figure to {worst:.0e}"
    loops = "statsmodels, a regression for each row", "statsmodels, regressions kept"
    for keep, against, target in ((False, loops[0], TARGET), (True, loops[1], None)):
        times = in_turn(ours, partial(theirs, keep), ROUNDS)
        report(what, against, "CPU s", *times, target=target, faster=True, equal=equal)


if __name__ == "__main__":
    main()
