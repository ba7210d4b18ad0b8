"""Q2: if training got cheap, how much of the capital expenditure does that make redundant (method 4)?

Only what buys training can become redundant, and cheaper training may be bought more of. So the figure is the share of
capex that trains, times what is saved, less what demand's response to the lower price takes back. What is saved before
demand responds assumes least and is said first; a negative figure means that cheaper training calls for more capex.

The share that trains is read in several ways that differ by a factor of several (`training_share_readings`), and how demand
for training responds is not identified. Both are drawn, so the figure is wide and the question often open; then the
answer says at which response it would be settled. A company gets the group's share; beside it stands the share from its
own models and fleet where those are known.
"""

from __future__ import annotations

from typing import Any

import polars as pl

from warehouse.asked import ASKED, SILENT
from warehouse.assumptions import Assumptions
from warehouse.marts.common.early import EARLY
from warehouse.marts.common.in_words import in_words, listed, per_cent
from warehouse.marts.common.mart import Trace
from warehouse.marts.common.reasons import CODE, read, reason
from warehouse.marts.common.scopes import SCOPES
from warehouse.marts.verdict import simulated
from warehouse.marts.verdict.question import (
    NO_VIEW,
    Case,
    Condition,
    Conditions,
    Evidence,
    Figure,
    Leaning,
    Question,
    Remedy,
    Row,
    Verdict,
)
from warehouse.marts.verdict.simulated import Simulated, covered

SHARE, GROSS = "redundant_capex_share", "redundant_capex_share_gross"
WITH_EXPERIMENTS = "training_share_with_experiments"
AT_LEAST = "redundant_share_at_least_threshold"
YEAR = "training_share_is_no_lower_bound"
TRAINS = "training_share_drawn"
AT_MEDIAN, BELOW_P95 = "redundant_median_at_threshold", "redundant_p95_below_threshold"
NO_READING = "no reading of the computing that trains has facts"
SETTLES = {
    simulated.COVERED: "filings that cover the group's spend",
    AT_MEDIAN: "a count of the world's chips, or an estimate of inference's share",
}
# On which side of its turning value a driver makes the redundant share smaller.
SMALLER = {
    "share_final": "above",
    "utilisation": "above",
    "fleet": "above",
    "undisclosed_gross_up": "below",
    "inference_share": "above",
    "training_share_readings": "below",
    "efficiency_gain": "below",
    "elasticity": "above",
}
# A reading is no number: it counts or it does not.
READINGS = {
    "below": (
        "a measured split of computing that confirms the count of published models",
        {"bottom_up": 1, "inference": 0},
    ),
    "above": (
        "a measured split of computing that confirms the estimates of inference",
        {"bottom_up": 0, "inference": 1},
    ),
}
NONE = 0.005  # a share that rounds to no per cent

# ---- Conditions ------------------------------------------------------------------------------------------------------


def conditions(
    capex_group: pl.DataFrame,
    training_share: pl.DataFrame,
    training_share_own: pl.DataFrame,
    waste_simulation: pl.DataFrame,
    waste_probabilities: pl.DataFrame,
    waste_sensitivity: pl.DataFrame,
    value_of_information: pl.DataFrame,
    *,
    assumptions: Assumptions,
) -> Conditions:
    """The redundant share against its threshold, and whether capex and training are known well enough to say it."""
    draws = Simulated.of(waste_simulation, waste_probabilities, waste_sensitivity, assumptions)
    for_all = [covered(capex_group, assumptions), _training_year(training_share)]
    own = {row["ticker"]: row for row in training_share_own.sort("year").to_dicts()}
    return {
        scope: [
            *for_all,
            *_redundant(scope, draws, assumptions),
            *_own_share(own.get(scope)),
            *simulated.informing(value_of_information, scope, "Q2"),
        ]
        for scope in SCOPES
    }


