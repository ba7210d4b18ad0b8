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


@pytest.mark.parametrize("name", names())
def test_every_allowed_value_says_what_it_means(name):
    silent = {column.name: list(column.values) for column in describe(name).columns if not all(column.values.values())}
    assert silent == {}


def test_values_that_no_document_explained_are_explained():
    def meaning(table: str, column: str, value: str) -> str:
        return next(each for each in describe(table).columns if each.name == column).values[value]

    assert "general cloud" in meaning("gpu_prices", "provider_class", "hyperscaler")
    assert "rental price" in meaning("training_cost", "cost_scope", "final_run_rental")
    assert "without Nvidia" in meaning("event_study", "benchmark", "EW_EX_NVDA")
