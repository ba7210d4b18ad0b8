"""Oracle's list prices of GPUs, from the price list behind its cost estimator (no key).

The list has everything that Oracle's cloud sells, under one part number each. A rental price of a GPU is metered "GPU
Per Hour". So is a software licence ("NVIDIA AI Enterprise - H100" at 2.50), which public indices have taken for an
H100. Nodes of VMware and devices by the day are other units. The price is the same in every region, and for one GPU
already, though most are sold as whole nodes only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from warehouse.errors import DocumentError
from warehouse.sources.common.gpu_names import ANYBODY
from warehouse.sources.common.gpu_offers import Offers, check_fields, items_of, json_of, read_each
from warehouse.sources.common.reasons import reason
from warehouse.sources.common.source import Batch, Document, Fetching, Received, Source

HOST = "apexapps.oracle.com"
ADDRESS = f"https://{HOST}/pls/apex/cetools/api/v1/products/"
PROVIDER = "Oracle Cloud"
UNIT = "gpu per hour"
MODEL = "PAY_AS_YOU_GO"
REQUIRED = ("partNumber", "displayName", "metricName", "currencyCodeLocalizations")
KNOWN = frozenset({*REQUIRED, "serviceCategory", "serviceCategoryDisplayName", "skuType"})
_LICENCE = re.compile(r"enterprise|licen[cs]e|software|support", re.IGNORECASE)
# What stands around the chip in a display name such as "OCI - Compute - GPU - H100".
_AROUND = re.compile(
    r"^\s*(oci|oracle cloud infrastructure|compute|bare metal|virtual machine|gpu|[\s-])+\s*", re.IGNORECASE
)
# Oracle's generation of the machine that the chip is in ("H100 - X9"); "v2" is another chip and stays.
_GENERATION = re.compile(r"\s*-\s*X\d+\s*$")


def fetch(fetching: Fetching) -> Iterator[Received]:
    received = fetching.get(ADDRESS, name="oracle price list", expect="json", params={"currencyCode": "USD"})
    if received is not None:
        yield received


def parse(document: Document) -> Iterator[Batch]:
    items = items_of(json_of(document), "items", document)
    offers = Offers("oracle", document, grade="A")
    about_gpus = [item for item in items if re.search(r"\bGPU", f"{item.get('displayName')} {item.get('metricName')}")]
    check_fields(items, REQUIRED, KNOWN, offers)
    if not about_gpus:
        raise DocumentError(
            document.name,
            f"none of its {len(items)} products is about GPUs; the list changed, or is another one. "
            "The document is kept.",
        )
    yield from read_each(
        offers, about_gpus, REQUIRED, lambda number, item: f"part {item.get('partNumber') or '?'}", _read
    )


def _read(item: dict[str, Any], locator: str, offers: Offers) -> None:
    part, name = str(item["partNumber"]), str(item["displayName"])
    if _LICENCE.search(name):
        offers.leave_out(reason("software_licence"), name)
        return
    if " ".join(str(item["metricName"]).lower().split()) != UNIT:
        offers.leave_out(reason("other_metric", found=item["metricName"]), name)
        return
    prices = {
        str(entry.get("currencyCode")): entry.get("prices") or []
        for entry in item["currencyCodeLocalizations"]
        if isinstance(entry, dict)
    }
    if "USD" not in prices:
        offers.quarantine(item, reason("other_currency", column="currencyCode", found=list(prices)), locator)
        return
    payg = [price for price in prices["USD"] if isinstance(price, dict) and price.get("model") == MODEL]
    values = [price.get("value") for price in payg if not price.get("rangeMin")]
    if tiers := len(payg) - len(values):
        offers.leave_out(reason("larger_quantities", tiers=tiers), name)
    if not values:
        offers.quarantine(item, reason("no_price_of_model", model=MODEL), locator)
        return
    chip = _AROUND.sub("", name)
    bare = _GENERATION.sub("", chip)
    named = offers.chip(
        ((PROVIDER, part), (PROVIDER, chip), (ANYBODY, chip), (PROVIDER, bare), (ANYBODY, bare)), item, locator
    )
    if named is None:
        return
    for value in values:
        price = offers.price(value, "value", item, locator)
        if price is not None:
            offers.add(
                provider=PROVIDER,
                provider_class="hyperscaler",
                instance=part,
                gpu_model=named.gpu_model,
                gpu_count=1,
                usd_per_gpu_hour=price,
                kind="on_demand",
                region="all",
                locator=locator,
                citation=ADDRESS,
                note=name,
            )


SOURCES = (
    Source(
        name="oracle",
        kind="live",
        feed="gpu",
        gives="Oracle's list prices of GPUs, the same in every region",
        tables=("gpu_prices",),
        fetch=fetch,
        parse=parse,
        judges_rows=True,
        terms="Oracle's public price list, for information only; no key; asked once a day",
        host=HOST,
        host_setting="OVERBUILD_ORACLE_PRICES_URL",
        requests_per_second=1.0,
        max_bytes=50_000_000,
    ),
)
