"""`overbuild verdict` fits one screen; what is behind it comes where it is asked for."""

from __future__ import annotations

import json

import pytest

from tests.reports.made_warehouses import CONDITION, VERDICT, publish
from tests.runs import command
from warehouse.asked import ASKED, SILENT
from warehouse.cli import verdict_screen
from warehouse.cli.output import Format
from warehouse.marts.verdict import decision


def screen(paths, capsys, monkeypatch, columns=80, **more):
    monkeypatch.setenv("COLUMNS", str(columns))
    verdict_screen.write(paths.current, more.pop("company", ""), Format.table, **more)
    return capsys.readouterr().out


def test_the_answer_fits_a_terminal_of_24_lines_of_80_characters(published_paths, capsys, monkeypatch):
    said = screen(published_paths, capsys, monkeypatch)
    shown = said.splitlines()
    assert len(shown) <= 23, "the prompt takes a line"
    assert max(map(len, shown)) <= 80
    assert [line for line in shown if line.startswith(("Why ", "How sure ", "To change "))] == [
        line for label in ("Why", "How sure", "To change") for line in shown if line.startswith(f"{label} ")
    ]
    assert all(sum(asks in line for line in shown) == 1 for asks in ASKED.values())
    headline = json.loads(command(published_paths.root, "verdict", "--format", "json").stdout)[0]["headline"]
    assert headline in " ".join(said.split())


def test_a_wide_terminal_has_a_line_for_each_question(published_paths, capsys, monkeypatch):
    shown = screen(published_paths, capsys, monkeypatch, 110).splitlines()
    places = [place for place, line in enumerate(shown) if line.startswith(("Q1", "Q2", "Q3", "Q4"))]
    assert places == list(range(places[0], places[0] + 4))


@pytest.mark.parametrize("columns", [20, 40, 200])
def test_no_word_is_broken_however_narrow_the_terminal(published_paths, capsys, monkeypatch, columns):
    narrow = screen(published_paths, capsys, monkeypatch, columns).split()
    assert narrow == screen(published_paths, capsys, monkeypatch, 80).split()
    assert not any(
        line.lstrip().startswith("%") for line in screen(published_paths, capsys, monkeypatch, columns).splitlines()
    )


def test_why_gives_the_conditions_and_what_is_not_said(published_paths, capsys, monkeypatch):
    short = screen(published_paths, capsys, monkeypatch, 120)
    assert "facts_cover_group_capex" in screen(published_paths, capsys, monkeypatch, 240, why=True)
    whole = screen(published_paths, capsys, monkeypatch, 120, why=True)
    assert "which does not hold" in whole, "each condition says its figure and its threshold"
    assert all(silent in " ".join(whole.split()) for silent in SILENT.values())
    assert "facts_cover_group_capex" not in short
    of_one = " ".join(screen(published_paths, capsys, monkeypatch, 120, company="MSFT").split())
    assert "MSFT overall" in of_one
    assert "ALL overall" not in of_one


def test_the_words_of_the_questions_are_those_of_the_method():
    assert decision.ASKED == ASKED
    assert decision.SILENT == SILENT


def test_no_text_reaches_the_terminal_as_a_command(tmp_path, capsys, monkeypatch):
    bad = VERDICT | {"question": "overall", "statement": "Clear\x1b[2J\x07 it.\u202e"}
    tables = {"verdict": [bad], "verdict_conditions": [CONDITION | {"statement": "x\x9b2J"}], "assumptions": []}
    paths = publish(tmp_path / "home", "20251101T000000-aaaa", tables)
    said = screen(paths, capsys, monkeypatch, why=True)
    assert "Clear\\x1b[2J\\x07 it.\\u202e" in said
    assert not {c for c in said if ord(c) < 32 or 127 <= ord(c) < 160} - {"\n"}
