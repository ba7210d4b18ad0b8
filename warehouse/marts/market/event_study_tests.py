"""Whether a role's firms, taken together, moved beyond their market: five tests that fail in different ways.

All firms have the event on the same day. What moves one of them beyond the market that day (a rumour about chips) moves
its neighbours too. So twenty falling suppliers are far fewer than twenty independent witnesses, and a test that takes
them for twenty calls chance an effect. And an event that shakes prices raises their variance, which makes a test that
knows only the quiet estimation days do the same. Hence several tests (`significance`),
from the most to the least trusting.

The verdict uses `portfolio`; `event_placebo` holds each against days without an event. Firms are those with every return
of the estimation and the event window.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.common.columns import KNOWN_ON_OR_NULL
from warehouse.marts.common.mart import Mart, Trace
from warehouse.marts.common.reasons import all_of, because, without
from warehouse.marts.market.columns import (
    BENCHMARK,
    BENCHMARK_FIRMS,
    CIRCULAR,
    COMPANIES_BEHIND,
    ESTIMATION_TO_WINDOW,
    EVENT_DATE,
    FIRMS,
    GROUPING,
    MODEL,
    RETURN_KIND,
    SESSION,
    WINDOW,
    null_has_a_reason,
    prices_behind,
)
from warehouse.marts.market.estimation import memberships, study
from warehouse.marts.market.event_study import TABLE as EVENT_STUDY
from warehouse.marts.market.panel import PORTFOLIO, Event, Prices, Setting, panel_prices, setting
from warehouse.marts.market.returns import (
    KINDS,
    MODELS,
    Fit,
    Kind,
    Model,
    abnormal_returns,
    daily_returns,
    standard_errors,
    student_p,
    uses_market,
)
from warehouse.marts.market.significance import (
    ABOUT,
    TEST_MEANINGS,
    TESTS,
    independent_firms,
    kolari_pynnonen,
    mean_correlation,
    rank_test,
    ranked,
    standardised_tests,
    too_few_ranks,
)
from warehouse.tables.formula import Formula
from warehouse.tables.guide import Guide
from warehouse.tables.table import Check, Column, mart

KEY = ("event_date", "ticker", "benchmark", "model", "return_kind", "window_start", "window_end")

TABLE = mart(
    "event_study_tests",
    "tests of each role's abnormal return around each event",
    [
        EVENT_DATE,
        SESSION,
        GROUPING,
        BENCHMARK,
        BENCHMARK_FIRMS,
        CIRCULAR,
        MODEL,
        RETURN_KIND,
        *WINDOW,
        *ESTIMATION_TO_WINDOW,
        Column("test", "text", "which test", required=True, allowed=TEST_MEANINGS),
        Column("abnormal_return", "real", "of the role's equal-weight portfolio over the window (CAR)", "fraction",
            formula=Formula(
                "sum of the daily abnormal returns of the role's equal-weight portfolio over the window (CAR)",
                "Σ (R − alpha − beta × Rm)", "6", assumptions=("estimation_window",),
            ),
        ),
        Column("statistic", "real", "the test's statistic", "standard errors",
            formula=Formula(
                "what the test of the row gives: portfolio and Patell, standardised (BMP), adjusted for "
                "correlation (Kolari and Pynnonen) or of ranks (Corrado)",
                "CAR / its standard error, of the portfolio",
                "6",
                assumptions=(
                    "estimation_window",
                ),
            ),
        ),
        Column("p_value", "real", "two-sided", "probability", minimum=0, maximum=1,
            formula=Formula("two-sided, from the distribution of the test", "2 × P(T > |statistic|)", "6"),
        ),
        Column("n_firms", "integer", "firms that entered the test", "firms", required=True, minimum=0),
        FIRMS,
        Column(
            "mean_correlation", "real", "mean over pairs of firms of the correlation of their estimation residuals",
            minimum=-1, maximum=1,
        ),
        Column(
            "valid_for_one_event_day", "flag", "whether the test claims to be valid on a day common to all firms, and has "
            "the firms that it needs for it; event_placebo tries the claim", required=True,
        ),
        KNOWN_ON_OR_NULL,
    ],
    key=(
        "event_date", "grouping", "benchmark", "model", "return_kind", "window_start", "window_end", "test",
    ),
    checks=(
        Check(
            "five_tests_of_each",
            'select event_date, "grouping", benchmark, model, return_kind, window_start, window_end from {table} '
            'group by all having count(*) <> 5',
            "a result would be shown without the tests that may contradict it",
        ),
        null_has_a_reason("statistic is null or p_value is null"),
        Check(
            "positive_correlation_never_strengthens",
            "select k.* from {table} k join {table} b using "
            '(event_date, "grouping", benchmark, model, return_kind, window_start, window_end) '
            "where k.test = 'kolari_pynnonen' and b.test = 'bmp' and k.mean_correlation > 0 "
            "and abs(k.statistic) > abs(b.statistic) * (1 + 1e-9)",
            "firms that move together are fewer witnesses, never more",
        ),
    ),
    guide=Guide(
        "One row for each event, group of firms, benchmark, model, kind of return, window and test.",
        "over tests: they are asked of the same returns.",
        {
            "Was the fall of suppliers more than chance?": "select test, abnormal_return, statistic, p_value, "
            "valid_for_one_event_day from event_study_tests where event_date = '2025-01-27' and \"grouping\" = 'supplier' "
            "and benchmark = 'SPY' and model = 'market_model' and return_kind = 'simple' and window_start = 0 and "
            "window_end = 0",
            "Which groups are tested?": "select distinct \"grouping\", n_firms from event_study_tests where event_date = "
            "'2025-01-27' order by all",
            "How strongly do firms move together?": "select distinct \"grouping\", mean_correlation from "
            "event_study_tests where event_date = '2025-01-27' and benchmark = 'SPY' and model = 'market_model' and "
            "return_kind = 'simple' order by all",
        },
    ),
)  # fmt: skip


def build(
    event_study: pl.DataFrame,
    stock_prices: pl.DataFrame,
    companies: pl.DataFrame,
    sessions: pl.DataFrame,
    *,
    assumptions: Assumptions,
) -> pl.DataFrame:
    """Five tests for each portfolio row of `event_study` (method 6); its events, windows and benchmarks are tested."""
    portfolios = event_study.filter(pl.col("ticker").str.starts_with(PORTFOLIO))
    if portfolios.is_empty():
        return TABLE.empty()
    chosen = replace(
        setting(companies, sessions, assumptions),
        benchmarks=tuple(portfolios["benchmark"].unique().sort()),
        windows=tuple(
            portfolios.select("window_start", "window_end").unique().sort("window_start", "window_end").rows()
        ),
    )
    bars = panel_prices(stock_prices, sessions, chosen)
    rows = portfolios.join(_across_firms(bars, chosen), on=KEY, how="left").with_columns(
        grouping=pl.col("ticker").str.strip_prefix(PORTFOLIO),
        reasons=without("market_value_not_computed"),
    )
    return pl.concat(_of_test(rows, test) for test in TESTS)


def _of_test(rows: pl.DataFrame, test: str) -> pl.DataFrame:
    """The rows of one test, from the portfolios' own with what was found across their firms beside them."""
    pair = ("t_stat", "p_value", "n_firms") if test == "portfolio" else (f"{test}_statistic", f"{test}_p", "n_tested")
    # Where the portfolio has no statistic, its own reason says why.
    missing = pl.col("statistic").is_null() & pl.col("portfolio_tested")
    alone = missing & (pl.col("n_firms") < 2) & (test in ("bmp", "kolari_pynnonen"))
    found = rows.select(
        *(name for name in TABLE.names if name in EVENT_STUDY.names and name not in ("n_firms", "p_value", "reason")),
        "grouping",
        "mean_correlation",
        test=pl.lit(test),
        statistic=pl.col(pair[0]).fill_nan(None),
        p_value=pl.col(pair[1]).fill_nan(None),
        n_firms=pl.col(pair[2]).fill_null(0),
        valid_for_one_event_day=_valid(rows, test, pair[2]),
        portfolio_tested=pl.col("t_stat").is_not_null(),
    )
    added = (
        pl.when(alone)
        .then(because("one_firm_has_no_spread"))
        .when(missing)
        .then(because("estimation_returns_do_not_vary"))
    )
    return found.with_columns(reasons=all_of("reasons", added)).drop("portfolio_tested")


