"""`overbuild trace`: the facts behind a figure as a tree for a person, or one object for each fact."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from warehouse.cli import completion, lines, output
from warehouse.cli.options import AsOf, Form
from warehouse.cli.output import Format
from warehouse.cli.published import published
from warehouse.database import releases
from warehouse.database.limits import SECONDS, Limits, end_process
from warehouse.paths import WAREHOUSE
from warehouse.reports.lineage import (
    PROVENANCE_NAMES,
    Node,
    Row,
    Traced,
    described,
    follow,
    formulas,
    is_fact,
    named,
    traceable,
)
from warehouse.reports.values import readable
from warehouse.tables.table import Table

FEW = 3  # rows of one table that are shown one by one where the trace is folded
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


def trace(
    table: Annotated[
        str,
        typer.Argument(
            metavar="TABLE", help="A table of marts or core, such as marts.verdict.", autocompletion=completion.tables
        ),
    ],
    where: Annotated[
        str, typer.Option("--where", metavar="CONDITION", help="SQL condition on the table's columns: which rows.")
    ] = "",
    limit: Annotated[int, typer.Option(min=1, help="Rows of the table that are followed.")] = 25,
    everything: Annotated[bool, typer.Option("--all", help="Unfold: every step of the way down, as a tree.")] = False,
    as_of: AsOf = None,
    form: Form = Format.table,
    timeout: Annotated[float, typer.Option(metavar="SECONDS", help="Stop the condition after this time.")] = SECONDS,
) -> None:
    named(table)  # a wrong name is an error before a dated answer is made
    write(published(as_of), table, where, limit, form, everything=everything, limits=Limits(timeout))


def write(
    folder: Path,
    table: str,
    where: str,
    limit: int,
    form: Format,
    *,
    everything: bool = False,
    limits: Limits = Limits(),
) -> None:
    """Follow rows of a table down to `core` and write them: folded or as a tree, or one object for each fact (JSON, CSV)."""
    with releases.reading(folder / WAREHOUSE, limits) as connection:
        found = follow(connection, named(table), where, limit, limits, end_process)
    if not found.roots:
        sys.stderr.write(f"{named(table).full_name}: no row" + (f" where {where}" if where else "") + ".\n")
    if found.more:
        sys.stderr.write(
            f"Followed the first {len(found.roots)} of {len(found.roots) + found.more} rows; "
            "narrow --where, or raise --limit.\n"
        )
    if form is Format.table:
        if everything:
            _tree(found)
        else:
            lines.write(_folded_whole(found))
        return
    objects = []
    explained: set[Node] = set()
    for node, way in found.facts():
        # The formulas are the same for all facts behind a row, so the first of them has them.
        said = {} if way[0] in explained else formulas(found, way[0])
        explained.add(way[0])
        objects.append(
            described(found, node, way) | {"formulas": "\n".join(f"{name} {how}" for name, how in said.items()) or None}
        )
    columns = list(dict.fromkeys(name for one in objects for name in one))
    if form is Format.json:
        output.write_objects(objects)
    else:
        output.write(columns, [[one.get(name) for name in columns] for one in objects], form)


def _folded_whole(found: Traced) -> list[str]:
    """The rows asked for, a line each; how their figures are computed; then what they are made of, table by table."""
    out = [
        line for root in found.roots for line in lines.wrapped(_line(found, (root,), whole=len(found.roots) == 1), 2)
    ]
    said = {column: how for root in found.roots for column, how in formulas(found, root).items()}
    if said:
        out += ["", "How it is computed"]
        out += [line for column, how in said.items() for line in lines.wrapped(f"{column} {how}", 4, "  ")]
    asked = set(found.roots)
    below = [node for node in found.rows if node not in asked]
    out += _by_table(found, "Made of", [node for node in below if not is_fact(node)])
    facts = [node for node in below if is_fact(node)]
    out += _by_table(found, f"From {len(facts):,} fact{'' if len(facts) == 1 else 's'}", facts)
    if not found.roots:
        return out
    if not facts and not is_fact(found.roots[0]):
        out += ["", "No row of core is behind it."]
    return [*out, "", *_further(found, facts or found.roots, unfolds=bool(below))]


def _by_table(found: Traced, heading: str, nodes: list[Node]) -> list[str]:
    """Rows of each table: each by itself where they are few; else their number, the first and the last of them."""
    by_table: dict[str, list[Node]] = {}
    for node in nodes:
        by_table.setdefault(node[0], []).append(node)
    if not by_table:
        return []
    out = ["", heading]
    for of_table in by_table.values():
        of_table.sort(key=lambda node: _place(found, node))
        groups = [(node,) for node in of_table] if len(of_table) <= FEW else [tuple(of_table)]
        out += [line for group in groups for line in lines.wrapped(_line(found, group), 4, "  ")]
    return out


def _place(found: Traced, node: Node) -> list[tuple[bool, Any]]:
    """What orders the rows of a table: their key, unknown values last."""
    values = (found.rows[node][name] for name in traceable()[node[0]].key)
    return [(value is None, "" if value is None else value) for value in values]


def _further(found: Traced, facts: Sequence[Node], *, unfolds: bool) -> list[str]:
    """The next commands: each step of the way, and the line of the first fact in its document."""
    out = ["Every step of the way: --all; every fact: --format csv"] if unfolds else []
    row = found.rows[facts[0]]
    if is_fact(facts[0]):
        line = f"overbuild quality line {row['document_sha256'][:12]} {shlex.quote(row['locator'])}"
        out.append(lines.printable(f"A fact's line in its document: {line}"))
    return out


def _tree(found: Traced) -> None:
    from rich.tree import Tree

    shown: set[tuple[Node, ...]] = set()

    def grow(branch: Tree, children: Iterable[Node]) -> None:
        for nodes in _folded(found, list(children)):
            below = list(dict.fromkeys(child for node in nodes for child in found.children.get(node, ())))
            if nodes in shown and is_fact(nodes[0]):
                branch.add(_text(f"{_named(found, nodes)}  (see above)"))
                continue
            again = bool(below) and nodes in shown
            limb = branch.add(_text(_line(found, nodes) + ("  (its inputs: see above)" if again else "")))
            shown.add(nodes)
            if below and not again:
                grow(limb, below)

    for root in found.roots:
        tree = Tree(_text(_line(found, (root,), whole=True)))
        said = formulas(found, root)
        if said:
            tree.add(_text("\n".join(["how it is computed", *(f"{column} {how}" for column, how in said.items())])))
        shown.add((root,))
        grow(tree, found.children.get(root, ()))
        if not found.children.get(root) and not is_fact(root):
            tree.add(_text("no row of core is behind it"))
        output.write_tree(tree)


def _text(said: str) -> Any:
    from rich.text import Text

    return Text(lines.printable(said))


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
            groups.setdefault(found.rows[node][traceable()[name].key[0]], []).append(node)
        lines += map(tuple, groups.values()) if len(groups) <= GROUPS else [tuple(nodes)]
    return lines


def _named(found: Traced, nodes: tuple[Node, ...]) -> str:
    """One row by its key, or many by their number and what their keys span."""
    name = nodes[0][0]
    table = traceable()[name]
    first = found.rows[nodes[0]]
    if len(nodes) == 1:
        return f"{name}  " + ", ".join(f"{column} {readable(first[column])}" for column in table.key)
    same = [c for c in table.key if len({found.rows[node][c] for node in nodes}) == 1]
    spans = [f"{c} {readable(first[c])}" for c in same] + [
        f"{c} {readable(min(values))} to {readable(max(values))}"
        for c in table.key
        if c not in same and (values := [v for node in nodes if (v := found.rows[node][c]) is not None])
    ]
    return f"{name}  {len(nodes)} rows, {', '.join(spans)}"


def _line(found: Traced, nodes: tuple[Node, ...], *, whole: bool = False) -> str:
    """One row, or many as their number, first and last."""
    table = traceable()[nodes[0][0]]
    first, last = found.rows[nodes[0]], found.rows[nodes[-1]]
    said = _named(found, nodes)
    if len(nodes) == 1:
        said += f": {_figures(table, first)}"
    else:
        figure = _figure(table, [found.rows[node] for node in nodes])
        if figure:
            said += f": {figure} {readable(first[figure])} (first) to {readable(last[figure])} (last)"
    if is_fact(nodes[0]):
        return f"{said}\n{_where(found, nodes)}"
    grade = max((g for node in nodes if (g := found.rows[node].get("grade"))), default=None)
    said += f" [grade {grade}]" if grade else ""
    text = " ".join(filter(None, (first.get("headline"), first.get("statement")))) if whole else None
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
        value = row.get(column.name)  # a warehouse of an earlier version lacks columns that came later
        if value is None or column.name in (*table.key, *PROVENANCE_NAMES, "statement", "evidence"):
            continue
        if column.prose or column.type == "texts":
            continue
        if column.type in ("text", "json", "date"):
            if len(str(value)) <= LONGEST:
                words.append(f"{column.name} {readable(value)}")
        else:
            figures.append(f"{column.name} {readable(value)}")
    return ", ".join([*words[:WORDS], *figures[:FIGURES]])


def _figure(table: Table, rows: Sequence[Row]) -> str | None:
    """The column that stands for many rows: the one named below where the table has it, else its first figure."""
    filled = {c.name: c for c in table.columns if any(row.get(c.name) is not None for row in (rows[0], rows[-1]))}
    named = [name for name in STANDS_FOR_MANY if name in filled]
    figures = [name for name, c in filled.items() if c.type == "real" and name not in table.key]
    return next(iter([*named, *figures]), None)
