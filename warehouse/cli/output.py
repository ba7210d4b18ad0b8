"""Rows for a person or a program: a table, CSV or JSON.

A table shows the first rows and says how many there are. It goes through a pager where a person looks at it and it is
longer than the terminal. No table has colours, so NO_COLOR holds anyway.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from warehouse.cli.layout import columns_of, laid_out
from warehouse.cli.lines import printable

NARROWEST = 120
MAX_ROWS = 40
_OTHER_CONTROL = re.compile("[\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


@dataclass
class View:
    """How much of a table is shown, as the options of a command say it."""

    max_rows: int = MAX_ROWS
    everything: bool = False
    pages: bool = True
    raw_cells: bool = False
    more_rows: str = "--max-rows N shows more, --format csv all of them"
    more_columns: str = "--all, or --format csv"
    """How to see what is left out, where the reader is."""


view = View()


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
            out = io.StringIO()
            writer = csv.writer(out, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows([[_csv_cell(cell) for cell in row] for row in rows])
            sys.stdout.write(printable(out.getvalue()) if sys.stdout.isatty() else out.getvalue())
        case Format.table:
            _table(columns, rows, title)


def _csv_cell(cell: Any) -> Any:
    """A value as CSV has it; a text that a spreadsheet would run gets an apostrophe, but for `--raw-cells`."""
    from warehouse.reports.values import plain
    from warehouse.spreadsheet import neutral_text

    value = "" if cell is None else plain(cell)
    return neutral_text(value) if isinstance(cell, str) and not view.raw_cells else value


def write_objects(objects: Iterable[Mapping[str, Any]]) -> None:
    """Write a JSON list of objects; they need not have the same keys."""
    from warehouse.reports.values import plain

    # At once: `json.dump` writes every comma by itself, which doubles the time of a long trace.
    text = json.dumps([plain(dict(one)) for one in objects], ensure_ascii=False, indent=1)
    # JSON escapes the first 32 control characters itself; a terminal obeys others, too, and in JSON both are the same.
    sys.stdout.write(_OTHER_CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n")


def write_tree(tree: Any) -> None:
    """Write a tree of `rich` as wide as the terminal."""
    from rich.console import Console

    width = width_of_terminal()
    Console(width=width if sys.stdout.isatty() else max(width, NARROWEST), markup=False, highlight=False).print(tree)


def _table(columns: Sequence[str], rows: Iterable[Sequence[Any]], title: str) -> None:
    found = [list(row) for row in rows]
    most = len(found) if view.everything else view.max_rows
    write_table(columns, found[:most], title, total=len(found))


def write_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    title: str = "",
    *,
    total: int | None,
    null: str = "-",
    asked: Collection[str] = (),
) -> None:
    """Write rows as a table, with what is not shown of it: rows beyond these out of `total` (None: not counted), columns.

    Columns of `asked`, which the reader named, are left out last.
    """
    width = width_of_terminal()
    laid = laid_out(columns, rows, width, everything=view.everything, null=null, asked=asked)
    lines = [title] if title else []
    lines += laid.lines
    if total == 0:
        lines.append("no rows")
    if total is None or total > len(rows):
        more = f"{total:,} rows" if total is not None else f"more than {len(rows):,} rows"
        lines.append(f"{more}, {len(rows):,} shown: {view.more_rows}")
    if laid.left_out:
        lines += _left_out(laid.left_out, width)
    write_lines([*lines, ""])


def _left_out(names: Sequence[str], width: int) -> list[str]:
    """Which columns are not shown, as far as a line has room for their names, and how to see them."""
    count = f"{len(names)} more column{'s' * (len(names) != 1)}"
    for shown in range(len(names), 0, -1):
        more = "" if shown == len(names) else ", ..."
        line = f"{count} ({', '.join(names[:shown])}{more}): {view.more_columns}"
        if columns_of(line) <= width:
            return [line]
    return [f"{count}: {view.more_columns}"]


def width_of_terminal() -> int:
    """Columns of the terminal, or of COLUMNS; where nobody looks and nothing is said, NARROWEST."""
    return shutil.get_terminal_size((NARROWEST, 40)).columns


def write_lines(lines: Sequence[str]) -> None:
    """Write lines to standard output: through a pager where a person looks and they are more than the terminal holds."""
    text = "\n".join(lines) + "\n"
    stream = sys.stdout
    encoding = getattr(stream, "encoding", None) or "utf-8"
    if not _can_say(text, encoding):
        text = text.translate({ord("─"): "-", ord("…"): "~"}).encode(encoding, "replace").decode(encoding)
    looks = stream.isatty() and sys.stdin.isatty()
    if looks and view.pages and len(lines) > shutil.get_terminal_size((NARROWEST, 40)).lines and _paged(text):
        return
    stream.write(text)


def _can_say(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _paged(text: str) -> bool:
    """Show a text in the user's pager; False where there is none."""
    import shlex
    import subprocess

    wanted = shlex.split(os.environ.get("PAGER", "")) or ["less"]
    if shutil.which(wanted[0]) is None:
        return False
    # less: stop at once where all fits, cut long lines instead of folding them, leave the text where it is.
    environment = {"LESS": "-FRSX", **os.environ}
    try:
        subprocess.run(wanted, input=text, text=True, env=environment, check=False)
    except (OSError, KeyboardInterrupt):
        return False
    return True


def say(message: str) -> None:
    """A message for whoever watches: on standard error, where it never mixes with rows."""
    sys.stderr.write(f"{printable(message)}\n")
    sys.stderr.flush()
