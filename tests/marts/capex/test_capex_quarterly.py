"""Quarters out of year-to-date filings: known answers from filings, whole filings by a plain rule, and traces to the very facts.

Known answers are in millions of dollars, worked out by hand from the figures named beside them (SEC companyfacts of
data.sec.gov as in the packaged snapshot; Amazon's from its results releases).
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from datetime import date

import duckdb
import polars as pl
import pytest

from tests.conftest import AS_OF, recorded, with_provenance
from tests.marts.capex.filings import (
    CAPEX,
    MILLION,
    NEW,
    OLD,
    built,
    row_of,
)
from warehouse.calendars.fiscal import fiscal_quarter, fiscal_year, period_type
from warehouse.marts.capex import capex_quarterly
from warehouse.marts.common.reasons import codes, read
from warehouse.tables import CORE


@pytest.fixture(scope="module")
def snapshot(facts) -> pl.DataFrame:
    return built(facts)


@pytest.mark.parametrize(
    ("ticker", "period_end", "column", "expected"),
    [
        # Microsoft, fiscal 2025: 10-Qs 0000950170-24-118967, -25-010491, -25-061046 print each quarter (14,923; 15,804;
        # 16,745) beside 30,727 and 47,472 to date; the 10-K 0000950170-25-100235 has 64,551 for the year.
        ("MSFT", date(2024, 9, 30), "capex_usd", 14_923),
        ("MSFT", date(2024, 12, 31), "capex_usd", 15_804),
        ("MSFT", date(2025, 3, 31), "capex_usd", 16_745),
        ("MSFT", date(2025, 6, 30), "capex_usd", 64_551 - 47_472),
        ("MSFT", date(2025, 6, 30), "capex_ttm_usd", 64_551),
        # Meta: 10-K 0001326801-25-000017 has 37,256 for 2024; its 10-Q 0001326801-24-000081 has 22,831 for nine months.
        ("META", date(2024, 12, 31), "capex_usd", 37_256 - 22_831),
        ("META", date(2024, 12, 31), "capex_ttm_usd", 37_256),
        # Meta 2023 as restated in steps: 6,823; 12,957; 19,453 (10-Qs of 2024) and 27,045 (10-K of 2025-01-30).
        ("META", date(2023, 3, 31), "capex_usd", 6_823),
        ("META", date(2023, 6, 30), "capex_usd", 12_957 - 6_823),
        ("META", date(2023, 9, 30), "capex_usd", 19_453 - 12_957),
        ("META", date(2023, 12, 31), "capex_usd", 27_045 - 19_453),
        # Alphabet 2025 prints no quarter but the first: 17,197; 39,643; 63,596; 91,447.
        ("GOOGL", date(2025, 3, 31), "capex_usd", 17_197),
        ("GOOGL", date(2025, 6, 30), "capex_usd", 39_643 - 17_197),
        ("GOOGL", date(2025, 9, 30), "capex_usd", 63_596 - 39_643),
        ("GOOGL", date(2025, 12, 31), "capex_usd", 91_447 - 63_596),
        # Nvidia, fiscal 2025: 369; 1,346; 2,159 to date (10-Q 0001045810-24-000316); 3,236 (10-K 0001045810-25-000023).
        ("NVDA", date(2024, 7, 28), "capex_usd", 1_346 - 369),
        ("NVDA", date(2025, 1, 26), "capex_usd", 3_236 - 2_159),
        # Apple: 9,447 for fiscal 2024 (10-K 0000320193-24-000123) less 6,539 (10-Q 0000320193-24-000081).
        ("AAPL", date(2024, 9, 28), "capex_usd", 9_447 - 6_539),
        ("AAPL", date(2025, 9, 27), "capex_usd", 12_715 - 9_473),
        # Amazon, releases of 2025-07-31 (half years 32,545 and 57,202; quarters 17,620 and 32,183) and of 2026-02-05
        # (years 82,999 and 131,819; fourth quarters 27,834 and 39,522). The pages' rounded quarters are not used.
        ("AMZN", date(2024, 3, 31), "capex_usd", 32_545 - 17_620),
        ("AMZN", date(2024, 9, 30), "capex_usd", 82_999 - 32_545 - 27_834),
        ("AMZN", date(2024, 12, 31), "capex_usd", 27_834),
        ("AMZN", date(2025, 3, 31), "capex_usd", 57_202 - 32_183),
        ("AMZN", date(2025, 9, 30), "capex_usd", 131_819 - 57_202 - 39_522),
        ("AMZN", date(2025, 12, 31), "capex_usd", 39_522),
        ("AMZN", date(2025, 12, 31), "capex_ttm_usd", 131_819),
        ("AMZN", date(2024, 9, 30), "finance_lease_principal_usd", 2_043 - 1_308 - 333),
        ("AMZN", date(2026, 3, 31), "capex_usd", 44_203),
    ],
)
def test_known_answers(snapshot, ticker, period_end, column, expected):
    assert row_of(snapshot, period_end, ticker)[column] == expected * MILLION


@pytest.mark.parametrize(
    ("period_end", "derivation", "grade"),
    [
        (date(2023, 12, 31), "derived", "A"),
        (date(2024, 6, 30), "printed", "A"),
        (date(2025, 9, 30), "derived", "A"),
        (date(2026, 3, 31), "printed", "A"),
    ],
)
def test_amazon_quarters_from_filings_beat_printed_ones_from_pages(snapshot, period_end, derivation, grade):
    row = row_of(snapshot, period_end, "AMZN")
    assert (row["capex_derivation"], row["capex_grade"]) == (derivation, grade)


@pytest.mark.parametrize(
    ("as_of", "fourth_quarter", "third_quarter"),
    [
        # 27,266 - 19,601 and 19,601 - 13,058 as first filed.
        (date(2024, 2, 2), 7_665, 6_543),
        # The half year is restated (12,957), the nine months are not: still the difference as first filed.
        (date(2024, 8, 1), 7_665, 6_543),
        # Nine months restated (19,453), the year not: 27,266 less the 19,601 that was known when it was filed.
        (date(2024, 10, 31), 7_665, 6_496),
        (date(2025, 1, 29), 7_665, 6_496),
        (date(2025, 1, 30), 7_592, 6_496),
    ],
)
def test_meta_restated_2023_in_steps(facts, as_of, fourth_quarter, third_quarter):
    frame = built(facts, as_of)
    assert row_of(frame, date(2023, 12, 31), "META")["capex_usd"] == fourth_quarter * MILLION
    assert row_of(frame, date(2023, 9, 30), "META")["capex_usd"] == third_quarter * MILLION


@pytest.mark.parametrize("as_of", [date(2023, 8, 1), date(2024, 11, 5), date(2025, 1, 28), date(2026, 2, 5), AS_OF])
def test_nothing_from_later(facts, as_of):
    frame = built(facts, as_of)
    assert frame.height > 0
    assert frame["known_on"].max() <= as_of
    assert frame["period_end"].max() < as_of


def test_fiscal_and_calendar_quarters(snapshot):
    """Nvidia's fiscal 2025 ends on 2025-01-26; its fourth quarter lies on the calendar's fourth quarter of 2024."""
    row = row_of(snapshot, date(2025, 1, 26), "NVDA")
    assert (row["fiscal_year"], row["fiscal_quarter"], row["calendar_quarter"]) == (2025, 4, "2024Q4")
    assert row["period_start"] == date(2024, 10, 28)
    microsoft = row_of(snapshot, date(2025, 6, 30), "MSFT")
    assert (microsoft["fiscal_year"], microsoft["fiscal_quarter"], microsoft["calendar_quarter"]) == (2025, 4, "2025Q2")


def test_ratios_and_what_cannot_be_computed(snapshot):
    """Microsoft's fiscal Q4 2025: 17,079 over revenue of 76,441 (281,724 - 205,283) and cash flow of 42,647."""
    row = row_of(snapshot, date(2025, 6, 30), "MSFT")
    assert row["capex_to_revenue"] == pytest.approx(17_079 / 76_441)
    assert row["capex_to_operating_cash_flow"] == pytest.approx(17_079 / 42_647)
    assert row["implied_life_years"] is None
    of_no_fact = next(read(each) for each in row["reasons"] if read(each)["reason_code"] == "no_fact_of_figures")
    assert "property_and_equipment_gross_usd" in of_no_fact["figures"]
    # Apple files gross property and equipment every quarter: 125,848 over 3,080 + 2,661 + 2,830 + 3,127.
    apple = row_of(snapshot, date(2025, 9, 27), "AAPL")
    assert apple["implied_life_years"] == pytest.approx(125_848 / 11_698)
    # Amazon's operating cash flow of the first quarter of 2022 was -2.79 billion.
    amazon = row_of(snapshot, date(2022, 3, 31), "AMZN")
    assert amazon["capex_to_operating_cash_flow"] is None
    assert "cash_flow_not_above_zero" in codes(amazon["reasons"])


