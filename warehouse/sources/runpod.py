"""RunPod's prices by GPU type, from its GraphQL interface. Off until the user states a licence.

RunPod's terms (2026-03-24) forbid automated access. So this source asks nothing unless `runpod` stands in
OVERBUILD_LICENSED_SOURCES. With that setting the user states to hold a licence; the rows say so.

Prices are for one GPU. Zero means "not offered". Secure prices are RunPod's own. Community prices come from a
marketplace, whose list also has prices of chips that nobody offers. They count as marketplace, never as on demand.
Spot often equals on demand: such a price is kept, with a note.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from warehouse.errors import DocumentError
from warehouse.settings import Setting, Settings
from warehouse.sources.common.gpu_names import ANYBODY
from warehouse.sources.common.gpu_offers import Offers, check_fields, items_of, json_of
from warehouse.sources.common.reasons import reason
from warehouse.sources.common.source import Batch, Document, Fetching, Received, Source

NAME = "runpod"
HOST = "api.runpod.io"
ADDRESS = f"https://{HOST}/graphql"
PROVIDER = "RunPod"
KEY = Setting("OVERBUILD_RUNPOD_KEY")
# field: kind of price, class of provider, which of its offers
PRICES = {
    "securePrice": ("on_demand", "specialist", "secure"),
    "secureSpotPrice": ("spot", "specialist", "secure"),
    "communityPrice": ("marketplace", "marketplace", "community"),
    "communitySpotPrice": ("spot", "marketplace", "community"),
}
QUERY = "query { gpuTypes { id displayName memoryInGb " + " ".join(PRICES) + " } }"
REQUIRED = ("id", "displayName", "securePrice", "communityPrice")
KNOWN = frozenset({*REQUIRED, *PRICES, "memoryInGb", "lowestPrice", "secureCloud", "communityCloud", "maxGpuCount"})


def ready(settings: Settings) -> str | None:
    if NAME in settings.licensed_sources:
        return None
    return f"RunPod's terms forbid automated access; if you hold a licence, name {NAME} in OVERBUILD_LICENSED_SOURCES"


def fetch(fetching: Fetching) -> Iterator[Received]:
    # From this type of the (absent) body the interface sees that no form of a browser sent the request.
    headers = {"Content-Type": "application/json"}
    if key := KEY.of(fetching.settings):
        headers["Authorization"] = f"Bearer {key}"
    received = fetching.get(ADDRESS, name="runpod gpu types", expect="json", params={"query": QUERY}, headers=headers)
    if received is not None:
        yield received


def parse(document: Document) -> Iterator[Batch]:
    found = json_of(document)
    if errors := found.get("errors"):
        raise DocumentError(document.name, f"the interface answered with an error: {str(errors)[:200]}")
    data = found.get("data")
    items = items_of(data if isinstance(data, dict) else {}, "gpuTypes", document)
    offers = Offers(NAME, document, grade="B", terms_note="read under a licence that the user stated to hold")
    check_fields(items, REQUIRED, KNOWN, offers)
    for item in items:
        for price_field in PRICES:
            if price_field in item:
                with offers.row(item, f"gpu type {item.get('id', '?')}, {price_field}"):
                    _read(item, price_field, offers)
    yield from offers.batches()


def _read(item: dict[str, Any], price_field: str, offers: Offers) -> None:
    kind, provider_class, cloud = PRICES[price_field]
    name = str(item.get("id") or item.get("displayName") or "")
    locator = f"gpu type {name}, {price_field}"
    value = item[price_field]
    if value is None or value == 0:
        offers.leave_out(reason("not_offered", column=price_field), name)
        return
    price = offers.price(value, price_field, item, locator)
    if price is None:
        return
    memory = offers.number(item.get("memoryInGb"), "memoryInGb")
    names = ((PROVIDER, name), (ANYBODY, name), (ANYBODY, str(item.get("displayName") or "")))
    named = offers.chip(names, item, locator, memory_gb=memory)
    if named is None:
        return
    offers.add(
        provider=PROVIDER,
        provider_class=provider_class,
        instance=f"{item.get('displayName') or name} {cloud}",
        gpu_model=named.gpu_model,
        gpu_count=1,
        usd_per_gpu_hour=price,
        kind=kind,
        region="",
        locator=locator,
        citation=ADDRESS,
        note=named.note,
    )


SOURCES = (
    Source(
        name=NAME,
        kind="live",
        feed="gpu",
        gives="RunPod's secure and community prices by GPU type",
        tables=("gpu_prices",),
        fetch=fetch,
        parse=parse,
        judges_rows=True,
        terms="forbids automated access (terms of 2026-03-24): needs a licence",
        passed_on=False,
        needs="a licence, stated in OVERBUILD_LICENSED_SOURCES",
        host=HOST,
        host_setting="OVERBUILD_RUNPOD_URL",
        requests_per_second=0.5,
        max_bytes=10_000_000,
        ready=ready,
        optional=True,
        licensed=True,
    ),
)
