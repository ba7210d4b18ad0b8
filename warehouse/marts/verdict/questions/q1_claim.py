"""Q1: is the cheap-training claim true, and of what scope (method 2 and 3)?

The claim is that R1 cost less than six million dollars. What can be recomputed is the final run of V3 and, once it was
published, R1's increment, each at rental prices of its time. The article puts the claim for the whole development, which
is another rung of the scope ladder: so the claim can hold for its scope and not as it was put. No answer to this question
alone can show waste.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, NamedTuple

import polars as pl

from warehouse.asked import ASKED, SILENT
from warehouse.assumptions import Assumptions
from warehouse.marts.common.in_words import RUNGS_IN_SHORT, money, moneys
from warehouse.marts.common.mart import Trace
from warehouse.marts.common.reasons import reason
from warehouse.marts.common.scopes import SCOPES
from warehouse.marts.common.select_current import admissible, select_current
from warehouse.marts.verdict.question import (
    Case,
    Condition,
    Conditions,
    Evidence,
    Figure,
    Frames,
    Narrowing,
    Question,
    Remedy,
    Row,
    Verdict,
)
from warehouse.tables.article_claims import TABLE as ARTICLE_CLAIMS
from warehouse.tables.training_runs import SCOPES as RUNGS

# ---- Conditions ------------------------------------------------------------------------------------------------------


class Claim(NamedTuple):
    """What was claimed: the claim itself, and the one that says what it is of; None where it was not made yet."""

    itself: Row | None
    as_stated: Row | None

    @property
    def amount(self) -> float | None:
        try:
            return float(self.itself["value_claimed"]) if self.itself else None
        except (TypeError, ValueError):
            return None

    def rung(self, assumptions: Assumptions) -> str | None:
        """The rung of the scope ladder that the claim as stated is of."""
        spoken = self.as_stated or self.itself
        return assumptions.value("claim_scopes").get(spoken["quantity"]) if spoken else None


def conditions(article_claims: pl.DataFrame, training_cost: pl.DataFrame, *, assumptions: Assumptions) -> Conditions:
    """Is the recomputed low within a factor of the claim, and does the claim speak of the same rung of the ladder?"""
    named = assumptions.value("claim_runs")
    made = {row["claim_id"]: row for row in select_current(admissible(article_claims), ARTICLE_CLAIMS).to_dicts()}
    claim = Claim(made.get(named["claim"]), made.get(named["stated_as"]))
    base, increment = _run(training_cost, named["base"]), _run(training_cost, named["increment"])
    runs = [run for run in (base, increment) if run is not None]
    evidence = Evidence.of(*(row for row in (*runs, claim.itself, claim.as_stated) if row is not None))
    not_made = [] if claim.itself else [reason("claim_not_made", claim_id=named["claim"])]
    found = [
        *_cost(base, runs, claim, not_made, evidence, assumptions),
        *_scope(base, claim, not_made, evidence, assumptions),
    ]
    return dict.fromkeys(SCOPES, found)


def _cost(
    base: Row | None, runs: list[Row], claim: Claim, not_made: list[str], evidence: Evidence, assumptions: Assumptions
) -> list[Condition]:
    named, amount = assumptions.value("claim_runs"), claim.amount
    if base is None:
        unknown = [reason("no_run_with_gpu_hours", model=named["base"])]
    else:
        without = [run for run in runs if run["cost_low_usd"] is None]
        unknown = [each for run in without for each in run["reasons"] or [reason("cost_unknown")]]
    same: dict[str, Any] = {
        "comparison": "<=",
        "threshold": None if amount is None else amount * assumptions.number("q1_factor"),
        "unit": "USD",
        "entities": [run["model"] for run in runs] or [named["base"]],
        "evidence": evidence,
        "reasons": list(dict.fromkeys(unknown)) or not_made,
    }
    low, high = (_sum(runs, f"cost_{end}_usd") if base else None for end in ("low", "high"))
    return [
        Condition(kind="recomputed_low_within_factor", quantity="cost_low_usd", value=low, **same),
        Condition(kind="recomputed_high_within_factor", quantity="cost_high_usd", value=high, decides=False, **same),
    ]


def _scope(
    base: Row | None, claim: Claim, not_made: list[str], evidence: Evidence, assumptions: Assumptions
) -> list[Condition]:
    stated = claim.rung(assumptions)
    same: dict[str, Any] = {
        "quantity": "scope_of_the_claim",
        "value": RUNGS.index(stated) if stated else None,
        "threshold": RUNGS.index(base["cost_scope"]) if base else None,
        "unit": "rung",
        "evidence": evidence,
        "reasons": None if stated else not_made or [reason("claim_names_no_scope")],
    }
    return [
        Condition(kind="stated_scope_is_recomputed_scope", comparison="==", **same),
        Condition(kind="stated_scope_is_wider", comparison=">", **same),
    ]


def _run(training_cost: pl.DataFrame, model: str) -> Row | None:
    """The whole run of that name, never a component of it; the one with most hours where there are several."""
    whole = training_cost.filter(
        (pl.col("model") == model) & ~pl.col("is_component").fill_null(False) & pl.col("gpu_hours").is_not_null()
    )
    best = whole.sort("gpu_hours", "run_id", descending=[True, False]).head(1).to_dicts()
    return best[0] if best else None


def _sum(rows: list[Row], name: str) -> float | None:
    return None if any(row[name] is None for row in rows) else sum(row[name] for row in rows)


# ---- Words -----------------------------------------------------------------------------------------------------------


def _runs(row: Row) -> str:
    return " plus ".join(row["entities"])


def _rung(row: Row, part: str) -> str:
    """The rung of the ladder that the claim covers (`value`) or that was recomputed (`threshold`), in short."""
    return RUNGS_IN_SHORT[RUNGS[int(row[part])]]


def _headline(case: Case) -> str:
    scope, factor = case["stated_scope_is_wider"], f"{case.assumptions.number('q1_factor'):g}"
    if case.verdict == "claim_holds":
        return f"The cheap-training claim holds: the cost is within {factor} times what was claimed."
    if case.verdict == "claim_holds_for_its_scope":
        return f"The cheap-training claim holds for {_rung(scope, 'threshold')}, not for {_rung(scope, 'value')}."
    if case.verdict == "claim_fails":
        return f"The cheap-training claim fails: the cost is over {factor} times what was claimed."
    return "Whether training was as cheap as claimed cannot be told yet."


def _statement(case: Case) -> str:
    """What the runs cost, against what was claimed; and what the claim as put covers beyond that."""
    if case.is_as_group:
        return "The claim is about one model, so the answer is the same for every company."
    low, high = case["recomputed_low_within_factor"], case["recomputed_high_within_factor"]["value"]
    if low["value"] is None:
        return f"What is missing: {_missing(case)}."
    cost = f"at least {money(low['value'], low['threshold'])}" if high is None else moneys(low["value"], high)
    found = f"At rental prices of the time, the training runs behind it cost {cost}"
    if low["threshold"] is None:
        return f"{found}. Nothing was claimed yet to hold that against."
    scope = case["stated_scope_is_wider"]
    wider = f" As it was put, it covers {_rung(scope, 'value')}, which costs more." if scope["holds"] else ""
    return f"{found}; the claim was {money(low['threshold'] / case.assumptions.number('q1_factor'))}.{wider}"


def _missing(case: Case) -> str:
    """The part that is not known, as all other parts are."""
    low = case["recomputed_low_within_factor"]
    if low["value"] is None:
        hours = "the run's hours of computing and rental prices of its time"
        return f"the claim, {hours}" if low["threshold"] is None else hours
    return "the claim itself" if low["threshold"] is None else "a claim whose scope is known"


def _remedies(case: Case) -> list[Remedy]:
    """Another cost, or another reading of the claim."""
    low, scope = case["recomputed_low_within_factor"], case["stated_scope_is_wider"]
    limit = money(low["threshold"])
    as_stated = {"stated_scope_is_recomputed_scope": True, "stated_scope_is_wider": False}
    wider = {"stated_scope_is_recomputed_scope": False, "stated_scope_is_wider": True}
    fits = {"recomputed_low_within_factor": True}
    if case.verdict == "claim_fails":
        return [
            Remedy(
                f"rental prices that bring the lowest cost down to {limit}",
                fits | wider,
                tries={"cost": low["threshold"], "now": low["value"]},
            )
        ]
    if not case.is_decided:
        return [Remedy(_missing(case), fits | as_stated, tries={"facts": "all"})]
    dearer = Remedy(
        f"a lowest cost above {limit}",
        {"recomputed_low_within_factor": False},
        tries={"cost": low["threshold"], "now": low["value"]},
    )
    if case.verdict == "claim_holds":
        return [dearer, Remedy("a wider reading of the claim", wider, tries={"scope": "wider"})]
    return [dearer, Remedy(f"a claim put for {_rung(scope, 'threshold')} alone", as_stated, tries={"scope": "same"})]


# ---- What the timeline leaves out ------------------------------------------------------------------------------------


def _of_claim(frames: Frames, assumptions: Assumptions) -> Frames:
    """The runs that the claim is recomputed from, and the offers that can price them."""
    named = assumptions.value("claim_runs")
    runs = frames["training_runs"].filter(pl.col("model").is_in([named["base"], named["increment"]]))
    days = timedelta(days=assumptions.integer("price_window_days"))
    first, last = runs["published"].min(), runs["published"].max()
    if not (isinstance(first, date) and isinstance(last, date)):
        return {"training_runs": runs, "offers": frames["offers"].clear()}
    offers = frames["offers"].filter(pl.col("observed_on").is_between(first - days, last + days))
    return {"training_runs": runs, "offers": offers}


def _named(path: str) -> str:
    """SQL: a run or claim that the assumptions behind these marts name."""
    return f"(select a.value->>'$.{path}' from marts.assumptions a where a.key = 'claim_runs')"


QUESTION = Question(
    name="Q1",
    asks=ASKED["Q1"],
    verdicts={
        "claim_holds": Verdict(
            "the recomputed low is within the factor, and the claim as stated is of the scope that was recomputed",
            (("recomputed_low_within_factor", "stated_scope_is_recomputed_scope"),),
        ),
        "claim_holds_for_its_scope": Verdict(
            "the recomputed low is within the factor, but the claim as stated covers more than that scope",
            (("recomputed_low_within_factor", "stated_scope_is_wider"),),
        ),
        "claim_fails": Verdict(
            "the recomputed low is beyond the factor",
            (("not recomputed_low_within_factor",),),
        ),
    },
    conditions=conditions,
    figures={
        "recomputed_low_within_factor": Figure(
            lambda row: f"the lowest recomputed cost of {_runs(row)}", subject=_runs
        ),
        "recomputed_high_within_factor": Figure(
            lambda row: f"the highest recomputed cost of {_runs(row)}", subject=_runs
        ),
        "stated_scope_is_recomputed_scope": Figure("the scope that the claim as stated covers"),
        "stated_scope_is_wider": Figure("the scope that the claim as stated covers"),
    },
    headline=_headline,
    statement=_statement,
    remedies=_remedies,
    silent=SILENT["Q1"],
    words={
        "no_run_with_gpu_hours": "no training run of {model} with its GPU-hours is known",
        "cost_unknown": "its cost is unknown",
        "claim_not_made": "claim {claim_id} was not made yet",
        "claim_names_no_scope": "the claim names no scope",
    },
    traces=(
        Trace(
            "marts.training_cost",
            "t.gpu_hours is not null and not coalesce(t.is_component, false) "
            f"and t.model in ({_named('base')}, {_named('increment')})",
        ),
        Trace("core.article_claims", f"t.claim_id in ({_named('claim')}, {_named('stated_as')})"),
    ),
    facts=(
        Trace("core.article_claims", f"t.claim_id in ({_named('claim')}, {_named('stated_as')})"),
        Trace("core.training_runs", f"t.model in ({_named('base')}, {_named('increment')})"),
    ),
    narrowed={"training_cost": Narrowing(facts=_of_claim)},
)
