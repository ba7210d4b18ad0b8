"""What Prefect adds to a run: tasks that people see, artifacts, retries, and errors that come through as they are.

The other tests of whole runs call the flow's own steps without it (`tests.runs.without_prefect`).
"""

from __future__ import annotations

from datetime import date

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


def last_run() -> tuple[str, list[str], list[str]]:
    """The state of the newest run, the names of its tasks, and the keys of its artifacts, as Prefect's server has them."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
    from prefect.client.schemas.sorting import FlowRunSort

    with get_client(sync_client=True) as client:
        [last] = client.read_flow_runs(sort=FlowRunSort.START_TIME_DESC, limit=1)
        this = FlowRunFilter(id=FlowRunFilterId(any_=[last.id]))
        tasks = client.read_task_runs(flow_run_filter=this)
        artifacts = client.read_artifacts(flow_run_filter=this)
        names = sorted({task.name.rsplit("-", 1)[0] for task in tasks})
        return str(last.state_name), names, sorted(str(artifact.key) for artifact in artifacts)


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
    state, tasks, artifacts = last_run()
    assert state == "Completed"
    assert [name for name in tasks if not name.startswith("ingest ")] == [
        "build_marts", "check_facts", "check_marts", "check_new_rows", "load", "notify_people", "publish_release",
        "write_pages",
    ]  # fmt: skip
    assert {"ingest reference_panel", "ingest reference_prices"} <= set(tasks)
    assert artifacts == ["quality", "verdict"]
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
    assert last_run()[0] == "Failed"
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
