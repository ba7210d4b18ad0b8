"""Five tests of whether a role's firms, taken together, moved beyond their market.

With N firms, each with its abnormal return over L days in units of its own standard error, `t_i` (column `t_stat` of
`event_study`), n estimation days and d degrees of freedom:

- `patell`: Z = sum(t_i) / sqrt(N d / (d - 2)), standard normal; d / (d - 2) is the variance of Student's t.
- `bmp`: mean(t_i) sqrt(N) / sd(t_i), sd across firms with N - 1; Student's t with N - 1 degrees of freedom.
- `kolari_pynnonen`: the BMP statistic times sqrt((1 - r) / (1 + (N - 1) r)), r being the mean over pairs of firms of
  the correlation of their estimation-window residuals; Student's t with N - 1 degrees of freedom.
- `corrado_rank`: each firm's abnormal returns of estimation and event days are ranked, 1 to T = n + L (ties share their
  mean rank). With k_t the mean over firms of rank - (T + 1) / 2 on day t, the statistic is the sum of k_t over the event
  days / (S sqrt(L)), S^2 = sum of k_t^2 over all T days / T; standard normal.
- `portfolio`: the equal-weight portfolio tested as one firm, the row `portfolio:ROLE` of `event_study`.

All are two-sided. `ABOUT` says of each where it was published and on which conditions it is valid.
Axes in docstrings as in `returns`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import rankdata

from warehouse.marts.market.returns import ROUNDING, means, normal_p, student_p


@dataclass(frozen=True)
class About:
    """Where a test was published, whether it is valid on a day common to all firms, and on which conditions.

    What it takes for granted and when it is valid stand in words in `warehouse.marts.wording.market`.
    """

    reference: str
    valid_for_one_event_day: bool
    assumes_same_variance: bool = False
    ranks: bool = False


ABOUT = {
    "portfolio": About(
        "Jaffe 1974, Special information and insider trading; Brown and Warner 1980, Measuring security price performance",
        True,
        assumes_same_variance=True,
    ),
    "patell": About("Patell 1976, Corporate forecasts of earnings per share and stock price behavior", False),
    "bmp": About(
        "Boehmer, Musumeci and Poulsen 1991, Event-study methodology under conditions of event-induced variance", False
    ),
    "kolari_pynnonen": About(
        "Kolari and Pynnonen 2010, Event study testing with cross-sectional correlation of abnormal returns", True
    ),
    "corrado_rank": About(
        "Corrado 1989, A nonparametric test for abnormal security-price performance in event studies",
        True,
        assumes_same_variance=True,
        ranks=True,
    ),
}

# Independent ranks whose sum is near enough to normal: of two, evenly spread each, the sum is triangular and beyond 1.96
# standard deviations 4.0 % of the time; of one it never is.
LEAST_RANKS = 2.0  # arithmetic and no judgement
TEST_MEANINGS = {
    "portfolio": "t test of the equal-weight portfolio, whose own variance carries the correlation",
    "patell": "standardised returns, as if firms were independent",
    "bmp": "standardised and cross-sectional: the event may change the variance (Boehmer, Musumeci, Poulsen)",
    "kolari_pynnonen": "BMP, corrected for the correlation between firms",
    "corrado_rank": "ranks of returns, whatever their distribution",
}
TESTS = tuple(TEST_MEANINGS)


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


def too_few_ranks(worth: Any, days: Any) -> Any:
    """Whether so many independent firms over so many days (numbers or arrays) leave their ranks' sum far from normal."""
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
