"""Conditions and verdicts in words, each question in its own: `warehouse.marts.verdict.questions` holds them.

A condition is worded from the fields of its row, so that its sentence can open a statement, stand in the middle of a
verdict's or be the reason why there is none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from warehouse.marts.common.in_words import capital, in_words
from warehouse.marts.common.words import Words, sentences
from warehouse.marts.verdict.decision import BETWEEN
from warehouse.marts.verdict.question import VERDICT_OF, Figure
from warehouse.marts.verdict.questions import questions

COMPARED = {">=": "at least", "<=": "at most", "<": "below", ">": "above", "==": "equal to"}


def _of_another(row: Mapping[str, Any]) -> str:
    isnt = "is" if row["holds"] else "is not"
    return f"the verdict on {_asked(row['of'])} {isnt} {_wanted(row)}"


def _asked(question: str) -> str:
    """A question by what it asks: a reader knows no Q3."""
    return f"“{questions()[question].asks}”"


def _wanted(row: Mapping[str, Any]) -> str:
    if row["wanted"] == BETWEEN:
        return "open with everything known, its figures being between the thresholds"
    return f"'{row['wanted'].replace('_', ' ')}'"


VERDICT_OF_ANOTHER = Figure(
    lambda row: f"whether the verdict on {_asked(row['of'])} is {_wanted(row)}", states=_of_another
)


def figure_of(row: Mapping[str, Any]) -> Figure:
    """The words of a condition's kind."""
    if row["kind"] == VERDICT_OF:
        return VERDICT_OF_ANOTHER
    return questions()[row["question"]].figures[row["kind"]]


def fields_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of `verdict_conditions` with its details beside its columns."""
    return {**row, **json.loads(row["details"] or "{}")}


def named(row: Mapping[str, Any]) -> str:
    """What the condition is about."""
    what = figure_of(row).what
    return what(row) if callable(what) else what


def subject(row: Mapping[str, Any]) -> str:
    """Whose figure it is, or what it is about."""
    of = figure_of(row).subject
    return of(row) if of else named(row)


def stated(row: Mapping[str, Any]) -> str:
    """The condition as part of a sentence: what was found, what it is compared with and whether it holds."""
    what, value, threshold, unit = named(row), row["value"], row["threshold"], row["unit"]
    if value is None:
        return f"{what} is not known: {sentences(row['reasons'] or ())}"
    if states := figure_of(row).states:
        return states(row)
    found = f"{what} is {in_words(value, unit)}"
    if not row["decides"]:
        return f"{found}; shown beside, it does not decide"
    if threshold is None:
        return f"{found}, with nothing known to compare it with"
    limit = f"{threshold:g}" if unit == "probability" else in_words(threshold, unit)
    outcome = "holds" if row["holds"] else "does not hold"
    return f"{found}; the test is {COMPARED[row['comparison']]} {limit}, which {outcome}"


def statement(row: Mapping[str, Any]) -> str:
    """The condition as a sentence of its own."""
    return f"{capital(stated(row))}."


def graded(headline: str, grade: str | None) -> str:
    """The headline with the worth of its evidence in the same sentence (method 7)."""
    return f"{headline.removesuffix('.')} (evidence: grade {grade})." if grade else headline


WORDS: dict[str, Words] = {
    "no_fact": "no fact that gives it is known",
    "no_condition": "no condition of it is known",
    "fits_no_verdict": "what is known fits no verdict of the decision table",
    "question_undecided": lambda fields: f"{_asked(fields['question'])} has no answer yet",
    "condition": stated,
    "answered_later": "both versions answered as of {day}, which is later",
    "version_not_run": "version {version} has not been run as of {day} yet",
    "assumption_before_its_evidence": "the evidence behind the assumption '{assumption}' became public on {known_from}, so a "
    "wider range counts",
    "replaced_by_user": "replaced by the user; the packaged value is {default_value}",
}
for _question in questions().values():
    WORDS.update(_question.words)
