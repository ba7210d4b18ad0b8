"""What each run took and moved: the figures that a team watches, kept where SQL can ask for them.

A run that gets slower by a hundredth a day is noticed when it does not end before breakfast. So every run leaves its
seconds, its memory and its counts, also one that published nothing. It is measured up to its publication.
"""

from warehouse.tables.columns import RUN_ID
from warehouse.tables.guide import Guide
from warehouse.tables.table import Column, Table

OUTCOMES = {
    "published": "a new answer was published",
    "published_with_old_data": "the same, with the last good data of a source that failed",
    "nothing_new": "nothing had arrived, so nothing was published",
    "refused": "a critical check failed, so the last answer stood",
    "failed": "it broke, so the last answer stood",
}


def _count(name: str, meaning: str, unit: str) -> Column:
    return Column(name, "integer", meaning, unit, required=True, minimum=0)


TABLE = Table(
    schema="provenance",
    name="run_metrics",
    meaning="one row for each run: what it took (seconds, memory) and what it moved (documents, rows, bytes, checks)",
    columns=(
        RUN_ID,
        Column("started_at", "time", "start (UTC)", required=True),
        Column("outcome", "text", "how it ended", required=True, allowed=OUTCOMES),
        Column("seconds", "real", "from its start to its publication, or its end without one", "seconds", required=True, minimum=0),
        Column("cpu_seconds", "real", "time of the processor that its process took meanwhile", "seconds", required=True, minimum=0),
        _count("peak_memory_bytes", "most memory that its process held by then", "bytes"),
        _count("sources_asked", "sources that were asked", "sources"),
        _count("sources_failed", "those that did not give all that was asked for", "sources"),
        _count("documents", "documents that were read", "documents"),
        _count("new_documents", "those that were new or changed", "documents"),
        _count("requests", "requests that were sent", "requests"),
        _count("document_bytes", "size of the documents that were read", "bytes"),
        _count("rows_read", "rows read from new documents", "rows"),
        _count("new_rows", "rows added to core", "rows"),
        _count("quarantined_rows", "rows that were quarantined", "rows"),
        _count("checks_held", "checks that held", "checks"),
        _count("checks_failed", "checks that did not hold", "checks"),
        _count("checks_ran", "checks that this run made", "checks"),
        _count("checks_carried_over", "checks whose earlier result stands", "checks"),
        _count("checks_skipped", "checks without a row to look at", "checks"),
        _count("promises_broken", "tables that are older than their owner promises", "tables"),
        _count("warehouse_bytes", "size of the warehouse before it is published; 0 where nothing was", "bytes"),
    ),
    key=("run_id",),
    guide=Guide(
        "One row for each run.",
        "peak_memory_bytes: a process that makes several runs keeps the highest.",
        {
            "Do runs get slower?": "select run_id, started_at, seconds, cpu_seconds from provenance.run_metrics order by "
            "started_at desc limit 10",
            "How much does a run fetch?": "select run_id, requests, new_documents, document_bytes from "
            "provenance.run_metrics order by started_at desc limit 10",
            "How many runs ended how?": "select outcome, count(*) as runs from provenance.run_metrics group by all",
        },
    ),
)  # fmt: skip
