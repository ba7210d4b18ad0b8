"""The Prefect server that `overbuild serve` speaks to: the one that is set and answers, or one of its own.

Prefect can start a server in the background by itself (`prefect server start --background`). It notes one process id
for a PREFECT_HOME and no address. After a kill that note refuses the next start. And the server stays when the process
that asked for it is gone. A service must end what it started, also where it is killed (`tied`), and take over what an
earlier process of it left behind. It must use a free port where the usual one is taken. So the process is started and
ended here.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import Any

from warehouse import files, processes, records, stopping
from warehouse.errors import OverbuildError
from warehouse.paths import Paths

DEFAULT_PORT = 4200
SERVER_STARTS_WITHIN_SECONDS = 180
SERVER_STOPS_WITHIN_SECONDS = 15
"""What a server that is asked to end may take; one that whoever stops us waits for is ended sooner."""
SERVER_IS_WAITED_FOR_SECONDS = 1.0


@contextmanager
def alone(paths: Paths) -> Iterator[None]:
    """Hold the place of the one process that serves this OVERBUILD_HOME."""
    from warehouse import locks

    taken = f"{paths.root}: another `overbuild serve` serves this folder; stop it first"
    with locks.held(paths.root / ".serve.lock", taken):
        yield


@contextmanager
def server(paths: Paths, say: Any) -> Iterator[str]:
    """The API address of a Prefect server: the one that is set and answers, else our own for as long as we serve.

    A server of ours that outlived its process (a kill) is taken over.
    """
    found = _running(paths)
    if found is not None:
        url, process_id = found
        say(f"uses the Prefect server at {url}")
        try:
            yield url
        finally:
            if process_id is not None:
                end(process_id)
                _note(paths).unlink(missing_ok=True)
        return
    port = free_port(DEFAULT_PORT, 0)
    url = f"http://127.0.0.1:{port}/api"
    say(f"starts a Prefect server at {url} (its database: {prefect_home()})")
    prefect_home().mkdir(parents=True, exist_ok=True)
    log = paths.root / "schedule" / "server.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"} | {
        "PREFECT_SERVER_API_HOST": "127.0.0.1",  # its pages ask for it there
        "PREFECT_SERVER_API_PORT": str(port),
        "PREFECT__SERVER_FINAL": "1",
    }
    with log.open("ab") as output:
        process = subprocess.Popen(
            [
                # As `prefect server start` does it, behind a guard against pages of the web (`guarded`).
                *(sys.executable, "-m", "flows.tied", "uvicorn", "--factory", "flows.guarded:create_app"),
                *("--host", "127.0.0.1", "--port", str(port), "--log-level", "warning", "--lifespan", "on"),
            ],
            stdin=subprocess.PIPE,  # closed when this process ends, however that is (`tied`)
            stdout=output,
            stderr=output,
            env=environment,
            start_new_session=True,  # Ctrl-C is for us; the server goes when we are done with it
        )
    try:
        with stopping.last_act(lambda: os.killpg(process.pid, signal.SIGKILL)):
            if not comes_up(process, url, SERVER_STARTS_WITHIN_SECONDS):
                raise OverbuildError(f"the Prefect server did not start; see {log}.")
            noted = {"url": url, "pid": process.pid, "process": str(processes.of(process.pid))}
            files.write(_note(paths), json.dumps(noted | {"prefect_home": str(prefect_home())}))
            yield url
    finally:
        end(process.pid, process)
        _note(paths).unlink(missing_ok=True)


def _note(paths: Paths) -> Path:
    return paths.root / "schedule" / "server.json"


def _running(paths: Paths) -> tuple[str, int | None] | None:
    """A server that answers, and its process where it is ours to end."""
    asked = os.environ.get("PREFECT_API_URL") or address_set()
    if asked and answers(asked):
        return asked, None
    try:
        noted = records.parsed(_note(paths).read_bytes()) or {}
    except OSError:
        noted = {}
    url = records.value(str, noted.get("url"))
    if url and noted.get("prefect_home") == str(prefect_home()) and answers(url):
        process = processes.read(records.value(str, noted.get("process")) or "")
        return url, None if process is None or process.is_gone or not process.is_here else process.pid
    default = f"http://127.0.0.1:{DEFAULT_PORT}/api"
    if "PREFECT_HOME" not in os.environ and answers(default):
        return default, None
    return None


def address_set() -> str | None:
    """The address of the server that Prefect's settings name: the variable, else the profile."""
    from prefect.settings import get_current_settings

    return get_current_settings().api.url


def prefect_home() -> Path:
    """Where Prefect keeps its database and its profiles on this machine."""
    return Path(os.environ.get("PREFECT_HOME") or Path.home() / ".prefect").expanduser()


def answers(url: str) -> bool:
    """Whether a Prefect server says that it is well."""
    try:
        # `urlopen` would keep the proxies that the environment named when it was first called.
        with urllib.request.build_opener().open(f"{url.rstrip('/')}/health", timeout=3) as reply:
            return reply.status == 200
    except (OSError, ValueError, HTTPException):
        return False


def free_port(*wanted: int) -> int:
    """The first of these ports on this machine that nobody listens at; 0 stands for any."""
    for port in wanted:
        with socket.socket() as probe:
            probe.setsockopt(
                socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
            )  # a server that ended a moment ago holds nothing
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OverbuildError("no free port for a Prefect server on 127.0.0.1.")


def comes_up(process: subprocess.Popen[bytes], url: str, within_seconds: float) -> bool:
    """Wait until a server answers; False where its process ended or the time passed before."""
    until = time.monotonic() + within_seconds
    while not answers(url):
        if process.poll() is not None or time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True


def end(process_id: int | None, process: subprocess.Popen[bytes] | None = None) -> None:
    """End our server, and its helpers in its group where it does not go by itself."""
    if process_id is None:
        return
    patience = SERVER_IS_WAITED_FOR_SECONDS if stopping.asked() else SERVER_STOPS_WITHIN_SECONDS
    for number in (signal.SIGTERM, signal.SIGKILL):
        until = time.monotonic() + patience
        try:
            os.killpg(process_id, number)
        except ProcessLookupError:
            return
        while time.monotonic() < until:
            if process is not None and process.poll() is not None:
                return
            try:
                os.kill(process_id, 0)
            except ProcessLookupError:
                return
            time.sleep(0.1)
