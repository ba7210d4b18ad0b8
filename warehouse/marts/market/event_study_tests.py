"""Whether a role's firms, taken together, moved beyond their market: five tests that fail in different ways.

All firms have the event on the same day. What moves one of them beyond the market that day (a rumour about chips) moves
its neighbours too, so twenty falling suppliers are far fewer than twenty independent witnesses; a test that takes them
for twenty calls chance an effect. And an event that shakes prices raises their variance, which makes a
test that knows only the quiet estimation days do the same. Hence several tests, from the most to the least trusting.
With N firms, each with its abnormal return over L days in units of its own standard error, `t_i` (column `t_stat` of
`event_study`), n estimation days and d degrees of freedom:

- `patell`: Z = sum(t_i) / sqrt(N d / (d - 2)), standard normal; d / (d - 2) is the variance of Student's t.
- `bmp`: mean(t_i) sqrt(N) / sd(t_i), sd across firms with N - 1; Student's t with N - 1 degrees of freedom.
- `kolari_pynnonen`: the BMP statistic times sqrt((1 - r) / (1 + (N - 1) r)), r being the mean over pairs of firms of
  the correlation of their estimation-window residuals; Student's t with N - 1 degrees of freedom.
- `corrado_rank`: each firm's abnormal returns of estimation and event days are ranked, 1 to T = n + L (ties share their
  mean rank). With k_t the mean over firms of rank - (T + 1) / 2 on day t, the statistic is the sum of k_t over the event
  days / (S sqrt(L)), S^2 = sum of k_t^2 over all T days / T; standard normal.
- `portfolio`: the equal-weight portfolio tested as one firm, the row `portfolio:ROLE` of `event_study`; the verdict uses
  it.

`ABOUT` says of each where it was published, what it takes for granted, and when it is valid; `event_placebo` holds it
against days without an event.

Two-sided throughout. Firms are those with every return of the estimation and the event window.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import polars as pl
from scipy.stats import rankdata

from warehouse.assumptions import Assumptions
from warehouse.marts.common.mart import Mart, Trace
from warehouse.marts.common.reasons import joined
from warehouse.marts.market.event_study import FLAT, NO_PORTFOLIO_VALUE, PORTFOLIO
from warehouse.marts.market.event_study import TABLE as EVENT_STUDY
from warehouse.marts.market.returns import (
    KINDS,
    MODELS,
    ROUNDING,
    Event,
    Fit,
    Kind,
    Model,
    Prices,
    Setting,
    abnormal_returns,
    daily_returns,
    means,
    memberships,
    normal_p,
    panel_prices,
    setting,
    standard_errors,
    student_p,
    study,
)
from warehouse.tables.table import Check, Column, mart


@dataclass(frozen=True)
class About:
    """Where a test was published, what it takes for granted, when it is valid, and whether that is so on a common day."""

    reference: str
    assumes: str
    valid_when: str
    valid_for_one_event_day: bool
    assumes_same_variance: bool = False
    ranks: bool = False


ABOUT = {
    "portfolio": About(
        "Jaffe 1974, Special information and insider trading; Brown and Warner 1980, Measuring security price performance",
        "the portfolio's abnormal return on the event day has the variance of the estimation window and is near normal; "
        "nothing about the firms' correlation, which its own variance carries",
        "the event does not make prices more volatile by itself and no calmer time is the yardstick for a wilder one",
        True,
        assumes_same_variance=True,
    ),
    "patell": About(
        "Patell 1976, Corporate forecasts of earnings per share and stock price behavior",
        "firms are independent, and each keeps the variance of its estimation window",
        "firms have their events on different days and the event changes no variance: not here",
        False,
    ),
    "bmp": About(
        "Boehmer, Musumeci and Poulsen 1991, Event-study methodology under conditions of event-induced variance",
        "firms are independent; the event may change their variance, by the same factor for all",
        "firms have their events on different days: not here",
        False,
    ),
    "kolari_pynnonen": About(
        "Kolari and Pynnonen 2010, Event study testing with cross-sectional correlation of abnormal returns",
        "the mean correlation of abnormal returns is that of the estimation window; the event may change their variance",
        "several firms share one event day; with two or three firms it has next to no power",
        True,
    ),
    "corrado_rank": About(
        "Corrado 1989, A nonparametric test for abnormal security-price performance in event studies",
        "the event day is drawn like any other day; mean ranks of the days are near normal, whatever returns are",
        "no calmer time is the yardstick for a wilder one, and there are two or more firms' worth of independent ranks, "
        "n / (1 + (n - 1) r) firms times days; with fewer a single day's statistic cannot exceed the root of 3 and never "
        "rejects at 5 %",
        True,
        assumes_same_variance=True,
        ranks=True,
    ),
}

# Independent ranks whose sum is near enough to normal: of two, evenly spread each, the sum is triangular and beyond 1.96
# standard deviations 4.0 % of the time; of one it never is.
LEAST_RANKS = 2.0
ACROSS_FIRMS = ("patell", "bmp", "kolari_pynnonen", "corrado_rank")
TESTS = ("portfolio", *ACROSS_FIRMS)
KEY = ("event_date", "ticker", "benchmark", "model", "return_kind", "window_start", "window_end")

TABLE = mart(
    "event_study_tests",
    "tests of each role's abnormal return around each event",
    [
        Column("event_date", "date", "date of the news, as asked for", required=True),
        Column("session", "date", "trading day that is day 0: the event date, or the next session after it"),
        Column("grouping", "text", "role whose firms are tested together", required=True),
        Column("benchmark", "text", "fund, or index of the panel, that stands for the market", required=True),
        Column("benchmark_firms", "text", "tickers whose prices make the benchmark, separated by blanks", required=True),
        Column("model", "text", "normal return, as in event_study", required=True, allowed=MODELS),
        Column("return_kind", "text", "daily returns: simple, or log", required=True, allowed=KINDS),
        Column("window_start", "integer", "first day of the window relative to the session", "trading days", True),
        Column("window_end", "integer", "last day of the window relative to the session", "trading days", True),
        Column("prices_from", "date", "day of the close that the first estimation return starts from"),
        Column("prices_to", "date", "last day of the window"),
        Column("test", "text", "which test", required=True, allowed=TESTS),
        Column("abnormal_return", "real", "of the role's equal-weight portfolio over the window (CAR)", "fraction"),
        Column("statistic", "real", "the test's statistic", "standard errors"),
        Column("p_value", "real", "two-sided", "probability", minimum=0, maximum=1),
        Column("n_firms", "integer", "firms that entered the test", "firms", required=True, minimum=0),
        Column("firms", "text", "tickers of the portfolio, separated by blanks"),
        Column(
            "mean_correlation", "real", "mean over pairs of firms of the correlation of their estimation residuals",
            minimum=-1, maximum=1,
        ),
        Column(
            "valid_for_one_event_day", "flag", "whether the test claims to be valid on a day common to all firms, and has "
            "the firms that it needs for it; event_placebo tries the claim", required=True,
        ),
        Column("known_on", "date", "day by which all inputs were public"),
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
        Check(
            "null_has_a_reason",
            "select * from {table} where reason is null and (statistic is null or p_value is null)",
            "a missing figure would look like one that was forgotten",
        ),
        Check(
            "positive_correlation_never_strengthens",
            "select k.* from {table} k join {table} b using "
            '(event_date, "grouping", benchmark, model, return_kind, window_start, window_end) '
            "where k.test = 'kolari_pynnonen' and b.test = 'bmp' and k.mean_correlation > 0 "
            "and abs(k.statistic) > abs(b.statistic) * (1 + 1e-9)",
            "firms that move together are fewer witnesses, never more",
        ),
    ),
)  # fmt: skip

TOO_FEW = "the spread across firms needs two firms or more"


def build(
    event_study: pl.DataFrame,
    stock_prices: pl.DataFrame,
    companies: pl.DataFrame,
    sessions: pl.DataFrame,
    *,
    as_of: date,
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
        reason=pl.col("reason")
        .str.replace(NO_PORTFOLIO_VALUE, "", literal=True)
        .str.replace("; ; ", "; ", literal=True)
        .str.strip_chars("; ")
        .replace("", None),
    )
    return pl.concat(_of_test(rows, test) for test in TESTS)


def _of_test(rows: pl.DataFrame, test: str) -> pl.DataFrame:
    """The rows of one test, from the portfolios' own with what was found across their firms beside them."""
    pair = ("t_stat", "p_value", "n_firms") if test == "portfolio" else (f"{test}_statistic", f"{test}_p", "n_tested")
    # Where the portfolio has no statistic, its own reason tells why.
    missing = pl.col("statistic").is_null() & pl.col("portfolio_tested")
    alone = missing & (pl.col("n_firms") < 2) & (test in ("bmp", "kolari_pynnonen"))
    found = rows.select(
        *(name for name in TABLE.names if name in EVENT_STUDY.names and name not in ("n_firms", "p_value")),
        "grouping",
        "mean_correlation",
        test=pl.lit(test),
        statistic=pl.col(pair[0]).fill_nan(None),
        p_value=pl.col(pair[1]).fill_nan(None),
        n_firms=pl.col(pair[2]).fill_null(0),
        valid_for_one_event_day=_valid(test, pl.col(pair[2]).fill_null(0)),
        portfolio_tested=pl.col("t_stat").is_not_null(),
    )
    added = pl.when(alone).then(pl.lit(TOO_FEW)).when(missing).then(pl.lit(FLAT))
    return found.with_columns(reason=joined("reason", added)).drop("portfolio_tested")


