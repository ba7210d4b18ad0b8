"""Rows that a check quarantined, with the reasons and their place in the document."""

from warehouse.tables.columns import ROW_AS_READ, RUN_ID
from warehouse.tables.guide import Guide
from warehouse.tables.table import Column, Table

TABLE = Table(
    schema="quality",
    name="quarantine",
    meaning="rows that were not loaded, and why",
    columns=(
        RUN_ID,
        Column("table_name", "text", "table that the row was for", required=True),
        Column("row_id", "text", "identity of the row", required=True),
        Column(
            "reason_code", "text", "why: the first check that it broke, or the code of what kept it from being read"
        ),
        Column(
            "reasons", "texts", "every reason: each a JSON object with its `reason_code` and the fields that it blames"
        ),
        Column("reason", "text", "the same in words, with the document and the place", required=True, prose=True),
        ROW_AS_READ,
        Column("document_name", "text", "name of the document that holds it"),
        Column("document_sha256", "text", "document that holds it", required=True),
        Column("locator", "text", "place in that document", required=True),
    ),
    key=("run_id", "table_name", "row_id"),
    guide=Guide(
        "One row for each run, table and row that was not loaded.",
        "rows over runs: a row that waits is found again by every run.",
        {
            "Which rows were not loaded, and why?": "select table_name, row_id, reason, locator from quality.quarantine "
            "order by all limit 20",
            "Which checks quarantine most?": "select table_name, reason_code, count(distinct row_id) as rows from "
            "quality.quarantine group by all order by rows desc",
            "What stands in such a row?": "select row_id, row from quality.quarantine limit 5",
        },
    ),
)
