"""List prices of Amazon's GPU and Trainium instances, from the regional price list of EC2 (no key).

The list of one region is a single JSON object of hundreds of megabytes. First comes every product, then every price of
every product under another key. Reading it whole would need gigabytes. So it is read as a stream, once. The few hundred
products that matter are remembered, and of the terms only theirs are built. The rest is passed over by counting
brackets.

One region is read (`us-east-1`, where the snapshot's prices are from too). The list of another has the same prices or
higher ones, at the same hundreds of megabytes. Prices are text. A product counts when it is a Linux node with shared
tenancy, without software in the price and really used. Dedicated hosts, unused reservations and capacity blocks stand
in the same list, some of them at zero. Reserved is the standard one without payment upfront, so that its hourly price
is all of it.
"""

from __future__ import annotations

import re
import zlib
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, Protocol, cast

import ijson

from warehouse.errors import DocumentError
from warehouse.sources.common import unpacking
from warehouse.sources.common.gpu_names import look_up
from warehouse.sources.common.gpu_offers import Offers
from warehouse.sources.common.reasons import reason
from warehouse.sources.common.source import Batch, Document, Fetching, Received, Source

HOST = "pricing.us-east-1.amazonaws.com"
REGION = "us-east-1"
ADDRESS = f"https://{HOST}/offers/v1.0/aws/AmazonEC2/current/{REGION}/index.json"
PROVIDER = "Amazon Web Services"
ASKED = {
    "operatingSystem": "Linux",
    "tenancy": "Shared",
    "preInstalledSw": "NA",
    "capacitystatus": "Used",
}
# Newer lists say how a product is bought; older ones do not have the attribute.
MARKET = ("marketoption", "OnDemand")
# Families in which a name that no table holds is news, though some of them state no count of GPUs (Trainium).
FAMILIES = ("GPU instance", "Machine Learning ASIC Instances")
LEASES = {"1yr": "reserved_1y", "3yr": "reserved_3y"}
PRODUCTS, ON_DEMAND, RESERVED = ("products",), ("terms", "OnDemand"), ("terms", "Reserved")
LONGEST_TEXT_BYTES = 1 << 20
"""Names and descriptions in the list are some hundred bytes long."""
_QUOTE = re.compile(rb'(?<!\\)"')
_OPEN, _CLOSE = frozenset({"start_map", "start_array"}), frozenset({"end_map", "end_array"})


class SupportsRead(Protocol):
    """Something to read bytes from."""

    def read(self, size: int = -1, /) -> bytes | None: ...


def fetch(fetching: Fetching) -> Iterator[Received]:
    received = fetching.get(ADDRESS, name=f"aws {REGION} price list", expect="json")
    if received is not None:
        yield received


def parse(document: Document) -> Iterator[Batch]:
    offers = Offers("aws", document, grade="A")
    wanted: dict[str, dict[str, Any]] = {}
    seen: set[tuple[str, ...]] = set()
    taken: set[tuple[str, ...]] = set()
    try:
        with opened(document) as file:
            for path, sku, value in members(file, {PRODUCTS: None, ON_DEMAND: wanted, RESERVED: wanted}):
                seen.add(path)
                if (*path, sku) in taken:
                    raise ValueError(f"{sku!r} stands twice in one object; which of them counts cannot be known")
                if path == PRODUCTS:
                    if (attributes := _attributes(sku, value, offers)) is not None:
                        wanted[sku] = attributes
                        taken.add((*path, sku))
                else:
                    taken.add((*path, sku))
                    with offers.row({"sku": sku, "terms": value}, f"sku {sku}"):
                        _read(sku, wanted[sku], value, path == RESERVED, offers)
    except (ijson.JSONError, EOFError, OSError, zlib.error, ValueError, RecursionError) as error:
        raise DocumentError(
            document.name,
            f"the list breaks off or is not JSON ({_first_line(error)}); nothing of it is loaded. Get it again.",
        ) from error
    if ON_DEMAND not in seen:
        raise DocumentError(
            document.name,
            "it has no on-demand prices of a known GPU instance after its products; it is not the "
            "price list of EC2, or its form changed. The document is kept.",
        )
    yield from offers.batches()


