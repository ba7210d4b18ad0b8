"""Guidance around an event: the first after it against the last before it, or against the year before."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from tests.built import build
from tests.conftest import with_provenance
from tests.marts.declared import failing
from warehouse.marts.capex.capex_guidance_change import GROUP, MART
from warehouse.marts.common.reasons import codes, read
from warehouse.tables import CORE

EVENT = date(2025, 1, 27)
NAME = "capex_guidance_change"


def said(*rows: tuple) -> pl.DataFrame:
    """(ticker, year, day, low and high in billions[, basis[, kind of year]]), known the day it was said."""
    frame = pl.DataFrame(
        [
            {"ticker": t, "fiscal_year": y, "issued_on": d, "low_usd": int(lo * 1e9), "high_usd": int(hi * 1e9),
             "known_on": d, "grade": "C", "basis": (*rest, None)[0], "year_kind": (*rest, None, None)[1]}
            for t, y, d, lo, hi, *rest in rows
        ],
        schema_overrides={"basis": pl.String, "year_kind": pl.String},
    )  # fmt: skip
    return with_provenance(CORE["capex_guidance"], frame)


def spent(*rows: tuple[str, int, float], measure: str = "purchases_of_property_and_equipment") -> pl.DataFrame:
    """(ticker, calendar year, billions) as filed in the February after it, graded A."""
    frame = pl.DataFrame(
        [
            {"ticker": t, "measure": measure, "period_start": date(y, 1, 1), "period_end": date(y, 12, 31),
             "period_type": "year", "fiscal_year": y, "value_usd": int(usd * 1e9), "known_on": date(y + 1, 2, 5)}
            for t, y, usd in rows
        ]
    )  # fmt: skip
    return with_provenance(CORE["company_facts"], frame)


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


def changes(
    guidance: pl.DataFrame,
    companies: pl.DataFrame,
    assumptions,
    *,
    filed: pl.DataFrame | None = None,
    as_of: date = date(2025, 12, 31),
    event: date = EVENT,
) -> dict:
    facts = {"capex_guidance": guidance, "companies": companies}
    if filed is not None:
        facts["company_facts"] = filed
    changed = assumptions.replaced({"events": {"value": {event.isoformat(): "made up"}}})
    found = build(facts, as_of=as_of, assumptions=changed, only={NAME})[NAME]
    return {row["ticker"]: row for row in found.to_dicts()}


@pytest.fixture(scope="module")
def of_snapshot(facts, assumptions) -> dict:
    return changes(facts["capex_guidance"], facts["companies"], assumptions, filed=facts["company_facts"])


def test_snapshot_as_the_companies_said_it(of_snapshot):
    """Meta 60-65 billion (2025-01-24), then 64-72 (2025-04-30). The others had not spoken of their year before.

    Alphabet said 75 on 4 February 2025 and had spent 52.535 in 2024, Amazon 100 to 105 after 82.999, Oracle 16 after
    6.866 in its year to May 2024: 5.5 + 22.465 + 19.501 + 9.134 = 56.6 billion more.
    """
    both = {t: (row["base_usd"], row["guidance_after_usd"]) for t, row in of_snapshot.items() if row["base_usd"]}
    assert both == {
        "META": (62.5e9, 68e9),
        "GOOGL": (52.535e9, 75e9),
        "AMZN": (82.999e9, 102.5e9),
        "ORCL": (6.866e9, 16e9),
        "ALL": (pytest.approx(204.9e9), 261.5e9),
    }
    assert of_snapshot["ALL"]["change_usd"] == pytest.approx(56.6e9)
    assert of_snapshot["ALL"]["companies"] == ["AMZN", "GOOGL", "META", "ORCL"]
    assert {t: row["held_against"] for t, row in of_snapshot.items()} == {
        "META": "earlier_guidance",
        **dict.fromkeys(("GOOGL", "AMZN", "ORCL"), "last_years_capex"),
        "MSFT": None,
        "ALL": None,
    }
    assert of_snapshot["ALL"]["grade"] == "C"


def test_microsoft_gave_80_billion_and_then_nothing_newer_for_that_year(of_snapshot):
    """Its next words in the snapshot are of calendar 2026: another year makes no change."""
    row = of_snapshot["MSFT"]
    assert (row["guidance_before_usd"], row["guidance_after_usd"], row["change_usd"]) == (80e9, None, None)
    assert codes(row["reasons"]) == ["no_guidance_after_event"]
    assert of_snapshot["ALL"]["companies_left_out"] == ["MSFT"]
    assert read(of_snapshot["ALL"]["reasons"][0])["tickers"] == ["MSFT"]


def test_it_is_the_first_word_after_the_event_that_counts(assumptions):
    """70 in April, then 50 in July: the first answer is what the event did, the second is another quarter's news."""
    early = (("META", 2025, date(2025, 1, 24), 60, 60), ("META", 2025, date(2025, 4, 30), 70, 70))
    late = (*early, ("META", 2025, date(2025, 7, 30), 50, 50))
    for rows in (early, late):
        assert changes(said(*rows), panel(META=12), assumptions)["META"]["change_usd"] == 10e9


