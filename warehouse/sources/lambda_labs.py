"""List prices of Lambda's instances, from its cloud interface (needs a key).

Prices are cents per hour for the whole instance, so a node of eight H100 reads 3192. Others publish the
list without a key; this source is for users who have a key and want the list at first hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from warehouse.errors import DocumentError
from warehouse.settings import Setting, Settings
from warehouse.sources.common.gpu_names import ANYBODY
from warehouse.sources.common.gpu_offers import Offers, json_of
from warehouse.sources.common.reasons import reason
from warehouse.sources.common.source import Batch, Document, Fetching, Received, Source

HOST = "cloud.lambda.ai"
ADDRESS = f"https://{HOST}/api/v1/instance-types"
PROVIDER = "Lambda Labs"
KEY = Setting("OVERBUILD_LAMBDA_KEY")


def ready(settings: Settings) -> str | None:
    return None if KEY.of(settings) else f"set {KEY.name} to a key of Lambda's cloud interface"


def fetch(fetching: Fetching) -> Iterator[Received]:
    key = KEY.of(fetching.settings)
    received = fetching.get(
        ADDRESS, name="lambda instance types", expect="json", headers={"Authorization": f"Bearer {key}"}
    )
    if received is not None:
        yield received


def parse(document: Document) -> Iterator[Batch]:
    found = json_of(document).get("data")
    if not isinstance(found, dict):
        raise DocumentError(document.name, "there is no object of instance types under 'data'; the form changed.")
    offers = Offers("lambda_labs", document, grade="A")
    for name, entry in found.items():
        with offers.row({"name": name, "entry": entry}, f"instance type {name}"):
            _read(str(name), entry, offers)
    yield from offers.batches()


def _read(name: str, entry: Any, offers: Offers) -> None:
    locator = f"instance type {name}"
    kind = entry.get("instance_type") if isinstance(entry, dict) else None
    if not isinstance(kind, dict) or "price_cents_per_hour" not in kind:
        offers.quarantine(
            {"name": name, "entry": entry}, reason("missing_field", columns=["price_cents_per_hour"]), locator
        )
        return
    specs = kind.get("specs")
    listed = offers.number(specs.get("gpus"), "gpus") if isinstance(specs, dict) else None
    if listed == 0 or name.startswith("cpu_"):
        offers.leave_out(reason("no_gpu"), name)
        return
    cents = offers.price(kind["price_cents_per_hour"], "price_cents_per_hour", kind, locator)
    if cents is None:
        return
    named = offers.chip(((PROVIDER, name), (ANYBODY, str(kind.get("gpu_description") or ""))), kind, locator)
    if named is None:
        return
    count = offers.count(named, listed, name)
    if count is None:
        offers.quarantine(kind, reason("gpu_count_unknown", column="gpus", instance=name), locator)
        return
    offers.add(
        provider=PROVIDER,
        provider_class="specialist",
        instance=name,
        gpu_model=named.gpu_model,
        gpu_count=count,
        usd_per_gpu_hour=cents / 100 / count,
        kind="on_demand",
        region="",
        locator=locator,
        citation=ADDRESS,
        note=named.note,
    )


SOURCES = (
    Source(
        name="lambda_labs",
        kind="live",
        feed="gpu",
        gives="list prices of Lambda's instances at first hand",
        tables=("gpu_prices",),
        fetch=fetch,
        parse=parse,
        judges_rows=True,
        terms="Lambda's interface for its customers, under the terms of the user's own account",
        passed_on=False,
        needs=KEY.name,
        host=HOST,
        host_setting="OVERBUILD_LAMBDA_URL",
        requests_per_second=0.5,
        max_bytes=10_000_000,
        ready=ready,
        optional=True,
    ),
)
