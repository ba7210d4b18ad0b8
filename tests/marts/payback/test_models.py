"""What goes into a model: vintages, revenue, drivers with the facts behind them, and what is said of those that are missing."""

from __future__ import annotations

from datetime import date

import polars as pl

from tests.conftest import with_provenance
from tests.marts.payback.cases import (
    model,
    revenue,
    vintages,
)
from warehouse.marts.common.reasons import reason
from warehouse.tables import CORE


def test_revenue_is_a_sum_over_entities(assumptions):
    """Triangular with a range, else the span of the facts known last; entities are drawn apart."""
    lines = revenue(("Microsoft", 10e9, 20e9, 30e9), ("Amazon AWS", None, 5e9, None))
    (driver,) = (d for d in model(assumptions, attributable_revenue=lines).drivers if d.name == "attributable_revenue")
    assert (driver.low, driver.central, driver.high) == (15e9, 25e9, 35e9)
    assert driver.facts == ("CC001", "CC000")
    tenfold = model(assumptions.replaced({"attributable_revenue": 10}), attributable_revenue=lines)
    assert next(d for d in tenfold.drivers if d.name == "attributable_revenue").central == 250e9


def test_finance_leases_count_where_asked_for_and_unknown_ones_are_named(assumptions):
    """A lease that is not known is no lease of nothing: the row says whose is missing."""
    with_leases = assumptions.replaced({"include_finance_leases": 1, "draws": 2000})
    both = pl.concat(
        [vintages({2025: 100_000_000_000}, leases=20_000_000_000), vintages({2025: 50_000_000_000}, "AMZN")]
    )
    assert model(with_leases, capex_vintages=both).capex_usd == (120e9,)
    assert model(assumptions, capex_vintages=both).capex_usd == (100e9,)
    group = model(with_leases, "ALL", capex_vintages=both)
    assert group.capex_usd == (170e9,)
    assert group.notes == (reason("capex_without_leases", vintages=[{"ticker": "AMZN", "year": 2025}]),)
    assert model(with_leases, capex_vintages=both).notes == ()


def test_evidence_rows_of_a_driver_carry_their_grade_and_day(assumptions):
    fact = with_provenance(
        CORE["evidence"],
        pl.DataFrame({"evidence_id": ["CC103"], "topic": ["useful_life"], "entity": ["Amazon"], "metric": ["life"],
                      "as_of_date": [date(2025, 1, 1)], "value": [5.0], "unit": ["years"],
                      "known_on": [date(2025, 2, 6)], "grade": ["C"]}),
    )  # fmt: skip
    life = next(d for d in model(assumptions, evidence=fact).drivers if d.name == "life")
    assert (life.grade, life.known_on) == ("C", date(2025, 2, 6))
    assert next(d for d in model(assumptions).drivers if d.name == "life").grade is None
    mine = model(assumptions.replaced({"life": 4}), evidence=fact)
    assert next(d for d in mine.drivers if d.name == "life").grade is None, "a user's number has no facts behind it"
