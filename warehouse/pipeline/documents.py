"""From an archived document to staging: parsed, given its provenance, staged whole or not at all, and recorded.

Most sources turn one document into rows at a time. A source of thousands of small documents reads each by itself. Its rows
become frames with those of others (`Source.together`), because a frame costs as much for one company as for fifty.
While one such group is staged, by a thread of its own, the next is read. What one document has wrong costs that document.
"""

from __future__ import annotations

import traceback
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from warehouse import __version__, storage
from warehouse.database import loading
from warehouse.database.loading import provenance
from warehouse.database.store import Store
from warehouse.errors import DamagedError, DocumentError, OverbuildError
from warehouse.fetching import archive
from warehouse.fetching.failures import Failure
from warehouse.fetching.fetch_log import Fetched
from warehouse.pipeline.context import RunContext
from warehouse.pipeline.record import record_quarantined
from warehouse.quality import quarantined
from warehouse.sources import read_apart
from warehouse.sources.common.reasons import Reason
from warehouse.sources.common.source import Batch, Document, Source, as_json
from warehouse.spreading import Piece
from warehouse.tables import SYSTEM

FIRST_MESSAGES = 5
WAITING_ROWS = 40_000
"""Rows of documents that are read together, which are joined once there are so many."""
READ_AHEAD = 2  # documents sent to each that reads, so that none waits for the next one


@dataclass(frozen=True)
class _Waiting:
    """A document that was read (`reading`), and when what it says was received or loaded."""

    document: Document
    media_type: str
    loaded_at: datetime
    reading: Any


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
    waiting: list[_Waiting] = field(default_factory=list)
    """Documents that were read and become rows together with others (`Source.together`)."""
    waiting_rows: int = 0
    """Rows of those; counted as they come, since a group may have thousands of documents."""
    read_elsewhere: deque[tuple[_Waiting, Piece[Any]]] = field(default_factory=deque)
    """Documents that others read at this time (`RunContext.spread`), in the order in which they came."""
    taken: set[tuple[str, str, str]] = field(default_factory=set)
    """Such documents of this run, by what makes them that document and no other."""
    recorded: dict[tuple[str, str, str], str] | None = None
    """Which version parsed each of its documents (`Document.identity`) that the warehouse knows; read once, when first
    asked."""

    _thread: ThreadPoolExecutor | None = None
    _under_way: Future[None] | None = None

    @property
    def name(self) -> str:
        return self.source.name

    def take_waiting(self) -> list[_Waiting]:
        """The documents that wait, which wait no more."""
        group, self.waiting, self.waiting_rows = self.waiting, [], 0
        return group

    def behind(self, work: Callable[[], None]) -> None:
        """Let a thread do some work while this one goes on, once what it was given before is done."""
        self.settle()
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"{self.name}-staging")
        self._under_way = self._thread.submit(work)

    def settle(self) -> None:
        """Wait for that work; raises what it raised."""
        under_way, self._under_way = self._under_way, None
        if under_way is not None:
            under_way.result()

    def close(self) -> None:
        """Let go of the thread, once it has done what it is at."""
        if self._thread is not None:
            self._thread.shutdown()
            self._thread = self._under_way = None

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


def take(
    document: Document, media_type: str, loaded_at: datetime, store: Store, run: RunContext, found: Ingested
) -> None:
    """Parse and stage an archived document, whole or not at all, and record it; one that is loaded already adds nothing.

    Of a source that reads many together, it waits for others (`load_waiting`). Raises where it cannot be read.
    """
    if document.identity in found.taken or _already_loaded(store, document, found):
        return
    together = found.source.together
    if together is None:
        _load_document(found.source, document, media_type, loaded_at, store, run, found)
        return
    one = _Waiting(replace(document, content=b""), media_type, loaded_at, None)
    if run.spread is None:
        reading = together.read(document)
        found.taken.add(document.identity)
        _wait_for_others(replace(one, reading=reading), store, run, found)
        return
    found.taken.add(document.identity)
    whole = replace(document, content=document.body)  # others do not see the archive
    found.read_elsewhere.append((one, run.spread.submit(read_apart, found.name, whole)))
    _take_back(store, run, found, but=READ_AHEAD * run.spread.width)


def _take_back(store: Store, run: RunContext, found: Ingested, *, but: int = 0) -> None:
    """Take documents that others read, in the order in which they came, so that rows stand as they do without others.

    The last `but` may still be read.
    """
    while len(found.read_elsewhere) > but:
        one, piece = found.read_elsewhere.popleft()
        try:
            reading = piece.result()
        except Exception as error:
            if found.source.kind != "live":
                raise
            found.taken.discard(one.document.identity)
            note_failure(one.document, error, run, found)
        else:
            _wait_for_others(replace(one, reading=reading), store, run, found)


