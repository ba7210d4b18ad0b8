"""Returns: what a share would have done anyway, what it did beyond that, and how sure that is.

A price change on the day of some news is not yet an effect of the news. The market moved too, and a volatile share moves
by itself. So a model of normal returns is fitted on days before the event, which the news cannot have touched. What the
event days bring beyond the model is the abnormal return. It is measured in units of the share's own unrest.

Everything here is arithmetic on arrays: days by firms, every firm at once. A missing price is NaN and stays NaN: a return
across a gap would be the return of two days. Axes in docstrings: T sessions, n estimation days, L event days,
B benchmarks, K shares or portfolios, F firms, G groups.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from scipy.special import ndtr, stdtr, stdtrit

Model = Literal["market_model", "market_adjusted", "mean_adjusted"]
Kind = Literal["simple", "log"]
MODEL_MEANINGS: dict[str, str] = {
    "market_model": "a + b x the market's return",
    "market_adjusted": "the market's return",
    "mean_adjusted": "the share's own mean, which uses no benchmark",
}
KIND_MEANINGS: dict[str, str] = {
    "simple": "price over price before, less 1",
    "log": "logarithm of price over price before",
}
MODELS: tuple[Model, ...] = get_args(Model)
KINDS: tuple[Kind, ...] = get_args(Kind)
# Standard deviations below this are rounding of equal numbers and no unrest of a share: nothing can be divided by them.
# Daily returns are about 1e-2 and doubles carry 16 digits, so rounding is about 1e-18 to 1e-16, far below it.
ROUNDING = 1e-10


def uses_market(model: Model) -> bool:
    """Whether the benchmark's returns enter a model's abnormal return."""
    return model != "mean_adjusted"


def degrees_of_freedom(model: Model, days: int) -> int:
    """Estimation days less what is estimated from them: intercept and slope, or one mean."""
    return days - 2 if model == "market_model" else days - 1


def daily_returns(closes: np.ndarray, kind: Kind) -> np.ndarray:
    """Return of each session over the one before, as a fraction (T by K); NaN in the first row and beside a gap."""
    growth = np.full(closes.shape, np.nan)
    growth[1:] = closes[1:] / closes[:-1]
    return growth - 1 if kind == "simple" else np.log(growth)


def compound(returns: np.ndarray, kind: Kind) -> np.ndarray:
    """Return of a whole window from its daily ones (L by K to K): simple returns compound, logs add up."""
    return np.prod(1 + returns, axis=0) - 1 if kind == "simple" else returns.sum(axis=0)


def rows_at(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Rows of a float array by number; NaN for numbers outside it (before the calendar begins or after it ends)."""
    inside = (rows >= 0) & (rows < len(values))
    found = np.full((len(rows), *values.shape[1:]), np.nan)
    found[inside] = values[rows[inside]]
    return found


def offsets(first: int, last: int) -> np.ndarray:
    """Trading days from `first` to `last`, both included."""
    return np.arange(first, last + 1)


def means(values: np.ndarray, members: np.ndarray) -> np.ndarray:
    """Equal-weight mean over the last axis (..., F) of each group's members (G by F flags): (..., G), NaN for none.

    Group by group and not as a matrix product, whose last digit depends on which other groups there are.
    """
    found = np.full((*values.shape[:-1], len(members)), np.nan)
    for g, member in enumerate(members):
        if member.any():
            found[..., g] = values[..., member].mean(axis=-1)
    return found


@dataclass(frozen=True)
class Fit:
    """Normal returns `alpha + beta * market` of K shares against each of B benchmarks, from n estimation days.

    `alpha`, `beta`, `r2` and `sigma` (standard deviation of the daily abnormal return) are B by K; `market_mean` and
    `sxx` (sum of squared deviations of the market's returns) are of length B.
    """

    model: Model
    days: int
    degrees: int
    alpha: np.ndarray
    beta: np.ndarray
    r2: np.ndarray
    sigma: np.ndarray
    market_mean: np.ndarray
    sxx: np.ndarray

    def of(self, columns: np.ndarray) -> Fit:
        """The same fit for some of its shares."""
        chosen = {name: getattr(self, name)[:, columns] for name in ("alpha", "beta", "r2", "sigma")}
        return replace(self, **chosen)


