"""What changed between two published answers: verdicts, figures and rows, and the facts behind a changed verdict.

An answer that is made again every day is read for what is new in it. Two warehouses are compared mart by mart. Rows are
matched by the key that each mart declares, and their figures compared column by column. Prose is left out: it is worded
from the figures, so it changes where they do, and a new wording is no news. So is the list of facts behind a row.

A changed verdict asks "why?". Its trace is followed in the later warehouse, and those facts are shown that the earlier
one did not hold. Where no such fact is found, the program or its assumptions changed, which the runs say of themselves.

The two warehouses are attached to one connection (`warehouse.database.releases.comparing`), and SQL compares them. A mart
may have 50,000 rows, and nearly all of them are the same.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from warehouse import sqltext
from warehouse.database.connection import Connection
from warehouse.database.releases import AFTER, BEFORE
from warehouse.marts import all_marts
from warehouse.marts.common.mart import Mart
from warehouse.reports.lineage import Node, Traced, follow, is_fact, named, traceable
from warehouse.tables.runs import newest_published
from warehouse.tables.table import FACT_ID, FACT_IDS, PROVENANCE, Column, Table

SAME_TO = 1e-9
"""Two figures that differ by less than this share of the larger one are the same: the last bits are the processor's."""

COLUMNS = (
    "kind", "table_name", "key", "column_name", "unit", "change", "before", "after", "difference", "change_share",
    "rows", "behind", "about", "known_on", "fact_id", "citation", "reason",
)  # fmt: skip
"""What a row of a comparison says; `Comparison.rows` explains each kind."""

VERDICT, CONDITIONS = "marts.verdict", "marts.verdict_conditions"
AS_OF = "as_of"
# Of a row, besides its key and prose: reasons are compared by their codes.
REASONS, REASON = "reasons", "reason"
# A column that stands for a row of core where its first figure does not.
STANDS_FOR_A_FACT = ("close", "value_usd", "value", "usd_per_gpu_hour")
# What a fact is about, in the words of its own row: so many of its texts, and none longer.
MOST_WORDS, SHORT_WORDS = 4, 40
LONG_WORDS = ("note", "confidence", "statement")
MADE_WITH = ("overbuild", "program_sha256", "assumptions_sha256", "polars", "numpy", "scipy")
_NUMBERS = ("integer", "real")

Row = dict[str, Any]


# -- the SQL ----------------------------------------------------------------------------------------------------------


def compared(mart: Mart, before: Sequence[str], after: Sequence[str]) -> list[Column]:
    """The columns of a mart whose values are compared: those on both sides that are no key, prose, lineage or date of
    the answer."""
    lineage = {trace.ids for trace in mart.traces if trace.ids} | {FACT_IDS.name}
    both = set(before) & set(after)
    left_out = {*mart.table.key, *lineage, AS_OF, REASON}
    return [column for column in mart.table.columns if column.name in both - left_out and not column.prose]


def matching(table: Table, ignore: Sequence[str] = ()) -> list[str]:
    """The columns of the key by which rows of the two sides are matched."""
    return [name for name in table.key if name not in ignore]