def _valid(rows: pl.DataFrame, test: str, firms: str) -> pl.Series:
    """Whether a test is valid where all firms have the event on one day, as far as their number (a column) says it."""
    about = ABOUT[test]
    valid = np.full(rows.height, about.valid_for_one_event_day)
    if about.ranks:
        n, r = rows[firms].fill_null(0).to_numpy(), rows["mean_correlation"].fill_null(np.nan).to_numpy()
        days = (rows["window_end"] - rows["window_start"] + 1).to_numpy()
        valid &= ~too_few_ranks(independent_firms(n, r), days)
    return pl.Series(valid)


# ---- Across firms --------------------------------------------------------------------------------------------------


def _across_firms(bars: Prices, chosen: Setting) -> pl.DataFrame:
    """Statistics and p-values of the four tests across firms, one row for each key of a portfolio in `event_study`."""
    daily = {kind: daily_returns(bars.adj_close, kind) for kind in KINDS}
    members = {event: memberships(bars, event, chosen) for event in chosen.events}
    found = [
        _of_event(bars, event, kind, members[event], chosen, daily[kind]) for event in chosen.events for kind in KINDS
    ]
    sizes = (
        len(chosen.events), len(KINDS), len(chosen.windows), len(MODELS), len(chosen.benchmarks), len(chosen.groups),
    )  # fmt: skip
    e, k, w, m, b, g = (axis.reshape(-1) for axis in np.indices(sizes))
    first, last = np.array(chosen.windows).T
    keys = {
        "event_date": pl.Series([event.asked for event in chosen.events])[e],
        "ticker": pl.Series([PORTFOLIO + group for group in chosen.groups])[g],
        "benchmark": pl.Series(chosen.benchmarks)[b],
        "model": pl.Series(MODELS)[m],
        "return_kind": pl.Series(KINDS)[k],
        "window_start": first[w],
        "window_end": last[w],
    }
    columns = {name: np.stack([part[name] for part in found]).reshape(-1) for name in found[0]}
    return pl.DataFrame({**keys, **columns}).with_columns(pl.col(pl.Float64).fill_nan(None))


