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

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from scipy.special import ndtri
from scipy.stats import binom

from warehouse.assumptions import Assumptions
from warehouse.marts.common.columns import KNOWN_ON_OR_NULL
from warehouse.marts.common.mart import Mart
from warehouse.marts.common.reasons import listed, reason
from warehouse.marts.common.words import worded
from warehouse.marts.market.columns import (
    BENCHMARK_FIRMS,
    COMPANIES_BEHIND,
    FIRMS,
    FIRST_BENCHMARK,
    GROUPING,
    null_has_a_reason,
    prices_behind,
)
from warehouse.marts.market.panel import Prices, Setting, evidence, panel_prices, setting, with_evidence
from warehouse.marts.market.quiet_days import quiet_days, try_tests
from warehouse.marts.market.significance import ABOUT, TEST_MEANINGS, TESTS, too_few_ranks
from warehouse.marts.wording.market import ASSUMES, VALID_WHEN
from warehouse.tables.formula import Formula
from warehouse.tables.guide import Guide
from warehouse.tables.table import Check, Column, mart

ALL = "ALL"
EVERY_DAY = 10**6

TABLE = mart(
    "event_placebo",
    "how often each test across firms rejects on days without an event, and what it takes for granted",
    [
        Column("test", "text", "which test of event_study_tests", required=True, allowed=TEST_MEANINGS),
        replace(GROUPING, allowed={**GROUPING.values, ALL: "the mean over the roles"}),
        Column("window_start", "integer", "first day of the window relative to the day drawn", "trading days", True),
        Column("window_end", "integer", "last day of the window relative to the day drawn", "trading days", True),
        FIRST_BENCHMARK,
        BENCHMARK_FIRMS,
        Column("level", "real", "p-value below which a test rejects", "probability", required=True, minimum=0, maximum=1),
        Column("days", "integer", "days drawn on which the test could be made", "days", required=True, minimum=0),
        Column("rejections", "real", "of them those on which it rejects; of ALL, the mean over the roles", "days", minimum=0),
        Column("rejection_share", "real", "rejections over days: a test that keeps its promise has about `level`",
               "share", minimum=0, maximum=1,
            formula=Formula(
                "rejections over the days that could be tested",
                "{rejections} / {days}", "6", assumptions=("placebo_days",),
            ),
        ),
        Column("share_low", "real", "5th percentile of it if each day were independent and the test valid", "share"),
        Column("share_high", "real", "95th percentile of it, likewise", "share"),
        Column("quiet_days", "integer", "days without an event that the days were drawn from", "days", minimum=0),
        Column("share_of_quiet_days", "real", "rejections over all of them, without the luck of the draw", "share",
               minimum=0, maximum=1),
        Column("valid_for_one_event_day", "flag", "whether the test claims to be valid for firms with one common day, "
               "where valid_when holds", required=True),
        Column("is_valid_here", "flag", "whether it claims so and valid_when holds for these firms and days; null where "
               "nothing could be tried"),
        Column("not_valid_reasons", "texts", "why it is not valid here: JSON objects as in `reasons`"),
        Column("not_valid_because", "text", "the same in words", prose=True),
        Column("assumes", "text", "what the test takes for granted", required=True, prose=True),
        Column("valid_when", "text", "when it is valid", required=True, prose=True),
        Column("reference", "text", "where it was published", required=True),
        Column("mean_correlation", "real", "mean of the firms' mean correlation over the days", minimum=-1, maximum=1),
        Column("independent_firms", "real", "independent firms that the role's are worth: n / (1 + (n - 1) r), mean over "
               "the quiet days", "firms"),
        Column("variance_ratio", "real", "variance of the portfolio's abnormal return on the quiet days over that of the "
               "estimation windows before them", minimum=0),
        Column("seed", "integer", "seed of the draw", required=True),
        Column("first_day", "date", "first day drawn"),
        Column("last_day", "date", "last day drawn"),
        FIRMS,
        Column("prices_from", "date", "day of the first close used"),
        Column("prices_to", "date", "day of the last close used"),
        KNOWN_ON_OR_NULL,
    ],
    key=("test", "grouping", "window_start", "window_end"),
    checks=(
        null_has_a_reason("rejection_share is null"),
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
            "select * from {table} where (is_valid_here is false) <> (not_valid_reasons is not null)",
            "a test that is set aside without a reason is one that did not please",
        ),
    ),
    guide=Guide(
        "One row for each test, group of firms and window.",
        "over tests: they are asked on the same days.",
        {
            "Which tests are valid for a common event day?": "select distinct test, valid_for_one_event_day, valid_when "
            "from event_placebo",
            "How often does each reject by chance?": "select test, window_end, rejection_share, share_low, share_high "
            "from event_placebo where \"grouping\" = 'ALL' order by all",
            "Why is a test not valid here?": "select test, \"grouping\", not_valid_because from event_placebo where not "
            "is_valid_here",
        },
    ),
)  # fmt: skip


