"""Which shape a warehouse has: the version of its schema, and since which program it has it.

A program and a warehouse meet that were made years apart. So the warehouse itself says its version, wherever it is copied
to: in a backup, on an analyst's laptop, in a lake. `warehouse.database.schema` compares it with what the program knows.
"""

from warehouse.tables.guide import Guide
from warehouse.tables.table import Column, Table

TABLE = Table(
    schema="provenance",
    name="schema_versions",
    meaning="one row for each version of the schema that this warehouse has had; the last one holds",
    columns=(
        Column(
            "schema_version", "integer", "version of the schema; each is one more than the one before", required=True
        ),
        Column("since", "time", "when this warehouse was made with it or brought to it (UTC)", required=True),
        Column("program_version", "text", "version of the program that did so", required=True),
    ),
    key=("schema_version",),
    guide=Guide(
        "One row for each version of the schema that this warehouse has had.",
        "",
        {
            "Which version of the schema is it?": "select schema_version, since, program_version from "
            "provenance.schema_versions order by schema_version desc limit 1",
            "When was it brought to each version, and by which program?": "select schema_version, since, program_version "
            "from provenance.schema_versions order by schema_version",
            "Which runs went on from it in that version?": "select run_id, started_at, outcome from provenance.runs where "
            "started_at >= (select max(since) from provenance.schema_versions) order by started_at",
        },
    ),
)
