"""What a run is asked to do and where it does it: fixed when the run starts, and handed to every step.

Two runs must not write to one OVERBUILD_HOME at the same time, so the lock of the folder is here, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from warehouse import assumptions, locks
from warehouse.assumptions import Assumptions
from warehouse.paths import Paths
from warehouse.pipeline.meter import Meter
from warehouse.quality.decisions import Decision
from warehouse.settings import Settings
from warehouse.spreading import Spread

if TYPE_CHECKING:
    from warehouse.database.lake_copy import Sharing

Say = Callable[[str], None]
SharedTurn = Callable[[str, float], None]
"""Waits for a turn at a host among all machines that ask it: the name of its limit, requests a second."""


@dataclass(frozen=True)
class Base:
    """What a run goes on from.

    `release` is the folder of the published answer, where its warehouse is whole; `pages` the same where its pages are
    whole, too. `warehouse` is the file that is copied. Where there is none and `restores`, documents that earlier runs
    published come out of the archive first.
    """

    release: Path | None = None
    pages: Path | None = None
    warehouse: Path | None = None
    restores: bool = False


@dataclass(frozen=True)
class RunContext:
    """What every step of a run knows.

    `source` is the kind of sources that are asked (reference or live). `asked_as_of` is the date of a dated answer.
    `span` is the first and last day of a backfill. `decisions` are those that people made about quarantined rows. `base` is
    what the run goes on from. `shared_turn` is given where several machines ask the same hosts. `shared` is the lake that it
    publishes in, where there is one. `spread` takes pieces of work, where others do some. `meter` measures the steps, and no
    step reads it.
    """

    run_id: str
    started_at: datetime
    paths: Paths
    settings: Settings
    span: tuple[date, date] | None = None
    decisions: tuple[Decision, ...] = ()
    source: str = "reference"
    asked_as_of: date | None = None
    assumptions: Assumptions = field(default_factory=assumptions.load)
    base: Base = field(default_factory=lambda: Base())
    shared_turn: SharedTurn | None = None
    meter: Meter = field(default_factory=Meter, compare=False, repr=False)
    shared: Sharing | None = None
    spread: Spread | None = field(default=None, compare=False, repr=False)

    @property
    def today(self) -> date:
        return self.started_at.date()

    @property
    def offline(self) -> bool:
        return self.settings.network == "off"

    @property
    def folder(self) -> Path:
        """Where the run builds; removed when it ends."""
        return self.paths.work / self.run_id

    @property
    def release(self) -> Path:
        """What becomes the published answer: the warehouse, the site and the quality pages."""
        return self.folder / "release"


@dataclass(frozen=True)
class Notice:
    """Something to know that costs no row, shown as a warning. `key` names the thing, however its text is worded."""

    key: str
    text: str


# -- one run at a time ------------------------------------------------------------------------------------------------


@contextmanager
def one_at_a_time(paths: Paths, say: Say, within_seconds: float = 3600.0) -> Iterator[None]:
    """Hold the lock of the folder; where another run holds it, say so once and wait for that run to end.

    Raises UsageError that names that run where it does not end within `within_seconds`.
    """
    taken = f"{paths.root}: another run is at work in this OVERBUILD_HOME"
    with locks.held(paths.lock, taken, within_seconds=within_seconds, say=say):
        yield


def busy(paths: Paths) -> bool:
    """Whether a run holds the lock of the folder."""
    return locks.is_taken(paths.lock)
