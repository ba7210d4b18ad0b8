"""Whether what an answer says follows from its figures: each number, each fraction and each word of comparison in it.

A number is founded where a figure of the row's conditions rounds to it. Numbers of an answer that rests on others may come
from theirs, and numbers of the group's from a company's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from warehouse.marts.common.in_words import BOUNDS, CLOSE, FRACTIONS, NUMBERS

Row = Mapping[str, Any]
MONEY = re.compile(r"(\d[\d,]*(?:\.\d+)?)(?: to (\d[\d,]*(?:\.\d+)?))? (million|billion|trillion) dollars")
PER_CENT = re.compile(r"(\d[\d,]*(?:\.\d+)?)(?: to (\d[\d,]*(?:\.\d+)?))? %")
SIZES = {"million": 1e6, "billion": 1e9, "trillion": 1e12}
UNDER = re.compile("|".join(rf"under {name}" for _, name in BOUNDS))
NAMED = re.compile(r"\b(?:" + "|".join(name for _, name in sorted(FRACTIONS, key=lambda f: -len(f[1]))) + r")\b")
# Words of an answer -> the verdicts (or what an open one leans to) that they may stand with.
CLAIMS = {
    "looks wasteful": {"looks_wasteful"},
    "is not shown wasteful": {"not_shown_wasteful"},
    "is at risk": {"at_risk"},
    "looks justified": {"looks_justified"},
    "grows faster than it must": {"on_course"},
    "falls short": {"falls_short", "looks_wasteful", "at_risk"},
    "claim holds": {"claim_holds", "claim_holds_for_its_scope"},
    "claim fails": {"claim_fails"},
    "said waste": {"market_said_waste"},
    "did not say waste": {"market_did_not_say_waste"},
}
LEANS = {"leans towards falling short": "falls_short", "leans towards being enough": "on_course"}


def unfounded(row: Row, conditions: pl.DataFrame, leanings: Mapping[str, str | None]) -> list[str]:
    """What an answer says that its figures do not bear; `leanings` are those of its scope by question."""
    figures = list(_figures(row, conditions))
    found = []
    for part in ("headline", "statement"):
        text = row[part]
        found += [f"{part}: {said}" for said in _numbers(text, figures)]
        left = UNDER.sub("", text)
        found += [f"{part}: {name}" for name in NAMED.findall(left) if not _is_fraction(name, figures)]
        found += [f"{part}: {said}" for said in UNDER.findall(text) if not _is_under(said, figures)]
    claims = [(said, verdicts) for said, verdicts in CLAIMS.items() if said in row["headline"]]
    found += [
        f"headline: {said!r} beside {row['verdict']}" for said, verdicts in claims if row["verdict"] not in verdicts
    ]
    found += [f"headline: {said}" for said, lean in LEANS.items() if said in row["headline"] and leanings["Q3"] != lean]
    return [f"{row['scope']} {row['question']} {each}: {row['headline']} {row['statement']}" for each in found]


def _figures(row: Row, conditions: pl.DataFrame) -> Iterable[float]:
    """Values, thresholds and details of the conditions behind an answer."""
    questions = ["Q2", "Q3", "overall"] if row["question"] == "overall" else [row["question"]]
    for condition in conditions.filter(
        pl.col("question").is_in(questions) & (pl.col("scope") == row["scope"])
    ).to_dicts():
        details = json.loads(condition["details"] or "{}")
        for value in (condition["value"], condition["threshold"], *details.values()):
            if isinstance(value, int | float) and not isinstance(value, bool):
                yield float(value)
                if row["question"] == "Q1":
                    yield float(value) / 2  # the claim itself: the limit is twice that


def _numbers(text: str, figures: list[float]) -> Iterable[str]:
    for match in MONEY.finditer(text):
        size = SIZES[match[3]]
        for said in filter(None, match.groups()[:2]):
            amount = float(said.replace(",", "")) * size
            if not any(abs(abs(value) - amount) <= 0.051 * amount for value in figures):
                yield f"{match[0]!r}"
    for match in PER_CENT.finditer(text):
        for said in filter(None, match.groups()):
            step = 10 ** -len(said.partition(".")[2])
            per_cent = float(said.replace(",", ""))
            if not any(abs(100 * abs(value) - per_cent) <= 0.5001 * step for value in figures) and said != "1":
                yield f"{match[0]!r}"


def _is_fraction(name: str, figures: list[float]) -> bool:
    size = next(size for size, each in FRACTIONS if each == name)
    return any(abs(value / size - 1) <= CLOSE for value in figures)


def _is_under(said: str, figures: list[float]) -> bool:
    """Whether a figure lies below the bound that is named and not below the next one."""
    place = next(at for at, (_, name) in enumerate(BOUNDS) if said == f"under {name}")
    lower = BOUNDS[place - 1][0] if place else 0.0
    return any(lower <= value < BOUNDS[place][0] for value in figures)


def counts(text: str) -> list[int]:
    """Counts that are written as words."""
    return [NUMBERS.index(word) for word in re.findall(r"[a-z]+", text.lower()) if word in NUMBERS]
