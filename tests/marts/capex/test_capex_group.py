"""The group's capex by calendar quarter: who is in a sum, what a missing company costs, and when there is no sum."""

from __future__ import annotations

from datetime import date, timedelta

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import AS_OF
from tests.examples import examples
from warehouse.assumptions import load
from warehouse.marts import known
from warehouse.marts.capex import capex_group, capex_quarterly
from warehouse.marts.common.reasons import codes, reason
from warehouse.marts.common.scopes import COMPANIES

ALL = ["AMZN", "GOOGL", "META", "MSFT"]
NAMES = ("2024Q3", "2024Q4", "2025Q1", "2025Q2", "2025Q3", "2025Q4")
MILLION, BILLION = 1_000_000, 1_000_000_000


def quarters(**usd: tuple[float | None, ...]) -> pl.DataFrame:
    """Rows of capex_quarterly from 2024Q3 on: capex in billions (None: unknown), lease principal a tenth of it."""
    rows = [
        {
            "ticker": ticker,
            "calendar_quarter": name,
            "period_end": date(2024, 9, 30) + timedelta(91 * n),
            "capex_usd": value * BILLION,
            "capex_grade": "A",
            "capex_known_on": date(2025, 1, 1) + timedelta(91 * n),
            "finance_lease_assets_usd": value * BILLION / 10,
            "leases_grade": "A",
            "leases_known_on": date(2025, 1, 2) + timedelta(91 * n),
        }
        if value is not None
        else {"ticker": ticker, "calendar_quarter": name, "period_end": date(2024, 9, 30) + timedelta(91 * n)}
        for ticker, values in usd.items()
        for n, (name, value) in enumerate(zip(NAMES, values, strict=False))
    ]
    return pl.DataFrame(rows, schema=dict(capex_quarterly.TABLE.polars_schema))


def built(frame: pl.DataFrame) -> pl.DataFrame:
    return capex_group.MART.run({"capex_quarterly": frame}, as_of=AS_OF, assumptions=load())


def row_of(frame: pl.DataFrame, name: str) -> dict:
    return frame.row(by_predicate=pl.col("calendar_quarter") == name, named=True)


def of_snapshot(facts: dict[str, pl.DataFrame], as_of: date = AS_OF) -> pl.DataFrame:
    run = capex_quarterly.MART.run(known(facts, as_of), as_of=as_of, assumptions=load())
    return built(run)


FOUR = {"MSFT": (10, 10, 10, 10), "GOOGL": (20, 20, 20, 20), "META": (30, 30, 30, 30), "AMZN": (40, 40, 40, 40)}


def test_complete_year():
    row = row_of(built(quarters(**FOUR)), "2025Q2")
    assert (row["companies"], row["capex_usd"], row["capex_ttm_usd"]) == (ALL, 100 * BILLION, 400 * BILLION)
    assert row["capex_with_leases_usd"] == pytest.approx(110 * BILLION)
    assert (row["coverage_share"], row["grade"], row["reasons"], row["stand_ins"]) == (1.0, "A", None, None)


def test_first_year_has_no_sum_of_four_and_is_barely_covered():
    """Three of the first row's four quarters are missing for everyone, each put at the first known one."""
    row = row_of(built(quarters(**FOUR)), "2024Q3")
    assert (row["capex_ttm_usd"], row["coverage_share"]) == (None, 0.25)
    assert "group_year_incomplete_before" in codes(row["reasons"])


def test_one_early_filer():
    """Microsoft alone has filed the fifth quarter: 12 known; 20 + 30 + 40 of the others count as missing.

    Covered: 3 quarters of 100 and 12 of 3 x 100 + 12 + 90.
    """
    row = row_of(built(quarters(**FOUR | {"MSFT": (10, 10, 10, 10, 12)})), "2025Q3")
    assert (row["companies"], row["capex_usd"], row["capex_ttm_usd"]) == (["MSFT"], 12 * BILLION, None)
    assert row["coverage_share"] == pytest.approx(312 / 402)
    assert reason("group_capex_without", tickers=["AMZN", "GOOGL", "META"]) in row["reasons"]
    assert row["stand_ins"] == ["AMZN 2025Q2", "GOOGL 2025Q2", "META 2025Q2"]


def test_quarter_missing_in_the_middle_counts_with_the_one_before_it():
    """Amazon's 2025Q1 is missing and counts with the 50 of the quarter before, neither with 40 nor with 70."""
    row = row_of(built(quarters(**FOUR | {"AMZN": (40, 50, None, 70)})), "2025Q2")
    assert row["coverage_share"] == pytest.approx((4 * 60 + 40 + 50 + 70) / (4 * 60 + 40 + 50 + 50 + 70))
    assert (row["capex_usd"], row["capex_ttm_usd"]) == (130 * BILLION, None)
    assert "group_year_incomplete_before" in codes(row["reasons"])


