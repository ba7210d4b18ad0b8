"""The same inputs, built by processes that differ in all that must not count: threads, hash seeds, time zone, language, folder.

    python -m torture.determinism [--seconds 60]

Each process builds every mart from the packaged snapshot and prints a hash of each. A float that is added in another
order, a set that is walked, a local date: each shows as another hash. With little time each builds with few draws and one
day of the timeline (`quick`), as the test in every build does.

Whole runs on small inputs come first, whose DuckDB has one, two or four threads: all must publish the same rows in the same
order.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from datetime import date
from pathlib import Path
from typing import Any

from torture import results
from torture._points import in_child
from torture._scenes import paths_in

ROOT = Path(__file__).parents[1]
AS_OF = date(2026, 11, 9)
WHOLE_TAKES_SECONDS = 240.0
"""A whole build in one process on a busy machine; where there is less time, builds are quick."""
FEW_DRAWS = 'draws = 1000\ndetail = "deciding"\n'
PLAIN = {"PYTHONHASHSEED": "0", "TZ": "UTC", "LC_ALL": "C.UTF-8", "POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1"}
OTHER = {"PYTHONHASHSEED": "4242", "TZ": "Pacific/Kiritimati", "LC_ALL": "tr_TR.UTF-8", "POLARS_MAX_THREADS": "4",
         "OMP_NUM_THREADS": "3"}  # fmt: skip


def digests(quick: bool, only: set[str] | None = None) -> dict[str, str]:
    """A hash of each mart's columns, types and bytes, built in this process; `only` some, and what they read."""
    from tests.timeline import shortened
    from torture._snapshot import facts
    from warehouse import marts
    from warehouse.assumptions import load

    with tempfile.TemporaryDirectory() as folder, shortened(1) if quick else nullcontext():
        file = Path(folder) / "few_draws.toml"
        file.write_text(FEW_DRAWS)
        assumed = load(file) if quick else load()
        built = marts.build(facts(), as_of=AS_OF, assumptions=assumed, only=only)
    return {name: hashlib.sha256(_bytes(frame)).hexdigest() for name, frame in built.items()}


def _bytes(frame: object) -> bytes:
    """The rows of a frame in their order; a float as the shortest text that reads back the same."""
    return (repr(frame.schema) + frame.write_json()).encode()  # type: ignore[attr-defined]


def in_a_process(environment: Mapping[str, str], quick: bool, only: set[str] | None = None) -> dict[str, str]:
    """The same in a process of its own, in a folder of its own."""
    code = f"import json; from torture.determinism import digests; print(json.dumps(digests({quick}, {only!r})))"
    path = os.pathsep.join((str(ROOT), os.environ.get("PYTHONPATH", "")))
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, **environment, "PYTHONPATH": path}, cwd=folder,
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    return dict(json.loads(done.stdout.splitlines()[-1]))


def differing(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    """Names of the marts that are not the same in two builds."""
    return sorted(name for name in {*one, *other} if one.get(name) != other.get(name))


def loaded(threads: int, zone: str, digests_of: Path) -> None:
    """A small run whose DuckDB has so many threads, in a time zone; writes a hash of each table of core and marts."""
    import duckdb

    from torture import _small as small
    from warehouse.database.releases import reading
    from warehouse.paths import WAREHOUSE

    os.environ["TZ"] = zone
    time.tzset()
    connect = duckdb.connect
    duckdb.connect = lambda *args, **named: _with_threads(connect(*args, **named), threads)  # type: ignore[assignment]
    paths, host = paths_in(digests_of.parent), small.Host(digests_of.parent)
    paths.root.mkdir(parents=True)
    try:
        small.live(paths, host.url, answers=True)
    finally:
        host.close()
    with reading(paths.current / WAREHOUSE) as connection:
        sql = "SELECT schema_name, table_name FROM duckdb_tables() WHERE schema_name IN ('core', 'marts') ORDER BY ALL"
        found = {
            f"{schema}.{name}": hashlib.sha256(
                _bytes(connection.execute(f'SELECT COLUMNS(c -> c NOT IN {_OF_THE_RUN}) FROM {schema}."{name}"').pl())
            ).hexdigest()
            for schema, name in connection.execute(sql).fetchall()
        }
    digests_of.write_text(json.dumps(found))


_OF_THE_RUN = "('fetched_at', 'loaded_at', 'run_id')"
"""Columns that say when a row came, which is another time in each run."""


def _with_threads(connection: Any, threads: int) -> Any:
    connection.execute(f"SET threads = {threads}")
    return connection


def runs_alike(threads: Sequence[int] = (1, 2, 4)) -> tuple[int, list[str]]:
    """Whole small runs that differ in DuckDB's threads and the time zone; gives how many, and which tables differ."""
    from torture import _small as small

    small.warmed()
    made = []
    with tempfile.TemporaryDirectory() as folder:
        for number, zone in zip(threads, ("UTC", "Pacific/Kiritimati", "America/St_Johns"), strict=False):
            told = Path(folder) / str(number) / "digests.json"
            told.parent.mkdir()
            ended = in_child(lambda number=number, zone=zone, told=told: loaded(number, zone, told))  # type: ignore[misc]
            if ended.code or ended.killed:
                return len(made) + 1, [f"DuckDB with {number} threads: {ended.said}"]
            made.append(json.loads(told.read_text()))
    return len(made), sorted({name for other in made[1:] for name in differing(made[0], other)})


def main(seconds: float) -> int:
    unlike = _runs()
    return unlike + _builds(seconds)


def _runs() -> int:
    began = time.monotonic()
    tried, unlike = runs_alike()
    for each in unlike:
        print(f"FAULT threads of DuckDB: {each}", flush=True)
    results.record(
        "determinism", "whole runs with 1, 2 and 4 threads of DuckDB, in other time zones", tried=tried,
        survived=tried - bool(unlike), faults_found=len(unlike), seconds=time.monotonic() - began,
    )  # fmt: skip
    return len(unlike)


def _builds(seconds: float) -> int:
    began, quick = time.monotonic(), seconds < 3 * WHOLE_TAKES_SECONDS
    first = in_a_process(PLAIN, quick)
    tried, unlike = 1, set()
    environment = OTHER
    while True:
        found = differing(first, in_a_process(environment, quick))
        if found:
            print(f"FAULT {environment}: {', '.join(found)}", flush=True)
            unlike.update(found)
        tried += 1
        if time.monotonic() - began > seconds * (tried - 1) / tried:
            break
        environment = {
            "PYTHONHASHSEED": str(random.randrange(10_000)),
            "TZ": random.choice(("America/St_Johns", "Asia/Kathmandu", "Pacific/Pago_Pago", "Europe/Lisbon")),
            "LC_ALL": random.choice(("C", "de_DE.UTF-8", "tr_TR.UTF-8", "ar_EG.UTF-8")),
            "POLARS_MAX_THREADS": str(random.choice((1, 2, 3, 8))),
            "OMP_NUM_THREADS": str(random.choice((1, 2, 4))),
        }
    what = f"builds of {len(first)} marts compared byte by byte" + (", with few draws" if quick else "")
    bad = int(bool(unlike))
    taken = time.monotonic() - began
    results.record("determinism", what, tried=tried, survived=tried - bad, faults_found=len(unlike), seconds=taken)
    return len(unlike)


if __name__ == "__main__":
    results.run(main)
