"""What Prefect adds to a run: tasks that people see, artifacts, retries, and errors that come through as they are.

The other tests of whole runs call the flow's own steps without it (`tests.runs.without_prefect`).
"""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest

from flows.connection import connected
from tests.runs import copy_home, query, run, run_flow
from warehouse.errors import RefusedError, UsageError

NOWHERE = "127.0.0.1:9"


@pytest.fixture(scope="module", autouse=True)
def prefect(tmp_path_factory):
    """One temporary Prefect server for this file, as a run starts it, on a machine behind proxies that are away."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("PREFECT_API_URL", "NO_PROXY", "no_proxy"):
            patch.setenv(name, "")  # so that what a run adds is undone
            patch.delenv(name)
        patch.setenv("PREFECT_HOME", str(tmp_path_factory.mktemp("prefect")))
        for name, scheme in (("HTTP_PROXY", "http"), ("HTTPS_PROXY", "http"), ("ALL_PROXY", "socks5")):
            patch.setenv(name, f"{scheme}://{NOWHERE}")
        with connected(asks_sources=False):
            yield


def last_run() -> tuple[Any, list[str], dict[str, str]]:
    """The newest run, the names of its tasks, and its artifacts by key, as Prefect's server has them."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
    from prefect.client.schemas.sorting import FlowRunSort

    with get_client(sync_client=True) as client:
        [last] = client.read_flow_runs(sort=FlowRunSort.START_TIME_DESC, limit=1)
        this = FlowRunFilter(id=FlowRunFilterId(any_=[last.id]))
        tasks = client.read_task_runs(flow_run_filter=this)
        artifacts = client.read_artifacts(flow_run_filter=this)
        return last, sorted(task.name for task in tasks), {str(each.key): str(each.data) for each in artifacts}


def log_of(run_id: Any) -> list[str]:
    """The messages of a run's log, as its page in Prefect's UI shows them."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import LogFilter, LogFilterFlowRunId
    from prefect.logging.handlers import APILogHandler

    APILogHandler().flush()
    with get_client(sync_client=True) as client:
        return [log.message for log in client.read_logs(LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run_id])))]


def test_a_correction_is_seen_from_its_own_day_and_not_by_a_dated_answer(published, corrupted, tmp_path):
    """A restated share count published in 2026 changes today's answer and not that of January 2025."""

    def restate(lines):
        line = next(line for line in lines if line.startswith("NVDA,2024-11-15"))
        return [*lines, line.replace("24490000000", "24000000000").replace("2024-11-20", "2026-02-01")]

    home = tmp_path / "home"
    copy_home(published[0], home)
    reference = corrupted("shares_outstanding.csv", restate)
    summary = run_flow(home, reference)
    assert summary["new_rows"] == 1
    counted = "SELECT shares FROM shares_outstanding WHERE ticker = 'NVDA' AND measured_on = '2024-11-15'"
    assert query(home, counted) == [(24_000_000_000,)]
    last, tasks, artifacts = last_run()
    assert last.state_name == "Completed"
    assert last.name == f"reference sources as of {datetime.now(UTC).date()}"
    assert {"overbuild", "source:reference", "kind:by-command"} <= set(last.tags)
    assert [name for name in tasks if not name.startswith("ingest ")] == [
        f"build marts as of {summary['as_of']}", "check facts", "check marts", "check new rows", "load new rows",
        "notify people", "publish", "write pages",
    ]  # fmt: skip
    assert {"ingest reference_panel", "ingest reference_prices"} <= set(tasks)
    assert sorted(artifacts) == ["changes", "quality", "verdict"]
    assert artifacts["changes"].startswith(f"## What changed since run {published[1]['run_id']}\n\n- ")
    today = (home / "current").resolve()
    run(home, reference, quick=True, as_of=date(2025, 1, 28))
    assert (home / "current").resolve() == today, "a dated answer stands beside today's"
    dated = home / "as-of" / "2025-01-28"
    assert query(dated, counted) == [(24_490_000_000,)]
    assert query(dated, "SELECT max(known_on) <= DATE '2025-01-28' FROM core.company_facts") == [(True,)]
    assert query(dated, "SELECT max(date) FROM stock_prices") == [(date(2025, 1, 28),)]
    assert query(dated, "SELECT DISTINCT as_of FROM marts.verdict") == [(date(2025, 1, 28),)]
    # R1's own hours were published in September 2025
    assert query(dated, "SELECT count(*) FROM marts.training_cost WHERE run_id = 'TR009'") == [(0,)]