def test_company_that_fell_silent_keeps_weighing():
    row = row_of(built(quarters(**{t: (*v, v[0], v[0]) for t, v in FOUR.items()} | {"AMZN": (40,)})), "2025Q4")
    assert row["coverage_share"] == pytest.approx(240 / 400)
    assert row["stand_ins"] == ["AMZN 2024Q3"]


def test_company_without_any_quarter_leaves_coverage_unknown():
    """Nothing is known to put in its place, and leaving it out would look like full coverage."""
    row = row_of(built(quarters(**FOUR | {"AMZN": ()})), "2025Q2")
    assert (row["companies"], row["capex_usd"], row["coverage_share"]) == (
        ["GOOGL", "META", "MSFT"],
        60 * BILLION,
        None,
    )
    assert reason("group_coverage_without", tickers=["AMZN"]) in row["reasons"]


def test_quarter_that_was_filed_without_capex_is_a_missing_one():
    """Microsoft has a row without capex in 2025Q3 (its tag changed): the quarter is there, and nobody's capex is."""
    row = row_of(built(quarters(**FOUR | {"MSFT": (10, 10, 10, 10, None)})), "2025Q3")
    assert (row["companies"], row["capex_usd"], row["coverage_share"]) == (None, None, 0.75)
    assert reason("group_capex_without", tickers=ALL) in row["reasons"]


def test_leases_of_one_company_unknown():
    frame = quarters(**FOUR).with_columns(
        finance_lease_assets_usd=pl.when(pl.col("ticker") != "GOOGL").then("finance_lease_assets_usd")
    )
    row = row_of(built(frame), "2025Q2")
    assert (row["capex_with_leases_usd"], row["capex_usd"]) == (None, 100 * BILLION)
    assert row["reasons"] == [reason("group_leases_unknown", tickers=["GOOGL"])]


def test_others_are_not_in_the_group():
    frame = quarters(**FOUR | {"NVDA": (500,) * 4, "AAPL": (500,) * 6})
    assert built(frame).equals(built(quarters(**FOUR)))


def test_weakest_grade_of_the_year():
    """A page's figure in the first quarter weakens the years that it is in, and no other."""
    weak = (pl.col("ticker") == "AMZN") & (pl.col("calendar_quarter") == "2024Q3")
    frame = quarters(**{t: (*v, v[0]) for t, v in FOUR.items()}).with_columns(
        capex_grade=pl.when(weak).then(pl.lit("C")).otherwise("capex_grade")
    )
    assert built(frame)["grade"].to_list() == ["C", "C", "C", "C", "A"]


def test_no_facts():
    assert built(capex_quarterly.TABLE.empty()).is_empty()


@settings(max_examples=examples(0.4))
@given(st.lists(st.lists(st.none() | st.integers(1, 100), min_size=6, max_size=6), min_size=4, max_size=4))
def test_sums_and_coverage_whatever_is_missing(values):
    frame = built(quarters(**dict(zip(COMPANIES, map(tuple, values), strict=True))))
    for row in frame.to_dicts():
        n = NAMES.index(row["calendar_quarter"])
        there = {ticker: own[n] for ticker, own in zip(COMPANIES, values, strict=True) if own[n] is not None}
        assert row["companies"] == (sorted(there) or None)
        assert row["capex_usd"] == (sum(there.values()) * BILLION if there else None)
        last = [own[n - 3 : n + 1] if n >= 3 else [None] for own in values]
        whole = all(usd is not None for own in last for usd in own)
        assert row["capex_ttm_usd"] == (sum(map(sum, last)) * BILLION if whole else None)
        assert (row["coverage_share"] == 1.0) == whole
        assert row["coverage_share"] is None or 0 <= row["coverage_share"] <= 1


# ---- The snapshot ----------------------------------------------------------------------------------------------------


def test_group_of_2025(facts):
    """Calendar 2025 in millions: Alphabet 91,447, Meta 69,691 and Amazon 131,819 as their annual reports have it.

    Microsoft: 16,745 + 17,079 of fiscal 2025 and 19,394 + 29,876 of fiscal 2026 (10-Qs of 2025-10-29 and 2026-01-28).
    """
    row = row_of(of_snapshot(facts), "2025Q4")
    microsoft = 16_745 + 17_079 + 19_394 + 29_876
    assert row["capex_ttm_usd"] == (91_447 + 69_691 + 131_819 + microsoft) * 1_000_000
    assert (row["companies"], row["coverage_share"], row["grade"]) == (ALL, 1.0, "A")


