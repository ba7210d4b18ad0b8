"""Input that is no figure ends in a clear word: it cannot tell, with the reason, whatever stands around it.

Each kind is put into the snapshot's facts, all marts of the answer are made, and the verdict that rests on it is read. None
may fall back on an older figure, none may be worked out, and none may break.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import polars as pl
import pytest

from tests.built import build
from tests.conftest import with_provenance
from tests.marts.verdict.plain import faults
from tests.timeline import shortened
from warehouse import marts
from warehouse.marts.common.reasons import codes
from warehouse.tables import CORE

DAY = date(2026, 11, 29)
FEW = {"draws": 1_000, "detail": "deciding"}
OPEN = "cannot_tell"
CAPEX = "purchases_of_property_and_equipment"
Facts = dict[str, pl.DataFrame]


def answer(facts: Facts, assumptions, scope: str, question: str, day: date = DAY) -> dict[str, Any]:
    built = build(facts, as_of=day, assumptions=assumptions.replaced(FEW), only={"verdict"})
    return built["verdict"].filter(scope=scope, question=question).to_dicts()[0]


def evidence(facts: Facts, *rows: dict[str, Any], without: pl.Expr | None = None) -> Facts:
    """The facts with rows of evidence, each Microsoft's AI revenue of September 2026 but for what it says."""
    usual = {
        "topic": "ai_revenue", "entity": "Microsoft", "metric": "ai_run_rate", "as_of_date": date(2026, 9, 30),
        "value": 45e9, "value_low": None, "value_high": None, "unit": "USD/year", "known_on": date(2026, 10, 29),
        "grade": "A",
    }  # fmt: skip
    named = [
        {"evidence_id": f"T{number}", "locator": f"line {number}", **usual, **row} for number, row in enumerate(rows)
    ]
    added = with_provenance(
        CORE["evidence"], pl.DataFrame(named, schema_overrides=dict.fromkeys(("value_low", "value_high"), pl.Float64))
    )
    kept = facts["evidence"] if without is None else facts["evidence"].filter(~without)
    return {**facts, "evidence": pl.concat([kept, added.select(kept.columns)])}


@pytest.mark.parametrize(
    ("wrong", "code", "said"),
    [
        ({"value_low": 50e9, "value_high": 40e9}, "revenue_range_reversed", "lies outside its own range"),
        ({"value_low": 46e9, "value_high": 60e9}, "revenue_range_reversed", "lies outside its own range"),
        ({"value": 0.0}, "revenue_zero", "is said to be zero"),
        ({"value": -45e9}, "revenue_negative", "is said to be negative"),
        ({"unit": "EUR/year"}, "revenue_in_other_currency", "is in another currency"),
    ],
)
def test_a_revenue_that_is_none(wrong, code, said, facts, assumptions):
    row = answer(evidence(facts, wrong), assumptions, "MSFT", "Q3")
    assert (row["verdict"], row["leaning"]) == (OPEN, None)
    assert code in codes(row["reasons"])
    assert said in row["headline"]
    assert not re.search(r"\d", row["headline"] + row["statement"]), "a figure of what is none"
    assert faults(row) == []


def test_growth_is_not_taken_between_two_bases(facts, assumptions):
    """A trailing year before, a run rate now: the one has not grown into the other, and a year earlier is not known."""
    own = (pl.col("entity") == "Microsoft") & (pl.col("topic") == "ai_revenue")
    rows = (
        {},
        {"as_of_date": date(2025, 9, 30), "known_on": date(2025, 10, 29), "value": 5e9, "metric": "ai_trailing_year"},
    )
    row = answer(evidence(facts, *rows, without=own), assumptions, "MSFT", "Q3")
    assert row["verdict"] == OPEN
    assert "no_revenue_a_year_earlier" in codes(row["reasons"])
    assert "how fast it grows is not known" in row["statement"]
    alike = [{**each, "metric": "ai_run_rate"} for each in rows]
    assert answer(evidence(facts, *alike, without=own), assumptions, "MSFT", "Q3")["verdict"] != OPEN, (
        "on one basis it can"
    )


