"""Which firms moved: abnormal returns of the event days explained by role and by what a firm was exposed to before.

"Compute is wasted" says more than that chip shares fall: it says that those who sell and power compute fall and those
who buy it do not, and that within a role the fall goes with the exposure to chips. That is a regression across firms of
the abnormal return (market model, first benchmark, simple returns) on dummies of the roles and on exposures known
before the event: the beta to the chip fund (assumption `exposure_benchmark`) and the volatility of the estimation
window, and a measure of size: the logarithm of the market value on the eve where share counts are known, which in the
filings at hand they are of three companies, and in its place the logarithm of the dollars traded a day in the estimation
window, which every firm has (for foreign companies it is that of their US listing alone, so it makes them small).

The regression's own standard errors are wrong here. They take the firms' errors for independent, and on one common day
they are not: whatever else moved power shares that day moved all of them, so that adding firms adds confidence and no
knowledge; on quiet days they come out too small. So a coefficient is read for what it is, the abnormal return of a
portfolio: with the firms' traits X fixed beforehand, the coefficients are W' AR with W' = (X'X)^-1 X', weights that do
not depend on the event. The same portfolio has a return on every day of the estimation window; its market model gives
the coefficient's standard error as it gives a share's, with all correlation between firms in it (Sefcik and Thompson
1986, An approach to statistical inference in cross-sectional models with security abnormal returns as dependent
variable).

`ols_standard_error` stands beside it. On the event day itself it may be the larger of the two, and on 2025-01-27 it often
is: it is made of how unequally that day's firms moved, and an event that hits some suppliers and spares others widens
that. The two answer different questions: whether quiet days' noise could have made the coefficient, and how well the
traits explain who was hit. The first decides whether there was an effect and assumes that the variance of the noise is
that of the estimation window; where only the first is significant, the role was hit and its firms were hit unequally.

- Roles have a dummy each and there is no constant; exposures are standardised across the firms (mean 0, standard deviation
  1). So a role's coefficient is the abnormal return of its firm with average exposure, and an exposure's is the
  abnormal return for one standard deviation more of it. `supplier_less_buyer` is the difference of two coefficients.
- `share_of_quiet_days_beyond` needs no distribution at all: the share of estimation days (for two days: of pairs of
  neighbouring ones) on which the same portfolio moved at least as far; zero is farther than on any of them.
- With size in it, a role's coefficient is that of its firm of average size, and no buyer is one: each of the five trades
  more than the average, four of them by about a standard deviation or more. So role and size are hardly separable there,
  and a difference of roles that goes with size loses its significance, which does not show that there is none.
- Betas and volatilities come from the window that the standard errors come from. That leaves the weights fixed before
  the event, but the exposures carry an estimation error that draws their coefficients towards zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.common.columns import KNOWN_ON_OR_NULL
from warehouse.marts.common.mart import Mart, Trace
from warehouse.marts.common.reasons import all_of, reason
from warehouse.marts.market.columns import (
    BENCHMARK_FIRMS,
    BENCHMARK_MEANINGS,
    COMPANIES_BEHIND,
    ESTIMATION_TO_WINDOW,
    EVENT_DATE,
    FIRMS,
    FIRST_BENCHMARK,
    GROUPING,
    SESSION,
    WINDOW,
    null_has_a_reason,
    prices_behind,
)
from warehouse.marts.market.estimation import memberships
from warehouse.marts.market.event_reasons import of_the_day
from warehouse.marts.market.panel import Event, Prices, Setting, evidence, panel_prices, setting, with_evidence
from warehouse.marts.market.returns import (
    abnormal_returns,
    daily_returns,
    fit,
    offsets,
    rows_at,
    standard_errors,
    student_p,
)
from warehouse.tables.guide import Guide
from warehouse.tables.table import Check, Column, mart

SPECIFICATIONS = {
    "roles": (),
    "exposure": ("chip_beta", "volatility"),
    "turnover": ("chip_beta", "volatility", "log_turnover"),
    "size": ("chip_beta", "volatility", "log_value"),
}
CONTRAST = ("supplier", "buyer")
CONTRAST_NAME = "supplier_less_buyer"
# No judgement on an answer: a regression of fewer has no figures but a reason.
# Firms beyond the coefficients that a regression needs. With five, Student's t needs 2.6 standard errors at 5 %; with
# fewer hardly anything could be significant. Austin and Steyerberg 2015, The number of subjects per variable required in
# linear regression analyses, find two subjects a variable enough, which a regression of five roles or more has.
SPARE_FIRMS = 5
ESTIMATES = (
    "coefficient", "standard_error", "p_value", "ols_standard_error", "ols_p_value", "share_of_quiet_days_beyond",
)  # fmt: skip

VARIABLE_MEANINGS = {
    **{role: f"role: {meaning}" for role, meaning in GROUPING.values.items()},
    CONTRAST_NAME: "the coefficient of suppliers less that of buyers",
    "chip_beta": "how the share moves with exposure_benchmark, standardised across the firms",
    "volatility": "standard deviation of its daily returns, standardised",
    "log_turnover": "logarithm of the dollars traded a day, standardised",
    "log_value": "logarithm of the market value, standardised",
}

TABLE = mart(
    "event_cross_section",
    "abnormal returns around each event regressed across firms on role and exposure",
    [
        EVENT_DATE,
        SESSION,
        *WINDOW,
        Column(
            "specification",
            "text",
            "what the returns are explained by",
            required=True,
            allowed={
                "roles": "the roles alone",
                "exposure": "roles, chip beta and volatility",
                "turnover": "the same, and the dollars traded a day",
                "size": "the same, and the market value",
            },
        ),
        Column("variable", "text", "what the coefficient belongs to", required=True, allowed=VARIABLE_MEANINGS),
        FIRST_BENCHMARK,
        BENCHMARK_FIRMS,
        Column(
            "exposure_benchmark", "text", "fund whose beta is the exposure", required=True, named=BENCHMARK_MEANINGS,
        ),
        Column("coefficient", "real", "abnormal return (CAR) that goes with the variable", "fraction"),
        Column(
            "standard_error", "real", "of the coefficient as a portfolio's abnormal return: valid for one common event day",
            "fraction", above=0,
        ),
        Column("t_stat", "real", "coefficient over its standard error", "standard errors"),
        Column(
            "p_value", "real", "two-sided, Student's t with n - 2 of the estimation window", "probability",
            minimum=0, maximum=1,
        ),
        Column(
            "ols_standard_error", "real", "the regression's own, as if firms were independent: not valid here", "fraction",
            above=0,
        ),
        Column("ols_p_value", "real", "two-sided, from it: not valid here", "probability", minimum=0, maximum=1),
        Column(
            "share_of_quiet_days_beyond", "real", "share of estimation windows of this length on which it was as far from zero",
            "share", minimum=0, maximum=1,
        ),
        Column("n_firms", "integer", "firms in the regression", "firms", required=True, minimum=0),
        Column("r2", "real", "of the regression across firms, about the mean", maximum=1),
        FIRMS,
        *ESTIMATION_TO_WINDOW,
        KNOWN_ON_OR_NULL,
    ],
    key=("event_date", "window_start", "window_end", "specification", "variable"),
    checks=(
        null_has_a_reason("coefficient is null or p_value is null"),
        Check(
            "t_is_the_coefficient_over_its_error",
            "select * from {table} where abs(t_stat * standard_error - coefficient) > 1e-9",
            "a statistic that belongs to another row",
        ),
    ),
    guide=Guide(
        "One row for each event, window, specification and variable.",
        "coefficients: each is the effect of one variable beside the others.",
        {
            "Did suppliers fall more than buyers?": "select specification, coefficient, p_value, "
            "share_of_quiet_days_beyond from event_cross_section where event_date = '2025-01-27' and window_end = 0 and "
            "variable = 'supplier_less_buyer'",
            "What goes with the fall?": "select variable, coefficient, p_value from event_cross_section where event_date "
            "= '2025-01-27' and window_end = 0 and specification = 'size'",
            "How much do the variables explain?": "select distinct event_date, window_end, specification, r2, n_firms "
            "from event_cross_section order by all",
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
    """Every event, window of `event_day_windows` and specification; share counts come from `event_study`."""
    chosen = setting(companies, sessions, assumptions)
    exposure = str(assumptions.value("exposure_benchmark"))
    windows = tuple((int(first), int(last)) for first, last in assumptions.value("event_day_windows"))
    market = chosen.benchmarks[0]
    chosen = replace(chosen, benchmarks=tuple(dict.fromkeys((market, exposure))), windows=windows)
    if not (chosen.groups and chosen.events):
        return TABLE.empty()
    bars = panel_prices(stock_prices, sessions, chosen)
    found = []
    for event in chosen.events:
        sizes = {
            "log_value": np.log(_market_values(event_study, bars, event, chosen)),
            "log_turnover": np.log(_turnover(bars, event, chosen)),
        }
        members = np.any(memberships(bars, event, chosen), axis=1, keepdims=False)
        for window, complete in zip(windows, members, strict=True):
            for name, traits in SPECIFICATIONS.items():
                asked = _Asked(bars, event, window, name, traits, exposure, chosen)
                found.append(_regression(asked, _sample(asked, complete, sizes), sizes))
    rows = pl.concat(found).with_columns(pl.col(pl.Float64).fill_nan(None))
    rows = rows.with_columns(reasons=_reasons()).drop("obstacle")
    return with_evidence(rows, companies, any_figure=pl.col("coefficient").is_not_null())


@dataclass(frozen=True)
class _Asked:
    """One regression: an event, a window, and the traits that stand beside the roles."""

    bars: Prices
    event: Event
    window: tuple[int, int]
    specification: str
    traits: tuple[str, ...]
    exposure: str
    chosen: Setting

    @property
    def market(self) -> str:
        return self.chosen.benchmarks[0]

    @property
    def rows(self) -> tuple[int, int]:
        """Row of the close that the first estimation return starts from, and of the window's end."""
        return self.event.at + self.chosen.estimation[0] - 1, self.event.at + self.window[1]

    def returns(self, span: tuple[int, int]) -> np.ndarray:
        """Simple returns of the days of `span`: days by tickers."""
        return rows_at(daily_returns(self.bars.adj_close, "simple"), self.event.at + offsets(*span))

    def column(self, ticker: str) -> list[int]:
        return [self.bars.tickers.index(ticker)]


