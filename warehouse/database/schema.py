"""The version of a warehouse's schema, and which ones this program reads and writes.

A warehouse outlives the program that made it: a backup is years old, a colleague's program is newer. What is older is
brought up to date by the next run (`upgrade`). What is newer may mean something else by a name that we know. So it is
refused before a figure is read from it, and the message names the program that reads it.

Version 1 is that of earlier programs, whose warehouses do not say it. Whoever changes the meaning of what is stored adds one
to `VERSION`, and a step to `warehouse.database.upgrade`. A new table or column alone needs neither.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from warehouse import __version__
from warehouse.database.connection import Connection
from warehouse.errors import UsageError
from warehouse.sqltext import identifier, literal

VERSION = 2
OLDEST = 1
"""From here on, a warehouse is brought up to date in place."""
TABLE = "provenance.schema_versions"
UNSAID = 1
"""The version of a warehouse that does not say it."""
_THERE = """SELECT EXISTS (FROM duckdb_tables()
            WHERE database_name = {} AND schema_name = 'provenance' AND table_name = 'schema_versions')"""
_NEWEST = "SELECT schema_version, program_version FROM {}." + TABLE + " ORDER BY schema_version DESC LIMIT 1"


def version_of(connection: Connection, catalog: str) -> tuple[int, str]:
    """The version of an attached warehouse, and the program that brought it there; (UNSAID, '') where it does not say."""
    # No parameters: to bind one, DuckDB imports pandas, and a query waits for that.
    there = connection.execute(_THERE.format(literal(catalog))).fetchone()
    row = connection.execute(_NEWEST.format(identifier(catalog))).fetchone() if there == (True,) else None
    return (int(row[0]), str(row[1])) if row else (UNSAID, "")


def require_known(connection: Connection, catalog: str, place: Path | str) -> None:
    """Raises UsageError for a warehouse that is newer than this program, or older than what it can bring up to date."""
    found, program = version_of(connection, catalog)
    if found > VERSION:
        raise UsageError(refused(place, found, program))
    if found < OLDEST:
        raise UsageError(
            f"{place}: this warehouse has version {found} of the schema, and overbuild {__version__} brings up to date what "
            f"is of version {OLDEST} or later. Make it anew from the archive: overbuild restore"
        )


def refused(place: Path | str, found: int, program: str) -> str:
    """Why a newer warehouse is refused, and the way out."""
    return (
        f"{place}: this warehouse has version {found} of the schema, written by overbuild {program or 'of a later version'}; "
        f"this is overbuild {__version__}, which knows versions up to {VERSION}. Install overbuild "
        f"{program or 'that wrote it'} or later, or set OVERBUILD_HOME to another folder."
    )


def note(connection: Connection, catalog: str) -> None:
    """Write into a warehouse that it has this program's version, where that is not there yet."""
    place = f"{identifier(catalog)}.{TABLE}"
    known = connection.execute(f"SELECT max(schema_version) FROM {place}").fetchone()
    if known is None or known[0] is None or known[0] < VERSION:
        connection.execute(f"INSERT INTO {place} VALUES (?, ?, ?)", [VERSION, datetime.now(UTC), __version__])
