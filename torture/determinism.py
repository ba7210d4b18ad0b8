"""The same inputs, built by processes that differ in all that must not count: threads, hash seeds, time zone, language, folder.

    python -m torture.determinism [--seconds 60]

Each process builds every mart from the packaged snapshot and prints a hash of each. A float that is added in another
order, a set that is walked, a local date: each shows as another hash. With little time each builds with few draws and one
day of the timeline (`quick`), as the test in every build does.
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
from collections.abc import Mapping
from contextlib import nullcontext
from datetime import date
from pathlib import Path

from torture import results

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


def main(seconds: float) -> int:
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
