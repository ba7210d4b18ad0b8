"""Spoiled input of many kinds, one by one: what fails is counted, and named by its number so that it can be done again."""

from __future__ import annotations

import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping

from torture import results

LONGEST_SECONDS = 5.0
"""No input of these few kilobytes, however spoiled, may take longer."""
SHOWN = 5

Attack = Callable[[int, float], tuple[int, Counter[str]]]
"""Try one kind from a number on for some seconds; gives how many were tried, and the faults."""


def judge(name: str, number: int, act: Callable[[], object], faults: Counter[str]) -> None:
    """Do one thing, and count an error that nobody foresaw, or too long a time, among `faults`."""
    began = time.process_time()
    try:
        act()
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a panic of a library is no Exception
        faults[f"{place(error)}: {type(error).__name__}: {str(error)[:100]!r}"] += 1
        if faults.total() <= SHOWN:
            print(f"FAULT {name} {number}: {list(faults)[-1]}", flush=True)
    if (took := time.process_time() - began) > LONGEST_SECONDS:
        faults[f"took {took:.0f} s"] += 1
        print(f"FAULT {name} {number}: took {took:.0f} s", flush=True)


def place(error: BaseException) -> str:
    """Where in the project an error came from."""
    frames = [each for each in traceback.extract_tb(error.__traceback__) if "/warehouse/" in each.filename]
    return f"{frames[-1].filename.rpartition('/warehouse/')[2]}:{frames[-1].lineno}" if frames else "outside"


def count(harness: str, attacks: Mapping[str, Attack], seconds: float) -> int:
    """Share the time among attacks, by what each is called, and go on where the last run ended; how many faults there were."""
    before = {each["what"]: each["tried"] for each in results.read() if each["harness"] == harness}
    found = 0
    for what, attack in attacks.items():
        began = time.monotonic()
        tried, faults = attack(before.get(what, 0), seconds / len(attacks))
        for fault, times in faults.most_common():
            print(f"  {times} times: {fault}")
        results.record(
            harness,
            what,
            tried=tried,
            survived=tried - faults.total(),
            faults_found=len(faults),
            seconds=time.monotonic() - began,
        )
        found += len(faults)
    return found
