"""Whether the tests keep their promise: how often each rejects on days on which nothing happened.

A test at 5 % may call chance an effect on one quiet day in twenty. Which of the five does, on these firms and this
market, need not be believed: they are tried on days drawn at random, without an event, and what they reject is counted
(Brown and Warner 1985, Using daily stock returns: the case of event studies; their days differ by firm, ours are common
to all firms, because one common day is what makes this event hard). Market model, first benchmark, simple returns.

What to expect with 250 days: the share of a test that holds its level varies by chance between about 2 and 9 % (windows
overlap and quiet weeks cluster). Patell's test and BMP reject three to nine times too often, because firms of a role
move together; that is why the verdict does not use them. Where a test that claims to be valid on a common day leaves
that range, the reasons found are these:

- `portfolio` of adopters rejects about 10 %: in 2026, when software shares were sold, their abnormal returns had three
  times the variance of the estimation windows before (until then the same), and most rejections are of those months.
  The test takes the variance of the window for that of the event; `kolari_pynnonen`, which measures it across firms on
  the day, stays at its level there.
- `corrado_rank` of the neoclouds hardly ever rejects over one day: ranks of three firms that move together are spread
  like one firm's, evenly, and the largest statistic that one firm can reach is the root of 3, below 1.96. Five buyers
  have thin tails for the same reason. The test needs many firms.

A day is drawn once, and only where all its returns are known; days whose window holds an event's session, or touches it,
are left out. The same days serve all tests. `ALL` is the mean over the roles.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
from scipy.stats import binom

from warehouse.assumptions import Assumptions
from warehouse.marts.event_study_tests import (
    ABOUT,
    TESTS,
    kolari_pynnonen,
    rank_deviations,
    rank_statistic,
    ranked,
    standardised_tests,
)
from warehouse.marts.mart import Mart, Trace
from warehouse.marts.returns import (
    ROUNDING,
    Prices,
    Setting,
    daily_returns,
    evidence,
    normal_p,
    panel_prices,
    setting,
    student_p,
    with_evidence,
)
from warehouse.tables.table import Check, Column, mart

ALL = "ALL"
# Days worked on at a time: their residuals stay in the processor's cache.
BLOCK = 10

TABLE = mart(
    "event_placebo",
    "how often each test across firms rejects on days without an event, and what it takes for granted",
    [
        Column("test", "text", "which test of event_study_tests", required=True, allowed=TESTS),
        Column("grouping", "text", "role whose firms are tested together; ALL is the mean over the roles", required=True),
        Column("window_start", "integer", "first day of the window relative to the day drawn", "trading days", True),
        Column("window_end", "integer", "last day of the window relative to the day drawn", "trading days", True),
        Column("benchmark", "text", "fund or index that stands for the market (the first of benchmarks)", required=True),
        Column("benchmark_firms", "text", "tickers whose prices make the benchmark, separated by blanks", required=True),
        Column("level", "real", "p-value below which a test rejects", "probability", required=True, minimum=0, maximum=1),
        Column("days", "integer", "days drawn on which the test could be made", "days", required=True, minimum=0),
        Column("rejections", "real", "of them those on which it rejects; of ALL, the mean over the roles", "days", minimum=0),
        Column("rejection_share", "real", "rejections over days: a test that keeps its promise has about `level`",
               "share", minimum=0, maximum=1),
        Column("share_low", "real", "5th percentile of it if each day were independent and the test valid", "share"),
        Column("share_high", "real", "95th percentile of it, likewise", "share"),
        Column("valid_for_one_event_day", "flag", "whether the test claims to be valid for firms with one common day",
               required=True),
        Column("assumes", "text", "what the test takes for granted", required=True),
        Column("valid_when", "text", "when it is valid", required=True),
        Column("reference", "text", "where it was published", required=True),
        Column("mean_correlation", "real", "mean of the firms' mean correlation over the days", minimum=-1, maximum=1),
        Column("seed", "integer", "seed of the draw", required=True),
        Column("first_day", "date", "first day drawn"),
        Column("last_day", "date", "last day drawn"),
        Column("firms", "text", "tickers of the role, separated by blanks"),
        Column("prices_from", "date", "day of the first close used"),
        Column("prices_to", "date", "day of the last close used"),
        Column("known_on", "date", "day by which all inputs were public"),
    ],
    key=("test", "grouping", "window_start", "window_end"),
    checks=(
        Check(
            "null_has_a_reason",
            "select * from {table} where reason is null and rejection_share is null",
            "a missing figure would look like one that was forgotten",
        ),
        Check(
            "valid_tests_keep_their_level",
            "select * from {table} where \"grouping\" = 'ALL' and valid_for_one_event_day and days >= 200 "
            "and level = 0.05 and rejection_share not between 0.02 and 0.09",
            "a test that calls quiet days events would carry the verdict",
            severity="warning",
        ),
    ),
)  # fmt: skip


def build(
    stock_prices: pl.DataFrame,
    companies: pl.DataFrame,
    sessions: pl.DataFrame,
    *,
    as_of: date,
    assumptions: Assumptions,
) -> pl.DataFrame:
    """`placebo_days` days, the windows of `event_day_windows`, and the significance that the verdict uses."""
    windows = tuple((int(first), int(last)) for first, last in assumptions.value("event_day_windows"))
    chosen = setting(companies, sessions, assumptions)
    chosen = replace(chosen, benchmarks=chosen.benchmarks[:1], windows=windows)
    if not chosen.groups:
        return TABLE.empty()
    bars = panel_prices(stock_prices, sessions, chosen)
    seed, level = assumptions.integer("seed"), assumptions.number("q4_significance")
    days = quiet_days(bars, chosen, assumptions.integer("placebo_days"), seed)
    p_values, correlations = try_tests(bars, days, chosen)
    return _table(bars, days, p_values, correlations, level, seed, companies, chosen)


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


def try_tests(bars: Prices, days: np.ndarray, chosen: Setting) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """p-values of each test, days by windows by groups (NaN where it cannot be made), and the firms' mean correlation."""
    in_role = np.array([[role == group for role in chosen.roles] for group in chosen.groups])
    firms = np.flatnonzero(in_role.any(axis=0))
    returns = daily_returns(bars.adj_close, "simple")
    own, market = returns[:, firms], returns[:, bars.tickers.index(chosen.benchmarks[0])]
    blocks = [
        _block(own, market, days[i : i + BLOCK], in_role[:, firms], chosen) for i in range(0, len(days), BLOCK)
    ]  # fmt: skip
    shape = (0, len(chosen.windows), len(chosen.groups))
    found = {test: np.concatenate([np.empty(shape), *(block[test] for block in blocks)]) for test in TESTS}
    return found, np.concatenate([np.empty(shape), *(block["mean_correlation"] for block in blocks)])


