"""Whether each table is as fresh as its owner promises: the one place where a promise is judged.

The declarations say what is promised (`warehouse.tables.promise`), and a team may put its own names and limits in their
place. Whoever judges gives the moment. So the same promise is judged by a run, by `overbuild sources` and by a probe.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import duckdb

from warehouse import files
from warehouse.errors import UsageError
from warehouse.fetching.schedules import closes
from warehouse.quality import history
from warehouse.sources import all_sources
from warehouse.sources.common.source import Source
from warehouse.tables import CORE
from warehouse.tables.promise import OF_MARTS, Promise
from warehouse.tables.runs import IS_PUBLISHED

MARTS = "marts"
LONGEST = 10_000
"""So many days or sessions may be promised: longer than any fact here is old."""
ALWAYS_KNOWN = date(1970, 1, 1)
State = Literal["kept", "broken", "not_due"]
CHANGEABLE = ("owner", "notify", "at_most", "unit")


@dataclass(frozen=True)
class Judged:
    """A promise as it stood at a moment. `age` is in the promise's unit, None where nothing is promised."""

    table_name: str
    promise: Promise
    measured_at: datetime
    age: int | None
    state: State

    @property
    def text(self) -> str:
        """What is wrong, for whoever is told."""
        known = self.promise.of == "newest_fact"
        what = "its newest fact is" if known else "no live source of it has given all that it was asked for since"
        since = f"{what} {self.age} {self.promise.unit} old" if known else f"{what} {self.age} {self.promise.unit}"
        return (
            f"{self.table_name} is older than promised: {since}; at most {self.promise.at_most} are promised. "
            f"Owner: {self.promise.owner}; told: {self.promise.notify}."
        )

    def row(self, run_id: str) -> dict[str, Any]:
        """As `provenance.promises` holds it."""
        return {
            "run_id": run_id,
            "table_name": self.table_name,
            "measured_at": self.measured_at,
            "owner": self.promise.owner,
            "notify": self.promise.notify,
            "measured_of": self.promise.of,
            "age": self.age,
            "at_most": self.promise.at_most,
            "unit": self.promise.unit,
            "state": self.state,
        }


def declared() -> dict[str, Promise]:
    """What is promised of each table, by its full name; MARTS stands for all marts."""
    found = {table.full_name: table.promise for table in CORE.values() if table.promise is not None}
    return {**found, MARTS: OF_MARTS}


def promised(file: Path | None) -> dict[str, Promise]:
    """The promises, with what a team's file puts in place of the declared ones.

    The file has a part for each table (`["core.stock_prices"]`) with any of `owner`, `notify`, `at_most`, `unit`. Raises
    UsageError that names the file, the table and the key for one that cannot be used.
    """
    found = declared()
    if file is None:
        return found
    try:
        read = tomllib.loads(files.text(file))
    except OSError as error:
        raise UsageError(f"OVERBUILD_PROMISES={file}: this file cannot be read ({error.strerror}).") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"OVERBUILD_PROMISES={file}: this is no TOML: {error}") from error
    for name, given in read.items():
        if name not in found:
            raise UsageError(
                f'OVERBUILD_PROMISES={file}: there is no table "{name}"; write its name in quotes, as one of '
                f"{', '.join(found)}."
            )
        found[name] = _replaced(found[name], given, f"OVERBUILD_PROMISES={file}, [{name}]")
    return found


def _replaced(promise: Promise, given: Any, where: str) -> Promise:
    if not isinstance(given, dict):
        raise UsageError(f"{where}: this is no part of a file; write [table] and below it what is promised.")
    unknown = sorted(set(given) - set(CHANGEABLE))
    if unknown:
        raise UsageError(f"{where}: {unknown[0]} is not known; use {', '.join(CHANGEABLE)}.")
    kinds = {each.name: int if each.name == "at_most" else str for each in fields(Promise)}
    for key, value in given.items():
        beyond = isinstance(value, int) and not 0 <= value <= LONGEST
        blank = isinstance(value, str) and not value.strip()
        if not isinstance(value, kinds[key]) or isinstance(value, bool) or beyond or blank:
            wanted = f"a whole number from 0 to {LONGEST:,}" if key == "at_most" else "text in quotes"
            raise UsageError(f"{where}: {key} = {value!r}; give {wanted}.")
    if given.get("unit", "days") not in ("days", "sessions"):
        raise UsageError(f"{where}: unit = {given['unit']!r}; give days or sessions.")
    return replace(promise, **given)


