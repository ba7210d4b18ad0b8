"""A run's own copy of a lake: brought up to the newest publication, and what the run added to it published.

Facts are only ever appended, so a copy of `core` that holds the first n rows of a table lacks those from n on. That needs
no comparison of rows and no memory of what was read. The other tables (answers, history, current rows) are small or change
by few rows: those that a commit touched since are compared.

A run holds two files. `base` is the newest publication as it is in the lake, and the warehouse that it builds began as a
clone of it. What differs between the two is the run's own, so all comparing is done on this machine.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import duckdb

from warehouse import __version__, marts, sqltext
from warehouse.database import lake as lakes
from warehouse.database.connection import ALIAS, BEHIND_VIEWS, Connection
from warehouse.database.lake import HEAD, PRODUCT, Head, Lake, Session, worded
from warehouse.database.lake_commit import committed
from warehouse.errors import StorageError, UsageError
from warehouse.paths import LAKE_STATE
from warehouse.tables import CORE, SYSTEM
from warehouse.tables.marts_made import TABLE as MARTS_MADE
from warehouse.tables.table import Table

SCHEMAS = ("core", "marts", "quality", "provenance", BEHIND_VIEWS)
HISTORY = ("quality", "provenance")
"""Schemas whose rows each run adds to; of the others a run writes whole tables."""
DOCUMENT = ("source", "sha256", "url", "context")
"""What names a document: each is recorded once, whoever fetched it."""
RECORDED_ONCE = {
    "provenance.documents": (*DOCUMENT, "parsed_by"),
    "quality.quarantine": ("table_name", "row_id"),
    "quality.decisions": ("row_id", "decided_at"),
}
"""Of tables that two workers may add the same to: what makes it the same, so that it stands there once."""
APPLICATION_LENGTH = 63
"""Bytes that PostgreSQL keeps of the name of a connection."""


@dataclass(frozen=True)
class State:
    """Which publication of which lake a copy holds; it lies beside the copy, in a file of its own."""

    identity: str
    number: int
    snapshot: int
    next_file: int

    def write(self, folder: Path) -> None:
        (folder / LAKE_STATE).write_text(json.dumps(asdict(self)) + "\n", encoding="utf-8")


def state_of(folder: Path) -> State | None:
    """What the copy in a folder holds; None where it is of no lake."""
    with suppress(OSError, ValueError, TypeError):
        return State(**json.loads((folder / LAKE_STATE).read_text(encoding="utf-8")))
    return None


@dataclass
class Sharing:
    """What a run knows of the lake: its connection to the catalogue, and which publication its `base` holds."""

    lake: Lake
    catalogue: Session
    data: str
    base: Path
    held: State | None = None


# -- from the lake ----------------------------------------------------------------------------------------------------


def bring_up(file: Path, held: State | None, lake: Lake, catalogue: Session) -> State:
    """Make a copy hold the newest publication, whatever it holds now; gives which one that is.

    `held` is what the file is known to hold of this lake. Where there is no such file, all is copied.
    """
    snapshot, data = catalogue.snapshot, catalogue.data_path
    with _connected() as connection, worded(lake, "reading it"):
        connection.execute(f"ATTACH {sqltext.literal(file)} AS copy (RECOVERY_MODE NO_WAL_WRITES)")
        lakes.attach(connection, lake, "lake", data=data if data.startswith("s3://") else "", snapshot=snapshot)
        lakes.lock_down(connection, data)
        found = lakes.head(connection, "lake")
        if found is None:
            raise StorageError(f"{lake}: its row of publication is gone, so nothing says what it holds.")
        if held is not None and held.identity != found.identity:
            held = None
        touched = catalogue.changed_since(held.snapshot, held.next_file) if held else catalogue.tables()
        known, there = _tables(connection, "copy"), _tables(connection, "lake")
        connection.execute(";".join(f"CREATE SCHEMA IF NOT EXISTS copy.{schema}" for schema in SCHEMAS))
        for name in sorted(touched):
            if name.partition(".")[0] in SCHEMAS:
                with _transaction(connection):
                    _bring_up_table(connection, name, there[name], known.get(name) if held else None)
        for name in (name for name in there if name.startswith("core.") and name not in touched):
            if _count(connection, f"copy.{name}") != _count(connection, f"lake.{name}"):
                raise StorageError(f"{lake}: this home's copy of {name} has not the rows that it should have.")
        for name in sorted(known.keys() - there.keys()):
            if name.partition(".")[0] in SCHEMAS:
                connection.execute(f"DROP TABLE copy.{name}")
        connection.execute("CHECKPOINT copy")
    return State(found.identity, found.number, snapshot, catalogue.next_file(snapshot))


def _bring_up_table(connection: Connection, name: str, columns: tuple[str, ...], known: tuple[str, ...] | None) -> None:
    if known == columns and name.startswith("core."):
        held = _count(connection, f"copy.{name}")
        first = connection.execute(f"SELECT coalesce(min(rowid), 0) FROM lake.{name}").fetchone()
        assert first is not None
        connection.execute(
            f"INSERT INTO copy.{name} SELECT * FROM lake.{name} WHERE rowid >= {held + first[0]} ORDER BY rowid"
        )
        if _count(connection, f"copy.{name}") == _count(connection, f"lake.{name}"):
            return
    connection.execute(f"DROP TABLE IF EXISTS copy.{name}")
    declared = tables().get(name)
    if declared is not None and tuple(declared.names) == columns:
        connection.execute(";".join(declared.ddl("copy")))
        connection.execute(f"INSERT INTO copy.{name} SELECT * FROM lake.{name} ORDER BY rowid")
    else:
        connection.execute(f"CREATE TABLE copy.{name} AS SELECT * FROM lake.{name} ORDER BY rowid")


def catch_up(connection: Connection, base: Path, held: State, lake: Lake, catalogue: Session) -> State:
    """Bring what others published since into `base` and into the warehouse that a run is building on `connection`.

    What the run itself has recorded so far stands behind it. It has loaded nothing into `core` yet.
    """
    if catalogue.snapshot == held.snapshot:
        return held
    with _attached(connection, base, "base"):
        history = [name for name in _tables(connection, "base") if _is_history(name)]
        for name in history:
            for own, one, other in (("added", ALIAS, "base"), ("gone", "base", ALIAS)):
                connection.execute(
                    f"CREATE OR REPLACE TEMP TABLE {_own(own, name)} AS SELECT * FROM {one}.{name} "
                    f"EXCEPT ALL SELECT * FROM {other}.{name}"
                )
    now = bring_up(base, held, lake, catalogue)
    if now.number == held.number:  # upkeep alone
        return now
    with _attached(connection, base, "base"), _transaction(connection):
        known, theirs = _tables(connection, ALIAS), _tables(connection, "base")
        for name, columns in theirs.items():
            if name.startswith("core."):
                count = _count(connection, f"{ALIAS}.{name}")
                connection.execute(
                    f"INSERT INTO {ALIAS}.{name} BY NAME SELECT * FROM base.{name} WHERE rowid >= {count} ORDER BY rowid"
                )
            elif known.get(name) != columns or not _equal(connection, name):
                _take_over(connection, name, is_new=name not in known, own=name in history)
    return now


def _take_over(connection: Connection, name: str, *, is_new: bool, own: bool) -> None:
    """Make a table of the warehouse what it is in `base`, and behind that what this run has added to it."""
    if is_new:
        connection.execute(f"CREATE TABLE {ALIAS}.{name} AS SELECT * FROM base.{name} ORDER BY rowid")
        return
    connection.execute(f"DELETE FROM {ALIAS}.{name}")
    connection.execute(f"INSERT INTO {ALIAS}.{name} BY NAME SELECT * FROM base.{name} ORDER BY rowid")
    if not own:
        return
    added, gone = _own("added", name), _own("gone", name)
    if name in RECORDED_ONCE:
        same = sqltext.identifiers(RECORDED_ONCE[name])
        connection.execute(f"DELETE FROM {added} WHERE ({same}) IN (SELECT ({same}) FROM base.{name})")
    else:
        connection.execute(f"DELETE FROM {ALIAS}.{name} t WHERE hash(t) IN (SELECT hash(g) FROM {gone} g)")
    if name == "provenance.documents":  # parsed by another version: this run's record takes the place of theirs
        named = sqltext.identifiers(DOCUMENT)
        connection.execute(f"DELETE FROM {ALIAS}.{name} WHERE ({named}) IN (SELECT ({named}) FROM {added})")
    connection.execute(f"INSERT INTO {ALIAS}.{name} BY NAME SELECT * FROM {added}")


# -- to the lake ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Publication:
    """What is published: the file that a run built, what the lake held when it had its turn, and the run's id."""

    built: Path
    base: Path | None
    held: State | None
    run_id: str


