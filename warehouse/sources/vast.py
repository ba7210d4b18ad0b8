"""Offers on Vast.ai's marketplace. Off until the user states a licence.

Vast.ai's terms (2026-09-01) forbid automated collection and any index made from its data. So this source asks nothing
unless `vast` stands in OVERBUILD_LICENSED_SOURCES. With that setting the user states to hold a licence; the rows say so.

`dph_total` is dollars per hour of the whole offer and is divided by `num_gpus`. `gpu_frac` is the offer's part of the
machine, not of a GPU. Only offers of verified hosts count, since nobody vouches for the others. A GPU that is rented
already is not on offer. An offer gets a new number whenever its host changes the ask. The machine keeps its number, so
the machine identifies the offer.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from warehouse.settings import Settings
from warehouse.sources.common.gpu_names import ANYBODY
from warehouse.sources.common.gpu_offers import Offers, check_fields, items_of, json_of, read_each
from warehouse.sources.common.reasons import reason
from warehouse.sources.common.source import Batch, Document, Fetching, Received, Source

NAME = "vast"
HOST = "console.vast.ai"
ADDRESS = f"https://{HOST}/api/v0/bundles/"
PROVIDER = "Vast.ai"
# The chips that the comparison needs most, each asked for by itself: an answer holds a limited number of offers.
CHIPS = ("H100 SXM", "H100 NVL", "H100 PCIE", "H200", "B200", "A100 SXM4", "A100 PCIE", "RTX 4090", "RTX 5090")
REQUIRED = ("id", "gpu_name", "num_gpus", "dph_total")


def ready(settings: Settings) -> str | None:
    if NAME in settings.licensed_sources:
        return None
    return (
        "Vast.ai's terms forbid automated collection and any index made from its data; if you hold a licence, name "
        f"{NAME} in OVERBUILD_LICENSED_SOURCES"
    )


def fetch(fetching: Fetching) -> Iterator[Received]:
    for chip in CHIPS:
        asked = {"gpu_name": {"eq": chip}, "rentable": {"eq": True}, "verified": {"eq": True}, "type": "on-demand"}
        received = fetching.get(ADDRESS, name=f"vast {chip}", expect="json", params={"q": json.dumps(asked)})
        if received is not None:
            yield received


def parse(document: Document) -> Iterator[Batch]:
    items = items_of(json_of(document), "offers", document)
    offers = Offers(NAME, document, grade="B", terms_note="read under a licence that the user stated to hold")
    # The offers have some seventy fields that come and go: what is new among them is no news.
    check_fields(items, REQUIRED, frozenset().union(*items), offers)
    yield from read_each(
        offers, items, REQUIRED, lambda number, item: f"offer {number}, id {item.get('id', '?')}", _read
    )


def _read(item: dict[str, Any], locator: str, offers: Offers) -> None:
    name = str(item["gpu_name"])
    if item.get("rented") or item.get("rentable") is False:
        offers.leave_out(reason("not_for_rent"), name)
        return
    if item.get("verification") not in (None, "verified"):
        offers.leave_out(reason("unverified_host"), name)
        return
    gpus = offers.number(item["num_gpus"], "num_gpus")
    price = offers.price(item["dph_total"], "dph_total", item, locator)
    if price is None:
        return
    memory = offers.number(item.get("gpu_ram"), "gpu_ram")
    named = offers.chip(((PROVIDER, name), (ANYBODY, name)), item, locator, memory_gb=memory / 1024 if memory else None)
    if named is None:
        return
    count = offers.count(named, gpus, name)
    if count is None:
        offers.quarantine(item, reason("not_a_gpu_count", column="num_gpus", found=str(item["num_gpus"])), locator)
        return
    offers.add(
        provider=PROVIDER,
        provider_class="marketplace",
        instance=f"{name} machine {item['machine_id']}" if item.get("machine_id") else f"{name} offer {item['id']}",
        gpu_model=named.gpu_model,
        gpu_count=count,
        usd_per_gpu_hour=price / count,
        kind="spot" if item.get("is_bid") is True else "marketplace",
        region=str(item.get("geolocation") or "").strip(" ,"),
        locator=locator,
        citation=ADDRESS,
        note=named.note,
    )


SOURCES = (
    Source(
        name=NAME,
        kind="live",
        feed="gpu",
        gives="offers of verified hosts on Vast.ai's marketplace",
        tables=("gpu_prices",),
        fetch=fetch,
        parse=parse,
        judges_rows=True,
        terms="forbids automated collection and any index made from its data (terms of 2026-09-01): needs a licence",
        passed_on=False,
        needs="a licence, stated in OVERBUILD_LICENSED_SOURCES",
        host=HOST,
        host_setting="OVERBUILD_VAST_URL",
        requests_per_second=0.5,
        max_bytes=20_000_000,
        ready=ready,
        optional=True,
        licensed=True,
    ),
)
