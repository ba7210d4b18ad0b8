"""When sources are asked: the exchange's own calendar, what was missed, and `overbuild serve` as a process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from filelock import FileLock

from tests.live_server import Reply
from warehouse.errors import UsageError
from warehouse.fetching import schedules
from warehouse.fetching.schedules import Served
from warehouse.paths import Paths

PROJECT = Path(__file__).parents[2]
STARTS_WITHIN_SECONDS = 300
"""On a machine ten times slower than usual."""


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def next_times(entry: str, moment: str, count: int) -> list[str]:
    times = schedules.entry(entry).times_after(at(moment))
    return [f"{next(times):%Y-%m-%d %H:%M}" for _ in range(count)]


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path, tmp_path / "warehouse.duckdb")


# -- times -----------------------------------------------------------------------------------------------------------


def test_prices_are_asked_after_the_close_of_trading_days_alone():
    # 2026-11-26 is Thanksgiving, the 27th closes at 13:00 in New York; winter time, so 16:30 there is 21:30 UTC
    assert next_times("prices", "2026-11-24 00:00", 4) == [
        "2026-11-24 21:30", "2026-11-25 21:30", "2026-11-27 18:30", "2026-11-30 21:30",
    ]  # fmt: skip


def test_a_holiday_on_a_monday_has_no_time():
    assert next_times("prices", "2025-01-17 12:00", 2) == [
        "2025-01-17 21:30",
        "2025-01-21 21:30",
    ]  # the 20th is a holiday


def test_summer_time_moves_the_time_in_utc():
    assert next_times("prices", "2026-03-06 12:00", 2) == ["2026-03-06 21:30", "2026-03-09 20:30"]


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2025-01-20 23:00", "2025-01-17 21:30"),  # on the holiday, the Friday before
        ("2026-11-27 18:29", "2026-11-25 21:30"),
        ("2026-11-27 18:30", "2026-11-27 18:30"),  # the very minute
        ("2026-11-27 21:30", "2026-11-27 18:30"),  # the usual time is none on a half-day
    ],
)
def test_the_last_time_due(moment, expected):
    assert schedules.entry("prices").last_due(at(moment)) == at(expected)


def test_filings_are_asked_several_times_on_business_days():
    assert next_times("filings", "2026-11-27 00:00", 6) == [
        "2026-11-27 02:10", "2026-11-27 12:10", "2026-11-27 17:10", "2026-11-27 22:10", "2026-11-28 02:10",
        "2026-11-30 12:10",
    ]  # fmt: skip


def test_training_data_are_asked_weekly_and_gpu_prices_daily_or_more_often():
    weekly = schedules.entry("training").times_after(at("2026-11-25 00:00"))
    first, second = next(weekly), next(weekly)
    assert second - first == timedelta(days=7)
    for entry in schedules.entries():
        if entry.feed == "gpu":
            daily = entry.times_after(at("2026-11-25 00:00"))
            assert next(daily) - at("2026-11-25 00:00") <= timedelta(days=1)


def test_every_live_source_has_a_schedule_and_every_named_source_exists():
    from warehouse.sources import all_sources

    live = {source.name: source for source in all_sources() if source.kind == "live"}
    for source in live.values():
        assert schedules.entry_of(source) is not None, source.name
    for entry in schedules.entries():
        assert set(entry.sources) <= set(live), entry.name


def test_an_entry_that_names_a_source_takes_it_from_its_feed():
    listed = schedules.parse(
        '[daily]\nfeed = "training"\ncron = "0 5 * * *"\ntimezone = "UTC"\nstale_after_hours = 1\n'
        '[own]\nsources = ["epoch"]\ncron = "0 * * * *"\ntimezone = "UTC"\nstale_after_hours = 1\n'
    )
    from warehouse.sources.epoch import SOURCES

    found = schedules.entry_of(SOURCES[0], listed)
    assert found is not None
    assert found.name == "own"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[p]\nfeed = "gpu"\ncron = "0 5 * * *"\ntimezone = "UTC"', "stale_after_hours is missing"),
        ('[p]\nfeed = "gpu"\ncron = "99 5 * * *"\ntimezone = "UTC"\nstale_after_hours = 1', "cron = '99 5"),
        ('[p]\nfeed = "gpu"\ncron = "0 5 * * *"\ntimezone = "Mars"\nstale_after_hours = 1', "no time zone Mars"),
        ('[p]\ncron = "0 5 * * *"\ntimezone = "UTC"\nstale_after_hours = 1', "either a feed or sources"),
        (
            '[p]\nfeed = "gpu"\nevery = 1\ncron = "0 5 * * *"\ntimezone = "UTC"\nstale_after_hours = 1',
            "every is not known",
        ),
        (
            '[p]\nfeed = "gpu"\ncron = "0 5 * * *"\ntimezone = "UTC"\nstale_after_hours = "soon"',
            "[p]: stale_after_hours: Input should be a valid number",
        ),
        ("p = 1", "[p]: cron is missing; timezone is missing; stale_after_hours is missing"),
        ("[p", "schedules.toml: "),
    ],
)
def test_a_wrong_entry_is_named(text, message):
    with pytest.raises(UsageError, match=message.replace("[", "\\[")):
        schedules.parse(text)


# -- missed times ----------------------------------------------------------------------------------------------------


def serve_slot(paths: Paths, slot: str, outcome: str = "published") -> None:
    schedules.remember(paths, schedules.entry("prices"), Served(at(slot), at(slot), at(slot), outcome))


def test_a_time_is_served_once(paths):
    entry = schedules.entry("prices")
    now = at("2026-11-25 21:31")
    assert schedules.unserved(paths, entry, now) == at("2026-11-25 21:30")
    serve_slot(paths, "2026-11-25 21:30")
    assert schedules.unserved(paths, entry, now) is None
    assert schedules.unserved(paths, entry, at("2026-11-26 21:31")) is None, "Thanksgiving"


def test_many_missed_times_are_one(paths):
    serve_slot(paths, "2026-10-01 20:30")
    now = at("2026-11-25 12:00")
    assert [entry.name for entry in schedules.missed(paths, now)] == ["prices"]
    due = schedules.unserved(paths, schedules.entry("prices"), now)
    assert due == at("2026-11-24 21:30"), "the last one alone"
    serve_slot(paths, "2026-11-24 21:30")
    assert schedules.missed(paths, now) == []


def test_a_clock_that_ran_ahead_and_was_set_back_stops_no_schedule(paths):
    """A time of next year was served by mistake; today's is due none the less."""
    serve_slot(paths, "2027-01-04 21:30")
    assert schedules.unserved(paths, schedules.entry("prices"), at("2026-11-24 22:00")) == at("2026-11-24 21:30")


