"""Every condition behind every verdict: what was found, what it is compared with, and whether it holds.

A verdict that cannot be taken apart is an opinion. So each row here is one comparison of one figure with one threshold,
true, false or unknown, with the grade of the facts behind it and the day of the newest of them. Which of them make a
verdict stands in the questions' rules. Rows that do not decide (`decides` is false) are shown beside those that do: the
gross figure beside the one net of rebound, a company's own share beside the group's, the four glut signals one by one,
and the value at which each driver alone would flip the answer.

Unknown is not false: where nothing is known of a figure its row has no value and says why. Only glut signals differ, by
method 7: one without facts counts as not triggered and is still listed as unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.common.columns import SCOPE, says_why
from warehouse.marts.common.mart import Mart, Trace
from warehouse.marts.common.reasons import reason
from warehouse.marts.common.scopes import SCOPES
from warehouse.marts.payback.formulas import QUANTITY_FORMULAS
from warehouse.marts.payback.model import VIEW
from warehouse.marts.verdict import condition_words as wording
from warehouse.marts.verdict.decision import ANSWERS, QUESTION, concluded, decide, for_each_question
from warehouse.marts.verdict.meanings import KIND_MEANINGS, QUANTITY_MEANINGS
from warehouse.marts.verdict.question import (
    COMPARISON_MEANINGS,
    VERDICT_OF,
    Condition,
    Evidence,
    Question,
    Row,
    greatest,
)
from warehouse.marts.verdict.questions import questions
from warehouse.tables.formula import Formula
from warehouse.tables.guide import Guide
from warehouse.tables.table import GRADE_MEANINGS, Check, Column, mart

# What a verdict is decided from.
DECIDED_FROM = {"scope": pl.String, "question": pl.String, "condition": pl.String, "holds": pl.Boolean}

TABLE = mart(
    "verdict_conditions",
    "conditions of each verdict: figure, threshold and whether it holds, with those shown beside that do not decide",
    [
        SCOPE,
        QUESTION,
        Column("condition", "text", "name of the condition", required=True),
        Column(
            "kind",
            "text",
            "which comparison it is; conditions of one kind differ by revenue view, window, driver or signal",
            required=True,
            named=KIND_MEANINGS,
        ),
        VIEW,
        Column("ticker", "text", "ticker, portfolio or group that the figure is of; null where it is of the scope"),
        Column("year", "integer", "calendar year that the figure is of"),
        Column("calendar_quarter", "text", "calendar quarter that the figure reaches to"),
        Column("window_start", "integer", "first trading day of the window, from the event day", "trading days"),
        Column("window_end", "integer", "last trading day of the window, from the event day", "trading days"),
        Column("entities", "texts", "runs, sellers or companies whose figures are in it"),
        Column("quantity", "text", "what the value is", required=True, named=QUANTITY_MEANINGS),
        Column(
            "value",
            "real",
            "what was found; null where unknown",
            formula=Formula(
                "what the decision rule compares",
                method="7",
                of="quantity",
                each=QUANTITY_FORMULAS,
            ),
        ),
        Column("comparison", "text", "how the value is compared", required=True, allowed=COMPARISON_MEANINGS),
        Column("threshold", "real", "what it is compared with; null where unknown"),
        Column("unit", "text", "unit of value and threshold", required=True),
        Column(
            "holds",
            "flag",
            "whether the comparison is true; null where unknown or only shown",
            formula=Formula(
                "whether the value stands to the threshold as the rule asks", "value against threshold", "7"
            ),
        ),
        Column("decides", "flag", "whether the verdict rests on it; false where it is only shown", required=True),
        Column("details", "json", "what else its sentence says, by name"),
        Column("subject", "text", "what the value is of, in words", required=True, prose=True),
        Column("statement", "text", "the condition in a plain sentence", required=True, prose=True),
        Column("evidence_grade", "text", "weakest grade of the facts that matter to the value", allowed=GRADE_MEANINGS),
        Column("known_on", "date", "day on which the newest fact behind the value became public"),
    ],
    key=("scope", "question", "condition"),
    checks=(
        Check(
            "every_question_of_every_scope",
            "select count(*) as found from (select distinct scope, question from {table} where decides) "
            f"having count(*) <> {ANSWERS}",
            "a question without conditions would be answered out of nothing",
        ),
        Check(
            "holds_is_the_comparison",
            "select * from {table} where decides and holds is distinct from (case comparison "
            "when '>=' then value >= threshold when '<=' then value <= threshold when '<' then value < threshold "
            "when '>' then value > threshold when '==' then value = threshold end)",
            "the flag and the figures beside it must say the same",
        ),
        says_why("unknown_says_why", "value is null", "an unknown without a reason cannot be resolved"),
    ),
    guide=Guide(
        "One row for each scope, question and condition.",
        "value: each condition has its own unit.",
        {
            "Which conditions decide Q3 for the group?": "select condition, value, comparison, threshold, holds from "
            "verdict_conditions where scope = 'ALL' and question = 'Q3' and decides",
            "Which deciding conditions are unknown?": "select scope, question, statement from verdict_conditions where "
            "decides and holds is null",
            "What is shown beside Q2?": "select kind, value, unit, statement from verdict_conditions where scope = 'ALL' "
            "and question = 'Q2' and not decides",
        },
    ),
)


def build(*, assumptions: Assumptions, **frames: pl.DataFrame) -> pl.DataFrame:
    """One row for each condition of each question of each scope (method 7)."""
    rows: list[Row] = []
    for question in questions().values():
        given = {name: frames[name] for name in question.inputs}
        by_scope = question.conditions(**given, assumptions=assumptions)
        rows += [_worded(each.row(scope, question.name)) for scope in SCOPES for each in by_scope[scope]]
        rows += _concluded(question, rows)
    return pl.DataFrame(rows, schema=dict(TABLE.polars_schema))


def conclude_again(conditions: pl.DataFrame) -> pl.DataFrame:
    """The conditions with those made anew that are verdicts on other questions, after `holds` of some was changed."""
    rows: list[Row] = conditions.filter(pl.col("kind") != VERDICT_OF).to_dicts()
    for question in questions().values():
        rows += _concluded(question, rows)
    return pl.DataFrame(rows, schema=dict(TABLE.polars_schema))


def _concluded(question: Question, rows: Sequence[Row]) -> list[Row]:
    """The verdicts on the questions that it rests on as conditions; a verdict that cannot tell is unknown."""
    if not question.concludes_from:
        return []
    of_question: dict[tuple[str, str], dict[str, Row]] = {}
    for row in rows:
        of_question.setdefault((row["scope"], row["question"]), {})[row["condition"]] = row
    known = [{name: row[name] for name in DECIDED_FROM} for row in rows]
    decided = {(row["scope"], row["question"]): row for row in decide(pl.DataFrame(known, DECIDED_FROM)).to_dicts()}
    found = []
    for scope in SCOPES:
        for other in question.concludes_from:
            own = of_question[scope, other]
            verdict, behind = decided[scope, other]["verdict"], decided[scope, other]["rests_on"]
            facts = [own[name] for name in behind if name in own]
            evidence = Evidence(
                grade=greatest(row["grade"] for row in facts),
                evidence_grade=greatest(row["evidence_grade"] for row in facts),
                known_on=greatest(row["known_on"] for row in facts),
            )
            holds = {name: row["holds"] for name, row in own.items()}
            verdicts = concluded(questions()[other], scope, verdict, holds)
            conditions = (_is(other, name, value, evidence) for name, value in verdicts.items())
            found += [_worded(each.row(scope, question.name)) for each in conditions]
    return found


def _is(question: str, name: str, value: bool | None, evidence: Evidence) -> Condition:
    """Whether the verdict on a question is the one that is wanted; `name` is the condition's."""
    return Condition(
        kind=VERDICT_OF,
        named=name,
        quantity=f"verdict_{question.lower()}",
        value=None if value is None else float(value),
        comparison="==",
        threshold=1.0,
        unit="0 or 1",
        details={"of": question, "wanted": name.removeprefix(f"{question.lower()}_")},
        evidence=evidence,
        reasons=[reason("question_undecided", question=question)] if value is None else None,
    )


def _worded(row: dict[str, Any]) -> Row:
    fields = wording.fields_of(row)
    return {**row, "subject": wording.subject(fields), "statement": wording.statement(fields)}


def _inputs() -> tuple[str, ...]:
    """Every frame that a question reads, once."""
    return tuple(dict.fromkeys(name for question in questions().values() for name in question.inputs))


def _traces() -> tuple[Trace, ...]:
    return for_each_question(
        {
            name: [*question.traces, *(_of_another(other) for other in question.concludes_from)]
            for name, question in questions().items()
        }
    )


def _of_another(question: str) -> Trace:
    """From a condition that is another question's verdict to the conditions that decided it."""
    return Trace(
        "marts.verdict_conditions",
        f"m.quantity = 'verdict_{question.lower()}' and t.question = '{question}' and t.scope = m.scope and t.decides",
    )


MART = Mart(table=TABLE, build=build, reads=_inputs(), traces=_traces())
