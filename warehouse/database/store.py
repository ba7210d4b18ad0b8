"""The one place where SQL meets the warehouse.

The warehouse is attached under one alias, so nothing else knows what kind of warehouse it is or where it lives. A run
writes to a copy of its own; rows wait in a staging database beside it until the checks let them in. `core` is append-only:
what is loaded is what was not there, column by column, so that loading a document twice adds nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from warehouse import sqltext
from warehouse.database import fact_ids
from warehouse.database.upgrade import upgrade
from warehouse.sources.common.source import Source
from warehouse.tables import CORE, SYSTEM
from warehouse.tables.table import ABOUT_LOADING, FACT_ID, PROVENANCE, Table

ALIAS = "warehouse"
SCHEMAS = ("core", "marts", "quality", "provenance")
_LIVE = "source_kind = 'live'"
CONTRADICTION = "says otherwise than an earlier row of the same source about the same thing on the same day"
# Rows of whole documents wait in memory until there are so many, then go to staging together: a statement for each
# document costs more than its rows do.
WAITING_ROWS = 50_000
# Rows of staging that DuckDB may hold in memory before they are written to its file.
UNWRITTEN_ROWS = 300_000
# What DuckDB may hold in memory for each of its threads while rows are loaded; the rest goes to a file beside staging.
# Without a limit it keeps what it has read and written until four fifths of the machine's memory are full.
LOADING_MIB_A_THREAD = 192
# Vendors send prices in single precision, whose last digit differs from one answer to the next.
ROUNDING = 1e-6


class Store:
    """A warehouse that a run may write, with its staging area. Use `opened`."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._lock = threading.RLock()
        self._waiting: dict[str, tuple[Table, list[pl.DataFrame]]] = {}
        self._records: dict[Table, list[dict[str, Any]]] = {}
        self._waiting_rows = self._unwritten_rows = 0
        self.finished = False

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The connection, with everything written that waited."""
        self.flush()
        return self._connection

    def finish(self) -> None:
        """Write everything to the file and let go of it."""
        if not self.finished:
            self.connection.execute(f"CHECKPOINT {ALIAS}")
            self._connection.close()
            self.finished = True

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> duckdb.DuckDBPyConnection:
        """Run one statement on a cursor of its own, so that threads do not share results. It sees all that was staged."""
        return self._cursor().execute(sql, parameters)

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        return self.connection.cursor().execute(f"USE {ALIAS}")

    def frame(self, sql: str, parameters: Sequence[Any] = ()) -> pl.DataFrame:
        return self.execute(sql, parameters).pl()

    def scalar(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        row = self.execute(sql, parameters).fetchone()
        return row[0] if row else None

    # -- tables -------------------------------------------------------------------------------------------------

    def create(self, tables: Iterable[Table]) -> None:
        """Create what does not exist yet, with its comments."""
        schemas = [f"CREATE SCHEMA IF NOT EXISTS {ALIAS}.{schema}" for schema in SCHEMAS]
        said = set(self.execute(_COMMENTS, [ALIAS, ALIAS]).fetchall())
        wanted = [statement for table in tables if not _as_declared(table, said) for statement in table.ddl(ALIAS)]
        if wanted:
            self.execute("BEGIN; " + "; ".join([*schemas, *wanted]) + "; COMMIT")

    def put_helpers(self, sessions: pl.DataFrame, bounds: pl.DataFrame) -> None:
        """What checks compare with: the exchange's sessions, and plausible prices by chip."""
        for name, frame in (("calendar.sessions", sessions), ("bounds.gpu_prices", bounds)):
            cursor = self.connection.cursor()
            cursor.register("given", frame.to_arrow())
            cursor.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM given")
            cursor.unregister("given")

    # -- staging ------------------------------------------------------------------------------------------------

    def stage(self, table: Table, rows: pl.DataFrame) -> None:
        """Add rows (all columns of the table) to the table's staging area."""
        self._insert(f"staging.{table.name}", table, rows)

    @contextmanager
    def one_document(self) -> Iterator[Callable[[Table, pl.DataFrame], None]]:
        """Stage the rows of one document: all of them, or none where it fails half way.

        They wait in memory for those of other documents, unless there are many of them: then they go to staging as they
        come, in a transaction of their own.
        """
        document = _Staging(self)
        try:
            yield document.stage
        except BaseException:
            document.undo()
            raise
        document.done()

    def record(self, table: Table, row: dict[str, Any]) -> None:
        """Append one row, together with others that wait."""
        with self._lock:
            self._records.setdefault(table, []).append(row)

    def flush(self) -> None:
        """Write the rows that wait: those of staging in one transaction, then the records of their documents."""
        with self._lock:
            if not (self._waiting or self._records):
                return
            waiting, self._waiting, self._waiting_rows = self._waiting, {}, 0
            records, self._records = self._records, {}
            cursor = self._connection.cursor().execute(f"USE {ALIAS}").execute("BEGIN")
            for name, (table, frames) in waiting.items():
                self._insert(name, table, pl.concat(frames, rechunk=False), cursor)
            cursor.execute("COMMIT")
            self._unwritten_rows += sum(frame.height for _, frames in waiting.values() for frame in frames)
            if self._unwritten_rows > UNWRITTEN_ROWS:
                self._write_staging()
            for table, rows in records.items():
                self._insert(table.full_name, table, pl.DataFrame(rows, schema=table.polars_schema), cursor)

    def _write_staging(self) -> None:
        """Let staging's rows go from memory to its file; another time where a transaction is under way."""
        with suppress(duckdb.TransactionException):
            self._connection.cursor().execute("CHECKPOINT staging")
            self._unwritten_rows = 0

    def _wait(self, rows: Sequence[tuple[Table, pl.DataFrame]]) -> None:
        """Let the rows of a whole document wait for others."""
        with self._lock:
            for table, frame in rows:
                self._waiting.setdefault(f"staging.{table.name}", (table, []))[1].append(frame)
                self._waiting_rows += frame.height
            if self._waiting_rows > WAITING_ROWS:
                self.flush()

    def staged(self) -> dict[Table, int]:
        """Tables that have staged rows, and how many."""
        counting = " UNION ALL ".join(f"SELECT '{name}', count(*) FROM staging.{name}" for name in CORE)
        counts = dict(self.execute(counting).fetchall())
        return {table: counts[name] for name, table in CORE.items() if counts[name]}

    def put_aside(self, table: Table, reason: str) -> pl.DataFrame:
        """Take out of staging the rows for which the SQL expression `reason` (over alias r) is not empty.

        Gives them back with the column `reason`.
        """
        staged = f"staging.{table.name}"
        bad = self.frame(f"SELECT r.*, {reason} AS reason FROM {staged} AS r WHERE {reason} <> ''")
        if bad.height:
            self.execute(f"CREATE OR REPLACE TABLE {staged} AS SELECT r.* FROM {staged} AS r WHERE {reason} = ''")
        return bad

    def put_places_aside(self, table: Table, places: pl.DataFrame) -> pl.DataFrame:
        """Take out of staging the rows at `places` (document_sha256, locator, reason); gives them back with `reason`."""
        staged = f"staging.{table.name}"
        first = places.unique(["document_sha256", "locator"], keep="first", maintain_order=True)
        cursor = self.connection.cursor().execute(f"USE {ALIAS}")
        cursor.register("places", first.to_arrow())
        try:
            bad = cursor.execute(f"SELECT * FROM {staged} JOIN places USING (document_sha256, locator)").pl()
            cursor.execute(f"DELETE FROM {staged} s USING places p "
                           "WHERE s.document_sha256 = p.document_sha256 AND s.locator = p.locator")  # fmt: skip
        finally:
            cursor.unregister("places")
        return bad

    def put_contradictions_aside(self, table: Table) -> pl.DataFrame:
        """Take out of staging what a live source says otherwise than before, of the same thing and the same day.

        The first stands; the others are given back with the column `reason`. A table that `restates` has its own way.
        """
        if table.restates:
            return pl.DataFrame()
        staged = f"staging.{table.name}"
        identity = sqltext.identifiers(table.identity)
        said = sqltext.identifiers(name for name in table.names if name not in ABOUT_LOADING)
        of_these = f"source IN (SELECT DISTINCT source FROM {staged}) AND {_LIVE}"
        again = self.scalar(
            f"SELECT count(*) > count(DISTINCT it) FROM (SELECT hash({identity}) AS it FROM {table.full_name} "
            f"WHERE {of_these} UNION ALL SELECT hash({identity}) FROM {staged} WHERE {_LIVE})"
        )
        if not again:  # each thing is spoken of once
            return pl.DataFrame()
        found = f"""
            WITH every AS (
              SELECT {identity}, row({said}) AS said, false AS staged, rowid AS place FROM {table.full_name}
              WHERE {of_these}
              UNION ALL SELECT {identity}, row({said}), true, rowid FROM {staged} WHERE {_LIVE}
            )
            SELECT place FROM (
              SELECT *, first_value(said) OVER (PARTITION BY {identity} ORDER BY staged, place) AS first FROM every
            ) WHERE staged AND said <> first"""
        bad = self.frame(f"SELECT *, '{CONTRADICTION}' AS reason FROM {staged} WHERE rowid IN ({found})")
        if bad.height:
            self.execute(f"CREATE OR REPLACE TABLE {staged} AS SELECT * FROM {staged} WHERE rowid NOT IN ({found})")
        return bad

    def drop_document(self, table: Table, document_sha256: str) -> None:
        """Take all rows of a document out of a table's staging area."""
        self.execute(f"DELETE FROM staging.{table.name} WHERE document_sha256 = ?", [document_sha256])

    def load(self, table: Table) -> int:
        """Append staged rows that `core` does not hold yet; gives how many were new.

        What several documents say alike is taken from the first of them, as if they had been loaded one by one. A live
        document that repeats itself says it once; a reference file that does is faulty, and the checks will tell.
        """
        if table.restates:
            return self._load_restated(table)
        said = [name for name in table.names if name not in ABOUT_LOADING]
        partition = sqltext.identifiers(said)
        same = " AND ".join(f't."{name}" IS NOT DISTINCT FROM s."{name}"' for name in said)
        names = sqltext.identifiers(table.names)
        first = (
            f"WINDOW w AS (PARTITION BY {partition} ORDER BY rowid) "
            f"QUALIFY CASE WHEN {_LIVE} THEN row_number() OVER w = 1 "
            "ELSE document_sha256 = first_value(document_sha256) OVER w END"
        )
        repeats, several = self.execute(
            f"SELECT count(*) > count(DISTINCT hash({partition})), count(DISTINCT source) > 1 FROM staging.{table.name}"
        ).fetchall()[0]
        before = self.scalar(f"SELECT count(*) FROM {table.full_name}")
        self.execute(
            f"INSERT INTO {table.full_name} ({names}) SELECT {names} FROM staging.{table.name} s "
            + (f"WHERE NOT EXISTS (SELECT 1 FROM {table.full_name} t WHERE {same}) " if before else "")
            + (f"{first} " if repeats else "")
            + ("ORDER BY source, rowid" if several or repeats or before else "")  # else it is in this order already
        )
        return self.scalar(f"SELECT count(*) FROM {table.full_name}") - before

    def _load_restated(self, table: Table) -> int:
        """Append the staged rows that say something new about their thing.

        Of rows with one identity those of the first document stand. A row whose figures are those that its source gave
        before for the same thing (within rounding) adds nothing, however often a history is fetched. What one document
        says twice stays twice: the checks find it.
        """
        about = (*(column.name for column in PROVENANCE), *table.key)
        figures = [column for column in table.columns if column.name not in about]
        names = sqltext.identifiers(table.names)
        identity = sqltext.identifiers(table.identity)
        thing = sqltext.identifiers((*table.key, "source"))
        before = ", ".join(f'lag("{c.name}") OVER w AS "{c.name} before"' for c in figures)
        same = " AND ".join(
            f'coalesce(abs("{c.name}" - "{c.name} before") <= {ROUNDING} * abs("{c.name} before"), '
            f'"{c.name}" IS NOT DISTINCT FROM "{c.name} before")'
            if c.type == "real"
            else f'"{c.name}" IS NOT DISTINCT FROM "{c.name} before"'
            for c in figures
        )
        key = sqltext.identifiers(table.key)
        held = self.scalar(f"SELECT count(*) FROM {table.full_name}")
        self.execute(
            f"""INSERT INTO {table.full_name} ({names})
            WITH said AS (
              SELECT {names}, false AS staged FROM {table.full_name} SEMI JOIN staging.{table.name} USING ({key})
              UNION ALL SELECT {names}, true FROM staging.{table.name}
            ), first AS (
              SELECT * FROM said
              QUALIFY rank() OVER (PARTITION BY {identity} ORDER BY staged, loaded_at, document_sha256) = 1
            ), compared AS (
              SELECT *, {before},
                coalesce(lag(document_sha256) OVER w <> document_sha256 OR lag(known_on) OVER w <> known_on, false) AS again
              FROM first WINDOW w AS (PARTITION BY {thing} ORDER BY known_on)
            )
            SELECT {names} FROM compared WHERE staged AND NOT (again AND {same})"""
        )
        return self.scalar(f"SELECT count(*) FROM {table.full_name}") - held

    def limit_memory(self, folder: Path) -> None:
        """Keep the memory of loading from growing with what is loaded; what does not fit goes to files in `folder`."""
        threads = self.scalar("SELECT current_setting('threads')")
        self.execute(f"SET temp_directory = {sqltext.literal(folder)}")
        self.execute(f"SET memory_limit = '{LOADING_MIB_A_THREAD * int(threads)}MiB'")

    def release_memory(self) -> None:
        """Lift that limit: what comes after loading looks at tables as wholes."""
        self.execute("RESET memory_limit")

    # -- rows ---------------------------------------------------------------------------------------------------

    def append(self, table: Table, rows: pl.DataFrame) -> None:
        self._insert(table.full_name, table, rows)

    def replace(self, table: Table, rows: pl.DataFrame) -> None:
        """Write a mart anew."""
        self.execute(f"DROP TABLE IF EXISTS {ALIAS}.{table.full_name}")
        self.create([table])
        self._insert(table.full_name, table, rows)

    def rows(self, table: Table) -> pl.DataFrame:
        """All rows of a table, with exactly the types that it declares, in an order that no order of arrival changes."""
        order = sqltext.identifiers(name for name in table.names if name != FACT_ID)
        return table.conform(self.frame(f"SELECT * FROM {table.full_name} ORDER BY {order}"))

    def _insert(
        self, name: str, table: Table, rows: pl.DataFrame, cursor: duckdb.DuckDBPyConnection | None = None
    ) -> None:
        cursor = cursor or self._cursor()
        cursor.register("given", (rows if rows.schema == table.polars_schema else table.conform(rows)).to_arrow())
        values = [fact_ids.expression(table) if n == FACT_ID else sqltext.identifier(n) for n in table.names]
        columns = sqltext.identifiers(table.names)
        cursor.execute(f"INSERT INTO {name} ({columns}) SELECT {', '.join(values)} FROM given")
        cursor.unregister("given")

    # -- a date's view ------------------------------------------------------------------------------------------

    def create_views(self, as_of: date, statements: Iterable[str] = ()) -> None:
        """In `main`: for each table of `core` the current row of each thing as of a date, then the given views."""
        for table in CORE.values():
            key = sqltext.identifiers(table.key)
            listed = "".join(f"{each.sql}, " for each in table.listed)
            ties = "".join(f', "{name}"' for name in table.prefer)
            known = f"known_on <= DATE {sqltext.literal(as_of)}"
            self.execute(
                f"CREATE OR REPLACE VIEW {ALIAS}.main.{table.name} AS SELECT * FROM core.{table.name} "
                f"WHERE {known}{_of_one_source(table, known)} QUALIFY row_number() OVER (PARTITION BY {key} "
                f"ORDER BY grade, known_on DESC, {listed}loaded_at DESC{ties}, document_sha256, locator) = 1"
            )
            about = f"the current row of each thing in core.{table.name}: {table.meaning}"
            self.execute(f"COMMENT ON VIEW {ALIAS}.main.{table.name} IS {sqltext.literal(about)}")
        for statement in statements:
            self.execute(statement)

    def forget_after(self, as_of: date) -> None:
        """Drop from this copy what became public after a date, so that a reader of a dated warehouse cannot look ahead."""
        for table in CORE.values():
            self.execute(f"DELETE FROM {table.full_name} WHERE known_on > ?", [as_of])


