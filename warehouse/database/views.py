"""The views of a warehouse: in `main` one row for each thing, the current one as of the date of the answer.

Whoever asks `select * from stock_prices` wants one bar for each day, not every bar that any source ever sent. Marts
select the same rows in Polars (`warehouse.marts.common.select_current`), by the same declared order. What such a view shows
is kept beside the facts (`current_rows`). What was current on another day a function gives: `from
stock_prices_as_of(DATE '2025-01-27')`. A mart is there under its bare name too (`select * from verdict`), in any
program that opens the file. The views of `sql/views/` put together what a reader asks for first.

Whoever lists the columns of a view of `sql/views/` must learn what they mean. Such a view has the comment that opens its
file, and each of its columns that of the table it comes from. What a view makes itself, its file explains (`COMMENT ON
COLUMN`). The other views are one table each and name it. Its columns say what they mean.

After its opening comment and an empty line, such a file says what a table says in its `Guide`:

    -- Grain: One row for each company and calendar year.
    -- Do not sum: quarters_known, which counts.
    -- Example: What did Microsoft spend in each year?
    --   select year, capex_usd from capex_by_year where ticker = 'MSFT'
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from importlib import resources
from pathlib import Path

from warehouse import sqltext
from warehouse.database import current_rows
from warehouse.database.connection import ALIAS
from warehouse.database.current_rows import Database
from warehouse.database.reading import AS_OF
from warehouse.database.store import Store
from warehouse.tables import CORE, SYSTEM
from warehouse.tables.guide import Guide
from warehouse.tables.table import Column, Table

_OPENING = re.compile(r"\A(?:-- .*\n)+")
_GUIDE = re.compile(r"^-- (Grain|Do not sum|Example): (.*(?:\n--  .*)*)", re.MULTILINE)
_NAME = re.compile(r"^CREATE OR REPLACE VIEW main\.(\w+)", re.MULTILINE)
_READ = re.compile(r"\b(?:core|marts|main|quality|provenance)\.\w+")


USES: Mapping[str, str] = {
    "view": "ask first",
    "answer": "answers",
    "facts": "facts",
    "record": "checks, documents and runs",
}
"""The kinds of tables, in the order in which a reader needs them."""


def create(store: Database, as_of: date, statements: Iterable[str] = (), answers: Iterable[Table] = ()) -> None:
    """For each table of `core` the view of its current rows as of a date, for each of the answers (marts) a view of its
    bare name, then the views of the given statements, these with what their columns mean."""
    answers, statements = tuple(answers), tuple(statements)
    statements = (*statements, contents(statements, answers))
    kept = current_rows.maintain(store, as_of)
    made = [_view_of(table, kept[name], "the current row of each thing in ") for name, table in CORE.items()]
    made += [_as_of(table) for table in CORE.values()]
    made += [_view_of(table, f"SELECT * FROM {table.full_name}") for table in answers]
    _together(store, [*made, *statements])
    known = tables_by_name(answers)
    _together(store, [sentence for statement in statements for sentence in _explained(store, statement, known)])


def contents(statements: Iterable[str], answers: Iterable[Table]) -> str:
    """The view that lists what can be asked, as the text of a file of `sql/views/`.

    `show tables` lists names by the alphabet, so that the few to start with drown among those for a second look.
    """
    listed = sorted((name_of(each), "view", opening_of(each), guide_of(each).grain) for each in statements)
    listed += sorted((table.name, "answer", table.meaning, table.guide.grain) for table in answers)
    listed += [(table.name, "facts", table.meaning, table.guide.grain) for _, table in sorted(CORE.items())]
    rows = ",\n  ".join(
        f"({place}, {sqltext.literals((USES[kind], name, grain, holds))})"
        for place, (name, kind, holds, grain) in enumerate(listed, start=1)
    )
    return f"""-- What can be asked, in the order to look at it: views for the usual questions, then the answers, then the facts.