def _wait_for_others(one: _Waiting, store: Store, run: RunContext, found: Ingested) -> None:
    """Keep what was read of a document until there is enough to be joined."""
    together = found.source.together
    assert together is not None
    found.waiting.append(one)
    found.waiting_rows += together.rows(one.reading)
    if found.waiting_rows >= WAITING_ROWS:
        group = found.take_waiting()
        found.behind(lambda: _load_group(group, store, run, found))


def load_waiting(store: Store, run: RunContext, found: Ingested) -> None:
    """Stage and record the documents that still wait."""
    _take_back(store, run, found)
    found.settle()
    if group := found.take_waiting():
        _load_group(group, store, run, found)


def _load_group(group: Sequence[_Waiting], store: Store, run: RunContext, found: Ingested) -> None:
    """Stage and record some documents. Where they cannot be joined, each is tried alone: one of them is at fault."""
    try:
        _load_together(group, store, run, found)
    except Exception as error:
        if len(group) == 1:
            note_failure(group[0].document, error, run, found)
            return
        for one in group:
            _load_group([one], store, run, found)


def _load_together(waiting: Sequence[_Waiting], store: Store, run: RunContext, found: Ingested) -> None:
    assert found.source.together is not None
    joint = found.source.together.join([one.reading for one in waiting])
    received = pl.DataFrame(
        [(one.document.sha256, one.loaded_at) for one in waiting],
        schema={"document_sha256": pl.String, "loaded_at": pl.Datetime("us", "UTC")},
        orient="row",
    ).unique("document_sha256", keep="first", maintain_order=True)
    newest: dict[str, date] = {}
    count = 0
    with store.staging.one_document() as stage:
        for batch in joint.batches:
            rows = loading.provenance_of_many(batch.table, batch.frame, received, source=found.source)
            stage(batch.table, rows)
            count += rows.height
            known = rows.filter(pl.col("known_on") <= run.today).group_by("document_sha256")
            for sha256, day in known.agg(pl.col("known_on").max()).iter_rows():
                newest[sha256] = max(day, newest.get(sha256, day))
    for one, batches in zip(waiting, joint.of_each, strict=True):
        unreadable = [batch for batch in batches if batch.unreadable.height]
        notices = {(batch.table.full_name, notice): None for batch in batches for notice in batch.notices}
        _note_loaded(one, newest.get(one.document.sha256), unreadable, notices, store, run, found)
    found.staged_rows += count


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
    found.staged_rows += count
    _note_loaded(_Waiting(document, media_type, loaded_at, None), newest, unreadable, notices, store, run, found)


def _note_loaded(
    one: _Waiting,
    newest: date | None,
    unreadable: Sequence[Batch],
    notices: Mapping[tuple[str, Reason], None],
    store: Store,
    run: RunContext,
    found: Ingested,
) -> None:
    """Record a document whose rows are staged, and quarantine what could not be read of it."""
    kept = sum(_keep_unreadable(store, run, one.document, batch) for batch in unreadable)
    if found.source.judges_rows:
        found.judged[one.document.sha256] = kept
    _record(store, one.document, one.media_type, newest, run, one.loaded_at, found)
    found.new_documents += 1
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


# -- what went wrong --------------------------------------------------------------------------------------------------


def note_failure(document: Document, error: Exception, run: RunContext, found: Ingested) -> None:
    """Note that a document of a live source could not be read; raises where the disk is at fault, and no document."""
    if (of_disk := storage.fault(error, run.paths.root)) is not None and not isinstance(of_disk, DamagedError):
        raise of_disk from error
    kept = archive.path_of(run.paths.raw, document.sha256)
    found.failures.append(Failure(document.name, document.url, _why_unreadable(error), kept))
    found.documents = [fetched for fetched in found.documents if _identity(fetched) != document.identity]


def _identity(fetched: Fetched) -> tuple[str, str, str]:
    return fetched.sha256, fetched.url, as_json(fetched.context)


def _why_unreadable(error: Exception) -> str:
    """What is wrong with a document, without its name, which stands beside it."""
    if isinstance(error, DocumentError):
        return error.what
    return str(error) if isinstance(error, OverbuildError) else unexpected(error)


def unexpected(error: Exception) -> str:
    """An error that no one foresaw, in a sentence, with the place where it happened."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else ""
    return f"unexpected failure{place}: {type(error).__name__}: {error}"
