"""How each mart came about, so that the next run knows which of them would come out the same."""

from warehouse.tables.columns import RUN_ID
from warehouse.tables.guide import Guide
from warehouse.tables.table import Column, Table

TABLE = Table(
    schema="provenance",
    name="marts_made",
    meaning="one row for each mart of this answer: the run that made it, and digests of all that it was made of",
    columns=(
        Column("mart", "text", "name of the mart", required=True),
        RUN_ID,
        Column(
            "given",
            "text",
            "SHA-256 of what it was given: the rows of each frame that it reads, the program and its libraries, and the day "
            "where it asks for one",
            required=True,
        ),
        Column("looked_up", "texts", "entries of the assumptions file that it looked up; * where all", required=True),
        Column("answered", "text", "SHA-256 of what the assumptions answered", required=True),
        Column("content", "text", "SHA-256 of its rows", required=True),
        Column(
            "days",
            "texts",
            "of a mart that answers as of several days: each earlier one with the SHA-256 of what its rows are made of",
            required=True,
        ),
    ),
    key=("mart",),
    guide=Guide(
        "One row for each mart.",
        "",
        {
            "Which marts did the last run make anew?": "select mart from provenance.marts_made where run_id = (select "
            "arg_max(run_id, started_at) from provenance.runs) order by all",
            "Since which run does each mart stand?": "select mart, run_id from provenance.marts_made order by all",
            "Which assumptions does a mart look up?": "select mart, unnest(looked_up) as assumption from "
            "provenance.marts_made order by all",
        },
    ),
)
