"""The checks of new rows, and what becomes of the bad ones: they stay out of `core`, each with its reasons and its place.

Great Expectations is asked once of the rows of each table that wait to be loaded. What it finds is at the same time what
is quarantined, what is reported in `quality.results` and what later runs rely on.

Where too many rows are bad, the document is not what we think it is. A reference document then refuses the run. A live
one is left out and named, and the other documents and sources go on. What a person decided about a quarantined row
(`warehouse.quality.decisions`) is respected. An accepted row is loaded, and a dismissed one stays out and is not shown
again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl

from warehouse import sqltext
from warehouse.database import loading
from warehouse.database.store import Store
from warehouse.fetching import archive
from warehouse.fetching.failures import Failure
from warehouse.pipeline.check import NOTHING_CHECKED, Checked, ChecksFailedError, prepare, record
from warehouse.pipeline.context import Notice, RunContext
from warehouse.pipeline.documents import Ingested
from warehouse.pipeline.ingest import Ingestion
from warehouse.pipeline.record import record_quarantined
from warehouse.quality import checks, decisions, quarantined
from warehouse.quality.carried import Key, NewRows, key_of
from warehouse.quality.findings import CONTRADICTS, Earlier, Finding, Target
from warehouse.sources.common.reasons import Reason
from warehouse.tables import CORE
from warehouse.tables.table import Check, Table

if TYPE_CHECKING:
    from warehouse.quality.validate import Checker

FIRST_MESSAGES = 5
BAD_ROWS_THAT_MATTER = 10
"""A live document is left out where most of its rows are bad, or so many and more than its table allows."""
BAD_SHARE = 0.5
LEFT_OUT = "left out"


@dataclass
class Found:
    """What the checks of new rows found: why each row was quarantined in messages, and what refuses the run."""

    messages: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    waited: dict[Key, Mapping[str, int]] = field(default_factory=dict)
    """Of each check of rows beside each other that found nothing: how many rows of each table waited then."""


@dataclass(frozen=True)
class Quarantined:
    """Why each row was quarantined, and which accepted rows could not be loaded, in messages.

    `new_rows` is what the checks found that the checks of the loaded tables can rely on.
    """

    messages: tuple[str, ...]
    checked: Checked = NOTHING_CHECKED
    not_loaded: tuple[Notice, ...] = ()
    new_rows: NewRows = field(default_factory=NewRows)


def check_new_rows(store: Store, run: RunContext, ingestion: Ingestion) -> Quarantined:
    """Check the rows that wait to be loaded, quarantine the bad ones, then stage those that people accepted.

    Raises ChecksFailedError where a check could not run, or where a table would lose more than its `quarantine_limit`
    of reference rows. It is raised too for a reference document with two rows of one identity: which of them is meant
    cannot be known.
    """
    checked_at = datetime.now(UTC)
    found = quarantine(store, run, ingestion.sources)
    checked = record(store, run, found.findings) if found.findings else NOTHING_CHECKED
    broken = [finding.message for finding in found.findings if finding.error is not None]
    if found.refusals or broken:
        raise ChecksFailedError("\n".join([*found.refusals, *broken]), checked)
    before = store.staging.counts()
    not_loaded = stage_accepted(store, run)
    # An accepted row was not there when rows were looked at beside each other.
    waited = found.waited if store.staging.counts() == before else {}
    return Quarantined(
        tuple(found.messages), checked, tuple(not_loaded), NewRows(Earlier(run.run_id, checked_at), waited)
    )


def quarantine(store: Store, run: RunContext, results: Iterable[Ingested] = ()) -> Found:
    """Quarantine the rows in staging that break a check. `results` are what the sources brought.

    Live documents that have too many such rows are left out whole and noted as failures of their source.
    """
    found = Found()
    at_stake = _tables_at_stake(store, run)
    if not at_stake:
        return found
    from warehouse.quality import validate  # imports Great Expectations, which takes seconds: only where rows wait

    prepare(store, run)
    live = {each.name: each for each in results if each.source.kind == "live"}
    targets = {table: Target(table, f"{checks.STAGING}{table.name}", "rows") for table in at_stake}
    with validate.opened(store.connection, list(targets.values()), run.today) as checker:
        for table, staged in at_stake.items():
            rows = _Rows(store, run, table, checker.documents)
            new_rows = staged + len(_reasons(store, run, table))
            if staged:
                found.findings += _check_rows(rows, checker, targets[table])
                found.findings += _check_rows_beside_each_other(rows, checker, targets[table], found.waited)
            found.refusals += _said_twice(store, table, checker.documents)
            bad = loading.take_contradictions(store, table)
            rows.quarantine(bad, [[Reason(CONTRADICTS)]] * bad.height)
            _leave_out_bad_documents(store, run, table, live)
            reasons = _reasons(store, run, table)
            found.messages += reasons
            of_reference = _reasons(store, run, table, of_live_documents=False) if live else reasons
            if len(of_reference) > table.quarantine_limit * new_rows:
                found.refusals.append(
                    f"{table.full_name}: {len(of_reference)} of {new_rows} new rows are bad, more than the "
                    f"{table.quarantine_limit:.0%} that may be quarantined:\n  "
                    + "\n  ".join(of_reference[:FIRST_MESSAGES])
                )
    return found


@dataclass(frozen=True)
class _Rows:
    """The rows of one table that wait, on their way to quarantine."""

    store: Store
    run: RunContext
    table: Table
    documents: Mapping[str, str]

    def quarantine(self, bad: pl.DataFrame, reasons: Sequence[Sequence[Reason]]) -> None:
        """Keep rows that were taken out of staging, each with its reasons, but for those that a person decided about."""
        if bad.is_empty():
            return
        rows = quarantined.rows(self.table, bad, reasons, run_id=self.run.run_id, documents=self.documents)
        record_quarantined(self.store, self.run, rows)


def _check_rows(rows: _Rows, checker: Checker, target: Target) -> list[Finding]:
    """Ask each check of single rows, and quarantine exactly the rows that it found."""
    findings = checker.check(target, checks.conditions(rows.table))
    reasons: dict[int, list[Reason]] = {}
    for finding in findings:
        for row in finding.every:
            reasons.setdefault(row[checks.PLACE_IN_STAGING], []).append(quarantined.of_a_row(finding.check, row))
    if reasons:
        bad = rows.store.staging.take(rows.table, sorted(reasons))
        rows.quarantine(bad, [reasons[place] for place in sorted(reasons)])
    return findings


def _check_rows_beside_each_other(
    rows: _Rows, checker: Checker, target: Target, waited: dict[Key, Mapping[str, int]]
) -> list[Finding]:
    """Ask the checks of rows beside each other, and quarantine what only the rows around a row give away.

    A bad row must not make its good neighbours look bad to the next check. So where a check finds some, they are taken out
    before the checks after it are asked.
    """
    findings: list[Finding] = []
    asked: Sequence[Check] = checks.beside(rows.table)
    while asked:
        there = {table.full_name: count for table, count in rows.store.staging.counts().items()}
        answers = checker.check(target, asked)
        until = next((place for place, finding in enumerate(answers) if finding.every), len(answers) - 1)
        findings += answers[: until + 1]
        for finding in answers[: until + 1]:
            if finding.success:
                waited[key_of(Target(rows.table, rows.table.full_name, "all"), finding.check)] = there
        _quarantine_places(rows, answers[until])
        asked = asked[until + 1 :]
    return findings


def _quarantine_places(rows: _Rows, finding: Finding) -> None:
    """Quarantine the rows at the places that a check of rows beside each other found."""
    reasons: dict[tuple[str, str], Reason] = {}
    for row in finding.every:
        place = row["document_sha256"], row["locator"]
        reasons.setdefault(place, quarantined.beside_others(finding.check, rows.table, row))
    if reasons:
        bad = rows.store.staging.take_places(rows.table, list(reasons))
        rows.quarantine(bad, [[reasons[place]] for place in bad.select("document_sha256", "locator").rows()])


def _said_twice(store: Store, table: Table, names: Mapping[str, str]) -> list[str]:
    """A message for each reference document in which several rows have one identity.

    Rows are looked at side by side only where their hashes are the same. Millions of rows with all their texts would not
    fit into the memory that loading may have, and their hashes do.
    """
    identity = sqltext.identifiers(table.identity)
    columns = [name for name in table.identity if name != "source"]
    of_reference = f"FROM staging.{table.name} WHERE source_kind = 'reference'"
    same = f"hash(document_sha256, {identity})"
    found = store.execute(
        f"SELECT document_sha256, list(places ORDER BY places), count(*) FROM (SELECT document_sha256, {identity}, "
        f"string_agg(locator, ' and ' ORDER BY length(locator), locator) AS places {of_reference} "
        f"AND {same} IN (SELECT {same} {of_reference} GROUP BY ALL HAVING count(*) > 1) "
        f"GROUP BY document_sha256, {identity} HAVING count(*) > 1) GROUP BY document_sha256"
    )
    return [
        f"{names.get(sha256, sha256[:12])}, {'; '.join(places[:FIRST_MESSAGES])}: {', '.join(columns)} "
        f"{'is' if len(columns) == 1 else 'are'} the same in these rows of {table.full_name} ({count} times); "
        "remove the rows that should not be there."
        for sha256, places, count in found.fetchall()
    ]


def _tables_at_stake(store: Store, run: RunContext) -> dict[Table, int]:
    """Tables with staged rows or rows quarantined in this run, with the number staged."""
    known = store.execute(
        "SELECT DISTINCT table_name FROM quality.quarantine WHERE run_id = ?", [run.run_id]
    ).fetchall()
    staged = store.staging.counts()
    return {table: staged.get(table, 0) for table in CORE.values() if table in staged or (table.full_name,) in known}


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
    for (source, sha256), (bad, first) in of_documents.items():
        found = live[source]
        hashes = [sha256, *(part for part, whole in found.bound_in.items() if whole == sha256)]
        good = _staged_of(store, [table], hashes)
        if _cannot_be_trusted(store, table, hashes, bad, good):
            why = f"{bad} of {bad + good} rows for {table.full_name} are bad, so none was loaded; first: {first}"
            _leave_out(store, run, found, hashes, why)


def _cannot_be_trusted(store: Store, table: Table, hashes: list[str], bad: int, good: int) -> bool:
    """Whether most rows of a document are bad, or so many of a table's and more than the table allows."""
    if bad >= BAD_ROWS_THAT_MATTER and bad > table.quarantine_limit * (bad + good):
        return True
    elsewhere = _staged_of(store, [other for other in store.staging.counts() if other is not table], hashes)
    return bad > BAD_SHARE * (bad + good + elsewhere)


