"""Makes the runs by which two states of the program are compared: before a change of structure, and after it.

    python tools/comparison_runs.py CHECKOUT OUT_FOLDER
    python tools/comparison_runs.py CHECKOUT OUT_FOLDER --program "PYTHONPATH=/a/checkout /an/environment/bin/overbuild"
    python tools/compare_warehouses.py OUT_FOLDER_BEFORE OUT_FOLDER_AFTER

A change of structure must change no value. To show that, both programs answer the same questions from the same
documents. These are the packaged snapshot, and what the live sources once sent (`../shared/recorded`), played by a
server on this machine. OUT_FOLDER then holds `warehouses/` (a copy of what each run published), `outputs/` (what
commands printed) and `runs.json` (exit codes and seconds).

Two things differ between two runs of one program: the day on which they run, and what others do to the network. The
server takes care of the second. For the first, each run is given its own time (`RUNS`): a small library, compiled here,
adds an offset to the clock of each process that is started. So a comparison can be made on any day. A day can pass
between two live runs, and new prices and filings can arrive on it.

Nothing is imported from the program itself, as it may have moved. The bodies are in `recorded_sources.py`.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from recorded_sources import ADDRESSES, NOBODY, PLAYS, RECORDED, live_server_module, unpacked

# -- which runs are made --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Run:
    """One run of the program. Runs of one home follow each other there; `after` names the home that a new one copies."""

    name: str
    home: str
    at: str
    arguments: tuple[str, ...]
    played: str = ""
    """What the server plays: a name of PLAYS, `nothing` for a server that does not answer, or empty for no server."""
    settings: dict[str, str] = field(default_factory=dict)
    after: str = ""
    only_raw: bool = False
    """Copy the archive of `after` alone and not the whole home."""
    corrupt: str = ""
    """A name of CORRUPTIONS: the run reads a snapshot with this fault."""


KEYS = {
    "OVERBUILD_TIINGO_KEY": "a-made-up-key",
    "OVERBUILD_LAMBDA_KEY": "another-made-up-key",
    "OVERBUILD_LICENSED_SOURCES": "vast,runpod",
}
LIVE = ("run", "--source", "live")
RUNS = (
    Run("reference", "reference", "2026-11-30T12:00Z", ("run",)),
    Run("reference_again", "reference", "2026-11-30T12:30Z", ("run",)),
    Run("as_of_2025-01-28", "reference", "2026-11-30T13:00Z", ("run", "--as-of", "2025-01-28")),
    Run("live", "live", "2026-09-16T20:00Z", LIVE, played="first day"),
    Run("live_again", "live", "2026-09-16T20:30Z", LIVE, played="first day"),
    Run("live_next_day", "live", "2026-09-17T20:30Z", LIVE, played="next day"),
    Run("live_offline", "offline", "2026-09-17T21:00Z", (*LIVE, "--offline"), after="live", only_raw=True),
    Run("live_beside_the_snapshot", "mixed", "2026-11-30T15:00Z", LIVE, played="next day", after="reference"),
    Run("live_dead_server", "dead", "2026-09-18T21:00Z", LIVE, played="nothing", after="live"),
    Run(
        "live_odd_cases",
        "odd",
        "2026-09-16T20:00Z",
        (*LIVE, "--only", "sec,azure,epoch,tiingo,lambda_labs,vast,runpod"),
        played="odd cases",
        settings=KEYS,
    ),
    Run("refused_by_a_check", "refused", "2026-11-30T12:00Z", ("run",), corrupt="dates of a ticker a session late"),
    Run("refused_by_reading", "unread", "2026-11-30T12:00Z", ("run",), corrupt="a file cut short"),
    Run("unknown_feed", "wrong", "2026-11-30T12:00Z", ("run", "--only", "weather")),
    Run("as_of_the_future", "wrong", "2026-11-30T12:00Z", ("run", "--as-of", "2031-01-01")),
)
"""The snapshot's newest facts are of November 2026, the newest recorded bodies of 16 September 2026: hence two times."""

