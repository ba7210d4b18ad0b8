"""How fast a source may be asked, and until when it may not be asked at all. Both hold across threads and processes.

A daily run, a backfill and the scheduler may ask the same host at the same time, and the host counts all of them. So
the next free moment stands in a file. Whoever wants to ask takes that moment, moves it on by the source's interval, and
waits for it. Turns are spaced evenly, so no second ever holds more than the limit. A process that wakes up late moves
the others on.

Libraries were weighed for this. `limits` 5.8 counts across processes only with a server (Redis, Memcached, MongoDB).
pyrate-limiter 4.5.1 keeps its state in SQLite, but by its own source its lock holds only between processes of one
thread each. Measured with three processes of two threads that want 90 turns of 122 ms: its turns came as close as 1 ms
and took 15.3 s. These came no closer than 118 ms and took 10.9 s. `filelock` is used for the lock, which is the hard
part; the rest is one number in a file.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from filelock import FileLock

from warehouse import files, records, turns
from warehouse.paths import FETCHES

SLACK = 1.1
"""Turns are this much further apart than the limit asks, because requests do not all take equally long to arrive."""
LONGEST_QUEUE_SECONDS = 600.0
LONGEST_PAUSE = timedelta(days=1)


class RateLimit:
    """The turns of one source. `wait` is how to wait."""

    def __init__(self, raw: Path, source: str, per_second: float, wait: Callable[[float], Any] = time.sleep) -> None:
        self._path = raw / FETCHES / f"{source}.rate_limit.json"
        self._interval_seconds = SLACK / per_second
        self._wait = wait
        self._path.parent.mkdir(parents=True, exist_ok=True)

    def wait_turn(self) -> None:
        """Take the next free moment and wait for it; wait again where someone ahead woke up late."""
        with self._lock():
            state = self._read()
            now = time.time()
            turn = _soon(_moment(state, "next"), now)
            self._write(state | {"next": turn + self._interval_seconds})
        while True:
            if turn > now:
                self._wait(turn - now)
            with self._lock():
                state = self._read()
                now = max(time.time(), turn)
                turn = _soon(_moment(state, "last") + self._interval_seconds, now)
                if turn <= now:
                    following = max(_soon(_moment(state, "next"), now), now + self._interval_seconds)
                    self._write(state | {"last": now, "next": following})
                    return

    def pause(self, until: datetime, why: str) -> None:
        """Let nobody ask this source until then."""
        with self._lock():
            self._write(self._read() | {"paused_until": until.isoformat(), "why": why})

    def paused(self) -> tuple[datetime, str] | None:
        """Until when this source may not be asked, and why; None where it may."""
        state, now = self._read(), datetime.now(UTC)
        until, why = records.value(datetime, state.get("paused_until")), records.value(str, state.get("why"))
        # Nobody is asked to wait for longer than that: a later moment was noted before the clock was set back.
        return (until, why or "") if until is not None and now < until <= now + LONGEST_PAUSE else None

    def _lock(self) -> AbstractContextManager[None]:
        return turns.taken(FileLock(self._path.with_suffix(".lock")), str(self._path))

    def _read(self) -> dict[str, Any]:
        """What was noted; nothing where that cannot be read. The next turn notes it anew."""
        try:
            return records.parsed(self._path.read_bytes()) or {}
        except OSError:
            return {}

    def _write(self, state: dict[str, Any]) -> None:
        files.write(self._path, json.dumps(state))


def _moment(state: dict[str, Any], name: str) -> float:
    """A moment of the state, in seconds; the beginning of time where there is none."""
    return records.value(float, state.get(name)) or 0.0


def _soon(moment: float, now: float) -> float:
    """A moment that is not over; one too far ahead was noted before the clock was set back."""
    return now if moment > now + LONGEST_QUEUE_SECONDS else max(now, moment)