class _Staging:
    """The rows of one document on their way to staging."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._rows: list[tuple[Table, pl.DataFrame]] = []
        self._height = 0
        self._cursor: duckdb.DuckDBPyConnection | None = None

    def stage(self, table: Table, rows: pl.DataFrame) -> None:
        self._rows.append((table, table.conform(rows)))
        self._height += rows.height
        if self._height > WAITING_ROWS or self._cursor is not None:
            self._write()

    def _write(self) -> None:
        if self._cursor is None:
            self._cursor = self._store._cursor().execute("BEGIN")
        for table, rows in self._rows:
            self._store._insert(f"staging.{table.name}", table, rows, self._cursor)
        self._rows = []

    def undo(self) -> None:
        if self._cursor is not None:
            self._cursor.execute("ROLLBACK")

    def done(self) -> None:
        if self._cursor is not None:
            self._cursor.execute("COMMIT")
            self._store._write_staging()
        else:
            self._store._wait(self._rows)


_COMMENTS = """
    SELECT schema_name, table_name, '', comment FROM duckdb_tables() WHERE database_name = ?
    UNION ALL
    SELECT schema_name, table_name, column_name, comment FROM duckdb_columns() WHERE database_name = ?"""


def _as_declared(table: Table, said: set[tuple[str, str, str, str]]) -> bool:
    """Whether a table exists with the comments that it declares (schema, table, column, comment)."""
    wanted = {("", table.meaning), *((column.name, column.comment) for column in table.columns)}
    return all((table.schema, table.name, name, comment) in said for name, comment in wanted)


@contextmanager
def opened(warehouse: Path, staging: Path) -> Iterator[Store]:
    """A writable store on the file `warehouse`, with a staging database in the file `staging`."""
    connection = duckdb.connect()
    try:
        connection.execute("SET TimeZone = 'UTC'")
        # Both are the run's own and thrown away where it fails: they need no log, and staging no tidy file at the end.
        connection.execute(f"ATTACH {sqltext.literal(warehouse)} AS {ALIAS} (RECOVERY_MODE NO_WAL_WRITES)")
        connection.execute(f"ATTACH {sqltext.literal(staging)} AS staging (RECOVERY_MODE NO_WAL_WRITES)")
        connection.execute("PRAGMA disable_checkpoint_on_shutdown")
        for helper in ("calendar", "bounds"):
            connection.execute(f"ATTACH ':memory:' AS {helper}")
        connection.execute(f"USE {ALIAS}")
        store = Store(connection)
        store.limit_memory(staging.with_suffix(".spill"))
        upgrade(connection, ALIAS, [*CORE.values(), *SYSTEM.values()])
        store.create([*CORE.values(), *SYSTEM.values()])
        store.execute(
            "; ".join(
                f"CREATE OR REPLACE TABLE staging.{table.name} AS FROM {table.full_name} LIMIT 0"
                for table in CORE.values()
            )
        )
        yield store
        store.finish()
    finally:
        connection.close()


@contextmanager
def reading(warehouse: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A read-only connection to a published warehouse, locked down: no writing, no files, no network, no settings."""
    connection = duckdb.connect(str(warehouse), read_only=True)
    try:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET python_enable_replacements = false")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        yield connection
    finally:
        connection.close()