def _training_year(training_share: pl.DataFrame) -> Condition:
    """Is there a year of training that is more than a lower bound? The latest such year is the one that counts.

    Without one the bottom-up reading drops out, and the others may still decide.
    """
    known = training_share.sort("year")
    usable = known.filter(~pl.col("is_lower_bound") & pl.col("training_share").is_not_null())
    last = (usable if usable.height else known).tail(1).to_dicts()
    row = last[0] if last else {}
    reasons = None if row else [reason("no_training_compute")]
    if row and not usable.height:
        reasons = row["reasons"] or [reason("only_lower_bounds")]
    # A year that is over and disclosed but has no fleet to stand against is unknown, not a lower bound.
    lower = None if not row else 0.0 if usable.height else 1.0 if row["is_lower_bound"] else None
    return Condition(
        kind=YEAR,
        quantity="is_lower_bound",
        value=lower,
        comparison="==",
        threshold=0.0,
        unit="0 or 1",
        year=row.get("year"),
        decides=False,
        details={"disclosure_rate": row["disclosure_rate"]} if row else {},
        evidence=Evidence(grade=row.get("grade"), known_on=row.get("known_on")),
        reasons=reasons,
    )


def _redundant(scope: str, draws: Simulated, assumptions: Assumptions) -> list[Condition]:
    """The share of capex made redundant, net of demand's response (method 4.5), against its threshold."""
    key, gross_key = (scope, NO_VIEW, SHARE), (scope, NO_VIEW, GROSS)
    net, gross = draws.quantiles.get(key, {}), draws.quantiles.get(gross_key, {})
    likely = draws.probabilities.get((scope, NO_VIEW, AT_LEAST), {})
    trains = draws.quantiles.get((scope, NO_VIEW, WITH_EXPERIMENTS), {})
    threshold = assumptions.number("q2_threshold")
    share: dict[str, Any] = {"threshold": threshold, "unit": "share"}
    of_net: dict[str, Any] = {"quantity": SHARE, **share, **draws.behind(net, key)}
    return [
        Condition(kind="redundant_median_at_threshold", value=net.get("p50"), comparison=">=", **of_net),
        Condition(kind="redundant_p95_below_threshold", value=net.get("p95"), comparison="<", **of_net),
        Condition(kind="redundant_p05", value=net.get("p05"), comparison=">=", decides=False, **of_net),
        Condition(
            kind="redundant_gross_median",
            quantity=GROSS,
            value=gross.get("p50"),
            comparison=">=",
            decides=False,
            **share,
            **draws.behind(gross, gross_key),
        ),
        Condition(
            kind="redundant_probability",
            quantity=AT_LEAST,
            value=likely.get("probability"),
            comparison=">=",
            threshold=0.5,
            unit="probability",
            decides=False,
            details={"share": threshold},
            **draws.behind(likely, key),
        ),
        Condition(
            kind=TRAINS,
            quantity=WITH_EXPERIMENTS,
            value=trains.get("p50"),
            comparison=">=",
            threshold=None,
            unit="share",
            decides=False,
            details={end: trains.get(end) for end in ("p05", "p95")},
            **draws.behind(trains, (scope, NO_VIEW, WITH_EXPERIMENTS)),
        ),
        *draws.turning_values(scope, NO_VIEW, SHARE),
    ]


def _own_share(own: Row | None) -> list[Condition]:
    """A company's share of its own fleet for its own models; a lower bound, and shown beside."""
    if own is None or own["training_share"] is None:
        return []
    return [
        Condition(
            kind="own_training_share",
            quantity="training_share",
            value=own["training_share"],
            comparison=">=",
            threshold=None,
            unit="share",
            decides=False,
            ticker=own["ticker"],
            year=own["year"],
            evidence=Evidence.of(own),
        )
    ]


# ---- Words -----------------------------------------------------------------------------------------------------------


def _trains(row: Row) -> str:
    known = f"{row['year']}, disclosure rate {in_words(row['disclosure_rate'], 'share')}" if row["year"] else ""
    return f"the share of compute that trains models ({known or 'no year known'})"


def _redundant_share(figure: str) -> Figure:
    return Figure(f"the {figure} of the share of capex made redundant, net of demand's response,")


def _headline(case: Case) -> str:
    share, limit = case.value(AT_MEDIAN), case[AT_MEDIAN]["threshold"]
    if share is not None and case.verdict == "looks_wasteful":
        return f"Cheaper training makes {per_cent(share, limit)} of the spend redundant, over the line of {per_cent(limit)}."
    if share is not None and case.verdict == "not_shown_wasteful":
        if share < -NONE:
            return "Cheaper training calls for more spend, not less."
        return f"Cheaper training makes little of the spend redundant: {_none_or(share, limit)}."
    low, high = case.value("redundant_p05"), case.value(BELOW_P95)
    if low is None or high is None or case.forbidding:
        return "How much of the spend cheaper training makes redundant cannot be told yet."
    if low < -NONE:
        return f"Cheaper training may make up to {per_cent(high, limit)} of the spend redundant, or call for more: demand decides."
    ends = f"{per_cent(low, limit)} to {per_cent(high, limit)}"
    return f"Cheaper training makes {ends} of the spend redundant; {per_cent(limit)} would look wasteful."


