"""List prices of Microsoft Azure's GPU sizes, from its Retail Prices interface (no key).

What the list makes easy to get wrong:

- Windows and Linux rows of a size share `meterName` and `armSkuName`; only `productName` distinguishes them.
- "Spot" and "Low Priority" are suffixes of the meter and of the SKU. Low Priority is for one batch service only and is
  left out.
- The list shows prices before they begin and after they have ended.
- A reservation's price is for the whole term of one or three years, although `unitOfMeasure` says "1 Hour".
- The price is the node's. The list has no count of GPUs, so the count comes from the table of names.
- Prices of one size differ by region up to 1.9 times. So a few regions of the United States and Europe are asked for
  (`REGIONS`), the same ones every day. All of them would be some forty times the rows, of chips that are priced alike.
- The pages are chained by `NextPageLink`. A page that repeats an earlier one, or a link to another host, stops the
  source. Following it would either never end or read somebody else's prices.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import date
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from warehouse.errors import StoppedError
from warehouse.settings import Setting, Settings
from warehouse.sources.common.gpu_offers import HOURS_A_YEAR, Offers, check_fields, items_of, json_of, read_each
from warehouse.sources.common.reasons import Reason, reason
from warehouse.sources.common.source import Batch, Document, Fetching, Received, Source

HOST = "prices.azure.com"
ADDRESS = f"https://{HOST}/api/retail/prices"
API_VERSION = "2023-01-01-preview"
PROVIDER = "Microsoft Azure"
BASE = Setting("OVERBUILD_AZURE_PRICES_URL")
REGIONS = ("eastus", "eastus2", "southcentralus", "westus3", "westeurope", "swedencentral")
# NC, ND: computing; NV: graphics, with the A10s that are also rented for inference.
FAMILIES = ("Standard_NC", "Standard_ND", "Standard_NV")
MAX_PAGES = 500
SERVICE = "Virtual Machines"
# Software that is in the price of a row, by words of its product; "Win" is also short for it ("NCCadsv5 Srs Win").
_LICENCE = re.compile(r"\b(win(dows)?|red hat|rhel|suse|sles|ubuntu pro|sql)\b", re.IGNORECASE)
TERMS = {"1 Year": ("reserved_1y", 1), "3 Years": ("reserved_3y", 3)}
REQUIRED = (
    "currencyCode", "retailPrice", "armRegionName", "meterName", "productName", "unitOfMeasure", "type", "armSkuName",
)  # fmt: skip
KNOWN = frozenset({
    *REQUIRED, "tierMinimumUnits", "unitPrice", "location", "effectiveStartDate", "effectiveEndDate", "meterId",
    "productId", "skuId", "skuName", "serviceName", "serviceId", "serviceFamily", "isPrimaryMeterRegion",
    "reservationTerm", "savingsPlan", "availabilityId",
})  # fmt: skip


def query() -> dict[str, str]:
    """What is asked for: GPU sizes in the declared regions, one list in pages."""
    regions = " or ".join(f"armRegionName eq '{region}'" for region in REGIONS)
    sizes = " or ".join(f"contains(armSkuName, '{family}')" for family in FAMILIES)
    return {
        "api-version": API_VERSION,
        "currencyCode": "USD",
        "$filter": f"serviceName eq '{SERVICE}' and ({regions}) and ({sizes})",
    }


def fetch(fetching: Fetching) -> Iterator[Received]:
    seen: dict[str, int] = {}
    links: set[str] = set()
    address, params = ADDRESS, query()
    for number in range(1, MAX_PAGES + 1):
        page = fetching.get(address, name=f"azure page {number}", expect="json", params=params)
        if page is None:
            return
        digest = hashlib.sha256(_bytes(page)).hexdigest()
        if digest in seen:
            raise StoppedError(
                f"{page.name}: it repeats page {seen[digest]} byte for byte, so the chain of pages would never end. "
                f"Pages 1 to {number - 1} are kept; run again later."
            )
        seen[digest] = number
        if number == 1 and json_of(page.document()).get("Items") == []:
            fetching.failed(page.name, "it lists no price, which it never did; perhaps its query changed", ADDRESS)
        yield page
        link = _next_link(page)
        if not link:
            return
        address, params = _public(link, fetching.settings, page.name), {}
        if address in links:
            raise StoppedError(f"{page.name}: its NextPageLink leads back to an earlier page ({link}); stopped there.")
        links.add(address)
    raise StoppedError(f"azure: more than {MAX_PAGES} pages, where some tens are usual; the chain of pages has no end.")


def _next_link(page: Received) -> str:
    found = json_of(page.document())
    link = found.get("NextPageLink") or ""
    return link if isinstance(link, str) else ""


def _public(link: str, settings: Settings, page: str) -> str:
    """The link on the public host. Raises StoppedError for one that leads elsewhere."""
    own = {HOST, urlsplit(BASE.of(settings)).hostname}
    try:
        parts = urlsplit(link)
        leads_to = parts.hostname
    except ValueError:
        leads_to = None
    if leads_to is None or leads_to not in own or parts.scheme not in ("https", "http"):
        raise StoppedError(
            f"{page}: its NextPageLink leads to another host ({link[:120]}), which is not followed. "
            "Pages up to this one are kept."
        )
    return urlunsplit(("https", HOST, parts.path, parts.query, ""))


def _bytes(received: Received) -> bytes:
    return received.content if isinstance(received.content, bytes) else received.content.read_bytes()


def parse(document: Document) -> Iterator[Batch]:
    found = json_of(document)
    items = items_of(found, "Items", document)
    offers = Offers("azure", document, grade="A")
    check_fields(items, REQUIRED, KNOWN, offers)
    began = _began(items, offers.day)

    def read(item: dict[str, Any], locator: str, offers: Offers) -> None:
        if _start(item) < began.get(_offer(item), "") and _outside(item, offers.day) is None:
            offers.leave_out(reason("followed_by_a_later_price"), str(item["armSkuName"]))
        else:
            _read(item, locator, offers)

    yield from read_each(
        offers, items, REQUIRED, lambda number, item: f"row {number}, sku {item.get('skuId', '?')}", read
    )


def _began(items: list[dict[str, Any]], day: date) -> dict[tuple[str, ...], str]:
    """The latest day on which a price of each offer took effect, of those in force on a day.

    A new price of a meter stands beside the one before it, which often has no end date.
    """
    began: dict[tuple[str, ...], str] = {}
    for item in items:
        is_whole = isinstance(item, dict) and all(item.get(name) not in (None, "") for name in REQUIRED)
        if is_whole and _outside(item, day) is None:
            began[_offer(item)] = max(began.get(_offer(item), ""), _start(item))
    return began


def _start(item: dict[str, Any]) -> str:
    return str(item.get("effectiveStartDate") or "")


def _offer(item: dict[str, Any]) -> tuple[str, ...]:
    """What makes two rows prices of one thing: size, region and way of selling."""
    names = ("armSkuName", "armRegionName", "type", "reservationTerm", "currencyCode", "unitOfMeasure")
    return (*(str(item.get(name) or "") for name in names), "spot" if _is_sold(item, "Spot") else "")


def _read(item: dict[str, Any], locator: str, offers: Offers) -> None:
    size, kind = str(item["armSkuName"]), str(item["type"])
    if why := _outside(item, offers.day):
        offers.leave_out(why, size)
        return
    if item["currencyCode"] != "USD":
        offers.quarantine(item, reason("other_currency", column="currencyCode", found=[item["currencyCode"]]), locator)
        return
    pricing, hours = ("spot" if _is_sold(item, "Spot") else "on_demand"), 1
    units = {"1 Hour"}
    if kind == "Reservation":
        term = str(item.get("reservationTerm"))
        if term not in TERMS:
            offers.leave_out(reason("other_term", term=term), size)
            return
        pricing, years = TERMS[term]
        hours = years * HOURS_A_YEAR
        units.add(term)
    elif kind != "Consumption":
        offers.quarantine(
            item, reason("unknown_value", column="type", found=kind, known=["Consumption", "Reservation"]), locator
        )
        return
    if item["unitOfMeasure"] not in units:
        offers.quarantine(
            item, reason("other_unit", column="unitOfMeasure", found=item["unitOfMeasure"], wanted="1 Hour"), locator
        )
        return
    price = offers.price(item["retailPrice"], "retailPrice", item, locator)
    if price is None or (named := offers.chip(((PROVIDER, size),), item, locator)) is None:
        return
    count = offers.count(named, None, size)
    if count is None:
        offers.quarantine(item, reason("gpu_count_unknown", column="armSkuName", instance=size), locator)
        return
    offers.add(
        provider=PROVIDER,
        provider_class="hyperscaler",
        instance=size,
        gpu_model=named.gpu_model,
        gpu_count=count,
        usd_per_gpu_hour=price / hours / count,
        kind=pricing,
        region=str(item["armRegionName"]),
        locator=locator,
        citation=ADDRESS,
        note=named.note,
    )


def _outside(item: dict[str, Any], day: date) -> Reason | None:
    """Why a row is no list price of a Linux node; none where it is one."""
    product, service = str(item["productName"]), str(item.get("serviceName") or SERVICE)
    if licence := _LICENCE.search(product):
        name = "Windows" if licence[0].lower().startswith("win") else licence[0]
        return reason("licence_in_the_price", licence=name)
    if "Cloud Services" in product or "CloudServices" in product:
        return reason("resold")
    if service != SERVICE:
        return reason("other_service", service=service)
    if _is_sold(item, "Low Priority"):
        return reason("low_priority")
    if item["type"] == "DevTestConsumption":
        return reason("development_only")
    if item.get("isPrimaryMeterRegion") is False:
        return reason("secondary_meter")
    if item.get("tierMinimumUnits") not in (None, 0, "", "0", "0.0"):
        return reason("larger_quantities", tiers=1)
    if str(item.get("effectiveStartDate") or "")[:10] > day.isoformat():
        return reason("begins_later")
    if str(item.get("effectiveEndDate") or "9999")[:10] < day.isoformat():
        return reason("has_ended")
    return None


def _is_sold(item: dict[str, Any], way: str) -> bool:
    """Whether the meter or the SKU ends with this way of selling."""
    return any(str(item.get(name) or "").strip().lower().endswith(way.lower()) for name in ("meterName", "skuName"))


SOURCES = (
    Source(
        name="azure",
        kind="live",
        feed="gpu",
        gives=f"list, spot and reserved prices of Azure's GPU sizes in {len(REGIONS)} regions",
        tables=("gpu_prices",),
        fetch=fetch,
        parse=parse,
        judges_rows=True,
        terms="Microsoft's public Retail Prices interface; no key, no limit stated, asked once a day",
        host=HOST,
        host_setting=BASE.name,
        requests_per_second=2.0,
        max_bytes=50_000_000,
    ),
)
