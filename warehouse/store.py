"""The one place where SQL meets the warehouse.

The warehouse is attached under one alias, so nothing else knows what kind of warehouse it is or where it lives. A run
writes to a copy of its own; rows wait in a staging database beside it until the checks let them in. `core` is append-only:
what is loaded is what was not there, column by column, so that loading a document twice adds nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from warehouse.tables import CORE, SYSTEM
from warehouse.tables.table import Table

ALIAS = "warehouse"
SCHEMAS = ("core", "marts", "quality", "provenance")
# What says how a row came here and not what it says: a second copy of the same statement is no new row.
_ABOUT_LOADING = ("loaded_at", "document_sha256", "locator")


class Store:
    """A warehouse that a run may write, with its staging area. Use `opened`."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        self.finished = False

    def finish(self) -> None:
        """Write everything to the file and let go of it."""
        if not self.finished:
            self.connection.execute(f"CHECKPOINT {ALIAS}")
            self.connection.close()
            self.finished = True

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> duckdb.DuckDBPyConnection:
        """Run one statement on a cursor of its own, so that threads do not share results."""
        return self.connection.cursor().execute(f"USE {ALIAS}").execute(sql, parameters)

    def frame(self, sql: str, parameters: Sequence[Any] = ()) -> pl.DataFrame:
        return self.execute(sql, parameters).pl()

    def scalar(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        row = self.execute(sql, parameters).fetchone()
        return row[0] if row else None

    # -- tables -------------------------------------------------------------------------------------------------

    def create(self, tables: Iterable[Table]) -> None:
        """Create what does not exist yet, with its comments."""
        for schema in SCHEMAS:
            self.execute(f"CREATE SCHEMA IF NOT EXISTS {ALIAS}.{schema}")
        for table in tables:
            for statement in table.ddl(ALIAS):
                self.execute(statement)

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

    def staged(self) -> dict[Table, int]:
        """Tables that have staged rows, and how many."""
        counts = {table: self.scalar(f"SELECT count(*) FROM staging.{table.name}") for table in CORE.values()}
        return {table: count for table, count in counts.items() if count}

    def put_aside(self, table: Table, reason: str) -> pl.DataFrame:
        """Take out of staging the rows for which the SQL expression `reason` (over alias r) is not empty.

        Gives them back with the column `reason`.
        """
        staged = f"staging.{table.name}"
        bad = self.frame(f"SELECT r.*, {reason} AS reason FROM {staged} AS r WHERE {reason} <> ''")
        if bad.height:
            self.execute(f"CREATE OR REPLACE TABLE {staged} AS SELECT r.* FROM {staged} AS r WHERE {reason} = ''")
        return bad

    def load(self, table: Table) -> int:
        """Append staged rows that `core` does not hold yet; gives how many were new."""
        said = [name for name in table.names if name not in _ABOUT_LOADING]
        same = " AND ".join(f't."{name}" IS NOT DISTINCT FROM s."{name}"' for name in said)
        names = ", ".join(f'"{name}"' for name in table.names)
        before = self.scalar(f"SELECT count(*) FROM {table.full_name}")
        self.execute(
            f"INSERT INTO {table.full_name} ({names}) SELECT {names} FROM staging.{table.name} s "
            f"WHERE NOT EXISTS (SELECT 1 FROM {table.full_name} t WHERE {same})"
        )
        return self.scalar(f"SELECT count(*) FROM {table.full_name}") - before

    # -- rows ---------------------------------------------------------------------------------------------------

    def append(self, table: Table, rows: pl.DataFrame) -> None:
        self._insert(table.full_name, table, rows)

    def replace(self, table: Table, rows: pl.DataFrame) -> None:
        """Write a mart anew."""
        self.execute(f"DROP TABLE IF EXISTS {ALIAS}.{table.full_name}")
        self.create([table])
        self._insert(table.full_name, table, rows)

    def rows(self, table: Table) -> pl.DataFrame:
        """All rows of a table, with exactly the types that it declares."""
        return table.conform(self.frame(f"SELECT * FROM {table.full_name}"))

    def _insert(self, name: str, table: Table, rows: pl.DataFrame) -> None:
        cursor = self.connection.cursor()
        cursor.execute(f"USE {ALIAS}")
        cursor.register("given", table.conform(rows).to_arrow())
        columns = ", ".join(f'"{column}"' for column in table.names)
        cursor.execute(f"INSERT INTO {name} ({columns}) SELECT {columns} FROM given")
        cursor.unregister("given")

    # -- a date's view ------------------------------------------------------------------------------------------

    def create_views(self, as_of: date, statements: Iterable[str] = ()) -> None:
        """In `main`: for each table of `core` the picked row of each thing as of a date, then the given views."""
        for table in CORE.values():
            key = ", ".join(f'"{name}"' for name in table.key)
            ties = "".join(f', "{name}"' for name in table.prefer)
            self.execute(
                f"CREATE OR REPLACE VIEW {ALIAS}.main.{table.name} AS SELECT * FROM core.{table.name} "
                f"WHERE known_on <= DATE '{as_of.isoformat()}' QUALIFY row_number() OVER (PARTITION BY {key} "
                f"ORDER BY grade, known_on DESC, loaded_at DESC{ties}, document_sha256, locator) = 1"
            )
            about = f"the picked row of each thing in core.{table.name}: {table.meaning}".replace("'", "''")
            self.execute(f"COMMENT ON VIEW {ALIAS}.main.{table.name} IS '{about}'")
        for statement in statements:
            self.execute(statement)

    def forget_after(self, as_of: date) -> None:
        """Drop from this copy what became public after a date, so that a reader of a dated warehouse cannot look ahead."""
        for table in CORE.values():
            self.execute(f"DELETE FROM {table.full_name} WHERE known_on > ?", [as_of])


@contextmanager
def opened(warehouse: Path, staging: Path) -> Iterator[Store]:
    """A writable store on the file `warehouse`, with a staging database in the file `staging`."""
    connection = duckdb.connect()
    try:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"ATTACH '{_quoted(warehouse)}' AS {ALIAS}")
        connection.execute(f"ATTACH '{_quoted(staging)}' AS staging")
        for helper in ("calendar", "bounds"):
            connection.execute(f"ATTACH ':memory:' AS {helper}")
        connection.execute(f"USE {ALIAS}")
        store = Store(connection)
        store.create([*CORE.values(), *SYSTEM.values()])
        for table in CORE.values():
            store.execute(f"CREATE OR REPLACE TABLE staging.{table.name} AS FROM {table.full_name} LIMIT 0")
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
    table: Table, rows: pl.DataFrame, *, source: str, document_sha256: str, loaded_at: datetime
) -> pl.DataFrame:
    """Parsed rows with the columns that every fact has.

    Rows that name their document keep it: one document may be made of several, and a row leads to the one that holds it.
    """
    named = "document_sha256" in rows.columns
    return table.conform(
        rows.with_columns(
            source=pl.lit(source),
            document_sha256=pl.col("document_sha256") if named else pl.lit(document_sha256),
            loaded_at=pl.lit(loaded_at),
        )
    )


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
