"""A warehouse in one small file: the same names and values, in types that need no extension, without large tables."""

from __future__ import annotations

from datetime import UTC, datetime

import duckdb
import pytest

from warehouse.database import excerpt

MADE = """
SET TimeZone = 'UTC';
CREATE SCHEMA core; CREATE SCHEMA marts;
CREATE TABLE core.prices AS SELECT 'NVDA' AS ticker, TIMESTAMPTZ '2025-01-27 21:00:00Z' AS loaded_at, [1.5, NULL] AS closes;
COMMENT ON TABLE core.prices IS 'what a share cost'; COMMENT ON COLUMN core.prices.ticker IS 'the firm''s sign';
CREATE TABLE marts.tests AS SELECT range AS n FROM range(10001);
CREATE TABLE marts.path AS SELECT range AS n FROM range(10001);
CREATE TABLE marts.bars AS SELECT range AS n FROM range(100001);
CREATE VIEW main.path AS SELECT * FROM marts.path;
CREATE VIEW main.tests AS SELECT * FROM marts.tests;
CREATE VIEW main.a_first AS SELECT ticker FROM main.prices;
CREATE VIEW main.contents AS SELECT 'marts.tests has the tests' AS holds;
COMMENT ON VIEW main.contents IS 'what there is';
"""
ASKED = "-- What do the tests say, and what the bars?\nSELECT * FROM marts.path JOIN bars USING (n)"


@pytest.fixture
def connection():
    with duckdb.connect() as made:
        made.execute(
            MADE.replace(
                "CREATE VIEW main.a_first", "CREATE VIEW main.prices AS FROM core.prices; CREATE VIEW main.a_first"
            )
        )
        yield made


def test_large_tables_come_along_only_where_a_query_reads_them(connection):
    taken = excerpt.chosen(connection, ASKED)
    assert taken.tables == {"core.prices": 1, "marts.path": 10_001}
    assert set(taken.views) == {"a_first", "contents", "path", "prices"}
    assert taken.left_out == {"marts.bars": 100_001, "marts.tests": 10_001, "tests": None}


def test_a_query_is_answered_where_it_names_nothing_that_was_left_out(connection):
    taken = excerpt.chosen(connection, ASKED)
    assert taken.answers("SELECT 'tests' FROM path -- not from tests")
    assert not taken.answers("SELECT * FROM marts.tests")
    assert not taken.answers("SELECT count(*) FROM tests")


def test_the_file_holds_the_same_values_and_meanings(connection, tmp_path):
    path = tmp_path / "it's small.duckdb"
    excerpt.write(connection, excerpt.chosen(connection, ASKED), path)
    with duckdb.connect(str(path), read_only=True) as small:
        assert small.execute("SELECT * FROM prices").fetchall() == [
            ("NVDA", datetime(2025, 1, 27, 21, tzinfo=UTC).replace(tzinfo=None), [1.5, None])
        ]
        assert small.execute("SELECT count(*) FROM path").fetchone() == (10_001,)
        assert small.execute("SELECT ticker FROM a_first").fetchall() == [("NVDA",)]
        said = small.execute(
            "SELECT comment FROM duckdb_tables() UNION ALL SELECT comment FROM duckdb_columns() WHERE column_name = 'ticker' "
            "UNION ALL SELECT comment FROM duckdb_views() WHERE view_name = 'contents'"
        ).fetchall()
        assert {comment for (comment,) in said if comment} == {"what a share cost", "the firm's sign", "what there is"}