def test_a_word_of_the_event_day_is_one_before_it(assumptions):
    rows = (("META", 2025, EVENT, 60, 60), ("META", 2025, date(2025, 1, 28), 40, 40))
    row = changes(said(*rows), panel(META=12), assumptions)["META"]
    assert (row["issued_before_on"], row["issued_after_on"], row["change_usd"]) == (EVENT, date(2025, 1, 28), -20e9)


@pytest.mark.parametrize(("as_of", "known"), [(date(2025, 4, 29), False), (date(2025, 4, 30), True)])
def test_guidance_counts_from_its_day(as_of, known, assumptions):
    guidance = said(("META", 2025, date(2025, 1, 24), 60, 65), ("META", 2025, date(2025, 4, 30), 50, 50))
    found = changes(guidance, panel(META=12), assumptions, as_of=as_of)
    assert found["ALL"]["change_usd"] == (-12.5e9 if known else None)
    assert (found["ALL"]["reasons"] is None) is known


def test_guidance_that_became_public_after_the_event_is_not_known_at_it(assumptions):
    guidance = said(("META", 2025, date(2025, 1, 24), 60, 60), ("META", 2025, date(2025, 4, 30), 70, 70))
    late = guidance.with_columns(
        known_on=pl.when(pl.col("issued_on") < EVENT).then(pl.lit(date(2025, 2, 1))).otherwise("known_on")
    )
    row = changes(late, panel(META=12), assumptions, filed=spent(("META", 2024, 37)))["META"]
    assert (row["guidance_before_usd"], row["held_against"], row["change_usd"]) == (None, "last_years_capex", 33e9)


def test_a_row_of_grade_d_does_not_enter(assumptions):
    guidance = said(
        ("META", 2025, date(2025, 1, 24), 60, 65),
        ("META", 2025, date(2025, 3, 1), 20, 20),
        ("META", 2025, date(2025, 4, 30), 64, 72),
    )
    hearsay = guidance.with_columns(
        grade=pl.when(pl.col("issued_on") == date(2025, 3, 1)).then(pl.lit("D")).otherwise("grade")
    )
    assert changes(hearsay, panel(META=12), assumptions)["META"]["change_usd"] == 5.5e9


def test_guidance_for_another_fiscal_year_is_not_a_change(assumptions):
    """In January 2025 the running year is 2025, whether it ends in June or December; plans for another do not count."""
    guidance = said(
        ("MSFT", 2025, date(2025, 1, 3), 80, 80),
        ("MSFT", 2026, date(2025, 7, 20), 30, 30),
        ("GOOGL", 2024, date(2024, 10, 30), 50, 50),
        ("GOOGL", 2025, date(2025, 2, 4), 75, 75),
    )
    found = changes(guidance, panel(MSFT=6, GOOGL=12), assumptions)
    assert found["ALL"]["change_usd"] is found["MSFT"]["change_usd"] is found["GOOGL"]["change_usd"] is None
    assert codes(found["GOOGL"]["reasons"]) == ["no_figure_to_hold_guidance_against"]
    assert codes(found["ALL"]["reasons"]) == ["no_guidance_to_compare"]


