"""DuckDB under names of our own, so that rooms that hold a connection need not import the engine."""

from __future__ import annotations

import duckdb

Connection = duckdb.DuckDBPyConnection
DatabaseError = duckdb.Error


def in_memory() -> Connection:
    """A new database that no file stands behind."""
    return duckdb.connect()