# -- history ------------------------------------------------------------------------------------------------------------


def kept(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """How each table kept its promise at the last run that measured it, and how often over all; broken ones first.

    The report, the quality page and Data Docs all say this.
    """
    return history.rows(
        connection,
        """SELECT table_name, arg_max(owner, measured_at) AS owner, arg_max(notify, measured_at) AS notify,
          arg_max(state, measured_at) AS state, arg_max_null(age, measured_at) AS age, arg_max(at_most, measured_at) AS at_most,
          arg_max(unit, measured_at) AS unit, arg_max(measured_of, measured_at) AS measured_of,
          count(*) FILTER (state = 'kept') AS runs_kept, count(*) FILTER (state = 'broken') AS runs_broken,
          max(measured_at) FILTER (state = 'broken') AS last_broken_at
        FROM provenance.promises p GROUP BY table_name
        ORDER BY arg_max(p.state, p.measured_at) = 'broken' DESC, table_name""",
    )


# -- judging -----------------------------------------------------------------------------------------------------------


def judge(
    connection: duckdb.DuckDBPyConnection, promises: Mapping[str, Promise], now: datetime, answered: date | None = None
) -> list[Judged]:
    """Every promise as it stands at a moment, by what a warehouse holds. `answered` is the day of an answer under way."""
    held = connection.execute(
        "SELECT count(*) FROM duckdb_tables() WHERE schema_name = 'provenance' AND table_name = 'source_runs'"
    ).fetchone()
    if held == (0,):  # a warehouse that an early version published
        return [Judged(name, promise, now, None, "not_due") for name, promise in promises.items()]
    asked = dict(
        connection.execute("SELECT source, max(last_success_at) FROM provenance.source_runs GROUP BY source").fetchall()
    )
    is_live = any(moment is not None for moment in asked.values())
    return [
        _judged(name, promise, _since(connection, name, promise, asked, answered), now, is_live=is_live)
        for name, promise in promises.items()
    ]


def _judged(name: str, promise: Promise, since: datetime | date | None, now: datetime, *, is_live: bool) -> Judged:
    if since is None or not is_live:
        return Judged(name, promise, now, None, "not_due")
    age = sessions_since(since, now) if promise.unit == "sessions" else max(0, (now.date() - _day(since)).days)
    return Judged(name, promise, now, age, "kept" if age <= promise.at_most else "broken")


def _since(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    promise: Promise,
    asked: Mapping[str, datetime | None],
    answered: date | None,
) -> datetime | date | None:
    """From when on a table grows old; None where nothing says so."""
    if name == MARTS:
        row = connection.execute(f"SELECT max(as_of) FROM provenance.runs WHERE {IS_PUBLISHED}").fetchone()
        last: date | None = row[0] if row else None
        return max((day for day in (answered, last) if day), default=None)
    if promise.of == "last_asked":
        whole = {one: moment for one in _live_sources(name) if (moment := asked.get(one.name)) is not None}
        needed = [moment for one, moment in whole.items() if not one.optional]
        if whole:  # each source that is needed has its own part of the table
            return min(needed, default=max(whole.values()))
    row = connection.execute(f"SELECT max(known_on) FROM {name}").fetchone()
    newest: date | None = row[0] if row else None
    return None if newest == ALWAYS_KNOWN else newest


def _live_sources(table: str) -> Iterable[Source]:
    return (one for one in all_sources() if one.kind == "live" and table in {f"core.{name}" for name in one.tables})


def sessions_since(since: datetime | date, now: datetime) -> int:
    """Sessions of the exchange later than a day that had closed by a moment."""
    first = _day(since) + timedelta(days=1)
    years = range(first.year, now.year + 1)
    ends = ((day, closed) for year in years for day, closed in closes(year).items())
    return sum(1 for day, closed in ends if first <= day and closed <= now)


def _day(moment: datetime | date) -> date:
    return moment.astimezone(UTC).date() if isinstance(moment, datetime) else moment
