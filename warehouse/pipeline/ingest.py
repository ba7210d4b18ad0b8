"""From a source to `core`: fetch, archive, parse, stage, put bad rows aside, load.

Nothing is lost on the way: a row that cannot be read or breaks a rule goes to `quality.quarantine` with the reason, the
document and the line. Where too many do, the document is not what we think it is: a reference document then refuses the
run, a live one is left out and named, and the other documents and sources go on. What a person decided about such a row
(`warehouse.decisions`) is respected: an accepted row is loaded, a dismissed one is left where it is and not told again.

A live run can be repeated with the network off: then the documents that the published warehouse was made of come out
of the archive in the order of their loading, and give the same rows.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from warehouse import __version__, sqltext
from warehouse.database.store import Store, provenance
from warehouse.errors import OverbuildError, RefusedError
from warehouse.fetching import archive
from warehouse.fetching.client import Local, Online
from warehouse.fetching.failures import Failure
from warehouse.fetching.fetch_log import Fetched, FetchLog
from warehouse.paths import Home
from warehouse.quality import checks as quality
from warehouse.quality import decisions as deciding
from warehouse.quality.decisions import Decision
from warehouse.settings import Settings
from warehouse.sources import all_sources
from warehouse.sources.common.source import Batch, Document, Received, Source
from warehouse.tables import CORE, SYSTEM
from warehouse.tables.table import Table

FIRST_MESSAGES = 5
BAD_ROWS_THAT_MATTER = 10
"""A live document is left out where most of its rows are bad, or so many and more than its table allows."""
BAD_SHARE = 0.5
LEFT_OUT = "left out"
NOTICE = "source_notice"


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
    notices: dict[tuple[str, str], None] = field(default_factory=dict)
    """Things to know, each once: (table, notice)."""
    judged: dict[str, int] = field(default_factory=dict)
    """Rows of a document (by its hash) that its source judged one by one and put aside (see `Source.judges_rows`)."""
    bound_in: dict[str, str] = field(default_factory=dict)
    """Of a file that was read as a part of another document (both by their hashes): which one, since they stand or fall
    together."""
    recorded: dict[tuple[str, str], str] | None = None
    """Which version parsed each of its documents (hash, address) that the warehouse knows; read once, when first asked."""

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
        """What failed, in sentences."""
        said = [self.skipped or self.stopped] if self.skipped or self.stopped else []
        if self.failures:
            count = len(self.failures)
            first = "; ".join(map(str, self.failures[:FIRST_MESSAGES]))
            more = f"; and {count - FIRST_MESSAGES} more" if count > FIRST_MESSAGES else ""
            said.append(f"{count} {'document' if count == 1 else 'documents'} failed: {first}{more}.")
        return " ".join(said)


@dataclass(frozen=True)
class RunContext:
    """What every step of a run knows. `span` is the first and last day asked for in a backfill.

    `decisions` are those of people about rows that earlier runs put aside.
    """

    run_id: str
    started_at: datetime
    home: Home
    settings: Settings
    span: tuple[date, date] | None = None
    decisions: tuple[Decision, ...] = ()

    @property
    def today(self) -> date:
        return self.started_at.date()

    @property
    def offline(self) -> bool:
        return self.settings.network == "off"


def ingest(source: Source, store: Store, run: RunContext) -> Ingested:
    """Fetch a source's documents, archive each, and stage the rows of those that are not loaded yet."""
    found = Ingested(source)
    if source.kind == "live":
        _ingest_live(source, store, run, found)
        return found
    for received in source.fetch(Local(run.settings, run.started_at)):
        document = archive.keep(run.home.raw, received)
        found.documents.append(_as_fetched(document, received, run))
        if not _already_loaded(store, document, found):
            _load_document(source, document, received.media_type, run.started_at, store, run, found)
    return found


# -- live sources -----------------------------------------------------------------------------------------------------


