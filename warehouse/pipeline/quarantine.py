"""Bad rows stay out of `core`, and each one is kept with the reason, the document and the line.

Where too many rows are bad, the document is not what we think it is: a reference document then refuses the run, a live
one is left out and named, and the other documents and sources go on. What a person decided about a quarantined row
(`warehouse.quality.decisions`) is respected: an accepted row is loaded, a dismissed one stays out and is not shown again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from warehouse import sqltext
from warehouse.database import loading
from warehouse.database.store import Store
from warehouse.errors import RefusedError
from warehouse.fetching import archive
from warehouse.fetching.failures import Failure
from warehouse.pipeline.check import prepare
from warehouse.pipeline.context import Notice, RunContext
from warehouse.pipeline.ingest import Ingested, Ingestion, row_ids
from warehouse.quality import checks as quality
from warehouse.quality import decisions as deciding
from warehouse.tables import CORE, SYSTEM
from warehouse.tables.table import Table

FIRST_MESSAGES = 5
BAD_ROWS_THAT_MATTER = 10
"""A live document is left out where most of its rows are bad, or so many and more than its table allows."""
BAD_SHARE = 0.5
LEFT_OUT = "left out"


@dataclass(frozen=True)
class Quarantined:
    """Why each row was quarantined, and which accepted rows could not be loaded, in messages."""

    messages: tuple[str, ...]
    not_loaded: tuple[Notice, ...] = ()


def quarantine_and_accept(store: Store, run: RunContext, ingestion: Ingestion) -> Quarantined:
    """Quarantine bad rows, then stage the rows that people accepted."""
    if any(found.new_documents for found in ingestion.sources) or run.decisions:
        prepare(store, run)
    messages = quarantine(store, run, ingestion.sources)
    return Quarantined(tuple(messages), tuple(stage_accepted(store, run)))


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
        _keep_aside(store, run, table, store.staging.take_broken(table, quality.reasons_sql(table, run.today)), names)
        _put_aside_beside_others(store, run, table, names)
        refused += _said_twice(store, table, names)
        _keep_aside(store, run, table, loading.take_contradictions(store, table), names)
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
            _keep_aside(store, run, table, store.staging.take_places(table, places), names)


def _said_twice(store: Store, table: Table, names: dict[str, str]) -> list[str]:
    """A message for each reference document in which several rows have one identity."""
    identity = sqltext.identifiers(table.identity)
    told = [name for name in table.identity if name != "source"]
    found = store.execute(
        f"SELECT document_sha256, list(places ORDER BY places), count(*) FROM (SELECT document_sha256, {identity}, "
        "string_agg(locator, ' and ' ORDER BY length(locator), locator) AS places "
        f"FROM staging.{table.name} WHERE source_kind = 'reference' GROUP BY document_sha256, {identity} "
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
    staged = store.staging.counts()
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
    others = [other for other in store.staging.counts() if other is not table] if of_documents else []
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
                store.staging.drop_document(every, one)
        store.execute(
            "UPDATE provenance.documents SET parsed_by = ?, known_on = NULL WHERE sha256 = ? AND source = ?",
            [LEFT_OUT, sha256, source],
        )
        dropped = [document for document in found.documents if document.sha256 == sha256]
        found.documents = [document for document in found.documents if document.sha256 != sha256]
        why = f"{bad} of {bad + good} rows for {table.full_name} are bad, so none was loaded; first: {first}"
        kept = archive.path_of(run.paths.raw, sha256)
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
        else "AND document_sha256 IN (SELECT sha256 FROM provenance.documents WHERE source_kind = 'reference')"
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
        row_ids(table, identities, bad["document_sha256"], bad["locator"]),
        pl.format("{}, {}: {}", document, "locator", "reason").alias("reason"),
        pl.struct(pl.col(table.names).cast(pl.String)).struct.json_encode().alias("row"),
        "document_sha256",
        "locator",
    )
    store.append(SYSTEM["quarantine"], kept.filter(~pl.col("row_id").is_in(list(deciding.in_force(run.decisions)))))


def stage_accepted(store: Store, run: RunContext) -> list[Notice]:
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
                why = decision.put_aside_for.split(": ")[0]
                problems.append(
                    Notice(
                        f"accepted {decision.row_id}",
                        f"{table.full_name}: the accepted row {decision.row_id} ({why}) was "
                        f"not loaded: {', '.join(table.identity)} are those of a row that is loaded, from document "
                        f"{held[0]['document_sha256'][:12]}, {held[0]['locator']}. Withdraw the decision, or dismiss the row.",
                    )
                )
            else:
                store.staging.add(table, row)
    return problems
