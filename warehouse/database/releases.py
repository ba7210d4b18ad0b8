"""Published warehouses as their readers open them: read-only, and locked down, because users' own SQL runs there.

Two of them can be opened at once, to see what changed from one to the other. Where several machines share a warehouse
(`lake`), its readers come here, too: the name of the published file stands for the lake.

A published file is complete: no run leaves a log of changes (`.wal`) beside it. DuckDB takes in such a log wherever it
finds one, even for a reader, so a file of that name would replace the published answer. Where one lies there, a reader
opens a copy of the warehouse without it.
"""

from __future__ import annotations

import glob
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from warehouse import home, sqltext
from warehouse.database import limits as bounds
from warehouse.database import schema
from warehouse.database.connection import ALIAS, Connection
from warehouse.database.limits import Limits
from warehouse.errors import DamagedError, OverbuildError, UsageError
from warehouse.paths import LAKE

if TYPE_CHECKING:
    from warehouse.database.lake import Lake

BEFORE, AFTER = "before", "after"
"""The names under which two published warehouses are attached to be compared."""


def connected(warehouse: Path, limits: Limits | None = None, pipe: Path | None = None) -> Connection:
    """A connection to a published warehouse that can write nothing and reach no file, network or setting.

    With `limits`, its queries use no more memory and disk than these say; how long they take, `limits.within` bounds. An
    answer can be written to `pipe`, where the program itself reads it. Any number of them can be open at once.
    """
    with _ONE_AT_A_TIME, _from_afar():
        connection = _of_a_lake(warehouse)
        if connection is None:
            with _said_of(warehouse), _without_log(warehouse) as file:
                connection = _opened(file)
        connection.execute(bounds.settings(limits))
        _require_known(connection, warehouse)
        if pipe is not None:
            connection.execute(f"SET allowed_paths = [{sqltext.literal(pipe)}]")
        _lock_down(connection)
    return connection


_ONE_AT_A_TIME = threading.Lock()


def _opened(file: Path) -> Connection:
    """A connection to a file whose settings are its own, though this process may have others to it.

    DuckDB gives all connections of a process to one file one set of settings, and the first of ours locks them. So another
    one attaches the file to a database in memory.
    """
    connection = duckdb.connect(str(file), read_only=True)
    locked = connection.execute("SELECT current_setting('lock_configuration')").fetchone()
    if locked == (False,):
        return connection
    connection.close()
    connection = duckdb.connect()
    connection.execute(f"ATTACH {sqltext.literal(file)} AS {ALIAS} (READ_ONLY); USE {ALIAS}")
    return connection


def _of_a_lake(warehouse: Path) -> Connection | None:
    """A connection to the lake that a published file stands for, in a home that shares its warehouse; None in any other.

    Beside the catalogue, it may reach the folder or the bucket of the lake's own data.
    """
    found = _lake_behind(warehouse)
    if found is None:
        return None
    from warehouse.database import lake

    connection, data = lake.open_to_read(found)
    connection.execute(f"SET allowed_directories = [{sqltext.literal(data)}]")
    return connection


def _lake_behind(warehouse: Path) -> Lake | None:
    known = home.places()
    if known is not None and not (known.warehouse or "").startswith(LAKE):
        return None
    from warehouse.database import lake  # only where there may be one: few readers have

    return lake.behind(warehouse)


def is_there(warehouse: Path) -> bool:
    """Whether an answer is published under this name: in a file, or in the lake that it stands for."""
    found = _lake_behind(warehouse)
    if found is None:
        return warehouse.exists()
    from warehouse.database import lake

    with lake.session(found) as catalogue:
        return catalogue.require_ours()


@contextmanager
def reading(warehouse: Path, limits: Limits | None = None, pipe: Path | None = None) -> Iterator[Connection]:
    """The same for a `with` statement."""
    connection = connected(warehouse, limits, pipe)
    try:
        with _from_afar():
            yield connection
    finally:
        connection.close()