def differences_sql(
    table: Table, columns: Sequence[Column], key: Sequence[str], before: str = BEFORE, after: str = AFTER
) -> str:
    """A query for what differs in a table: a row for each new or removed row, and one for each figure that changed.

    It gives table_name, key (JSON), column_name (null for a whole row), change (`new`, `removed` or `changed`), before
    and after (as text), before_value and after_value (numbers), and reason (in words, where no figure is left).
    """
    names = [sqltext.identifier(name) for name in key]
    matched = " AND ".join(f"a.{name} IS NOT DISTINCT FROM b.{name}" for name in names)
    whole = [(sqltext.literal(name), sqltext.identifier(name)) for name in table.key]
    keys = ", ".join(f"{said}, coalesce(a.{name}, b.{name})" for said, name in whole)
    differ = [_differ(column) for column in columns]
    both = "a.__here AND b.__here"
    cells = ", ".join(_cell(column, differs) for column, differs in zip(columns, differ, strict=True))
    changed = f"CASE WHEN {both} THEN [c FOR c IN [{cells}] IF c.differs] END" if columns else "NULL"
    wanted = " OR ".join(["a.__here IS NULL", "b.__here IS NULL", *differ])
    return f"""
        WITH found AS (
          SELECT CAST(json_object({keys}) AS VARCHAR) AS key, a.__here AS has_after, b.__here AS has_before,
            a.reason AS reason, {changed} AS cells
          FROM (SELECT *, true AS __here FROM {after}.{table.full_name}) AS a
          FULL JOIN (SELECT *, true AS __here FROM {before}.{table.full_name}) AS b ON {matched}
          WHERE {wanted})
        SELECT {sqltext.literal(table.full_name)} AS table_name, key, NULL AS column_name,
          if(has_before IS NULL, 'new', 'removed') AS change, NULL AS before, NULL AS after,
          CAST(NULL AS DOUBLE) AS before_value, CAST(NULL AS DOUBLE) AS after_value, NULL AS reason
        FROM found WHERE has_after IS NULL OR has_before IS NULL
        UNION ALL
        SELECT {sqltext.literal(table.full_name)}, key, c.name, 'changed', c.before, c.after, c.before_value, c.after_value,
          if(c.after IS NULL, reason, NULL)
        FROM (SELECT key, reason, unnest(cells) AS c FROM found WHERE has_after AND has_before)"""


def _differ(column: Column) -> str:
    a, b = (_value(column, side) for side in "ab")
    distinct = f"{a} IS DISTINCT FROM {b}"
    if column.type != "real":
        return f"({distinct})"
    return f"({distinct} AND NOT coalesce(abs({a} - {b}) <= {SAME_TO} * greatest(abs({a}), abs({b})), false))"


def _value(column: Column, side: str) -> str:
    name = sqltext.identifier(column.name, side)
    if column.name == REASONS:
        return f"to_json(list_sort([json_extract_string(r, '$.reason_code') FOR r IN {name}]))"
    return f"to_json({name})" if column.type == "texts" else name


def _cell(column: Column, differs: str) -> str:
    number = {side: sqltext.identifier(column.name, side) if column.type in _NUMBERS else "NULL" for side in "ab"}
    return (
        f"{{'name': {sqltext.literal(column.name)}, 'differs': {differs}, "
        f"'before': CAST({_value(column, 'b')} AS VARCHAR), 'after': CAST({_value(column, 'a')} AS VARCHAR), "
        f"'before_value': CAST({number['b']} AS DOUBLE), 'after_value': CAST({number['a']} AS DOUBLE)}}"
    )


# -- the comparison ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Run:
    """A published run as it says of itself."""

    run_id: str
    as_of: date
    source: str
    versions: Mapping[str, Any]