def test_one_measure_of_depreciation_a_company(snapshot):
    """Nvidia and Apple file depreciation alone once a year, Amazon never; Meta files both every quarter."""
    found = dict(snapshot.select("ticker", "depreciation_measure").drop_nulls().unique().iter_rows())
    assert found == {
        "AAPL": "depreciation_and_amortization", "AMZN": "depreciation_and_amortization", "GOOGL": "depreciation",
        "META": "depreciation", "MSFT": "depreciation", "NVDA": "depreciation_and_amortization",
    }  # fmt: skip


def test_every_company_with_facts_and_every_quarter_once(snapshot, facts):
    assert set(snapshot["ticker"]) == set(facts["company_facts"]["ticker"])
    assert snapshot.select("ticker", "calendar_quarter").is_unique().all()
    assert snapshot.select("ticker", "period_end").is_unique().all()


def sec_facts(body: dict, tags: dict[str, str], month: int) -> pl.DataFrame:
    """Facts of a companyfacts body, read as plainly as can be."""
    rows = [
        {"ticker": "X", "measure": measure, "tag": f"us-gaap:{tag}", "period_start": unit.get("start"),
         "period_end": unit["end"], "value_usd": unit["val"], "form": unit["form"], "accession": unit["accn"],
         "known_on": unit["filed"]}
        for tag, measure in tags.items()
        for unit in body["facts"]["us-gaap"].get(tag, {"units": {"USD": []}})["units"]["USD"]
    ]  # fmt: skip
    days = [pl.col(name).str.to_date() for name in ("period_start", "period_end", "known_on")]
    frame = pl.DataFrame(rows).with_columns(days).with_columns(fiscal_year_end_month=pl.lit(month, dtype=pl.Int64))
    dated = frame.with_columns(fiscal_year=fiscal_year(), fiscal_quarter=fiscal_quarter())
    return with_provenance(
        CORE["company_facts"], dated.with_columns(period_type=period_type()).drop("fiscal_year_end_month")
    )


