"""What is said where a disk is full, fails, is read-only or closed: the same words whoever wrote, with path and exit code."""

from __future__ import annotations

import errno
import os
import sqlite3
import subprocess

import duckdb
import pytest

from tests.database.test_recovery import home, two_answers  # noqa: F401  (fixtures: a home with two published answers)
from tests.runs import OVERBUILD, command
from warehouse import files, storage
from warehouse.errors import DamagedError, StorageError, UsageError


def of_system(number: int, *path: str) -> OSError:
    return OSError(number, os.strerror(number), *path)


def caused(outer: Exception, inner: Exception) -> Exception:
    outer.__cause__ = inner
    return outer


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (of_system(errno.ENOSPC, "/h/x"), "/h/x: the disk is full"),
        (of_system(errno.EIO), "/home: the disk reports an input/output error"),
        (of_system(errno.EROFS, "/h"), "/h: the file system is read-only"),
        (of_system(errno.EACCES, "/h"), "/h: this user may not read or write it"),
        (of_system(errno.EDQUOT, "/h"), "/h: this user's share of the disk is used up"),
        (of_system(errno.EMFILE, "/h"), "/h: too many files are open"),
        (
            duckdb.IOException('IO Error: Could not write file "/h/w.duckdb": No space left on device'),
            "/h/w.duckdb: the disk is full",
        ),
        (
            duckdb.FatalException("FATAL Error: Failed to create checkpoint because of error: Input/output error"),
            "/home: the disk reports an input/output error",
        ),
        (sqlite3.OperationalError("database or disk is full"), "/home: the disk is full"),
        (sqlite3.OperationalError("attempt to write a readonly database"), "/home: this user may not read or write it"),
        (MemoryError(), "this machine has no memory left for it"),
        (
            duckdb.OutOfMemoryException("Out of Memory Error: failed to allocate"),
            "this machine has no memory left for it",
        ),
        (of_system(errno.ENOMEM), "this machine has no memory left for it"),
        (ImportError("/l/x.so: failed to map segment from shared object"), "this machine has no memory left for it"),
        (ImportError("/l/x.so: cannot allocate memory in static TLS block"), "this machine has no memory left for it"),
        (
            ImportError("/l/x.so: failed to map segment from shared object: Operation not permitted"),
            "/home: this user may not do this there",
        ),
        (
            ImportError("/l/x.so: cannot open shared object file: Too many open files"),
            "/home: too many files are open",
        ),
        (caused(RuntimeError("a step failed"), of_system(errno.ENOSPC, "/h")), "/h: the disk is full"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_fault_of_a_disk_is_recognised_whoever_reports_it(error, said):
    found = storage.fault(error, "/home")
    assert isinstance(found, StorageError)
    assert found.exit_code == 5
    assert str(found).startswith(f"{said}. What was published stands as it was. ")


@pytest.mark.parametrize(
    "error",
    [
        ValueError("No space left on device"),
        duckdb.InvalidInputException("Invalid Input Error: No space left on device"),
        ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"),
        OSError("a text alone"),
        ImportError("cannot import name 'x' from 'y'"),
    ],
    ids=repr,
)
def test_what_no_disk_caused_is_left_as_it_is(error):
    assert storage.fault(error, "/home") is None


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (duckdb.Error('Failed to prepare COPY "COPY (SELECT 1 FROM "public"."ducklake_table")": server closed the connection'),
         "PostgreSQL is not there, or went away"),
        (duckdb.IOException('IO Error: Unable to connect to Postgres at "x": Connection refused'),
         "PostgreSQL is not there, or went away"),
        (duckdb.IOException('IO Error: Cannot open file "/l/core/t/ducklake-1.parquet": No such file or directory'),
         "a file of the lake is gone"),
        (duckdb.HTTPException("HTTP Error: HTTP GET error (HTTP 403 Forbidden)"), "the storage refuses these credentials"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)  # fmt: skip
def test_a_lake_that_fails_a_query_is_named_with_what_to_do(error, said):
    found = storage.fault(error)
    assert isinstance(found, StorageError)
    assert str(found).startswith(f"the shared warehouse: {said}")


def test_a_query_that_is_wrong_is_no_fault_of_a_lake():
    assert storage.fault(duckdb.CatalogException("Catalog Error: Table ducklake_snapshot does not exist!")) is None


def test_a_damaged_database_is_said_to_be_one():
    said = 'IO Error: The file "/h/w.duckdb" exists, but it is not a valid DuckDB database file!'
    found = storage.fault(duckdb.IOException(said))
    assert isinstance(found, DamagedError)
    assert str(found).startswith("/h/w.duckdb: this file is damaged")


@pytest.mark.parametrize(
    ("number", "kind"), [(errno.ENOSPC, StorageError), (errno.EIO, StorageError), (errno.EROFS, UsageError)]
)
def test_a_file_that_was_asked_for(number, kind):
    assert type(storage.not_written("-o x: no", of_system(number))) is kind


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full: /dev/full")
def test_a_standard_output_that_is_full_is_named(home):  # noqa: F811
    with open("/dev/full", "w") as full:
        environment = {**os.environ, "OVERBUILD_HOME": str(home)}
        done = subprocess.run(
            [OVERBUILD, "sql", "select number from answer"], stdout=full, stderr=subprocess.PIPE, text=True, env=environment,
            check=False,
        )  # fmt: skip
    assert done.returncode == 5
    assert done.stderr.startswith("overbuild: standard output: the disk is full.")
    assert "defect" not in done.stderr
    assert "Exception" not in done.stderr


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_a_decision_and_an_answer_that_cannot_be_written_have_their_own_words(home, monkeypatch, number):  # noqa: F811
    def fails(*_: object, **__: object) -> None:
        raise of_system(number)

    monkeypatch.setattr(os, "fsync", fails)
    done = command(home, "sql", "select 1", "--format", "csv", "-o", str(home.parent / "x.csv"))
    assert done.returncode == 5
    assert f"x.csv: this file cannot be written ({os.strerror(number)})" in done.stderr
    with pytest.raises(OSError, match=os.strerror(number)) as raised:
        files.append(home / "decisions.jsonl", "{}")
    assert "decisions.jsonl" in str(raised.value), "an error of a file names it"


def test_a_published_file_that_may_not_be_read(home, monkeypatch):  # noqa: F811
    def closed(*_: object, **__: object) -> None:
        raise duckdb.IOException(f'IO Error: Cannot open file "{home}/current/warehouse.duckdb": Permission denied')

    monkeypatch.setattr(duckdb, "connect", closed)
    done = command(home, "sql", "select 1")
    assert done.returncode == 5
    assert "warehouse.duckdb: this user may not read or write it" in done.stderr


def test_a_lake_that_breaks_off_while_it_is_opened(home, monkeypatch):  # noqa: F811
    """DuckDB reads the lake's macros when it is first used, after it was attached."""
    from warehouse.database import lake, releases

    def breaks_off(_: object) -> None:
        raise duckdb.Error("Failed to get macro information from DuckLake: server closed the connection unexpectedly")

    monkeypatch.setattr(releases, "_lake_behind", lambda _: object())
    monkeypatch.setattr(lake, "open_to_read", breaks_off)
    with pytest.raises(StorageError, match="PostgreSQL is not there, or went away"):
        releases.connected(home / "current" / "warehouse.duckdb")