def test_a_refused_time_is_due_again(paths):
    serve_slot(paths, "2026-11-24 21:30", "refused")
    assert schedules.unserved(paths, schedules.entry("prices"), at("2026-11-25 12:00")) == at("2026-11-24 21:30")


def test_a_new_home_has_missed_nothing(paths):
    assert schedules.missed(paths, at("2026-11-25 12:00")) == []


def test_what_was_remembered_and_is_damaged_is_as_if_it_were_not(paths):
    serve_slot(paths, "2026-11-24 21:30")
    (paths.root / "schedule" / "prices.json").write_text("{")
    assert schedules.served(paths, schedules.entry("prices")) is None


def test_stale_is_a_time_that_passed_too_long_ago(paths):
    prices = schedules.entry("prices")
    friday = at("2026-11-20 21:40")
    assert not schedules.stale(prices, friday, at("2026-11-23 21:00")), "a weekend is no silence"
    assert not schedules.stale(prices, friday, at("2026-11-23 22:00")), "just due"
    assert schedules.stale(prices, friday, at("2026-11-24 12:00"))


# -- the flow and the deployments ------------------------------------------------------------------------------------


def test_the_flow_ends_at_once_where_nothing_is_due_and_answers_where_something_is(tmp_path, monkeypatch):
    from flows.environment import prepare

    prepare()
    from flows import schedule

    asked = []

    def answer(**parameters):
        asked.append(parameters)
        return {"failed_sources": {}, "published": "here"}

    monkeypatch.setattr(schedule, "answer", answer)
    monkeypatch.setattr(schedule, "say", lambda message: None)
    monkeypatch.setenv("OVERBUILD_HOME", str(tmp_path))
    assert schedule.scheduled.fn("training")["outcome"] == "published"
    assert asked == [{"source": "live", "only": ("epoch",), "unless_nothing_new": True}]
    assert schedule.scheduled.fn("training")["outcome"] == "not_due"
    assert len(asked) == 1


