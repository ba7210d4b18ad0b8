"""From a source to staging, and from staging to `core`: fetch, archive, parse, stage, load.

Nothing is lost on the way. Every document is archived before it is parsed. A row that cannot be read goes to
`quality.quarantine` with the reason, the document and the line. A live source that fails costs only itself: the failure
is kept with what the source did bring, and the other sources go on.

A live run can be repeated with the network off. Then the documents of the published warehouse come out of the archive
in the order of their loading, and give the same rows.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import Any

import polars as pl

from warehouse import sqltext, storage
from warehouse.database import loading
from warehouse.database.store import Store
from warehouse.errors import OverbuildError, RefusedError, StorageError
from warehouse.fetching import archive
from warehouse.fetching.client import Local, Online
from warehouse.fetching.failures import Failure
from warehouse.fetching.fetch_log import Fetched, FetchLog
from warehouse.pipeline.alerts import digest
from warehouse.pipeline.context import Notice, RunContext
from warehouse.pipeline.documents import Ingested, load_waiting, note_failure, take, unexpected
from warehouse.quality import counts
from warehouse.sources import all_sources
from warehouse.sources.common import wording
from warehouse.sources.common.source import Document, Received, Source
from warehouse.tables import CORE, SYSTEM

NOTICES_SHOWN = 5
NOTICES_KEPT = 50


def ingest(source: Source, store: Store, run: RunContext, *, asked: bool = True) -> Ingested:
    """Fetch a source's documents, archive each, and stage the rows of those that are not loaded yet.

    Where the run restores, what the archive holds of the source comes first. One that is not `asked` gives no more. What is
    damaged in the archive is a failure, unless the same bytes came again.
    """
    found = Ingested(source)
    try:
        _ingest(source, store, run, found, asked)
        load_waiting(store, run, found)
    finally:
        found.close()
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
        take(document, received.media_type, run.started_at, store, run, found)


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


def _take_live(source: Source, received: Received, store: Store, run: RunContext, found: Ingested) -> None:
    """Load one document; one that cannot be read leaves no row behind and the others unharmed."""
    document = archive.keep(run.paths.raw, received)
    found.documents.append(_as_fetched(document, received, run))
    try:
        take(document, received.media_type, document.fetched_at, store, run, found)
    except Exception as error:
        note_failure(document, error, run, found)


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
        take(document, received.media_type, run.started_at, store, run, found)


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
