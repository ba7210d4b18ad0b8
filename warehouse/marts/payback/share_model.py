"""The model of Q2: the share of computing that trains, and what of it cheaper training makes redundant.

Nobody publishes what share of the world's computing trains. Three readings of it exist, and they differ by a factor of
several, so none of them decides alone:

- `bottom_up`: what the models published in a year took to train, over what the world's chips can do in it. The numerator
  is the world's, so the denominator is too; the share is the same for every company.
- `inference`: one less the share that serves users, from published estimates. Each is uniform from its low to its high,
  and all count the same.
- `lab_split`: what one lab says it spent on research and training. It is shown and not drawn from, because a lab buys
  more training than a fleet carries.

The simulation draws from the equal mixture of the first two, as far as facts are known for them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from warehouse.assumptions import Assumptions, Distribution
from warehouse.marts.common.reasons import reason
from warehouse.marts.common.scopes import GROUP
from warehouse.marts.payback.draws import Driver, Mixture
from warehouse.marts.payback.formulas import SHARE_QUANTITIES
from warehouse.marts.payback.model import NO_VIEW, Facts, Model, driver, newest, weakest

WASTEFUL, NOT_SHOWN, UNDECIDED = "looks_wasteful", "not_shown_wasteful", "cannot_tell"
VERDICT_MEANINGS = {
    WASTEFUL: "much of the spending is redundant",
    NOT_SHOWN: "it is not shown to be redundant",
    UNDECIDED: "the facts leave it open",
}
# What a model asks of the evidence.
BEHIND = ("evidence_id", "fact_id", "metric", "value", "value_low", "value_high", "grade", "known_on")
BOTTOM_UP, INFERENCE, LAB_SPLIT = "bottom_up", "inference", "lab_split"
DRAWN = (BOTTOM_UP, INFERENCE)
INFERENCE_METRIC = "inference_share_of_compute"
LAB_METRICS = ("rd_compute_spend", "compute_spend_total")  # research and training, over all that was computed


def share_model(
    training_share: pl.DataFrame,
    behind: Facts,
    assumptions: Assumptions,
    *,
    weights: Mapping[str, float] | None = None,
) -> Model:
    """The mixture of the readings that have facts, with the drivers of method 4.2 to 4.5.

    `weights` of the readings take the place of the assumed ones, so that each can be looked at alone.
    """
    row = usable_year(training_share)
    weights = assumptions.value("training_share_readings") if weights is None else weights
    estimates = inference_estimates(behind, assumptions)
    known = {BOTTOM_UP: row is not None, INFERENCE: bool(estimates)}
    counted = {name: weights.get(name, 0) for name in DRAWN if known[name] and weights.get(name, 0) > 0}
    no_year = _no_year(training_share)
    missing: dict[str, str] = {}
    if BOTTOM_UP not in counted:
        missing["training_share"] = no_year if row is None else reason("reading_has_no_weight")
    if not counted:
        why = reason("no_reading_of_training", because=[no_year] if row is None else [])
        return Model(GROUP, NO_VIEW, reasons={**dict.fromkeys(SHARE_QUANTITIES, why), **missing})
    drivers: list[Driver] = []
    notes: list[str] = []
    if row is not None and BOTTOM_UP in counted:
        drivers += _bottom_up(row, behind, assumptions)
        notes.append(reason("training_of_year", year=row["year"], disclosure_rate=row["disclosure_rate"]))
    elif row is None:
        notes.append(no_year)
    if INFERENCE in counted:
        drivers.append(_inference(estimates, behind))
        notes.append(reason("inference_shares", facts=sorted(estimates)))
    elif not estimates:
        notes.append(reason("no_inference_share"))
    if len(counted) > 1:
        drivers.append(_which(counted, drivers))
    drivers += [driver(name, behind, assumptions) for name in ("efficiency_gain", "elasticity")]
    facts = [{"grade": each.grade, "known_on": each.known_on} for each in drivers]
    return Model(
        GROUP,
        NO_VIEW,
        tuple(drivers),
        tuple(name for name in SHARE_QUANTITIES if name not in missing),
        training_flop_added=row["training_flop_added"] if row is not None and BOTTOM_UP in counted else None,
        grade=weakest(facts),
        known_on=newest(facts),
        reasons=missing,
        notes=tuple(notes),
    )


def usable_year(training_share: pl.DataFrame) -> Mapping[str, Any] | None:
    """The latest year that is more than a lower bound and has a count of the world's fleet; None where there is none."""
    usable = training_share.filter(~pl.col("is_lower_bound") & pl.col("training_share").is_not_null()).sort("year")
    return usable.row(-1, named=True) if usable.height else None


def inference_estimates(behind: Facts, assumptions: Assumptions) -> dict[str, tuple[float, float]]:
    """Low and high of each published estimate of the inference share, by evidence identifier."""
    stated = assumptions.value("inference_share")
    found: dict[str, tuple[float, float]] = {}
    for name, fact in sorted(behind.items()):
        if name in stated:
            low, high = stated[name]
        elif fact.get("metric") == INFERENCE_METRIC:
            low, high = (fact[f"value_{end}"] if fact[f"value_{end}"] is not None else fact["value"]
                         for end in ("low", "high"))  # fmt: skip
        else:
            continue
        if low is not None and high is not None and 0 <= low <= high <= 1:
            found[name] = (float(low), float(high))
    return found


