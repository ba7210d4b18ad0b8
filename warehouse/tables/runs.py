"""Every run, with what it ran on."""

from warehouse.tables.columns import RUN_ID
from warehouse.tables.table import Column, Table

OUTCOMES = {
    "published": "a new answer is published",
    "published_with_old_data": "the same, with the last good data of a source that failed",
    "refused": "a critical check failed, so the last answer stands",
    "failed": "it broke, so the last answer stands",
}

TABLE = Table(
    schema="provenance",
    name="runs",
    meaning="one row for each run",
    columns=(
        RUN_ID,
        Column("started_at", "time", "start (UTC)", required=True),
        Column("finished_at", "time", "end (UTC)"),
        Column("source", "text", "reference or live", required=True),
        Column("as_of", "date", "date that the answer is as of", required=True),
        Column(
            "outcome",
            "text",
            "how it ended",
            required=True,
            allowed=OUTCOMES,
        ),
        Column("versions", "json", "versions of the program, its libraries and the assumptions", required=True),
    ),
    key=("run_id",),
)
