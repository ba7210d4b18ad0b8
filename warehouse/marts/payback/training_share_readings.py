"""Each reading of the share of computing that trains, by itself, and the mixture that Q2 draws from.

The readings differ by a factor of several and answer slightly different questions, so a reader has to see what each would
say alone. `mixture` is what the verdict rests on. `lab_split` is the upper reading: a lab buys more training than a fleet
carries, so it is shown and not drawn from.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.common.mart import Mart, Trace
from warehouse.marts.common.reasons import listed, reason
from warehouse.marts.payback.formulas import made_redundant
from warehouse.marts.payback.model import Facts, Model, driver, newest, weakest
from warehouse.marts.payback.models import facts_behind
from warehouse.marts.payback.share_model import (
    BOTTOM_UP,
    DRAWN,
    INFERENCE,
    LAB_SPLIT,
    UNDECIDED,
    VERDICT_MEANINGS,
    lab_split,
    share_model,
    usable_year,
    verdict_of,
)
from warehouse.tables.guide import Guide
from warehouse.tables.table import FACT_IDS, Check, Column, mart

MIXTURE = "mixture"
READING_MEANINGS = {
    BOTTOM_UP: "operations of the known models over what the world's fleet can do",
    INFERENCE: "one less the share of computing that serves users",
    LAB_SPLIT: "as one lab splits its own computing",
    MIXTURE: "what is drawn: one of the others in each draw, by its weight",
}
READINGS = tuple(READING_MEANINGS)
ENDS = {"p05": 0.05, "p50": 0.50, "p95": 0.95}
SHARE, GROSS, NET = "training_share_with_experiments", "redundant_capex_share_gross", "redundant_capex_share"
READING = Column(
    "reading",
    "text",
    "how the share that trains is read",
    required=True,
    allowed=READING_MEANINGS,
)


def _quantiles(name: str, what: str) -> list[Column]:
    return [Column(f"{name}_{end}", "real", f"{what}: {at:.0%} of the draws are below it", "share")
            for end, at in ENDS.items()]  # fmt: skip


TABLE = mart(
    "training_share_readings",
    "the share of computing that trains, by each of its readings alone and by the mixture that Q2 draws from",
    [
        READING,
        Column("weight", "real", "weight in the mixture; 0 where it is not drawn from", "share", True, minimum=0),
        Column("year", "integer", "year of training of the bottom-up sum"),
        *_quantiles(SHARE, "share of computing that trains, with experiments"),
        *_quantiles(GROSS, "share of capex made redundant, before demand responds"),
        *_quantiles(NET, "share of capex made redundant, net of demand's response"),
        Column(
            "verdict_alone",
            "text",
            "what Q2 would say by this reading alone",
            required=True,
            allowed=VERDICT_MEANINGS,
        ),
        Column("facts", "texts", "evidence behind the reading, by evidence_id"),
        FACT_IDS,
        Column("known_on", "date", "day on which the newest fact behind it became public"),
    ],
    key=("reading",),
    checks=(
        Check(
            "weights_add_up",
            "select sum(weight) as total from {table} where reading <> 'mixture' "
            "having abs(sum(weight) - 1) > 1e-9 and sum(weight) <> 0",
            "the weights of one mixture are all of it",
        ),
        Check(
            "null_has_a_reason",
            "select * from {table} where reasons is null and training_share_with_experiments_p50 is null",
            "a reading without a figure would look like one that was forgotten",
        ),
    ),
    guide=Guide(
        "One row for each reading of the share that trains.",
        "over readings: they are several answers to one question.",
        {
            "What does each reading give?": "select reading, weight, training_share_with_experiments_p50, "
            "redundant_capex_share_p50 from training_share_readings",
            "Which verdict would each give alone?": "select reading, verdict_alone from training_share_readings",
            "How wide is each?": "select reading, redundant_capex_share_p05, redundant_capex_share_p95 from "
            "training_share_readings",
        },
    ),
)


def build(training_share: pl.DataFrame, evidence: pl.DataFrame, *, assumptions: Assumptions) -> pl.DataFrame:
    """One row for each reading and one for the mixture (method 4.3)."""
    seed, draws = assumptions.integer("seed"), assumptions.integer("draws")
    limit = assumptions.number("q2_threshold")
    behind = facts_behind(evidence)
    weights = _weights(training_share, behind, assumptions)
    rows = []
    for name, (model, drawn) in readings(training_share, behind, assumptions).items():
        rows.append(
            {
                "reading": name,
                "weight": 1.0 if name == MIXTURE and any(weights.values()) else weights.get(name, 0.0),
                **_of_model(name, model, training_share, behind),
                **_figures(drawn, seed, draws, limit),
            }
        )
    return pl.DataFrame(rows, schema=dict(TABLE.polars_schema))


Draw = Any
"""A function from seed and number of draws to a mapping from quantity to its draws, or None where nothing is known."""


def readings(training_share: pl.DataFrame, behind: Facts, assumptions: Assumptions) -> dict[str, tuple[Model, Draw]]:
    """The model of each reading, and how its quantities are drawn."""
    found: dict[str, tuple[Model, Draw]] = {}
    for name in READINGS:
        if name == LAB_SPLIT:
            found[name] = _of_lab(behind, assumptions)
            continue
        weights = None if name == MIXTURE else {name: 1.0}
        model = share_model(training_share, behind, assumptions, weights=weights)
        found[name] = model, model.simulate if model.quantities else None
    return found


def _of_lab(behind: Facts, assumptions: Assumptions) -> tuple[Model, Draw]:
    split = lab_split(behind)
    if split is None:
        return Model("", "", reasons={SHARE: reason("no_lab_split")}), None
    share, facts = split
    drivers = tuple(driver(name, behind, assumptions) for name in ("efficiency_gain", "elasticity"))

    def drawn(seed: int, draws: int) -> Mapping[str, Any]:
        gain, elasticity = (each.values(seed, draws) for each in drivers)
        return {
            SHARE: np.full(draws, share),
            GROSS: made_redundant(share, gain, 0.0),
            NET: made_redundant(share, gain, elasticity),
        }

    own = [{"grade": each.grade, "known_on": each.known_on} for each in drivers]
    model = Model(
        "",
        "",
        drivers,
        (SHARE, GROSS, NET),
        grade=weakest([*facts, *own]),
        known_on=newest([*facts, *own]),
        notes=(reason("shown_and_not_drawn"),),
    )
    return model, drawn


def _weights(training_share: pl.DataFrame, behind: Facts, assumptions: Assumptions) -> dict[str, float]:
    """Weights of the readings that the mixture counts, adding up to one; of none, none."""
    counted = {
        name: float(assumptions.value("training_share_readings").get(name, 0))
        for name in DRAWN
        if share_model(training_share, behind, assumptions, weights={name: 1.0}).quantities
    }
    total = sum(counted.values())
    return {name: weight / total for name, weight in counted.items()} if total else {}


def _of_model(name: str, model: Model, training_share: pl.DataFrame, behind: Facts) -> dict[str, Any]:
    year = usable_year(training_share)
    own = (lab_split(behind) or (0.0, ()))[1] if name == LAB_SPLIT else ()
    own_facts, own_ids = ([fact[each] for fact in own] for each in ("evidence_id", "fact_id"))
    trains = year is not None and name in (BOTTOM_UP, MIXTURE) and bool(model.quantities)
    return {
        "year": year["year"] if trains and year is not None else None,
        "facts": sorted({*own_facts, *(fact for each in model.drivers for fact in each.facts)}) or None,
        "fact_ids": sorted({*own_ids, *(fact for each in model.drivers for fact in each.fact_ids)}) or None,
        "known_on": model.known_on,
        "grade": model.grade,
        "reasons": listed([model.reasons.get(SHARE), *model.notes]),
    }


def _figures(drawn: Draw, seed: int, draws: int, limit: float) -> dict[str, Any]:
    if drawn is None:
        return {"verdict_alone": UNDECIDED}
    values = drawn(seed, draws)
    found: dict[str, Any] = {}
    for quantity in (SHARE, GROSS, NET):
        ends = np.quantile(values[quantity], list(ENDS.values()), method="inverted_cdf")
        found |= {f"{quantity}_{end}": float(value) for end, value in zip(ENDS, ends, strict=True)}
    return found | {"verdict_alone": verdict_of(values[NET], limit)}


MART = Mart(
    table=TABLE,
    build=build,
    traces=(
        Trace("core.evidence", ids="fact_ids"),
        Trace("marts.training_share", "t.year = m.year"),
        Trace(
            "marts.assumptions",
            "t.key in ('share_final', 'utilisation', 'fleet', 'undisclosed_gross_up', 'training_share_readings', "
            "'inference_share', 'efficiency_gain', 'elasticity')",
        ),
    ),
)
