"""DuckDB under names of our own, so that rooms that hold a connection need not import the engine."""

from __future__ import annotations

import duckdb
import polars as pl

from warehouse import sqltext
from warehouse.database import fact_ids
from warehouse.tables.table import FACT_ID, Table

Connection = duckdb.DuckDBPyConnection
DatabaseError = duckdb.Error

ALIAS = "warehouse"
"""The name under which a warehouse that is written is attached."""


def in_memory() -> Connection:
    """A new database that no file stands behind."""
    return duckdb.connect()


def cursor_of(connection: Connection) -> Connection:
    """A cursor on the attached warehouse, so that threads do not share results."""
    return connection.cursor().execute(f"USE {ALIAS}")


def insert(cursor: Connection, relation: str, table: Table, rows: pl.DataFrame) -> None:
    """Add rows of a table to a relation with its columns; facts get their ids here and nowhere else."""
    values = [fact_ids.expression(table) if n == FACT_ID else sqltext.identifier(n) for n in table.names]
    columns = sqltext.identifiers(table.names)
    cursor.register("given", (rows if rows.schema == table.polars_schema else table.conform(rows)).to_arrow())
    cursor.execute(f"INSERT INTO {relation} ({columns}) SELECT {', '.join(values)} FROM given")
    cursor.unregister("given")
