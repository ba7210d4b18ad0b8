"""The short forms of the harnesses that fork, each in a fresh process.

A process that ran other tests for minutes has reserved more addresses than some systems let it copy, and it has threads
that a fork leaves behind in the middle of anything.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent / "forking"
ENDS_WITHIN_SECONDS = 1200


@pytest.mark.skipif(sys.platform != "linux", reason="processes are forked, and looked at in /proc")
@pytest.mark.parametrize("name", ["kills", "together"])
def test_the_short_form_of_a_harness_finds_nothing(name, tmp_path):
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "0", "--basetemp", tmp_path / "its", HERE / f"{name}.py"],
        env=environment,
        cwd=HERE.parents[2],
        capture_output=True,
        text=True,
        timeout=ENDS_WITHIN_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout or "[100%]" in done.stdout