def build(
    stock_prices: pl.DataFrame,
    companies: pl.DataFrame,
    sessions: pl.DataFrame,
    *,
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
    tried = _Tried(
        chosen, level, assumptions.number("placebo_tolerated"), seed, every, drawn, *try_tests(bars, every, chosen)
    )
    frame = _rows(tried).join(_about_groups(bars, tried), on="grouping", how="left", maintain_order="left")
    frame = frame.with_columns(pl.col(pl.Float64).fill_nan(None), pl.when(pl.col("days") > 0).then(pl.col(pl.Date)))
    frame = worded(frame, "not_valid_reasons", "not_valid_because")
    return with_evidence(frame, companies, any_figure=pl.col("rejection_share").is_not_null())


@dataclass(frozen=True)
class _Tried:
    """The tests made on `every` quiet day (row numbers), of which `drawn` says which count.

    `p_values` of each test and `measures` are days by windows by groups; see `quiet_days.try_tests`.
    """

    chosen: Setting
    level: float
    tolerated: float
    seed: int
    every: np.ndarray
    drawn: np.ndarray
    p_values: dict[str, np.ndarray]
    measures: dict[str, np.ndarray]

    @property
    def days(self) -> np.ndarray:
        return self.every[self.drawn]

    @property
    def groups(self) -> tuple[str, ...]:
        return self.chosen.groups

    def mean_of(self, measure: str, w: int, *, drawn: bool = False) -> np.ndarray:
        """Mean of a measure over the days (or over those drawn), by group."""
        values = self.measures[measure][self.drawn if drawn else slice(None), w]
        return np.array([_mean(values[:, g]) for g in range(len(self.groups))])


def _about_groups(bars: Prices, tried: _Tried) -> pl.DataFrame:
    """What is the same in all rows of a role, and of ALL: its firms, the days, and the evidence of its prices."""
    chosen, days = tried.chosen, tried.days
    members = {
        group: [firm for firm, role in zip(chosen.firms, chosen.roles, strict=True) if role == group]
        for group in chosen.groups
    }
    members[ALL] = [firm for group in chosen.groups for firm in members[group]]
    flags = np.array([[firm in firms for firm in chosen.firms] for firms in members.values()])
    first, last = (days[0], days[-1]) if len(days) else (0, -1)
    span = first + chosen.estimation[0] - 1, last + max(end for _, end in chosen.windows)
    grade, known_on = evidence(bars, *(span if len(days) else (0, -1)), flags, True, chosen)
    return pl.DataFrame(
        {
            "grouping": list(members),
            "firms": list(members.values()),
            "grade": grade[len(chosen.firms) :],
            "known_on": known_on[len(chosen.firms) :],
        }
    ).with_columns(
        **{
            name: pl.lit(bars.day(row) if len(days) else None, pl.Date)
            for name, row in (
                ("first_day", first), ("last_day", last), ("prices_from", span[0]), ("prices_to", span[1])
            )
        }
    )  # fmt: skip


def _rows(tried: _Tried) -> pl.DataFrame:
    """One row for each test, window and role, and ALL."""
    rows = [
        row | {"test": test, "window_start": window[0], "window_end": window[1]}
        for test in TESTS
        for w, window in enumerate(tried.chosen.windows)
        for row in _of_test(tried, test, w)
    ]
    types = {name: kind for name, kind in TABLE.polars_schema.items() if name in rows[0]}
    about = pl.DataFrame(
        [
            {"test": test, "valid_for_one_event_day": about.valid_for_one_event_day, "assumes": ASSUMES[test],
             "valid_when": VALID_WHEN[test], "reference": about.reference}
            for test, about in ABOUT.items()
        ]
    )  # fmt: skip
    market = tried.chosen.benchmarks[0]
    return (
        pl.DataFrame(rows, schema_overrides=types)
        .join(about, on="test", how="left", maintain_order="left")
        .with_columns(
            benchmark=pl.lit(market),
            benchmark_firms=pl.lit(list(tried.chosen.behind(market)), dtype=pl.List(pl.String)),
            level=pl.lit(tried.level),
            seed=pl.lit(tried.seed),
        )
    )


def _of_test(tried: _Tried, test: str, w: int) -> list[dict[str, Any]]:
    """The rows of one test and window: each role's, then ALL, which is the mean over the roles."""
    made, rejected, shares = _counted(tried.p_values[test][tried.drawn, w], tried.level)
    quiet, _, shares_of_quiet = _counted(tried.p_values[test][:, w], tried.level)
    first, last = tried.chosen.windows[w]
    correlation = tried.mean_of("mean_correlation", w, drawn=True)
    worth, ratio = tried.mean_of("independent_firms", w), tried.mean_of("variance_ratio", w)
    why = [
        _not_valid(
            test, float(worth[g]), float(ratio[g]), last - first + 1, variance_limit(tried.level, tried.tolerated)
        )
        for g in range(len(tried.groups))
    ]
    rows = []
    for g, group in enumerate(tried.groups):
        n = int(made[g])
        low, high = (binom.ppf(q, n, tried.level) / n for q in (0.05, 0.95)) if n else (None, None)
        rows.append(
            _made(n, why[g])
            | {
                "grouping": group,
                "rejections": float(rejected[g]) if n else None,
                "rejection_share": float(shares[g]),
                "share_low": low,
                "share_high": high,
                "quiet_days": int(quiet[g]),
                "share_of_quiet_days": float(shares_of_quiet[g]),
                "independent_firms": float(worth[g]),
                "variance_ratio": float(ratio[g]),
                "mean_correlation": float(correlation[g]),
            }
        )
    failing = [group for group, reason_ in zip(tried.groups, why, strict=True) if reason_]
    n = int(made.max(initial=0))
    pooled = {
        "grouping": ALL,
        "rejections": _mean(rejected) if n else None,
        "rejection_share": _mean(shares),
        "quiet_days": int(quiet.max(initial=0)),
        "share_of_quiet_days": _mean(shares_of_quiet),
        "mean_correlation": _mean(correlation),
    }
    return [*rows, _made(n, reason("not_valid_for_roles", roles=failing) if failing else None) | pooled]


def _made(days: int, not_valid: str | None) -> dict[str, Any]:
    """What a row says of itself: on how many days the test was made, whether it is valid there, and why not."""
    return {
        "days": days,
        "is_valid_here": not_valid is None if days else None,
        "not_valid_reasons": listed([not_valid]) if days else None,
        "reasons": None if days else listed([reason("no_quiet_day")]),
    }


def _counted(p_values: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """By group: days on which the test could be made, those on which it rejects, and their share (NaN for no day)."""
    made, rejected = np.isfinite(p_values).sum(axis=0), (p_values < level).sum(axis=0)
    return made, rejected, rejected / np.where(made > 0, made, np.nan)


def _not_valid(test: str, worth: float, ratio: float, days: int, limit: float) -> str | None:
    """Why a test is not valid for some firms on a common day, by what was measured; None where it is.

    `limit` is the ratio of variances from which it rejects too often (`variance_limit`).
    """
    about = ABOUT[test]
    if not about.valid_for_one_event_day:
        return reason("assumption_fails_on_a_common_day", test=test)
    if about.assumes_same_variance and ratio > limit:
        return reason("variance_too_large", ratio=ratio, limit=limit)
    if about.ranks and too_few_ranks(worth, days):
        return reason("too_few_ranks", independent_firms=worth, days=days)
    return None


def variance_limit(level: float, tolerated: float) -> float:
    """Ratio of variances at which a normal variable is rejected so many times as often as a test's level says."""
    rejected = ndtri(min(tolerated * level, 1.0) / 2)
    return float((ndtri(level / 2) / rejected) ** 2) if rejected and level > 0 else float("inf")


def _mean(values: np.ndarray) -> float:
    """Mean of what is there; NaN for nothing."""
    there = values[np.isfinite(values)]
    return float(there.mean()) if len(there) else float("nan")


MART = Mart(
    table=TABLE,
    build=build,
    traces=(
        prices_behind(),
        COMPANIES_BEHIND,
    ),
)
