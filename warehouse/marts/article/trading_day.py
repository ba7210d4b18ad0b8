"""What prices did on a day: closes, returns and changes of market value, as the claims about the market need them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from warehouse.marts.article.dossier import Dossier, Found, Row
from warehouse.marts.common.reasons import reason
from warehouse.marts.common.select_current import weakest
from warehouse.marts.market.share_counts import times_later_splits

EXCHANGE_ZONE, CLOSE = ZoneInfo("America/New_York"), time(16)  # half-days close earlier, which decides no less


def once_over(formula: Callable[[Row, Dossier], Found]) -> Callable[[Row, Dossier], Found]:
    """A claim about a trading day decides nothing where it was made before that day's close.

    A date has a time zone: the 28th ends in Asia hours before New York's close of the 28th. Whoever wrote then can only
    have meant something earlier, so the day's own figures are shown and neither confirm nor refute.
    """

    def judged(claim: Row, dossier: Dossier) -> Found:
        found = formula(claim, dossier)
        _, session = sessions_to(dossier, claim["event_date"])
        zone = ZoneInfo(dossier.assumptions.value("article_time_zone"))
        said_by = datetime.combine(claim["statement_date"] + timedelta(days=1), time(), zone)
        closed_at = datetime.combine(session, CLOSE, EXCHANGE_ZONE)
        if said_by > closed_at or found.finding == "cannot_check":
            return found
        not_over = reason(
            "day_was_not_over",
            said_on=claim["statement_date"],
            session=session,
            hours_left=(closed_at - said_by).total_seconds() / 3600,
        )
        return found._replace(finding="cannot_check", reasons=[not_over, *found.reasons])

    return judged


def sessions_to(dossier: Dossier, day: date) -> tuple[date, date]:
    """The session on `day` (the next one where there is none) and the one before it. Raises NotKnown."""
    sessions = dossier.frames["sessions"].get_column("session").sort()
    at = sessions.search_sorted(day)
    if at == 0 or at >= sessions.len():
        raise dossier.missing("session", date=day)
    return sessions[at - 1], sessions[at]


def closes(dossier: Dossier, ticker: str, day: date) -> tuple[Row, Row]:
    """The bars of `ticker` on the session before `day` and on `day`. Raises NotKnown."""
    before, on = sessions_to(dossier, day)
    return (
        dossier.need("stock_prices", "close", ticker=ticker, date=before),
        dossier.need("stock_prices", "close", ticker=ticker, date=on),
    )


def day_return(dossier: Dossier, ticker: str, day: date) -> float:
    """Close-to-close simple return of `ticker` on `day`, from closes adjusted for splits and dividends."""
    before, on = closes(dossier, ticker, day)
    return on["adj_close"] / before["adj_close"] - 1


def day_returns(dossier: Dossier, day: date) -> pl.DataFrame:
    """`ticker`, `adj_return` of the panel's tickers with a bar on `day` and on the session before it. Raises NotKnown."""
    before, on = sessions_to(dossier, day)
    panel = dossier.rows("companies")["ticker"]
    prices = dossier.rows("stock_prices").filter(pl.col("ticker").is_in(panel.implode()))
    both = prices.filter(date=on).join(prices.filter(date=before), on="ticker", suffix="_before")
    if both.is_empty():
        raise dossier.missing("any_close", date=on, before=before)
    for session in (before, on):
        dossier.used_all("stock_prices", prices.filter(date=session), which=str(session))
    return both.select("ticker", adj_return=pl.col("adj_close") / pl.col("adj_close_before") - 1).sort("ticker")


def market_value_changes(dossier: Dossier) -> pl.DataFrame:
    """Daily change of market value of every ticker with a share count, `change_usd` by `ticker` and `date`.

    The change of the close times the shares known that day (method 6), a count from before a split multiplied by it,
    because closes are on the basis after it. `measured_on` is the day of the count used; `price_` and `count_` columns
    say which facts it was made of.
    """
    splits = dossier.rows("corporate_actions").filter(kind="split")
    counts = times_later_splits(dossier.rows("shares_outstanding"), splits).select(
        "ticker",
        "measured_on",
        "shares",
        counted_known_on="known_on",
        count_grade="grade",
        count_fact_id="fact_id",
    )
    prices = (
        dossier.rows("stock_prices")
        .join(counts, on="ticker", how="semi")  # of a whole market, those alone whose value is known
        .sort("ticker", "date")
        .select("ticker", "date", "close", price_grade="grade", price_fact_id="fact_id")
    )
    return (
        prices.with_columns(close_before=pl.col("close").shift(1).over("ticker"))
        .filter(pl.col("close_before").is_not_null())
        .sort("date", "ticker")
        .join_asof(
            counts.sort("counted_known_on", "measured_on"),
            left_on="date",
            right_on="counted_known_on",
            by="ticker",
            strategy="backward",
            check_sortedness=False,
        )
        .filter(pl.col("shares").is_not_null())
        .with_columns(
            change_usd=(pl.col("close") - pl.col("close_before")) * pl.col("shares"),
            grade=weakest("price_grade", "count_grade"),
        )
        .sort("date", "ticker")
    )


def note_close(dossier: Dossier, row: Row) -> None:
    """Note the bar of a row of `market_value_changes`, with the grade of the change."""
    dossier.note(f"core.stock_prices {row['ticker']} {row['date']}", [row["price_fact_id"]], row["grade"])


def note_count(dossier: Dossier, row: Row) -> None:
    """Note the share count of a row of `market_value_changes`."""
    place = f"core.shares_outstanding {row['ticker']} {row['measured_on']}"
    dossier.note(place, [row["count_fact_id"]], row["count_grade"])
