"""The text of docs/scale.md: what much more data would take, by what `make bench` measured (tools/benchmarks.py writes it).

Each figure is a cost of one thing times a number of things, so it goes stale with the measurement. What no line of the
benchmarks measures is not given.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from bench.lines import Line, Results

FILERS, TICKERS, YEARS, OFFERS = 15_000, 10_000, 5, 2_000
SESSIONS, HOURS = 252, 8_760
SEC_A_SECOND = 10
MACHINES = (1, 10)
OPENING = f"""\
# Beyond this machine

Made of what `make bench` measured ([benchmarks](benchmarks.md)) by `tools/scale.py`; do not edit.

Every total here is an **extrapolation**: the cost of one document or row, times their number. That cost was measured on the machine
and the size below. It holds as long as cost grows with the number alone. What memory, disks and networks do at such sizes was
not measured. Ten machines are counted as ten times the cores, which is a bound, since they take turns to build and publish.

The three sizes: {FILERS:,} filers; {TICKERS:,} tickers with {YEARS} years of daily bars; {YEARS} years of hourly offers,
of which {OFFERS:,} an hour are assumed.
"""
ENGINES = (
    ("engine", "right while", "sign that it is not", "then"),
    ("---",) * 4,
    (
        "a DuckDB file, replaced whole",
        "one machine runs, and copying the file costs little beside a run",
        "a run with little news takes as long as the disk takes to copy the file",
        "a lake, where a publication writes what is new alone",
    ),
    (
        "DuckLake with PostgreSQL",
        "several workers fetch and read, or readers are on other machines",
        "workers wait for their turn longer than they work",
        "fewer and larger pieces of a backfill; then marts built apart from loading",
    ),
    (
        "Polars, marts in memory",
        "the facts that the marts read fit in memory twice",
        "the peak memory of `build_marts` nears that of the machine",
        "a larger machine first; then marts that select their facts in SQL",
    ),
    (
        "one PostgreSQL",
        "commits come by the second, not by the millisecond",
        "the catalogue's own queries show in a publication",
        "upkeep more often, which leaves fewer files and snapshots",
    ),
)
CLOSING = """
These are judgements from how the engines work. Of the lake, `make bench` has no line yet. So nothing here says how much slower
than a file it is. [Beyond one machine](guides/beyond-one-machine.md) says how to set it up.
"""


@dataclass(frozen=True)
class Cost:
    """What one thing costs in seconds of a processor, and the line that says so."""

    seconds: float
    line: Line


def page(results: Results) -> str:
    """The whole page."""
    lines, cores = results["lines"], int(results["machine"].get("cores", "1"))
    filer = _cost(lines, "filings", r"filings of [\d,]+ companies of .* to rows in the warehouse", 1e-3)
    bar = _cost(lines, "bars", r"loading and checking ([\d,]+) bars", 1.0)
    rows = [("one filer's document, to rows in the warehouse", filer), ("one bar, loaded and checked", bar)]
    parts = [OPENING, "## What one costs", "", "| what | CPU time | measured on |", "|---|---:|---|"]
    parts += [f"| {what} | {_time(cost.seconds)} | {cost.line['what']} ({cost.line['size']}, {cost.line['date']}) |"
              for what, cost in rows if cost]  # fmt: skip
    parts += _queries(lines)
    parts += ["", "## What much more takes", ""]
    parts += [f"| what | CPU time | {' | '.join(_machines(n, cores) for n in MACHINES)} |", "|---|---:|---:|---:|"]
    bars, offers = TICKERS * YEARS * SESSIONS, YEARS * HOURS * OFFERS
    for what, number, cost in (
        (f"{FILERS:,} filers", FILERS, filer),
        (f"{TICKERS:,} tickers, {bars:,} bars", bars, bar),
        (f"{offers:,} hourly offers, each counted as a bar", offers, bar),
    ):
        if cost:
            total = number * cost.seconds
            parts.append(f"| {what} | {_time(total)} | {' | '.join(_time(total / cores / n) for n in MACHINES)} |")
    least = FILERS / SEC_A_SECOND
    parts += ["", f"The SEC allows {SEC_A_SECOND} requests a second for one asker, however many machines that is. So",
              f"{FILERS:,} filers take {_time(least)} at least, at one request each.",
              "More machines than keep up with that fetch nothing sooner.",
              "", "## Where each engine stops being the right one", ""]  # fmt: skip
    return "\n".join([*parts, *(f"| {' | '.join(row)} |" for row in ENGINES), CLOSING])


def _queries(lines: Sequence[Line]) -> list[str]:
    found = [
        each for each in lines if each["bench"] == "bars" and each["what"].startswith("one ticker") and each["theirs"]
    ]
    if not found:
        return []
    table = ["", "| query | takes | with fewer rows | ratio |", "|---|---:|---:|---:|"]
    for each in found:
        ours, theirs = (f"{each[side]:.1f} {each['unit']}" for side in ("ours", "theirs"))
        table.append(f"| {each['what']} | {ours} | {theirs} ({each['against']}) | {each['ratio']:.2f} |")
    return table


def _cost(lines: Sequence[Line], bench: str, pattern: str, unit: float) -> Cost | None:
    """The cost of one thing by the line whose text matches; a number within parentheses is how many things it measured."""
    for line in lines:
        found = re.fullmatch(pattern, line["what"])
        if line["bench"] == bench and found and line["unit"].startswith("CPU"):
            number = int(found[1].replace(",", "")) if found.groups() else 1
            return Cost(line["ours"] * unit / number, line)
    return None


def _machines(number: int, cores: int) -> str:
    return f"{number} machine{'s' if number > 1 else ''} of {cores} cores"


def _time(seconds: float) -> str:
    """A time in the unit that fits, with two digits that count."""
    for size, unit in ((3600.0, "h"), (60.0, "min"), (1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if seconds >= size:
            found = seconds / size
            digits = max(0, 1 - math.floor(math.log10(found)))
            return f"{round(found, digits):,.{digits}f} {unit}"
    return "0 s"
