"""When live sources are asked: read from the one file that says so (`schedules.toml`, beside this one), without Prefect.

A daily bar exists only once its session has closed, and the exchange closes early on some days and not at all on
others. A schedule of weekdays would ask on holidays, and three hours late on half-days. So an entry may count its times
by the exchange's own calendar. What was missed while nothing ran is made up for once: an answer from today's data does
not get better by being made three times. For that, each entry remembers the last of its times that it has served.

The file lies here and not in `flows/`, though flows serve it. Checks of trends and the page of freshness ask how old a
source may be, and a room reads nothing from the rooms above it.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from warehouse import files, records
from warehouse.calendars import exchange as sessions
from warehouse.errors import UsageError
from warehouse.paths import Paths
from warehouse.tables.runs import PUBLISHED

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from warehouse.sources.common.source import Source

FILE = "schedules.toml"
LONGEST_SEARCH = timedelta(days=800)
LONGEST_HOURS = 10_000


class Entry(BaseModel):
    """One schedule: what it asks, when, and how long a missed time may go unserved before its sources are stale."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    cron: str
    timezone: str
    stale_after_hours: float = Field(ge=0, le=LONGEST_HOURS)
    feed: str | None = None
    sources: tuple[str, ...] = ()
    after_close_minutes: float | None = Field(default=None, ge=0, le=24 * 60)

    @field_validator("timezone")
    @classmethod
    def _is_known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"there is no time zone {value}") from None
        return value

    @field_validator("cron")
    @classmethod
    def _is_a_cron_line(cls, value: str) -> str:
        from cronsim import CronSim, CronSimError

        try:
            CronSim(value, datetime(2026, 1, 1, tzinfo=UTC))
        except CronSimError as error:
            raise ValueError(f"cron = {value!r} cannot be read: {error}") from error
        return value

    @model_validator(mode="after")
    def _asks_something(self) -> Entry:
        if ("feed" in self.model_fields_set) == ("sources" in self.model_fields_set):
            raise ValueError("name either a feed or sources")
        return self

    @property
    def stale_after(self) -> timedelta:
        return timedelta(hours=self.stale_after_hours)

    @property
    def after_close(self) -> timedelta | None:
        return None if self.after_close_minutes is None else timedelta(minutes=self.after_close_minutes)

    def times_after(self, moment: datetime) -> Iterator[datetime]:
        """Its times later than `moment`, in UTC."""
        return self._times(moment, back=False)

    def next_due(self, moment: datetime) -> datetime | None:
        """Its first time later than `moment`."""
        return next(self.times_after(moment), None)

    def last_due(self, moment: datetime) -> datetime | None:
        """Its last time at or before `moment`."""
        return next(self._times(moment + timedelta(seconds=1), back=True), None)

    def _times(self, moment: datetime, *, back: bool) -> Iterator[datetime]:
        from cronsim import CronSim

        limit = LONGEST_SEARCH
        for proposed in CronSim(self.cron, moment.astimezone(ZoneInfo(self.timezone)), reverse=back):
            if abs(proposed - moment) > limit:
                return
            if self.after_close is None or self._first_after_close(proposed):
                yield proposed.astimezone(UTC)

    def _first_after_close(self, proposed: datetime) -> bool:
        """Whether the exchange had closed by then that day, and had not yet at the day's time before."""
        from cronsim import CronSim

        assert self.after_close is not None
        closed = closes(proposed.year).get(proposed.date())
        if closed is None or proposed < closed + self.after_close:
            return False
        before = next(CronSim(self.cron, proposed, reverse=True))
        return before.date() != proposed.date() or before < closed + self.after_close

    def why_not(self, moment: datetime) -> str:
        """Why a time of the cron line is none of the entry's."""
        day = moment.astimezone(ZoneInfo(self.timezone)).date()
        closed = closes(day.year).get(day) if self.after_close is not None else None
        if self.after_close is None:
            return "this time was served already"
        if closed is None:
            return f"{day} is no trading day of the exchange"
        close = f"{closed.astimezone(UTC):%H:%M} UTC on {day}"
        return f"this time was served already, or it is too early: the exchange closes at {close}"


