"""Asks Great Expectations whether the checks hold, and collects what they found so that someone can act on it.

A check that could not run is not a check that found something: it is reported as broken, and nothing is published
either way. Great Expectations takes seconds to import, so only what runs checks imports this module.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb

from warehouse.quality import carried, data_docs, expectations, findings, known_findings, wording
from warehouse.quality.carried import Past
from warehouse.quality.checks import ONE_OF_ITS_KIND
from warehouse.quality.expectations import Session, Verdict
from warehouse.quality.findings import Explained, Finding, Report, Target
from warehouse.tables.table import Check

ROWS_SHOWN = 5


def validate(
    connection: duckdb.DuckDBPyConnection | str | Path,
    targets: Sequence[Target],
    *,
    run_id: str,
    checked_at: datetime,
    today: date,
    past: Past | None = None,
    docs: Path | None = None,
    earlier: Sequence[Path] = (),
) -> Report:
    """Find out whether every check of every target holds, in the given order.

    `connection` is the path of a DuckDB file, or is used as it is. What it attached, its open transaction and its
    default schema are seen. With `past`, a check whose earlier result stands is not run again. With `docs`, the run's
    Data Docs are written in that folder, or added to what the same run has there. `earlier` are folders of such pages,
    the latest of whose runs are taken along.

    Nothing raises for what the data are: a check that fails or breaks is in the report. Raises ValueError where two
    targets have the same name.
    """
    names = [target.name for target in targets]
    if len(set(names)) != len(names):
        raise ValueError(f"checked twice in one go: {', '.join(sorted({n for n in names if names.count(n) > 1}))}")
    borrowed = (
        closing(duckdb.connect(str(connection))) if isinstance(connection, str | Path) else nullcontext(connection)
    )
    with borrowed as con, opened(con, targets, today) as checker:
        counts = {target.name: checker.count(target) for target in targets}
        found = [finding for target in targets for finding in checker.check(target, target.checks, counts, past)]
    return report(found, run_id=run_id, checked_at=checked_at, today=today, docs=docs, earlier=earlier)


def report(
    found: Sequence[Finding],
    *,
    run_id: str,
    checked_at: datetime,
    today: date,
    docs: Path | None = None,
    earlier: Sequence[Path] = (),
) -> Report:
    """Findings as rows of `quality.results`, and with `docs` as pages."""
    if docs is not None:
        data_docs.carry_over(earlier, docs)
        data_docs.write(docs, found, run_id=run_id, checked_at=checked_at, today=today)
    return Report(tuple(found), findings.results(found, run_id, checked_at))


@contextmanager
def opened(connection: duckdb.DuckDBPyConnection, targets: Sequence[Target], today: date) -> Iterator[Checker]:
    """What checks these targets, as often as it is asked."""
    with expectations.opened(connection, targets, today) as session:
        yield Checker(session, document_names(connection), carried.helpers(connection), today)


class Checker:
    """Asks checks of targets. Use `opened`."""

    def __init__(self, session: Session, documents: Mapping[str, str], digests: Mapping[str, str], today: date) -> None:
        self._session = session
        self.documents = documents
        self._digests = digests
        self._today = today

    def count(self, target: Target) -> int | None:
        """Rows of a target; None where there is no such relation."""
        count = self._session.count(target)
        return count if isinstance(count, int) else None

    def check(
        self,
        target: Target,
        checks: Sequence[Check],
        counts: Mapping[str, int | None] | None = None,
        past: Past | None = None,
    ) -> list[Finding]:
        """The findings of these checks of a target, in order. `counts` are the rows of each target, where `past` is given."""
        prints = {check: carried.fingerprint(check, self._digests, self._today) for check in checks}
        known = counts if counts is not None else {target.name: self.count(target)}
        there = {name: count for name, count in known.items() if count is not None}
        found: dict[Check, Finding] = {}
        if target.name in there:
            standing = {check: carried.standing(target, check, prints[check], there, past) for check in checks}
            found |= {check: finding for check, finding in standing.items() if finding is not None}
        asked = [check for check in checks if check not in found]
        if asked:
            verdicts = self._session.ask(target, asked, lambda check: _rows_wanted(target, check))
            found |= {
                verdict.check: replace(finding(target, verdict, self.documents), fingerprint=prints[verdict.check])
                for verdict in verdicts
            }
        return [found[check] for check in checks]


def _rows_wanted(target: Target, check: Check) -> int | None:
    """How many of the rows that a check finds are fetched: all that will be quarantined, of others the first."""
    if target.level == "rows":
        return None
    return known_findings.MOST if known_findings.of(target.table.full_name, check.name) else ROWS_SHOWN


def document_names(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Names of the archived documents by their hash; none where the database has no such table."""
    try:
        return dict(connection.execute("select sha256, name from provenance.documents").fetchall())
    except duckdb.Error:
        return {}


def finding(target: Target, verdict: Verdict, documents: Mapping[str, str]) -> Finding:
    """What a verdict of Great Expectations comes to."""
    check = verdict.check
    nothing = Finding(target, check, verdict.count, verdict.row_count)
    if verdict.error is not None:
        return replace(nothing, error=verdict.error, said=wording.broken(target, check, verdict.error))
    if verdict.success:
        return nothing
    rows, count = list(verdict.rows), verdict.count or 0
    explained: tuple[Explained, ...] = ()
    known = known_findings.of(target.table.full_name, check.name) if check.severity == "warning" else ()
    if known and target.level != "rows":
        rows, explained = _set_known_apart(target, check, verdict.rows, known, documents)
        count -= len(explained)
        if not count:
            return replace(nothing, count=0, explained=explained)
    shown = tuple(findings.shown(row, target, check) for row in rows[:ROWS_SHOWN])
    examples = tuple(wording.row_found(row, target.table, check, documents) for row in shown)
    beside = wording.beside(rows, target.table, documents) if check.name in ONE_OF_ITS_KIND else ""
    return replace(
        nothing,
        count=count,
        rows=shown,
        examples=examples,
        explained=explained,
        every=verdict.rows if target.level == "rows" else (),
        said=wording.failed(target, check, count, verdict.row_count, examples, beside),
    )


def _set_known_apart(
    target: Target,
    check: Check,
    rows: Sequence[dict[str, Any]],
    known: Sequence[known_findings.Known],
    documents: Mapping[str, str],
) -> tuple[list[dict[str, Any]], tuple[Explained, ...]]:
    """The rows that are new, and those that are known and right, with their explanation."""
    new, explained = [], []
    for row in rows:
        if of := next((one for one in known if one.matches(row)), None):
            words = wording.row_found(findings.shown(row, target, check), target.table, check, documents)
            explained.append(Explained(words, of.explanation))
        else:
            new.append(row)
    return new, tuple(explained)
