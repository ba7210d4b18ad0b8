"""Every kind of source meets the same hostile bodies: figures that are none, names that stand twice, nesting without end.

What a header says of a body is judged where it is received (tests/fetching); here the body alone counts.
"""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest

from tests.sources.figures import KEYS
from tests.sources.mutations import DEEP, SEEDS, Seed, _places, outcome
from warehouse.errors import DocumentError
from warehouse.tables import CORE

JSON = [seed for seed in SEEDS if seed.is_json]
OFFERS = ("aws", "azure", "oracle", "gpurentalprices", "lambda", "vast", "runpod")
PRICES = ("yahoo", "tiingo")
BAD = ("0", "-1", "-0.0", "1e400", "-1e400", "1e-400", "NaN", "Infinity", '"0"', '"-3"', '"NaN"', '"1e400"', "9" * 400)
NOT_READ: dict[str, set[str]] = defaultdict(
    set,
    sec={"label", "description", "entityName", "frame", "cik"},
    aws={"formatVersion", "disclaimer", "offerCode", "version", "publicationDate", "description"},
)
"""Members that a source passes over as it reads; whatever they say, no row says it."""
FIGURES = {"oracle": {"value"}, "lambda": {"price_cents_per_hour"}, "gpurentalprices": None, "runpod": None}
"""Members with figures where `KEYS` has none: these, or every number."""


def figures(seed: Seed, tree: Any) -> list[tuple[Any, Any]]:
    """Each place of a figure: what holds it, and its key."""
    named = KEYS.get(seed.name) or FIGURES.get(seed.name)
    found = []
    for holder, key in _places(tree):
        value = holder[key]
        for inner, at in ((value, at) for at in range(len(value))) if isinstance(value, list) else ((holder, key),):
            is_figure = isinstance(inner[at], int | float) and not isinstance(inner[at], bool)
            is_text = isinstance(inner[at], str) and inner[at].replace(".", "", 1).isdigit()
            if (named is None and is_figure) or (named is not None and key in named and (is_figure or is_text)):
                found.append((inner, at))
    return found


def spoiled(seed: Seed, literal: str) -> Iterator[bytes]:
    """The body with one of its first figures in other words, each in turn, and with all of them so."""
    count = len(figures(seed, json.loads(seed.body)))
    assert count
    for chosen in (*[{at} for at in range(min(count, 4))], set(range(count))):
        tree = json.loads(seed.body)
        for at, (holder, key) in enumerate(figures(seed, tree)):
            if at in chosen:
                holder[key] = "\x00figure"
        yield json.dumps(tree).replace(json.dumps("\x00figure"), literal).encode()


@pytest.mark.parametrize("literal", BAD, ids=lambda literal: literal[:12])
@pytest.mark.parametrize(
    "seed", [seed for seed in SEEDS if seed.name in (*OFFERS, *PRICES)], ids=lambda seed: seed.name
)
def test_a_price_that_is_none_becomes_no_price(seed, literal):
    """`outcome` holds every price of an offer above zero, and every figure finite. A bar's range is held by a check."""
    for body in spoiled(seed, literal):
        assert outcome(seed, body) in ("rows", "empty", "refused")
    if seed.name in PRICES:
        assert CORE["stock_prices"].column("close").above == 0


@pytest.mark.parametrize("seed", JSON, ids=lambda seed: seed.name)
def test_a_member_that_stands_twice_and_says_two_things_is_seen_in_every_source(seed):
    """Whichever object of the document it is in."""
    text, seen = json.dumps(json.loads(seed.body)), defaultdict(set)
    for holder, key in _places(json.loads(seed.body)):
        if isinstance(holder, dict) and not isinstance(holder[key], dict | list) and key not in NOT_READ[seed.name]:
            once = f"{json.dumps(key)}: {json.dumps(holder[key])}"
            for first in (f'{json.dumps(key)}: "another", ', f'"\\u{ord(key[0]):04x}{key[1:]}" : 5.503, '):
                seen[key].add(said(seed, text.replace(once, first + once, 1)))
    assert {key for key, outcomes in seen.items() if outcomes == {"rows"}} == set()
    assert any("stands twice" in each for outcomes in seen.values() for each in outcomes)
    if seed.name not in ("aws", "sec"):  # of which most products, and other units, are passed over
        assert not {key for key, outcomes in seen.items() if "rows" in outcomes}


def said(seed: Seed, body: str) -> str:
    """Why a body is refused, or `rows`."""
    try:
        list(seed.parse(seed.with_body(body.encode())))
    except DocumentError as error:
        return str(error)
    return "rows"


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: seed.name)
def test_nesting_without_end_is_the_documents_fault_in_every_form(seed):
    bodies = [b"[" * DEEP, b'{"a":' * DEEP, b"<a>" * DEEP, b'"' * (DEEP + 1), seed.body + b"[" * DEEP]
    bodies.append(seed.body.replace(b"<xbrli:context", b"<p>" * DEEP + b"<xbrli:context", 1))
    for body in bodies:
        if body != seed.body:
            assert outcome(seed, body) in (
                "refused",
                "rows" if body.startswith(seed.body) or b"<xbrli" in body else "refused",
            )


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: seed.name)
def test_a_packed_body_that_is_cut_anywhere_is_refused(seed):
    """Two bytes that begin like gzip ended AWS's source."""
    packed = gzip.compress(seed.body)
    for length in (2, 3, 9, 10, 11, 20, len(packed) // 2, len(packed) - 9, len(packed) - 1):
        assert outcome(seed, packed[:length]) == "refused", length
