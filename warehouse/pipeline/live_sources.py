"""What each live source brought in a run: recorded, and named with the age of the old data where it failed.

A source of the snapshot fails where its documents come out of the archive and are damaged there; it is named as well.

A source that fails does not stop the run: what was loaded of it before stands. So whoever reads the answer must see how
old that is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import polars as pl

from warehouse.database.store import Store
from warehouse.errors import RefusedError
from warehouse.pipeline.context import RunContext
from warehouse.pipeline.documents import Ingested
from warehouse.pipeline.ingest import Ingestion, last_answer_at
from warehouse.tables import CORE, SYSTEM

_PANEL = {"companies", "article_claims"}
"""Tables of the packaged panel: they are there in every run, and nothing can be answered from them alone."""


@dataclass(frozen=True)
class LiveSources:
    """Sources that failed, each with the reason and the age of the data that stand for it."""

    failed: dict[str, str] = field(default_factory=dict)


def record_live_sources(store: Store, run: RunContext, ingestion: Ingestion) -> LiveSources:
    """Record what each live source brought. Raises RefusedError where there is nothing to answer from."""
    rows = [_row(store, run, found) for found in ingestion.sources if found.source.kind == "live"]
    damaged = {
        found.name: f"{found.message} Rows of it that no other document gives are not in this answer."
        for found in ingestion.sources
        if found.source.kind != "live" and found.failures
    }
    if not rows:
        return LiveSources(damaged)
    store.append(SYSTEM["source_runs"], pl.DataFrame(rows, schema=SYSTEM["source_runs"].polars_schema))
    if all(row["documents"] == 0 for row in rows) and _core_is_empty(store):
        reasons = "\n".join(f"  {row['source']}: {row['message'] or 'gave no document'}" for row in rows)
        raise RefusedError(
            f"No live source brought anything, and there are no earlier data to answer from:\n{reasons}\n"
            "Correct what is named and run again, or answer from the packaged snapshot: overbuild run --source reference."
        )
    failed = [row for row in rows if row["outcome"] in ("failed", "partly_failed")]
    return LiveSources(damaged | {row["source"]: f"{row['message']} {_age(row)}" for row in failed})


def _core_is_empty(store: Store) -> bool:
    facts = [table for table in CORE.values() if table.name not in _PANEL]
    return all(store.scalar(f"SELECT count(*) FROM {table.full_name}") == 0 for table in facts)


def _row(store: Store, run: RunContext, found: Ingested) -> dict[str, Any]:
    newest = store.scalar("SELECT max(known_on) FROM provenance.documents WHERE source = ?", [found.name])
    earlier = store.scalar("SELECT max(last_success_at) FROM provenance.source_runs WHERE source = ?", [found.name])
    at = last_answer_at(run, found.source) if run.offline else run.started_at
    return {
        "run_id": run.run_id,
        "source": found.name,
        "feed": found.source.feed,
        "outcome": found.outcome,
        "message": found.message,
        "documents": len(found.documents),
        "new_documents": found.new_documents,
        "rows_read": found.staged_rows,
        "requests": found.requests,
        "checked_at": run.started_at,
        "last_success_at": at if found.outcome == "good" else earlier,
        "newest_known_on": newest,
    }


def _age(row: dict[str, Any]) -> str:
    """How old the data are that a failed source leaves in place."""
    if row["newest_known_on"] is None:
        return "There are no earlier data of it."
    success = f", last whole on {row['last_success_at']:%Y-%m-%d %H:%M} UTC" if row["last_success_at"] else ""
    return f"Its newest data are of {row['newest_known_on']}{success}."
