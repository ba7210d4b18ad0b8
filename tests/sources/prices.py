"""A made-up vendor of daily bars, and a warehouse that its answers are loaded into, for the tests of price sources.

The vendor knows what was traded, split and paid; it answers as Yahoo's chart endpoint or Tiingo does, adjusted as of
the moment that it is asked. So a test can say what a series must be, whenever and however often it was fetched.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import polars as pl

from warehouse.calendars.exchange import closes
from warehouse.database import loading
from warehouse.database.loading import provenance
from warehouse.database.store import Store, opened
from warehouse.pipeline.ingest import Warehouse
from warehouse.settings import Settings
from warehouse.sources.common.source import Received, Source
from warehouse.tables import CORE

ZONE = ZoneInfo("America/New_York")
OPENS = timedelta(hours=9, minutes=30)
CALENDAR = closes(date(2023, 1, 1), date(2026, 12, 31))
CLOSES: dict[date, datetime] = dict(CALENDAR.iter_rows())
SESSIONS = list(CLOSES)


def opened_at(day: date) -> datetime:
    return datetime.combine(day, time(), ZONE) + OPENS


def after_close(day: date) -> datetime:
    return CLOSES[day] + timedelta(minutes=20)


@dataclass
class Share:
    """What happened: closes as traded, volumes as traded, splits (new for one old) and dividends (dollars as paid)."""

    closes: dict[date, float]
    splits: dict[date, float] = field(default_factory=dict)
    dividends: dict[date, float] = field(default_factory=dict)
    volume: int = 1_000_000

    def ratio(self, day: date, at: date) -> float:
        """Splits after `day` until `at`: what a price of `day` is divided by."""
        found = 1.0
        for on, ratio in self.splits.items():
            if day < on <= at:
                found *= ratio
        return found

    def close(self, day: date, at: date) -> float:
        return self.closes[day] / self.ratio(day, at)

    def adj_close(self, day: date, at: date) -> float:
        found = self.close(day, at)
        days = sorted(self.closes)
        for on, paid in self.dividends.items():
            before = [d for d in days if d < on]
            if before and day < on <= at:
                # Dividends of a day that is also a split's are in new shares.
                found *= 1 - paid / self.ratio(on, at) / self.close(before[-1], at)
        return found


@dataclass
class Vendor:
    """Answers for both endpoints. `broken` bodies take the place of an answer, by ticker."""

    shares: dict[str, Share]
    broken: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def answer(self, url: str, now: datetime) -> bytes | None:
        self.asked.append(url)
        path, query = urlsplit(url).path, {name: value[0] for name, value in parse_qs(urlsplit(url).query).items()}
        ticker = path.split("/")[-1] if "chart" in path else path.split("/")[-2]
        if ticker in self.broken:
            body = self.broken[ticker]
            return None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        share = self.shares.get(ticker)
        if share is None:
            return None
        if "chart" in path:
            span = (datetime.fromtimestamp(int(query[p]), UTC) for p in ("period1", "period2"))
            return json.dumps(chart(ticker, share, *span, now)).encode()
        return json.dumps(
            tiingo(share, *(date.fromisoformat(query[d]) for d in ("startDate", "endDate")), now)
        ).encode()


def chart(ticker: str, share: Share, first: datetime, last: datetime, now: datetime) -> dict[str, Any]:
    """Yahoo's answer: adjusted as of now, with the bar of the running session."""
    today = now.astimezone(ZONE).date()
    days = [day for day in sorted(share.closes) if first <= opened_at(day) < last and opened_at(day) <= now]
    prices = [share.close(day, today) for day in days]
    events: dict[str, Any] = {}
    for on, paid in share.dividends.items():
        if first <= opened_at(on) < last and on <= today:
            stamp = int(opened_at(on).timestamp())
            events.setdefault("dividends", {})[str(stamp)] = {"amount": paid / share.ratio(on, today), "date": stamp}
    for on, ratio in share.splits.items():
        if first <= opened_at(on) < last and on <= today:
            stamp = int(opened_at(on).timestamp())
            split = {"date": stamp, "numerator": ratio, "denominator": 1, "splitRatio": f"{ratio:g}:1"}
            events.setdefault("splits", {})[str(stamp)] = split
    result: dict[str, Any] = {
        "meta": {
            "currency": "USD", "symbol": ticker, "exchangeTimezoneName": "America/New_York", "gmtoffset": -18000,
            "dataGranularity": "1d",
        },
        "indicators": {"quote": [{}]},
    }  # fmt: skip
    if days:
        result |= {
            "timestamp": [int(opened_at(day).timestamp()) for day in days],
            "indicators": {
                "quote": [
                    {
                        **{name: list(prices) for name in ("open", "high", "low", "close")},
                        "volume": [round(share.volume * share.ratio(day, today)) + day.day for day in days],
                    }
                ],
                "adjclose": [{"adjclose": [share.adj_close(day, today) for day in days]}],
            },
        }
    if events:
        result["events"] = events
    return {"chart": {"result": [result], "error": None}}