@contextmanager
def opened(document: Document) -> Iterator[BinaryIO]:
    """The document as a stream, unpacked where it is compressed, with no text in it longer than LONGEST_TEXT_BYTES."""
    with document.open() as raw:
        plain = unpacking.plain(raw)
        head = plain.read(len(BOM_UTF8))
        yield cast(BinaryIO, _ShortTexts(plain, head.removeprefix(BOM_UTF8)))


class _ShortTexts:
    """`head` and then the rest of a stream, which ends with a ValueError at a text or number too long to be one of the list.

    The JSON reader starts a text again with each piece it gets, so that the time for one grows with its length squared.
    """

    def __init__(self, file: SupportsRead, head: bytes = b"", longest: int = LONGEST_TEXT_BYTES) -> None:
        self._file, self._head, self._longest = file, head, longest
        self._since_quote, self._escaped = 0, False

    def read(self, size: int = -1) -> bytes:
        piece = self._head if size and self._head else self._file.read(size) or b""
        self._head = b"" if size else self._head
        first, last = _quotes(piece, self._escaped)
        if self._since_quote + (len(piece) if first is None else first) > self._longest:
            raise ValueError(f"a text or number in it is longer than {self._longest:,} bytes")
        self._since_quote = self._since_quote + len(piece) if last is None else len(piece) - last
        self._escaped = piece[-1:] == b"\\"
        return piece


def _quotes(piece: bytes, escaped: bool) -> tuple[int | None, int | None]:
    """Where the first and the last quotation mark stand that no backslash precedes; None where there is none."""
    first = next((found.start() for found in _QUOTE.finditer(piece) if found.start() or not escaped), None)
    if first is None:
        return None, None
    last = len(piece)
    while (last := piece.rfind(b'"', first, last)) > first and piece[last - 1 : last] == b"\\":
        pass
    return first, last


def members(
    file: BinaryIO, wanted: dict[tuple[str, ...], Iterable[str] | None]
) -> Iterator[tuple[tuple[str, ...], str, Any]]:
    """(path, key, value) of each member of the objects at the `wanted` paths, in one pass and bounded memory.

    With a path stand the keys whose members are built (all where None). The container is asked anew for each member, so
    it may grow while reading. Everything else is passed over.
    """
    events: Iterator[tuple[str, Any]] = ijson.basic_parse(file, use_float=True)
    prefixes = {path[:length] for path in wanted for length in range(len(path) + 1)}
    path: tuple[str, ...] = ()
    key = ""
    for event, value in events:
        if event == "map_key":
            key = value
            if path in wanted:
                keys = wanted[path]
                if keys is None or key in keys:
                    yield path, key, _built(events, *next(events))
                else:
                    _skip(events, next(events)[0])
            elif (*path, key) not in prefixes:
                _skip(events, next(events)[0])
        elif event == "start_map":
            path = (*path, key) if key else ()
        elif event == "end_map":
            path = path[:-1]
            key = path[-1] if path else ""
        elif event == "start_array":
            _skip(events, event)


def _skip(events: Iterator[tuple[str, Any]], event: str) -> None:
    """Pass over a value whose first event was taken already."""
    depth = int(event in _OPEN)
    while depth:
        event, _ = next(events)
        if event in _OPEN:
            depth += 1
        elif event in _CLOSE:
            depth -= 1


def _built(events: Iterator[tuple[str, Any]], event: str, value: Any) -> Any:
    if event == "start_map":
        found: dict[str, Any] = {}
        while (step := next(events))[0] != "end_map":
            built = _built(events, *next(events))
            if found.setdefault(step[1], built) != built:
                raise ValueError(f"{step[1]!r} stands twice in one object; which of them counts cannot be known")
        return found
    if event == "start_array":
        items = []
        while (step := next(events))[0] != "end_array":
            items.append(_built(events, *step))
        return items
    return value


