"""`overbuild sources` and `overbuild doctor`: states against the schedule, from what runs left behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from warehouse.cli import doctor as health
from warehouse.cli import output, sources
from warehouse.database import store
from warehouse.paths import FETCHES, Paths
from warehouse.reports.freshness import COLUMNS, last_attempt, report
from warehouse.settings import Settings
from warehouse.tables import SYSTEM

PROJECT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)  # a Wednesday; training data are due on Mondays at 6:40


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path, tmp_path / "warehouse.duckdb")


def note(paths: Paths, at: datetime, outcome: str = "good", name: str = "ml_hardware.csv", **more: object) -> None:
    """A line in the log of fetches."""
    path = paths.raw / FETCHES / "epoch.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    line = {"source": "epoch", "outcome": outcome, "name": name, "checked_at": at.isoformat(), **more}
    with path.open("a") as file:
        file.write(json.dumps(line) + "\n")


def publish(paths: Paths, **fields: object) -> None:
    """A published warehouse in which a run has noted how Epoch's lists went."""
    row = {
        "run_id": "r", "source": "epoch", "feed": "training", "outcome": "good", "message": "", "documents": 4,
        "new_documents": 4, "rows_read": 10, "requests": 4, "checked_at": NOW, "last_success_at": NOW,
    }  # fmt: skip
    paths.current.mkdir(exist_ok=True)
    with store.opened(paths.current / "warehouse.duckdb", paths.root / "staging.duckdb") as opened:
        table = SYSTEM["source_runs"]
        opened.append(table, pl.DataFrame([row | fields], schema_overrides=dict(table.polars_schema)))
        document = {
            "sha256": "0" * 64, "source": "epoch", "source_kind": "live", "url": "https://epoch.ai/data/x",
            "name": "x", "fetched_at": NOW,
            "bytes": 1, "media_type": "text/csv", "known_on": date(2026, 11, 20), "parsed_by": "test", "context": "{}",
        }  # fmt: skip
        documents = SYSTEM["documents"]
        opened.append(documents, documents.conform(pl.DataFrame([document])))


def epoch(paths: Paths, now: datetime = NOW) -> dict:
    [row] = [row for row in report(paths, Settings(), now) if row["source"] == "epoch"]
    return row


def test_every_source_has_a_row_on_a_new_machine(paths):
    rows = {row["source"]: row for row in report(paths, Settings(), NOW)}
    assert {row["state"] for row in rows.values()} == {"off"}
    assert rows["reference_prices"]["next_step"] == "overbuild run"
    assert rows["epoch"]["next_run"] == datetime(2026, 11, 30, 6, 40, tzinfo=UTC)
    assert rows["tiingo"]["next_run"] is None
    assert "OVERBUILD_TIINGO_KEY" in rows["tiingo"]["next_step"]


def test_a_source_that_succeeded_since_its_last_time_is_ok(paths):
    publish(
        paths, last_success_at=datetime(2026, 11, 23, 7, tzinfo=UTC), checked_at=datetime(2026, 11, 23, 7, tzinfo=UTC)
    )
    row = epoch(paths)
    assert (row["state"], row["next_step"]) == ("ok", "")
    assert row["last_success"] == row["last_run"] == datetime(2026, 11, 23, 7, tzinfo=UTC)
    assert row["newest_fact"] == date(2026, 11, 20)


def test_a_source_that_missed_its_time_for_too_long_is_stale(paths):
    whole = datetime(2026, 11, 16, 7, tzinfo=UTC)
    publish(paths, last_success_at=whole, checked_at=whole)
    assert epoch(paths)["state"] == "ok", "due on Monday, and Wednesday is within three days"
    late = epoch(paths, NOW + timedelta(days=1))
    assert late["state"] == "stale"
    assert "due since 2026-11-23 06:40 UTC" in late["next_step"]


def test_a_source_that_failed_says_what_and_keeps_the_day_it_was_whole(paths):
    whole = datetime(2026, 11, 16, 7, tzinfo=UTC)
    publish(paths, outcome="partly_failed", message="1 document failed: ml_hardware.csv: 503", last_success_at=whole)
    row = epoch(paths)
    assert row["state"] == "failed"
    assert row["last_success"] == whole
    assert "ml_hardware.csv: 503" in row["next_step"]


def test_an_attempt_after_the_published_run_counts(paths):
    monday = datetime(2026, 11, 23, 7, tzinfo=UTC)
    publish(paths, checked_at=monday, last_success_at=monday)
    note(paths, NOW - timedelta(hours=1), "failed", why="answered 503")
    assert epoch(paths)["state"] == "failed"
    note(paths, NOW)
    assert epoch(paths)["state"] == "ok", "nothing new was published, and the source did answer"


def test_lines_of_one_attempt_belong_together(paths):
    note(paths, NOW - timedelta(days=1), "failed", "a.csv", why="no answer")
    note(paths, NOW, "good", "a.csv")
    note(paths, NOW + timedelta(minutes=1), "failed", "b.csv", why="answered 404")
    (paths.raw / FETCHES / "epoch.jsonl").open("a").write('{"cut sho')
    attempt = last_attempt(paths.raw, "epoch")
    assert attempt.failed == {"b.csv": "answered 404"}
    assert (attempt.last_good, attempt.ended, attempt.got) == (NOW, NOW + timedelta(minutes=1), 1)


