"""What is kept as current is what a window over all facts finds, in whatever order these came."""

from __future__ import annotations

import json
from datetime import date, timedelta
from itertools import chain
from unittest.mock import patch

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import with_provenance
from tests.database.test_views import DAYS, rows_of
from tests.examples import examples
from warehouse import sqltext
from warehouse.database import connection, current_rows
from warehouse.tables import CORE
from warehouse.tables.table import Table

PRICES = CORE["stock_prices"]


def database_of(table: Table) -> connection.Connection:
    database = connection.in_memory()
    database.execute(f"SET TimeZone = 'UTC'; CREATE SCHEMA core; {table.ddl()[0]}")
    return database


def add(database: connection.Connection, table: Table, rows: pl.DataFrame) -> None:
    database.register("given", rows.to_arrow())
    database.execute(f"INSERT INTO {table.full_name} BY NAME SELECT * FROM given")
    database.unregister("given")


def shown(database: connection.Connection, table: Table, as_of: date) -> pl.DataFrame:
    kept = current_rows.maintain(database, as_of, {table.name: table})[table.name]
    return table.conform(database.execute(kept).pl())


# A series of one source, an order by a list, and a key of many columns; the others are chosen by a part of these rules.
@pytest.mark.parametrize("name", ["stock_prices", "company_facts", "gpu_prices"])
@given(st.data())
@settings(max_examples=examples(0.2))
def test_loads_in_any_order_as_of_any_days_keep_what_the_window_finds(name, data):
    """A load may correct, restate, come from another source, or hold what a person took out of the quarantine: all are rows
    that come later. The day of the answer may go back, as it does in a run without a network."""
    table, by_parts = CORE[name], data.draw(st.sampled_from([0.25, 100]))
    with database_of(table) as database, patch.object(current_rows, "MOST_BY_PARTS", by_parts):
        for number in range(data.draw(st.integers(1, 4))):
            rows = data.draw(st.one_of(st.just([]), rows_of(table)))
            named = [{**row, "locator": f"line {number}.{place}"} for place, row in enumerate(rows)]
            add(database, table, pl.DataFrame(named, schema=table.polars_schema))
            as_of = data.draw(st.sampled_from(DAYS))
            expected = table.conform(database.execute(current_rows.query(table, as_of)).pl())
            assert shown(database, table, as_of).sort("locator").equals(expected.sort("locator"))


@pytest.mark.parametrize("name", ["stock_prices", "company_facts", "gpu_prices"])
@given(st.data())
@settings(max_examples=examples(0.2))
def test_what_was_current_on_a_day_is_what_the_window_over_all_facts_finds(name, data):
    """For the whole table and for one thing: a condition around the query takes nothing from what it chooses among."""
    table, day = CORE[name], data.draw(st.sampled_from(DAYS))
    rows = data.draw(rows_of(table))
    frame = pl.DataFrame([{**row, "locator": f"line {n}"} for n, row in enumerate(rows)], schema=table.polars_schema)
    only = sqltext.identifiers(table.one_source.of if table.one_source else table.key[:1])
    condition = f" WHERE {only} = {sqltext.literal(frame.get_column(table.key[0])[0])}"
    with database_of(table) as database:
        add(database, table, frame)
        for about in ("", condition):
            expected = database.execute(f"FROM ({current_rows.query(table, day)}){about} ORDER BY locator").pl()
            asked = current_rows.as_of_query(table, f"DATE '{day}'")
            assert database.execute(f"FROM ({asked}){about} ORDER BY locator").pl().equals(expected)


def test_what_was_current_of_one_ticker_is_looked_for_among_its_bars_alone():
    """Rows are counted where the plan filters by the day: those of the ticker, and not those of all."""
    with database_of(PRICES) as database:
        for ticker in "ABCDE":
            add(database, PRICES, bars(300, ticker=ticker))
        asked = current_rows.as_of_query(PRICES, "DATE '2025-03-01'")
        database.execute(
            "PRAGMA enable_profiling = 'no_output'; SET profiling_coverage = 'ALL'; "
            """SET custom_profiling_settings = '{"OPERATOR_CARDINALITY": "true", "OPERATOR_TYPE": "true"}'"""
        )
        assert len(database.execute(f"FROM ({asked}) WHERE ticker = 'C'").fetchall()) == 60
        plan, rows = [json.loads(database.get_profiling_information("json"))], {}
        while plan:
            node = plan.pop()
            plan += node.get("children", [])
            rows.setdefault(node.get("operator_type", ""), []).append(node.get("operator_cardinality", 0))
        assert max(chain(*rows.values())) == 60, rows


