"""What is measured of a run: its steps, what waits for the next run, the file for Prometheus, and events of lineage."""

from __future__ import annotations

import json
import re
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest

from tests.live_server import LiveServer, Reply
from warehouse.database import store as stores
from warehouse.paths import Paths
from warehouse.pipeline import lineage_events, metrics
from warehouse.pipeline.meter import Meter, measured
from warehouse.reports import prometheus
from warehouse.settings import Settings
from warehouse.tables.run_metrics import OUTCOMES
from warehouse.tables.run_metrics import TABLE as RUN_METRICS

PROJECT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 30, 21, 30, tzinfo=UTC)
RUN = {
    column.name: 7 if column.type == "integer" else 1.5
    for column in RUN_METRICS.columns
    if column.type in ("integer", "real")
} | {"run_id": "run1", "started_at": NOW, "outcome": "published"}


@pytest.fixture
def run(tmp_path):
    settings = Settings(home=tmp_path)
    return SimpleNamespace(
        run_id="run1", started_at=NOW, paths=Paths(tmp_path, tmp_path / "w"), settings=settings, meter=Meter()
    )


@measured
def step(run, result):
    if isinstance(result, Exception):
        raise result
    return result


def test_a_step_is_measured_whether_it_ends_well_or_not_and_its_error_comes_through(run):
    run.meter.moved = lambda result: (len(result), None) if result else (None, None)
    assert step(run, "abc") == "abc"
    with pytest.raises(KeyError):
        step(run, KeyError("gone"))
    first, second = run.meter.steps
    assert (first.place, first.step, first.outcome, first.rows) == (0, "step", "completed", 3)
    assert (second.place, second.outcome, second.rows) == (1, "failed", None)
    assert first.peak_memory_bytes > 1 << 20
    assert second.started_at >= first.started_at