def publish(lake: Lake, catalogue: Session, publication: Publication, data: str) -> State:
    """Publish what a run built, in one transaction; gives which publication it became. The session has the turn.

    `data` is where a new lake keeps its data. Raises StorageError where it fails: nothing of it is published then, or the
    message says that nobody knows (`lake_commit`).
    """
    catalogue.require_turn()
    with _connected() as connection:
        connection.execute(f"ATTACH {sqltext.literal(publication.built)} AS built (READ_ONLY)")
        if publication.base is not None:
            connection.execute(f"ATTACH {sqltext.literal(publication.base)} AS base (READ_ONLY)")
        application = f"{PRODUCT} {publication.run_id}"[:APPLICATION_LENGTH]
        lakes.attach(connection, lake, "lake", data=data, read_only=False, application=application)
        lakes.lock_down(connection, data)
        with worded(lake, "publishing"):
            connection.execute("BEGIN")
            try:
                new = _next(connection, publication)
                for schema in (*SCHEMAS, "publication"):
                    connection.execute(f"CREATE SCHEMA IF NOT EXISTS lake.{schema}")
                _write_tables(connection, publication.base is not None)
                new = _write_views(connection, new)
                _write_head(connection, new)
                said = json.dumps({"run_id": new.run_id, "number": new.number})
                connection.execute("CALL lake.set_commit_message(?, ?, extra_info => ?)", [PRODUCT, new.run_id, said])
                catalogue.require_turn()
            except BaseException:
                with suppress(duckdb.Error):
                    connection.execute("ROLLBACK")
                raise
            held = publication.held.snapshot if publication.held else 0
            done = committed(connection, lake, new.run_id, application, held)
    return State(new.identity, new.number, *done)


