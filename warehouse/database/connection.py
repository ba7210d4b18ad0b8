"""DuckDB under names of our own, so that rooms that hold a connection need not import the engine.

A query on the published warehouse needs this file and no frame: importing Polars here would double its time.
"""

from __future__ import annotations

import duckdb

Connection = duckdb.DuckDBPyConnection
DatabaseError = duckdb.Error

ALIAS = "warehouse"
"""The name under which a warehouse that is written is attached."""
METADATA_OF = "__ducklake_metadata_"
"""How the name begins under which DuckLake attaches a lake's own tables in PostgreSQL."""
BEHIND_VIEWS = "current_rows"
"""The schema of what views of `main` read and nobody need ask for by name."""


def in_memory() -> Connection:
    """A new database that no file stands behind."""
    return duckdb.connect()


def cursor_of(connection: Connection) -> Connection:
    """A cursor on the attached warehouse, so that threads do not share results."""
    return connection.cursor().execute(f"USE {ALIAS}")
