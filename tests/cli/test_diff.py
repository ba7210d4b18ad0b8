"""`overbuild diff` compares runs that are kept in full, and tells those that are gone by what they recorded."""

from __future__ import annotations

import csv
import io
import json
from datetime import date

import pytest

from tests.reports.made_warehouses import CONDITION, QUARTER, VERDICT, publish, publish_after
from tests.runs import command, copy_home
from warehouse import files
from warehouse.database.releases import reading
from warehouse.paths import WAREHOUSE, Paths
from warehouse.reports import changes

FIRST, SECOND, THIRD = "20251101T000000-aaaa", "20251201T000000-bbbb", "20260101T000000-cccc"
BEFORE = {"verdict": [VERDICT], "verdict_conditions": [CONDITION], "capex_quarterly": [QUARTER]}
AFTER = {
    "verdict": [VERDICT | {"verdict": "on_course"}],
    "verdict_conditions": [CONDITION | {"holds": True}],
    "capex_quarterly": [QUARTER | {"capex_usd": 34.9e9}],
}


@pytest.fixture
def home(tmp_path):
    """A home with a run, and what `then` publishes after it: the earlier runs are in the later one's history."""
    publish(tmp_path / "home", FIRST, BEFORE)
    return tmp_path / "home"


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """A home with two runs that differ, for tests that read it."""
    home = tmp_path_factory.mktemp("compared") / "home"
    publish(home, FIRST, BEFORE)
    publish_after(home, SECOND, AFTER, FIRST)
    return home


@pytest.fixture(scope="module")
def first_gone(compared, tmp_path_factory):
    """The same without the warehouse of the first run."""
    home = copy_home(compared, tmp_path_factory.mktemp("first gone") / "home")
    files.remove_folder(home / "releases" / FIRST)
    return home


def test_of_a_first_run_there_is_nothing_to_compare_with(home):
    done = command(home, "diff", "--format", "json")
    assert (done.returncode, json.loads(done.stdout)) == (0, [])
    assert "nothing to compare" in done.stderr
    assert command(home.parent / "empty", "diff").returncode == 2, "nothing is published there"


def test_without_arguments_the_last_two_runs(compared):
    home = compared
    rows = json.loads(command(home, "diff", "--format", "json").stdout)
    kinds = {row["kind"]: row for row in rows}
    assert kinds["verdict"]["key"] == {"scope": "ALL", "question": "Q3"}
    assert (kinds["verdict"]["before"], kinds["verdict"]["after"]) == ("cannot_tell", "on_course")
    (capex,) = [row for row in rows if row["kind"] == "figure" and row["column_name"] == "capex_usd"]
    assert capex["change_share"] == pytest.approx(15.5 / 19.4)
    assert rows == json.loads(command(home, "diff", FIRST, SECOND, "--format", "json").stdout)
    assert rows == json.loads(command(home, "diff", FIRST[:9], "--format", "json").stdout), "the beginning of a run id"

    listed = list(csv.DictReader(io.StringIO(command(home, "diff", "--format", "csv").stdout)))
    assert len(listed) == len(rows)
    assert json.loads(listed[0]["key"]) == rows[0]["key"]

    said = command(home, "diff").stdout
    assert FIRST in said
    assert "on_course" in said
    assert "+79.9%" in said


def test_two_answers_that_are_the_same(home):
    publish_after(home, SECOND, BEFORE, FIRST)
    assert "Nothing has changed" in command(home, "diff").stdout
    done = command(home, "diff", SECOND, SECOND, "--format", "json")
    assert (json.loads(done.stdout), "one and the same" in done.stderr) == ([], True)


def test_what_a_run_changed_is_known_when_the_one_before_is_gone(home):
    publish_after(home, SECOND, AFTER, FIRST)
    publish_after(home, THIRD, BEFORE, SECOND)
    files.remove_folder(home / "releases" / FIRST)
    done = command(home, "diff", FIRST, THIRD, "--format", "json")
    assert done.returncode == 0, done.stderr
    assert "no longer kept" in done.stderr
    told = [(r["run_id"], r["before"], r["after"]) for r in json.loads(done.stdout) if r["kind"] == "verdict"]
    assert told == [(SECOND, "cannot_tell", "on_course"), (THIRD, "on_course", "cannot_tell")]
    said = command(home, "diff", FIRST, THIRD).stdout
    assert said.index(f"to run {SECOND}") < said.index(f"to run {THIRD}")
    with reading(home / "current" / WAREHOUSE) as connection:
        listed = [(run["run_id"], run["verdicts"]) for run in changes.runs(connection)]
        last = changes.since_last_run(connection)
    assert listed == [(THIRD, 1), (SECOND, 1), (FIRST, None)]
    assert [row["after"] for row in last if row["kind"] == "verdict"] == ["cannot_tell"]
    figure = next(row for row in last if row["column_name"] == "capex_usd")
    assert (figure["before"], figure["key"]["ticker"]) == (34.9e9, "MSFT"), (
        "numbers are numbers again, keys are objects"
    )


def test_two_days_are_compared_by_their_dated_answers(compared, tmp_path):
    home = copy_home(compared, tmp_path / "home")
    paths = Paths(home, home / WAREHOUSE)
    for day, run_id in ((date(2025, 10, 31), FIRST), (date(2025, 11, 30), SECOND)):
        files.point(paths.dated(day), paths.releases / run_id)
    by_day = command(home, "diff", "2025-10-31", "2025-11-30", "--format", "json")
    assert json.loads(by_day.stdout) == json.loads(command(home, "diff", FIRST, SECOND, "--format", "json").stdout)
    assert json.loads(command(home, "diff", "2025-10-31", "--format", "json").stdout), "against the last run"
    assert (
        json.loads(command(home, "diff", SECOND, "2025-10-31", "--format", "json").stdout)[0]["after"] == "cannot_tell"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nonsense",), "no published run is called so"),
        (("2025-13-01",), "there is no such day"),
        (("2025-06-30", "2999-01-01"), "this date is in the future"),
        (("20",), "is the beginning of 2 runs"),
        ((SECOND, FIRST), "the warehouse of at least one of them is no longer kept"),
    ],
)
def test_a_run_that_is_not_there_is_wrong_use(first_gone, arguments, said):
    done = command(first_gone, "diff", *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stdout == ""
