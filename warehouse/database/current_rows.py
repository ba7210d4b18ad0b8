"""The current row of each thing, kept beside the facts: what a view of `main` shows costs what a table costs.

Most tables have things with several rows: corrected later, said by a second source, restated. To find the current ones
takes a window over the whole table. Each query of a view would pay for that, whatever it asks for. So they are found once,
when a run publishes, and kept in the schema `current_rows`. They are sorted by their key: a query for one ticker reads
the few blocks that hold it. A table whose things have one row each keeps nothing, and its view is the table itself.

A run finds anew the rows of those things alone of which something was loaded, or became public, since the run before. What
is kept follows from the facts alone, so a warehouse that is restored from the archive has it again.

The warehouse has a function for what was current on another day: `stock_prices_as_of(DATE '2025-01-27')`. It finds the rows
by windows (`as_of_query`), each within one thing or its series. So DuckDB looks for the asked-for ticker first, and then
among its rows alone. A join with the series' sources would group the whole table for one ticker.

A column beside the facts would take less of the disk. But each reader of `core`, each check of its columns and each
comparison of two warehouses would have to know that this one column changes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from warehouse import sqltext
from warehouse.database.connection import BEHIND_VIEWS
from warehouse.tables import CORE
from warehouse.tables.current import By, order_of_rows, order_of_sources
from warehouse.tables.table import Table

SCHEMA = BEHIND_VIEWS
KEPT = f"{SCHEMA}.kept"
TOUCHED = f"{SCHEMA}.touched"
MOST_BY_PARTS = 0.25
"""Where more of a table's things than this have changed, all are found anew."""


class Database(Protocol):
    """What runs SQL in the warehouse: a store, or a connection that uses it. Each may use another cursor for a statement."""

    def execute(self, sql: str, /) -> Any: ...


@dataclass(frozen=True)
class _State:
    """Of which facts the kept rows of a table are the current ones: of its first `rows`, known by `as_of`, by a `rule`."""

    rows: int
    as_of: date
    rule: str
    apart: bool
    """Whether they are kept apart from the facts; else every fact is current."""


def maintain(database: Database, as_of: date, tables: Mapping[str, Table] = CORE) -> dict[str, str]:
    """Bring what is kept up to the facts known by a date; gives a query for the current rows of each table by its name."""
    database.execute(
        f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}; CREATE TABLE IF NOT EXISTS {KEPT} "
        "(table_name VARCHAR, rows BIGINT, as_of DATE, rule VARCHAR, apart BOOLEAN); "
        f"COMMENT ON TABLE {KEPT} IS 'of which facts the tables beside this one hold the current rows'"
    )
    found = database.execute(f"SELECT table_name, rows, as_of, rule, apart FROM {KEPT}").fetchall()
    states = {name: _State(*state) for name, *state in found}
    return {name: _maintained(database, table, as_of, states.get(name)) for name, table in tables.items()}


def query(table: Table, as_of: date, only: str = "") -> str:
    """A query that finds the current row of each thing in a table of `core` as of a date; `only` is a further condition."""
    known = f"known_on <= DATE {sqltext.literal(as_of)}"
    return (
        f"SELECT * FROM {table.full_name} AS facts WHERE {known}{only}{_of_one_source(table, known)} "
        f"QUALIFY row_number() OVER (PARTITION BY {sqltext.identifiers(table.key)} "
        f"ORDER BY {_order_by(order_of_rows(table))}) = 1"
    )


def as_of_query(table: Table, day: str) -> str:
    """The same rows as `query`, as of a day that is an SQL expression. A condition on the key may stand around it: DuckDB
    applies it to the facts before it looks for what is current, so that few rows cost little.
    """
    found = f"SELECT * FROM {table.full_name} WHERE known_on <= {day}"
    if (rule := table.one_source) is not None:
        series = sqltext.identifiers(rule.of)
        best = {name: f"best {name}" for name in ("grade", rule.along)}
        named = ", ".join(
            f"max({sqltext.identifier(name)}) OVER (PARTITION BY {series}, source) AS {sqltext.identifier(of_source)}"
            for name, of_source in best.items()
        )
        order = _order_by(
            By(best.get(by.of, by.of), by.highest_first) if isinstance(by.of, str) else by
            for by in order_of_sources(rule)
        )
        found = (
            f"SELECT * EXCLUDE ({sqltext.identifiers(best.values())}) FROM (SELECT *, {named} FROM ({found})) "
            f"QUALIFY dense_rank() OVER (PARTITION BY {series} ORDER BY {order}) = 1"
        )
    return (
        f"SELECT * FROM ({found}) QUALIFY row_number() OVER (PARTITION BY {sqltext.identifiers(table.key)} "
        f"ORDER BY {_order_by(order_of_rows(table))}) = 1"
    )


# -- one table --------------------------------------------------------------------------------------------------------


def _maintained(database: Database, table: Table, as_of: date, before: _State | None) -> str:
    counted = f"SELECT count(*), coalesce(max(rowid) + 1, 0) FROM {table.full_name}"
    rows, places = database.execute(counted).fetchall()[0]
    rule = _rule(table)
    if before is not None and (before.rule != rule or rows < before.rows or rows != places):
        before = None  # facts were taken out, or are chosen in another way
    if before is not None and (before.rows, before.as_of) == (rows, as_of):
        return _shown(table, before.apart)
    by_parts = before if before is not None and before.apart else None
    apart = by_parts is not None or not _is_all_current(database, table, as_of)
    if apart and (by_parts is None or not _by_parts(database, table, as_of, by_parts)):
        _all_anew(database, table, as_of)
    if apart:  # a fact that was still to come, and is known now, may have been all that told them apart
        apart = database.execute(f"SELECT count(*) < {rows} FROM {SCHEMA}.{table.name}").fetchall()[0][0]
    if not apart:
        database.execute(f"DROP TABLE IF EXISTS {SCHEMA}.{table.name}")
    _note(database, table, _State(rows, as_of, rule, apart))
    return _shown(table, apart)


