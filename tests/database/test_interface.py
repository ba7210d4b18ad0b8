"""Every name that users rely on is there in a published warehouse, in any program that opens the file."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from tests.interface import TABLES, VIEWS
from tests.runs import query
from warehouse import marts
from warehouse.database.releases import reading
from warehouse.paths import WAREHOUSE
from warehouse.tables import CORE


@pytest.fixture(scope="module")
def columns(published) -> dict[str, set[str]]:
    """The columns of each table and view by full name, and which of them say what they mean."""
    home, _ = published
    found: dict[str, set[str]] = {}
    for schema, table, column in query(home, "SELECT schema_name, table_name, column_name FROM duckdb_columns()"):
        found.setdefault(f"{schema}.{table}", set()).add(column)
    return found


@pytest.mark.parametrize("name", TABLES)
def test_every_promised_table_and_column_is_published(name, columns):
    assert set(TABLES[name]) <= columns[name]


@pytest.mark.parametrize("name", VIEWS)
def test_every_promised_view_gives_rows(name, published):
    home, _ = published
    [(rows,)] = query(home, f"SELECT count(*) FROM {name}")
    assert rows


@pytest.mark.parametrize("name", [name for name in TABLES if name.startswith("marts.")])
def test_a_mart_is_found_by_its_bare_name(name, published):
    """By any program that opens the file, and by our own reader, which may reach nothing else."""
    home, _ = published
    bare, whole = (query(home, f"SELECT count(*) FROM {table}") for table in (name.removeprefix("marts."), name))
    assert bare == whole
    with reading(home / WAREHOUSE) as connection:
        assert connection.execute(f"SELECT count(*) FROM {name.removeprefix('marts.')}").fetchall() == whole


@pytest.mark.parametrize("name", CORE)
def test_current_rows_cost_a_scan_and_no_window(name, published):
    """With a window over all facts, to count bars cost 80 times as much as now, and 4,000 times at 100 times the bars."""
    home, _ = published
    [(_, plan)] = query(home, f"EXPLAIN SELECT * FROM {name}")
    assert "SCAN" in plan
    assert not {word for word in ("WINDOW", "JOIN", "GROUP_BY", "ORDER_BY") if word in plan}


@pytest.mark.parametrize("name", CORE)
def test_what_was_current_on_the_day_of_the_answer_is_what_the_view_shows(name, published):
    home, _ = published
    of_day = f"FROM {name}_as_of('2026-11-09')"
    assert query(home, f"SELECT count(*) FROM (FROM {name} EXCEPT ALL {of_day})") == [(0,)]
    assert query(home, f"SELECT count(*) FROM ({of_day} EXCEPT ALL FROM {name})") == [(0,)]


def test_every_mart_has_a_bare_name_and_none_hides_a_table_of_facts():
    assert not set(marts.all_marts()) & set(CORE)


def test_every_view_and_every_column_of_a_readers_view_says_what_it_is(published):
    home, _ = published
    assert query(home, "SELECT view_name FROM duckdb_views() WHERE NOT internal AND comment IS NULL") == []
    readers = sorted(path.stem for path in (Path(__file__).parents[2] / "sql" / "views").glob("*.sql"))
    silent = query(home, f"SELECT table_name, column_name FROM duckdb_columns() WHERE table_name IN {tuple(readers)} "
                         "AND schema_name = 'main' AND comment IS NULL")  # fmt: skip
    assert silent == []


def test_the_age_of_a_source_is_counted_to_the_day_of_the_answer(published):
    """Bars end on 22 July 2026; the answer is as of 9 November, 110 days later."""
    home, _ = published
    rows = query(home, "SELECT source, newest_fact_on, as_of, age_days, tables FROM source_age")
    found = {source: values for source, *values in rows}
    newest, as_of, age, tables = found["reference_prices"]
    assert (newest, as_of, age) == (date(2026, 7, 22), date(2026, 11, 9), 110)
    assert as_of - timedelta(days=age) == newest
    assert tables == ["corporate_actions", "stock_prices"]
    assert [values[2] for values in found.values()] == sorted((values[2] for values in found.values()), reverse=True)


def test_the_age_of_sources_looks_at_every_table_of_facts(published):
    home, _ = published
    [(listed,)] = query(home, "SELECT list_sort(list_distinct(flatten(list(tables)))) FROM source_age")
    filled = [name for name in CORE if query(home, f"SELECT count(*) FROM core.{name}") != [(0,)]]
    assert listed == sorted(filled)
    statement = (Path(__file__).parents[2] / "sql" / "views" / "source_age.sql").read_text(encoding="utf-8")
    assert [name for name in CORE if f"FROM core.{name}\n" not in statement] == []


def test_a_view_that_is_not_there_is_an_error_and_not_an_empty_answer(published):
    home, _ = published
    with pytest.raises(duckdb.CatalogException):
        query(home, "SELECT * FROM source_ages")
