"""Whether what was lost on the event day came back, how much of it, and when.

A fall that is gone within weeks was a scare; one that stays was news about value. So the cumulative abnormal return is
followed from day 0 to the last of the assumption `persistence_days`: every day for each role's portfolio, and on those
days for each ticker.

- The share recovered by day h is 1 - CAR[0, h] / CAR[0, 0]: zero while the loss stands, one when it is made good, below
  zero when it grew. It exists only where day 0 was a loss.
- The days to recover are the first day on which the cumulative abnormal return is back at zero or above. A path that
  comes back once and falls again has recovered on that first day; `cumulative_return` of later days shows the rest.
- Beside the three models stands the plain price (`basis` is `price`: returns from `adj_close`, so that a dividend is
  not a loss), which asks the shareholder's question: when was the share back at its close before the event?

Long paths hang on the model. The market model carries on, every day, the share's own drift of the estimation window (its
alpha): a share that had doubled in the year before is expected to double again, and one that merely holds its price falls
further behind each day. Over a day that is nothing; over 120 days it can exceed the event's own loss (Kothari and Warner
2007, Econometrics of event studies, section 4, on long horizons). So the market-adjusted path, which expects no such
drift, is beside it, and a finding that only one of them shows is a finding about the model.

Standard errors are those of a cumulative abnormal return over the days from 0 (`returns.standard_errors`); they widen
with every day, so a path that is no longer significant need not have recovered. So each day has the smallest cumulative
return that its test finds in four of five cases. From the day on which that exceeds the loss of day 0, the test could not
have seen a loss that lasted in full (`sees_first_day_loss`), and its p-value says nothing of it. The portfolio of a role is the
equal-weight mean of its firms with every return of the estimation window and of the days known so far.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.common.columns import KNOWN_ON_OR_NULL
from warehouse.marts.common.mart import Mart
from warehouse.marts.common.reasons import all_of, because
from warehouse.marts.market.columns import (
    BENCHMARK_FIRMS,
    COMPANIES_BEHIND,
    EVENT_DATE,
    FIRMS,
    FIRST_BENCHMARK,
    N_FIRMS,
    ROLE,
    SEES_FIRST_DAY,
    SESSION,
    SMALLEST_DETECTABLE,
    null_has_a_reason,
    prices_behind,
)
from warehouse.marts.market.estimation import Study, memberships, study
from warehouse.marts.market.event_reasons import holds_other_news, in_doubt, of_the_day
from warehouse.marts.market.panel import (
    Event,
    Prices,
    Setting,
    evidence,
    first_doubts,
    gaps,
    panel_prices,
    setting,
    with_evidence,
)
from warehouse.marts.market.returns import (
    MODEL_MEANINGS,
    MODELS,
    abnormal_returns,
    degrees_of_freedom,
    offsets,
    smallest_detectable,
    standard_errors,
    student_p,
    uses_market,
)
from warehouse.tables.formula import Formula
from warehouse.tables.guide import Guide
from warehouse.tables.table import Check, Column, mart

PRICE = "price"
BASES = MODEL_MEANINGS | {PRICE: "the return of the price itself"}

TABLE = mart(
    "event_persistence",
    "cumulative return after each event, how much of the event day's loss came back, and when",
    [
        EVENT_DATE,
        SESSION,
        Column("ticker", "text", "share, fund, or `portfolio:ROLE`", required=True),
        ROLE,
        Column(
            "basis",
            "text",
            "what is cumulated: abnormal returns of one of the models of event_study, or the price itself",
            required=True,
            allowed=BASES,
        ),
        Column("day", "integer", "day relative to the session", "trading days", required=True, minimum=0),
        Column("date", "date", "that day"),
        FIRST_BENCHMARK,
        BENCHMARK_FIRMS,
        N_FIRMS,
        FIRMS,
        Column("event_day_return", "real", "abnormal return (or return of the price) of day 0", "fraction"),
        Column(
            "cumulative_return",
            "real",
            "of days 0 to `day`: the sum of daily abnormal returns, or the compound return of the price",
            "fraction",
            formula=Formula(
                "sum of the daily abnormal returns from day 0, or the compound return of the price",
                "Σ (R − alpha − beta × Rm)", "6", assumptions=("estimation_window",),
            ),
        ),
        Column("standard_error", "real", "of the cumulative abnormal return; none for the price", "fraction", above=0),
        Column("p_value", "real", "two-sided, Student's t; none for the price", "probability", minimum=0, maximum=1,
            formula=Formula("two-sided, from Student's t", "2 × P(T > |cumulative return / standard error|)", "6"),
        ),
        SMALLEST_DETECTABLE,
        SEES_FIRST_DAY,
        Column(
            "share_recovered", "real", "1 - cumulative return / event day's return, where day 0 was a loss",
            "share of the event day's loss",
            formula=Formula("how much of the loss of day 0 has come back", "1 − {cumulative_return} / {event_day_return}", "6"),
        ),
        Column(
            "days_to_recover",
            "integer",
            "first day on which the cumulative return is back at zero or above, of all days known",
            "trading days",
            minimum=1,
        ),
        Column("recovered_on", "date", "that day"),
        Column("prices_from", "date", "day of the first close used"),
        Column("prices_to", "date", "day of the last close used: of the last day that is known and asked for"),
        KNOWN_ON_OR_NULL,
    ],
    key=("event_date", "ticker", "basis", "day"),
    checks=(
        null_has_a_reason(
            "cumulative_return is null or share_recovered is null or days_to_recover is null "
            "or p_value is null and basis <> 'price'"
        ),
        Check(
            "nothing_is_recovered_on_day_0",
            "select * from {table} where day = 0 and abs(share_recovered) > 1e-9",
            "the loss to recover is that of day 0",
        ),
        Check(
            "recovered_means_back_at_zero",
            "select * from {table} where day = days_to_recover and cumulative_return < 0",
            "days to recover that belong to another row",
        ),
        Check(
            "no_recovery_without_a_loss",
            "select * from {table} where (share_recovered is not null or days_to_recover is not null) "
            "and (event_day_return is null or event_day_return >= 0)",
            "a share of a gain is no recovery",
        ),
    ),
    guide=Guide(
        "One row for each event, ticker, basis and day after it.",
        "over days: returns are cumulative.",
        {
            "When was Nvidia back?": "select basis, event_day_return, days_to_recover, recovered_on from "
            "event_persistence where ticker = 'NVDA' and event_date = '2025-01-27' and day = 0",
            "How much had come back after ten days?": "select ticker, share_recovered from event_persistence where "
            "event_date = '2025-01-27' and basis = 'price' and day = 10 order by all",
            "How did suppliers go on?": "select day, cumulative_return, p_value from event_persistence where ticker = "
            "'portfolio:supplier' and event_date = '2025-01-27' and basis = 'market_model' order by day",
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
    """Every event, ticker, portfolio and basis against the first benchmark, simple returns (method 6)."""
    horizon = [int(day) for day in assumptions.value("persistence_days")]
    chosen = setting(companies, sessions, assumptions)
    chosen = replace(chosen, benchmarks=chosen.benchmarks[:1], windows=((0, max(horizon)),))
    if not (chosen.firms and chosen.events):
        return TABLE.empty()
    bars = panel_prices(stock_prices, sessions, chosen)
    days = sorted({0, *horizon})
    found = pl.concat(_of_event(_followed(bars, event, days, chosen)) for event in chosen.events)
    found = _with_power(found, chosen, assumptions)
    return with_evidence(found, companies, any_figure=pl.col("cumulative_return").is_not_null())


def _with_power(found: pl.DataFrame, chosen: Setting, assumptions: Assumptions) -> pl.DataFrame:
    """`found` with the smallest CAR that each day's test finds, and whether it would have seen day 0's loss last."""
    degrees = {model: degrees_of_freedom(model, chosen.estimation_days) for model in MODELS}
    basis = found["basis"].replace_strict(degrees, default=None, return_dtype=pl.Float64).fill_null(np.nan)
    errors = found["standard_error"].fill_null(np.nan).to_numpy()
    level, power = assumptions.number("q4_significance"), assumptions.number("q4_power")
    smallest = smallest_detectable(errors, basis.to_numpy(), level, power)
    loss = -pl.col("event_day_return")
    return found.with_columns(smallest_detectable_car=pl.Series(smallest).fill_nan(None)).with_columns(
        sees_first_day_loss=pl.when(loss > 0).then(pl.col("smallest_detectable_car") <= loss)
    )


@dataclass(frozen=True)
class _Followed:
    """An event, the days that are `shown` of each ticker, and the `last` day whose prices are known (-1: none).

    `members` are the firms of each role's portfolio, G by F flags.
    """

    bars: Prices
    event: Event
    chosen: Setting
    shown: list[int]
    last: int
    members: np.ndarray

    def date(self, day: int) -> date | None:
        """The session so many trading days after the event."""
        return self.bars.day(self.event.at + day)

    @property
    def benchmark(self) -> str:
        return self.chosen.benchmarks[0]

    def first_row(self, basis: str) -> int:
        """Row of the first close used: the eve of the event, or of the first estimation return."""
        return self.event.at + (-1 if basis == PRICE else self.chosen.estimation[0] - 1)


def _followed(bars: Prices, event: Event, shown: list[int], chosen: Setting) -> _Followed:
    last = -1 if event.session is None else min(shown[-1], bars.last_row - event.at)
    chosen = replace(chosen, windows=((0, max(last, 0)),))
    return _Followed(bars, event, chosen, shown, last, memberships(bars, event, chosen)[0])


def _of_event(it: _Followed) -> pl.DataFrame:
    """Rows of one event: all days of portfolios, the `shown` days of tickers."""
    paths = _paths(study(it.bars, "simple", it.event, it.members[None], it.chosen), it.last, it.shown[-1])
    rows = pl.concat(_of_basis(it, basis, *paths[basis]) for basis in BASES).with_columns(
        pl.col(pl.Float64).fill_nan(None)
    )
    rows = rows.with_columns(
        event_date=pl.lit(it.event.asked),
        session=pl.lit(it.event.session, dtype=pl.Date),
        benchmark=pl.lit(it.benchmark),
        benchmark_firms=pl.lit(list(it.chosen.behind(it.benchmark)), dtype=pl.List(pl.String)),
        prices_to=pl.lit(it.date(it.last) if it.last >= 0 else None, dtype=pl.Date),
        days_to_recover=pl.when(pl.col("days_to_recover") > 0).then("days_to_recover"),
        share_recovered=pl.when(pl.col("event_day_return") < 0).then(
            1 - pl.col("cumulative_return") / pl.col("event_day_return")
        ),
    )
    return rows.with_columns(reasons=_reasons(it)).drop(
        "have", "short", "market_short", "itself", "in_role", "doubt", "doubt_on", "market_doubt", "market_doubt_on"
    )


def _of_basis(
    it: _Followed, basis: str, cumulative: np.ndarray, errors: np.ndarray, p_values: np.ndarray
) -> pl.DataFrame:
    """Rows of one basis from its paths (days by assets)."""
    firms = len(it.chosen.firms)
    dates = pl.Series([it.date(day) for day in range(len(cumulative))], dtype=pl.Date)
    days, assets = (index.reshape(-1) for index in np.indices(cumulative.shape))
    wanted = (assets >= firms) | np.isin(days, it.shown)
    days, assets = days[wanted], assets[wanted]
    return _assets(it, basis, cumulative)[assets].with_columns(
        pl.Series("day", days),
        dates[days].alias("date"),
        pl.Series("cumulative_return", cumulative[days, assets]),
        pl.Series("standard_error", errors[days, assets]),
        pl.Series("p_value", p_values[days, assets]),
        basis=pl.lit(basis),
        prices_from=pl.lit(it.bars.day(it.first_row(basis)), dtype=pl.Date),
    )


def _assets(it: _Followed, basis: str, cumulative: np.ndarray) -> pl.DataFrame:
    """One row for each firm, then for each portfolio: what is the same on all days, and what the reasons look at."""
    bars, chosen, firms, groups = it.bars, it.chosen, it.chosen.firms, it.chosen.groups
    with_model, with_market = basis != PRICE, basis in MODELS and uses_market(basis)
    short = gaps(bars, it.event.at + offsets(chosen.estimation[0] - 1, chosen.estimation[1]))
    recovered = _first_day_back(cumulative)
    first = it.event.at - 1 if basis == PRICE else it.first_row(basis)
    kind, doubt_on = first_doubts(bars, np.arange(first, it.event.at + max(it.last, 0) + 1))
    grade, known_on = evidence(
        bars, it.first_row(basis), it.event.at + it.last, it.members, with_market, chosen
    )  # fmt: skip
    return pl.DataFrame(
        {
            "ticker": chosen.assets,
            "role": [*chosen.roles, *groups],
            "firms": [
                *([firm] for firm in firms),
                *(list(np.array(firms, dtype=object)[group]) or None for group in it.members),
            ],
            "n_firms": [*(1 for _ in firms), *it.members.sum(axis=1)],
            "in_role": [*(0 for _ in firms), *(chosen.roles.count(group) for group in groups)],
            "have": [*short.returns[: len(firms)], *(chosen.estimation_days for _ in groups)],
            "short": [*(short.missing[: len(firms)] & with_model), *(False for _ in groups)],
            "market_short": bool(short.missing[bars.tickers.index(it.benchmark)]) and with_market,
            "doubt": [*kind[: len(firms)], *(0 for _ in groups)],
            "doubt_on": [*doubt_on[: len(firms)].tolist(), *(None for _ in groups)],
            "market_doubt": int(kind[bars.tickers.index(it.benchmark)]) if with_market else 0,
            "market_doubt_on": doubt_on[bars.tickers.index(it.benchmark)].item(),
            "itself": [firm == it.benchmark and with_model for firm in [*firms, *groups]],
            "event_day_return": cumulative[0],
            "days_to_recover": recovered,
            "recovered_on": [it.date(int(day)) if day > 0 else None for day in recovered],
            "grade": grade,
            "known_on": known_on,
        },
        schema_overrides={
            "firms": pl.List(pl.String),
            "recovered_on": pl.Date,
            "doubt_on": pl.Date,
            "market_doubt_on": pl.Date,
            "n_firms": pl.Int64,
        },
        strict=False,
    )


def _first_day_back(cumulative: np.ndarray) -> np.ndarray:
    """Of each asset the first day after day 0 on which its path is back at zero; -1 for none, or without a loss."""
    back = (cumulative >= 0) & (np.arange(len(cumulative)) > 0)[:, None]
    recovered = np.where(back.any(axis=0), back.argmax(axis=0), -1)
    return np.where(cumulative[0] < 0, recovered, -1)


def _paths(studied: Study, last: int, horizon: int) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Cumulative return, its standard error and p-value by basis, each horizon + 1 days by assets; NaN where unknown."""
    shape = (horizon + 1, len(studied.setting.firms) + len(studied.setting.groups))
    found = {basis: (np.full(shape, np.nan), np.full(shape, np.nan), np.full(shape, np.nan)) for basis in BASES}
    if last < 0:
        return found
    fits, returns, market = studied.of_window(0)
    found[PRICE][0][: last + 1] = np.cumprod(1 + returns, axis=0) - 1
    for model, fitted in fits.items():
        cumulative, errors, p_values = found[model]
        cumulative[: last + 1] = np.cumsum(abnormal_returns(fitted, returns, market)[0], axis=0)
        for day in range(last + 1):
            errors[day] = standard_errors(fitted, market[: day + 1])[0]
        # Without a standard error there is no model: its window was short, or it is the benchmark itself.
        itself = np.array([firm == studied.setting.benchmarks[0] for firm in studied.setting.firms])
        unknown = ~np.isfinite(fitted.sigma[0]) | np.append(itself, np.zeros(len(studied.setting.groups), bool))
        cumulative[:, unknown] = np.nan
        errors[np.isnan(cumulative)] = np.nan
        p_values[:] = student_p(cumulative / errors, fitted.degrees)
    return found


