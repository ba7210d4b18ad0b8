"""What the harnesses counted, kept in results.json: docs/reliability.md is made of it (tools/reliability.py).

Counts add up over runs. A harness that runs a minute a day still says after a month how much it has tried.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypedDict

from filelock import FileLock

FILE = Path(os.environ.get("OVERBUILD_TORTURE_RESULTS") or Path(__file__).with_name("results.json"))
"""OVERBUILD_TORTURE_RESULTS names another file, for runs that are not to count."""


class Result(TypedDict):
    """One attack of one harness; the fields are explained in README.md."""

    harness: str
    what: str
    tried: int
    survived: int
    faults_found: int
    seconds: float
    date: str


def read(file: Path = FILE) -> list[Result]:
    """All that was counted so far, in the order of the file."""
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else []


def record(
    harness: str, what: str, *, tried: int, survived: int, faults_found: int, seconds: float, file: Path = FILE
) -> None:
    """Add counts to those of the same attack."""
    print(
        f"{harness}: {what}: {tried:,} tried, {survived:,} survived, {faults_found} faults, {seconds:.0f} s", flush=True
    )
    with FileLock(f"{file}.lock"):
        found = {(each["harness"], each["what"]): each for each in read(file)}
        before = found.get((harness, what))
        found[harness, what] = {
            "harness": harness,
            "what": what,
            "tried": tried + (before["tried"] if before else 0),
            "survived": survived + (before["survived"] if before else 0),
            "faults_found": faults_found + (before["faults_found"] if before else 0),
            "seconds": round(seconds + (before["seconds"] if before else 0.0), 1),
            "date": datetime.now(UTC).date().isoformat(),
        }
        ordered = [found[key] for key in sorted(found)]
        part = file.with_suffix(".part")
        part.write_text(json.dumps(ordered, indent=1) + "\n", encoding="utf-8")
        part.replace(file)


def run(main: Callable[[float], int], default_seconds: float = 60.0) -> None:
    """The command line of one harness: `main` is given how long it may take, and answers how many faults it found."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=default_seconds, help="how long it may take, roughly")
    sys.exit(min(main(parser.parse_args().seconds), 1))
