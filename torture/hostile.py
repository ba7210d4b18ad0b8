"""Hosts that misbehave, for every live source: each way there is, then ways mixed at random with spoiled answers.

    python -m torture.hostile [--seconds 60]

A source may bring the same rows as from a host that means well, or fewer with a reason. Where a body is spoiled rows may
change, so there only the errors, the time and the silence count.
"""

from __future__ import annotations

import logging
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.fetching.hostile import HARMFUL, HARMLESS, may_bring_nothing
from tests.fetching.hosts import LIVE, Came, answering, ask, settings_of
from tests.live_server import LiveServer, Reply, Request
from tests.sources.mutations import spoiled_body
from torture import results
from warehouse.fetching import client
from warehouse.sources.common.source import Source

LONGEST_SECONDS = 60.0
TIMEOUT_SECONDS = 0.3
Spoil = Callable[[Reply, Request], Reply]


def asked(source: Source, spoil: Spoil) -> Came:
    with LiveServer() as server, tempfile.TemporaryDirectory() as home:
        server.answer("/", answering(source, spoil))
        settings = settings_of(source, Path(home), server.url, timeout_seconds=TIMEOUT_SECONDS)
        return ask(source, settings, Path(home))


def faults_of(source: Source, what: str, spoil: Spoil, wrong: Callable[[Came], str]) -> list[str]:
    """What went wrong with one attack, in words; nothing where nothing did."""
    began = time.monotonic()
    try:
        why = wrong(asked(source, spoil))
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
    if time.monotonic() - began > LONGEST_SECONDS:
        why = why or f"took {time.monotonic() - began:.0f} s"
    if why:
        print(f"FAULT {source.name}, {what}: {why[:300]}", flush=True)
    return [why] if why else []


def each_way(seconds: float) -> Iterator[list[str]]:
    """Every way against every source, as far as the time allows; the next run begins elsewhere."""
    pairs = [(source, way) for source in LIVE for way in (*HARMLESS, *HARMFUL)]
    random.shuffle(pairs)
    until, good = time.monotonic() + seconds, {}
    for source, way in pairs:
        if time.monotonic() > until:
            return
        if source.name not in good:
            good[source.name] = asked(source, lambda reply, _: reply)
        same = good[source.name]

        def wrong(came: Came, way: str = way, source: Source = source, same: Came = same) -> str:
            if way in HARMLESS:
                return "" if came.says(same) else "other rows"
            if any(frame.height for frame in came.rows):
                return "rows"
            return "silence" if came.is_silent and not may_bring_nothing(source.name, way) else ""

        change = {**HARMLESS, **HARMFUL}[way]
        yield faults_of(source, way, lambda reply, _, change=change: change(reply), wrong)


def mixed(seconds: float) -> Iterator[list[str]]:
    """Answers that are spoiled or misbehave one by one, by chance."""
    until, ways = time.monotonic() + seconds, list({**HARMLESS, **HARMFUL}.values())
    while time.monotonic() < until:
        number = random.randrange(10**9)
        source, chance = random.choice(LIVE), random.Random(number)

        def spoil(reply: Reply, _: Request, chance: random.Random = chance) -> Reply:
            if chance.random() < 0.6:
                return Reply(spoiled_body(reply.content, chance), media_type=reply.kind)
            return chance.choice(ways)(reply) if chance.random() < 0.5 else reply

        yield faults_of(source, f"mix {number}", spoil, lambda came: "")


def main(seconds: float) -> int:
    logging.disable(logging.CRITICAL)
    client.wait_before_retry = lambda state: 0.0
    found = 0
    for what, attack in (("ways to misbehave, source by source", each_way), ("mixed and spoiled answers", mixed)):
        began = time.monotonic()
        attacks = list(attack(seconds / 2))
        faults = {why for attack_faults in attacks for why in attack_faults}
        survived = sum(not each for each in attacks)
        taken = time.monotonic() - began
        results.record("hostile", what, tried=len(attacks), survived=survived, faults_found=len(faults), seconds=taken)
        found += len(faults)
    return found


if __name__ == "__main__":
    results.run(main)
