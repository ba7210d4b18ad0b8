"""Filings made up to break a difference of two periods: other tags, restatements in steps, wrong scales, odd years."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import product

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.marts.capex.filings import (
    CAPEX,
    MILLION,
    NEW,
    OLD,
    Fact,
    again,
    built,
    capex_by_end,
    ends_of,
    fact,
    made,
    month_end,
    row_of,
    to_date,
)
from warehouse.marts.common.reasons import codes, read
from warehouse.tables import sec_tags


def test_year_that_ends_in_may():
    """Quarters of 10, 20, 30, 40; fiscal 2025 begins on 2024-06-01, and its first quarter is the calendar's third."""
    ends = ends_of(5, 2025)
    frame = built(made(to_date(ends, [10, 20, 30, 40]), month=5))
    assert frame["capex_usd"].to_list() == [v * MILLION for v in (10, 20, 30, 40)]
    assert frame["fiscal_year"].to_list() == [2025] * 4
    assert frame["fiscal_quarter"].to_list() == [1, 2, 3, 4]
    assert frame["period_end"].to_list() == [
        date(2024, 8, 31),
        date(2024, 11, 30),
        date(2025, 2, 28),
        date(2025, 5, 31),
    ]
    assert frame["calendar_quarter"].to_list() == ["2024Q3", "2024Q4", "2025Q1", "2025Q2"]
    assert frame["capex_derivation"].to_list() == ["printed", "derived", "derived", "derived"]
    assert frame["capex_ttm_usd"].to_list() == [None, None, None, 100 * MILLION]


@pytest.mark.parametrize("values", [[10, 20, 30, 40], [100, 1, 1, 1]])
def test_tag_changed_in_mid_year(values):
    """Half a year under the old tag, the rest under the new: the third quarter is unknown until it is repeated.

    The 10-Qs of the next year repeat half a year and nine months under the new tag; only then is there a third quarter.
    """
    ends = ends_of(12, 2024)
    rows = to_date(ends, values)
    changed = rows[:2] + [row | {"tag": NEW} for row in rows[2:]]
    first = built(made(changed))
    assert capex_by_end(first) == dict(zip(ends[1:], [values[0], values[1], None, values[3]], strict=True))
    third = row_of(first, ends[3])
    two_series = next(read(each) for each in third["reasons"] if read(each)["reason_code"] == "two_series")
    assert two_series["figures"] == ["capex_usd"]
    assert "PaymentsToAcquireProductiveAssets" in (two_series["long_tag"], two_series["short_tag"])
    assert row_of(first, ends[4])["capex_ttm_usd"] is None
    later = built(made(changed + again(rows, tag=NEW)))
    assert capex_by_end(later) == dict(zip(ends[1:], values, strict=True))
    assert later["capex_tag"].to_list() == [NEW] * 4
    assert row_of(later, ends[4])["capex_ttm_usd"] == sum(values) * MILLION


def test_sum_over_two_tags_says_so():
    ends = ends_of(12, 2024)
    first, second, third, whole = to_date(ends, [10, 20, 30, 40])
    nine_months = third | {"tag": NEW, "known_on": whole["known_on"]}
    row = row_of(built(made([first, second, third, nine_months, whole | {"tag": NEW}])), ends[4])
    assert row["capex_ttm_usd"] == 100 * MILLION
    assert "capex_of_a_year_under_several_tags" in codes(row["reasons"])


def test_of_two_tags_in_one_filing_the_one_listed_first_counts():
    """Both tags in every filing of 2024 with figures that mean different things (software too: 5 more each quarter)."""
    old, new = ends_of(12, 2024), ends_of(12, 2025)
    both = to_date(old, [10, 20, 30, 40]) + to_date(old, [15, 25, 35, 45], tag=NEW)
    frame = built(made(both + to_date(new, [51, 61, 71, 81], tag=NEW)))
    assert frame["capex_usd"].to_list() == [v * MILLION for v in (10, 20, 30, 40, 51, 61, 71, 81)]
    assert frame["capex_tag"].to_list() == [OLD] * 4 + [NEW] * 4


def test_what_a_later_filing_repeats_under_another_tag_is_a_restatement():
    """The company leaves the first tag and repeats last year's figures under the second, with software: 5 more each."""
    old, new = ends_of(12, 2024), ends_of(12, 2025)
    recast = again(to_date(old, [15, 25, 35, 45]), tag=NEW)
    rows = to_date(old, [10, 20, 30, 40]) + to_date(new, [16, 26, 36, 46], tag=NEW)
    frame = built(made(rows + recast))
    assert frame["capex_usd"].to_list() == [v * MILLION for v in (15, 25, 35, 45, 16, 26, 36, 46)]
    half_way = built(made(rows + recast), as_of=recast[1]["known_on"])
    assert half_way["capex_usd"].to_list()[:4] == [v * MILLION for v in (15, 25, 30, 40)]


