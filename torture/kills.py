"""Kills, power cuts, full disks, I/O errors, lost rights and memory that runs out, in all that writes to a home.

    python -m torture.kills [--seconds 60]

The acts are in `_scenes.py`: publication in its forms, the start after a killed run, a decision about a row, a document into
the archive, the progress of a backfill, the memory of the schedules, an export, the lock. Each is interrupted in a child
process of its own: killed at moments chosen at random, then killed at every file operation, then interrupted there in all
other ways, in another order each time, until all were tried or the time is over.
"""

from __future__ import annotations

import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from torture import _interrupt as interrupt
from torture import results
from torture._scenes import Scene, all_scenes

MOMENTS = 60
"""Kills of a scene at moments chosen at random."""
MOMENT = "SIGKILL at a moment chosen at random"


@dataclass
class Counts:
    """What was tried of each attack, what was found, and how long it took."""

    tried: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    took: dict[str, float] = field(default_factory=dict)

    def of(self, what: str, where: str, attack: Callable[[], str | None]) -> None:
        """Do one attack and count it."""
        began = time.monotonic()
        why = attack()
        self.tried[what] += 1
        self.took[what] = self.took.get(what, 0.0) + time.monotonic() - began
        if why is not None:
            self.found[what] += 1
            print(f"{what}: {where}: {why}", flush=True)


def main(seconds: float, moments: int = MOMENTS) -> int:
    """Interrupt for so long, and count; gives how many faults were found."""
    until, counts = time.monotonic() + seconds, Counts()
    scenes = random.sample(all_scenes(), len(all_scenes()))
    for number, scene in enumerate(scenes):
        share = time.monotonic() + (until - time.monotonic()) / (len(scenes) - number)
        with interrupt.prepared(scene) as afresh:
            _at_moments(scene, afresh, counts, moments, share)
            _at_operations(scene, afresh, counts, share)
    for what, tried in counts.tried.items():
        results.record(
            "kills", what, tried=tried, survived=tried - counts.found[what], faults_found=counts.found[what],
            seconds=counts.took[what],
        )  # fmt: skip
    return sum(counts.found.values())


def _at_moments(scene: Scene, afresh: Callable[[], Path], counts: Counts, moments: int, share: float) -> None:
    takes = interrupt.takes(scene, afresh)
    for _ in range(moments):
        if time.monotonic() > share:
            break
        after = random.uniform(0, takes)
        attack = lambda after=after: interrupt.at_a_moment(scene, afresh, after)  # noqa: E731
        counts.of(MOMENT, f"{scene.name}, after {after * 1000:.1f} of {takes * 1000:.0f} ms", attack)


def _at_operations(scene: Scene, afresh: Callable[[], Path], counts: Counts, share: float) -> None:
    count = interrupt.operations(scene, afresh)
    first, *others = interrupt.KINDS
    kills = [(first, at) for at in range(1, count + 1)]
    all_else = [(kind, at) for kind in others for at in range(1, count + 1)]
    for kind, at in [*random.sample(kills, len(kills)), *random.sample(all_else, len(all_else))]:
        if time.monotonic() > share:
            break
        attack = lambda kind=kind, at=at: interrupt.interrupted(scene, afresh, kind, at)  # noqa: E731
        counts.of(kind.what, f"{scene.name}, operation {at} of {count}", attack)


if __name__ == "__main__":
    sys.exit(results.run(main))