@dataclass(frozen=True)
class _Sample:
    """Firms of a regression (flags over the panel) and what it estimates: a level for each role, a slope for each trait."""

    used: np.ndarray
    roles: list[str]
    traits: tuple[str, ...]

    @property
    def firms(self) -> np.ndarray:
        return np.flatnonzero(self.used)

    @property
    def coefficients(self) -> int:
        return len(self.roles) + len(self.traits)

    @property
    def firms_needed(self) -> int:
        return self.coefficients + SPARE_FIRMS

    @property
    def has_contrast(self) -> bool:
        return all(role in self.roles for role in CONTRAST)

    def variables(self, groups: tuple[str, ...]) -> list[str]:
        """Names of the rows; without any firm still one for each role, which then says why it is empty."""
        return [*(self.roles or groups), *self.traits, *([CONTRAST_NAME] if self.has_contrast else [])]

    @property
    def combinations(self) -> np.ndarray:
        """The rows as combinations of the coefficients: each itself, then the difference of two roles."""
        each = np.eye(self.coefficients)
        if not self.has_contrast:
            return each
        one, other = (each[self.roles.index(role)] for role in CONTRAST)
        return np.vstack([each, one - other])


def _sample(asked: _Asked, complete: np.ndarray, sizes: Mapping[str, np.ndarray]) -> _Sample:
    """The firms with every return and every size that is asked for; the benchmark explains and is not explained."""
    used = complete & ~np.array([firm == asked.market for firm in asked.chosen.firms])
    for trait in sizes.keys() & set(asked.traits):
        used = used & np.isfinite(sizes[trait])
    firms = np.flatnonzero(used)
    roles = [group for group in asked.chosen.groups if any(asked.chosen.roles[i] == group for i in firms)]
    return _Sample(used, roles, asked.traits)


