"""How rows get into a table, whether of staging or of the warehouse: with exactly its columns, and facts with their ids."""

from __future__ import annotations

import polars as pl

from warehouse import sqltext
from warehouse.database import fact_ids
from warehouse.database.connection import Connection
from warehouse.tables.table import FACT_ID, Table


def insert(cursor: Connection, relation: str, table: Table, rows: pl.DataFrame) -> None:
    """Add rows of a table to a relation with its columns; facts get their ids here and nowhere else."""
    values = [fact_ids.expression(table) if n == FACT_ID else sqltext.identifier(n) for n in table.names]
    columns = sqltext.identifiers(table.names)
    cursor.register("given", (rows if rows.schema == table.polars_schema else table.conform(rows)).to_arrow())
    cursor.execute(f"INSERT INTO {relation} ({columns}) SELECT {', '.join(values)} FROM given")
    cursor.unregister("given")
