"""Which judgement the answer hangs on, and at what value of each it would turn.

For each driver: the figure with the driver at its low and at its high end and all others at their medians (a tornado),
the square of its rank correlation with the figure over the draws, that square as a share of all drivers' (what is meant
by "behind a share of the variance", method 7), and the value at which the driver alone turns the verdict
(`turning_values`). A quantity has the drivers that it depends on; growth does not enter the break-even growth, is held
against it, and so has a turning value there and no correlation.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import polars as pl
from scipy.stats import rankdata

from warehouse.assumptions import Assumptions
from warehouse.marts.common.columns import SCOPE
from warehouse.marts.common.mart import Mart, Trace
from warehouse.marts.common.reasons import listed
from warehouse.marts.common.scopes import SCOPES
from warehouse.marts.payback import turning_values
from warehouse.marts.payback.draws import Driver, drawn_values
from warehouse.marts.payback.formulas import DRIVER_MEANINGS, QUANTITY_FORMULAS
from warehouse.marts.payback.model import POINT, VIEW, Computation, Model, simulated
from warehouse.marts.payback.models import payback_views, share_of_the_world
from warehouse.marts.payback.turning_values import Turn, Turning
from warehouse.marts.payback.waste_simulation import BOUND, QUANTITY
from warehouse.tables.formula import Formula
from warehouse.tables.guide import Guide
from warehouse.tables.table import FACT_IDS, Check, Column, mart

TABLE = mart(
    "waste_sensitivity",
    "what each driver does to each simulated quantity, and the value at which it alone turns the verdict",
    [
        SCOPE,
        VIEW,
        BOUND,
        QUANTITY,
        Column("driver", "text", "name of the assumption", required=True, allowed=DRIVER_MEANINGS),
        Column("low", "real", "low end of the driver", required=True),
        Column("central", "real", "median of the driver", required=True),
        Column("high", "real", "high end of the driver", required=True),
        Column(
            "quantity_at_low",
            "real",
            "the quantity with the driver at its low end, the others at their medians",
            formula=Formula(
                "the quantity with this driver at its low end and all others at their medians",
                method="5",
                of="quantity",
                each=QUANTITY_FORMULAS,
            ),
        ),
        Column(
            "quantity_at_central",
            "real",
            "the quantity with all drivers at their medians",
            formula=Formula(
                "the quantity with all drivers at their medians",
                method="5",
                of="quantity",
                each=QUANTITY_FORMULAS,
            ),
        ),
        Column(
            "quantity_at_high",
            "real",
            "the quantity with the driver at its high end, the others at their medians",
            formula=Formula(
                "the quantity with this driver at its high end and all others at their medians",
                method="5",
                of="quantity",
                each=QUANTITY_FORMULAS,
            ),
        ),
        Column(
            "rank_correlation_squared",
            "real",
            "square of Spearman's rank correlation of driver and quantity over the draws",
            minimum=0,
            maximum=1,
            formula=Formula(
                "square of Spearman's rank correlation of driver and quantity over the draws", "rho^2", "5"
            ),
        ),
        Column(
            "variance_share",
            "real",
            "that square over the sum of all drivers'",
            "share",
            minimum=0,
            maximum=1,
            formula=Formula("that square over the sum of all drivers' squares", "rho^2 / Σ rho^2", "7"),
        ),
        Column(
            "flip_value",
            "real",
            "value of the driver, held at both bounds of revenue, at which it alone turns what this view says; on rows of the "
            "deciding quantity at the point",
            formula=Formula(
                "value of the driver, the others as drawn, at which the verdict turns",
                "driver at which P = threshold",
                "7",
                assumptions=(
                    "q3_probability",
                    "q2_threshold",
                ),
            ),
        ),
        Column(
            "turns",
            "text",
            "what turns there: the verdict that is lost, or given where there is none, or the leaning where none can be",
            allowed=turning_values.MEANINGS,
        ),
        Column("facts", "texts", "evidence behind the driver, by evidence_id"),
        FACT_IDS,
        Column("known_on", "date", "day on which the newest of the driver's facts became public"),
    ],
    key=("scope", "revenue_view", "bound", "quantity", "driver"),
    checks=(
        Check(
            "variance_shares_add_up",
            "select scope, revenue_view, bound, quantity, sum(variance_share) as total from {table} "
            "group by all having abs(sum(variance_share) - 1) > 1e-6",
            "shares of one variance are all of it",
        ),
        Check(
            "ends_in_order",
            "select * from {table} where low > central or central > high",
            "a driver whose ends are swapped turns its bar of the tornado round",
        ),
    ),
    guide=Guide(
        "One row for each scope, revenue view, bound, quantity and driver.",
        "rank_correlation_squared over bounds: each bound has its own drivers.",
        {
            "What moves the group's coverage most?": "select driver, low, high, quantity_at_low, quantity_at_high from "
            "waste_sensitivity where scope = 'ALL' and revenue_view = 'infrastructure' and bound = 'point' and quantity = "
            "'coverage' order by rank_correlation_squared desc",
            "Which value of a driver would turn the verdict?": "select scope, quantity, driver, flip_value from "
            "waste_sensitivity where flip_value is not null order by all limit 20",
            "Which drivers are there?": "select distinct driver from waste_sensitivity order by all",
        },
    ),
)


def build(
    training_share: pl.DataFrame,
    capex_vintages: pl.DataFrame,
    attributable_revenue: pl.DataFrame,
    evidence: pl.DataFrame,
    *,
    assumptions: Assumptions,
) -> pl.DataFrame:
    """One row for each scope, view, bound, quantity and driver of it."""
    everything = assumptions.value("detail") == "all"
    rows: list[dict[str, Any]] = []
    share = share_of_the_world(training_share, evidence, assumptions=assumptions)
    if share.quantities:
        turning = turning_values.of_share(share, assumptions) if everything else {}
        of_share = _of_model(share, turning, assumptions)
        rows += [{**row, "scope": scope} for scope in SCOPES for row in of_share]
    for view in payback_views(capex_vintages, attributable_revenue, evidence, assumptions=assumptions):
        turning = turning_values.of_payback(view, assumptions) if everything else {}
        for model in view.models.values():
            rows += _of_model(model, turning if model.bound == POINT else {}, assumptions)
    return pl.DataFrame(rows, schema=dict(TABLE.polars_schema))


def _of_model(model: Model, turning: Turning, assumptions: Assumptions) -> list[dict[str, Any]]:
    seed, draws = assumptions.integer("seed"), assumptions.integer("draws")
    everything = assumptions.value("detail") == "all"
    bars = _bars(model) if everything else {}
    rows = []
    for quantity in model.quantities if everything else {model.deciding} & set(model.quantities):
        about = model.about(quantity)
        squares = _squares(Computation(about), quantity, seed, draws)
        total = sum(squares.values())
        for driver in model.drivers if quantity == model.deciding else about.drivers:
            turn = turning.get(driver.name, Turn()) if quantity == model.deciding else Turn()
            square = squares.get(driver.name, 0.0)
            rows.append(
                {
                    "scope": model.scope,
                    "revenue_view": model.view,
                    "bound": model.bound,
                    "quantity": quantity,
                    "driver": driver.name,
                    "low": driver.low,
                    "central": driver.central,
                    "high": driver.high,
                    **bars.get((quantity, driver.name), {}),
                    "rank_correlation_squared": square,
                    "variance_share": square / total if total else None,
                    "flip_value": turn.value,
                    "turns": turn.turns,
                    "facts": list(driver.facts) or None,
                    "fact_ids": list(driver.fact_ids) or None,
                    "known_on": driver.known_on,
                    "grade": driver.grade,
                    "reasons": listed([turn.reason]),
                }
            )
    return rows


def _bars(model: Model) -> dict[tuple[str, str], dict[str, float | None]]:
    """Each quantity with each driver at its low and high end and all others at their medians, made in one go."""
    cases = [("", driver.central) for driver in model.drivers[:1]]
    cases += [(driver.name, value) for driver in model.drivers for value in (driver.low, driver.high)]
    values = {
        driver.name: np.array([value if name == driver.name else driver.central for name, value in cases])
        for driver in model.drivers
    }
    found = model.compute(values)
    bars = {}
    for quantity in model.quantities:
        figures = [_finite(each) for each in np.broadcast_to(found[quantity], len(cases))]
        for place, driver in enumerate(model.drivers):
            low, high = figures[1 + 2 * place : 3 + 2 * place]
            bars[quantity, driver.name] = {
                "quantity_at_low": low, "quantity_at_central": figures[0], "quantity_at_high": high,
            }  # fmt: skip
    return bars


@lru_cache(maxsize=128)
def _squares(computation: Computation, quantity: str, seed: int, draws: int) -> Mapping[str, float]:
    """Squared rank correlation of each driver with a quantity over the draws."""
    of_quantity = _ranks(simulated(computation, seed, draws)[quantity])
    return {
        driver.name: _correlation(_ranks_of(driver, seed, draws), of_quantity) ** 2
        for driver in computation.model.drivers
    }


def _finite(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None


def _ranks_of(driver: Driver, seed: int, draws: int) -> np.ndarray:
    return _ranks_drawn(driver.parts, driver.scale, driver.minimum, driver.maximum, seed, draws)


@lru_cache(maxsize=64)
def _ranks_drawn(*drawn: Any) -> np.ndarray:
    return _ranks(drawn_values(*drawn))


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks, centred and of length one; zeros where nothing varies."""
    if np.ndim(values) == 0 or np.all(values == values[0]):
        return np.zeros(np.shape(values))
    order = np.argsort(values)
    in_order = values[order]
    if np.any(in_order[1:] == in_order[:-1]):
        ranks = rankdata(values)  # the mean of the places that equal values share
    else:
        ranks = np.empty(len(values))
        ranks[order] = np.arange(1.0, len(values) + 1)
    ranks -= ranks.mean()
    return ranks / np.sqrt(_dot(ranks, ranks))


def _correlation(left: np.ndarray, right: np.ndarray) -> float:
    return float(np.clip(_dot(left, right), -1, 1)) if np.shape(left) == np.shape(right) else 0.0


def _dot(left: np.ndarray, right: np.ndarray) -> float:
    """Their product, in one thread: waking several for so little takes longer than the sum itself."""
    return float(np.einsum("i,i->", left, right))


MART = Mart(
    table=TABLE,
    build=build,
    traces=(
        Trace("core.evidence", ids="fact_ids"),
        Trace(
            "marts.waste_simulation",
            "t.scope = m.scope and t.revenue_view = m.revenue_view and t.bound = m.bound and t.quantity = m.quantity",
        ),
    ),
)
