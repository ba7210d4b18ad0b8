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
  more than the average, four of them by about a standard deviation or more. So role and size can hardly be told apart there,
  and a difference of roles that goes with size loses its significance, which does not show that there is none.
- Betas and volatilities come from the window that the standard errors come from. That leaves the weights fixed before
  the event, but the exposures carry an estimation error that draws their coefficients towards zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.common.mart import Mart, Trace
from warehouse.marts.market.event_study import FLAT
from warehouse.marts.market.returns import (
    Event,
    Prices,
    Setting,
    abnormal_returns,
    daily_returns,
    evidence,
    fit,
    memberships,
    offsets,
    panel_prices,
    rows_at,
    setting,
    standard_errors,
    student_p,
    with_evidence,
)
from warehouse.tables.table import Check, Column, mart

SPECIFICATIONS = {
    "roles": (),
    "exposure": ("chip_beta", "volatility"),
    "turnover": ("chip_beta", "volatility", "log_turnover"),
    "size": ("chip_beta", "volatility", "log_value"),
}
CONTRAST = ("supplier", "buyer")
CONTRAST_NAME = "supplier_less_buyer"
# Fewer firms than this above the number of coefficients leave no error to judge them by.
SPARE_FIRMS = 5

TABLE = mart(
    "event_cross_section",
    "abnormal returns around each event regressed across firms on role and exposure",
    [
        Column("event_date", "date", "date of the news, as asked for", required=True),
        Column("session", "date", "trading day that is day 0: the event date, or the next session after it"),
        Column("window_start", "integer", "first day of the window relative to the session", "trading days", True),
        Column("window_end", "integer", "last day of the window relative to the session", "trading days", True),
        Column(
            "specification",
            "text",
            "roles alone, with exposure (chip beta and volatility), or with size too: turnover (dollars traded a day) or "
            "size (market value)",
            required=True,
            allowed=tuple(SPECIFICATIONS),
        ),
        Column("variable", "text", "role, exposure (standardised), or supplier_less_buyer", required=True),
        Column("benchmark", "text", "fund or index of the market model (the first of benchmarks)", required=True),
        Column("benchmark_firms", "text", "tickers whose prices make the benchmark, separated by blanks", required=True),
        Column("exposure_benchmark", "text", "fund whose beta is the exposure", required=True),
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
        Column("firms", "text", "tickers in the regression, separated by blanks"),
        Column("prices_from", "date", "day of the close that the first estimation return starts from"),
        Column("prices_to", "date", "last day of the window"),
        Column("known_on", "date", "day by which all inputs were public"),
    ],
    key=("event_date", "window_start", "window_end", "specification", "variable"),
    checks=(
        Check(
            "null_has_a_reason",
            "select * from {table} where reason is null and (coefficient is null or p_value is null)",
            "a missing figure would look like one that was forgotten",
        ),
        Check(
            "t_is_the_coefficient_over_its_error",
            "select * from {table} where abs(t_stat * standard_error - coefficient) > 1e-9",
            "a statistic that belongs to another row",
        ),
    ),
)  # fmt: skip


