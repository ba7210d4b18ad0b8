"""Sentences can be reworded freely: other words change no figure, no verdict, no reason code and no trace.

Every sentence that a mart makes is replaced by another one, with the separators, names and openings in it that a program
would stumble over if it still took sentences apart. This holds for marts of tomorrow too: what is for a reader alone is
declared so (`Column.prose`), and everything else has to be the same to the last bit.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

import polars as pl
import pytest

from tests import timeline
from tests.repeats import once
from warehouse.marts import all_marts, build
from warehouse.marts.common import words as wording
from warehouse.marts.common.reasons import reason
from warehouse.marts.verdict.question import Case, Figure, Question
from warehouse.marts.verdict.questions import questions

# The day after the fall, with the timeline's five days; and a day when most is known.
DAYS = (timeline.DAYS[0], timeline.DAYS[-1])
OTHER = "Market values are ALL; The META 2022: left out, no reason, by 2026Q2 not known. [0, 60]"


def built(facts: Mapping[str, pl.DataFrame], day: date) -> dict[str, pl.DataFrame]:
    """Every mart, built anew: the words are no input by which `tests.built` would know it."""
    with timeline.shortened(timeline.days_told(day)):
        return build(facts, as_of=day, assumptions=timeline.QUICK)


@pytest.fixture
def reworded() -> Iterator[None]:
    """Every sentence in other words: reasons, conditions and verdicts."""
    with pytest.MonkeyPatch.context() as patch:
        codes = wording.catalogue()
        patch.setattr(wording, "catalogue", lambda: dict.fromkeys(codes, OTHER))
        for question in questions().values():
            for name, other in _reworded(question).items():
                patch.setitem(vars(question), name, other)
        yield


def _reworded(question: Question) -> dict[str, Any]:
    """All that a question says, in other words; what says nothing goes on saying nothing."""
    remedies = question.remedies
    return {
        "silent": OTHER,
        "headline": lambda case: OTHER,
        "statement": lambda case: OTHER,
        "briefly": _other_where_any(question.briefly),
        "remedies": lambda case: [dataclasses.replace(each, words=OTHER) for each in remedies(case)],
        "figures": dict.fromkeys(question.figures, Figure(OTHER, subject=lambda row: OTHER, open_because=OTHER)),
    }


def _other_where_any(words: Callable[[Case], str]) -> Callable[[Case], str]:
    return lambda case: OTHER if words(case) else ""


@pytest.mark.parametrize("day", once(DAYS, shown_by="tests/marts/test_rewording.py::test_other_words_change_no_result"))
def test_other_words_change_no_result(facts, day, request):
    before = timeline.every_mart(facts, day)
    request.getfixturevalue("reworded")
    after = built(facts, day)
    assert set(after) == set(before)
    changed = [name for name in before if not before[name].equals(after[name])]
    assert {"verdict", "verdict_conditions"} <= set(changed), "the sentences are other ones"
    differing = [
        f"{name}.{column.name}"
        for name, frame in before.items()
        for column in all_marts()[name].table.columns
        if not column.prose and not frame[column.name].equals(after[name][column.name])
    ]
    assert differing == []


def test_no_trace_reads_a_sentence():
    """With the same figures and a condition on them alone, a trace leads to the same rows whatever the words are."""
    prose = {f"marts.{mart.name}": {c.name for c in mart.table.columns if c.prose} for mart in all_marts().values()}
    for mart in all_marts().values():
        for trace in mart.traces:
            read = re.findall(r"\b([mt])\.\"?(\w+)", trace.condition)
            tables = {"m": f"marts.{mart.name}", "t": trace.table}
            sentences = [name for alias, name in read if name in prose.get(tables[alias], ())]
            assert not sentences, f"{mart.name} to {trace.table}: {sentences}"


def test_a_reason_code_is_worded_by_one_subject():
    assert wording.catalogue(), "raises where two subjects word one code"


def test_two_reasons_in_one_wording_are_said_once():
    """They differ in a field that the words do not name; the reader was told the same clause twice."""
    said = wording.sentences(
        reason("leaning_by_growth_alone", revenue_view=view) for view in ("infrastructure", "end_customer")
    )
    assert said.count("marginal coverage is unknown") == 1