def test_one_vintage_of_everything(facts, assumptions):
    """Of each company one quarter, of each list its newest: what a year takes is unknown, and nothing is made of less."""
    filings, lists = facts["company_facts"], facts["ai_models"]
    one = {
        **facts,
        "company_facts": filings.filter(
            (pl.col("measure") == CAPEX) & (pl.col("period_end") == date(2026, 6, 30))
            & (pl.col("period_end") - pl.col("period_start")).dt.total_days().is_between(80, 100)
        ),
        "ai_models": lists.filter(pl.col("vintage") == pl.col("vintage").max()),
        "evidence": facts["evidence"].sort("known_on").unique(["entity", "metric"], keep="last", maintain_order=True),
    }  # fmt: skip
    built = build(one, as_of=DAY, assumptions=assumptions.replaced(FEW), only={"verdict", "value_of_information"})
    for row in built["verdict"].filter(pl.col("question").is_in(["Q2", "Q3", "overall"])).to_dicts():
        assert row["verdict"] == OPEN
        assert row["reasons"]
        assert faults(row) == []


def test_capex_of_a_quarter_known_twice(facts, assumptions):
    """Two figures of one quarter, filed on one day: the quarter is unknown, and its vintage an interval from nothing.

    A later filing can settle it. Half a year less its second quarter leaves the first, whichever of the two it is.
    """
    filings = facts["company_facts"]
    first = filings.filter(
        (pl.col("ticker") == "MSFT") & (pl.col("measure") == CAPEX) & (pl.col("period_start") == date(2025, 7, 1))
        & (pl.col("period_end") == date(2025, 9, 30))
    )  # fmt: skip
    assert first["value_usd"].to_list() == [19_394_000_000]
    again = first.with_columns(value_usd=pl.col("value_usd") * 3, locator=pl.lit("again")).drop("fact_id")
    again = with_provenance(CORE["company_facts"], again)
    both = {**facts, "company_facts": pl.concat([filings, again.select(filings.columns)])}

    def quarter(day: date, mart: str) -> dict[str, Any]:
        built = build(both, as_of=day, assumptions=assumptions.replaced(FEW), only={"verdict", mart})
        assert [fault for row in built["verdict"].to_dicts() for fault in faults(row)] == []
        return built[mart].filter(ticker="MSFT", calendar_quarter="2025Q3").to_dicts()[0]

    row = quarter(date(2025, 11, 29), "capex_quarterly")
    assert row["capex_usd"] is None
    assert "told_twice" in codes(row["reasons"])
    vintage = quarter(date(2025, 11, 29), "capex_vintages")
    assert (vintage["is_known"], vintage["capex_usd"], vintage["capex_low_usd"]) == (False, None, 0)
    later = quarter(DAY, "capex_quarterly")
    assert later["capex_usd"] in (None, 49_270_000_000 - 29_876_000_000)


@pytest.mark.parametrize("day", [date(1990, 1, 1), date(2017, 6, 1)])
def test_a_day_before_the_first_fact(day, facts, assumptions):
    """No mart breaks, no verdict is given, and each answer says that nothing is known."""
    built = build(facts, as_of=day, assumptions=assumptions.replaced({"draws": 1_000}))
    assert set(built) == set(marts.all_marts())
    for row in built["verdict"].to_dicts():
        assert (row["verdict"], row["leaning"]) == (OPEN, None)
        assert row["reasons"]
        assert row["inputs_through"] is None
        assert faults(row) == []
        assert not re.search(r"\d", row["headline"] + row["statement"])
    information = built["value_of_information"]
    assert information["probability_of_change"].null_count() == information.height
    assert information["reasons"].null_count() == 0
    assert built["path_scores"].is_empty()
    assert built["required_path"]["required_revenue_p50_usd"].drop_nulls().is_empty()


def test_no_facts_at_all(assumptions):
    with shortened(2):  # each day of the timeline knows as little
        built = marts.build({}, as_of=DAY, assumptions=assumptions.replaced({"draws": 1_000}))
    assert {row["verdict"] for row in built["verdict"].to_dicts()} == {OPEN}
    assert all(row["reasons"] for row in built["verdict"].to_dicts())
