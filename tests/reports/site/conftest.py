"""Warehouses that sites are written from: the one run that all tests share, and what is left of it by other days.

`OVERBUILD_TEST_WAREHOUSE` names another file, for whoever writes a page and wants to try it without a run.
"""

from __future__ import annotations

import os
import shutil
from datetime import date
from pathlib import Path

import duckdb
import pytest

from warehouse.paths import WAREHOUSE


@pytest.fixture(scope="session")
def warehouse(request: pytest.FixtureRequest) -> Path:
    """A published warehouse; nobody writes to it."""
    given = os.environ.get("OVERBUILD_TEST_WAREHOUSE")
    if given:
        return Path(given)
    home, _ = request.getfixturevalue("published")
    return Path(home) / WAREHOUSE


@pytest.fixture
def connection(warehouse):
    with duckdb.connect(str(warehouse), read_only=True) as opened:
        yield opened


@pytest.fixture
def emptied(warehouse, tmp_path):
    """A warehouse as of 2020, in which no mart has a row: what a page shows that has nothing to show."""
    path = tmp_path / WAREHOUSE
    shutil.copyfile(warehouse, path)
    with duckdb.connect(str(path)) as opened:
        for schema, name in opened.execute("SELECT schema_name, table_name FROM duckdb_tables()").fetchall():
            if schema == "marts" and name != "assumptions":
                opened.execute(f"DELETE FROM marts.{name}")
            if schema == "core":
                opened.execute(f"DELETE FROM core.{name} WHERE known_on > DATE '2020-01-01'")
        opened.execute("UPDATE provenance.runs SET as_of = ?", [date(2020, 1, 1)])
        yield opened
