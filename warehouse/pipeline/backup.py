"""A backup of a home in one folder, and the way back from it.

    backup.jsonl      what the backup is of, then each file with its size and SHA-256
    raw/              every document, and the logs of fetches, by which the archive can be read again
    releases/RUN/     the published answer, and each dated one that a link leads to
    refused/RUN/      what refused runs found, which the next run takes up
    decisions.jsonl, alerts.json, schedule/, backfill/      what people decided, and what runs remember

A backup is made beside runs, and neither waits for the other. What is published or archived never changes, so it can be
copied at any time. Only logs grow. They are copied first, then the answer, then the documents. So whatever a log names is in
the backup, and an answer that was published meanwhile is at most newer than the logs. The next run then reads its documents
a second time, which adds nothing.

A backup that cannot be read is none. So each file is read again once it is on disk. Nothing has the name that was asked
for before all of it is there. `restore` hashes everything before it writes anything.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from warehouse import __version__, files, locks, records
from warehouse.database import recovery, schema, seals
from warehouse.database.releases import reading
from warehouse.errors import DamagedError, UsageError
from warehouse.fetching import archive
from warehouse.paths import FETCHES, WAREHOUSE, Paths, create_folders
from warehouse.pipeline import publish

LIST = "backup.jsonl"
LINES = ("decisions.jsonl",)
STATE = ("alerts.json",)
STATE_FOLDERS = ("schedule", "backfill")
NOT_STATE = ("server.json",)
"""Of a process that runs now; it means nothing elsewhere."""
TRIES = 3
PIECE_BYTES = 1 << 20
_FIELDS = {"path": str, "bytes": int, "sha256": str}


@dataclass
class Backup:
    """What a backup is of, and its files. `left_out` are documents that are damaged where they lie, each with what is wrong."""

    run_id: str | None
    dated: dict[str, str]
    schema_version: int
    program_version: str
    made_at: str
    listed: list[dict[str, Any]] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    @property
    def size_bytes(self) -> int:
        return sum(each["bytes"] for each in self.listed)


def write(paths: Paths, target: Path) -> Backup:
    """Back up a home to a folder that does not exist yet, or is empty. Raises UsageError, DamagedError or StorageError."""
    target = target.expanduser().absolute()
    _require_place(paths, target)
    if not paths.raw.is_dir() or not (recovery.was_published(paths) or any(archive.documents(paths.raw))):
        raise UsageError(f"{paths.root}: there is nothing here to back up. Run `overbuild run` first.")
    with files.temporary(target.parent, target.name) as new:
        new.mkdir()
        logs = [*_logs(paths, new)]
        made = _releases(paths, new)
        made.listed += logs
        for document in archive.documents(paths.raw):
            line = _copied(document, new, document.relative_to(paths.root))
            if line["sha256"] == document.name:
                made.listed.append(line)
            else:
                (new / line["path"]).unlink()
                made.left_out.append(f"{document}: its SHA-256 is {line['sha256']}")
        _verify(new, made.listed)
        head = {name: value for name, value in vars(made).items() if name not in ("listed", "left_out")}
        files.write(new / LIST, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in (head, *made.listed)))
        if target.is_dir():
            target.rmdir()
        files.put(new, target)
    return made


def _require_place(paths: Paths, target: Path) -> None:
    if os.path.lexists(target) and (not target.is_dir() or any(target.iterdir())):
        raise UsageError(
            f"backup {target}: something is there already, and a backup replaces nothing. Give a new folder."
        )
    if target.resolve().is_relative_to(paths.root.resolve()):
        raise UsageError(
            f"backup {target}: this is inside {paths.root}, and would be lost with it. Give a folder elsewhere."
        )


def _logs(paths: Paths, new: Path) -> Iterator[dict[str, Any]]:
    """Copy what grows or is replaced, as it is now. Of a log, its whole lines: one may just be written."""
    growing = [*(paths.root / name for name in LINES), *sorted((paths.raw / FETCHES).glob("*.jsonl"))]
    replaced = [paths.root / name for name in STATE]
    replaced += [each for name in STATE_FOLDERS for each in sorted((paths.root / name).glob("*.json"))]
    for path in (*growing, *replaced):
        try:
            body = path.read_bytes()
        except FileNotFoundError:
            continue
        if path.name in NOT_STATE:
            continue
        name = path.relative_to(paths.root)
        body = body[: body.rfind(b"\n") + 1] if path in growing else body
        files.create_folder((new / name).parent)
        (new / name).write_bytes(body)
        yield _line(name, len(body), hashlib.sha256(body).hexdigest())


def _releases(paths: Paths, new: Path) -> Backup:
    """Copy the answers that links lead to, and what refused runs found. A release that a run removed meanwhile has a newer one."""
    for left in range(TRIES, 0, -1):
        links = {link.name: link.resolve() for link in (paths.root / "as-of").glob("*") if link.is_symlink()}
        current = paths.current.resolve() if recovery.was_published(paths) else None
        wanted = {*links.values()} | ({current} if current else set())
        try:
            listed = [line for folder in sorted(wanted) for line in _folder(folder, new, Path("releases", folder.name))]
            refused = sorted(path for path in paths.refused.glob("*") if path.is_dir())
            listed += [line for folder in refused for line in _folder(folder, new, Path("refused", folder.name))]
            if gone := [folder for folder in (*wanted, *refused) if not folder.is_dir()]:
                raise FileNotFoundError(
                    gone[0]
                )  # its last files were not found, which is no error where names are listed
        except FileNotFoundError:
            if left == 1 or (current and not current.is_dir() and paths.current.resolve() == current):
                raise
            for name in ("releases", "refused"):
                files.remove_folder(new / name)
            continue
        break
    for release in wanted:
        if why := seals.damaged(release):
            raise recovery.damaged(paths, why)
    found, program = schema.UNSAID, ""
    if current is not None:
        with reading(current / WAREHOUSE) as connection:
            row = connection.execute("SELECT current_catalog()").fetchone()
            found, program = schema.version_of(connection, str(row[0]) if row else "")
    dated = {day: release.name for day, release in sorted(links.items())}
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return Backup(current.name if current else None, dated, found, program or __version__, now, listed)


def _folder(folder: Path, new: Path, name: Path) -> Iterator[dict[str, Any]]:
    """Copy the files of a folder that no longer changes; its links lead to what a home makes by itself."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield _copied(path, new, name / path.relative_to(folder))


