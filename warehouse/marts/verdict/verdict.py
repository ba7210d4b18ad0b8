"""The answer: one verdict for each question and scope, in a sentence that claims no more than its evidence.

A function of the conditions and of nothing else. `decision` says which conditions make which verdict; this file words
it. Each sentence gives the figures, says what it does not say, what would change it and how good the evidence is: read
alone, without a page around it, it must not sound stronger than it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.common.columns import SCOPE, says_why
from warehouse.marts.common.mart import Mart, Trace
from warehouse.marts.common.reasons import CODE, read, reason
from warehouse.marts.common.scopes import SCOPES
from warehouse.marts.verdict.decision import ANSWERS, MEANINGS, QUESTION, decide, rules
from warehouse.marts.verdict.question import UNDECIDED, Case, Question, Row, greatest
from warehouse.marts.verdict.questions import questions
from warehouse.marts.wording import sentences
from warehouse.marts.wording.verdict import fields_of, figure_of, stated
from warehouse.tables.table import GRADES, Check, Column, mart

# What stands beside a simulated figure and is no reason for one that is missing.
NOTES = ("capex_left_out", "capex_so_far")
PROSE = ("subject", "statement", "reason")

_RULES = ", ".join(
    f"('{scope}', '{question}', '{verdict}', {alternative}, '{condition}', {str(wanted).lower()})"
    for scope, question, verdict, alternative, condition, wanted in rules().rows()
)

TABLE = mart(
    "verdict",
    "the verdict on each question for each company and the group, in a sentence with its figures and evidence grade",
    [
        SCOPE,
        QUESTION,
        Column("as_of", "date", "date that the answer is as of", required=True),
        Column(
            "verdict",
            "text",
            "the verdict",
            required=True,
            allowed=MEANINGS,
        ),
        Column(
            "statement",
            "text",
            "what it says, what it does not say and what would change it",
            required=True,
            prose=True,
        ),
        Column("evidence_grade", "text", "weakest grade of the facts that matter to it", allowed=GRADES),
        Column("inputs_through", "date", "day on which the newest fact that entered became public"),
    ],
    key=("scope", "question"),
    checks=(
        Check(
            "every_question_of_every_scope",
            f"select count(*) as verdicts from {{table}} having count(*) <> {ANSWERS}",
            "an answer that is left out would be read as no news",
        ),
        Check(
            "follows_from_its_conditions",
            f"""
            with rules (scope, question, verdict, alternative, condition, wanted) as (values {_RULES}),
            met as (
              select r.scope, r.question, r.verdict, bool_and(coalesce(c.holds = r.wanted, false)) as met
              from rules r left join marts.verdict_conditions c using (scope, question, condition)
              group by r.scope, r.question, r.verdict, r.alternative),
            decided as (
              select scope, question, if(count(distinct verdict) filter (met) = 1, min(verdict) filter (met), '{UNDECIDED}')
                as by_its_conditions from met group by all)
            select v.scope, v.question, v.verdict, d.by_its_conditions from {{table}} v
            left join decided d using (scope, question) where v.verdict is distinct from d.by_its_conditions
            """,
            "the verdict and the conditions shown beneath it must say the same, by the decision table alone",
            columns=("verdict",),
        ),
        Check(
            "no_look_ahead",
            "select * from {table} where inputs_through > as_of",
            "a fact that was not public yet cannot have entered",
        ),
        says_why("undecided_says_why", f"verdict = '{UNDECIDED}'", "a reader must learn what is missing"),
        Check(
            "sentence_names_its_grade",
            r"select * from {table} where not regexp_matches(statement, '\b' || evidence_grade || '\b')",
            "a verdict without the worth of its evidence sounds stronger than it is",
        ),
    ),
)


def build(verdict_conditions: pl.DataFrame, *, as_of: date, assumptions: Assumptions) -> pl.DataFrame:
    """A row for each question of each scope, always (method 7)."""
    decided = {(row["scope"], row["question"]): row for row in decide(verdict_conditions).to_dicts()}
    conditions: dict[tuple[str, str], dict[str, Row]] = {}
    for row in verdict_conditions.to_dicts():
        conditions.setdefault((row["scope"], row["question"]), {})[row["condition"]] = fields_of(row)
    nothing = {"verdict": UNDECIDED, "rests_on": []}
    rows = []
    for scope in SCOPES:
        cases: dict[str, Case] = {}
        for name, question in questions().items():
            found = decided.get((scope, name), nothing)
            others = {other: cases[other] for other in question.concludes_from}
            cases[name] = _case(scope, question, found, conditions.get((scope, name), {}), others, assumptions)
        rows += [_row(case, as_of) for case in cases.values()]
    return pl.DataFrame(rows, schema=dict(TABLE.polars_schema))


def _case(
    scope: str,
    question: Question,
    found: Row,
    conditions: Mapping[str, Row],
    others: Mapping[str, Case],
    assumptions: Assumptions,
) -> Case:
    behind = [conditions[name] for name in found["rests_on"] if name in conditions]
    case = Case(scope, question, found["verdict"], conditions, behind, (), others, assumptions)
    return replace(case, reasons=_reasons(case)) if case.verdict == UNDECIDED else case


def _reasons(case: Case) -> list[str]:
    """Why there is no verdict: what forbids one, what is unknown, or between which thresholds the figures lie."""
    if not case.conditions:
        return [reason("no_condition")]
    found = [_as_reason(row) for row in case.forbidding]
    for row in case.unknown:
        found += row["reasons"] or [_as_reason(row)]
    known = [each for each in dict.fromkeys(found) if read(each)[CODE] not in NOTES]
    return known or [case.question.between(case)]


def _as_reason(row: Row) -> str:
    """A condition as the reason why there is no verdict: all that it is worded from."""
    fields = {name: value for name, value in row.items() if value is not None and name not in PROSE}
    return reason("condition", **{"details": None, "reasons": None, "threshold": None, **fields})


def _row(case: Case, as_of: date) -> dict[str, Any]:
    evidence_grade = greatest(row["evidence_grade"] for row in case.behind)
    worth = f"weakest evidence: grade {evidence_grade}" if evidence_grade else "no evidence to grade"
    silent = case.words(case.question.silent)
    return {
        "scope": case.scope,
        "question": case.question.name,
        "as_of": as_of,
        "verdict": case.verdict,
        "statement": f"{_said(case)} ({worth}); {silent}; {_change(case)}.",
        "evidence_grade": evidence_grade,
        "inputs_through": greatest(row["known_on"] for row in case.conditions.values() if row["decides"]),
        "grade": greatest(row["grade"] for row in case.behind),
        "reasons": list(case.reasons) or None,
    }


def _said(case: Case) -> str:
    """The verdict and what was found; where there is none, why, and what was found all the same."""
    question = case.question
    figures = question.finds(case) if case.conditions else ""
    if case.verdict != UNDECIDED:
        return f"{case.words(question.verdicts[case.verdict].opens)}: {figures}"
    why = sentences(case.reasons)
    if question.concludes_from:
        # What the others found is itself the reason; only what forbids a verdict goes before it.
        forbids = "".join(f"{stated(row)}; " for row in case.forbidding)
        return f"Cannot tell {question.about}: {forbids}{figures or why}"
    return f"Cannot tell {question.about}: {why}" + (f"; so far, {figures}" if figures else "")


def _change(case: Case) -> str:
    """What would change the verdict; where there is none, what would settle it."""
    if case.verdict != UNDECIDED:
        return case.words(case.question.verdicts[case.verdict].changes)
    settles = []
    for row in (*case.forbidding, *case.unknown):
        by = figure_of(row).settled_by
        settles.append(by(row) if callable(by) else by)
    wanting = " and ".join(dict.fromkeys(filter(None, settles)))
    return f"{wanting or (case.words(case.question.wanting) if case.conditions else 'any fact of it')} would settle it"


MART = Mart(
    table=TABLE,
    build=build,
    traces=(Trace("marts.verdict_conditions", "t.scope = m.scope and t.question = m.question and t.decides"),),
)
