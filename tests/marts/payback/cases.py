"""A company's spend and revenue made up for the tests of the simulation: each says just what a test needs."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl

from tests.marts import made_up
from tests.marts.made_up import mart_frame
from warehouse.assumptions import Assumptions
from warehouse.marts import all_marts
from warehouse.marts.payback.model import Model
from warehouse.marts.payback.models import models, payback_views
from warehouse.marts.payback.payback_model import PaybackView
from warehouse.tables import CORE

AS_OF = date(2026, 7, 1)
ON, A_YEAR_BEFORE = date(2026, 6, 30), date(2025, 6, 30)  # day of the revenue that is set against the spend
WASTE = ("waste_simulation", "waste_probabilities", "waste_sensitivity")
POINTS_Q3 = {"life": 5, "discount_rate": 0.1, "cash_margin": 0.5, "ai_share": 0.6, "growth": 0.5}
POINTS_Q2 = {"share_final": 0.2, "utilisation": 0.4, "undisclosed_gross_up": 2.0, "efficiency_gain": 4.0,
             "elasticity": 0.0, "fleet": 1.0}  # fmt: skip
FEW = {"draws": 2000}


def share(flop: float = 1e27, low: float = 10e6, high: float = 10e6, **row: Any) -> pl.DataFrame:
    usual = {"year": 2025, "models_known": 10, "models_disclosed": 5, "disclosure_rate": 0.5, "training_flop": flop,
             "training_flop_added": flop, "fleet_h100_low": low, "fleet_h100_high": high, "fleet_facts": ["CC001"],
             "training_share": 0.01, "is_lower_bound": False, "known_on": made_up.KNOWN, "grade": "C"}  # fmt: skip
    return mart_frame("training_share", [usual | row])


def vintages(capex: dict[int, int | None], ticker: str = "MSFT", leases: int | None = None) -> pl.DataFrame:
    """Capex of calendar years, a quarter of it (and of `leases`) in each of their quarters."""
    rows = [
        {"ticker": ticker, "calendar_quarter": f"{year}Q{n}", "spent_on": date(year, 3 * n - 1, 15),
         "capex_usd": None if usd is None else usd / 4, "capex_low_usd": 0 if usd is None else usd / 4,
         "capex_high_usd": None if usd is None else usd / 4,
         "finance_lease_assets_usd": None if leases is None else leases / 4, "is_known": usd is not None,
         "known_on": made_up.KNOWN, "grade": "A", "reason": "unknown" if usd is None else None}
        for year, usd in capex.items()
        for n in range(1, 5)
    ]  # fmt: skip
    return mart_frame("capex_vintages", rows)


def line(entity: str, usd: float | None, on: date = ON, **row: Any) -> dict[str, Any]:
    """A line of revenue of Microsoft's infrastructure view, as disclosed."""
    usual = {"scope": "MSFT", "revenue_view": "infrastructure", "entity": entity, "metric": "ai_run_rate",
             "evidence_id": f"{entity} {on}", "as_of_date": on, "low_usd": usd, "value_usd": usd, "high_usd": usd,
             "has_range": False, "used_as": "disclosed", "counted": True, "growth_stated": None, "known_on": made_up.KNOWN,
             "grade": "C",
             "fact_ids": [f"{entity} {on}"]}  # fmt: skip
    return usual | row


def earlier(entity: str, usd: float, on: date, **row: Any) -> dict[str, Any]:
    """An earlier figure of the same series: it shows growth and does not count."""
    return line(entity, usd, on, **{"used_as": "earlier", "counted": False, **row})


def bound(entity: str, most: float, on: date = ON, **row: Any) -> dict[str, Any]:
    """A seller without a figure of its own: from nothing to its whole cloud revenue."""
    ends = {"low_usd": 0.0, "high_usd": most, "has_range": True, "used_as": "bound", "metric": "revenue_quarter"}
    return line(entity, None, on, **{**ends, **row})


def revenue(*lines: dict[str, Any], **row: Any) -> pl.DataFrame:
    return mart_frame("attributable_revenue", [{**each, **row} for each in lines])


def grown(
    usd: float = 20e9, before: float | None = 5e9, scope: str = "MSFT", entity: str = "Microsoft"
) -> pl.DataFrame:
    """Revenue today and exactly a year before: growth of `usd / before - 1` and what came in a year."""
    lines = [line(entity, usd)] + ([earlier(entity, before, A_YEAR_BEFORE)] if before is not None else [])
    return revenue(*lines, scope=scope)


def evidence() -> pl.DataFrame:
    return CORE["evidence"].empty()


def inputs(**changed: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """What the waste marts read: 160 billion dollars spent since 2024 by Microsoft, 100 of it in 2025, and 20 billion a
    year earned, four times as much as a year before. The newest spend earns more than the average where revenue a year
    before was below 37.5 % of today's (1 - 100 / 160)."""
    usual = {
        "training_share": share(),
        "capex_vintages": vintages({2024: 40_000_000_000, 2025: 100_000_000_000, 2026: 40_000_000_000}),
        "attributable_revenue": grown(),
        "evidence": evidence(),
    }
    return usual | changed


def model(
    assumptions: Assumptions, scope: str = "MSFT", view: str = "infrastructure", bound: str = "point", **changed: Any
) -> Model:
    found = models(**inputs(**changed), assumptions=assumptions)
    return next(m for m in found if (m.scope, m.view, m.bound) == (scope, view, bound))


def view_of(assumptions: Assumptions, scope: str = "MSFT", view: str = "infrastructure", **changed: Any) -> PaybackView:
    frames = {name: frame for name, frame in inputs(**changed).items() if name != "training_share"}
    found = payback_views(**frames, assumptions=assumptions)
    return next(each for each in found if (each.scope, each.view) == (scope, view))


def run(assumptions: Assumptions, only: tuple[str, ...] = WASTE, **changed: pl.DataFrame) -> dict[str, pl.DataFrame]:
    frames = inputs(**changed)
    return {name: all_marts()[name].run(frames, as_of=AS_OF, assumptions=assumptions) for name in only}


def row(frame: pl.DataFrame, **key: Any) -> dict[str, Any]:
    return frame.filter(*(pl.col(name) == value for name, value in key.items())).row(0, named=True)


def nothing_is_nan(frames: dict[str, pl.DataFrame]) -> None:
    for name, frame in frames.items():
        for column in frame.select(pl.col(pl.Float64)).columns:
            assert frame[column].is_finite().fill_null(True).all(), (name, column)
    simulated = frames["waste_simulation"]
    assert simulated.filter(pl.col("p50").is_null() & pl.col("reason").is_null()).is_empty()
