"""Four workers that publish in one lake at once, killed at random moments, or cut off from PostgreSQL; and a reader beside them.

    python -m torture.lake [--seconds 60]

Each worker is a process that publishes one document after the other and says which ones it did (`tests.database.machines`).
In a round, each of them is killed at a moment of its own, or all lose their connections to PostgreSQL first. The reader sees
whole publications all the while. After each round nothing that was said to be published is missing, nothing is there twice,
every file that the catalogue names is there, the turn is free, and a home whose run was killed goes on.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.database import postgres
from tests.database.machines import MARTS, Machine
from tests.database.postgres import Server
from torture import results
from warehouse.database import lake as lakes

WORKERS = 4
LONGEST_SECONDS = 5.0
"""A run of a worker takes about a second where nobody else is at work."""
WAITS_SECONDS = 30.0
KILLED, CUT_OFF = "SIGKILL of a worker of four", "connections of four workers to PostgreSQL, lost at once"
WORKER = """
import itertools, sys
from pathlib import Path
from tests.database.machines import Machine
from warehouse.errors import OverbuildError
worker = Machine(Path(sys.argv[1]), sys.argv[2], {"OVERBUILD_WAREHOUSE_DATA": sys.argv[3]})
for number in itertools.count(int(sys.argv[4])):
    try:
        worker.run(number)
        print("published", number, file=sys.stderr, flush=True)
    except OverbuildError as error:
        print("refused", number, str(error).replace("\\n", " "), file=sys.stderr, flush=True)
"""
WHOLE = f"""
select (select count(*) from core.shares_outstanding), (select facts from {MARTS}),
       (select count(*) + 1 from provenance.documents), (select count(distinct sha256) + 1 from provenance.documents),
       (select count(distinct ticker) from core.shares_outstanding)
