"""Ask in SQL: a page that runs a database in the browser, on a copy of the published marts that came with it.

A reader who does not believe a figure can ask for it without this program, a server or a network. The page and what it
loads are as large as the rest of the site, so it is written where `OVERBUILD_SQL_PAGE` asks for it.
"""

from __future__ import annotations

from typing import Any

from warehouse.reports.site import in_sql
from warehouse.reports.site.blocks import Template, Text
from warehouse.reports.site.forms import speak
from warehouse.reports.site.page import Content, Family, Page, Reader

IN_SQL = Page(
    "sql.html",
    "Ask the data in SQL",
    "A database in this page, with the published marts and the ready questions.",
    label="Ask in SQL",
    place=205,
    runs_wasm=True,
)
FIRST = "SELECT question, verdict, headline\nFROM verdict\nWHERE scope = 'ALL'\nORDER BY question"


def family(reader: Reader) -> Family:
    """The page where it is asked for, else none."""
    if reader.sql_page:
        yield IN_SQL, content(reader)


def content(reader: Reader) -> Content:
    taken = in_sql.excerpt_of(reader.connection)
    values: dict[str, Any] = {
        "first": FIRST,
        "questions": in_sql.questions(taken),
        "names": in_sql.names(taken),
        "left_out": [{"name": name, "rows": f"{rows:,}"} for name, rows in taken.left_out.items() if rows is not None],
        "version": in_sql.DUCKDB,
        "licences": in_sql.licences(),
    }
    return [
        Text(
            f"Write a query against the published answer and its facts, as of {speak(reader.run['as_of'], 'date')}. It runs in "
            "this browser, from the files beside this page, and nothing leaves it.",
            style="lead",
        ),
        Template("sql.html.j2", values),
    ]
