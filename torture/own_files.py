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
from functools import partial
from pathlib import Path

from tests.own_files import OWN, Own, outcome
from torture import results
from torture._spoiled import count, judge

WHAT = "spoiled: {}"


def attack(own: Own, first: int, seconds: float) -> tuple[int, Counter[str]]:
    """Use files from number `first` on for some seconds; gives how many, and the faults with their numbers."""
    faults: Counter[str] = Counter()
    until, number = time.monotonic() + seconds, first
    while time.monotonic() < until:
        with tempfile.TemporaryDirectory() as home:  # what a use leaves there must not pile up
            for _ in range(200):
                body = own.spoil(own.good, random.Random(f"{own.name} {number}"))
                judge(own.name, number, partial(outcome, own, Path(home), body), faults)
                number += 1
                if time.monotonic() >= until:
                    break
    return number - first, faults


def main(seconds: float) -> int:
    os.fsync = lambda descriptor: None  # nothing is lost here by a power cut, and the disk takes half of the time
    return count("own_files", {WHAT.format(own.name): partial(attack, own) for own in OWN}, seconds)


if __name__ == "__main__":
    results.run(main)
