"""What each version of the method changed, and what the versions before and after it answered on the day of the change.

A rule that is changed after its results were seen may have been bent to another result. Nobody can rule that out by
reading the new rule. So each change stands here with its reason, and beside it what the old and the new version answer
for the group on the same facts, as of the day of the change. These answers were computed once, each by a program that had
that version, and are kept for good: the old rule's code is gone, and nothing here is computed anew.

The list is part of the program and no fact about the world, so it reads `warehouse/reference/method_changes.toml` and the
changes are there on every as-of date. The answers rest on facts, so a run as of an earlier day does not show them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib import resources
from typing import Any

import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.common.mart import Mart
from warehouse.marts.common.reasons import listed, reason
from warehouse.marts.verdict.decision import QUESTIONS
from warehouse.tables.guide import Guide
from warehouse.tables.table import Check, Column, mart

FILE = "method_changes.toml"
SIDES = {"before": "the version before it", "after": "the version that it belongs to"}
_NAMES = {(question, side): f"{question.lower()}_verdict_{side}" for question in QUESTIONS for side in SIDES}

TABLE = mart(
    "method_changes",
    "every change of the method with its reason, and the group's verdicts under the versions before and after it on that day",
    [
        Column("version", "integer", "version of the method that made the change", required=True, minimum=2),
        Column("change", "text", "name of the change", required=True),
        Column("changed_on", "date", "day of the change, and as-of date of the verdicts beside it", required=True),
        Column("what", "text", "what is done otherwise", required=True),
        Column("why", "text", "what was wrong before", required=True),
        Column("effect", "text", "what it does to the answers", required=True),
        *(
            Column(
                name, "text", f"the group's verdict on {question} by {SIDES[side]}; the same in all rows of a version"
            )
            for (question, side), name in _NAMES.items()
        ),
        *(
            Column(f"{part}_{side}", "text", f"{meaning} of the verdicts by {SIDES[side]}")
            for part, meaning in {"program": "commit of the program", "citation": "where they come from,"}.items()
            for side in SIDES
        ),
    ],
    key=("version", "change"),
    checks=(
        Check(
            "one_answer_a_version",
            "select version from {table} group by all having count(distinct (overall_verdict_before, overall_verdict_after)) > 1",
            "the changes of one version were made together, and so were their answers",
        ),
    ),
    guide=Guide(
        "One row for each change of the method.",
        "",
        {
            "What changed, and why?": "select version, change, changed_on, why from method_changes order by all",
            "What did the versions answer to Q3 on that day?": "select change, q3_verdict_before, q3_verdict_after from "
            "method_changes order by all",
            "By which program was each computed?": "select change, program_before, program_after from method_changes",
        },
    ),
)


@cache
def kept() -> Mapping[str, Any]:
    """The file: `changes`, and `answers` by version and day."""
    text = resources.files("warehouse.reference").joinpath(FILE).read_text(encoding="utf-8")
    return tomllib.loads(text)


def answer(version: int, day: date) -> Mapping[str, Any] | None:
    """What a version answered as of a day: `verdicts` by question, `program`, `citation`; None where it was not run."""
    found = [each for each in kept()["answers"] if (each["version"], each["as_of"]) == (version, day)]
    return found[0] if found else None


def build(*, as_of: date, assumptions: Assumptions) -> pl.DataFrame:
    """A row for each change; no verdicts before the day of the change, and none of a version that was not run on it."""
    return pl.DataFrame([_row(change, as_of) for change in kept()["changes"]], schema=dict(TABLE.polars_schema))


def _row(change: Mapping[str, Any], as_of: date) -> dict[str, Any]:
    day, version = change["changed_on"], change["version"]
    row: dict[str, Any] = {**change, "grade": None}
    is_later, missing, grades = as_of < day, [], []
    for side, asked in (("before", version - 1), ("after", version)):
        found = None if is_later else answer(asked, day)
        if found is None:
            why = reason("answered_later", day=day) if is_later else reason("version_not_run", version=asked, day=day)
            missing.append(why)
        verdicts = found["verdicts"] if found else {}
        grades += [each["grade"] for each in verdicts.values() if "grade" in each]
        row |= {_NAMES[q, side]: verdicts.get(q, {}).get("verdict") for q in QUESTIONS}
        row |= {f"{part}_{side}": found[part] if found else None for part in ("program", "citation")}
    return row | {"grade": max(grades, default=None), "reasons": listed(missing)}


MART = Mart(table=TABLE, build=build)