def test_a_refusal_comes_through_as_it_is(corrupted, tmp_path):
    reference = corrupted("gpu_prices.csv", lambda lines: lines[:900])
    with pytest.raises(RefusedError, match=r"gpu_prices\.csv: 899 rows where snapshot\.toml counts \d+"):
        run_flow(tmp_path / "home", reference)
    last = last_run()[0]
    assert last.state_name == "Failed"
    assert all("\n" not in line and "Traceback" not in line for line in log_of(last.id))
    assert any("gpu_prices.csv: 899 rows" in line for line in log_of(last.id)), "it says what is wrong, in a line"
    assert not (tmp_path / "home" / "current").exists()


def test_a_date_in_the_future_is_refused(tmp_path):
    with pytest.raises(UsageError, match="is in the future"):
        run_flow(tmp_path / "home", as_of=date(2999, 1, 1))


def test_a_source_that_breaks_off_is_asked_again_and_a_document_at_fault_is_not(monkeypatch, tmp_path):
    from flows import answer

    asked_for = []

    def ingest(source, store, run, *, asked):
        asked_for.append(source)
        raise RefusedError("half a list") if source == "at fault" else ConnectionError("gone")

    monkeypatch.setattr(answer.ingest, "ingest", ingest)
    step = answer.ingest_source.with_options(retry_delay_seconds=0)
    with pytest.raises(RefusedError):
        step("at fault", None, None)
    assert len(asked_for) == 1
    with pytest.raises(ConnectionError):
        step("gone", None, None)
    assert len(asked_for) == 1 + 3


# -- what the server is told besides runs ----------------------------------------------------------------------------


def test_automations_are_made_once_and_brought_up_to_date():
    """What people switched off stays off, what they made themselves is left alone."""
    from prefect.automations import Automation
    from prefect.client.orchestration import get_client
    from prefect.events.actions import DoNothing
    from prefect.events.schemas.automations import AutomationCore, EventTrigger

    from flows import automations

    Automation(name="ours", trigger=EventTrigger(expect={"x"}), actions=[DoNothing()]).create()
    assert {what for _, what in automations.write()} == {"created"}
    with get_client(sync_client=True) as client:
        off = next(one for one in client.read_automations() if one.name == "overbuild: a verdict changed")
        client.pause_automation(off.id)
        assert {what for _, what in automations.write()} == {"unchanged"}
        changed = {"description": "of an earlier version", "enabled": False}
        client.update_automation(off.id, AutomationCore(**off.model_dump(exclude={"id", "owner_resource"}) | changed))
        assert ("overbuild: a verdict changed", "updated") in automations.write()
        there = {one.name: one for one in client.read_automations()}
    assert set(there) == {"ours", *(one.name for one in automations.automations())}
    assert not there["overbuild: a verdict changed"].enabled
    with pytest.raises(UsageError, match="no such block"):
        automations.write("slack-webhook/nobody")