def _valid(test: str, n: pl.Expr) -> pl.Expr:
    """Whether a test of `n` firms is valid where all have the event on one day, as far as their number tells."""
    about = ABOUT[test]
    if not about.ranks:
        return pl.lit(about.valid_for_one_event_day)
    days = pl.col("window_end") - pl.col("window_start") + 1
    worth = n / (1 + (n - 1) * pl.col("mean_correlation").fill_nan(None).fill_null(0.0))
    return pl.lit(about.valid_for_one_event_day) & (worth * days >= LEAST_RANKS)


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
    return daily[:1] if fitted.model == "mean_adjusted" else daily


def standardised_tests(t: np.ndarray, within: np.ndarray, degrees: int) -> dict[str, np.ndarray]:
    """Patell and BMP from firms' t statistics (B by F) and flags of the firms of each group (B by G by F); B by G."""
    n = within.sum(axis=2)
    each = np.where(within, t[:, None, :], 0.0)
    total = each.sum(axis=2)
    mean = total / np.where(n > 0, n, np.nan)
    squares = (np.where(within, each - mean[:, :, None], 0.0) ** 2).sum(axis=2)
    spread = np.sqrt(squares / np.where(n > 1, n - 1, np.nan))
    patell = mean * np.sqrt(n * (degrees - 2) / degrees)
    bmp = mean * np.sqrt(n) / np.where(spread > ROUNDING, spread, np.nan)
    return {
        "n_tested": n,
        "patell_statistic": patell,
        "patell_p": normal_p(patell),
        "bmp_statistic": bmp,
        "bmp_p": student_p(bmp, np.maximum(n - 1, 1)),
    }


