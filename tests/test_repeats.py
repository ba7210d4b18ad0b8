"""What a build leaves out is shown by something that it does not leave out, and the long form leaves out nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def marks() -> list[str]:
    """Each test that a mark names."""
    texts = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "tests").rglob("test_*.py"))]
    return [
        named
        for text in texts
        if "from tests.repeats import" in text
        for named in re.findall(r'"(tests/[^"]*::test_\w+)"', text)
    ]


def test_every_mark_names_a_test_of_a_build() -> None:
    assert len(marks()) > 6
    for named in marks():
        file, _, name = named.partition("::")
        text = (ROOT / file).read_text(encoding="utf-8")
        start = text.index(f"def {name}(")
        decorators = text[:start].rpartition("\n\n\n")[2]
        assert "@repeats" not in decorators, f"{named} is left out, too"


def test_whatever_is_left_out_says_what_shows_the_same(request: pytest.FixtureRequest) -> None:
    """Of the tests that are collected beside this one."""
    for item in request.session.items:
        for mark in item.iter_markers("repeats"):
            [named] = mark.args
            assert re.fullmatch(r"tests/[\w/]+\.py::test_\w+", named), item.nodeid


def test_the_long_form_leaves_out_nothing() -> None:
    made = (ROOT / "Makefile").read_text(encoding="utf-8")
    command = made[made.index("PYTEST = ") : made.index("\ntest: ")]
    assert " -m pytest " in command
    assert "not " not in command
    assert re.findall(r"^test-all:.*\n((?:\t.*\n)*)", made, re.MULTILINE) == ["\t@$(PYTEST)\n"]
    assert re.findall(r"^test:.*\n((?:\t.*\n)*)", made, re.MULTILINE) == [
        '\t@$(PYTEST) -m "not repeats and not breaks"\n'
    ]