def command(*arguments: str, **settings: str) -> subprocess.CompletedProcess:
    environment = {n: v for n, v in os.environ.items() if not n.startswith("OVERBUILD_")}
    environment |= {"PYTHONPATH": str(PROJECT), **settings}
    asked = [sys.executable, "-m", "warehouse.cli", *arguments]
    return subprocess.run(asked, env=environment, capture_output=True, text=True, timeout=120)


def test_json_is_all_there_is_on_standard_output(tmp_path):
    done = command("sources", "--format", "json", OVERBUILD_HOME=str(tmp_path))
    rows = json.loads(done.stdout)
    assert done.returncode == 0
    assert set(rows[0]) == set(COLUMNS)


# -- doctor -----------------------------------------------------------------------------------------------------------


def test_doctor_asks_the_hosts_that_are_set(tmp_path, live_server):
    there = command("doctor", OVERBUILD_HOME=str(tmp_path), OVERBUILD_EPOCH_URL=live_server.url)
    assert f"host {live_server.url} answers (" in there.stdout
    assert there.returncode == 0
    gone = command("doctor", OVERBUILD_HOME=str(tmp_path), OVERBUILD_EPOCH_URL="http://127.0.0.1:9")
    assert "fix   epoch" in gone.stdout
    assert "cannot be reached" in gone.stdout
    assert gone.returncode == 2


def test_a_source_is_configured_by_its_address_its_key_or_its_licence():
    from warehouse.sources import all_sources

    known = {source.name: source for source in all_sources()}
    assert not health.is_configured(known["epoch"], Settings())
    assert health.is_configured(known["epoch"], Settings(epoch_url="http://here"))
    assert not health.is_configured(known["tiingo"], Settings())
    assert health.is_configured(known["tiingo"], Settings(tiingo_key="k"))
    assert not health.is_configured(known["vast"], Settings(licensed_sources=("runpod",)))
    assert health.is_configured(known["vast"], Settings(licensed_sources=("vast",)))


@pytest.mark.parametrize("name", ["epoch", "yahoo", "sec", "azure"])
def test_a_base_address_takes_the_place_of_every_public_host(name, live_server):
    from warehouse.fetching.addresses import setting_name
    from warehouse.sources import all_sources

    [source] = [one for one in all_sources() if one.name == name]
    field = setting_name(source).removeprefix("OVERBUILD_").lower()
    given = Settings(**{field: live_server.url})
    assert health.is_configured(source, given)
    answers, told = health.reach(source, given)
    assert answers
    assert told.startswith(f"{live_server.url} answers (")
    answers, told = health.reach(source, Settings(**{field: "http://127.0.0.1:9"}))
    assert not answers
    assert told == f"http://127.0.0.1:9 cannot be reached (it refuses connections); check {setting_name(source)}"
    answers, told = health.reach(source, Settings(**{field: "somewhere"}))
    assert (answers, told.partition(": ")[0]) == (False, "not asked")


def test_each_of_several_public_hosts_is_asked(monkeypatch):
    from warehouse.sources import all_sources

    [sec] = [one for one in all_sources() if one.name == "sec"]
    asked = []
    monkeypatch.setattr(health, "host_answers", lambda address, *_: asked.append(address) or (True, "answers"))
    assert health.reach(sec, Settings(contact="Jane Doe jane@example.com")) == (True, "answers, answers")
    assert asked == ["https://data.sec.gov", "https://www.sec.gov"]


# -- what a person reads ----------------------------------------------------------------------------------------------


def test_reachable_is_whether_the_host_answered_when_it_was_asked_last(paths):
    assert epoch(paths)["reachable"] is None, "never asked"
    note(paths, NOW - timedelta(days=2))
    note(paths, NOW - timedelta(days=1), "failed", why="no answer within 20 s, 2 times", answered=False)
    assert epoch(paths)["reachable"] is False
    note(paths, NOW, "failed", why="answered 404 Not Found", answered=True)
    assert epoch(paths)["reachable"] is True


def test_a_key_is_given_or_missing_or_there_is_none(paths):
    def key(source: str, **given) -> str:
        return next(row["key"] for row in report(paths, Settings(**given), NOW) if row["source"] == source)

    assert key("epoch") == "none"
    assert (key("tiingo"), key("tiingo", tiingo_key="k" * 20)) == ("missing", "given")
    assert (key("vast"), key("vast", licensed_sources=("vast",))) == ("missing", "given")


def test_the_table_shows_next_and_last_run_and_each_step_on_lines_of_its_own(paths, capsys, monkeypatch):
    monkeypatch.setattr(sources, "load_settings", Settings)
    monkeypatch.setenv("COLUMNS", "120")
    publish(paths)
    sources.write(paths, output.Format.table, NOW)
    said = capsys.readouterr().out
    [line] = [line for line in said.splitlines() if line.strip().startswith("epoch") and "11-30 06:40" in line]
    # It ran and gave all at noon, and is asked on Monday; its newest fact is of the 20th.
    assert line.split() == ["epoch", "training", "ok", "-", "none", "2026-11-20",
                            *("11-25", "12:00"), *("11-25", "12:00"), *("11-30", "06:40")]  # fmt: skip
    [step] = [line for line in said.splitlines() if "it needs a key: get one at tiingo.com" in line]
    assert step.strip().startswith("tiingo")
