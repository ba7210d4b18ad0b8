"""Runs, dated runs, backfills, decisions and readers on one home at once; then the same as one after the other.

    python -m torture.together [--seconds 60]

Small acts come first, thousands of them in a minute. Then come runs of every kind at once: live ones, one as of an earlier
date, a backfill and what the service starts. All the while our commands and a plain client ask what is published.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

from torture import _scenes as scenes
from torture import _small as kinds
from torture import results, runs, serve
from torture._interrupt import MEMORY
from torture._points import in_child
from torture._scenes import DAY, NOW, paths_in, require
from warehouse import files
from warehouse.paths import WAREHOUSE, Paths, create_folders
from warehouse.pipeline.backfill import Progress
from warehouse.quality import decisions

ROUNDS = 5
WAITS_SECONDS = 600.0
COMMANDS = (
    ("sql", "SELECT count(*) FROM core.gpu_prices"),
    ("verdict", "--format", "json"),
    ("quality", "--format", "json"),
    ("trace", "core.gpu_prices", "--where", "provider = 'Oracle Cloud'", "--format", "json"),
)
"""What is asked of a home while runs publish into it."""


def at_once(acts: list[Callable[[], object]]) -> list[str]:
    """Do each in a process of its own, at the same time; gives what the ones said that failed."""
    reading, writing = os.pipe()
    children = []
    for act in acts:
        child = os.fork()
        if not child:
            os.close(reading)
            ended = in_child(act)
            if ended.code or ended.killed:
                os.write(writing, f"{ended.said or 'killed'}\n".encode()[:1000])
            os._exit(0)
        children.append(child)
    os.close(writing)
    with os.fdopen(reading, "rb") as told:
        said = told.read().decode()
    for child in children:
        os.waitpid(child, 0)
    return said.splitlines()


def small(rounds: int = ROUNDS) -> tuple[int, list[str]]:
    """Small acts at once, on a home of their own; gives how many, and what was found."""
    folder = Path(tempfile.mkdtemp(prefix="torture-"))
    paths = paths_in(folder)
    try:
        in_child(lambda: scenes.a_run(paths, 1))
        spans = [(DAY + timedelta(days=40 * n), DAY + timedelta(days=40 * n + 9)) for n in range(rounds)]
        acts: list[Callable[[], object]] = [
            *(lambda who=who: _publishes(paths, 100 * who, rounds, None) for who in (1, 2)),  # type: ignore[misc]
            lambda: _publishes(paths, 300, rounds, DAY),
            lambda: _decides(paths, rounds),
            lambda: _backfills(paths, spans),
            *[lambda: _reads(paths, rounds)] * 2,
        ]
        found = at_once(acts)

        def afterwards() -> None:
            scenes.a_run(paths, 999)
            scenes.published(paths, (999,), True)
            require(scenes.seen(paths.dated(DAY)) == 300 + rounds - 1, "the dated answer is not its last one")
            known = sorted(one.row_id for one in decisions.read(paths))
            require(known == sorted(f"row{n}" for n in range(rounds)), f"decisions: {known}")
            require(Progress(paths, "sec").done() == spans, "progress of the backfill was lost")

        after = in_child(afterwards)
        return len(acts) * rounds, [*found, *([after.said] if after.code else [])]
    finally:
        files.remove_folder(folder)


def _publishes(paths: Paths, first: int, rounds: int, as_of: date | None) -> None:
    for number in range(first, first + rounds):
        scenes.a_run(paths, number, as_of, waits=WAITS_SECONDS)


def _decides(paths: Paths, rounds: int) -> None:
    for number in range(rounds):
        decisions.keep(paths, scenes.decision(number))


def _backfills(paths: Paths, spans: list[tuple[date, date]]) -> None:
    create_folders(paths)
    for span in spans:
        progress = Progress(paths, "sec")
        with progress.alone():
            progress.remember(span, NOW.date())


def _reads(paths: Paths, rounds: int) -> None:
    """Read what is published again and again; a release that was replaced many times meanwhile is looked for anew."""
    for _ in range(20 * rounds):
        release = paths.current.resolve()
        try:
            scenes.seen(release)
        except FileNotFoundError:
            require(paths.current.resolve() != release, "what is published lacks a file")


def whole() -> tuple[int, list[str]]:
    """Whole runs of every kind at once, with readers by our commands and by a plain client; gives how many, and what was found.

    The same runs one after the other, on another home, say what must be published at the end.
    """
    folder = Path(tempfile.mkdtemp(prefix="torture-", dir=MEMORY if Path(MEMORY).is_dir() else None))
    one, other = paths_in(folder / "one"), paths_in(folder / "other")
    host = kinds.Host(folder)
    try:
        one.root.mkdir(parents=True)
        runs.through(lambda: kinds.live(one, host.url, answers=True), "a first run")
        shutil.copytree(one.root.parent, other.root.parent, symlinks=True)
        host.say(1)
        acts = [
            ("a live run", lambda paths: kinds.live(paths, host.url)),
            ("another live run", lambda paths: kinds.live(paths, host.url)),
            ("a run as of an earlier date", lambda paths: kinds.live(paths, host.url, as_of=kinds.DAY, offline=True)),
            ("a backfill", lambda paths: kinds.backfill(paths, host.url)),
            ("a run that the service starts", lambda paths: kinds.scheduled(paths, host.url)),
        ]
        for name, act in acts:
            runs.through(lambda: act(one), f"{name}, alone")  # noqa: B023  (called at once)
        wanted = _published(one, folder, host)
        stop, asked = folder / "stop", folder / "asked"
        readers = [
            lambda: _asks(other, stop),
            *(lambda words=words: _commands(other, words, stop, asked) for words in COMMANDS),
        ]  # type: ignore[misc]
        writers = lambda: _then_stop([lambda act=act: act(other) for _, act in acts], stop)  # type: ignore[misc]  # noqa: E731
        found = at_once([*readers, writers])
        if _published(other, folder, host) != wanted:
            found.append("runs at once give other content than runs one after the other")
        answered = asked.read_text().count("\n") if asked.exists() else 0
        return len(acts) + answered, found
    finally:
        host.close()
        files.remove_folder(folder)


def served() -> tuple[int, list[str]]:
    """`overbuild serve` on a home where people start runs and a backfill meanwhile, with readers; gives as `whole` does.

    The service is what people start, with its Prefect server, and makes up for a time that it missed. It makes all marts,
    which the small runs do not. So what must be the same as one after the other are the facts.
    """
    folder = Path(tempfile.mkdtemp(prefix="torture-", dir=MEMORY if Path(MEMORY).is_dir() else None))
    one, other = paths_in(folder / "one"), paths_in(folder / "other")
    host = kinds.Host(folder)
    service = None
    try:
        one.root.mkdir(parents=True)
        runs.through(lambda: kinds.live(one, host.url, answers=True), "a first run")
        runs.through(lambda: kinds.never_served(one), "a time is missed")
        shutil.copytree(one.root.parent, other.root.parent, symlinks=True)
        host.say(1)
        acts: list[Callable[[Paths], object]] = [
            lambda paths: kinds.live(paths, host.url), lambda paths: kinds.backfill(paths, host.url)
        ]  # fmt: skip
        for act in (*acts, lambda paths: kinds.scheduled(paths, host.url)):
            runs.through(lambda: act(one), "alone")  # noqa: B023  (called at once)
        stop, asked, missed = folder / "stop", folder / "asked", folder / "missed"
        service = serve.Service(folder / "other", host)
        process = service.start()
        serve.waits_for(lambda: b"serving" in service.log.read_bytes(), process, serve.STARTS_WITHIN_SECONDS)
        readers = [
            lambda: _asks(other, stop),
            *(lambda words=words: _commands(other, words, stop, asked) for words in COMMANDS),
        ]  # type: ignore[misc]

        def is_served() -> bool:
            in_child(lambda: missed.write_text(str(kinds.is_missed(other))))
            return missed.read_text() == "False"

        def waits() -> None:
            require(
                serve.waits_for(is_served, process, serve.PUBLISHES_WITHIN_SECONDS),
                f"the service serves nothing: {service.log.read_text()[-500:]}",
            )

        writers = lambda: _then_stop([*(lambda act=act: act(other) for act in acts), waits], stop)  # type: ignore[misc]  # noqa: E731
        found = at_once([*readers, writers])
        found += filter(None, [serve.stopped(service, process)])
        if _facts(other, folder) != _facts(one, folder):
            found.append("a service and runs at once give other facts than runs one after the other")
        answered = asked.read_text().count("\n") if asked.exists() else 0
        return len(acts) + 1 + answered, found
    finally:
        if service is not None:
            service.kill()
        host.close()
        files.remove_folder(folder)


def _facts(paths: Paths, folder: Path) -> runs.Content:
    return {name: rows for name, rows in runs.content(paths, folder, None).items() if name.startswith("core.")}


def _published(paths: Paths, folder: Path, host: kinds.Host) -> list[runs.Content]:
    """What is published in the end; the dated answer anew, for what it knew depends on what ran before it."""
    runs.through(lambda: kinds.live(paths, host.url, as_of=kinds.DAY, offline=True), "a dated run at the end")
    return [runs.content(paths, folder, None), runs.content(paths, folder, kinds.DAY)]


def _then_stop(acts: list[Callable[[], object]], stop: Path) -> None:
    try:
        failed = at_once(acts)
    finally:
        stop.touch()
    require(not failed, "; ".join(failed))


def _asks(paths: Paths, stop: Path) -> None:
    """By a plain client of DuckDB, as anybody may read."""
    import duckdb

    while not stop.exists():
        with duckdb.connect(str((paths.current / WAREHOUSE).resolve()), read_only=True) as connection:
            found = connection.execute("SELECT count(*) FROM core.gpu_prices").fetchone()
        require(found and found[0] > 0, "there is no price in what is published")
        time.sleep(0.05)


def _commands(paths: Paths, words: tuple[str, ...], stop: Path, asked: Path) -> None:
    """By a command of ours, each in a process of its own: it answers, whatever is published meanwhile."""
    from tests.runs import command

    def ask() -> None:
        done = command(paths.root, *words)
        require(done.returncode == 0, f"{' '.join(words)}: exit {done.returncode}: {done.stderr[-300:]}")
        require(not done.stderr and done.stdout, f"{' '.join(words)}: {done.stderr[-300:] or 'said nothing'}")

    while not stop.exists():
        ended = in_child(ask)
        require(not ended.code and not ended.killed, ended.said)
        files.append(asked, words[0])
        time.sleep(0.2)


def main(seconds: float) -> int:
    """Do all for so long, each once at least, and count; gives how many faults were found."""
    kinds.warmed()
    began, tried, found = time.monotonic(), 0, []
    while not tried or time.monotonic() < began + seconds / 2:
        acts, wrong = small()
        tried, found = tried + acts, [*found, *wrong]
    _record(
        "small acts at once: publications, a dated one, decisions, a backfill's progress, readers", tried, found, began
    )
    for what, does in (
        ("runs of every kind, our commands and a plain client at once", whole),
        ("the service, runs by hand, a backfill, our commands and a plain client at once", served),
    ):
        began = time.monotonic()
        acts, wrong = does()
        _record(what, acts, wrong, began)
        found += wrong
    return len(found)


def _record(what: str, tried: int, found: list[str], began: float) -> None:
    for each in found:
        print(each, flush=True)
    results.record(
        "together", what, tried=tried, survived=tried - len(found), faults_found=len(found),
        seconds=time.monotonic() - began,
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(results.run(main))