def test_steps_that_run_at_the_same_time_have_a_place_each(run):
    threads = [threading.Thread(target=step, args=(run, "a")) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert [one.place for one in run.meter.steps] == list(range(8))


def test_who_listens_to_steps_and_what_counts_them_harms_no_run(run):
    run.meter.listeners.append(SimpleNamespace())
    run.meter.moved = lambda _: 1 / 0
    assert step(run, "abc") == "abc"
    assert len(run.meter.notes) == 3


def test_the_next_run_takes_up_what_the_warehouse_was_not_told(run, tmp_path):
    """A run that published nothing, and the last steps of one that did; what it holds already is not there twice."""
    step(run, "a")
    metrics.keep(run, RUN | {"outcome": "refused"})
    file = tmp_path / metrics.FILE
    file.write_text(file.read_text() + 'no JSON\n{"run": 3}\n{"run": {"run_id": "other"}, "steps": [3]}\n')
    with stores.opened(tmp_path / "warehouse.duckdb", tmp_path / "staging.duckdb") as store:
        for _ in range(2):
            metrics.take_up(store, run)
        found = store.frame("SELECT run_id, outcome, new_rows, started_at FROM provenance.run_metrics")
        assert found.rows() == [("run1", "refused", 7, NOW)]
        assert store.frame("SELECT run_id, place, step FROM provenance.step_metrics").rows() == [("run1", 0, "step")]
        step(run, "b")  # the file says more of the same run now
        metrics.keep(run, RUN)
        metrics.take_up(store, run)
        assert store.frame("SELECT place FROM provenance.step_metrics ORDER BY place").rows() == [(0,), (1,)]


def test_the_file_keeps_the_last_runs(run, monkeypatch):
    monkeypatch.setattr(metrics, "KEPT_RUNS", 3)
    for number in range(5):
        metrics.keep(run, RUN | {"run_id": f"run{number}"})
    lines = (run.paths.root / metrics.FILE).read_text().splitlines()
    assert [json.loads(line)["run"]["run_id"] for line in lines] == ["run2", "run3", "run4"]


# -- Prometheus ------------------------------------------------------------------------------------------------------


@pytest.fixture
def exported(run, tmp_path) -> str:
    source = {"source": "yahoo", "feed": "prices", "state": "stale", "last_success": NOW, "newest_fact": NOW.date()}
    promise = {"table_name": "core.stock_prices", "owner": "market data", "unit": "sessions", "age": 3, "at_most": 2}
    step(run, "a")
    found = prometheus.registry(
        version="1",
        run=RUN,
        finished_at=NOW + timedelta(seconds=9),
        steps=[{"step": "load", "seconds": 2.5, "rows": 3, "bytes": None, "peak_memory_bytes": 5}],
        promises=[promise | {"state": "broken"}],
        sources=[source],
        answer={"finished_at": NOW, "as_of": NOW.date()},
        outcomes=OUTCOMES,
    )
    text = prometheus.write(tmp_path, found).read_text()
    assert not list(tmp_path.glob("*.prom.*")), "a file of another name stays where a run is killed"
    return text


def test_the_file_for_prometheus_says_what_was_measured(exported):
    """21:30 UTC on 30 November 2026 is second 1,796,074,200 of Unix time, its midnight is second 1,795,996,800."""
    lines = exported.splitlines()
    assert 'overbuild_run_outcome{outcome="published"} 1.0' in lines
    assert 'overbuild_run_outcome{outcome="refused"} 0.0' in lines
    assert 'overbuild_step_seconds{step="load"} 2.5' in lines
    assert 'overbuild_source_state{feed="prices",source="yahoo",state="stale"} 1.0' in lines
    assert 'overbuild_source_state{feed="prices",source="yahoo",state="ok"} 0.0' in lines
    assert 'overbuild_promise_kept{owner="market data",table="core.stock_prices",unit="sessions"} 0.0' in lines
    assert "overbuild_run_started_timestamp_seconds 1.7960742e+09" in lines
    assert "overbuild_answer_as_of_timestamp_seconds 1.7959968e+09" in lines


def test_the_dashboard_names_only_what_is_exported(exported):
    dashboard = json.loads((PROJECT / "deploy" / "grafana" / "overbuild.json").read_text())
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    named = {name for expression in asked for name in re.findall(r"overbuild_\w+", expression)}
    there = set(re.findall(r"^# TYPE (\S+)", exported, re.MULTILINE))
    assert named <= there
    assert len(named) > 15
    assert all(panel["title"] for panel in dashboard["panels"])


# -- OpenLineage -----------------------------------------------------------------------------------------------------


def events(run) -> list[dict]:
    sender = lineage_events.emitter(run)
    assert sender is not None
    run.meter.listeners.append(sender)
    sender.started()
    with pytest.raises(ValueError, match="token"):
        step(run, ValueError("the token s3cr3t-key at https://me:pass@host/x is no good"))
    checked = pl.DataFrame(
        [{"table_name": "core.stock_prices", "expectation": "close above 0", "column_name": "close", "severity": "critical",
          "success": False}]
    )  # fmt: skip
    check_facts = measured(_named("check_facts", lambda run: SimpleNamespace(results=checked)))
    check_facts(run)
    assert sender.ended("published", None) == ""
    return [json.loads(line) for line in Path(run.settings.openlineage).read_text().splitlines()]


def _named(name, function):
    function.__name__ = name
    return function


def test_a_run_and_its_steps_are_told_as_events(run, tmp_path):
    run.settings = Settings(home=tmp_path, openlineage=str(tmp_path / "new" / "events.jsonl"), tiingo_key="s3cr3t-key")
    found = events(run)
    assert [(one["job"]["name"], one["eventType"]) for one in found] == [
        ("answer", "START"), ("answer.step", "START"), ("answer.step", "FAIL"),
        ("answer.check_facts", "START"), ("answer.check_facts", "COMPLETE"), ("answer", "COMPLETE"),
    ]  # fmt: skip
    of_run, of_step = found[0]["run"]["runId"], found[1]["run"]["runId"]
    assert found[-1]["run"]["runId"] == of_run == lineage_events.run_uuid("run1")
    assert found[2]["run"]["runId"] == of_step != of_run
    assert found[2]["run"]["facets"]["parent"]["run"]["runId"] == of_run
    message = found[2]["run"]["facets"]["errorMessage"]["message"]
    assert message == "ValueError: the token *** at https://***@host/x is no good"
    [prices] = [one for one in found[4]["inputs"] if one["name"] == "core.stock_prices"]
    columns = {one["name"]: one for one in prices["facets"]["schema"]["fields"]}
    assert columns["adj_close"]["type"] == "real"
    [assertion] = prices["inputFacets"]["dataQualityAssertions"]["assertions"]
    assert (assertion["assertion"], assertion["success"], assertion["column"]) == ("close above 0", False, "close")
    assert {"marts.verdict", "marts.event_study"} <= {one["name"] for one in found[-1]["outputs"]}


def test_a_lineage_server_that_is_down_costs_one_wait_and_no_run(run, tmp_path):
    run.settings = Settings(home=tmp_path, openlineage="http://127.0.0.1:9")
    sender = lineage_events.emitter(run)
    run.meter.listeners.append(sender)
    sender.started()
    assert step(run, "abc") == "abc"
    assert run.meter.notes == []
    note = sender.ended("nothing_new", None)
    assert note.startswith("4 lineage event(s) were not taken: ")
    assert note.endswith("Check OVERBUILD_OPENLINEAGE.")


def test_a_lineage_server_that_comes_back_is_told_all_in_order(run, tmp_path):
    with LiveServer() as server:
        server.script("/api/v1/lineage", Reply(status=503), Reply(b"", status=201))
        run.settings = Settings(home=tmp_path, openlineage=server.url, openlineage_key="abc")
        sender = lineage_events.emitter(run)
        run.meter.listeners.append(sender)
        sender.started()
        step(run, "abc")
        assert sender.ended("nothing_new", None) == ""
        sent = [json.loads(request.body) for request in server.asked("/api/v1/lineage")]
        assert [one["eventType"] for one in sent] == ["START", "START", "START", "COMPLETE", "COMPLETE"]
        assert server.asked("/")[0].headers["Authorization"] == "Bearer abc"
