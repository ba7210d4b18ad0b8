"""The first query that comes to mind is right: ten questions of an analyst, each with values known from outside.

Capital expenditure is that of the companies' annual reports, closes are the exchange's, GPU-hours those of the papers.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pytest

from warehouse.cli.layout import laid_out
from warehouse.database import reading as reading_gate
from warehouse.database.releases import reading
from warehouse.paths import WAREHOUSE

WRONG = {"SC07", "SC15", "SC23", "SC24", "SC25", "SC35"}


@pytest.fixture(scope="module")
def warehouse(published):
    home, _ = published
    with reading(Path(home) / WAREHOUSE) as connection:
        yield connection


def ask(warehouse: duckdb.DuckDBPyConnection, query: str) -> list[tuple]:
    return warehouse.execute(query).fetchall()


def test_capex_of_a_year_by_company(warehouse):
    """10-K of 2025, purchases of property and equipment: Alphabet 91.447, Amazon 131.819, Meta 69.691 billion dollars."""
    rows = dict(ask(warehouse, "select ticker, capex_usd from capex_by_year where year = 2025"))
    assert (rows["GOOGL"], rows["AMZN"], rows["META"]) == (91.447e9, 131.819e9, 69.691e9)
    [(together,)] = ask(
        warehouse,
        "select sum(capex_usd) from capex_by_year where year = 2025 and ticker in ('GOOGL', 'AMZN', 'META')",
    )
    assert together == 91.447e9 + 131.819e9 + 69.691e9


def test_the_sum_of_quarters_is_the_year(warehouse):
    by_quarter = ask(
        warehouse,
        "select sum(capex_usd) from capex where ticker = 'AMZN' and calendar_quarter like '2025%'",
    )
    assert by_quarter == [(131.819e9,)]


def test_a_year_that_is_not_over_is_unknown_and_not_small(warehouse):
    [(year, so_far)] = ask(
        warehouse, "select capex_usd, capex_so_far_usd from capex_by_year where ticker = 'AMZN' and year = 2026"
    )
    assert year is None
    # first two quarters: 44.203 and 54.208 billion dollars
    assert so_far == pytest.approx(98.411e9)


def test_price_of_an_h100_by_quarter_and_class(warehouse):
    """July 2024 is the only month of its quarter with three specialists: Lambda 3.49, RunPod 3.99, Paperspace 5.95."""
    rows = ask(
        warehouse,
        "select calendar_quarter, provider_class, median_usd_per_gpu_hour, months_with_price from gpu_price_by_quarter "
        "where gpu_model = 'H100 SXM' and pricing_kind = 'on_demand'",
    )
    found = {(quarter, kind): (price, months) for quarter, kind, price, months in rows}
    assert len(found) == len(rows)
    price, months = found["2024Q3", "specialist"]
    assert months == 1
    assert price == 3.99


def test_who_fell_by_more_than_a_tenth_and_came_back(warehouse):
    """Nvidia closed at 142.62 on 24 January, at 118.42 on the 27th, and at 142.63 on 9 June."""
    rows = ask(
        warehouse,
        "select ticker, actual_return, came_back, recovered_on from market_day where actual_return < -0.1",
    )
    found = {ticker: values for ticker, *values in rows}
    assert len(found) == len(rows) == 23
    fell, came_back, recovered_on = found["NVDA"]
    assert fell == pytest.approx(118.42 / 142.62 - 1, abs=1e-3)
    assert (came_back, recovered_on) == (True, date(2025, 6, 9))
    assert found["VRT"][1:] == [False, None]


@pytest.mark.parametrize(
    ("model", "gpu_hours", "usd_per_gpu_hour", "flop"),
    [
        ("DeepSeek-V3", 2.788e6, 2.99, 3.3e24),
        ("GPT-4", 57e6, 2.22, 2.1e25),
        ("Llama 3.1 405B", 30.84e6, 3.99, 3.8e25),
    ],
)
def test_cost_of_an_operation(warehouse, model, gpu_hours, usd_per_gpu_hour, flop):
    """Hours and operations as published, prices the middle offers of the months around each model."""
    [(hours, operations, cost, each)] = ask(
        warehouse,
        "select gpu_hours, training_flop, cost_mid_usd, cost_mid_usd_per_exaflop from model_costs "
        f"where model = '{model}'",
    )
    assert (hours, operations) == (gpu_hours, flop)
    assert cost == pytest.approx(gpu_hours * usd_per_gpu_hour)
    assert each == pytest.approx(gpu_hours * usd_per_gpu_hour / flop * 1e18)


def test_closes_of_nvidia(warehouse):
    rows = ask(warehouse, "select date, close from stock_prices where ticker = 'NVDA' order by date")
    found = dict(rows)
    assert len(found) == len(rows)
    assert (found[date(2025, 1, 24)], found[date(2025, 1, 27)]) == (142.62, 118.42)


def test_grade_c_in_the_capex_of_2026(warehouse):
    """One row: its cash flow is from the secondary press, its capex from filings."""
    rows = ask(
        warehouse,
        "select ticker, calendar_quarter, capex_grade from capex where calendar_quarter like '2026%' and grade = 'C'",
    )
    assert rows == [("AMZN", "2026Q1", "A")]


def test_revisions_of_guidance(warehouse):
    rows = ask(
        warehouse,
        "select ticker, issued_on, change_usd from guidance_history where fiscal_year = 2026 and change_usd <> 0",
    )
    found = {(ticker, day): change for ticker, day, change in rows}
    assert found["META", date(2026, 7, 29)] == 2.5e9
    assert found["GOOGL", date(2026, 7, 22)] == 15e9
    assert not [ticker for ticker, _ in found if ticker == "MSFT"]


def test_wrong_claims(warehouse):
    assert {claim for (claim,) in ask(warehouse, "select claim_id from claims where finding = 'wrong'")} == WRONG


def test_capex_to_revenue_by_fiscal_year(warehouse):
    """Microsoft's 10-K of June 2025: 64.551 of 281.724 billion dollars; Meta's of 2025: 69.691 of 200.965."""
    rows = ask(
        warehouse,
        "select ticker, capex_to_revenue from capex_by_fiscal_year where fiscal_year = 2025",
    )
    found = dict(rows)
    assert len(found) == len(rows)
    assert found["MSFT"] == pytest.approx(64.551 / 281.724)
    assert found["META"] == pytest.approx(69.691 / 200.965)


def test_coverage_of_microsoft_with_its_interval(warehouse):
    """37 billion dollars of AI revenue a year, disclosed, over what its spending needs."""
    [(low, middle, high, has, needs)] = ask(
        warehouse,
        "select coverage_low, coverage_mid, coverage_high, attributable_mid_usd, required_mid_usd from coverage "
        "where scope = 'MSFT'",
    )
    assert low < middle < high
    assert has == 37e9
    assert middle == pytest.approx(has / needs, rel=1e-3)


def test_the_contents_begin_with_what_to_ask_first(warehouse):
    rows = ask(warehouse, "select use, name, one_row, holds from contents")
    assert [use for use, *_ in rows[:3]] == ["ask first"] * 3
    assert {"capex", "capex_by_year", "coverage", "market_day"} <= {
        name for use, name, *_ in rows if use == "ask first"
    }
    shown = {name for (name,) in ask(warehouse, "show tables")}
    assert {name for _, name, *_ in rows} == shown - {"contents"}


def test_show_tables_begins_with_what_to_ask_first(warehouse):
    """In the program; in DuckDB itself the list is by the alphabet."""
    read = reading_gate.one(warehouse, "-- what is there?\nshow tables;")
    rows = reading_gate.execute(warehouse, read).fetchall()
    assert [name for name, *_ in rows[:3]] == ["capex", "capex_by_fiscal_year", "capex_by_year"]
    assert len(rows) == len(ask(warehouse, "from contents"))


SEEN_FIRST = {
    "capex": ("ticker", "calendar_quarter", "capex_usd"),
    "capex_by_year": ("ticker", "year", "capex_usd", "capex_so_far_usd"),
    "capex_by_fiscal_year": ("ticker", "fiscal_year", "capex_usd", "capex_to_revenue"),
    "claims": ("claim_id", "finding", "statement"),
    "coverage": ("scope", "revenue_view", "coverage_low", "coverage_mid", "coverage_high"),
    "gpu_price_by_month": ("month", "gpu_model", "provider_class", "median_usd_per_gpu_hour"),
    "gpu_price_by_quarter": ("calendar_quarter", "gpu_model", "provider_class", "median_usd_per_gpu_hour"),
    "guidance_history": ("ticker", "fiscal_year", "issued_on", "low_usd", "high_usd"),
    "market_day": ("ticker", "actual_return", "abnormal_return", "came_back"),
    "model_costs": ("model", "cost_mid_usd", "cost_mid_usd_per_exaflop"),
    "promises_kept": ("table_name", "state", "age", "at_most"),
    "source_age": ("source", "age_days", "newest_fact_on"),
}
"""What a view is asked for: whose figure, of when, and the figure."""


@pytest.mark.parametrize("width", [80, 100])
@pytest.mark.parametrize("view", SEEN_FIRST)
def test_all_of_a_view_shows_what_it_is_asked_for_where_little_fits(warehouse, view, width):
    found = warehouse.execute(f"select * from {view} limit 40")
    names, rows = [name for name, *_ in found.description], found.fetchall()
    assert not {*SEEN_FIRST[view]} & {*laid_out(names, rows, width).left_out}
