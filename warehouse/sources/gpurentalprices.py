"""Offers of some forty providers, collected daily by gpurentalprices.com (CC BY 4.0, no key).

What its files make easy to get wrong:

- An offer is of the day on which its provider's page was read (`fetched_at`), not of the file's date. Where a page
  could not be read, the last offer is carried forward from file to file. Taken by the file's date, a dead provider
  would confirm the median every day.
- Who lists changes: the files grew from 60 to 293 offers in seven weeks. A notice
  names the providers that could not be read, so a median that moved because one left can be recognised.
- One provider, chip and kind can stand there several times (sizes of node). All are kept.
- Prices are for one GPU. "serverless" is another product; "reserved" for a month or two is neither a year nor on
  demand.
- Memory far below the chip's means a slice of it.
- It lists Vast.ai and RunPod, too, whose terms forbid collecting their prices: their offers are left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from warehouse.sources.common.gpu_names import providers
from warehouse.sources.common.gpu_offers import Offers, check_fields, items_of, json_of, read_each
from warehouse.sources.common.reasons import reason
from warehouse.sources.common.source import Batch, Document, Fetching, Received, Source

HOST = "raw.githubusercontent.com"
FOLDER = f"https://{HOST}/adriannutiu/gpu-rental-prices/main/data"
LATEST = f"{FOLDER}/latest.json"
FIRST_DAY = date(2026, 7, 5)
FRESH_FOR = timedelta(hours=20)
"""A backfill that was interrupted goes on with the days that it has not asked for."""
CREDIT = "GPU rental price data by gpurentalprices.com, CC BY 4.0"
# kind in the file: kind of price, and the class of provider where the kind decides it.
KINDS: dict[str, tuple[str, str | None]] = {
    "on-demand": ("on_demand", None),
    "secure": ("on_demand", None),
    "spot": ("spot", None),
    "community": ("marketplace", "marketplace"),
    "marketplace": ("marketplace", "marketplace"),
}
OTHER_PRODUCTS = ("serverless", "cluster")
KINDS_READ = [*KINDS, "reserved", *OTHER_PRODUCTS]
YEARS = {12: "reserved_1y", 36: "reserved_3y"}
REQUIRED = ("provider", "gpu", "usd_hr", "kind", "source_url", "fetched_at")
KNOWN = frozenset({
    *REQUIRED, "vram_gb", "min_gpus", "instance", "region", "commitment", "availability", "gpu_count_reported",
    "source_quote", "vcpus", "ram_gib", "ram_label", "disk_label",
})  # fmt: skip


def address(day: date) -> str:
    return f"{FOLDER}/snapshots/{day}.json"


def fetch(fetching: Fetching) -> Iterator[Received]:
    if fetching.span is not None:
        yield from _each_day(fetching, max(fetching.span[0], FIRST_DAY), fetching.span[1])
        return
    # The newest file is there under a name of its own; where it is not, it is the one of today or of yesterday.
    today = fetching.now.date()
    places = (LATEST, address(today), address(today - timedelta(days=1)))
    for place in places:
        name = f"gpurentalprices {place.rpartition('/')[2]}"
        received = fetching.get(place, name=name, expect="json", absent_ok=place != places[-1])
        if received is not None:
            yield received
            return


def _each_day(fetching: Fetching, first: date, last: date) -> Iterator[Received]:
    """The files of a span of days. A day that has none is an answer; that not one of them has any is a failure."""
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    found = False
    for day in days:
        fresh_for = FRESH_FOR if day < fetching.now.date() else timedelta(0)
        received = fetching.get(
            address(day),
            name=f"gpurentalprices {day}",
            expect="json",
            fresh_for=fresh_for,
            absent_ok=found or day != last,
        )
        if received is not None:
            found = True
            yield received


def parse(document: Document) -> Iterator[Batch]:
    found = json_of(document)
    items = items_of(found, "offers", document)
    offers = Offers("gpurentalprices", document, grade="B")
    check_fields(items, REQUIRED, KNOWN, offers)
    _say_who_is_missing(found, items, offers)
    yield from read_each(offers, items, REQUIRED, lambda number, item: f"offer {number}", _read)


def _read(item: dict[str, Any], locator: str, offers: Offers) -> None:
    chip, name, kind = str(item["gpu"]), str(item["provider"]), str(item["kind"])
    provider = providers("gpurentalprices").get(name)
    if provider is None:
        offers.unknown("provider", name, item, locator)
        return
    if provider.licence:
        offers.leave_out(reason("terms_forbid"), name)
        return
    pricing, its_class = KINDS.get(kind, ("", None))
    if kind == "reserved":
        commitment = item.get("commitment")
        months = commitment.get("months") if isinstance(commitment, dict) else None
        pricing = YEARS.get(months, "") if isinstance(months, int) else ""
        if not pricing:
            offers.leave_out(reason("other_term", term=None), f"{name} {chip}")
            return
    elif kind in OTHER_PRODUCTS:
        offers.leave_out(reason(kind), f"{name} {chip}")
        return
    elif not pricing:
        offers.quarantine(
            item,
            reason("unknown_value", column="kind", found=kind, known=KINDS_READ),
            locator,
        )
        return
    day = _day(item["fetched_at"])
    if day is None or day > offers.day:
        why = reason("not_a_past_time", column="fetched_at", found=str(item["fetched_at"]))
        offers.quarantine(item, why, locator)
        return
    price = offers.price(item["usd_hr"], "usd_hr", item, locator)
    if price is None:
        return
    memory = item.get("vram_gb")
    named = offers.chip(
        (("*", chip),), item, locator, memory_gb=float(memory) if isinstance(memory, (int, float)) else None
    )
    if named is None:
        return
    least = item.get("min_gpus")
    offers.add(
        provider=provider.provider,
        provider_class=its_class or provider.provider_class,
        instance=str(item.get("instance") or chip),
        gpu_model=named.gpu_model,
        gpu_count=least if isinstance(least, int) and least > 0 else 1,
        usd_per_gpu_hour=price,
        kind=pricing,
        region=str(item.get("region") or ""),
        locator=locator,
        citation=f"{item['source_url']} ({CREDIT})",
        note="; ".join(filter(None, (named.note, provider.note))),
        observed_on=day,
    )


def _day(value: Any) -> date | None:
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        return None


def _say_who_is_missing(found: dict[str, Any], items: list[dict[str, Any]], offers: Offers) -> None:
    """Notices about offers that are carried forward, and providers that gave none."""
    dated = str(found.get("date") or "")[:10]
    old = Counter(str(item.get("provider")) for item in items if str(item.get("fetched_at") or dated)[:10] < dated)
    if old:
        offers.notice("carried_forward", rows=sum(old.values()), names=[list(each) for each in old.most_common()])
    listed = found.get("providers")
    if isinstance(listed, dict):
        offering = {str(item.get("provider")) for item in items}
        if silent := sorted(name for name in listed if name not in offering):
            offers.notice("providers_without_offers", names=silent)


SOURCES = (
    Source(
        name="gpurentalprices",
        kind="live",
        feed="gpu",
        gives="daily offers of some forty providers",
        tables=("gpu_prices",),
        fetch=fetch,
        parse=parse,
        judges_rows=True,
        terms=f"CC BY 4.0: {CREDIT}",
        host=HOST,
        host_setting="OVERBUILD_GPURENTALPRICES_URL",
        requests_per_second=2.0,
        max_bytes=20_000_000,
        backfills=True,
        history_from=FIRST_DAY,
    ),
)
