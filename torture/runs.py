"""Kills whole runs at random file operations, one after the other on one home, and looks after each.

The runs are those of the tests: the flow's own body in this process, of few draws, without Prefect. What a run imports is
imported once, and each run is forked from there.

    python -m torture.runs [--seconds 60]
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

from torture import results
from torture._points import Point, in_child
from torture._scenes import paths_in, require, require_no_litter
from warehouse import files
from warehouse.paths import WAREHOUSE, Paths

RECOVERS_EVERY = 4
"""After so many kills a run is let through, and has to give what was there at first."""
WHAT = "SIGKILL of a whole run before a file operation chosen at random"


def main(seconds: float) -> int:
    """Kill runs for so long, four at least, and count; gives how many faults were found."""
    folder, began = Path(tempfile.mkdtemp(prefix="torture-")), time.monotonic()
    tried = faults = 0
    try:
        paths = paths_in(folder)
        counted = in_child(lambda: _run(paths), Point(paths.root))
        require(not counted.code and not counted.killed, f"a run fails by itself: {counted.said}")
        first = content(paths, folder)
        while tried < RECOVERS_EVERY or time.monotonic() < began + seconds:
            at = random.randint(1, counted.operations)
            point = Point(paths.root, "kill", at)
            died = in_child(lambda: _run(paths), point)
            why = None if died.killed or not died.code else f"the run failed: {died.said}"
            why = why or _difference(paths, folder, first)
            tried += 1
            if why is None and tried % RECOVERS_EVERY == 0:
                again = in_child(lambda: _run(paths))
                why = again.said if again.code else _difference(paths, folder, first) or _litter(paths)
            if why is not None:
                faults += 1
                print(f"operation {at} of {counted.operations}: {why}", flush=True)
        results.record(
            "runs", WHAT, tried=tried, survived=tried - faults, faults_found=faults, seconds=time.monotonic() - began
        )
        return faults
    finally:
        files.remove_folder(folder)


def _run(paths: Paths) -> None:
    from tests import runs  # what the tests run, and pytest with it

    runs.run(paths.root, quick=True)


def _difference(paths: Paths, folder: Path, first: dict[str, Any]) -> str | None:
    try:
        now = content(paths, folder)
    except AssertionError as error:
        return str(error)
    changed = sorted(name for name in first.keys() | now.keys() if first.get(name) != now.get(name))
    return f"other content: {', '.join(changed)}" if changed else None


def _litter(paths: Paths) -> str | None:
    try:
        require_no_litter(paths)
    except AssertionError as error:
        return str(error)
    return None


def content(paths: Paths, folder: Path, as_of: date | None = None) -> dict[str, Any]:
    """Rows and a hash of each mart that is published, read in another process. Raises AssertionError where it cannot."""
    answer = folder / "content.json"

    def look() -> None:
        from warehouse.database.releases import reading

        published = paths.published(as_of)
        with reading(published / WAREHOUSE) as connection:
            names = "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'marts' ORDER BY 1"
            found = {
                name: connection.execute(f'SELECT count(*), bit_xor(hash(t)) FROM marts."{name}" t').fetchone()
                for (name,) in connection.execute(names).fetchall()
            }
        require((published / "site" / "index.html").stat().st_size > 0, "the site is empty")
        answer.write_text(json.dumps(found))

    looked = in_child(look)
    require(not looked.code and not looked.killed, f"what is published cannot be read: {looked.said}")
    return dict(json.loads(answer.read_text()))


if __name__ == "__main__":
    sys.exit(results.run(main, 300.0))
