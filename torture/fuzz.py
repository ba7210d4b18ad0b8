"""Spoiled documents of every source, by the million: a clear refusal, a quarantined row or a row, and nothing else.

    python -m torture.fuzz [--seconds 60]

Documents are spoiled by tests/sources/mutations.py from seeds made by hand. Each number spoils the same document in the
same way, so what fails is named by its source and number and can be done again. Runs go on where the last one ended.
"""

from __future__ import annotations

import random
import resource
import time
from collections import Counter
from functools import partial

from tests.sources.mutations import SEEDS, Seed, outcome, spoiled
from torture import results
from torture._spoiled import count, judge

WHAT = "spoiled documents of {}"
MEMORY_BYTES = 6 * 2**30
"""Of the whole process: a document that wants more ends in an error here, and not in the machine's end."""


def attack(seed: Seed, first: int, seconds: float) -> tuple[int, Counter[str]]:
    """Read documents from number `first` on for some seconds; gives how many, and the faults with their numbers."""
    faults: Counter[str] = Counter()
    until, number = time.monotonic() + seconds, first
    while time.monotonic() < until:
        body = spoiled(seed, random.Random(f"{seed.name} {number}"))
        judge(seed.name, number, partial(outcome, seed, body), faults)
        number += 1
    return number - first, faults


def main(seconds: float) -> int:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    return count("fuzz", {WHAT.format(seed.name): partial(attack, seed) for seed in SEEDS}, seconds)


if __name__ == "__main__":
    results.run(main)
