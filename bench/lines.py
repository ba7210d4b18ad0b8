"""A line of the benchmarks: ours beside another, measured in turn in one run, with its spread and its target.

Machines are noisy and differ, so a time alone says nothing. Each line is a ratio of two measurements that took turns, with
the least and the greatest ratio of its pairs. Whoever measures has compared the results of both sides first, and says in
the line what was equal. Lines are printed, and kept in results.json, of which docs/benchmarks.md is made
(tools/benchmarks.py). Lines of another machine are not kept beside those of this one.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypedDict

import psutil

FILE = Path(os.environ.get("OVERBUILD_BENCH_RESULTS") or Path(__file__).with_name("results.json"))
"""OVERBUILD_BENCH_RESULTS names another file, for runs that are not to be published."""
LIBRARIES = ("duckdb", "polars", "numpy", "pandas", "statsmodels", "prefect", "great-expectations")
HEADER = (
    "| what | against | ours | theirs | ratio | spread | target | equal before |\n|---|---|---:|---:|---:|---|---|---|"
)


class Line(TypedDict):
    """One comparison. `theirs` and the ratios are null where a limit stands instead of another program."""

    bench: str
    what: str
    against: str
    unit: str
    ours: float
    theirs: float | None
    ratio: float | None
    lowest: float | None
    highest: float | None
    rounds: int
    target: float | None
    faster: bool
    equal: str
    size: str
    date: str


class Results(TypedDict):
    """The lines of one machine."""

    machine: dict[str, str]
    lines: list[Line]


def machine() -> dict[str, str]:
    """What was measured on: processor, cores, memory, system, and versions of what is measured."""
    cpu = next((line.split(":")[1].strip() for line in _lines_of("/proc/cpuinfo") if line.startswith("model name")), "")
    memory_gib = round(psutil.virtual_memory().total / 2**30)
    return {
        "processor": cpu or platform.machine(),
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": f"{memory_gib} GiB",
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{name: version(name) for name in LIBRARIES},
    }


def _lines_of(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []


def read(file: Path = FILE) -> Results:
    """All lines that are kept."""
    if not file.exists():
        return {"machine": {}, "lines": []}
    found: Results = json.loads(file.read_text(encoding="utf-8"))
    return found


def in_turn(
    ours: Callable[[], float], theirs: Callable[[], float], rounds: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Measure both sides in turn, each first every other time; what each gave, round by round."""
    pairs = []
    for number in range(rounds):
        if number % 2:
            other = theirs()
            pairs.append((ours(), other))
        else:
            own = ours()
            pairs.append((own, theirs()))
    return tuple(pair[0] for pair in pairs), tuple(pair[1] for pair in pairs)


def report(
    what: str,
    against: str,
    unit: str,
    ours: Sequence[float],
    theirs: Sequence[float] = (),
    *,
    target: float | None = None,
    faster: bool = False,
    equal: str = "",
    file: Path = FILE,
) -> None:
    """Print a line and keep it.

    `ours` and `theirs` are of the same rounds. The ratio is ours over theirs, and `target` the most that it should be;
    with `faster` it is theirs over ours, and `target` the least. Without `theirs`, `target` is a limit for `ours` itself,
    and `against` says whose. `equal` says in which results the two sides were found equal before.
    """
    ratios = sorted(b / a if faster else a / b for a, b in zip(ours, theirs, strict=True)) if theirs else []
    line: Line = {
        "bench": Path(sys.argv[0]).stem,
        "what": what,
        "against": against,
        "unit": unit,
        "ours": statistics.median(ours),
        "theirs": statistics.median(theirs) if theirs else None,
        "ratio": statistics.median(ratios) if ratios else None,
        "lowest": ratios[0] if ratios else None,
        "highest": ratios[-1] if ratios else None,
        "rounds": len(ours),
        "target": target,
        "faster": faster,
        "equal": equal,
        "size": os.environ.get("OVERBUILD_BENCH_SIZE", "chosen by hand"),
        "date": datetime.now(UTC).date().isoformat(),
    }
    print(row(line), flush=True)
    _keep(line, file)


def row(line: Line) -> str:
    """The line as a row of a table in Markdown."""
    theirs = "" if line["theirs"] is None else f"{number(line['theirs'])} {line['unit']}"
    ratio = "" if line["ratio"] is None else number(line["ratio"])
    spread = (
        ""
        if line["ratio"] is None
        else f"{number(line['lowest'])} to {number(line['highest'])}, {line['rounds']} rounds"
    )
    return (
        f"| {line['what']} | {line['against']} | {number(line['ours'])} {line['unit']} | {theirs} | {ratio} | {spread} "
        f"| {wanted(line)} | {line['equal']} |"
    )


def wanted(line: Line) -> str:
    """The target in words, and whether it is met."""
    if line["target"] is None:
        return ""
    word = "at least" if line["faster"] else "at most"
    return f"{word} {line['target']:g}" + ("" if is_met(line) else ": **missed**")


def is_met(line: Line) -> bool:
    """Whether the median is on the right side of the target; a line without a target is."""
    if line["target"] is None:
        return True
    found = line["ours"] if line["ratio"] is None else line["ratio"]
    return found >= line["target"] if line["faster"] else found <= line["target"]


def number(value: float | None) -> str:
    """A measurement with two or three figures that count."""
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def identity(line: Line) -> tuple[str, str, str]:
    """What a later measurement of the same replaces."""
    return line["bench"], line["what"], line["against"]


def _keep(line: Line, file: Path) -> None:
    found, here = read(file), machine()
    kept = found["lines"] if found["machine"] == here else []
    lines = [each for each in kept if identity(each) != identity(line)] + [line]
    lines.sort(key=lambda each: each["bench"])
    part = file.with_suffix(".part")
    part.write_text(json.dumps({"machine": here, "lines": lines}, indent=1) + "\n", encoding="utf-8")
    part.replace(file)


# -- measuring --------------------------------------------------------------------------------------------------------


def cpu_seconds(command: Sequence[str], environment: dict[str, str] | None = None, cwd: Path | None = None) -> float:
    """Processor seconds of a process and of those that it waits for; what it prints goes into a pipe that nobody keeps.

    Raises SystemExit with what it said where it fails.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        command, env={**os.environ, **(environment or {})}, cwd=cwd, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}: {done.stderr[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def of_a_process(program: str, *arguments: str) -> dict[str, Any]:
    """What a Python program prints last, as JSON, run in a process of its own; raises SystemExit where it fails."""
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(command, cwd=Path(__file__).parent.parent, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def peak_mib() -> float:
    """The most memory that this process has had, in MiB; not that of the program that started it, as getrusage gives."""
    [line] = [line for line in _lines_of("/proc/self/status") if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024
