"""The views show the current row of each thing, the same that the marts select."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import chain

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from warehouse.database import connection, current_rows
from warehouse.marts.common.select_current import select_current
from warehouse.tables import CORE
from warehouse.tables.current import order_of_rows, order_of_sources
from warehouse.tables.table import GRADES, POLARS_TYPES, Column, Table

DAYS = [date(2025, 1, 1) + timedelta(days=n) for n in range(3)]
AS_OF = DAYS[1]
TIMES = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(microseconds=n) for n in range(2)]
VALUES = {
    "text": ["A", "a", "\u00e4", "|"], "integer": [1, 2], "real": [0.5, 2.0], "date": DAYS, "time": TIMES,
    "flag": [False, True], "json": ["{}"],
}  # fmt: skip

# One for all examples: to open a database takes longer than to ask it.
_DATABASE = connection.in_memory()
_DATABASE.execute("SET TimeZone = 'UTC'; CREATE SCHEMA core")


def values_of(table: Table, column: Column) -> st.SearchStrategy:
    """Few values for each column, so that rows often agree; of columns that nothing is ordered by, one."""
    ordered = {by.of for by in order_of_rows(table) if isinstance(by.of, str)}
    ordered |= set(chain(*(each.columns for each in table.listed)))
    if column.name == "source":
        known = table.one_source.preference if table.one_source else ()
        return st.sampled_from([*known, "reference_x", "other"])
    if column.name == "grade":
        return st.sampled_from(GRADES)
    if each := [each for each in table.listed if column.name in each.columns]:
        place = each[0].columns.index(column.name)
        return st.sampled_from([*sorted({listed[place] for listed in each[0].values})[:2], "none of them"])
    given_values = list(column.allowed)[:2] or VALUES[column.type]
    return st.sampled_from(given_values if column.name in {*table.key, *ordered} else given_values[:1])


def rows_of(table: Table) -> st.SearchStrategy:
    row = st.fixed_dictionaries({column.name: values_of(table, column) for column in table.columns})
    return st.lists(row, min_size=1, max_size=25)


@pytest.mark.parametrize("table", CORE.values(), ids=lambda table: table.name)
@given(st.data())
@settings(max_examples=examples(0.2))
def test_a_view_and_a_mart_select_the_same_rows(table, data):
    rows = data.draw(rows_of(table))
    frame = pl.DataFrame([{**row, "locator": f"line {n}"} for n, row in enumerate(rows)], schema=table.polars_schema)
    selected = select_current(frame.filter(pl.col("known_on") <= AS_OF), table)
    _DATABASE.register("given", frame.to_arrow())
    _DATABASE.execute(f"CREATE OR REPLACE TABLE {table.full_name} AS SELECT * FROM given")
    shown = table.conform(_DATABASE.execute(current_rows.query(table, AS_OF)).pl())
    assert shown.sort("locator").equals(selected.sort("locator"))


def test_every_column_that_orders_rows_is_never_null():
    """Where a null goes is a matter of the engine; no order may depend on it."""
    for table in CORE.values():
        orders = [*order_of_rows(table), *(order_of_sources(table.one_source) if table.one_source else ())]
        for by in orders:
            for name in (by.of,) if isinstance(by.of, str) else by.of.columns:
                assert table.column(name).required, (table.name, name)


def test_a_value_that_a_list_lacks_comes_last():
    listed = CORE["company_facts"].listed[0]
    first, last = dict(zip(listed.columns, listed.values[0], strict=True)), dict.fromkeys(listed.columns, "unknown")
    frame = pl.DataFrame([last, first], schema={name: POLARS_TYPES["text"] for name in listed.columns})
    assert frame.select(listed.expr).to_series().to_list() == [len(listed.values), 0]
