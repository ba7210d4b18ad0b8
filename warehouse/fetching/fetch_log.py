"""What was asked of each live source and what came of it, beside the documents themselves in the archive.

Two questions must be answerable without a warehouse. What do we hold of this address already? Then it is asked for only
if it changed, and an interrupted run goes on where it stopped. Which documents made up the published warehouse, in
which order? Then it can be rebuilt from the archive with the network off.

    raw/fetches/SOURCE.jsonl            one line a fetch: address without keys, status, time, hash, headers that matter
    raw/fetches/SOURCE.published.jsonl  one line for each document that entered a published warehouse
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from warehouse import files, records
from warehouse.paths import FETCHES
from warehouse.sources.common.source import as_json, without_context

_SHA256 = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True)
class Fetched:
    """A document that is in the archive: where it came from, when, and what to say when asking for it again.

    `fetched_at` is when these bytes were first received, `checked_at` when the source last said that they still stand.
    `context` is what its source knew of it and its bytes do not say.
    """

    url: str
    name: str
    media_type: str
    sha256: str
    fetched_at: datetime
    checked_at: datetime
    etag: str | None = None
    last_modified: str | None = None
    context: Mapping[str, str] = field(default_factory=dict)

    @property
    def identity(self) -> tuple[str, str, str]:
        """What makes it this document and no other: its hash, its address, and its context as JSON."""
        return self.sha256, self.url, as_json(self.context)


class FetchLog:
    """The log of one source. Lines are only ever appended, each in one write, also by several processes at once."""

    def __init__(self, raw: Path, source: str) -> None:
        self.source = source
        self._folder = raw / FETCHES
        self._fetches = self._folder / f"{source}.jsonl"
        self._published = self._folder / f"{source}.published.jsonl"
        self._known: dict[str, Fetched] | None = None

    def last(self, url: str) -> Fetched | None:
        """The newest good fetch of an address."""
        return self._all().get(url)

    def last_good_at(self) -> datetime | None:
        """When this source last gave something, changed or not."""
        return max((fetched.checked_at for fetched in self._all().values()), default=None)

    def good(self, fetched: Fetched, **more: Any) -> None:
        """Note a document that was received, or found unchanged."""
        self._all()[fetched.url] = fetched
        self._append(self._fetches, {"source": self.source, "outcome": "good", **_written(fetched), **more})

    def failed(self, url: str, name: str, at: datetime, **more: Any) -> None:
        """Note a fetch that brought no document, and whether its host answered at all."""
        line = {"source": self.source, "outcome": "failed", "url": url, "name": name, "checked_at": at.isoformat()}
        self._append(self._fetches, line | more)

    def publish(self, documents: Iterable[Fetched]) -> None:
        """Note documents that entered a published warehouse, once each, in the order of their loading."""
        noted = {document.identity for document in self.published()}
        for document in documents:
            if document.identity not in noted:
                noted.add(document.identity)
                self._append(self._published, _written(document))

    def published(self) -> list[Fetched]:
        """The documents of the published warehouse, in the order of their loading."""
        return list(_whole(_lines(self._published)))

    def _all(self) -> dict[str, Fetched]:
        if self._known is None:
            good = _whole(line for line in _lines(self._fetches) if line.get("outcome") == "good")
            self._known = {fetched.url: fetched for fetched in good}
        return self._known

    def _append(self, path: Path, line: dict[str, Any]) -> None:
        given = {name: value for name, value in line.items() if value is not None}
        files.append(path, json.dumps(given, ensure_ascii=False))


def _written(fetched: Fetched) -> dict[str, Any]:
    written = {n: v.isoformat() if isinstance(v, datetime) else v for n, v in asdict(fetched).items()}
    return written | {"context": dict(fetched.context) or None}


def read(line: dict[str, Any]) -> Fetched | None:
    """A line as what it says, None where it says no fetch; one of an earlier version has its context in the address."""
    address = records.value(str, line.get("url"))
    if address is None:
        return None
    url, context = without_context(address)
    found = records.record(Fetched, {**line, "url": url, "context": line.get("context") or context})
    return found if found is not None and _SHA256.fullmatch(found.sha256) else None


def _whole(lines: Iterable[dict[str, Any]]) -> Iterator[Fetched]:
    """The lines that say what a fetch is; others were damaged, and `overbuild doctor` names them."""
    yield from (found for found in map(read, lines) if found is not None)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """The lines that are whole."""
    if path.exists():
        with path.open("rb") as file:
            for text in file:
                if (line := records.parsed(text)) is not None:
                    yield line
