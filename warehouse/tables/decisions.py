"""What people decided about quarantined rows: only ever added to, so that who said what, and when, stays."""

from warehouse.tables.columns import ROW_AS_READ
from warehouse.tables.guide import Guide
from warehouse.tables.table import Column, Table

KINDS = {
    "accepted": "it is right and is loaded",
    "dismissed": "it is wrong and nobody is notified of it again",
    "withdrawn": "it waits for a decision again",
}

TABLE = Table(
    schema="quality",
    name="decisions",
    meaning="one row for each decision of a person about a quarantined row; the last one about a row is in force",
    columns=(
        Column("row_id", "text", "the row, as quality.quarantine names it", required=True),
        Column("decided_at", "time", "when it was decided (UTC)", required=True),
        Column("table_name", "text", "table that the row is for", required=True),
        Column(
            "decision",
            "text",
            "what was decided",
            required=True,
            allowed=KINDS,
        ),
        Column("decided_by", "text", "who decided", required=True),
        Column("reason", "text", "why, in the words of that person", required=True),
        Column(
            "quarantined_for", "text", "why the row was quarantined", required=True, prose=True, was="put_aside_for"
        ),
        Column("reason_code", "text", "the same as a code, as quality.quarantine gives it"),
        ROW_AS_READ,
        Column("document_sha256", "text", "document that holds it", required=True),
        Column("locator", "text", "place in that document", required=True),
    ),
    key=("row_id", "decided_at"),
    guide=Guide(
        "One row for each decision of a person about a quarantined row; the last one is in force.",
        "",
        {
            "What was decided, and why?": "select row_id, decision, decided_by, decided_at, reason from quality.decisions "
            "order by decided_at desc",
            "Which decisions are in force?": "select row_id, arg_max(decision, decided_at) as decision from "
            "quality.decisions group by all",
            "Who decides?": "select decided_by, count(*) as decisions from quality.decisions group by all",
        },
    ),
)
