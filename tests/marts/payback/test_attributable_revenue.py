"""No dollar counts twice, nothing is left out silently, and the figure known last is the one that counts."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import with_provenance
from tests.marts.declared import failing
from warehouse.assumptions import load
from warehouse.marts import known
from warehouse.marts.common.reasons import reason
from warehouse.marts.payback import attributable_revenue
from warehouse.tables import CORE

AS_OF = date(2026, 11, 9)
INDUSTRY = "Industry, de-duplicated end customers"


def facts_of(*rows: dict[str, Any]) -> pl.DataFrame:
    usual = {"topic": "ai_revenue", "entity": "Microsoft", "metric": "ai_run_rate", "unit": "USD/year", "value": 10e9,
             "value_low": None, "value_high": None, "as_of_date": date(2026, 1, 1), "known_on": date(2026, 2, 1),
             "grade": "C"}  # fmt: skip
    named = [{"evidence_id": f"CC{i:03}", "locator": f"line {i}", **usual, **row} for i, row in enumerate(rows)]
    types = {"value_low": pl.Float64, "value_high": pl.Float64, "value": pl.Float64}
    return with_provenance(CORE["evidence"], pl.DataFrame(named, schema_overrides=types))


def lines(evidence: pl.DataFrame, scope: str = "MSFT", view: str = "infrastructure") -> list[dict[str, Any]]:
    found = attributable_revenue.MART.run({"evidence": evidence}, as_of=AS_OF, assumptions=load())
    assert set(failing(attributable_revenue.TABLE, found).values()) <= {0}
    return found.filter((pl.col("scope") == scope) & (pl.col("revenue_view") == view)).to_dicts()


def counted(rows: list[dict[str, Any]]) -> list[str]:
    return [row["evidence_id"] for row in rows if row["counted"]]


# ---- The snapshot: the views line by line ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scope", "view", "ids", "lower"),
    [
        ("ALL", "end_customer", ["CC119", "CC120"], False),  # 110 and 175 billion of the industry span the range
        ("ALL", "infrastructure", ["CC046", "CC044"], True),  # 15 and 37 billion; Google's and Meta's are unknown
        ("MSFT", "infrastructure", ["CC044"], False),
        ("AMZN", "infrastructure", ["CC046"], False),
        ("GOOGL", "infrastructure", [], True),
        ("META", "infrastructure", [], True),
    ],
)
def test_what_counts_in_the_snapshot(scope, view, ids, lower, facts):
    found = lines(known(facts, AS_OF)["evidence"], scope, view)
    assert counted(found) == ids
    assert {row["is_lower_bound"] for row in found} == {lower}


def test_the_labs_are_in_the_industrys_figure_already(facts):
    found = lines(known(facts, AS_OF)["evidence"], "ALL", "end_customer")
    labs = [row for row in found if row["entity"] in ("OpenAI", "Anthropic")]
    assert labs
    assert not any(row["counted"] for row in labs)
    assert all(row["reasons"] == [reason("inside_other_revenue", entities=[INDUSTRY])] for row in labs)


def test_before_the_industrys_figure_the_labs_stand_in_as_a_lower_bound(facts):
    found = lines(known(facts, date(2026, 4, 30))["evidence"], "ALL", "end_customer")
    assert {row["entity"] for row in found if row["counted"]} == {"OpenAI", "Anthropic"}
    assert all(row["is_lower_bound"] for row in found)


@pytest.mark.parametrize("day", [date(2024, 11, 30), date(2025, 1, 31), AS_OF])
def test_no_revenue_is_in_two_views_of_a_scope(day, facts):
    found = attributable_revenue.MART.run(known(facts, day), as_of=day, assumptions=load())
    twice = found.filter("counted").group_by("scope", "evidence_id").len().filter(pl.col("len") > 1)
    assert twice.is_empty()


# ---- Made up -----------------------------------------------------------------------------------------------------------


def test_known_last_counts_and_the_rest_says_why():
    found = lines(facts_of({"known_on": date(2025, 1, 1), "value": 5e9}, {"known_on": date(2026, 1, 1)}))
    assert counted(found) == ["CC001"]
    assert found[0]["reasons"] == [reason("later_figure_known")]


def test_figures_of_one_day_count_together():
    found = lines(facts_of({"value": 5e9}, {"value": 9e9, "metric": "ai_run_rate"}))
    assert counted(found) == ["CC000", "CC001"]


@pytest.mark.parametrize(
    "change",
    [
        {"metric": "revenue_quarter", "unit": "USD/quarter"},  # a cloud's whole revenue
        {"metric": "ai_run_rate_guided"},  # an expectation
        {"unit": "USD/quarter"},
        {"grade": "D"},
        {"topic": "capacity"},
        {"entity": "Oracle"},
    ],
)
def test_what_is_no_revenue_from_ai_of_this_view(change):
    found = lines(facts_of(change))
    assert counted(found) == []
    assert all(row["reasons"] and row["is_lower_bound"] for row in found)


def test_an_entity_without_a_figure_makes_a_lower_bound():
    found = lines(facts_of({"entity": "Microsoft"}, {"entity": "Amazon AWS"}), "ALL")
    gaps = {row["entity"]: row["reasons"] for row in found if row["evidence_id"] == ""}
    assert gaps == {entity: [reason("no_ai_revenue_of_entity")] for entity in ("Google Cloud", "Meta")}
    assert all(row["is_lower_bound"] for row in found)
    whole = [{"entity": name} for name in ("Microsoft", "Google Cloud", "Amazon AWS", "Meta")]
    assert not any(row["is_lower_bound"] for row in lines(facts_of(*whole), "ALL"))


def test_a_range_is_kept_and_a_single_figure_is_none():
    low, point = lines(
        facts_of({"value_low": 8e9, "value_high": 12e9}, {"known_on": date(2025, 1, 1), "evidence_id": "CC009"})
    )
    assert (low["low_usd"], low["value_usd"], low["high_usd"], low["has_range"]) == (8e9, 10e9, 12e9, True)
    assert (point["low_usd"], point["high_usd"], point["has_range"]) == (10e9, 10e9, False)


def test_no_facts():
    found = lines(CORE["evidence"].empty(), "ALL", "end_customer")
    assert [(row["entity"], row["counted"]) for row in found] == [(INDUSTRY, False)]


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.sampled_from([INDUSTRY, "OpenAI", "Anthropic", "Microsoft", "Amazon AWS"]),
                          st.sampled_from(["ai_run_rate", "annualised_revenue", "trailing_12_month_revenue"]),
                          st.integers(1, 28)), max_size=8))  # fmt: skip
def test_the_industry_and_the_labs_never_count_together(rows):
    made = [{"entity": entity, "metric": metric, "known_on": date(2026, 2, day)} for entity, metric, day in rows]
    evidence = facts_of(*made) if made else CORE["evidence"].empty()
    who = {row["entity"] for row in lines(evidence, "ALL", "end_customer") if row["counted"]}
    assert not (INDUSTRY in who and who & {"OpenAI", "Anthropic"})
