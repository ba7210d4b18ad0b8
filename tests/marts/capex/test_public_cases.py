"""Situations from public bug reports of other projects, each as a kind: made by hand here, and read where recorded.

Where the right figure cannot be known from the filings, a row with a reason is right and any figure is wrong.
"""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from tests.built import build
from tests.conftest import SHARED, with_provenance
from tests.marts.capex.filings import CAPEX, MILLION, NEW, Fact, again, built, ends_of, fact, made, row_of, to_date
from warehouse.assumptions import load
from warehouse.marts import QUARANTINED
from warehouse.marts.capex import capex_quarterly
from warehouse.marts.common.reasons import codes, read
from warehouse.sources.common import company_bodies
from warehouse.sources.common.source import Document
from warehouse.tables import CORE

TOTAL, CONTRACTS = "us-gaap:Revenues", "us-gaap:RevenueFromContractWithCustomerExcludingAssessedTax"
UNLISTED = "unlisted_capital_expenditure"


def weeks(first_day: date, *lengths: int) -> list[date]:
    """The day before a fiscal year, and the last days of its quarters of so many weeks."""
    ends = [first_day - timedelta(days=1)]
    for length in lengths:
        ends.append(ends[-1] + timedelta(weeks=length))
    return ends


def years(*values: list[float], month: int = 12, first: int = 2022, **more: Any) -> list[Fact]:
    """Fiscal years in a row, filed to date."""
    return [row for n, each in enumerate(values) for row in to_date(ends_of(month, first + n), each, **more)]


def capex_of(frame: pl.DataFrame, *ends: date) -> list[float | None]:
    found = [row_of(frame, end)["capex_usd"] for end in ends]
    return [None if usd is None else usd / MILLION for usd in found]


def why(frame: pl.DataFrame, end: date, figure: str = "capex_usd") -> str:
    """The code of the reason that names a figure of a quarter."""
    said = [read(each) for each in row_of(frame, end)["reasons"]]
    return next(each["reason_code"] for each in said if figure in each.get("figures", ()))


# ---- Quarters of other lengths -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "lengths",
    [(12, 12, 12, 16), (12, 12, 12, 17), (16, 12, 12, 12), (13, 13, 13, 13), (13, 13, 13, 14), (14, 13, 13, 13)],
)
@pytest.mark.parametrize("first_day", [date(2023, 12, 31), date(2024, 2, 4), date(2024, 9, 2)])
def test_a_year_of_quarters_of_any_weeks_has_each_of_them(lengths, first_day):
    this, last = weeks(first_day, *lengths), weeks(first_day - timedelta(weeks=sum(lengths)), *lengths)
    frame = built(made(to_date(last, [400, 500, 600, 700]) + to_date(this, [502, 900, 1000, 2400])))
    assert capex_of(frame, *this[1:]) == [502, 900, 1000, 2400]
    row = row_of(frame, this[-1])
    assert row["capex_ttm_usd"] == 4802 * MILLION
    assert row["period_start"] == this[3] + timedelta(days=1)


@pytest.mark.parametrize("months", range(1, 12))
def test_a_fiscal_year_moved_by_any_number_of_months_keeps_its_history(months):
    """Every quarter of the years before and after the move is there; what lies between has a row where it ends."""
    before = ends_of(12, 2022)
    moved_year, moved_month = 2023 + (months > 11), months
    after = ends_of(moved_month, moved_year + 1)
    between = fact(before[-1] + timedelta(days=1), after[0], 100 * months, after[0] + timedelta(days=60), form="10-KT")
    frame = built(made([*to_date(before, [300] * 4), between, *to_date(after, [310] * 4)]))
    assert capex_of(frame, *before[1:]) == [300] * 4
    assert capex_of(frame, *after[1:]) == [310] * 4
    end = row_of(frame, after[0])
    if months == 3:
        assert end["capex_usd"] == 300 * MILLION
    else:
        assert end["capex_usd"] is None
        assert why(frame, after[0]) in ("cannot_be_split", "no_shorter_period", "no_fact_of_figures")


def test_a_transition_of_eleven_months_has_a_row_with_its_reason_for_what_cannot_be_split():
    start = date(2021, 2, 1)
    ends = [date(2021, 4, 30), date(2021, 9, 30), date(2021, 12, 31)]
    filed = [
        fact(start, end, usd, end + timedelta(days=45), form="10-Q")
        for end, usd in zip(ends, (10, 60, 160), strict=True)
    ]
    frame = built(made(filed + to_date(ends_of(12, 2022), [50, 60, 70, 80])))
    assert capex_of(frame, *ends) == [10, None, 100], "three months; five that are no quarter; 160 less 60"
    said = next(
        read(each) for each in row_of(frame, ends[1])["reasons"] if "capex_usd" in read(each).get("figures", ())
    )
    assert (said["reason_code"], said["first_day"], said["last_day"]) == ("cannot_be_split", "2021-05-01", "2021-09-30")
    assert row_of(frame, date(2022, 9, 30))["capex_ttm_usd"] == (100 + 50 + 60 + 70) * MILLION


