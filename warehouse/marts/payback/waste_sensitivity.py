"""Which judgement the answer hangs on, and at what value of each it would turn.

For each driver: the figure with the driver at its low and at its high end and all others at their medians (a tornado),
the square of its rank correlation with the figure over the draws, that square as a share of all drivers' (what is meant
by "behind a share of the variance", method 7), and the value at which the driver alone turns the verdict.

The turning value is solved for, not read off a grid: the driver is held at a value, all others are drawn, and the
condition that decides is brought to its threshold by Brent's method (`scipy.optimize.brentq`). What glut signals allow
is taken into account: where no value of any driver can decide, there is none to report.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from functools import lru_cache, partial
from typing import Any

import numpy as np
import polars as pl
from scipy.optimize import brentq
from scipy.stats import rankdata

from warehouse.assumptions import Assumptions
from warehouse.marts.common.columns import SCOPE
from warehouse.marts.common.mart import Mart, Trace
from warehouse.marts.common.reasons import listed, reason
from warehouse.marts.payback.draws import Driver, drawn_values
from warehouse.marts.payback.formulas import Values
from warehouse.marts.payback.model import NO_VIEW, Computation, Model, simulated
from warehouse.marts.payback.models import models
from warehouse.marts.payback.waste_probabilities import probabilities, thresholds
from warehouse.tables.table import FACT_IDS, Check, Column, mart

TOLERANCE = 1e-6

TABLE = mart(
    "waste_sensitivity",
    "what each driver does to each simulated quantity, and the value at which it alone turns the verdict",
    [
        SCOPE,
        Column("revenue_view", "text", "end_customer, infrastructure or none", required=True),
        Column("quantity", "text", "simulated quantity", required=True),
        Column("driver", "text", "name of the assumption", required=True),
        Column("low", "real", "low end of the driver", required=True),
        Column("central", "real", "median of the driver", required=True),
        Column("high", "real", "high end of the driver", required=True),
        Column("quantity_at_low", "real", "the quantity with the driver at its low end, the others at their medians"),
        Column("quantity_at_central", "real", "the quantity with all drivers at their medians"),
        Column("quantity_at_high", "real", "the quantity with the driver at its high end, the others at their medians"),
        Column(
            "rank_correlation_squared",
            "real",
            "square of Spearman's rank correlation of driver and quantity over the draws",
            minimum=0,
            maximum=1,
        ),
        Column("variance_share", "real", "that square over the sum of all drivers'", "share", minimum=0, maximum=1),
        Column(
            "flip_value",
            "real",
            "value of the driver at which it alone turns what this view says; the verdict itself where the scope has one view "
            "and its revenue is no lower bound",
        ),
        Column("facts", "texts", "evidence behind the driver, by evidence_id"),
        FACT_IDS,
        Column("known_on", "date", "day on which the newest of the driver's facts became public"),
    ],
    key=("scope", "revenue_view", "quantity", "driver"),
    checks=(
        Check(
            "variance_shares_add_up",
            "select scope, revenue_view, quantity, sum(variance_share) as total from {table} "
            "group by all having abs(sum(variance_share) - 1) > 1e-6",
            "shares of one variance are all of it",
        ),
        Check(
            "ends_in_order",
            "select * from {table} where low > central or central > high",
            "a driver whose ends are swapped turns its bar of the tornado round",
        ),
    ),
)

Statistic = Callable[[float], float]
Margins = Callable[[Mapping[str, Any]], dict[str, float]]


def build(
    training_share: pl.DataFrame,
    capex_vintages: pl.DataFrame,
    attributable_revenue: pl.DataFrame,
    glut_signals: pl.DataFrame,
    evidence: pl.DataFrame,
    *,
    as_of: date,
    assumptions: Assumptions,
) -> pl.DataFrame:
    """One row for each scope, view, quantity and driver of it."""
    seed, draws = assumptions.integer("seed"), assumptions.integer("draws")
    signals = int(glut_signals["triggered"].fill_null(False).sum())
    rows: list[dict[str, Any]] = []
    shared: list[dict[str, Any]] = []
    for model in models(
        training_share, capex_vintages, attributable_revenue, evidence, as_of=as_of, assumptions=assumptions
    ):
        if not model.quantities:
            continue
        if model.view == NO_VIEW:
            shared = shared or _of_model(model, signals, seed, draws, assumptions)
            rows += [{**row, "scope": model.scope} for row in shared]
        else:
            rows += _of_model(model, signals, seed, draws, assumptions)
    return pl.DataFrame(rows, schema=dict(TABLE.polars_schema))


def _of_model(model: Model, signals: int, seed: int, draws: int, assumptions: Assumptions) -> list[dict[str, Any]]:
    everything = assumptions.value("detail") == "all"
    flips = turning_values(model, signals, assumptions) if everything else {}
    centre = {driver.name: driver.central for driver in model.drivers}
    central = model.compute(centre) if everything else {}
    rows = []
    for quantity in model.quantities if everything else {model.deciding} & set(model.quantities):
        squares = _squares(Computation(model), quantity, seed, draws)
        total = sum(squares.values())
        for driver in model.drivers:
            bar = {
                f"quantity_at_{end}": _finite(model.compute({**centre, driver.name: value})[quantity])
                for end, value in (("low", driver.low), ("high", driver.high))
                if everything
            }
            flip, why = flips.get(driver.name, (None, None)) if quantity == model.deciding else (None, None)
            rows.append(
                {
                    "scope": model.scope,
                    "revenue_view": model.view,
                    "quantity": quantity,
                    "driver": driver.name,
                    "low": driver.low,
                    "central": driver.central,
                    "high": driver.high,
                    "quantity_at_central": _finite(central[quantity]) if everything else None,
                    **bar,
                    "rank_correlation_squared": squares[driver.name],
                    "variance_share": squares[driver.name] / total if total else None,
                    "flip_value": flip,
                    "facts": list(driver.facts) or None,
                    "fact_ids": list(driver.fact_ids) or None,
                    "known_on": driver.known_on,
                    "grade": driver.grade,
                    "reasons": listed([why]),
                }
            )
    return rows


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


# ---- Where the verdict turns ---------------------------------------------------------------------------------------


def turning_values(
    model: Model, signals: int, assumptions: Assumptions
) -> Mapping[str, tuple[float | None, str | None]]:
    """For each driver the value at which it alone turns the verdict, or None with the reason."""
    if model.deciding not in model.quantities:
        return {driver.name: (None, None) for driver in model.drivers}
    seed = assumptions.integer("seed")
    # As many draws as the verdict has: with fewer, a value said to turn it could be a few percent off and not do so.
    drawn = model.draw(seed, assumptions.integer("draws"))
    margins = _margins(model, signals, assumptions)
    now = margins(model.compute(drawn))
    # Only the condition that holds can be lost; where none holds, each could be won.
    watched = [name for name, margin in now.items() if margin >= 0] or list(now)
    found: dict[str, tuple[float | None, str | None]] = {}
    for driver in model.drivers:
        values: list[float] = []
        for name in watched:
            values += _roots(partial(_margin_at, model, drawn, margins, driver.name, name), driver)
        if values:
            found[driver.name] = min(values, key=partial(_distance, driver.central)), None
        elif not watched:
            found[driver.name] = None, reason("nothing_rests_on_it")
        else:
            found[driver.name] = None, reason("never_turns")
    return found


def _margin_at(model: Model, drawn: Values, margins: Margins, driver: str, condition: str, value: float) -> float:
    """How far a condition is from its threshold with one driver held at a value."""
    return margins(model.compute({**drawn, driver: value}))[condition]


def _distance(centre: float, value: float) -> float:
    return abs(value - centre)


def _margins(model: Model, signals: int, assumptions: Assumptions) -> Margins:
    """How far each verdict's condition is from its threshold (at least zero where it holds), from the draws."""
    limits = thresholds(assumptions)
    if model.view == NO_VIEW:
        limit = assumptions.number("q2_threshold")

        def of_share(found: Mapping[str, Any]) -> dict[str, float]:
            share = found["redundant_capex_share"]
            return {
                "looks_wasteful": float(np.median(share)) - limit,
                "not_shown_wasteful": limit - float(np.quantile(share, 0.95)) - TOLERANCE,
            }

        return of_share
    wasteful, pays = assumptions.number("q3_probability_wasteful"), assumptions.number("q3_probability_pays")
    enough = signals >= assumptions.integer("q3_glut_signals")

    def of_coverage(found: Mapping[str, Any]) -> dict[str, float]:
        p = probabilities(found, limits)
        short, late = p["coverage_below_threshold"], p["years_exceed_share_of_life"]
        margins = {}
        if enough:
            margins["looks_wasteful"] = min(short, late) - wasteful
        if signals == 0:
            margins["not_shown_wasteful"] = p["years_within_share_of_life"] - pays
        return margins

    return of_coverage


def _roots(statistic: Statistic, driver: Driver) -> list[float]:
    """Values on either side of the driver's median at which the statistic changes its sign."""
    centre = driver.central
    found = []
    for end in (driver.minimum, driver.maximum):
        low, high = sorted((centre, end))
        if low == high or not np.isfinite([low, high]).all():
            continue
        at_low, at_high = statistic(low), statistic(high)
        if np.isfinite([at_low, at_high]).all() and (at_low < 0) != (at_high < 0):
            found.append(float(brentq(statistic, low, high, xtol=TOLERANCE * max(abs(centre), TOLERANCE), rtol=1e-5)))
    return found


MART = Mart(
    table=TABLE,
    build=build,
    traces=(
        Trace("core.evidence", ids="fact_ids"),
        Trace(
            "marts.waste_simulation",
            "t.scope = m.scope and t.revenue_view = m.revenue_view and t.quantity = m.quantity",
        ),
    ),
)
