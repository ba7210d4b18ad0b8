"""Every live source at a server on this machine: what each host answers when it means well, and what came of asking.

For the tests and the long harness of hostile hosts. A source asks in its own way (a list of tickers first, page after
page, versions until one is missing), so a host here knows its addresses and nothing else.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from tests.conftest import EXCERPTS
from tests.live_server import Reply, Request
from warehouse.errors import DocumentError, OverbuildError
from warehouse.fetching.client import Online
from warehouse.settings import Settings
from warehouse.sources import all_sources
from warehouse.sources.common.source import Source

AT = datetime(2026, 10, 9, 7, 30, tzinfo=UTC)
LIVE = tuple(source for source in all_sources() if source.kind == "live" and source.name != "sec_filers")
COMPANIES = {"sec": ("NVDA", 1045810, None), "sec_inline_xbrl": ("AMZN", 1018724, 12)}
"""Ticker, number and month of the year's end of the one company that a warehouse holds, for each source of the SEC."""
FILING = {"accessionNumber": "0001018724-25-000086", "filingDate": "2026-08-01", "form": "10-Q",
          "primaryDocument": "filing.htm", "isInlineXBRL": 1}  # fmt: skip
OLDER = {"name": "CIK0001018724-submissions-001.json", "filingFrom": "2000-01-01", "filingTo": "2026-09-30"}


@dataclass(frozen=True)
class Holds:
    """A warehouse that holds one company and nothing else."""

    source: str

    def newest(self, source: str, table: str, by: str, day: str) -> dict[str, date]:
        return {}

    def values(self, table: str, column: str) -> list[str]:
        return ["NVDA"]

    def rows(self, table: str, columns: tuple[str, ...]) -> list[tuple[Any, ...]]:
        if table != "companies" or self.source not in COMPANIES:
            return []
        one = dict(zip(("ticker", "cik", "fiscal_year_end_month"), COMPANIES[self.source], strict=True))
        return [tuple(one[name] for name in columns)]


def excerpt(name: str) -> bytes:
    return (EXCERPTS / name).read_bytes()


def well_meant(source: str, request: Request) -> bytes | None:
    """The body that a source's host answers with; None where it has no such document."""
    for part, body in _BODIES[source].items():
        if part in request.target:
            return body() if callable(body) else excerpt(body)
    return None


def _submissions() -> bytes:
    listed = {name: [value] for name, value in FILING.items()}
    filings = {"recent": listed, "files": [OLDER]}
    return json.dumps({"cik": "1", "fiscalYearEnd": "0130", "filings": filings}).encode()


def _older() -> bytes:
    return json.dumps({name: [] for name in FILING}).encode()


def _tickers() -> bytes:
    return json.dumps({"0": {"cik_str": 1045810, "ticker": "NVDA", "title": "Nvidia"}}).encode()


def _two_pages(number: int) -> Callable[[], bytes]:
    def page() -> bytes:
        found = json.loads(excerpt("azure_retail_prices_A100.json"))
        found["NextPageLink"] = "https://prices.azure.com/api/retail/prices?page=2" if number == 1 else None
        found["Items"] = found["Items"][:3] if number == 1 else found["Items"][3:]
        return json.dumps(found).encode()

    return page


_BODIES: dict[str, dict[str, str | Callable[[], bytes]]] = {
    "aws": {"index.json": "aws_price_list_p4d.json"},
    "azure": {"page=2": _two_pages(2), "/api/retail/prices": _two_pages(1)},
    "epoch": {f"/data/{name}": f"epoch_{name}" for name in
              ("notable_ai_models.csv", "large_scale_ai_models.csv", "ml_hardware.csv", "benchmarked_models.csv")},
    "gpurentalprices": {"/data/": "gpurentalprices_day.json"},
    "lambda_labs": {"/instance-types": "lambda_instance_types.json"},
    "oracle": {"/products": "oracle_products_usd.json"},
    "runpod": {"/graphql": "runpod_gpu_types.json"},
    "sec": {"company_tickers": _tickers, "/submissions/": _submissions, "companyfacts": "sec_companyfacts_NVDA.json"},
    "sec_inline_xbrl": {"submissions-001": _older, "/submissions/": _submissions, ".htm": "sec_inline_10q_AMZN.htm"},
    "skypilot": {"/catalogs/v8/lambda/": "skypilot_lambda_vms.csv", "/catalogs/v8/aws/": "skypilot_lambda_vms.csv"},
    "tiingo": {"/prices": "tiingo_prices_NVDA.json"},
    "vast": {"/bundles": "vast_bundles_H100_SXM.json"},
    "yahoo": {"/chart/": "yahoo_chart_NVDA.json"},
}  # fmt: skip
assert set(_BODIES) == {source.name for source in LIVE}


def answering(
    source: Source, spoil: Callable[[Reply, Request], Reply] = lambda reply, _: reply
) -> Callable[..., Reply]:
    """What a server does for a source: well-meant answers, each of which `spoil` may replace."""

    def answer(request: Request) -> Reply:
        body = well_meant(source.name, request)
        media_type = "application/json" if body and body[:1] in (b"{", b"[") else "text/plain"
        return Reply("", 404) if body is None else spoil(Reply(body, media_type=media_type), request)

    return answer


@dataclass
class Came:
    """What came of asking a source: its rows, documents that were refused, failures, why it stopped, and how long it took."""

    rows: list[pl.DataFrame] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    stopped: str = ""
    documents: int = 0
    requests: int = 0
    seconds: float = 0.0

    @property
    def is_silent(self) -> bool:
        """Nothing came, and nobody said why."""
        return not (any(frame.height for frame in self.rows) or self.refused or self.failures or self.stopped)

    def says(self, other: Came) -> bool:
        """Whether it has the same rows."""
        ours, theirs = ([frame.drop("document_sha256", strict=False) for frame in one.rows] for one in (self, other))
        return len(ours) == len(theirs) and all(map(pl.DataFrame.equals, ours, theirs))


def settings_of(source: Source, home: Path, url: str, **more: Any) -> Settings:
    """Settings with which every source may be asked, its host being `url`."""
    base = {source.host_setting.removeprefix("OVERBUILD_").lower(): url}
    given: dict[str, Any] = {"contact": "Jane Doe jane@example.com", "licensed_sources": ("vast", "runpod"),
             "tiingo_key": "t" * 12, "lambda_key": "l" * 12, "timeout_seconds": 5}  # fmt: skip
    return Settings(home=home, **given | base | more)


def ask(source: Source, settings: Settings, home: Path) -> Came:
    """Ask a source without waiting, and read what comes. Any error that is not foreseen comes through."""
    came, began = Came(), time.monotonic()
    source = replace(source, requests_per_second=1e6)
    online = Online(source, settings, home / "raw", Holds(source.name), AT, wait=lambda _: None)
    try:
        for received in source.fetch(online):
            came.documents += 1
            try:
                came.rows += [batch.frame for batch in source.parse(received.document("0" * 64, AT))]
            except DocumentError as error:
                came.refused.append(str(error))
    except OverbuildError as error:
        came.stopped = str(error)
    finally:
        online.close()
    came.failures = list(map(str, online.failures))
    came.requests, came.seconds = online.requests_sent, time.monotonic() - began
    return came
