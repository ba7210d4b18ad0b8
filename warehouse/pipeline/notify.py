"""Who is notified of a run, and of what: gathered from the results of its steps, whether it published or failed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from warehouse.database.store import Store
from warehouse.pipeline import alerts, metrics
from warehouse.pipeline.alerts import Announce, Notified
from warehouse.pipeline.build import Built
from warehouse.pipeline.check import Checked
from warehouse.pipeline.context import RunContext
from warehouse.pipeline.documents import Ingested, unexpected
from warehouse.pipeline.ingest import Ingestion
from warehouse.pipeline.quarantine import Quarantined
from warehouse.quality import history


def notify(
    store: Store,
    run: RunContext,
    announce: Announce,
    *,
    ingestion: Ingestion | None = None,
    quarantined: Quarantined | None = None,
    checks: Sequence[Checked] = (),
    waiting: Sequence[Mapping[str, Any]] | None = None,
    built: Built | None = None,
    failure: str = "",
) -> Notified:
    """Notify people of what is new since the last time. `waiting` are quarantined rows, where they are known already.

    Whoever asks for a dated answer sees what it says, so nobody is notified of it. Whatever goes wrong here becomes a
    note, and harms no run.
    """
    if run.asked_as_of is not None:
        return Notified()
    try:
        seen = alerts.observed(
            findings=[finding for checked in checks for finding in checked.findings],
            trends=[trend for checked in checks for trend in checked.trends],
            notices=[*(ingestion.notices if ingestion else ()), *(quarantined.not_loaded if quarantined else ())],
            sources=[*_source_states(run, ingestion.sources if ingestion else ())],
            promises=metrics.judge_promises(store, run),
            waiting=history.waiting(store.connection) if waiting is None else waiting,
            verdicts=built.marts["verdict"].rows(named=True) if built else [],
            failure=failure,
        )
        return alerts.send(run.paths, run.settings, seen, run.run_id, announce)
    except Exception as error:
        return Notified(notes=(f"people could not be notified: {unexpected(error)}",))


def _source_states(run: RunContext, ingested: Iterable[Ingested]) -> Iterator[tuple[str, str, str]]:
    """Each live source with its state and what to do: as this run found it, or as its last runs left it."""
    from warehouse.reports import freshness

    asked = {found.name: found for found in ingested if found.source.kind == "live"}
    for row in freshness.report(run.paths, run.settings, datetime.now(UTC)):
        found = asked.get(row["source"])
        if row["kind"] == "live" and (found is None or found.outcome == "skipped" or run.offline):
            yield row["source"], row["state"], row["next_step"]
        elif found is not None:
            yield found.name, "ok" if found.outcome == "good" else "failed", found.message
