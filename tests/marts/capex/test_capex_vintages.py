"""Quarters to be paid for, by arithmetic from the filings; an unknown one is an interval with a name."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from tests.built import build
from tests.marts.declared import failing
from tests.marts.made_up import mart_frame
from warehouse.assumptions import load
from warehouse.marts.capex import capex_vintages
from warehouse.marts.common.reasons import codes, read, reason

AS_OF = date(2026, 11, 9)
MILLION = 1_000_000


def quarters(*rows: tuple[str, float | None], ticker: str = "GOOGL", leases: float | None = 1.0, **more: Any):
    """Quarters (`2025Q1`, millions of capex) of one company."""
    return mart_frame(
        "capex_quarterly",
        [
            {"ticker": ticker, "period_end": date(int(name[:4]), 3 * int(name[-1]), 28), "calendar_quarter": name,
             "capex_usd": None if usd is None else usd * MILLION,
             "finance_lease_assets_usd": None if usd is None or leases is None else leases * MILLION,
             "capex_known_on": None if usd is None else date(2026, 1, 1), "capex_grade": None if usd is None else "A",
             "capex_fact_ids": None if usd is None else [f"{ticker} {name}"], "fact_ids": [f"{ticker} {name}"],
             "known_on": date(2026, 2, 1),
             "reasons": [reason("no_fact_of_figures", figures=["revenue_usd"]),
                         reason("no_shorter_period", figures=["capex_usd"])] if usd is None else None} | more
            for name, usd in rows
        ],
    )  # fmt: skip


def made(*frames: pl.DataFrame) -> dict[tuple[str, str], dict[str, Any]]:
    """Rows by ticker and quarter, after the declared checks."""
    given = {"capex_quarterly": pl.concat(frames) if frames else mart_frame("capex_quarterly", [])}
    found = capex_vintages.MART.run(given, as_of=AS_OF, assumptions=load())
    assert set(failing(capex_vintages.TABLE, found).values()) <= {0}
    return {(row["ticker"], row["calendar_quarter"]): row for row in found.to_dicts()}


def interval(row: dict[str, Any]) -> tuple[float | None, ...]:
    return tuple(None if row[name] is None else row[name] / MILLION
                 for name in ("capex_usd", "capex_low_usd", "capex_high_usd"))  # fmt: skip


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
def test_quarters_add_up_to_the_years_of_the_filings(ticker, year, capex, facts, assumptions):
    found = build(facts, as_of=AS_OF, assumptions=assumptions, only={"capex_vintages"})["capex_vintages"]
    own = found.filter((pl.col("ticker") == ticker) & pl.col("calendar_quarter").str.starts_with(str(year)))
    assert (own.height, own["is_known"].all(), own["capex_usd"].sum()) == (4, True, capex * MILLION)


@pytest.mark.parametrize("day", [date(2024, 12, 26), date(2025, 7, 31), AS_OF])
def test_checks_hold_on_the_snapshot(day, facts, assumptions):
    found = build(facts, as_of=day, assumptions=assumptions, only={"capex_vintages"})["capex_vintages"]
    assert set(failing(capex_vintages.TABLE, found).values()) <= {0}
    assert found["ticker"].value_counts()["count"].n_unique() == 1, "each company has the same quarters"
    assert found.filter(pl.col("known_on") > day).is_empty()
    assert found.filter(pl.col("spent_on") > day).is_empty()


# ---- Made up -----------------------------------------------------------------------------------------------------------


def test_a_known_quarter_is_itself_at_both_ends_and_spent_in_its_middle():
    row = made(quarters(("2025Q1", 1)))["GOOGL", "2025Q1"]
    assert interval(row) == (1, 1, 1)
    assert row["spent_on"] == date(2025, 2, 14), "44 days after 1 January, of 89 to 31 March"
    assert (row["is_known"], row["finance_lease_assets_usd"], row["reasons"]) == (True, MILLION, None)
    assert row["fact_ids"] == ["GOOGL 2025Q1"]


def test_an_unknown_quarter_lies_between_zero_and_the_larger_neighbour_and_is_named():
    found = made(quarters(("2025Q1", 7), ("2025Q2", None), ("2025Q3", 4)))
    row = found["GOOGL", "2025Q2"]
    assert interval(row) == (None, 0, 7)
    assert codes(row["reasons"]) == ["vintage_unknown", "no_shorter_period"]
    assert read(row["reasons"][0]) | {"reason_code": ""} == {
        "reason_code": "", "ticker": "GOOGL", "quarter": "2025Q2", "neighbours": ["2025Q1", "2025Q3"]
    }  # fmt: skip
    assert row["fact_ids"] == ["GOOGL 2025Q1", "GOOGL 2025Q3"]
    assert interval(made(quarters(("2025Q1", 4), ("2025Q3", 7)))["GOOGL", "2025Q2"]) == (None, 0, 7)


def test_with_one_neighbour_that_one_counts_however_far():
    """GOOGL's last quarter known is 2025Q2 where META has filed two more; before its first, the first counts."""
    found = made(quarters(("2025Q1", 9), ("2025Q2", 7)), quarters(("2025Q4", 3), ticker="META"))
    assert interval(found["GOOGL", "2025Q4"]) == (None, 0, 7)
    assert interval(found["GOOGL", "2022Q1"]) == (None, 0, 9)
    assert interval(found["META", "2022Q1"]) == (None, 0, 3)
    before = made(quarters(("2021Q4", 5), ("2022Q2", 2)))
    assert interval(before["GOOGL", "2022Q1"]) == (None, 0, 5), "a quarter before the first vintage is a neighbour too"


