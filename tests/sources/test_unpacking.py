"""Compressed documents are unpacked whole or refused, and never further than a document can be."""

from __future__ import annotations

import gzip
import io
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.errors import DocumentError
from warehouse.sources.common import unpacking
from warehouse.sources.common.unpacking import Stream, TooLargeError, pieces, unpacked

MEGABYTE = 1_000_000


def cut(body: bytes, sizes: list[int]) -> list[bytes]:
    """`body` in pieces of `sizes`, and the rest."""
    found = []
    for size in sizes:
        found.append(body[:size])
        body = body[size:]
    return [piece for piece in [*found, body] if piece]


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=3), st.lists(st.integers(1, 50), max_size=20))
def test_members_come_out_whole_however_they_are_cut(members, sizes):
    packed = b"".join(gzip.compress(member, mtime=0) for member in members) + bytes(8)
    assert b"".join(pieces(cut(packed, sizes), max_bytes=10_000)) == b"".join(members)
    assert unpacked(packed, "x") == b"".join(members)


@given(st.binary(min_size=100, max_size=300), st.integers(1, 40))
def test_one_that_ends_too_early_is_not_taken_for_whole(body, missing):
    with pytest.raises(DocumentError, match="cut short or damaged"):
        unpacked(gzip.compress(body, mtime=0)[:-missing], "x")


def test_what_is_not_compressed_stays():
    assert unpacked(b"plain", "x") == b"plain"


def test_a_body_larger_than_a_document_is_not_unpacked_further():
    packed = gzip.compress(bytes(range(256)) * 2_000)
    assert len(unpacked(packed, "x", max_bytes=512_000)) == 512_000
    with pytest.raises(DocumentError, match="more than the 511,999 bytes allowed"):
        unpacked(packed, "x", max_bytes=511_999)


def test_a_megabyte_that_becomes_a_gigabyte_is_given_up_early_and_within_bounds():
    """Zeros pack to a thousandth. The ratio is seen after ten megabytes, long before the bytes are too many."""
    packing = zlib.compressobj(wbits=31)
    packed = b"".join(packing.compress(bytes(MEGABYTE)) for _ in range(200)) + packing.flush()
    tracemalloc.start()
    with pytest.raises(DocumentError, match="more than 250 times its size"):
        unpacked(packed, "x")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 80 * MEGABYTE


def test_text_that_repeats_itself_as_price_lists_do_is_read():
    """The limit of the ratio is far above what honest text reaches: here 80 times, in 12 megabytes."""
    body = b"".join(b'{"sku": "%08d", "instanceType": "p5.48xlarge", "currency": "USD"}\n' % n for n in range(180_000))
    assert len(body) > unpacking.RATIO_COUNTS_FROM_BYTES
    assert unpacked(gzip.compress(body, 1), "x") == body


def test_a_stream_gives_the_same_bytes_and_the_same_faults():
    body = bytes(range(256)) * 5_000
    packed = gzip.compress(body)
    stream = io.BufferedReader(Stream(io.BytesIO(packed)))
    assert stream.read(10) + stream.read() == body
    with pytest.raises(EOFError):
        Stream(io.BytesIO(packed[:-5])).readall()
    with pytest.raises(TooLargeError):
        Stream(io.BytesIO(packed), max_bytes=1_000).readall()
