"""Whether the tests keep their promise: how often each rejects on days on which nothing happened.

A test at 5 % may call chance an effect on one quiet day in twenty. Which of the five does, on these firms and this
market, need not be believed: they are tried on days drawn at random, without an event, and what they reject is counted
(Brown and Warner 1985, Using daily stock returns: the case of event studies; their days differ by firm, ours are common
to all firms, because one common day is what makes this event hard). Market model, first benchmark, simple returns.

What to expect with 250 days: the share of a test that holds its level varies by chance between about 2 and 9 % (windows
overlap and quiet weeks cluster). Patell's test and BMP reject three to nine times too often, because firms of a role
move together; that is why the verdict does not use them. The others claim to be valid on a common day, each on a condition
that is measured here, and where it fails `is_valid_here` is false and says why:

- `portfolio` and `corrado_rank` take the variance of the estimation window for that of the day. `variance_ratio` is the
  mean square of the portfolio's t over the quiet days (1 where they are right); above the ratio at which a normal variable
  would be rejected 1.8 times as often as the level says (9 % at 5 %, ratio 1.34) neither is valid. So it is for the
  adopters: in 2026, when software shares were sold, their abnormal returns had three times the variance of the windows
  before. `kolari_pynnonen`, which measures it across firms on the day, stays at its level there.
- `corrado_rank` takes mean ranks for normal. Firms that move together are worth n / (1 + (n - 1) r) independent ones
  (`independent_firms`), and the rank of one firm on one day is spread evenly: its largest statistic is the root of 3, below
  1.96, and it never rejects. The sum of two such ranks rejects 4.0 % of the time at 5 %, of more nearly 5 %. So independent
  firms times days of the window have to be two or more, which the neoclouds' single day misses.

A draw of 250 among some 470 quiet days is lucky or not. `share_of_quiet_days` is what the test rejects on all of them: the
buyers' rank test rejects 0.8 % of the days drawn and 3.0 % of all.

A day is drawn once, and only where all its returns are known; days whose window holds an event's session, or touches it,
are left out. The same days serve all tests. `ALL` is the mean over the roles.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
from scipy.special import ndtri
from scipy.stats import binom

from warehouse.assumptions import Assumptions
from warehouse.marts.common.mart import Mart, Trace
from warehouse.marts.market.event_study_tests import (
    ABOUT,
    TESTS,
    independent_firms,
    kolari_pynnonen,
    rank_deviations,
    rank_statistic,
    ranked,
    standardised_tests,
    too_few_ranks,
)
from warehouse.marts.market.returns import (
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
MEASURES = ("mean_correlation", "independent_firms", "variance_ratio")
# How many times the level a test may reject by what is known to be wrong with it, and be called valid.
TOLERATED = 1.8
EVERY_DAY = 10**6
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
        Column("quiet_days", "integer", "days without an event that the days were drawn from", "days", minimum=0),
        Column("share_of_quiet_days", "real", "rejections over all of them, without the luck of the draw", "share",
               minimum=0, maximum=1),
        Column("valid_for_one_event_day", "flag", "whether the test claims to be valid for firms with one common day, "
               "where valid_when holds", required=True),
        Column("is_valid_here", "flag", "whether it claims so and valid_when holds for these firms and days; null where "
               "nothing could be tried"),
        Column("not_valid_because", "text", "why it is not valid here"),
        Column("assumes", "text", "what the test takes for granted", required=True),
        Column("valid_when", "text", "when it is valid", required=True),
        Column("reference", "text", "where it was published", required=True),
        Column("mean_correlation", "real", "mean of the firms' mean correlation over the days", minimum=-1, maximum=1),
        Column("independent_firms", "real", "independent firms that the role's are worth: n / (1 + (n - 1) r), mean over "
               "the quiet days", "firms"),
        Column("variance_ratio", "real", "variance of the portfolio's abnormal return on the quiet days over that of the "
               "estimation windows before them", minimum=0),
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
            "select * from {table} where days >= 200 and level = 0.05 and (\"grouping\" = 'ALL' "
            "and valid_for_one_event_day and rejection_share not between 0.02 and 0.09 "
            "or is_valid_here and share_of_quiet_days not between 0.02 and 0.09)",
            "a test that calls quiet days events would carry the verdict",
            severity="warning",
        ),
        Check(
            "not_valid_says_why",
            "select * from {table} where (is_valid_here is false) <> (coalesce(not_valid_because, '') <> '')",
            "a test that is set aside without a reason is one that did not please",
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
    every = quiet_days(bars, chosen, EVERY_DAY, seed)
    drawn = np.isin(every, quiet_days(bars, chosen, assumptions.integer("placebo_days"), seed))
    p_values, measures = try_tests(bars, every, chosen)
    return _table(bars, every, drawn, p_values, measures, level, seed, companies, chosen)


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
    found: dict[str, list[np.ndarray]] = {name: [] for name in (*TESTS, *MEASURES)}
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
            ("independent_firms", independent_firms(size, r)),
            ("variance_ratio", t_portfolio**2 * (n - 4) / (n - 2)),
        ):
            found[name].append(np.where(nothing, np.nan, p_value))
    return {name: np.stack(parts, axis=1) for name, parts in found.items()}


def _table(
    bars: Prices,
    every: np.ndarray,
    drawn: np.ndarray,
    p_values: dict[str, np.ndarray],
    measures: dict[str, np.ndarray],
    level: float,
    seed: int,
    companies: pl.DataFrame,
    chosen: Setting,
) -> pl.DataFrame:
    """One row for each test, role (and ALL) and window: `every` quiet day, of them those `drawn`."""
    days = every[drawn]
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
            made, rejected, shares = _counted(p_values[test][drawn, w], level)
            made_of_all, _, shares_of_all = _counted(p_values[test][:, w], level)
            r = [_mean(measures["mean_correlation"][drawn, w, g]) for g in range(len(chosen.groups))]
            worth, ratio = (
                np.array([_mean(measures[name][:, w, g]) for g in range(len(chosen.groups))])
                for name in ("independent_firms", "variance_ratio")
            )
            why = [
                _not_valid(test, worth[g], ratio[g], window[1] - window[0] + 1, level)
                for g in range(len(chosen.groups))
            ]
            failing = [group for group, reason in zip(chosen.groups, why, strict=True) if reason]
            why.append(f"not valid for {', '.join(failing)}" if failing else None)
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
                        "quiet_days": int(made_of_all.max(initial=0) if pooled else made_of_all[g]),
                        "share_of_quiet_days": _mean(shares_of_all) if pooled else float(shares_of_all[g]),
                        "is_valid_here": why[g] is None if n else None, "not_valid_because": why[g] if n else None,
                        "independent_firms": None if pooled else worth[g],
                        "variance_ratio": None if pooled else ratio[g],
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


def _counted(p_values: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """By group: days on which the test could be made, those on which it rejects, and their share (NaN for no day)."""
    made, rejected = np.isfinite(p_values).sum(axis=0), (p_values < level).sum(axis=0)
    return made, rejected, rejected / np.where(made > 0, made, np.nan)


def _not_valid(test: str, worth: float, ratio: float, days: int, level: float) -> str | None:
    """Why a test is not valid for some firms on a common day, by what was measured; None where it is."""
    about = ABOUT[test]
    if not about.valid_for_one_event_day:
        return f"it takes for granted that {about.assumes}: not so on a common day"
    limit = variance_limit(level)
    if about.assumes_same_variance and ratio > limit:
        return f"the quiet days' variance is {ratio:.2f} times that of the windows before, above {limit:.2f}"
    if about.ranks and too_few_ranks(worth, days):
        return (
            f"the firms are worth {worth:.1f} independent ones, too few for the ranks of {days} day{'s' * (days > 1)}"
        )
    return None


def variance_limit(level: float) -> float:
    """Ratio of variances at which a normal variable is rejected TOLERATED times as often as a test's level says."""
    rejected = ndtri(min(TOLERATED * level, 1.0) / 2)
    return float((ndtri(level / 2) / rejected) ** 2) if rejected and level > 0 else float("inf")


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