@pytest.mark.parametrize(
    ("kind", "state", "fires"),
    [
        ("source", "open", ["a source is stale or failed"]),
        ("source", "resolved", []),
        ("verdict", "changed", ["a verdict changed"]),
        ("check", "open", ["a check fails"]),
        ("promise", "open", ["a promise of freshness is broken"]),
    ],
)
def test_an_automation_fires_on_the_event_that_a_run_sends(monkeypatch, kind, state, fires):
    """Judged by the server's own rule for triggers."""
    from prefect.events import Event
    from prefect.server.events.schemas.automations import EventTrigger
    from prefect.server.events.schemas.events import ReceivedEvent

    from flows import answer, automations
    from warehouse.pipeline.alerts import Message

    sent: list[Event] = []
    monkeypatch.setattr(answer, "emit_event", lambda **said: sent.append(Event(**said)))
    answer.announce(Message(kind, f"{kind} of something", state, "words"))
    event = ReceivedEvent.model_validate(sent[0].model_dump())
    fired = [
        one.name.removeprefix(automations.PREFIX)
        for one in automations.automations()
        if EventTrigger.model_validate(one.trigger.model_dump()).covers(event)
    ]
    assert fired == fires


TAKES_TURNS = """
import sys, time
from flows import shared_limit
shared_limit.ANSWERS_WITHIN_SECONDS = 120  # a busy machine is not a server that is gone
limit = shared_limit.SharedLimit(lambda said: sys.exit(said))
for _ in range(6):
    limit.wait_turn("a host", 10.0)
    print(time.time(), flush=True)
"""


