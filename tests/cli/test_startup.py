"""A query imports what it uses and nothing else. Modules are counted, no clock is read: a clock tells of the machine."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.test_sql import home  # noqa: F401 (a small published warehouse)
from warehouse import home as light
from warehouse.paths import paths_here, paths_of
from warehouse.settings import load_settings

PROJECT = Path(__file__).parents[2]


def modules(program: str, *arguments: str, at: Path | None = None) -> set[str]:
    """The modules that a program has imported at its end."""
    told = "sys.stderr.write('\\n' + json.dumps(list(sys.modules)))"
    code = f"import json, sys\ntry:\n    {program}\nexcept SystemExit:\n    pass\n{told}"
    environment = {"PYTHONPATH": str(PROJECT), "OVERBUILD_HOME": str(at)}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return set(json.loads(done.stderr.splitlines()[-1]))


RUN = "from warehouse.cli import main; main()"


@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_a_plain_query_imports_duckdb_and_hardly_more(home, form):  # noqa: F811
    duckdb_alone = modules("import duckdb")
    found = modules(RUN, "sql", "select 1 as a", "--format", form, at=home)
    heavy = {
        "typer",
        "pydantic",
        "pydantic_settings",
        "rich",
        "polars",
        "numpy",
        "pandas",
        "pyarrow",
        "filelock",
        "asyncio",
    }
    assert found & heavy == set()
    ours = {name for name in found - duckdb_alone if name.startswith("warehouse")}
    assert len(ours) < 25
    unused = {f"warehouse.{name}" for name in ("storage", "database.recovery", "database.pivoting")}
    assert ours & unused == set()
    assert {
        name for name in ours if name.startswith(("warehouse.tables", "warehouse.marts", "warehouse.sources"))
    } == set()
    assert len(found - duckdb_alone - ours) < 60


@pytest.mark.parametrize("options", [(), ("--why",)])
def test_the_answer_imports_no_library_of_options_and_no_table(published, options):
    found = modules(RUN, "verdict", *options, at=published[0])
    assert found & {"typer", "pydantic", "rich", "polars", "numpy", "pandas", "prompt_toolkit"} == set()
    assert not {name for name in found if name.startswith(("warehouse.tables", "warehouse.marts", "warehouse.sources"))}


def test_a_query_with_options_imports_no_table(home):  # noqa: F811
    found = modules(RUN, "sql", "select 1 as a", "--timeout", "5", "--max-rows", "3", at=home)
    assert {name for name in found if name.startswith(("warehouse.tables", "warehouse.marts"))} == set()
    assert found & {"pydantic_settings", "rich", "polars", "pandas", "pyarrow", "prompt_toolkit", "xlsxwriter"} == set()


def test_help_imports_neither_the_database_nor_a_command():
    found = modules(RUN, "--help")
    assert found & {"duckdb", "polars", "rich", "pydantic_settings"} == set()


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ({}, ""),
        ({"OVERBUILD_HOME": "a/b"}, ""),
        ({"overbuild_home": "~/c"}, ""),
        ({"OVERBUILD_HOME": "/x", "OVERBUILD_WAREHOUSE": "/y/w.duckdb"}, ""),
        ({"OVERBUILD_WAREHOUSE": " "}, ""),
        ({}, 'home = "of/file"\nwarehouse = "w.duckdb"\n'),
        ({"OVERBUILD_HOME": "wins"}, 'home = "of/file"\ncontact = "a b"\n'),
    ],
    ids=str,
)
def test_the_short_way_to_the_two_places_agrees_with_the_settings(given, written, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("OVERBUILD_HOME", "OVERBUILD_WAREHOUSE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    if written:
        (tmp_path / light.FILE).write_text(written)
    assert paths_here() == paths_of(load_settings())
