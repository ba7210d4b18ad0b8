"""What every run measured of every table, so that a slow change is seen which no single run would show."""

from warehouse.tables.columns import RUN_ID
from warehouse.tables.guide import Guide
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
    guide=Guide(
        "One row for each run, table, measure and column.",
        "values over runs: each run measures the whole table anew.",
        {
            "How many rows has each table?": "select table_name, value as rows from quality.measures where measure = "
            "'rows' and run_id = (select arg_max(run_id, started_at) from provenance.runs) order by all",
            "How old is each table?": "select table_name, value as days from quality.measures where measure = 'age_days' "
            "order by all",
            "Where are values missing?": "select table_name, column_name, value as nulls from quality.measures where "
            "measure = 'nulls' and value > 0 order by value desc limit 10",
        },
    ),
)