def _block(
    own: np.ndarray, market: np.ndarray, days: np.ndarray, in_role: np.ndarray, chosen: Setting
) -> dict[str, np.ndarray]:
    """The tests on some days at once. Axes: D days, n estimation days, F firms, G groups.

    The same formulas as in `returns.fit` and `event_study_tests`, but with another estimation window for each day.
    """
    rows = days[:, None] + np.arange(chosen.estimation[0], chosen.estimation[1] + 1)
    # Firms that lack a return before each of the days are left out first, as they have no residuals to rank.
    listed = np.isfinite(own[rows]).all(axis=1).any(axis=0)
    own, in_role = own[:, listed], in_role[:, listed]
    residuals, normal_market = own[rows], market[rows]
    n = residuals.shape[1]
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
    ranks = ranked(residuals)
    found: dict[str, list[np.ndarray]] = {name: [] for name in (*TESTS, "mean_correlation")}
    for first, last in chosen.windows:
        span = days[:, None] + np.arange(first, last + 1)
        length = span.shape[1]
        there = estimated & np.isfinite(own[span]).all(axis=1)
        members = in_role & there[:, None, :] & (squares > ROUNDING**2)[:, None, :]
        size = members.sum(axis=2)
        daily = (
            np.where(there[:, None, :], own[span], 0.0)
            - alpha[:, None, :]
            - market[span][:, :, None] * beta[:, None, :]
        )
        car = daily.sum(axis=1)
        drift = (market[span] - market_mean[:, None]).sum(axis=1) ** 2 / sxx
        factor = (length + length**2 / n + drift)[:, None]
        # A portfolio's regression is the mean of its firms' regressions, being linear in the returns.
        weights = (members / np.maximum(size, 1)[:, :, None]).transpose(0, 2, 1)
        portfolio = np.einsum("dng,dng->dg", residuals @ weights, residuals @ weights) / (n - 2)
        with np.errstate(divide="ignore", invalid="ignore"):
            t = car / np.sqrt(squares / (n - 2) * factor)
            t_portfolio = (car[:, None, :] @ weights)[:, 0] / np.sqrt(portfolio * factor)
            unit = members.transpose(0, 2, 1) / np.sqrt(squares)[:, :, None]
        unit[~np.isfinite(unit)] = 0.0
        together = ((residuals @ unit) ** 2).sum(axis=1)
        r = (together - size) / np.where(size > 1, size * (size - 1), np.nan)
        tests = standardised_tests(np.where(np.isfinite(t), t, 0.0), members, n - 2)
        adjusted = kolari_pynnonen(tests["bmp_statistic"], r, size)
        deviations = rank_deviations(residuals, daily, ranks)
        corrado = rank_statistic(deviations @ weights, length)
        nothing = size == 0
        for name, p_value in (
            ("portfolio", student_p(t_portfolio, n - 2)),
            ("patell", tests["patell_p"]),
            ("bmp", tests["bmp_p"]),
            ("kolari_pynnonen", student_p(adjusted, np.maximum(size - 1, 1))),
            ("corrado_rank", normal_p(corrado)),
            ("mean_correlation", r),
        ):
            found[name].append(np.where(nothing, np.nan, p_value))
    return {name: np.stack(parts, axis=1) for name, parts in found.items()}