def _none_or(share: float, limit: float) -> str:
    return "about none" if abs(share) < NONE else per_cent(share, limit)


def _statement(case: Case) -> str:
    """The share that trains, what is saved before demand responds, and what is left of it after."""
    if case.is_as_group:
        return "The world's training share stands in for the company's, so the answer is the group's."
    share, p95, limit = case.value(AT_MEDIAN), case.value(BELOW_P95), case[AT_MEDIAN]["threshold"]
    why = case.open_because()
    opens = f"It is open because {listed(why[:2])}." if why and not case.is_decided else ""
    if share is None or p95 is None:
        return opens or "It was not computed."
    found = [_before_and_after(case, share, limit), _end(case.verdict, share, p95, limit)]
    # What is said of the share that trains gives way to what a reader has to know first.
    first = opens or _early(case) or _trains_between(case)
    return " ".join(each for each in (first, *found) if each)


def _early(case: Case) -> str:
    """That some assumptions count by wide ranges, as their evidence was not public yet (method 5)."""
    found = {read(each)["assumption"] for each in case[AT_MEDIAN]["reasons"] or () if read(each)[CODE] == EARLY}
    if not found:
        return ""
    how_many = f"{len(found)} assumption{'s' * (len(found) > 1)}"
    return f"Wide ranges stand in for {how_many}, whose evidence was not public yet."


def _trains_between(case: Case) -> str:
    row = case.conditions.get(TRAINS, {})
    low, high = row.get("p05"), row.get("p95")
    if low is None or high is None:
        return ""
    if per_cent(low) == per_cent(high):
        return f"Training takes {per_cent(low)} of computing."
    return f"Training takes between {per_cent(low)} and {per_cent(high)} of computing, by how it is counted."


def _before_and_after(case: Case, share: float, limit: float) -> str:
    gross = case.value("redundant_gross_median")
    more = f"calls for {per_cent(-share, limit)} more"
    if gross is None:
        return f"The middle case {more if share < -NONE else f'makes {_none_or(share, limit)} of the spend redundant'}."
    after = f"the middle case {more}" if share < -NONE else f"{_none_or(share, limit)} in the middle case"
    return f"If demand did not respond, {per_cent(gross, limit)} of the spend would be redundant; with its response, {after}."


def _end(verdict: str, share: float, p95: float, limit: float) -> str:
    line = per_cent(limit)
    if verdict == "looks_wasteful":
        return f"Half of the cases are above {per_cent(share, limit)}, where {line} looks wasteful."
    if p95 < NONE:
        return f"Nineteen cases in twenty save nothing, where {line} would look wasteful."
    if p95 < limit:
        return f"Nineteen cases in twenty stay below {per_cent(p95, limit)}, where {line} would look wasteful."
    return f"One case in twenty is above {per_cent(p95, limit)}, where {line} would look wasteful."


def _briefly(case: Case) -> str:
    share, p95, limit = case.value(AT_MEDIAN), case.value(BELOW_P95), case[AT_MEDIAN]["threshold"]
    if share is None or p95 is None:
        return ""
    if case.verdict == "looks_wasteful":
        return f"Cheaper training makes {per_cent(share, limit)} of it redundant, over the line of {per_cent(limit)}"
    line = f"where {per_cent(limit)} would look wasteful"
    if case.verdict == "not_shown_wasteful":
        return f"Cheaper training makes at most {per_cent(max(p95, 0.0), limit)} of it redundant, {line}"
    return f"Cheaper training may make up to {per_cent(p95, limit)} of it redundant, {line}"


