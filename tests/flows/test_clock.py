"""The schedules of `overbuild serve` on a clock that is moved: over weekends, holidays, half-days and summer time.

Prefect's own schedules say when a flow starts, and the flow runs as ever, on that moment's clock; the answer alone is none.
What is expected comes from outside: the exchange's calendar of 2026 (https://www.nyse.com/markets/hours-calendars) says that
it is closed on 16 February and 26 November, and closes at 13:00 on 27 November. In the USA, summer time begins on 8 March and
ends on 1 November 2026 (15 U.S.C. 260a: second Sunday in March, first Sunday in November).
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from warehouse.fetching import schedules
from warehouse.paths import Paths
from warehouse.quality import promises


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def said(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%m-%d %H:%M}"


def fired(entry: schedules.Entry, start: str, end: str) -> list[datetime]:
    """When Prefect starts runs of an entry."""
    from prefect.server.schemas.schedules import CronSchedule

    of_prefect = CronSchedule(cron=entry.cron, timezone=entry.timezone)
    found = asyncio.run(of_prefect.get_dates(n=500, start=at(start), end=at(end)))
    return [datetime.fromtimestamp(each.timestamp(), UTC) for each in found]


@pytest.fixture
def served(tmp_path: Path, monkeypatch) -> Callable[..., list[str]]:
    """Starts the flow at some moments, each on its clock; gives the moments at which sources were asked."""
    from flows.environment import prepare

    prepare()
    from flows import schedule

    paths = Paths(tmp_path, tmp_path / "warehouse.duckdb")
    asked: list[str] = []
    clock: list[datetime] = []
    monkeypatch.setenv("OVERBUILD_HOME", str(tmp_path))
    monkeypatch.setenv("OVERBUILD_CONTACT", "Jane Doe jane@example.com")
    monkeypatch.setattr(schedule, "datetime", SimpleNamespace(now=lambda zone: clock[-1]))
    monkeypatch.setattr(schedule, "say", lambda message: None)

    def answer(**_: Any) -> dict[str, Any]:
        asked.append(said(clock[-1]))
        return {"failed_sources": {}, "published": "here"}

    monkeypatch.setattr(schedule, "answer", answer)

    def serve(name: str, moments: list[datetime], schedulers: int = 1) -> list[str]:
        asked.clear()
        entry, began = schedules.entry(name), moments[0] - timedelta(minutes=1)
        if schedules.served(paths, entry) is None:  # all before is served; a new home would ask at once
            schedules.remember(paths, entry, schedules.Served(began, began, began, "published"))
        for moment in moments:
            clock.append(moment)
            for _ in range(schedulers):
                schedule.scheduled.fn(name)
        return list(asked)

    return serve


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        # From Thanksgiving's eve over the half-day and a weekend to Monday: 16:00 in New York is 21:00 UTC, 13:00 is 18:00.
        ("2026-11-25", "2026-12-01", ["11-25 21:30", "11-27 18:30", "11-30 21:30"]),
        # Over the beginning of summer time: from 9 March on, 16:00 in New York is 20:00 UTC.
        ("2026-03-06", "2026-03-11", ["03-06 21:30", "03-09 20:30", "03-10 20:30"]),
        # Over its end: from 2 November on it is 21:00 UTC again.
        ("2026-10-29", "2026-11-04", ["10-29 20:30", "10-30 20:30", "11-02 21:30", "11-03 21:30"]),
        # Washington's Birthday, a Monday.
        ("2026-02-13", "2026-02-18", ["02-13 21:30", "02-17 21:30"]),
    ],
    ids=["Thanksgiving", "summer time begins", "summer time ends", "a Monday without trading"],
)
@pytest.mark.parametrize("schedulers", [1, 2])
def test_prices_are_asked_once_after_each_close(served, start, end, expected, schedulers):
    """Two schedulers by mistake start each run twice; the second finds its time served."""
    prices = schedules.entry("prices")
    moments = fired(prices, start, end)
    assert len(moments) >= 2 * len(expected), "Prefect starts it at both times of each weekday"
    assert served("prices", moments, schedulers) == expected


def test_filings_keep_their_hours_in_new_york_through_both_changes(served):
    """EDGAR opens at 6:00 in New York; the first time of each day is 7:10 there."""
    for start, end, expected in (
        ("2026-03-06 06:00", "2026-03-09 13:00", ["03-06 12:10", "03-09 11:10"]),
        ("2026-10-30 06:00", "2026-11-02 13:00", ["10-30 11:10", "11-02 12:10"]),
    ):
        asked = served("filings", fired(schedules.entry("filings"), start, end))
        assert [each for each in asked if each in expected] == expected
        assert len(asked) == 5, "four on the Friday, one on the Monday by then"


def test_a_service_that_slept_over_thanksgiving_asks_once_for_the_last_close(served):
    """A laptop was closed on the 24th and is opened on Saturday: its clock jumps ahead."""
    assert served("prices", [at("2026-11-24 21:30:05"), at("2026-11-28 09:00")]) == ["11-24 21:30", "11-28 09:00"]
    assert served("prices", [at("2026-11-28 09:01"), at("2026-11-30 18:30")]) == [], "nothing closed since"


def test_a_clock_that_jumps_back_repeats_no_more_than_the_times_that_come_again(served):
    """It ran a day ahead, and is put right: the close of the day before is asked for, then that of the day, once each."""
    jumps = ["2026-11-25 21:30:05", "2026-11-24 22:00", "2026-11-24 22:01", "2026-11-25 21:30:05", "2026-11-25 22:00"]
    assert served("prices", [at(each) for each in jumps]) == ["11-25 21:30", "11-24 22:00", "11-25 21:30"]


NIGHTLY = '[p]\nfeed = "gpu"\ncron = "30 {hour} * * *"\ntimezone = "America/New_York"\nstale_after_hours = 1\n'


@pytest.mark.parametrize(
    ("hour", "start", "end", "days"),
    [(2, "2026-03-07 12:00", "2026-03-10 12:00", 3), (1, "2026-10-31 12:00", "2026-11-03 12:00", 3)],
    ids=["2:30, which there is not on 8 March", "1:30, which there is twice on 1 November"],
)
def test_an_hour_that_is_skipped_or_doubled_serves_each_day_once(tmp_path, hour, start, end, days):
    """Of a team's own schedule. Ours and Prefect's times may differ in such a night; each day is due once all the same."""
    [entry] = schedules.parse(NIGHTLY.format(hour=hour))
    paths, due = Paths(tmp_path, tmp_path / "warehouse.duckdb"), []
    for moment in (each + timedelta(seconds=5) for each in fired(entry, start, end)):
        if slot := schedules.unserved(paths, entry, moment):
            due.append(slot)
            schedules.remember(paths, entry, schedules.Served(slot, moment, moment, "published"))
    assert len({each.date() for each in due}) == len(due) == days


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "Pacific/Kiritimati", "Mars/Olympus"])
def test_the_time_zone_of_the_machine_moves_nothing(monkeypatch, zone):
    """Whoever sets TZ wrongly, or to a zone that there is not, is asked for nothing: no time is counted by it."""
    before = os.environ.get("TZ")
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        entry = schedules.entry("prices")
        times = entry.times_after(at("2026-11-25 12:00"))
        assert [said(next(times)) for _ in range(3)] == ["11-25 21:30", "11-27 18:30", "11-30 21:30"]
        assert fired(entry, "2026-11-25 20:00", "2026-11-26") == [at("2026-11-25 21:30")]
        assert promises.sessions_since(at("2026-11-25 22:00"), at("2026-11-27 18:00")) == 1
    finally:
        monkeypatch.setenv("TZ", before) if before else monkeypatch.delenv("TZ")
        time.tzset()
