"""A published warehouse in one small file that other programs of DuckDB can open: what the page that is asked in SQL reads.

The page runs an older DuckDB in a browser, which has no extension. So a time is a timestamp in UTC, JSON is text, and the
file is of a format that DuckDB has read since 1.0. Tables, views and their comments have the names of the warehouse, so
that a query gives there what it gives here. Large tables that nobody is likely to ask for stay away.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from warehouse import sqltext
from warehouse.database.connection import Connection, DatabaseError, in_memory

UNREAD_ROWS = 10_000
"""A table of more rows stays away where no ready question and no view names it."""
MOST_ROWS = 100_000
"""A table of more rows stays away in any case: years of daily prices would take longer to open than to ask elsewhere."""
FORMAT = "v1.0.0"
_SAID = re.compile(r"'(?:[^']|'')*'|--[^\n]*")
SIMPLER = {"TIMESTAMP WITH TIME ZONE": "TIMESTAMP", "JSON": "VARCHAR"}


@dataclass(frozen=True)
class Excerpt:
    """What comes along: tables by full name with their number of rows, views by name with their SQL; and what does not.

    `left_out` are full names of tables with their number of rows, and names of views that read one of them with None.
    """

    tables: Mapping[str, int]
    views: Mapping[str, str]
    left_out: Mapping[str, int | None]

    def answers(self, query: str) -> bool:
        """Whether a query names nothing that was left out."""
        return not any(_names(query, name) for name in self.left_out)


def chosen(connection: Connection, asked: str) -> Excerpt:
    """What to take of the connection's current database; `asked` is the SQL of all questions and views."""
    found = connection.execute(
        "SELECT schema_name || '.' || table_name FROM duckdb_tables() WHERE database_name = current_database() "
        "ORDER BY schema_name, table_name"
    ).fetchall()
    names = [name for (name,) in found]
    counts = " UNION ALL ".join(f"SELECT {sqltext.literal(name)}, count(*) FROM {name}" for name in names)
    rows = dict(connection.execute(counts).fetchall()) if names else {}
    views = dict(
        connection.execute(
            "SELECT view_name, sql FROM duckdb_views() WHERE database_name = current_database() AND NOT internal "
            "AND schema_name = 'main' ORDER BY view_name"
        ).fetchall()
    )
    large = {
        name: rows[name]
        for name in names
        if rows[name] > MOST_ROWS or (rows[name] > UNREAD_ROWS and not _names(asked, name))
    }
    left_out: dict[str, int | None] = dict(large)
    left_out |= {name: None for name, sql in views.items() if any(_names(sql, table) for table in large)}
    return Excerpt(
        {name: rows[name] for name in names if name not in large},
        {name: sql for name, sql in views.items() if name not in left_out},
        left_out,
    )


def write(connection: Connection, excerpt: Excerpt, path: Path) -> None:
    """Write the file, which must not exist. Raises `DatabaseError` where a view cannot be made of what came along."""
    with in_memory() as made:
        made.execute(
            f"ATTACH {sqltext.literal(path)} AS excerpt (STORAGE_VERSION {sqltext.literal(FORMAT)}); USE excerpt"
        )
        for schema in dict.fromkeys(name.partition(".")[0] for name in excerpt.tables):
            made.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        for name in excerpt.tables:
            rows = connection.execute(f"SELECT {_columns(connection, name)} FROM {name}").to_arrow_table()
            made.register("rows_of_a_table", rows)
            made.execute(f"CREATE TABLE {name} AS FROM rows_of_a_table")
            made.unregister("rows_of_a_table")
        _create_views(made, excerpt.views)
        made.execute("; ".join(["BEGIN", *_comments(connection, excerpt), "COMMIT"]))
        made.execute("CHECKPOINT excerpt; USE memory; DETACH excerpt")


def _names(query: str, name: str) -> bool:
    """Whether a query names a table or view, with its schema or bare; what it says in texts and comments does not count."""
    code = _SAID.sub(" ", query)
    return re.search(rf"\b{re.escape(name.rpartition('.')[2])}\b", code) is not None


def _columns(connection: Connection, table: str) -> str:
    """The columns of a table to select, in types that need no extension."""
    found = connection.execute(f"DESCRIBE {table}").fetchall()
    return ", ".join(
        f"{sqltext.identifier(name)}::{SIMPLER[kind]} AS {sqltext.identifier(name)}"
        if kind in SIMPLER
        else sqltext.identifier(name)
        for name, kind, *_ in found
    )


def _create_views(made: Connection, views: Mapping[str, str]) -> None:
    """Views may read each other: each round makes those that can be made by then."""
    waiting = dict(views)
    while waiting:
        refused: dict[str, DatabaseError] = {}
        for name, sql in waiting.items():
            try:
                made.execute(sql)
            except DatabaseError as error:
                refused[name] = error
        if len(refused) == len(waiting):
            raise next(iter(refused.values()))
        waiting = {name: waiting[name] for name in refused}


def _comments(connection: Connection, excerpt: Excerpt) -> list[str]:
    """What the tables, views and their columns mean, as in the warehouse."""
    kinds = {**dict.fromkeys(excerpt.tables, "TABLE"), **{f"main.{name}": "VIEW" for name in excerpt.views}}
    found = connection.execute(
        "SELECT schema_name || '.' || table_name, NULL, comment FROM duckdb_tables() WHERE database_name = current_database() "
        "UNION ALL SELECT schema_name || '.' || view_name, NULL, comment FROM duckdb_views() "
        "WHERE database_name = current_database() "
        "UNION ALL SELECT schema_name || '.' || table_name, column_name, comment FROM duckdb_columns() "
        "WHERE database_name = current_database()"
    ).fetchall()
    said = []
    for name, column, comment in found:
        if comment is None or name not in kinds:
            continue
        what = f"COLUMN {name}.{sqltext.identifier(column)}" if column else f"{kinds[name]} {name}"
        said.append(f"COMMENT ON {what} IS {sqltext.literal(comment)}")
    return said
