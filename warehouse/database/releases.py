"""Published warehouses as their readers open them: read-only, and locked down, because users' own SQL runs there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from warehouse.database.connection import Connection


@contextmanager
def reading(warehouse: Path) -> Iterator[Connection]:
    """A connection to a published warehouse that can write nothing and reach no file, network or setting."""
    connection = duckdb.connect(str(warehouse), read_only=True)
    try:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET python_enable_replacements = false")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        yield connection
    finally:
        connection.close()
