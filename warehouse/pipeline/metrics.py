"""What a run and each of its steps took and moved: kept in the warehouse, and beside it until a run takes it up.

What is measured (`warehouse.pipeline.meter`) goes to three places. `provenance.run_metrics` and `step_metrics` hold every
run, for SQL. A file beside the warehouse holds the last run, for Prometheus (`warehouse.reports.prometheus`). Events
tell a lineage server (`warehouse.pipeline.lineage_events`).

A warehouse is closed before it is published, so a run writes what it knows by then. The rest, and runs that published
nothing, lie in a file until the next run takes them up.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from warehouse import files, records
from warehouse.database.store import Store
from warehouse.fetching import archive
from warehouse.paths import WAREHOUSE
from warehouse.pipeline.build import Built, Loaded
from warehouse.pipeline.check import Checked
from warehouse.pipeline.context import RunContext
from warehouse.pipeline.documents import Ingested
from warehouse.pipeline.meter import Moved, peak_memory_bytes
from warehouse.pipeline.quarantine import Quarantined
from warehouse.quality import counts, promises
from warehouse.tables import SYSTEM
from warehouse.tables.runs import PUBLISHED
from warehouse.tables.table import Column

FILE = "metrics.jsonl"
KEPT_RUNS = 200
KINDS: dict[str, type] = {"text": str, "time": datetime, "integer": int, "real": float}
MOST = 1 << 62
"""No figure of a run comes near it, and a column of whole numbers holds it."""


def moved(result: Any, run: RunContext) -> Moved:
    """Rows and bytes of what a step made, by what it is; None where it has none."""
    match result:
        case Ingested():
            return result.staged_rows, sum(
                _size(archive.path_of(run.paths.raw, one.sha256)) for one in result.documents
            )
        case Loaded():
            return result.rows, None
        case Built():
            return sum(frame.height for name, frame in result.marts.items() if name in result.anew), None
        case Quarantined():
            return result.checked.results.height, None
        case Checked():
            return result.results.height, None
    return None, None


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


# -- a run as a whole --------------------------------------------------------------------------------------------------


def of_run(store: Store, run: RunContext, outcome: str) -> dict[str, Any]:
    """A row of `provenance.run_metrics`, as far as the run has come."""
    checks = counts.of_run(store.connection, run.run_id)
    ingested = [found for found, _ in run.meter.ingested]

    def counted(sql: str) -> int:
        return int(store.scalar(sql, [run.run_id]) or 0)

    new = "SELECT sum(value) FROM quality.measures WHERE run_id = ? AND measure = 'new_rows'"
    published = outcome in PUBLISHED
    return {
        "run_id": run.run_id,
        "started_at": run.started_at,
        "outcome": outcome,
        "seconds": time.monotonic() - run.meter.started,
        "cpu_seconds": time.process_time() - run.meter.cpu_started,
        "peak_memory_bytes": peak_memory_bytes(),
        "sources_asked": sum(1 for one in ingested if not one.skipped),
        "sources_failed": sum(1 for one in ingested if one.outcome in ("failed", "partly_failed")),
        "documents": sum(len(one.documents) for one in ingested),
        "new_documents": sum(one.new_documents for one in ingested),
        "requests": sum(one.requests for one in ingested),
        "document_bytes": sum(size for _, size in run.meter.ingested),
        "rows_read": sum(one.staged_rows for one in ingested),
        "new_rows": counted(new) if outcome != "nothing_new" else 0,
        "quarantined_rows": counted("SELECT count(*) FROM quality.quarantine WHERE run_id = ?"),
        "checks_held": checks.held,
        "checks_failed": checks.not_held,
        "checks_ran": checks.ran,
        "checks_carried_over": checks.carried_over,
        "checks_skipped": checks.skipped,
        "promises_broken": sum(1 for one in run.meter.promises if one.state == "broken"),
        "warehouse_bytes": _size(run.release / WAREHOUSE) if published else 0,
    }


def judge_promises(store: Store, run: RunContext) -> list[promises.Judged]:
    """How the tables keep their promises at the start of this run; judged once, while the warehouse is open."""
    if not run.meter.promises:
        day = run.asked_as_of or run.today
        promised = promises.promised(run.settings.promises)
        run.meter.promises = promises.judge(store.connection, promised, run.started_at, day)
    return run.meter.promises


def record_promises(store: Store, run: RunContext) -> None:
    """Write how the tables keep their promises; of a dated answer nothing is promised."""
    if run.asked_as_of is None:
        table = SYSTEM["promises"]
        rows = [one.row(run.run_id) for one in judge_promises(store, run)]
        store.append(table, pl.DataFrame(rows, schema=table.polars_schema))


def record(store: Store, run: RunContext) -> None:
    """Write what is known of a run into its warehouse: the last thing before that is closed."""
    table = SYSTEM["run_metrics"]
    outcome = store.scalar("SELECT outcome FROM provenance.runs WHERE run_id = ?", [run.run_id])
    run.meter.recorded = of_run(store, run, outcome)
    store.append(table, pl.DataFrame([run.meter.recorded], schema=table.polars_schema))
    _append_steps(store, [{"run_id": run.run_id, **asdict(step)} for step in run.meter.steps])


def _append_steps(store: Store, rows: list[dict[str, Any]]) -> None:
    table = SYSTEM["step_metrics"]
    if rows:
        store.append(table, pl.DataFrame(rows, schema=table.polars_schema))


# -- what waits for the next run ---------------------------------------------------------------------------------------


def keep(run: RunContext, metrics: dict[str, Any]) -> None:
    """Keep a run that has ended in the file, whole: one line. The oldest lines go."""
    judged = [one.row(run.run_id) for one in run.meter.promises]
    line = {"run": metrics, "steps": [asdict(step) for step in run.meter.steps], "promises": judged}
    file = run.paths.root / FILE
    lines = [*_lines(file), json.dumps(line, default=_text)][-KEPT_RUNS:]
    files.write(file, "\n".join(lines) + "\n")


def _lines(file: Path) -> list[str]:
    try:
        return [line for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError):
        return []


def _text(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def take_up(store: Store, run: RunContext) -> None:
    """Bring what the file holds of earlier runs, and the warehouse does not, into it: last steps, and runs without an answer.

    A line that cannot be read, or that another version wrote, is left out; of a run that is there twice the last counts.
    """
    for name, key in (("run_metrics", ()), ("step_metrics", ("place",)), ("promises", ("table_name",))):
        table = SYSTEM[name]
        frames = [
            pl.DataFrame(rows, schema=table.polars_schema)
            for line in _lines(run.paths.root / FILE)
            if (rows := _rows_of(line, name))
        ]
        if frames:
            known = store.frame(f"SELECT DISTINCT {', '.join(('run_id', *key))} FROM {table.full_name}")
            once = pl.concat(frames).unique(["run_id", *key], keep="last", maintain_order=True)
            store.append(table, table.conform(once.join(known, on=["run_id", *key], how="anti")))


def _rows_of(line: str, name: str) -> list[dict[str, Any]]:
    """The rows of a table that a line of the file holds; none where they are not what that table holds."""
    found = records.parsed(line) or {}
    run = found.get("run")
    if not isinstance(run, dict) or not isinstance(run.get("run_id"), str):
        return []
    rows = {"run_metrics": [run], "step_metrics": found.get("steps"), "promises": found.get("promises")}[name]
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        return []
    columns = SYSTEM[name].columns
    try:
        named = [{**row, "run_id": run["run_id"]} for row in rows]
        return [{one.name: _value(one, row.get(one.name)) for one in columns} for row in named]
    except ValueError:
        return []


def _value(column: Column, given: Any) -> Any:
    """A value as its column declares it. Raises ValueError for another one: the file may be damaged."""
    found = records.value(KINDS[column.type], given)
    is_number = isinstance(found, int | float)
    if (
        (found is None and (column.required or given is not None))
        or (column.allowed and found is not None and found not in column.allowed)
        or (is_number and not (-MOST <= found <= MOST))
        or (is_number and column.minimum is not None and found < column.minimum)
    ):
        raise ValueError(f"{given!r} is no {column.name}")
    return found
