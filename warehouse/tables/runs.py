"""Every run, with what it ran on."""

from warehouse.tables.columns import RUN_ID
from warehouse.tables.guide import Guide
from warehouse.tables.table import Column, Table

OUTCOMES = {
    "published": "a new answer is published",
    "published_with_old_data": "the same, with the last good data of a source that failed",
    "refused": "a critical check failed, so the last answer stands",
    "failed": "it broke, so the last answer stands",
}

PUBLISHED = ("published", "published_with_old_data")
"""Outcomes of a run that published an answer."""

IS_PUBLISHED = f"outcome IN {PUBLISHED}"
"""That of a row of the table, as SQL."""


def newest_published(columns: str, *, database: str = "") -> str:
    """SQL that gives these columns of the newest run that published an answer; no row where none did."""
    runs = f"{database}.provenance.runs" if database else "provenance.runs"
    return f"SELECT {columns} FROM {runs} WHERE {IS_PUBLISHED} ORDER BY started_at DESC LIMIT 1"


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
    guide=Guide(
        "One row for each run.",
        "",
        {
            "How did the last runs end?": "select run_id, started_at, outcome, as_of from provenance.runs order by "
            "started_at desc limit 10",
            "How long do runs take?": "select run_id, finished_at - started_at as took from provenance.runs order by "
            "started_at desc limit 10",
            "With which versions was it made?": "select run_id, versions from provenance.runs order by started_at desc "
            "limit 1",
        },
    ),
)
