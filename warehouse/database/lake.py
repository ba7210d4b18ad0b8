"""A warehouse that several machines share: a DuckLake, whose catalogue is in PostgreSQL and whose data are Parquet files.

A file can be replaced whole by one rename, and that is all the publication that one machine needs. Several machines have no
common rename. DuckLake gives them one: its catalogue is in PostgreSQL, and a commit there adds the rows of many tables at
once. So the shape of a run stays, and its last step alone differs:

1. A run brings its own copy, a DuckDB file in its home, up to the newest publication (`lake_copy.bring_up`). It fetches,
   reads and stages documents for as long as that takes. Other workers do the same at the same time.
2. It takes its turn: an advisory lock of PostgreSQL. Under it, the copy is brought up once more to what others published
   meanwhile. Only then rows are compared with `core`, loaded and checked, and the marts are built and checked.
3. It publishes in one transaction (`lake_copy.publish`). New rows of `core` are appended, and other tables change by what
   differs. Marts are deleted and inserted, never replaced. The commit carries the run's id. It gives the turn back.

A reader attaches the newest snapshot read-only and stays on it, so it sees whole publications. Earlier ones are read by
`AT (VERSION => n)` or `AT (TIMESTAMP => t)`. A dated answer (`--as-of`) is made from the lake and stays in its home.

Other shapes were weighed. To open the lake itself as the run's warehouse would send each of some thousand small statements
to PostgreSQL. There, one statement takes 10 to 50 ms, and 70 views that are committed one by one took 40 seconds. Checks
would read Parquet over the network, and a run that is refused would leave files behind. To publish without a turn and merge
afterwards needs a second build of the marts whenever two workers meet. It would also load rows that contradict those of the
other worker, because each is compared with what its own copy holds. With the turn, the lake holds what it would hold had the
runs come one after the other. What is slow and what differs from worker to worker (fetching and reading) stays outside it.

The turn is a lock of a connection, so it ends with its process. A worker that lost its connection to PostgreSQL might still
publish while another one has the turn. That is what the row of `publication.head` is for. Each publication deletes and
inserts it, and of two transactions that do so DuckLake refuses the second.

Credentials are given to DuckDB as secrets in memory. Neither the names of databases nor any setting holds them, and no
message repeats them (`_scrubbed`). No SQL that comes as text reaches the catalogue's own tables (`reading`).
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from warehouse import home, sqltext, storage
from warehouse.database.connection import ALIAS, Connection
from warehouse.errors import StorageError, UsageError
from warehouse.paths import CURRENT, LAKE, WAREHOUSE

if TYPE_CHECKING:
    import psycopg

EXTENSIONS = ("ducklake", "postgres_scanner")
OF_S3 = "httpfs"
TURN = 0x6F766572
"""The number of the advisory lock. PostgreSQL keeps such locks apart by database, and a lake has one of its own."""
LOOKS_EVERY_SECONDS = 0.1
CONNECT_SECONDS = 10
STORAGE_ANSWERS_WITHIN_SECONDS = 60
STORAGE_TRIED_AGAIN = 4
PRODUCT = "overbuild"
HEAD = "publication.head"
MISSING = "A warehouse on DuckLake needs more packages: pip install 'overbuild[lake]'."


@dataclass(frozen=True)
class Lake:
    """Where a lake is. Its text names the server and the database, and no user or password."""

    conninfo: str
    data: str = ""
    """The folder or `s3://` address of the data as it was set; '' leaves it to what the catalogue says."""

    def __str__(self) -> str:
        known = self.parameters
        return f"the lake in database {known.get('dbname', '')!r} of PostgreSQL at {known.get('host', 'localhost')!r}"

    __repr__ = __str__

    @property
    def parameters(self) -> Mapping[str, str]:
        """What libpq is told, by its names, from the address alone."""
        return _parsed(self.conninfo)

    @property
    def secrets(self) -> list[str]:
        """What no message may repeat."""
        of_variables = (os.environ.get(name, "") for name in storage.SECRETS_OF_LAKES)
        known = (self.parameters.get("password", ""), *of_variables)
        return sorted((each for each in known if each), key=len, reverse=True)


@cache
def _parsed(conninfo: str) -> Mapping[str, str]:
    from psycopg.conninfo import conninfo_to_dict

    try:
        return {name: str(value) for name, value in conninfo_to_dict(conninfo).items()}
    except Exception:  # its text repeats what it could not read, and that may be a password
        raise UsageError(
            "OVERBUILD_WAREHOUSE=ducklake:postgres:...: this is no address of PostgreSQL. Write it as "
            "ducklake:postgres:dbname=lake host=db.example.org user=overbuild, or as ducklake:postgresql://host/lake."
        ) from None


def of_address(address: str, data: str = "") -> Lake:
    """The lake of an OVERBUILD_WAREHOUSE. `data` is OVERBUILD_WAREHOUSE_DATA. Raises UsageError for another address."""
    with _needed():
        import psycopg  # noqa: F401
    rest = address.removeprefix(LAKE)
    if not rest.startswith(("postgresql://", "postgres://")):
        kind, _, rest = rest.partition(":")
        if kind != "postgres" or not rest.strip():
            raise UsageError(
                f"OVERBUILD_WAREHOUSE={LAKE}{kind}...: only a catalogue in PostgreSQL is supported: ducklake:postgres:"
                "dbname=lake host=db.example.org user=overbuild."
            )
    own = None if "://" in rest else next((word for word in _WORD.finditer(rest) if word[0].startswith(_DATA)), None)
    if own is not None:
        rest, data = rest[: own.start()] + rest[own.end() :], own[0].removeprefix(_DATA).strip("'")
    lake = Lake(rest.strip(), data)
    if "sslpassword" in lake.parameters:
        raise UsageError("OVERBUILD_WAREHOUSE: DuckDB cannot be told an sslpassword; name a key without one by sslkey.")
    return lake


_DATA = "data_path="
_WORD = re.compile(r"(?:\\.|'(?:\\.|[^'\\])*'|[^\s'\\])+", re.DOTALL)
"""A word of an address, as libpq divides it: blanks within quotes belong to it."""


def behind(file: Path) -> Lake | None:
    """The lake that a home's published file stands for; None where the home has a warehouse of its own."""
    found = home.places()
    address = found.warehouse if found else None
    if file.name != WAREHOUSE or file.parent.name != CURRENT:
        return None
    if found is None:
        from warehouse.settings import load_settings

        settings = load_settings()
        root, address = settings.home, settings.warehouse
    else:
        root = found.home
    if not (address or "").startswith(LAKE) or file.parent.parent != root.expanduser().absolute():
        return None
    return of_address(str(address))


