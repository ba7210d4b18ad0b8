"""What each published run changed against the one before, kept when the earlier warehouse is not.

A warehouse is 25 MB and only the last few are kept, but "when did the answer last change, and why" is asked years later.
So each run records here what it changed: every verdict and condition, the facts behind them, how many rows of each mart,
and the figures that moved most. A comparison of two warehouses that are still there says the same in full.
"""

from warehouse.tables.columns import RUN_ID
from warehouse.tables.guide import Guide
from warehouse.tables.table import Column, Table

KINDS = {
    "compared": "the two runs were compared; there is one such row a run, also where nothing changed",
    "made_with": "the program or its assumptions changed",
    "verdict": "a verdict changed",
    "condition": "a condition of a verdict turned",
    "fact": "a new fact behind a changed verdict",
    "table": "how many rows or figures of a mart changed",
    "row": "a row is new or removed",
    "figure": "a figure changed",
}
CHANGES = {
    "new": "it was not there before",
    "removed": "it is not there any more",
    "changed": "it has another value",
    "not_comparable": "the two values are not of the same thing",
}

TABLE = Table(
    schema="provenance",
    name="changes",
    meaning="what each published run changed against the one before: verdicts whole, of figures those that moved most",
    columns=(
        RUN_ID,
        Column("before_run_id", "text", "the run before, which it was compared with", required=True),
        Column("place", "integer", "place in the order in which a reader wants them", required=True, minimum=0),
        Column("kind", "text", "what the row says", required=True, allowed=KINDS),
        Column("table_name", "text", "table that holds it, with its schema"),
        Column("key", "json", "key of the row there"),
        Column("column_name", "text", "column; * for all figures of a mart"),
        Column("unit", "text", "unit of the column"),
        Column("change", "text", "what happened to it", allowed=CHANGES),
        Column("before", "text", "the value before; null where it was unknown or there was none"),
        Column("after", "text", "the value now; null where it is unknown or there is none"),
        Column("difference", "real", "after less before, in the column's unit"),
        Column("change_share", "real", "the change as a fraction of the size of the value before", "fraction"),
        Column("rows", "integer", "how many, where the row counts", "rows or figures", minimum=0),
        Column("behind", "json", "of a fact: the verdict it is behind, and the condition that turned"),
        Column("about", "text", "of a fact: what it is about, in the words of its row"),
        Column("known_on", "date", "of a fact: the day it became public"),
        Column("fact", "text", "of a fact: its `fact_id` in core"),
        Column("citation", "text", "of a fact: where it was read"),
        Column("reason", "text", "why there is no value now", prose=True),
    ),
    key=("run_id", "place"),
    guide=Guide(
        "One row for each change that a run made against the one before.",
        "",
        {
            "What did the last run change?": "select kind, about, before, after from provenance.changes where run_id = "
            "(select arg_max(run_id, started_at) from provenance.runs) order by place",
            "When did a verdict change?": "select run_id, about, before, after from provenance.changes where kind = "
            "'verdict'",
            "How many changes had each run?": "select run_id, count(*) as changes from provenance.changes group by all "
            "order by all",
        },
    ),
)
