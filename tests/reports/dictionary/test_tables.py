"""Every table and view says what one row is, what its columns and values mean, and what not to add up."""

from __future__ import annotations

import pytest

from warehouse.errors import UsageError
from warehouse.reports.dictionary.tables import describe, names
from warehouse.tables.table import DUCKDB_TYPES


def test_a_name_is_found_as_a_query_writes_it():
    """Bare it is the view of current rows, with its schema the table in which several rows may speak of one thing."""
    assert describe("stock_prices").kind == describe("core.stock_prices").kind == "facts"
    assert "several may speak of one thing" in describe("core.stock_prices").grain
    assert describe("main.capex") == describe("capex")
    assert describe("marts.verdict").columns == describe("VERDICT").columns


def test_a_name_with_a_typo_is_told_its_neighbours():
    with pytest.raises(UsageError, match="Did you mean stock_prices"):
        describe("stok_prices")


@pytest.mark.parametrize("name", names())
def test_every_column_has_a_type_and_a_meaning(name):
    said = describe(name)
    assert said.meaning
    for column in said.columns:
        assert column.type in DUCKDB_TYPES, column
        assert len(column.meaning) > 3, column
