"""Years of capex: four quarters, the year as printed, or unknown with what is known so far; calendar and fiscal apart."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from tests.built import build
from tests.conftest import AS_OF
from tests.marts.capex.filings import MILLION, Fact, ends_of, fact, made, to_date
from tests.marts.declared import failing
from warehouse.assumptions import load
from warehouse.marts.capex import capex_yearly
from warehouse.marts.common.reasons import codes, reason


def years(rows: list[Fact], month: int = 12, kind: str = "calendar", as_of: date = AS_OF) -> dict[int, dict[str, Any]]:
    found = build(made(rows, month), as_of=as_of, assumptions=load(), only={"capex_yearly"})["capex_yearly"]
    assert set(failing(capex_yearly.TABLE, found).values()) <= {0}
    return {row["year"]: row for row in found.filter(pl.col("year_kind") == kind).to_dicts()}


def capex(row: dict[str, Any]) -> tuple[float | None, float | None, int, bool]:
    usd = [None if row[name] is None else row[name] / MILLION for name in ("capex_usd", "capex_so_far_usd")]
    return (*usd, row["quarters_known"], row["is_complete"])


def test_four_quarters_are_the_year():
    row = years(to_date(ends_of(12, 2025), [1, 2, 3, 4]))[2025]
    assert capex(row) == (10, 10, 4, True)
    assert (row["made_of"], row["capex_grade"]) == ("quarters", "A")


def test_a_running_year_is_unknown_with_what_is_known_so_far():
    row = years(to_date(ends_of(12, 2026), [1, 2, 3, 4]), as_of=date(2026, 9, 1))[2026]
    assert capex(row) == (None, 3, 2, False)
    assert row["reasons"][0] == reason("year_incomplete", quarters=["2026Q3", "2026Q4"], quarters_known=2)


def test_a_year_as_printed_stands_in_where_its_quarters_are_not_all_known():
    row = years(to_date(ends_of(12, 2025), [1, 2, 3, 4])[3:])[2025]
    assert capex(row) == (10, None, 0, True)
    assert (row["made_of"], codes(row["reasons"])[0]) == ("year", "year_as_printed")


def test_a_fiscal_year_holds_other_quarters_than_the_calendars():
    """A year to June 2025 has the second half of 2024 in it."""
    rows = to_date(ends_of(6, 2025), [1, 2, 3, 4]) + to_date(ends_of(6, 2026), [5, 6, 7, 8])
    assert capex(years(rows, 6, "fiscal")[2025]) == (10, 10, 4, True)
    found = years(rows, 6)
    assert capex(found[2025]) == (3 + 4 + 5 + 6, 18, 4, True)
    assert capex(found[2024]) == (None, 3, 2, False), "the fiscal year as printed is not the calendar's"


def test_revenue_and_leases_of_a_year_are_whole_or_null():
    ends = ends_of(12, 2025)
    sold = [fact(date(2025, 1, 1), ends[4], 90, date(2026, 2, 1), measure="revenue", tag="us-gaap:Revenues")]
    row = years(to_date(ends, [1, 2, 3, 4]) + sold)[2025]
    assert (row["revenue_usd"], row["finance_lease_assets_usd"]) == (90 * MILLION, None)
    assert codes(row["reasons"]) == ["year_without_leases"]


@pytest.mark.parametrize(
    ("kind", "year", "expected"),
    [
        ("calendar", 2025, {"GOOGL": 91_447, "META": 69_691, "AMZN": 131_819, "MSFT": 83_094}),
        ("fiscal", 2025, {"GOOGL": 91_447, "META": 69_691, "AMZN": 131_819, "MSFT": 64_551}),
    ],
)
def test_years_of_the_filings(kind, year, expected, facts, assumptions):
    """The annual reports of 2025 (Microsoft's of June 2025; its calendar year is four quarters of two of them)."""
    found = build(facts, as_of=AS_OF, assumptions=assumptions, only={"capex_yearly"})["capex_yearly"]
    own = found.filter(
        (pl.col("year_kind") == kind) & (pl.col("year") == year) & pl.col("ticker").is_in(list(expected))
    )
    assert dict(own.select("ticker", pl.col("capex_usd") / MILLION).iter_rows()) == expected
    assert set(failing(capex_yearly.TABLE, found).values()) <= {0}


def test_no_row_is_known_before_its_facts(facts, assumptions):
    day = date(2025, 1, 28)
    found = build(facts, as_of=day, assumptions=assumptions, only={"capex_yearly"})["capex_yearly"]
    assert found["known_on"].max() <= day
    assert (
        found.filter(pl.col("year") == 2024, pl.col("ticker").is_in(["META", "GOOGL", "AMZN"]))["is_complete"].any()
        is False
    )