# ---- Filings that contradict themselves -----------------------------------------------------------------------------


@pytest.mark.parametrize("quarter", [2, 3])
@pytest.mark.parametrize("as_of", [date(2025, 1, 15), date(2026, 11, 9)])
def test_a_figure_to_date_under_the_quarters_dates_is_no_quarter(quarter, as_of):
    """Before the annual report its size and the missing figure to date tell, after it the year does."""
    ends = ends_of(12, 2024)
    rows = years([1000, 1100, 1200, 1300], [1000, 1100, 1200, 1300]) + to_date(ends, [1000, 1100, 1200, 1300])
    for row in rows:
        if row["period_end"] == ends[quarter]:
            row["period_start"] = ends[quarter - 1] + timedelta(days=1)
    frame = built(made([row | {"accession": f"{row['known_on']}"} for row in rows]), as_of)
    found = capex_of(frame, *ends[1:4])
    assert found[quarter - 1] is None
    assert why(frame, ends[quarter]) in ("more_than_the_longer_period", "perhaps_year_to_date")
    assert sum(usd or 0 for usd in found) <= 4600


@pytest.mark.parametrize("quarter", [2, 3, 4])
@pytest.mark.parametrize(
    ("measure", "figure"),
    [
        (CAPEX, "capex_usd"),
        ("revenue", "revenue_usd"),
        ("operating_cash_flow", "operating_cash_flow_usd"),
        ("depreciation", "depreciation_usd"),
    ],
)
def test_no_quarter_is_worked_out_from_a_figure_to_date_under_the_quarters_dates(measure, figure, quarter):
    """Neither the quarter nor those beside it, which the longer period less the wrong part would give."""
    ends, right = ends_of(12, 2024), [1000, 1100, 1200, 1300]
    tag = {"revenue": TOTAL}.get(measure, "us-gaap:Other")
    rows = years(right, right, measure=measure, tag=tag) + to_date(ends, right, measure=measure, tag=tag)
    for row in rows:
        if row["period_end"] == ends[quarter]:
            row["period_start"] = ends[quarter - 1] + timedelta(days=1)
    spent = [] if measure == CAPEX else to_date(ends, right)
    frame = built(made([row | {"accession": f"{row['known_on']}"} for row in [*rows, *spent]]))
    for end, usd in zip(ends[1:], right, strict=True):
        row = row_of(frame, end)
        assert row[figure] in (None, usd * MILLION)
        assert row[figure] is not None or row["reason"]
    assert row_of(frame, ends[1])[figure] == 1000 * MILLION, "what does not rest on it stays"


def test_three_months_under_the_dates_of_nine_spoil_no_fourth_quarter():
    ends = ends_of(12, 2024)
    rows = to_date(ends, [1000, 1100, 1200, 1300])
    frame = built(made([*rows[:2], rows[2] | {"value_usd": 1200}, rows[3]]))
    assert capex_of(frame, *ends[1:]) == [1000, 1100, None, None]


def test_a_quarter_that_one_filing_prints_and_implies_otherwise_is_unknown():
    ends = ends_of(12, 2024)
    rows = to_date(ends, [1000, 1100, 1200, 1300])
    said = fact(ends[2] + timedelta(days=1), ends[3], 900, rows[2]["known_on"])
    frame = built(made([*rows, said]))
    assert capex_of(frame, ends[3]) == [None]
    assert why(frame, ends[3]) == "printed_against_derived"
    near = built(made([*rows, said | {"value_usd": 1190}]))
    assert capex_of(near, ends[3])[0] in (1190, 1200), "a difference of rounding is none"


def test_a_period_that_one_days_filings_give_two_figures_for_is_unknown():
    """Capex of a quarter known twice: neither is taken."""
    ends = ends_of(12, 2024)
    rows = to_date(ends, [1000, 1100, 1200, 1300])
    frame = built(made([*rows, rows[0] | {"value_usd": 1500, "accession": "another"}]))
    assert capex_of(frame, ends[1]) == [None]
    assert why(frame, ends[1]) == "told_twice"
    assert why(frame, ends[2]) in ("no_shorter_period", "told_twice")
    assert capex_of(frame, ends[4]) == [1300], "what does not rest on it stays"


