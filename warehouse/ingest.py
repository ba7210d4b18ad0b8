"""From a source to `core`: fetch, archive, parse, stage, put bad rows aside, load.

Nothing is lost on the way: a row that cannot be read or breaks a rule goes to `quality.quarantine` with the reason, the
document and the line. Where too many do, the run is refused instead, because then the document is not what we think it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

import polars as pl

from warehouse import __version__, archive, quality
from warehouse.errors import RefusedError
from warehouse.fetching import Local
from warehouse.home import Home
from warehouse.settings import Settings
from warehouse.sources.source import Batch, Document, Source
from warehouse.store import Store, provenance
from warehouse.tables import SYSTEM
from warehouse.tables.table import Table

FIRST_MESSAGES = 5


@dataclass
class Ingested:
    """What a source brought in this run."""

    source: str
    documents: list[str] = field(default_factory=list)
    new_documents: int = 0
    staged_rows: int = 0


@dataclass(frozen=True)
class RunContext:
    """What every step of a run knows."""

    run_id: str
    started_at: datetime
    home: Home
    settings: Settings

    @property
    def today(self) -> date:
        return self.started_at.date()


def ingest(source: Source, store: Store, run: RunContext) -> Ingested:
    """Fetch a source's documents, archive each, and stage the rows of those that are not loaded yet."""
    found = Ingested(source.name)
    for received in source.fetch(Local(run.settings, run.started_at)):
        document = archive.keep(run.home.raw, received)
        found.documents.append(document.sha256)
        if _already_loaded(store, source, document):
            continue
        newest: date | None = None
        for batch in source.parse(document):
            newest = max(filter(None, (newest, _stage(batch, source, document, store, run))), default=None)
            found.staged_rows += batch.frame.height
        _record(store, source, document, received.media_type, newest, run)
        found.new_documents += 1
    return found


def _already_loaded(store: Store, source: Source, document: Document) -> bool:
    return bool(
        store.scalar(
            "SELECT count(*) FROM provenance.documents WHERE sha256 = ? AND source = ? AND url = ? AND parsed_by = ?",
            [document.sha256, source.name, document.url, __version__],
        )
    )


def _stage(batch: Batch, source: Source, document: Document, store: Store, run: RunContext) -> date | None:
    rows = provenance(
        batch.table,
        batch.frame,
        source=source.name,
        document_sha256=document.sha256,
        loaded_at=run.started_at,
    )
    store.stage(batch.table, rows)
    if batch.unreadable.height:
        store.append(
            SYSTEM["quarantine"],
            batch.unreadable.select(
                pl.lit(run.run_id).alias("run_id"),
                pl.lit(batch.table.full_name).alias("table_name"),
                pl.format("{} {}", pl.lit(document.name), "locator").alias("row_id"),
                pl.format("{}, {}: {}", pl.lit(document.name), "locator", "reason").alias("reason"),
                "row",
                pl.lit(document.sha256).alias("document_sha256"),
                "locator",
            ),
        )
    return rows.get_column("known_on").max()  # type: ignore[return-value]


def _record(
    store: Store, source: Source, document: Document, media_type: str, newest: date | None, run: RunContext
) -> None:
    table = SYSTEM["documents"]
    store.execute(f"DELETE FROM {table.full_name} WHERE sha256 = ? AND source = ?", [document.sha256, source.name])
    row = {
        "sha256": document.sha256,
        "source": source.name,
        "url": document.url,
        "name": document.name,
        "fetched_at": run.started_at,
        "bytes": len(document.body),
        "media_type": media_type,
        "known_on": newest,
        "parsed_by": __version__,
    }
    store.append(table, pl.DataFrame([row], schema=table.polars_schema))


def quarantine(store: Store, run: RunContext) -> list[str]:
    """Put staged rows aside that break a rule on single rows; gives a message for each, naming document, line, field.

    Raises RefusedError where a table would lose more than its `quarantine_limit`, or where a document says the same
    thing twice: which of the two rows is meant cannot be known.
    """
    messages: list[str] = []
    refused: list[str] = []
    names = dict(store.execute("SELECT sha256, name FROM provenance.documents").fetchall())
    for table, staged in store.staged().items():
        new_rows = staged + len(_reasons(store, run, table))
        _keep_aside(store, run, table, store.put_aside(table, quality.reasons_sql(table, run.today)), names)
        reasons = _reasons(store, run, table)
        messages += reasons
        refused += _said_twice(store, table, names)
        if len(reasons) > table.quarantine_limit * new_rows:
            refused.append(
                f"{table.full_name}: {len(reasons)} of {new_rows} new rows are bad, more than the "
                f"{table.quarantine_limit:.0%} that may be put aside:\n  " + "\n  ".join(reasons[:FIRST_MESSAGES])
            )
    if refused:
        raise RefusedError("\n".join(refused))
    return messages


def _said_twice(store: Store, table: Table, names: dict[str, str]) -> list[str]:
    """A message for each document in which several rows have one identity."""
    identity = ", ".join(f'"{name}"' for name in table.identity)
    found = store.execute(
        f"SELECT document_sha256, list(places ORDER BY places), count(*) FROM (SELECT document_sha256, {identity}, "
        "string_agg(locator, ' and ' ORDER BY length(locator), locator) AS places "
        f"FROM staging.{table.name} GROUP BY document_sha256, {identity} HAVING count(*) > 1) "
        "GROUP BY document_sha256"
    )
    return [
        f"{names.get(sha256, sha256[:12])}, {'; '.join(places[:FIRST_MESSAGES])}: {', '.join(table.identity)} "
        f"{'is' if len(table.identity) == 1 else 'are'} the same in these rows of {table.full_name} ({count} times); "
        "remove the rows that should not be there."
        for sha256, places, count in found.fetchall()
    ]


def _reasons(store: Store, run: RunContext, table: Table) -> list[str]:
    """Why rows of a table were put aside in this run."""
    rows = store.execute(
        "SELECT reason FROM quality.quarantine WHERE run_id = ? AND table_name = ? ORDER BY reason",
        [run.run_id, table.full_name],
    )
    return [reason for (reason,) in rows.fetchall()]


def _keep_aside(store: Store, run: RunContext, table: Table, bad: pl.DataFrame, names: dict[str, str]) -> None:
    if bad.is_empty():
        return
    document = pl.col("document_sha256").replace(names)
    identity = pl.concat_str([pl.col(name).cast(pl.String).fill_null("") for name in table.identity], separator=" | ")
    store.append(
        SYSTEM["quarantine"],
        bad.select(
            pl.lit(run.run_id).alias("run_id"),
            pl.lit(table.full_name).alias("table_name"),
            pl.concat_str([identity, pl.lit(" @ "), document, pl.lit(" "), pl.col("locator")]).alias("row_id"),
            pl.format("{}, {}: {}", document, "locator", "reason").alias("reason"),
            pl.struct(pl.col(table.names).cast(pl.String)).struct.json_encode().alias("row"),
            "document_sha256",
            "locator",
        ),
    )


def load(store: Store) -> dict[str, int]:
    """Append what is staged and new to `core`; gives the new rows of each table."""
    return {table.name: store.load(table) for table in store.staged()}
