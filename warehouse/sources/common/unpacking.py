"""How compressed documents are unpacked: piece by piece, and never further than a document can be.

A megabyte of gzip can unpack to a gigabyte, and a server chooses what it sends. So no document is unpacked in one go.
Each piece counts against two limits: the bytes of the whole, and how many times larger it is than what was packed.
Price lists and filings are text that repeats itself; the most repetitive one seen unpacks to some thirty times its size.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

from warehouse.errors import DocumentError

MAGIC = b"\x1f\x8b"
"""The first two bytes of every gzip member (RFC 1952, 2.3.1)."""
LARGEST_WHOLE_BYTES = 300_000_000
"""A document that is held in memory whole; the largest body that any source may send is 200 MB."""
LARGEST_STREAMED_BYTES = 4_000_000_000
"""A document that is read as a stream: memory does not grow with it, but time does."""
LARGEST_RATIO = 250
"""Gzip reaches 1,030 on zeros; text that a host really publishes stays far below this."""
RATIO_COUNTS_FROM_BYTES = 10_000_000
"""Below this size a high ratio does no harm: a short file of equal lines is honest."""
PIECE_BYTES = 1 << 20
"""A packed piece may unpack to a thousand times its size; it is handed on in parts of this size."""
READ_BYTES = 1 << 16


class TooLargeError(ValueError):
    """A document that unpacks to more than one can be; the message says by which limit."""


def pieces(packed: Iterable[bytes], *, max_bytes: int) -> Iterator[bytes]:
    """The pieces of a gzip body, unpacked; members that follow each other count as one body, padding is dropped.

    Raises EOFError where it ends too early, zlib.error where it is damaged, TooLargeError past a limit.
    """
    unpacking = zlib.decompressobj(wbits=31)
    read = made = 0
    for piece in packed:
        read += len(piece)
        while piece:
            if unpacking.eof:
                if not piece.startswith(MAGIC[:1]):  # padding after the last member
                    break
                unpacking = zlib.decompressobj(wbits=31)
            if part := unpacking.decompress(piece, PIECE_BYTES):
                made += len(part)
                _hold(made, read, max_bytes)
                yield part
            piece = unpacking.unconsumed_tail or unpacking.unused_data
    if part := unpacking.flush():
        yield part
    if not unpacking.eof:
        raise EOFError("the compressed data end too early")


def _hold(made: int, read: int, max_bytes: int) -> None:
    if made > max_bytes:
        raise TooLargeError(f"it unpacks to more than the {max_bytes:,} bytes allowed")
    if made > RATIO_COUNTS_FROM_BYTES and made > LARGEST_RATIO * read:
        raise TooLargeError(
            f"it unpacks to more than {LARGEST_RATIO} times its size, which no price list or filing does"
        )


def unpacked(body: bytes, name: str, *, max_bytes: int = LARGEST_WHOLE_BYTES) -> bytes:
    """A document's bytes, unpacked where its first two bytes say gzip.

    Raises DocumentError where it is damaged, or unpacks to more than a document can be.
    """
    if body[:2] != MAGIC:
        return body
    try:
        return b"".join(pieces([body], max_bytes=max_bytes))
    except TooLargeError as error:
        raise DocumentError(name, f"{error}; it was not read further. The document is kept.") from error
    except (EOFError, zlib.error) as error:
        raise DocumentError(name, f"the compressed file is cut short or damaged ({error}). Get it again.") from error


def plain(file: BinaryIO) -> BinaryIO:
    """A file from its beginning, unpacked where its first two bytes say gzip. The file stays its opener's to close."""
    packed = file.read(len(MAGIC)) == MAGIC
    file.seek(0)
    return io.BufferedReader(Stream(file)) if packed else file


class Stream(io.RawIOBase):
    """A file of gzip read unpacked, forward only. Raises as `pieces` does."""

    def __init__(self, file: BinaryIO, *, max_bytes: int = LARGEST_STREAMED_BYTES) -> None:
        packed = iter(lambda: file.read(READ_BYTES), b"")
        self._pieces = pieces(packed, max_bytes=max_bytes)
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        target = memoryview(buffer).cast("B")
        if not self._rest:
            self._rest = memoryview(next(self._pieces, b""))
        taken = min(len(target), len(self._rest))
        target[:taken] = self._rest[:taken]
        self._rest = self._rest[taken:]
        return taken
