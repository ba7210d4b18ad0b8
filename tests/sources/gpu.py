"""What the tests of GPU price sources share: a fetching that plays from a table, and rows by what matters of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from tests.sources import said
from warehouse.settings import Settings
from warehouse.sources.common.source import Batch, Document, Received, Source
from warehouse.tables.gpu_prices import TABLE

READ_AT = datetime(2026, 10, 9, 7, 30, tzinfo=UTC)


def document(body: Any, name: str = "the list", url: str = "https://example.invalid/list", at=READ_AT) -> Document:
    """A document with this body: bytes, text, a file, or something for JSON."""
    if isinstance(body, str):
        body = body.encode()
    elif not isinstance(body, (bytes, Path)):
        body = json.dumps(body).encode()
    return Document("0" * 64, name, url, body, at)


@dataclass(frozen=True)
class Read:
    """All of a document: its rows, the quarantined rows, and the notices."""

    rows: list[dict[str, Any]]
    quarantined: list[dict[str, Any]]
    notices: tuple[str, ...]

    @property
    def reasons(self) -> str:
        return "\n".join(row["reason"] for row in self.quarantined)

    @property
    def said(self) -> str:
        return "\n".join(self.notices)

    def by(self, *columns: str) -> list[tuple[Any, ...]]:
        return sorted(tuple(row[name] for name in columns) for row in self.rows)


def read(parse: Callable[[Document], Any], given: Document) -> Read:
    """Parse a document, and hold its rows to the declaration of the table."""
    batches: list[Batch] = list(parse(given))
    frame = pl.concat([batch.frame for batch in batches])
    TABLE.conform(frame)  # raises for a column that the table does not have
    rows = frame.to_dicts()
    for row in rows:
        for column in TABLE.columns:
            if column.name in row:
                value = row[column.name]
                assert value is not None or not column.required, column.name
                assert not column.allowed or value in column.allowed, (column.name, value)
    assert len({row["observation_id"] for row in rows}) == len(rows)
    unread = pl.concat([batch.unreadable for batch in batches])
    quarantined = [{**row, "reason": why} for row, (why, _) in zip(unread.to_dicts(), said.unread(unread), strict=True)]
    return Read(rows, quarantined, said.notices(notice for batch in batches for notice in batch.notices))


@dataclass
class Playing:
    """A `Fetching` that answers from a table: address (with its query) -> body; what is not there is a 404."""

    bodies: Mapping[str, bytes]
    settings: Settings = field(default_factory=Settings)
    now: datetime = READ_AT
    span: tuple[date, date] | None = None
    held: list[tuple[Any, ...]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    params: list[Mapping[str, str]] = field(default_factory=list)

    def get(self, url, *, name, expect, params=None, headers=None, absent_ok=False, **_) -> Received | None:
        self.asked.append(url)
        self.headers.append(headers or {})
        self.params.append(params or {})
        if url in self.bodies:
            return Received(name, url, "application/json", self.bodies[url], self.now)
        if not absent_ok:
            self.failed.append(url)
        return None

    def newest(self, table: str, by: str, day: str) -> dict[str, date]:
        return {}

    def values(self, table: str, column: str) -> list[str]:
        return []

    def rows(self, table: str, *columns: str) -> list[tuple[Any, ...]]:
        return self.held


def fetched(source: Source, playing: Playing) -> list[Received]:
    return list(source.fetch(playing))
