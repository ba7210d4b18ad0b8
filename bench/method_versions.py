"""All marts of this version of the method against those of the version before, on the same facts, side by side in one run.

Version 2 asks more: bounds, three readings, a path that it publishes. A reader who waits for it may ask what that costs.
The last program of version 1 is in the history of this repository (`warehouse/reference/method_changes.toml` names its
commit). It is checked out into a folder that is removed afterwards, and both programs are given the same parsed facts.
A clone without that commit says so and measures nothing.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

from bench.lines import report
from bench.snapshot import facts
from warehouse.calendars.exchange import sessions
from warehouse.marts.verdict import method_changes
from warehouse.marts.verdict.decision import METHOD_VERSION

ROOT = Path(__file__).parent.parent
AS_OF = date(2026, 11, 9)
ROUNDS = 3
TARGET = 1.5
BUILD = """
import pickle, sys, time
from datetime import date
from warehouse import marts
from warehouse.assumptions import load
with open(sys.argv[1], "rb") as file:
    facts = pickle.load(file)
marts.all_marts()
assumptions = load()
began = time.process_time()
built = marts.build(facts, as_of=date.fromisoformat(sys.argv[2]), assumptions=assumptions)
print(time.process_time() - began, sum(frame.height for frame in built.values()), built["verdict"].height)
"""


def seconds(program: Path, parsed: Path) -> tuple[float, int]:
    """Processor seconds to build every mart with the program in a folder, and the rows that it made."""
    environment = {**os.environ, "PYTHONPATH": str(program), "POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", BUILD, str(parsed), AS_OF.isoformat()]
    said = subprocess.run(command, cwd=program, env=environment, check=True, capture_output=True, text=True).stdout
    spent, rows, verdicts = said.split()[-3:]
    if int(verdicts) != 25:
        raise SystemExit(
            f"{program}: {verdicts} verdicts instead of 25: the two programs do not answer the same question"
        )
    return float(spent), int(rows)


def main() -> None:
    [before] = {each["program"] for each in method_changes.kept()["answers"] if each["version"] == METHOD_VERSION - 1}
    known = subprocess.run(
        ["git", "cat-file", "-e", f"{before}^{{commit}}"], cwd=ROOT, capture_output=True, check=False
    )
    if known.returncode:
        print(f"The commit {before}, the last program of version {METHOD_VERSION - 1}, is not in this clone.")
        return
    with tempfile.TemporaryDirectory() as folder:
        parsed, old = Path(folder) / "facts.pickle", Path(folder) / "program"
        frames = facts() | {"sessions": sessions(date(2018, 1, 1), AS_OF)}
        parsed.write_bytes(pickle.dumps(frames))
        archive = subprocess.run(["git", "archive", before], cwd=ROOT, check=True, capture_output=True).stdout
        old.mkdir()
        subprocess.run(["tar", "-x", "-C", str(old)], input=archive, check=True)
        spent: dict[Path, list[float]] = {old: [], ROOT: []}
        rows: dict[Path, int] = {}
        for _ in range(ROUNDS):
            for program in spent:
                took, rows[program] = seconds(program, parsed)
                spent[program].append(took)
    what = f"all marts, method {METHOD_VERSION}, {rows[ROOT]:,} rows"
    against = f"method {METHOD_VERSION - 1}, {rows[old]:,} rows"
    report(
        what, against, "CPU s", spent[ROOT], spent[old], target=TARGET, equal="25 verdicts each, others by intention"
    )


if __name__ == "__main__":
    main()
