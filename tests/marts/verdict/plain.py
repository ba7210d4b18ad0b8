"""What the words of an answer must keep to, whatever the facts: counted, so that no reader has to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

WORDS_IN_HEADLINE, WORDS_IN_SENTENCE, SENTENCES, FIGURES = 20, 25, 3, 4
END = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")
FIGURE = re.compile(r"\d+(?:[.,]\d+)*")
CODE = re.compile(r"\b(?:Q[1-4]|[A-Z]{1,3}\d+|\d{4}Q[1-4])\b")
COLUMN = re.compile(r"\w*_\w*")
TICKER = re.compile(r"\b(?:MSFT|GOOGL|META|AMZN|ALL)\b")
LOOSE = ("times of what", "grow -", "fall -", "None", "nan", "inf ", "  ", "..", "( ", " .", " ,")


def sentences(text: str) -> list[str]:
    return END.split(text)


def faults(row: Mapping[str, Any]) -> list[str]:
    """What is wrong with the three parts of a verdict row; nothing where they are as the method wants them."""
    found = []
    if len(row["headline"].split()) > WORDS_IN_HEADLINE:
        found.append(f"headline of {len(row['headline'].split())} words")
    if len(sentences(row["headline"])) > 1:
        found.append("headline of several sentences")
    if len(sentences(row["statement"])) > SENTENCES:
        found.append(f"statement of {len(sentences(row['statement']))} sentences")
    for part in ("headline", "statement", "would_change"):
        text = row[part]
        for sentence in sentences(text):
            if len(sentence.split()) > WORDS_IN_SENTENCE:
                found.append(f"{part}: sentence of {len(sentence.split())} words")
            if len(FIGURE.findall(sentence)) > FIGURES:
                found.append(f"{part}: sentence of {len(FIGURE.findall(sentence))} figures")
        found += [f"{part}: {what.group()!r}" for rule in (CODE, COLUMN, TICKER) if (what := rule.search(text))]
        found += [f"{part}: {what!r}" for what in LOOSE if what in text]
        if not text.endswith(".") or text[:1] != text[:1].upper():
            found.append(f"{part}: no sentence")
    return [f"{row['scope']} {row['question']} {each}: {row[each.split(':')[0].split()[0]]}" for each in found]
