"""The days on which the New York exchange was open.

A calendar of weekdays shifts every return after a holiday; some published event studies are wrong for that reason. So
sessions come from a library that knows the holidays.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import cache

import polars as pl

EXCHANGE = "XNYS"
FIRST_SESSION = date(2018, 1, 1)  # of a run; earlier than any estimation window that the facts allow

HELD_UNTIL = date(2026, 5, 15)
"""Up to here the library's days are those on which a whole panel of shares traded; a test holds the two together."""


@cache
def sessions(first: date, last: date) -> pl.DataFrame:
    """Sessions from `first` to `last`, both included: one Date column, `session`."""
    import exchange_calendars  # imports pandas: only where a calendar is needed

    calendar = exchange_calendars.get_calendar(EXCHANGE, start=first.isoformat(), end=last.isoformat())
    return pl.DataFrame({"session": [day.date() for day in calendar.sessions]}, schema={"session": pl.Date})


@cache
def closes(first: date, last: date) -> pl.DataFrame:
    """Sessions from `first` to `last` with the time at which each closed (half-days too): `session` and `closes_at`, UTC."""
    import exchange_calendars

    calendar = exchange_calendars.get_calendar(EXCHANGE, start=first.isoformat(), end=last.isoformat())
    return pl.DataFrame(
        {
            "session": [day.date() for day in calendar.sessions],
            "closes_at": [time.to_pydatetime() for time in calendar.closes],
        },
        schema={"session": pl.Date, "closes_at": pl.Datetime("us", "UTC")},
    )


def closures_unknown(known: pl.DataFrame, traded: Iterable[date]) -> list[date]:
    """Sessions on which the exchange was closed after all: later than the library could know of, a day of mourning.

    `known` are the library's sessions, `traded` the days on which any share of a panel has a bar. A day without one
    between days with some was no session. Before HELD_UNTIL the calendar is right, and such a day is a loss of data.
    """
    days = set(traded)
    if not days:
        return []
    last = max(days)
    return [
        day for day in known.get_column("session") if HELD_UNTIL < day < last and day not in days and min(days) < day
    ]


def as_traded(known: pl.DataFrame, bars: pl.DataFrame) -> pl.DataFrame:
    """`known` sessions without those on which the exchange was closed after all, by the `date` of bars."""
    closed = closures_unknown(known, bars.get_column("date").unique())
    return known.filter(~pl.col("session").is_in(closed)) if closed else known