def _ingest_live(source: Source, store: Store, run: RunContext, found: Ingested) -> None:
    """Ask a live source, or its part of the archive; whatever goes wrong is noted and stays with this source."""
    if not run.offline and (why := source.not_ready(run.settings)):
        if source.optional or source.licensed:
            found.skipped = why
        else:
            found.stopped = why
        return
    online = Online(source, run.settings, run.home.raw, Warehouse(store), run.started_at, run.span)
    try:
        for received in _replayed(source, run, found) if run.offline else source.fetch(online):
            _take_live(source, received, store, run, found)
    except OverbuildError as error:
        found.stopped = str(error)
    except Exception as error:
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
    document = archive.keep(run.home.raw, received)
    try:
        if not _already_loaded(store, document, found):
            _load_document(source, document, received.media_type, document.fetched_at, store, run, found)
    except Exception as error:
        why = str(error).removeprefix(f"{document.name}: ") if isinstance(error, OverbuildError) else unexpected(error)
        kept = archive.path_of(run.home.raw, document.sha256)
        found.failures.append(Failure(document.name, document.url, why, kept))
    else:
        found.documents.append(_as_fetched(document, received, run))


def _as_fetched(document: Document, received: Received, run: RunContext) -> Fetched:
    return Fetched(
        document.url, document.name, received.media_type, document.sha256, document.fetched_at, run.started_at
    )


def _replayed(source: Source, run: RunContext, found: Ingested) -> Iterator[Received]:
    """The documents that the published warehouse was made of, out of the archive, in the order of their loading."""
    listed = FetchLog(run.home.raw, source.name).published()
    if not listed:
        found.skipped = "the network is off, and the archive holds nothing of it."
    for fetched in listed:
        try:
            content = archive.content(run.home.raw, fetched.sha256)
        except archive.DamagedError as error:
            found.failures.append(Failure(fetched.name, fetched.url, str(error)))
        else:
            yield Received(fetched.name, fetched.url, fetched.media_type, content, fetched.fetched_at, fetched.sha256)


def note_published(results: Iterable[Ingested], run: RunContext) -> None:
    """Write down which documents a published warehouse is made of, so that the archive alone can rebuild it."""
    for found in results:
        if found.source.kind == "live" and found.documents:
            FetchLog(run.home.raw, found.name).publish(found.documents)


def last_answer_at(run: RunContext, *of: Source) -> datetime | None:
    """When any of these live sources (of all, where none is named) last answered."""
    asked = of or [source for source in all_sources() if source.kind == "live"]
    times = [FetchLog(run.home.raw, source.name).last_good_at() for source in asked]
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


def _recorded(store: Store, found: Ingested) -> dict[tuple[str, str], str]:
    if found.recorded is None:
        known = store.execute("SELECT sha256, url, parsed_by FROM provenance.documents WHERE source = ?", [found.name])
        found.recorded = {(sha256, url): parsed_by for sha256, url, parsed_by in known.fetchall()}
    return found.recorded


def _parsed_by(source: Source) -> str:
    return f"{__version__}, list {source.reads_by}" if source.reads_by else __version__


def _already_loaded(store: Store, document: Document, found: Ingested) -> bool:
    return _recorded(store, found).get((document.sha256, document.url)) == _parsed_by(found.source)


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
    notices: dict[tuple[str, str], None] = {}
    with store.one_document() as stage:
        for batch in source.parse(document):
            rows = provenance(
                batch.table, batch.frame, source=source.name, document_sha256=document.sha256, loaded_at=loaded_at
            )
            stage(batch.table, rows)
            if "document_sha256" in batch.frame.columns:
                named = set(batch.frame.get_column("document_sha256").unique()) - {document.sha256}
                found.bound_in |= dict.fromkeys(named, document.sha256)
            days = rows.get_column("known_on")  # one that is still to come is put aside, and no newest fact
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
    """Put the rows of a document aside that could not be read; gives how many nobody has dismissed yet."""
    bad = batch.unreadable.select(
        pl.lit(run.run_id).alias("run_id"),
        pl.lit(batch.table.full_name).alias("table_name"),
        _row_ids(batch.table, batch.unreadable.get_column("row"), document.sha256, batch.unreadable["locator"]),
        pl.format("{}, {}: {}", pl.lit(document.name), "locator", "reason").alias("reason"),
        "row",
        pl.lit(document.sha256).alias("document_sha256"),
        "locator",
    ).filter(~pl.col("row_id").is_in(list(deciding.in_force(run.decisions))))
    store.append(SYSTEM["quarantine"], bad)
    return bad.height