def test_a_flow_that_fails_remembers_why_and_is_due_again(tmp_path, monkeypatch):
    from flows.environment import prepare

    prepare()
    from flows import schedule
    from warehouse.errors import RefusedError

    def answer(**_):
        raise RefusedError("the list is half a list")

    monkeypatch.setattr(schedule, "answer", answer)
    monkeypatch.setattr(schedule, "say", lambda message: None)
    monkeypatch.setenv("OVERBUILD_HOME", str(tmp_path))
    with pytest.raises(RefusedError):
        schedule.scheduled.fn("training")
    paths = Paths(tmp_path, tmp_path / "w")
    served = schedules.served(paths, schedules.entry("training"))
    assert served is not None
    assert (served.outcome, served.message) == ("refused", "the list is half a list")
    assert schedules.unserved(paths, schedules.entry("training"), datetime.now(UTC)) is not None


def test_a_run_waits_for_the_one_at_work_which_may_serve_the_same_time(tmp_path, monkeypatch):
    from flows.environment import prepare

    prepare()
    from flows import schedule

    training, now = schedules.entry("training"), datetime.now(UTC)
    paths = Paths(tmp_path, tmp_path / "w")
    at_work = FileLock(paths.lock)
    at_work.acquire()

    def pass_time(seconds: float) -> None:
        if at_work.is_locked:
            at_work.release()
            schedules.remember(paths, training, Served(now, now, now, "published"))

    monkeypatch.setattr(schedule.time, "sleep", pass_time)
    monkeypatch.setattr(schedule, "say", lambda message: None)
    monkeypatch.setattr(schedule, "answer", lambda **_: pytest.fail("asked twice for one time"))
    monkeypatch.setenv("OVERBUILD_HOME", str(tmp_path))
    assert schedule.scheduled.fn("training")["outcome"] == "not_due"


def test_the_file_for_workers_has_the_same_schedules():
    from flows.serving import prefect_yaml

    assert (PROJECT / "deploy" / "prefect.yaml").read_text() == prefect_yaml(), (
        "schedules.toml changed; run: python -m flows.serving > deploy/prefect.yaml"
    )


def test_the_file_for_workers_says_how_to_use_it_and_names_what_there_is():
    """Prefect asks for a pool before it deploys, and imports the flow from the file and name that stand there."""
    text = (PROJECT / "deploy" / "prefect.yaml").read_text()
    read = yaml.safe_load(text)
    [pool] = {one["work_pool"]["name"] for one in read["deployments"]}
    commands = [line.removeprefix("#   ") for line in text.splitlines() if line.startswith("#   prefect ")]
    assert commands == [
        f"prefect work-pool create {pool} --type process",
        "prefect deploy --all --prefect-file deploy/prefect.yaml",
        f"prefect worker start --pool {pool}",
    ]
    *of_schedules, by_hand = read["deployments"]
    assert "schedules" not in by_hand, "it runs when a person asks for it"
    for one in read["deployments"]:
        file, _, name = one["entrypoint"].partition(":")
        assert f"\ndef {name}(" in (PROJECT / file).read_text()
    for one in of_schedules:
        assert schedules.entry(one["parameters"]["entry"]).cron == one["schedules"][0]["cron"]
        assert one["concurrency_limit"]["limit"] == 1


def test_deployments_never_overlap_and_follow_the_file():
    from flows.environment import prepare

    prepare()
    from flows.serving import deployments

    *of_schedules, by_hand = deployments()
    assert not by_hand.schedules, "it runs when a person asks for it"
    for deployment, entry in zip(of_schedules, schedules.entries(), strict=True):
        assert deployment.name == entry.name
        [planned] = deployment.schedules or []
        assert planned.schedule.cron == entry.cron  # type: ignore[union-attr]
        assert planned.schedule.timezone == entry.timezone  # type: ignore[union-attr]
        assert deployment.concurrency_limit == 1
        assert deployment.concurrency_options is not None
        assert deployment.concurrency_options.collision_strategy.value == "CANCEL_NEW"


