"""What an earlier version left in a warehouse, brought to what this version declares.

A run starts from a copy of the published warehouse, and an earlier version may have published it. Facts are never
thrown away for that. A table that has gained a column is made anew with its old rows. What those rows can say of the
new column is filled in. What a name meant otherwise is a step of `STEPS`, taken once by the version of the schema that
the warehouse carries (`warehouse.database.schema`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import duckdb

from warehouse.database import fact_ids, schema
from warehouse.sources.common.source import as_json, without_context
from warehouse.sqltext import identifier, identifiers, literal
from warehouse.tables.table import FACT_ID, SOURCE_KIND, Table

RENAMED_CHECKS = {
    "split_told_twice": "duplicate_split",
    "run_told_twice": "duplicate_run",
    "model_told_twice": "duplicate_model",
}
"""Names of checks in results of an earlier version, and their names now: a check's history goes on."""
EARLIER = "_of_an_earlier_version"
# Earlier, the beginning of a source's name said of which kind it is.
_KIND_BY_NAME = "CASE WHEN starts_with(source, 'reference_') THEN 'reference' ELSE 'live' END"


def upgrade(connection: duckdb.DuckDBPyConnection, catalog: str, tables: Iterable[Table]) -> None:
    """Give existing tables the columns that they lack, and take the steps from the version that the warehouse has."""
    version, _ = schema.version_of(connection, catalog)
    found = connection.execute(
        "SELECT schema_name || '.' || table_name, column_name FROM duckdb_columns() WHERE database_name = ?", [catalog]
    ).fetchall()
    held: dict[str, set[str]] = {}
    for table, column in found:
        held.setdefault(table, set()).add(column)
    for declared in tables:
        columns = held.get(declared.full_name)
        if columns is not None and not columns.issuperset(declared.names):
            connection.execute("BEGIN")
            _make_anew(connection, catalog, declared, columns)
            connection.execute("COMMIT")
    for to, step in STEPS.items():
        if version < to:
            step(connection, catalog, set(held))


def _checks_have_new_names(connection: duckdb.DuckDBPyConnection, catalog: str, held: set[str]) -> None:
    """Version 1 had other names for some checks and for one measure."""
    if "quality.measures" in held:
        connection.execute(f"UPDATE {catalog}.quality.measures SET measure = 'quarantined' WHERE measure = 'put_aside'")
    if "quality.results" in held:
        for before, now in RENAMED_CHECKS.items():
            connection.execute(
                f"UPDATE {catalog}.quality.results SET expectation = ? WHERE expectation = ?", [now, before]
            )


STEPS: dict[int, Callable[[duckdb.DuckDBPyConnection, str, set[str]], None]] = {2: _checks_have_new_names}
"""What brings a warehouse to a version of the schema from the one before it, in their order."""


def _make_anew(connection: duckdb.DuckDBPyConnection, catalog: str, table: Table, held: set[str]) -> None:
    place = f"{catalog}.{table.full_name}"
    before = f"{catalog}.{table.schema}.{identifier(table.name + EARLIER)}"
    connection.execute(f"ALTER TABLE {place} RENAME TO {identifier(table.name + EARLIER)}")
    rows = before
    known = {column.name: identifier(column.name) for column in table.columns if column.name in held}
    known |= {column.name: identifier(column.was) for column in table.columns if column.was in held}
    if SOURCE_KIND.name in table.names and SOURCE_KIND.name not in held:  # a fact's name may be made of it, too
        rows = f"(SELECT *, rowid, {_KIND_BY_NAME} AS {SOURCE_KIND.name} FROM {before})"
        known[SOURCE_KIND.name] = identifier(SOURCE_KIND.name)
    if FACT_ID in table.names:
        known[FACT_ID] = fact_ids.expression(table)
    if table.full_name == "provenance.documents" and "context" not in held:
        _split_addresses(connection, before)
        known["context"] = "context"
    for statement in table.ddl(catalog):
        connection.execute(statement)
    connection.execute(
        f"INSERT INTO {place} ({identifiers(known)}) SELECT {', '.join(known.values())} FROM {rows} ORDER BY rowid"
    )
    connection.execute(f"DROP TABLE {before}")


def _split_addresses(connection: duckdb.DuckDBPyConnection, documents: str) -> None:
    """Earlier, the context of a document was written into its address."""
    connection.execute(f"ALTER TABLE {documents} ADD COLUMN context VARCHAR")
    for (written,) in connection.execute(f"SELECT DISTINCT url FROM {documents}").fetchall():
        url, context = (literal(text) for text in _split(written))
        connection.execute(f"UPDATE {documents} SET url = {url}, context = {context} WHERE url = {literal(written)}")


def _split(written: str) -> tuple[str, str]:
    url, context = without_context(written)
    return url, as_json(context)
