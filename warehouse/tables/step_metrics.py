"""What each step of a run took, so that a slow run says where it was slow.

The steps that come after the warehouse is closed (the switch of the link, the alerts) are written down by the next run.
"""

from warehouse.tables.columns import RUN_ID
from warehouse.tables.guide import Guide
from warehouse.tables.table import Column, Table

OUTCOMES = {"completed": "it ended as it should", "failed": "it raised an error, which may have been tried again"}

STEPS = {
    "ingest": "a source is fetched, archived, parsed and staged",
    "check_new_rows": "rows that wait are checked, bad ones quarantined",
    "load": "new rows are appended to core",
    "check_facts": "the tables of core are checked",
    "carry_over": "marts and findings of the last answer are kept, as nothing changed",
    "build_marts": "the marts are built",
    "check_marts": "the marts are checked",
    "write_pages": "the site, the take-away and the quality pages are written",
    "publish_release": "readers are switched to the new answer",
    "notify_people": "people are told what is new",
}

TABLE = Table(
    schema="provenance",
    name="step_metrics",
    meaning="one row for each step of each run, in the order in which they ended",
    columns=(
        RUN_ID,
        Column("place", "integer", "place among the steps of the run, from 0", required=True, minimum=0),
        Column(
            "step", "text", "the step; `ingest NAME` for each source, which are ingested at the same time", required=True,
            named=STEPS,
        ),
        Column("started_at", "time", "start (UTC)", required=True),
        Column("seconds", "real", "how long it took", "seconds", required=True, minimum=0),
        Column("outcome", "text", "how it ended", required=True, allowed=OUTCOMES),
        Column("rows", "integer", "rows read, added, checked or built by it; null where it has none", "rows", minimum=0),
        Column("bytes", "integer", "bytes of the documents that it read; null where it has none", "bytes", minimum=0),
        Column("peak_memory_bytes", "integer", "most memory that its process had held by then", "bytes", required=True, minimum=0),
    ),
    key=("run_id", "place"),
    guide=Guide(
        "One row for each step and run.",
        "seconds of the steps `ingest ...`: they run at the same time.",
        {
            "Where did the last run spend its time?": "select step, seconds, rows from provenance.step_metrics where run_id = "
            "(select arg_max(run_id, started_at) from provenance.runs) order by seconds desc",
            "Which step grows?": "select step, run_id, seconds from provenance.step_metrics order by step, started_at",
            "Which source brings most?": "select step, sum(bytes) as bytes, sum(rows) as rows from provenance.step_metrics "
            "where step like 'ingest %' group by all order by bytes desc",
        },
    ),
)  # fmt: skip
