"""A line of the benchmarks says the ratio of pairs, its spread and whether its target is met; each benchmark still starts."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import json
from pathlib import Path

import pytest

from bench import lines
from bench.__main__ import SIZES
from tools import benchmarks


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "results.json"


def test_sides_take_turns_and_each_is_first_every_other_time():
    said: list[str] = []

    def side(name: str, value: float):
        return lambda: said.append(name) or value

    assert lines.in_turn(side("ours", 2.0), side("theirs", 1.0), 3) == ((2.0, 2.0, 2.0), (1.0, 1.0, 1.0))
    assert said == ["ours", "theirs", "theirs", "ours", "ours", "theirs"]


def test_the_ratio_is_the_median_of_the_pairs_with_the_least_and_the_greatest(kept):
    lines.report("w", "a", "s", [2.0, 9.0, 4.0], [1.0, 3.0, 4.0], target=2, file=kept)
    [line] = lines.read(kept)["lines"]
    assert (line["ours"], line["theirs"]) == (4.0, 3.0)
    assert (line["ratio"], line["lowest"], line["highest"], line["rounds"]) == (2.0, 1.0, 3.0, 3)
    assert lines.is_met(line)
    assert lines.row(line) == "| w | a | 4 s | 3 s | 2 | 1 to 3, 3 rounds | at most 2 |  |"


def test_a_target_of_times_faster_is_the_least(kept):
    lines.report("w", "a", "s", [1.0], [8.0], target=9, faster=True, file=kept)
    [line] = lines.read(kept)["lines"]
    assert line["ratio"] == 8.0
    assert not lines.is_met(line)
    assert "at least 9: **missed**" in lines.row(line)


@pytest.mark.parametrize(("found", "met"), [(1024.0, True), (1025.0, False)])
def test_a_limit_is_held_against_ours_alone(kept, found, met):
    lines.report("w", "limit", "MiB", [found], target=1024, file=kept)
    [line] = lines.read(kept)["lines"]
    assert (line["ratio"], line["theirs"]) == (None, None)
    assert lines.is_met(line) is met


def test_a_line_replaces_the_one_before_and_no_other(kept):
    lines.report("w", "a", "s", [1.0], [2.0], file=kept)
    lines.report("w", "b", "s", [1.0], [2.0], file=kept)
    lines.report("w", "a", "s", [3.0], [2.0], file=kept)
    assert {line["against"]: line["ours"] for line in lines.read(kept)["lines"]} == {"a": 3.0, "b": 1.0}


def test_lines_of_another_machine_are_not_kept_beside_those_of_this_one(kept):
    lines.report("w", "a", "s", [1.0], [2.0], file=kept)
    found = lines.read(kept)
    kept.write_text(json.dumps(found | {"machine": found["machine"] | {"cores": "96"}}))
    lines.report("w", "b", "s", [1.0], [2.0], file=kept)
    assert [line["against"] for line in lines.read(kept)["lines"]] == ["b"]


def test_the_page_names_what_is_missed(kept, monkeypatch):
    lines.report("good", "a", "s", [1.0], [2.0], target=1, file=kept)
    lines.report("slow", "a", "s", [4.0], [2.0], target=1.5, file=kept)
    found = lines.read(kept)
    monkeypatch.setattr(lines, "read", lambda: found)
    page = benchmarks.page()
    assert "Of 2 targets, 1 are met." in page
    assert "- slow, against a: 2, wanted at most 1.5" in page


@pytest.mark.parametrize("name", SIZES)
def test_each_benchmark_and_the_programs_that_it_starts_find_what_they_import(name):
    """Nothing else runs them in a build, and a module that moved would be missed only by who measures."""
    module = importlib.import_module(f"bench.{name}")
    assert callable(module.main)
    programs = [text for text in vars(module).values() if isinstance(text, str) and "\nimport " in text]
    for statement in (node for text in programs for node in ast.walk(ast.parse(text))):
        if isinstance(statement, ast.ImportFrom) and (statement.module or "").startswith(("bench", "warehouse")):
            found = importlib.import_module(str(statement.module))
            missing = [
                each.name
                for each in statement.names
                if not hasattr(found, each.name) and not _is_module(statement, each)
            ]
            assert missing == []


def _is_module(statement: ast.ImportFrom, name: ast.alias) -> bool:
    return importlib.util.find_spec(f"{statement.module}.{name.name}") is not None