# -- errors -----------------------------------------------------------------------------------------------------------


@contextmanager
def _needed() -> Iterator[None]:
    try:
        yield
    except ImportError:
        raise UsageError(MISSING) from None


@contextmanager
def worded(lake: Lake, doing: str) -> Iterator[None]:
    """Raises StorageError, in words and without credentials, where PostgreSQL or the storage fail while `doing` something."""
    import psycopg

    try:
        yield
    except (duckdb.Error, psycopg.Error, OSError) as error:
        said = _scrubbed(lake, str(error).strip())
        raise StorageError(
            f"{lake}: {doing} failed: {storage.what_is_wrong(said)} What was published stands as it was."
        ) from None


def _scrubbed(lake: Lake, text: str) -> str:
    for secret in lake.secrets:
        text = text.replace(secret, "***")
    return text


# -- DuckDB -----------------------------------------------------------------------------------------------------------


def attach(
    connection: Connection,
    lake: Lake,
    name: str,
    *,
    data: str = "",
    read_only: bool = True,
    snapshot: int | None = None,
    application: str = PRODUCT,
) -> None:
    """Attach a lake under a name. `data` is where its data are; only a new lake and one on S3 need it.

    `snapshot` keeps a reader on one publication; `application` is what PostgreSQL is told who asks. Raises UsageError
    without the packages, StorageError where it fails.
    """
    from psycopg.conninfo import make_conninfo

    known = dict(lake.parameters)
    password, user, host = known.pop("password", None), known.pop("user", None), known.pop("host", None)
    server = {"DATABASE": known.pop("dbname", None), "HOST": host, "USER": user, "PASSWORD": password,
              "PORT": known.pop("port", None)}  # fmt: skip
    given = ", ".join(f"{key} {sqltext.literal(value)}" for key, value in server.items() if value)
    path = f", DATA_PATH {sqltext.literal(data)}" if data else ""
    # All else, so that DuckDB finds the same server as `session`. Queries see it: no credential is among it.
    other = sqltext.literal(
        make_conninfo("", **{"connect_timeout": str(CONNECT_SECONDS), **known, "application_name": application})
    )
    options = ["DATA_INLINING_ROW_LIMIT 0"]  # inlined rows would reserve the name of a column that quarantine has
    options += ["READ_ONLY"] if read_only else []
    options += [f"SNAPSHOT_VERSION {snapshot}"] if snapshot is not None else []
    with worded(lake, "opening it"):
        load(connection, [*EXTENSIONS, *([OF_S3] if data.startswith("s3://") else [])])
        if data.startswith("s3://"):
            _know_storage(connection, data)
        connection.execute(f"CREATE OR REPLACE SECRET {name}_catalogue (TYPE postgres{', ' + given if given else ''})")
        connection.execute(
            f"CREATE OR REPLACE SECRET {name}_lake (TYPE ducklake, METADATA_PATH {other}{path}, "
            f"METADATA_PARAMETERS MAP {{'TYPE': 'postgres', 'SECRET': '{name}_catalogue'}})"
        )
        connection.execute(f"ATTACH 'ducklake:{name}_lake' AS {name} ({', '.join(options)})")


