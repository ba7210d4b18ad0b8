"""A changed digit changes its own figure or is refused; order, blanks and spelling change nothing.

A spoiled document that ends in an error is found at once. One that ends in another row's wrong figure is not. So here the
rows of a document are held against those of the same document with one number changed: each row that differs must be
the one that the number belongs to, and its figure must follow from the change.
"""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.sources.figures import COUNTED, SAME, Changed, figures_of, said_otherwise, with_another_number, wrong
from tests.sources.mutations import SEEDS

BY_NAME = {seed.name: seed for seed in SEEDS}


@pytest.mark.parametrize("name", COUNTED)
@settings(max_examples=examples(0.1))
@given(chance=st.randoms(use_true_random=False))
def test_another_number_changes_its_own_figure_or_is_refused(name, chance):
    seed = BY_NAME[name]
    changed = with_another_number(seed, chance)
    assert wrong(seed, figures_of(seed, seed.body), changed) == ""


def test_a_close_below_its_adjusted_close_takes_that_along_before_a_split_too():
    """1,208.88 became 1,208.18: ten for one, 120.818 a share of today, below the adjusted close of 120.8198."""
    seed = BY_NAME["tiingo"]
    changed = Changed(seed.body.replace(b"1208.88", b"1208.18"), "1208.88", "1208.18")
    assert changed.body != seed.body
    assert wrong(seed, figures_of(seed, seed.body), changed) == ""


@pytest.mark.parametrize("name", SAME)
def test_the_same_said_otherwise_gives_the_same_rows(name):
    seed = BY_NAME[name]
    expected = figures_of(seed, seed.body)
    for way, body in said_otherwise(seed, random.Random(1)):
        assert figures_of(seed, body) == expected, way