def mean_correlation(residuals: np.ndarray, members: np.ndarray) -> np.ndarray:
    """Mean over pairs of firms of their residuals' correlation: residuals B by n by F, members G by F, to B by G.

    The sum of a correlation matrix is the squared length of the sum of the standardised series, so no matrix is needed.
    """
    centred = residuals - residuals.mean(axis=1, keepdims=True)
    length = np.sqrt((centred**2).sum(axis=1, keepdims=True))
    usable = np.isfinite(length) & (length > 0)
    standard = np.where(usable, centred, 0.0) / np.where(usable, length, 1.0)
    n = (members & usable).sum(axis=2)
    length_of_mean = (means(standard, members) ** 2).sum(axis=1)
    mean = (length_of_mean * members.sum(axis=1) ** 2 - n) / np.where(n > 1, n * (n - 1), np.nan)
    return np.minimum(mean, 1.0)  # firms that move as one come out a rounding above it


def kolari_pynnonen(bmp: np.ndarray, r: np.ndarray, n: np.ndarray) -> np.ndarray:
    """BMP statistics of n firms each, adjusted by the mean correlation r of their residuals; NaN where n r is below -1."""
    widening = 1 + (n - 1) * r
    return bmp * np.sqrt(np.maximum(1 - r, 0) / np.where(widening > 0, widening, np.nan))


