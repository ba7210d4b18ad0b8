"""Every number of judgement that made these answers, beside the packaged one, where SQL can read it.

A verdict rests on facts and on judgements, and whoever opens a warehouse must see both: two answers that differ because
one user set a life of three years are no contradiction once the table says so. A row here is an entry of the assumptions
file as it was used, with what it is by default, and whether a user replaced it.

Judgements have days too. An entry that cites evidence which was not public by the as-of date counted by its own wide range
(`is_before_evidence`), and the row says from which day the packaged value counts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import polars as pl

from warehouse.assumptions import SHAPES, Assumptions, before, load
from warehouse.marts.common.early import early_reasons
from warehouse.marts.common.mart import Mart, Trace
from warehouse.marts.common.reasons import TYPE, listed, reason
from warehouse.tables.guide import Guide
from warehouse.tables.table import Check, Column, mart

TABLE = mart(
    "assumptions",
    "every assumption and threshold that made these marts, with its default and whether a user replaced it",
    [
        Column("key", "text", "name of the entry in the assumptions file", required=True),
        Column("value", "json", "what was used: a number, word, list or table, or the parameters of a distribution"),
        Column("default_value", "json", "what the packaged file says as of the same date"),
        Column("overridden", "flag", "whether a user replaced the packaged value", required=True),
        Column(
            "evidence_known_from",
            "date",
            "day from which the packaged value counts; null where it rests on no evidence",
        ),
        Column("value_before", "json", "what counts before that day"),
        Column("is_before_evidence", "flag", "whether that was used, the evidence not being public yet", required=True),
        Column("meaning", "text", "what it is", required=True),
        Column("unit", "text", "unit of the value", required=True),
        Column("citation", "text", "where the value comes from", required=True),
        Column("facts", "texts", "identifiers of the evidence behind it; null where none is named"),
        Column("sha256", "text", "hash of all entries together: equal hashes mean equal assumptions", required=True),
    ],
    key=("key",),
    checks=(
        Check(
            "one_set_of_assumptions",
            "select count(distinct sha256) as sets from {table} having count(distinct sha256) <> 1",
            "marts of one warehouse are made by one set of assumptions",
        ),
        Check(
            "a_difference_is_an_override",
            "select key, value, default_value from {table} where value::text <> default_value::text and not overridden",
            "a what-if that is not marked would pass for the answer",
        ),
    ),
    guide=Guide(
        "One row for each entry of the assumptions file.",
        "",
        {
            "How many assumptions are replaced, and how many the defaults?": "select overridden, count(*) as assumptions "
            "from assumptions group by all",
            "What stands for the life of hardware, and why?": "select key, value, unit, citation from assumptions where "
            "key like 'life%'",
            "Which thresholds decide?": "select key, value, unit, meaning from assumptions where key like '%threshold%'",
        },
    ),
)


def build(*, assumptions: Assumptions) -> pl.DataFrame:
    """One row for each entry, whatever the facts; `reason` says what a replaced one was, or which one counts early."""
    packaged = load()
    if assumptions.day is not None:
        packaged = packaged.as_of(assumptions.day)
    rows = []
    for key, entry in assumptions.items():
        default = said(packaged[key])
        overridden, whole = key in assumptions.overridden, assumptions.dated(key)
        known_from = whole.get("known_from")
        rows.append(
            {
                "key": key,
                "value": said(entry),
                "default_value": default,
                "overridden": overridden,
                "evidence_known_from": known_from,
                "value_before": None if known_from is None else said(before(whole)),
                "is_before_evidence": key in assumptions.early,
                "meaning": entry["meaning"],
                "unit": entry["unit"],
                "citation": entry["citation"],
                "facts": listed(entry.get("facts", ())),
                "sha256": assumptions.sha256,
                "reasons": listed(
                    [
                        reason("replaced_by_user", default_value=default) if overridden else None,
                        *early_reasons(assumptions, [key]),
                    ]
                ),
            }
        )
    dates = {"evidence_known_from": pl.Date, "value_before": pl.String}
    return pl.DataFrame(rows, schema_overrides={"facts": TYPE, "reasons": TYPE, **dates})


def said(entry: Mapping[str, Any]) -> str:
    """The value of an entry as JSON; of a distribution its name and parameters."""
    kind = entry.get("distribution")
    held = {"distribution": kind, **{part: entry[part] for part in SHAPES[kind]}} if kind else entry["value"]
    return json.dumps(held, default=str, ensure_ascii=False)


MART = Mart(
    table=TABLE,
    build=build,
    traces=(Trace("core.evidence", "list_contains(m.facts, t.evidence_id)"),),
)
