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
from warehouse.marts.payback.models import models
from warehouse.tables import CORE

AS_OF = date(2026, 7, 1)  # a vintage of 2025 is 365 days old on it
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


def revenue(*lines: tuple[str, float | None, float, float | None], scope="MSFT", lower=False) -> pl.DataFrame:
    """Counted lines (entity, low, value, high); a low and high of None is a fact without a range."""
    rows = [
        {"scope": scope, "revenue_view": "infrastructure", "entity": entity, "evidence_id": f"CC{i:03}",
         "metric": "ai_run_rate", "as_of_date": date(2026, 1, i + 1), "low_usd": value if low is None else low,
         "value_usd": value, "high_usd": value if high is None else high, "has_range": low is not None,
         "counted": True, "is_lower_bound": lower, "known_on": made_up.KNOWN, "grade": "C"}
        for i, (entity, low, value, high) in enumerate(lines)
    ]  # fmt: skip
    return mart_frame("attributable_revenue", rows)


def evidence() -> pl.DataFrame:
    return CORE["evidence"].empty()


def inputs(**changed: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """What the waste marts read: 100 billion dollars spent in 2025 by Microsoft, 20 billion a year earned."""
    usual = {
        "training_share": share(),
        "capex_vintages": vintages({2025: 100_000_000_000}),
        "attributable_revenue": revenue(("Microsoft", None, 20e9, None)),
        "glut_signals": made_up.glut({}),
        "evidence": evidence(),
    }
    return usual | changed


def model(assumptions: Assumptions, scope: str = "MSFT", view: str = "infrastructure", **changed) -> Model:
    frames = {name: frame for name, frame in inputs(**changed).items() if name != "glut_signals"}
    found = models(**frames, as_of=AS_OF, assumptions=assumptions)
    return next(m for m in found if (m.scope, m.view) == (scope, view))


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
