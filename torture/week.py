"""A week of schedules in simulated time with whole runs: asked, loaded, checked, built and published, hour by hour.

    python -m torture.week [--seconds 300]

Each run is what `overbuild serve` starts at a time of a schedule, in a process of its own, on a clock that is moved on
(`_small.py`). Now and then a host says something new, and a few requests fail in one of the known ways. After each run the
ledger of fetches must say what the archive and the published warehouse hold. Over the week a run's memory, its time of the
processor, its operations on files, and the files beside documents and ledger must not grow. A week that came to its last
hour is counted besides, as one piece.
"""

from __future__ import annotations

import json
import random
import resource
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.fetching.hostile import HARMFUL
from tests.live_server import Reply, Request
from torture import _small as small
from torture import results
from torture._clock import moved_to
from torture._interrupt import MEMORY
from torture._points import Point, in_child
from torture._scenes import paths_in, require_no_litter
from torture.soak import TRICKLES, disagreements
from warehouse import files
from warehouse.fetching import schedules
from warehouse.fetching.fetch_log import FetchLog
from warehouse.paths import WAREHOUSE, Paths
from warehouse.pipeline.publish import KEPT_RELEASES

BEGINS = datetime(2026, 10, 11, 23, 30, tzinfo=UTC)
HOURS = 7 * 24
ENTRIES = ("gpu-offers", small.ENTRY)
"""An hourly schedule and a daily one."""
NEW, FAILS = 0.1, 0.05
"""Shares of runs before which a host has something new to say, and of requests that fail."""
MOST_GROWTH_BYTES = 40 * 2**20
MOST_GROWTH_SHARE = 0.2
MOST_GROWTH_OF_TIME = 0.5
"""Shares; time swings with what else the machine does."""
WAYS = [way for name, way in HARMFUL.items() if name not in TRICKLES and "huge" not in name]


@dataclass
class Week:
    """What came of the runs so far; of each that ended early, operations on files and the most memory it held."""

    runs: int = 0
    published: int = 0
    faults: list[str] = field(default_factory=list)
    operations: list[int] = field(default_factory=list)
    memory_bytes: list[int] = field(default_factory=list)
    processor_milliseconds: list[int] = field(default_factory=list)
    is_whole: bool = False
    files: list[int] = field(default_factory=list)


def spoiled(reply: Reply, request: Request) -> Reply:
    """An answer of a host, which now and then goes wrong."""
    return random.choice(WAYS)(reply) if random.random() < FAILS else reply


def times(hours: int) -> list[tuple[datetime, str]]:
    """The moments of the schedules, in order."""
    found = []
    for name in ENTRIES:
        for moment in schedules.entry(name).times_after(BEGINS):
            if moment > BEGINS + timedelta(hours=hours):
                break
            found.append((moment + timedelta(seconds=5), name))
    return sorted(found)


def week(hours: int = HOURS, seconds: float = 600.0) -> Week:
    """Let the schedules run for so many hours of theirs, or so many seconds of ours."""
    folder = Path(tempfile.mkdtemp(prefix="torture-", dir=MEMORY if Path(MEMORY).is_dir() else None))
    found, until = Week(), time.monotonic() + seconds
    host = small.Host(folder, spoiled)
    paths = paths_in(folder)
    try:
        paths.root.mkdir(parents=True)
        moments = folder / "moments"
        in_child(lambda: moments.write_text(json.dumps([[at.isoformat(), name] for at, name in times(hours)])))
        said = 0
        for moment, entry in json.loads(moments.read_text()):
            if time.monotonic() > until:
                break
            if random.random() < NEW:
                host.say(said := said + 1)
            _run(paths, host, datetime.fromisoformat(moment), entry, found)
        else:
            found.is_whole = True
        found.faults += grown(found)
        return found
    finally:
        host.close()
        files.remove_folder(folder)
        shutil.rmtree(f"{folder}.stash", ignore_errors=True)


