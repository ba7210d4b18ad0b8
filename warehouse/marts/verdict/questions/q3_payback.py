"""Q3: does the whole spend earn its cost of capital (method 5)?

Attributable revenue is held against what the capital has to bring in each year, in the revenue views that a scope has:
a company sells computing (infrastructure), the group is also seen through what end customers pay, and must get the same
answer in both. Coverage below one is normal early in a build-out, so a shortfall alone shows nothing: a verdict of waste
also needs signs of a glut, and none is given on revenue that is known to be only part of the whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.common.in_words import COUNTS, in_words, listed, odds, percent
from warehouse.marts.common.mart import Trace
from warehouse.marts.common.reasons import CODE, read, reason
from warehouse.marts.common.scopes import GROUP, SCOPES, VIEWS
from warehouse.marts.verdict import simulated
from warehouse.marts.verdict.question import (
    Case,
    Condition,
    Conditions,
    Evidence,
    Figure,
    Question,
    Row,
    Verdict,
    greatest,
)
from warehouse.marts.verdict.simulated import OPENS, Simulated, covered, view_in_words, what_turns_it

# The tests of a revenue view, each by the simulated event that it asks for.
SHORT, LATE, IN_TIME = "coverage_falls_short", "covers_too_late", "covers_in_time"
EVENTS = {
    SHORT: "coverage_below_threshold",
    LATE: "years_exceed_share_of_life",
    IN_TIME: "years_within_share_of_life",
}
MEDIANS = {"coverage": "ratio", "years_to_cover": "years", "remaining_life_years": "years"}
WHOLE = "revenue_is_no_lower_bound"
ENOUGH, NONE = "glut_signals_enough", "no_glut_signal"

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
    for_all = [covered(capex_group, assumptions), *_glut(glut_signals.sort("signal").to_dicts(), assumptions)]
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


def _glut(signals: Sequence[Row], assumptions: Assumptions) -> list[Condition]:
    """How many glut signals are triggered; one without facts is not, and is listed as unknown (method 7)."""
    triggered = [row for row in signals if row["triggered"]]
    unknown = [row["signal"] for row in signals if row["triggered"] is None]
    count: dict[str, Any] = {
        "quantity": "glut_signals",
        "value": float(len(triggered)),
        "unit": "signals",
        "details": {"unknown": unknown} if unknown else {},
        "evidence": Evidence(
            grade=greatest(row["grade"] for row in signals),
            evidence_grade=greatest(row["grade"] for row in triggered),
            known_on=greatest(row["known_on"] for row in signals),
        ),
        "reasons": [reason("signals_unknown", signals=unknown)] if unknown else None,
    }
    needed = float(assumptions.integer("q3_glut_signals"))
    return [
        Condition(kind=ENOUGH, comparison=">=", threshold=needed, **count),
        Condition(kind=NONE, comparison="==", threshold=0.0, **count),
        *(
            Condition(
                kind="glut",
                part=row["signal"],
                quantity=row["signal"],
                value=row["value"],
                comparison=row["comparison"],
                threshold=row["threshold"],
                unit=row["unit"],
                decides=False,
                evidence=Evidence.of(row),
                reasons=row["reasons"] or row["found"],
            )
            for row in signals
        ),
    ]


# ---- Words -----------------------------------------------------------------------------------------------------------

# Signal -> what it is about, and what its figure is.
SIGNALS = {
    "rental_prices": ("rental prices", "yearly decline of rents beyond that of new chips' price per FLOP/s"),
    "idle_fleet": ("idle fleets", "utilisation of the fleet"),
    "falling_backlog": ("backlog", "quarters running in which contracted backlog fell"),
    "impairments": ("impairments", "firms that impaired equipment or shortened its life"),
}
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


def _revenue_that_settles(row: Row) -> str:
    return f"AI revenue of {REVENUE_OF[row['revenue_view']] if row['scope'] == GROUP else row['scope']}"


def _signal(row: Row) -> str:
    _, figure = SIGNALS.get(row["quantity"], ("", row["quantity"].replace("_", " ")))
    return f"the number of {figure}" if row["unit"] in COUNTS else f"the {figure}"


def _signals(row: Row) -> str:
    unknown = row.get("unknown")
    return "the number of glut signals" + (f" ({len(unknown)} unknown: {', '.join(unknown)})" if unknown else "")


def _count(signals: float) -> str:
    return "no glut signal" if not signals else f"{signals:.0f} glut signal" + ("s" if signals > 1 else "")


def _finds(case: Case) -> str:
    """What known revenue covers in each view, and what the glut signals say."""
    known = [row for view in VIEWS[case.scope] if (row := case[f"{SHORT}_{view}"])["value"] is not None]
    if not known:
        return ""
    views = " and ".join(_covers(row["revenue_view"], case) for row in known)
    signals = {name: case.conditions.get(f"glut_{name}") for name in SIGNALS}
    unknown = [SIGNALS[name][0] for name, row in signals.items() if row and row["value"] is None]
    beside = f" ({' and '.join(unknown)} unknown)" if unknown else ""
    return (
        f"known AI revenue covers, of what is required{_without(case.scope, known[0])}, {views}, "
        f"with {_count(case[NONE]['value'])}{beside}"
    )


def _covers(view: str, case: Case) -> str:
    short, late, in_time = (case[f"{kind}_{view}"] for kind in (SHORT, LATE, IN_TIME))
    median = case[f"coverage_median_{view}"]["value"]
    # Old revenue against capex of today covers little of it, and a reader has to see that.
    known_on = case[f"{WHOLE}_{view}"]["known_on"]
    since = f" by revenue published {known_on}" if known_on else ""
    covers = "an unknown part" if median is None else percent(median)
    when = (
        f"in time with {odds(in_time['value'], in_time['threshold'])}"
        if in_time["holds"]
        else f"too late with {odds(late['value'], late['threshold'])}"
    )
    return (
        f"{covers} in the {view_in_words(view)}{since} (below {percent(short['limit'])} with probability "
        f"{odds(short['value'], short['threshold'])}, {when})"
    )


def _without(scope: str, row: Row) -> str:
    """Vintages that are missing in what is required: ` without 2022 (META and MSFT)`, a company's own as years alone."""
    left_out = [fields for each in row["reasons"] or () if (fields := read(each))[CODE] == "capex_left_out"]
    by_year: dict[int, list[str]] = {}
    for vintage in (vintage for fields in left_out[:1] for vintage in fields["vintages"]):
        by_year.setdefault(vintage["year"], []).append(vintage["ticker"])
    years = [
        str(year) if scope != GROUP else f"{year} ({listed(tickers)})" for year, tickers in sorted(by_year.items())
    ]
    return f" without the unknown capex of {listed(years)}" if years else ""


