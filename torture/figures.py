"""Wrong figures: one digit of a document changed, again and again, and each row that differs must follow from it.

    python -m torture.figures [--seconds 60]

What `fuzz` cannot see: a document that is read without an error and says something else than it says.
"""

from __future__ import annotations

import random
import time

from tests.sources.figures import COUNTED, figures_of, with_another_number, wrong
from tests.sources.mutations import SEEDS
from torture import results


def main(seconds: float) -> int:
    seeds, tried, began = [seed for seed in SEEDS if seed.name in COUNTED], 0, time.monotonic()
    faults: set[str] = set()
    bad = 0
    for seed in random.sample(seeds, len(seeds)):
        before, until = figures_of(seed, seed.body), time.monotonic() + seconds / len(seeds)
        while time.monotonic() < until:
            number = random.randrange(10**9)
            tried += 1
            if why := wrong(seed, before, with_another_number(seed, random.Random(number))):
                print(f"FAULT {seed.name} {number}: {why[:500]}", flush=True)
                faults.add(seed.name)
                bad += 1
    taken = time.monotonic() - began
    what = "documents with one other digit"
    results.record("figures", what, tried=tried, survived=tried - bad, faults_found=len(faults), seconds=taken)
    return len(faults)


if __name__ == "__main__":
    results.run(main)
