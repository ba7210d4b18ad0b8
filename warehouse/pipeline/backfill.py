"""History in pieces that can be interrupted: which pieces a source still lacks, and what is remembered of those done.

Years of history take hours at the rate that public hosts allow, and something will interrupt them. So a backfill goes
piece by piece, each a whole run of its own from fetching to publishing. The days that are done are remembered beside
the warehouse. Started again it goes on where it stopped; run twice it does nothing the second time. Each piece takes
the home's lock for itself, so that the daily run gets its turn in between.

A piece is a quarter, but for sources whose one answer brings all days of a ticker: they have one piece. What such a
piece had asked for before it was interrupted comes out of the archive, as do the days of a quarter.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from warehouse import files, records
from warehouse.errors import UsageError
from warehouse.paths import Paths
from warehouse.sources import all_sources
from warehouse.sources.common.source import Source

Span = tuple[date, date]
"""First and last day, both included."""
DAY = timedelta(days=1)


def source_of(name: str) -> Source:
    """The source to backfill. Raises UsageError where there is none of that name, or its host keeps no history."""
    live = {source.name: source for source in all_sources() if source.kind == "live"}
    able = ", ".join(name for name, source in live.items() if source.backfills) or "none yet"
    if name not in live:
        raise UsageError(f"backfill {name}: there is no such live source. Sources with a history: {able}.")
    if not live[name].backfills:
        raise UsageError(
            f"backfill {name}: no earlier days can be asked for; every run takes all that its host gives, and keeps it. "
            f"Sources with a history: {able}."
        )
    return live[name]


def span_of(source: Source, first: date, last: date, today: date) -> Span:
    """The days to ask for: those asked for that the source can have. Raises UsageError where there are none."""
    if last < first:
        raise UsageError(f"--from {first} --to {last}: the last day is before the first; exchange them.")
    if last > today:
        raise UsageError(f"--to {last}: this day is in the future (today is {today} UTC).")
    if last < source.history_from:
        raise UsageError(
            f"--from {first} --to {last}: {source.name} has nothing older than {source.history_from}; end there or later."
        )
    return max(first, source.history_from), last


def pieces(span: Span) -> list[Span]:
    """A span cut at the ends of calendar quarters, oldest first."""
    first, last = span
    cut: list[Span] = []
    while first <= last:
        quarter = (first.month - 1) // 3
        following = date(first.year + (quarter == 3), (3 * quarter + 3) % 12 + 1, 1)
        cut.append((first, min(following - DAY, last)))
        first = following
    return cut


# -- what is done ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Progress:
    """The days of a source whose history is loaded, kept in a file that is replaced whole."""

    paths: Paths
    source: str

    @property
    def path(self) -> Path:
        return self.paths.root / "backfill" / f"{self.source}.json"

    def done(self) -> list[Span]:
        """Spans of days that are done, apart and in order."""
        try:
            read = records.parsed(self.path.read_bytes()) or {}
        except OSError:
            read = {}
        spans = records.value(list[list[date]], read.get("done")) or []
        if any(len(span) != 2 or not span[0] <= span[1] < date.max for span in spans):
            return []  # nothing remembered: everything is asked again, and what is loaded already adds nothing
        return _joined((first, last) for first, last in spans)

    def remaining(self, span: Span, *, at_once: bool = False) -> list[Span]:
        """The pieces of a span that are not done; one that comes `at_once` is asked for whole."""
        gaps = _without(span, self.done())
        return [span] if gaps and at_once else [piece for gap in gaps for piece in pieces(gap)]

    def remember(self, piece: Span, today: date) -> None:
        """Note a piece as done. Today is not over, so it is never done."""
        first, last = piece[0], min(piece[1], today - DAY)
        if first > last:
            return
        spans = _joined([*self.done(), (first, last)])
        files.write(self.path, json.dumps({"done": [[a.isoformat(), b.isoformat()] for a, b in spans]}))

    def forget(self) -> None:
        """Ask everything again next time."""
        self.path.unlink(missing_ok=True)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the place of the one backfill of this source. Raises UsageError where another is under way."""
        from warehouse import locks

        self.path.parent.mkdir(parents=True, exist_ok=True)
        taken = f"backfill {self.source}: another process is at it, and remembers how far it is"
        with locks.held(self.path.with_suffix(".lock"), taken):
            yield


def _joined(spans: Any) -> list[Span]:
    """Spans in order, those that touch or overlap made one."""
    joined: list[Span] = []
    for first, last in sorted(spans):
        if joined and first <= joined[-1][1] + DAY:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return joined


def _without(span: Span, done: list[Span]) -> list[Span]:
    """What of a span lies in none of the spans that are done."""
    first, last = span
    gaps: list[Span] = []
    for begun, ended in done:
        if begun > last:
            break
        if begun > first:
            gaps.append((first, begun - DAY))
        first = max(first, ended + DAY)
    if first <= last:
        gaps.append((first, last))
    return gaps
