"""How a run comes to speak to Prefect, and what is said where it cannot.

Prefect speaks to the server that is set (PREFECT_API_URL, or its profile), or starts a temporary one on this machine.
Left to itself it asks a server that is away for half a minute. It starts a temporary one again and again where that
ends at once. A database of another version does that, or a folder that cannot be written. And it sends requests to its own
server through the proxy of the environment. So the connection is made and tried here, before a run starts. Whoever can
mend it reads the name of the setting.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from flows import environment, left_behind, shared_limit
from flows.server import address_set, answers, comes_up, end, free_port, prefect_home
from warehouse import files, stopping
from warehouse.errors import OverbuildError, UsageError
from warehouse.fetching import transport

ANSWERS_WITHIN_SECONDS = 5.0
STARTS_WITHIN_SECONDS = 120.0
DATABASE_SET = ("PREFECT_SERVER_DATABASE_CONNECTION_URL", "PREFECT_API_DATABASE_CONNECTION_URL")
OTHER_HOME = "Set PREFECT_HOME to another folder, or PREFECT_API_URL to a Prefect server that runs."


@contextmanager
def connected(*, asks_sources: bool, meanwhile: Callable[[], None] = lambda: None) -> Iterator[str]:
    """Have this process speak to a Prefect server that answers: the one that is set, or a temporary one of our own.

    `meanwhile` is called once the settings are known to be good, before what takes seconds. Raises UsageError that
    names the setting where no server can be had.
    """
    _require_at_once(asks_sources=asks_sources)
    meanwhile()
    url = server_set()
    if url:
        require_answer(url)
        left_behind.settle()
        with _told_where_it_goes(url):
            yield url
        return
    require_home()
    with _temporary_server() as url:
        yield url


def require() -> str:
    """Try the connection and start no server; gives what a run would speak to. Raises UsageError as `connected` does."""
    _require_at_once(asks_sources=True)
    if url := server_set():
        require_answer(url)
        return f"the server at {transport.without_password(url)} answers"
    return f"a temporary server for each run; its database: {require_home()}"


def _require_at_once(*, asks_sources: bool) -> None:
    """What can be tried before Prefect is imported, which takes seconds."""
    environment.prepare()
    transport.require_usable(asks_sources=asks_sources)
    if url := os.environ.get("PREFECT_API_URL", "").strip():
        _require_listener(url)
    elif not (prefect_home() / "profiles.toml").exists():  # a profile may name a server
        require_home()


# -- the server that is set --------------------------------------------------------------------------------------------


def server_set() -> str | None:
    """The address of the server that Prefect's settings name. Raises UsageError where these cannot be read."""
    try:
        with warnings.catch_warnings():
            # A home that cannot be made matters only where no server is set; then it is said in full.
            warnings.filterwarnings("ignore", message="Failed to create the Prefect home directory")
            return address_set()
    except UsageError:
        raise
    except Exception as error:  # a profile that is no TOML, a value that is no number: whatever Prefect says of it
        said = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise UsageError(
            f"Prefect's settings (variables PREFECT_..., {prefect_home() / 'profiles.toml'}) cannot be read: {said}"
        ) from error


def require_answer(url: str) -> None:
    """Raises UsageError where no Prefect server that takes us answers at an address."""
    from prefect.client.orchestration import get_client
    from prefect.settings import (
        PREFECT_API_REQUEST_TIMEOUT,
        PREFECT_API_URL,
        PREFECT_CLIENT_MAX_RETRIES,
        temporary_settings,
    )

    once: dict[Any, Any] = {
        PREFECT_API_URL: url,
        PREFECT_CLIENT_MAX_RETRIES: 0,
        PREFECT_API_REQUEST_TIMEOUT: ANSWERS_WITHIN_SECONDS,
    }
    try:
        with temporary_settings(once), get_client(sync_client=True) as client:
            client.read_flows(limit=1)  # only a Prefect server that takes us has an answer to this
    except Exception as error:
        raise _no_server(url, why_no_answer(error)) from error


@contextmanager
def _told_where_it_goes(url: str) -> Iterator[None]:
    """Raises UsageError in the place of whatever Prefect's client says where the server goes in the middle of a run."""
    try:
        yield
    except OverbuildError:
        raise
    except Exception as error:
        if not _is_of_connection(error) or answers(url):
            raise
        raise UsageError(
            f"PREFECT_API_URL={transport.without_password(url)}: this server stopped answering in the middle of the run. What "
            "is published stays as it is, and what was fetched is kept. Start that server again, then give the same command. "
            "Without this setting, each run starts a temporary server on this machine."
        ) from error


