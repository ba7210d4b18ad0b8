"""Rows that a check put aside, with the reason and their place in the document."""

from warehouse.tables.columns import ROW_AS_READ, RUN_ID
from warehouse.tables.table import Column, Table

TABLE = Table(
    schema="quality",
    name="quarantine",
    meaning="rows that were not loaded, and why",
    columns=(
        RUN_ID,
        Column("table_name", "text", "table that the row was for", required=True),
        Column("row_id", "text", "identity of the row", required=True),
        Column("reason", "text", "which checks it broke, with the field and the value", required=True),
        ROW_AS_READ,
        Column("document_sha256", "text", "document that holds it", required=True),
        Column("locator", "text", "place in that document", required=True),
    ),
    key=("run_id", "table_name", "row_id"),
)
