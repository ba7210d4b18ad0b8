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
with every day, so a path that is no longer significant need not have recovered. The portfolio of a role is the
equal-weight mean of its firms with every return of the estimation window and of the days known so far.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.common.mart import Mart, Trace
from warehouse.marts.common.reasons import joined
from warehouse.marts.market.event_study import FLAT, PORTFOLIO
from warehouse.marts.market.returns import (
    MODELS,
    Event,
    Prices,
    Setting,
    Study,
    abnormal_returns,
    evidence,
    gaps,
    memberships,
    offsets,
    panel_prices,
    setting,
    standard_errors,
    student_p,
    study,
    with_evidence,
)
from warehouse.tables.table import Check, Column, mart

PRICE = "price"
BASES = (*MODELS, PRICE)

TABLE = mart(
    "event_persistence",
    "cumulative return after each event, how much of the event day's loss came back, and when",
    [
        Column("event_date", "date", "date of the news, as asked for", required=True),
        Column("session", "date", "trading day that is day 0: the event date, or the next session after it"),
        Column("ticker", "text", "share, fund, or `portfolio:ROLE`", required=True),
        Column("role", "text", "role in the question; of a portfolio, the role of its firms", required=True),
        Column(
            "basis",
            "text",
            "what is cumulated: abnormal returns of one of the models of event_study, or the price itself",
            required=True,
            allowed=BASES,
        ),
        Column("day", "integer", "day relative to the session", "trading days", required=True, minimum=0),
        Column("date", "date", "that day"),
        Column("benchmark", "text", "fund or index that stands for the market (the first of benchmarks)", required=True),
        Column("benchmark_firms", "text", "tickers whose prices make the benchmark, separated by blanks", required=True),
        Column("n_firms", "integer", "firms in the row: 1, or those of the portfolio", "firms", True, minimum=0),
        Column("firms", "text", "tickers in the row, separated by blanks"),
        Column("event_day_return", "real", "abnormal return (or return of the price) of day 0", "fraction"),
        Column(
            "cumulative_return",
            "real",
            "of days 0 to `day`: the sum of daily abnormal returns, or the compound return of the price",
            "fraction",
        ),
        Column("standard_error", "real", "of the cumulative abnormal return; none for the price", "fraction", above=0),
        Column("p_value", "real", "two-sided, Student's t; none for the price", "probability", minimum=0, maximum=1),
        Column(
            "share_recovered", "real", "1 - cumulative return / event day's return, where day 0 was a loss",
            "share of the event day's loss",
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
        Column("known_on", "date", "day by which all inputs were public"),
    ],
    key=("event_date", "ticker", "basis", "day"),
    checks=(
        Check(
            "null_has_a_reason",
            "select * from {table} where reason is null and (cumulative_return is null or share_recovered is null "
            "or days_to_recover is null or p_value is null and basis <> 'price')",
            "a missing figure would look like one that was forgotten",
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
)  # fmt: skip


def build(
    stock_prices: pl.DataFrame,
    companies: pl.DataFrame,
    sessions: pl.DataFrame,
    *,
    as_of: date,
    assumptions: Assumptions,
) -> pl.DataFrame:
    """Every event, ticker, portfolio and basis against the first benchmark, simple returns (method 6)."""
    horizon = [int(day) for day in assumptions.value("persistence_days")]
    chosen = setting(companies, sessions, assumptions)
    chosen = replace(chosen, benchmarks=chosen.benchmarks[:1], windows=((0, max(horizon)),))
    if not (chosen.firms and chosen.events):
        return TABLE.empty()
    bars = panel_prices(stock_prices, sessions, chosen)
    found = pl.concat(_of_event(bars, event, sorted({0, *horizon}), chosen) for event in chosen.events)
    return with_evidence(found, companies, any_figure=pl.col("cumulative_return").is_not_null())


def _of_event(bars: Prices, event: Event, shown: list[int], chosen: Setting) -> pl.DataFrame:
    """Rows of one event: all days of portfolios, the `shown` days of tickers."""
    last = -1 if event.session is None else min(shown[-1], bars.last_row - event.at)
    known = replace(chosen, windows=((0, max(last, 0)),))
    members = memberships(bars, event, known)
    studied = study(bars, "simple", event, members, known)
    paths = _paths(studied, last, shown[-1])
    firms, groups = list(chosen.firms), list(chosen.groups)
    member_lists = [" ".join(np.array(firms)[group]) or None for group in members[0]]
    first_rows = event.at + chosen.estimation[0] - 1, event.at - 1
    short = gaps(bars, event.at + offsets(chosen.estimation[0] - 1, chosen.estimation[1]))
    market = bars.tickers.index(chosen.benchmarks[0])
    all_days = range(shown[-1] + 1)
    dates = pl.Series([_day(bars, event.at + day) for day in all_days], dtype=pl.Date)
    frames = []
    for basis in BASES:
        cumulative, errors, p_values = paths[basis]
        first_row = first_rows[basis == PRICE]
        grade, known_on = evidence(bars, first_row, event.at + last, members[0], basis in MODELS[:2], chosen)
        back = (cumulative >= 0) & (np.arange(len(cumulative)) > 0)[:, None]
        recovered = np.where(back.any(axis=0), back.argmax(axis=0), -1)
        recovered = np.where(cumulative[0] < 0, recovered, -1)
        needs_model = basis != PRICE
        of_assets = pl.DataFrame(
            {
                "ticker": [*firms, *(PORTFOLIO + group for group in groups)],
                "role": [*chosen.roles, *groups],
                "firms": [*firms, *member_lists],
                "n_firms": [*(1 for _ in firms), *members[0].sum(axis=1)],
                "in_role": [*(0 for _ in firms), *(chosen.roles.count(group) for group in groups)],
                "have": [*short.returns[: len(firms)], *(chosen.estimation_days for _ in groups)],
                "short": [*(short.missing[: len(firms)] & needs_model), *(False for _ in groups)],
                "market_short": bool(short.missing[market]) and basis in MODELS[:2],
                "itself": [firm == chosen.benchmarks[0] and needs_model for firm in [*firms, *groups]],
                "event_day_return": cumulative[0],
                "days_to_recover": recovered,
                "recovered_on": [_day(bars, event.at + int(day)) if day > 0 else None for day in recovered],
                "grade": grade,
                "known_on": known_on,
            },
            schema_overrides={"firms": pl.String, "recovered_on": pl.Date, "n_firms": pl.Int64},
            strict=False,
        )
        days, assets = (index.reshape(-1) for index in np.indices(cumulative.shape))
        wanted = (assets >= len(firms)) | np.isin(days, shown)
        days, assets = days[wanted], assets[wanted]
        frames.append(
            of_assets[assets].with_columns(
                pl.Series("day", days),
                dates[days].alias("date"),
                pl.Series("cumulative_return", cumulative[days, assets]),
                pl.Series("standard_error", errors[days, assets]),
                pl.Series("p_value", p_values[days, assets]),
                basis=pl.lit(basis),
                prices_from=pl.lit(_day(bars, first_row), dtype=pl.Date),
            )
        )  # fmt: skip
    rows = pl.concat(frames).with_columns(pl.col(pl.Float64).fill_nan(None)).with_columns(
        event_date=pl.lit(event.asked),
        session=pl.lit(event.session, dtype=pl.Date),
        benchmark=pl.lit(chosen.benchmarks[0]),
        benchmark_firms=pl.lit(" ".join(chosen.behind(chosen.benchmarks[0]))),
        prices_to=pl.lit(_day(bars, event.at + last) if last >= 0 else None, dtype=pl.Date),
        days_to_recover=pl.when(pl.col("days_to_recover") > 0).then("days_to_recover"),
        share_recovered=pl.when(pl.col("event_day_return") < 0).then(
            1 - pl.col("cumulative_return") / pl.col("event_day_return")
        ),
    )  # fmt: skip
    reasons = _reason(event, last, _day(bars, event.at + last), bars.last, chosen)
    return rows.with_columns(reason=reasons).drop("have", "short", "market_short", "itself", "in_role")


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
        untold = ~np.isfinite(fitted.sigma[0]) | np.append(itself, np.zeros(len(studied.setting.groups), bool))
        cumulative[:, untold] = np.nan
        errors[np.isnan(cumulative)] = np.nan
        p_values[:] = student_p(cumulative / errors, fitted.degrees)
    return found


def _day(bars: Prices, row: int) -> date | None:
    return bars.sessions[row].item() if 0 <= row < len(bars.sessions) else None


def _reason(event: Event, last: int, through: date | None, known: date | None, chosen: Setting) -> pl.Expr:
    """Why figures of a row are null, and what to know about it; null where there is nothing to say."""
    wanted = chosen.estimation_days
    over, portfolio = pl.col("day") <= last, pl.col("in_role") > 0
    untold = pl.col("cumulative_return").is_null() & over
    told = pl.col("event_day_return").is_not_null()
    loss = pl.col("event_day_return") < 0
    prices_known = f"prices are known through {known}" if known else "no prices are known"
    a_day = pl.format("day {} is {}", "day", pl.col("date").cast(pl.String).fill_null("outside the calendar"))
    named = (~pl.col("short") & ~pl.col("market_short") & ~pl.col("itself")) & untold & ~portfolio
    sentences = [
        (pl.lit(event.session is None), pl.lit(f"the calendar has no session on or after {event.asked}")),
        (
            pl.lit(event.session is not None and event.session != event.asked),
            pl.lit(f"{event.asked} has no session, so the event moves to the next one, {event.session}"),
        ),
        (~over & pl.lit(event.session is not None), pl.format("{} and " + prices_known, a_day)),
        (pl.col("itself"), pl.lit("a benchmark is not held against itself")),
        (pl.col("short"), pl.format(f"{{}} of {wanted} estimation returns of {{}}", "have", "ticker")),
        (
            pl.col("market_short") & ~pl.col("itself"),
            pl.lit(f"not all {wanted} estimation returns of {chosen.benchmarks[0]} are known"),
        ),
        (named, pl.format("a price of {} or of its benchmark is missing from day -1 to day {}", "ticker", "day")),
        (
            pl.col("cumulative_return").is_not_null() & pl.col("standard_error").is_null() & (pl.col("basis") != PRICE),
            pl.lit(FLAT),
        ),
        (
            portfolio & (pl.col("n_firms") == 0) & over,
            pl.format("none of the role's {} firms has every return of the estimation window and after", "in_role"),
        ),
        (
            portfolio & (pl.col("n_firms") > 0) & (pl.col("n_firms") < pl.col("in_role")),
            pl.format(
                "{} of the role's {} firms have every return of the estimation window and after", "n_firms", "in_role"
            ),
        ),
        (told & ~loss, pl.format("day 0 was no loss ({} %)", (100 * pl.col("event_day_return")).round(2))),
        (
            told & loss & pl.col("days_to_recover").is_null(),
            pl.lit(f"not back by day {last}, {through}" if last > 0 else "no day after day 0 is known"),
        ),
    ]  # fmt: skip
    return joined(*(pl.when(when).then(then) for when, then in sentences))


MART = Mart(
    table=TABLE,
    build=build,
    traces=(
        Trace(
            "core.stock_prices",
            "(list_contains(string_split(m.firms, ' '), t.ticker) "
            "or list_contains(string_split(m.benchmark_firms, ' '), t.ticker) "
            "and m.basis in ('market_model', 'market_adjusted')) "
            "and t.date between m.prices_from and m.prices_to and t.grade <> 'D'",
        ),
        Trace("core.companies", "list_contains(string_split(m.firms, ' '), t.ticker)"),
    ),
)
