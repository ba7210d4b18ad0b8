"""A commit to a lake, and what became of it where its answer did not come: done or not done, and never a guess.

Where a commit fails, DuckLake removes the files that it wrote. It does so as well where the answer alone was lost. The lake
would then name files that are gone. So the connection reaches no file when it commits. What a failed commit leaves is
removed by upkeep, as what a killed run leaves.

A connection may break while PostgreSQL commits. The commit may have been done, or be still at work in a process there
that has not noticed. So that process is ended first, which lets a commit end or undoes it. Only then the lake is asked
for a snapshot with the run's id, which stays there whatever others publish on top of it. PostgreSQL may be starting
again, so it is asked for a while. Where it does not come back, nobody can say, and the message says that.
"""

from __future__ import annotations

import time

import duckdb

from warehouse.database import lake as lakes
from warehouse.database.connection import Connection
from warehouse.database.lake import PRODUCT, Lake, Session
from warehouse.errors import StorageError

ASKS_FOR_SECONDS = 60.0
ASKS_EVERY_SECONDS = 0.5


def committed(connection: Connection, lake: Lake, run_id: str, application: str, held: int) -> tuple[int, int]:
    """Commit a publication, whose message is the run's id; gives its snapshot, and the number of the next file.

    `application` is the name that the connection gave to PostgreSQL, `held` the snapshot that the run went on from. Raises
    StorageError where it was not done, or nobody can say whether it was.
    """
    lakes.touch_no_file(connection)
    failed: duckdb.Error | None = None
    try:
        connection.execute("COMMIT")
    except duckdb.Error as error:
        failed = error
    if (done := settled(lake, run_id, application)) is not None:
        return done
    with lakes.session(lake) as catalogue:
        if catalogue.exists and catalogue.snapshot != held:
            raise StorageError(
                f"{lake}: another worker published first. Nothing of this run was published. Run again: it goes on from there."
            ) from failed
    raise StorageError(
        f"{lake}: PostgreSQL went away in the commit, or refused it. Nothing of this run was published. What was published "
        "stands as it was. Run again."
    ) from failed


def settled(lake: Lake, run_id: str, application: str) -> tuple[int, int] | None:
    """The snapshot of a publication and the number of the next file; None where it was not done.

    `application` is the name that the connection gave to PostgreSQL. Raises StorageError where nobody can say.
    """
    until = time.monotonic() + ASKS_FOR_SECONDS
    while True:
        try:
            with lakes.session(lake) as catalogue:
                _end(catalogue, application, until)
                return _found(catalogue, run_id)
        except StorageError as error:
            if time.monotonic() > until:
                raise StorageError(
                    f"{lake}: PostgreSQL went away while run {run_id} was committed, and has not said for "
                    f"{ASKS_FOR_SECONDS:g} seconds whether it is published. Run again once it is back: that run finds out, "
                    f"and goes on from there. Nothing is lost or there twice. ({error})"
                ) from error
        time.sleep(ASKS_EVERY_SECONDS)


def _end(catalogue: Session, application: str, until: float) -> None:
    """End the processes of PostgreSQL that work for a connection, and wait until they are gone."""
    mine = "FROM pg_stat_activity WHERE application_name = %s AND pid <> pg_backend_pid()"
    while catalogue.rows(f"SELECT pg_terminate_backend(pid) {mine}", (application,)):
        if time.monotonic() > until:
            raise StorageError(f"{catalogue.lake}: PostgreSQL does not end the connection that was lost.")
        time.sleep(ASKS_EVERY_SECONDS / 10)


def _found(catalogue: Session, run_id: str) -> tuple[int, int] | None:
    if not catalogue.exists:
        return None
    found = catalogue.rows(
        "SELECT snapshot_id, next_file_id FROM ducklake_snapshot_changes JOIN ducklake_snapshot USING (snapshot_id) "
        "WHERE author = %s AND commit_message = %s",
        (PRODUCT, run_id),
    )
    return (int(found[0][0]), int(found[0][1])) if found else None
