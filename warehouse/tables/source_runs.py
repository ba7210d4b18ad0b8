"""What each live source brought in each run, so that no failure is silent.

A source that fails leaves its last good data in place, and then the answer is as old as they are. So every run notes
for every source how it went and how old its data are; the verdict, `overbuild sources` and the site read it here.
"""

from warehouse.tables.guide import Guide
from warehouse.tables.table import Column, Table

OUTCOMES = {
    "good": "it brought all that was asked for",
    "partly_failed": "it brought a part",
    "failed": "it brought nothing",
    "skipped": "it was not asked, as it is not set up",
}

TABLE = Table(
    schema="provenance",
    name="source_runs",
    meaning="one row for each live source of each run: what it brought, what failed, how old its data are",
    columns=(
        Column("run_id", "text", "the run", required=True),
        Column("source", "text", "name of the source", required=True),
        Column("feed", "text", "feed that it belongs to", required=True),
        Column("outcome", "text", "how it went; skipped: it is not set up", required=True, allowed=OUTCOMES),
        Column("message", "text", "what failed and what to do, or why it was skipped; else empty", required=True),
        Column("documents", "integer", "documents that it gave", "documents", required=True, minimum=0),
        Column("new_documents", "integer", "those that were new or changed", "documents", required=True, minimum=0),
        Column("rows_read", "integer", "rows read from them", "rows", required=True, minimum=0),
        Column("requests", "integer", "requests that were sent", "requests", required=True, minimum=0),
        Column("checked_at", "time", "when the run asked it (UTC)", required=True),
        Column("last_success_at", "time", "when it last gave all that it was asked for (UTC); null where never"),
        Column("newest_known_on", "date", "day of the newest fact that it ever brought; null where none"),
    ),
    key=("run_id", "source"),
    guide=Guide(
        "One row for each live source and run.",
        "",
        {
            "Which sources failed in the last run?": "select source, outcome, message from provenance.source_runs where "
            "outcome <> 'good' and run_id = (select arg_max(run_id, started_at) from provenance.runs)",
            "When did each source last bring all?": "select source, max(last_success_at) as last_success_at from "
            "provenance.source_runs group by all order by all",
            "How often does each fail?": "select source, outcome, count(*) as runs from provenance.source_runs group by "
            "all order by all",
        },
    ),
)  # fmt: skip
