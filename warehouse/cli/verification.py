"""`overbuild doctor --verify`: every archived document against its name, every published file against its seal.

A disk, a copy or a person can change a file years after it was written. Nothing notices until the file is read, and then
it is needed. So all of them are hashed here, and each that is not what it was is named with what to do about it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from warehouse import records
from warehouse.database import recovery, seals
from warehouse.database.seals import Damage
from warehouse.fetching import archive
from warehouse.paths import FETCHES, Paths, paths_here

Say = Callable[[str, str, str], None]
OF_DOCUMENT = (
    "It is not read. The next run that gets the document again puts it right; one that no source gives any more comes back "
    "from a backup alone."
)
OF_LOG = "What stands there is not known. Copy the file back from a backup, or remove the line."
OF_CURRENT = (
    "Any command that reads puts the last good release in its place. A new one: overbuild run, or overbuild restore."
)
OF_OTHER = (
    "Nothing reads it but `overbuild diff` and a reader of that day. Remove the folder, and make that answer anew."
)

OF_REFUSED = "It says what a run found that published nothing. The history goes on without it: remove the folder."


def verify(say: Say) -> int:
    """Hash everything and say what is damaged; gives how many files are."""
    paths = paths_here()
    return _documents(paths, say) + _releases(paths, say)


def _documents(paths: Paths, say: Say) -> int:
    documents = list(archive.documents(paths.raw))
    found = [Damage(path, f"SHA-256 {path.name}", fault) for path in documents if (fault := archive.faults(path))]
    for damage in found:
        say("fix", "document", f"{damage}. {OF_DOCUMENT}")
    logs = unreadable_lines(paths.raw)
    for damage in logs:
        say("fix", "log", f"{damage}. {OF_LOG}")
    if not found:
        say("ok", "documents", f"{len(documents):,} in {paths.raw}, each is what its name says")
    return len(found) + len(logs)


def _releases(paths: Paths, say: Say) -> int:
    current = paths.current.resolve()
    count = 0
    if recovery.was_published(paths) and (why := seals.fault(current)):
        count += 1
        say(
            "fix", "release", f"{current / seals.WAREHOUSE}: expected a whole warehouse, found that {why}. {OF_CURRENT}"
        )
    for release in sorted(path for path in paths.releases.glob("*") if path.is_dir()):
        if not seals.is_sealed(release):
            say(
                "-",
                "release",
                f"{release}: an earlier version published it, or its {seals.SEAL} is damaged; not verified",
            )
            continue
        found = list(seals.damages(release))
        count += len(found)
        for damage in found:
            say("fix", "release", f"{damage}. {OF_CURRENT if release == current else OF_OTHER}")
        if not found:
            say("ok", "release", f"{release.name}: every file is as it was published")
    for refusal in sorted(paths.refused.glob("*")):
        for damage in seals.damages(refusal):
            count += 1
            say("fix", "refused run", f"{damage}. {OF_REFUSED}")
    return count


def unreadable_lines(raw: Path) -> list[Damage]:
    """Lines of the logs of fetches that cannot be read; the last of a file may be cut short by a crash, and is none."""
    found = []
    for path in sorted((raw / FETCHES).glob("*.jsonl")):
        numbers = unreadable(path)
        if numbers:
            found.append(
                Damage(path, "a line of JSON", f"{len(numbers)} that cannot be read, the first is line {numbers[0]}")
            )
    return found


def unreadable(path: Path, *, whole: bool = False) -> list[int]:
    """Numbers of the lines of a file that are no JSON objects; of the file as one, where it is `whole`."""
    body = path.read_bytes()
    lines = [body] if whole else body.splitlines()
    if not whole and lines and not body.endswith(b"\n"):
        lines.pop()
    return [number for number, line in enumerate(lines, 1) if not _is_object(line)]


def _is_object(line: bytes) -> bool:
    return records.parsed(line) is not None
