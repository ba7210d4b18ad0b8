"""From a figure to its inputs: the rows of `core` behind any row, and the documents they stand in.

A figure that cannot be followed to its source has to be believed, and this project asks nobody to believe. Each mart
declares how to find the rows behind its own (`Mart.traces`), so a trace is a query on what is published and never a
log of what was computed: it works on any published warehouse, however old, and on a dated one.

The way down is walked table by table: all rows reached in a mart go down together, with one query for each of its
declared ways, because a verdict rests on tens of thousands of price bars and a query for each row would take minutes.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from warehouse import archive, output, store
from warehouse.errors import UsageError
from warehouse.home import WAREHOUSE
from warehouse.marts import all_marts
from warehouse.output import Format, readable
from warehouse.tables import CORE
from warehouse.tables.table import PROVENANCE, Table

LIMIT = 25  # rows of the asked table that are followed, unless told otherwise
FOLDED_FROM = 6  # siblings of one table, from which they share a line
GROUPS = 8  # lines that folded siblings may take, one for each value of the first column of their key
WORDS, FIGURES = 5, 7  # columns shown of a row
LONGEST = 60  # characters of a text that is shown
STANDS_FOR_MANY = (
    "adj_close",
    "value_usd",
    "value",
    "usd_per_gpu_hour",
    "capex_usd",
    "abnormal_return",
    "training_flop",
)
HEARSAY_ENTERS = ("claim_check",)  # grade D is in no other mart (method 7)
_PROVENANCE = tuple(column.name for column in PROVENANCE)

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


def write(published: Path, table: str, where: str, limit: int, form: Format) -> None:
    """Follow rows of a table down to `core` and write them: a tree, or one object for each fact (JSON, CSV)."""
    with store.reading(published / WAREHOUSE) as connection:
        found = follow(connection, named(table), where, limit)
    if not found.roots:
        sys.stderr.write(f"{named(table).full_name}: no row" + (f" where {where}" if where else "") + ".\n")
    if found.more:
        sys.stderr.write(
            f"Followed the first {len(found.roots)} of {len(found.roots) + found.more} rows; "
            "narrow --where, or raise --limit.\n"
        )
    if form is Format.table:
        _tree(found)
        return
    objects = [described(found, node, way) for node, way in found.facts()]
    columns = list(dict.fromkeys(name for one in objects for name in one))
    if form is Format.json:
        output.write_objects(objects)
    else:
        output.write(columns, [[one.get(name) for name in columns] for one in objects], form)


def named(name: str) -> Table:
    """The table of a name: `marts.verdict`, `core.evidence`, or without a schema. Raises UsageError for another one."""
    known = _tables()
    asked = name.strip().lower()
    for full in (asked, f"marts.{asked}", f"core.{asked}"):
        if full in known:
            return known[full]
    near = difflib.get_close_matches(asked, [*known, *(full.partition(".")[2] for full in known)], n=3)
    raise UsageError(
        f"trace {name}: there is no such table of marts or core. "
        + (f"Did you mean {' or '.join(near)}?" if near else f"There are: {', '.join(sorted(known))}.")
    )


@cache
def _tables() -> dict[str, Table]:
    return {t.full_name: t for t in (*(m.table for m in all_marts().values()), *CORE.values())}


def is_fact(node: Node) -> bool:
    return node[0].startswith("core.")


def follow(connection: duckdb.DuckDBPyConnection, table: Table, where: str = "", limit: int = LIMIT) -> Traced:
    """The rows of `table` that meet a condition, and everything behind them.

    Raises UsageError where the condition is no SQL condition on the table's columns.
    """
    roots = [(table.full_name, row) for row in _asked(connection, table, where)]
    found = Traced(roots[:limit], len(roots) - len(roots[:limit]))
    as_of = _as_of(connection)
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


def _asked(connection: duckdb.DuckDBPyConnection, table: Table, where: str) -> list[int]:
    """Row numbers that meet the condition, in the order of the key."""
    keys = ", ".join(f'"{name}"' for name in table.key)
    # The condition ends with a line of its own, so that a comment in it ends too.
    sql = f"SELECT rowid FROM {table.full_name}" + (f" WHERE (\n{where}\n)" if where.strip() else "")
    try:
        if len(connection.extract_statements(sql)) != 1:
            raise UsageError(f"--where {where}: this is more than a condition; write it as in a WHERE clause.")
        return [row for (row,) in connection.execute(f"{sql} ORDER BY {keys}, rowid").fetchall()]
    except duckdb.Error as error:
        columns = ", ".join(table.names)
        raise UsageError(
            f"--where {where}: {str(error).strip()}\nIt must be an SQL condition on the columns of {table.full_name}: "
            f"{columns}. For example: --where \"{table.key[0]} = '...'\""
        ) from None


def _as_of(connection: duckdb.DuckDBPyConnection) -> date:
    """The date that the published answer is as of: what became public later is behind none of its figures."""
    found = connection.execute("SELECT as_of FROM provenance.runs ORDER BY started_at DESC LIMIT 1").fetchone()
    return found[0] if found else date.max


def _below(
    connection: duckdb.DuckDBPyConnection, name: str, rows: set[int], as_of: date
) -> Iterator[tuple[Node, Node]]:
    """Every step down from some rows of a mart: one query for each declared way."""
    mart = all_marts()[name.partition(".")[2]]
    for trace in mart.traces:
        fact = trace.table.startswith("core.")
        bounds = "true"
        if fact:
            bounds = f"known_on <= DATE '{as_of.isoformat()}'"
            bounds += "" if mart.name in HEARSAY_ENTERS else " AND grade <> 'D'"
        steps = connection.execute(
            f"SELECT m.__row, t.__row FROM (SELECT *, rowid AS __row FROM {name} WHERE rowid IN (SELECT unnest(?))) AS m, "
            f"(SELECT *, rowid AS __row FROM {trace.table} WHERE {bounds}) AS t WHERE ({trace.condition})",
            [sorted(rows)],
        ).fetchall()
        for parent, child in steps:
            if (name, parent) != (trace.table, child):
                yield (name, parent), (trace.table, child)


def _rows(connection: duckdb.DuckDBPyConnection, name: str, rows: Iterable[int]) -> dict[Node, dict[str, Any]]:
    found = connection.execute(f"SELECT rowid, * FROM {name} WHERE rowid IN (SELECT unnest(?))", [sorted(rows)])
    columns = [column for column, *_ in found.description][1:]
    return {(name, row): dict(zip(columns, cells, strict=True)) for row, *cells in found.fetchall()}


def _documents(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], dict[str, Any]]:
    found = connection.execute("SELECT sha256, source, name, url FROM provenance.documents")
    return {(sha256, source): {"name": name, "url": url} for sha256, source, name, url in found.fetchall()}


def _order(found: Traced, node: Node) -> tuple[Any, ...]:
    row = found.rows[node]
    key = tuple((row[name] is not None, row[name]) for name in _tables()[node[0]].key)
    return (is_fact(node), node[0], key, node[1])


def _key(found: Traced, node: Node) -> str:
    return " ".join(str(found.rows[node][name]) for name in _tables()[node[0]].key)


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
        **{name: value for name, value in row.items() if name not in _PROVENANCE},
        **{name: row[name] for name in _PROVENANCE},
        "document_name": document.get("name"),
        "document_url": document.get("url"),
        "document_path": str(archive.path_of(Path("raw"), row["document_sha256"])),
    }


# -- for people --------------------------------------------------------------------------------------------------------


def _tree(found: Traced) -> None:
    from rich.text import Text
    from rich.tree import Tree

    shown: set[tuple[Node, ...]] = set()

    def grow(branch: Tree, children: Iterable[Node]) -> None:
        for nodes in _folded(found, list(children)):
            below = list(dict.fromkeys(child for node in nodes for child in found.children.get(node, ())))
            again = bool(below) and nodes in shown
            limb = branch.add(Text(_line(found, nodes) + ("  (its inputs: see above)" if again else "")))
            if below and not again:
                shown.add(nodes)
                grow(limb, below)

    for root in found.roots:
        tree = Tree(Text(_line(found, (root,), whole=True)))
        shown.add((root,))
        grow(tree, found.children.get(root, ()))
        if not found.children.get(root) and not is_fact(root):
            tree.add(Text("no row of core is behind it"))
        output.write_tree(tree)


def _folded(found: Traced, children: list[Node]) -> list[tuple[Node, ...]]:
    """Siblings as lines: alone where they are few, together with those of their table where they are many."""
    lines: list[tuple[Node, ...]] = []
    by_table: dict[str, list[Node]] = {}
    for child in children:
        by_table.setdefault(child[0], []).append(child)
    for name, nodes in by_table.items():
        if len(nodes) < FOLDED_FROM:
            lines += [(node,) for node in nodes]
            continue
        groups: dict[Any, list[Node]] = {}
        for node in nodes:
            groups.setdefault(found.rows[node][_tables()[name].key[0]], []).append(node)
        lines += map(tuple, groups.values()) if len(groups) <= GROUPS else [tuple(nodes)]
    return lines


def _line(found: Traced, nodes: tuple[Node, ...], *, whole: bool = False) -> str:
    """One row, or many as their number, first and last."""
    name = nodes[0][0]
    table = _tables()[name]
    first, last = found.rows[nodes[0]], found.rows[nodes[-1]]
    if len(nodes) == 1:
        key = ", ".join(f"{column} {readable(first[column])}" for column in table.key)
        said = f"{name}  {key}: {_figures(table, first)}"
    else:
        same = [c for c in table.key if len({found.rows[node][c] for node in nodes}) == 1]
        spans = [f"{c} {readable(first[c])}" for c in same] + [
            f"{c} {readable(min(values))} to {readable(max(values))}"
            for c in table.key
            if c not in same and (values := [v for node in nodes if (v := found.rows[node][c]) is not None])
        ]
        said = f"{name}  {len(nodes)} rows, {', '.join(spans)}"
        figure = _figure(table, [found.rows[node] for node in nodes])
        if figure:
            said += f": {figure} {readable(first[figure])} (first) to {readable(last[figure])} (last)"
    if is_fact(nodes[0]):
        return f"{said}\n{_where(found, nodes)}"
    grade = max((g for node in nodes if (g := found.rows[node].get("grade"))), default=None)
    said += f" [grade {grade}]" if grade else ""
    text = first.get("statement") if whole else None
    return f"{said}\n{text}" if text else said


def _where(found: Traced, nodes: tuple[Node, ...]) -> str:
    """Where facts were read: citation, document, place in it, its hash."""
    rows = [found.rows[node] for node in nodes]
    citations = list(dict.fromkeys(row["citation"] for row in rows))
    more = f" and {len(citations) - 1} more" if len(citations) > 1 else ""
    grade, known = max(row["grade"] for row in rows), max(row["known_on"] for row in rows)
    places = []
    for sha256, source in dict.fromkeys((row["document_sha256"], row["source"]) for row in rows):
        at = sorted({row["locator"] for row in rows if row["document_sha256"] == sha256}, key=lambda a: (len(a), a))
        document = found.documents.get((sha256, source), {})
        lines = at[0] if len(at) == 1 else f"{at[0]} to {at[-1]}"
        places.append(f"{document.get('name', 'an unknown document')}, {lines} (raw/{sha256[:2]}/{sha256[:12]}...)")
    return f"grade {grade}, known on {known}; {citations[0]}{more}; {'; '.join(places[:2])}"


def _figures(table: Table, row: Row) -> str:
    """The filled columns of a row: words first, then figures, as many as a reader takes in."""
    words, figures = [], []
    for column in table.columns:
        value = row[column.name]
        if value is None or column.name in (*table.key, *_PROVENANCE, "reason", "statement", "evidence"):
            continue
        if column.type in ("text", "json", "date"):
            if len(str(value)) <= LONGEST:
                words.append(f"{column.name} {readable(value)}")
        else:
            figures.append(f"{column.name} {readable(value)}")
    return ", ".join([*words[:WORDS], *figures[:FIGURES]])


def _figure(table: Table, rows: Sequence[Row]) -> str | None:
    """The column that stands for many rows: the one named below where the table has it, else its first figure."""
    filled = {c.name: c for c in table.columns if any(row[c.name] is not None for row in (rows[0], rows[-1]))}
    named = [name for name in STANDS_FOR_MANY if name in filled]
    figures = [name for name, c in filled.items() if c.type == "real" and name not in table.key]
    return next(iter([*named, *figures]), None)
