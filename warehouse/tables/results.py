"""What every check of every run found."""

from warehouse.tables.columns import RUN_ID
from warehouse.tables.guide import Guide
from warehouse.tables.table import Column, Table

HOW = {
    "ran": "the check was asked in this run",
    "carried_over": "neither the rows nor the check have changed since an earlier result, which stands",
    "skipped": "the table has no row that the check could look at",
}
SEVERITIES = {"critical": "nothing is published", "warning": "the answer is published, and shows it"}

TABLE = Table(
    schema="quality",
    name="results",
    meaning="one row for each check of each run",
    columns=(
        RUN_ID,
        Column("table_name", "text", "table that was checked, with its schema", required=True),
        Column("expectation", "text", "name of the check", required=True),
        Column("column_name", "text", "column or columns it looked at; empty for the whole table", required=True),
        Column("severity", "text", "what a failure does", required=True, allowed=SEVERITIES),
        Column("success", "flag", "whether it held", required=True),
        Column("unexpected_count", "integer", "rows that broke it", "rows"),
        Column("row_count", "integer", "rows looked at", "rows"),
        Column("checked_at", "time", "when (UTC)", required=True),
        Column("how", "text", "how the result came about", allowed=HOW),
        Column(
            "fingerprint",
            "text",
            "what the result depends on beside the rows: hash of the SQL and of the helper tables",
        ),
        Column("details", "json", "what it protects, and the first of the rows that broke it", required=True),
    ),
    key=("run_id", "table_name", "expectation", "column_name"),
    guide=Guide(
        "One row for each run, table, check and column.",
        "unexpected_count over checks: one row may break several.",
        {
            "What failed in the last run?": "select table_name, expectation, severity, unexpected_count from "
            "quality.results where not success and run_id = (select arg_max(run_id, started_at) from provenance.runs)",
            "How many checks has each table?": "select table_name, count(*) as checks, count(*) filter (success) as held "
            "from quality.results group by all order by all",
            "Which checks were asked in this run?": "select how, count(*) as checks from quality.results group by all",
        },
    ),
)
