"""How fast a source may be asked, held across threads and processes, and until when it may not be asked at all.

A daily run, a backfill and the scheduler may ask the same host at the same time, and the host counts all of them. So
the next free moment stands in a file: whoever wants to ask takes it, moves it on by the source's interval, and waits
for its turn. Turns are spaced evenly, so that no second ever holds more than the limit; who wakes up late moves the
others on.

Libraries were tried for it. `limits` 5.8 counts across processes only with a server (Redis, Memcached, MongoDB).
pyrate-limiter 4.5.1 has a bucket in an SQLite file whose own source says that its lock is for processes of one thread:
90 turns of 122 ms, wanted by three processes of two threads, came as close as 1 ms and took 15.3 s; here they came no
closer than 118 ms and took 10.9 s.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock

from warehouse import files
from warehouse.fetching.fetch_log import FOLDER

# Turns are this much further apart than the limit asks, because requests do not all take equally long to arrive.
SLACK = 1.1
LONGEST_QUEUE_SECONDS = 600.0


class Pace:
    """The turns of one source. `wait` is how to wait."""

    def __init__(self, raw: Path, source: str, per_second: float, wait: Callable[[float], Any] = time.sleep) -> None:
        self._path = raw / FOLDER / f"{source}.pace"
        self._interval_seconds = SLACK / per_second
        self._wait = wait
        self._path.parent.mkdir(parents=True, exist_ok=True)

    def wait_turn(self) -> None:
        """Take the next free moment, wait for it, and once more where somebody before overslept."""
        with self._lock():
            state = self._read()
            now = time.time()
            turn = _soon(float(state.get("next", 0)), now)
            self._write(state | {"next": turn + self._interval_seconds})
        while True:
            if turn > now:
                self._wait(turn - now)
            with self._lock():
                state = self._read()
                now = max(time.time(), turn)
                turn = _soon(float(state.get("last", 0)) + self._interval_seconds, now)
                if turn <= now:
                    following = max(_soon(float(state.get("next", 0)), now), now + self._interval_seconds)
                    self._write(state | {"last": now, "next": following})
                    return

    def pause(self, until: datetime, why: str) -> None:
        """Let nobody ask this source until then."""
        with self._lock():
            self._write(self._read() | {"paused_until": until.isoformat(), "why": why})

    def paused(self) -> tuple[datetime, str] | None:
        """Until when this source may not be asked, and why; None where it may."""
        state = self._read()
        with suppress(KeyError, ValueError):
            until = datetime.fromisoformat(state["paused_until"])
            if until > datetime.now(UTC):
                return until, str(state["why"])
        return None

    def _lock(self) -> FileLock:
        return FileLock(self._path.with_suffix(".pace.lock"))

    def _read(self) -> dict[str, Any]:
        try:
            found = json.loads(self._path.read_bytes())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _write(self, state: dict[str, Any]) -> None:
        files.write(self._path, json.dumps(state))


def _soon(moment: float, now: float) -> float:
    """A moment that is not over; one too far ahead was noted before the clock was set back."""
    return now if moment > now + LONGEST_QUEUE_SECONDS else max(now, moment)
