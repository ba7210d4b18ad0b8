"""What every run measured of every table, so that a slow change is seen which no single run would show."""

from warehouse.tables.columns import RUN_ID
from warehouse.tables.table import Column, Table

MEASURES = {
    "rows": "rows of the table",
    "new_rows": "rows that this run added",
    "quarantined": "rows that this run quarantined",
    "nulls": "rows without a value in the column",
    "age_days": "days from the newest known_on to the run's day",
}

TABLE = Table(
    schema="quality",
    name="measures",
    meaning="one row for each figure that a run measured of a table",
    columns=(
        RUN_ID,
        Column("table_name", "text", "table that was measured, with its schema", required=True),
        Column(
            "measure",
            "text",
            "what was measured",
            required=True,
            allowed=MEASURES,
        ),
        Column("column_name", "text", "column that was measured; empty for the whole table", required=True),
        Column("value", "integer", "the figure", "rows, or days for age_days", required=True),
    ),
    key=("run_id", "table_name", "measure", "column_name"),
)
