"""Rows for a person or a program: a table, CSV or JSON."""

from __future__ import annotations

import csv
import json
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Any

from warehouse.cli.lines import printable
from warehouse.reports.values import plain, readable

NARROWEST = 120


class Format(StrEnum):
    """How rows are written to standard output."""

    table = "table"
    csv = "csv"
    json = "json"


def write(columns: Sequence[str], rows: Iterable[Sequence[Any]], form: Format, title: str = "") -> None:
    """Write rows to standard output. In JSON: a list of objects, dates in ISO 8601, numbers as numbers."""
    match form:
        case Format.json:
            write_objects(dict(zip(columns, row, strict=True)) for row in rows)
        case Format.csv:
            writer = csv.writer(sys.stdout, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows([["" if cell is None else plain(cell) for cell in row] for row in rows])
        case Format.table:
            _table(columns, rows, title)


def write_objects(objects: Iterable[Mapping[str, Any]]) -> None:
    """Write a JSON list of objects; they need not have the same keys."""
    # At once: `json.dump` writes every comma by itself, which doubles the time of a long trace.
    sys.stdout.write(json.dumps([plain(dict(one)) for one in objects], ensure_ascii=False, indent=1) + "\n")


def write_tree(tree: Any) -> None:
    """Write a tree of `rich` as wide as the terminal."""
    from rich.console import Console

    width = shutil.get_terminal_size((NARROWEST, 40)).columns
    Console(width=width if sys.stdout.isatty() else max(width, NARROWEST), markup=False, highlight=False).print(tree)


def _table(columns: Sequence[str], rows: Iterable[Sequence[Any]], title: str) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title or None, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    body = [list(row) for row in rows]
    for index, column in enumerate(columns):
        numbers = bool(body) and all(isinstance(row[index], int | float | Decimal | None) for row in body)
        table.add_column(column, justify="right" if numbers else "left", overflow="fold")
    for row in body:
        table.add_row(*(printable(readable(cell)) for cell in row))
    width = shutil.get_terminal_size((NARROWEST, 40)).columns
    Console(width=width if sys.stdout.isatty() else max(width, NARROWEST), markup=False, highlight=False).print(table)


def say(message: str) -> None:
    """A message for whoever watches: on standard error, where it never mixes with rows."""
    sys.stderr.write(f"{message}\n")
    sys.stderr.flush()
