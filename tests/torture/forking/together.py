"""A short form of `python -m torture.together`."""

from __future__ import annotations

import subprocess
import sys

from torture import serve, together
from torture._points import in_child


def test_writers_and_readers_at_once_leave_what_they_leave_one_after_the_other():
    _, found = together.small(rounds=3)
    assert found == []


def test_what_fails_at_once_is_said():
    def fails() -> None:
        raise ValueError("torn")

    assert together.at_once([fails, lambda: None]) == ["ValueError: torn"]


def test_a_process_is_waited_for_by_one_that_did_not_start_it():
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    looks = iter([False, False, True, True])  # asked once more at the end

    def waits() -> None:
        assert serve.waits_for(lambda: next(looks), process, 60)

    ended = in_child(waits)
    process.communicate(b"\n")
    assert not ended.code, ended.said
    assert not serve.waits_for(lambda: False, process, 60)