def _market_values(event_study: pl.DataFrame, bars: Prices, event: Event, chosen: Setting) -> np.ndarray:
    """Market value of each firm on the eve, USD, from the share count known on the session; NaN where none is."""
    counts = event_study.filter(event_date=event.asked).select("ticker", "shares").drop_nulls().unique()
    shares = dict(counts.iter_rows())
    eve = rows_at(bars.close, np.array([event.at - 1]))[0]
    return np.array([eve[i] * shares.get(firm, np.nan) for i, firm in enumerate(chosen.firms)])


def _turnover(bars: Prices, event: Event, chosen: Setting) -> np.ndarray:
    """Mean of what was traded a day in the estimation window of each firm, USD; NaN where a day is missing or nothing was."""
    firms = slice(0, len(chosen.firms))
    traded = rows_at(bars.close[:, firms] * bars.volume[:, firms], event.at + offsets(*chosen.estimation)).mean(axis=0)
    return np.where(traded > 0, traded, np.nan)


def _regression(asked: _Asked, sample: _Sample, sizes: Mapping[str, np.ndarray]) -> pl.DataFrame:
    """Rows of one regression: a role, an exposure or the contrast each."""
    chosen, firms = asked.chosen, sample.firms
    variables = sample.variables(chosen.groups)
    estimates, r2 = {name: np.full(len(variables), np.nan) for name in ESTIMATES}, np.nan
    obstacle = _obstacle(asked, sample)
    if obstacle is None:
        x = _design(asked, sample, sizes)
        if np.linalg.matrix_rank(x) < x.shape[1] or not np.isfinite(x).all():
            obstacle = reason("estimation_returns_do_not_vary")
        else:
            estimates, r2 = _estimated(asked, sample, x)
    grade, known_on = evidence(asked.bars, *asked.rows, sample.used[None], True, chosen)
    return pl.DataFrame({"variable": variables, **estimates}).with_columns(
        t_stat=pl.col("coefficient") / pl.col("standard_error"),
        event_date=pl.lit(asked.event.asked),
        session=pl.lit(asked.event.session, dtype=pl.Date),
        window_start=pl.lit(asked.window[0]),
        window_end=pl.lit(asked.window[1]),
        specification=pl.lit(asked.specification),
        benchmark=pl.lit(asked.market),
        benchmark_firms=pl.lit(list(chosen.behind(asked.market)), dtype=pl.List(pl.String)),
        exposure_benchmark=pl.lit(asked.exposure),
        n_firms=pl.lit(len(firms)),
        r2=pl.lit(float(r2)),
        firms=pl.lit([chosen.firms[i] for i in firms] or None, dtype=pl.List(pl.String)),
        prices_from=pl.lit(asked.bars.day(asked.rows[0]), dtype=pl.Date),
        prices_to=pl.lit(asked.bars.day(asked.rows[1]), dtype=pl.Date),
        grade=pl.lit(int(grade[-1])),
        known_on=pl.lit(int(known_on[-1])),
        obstacle=pl.lit(obstacle, dtype=pl.String),
    )


