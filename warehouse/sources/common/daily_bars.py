"""What every vendor of daily bars has in common: what to ask for, and what a history is worth when it comes.

Three things about the domain force the code. A bar exists only once its session has closed, and the exchange closes
early on some days. Before that, what looks like a close is a price in passing. A vendor's history is adjusted as of the
day of the request, so that a new split or dividend rewrites every bar before it. Then the whole history is fetched
again, and never a part of it. A series on two bases has a day on which nearly everything was lost. And a vendor's
mistake looks like news: a history with a step that nobody traded on is refused.

A document's context says what it means to what was loaded before. `rebased: 2026-08-20`: the history was held already
on another basis, and this one counts from that day. `after: 2026-08-20`: the bars until that day were held on the same
basis, and only those after it are new. So a document's rows depend on the document alone, and the archive gives the
same rows again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from warehouse.calendars.exchange import closes
from warehouse.errors import DocumentError, StoppedError
from warehouse.sources.common.parsing import as_row, figures
from warehouse.sources.common.reasons import Reason, reason
from warehouse.sources.common.source import Batch, Document, Fetching, Received
from warehouse.tables.corporate_actions import TABLE as ACTIONS
from warehouse.tables.stock_prices import ONE_SIDED, STEPS, USUAL_SESSIONS
from warehouse.tables.stock_prices import TABLE as PRICES

HISTORY_START = date(2023, 6, 1)
"""Where a history begins. The first event is of December 2024, and its estimation window reaches 260 sessions back. The
rest is for events that a user adds. `overbuild backfill` fetches from an earlier day.
"""
EXCHANGE_ZONE = ZoneInfo("America/New_York")
FRESH_FOR = timedelta(hours=20)
"""Each symbol once a day: what was asked since then comes out of the archive."""
REBASED, AFTER = "rebased", "after"
SAME = 1e-5
"""A held bar that comes back with a relative difference above this is on another basis, or was corrected."""
OFF_SESSIONS = 0.05
FEW = 3
PRICE_COLUMNS = ("open", "high", "low", "close", "adj_close")
BAR_COLUMNS = ("date", *PRICE_COLUMNS, "volume")


@dataclass(frozen=True)
class History:
    """One ticker's bars and actions as one document gives them, all on the basis of the day of the request.

    `bars`: `date`, the prices, `volume`, `locator`. `actions`: `date`, `kind`, `value`, `locator`. `unreadable`: bars
    with a figure that is none, as `date`, `row`, `reasons`, `locator`.
    """

    ticker: str
    bars: pl.DataFrame
    actions: pl.DataFrame
    unreadable: pl.DataFrame
    notices: tuple[Reason, ...] = ()


@dataclass
class HistoryRows:
    """A history under construction, row by row."""

    ticker: str
    bars: list[dict[str, Any]] = field(default_factory=list)
    actions: list[tuple[date, str, float, str]] = field(default_factory=list)
    notices: list[Reason] = field(default_factory=list)

    def bar(self, day: date, locator: str, **figures: Any) -> None:
        """A bar as the vendor gives it; a row without any price is a missing bar."""
        if all(figures[name] is None for name in PRICE_COLUMNS if name in figures):
            self.notices.append(reason("no_bar", ticker=self.ticker, day=day, locator=locator))
            return
        self.bars.append({"date": day, "locator": locator, **figures})

    def done(self) -> History:
        read = figures({name: [bar.get(name) for bar in self.bars] for name in (*PRICE_COLUMNS, "volume")}, PRICES)
        bars = pl.DataFrame(
            {
                "date": pl.Series([bar["date"] for bar in self.bars], dtype=pl.Date),
                **read.columns,
                "locator": pl.Series([bar["locator"] for bar in self.bars], dtype=pl.String),
                "reasons": pl.Series(
                    [[each.as_json() for each in wrong] for wrong in read.reasons], dtype=pl.List(pl.String)
                ),
                "row": pl.Series(map(_row, self.bars, read.reasons), dtype=pl.String),
            }
        )
        actions = pl.DataFrame(
            self.actions,
            schema={"date": pl.Date, "kind": pl.String, "value": pl.Float64, "locator": pl.String},
            orient="row",
        )
        # Two payments of one day are one fact of that day; so are two splits.
        actions = actions.group_by("date", "kind").agg(
            value=pl.when(pl.col("kind").first() == "split")
            .then(pl.col("value").product())
            .otherwise(pl.col("value").sum()),
            locator=pl.col("locator").sort().first(),
        )
        # A bar that comes twice (by its session, and by the time of the last trade): the later one is the final one.
        repeated = bars.filter(bars["date"].is_duplicated())["date"].unique().sort()
        notices = [*self.notices, *(reason("two_bars", ticker=self.ticker, day=day) for day in repeated)]
        bars = bars.unique("date", keep="last", maintain_order=True).sort("date")
        is_read = pl.col("reasons").list.len() == 0
        return History(
            self.ticker,
            bars.filter(is_read).drop("reasons", "row"),
            actions.sort("date", "kind"),
            bars.filter(~is_read).select("date", "row", "reasons", "locator"),
            tuple(notices),
        )


def _row(bar: Mapping[str, Any], wrong: list[Reason]) -> str:
    """A bar as it is quarantined; one that can be read needs no such text."""
    return as_row({name: bar.get(name) for name in BAR_COLUMNS}) if wrong else ""


# -- what to ask for --------------------------------------------------------------------------------------------------


def fetch(
    fetching: Fetching,
    source: str,
    ask: Callable[[Fetching, str, date, date], Received | None],
    read: Callable[[Document], History],
) -> Iterator[Received]:
    """The documents that are missing, one symbol after the other.

    `ask` asks for a ticker's bars from a day to a day, both included; `read` reads what it brings. A ticker of which
    nothing is held comes whole. Of others only what is missing is asked for, from the last held bar on. Where that bar
    comes back changed, or with an action that is not known, the whole history is fetched again and given in its place.
    """
    last, until = last_closed(fetching.now), _next_session(fetching.now)
    newest = fetching.newest("stock_prices", "ticker", "date")
    held = _held(fetching, source) if newest else {}
    first_asked = min(HISTORY_START, fetching.span[0]) if fetching.span else HISTORY_START
    found: Received | None
    for ticker in _tickers(fetching):
        ours = held.get(ticker, _Held())
        start = min(first_asked, ours.first or first_asked)
        if ticker not in newest:
            found = ask(fetching, ticker, first_asked, until)
        elif fetching.span:
            found = _marked(ask(fetching, ticker, start, until), REBASED, _day(fetching.now))
        elif newest[ticker] >= last:
            found = None
        elif part := ask(fetching, ticker, newest[ticker], until):
            changed_from = _changed_from(part, ours, read, _day(fetching.now))
            if changed_from is None:
                found = _marked(part, AFTER, newest[ticker])
            else:  # a part on a new basis is not loaded: without the rest it would be worse than nothing
                found = _marked(ask(fetching, ticker, start, until), REBASED, changed_from)
        else:
            found = None
        if found is not None:
            yield found


def _tickers(fetching: Fetching) -> list[str]:
    """The panel's tickers and those that the user added. Raises StoppedError where there are none."""
    tickers = sorted({*fetching.values("companies", "ticker"), *(t.upper() for t in fetching.settings.tickers)})
    if not tickers:
        raise StoppedError(
            "no ticker is known to ask for: the panel (core.companies) is empty. Load it (`overbuild run`), or name "
            "tickers in OVERBUILD_TICKERS."
        )
    return tickers


