"""Changes of the method: kept answers of the old version, none of them computed anew, and none shown before its day."""

from __future__ import annotations

import re
import tomllib
from datetime import date, timedelta
from pathlib import Path

import pytest

from warehouse.marts.common.reasons import codes
from warehouse.marts.verdict import method_changes
from warehouse.marts.verdict.decision import METHOD_VERSION, VERDICTS
from warehouse.marts.verdict.method_changes import MART

DAY = date(2026, 11, 29)
# What the last program of version 1 printed for the group on that day.
VERSION_1 = {
    "overall": ("cannot_tell", "C"),
    "Q1": ("claim_holds_for_its_scope", "B"),
    "Q2": ("not_shown_wasteful", "C"),
    "Q3": ("cannot_tell", "C"),
    "Q4": ("market_did_not_say_waste", "C"),
}


def rows(as_of: date, assumptions) -> list[dict]:
    return MART.run({}, as_of=as_of, assumptions=assumptions).to_dicts()


# What the first program of version 2 that was run for good printed.
VERSION_2 = {
    "overall": ("cannot_tell", "C"),
    "Q1": ("claim_holds_for_its_scope", "B"),
    "Q2": ("cannot_tell", "C"),
    "Q3": ("cannot_tell", "C"),
    "Q4": ("cannot_tell", "C"),
}


@pytest.mark.parametrize("as_of", [DAY, DAY + timedelta(days=900)])
def test_the_old_versions_answers_stand_beside_each_change_for_good(as_of, assumptions):
    found = [row for row in rows(as_of, assumptions) if row["version"] == 2]
    assert len(found) == 8, "one row for each line of the method's list"
    for row in found:
        assert {q: row[f"{q.lower()}_verdict_before"] for q in VERSION_1} == {q: v for q, (v, _) in VERSION_1.items()}
        assert {q: row[f"{q.lower()}_verdict_after"] for q in VERSION_2} == {q: v for q, (v, _) in VERSION_2.items()}
        assert (row["program_before"], row["reasons"]) == ("2e6147d", None)
        assert row["grade"] == "C"


def test_answers_are_not_shown_before_the_day_that_they_are_of(assumptions):
    for row in rows(DAY - timedelta(days=1), assumptions):
        assert row["overall_verdict_before"] is None
        assert codes(row["reasons"]) == ["answered_later"]
        assert row["why"]


def test_every_version_has_its_changes_and_the_answers_of_the_version_before_it():
    changes = method_changes.kept()["changes"]
    assert {each["version"] for each in changes} == set(range(2, METHOD_VERSION + 1))
    for each in changes:
        assert method_changes.answer(each["version"] - 1, each["changed_on"]), each["change"]


def test_this_version_was_run_for_good_and_its_answers_are_its_verdicts():
    answer = method_changes.answer(METHOD_VERSION, DAY)
    assert answer is not None, "python tools/record_method_answers.py COMMIT"
    for question, found in answer["verdicts"].items():
        assert found["verdict"] in VERDICTS[question]


def test_each_answer_is_kept_once_with_its_program_and_citation():
    answers = method_changes.kept()["answers"]
    assert len({(each["version"], each["as_of"]) for each in answers}) == len(answers)
    for each in answers:
        assert re.fullmatch(r"[0-9a-f]{7,40}", each["program"])
        assert each["program"] in each["citation"]


def test_what_the_tool_writes_is_read_again(tmp_path, monkeypatch):
    from tools import record_method_answers as tool

    text = (Path(method_changes.__file__).parents[2] / "reference" / method_changes.FILE).read_text(encoding="utf-8")
    changed = tmp_path / method_changes.FILE
    changed.write_text(text, encoding="utf-8")
    monkeypatch.setattr(tool, "FILE", changed)
    monkeypatch.setattr(tool, "answers", lambda day: VERSION_1)
    monkeypatch.setattr(method_changes, "answer", lambda version, day: None)
    assert tool.main("0123abc") == 0
    *_, last = tomllib.loads(changed.read_text(encoding="utf-8"))["answers"]
    assert (last["version"], last["as_of"], last["program"]) == (METHOD_VERSION, DAY, "0123abc")
    assert {q: (v["verdict"], v["grade"]) for q, v in last["verdicts"].items()} == VERSION_1
