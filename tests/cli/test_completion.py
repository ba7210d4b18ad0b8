"""Shell completion: what a shell is offered, asked in the way that bash, zsh and fish ask."""

from __future__ import annotations

import os
import subprocess

import pytest

from tests.cli.test_app import HEAVY, PROJECT, imported
from tests.runs import OVERBUILD, overbuild, settings
from warehouse.cli import completion
from warehouse.cli.app import COMMANDS


def test_commands_options_and_their_values_are_offered(tmp_path):
    def offered(*words: str) -> list[str]:
        asked = {
            "_OVERBUILD_COMPLETE": "complete_bash",
            "COMP_WORDS": " ".join(words),
            "COMP_CWORD": str(len(words) - 1),
        }
        return overbuild(tmp_path, PYTHONPATH=str(PROJECT), **asked).stdout.split()

    assert offered("overbuild", "") == list(COMMANDS)
    assert offered("overbuild", "verd") == ["verdict"]
    assert {"--company", "--as-of", "--format"} <= set(offered("overbuild", "verdict", "--"))
    assert {"table", "csv", "json"} <= set(offered("overbuild", "verdict", "--format", ""))
    assert {"accept", "dismiss"} <= set(offered("overbuild", "quality", ""))
    assert "nvidia_loss" in offered("overbuild", "sql", "--question", "nv")


def test_tables_and_companies_are_those_of_the_published_warehouse(published):
    with settings(published[0]):
        assert {"verdict", "verdict_conditions", "verdict_timeline"} <= set(completion.tables("verdict"))
        assert "core.stock_prices" in completion.tables("core.")
        assert {"capex", "capex_by_year", "capex_quarterly"} <= set(completion.described("capex"))
        assert completion.companies("M") == ["META", "MSFT"]
        assert completion.companies("ms") == ["msft"]


def test_what_a_shell_would_run_is_not_offered(published):
    """A name comes of documents, and the shell puts it into the line as it is."""
    names = ("MSFT", "BRK.B", "core.x", "A;id", "$(id)", "a b", "`id`", "A\nid", "")
    listed = ", ".join(f"('{name}')" for name in names)
    with settings(published[0]):
        assert completion._published(f"select * from (values {listed})", "") == ["MSFT", "BRK.B", "core.x"]


def test_where_nothing_is_published_nothing_is_offered_and_nothing_fails(tmp_path):
    with settings(tmp_path):
        assert completion.tables("") == completion.companies("") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_for_the_shell_is_shown(tmp_path, shell):
    done = subprocess.run(
        [OVERBUILD, "--show-completion"],
        env={
            **os.environ,
            "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1",
            "_OVERBUILD_COMPLETE": f"source_{shell}",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert "_OVERBUILD_COMPLETE" in done.stdout


def test_a_shell_does_not_wait_for_imports(published):
    program = ("sql", "--question", "nothing_such")
    assert not imported(*program, home=published[0]) & set(HEAVY)
