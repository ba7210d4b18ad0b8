"""A title that states a finding is made of the rows that the chart shows."""

from __future__ import annotations

import polars as pl
import pytest

from warehouse.reports.site.pages.index import growth_title
from warehouse.reports.site.pages.spending import raised, since_a_year

SCHEMA = {"ticker": pl.String, "calendar_quarter": pl.String, "usd": pl.Float64}
SAID = {"every": "every", "some": "some", "none": "none", "unknown": "unknown"}


def quarters(**spent: list[float | None]) -> pl.DataFrame:
    """Spending of 2025Q1 to 2026Q1 by company."""
    names = ["2025Q1", "2025Q2", "2025Q3", "2025Q4", "2026Q1"]
    rows = [
        (ticker, name, value) for ticker, values in spent.items() for name, value in zip(names, values, strict=True)
    ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (quarters(A=[1, 9, 9, 9, 2], B=[1, 0, 0, 0, 1.5]), "every"),
        (quarters(A=[1, 9, 9, 9, 2], B=[2, 3, 3, 3, 1.5]), "some"),
        (quarters(A=[2, 1, 1, 1, 2], B=[2, 3, 3, 3, 1.5]), "none"),
        (quarters(A=[None, 1, 1, 1, 2]), "unknown"),
        (quarters(A=[1, 1, 1, 1, None]), "unknown"),  # the newest known quarter has none a year before
        (quarters(), "unknown"),
    ],
)
def test_the_newest_quarter_is_held_against_that_of_a_year_before(rows, said):
    assert since_a_year(rows, "usd", **SAID) == said


def growth(**views: tuple[float, float]) -> pl.DataFrame:
    """Growth needed in the middle, and the lowest seen, by way of counting revenue."""
    rows = []
    for view, (needed, seen) in views.items():
        rows += [
            (view, "point", None, needed, None),
            (view, "lower", None, 99.0, None),
            (view, None, "lowest", None, seen),
        ]
    names = {"revenue_view": pl.String, "bound": pl.String, "which": pl.String, "p50": pl.Float64, "seen": pl.Float64}
    return pl.DataFrame(rows, schema=names, orient="row")


def test_the_title_of_growth_follows_the_figures():
    titles = [
        growth_title(growth(a=(0.5, 0.6), b=(0.5, 0.6))),
        growth_title(growth(a=(0.5, 0.6), b=(0.5, 0.4))),
        growth_title(growth(a=(0.5, 0.4), b=(0.5, 0.4))),
        growth_title(growth()),
    ]
    assert len(set(titles)) == 4
    assert "faster" in titles[0]
    assert "slowly" in titles[2]


def plans(*given: tuple[str, int, str, float | None]) -> pl.DataFrame:
    """Plans by company, fiscal year and day; a figure without a high end is one of a single figure."""
    rows = [(ticker, year, day, low, None) for ticker, year, day, low in given]
    return pl.DataFrame(rows, schema=["ticker", "fiscal_year", "issued_on", "low_usd", "high_usd"], orient="row")


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (plans(("A", 2025, "2025-01", 5.0), ("A", 2025, "2025-07", 6.0)), "Every plan"),
        (plans(("A", 2025, "2025-07", 6.0), ("A", 2025, "2025-01", 5.0)), "Every plan"),  # in whatever order they come
        (plans(("A", 2025, "2025-01", 6.0), ("A", 2025, "2025-07", 5.0)), "Few plans"),
        (plans(("A", 2025, "2025-01", 6.0), ("A", 2026, "2025-07", 7.0)), "What the companies said"),
        (plans(("A", 2025, "2025-01", None)), "What the companies said"),
    ],
)
def test_the_title_of_plans_holds_the_last_of_a_year_against_the_first(rows, said):
    assert raised(rows.cast({"low_usd": pl.Float64, "high_usd": pl.Float64})).startswith(said)