def lock_down(connection: Connection, data: str) -> None:
    """From here on it reaches what is attached and the lake's data: a catalogue of somebody else names no other file."""
    connection.execute(f"SET allowed_directories = [{sqltext.literal(data)}]; SET enable_external_access = false")


def touch_no_file(connection: Connection) -> None:
    """Before a commit: where it fails DuckLake removes what it wrote, though the answer alone may have been lost."""
    connection.execute("SET disabled_filesystems = 'LocalFileSystem,S3FileSystem,HTTPFileSystem'")


def load(connection: Connection, names: list[str]) -> None:
    """Load extensions from their packages, where they lie: nothing is fetched, and nothing is written to a home folder."""
    for name in names:
        connection.execute(f"LOAD {sqltext.literal(_extension(name))}")


@cache
def _extension(name: str) -> Path:
    from importlib.util import find_spec

    found = find_spec(f"duckdb_extension_{name}")
    files = [] if found is None or found.origin is None else Path(found.origin).parent.rglob("*.duckdb_extension")
    fitting = [file for file in files if file.parent.name == f"v{duckdb.__version__}"]
    if not fitting:
        raise UsageError(f"{MISSING} (DuckDB {duckdb.__version__}, extension {name})")
    return fitting[0]


def _know_storage(connection: Connection, data: str) -> None:
    """Tell DuckDB how to reach the bucket, as programs for S3 are told: by the environment."""
    said = os.environ
    endpoint = said.get("AWS_ENDPOINT_URL_S3") or said.get("AWS_ENDPOINT_URL") or ""
    scheme, _, address = endpoint.rpartition("://")
    parts = {
        "KEY_ID": said.get("AWS_ACCESS_KEY_ID"),
        "SECRET": said.get("AWS_SECRET_ACCESS_KEY"),
        "SESSION_TOKEN": said.get("AWS_SESSION_TOKEN"),
        "REGION": said.get("AWS_REGION") or said.get("AWS_DEFAULT_REGION") or "us-east-1",
        "ENDPOINT": address.rstrip("/"),
        "URL_STYLE": "path" if endpoint else None,
        "SCOPE": "s3://" + data.removeprefix("s3://").partition("/")[0],
    }
    given = "".join(f", {key} {sqltext.literal(value)}" for key, value in parts.items() if value)
    for setting in ("access_key_id", "secret_access_key", "session_token"):
        # As it is loaded, the extension puts the environment's keys into settings, which any query may list.
        connection.execute(f"SET s3_{setting} = ''")
    connection.execute(f"CREATE OR REPLACE SECRET storage (TYPE s3{given}, USE_SSL {scheme != 'http'})")
    connection.execute(
        f"SET http_timeout = {STORAGE_ANSWERS_WITHIN_SECONDS}; SET http_retries = {STORAGE_TRIED_AGAIN}; "
        "SET http_retry_wait_ms = 250; SET http_retry_backoff = 2"
    )