def _obstacle(asked: _Asked, sample: _Sample) -> str | None:
    """Why the regression cannot be made, as a reason; None where it can be tried."""
    bars, market = asked.bars, asked.column(asked.market)
    quiet, days = asked.returns(asked.chosen.estimation), asked.returns(asked.window)
    end = asked.rows[1]
    if bars.last_row < end:
        return reason("window_not_over", window_end=bars.day(end), prices_known_through=bars.last)
    if not (np.isfinite(quiet[:, market]).all() and np.isfinite(days[:, market]).all()):
        return reason("no_benchmark_return", benchmark=asked.market)
    if asked.traits and not np.isfinite(quiet[:, asked.column(asked.exposure)]).all():
        return reason("no_exposure_return", benchmark=asked.exposure)
    if len(sample.firms) < sample.firms_needed:
        return reason(
            "too_few_firms_to_regress",
            firms=len(sample.firms), coefficients=sample.coefficients, needed=sample.firms_needed,
        )  # fmt: skip
    return None


def _design(asked: _Asked, sample: _Sample, sizes: Mapping[str, np.ndarray]) -> np.ndarray:
    """Firms by coefficients: a dummy for each role, then each trait standardised across the firms."""
    quiet = asked.returns(asked.chosen.estimation)
    own = quiet[:, sample.firms]
    measured = {"volatility": own.std(axis=0, ddof=1)} | {name: size[sample.firms] for name, size in sizes.items()}
    if "chip_beta" in sample.traits:
        measured["chip_beta"] = fit("market_model", own, quiet[:, asked.column(asked.exposure)]).beta[0]
    dummies = [[float(asked.chosen.roles[i] == role) for i in sample.firms] for role in sample.roles]
    return np.column_stack([*dummies, *(_standardised(measured[name]) for name in sample.traits)])


