"""The same inputs give the same bytes, whatever the threads, hash seeds, time zone, language and folder of a process.

Here the marts behind the verdicts, in this process and in one that differs in all of these; torture/determinism.py builds
every mart in many processes.
"""

from __future__ import annotations

from torture.determinism import OTHER, differing, digests, in_a_process

ONLY = {"verdict", "capex_group", "gpu_price_chain"}


def test_a_process_that_differs_in_all_that_must_not_count_builds_the_same_bytes():
    here = digests(quick=True, only=ONLY)
    assert len(here) > 18
    assert differing(here, in_a_process(OTHER, quick=True, only=ONLY)) == []


def test_a_difference_would_be_found():
    assert differing({"a": "1", "b": "2"}, {"a": "1", "b": "3", "c": "4"}) == ["b", "c"]
