"""The command line, put together: what each command imports, and what is said of wrong use."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from warehouse.cli.app import COMMANDS, app

PROJECT = Path(__file__).parents[2]
HEAVY = ("prefect", "great_expectations", "polars", "pandas", "scipy", "requests", "jinja2")


def imported(*arguments: str, home: Path) -> set[str]:
    """Every module that is imported when a command has run."""
    program = (
        "import json, sys\n"
        "from warehouse.cli.app import app\n"
        "try:\n    app()\nexcept BaseException:\n    pass\n"
        "sys.stderr.write(json.dumps(list(sys.modules)))"
    )
    environment = {"PYTHONPATH": str(PROJECT), "OVERBUILD_HOME": str(home)}
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=True)
    return set(json.loads(done.stderr.splitlines()[-1]))


def test_each_command_has_a_file_of_its_own_that_the_list_of_commands_does_not_import(tmp_path):
    files = {path.stem for path in (PROJECT / "warehouse" / "cli").glob("*.py")}
    assert set(COMMANDS) <= files
    assert {name for name in imported("--help", home=tmp_path) if name.startswith("warehouse.cli.")} == {
        "warehouse.cli.app",
        "warehouse.cli.entry",
    }


def test_a_query_imports_the_database_and_nothing_else_that_takes_long(published_paths):
    found = imported("sql", "select 1", home=published_paths.root)
    assert "duckdb" in found
    assert not found & set(HEAVY)


def test_the_verdict_imports_the_database_and_nothing_else_that_takes_long(published_paths):
    assert not imported("verdict", home=published_paths.root) & set(HEAVY)


@pytest.mark.parametrize(
    "arguments",
    [["verdict"], ["quality"], ["quality", "checks"], ["trace", "verdict"], ["sources"], ["report"]],
    ids=" ".join,
)
def test_commands_that_only_read_import_neither_prefect_nor_great_expectations(published_paths, arguments):
    assert not imported(*arguments, home=published_paths.root) & {"prefect", "great_expectations"}


def test_a_command_imports_no_other():
    """So that a slow import of one costs no other."""
    for name in sorted(set(COMMANDS) - {"quality"}):
        path = PROJECT / "warehouse" / "cli" / f"{name}.py"
        top = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.ImportFrom)]
        assert not {node.module for node in top} & {f"warehouse.cli.{other}" for other in COMMANDS}, name


# -- wrong values -----------------------------------------------------------------------------------------------------


def options() -> list[tuple[str, ...]]:
    """Every option of every command that takes a value, as the words that lead to it."""
    group, found = typer.main.get_command(app), []
    for name in COMMANDS:
        command = group.get_command(None, name)
        ways = [((name,), command), *(((name, sub), each) for sub, each in getattr(command, "commands", {}).items())]
        found += [
            (*way, each.opts[0])
            for way, holder in ways
            for each in holder.params
            if each.param_type_name == "option" and not each.is_flag
        ]
    return found


def said_of(*words: str) -> str:
    return CliRunner().invoke(app, words, catch_exceptions=True).output


LIBRARY = ("Value error", "Input should", "unable to parse", "validation error")
CHECKED = {"--format", "--limit", "--max-rows", "--timeout", "--as-of", "--from", "--to"}


def test_no_option_answers_a_wrong_value_in_the_words_of_a_library():
    """A value is checked before the command runs, so a command that needs much does nothing here."""
    checked = [words for words in options() if words[-1] in CHECKED]
    assert {words[-1] for words in checked} == CHECKED
    for *way, option in checked:
        said = said_of(*way, option, "no such value")
        assert f"Invalid value for '{option}'" in said, (way, said)
        assert "'no such value' is not" in said, (way, said)
        assert not [word for word in LIBRARY if word in said], (way, said)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("sql", "select 1", "--format", "bad"), "'--format': 'bad' is not one of 'table', 'csv', 'json', 'ndjson'"),
        (("trace", "verdict", "--limit", "0"), "'--limit': 0 is too small; the least is 1."),
        (("trace", "verdict", "--limit", "1.5"), "'--limit': '1.5' is not a whole number."),
        (("sql", "select 1", "--timeout", "soon"), "'--timeout': 'soon' is not a number."),
    ],
)
def test_a_wrong_value_is_named_with_what_is_wanted(words, said):
    assert said in said_of(*words)