def test_a_point_in_time_under_two_tags_is_the_one_listed_first():
    end = date(2024, 12, 31)
    flow = to_date(ends_of(12, 2024), [10, 20, 30, 40])
    net = "PropertyPlantAndEquipment{}"
    leased = "AndFinanceLeaseRightOfUseAssetAfterAccumulatedDepreciationAndAmortization"
    rows = [
        fact(None, end, usd, date(2025, 2, 1), measure="property_and_equipment_net", tag=f"us-gaap:{net.format(name)}")
        for name, usd in ((leased, 130), ("Net", 120))
    ]
    for arrived in (rows, rows[::-1]):
        assert row_of(built(made(flow + arrived)), end)["property_and_equipment_net_usd"] == 120 * MILLION


def test_a_line_of_a_company_puts_the_other_tags_out_of_use(monkeypatch):
    """Facts of the usual tags were loaded before the line was added, and one of them is known later."""
    own = {sec_tags.COMPANIES: {"X": {CAPEX: ["us-gaap:PaymentsToAcquireMachineryAndEquipment"]}}}
    ends = ends_of(12, 2024)
    unusual = to_date(ends, [10, 20, 30, 40], tag="us-gaap:PaymentsToAcquireMachineryAndEquipment")
    rows = made(unusual + again(to_date(ends, [9, 18, 28, 38])))
    assert built(rows)["capex_usd"].to_list() == [v * MILLION for v in (9, 18, 28, 38)]
    monkeypatch.setattr(sec_tags, "listed", lambda before=sec_tags.listed(): before | own)
    assert built(rows)["capex_usd"].to_list() == [v * MILLION for v in (10, 20, 30, 40)]


def test_restated_in_steps_never_mixes_two_bases():
    """Filed as 10, 30, 60, 100; restated a year later to 9, 27, 54, 90, one filing after the other."""
    ends = ends_of(12, 2024)
    rows = to_date(ends, [10, 20, 30, 40])
    restated = [row | {"value_usd": row["value_usd"] * 0.9} for row in again(rows)]
    each_step = [
        # Filings known so far, the four quarters.
        (0, [10, 20, 30, 40]),
        (1, [9, 20, 30, 40]),
        (2, [9, 18, 30, 40]),
        (3, [9, 18, 27, 40]),
        (4, [9, 18, 27, 36]),
    ]
    for steps, expected in each_step:
        as_of = restated[steps - 1]["known_on"] if steps else rows[-1]["known_on"]
        frame = built(made(rows + restated), as_of)
        assert frame["capex_usd"].to_list() == pytest.approx([v * MILLION for v in expected])


def test_amended_annual_report():
    """A 10-K/A two months later corrects the year from 100 to 103: the fourth quarter follows, from that day."""
    ends = ends_of(12, 2024)
    rows = to_date(ends, [10, 20, 30, 40])
    day = rows[-1]["known_on"] + timedelta(days=60)
    amended = rows[-1] | {"value_usd": 103, "known_on": day, "form": "10-K/A", "accession": "amended"}
    frames = made([*rows, amended])
    before, after = built(frames, day - timedelta(days=1)), built(frames, day)
    assert row_of(before, ends[4])["capex_usd"] == 40 * MILLION
    row = row_of(after, ends[4])
    assert (row["capex_usd"], row["capex_accession"], row["capex_known_on"]) == (43 * MILLION, "amended", day)


def test_shorter_period_known_only_after_the_longer():
    """The nine months are first seen in a filing after the year's, maybe on another basis: no difference."""
    ends = ends_of(12, 2024)
    rows = to_date(ends, [10, 20, 30, 40])
    late = rows[2] | {"known_on": rows[3]["known_on"] + timedelta(days=200)}
    frame = built(made([late, rows[3]]))
    assert row_of(frame, ends[4])["capex_usd"] is None
    assert "shorter_period_known_later" in codes(row_of(frame, ends[4])["reasons"])
    repeated = rows[3] | {"known_on": late["known_on"] + timedelta(days=100)}
    assert row_of(built(made([late, rows[3], repeated])), ends[4])["capex_usd"] == 40 * MILLION


