"""What a probe is told: each problem says where, what, and what to do; and what `overbuild serve` answers."""

from __future__ import annotations

import contextlib
import json
import select
import socket
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta

import pytest

from flows import probes
from tests.runs import command
from warehouse.errors import UsageError
from warehouse.paths import Paths
from warehouse.reports import health, prometheus
from warehouse.settings import Settings

NOW = datetime(2026, 11, 30, 21, 30, tzinfo=UTC)


@pytest.fixture
def paths(tmp_path):
    return Paths(tmp_path, tmp_path / "warehouse.duckdb")


def problems(paths) -> list[tuple[str, str]]:
    return [(one["where"], one["what"]) for one in health.report(paths, Settings(home=paths.root), NOW)["problems"]]


def test_a_home_without_an_answer_is_not_well_and_says_what_to_do(tmp_path):
    done = command(tmp_path / "home", "health")
    assert done.returncode == 1
    assert done.stdout == f"failing\nanswer: nothing is published in {tmp_path / 'home'}. To do: overbuild run\n"


def test_a_published_answer_of_the_snapshot_is_well(published):
    home, summary = published
    done = command(home, "health", "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["status"], found["problems"]) == (0, "ok", [])
    assert found["answer"]["run_id"] == found["last_run"]["run_id"] == summary["run_id"]
    assert json.loads((home / health.FILE).read_text())["status"] == "ok", "the run left the same as a file"
    assert "overbuild_run_checks" in (home / prometheus.FILE).read_text()


def test_a_refused_run_is_said_until_a_run_ends_well(paths):
    health.note_run(paths, "run1", "refused", NOW, "RefusedError: gpu_prices.csv: 899 rows")
    assert problems(paths)[0] == ("last run", "run run1 refused: RefusedError: gpu_prices.csv: 899 rows")
    health.note_run(paths, "run2", "nothing_new", NOW)
    assert [where for where, _ in problems(paths)] == ["answer"]


def test_a_clock_that_was_set_back_is_named(paths):
    health.note_run(paths, "run1", "published", NOW + timedelta(seconds=200))
    assert [where for where, _ in problems(paths)] == ["answer"], "two machines never agree to the second"
    health.note_run(paths, "run1", "published", NOW + timedelta(hours=1))
    assert problems(paths)[0] == (
        "clock", "the last run ended at 2026-11-30 22:30 UTC, which is later than this machine's clock says"
    )  # fmt: skip


@pytest.mark.parametrize("noted", ["", "[]", '{"outcome": 3}', '{"outcome": "failed"}'])
def test_a_note_that_cannot_be_read_counts_for_nothing(paths, noted):
    (paths.root / health.LAST_RUN).write_text(noted)
    assert [where for where, _ in problems(paths)] == ["answer"]


# -- what serve answers ----------------------------------------------------------------------------------------------


def ask(address: str) -> tuple[int, bytes]:
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(address, timeout=60) as reply:
            return reply.status, reply.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_serve_answers_probes(paths, live_server):
    live_server.body("/api/health", "true")
    settings = Settings(home=paths.root, health_address="127.0.0.1:0")
    said: list[str] = []
    with probes.answered(paths, settings, f"{live_server.url}/api", said.append) as address:
        assert ask(f"{address}/live") == (200, b"ok\n")
        assert ask(f"{address}/metrics") == (503, b"# no run has ended here yet\n")
        (paths.root / prometheus.FILE).write_text("overbuild_run_seconds 1.0\n")
        assert ask(f"{address}/metrics?name=x") == (200, b"overbuild_run_seconds 1.0\n")
        status, body = ask(f"{address}/health")
        assert (status, json.loads(body)["status"]) == (503, "failing")
        assert ask(f"{address}/../secrets")[0] == 404
        taken = settings.model_copy(update={"health_address": address.removeprefix("http://")})
        second = probes.answered(paths, taken, "", said.append)
        with pytest.raises(UsageError, match=r"OVERBUILD_HEALTH_ADDRESS=127\.0\.0\.1:\d+: this address cannot be used"):
            second.__enter__()
    assert said == [f"answers probes at {address}/health, /live and /metrics"]


def _is_cut_off(request: socket.socket) -> bool:
    try:
        request.sendall(b"x")
        return bool(select.select([request], [], [], 0.05)[0]) and not request.recv(1024)
    except OSError:
        return True


def test_whoever_asks_slowly_keeps_no_probe_waiting(paths, live_server, monkeypatch):
    """A probe that waits ends in a restart of the service: one client that dribbled its request could cause that."""
    live_server.body("/api/health", "true")
    monkeypatch.setattr(probes, "ASKED_WITHIN_SECONDS", 0.3)
    settings = Settings(home=paths.root, health_address="127.0.0.1:0")
    with (
        probes.answered(paths, settings, f"{live_server.url}/api", [].append) as address,
        contextlib.ExitStack() as many,
    ):
        host, _, port = address.removeprefix("http://").rpartition(":")
        slow = [many.enter_context(socket.create_connection((host, int(port)))) for _ in range(probes.AT_ONCE - 2)]
        for each in slow:
            each.sendall(b"GET /live HTTP/1.1\r\nX-Slow: ")
        assert ask(f"{address}/live") == (200, b"ok\n")
        assert any(_is_cut_off(slow[0]) for _ in range(400))  # though each byte comes in time


def test_the_service_is_not_alive_without_its_prefect_server(paths):
    status, _, body = probes.answer("/live", paths, Settings(home=paths.root), "http://127.0.0.1:9/api")
    assert (status, body) == (503, b"the Prefect server does not answer; restart the service\n")


@pytest.mark.parametrize("address", ["8090", "127.0.0.1:", ":8090", "host:http", "host:70000"])
def test_an_address_needs_a_host_and_a_port(tmp_path, address):
    done = command(tmp_path, "health", OVERBUILD_HEALTH_ADDRESS=address)
    assert done.returncode == 2
    assert "OVERBUILD_HEALTH_ADDRESS: give a host and a port, as in 127.0.0.1:8090" in done.stderr
