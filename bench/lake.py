"""A warehouse that several machines share, against one of a single machine: what publication costs, and what readers feel.

    python -m bench.lake [FACTS]

PostgreSQL and the data are on this machine, so the network costs nothing here. A publication is what follows once a run
has built and checked: in a lake the copy of new rows to Parquet and the commit, then the same switch of a link as without
one. Readers ask the same query again and again, alone and while another process publishes.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from bench.lines import report
from tests.database import postgres
from tests.database.machines import Machine
from warehouse.pipeline import sharing

QUERY = "select ticker, count(*), sum(shares) from core.shares_outstanding group by all order by all"
PUBLISHES = """
import sys
from pathlib import Path
from tests.database.machines import Machine
worker = Machine(Path(sys.argv[1]), sys.argv[2])
for each in range(int(sys.argv[3]), int(sys.argv[3]) + 3):
    worker.run(each)
"""
ASKED = 200
ROUNDS = 3


def main(documents: int) -> None:
    with tempfile.TemporaryDirectory(prefix="lake") as folder, postgres.server(Path(folder) / "pg") as server:
        worker = Machine(Path(folder) / "worker", server.address(server.database()))
        seconds: list[float] = []
        whole: list[float] = []
        worker.run(*range(1, documents))
        publish = sharing.publish

        def timed(run: Any) -> Any:
            began = time.perf_counter()
            found = publish(run)
            seconds.append(time.perf_counter() - began)
            return found

        sharing.publish = timed
        for each in range(ROUNDS):
            began = time.perf_counter()
            worker.run(documents + each)
            whole.append(time.perf_counter() - began)
        sharing.publish = publish
        without = [total - lake for total, lake in zip(whole, seconds, strict=True)]
        what = "a run without fetching, checks and marts, published in a lake"
        report(what, "the same, without that publication", "s", whole, without)
        _readers(Path(folder), worker, server.address(server.database()), documents)


def _readers(folder: Path, worker: Machine, other_address: str, documents: int) -> None:
    """What a reader feels of a publication: beside it, of one that it does not read, and with a processor of its own."""
    other, reader = Machine(folder / "other", other_address), Machine(folder / "reader", worker.address)
    other.run(*range(1, documents))
    all_cpus = os.sched_getaffinity(0)
    own = {min(all_cpus)}
    found: dict[str, list[tuple[float, float]]] = {"beside": [], "elsewhere": [], "apart": []}
    for each in range(ROUNDS):
        with reader.reading() as asked:
            rows = asked(QUERY)
            for place, (kind, times) in enumerate(found.items()):
                apart = kind == "apart" and len(all_cpus) > 1
                try:
                    os.sched_setaffinity(0, own if apart else all_cpus)
                    alone = _slowest(partial(asked, QUERY), lambda: False)
                    publishing = _publishing(
                        other if kind == "elsewhere" else worker,
                        10**6 + 100 * each + 10 * place,
                        all_cpus - own if apart else all_cpus,
                    )
                    with publishing:
                        times.append((_slowest(partial(asked, QUERY), partial(_is_at_work, publishing)), alone))
                        if publishing.wait():
                            raise SystemExit("the other process could not publish")
                finally:
                    os.sched_setaffinity(0, all_cpus)
            if asked(QUERY) != rows:
                raise SystemExit("a reader saw what was published after it had opened the lake")
    what = "a reader's slowest query but one in a hundred, "
    for kind, during, target in (
        ("beside", "while another process publishes", 1.5),
        ("elsewhere", "while another process publishes in another lake, so that they share the processor alone", None),
        ("apart", "while another process publishes, each with a processor of its own, as two machines have", 1.5),
    ):
        ours, theirs = ([pair[side] for pair in found[kind]] for side in (0, 1))
        report(what + during, "while none does", "ms", ours, theirs, target=target, equal=f"{len(rows):,} rows")


def _publishing(worker: Machine, first: int, cpus: set[int]) -> subprocess.Popen[bytes]:
    """A process that publishes three times, on some processors."""
    command = [sys.executable, "-c", PUBLISHES, str(worker.home), worker.address, str(first)]
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus)  # it inherits them
    try:
        return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    finally:
        os.sched_setaffinity(0, before)


def _slowest(ask: Callable[[], object], goes_on: Callable[[], bool]) -> float:
    """Milliseconds of the slowest of some queries, the slowest hundredth left out: any process is interrupted at times."""
    times: list[float] = []
    while len(times) < ASKED or goes_on():
        began = time.perf_counter()
        ask()
        times.append((time.perf_counter() - began) * 1e3)
    return statistics.quantiles(times, n=100)[-1]


def _is_at_work(process: subprocess.Popen[bytes]) -> bool:
    return process.poll() is None


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000)
