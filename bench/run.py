"""Whole commands against floors, speed and memory as ratios, measured side by side in one run.

    python bench/run.py

`overbuild run` is measured twice. Warm, it runs over a home that has an answer: nothing is new then, and marts and
findings are carried over. Over an empty home, everything is loaded, checked and built. Both with compiled bytecode.

Machines are noisy, so no single time means much. Each command is run in turn with the floor that it is held against, as
whole processes, several times. The medians and their ratio are printed with the target.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

PYTHON = sys.executable
OVERBUILD = str(Path(PYTHON).with_name("overbuild"))
# The least that anyone would need: a fresh process that runs an empty flow on a temporary server, one thing after another.
# Nothing of ours is in it. A run that finds nothing new checks nothing, so the library of checks is no part of its floor.
EMPTY_FLOW = """
import os
os.environ |= {"DO_NOT_TRACK": "1", "PREFECT_LOGGING_LEVEL": "ERROR"}
from prefect import flow
@flow
def empty(): return 1
empty()
"""
EVERYTHING_IMPORTED = EMPTY_FLOW + "import duckdb, polars, great_expectations\n"
FROM_NOTHING = "`overbuild run`, everything new"
COMPARISONS = (
    ("warm `overbuild run`", [OVERBUILD, "run", "--quiet"], "empty flow", [PYTHON, "-c", EMPTY_FLOW], 1.3, 3),
    (FROM_NOTHING, [OVERBUILD, "run", "--quiet"], "empty flow, then imports", [PYTHON, "-c", EVERYTHING_IMPORTED], 1.8, 1),
    ("`overbuild sql \"select 1\"`", [OVERBUILD, "sql", "select 1"], "import duckdb, polars",
     [PYTHON, "-c", "import duckdb, polars"], 2.0, 9),
    ("`overbuild verdict`", [OVERBUILD, "verdict"], "import duckdb, polars",
     [PYTHON, "-c", "import duckdb, polars"], 2.0, 9),
)  # fmt: skip


def measured(command: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Wall seconds and peak resident MiB (the largest process of the command)."""
    started = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    peak = 0
    watched = psutil.Process(process.pid)
    while process.poll() is None:
        try:
            for member in (watched, *watched.children(recursive=True)):
                peak = max(peak, member.memory_info().rss)
        except psutil.Error:
            pass
        time.sleep(0.02)
    seconds = time.perf_counter() - started
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed with exit code {process.returncode}")
    return seconds, peak / 2**20


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "OVERBUILD_HOME": f"{folder}/home", "PREFECT_HOME": f"{folder}/prefect"}
        measured([OVERBUILD, "run", "--quiet"], environment)  # the first run fills the warehouse
        print("| what | seconds | against | seconds | ratio | target | peak MiB | floor's peak MiB |")
        print("|---|---|---|---|---|---|---|---|")
        for name, command, floor_name, floor, target, runs in COMPARISONS:
            home = {"OVERBUILD_HOME": f"{folder}/empty"} if name == FROM_NOTHING else {}
            pairs = [(measured(command, environment | home), measured(floor, environment)) for _ in range(runs)]
            ours, theirs = (statistics.median(pair[i][0] for pair in pairs) for i in (0, 1))
            ratio = statistics.median(pair[0][0] / pair[1][0] for pair in pairs)
            peak, floor_peak = (statistics.median(pair[i][1] for pair in pairs) for i in (0, 1))
            print(
                f"| {name} | {ours:.2f} | {floor_name} | {theirs:.2f} | {ratio:.2f} | {target} | {peak:.0f} | {floor_peak:.0f} |"
            )


if __name__ == "__main__":
    main()
