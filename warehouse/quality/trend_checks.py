"""What one run cannot see by itself: a feed that shrank, and a source that is older than its schedule promises.

Every row of a list that was cut in half may be right. So each run is compared with those before it. The rows of every
table are held against the last run of its kind. The rows of a live source are held against what it used to give for as
many documents, and its last success against its schedule. All are warnings: a list may really have shrunk, and an old
answer with its age is better than none. The packaged snapshot has no schedule.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import polars as pl

from warehouse.fetching import schedules
from warehouse.sources import all_sources
from warehouse.tables.results import TABLE as RESULTS
from warehouse.tables.runs import IS_PUBLISHED

FRESH, ROWS, READ = "fresh_as_scheduled", "rows_against_the_last_run", "rows_read_as_before"
LOST_SHARE = 0.2
"""A table that lost more than this share of its rows since the last run of its kind."""
LOST_OF_SOURCE = 0.5
RUNS_TO_COMPARE = 3
PROTECTS = {
    FRESH: "an answer from data older than their schedule promises must say so",
    ROWS: "facts are never taken away and marts do not shrink by a fifth overnight: a part was lost on the way",
    READ: "a list that gives half of the rows that it gave before for as many documents was cut short",
}
Query = Callable[..., Any]


def results(query: Query, *, run_id: str, live: bool, now: datetime) -> pl.DataFrame:
    """Rows of `quality.results`, one for each table and live source. `query` runs SQL on the warehouse of the run."""
    found = _rows(query, run_id, live)
    if live:
        found += [*_read(query, run_id), *_fresh(query, now)]
    rows = [
        {
            "run_id": run_id,
            "table_name": table,
            "expectation": check,
            "column_name": column,
            "severity": "warning",
            "success": not message,
            "unexpected_count": int(bool(message)),
            "row_count": count,
            "checked_at": now,
            "how": "ran",
            "details": json.dumps(_details(check, message), ensure_ascii=False),
        }
        for check, table, column, count, message in found
    ]
    return RESULTS.conform(pl.DataFrame(rows, schema=RESULTS.polars_schema))


def warnings(found: pl.DataFrame) -> list[str]:
    return [json.loads(details)["message"] for details in found.filter(~pl.col("success"))["details"]]


def _details(check: str, message: str) -> dict[str, str]:
    details = {"protects": PROTECTS[check]}
    return details | {"outcome": "warning", "message": message, "found": message} if message else details


Found = list[tuple[str, str, str, int | None, str]]


def _rows(query: Query, run_id: str, live: bool) -> Found:
    """Each table's rows now against those that the last published run of the same kind measured."""
    before = query(
        f"""SELECT m.table_name, m.value, m.run_id FROM quality.measures m WHERE m.measure = 'rows' AND m.run_id = (
             SELECT r.run_id FROM provenance.runs r JOIN quality.measures USING (run_id)
             WHERE r.{IS_PUBLISHED} AND r.source = ? AND r.run_id <> ?
             ORDER BY r.started_at DESC LIMIT 1)""",
        ["live" if live else "reference", run_id],
    ).fetchall()
    there = {
        name for (name,) in query("SELECT table_schema || '.' || table_name FROM information_schema.tables").fetchall()
    }
    found: Found = []
    for table, rows, earlier in before:
        now = query(f"SELECT count(*) FROM {table}").fetchone()[0] if table in there else 0
        lost = now < (1 - LOST_SHARE) * rows
        said = f"{table}: {now:,} rows, and {rows:,} in run {earlier}. {_sentence(ROWS)}" if lost else ""
        found.append((ROWS, table, "", now, said))
    return found


def _read(query: Query, run_id: str) -> Found:
    """What each live source gave in this run against its runs with as many new documents."""
    compared = query(
        f"""SELECT n.source, n.rows_read, n.new_documents, median(b.rows_read), count(*)
            FROM provenance.source_runs n JOIN provenance.source_runs b USING (source, new_documents)
            WHERE n.run_id = ? AND b.run_id <> n.run_id AND b.outcome = 'good' AND n.new_documents > 0
            GROUP BY ALL HAVING count(*) >= {RUNS_TO_COMPARE}""",
        [run_id],
    ).fetchall()
    found: Found = []
    for source, rows, documents, usual, _ in compared:
        lost = rows < LOST_OF_SOURCE * usual
        said = (
            f"{source}: {rows:,} rows from {documents} new documents, where {usual:,.0f} are usual. {_sentence(READ)}"
            if lost
            else ""
        )
        found.append((READ, _table_of(source), source, rows, said))
    return found


def _fresh(query: Query, now: datetime) -> Found:
    """Each live source that ever answered, against the schedule that asks it."""
    last = dict(query("SELECT source, max(last_success_at) FROM provenance.source_runs GROUP BY source").fetchall())
    found: Found = []
    for source in all_sources():
        entry, success = schedules.entry_of(source), last.get(source.name)
        if entry is None or success is None:
            continue
        said = ""
        if schedules.stale(entry, success, now):
            said = (
                f"{source.name}: last whole on {success:%Y-%m-%d %H:%M} UTC, due since {entry.next_due(success):%Y-%m-%d %H:%M} "
                f"UTC by the schedule {entry.name}. {_sentence(FRESH)}"
            )
        found.append((FRESH, f"core.{source.tables[0]}", source.name, None, said))
    return found


def _table_of(name: str) -> str:
    return next((f"core.{source.tables[0]}" for source in all_sources() if source.name == name), "core")


def _sentence(check: str) -> str:
    return f"{PROTECTS[check][:1].upper()}{PROTECTS[check][1:]}."