class Comparison:
    """Two warehouses on one connection under `before` and `after`; `marts` limits what is compared (to nothing where it is empty).

    Raises ValueError where one of them records no run.
    """

    def __init__(
        self, connection: Connection, *, before: str = BEFORE, after: str = AFTER, marts: Sequence[str] | None = None
    ) -> None:
        self._connection, self._before, self._after = connection, before, after
        self._marts = [mart for name, mart in all_marts().items() if marts is None or name in marts]
        self.runs = (_run(connection, before), _run(connection, after))
        self.compared: set[str] = set()
        self.not_compared: list[str] = []
        self._held = {side: _columns(connection, side) for side in (before, after)}
        connection.execute(f"CREATE OR REPLACE TEMP TABLE differences AS {_EMPTY}")
        # The mart built last is nearest to the answer, so it comes first.
        for place, mart in enumerate(reversed(self._marts)):
            self._fill(place, mart)

    def _fill(self, place: int, mart: Mart) -> None:
        table = mart.table
        held = {side: self._held[side].get(table.full_name, []) for side in (self._before, self._after)}
        needed = {*table.key, REASON}
        missing = [side for side, columns in held.items() if not needed.issubset(columns)]
        if missing:
            if held[self._before] or held[self._after]:
                self.not_compared.append(table.full_name)
            return
        self.compared.add(table.full_name)
        key = matching(table, self._one_date(table))
        columns = compared(mart, held[self._before], held[self._after])
        sql = differences_sql(table, columns, key, self._before, self._after)
        self._connection.execute(f"INSERT INTO temp.differences SELECT {place}, * FROM ({sql})")

    def _one_date(self, table: Table) -> list[str]:
        """`as_of` where it is in the key and says no more than the run: one date on each side."""
        if AS_OF not in table.key:
            return []
        counts = [
            _one(self._connection, f"SELECT count(DISTINCT {AS_OF}) FROM {side}.{table.full_name}")
            for side in (self._before, self._after)
        ]
        return [AS_OF] if max(counts) <= 1 and len(table.key) > 1 else []

    # -- what is asked of it -----------------------------------------------------------------------------------------

    def rows(self, figures: int | None = None) -> Iterator[Row]:
        """The whole comparison as flat rows (`COLUMNS`), in the order in which a reader wants them.

        `kind` is `made_with` (the program or its assumptions changed), `verdict`, `condition` (one that turned), `fact`
        (new, and behind the changed verdict named in `behind`), `table` (how many `rows` of a mart are new, removed or
        changed; with `column_name` how many of its figures), `row` (a new or removed row) and `figure`. With `figures`
        only so many figures and rows are given, those that changed most of each mart first; a `change_share` is a
        fraction of the earlier value, and null where that was zero or unknown.
        """
        yield from self.made_with
        yield from self.verdicts
        yield from self.conditions
        yield from self.facts
        yield from self.tables
        yield from self.figures(figures)

    @cached_property
    def made_with(self) -> list[Row]:
        """What the two runs were made with, where it differs."""
        one, other = (run.versions for run in self.runs)
        return [
            _row("made_with", column_name=name, change="changed", before=one.get(name), after=other.get(name))
            for name in MADE_WITH
            if one.get(name) != other.get(name)
        ]

    @cached_property
    def verdicts(self) -> list[Row]:
        """Verdicts that changed, are new or are gone; the group's first, and of a scope its overall one first."""
        return self._of(VERDICT, "verdict", "verdict", "verdict")

    @cached_property
    def conditions(self) -> list[Row]:
        """Conditions that turned (held before and hold no more, the other way, or unknown now), of changed verdicts first."""
        rows = self._of(CONDITIONS, "holds", "condition", "CAST(holds AS VARCHAR)")
        # One that only says how far a figure is from turning holds neither way.
        turned = [row for row in rows if (row["before"], row["after"]) != (None, None)]
        changed = [row["key"].items() for row in self.verdicts]
        return sorted(turned, key=lambda row: not any(verdict <= row["key"].items() for verdict in changed))

    def _of(self, table: str, column: str, kind: str, value: str) -> list[Row]:
        """Rows of a table whose `column` changed, and rows that are new or removed with their value of it."""
        if table not in self.compared:
            return []
        key = traceable()[table].key
        names = ", ".join(f"{sqltext.literal(name)}, {sqltext.identifier(name)}" for name in key)
        sides = {
            side: f"(SELECT CAST(json_object({names}) AS VARCHAR) AS key, {value} AS value FROM {side}.{table})"
            for side in (self._before, self._after)
        }
        found = self._connection.execute(
            f"SELECT d.key, d.change, coalesce(d.before, b.value), coalesce(d.after, a.value) FROM temp.differences AS d "
            f"LEFT JOIN {sides[self._before]} AS b ON b.key = d.key AND d.change = 'removed' "
            f"LEFT JOIN {sides[self._after]} AS a ON a.key = d.key AND d.change = 'new' "
            f"WHERE d.table_name = '{table}' AND (d.column_name = '{column}' OR d.column_name IS NULL) "
            "ORDER BY d.key ->> '$.scope' <> 'ALL', d.key ->> '$.scope', d.key ->> '$.question' <> 'overall', d.key"
        ).fetchall()
        declared = traceable()[table].column(column)
        return [
            _row(
                kind,
                table_name=table,
                key=json.loads(k),
                column_name=column,
                change=change,
                before=typed(declared, b),
                after=typed(declared, a),
            )
            for k, change, b, a in found
        ]

    @cached_property
    def tables(self) -> list[Row]:
        """How many rows of each mart are new, removed or changed, and how many figures; marts without a change are left out."""
        found = self._connection.execute(
            "SELECT table_name, change, count(DISTINCT key), count(column_name) FROM temp.differences "
            "GROUP BY place, table_name, change ORDER BY place, change"
        ).fetchall()
        listed = []
        for table, change, rows, figures in found:
            listed.append(_row("table", table_name=table, change=change, rows=rows))
            if figures:
                listed.append(_row("table", table_name=table, column_name="*", change=change, rows=figures))
        return listed + [_row("table", table_name=name, change="not_comparable") for name in self.not_compared]

    def figures(self, limit: int | None = None) -> Iterator[Row]:
        """Rows that are new or removed, and figures that changed: of each mart the largest changes first.

        With `limit` marts take turns, so that one whose every figure moved does not hide the others.
        """
        order = "turn, place" if limit else "place, turn"
        cursor = self._connection.execute(
            "SELECT table_name, key, column_name, change, before, after, before_value, after_value, reason "
            "FROM (SELECT *, row_number() OVER (PARTITION BY place ORDER BY column_name IS NULL, "
            f"abs({_SHARE}) DESC NULLS LAST, key, column_name) AS turn FROM temp.differences) "
            f"ORDER BY {order}" + (f" LIMIT {limit}" if limit else "")
        )
        while batch := cursor.fetchmany(1000):
            for table, key, name, change, before, after, before_value, after_value, reason in batch:
                column = traceable()[table].column(name) if name else None
                numeric = column is not None and column.type in _NUMBERS
                yield _row(
                    "figure" if name else "row",
                    table_name=table,
                    key=json.loads(key),
                    column_name=name,
                    unit=column.unit or None if column else None,
                    change=change,
                    before=typed(column, before) if column else None,
                    after=typed(column, after) if column else None,
                    difference=_difference(before_value, after_value) if numeric else None,
                    change_share=_change_share(before_value, after_value) if numeric else None,
                    reason=reason,
                )

    @cached_property
    def facts(self) -> list[Row]:
        """Facts behind each changed verdict that the earlier warehouse did not hold.

        Those come first that a condition which turned rests on. A verdict of a later day rests on newer facts without
        having changed for them.
        """
        changed = [row["key"] for row in self.verdicts if row["change"] != "removed"]
        if not changed:
            return []
        new = self._new_facts()
        if not any(new.values()):
            return []
        condition = " OR ".join(_is(key) for key in changed)
        found = follow(self._connection, named(VERDICT), condition, limit=len(changed))
        turned = [row["key"] for row in self.conditions]
        return facts_behind(found, new, turned)

    def _new_facts(self) -> dict[str, set[str]]:
        """The `fact_id` of each fact, by table, that the later warehouse knows and the earlier did not."""
        then = sqltext.literal(self.runs[0].as_of)
        found: dict[str, set[str]] = {}
        for name, table in traceable().items():
            if name.startswith("core.") and FACT_ID in self._held[self._before].get(table.full_name, []):
                sql = (
                    f"SELECT {FACT_ID} FROM {self._after}.{name} WHERE {FACT_ID} NOT IN "
                    f"(SELECT {FACT_ID} FROM {self._before}.{name} WHERE known_on <= DATE {then})"
                )
                found[name] = {fact for (fact,) in self._connection.execute(sql).fetchall()}
        return found


