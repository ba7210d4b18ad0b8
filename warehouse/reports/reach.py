"""The facts behind thousands of rows of marts at once: which row of `core` is behind which of them, by any way.

`lineage.follow` shows one answer's whole tree. The report opens thousands of rows, and a tree for each would take
minutes. Here only what is reached is kept, as pairs of numbers in frames. Each way that a mart declares is walked once
for all rows that were reached in it. The marts built last go first. Then the facts are handed up
again. Rows that a way cannot tell apart (sixty days of one firm's path are made of the same prices) walk it once.

The entries of `marts.assumptions` are an end like the facts: they are what a row takes for granted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from graphlib import TopologicalSorter

import polars as pl

from warehouse import sqltext
from warehouse.database.connection import Connection
from warehouse.marts import all_marts
from warehouse.marts.common.mart import Mart, Trace
from warehouse.reports.lineage import as_of_date, rows_that_count, step_by_ids

ASSUMPTIONS = "marts.assumptions"
_OF_MART = re.compile(r'\bm\.("[^"]+"|\w+)')
PAIR = pl.Schema({"row": pl.UInt32(), "below": pl.UInt32()})


@dataclass
class Reach:
    """What is behind the rows asked for, by the name of the mart.

    `facts[mart][table]` pairs rows of the mart with rows of `core` (or of `marts.assumptions`) by any way;
    `inputs[mart][table]` pairs them with the rows of marts that they take directly. Rows are row numbers.
    """

    facts: dict[str, dict[str, pl.DataFrame]] = field(default_factory=dict)
    inputs: dict[str, dict[str, pl.DataFrame]] = field(default_factory=dict)


def reach(connection: Connection, wanted: Mapping[str, Iterable[int]]) -> Reach:
    """Everything behind some rows of marts, by the mart's name without its schema."""
    marts = _in_order()
    as_of = as_of_date(connection)
    reached = {name: set(rows) for name, rows in wanted.items()}
    edges: dict[str, dict[str, pl.DataFrame]] = {}
    for name in reversed(marts):
        edges[name] = {}
        fresh = reached.get(name, set())
        # A mart may rest on its own rows (the sum of companies on each of them): these go down a second time.
        while fresh:
            own: set[int] = set()
            for table, pairs in _steps(connection, marts[name], fresh, as_of):
                if table == f"marts.{name}":
                    own |= set(pairs["below"].to_list()) - reached[name]
                elif table.startswith("marts."):
                    reached.setdefault(table.partition(".")[2], set()).update(pairs["below"].unique().to_list())
                edges[name][table] = pl.concat([edges[name].get(table, pl.DataFrame(schema=PAIR)), pairs])
            reached[name] |= own
            fresh = own
    return _handed_up(marts, edges)


def _in_order() -> dict[str, Mart]:
    """Every mart, each after those that its traces lead to (which need not be those that it is built from)."""
    marts = all_marts()
    below = {
        name: {t.table.partition(".")[2] for t in mart.traces if t.table.startswith("marts.")} - {name}
        for name, mart in marts.items()
    }
    return {name: marts[name] for name in TopologicalSorter(below).static_order()}


def _handed_up(marts: Mapping[str, Mart], edges: Mapping[str, Mapping[str, pl.DataFrame]]) -> Reach:
    found = Reach()
    for name in marts:
        parts: dict[str, list[pl.DataFrame]] = {}
        for table, pairs in edges[name].items():
            if table.startswith("core.") or table == ASSUMPTIONS:
                parts.setdefault(table, []).append(pairs)
            if table.startswith("marts.") and table != f"marts.{name}":
                for below, facts in found.facts[table.partition(".")[2]].items():
                    parts.setdefault(below, []).append(_through(pairs, facts))
        found.inputs[name] = {t: p.unique() for t, p in edges[name].items() if t.startswith("marts.") and p.height}
        # Each way gives a pair once, so only what several ways give is made distinct.
        found.facts[name] = {t: each[0] if len(each) == 1 else pl.concat(each).unique() for t, each in parts.items()}
        of_own = edges[name].get(f"marts.{name}")
        if of_own is not None and of_own.height:
            for _ in range(2):  # own rows that rest on own rows
                found.facts[name] = {
                    table: pl.concat([facts, _through(of_own, facts)]).unique()
                    for table, facts in found.facts[name].items()
                }
    return found


def _through(pairs: pl.DataFrame, facts: pl.DataFrame) -> pl.DataFrame:
    joined = pairs.join(facts, left_on="below", right_on="row", how="inner", suffix="_fact")
    return joined.select("row", pl.col("below_fact").alias("below")).unique()


def _steps(connection: Connection, mart: Mart, rows: Iterable[int], as_of: date) -> Iterable[tuple[str, pl.DataFrame]]:
    """Every step down from some rows of a mart: the table reached, and the pairs of rows."""
    for trace in mart.traces:
        if trace.ids:
            sql = f"SELECT DISTINCT row, below FROM ({step_by_ids(f'marts.{mart.name}', trace)}) AS pair(row, below)"
        else:
            sql = _by_condition(mart, trace, as_of)
        pairs = connection.execute(sql, [sorted(rows)]).pl().cast(PAIR)
        if trace.table == f"marts.{mart.name}":
            pairs = pairs.filter(pl.col("row") != pl.col("below"))
        yield trace.table, pairs


def _by_condition(mart: Mart, trace: Trace, as_of: date) -> str:
    """The rows of a table for each row of a mart; rows that are alike in all that the condition reads ask once."""
    bounds = rows_that_count(mart, trace, as_of)
    read = list(dict.fromkeys(name.strip('"') for name in _OF_MART.findall(trace.condition)))
    asked = f"(SELECT rowid AS row, * FROM marts.{mart.name} WHERE rowid IN (SELECT unnest(?)))"
    columns = sqltext.identifiers(read) if read else "1 AS nothing"
    grouped = f"SELECT list(row) AS __rows, {columns} FROM {asked} GROUP BY {', '.join(map(str, range(2, 2 + max(len(read), 1))))}"
    return (
        f"SELECT unnest(__rows) AS row, below FROM (SELECT m.__rows, t.__row AS below FROM ({grouped}) AS m, "
        f"(SELECT *, rowid AS __row FROM {trace.table} WHERE {bounds}) AS t WHERE ({trace.condition}))"
    )
