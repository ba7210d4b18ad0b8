"""Reasons that several marts about events give of the event's day: the condition, and the reason where it holds."""

from __future__ import annotations

from datetime import date

import polars as pl

from warehouse.marts.common.reasons import because
from warehouse.marts.market.doubts import KINDS

EVENT_DATE, SESSION = pl.col("event_date"), pl.col("session")


def event_moved() -> tuple[pl.Expr, pl.Expr]:
    """The exchange was closed on `event_date`, so the next `session` is measured."""
    return SESSION != EVENT_DATE, because("event_moved", event_date=EVENT_DATE, session=SESSION)


def no_session() -> tuple[pl.Expr, pl.Expr]:
    """The calendar ends before `event_date`."""
    return SESSION.is_null(), because("no_session", event_date=EVENT_DATE)


def holds_other_news(day: date, what: str, first: pl.Expr, last: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """The days from `first` to `last` hold one on which something else moved the whole market."""
    return (first <= day) & (last >= day), because("window_holds_other_news", date=day, what=what)


def in_doubt(kind: pl.Expr, ticker: pl.Expr | str, day: pl.Expr) -> tuple[tuple[pl.Expr, pl.Expr], ...]:
    """A bar of `ticker` is in doubt and counts as missing; `kind` as in `panel.Prices.doubt`."""
    return tuple(
        (kind == 1 + place, because(f"price_{name}", ticker=ticker, date=day)) for place, name in enumerate(KINDS)
    )


def of_the_day() -> tuple[pl.Expr, ...]:
    """Both, each null where it does not apply."""
    return tuple(pl.when(holds).then(why) for holds, why in (no_session(), event_moved()))
