"""Every claim of the article, checked one by one and kept.

An article that is half right does more harm than one that is wrong: readers meet a true number and take the conclusion
with it. So each of its claims keeps a row for as long as the question is open, whoever made it, with what was claimed,
what was found, and a sentence on what is right in it. A wrong claim is reported as wrong; one that no fact decides says
so, which is not the same.

Computed claims are judged by `claim_formulas` from what was public on the as-of date. Curated ones (quotes, roles, who
proposed what) keep a finding beside its sources in `reference/additions/claim_findings.csv`; such a finding counts from
the newest day that its citation names, so an early date does not know a later source. Hearsay (grade D) may be shown
here and nowhere else, and is marked.

Whoever spoke in January 2025 could not know what was published in 2026. So each claim is judged twice, by what is known
as of the answer's date and by what was known on the day it was said, and the row tells where the two differ.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.article.dossier import HEARSAY, Dossier, Found, NotKnown, Row, behind_mart_row, forget, right
from warehouse.marts.article.formulas import FORMULAS
from warehouse.marts.article.market_claims import EVENT_KEY, TEST_KEY
from warehouse.marts.article.replay import Replay
from warehouse.marts.common.mart import Mart, Trace
from warehouse.marts.common.reasons import listed, reason
from warehouse.marts.common.words import worded
from warehouse.marts.wording.article import METHOD_OF_CURATED, METHOD_OF_UNCHECKABLE, METHODS
from warehouse.tables.article_claims import CHECK_KINDS, FINDING_MEANINGS
from warehouse.tables.article_claims import TABLE as ARTICLE_CLAIMS
from warehouse.tables.formula import Formula
from warehouse.tables.guide import Guide
from warehouse.tables.table import FACT_IDS, Check, Column, mart

_ISO_DAY = re.compile(r"\b\d{4}-\d{2}-\d{2}\b")

TABLE = mart(
    "claim_check",
    "claims of the article, each with what was claimed, what was found and why",
    [
        ARTICLE_CLAIMS.column("claim_id"),
        ARTICLE_CLAIMS.column("statement"),
        ARTICLE_CLAIMS.column("speaker"),
        ARTICLE_CLAIMS.column("statement_date"),
        ARTICLE_CLAIMS.column("event_date"),
        Column(
            "check_kind",
            "text",
            "how it can be checked",
            required=True,
            allowed=CHECK_KINDS,
        ),
        Column("quantity", "text", "what is measured", required=True),
        Column("unit", "text", "unit of the claimed and the found values", required=True),
        Column("value_claimed", "text", "value claimed, as stated: a number or a word; null where none"),
        Column(
            "value_found",
            "real",
            "value found; null where the finding is a word or nothing decides",
            "see unit",
            formula=Formula("what the check of the row found, by the formula in its method", method="9"),
        ),
        Column("value_low", "real", "low end of what was found", "see unit"),
        Column("value_high", "real", "high end of what was found", "see unit"),
        Column("found_text", "text", "what was found, where it is a word"),
        Column(
            "finding",
            "text",
            "what the check says",
            required=True,
            allowed=FINDING_MEANINGS,
            formula=Formula(
                "found against claimed, within the tolerances of the assumptions file",
                "|found / claimed − 1|",
                "9",
                assumptions=(
                    "claim_confirmed_within",
                    "claim_approximate_within",
                ),
            ),
        ),
        Column(
            "method", "text", "formula of the check, or how a claim without one was checked", required=True, prose=True
        ),
        Column(
            "finding_then", "text", "what the check said on statement_date", required=True, allowed=FINDING_MEANINGS
        ),
        Column("value_found_then", "real", "value found from what was known on statement_date", "see unit"),
        Column("value_low_then", "real", "low end of that", "see unit"),
        Column("value_high_then", "real", "high end of that", "see unit"),
        Column("reasons_then", "texts", "why, on statement_date: JSON objects as in `reasons`", required=True),
        Column("reason_then", "text", "the same in words", required=True, prose=True),
        Column("changed_since", "flag", "true where finding or value are no longer those of that day", required=True),
        Column("hearsay", "flag", "true where hearsay (grade D) is among the evidence", required=True),
        Column("evidence", "text", "rows behind the finding, as table and key, or the sources of a curated finding"),
        FACT_IDS,
        Column(
            "mart_rows", "texts", "rows of marts behind the finding: JSON objects of the mart's name and the row's key"
        ),
        Column("citation", "text", "where the claim, or its curated finding, was read", required=True),
    ],
    key=("claim_id",),
    checks=(
        Check(
            "found_value_in_its_range",
            "select claim_id, value_low, value_found, value_high from {table} "
            "where value_low > value_high or value_found < value_low or value_found > value_high",
            "a value outside its own range has its ends swapped",
            columns=("value_low", "value_found", "value_high"),
        ),
        Check(
            "every_finding_has_a_reason",
            "select claim_id, finding from {table} where reasons is null",
            "a finding without a reason is an opinion",
            columns=("reasons",),
        ),
        Check(
            "a_decided_claim_has_evidence",
            "select claim_id, finding from {table} where finding <> 'cannot_check' and evidence is null",
            "a claim is called right or wrong only by rows or sources that a reader can follow",
            columns=("evidence",),
        ),
        Check(
            "a_wrong_claim_says_what_is_right",
            "select claim_id, reason from {table} where finding = 'wrong' "
            "and len(list_filter(reasons, lambda r: r->>'$.right' = 'true')) = 0",
            "a reader who learns only that a claim is wrong has learnt half",
            columns=("reasons",),
        ),
        Check(
            "hearsay_decides_nothing",
            "select claim_id, finding from {table} where hearsay <> (grade is not distinct from 'D') "
            "or (hearsay and finding <> 'cannot_check')",
            "hearsay may be shown and must be marked, but it neither confirms nor refutes",
            columns=("hearsay", "finding"),
        ),
    ),
    guide=Guide(
        "One row for each claim of the article.",
        "value_claimed or value_found: each claim has its own unit.",
        {
            "What became of each claim?": "select claim_id, finding, statement from claim_check order by all",
            "By which method was a number found?": "select claim_id, value_claimed, value_found, unit, method from "
            "claim_check where value_found is not null",
            "Which claims rest on hearsay?": "select claim_id, statement, reason from claim_check where hearsay",
        },
    ),
)


def build(
    core: Mapping[str, pl.DataFrame],
    sessions: pl.DataFrame,
    event_study: pl.DataFrame,
    event_study_tests: pl.DataFrame,
    training_cost: pl.DataFrame,
    capex_quarterly: pl.DataFrame,
    capex_group: pl.DataFrame,
    verdict: pl.DataFrame,
    *,
    as_of: date,
    assumptions: Assumptions,
) -> pl.DataFrame:
    """One row for each claim known by `as_of`, judged then and on its own day. Frames as their tables declare."""
    facts = {**core, "sessions": sessions}
    now: Mapping[str, pl.DataFrame] = {
        **facts,
        "event_study": event_study,
        "event_study_tests": event_study_tests,
        "training_cost": training_cost,
        "capex_quarterly": capex_quarterly,
        "capex_group": capex_group,
        "verdict": verdict,
    }
    claims = Dossier(now, as_of, assumptions).rows("article_claims", hearsay=True).sort("claim_id")
    then = _then(claims, facts, as_of, assumptions)
    rows = []
    for claim in claims.iter_rows(named=True):
        checked = _checked(claim, Dossier(now, as_of, assumptions))
        rows.append(_row(claim, checked, then.get(claim["claim_id"], checked["found"]), assumptions))
    forget()
    if not rows:
        return TABLE.empty()
    schema = {name: kind for name, kind in TABLE.polars_schema.items() if name not in ("reason", "reason_then")}
    return worded(pl.DataFrame(rows, schema=schema), "reasons_then", "reason_then")


def _then(
    claims: pl.DataFrame, facts: Mapping[str, pl.DataFrame], as_of: date, assumptions: Assumptions
) -> dict[str, Found]:
    """What was found of each claim on the day it was said, where that is past; one day after the other, so that the facts
    of one alone are held."""
    found = {}
    for day in claims.get_column("statement_date").unique().sort():
        if day < as_of:
            known_then, assumed = Replay(facts, day, assumptions), assumptions.as_of(day)
            for claim in claims.filter(statement_date=day).iter_rows(named=True):
                found[claim["claim_id"]] = _checked(claim, Dossier(known_then, day, assumed))["found"]
            forget()
    return found


def _checked(claim: Row, dossier: Dossier) -> dict[str, Any]:
    """What was found (`found`), the evidence of it, and its grade: by the claim's formula where it has one."""
    formula = FORMULAS.get(claim["claim_id"])
    if formula is None:
        found, evidence = curated(claim, dossier.as_of)
        return {"found": found, "evidence": evidence, "grade": None if evidence is None else claim["grade"]}
    try:
        found = formula(claim, dossier)
    except NotKnown as missing:
        found = Found("cannot_check", [missing.reason])
    return {
        "found": _saying_what_is_right(claim, found),
        "evidence": dossier.evidence,
        "grade": dossier.grade,
        "fact_ids": listed(dossier.fact_ids),
        "mart_rows": listed(dossier.mart_rows),
    }


