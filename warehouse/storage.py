"""What is said where a disk does not take or give what it should: full, failing, read-only, closed to this user.

Memory that runs out is said in the same way.

Files are written by Python, DuckDB, Polars, SQLite and others, and each reports a full disk in its own way. A person needs
to know the same four things whoever wrote: what is wrong, at which path, whether the published answer still stands, and
what to do. So an error of any of them is recognised here, by its number or its text, and worded once.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from pathlib import Path

from warehouse.errors import DamagedError, OverbuildError, StorageError, UsageError

_STANDS = "What was published stands as it was."
WORDS = {
    errno.ENOSPC: ("the disk is full", "Free some space there and run the same command again."),
    errno.EDQUOT: ("this user's share of the disk is used up", "Free some space there, or have the quota raised."),
    errno.EFBIG: ("a file would become larger than is allowed here", "Raise the limit (`ulimit -f`), and run again."),
    errno.EIO: (
        "the disk reports an input/output error",
        "The disk may be failing. Copy the folder to another one, set OVERBUILD_HOME to the copy, and check it with "
        "`overbuild doctor --verify`.",
    ),
    errno.EROFS: (
        "the file system is read-only",
        "Mount it for writing, or set OVERBUILD_HOME to a folder that you can write.",
    ),
    errno.EACCES: ("this user may not read or write it", "Give this user the right to it, and run again."),
    errno.EPERM: ("this user may not do this there", "Give this user the right to it, and run again."),
    errno.EMFILE: ("too many files are open", "Raise the limit (`ulimit -n`), and run again."),
    errno.ENFILE: ("this machine has too many files open", "Close other programs, and run again."),
    errno.ENOMEM: (
        "this machine has no memory left for it",
        "Close other programs, or give it more (the limits of the process, its container or the machine), and run again.",
    ),
    errno.ESTALE: ("the network's file system has lost it", "Mount it again, and run again."),
}
"""What is wrong and what to do, by the number that the operating system gives the error."""

_OF_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG)
_OTHERS = {
    "database or disk is full": errno.ENOSPC,
    "disk I/O error": errno.EIO,
    "attempt to write a readonly database": errno.EACCES,
    "not enough free disk space": errno.ENOSPC,
    # What the system's loader says of a library that finds no room. Where a disk forbids running, it says so behind that.
    "shared object: Operation not permitted": errno.EPERM,
    "failed to map segment from shared object": errno.ENOMEM,
    "cannot allocate memory": errno.ENOMEM,
    "cannot map zero-fill pages": errno.ENOMEM,
    "cannot create shared object descriptor": errno.ENOMEM,
    "cannot create search path array": errno.ENOMEM,
}
"""How programs say it that do not repeat the operating system's words."""
_TEXTS = {os.strerror(number): number for number in WORDS} | _OTHERS
_DAMAGED = ("Corrupt database file", "not a valid DuckDB database file", "Could not read enough bytes from file")
"""What DuckDB says of a file that is not as it was written."""
_OF_A_LAKE = (
    (("HTTP 403", "HTTP 401", "Forbidden", "AccessDenied"), "the storage refuses these credentials. See AWS_ACCESS_KEY_ID, "
     "AWS_SECRET_ACCESS_KEY, AWS_ENDPOINT_URL, and the rights to the bucket."),
    (("HTTP 404", "HTTP code 404", "NoSuchBucket"), "the storage has no such bucket, or a file of the lake is gone."),
    (("HTTP 503", "HTTP 500", "SlowDown", "503 Service"), "the storage is overloaded or down. Run again later."),
    (("Timeout was reached",), "the storage does not answer in time. Run again later."),
    (("Cannot open file",), "a file of the lake is gone, or closed to this user. Its folder has to be the same everywhere."),
    (("password authentication failed",), "PostgreSQL refuses this user or password. See PGUSER, PGPASSWORD, PGPASSFILE."),
    (("does not exist",), "PostgreSQL has no such database or role. Create it first."),
    (("Connection refused", "could not connect", "Unable to connect", "connection failed", "server closed",
      "Connection timed out", "timeout expired", "No such file or directory", "terminating connection",
      "connection is closed", "connection to server"), "PostgreSQL is not there, or went away. Run again once it is back."),
    (("permission denied",), "this user of PostgreSQL may not do that. Give it the rights to the lake's database."),
    (("Transaction conflict",), "another worker published first. Run again: it goes on from there."),
)  # fmt: skip
"""What a catalogue in PostgreSQL and storage that speaks S3 say, and what that means to a person."""
SECRETS_OF_LAKES = ("PGPASSWORD", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
"""Variables by which PostgreSQL and storage are given what nobody may read."""
_FROM_AFAR = ("Postgres", "DuckLake", "ducklake", "server closed the connection")
_KINDS_FROM_AFAR = ("IOException", "TransactionException", "Error")
_OF_MEMORY = ("MemoryError", "OutOfMemoryException")
_OF_DUCKDB = ("IOException", "FatalException", "InternalException", "TransactionException")
_NAMES = {*_OF_DUCKDB, "ImportError", "ComputeError", "OperationalError", "DatabaseError", "FileCreateError"}
_QUOTED = re.compile(r"""["'](/[^"']+)["']""")


def fault(error: BaseException | None, place: Path | str = "") -> StorageError | None:
    """The error in words where a disk caused it, or one behind it; None for any other. `place` stands for an unknown path."""
    for each in _chain(error):
        if isinstance(each, StorageError):
            return each
        if type(each).__name__ == "IOException" and any(said in str(each) for said in _DAMAGED):
            path = _path(each) or str(place) or "the database"
            return DamagedError(f"{path}: this file is damaged ({str(each).strip().splitlines()[0]}).")
        if (of_a_lake := from_afar(each)) is not None:
            return of_a_lake
        if (number := _number(each)) is not None:
            wrong, do = WORDS[number]
            if number == errno.ENOMEM:
                return StorageError(f"{wrong}. {_STANDS} {do}")
            path = _path(each) or str(place)
            return StorageError(f"{path}: {wrong}. {_STANDS} {do}" if path else f"{wrong}. {_STANDS} {do}")
    return None


def what_is_wrong(said: str) -> str:
    """What is wrong with a lake's catalogue or storage and what to do, with the first of the words that they said."""
    first = next((line for line in said.splitlines() if line.strip()), "no words")[:300]
    found = next((words for signs, words in _OF_A_LAKE if any(sign in said for sign in signs)), "")
    return f"{found} ({first})" if found else f"{first}."


def from_afar(error: BaseException) -> StorageError | None:
    """An error of a lake that a query met, in words; None for any other. A server may repeat what it was sent."""
    kind, text = type(error).__name__, str(error).strip()
    if kind != "HTTPException" and not (kind in _KINDS_FROM_AFAR and any(said in text for said in _FROM_AFAR)):
        return None
    for secret in filter(None, map(os.environ.get, SECRETS_OF_LAKES)):
        text = text.replace(secret, "***")
    return StorageError(f"the shared warehouse: {what_is_wrong(text)} {_STANDS}")


def not_written(said: str, error: OSError) -> OverbuildError:
    """The error of a file that was asked for and could not be written: of the disk, or else of whoever named the file."""
    return (StorageError if error.errno in _OF_DISK else UsageError)(said)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and those behind it, the nearest first."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _number(error: BaseException) -> int | None:
    if type(error).__name__ in _OF_MEMORY:
        return errno.ENOMEM
    if isinstance(error, OSError) and error.errno in WORDS:
        return error.errno
    if not isinstance(error, OSError) and type(error).__name__ not in _NAMES:
        return None
    text = str(error)
    return next((number for said, number in _TEXTS.items() if said in text), None)


def _path(error: BaseException) -> str:
    for name in (getattr(error, "filename", None), getattr(error, "filename2", None)):
        if isinstance(name, str | os.PathLike):
            return os.fspath(name)
    quoted = _QUOTED.search(str(error))
    return quoted[1] if quoted else ""
