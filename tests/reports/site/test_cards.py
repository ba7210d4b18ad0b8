"""The four cards of the front page: a figure with its interval against its threshold, in few words, and a way on."""

from __future__ import annotations

import re

import pytest

from warehouse.marts.verdict.decision import ASKED
from warehouse.reports.site.page import Page, Reader
from warehouse.reports.site.pages import index
from warehouse.reports.site.render import Drawer

WORDS = 25


@pytest.fixture
def reader(connection):
    return Reader(connection)


@pytest.fixture
def cards(reader):
    [block] = index.cards(reader)
    return {card.label: card for card in block.cards}


def test_there_is_a_card_a_question(cards):
    assert list(cards) == list(ASKED.values())[:4]
    assert {card.href for card in cards.values()} == {"training.html", "redundant.html", "pays.html", "market.html"}


def test_each_has_a_large_figure_with_its_interval_against_its_threshold(reader, cards):
    for label, card in cards.items():
        assert card.interval, label
        low, middle, high, threshold = (
            reader.value(each)
            for each in (card.interval.low, card.interval.middle, card.interval.high, card.interval.threshold)
        )
        assert low < middle < high, label
        assert low <= reader.value(card.value) <= high, label
        assert threshold is not None, label


def test_the_markets_interval_is_the_95_percent_one_of_the_suppliers_two_days(reader, cards):
    """-11.64 % with a standard error of 2.22 %; Student's t at 248 degrees of freedom: 1.9696."""
    card = cards[ASKED["Q4"]]
    ends = [reader.value(each) for each in (card.interval.low, card.interval.high)]
    assert ends == pytest.approx([-0.1164 - 1.9696 * 0.0222, -0.1164 + 1.9696 * 0.0222], abs=2e-4)
    assert reader.value(card.interval.threshold) == 0


def test_each_says_what_it_is_in_few_words(reader, cards):
    drawer = Drawer(Page("index.html", "", ""), reader)
    for label, card in cards.items():
        said = "".join(span if isinstance(span, str) else str(drawer.figure(span)) for span in card.spans)
        words = re.sub(r"<[^>]*>", "", said).replace("\u00a0", "").split()
        assert 3 <= len(words) <= WORDS, f"{label}: {' '.join(words)}"
