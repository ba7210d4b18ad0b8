"""From a figure to its inputs: the rows of `core` behind any row, and the documents they stand in.

A figure that cannot be followed to its source has to be believed, and this project asks nobody to believe. Each mart
declares how to find the rows behind its own (`Mart.traces`). So a trace is a query on what is published and never a log
of what was computed. It works on any published warehouse, however old, and on a dated one.

The way down is walked table by table. All rows reached in a mart go down together, with one query for each of its
declared ways. A verdict rests on tens of thousands of price bars, and a query for each row would take minutes.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from warehouse import sqltext
from warehouse.database import reading
from warehouse.database.connection import Connection
from warehouse.database.limits import Limits, within
from warehouse.errors import UsageError
from warehouse.fetching import archive
from warehouse.marts import all_marts
from warehouse.marts.common.mart import Mart, Trace
from warehouse.tables import CORE
from warehouse.tables.table import FACT_ID, PROVENANCE, Table

LIMIT = 25  # rows of the asked table that are followed, unless --limit asks for more
HEARSAY_ENTERS = ("claim_check",)  # grade D is in no other mart (method 7)
PROVENANCE_NAMES = tuple(column.name for column in PROVENANCE)

Node = tuple[str, int]
Row = Mapping[str, Any]


@dataclass
class Traced:
    """What was reached: the rows asked for, the rows of each table, and which row leads to which."""

    roots: list[Node]
    more: int  # rows that met the condition beyond those followed
    rows: dict[Node, dict[str, Any]] = field(default_factory=dict)
    children: dict[Node, list[Node]] = field(default_factory=dict)
    documents: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)

    def facts(self) -> Iterator[tuple[Node, list[Node]]]:
        """Each fact behind each row asked for, once, by the shortest way to it."""
        for root in self.roots:
            came_from: dict[Node, Node | None] = {root: None}
            queue = [root]
            for node in queue:
                for child in self.children.get(node, ()):
                    if child not in came_from:
                        came_from[child] = node
                        queue.append(child)
            for node in queue:
                if is_fact(node):
                    way: list[Node] = []
                    at: Node | None = node
                    while at is not None:
                        way.append(at)
                        at = came_from[at]
                    yield node, way[::-1]


def named(name: str) -> Table:
    """The table of a name: `marts.verdict`, `core.evidence`, or without a schema. Raises UsageError for another one."""
    known = traceable()
    asked = name.strip().lower()
    for full in (asked, f"marts.{asked}", f"core.{asked}"):
        if full in known:
            return known[full]
    if read := _read_by_view(asked.removeprefix("main.")):
        followed = [full for full in read if full in known]
        what_to_do = (
            f"Trace a table that it reads: {', '.join(followed)}." if followed else "No figure of it has facts."
        )
        raise UsageError(f"trace {name}: this is a view. {what_to_do}")
    near = difflib.get_close_matches(asked, [*known, *(full.partition(".")[2] for full in known)], n=3)
    raise UsageError(
        f"trace {name}: there is no such table of marts or core. "
        + (f"Did you mean {' or '.join(near)}?" if near else f"There are: {', '.join(sorted(known))}.")
    )


def _read_by_view(name: str) -> list[str]:
    """The full names of the tables that a view of `sql/views/` reads; empty where there is no such view."""
    from warehouse.database import views  # here alone: only a wrong name asks for it

    declared = views.tables_by_name(mart.table for mart in all_marts().values())
    return [
        table.full_name
        for statement in views.statements()
        if views.name_of(statement) == name
        for table in views.tables_read(statement, declared)
    ]


@cache
def traceable() -> dict[str, Table]:
    """Every table of `marts` and `core` by its full name."""
    return {t.full_name: t for t in (*(m.table for m in all_marts().values()), *CORE.values())}


def is_fact(node: Node) -> bool:
    return node[0].startswith("core.")


def follow(
    connection: Connection,
    table: Table,
    where: str = "",
    limit: int = LIMIT,
    limits: Limits | None = None,
    stuck: Callable[[str], None] | None = None,
) -> Traced:
    """The rows of `table` that meet a condition, and everything behind them.

    The condition may hold any query that reads, so that of a user gets `limits` and `stuck` (`limits.within`). The way
    down is bounded by the warehouse. Raises UsageError where the condition is no SQL condition on the table's columns, or
    takes too long.
    """
    with nullcontext() if limits is None else within(connection, limits, stuck):
        roots = [(table.full_name, row) for row in _asked(connection, table, where)]
    found = Traced(roots[:limit], len(roots) - len(roots[:limit]))
    as_of = as_of_date(connection)
    fresh: dict[str, set[int]] = {table.full_name: {row for _, row in found.roots}} if found.roots else {}
    reached: dict[str, set[int]] = {name: set(rows) for name, rows in fresh.items()}
    order = {f"marts.{name}": -number for number, name in enumerate(all_marts())}
    while fresh:
        # The mart built last goes first: all ways into a table are walked before the ways out of it, so one visit does.
        name = min(fresh, key=lambda full: order.get(full, 1))
        rows = fresh.pop(name)
        if name.startswith("core."):
            continue
        for parent, child in _below(connection, name, rows, as_of):
            found.children.setdefault(parent, []).append(child)
            if child[1] not in reached.setdefault(child[0], set()):
                reached[child[0]].add(child[1])
                fresh.setdefault(child[0], set()).add(child[1])
    for name, rows in reached.items():
        found.rows.update(_rows(connection, name, rows))
    for node, children in found.children.items():
        found.children[node] = sorted(dict.fromkeys(children), key=lambda child: _order(found, child))
    found.documents = _documents(connection)
    return found


def _asked(connection: Connection, table: Table, where: str) -> list[int]:
    """Row numbers that meet the condition, in the order of the key."""
    keys = sqltext.identifiers(table.key)
    # The condition ends with a line of its own, so that a comment in it ends too.
    condition = f" WHERE (\n{where}\n)" if where.strip() else ""
    try:
        asked = reading.reads(connection, f"SELECT rowid FROM {table.full_name}{condition} ORDER BY {keys}, rowid")
        if len(asked) != 1:
            raise UsageError(f"--where {where}: this is more than a condition; write it as in a WHERE clause.")
        return [row for (row,) in reading.execute(connection, asked[0]).fetchall()]
    except reading.NotSQL as error:
        columns = ", ".join(table.names)
        raise UsageError(
            f"--where {where}: {error.said}\nIt must be an SQL condition on the columns of {table.full_name}: "
            f"{columns}. For example: --where \"{table.key[0]} = '...'\""
        ) from None


def as_of_date(connection: Connection) -> date:
    """The date that the published answer is as of: what became public later is behind none of its figures."""
    found = connection.execute("SELECT as_of FROM provenance.runs ORDER BY started_at DESC LIMIT 1").fetchone()
    return found[0] if found else date.max


def _below(connection: Connection, name: str, rows: set[int], as_of: date) -> Iterator[tuple[Node, Node]]:
    """Every step down from some rows of a mart: one query for each declared way."""
    mart = all_marts()[name.partition(".")[2]]
    for trace in mart.traces:
        sql = step_by_ids(name, trace) if trace.ids else _step_by_condition(name, mart, trace, as_of)
        for parent, child in connection.execute(sql, [sorted(rows)]).fetchall():
            if (name, parent) != (trace.table, child):
                yield (name, parent), (trace.table, child)


def rows_that_count(mart: Mart, trace: Trace, as_of: date) -> str:
    """Which rows of a trace's table may stand behind a mart as of a date, as an SQL condition on them."""
    if not trace.table.startswith("core."):
        return "true"
    known = f"known_on <= DATE {sqltext.literal(as_of)}"
    return known if mart.name in HEARSAY_ENTERS else f"{known} AND grade <> 'D'"


