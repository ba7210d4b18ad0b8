"""`overbuild run` ends with what changed since the last run, and with the standing answer."""

from __future__ import annotations

import json

import pytest

from tests.reports.made_warehouses import CONDITION, QUARTER, VERDICT, publish, publish_after
from warehouse.cli.run import print_summary
from warehouse.database.releases import comparing, reading
from warehouse.paths import WAREHOUSE
from warehouse.reports import changes, news
from warehouse.reports.diff import Comparison

FIRST, SECOND = "20251101T000000-aaaa", "20251201T000000-bbbb"
OVERALL = VERDICT | {
    "question": "overall",
    "headline": "Nobody can tell.",
    "evidence_grade": "C",
    "statement": "Because.",
}
BEFORE = {"verdict": [OVERALL, VERDICT], "verdict_conditions": [CONDITION], "capex_quarterly": [QUARTER]}
AFTER = {
    "verdict": [OVERALL, VERDICT | {"verdict": "on_course"}],
    "verdict_conditions": [CONDITION | {"holds": True}],
    "capex_quarterly": [QUARTER | {"capex_usd": 38.8e9}],
}
LABELS = ["Is the spending wasteful? ", "Why:", "How sure:", "What would change it:", "Where to look:"]


def outcome(home, run_id, **given):
    counts = {"checks": 9, "held": 9, "ran": 6, "carried_over": 2, "skipped": 1, "known": 3}
    return {
        "run_id": run_id, "as_of": "2025-10-31", "asked_as_of": None, "fact_rows": 12, "checks": counts, "warnings": [],
        "quarantined": [], "failed_sources": {}, "notes": [], "overridden": [], "unchanged_since": "", "new_rows_of": {},
        "published": str(home / "current"), **given,
    }  # fmt: skip


@pytest.fixture
def home(tmp_path):
    publish(tmp_path / "home", FIRST, BEFORE)
    return tmp_path / "home"


def printed(capsys, home, run_id, **given):
    print_summary(outcome(home, run_id, **given))
    return capsys.readouterr().out


def in_one_line(said):
    """What is printed, without the ends of lines that the width of a terminal puts in."""
    return " ".join(said.split())


def test_the_first_run_says_that_it_is_the_first(home, capsys):
    said = in_one_line(printed(capsys, home, FIRST))
    assert "this is the first run here, so there is nothing to compare it with" in said
    assert "9 checks: 6 ran, 2 carried over, 1 skipped, without a row; all held. 3 known findings" in said


def test_the_last_lines_say_what_changed_and_then_how_the_answer_stands(home, capsys):
    publish_after(home, SECOND, AFTER, FIRST)
    said = printed(capsys, home, SECOND, new_rows_of={"company_facts": 1})
    assert f"What changed since run {FIRST}" in said
    assert "  ALL Q3: cannot tell -> on course" in said
    assert "New facts: 1 company_facts." in said
    # 38.8 billion is twice 19.4 billion
    change = "capex_quarterly.capex_usd, MSFT 2025-09-30: 19,400,000,000 -> 38,800,000,000 (+100%)"
    assert change in in_one_line(said)
    assert "ALL Q3 facts_cover_group_capex: does not hold -> holds" in said
    assert "Nothing changed" not in said
    places = [said.index(f"\n{label}") for label in LABELS[1:]]
    assert said.index("What changed") < places[0] < places[1] < places[2] < places[3]
    assert "Nobody can tell." in said
    assert "Q3 on course" in said, "how sure: the other questions"


def test_that_nothing_changed_is_said(home, capsys):
    publish_after(home, SECOND, BEFORE, FIRST)
    said = in_one_line(printed(capsys, home, SECOND))
    assert "Nothing changed: every verdict, figure and row is that of the run before." in said


def test_a_dated_answer_is_compared_with_none(home, capsys):
    said = in_one_line(printed(capsys, home, FIRST, asked_as_of="2025-10-31"))
    assert "a dated answer follows no other" in said


def test_what_a_run_says_is_what_diff_shows(home):
    paths = publish_after(home, SECOND, AFTER, FIRST)
    with comparing(paths.releases / FIRST / WAREHOUSE, paths.current / WAREHOUSE) as connection:
        compared = list(Comparison(connection).rows())
    with reading(paths.current / WAREHOUSE) as connection:
        recorded = changes.recorded(connection, SECOND)
    assert news.in_short(compared) == news.in_short(recorded)


def test_no_text_of_a_document_reaches_the_terminal_as_a_command(home, capsys):
    said = printed(capsys, home, FIRST, warnings=["prices.csv, line 3: name=\x1b]0;owned\x07\x9b2J\u202eevil"])
    assert "name=\\x1b]0;owned\\x07\\x9b2J\\u202eevil" in said
    assert not {c for c in said if ord(c) < 32} - {"\n"}


def test_a_run_that_published_nothing_says_so(capsys, home):
    assert printed(capsys, home, SECOND, published="") == "Nothing is new: what is published stays.\n"
    assert json.dumps(outcome(home, FIRST))
