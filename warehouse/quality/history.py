"""What the checks found in every run, and what people decided: queries over the history.

A warning that was there yesterday asks for nothing; one that is new does. So each result is compared with the last run
that made the same check, whichever it was. A run that loads nothing checks no single rows, and a refused run stops
half-way. Refused runs publish nothing, but what they found belongs to the history. It lies in files beside the
warehouse until the next run takes it in, and `opened` gives both as one. The same queries serve the command line and
the site, on any connection with the schemas `quality` and `provenance`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import duckdb

from warehouse import sqltext
from warehouse.database import releases, seals
from warehouse.paths import WAREHOUSE, Paths
from warehouse.quality import counts, decisions
from warehouse.quality.checks import STAGING
from warehouse.tables import CORE, SYSTEM
from warehouse.tables.table import DUCKDB_TYPES, Table

LAST_RUNS = 30
Row = dict[str, Any]


@contextmanager
def opened(paths: Paths) -> Iterator[duckdb.DuckDBPyConnection]:
    """The history of a home: the published one, what refused runs left since, and the decisions made since."""
    published = paths.current / WAREHOUSE
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        if releases.is_there(published):
            releases.attach(connection, published, "published")
        there = _published(connection)
        for name, table in SYSTEM.items():
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {table.schema}")
            if name == "decisions":
                for statement in table.ddl():
                    connection.execute(statement)
            else:
                connection.execute(f"CREATE VIEW {table.full_name} AS {_everywhere(connection, paths, name, there)}")
        columns = SYSTEM["decisions"].names
        for decision in decisions.read(paths):
            values = asdict(decision)
            places = ", ".join("?" for _ in columns)
            connection.execute(f"INSERT INTO quality.decisions VALUES ({places})", [values[name] for name in columns])
        yield connection


def _published(connection: duckdb.DuckDBPyConnection) -> dict[str, set[str]]:
    """The columns of each published table, by schema and name; DuckDB goes through all of them to find those of one."""
    found: dict[str, set[str]] = {}
    listed = (
        "SELECT schema_name || '.' || table_name, column_name FROM duckdb_columns() WHERE database_name = 'published'"
    )
    for name, column in connection.execute(listed).fetchall():
        found.setdefault(name, set()).add(column)
    return found


def _everywhere(
    connection: duckdb.DuckDBPyConnection, paths: Paths, name: str, published: Mapping[str, set[str]]
) -> str:
    """SQL for a history table in the published warehouse together with what refused runs left."""
    table = SYSTEM[name]
    parts = [f"SELECT {_columns(table, set())} WHERE false"]
    there = published.get(table.full_name, set())
    if there:  # a warehouse that an earlier version published may lack it
        parts.append(f"SELECT {_columns(table, there)} FROM published.{table.full_name}")
    known = " WHERE run_id NOT IN (SELECT run_id FROM published.provenance.runs)" if there else ""
    for path in sorted(paths.refused.glob(f"*/{name}.parquet")):
        file = f"read_parquet({sqltext.literal(path)})"
        try:
            there = {column for column, *_ in connection.execute(f"DESCRIBE FROM {file}").fetchall()}
        except duckdb.Error:
            continue  # damaged: the next run says so, and `overbuild doctor --verify`
        if seals.fault_of_part(path):
            continue
        parts.append(f"SELECT {_columns(table, there)} FROM {file}{known}")
    return " UNION ALL ".join(parts)


def _columns(table: Table, there: set[str]) -> str:
    """The declared columns out of those that are there; an earlier version may lack some, or name them otherwise."""
    return ", ".join(
        sqltext.identifier(column.name)
        if column.name in there
        else f"{sqltext.identifier(column.was) if column.was in there else 'NULL'}::{DUCKDB_TYPES[column.type]} "
        f"AS {sqltext.identifier(column.name)}"
        for column in table.columns
    )


def rows(connection: duckdb.DuckDBPyConnection, sql: str, parameters: Any = ()) -> list[Row]:
    found = connection.execute(sql, parameters)
    names = [name for name, *_ in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def runs(connection: duckdb.DuckDBPyConnection, last: int = LAST_RUNS) -> list[Row]:
    """The last runs, the newest first, with what `counts` says of each and how many checks did not hold (`not_held`)."""
    found = rows(
        connection,
        "SELECT run_id, started_at, source, as_of, outcome FROM provenance.runs ORDER BY started_at DESC LIMIT ?",
        [last],
    )
    of = counts.of_runs(connection, [row["run_id"] for row in found])
    made = [of.get(row["run_id"], counts.Counts()) for row in found]
    return [row | asdict(one) | {"not_held": one.not_held} for row, one in zip(found, made, strict=True)]


def results(connection: duckdb.DuckDBPyConnection, run_id: str) -> list[Row]:
    """The results of a run, those that did not hold first, each with its record.

    `of_new_rows` is true where the check looked at rows that waited to be loaded. `held_before` says whether the check held
    when it was last made before (null: never made before). `failed_runs` says in how many of the last `runs_looked_at` runs
    that made it (this one included) it did not hold.
    """
    return rows(
        connection,
        f"""
        WITH every AS (
          SELECT q.*, r.started_at, lag(q.success) OVER made AS held_before,
            count(*) OVER lately AS runs_looked_at, count(*) FILTER (NOT q.success) OVER lately AS failed_runs,
            max(r.started_at) FILTER (q.success) OVER made AS last_held_at
          FROM quality.results q JOIN provenance.runs r USING (run_id)
          WINDOW made AS (PARTITION BY table_name, expectation, column_name ORDER BY r.started_at),
            lately AS (PARTITION BY table_name, expectation, column_name ORDER BY r.started_at
              ROWS BETWEEN {LAST_RUNS - 1} PRECEDING AND CURRENT ROW)
        )
        SELECT run_id, table_name, expectation, column_name, severity, success, unexpected_count, row_count, checked_at,
          details, how, starts_with(table_name, '{STAGING}') AS of_new_rows, held_before, failed_runs, runs_looked_at, last_held_at
        FROM every WHERE run_id = ?
        ORDER BY success, severity, table_name, expectation, column_name""",
        [run_id],
    )


def found(row: Row) -> str:
    """What a result says in words; earlier versions kept it with the name of its table before it."""
    details = json.loads(row["details"])
    return str(details.get("found") or details.get("message") or details["protects"])


def changed(found: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """Of a run's results: those that fail now and held before (or are made for the first time), and the other way round."""
    new = [row for row in found if not row["success"] and row["held_before"] is not False]
    resolved = [row for row in found if row["success"] and row["held_before"] is False]
    return new, resolved


