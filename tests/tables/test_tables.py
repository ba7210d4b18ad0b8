"""One declaration, and everything derived from it says the same."""

import duckdb
import polars as pl
import pytest

from tests.interface import TABLES
from warehouse import marts
from warehouse.tables import CORE, SYSTEM
from warehouse.tables.table import DUCKDB_TYPES, Column, Table, core

ALL = [*CORE.values(), *SYSTEM.values(), *(mart.table for mart in marts.all_marts().values())]


@pytest.mark.parametrize("name", TABLES)
def test_promised_tables_and_columns_exist(name):
    table = {table.full_name: table for table in ALL}[name]
    assert set(TABLES[name]) <= set(table.names)


@pytest.mark.parametrize("table", CORE.values(), ids=lambda t: t.name)
def test_every_fact_says_who_says_so_and_since_when(table):
    for name in ("known_on", "loaded_at", "source", "citation", "document_sha256", "locator", "grade"):
        assert table.column(name).required


@pytest.mark.parametrize("table", ALL, ids=lambda t: t.full_name)
def test_ddl_comments_and_polars_schema_agree_with_the_declaration(table):
    connection = duckdb.connect()
    connection.execute(f"CREATE SCHEMA {table.schema}")
    for statement in table.ddl():
        connection.execute(statement)
    described = connection.execute(
        "SELECT column_name, data_type, comment FROM duckdb_columns() WHERE table_name = ? ORDER BY column_index",
        [table.name],
    ).fetchall()
    types = {"TIMESTAMP WITH TIME ZONE": "TIMESTAMPTZ"}
    assert [(name, types.get(kind, kind), comment) for name, kind, comment in described] == [
        (column.name, DUCKDB_TYPES[column.type], column.comment) for column in table.columns
    ]
    (about,) = connection.execute("SELECT comment FROM duckdb_tables()").fetchone()
    assert about == table.comment
    assert about.startswith(table.meaning)
    read_back = connection.execute(f"SELECT * FROM {table.full_name}").pl()
    assert table.conform(read_back).schema == table.polars_schema


@pytest.mark.parametrize("table", ALL, ids=lambda t: t.full_name)
def test_every_column_says_what_it_means(table):
    for column in table.columns:
        assert len(column.meaning) > 3, column.name
    assert table.key


def test_a_table_that_names_an_unknown_key_is_refused():
    with pytest.raises(ValueError, match="does not declare: nobody"):
        core("t", "a table", [Column("a", "text", "a column")], key=("nobody",))


def test_conform_loses_no_column_silently():
    table = Table("core", "t", "a table", (Column("a", "integer", "a number"),), key=("a",))
    with pytest.raises(ValueError, match="does not declare b"):
        table.conform(pl.DataFrame({"a": [1], "b": [2]}))
