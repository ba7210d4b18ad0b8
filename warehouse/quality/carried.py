"""What was checked and has not changed is not checked again: which results of earlier still stand.

Rows of `core` are only ever added, and each was checked before it was loaded. So a check of single rows says the same
of `core` today as of the rows when they came, unless the check itself has changed. That is its SQL, the bounds of the
assumptions, the exchange's calendar, or the rows that people accepted. A fingerprint of all these is kept with every
result. Where it differs, the check runs over all rows again.

A check of a whole table stands as long as no table that it reads has a new row. A mart is written anew or stands as an
earlier run wrote it. So what was found of one that stands holds as long as the other tables do that the check reads. On
the first run into an empty
warehouse, what was found of the rows that waited holds of the table. They are the same rows.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

import duckdb

from warehouse.quality.checks import COLUMNS, IN_ARCHIVE
from warehouse.quality.findings import Earlier, Finding, Target
from warehouse.tables.runs import newest_published
from warehouse.tables.table import Check

ALWAYS = (COLUMNS, IN_ARCHIVE)
"""Checks of something else than rows of `core`: the structure of a table, the list of documents."""
_LOADED = re.compile(r"(?<![:\w])core\.(\w+)")
_MARTS = re.compile(r"(?<![:\w])(marts\.\w+)")
_LOADED_OR_WAITING = re.compile(r"\{core:(\w+)\}")
_HELPERS = {
    "calendar.": "select string_agg(session::varchar, ',' order by session) from calendar.sessions",
    "bounds.": "select string_agg(b::varchar, ',' order by b::varchar) from bounds.gpu_prices b",
}

Query = Callable[..., Any]


class Key(NamedTuple):
    """A check of a table, as results name it."""

    table_name: str
    expectation: str
    column_name: str


def key_of(target: Target, check: Check) -> Key:
    return Key(target.name, check.name, ", ".join(check.columns))


@dataclass(frozen=True)
class Result:
    """A check's result in the last published run."""

    fingerprint: str
    row_count: int
    from_run: Earlier


@dataclass(frozen=True)
class NewRows:
    """What a run's checks of new rows found that holds of the loaded tables, too.

    `checked` is this run, where there were new rows. `waited` says of each check of rows beside each other that found
    nothing how many rows of each table (by its full name) waited then.
    """

    checked: Earlier | None = None
    waited: Mapping[Key, Mapping[str, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Past:
    """What is known when the tables of `core` and the marts are checked.

    `results` are those of the last published run that held. `added` says how many rows of each table (by its full name)
    this run loaded, all of them checked before that. `anew` are the full names of the marts that this run wrote.
    """

    new_rows: NewRows = field(default_factory=NewRows)
    results: Mapping[Key, Result] = field(default_factory=dict)
    added: Mapping[str, int] = field(default_factory=dict)
    anew: frozenset[str] = frozenset()


def last_published(query: Query) -> dict[Key, Result]:
    """The results of the last published run of a warehouse that held and had nothing to explain."""
    rows = query(
        f"""SELECT table_name, expectation, column_name, fingerprint, row_count, checked_at,
             coalesce(details->>'$.carried_over_from', run_id)
           FROM quality.results WHERE success AND fingerprint IS NOT NULL AND how <> 'skipped'
             AND (details->'$.explained') IS NULL AND run_id = (
             {newest_published("run_id")})"""
    ).fetchall()
    return {
        Key(*names): Result(fingerprint, count or 0, Earlier(run_id, checked_at))
        for *names, fingerprint, count, checked_at, run_id in rows
    }


# -- fingerprints -----------------------------------------------------------------------------------------------------


def helpers(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """A digest of each helper table that checks compare with, by the prefix of its name in SQL."""
    found = {}
    for prefix, sql in _HELPERS.items():
        try:
            row = connection.execute(sql).fetchone()
        except duckdb.Error:  # no such table here; a check that needs it cannot run
            continue
        found[prefix] = hashlib.sha256(str(row).encode()).hexdigest()
    return found


def fingerprint(check: Check, digests: Mapping[str, str], today: date) -> str:
    """What a result depends on beside the rows: the check's SQL and the helper tables that it reads.

    Today is no part of a check of a single row: a day that has come does not lie in the future again.
    """
    parts = [check.name, check.columns, check.unexpected, check.severity]
    parts += [digest for prefix, digest in sorted(digests.items()) if prefix in check.unexpected]
    if "{today}" in check.unexpected and not check.quarantines:
        parts.append(today.isoformat())
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


# -- what stands ------------------------------------------------------------------------------------------------------


def standing(
    target: Target, check: Check, fingerprint: str, counts: Mapping[str, int], past: Past | None
) -> Finding | None:
    """The finding on a check that need not run; None for one that must. `counts` are the rows of each table now."""
    rows = counts[target.name]
    if check.quarantines and not rows:
        return Finding(target, check, 0, 0, how="skipped", fingerprint=fingerprint)
    if past is None or target.name in past.anew:
        return None
    key, added = key_of(target, check), past.added.get(target.name, 0)
    known = past.results.get(key)
    if known is not None and known.fingerprint != fingerprint:
        known = None
    if check.quarantines:
        from_run = _of_rows(known, rows, added, past)
    elif _found_of_waiting_rows(check, key, counts, past):
        from_run = past.new_rows.checked
    else:
        unchanged = known is not None and known.row_count == rows and not _changed(target, check, past)
        from_run = known.from_run if known is not None and unchanged else None
    if from_run is None:
        return None
    return Finding(target, check, 0, rows, how="carried_over", fingerprint=fingerprint, from_run=from_run)


def _of_rows(known: Result | None, rows: int, added: int, past: Past) -> Earlier | None:
    """Where a check of single rows last looked at rows of a table, if it has looked at each of them; else None."""
    if rows == added:
        return past.new_rows.checked
    if known is None or known.row_count + added != rows:
        return None
    return past.new_rows.checked if added else known.from_run


def _changed(target: Target, check: Check, past: Past) -> bool:
    """Whether what a check of a whole table reads may be something else than before."""
    read = {f"core.{name}" for pattern in (_LOADED, _LOADED_OR_WAITING) for name in pattern.findall(check.unexpected)}
    if (target.table.schema == "core" and check.name in ALWAYS) or past.anew.intersection(
        _MARTS.findall(check.unexpected)
    ):
        return True
    return any(past.added.get(name, 0) for name in (target.name, *read))


def _found_of_waiting_rows(check: Check, key: Key, counts: Mapping[str, int], past: Past) -> bool:
    """Whether a check of rows beside each other looked at exactly the rows that are loaded now, and found nothing."""
    waited = past.new_rows.waited.get(key)
    if waited is None:
        return False

    # Of its own table a row that waits takes the place of one that is loaded, so that table must have been empty.
    was_empty = counts[key.table_name] == past.added.get(key.table_name, 0)
    together = (key.table_name, *(f"core.{name}" for name in _LOADED_OR_WAITING.findall(check.unexpected)))
    loaded = (f"core.{name}" for name in _LOADED.findall(check.unexpected))
    return (
        was_empty
        and all(waited.get(name, 0) == past.added.get(name, 0) for name in together)
        and not any(past.added.get(name, 0) for name in loaded)
    )