@dataclass
class _Held:
    """What is held of a ticker from this source: its first day, its last bar as known last, its actions."""

    first: date | None = None
    bars: dict[date, tuple[date, float, float]] = field(default_factory=dict)
    actions: set[tuple[date, str]] = field(default_factory=set)


def _held(fetching: Fetching, source: str) -> dict[str, _Held]:
    found: dict[str, _Held] = {}
    wanted = ("source", "ticker", "date", "known_on", "close", "adj_close")
    for of, ticker, day, known_on, close, adj_close in fetching.rows("stock_prices", *wanted):
        if of == source:
            ours = found.setdefault(ticker, _Held())
            ours.first = min(day, ours.first or day)
            if day not in ours.bars or ours.bars[day][0] <= known_on:
                ours.bars[day] = (known_on, close, adj_close)
    for of, ticker, day, kind in fetching.rows("corporate_actions", "source", "ticker", "date", "kind"):
        if of == source:
            found.setdefault(ticker, _Held()).actions.add((day, kind))
    return found


def _changed_from(received: Received, ours: _Held, read: Callable[[Document], History], today: date) -> date | None:
    """The day from which the history is on another basis than the one held; None where it goes on as it was.

    A document that cannot be read goes on as it was: the loading says what is wrong with it.
    """
    try:
        history = read(received.document())
    except DocumentError:
        return None
    news = [day for day, kind in history.actions.select("date", "kind").iter_rows() if (day, kind) not in ours.actions]
    if news:
        return min(max(news), today)
    for day, close, adj_close in history.bars.select("date", "close", "adj_close").iter_rows():
        if day in ours.bars and None not in (close, adj_close):
            _, held_close, held_adj_close = ours.bars[day]
            if max(abs(close / held_close - 1), abs(adj_close / held_adj_close - 1)) > SAME:
                return today
    return None