def _row_ids(table: Table, identities: pl.Series, sha256: str | pl.Series, locators: pl.Series) -> pl.Series:
    hashes = [sha256] * len(identities) if isinstance(sha256, str) else sha256
    given = zip(hashes, locators, identities, strict=True)
    names = [deciding.row_id(table.full_name, *(text or "" for text in row)) for row in given]
    return pl.Series("row_id", names, dtype=pl.String)


def _record(
    store: Store,
    document: Document,
    media_type: str,
    newest: date | None,
    run: RunContext,
    fetched_at: datetime,
    found: Ingested,
) -> None:
    table, place = SYSTEM["documents"], (document.sha256, document.url)
    if place in (recorded := _recorded(store, found)):
        store.execute(
            f"DELETE FROM {table.full_name} WHERE sha256 = ? AND source = ? AND url = ?",
            [document.sha256, found.name, document.url],
        )
    recorded[place] = _parsed_by(found.source)
    row = {
        "sha256": document.sha256,
        "source": found.name,
        "url": document.url,
        "name": document.name,
        "fetched_at": fetched_at,
        "bytes": archive.path_of(run.home.raw, document.sha256).stat().st_size,
        "media_type": media_type,
        "known_on": newest,
        "parsed_by": recorded[place],
    }
    store.record(table, row)


# -- bad rows ---------------------------------------------------------------------------------------------------------


def quarantine(store: Store, run: RunContext, results: Iterable[Ingested] = ()) -> list[str]:
    """Put staged rows aside that break a rule on single rows; gives a message for each, naming document, line, field.

    Live documents that have too many are left out whole and noted as failures of their source (in `results`).
    Raises RefusedError where a table would lose more than its `quarantine_limit` of reference rows, or where a reference
    document says the same thing twice: which of the two rows is meant cannot be known.
    """
    messages: list[str] = []
    refused: list[str] = []
    names = dict(store.execute("SELECT sha256, name FROM provenance.documents").fetchall())
    live = {found.name: found for found in results if found.source.kind == "live"}
    for table, staged in _tables_at_stake(store, run).items():
        new_rows = staged + len(_reasons(store, run, table))
        _keep_aside(store, run, table, store.put_aside(table, quality.reasons_sql(table, run.today)), names)
        _put_aside_beside_others(store, run, table, names)
        refused += _said_twice(store, table, names)
        _keep_aside(store, run, table, store.put_contradictions_aside(table), names)
        _leave_out_bad_documents(store, run, table, live)
        reasons = _reasons(store, run, table)
        messages += reasons
        refused += _said_twice(store, table, names)
        of_reference = _reasons(store, run, table, of_live_documents=False) if live else reasons
        if len(of_reference) > table.quarantine_limit * new_rows:
            refused.append(
                f"{table.full_name}: {len(of_reference)} of {new_rows} new rows are bad, more than the "
                f"{table.quarantine_limit:.0%} that may be put aside:\n  " + "\n  ".join(of_reference[:FIRST_MESSAGES])
            )
    if refused:
        raise RefusedError("\n".join(refused))
    return messages


