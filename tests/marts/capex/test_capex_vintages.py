"""Years of capex by arithmetic from the filings; a year that is running, missing or printed without its quarters."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from tests.conftest import with_provenance
from tests.marts.declared import failing
from tests.marts.made_up import mart_frame
from warehouse.assumptions import load
from warehouse.marts import build
from warehouse.marts.capex import capex_vintages
from warehouse.marts.common.reasons import reason
from warehouse.tables import CORE

AS_OF = date(2026, 11, 9)
MILLION = 1_000_000
CAPEX, LEASES = "purchases_of_property_and_equipment", "finance_lease_principal"


def quarters(*rows: tuple[str, float | None], ticker: str = "GOOGL", leases: float | None = 1.0, grade: str = "A"):
    """Quarters (`2025Q1`, millions of capex) of one company."""
    return mart_frame(
        "capex_quarterly",
        [
            {"ticker": ticker, "period_end": date(int(name[:4]), 3 * int(name[-1]), 28), "calendar_quarter": name,
             "capex_usd": None if usd is None else usd * MILLION,
             "finance_lease_principal_usd": None if leases is None else leases * MILLION,
             "capex_known_on": date(2026, 1, 1), "capex_grade": grade, "known_on": date(2026, 2, 1)}
            for name, usd in rows
        ],
    )  # fmt: skip


def panel(month: int | None = 12, ticker: str = "GOOGL") -> pl.DataFrame:
    row = {"ticker": [ticker], "company": ["Ex"], "role": ["buyer"], "fiscal_year_end_month": [month]}
    return with_provenance(CORE["companies"], pl.DataFrame(row, schema_overrides={"fiscal_year_end_month": pl.Int64}))


def printed(measure: str, year: int, usd: float, ticker: str = "GOOGL", **more: Any) -> pl.DataFrame:
    """A year as a filing prints it, in millions."""
    row = {"ticker": ticker, "measure": measure, "period_start": date(year, 1, 1), "period_end": date(year, 12, 31),
           "period_type": "year", "value_usd": int(usd * MILLION), "fiscal_year": year, "form": "10-K",
           "known_on": date(year + 1, 2, 1), "grade": "A"} | more  # fmt: skip
    return with_provenance(CORE["company_facts"], pl.DataFrame([row]))


def years(
    quarterly: pl.DataFrame, *facts: pl.DataFrame, month: int = 12, ticker: str = "GOOGL", as_of: date = AS_OF
) -> dict[int, dict[str, Any]]:
    frames = {
        "capex_quarterly": quarterly,
        "company_facts": pl.concat(facts) if facts else CORE["company_facts"].empty(),
        "companies": panel(month, ticker),
    }
    found = capex_vintages.MART.run(frames, as_of=as_of, assumptions=load())
    return {row["year"]: row for row in found.filter(pl.col("ticker") == ticker).to_dicts()}


# ---- Known answers: millions of dollars from the companies' own statements ---------------------------------------------


@pytest.mark.parametrize(
    ("ticker", "year", "capex"),
    [
        ("GOOGL", 2022, 31_485),  # 10-K of 2022
        ("GOOGL", 2023, 32_251),  # 10-K of 2023
        ("GOOGL", 2024, 52_535),  # 10-K of 2024
        ("META", 2023, 27_045),  # 10-K of 2024: without payments on finance leases
        ("META", 2024, 37_256),  # 10-K of 2024
        ("AMZN", 2024, 82_999),  # results of 2025: purchases of property and equipment
        # Microsoft's fiscal 2024 (44,477) and 2025 (64,551) are halves of other calendar years: six months each.
        ("MSFT", 2024, 10_952 + 13_873 + 14_923 + 15_804),
    ],
)
def test_years_of_the_filings(ticker, year, capex, facts, assumptions):
    found = build(facts, as_of=AS_OF, assumptions=assumptions, only={"capex_vintages"})["capex_vintages"]
    row = found.filter((pl.col("ticker") == ticker) & (pl.col("year") == year)).row(0, named=True)
    assert row["capex_usd"] == capex * MILLION
    assert row["quarters_known"] == 4


@pytest.mark.parametrize("day", [date(2024, 12, 26), date(2025, 7, 31), AS_OF])
def test_checks_hold_on_the_snapshot(day, facts, assumptions):
    found = build(facts, as_of=day, assumptions=assumptions, only={"capex_vintages"})["capex_vintages"]
    assert set(failing(capex_vintages.TABLE, found).values()) <= {0}
    assert found.height == 4 * (day.year - 2022 + 1)
    assert found.filter(pl.col("known_on") > day).is_empty()


# ---- Made up -----------------------------------------------------------------------------------------------------------


def test_four_quarters_are_a_year():
    row = years(quarters(("2025Q1", 1), ("2025Q2", 2), ("2025Q3", 3), ("2025Q4", 4)))[2025]
    assert (row["capex_usd"], row["finance_lease_principal_usd"]) == (10 * MILLION, 4 * MILLION)
    assert (row["made_of"], row["is_running"], row["reasons"]) == ("quarters", False, None)


def test_a_past_year_with_three_quarters_is_unknown_and_named():
    row = years(quarters(("2025Q1", 1), ("2025Q2", 2), ("2025Q3", 3), ("2025Q4", None)))[2025]
    assert row["capex_usd"] is None
    assert row["reasons"] == [reason("year_incomplete", year=2025, quarters=["2025Q4"], quarters_known=3)]
    assert row["grade"] is None


def test_the_running_year_counts_by_what_is_known():
    row = years(quarters(("2026Q1", 1), ("2026Q2", 2)))[2026]
    assert (row["capex_usd"], row["is_running"], row["quarters_known"]) == (3 * MILLION, True, 2)
    assert row["reasons"] == [reason("running_year_so_far", year=2026, quarters_known=2)]
    assert years(quarters(("2025Q4", 9)))[2026]["capex_usd"] is None


def test_leases_unknown_in_one_quarter_are_unknown_for_the_year():
    three = quarters(("2025Q1", 1), ("2025Q2", 2), ("2025Q3", 3))
    row = years(pl.concat([three, quarters(("2025Q4", 4), leases=None)]))[2025]
    assert (row["capex_usd"], row["finance_lease_principal_usd"]) == (10 * MILLION, None)


def test_a_printed_year_stands_in_for_its_quarters():
    row = years(quarters(("2023Q1", 1)), printed(CAPEX, 2023, 50), printed(LEASES, 2023, 5))[2023]
    assert (row["capex_usd"], row["finance_lease_principal_usd"]) == (50 * MILLION, 5 * MILLION)
    assert row["made_of"] == "year"
    assert row["known_on"] == date(2024, 2, 1)
    whole = quarters(("2023Q1", 1), ("2023Q2", 1), ("2023Q3", 1), ("2023Q4", 1))
    assert years(whole, printed(CAPEX, 2023, 50))[2023]["capex_usd"] == 4 * MILLION, "quarters come first"


def test_a_fiscal_year_that_is_not_the_calendars_stands_for_none():
    found = years(mart_frame("capex_quarterly", []), printed(CAPEX, 2023, 50, "MSFT"), month=6, ticker="MSFT")
    assert found[2023]["capex_usd"] is None


def test_hearsay_and_a_negative_year_do_not_count():
    none = mart_frame("capex_quarterly", [])
    assert years(none, printed(CAPEX, 2023, 50, grade="D"))[2023]["capex_usd"] is None
    assert years(none, printed(CAPEX, 2023, -50))[2023]["capex_usd"] is None


def test_the_weakest_quarter_grades_the_year():
    mixed = pl.concat([quarters(("2025Q1", 1), ("2025Q2", 2), ("2025Q3", 3)), quarters(("2025Q4", 4), grade="C")])
    assert years(mixed)[2025]["grade"] == "C"


def test_every_year_from_the_first_vintage_has_a_row():
    assert list(years(mart_frame("capex_quarterly", []))) == [2022, 2023, 2024, 2025, 2026]
    assert list(years(mart_frame("capex_quarterly", []), as_of=date(2021, 5, 5))) == []
