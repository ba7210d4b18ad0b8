"""Learning a driver alone: the share of twenty bins of its draws whose own verdict is another."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from tests.marts.declared import failing
from tests.marts.payback.cases import FEW, POINTS_Q2, bound, grown, revenue, run, share, vintages
from warehouse.marts.payback import value_of_information

MART = "value_of_information"


def of(assumptions, question="Q3", scope="MSFT", **changed) -> dict[str, dict]:
    found = run(assumptions, (MART,), **changed)[MART]
    assert set(failing(value_of_information.TABLE, found).values()) <= {0}
    return {row["driver"]: row for row in found.filter(scope=scope, question=question).to_dicts()}


def test_one_uncertain_driver_decides_alone(assumptions):
    """Nothing but the elasticity is drawn, uniformly from 0 to 2. A share of all with k = 4 is redundant by 1 - 4^(e-1), which is
    a quarter at e = 1 - ln(4/3) / ln 4 = 0.79; the median, at e = 1, is none and the 95th percentile more than a quarter.
    So a bin of e below 0.79 looks wasteful and one above does not: each of the twenty bins gives another verdict."""
    certain = assumptions.replaced({**POINTS_Q2, "elasticity": {"low": 0.0, "high": 2.0, "distribution": "uniform"},
                                    "draws": 20_000})  # fmt: skip
    found = of(certain, "Q2", training_share=share(flop=1e30))
    line = 1 - np.log(4 / 3) / np.log(4)
    assert found["elasticity"]["probability_of_change"] >= 0.95
    assert 0 < line < 2
    assert {name for name, row in found.items() if row["probability_of_change"]} == {"elasticity"}


def test_what_is_known_already_teaches_nothing(assumptions):
    assert of(assumptions.replaced({**FEW, "life": 5}))["life"]["probability_of_change"] == 0


def test_a_year_before_that_nobody_published_is_worth_learning(assumptions):
    """40 billion that recover the capital: below 37.5 % of it a year ago the newest spend earns more than the average."""
    lines = grown(40e9, None).with_columns(growth_stated=pl.lit(2.0))
    found = of(assumptions.replaced({"draws": 20_000}), attributable_revenue=lines)
    row = found["revenue_a_year_earlier"]
    assert row["changes_to"] == "on_course"
    assert row["probability_of_change"] == pytest.approx(0.375, abs=0.051)
    assert "a year earlier" in row["learn_from"]


def test_a_seller_between_its_bounds_is_a_row_of_its_own(assumptions):
    frames = {
        "attributable_revenue": revenue(bound("Google Cloud", 80e9), scope="GOOGL"),
        "capex_vintages": vintages({2024: 4, 2025: 4, 2026: 4}, "GOOGL"),
    }
    found = of(assumptions.replaced(FEW), scope="GOOGL", **frames)
    assert "attributable_revenue Google Cloud" in found
    assert found["attributable_revenue Google Cloud"]["learn_from"].startswith("AI revenue in the seller")


def test_every_driver_has_words(assumptions):
    found = run(assumptions.replaced(FEW), (MART,))[MART]
    assert found.filter(pl.col("learn_from").is_null()).is_empty()