def _put_aside_beside_others(store: Store, run: RunContext, table: Table, names: dict[str, str]) -> None:
    """Put aside what only the rows around a row give away (a thousandfold figure, a node's price for a GPU's)."""
    for check in quality.aside(table):
        found = store.frame(quality.bad_rows(check, today=run.today, relation=f"{quality.STAGING}{table.name}"))
        if found.height:
            reasons = [quality.reason_in_words(check, table, row) for row in found.iter_rows(named=True)]
            places = found.select("document_sha256", "locator", pl.Series("reason", reasons, dtype=pl.String))
            _keep_aside(store, run, table, store.put_places_aside(table, places), names)


def _said_twice(store: Store, table: Table, names: dict[str, str]) -> list[str]:
    """A message for each reference document in which several rows have one identity."""
    identity = sqltext.identifiers(table.identity)
    told = [name for name in table.identity if name != "source"]
    found = store.execute(
        f"SELECT document_sha256, list(places ORDER BY places), count(*) FROM (SELECT document_sha256, {identity}, "
        "string_agg(locator, ' and ' ORDER BY length(locator), locator) AS places "
        f"FROM staging.{table.name} WHERE source LIKE 'reference_%' GROUP BY document_sha256, {identity} "
        "HAVING count(*) > 1) GROUP BY document_sha256"
    )
    return [
        f"{names.get(sha256, sha256[:12])}, {'; '.join(places[:FIRST_MESSAGES])}: {', '.join(told)} "
        f"{'is' if len(told) == 1 else 'are'} the same in these rows of {table.full_name} ({count} times); "
        "remove the rows that should not be there."
        for sha256, places, count in found.fetchall()
    ]


def _tables_at_stake(store: Store, run: RunContext) -> dict[Table, int]:
    """Tables with staged rows or rows put aside in this run, with the number staged."""
    aside = store.execute(
        "SELECT DISTINCT table_name FROM quality.quarantine WHERE run_id = ?", [run.run_id]
    ).fetchall()
    staged = store.staged()
    return {table: staged.get(table, 0) for table in CORE.values() if table in staged or (table.full_name,) in aside}


def _leave_out_bad_documents(store: Store, run: RunContext, table: Table, live: dict[str, Ingested]) -> None:
    """Take a live document out whole where so many of its rows are bad that the others cannot be trusted."""
    counts = store.execute(
        """SELECT d.source, q.document_sha256, count(*), any_value(q.reason)
            FROM quality.quarantine q JOIN (SELECT DISTINCT sha256, source FROM provenance.documents) d
              ON d.sha256 = q.document_sha256
            WHERE q.run_id = ? AND q.table_name = ? GROUP BY ALL ORDER BY ALL""",
        [run.run_id, table.full_name],
    ).fetchall()
    # A document bound of files is judged as one: its rows name their files, its unreadable rows name itself.
    of_documents: dict[tuple[str, str], tuple[int, str]] = {}
    for source, sha256, bad, first in counts:
        if found := live.get(source):
            place = source, found.bound_in.get(sha256, sha256)
            before, said = of_documents.get(place, (-found.judged.get(place[1], 0), first))
            of_documents[place] = before + bad, said
    others = [other for other in store.staged() if other is not table] if of_documents else []
    for (source, sha256), (bad, first) in of_documents.items():
        found = live[source]
        hashes = [sha256, *(part for part, whole in found.bound_in.items() if whole == sha256)]
        good = _staged_of(store, [table], hashes)
        elsewhere = _staged_of(store, others, hashes)
        many = bad >= BAD_ROWS_THAT_MATTER and bad > table.quarantine_limit * (bad + good)
        if not (many or bad > BAD_SHARE * (bad + good + elsewhere)):
            continue
        for every in CORE.values():
            for one in hashes:
                store.drop_document(every, one)
        store.execute(
            "UPDATE provenance.documents SET parsed_by = ?, known_on = NULL WHERE sha256 = ? AND source = ?",
            [LEFT_OUT, sha256, source],
        )
        dropped = [document for document in found.documents if document.sha256 == sha256]
        found.documents = [document for document in found.documents if document.sha256 != sha256]
        why = f"{bad} of {bad + good} rows for {table.full_name} are bad, so none was loaded; first: {first}"
        kept = archive.path_of(run.home.raw, sha256)
        found.failures += [Failure(document.name, document.url, why, kept) for document in dropped]


