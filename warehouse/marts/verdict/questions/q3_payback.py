"""Q3: does the whole spend earn its cost of capital (method 5)?

Attributable revenue is held against what the capital has to bring in each year, in the revenue views that a scope has:
a company sells computing (infrastructure), the group is also seen through what end customers pay, and must get the same
answer in both. Coverage below one is normal early in a build-out, so a shortfall alone shows nothing: a verdict of waste
also needs signs of a glut, and none is given on revenue that is known to be only part of the whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.common.in_words import NAMES, fraction, in_words, listed, under
from warehouse.marts.common.mart import Trace
from warehouse.marts.common.reasons import reason
from warehouse.marts.common.scopes import SCOPES, VIEWS
from warehouse.marts.verdict import glut, simulated
from warehouse.marts.verdict.glut import ENOUGH, NONE
from warehouse.marts.verdict.question import (
    Case,
    Condition,
    Conditions,
    Evidence,
    Figure,
    Question,
    Remedy,
    Row,
    Verdict,
    greatest,
)
from warehouse.marts.verdict.simulated import Simulated, covered, view_in_words

# The tests of a revenue view, each by the simulated event that it asks for.
SHORT, LATE, IN_TIME = "coverage_falls_short", "covers_too_late", "covers_in_time"
EVENTS = {
    SHORT: "coverage_below_threshold",
    LATE: "years_exceed_share_of_life",
    IN_TIME: "years_within_share_of_life",
}
MEDIANS = {"coverage": "ratio", "years_to_cover": "years", "remaining_life_years": "years"}
WHOLE = "revenue_is_no_lower_bound"

# ---- Conditions ------------------------------------------------------------------------------------------------------


def conditions(
    capex_group: pl.DataFrame,
    waste_simulation: pl.DataFrame,
    waste_probabilities: pl.DataFrame,
    waste_sensitivity: pl.DataFrame,
    attributable_revenue: pl.DataFrame,
    glut_signals: pl.DataFrame,
    *,
    assumptions: Assumptions,
) -> Conditions:
    """For each revenue view of the scope: does coverage fall short, and is it made up for in time?"""
    draws = Simulated.of(waste_simulation, waste_probabilities, waste_sensitivity, assumptions)
    for_all = [covered(capex_group, assumptions), *glut.conditions(glut_signals, assumptions)]
    found: dict[str, list[Condition]] = {}
    for scope in SCOPES:
        whole = {view: _whole_revenue(attributable_revenue, scope, view) for view in VIEWS[scope]}
        partial = [view for view, condition in whole.items() if condition.value != 0]
        views = [each for view in VIEWS[scope] for each in _pays(scope, view, draws, partial, assumptions)]
        found[scope] = [*for_all, *views, *whole.values()]
    return found


def _pays(scope: str, view: str, draws: Simulated, partial: list[str], assumptions: Assumptions) -> list[Condition]:
    """The tests of one view, the medians behind them and where each driver turns them.

    `partial` are the views whose revenue is not known to be whole.
    """
    wasteful, pays = assumptions.number("q3_probability_wasteful"), assumptions.number("q3_probability_pays")
    of_life = assumptions.number("q3_share_of_life")
    limits = {SHORT: assumptions.number("q3_coverage"), LATE: of_life, IN_TIME: of_life}
    found = []
    for kind, event in EVENTS.items():
        likely = draws.probabilities.get((scope, view, event), {})
        found.append(
            Condition(
                kind=kind,
                view=view,
                quantity=event,
                value=likely.get("probability"),
                comparison=">=",
                threshold=pays if kind == IN_TIME else wasteful,
                unit="probability",
                details={"limit": limits[kind]},
                **draws.behind(likely, (scope, view, "coverage")),
            )
        )
    for quantity, unit in MEDIANS.items():
        figure = draws.quantiles.get((scope, view, quantity), {})
        found.append(
            Condition(
                kind=f"{quantity}_median",
                view=view,
                quantity=quantity,
                value=figure.get("p50"),
                comparison=">=",
                threshold=1.0 if quantity == "coverage" else None,
                unit=unit,
                decides=False,
                **draws.behind(figure, (scope, view, quantity)),
            )
        )
    # A driver turns the verdict only where that rests on this view alone, and on all of its revenue.
    others = [other for other in VIEWS[scope] if other != view]
    needs = {"needs_views": others, "needs_revenue_of": partial} if others or partial else None
    return [*found, *draws.turning_values(scope, view, "coverage", needs)]


def _whole_revenue(attributable_revenue: pl.DataFrame, scope: str, view: str) -> Condition:
    """Is the view's revenue that of everyone it should hold? An input that is a lower bound decides nothing (method 7)."""
    lines = attributable_revenue.filter((pl.col("scope") == scope) & (pl.col("revenue_view") == view))
    counted = lines.filter("counted")
    lower = bool(lines["is_lower_bound"].any())
    inside = sorted(set(counted["entity"]))
    missing = sorted(set(lines["entity"]) - set(inside)) if lower else []
    return Condition(
        kind=WHOLE,
        view=view,
        quantity="is_lower_bound",
        value=float(lower) if counted.height else None,
        comparison="==",
        threshold=0.0,
        unit="0 or 1",
        entities=inside,
        details={"missing": missing} if missing else {},
        evidence=Evidence(grade=greatest(counted["grade"]), known_on=greatest(counted["known_on"])),
        reasons=None if counted.height else [reason("no_ai_revenue", scope=scope, revenue_view=view)],
    )