@pytest.mark.parametrize(
    ("printed_later", "printed_grade", "expected"), [(0, "A", 41), (1, "A", 41), (-1, "A", 40), (1, "C", 40)]
)
def test_printed_beside_derived(printed_later, printed_grade, expected):
    """Equal grades: the one known last, on the same day the printed one; a better grade derived beats it."""
    ends = ends_of(12, 2024)
    rows = to_date(ends, [10, 20, 30, 40])
    day = rows[3]["known_on"] + timedelta(days=printed_later)
    printed = fact(ends[3] + timedelta(days=1), ends[4], 41, day, grade=printed_grade)
    assert row_of(built(made([*rows, printed])), ends[4])["capex_usd"] == expected * MILLION


def test_grade_of_a_difference_is_its_weakest_and_one_basis_goes_first():
    ends = ends_of(12, 2024)
    rows = to_date(ends, [10, 20, 30, 40])
    page = fact(ends[3] + timedelta(days=1), ends[4], 39, ends[4] + timedelta(days=31), grade="C")
    mixed = [rows[2] | {"grade": "C"}, rows[3]]
    row = row_of(built(made(mixed)), ends[4])
    assert (row["capex_usd"], row["capex_grade"], row["grade"]) == (40 * MILLION, "C", "C")
    assert row_of(built(made([*mixed, page])), ends[4])["capex_usd"] == 39 * MILLION


def test_hearsay_enters_nothing():
    ends = ends_of(12, 2024)
    assert built(made([row | {"grade": "D"} for row in to_date(ends, [10, 20, 30, 40])])).is_empty()


def test_difference_below_zero_is_no_figure():
    """A year below its nine months is two series under one name: unknown, never negative, never zero."""
    ends = ends_of(12, 2024)
    rows = to_date(ends, [10, 20, 30, 40])
    row = row_of(built(made([*rows[:3], rows[3] | {"value_usd": 55}])), ends[4])
    assert row["capex_usd"] is None
    assert "impossible_difference" in codes(row["reasons"])


@pytest.mark.parametrize(("in_thousands", "unknown"), [(1, [1, 2]), (2, [2, 3]), (3, [3])])
def test_a_period_filed_in_thousands_spoils_no_other_quarter(in_thousands, unknown):
    """Of 1,000, 2,000, 3,000, 4,000 to date one figure is a thousandth: its quarter and the next are unknown, not wrong."""
    ends = ends_of(12, 2024)
    rows = to_date(ends, [1_000, 2_000, 3_000, 4_000])
    rows[in_thousands]["value_usd"] /= 1_000
    found = capex_by_end(built(made(rows)))
    assert [found[end] for end in ends[1:]] == [
        None if n in unknown else usd for n, usd in enumerate([1_000, 2_000, 3_000, 4_000])
    ]


def test_a_period_that_is_a_little_lower_than_a_shorter_one_is_taken_off():
    """Part of the first quarter was reclassified: 10, 9, 15 and 20 to date."""
    ends = ends_of(12, 2024)
    frame = built(made(to_date(ends, [10, -1, 6, 5])))
    assert frame["capex_usd"].to_list() == [10 * MILLION, None, 6 * MILLION, 5 * MILLION]


def test_starts_that_differ_by_days_are_one_fiscal_year():
    """One filing starts the year on its first Monday, the other on the first of the month; ends differ as well."""
    half = fact(date(2024, 1, 29), date(2024, 7, 28), 30, date(2024, 8, 28))
    nine = fact(date(2024, 2, 1), date(2024, 10, 31), 60, date(2024, 11, 20))
    frame = built(made([half, nine], month=1))
    assert frame["capex_usd"].to_list() == [None, 30 * MILLION]
    assert frame["fiscal_quarter"].to_list() == [2, 3]
    # The half year from the very day of the longer period goes before one that was known later.
    exact = half | {"period_start": date(2024, 2, 1), "value_usd": 31, "known_on": date(2024, 8, 1)}
    assert built(made([half, exact, nine], month=1))["capex_usd"].to_list()[-1] == 29 * MILLION


@pytest.mark.parametrize("panel", [True, False])
def test_fiscal_year_of_a_company_without_a_known_end(panel):
    """The facts' own columns name the year where the panel does not; with neither it is unknown and says so."""
    frames = made(to_date(ends_of(6, 2025), [10, 20, 30, 40]), month=None, panel=panel)
    frame = built(frames)
    assert frame["capex_usd"].to_list() == [v * MILLION for v in (10, 20, 30, 40)]
    assert frame["fiscal_year"].to_list() == [None] * 4
    assert all("fiscal_year_unknown" in codes(each) for each in frame["reasons"].to_list())
    own = frames["company_facts"].with_columns(fiscal_year=pl.lit(2025, pl.Int64), fiscal_quarter=pl.lit(4, pl.Int64))
    assert built(frames | {"company_facts": own})["fiscal_year"].to_list() == [2025] * 4


