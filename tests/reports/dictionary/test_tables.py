"""Every table and view says what one row is, what its columns and values mean, and what not to add up."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.runs import query
from tests.test_prose import long_sentences
from warehouse.database.releases import reading
from warehouse.errors import UsageError
from warehouse.marts import all_marts
from warehouse.paths import WAREHOUSE
from warehouse.reports.dictionary.tables import describe, names
from warehouse.tables import CORE
from warehouse.tables.table import DUCKDB_TYPES

MAY_BE_EMPTY = {"quarantined", "source_age", "promises_kept"}
"""Those in which no row may be of the kind that an example asks for: no row waits, no source failed, no promise is broken."""


def test_a_name_is_found_as_a_query_writes_it():
    """Bare it is the view of current rows, with its schema the table in which several rows may speak of one thing."""
    assert describe("stock_prices").kind == describe("core.stock_prices").kind == "facts"
    assert "several may speak of one thing" in describe("core.stock_prices").grain
    assert describe("main.capex") == describe("capex")
    assert describe("marts.verdict").columns == describe("VERDICT").columns


def test_a_name_with_a_typo_is_told_its_neighbours():
    with pytest.raises(UsageError, match="Did you mean stock_prices"):
        describe("stok_prices")


@pytest.mark.parametrize("name", names())
def test_every_column_has_a_type_and_a_meaning(name):
    said = describe(name)
    assert said.meaning
    for column in said.columns:
        assert column.type in DUCKDB_TYPES, column
        assert len(column.meaning) > 3, column


@pytest.mark.parametrize("name", names())
def test_every_allowed_value_says_what_it_means(name):
    silent = {column.name: list(column.values) for column in describe(name).columns if not all(column.values.values())}
    assert silent == {}


def test_values_that_no_document_explained_are_explained():
    def meaning(table: str, column: str, value: str) -> str:
        return next(each for each in describe(table).columns if each.name == column).values[value]

    assert "general cloud" in meaning("gpu_prices", "provider_class", "hyperscaler")
    assert "rental price" in meaning("training_cost", "cost_scope", "final_run_rental")
    assert "without Nvidia" in meaning("event_study", "benchmark", "EW_EX_NVDA")


@pytest.mark.parametrize("name", names())
def test_every_table_has_a_grain_in_a_sentence_and_three_queries(name):
    said = describe(name)
    assert said.grain.startswith("One row for each ")
    assert len(said.examples) >= 3
    assert all(question.endswith("?") for question in said.examples)
    assert long_sentences(f"{said.grain} Do not sum {said.do_not_sum}") == []


def test_what_counts_a_thing_several_times_is_said_in_the_warehouse_itself(published):
    """The sum of filed figures over a year is about three times what was spent."""
    home, _ = published
    comments = dict(
        query(
            home,
            "SELECT view_name, comment FROM duckdb_views() WHERE schema_name = 'main' "
            "UNION ALL SELECT schema_name || '.' || table_name, comment FROM duckdb_tables()",
        )
    )
    assert "Do not sum over periods: the year holds its quarters already." in comments["company_facts"]
    assert "several may speak of one thing (ticker, date)" in comments["core.stock_prices"]
    assert "Do not sum over both kinds of year" in comments["capex_yearly"]
    assert "Do not sum market_value_change_usd" in comments["marts.event_study"]


@pytest.fixture(scope="module")
def warehouse(published):
    home, _ = published
    with reading(Path(home) / WAREHOUSE) as connection:
        yield connection


def qualified() -> list[str]:
    return [*names(), *(f"core.{name}" for name in CORE)]


@pytest.mark.parametrize("name", qualified())
def test_every_example_runs_and_those_of_answers_and_facts_give_rows(name, warehouse):
    said = describe(name)
    for question, sql in said.examples.items():
        rows = warehouse.execute(sql).fetchall()
        assert rows or said.kind == "record" or "." in name or name in MAY_BE_EMPTY, question


FEW = 25
NAMES_OF_THINGS = {
    "a company, a person, a product, a source or what they wrote": {
        "company", "compared_with", "curated_reason", "curated_right", "developer", "effect", "entity", "estimate_by", "event",
        "found_text", "gpu_model", "hardware", "metric", "model", "note", "organization", "peak_of",
        "priced_as", "published_by", "published_index", "reference", "remaining_difference", "source", "speaker", "tag",
        "capex_tag", "gpu_family", "ticker", "value_claimed", "vendor", "what", "why", "citation", "series",
    },
    "an identifier, an address or a version": {
        "change", "condition", "document_sha256", "evidence_id", "fact_id", "figure", "figure_id", "locator", "media_type", "name",
        "parsed_by", "part_of", "program_version", "reason_code", "run_id", "sha256", "table_name", "url",
    },
    "a unit, a period or a formula, which says itself": {
        "assumes", "calendar_quarter", "change_reason", "currency_years", "formula", "our_input", "unit",
    },
}  # fmt: skip
"""Columns whose values no list could explain: what the world calls something, by the kind of thing."""


@pytest.fixture(scope="module")
def seen(warehouse) -> dict[tuple[str, str], set[str]]:
    """The values of each text column, by table and column."""
    found = {}
    for name in names():
        text = [column.name for column in describe(name).columns if column.type == "text"]
        lists = ", ".join(f'list(DISTINCT "{column}")' for column in text)
        row = warehouse.execute(f"SELECT {lists} FROM {name}").fetchone() if text else ()
        found |= {(name, column): set(values or ()) - {None} for column, values in zip(text, row, strict=True)}
    return found


def is_code(value: str) -> bool:
    return "_" in value and value.replace("_", "").isalnum() and value == value.lower()


def test_a_column_of_few_values_says_what_each_means(seen):
    """`--describe` once had no word on `turns` or `revenue_view`. Such a column declares its values where its table is."""
    prose = {column.name for mart in all_marts().values() for column in mart.table.columns if column.prose}
    exempt = prose.union(*NAMES_OF_THINGS.values())
    silent = {
        f"{table}.{column.name}": sorted(seen[table, column.name])
        for table in names()
        for column in describe(table).columns
        if column.type == "text" and not column.values and column.name not in exempt
        if (values := seen[table, column.name]) and (len(values) <= FEW or all(map(is_code, values)))
    }
    assert silent == {}


def test_every_value_that_is_there_is_explained(seen):
    """A value of one seller or view has the name of that behind its own. Occasions are events, which a user may name."""
    open_ended = {("verdict_timeline", "occasion")}
    unknown = {}
    for table in names():
        for column in describe(table).columns:
            if column.type == "text" and column.values and (table, column.name) not in open_ended:
                known = {
                    value for value in seen[table, column.name] if {value, value.split(" ")[0]} & set(column.values)
                }
                unknown[f"{table}.{column.name}"] = sorted(seen[table, column.name] - known)
    assert {name: values for name, values in unknown.items() if values} == {}
