"""What a source is: where its documents come from and how they become rows of declared tables.

A source yields documents (bytes as received); the archive keeps them before anything reads them. It then turns one
archived document at a time into batches of rows. So a source of any size needs only the memory of one batch.

Some documents do not say everything that their rows need: which ticker a filing's figures belong to, from which day a
restated history counts. Their source knows it when it asks, and gives it along as the document's `context`. The context
is kept wherever the address is kept, so that the archive alone gives the same rows again.

Sources fail in pieces: one company's page is missing while the others are there. So a source asks for one document at a
time. `Fetching.get` notes a failure and gives None, and the source goes on with the next.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, Literal, Protocol
from urllib.parse import parse_qsl

import polars as pl

from warehouse.settings import Settings
from warehouse.sources.common.reasons import UNREADABLE_SCHEMA, Reason
from warehouse.tables.table import Table

Feed = Literal["prices", "capex", "gpu", "training", "panel"]
Expect = Literal["json", "csv", "text", "zip"]
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def as_json(context: Mapping[str, str]) -> str:
    """A context as it is kept: the same context is the same text."""
    return json.dumps(dict(context), sort_keys=True, ensure_ascii=False)


def without_context(address: str) -> tuple[str, dict[str, str]]:
    """The address and the context of a document that an earlier version recorded: it wrote the context into the address.

    As a fragment (`...#ticker=NVDA`), and in an address of the snapshot as a query (`snapshot:...?table=companies`).
    """
    url, _, written = address.partition("?" if address.startswith("snapshot:") else "#")
    return url, dict(parse_qsl(written))


@dataclass(frozen=True)
class Document:
    """A document with its hash, where it came from and when; its bytes are in memory (`content` bytes) or in a file.

    `context` is what its source knew of it and its bytes do not say.
    """

    sha256: str
    name: str
    url: str
    content: bytes | Path
    fetched_at: datetime = LONG_AGO
    context: Mapping[str, str] = field(default_factory=dict)

    @property
    def identity(self) -> tuple[str, str, str]:
        """What makes it this document and no other: its hash, its address, and its context as JSON."""
        return self.sha256, self.url, as_json(self.context)

    @property
    def body(self) -> bytes:
        """All bytes at once; for a large document use `open`."""
        return self.content if isinstance(self.content, bytes) else self.content.read_bytes()

    def open(self) -> BinaryIO:
        return io.BytesIO(self.content) if isinstance(self.content, bytes) else self.content.open("rb")


@dataclass(frozen=True)
class Received:
    """A document as it arrived: its short name for messages, its address, what it is, its bytes (or a file of them).

    `fetched_at` is when it was received (None: now); `sha256` is known already where it came out of the archive.
    `context` is what its source knows of it and its bytes do not say.
    """

    name: str
    url: str
    media_type: str
    content: bytes | Path
    fetched_at: datetime | None = None
    sha256: str | None = None
    last_modified: str | None = None
    """The Last-Modified that its host sent with it, as it was sent."""
    context: Mapping[str, str] = field(default_factory=dict)

    def document(self, sha256: str = "", fetched_at: datetime | None = None) -> Document:
        """The same as a document that can be parsed; one that is looked at before it is archived needs no hash."""
        at = fetched_at or self.fetched_at or LONG_AGO
        return Document(sha256, self.name, self.url, self.content, at, self.context)


@dataclass(frozen=True)
class Batch:
    """Rows of one table from one document, and the rows that could not be read (`UNREADABLE_SCHEMA`).

    `notices` are things to know about the document that lose no row (an unknown instance name): shown as warnings.
    """

    table: Table
    frame: pl.DataFrame
    unreadable: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=UNREADABLE_SCHEMA))
    notices: tuple[Reason, ...] = ()


@dataclass(frozen=True)
class Joint:
    """What several documents say: batches with the rows of all of them, each row with its `document_sha256`.

    `of_each` are further batches of each document, in order, with what is its alone: notices and rows that could not be
    read. Their frames are empty.
    """

    batches: tuple[Batch, ...]
    of_each: Sequence[tuple[Batch, ...]]


@dataclass(frozen=True)
class Together:
    """How a source of many small documents turns some of them into rows at once: what a frame costs is mostly its making.

    `read` says what one document holds, and raises as `Source.parse` does; `rows` how many rows that is; `join` makes
    batches of what was read of some.
    """

    read: Callable[[Document], Any]
    rows: Callable[[Any], int]
    join: Callable[[Sequence[Any]], Joint]


class Fetching(Protocol):
    """What a source may ask for while it fetches. Everything it gets is in the archive by the time it sees it."""

    @property
    def settings(self) -> Settings: ...

    @property
    def now(self) -> datetime: ...

    @property
    def span(self) -> tuple[date, date] | None:
        """First and last day asked for (`overbuild backfill`); None in a daily run: what is missing up to now."""
        ...

    def get(
        self,
        url: str,
        *,
        name: str,
        expect: Expect,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        fresh_for: timedelta = timedelta(0),
        secret_params: frozenset[str] = frozenset(),
        absent_ok: bool = False,
    ) -> Received | None:
        """One document from its public address (a base address of the settings takes the host's place).

        An unchanged document (304, or fetched less than `fresh_for` ago) comes out of the archive. None where it could
        not be fetched: the failure is noted, go on with the next one. `secret_params` are left out of what is recorded.
        `absent_ok`: that the host has no such document (404) is an answer and no failure (is there a newer version?).
        Raises StoppedError where the whole source must stop (429 that outlasts the retries, a refusal of the client).
        """
        ...

    def newest(self, table: str, by: str, day: str) -> dict[str, date]:
        """Newest `day` of this source's rows of a core table for each value of the column `by`."""
        ...

    def values(self, table: str, column: str) -> list[str]:
        """Distinct values of a column of a core table, from any source (the panel's tickers), sorted."""
        ...

    def rows(self, table: str, *columns: str) -> list[tuple[Any, ...]]:
        """Distinct combinations of some columns of a core table, from any source, sorted."""
        ...

    def failed(self, name: str, why: str, url: str) -> None:
        """Note something else that could not be fetched (a ticker that the host does not know), and go on."""
        ...


@dataclass(frozen=True)
class Source:
    """One source of one feed. `fetch` gives its documents, `parse` one document's batches.

    `gives` says in a phrase what it brings, and `terms` under which conditions. `passed_on`: these allow rows to be given
    to others, as an export does. `needs` names the setting that it cannot
    do without. `ready` gives None where the setting is there, else a sentence to show. `host_setting` is the setting with
    a base address that takes the place of its public hosts; it need not be declared anywhere else.
    `requests_per_second` is the limit, held across all workers, and across the sources that name the same one in
    `rate_limit_of`: their host counts them together. `on_refusal` says what to do when the host refuses this program
    (401, 403). `optional` sources are asked only where their setting is there; others fail with the sentence.
    `together` is how it reads many documents at once, where it can; `parse` gives the same of one.
    `judges_rows`: its parser judges row by row (a chip that no table names), so many quarantined rows are no sign that
    the others are wrong. Of any other source, a document with many bad rows is left out whole.
    `reads_by` is a fingerprint of the list that its parser goes by, where it has one (which tags stand for what). When
    the list changes, documents are read again though they have not changed.
    `backfills`: earlier days can be asked for, back to `history_from`. With `history_at_once` one answer brings all days
    of a ticker. Asking in pieces of time would ask for the same again.
    """

    name: str
    kind: Literal["reference", "live"]
    feed: Feed
    gives: str
    tables: tuple[str, ...]
    fetch: Callable[[Fetching], Iterator[Received]]
    parse: Callable[[Document], Iterator[Batch]]
    terms: str
    passed_on: bool = True
    needs: str = ""
    on_refusal: str = ""
    host: str = ""
    host_setting: str = ""
    requests_per_second: float = 1.0
    rate_limit_of: str = ""
    max_bytes: int = 200_000_000
    user_agent: Callable[[Settings], str] | None = None
    ready: Callable[[Settings], str | None] = lambda settings: None
    optional: bool = False
    licensed: bool = False
    backfills: bool = False
    history_from: date = date(1990, 1, 1)
    history_at_once: bool = False
    judges_rows: bool = False
    reads_by: str = ""
    together: Together | None = None

    def not_ready(self, settings: Settings) -> str:
        """Why this live source cannot be asked with these settings; '' where it can."""
        if self.licensed and self.name not in settings.licensed_sources:
            return self.ready(settings) or (
                f"its terms need a licence ({self.terms}); name it in OVERBUILD_LICENSED_SOURCES if you hold one."
            )
        return self.ready(settings) or ""
