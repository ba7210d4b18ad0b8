"""Make docs/benchmarks.md of what `make bench` measured last: each line beside its peer, and what it should be.

docs/scale.md is made with it: what much more data would take by these measurements (tools/scale.py).

python tools/benchmarks.py           write the page
python tools/benchmarks.py --check   exit 1 where it is stale
"""

from __future__ import annotations

import sys
from itertools import groupby

from bench import lines
from bench.lines import Line
from tools import scale
from tools.pages import ROOT, written

PAGE = ROOT / "docs" / "benchmarks.md"
SCALE = ROOT / "docs" / "scale.md"
OPENING = """\
# Benchmarks

Made by `make bench` from what it measured; do not edit. `make bench` takes some ten minutes, and `make bench-full` measures
larger sizes.

Machines are noisy and differ, so each line is a ratio: ours over theirs, measured in turn in one run. The spread is
the least and the greatest ratio of the rounds. "At least" means that ours should be so many times faster. Where a limit
stands instead of a peer, ours alone is held against it. No line is timed before the results of both sides were found equal, where
they have results to compare; the last column says in what. Seconds are the processor's unless the unit is `s`.
"""


def page() -> str:
    """The whole page."""
    found = lines.read()
    if not found["lines"]:
        return OPENING + "\nNothing was measured yet.\n"
    missed = [line for line in found["lines"] if not lines.is_met(line)]
    wanted = [line for line in found["lines"] if line["target"] is not None]
    parts = [OPENING, f"Of {len(wanted)} targets, {len(wanted) - len(missed)} are met."]
    if missed:
        parts += ["These are missed:", "", *(f"- {_missed(line)}" for line in missed)]
    parts += ["", "## Machine", "", "| what | which |", "|---|---|"]
    parts += [f"| {name} | {value} |" for name, value in found["machine"].items()]
    for name, group in groupby(found["lines"], key=lambda line: line["bench"]):
        several = list(group)
        sizes = sorted({(line["size"], line["date"]) for line in several})
        told = "; ".join(f"size: {size}, measured on {date}" for size, date in sizes)
        parts += ["", f"## {name}", "", f"`python -m bench.{name}` ({told})", "", lines.HEADER]
        parts += [lines.row(line) for line in several]
    return "\n".join(parts) + "\n"


def _missed(line: Line) -> str:
    found = line["ours"] if line["ratio"] is None else line["ratio"]
    unit = f" {line['unit']}" if line["ratio"] is None else ""
    word = "at least" if line["faster"] else "at most"
    return f"{line['what']}, against {line['against']}: {lines.number(found)}{unit}, wanted {word} {line['target']:g}"


if __name__ == "__main__":
    made = {PAGE: page(), SCALE: scale.page(lines.read())}
    sys.exit(written(made, check="--check" in sys.argv))