def _reasons(it: _Followed) -> pl.Expr:
    """Why figures of a row are null, and what to know of it."""
    over, portfolio = pl.col("day") <= it.last, pl.col("in_role") > 0
    return all_of(
        *of_the_day(),
        *_of_the_path(it, over, portfolio),
        *_of_the_portfolio(over, portfolio),
        *_of_the_loss(it),
        *_of_doubts(it),
        *_of_other_news(it, over),
    )


def _of_doubts(it: _Followed) -> list[pl.Expr]:
    """Bars that count as missing because their price is in doubt, of the share or of its benchmark."""
    own = in_doubt(pl.col("doubt"), pl.col("ticker"), pl.col("doubt_on"))
    market = in_doubt(pl.col("market_doubt"), pl.col("benchmark"), pl.col("market_doubt_on"))
    unknown = pl.col("cumulative_return").is_null()
    return [pl.when(holds & unknown).then(why) for holds, why in (*own, *market)]


def _of_other_news(it: _Followed, over: pl.Expr) -> list[pl.Expr]:
    found = (holds_other_news(day, what, pl.col("session"), pl.col("date")) for day, what in it.chosen.other_news)
    return [pl.when(holds & over).then(why) for holds, why in found]


def _of_the_path(it: _Followed, over: pl.Expr, portfolio: pl.Expr) -> list[pl.Expr]:
    day, ticker, needed = pl.col("day"), pl.col("ticker"), it.chosen.estimation_days
    short, market_short, itself = pl.col("short"), pl.col("market_short"), pl.col("itself")
    unknown = pl.col("cumulative_return").is_null()
    # What neither a short window nor the benchmark itself explains is a price that is missing since.
    missing = ~short & ~market_short & ~itself & unknown & over & ~portfolio
    not_over = ~over & pl.lit(it.event.session is not None)
    flat = ~unknown & pl.col("standard_error").is_null() & (pl.col("basis") != PRICE)
    return [
        pl.when(not_over).then(
            because("day_not_known", day=day, date=pl.col("date"), prices_known_through=it.bars.last)
        ),
        pl.when(itself).then(because("benchmark_against_itself")),
        pl.when(short).then(
            because("estimation_returns_of_a_share_missing", ticker=ticker, returns=pl.col("have"), needed=needed)
        ),
        pl.when(market_short & ~itself).then(
            because("estimation_returns_of_benchmark_missing", benchmark=it.benchmark, needed=needed)
        ),
        pl.when(missing).then(because("no_price_until_day", ticker=ticker, day=day)),
        pl.when(flat).then(because("estimation_returns_do_not_vary")),
    ]


def _of_the_portfolio(over: pl.Expr, portfolio: pl.Expr) -> list[pl.Expr]:
    complete, in_role = pl.col("n_firms"), pl.col("in_role")
    return [
        pl.when(portfolio & (complete == 0) & over).then(because("no_firm_has_every_return_since", firms=in_role)),
        pl.when(portfolio & (complete > 0) & (complete < in_role)).then(
            because("some_firms_have_every_return_since", complete=complete, firms=in_role)
        ),
    ]


def _of_the_loss(it: _Followed) -> list[pl.Expr]:
    on_day_0, loss = pl.col("event_day_return"), pl.col("event_day_return") < 0
    not_back = because("not_recovered", day=it.last, date=it.date(it.last)) if it.last > 0 else because("no_later_day")
    return [
        pl.when(on_day_0.is_not_null() & ~loss).then(because("no_loss_to_recover", event_day_return=on_day_0)),
        pl.when(loss & pl.col("days_to_recover").is_null()).then(not_back),
    ]


MART = Mart(
    table=TABLE,
    build=build,
    traces=(
        prices_behind("m.basis in ('market_model', 'market_adjusted')"),
        COMPANIES_BEHIND,
    ),
)