def test_quarter_missing_in_between():
    """Without the half year neither the second nor the third quarter is known, nor any sum of four over them."""
    ends = ends_of(12, 2024)
    rows = to_date(ends, [10, 20, 30, 40])
    frame = built(made([rows[0], *rows[2:], *to_date(ends_of(12, 2025), [1, 1, 1, 1])]))
    assert capex_by_end(frame)[ends[1]] == 10
    assert capex_by_end(frame)[ends[3]] is None
    assert capex_by_end(frame)[ends[4]] == 40
    sums = capex_by_end(frame, "capex_ttm_usd")
    assert [end for end, usd in sums.items() if usd is not None] == [month_end(2025, 9), month_end(2025, 12)]
    unknown = [row["reasons"] for row in frame.to_dicts() if row["capex_ttm_usd"] is None]
    assert all("capex_of_a_year_incomplete" in codes(each) for each in unknown)


def test_no_facts():
    assert built({}).is_empty()


@st.composite
def years_of_filings(draw: st.DrawFn) -> tuple[list[Fact], int, dict[date, int]]:
    """Two fiscal years to date, quarter by quarter, with some printed quarters and comparatives, in any order."""
    month, weeks = draw(st.integers(1, 12)), draw(st.booleans())
    rows: list[Fact] = []
    truth: dict[date, int] = {}
    for year in (2024, 2025):
        ends = ends_of(month, year, weeks)
        values = draw(st.lists(st.integers(0, 400), min_size=4, max_size=4))  # a large one may be on another basis
        truth |= dict(zip(ends[1:], values, strict=True))
        filed = to_date(ends, values)
        printed = [
            fact(ends[n] + timedelta(days=1), ends[n + 1], values[n], filed[n]["known_on"])
            for n in range(4)
            if draw(st.booleans())
        ]
        own = filed + printed
        rows += own + again(draw(st.lists(st.sampled_from(own), max_size=6)))
    return draw(st.permutations(rows)), month, truth


@settings(max_examples=examples(0.15))
@given(years_of_filings())
def test_quarters_come_out_the_same_however_a_year_was_filed(filings):
    """Each quarter is what was filed. A fourth one that falls off from those before it is doubted, and says so."""
    rows, month, truth = filings
    frame = built(made(rows, month=month))
    doubted = {row["period_end"] for row in frame.to_dicts() if "falls_off" in codes(row["reasons"] or [])}
    ends = sorted(truth)
    assert all(
        truth[end] < min(truth[each] for each in ends[at - 3 : at]) for at, end in enumerate(ends) if end in doubted
    )
    assert doubted <= set(ends[3::4])
    assert capex_by_end(frame) == {end: None if end in doubted else value for end, value in truth.items()}


@settings(max_examples=examples(0.15))
@given(data=st.data())
def test_whatever_is_known_a_quarter_is_right_or_unknown(data):
    """Any periods of one to four quarters, known in any order: no figure that nobody spent, and none printed lost."""
    ends = [*ends_of(12, 2023), *ends_of(12, 2024)[1:]]
    values = data.draw(st.lists(st.integers(0, 400), min_size=8, max_size=8))
    spans = [(a, b) for a, b in product(range(9), repeat=2) if 1 <= b - a <= 4]
    chosen = data.draw(st.lists(st.tuples(st.sampled_from(spans), st.integers(0, 400)), min_size=1, max_size=12))
    rows = [
        fact(
            ends[a] + timedelta(days=1),
            ends[b],
            sum(values[a:b]),
            ends[-1] + timedelta(days=day),
            grade=grade,
            form="8-K",
        )
        for ((a, b), day), grade in zip(chosen, data.draw(st.lists(st.sampled_from("AC"), min_size=12)), strict=False)
    ]
    frame = built(made(rows))
    found = capex_by_end(frame)
    for n in range(8):
        usd = found.get(ends[n + 1])
        assert usd is None or usd == values[n]
        if any(span == (n, n + 1) for span, _ in chosen):
            assert usd == values[n]
    reversed_rows = made(list(reversed(rows)))
    assert built(reversed_rows).equals(frame)
