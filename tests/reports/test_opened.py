"""What opens behind a figure: its facts, the documents they stand in, and the judgements it takes."""

from __future__ import annotations

from datetime import date

import pytest

from warehouse.database import releases
from warehouse.errors import UsageError
from warehouse.paths import WAREHOUSE
from warehouse.reports.opened import FEW, opened


@pytest.fixture(scope="module")
def connection(published_paths):
    with releases.reading(published_paths.current / WAREHOUSE) as connection:
        yield connection


def only(connection, table: str, **key):
    [found] = opened(connection, {table: [key]})
    return found


def test_few_facts_are_listed_one_by_one_with_value_day_grade_and_place(connection) -> None:
    found = only(connection, "capex_quarterly", ticker="META", period_end=date(2025, 9, 30))
    facts = {each.table.name: each for each in found.facts}["company_facts"]
    assert 0 < facts.count == len(facts.rows) <= FEW
    capex = [fact for fact in facts.rows if fact["measure"] == "purchases_of_property_and_equipment"]
    assert capex
    for fact in capex:
        assert fact["ticker"] == "META"
        assert fact["value_usd"] > 0
        assert fact["grade"] in "ABC"
        assert fact["locator"].startswith("line ")
        assert fact["known_on"] <= date(2026, 11, 30)


def test_many_facts_are_groups_that_add_up_with_first_and_last(connection) -> None:
    key = dict(zip(("benchmark", "model", "return_kind"), ("SPY", "market_model", "simple"), strict=True))
    found = only(
        connection, "event_study", event_date=date(2025, 1, 27), ticker="NVDA", window_start=0, window_end=1, **key
    )
    prices = {each.table.name: each for each in found.facts}["stock_prices"]
    assert prices.count > FEW
    assert prices.rows == []
    assert {group.name for group in prices.groups} == {"NVDA", "SPY"}
    assert sum(group.count for group in prices.groups) == prices.count
    for group in prices.groups:
        assert group.first["date"] == found.row["prices_from"]
        assert group.last["date"] == found.row["prices_to"]


def test_every_fact_stands_in_a_document_that_is_named_with_its_hash(connection) -> None:
    found = only(connection, "verdict", scope="ALL", question="Q3")
    assert found.facts
    for facts in found.facts:
        assert sum(document.facts for document in facts.documents) == facts.count
        for document in facts.documents:
            assert len(document.sha256) == 64
            assert document.name
            assert document.url
            assert document.fetched_at


def test_the_judgements_of_a_simulated_figure_have_value_unit_and_source(connection) -> None:
    found = only(
        connection, "waste_simulation", scope="ALL", revenue_view="end_customer", bound="point", quantity="coverage"
    )
    entries = {entry["key"]: entry for entry in found.assumptions}
    assert {"life", "discount_rate", "cash_margin", "ai_share"} <= set(entries)
    assert all(entry["value"] and entry["unit"] and entry["citation"] for entry in entries.values())


def test_a_fact_opens_by_its_id(connection) -> None:
    [(fact_id,)] = connection.execute("select fact_id from core.evidence where evidence_id = 'CC120'").fetchall()
    found = only(connection, "core.evidence", fact_id=fact_id)
    assert found.row["evidence_id"] == "CC120"
    assert [facts.count for facts in found.facts] == [1]


def test_a_key_that_no_row_has_opens_nothing_and_a_wrong_table_is_named(connection) -> None:
    assert list(opened(connection, {"training_cost": [{"run_id": "no such run"}]})) == []
    with pytest.raises(UsageError, match="trainingcost"):
        list(opened(connection, {"trainingcost": []}))
