"""Frames made up for the tests of the verdict: each says just what a test needs and nothing more.

Where a mart's frame is made up, its own declared table gives the columns, so that a renamed column fails here.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl

from tests.conftest import with_provenance
from warehouse.assumptions import Assumptions
from warehouse.marts import all_marts
from warehouse.marts.common.reasons import reason
from warehouse.marts.common.scopes import COMPANIES, SCOPES, VIEWS
from warehouse.marts.verdict import verdict, verdict_conditions
from warehouse.tables import CORE

AS_OF = date(2026, 11, 9)
KNOWN = date(2026, 1, 1)
EVENT = date(2025, 1, 27)
Frames = dict[str, pl.DataFrame]


def mart_frame(name: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Rows of a mart, other columns null."""
    table = all_marts()[name].table
    unknown = {key for row in rows for key in row} - set(table.names)
    assert not unknown, f"{name} has no {unknown}"
    if "bound" in table.names:
        rows = [{"bound": "point", **row} for row in rows]
    return pl.DataFrame(rows, schema=dict(table.polars_schema)) if rows else table.empty()


def claims(*, stated_as: str | None = "programme_cost", claimed: str = "6000000") -> pl.DataFrame:
    """SC11 about the training cost of R1, and SC24 about the quantity `stated_as` (left out where None)."""
    ids = {"SC11": "training_cost"} | ({"SC24": stated_as} if stated_as else {})
    rows = [
        {
            "claim_id": claim,
            "statement": "R1 cost less than six million",
            "speaker": "article",
            "statement_date": date(2025, 1, 28),
            "quantity": quantity,
            "unit": "USD",
            "value_claimed": claimed,
            "check_kind": "computed",
        }
        for claim, quantity in ids.items()
    ]
    return with_provenance(CORE["article_claims"], pl.DataFrame(rows))


def costs(low_v3: float | None, low_r1: float | None = 400_000.0, *, grade: str = "B") -> pl.DataFrame:
    """V3's final run at `low_v3` dollars, and R1's increment (left out where None)."""
    runs = {"DeepSeek-V3": low_v3} | ({"DeepSeek-R1 (increment over V3)": low_r1} if low_r1 is not None else {})
    return mart_frame(
        "training_cost",
        [
            {
                "run_id": model,
                "model": model,
                "cost_scope": "final_run_rental",
                "gpu_hours": 2.788e6,
                "cost_low_usd": low,
                "cost_high_usd": None if low is None else 2 * low,
                "is_component": False,
                "grade": grade,
                "reasons": [reason("no_fact")] if low is None else None,
            }
            for model, low in runs.items()
        ],
    )


def years(**is_lower_bound: bool) -> pl.DataFrame:
    """Years of training, `y2025=False` for a year that is no lower bound."""
    return mart_frame(
        "training_share",
        [
            {
                "year": int(year[1:]),
                "training_share": 0.02,
                "disclosure_rate": 0.5,
                "is_lower_bound": lower,
                "grade": "C",
            }
            for year, lower in is_lower_bound.items()
        ],
    )


def simulation(p05: float | None, p50: float | None, p95: float | None) -> list[dict[str, Any]]:
    """Rows of the redundant share for every scope, the gross figure twice the net one."""
    return [
        {"scope": scope, "revenue_view": "none", "quantity": quantity,
         **{name: None if share is None else k * share for name, share in (("p05", p05), ("p50", p50), ("p95", p95))},
         "grade": "C"}
        for scope in SCOPES
        for quantity, k in (("redundant_capex_share", 1), ("redundant_capex_share_gross", 2))
    ]  # fmt: skip


def probabilities(
    scope: str, view: str, grows: float | None, earns: float | None, short: float | None, *reasons: str
) -> list[dict]:
    """P(the lowest growth recovers the capital) and P(the newest spend earns more) at the lower bound of revenue, and
    P(it falls short) at the upper one, of one scope and view."""
    events = {
        ("breakeven_within_lowest_growth", "lower"): grows,
        ("marginal_above_coverage", "lower"): earns,
        ("falls_short", "upper"): short,
    }
    return [
        {
            "scope": scope,
            "revenue_view": view,
            "bound": bound,
            "event": event,
            "probability": probability,
            "grade": "C",
            "reasons": reasons or None,
        }
        for (event, bound), probability in events.items()
    ]


def every_view(grows: float | None, earns: float | None, short: float | None, *reasons: str) -> list[dict]:
    return [
        row
        for scope in SCOPES
        for view in VIEWS[scope]
        for row in probabilities(scope, view, grows, earns, short, *reasons)
    ]


def revenue() -> pl.DataFrame:
    """One disclosed line for every scope and view."""
    return mart_frame(
        "attributable_revenue",
        [
            {
                "scope": scope,
                "revenue_view": view,
                "entity": "everyone",
                "evidence_id": "CC000",
                "used_as": "disclosed",
                "counted": True,
                "grade": "C",
                "known_on": KNOWN,
            }
            for scope in SCOPES
            for view in VIEWS[scope]
        ],
    )