def by_the_rule(facts: pl.DataFrame) -> dict[date, float]:
    """Method 7 over again, row by row and for one grade: quarters by their last day."""
    found: dict[date, list[tuple[date, bool, int]]] = {}
    for rows in facts.partition_by("tag"):
        periods: dict[tuple[date, date], list[tuple[date, int]]] = {}
        for row in rows.to_dicts():
            periods.setdefault((row["period_start"], row["period_end"]), []).append((row["known_on"], row["value_usd"]))
        for (start, end), filed in periods.items():
            known_on, value = max(filed)
            if 80 <= (end - start).days <= 100:
                found.setdefault(end, []).append((known_on, True, value))
            for (other_start, other_end), other in periods.items():
                before = [pair for pair in other if pair[0] <= known_on]
                if other_start == start and 80 <= (end - other_end).days <= 100 and before:
                    found.setdefault(end, []).append((known_on, False, value - max(before)[1]))
    return {end: max(each)[2] for end, each in found.items()}


@pytest.mark.parametrize(
    ("file", "month"),
    [
        ("nvda_companyfacts_full_2026.json.gz", 1),
        ("aapl_companyfacts_full_2026.json.gz", 9),
        ("googl_companyfacts_full_2026.json.gz", 12),
        ("googl_companyfacts_trimmed_2026-08.json.gz", 12),
        ("meta_companyfacts_trimmed_2026-08.json.gz", 12),
        ("msft_companyfacts_trimmed_2026-08.json.gz", 6),
    ],
)
@pytest.mark.parametrize(
    ("measure", "column", "tags"),
    [
        (CAPEX, "capex_usd", ("PaymentsToAcquirePropertyPlantAndEquipment", "PaymentsToAcquireProductiveAssets")),
        ("operating_cash_flow", "operating_cash_flow_usd", ("NetCashProvidedByUsedInOperatingActivities",)),
    ],
)
def test_every_quarter_of_whole_bodies(file, month, measure, column, tags):
    """Every quarter since 2009 that the rule gives, and no other, at the end and as known years before."""
    body = json.loads(gzip.decompress(recorded("sec", file).read_bytes()))
    facts = sec_facts(body, dict.fromkeys(tags, measure), month)
    for as_of in (date(2026, 12, 31), date(2021, 9, 1), date(2024, 11, 1)):
        frame = built({"company_facts": facts}, as_of)
        found = {end: usd for end, usd in frame.select("period_end", column).iter_rows() if usd is not None}
        expected = by_the_rule(facts.filter(pl.col("known_on") <= as_of))
        assert {end: found[end] for end in expected} == expected
        # Beyond the rule only quarters that a longer period gives after all its other parts are taken off.
        others = frame.filter(pl.col("period_end").is_in([end for end in found if end not in expected]))
        if measure == CAPEX:
            assert set(others["capex_derivation"]) <= {"derived_from_parts"}