def test_a_company_that_had_not_spoken_is_held_against_the_year_before(assumptions):
    """75 after 52.5 in 2024 is 22.5 more; a year that is known only later counts from its own day."""
    guidance = said(("GOOGL", 2025, date(2025, 2, 4), 75, 75))
    filed = spent(("GOOGL", 2023, 32), ("GOOGL", 2024, 52.5))
    row = changes(guidance, panel(GOOGL=12), assumptions, filed=filed)["GOOGL"]
    assert (row["last_years_capex_usd"], row["change_usd"], row["known_on"]) == (52.5e9, 22.5e9, date(2025, 2, 5))
    assert row["change_share"] == pytest.approx(75 / 52.5 - 1)
    assert codes(row["reasons"]) == ["guidance_held_against_last_year"]
    before = changes(guidance, panel(GOOGL=12), assumptions, filed=filed, as_of=date(2025, 2, 4))
    assert before["GOOGL"]["change_usd"] is None


def test_a_cut_below_last_years_capex_is_a_cut(assumptions):
    filed = spent(("GOOGL", 2024, 52.5))
    row = changes(said(("GOOGL", 2025, date(2025, 2, 4), 40, 45)), panel(GOOGL=12), assumptions, filed=filed)["ALL"]
    assert row["change_usd"] == -10e9


# ---- One basis -------------------------------------------------------------------------------------------------------

JULY = date(2026, 7, 1)


def test_microsofts_leases_that_were_reclassified_are_no_cut(facts, assumptions):
    """190 billion in April 2026, 175 in July: future leases count as operating ones, and nothing less is built."""
    found = changes(
        facts["capex_guidance"], facts["companies"], assumptions,
        filed=facts["company_facts"], as_of=date(2026, 11, 9), event=JULY,
    )  # fmt: skip
    row = found["MSFT"]
    assert (row["guidance_before_usd"], row["guidance_after_usd"]) == (190e9, 175e9)
    assert row["change_usd"] is row["base_usd"] is None
    assert codes(row["reasons"]) == ["guidance_on_two_bases"]
    assert "MSFT" in found["ALL"]["companies_left_out"]
    # Alphabet 185 to 200, Amazon 200 to 220, Meta 135 to 137.5.
    assert found["ALL"]["change_usd"] == pytest.approx(37.5e9)
    assert found["ALL"]["companies"] == ["AMZN", "GOOGL", "META"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (("with_finance_leases",), ("cash",)),
        (("cash", "fiscal"), ("cash", "calendar")),
        ((), ("cash_and_lease_principal",)),
    ],
)
def test_two_bases_make_no_change(before, after, assumptions):
    rows = (("META", 2025, date(2025, 1, 24), 60, 60, *before), ("META", 2025, date(2025, 4, 30), 50, 50, *after))
    row = changes(said(*rows), panel(META=12), assumptions)["META"]
    assert row["change_usd"] is None
    assert codes(row["reasons"]) == ["guidance_on_two_bases"]


def test_the_year_before_is_taken_on_the_basis_of_the_guidance(assumptions):
    """Guidance of 60 with lease principal, after 37 in cash and 2 of principal: 21 more, not 23."""
    guidance = said(("META", 2025, date(2025, 2, 4), 60, 60, "cash_and_lease_principal"))
    cash = spent(("META", 2024, 37))
    leases = spent(("META", 2024, 2), measure="finance_lease_principal")
    assert changes(guidance, panel(META=12), assumptions, filed=pl.concat([cash, leases]))["META"]["change_usd"] == 21e9
    row = changes(guidance, panel(META=12), assumptions, filed=cash)["META"]
    assert row["change_usd"] is None, "what is not known of the leases is not zero"


def test_a_calendar_years_guidance_is_not_held_against_a_fiscal_year(assumptions):
    guidance = said(("MSFT", 2025, date(2025, 2, 4), 60, 60, "cash", "calendar"))
    filed = spent(("MSFT", 2024, 44))
    assert changes(guidance, panel(MSFT=6), assumptions, filed=filed)["MSFT"]["change_usd"] is None
    assert changes(guidance, panel(MSFT=12), assumptions, filed=filed)["MSFT"]["change_usd"] == 16e9


def test_every_row_leads_to_its_facts_and_keeps_its_rules(facts, assumptions):
    found = build(facts, as_of=date(2026, 11, 9), assumptions=assumptions, only={NAME})[NAME]
    assert failing(MART.table, found) == {}
    ids = {*facts["capex_guidance"]["fact_id"], *facts["company_facts"]["fact_id"]}
    changed = found.filter(pl.col("change_usd").is_not_null())
    assert changed.height
    assert all(set(row) <= ids and len(row) >= 2 for row in changed["fact_ids"])
    assert GROUP == "ALL"