def _run(paths: Paths, host: small.Host, moment: datetime, entry: str, found: Week) -> None:
    told = paths.root.parent / "told"
    before = paths.current.resolve() if paths.current.is_symlink() else None

    def act() -> None:
        moved_to(moment)
        summary = small.scheduled(paths, host.url, entry)
        used = resource.getrusage(resource.RUSAGE_SELF)
        told.write_text(json.dumps([summary, used.ru_maxrss * 1024, round(1000 * (used.ru_utime + used.ru_stime))]))

    ended = in_child(act, Point(paths.root), alone=True)
    found.runs += 1
    if ended.killed or ended.code:
        if "No live source brought anything" not in ended.said:  # the first ones may fail, and nothing is there yet
            found.faults.append(f"{moment:%a %H:%M} {entry}: {ended.said or 'killed'}")
        return
    summary, memory, milliseconds = json.loads(told.read_text())
    after = paths.current.resolve() if paths.current.is_symlink() else None
    if after != before:
        found.published += 1
    elif summary["outcome"] == "nothing_new":
        found.operations.append(ended.operations)
        found.memory_bytes.append(memory)
        found.processor_milliseconds.append(milliseconds)
    for state in (paths.raw / "fetches").glob("*.rate_limit.json"):
        state.unlink()  # a host may ask for a pause of a day; as if the day were over
    looked = in_child(lambda: _look(paths, told))
    found.faults += [f"{moment:%a %H:%M} {entry}: {each}" for each in json.loads(told.read_text())]
    if looked.code or looked.killed:
        found.faults.append(f"{moment:%a %H:%M} {entry}: {looked.said}")
    if ended.left:
        found.faults.append(f"processes are left: {ended.left}")
    if paths.current.is_symlink():
        found.files.append(_files_beside(paths))


def _look(paths: Paths, told: Path) -> None:
    """What the ledger, the archive and the warehouse say, each against the others; and what lies about."""
    wrong = disagreements(paths.root)
    if paths.current.is_symlink():
        from warehouse.database.releases import reading

        with reading(paths.current / WAREHOUSE) as connection:
            for source in small.LIVE:
                ledger = {one.sha256 for one in FetchLog(paths.raw, source).published()}
                sql = "SELECT DISTINCT sha256 FROM provenance.documents WHERE source = ?"
                loaded = {sha256 for (sha256,) in connection.execute(sql, [source]).fetchall()}
                if ledger != loaded:
                    wrong.append(f"{source}: {len(ledger)} documents in the ledger, {len(loaded)} in the warehouse")
        require_no_litter(paths)
        if len(list(paths.releases.iterdir())) > KEPT_RELEASES + 1:
            wrong.append("releases pile up")
        if len(list(paths.later.iterdir())) > KEPT_RELEASES + 1:
            wrong.append("what is said of releases later piles up")
    told.write_text(json.dumps(wrong))


def _files_beside(paths: Paths) -> int:
    """Files of a home but for documents, what a release holds, and what is said of it later."""
    others = {paths.raw, paths.releases, paths.later}
    return sum(1 for path in paths.root.rglob("*") if path.is_file() and not others & set(path.parents))


def ends(values: list[int]) -> tuple[int, int]:
    """The middle values of the first fifth and of the last one."""
    part = max(1, len(values) // 5)
    first, last = (sorted(some)[len(some) // 2] for some in (values[:part], values[-part:]))
    return first, last


def grown(found: Week) -> list[str]:
    """What grew over the week that should not: the middle value of the last fifth is held against the first fifth's."""
    wrong = []
    for what, values, share, least in (
        ("operations on files of a run that finds nothing new", found.operations, MOST_GROWTH_SHARE, 3),
        ("files beside documents and releases", found.files, MOST_GROWTH_SHARE, 3),
        ("memory of a run that finds nothing new", found.memory_bytes, 0, MOST_GROWTH_BYTES),
        ("milliseconds of a run that finds nothing new", found.processor_milliseconds, MOST_GROWTH_OF_TIME, 200),
    ):
        if len(values) < 10:
            continue
        first, last = ends(values)
        if last - first > max(least, share * first):
            wrong.append(f"{what}: {first:,} at first, {last:,} at last")
    return wrong


def main(seconds: float) -> int:
    """A week, or as much of one as the time allows; gives how many faults were found."""
    small.warmed()
    began = time.monotonic()
    found = week(seconds=seconds)
    for each in found.faults:
        print(f"FAULT {each}", flush=True)
    print(f"{found.runs} runs, {found.published} of which published", flush=True)
    for what, values in (
        ("operations", found.operations), ("files", found.files), ("bytes of memory", found.memory_bytes),
        ("milliseconds", found.processor_milliseconds),
    ):  # fmt: skip
        if values:
            print("{}: {:,} at first, {:,} at last".format(what, *ends(values)), flush=True)
    bad = min(len(found.faults), found.runs)
    results.record(
        "week", "whole runs of schedules in simulated time", tried=found.runs, survived=found.runs - bad,
        faults_found=len(found.faults), seconds=time.monotonic() - began,
    )  # fmt: skip
    if found.is_whole:
        results.record(
            "week", "a whole week in one piece", tried=1, survived=int(not found.faults),
            faults_found=int(bool(found.faults)), seconds=time.monotonic() - began,
        )  # fmt: skip
    return len(found.faults)


if __name__ == "__main__":
    sys.exit(results.run(main, 300.0))
