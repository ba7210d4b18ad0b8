"""What the harnesses find out: growth, memory that ran out and was called something else, and the times of a week."""

from __future__ import annotations

from datetime import timedelta

import pytest

from torture import memory, week
from warehouse.errors import UsageError


def test_a_week_has_every_hour_and_every_day():
    found = week.times(7 * 24)
    assert [name for _, name in found].count("gpu-offers") == 168
    assert [name for _, name in found].count("gpu-prices") == 7
    assert found == sorted(found)
    assert found[-1][0] - found[0][0] < timedelta(days=7)


def test_what_grows_over_a_week_is_found_and_what_swings_is_not():
    level = week.Week(operations=[30, 31, 30] * 10, files=[12] * 30, memory_bytes=[200 * 2**20] * 30)
    assert week.grown(level) == []
    assert len(week.grown(week.Week(operations=list(range(30, 60)), files=list(range(30))))) == 2
    assert week.grown(week.Week(memory_bytes=[(200 + 3 * n) * 2**20 for n in range(30)]))
    assert week.grown(week.Week(processor_milliseconds=[500 + 20 * n for n in range(30)]))


def test_memory_runs_out_at_a_call_of_ours():
    from warehouse import sqltext

    def act():
        for name in ("a", "b", "c"):
            sqltext.identifiers([name])

    calls = memory.failing_at(0, act)
    assert calls >= 3
    with pytest.raises(MemoryError):
        memory.failing_at(calls, act)
    assert memory.failing_at(calls + 1, act) == calls


def fails_with(error):
    def act():
        raise error

    return act


def test_only_words_about_memory_will_do():
    memory.in_words(fails_with(MemoryError()))
    memory.in_words(fails_with(UsageError("the query was stopped: it needs more than 2GB of memory.")))
    for wrong in (KeyError("a"), UsageError("no such table")):
        with pytest.raises(AssertionError, match="said as"):
            memory.in_words(fails_with(wrong))
