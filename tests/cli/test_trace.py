"""`overbuild trace` writes a tree for people and flat objects for programs."""

from __future__ import annotations

import json
import shlex

import pytest

from warehouse.cli import quality, trace
from warehouse.cli.output import Format
from warehouse.paths import Paths
from warehouse.reports.lineage import traceable


@pytest.fixture(scope="module")
def paths(published_paths) -> Paths:
    return published_paths


def test_written_as_json_csv_and_tree(paths, capsys):
    where = "question = 'Q4' and scope = 'ALL'"
    trace.write(paths.current, "marts.verdict", where, 25, Format.json)
    listed = json.loads(capsys.readouterr().out)
    assert {"path", "table", "key", "citation", "document_sha256", "document_url", "locator", "grade"} <= set(listed[0])
    assert all(not isinstance(cell, dict | list) for fact in listed for cell in fact.values())

    trace.write(paths.current, "marts.verdict", where, 25, Format.csv)
    assert len(capsys.readouterr().out.splitlines()) >= len(listed) + 1

    trace.write(paths.current, "marts.verdict", where, 25, Format.table)
    tree = capsys.readouterr().out
    assert "core.stock_prices  5240 rows" in tree or "rows, ticker" in tree, "thousands of bars share a line"
    assert len(tree.splitlines()) < 200
    assert "raw/" in tree


def test_a_row_of_an_earlier_version_lacks_columns_and_is_shown():
    table, row = traceable()["marts.event_study_tests"], {"statistic": 1.5}
    assert "statistic 1.5" in trace._figures(table, row)
    assert trace._figure(table, [row, row]) == "statistic"


def test_folded_it_has_a_line_a_figure_then_formulas_then_inputs_by_table(paths, capsys):
    where = "calendar_quarter = '2026Q2'"
    trace.write(paths.current, "capex_group", where, 25, Format.table)
    folded = capsys.readouterr().out
    places = [folded.index(part) for part in ("marts.capex_group  calendar_quarter 2026Q2", "How it is computed", "Made of",
                                              "facts\n  core.company_facts")]  # fmt: skip
    assert places == sorted(places)
    # four companies, four quarters each
    assert "marts.capex_quarterly  16 rows, ticker AMZN to MSFT" in folded
    assert "(first) to" in folded
    assert "--all" in folded
    trace.write(paths.current, "capex_group", where, 25, Format.table, everything=True)
    tree = capsys.readouterr().out
    assert len(tree.splitlines()) > len(folded.splitlines())
    assert tree.count("marts.capex_quarterly  4 rows") == 4


def test_a_trace_ends_with_the_command_that_shows_the_line_of_a_document(paths, capsys):
    trace.write(paths.current, "core.stock_prices", "ticker = 'NVDA' and date = '2025-01-27'", 25, Format.table)
    said = capsys.readouterr().out
    command = said[said.index("overbuild quality line ") :].splitlines()[0]
    _, _, _, document, place = shlex.split(command)
    quality.line(paths, document, place, Format.json)
    (shown,) = json.loads(capsys.readouterr().out)
    # the official close of that day
    assert "118.42" in shown["text"]
    assert shown["header"].startswith("ticker,date,")


def test_no_row_is_an_empty_list_and_a_note(paths, capsys):
    trace.write(paths.current, "marts.verdict", "scope = 'XYZ'", 25, Format.json)
    said = capsys.readouterr()
    assert json.loads(said.out) == []
    assert "no row where scope = 'XYZ'" in said.err


def test_many_rows_are_cut_with_a_note(paths, capsys):
    trace.write(paths.current, "core.evidence", "", 2, Format.json)
    said = capsys.readouterr()
    assert len(json.loads(said.out)) == 2
    assert "Followed the first 2 of" in said.err