"""
"""Five counts that are the same in every publication: each document has a ticker of its own, and all have one together."""


@dataclass
class Shared:
    """The lake that is attacked. `said` are documents of which a worker said that they are published."""

    folder: Path
    server: Server
    address: str
    said: set[int] = field(default_factory=set)
    numbers: int = 0
    read: int = 0
    found: list[str] = field(default_factory=list)

    def machine(self, name: str) -> Machine:
        return Machine(self.folder / name, self.address, {"OVERBUILD_WAREHOUSE_DATA": str(self.folder / "lake")})

    def started(self, name: str) -> subprocess.Popen[str]:
        self.numbers += 1000
        program = [sys.executable, "-c", WORKER, str(self.folder / name), self.address, str(self.folder / "lake")]
        environment = {**os.environ, "PYTHONPATH": os.getcwd()}
        return subprocess.Popen(
            [*program, str(self.numbers)], env=environment, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )


def main(seconds: float) -> int:
    """Attack for so long, a round of each kind at least, and count; gives how many faults were found."""
    until, tried, took, faults = time.monotonic() + seconds, Counter[str](), Counter[str](), Counter[str]()
    with tempfile.TemporaryDirectory(prefix="lake") as folder, postgres.server(Path(folder) / "pg") as server:
        shared = Shared(Path(folder), server, server.address(server.database()))
        shared.machine("first").run(1)
        shared.said.add(1)
        while min(tried[KILLED], tried[CUT_OFF]) == 0 or time.monotonic() < until:
            what, began = (CUT_OFF if tried[KILLED] > tried[CUT_OFF] * WORKERS else KILLED), time.monotonic()
            tried[what] += a_round(shared, cut_off=what == CUT_OFF)
            took[what] += int(time.monotonic() - began)
            for each in shared.found:
                print(f"{what}: {each}", flush=True)
            faults[what] += len(shared.found)
            shared.found.clear()
        print(f"{len(shared.said)} documents published, read {shared.read} times", flush=True)
    for what in (KILLED, CUT_OFF):
        results.record(
            "lake", what, tried=tried[what], survived=max(tried[what] - faults[what], 0), faults_found=faults[what],
            seconds=took[what],
        )  # fmt: skip
    return faults.total()


def a_round(shared: Shared, *, cut_off: bool) -> int:
    """Let four workers publish and end each of them; gives how many attacks that were."""
    workers = {f"worker{n}": shared.started(f"worker{n}") for n in range(WORKERS)}
    ended = threading.Event()
    reader = threading.Thread(target=_reads, args=(shared, ended))
    reader.start()
    try:
        began = time.monotonic()
        moments = sorted((random.uniform(1.5, 1.5 + LONGEST_SECONDS), name) for name in workers)
        if cut_off:
            time.sleep(random.uniform(2.0, LONGEST_SECONDS))
            _cut_off(shared)
            moments = [(moment + LONGEST_SECONDS, name) for moment, name in moments]
        for moment, name in moments:
            time.sleep(max(0.0, began + moment - time.monotonic()))
            workers[name].kill()
    finally:
        for worker in workers.values():
            worker.kill()
        for name, worker in workers.items():
            _heard(shared, name, worker.communicate()[1])
        ended.set()
        reader.join()
    _look(shared)
    return 1 if cut_off else WORKERS


def _cut_off(shared: Shared) -> None:
    with shared.server.connected("postgres") as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'overbuild%' "
            "OR backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )


def _heard(shared: Shared, name: str, said: str) -> None:
    """Note what a worker said it published. Whatever is no sentence of ours is a fault."""
    for line in said.splitlines():
        word, _, rest = line.partition(" ")
        if word == "published":
            shared.said.add(int(rest))
        elif "Traceback" in line or line.startswith("terminate called"):
            shared.found.append(f"{name}: {said[-1500:]}")
            return


def _reads(shared: Shared, ended: threading.Event) -> None:
    """Read again and again what is published: each time a whole publication, and never less than before."""
    from warehouse.errors import StorageError

    reader, before = shared.machine("reader"), 0
    while not ended.is_set():
        try:
            counts = reader.sql(WHOLE)[0]
        except StorageError:  # cut off, too
            continue
        except Exception as error:
            shared.found.append(f"a reader: {type(error).__name__}: {error}")
            return
        shared.read += 1
        if len(set(counts)) != 1 or counts[0] < before:
            shared.found.append(f"a reader saw {counts}, and {before} facts before")
        before = counts[0]


def _look(shared: Shared) -> None:
    """What has to hold after a round; then a run of each home that was killed, which has to go on."""
    try:
        lake = lakes.of_address(shared.address)
        with lakes.session(lake) as catalogue:
            catalogue.take_turn(WAITS_SECONDS, lambda _: None)  # of those that were killed, nobody keeps it
        for n in range(WORKERS):
            shared.numbers += 1
            machine = shared.machine(f"worker{n}")
            machine.run(shared.numbers)
            shared.said.add(shared.numbers)
            if left := list((machine.home / "work").iterdir()):
                shared.found.append(f"{machine.home.name}: left in its work folder: {left}")
        with shared.machine("reader").reading() as asked:
            there = [
                int(ticker[1:])
                for (ticker,) in asked("select ticker from core.shares_outstanding where ticker <> 'ALL'")
            ]
            counts = asked(WHOLE)[0]
            tables = asked(
                "select schema_name || '.' || table_name from duckdb_tables() where database_name = 'warehouse'"
            )
            for (name,) in tables:  # every file that the catalogue names is there
                asked(f"select count(*) from (select * from {name} where hash(columns(*)) is not null)")
            runs = asked("select commit_message from ducklake_snapshots('warehouse') where commit_message is not null")
        twice = [each for each, times in Counter(there).items() if times > 1]
        twice_run = [each for each, times in Counter(runs).items() if times > 1]
        missing = sorted(shared.said - set(there))
        if missing or twice or twice_run or len(set(counts)) != 1:
            shared.found.append(f"missing {missing}, twice {twice}, published twice {twice_run}, counts {counts}")
    except Exception as error:
        shared.found.append(f"after a round: {type(error).__name__}: {error}")


if __name__ == "__main__":
    results.run(main)