def _shown(table: Table, apart: bool) -> str:
    return f"SELECT * FROM {SCHEMA}.{table.name}" if apart else f"SELECT * FROM {table.full_name}"


def _is_all_current(database: Database, table: Table, as_of: date) -> bool:
    """Whether each thing has one row, known by the date (and each series one source)."""
    sources = "true"
    if table.one_source is not None:
        series = sqltext.identifiers(table.one_source.of)
        sources = f"count(DISTINCT hash({series}, source)) = count(DISTINCT hash({series}))"
    known = f"coalesce(max(known_on) <= DATE {sqltext.literal(as_of)}, true)"
    things = f"count(DISTINCT hash({sqltext.identifiers(table.key)}))"
    sql = f"SELECT count(*) = {things} AND {sources} AND {known} FROM {table.full_name}"
    return bool(database.execute(sql).fetchall()[0][0])


def _all_anew(database: Database, table: Table, as_of: date) -> None:
    place = f"{SCHEMA}.{table.name}"
    about = sqltext.literal(
        f"the rows that the view {table.name} shows: the current one of each thing in {table.full_name}"
    )
    database.execute(
        f"CREATE OR REPLACE TABLE {place} AS {query(table, as_of)} ORDER BY {sqltext.identifiers(table.key)}; "
        f"COMMENT ON TABLE {place} IS {about}"
    )


def _by_parts(database: Database, table: Table, as_of: date, before: _State) -> bool:
    """Find anew the current rows of the things that were touched since; False where these are too many for that."""
    key, place = sqltext.identifiers(table.key), f"{SCHEMA}.{table.name}"
    days = sqltext.literals(sorted((as_of, before.as_of)))
    early, late = (f"DATE {day}" for day in days.split(", "))
    touched = [
        f"SELECT {key} FROM {table.full_name} WHERE rowid >= {before.rows} "
        f"UNION SELECT {key} FROM {table.full_name} WHERE known_on > {early} AND known_on <= {late}"
    ]
    if (rule := table.one_source) is not None:
        series = sqltext.identifiers(rule.of)
        now = _chosen_sources(table, f"known_on <= DATE {sqltext.literal(as_of)}")
        then = f"SELECT DISTINCT {series}, source FROM {place}"
        others = f"(({now}) EXCEPT ({then})) UNION (({then}) EXCEPT ({now}))"
        touched.append(f"SELECT {key} FROM {table.full_name} SEMI JOIN ({others}) USING ({series})")
    same = " AND ".join(
        f"{sqltext.identifier(n, 't')} IS NOT DISTINCT FROM {sqltext.identifier(n, 'facts')}" for n in table.key
    )
    of_these = f"EXISTS (SELECT 1 FROM {TOUCHED} AS t WHERE {same})"
    database.execute(f"CREATE OR REPLACE TABLE {TOUCHED} AS {' UNION '.join(touched)}")
    try:
        counted = f"SELECT (SELECT count(*) FROM {TOUCHED}), (SELECT count(*) FROM {place})"
        number, kept = database.execute(counted).fetchall()[0]
        if number > MOST_BY_PARTS * kept:
            return False
        if number:
            database.execute(
                f"BEGIN; DELETE FROM {place} AS facts WHERE {of_these}; "
                f"INSERT INTO {place} {query(table, as_of, f' AND {of_these}')} ORDER BY {key}; COMMIT"
            )
        return True
    finally:
        database.execute(f"DROP TABLE {TOUCHED}")


def _rule(table: Table) -> str:
    """A digest of how the rows of a table are chosen and of the columns that they have."""
    return hashlib.sha256(f"{query(table, date.min)} {sqltext.identifiers(table.names)}".encode()).hexdigest()


def _note(database: Database, table: Table, state: _State) -> None:
    name, day, rule = sqltext.literals((table.name, state.as_of, state.rule)).split(", ")
    database.execute(
        f"DELETE FROM {KEPT} WHERE table_name = {name}; "
        f"INSERT INTO {KEPT} VALUES ({name}, {state.rows}, {day}, {rule}, {state.apart})"
    )


# -- the order of rows and of sources ---------------------------------------------------------------------------------


def _of_one_source(table: Table, known: str) -> str:
    """A further condition that leaves one source for each series of a table."""
    if (rule := table.one_source) is None:
        return ""
    return f" AND ({sqltext.identifiers(rule.of)}, source) IN ({_chosen_sources(table, known, together=True)})"


def _chosen_sources(table: Table, known: str, *, together: bool = False) -> str:
    """A query for the source that each series of a table is taken from."""
    rule = table.one_source
    assert rule is not None
    series = sqltext.identifiers(rule.of)
    asked = f"({series}, source)" if together else f"{series}, source"
    order = _order_by(order_of_sources(rule), largest=("grade", rule.along))
    return (
        f"SELECT {asked} FROM {table.full_name} WHERE {known} GROUP BY {series}, source "
        f"QUALIFY row_number() OVER (PARTITION BY {series} ORDER BY {order}) = 1"
    )


def _order_by(order: Iterable[By], largest: Iterable[str] = ()) -> str:
    """An order as SQL; of the columns in `largest` their largest value in a group."""
    parts = []
    for by in order:
        if isinstance(by.of, str):
            value = f"max({sqltext.identifier(by.of)})" if by.of in largest else sqltext.identifier(by.of)
        else:
            value = by.of.sql
        parts.append(f"{value} {'DESC' if by.highest_first else 'ASC'} NULLS LAST")
    return ", ".join(parts)
