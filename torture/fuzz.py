"""Spoiled documents of every source, by the million: a clear refusal, a quarantined row or a row, and nothing else.

    python -m torture.fuzz [--seconds 60]

Documents are spoiled by tests/sources/mutations.py from seeds made by hand. Each number spoils the same document in the
same way, so what fails is named by its source and number and can be done again. Runs go on where the last one ended.
"""

from __future__ import annotations

import random
import resource
import time
import traceback
from collections import Counter

from tests.sources.mutations import SEEDS, Seed, outcome, spoiled
from torture import results

WHAT = "spoiled documents of {}"
LONGEST_SECONDS = 5.0
"""No document of these few kilobytes, however spoiled, may take longer to read."""
MEMORY_BYTES = 6 * 2**30
"""Of the whole process: a document that wants more ends in an error here, and not in the machine's end."""
SHOWN = 5


def attack(seed: Seed, first: int, seconds: float) -> tuple[int, Counter[str]]:
    """Read documents from number `first` on for some seconds; gives how many, and the faults with their numbers."""
    faults: Counter[str] = Counter()
    until, number = time.monotonic() + seconds, first
    while time.monotonic() < until:
        body = spoiled(seed, random.Random(f"{seed.name} {number}"))
        began = time.process_time()
        try:
            outcome(seed, body)
        except Exception as error:
            faults[f"{place(error)}: {type(error).__name__}: {str(error)[:100]!r}"] += 1
            if faults.total() <= SHOWN:
                print(f"FAULT {seed.name} {number}: {list(faults)[-1]}", flush=True)
        if (took := time.process_time() - began) > LONGEST_SECONDS:
            faults[f"took {took:.0f} s"] += 1
            print(f"FAULT {seed.name} {number}: took {took:.0f} s", flush=True)
        number += 1
    return number - first, faults


def place(error: BaseException) -> str:
    """Where in the project an error came from."""
    frames = [each for each in traceback.extract_tb(error.__traceback__) if "/warehouse/" in each.filename]
    return f"{frames[-1].filename.rpartition('/warehouse/')[2]}:{frames[-1].lineno}" if frames else "outside"


def main(seconds: float) -> int:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    before = {each["what"]: each["tried"] for each in results.read() if each["harness"] == "fuzz"}
    found = 0
    for seed in SEEDS:
        what = WHAT.format(seed.name)
        began = time.monotonic()
        tried, faults = attack(seed, before.get(what, 0), seconds / len(SEEDS))
        for fault, times in faults.most_common():
            print(f"  {times} times: {fault}")
        bad = faults.total()
        results.record(
            "fuzz", what, tried=tried, survived=tried - bad, faults_found=len(faults), seconds=time.monotonic() - began
        )
        found += len(faults)
    return found


if __name__ == "__main__":
    results.run(main)