def _step_by_condition(name: str, mart: Mart, trace: Trace, as_of: date) -> str:
    bounds = rows_that_count(mart, trace, as_of)
    return (
        f"SELECT m.__row, t.__row FROM (SELECT *, rowid AS __row FROM {name} WHERE rowid IN (SELECT unnest(?))) AS m, "
        f"(SELECT *, rowid AS __row FROM {trace.table} WHERE {bounds}) AS t WHERE ({trace.condition})"
    )


def step_by_ids(name: str, trace: Trace) -> str:
    """A query of the pairs of rows, of a mart and of the facts that its column of ids lists; its parameter is the mart's rows."""
    return (
        f"SELECT m.__row, t.rowid FROM (SELECT rowid AS __row, unnest({sqltext.identifier(trace.ids)}) AS {FACT_ID} "
        f"FROM {name} WHERE rowid IN (SELECT unnest(?))) AS m JOIN {trace.table} AS t USING ({FACT_ID})"
    )


def _rows(connection: Connection, name: str, rows: Iterable[int]) -> dict[Node, dict[str, Any]]:
    found = connection.execute(f"SELECT rowid, * FROM {name} WHERE rowid IN (SELECT unnest(?))", [sorted(rows)])
    columns = [column for column, *_ in found.description][1:]
    return {(name, row): dict(zip(columns, cells, strict=True)) for row, *cells in found.fetchall()}


def _documents(connection: Connection) -> dict[tuple[str, str], dict[str, Any]]:
    found = connection.execute("SELECT sha256, source, name, url FROM provenance.documents")
    return {(sha256, source): {"name": name, "url": url} for sha256, source, name, url in found.fetchall()}


def _order(found: Traced, node: Node) -> tuple[Any, ...]:
    row = found.rows[node]
    key = tuple((row[name] is not None, row[name]) for name in traceable()[node[0]].key)
    return (is_fact(node), node[0], key, node[1])


def _key(found: Traced, node: Node) -> str:
    return " ".join(str(found.rows[node][name]) for name in traceable()[node[0]].key)


def _place(found: Traced, node: Node) -> str:
    return f"{node[0]} {_key(found, node)}"


def described(found: Traced, node: Node, way: list[Node]) -> dict[str, Any]:
    """One fact as a flat object: what leads to it, its own columns, and where it was read."""
    row = found.rows[node]
    document = found.documents.get((row["document_sha256"], row["source"]), {})
    return {
        "traced": _place(found, way[0]),
        "path": " > ".join(_place(found, step) for step in way),
        "table": node[0],
        "key": _key(found, node),
        **{name: value for name, value in row.items() if name not in PROVENANCE_NAMES},
        **{name: row[name] for name in PROVENANCE_NAMES},
        "document_name": document.get("name"),
        "document_url": document.get("url"),
        "document_path": str(archive.path_of(Path("raw"), row["document_sha256"])),
    }


def formulas(found: Traced, root: Node) -> dict[str, str]:
    """How the figures of a row came about, by column: the formula in words and symbols, and its section of the method."""
    row = found.rows[root]
    return {
        column.name: "; ".join(formula.said for formula in column.formula.for_row(row))
        for column in traceable()[root[0]].columns
        if column.formula is not None and row[column.name] is not None
    }
