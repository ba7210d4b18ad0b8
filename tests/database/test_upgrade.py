"""A warehouse of an earlier version goes on: what a check found keeps its place under the check's new name."""

from __future__ import annotations

import duckdb

from warehouse.database.upgrade import RENAMED_CHECKS, upgrade
from warehouse.tables import CORE, SYSTEM


def test_results_follow_a_renamed_check():
    results = SYSTEM["results"]
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA quality")
        for statement in results.ddl("memory"):
            connection.execute(statement)
        for run, name in enumerate((*RENAMED_CHECKS, "unit_as_elsewhere")):
            connection.execute(
                f"INSERT INTO {results.full_name} (run_id, table_name, expectation, column_name, severity, success, "
                "checked_at, details) VALUES (?, 'core.evidence', ?, '', 'warning', true, now(), '{}')",
                [str(run), name],
            )
        upgrade(connection, "memory", [results])
        upgrade(connection, "memory", [results])
        found = {name for (name,) in connection.execute(f"SELECT expectation FROM {results.full_name}").fetchall()}
    assert found == {*RENAMED_CHECKS.values(), "unit_as_elsewhere"}


def test_every_new_name_is_a_check_of_today():
    names = {check.name for table in CORE.values() for check in table.checks}
    assert set(RENAMED_CHECKS.values()) <= names
    assert not set(RENAMED_CHECKS) & names