def _is_of_connection(error: BaseException) -> bool:
    import httpx
    from prefect.concurrency._asyncio import ConcurrencySlotAcquisitionError

    kinds = (
        httpx.TransportError | httpx.HTTPStatusError | ConcurrencySlotAcquisitionError
    )  # a task asks for its turn first
    return any(isinstance(one, kinds) for one in _causes(error))


def _require_listener(url: str) -> None:
    """Raises UsageError where nobody listens at an address that no proxy leads to."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        host = None
    if host is None or parts.scheme not in ("http", "https"):
        raise _no_server(url, "this is no web address; it begins with http:// or https://")
    if transport.proxy_variables() and host not in transport.LOOPBACK:
        return
    try:
        socket.create_connection((host, port), timeout=ANSWERS_WITHIN_SECONDS).close()
    except TimeoutError as error:
        raise _no_server(url, f"no answer within {ANSWERS_WITHIN_SECONDS:g} s") from error
    except ConnectionRefusedError as error:
        raise _no_server(url, "it refuses connections") from error
    except (OSError, UnicodeError) as error:
        known = "" if isinstance(error, socket.gaierror | UnicodeError) else f" ({error})"
        why = f"it cannot be reached{known}" if known else "the name of the host is not known"
        raise _no_server(url, why) from error


def _no_server(url: str, why: str) -> UsageError:
    named = "PREFECT_API_URL" if os.environ.get("PREFECT_API_URL") else "PREFECT_API_URL (of Prefect's profile)"
    return UsageError(
        f"{named}={transport.without_password(url)}: {why}. Start that server or correct the address. "
        "Without it, each run starts a temporary server on this machine."
    )


def why_no_answer(error: BaseException) -> str:
    """What kept Prefect's server from answering, in words."""
    import httpx

    causes = list(_causes(error))
    for one in causes:
        if isinstance(one, httpx.HTTPStatusError):
            status = one.response.status_code
            if status in (401, 403):
                return f"it refuses this program ({status}); check PREFECT_API_KEY or PREFECT_API_AUTH_STRING"
            address = "; its address usually ends in /api" if status == 404 else ""
            return f"what answers there is no Prefect server that works (it answered {status}{address})"
        if isinstance(one, httpx.ProxyError):
            return (
                f"the proxy of {' and '.join(transport.proxy_variables()) or 'the environment'} does not let us through"
            )
        if isinstance(one, httpx.TimeoutException):
            return f"no answer within {ANSWERS_WITHIN_SECONDS:g} s"
        if isinstance(one, httpx.UnsupportedProtocol | httpx.InvalidURL):
            return "this is no web address; it begins with http:// or https://"
        if isinstance(one, httpx.ConnectError):
            refused = any(isinstance(each, ConnectionRefusedError) for each in causes)
            return "it refuses connections" if refused else f"it cannot be reached ({one})"
        if isinstance(one, httpx.TransportError):
            return f"it closed the connection ({one})"
    said = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__).rstrip(".")
    if "incompatible versions" in said or "not supported" in said:
        return said
    return f"what answers there is no Prefect server ({type(error).__name__}: {said[:200]})"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and those that it came of, from the outside in."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or cause.__context__


# -- a temporary server of our own --------------------------------------------------------------------------------------


def require_home() -> str:
    """Where Prefect keeps its database on this machine. Raises UsageError where it cannot be used, and says why."""
    home = prefect_home()
    try:
        with files.temporary(home, "writable") as probe:
            probe.write_bytes(b"")
    except OSError as error:
        raise UsageError(
            f"PREFECT_HOME={home}: this folder cannot be written ({error.strerror}: {error.filename}). "
            "Set PREFECT_HOME to a folder that you can write."
        ) from error
    if any(os.environ.get(name) for name in DATABASE_SET) or _database_of_profile():
        return f"the one of {DATABASE_SET[0]}"
    database = home / "prefect.db"
    if why := why_not_usable(database):
        raise UsageError(f"PREFECT_HOME={home}: {database.name} cannot be used: {why}. {OTHER_HOME}")
    return str(database)


def _database_of_profile() -> bool:
    """Whether Prefect's settings, once they are read, name a database; before, only its profiles could."""
    if "prefect.settings" not in sys.modules:
        return False
    from prefect.settings import get_current_settings

    settings = get_current_settings()
    found = settings.server.database.connection_url
    address = found.get_secret_value() if isinstance(found, SecretStr) else found or ""
    return bool(address) and not address.endswith(str(settings.home / "prefect.db"))


