"""Upkeep of a lake: small files are merged, old snapshots forgotten, and files that nothing names any more removed.

Each publication adds files, so that a query would open a thousand small ones after a year. And each keeps what it replaced,
for time travel. So somebody has to tidy, and only one at a time: upkeep takes the turn of a publication.

Files are removed days after they were forgotten, never at once. A reader stays on the snapshot that it opened, and a worker
that is stopped in mid-transaction has files that no catalogue knows yet. Removed too early, they would be lost data, which
has happened to users of DuckLake (its issues on clean-up tell of it). So `KEEP_DAYS` is a margin and not a cache.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import duckdb

from warehouse.database import lake as lakes
from warehouse.database.connection import Connection
from warehouse.database.lake import Lake, Session, worded
from warehouse.errors import UsageError

KEEP_DAYS = 7
"""The fewest days that a forgotten file stays, and a snapshot after the next one was published."""
TRAVEL_DAYS = 90
"""Days back that time travel reaches, unless it is asked otherwise."""

REMOVE = ("ducklake_cleanup_old_files", "ducklake_delete_orphaned_files")
_OF_A_LAKE = r"\w+/\w+/ducklake-[0-9a-f-]{36}(-delete)?\.parquet"
"""Below its data: the schema, the table, and a file that DuckLake named."""


@dataclass(frozen=True)
class Tidied:
    """What upkeep did: snapshots forgotten, files merged into how many, and files removed from the storage."""

    snapshots: int
    merged: int
    removed: int


def tidy(lake: Lake, catalogue: Session, travel: timedelta = timedelta(days=TRAVEL_DAYS)) -> Tidied:
    """Tidy a lake. The session has the turn. `travel` is how far time travel reaches from now on.

    Raises UsageError for less than `KEEP_DAYS` and where files of others would go, StorageError where PostgreSQL or the
    storage fail; each step stands alone.
    """
    if travel < timedelta(days=KEEP_DAYS):
        raise UsageError(
            f"--travel-days: give at least {KEEP_DAYS}; readers and workers may still be on younger snapshots."
        )
    catalogue.require_turn()
    data = catalogue.data_path
    with _writing(lake, data) as connection:  # it reaches no file once it has committed, and is of no more use
        connection.execute("BEGIN")
        merged = connection.execute("CALL ducklake_merge_adjacent_files('lake')").fetchall()
        lakes.touch_no_file(connection)
        connection.execute("COMMIT")
    with _writing(lake, data) as connection:
        expired = connection.execute(
            f"CALL ducklake_expire_snapshots('lake', older_than => now() - INTERVAL {_seconds(travel)} SECOND)"
        ).fetchall()
        kept = f"now() - INTERVAL {_seconds(timedelta(days=KEEP_DAYS))} SECOND"
        gone = [_removed(connection, function, kept, data) for function in REMOVE]
    return Tidied(len(expired), len(merged), sum(gone))


@contextmanager
def _writing(lake: Lake, data: str) -> Iterator[Connection]:
    """A connection that changes a lake, and reaches its data alone."""
    connection = duckdb.connect()
    try:
        connection.execute("SET TimeZone = 'UTC'")
        lakes.attach(connection, lake, "lake", data=data if data.startswith("s3://") else "", read_only=False)
        lakes.lock_down(connection, data)
        with worded(lake, "tidying it"):
            yield connection
    finally:
        connection.close()


def _removed(connection: Connection, function: str, kept: str, data: str) -> int:
    """How many files DuckLake removed. Raises UsageError, and removes none, where one is not of the lake.

    DuckLake removes what its catalogue lists, wherever it lies, and whatever lies where its data are and it does not know.
    """
    listed = connection.execute(f"CALL {function}('lake', older_than => {kept}, dry_run => true)").fetchall()
    own = re.compile(re.escape(data) + _OF_A_LAKE)
    others = [path for (path, *_) in listed if not own.fullmatch(path)]
    if others:
        raise UsageError(
            f"upkeep: {others[0]} is no file of this lake, and would be removed with {len(listed) - 1} others. Nothing was "
            f"removed. Move it away, or give the lake a place of its own; its data are at {data}."
        )
    return len(connection.execute(f"CALL {function}('lake', older_than => {kept})").fetchall())


def _seconds(span: timedelta) -> int:
    return int(span.total_seconds())
