"""The revenue that the spend has to reach from quarter to quarter if it is to break even, as of the as-of date alone.

A break-even growth is a claim about years; what arrives is a figure of one quarter. So the growth that breaks even is laid
out as a path: in each draw revenue starts from what it was and grows by that draw's own break-even growth. `required_path`
keeps these paths as they were published on each day.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np
import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.calendars.months import quarter_ends_after
from warehouse.marts.common.columns import SCOPE
from warehouse.marts.common.mart import Mart, Trace
from warehouse.marts.common.reasons import listed, reason
from warehouse.marts.common.scopes import VIEW_MEANINGS
from warehouse.marts.common.units import DAYS_PER_YEAR
from warehouse.marts.payback.model import POINT, Computation, simulated
from warehouse.marts.payback.models import payback_views
from warehouse.marts.payback.payback_model import PaybackView
from warehouse.tables.formula import Formula
from warehouse.tables.guide import Guide
from warehouse.tables.table import Check, Column, mart

QUANTILES = {"p20": 0.20, "p50": 0.50, "p80": 0.80}

TABLE = mart(
    "breakeven_path",
    "attributable revenue at the next quarter ends on the path that breaks even, as of the as-of date",
    [
        Column("as_of", "date", "day on which the path is published", required=True),
        SCOPE,
        Column("revenue_view", "text", "whose revenue is counted", required=True, allowed=VIEW_MEANINGS),
        Column("quarter_end", "date", "end of a quarter that the path leads to", required=True),
        Column("starts_on", "date", "day of the revenue that the path starts from"),
        *(
            Column(f"start_{name}_usd", "real", f"revenue it starts from: {share:.0%} of the draws are below it", "USD a year")
            for name, share in QUANTILES.items()
        ),
        *(
            Column(
                f"required_revenue_{name}_usd", "real",
                f"revenue at the quarter's end that breaks even: {share:.0%} of the draws are below it", "USD a year",
                formula=Formula(
                    f"{share:.0%} quantile over the draws of today's revenue grown at each draw's break-even growth",
                    "R × (1 + g*)^(years to the quarter's end)",
                    "5",
                ),
            )
            for name, share in QUANTILES.items()
        ),
        Column("known_on", "date", "day on which the newest fact behind it became public"),
    ],
    key=("as_of", "scope", "revenue_view", "quarter_end"),
    checks=(
        Check(
            "quantiles_in_order",
            "select * from {table} where required_revenue_p20_usd > required_revenue_p50_usd "
            "or required_revenue_p50_usd > required_revenue_p80_usd",
            "quantiles out of order are not of one distribution",
        ),
        Check(
            "no_look_ahead",
            "select * from {table} where known_on > as_of or quarter_end <= as_of",
            "a path is published before the quarters that it speaks of",
        ),
        Check(
            "null_has_a_reason",
            "select * from {table} where required_revenue_p50_usd is null and reasons is null",
            "a path that is missing must say why",
        ),
    ),
    guide=Guide(
        "One row for each scope, revenue view and coming quarter end.",
        "over quarters: each is a revenue a year.",
        {
            "Which revenue does the group need at the coming quarter ends?": "select revenue_view, quarter_end, "
            "required_revenue_p50_usd from breakeven_path where scope = 'ALL' order by all",
            "How wide is the path of Microsoft?": "select quarter_end, required_revenue_p20_usd, required_revenue_p80_usd "
            "from breakeven_path where scope = 'MSFT' order by all",
            "From where does each path start?": "select distinct scope, revenue_view, starts_on, start_p50_usd from "
            "breakeven_path order by all",
        },
    ),
)  # fmt: skip


def build(
    capex_vintages: pl.DataFrame,
    attributable_revenue: pl.DataFrame,
    evidence: pl.DataFrame,
    *,
    as_of: date,
    assumptions: Assumptions,
) -> pl.DataFrame:
    """One row for each scope, view and coming quarter end (method 5), USD a year."""
    ends = quarter_ends_after(as_of, assumptions.integer("path_quarters"))
    seed, draws = assumptions.integer("seed"), assumptions.integer("draws")
    rows = [
        {"as_of": as_of, **_row(view, end, seed, draws)}
        for view in payback_views(capex_vintages, attributable_revenue, evidence, assumptions=assumptions)
        for end in ends
    ]
    return pl.DataFrame(rows, schema=dict(TABLE.polars_schema))


def _row(view: PaybackView, end: date, seed: int, draws: int) -> dict[str, Any]:
    model = view[POINT]
    row: dict[str, Any] = {"scope": view.scope, "revenue_view": view.view, "quarter_end": end}
    if not view.has_revenue or view.on is None:
        return row | {"reasons": listed([model.reasons.get("coverage")])}
    path = _on_path(Computation(model), seed, draws, view.on, end)
    start = _on_path(Computation(model), seed, draws, view.on, view.on)
    without = None if all(np.isfinite(path)) else reason("path_has_no_end")
    return row | {
        "starts_on": view.on,
        **{f"start_{name}_usd": value for name, value in zip(QUANTILES, start, strict=True)},
        **{
            f"required_revenue_{name}_usd": value if np.isfinite(value) else None
            for name, value in zip(QUANTILES, path, strict=True)
        },
        "known_on": model.known_on,
        "grade": model.grade,
        "reasons": listed([without, *model.notes]),
    }


@lru_cache(maxsize=512)
def _on_path(computation: Computation, seed: int, draws: int, on: date, end: date) -> tuple[float, ...]:
    """Quantiles of revenue x (1 + break-even growth)^years; infinite where no growth breaks even."""
    found = simulated(computation, seed, draws)
    years = (end - on).days / DAYS_PER_YEAR
    revenue = found["attributable_revenue_usd"]
    if np.all(revenue == revenue[0]):
        # One revenue: whoever grows faster is ahead at every quarter's end, so that the draws need sorting once.
        growth = np.array(_growths(computation, seed, draws))
        with np.errstate(invalid="ignore"):
            return tuple(
                float(revenue[0] * max(1 + each, 0.0) ** years) if years else float(revenue[0]) for each in growth
            )
    if years:
        with np.errstate(invalid="ignore", over="ignore"):
            grown = np.maximum(1 + found["breakeven_growth"], 0.0) ** years
        revenue = np.where(np.isinf(grown), np.inf, revenue * np.where(np.isinf(grown), 1.0, grown))
    return tuple(float(value) for value in np.quantile(revenue, list(QUANTILES.values()), method="inverted_cdf"))


@lru_cache(maxsize=64)
def _growths(computation: Computation, seed: int, draws: int) -> tuple[float, ...]:
    growth = simulated(computation, seed, draws)["breakeven_growth"]
    return tuple(float(value) for value in np.quantile(growth, list(QUANTILES.values()), method="inverted_cdf"))


MART = Mart(
    table=TABLE,
    build=build,
    traces=(
        Trace(
            "marts.waste_simulation",
            "t.scope = m.scope and t.revenue_view = m.revenue_view and t.bound = 'point' "
            "and t.quantity in ('attributable_revenue_usd', 'breakeven_growth')",
        ),
    ),
)