QUESTIONED = {
    "reference": "2026-11-30T14:00Z",
    "live": "2026-09-17T21:30Z",
    "mixed": "2026-11-30T16:00Z",
    "odd": "2026-09-16T21:00Z",
    "dead": "2026-09-18T22:00Z",
}
"""Homes of which the commands that read are asked at the end, and when."""
WITH_READY_QUESTIONS = ("reference", "mixed")

READING: dict[str, tuple[str, ...]] = {
    "verdict.json": ("verdict", "--format", "json"),
    "verdict.txt": ("verdict",),
    "quality.json": ("quality", "--format", "json"),
    "quality_checks.json": ("quality", "checks", "--format", "json"),
    "quality_quarantine.json": ("quality", "quarantine", "--format", "json"),
    "sources.json": ("sources", "--format", "json"),
    "trace_verdict_conditions.csv": ("trace", "verdict_conditions", "--where", "scope='ALL'", "--format", "csv"),
    "trace_capex_quarterly.json": ("trace", "capex_quarterly", "--where", "ticker='MSFT'", "--format", "json"),
    "trace_event_study.csv": (
        "trace", "event_study", "--where", "ticker='NVDA'", "--limit", "2", "--format", "csv",
    ),
    "trace_gpu_price_index.csv": ("trace", "gpu_price_index", "--where", "gpu_model='H100 SXM'", "--format", "csv"),
    "trace_claim_check.json": ("trace", "claim_check", "--format", "json"),
}  # fmt: skip

# -- the clock ------------------------------------------------------------------------------------------------------

CLOCK = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

static long offset;
static int (*real_clock)(clockid_t, struct timespec *);

__attribute__((constructor)) static void begin(void) {
    const char *given = getenv("COMPARISON_CLOCK_OFFSET");
    offset = given ? atol(given) : 0;
    real_clock = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
}

int clock_gettime(clockid_t clock, struct timespec *at) {
    if (!real_clock) begin();
    int failed = real_clock(clock, at);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) at->tv_sec += offset;
    return failed;
}

time_t time(time_t *kept) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (kept) *kept = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval *at, void *zone) {
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    at->tv_sec = now.tv_sec;
    at->tv_usec = now.tv_nsec / 1000;
    return 0;
}

/* A wait ends at a time of the calendar, which the kernel does not shift, or at one of the monotonic clock. The
   calendar stands above a billion seconds, the other clock counts from the start of the machine. */
static clockid_t until(const struct timespec *given, struct timespec *real) {
    *real = *given;
    if (given->tv_sec < 1000000000) return CLOCK_MONOTONIC;
    real->tv_sec -= offset;
    return CLOCK_REALTIME;
}

int sem_timedwait(sem_t *one, const struct timespec *given) {
    struct timespec real;
    clockid_t clock = until(given, &real);
    return sem_clockwait(one, clock, &real);
}

int pthread_cond_timedwait(pthread_cond_t *one, pthread_mutex_t *mutex, const struct timespec *given) {
    struct timespec real;
    clockid_t clock = until(given, &real);
    return pthread_cond_clockwait(one, mutex, clock, &real);
}

