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
from warehouse.marts.article.claim_facts import HEARSAY, Dossier, Found, NotKnown, Replay, Row
from warehouse.marts.article.claim_formulas import EVENT_KEY, FORMULAS
from warehouse.marts.common.mart import Mart, Trace
from warehouse.tables.article_claims import FINDINGS
from warehouse.tables.table import Check, Column, mart

_ISO_DAY = re.compile(r"\b\d{4}-\d{2}-\d{2}\b")

TABLE = mart(
    "claim_check",
    "claims of the article, each with what was claimed, what was found and why",
    [
        Column("claim_id", "text", "identifier of the claim", required=True),
        Column("statement", "text", "the claim in a sentence", required=True),
        Column("speaker", "text", "who says it", required=True),
        Column("statement_date", "date", "day it was said", required=True),
        Column("event_date", "date", "day it is about"),
        Column(
            "check_kind",
            "text",
            "how it can be checked",
            required=True,
            allowed=("computed", "curated", "uncheckable"),
        ),
        Column("quantity", "text", "what is measured", required=True),
        Column("unit", "text", "unit of the claimed and the found values", required=True),
        Column("value_claimed", "text", "value claimed, as stated: a number or a word; null where none"),
        Column("value_found", "real", "value found; null where the finding is a word or nothing decides", "see unit"),
        Column("value_low", "real", "low end of what was found", "see unit"),
        Column("value_high", "real", "high end of what was found", "see unit"),
        Column("found_text", "text", "what was found, where it is a word"),
        Column("finding", "text", "what the check says", required=True, allowed=FINDINGS),
        Column("method", "text", "formula of the check, or how a claim without one was checked", required=True),
        Column("finding_then", "text", "what the check said on statement_date", required=True, allowed=FINDINGS),
        Column("value_found_then", "real", "value found from what was known on statement_date", "see unit"),
        Column("value_low_then", "real", "low end of that", "see unit"),
        Column("value_high_then", "real", "high end of that", "see unit"),
        Column("reason_then", "text", "why, on statement_date", required=True),
        Column("changed_since", "flag", "true where finding or value are no longer those of that day", required=True),
        Column("hearsay", "flag", "true where hearsay (grade D) is among the evidence", required=True),
        Column("evidence", "text", "rows behind the finding, as table and key, or the sources of a curated finding"),
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
            "select claim_id, finding from {table} where reason is null or trim(reason) = ''",
            "a finding without a sentence is an opinion",
            columns=("reason",),
        ),
        Check(
            "a_decided_claim_has_evidence",
            "select claim_id, finding from {table} where finding <> 'cannot_check' and evidence is null",
            "a claim is called right or wrong only by rows or sources that a reader can follow",
            columns=("evidence",),
        ),
        Check(
            "a_wrong_claim_says_what_is_right",
            "select claim_id, reason from {table} where finding = 'wrong' and not contains(reason, 'Right is')",
            "a reader who learns only that a claim is wrong has learnt half",
            columns=("reason",),
        ),
        Check(
            "hearsay_decides_nothing",
            "select claim_id, finding from {table} where hearsay <> (grade is not distinct from 'D') "
            "or (hearsay and finding <> 'cannot_check')",
            "hearsay may be shown and must be marked, but it neither confirms nor refutes",
            columns=("hearsay", "finding"),
        ),
    ),
)


def build(
    ai_models: pl.DataFrame,
    article_claims: pl.DataFrame,
    capex_guidance: pl.DataFrame,
    companies: pl.DataFrame,
    company_facts: pl.DataFrame,
    corporate_actions: pl.DataFrame,
    evidence: pl.DataFrame,
    gpu_prices: pl.DataFrame,
    gpu_specs: pl.DataFrame,
    model_capability: pl.DataFrame,
    sessions: pl.DataFrame,
    shares_outstanding: pl.DataFrame,
    stock_prices: pl.DataFrame,
    training_runs: pl.DataFrame,
    event_study: pl.DataFrame,
    training_cost: pl.DataFrame,
    capex_quarterly: pl.DataFrame,
    capex_group: pl.DataFrame,
    verdict: pl.DataFrame,
    *,
    as_of: date,
    assumptions: Assumptions,
) -> pl.DataFrame:
    """One row for each claim known by `as_of`, judged then and on its own day. Frames as their tables declare."""
    facts = {
        "ai_models": ai_models,
        "article_claims": article_claims,
        "capex_guidance": capex_guidance,
        "companies": companies,
        "company_facts": company_facts,
        "corporate_actions": corporate_actions,
        "evidence": evidence,
        "gpu_prices": gpu_prices,
        "gpu_specs": gpu_specs,
        "model_capability": model_capability,
        "sessions": sessions,
        "shares_outstanding": shares_outstanding,
        "stock_prices": stock_prices,
        "training_runs": training_runs,
    }
    now: Mapping[str, pl.DataFrame] = {
        **facts,
        "event_study": event_study,
        "training_cost": training_cost,
        "capex_quarterly": capex_quarterly,
        "capex_group": capex_group,
        "verdict": verdict,
    }
    claims = Dossier(now, as_of, assumptions).rows("article_claims", hearsay=True).sort("claim_id")
    days = {day: Replay(facts, day, assumptions) for day in claims.get_column("statement_date").unique() if day < as_of}
    rows = []
    for claim in claims.iter_rows(named=True):
        said_on = claim["statement_date"]
        found, behind, grade = _checked(claim, Dossier(now, as_of, assumptions))
        then = found
        if said_on in days:
            then, _, _ = _checked(claim, Dossier(days[said_on], said_on, assumptions))
        rows.append(_row(claim, found, then, behind, grade, assumptions))
    return TABLE.conform(pl.DataFrame(rows, infer_schema_length=None)) if rows else TABLE.empty()


