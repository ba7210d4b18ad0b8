"""The properties of the tests on thirty times as many examples as a build tries, file after file.

    python -m torture.properties [--seconds 60]

Every build tries each property on a few examples (tests/examples.py). Here each round begins with another file, so that
runs of a minute come to all of them.
"""

from __future__ import annotations

import random
import re
import subprocess
import sys
import time
from pathlib import Path

from torture import results

ROOT = Path(__file__).parents[1]
PASSED = re.compile(r"(\d+) passing, ")


def files() -> list[Path]:
    """The files with properties, in an order of this run's own."""
    found = [path for path in (ROOT / "tests").rglob("test_*.py") if "\n@given(" in path.read_text(encoding="utf-8")]
    return random.sample(sorted(found), len(found))


def attack(file: Path) -> tuple[int, int]:
    """How many examples the properties of a file held for, and how many properties failed."""
    command = [sys.executable, "-m", "pytest", "-n", "0", "-m", "hypothesis", str(file)]
    command += ["--hypothesis-profile", "thorough", "--hypothesis-show-statistics"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    failed = re.search(r"(\d+) (?:failed|error)", done.stdout)
    if done.returncode:
        print(done.stdout[-4_000:], done.stderr[-2_000:], flush=True)
    return sum(map(int, PASSED.findall(done.stdout))), int(failed[1]) if failed else int(done.returncode > 0)


def main(seconds: float) -> int:
    began, tried, faults = time.monotonic(), 0, 0
    for file in files():
        held, failed = attack(file)
        tried, faults = tried + held + failed, faults + failed
        if time.monotonic() - began > seconds:
            break
    spent = time.monotonic() - began
    results.record(
        "properties", "examples of properties", tried=tried, survived=tried - faults, faults_found=faults, seconds=spent
    )
    return faults


if __name__ == "__main__":
    results.run(main)