def _leave_out(store: Store, run: RunContext, found: Ingested, hashes: list[str], why: str) -> None:
    """Drop a document (the first of `hashes`, with the files that were read as parts of it), and note the failure."""
    for table in CORE.values():
        for one in hashes:
            store.staging.drop_document(table, one)
    sha256 = hashes[0]
    store.execute(
        "UPDATE provenance.documents SET parsed_by = ?, known_on = NULL WHERE sha256 = ? AND source = ?",
        [LEFT_OUT, sha256, found.name],
    )
    dropped = [document for document in found.documents if document.sha256 == sha256]
    found.documents = [document for document in found.documents if document.sha256 != sha256]
    kept = archive.path_of(run.paths.raw, sha256)
    found.failures += [Failure(document.name, document.url, why, kept) for document in dropped]


def _staged_of(store: Store, tables: Iterable[Table], hashes: list[str]) -> int:
    """How many rows of some documents wait in these tables."""
    counting = "SELECT count(*) FROM staging.{name} WHERE document_sha256 IN (SELECT unnest(?))"
    return sum(store.scalar(counting.format(name=table.name), [hashes]) for table in tables)


def _reasons(store: Store, run: RunContext, table: Table, *, of_live_documents: bool = True) -> list[str]:
    """Why rows of a table were quarantined in this run."""
    only = (
        ""
        if of_live_documents
        else "AND document_sha256 IN (SELECT sha256 FROM provenance.documents WHERE source_kind = 'reference')"
    )
    rows = store.execute(
        f"SELECT reason FROM quality.quarantine WHERE run_id = ? AND table_name = ? {only} "
        "ORDER BY document_sha256, length(locator), locator, row_id",
        [run.run_id, table.full_name],
    )
    return [reason for (reason,) in rows.fetchall()]