def _marked(received: Received | None, mark: str, day: date) -> Received | None:
    """A document with what it means to what was loaded before; None where it did not come."""
    return received and replace(received, context={mark: day.isoformat()})


# -- what came --------------------------------------------------------------------------------------------------------


def wrong(document: Document, what: str) -> DocumentError:
    """The error that says what is wrong with a document."""
    return DocumentError(document.name, f"{what}.")


def parse(document: Document, read: Callable[[Document], History], citation: str) -> Iterator[Batch]:
    """The batches of a document that `read` reads; `citation` has places for {ticker} and {day}."""
    history = read(document)
    yield from batches(document, history, citation.format(ticker=history.ticker, day=_day(document.fetched_at)))


def batches(document: Document, history: History, citation: str) -> Iterator[Batch]:
    """Rows of stock_prices and corporate_actions. Raises DocumentError where the history is not what it claims to be.

    A bar is known from its own day, an action from the day it took effect. In a history that replaces one held before,
    neither is known before the day that the new basis counts from.
    """
    bars = _closed(history.bars, document.fetched_at)
    unreadable = _closed(history.unreadable, document.fetched_at)
    _refuse_strangers(document, history.ticker, bars)
    refuse_one_sided(document.name, bars, history.actions)
    today = _day(document.fetched_at)
    counts_from = _mark(document, REBASED)
    held_until = _mark(document, AFTER) or date.min
    known_on = pl.max_horizontal("date", pl.lit(counts_from, dtype=pl.Date)) if counts_from else pl.col("date")
    added = {
        "ticker": pl.lit(history.ticker),
        "known_on": known_on,
        "citation": pl.lit(citation),
        "grade": pl.lit("A"),
    }
    news = bars.filter(pl.col("date") > held_until)
    yield Batch(PRICES, news.with_columns(**added), unreadable.drop("date"), history.notices)
    actions = history.actions.filter(pl.col("date") <= today)
    yield Batch(ACTIONS, actions.with_columns(**added))


def _closed(bars: pl.DataFrame, at: datetime) -> pl.DataFrame:
    """Bars whose session had closed at a time; a day without a session is over at its end."""
    if bars.is_empty():
        return bars
    table = _closes(at.year)
    ends = bars.join(table, left_on="date", right_on="session", how="left", maintain_order="left").with_columns(
        over=pl.coalesce(pl.col("closes_at") <= at.astimezone(UTC), pl.col("date") < _day(at))
    )
    return ends.filter("over").drop("closes_at", "over")


