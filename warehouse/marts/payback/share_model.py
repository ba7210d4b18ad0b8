"""The model of Q2: the share of the world's computing that trains, and what of it cheaper training makes redundant.

The numerator is what the models published in a year took to train, so the denominator is what the world's chips can do in
that year: the share is the world's, and the same for every company.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from warehouse.assumptions import Assumptions, Distribution
from warehouse.marts.common.reasons import reason
from warehouse.marts.common.scopes import GROUP
from warehouse.marts.payback.draws import Driver
from warehouse.marts.payback.formulas import SHARE_QUANTITIES
from warehouse.marts.payback.model import NO_VIEW, Facts, Model, driver, newest, weakest


def share_model(training_share: pl.DataFrame, behind: Facts, assumptions: Assumptions) -> Model:
    """The latest year that is more than a lower bound, with the drivers of method 4.2 to 4.5."""
    usable = training_share.filter(~pl.col("is_lower_bound") & pl.col("training_share").is_not_null()).sort("year")
    if usable.is_empty():
        return Model(GROUP, NO_VIEW, reasons=dict.fromkeys(SHARE_QUANTITIES, _no_year(training_share)))
    row = usable.row(-1, named=True)
    drivers = (
        driver("share_final", behind, assumptions),
        driver("utilisation", behind, assumptions),
        _fleet(row, behind, assumptions),
        _gross_up(row, assumptions),
        driver("efficiency_gain", behind, assumptions),
        driver("elasticity", behind, assumptions),
    )
    return Model(
        GROUP,
        NO_VIEW,
        drivers,
        SHARE_QUANTITIES,
        training_flop_added=row["training_flop_added"],
        grade=row["grade"],
        known_on=row["known_on"],
        notes=(reason("training_of_year", year=row["year"], disclosure_rate=row["disclosure_rate"]),),
    )


def _no_year(training_share: pl.DataFrame) -> str:
    last = training_share.sort("year").tail(1).to_dicts()
    if not last:
        return reason("no_year_of_training", year=None, because=None)
    return reason("no_year_of_training", year=last[0]["year"], because=last[0]["reasons"])


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
