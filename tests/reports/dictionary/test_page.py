"""The data dictionary as a page: contents that lead somewhere, values with meanings, queries that are tested elsewhere."""

from __future__ import annotations

import re

import pytest

from warehouse.reports.dictionary.page import page
from warehouse.reports.dictionary.questions import questions
from warehouse.reports.dictionary.tables import describe, names


@pytest.fixture(scope="module")
def text() -> str:
    return page()


def test_every_entry_of_the_contents_leads_to_a_heading(text):
    headings = [line.lstrip("#").strip().lower() for line in text.splitlines() if line.startswith("#")]
    anchors = {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in headings}
    links = set(re.findall(r"\]\(#([^)]*)\)", text))
    assert len(links) >= len(names())
    assert links <= anchors
    assert len(headings) == len(set(headings))


def test_values_are_listed_with_their_meanings(text):
    for value in ("hyperscaler", "final_run_rental", "EW_EX_NVDA", "right_but_misleading", "looks_wasteful"):
        assert re.search(rf"^- `{value}`: \w", text, re.MULTILINE), value


def test_every_query_and_every_ready_question_stands_in_it(text):
    for name in names():
        for question, sql in describe(name).examples.items():
            assert f"-- {question}\n{sql};" in text
    for each in questions().values():
        assert f"| `{each.name}` | {each.asks} |" in text


def test_a_table_cell_breaks_no_row(text):
    for line in text.splitlines():
        if line.startswith("| `") and line.count(" | ") > 2:
            assert len(re.findall(r"(?<!\\)\|", line)) in (4, 5), line
