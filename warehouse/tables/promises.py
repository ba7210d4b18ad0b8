"""Whether each table was as fresh as its owner promises, run by run: kept and broken promises have a history.

An alert says once that a table is old. Whoever asks "how often was that so this year?" needs every run's answer. The age
is that of the moment of the run, so it stands here and never in a mart.
"""

from warehouse.tables.columns import RUN_ID
from warehouse.tables.guide import Guide
from warehouse.tables.promise import NOTIFIED, OWNERS
from warehouse.tables.table import Column, Table

STATES = {
    "kept": "no older than was promised",
    "broken": "older than was promised",
    "not_due": "only the packaged snapshot was ever loaded here, or the table has no date of its own: nothing is promised",
}

TABLE = Table(
    schema="provenance",
    name="promises",
    meaning="one row for each table of each run: how old it was promised to be at most, and how old it was",
    columns=(
        RUN_ID,
        Column("table_name", "text", "table with its schema; `marts` stands for all marts, which are one answer", required=True),
        Column("measured_at", "time", "the moment for which the age holds (UTC)", required=True),
        Column("owner", "text", "who answers for the table", required=True, named=OWNERS),
        Column("notify", "text", "who is told when the promise is broken", required=True, named=NOTIFIED),
        Column(
            "measured_of",
            "text",
            "what grows old",
            required=True,
            allowed={
                "newest_fact": "the newest fact",
                "last_asked": "the last time that a live source of it gave all that it was asked for",
            },
        ),
        Column("age", "integer", "how old it was; null where nothing is promised", "the unit of the row", minimum=0),
        Column("at_most", "integer", "how old it may be", "the unit of the row", required=True, minimum=0),
        Column(
            "unit",
            "text",
            "what is counted",
            required=True,
            allowed={"days": "calendar days", "sessions": "sessions of the exchange that have closed since"},
        ),
        Column("state", "text", "whether the promise was kept", required=True, allowed=STATES),
    ),
    key=("run_id", "table_name"),
    guide=Guide(
        "One row for each table and run.",
        "",
        {
            "Which promises are broken?": "select table_name, owner, age, at_most, unit from provenance.promises where "
            "state = 'broken' and run_id = (select arg_max(run_id, started_at) from provenance.runs)",
            "How often was each kept?": "select table_name, count(*) filter (state = 'kept') as kept, count(*) filter "
            "(state = 'broken') as broken from provenance.promises group by all order by all",
            "Who answers for which table?": "select distinct table_name, owner, notify from provenance.promises order by all",
        },
    ),
)  # fmt: skip