def foreign_logs(warehouse: Path) -> list[Path]:
    """Logs that lie beside a published warehouse. No run leaves one, and programs other than this one would read them."""
    file = warehouse.resolve()
    return sorted(file.parent.glob(f"{glob.escape(file.name)}.wal*"))


def _require_known(connection: Connection, warehouse: Path) -> None:
    """Raises UsageError for a warehouse of a version that this program does not know, and closes its connection."""
    try:
        catalog = connection.execute("SELECT current_catalog()").fetchone()
        schema.require_known(connection, str(catalog[0]) if catalog else ALIAS, warehouse)
    except (OverbuildError, duckdb.Error):
        connection.close()
        raise


@contextmanager
def _from_afar() -> Iterator[None]:
    """Raises StorageError, in words, where the catalogue or the storage of a lake fail a query."""
    try:
        yield
    except duckdb.Error as error:
        from warehouse import storage

        if (found := storage.from_afar(error)) is not None:
            raise found from None
        raise


_NEWER_FILE = "we can only read versions between"
"""How DuckDB begins to say that a later one wrote a file."""


@contextmanager
def _said_of(warehouse: Path) -> Iterator[None]:
    """Raises StorageError or DamagedError, in words, where a published file cannot be opened."""
    try:
        yield
    except (OSError, duckdb.Error) as error:
        from warehouse import storage

        if _NEWER_FILE in str(error):
            raise UsageError(
                f"{warehouse}: a later DuckDB than {duckdb.__version__} wrote this file, and only a later one reads it "
                f"({str(error).strip().splitlines()[0]}). Read it with the overbuild that wrote it, or set OVERBUILD_HOME "
                "to another folder."
            ) from error
        raise storage.fault(error, warehouse) or DamagedError(
            f"{warehouse}: the published warehouse cannot be opened ({str(error).strip().splitlines()[0]})."
        ) from error


@contextmanager
def _without_log(warehouse: Path) -> Iterator[Path]:
    """The file to open, for as long as opening takes: the published one, or a copy where a log lies beside it."""
    file = warehouse.resolve()
    if not foreign_logs(warehouse):
        yield file
        return
    import shutil

    from warehouse import files

    with files.temporary_folder() as folder:
        yield Path(shutil.copyfile(file, folder / file.name))


def _lock_down(connection: Connection) -> None:
    """From here on it reaches no file, network, setting or variable of Python; times are UTC."""
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET python_enable_replacements = false")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


@contextmanager
def comparing(before: Path, after: Path) -> Iterator[Connection]:
    """A connection to two published warehouses, `before` and `after`; names without a catalog are those of `after`.

    Nothing can be written but temporary tables, which live in memory. The two must be different files.
    """
    connection = duckdb.connect()
    try:
        for name, path in ((BEFORE, before), (AFTER, after)):
            attach(connection, path, name)
        connection.execute(f"USE {AFTER}")
        connection.execute(bounds.settings(None))
        _lock_down(connection)
        yield connection
    finally:
        connection.close()


@contextmanager
def beside(connection: Connection, other: Path, name: str = BEFORE) -> Iterator[None]:
    """Attach a published warehouse, read-only, to a connection that already holds another one, for as long as needed."""
    attach(connection, other, name)
    try:
        yield
    finally:
        connection.execute(f"DETACH {name}")


def attach(connection: Connection, warehouse: Path, name: str) -> None:
    """Attach a published warehouse, read-only, under a name: a file, or the newest publication of the lake behind it."""
    if (found := _lake_behind(warehouse)) is not None:
        from warehouse.database import lake

        lake.attach_newest(connection, found, name)
    else:
        with _said_of(warehouse), _without_log(warehouse) as file:
            connection.execute(f"ATTACH {sqltext.literal(file)} AS {name} (READ_ONLY)")
    with _from_afar():
        schema.require_known(connection, name, warehouse)