@cache
def closes(year: int) -> dict[date, datetime]:
    """When the exchange closes on each of its trading days of a year (UTC)."""
    return dict(sessions.closes(date(year, 1, 1), date(year, 12, 31)).rows())


@cache
def entries() -> tuple[Entry, ...]:
    """Every entry of the file. Raises UsageError that names the entry and what is wrong with it."""
    return parse((resources.files("warehouse.fetching") / FILE).read_text(encoding="utf-8"))


def parse(text: str) -> tuple[Entry, ...]:
    """Entries of the text of a schedule file."""
    try:
        read = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{FILE}: this is no TOML: {error}") from error
    return tuple(_entry(name, fields) for name, fields in read.items())


def _entry(name: str, fields: Any) -> Entry:
    try:
        return Entry.model_validate({**(fields if isinstance(fields, dict) else {}), "name": name})
    except ValidationError as error:
        said = "; ".join(_what_is_wrong(each) for each in error.errors())
        raise UsageError(f"{FILE}, [{name}]: {said}.") from error


def _what_is_wrong(error: ErrorDetails) -> str:
    """One mistake of an entry in a phrase."""
    place = ".".join(map(str, error["loc"]))
    match error["type"]:
        case "missing":
            return f"{place} is missing"
        case "extra_forbidden":
            return f"{place} is not known; use {', '.join(sorted(set(Entry.model_fields) - {'name'}))}"
        case "value_error":
            return str(error["ctx"]["error"])
        case _:
            return f"{place}: {error['msg']}"


def entry(name: str) -> Entry:
    """The entry of a name. Raises UsageError where there is none."""
    found = {one.name: one for one in entries()}
    if name not in found:
        raise UsageError(f"{FILE}: there is no entry {name}; there are {', '.join(found)}.")
    return found[name]


def entry_of(source: Source, among: tuple[Entry, ...] | None = None) -> Entry | None:
    """The entry that asks a live source: the one that names it, else the one of its feed."""
    if source.kind != "live":
        return None
    listed = entries() if among is None else among
    named = [one for one in listed if source.name in one.sources]
    return next(iter([*named, *(one for one in listed if one.feed == source.feed)]), None)


def members(of: Entry) -> list[Source]:
    """The live sources that an entry asks."""
    from warehouse.sources import all_sources

    return [source for source in all_sources() if (found := entry_of(source)) is not None and found.name == of.name]


def stale(of: Entry, last_success: datetime, now: datetime) -> bool:
    """Whether one of its times has passed for too long without a success since."""
    due = of.next_due(last_success)
    return due is not None and now - due > of.stale_after


# -- what was served -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Served:
    """The last time of an entry that was served: `slot` is when it was due; what came of it."""

    slot: datetime
    started_at: datetime
    finished_at: datetime | None
    outcome: str
    message: str = ""

    @property
    def done(self) -> bool:
        return self.outcome in (*PUBLISHED, "nothing_new")


def served(paths: Paths, of: Entry) -> Served | None:
    """What an entry remembers; None where it was never run (or what it remembered cannot be read)."""
    try:
        read = records.parsed((paths.root / "schedule" / f"{of.name}.json").read_bytes())
    except OSError:
        return None
    return records.record(Served, read or {})


def remember(paths: Paths, of: Entry, what: Served) -> None:
    """Remember what came of a time; the file is replaced whole."""
    written = {n: v.isoformat() if isinstance(v, datetime) else v for n, v in asdict(what).items()}
    files.write(paths.root / "schedule" / f"{of.name}.json", json.dumps(written))


def unserved(paths: Paths, of: Entry, now: datetime) -> datetime | None:
    """The last time of an entry that is due and was not served; None where nothing is due.

    A time later than now was noted before the clock was set back. It counts for nothing, else nothing would be due until
    that time comes again.
    """
    due = of.last_due(now)
    before = served(paths, of)
    if due is None or (before is not None and before.done and due <= before.slot <= now):
        return None
    return due


def missed(paths: Paths, now: datetime) -> list[Entry]:
    """Entries that have served a time before and have missed one since. How many they missed does not matter."""
    return [one for one in entries() if served(paths, one) is not None and unserved(paths, one, now) is not None]
