"""What changed since the last run: verdicts and why, how much of each mart, what moved most; and every run.

A run records what it changed against the one before (`provenance.changes`). The figure as it is now opens; the one before
is told as it was, because the warehouse that held it may be gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import groupby
from typing import Any

import polars as pl

from warehouse.reports import changes, news
from warehouse.reports.diff import Row
from warehouse.reports.lineage import traceable
from warehouse.reports.site.blocks import (
    Block,
    Code,
    Figure,
    Heading,
    Items,
    Link,
    Note,
    Shown,
    Span,
    Strong,
    Table,
    Text,
    shown,
)
from warehouse.reports.site.forms import speak
from warehouse.reports.site.page import Page, Reader
from warehouse.tables.table import FACT_ID

PAGE = Page(
    "changes.html",
    "What changed since the last run",
    "Verdicts that changed and the facts behind it, figures that moved most, and every run.",
    label="Changes",
    place=75,
)
MOST_FIGURES, MOST_FACTS = 12, 8
SHORT = 90  # characters of a text that is told
RUNS = pl.Schema({"run_id": pl.String(), "started_at": pl.Datetime("us", "UTC"), "source": pl.String(), "as_of": pl.Date(),
                  "outcome": pl.String(), "verdicts": pl.Int64(), "facts": pl.Int64(), "figures": pl.Int64(), "rows": pl.Int64(),
                  "made_with": pl.Int64()})  # fmt: skip


def content(reader: Reader) -> Sequence[Block]:
    rows = changes.since_last_run(reader.connection)
    return [
        *told(reader, rows),
        *(whole(rows) if rows else ()),
        Heading("Every run"),
        Text("Any two of them: ", Code("overbuild diff A B"), "; any two days: ", Code("overbuild diff 2025-06-30 2026-06-30"),
             ". Of a run whose warehouse is no longer kept, this is what it recorded.", style="about"),
        every_run(reader),
    ]  # fmt: skip


def since_last_run(reader: Reader) -> list[Block]:
    """The same in a few lines, for the front page."""
    rows = changes.since_last_run(reader.connection)
    return [
        Heading("What changed since the last run", anchor="changes"),
        *told(reader, rows),
        Text(Link("All that changed", PAGE.path)),
    ]


def told(reader: Reader, rows: Sequence[Row]) -> list[Block]:
    """The verdicts that changed and in a sentence how much else; why there is nothing to tell where there is not."""
    if reader.dated:
        return [Text("This is the answer of an earlier day. It is compared with no run; two days are compared by ",
                     Code("overbuild diff"), ".", style="lead")]  # fmt: skip
    if not rows:
        return [
            Text("This is the first run that records its changes: there is nothing to compare it with.", style="lead")
        ]
    verdicts = [row for row in rows if row["kind"] == "verdict"]
    counts = {"rows": 0, "figures": 0}
    for row in rows:
        if row["kind"] == "table":
            counts["figures" if row["column_name"] else "rows"] += row["rows"] or 0
    if not any(counts.values()) and not verdicts:
        return [Text("Nothing: every verdict and every figure is that of the run before.", style="lead")]
    how_many = "No verdict changed" if not verdicts else f"{len(verdicts)} verdict{'s' * (len(verdicts) > 1)} changed"
    tables = len({row["table_name"] for row in rows if row["kind"] == "table"})
    blocks: list[Block] = [
        Text(f"{how_many}. {speak(counts['figures'], 'count')} figures moved, in {speak(counts['rows'], 'count')} rows of "
             f"{tables} tables that are new, removed or changed.", style="lead")
    ]  # fmt: skip
    if verdicts:
        blocks.append(Items(*(_verdict(row) for row in verdicts)))
    return [*blocks, *map(Note, news.made_with([row for row in rows if row["kind"] == "made_with"]))]


def _verdict(row: Row) -> list[Span]:
    name = f"{row['key']['scope']} {row['key']['question']}: "
    before = speak(row["before"], "verdict") if row["before"] is not None else "none"
    if row["change"] == "removed":
        return [Strong(name), f"{before}; there is none any more"]
    return [Strong(name), f"{before} → ", Figure(row["table_name"], _typed_key(row), row["column_name"], "verdict")]


def whole(rows: Sequence[Row]) -> list[Block]:
    """All that was recorded of the last run, below what `told` says."""
    blocks: list[Block] = []
    if turned := [row for row in rows if row["kind"] == "condition"]:
        names = ["scope", "question", "condition"]
        frame = pl.DataFrame(
            [
                {name: str(row["key"][name]) for name in names} | {side: row[side] for side in ("before", "after")}
                for row in turned
            ],
            schema={**dict.fromkeys(names, pl.String), "before": pl.Boolean, "after": pl.Boolean},
        )
        columns = (Shown("condition", form="name"), *_plain("scope", "question"), Shown("before", "Held before", "flag", opens=""),
                   Shown("after", "Holds now", "flag", opens="marts.verdict_conditions:holds"))  # fmt: skip
        blocks += [
            Heading("Conditions that turned"),
            Table("conditions", "Conditions that turned", frame, columns, open_rows=12),
        ]
    blocks += facts(rows)
    if moved := [row for row in rows if row["kind"] == "figure" and _is_number(row)][:MOST_FIGURES]:
        blocks += [
            Heading("What moved most"),
            Text("Of each table its largest change first, by size beside the earlier value.", style="about"),
            Items(*(_figure(row) for row in moved)),
        ]
    if counted := [row for row in rows if row["kind"] == "table" and row["rows"] is not None]:
        blocks += [Heading("How much of each table"), _tables(counted)]
    return blocks


def facts(rows: Sequence[Row]) -> list[Block]:
    """The new facts behind each verdict that changed."""
    found = [row for row in rows if row["kind"] == "fact"]
    blocks: list[Block] = [Heading("New facts behind the changed verdicts")] if found else []
    for behind, group in groupby(found, key=lambda row: (row["behind"]["scope"], row["behind"]["question"])):
        listed = list(group)
        blocks.append(
            Text(
                Strong(f"Behind {behind[0]} {behind[1]}"),
                ": the newest of those that a condition which turned rests on.",
            )
        )
        blocks.append(Items(*(_fact(row) for row in listed[:MOST_FACTS])))
    return blocks


def _fact(row: Row) -> list[Span]:
    """A fact with its value, which opens the row of `core`; one of which no value stands for it opens by its name."""
    about = f" ({speak(row['about'], 'name')})" if row["about"] else ""
    key = {FACT_ID: row["fact_id"]}
    spans: list[Span] = [f"{_words(row['table_name'])} {_place(row)}{about}: "]
    if row["after"] is None:
        spans.append("first ")
    else:
        # Evidence has its unit in the row, not in the declaration.
        in_dollars = row["unit"] in ("USD", "USD/year", "USD a year")
        form = "usd" if in_dollars else _form(row)
        unit = f" {row['unit']}" if form == "number" and row["unit"] else ""
        spans += [Figure(row["table_name"], key, row["column_name"], form), f"{unit}, "]
    return [*spans, "known on ", Figure(row["table_name"], key, "known_on", "date"), "."]


def _figure(row: Row) -> list[Span]:
    name = f"{_words(row['table_name'])}, {speak(row['column_name'], 'name')}: "
    spans: list[Span] = [Strong(name), f"{_place(row)}: {_said(row, row['before'])} → "]
    if row["after"] is None:
        return [*spans, "unknown", f" ({row['reason']})" if row["reason"] else ""]
    spans.append(Figure(row["table_name"], _typed_key(row), row["column_name"], _form(row)))
    if row["change_share"] is not None:
        spans.append(f" ({speak(row['change_share'], 'change')})")
    return spans


def _is_number(row: Row) -> bool:
    return traceable()[row["table_name"]].column(row["column_name"]).type in ("integer", "real")


def _words(table: str) -> str:
    """The name of a table as words."""
    return str(speak(table.partition(".")[2], "name"))


def _place(row: Row) -> str:
    """Which row it is, as words."""
    return " ".join(str(speak(str(value), "name")) for value in row["key"].values() if value is not None)


def _form(row: Row) -> str:
    return shown(row["table_name"], row["column_name"])[0].form


def _said(row: Row, value: Any) -> str:
    """A value of a column as a page speaks it."""
    if value is None:
        return "unknown"
    form = _form(row)
    if form == "date":
        return speak(date.fromisoformat(value) if isinstance(value, str) else value, form)
    text = speak(value, form)
    return text if len(text) <= SHORT else f"{text[:SHORT]}…"


def _typed_key(row: Row) -> dict[str, Any]:
    """A key out of JSON with the types of its columns."""
    table = traceable()[row["table_name"]]
    dates = {name for name in row["key"] if table.column(name).type == "date"}
    return {name: date.fromisoformat(v) if name in dates and v else v for name, v in row["key"].items()}


def _tables(rows: Sequence[Row]) -> Table:
    counts: dict[str, dict[str, Any]] = {}
    for row in rows:
        what = "figures" if row["column_name"] else row["change"]
        counts.setdefault(row["table_name"], {"table": _words(row["table_name"])})[what] = row["rows"]
    names = ("new", "removed", "changed", "figures")
    frame = pl.DataFrame(list(counts.values()), schema={"table": pl.String, **dict.fromkeys(names, pl.Int64)})
    columns = (
        Shown("table"),
        Shown("new", "New rows", "count", opens=""),
        Shown("removed", "Removed", "count", opens=""),
        Shown("changed", "Changed", "count", opens=""),
        Shown("figures", "Figures in these", "count", opens=""),
    )
    return Table(
        "tables",
        "Rows and figures that changed, by table",
        frame.with_columns(pl.col(names).fill_null(0)),
        columns,
        open_rows=12,
    )


def every_run(reader: Reader) -> Table:
    frame = pl.DataFrame(changes.runs(reader.connection), schema=RUNS)
    columns = (
        Shown("run_id", "Run"),
        Shown("as_of", "As of", "date"),
        Shown("source", "Facts", "name"),
        Shown("outcome", "Outcome", "name"),
        Shown("verdicts", "Verdicts changed", "count", opens=""),
        Shown("facts", "New facts behind", "count", opens=""),
        Shown("figures", "Figures moved", "count", opens=""),
        Shown("rows", "Rows", "count", opens=""),
    )
    about = "Unknown: the run was not compared (the first one, a refused one, or one of an earlier version)."
    return Table("runs", "Every run and what it changed", frame, columns, about=about, open_rows=20)


def _plain(*names: str) -> tuple[Shown, ...]:
    return tuple(Shown(name, form="text") for name in names)
