"""The guides written by hand and the module docstrings of most rooms keep their sentences short (25 words at the most)."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent
WORDS = 25
ROOMS = ("warehouse/pipeline", "warehouse/quality", "warehouse/database", "warehouse/cli", "warehouse/reports", "flows")
GUIDES = (
    "CONTRIBUTING.md",
    "docs/glossary.md",
    "docs/index.md",
    "docs/settings.md",
    *sorted(str(path.relative_to(PROJECT)) for path in (PROJECT / "docs" / "guides").glob("*.md")),
)


def long_sentences(text: str) -> list[str]:
    """Sentences of prose that have too many words; code, tables, lists of files and names in backquotes do not count."""
    text = re.sub(r"```.*?```|^(\||    ).*?$", "", text, flags=re.DOTALL | re.MULTILINE)
    found = []
    for paragraph in re.split(r"\n\s*\n|\n\s*[-*] |\n\s*\d+\. |\n#+ ", "\n" + text):
        plain = " ".join(re.sub(r"`[^`]*`", "CODE", paragraph).split())
        for sentence in re.split(r"(?<=[.!?])\s+(?=[A-Z0-9(\"'`])", plain):
            if sum(bool(re.search(r"\w", word)) for word in sentence.split()) > WORDS:
                found.append(sentence)
    return found


def test_a_long_sentence_is_found():
    assert long_sentences("Short. Then " + "word " * 25 + "end.") == ["Then " + "word " * 25 + "end."]
    assert long_sentences("| " + "word " * 40) == []


@pytest.mark.parametrize("name", GUIDES)
def test_sentences_of_the_guides_are_short(name):
    assert long_sentences((PROJECT / name).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("room", ROOMS)
def test_sentences_of_module_docstrings_are_short(room):
    found = {
        str(path.relative_to(PROJECT)): said
        for path in sorted((PROJECT / room).rglob("*.py"))
        if (said := long_sentences(ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""))
    }
    assert found == {}