def _next(connection: Connection, publication: Publication) -> Head:
    """The head that this publication writes. Raises StorageError where the lake is not what the run built on."""
    found, held = lakes.head(connection, "lake"), publication.held
    if (found and (found.identity, found.number)) != (held and (held.identity, held.number)):
        raise StorageError(
            f"another worker published run {found.run_id if found else '(none)'} meanwhile. Nothing of this run was "
            "published. Run again: it goes on from there."
        )
    if found is None:
        return Head(str(uuid.uuid4()), 1, publication.run_id)
    return replace(found, number=found.number + 1, run_id=publication.run_id)


def _write_tables(connection: Connection, has_base: bool) -> None:
    built, there = _tables(connection, "built"), _tables(connection, "lake")
    base = _tables(connection, "base") if has_base else {}
    for name, columns in built.items():
        if name not in there:
            _create(connection, name)
            there[name] = columns
        same_columns = set(there[name]) == set(columns) == set(base.get(name, ()))
        for column in columns:
            if column not in there[name]:
                _add_column(connection, name, column)
        if name.startswith("core."):
            base_rows = _count(connection, f"base.{name}") if name in base else 0
            _append(connection, name, base_rows, whole=name in base and not same_columns)
        elif same_columns and _equal(connection, name, "built"):
            continue
        elif same_columns and not name.startswith("marts.") and name != MARTS_MADE.full_name:
            _change(connection, name)
        else:
            _rewrite(connection, name)
    for name in base.keys() - built.keys():
        connection.execute(f"DROP TABLE lake.{name}")