def lab_split(behind: Facts) -> tuple[float, tuple[Mapping[str, Any], ...]] | None:
    """A lab's own share of computing for research and training, with the two facts; None where they are not known."""
    spent = [
        next((fact for _, fact in sorted(behind.items()) if fact.get("metric") == each), None) for each in LAB_METRICS
    ]
    part, whole = spent
    if part is None or whole is None or not whole["value"]:
        return None
    return float(part["value"] / whole["value"]), (part, whole)


def _no_year(training_share: pl.DataFrame) -> str:
    last = training_share.sort("year").tail(1).to_dicts()
    if not last:
        return reason("no_year_of_training", year=None, because=None)
    return reason("no_year_of_training", year=last[0]["year"], because=last[0]["reasons"])


def _bottom_up(row: Mapping[str, Any], behind: Facts, assumptions: Assumptions) -> list[Driver]:
    return [
        driver("share_final", behind, assumptions),
        driver("utilisation", behind, assumptions),
        _fleet(row, behind, assumptions),
        _gross_up(row, assumptions),
    ]


def _inference(estimates: Mapping[str, tuple[float, float]], behind: Facts) -> Driver:
    """The inference share of computing: each estimate uniform from its low to its high, all as likely."""
    facts = [behind[name] for name in estimates]
    shape = Mixture(tuple(Distribution("uniform", ends) for ends in estimates.values()))
    return Driver(
        "inference_share",
        (("inference_share", shape),),
        minimum=0.0,
        maximum=1.0,
        facts=tuple(estimates),
        fact_ids=tuple(fact["fact_id"] for fact in facts),
        grade=weakest(facts),
        known_on=newest(facts),
    )


def _which(weights: Mapping[str, float], readings: list[Driver]) -> Driver:
    """Which reading counts in a draw: below zero the bottom-up one, above it that of inference, as often as they weigh."""
    total = sum(weights.values())
    ends = (-weights[BOTTOM_UP] / total, weights[INFERENCE] / total)
    facts = [{"grade": each.grade, "known_on": each.known_on} for each in readings]
    return Driver(
        "training_share_readings",
        (("training_share_readings", Distribution("uniform", ends)),),
        minimum=ends[0],
        maximum=ends[1],
        facts=tuple(fact for each in readings for fact in each.facts),
        fact_ids=tuple(dict.fromkeys(fact for each in readings for fact in each.fact_ids)),
        grade=weakest(facts),
        known_on=newest(facts),
    )


def _fleet(row: Mapping[str, Any], behind: Facts, assumptions: Assumptions) -> Driver:
    """The fleet in H100-equivalents: uniform over its counts; with one count, that count times the assumed error.

    A user's own `fleet` is a multiple of the middle count and takes the place of both.
    """
    counts = tuple(row["fleet_facts"])
    known = [behind[fact] for fact in counts if fact in behind]
    facts: dict[str, Any] = {
        "grade": weakest(known),
        "known_on": newest(known),
        "facts": counts,
        "fact_ids": tuple(fact["fact_id"] for fact in known),
    }
    low, high = row["fleet_h100_low"], row["fleet_h100_high"]
    entry = assumptions["fleet"]
    # Bounds above zero: a fleet of none has no share to train in.
    if low == high or "fleet" in assumptions.overridden:
        middle = (low + high) / 2
        bounds = {"minimum": middle * max(entry["minimum"], 1e-6), "maximum": middle * entry["maximum"]}
        return Driver("fleet", (("fleet", assumptions.distribution("fleet")),), scale=middle, **bounds, **facts)
    bounds = {"minimum": low * 0.01, "maximum": high * entry["maximum"]}
    return Driver("fleet", (("fleet", Distribution("uniform", (low, high))),), **bounds, **facts)


def _gross_up(row: Mapping[str, Any], assumptions: Assumptions) -> Driver:
    """Undisclosed models: triangular with mode and high as multiples of 1 / disclosure rate (method 4.3)."""
    entry, drawn = assumptions["undisclosed_gross_up"], assumptions.distribution("undisclosed_gross_up")
    if drawn.kind == "triangular":
        rate = row["disclosure_rate"]
        low, mode, high = drawn["low"], drawn["mode"] / rate, drawn["high"] / rate
        drawn = Distribution("triangular", (low, max(low, mode), max(low, mode, high)))
    return Driver(
        "undisclosed_gross_up",
        (("undisclosed_gross_up", drawn),),
        minimum=entry["minimum"],
        maximum=max(entry["maximum"], drawn.high),
        grade=row["grade"],
        known_on=row["known_on"],
    )


def margins(share: np.ndarray, limit: float) -> dict[str, float]:
    """How far the draws of the redundant share are from each verdict of Q2 (method 7): its median is at the limit or above,
    or its 95th percentile below. The quantiles are draws, as those of `waste_simulation` are that the verdict is held to."""
    median, p95 = np.quantile(share, [0.5, 0.95], method="inverted_cdf")
    return {WASTEFUL: float(median) - limit, NOT_SHOWN: limit - float(p95)}


def verdict_of(share: np.ndarray, limit: float) -> str:
    """The verdict of Q2 that some draws of the redundant share give by themselves."""
    at = margins(share, limit)
    if at[WASTEFUL] >= 0:
        return WASTEFUL
    return NOT_SHOWN if at[NOT_SHOWN] > 0 else UNDECIDED
