"""What a question declares fits together: its rule names conditions that it makes, and each of them has words."""

from __future__ import annotations

import polars as pl
import pytest

from tests.marts.made_up import conditions_of, frames
from warehouse.marts.common.mart import Trace
from warehouse.marts.common.reasons import codes
from warehouse.marts.verdict.decision import QUESTIONS, for_each_question, rules
from warehouse.marts.verdict.question import VERDICT_OF, Condition
from warehouse.marts.verdict.questions import questions


def of(**changed) -> Condition:
    return Condition(
        **{"kind": "covers", "quantity": "share", "value": 0.5, "comparison": ">=", "threshold": 0.4, "unit": "share"}
        | changed
    )


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({}, "covers"),
        ({"view": "end_customer"}, "covers_end_customer"),
        ({"part": "life", "view": "infrastructure"}, "covers_life_infrastructure"),
        ({"window": (0, 60)}, "covers_0_60"),
        ({"named": "q2_looks_wasteful"}, "q2_looks_wasteful"),
    ],
)
def test_a_condition_is_named_by_its_kind_and_what_sets_it_apart(changed, name):
    assert of(**changed).name == name


def test_an_unknown_condition_holds_neither_way_and_says_why():
    row = of(value=None).row("ALL", "Q2")
    assert (row["holds"], codes(row["reasons"])) == (None, ["no_fact"])
    assert of(threshold=None).row("ALL", "Q2")["holds"] is None
    assert of(decides=False).row("ALL", "Q2")["holds"] is None
    assert of().row("ALL", "Q2")["holds"] is True


def test_questions_that_conclude_from_others_come_after_them():
    for name, question in questions().items():
        assert all(QUESTIONS.index(other) < QUESTIONS.index(name) for other in question.concludes_from)


def test_a_rule_names_conditions_that_its_question_makes(assumptions):
    made = conditions_of(frames(), assumptions).select("scope", "question", "condition", "decides")
    named = rules().select("scope", "question", "condition").unique()
    assert named.join(made.filter("decides"), on=["scope", "question", "condition"], how="anti").is_empty()


def test_every_kind_of_condition_has_words(assumptions):
    made = conditions_of(frames(), assumptions).filter(pl.col("kind") != VERDICT_OF)
    kinds = {(row["question"], row["kind"]) for row in made.to_dicts()}
    assert all(kind in questions()[question].figures for question, kind in kinds)


def test_traces_into_one_table_become_one_for_the_rows_of_each_question():
    same, other = Trace("marts.a", "t.x = m.x"), Trace("marts.a", "t.y = m.y")
    assert for_each_question({"Q1": [same], "Q2": [same, other]}) == (
        Trace("marts.a", "m.question in ('Q1', 'Q2') and (t.x = m.x) or m.question in ('Q2') and (t.y = m.y)"),
    )