int pthread_mutex_timedlock(pthread_mutex_t *mutex, const struct timespec *given) {
    struct timespec real;
    clockid_t clock = until(given, &real);
    return pthread_mutex_clocklock(mutex, clock, &real);
}
"""


def compiled_clock(folder: Path) -> Path:
    """The library that shifts the clock of a process which loads it."""
    source, library = folder / "clock.c", folder / "clock.so"
    source.write_text(CLOCK)
    command = ["cc", "-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", "-o", str(library), str(source), "-ldl"]
    try:
        subprocess.run(command, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"The clock could not be compiled ({error}). This needs Linux with glibc 2.30 and a C compiler (cc).")
    return library


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


# -- snapshots with a fault -----------------------------------------------------------------------------------------


def dates_late(folder: Path) -> None:
    """Every bar of NVDA stands on the next session: the fault of published event studies that forgot a holiday."""
    path = folder / "stock_prices.csv.gz"
    lines = unpacked(path).decode().splitlines(keepends=True)
    at = [number for number, line in enumerate(lines) if line.startswith("NVDA,")]
    days = [lines[number].split(",")[1] for number in at]
    later = [*days[1:], (date.fromisoformat(days[-1]) + timedelta(days=3)).isoformat()]
    for number, day, new in zip(at, days, later, strict=True):
        lines[number] = lines[number].replace(day, new)
    path.write_bytes(gzip.compress("".join(lines).encode(), mtime=0))


def cut_short(folder: Path) -> None:
    path = folder / "gpu_prices.csv"
    body = path.read_bytes()
    path.write_bytes(body[: len(body) * 2 // 3])


CORRUPTIONS = {"dates of a ticker a session late": dates_late, "a file cut short": cut_short}


# -- running --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Done:
    name: str
    arguments: list[str]
    exit_code: int
    seconds: float


@dataclass
class Runner:
    """Starts the program of a checkout with a clock, a home and settings of its own, and keeps what it says."""

    checkout: Path
    out: Path
    program: list[str]
    environment: dict[str, str]
    clock: Path
    done: list[Done] = field(default_factory=list)

    def start(self, name: str, home: str, at: str, arguments: tuple[str, ...], settings: dict[str, str]) -> bytes:
        """Run the program to its end; gives its standard output. What it says on standard error is kept beside it."""
        kept = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("OVERBUILD_", "PREFECT_")) and key not in ("PYTHONPATH", "LD_PRELOAD", "VIRTUAL_ENV")
        }
        offset = int((moment(at) - datetime.now(UTC)).total_seconds())
        given = {
            "OVERBUILD_HOME": str(self.home(home)),
            "PREFECT_HOME": str(self.out / "prefect"),
            "LD_PRELOAD": str(self.clock),
            "COMPARISON_CLOCK_OFFSET": str(offset),
        }
        started = time.monotonic()
        ended = subprocess.run(
            [*self.program, *arguments],
            env=kept | self.environment | given | settings,
            cwd=self.out,
            capture_output=True,
            check=False,
        )
        seconds = round(time.monotonic() - started, 1)
        self.done.append(Done(name, list(arguments), ended.returncode, seconds))
        (self.out / "runs.json").write_text(json.dumps([asdict(one) for one in self.done], indent=1) + "\n")
        if ended.stderr:
            path = self.out / "outputs" / f"{name}.stderr.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(ended.stderr)
        return ended.stdout

    def home(self, name: str) -> Path:
        return self.out / "homes" / name

    def keep(self, name: str, output: bytes) -> None:
        path = self.out / "outputs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(output)

    def run(self, run: Run, server: Any, reply: Any) -> None:
        """Make one of the runs, and keep a copy of the warehouse that it published."""
        if run.after:
            before = self.home(run.after)
            source, target = (
                (before / "raw", self.home(run.home) / "raw") if run.only_raw else (before, self.home(run.home))
            )
            shutil.copytree(source, target, symlinks=True)
        settings = {"OVERBUILD_CONTACT": "Jane Doe jane@example.com", **run.settings}
        if run.played == "nothing":
            settings |= {f"OVERBUILD_{name}_URL": NOBODY for name in ADDRESSES}
        elif run.played:
            settings |= PLAYS[run.played](server, reply)
            settings |= {f"OVERBUILD_{name}_URL": server.url for name in ADDRESSES}
        if run.corrupt:
            settings["OVERBUILD_REFERENCE"] = str(self.corrupted(run))
        self.keep(f"{run.name}.txt", self.start(run.name, run.home, run.at, run.arguments, settings))
        home = self.home(run.home)
        as_of = run.arguments[run.arguments.index("--as-of") + 1] if "--as-of" in run.arguments else ""
        published = (home / "as-of" / as_of if as_of else home / "current") / "warehouse.duckdb"
        if published.exists():
            shutil.copyfile(published, self.out / "warehouses" / f"{run.name}.duckdb")

    def corrupted(self, run: Run) -> Path:
        """A copy of the packaged snapshot with the fault of a run."""
        hidden = (".venv", ".git")
        found = [path for path in self.checkout.rglob("snapshot.toml") if not set(hidden) & set(path.parts)]
        if len(found) != 1:
            sys.exit(f"{self.checkout}: {len(found)} files snapshot.toml where one packaged snapshot is expected.")
        folder = self.out / "snapshots" / run.name
        shutil.copytree(found[0].parent, folder, ignore=shutil.ignore_patterns("__pycache__"))
        CORRUPTIONS[run.corrupt](folder)
        return folder

    def ask(self, home: str, at: str) -> None:
        """What the commands that read print of a home, every ready question included."""
        for name, arguments in self.reading(home):
            self.keep(f"{home}/{name}", self.start(f"{home}/{name}", home, at, arguments, {}))

    def reading(self, home: str) -> Iterator[tuple[str, tuple[str, ...]]]:
        yield from READING.items()
        if home not in WITH_READY_QUESTIONS:
            return
        for path in sorted((self.checkout / "sql" / "questions").glob("*.sql")):
            yield f"question_{path.stem}.csv", ("sql", "--question", path.stem, "--format", "csv")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", type=Path, help="folder of the project whose program is run")
    parser.add_argument("out", type=Path, help="a new folder for all that the runs write")
    parser.add_argument("--program", help="command in place of CHECKOUT/.venv/bin/overbuild; may begin with NAME=value")
    parser.add_argument("--only", default="", help="comma-separated names of runs; their homes must not need others")
    parser.add_argument(
        "--ask-again", action="store_true", help="make no run: ask what the commands that read print now"
    )
    return parser.parse_args()


def runner_of(given: argparse.Namespace) -> Runner:
    out = given.out.resolve()
    if not given.ask_again and out.exists() and any(out.iterdir()):
        sys.exit(f"{out}: this folder is not empty; a comparison needs fresh homes.")
    (out / "warehouses").mkdir(parents=True, exist_ok=True)
    words = shlex.split(given.program or str(given.checkout.resolve() / ".venv" / "bin" / "overbuild"))
    assigned = [word for word in words if "=" in word.partition("/")[0]]
    done = []
    if given.ask_again:
        listed = json.loads((out / "runs.json").read_text())
        done = [Done(**one) for one in listed if "/" not in one["name"]]
    environment = dict(word.split("=", 1) for word in assigned)
    return Runner(given.checkout.resolve(), out, words[len(assigned) :], environment, compiled_clock(out), done)


def main() -> None:
    given = arguments()
    if not RECORDED.is_dir():
        sys.exit(f"{RECORDED}: the recorded bodies are not there, and without them there is nothing to play.")
    runner = runner_of(given)
    wanted = set(filter(None, given.only.split(",")))
    played = live_server_module()
    for run in () if given.ask_again else RUNS:
        if wanted and run.name not in wanted:
            continue
        with played.LiveServer() as server:  # a new one each time: nothing of an earlier run is left in it
            runner.run(run, server, played.Reply)
        last = runner.done[-1]
        print(f"{last.name}: exit code {last.exit_code}, {last.seconds} s", flush=True)
    for home, at in QUESTIONED.items():
        if runner.home(home).exists():
            runner.ask(home, at)
            print(f"{home}: asked at {at}", flush=True)
    print(f"{sum(one.seconds for one in runner.done):.0f} s in all; see {runner.out}")


if __name__ == "__main__":
    main()
