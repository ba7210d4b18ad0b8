"""Every document as it was received, kept under the SHA-256 of its bytes.

A figure can be followed to the bytes that it came from, and a run can be repeated from them without a network. So
nothing is parsed that is not in the archive first. Documents may be larger than memory: they are written, hashed and
read in pieces.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from warehouse import errors, files
from warehouse.sources.common.source import Document, Received

PIECE_BYTES = 1 << 20
IN_MEMORY_BYTES = 4 << 20
"""A document up to this size is handed on in memory, a larger one as the path of its file."""


class DamagedError(errors.DamagedError):
    """An archived document that is missing or no longer what its name says."""


def path_of(root: Path, sha256: str) -> Path:
    """Where the document of this hash is kept: raw/ab/abcdef..."""
    return root / sha256[:2] / sha256


class Writer:
    """A document on its way into the archive, piece by piece. It appears whole or not at all: `keep` renames it."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._left = ExitStack()
        self._temporary = self._left.enter_context(files.temporary(root, "receiving"))
        self._file: BinaryIO = self._left.enter_context(self._temporary.open("wb"))
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, piece: bytes) -> None:
        with files.named(self._temporary):
            self._file.write(piece)
        self._hash.update(piece)
        self.size += len(piece)

    def keep(self) -> str:
        """Put it in its place (once); gives its hash."""
        with files.named(self._temporary):
            self._file.close()
        sha256 = self._hash.hexdigest()
        target = path_of(self._root, sha256)
        if not is_whole(self._root, sha256):  # what lies there may have been damaged since
            files.create_folder(target.parent)
            files.put(self._temporary, target)
        return sha256

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._left.close()


def keep(root: Path, received: Received) -> Document:
    """Put a document into the archive (once) and give it back with its hash; one that came out of it is only named."""
    sha256 = received.sha256
    if sha256 is None and isinstance(received.content, bytes):  # of what is there already nothing is written
        found = hashlib.sha256(received.content).hexdigest()
        sha256 = found if is_whole(root, found) else None
    if sha256 is None or not path_of(root, sha256).exists():  # what has a hash was hashed as it came out (`content`)
        with Writer(root) as writer, _opened(received.content) as file:
            while piece := file.read(PIECE_BYTES):
                writer.write(piece)
            sha256 = writer.keep()
    fetched_at = received.fetched_at or datetime.now(UTC)
    return received.document(sha256, fetched_at)


def _opened(content: bytes | Path) -> BinaryIO:
    return Document("", "", "", content).open()


def content(root: Path, sha256: str) -> bytes | Path:
    """A document of the archive: its bytes, or the path of a large one. Raises DamagedError as `read` does."""
    target = path_of(root, sha256)
    if target.exists() and target.stat().st_size > IN_MEMORY_BYTES:
        verify(root, sha256)
        return target
    return read(root, sha256)


def read(root: Path, sha256: str) -> bytes:
    """The bytes of a document. Raises DamagedError where they are missing or no longer what their name says."""
    target = path_of(root, sha256)
    try:
        body = target.read_bytes()
    except OSError as error:
        raise DamagedError(f"{target}: the archived document cannot be read ({error.strerror}).") from error
    if hashlib.sha256(body).hexdigest() != sha256:
        raise _changed(target)
    return body


def verify(root: Path, sha256: str) -> None:
    """Read a document through. Raises DamagedError where it is missing or no longer what its name says."""
    target = path_of(root, sha256)
    try:
        found = files.sha256(target)
    except OSError as error:
        raise DamagedError(f"{target}: the archived document cannot be read ({error.strerror}).") from error
    if found != sha256:
        raise _changed(target)


def is_whole(root: Path, sha256: str) -> bool:
    """Whether a document is there, and is still what its name says."""
    target = path_of(root, sha256)
    return target.is_file() and not faults(target)


def faults(target: Path) -> str:
    """What the bytes of an archived document are in place of what its name says; '' where they are that."""
    try:
        found = files.sha256(target)
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    return "" if found == target.name else f"SHA-256 {found}"


def documents(root: Path) -> Iterator[Path]:
    """Every document of the archive, in order; logs and what is just being received are none."""
    for folder in sorted(path for path in root.glob("??") if path.is_dir()):
        yield from sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _changed(target: Path) -> DamagedError:
    return DamagedError(
        f"{target}: the archived document was changed; its bytes no longer give this hash. It is not read. The next run "
        "that gets the document again puts it right."
    )
