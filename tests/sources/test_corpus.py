"""Inputs that once reached code which no good document reaches: each source reads them, or refuses them in words.

The harness `torture.coverage` found them, and `torture/_corpus.py` picked the few that are kept.
"""

from __future__ import annotations

import pytest

from tests.sources.mutations import SEEDS, outcome
from torture import _corpus as corpus

MOST_BYTES_IN_ALL = 100_000
CASES = [
    pytest.param(seed, body, id=f"{seed.name}-{number}")
    for seed in SEEDS
    for number, body in enumerate(corpus.inputs(corpus.KEPT, seed))
]


@pytest.mark.parametrize(("seed", "body"), CASES)
def test_a_kept_input_gives_rows_or_is_refused(seed, body):
    assert outcome(seed, body) in ("rows", "empty", "refused")


def test_what_is_kept_is_small_and_of_a_source_that_is_there():
    files = [path for path in corpus.KEPT.rglob("*") if path.is_file()]
    assert len(files) > 2 * len(SEEDS)
    assert sum(path.stat().st_size for path in files) < MOST_BYTES_IN_ALL
    assert {path.parent.name for path in files} <= {seed.name for seed in SEEDS}


def test_an_input_is_picked_for_a_line_that_nothing_else_reaches():
    (seed,) = (seed for seed in SEEDS if seed.name == "oracle")
    refused = b"{"
    assert list(corpus.picked(seed, [seed.body, refused])) == [refused]
    assert list(corpus.picked(seed, [refused, b"{ ", seed.body])) == [refused], "the shorter of two that are alike"
