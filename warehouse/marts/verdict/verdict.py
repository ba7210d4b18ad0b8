"""The answer: one verdict for each question and scope, in three short parts that claim no more than their evidence.

A function of the conditions and of nothing else. `decision` says which conditions make which verdict; the questions word
it: a headline for a reader with ten seconds, a statement with the figures, and what would change it. A reader who is told
that one fact would turn an answer must be able to rely on it, so each remedy is applied to the decision table first and
is printed only where it does. What no answer to a question says is told once on the page (`Question.silent`).

Where there is no verdict, `leaning` is the one that most draws give by themselves: an answer that leaves 14 % of the
need covered and one that nothing is known of are both open, and a reader must be able to tell them apart.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from datetime import date
from typing import Any

import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.common.columns import SCOPE, says_why
from warehouse.marts.common.in_words import capital
from warehouse.marts.common.mart import Mart, Trace
from warehouse.marts.common.reasons import CODE, read, reason
from warehouse.marts.common.scopes import COMPANIES, GROUP
from warehouse.marts.verdict.assumptions_used import said
from warehouse.marts.verdict.condition_words import fields_of
from warehouse.marts.verdict.decision import (
    ANSWERS,
    MEANINGS,
    METHOD_VERSION,
    QUESTION,
    concluded,
    decide,
    rules,
    verdict_of,
)
from warehouse.marts.verdict.question import UNDECIDED, Case, Leaning, Question, Remedy, Row, greatest
from warehouse.marts.verdict.questions import questions
from warehouse.tables.formula import Formula
from warehouse.tables.guide import Guide
from warehouse.tables.table import GRADE_MEANINGS, Check, Column, mart

# What stands beside a simulated figure and is no reason for one that is missing.
NOTES = (
    "capex_quarters_unknown", "capex_cash_only", "revenue_of_an_earlier_day", "bounded_by_whole_cloud", "growth_assumed",
    "growth_observed", "group_share", "year_earlier_interpolated", "training_of_year",
)  # fmt: skip
PROSE = ("subject", "statement", "reason")
NOTHING_KNOWN = "Nothing is known that could answer it."
MOST_REMEDIES = 2  # those that are printed; a reader remembers no third

_RULES = ", ".join(
    f"('{scope}', '{question}', '{verdict}', {alternative}, '{condition}', {str(wanted).lower()})"
    for scope, question, verdict, alternative, condition, wanted in rules().rows()
)

TABLE = mart(
    "verdict",
    "the verdict on each question for each company and the group: headline, figures, what would change it, evidence grade",
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
            formula=Formula(
                "the first line of the decision rule whose conditions all hold; cannot tell otherwise", method="7"
            ),
        ),
        Column(
            "leaning",
            "text",
            "where it cannot tell: the verdict whose conditions most draws meet by themselves; null where too few do",
            allowed={name: meaning for name, meaning in MEANINGS.items() if name != UNDECIDED},
        ),
        Column(
            "leaning_probability",
            "real",
            "share of draws that lean so",
            "share",
            minimum=0.0,
            maximum=1.0,
            formula=Formula(
                "share of the draws that meet the conditions of the verdict it leans to by themselves",
                "draws that lean so / draws",
                "7",
                assumptions=("leaning_minimum",),
            ),
        ),
        Column("headline", "text", "the answer in at most 20 words", required=True, prose=True),
        Column(
            "statement",
            "text",
            "the figures behind it, in at most three sentences; of a company what differs from the group",
            required=True,
            prose=True,
        ),
        Column("would_change", "text", "what would change the verdict, or settle it", required=True, prose=True),
        Column(
            "early_assumptions",
            "json",
            "assumptions whose evidence was not public yet, each with the wide range that counted; null where there are none",
        ),
        Column("method_version", "integer", "version of the method that gave it", required=True, minimum=1),
        Column("evidence_grade", "text", "weakest grade of the facts that matter to it", allowed=GRADE_MEANINGS),
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
            "leans_only_where_undecided",
            f"select * from {{table}} where leaning is not null and (verdict <> '{UNDECIDED}' or leaning_probability is null)",
            "a leaning beside a verdict would be read as a second answer",
            columns=("leaning",),
        ),
        Check(
            "headline_is_short",
            "select * from {table} where len(string_split(headline, ' ')) > 20",
            "a headline that is not read in ten seconds is not read",
            severity="warning",
            columns=("headline",),
        ),
    ),
    guide=Guide(
        "One row for each scope and question.",
        "",
        {
            "What is the answer for the group?": "select question, verdict, headline, evidence_grade from verdict where "
            "scope = 'ALL'",
            "What would change it?": "select scope, question, would_change from verdict where question = 'Q3'",
            "Which way does it lean?": "select scope, question, leaning, leaning_probability from verdict where leaning "
            "is not null",
        },
    ),
)


def build(verdict_conditions: pl.DataFrame, *, as_of: date, assumptions: Assumptions) -> pl.DataFrame:
    """A row for each question of each scope, always (method 7)."""
    rows = [_row(case, as_of) for case in cases(verdict_conditions, assumptions)]
    return pl.DataFrame(rows, schema=dict(TABLE.polars_schema))


def cases(verdict_conditions: pl.DataFrame, assumptions: Assumptions) -> list[Case]:
    """Every question of every scope decided, the group first, each with what it leans to and the remedies that turn it."""
    decided = {(row["scope"], row["question"]): row for row in decide(verdict_conditions).to_dicts()}
    conditions: dict[tuple[str, str], dict[str, Row]] = {}
    for row in verdict_conditions.to_dicts():
        conditions.setdefault((row["scope"], row["question"]), {})[row["condition"]] = fields_of(row)
    nothing = {"verdict": UNDECIDED, "rests_on": []}
    found_cases: list[Case] = []
    of_group: dict[str, Case] = {}
    of_companies: dict[str, dict[str, Case]] = {name: {} for name in questions()}
    for scope in (GROUP, *COMPANIES):
        of_scope: dict[str, Case] = {}
        for name, question in questions().items():
            found = decided.get((scope, name), nothing)
            own = conditions.get((scope, name), {})
            of_scope[name] = _case(
                Case(
                    scope=scope,
                    question=question,
                    verdict=found["verdict"],
                    conditions=own,
                    behind=[own[each] for each in found["rests_on"] if each in own],
                    reasons=(),
                    others={other: of_scope[other] for other in question.concludes_from},
                    assumptions=assumptions,
                    group=of_group.get(name),
                    companies={} if of_group else of_companies[name],
                )
            )
            if of_group:
                of_companies[name][scope] = of_scope[name]
        of_group = of_group or of_scope
        found_cases += of_scope.values()
    return found_cases


def _case(case: Case) -> Case:
    """The case with its reasons, what it leans to, and the remedies that do turn it."""
    if not case.is_decided:
        case = replace(case, reasons=_reasons(case))
    if not case.is_decided and case.question.leans and case.conditions:
        case = _leaning(case, case.question.leans(case))
    return replace(case, remedies=working(case)) if case.conditions else case


def _leaning(case: Case, found: Leaning) -> Case:
    """The verdict that most draws give by themselves; none where that is less than the share that method 7 asks for."""
    largest = max(found.shares, key=lambda verdict: found.shares[verdict], default=None)
    if largest is None or found.shares[largest] < case.assumptions.number("leaning_minimum"):
        return case
    reasons = (*case.reasons, *found.reasons)
    return replace(case, leaning=largest, leaning_probability=found.shares[largest], reasons=reasons)


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


def working(case: Case) -> list[Remedy]:
    """The remedies that turn the verdict, each applied to the conditions; where there is none yet, those that give one."""
    return [each for each in case.question.remedies(case) if (after := verdict_after(case, each)) != case.verdict
            and (case.is_decided or after != UNDECIDED)]  # fmt: skip


def verdict_after(case: Case, *remedies: Remedy) -> str:
    """The verdict that remedies give together."""
    holds = {name: row["holds"] for name, row in case.conditions.items()}
    for remedy in remedies:
        if remedy.question:
            other = case.others[remedy.question]
            of_other = {name: row["holds"] for name, row in other.conditions.items()} | dict(remedy.sets)
            then = verdict_of(case.scope, other.question, of_other)
            holds |= concluded(other.question, case.scope, then, of_other)
        else:
            holds |= dict(remedy.sets)
    return verdict_of(case.scope, case.question, holds)


def _row(case: Case, as_of: date) -> dict[str, Any]:
    question = case.question
    return {
        "scope": case.scope,
        "question": question.name,
        "as_of": as_of,
        "verdict": case.verdict,
        "leaning": case.leaning,
        "leaning_probability": case.leaning_probability,
        "headline": question.headline(case) if case.conditions else NOTHING_KNOWN,
        "statement": question.statement(case) if case.conditions else NOTHING_KNOWN,
        "would_change": _change(case),
        "early_assumptions": early(question, case.assumptions),
        "method_version": METHOD_VERSION,
        "evidence_grade": greatest(row["evidence_grade"] for row in case.behind),
        "inputs_through": greatest(row["known_on"] for row in case.conditions.values() if row["decides"]),
        "grade": greatest(row["grade"] for row in case.behind),
        "reasons": list(case.reasons) or None,
    }


def early(question: Question, assumptions: Assumptions) -> str | None:
    """As JSON, the assumptions behind a question that counted by their wide range, as their evidence was not public."""
    behind = {*question.assumes, *(key for other in question.concludes_from for key in questions()[other].assumes)}
    found = {key: json.loads(said(assumptions[key])) for key in assumptions.early if key in behind}
    return json.dumps(found, ensure_ascii=False) if found else None


def printed(case: Case) -> list[Remedy]:
    """The remedies that are printed: those that one fact is, else the first that takes several."""
    single = [each for each in case.remedies if each.single]
    return list({each.words: each for each in single or case.remedies[:1]}.values())[:MOST_REMEDIES]


def _change(case: Case) -> str:
    """What would change the verdict, the fact that most likely does first; where there is none, what would settle it."""
    does = "change it" if case.is_decided else "settle it"
    found = printed(case)
    if not found:
        return _change_by_two(case) or f"We know of no single fact that would {does}."
    first, *rest = found
    if not first.single:
        return f"No single fact would {does}. {capital(first.words)} would."
    if first.likely and first.learn_from:
        likeliest = f"The fact most likely to {does} is {first.learn_from}. {capital(first.words)} would {does}."
        return " ".join([likeliest, *(f"So would {each.words}." for each in rest)])
    return " ".join([f"{capital(first.words)} would {does}.", *(f"So would {each.words}." for each in rest)])


def _change_by_two(case: Case) -> str:
    pair = two_together(case)
    if not pair:
        return ""
    first, second = (each.words for each in pair)
    return f"It takes two things. One is {first}. The other is {second}."


def two_together(case: Case) -> tuple[Remedy, ...]:
    """Where no single remedy settles an answer that rests on others: one of each open one, if both together do."""
    through = [[replace(each, question=name) for each in other.remedies] for name, other in case.others.items()
               if not other.is_decided]  # fmt: skip
    if case.is_decided or len(through) != 2:
        return ()
    return next((pair for pair in itertools.product(*through) if verdict_after(case, *pair) != UNDECIDED), ())


MART = Mart(
    table=TABLE,
    build=build,
    traces=(Trace("marts.verdict_conditions", "t.scope = m.scope and t.question = m.question and t.decides"),),
)
