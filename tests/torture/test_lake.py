"""The short form of the harness that kills workers of a lake; it also finds what it is to find."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.repeats import repeats
from torture import lake


@repeats("tests/database/test_lake.py::test_a_worker_that_is_killed_loses_and_doubles_nothing")
def test_of_four_workers_that_are_killed_and_cut_off_nothing_is_lost_or_there_twice(tmp_path: Path) -> None:
    environment = {**os.environ, "OVERBUILD_TORTURE_RESULTS": str(tmp_path / "results.json")}
    command = [sys.executable, "-m", "torture.lake", "--seconds", "0"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "SIGKILL of a worker of four: 4 tried, 4 survived" in done.stdout


def test_a_worker_that_says_no_sentence_of_ours_is_a_fault() -> None:
    shared = lake.Shared(Path(), None, "")  # type: ignore[arg-type]  # nothing is asked of a server here
    lake._heard(shared, "worker1", "published 7\nrefused 8 the lake: this run lost its turn\n")
    assert (shared.said, shared.found) == ({7}, [])
    lake._heard(shared, "worker1", "published 9\nTraceback (most recent call last):\nKeyError: 'a'\n")
    assert shared.said == {7, 9}
    assert "KeyError" in shared.found[0]
