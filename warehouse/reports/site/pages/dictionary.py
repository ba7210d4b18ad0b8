"""Every view, table and column in words, made from the declarations that the program itself runs on."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from warehouse.reports.dictionary.page import SECTIONS, full_name
from warehouse.reports.dictionary.questions import questions
from warehouse.reports.dictionary.tables import SHARED, ColumnWords, TableWords, describe, names
from warehouse.reports.site.blocks import Block, Code, Fold, Heading, Items, Shown, Strong, Table, Text
from warehouse.reports.site.page import Page, Reader

PAGE = Page(
    "dictionary.html",
    "Dictionary of the data",
    "Every view, table and column: what one row is, what not to add up, units, and what each allowed value means.",
    label="Dictionary",
    place=220,
)


def content(reader: Reader) -> Sequence[Block]:
    described = [describe(name) for name in names()]
    fact, answer = describe("core.companies"), describe("verdict")
    blocks: list[Block] = [
        Text(
            "Shares and returns are fractions, not per cent. Dates are those of the exchange or of the filing. Times are UTC.",
            style="lead",
        ),
        listed(reader, described),
        Heading("Ready questions"),
        Text(
            "Ask one with ",
            Code("overbuild sql --question NAME"),
            "; ",
            Code("--param NAME=VALUE"),
            " changes a parameter.",
        ),
        ready(),
        Heading("Columns of every fact and of every answer"),
        *columns("columns-of-every-fact", [column for column in fact.columns if column.name in SHARED]),
        *columns(
            "columns-of-every-answer", [column for column in answer.columns if column.name in ("reasons", "reason")]
        ),
    ]
    for kind, (title, _) in SECTIONS.items():
        blocks.append(Heading(title))
        blocks += [told(table) for table in described if table.kind == kind]
    return blocks


def listed(reader: Reader, described: Sequence[TableWords]) -> Table:
    rows = [
        {
            "table": table.name,
            "one_row": table.grain,
            "rows": reader.one(f"SELECT count(*) AS n FROM {table.name}").get("n"),
        }
        for table in described
        if table.kind != "record"
    ]
    return Table(
        "tables",
        "Every view and table",
        pl.DataFrame(rows, schema={"table": pl.String, "one_row": pl.String, "rows": pl.Int64}),
        (Shown("table", "Name"), Shown("rows", "Rows", "count", opens=""), Shown("one_row", "One row")),
    )


def ready() -> Table:
    rows = [
        {"name": each.name, "asks": each.asks, "parameters": ", ".join(p.name for p in each.parameters)}
        for each in questions().values()
    ]
    return Table(
        "questions",
        "",
        pl.DataFrame(rows, schema=dict.fromkeys(("name", "asks", "parameters"), pl.String)),
        (Shown("name", "Name"), Shown("asks", "Question"), Shown("parameters", "Parameters")),
    )


def told(table: TableWords) -> Fold:
    """A table behind a line that opens it: its grain, its warning, its columns and values, queries to start from."""
    blocks: list[Block] = [Text(table.grain, style="about")]
    if table.do_not_sum:
        blocks.append(Text(Strong("Do not sum"), f" {table.do_not_sum}"))
    blocks += columns(full_name(table).replace(".", "-").replace("_", "-"), table.own_columns)
    blocks.append(Items(*((f"{question} ", Code(sql)) for question, sql in table.examples.items())))
    return Fold(f"{full_name(table)}: {table.meaning}", blocks)


def columns(name: str, of: Sequence[ColumnWords]) -> list[Block]:
    rows = [{"name": each.name, "type": each.type, "unit": each.unit, "meaning": _with_formula(each)} for each in of]
    listed = Table(
        name,
        "",
        pl.DataFrame(rows, schema=dict.fromkeys(("name", "type", "unit", "meaning"), pl.String)),
        (Shown("name", "Column"), Shown("type", "Type"), Shown("unit", "Unit"), Shown("meaning", "Meaning")),
    )
    values = [
        (Code(each.name), ": ", Code(value), f" {meaning}")
        for each in of
        if each.name not in SHARED or name.startswith("columns-of-")
        for value, meaning in each.values.items()
    ]
    return [listed, Items(*values)] if values else [listed]


def _with_formula(column: ColumnWords) -> str:
    return f"{column.meaning}. Computed: {column.formula.replace('`', '')}" if column.formula else column.meaning