def _append(connection: Connection, name: str, base_rows: int, *, whole: bool) -> None:
    """Append the facts that the lake lacks; `whole` where a table gained a column, so that each row may say more."""
    if whole:
        _rewrite(connection, name)
        return
    held, wanted = _count(connection, f"lake.{name}"), _count(connection, f"built.{name}")
    if base_rows != held or wanted < held:
        raise StorageError(
            f"the copy of {name} that this run went on from has {base_rows} rows, and the lake has {held}."
        )
    if wanted > held:
        connection.execute(
            f"INSERT INTO lake.{name} BY NAME SELECT * FROM built.{name} WHERE rowid >= {held} ORDER BY rowid"
        )


def _rewrite(connection: Connection, name: str) -> None:
    connection.execute(f"DELETE FROM lake.{name}")
    connection.execute(f"INSERT INTO lake.{name} BY NAME SELECT * FROM built.{name} ORDER BY rowid")


def _change(connection: Connection, name: str) -> None:
    """Change a table of the lake by the rows that differ from `base`, which is what the lake holds."""
    gone = f"SELECT hash(t) FROM (SELECT * FROM base.{name} EXCEPT ALL SELECT * FROM built.{name}) t"
    if connection.execute(f"SELECT count(*) FROM ({gone})").fetchone() != (0,):
        connection.execute(f"CREATE OR REPLACE TEMP TABLE gone AS {gone.replace('hash(t)', 'hash(t) AS it')}")
        connection.execute(f"DELETE FROM lake.{name} t WHERE hash(t) IN (SELECT it FROM gone)")
    connection.execute(f"INSERT INTO lake.{name} SELECT * FROM built.{name} EXCEPT ALL SELECT * FROM base.{name}")
    if _count(connection, f"lake.{name}") != _count(connection, f"built.{name}"):  # rows that are alike in all
        _rewrite(connection, name)


def _create(connection: Connection, name: str) -> None:
    declared = tables().get(name)
    columns = connection.execute(
        "SELECT column_name, data_type FROM duckdb_columns() WHERE database_name = 'built' AND "
        "schema_name || '.' || table_name = ? ORDER BY column_index",
        [name],
    ).fetchall()
    if declared is not None and declared.names == [column for column, _ in columns]:
        connection.execute(";".join(declared.ddl("lake")))
    else:
        listed = ", ".join(f"{sqltext.identifier(column)} {kind}" for column, kind in columns)
        connection.execute(f"CREATE TABLE lake.{name} ({listed})")


def _add_column(connection: Connection, name: str, column: str) -> None:
    kind = connection.execute(
        "SELECT data_type FROM duckdb_columns() WHERE database_name = 'built' AND schema_name || '.' || table_name = ? "
        "AND column_name = ?",
        [name, column],
    ).fetchone()
    assert kind is not None
    connection.execute(f"ALTER TABLE lake.{name} ADD COLUMN {sqltext.identifier(column)} {kind[0]}")


def _write_views(connection: Connection, new: Head) -> Head:
    """Write the views and table functions where any of them differs; gives the head with their digest."""
    views = connection.execute(
        "SELECT view_name, sql, comment FROM duckdb_views() WHERE database_name = 'built' AND schema_name = 'main' "
        "AND NOT internal ORDER BY view_oid"
    ).fetchall()
    macros = connection.execute(
        "SELECT function_name, parameters, macro_definition FROM duckdb_functions() WHERE database_name = 'built' AND "
        "schema_name = 'main' AND function_type = 'table_macro' ORDER BY function_name"
    ).fetchall()
    digest = hashlib.sha256(json.dumps([views, macros]).encode()).hexdigest()
    if digest == new.views_sha256:
        return new
    connection.execute("USE lake")
    for name, sql, comment in views:
        view = f"lake.main.{sqltext.identifier(name)}"
        body = sql[sql.index(" AS ") + len(" AS ") :].rstrip().removesuffix(";")
        connection.execute(f"CREATE OR REPLACE VIEW {view} AS {body}")
        if comment:
            connection.execute(f"COMMENT ON VIEW {view} IS {sqltext.literal(comment)}")
    for name, parameters, body in macros:
        given = sqltext.identifiers(parameters)
        connection.execute(f"CREATE OR REPLACE MACRO lake.main.{sqltext.identifier(name)}({given}) AS TABLE {body}")
    connection.execute("USE memory")
    return replace(new, views_sha256=digest)


