"""Whole runs against hosts that repeat every secret of ours, and then a look at every byte that is left.

    python -m torture.canaries [--seconds 60]

A run takes a minute and more, so at least two are made: one whose hosts answer, and one whose hosts fail in every way. Both
are runs of the command in processes of their own. Each is made twice: with every source, and with those that can publish
alone. What is looked at is the home, Prefect's home, and all that was written.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests import canaries
from tests.fetching.hosts import LIVE
from tests.live_server import LiveServer
from torture import results

LONGEST_SECONDS = 900.0
PRICES = ("yahoo", "tiingo")
WHAT = {False: "a whole run whose hosts answer and repeat them", True: "a whole run whose hosts fail and repeat them"}


def attack(folder: Path, *, fails: bool) -> tuple[int, list[str]]:
    """One whole run of every live source; gives its exit code, and where canaries are left."""
    home, prefect = folder / "home", folder / "prefect"
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OVERBUILD_", "PREFECT_"))}
    said: list[str] = []
    with LiveServer() as server:
        for source in LIVE:
            server.answer(f"/{source.name}/", canaries.echoing(source, fails=fails))
        hosts = {source.host_setting: f"{server.url}/{source.name}" for source in LIVE}
        given = {"OVERBUILD_HOME": str(home), "PREFECT_HOME": str(prefect), "OVERBUILD_TIMEOUT_SECONDS": "2",
                 "OVERBUILD_LICENSED_SOURCES": "vast,runpod", "OVERBUILD_TICKERS": "NVDA",
                 "PYTHONPATH": os.pathsep.join(sys.path)}  # fmt: skip
        command = [sys.executable, "-m", "warehouse.cli", "run", "--source", "live"]
        # The few bars of an excerpt leave days without any, which refuses the run; without them the second one publishes.
        others = ",".join(source.name for source in LIVE if source.name not in PRICES)
        for arguments in ([], ["--only", others]):
            done = subprocess.run(
                [*command, *arguments], cwd=folder, env=kept | given | hosts | canaries.CANARIES, capture_output=True,
                text=True, errors="replace", timeout=LONGEST_SECONDS, check=False,
            )  # fmt: skip
            said += [done.stdout, done.stderr]
        if not server.asked():
            return done.returncode, [f"nobody was asked: {done.stderr[-2_000:]}"]
    print(f"  exit code {done.returncode}; {done.stderr.strip().splitlines()[-1:]}", flush=True)
    if done.returncode == 1:
        return 1, [f"a defect of ours: {done.stderr[-2_000:]}"]
    return done.returncode, canaries.found([home, prefect], said)


def main(seconds: float) -> int:
    found = 0
    for fails, what in WHAT.items():
        began, tried, bad = time.monotonic(), 0, 0
        while not tried or time.monotonic() - began < seconds / 2 - LONGEST_SECONDS / 10:
            with tempfile.TemporaryDirectory() as folder:
                _, left = attack(Path(folder), fails=fails)
            for each in left[:20]:
                print(f"FAULT {what}: {each}", flush=True)
            tried, bad = tried + 1, bad + bool(left)
        results.record(
            "canaries", what, tried=tried, survived=tried - bad, faults_found=bad, seconds=time.monotonic() - began
        )
        found += bad
    return found


if __name__ == "__main__":
    results.run(main)
