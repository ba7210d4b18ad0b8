"""Whatever a host sends, a source reads rows, quarantines them with a reason, or refuses the document.

The long form of this test is the harness that tries a million documents; here each source gets a few.
"""

from __future__ import annotations

import gzip
import json
from codecs import BOM_UTF8

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.sources.mutations import BOUND, DEEP, SEEDS, Seed, outcome, spoiled
from warehouse.errors import DocumentError
from warehouse.sources.common import json_text

EACH = pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: seed.name)


def rows(seed: Seed, body: bytes) -> list[pl.DataFrame]:
    return [batch.frame for batch in seed.parse(seed.with_body(body))]


@EACH
def test_the_document_that_is_spoiled_gives_rows(seed):
    assert outcome(seed, seed.body) == "rows"


@EACH
@settings(max_examples=examples(0.2))
@given(chance=st.randoms(use_true_random=False))
def test_a_spoiled_document_gives_rows_or_is_refused(seed, chance):
    assert outcome(seed, spoiled(seed, chance)) in ("rows", "empty", "refused")


@EACH
def test_a_good_body_with_a_byte_order_mark_or_compressed_is_read_the_same(seed):
    plain = rows(seed, seed.body)
    for body in (BOM_UTF8 + seed.body, gzip.compress(seed.body), gzip.compress(BOM_UTF8 + seed.body)):
        for one, other in zip(plain, rows(seed, body), strict=True):
            assert one.equals(other)


@pytest.mark.parametrize("seed", [seed for seed in SEEDS if seed.is_json], ids=lambda seed: seed.name)
def test_lists_that_nest_without_end_are_the_documents_fault(seed):
    body = b"[" * DEEP + b"]" * DEEP
    with pytest.raises(DocumentError):
        list(seed.parse(seed.with_body(body)))


def test_two_members_of_one_name_that_say_different_things_are_seen_and_said():
    assert json_text.read(b'{"a": 1, "b": {"a": 1, "a": 1}}', "x") == {"a": 1, "b": {"a": 1}}
    with pytest.raises(DocumentError, match="x: 'a' stands twice in one object, as 1 and 2; which of them counts"):
        json_text.read(b'{"b": [{"a": 1, "a": 2}]}', "x")


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("sec", '"val": ', '"val": 1, "val": '),
        ("sec", '"us-gaap": {', '"us-gaap": {"Revenues": {"units": {}}, "Revenues": {"units": {}}, '),
        ("azure", '"retailPrice": ', '"retailPrice": 0.5, "retailPrice": '),
        ("yahoo", '"currency": ', '"currency": "EUR", "currency": '),
        ("tiingo", '"close": ', '"close": 1.5, "close": '),
    ],
)
def test_a_figure_that_stands_twice_is_not_taken_as_the_last(name, old, new):
    (seed,) = (seed for seed in SEEDS if seed.name == name)
    text = json.dumps(json.loads(seed.body))
    body = text.replace(old, new, 1).replace('": ', '":')
    assert body != text
    with pytest.raises(DocumentError, match="stands twice in one object"):
        list(seed.parse(seed.with_body(body.encode())))


SPOILED = [
    ("skypilot", "gpu_1x_a10,A10", "gpu_0x_a10,A10"),
    ("skypilot", "gpu_1x_a10,A10", f"gpu_{'9' * 5_000}x_a10,A10"),
    ("skypilot", "InstanceType", "x" * 200_000),
    ("skypilot", "Region,", "Region,Price,"),
    ("reference_companies", "ticker", "x" * 200_000),
    ("epoch_hardware", "Hardware name", '"Hardware name'),
    ("amzn_filing", "2025-06-30", "9999-12-31"),
    ("amzn_filing", "0001018724<", "9" * 30 + "<"),
    ("amzn_filing", 'decimals="-9"', f'decimals="{"9" * 30}"'),
    ("vast", '"num_gpus": 8', '"num_gpus": 9223372036854775808'),
    ("tiingo", '"volume": ', f'"volume": "{"9" * 5_000}", "old": '),
]


@pytest.mark.parametrize(("name", "old", "new"), SPOILED)
def test_what_the_harness_once_found_costs_a_row_or_the_document(name, old, new):
    (seed,) = (seed for seed in SEEDS if seed.name == name)
    assert old.encode() in seed.body
    outcome(seed, seed.body.replace(old.encode(), new.encode()))


@pytest.mark.parametrize(
    ("name", "old", "new", "why"),
    [
        ("skypilot", "Region,", "Price,Region,", "two columns have the name Price"),
        ("amzn_filing", "<xbrli:unit ", '<xbrli:unit id="usd"><xbrli:measure>x:EUR</xbrli:measure></xbrli:unit><xbrli:unit ',
         "two different units have the id 'usd'"),
    ],
)  # fmt: skip
def test_a_name_that_stands_for_two_things_is_not_taken_as_the_last(name, old, new, why):
    (seed,) = (seed for seed in SEEDS if seed.name == name)
    assert old.encode() in seed.body
    with pytest.raises(DocumentError, match=why):
        list(seed.parse(seed.with_body(seed.body.replace(old.encode(), new.encode(), 1))))


def test_bound_files_whose_list_of_members_is_damaged_are_refused():
    """A version 25.5 of zip, a member that says it is encrypted, and one of bzip2 that is none, ended the source."""
    (seed,) = (seed for seed in SEEDS if seed.name == BOUND)
    for at, new in ((6, b"\xff"), (8, b"\x01"), (10, b"\x63"), (10, b"\x0c")):
        at += seed.body.index(b"PK\x01\x02")
        with pytest.raises(DocumentError, match="the bound files cannot be read"):
            list(seed.parse(seed.with_body(seed.body[:at] + new + seed.body[at + 1 :])))


@pytest.mark.parametrize("text", ["{", "", "1 2", "9" * 5_000, "nan", "[1,]"])
def test_what_json_does_not_have_is_no_json(text):
    with pytest.raises(DocumentError, match="x: this is not JSON"):
        json_text.read(text.encode(), "x")


@pytest.mark.parametrize("way", [12, 14], ids=["bzip2", "lzma"])
def test_bound_files_that_are_said_to_be_packed_otherwise_are_the_documents_fault(way):
    """The way of packing stands at 8 of a member and at 10 of its line in the list (APPNOTE, 4.3.7 and 4.3.12)."""
    (seed,) = (seed for seed in SEEDS if seed.name == "epoch_bound")
    body = bytearray(seed.body)
    for start, at in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        place = -1
        while (place := body.find(start, place + 1)) >= 0:
            body[place + at] = way
    assert outcome(seed, bytes(body)) == "refused"
