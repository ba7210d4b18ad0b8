"""The body of an answer: received within limits of size and time, unpacked, and looked at before anyone reads it.

Public hosts send gigabytes where megabytes belong, trickle for ever, or cut bodies short. Some answer 200 with a page
that asks a browser for a click. None of that may fill the disk, hold up a run, or pass for data.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from warehouse import storage
from warehouse.fetching.archive import Writer
from warehouse.fetching.attempt import Answer
from warehouse.fetching.confidential import LONGEST_IN_BODY_BYTES
from warehouse.fetching.failures import TRIES_WHEN_SILENT, TryAgain, Unavailable
from warehouse.sources.common import unpacking
from warehouse.sources.common.source import Expect

SLOWEST_BYTES_PER_SECOND = 1_000
LONGEST_BODY_SECONDS = 300.0
SLOWEST_MEAN_BYTES_PER_SECOND = 100_000
"""A body may take LONGEST_BODY_SECONDS, and a large one as much longer as its bytes take at this speed."""
PIECE_BYTES = 1 << 16
HEAD_BYTES = 4096


@dataclass
class _Limits:
    """How large a body may get and how slowly it may come; `check` is asked after every piece."""

    max_bytes: int
    timeout_seconds: float
    started: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self._window, self._before_window = self.started, 0

    def check(self, size: int) -> None:
        """Raises Unavailable where the body is too large or too slow."""
        now = time.monotonic()
        if size > self.max_bytes:
            raise Unavailable(f"sends more than the {self.max_bytes:,} bytes allowed; given up there")
        if now - self.started > LONGEST_BODY_SECONDS + size / SLOWEST_MEAN_BYTES_PER_SECOND:
            raise Unavailable(f"was not whole after {now - self.started:.0f} s; given up there", silent=True)
        if now - self._window > self.timeout_seconds:
            came = size - self._before_window
            if came < SLOWEST_BYTES_PER_SECOND * self.timeout_seconds:
                raise Unavailable(f"trickles, {came} bytes in {now - self._window:.0f} s; given up there", silent=True)
            self._window, self._before_window = now, size


def receive(answer: Answer, writer: Writer, *, max_bytes: int, timeout_seconds: float) -> bytes:
    """Write a body piece by piece; gives its first bytes. Raises Unavailable or TryAgain where it does not come whole.

    A body that repeats what is confidential is not kept.
    """
    import urllib3

    announced = announced_bytes(answer)
    if announced > max_bytes:
        raise Unavailable(f"announces {announced:,} bytes, more than the {max_bytes:,} allowed")
    limits = _Limits(max_bytes, timeout_seconds)
    head, tail = b"", b""
    try:
        for piece in _unpacked_pieces(answer, max_bytes):
            if answer.confidential.is_in(tail + piece):
                raise Unavailable("repeats a key or the contact that it was asked with; not kept")
            writer.write(piece)
            head = (head + piece)[:HEAD_BYTES] if len(head) < HEAD_BYTES else head
            tail = (tail + piece)[-LONGEST_IN_BODY_BYTES:]
            limits.check(writer.size)
    except urllib3.exceptions.ReadTimeoutError as error:
        raise TryAgain(f"the body stopped for {timeout_seconds:g} s", tries=TRIES_WHEN_SILENT, silent=True) from error
    except unpacking.TooLargeError as error:
        raise Unavailable(f"sends more than a document can be: {error}; given up there") from error
    except (urllib3.exceptions.DecodeError, zlib.error) as error:
        raise TryAgain(f"the body cannot be unpacked after {writer.size:,} bytes") from error
    except (urllib3.exceptions.HTTPError, OSError, EOFError) as error:
        if isinstance(error, OSError) and storage.fault(error) is not None:  # our own disk, not the network
            raise
        raise TryAgain(f"the body was cut short after {writer.size:,} bytes") from error
    return head


def announced_bytes(answer: Answer) -> int:
    """How long the body says it is; 0 where it does not. Raises Unavailable where that is no length."""
    said = answer.headers.get("Content-Length", "").strip()
    if said and not (said.isascii() and said.isdigit()):
        raise Unavailable(f"says that its length is {said[:40]!r}, which is no number of bytes")
    return int(said or 0)


def _unpacked_pieces(answer: Answer, max_bytes: int) -> Iterator[bytes]:
    """The body, unpacked. Raises EOFError where a packed one ends too early: urllib3 takes what there is for all of it."""
    received = iter(lambda: answer.raw.read1(PIECE_BYTES, decode_content=False), b"")
    match encoding := answer.headers.get("Content-Encoding", "").strip().lower():
        case "" | "identity":
            yield from received
        case "gzip" | "x-gzip":
            yield from unpacking.pieces(received, max_bytes=max_bytes)
        case _:
            raise Unavailable(f"is packed as {encoding[:40]!r}; only gzip was asked for")


def not_what_was_asked(head: bytes, media_type: str, expect: Expect, size: int) -> str:
    """What is wrong with a body that came with a 200, by its first bytes; '' where it may be what was asked for."""
    if not size:
        return "answered 200 with an empty body"
    start = _unpacked_head(head).removeprefix(b"\xef\xbb\xbf").lstrip()[:200].lower()
    page = start.startswith((b"<!doctype html", b"<html", b"<head", b"<script"))
    if expect != "text" and (page or (media_type == "text/html" and start[:1] not in (b"{", b"["))):
        return f"a page instead of data ({media_type}): a consent or challenge page, which is never answered"
    if expect == "zip" and not head.startswith(b"PK"):
        return f"text instead of a zip file, beginning with {start[:40].decode('utf-8', 'replace')!r}"
    if expect == "json" and start[:1] not in (b"{", b"["):
        return f"text instead of JSON, beginning with {start[:40].decode('utf-8', 'replace')!r}"
    return ""


def _unpacked_head(head: bytes) -> bytes:
    """The first bytes of a body, unpacked where it is compressed."""
    if head[:2] != unpacking.MAGIC:
        return head
    try:
        return zlib.decompressobj(wbits=31).decompress(head, HEAD_BYTES)
    except zlib.error:
        return b""
