"""What a release was when it was published: size, time and hash of each of its files, written down beside them.

A published file never changes. Where it did, a disk, a person or another program did it, and its figures may be anything.
DuckDB notices some of it and only as far as it reads. So publication writes a seal, a file of lines. The first says which run it
is, the second is the warehouse, and the others are the pages and the take-away:

    {"run_id": "20261130T151300-a1b2", "as_of": null}
    {"path": "warehouse.duckdb", "bytes": 60305408, "mtime_ns": 1796051580000000000, "sha256": "9f86..."}

Whoever reads looks at size and time alone, which costs nothing. Where these are not as sealed, the bytes are hashed. A release
of an earlier version has no seal. Then the first bytes must be those of a DuckDB file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Any

from warehouse.paths import WAREHOUSE, Paths

SEAL = "seal.jsonl"
_DUCKDB = b"DUCK"
_DUCKDB_AT = 8
_FIELDS = {"path": str, "bytes": int, "mtime_ns": int, "sha256": str}


@dataclass(frozen=True)
class Damage:
    """A file that is not what it was, or is not there."""

    path: Path
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.path}: expected {self.expected}, found {self.found}"


def write(release: Path, run_id: str, as_of: date | None) -> None:
    """Seal the files of a release that is about to be published; `as_of` is the day of a dated answer."""
    from warehouse import files

    there = sorted(path for path in release.rglob("*") if path.is_file() and not path.is_symlink())
    there.sort(key=lambda path: path.name != WAREHOUSE)  # first, so that a reader of the warehouse reads no further
    lines: list[dict[str, Any]] = [{"run_id": run_id, "as_of": as_of.isoformat() if as_of else None}]
    for path in there:
        seen = path.stat()
        lines.append(
            {
                "path": path.relative_to(release).as_posix(),
                "bytes": seen.st_size,
                "mtime_ns": seen.st_mtime_ns,
                "sha256": files.sha256(path),
            }
        )
    files.write(release / SEAL, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))


def fault(folder: Path) -> str:
    """Why the warehouse of a published folder cannot be trusted; '' where it can. Where size and time are as sealed, it can."""
    path = folder / WAREHOUSE
    try:
        seen = path.stat()
        with path.open("rb") as file:
            head = file.read(_DUCKDB_AT + len(_DUCKDB))
    except FileNotFoundError:
        link = folder.is_symlink() and not folder.exists()
        return f"the link leads to {os.readlink(folder)}, which is not there" if link else "the file is not there"
    except OSError as error:
        return f"it cannot be read ({error.strerror})"
    sealed = _sealed_warehouse(folder)
    if sealed is not None:
        if seen.st_size != sealed["bytes"]:
            return f"it has {seen.st_size:,} bytes, and had {sealed['bytes']:,} when it was published"
        if seen.st_mtime_ns != sealed["mtime_ns"] and (why := _other_bytes(path, sealed)):
            return why
    return "" if head.endswith(_DUCKDB) else "it is no DuckDB file"


def damages(release: Path) -> Iterator[Damage]:
    """Every file of a release that is not as sealed, each hashed; nothing can be said of one without a seal."""
    for line in _lines(release)[1:]:
        path = release / line["path"]
        if (found := _hash(path)) != line["sha256"]:
            size = f"{path.stat().st_size:,} bytes, " if os.path.isfile(path) else ""
            yield Damage(path, f"{line['bytes']:,} bytes, SHA-256 {line['sha256']}", f"{size}{found}")


def fault_of_part(path: Path) -> str:
    """Why a file in a sealed folder cannot be trusted; '' where it can, and where no seal says what it was."""
    sealed = [line for line in _lines(path.parent)[1:] if line["path"] == path.name]
    return _other_bytes(path, sealed[0]) if sealed else ""


def damaged(release: Path) -> str:
    """Why a warehouse cannot be trusted once all its bytes are hashed; '' where it can."""
    if why := fault(release):
        return why
    sealed = _sealed_warehouse(release)
    return _other_bytes(release / WAREHOUSE, sealed) if sealed else ""


def _other_bytes(path: Path, sealed: dict[str, Any]) -> str:
    """Why the bytes of a file are not those that were sealed; '' where they are."""
    found = _hash(path)
    return (
        "" if found == sealed["sha256"] else f"its SHA-256 is {found}, and was {sealed['sha256']} when it was published"
    )


def is_sealed(release: Path) -> bool:
    return _sealed_warehouse(release) is not None


def newest_good(paths: Paths, as_of: date | None = None) -> Path | None:
    """The newest release whose warehouse is whole, of today's answers or of those as of a day; None where there is none."""
    linked = {link.resolve() for link in (paths.root / "as-of").glob("*") if link.is_symlink()}
    wanted = as_of.isoformat() if as_of else None
    for release in sorted(paths.releases.glob("*"), reverse=True):
        if (paths.work / release.name).exists():
            continue  # of a run that was killed before it published
        head = next(iter(_lines(release)), None)
        of_day = release.resolve() in linked if head is None else head["as_of"] is not None
        if (head["as_of"] == wanted if head else not of_day and as_of is None) and not damaged(release):
            return release
    return None


def _sealed_warehouse(release: Path) -> dict[str, Any] | None:
    found = _lines(release, most=2)[1:]
    return found[0] if found and found[0]["path"] == WAREHOUSE else None


def _lines(release: Path, most: int | None = None) -> list[dict[str, Any]]:
    """The lines of a seal; none where there is no seal, or it is damaged itself."""
    try:
        with (release / SEAL).open("rb") as file:
            lines = [_line(line) for line, _ in zip(file, range(most or 10**9), strict=False)]
    except OSError:
        return []
    return lines if lines and _is_head(lines[0]) and all(map(_is_sealed_file, lines[1:])) else []


def _line(text: bytes) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _is_head(line: dict[str, Any]) -> bool:
    return "as_of" in line and (line["as_of"] is None or isinstance(line["as_of"], str))


def _is_sealed_file(line: dict[str, Any]) -> bool:
    """Whether a line says of a file within the release what it was."""
    if any(type(line.get(name)) is not kind for name, kind in _FIELDS.items()):
        return False
    path = PurePosixPath(line["path"])
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts and is_a_name(str(path))


def is_a_name(text: str) -> bool:
    """Whether a file can have this name: no zero byte, and no half of a pair of UTF-16."""
    return "\0" not in text and not any("\ud800" <= each <= "\udfff" for each in text)


def _hash(path: Path) -> str:
    """The SHA-256 of a file, or why it cannot be read."""
    from warehouse import files  # here only: whoever reads hashes nothing

    try:
        return files.sha256(path)
    except FileNotFoundError:
        return "no file"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
