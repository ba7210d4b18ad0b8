"""What Prefect does for a run ends with that run, and what a killed run leaves behind is settled."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace
from uuid import NAMESPACE_URL, uuid5

from flows import left_behind
from warehouse import processes

STARTS = """
import subprocess, sys
server = subprocess.Popen(
    [sys.executable, "-m", "flows.tied", "http.server", "--bind", "127.0.0.1", "0"],
    stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
)
print(server.pid, flush=True)
server.stdout.readline()
print("up", flush=True)
sys.stdin.read()
"""


def test_a_server_ends_with_a_parent_that_is_killed():
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [sys.executable, "-c", STARTS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as parent:
        assert parent.stdout is not None
        server = processes.of(int(parent.stdout.readline()))
        assert parent.stdout.readline() == "up\n"
        assert not server.is_gone
        parent.kill()
    until = time.monotonic() + 60
    while not server.is_gone and time.monotonic() < until:
        time.sleep(0.05)
    assert server.is_gone


def test_a_run_of_a_service_that_is_gone_is_told_to_end(monkeypatch):
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as service:
        monkeypatch.setenv(left_behind.SERVER, str(processes.of(service.pid)))
        told = []
        before = signal.signal(signal.SIGTERM, lambda number, _: told.append(number))
        try:
            with left_behind.ending_with_server():
                assert not told
                service.kill()
                service.wait()
                until = time.monotonic() + 60
                while not told and time.monotonic() < until:
                    time.sleep(0.05)
        finally:
            signal.signal(signal.SIGTERM, before)
    assert told == [signal.SIGTERM]


def test_only_runs_whose_process_is_gone_are_settled(monkeypatch):
    """Against a client that answers as Prefect's does; `make torture` has the server itself."""
    ours = str(processes.this())
    ended = f"{os.getpid()}-1-{ours.rpartition('-')[2]}"  # our number, but it started at another moment
    elsewhere = "1-1-00000000"
    runs = [
        SimpleNamespace(
            id=uuid5(NAMESPACE_URL, name), tags=[left_behind.TAG, *(f"{left_behind.PROCESS}{each}" for each in owners)]
        )
        for name, owners in {"ours": [ours], "ended": [ended], "elsewhere": [elsewhere], "unknown": []}.items()
    ]
    settled = {}

    class Client:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def read_flow_runs(self, **_):
            return runs

        def read_task_runs(self, **_):
            return [SimpleNamespace(id="its task")]

        def set_flow_run_state(self, run, state, force):
            settled[run] = state.type.value

        set_task_run_state = set_flow_run_state

    monkeypatch.setattr("prefect.client.orchestration.get_client", lambda sync_client: Client())
    assert left_behind.settle() == 1
    assert settled == {"its task": "CRASHED", uuid5(NAMESPACE_URL, "ended"): "CRASHED"}