def tiingo(share: Share, first: date, last: date, now: datetime) -> list[dict[str, Any]]:
    """Tiingo's answer: as traded and adjusted side by side; the bar of a day is there once it has closed."""
    today = now.astimezone(ZONE).date()
    return [
        {
            "date": f"{day}T00:00:00.000Z",
            **{name: share.closes[day] for name in ("close", "high", "low", "open")},
            "volume": share.volume,
            **{name: share.adj_close(day, today) for name in ("adjClose", "adjHigh", "adjLow", "adjOpen")},
            "adjVolume": round(share.volume * share.ratio(day, today)),
            "divCash": share.dividends.get(day, 0.0),
            "splitFactor": share.splits.get(day, 1.0),
        }
        for day in sorted(share.closes)
        if first <= day <= last and CLOSES.get(day, now) <= now
    ]


@dataclass
class Shop:
    """A warehouse and the vendor that it is filled from: the `Fetching` that sources are given in these tests."""

    store: Store
    vendor: Vendor
    settings: Settings = field(default_factory=lambda: Settings(tiingo_key="secret"))
    now: datetime = datetime(2025, 1, 1, tzinfo=UTC)
    span: tuple[date, date] | None = None
    source: str = ""
    headers: list[dict[str, str]] = field(default_factory=list)
    documents: list[tuple[Source, Received]] = field(default_factory=list)

    def get(self, url: str, *, name: str, expect: str, params: dict[str, str], headers: Any = None, **_: Any) -> Any:
        assert expect == "json"
        self.headers.append(dict(headers or {}))
        public = url + "?" + "&".join(f"{key}={value}" for key, value in params.items())
        body = self.vendor.answer(public, self.now)
        return None if body is None else Received(name, public, "application/json", body, self.now)

    def newest(self, table: str, by: str, day: str) -> dict[str, date]:
        return Warehouse(self.store).newest(self.source, table, by, day)

    def values(self, table: str, column: str) -> list[str]:
        return sorted(self.vendor.shares) if table == "companies" else Warehouse(self.store).values(table, column)

    def rows(self, table: str, *columns: str) -> list[tuple[Any, ...]]:
        return Warehouse(self.store).rows(table, columns)

    def run(self, source: Source, now: datetime, span: tuple[date, date] | None = None) -> int:
        """One run of a source at a time; gives how many rows were new."""
        self.now, self.span, self.source = now, span, source.name
        received = list(source.fetch(self))
        return sum(self.load(source, one) for one in received)

    def load(self, source: Source, received: Received) -> int:
        self.documents.append((source, received))
        assert isinstance(received.content, bytes)
        sha256 = hashlib.sha256(received.content).hexdigest()
        at = received.fetched_at or self.now
        document = received.document(sha256, at)
        added = 0
        for batch in source.parse(document):
            assert batch.unreadable.is_empty()
            rows = provenance(batch.table, batch.frame, source=source, document_sha256=sha256, loaded_at=at)
            self.store.staging.add(batch.table, rows)
            added += loading.load(self.store, batch.table)
            self.store.execute(f"DELETE FROM staging.{batch.table.name}")
        return added

    def core(self, table: str = "stock_prices") -> pl.DataFrame:
        return self.store.rows(CORE[table])


@contextmanager
def shop(folder: Path, shares: dict[str, Share]) -> Iterator[Shop]:
    """A shop with a warehouse of its own in a folder."""
    with opened(folder / "warehouse.duckdb", folder / "staging.duckdb") as store:
        yield Shop(store, Vendor(shares))


def emptied(store: Store, shares: dict[str, Share]) -> Shop:
    """A new shop in an old warehouse."""
    for table in ("stock_prices", "corporate_actions"):
        store.execute(f"DELETE FROM core.{table}")
    return Shop(store, Vendor(shares))


def walk(days: Iterable[date], start: float = 100.0) -> dict[date, float]:
    """Closes that move a little every day, to two digits."""
    return {day: round(start + (7 * i % 13) - 0.37 * (i % 5), 2) for i, day in enumerate(days)}