def independent_firms(n: np.ndarray, r: np.ndarray) -> np.ndarray:
    """Independent firms whose mean would vary as much as that of n firms with mean correlation r (one firm: 1)."""
    return np.where(n > 1, n / np.maximum(1 + (n - 1) * np.nan_to_num(r), ROUNDING), n.astype(float))


def too_few_ranks(worth: float, days: int) -> bool:
    """Whether so many independent firms over so many days leave the sum of ranks too far from normal."""
    return worth * days < LEAST_RANKS


def ranked(series: np.ndarray) -> np.ndarray:
    """Ranks over the days (second axis) from 1; ties share their mean rank. A series with a NaN has no ranks: all NaN."""
    values = np.ascontiguousarray(np.moveaxis(series, 1, -1))
    order = values.argsort(axis=-1)
    in_order = np.take_along_axis(values, order, axis=-1)
    if (in_order[..., 1:] == in_order[..., :-1]).any():
        ranks = rankdata(values, axis=-1)
    else:
        ranks = np.empty(values.shape)
        np.put_along_axis(ranks, order, np.arange(1.0, values.shape[-1] + 1), axis=-1)
        # Sorting puts NaN last.
        ranks[np.isnan(in_order[..., -1])] = np.nan
    return np.moveaxis(ranks, -1, 1)


def rank_deviations(residuals: np.ndarray, daily: np.ndarray, ranks: np.ndarray) -> np.ndarray:
    """Each day's rank among the n residuals and L event days less the mean rank: B by n + L by F.

    `ranks` are those of the residuals among themselves. Every window ranks the same n residuals with a few event days
    added, and sorting them anew would cost most of the mart's time: instead, each rank goes up by the event days below.
    """
    n, days = residuals.shape[1], daily.shape[1]
    event_ranks = ranked(daily)
    # Twice the rise in rank, so that a tie, which is worth a half, is a whole number too.
    rise = np.zeros(residuals.shape, dtype=np.int16)
    for day in range(days):
        value = daily[:, [day]]
        above = (residuals > value).astype(np.int16)
        above += residuals >= value
        rise += above
        event_ranks[:, day] += n - above.sum(axis=1) / 2
    return np.concatenate([ranks + rise / 2, event_ranks], axis=1) - (n + days + 1) / 2


def rank_statistic(mean_deviations: np.ndarray, days: int) -> np.ndarray:
    """Corrado's statistic from mean rank deviations (B by T by G), the last `days` of which are the event's: B by G."""
    spread = np.sqrt((mean_deviations**2).sum(axis=1) / mean_deviations.shape[1])
    return mean_deviations[:, -days:].sum(axis=1) / (np.where(spread > 0, spread, np.nan) * np.sqrt(days))


def rank_test(
    residuals: np.ndarray, daily: np.ndarray, members: np.ndarray, ranks: np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """Corrado's rank statistic and p-value: residuals B by n by F, event days B by L by F, members G by F; B by G."""
    ranks = ranked(residuals) if ranks is None else ranks
    used = members.any(axis=0)
    quiet = np.ascontiguousarray(residuals[:, :, used])
    deviations = rank_deviations(quiet, daily[:, :, used], ranks[:, :, used])
    statistic = rank_statistic(means(deviations, members[:, used]), daily.shape[1])
    return {"corrado_rank_statistic": statistic, "corrado_rank_p": normal_p(statistic)}


MART = Mart(
    table=TABLE,
    build=build,
    traces=(
        Trace(
            "marts.event_study",
            "t.event_date = m.event_date and t.benchmark = m.benchmark and t.model = m.model "
            "and t.return_kind = m.return_kind and t.window_start = m.window_start and t.window_end = m.window_end "
            "and (t.ticker = 'portfolio:' || m.\"grouping\" or list_contains(string_split(m.firms, ' '), t.ticker))",
        ),
        Trace(
            "core.stock_prices",
            "(list_contains(string_split(m.firms, ' '), t.ticker) "
            "or list_contains(string_split(m.benchmark_firms, ' '), t.ticker) and m.model <> 'mean_adjusted') "
            "and t.date between m.prices_from and m.prices_to and t.grade <> 'D'",
        ),
        Trace("core.companies", "list_contains(string_split(m.firms, ' '), t.ticker)"),
    ),
)