def test_latest_quarter_of_the_snapshot(facts):
    """2026Q2: Amazon 54,208, Alphabet 44,924, Meta 30,116, Microsoft 35,802; before Amazon filed, its 44,203 stands in."""
    row = of_snapshot(facts).row(-1, named=True)
    year = 97_271 + 118_632 + 129_750
    assert (row["calendar_quarter"], row["companies"]) == ("2026Q2", sorted(COMPANIES))
    assert (row["capex_usd"], row["capex_ttm_usd"]) == (165_050 * MILLION, (year + 165_050) * MILLION)
    before = of_snapshot(facts, date(2026, 7, 30)).row(-1, named=True)
    covered = year + 44_924 + 30_116 + 35_802
    assert (before["calendar_quarter"], before["companies"]) == ("2026Q2", ["GOOGL", "META", "MSFT"])
    assert before["coverage_share"] == pytest.approx(covered / (covered + 44_203))
    assert before["capex_ttm_usd"] is None
    assert before["reasons"][0] == reason("group_capex_without", tickers=["AMZN"])


def test_as_of_the_event(facts):
    """On 2025-01-28 nobody's fourth quarter is known: the last row is 2024Q3, complete."""
    row = of_snapshot(facts, date(2025, 1, 28)).row(-1, named=True)
    assert (row["calendar_quarter"], row["companies"], row["coverage_share"]) == ("2024Q3", ALL, 1.0)
    assert row["known_on"] <= date(2025, 1, 28)


def test_year_of_the_group_is_the_sum_of_the_companies_years(facts):
    run = capex_quarterly.MART.run(known(facts, AS_OF), as_of=AS_OF, assumptions=load())
    each = (
        run.filter(pl.col("ticker").is_in(COMPANIES))
        .group_by("calendar_quarter")
        .agg(total=pl.when(pl.col("capex_ttm_usd").count() == len(COMPANIES)).then(pl.col("capex_ttm_usd").sum()))
    )
    both = built(run).join(each, on="calendar_quarter", how="left")
    assert both["capex_ttm_usd"].count() > 0
    assert both["capex_ttm_usd"].to_list() == both["total"].to_list()


@pytest.mark.parametrize("check", capex_group.TABLE.checks, ids=lambda check: check.name)
def test_checks_hold_on_the_snapshot(facts, check):
    with duckdb.connect() as connection:
        connection.register("m", of_snapshot(facts).to_arrow())
        connection.execute("create schema marts")
        quarters = capex_quarterly.MART.run(known(facts, AS_OF), as_of=AS_OF, assumptions=load())
        connection.register("quarters", quarters.to_arrow())
        connection.execute("create table marts.capex_quarterly as from quarters")
        assert connection.execute(check.unexpected.format(table="m")).fetchall() == []


@pytest.mark.parametrize(
    ("check", "wrong"),
    [
        ("no_quarter_left_out", lambda frame: frame.filter(pl.col("calendar_quarter") != "2024Q4")),
        ("year_is_all_companies", lambda frame: frame.with_columns(companies=pl.lit(["GOOGL", "MSFT"]))),
        ("unknown_has_a_reason", lambda frame: frame.with_columns(reasons=pl.lit(None, pl.List(pl.String)))),
    ],
)
def test_checks_see_what_they_are_for(facts, check, wrong):
    unexpected = next(c.unexpected for c in capex_group.TABLE.checks if c.name == check)
    with duckdb.connect() as connection:
        connection.register("m", wrong(of_snapshot(facts)).to_arrow())
        assert connection.execute(unexpected.format(table="m")).fetchall()


@pytest.mark.parametrize(
    ("name", "stand_ins"),
    [("2025Q4", set()), ("2026Q2", {("AMZN", "2026Q2")}), ("2021Q4", {("META", "2022Q1")})],
)
def test_trace_finds_the_quarters_behind_a_row(facts, name, stand_ins):
    """The known quarters of the year add up to what the row covers, and the stand-ins are there."""
    run = capex_quarterly.MART.run(known(facts, AS_OF), as_of=AS_OF, assumptions=load())
    [trace] = capex_group.MART.traces
    with duckdb.connect() as connection:
        connection.register("m", built(run).to_arrow())
        connection.register("t", run.to_arrow())
        query = f"select t.ticker, t.calendar_quarter, t.capex_usd from m join t on {trace.condition}"
        found = connection.execute(f"{query} where m.calendar_quarter = ?", [name]).fetchall()
    row = row_of(built(run), name)
    assert {(ticker, quarter) for ticker, quarter, _ in found} >= stand_ins
    assert sum(usd for _, quarter, usd in found if quarter == name) == row["capex_usd"]
    if row["capex_ttm_usd"] is not None:
        assert sum(usd for *_, usd in found) == row["capex_ttm_usd"]
