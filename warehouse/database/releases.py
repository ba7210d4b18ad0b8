"""Published warehouses as their readers open them: read-only, and locked down, because users' own SQL runs there.

Two of them can be opened at once, to see what changed from one to the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from warehouse import sqltext
from warehouse.database.connection import Connection

BEFORE, AFTER = "before", "after"
"""The names under which two published warehouses are attached to be compared."""


def connected(warehouse: Path) -> Connection:
    """A connection to a published warehouse that can write nothing and reach no file, network or setting."""
    connection = duckdb.connect(str(warehouse), read_only=True)
    _lock_down(connection)
    return connection


@contextmanager
def reading(warehouse: Path) -> Iterator[Connection]:
    """The same for a `with` statement."""
    connection = connected(warehouse)
    try:
        yield connection
    finally:
        connection.close()


def _lock_down(connection: Connection) -> None:
    """From here on it reaches no file, network, setting or variable of Python; times are UTC."""
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET python_enable_replacements = false")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


@contextmanager
def comparing(before: Path, after: Path) -> Iterator[Connection]:
    """A connection to two published warehouses, `before` and `after`; names without a catalog are those of `after`.

    Nothing can be written but temporary tables, which live in memory. The two must be different files.
    """
    connection = duckdb.connect()
    try:
        for name, path in ((BEFORE, before), (AFTER, after)):
            connection.execute(f"ATTACH {sqltext.literal(path.resolve())} AS {name} (READ_ONLY)")
        connection.execute(f"USE {AFTER}")
        _lock_down(connection)
        yield connection
    finally:
        connection.close()


@contextmanager
def beside(connection: Connection, other: Path, name: str = BEFORE) -> Iterator[None]:
    """Attach a published warehouse, read-only, to a connection that already holds another one, for as long as needed."""
    connection.execute(f"ATTACH {sqltext.literal(other.resolve())} AS {name} (READ_ONLY)")
    try:
        yield
    finally:
        connection.execute(f"DETACH {name}")