def _refuse_strangers(document: Document, ticker: str, bars: pl.DataFrame) -> None:
    """A security that trades on another calendar (a coin, a foreign share) has bars on days without a session."""
    off = bars.join(_closes(document.fetched_at.year), left_on="date", right_on="session", how="anti")
    if off.height >= FEW and off.height > OFF_SESSIONS * bars.height:
        raise DocumentError(
            document.name,
            f"{off.height} of {bars.height} bars of {ticker} are on days without a session of the New "
            f"York exchange (first: {off['date'][0]}); it trades on another calendar. Take it out of OVERBUILD_TICKERS.",
        )


def refuse_one_sided(name: str, bars: pl.DataFrame, actions: pl.DataFrame) -> None:
    """Raises DocumentError for the step that a split leaves which was applied to one part of the history. In what is
    loaded, the check `split_on_one_side` of core.stock_prices finds it.
    """
    found = one_sided(bars, actions)
    if found.height:
        day, close, before, turnover = found.select("date", "close", "close_before", "turnover").row(0)
        raise DocumentError(
            name,
            f"from {before:g} to {close:g} on {day} with {turnover:.2g} times the usual turnover, and no dividend "
            "explains it. A split was applied to one part of the history only. Nothing of it was loaded; the "
            "next run asks again.",
        )


def one_sided(bars: pl.DataFrame, actions: pl.DataFrame) -> pl.DataFrame:
    """Bars of one ticker whose step from the bar before is a split's and not the market's."""
    day = actions.group_by("date").agg(
        split=pl.col("value").filter(pl.col("kind") == "split").max(),
        dividend=pl.col("value").filter(pl.col("kind") == "dividend").max(),
    )
    priced = bars.filter(pl.all_horizontal(pl.col("open", "close", "adj_close") > 0)).sort("date")
    steps = (
        priced.with_columns(factor=pl.col("adj_close") / pl.col("close"), turnover=usual_turnover(priced))
        .with_columns(close_before=pl.col("close").shift(1), factor_before=pl.col("factor").shift(1))
        .filter(pl.col("close_before").is_not_null())
        .join(day, on="date", how="left", maintain_order="left")
        .with_columns(pl.col("split").fill_null(1.0), pl.col("dividend").fill_null(0.0))
        .with_columns(**{name: pl.sql_expr(text) for name, text in STEPS.items()})
    )
    return steps.filter(pl.sql_expr(ONE_SIDED))


def usual_turnover(bars: pl.DataFrame) -> pl.Series:
    """How many times the usual was traded, by shares or by dollars, whichever is less; 0 where that is unknown."""

    def times(figure: pl.Expr) -> pl.Expr:
        median = figure.shift(1).rolling_median(USUAL_SESSIONS, min_samples=1)
        return pl.when(median > 0).then(figure / median)

    shares, dollars = pl.col("volume"), pl.col("volume") * pl.col("close")
    return bars.select(pl.min_horizontal(times(shares), times(dollars)).fill_null(0.0)).to_series()


def _mark(document: Document, mark: str) -> date | None:
    day = document.context.get(mark)
    return date.fromisoformat(day) if day else None


# -- the exchange's clock ---------------------------------------------------------------------------------------------


def last_closed(now: datetime) -> date:
    """The last session that had closed at a time."""
    return _closes(now.year).filter(pl.col("closes_at") <= now.astimezone(UTC))["session"][-1]


def _next_session(now: datetime) -> date:
    """The session that is running at a time, or the one that comes next: its splits and dividends are known already."""
    return _closes(now.year).filter(pl.col("closes_at") > now.astimezone(UTC))["session"][0]


def _day(now: datetime) -> date:
    return now.astimezone(EXCHANGE_ZONE).date()


@cache
def _closes(year: int) -> pl.DataFrame:
    """Closing times until the end of January of the year after `year`."""
    return closes(date(1990, 1, 1), date(year + 1, 1, 31))


def midnight(day: date) -> int:
    """Seconds since 1970 at which a day begins in New York."""
    return int(datetime.combine(day, time(), EXCHANGE_ZONE).timestamp())
