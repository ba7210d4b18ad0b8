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
from warehouse.marts.common.in_words import in_words, percent
from warehouse.marts.common.mart import Trace
from warehouse.marts.common.reasons import reason
from warehouse.marts.common.scopes import GROUP, SCOPES
from warehouse.marts.verdict import simulated
from warehouse.marts.verdict.question import (
    NO_VIEW,
    Case,
    Condition,
    Conditions,
    Evidence,
    Figure,
    Question,
    Row,
    Verdict,
)
from warehouse.marts.verdict.simulated import OPENS, Simulated, covered, what_turns_it

SHARE, GROSS = "redundant_capex_share", "redundant_capex_share_gross"
AT_LEAST = "redundant_share_at_least_threshold"
YEAR = "training_share_is_no_lower_bound"

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


def _finds(case: Case) -> str:
    """How much of capex cheaper training makes redundant, from the middle and the ends of the draws."""
    median, p95 = case["redundant_median_at_threshold"], case["redundant_p95_below_threshold"]["value"]
    limit = median["threshold"]
    if median["value"] is None or p95 is None:
        return ""
    p05, gross = case["redundant_p05"]["value"], case["redundant_gross_median"]["value"]
    low = "" if p05 is None else f"{_more_or_less(p05, limit)} to "
    before = "" if gross is None else f"; before demand responds, {percent(gross, limit)} less"
    return (
        f"{_median(median)} (90 % of draws: {low}{_more_or_less(p95, limit)}{before}), where {percent(limit)} less would "
        "look wasteful"
    )


def _more_or_less(share: float, limit: float) -> str:
    return f"{percent(abs(share), limit)} {'more' if share < 0 else 'less'}"


def _median(row: Row) -> str:
    share, limit = row["value"], row["threshold"]
    if share < 0:
        return f"on these assumptions cheaper training calls for {percent(-share, limit)} more capex, not less"
    return f"on these assumptions cheaper training makes {percent(share, limit)} of capex redundant"


def _silent(case: Case) -> str:
    whose = "the group's" if case.scope == GROUP else f"{case.scope}'s"
    return f"it applies the world's training share to {whose} capex and says nothing of whether the rest pays (Q3)"


QUESTION = Question(
    name="Q2",
    asks="How much capex does it make redundant?",
    verdicts={
        "looks_wasteful": Verdict(
            "the median redundant share, net of demand's response, is at the threshold or above",
            (("redundant_median_at_threshold",),),
            opens=OPENS["looks_wasteful"],
            changes=what_turns_it,
        ),
        "not_shown_wasteful": Verdict(
            "the 95th percentile of the redundant share is below the threshold",
            (("redundant_p95_below_threshold",),),
            opens=OPENS["not_shown_wasteful"],
            changes=what_turns_it,
        ),
    },
    always=(simulated.COVERED, YEAR),
    conditions=conditions,
    figures=simulated.FIGURES
    | {
        YEAR: Figure(
            lambda row: f"whether {_trains(row)} is only a lower bound",
            states=lambda row: f"{_trains(row)} is {'no' if row['holds'] else 'only a'} lower bound",
            settled_by="a finished year of disclosed training and a count of the world's chips",
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
    about="how much capex cheaper training makes redundant",
    finds=_finds,
    briefly=lambda case: _median(case["redundant_median_at_threshold"]) if _finds(case) else "",
    silent=_silent,
    between=lambda case: reason("threshold_between_median_and_p95"),
    wanting="a range clear of the threshold",
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
