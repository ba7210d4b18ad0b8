"""The notebook answers its three questions on what a run has published, with charts that have something to show."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.runs import query, settings

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "three_questions.py"


@pytest.fixture(scope="module")
def cells(published) -> dict[str, Any]:
    """What the cells of the notebook define, once all have run."""
    with settings(published[0]):
        _, defined = runpy.run_path(str(NOTEBOOK))["app"].run()
    return dict(defined)


def test_spending_is_that_of_the_four_buyers_in_billions(cells, published):
    spend = cells["spend"]
    assert spend.get_column("company").n_unique() == 4
    [(usd,)] = query(
        published[0],
        "select capex_usd from marts.capex_quarterly where ticker = 'MSFT' and calendar_quarter = '2024Q4'",
    )
    found = spend.filter(pl.col("calendar_quarter") == "2024Q4", pl.col("company") == "Microsoft")
    assert found.get_column("capex_billion_usd").to_list() == pytest.approx([usd / 1e9])
    assert cells["latest"].height == 4


def test_the_day_is_ordered_from_the_deepest_fall(cells):
    fell = cells["day"].get_column("abnormal_return")
    assert fell.len() == 15
    assert fell.is_sorted()
    assert fell[0] < -0.1


def test_rents_have_a_median_within_the_middle_half(cells):
    rents = cells["rents"]
    low, middle, high = (rents.get_column(f"{name}_usd_per_gpu_hour") for name in ("p25", "median", "p75"))
    assert rents.height > 12
    assert (low <= middle).all()
    assert (middle <= high).all()


@pytest.mark.parametrize("name", ["spend_chart", "day_chart", "rents_chart"])
def test_a_chart_draws_its_frame(cells, name):
    drawn = cells[name].to_dict()
    assert any(rows for rows in drawn["datasets"].values())
    assert drawn["width" if "width" in drawn else "layer"]
