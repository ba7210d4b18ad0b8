"""What the last run took and how fresh everything is, as a file for Prometheus.

Prometheus asks; a run ends before it is asked. So a run leaves a text file, `metrics.prom` in OVERBUILD_HOME, which
node_exporter's textfile collector reads (`--collector.textfile.directory`), and `overbuild serve` answers with it. The
library writes the format. Ages are given as moments where they can be, so that they grow
between two runs. deploy/grafana/overbuild.json draws these names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warehouse import files

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

FILE = "metrics.prom"
PREFIX = "overbuild_"
STATES = ("ok", "stale", "failed", "off")
Row = Mapping[str, Any]

# Name, what it says, labels. A figure of a run is of the last one.
GAUGES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("build_info", "1; the version of the program is a label", ("version",)),
    ("run_started_timestamp_seconds", "Start of the last run", ()),
    ("run_finished_timestamp_seconds", "End of the last run", ()),
    ("run_outcome", "1 for the outcome of the last run, 0 for the others", ("outcome",)),
    ("run_seconds", "How long the last run took", ()),
    ("run_cpu_seconds", "Time of the processor that the last run took", ()),
    ("run_peak_memory_bytes", "Most memory that the process of the last run held", ()),
    ("run_documents", "Documents of the last run, by kind: read, new", ("kind",)),
    ("run_document_bytes", "Size of the documents that the last run read", ()),
    ("run_requests", "Requests that the last run sent", ()),
    ("run_rows", "Rows of the last run, by kind: read, new, quarantined", ("kind",)),
    ("run_checks", "Checks of the last run, by result: held, failed; and how they came about", ("result",)),
    ("warehouse_bytes", "Size of the warehouse that the last run published; 0 where it published none", ()),
    ("step_seconds", "How long each step of the last run took", ("step",)),
    ("step_rows", "Rows that each step of the last run read, added, checked or built", ("step",)),
    ("step_bytes", "Bytes that each step of the last run read", ("step",)),
    ("step_peak_memory_bytes", "Most memory that the process had held by the end of each step", ("step",)),
    ("answer_published_timestamp_seconds", "When the answer that readers see was published", ()),
    ("answer_as_of_timestamp_seconds", "The day that this answer is as of", ()),
    ("source_state", "1 for the state of each source, 0 for the others", ("source", "feed", "state")),
    ("source_last_success_timestamp_seconds", "When each source last gave all that it was asked for", ("source", "feed")),
    ("source_newest_fact_timestamp_seconds", "Day of the newest fact of each source", ("source", "feed")),
    ("promise_age", "How old each table was at the last run, in the unit of its promise", ("table", "owner", "unit")),
    ("promise_at_most", "How old each table may be", ("table", "owner", "unit")),
    ("promise_kept", "1 where the promise of a table was kept, 0 where it was broken", ("table", "owner", "unit")),
)  # fmt: skip


def registry(
    *,
    version: str,
    run: Row,
    finished_at: datetime,
    steps: Sequence[Row],
    promises: Sequence[Row],
    sources: Sequence[Row],
    answer: Row | None,
    outcomes: Iterable[str],
) -> CollectorRegistry:
    """All figures, as the library keeps them.

    `run`, `steps` and `promises` are rows of the tables of provenance, `sources` those of `freshness.report`, `answer` the
    row of `provenance.runs` that is published.
    """
    from prometheus_client import CollectorRegistry, Gauge

    found = CollectorRegistry()
    gauges = {name: Gauge(f"{PREFIX}{name}", said, labels, registry=found) for name, said, labels in GAUGES}

    def put(name: str, value: Any, *labels: str) -> None:
        if value is not None:
            gauge = gauges[name].labels(*labels) if labels else gauges[name]
            gauge.set(_seconds(value) if isinstance(value, date) else value)

    put("build_info", 1, version)
    put("run_started_timestamp_seconds", run["started_at"])
    put("run_finished_timestamp_seconds", finished_at)
    for outcome in outcomes:
        put("run_outcome", int(outcome == run["outcome"]), outcome)
    put("run_seconds", run["seconds"])
    put("run_cpu_seconds", run["cpu_seconds"])
    put("run_peak_memory_bytes", run["peak_memory_bytes"])
    put("run_documents", run["documents"], "read")
    put("run_documents", run["new_documents"], "new")
    put("run_document_bytes", run["document_bytes"])
    put("run_requests", run["requests"])
    for kind, column in (("read", "rows_read"), ("new", "new_rows"), ("quarantined", "quarantined_rows")):
        put("run_rows", run[column], kind)
    for result in ("held", "failed", "ran", "carried_over", "skipped"):
        put("run_checks", run[f"checks_{result}"], result)
    put("warehouse_bytes", run["warehouse_bytes"])
    for step in steps:
        put("step_seconds", step["seconds"], step["step"])
        put("step_rows", step["rows"], step["step"])
        put("step_bytes", step["bytes"], step["step"])
        put("step_peak_memory_bytes", step["peak_memory_bytes"], step["step"])
    if answer is not None:
        put("answer_published_timestamp_seconds", answer["finished_at"])
        put("answer_as_of_timestamp_seconds", answer["as_of"])
    for source in sources:
        asked = (source["source"], source["feed"])
        for state in STATES:
            put("source_state", int(state == source["state"]), *asked, state)
        put("source_last_success_timestamp_seconds", source["last_success"], *asked)
        put("source_newest_fact_timestamp_seconds", source["newest_fact"], *asked)
    for promise in promises:
        names = (promise["table_name"], promise["owner"], promise["unit"])
        put("promise_at_most", promise["at_most"], *names)
        if promise["state"] != "not_due":
            put("promise_age", promise["age"], *names)
            put("promise_kept", int(promise["state"] == "kept"), *names)
    return found


def write(folder: Path, found: CollectorRegistry) -> Path:
    """Replace the file whole; gives its path. The library's own way leaves a file behind where it is killed."""
    from prometheus_client import generate_latest

    file = folder / FILE
    files.write(file, generate_latest(found))
    return file


def _seconds(moment: date) -> float:
    if not isinstance(moment, datetime):
        moment = datetime.combine(moment, time(), UTC)
    return moment.timestamp()
