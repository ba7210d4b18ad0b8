"""The arrows between the rooms: `lint-imports` holds them, and here each is broken on purpose to see that it does.

A contract that has never failed may be one that cannot. So a copy of the program gets, in every room, an import of the
room above it and of each library that this room may not import, and every one of them must be found.
"""

from __future__ import annotations

import itertools
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent
LINT = Path(sys.executable).with_name("lint-imports")
PLANTED = "planted_by_a_test"
RULES = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
CONTRACTS = {contract["name"]: contract for contract in RULES["contracts"]}
[LAYERS] = [contract["layers"] for contract in CONTRACTS.values() if contract["type"] == "layers"]
ALONE = {name: contract for name, contract in CONTRACTS.items() if contract["type"] == "forbidden"}
UPWARDS = [
    (lower.strip(), upper.split("|")[0].strip())
    for upper, below in itertools.pairwise(LAYERS)
    for lower in below.split("|")
]


def plant(folder: Path, module: str, statement: str) -> str:
    """Put an import into a room (as a file of its own) or a single file; gives the module that then breaks the rule."""
    place = folder.joinpath(*module.split("."))
    if place.is_dir():
        with (place / f"{PLANTED}.py").open("a", encoding="utf-8") as file:
            file.write(f"{statement}\n")
        return f"{module}.{PLANTED}"
    with place.with_suffix(".py").open("a", encoding="utf-8") as file:
        file.write(f"\n{statement}\n")
    return module


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> str:
    """What `lint-imports` says of a copy of the program in which every arrow is broken once."""
    folder = tmp_path_factory.mktemp("broken")
    for package in RULES["root_packages"]:
        shutil.copytree(PROJECT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__", "reference"))
    shutil.copy(PROJECT / "pyproject.toml", folder)
    for lower, upper in UPWARDS:
        plant(folder, lower, f"import {upper}")
    for contract in ALONE.values():
        for room in contract["source_modules"]:
            if room != "warehouse":
                plant(folder, room, f"import {contract['forbidden_modules'][0]}")
    plant(folder, "warehouse.pipeline", "import prefect")
    done = subprocess.run(
        [LINT, "--no-cache"], cwd=folder, env={"PYTHONPATH": str(folder)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stderr
    return done.stdout


@pytest.mark.parametrize(("lower", "upper"), UPWARDS, ids=lambda module: module)
def test_an_import_that_runs_upwards_is_found(report, lower, upper):
    assert re.search(rf"{lower}(\.{PLANTED})? -> {upper}\b", report)


@pytest.mark.parametrize("name", ALONE)
def test_a_library_that_is_imported_in_another_room_is_found(report, name):
    assert f"{name} BROKEN" in report
    [library] = ALONE[name]["forbidden_modules"]
    rooms = [room for room in ALONE[name]["source_modules"] if room != "warehouse"] or ["warehouse.pipeline"]
    for room in rooms:
        assert re.search(rf"{room}\.{PLANTED} -> {library}\b", report), room


def test_the_program_itself_keeps_every_contract():
    done = subprocess.run(
        [LINT, "--no-cache"], cwd=PROJECT, env={"PYTHONPATH": str(PROJECT)}, capture_output=True, text=True, check=False
    )
    assert f"Contracts: {len(CONTRACTS)} kept, 0 broken." in done.stdout
