"""The decision table of method 7, put together from the questions, and the engine that applies it.

A verdict is made of conditions that are each true, false or unknown. Each question says which of them have to be true (or
false) together; here its rule is spelled out for every scope and applied. An unknown condition is never counted as true nor
as false, so that whatever nothing is known of ends as `cannot_tell`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import polars as pl

from warehouse.marts.common.mart import Trace
from warehouse.marts.common.scopes import SCOPES
from warehouse.marts.verdict.question import UNDECIDED, Question, spelled_out
from warehouse.marts.verdict.questions import questions
from warehouse.tables.table import Column

QUESTIONS: tuple[str, ...] = tuple(questions())
ASKED: dict[str, str] = {name: question.asks for name, question in questions().items()}
SILENT: dict[str, str] = {name: question.silent for name, question in questions().items()}
"""What no answer to a question says, told once beside all of them."""
VERDICTS: dict[str, tuple[str, ...]] = {name: (*question.verdicts, UNDECIDED) for name, question in questions().items()}
ALL_VERDICTS: tuple[str, ...] = tuple(dict.fromkeys(verdict for given in VERDICTS.values() for verdict in given))
MEANINGS: dict[str, str] = {
    verdict: ", or ".join(
        f"{name}: {question.verdicts[verdict].meaning}"
        for name, question in questions().items()
        if verdict in question.verdicts
    )
    for verdict in ALL_VERDICTS
} | {UNDECIDED: "any: the facts decide for none of its other verdicts"}
QUESTION = Column("question", "text", "question of method 1", required=True, allowed=ASKED)
METHOD_VERSION = 2
"""Version of the method whose rules these are; what each version changed stands in `method_changes`."""
ANSWERS = len(SCOPES) * len(QUESTIONS)
"""Verdicts of one day: each question of each scope has one."""


BETWEEN = "between"


@cache
def rules() -> pl.DataFrame:
    """The table: scope, question, verdict, number of the alternative, condition and what it is wanted to be."""
    rows = []
    for scope in SCOPES:
        for name, question in questions().items():
            for verdict, given in question.verdicts.items():
                for number, alternative in enumerate(given.when):
                    rows += [
                        (scope, name, verdict, number, condition.removeprefix("not "), not condition.startswith("not "))
                        for each in (*alternative, *question.always)
                        for condition in spelled_out(each, scope)
                    ]
    schema = {
        "scope": pl.String,
        "question": pl.String,
        "verdict": pl.String,
        "alternative": pl.Int64,
        "condition": pl.String,
        "wanted": pl.Boolean,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def decide(conditions: pl.DataFrame) -> pl.DataFrame:
    """Verdict of every scope and question in `conditions` (columns scope, question, condition, holds).

    Returns scope, question, verdict, `rests_on` (the conditions of the alternatives that were met, or, where none was,
    all that could have decided) and `verdicts_met`, how many verdicts were met. Two at once (thresholds that a user moved
    across each other) are none.
    """
    asked = conditions.select("scope", "question").unique()
    known = conditions.select("scope", "question", "condition", "holds")
    alternatives = (
        rules()
        .join(asked, on=["scope", "question"], how="semi")
        .join(known, on=["scope", "question", "condition"], how="left")
        .with_columns(met=(pl.col("holds") == pl.col("wanted")).fill_null(False))
        .with_columns(met=pl.col("met").all().over("scope", "question", "verdict", "alternative"))
        .with_columns(verdicts_met=pl.col("verdict").filter("met").n_unique().over("scope", "question"))
        .with_columns(met=pl.col("met") & (pl.col("verdicts_met") == 1))
    )
    return (
        alternatives.group_by("scope", "question")
        .agg(
            verdict=pl.col("verdict").filter("met").first().fill_null(UNDECIDED),
            verdicts_met=pl.col("verdicts_met").first(),
            rests_on=pl.when(pl.col("met").any())
            .then(pl.col("condition").filter("met").unique().sort().implode())
            .otherwise(pl.col("condition").unique().sort().implode()),
        )
        .sort("scope", "question")
    )


def verdict_of(scope: str, question: Question, holds: Mapping[str, bool | None]) -> str:
    """The same for one question of one scope, from what its conditions are by name; one that is not named is unknown.

    A remedy is tried so, dozens of times an answer, which a table would make slow. A test holds both to the same verdicts.
    """
    found = met(scope, question, holds)
    return found.pop() if len(found) == 1 else UNDECIDED


def met(scope: str, question: Question, holds: Mapping[str, bool | None]) -> set[str]:
    """The verdicts of which an alternative holds, each condition being what is wanted of it."""
    return {
        verdict
        for verdict, given in question.verdicts.items()
        for alternative in given.when
        if all(
            holds.get(name.removeprefix("not ")) is (not name.startswith("not "))
            for each in (*alternative, *question.always)
            for name in spelled_out(each, scope)
        )
    }


def concluded(question: Question, scope: str, verdict: str, holds: Mapping[str, bool | None]) -> dict[str, bool | None]:
    """What the verdict on a question makes of the conditions that are that verdict, by name.

    One that cannot tell is unknown for each of its verdicts. That it cannot tell is known (`q2_cannot_tell`), and so is
    that everything is known of it and lies between its thresholds (`q3_between`), which is an answer of its own.
    """
    undecided = verdict == UNDECIDED
    deciding = {
        name.removeprefix("not ")
        for given in question.verdicts.values()
        for alternative in given.when
        for each in (*alternative, *question.always)
        for name in spelled_out(each, scope)
    }
    forbidden = any(holds.get(name) is not True for name in question.needed(scope))
    is_known = all(holds.get(name) is not None for name in deciding) and not forbidden
    own = question.name.lower()
    found: dict[str, bool | None] = {
        f"{own}_{wanted}": None if undecided else verdict == wanted for wanted in question.verdicts
    }
    is_none_met = not met(scope, question, holds)
    between = (is_none_met if is_known else None) if undecided else False
    return {**found, f"{own}_{UNDECIDED}": undecided, f"{own}_{BETWEEN}": between}


def for_each_question(traces: Mapping[str, Sequence[Trace]]) -> tuple[Trace, ...]:
    """The traces of each question for its own rows; those into one table together, as there is one way into it."""
    by_table: dict[str, dict[str, list[str]]] = {}
    for question, own in traces.items():
        for trace in own:
            by_table.setdefault(trace.table, {}).setdefault(trace.condition, []).append(question)
    return tuple(
        Trace(table, " or ".join(_for(questions, condition) for condition, questions in conditions.items()))
        for table, conditions in by_table.items()
    )


def _for(questions: Sequence[str], condition: str) -> str:
    listed = ", ".join(f"'{name}'" for name in questions)
    return f"m.question in ({listed}) and ({condition})"
