"""Q2: if training got cheap, how much of the capital expenditure does that make redundant (method 4)?

Only what buys training can become redundant, and cheaper training is bought more of. So the figure is the share of capex
that trains, less what demand's response to the lower price takes back: a negative one means that cheaper training calls
for more capex. A company gets the group's share; beside it stands the share from its own models and fleet where those
are known. A year of training whose compute hardly anyone disclosed is a lower bound and decides nothing.
"""

from __future__ import annotations

from typing import Any

import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.common.in_words import in_words, listed, per_cent
from warehouse.marts.common.mart import Trace
from warehouse.marts.common.reasons import reason
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
from warehouse.marts.verdict.simulated import Simulated, covered, driver_remedies

SHARE, GROSS = "redundant_capex_share", "redundant_capex_share_gross"
AT_LEAST = "redundant_share_at_least_threshold"
YEAR = "training_share_is_no_lower_bound"
AT_MEDIAN, BELOW_P95 = "redundant_median_at_threshold", "redundant_p95_below_threshold"
SETTLES = {
    simulated.COVERED: "filings that cover the group's spend",
    YEAR: "a finished year of disclosed training with a count of the world's chips",
}

# ---- Conditions ------------------------------------------------------------------------------------------------------


def conditions(
    capex_group: pl.DataFrame,
    training_share: pl.DataFrame,
    training_share_own: pl.DataFrame,
    waste_simulation: pl.DataFrame,
    waste_probabilities: pl.DataFrame,
    waste_sensitivity: pl.DataFrame,
    *,
    assumptions: Assumptions,
) -> Conditions:
    """The redundant share against its threshold, and whether capex and training are known well enough to say it."""
    draws = Simulated.of(waste_simulation, waste_probabilities, waste_sensitivity, assumptions)
    for_all = [covered(capex_group, assumptions), _training_year(training_share)]
    own = {row["ticker"]: row for row in training_share_own.sort("year").to_dicts()}
    return {scope: [*for_all, *_redundant(scope, draws, assumptions), *_own_share(own.get(scope))] for scope in SCOPES}


def _training_year(training_share: pl.DataFrame) -> Condition:
    """Is there a year of training that is more than a lower bound? The latest such year is the one that counts."""
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
        details={"disclosure_rate": row["disclosure_rate"]} if row else {},
        evidence=Evidence(grade=row.get("grade"), known_on=row.get("known_on")),
        reasons=reasons,
    )


def _redundant(scope: str, draws: Simulated, assumptions: Assumptions) -> list[Condition]:
    """The share of capex made redundant, net of rebound (method 4.5), against its threshold."""
    key, gross_key = (scope, NO_VIEW, SHARE), (scope, NO_VIEW, GROSS)
    net, gross = draws.quantiles.get(key, {}), draws.quantiles.get(gross_key, {})
    likely = draws.probabilities.get((scope, NO_VIEW, AT_LEAST), {})
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
    return Figure(f"the {figure} of the share of capex made redundant, net of rebound,")


def _headline(case: Case) -> str:
    median = case["redundant_median_at_threshold"]
    share, limit = median["value"], median["threshold"]
    if case.verdict == "looks_wasteful":
        return f"Cheaper training makes {per_cent(share, limit)} of the spend redundant, over the line of {per_cent(limit)}."
    if case.verdict == "not_shown_wasteful":
        if share < 0:
            return "Cheaper training calls for more spend, not less."
        return f"Cheaper training makes little of the spend redundant: {per_cent(share, limit)}."
    if share is None:
        return "How much of the spend cheaper training makes redundant cannot be told yet."
    return f"Cheaper training may make too much of the spend redundant; {per_cent(limit)} would look wasteful."


def _statement(case: Case) -> str:
    """The middle and the ends of the draws, and what it was before demand responds."""
    if case.is_as_group:
        return "The world's training share stands in for the company's, so the answer is the group's."
    median, p95 = case["redundant_median_at_threshold"], case["redundant_p95_below_threshold"]["value"]
    share, limit = median["value"], median["threshold"]
    why = case.open_because()
    opens = f"It is open because {listed(why[:2])}." if why and not case.is_decided else ""
    if share is None or p95 is None:
        return opens or "It was not computed."
    gross = case["redundant_gross_median"]["value"]
    middle, low = _more_or_less(share, limit), _more_or_less(p95, limit)
    found = f"In the middle case {middle} is needed; in one case of twenty, {low} or lower."
    before = "" if gross is None else f"If demand did not respond, it would be {_more_or_less(gross, limit)}."
    return " ".join(filter(None, (opens, found, before)))


def _more_or_less(share: float, limit: float) -> str:
    return f"{per_cent(abs(share), limit)} {'more' if share < 0 else 'less'}"


def _briefly(case: Case) -> str:
    share, limit = (case["redundant_median_at_threshold"][part] for part in ("value", "threshold"))
    if share is None:
        return ""
    if share < 0:
        return "Cheaper training calls for more computing, not less."
    return (
        f"Cheaper training makes {per_cent(share, limit)} of it redundant, where {per_cent(limit)} would look wasteful."
    )


def _remedies(case: Case) -> list[Remedy]:
    if case.is_decided:
        turns = {AT_MEDIAN: False} if case.verdict == "looks_wasteful" else {BELOW_P95: False}
        return driver_remedies(case, turns)
    missing = {row["condition"]: True for row in (*case.forbidding, *case.unknown)}
    likeliest = {AT_MEDIAN: False, BELOW_P95: True}
    return [Remedy(SETTLES.get(row["kind"], ""), likeliest | missing) for row in (*case.forbidding, *case.unknown)
            if row["kind"] in SETTLES]  # fmt: skip


def _leans(case: Case) -> Leaning:
    likely = case.value("redundant_probability")
    return Leaning({} if likely is None else {"looks_wasteful": likely, "not_shown_wasteful": 1 - likely})


QUESTION = Question(
    name="Q2",
    asks="How much capex does it make redundant?",
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
    always=(simulated.COVERED, YEAR),
    assumes=("share_final", "utilisation", "fleet", "undisclosed_gross_up", "efficiency_gain", "elasticity"),
    conditions=conditions,
    figures=simulated.FIGURES
    | {
        YEAR: Figure(
            lambda row: f"whether {_trains(row)} is only a lower bound",
            states=lambda row: f"{_trains(row)} is {'no' if row['holds'] else 'only a'} lower bound",
            open_because="no finished year of training is disclosed well enough",
        ),
        "redundant_median_at_threshold": Figure("the median share of capex made redundant, net of rebound,"),
        "redundant_p95_below_threshold": _redundant_share("95th percentile"),
        "redundant_p05": _redundant_share("5th percentile"),
        "redundant_gross_median": Figure("the median share of capex made redundant before any rebound"),
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
    silent="It applies the world's training share to each company and says nothing of whether the rest pays.",
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
        Trace("core.evidence", "t.topic = 'capacity'"),
    ),
    narrowed=simulated.NARROWED,
)
