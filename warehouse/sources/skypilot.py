"""Prices of a dozen clouds, from the catalogue that SkyPilot keeps for its users (CSV, no key).

What the catalogue makes easy to get wrong:

- It has versions, and older ones stay frozen: v6 listed `p5.48xlarge` at 98.32 nine months after the cut to 55.04.
  So only the newest version is read. Each run looks for it, from the newest version known when this was written.
  A cloud that is missing from the newest version is not read from an older one.
- A price is the node's, and the count of GPUs is the cloud's own list's, which can be wrong (Azure's says 12 for 8).
- `TotalGpuMemoryInMiB` is one GPU's memory in some clouds' files and all GPUs' in others: it is not read.
- Prices stand for each zone and region, thousands of rows that differ little. Large clouds are read in a few declared
  regions (`gpu_providers.csv`). Of the zones of a region the lowest price stands, and the row says of how many.
- Google's rows are the GPU alone.
- RunPod's rows are those of its own data centres and those of its marketplace; the end of the instance says which.
- A zero stands where the catalogue knows no price.

It is somebody's collection of others' lists, at times behind them, hence grade C; a provider's own list is preferred.
Files of providers whose terms forbid an index made of their data are read only if the user states a licence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from warehouse.errors import DocumentError
from warehouse.sources.common.gpu_names import ANYBODY, Provider, providers
from warehouse.sources.common.gpu_offers import Offers
from warehouse.sources.common.parsing import csv_rows, text_of
from warehouse.sources.common.reasons import reason
from warehouse.sources.common.source import Batch, Document, Fetching, Received, Source

HOST = "raw.githubusercontent.com"
ADDRESS = f"https://{HOST}/skypilot-org/skypilot-catalog/master/catalogs/v{{version}}/{{cloud}}/vms.csv"
NEWEST_KNOWN, OLDEST = 9, 5
# Every version contains these clouds: a version without all of them does not exist.
PROBES = ("lambda", "aws", "gcp")
REQUIRED = ("InstanceType", "AcceleratorName", "AcceleratorCount", "Price", "Region")
KNOWN = frozenset({
    *REQUIRED, "SpotPrice", "AvailabilityZone", "GpuInfo", "vCPUs", "MemoryGiB", "Generation", "Arch",
    "UpstreamCloudId", "LocalDiskType", "NVMeSupported", "LocalDiskSize", "LocalDiskCount",
})  # fmt: skip
# What the instances of a marketplace end with, in the file of a cloud that has other ones too.
MARKETPLACE = "_COMMUNITY"
PRICES = (("Price", "on_demand"), ("SpotPrice", "spot"))


def fetch(fetching: Fetching) -> Iterator[Received]:
    listed = providers("skypilot")
    version, probed = _newest_version(fetching)
    if version is None:
        # Nothing answered as expected: ask once more in a way that notes the failure.
        fetching.get(ADDRESS.format(version=NEWEST_KNOWN, cloud=PROBES[0]), name="skypilot catalogue", expect="csv")
        return
    seen = {provider for source, provider in fetching.rows("gpu_prices", "source", "provider") if source == "skypilot"}
    for name, provider in listed.items():
        if provider.licence and provider.licence not in fetching.settings.licensed_sources:
            continue
        received = probed.get(name) or fetching.get(
            ADDRESS.format(version=version, cloud=name),
            name=f"skypilot v{version} {name}",
            expect="csv",
            # A cloud that was never there is nothing to report; one that has gone is.
            absent_ok=provider.provider not in seen,
        )
        if received is not None:
            yield received


def _newest_version(fetching: Fetching) -> tuple[int | None, dict[str, Received]]:
    """The newest version there is, and the files received while looking for it."""

    def ask(version: int) -> dict[str, Received]:
        for cloud in PROBES:
            address = ADDRESS.format(version=version, cloud=cloud)
            found = fetching.get(address, name=f"skypilot v{version} {cloud}", expect="csv", absent_ok=True)
            if found is not None:
                return {cloud: found}
        return {}

    version, found = NEWEST_KNOWN, ask(NEWEST_KNOWN)
    if found:
        while newer := ask(version + 1):
            version, found = version + 1, newer
        return version, found
    while version > OLDEST:
        version -= 1
        if found := ask(version):
            return version, found
    return None, {}


@dataclass
class _Listed:
    """One offer of the file; `zones` counts its zones, `price` is the lowest of them."""

    row: dict[str, str]
    line: int
    price: float
    zones: int = 1


def parse(document: Document) -> Iterator[Batch]:
    version, provider = _place(document)
    text = text_of(document.body, document.name)
    read = csv_rows(text, document.name)
    _, header = next(read, (1, []))
    if missing := [name for name in REQUIRED if name not in header]:
        raise DocumentError(
            document.name,
            f"the column {', '.join(missing)} is missing (it has {', '.join(header) or 'none'}); the "
            "catalogue changed its form. The document is kept.",
        )
    if twice := sorted({name for name in header if header.count(name) > 1}):
        raise DocumentError(
            document.name, f"two columns have the name {', '.join(twice)}; which of them counts cannot be known."
        )
    mark = "read under a licence that the user stated to hold" if provider.licence else ""
    offers = Offers("skypilot", document, grade="C", terms_note=mark)
    if new := sorted(set(header) - KNOWN):
        offers.notice("new_fields", columns=new)
    listed: dict[tuple[str, ...], _Listed] = {}
    line, cells = 1, header
    for line, cells in read:
        row = dict(zip_longest(header, cells)) if cells else {}
        if (row.get("AcceleratorName") or "").strip():
            with offers.row(row, f"line {line}"):
                _take(row, line, provider, listed, offers)
    if line == 1:
        raise DocumentError(document.name, "no rows below the header; a cloud's list is never empty.")
    if 0 < len(cells) < len(header) and not text.endswith("\n"):
        raise DocumentError(document.name, "the file ends within its last line; it was cut short.", line=line)
    for (_, _, _, _, kind), found in listed.items():
        with offers.row(found.row, f"line {found.line}"):
            _add(found, kind, provider, version, document, offers)
    yield from offers.batches()


def _place(document: Document) -> tuple[str, Provider]:
    """Version and provider, from the address. Raises DocumentError for another address."""
    match = re.search(r"/catalogs/v(\d+)/([^/]+)/vms\.csv", document.url)
    provider = providers("skypilot").get(match[2]) if match else None
    if match is None or provider is None:
        raise DocumentError(document.name, f"{document.url} is not the file of a cloud in gpu_providers.csv.")
    return match[1], provider


def _take(
    row: dict[str, Any], line: int, provider: Provider, listed: dict[tuple[str, ...], _Listed], offers: Offers
) -> None:
    """Read the prices of one line into `listed`, the lowest of a region's zones."""
    locator = f"line {line}"
    if None in row or None in row.values():
        offers.quarantine(row, reason("other_field_count"), locator)
        return
    if provider.regions and row["Region"].lower() not in provider.regions:
        return
    for column, kind in PRICES:
        text = (row.get(column) or "").strip()
        if not text:
            continue
        if offers.number(text, column, text=True) == 0:
            name = row["InstanceType"] or row["AcceleratorName"]
            offers.leave_out(reason("not_offered", column=column), name)
            continue
        price = offers.price(text, column, row, locator, text=True)
        if price is None:
            continue
        key = (row["InstanceType"], row["AcceleratorName"], row["AcceleratorCount"], row["Region"], kind)
        found = listed.get(key)
        if found is None:
            listed[key] = _Listed(row, line, price)
        else:
            found.zones += 1
            found.price = min(price, found.price)