def _staged_of(store: Store, tables: Iterable[Table], hashes: list[str]) -> int:
    """How many rows of some documents wait in these tables."""
    counting = "SELECT count(*) FROM staging.{name} WHERE document_sha256 IN (SELECT unnest(?))"
    return sum(store.scalar(counting.format(name=table.name), [hashes]) for table in tables)


def _reasons(store: Store, run: RunContext, table: Table, *, of_live_documents: bool = True) -> list[str]:
    """Why rows of a table were put aside in this run."""
    only = (
        ""
        if of_live_documents
        else "AND document_sha256 IN (SELECT sha256 FROM provenance.documents WHERE source LIKE 'reference_%')"
    )
    rows = store.execute(
        f"SELECT reason FROM quality.quarantine WHERE run_id = ? AND table_name = ? {only} "
        "ORDER BY document_sha256, length(locator), locator, reason",
        [run.run_id, table.full_name],
    )
    return [reason for (reason,) in rows.fetchall()]


def _keep_aside(store: Store, run: RunContext, table: Table, bad: pl.DataFrame, names: dict[str, str]) -> None:
    """Write rows to quarantine, but for those that a person decided about."""
    if bad.is_empty():
        return
    document = pl.col("document_sha256").replace(names)
    identities = bad.select(
        pl.concat_str([pl.col(name).cast(pl.String).fill_null("") for name in table.identity], separator=" | ")
    ).to_series()
    kept = bad.select(
        pl.lit(run.run_id).alias("run_id"),
        pl.lit(table.full_name).alias("table_name"),
        _row_ids(table, identities, bad["document_sha256"], bad["locator"]),
        pl.format("{}, {}: {}", document, "locator", "reason").alias("reason"),
        pl.struct(pl.col(table.names).cast(pl.String)).struct.json_encode().alias("row"),
        "document_sha256",
        "locator",
    )
    store.append(SYSTEM["quarantine"], kept.filter(~pl.col("row_id").is_in(list(deciding.in_force(run.decisions)))))


def stage_accepted(store: Store, run: RunContext) -> list[str]:
    """Stage the rows that people accepted and core does not hold yet; gives a message for each that cannot be loaded.

    They are taken from the decisions themselves, so they come back when a warehouse is made anew. Only rows of documents
    that the warehouse is made of are loaded, and none beside a row of the same identity.
    """
    loaded = store.execute("SELECT sha256 FROM provenance.documents WHERE parsed_by <> ?", [LEFT_OUT]).fetchall()
    hashes = {sha256 for (sha256,) in loaded}
    problems = []
    for table in CORE.values():
        for decision in deciding.accepted(run.decisions, table):
            if decision.document_sha256 not in hashes:
                continue
            row = deciding.as_rows([decision.row], table)
            held = deciding.standing(table, row, store.connection, staged=True).rows(named=True)
            here = (decision.document_sha256, decision.locator)
            if any((other["document_sha256"], other["locator"]) == here for other in held):
                continue
            if held:
                problems.append(
                    f"{table.full_name}: the accepted row {decision.row_id} ({decision.put_aside_for.split(': ')[0]}) was "
                    f"not loaded: {', '.join(table.identity)} are those of a row that is loaded, from document "
                    f"{held[0]['document_sha256'][:12]}, {held[0]['locator']}. Withdraw the decision, or dismiss the row."
                )
            else:
                store.stage(table, row)
    return problems


def load(store: Store) -> dict[str, int]:
    """Append what is staged and new to `core`; gives the new rows of each table."""
    added = {table.name: store.load(table) for table in store.staged()}
    store.release_memory()
    return added
