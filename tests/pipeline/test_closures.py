"""A day on which the exchange was closed and of which the calendar cannot know: the run goes on, and says so."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace
from typing import cast

import duckdb
import polars as pl

from warehouse.calendars.exchange import HELD_UNTIL, sessions
from warehouse.database.store import Store
from warehouse.pipeline import check
from warehouse.pipeline.context import RunContext

MOURNING = date(2026, 8, 12)
RUN = cast(RunContext, SimpleNamespace(today=date(2026, 9, 30)))


def told(without: date | None) -> tuple[list[str], set[date]]:
    """What a run says of bars that lack a day, and the days that its checks then know (none: the calendar stays)."""
    days = sessions(HELD_UNTIL, date(2026, 9, 11)).filter(pl.col("session") != (without or date.max))
    put: list[pl.DataFrame] = []
    connection = duckdb.connect()
    connection.execute("CREATE SCHEMA core")
    connection.register("days", days.to_arrow())
    connection.execute("CREATE TABLE core.stock_prices AS SELECT 'NVDA' AS ticker, session AS date FROM days")
    store = SimpleNamespace(frame=lambda sql, given: connection.execute(sql, given).pl(), put_sessions=put.append)
    said = check._leave_out_closures(cast(Store, store), RUN)
    return said, set(put[0].get_column("session")) if put else set()


def test_the_day_is_no_session_to_the_checks_and_is_named():
    [said], days = told(MOURNING)
    assert said.startswith("core.stock_prices: no share has a bar on 2026-08-12, which the calendar calls a session")
    assert MOURNING not in days
    assert {date(2026, 8, 11), date(2026, 8, 13), date(2026, 9, 30)} <= days


def test_where_every_session_has_bars_nothing_is_said():
    assert told(None) == ([], set())