def test_nvidia_changed_its_tag_within_fiscal_2021():
    """10-Q of 2020-11-18: nine months of 845 under the new tag; the half year of 372 had stood under the old one.

    The 10-Q of 2021-08-20 repeats the half year under the new tag and the one of 2021-11-22 the nine months: 473.
    """
    body = json.loads(gzip.decompress(recorded("sec", "nvda_companyfacts_full_2026.json.gz").read_bytes()))
    tags = {tag.removeprefix("us-gaap:"): CAPEX for tag in (OLD, NEW)}
    facts = sec_facts(body, tags, 1)
    end = date(2020, 10, 25)
    at_the_change = row_of(built({"company_facts": facts}, date(2020, 12, 1)), end)
    assert at_the_change["capex_usd"] is None
    two_series = next(read(each) for each in at_the_change["reasons"] if read(each)["reason_code"] == "two_series")
    assert "PaymentsToAcquireProductiveAssets" in (two_series["long_tag"], two_series["short_tag"])
    later = row_of(built({"company_facts": facts}, date(2021, 12, 1)), end)
    assert (later["capex_usd"], later["capex_tag"]) == (473 * MILLION, NEW)


def test_rows_in_any_order_give_the_same_frame(snapshot, facts):
    shuffled = {name: facts[name].sample(fraction=1.0, shuffle=True, seed=3) for name in ("company_facts", "companies")}
    assert built(shuffled).equals(snapshot)


def test_facts_known_by_a_day_are_all_that_counts(facts):
    day = date(2025, 1, 28)
    cut = {name: facts[name].filter(pl.col("known_on") <= day) for name in ("company_facts", "companies")}
    assert built(cut).equals(built(facts, day))


