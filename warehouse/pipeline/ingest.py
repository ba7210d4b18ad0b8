"""From a source to staging, and from staging to `core`: fetch, archive, parse, stage, load.

Nothing is lost on the way. Every document is archived before it is parsed. A row that cannot be read goes to
`quality.quarantine` with the reason, the document and the line. A live source that fails costs only itself: the failure
is kept with what the source did bring, and the other sources go on.

A live run can be repeated with the network off. Then the documents of the published warehouse come out of the archive
in the order of their loading, and give the same rows.
"""

from __future__ import annotations

import json
import traceback
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from warehouse import __version__, sqltext, storage
from warehouse.database import loading
from warehouse.database.loading import provenance
from warehouse.database.store import Store
from warehouse.errors import DamagedError, DocumentError, OverbuildError, RefusedError, StorageError
from warehouse.fetching import archive
from warehouse.fetching.client import Local, Online
from warehouse.fetching.failures import Failure
from warehouse.fetching.fetch_log import Fetched, FetchLog
from warehouse.pipeline.alerts import digest
from warehouse.pipeline.context import Notice, RunContext
from warehouse.pipeline.record import record_quarantined
from warehouse.quality import counts, quarantined
from warehouse.sources import all_sources
from warehouse.sources.common import wording
from warehouse.sources.common.reasons import Reason
from warehouse.sources.common.source import Batch, Document, Received, Source
from warehouse.tables import CORE, SYSTEM

FIRST_MESSAGES = 5
NOTICES_SHOWN = 5
NOTICES_KEPT = 50


@dataclass
class Ingested:
    """What a source brought in this run.

    `stopped` says why it broke off; `skipped` why it was not asked; `failures` are single documents.
    """

    source: Source
    documents: list[Fetched] = field(default_factory=list)
    new_documents: int = 0
    staged_rows: int = 0
    requests: int = 0
    failures: list[Failure] = field(default_factory=list)
    stopped: str = ""
    skipped: str = ""
    notices: dict[tuple[str, Reason], None] = field(default_factory=dict)
    """Things to know, each once: (table, notice)."""
    judged: dict[str, int] = field(default_factory=dict)
    """Rows of a document (by its hash) that its source judged one by one and quarantined (see `Source.judges_rows`)."""
    bound_in: dict[str, str] = field(default_factory=dict)
    """Of a file that was read as a part of another document (both by their hashes): which one, since they stand or fall
    together."""
    damaged: dict[str, Failure] = field(default_factory=dict)
    """Documents (by their hashes) that the archive does not hold any more as they were."""
    recorded: dict[tuple[str, str, str], str] | None = None
    """Which version parsed each of its documents (`Document.identity`) that the warehouse knows; read once, when first
    asked."""

    @property
    def name(self) -> str:
        return self.source.name

    @property
    def outcome(self) -> str:
        if self.skipped:
            return "skipped"
        if not self.stopped and not self.failures:
            return "good"
        return "partly_failed" if self.documents else "failed"

    @property
    def message(self) -> str:
        """What failed, in sentences: the first documents with their reasons, the others by name."""
        said = [self.skipped or self.stopped] if self.skipped or self.stopped else []
        if self.failures:
            count = len(self.failures)
            first = "; ".join(map(str, self.failures[:FIRST_MESSAGES]))
            others = ", ".join(failure.name for failure in self.failures[FIRST_MESSAGES:])
            more = f"; and {count - FIRST_MESSAGES} more: {others}" if others else ""
            said.append(f"{count} {'document' if count == 1 else 'documents'} failed: {first}{more}.")
        return " ".join(said)


def ingest(source: Source, store: Store, run: RunContext, *, asked: bool = True) -> Ingested:
    """Fetch a source's documents, archive each, and stage the rows of those that are not loaded yet.

    Where the run restores, what the archive holds of the source comes first. One that is not `asked` gives no more. What is
    damaged in the archive is a failure, unless the same bytes came again.
    """
    found = Ingested(source)
    _ingest(source, store, run, found, asked)
    for sha256, failure in found.damaged.items():
        if not archive.is_whole(run.paths.raw, sha256):
            found.failures.append(failure)
    return found


