"""What each run changed against the one before: what is kept of a comparison, and how it is read again.

Of the releases only the last few are kept. So a run keeps the part of its comparison that is asked for later
(`provenance.changes`). That is every verdict, every condition that turned and the facts behind them. The counts of each
mart and the figures that moved most are kept, too. From these records the change between any two runs of one home can be
told, step by step.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from warehouse.database.connection import Connection
from warehouse.reports.diff import COLUMNS, Comparison, Row, typed
from warehouse.reports.lineage import traceable
from warehouse.tables.runs import newest_published
from warehouse.tables.table import FACT_ID

KEPT_FIGURES = 40
KEPT_FACTS = 20  # for each changed verdict
STEP = ("run_id", "before_run_id")
RUN = ("run_id", "started_at", "source", "as_of", "outcome")


def kept(comparison: Comparison) -> list[Row]:
    """The rows of a comparison that its later run records, in order: values as text, keys as JSON."""
    before, after = comparison.runs
    rows = [{"kind": "compared"}, *_worth_keeping(comparison)]
    return [
        {
            "run_id": after.run_id,
            "before_run_id": before.run_id,
            "place": place,
            **{name: value for name, value in row.items() if name != FACT_ID},
            "fact": row.get(FACT_ID),
            **{name: _text(row.get(name)) for name in ("key", "behind", "before", "after")},
        }
        for place, row in enumerate(rows)
    ]


def _worth_keeping(comparison: Comparison) -> Iterator[Row]:
    facts: Counter[str] = Counter()
    for row in comparison.rows(KEPT_FIGURES):
        if row["kind"] == "fact":
            verdict = f"{row['behind']['scope']} {row['behind']['question']}"
            facts[verdict] += 1
            if facts[verdict] > KEPT_FACTS:
                continue
        yield row


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, default=str, ensure_ascii=False)


def recorded(connection: Connection, run_id: str) -> list[Row]:
    """What a run changed, as it recorded it: the rows of `diff.COLUMNS` with both run ids; empty where it recorded none.

    The first row is of kind `compared`. Where it is the only one, nothing changed.
    """
    if not has_records(connection):
        return []
    names = [*STEP, *COLUMNS]
    columns = ", ".join('"fact"' if name == FACT_ID else f'"{name}"' for name in names)
    sql = f"SELECT {columns} FROM provenance.changes WHERE run_id = ? ORDER BY place"
    return [_read(dict(zip(names, values, strict=True))) for values in connection.execute(sql, [run_id]).fetchall()]


def steps(connection: Connection, before: str, after: str) -> list[str] | None:
    """The runs that led from one to another, oldest first, each compared with the one before; None where that is not known."""
    if not has_records(connection):
        return None
    earlier = dict(connection.execute("SELECT DISTINCT run_id, before_run_id FROM provenance.changes").fetchall())
    way: list[str] = []
    at = after
    while at != before:
        if at not in earlier or at in way:
            return None
        way.append(at)
        at = earlier[at]
    return way[::-1]


def runs(connection: Connection) -> list[Row]:
    """Every run, the latest first (`RUN`), with what it changed where that is recorded: `verdicts` (how many changed, null
    where it was not compared), `facts` (new ones behind them), `figures` and `rows` of marts, and `made_with`."""
    columns = ", ".join(RUN)
    found = connection.execute(f"SELECT {columns} FROM provenance.runs ORDER BY started_at DESC").fetchall()
    counts = (
        {run_id: values for run_id, *values in connection.execute(_COUNTS).fetchall()}
        if has_records(connection)
        else {}
    )
    counted = ("verdicts", "facts", "figures", "rows", "made_with")
    return [
        dict(zip(RUN, values, strict=True)) | dict(zip(counted, counts.get(values[0], [None] * 5), strict=True))
        for values in found
    ]


def since_last_run(connection: Connection) -> list[Row]:
    """What the run that published this warehouse changed; empty where it is the first, or a dated answer."""
    row = connection.execute(newest_published("run_id")).fetchone()
    return recorded(connection, row[0]) if row else []


_COUNTS = """
    SELECT run_id, count(*) FILTER (kind = 'verdict'), count(DISTINCT fact), coalesce(sum("rows") FILTER
      (kind = 'table' AND column_name = '*'), 0)::BIGINT, coalesce(sum("rows") FILTER (kind = 'table' AND column_name IS NULL),
      0)::BIGINT, count(*) FILTER (kind = 'made_with')
    FROM provenance.changes GROUP BY run_id"""


def has_records(connection: Connection) -> bool:
    """Whether this warehouse can hold such records at all: those of earlier versions cannot."""
    sql = "SELECT 1 FROM duckdb_tables() WHERE schema_name = 'provenance' AND table_name = 'changes'"
    return connection.execute(sql).fetchone() is not None


def _read(row: Row) -> Row:
    for name in ("key", "behind"):
        row[name] = json.loads(row[name]) if row[name] else None
    table = traceable().get(row["table_name"] or "")
    if table and row["column_name"] in table.names:
        column = table.column(row["column_name"])
        row |= {name: typed(column, row[name]) for name in ("before", "after")}
    return row