def _add(found: _Listed, kind: str, provider: Provider, version: str, document: Document, offers: Offers) -> None:
    row, locator = found.row, f"line {found.line}"
    instance, chip = row["InstanceType"].strip(), row["AcceleratorName"].strip()
    listed = offers.number(row["AcceleratorCount"], "AcceleratorCount", text=True)
    if listed is not None and 0 < listed < 1:
        offers.leave_out(reason("part_of_a_gpu"), instance or chip)
        return
    own = provider.provider
    named = offers.chip(((own, instance), (own, chip), (ANYBODY, chip)), row, locator)
    if named is None:
        return
    count = offers.count(named, listed, instance or chip)
    if count is None:
        why = reason("not_a_gpu_count", column="AcceleratorCount", found=row["AcceleratorCount"])
        offers.quarantine(row, why, locator)
        return
    provider_class = "marketplace" if instance.endswith(MARKETPLACE) else provider.provider_class
    zones = f"lowest of {found.zones} zones" if found.zones > 1 else ""
    offers.add(
        provider=own,
        provider_class=provider_class,
        instance=instance or chip,
        gpu_model=named.gpu_model,
        gpu_count=count,
        usd_per_gpu_hour=found.price / count,
        kind="marketplace" if provider_class == "marketplace" and kind == "on_demand" else kind,
        region=row["Region"].strip(),
        locator=locator,
        citation=document.url,
        note="; ".join(filter(None, (f"SkyPilot catalogue v{version}", zones, provider.note, named.note))),
    )


SOURCES = (
    Source(
        name="skypilot",
        kind="live",
        feed="gpu",
        gives="on-demand and spot prices of a dozen clouds, as SkyPilot's catalogue has them",
        tables=("gpu_prices",),
        fetch=fetch,
        parse=parse,
        judges_rows=True,
        terms="SkyPilot catalogue, Apache-2.0; its files of Vast.ai and RunPod only under a licence of the user",
        host=HOST,
        host_setting="OVERBUILD_SKYPILOT_URL",
        requests_per_second=2.0,
        max_bytes=50_000_000,
    ),
)
