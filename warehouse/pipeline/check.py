"""The checks of a run: of new rows, of `core` as a whole, and of the marts, each with its pages (Data Docs).

A critical check that fails stops the run before anything is published, and so does one that could not run: nothing is
known then of what it protects.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from warehouse import marts
from warehouse.calendars.exchange import FIRST_SESSION, sessions
from warehouse.database.store import Store
from warehouse.errors import RefusedError
from warehouse.paths import QUALITY
from warehouse.pipeline.context import Notice, RunContext
from warehouse.quality import checks as quality
from warehouse.quality import decisions, trend_checks
from warehouse.tables import CORE, SYSTEM


@dataclass(frozen=True)
class Checked:
    """What a run's checks of one kind of rows found. `trends` are comparisons with earlier runs (no text: it holds)."""

    results: pl.DataFrame
    findings: tuple[quality.Finding, ...] = ()
    warnings: tuple[str, ...] = ()
    trends: tuple[Notice, ...] = ()

    @property
    def in_short(self) -> str:
        held = self.results.get_column("success").sum()
        return f"{held} of {self.results.height} checks held, {len(self.warnings)} warnings"


NOTHING_CHECKED = Checked(SYSTEM["results"].empty())


class ChecksFailedError(RefusedError):
    """Critical checks failed, or could not run; `checked` is all that was found."""

    def __init__(self, message: str, checked: Checked = NOTHING_CHECKED) -> None:
        super().__init__(message)
        self.checked = checked


def check_new_rows(store: Store, run: RunContext) -> Checked:
    """Check rows that wait to be loaded, one by one: bad ones will be quarantined."""
    targets = [quality.Target(table, f"staging.{table.name}", "rows") for table in store.staging.counts()]
    return _checked(_validate(store, run, targets)) if targets else NOTHING_CHECKED


def check_facts(store: Store, run: RunContext) -> Checked:
    """Check everything that core holds. Raises ChecksFailedError for a critical failure."""
    targets = [quality.Target(t, t.full_name, "all", decisions.exempt(run.decisions, t)) for t in CORE.values()]
    report = _validate(store, run, targets)
    _require_publishable(report)
    return _checked(report)


def check_marts(store: Store, run: RunContext) -> Checked:
    """Check the marts, and compare this run with those before it. Raises ChecksFailedError for a critical failure."""
    tables = [mart.table for mart in marts.all_marts().values()]
    report = _validate(store, run, [quality.Target(table, table.full_name, "all") for table in tables])
    _require_publishable(report)
    return _checked(report, _trends(store, run))


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


def _validate(store: Store, run: RunContext, targets: Sequence[quality.Target]) -> quality.Report:
    prepare(store, run)
    report = quality.validate(
        store.connection,
        targets,
        run_id=run.run_id,
        checked_at=datetime.now(UTC),
        docs=run.release / QUALITY,
        today=run.today,
        earlier=_earlier_pages(run),
    )
    of_staging = [target.table.full_name for target in targets if target.relation.startswith("staging.")]
    results = report.results.with_columns(
        pl.when(pl.col("table_name").is_in(of_staging))
        .then(pl.col("table_name").str.replace("core.", "staging.", literal=True))
        .otherwise("table_name")
        .alias("table_name")
    )
    store.append(SYSTEM["results"], results)
    return report


def _earlier_pages(run: RunContext) -> list[Path]:
    """Quality pages of earlier runs: the published ones, and those that refused runs left."""
    return [run.paths.published(run.asked_as_of) / QUALITY, *run.paths.refused.glob(f"*/{QUALITY}")]


def _checked(report: quality.Report, trends: Sequence[Notice] = ()) -> Checked:
    return Checked(report.results, report.findings, tuple(report.warnings), tuple(trends))


def _require_publishable(report: quality.Report) -> None:
    if not report.publishable:
        raise ChecksFailedError("\n".join([*report.failed_critical, *report.broken]), _checked(report))


def _trends(store: Store, run: RunContext) -> list[Notice]:
    """Compare this run with those before it: tables that shrank, lists that were cut, sources that are overdue."""
    if run.asked_as_of is not None:
        return []  # an answer as of another day has no run before it
    found = trend_checks.results(store.execute, run_id=run.run_id, live=run.source == "live", now=datetime.now(UTC))
    store.append(SYSTEM["results"], found)
    said = found.select("table_name", "expectation", "column_name", "success", "details")
    return [
        Notice(" ".join(key).rstrip(), "" if success else json.loads(details)["message"])
        for *key, success, details in said.rows()
    ]