def _estimated(asked: _Asked, sample: _Sample, x: np.ndarray) -> tuple[dict[str, np.ndarray], float]:
    """ESTIMATES of each row, and the regression's r2.

    A coefficient is the abnormal return of a portfolio whose weights x fixes. So its standard error is that portfolio's,
    from the estimation window, and the regression's own error stands beside it.
    """
    market = asked.column(asked.market)
    quiet, days = asked.returns(asked.chosen.estimation), asked.returns(asked.window)
    own, normal_market = quiet[:, sample.firms], quiet[:, market]
    fitted = fit("market_model", own, normal_market)
    abnormal = abnormal_returns(fitted, days[:, sample.firms], days[:, market])[0].sum(axis=0)
    inverse, rows = np.linalg.inv(x.T @ x), sample.combinations
    weights = rows @ (inverse @ x.T)
    coefficient = weights @ abnormal

    portfolio = fit("market_model", own @ weights.T, normal_market)
    standard_error = standard_errors(portfolio, days[:, market])[0]
    daily = abnormal_returns(portfolio, own @ weights.T, normal_market)[0]
    sums = np.apply_along_axis(np.convolve, 0, daily, np.ones(len(days)), mode="valid")

    errors = abnormal - x @ (inverse @ x.T @ abnormal)
    degrees = len(sample.firms) - sample.coefficients
    variance = (errors**2).sum() / degrees * np.einsum("ij,jk,ik->i", rows, inverse, rows)
    return {
        "coefficient": coefficient,
        "standard_error": standard_error,
        "p_value": student_p(coefficient / standard_error, portfolio.degrees),
        "ols_standard_error": np.sqrt(variance),
        "ols_p_value": student_p(coefficient / np.sqrt(variance), degrees),
        "share_of_quiet_days_beyond": (np.abs(sums) >= np.abs(coefficient)).mean(axis=0),
    }, 1 - (errors**2).sum() / ((abnormal - abnormal.mean()) ** 2).sum()


def _standardised(values: np.ndarray) -> np.ndarray:
    """Mean 0 and standard deviation 1 across firms; NaN where all are equal."""
    spread = values.std(ddof=1)
    return (values - values.mean()) / (spread if spread > 0 else np.nan)


def _reasons() -> pl.Expr:
    """Why a regression is missing, and what to know of its day."""
    on_calendar = pl.col("session").is_not_null()
    return all_of(*of_the_day(), pl.when(on_calendar).then(pl.col("obstacle")))


MART = Mart(
    table=TABLE,
    build=build,
    traces=(
        prices_behind(also="m.specification <> 'roles' and t.ticker = m.exposure_benchmark"),
        COMPANIES_BEHIND,
        Trace(
            "marts.event_study",
            "m.specification = 'size' and t.event_date = m.event_date and t.benchmark = m.benchmark "
            "and list_contains(m.firms, t.ticker) and t.model = 'market_model' "
            "and t.return_kind = 'simple' and t.window_start = m.window_start and t.window_end = m.window_end",
        ),
    ),
)
