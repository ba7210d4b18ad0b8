"""`overbuild sources`: what each source gives, how fresh it is against its schedule, and what to do next.

A source that went quiet looks the same as one that has nothing new. Only a comparison of its last success with its
schedule shows the difference. So each live source is one of four things. It is `ok`, or `stale`: one of its scheduled
times passed too long ago without a success. It is `failed` when the last attempt did not bring all that was asked for,
and older data stand in. It is `off` when it lacks a setting or was never asked. This asks nobody and reads what runs
left behind. That is what published runs noted, and the log of fetches for later attempts that published nothing.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from warehouse import records
from warehouse.database import releases
from warehouse.fetching import schedules
from warehouse.paths import FETCHES, WAREHOUSE, Paths
from warehouse.settings import Settings
from warehouse.sources import all_sources
from warehouse.sources.common.source import Source
from warehouse.tables.runs import newest_published

State = Literal["ok", "stale", "failed", "off"]
ONE_ATTEMPT_WITHIN = timedelta(minutes=30)
LAST_LINES_BYTES = 1 << 17
COLUMNS = (
    "source", "kind", "feed", "state", "last_success", "newest_fact", "last_run", "next_run", "next_step", "gives",
    "documents", "reachable", "key", "needs", "terms",
)  # fmt: skip


@dataclass(frozen=True)
class Attempt:
    """The last time that a source was asked: when, what could not be had (name -> why), and whether its host answered."""

    last_good: datetime | None = None
    ended: datetime | None = None
    got: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    answered: bool | None = None


@dataclass(frozen=True)
class Loaded:
    """What of a source is in the published warehouse, and how the last published run that asked it went."""

    documents: int = 0
    last_received: datetime | None = None
    newest_fact: date | None = None
    outcome: str = ""
    message: str = ""
    asked: datetime | None = None
    whole: datetime | None = None


def report(paths: Paths, settings: Settings, now: datetime) -> list[dict[str, Any]]:
    """A row for each source, by the names of COLUMNS."""
    loaded = _loaded(paths)
    return [_row(source, paths, settings, loaded.get(source.name, Loaded()), now) for source in all_sources()]


def _row(source: Source, paths: Paths, settings: Settings, loaded: Loaded, now: datetime) -> dict[str, Any]:
    entry = schedules.entry_of(source)
    attempt = last_attempt(paths.raw, source.name)
    served = schedules.served(paths, entry) if entry else None
    refusal = source.not_ready(settings)
    success, failure = _how_it_went(source, loaded, attempt)
    state, next_step = judged(source, entry, success, failure, refusal, now)
    ran = [moment for moment in (attempt.ended, loaded.asked, served and served.started_at) if moment]
    return {
        "source": source.name,
        "kind": source.kind,
        "feed": source.feed,
        "state": state,
        "last_success": success,
        "newest_fact": loaded.newest_fact,
        "last_run": max(ran, default=loaded.last_received),
        "next_run": entry.next_due(now) if entry and not refusal else None,
        "next_step": next_step,
        "gives": source.gives,
        "documents": loaded.documents,
        "reachable": attempt.answered,
        "key": ("missing" if refusal else "given") if source.needs else "none",
        "needs": source.needs or "nothing",
        "terms": source.terms,
    }


def _how_it_went(source: Source, loaded: Loaded, attempt: Attempt) -> tuple[datetime | None, str]:
    """When a source last gave all that was asked for, and what failed since; '' where nothing did."""
    if source.kind == "reference":
        return loaded.last_received, ""
    if loaded.asked and not (attempt.ended and attempt.ended > loaded.asked + ONE_ATTEMPT_WITHIN):
        failed = loaded.outcome in ("failed", "partly_failed")
        return loaded.whole, loaded.message if failed else ""
    if attempt.failed:
        return loaded.whole, _first(attempt.failed)
    return attempt.last_good or loaded.whole, ""


def judged(
    source: Source,
    entry: schedules.Entry | None,
    success: datetime | None,
    failure: str,
    refusal: str,
    now: datetime,
) -> tuple[State, str]:
    """The state of a source and the next thing to do about it; nothing to do is empty text."""
    if source.kind == "reference":
        return ("ok", "") if success else ("off", "overbuild run")
    ask = f"overbuild run --source live --only {source.name}"
    if refusal:
        return "off", refusal
    if failure:
        return "failed", f"{failure} Then: {ask}"
    if success is None:
        return "off", f"never asked yet: {ask}, or overbuild serve"
    if entry is not None and schedules.stale(entry, success, now):
        due = entry.next_due(success)
        return "stale", f"due since {due:%Y-%m-%d %H:%M} UTC: {ask}, or keep overbuild serve running"
    return "ok", ""


def _first(failed: dict[str, str]) -> str:
    name, why = next(iter(failed.items()))
    return f"{name}: {why.rstrip('.')}{f' (and {len(failed) - 1} more)' if len(failed) > 1 else ''}."


def last_attempt(raw: Path, source: str) -> Attempt:
    """The last lines of a source's fetch log that belong together."""
    lines = [line for line in _last_lines(raw / FETCHES / f"{source}.jsonl") if _moment(line) is not None]
    good = [_moment(line) for line in lines if line.get("outcome") == "good"]
    together: list[dict[str, Any]] = []
    for line in reversed(lines):
        if together and _gap(line, together[-1]) > ONE_ATTEMPT_WITHIN:
            break
        together.append(line)
    got = {str(line.get("name")) for line in together if line.get("outcome") == "good"}
    failed = {
        str(line.get("name")): str(line.get("why", "no reason was noted"))
        for line in reversed(together)
        if line.get("outcome") != "good" and str(line.get("name")) not in got
    }
    ended = _moment(together[0]) if together else None
    answered = any(line.get("answered", True) for line in together) if together else None
    return Attempt(max((moment for moment in good if moment), default=None), ended, len(got), failed, answered)


