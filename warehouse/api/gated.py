"""A connection for programs whose queries pass the gate, whatever text reaches it.

A program that asks the warehouse may itself be asked: a notebook that others fill in, a service with a field for a query.
What is attached can be written to by the engine's own COPY, though nothing else can (`database.reading`). So what a
program is given is not the engine's connection but this, which has its ways of asking and of fetching, and no other.
"""

from __future__ import annotations

from typing import Any

from warehouse.database import reading
from warehouse.database.connection import Connection, DatabaseError
from warehouse.errors import UsageError

FETCHES = frozenset(
    """
    arrow description df fetch_arrow_table fetch_df fetch_df_chunk fetch_record_batch fetchall fetchdf fetchmany fetchnumpy
    fetchone interrupt pl query_progress rowcount to_arrow_reader to_arrow_table
    """.split()  # noqa: SIM905
)
"""What the engine's connection has to fetch rows of a query that passed, and to stop it; as it names them."""


class GatedConnection:
    """Reads one published warehouse. To be used in a `with` statement, or closed; another thread opens one of its own.

    `execute` runs a text and gives the connection itself, from which rows are fetched as from DuckDB's. `sql` and `query`
    give a relation. All raise UsageError for a statement that is no read, or cannot be run.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def execute(self, query: str, parameters: object = None) -> GatedConnection:
        """Run the statements of a text, with parameters where it reads some; the rows are those of the last one."""
        for read in reading.reads(self._connection, query):
            reading.execute(self._connection, read, parameters)
        return self

    def sql(self, query: str, *, params: object = None) -> Any:
        """The rows of one query as a relation of DuckDB, which is fetched from in the same ways."""
        read = reading.whole(self._connection, reading.one(self._connection, query))
        try:
            return self._connection.sql(read.text, params=params)
        except DatabaseError as error:
            raise reading.failure(error) from None

    query = sql

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> GatedConnection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __getattr__(self, name: str) -> Any:
        if name in FETCHES:
            return getattr(self._connection, name)
        if not name.startswith("_") and hasattr(Connection, name):
            raise UsageError(
                f"{name}: this connection reads what is published and has no {name}(); ask by execute or sql."
            )
        raise AttributeError(f"{type(self).__name__} has no {name!r}")