# -- PostgreSQL -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Head:
    """The newest publication of a lake. `identity` names the lake, `number` counts its publications."""

    identity: str
    number: int
    run_id: str
    views_sha256: str = ""


class Session:
    """A connection to a lake's catalogue in PostgreSQL. Use `session`."""

    def __init__(self, lake: Lake, connection: psycopg.Connection[Any]) -> None:
        self.lake = lake
        self._connection = connection
        self.has_turn = False

    def rows(self, sql: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        with worded(self.lake, "asking its catalogue"):
            return self._connection.execute(sql.encode(), parameters).fetchall()

    @property
    def exists(self) -> bool:
        """Whether there is a lake in this database yet."""
        return self.rows("SELECT to_regclass('ducklake_snapshot') IS NOT NULL") == [(True,)]

    @property
    def snapshot(self) -> int:
        return int(self.rows("SELECT max(snapshot_id) FROM ducklake_snapshot")[0][0])

    @property
    def data_path(self) -> str:
        """Where the data are, as the catalogue says; '' where there is no lake yet. Raises UsageError for what we never reach."""
        found = self.rows("SELECT value FROM ducklake_metadata WHERE key = 'data_path' AND scope IS NULL")
        data = str(found[0][0]) if found else ""
        if "://" in data and not data.startswith("s3://"):
            raise UsageError(
                f"{self.lake}: its catalogue says that its data are at {data}: neither a folder nor s3://."
            )
        return data

    def tables(self) -> set[str]:
        """Tables that the lake has now, with their schemas."""
        return {name for (name,) in self.rows(
            "SELECT s.schema_name || '.' || t.table_name FROM ducklake_table t JOIN ducklake_schema s USING (schema_id) "
            "WHERE t.end_snapshot IS NULL"
        )}  # fmt: skip

    def require_ours(self) -> bool:
        """Whether something is published in the lake. Raises UsageError where it holds another warehouse."""
        if not self.exists:
            return False
        tables = self.tables()
        if tables and HEAD not in tables:
            raise UsageError(
                f"{self.lake}: this catalogue belongs to another warehouse, which overbuild did not publish "
                f"({', '.join(sorted(tables)[:3])}). Give overbuild a database of its own."
            )
        return bool(tables)

    def next_file(self, snapshot: int) -> int:
        """The number that the first file after a snapshot has."""
        return int(self.rows(f"SELECT next_file_id FROM ducklake_snapshot WHERE snapshot_id = {int(snapshot)}")[0][0])

    def changed_since(self, snapshot: int, next_file: int) -> set[str]:
        """Tables that a commit after a snapshot touched, whose next file had this number.

        By the numbers of files and not by the snapshots that they say they began with: a file that upkeep merged of several
        says that of the oldest of them.
        """
        return {name for (name,) in self.rows(
            "SELECT s.schema_name || '.' || t.table_name FROM ducklake_table t JOIN ducklake_schema s USING (schema_id) "
            f"WHERE t.end_snapshot IS NULL AND (t.begin_snapshot > {int(snapshot)} OR EXISTS (SELECT 1 FROM "
            f"ducklake_data_file f WHERE f.table_id = t.table_id AND (f.data_file_id >= {int(next_file)} OR "
            f"f.end_snapshot > {int(snapshot)})) OR EXISTS (SELECT 1 FROM ducklake_delete_file f WHERE "
            f"f.table_id = t.table_id AND (f.delete_file_id >= {int(next_file)} OR f.end_snapshot > {int(snapshot)})))"
        )}  # fmt: skip

    def take_turn(self, within_seconds: float, say: Callable[[str], None]) -> None:
        """Wait for the turn to publish, and say so once. Raises UsageError where it takes longer than `within_seconds`."""
        from warehouse import stopping

        if self.rows("SELECT has_table_privilege(to_regclass('ducklake_snapshot'), 'INSERT')") == [(False,)]:
            raise StorageError(f"{self.lake}: this user of PostgreSQL may read the lake, and not publish there.")
        until, said = time.monotonic() + within_seconds, False
        while not self.has_turn:
            self.has_turn = self.rows(f"SELECT pg_try_advisory_lock({TURN})") == [(True,)]
            if not self.has_turn:
                if not said:
                    say(f"{self.lake}: another worker has the turn to publish; waiting for it")
                    said = True
                if time.monotonic() > until:
                    raise UsageError(f"{self.lake}: another worker has had the turn for {within_seconds:g} seconds.")
                stopping.require_going_on()
                time.sleep(LOOKS_EVERY_SECONDS)

    def give_turn_back(self) -> None:
        if self.has_turn:
            self.has_turn = False
            with suppress(StorageError):
                self.rows(f"SELECT pg_advisory_unlock({TURN})")

    def require_turn(self) -> None:
        """Raises StorageError where the turn was lost: PostgreSQL went away, and took the lock with it."""
        held = self.rows(
            f"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = {TURN} AND pid = pg_backend_pid()"
        )
        if held != [(1,)]:
            raise StorageError(f"{self.lake}: this run lost its turn to publish. Nothing was published. Run again.")


@contextmanager
def session(lake: Lake) -> Iterator[Session]:
    """A connection to the catalogue. Raises StorageError, without credentials, where PostgreSQL is not there."""
    with _needed():
        import psycopg
    with worded(lake, "connecting"):
        given = {"connect_timeout": CONNECT_SECONDS, "application_name": PRODUCT} | dict(lake.parameters)
        connection = psycopg.connect(**given, autocommit=True)  # type: ignore[arg-type]
    found = Session(lake, connection)
    try:
        yield found
    finally:
        with suppress(Exception):
            connection.close()


def head(connection: Connection, name: str) -> Head | None:
    """The newest publication of an attached lake; None where nothing was published there."""
    known = connection.execute(
        "SELECT count(*) FROM duckdb_schemas() WHERE database_name = ? AND schema_name = 'publication'", [name]
    ).fetchone()
    if known == (0,):
        return None
    row = connection.execute(f"SELECT identity, number, run_id, views_sha256 FROM {name}.{HEAD}").fetchone()
    return Head(*row) if row else None


# -- readers ----------------------------------------------------------------------------------------------------------


def attach_newest(connection: Connection, lake: Lake, name: str) -> str:
    """Attach the newest publication, to read; gives the address of its data. Raises UsageError where nothing is published."""
    with session(lake) as catalogue:
        if not catalogue.require_ours():
            raise UsageError(f"{lake}: nothing is published here yet. Run `overbuild run` first.")
        snapshot, data = catalogue.snapshot, catalogue.data_path
    attach(connection, lake, name, data=data if data.startswith("s3://") else "", snapshot=snapshot)
    return data


def open_to_read(lake: Lake) -> tuple[Connection, str]:
    """A connection that uses the newest publication, and the address of its data, which alone a reader may reach.

    Raises UsageError where nothing is published.
    """
    connection = duckdb.connect()
    try:
        data = attach_newest(connection, lake, ALIAS)
        connection.execute(f"USE {ALIAS}")
    except BaseException:
        connection.close()
        raise
    return connection, data
