"""Where the rows of documents wait until the checks have seen them.

A document is staged whole or not at all, because half a price list looks like a fall in prices. Most documents are small
(one company's filings, one ticker's bars), and a statement for each would cost more than its rows do. So rows of whole
documents wait in memory and go to the staging database together; a document of many rows goes there as it comes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import duckdb
import polars as pl

from warehouse.database.connection import Connection, cursor_of
from warehouse.database.insert import insert
from warehouse.tables import CORE
from warehouse.tables.table import Table

# Rows that wait in memory before they are written together.
WAITING_ROWS = 50_000
# Rows of staging that DuckDB may hold in memory before they are written to its file.
UNWRITTEN_ROWS = 300_000


def relation(table: Table) -> str:
    """The table of staging where the rows of a table wait."""
    return f"staging.{table.name}"


class Staging:
    """The staging area of a store. Every other statement of the store sees what was added here (`flush`)."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = threading.RLock()
        self._waiting: dict[Table, list[pl.DataFrame]] = {}
        self._records: dict[Table, list[dict[str, Any]]] = {}
        self._waiting_rows = self._unwritten_rows = 0

    def create(self) -> None:
        """An empty staging area for every table of `core`."""
        tables = (f"CREATE OR REPLACE TABLE {relation(t)} AS FROM {t.full_name} LIMIT 0" for t in CORE.values())
        self.cursor().execute("; ".join(tables))

    def cursor(self) -> Connection:
        """A cursor that sees all that was staged before."""
        self.flush()
        return cursor_of(self._connection)

    # -- in -----------------------------------------------------------------------------------------------------

    def add(self, table: Table, rows: pl.DataFrame) -> None:
        """Add rows with all columns of the table."""
        insert(self.cursor(), relation(table), table, rows)

    @contextmanager
    def one_document(self) -> Iterator[Callable[[Table, pl.DataFrame], None]]:
        """Stage the rows of one document: all of them, or none where it fails half way.

        They wait in memory for those of other documents, unless there are many of them. Then they go to staging as they
        come, in a transaction of their own.
        """
        document = _Document(self)
        try:
            yield document.stage
        except BaseException:
            document.undo()
            raise
        document.done()

    def record(self, table: Table, row: dict[str, Any]) -> None:
        """Append one row to a table of the warehouse, together with others that wait."""
        with self._lock:
            self._records.setdefault(table, []).append(row)

    def wait(self, rows: Sequence[tuple[Table, pl.DataFrame]]) -> None:
        """Let the rows of a whole document wait for others."""
        with self._lock:
            for table, frame in rows:
                self._waiting.setdefault(table, []).append(frame)
                self._waiting_rows += frame.height
            if self._waiting_rows > WAITING_ROWS:
                self.flush()

    def flush(self) -> None:
        """Write the rows that wait: those of staging in one transaction, then the records of their documents."""
        with self._lock:
            if not (self._waiting or self._records):
                return
            waiting, self._waiting, self._waiting_rows = self._waiting, {}, 0
            records, self._records = self._records, {}
            writing = cursor_of(self._connection).execute("BEGIN")
            for table, frames in waiting.items():
                insert(writing, relation(table), table, pl.concat(frames, rechunk=False))
            writing.execute("COMMIT")
            self._unwritten_rows += sum(frame.height for frames in waiting.values() for frame in frames)
            if self._unwritten_rows > UNWRITTEN_ROWS:
                self.write()
            for table, rows in records.items():
                insert(writing, table.full_name, table, pl.DataFrame(rows, schema=table.polars_schema))

    def write(self) -> None:
        """Let staging's rows go from memory to its file; another time where a transaction is under way."""
        with suppress(duckdb.TransactionException):
            cursor_of(self._connection).execute("CHECKPOINT staging")
            self._unwritten_rows = 0

    # -- what waits ---------------------------------------------------------------------------------------------

    def counts(self) -> dict[Table, int]:
        """Tables that have staged rows, and how many."""
        counting = " UNION ALL ".join(f"SELECT '{t.name}', count(*) FROM {relation(t)}" for t in CORE.values())
        counts = dict(self.cursor().execute(counting).fetchall())
        return {table: counts[name] for name, table in CORE.items() if counts[name]}

    # -- out ----------------------------------------------------------------------------------------------------

    def take(self, table: Table, places: Sequence[int]) -> pl.DataFrame:
        """Take out the rows at these places of staging (`rowid`); gives them back in this order."""
        chosen = f"FROM {relation(table)} WHERE rowid IN (SELECT unnest(?))"
        bad = self.cursor().execute(f"SELECT * {chosen} ORDER BY rowid", [places]).pl()
        self.cursor().execute(f"DELETE {chosen}", [places])
        return bad

    def take_places(self, table: Table, places: Sequence[tuple[str, str]]) -> pl.DataFrame:
        """Take out the rows at these places of documents (document_sha256, locator); gives them back."""
        staged = relation(table)
        given = self.cursor()
        given.register("places", pl.DataFrame(places, schema=["document_sha256", "locator"], orient="row").to_arrow())
        try:
            bad = given.execute(f"SELECT * FROM {staged} SEMI JOIN places USING (document_sha256, locator)").pl()
            given.execute(f"DELETE FROM {staged} s USING places p "
                           "WHERE s.document_sha256 = p.document_sha256 AND s.locator = p.locator")  # fmt: skip
        finally:
            given.unregister("places")
        return bad

    def drop_document(self, table: Table, document_sha256: str) -> None:
        """Drop all rows of a document that wait for a table."""
        self.cursor().execute(f"DELETE FROM {relation(table)} WHERE document_sha256 = ?", [document_sha256])


class _Document:
    """The rows of one document on their way to staging."""

    def __init__(self, staging: Staging) -> None:
        self._staging = staging
        self._rows: list[tuple[Table, pl.DataFrame]] = []
        self._height = 0
        self._cursor: Connection | None = None

    def stage(self, table: Table, rows: pl.DataFrame) -> None:
        self._rows.append((table, table.conform(rows)))
        self._height += rows.height
        if self._height > WAITING_ROWS or self._cursor is not None:
            self._write()

    def _write(self) -> None:
        if self._cursor is None:
            self._cursor = self._staging.cursor().execute("BEGIN")
        for table, rows in self._rows:
            insert(self._cursor, relation(table), table, rows)
        self._rows = []

    def undo(self) -> None:
        if self._cursor is not None:
            self._cursor.execute("ROLLBACK")

    def done(self) -> None:
        if self._cursor is not None:
            self._cursor.execute("COMMIT")
            self._staging.write()
        else:
            self._staging.wait(self._rows)
