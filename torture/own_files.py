"""Spoiled files of our own: state, settings, logs, seals, and texts that people give. A sentence, or a command that goes on.

    python -m torture.own_files [--seconds 60]

The files and what is done with each are in tests/own_files.py. Each number spoils the same file in the same way, and runs go
on where the last one ended.
"""

from __future__ import annotations

import os
import random
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.own_files import OWN, Own, outcome
from torture import results
from torture.fuzz import SHOWN, place

WHAT = "spoiled: {}"
LONGEST_SECONDS = 5.0


def attack(own: Own, first: int, seconds: float) -> tuple[int, Counter[str]]:
    """Use files from number `first` on for some seconds; gives how many, and the faults with their numbers."""
    faults: Counter[str] = Counter()
    until, number = time.monotonic() + seconds, first
    while time.monotonic() < until:
        with tempfile.TemporaryDirectory() as home:  # what a use leaves there must not pile up
            for _ in range(200):
                body = own.spoil(own.good, random.Random(f"{own.name} {number}"))
                began = time.process_time()
                try:
                    outcome(own, Path(home), body)
                except BaseException as error:  # a panic of a library is no Exception
                    if isinstance(error, KeyboardInterrupt | SystemExit):
                        raise
                    faults[f"{place(error)}: {type(error).__name__}: {str(error)[:100]!r}"] += 1
                    if faults.total() <= SHOWN:
                        print(f"FAULT {own.name} {number}: {list(faults)[-1]}", flush=True)
                if (took := time.process_time() - began) > LONGEST_SECONDS:
                    faults[f"took {took:.0f} s"] += 1
                    print(f"FAULT {own.name} {number}: took {took:.0f} s", flush=True)
                number += 1
                if time.monotonic() >= until:
                    break
    return number - first, faults


def main(seconds: float) -> int:
    os.fsync = lambda descriptor: None  # nothing is lost here by a power cut, and the disk takes half of the time
    before = {each["what"]: each["tried"] for each in results.read() if each["harness"] == "own_files"}
    found = 0
    for own in OWN:
        what, began = WHAT.format(own.name), time.monotonic()
        tried, faults = attack(own, before.get(what, 0), seconds / len(OWN))
        bad = faults.total()
        results.record(
            "own_files",
            what,
            tried=tried,
            survived=tried - bad,
            faults_found=len(faults),
            seconds=time.monotonic() - began,
        )
        found += len(faults)
    return found


if __name__ == "__main__":
    results.run(main)
