"""The figures in README.md are those of a run of the packaged snapshot."""

from __future__ import annotations

import runpy
from pathlib import Path

TOOL = Path(__file__).parents[1] / "tools" / "generate_docs.py"


def test_the_figures_in_the_readme_are_those_of_a_run(published, capsys):
    tool = runpy.run_path(str(TOOL))
    path = tool["README"]
    assert not tool["is_stale"](path, tool["readme"](path.read_text(encoding="utf-8"), published[0])), (
        capsys.readouterr().out
    )