def facts_behind(found: Traced, new: Mapping[str, set[str]], turned: Sequence[Row]) -> list[Row]:
    """The new facts among those reached from verdicts: `new` are their ids by table, `turned` keys of conditions.

    `behind` is the key of the verdict, with its `condition` where one that turned rests on the fact.
    """
    starts = [
        node for node in found.rows if node in found.roots or (node[0] == CONDITIONS and _key(found, node) in turned)
    ]
    above = _reached_from(found, starts)
    rows = []
    for node, row in found.rows.items():
        if is_fact(node) and row[FACT_ID] in new.get(node[0], ()):
            over = sorted(above[node])
            conditions_over = [_key(found, start) for start in over if start[0] == CONDITIONS]
            for verdict in (_key(found, start) for start in over if start in found.roots):
                conditions = sorted(key["condition"] for key in conditions_over if verdict.items() <= key.items())
                rows.append(_fact(node[0], row, verdict | ({"condition": conditions[0]} if conditions else {})))
    # Three figures of a filing tell more than 5,000 bars.
    count = Counter(row["table_name"] for row in rows)
    rows.sort(key=lambda row: (_verdict_order(row["behind"]), "condition" not in row["behind"], count[row["table_name"]],
                               row["table_name"], -row["known_on"].toordinal(), str(row["key"])))  # fmt: skip
    return rows


