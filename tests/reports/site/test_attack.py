"""Each answer has a page for its reviewers: a case against it, a command, the facts that carry it, what refutes it."""

from __future__ import annotations

import re

import pytest

from warehouse.database import releases
from warehouse.marts.verdict.decision import QUESTIONS
from warehouse.paths import WAREHOUSE
from warehouse.reports.site.attack_words import CASES
from warehouse.reports.site.blocks import Code, Table, walk
from warehouse.reports.site.page import Reader
from warehouse.reports.site.pages import attack


@pytest.fixture(scope="module")
def reader(published_paths):
    with releases.reading(published_paths.current / WAREHOUSE) as connection:
        yield Reader(connection)


def test_every_question_has_a_case_in_sentences_of_at_most_25_words() -> None:
    assert set(CASES) == set(QUESTIONS)
    for case in CASES.values():
        assert len(case.against) >= 3
        assert len(case.refuted_by) >= 3
        for text in (*case.against, *case.refuted_by):
            assert text.endswith(".")
            for sentence in re.split(r"(?<=\.)\s", text):
                assert len(sentence.split()) <= 25, sentence


def test_every_verdict_has_a_page_with_the_command_that_computes_it_again(reader) -> None:
    pages = dict(attack.family(reader))
    assert [page.path for page in pages] == [f"attack/{question.lower()}.html" for question in QUESTIONS]
    for content in pages.values():
        commands = [block.text for block in walk(content) if isinstance(block, Code)]
        assert any(str(reader.as_of) in command for command in commands)
        assert any(isinstance(block, Table) and block.rows.height for block in walk(content))


@pytest.mark.parametrize("question", attack.DECIDES)
def test_what_carries_a_simulated_answer_adds_up_to_most_of_its_spread(reader, question: str) -> None:
    rows = attack.weights(reader, question).rows
    by_view: dict[str, float] = {}
    for row in rows.iter_rows(named=True):
        by_view[row["revenue_view"]] = by_view.get(row["revenue_view"], 0.0) + row["variance_share"]
    assert by_view
    assert all(0.7 < total <= 1.000001 for total in by_view.values())


def test_only_tests_that_do_not_hold_speak_against_an_answer(reader) -> None:
    for question in QUESTIONS:
        assert set(attack.against(reader, question).rows["holds"].to_list()) <= {None, False}