@pytest.mark.parametrize("year", [3700, 3880, 3400])
def test_a_year_on_another_basis_than_its_nine_months_gives_no_fourth_quarter(year):
    """The annual report is on continuing operations, the nine months are not: 550 was never spent."""
    ends = ends_of(12, 2024)
    rows = years([1000, 1050, 1100, 1150], [1000, 1050, 1100, 1150]) + to_date(ends, [1000, 1050, 1100, year - 3150])
    frame = built(made(rows))
    assert capex_of(frame, *ends[1:]) == [1000, 1050, 1100, None]
    assert why(frame, ends[4]) == "falls_off"
    smaller = built(made([row | {"value_usd": row["value_usd"] / 10} for row in rows]))
    assert capex_of(smaller, ends[4]) == [None], "a company whose quarters are alike buys in no lumps"
    small = built(made([row | {"value_usd": row["value_usd"] / 100} for row in rows]))
    assert capex_of(small, ends[4]) == [(year - 3150) / 100], "a small company buys in lumps"


def test_a_year_that_was_restated_since_its_nine_months_were_filed_gives_no_fourth_quarter():
    ends = ends_of(12, 2024)
    rows = to_date(ends, [1000, 1050, 1100, 1150])
    restated = rows[3] | {"value_usd": 3900, "known_on": rows[3]["known_on"] + timedelta(days=365)}
    frame = built(made([*rows, restated]))
    assert (capex_of(frame, ends[4]), why(frame, ends[4])) == ([None], "on_two_bases")
    both = built(made([*rows, restated, again(rows[2:3], value_usd=2800)[0]]))
    assert capex_of(both, ends[4]) == [1100], "restated together they are on one basis"
    slightly = built(made([*rows, restated | {"value_usd": 4280}]))
    assert capex_of(slightly, ends[4]) == [4280 - 3150], "a twentieth is a restatement"


def test_another_tag_in_the_annual_report_gives_no_fourth_quarter():
    ends = ends_of(12, 2024)
    rows = to_date(ends, [1000, 1050, 1100, 1200])
    frame = built(made([*rows[:3], rows[3] | {"tag": NEW}]))
    assert (capex_of(frame, ends[4]), why(frame, ends[4])) == ([None], "two_series")


# ---- Parts and doubts ------------------------------------------------------------------------------------------------


def test_a_part_of_revenue_is_no_revenue_and_no_ratio_is_taken_on_it():
    ends = ends_of(12, 2024)
    spent = to_date(ends, [1000, 1050, 1100, 1150])
    contracts = to_date(ends, [1000, 1050, 1100, 1150], measure="revenue", tag=CONTRACTS)
    total = to_date(ends, [2000, 2100, 2200, 2300], measure="revenue", tag=TOTAL)
    frame = built(made([*spent, *contracts, total[3]]))
    for end in ends[1:]:
        row = row_of(frame, end)
        assert (row["revenue_usd"], row["capex_to_revenue"]) == (None, None)
        assert why(frame, end, "revenue_usd") == "part_of_the_whole"
    frames = made([*spent, *contracts, total[3]])
    yearly = build(frames, as_of=date(2026, 1, 1), assumptions=load(), only={"capex_yearly"})["capex_yearly"]
    assert set(yearly["revenue_usd"]) == {8600 * MILLION}, "the total of the year, and never its part"
    whole = built(made([*spent, *contracts, *total]))
    assert row_of(whole, ends[4])["revenue_usd"] == 2300 * MILLION
    nearly = built(made([*spent, *contracts, total[3] | {"value_usd": 4450}]))
    assert row_of(nearly, ends[3])["revenue_usd"] is None, "a part of 97 per cent is a part"
    alike = built(made([*spent, *contracts, total[3] | {"value_usd": 4310}]))
    assert row_of(alike, ends[3])["revenue_usd"] == 1100 * MILLION, "two tags for one thing"


def test_a_much_larger_figure_under_an_unlisted_tag_leaves_capex_unknown_with_the_tags_name():
    ends = ends_of(12, 2024)
    small = to_date(ends, [20, 21, 22, 23])
    machines = to_date(ends, [1000, 1050, 1100, 1150], measure=UNLISTED, tag="us-gaap:PaymentsToAcquireMachinery")
    frame = built(made([*small, *machines]))
    assert capex_of(frame, *ends[1:]) == [None] * 4
    said = next(
        read(each) for each in row_of(frame, ends[4])["reasons"] if "capex_usd" in read(each).get("figures", ())
    )
    assert (said["reason_code"], said["long_tag"]) == ("larger_under_unlisted_tag", "PaymentsToAcquireMachinery")
    year = build(made([*small, *machines]), as_of=date(2026, 1, 1), assumptions=load(), only={"capex_yearly"})
    assert year["capex_yearly"]["capex_usd"].null_count() == year["capex_yearly"].height
    listed = built(made([*small, *machines, *(row | {"measure": CAPEX} for row in machines)]))
    assert capex_of(listed, *ends[1:]) == [1000, 1050, 1100, 1150], "once the tag is listed"
    less = built(made([*small, *(row | {"value_usd": 1} for row in machines)]))
    assert capex_of(less, *ends[1:]) == [20, 21, 22, 23], "something else that it buys"


