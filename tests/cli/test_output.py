"""What documents say reaches no terminal as a command and no spreadsheet as a formula, whatever command writes it."""

from __future__ import annotations

import json

import pytest

from warehouse.cli import output
from warehouse.cli.output import Format

ESCAPE, CSI, TURN = "\x1b[31m", "\x9b31m", "\u202e"
FORMULA = "=HYPERLINK(1)"


def test_json_holds_no_character_that_a_terminal_obeys_and_means_the_same(capsys):
    output.write(["a"], [[f"x{ESCAPE}{CSI}{TURN}é"]], Format.json)
    said = capsys.readouterr().out
    assert not {ESCAPE[0], CSI[0], TURN} & set(said)
    assert json.loads(said) == [{"a": f"x{ESCAPE}{CSI}{TURN}é"}]


def test_csv_to_a_terminal_shows_what_would_steer_it(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    output.write(["a"], [[f"x{ESCAPE}{CSI}"]], Format.csv)
    assert capsys.readouterr().out == "a\nx\\x1b[31m\\x9b31m\n"


@pytest.mark.parametrize(("raw", "written"), [(False, f"'{FORMULA}"), (True, FORMULA)])
def test_a_cell_that_a_spreadsheet_would_run_gets_an_apostrophe(capsys, monkeypatch, raw, written):
    monkeypatch.setattr(output.view, "raw_cells", raw)
    output.write(["a", "b", "c"], [[FORMULA, -1.5, "-2"]], Format.csv)
    assert capsys.readouterr().out == f"a,b,c\n{written},-1.5,-2\n"