def stage_accepted(store: Store, run: RunContext) -> list[Notice]:
    """Stage the rows that people accepted and core does not hold yet; gives a message for each that cannot be loaded.

    They are taken from the decisions themselves, so they come back when a warehouse is made anew. Only rows of documents
    that the warehouse is made of are loaded, and none beside a row of the same identity.
    """
    loaded = "SELECT sha256, name FROM provenance.documents WHERE parsed_by <> ?"
    names = dict(store.execute(loaded, [LEFT_OUT]).fetchall())
    problems = []
    for table in CORE.values():
        for decision in decisions.accepted(run.decisions, table):
            if decision.document_sha256 not in names:
                continue
            row = decisions.as_rows([decision.row], table)
            held = decisions.standing(table, row, store.connection, staged=True).rows(named=True)
            here = (decision.document_sha256, decision.locator)
            if any((other["document_sha256"], other["locator"]) == here for other in held):
                continue
            if held:
                problems.append(
                    Notice(
                        f"accepted {decision.row_id}",
                        f"{table.full_name}: the accepted row {decision.row_id} ({names[decision.document_sha256]}, "
                        f"{decision.locator}) was not loaded: {', '.join(table.identity)} are those of a row that is loaded, "
                        f"from document "
                        f"{held[0]['document_sha256'][:12]}, {held[0]['locator']}. Withdraw the decision, or dismiss the row.",
                    )
                )
            else:
                store.staging.add(table, row)
    return problems