def _briefly(case: Case) -> str:
    known = [f"{percent(row['value'])} in the {_view(row)}" for row in case.of_kind("coverage_median") if row["value"]]
    if not known or not _finds(case):
        return ""
    return f"known AI revenue covers, of what is required, {' and '.join(known)}"


def _between(case: Case) -> str:
    signals, needed = case[NONE]["value"], case[ENOUGH]["threshold"]
    if case.all_hold(SHORT) and case.all_hold(LATE):
        return reason("late_without_glut", signals=signals, needed=needed)
    if case.all_hold(IN_TIME):
        return reason("in_time_with_glut", signals=signals)
    return reason("clear_of_no_threshold")


def _wanting(case: Case) -> str:
    """Where every figure is known, glut signals or other figures are wanting."""
    if case.all_hold(SHORT) and case.all_hold(LATE):
        return f"{_count(case[ENOUGH]['threshold'])}, or AI revenue that covers in time,"
    if case.all_hold(IN_TIME):
        return "an end to the glut signals, or AI revenue that covers too late,"
    return "figures clear of the thresholds"


def _late_without_glut(fields: Mapping[str, Any]) -> str:
    return (
        f"revenue falls short and is late, but {_count(fields['signals'])} is triggered and {fields['needed']:.0f} are "
        "needed"
    )


QUESTION = Question(
    name="Q3",
    asks="Does the spending pay?",
    verdicts={
        "looks_wasteful": Verdict(
            "coverage falls short and is made up for too late in every revenue view, and enough glut signals are triggered",
            ((f"{SHORT}_{{view}}", f"{LATE}_{{view}}", ENOUGH),),
            opens=OPENS["looks_wasteful"],
            changes=what_turns_it,
        ),
        "not_shown_wasteful": Verdict(
            "revenue covers the spend in time in every revenue view, and no glut signal is triggered",
            ((f"{IN_TIME}_{{view}}", NONE),),
            opens=OPENS["not_shown_wasteful"],
            changes=what_turns_it,
        ),
    },
    always=(simulated.COVERED, f"{WHOLE}_{{view}}"),
    conditions=conditions,
    figures=simulated.FIGURES
    | dict.fromkeys(EVENTS, Figure(_tested))
    | {f"{quantity}_median": Figure(lambda row: f"the {NAMED[row['quantity']]} ({_view(row)})") for quantity in MEDIANS}
    | dict.fromkeys((ENOUGH, NONE), Figure(_signals))
    | {
        WHOLE: Figure(
            lambda row: f"whether AI revenue ({_view(row)}) is only a lower bound",
            states=_whole,
            settled_by=_revenue_that_settles,
        ),
        "glut": Figure(_signal),
    },
    about="whether the spend pays",
    finds=_finds,
    briefly=_briefly,
    silent="coverage below 1 early in a build-out is normal, and gains outside revenue are not counted",
    between=_between,
    wanting=_wanting,
    words=simulated.WORDS
    | {
        "signals_unknown": lambda fields: f"unknown, so counted as not triggered: {', '.join(fields['signals'])}",
        "late_without_glut": _late_without_glut,
        "in_time_with_glut": lambda fields: (
            f"revenue covers the spend in time, but {_count(fields['signals'])} is triggered"
        ),
        "clear_of_no_threshold": "the probabilities of paying and of falling short are clear of no threshold",
    },
    traces=(
        *simulated.traces("coverage"),
        Trace(
            "marts.attributable_revenue",
            f"m.kind = '{WHOLE}' and t.scope = m.scope and t.revenue_view = m.revenue_view",
        ),
        Trace("marts.glut_signals", "m.quantity in ('glut_signals', t.signal)"),
    ),
    facts=(simulated.CAPEX, Trace("core.evidence", "t.topic = 'ai_revenue'")),
    narrowed=simulated.NARROWED,
)