# ---- Words -----------------------------------------------------------------------------------------------------------

REVENUE_OF = {"infrastructure": "all who sell the computing", "end_customer": "the whole industry"}
TESTED = {
    SHORT: "that coverage is below {0:g}",
    LATE: "that covering takes more than {1} of the remaining life",
    IN_TIME: "that covering takes at most {1} of the remaining life",
}
NAMED = {
    "coverage": "median coverage of required by attributable revenue",
    "years_to_cover": "median years to cover",
    "remaining_life_years": "median remaining life",
}


def _view(row: Row) -> str:
    return view_in_words(row["revenue_view"])


def _tested(row: Row) -> str:
    limit = row["limit"]
    return f"the probability ({_view(row)}) {TESTED[row['kind']].format(limit, in_words(limit, 'share'))}"


def _whole(row: Row) -> str:
    if row["holds"]:
        return f"AI revenue ({_view(row)}) is no lower bound"
    missing = row.get("missing")
    without = (
        f"none is known of {listed(missing)}"
        if missing
        else f"only the revenue of {listed(row['entities'] or ['none'])} is in it"
    )
    return f"AI revenue ({_view(row)}) is only a lower bound, as {without}"


def _coverages(case: Case) -> list[Row]:
    return [row for row in case.of_kind("coverage_median") if row["value"] is not None]


def _headline(case: Case) -> str:
    known = _coverages(case)
    if not known:
        return f"Whether {_whose(case)} pays cannot be told: no AI revenue of it is known."
    covers = f"Known AI revenue covers {under(max(row['value'] for row in known))} of what {_whose(case)} needs"
    said = {
        "looks_wasteful": "too late, with signs of a glut",
        "not_shown_wasteful": "and makes up for it in time",
    }
    return f"{covers}, {said[case.verdict]}." if case.verdict in said else f"{covers}; growth decides."


def _whose(case: Case) -> str:
    return f"{NAMES[case.scope]}'s spend" if case.group else "the spend"


def _statement(case: Case) -> str:
    if not _coverages(case):
        return "Neither what it earns nor what it would have to earn by now can be compared."
    missing = [NAMES.get(name, name) for row in case.of_kind(WHOLE) for name in row.get("missing") or ()]
    without = f" Nothing is known of {listed(dict.fromkeys(missing))}." if missing else ""
    return f"{_briefly(case)}{without}"