def test_rows_in_quarantine_are_the_reason_and_not_that_there_are_none():
    ends = ends_of(12, 2024)
    sold = to_date(ends, [1, 2, 3, 4], measure="revenue", tag=TOTAL)
    aside = pl.DataFrame(
        [{"ticker": "X", "measure": CAPEX, "period_end": row["period_end"], "known_on": row["known_on"],
          "reason_code": "capex_and_revenue_not_negative"} for row in to_date(ends, [1, 1, 1, 1])],
        schema=QUARANTINED,
    )  # fmt: skip
    frames = made(sold) | {"quarantined": aside}
    found = build(frames, as_of=date(2026, 1, 1), assumptions=load(), only={"capex_quarterly"})["capex_quarterly"]
    for end in ends[1:]:
        assert why(found, end) == "figures_quarantined"
        assert "capex_and_revenue_not_negative" in row_of(found, end)["reason"]
    before = build(frames, as_of=date(2024, 6, 1), assumptions=load(), only={"capex_quarterly"})["capex_quarterly"]
    assert before.height == 1


# ---- The newest quarter ------------------------------------------------------------------------------------------------


def test_a_company_that_is_behind_has_a_row_with_a_reason():
    early = to_date(ends_of(12, 2025), [1, 2, 3, 4], ticker="GOOGL")
    late = to_date(ends_of(12, 2025), [1, 2, 3, 4], ticker="META")[:3]
    frame = built(made([*early, *late]))
    row = row_of(frame, date(2025, 12, 31), "META")
    assert (row["capex_usd"], row["calendar_quarter"], row["fact_ids"]) == (None, "2025Q4", None)
    assert codes(row["reasons"]) == ["latest_quarter_unknown"]
    assert "GOOGL filed theirs" in row["reason"]
    newest = frame.filter(pl.col("calendar_quarter") == "2025Q4")
    assert set(newest["ticker"]) == {"AMZN", "GOOGL", "META", "MSFT"}, "also one that nothing is known of"


def test_a_company_that_nothing_is_known_of_has_its_name():
    frames = made(to_date(ends_of(12, 2025), [1, 2, 3, 4], ticker="GOOGL"))
    panel = pl.DataFrame([{"ticker": "AMZN", "company": "Amazon", "role": "buyer", "fiscal_year_end_month": 12}])
    frame = built(frames | {"companies": with_provenance(CORE["companies"], panel)})
    assert row_of(frame, date(2025, 12, 31), "AMZN")["company"] == "Amazon"


def test_before_the_first_fact_there_is_no_row():
    frame = built(made(to_date(ends_of(12, 2025), [1, 2, 3, 4])), date(2020, 1, 1))
    assert frame.is_empty()
    assert frame.columns == list(capex_quarterly.TABLE.names)


# ---- The recorded cases, where they are -------------------------------------------------------------------------------


def recorded_case(folder: str) -> pl.DataFrame:
    """Quarters of a recorded body; amounts are in dollars."""
    found = sorted((SHARED / "recorded" / "cases").glob(f"{folder}/*.json"))
    if not found:
        pytest.skip(f"the case {folder} is not recorded here")
    content = found[0].read_bytes()
    url = company_bodies.FACTS_URL.format(cik=int(json.loads(content)["cik"]))
    facts, _ = company_bodies.parse(Document("0" * 64, "a case", url, content, context={"ticker": "X"}))
    good = facts.frame.filter((pl.col("value_usd") >= 0) | (pl.col("measure") != CAPEX))
    return built({"company_facts": with_provenance(CORE["company_facts"], good)})


@pytest.mark.parametrize(
    ("folder", "right"),
    [
        ("02-*", {date(2024, 3, 23): 502, date(2024, 6, 15): 900, date(2024, 9, 7): 1000, date(2024, 12, 28): 2400}),
        ("06-*", {date(2024, 9, 30): 1100, date(2024, 12, 31): None}),
        ("07-*", {date(2024, 9, 30): None}),
        ("33-*", {date(2021, 4, 30): 10, date(2021, 9, 30): None, date(2021, 12, 31): 100}),
        ("34-*", {date(2024, 3, 31): None, date(2024, 12, 31): None}),
        ("47-*", {date(2024, 9, 30): 1100, date(2024, 12, 31): None}),
    ],
)
def test_recorded_cases(folder, right):
    frame = recorded_case(folder)
    assert dict(zip(right, capex_of(frame, *right), strict=True)) == right


def test_the_recorded_company_of_two_revenues():
    frame = recorded_case("39-*")
    assert frame["capex_to_revenue"].null_count() == frame.height