def provenance(
    table: Table, rows: pl.DataFrame, *, source: Source, document_sha256: str, loaded_at: datetime
) -> pl.DataFrame:
    """Parsed rows with the columns that every fact has.

    Rows that name their document keep it: one document may be made of several, and a row leads to the one that holds it.
    """
    named = "document_sha256" in rows.columns
    added = {"source": pl.lit(source.name), "source_kind": pl.lit(source.kind), "loaded_at": pl.lit(loaded_at)}
    return table.conform(rows, added if named else added | {"document_sha256": pl.lit(document_sha256)})


def _of_one_source(table: Table, known: str) -> str:
    """SQL that leaves one source for each series of a table, the same as `select_current.from_one_source` does."""
    if (rule := table.one_source) is None:
        return ""
    series = sqltext.identifiers(rule.of)
    ranks = sqltext.literals(rule.preference)
    rank = f"coalesce(list_position([{ranks}], source), {len(rule.preference) + 1})" if ranks else "0"
    return (
        f" AND ({series}, source) IN (SELECT ({series}, source) FROM core.{table.name} WHERE {known} "
        f"GROUP BY {series}, source QUALIFY row_number() OVER (PARTITION BY {series} "
        f'ORDER BY max(grade), max("{rule.along}") DESC, {rank}, source) = 1)'
    )
