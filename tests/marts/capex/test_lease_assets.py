"""Assets obtained under finance leases: a quarter's own figure, else its part of the year's by cash capex."""

from __future__ import annotations

from datetime import date

import pytest

from tests.marts.capex.filings import MILLION, built, ends_of, fact, made, row_of, to_date

TAG = "us-gaap:RightOfUseAssetObtainedInExchangeForFinanceLeaseLiability"
ENDS = ends_of(12, 2025)
CAPEX = to_date(ENDS, [1, 2, 3, 4])


def leased(begin: int, end: int, value: float, known_on: date = date(2026, 2, 28)) -> dict:
    """Assets obtained from one quarter end to another, numbered from 0 (the year before's end)."""
    start = date(2025, 1, 1) if begin == 0 else date(2025, 3 * begin + 1, 1)
    return fact(start, ENDS[end], value, known_on, measure="finance_lease_assets_obtained", tag=TAG)


def by_quarter(*facts: dict) -> list[float | None]:
    found = built(made([*CAPEX, *facts]))
    values = [row_of(found, end)["finance_lease_assets_usd"] for end in ENDS[1:]]
    return [None if value is None else value / MILLION for value in values]


def test_a_year_is_spread_over_its_quarters_by_cash_capex():
    assert by_quarter(leased(0, 4, 20)) == pytest.approx([2, 4, 6, 8])
    row = row_of(built(made([*CAPEX, leased(0, 4, 20)])), ENDS[1])
    assert row["capex_with_leases_usd"] == pytest.approx(3 * MILLION)
    assert row["finance_lease_assets_derivation"] == "spread_over_year"
    assert row["leases_known_on"] == CAPEX[3]["known_on"], "the first quarter's part is known when the whole year is"
    assert set(row["leases_fact_ids"]) <= set(row["fact_ids"])


def test_quarters_that_filings_give_are_kept_and_the_rest_of_the_year_is_spread():
    assert by_quarter(leased(0, 1, 6), leased(0, 4, 24)) == pytest.approx([6, 4, 6, 8])
    assert by_quarter(leased(0, 1, 1), leased(0, 2, 3), leased(0, 3, 6), leased(0, 4, 10)) == [1, 2, 3, 4]


def test_ratios_count_the_leased_assets_and_not_the_principal_repaid():
    earned = fact(date(2025, 1, 1), ENDS[1], 30, date(2025, 5, 1), measure="revenue", tag="us-gaap:Revenues")
    repaid = fact(date(2025, 1, 1), ENDS[1], 9, date(2025, 5, 1), measure="finance_lease_principal", tag="us-gaap:F")
    row = row_of(built(made([*CAPEX, leased(0, 1, 5), earned, repaid])), ENDS[1])
    assert row["capex_with_leases_usd"] == 6 * MILLION
    assert row["capex_with_leases_to_revenue"] == pytest.approx(6 / 30)
    assert row["capex_to_revenue"] == pytest.approx(1 / 30)


@pytest.mark.parametrize("value", [9_000, 0])
def test_a_year_of_billions_does_not_overflow(value):
    """Billions times billions are more than a whole number holds."""
    assert sum(by_quarter(leased(0, 4, value * 1000))) == pytest.approx(value * 1000)


def test_a_year_that_cannot_be_spread_is_unknown_and_never_zero():
    assert by_quarter() == [None] * 4
    assert by_quarter(leased(0, 1, 30), leased(0, 4, 24)) == [None] * 4, "more in a quarter than in its year"
    without = built(made([*CAPEX[:1], *CAPEX[3:], leased(0, 4, 20)]))
    assert row_of(without, ENDS[1])["finance_lease_assets_usd"] is None, "capex of two quarters is unknown"


def test_before_the_year_is_filed_its_quarters_are_cash_only():
    found = built(made([*CAPEX, leased(0, 4, 20)]), as_of=date(2026, 2, 27))
    row = row_of(found, ENDS[1])
    assert (row["capex_usd"], row["finance_lease_assets_usd"], row["capex_with_leases_usd"]) == (MILLION, None, None)