def test_two_machines_share_the_turns_of_a_host():
    """Two processes that know nothing of each other but the server: 12 turns of 10 a second take at least a second."""
    processes = [
        subprocess.Popen([sys.executable, "-c", TAKES_TURNS], stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    taken = sorted(float(line) for one in processes for line in one.communicate(timeout=300)[0].split())
    assert [one.returncode for one in processes] == [0, 0]
    assert len(taken) == 12
    assert taken[-1] - taken[0] > 10 * 0.1 * 0.9, "eleven turns after the first, less what a clock may be off"


@pytest.mark.parametrize(("status", "said"), [(503, 0), (400, 1)])
def test_a_server_that_is_busy_for_a_moment_is_asked_again(monkeypatch, status, said):
    """A status of the server's own fault passes; one of ours does not, and the machine goes on alone."""
    import httpx

    from flows.shared_limit import SharedLimit

    heard: list[str] = []
    waited: list[float] = []
    limit = SharedLimit(heard.append, wait=waited.append)
    answers = iter([status, 200])

    def ask(_client, _host):
        asked = httpx.Request("POST", "http://127.0.0.1/")
        httpx.Response(next(answers), request=asked).raise_for_status()

    monkeypatch.setattr(limit, "_make", lambda *_: None)
    monkeypatch.setattr(limit, "_ask", ask)
    limit.wait_turn("sec", 8.0)
    assert (len(heard), len(waited)) == (said, 1 - said)


def test_a_run_goes_on_where_the_server_is_gone_and_says_so_once(monkeypatch):
    from prefect.settings import PREFECT_API_URL, temporary_settings

    from flows.shared_limit import TRIED_AGAIN_AFTER_SECONDS, SharedLimit

    said: list[str] = []
    now = [0.0]
    limit = SharedLimit(said.append, clock=lambda: now[0])
    with temporary_settings({PREFECT_API_URL: f"http://{NOWHERE}/api"}):
        for _ in range(3):
            limit.wait_turn("sec", 8.0)
    assert len(said) == 1
    assert said[0].startswith("sec: the Prefect server gives no turns (ConnectError); this machine keeps the rate")
    now[0] = TRIED_AGAIN_AFTER_SECONDS + 1
    limit.wait_turn("sec", 8.0)
    assert said[1:] == ["the Prefect server gives turns again; all machines count together"]


def test_a_schedule_that_was_paused_stays_paused_when_the_service_starts_again():
    import asyncio

    from prefect.client.orchestration import get_client
    from prefect.runner import Runner

    from flows.serving import deployments, keep_paused

    said: list[str] = []
    one, again = (next(each for each in deployments() if each.name == "prices") for _ in range(2))

    async def pause_and_start_again() -> tuple[bool, bool]:
        made = await Runner(name="first").aadd_deployment(one)
        async with get_client() as client:
            await client.pause_deployment(made)
            await keep_paused(client, [again], said.append)
            assert await Runner(name="second").aadd_deployment(again) == made
            return (await client.read_deployment(made)).paused, bool((await client.read_deployment(made)).schedules)

    assert asyncio.run(pause_and_start_again()) == (True, True)
    assert said == ["prices: paused in Prefect's UI; it stays so until somebody resumes it there."]


def test_a_work_pool_that_does_not_exist_and_one_without_a_worker_are_named():
    """Prefect itself takes their scheduled runs, and keeps them as late without a word."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import WorkPoolCreate

    from flows import pools
    from flows.schedule import scheduled
    from flows.serving import TAG

    with get_client(sync_client=True) as client:
        client.create_work_pool(WorkPoolCreate(name="a", type="process"))
        made = client.create_deployment(
            client.create_flow(scheduled),
            "nightly",
            tags=[TAG],
            work_pool_name="a",
            pull_steps=[{"some.step": {}}],
        )
        try:
            with pytest.raises(UsageError, match=r"^work pool a: no worker is online.*prefect worker start --pool a$"):
                pools.require()
            client._client.post("/work_pools/a/workers/heartbeat", json={"name": "host-a"}).raise_for_status()
            assert "work pool a: 1 worker online" in pools.require()
            client.delete_work_pool("a")
            with pytest.raises(
                UsageError, match=r"^deployment nightly: the work pool does not exist.*work-pool create"
            ):
                pools.require()
        finally:
            client.delete_deployment(made)


def test_the_service_does_not_start_beside_workers():
    """Two schedulers by mistake would ask every source twice."""
    import asyncio

    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import WorkPoolCreate

    from flows.schedule import scheduled
    from flows.serving import POOL, TAG, require_no_workers

    async def beside(worker: str) -> None:
        async with get_client() as client:
            if worker:
                await client.create_work_pool(WorkPoolCreate(name=POOL, type="process"))
                flow_id = await client.create_flow(scheduled)
                await client.create_deployment(flow_id, "by-workers", tags=[TAG], work_pool_name=POOL)
                await client.send_worker_heartbeat(POOL, worker)
            await require_no_workers(client)

    asyncio.run(beside(""))
    with pytest.raises(UsageError, match=r"workers run these schedules already \(pool overbuild: host-b\)"):
        asyncio.run(beside("host-b"))


@pytest.mark.parametrize("resumes", [True, False])
def test_a_run_that_asks_first_publishes_once_it_is_resumed_and_not_where_nobody_answers(monkeypatch, resumes):
    """The way of `ask_before_publishing`: pause, an artifact of what would change, Resume as on the run's page."""
    import threading

    from prefect import flow
    from prefect.client.orchestration import get_client
    from prefect.exceptions import FlowPauseTimeout
    from prefect.runtime import flow_run

    from flows import asking

    monkeypatch.setattr(asking, "LOOKS_EVERY_SECONDS", 0.1)
    monkeypatch.setattr(asking, "WAITS_SECONDS", 60 if resumes else 1)
    done: list[str] = []

    def resume(run_id: UUID) -> None:
        with get_client(sync_client=True) as client:
            while client.read_flow_run(run_id).state_name != "Paused":
                ended.wait(0.1)
            done.append("paused")
            client.resume_flow_run(run_id)

    @flow
    def asks() -> None:
        if resumes:
            threading.Thread(target=resume, args=(UUID(flow_run.id),), daemon=True).start()
        asking.whether_to_publish("- one verdict changed", lambda said: None)
        done.append("published")

    ended = threading.Event()
    if resumes:
        asks()
        assert done == ["paused", "published"]
    else:
        with pytest.raises(FlowPauseTimeout):
            asks()
        assert done == []
    last, _, artifacts = last_run()
    assert last.state_name == ("Completed" if resumes else "Failed")
    assert artifacts == {"changes-before-publication": "- one verdict changed"}
