"""Kills, power cuts, full disks, I/O errors and lost rights, at every file operation of all that writes to a home.

    python -m torture.kills [--seconds 60]

The acts are in `_scenes.py`: publication in its forms, the start after a killed run, a decision about a row, a document into
the archive, the progress of a backfill, the memory of the schedules, an export, the lock. Each is interrupted in a child
process of its own, in another order each time, until all were tried or the time is over.
"""

from __future__ import annotations

import random
import sys
import time
from collections import Counter

from torture import _interrupt as interrupt
from torture import results
from torture._scenes import all_scenes


def main(seconds: float) -> int:
    """Interrupt for so long, and count; gives how many faults were found."""
    until, faults = time.monotonic() + seconds, 0
    scenes = random.sample(all_scenes(), len(all_scenes()))
    tried: Counter[str] = Counter()
    found: Counter[str] = Counter()
    took: Counter[str] = Counter()
    for number, scene in enumerate(scenes):
        share = time.monotonic() + (until - time.monotonic()) / (len(scenes) - number)
        with interrupt.prepared(scene) as afresh:
            count = interrupt.operations(scene, afresh)
            kills = [(interrupt.KINDS[0], at) for at in range(1, count + 1)]
            others = [(kind, at) for kind in interrupt.KINDS[1:] for at in range(1, count + 1)]
            for kind, at in [*random.sample(kills, len(kills)), *random.sample(others, len(others))]:
                began = time.monotonic()
                if began > share:
                    break
                why = interrupt.interrupted(scene, afresh, kind, at)
                tried[kind.name] += 1
                took[kind.name] += time.monotonic() - began  # type: ignore[assignment]
                if why is not None:
                    found[kind.name] += 1
                    print(f"{kind.name}: {scene.name}, operation {at} of {count}: {why}", flush=True)
    for kind in interrupt.KINDS:
        if tried[kind.name]:
            whole = tried[kind.name] - found[kind.name]
            results.record(
                "kills", kind.what, tried=tried[kind.name], survived=whole, faults_found=found[kind.name],
                seconds=took[kind.name],
            )  # fmt: skip
            faults += found[kind.name]
    return faults


if __name__ == "__main__":
    sys.exit(results.run(main))
