"""Every document as it was received, kept under the SHA-256 of its bytes.

A figure can be followed to the bytes that it came from, and a run can be repeated from them without a network. So
nothing is parsed that is not in the archive first.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from warehouse.errors import OverbuildError
from warehouse.sources.source import Document, Received


def path_of(root: Path, sha256: str) -> Path:
    """Where the document of this hash is kept: raw/ab/abcdef..."""
    return root / sha256[:2] / sha256


def keep(root: Path, received: Received) -> Document:
    """Put a document into the archive (once) and give it back with its hash.

    The file appears whole or not at all: it is written beside its place and renamed.
    """
    body = received.content if isinstance(received.content, bytes) else received.content.read_bytes()
    sha256 = hashlib.sha256(body).hexdigest()
    target = path_of(root, sha256)
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=".receiving-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(body)
            os.replace(temporary, target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    return Document(sha256, received.name, received.url, body)


def read(root: Path, sha256: str) -> bytes:
    """The bytes of a document. Raises OverbuildError where they are missing or no longer what their name says."""
    target = path_of(root, sha256)
    try:
        body = target.read_bytes()
    except OSError as error:
        raise OverbuildError(f"{target}: the archived document cannot be read ({error.strerror}).") from error
    if hashlib.sha256(body).hexdigest() != sha256:
        raise OverbuildError(f"{target}: the archived document was changed; its bytes no longer give this hash.")
    return body