def records(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """Every check that failed in one of the last runs: how often, when last, and its counts over time.

    `holds_now` is its result when it was last made, in the run `last_made_in`. That need not be the latest run: rows that
    were loaded are not checked again, and a refused run stops half-way.
    """
    return rows(
        connection,
        f"""
        WITH lately AS (SELECT run_id, started_at FROM provenance.runs ORDER BY started_at DESC LIMIT {LAST_RUNS})
        SELECT table_name, expectation, column_name, arg_max(severity, started_at) AS severity,
          count(*) AS runs_looked_at, count(*) FILTER (NOT success) AS failed_runs,
          max(started_at) FILTER (NOT success) AS last_failed_at, arg_max(success, started_at) AS holds_now,
          arg_max(run_id, started_at) AS last_made_in,
          list(CASE WHEN success THEN 0 ELSE coalesce(unexpected_count, 1) END ORDER BY started_at) AS counts
        FROM quality.results JOIN lately USING (run_id)
        GROUP BY ALL HAVING failed_runs > 0
        ORDER BY holds_now, failed_runs DESC, table_name, expectation, column_name""",
    )


def trends(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """What the last runs measured of every table: a list of values for each measure, the oldest first."""
    return rows(
        connection,
        f"""
        WITH lately AS (SELECT run_id, started_at FROM provenance.runs ORDER BY started_at DESC LIMIT {LAST_RUNS}),
        summed AS (
          SELECT table_name, measure, run_id, started_at, sum(value)::BIGINT AS value
          FROM quality.measures JOIN lately USING (run_id) GROUP BY ALL
          UNION ALL
          SELECT table_name, 'not_held', run_id, started_at,
            sum(CASE WHEN success THEN 0 ELSE coalesce(unexpected_count, 1) END)::BIGINT
          FROM (SELECT * REPLACE (replace(table_name, 'staging.', 'core.') AS table_name) FROM quality.results)
            JOIN lately USING (run_id) GROUP BY ALL
        )
        SELECT table_name, measure, list(value ORDER BY started_at) AS "values" FROM summed
        GROUP BY ALL ORDER BY ALL""",
    )


# -- quarantined rows -------------------------------------------------------------------------------------------------

_QUARANTINED = """
  SELECT q.run_id, r.started_at AS quarantined_at, q.row_id, q.table_name, q.reason, q.reason_code,
    q.reasons, q."row", q.document_sha256, q.locator,
    d.name AS document, d.url, c.decision, c.decided_by, c.decided_at, c.reason AS decision_reason
  FROM quality.quarantine q JOIN provenance.runs r USING (run_id)
  LEFT JOIN (SELECT sha256, any_value(name) AS name, any_value(url) AS url FROM provenance.documents GROUP BY sha256) d
    ON d.sha256 = q.document_sha256
  LEFT JOIN (FROM quality.decisions QUALIFY row_number() OVER (PARTITION BY row_id ORDER BY decided_at DESC) = 1) c
    ON c.row_id = q.row_id AND c.decision <> 'withdrawn'"""
_ONCE = "QUALIFY row_number() OVER (PARTITION BY q.row_id, q.table_name ORDER BY r.started_at DESC) = 1"


def waiting(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """The rows that wait for a decision, each once.

    A row of a document that is part of the warehouse waits however long ago it was quarantined. One of a document that a
    refused run brought waits only until the next run, which brings it again or has a better document.
    """
    return rows(
        connection,
        f"""SELECT * FROM ({_QUARANTINED} {_ONCE}) WHERE decision IS NULL AND (document IS NOT NULL
        OR run_id = (SELECT arg_max(run_id, started_at) FROM provenance.runs)) ORDER BY quarantined_at, table_name, reason""",
    )


def quarantined(connection: duckdb.DuckDBPyConnection, run_id: str = "") -> list[Row]:
    """The rows that a run quarantined; without one, all that any run did, each once, with the decision about them."""
    if run_id:
        return rows(connection, f"{_QUARANTINED} WHERE q.run_id = ? ORDER BY q.table_name, q.reason", [run_id])
    return rows(connection, f"{_QUARANTINED} {_ONCE} ORDER BY r.started_at, q.table_name, q.reason")


def about(row: Row) -> str:
    """What a quarantined row is about: the fields of its table's key."""
    table, kept = CORE.get(row["table_name"].removeprefix("core.")), json.loads(row["row"])
    if table is None or not isinstance(kept, dict):
        return ""
    return ", ".join(f"{name}={kept[name]}" for name in table.key if kept.get(name) not in (None, ""))