def _saying_what_is_right(claim: Row, found: Found) -> Found:
    """A formula may find a claim wrong that it was not written to refute (other prices): then its figure is what is right."""
    if found.finding != "wrong" or found.says_what_is_right:
        return found
    figure = right("right_figure", value=found.value, unit=claim["unit"], text=found.text)
    return found._replace(reasons=[*found.reasons, figure])


def _row(claim: Row, checked: dict[str, Any], then: Found, assumptions: Assumptions) -> dict[str, Any]:
    kept = ("claim_id", "statement", "speaker", "statement_date", "event_date", "check_kind", "quantity", "unit")
    found: Found = checked["found"]
    value, value_then = _finite(found.value), _finite(then.value)
    return {
        **{name: claim[name] for name in (*kept, "value_claimed", "citation")},
        "value_found": value,
        "value_low": _finite(found.low),
        "value_high": _finite(found.high),
        "found_text": found.text,
        "finding": found.finding,
        "method": _method(claim),
        "finding_then": then.finding,
        "value_found_then": value_then,
        "value_low_then": _finite(then.low),
        "value_high_then": _finite(then.high),
        "reasons_then": then.reasons,
        "changed_since": found.finding != then.finding
        or _moved(value, value_then, assumptions.number("claim_confirmed_within")),
        "hearsay": checked["grade"] == HEARSAY,
        "evidence": checked["evidence"],
        "fact_ids": checked.get("fact_ids"),
        "mart_rows": checked.get("mart_rows"),
        "grade": checked["grade"],
        "reasons": found.reasons,
    }


