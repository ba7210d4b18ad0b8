"""The one place where SQL meets a warehouse that is written.

The warehouse is attached under one alias, so nothing else knows what kind of warehouse it is or where it lives. A run
writes to a copy of its own. What it reads from documents waits in a staging database beside that copy (`staging`) until
the checks let it in (`loading`). At the end come the views (`views`), and readers open what was published (`releases`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import duckdb
import polars as pl

from warehouse import sqltext
from warehouse.database import schema
from warehouse.database.connection import ALIAS, Connection, cursor_of
from warehouse.database.insert import insert
from warehouse.database.staging import Staging
from warehouse.database.upgrade import upgrade
from warehouse.tables import CORE, SYSTEM
from warehouse.tables.table import FACT_ID, Table

SCHEMAS = ("core", "marts", "quality", "provenance")
# What DuckDB may hold in memory for each of its threads while rows are loaded; the rest goes to a file beside staging.
# Without a limit it keeps what it has read and written until four fifths of the machine's memory are full.
LOADING_MIB_A_THREAD = 192


class Database(Protocol):
    """What answers a query of a warehouse: a store, or a connection to a published one."""

    def execute(self, sql: str, /) -> Any: ...


class Store:
    """A warehouse that a run may write, with its staging area. Use `opened`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.staging = Staging(connection)
        self.finished = False

    @property
    def connection(self) -> Connection:
        """The connection, with everything written that waited."""
        self.staging.flush()
        return self._connection

    def finish(self) -> None:
        """Write everything to the file and let go of it."""
        if not self.finished:
            self.connection.execute(f"CHECKPOINT {ALIAS}")
            self._connection.close()
            self.finished = True

    def cursor(self) -> Connection:
        """A cursor of one's own, so that threads do not share results. It sees all that was staged before."""
        return cursor_of(self.connection)

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> Connection:
        """Run one statement on a cursor of its own."""
        return self.cursor().execute(sql, parameters)

    def frame(self, sql: str, parameters: Sequence[Any] = ()) -> pl.DataFrame:
        return self.execute(sql, parameters).pl()

    def scalar(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        row = self.execute(sql, parameters).fetchone()
        return row[0] if row else None

    # -- tables -------------------------------------------------------------------------------------------------

    def create(self, tables: Iterable[Table]) -> None:
        """Create what does not exist yet, with its comments."""
        schemas = [f"CREATE SCHEMA IF NOT EXISTS {ALIAS}.{schema}" for schema in SCHEMAS]
        found = set(self.execute(_COMMENTS, [ALIAS, ALIAS]).fetchall())
        wanted = [statement for table in tables if not _as_declared(table, found) for statement in table.ddl(ALIAS)]
        if wanted:
            self.execute("BEGIN; " + "; ".join([*schemas, *wanted]) + "; COMMIT")

    def put_helpers(self, sessions: pl.DataFrame, bounds: pl.DataFrame) -> None:
        """What checks compare with: the exchange's sessions, and plausible prices by chip."""
        self._put_helper("bounds.gpu_prices", bounds)
        self.put_sessions(sessions)

    def put_sessions(self, sessions: pl.DataFrame) -> None:
        """The exchange's sessions alone, in place of those that were put before."""
        self._put_helper("calendar.sessions", sessions)

    def _put_helper(self, name: str, frame: pl.DataFrame) -> None:
        cursor = self.connection.cursor()
        cursor.register("given", frame.to_arrow())
        cursor.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM given")
        cursor.unregister("given")

    # -- rows ---------------------------------------------------------------------------------------------------

    def append(self, table: Table, rows: pl.DataFrame) -> None:
        insert(self.cursor(), table.full_name, table, rows)

    def replace(self, table: Table, rows: pl.DataFrame) -> None:
        """Write a mart anew."""
        # `create` would look through the whole catalogue first, for each of dozens of marts.
        gone = f"DROP TABLE IF EXISTS {ALIAS}.{table.full_name}"
        schema = f"CREATE SCHEMA IF NOT EXISTS {ALIAS}.{table.schema}"
        self.execute("; ".join(["BEGIN", gone, schema, *table.ddl(ALIAS), "COMMIT"]))
        self.append(table, rows)

    def rows(self, table: Table) -> pl.DataFrame:
        return rows(self, table)

    # -- memory -------------------------------------------------------------------------------------------------

    def limit_memory(self, folder: Path) -> None:
        """Keep the memory of loading from growing with what is loaded; what does not fit goes to files in `folder`."""
        threads = self.scalar("SELECT current_setting('threads')")
        self.execute(f"SET temp_directory = {sqltext.literal(folder)}")
        self.execute(f"SET memory_limit = '{LOADING_MIB_A_THREAD * int(threads)}MiB'")

    def release_memory(self) -> None:
        """Lift that limit: what comes after loading looks at tables as wholes."""
        self.execute("RESET memory_limit")


def rows(database: Database, table: Table, only: str = "true") -> pl.DataFrame:
    """The rows of a table that meet a condition, with exactly its types, in an order that no order of arrival changes."""
    order = sqltext.identifiers(name for name in table.names if name != FACT_ID)
    return table.conform(database.execute(f"SELECT * FROM {table.full_name} WHERE {only} ORDER BY {order}").pl())


_COMMENTS = """
    SELECT schema_name, table_name, '', comment FROM duckdb_tables() WHERE database_name = ?
    UNION ALL
    SELECT schema_name, table_name, column_name, comment FROM duckdb_columns() WHERE database_name = ?"""


def _as_declared(table: Table, found: set[tuple[str, str, str, str]]) -> bool:
    """Whether a table exists with the comments that it declares (schema, table, column, comment)."""
    wanted = {("", table.comment), *((column.name, column.comment) for column in table.columns)}
    return all((table.schema, table.name, name, comment) in found for name, comment in wanted)


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
        schema.require_known(connection, ALIAS, warehouse)
        upgrade(connection, ALIAS, [*CORE.values(), *SYSTEM.values()])
        store.create([*CORE.values(), *SYSTEM.values()])
        schema.note(connection, ALIAS)
        store.staging.create()
        yield store
        store.finish()
    finally:
        connection.close()
