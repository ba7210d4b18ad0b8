"""The days on which the New York exchange was open.

A calendar of weekdays shifts every return after a holiday; some published event studies are wrong for that reason. So
sessions come from a library that knows the holidays.
"""

from __future__ import annotations

from datetime import date
from functools import cache

import polars as pl

EXCHANGE = "XNYS"
FIRST_SESSION = date(2018, 1, 1)  # of a run; earlier than any estimation window that the facts allow


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