def _ingest(source: Source, store: Store, run: RunContext, found: Ingested, asked: bool) -> None:
    if run.base.restores and not (source.kind == "live" and run.offline and asked):
        _restore(source, store, run, found)
    if not asked:
        return
    if source.kind == "live":
        _ingest_live(source, store, run, found)
        return
    for received in source.fetch(Local(run.settings, run.started_at)):
        document = archive.keep(run.paths.raw, received)
        found.documents.append(_as_fetched(document, received, run))
        if not _already_loaded(store, document, found):
            _load_document(source, document, received.media_type, run.started_at, store, run, found)


# -- live sources -----------------------------------------------------------------------------------------------------


def _ingest_live(source: Source, store: Store, run: RunContext, found: Ingested) -> None:
    """Ask a live source, or its part of the archive; whatever goes wrong is noted and stays with this source."""
    if not run.offline and (why := source.not_ready(run.settings)):
        if source.optional or source.licensed:
            found.skipped = why
        else:
            found.stopped = why
        return
    online = Online(
        source, run.settings, run.paths.raw, Warehouse(store), run.started_at, run.span, shared_turn=run.shared_turn
    )
    try:
        for received in _replayed(source, run, found) if run.offline else source.fetch(online):
            _take_live(source, received, store, run, found)
    except StorageError:
        raise
    except OverbuildError as error:
        found.stopped = str(error)
    except Exception as error:
        if (of_disk := storage.fault(error, run.paths.root)) is not None:  # no source is at fault
            raise of_disk from error
        found.stopped = unexpected(error)
    finally:
        online.close()
    found.requests = online.requests_sent
    found.failures = [*online.failures, *found.failures]


