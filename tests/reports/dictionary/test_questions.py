"""Ready questions as files: what they ask, their parameters, and what a wrong value is told."""

from __future__ import annotations

import pytest

from warehouse.errors import UsageError
from warehouse.reports.dictionary.questions import question, questions, read

TEXT = """-- What did each company spend?
-- param company text = ALL of ALL, MSFT: ticker, or ALL for every company
-- param since integer = 2023: the first year shown
-- param by date: the last day
SELECT $company AS company, $since AS since, $by AS "by"
"""


def test_values_are_put_in_as_literals_of_their_type():
    made = read("spent", TEXT)
    assert made.asks == "What did each company spend?"
    assert made.filled({"by": "2025-01-27"}) == "SELECT 'ALL' AS company, 2023 AS since, DATE '2025-01-27' AS \"by\""
    assert made.filled({"company": "msft", "since": "2025", "by": "2025-01-27"}).startswith(
        "SELECT 'MSFT' AS company, 2025"
    )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "needs --param by=...: the last day"),
        ({"by": "yesterday"}, "--param by=yesterday: it must be a date such as 2025-01-27"),
        ({"by": "2025-01-27", "since": "x' or 1=1"}, "it must be a whole number"),
        ({"by": "2025-01-27", "company": "IBM"}, "choose one of ALL, MSFT"),
        ({"by": "2025-01-27", "year": "1"}, "there is no parameter 'year'; it has company, since, by"),
    ],
)
def test_a_wrong_value_is_named(given, message):
    with pytest.raises(UsageError, match=message.replace("(", r"\(").replace("...", r"\.\.\.")):
        read("spent", TEXT).filled(given)


def test_an_apostrophe_ends_no_text():
    free = read("free", "-- Who?\n-- param name text = x: any name\nSELECT $name AS name")
    assert free.filled({"name": "O'Brien'; drop table t"}) == "SELECT 'O''Brien''; drop table t' AS name"


def test_a_value_that_names_another_parameter_stays_a_text():
    """Put in one after the other, the second value would end the text of the first."""
    two = read("two", "-- Who?\n-- param a text = x: any\n-- param b text = x: any\nSELECT $a AS a, $b AS b")
    assert two.filled({"a": "$b", "b": "|| version() ||"}) == "SELECT '$b' AS a, '|| version() ||' AS b"


def test_a_wrong_declaration_is_found():
    with pytest.raises(ValueError, match="does not use it"):
        read("unused", "-- Who?\n-- param name text = x: any name\nSELECT 1")
    with pytest.raises(ValueError, match="not a parameter"):
        read("odd", "-- Who?\n-- param name\nSELECT 1")


def test_an_unknown_question_is_told_which_there_are():
    with pytest.raises(UsageError, match=r"Did you mean .*wrong_claims(.|\n)*wrong_claims: Which claims"):
        question("wrong_claim")


def test_every_ready_question_opens_with_its_question():
    for each in questions().values():
        assert each.asks.endswith("?"), each.name
        assert len(each.asks.split()) <= 25, each.name
