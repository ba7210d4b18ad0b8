"""From staging to `core`: what is new is added, and what is there already adds nothing.

`core` is append-only, and the same statement arrives again and again. It comes in another document, in tomorrow's
answer of the same host, or in a run that repeats yesterday's. Loaded each time it would count twice in every sum. What
a host says anew about the same thing is kept apart from that in two ways. Most tables keep the first statement and
quarantine one that contradicts it. Tables that restate (adjusted prices) keep each change.
"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from warehouse import sqltext
from warehouse.database.staging import relation
from warehouse.database.store import Store
from warehouse.sources.common.source import Source
from warehouse.tables.table import ABOUT_LOADING, PROVENANCE, Table

_LIVE = "source_kind = 'live'"
# Vendors send prices in single precision, whose last digit differs from one answer to the next.
ROUNDING = 1e-6


def provenance(
    table: Table, rows: pl.DataFrame, *, source: Source, document_sha256: str, loaded_at: datetime
) -> pl.DataFrame:
    """Parsed rows with the columns that every fact has.

    Rows that name their document keep it: one document may be made of several, and a row leads to the one that holds it.
    """
    named = "document_sha256" in rows.columns
    added = {"source": pl.lit(source.name), "source_kind": pl.lit(source.kind), "loaded_at": pl.lit(loaded_at)}
    return table.conform(rows, added if named else added | {"document_sha256": pl.lit(document_sha256)})


def provenance_of_many(table: Table, rows: pl.DataFrame, received: pl.DataFrame, *, source: Source) -> pl.DataFrame:
    """The same of rows of many documents (`document_sha256`); `received` says when each was (`loaded_at`)."""
    added = {"source": pl.lit(source.name), "source_kind": pl.lit(source.kind)}
    dated = rows.join(received, on="document_sha256", how="left", maintain_order="left")
    return table.conform(dated, added)


def take_contradictions(store: Store, table: Table) -> pl.DataFrame:
    """Take out of staging what a live source says otherwise than before, of the same thing and the same day.

    The first stands; the others are given back. A table that `restates` has its own way.
    """
    if table.restates:
        return table.empty()
    staged = relation(table)
    identity = sqltext.identifiers(table.identity)
    said = sqltext.identifiers(_said(table))
    of_these = f"source IN (SELECT DISTINCT source FROM {staged}) AND {_LIVE}"
    again = store.scalar(
        f"SELECT count(*) > count(DISTINCT it) FROM (SELECT hash({identity}) AS it FROM {table.full_name} "
        f"WHERE {of_these} UNION ALL SELECT hash({identity}) FROM {staged} WHERE {_LIVE})"
    )
    if not again:  # each thing is spoken of once
        return table.empty()
    found = f"""
        WITH every AS (
          SELECT {identity}, row({said}) AS said, false AS staged, rowid AS place FROM {table.full_name}
          WHERE {of_these}
          UNION ALL SELECT {identity}, row({said}), true, rowid FROM {staged} WHERE {_LIVE}
        )
        SELECT place FROM (
          SELECT *, first_value(said) OVER (PARTITION BY {identity} ORDER BY staged, place) AS first FROM every
        ) WHERE staged AND said <> first"""
    bad = store.frame(f"SELECT * FROM {staged} WHERE rowid IN ({found})")
    if bad.height:
        store.execute(f"CREATE OR REPLACE TABLE {staged} AS SELECT * FROM {staged} WHERE rowid NOT IN ({found})")
    return bad


def load(store: Store, table: Table) -> int:
    """Append staged rows that `core` does not hold yet; gives how many were new."""
    before = store.scalar(f"SELECT count(*) FROM {table.full_name}")
    store.execute(_restated(table) if table.restates else _said_once(store, table, bool(before)))
    return store.scalar(f"SELECT count(*) FROM {table.full_name}") - before


def _said(table: Table) -> list[str]:
    """The columns that say something, and not how the row came here."""
    return [name for name in table.names if name not in ABOUT_LOADING]


def _said_once(store: Store, table: Table, before: bool) -> str:
    """A statement that appends each statement once.

    What several documents say alike is taken from the first of them, as if they had been loaded one by one. A live
    document that repeats itself says it once; a reference file that does is faulty, and the checks report it.
    """
    said = _said(table)
    partition = sqltext.identifiers(said)
    same = " AND ".join(f"{sqltext.identifier(n, 't')} IS NOT DISTINCT FROM {sqltext.identifier(n, 's')}" for n in said)
    names = sqltext.identifiers(table.names)
    first = (
        f"WINDOW w AS (PARTITION BY {partition} ORDER BY rowid) "
        f"QUALIFY CASE WHEN {_LIVE} THEN row_number() OVER w = 1 "
        "ELSE document_sha256 = first_value(document_sha256) OVER w END"
    )
    repeats, several = store.execute(
        f"SELECT count(*) > count(DISTINCT hash({partition})), count(DISTINCT source) > 1 FROM {relation(table)}"
    ).fetchall()[0]
    return (
        f"INSERT INTO {table.full_name} ({names}) SELECT {names} FROM {relation(table)} s "
        + (f"WHERE NOT EXISTS (SELECT 1 FROM {table.full_name} t WHERE {same}) " if before else "")
        + (f"{first} " if repeats else "")
        + ("ORDER BY source, rowid" if several or repeats or before else "")  # else it is in this order already
    )


def _restated(table: Table) -> str:
    """A statement that appends the staged rows that say something new about their thing.

    Of rows with one identity those of the first document stand. A row whose figures are those that its source gave
    before for the same thing (within rounding) adds nothing, however often a history is fetched. What one document
    says twice stays twice: the checks find it. In the order of their things, a query for one of them reads few blocks.
    """
    about = (*(column.name for column in PROVENANCE), *table.key)
    figures = [column for column in table.columns if column.name not in about]
    names = sqltext.identifiers(table.names)
    key = sqltext.identifiers(table.key)
    identity = sqltext.identifiers(table.identity)
    thing = sqltext.identifiers((*table.key, "source"))
    before = ", ".join(f'lag("{c.name}") OVER w AS "{c.name} before"' for c in figures)
    same = " AND ".join(
        f'coalesce(abs("{c.name}" - "{c.name} before") <= {ROUNDING} * abs("{c.name} before"), '
        f'"{c.name}" IS NOT DISTINCT FROM "{c.name} before")'
        if c.type == "real"
        else f'"{c.name}" IS NOT DISTINCT FROM "{c.name} before"'
        for c in figures
    )
    return f"""INSERT INTO {table.full_name} ({names})
        WITH said AS (
          SELECT {names}, false AS staged FROM {table.full_name} SEMI JOIN {relation(table)} USING ({key})
          UNION ALL SELECT {names}, true FROM {relation(table)}
        ), first AS (
          SELECT * FROM said
          QUALIFY rank() OVER (PARTITION BY {identity} ORDER BY staged, loaded_at, document_sha256) = 1
        ), compared AS (
          SELECT *, {before},
            coalesce(lag(document_sha256) OVER w <> document_sha256 OR lag(known_on) OVER w <> known_on, false) AS again
          FROM first WINDOW w AS (PARTITION BY {thing} ORDER BY known_on)
        )
        SELECT {names} FROM compared WHERE staged AND NOT (again AND {same}) ORDER BY source, {key}, known_on"""