def unexpected(error: Exception) -> str:
    """An error that no one foresaw, in a sentence, with the place where it happened."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else ""
    return f"unexpected failure{place}: {type(error).__name__}: {error}"


def _take_live(source: Source, received: Received, store: Store, run: RunContext, found: Ingested) -> None:
    """Load one document; one that cannot be read leaves no row behind and the others unharmed."""
    document = archive.keep(run.paths.raw, received)
    try:
        if not _already_loaded(store, document, found):
            _load_document(source, document, received.media_type, document.fetched_at, store, run, found)
    except Exception as error:
        if (of_disk := storage.fault(error, run.paths.root)) is not None and not isinstance(of_disk, DamagedError):
            raise of_disk from error
        why = _why_unreadable(error)
        kept = archive.path_of(run.paths.raw, document.sha256)
        found.failures.append(Failure(document.name, document.url, why, kept))
    else:
        found.documents.append(_as_fetched(document, received, run))


def _why_unreadable(error: Exception) -> str:
    """What is wrong with a document, without its name, which stands beside it."""
    if isinstance(error, DocumentError):
        return error.what
    return str(error) if isinstance(error, OverbuildError) else unexpected(error)


def _as_fetched(document: Document, received: Received, run: RunContext) -> Fetched:
    return Fetched(
        url=document.url,
        name=document.name,
        media_type=received.media_type,
        sha256=document.sha256,
        fetched_at=document.fetched_at,
        checked_at=run.started_at,
        context=document.context,
    )


def _restore(source: Source, store: Store, run: RunContext, found: Ingested) -> None:
    """Load again what earlier runs published of a source; a document that is damaged is a failure, and named."""
    for received in _of_archive(source, run, found):
        if source.kind == "live":
            _take_live(source, received, store, run, found)
            continue
        document = archive.keep(run.paths.raw, received)
        if not _already_loaded(store, document, found):
            _load_document(source, document, received.media_type, run.started_at, store, run, found)


def _replayed(source: Source, run: RunContext, found: Ingested) -> Iterator[Received]:
    """The same for a run without the network, which says where there is nothing."""
    if not FetchLog(run.paths.raw, source.name).published():
        found.skipped = "the network is off, and the archive holds nothing of it."
    yield from _of_archive(source, run, found)


def _of_archive(source: Source, run: RunContext, found: Ingested) -> Iterator[Received]:
    """The documents that the published warehouse was made of, out of the archive, in the order of their loading."""
    for fetched in FetchLog(run.paths.raw, source.name).published():
        try:
            content = archive.content(run.paths.raw, fetched.sha256)
        except archive.DamagedError as error:
            found.damaged[fetched.sha256] = Failure(fetched.name, fetched.url, str(error))
        else:
            yield Received(
                fetched.name,
                fetched.url,
                fetched.media_type,
                content,
                fetched.fetched_at,
                fetched.sha256,
                context=fetched.context,
            )


def note_published(results: Iterable[Ingested], run: RunContext) -> None:
    """Write down which documents a published warehouse is made of, so that the archive alone can rebuild it."""
    for found in results:
        if found.documents:
            FetchLog(run.paths.raw, found.name).publish(found.documents)


def last_answer_at(run: RunContext, *of: Source) -> datetime | None:
    """When any of these live sources (of all, where none is named) last answered."""
    asked = of or [source for source in all_sources() if source.kind == "live"]
    times = [FetchLog(run.paths.raw, source.name).last_good_at() for source in asked]
    return max((time for time in times if time is not None), default=None)


@dataclass(frozen=True)
class Warehouse:
    """What the warehouse holds, rows that wait in staging included: what a source is missing, and whom to look at."""

    store: Store

    def newest(self, source: str, table: str, by: str, day: str) -> dict[str, date]:
        rows = self.store.execute(
            f'SELECT "{by}", max("{day}") FROM ({_every(table)}) WHERE source = ? GROUP BY 1', [source]
        )
        return dict(rows.fetchall())

    def values(self, table: str, column: str) -> list[str]:
        return [value for (value,) in self.rows(table, (column,))]

    def rows(self, table: str, columns: tuple[str, ...]) -> list[tuple[Any, ...]]:
        names = sqltext.identifiers(columns)
        return self.store.execute(f"SELECT DISTINCT {names} FROM ({_every(table)}) ORDER BY ALL").fetchall()


def _every(table: str) -> str:
    names = sqltext.identifiers(CORE[table].names)
    return f"SELECT {names} FROM core.{table} UNION ALL SELECT {names} FROM staging.{table}"


# -- one document -----------------------------------------------------------------------------------------------------


def _recorded(store: Store, found: Ingested) -> dict[tuple[str, str, str], str]:
    if found.recorded is None:
        known = store.execute(
            "SELECT sha256, url, context, parsed_by FROM provenance.documents WHERE source = ?", [found.name]
        )
        found.recorded = {(sha256, url, context): parsed_by for sha256, url, context, parsed_by in known.fetchall()}
    return found.recorded


def _parsed_by(source: Source) -> str:
    return f"{__version__}, list {source.reads_by}" if source.reads_by else __version__


def _already_loaded(store: Store, document: Document, found: Ingested) -> bool:
    return _recorded(store, found).get(document.identity) == _parsed_by(found.source)


def _load_document(
    source: Source,
    document: Document,
    media_type: str,
    loaded_at: datetime,
    store: Store,
    run: RunContext,
    found: Ingested,
) -> None:
    """Parse and stage a document, whole or not at all, and record it."""
    newest: date | None = None
    count = 0
    unreadable: list[Batch] = []
    notices: dict[tuple[str, Reason], None] = {}
    with store.staging.one_document() as stage:
        for batch in source.parse(document):
            rows = provenance(
                batch.table, batch.frame, source=source, document_sha256=document.sha256, loaded_at=loaded_at
            )
            stage(batch.table, rows)
            if "document_sha256" in batch.frame.columns:
                named = set(batch.frame.get_column("document_sha256").unique()) - {document.sha256}
                found.bound_in |= dict.fromkeys(named, document.sha256)
            days = rows.get_column("known_on")  # a day still to come is no newest fact: its row will be quarantined
            newest = _later(newest, days.filter(days <= run.today).max())
            count += rows.height
            notices |= dict.fromkeys((batch.table.full_name, notice) for notice in batch.notices)
            if batch.unreadable.height:
                unreadable.append(batch)
    kept = sum(_keep_unreadable(store, run, document, batch) for batch in unreadable)
    if source.judges_rows:
        found.judged[document.sha256] = kept
    _record(store, document, media_type, newest, run, loaded_at, found)
    found.new_documents += 1
    found.staged_rows += count
    found.notices |= notices


def _later(one: date | None, other: Any) -> date | None:
    return max((day for day in (one, other) if day is not None), default=None)


def _keep_unreadable(store: Store, run: RunContext, document: Document, batch: Batch) -> int:
    """Quarantine the rows of a document that could not be read; gives how many nobody has decided about yet."""
    rows = quarantined.unreadable(
        batch.table, batch.unreadable, run_id=run.run_id, document_sha256=document.sha256, document_name=document.name
    )
    return record_quarantined(store, run, rows)


def _record(
    store: Store,
    document: Document,
    media_type: str,
    newest: date | None,
    run: RunContext,
    fetched_at: datetime,
    found: Ingested,
) -> None:
    table, (sha256, url, context) = SYSTEM["documents"], document.identity
    if document.identity in (recorded := _recorded(store, found)):
        store.execute(
            f"DELETE FROM {table.full_name} WHERE source = ? AND sha256 = ? AND url = ? AND context = ?",
            [found.name, sha256, url, context],
        )
    recorded[document.identity] = _parsed_by(found.source)
    row = {
        "sha256": sha256,
        "source": found.name,
        "source_kind": found.source.kind,
        "url": url,
        "context": context,
        "name": document.name,
        "fetched_at": fetched_at,
        "bytes": archive.path_of(run.paths.raw, sha256).stat().st_size,
        "media_type": media_type,
        "known_on": newest,
        "parsed_by": recorded[document.identity],
    }
    store.staging.record(table, row)


@dataclass(frozen=True)
class Ingestion:
    """What the sources of a run brought, and what they say of their documents."""

    sources: tuple[Ingested, ...]
    notices: tuple[Notice, ...] = ()


def collect(store: Store, run: RunContext, results: Iterable[Ingested | BaseException]) -> Ingestion:
    """Take in what the sources brought. A live source never fails here: its failure is part of what it brought.

    Raises RefusedError with every message where reference documents cannot be read, and an unexpected error as it is.
    """
    listed = list(results)
    problems = [result for result in listed if isinstance(result, BaseException)]
    unforeseen = [problem for problem in problems if not isinstance(problem, OverbuildError)]
    if unforeseen:
        raise unforeseen[0]
    if problems:
        raise RefusedError("\n".join(str(problem) for problem in problems))
    sources = tuple(result for result in listed if isinstance(result, Ingested))
    return Ingestion(sources, tuple(_record_notices(store, run, sources)))


def _record_notices(store: Store, run: RunContext, sources: Sequence[Ingested]) -> list[Notice]:
    """Record what sources say of their documents without losing a row: a warning for each source and table."""
    rows = []
    notices = []
    for found in sources:
        for table in sorted({table for table, _ in found.notices}):
            said = [notice for of, notice in found.notices if of == table]
            more = f"; and {len(said) - NOTICES_SHOWN} more (overbuild quality)" if len(said) > NOTICES_SHOWN else ""
            message = f"{found.name}: {wording.sentences(said[:NOTICES_SHOWN])}{more}"
            kept = [asdict(each) for each in said[:NOTICES_KEPT]]
            notices.append(Notice(f"document {digest(found.name, table, *(each.as_json() for each in said))}", message))
            details = {"protects": message, "outcome": "warning", "message": message, "notices": kept}
            rows.append(
                {
                    "run_id": run.run_id,
                    "table_name": table,
                    "expectation": counts.NOTICE,
                    "column_name": found.name,
                    "severity": "warning",
                    "success": False,
                    "unexpected_count": len(said),
                    "checked_at": datetime.now(UTC),
                    "details": json.dumps(details, ensure_ascii=False),
                }
            )
    if rows:
        store.append(SYSTEM["results"], pl.DataFrame(rows))
    return notices


# -- into core --------------------------------------------------------------------------------------------------------


def load(store: Store) -> dict[str, int]:
    """Append what is staged and new to `core`; gives the new rows of each table."""
    added = {table.name: loading.load(store, table) for table in store.staging.counts()}
    store.release_memory()
    return added