@pytest.fixture
def warehouse(snapshot, facts) -> Iterable[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.register("m", snapshot.to_arrow())
        connection.register("t", facts["company_facts"].to_arrow())
        yield connection


@pytest.mark.parametrize("check", capex_quarterly.TABLE.checks, ids=lambda check: check.name)
def test_checks_hold_on_the_snapshot(warehouse, check):
    assert warehouse.execute(check.unexpected.format(table="m")).fetchall() == []


@pytest.mark.parametrize(
    ("check", "changed"),
    [
        # The page's 0.796 billion in place of Amazon's fourth quarter of 2025.
        ("capex_does_not_collapse", {"capex_usd": 796.0 * MILLION}),
        ("four_quarters_make_the_sum", {"capex_ttm_usd": 1.0}),
        ("known_after_the_quarter", {"known_on": date(2025, 12, 31)}),
        ("unknown_has_a_reason", {"capex_usd": None, "reasons": None}),
        ("one_row_a_calendar_quarter", {"calendar_quarter": "2025Q3"}),
    ],
)
def test_checks_see_what_they_are_for(snapshot, check, changed):
    wrong = (pl.col("ticker") == "AMZN") & (pl.col("period_end") == date(2025, 12, 31))
    frame = snapshot.with_columns(
        pl.when(wrong).then(pl.lit(value)).otherwise(name).alias(name) for name, value in changed.items()
    )
    unexpected = next(c.unexpected for c in capex_quarterly.TABLE.checks if c.name == check)
    with duckdb.connect() as connection:
        connection.register("m", frame.to_arrow())
        assert connection.execute(unexpected.format(table="m")).fetchall()


@pytest.mark.parametrize(
    ("ticker", "period_end", "measure", "values"),
    [
        ("META", date(2023, 12, 31), CAPEX, {27_045, 19_453}),
        ("GOOGL", date(2024, 12, 31), "revenue", {350_018, 253_549}),
        ("AMZN", date(2025, 9, 30), "finance_lease_principal", {1_557, 821, 385}),
        ("MSFT", date(2026, 6, 30), "remaining_performance_obligation", {684_000}),
    ],
)
def test_trace_finds_the_facts_behind_a_figure(warehouse, ticker, period_end, measure, values):
    """Of other measures exactly the facts of the quarter; of capex those of the three quarters before it as well."""
    [trace] = [trace for trace in capex_quarterly.MART.traces if trace.table == "core.company_facts"]
    query = (
        f"select t.value_usd from m join t on list_contains(m.{trace.ids}, t.fact_id) "
        "where m.ticker = ? and m.period_end = ? and t.measure = ?"
    )
    found = {usd for (usd,) in warehouse.execute(query, [ticker, period_end, measure]).fetchall()}
    expected = {value * MILLION for value in values}
    assert found >= expected if measure == CAPEX else found == expected


def test_traces_reproduce_capex_of_every_row(warehouse, snapshot):
    """Of the facts in `capex_fact_ids` the longest less the others is the quarter; all were known by the row's day."""
    rows = warehouse.execute(
        "select m.ticker, m.period_end, any_value(m.capex_usd), "
        "list(t.value_usd order by t.period_end - t.period_start desc), "
        "bool_and(t.known_on <= m.capex_known_on and m.capex_known_on <= m.known_on), "
        "max(t.grade) = any_value(m.capex_grade), "
        "bool_and(list_contains(m.fact_ids, t.fact_id)) "
        "from m join t on list_contains(m.capex_fact_ids, t.fact_id) "
        "group by m.ticker, m.period_end"
    ).fetchall()
    assert len(rows) == snapshot["capex_usd"].count()
    for ticker, end, usd, (longest, *others), *held in rows:
        assert longest - sum(others) == usd, (ticker, end)
        assert held == [True, True, True], (ticker, end)