def _write_head(connection: Connection, new: Head) -> None:
    connection.execute(
        f"CREATE TABLE IF NOT EXISTS lake.{HEAD} (product VARCHAR, identity VARCHAR, number BIGINT, run_id VARCHAR, "
        "published_at TIMESTAMPTZ, program VARCHAR, views_sha256 VARCHAR)"
    )
    connection.execute(f"DELETE FROM lake.{HEAD}")  # of two that do so at once, DuckLake refuses the second
    connection.execute(
        f"INSERT INTO lake.{HEAD} VALUES (?, ?, ?, ?, now(), ?, ?)",
        [PRODUCT, new.identity, new.number, new.run_id, __version__, new.views_sha256],
    )


# -- tables -----------------------------------------------------------------------------------------------------------


def tables() -> dict[str, Table]:
    """Every declared table by its full name."""
    declared: Iterable[Table] = (*CORE.values(), *SYSTEM.values(), *(mart.table for mart in marts.all_marts().values()))
    return {table.full_name: table for table in (*declared, MARTS_MADE)}


def _is_history(name: str) -> bool:
    return name.partition(".")[0] in HISTORY and name != MARTS_MADE.full_name


def _own(kind: str, name: str) -> str:
    return f"temp.main.own_{kind}_{name.replace('.', '_')}"


def _tables(connection: Connection, catalog: str) -> dict[str, tuple[str, ...]]:
    """The columns of each table of an attached warehouse, by its full name."""
    found = connection.execute(
        "SELECT schema_name || '.' || table_name, list(column_name ORDER BY column_index) FROM duckdb_columns() "
        "WHERE database_name = ? AND list_contains(?, schema_name) GROUP BY 1 ORDER BY 1",
        [catalog, list(SCHEMAS)],
    ).fetchall()
    for name, _ in found:
        if not _NAME.fullmatch(name):  # names stand in SQL, and those of a lake are what others wrote there
            raise UsageError(f"{catalog}: it has a table {name!r:.200}, which overbuild did not make. Drop it there.")
    return {name: tuple(columns) for name, columns in found}


_NAME = re.compile(r"[a-z_]\w*\.[a-z_]\w*", re.ASCII | re.IGNORECASE)


def _count(connection: Connection, place: str) -> int:
    row = connection.execute(f"SELECT count(*) FROM {place}").fetchone()
    assert row is not None
    return int(row[0])


def _equal(connection: Connection, name: str, built: str = ALIAS) -> bool:
    """Whether a table of a warehouse has the rows that it has in `base`, where it has the same columns."""
    asked = "SELECT count(*), coalesce(bit_xor(hash(t)), 0), coalesce(sum(hash(t)::HUGEINT), 0) FROM"
    one = connection.execute(f"{asked} {built}.{name} t").fetchone()
    return one == connection.execute(f"{asked} base.{name} t").fetchone()


@contextmanager
def _connected() -> Iterator[Connection]:
    connection = duckdb.connect()
    try:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection
    finally:
        connection.close()


@contextmanager
def _attached(connection: Connection, file: Path, name: str) -> Iterator[None]:
    connection.execute(f"ATTACH {sqltext.literal(file)} AS {name} (READ_ONLY)")
    try:
        yield
    finally:
        connection.execute(f"DETACH {name}")


@contextmanager
def _transaction(connection: Connection) -> Iterator[None]:
    connection.execute("BEGIN")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