def _briefly(case: Case) -> str:
    known = _coverages(case)
    covers = " and ".join(f"{fraction(row['value'])} in the {_view(row)}" for row in known)
    return f"Known AI revenue covers, of what is required, {covers}." if known else ""


def _remedies(case: Case) -> list[Remedy]:
    if case.is_decided:
        turns = {row["condition"]: False for kind in EVENTS for row in case.of_kind(kind)}
        return simulated.driver_remedies(case, turns)
    views = VIEWS[case.scope]
    pays = {f"{IN_TIME}_{view}": True for view in views} | {f"{LATE}_{view}": False for view in views} | {NONE: True}
    whole = {f"{WHOLE}_{view}": True for view in views}
    if any(row["kind"] == WHOLE for row in (*case.forbidding, *case.unknown)):
        of = "everyone who sells the computing" if case.group is None else NAMES[case.scope]
        return [Remedy(f"AI revenue of {of} that covers in time", pays | whole)]
    if case.all_hold(SHORT) and case.all_hold(LATE):
        return [
            Remedy(glut.count(case[ENOUGH]["threshold"]), {ENOUGH: True}),
            Remedy("AI revenue that covers in time", pays),
        ]
    return [Remedy("AI revenue that covers in time", pays)]


def _between(case: Case) -> str:
    signals, needed = case[NONE]["value"], case[ENOUGH]["threshold"]
    if case.all_hold(SHORT) and case.all_hold(LATE):
        return reason("late_without_glut", signals=signals, needed=needed)
    if case.all_hold(IN_TIME):
        return reason("in_time_with_glut", signals=signals)
    return reason("clear_of_no_threshold")


def _late_without_glut(fields: Mapping[str, Any]) -> str:
    return (
        f"revenue falls short and is late, but {glut.count(fields['signals'])} show and {fields['needed']:.0f} are "
        "needed"
    )


QUESTION = Question(
    name="Q3",
    asks="Does the spending pay?",
    verdicts={
        "looks_wasteful": Verdict(
            "coverage falls short and is made up for too late in every revenue view, and enough glut signals are triggered",
            ((f"{SHORT}_{{view}}", f"{LATE}_{{view}}", ENOUGH),),
        ),
        "not_shown_wasteful": Verdict(
            "revenue covers the spend in time in every revenue view, and no glut signal is triggered",
            ((f"{IN_TIME}_{{view}}", NONE),),
        ),
    },
    always=(simulated.COVERED, f"{WHOLE}_{{view}}"),
    assumes=("life", "discount_rate", "cash_margin", "ai_share", "growth"),
    conditions=conditions,
    figures=simulated.FIGURES
    | dict.fromkeys(EVENTS, Figure(_tested))
    | {f"{quantity}_median": Figure(lambda row: f"the {NAMED[row['quantity']]} ({_view(row)})") for quantity in MEDIANS}
    | dict(glut.FIGURES)
    | {
        WHOLE: Figure(
            lambda row: f"whether AI revenue ({_view(row)}) is only a lower bound",
            states=_whole,
        ),
    },
    headline=_headline,
    statement=_statement,
    remedies=_remedies,
    briefly=_briefly,
    silent="Little coverage early in a build-out is normal, and gains outside revenue are not counted.",
    between=_between,
    words=simulated.WORDS
    | dict(glut.WORDS)
    | {
        "late_without_glut": _late_without_glut,
        "in_time_with_glut": lambda fields: (
            f"revenue covers the spend in time, but {glut.count(fields['signals'])} shows"
        ),
        "clear_of_no_threshold": "the probabilities of paying and of falling short are clear of no threshold",
    },
    traces=(
        *simulated.traces("coverage"),
        Trace(
            "marts.attributable_revenue",
            f"m.kind = '{WHOLE}' and t.scope = m.scope and t.revenue_view = m.revenue_view",
        ),
        glut.TRACE,
    ),
    facts=(simulated.CAPEX, Trace("core.evidence", "t.topic = 'ai_revenue'")),
    narrowed=simulated.NARROWED,
)
