"""The figures and the picture in the documents are those of a run of the packaged snapshot."""

from __future__ import annotations

import runpy
from pathlib import Path

TOOLS = Path(__file__).parents[1] / "tools"


def test_the_figures_in_the_documents_are_those_of_a_run(published, capsys):
    tool = runpy.run_path(str(TOOLS / "generate_docs.py"))
    made = tool["of_a_run"](published[0])
    assert len(made) == 4
    assert not [path for path, text in made.items() if tool["is_stale"](path, text)], capsys.readouterr().out


def test_the_reference_of_commands_is_that_of_the_program(capsys):
    assert runpy.run_path(str(TOOLS / "command_reference.py"))["main"](True) == 0, capsys.readouterr().out