def _moved(now: float | None, then: float | None, within: float) -> bool:
    if now is None or then is None:
        return now is not then
    return abs(now - then) > within * abs(then)


def _method(claim: Row) -> str:
    """How the claim is checked, in a sentence."""
    if claim["claim_id"] in FORMULAS:
        return METHODS[claim["claim_id"]]
    return METHOD_OF_UNCHECKABLE if claim["check_kind"] == "uncheckable" else METHOD_OF_CURATED


def curated(claim: Row, as_of: date) -> tuple[Found, str | None]:
    """The finding kept with the claim, and its sources, once the newest of them is public."""
    if claim["curated_finding"] is None:
        return Found("cannot_check", [reason("no_source_was_read")]), None
    reasons = [reason("curated_finding", text=claim["curated_reason"])]
    if claim["curated_right"] is not None:
        reasons.append(right("curated_right", text=claim["curated_right"]))
    found = Found(claim["curated_finding"], reasons)
    if claim["check_kind"] == "uncheckable":
        return found, None
    named = [date.fromisoformat(day) for day in _ISO_DAY.findall(claim["citation"])]
    known_on = max(named, default=claim["statement_date"])
    if known_on > as_of:
        return Found("cannot_check", [reason("decided_by_later_sources", as_of=as_of)]), None
    return found, claim["citation"]


def _finite(value: float | int | None) -> float | None:
    return None if value is None or value != value or abs(value) == float("inf") else float(value)


# Tables of core that a finding may rest on; the list of ids says which of their facts it does.
_FACTS = (
    "stock_prices", "shares_outstanding", "evidence", "training_runs", "gpu_specs", "ai_models", "model_capability",
)  # fmt: skip

MART = Mart(
    table=TABLE,
    build=build,
    traces=(
        Trace("core.article_claims", "t.claim_id = m.claim_id"),
        *(Trace(f"core.{name}", ids="fact_ids") for name in _FACTS),
        *(
            Trace(f"marts.{name}", behind_mart_row(name, *key))
            for name, key in {
                "event_study": EVENT_KEY,
                "event_study_tests": TEST_KEY,
                "training_cost": ("run_id",),
                "capex_quarterly": ("ticker", "period_end"),
                "capex_group": ("calendar_quarter",),
                "verdict": ("scope", "question"),
            }.items()
        ),
    ),
)
