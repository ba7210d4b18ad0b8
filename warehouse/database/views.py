"""The views of a warehouse: in `main` one row for each thing, the current one as of the date of the answer.

Whoever asks `select * from stock_prices` wants one bar for each day, not every bar that any source ever sent. Marts
select the same rows in Polars (`warehouse.marts.common.select_current`), by the same declared order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from warehouse import sqltext
from warehouse.database.connection import ALIAS
from warehouse.database.store import Store
from warehouse.tables import CORE
from warehouse.tables.current import By, order_of_rows, order_of_sources
from warehouse.tables.table import Table


def create(store: Store, as_of: date, statements: Iterable[str] = ()) -> None:
    """For each table of `core` the view of its current rows as of a date, then the views of the given statements."""
    for table in CORE.values():
        view = f"{ALIAS}.main.{table.name}"
        about = f"the current row of each thing in {table.full_name}: {table.meaning}"
        store.execute(f"CREATE OR REPLACE VIEW {view} AS {current_rows(table, as_of)}")
        store.execute(f"COMMENT ON VIEW {view} IS {sqltext.literal(about)}")
    for statement in statements:
        store.execute(statement)


def drop_what_became_public_after(store: Store, as_of: date) -> None:
    """Drop from this copy the facts of later days, so that a reader of a dated warehouse cannot look ahead."""
    for table in CORE.values():
        store.execute(f"DELETE FROM {table.full_name} WHERE known_on > ?", [as_of])


def current_rows(table: Table, as_of: date) -> str:
    """A query for the current row of each thing in a table of `core` as of a date."""
    known = f"known_on <= DATE {sqltext.literal(as_of)}"
    return (
        f"SELECT * FROM {table.full_name} WHERE {known}{_of_one_source(table, known)} QUALIFY row_number() OVER ("
        f"PARTITION BY {sqltext.identifiers(table.key)} ORDER BY {_order_by(order_of_rows(table))}) = 1"
    )


def _of_one_source(table: Table, known: str) -> str:
    """A further condition that leaves one source for each series of a table."""
    if (rule := table.one_source) is None:
        return ""
    series = sqltext.identifiers(rule.of)
    order = _order_by(order_of_sources(rule), largest=("grade", rule.along))
    return (
        f" AND ({series}, source) IN (SELECT ({series}, source) FROM {table.full_name} WHERE {known} "
        f"GROUP BY {series}, source QUALIFY row_number() OVER (PARTITION BY {series} ORDER BY {order}) = 1)"
    )


def _order_by(order: Iterable[By], largest: Sequence[str] = ()) -> str:
    """An order as SQL; of the columns in `largest` their largest value in a group."""
    parts = []
    for by in order:
        if isinstance(by.of, str):
            value = f"max({sqltext.identifier(by.of)})" if by.of in largest else sqltext.identifier(by.of)
        else:
            value = by.of.sql
        parts.append(f"{value} {'DESC' if by.highest_first else 'ASC'} NULLS LAST")
    return ", ".join(parts)
