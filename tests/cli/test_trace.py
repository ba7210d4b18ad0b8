"""`overbuild trace` writes a tree for people and flat objects for programs."""

from __future__ import annotations

import json

import pytest

from warehouse.cli import trace
from warehouse.cli.output import Format
from warehouse.paths import Paths


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
