"""Whole runs against floors: elapsed seconds and memory of whole processes.

    python -m bench.run

`overbuild run` is measured twice. Warm, it runs over a home that has an answer: nothing is new then, and marts and
findings are carried over. Over an empty home, everything is loaded, checked and built. Both with compiled bytecode.

A floor is the least that anyone would need: a fresh process that runs an empty flow on a temporary server, one thing after
another. Nothing of ours is in it. A run that finds nothing new checks nothing, so the library of checks is no part of its
floor.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from bench.lines import in_turn, report

OVERBUILD = str(Path(sys.executable).with_name("overbuild"))
EMPTY_FLOW = """
import os
os.environ |= {"DO_NOT_TRACK": "1", "PREFECT_LOGGING_LEVEL": "ERROR"}
from prefect import flow
@flow
def empty(): return 1
empty()
"""
EVERYTHING_IMPORTED = EMPTY_FLOW + "import duckdb, polars, great_expectations\n"


class Watched:
    """A command whose runs are timed, and the peak of the largest process of each."""

    def __init__(self, command: list[str], environment: dict[str, str], fresh: Path | None = None) -> None:
        self.command, self.environment, self.fresh = command, environment, fresh
        self.peaks_mib: list[float] = []

    def __call__(self) -> float:
        """Elapsed seconds of one run, over an empty home where `fresh` names one."""
        if self.fresh:
            shutil.rmtree(self.fresh, ignore_errors=True)
        started = time.perf_counter()
        process = subprocess.Popen(self.command, env=self.environment, stdout=subprocess.DEVNULL)
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
            raise SystemExit(f"{' '.join(self.command)} failed with exit code {process.returncode}")
        self.peaks_mib.append(peak / 2**20)
        return seconds


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "OVERBUILD_HOME": f"{folder}/home", "PREFECT_HOME": f"{folder}/prefect"}
        run, empty = [OVERBUILD, "run", "--quiet"], Path(folder) / "empty"
        Watched(run, environment)()  # the first run fills the warehouse
        warm = Watched(run, environment)
        floor = Watched([sys.executable, "-c", EMPTY_FLOW], environment)
        times = in_turn(warm, floor, 3)
        report("run, nothing new", "an empty flow on a temporary server", "s", *times, target=1.3)
        whole = Watched(run, {**environment, "OVERBUILD_HOME": str(empty)}, empty)
        imported = Watched([sys.executable, "-c", EVERYTHING_IMPORTED], environment)
        report("run, everything new", "an empty flow, then imports", "s", *in_turn(whole, imported, 2), target=1.8)
        for what, watched in (("run, nothing new: peak memory", warm), ("run, everything new: peak memory", whole)):
            report(what, "limit", "MiB", watched.peaks_mib, target=1024)


if __name__ == "__main__":
    main()
