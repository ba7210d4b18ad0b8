"""Every table and column in words, made from the declarations that the program itself runs on."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from warehouse.marts import all_marts
from warehouse.reports.site.blocks import Block, Fold, Heading, Shown, Table, Text
from warehouse.reports.site.page import Page, Reader
from warehouse.tables import CORE, SYSTEM
from warehouse.tables import table as declared

PAGE = Page(
    "dictionary.html",
    "Dictionary of the data",
    "Every table and column: what it means, its unit and the values it allows.",
    label="Dictionary",
    place=220,
)
GROUPS = {
    "marts": "The answers",
    "core": "The facts",
    "quality": "What the checks found",
    "provenance": "Where it came from",
}


def content(reader: Reader) -> Sequence[Block]:
    tables = [*CORE.values(), *(mart.table for mart in all_marts().values()), *SYSTEM.values()]
    blocks: list[Block] = [
        Text(
            "Shares and returns are fractions, not per cent. Dates are those of the exchange or of the filing. Times are UTC.",
            style="lead",
        ),
        listed(reader, [table for table in tables if table.schema in ("marts", "core")]),
    ]
    for schema, title in GROUPS.items():
        blocks.append(Heading(title))
        blocks += [described(table) for table in sorted(tables, key=lambda t: t.name) if table.schema == schema]
    return blocks


def listed(reader: Reader, tables: Sequence[declared.Table]) -> Table:
    rows = [
        {
            "table": table.full_name,
            "meaning": table.meaning,
            "rows": reader.one(f"SELECT count(*) AS n FROM {table.full_name}").get("n"),
        }
        for table in sorted(tables, key=lambda table: (table.schema != "marts", table.name))
    ]
    return Table(
        "tables",
        "Every table",
        pl.DataFrame(rows, schema={"table": pl.String, "meaning": pl.String, "rows": pl.Int64}),
        (Shown("table", "Table"), Shown("rows", "Rows", "count", opens=""), Shown("meaning", "What it holds")),
    )


def described(table: declared.Table) -> Fold:
    rows = pl.DataFrame(
        [{"name": c.name, "type": c.type, "unit": c.unit, "meaning": c.explained} for c in table.columns],
        schema={"name": pl.String, "type": pl.String, "unit": pl.String, "meaning": pl.String},
    )
    name = table.full_name.replace(".", "-").replace("_", "-")
    columns = Table(
        name,
        "",
        rows,
        (Shown("name", "Column"), Shown("type", "Type"), Shown("unit", "Unit"), Shown("meaning", "Meaning")),
    )
    key = Text("One row for each ", ", ".join(table.key), ".", style="about")
    return Fold(f"{table.full_name}: {table.meaning}", [key, columns])
