"""What is done to a home in one act, and what must hold of the home whatever interrupts it.

Each act is one that a run, a person or the service does, on a small home whose files hold the number of the run that wrote
them. Nothing here opens a database, so a scene takes some hundredths of a second and each of its file operations can be
tried.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from warehouse import files, locks
from warehouse.fetching import archive, schedules
from warehouse.fetching.schedules import Served
from warehouse.paths import EXPORT, QUALITY, SITE, WAREHOUSE, Paths, create_folders
from warehouse.pipeline.backfill import Progress
from warehouse.pipeline.context import one_at_a_time
from warehouse.pipeline.publish import KEPT_RELEASES, clear_left_behind, publish
from warehouse.quality import decisions
from warehouse.reports.export import write as export
from warehouse.sources.common.source import Received

DAY = date(2025, 1, 28)
NOW = datetime(2026, 1, 5, 6, 40, tzinfo=UTC)
PARTS = (WAREHOUSE, f"{SITE}/index.html", f"{SITE}/assets/a.js", f"{QUALITY}/index.html", f"{EXPORT}/datapackage.json")


@dataclass(frozen=True)
class Scene:
    """`before` prepares a home, `act` is interrupted, `holds` says what must be true then, `again` does it once more.

    `holds` is asked with whether the act came to its end.
    """

    name: str
    before: Callable[[Paths], None]
    act: Callable[[Paths], None]
    holds: Callable[[Paths, bool], None]


def paths_in(folder: Path) -> Paths:
    return Paths(folder / "home", folder / "home" / "warehouse.duckdb")


def require(true: object, what: str) -> None:
    if not true:
        raise AssertionError(what)


def require_no_litter(paths: Paths) -> None:
    """Raises AssertionError for what no living process needs: called after a start and an end of a run."""
    left = [path for folder in (paths.work, paths.raw) if folder.is_dir() for path in folder.iterdir()]
    left = [path for path in left if path.name.startswith(".") or path.parent == paths.work]
    left += [p for p in paths.root.rglob(".*") if not p.name.endswith("lock") and paths.releases not in p.parents]
    require(not left, f"litter: {[str(path.relative_to(paths.root)) for path in left]}")
    later = {path.name for path in paths.later.iterdir()} if paths.later.is_dir() else set()
    releases = {path.name for path in paths.releases.iterdir()}
    require(later <= releases, f"pages of releases that are gone: {later - releases}")


# -- publication ------------------------------------------------------------------------------------------------------


def build(paths: Paths, number: int) -> Path:
    folder = paths.work / f"run{number:03}-{os.urandom(2).hex()}" / "release"  # as a run, it has a name of its own
    for name in PARTS:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"{number}\n" * 200)
    return folder


def a_run(paths: Paths, number: int, as_of: date | None = None, waits: float = 1.0) -> None:
    """The frame of a run: it starts, clears away what killed ones left, builds, publishes and ends."""
    create_folders(paths)
    with one_at_a_time(paths, lambda _: None, waits):
        clear_left_behind(paths)
        built = build(paths, number)
        publish(paths, built, built.parent.name, as_of)
        files.remove_folder(built.parent)


def seen(folder: Path) -> int:
    """The number of the run that wrote what is published; raises AssertionError where it is not whole or of two runs."""
    numbers = {(folder / name).read_text() for name in PARTS}
    require(len(numbers) == 1, f"of different runs, or empty: {sorted(numbers)}")
    lines = set(numbers.pop().splitlines())
    require(len(lines) == 1, f"torn: {lines}")
    return int(lines.pop())


def published(paths: Paths, numbers: tuple[int, ...], done: bool) -> None:
    number = seen(paths.current)
    require(number in numbers[-1:] if done else number in numbers, f"run {number} is published, not one of {numbers}")
    require(seen_by_names(paths) == number, "the names that people use lead elsewhere")
    releases = [path for path in paths.releases.iterdir() if not path.name.startswith(".")]
    for release in releases:
        seen(release)
    if done:
        require(len(releases) <= KEPT_RELEASES + 2, f"releases pile up: {len(releases)}")
        require_no_litter(paths)


def seen_by_names(paths: Paths) -> int:
    [number] = {
        int(path.read_text().splitlines()[0])
        for path in (paths.warehouse, paths.root / SITE / "index.html", paths.root / QUALITY / "index.html")
    }
    return number


def _publications(before: int) -> Scene:
    def prepare(paths: Paths) -> None:
        for number in range(1, before + 1):
            a_run(paths, number)

    def act(paths: Paths) -> None:
        a_run(paths, before + 1)

    def holds(paths: Paths, done: bool) -> None:
        if before or paths.current.is_symlink():
            published(paths, (before, before + 1), done)
        require(not done or paths.current.is_symlink(), "nothing is published after a run that went through")

    return Scene(f"publication after {before} others", prepare, act, holds)


def _dated() -> Scene:
    def prepare(paths: Paths) -> None:
        a_run(paths, 1)
        a_run(paths, 2, DAY)

    def act(paths: Paths) -> None:
        a_run(paths, 3, DAY)

    def holds(paths: Paths, done: bool) -> None:
        published(paths, (1,), done)
        require(seen(paths.dated(DAY)) in ((3,) if done else (2, 3)), "the dated answer is another one")

    return Scene("publication as of an earlier date", prepare, act, holds)


def _start() -> Scene:
    """The start of a run after one that was killed wherever: what it clears away, it may be killed at as well."""

    def prepare(paths: Paths) -> None:
        a_run(paths, 1)
        built = build(paths, 2)
        os.rename(built, paths.releases / built.parent.name)
        (paths.later / built.parent.name).mkdir(parents=True)
        build(paths, 3)
        for folder in (paths.root, paths.work, paths.raw):
            (folder / ".current.999999999-1-00000000.0badcafe").symlink_to("nowhere")
            os.utime(folder / ".current.999999999-1-00000000.0badcafe", (0, 0), follow_symlinks=False)

    def act(paths: Paths) -> None:
        a_run(paths, 4)

    def holds(paths: Paths, done: bool) -> None:
        number = seen(paths.current)
        require(number == 4 if done else number in (1, 4), f"run {number} is published")
        if done:
            require(not list(paths.releases.glob("run002*")), "a release that was never published stays")
            require_no_litter(paths)

    return Scene("start after a killed run", prepare, act, holds)


# -- what is kept beside it -------------------------------------------------------------------------------------------


def decision(number: int) -> decisions.Decision:
    return decisions.Decision(
        f"row{number}", NOW, "core.prices", decisions.ACCEPTED, "a person", "it did fall", "", "{}", "", ""
    )


def _decisions() -> Scene:
    def prepare(paths: Paths) -> None:
        create_folders(paths)
        decisions.keep(paths, decision(1))

    def act(paths: Paths) -> None:
        if "row2" not in decisions.in_force(decisions.read(paths)):
            decisions.keep(paths, decision(2))

    def holds(paths: Paths, done: bool) -> None:
        known = [one.row_id for one in decisions.read(paths)]
        require(known == ["row1", "row2"] or (not done and known == ["row1"]), f"decisions: {known}")

    return Scene("decision about a quarantined row", prepare, act, holds)


def _archive() -> Scene:
    body = b"as received\n" * 1000

    def prepare(paths: Paths) -> None:
        create_folders(paths)

    def act(paths: Paths) -> None:
        create_folders(paths)
        archive.keep(paths.raw, Received("a.csv", "snapshot:a.csv", "text/csv", body))

    def holds(paths: Paths, done: bool) -> None:
        kept = [path for path in paths.raw.rglob("*") if path.is_file() and not path.name.startswith(".")]
        require(len(kept) == 1 or not done, f"{len(kept)} documents are kept")
        for path in kept:
            require(archive.read(paths.raw, path.name) == body, "a document is not what it was")
        if done:
            require_no_litter(paths)

    return Scene("document into the archive", prepare, act, holds)


def _progress() -> Scene:
    first, second = (DAY, DAY + timedelta(days=10)), (DAY + timedelta(days=20), DAY + timedelta(days=30))

    def act(paths: Paths) -> None:
        create_folders(paths)
        progress = Progress(paths, "sec")
        with progress.alone():
            progress.remember(second, NOW.date())

    def prepare(paths: Paths) -> None:
        create_folders(paths)
        Progress(paths, "sec").remember(first, NOW.date())

    def holds(paths: Paths, done: bool) -> None:
        known = Progress(paths, "sec").done()
        require(known == [first, second] or (not done and known == [first]), f"done: {known}")
        if done:
            require_no_litter(paths)

    return Scene("progress of a backfill", prepare, act, holds)


def _served() -> Scene:
    entry = schedules.entries()[0]
    first, second = (Served(NOW + timedelta(days=n), NOW, NOW, "published") for n in (0, 1))

    def prepare(paths: Paths) -> None:
        create_folders(paths)
        schedules.remember(paths, entry, first)

    def act(paths: Paths) -> None:
        create_folders(paths)
        schedules.remember(paths, entry, second)

    def holds(paths: Paths, done: bool) -> None:
        said = json.loads((paths.root / "schedule" / f"{entry.name}.json").read_text())
        days = [f"2026-01-0{day}" for day in ((6,) if done else (5, 6))]
        require(any(day in json.dumps(said) for day in days), f"remembered: {said}")
        if done:
            require_no_litter(paths)

    return Scene("memory of the schedules", prepare, act, holds)


def _export() -> Scene:
    def write(paths: Paths, number: int) -> None:
        create_folders(paths)
        with export._instead_of(paths.root.parent / "export") as new:
            for name in ("datapackage.json", "index.html"):
                (new / name).write_text(f"{number}\n" * 100)

    def whole(folder: Path) -> bool:
        return len({(folder / name).read_text() for name in ("datapackage.json", "index.html")}) == 1

    def holds(paths: Paths, done: bool) -> None:
        target = paths.root.parent / "export"
        beside = list(target.parent.glob(".export.*.old"))
        require(target.is_dir() or (not done and beside), "neither the new export nor the one before is there")
        require(whole(target if target.is_dir() else beside[0]), "an export is torn")
        if done:
            require({path.name for path in target.parent.iterdir()} == {"home", "export"}, "litter beside an export")

    return Scene("export over an earlier one", lambda p: write(p, 1), lambda p: write(p, 2), holds)


def _lock() -> Scene:
    def act(paths: Paths) -> None:
        create_folders(paths)
        with one_at_a_time(paths, lambda _: None, 1.0):
            pass

    def holds(paths: Paths, done: bool) -> None:
        require(not locks.is_taken(paths.lock), "the lock stays with a process that is gone")
        if done:
            require_no_litter(paths)

    return Scene("lock of the home", create_folders, act, holds)


def all_scenes() -> list[Scene]:
    return [
        *(_publications(before) for before in (0, 1, KEPT_RELEASES + 3)),
        *(_dated(), _start(), _decisions(), _archive(), _progress(), _served(), _export(), _lock()),
    ]