def test_every_parameter_of_a_deployment_has_words():
    """Prefect's form for a run by hand shows them beside each field."""
    from flows.environment import prepare

    prepare()
    from flows.serving import deployments

    for deployment in deployments():
        assert deployment.description
        shown = deployment._parameter_openapi_schema.model_dump()["properties"]
        assert shown, deployment.name
        bare = [name for name, field in shown.items() if not field.get("description")]
        assert not bare, f"{deployment.name}: {bare}"


# -- overbuild serve -------------------------------------------------------------------------------------------------


def asked(url: str, body: dict) -> list[dict]:
    """What Prefect's server answers. `urlopen` would keep the proxies of the first test that asked anything."""
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as reply:
        return json.loads(reply.read())


@dataclass
class Serving:
    """`overbuild serve` in a home and a PREFECT_HOME of its own."""

    folder: Path
    environment: dict[str, str]
    process: subprocess.Popen | None = None

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def log(self) -> Path:
        return self.folder / "said"

    def start(self) -> None:
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                COMMAND, cwd=self.folder, env=self.environment, stderr=output, stdout=output
            )

    def wait_for(self, what: Callable[[], Any], seconds: float) -> Any:
        assert self.process is not None
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if found := what():
                return found
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.2)
        raise AssertionError(f"not in {seconds} s: {self.log.read_text()}")

    def says(self, text: str) -> bool:
        return text in self.log.read_text()

    def stop(self, number: signal.Signals) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(90)


COMMAND = [sys.executable, "-m", "warehouse.cli", "serve"]


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Serving]:
    environment = {n: v for n, v in os.environ.items() if not n.startswith(("OVERBUILD_", "PREFECT_"))}
    environment |= {
        "OVERBUILD_HOME": str(tmp_path / "home"),
        "PREFECT_HOME": str(tmp_path / "prefect"),
        "PYTHONPATH": str(PROJECT),
    }
    one = Serving(tmp_path, environment)
    yield one
    if one.process is not None and one.process.poll() is None:
        one.stop(signal.SIGTERM)


def test_serve_makes_up_for_a_missed_time_and_stops_cleanly_with_a_run_under_way(serving, live_server):
    """One service for all of it: each takes a server, and with it half a minute of a core."""
    paths = Paths(serving.home, serving.home / "warehouse.duckdb")
    training, long_ago = schedules.entry("training"), at("2026-01-05 06:40")
    schedules.remember(paths, training, Served(long_ago, long_ago, long_ago, "published"))
    live_server.script("/data/notable_ai_models.csv", Reply(b"", wait_seconds=900))
    serving.environment["OVERBUILD_EPOCH_URL"] = live_server.url
    serving.environment["OVERBUILD_TIMEOUT_SECONDS"] = "600"  # the run is under way until it is told to stop
    serving.start()
    serving.wait_for(lambda: serving.says("serving"), STARTS_WITHIN_SECONDS)
    assert serving.says("training: next ")
    note = json.loads((serving.home / "schedule" / "server.json").read_text())
    found = asked(f"{note['url']}/deployments/filter", {})
    assert {one["name"] for one in found} == {"by-hand", *(entry.name for entry in schedules.entries())}
    of_schedules = [one for one in found if one["name"] != "by-hand"]
    assert all(one["concurrency_limit"] == 1 or one["global_concurrency_limit"]["limit"] == 1 for one in of_schedules)
    second = subprocess.run(
        COMMAND, cwd=serving.folder, env=serving.environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert second.returncode == 2
    assert "another `overbuild serve` serves this folder" in second.stderr
    serving.wait_for(lambda: live_server.asked("/data/notable"), STARTS_WITHIN_SECONDS)
    assert serving.says("training: missed a time while nothing ran")
    assert serving.stop(signal.SIGTERM) == 0, serving.log.read_text()
    assert serving.says("stopped.")
    assert (serving.folder / "prefect" / "prefect.db").exists()
    with pytest.raises(ProcessLookupError):
        os.kill(note["pid"], 0)
    assert list((serving.home / "work").iterdir()) == [], "nothing half-built stays behind"
    assert not (serving.home / "current").exists()
    assert [entry.name for entry in schedules.missed(paths, datetime.now(UTC))] == ["training"], "due again"


def test_calendar_days_are_dates():
    assert schedules.closes(2026)[date(2026, 11, 27)] == at("2026-11-27 18:00")
