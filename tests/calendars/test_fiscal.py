"""Fiscal periods of companies whose years end in other months, as their filings name them."""

from datetime import date, timedelta

import duckdb
import polars as pl
import pytest

from warehouse.calendars.fiscal import LENGTHS_DAYS, calendar_quarter, fiscal_quarter, fiscal_year, period_type
from warehouse.tables.company_facts import TABLE


@pytest.mark.parametrize(
    ("month", "start", "end", "year", "quarter", "kind", "calendar"),
    [
        # NVIDIA: the year ends on the last Sunday of January; its third quarter of fiscal 2025 ended on 2024-10-27
        (1, date(2024, 7, 29), date(2024, 10, 27), 2025, 3, "quarter", "2024Q3"),
        (1, date(2024, 1, 29), date(2025, 1, 26), 2025, 4, "year", "2024Q3"),
        # Apple: last Saturday of September; the second quarter of 2023 ended on 2023-04-01
        (9, date(2023, 1, 1), date(2023, 4, 1), 2023, 2, "quarter", "2023Q1"),
        (9, date(2022, 9, 25), date(2022, 12, 31), 2023, 1, "quarter", "2022Q4"),
        # Microsoft: June
        (6, date(2025, 7, 1), date(2025, 9, 30), 2026, 1, "quarter", "2025Q3"),
        (6, date(2024, 7, 1), date(2025, 3, 31), 2025, 3, "nine_months", "2024Q4"),
        # Oracle: May; its first quarter of fiscal 2026 ended on 2025-08-31
        (5, date(2025, 6, 1), date(2025, 8, 31), 2026, 1, "quarter", "2025Q3"),
        (5, date(2024, 6, 1), date(2025, 5, 31), 2025, 4, "year", "2024Q4"),
        # Amazon prints twelve months to June: a year, but not its fiscal one
        (12, date(2024, 7, 1), date(2025, 6, 30), 2025, 2, "trailing_year", "2024Q4"),
        (12, date(2025, 1, 1), date(2025, 6, 30), 2025, 2, "half_year", "2025Q2"),
        (12, None, date(2025, 12, 31), 2025, 4, "instant", None),
    ],
)
def test_period(month, start, end, year, quarter, kind, calendar):
    frame = pl.DataFrame(
        {"period_start": [start], "period_end": [end], "fiscal_year_end_month": [month]},
        schema={"period_start": pl.Date, "period_end": pl.Date, "fiscal_year_end_month": pl.Int64},
    ).with_columns(fiscal_year=fiscal_year(), fiscal_quarter=fiscal_quarter())
    frame = frame.with_columns(period_type=period_type(), calendar_quarter=calendar_quarter())
    assert frame.select("fiscal_year", "fiscal_quarter", "period_type", "calendar_quarter").row(0) == (
        year, quarter, kind, calendar,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("weeks", "kind"),
    [(12, "quarter"), (13, "quarter"), (14, "quarter"), (26, "half_year"), (27, "half_year"), (39, "nine_months"),
     (40, "nine_months"), (52, "year"), (53, "year"), (1, "other"),
     # Quarters of 12, 12, 12 and 16 or 17 weeks, or of 16, 12, 12 and 12.
     (16, "quarter"), (17, "quarter"), (24, "half_year"), (28, "half_year"), (36, "nine_months"),
     (18, "other"), (30, "other"), (35, "other"), (43, "other"), (48, "other")],
)  # fmt: skip
def test_a_period_of_so_many_weeks(weeks, kind):
    end = date(2025, 12, 31)
    frame = pl.DataFrame({"period_start": [end - timedelta(weeks=weeks, days=-1)], "period_end": [end]})
    frame = frame.with_columns(fiscal_quarter=pl.lit(4))
    assert frame.select(period_type()).item() == kind


@pytest.mark.parametrize("kind", LENGTHS_DAYS)
def test_the_check_of_the_table_allows_what_the_parser_calls_so_and_no_more(kind):
    """Both went by lists of their own once, and disagreed."""
    (check,) = [check for check in TABLE.checks if check.name == "length_of_the_period"]
    condition = check.unexpected
    shortest, longest = LENGTHS_DAYS[kind]
    end = date(2025, 12, 31)
    lengths = range(60, 400)
    rows = [
        {"period_start": end - timedelta(days=days - 1), "period_end": end, "period_type": kind} for days in lengths
    ]
    frame = pl.DataFrame(rows)
    bad = [found for (found,) in duckdb.sql(f"SELECT ({condition}) IS TRUE FROM frame").fetchall()]
    quarter = 2 if kind == "trailing_year" else 4
    named = frame.with_columns(fiscal_quarter=pl.lit(quarter)).select(period_type()).to_series().to_list()
    assert bad == [name != kind for name in named] == [not shortest <= days <= longest for days in lengths]
