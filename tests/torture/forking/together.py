"""A short form of `python -m torture.together`."""

from __future__ import annotations

from torture import together


def test_writers_and_readers_at_once_leave_what_they_leave_one_after_the_other():
    _, found = together.small(rounds=3)
    assert found == []


def test_what_fails_at_once_is_said():
    def fails() -> None:
        raise ValueError("torn")

    assert together.at_once([fails, lambda: None]) == ["ValueError: torn"]
