"""The checks of a run: of new rows, of `core` as a whole, and of the marts, each with its pages (Data Docs).

A critical check that fails stops the run before anything is published. So does one that could not run: nothing is known
then of what it protects.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from warehouse import marts
from warehouse.calendars.exchange import FIRST_SESSION, HELD_UNTIL, closures_unknown, sessions
from warehouse.database.store import Store
from warehouse.errors import RefusedError
from warehouse.paths import QUALITY
from warehouse.pipeline.context import Notice, RunContext
from warehouse.quality import carried, counts, decisions, trend_checks
from warehouse.quality.carried import NewRows, Past
from warehouse.quality.findings import Finding, Report, Target
from warehouse.tables import CORE, SYSTEM


@dataclass(frozen=True)
class Checked:
    """What a run's checks of one kind of rows found. `trends` are comparisons with earlier runs (no text: it holds)."""

    results: pl.DataFrame
    findings: tuple[Finding, ...] = ()
    warnings: tuple[str, ...] = ()
    trends: tuple[Notice, ...] = ()

    @property
    def in_short(self) -> str:
        return f"{counts.of_results(self.results.rows(named=True)).said()}; {len(self.warnings)} warnings"


NOTHING_CHECKED = Checked(SYSTEM["results"].empty())


class ChecksFailedError(RefusedError):
    """Critical checks failed, or could not run; `checked` is all that was found."""

    def __init__(self, message: str, checked: Checked = NOTHING_CHECKED) -> None:
        super().__init__(message)
        self.checked = checked


def check_facts(store: Store, run: RunContext, new_rows: NewRows, added: Mapping[str, int]) -> Checked:
    """Check the tables of core, as far as earlier results do not stand. Raises ChecksFailedError for a critical failure.

    `new_rows` is what the checks found of the rows that this run loaded; `added` says how many of each table they were.
    """
    targets = [Target(t, t.full_name, "all", decisions.exempt(run.decisions, t)) for t in CORE.values()]
    loaded = {CORE[name].full_name: count for name, count in added.items()}
    prepare(store, run)
    closed = _leave_out_closures(store, run)
    report = _validate(store, run, targets, Past(new_rows, carried.last_published(store.execute), loaded))
    _require_publishable(report)
    found = _checked(report)
    return replace(found, warnings=(*found.warnings, *closed))


def _leave_out_closures(store: Store, run: RunContext) -> list[str]:
    """Take days on which nothing traded, later than the calendar could know of, out of the sessions; gives what to say.

    Only once all bars are loaded: a vendor that was late with a day gives it later, and then the day is a session.
    """
    known = sessions(FIRST_SESSION, run.today)
    traded = store.frame("SELECT DISTINCT date FROM core.stock_prices WHERE date >= ?", [HELD_UNTIL])
    closed = closures_unknown(known, traded.get_column("date"))
    if closed:
        store.put_sessions(known.filter(~pl.col("session").is_in(closed)))
    return [
        f"core.stock_prices: no share has a bar on {day}, which the calendar calls a session: taken for a day on which "
        "the exchange was closed, later than exchange-calendars could know of. Renew that library if it was; if it was "
        "not, every source lacks the day."
        for day in closed
    ]


def check_marts(store: Store, run: RunContext, anew: Collection[str], added: Mapping[str, int]) -> Checked:
    """Check the marts, and compare this run with those before it. Raises ChecksFailedError for a critical failure.

    `anew` are the names of those that this run wrote: of the others, what was found earlier stands. `added` says how many
    rows of each table of core were loaded.
    """
    tables = {name: mart.table for name, mart in marts.all_marts().items()}
    written = frozenset(tables[name].full_name for name in anew)
    loaded = {CORE[name].full_name: count for name, count in added.items()}
    past = Past(results=carried.last_published(store.execute), added=loaded, anew=written)
    report = _validate(store, run, [Target(table, table.full_name, "all") for table in tables.values()], past)
    _require_publishable(report)
    trends, compared = _trends(store, run)
    return replace(_checked(report, trends), results=pl.concat([report.results, compared]))


def prepare(store: Store, run: RunContext) -> None:
    """Put what checks compare with beside the warehouse, once; working out the exchange's sessions takes a while."""
    if store.scalar("SELECT count(*) FROM duckdb_tables() WHERE database_name = 'bounds'"):
        return
    bounds = run.assumptions.value("gpu_price_bounds")
    store.put_helpers(
        sessions(FIRST_SESSION, run.today),
        pl.DataFrame(
            [(chip, low, high) for chip, (low, high) in bounds.items()],
            schema={"gpu_model": pl.String, "low_usd_per_gpu_hour": pl.Float64, "high_usd_per_gpu_hour": pl.Float64},
            orient="row",
        ),
    )


def record(store: Store, run: RunContext, findings: Sequence[Finding]) -> Checked:
    """Keep what was found of rows that wait as results and pages."""
    from warehouse.quality.validate import report

    return _checked(_recorded(store, report(findings, **_of_this_run(run))))


def _validate(store: Store, run: RunContext, targets: Sequence[Target], past: Past | None = None) -> Report:
    from warehouse.quality.validate import validate  # imports Great Expectations, which takes seconds

    prepare(store, run)
    return _recorded(store, validate(store.connection, targets, past=past, **_of_this_run(run)))


def _of_this_run(run: RunContext) -> dict[str, Any]:
    return {
        "run_id": run.run_id,
        "checked_at": datetime.now(UTC),
        "docs": run.release / QUALITY,
        "today": run.today,
        "earlier": _earlier_pages(run),
    }


def _recorded(store: Store, report: Report) -> Report:
    store.append(SYSTEM["results"], report.results)
    return report


def _earlier_pages(run: RunContext) -> list[Path]:
    """Quality pages of earlier runs: the published ones, and those that refused runs left."""
    return [run.paths.published(run.asked_as_of) / QUALITY, *run.paths.refused.glob(f"*/{QUALITY}")]


def _checked(report: Report, trends: Sequence[Notice] = ()) -> Checked:
    return Checked(report.results, report.findings, tuple(report.warnings), tuple(trends))


def _require_publishable(report: Report) -> None:
    if not report.publishable:
        raise ChecksFailedError("\n".join([*report.failed_critical, *report.broken]), _checked(report))


def _trends(store: Store, run: RunContext) -> tuple[list[Notice], pl.DataFrame]:
    """Compare this run with those before it: tables that shrank, lists that were cut, sources that are overdue.

    Gives what to say and the results, which are recorded and shown beside the other checks.
    """
    if run.asked_as_of is not None:
        return [], SYSTEM["results"].empty()  # an answer as of another day has no run before it
    found = trend_checks.results(store.execute, run_id=run.run_id, live=run.source == "live", now=datetime.now(UTC))
    store.append(SYSTEM["results"], found)
    from warehouse.quality import data_docs  # imports Great Expectations

    data_docs.add_compared(run.release / QUALITY, run.run_id, found.rows(named=True))
    said = found.select("table_name", "expectation", "column_name", "success", "details")
    notices = [
        Notice(" ".join(key).rstrip(), "" if success else json.loads(details)["message"])
        for *key, success, details in said.rows()
    ]
    return notices, found
