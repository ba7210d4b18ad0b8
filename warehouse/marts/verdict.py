"""The answer: one verdict for each question and scope, in a sentence that claims no more than its evidence.

A function of the conditions and of nothing else. `decision` says which conditions make which verdict; this file words
it. Each sentence gives the figures, says what it does not say, what would change it and how good the evidence is: read
alone, without a page around it, it must not sound stronger than it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.decision import ALWAYS, GROUP, QUESTIONS, SCOPES, UNDECIDED, VERDICTS, VIEWS, decide, rules
from warehouse.marts.mart import Mart, Trace
from warehouse.marts.verdict_conditions import in_words
from warehouse.tables.table import GRADES, Check, Column, mart

Conditions = Mapping[str, Mapping[str, Any]]
VETOES = {name for names in ALWAYS.values() for name in names} | {
    f"revenue_is_no_lower_bound_{view}" for views in VIEWS.values() for view in views
}
MOST_FLIPS = 2  # drivers named in a sentence; all of them are in the conditions

_RULES = ", ".join(
    f"('{scope}', '{question}', '{verdict}', {alternative}, '{condition}', {str(wanted).lower()})"
    for scope, question, verdict, alternative, condition, wanted in rules().rows()
)

TABLE = mart(
    "verdict",
    "the verdict on each question for each company and the group, in a sentence with its figures and evidence grade",
    [
        Column("scope", "text", "ticker, or ALL for the group of four", required=True, allowed=SCOPES),
        Column("question", "text", "question of method 1", required=True, allowed=QUESTIONS),
        Column("as_of", "date", "date that the answer is as of", required=True),
        Column(
            "verdict",
            "text",
            "the verdict",
            required=True,
            allowed=tuple(dict.fromkeys(verdict for verdicts in VERDICTS.values() for verdict in verdicts)),
        ),
        Column("statement", "text", "what it says, what it does not say and what would change it", required=True),
        Column("evidence_grade", "text", "weakest grade of the facts that matter to it", allowed=GRADES),
        Column("inputs_through", "date", "day on which the newest fact that entered became public"),
    ],
    key=("scope", "question"),
    checks=(
        Check(
            "every_question_of_every_scope",
            "select count(*) as verdicts from {table} having count(*) <> 25",
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
        Check(
            "undecided_says_why",
            "select * from {table} where verdict = 'cannot_tell' and coalesce(reason, '') = ''",
            "a reader must learn what is missing",
        ),
        Check(
            "sentence_names_its_grade",
            "select * from {table} "
            "where evidence_grade is not null and not contains(statement, 'grade ' || evidence_grade)",
            "a verdict without the worth of its evidence sounds stronger than it is",
        ),
    ),
)

ABOUT = {
    "Q1": "whether the cheap-training claim is true",
    "Q2": "how much capex cheaper training makes redundant",
    "Q3": "whether the spend pays",
    "Q4": "whether the market said that compute is wasted",
    "overall": "whether the spend is wasteful",
}
HEADS = {
    "claim_holds": "The claim holds to the order of magnitude",
    "claim_holds_for_its_scope": "The claim holds to the order of magnitude, but only for {recomputed} and not for "
    "{stated}, as it was put",
    "claim_fails": "The claim fails",
    "market_said_waste": "The market said waste",
    "market_did_not_say_waste": "The market did not say waste",
    "looks_wasteful": "Looks wasteful on these facts",
    "not_shown_wasteful": "Not shown wasteful",
}
SILENT = {
    "Q1": "it says nothing of research, failed runs, staff and hardware around that run, and alone cannot show waste",
    "Q2": "it applies the world's training share to {whose} capex and says nothing of whether the rest pays (Q3)",
    "Q3": "coverage below 1 early in a build-out is normal, and gains outside revenue are not in it",
    "Q4": "prices and guidance are what others believed, not what is true, and can only corroborate",
    "overall": "it rests on Q2 and Q3 alone and does not say that each dollar is well or badly spent",
}
TELLS = {
    "Q1": "the claim, the run's GPU-hours and rental prices of its time would tell",
    "Q2": "facts that cover the group's capex, a year of training that is no lower bound, or figures clear of the "
    "threshold would tell",
    "Q3": "facts on the scope's capex and attributable revenue, or figures clear of the thresholds, would tell",
    "Q4": "prices over both windows and guidance for one fiscal year at both dates, pointing one way, would tell",
    "overall": "verdicts on both Q2 and Q3, or either looking wasteful, would tell",
}
CHANGES = {
    "claim_holds": "lower or higher rental prices of the time, or a wider reading of the claim, would change it",
    "claim_holds_for_its_scope": "a recomputed low above {limit}, or a claim put for that scope alone, would change it",
    "claim_fails": "rental prices of the time that bring the low to {limit} would change it",
    "market_said_waste": "guidance that is kept would change it",
    "market_did_not_say_waste": "only corrected prices or guidance would change it, as that event is past",
}


def build(verdict_conditions: pl.DataFrame, *, as_of: date, assumptions: Assumptions) -> pl.DataFrame:
    """25 rows, always: five scopes by four questions and the overall one (method 7)."""
    decided = {(row["scope"], row["question"]): row for row in decide(verdict_conditions).to_dicts()}
    conditions: dict[tuple[str, str], dict[str, Mapping[str, Any]]] = {}
    for row in verdict_conditions.to_dicts():
        conditions.setdefault((row["scope"], row["question"]), {})[row["condition"]] = row
    nothing = {"verdict": UNDECIDED, "rests_on": []}
    rows = []
    for scope in SCOPES:
        told: dict[str, str] = {}
        for question in QUESTIONS:
            found, known = decided.get((scope, question), nothing), conditions.get((scope, question), {})
            told[question] = _figures(scope, question, known, told, assumptions) if known else ""
            rows.append(_row(scope, question, found, known, told[question], as_of))
    return pl.DataFrame(rows, schema=dict(TABLE.polars_schema))


def _row(
    scope: str, question: str, found: Mapping[str, Any], conditions: Conditions, figures: str, as_of: date
) -> dict[str, Any]:
    verdict = found["verdict"]
    behind = [conditions[name] for name in found["rests_on"] if name in conditions]
    evidence_grade = _greatest(row["evidence_grade"] for row in behind)
    why = _why(behind, figures) if verdict == UNDECIDED else None
    beside = f"; what was found all the same: {figures}" if why and figures and figures not in why else ""
    said = f"Cannot tell {ABOUT[question]}: {why}{beside}" if why else f"{_head(verdict, conditions)}: {figures}"
    worth = f"weakest evidence that matters: grade {evidence_grade}" if evidence_grade else "no evidence to grade"
    silent = SILENT[question].format(whose="the group's" if scope == GROUP else f"{scope}'s")
    return {
        "scope": scope,
        "question": question,
        "as_of": as_of,
        "verdict": verdict,
        "statement": f"{said} ({worth}); {silent}; {_change(question, verdict, conditions)}.",
        "evidence_grade": evidence_grade,
        "inputs_through": _greatest(row["known_on"] for row in conditions.values() if row["decides"]),
        "grade": _greatest(row["grade"] for row in behind),
        "reason": why,
    }


def _greatest(values: Iterable[Any]) -> Any:
    return max((value for value in values if value is not None), default=None)


def _why(behind: list[Mapping[str, Any]], figures: str) -> str:
    """Why there is no verdict: what forbids one, what is unknown, or that the figures fit none."""
    forbids = [row["statement"].rstrip(".") for row in behind if row["condition"] in VETOES and row["holds"] is False]
    unknown = [row["reason"] or row["statement"].rstrip(".") for row in behind if row["holds"] is None]
    if forbids or unknown:
        parts = dict.fromkeys(part for said in (*forbids, *unknown) for part in said.split("; "))
        return "; ".join(_lower_first(part) for part in parts)
    return (
        f"what is known fits no verdict of the decision table: {figures}" if figures else "no condition of it is known"
    )


def _lower_first(text: str) -> str:
    """A sentence as part of another: its first letter small, unless it begins a name or an abbreviation."""
    return text[:1].lower() + text[1:] if text[1:2].islower() and text[:4] in ("Attr", "The ") else text


def _head(verdict: str, conditions: Conditions) -> str:
    scope = conditions.get("stated_scope_is_wider")
    if scope is None:
        return HEADS[verdict]
    stated, recomputed = (in_words(scope[part], scope["unit"]) for part in ("value", "threshold"))
    return HEADS[verdict].format(stated=stated, recomputed=recomputed)


def _figure(conditions: Conditions, name: str) -> str:
    row = conditions.get(name)
    return in_words(row["value"], row["unit"]) if row else "an unknown figure"


def _figures(
    scope: str, question: str, conditions: Conditions, told: Mapping[str, str], assumptions: Assumptions
) -> str:
    """What was found, in words: the same whether it makes a verdict or not."""
    if question == "Q1":
        return _costs(conditions, assumptions)
    if question == "Q2":
        return _redundant(conditions)
    if question == "Q3":
        return _coverage(scope, conditions)
    if question == "Q4":
        return _market(conditions)
    return "; ".join(
        f"{q} {_said(q.lower(), conditions)}" + (f", as {told[q]}" if told[q] else "") for q in ("Q2", "Q3")
    )


def _costs(conditions: Conditions, assumptions: Assumptions) -> str:
    low, factor = conditions["recomputed_low_within_factor"], assumptions.number("q1_factor")
    claimed = None if low["threshold"] is None else low["threshold"] / factor
    within = {True: "within", False: "more than", None: "not comparable with"}[low["holds"]]
    return (
        f"{low['subject']} recomputes to {in_words(low['value'], 'USD')} at the lowest and "
        f"{_figure(conditions, 'recomputed_high_within_factor')} at the highest rental price observed around it, the "
        f"lowest being {within} {factor:g} times the {in_words(claimed, 'USD')} claimed"
    )


def _redundant(conditions: Conditions) -> str:
    if conditions["redundant_median_at_threshold"]["value"] is None:
        return ""
    median, p95 = conditions["redundant_median_at_threshold"], conditions["redundant_p95_below_threshold"]
    return (
        f"cheaper training makes {in_words(median['value'], 'share')} of capex redundant net of rebound in the median, "
        f"{_figure(conditions, 'redundant_p05')} to {in_words(p95['value'], 'share')} from 5th to 95th percentile "
        f"(below zero it calls for more capex) and {_figure(conditions, 'redundant_gross_median')} before rebound, "
        f"against a threshold of {in_words(median['threshold'], 'share')}"
    )


def _coverage(scope: str, conditions: Conditions) -> str:
    known = [view for view in VIEWS[scope] if conditions[f"coverage_falls_short_{view}"]["value"] is not None]
    if not known:
        return ""
    views = "; ".join(
        f"in the {view.replace('_', '-')} view median coverage is {_figure(conditions, f'coverage_median_{view}')}, "
        f"with probability {_figure(conditions, f'coverage_falls_short_{view}')} it falls short, with "
        f"{_figure(conditions, f'covers_too_late_{view}')} the spend is covered too late and with "
        f"{_figure(conditions, f'covers_in_time_{view}')} in time"
        for view in known
    )
    signals = conditions["no_glut_signal"]
    unknown = f" ({signals['reason']})" if signals["reason"] else ""
    return f"{views}; glut signals triggered: {signals['value']:.0f}{unknown}"


def _market(conditions: Conditions) -> str:
    windows = " and ".join(
        f"{_figure(conditions, f'suppliers_car_below_zero_0_{last}')} over [0, {last}] (p = "
        f"{_figure(conditions, f'suppliers_car_significant_0_{last}')})"
        for last in (1, 60)
    )
    guidance = conditions["buyers_guidance_lower"]
    told = _moved(guidance["value"])
    return (
        f"the suppliers' portfolio had a cumulative abnormal return of {windows}, and the buyers' guidance for the "
        f"running year {told} in two quarters"
    )


def _moved(change_usd: float | None) -> str:
    if change_usd is None:
        return "is not known at both dates"
    if change_usd == 0:
        return "did not change"
    return f"{'rose' if change_usd > 0 else 'fell'} by {in_words(abs(change_usd), 'USD')}"


def _said(question: str, conditions: Conditions) -> str:
    if conditions[f"{question}_looks_wasteful"]["holds"]:
        return "looks wasteful"
    return "is not shown wasteful" if conditions[f"{question}_not_shown_wasteful"]["holds"] else "cannot tell"


def _change(question: str, verdict: str, conditions: Conditions) -> str:
    """What would change it: the drivers that matter most, each at the value where it alone flips the verdict."""
    if verdict == UNDECIDED:
        return TELLS[question]
    if verdict in CHANGES:
        limit = conditions.get("recomputed_low_within_factor", {}).get("threshold")
        return CHANGES[verdict].format(limit=in_words(limit, "USD"))
    if question == "overall":
        return "another verdict on Q2 or Q3 would change it"
    flips = [row for name, row in conditions.items() if name.startswith("flips_at_")][:MOST_FLIPS]
    if flips:
        named = " or ".join(f"{row['quantity']} at {row['value']:.3g}" for row in flips)
        return f"{named}, alone, would change it"
    return "no value of a single driver is known that would change it"


MART = Mart(
    table=TABLE,
    build=build,
    traces=(Trace("marts.verdict_conditions", "t.scope = m.scope and t.question = m.question and t.decides"),),
)