def fit(model: Model, returns: np.ndarray, market: np.ndarray) -> Fit:
    """Normal returns from the estimation window: `returns` n by K, `market` n by B.

    market_model: `R = a + b Rm + e` by ordinary least squares; s^2 = sum(e^2) / (n - 2), n - 2 degrees of freedom
    (MacKinlay 1997, Event studies in economics and finance, section 5).
    market_adjusted: a = 0 and b = 1 are given and nothing is estimated, so that e = R - Rm; s is the standard deviation
    of e about its mean, with n - 1 degrees of freedom (Brown and Warner 1985).
    mean_adjusted: a is the mean of R and b = 0; s^2 = sum(e^2) / (n - 1), n - 1 degrees of freedom; it uses no market.
    r2 is 1 - sum(e^2) / sum((R - mean)^2) in each: of the mean-adjusted model zero, of the market-adjusted one below
    zero where R - Rm varies more than R.
    """
    n, shape = len(returns), (market.shape[1], returns.shape[1])
    mean, market_mean = returns.mean(axis=0), market.mean(axis=0)
    centred, market_centred = returns - mean, market - market_mean
    total, sxx = (centred**2).sum(axis=0), (market_centred**2).sum(axis=0)
    if model == "market_model":
        products = [(centred * market_centred[:, [b]]).sum(axis=0) for b in range(len(sxx))]
        beta = np.reshape(products, shape) / _positive(sxx)[:, None]
        alpha = mean - beta * market_mean[:, None]
        spread = _squares(centred, market_centred, beta)
        squares = spread
    elif model == "market_adjusted":
        alpha, beta = np.zeros(shape), np.ones(shape)
        spread = _squares(centred, market_centred, beta)
        squares = spread + n * (mean - market_mean[:, None]) ** 2
    else:
        alpha, beta = np.broadcast_to(mean, shape), np.zeros(shape)
        spread = squares = np.broadcast_to(total, shape)
    degrees = degrees_of_freedom(model, n)
    r2 = 1 - squares / _positive(total)
    return Fit(model, n, degrees, alpha, beta, r2, np.sqrt(spread / degrees), market_mean, sxx)


def _squares(centred: np.ndarray, market_centred: np.ndarray, beta: np.ndarray) -> np.ndarray:
    """Sum over days of (R - beta Rm)^2 of centred returns, B by K; one benchmark at a time, to stay in the cache."""
    squares = [((centred - market_centred[:, [b]] * beta[b]) ** 2).sum(axis=0) for b in range(len(beta))]
    return np.reshape(squares, beta.shape)


def abnormal_returns(fitted: Fit, returns: np.ndarray, market: np.ndarray) -> np.ndarray:
    """What each event day brought beyond the normal return: `returns` L by K, `market` L by B, to B by L by K."""
    if fitted.model == "mean_adjusted":
        return returns - fitted.alpha[:, None, :]
    return returns - fitted.alpha[:, None, :] - market.T[:, :, None] * fitted.beta[:, None, :]


def standard_errors(fitted: Fit, market: np.ndarray) -> np.ndarray:
    """Standard error of the cumulative abnormal return over the L days of `market` (L by B), B by K.

    market_model: s^2 (L + L^2 / n + (sum of (Rm - mean))^2 / Sxx), the errors of a and b being the same on every day
    (method 6; for one day the prediction error of the regression).
    market_adjusted: s^2 L, as nothing was estimated. mean_adjusted: s^2 (L + L^2 / n), the mean being estimated.
    Zero (within rounding) becomes NaN: returns that do not vary allow no test.
    """
    days = len(market)
    if fitted.model == "market_adjusted":
        factor = np.full(fitted.market_mean.shape, float(days))
    else:
        factor = np.full(fitted.market_mean.shape, days + days**2 / fitted.days)
    if fitted.model == "market_model":
        factor = factor + (market - fitted.market_mean).sum(axis=0) ** 2 / _positive(fitted.sxx)
    return np.where(fitted.sigma > ROUNDING, fitted.sigma, np.nan) * np.sqrt(factor)[:, None]


def student_p(t: np.ndarray, degrees: float | np.ndarray) -> np.ndarray:
    """Two-sided p-value of a t statistic with so many degrees of freedom; NaN stays NaN."""
    return 2 * stdtr(degrees, -np.abs(t))


def interval(
    effect: np.ndarray, standard_error: np.ndarray, degrees: np.ndarray, level: float
) -> tuple[np.ndarray, np.ndarray]:
    """Low and high end of the two-sided interval of an effect at 1 - `level`, in the effect's unit.

    effect -/+ t_(1 - level / 2) x standard error, quantile of Student's t: it leaves zero out where the two-sided t test
    at `level` rejects it. NaN stays NaN.
    """
    reach = stdtrit(degrees, 1 - level / 2) * standard_error
    return effect - reach, effect + reach


def smallest_detectable(standard_error: np.ndarray, degrees: np.ndarray, level: float, power: float) -> np.ndarray:
    """Smallest true effect that a two-sided t test at `level` finds with probability `power`, in the error's unit.

    (t_(1 - level / 2) + t_power) x standard error, quantiles of Student's t (Bloom 1995, Minimum detectable effects,
    Evaluation Review 19). With 248 degrees of freedom it is the exact figure of the noncentral t to three digits. An
    effect below it that is not found may still be there.
    """
    return (stdtrit(degrees, 1 - level / 2) + stdtrit(degrees, power)) * standard_error


def normal_p(z: np.ndarray) -> np.ndarray:
    """Two-sided p-value of a standard normal statistic; NaN stays NaN."""
    return 2 * ndtr(-np.abs(z))


def _positive(values: np.ndarray) -> np.ndarray:
    """Values to divide by: sums of squares that are zero within rounding become NaN."""
    return np.where(values > ROUNDING**2, values, np.nan)
