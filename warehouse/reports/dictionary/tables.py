"""What a table or view is: its grain, its columns with the values they take, what not to add up, queries to start from.

An analyst who sees a column `cost_scope` must learn from the program what `final_run_rental` means, and not from its
code. All of it is declared with the tables and in the files of the views. Here it is put together for each name that a
query can use: `overbuild sql --describe`, assistants, the site and the data dictionary show the same.

A bare name of a table of facts is its view of current rows, as in a query. With its schema it is the table itself, in
which several rows may speak of one thing.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

from warehouse import sqltext
from warehouse.database import views
from warehouse.database.connection import ALIAS, Connection, in_memory
from warehouse.errors import UsageError
from warehouse.marts import all_marts
from warehouse.tables import CORE, SYSTEM
from warehouse.tables.guide import Guide
from warehouse.tables.table import DUCKDB_TYPES, GRADE_AND_REASON, PROVENANCE, Column, Table

Kind = Literal["view", "answer", "facts", "record"]
USE: Mapping[str, str] = views.USES
"""What each kind is for, in words; in the order in which a reader needs them."""
SHARED = {column.name for column in (*PROVENANCE, *GRADE_AND_REASON)}
"""Columns that every fact or every answer has."""
_VALUE = re.compile(r"([\w ]+) \(([^()]+)\)(?:; |$)")
_WITH_VALUES = re.compile(r"(?P<meaning>[^:]+): (?P<values>(?:[\w ]+ \([^()]+\)(?:; |$)){2,})")
_TYPES = {name: kind for kind, name in DUCKDB_TYPES.items()} | {
    "TIMESTAMP WITH TIME ZONE": "time",
    "INTEGER": "integer",
}


@dataclass(frozen=True)
class ColumnWords:
    """A column: `type` is text, texts, integer, real, date, time, flag or json. `unit` is empty where there is none.

    `values` are those that it takes, with what each means; empty where any value may stand there. `formula` is how a
    computed figure comes about.
    """

    name: str
    type: str
    unit: str
    meaning: str
    values: Mapping[str, str]
    formula: str = ""


@dataclass(frozen=True)
class TableWords:
    """A table or view. `name` is how a query names it; `do_not_sum` is empty where every sum is right.

    `examples` are queries by the question that each answers. `key` are the columns that name what a row speaks of; empty
    for a view.
    """

    name: str
    kind: Kind
    meaning: str
    grain: str
    do_not_sum: str
    columns: tuple[ColumnWords, ...]
    examples: Mapping[str, str]
    key: tuple[str, ...] = ()

    @property
    def own_columns(self) -> tuple[ColumnWords, ...]:
        """Its columns without those that every fact or every answer has; of a view or a record, all of them."""
        whole = self.kind in ("view", "record")
        return tuple(column for column in self.columns if whole or column.name not in SHARED)


def describe(name: str) -> TableWords:
    """What a table or view is, by the name that a query gives it (`capex`, `stock_prices`, `core.stock_prices`).

    Raises UsageError for a name that there is not, with the names that look like it.
    """
    wanted = name.strip().strip(";").lower().removeprefix(f"{ALIAS}.").removeprefix("main.")
    # Importing the marts takes a second, and facts and records are declared elsewhere.
    if (table := _named(wanted, [*CORE.values(), *SYSTEM.values()])) is None:
        if wanted in (made := _views()):
            return made[wanted]
        table = _named(wanted, _answers())
    if table is None:
        everything = [*names(), *(table.full_name for table in (*CORE.values(), *_answers()))]
        near = difflib.get_close_matches(wanted, everything, n=3, cutoff=0.5)
        hint = f"Did you mean {', '.join(near)}?" if near else "`overbuild sql 'from contents'` lists them."
        raise UsageError(f"{name}: there is no such table or view. {hint}")
    return _words(table, table.own_guide if "." in wanted else table.guide, wanted)


def _named(name: str, tables: Iterable[Table]) -> Table | None:
    return next((table for table in tables if name in (table.name, table.full_name)), None)


def names() -> tuple[str, ...]:
    """Every name that a query can use, in the order in which a reader needs them."""
    answers = sorted(table.name for table in _answers())
    records = sorted((table.full_name for table in SYSTEM.values()), key=lambda full: (full.split(".")[0], full))
    return ("contents", *(name for name in _views() if name != "contents"), *answers, *sorted(CORE), *records)


def _answers() -> list[Table]:
    return [mart.table for mart in all_marts().values()]


def _words(table: Table, guide: Guide, name: str) -> TableWords:
    kinds: dict[str, Kind] = {"core": "facts", "marts": "answer", "quality": "record", "provenance": "record"}
    return TableWords(
        name=name,
        kind=kinds[table.schema],
        meaning=table.meaning,
        grain=guide.grain,
        do_not_sum=guide.do_not_sum,
        columns=tuple(map(_column, table.columns)),
        examples=guide.examples,
        key=table.key,
    )


def _column(column: Column) -> ColumnWords:
    return ColumnWords(column.name, column.type, column.unit, column.meaning, column.values, formula_of(column))


def formula_of(column: Column) -> str:
    """How a computed figure comes about, in words and symbols; empty where it is not computed."""
    if (formula := column.formula) is None:
        return ""
    said = f"{formula.words}: `{formula.in_symbols()}`" if formula.symbols else formula.words
    return f"{said} (method {formula.method})" if formula.method else said


@cache
def _views() -> dict[str, TableWords]:
    """The views of `sql/views/` by name. Their columns are those that the database finds, on empty tables."""
    tables = [*CORE.values(), *SYSTEM.values(), *_answers()]
    schemas = "".join(f"CREATE SCHEMA {schema};" for schema in dict.fromkeys(table.schema for table in tables))
    made = [table.ddl()[0] for table in tables]
    made += [f"CREATE VIEW main.{table.name} AS FROM {table.full_name}" for table in CORE.values()]
    statements = views.statements()
    statements.append(views.contents(statements, _answers()))
    with in_memory() as database:
        database.execute(schemas + ";".join([*made, *(each.strip().rstrip(";") for each in statements)]))
        declared = views.tables_by_name(_answers())
        return {views.name_of(each): _view(database, each, declared) for each in statements}


def _view(database: Connection, statement: str, declared: Mapping[str, Table]) -> TableWords:
    name, guide = views.name_of(statement), views.guide_of(statement)
    columns = views.columns_of(statement, declared)
    found = database.execute(
        "SELECT column_name, data_type, comment FROM duckdb_columns() WHERE schema_name = 'main' "
        f"AND table_name = {sqltext.literal(name)} ORDER BY column_index"
    ).fetchall()
    return TableWords(
        name=name,
        kind="view",
        meaning=views.opening_of(statement),
        grain=guide.grain,
        do_not_sum=guide.do_not_sum,
        columns=tuple(
            _column(columns[column]) if comment is None else _said_by_its_file(column, kind, comment, columns)
            for column, kind, comment in found
        ),
        examples=guide.examples,
    )


def _said_by_its_file(name: str, kind: str, comment: str, declared: Mapping[str, Column]) -> ColumnWords:
    """A column that a view makes itself, as its file explains it: the meaning, and the unit in brackets behind it.

    Values with their meanings stand there as in every comment of the warehouse (`Column.explained`). A column that the file
    explains anew has the values that its table declares.
    """
    meaning, _, unit = comment.removesuffix("]").rpartition(" [") if comment.endswith("]") else (comment, "", "")
    values: Mapping[str, str] = {}
    if said := _WITH_VALUES.fullmatch(meaning):
        meaning, values = said["meaning"], dict(_VALUE.findall(said["values"]))
    elif name in declared:
        values = declared[name].values
    return ColumnWords(name, _TYPES.get(kind, kind.lower()), unit, meaning, values)