def _checked(claim: Row, dossier: Dossier) -> tuple[Found, str | None, str | None]:
    """A finding with its evidence and grade: by the claim's formula where it has one, else the curated one."""
    formula = FORMULAS.get(claim["claim_id"])
    if formula is None:
        found, evidence = curated(claim, dossier.as_of)
        return found, evidence, None if evidence is None else claim["grade"]
    try:
        found = formula(claim, dossier)
    except NotKnown as missing:
        found = Found("cannot_check", str(missing))
    return _saying_what_is_right(claim, found), dossier.evidence, dossier.grade


def _saying_what_is_right(claim: Row, found: Found) -> Found:
    """A formula may find a claim wrong that it was not written to refute (other prices): then its figure is what is right."""
    if found.finding != "wrong" or "Right is" in found.reason:
        return found
    figure = found.text or ("unknown" if found.value is None else f"{found.value:.3g} ({claim['unit']})")
    return found._replace(reason=f"{found.reason} Right is {figure}.")


def _row(
    claim: Row, found: Found, then: Found, evidence: str | None, grade: str | None, assumptions: Assumptions
) -> dict[str, Any]:
    kept = ("claim_id", "statement", "speaker", "statement_date", "event_date", "check_kind", "quantity", "unit")
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
        "reason_then": then.reason,
        "changed_since": found.finding != then.finding
        or _moved(value, value_then, assumptions.number("claim_confirmed_within")),
        "hearsay": grade == HEARSAY,
        "evidence": evidence,
        "grade": grade,
        "reason": found.reason,
    }


def _moved(now: float | None, then: float | None, within: float) -> bool:
    if now is None or then is None:
        return now is not then
    return abs(now - then) > within * abs(then)


def _method(claim: Row) -> str:
    """How the claim is checked, in a sentence."""
    formula = FORMULAS.get(claim["claim_id"])
    if formula is not None and formula.__doc__:
        said = formula.__doc__.partition("\n")[0].partition(": ")[2]
        return said[:1].upper() + said[1:]
    if claim["check_kind"] == "uncheckable":
        return "No fact can decide it; the reason says why."
    return "A finding from the sources that the evidence names."


def curated(claim: Row, as_of: date) -> tuple[Found, str | None]:
    """The finding kept with the claim, and its sources, once the newest of them is public."""
    if claim["curated_finding"] is None:
        return Found("cannot_check", "No source that decides this has been read."), None
    if claim["check_kind"] == "uncheckable":
        return Found(claim["curated_finding"], claim["curated_reason"]), None
    named = [date.fromisoformat(day) for day in _ISO_DAY.findall(claim["citation"])]
    known_on = max(named, default=claim["statement_date"])
    if known_on > as_of:
        return Found("cannot_check", f"What decides it was published later than {as_of}."), None
    return Found(claim["curated_finding"], claim["curated_reason"]), claim["citation"]


def _finite(value: float | int | None) -> float | None:
    return None if value is None or value != value or abs(value) == float("inf") else float(value)


def _named(table: str, *keys: str, where: str = "") -> str:
    """SQL: the place of row `t` (`core.evidence CC009`) is in the evidence of `m`; the key `all` is that word."""
    parts = ", ".join(f"'{key}'" if key == "all" else f"t.{key}" for key in keys)
    return f"list_contains(string_split(m.evidence, '; '), concat_ws(' ', '{table}', {parts})){where}"


def _place(table: str, *keys: str) -> Trace:
    return Trace(table, _named(table, *keys))


MART = Mart(
    table=TABLE,
    build=build,
    traces=(
        Trace("core.article_claims", "t.claim_id = m.claim_id"),
        Trace(
            "core.stock_prices",
            f"{_named('core.stock_prices', 'ticker', 'date')} or {_named('core.stock_prices', 'all', 'date')}",
        ),
        _place("core.shares_outstanding", "ticker", "measured_on"),
        _place("core.evidence", "evidence_id"),
        _place("core.training_runs", "run_id"),
        _place("core.gpu_specs", "gpu_model"),
        _place("core.ai_models", "model", "vintage"),
        Trace(
            "core.model_capability",
            f"{_named('core.model_capability', 'model', 'released')} or "
            f"{_named('core.model_capability', 'all', where=' and t.training_flop > 0')}",
        ),
        _place("marts.event_study", *EVENT_KEY),
        _place("marts.training_cost", "run_id"),
        _place("marts.capex_quarterly", "ticker", "period_end"),
        _place("marts.capex_group", "calendar_quarter"),
        _place("marts.verdict", "scope", "question"),
    ),
)
