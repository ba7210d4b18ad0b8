"""The data: what there is to take away, and the tables that no other page shows."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from warehouse.marts.common.scopes import GROUP
from warehouse.marts.verdict.decision import ASKED, SILENT
from warehouse.reports.site.blocks import Block, Code, Heading, Items, Link, Shown, Span, Table, Text
from warehouse.reports.site.page import Page, Reader

PAGE = Page(
    "data.html",
    "The data",
    "Every table to take away, and the figures and thresholds behind the verdicts.",
    label="Data",
    place=200,
)
OUTSIDE = (
    Page("quality.html", "Quality of the data", "What the checks found, what waits for a decision, trends of every table.",
         label="Data quality", place=190),
)  # fmt: skip
CONDITIONS, SIMULATION = "marts.verdict_conditions", "marts.waste_simulation"


def content(reader: Reader) -> Sequence[Block]:
    return [
        Text(
            "Take ", Link("every table as Parquet and CSV", "../export/index.html"), " with its columns, units, allowed values, "
            "the terms of the sources and how to cite it.",
            style="lead",
        ),
        Text("Or ask the warehouse: ", Code('overbuild sql "select * from verdict"'), *asked_here(reader), "."),
        Text("The ", Link("dictionary", "dictionary.html"), " lists every table with its rows and columns.", style="about"),
        Heading("The figures and thresholds behind the group's verdicts"),
        conditions(reader),
        Heading("The simulation of the group"),
        simulation(reader),
        Heading("What these answers do not say", anchor="silent"),
        Items(*(f"{ASKED[question]} {text}" for question, text in SILENT.items())),
    ]  # fmt: skip


def asked_here(reader: Reader) -> Sequence[Span]:
    """The way to the page that is asked in SQL, where there is one."""
    return (", or ", Link("ask it here, in the browser", "sql.html")) if reader.sql_page else ()


def conditions(reader: Reader) -> Table:
    rows = reader.rows(f"SELECT * FROM {CONDITIONS} WHERE scope = ? AND decides ORDER BY question, condition", GROUP)
    rows = rows.with_columns(
        pl.col("question").replace_strict(ASKED, return_dtype=pl.String).alias("asks"),
    )
    return Table(
        "conditions",
        "",
        rows,
        (Shown("asks", "Question"), Shown("holds", "Holds", "flag"), Shown("grade", "Grade", "grade"), Shown("statement", "Test")),
        of=CONDITIONS,
        about="A test without a value is unknown, and never counts as evidence.",
        open_rows=12,
    )  # fmt: skip


def simulation(reader: Reader) -> Table:
    rows = reader.rows(f"SELECT * FROM {SIMULATION} WHERE scope = ? ORDER BY quantity, revenue_view, bound", GROUP)
    return Table(
        "simulation",
        "",
        rows,
        (
            Shown("quantity", "Quantity", "name"),
            Shown("revenue_view", "Revenue", "name"),
            Shown("bound", "Taken", "name"),
            Shown("p05", "1 in 20 below", "number", unit="unit"),
            Shown("p50", "Middle", "number", unit="unit"),
            Shown("p95", "1 in 20 above", "number", unit="unit"),
            Shown("grade", "Grade", "grade"),
        ),
        of=SIMULATION,
        about="Quantiles over the draws; every distribution is an entry of the assumptions file.",
        open_rows=15,
    )