def why_not_usable(database: Path) -> str:
    """Why Prefect's server cannot start on a file of SQLite; '' where it can."""
    if not database.exists():
        return ""
    if not os.access(database, os.W_OK):
        return "it cannot be written"
    try:
        connection = sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, timeout=ANSWERS_WITHIN_SECONDS)
        try:
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            found = connection.execute("SELECT version_num FROM alembic_version") if "alembic_version" in tables else ()
            versions = [str(version) for (version,) in found]
        finally:
            connection.close()
    except sqlite3.OperationalError as error:
        return "" if "locked" in str(error) else f"it cannot be opened ({error})"
    except sqlite3.DatabaseError as error:
        return f"it is no database of Prefect ({error})"
    if not versions:
        return "" if not tables else "it is a database, but not one of Prefect's"
    unknown = [version for version in versions if version not in _known_versions()]
    if unknown:
        return f"another version of Prefect wrote it, which this one does not know (revision {', '.join(unknown)})"
    return ""


_REVISION = re.compile(r"^revision\b[^=\n]*=\s*[\"'](\w+)[\"']", re.MULTILINE)


def _known_versions() -> set[str]:
    """The revisions of all steps by which this Prefect brings a database up to date, at any of which it may have been killed."""
    spec = find_spec("prefect")
    places = (spec and spec.submodule_search_locations) or []
    steps = "server/database/_migrations/versions/sqlite/*.py"
    texts = [path.read_text(encoding="utf-8") for place in places for path in Path(place).glob(steps)]
    return {found[1] for text in texts if (found := _REVISION.search(text))}


@contextmanager
def _temporary_server() -> Iterator[str]:
    """A Prefect server on this machine for as long as the run lasts, started as Prefect itself would start it."""
    url = f"http://127.0.0.1:{free_port(0)}/api"
    # As Prefect starts its own: without its pages, and only the services that such a server needs.
    purpose = {"PREFECT_UI_ENABLED": "0", "PREFECT__SERVER_EPHEMERAL": "1", "PREFECT__SERVER_FINAL": "1"}
    heard = {"PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "ERROR"}  # why it could not start, for the message
    port = url.split(":")[-1].removesuffix("/api")
    with tempfile.TemporaryFile() as said, ExitStack() as stack:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "flows.tied"),
                *("uvicorn", "--factory", "flows.guarded:create_app"),
                *("--host", "127.0.0.1", "--port", port, "--log-level", "error", "--lifespan", "on"),
            ],
            stdin=subprocess.PIPE,  # closed when this process ends, however that is (`tied`)
            stdout=said,
            stderr=said,
            env={**os.environ, **purpose, **heard},
            start_new_session=True,  # Ctrl-C is for the run, which then ends its server
        )
        try:
            stack.enter_context(stopping.last_act(lambda: os.killpg(process.pid, signal.SIGKILL)))
            import prefect.flows  # noqa: F401  (takes as long as the server takes to start)

            _wait_until_up(process, url, said)
            with _using(url):
                left_behind.settle()
                try:
                    yield url
                finally:
                    _send_what_waits()
        finally:
            end(process.pid, process)


def _send_what_waits() -> None:
    """Prefect sends its log and its events in threads, which would find the server gone."""
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogHandler

    APILogHandler().flush()
    EventsWorker.drain_all(timeout=ANSWERS_WITHIN_SECONDS)


def _wait_until_up(process: subprocess.Popen[bytes], url: str, said: IO[bytes]) -> None:
    if comes_up(process, url, STARTS_WITHIN_SECONDS):
        return
    said.seek(0)
    lines = [line.strip() for line in said.read().decode(errors="replace").splitlines() if line.strip()]
    last = next((line for line in reversed(lines) if "startup failed" not in line.lower()), "it said nothing")
    how = "ended at once" if process.poll() is not None else f"did not answer within {STARTS_WITHIN_SECONDS:g} s"
    raise UsageError(f"PREFECT_HOME={prefect_home()}: Prefect's temporary server {how}: {last[:500]}\n{OTHER_HOME}")


@contextmanager
def _using(url: str) -> Iterator[None]:
    """Have every thread of this process speak to one server; without it each may start another."""
    from prefect.context import refresh_global_settings_context

    os.environ["PREFECT_API_URL"] = url
    os.environ[shared_limit.TEMPORARY] = "1"
    refresh_global_settings_context()
    try:
        yield
    finally:
        del os.environ["PREFECT_API_URL"], os.environ[shared_limit.TEMPORARY]
        refresh_global_settings_context()