def build(
    event_study: pl.DataFrame,
    stock_prices: pl.DataFrame,
    companies: pl.DataFrame,
    sessions: pl.DataFrame,
    *,
    as_of: date,
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
        for w in range(len(windows)):
            for name, traits in SPECIFICATIONS.items():
                found.append(_regression(bars, event, w, name, traits, members[w], sizes, exposure, chosen))
    rows = pl.concat(found).with_columns(pl.col(pl.Float64).fill_nan(None))
    return with_evidence(rows, companies, any_figure=pl.col("coefficient").is_not_null())


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


def _regression(
    bars: Prices,
    event: Event,
    w: int,
    specification: str,
    traits: tuple[str, ...],
    members: np.ndarray,
    sizes: Mapping[str, np.ndarray],
    exposure: str,
    chosen: Setting,
) -> pl.DataFrame:
    """Rows of one regression: a role, an exposure or the contrast each."""
    first, last = chosen.windows[w]
    returns = daily_returns(bars.adj_close, "simple")
    quiet, days = (rows_at(returns, event.at + offsets(*span)) for span in (chosen.estimation, (first, last)))
    columns = {name: bars.tickers.index(name) for name in (chosen.benchmarks[0], exposure)}
    market = [columns[chosen.benchmarks[0]]]
    market_there = bool(np.isfinite(quiet[:, market]).all() and np.isfinite(days[:, market]).all())
    chip_there = bool(np.isfinite(quiet[:, columns[exposure]]).all()) or not traits
    in_market = np.array([firm == chosen.benchmarks[0] for firm in chosen.firms])
    used = members & ~in_market
    for trait in sizes.keys() & set(traits):
        used = used & np.isfinite(sizes[trait])
    firms = np.flatnonzero(used)
    roles = [group for group in chosen.groups if any(chosen.roles[i] == group for i in firms)]
    names = [*roles, *traits]
    contrast = all(role in roles for role in CONTRAST)
    variables = [*(roles or chosen.groups), *traits, *([CONTRAST_NAME] if contrast else [])]
    enough = len(firms) >= len(names) + SPARE_FIRMS
    columns_of = {
        name: np.full(len(variables), np.nan)
        for name in (
            "coefficient", "standard_error", "p_value", "ols_standard_error", "ols_p_value", "share_of_quiet_days_beyond"
        )
    }  # fmt: skip
    r2, flat = np.nan, False
    if enough and market_there and chip_there:
        own, normal_market = quiet[:, firms], quiet[:, market]
        fitted = fit("market_model", own, normal_market)
        chip = fit("market_model", own, quiet[:, [columns[exposure]]]).beta[0]
        measured = {"chip_beta": chip, "volatility": own.std(axis=0, ddof=1)} | {
            name: size[firms] for name, size in sizes.items()
        }
        dummies = [[float(chosen.roles[i] == role) for i in firms] for role in roles]
        x = np.column_stack([*dummies, *(_standardised(measured[name]) for name in traits)])
        flat = bool(np.linalg.matrix_rank(x) < x.shape[1] or not np.isfinite(x).all())
        if not flat:
            abnormal = abnormal_returns(fitted, days[:, firms], days[:, market])[0].sum(axis=0)
            inverse = np.linalg.inv(x.T @ x)
            weights = inverse @ x.T
            spread = np.eye(len(names))
            if contrast:
                spread = np.vstack([spread, spread[roles.index(CONTRAST[0])] - spread[roles.index(CONTRAST[1])]])
            weights = spread @ weights
            portfolio = fit("market_model", own @ weights.T, normal_market)
            errors = abnormal - x @ (inverse @ x.T @ abnormal)
            degrees = len(firms) - len(names)
            variance = (errors**2).sum() / degrees * np.einsum("ij,jk,ik->i", spread, inverse, spread)
            daily = abnormal_returns(portfolio, own @ weights.T, normal_market)[0]
            sums = np.apply_along_axis(np.convolve, 0, daily, np.ones(len(days)), mode="valid")
            found = columns_of
            found["coefficient"] = weights @ abnormal
            found["standard_error"] = standard_errors(portfolio, days[:, market])[0]
            found["p_value"] = student_p(found["coefficient"] / found["standard_error"], portfolio.degrees)
            found["ols_standard_error"] = np.sqrt(variance)
            found["ols_p_value"] = student_p(found["coefficient"] / np.sqrt(variance), degrees)
            found["share_of_quiet_days_beyond"] = (np.abs(sums) >= np.abs(found["coefficient"])).mean(axis=0)
            r2 = 1 - (errors**2).sum() / ((abnormal - abnormal.mean()) ** 2).sum()
    span = event.at + chosen.estimation[0] - 1, event.at + last
    grade, known_on = evidence(bars, *span, used[None], True, chosen)
    reason = _reason(bars, event, last, len(firms), len(names), market_there, chip_there, flat, exposure, chosen)
    return pl.DataFrame(
        {"variable": variables, **columns_of},
    ).with_columns(
        t_stat=pl.col("coefficient") / pl.col("standard_error"),
        event_date=pl.lit(event.asked),
        session=pl.lit(event.session, dtype=pl.Date),
        window_start=pl.lit(first),
        window_end=pl.lit(last),
        specification=pl.lit(specification),
        benchmark=pl.lit(chosen.benchmarks[0]),
        benchmark_firms=pl.lit(" ".join(chosen.behind(chosen.benchmarks[0]))),
        exposure_benchmark=pl.lit(exposure),
        n_firms=pl.lit(len(firms)),
        r2=pl.lit(float(r2)),
        firms=pl.lit(" ".join(chosen.firms[i] for i in firms) or None, dtype=pl.String),
        prices_from=pl.lit(_day(bars, span[0]), dtype=pl.Date),
        prices_to=pl.lit(_day(bars, span[1]), dtype=pl.Date),
        grade=pl.lit(int(grade[-1])),
        known_on=pl.lit(int(known_on[-1])),
        reason=pl.lit(reason, dtype=pl.String),
    )  # fmt: skip


def _standardised(values: np.ndarray) -> np.ndarray:
    """Mean 0 and standard deviation 1 across firms; NaN where all are equal."""
    spread = values.std(ddof=1)
    return (values - values.mean()) / (spread if spread > 0 else np.nan)


def _day(bars: Prices, row: int) -> date | None:
    return bars.sessions[row].item() if 0 <= row < len(bars.sessions) else None


def _reason(
    bars: Prices,
    event: Event,
    last: int,
    firms: int,
    coefficients: int,
    market_there: bool,
    chip_there: bool,
    flat: bool,
    exposure: str,
    chosen: Setting,
) -> str | None:
    """Why a regression is missing, and what to know about its day."""
    if event.session is None:
        return f"the calendar has no session on or after {event.asked}"
    told = []
    if event.session != event.asked:
        told.append(f"{event.asked} has no session, so the event moves to the next one, {event.session}")
    if bars.last_row < event.at + last:
        known = f"prices are known through {bars.last}" if bars.last else "no prices are known"
        told.append(f"the window ends on {_day(bars, event.at + last) or 'a day outside the calendar'} and {known}")
    elif not market_there:
        told.append(f"{chosen.benchmarks[0]} lacks a return in the estimation window or the event window")
    elif not chip_there:
        told.append(f"{exposure} lacks a return in the estimation window")
    elif firms < coefficients + SPARE_FIRMS:
        told.append(
            f"{firms} firms have every figure, which is too few for {coefficients} coefficients; "
            f"{coefficients + SPARE_FIRMS} or more are needed"
        )
    elif flat:
        told.append(FLAT)
    return "; ".join(told) or None


MART = Mart(
    table=TABLE,
    build=build,
    traces=(
        Trace(
            "core.stock_prices",
            "(list_contains(string_split(m.firms, ' '), t.ticker) "
            "or list_contains(string_split(m.benchmark_firms, ' '), t.ticker) "
            "or m.specification <> 'roles' and t.ticker = m.exposure_benchmark) "
            "and t.date between m.prices_from and m.prices_to and t.grade <> 'D'",
        ),
        Trace("core.companies", "list_contains(string_split(m.firms, ' '), t.ticker)"),
        Trace(
            "marts.event_study",
            "m.specification = 'size' and t.event_date = m.event_date and t.benchmark = m.benchmark "
            "and list_contains(string_split(m.firms, ' '), t.ticker) and t.model = 'market_model' "
            "and t.return_kind = 'simple' and t.window_start = m.window_start and t.window_end = m.window_end",
        ),
    ),
)