def _of_event(
    bars: Prices, event: Event, kind: Kind, members: np.ndarray, chosen: Setting, returns: np.ndarray
) -> dict[str, np.ndarray]:
    """Columns of one event and kind of return, each W by M by B by G."""
    studied = study(bars, kind, event, members, chosen, returns)
    firms = np.arange(len(chosen.firms))
    own = studied.estimation[:, firms]
    found: dict[str, list[np.ndarray]] = {}
    residuals = {
        model: _distinct(fitted, abnormal_returns(fitted.of(firms), own, studied.market))
        for model, fitted in studied.fits.items()
    }
    # Funds are in no role and are not ranked: held against itself, one has nothing but ties.
    in_role = members.any(axis=(0, 1))
    ranks = {model: ranked(np.where(in_role, values, np.nan)) for model, values in residuals.items()}
    correlations: dict[tuple[Model, bytes], np.ndarray] = {}
    for w in range(len(chosen.windows)):
        fits, returns, market = studied.of_window(w)
        for model, fitted in fits.items():
            fitted = fitted.of(firms)
            daily = abnormal_returns(fitted, returns[:, firms], market)
            t = daily.sum(axis=1) / standard_errors(fitted, market)
            within = members[w] & np.isfinite(t)[:, None, :]
            same = model, members[w].tobytes()
            if same not in correlations:
                correlations[same] = mean_correlation(residuals[model], members[w])
            for name, values in {
                **standardised_tests(t, within, fitted.degrees),
                **rank_test(residuals[model], _distinct(fitted, daily), members[w], ranks[model]),
                "mean_correlation": correlations[same],
            }.items():
                found.setdefault(name, []).append(np.broadcast_to(values, within.shape[:2]))
    shape = (len(chosen.windows), len(MODELS), len(chosen.benchmarks), len(chosen.groups))
    columns = {name: np.stack(parts).reshape(shape) for name, parts in found.items()}
    n, r = columns["n_tested"], columns["mean_correlation"]
    columns["kolari_pynnonen_statistic"] = kolari_pynnonen(columns["bmp_statistic"], r, n)
    columns["kolari_pynnonen_p"] = student_p(columns["kolari_pynnonen_statistic"], np.maximum(n - 1, 1))
    return columns


def _distinct(fitted: Fit, daily: np.ndarray) -> np.ndarray:
    """Abnormal returns against each benchmark, once only where the model knows no benchmark."""
    return daily if uses_market(fitted.model) else daily[:1]


MART = Mart(
    table=TABLE,
    build=build,
    traces=(
        Trace(
            "marts.event_study",
            "t.event_date = m.event_date and t.benchmark = m.benchmark and t.model = m.model "
            "and t.return_kind = m.return_kind and t.window_start = m.window_start and t.window_end = m.window_end "
            "and (t.ticker = 'portfolio:' || m.\"grouping\" or list_contains(m.firms, t.ticker))",
        ),
        prices_behind("m.model <> 'mean_adjusted'"),
        COMPANIES_BEHIND,
    ),
)
