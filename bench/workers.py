"""Two workers against one on a backfill of many companies, into a warehouse that they share.

    python -m bench.workers [COMPANIES]

Each worker is a process on a core of its own, as a machine of one core would be. It reads its companies' bodies, waits for
its turn, checks single rows, loads and publishes in a lake, whose PostgreSQL and data are on this machine. One worker reads
all companies, two read half of them each. Both sides end with the same facts. Fetching is left out, because hosts count all
workers together, and so are the marts, which are built once a run. A process starts its clock once it has imported.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.filings import LOADED_AT, RECORDED, made_up
from bench.lines import in_turn, report
from tests.database import postgres
from tests.database.machines import MARTS, Machine
from warehouse import files
from warehouse.database.store import opened
from warehouse.paths import WAREHOUSE
from warehouse.pipeline import ingest, publish, record, sharing
from warehouse.pipeline.context import RunContext
from warehouse.pipeline.documents import Ingested, load_waiting, take
from warehouse.pipeline.quarantine import quarantine
from warehouse.sources import sec
from warehouse.sources.common import company_bodies
from warehouse.sources.common.source import Document

WORKER = """
import sys
from pathlib import Path
from bench.workers import Worker
worker = Worker(Path(sys.argv[1]), sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
worker.run(*range(int(sys.argv[3]), int(sys.argv[4])))
"""
FACTS = "select count(*), sum(hash(ticker, period_end, tag, value_usd, known_on)) from core.company_facts"
FASTER = 1.8
ROUNDS = 2


class Worker(Machine):
    """A machine whose documents are bodies of companies: each number is a CIK."""

    def _worked(self, run: RunContext, documents: tuple[int, ...], meanwhile: Any, shows: bool) -> str:
        run.release.mkdir(parents=True)
        if run.base.warehouse is not None:
            files.clone(run.base.warehouse, run.release / WAREHOUSE)
        (source,) = sec.SOURCES
        found = Ingested(source)
        with opened(run.release / WAREHOUSE, run.folder / "staging.duckdb") as store:
            for cik, content in bodies(documents):
                context = {company_bodies.TICKER: f"T{cik}", company_bodies.YEAR_END_MONTH: "1"}
                url = company_bodies.FACTS_URL.format(cik=cik)
                one = Document(f"{cik:064x}", f"SEC facts of T{cik}", url, content, LOADED_AT, context)
                take(one, "application/json", LOADED_AT, store, run, found)
            load_waiting(store, run, found)
            found.close()
            run = sharing.take_turn(store, run, print)
            quarantine(store, run, [found])
            ingest.load(store)
            store.execute(f"CREATE OR REPLACE TABLE {MARTS} AS SELECT 1 AS facts")
            record.record_run(store, run, "published", run.today)
            store.finish()
        sharing.publish(run)
        publish.publish(run.paths, run.release, run.run_id, None)
        return run.run_id


def bodies(ciks: tuple[int, ...]) -> Any:
    body = json.loads(gzip.decompress(RECORDED.read_bytes())) if RECORDED.exists() else made_up()
    text = json.dumps(body | {"cik": "?"}, separators=(",", ":"))
    for cik in ciks:
        yield cik, text.replace('"cik":"?"', f'"cik":{cik}', 1).encode()


def seconds(folder: Path, address: str, companies: int, workers: int) -> tuple[float, list[tuple[Any, ...]]]:
    """Elapsed seconds of a backfill by so many workers into a new lake, and what the lake holds then."""
    first = Worker(folder / "first", address)
    first.run(1)  # whoever publishes first in a lake makes it
    ends = [2 + companies * n // workers for n in range(workers + 1)]
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < workers:
        raise SystemExit(f"{workers} workers need as many cores; here are {len(cores)}")
    started = []
    for number in range(workers):
        command = [
            sys.executable,
            "-c",
            WORKER,
            str(folder / f"w{number}"),
            address,
            str(ends[number]),
            str(ends[number + 1]),
        ]
        process = subprocess.Popen(
            ["taskset", "--cpu-list", str(cores[number]), *command],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": os.getcwd()},
        )  # fmt: skip
        started.append(process)
    for process in started:
        assert process.stdout is not None
        if process.stdout.readline() != "ready\n":
            raise SystemExit("a worker could not start")
    began = time.perf_counter()
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    if any([process.wait() for process in started]):
        raise SystemExit("a worker failed")
    took = time.perf_counter() - began
    first.run(1)  # takes in what the others published
    return took, first.sql(FACTS)


def main(companies: int) -> None:
    found: dict[int, list[tuple[Any, ...]]] = {}
    with tempfile.TemporaryDirectory(prefix="workers") as folder, postgres.server(Path(folder) / "pg") as server:

        def side(workers: int) -> float:
            place = Path(tempfile.mkdtemp(dir=folder))
            took, found[workers] = seconds(place, server.address(server.database()), companies, workers)
            return took

        two, one = in_turn(lambda: side(2), lambda: side(1), ROUNDS)
        if found[1] != found[2] or not found[1][0][0]:
            raise SystemExit(f"two workers and one gave other facts: {found}")
    what = f"a backfill of {companies:,} companies by two workers"
    report(what, "by one", "s", two, one, target=FASTER, faster=True, equal=f"{found[1][0][0]:,} facts")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 60)
