"""Every code that a source gives has its words, every code with words is given, and days survive being kept."""

from __future__ import annotations

import ast
from datetime import date
from pathlib import Path

from warehouse import sources
from warehouse.sources import gpurentalprices
from warehouse.sources.common import parsing, wording
from warehouse.sources.common.reasons import Reason, read, reason

GIVING = {"reason", "because", "notice", "_notices"}


def given() -> set[str]:
    """Codes that stand in a call, and those that are taken from a list."""
    found = {*parsing.NOT_OF_TYPE.values(), *gpurentalprices.OTHER_PRODUCTS}
    for path in Path(sources.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if called in GIVING:
                    found.add(node.args[0].value)
    return found


def test_each_code_has_words_and_all_words_have_a_code():
    assert given() == set(wording.WORDS)
    assert len(wording.WORDS) == len(wording.ROWS) + len(wording.LEFT_OUT) + len(wording.NOTICES)


def test_a_reason_that_is_kept_and_read_is_the_same_reason():
    made = reason("no_bar", ticker="NVDA", day=date(2025, 1, 24), locator="timestamp[1]")
    assert (
        read(made.as_json())
        == made
        == Reason("no_bar", {"ticker": "NVDA", "day": "2025-01-24", "locator": "timestamp[1]"})
    )
    assert len({made, read(made.as_json())}) == 1
