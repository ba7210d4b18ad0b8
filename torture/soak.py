"""A week of schedules in simulated time: every live source asked again and again, with faults at realistic rates.

    python -m torture.soak [--seconds 60]

Each round is one time at which a schedule asks all sources, in one home folder. Some documents are new, most are as they
were, and a few requests fail in one of the known ways. After every round the ledger of fetches must agree with the
archive. Over all rounds memory, time a round and files beside the documents must not grow.
"""

from __future__ import annotations

import hashlib
import json
import logging
import random
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.fetching.hostile import HARMFUL
from tests.fetching.hosts import LIVE, answering, ask, settings_of
from tests.live_server import LiveServer, Reply, Request
from torture import results
from warehouse.fetching import archive, client
from warehouse.sources.common.source import Source

WEEK_ROUNDS = 7 * 24
NEW, FAILS = 0.2, 0.05
"""Shares of answers that say something new, and that fail."""
WARM_UP_ROUNDS = 5
MOST_GROWTH_BYTES = 60 * 2**20
SLOWER_AT_MOST = 4.0
"""How much slower the last rounds may be than the first: each reads a log that has grown, on a machine that is shared."""
TRICKLES = ("trickle",)
"""Ways that take seconds of real time, which a week of them would take hours of."""


@dataclass
class Soaked:
    """What came of the rounds so far."""

    rounds: int = 0
    requests: int = 0
    faults: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    memory_bytes: list[int] = field(default_factory=list)


def soak(home: Path, rounds: int, until: float, sources: Sequence[Source] = LIVE, seed: int = 1) -> Soaked:
    """Ask `sources` in so many rounds, or until a moment of the clock that only goes forward."""
    chance, found = random.Random(seed), Soaked()
    ways = [way for name, way in HARMFUL.items() if name not in TRICKLES]
    said: dict[str, int] = {}

    def spoil(reply: Reply, request: Request) -> Reply:
        if chance.random() < FAILS:
            return chance.choice(ways)(reply)
        if chance.random() < NEW:
            said[request.target] = said.get(request.target, 0) + 1
        body = reply.content + b"\n" * said.get(request.target, 0)
        return Reply(body, media_type=reply.kind, etag=f'"{hashlib.sha256(body).hexdigest()[:12]}"')

    with LiveServer() as server:
        for _ in range(rounds):
            if time.monotonic() > until:
                break
            began = time.monotonic()
            for source in sources:
                server.answer("/", answering(source, spoil))
                settings = settings_of(source, home, server.url, timeout_seconds=2)
                try:
                    found.requests += ask(source, settings, home).requests
                except Exception as error:
                    found.faults.append(f"{source.name}: {type(error).__name__}: {error}")
                _end_pauses(home)
            server.forget()
            found.faults += disagreements(home)
            found.rounds += 1
            found.seconds.append(time.monotonic() - began)
            found.memory_bytes.append(psutil.Process().memory_info().rss)
    return found


def _end_pauses(home: Path) -> None:
    """A host may ask for a pause of a day. The next round is an hour later and not a day: as if the day were over."""
    for state in (home / "raw" / "fetches").glob("*.rate_limit.json"):
        state.unlink()


def disagreements(home: Path) -> list[str]:
    """Where the ledger of fetches and the archive do not say the same, or something lies there that belongs to neither."""
    raw, known = home / "raw", set()
    for log in (raw / "fetches").glob("*.jsonl"):
        for line in log.read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            if sha256 := entry.get("sha256"):
                known.add(sha256)
    files = {path.name: path for path in raw.rglob("*") if path.is_file() and path.parent.name != "fetches"}
    wrong = [
        f"{each} is in the ledger and not in the archive" for each in known if not archive.path_of(raw, each).exists()
    ]
    wrong += [f"{path} is in the archive and not in the ledger" for name, path in files.items() if name not in known]
    return wrong


def grown(found: Soaked) -> list[str]:
    """What grew over the rounds that should not."""
    wrong = []
    if len(found.memory_bytes) > 2 * WARM_UP_ROUNDS:
        growth = found.memory_bytes[-1] - found.memory_bytes[WARM_UP_ROUNDS]
        if growth > MOST_GROWTH_BYTES:
            wrong.append(f"memory grew by {growth / 2**20:.0f} MB over {found.rounds} rounds")
        first, last = (sorted(part)[len(part) // 2] for part in (found.seconds[:10], found.seconds[-10:]))
        if last > SLOWER_AT_MOST * first:
            wrong.append(f"a round takes {last:.1f} s where the first took {first:.1f} s")
    return wrong


def main(seconds: float) -> int:
    logging.disable(logging.CRITICAL)
    client.wait_before_retry = lambda state: 0.0
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as home:
        found = soak(Path(home), WEEK_ROUNDS, began + seconds, seed=random.randrange(10**9))
    faults = sorted({*found.faults, *grown(found)})
    for each in faults:
        print(f"FAULT {each}", flush=True)
    what = f"hours of a week, all {len(LIVE)} sources asked in each"
    bad = min(len(faults), found.rounds)
    taken = time.monotonic() - began
    results.record(
        "soak", what, tried=found.rounds, survived=found.rounds - bad, faults_found=len(faults), seconds=taken
    )
    return len(faults)


if __name__ == "__main__":
    results.run(main)