def _attributes(sku: str, product: Any, offers: Offers) -> dict[str, Any] | None:
    """Attributes of a product that counts, or None. An unknown GPU instance is quarantined here, once."""
    attributes = product.get("attributes") if isinstance(product, dict) else None
    if not isinstance(attributes, dict) or not (instance := attributes.get("instanceType")):
        return None
    if any(attributes.get(name) != value for name, value in ASKED.items()):
        return None
    if attributes.get(MARKET[0], MARKET[1]) != MARKET[1]:
        return None
    known = look_up(str(instance), PROVIDER)
    gpus = str(attributes.get("gpu") or "0")
    if known is None and gpus in ("0", "NA") and attributes.get("instanceFamily") not in FAMILIES:
        return None
    named = offers.chip(((PROVIDER, str(instance)),), attributes, f"sku {sku}")
    if named is None:
        return None
    listed = None if gpus in ("0", "NA") else offers.number(gpus, "gpu", text=True)
    count = offers.count(named, listed, str(instance))
    return None if count is None else {**attributes, "model": named.gpu_model, "count": count, "note": named.note}


def _read(sku: str, product: dict[str, Any], terms: Any, reserved: bool, offers: Offers) -> None:
    """The prices of one product under one kind of term."""
    for code, term in terms.items() if isinstance(terms, dict) else ():
        kind = _kind(term, reserved)
        if kind is None:
            continue
        for price_code, dimension in (term.get("priceDimensions") or {}).items():
            locator = f"sku {sku}, {price_code if price_code.startswith(sku) else f'{code}.{price_code}'}"
            raw = {"sku": sku, "instanceType": product["instanceType"], "term": kind, **dimension}
            if dimension.get("unit") != "Hrs":
                offers.quarantine(
                    raw, reason("other_unit", column="unit", found=dimension.get("unit"), wanted="Hrs"), locator
                )
                continue
            prices = dimension.get("pricePerUnit") or {}
            if "USD" not in prices:
                offers.quarantine(raw, reason("other_currency", column="pricePerUnit", found=list(prices)), locator)
                continue
            price = offers.price(prices["USD"], "pricePerUnit", raw, locator, text=True)
            if price is not None:
                offers.add(
                    provider=PROVIDER,
                    provider_class="hyperscaler",
                    instance=str(product["instanceType"]),
                    gpu_model=str(product["model"]),
                    gpu_count=int(product["count"]),
                    usd_per_gpu_hour=price / int(product["count"]),
                    kind=kind,
                    region=str(product.get("regionCode") or REGION),
                    locator=locator,
                    citation=ADDRESS,
                    note=str(product["note"]),
                )


def _first_line(error: Exception) -> str:
    """What went wrong, without the drawing of the place that the JSON reader adds."""
    return (str(error).splitlines() or [type(error).__name__])[0].strip()


def _kind(term: Any, reserved: bool) -> str | None:
    """The kind of a term; None for the ones that are not compared (convertible, paid upfront)."""
    if not reserved:
        return "on_demand"
    said = term.get("termAttributes") or {}
    if said.get("OfferingClass") != "standard" or said.get("PurchaseOption") != "No Upfront":
        return None
    return LEASES.get(str(said.get("LeaseContractLength")))


SOURCES = (
    Source(
        name="aws",
        kind="live",
        feed="gpu",
        gives=f"list and reserved prices of Amazon's GPU and Trainium instances in {REGION}",
        tables=("gpu_prices",),
        fetch=fetch,
        parse=parse,
        judges_rows=True,
        terms="Amazon's public price list; no key, for information only; asked once a day and only when it changed",
        host=HOST,
        host_setting="OVERBUILD_AWS_PRICES_URL",
        requests_per_second=1.0,
        max_bytes=1_500_000_000,
    ),
)
