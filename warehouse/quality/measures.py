"""What a run measures of every table: rows, gaps, age. A feed that shrinks by a hundredth a day breaks no check.

One query a table, on a warehouse that is attached already; nothing is judged here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

import duckdb
import polars as pl

from warehouse.tables.measures import TABLE
from warehouse.tables.table import Table


def measure(
    connection: duckdb.DuckDBPyConnection,
    tables: Iterable[Table],
    *,
    run_id: str,
    today: date,
    added: Mapping[str, int],
    quarantined: Mapping[str, int],
) -> pl.DataFrame:
    """Rows of `quality.measures`. `added` and `quarantined` count rows by the full name of their table; others have none."""
    found: list[tuple[str, str, str, int]] = []
    for table in tables:
        found += _of(connection, table, today)
        if table.schema == "core":
            found.append((table.full_name, "new_rows", "", added.get(table.full_name, 0)))
            found.append((table.full_name, "quarantined", "", quarantined.get(table.full_name, 0)))
    frame = pl.DataFrame(found, schema=["table_name", "measure", "column_name", "value"], orient="row")
    return TABLE.conform(frame.with_columns(run_id=pl.lit(run_id)))


def _of(connection: duckdb.DuckDBPyConnection, table: Table, today: date) -> list[tuple[str, str, str, int]]:
    nullable = [column.name for column in table.columns if not column.required]
    asked = ["count(*)", *(f'count(*) - count("{name}")' for name in nullable)]
    if "known_on" in table.names:  # what was known always (the panel) does not age
        asked.append(f"date '{today.isoformat()}' - nullif(max(known_on), date '1970-01-01')")
    row = connection.execute(f"select {', '.join(asked)} from {table.full_name}").fetchone()
    assert row is not None
    found = [(table.full_name, "rows", "", row[0])]
    found += [(table.full_name, "nulls", name, count) for name, count in zip(nullable, row[1:], strict=False)]
    if "known_on" in table.names and row[-1] is not None:
        found.append((table.full_name, "age_days", "", row[-1]))
    return found
