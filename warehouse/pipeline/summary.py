"""What is said of a run: for whoever started it, and as pages for Prefect's UI."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import polars as pl

from warehouse.database.store import Store
from warehouse.pipeline.alerts import Notified
from warehouse.pipeline.build import Built, Carried, Loaded
from warehouse.pipeline.check import Checked
from warehouse.pipeline.context import RunContext
from warehouse.pipeline.ingest import Ingestion
from warehouse.pipeline.live_sources import LiveSources
from warehouse.pipeline.quarantine import Quarantined
from warehouse.quality.counts import Counts

FACTS_SHOWN = 20
SAID = ("question", "verdict", "leaning", "evidence_grade", "headline", "statement", "would_change")


def summary(
    run: RunContext,
    ingestion: Ingestion,
    quarantined: Quarantined,
    sources: LiveSources,
    loaded: Loaded,
    checks: Sequence[Checked],
    notified: Notified,
    counts: Counts,
    built: Built | None = None,
    carried: Carried | None = None,
) -> dict[str, Any]:
    """What a run did, for whoever started it: paths, counts, the group's verdicts, the quarantined rows."""
    none = pl.DataFrame(schema=["scope", *SAID])
    verdicts = built.marts["verdict"] if built else none
    return {
        "run_id": run.run_id,
        "as_of": loaded.as_of.isoformat(),
        "source": run.source,
        "asked_as_of": run.asked_as_of.isoformat() if run.asked_as_of else None,
        "verdicts": verdicts.filter(pl.col("scope") == "ALL").select(SAID).to_dicts(),
        "checks": asdict(counts),
        "warnings": _warnings(ingestion, quarantined, checks, carried),
        "unchanged_since": carried.since if carried else "",
        "quarantined": list(quarantined.messages),
        "new_rows": loaded.rows,
        "new_rows_of": {name: count for name, count in loaded.added.items() if count},
        "fact_rows": built.fact_rows if built else 0,
        "failed_sources": sources.failed,
        "notes": list(notified.notes),
        "overridden": list(run.assumptions.overridden),
        "published": str(run.paths.published(run.asked_as_of)) if built else "",
    }


def _warnings(
    ingestion: Ingestion, quarantined: Quarantined, checks: Sequence[Checked], carried: Carried | None
) -> list[str]:
    trends = [trend for checked in checks for trend in checked.trends]
    return [
        *(notice.text for notice in (*ingestion.notices, *quarantined.not_loaded, *trends) if notice.text),
        *(warning for checked in checks for warning in checked.warnings),
        *(carried.warnings if carried else ()),
    ]


def verdict_markdown(built: Built, loaded: Loaded) -> str:
    """The verdicts of the group and of each company, as a table."""
    rows = (
        built.marts["verdict"]
        .select("scope", "question", "verdict", "evidence_grade", "headline", "statement", "would_change")
        .rows()
    )
    lines = [
        "| " + " | ".join("" if cell is None else str(cell).replace("|", "/") for cell in row) + " |" for row in rows
    ]
    head = "| scope | question | verdict | grade | headline | figures | what would change it |\n|---|---|---|---|---|---|---|"
    return f"## Verdict as of {loaded.as_of}\n\n{head}\n" + "\n".join(lines)


def changes_markdown(store: Store, run: RunContext) -> str:
    """What this run changed against the last published answer: verdicts, the facts behind them, what moved most."""
    from warehouse.reports import changes, news  # needed here only

    rows = changes.recorded(store.connection, run.run_id)
    if not rows:
        why = "a dated answer follows no other" if run.asked_as_of else "this is the first answer here"
        return f"## What changed\n\nThere is nothing to compare it with: {why}."
    lines = "\n".join(f"- {line.strip()}" for line in news.in_short(rows))
    facts = [row for row in rows if row["kind"] == "fact"][:FACTS_SHOWN]
    behind = "".join(f"\n| {_cell(row['about'])} | {row['known_on']} | {_cell(row['citation'])} |" for row in facts)
    head = "\n\n### New facts behind changed verdicts\n\n| fact | known on | source |\n|---|---|---|"
    return f"## What changed since run {rows[0]['before_run_id']}\n\n{lines}{head + behind if facts else ''}"


def _cell(value: Any) -> str:
    return "" if value is None else str(value).replace("|", "/").replace("\n", " ")


def quality_markdown(summary: dict[str, Any]) -> str:
    """What was checked, in short."""
    earlier = summary["unchanged_since"]
    since = f" Nothing has changed since run {earlier}, which found this." if earlier else ""
    warnings = "\n".join(f"- {warning}" for warning in summary["warnings"]) or "none"
    quarantined = "\n".join(f"- {reason}" for reason in summary["quarantined"]) or "none"
    return (
        f"## Quality of run {summary['run_id']}\n\n{Counts(**summary['checks']).said()}.{since}\n\n"
        f"### Warnings\n\n{warnings}\n\n### Quarantined rows\n\n{quarantined}"
    )