def bars(days: int, *, ticker: str = "A", source: str = "yahoo", close: float = 10.0, first: date = date(2025, 1, 1)):
    days_of = [first + timedelta(days=n) for n in range(days)]
    frame = pl.DataFrame({"ticker": ticker, "date": days_of, "known_on": days_of, "close": close, "volume": 1})
    prices = [pl.lit(close).alias(name) for name in ("open", "high", "low", "adj_close")]
    return with_provenance(PRICES, frame.with_columns(*prices, source=pl.lit(source), source_kind=pl.lit("live")))


class Counting:
    """A database that counts the rows that statements write."""

    def __init__(self, database: connection.Connection) -> None:
        self.database, self.statements = database, []

    def execute(self, sql: str) -> connection.Connection:
        self.statements.append(sql)
        return self.database.execute(sql)

    def named(self, word: str) -> list[str]:
        return [sql for sql in self.statements if word in sql]


def test_facts_of_which_each_is_current_are_kept_once():
    with database_of(PRICES) as database:
        add(database, PRICES, bars(30))
        add(database, PRICES, bars(30, ticker="B", source="tiingo"))
        for day, apart in ((date(2026, 1, 1), False), (date(2025, 1, 29), True), (date(2025, 1, 30), False)):
            kept = current_rows.maintain(database, day, {"stock_prices": PRICES})
            assert kept == {"stock_prices": f"SELECT * FROM {'current_rows' if apart else 'core'}.stock_prices"}
            names = database.execute(
                "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'current_rows'"
            ).fetchall()
            assert (("stock_prices",) in names) is apart


def test_one_new_bar_among_restated_ones_is_found_without_the_window_over_all():
    last = date(2026, 1, 1)
    with database_of(PRICES) as database:
        add(database, PRICES, bars(40))
        restated = bars(20, close=11.0).with_columns(known_on=pl.lit(date(2025, 3, 1)))
        add(database, PRICES, restated)
        assert shown(database, PRICES, last)["close"].sum() == 20 * 11.0 + 20 * 10.0
        add(database, PRICES, bars(1, close=12.0, first=date(2025, 3, 2)))
        counting = Counting(database)
        assert shown(counting, PRICES, last)["close"].sum() == 20 * 11.0 + 20 * 10.0 + 12.0
        assert not counting.named("CREATE OR REPLACE TABLE current_rows.stock_prices")
        assert counting.named("INSERT INTO current_rows.stock_prices")
        again = Counting(database)
        shown(again, PRICES, last)
        assert not again.named("row_number()")


def test_a_source_that_reaches_further_takes_the_whole_series_over():
    last = date(2026, 1, 1)
    with database_of(PRICES) as database:
        for ticker in "ABCDEFGH":
            add(database, PRICES, bars(10, ticker=ticker))
        add(database, PRICES, bars(9, ticker="H", source="tiingo", close=20.0))
        assert set(shown(database, PRICES, last)["source"]) == {"yahoo"}
        add(database, PRICES, bars(2, ticker="H", source="tiingo", close=20.0, first=date(2025, 1, 10)))
        found = shown(database, PRICES, last)
        assert found.filter(source="tiingo").select("ticker", "close").unique().rows() == [("H", 20.0)]
        assert found.filter(ticker="H").height == 11


def test_facts_that_were_taken_out_are_no_longer_shown():
    last = date(2026, 1, 1)
    with database_of(PRICES) as database:
        add(database, PRICES, pl.concat([bars(3), bars(3, close=11.0).with_columns(grade=pl.lit("B"))]))
        assert shown(database, PRICES, last)["close"].to_list() == [10.0] * 3
        database.execute("DELETE FROM core.stock_prices WHERE close = 10")
        assert shown(database, PRICES, last)["close"].to_list() == [11.0] * 3
