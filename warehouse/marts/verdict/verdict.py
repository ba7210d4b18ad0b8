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
from warehouse.marts.common.mart import Mart, Trace
from warehouse.marts.common.scopes import GROUP, SCOPES, VIEWS
from warehouse.marts.payback.waste import LEFT_OUT, SO_FAR
from warehouse.marts.verdict.decision import ALWAYS, QUESTIONS, UNDECIDED, VERDICTS, decide, rules
from warehouse.marts.verdict.verdict_conditions import WINDOWS, after_event, apart, in_words, listed, odds
from warehouse.tables.table import GRADES, Check, Column, mart

Conditions = Mapping[str, Mapping[str, Any]]
VETOES = {name for names in ALWAYS.values() for name in names} | {
    f"revenue_is_no_lower_bound_{view}" for views in VIEWS.values() for view in views
}
TESTS_OF_A_VIEW = ("coverage_falls_short", "covers_too_late", "covers_in_time")
MOST_FLIPS = 2  # drivers named in a sentence, those that have to move least; all of them are in the conditions
NOTES = (LEFT_OUT, SO_FAR)  # stand beside a simulated figure and are no reason for what is missing

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
    "claim_holds": "The claim holds within a factor of {factor}",
    "claim_holds_for_its_scope": "The claim holds within a factor of {factor}, but only for {recomputed} and not for "
    "{stated}, as it was put",
    "claim_fails": "The claim fails",
    "market_said_waste": "The market said waste",
    "market_did_not_say_waste": "The market did not say waste",
    "looks_wasteful": "Looks wasteful on these facts",
    "not_shown_wasteful": "Not shown wasteful",
}
SILENT = {
    "Q1": "it leaves out research, failed runs, staff and hardware, and alone cannot show waste",
    "Q2": "it applies the world's training share to {whose} capex and says nothing of whether the rest pays (Q3)",
    "Q3": "coverage below 1 early in a build-out is normal, and gains outside revenue are not counted",
    "Q4": "it says what others believed, not what is true, and can only corroborate",
    "overall": "it rests on Q2 and Q3 alone and judges no single project",
}
TELLS = {
    "Q1": "the claim, the run's GPU-hours and rental prices of its time",
    "Q2": "a range clear of the threshold",
    "Q3": "figures clear of the thresholds",
    "Q4": "prices over both windows and guidance for one year at both dates that point one way",
    "overall": "a verdict on both, or either of them looking wasteful,",
}
# What would tell where one of these conditions is what forbids a verdict.
TELLS_INSTEAD = {
    "facts_cover_group_capex": "filings that cover the group's capex",
    "training_share_is_no_lower_bound": "a finished year of disclosed training and a count of the world's chips",
    "revenue_is_no_lower_bound_infrastructure": "AI revenue of all who sell the computing",
    "revenue_is_no_lower_bound_end_customer": "AI revenue of the whole industry",
}
CHANGES = {
    "claim_holds": "a lowest cost above {limit}, or a wider reading of the claim, would change it",
    "claim_holds_for_its_scope": "a lowest cost above {limit}, or a claim put for that scope alone, would change it",
    "claim_fails": "rental prices of the time that bring the lowest cost to {limit} would change it",
    "market_said_waste": "guidance that is kept would change it",
    "market_did_not_say_waste": "only corrected prices or guidance could change it, as the event is past",
}
SIGNALS = {
    "rental_prices": "rental prices",
    "idle_fleet": "idle fleets",
    "falling_backlog": "backlog",
    "impairments": "impairments",
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
            figures = _figures(scope, question, known, told, assumptions) if known else ""
            row = _row(scope, question, found, known, figures, as_of, assumptions)
            told[question] = row["reason"] or _short(question, known, figures)
            rows.append(row)
    return pl.DataFrame(rows, schema=dict(TABLE.polars_schema))


def _row(
    scope: str,
    question: str,
    found: Mapping[str, Any],
    conditions: Conditions,
    figures: str,
    as_of: date,
    assumptions: Assumptions,
) -> dict[str, Any]:
    verdict = found["verdict"]
    behind = [conditions[name] for name in found["rests_on"] if name in conditions]
    evidence_grade = _greatest(row["evidence_grade"] for row in behind)
    why = _why(question, behind, conditions) if verdict == UNDECIDED else None
    said = (
        f"Cannot tell {ABOUT[question]}: {_undecided(question, why, figures, behind)}"
        if why
        else f"{_head(verdict, conditions, assumptions)}: {figures}"
    )
    worth = f"weakest evidence: grade {evidence_grade}" if evidence_grade else "no evidence to grade"
    silent = SILENT[question].format(whose="the group's" if scope == GROUP else f"{scope}'s")
    return {
        "scope": scope,
        "question": question,
        "as_of": as_of,
        "verdict": verdict,
        "statement": f"{said} ({worth}); {silent}; {_change(scope, question, verdict, conditions, behind)}.",
        "evidence_grade": evidence_grade,
        "inputs_through": _greatest(row["known_on"] for row in conditions.values() if row["decides"]),
        "grade": _greatest(row["grade"] for row in behind),
        "reason": why,
    }


def _greatest(values: Iterable[Any]) -> Any:
    return max((value for value in values if value is not None), default=None)


def _undecided(question: str, why: str, figures: str, behind: list[Mapping[str, Any]]) -> str:
    """Why there is no verdict, and what was found all the same."""
    if question == "overall":
        forbids = [f"{_lower_first(row['statement'].rstrip('.'))}; " for row in _forbidding(behind)]
        return "".join(forbids) + (figures or why)
    return why + (f"; so far, {figures}" if figures else "")


def _forbidding(behind: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Conditions that every verdict of the question needs and that do not hold."""
    return [row for row in behind if row["condition"] in VETOES and row["holds"] is False]


def _why(question: str, behind: list[Mapping[str, Any]], conditions: Conditions) -> str:
    """Why there is no verdict: what forbids one, what is unknown, or between which thresholds the figures lie."""
    forbids = [row["statement"].rstrip(".") for row in _forbidding(behind)]
    unknown = [row["reason"] or row["statement"].rstrip(".") for row in behind if row["holds"] is None]
    if not forbids and not unknown:
        return _between(question, conditions) if conditions else "no condition of it is known"
    parts = dict.fromkeys(
        part for said in (*forbids, *unknown) for part in said.split("; ") if not part.startswith(NOTES)
    )
    return "; ".join(_lower_first(part).replace(f" of {GROUP} ", " of the group ") for part in parts)


def _between(question: str, conditions: Conditions) -> str:
    """What is known, where it fits no verdict of the decision table."""
    if question == "Q2":
        return "the threshold lies between the median and the 95th percentile"
    if question == "Q3":
        short, late, in_time = (
            all(row["holds"] for name, row in conditions.items() if name.startswith(test)) for test in TESTS_OF_A_VIEW
        )
        signals, needed = conditions["no_glut_signal"]["value"], conditions["glut_signals_enough"]["threshold"]
        if short and late:
            return f"revenue falls short and is late, but {_count(signals)} is triggered and {needed:.0f} are needed"
        if in_time:
            return f"revenue covers the spend in time, but {_count(signals)} is triggered"
        return "the probabilities of paying and of falling short are clear of no threshold"
    if question == "Q4":
        kept = conditions["suppliers_car_significant_0_60"]["holds"]
        return (
            "the suppliers' loss lasted, but the buyers did not guide lower"
            if kept
            else "the suppliers' loss did not last, but the buyers guided lower"
        )
    return "what is known fits no verdict of the decision table"


def _count(signals: float) -> str:
    return "no glut signal" if not signals else f"{signals:.0f} glut signal" + ("s" if signals > 1 else "")


def _lower_first(text: str) -> str:
    """A sentence as part of another: its first letter small, unless it begins a name or an abbreviation."""
    return text[:1].lower() + text[1:] if text[1:2].islower() and text[:4] in ("Attr", "The ") else text


def _head(verdict: str, conditions: Conditions, assumptions: Assumptions) -> str:
    scope = conditions.get("stated_scope_is_wider")
    if scope is None:
        return HEADS[verdict]
    stated, recomputed = (in_words(scope[part], scope["unit"]) for part in ("value", "threshold"))
    factor = f"{assumptions.number('q1_factor'):g}"
    return HEADS[verdict].format(stated=stated, recomputed=recomputed, factor=factor)


def _usd(value: float | None, digits: str = "") -> str:
    """Three digits are as many as such figures bear: `7.19 million USD`; with `#` also where they are zeros."""
    if value is None:
        return "an unknown amount"
    size, name = (1e9, "billion") if abs(value) >= 1e9 else (1e6, "million")
    return f"{value / size:{digits}.3g} {name} USD"


def _span(low: float, high: float) -> str:
    """`7.19 to 11.6 million USD`."""
    first, last = _usd(low, digits="#"), _usd(high, digits="#")
    unit = last.partition(" ")[2]
    return f"{first.removesuffix(' ' + unit)} to {last}" if first.endswith(unit) else f"{first} to {last}"


def _percent(share: float, limit: float | None = None) -> str:
    """A share for a sentence: whole percents, one decimal below ten, more where it would look like the limit."""
    percent = 100 * share
    digits = 0 if abs(percent) >= 10 or percent == 0 else 1
    return f"{apart(percent, None if limit is None else 100 * limit, digits)} %"


def _figures(
    scope: str, question: str, conditions: Conditions, told: Mapping[str, str], assumptions: Assumptions
) -> str:
    """What was found, in words: the same whether it makes a verdict or not; empty where nothing was."""
    if question == "Q1":
        return _costs(conditions, assumptions)
    if question == "Q2":
        return _redundant(conditions)
    if question == "Q3":
        return _coverage(scope, conditions, assumptions)
    if question == "Q4":
        return _market(conditions, assumptions)
    return ", and ".join(
        f"{q} {_said(q.lower(), conditions)}" + (f" ({told[q]})" if told[q] else "") for q in ("Q2", "Q3")
    )


def _costs(conditions: Conditions, assumptions: Assumptions) -> str:
    low, factor = conditions["recomputed_low_within_factor"], assumptions.number("q1_factor")
    if low["value"] is None:
        return ""
    claimed = "" if low["threshold"] is None else f", against {_usd(low['threshold'] / factor)} claimed"
    beyond = f", more than {factor:g} times as much" if low["holds"] is False else ""
    high = conditions["recomputed_high_within_factor"]["value"]
    upwards = f"{_usd(low['value'])} or more" if high is None else _span(low["value"], high)
    return f"{low['subject']} cost {upwards} at rental prices of the time{claimed}{beyond}"


def _redundant(conditions: Conditions) -> str:
    median, p95 = conditions["redundant_median_at_threshold"], conditions["redundant_p95_below_threshold"]
    p05, gross = conditions["redundant_p05"]["value"], conditions["redundant_gross_median"]["value"]
    share, limit = median["value"], median["threshold"]
    if share is None or p95["value"] is None:
        return ""
    low = "" if p05 is None else f"{_percent(abs(p05), limit)} {'more' if p05 < 0 else 'less'} to "
    high = f"{_percent(abs(p95['value']), limit)} {'more' if p95['value'] < 0 else 'less'}"
    before = "" if gross is None else f"; before demand responds, {_percent(gross, limit)} less"
    return (
        f"{_short('Q2', conditions, 'known')} (90 % of draws: {low}{high}{before}), where {_percent(limit)} less would look "
        "wasteful"
    )


def _short(question: str, conditions: Conditions, figures: str) -> str:
    """What was found in fewer words, where another sentence takes it up; `figures` is the whole of it."""
    if not figures or question not in ("Q2", "Q3"):
        return figures
    if question == "Q3":
        medians = {name: row for name, row in conditions.items() if name.startswith("coverage_median_")}
        known = [f"{_percent(row['value'])} in the {_view(name)}" for name, row in medians.items() if row["value"]]
        return f"known AI revenue covers, of what is required, {' and '.join(known)}" if known else ""
    share, limit = (conditions["redundant_median_at_threshold"][part] for part in ("value", "threshold"))
    if share < 0:
        return f"on these assumptions cheaper training calls for {_percent(-share, limit)} more capex, not less"
    return f"on these assumptions cheaper training makes {_percent(share, limit)} of capex redundant"


def _view(condition: str) -> str:
    return "end-customer view" if condition.endswith("end_customer") else "infrastructure view"


def _coverage(scope: str, conditions: Conditions, assumptions: Assumptions) -> str:
    known = [view for view in VIEWS[scope] if conditions[f"coverage_falls_short_{view}"]["value"] is not None]
    if not known:
        return ""
    views = " and ".join(_covered(view, conditions, assumptions) for view in known)
    signals = conditions["no_glut_signal"]
    unknown = [SIGNALS[name] for name in SIGNALS if (row := conditions.get(f"glut_{name}")) and row["value"] is None]
    beside = f" ({' and '.join(unknown)} unknown)" if unknown else ""
    without = _left_out(scope, conditions[f"coverage_falls_short_{known[0]}"]["reason"])
    return f"known AI revenue covers, of what is required{without}, {views}, with {_count(signals['value'])}{beside}"


def _left_out(scope: str, reason: str | None) -> str:
    """Vintages that are missing in what is required: ` without 2022 (META and MSFT)`, a company's own as years alone."""
    named = [part for part in (reason or "").split("; ") if part.startswith(LEFT_OUT)]
    years: dict[str, list[str]] = {}
    for ticker, year in (name.split() for name in (named[0].partition(": ")[2].split(", ") if named else ())):
        years.setdefault(year, []).append(ticker)
    told = [year if scope != GROUP else f"{year} ({listed(tickers)})" for year, tickers in sorted(years.items())]
    return f" without the unknown capex of {listed(told)}" if told else ""


def _covered(view: str, conditions: Conditions, assumptions: Assumptions) -> str:
    short, late, in_time = (
        conditions[f"{name}_{view}"] for name in ("coverage_falls_short", "covers_too_late", "covers_in_time")
    )
    median = conditions[f"coverage_median_{view}"]["value"]
    # Old revenue against capex of today covers little of it, and a reader has to see that.
    known_on = conditions[f"revenue_is_no_lower_bound_{view}"]["known_on"]
    since = f" by revenue told {known_on}" if known_on else ""
    covers = "an unknown part" if median is None else _percent(median)
    when = (
        f"in time with {odds(in_time['value'], in_time['threshold'])}"
        if in_time["holds"]
        else f"too late with {odds(late['value'], late['threshold'])}"
    )
    return (
        f"{covers} in the {_view(view)}{since} (below "
        f"{_percent(assumptions.number('q3_coverage'))} with probability {odds(short['value'], short['threshold'])}, {when})"
    )


def _market(conditions: Conditions, assumptions: Assumptions) -> str:
    windows = [
        _abnormal(
            last, conditions[f"suppliers_car_below_zero_0_{last}"], conditions[f"suppliers_car_significant_0_{last}"]
        )
        for _, last in WINDOWS
    ]
    lost = " and ".join(filter(None, windows))
    guidance = conditions["buyers_guidance_lower"]
    told = (
        ""
        if guidance["value"] is None
        else f"the guidance of {guidance['subject']} for the year {_moved(guidance['value'])} in {after_event(assumptions)}"
    )
    return ", and ".join(filter(None, (f"the suppliers' portfolio {lost}" if lost else "", told)))


def _abnormal(last: int, returns: Mapping[str, Any], test: Mapping[str, Any]) -> str:
    """A window of the suppliers' portfolio: what it lost beyond the market, and whether that is beyond chance."""
    if returns["value"] is None or test["value"] is None:
        return ""
    did = "lost" if returns["value"] < 0 else "gained"
    beyond = " beyond the market" if last == WINDOWS[0][1] else ""
    chance = "" if test["holds"] else ", within chance"
    return (
        f"{did} {_percent(abs(returns['value']))}{beyond} over trading days 0 to {last} "
        f"(p {_p(test['value'], test['threshold'])}{chance})"
    )


def _p(value: float, limit: float) -> str:
    said = odds(value, limit)
    return said if said[0].isalpha() else f"= {said}"


def _moved(change_usd: float) -> str:
    if change_usd == 0:
        return "did not change"
    return f"{'rose' if change_usd > 0 else 'fell'} by {_usd(abs(change_usd))}"


def _said(question: str, conditions: Conditions) -> str:
    if conditions[f"{question}_looks_wasteful"]["holds"]:
        return "looks wasteful"
    return "is not shown wasteful" if conditions[f"{question}_not_shown_wasteful"]["holds"] else "cannot tell"


def _change(scope: str, question: str, verdict: str, conditions: Conditions, behind: list[Mapping[str, Any]]) -> str:
    """What would change it: the drivers that matter most, each at the value where it alone flips the verdict."""
    if verdict == UNDECIDED:
        unknown = [row for row in behind if row["holds"] is None]
        instead = [_instead(scope, row["condition"]) for row in (*_forbidding(behind), *unknown)]
        told = " and ".join(dict.fromkeys(filter(None, instead)))
        return f"{told or _clearer(question, conditions) or TELLS[question]} would tell"
    if verdict in CHANGES:
        limit = conditions.get("recomputed_low_within_factor", {}).get("threshold")
        return CHANGES[verdict].format(limit=_usd(limit))
    if question == "overall":
        return "another verdict on Q2 or Q3 would change it"
    flips = sorted((row for name, row in conditions.items() if name.startswith("flips_at_")), key=_distance)[
        :MOST_FLIPS
    ]
    if flips:
        return f"{' or '.join(row['subject'] for row in flips)} (median assumed), alone, would change it"
    return "no value of a single driver is known that would change it"


def _instead(scope: str, condition: str) -> str | None:
    """What would tell where a condition forbids a verdict or is unknown."""
    if scope != GROUP and condition.startswith("revenue_is_no_lower_bound"):
        return f"AI revenue of {scope}"
    return TELLS_INSTEAD.get(condition)


def _clearer(question: str, conditions: Conditions) -> str | None:
    """What is wanting: of Q1 the part that is not known; of Q3, where all is known, signals and figures that agree."""
    if question == "Q1" and (low := conditions.get("recomputed_low_within_factor")):
        if low["value"] is None:
            return None if low["threshold"] is None else "the run's GPU-hours and rental prices of its time"
        return "the claim itself" if low["threshold"] is None else "a claim whose scope is known"
    if question != "Q3":
        return None
    short, late, in_time = (
        all(row["holds"] for name, row in conditions.items() if name.startswith(test)) for test in TESTS_OF_A_VIEW
    )
    if short and late:
        needed = conditions["glut_signals_enough"]["threshold"]
        return f"{_count(needed)}, or AI revenue that covers in time,"
    return "an end to the glut signals, or AI revenue that covers too late," if in_time else None


def _distance(flip: Mapping[str, Any]) -> float:
    """How far a driver is from turning the verdict, over what is assumed of it."""
    assumed = flip["threshold"]
    return abs(flip["value"] / assumed - 1) if assumed else float("inf")


MART = Mart(
    table=TABLE,
    build=build,
    traces=(Trace("marts.verdict_conditions", "t.scope = m.scope and t.question = m.question and t.decides"),),
)