-- Grain: One row for each view and table.
-- Example: What should I ask first?
--   select name, one_row, holds from contents where use = 'ask first'
-- Example: Where is something about leases?
--   select name, holds from contents where holds ilike '%lease%'
-- Example: How many names are there of each kind?
--   select use, count(*) as names from contents group by all order by min(place)
CREATE OR REPLACE VIEW main.contents AS
SELECT * FROM (VALUES
  {rows}
) AS listed (place, use, name, one_row, holds);
COMMENT ON COLUMN main.contents.place IS 'place in the list';
COMMENT ON COLUMN main.contents.use IS 'its kind: ask first (for usual questions); answers (computed); facts (what sources say)';
COMMENT ON COLUMN main.contents.name IS 'how a query names it';
COMMENT ON COLUMN main.contents.one_row IS 'what one row of it is';
COMMENT ON COLUMN main.contents.holds IS 'what it holds'
"""


def _together(store: Database, statements: Iterable[str]) -> None:
    """In one transaction: each by itself would be written to the disk by itself."""
    if wanted := [statement.strip().removesuffix(";") for statement in statements]:
        store.execute("BEGIN;\n" + ";\n".join(wanted) + ";\nCOMMIT")


def statements() -> list[str]:
    """The SQL of the views that put together what a reader asks for first: the files of `sql/views/`."""
    folder = Path(str(resources.files("sql"))) / "views"
    return [path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.sql"))]


def name_of(statement: str) -> str:
    """The name of the view that a statement of `sql/views/` makes."""
    return _NAME.findall(statement)[0]


def opening_of(statement: str) -> str:
    """What the view is: the comment that opens its file."""
    return " ".join(line.removeprefix("-- ") for line in _OPENING.findall(statement)[0].splitlines())


def guide_of(statement: str) -> Guide:
    """What the file of a view tells its reader."""
    said: dict[str, str] = {}
    examples: dict[str, str] = {}
    for kind, text in _GUIDE.findall(statement):
        first, *lines = (line.removeprefix("--").strip() for line in text.splitlines())
        if kind == "Example":
            examples[first] = " ".join(lines)
        else:
            said[kind] = " ".join([first, *lines])
    return Guide(said.get("Grain", ""), said.get("Do not sum", ""), examples)


def _view_of(table: Table, query: str, about: str = "") -> str:
    view = f"{ALIAS}.main.{table.name}"
    comment = sqltext.literal(table.guide.beside(f"{about}{table.full_name}: {table.meaning}"))
    return f"CREATE OR REPLACE VIEW {view} AS {query}; COMMENT ON VIEW {view} IS {comment}"


def _as_of(table: Table) -> str:
    query = current_rows.as_of_query(table, "CAST(day AS DATE)")
    return f"CREATE OR REPLACE MACRO {ALIAS}.main.{table.name}{AS_OF}(day) AS TABLE {query}"


def _explained(store: Database, statement: str, declared: Mapping[str, Table]) -> Iterator[str]:
    """SQL that says what a view of `sql/views/` is, and what those of its columns mean that its file does not explain."""
    view = f"{ALIAS}.main.{name_of(statement)}"
    yield f"COMMENT ON VIEW {view} IS {sqltext.literal(guide_of(statement).beside(opening_of(statement)))}"
    columns = columns_of(statement, declared)
    bare = store.execute(
        "SELECT column_name FROM duckdb_columns() WHERE database_name = current_database() AND schema_name = 'main' "
        f"AND table_name = {sqltext.literal(name_of(statement))} AND comment IS NULL"
    ).fetchall()
    for (name,) in bare:
        if name in columns:
            yield f"COMMENT ON COLUMN {view}.{sqltext.identifier(name)} IS {sqltext.literal(columns[name].comment)}"


def tables_by_name(answers: Iterable[Table]) -> Mapping[str, Table]:
    """The tables that a view may read, by the names that it gives them: in `main` are the current rows of `core`."""
    tables = (*CORE.values(), *SYSTEM.values(), *answers)
    return {table.full_name: table for table in tables} | {f"main.{table.name}": table for table in CORE.values()}


def columns_of(statement: str, declared: Mapping[str, Table]) -> Mapping[str, Column]:
    """The columns by name of the tables (by full name) that a view reads; of two tables with one column the first's."""
    read = tables_read(statement, declared)
    return {column.name: column for table in reversed(read) for column in table.columns}


def tables_read(statement: str, declared: Mapping[str, Table]) -> list[Table]:
    """The tables that a view reads, each once, in the order of its text."""
    return list(dict.fromkeys(declared[name] for name in _READ.findall(statement) if name in declared))


def drop_what_became_public_after(store: Store, as_of: date) -> None:
    """Drop from this copy the facts of later days, so that a reader of a dated warehouse cannot look ahead."""
    for table in CORE.values():
        store.execute(f"DELETE FROM {table.full_name} WHERE known_on > ?", [as_of])