def _remedies(case: Case) -> list[Remedy]:
    """What would change a verdict, or give one: values of single drivers, and facts that are missing."""
    likeliest = {AT_MEDIAN: False, BELOW_P95: True}
    missing = [row for row in (*case.forbidding, *case.unknown) if row["kind"] in SETTLES]
    if missing:
        sets = likeliest | {row["condition"]: True for row in missing if row["kind"] == simulated.COVERED}
        return [Remedy(SETTLES[row["kind"]], sets) for row in missing]
    turning = sorted(case.of_kind(simulated.TURNS), key=simulated.distance)
    return simulated.likeliest_first(remedy for row in turning if (remedy := _turned(case, row)) is not None)


def _turned(case: Case, row: Row) -> Remedy | None:
    """What a driver's turning value does: it takes the verdict that is given, or gives the one that it turns."""
    smaller = SMALLER.get(row["quantity"])
    if smaller is None:
        return None
    larger = "below" if smaller == "above" else "above"
    turns = row.get("turns") or "not_shown_wasteful"
    if case.verdict == "looks_wasteful":
        side, sets = smaller, {AT_MEDIAN: False}
    elif case.verdict == "not_shown_wasteful":
        side, sets = larger, {BELOW_P95: False}
    elif turns == "looks_wasteful":
        side, sets = larger, {AT_MEDIAN: True}
    else:
        side, sets = smaller, {BELOW_P95: True}
    driver = row["quantity"]
    words = simulated.beyond(row, side)
    tries: dict[str, Any] = {"driver": driver, "value": row["value"], "assumed": row["threshold"], "side": side}
    if driver == "training_share_readings":
        words, weights = READINGS[side]
        tries = {"assumptions": {driver: weights}}
    return Remedy(words, sets, tries=tries, **simulated.learning(case, driver))


def _leans(case: Case) -> Leaning:
    likely = case.value("redundant_probability")
    return Leaning({} if likely is None else {"looks_wasteful": likely, "not_shown_wasteful": 1 - likely})


QUESTION = Question(
    name="Q2",
    asks=ASKED["Q2"],
    verdicts={
        "looks_wasteful": Verdict(
            "the median redundant share, net of demand's response, is at the threshold or above",
            (("redundant_median_at_threshold",),),
        ),
        "not_shown_wasteful": Verdict(
            "the 95th percentile of the redundant share is below the threshold",
            (("redundant_p95_below_threshold",),),
        ),
    },
    always=(simulated.COVERED,),
    assumes=("share_final", "utilisation", "fleet", "undisclosed_gross_up", "efficiency_gain", "elasticity"),
    conditions=conditions,
    figures=simulated.FIGURES
    | {
        YEAR: Figure(
            lambda row: f"whether {_trains(row)} is only a lower bound",
            states=lambda row: f"{_trains(row)} is {'no' if row['holds'] else 'only a'} lower bound",
        ),
        AT_MEDIAN: Figure(
            "the median share of capex made redundant, net of demand's response,", open_because=NO_READING
        ),
        TRAINS: Figure("the median of the share of computing that trains, with experiments"),
        "redundant_p95_below_threshold": _redundant_share("95th percentile"),
        "redundant_p05": _redundant_share("5th percentile"),
        "redundant_gross_median": Figure("the median share of capex made redundant before demand responds"),
        "redundant_probability": Figure(
            lambda row: f"the probability that at least {in_words(row['share'], 'share')} of capex is made redundant"
        ),
        "own_training_share": Figure(
            lambda row: (
                f"the share of its own fleet's operations of {row['year']} for its disclosed models (a lower bound)"
            )
        ),
    },
    headline=_headline,
    statement=_statement,
    remedies=_remedies,
    briefly=_briefly,
    leans=_leans,
    silent=SILENT["Q2"],
    between=lambda case: reason("threshold_between_median_and_p95"),
    words=simulated.WORDS
    | {
        "no_training_compute": "no training compute is known",
        "only_lower_bounds": "no year is known that is more than a lower bound",
        "threshold_between_median_and_p95": "the threshold lies between the median and the 95th percentile",
    },
    traces=(
        *simulated.traces(SHARE),
        Trace("marts.training_share", f"m.kind = '{YEAR}' and t.year = m.year"),
        Trace("marts.training_share_own", "t.ticker = m.ticker"),
    ),
    facts=(
        simulated.CAPEX,
        Trace("core.ai_models", "t.training_flop is not null"),
        Trace("core.evidence", "t.topic in ('capacity', 'inference')"),
    ),
    narrowed=simulated.NARROWED,
)