def _last_lines(path: Path) -> list[dict[str, Any]]:
    """The lines at the end of a log that are whole."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - LAST_LINES_BYTES))
            text = file.read().decode("utf-8", errors="replace")
    except OSError:
        return []
    found = []
    for line in text.splitlines():  # the first is cut by where we began to read, the last perhaps by a crash
        if (read := records.parsed(line)) is not None:
            found.append(read)
    return found


def _moment(line: dict[str, Any]) -> datetime | None:
    found: datetime | None = records.value(datetime, line.get("checked_at"))
    return found


def _gap(earlier: dict[str, Any], later: dict[str, Any]) -> timedelta:
    first, second = _moment(earlier), _moment(later)
    assert first is not None
    assert second is not None
    return second - first


def _loaded(paths: Paths) -> dict[str, Loaded]:
    path = paths.current / WAREHOUSE
    if not releases.is_there(path):
        return {}
    with releases.reading(path) as connection:
        documents = connection.execute(
            "SELECT source, count(*), max(fetched_at), max(known_on) FROM provenance.documents GROUP BY source"
        ).fetchall()
        tables = connection.execute(
            "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'provenance'"
        ).fetchall()
        runs = []
        if ("source_runs",) in tables:  # a warehouse that an earlier version published has none
            runs = connection.execute(
                "SELECT source, outcome, message, checked_at, last_success_at FROM provenance.source_runs "
                "QUALIFY row_number() OVER (PARTITION BY source ORDER BY checked_at DESC) = 1"
            ).fetchall()
    held = {name: (count, received, known) for name, count, received, known in documents}
    went = {name: (outcome, message, asked, whole) for name, outcome, message, asked, whole in runs}
    return {
        name: Loaded(*held.get(name, (0, None, None)), *went.get(name, ("", "", None, None))) for name in {*held, *went}
    }


def last_source(paths: Paths) -> str | None:
    """What the published answer was made from, reference or live; None where nothing is published."""
    if not releases.is_there(paths.current / WAREHOUSE):
        return None
    with releases.reading(paths.current / WAREHOUSE) as connection:
        row = connection.execute(newest_published("source")).fetchone()
    return row[0] if row else None
