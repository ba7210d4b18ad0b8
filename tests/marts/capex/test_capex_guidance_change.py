"""Guidance before and after an event: only what both dates have in common is summed."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from tests.conftest import with_provenance
from warehouse.marts import build
from warehouse.marts.capex import capex_guidance_change
from warehouse.marts.common.reasons import reason
from warehouse.tables import CORE

EVENT = date(2025, 1, 27)
NAME = "capex_guidance_change"


def said(*rows: tuple[str, int, date, float, float]) -> pl.DataFrame:
    """(ticker, fiscal year, day, low and high in billions), known the day it was said."""
    frame = pl.DataFrame(
        [
            {"ticker": t, "fiscal_year": y, "issued_on": d, "low_usd": int(lo * 1e9), "high_usd": int(hi * 1e9),
             "known_on": d, "grade": "C"}
            for t, y, d, lo, hi in rows
        ]
    )  # fmt: skip
    return with_provenance(CORE["capex_guidance"], frame)


def panel(**fiscal_year_end_month: int) -> pl.DataFrame:
    rows = [
        {
            "ticker": ticker,
            "company": ticker,
            "role": "buyer",
            "fiscal_year_end_month": month,
            "known_on": date(2020, 1, 1),
        }
        for ticker, month in fiscal_year_end_month.items()
    ]
    return with_provenance(CORE["companies"], pl.DataFrame(rows))


def changes(guidance: pl.DataFrame, companies: pl.DataFrame, assumptions, as_of: date = date(2025, 12, 31)) -> dict:
    facts = {"capex_guidance": guidance, "companies": companies}
    found = build(facts, as_of=as_of, assumptions=assumptions, only={NAME})[NAME]
    return {row["ticker"]: row for row in found.filter(pl.col("event_date") == EVENT).to_dicts()}


def test_snapshot_as_the_companies_said_it(facts, assumptions):
    """Meta 60-65 billion (2025-01-24), then 64-72 (2025-04-30); Microsoft 80 for the year to June 2025, nothing newer.

    Alphabet and Amazon first spoke of 2025 in February and so are not in the sum: 142.5 billion became 148.
    """
    found = changes(facts["capex_guidance"], facts["companies"], assumptions)
    assert (found["META"]["guidance_before_usd"], found["META"]["guidance_after_usd"]) == (62.5e9, 68e9)
    assert (found["MSFT"]["fiscal_year"], found["MSFT"]["change_usd"]) == (2025, 0.0)
    assert found["GOOGL"]["guidance_before_usd"] is None
    assert found["GOOGL"]["guidance_after_usd"] is not None
    assert (found["ALL"]["guidance_before_usd"], found["ALL"]["guidance_after_usd"]) == (142.5e9, 148e9)
    assert found["ALL"]["companies"] == "META, MSFT"
    assert found["ALL"]["grade"] == "C"


def test_a_row_of_grade_d_does_not_enter(assumptions):
    guidance = said(("META", 2025, date(2025, 1, 24), 60, 65), ("META", 2025, date(2025, 7, 1), 20, 20))
    hearsay = guidance.with_columns(grade=pl.when(pl.col("issued_on") > EVENT).then(pl.lit("D")).otherwise("grade"))
    found = changes(hearsay, panel(META=12), assumptions)
    assert found["META"]["change_usd"] == 0.0


def test_hearsay_of_the_snapshot_does_not_enter(facts, assumptions):
    """Meta's 66 to 72 billion of 2025-07-30 is graded D: seven months on, the 64 to 72 of April still is the last.

    Ten months on, the 70 to 72 of 2025-10-29 is.
    """
    for months, issued, middle in ((7, date(2025, 4, 30), 68e9), (10, date(2025, 10, 29), 71e9)):
        later = assumptions.replaced({"guidance_months": months})
        meta = changes(facts["capex_guidance"], facts["companies"], later)["META"]
        assert (meta["issued_after_on"], meta["guidance_after_usd"]) == (issued, middle)


def test_guidance_by_company_with_its_dates(facts, assumptions):
    """Every buyer of the panel has its row, with the days on which it spoke, or the reason why there is no change."""
    found = changes(facts["capex_guidance"], facts["companies"], assumptions)
    days = {ticker: (row["issued_before_on"], row["issued_after_on"]) for ticker, row in found.items()}
    assert days == {
        "ALL": (date(2025, 1, 24), date(2025, 4, 30)),
        "AMZN": (None, date(2025, 2, 6)),
        "GOOGL": (None, date(2025, 7, 23)),
        "META": (date(2025, 1, 24), date(2025, 4, 30)),
        "MSFT": (date(2025, 1, 3), date(2025, 1, 3)),
        "ORCL": (None, None),
    }
    assert all(row["reasons"] for ticker, row in found.items() if row["change_usd"] is None), "unknown says why"
    assert found["MSFT"]["reasons"] == [reason("no_newer_guidance")]


@pytest.mark.parametrize(("as_of", "known"), [(date(2025, 7, 26), False), (date(2025, 7, 27), True)])
def test_two_quarters_must_be_over(as_of, known, assumptions):
    guidance = said(("META", 2025, date(2025, 1, 24), 60, 65), ("META", 2025, date(2025, 4, 30), 50, 50))
    found = changes(guidance, panel(META=12), assumptions, as_of)
    assert found["ALL"]["change_usd"] == (-12.5e9 if known else None)
    assert (found["ALL"]["reasons"] is None) is known


def test_guidance_for_another_fiscal_year_is_not_a_change(assumptions):
    """In January 2025 the running year is 2025, whether it ends in June or December; plans for another do not count."""
    guidance = said(
        ("MSFT", 2025, date(2025, 1, 3), 80, 80),
        ("MSFT", 2026, date(2025, 7, 20), 30, 30),
        ("GOOGL", 2024, date(2024, 10, 30), 50, 50),
        ("GOOGL", 2025, date(2025, 2, 4), 75, 75),
    )
    found = changes(guidance, panel(MSFT=6, GOOGL=12), assumptions)
    assert found["ALL"]["change_usd"] == 0.0
    assert found["ALL"]["companies"] == "MSFT"
    assert found["GOOGL"]["change_usd"] is None


def test_said_after_two_quarters_changes_nothing(assumptions):
    early = (("META", 2025, date(2025, 1, 24), 60, 65),)
    late = (*early, ("META", 2025, date(2025, 7, 28), 10, 10))
    assert changes(said(*early), panel(META=12), assumptions) == changes(said(*late), panel(META=12), assumptions)


def test_no_company_at_both_dates_is_unknown_and_not_zero(assumptions):
    found = changes(said(("GOOGL", 2025, date(2025, 2, 4), 75, 75)), panel(GOOGL=12), assumptions)
    assert found["ALL"]["change_usd"] is None
    assert found["ALL"]["reasons"] == [reason("no_guidance_at_both_dates")]
    assert capex_guidance_change.GROUP == "ALL"