def test_a_company_that_nothing_is_known_of_has_no_upper_end():
    row = made(quarters(("2025Q1", 1)))["AMZN", "2025Q1"]
    assert interval(row) == (None, 0, None)
    assert row["reasons"] == [reason("vintage_unbounded", ticker="AMZN", quarter="2025Q1")]
    assert (row["grade"], row["known_on"]) == (None, None)


def test_every_company_has_every_quarter_from_the_first_vintage_to_the_newest_filed():
    found = made(quarters(("2022Q3", 1), ticker="META"))
    assert list(found) == [(ticker, f"2022Q{n}") for ticker in ("AMZN", "GOOGL", "META", "MSFT") for n in (1, 2, 3)]
    assert made() == {}, "before the first fact there is no quarter"
    assert made(quarters(("2021Q4", 1))) == {}
    assert made(quarters(("2025Q1", 1), ticker="NVDA")) == {}, "the group's own filings count"


def test_a_quarter_that_is_known_twice_is_unknown():
    """Two fiscal quarters with their middle in one calendar quarter: neither alone is what was spent in it."""
    twice = quarters(("2025Q2", 5), period_end=date(2025, 4, 30))
    row = made(quarters(("2025Q1", 3), ("2025Q2", 4)), twice)["GOOGL", "2025Q2"]
    assert interval(row) == (None, 0, 3)
    assert codes(row["reasons"]) == ["vintage_known_twice", "vintage_unknown"]


def test_without_leases_a_quarter_is_cash_only_and_says_so():
    row = made(quarters(("2025Q1", 1), leases=None))["GOOGL", "2025Q1"]
    assert row["finance_lease_assets_usd"] is None
    assert row["reasons"] == [reason("vintage_cash_only", ticker="GOOGL", quarter="2025Q1")]


def test_the_weakest_fact_grades_the_quarter():
    row = made(quarters(("2025Q1", 1), capex_grade="C"))["GOOGL", "2025Q1"]
    assert row["grade"] == "C"
    leased = made(quarters(("2025Q1", 1), leases_grade="C", leases_known_on=date(2026, 5, 5)))["GOOGL", "2025Q1"]
    assert (leased["grade"], leased["known_on"]) == ("C", date(2026, 5, 5))