def covered(share: float | None) -> pl.DataFrame:
    rows = [] if share is None else [{"calendar_quarter": "2026Q2", "coverage_share": share, "grade": "C"}]
    return mart_frame("capex_group", rows)


def glut(triggered: dict[str, bool | None]) -> pl.DataFrame:
    """The four signals; those not named are unknown."""
    return mart_frame(
        "glut_signals",
        [
            {
                "signal": signal,
                "quantity": signal,
                "comparison": ">=",
                "threshold": 1.0,
                "unit": "signals",
                "value": None if triggered.get(signal) is None else float(triggered[signal]),
                "triggered": triggered.get(signal),
                "grade": None if triggered.get(signal) is None else "C",
                "known_on": None if triggered.get(signal) is None else KNOWN,
                "reasons": [reason("no_fleet_utilisation")] if triggered.get(signal) is None else None,
            }
            for signal in ("rental_prices", "idle_fleet", "falling_backlog", "impairments")
        ],
    )


def returns(
    car: dict[tuple[int, int], tuple[float, float] | None], smallest: float = 0.05, day_0: float | None = -0.12
) -> Frames:
    """Abnormal return and p-value of the suppliers' portfolio by window; None for a window that is not over.

    `smallest` is the smallest CAR that each window's test finds, `day_0` the abnormal return of the event day.
    """
    same = {"event_date": EVENT, "benchmark": "SPY", "model": "market_model", "return_kind": "simple", "grade": "A"}
    windows = {window: found or (None, None) for window, found in car.items()}
    study = [
        {
            **same,
            "ticker": "portfolio:supplier",
            "window_start": first,
            "window_end": last,
            "abnormal_return": found,
            "smallest_detectable_car": None if found is None else smallest,
            "standard_error": None if found is None else smallest / 2.8126,
            "degrees_of_freedom": 248,
        }
        for (first, last), (found, _) in {**windows, (0, 0): (day_0, None)}.items()
    ]
    tests = [
        {**same, "grouping": "supplier", "test": "portfolio", "window_start": first, "window_end": last, "p_value": p}
        for (first, last), (_, p) in windows.items()
    ]
    return {
        "event_study": mart_frame("event_study", study),
        "event_study_tests": mart_frame("event_study_tests", tests),
    }


def guidance(change_usd: float | None) -> pl.DataFrame:
    """The sum over two buyers that guided at both dates, and each company a quarter of it."""
    parts = {"ALL": 1.0} | {ticker: 0.25 for ticker in COMPANIES}
    return mart_frame(
        "capex_guidance_change",
        [
            {
                "event_date": EVENT,
                "ticker": ticker,
                "change_usd": None if change_usd is None else part * change_usd,
                "companies": ["META", "MSFT"] if ticker == "ALL" else [ticker],
                "known_on": KNOWN,
                "grade": "C",
                "reasons": [reason("no_guidance_to_compare")] if change_usd is None else None,
            }
            for ticker, part in parts.items()
        ],
    )


def frames(**changed: Any) -> Frames:
    """A complete set that decides every question, with some frames changed."""
    whole = {
        "article_claims": claims(),
        "training_cost": costs(7e6),
        "training_share": years(y2025=False),
        "training_share_own": mart_frame("training_share_own", []),
        "waste_simulation": mart_frame("waste_simulation", simulation(-0.02, 0.02, 0.1)),
        "waste_probabilities": mart_frame("waste_probabilities", every_view(0.9, 0.9, 0.0)),
        "waste_sensitivity": mart_frame("waste_sensitivity", []),
        "value_of_information": mart_frame("value_of_information", []),
        "attributable_revenue": revenue(),
        "capex_group": covered(0.97),
        "glut_signals": glut({}),
        **returns({(0, 1): (-0.15, 0.001), (0, 10): (-0.02, 0.8), (2, 10): (0.13, 0.01)}),
        "capex_guidance_change": guidance(5e9),
    }
    return {**whole, **changed}


def conditions_of(given: Frames, assumptions: Assumptions, as_of: date = AS_OF) -> pl.DataFrame:
    return verdict_conditions.MART.run(given, as_of=as_of, assumptions=assumptions)


def verdicts_of(given: Frames, assumptions: Assumptions, as_of: date = AS_OF) -> dict[tuple[str, str], dict[str, Any]]:
    """Verdict rows by (scope, question)."""
    conditions = conditions_of(given, assumptions, as_of)
    found = verdict.MART.run({"verdict_conditions": conditions}, as_of=as_of, assumptions=assumptions)
    return {(row["scope"], row["question"]): row for row in found.to_dicts()}