def _copied(source: Path, root: Path, name: Path) -> dict[str, Any]:
    """Copy a file in pieces, with its time; gives its line of the list, by the bytes that were read."""
    target = root / name
    target.parent.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    with source.open("rb") as read, files.named(target), target.open("wb") as written:
        while piece := read.read(PIECE_BYTES):
            digest.update(piece)
            size += len(piece)
            written.write(piece)
        seen = os.fstat(read.fileno())
    os.utime(target, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    return _line(name, size, digest.hexdigest())


def _line(name: Path, size: int, sha256: str) -> dict[str, Any]:
    return {"path": name.as_posix(), "bytes": size, "sha256": sha256}


def _verify(folder: Path, listed: list[dict[str, Any]]) -> None:
    """Read every file of a backup. Raises DamagedError for the first that is not what the list says."""
    for line in listed:
        path = folder / line["path"]
        try:
            found = files.sha256(path)
        except OSError as error:
            found = f"cannot be read ({error.strerror})"
        if found != line["sha256"]:
            raise DamagedError(
                f"{path}: this file of the backup is damaged: expected SHA-256 {line['sha256']}, found {found}. Take another "
                "backup; what is published stands."
            )


# -- the way back -----------------------------------------------------------------------------------------------------


def is_backup(folder: Path) -> bool:
    return (folder.expanduser() / LIST).is_file()


def read(folder: Path) -> Backup:
    """What a backup is of, once every file of it was hashed. Raises DamagedError, or UsageError for one of a later program."""
    path = folder / LIST
    head, *listed = [records.parsed(line) or {} for line in path.read_bytes().splitlines()] or [{}]
    found = records.record(Backup, {name: value for name, value in head.items() if name not in ("listed", "left_out")})
    damaged = DamagedError(f"{path}: the list of this backup is damaged. Take another backup.")
    if found is None:
        raise damaged
    found.listed = listed
    if found.schema_version > schema.VERSION:
        raise UsageError(schema.refused(folder, found.schema_version, found.program_version))
    if not all(map(_is_within, listed)) or not all(map(_is_day, found.dated)):
        raise damaged
    _verify(folder, listed)
    return found


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _is_within(line: dict[str, Any]) -> bool:
    if any(type(line.get(name)) is not kind for name, kind in _FIELDS.items()):
        return False
    path = PurePosixPath(line["path"])
    return not path.is_absolute() and ".." not in path.parts and seals.is_a_name(str(path)) and _is_kept(path)


def _is_kept(path: PurePosixPath) -> bool:
    """Whether a backup keeps such a file. Another one may come of somebody else: the note of a server, a lock, a link's name."""
    match path.parts:
        case [name]:
            return name in (*LINES, *STATE)
        case ["raw", _, _]:
            return True
        case ["releases" | "refused", _, _, *_]:
            return True
        case [folder, name]:
            return folder in STATE_FOLDERS and name.endswith(".json") and name not in NOT_STATE
    return False


def restore(folder: Path, paths: Paths, say: Callable[[str], None], within_seconds: float) -> Backup:
    """Put a backup into an empty home: documents and logs, then the answers, which are published as they were.

    One that was interrupted goes on where it stopped. Raises UsageError where the home holds something else.
    """
    if paths.lake:
        raise UsageError(
            "OVERBUILD_WAREHOUSE names a lake, whose own backups hold what is published there. Unset it to restore this home, "
            "and set it again for the next run, which publishes to the lake."
        )
    folder = folder.expanduser().absolute()
    found = read(folder)
    create_folders(paths)
    taken = f"{paths.root}: a run is at work in this OVERBUILD_HOME"
    with locks.held(paths.lock, taken, within_seconds=within_seconds, say=say):
        releases: dict[str, list[Path]] = {}
        others = []
        for line in found.listed:
            parts = PurePosixPath(line["path"]).parts
            if parts[0] == "releases":
                releases.setdefault(parts[1], []).append(Path(*parts[2:]))
            else:
                others.append(line)
        _require_empty(paths, others)
        for line in others:
            _put(folder, paths.root, line)
        for name, inside in releases.items():
            days = [date.fromisoformat(day) for day, of in found.dated.items() if of == name]
            _publish(
                paths, folder / "releases" / name, name, inside, [*days, *([None] if name == found.run_id else [])]
            )
    return found


def _require_empty(paths: Paths, others: list[dict[str, Any]]) -> None:
    differ = [path for line in others if (path := paths.root / line["path"]).exists()
              and files.sha256(path) != line["sha256"]]  # fmt: skip
    if recovery.was_published(paths) or differ:
        there = paths.current if recovery.was_published(paths) else differ[0]
        raise UsageError(
            f"{there}: this OVERBUILD_HOME holds something already, and a backup replaces nothing. Set OVERBUILD_HOME to an "
            "empty folder, or give the backup's release to go on from it here: overbuild restore BACKUP/releases/RUN"
        )


def _put(folder: Path, root: Path, line: dict[str, Any]) -> None:
    target = root / line["path"]
    if target.exists():
        return
    with files.temporary(target.parent, target.name) as new:
        _copied(folder / line["path"], new.parent, Path(new.name))
        files.put(new, target)


def _publish(paths: Paths, release: Path, name: str, parts: list[Path], days: list[date | None]) -> None:
    """Copy a release into the home, and publish it as a run does."""
    if (paths.releases / name).exists():
        files.open_folder(paths.releases / name)
        publish.remove(paths, paths.releases / name)  # of a restoring that was interrupted before a link led to it
    with files.temporary(paths.work, name) as new:
        for part in parts:
            _copied(release / part, new, part)
        publish.put_in_place(paths, new, name, days)
