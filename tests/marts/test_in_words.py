"""Figures in words: no more digits than they bear, and never rounded to the threshold that they miss."""

from __future__ import annotations

import pytest

from warehouse.marts.common.in_words import apart, in_words, listed, odds, p_value, percent, span, usd


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (None, "share", "an unknown figure"),
        (0.0, "share", "0 %"),
        (0.123, "share", "12.3 %"),
        (0.0000123, "share", "0.0012 %"),
        (0.0, "USD", "0 USD"),
        (-2.5e9, "USD", "-2.50 billion USD"),
        (3.0, "signals", "3"),
        (4.5, "years", "4.5 years"),
        (1.0, "0 or 1", "yes"),
        (1.0, "rung", "the final run at a rental price"),
        (0.9997, "probability", "above 0.999"),
    ],
)
def test_a_figure_stands_with_its_unit(value, unit, said):
    assert in_words(value, unit) == said


def test_a_figure_is_kept_apart_from_the_limit_that_it_misses():
    assert apart(0.7996, 0.8, 2) == "0.7996"
    assert apart(0.8, 0.8, 2) == "0.80"
    assert percent(0.24996, 0.25) == "24.996 %"


def test_a_probability_is_never_certainty():
    assert (odds(1.0), odds(0.0), odds(0.5)) == ("above 0.999", "below 0.001", "0.50")
    assert (p_value(0.0), p_value(0.05)) == ("below 0.001", "= 0.05")


def test_amounts_that_share_a_unit_name_it_once():
    assert span(7.19e6, 11.6e6) == "7.19 to 11.6 million USD"
    assert span(990e6, 1.2e9) == "990 million USD to 1.20 billion USD"
    assert usd(None) == "an unknown amount"


def test_names_are_listed_as_a_reader_does():
    assert (listed(["Meta"]), listed(["Amazon", "Google", "Meta"])) == ("Meta", "Amazon, Google and Meta")