def _reached_from(found: Traced, starts: Sequence[Node]) -> dict[Node, set[Node]]:
    """For each row of a trace, which of `starts` lead to it, however long the way."""
    above: dict[Node, set[Node]] = {node: set() for node in found.rows}
    for start in starts:
        queue = [start]
        above[start].add(start)
        for node in queue:
            for child in found.children.get(node, ()):
                if start not in above[child]:
                    above[child].add(start)
                    queue.append(child)
    return above


def _fact(name: str, row: Mapping[str, Any], behind: Row) -> Row:
    table = traceable()[name]
    own = [column for column in table.columns if column not in PROVENANCE and column.name not in table.key]
    filled = [column for column in own if column.type in _NUMBERS and row[column.name] is not None]
    standing = [column for name in STANDS_FOR_A_FACT for column in filled if column.name == name]
    column = next(iter([*standing, *filled]), None)
    unit = row.get("unit") or (column.unit if column else None)
    words = [row[c.name] for c in own if c.type in ("text", "date") and c.name not in ("unit", *LONG_WORDS)]
    about = [str(word) for word in words if word not in (None, "") and len(str(word)) <= SHORT_WORDS]
    return _row(
        "fact",
        table_name=name,
        key={each: row[each] for each in table.key},
        column_name=column.name if column else None,
        unit=unit or None,
        about=" ".join(about[:MOST_WORDS]) or None,
        change="new",
        after=row[column.name] if column else None,
        behind=behind,
        **{each: row[each] for each in ("known_on", FACT_ID, "citation")},
    )


def _verdict_order(key: Row) -> tuple[Any, ...]:
    return (key["scope"] != "ALL", key["scope"], key["question"] != "overall", key["question"])


# -- small pieces -----------------------------------------------------------------------------------------------------

_EMPTY = """SELECT * FROM (VALUES (0, '', '', '', '', '', '', 0.0::DOUBLE, 0.0::DOUBLE, '')) AS t (place, table_name, key,
    column_name, change, before, after, before_value, after_value, reason) LIMIT 0"""
_SHARE = "(after_value - before_value) / nullif(before_value, 0)"


def _row(kind: str, **values: Any) -> Row:
    return {**dict.fromkeys(COLUMNS), "kind": kind, **values}


def _run(connection: Connection, side: str) -> Run:
    found = connection.execute(newest_published("run_id, as_of, source, versions", database=side)).fetchone()
    if found is None:
        raise ValueError(f"{side} records no published run")
    run_id, as_of, source, versions = found
    return Run(run_id, as_of, source, json.loads(versions))


def _columns(connection: Connection, side: str) -> dict[str, list[str]]:
    """The columns of each table of one side, by schema and name: DuckDB goes through all of them to find those of one."""
    found: dict[str, list[str]] = {}
    for name, column in connection.execute(
        "SELECT schema_name || '.' || table_name, column_name FROM duckdb_columns() WHERE database_name = "
        f"{sqltext.literal(side)} ORDER BY table_oid, column_index"
    ).fetchall():
        found.setdefault(name, []).append(column)
    return found


def _one(connection: Connection, sql: str) -> Any:
    row = connection.execute(sql).fetchone()
    return row[0] if row else None


def _is(key: Row) -> str:
    return "(" + " AND ".join(f"{sqltext.identifier(n)} = {sqltext.literal(v)}" for n, v in key.items()) + ")"


def _key(found: Traced, node: Node) -> Row:
    return {name: found.rows[node][name] for name in traceable()[node[0]].key}


def typed(column: Column, text: str | None) -> Any:
    """A value as its column has it: numbers as numbers, flags as flags, all else as text."""
    if text is None:
        return None
    match column.type:
        case "real":
            return float(text)
        case "integer":
            return int(text)
        case "flag":
            return text == "true"
        case _:
            return text


def _difference(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else after - before


def _change_share(before: float | None, after: float | None) -> float | None:
    """The change as a fraction of the size of the earlier value; null where that is zero or one of them is unknown."""
    return None if before is None or after is None or before == 0 else (after - before) / abs(before)
