"""What a mart declares, run as SQL: its checks on its rows, and its traces to the rows behind them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import duckdb
import polars as pl

from warehouse.marts.common.mart import Trace
from warehouse.tables.table import Table


def warehouse_of(frames: Mapping[str, pl.DataFrame]) -> duckdb.DuckDBPyConnection:
    """A database in memory with these tables, by full name: `core.companies`, `marts.event_study`."""
    connection = duckdb.connect()
    connection.execute("CREATE SCHEMA core; CREATE SCHEMA marts")
    for name, frame in frames.items():
        connection.register("incoming", frame.to_arrow())
        connection.execute(f"CREATE TABLE {name} AS SELECT * FROM incoming")
        connection.unregister("incoming")
    return connection


def behind(trace: Trace, mart_rows: pl.DataFrame, table_rows: pl.DataFrame) -> pl.DataFrame:
    """Pairs of a mart row and a row behind it, by the trace's own condition: columns of the latter, key as `m_...`."""
    with duckdb.connect() as connection:
        connection.register("marts_m", mart_rows)
        connection.register("table_t", table_rows)
        renamed = ", ".join(f'm."{name}" as "m_{name}"' for name in mart_rows.columns)
        return connection.execute(
            f"select {renamed}, t.* from marts_m m join table_t t on ({trace.condition})"
        ).pl()  # fmt: skip


def failing(table: Table, rows: pl.DataFrame, core: Iterable[tuple[str, pl.DataFrame]] = ()) -> dict[str, int]:
    """How many rows each check of the table finds, those that find none left out."""
    with duckdb.connect() as connection:
        connection.execute("create schema core")
        connection.register("rows_of_mart", rows)
        for name, frame in core:
            connection.register("frame", frame)
            connection.execute(f"create table core.{name} as select * from frame")
        found = {
            check.name: len(connection.execute(check.unexpected.replace("{table}", "rows_of_mart")).fetchall())
            for check in table.checks
        }
    return {name: count for name, count in found.items() if count}