def _table(
    bars: Prices,
    days: np.ndarray,
    p_values: dict[str, np.ndarray],
    correlations: np.ndarray,
    level: float,
    seed: int,
    companies: pl.DataFrame,
    chosen: Setting,
) -> pl.DataFrame:
    """One row for each test, role (and ALL) and window."""
    groups = [*chosen.groups, ALL]
    members = {
        group: [f for f, role in zip(chosen.firms, chosen.roles, strict=True) if role == group] for group in groups
    }
    members[ALL] = [firm for group in chosen.groups for firm in members[group]]
    flags = np.array([[firm in members[group] for firm in chosen.firms] for group in groups])
    first, last = (days[0], days[-1]) if len(days) else (0, -1)
    span = first + chosen.estimation[0] - 1, last + max(end for _, end in chosen.windows)
    grade, known_on = evidence(bars, *(span if len(days) else (0, -1)), flags, True, chosen)
    rows = []
    for test in TESTS:
        about = ABOUT[test]
        for w, window in enumerate(chosen.windows):
            made = np.isfinite(p_values[test][:, w]).sum(axis=0)
            rejected = (p_values[test][:, w] < level).sum(axis=0)
            shares = rejected / np.where(made > 0, made, np.nan)
            r = [_mean(correlations[:, w, g]) for g in range(len(chosen.groups))]
            for g, group in enumerate(groups):
                pooled = group == ALL
                n = int(made.max(initial=0) if pooled else made[g])
                share = _mean(shares) if pooled else shares[g]
                low, high = (binom.ppf(q, n, level) / n for q in (0.05, 0.95)) if n and not pooled else (None, None)
                rows.append(
                    {
                        "test": test, "grouping": group, "window_start": window[0], "window_end": window[1],
                        "benchmark": chosen.benchmarks[0], "level": level, "days": n,
                        "benchmark_firms": " ".join(chosen.behind(chosen.benchmarks[0])),
                        "rejections": (_mean(rejected) if pooled else float(rejected[g])) if n else None,
                        "rejection_share": float(share), "share_low": low, "share_high": high,
                        "valid_for_one_event_day": about.valid_for_one_event_day, "assumes": about.assumes,
                        "valid_when": about.valid_when, "reference": about.reference,
                        "mean_correlation": _mean(np.array(r)) if pooled else r[g], "seed": seed,
                        "first_day": bars.sessions[first].item() if n else None,
                        "last_day": bars.sessions[last].item() if n else None,
                        "firms": " ".join(members[group]),
                        "prices_from": bars.sessions[span[0]].item() if n else None,
                        "prices_to": bars.sessions[span[1]].item() if n else None,
                        "grade": int(grade[len(chosen.firms) + g]), "known_on": int(known_on[len(chosen.firms) + g]),
                        "reason": None if n else "no day has an estimation window before it and a known window after it",
                    }
                )  # fmt: skip
    types = {name: kind for name, kind in TABLE.polars_schema.items() if name not in ("grade", "known_on")}
    frame = pl.DataFrame(rows, schema_overrides=types).with_columns(pl.col(pl.Float64).fill_nan(None))
    return with_evidence(frame, companies, any_figure=pl.col("rejection_share").is_not_null())


def _mean(values: np.ndarray) -> float:
    """Mean of what is there; NaN for nothing."""
    there = values[np.isfinite(values)]
    return float(there.mean()) if len(there) else float("nan")


MART = Mart(
    table=TABLE,
    build=build,
    traces=(
        Trace(
            "core.stock_prices",
            "(list_contains(string_split(m.firms, ' '), t.ticker) "
            "or list_contains(string_split(m.benchmark_firms, ' '), t.ticker)) "
            "and t.date between m.prices_from and m.prices_to and t.grade <> 'D'",
        ),
        Trace("core.companies", "list_contains(string_split(m.firms, ' '), t.ticker)"),
    ),
)
