"""The answer of a query as a table for a person, as text for a program, or as a file.

An answer can have more rows than fit in memory, so none is fetched whole. DuckDB alone writes CSV and Parquet. The
connection reaches no file, so DuckDB writes to a pipe. What comes out of it goes to standard output, or to a file that
takes its place when it is whole. A table shows its first rows, and DuckDB counts the others.
"""

from __future__ import annotations

import codecs
import json
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO

from warehouse.cli import output
from warehouse.cli.layout import shown
from warehouse.cli.lines import printable
from warehouse.database import limits as bounds
from warehouse.database import reading
from warehouse.database.connection import Connection
from warehouse.database.limits import Limits
from warehouse.database.reading import Read
from warehouse.errors import UsageError
from warehouse.sqltext import identifier, literal

BATCH = 1_000
COUNTING_SECONDS = 5.0
"""How long rows that are not shown may be counted, unless the query itself took longer."""
SHEET_ROWS = 1_048_575
"""Rows of a sheet of Excel below its header."""
SHEET_TEXT = 32_767
"""Characters of a cell of Excel."""
TIMES = "%Y-%m-%dT%H:%M:%S.%fZ"


class SqlFormat(StrEnum):
    """How an answer is written."""

    table = "table"
    csv = "csv"
    json = "json"
    ndjson = "ndjson"
    markdown = "markdown"
    parquet = "parquet"
    xlsx = "xlsx"


BINARY = (SqlFormat.parquet, SqlFormat.xlsx)
BY_DUCKDB = (SqlFormat.csv, SqlFormat.parquet)


@dataclass
class Answers:
    """Where answers come from and how they are written; `pipe` is None where no format needs it."""

    connection: Connection
    limits: Limits
    form: SqlFormat = SqlFormat.table
    raw_cells: bool = False
    pipe: Path | None = None
    rows: int | None = None
    """How many rows the last table has, where that is known."""

    def run(self, text: str, file: Path | None = None) -> int:
        """Write the answer of each statement of a text; gives how many there were.

        Raises UsageError where one is no read, before any is run.
        """
        reads = reading.reads(self.connection, text)
        if file is not None and len(reads) != 1:
            raise UsageError(f"-o {file}: a file takes one answer, and this text holds {len(reads)} statements.")
        for place, read in enumerate(reads):
            if place and self.form not in (SqlFormat.table, SqlFormat.ndjson):
                sys.stdout.write("\n")
            self.write(read, file)
        return len(reads)

    def write(self, read: Read, file: Path | None = None) -> None:
        """Run a statement that passed the gate and write its answer: to standard output, or to a file, whole."""
        self.rows = None
        if self.form is SqlFormat.table:
            if file is not None:
                raise UsageError(
                    f"-o {file}: a table is for people to look at; choose --format csv or another one, or an ending such as .csv."
                )
            self._table(read)
            return
        if self.form is SqlFormat.parquet and not read.is_query:
            raise UsageError(
                "--format parquet: EXPLAIN gives a plan and no table; choose --format json or another one."
            )
        with _target(file) as target, bounds.within(self.connection, self.limits, bounds.end_process):
            if self.form in BY_DUCKDB and read.is_query:
                self._by_duckdb(read, target)
            else:
                result = reading.execute(self.connection, read)
                names = [name for name, *_ in result.description]
                _WRITERS[self.form](names, _rows(result), target, self.raw_cells)

    def _table(self, read: Read) -> None:
        began = time.monotonic()
        most = output.view.max_rows
        with bounds.within(self.connection, self.limits, bounds.end_process):
            result = reading.execute(self.connection, read)
            names = [name for name, *_ in result.description]
            whole = output.view.everything or not read.is_query
            rows = result.fetchall() if whole else result.fetchmany(most + 1)
        total: int | None = len(rows)
        if len(rows) > most and not whole:
            rows, total = rows[:most], self._count(read, time.monotonic() - began)
        if names == ["explain_key", "explain_value"]:
            output.write_lines([printable(str(row[1])) for row in rows])
            return
        self.rows = total
        output.write_table(names, rows, total=total, null="NULL", asked=_asked(names, read.text))

    def _count(self, read: Read, took: float) -> int | None:
        """How many rows there are; None where that takes much longer than the answer did."""
        with suppress(UsageError):
            allowed = Limits(max(COUNTING_SECONDS, took), self.limits.memory, self.limits.spill)
            with bounds.within(self.connection, allowed, bounds.end_process):
                return reading.count(self.connection, read)
        return None

    def _by_duckdb(self, read: Read, target: BinaryIO) -> None:
        found = reading.types(self.connection, read)
        if self.pipe is None:
            raise ValueError("an answer by DuckDB needs a pipe")
        if self.form is SqlFormat.parquet:
            names = unique([name for name, _ in found])
            columns = [f"c{place} AS {identifier(name)}" for place, name in enumerate(names)]
            options = "FORMAT parquet, COMPRESSION zstd"
        else:
            columns = [
                f"c{place}" if self.raw_cells else _neutral(f"c{place}", kind) for place, (_, kind) in enumerate(found)
            ]
            options = f"FORMAT csv, HEADER false, TIMESTAMPFORMAT {literal(TIMES)}"
            target.write((",".join(_csv_cell(name) for name, _ in found) + "\n").encode())
        with _poured(self.pipe, target):
            reading.copy(self.connection, read, columns, self.pipe, options)


def _rows(result: Any) -> Iterator[tuple[Any, ...]]:
    while batch := result.fetchmany(BATCH):
        yield from batch


def _asked(names: Sequence[str], text: str) -> set[str]:
    """The columns that a query names, or computes without giving them a name."""
    words = set(re.findall(r"\w+", text.lower()))
    return {name for name in names if name.lower() in words or not re.fullmatch(r"\w+", name)}


def unique(names: Sequence[str]) -> list[str]:
    """Names of which no two are the same, however they are written: a number is added to those that come again."""
    seen: dict[str, int] = {}
    found = []
    for name in names:
        count = seen[name.lower()] = seen.get(name.lower(), 0) + 1
        found.append(name if count == 1 else f"{name}_{count}")
    return found


# -- where it goes ----------------------------------------------------------------------------------------------------


@contextmanager
def _target(file: Path | None) -> Iterator[BinaryIO]:
    """Standard output, or a file that takes its place when it is whole. Raises UsageError where it cannot be written.

    Raises StorageError where its disk is full or fails.
    """
    if file is None:
        sys.stdout.flush()
        stream = getattr(sys.stdout, "buffer", None)
        yield stream if stream is not None and not sys.stdout.isatty() else _Screen()  # type: ignore[misc]
        sys.stdout.flush()
        return
    if file.is_dir() or not file.parent.is_dir():
        raise UsageError(f"-o {file}: this is {'a folder' if file.is_dir() else 'in a folder that does not exist'}.")
    from warehouse import files, storage

    try:
        with files.temporary(file.parent, file.name) as new:
            with new.open("wb") as target:
                yield target
            files.put(new, file)
    except OSError as error:
        raise storage.not_written(f"-o {file}: this file cannot be written ({error.strerror}).", error) from error


class _Screen:
    """Standard output as text. To a terminal nothing is written that would steer it."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._shown = printable if sys.stdout.isatty() else str

    def write(self, block: bytes) -> int:
        sys.stdout.write(self._shown(self._decoder.decode(block)))
        return len(block)


@contextmanager
def a_pipe() -> Iterator[Path]:
    """A pipe with a name, in a folder of its own."""
    from warehouse import files

    with files.temporary_folder() as folder:
        path = folder / "answer"
        os.mkfifo(path)
        yield path


@contextmanager
def _poured(pipe: Path, target: BinaryIO) -> Iterator[None]:
    """Pour what is written to the pipe into a file, in another thread. Raises what its writing raised."""
    failed: list[BaseException] = []

    def pour() -> None:
        with pipe.open("rb", buffering=0) as source:
            try:
                while block := source.read(1 << 20):
                    target.write(block)
            except BaseException as error:  # the writer of the pipe learns of it by its end
                failed.append(error)

    pouring = threading.Thread(target=pour, name="answer", daemon=True)
    pouring.start()
    try:
        yield
    except Exception:
        if not failed:
            raise
    finally:
        with suppress(OSError):  # where nobody ever wrote, the thread still waits for a writer
            os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
        pouring.join()
    if failed:
        raise failed[0]


# -- text -------------------------------------------------------------------------------------------------------------


def _neutral(column: str, kind: str) -> str:
    """SQL for a cell that no spreadsheet runs."""
    from warehouse.spreadsheet import neutral_sql

    if kind == "VARCHAR":
        return neutral_sql(column)
    return neutral_sql(f"{column}::VARCHAR") if kind == "JSON" or kind.startswith("ENUM") else column


def _csv_cell(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if any(char in text for char in ',"\r\n') else text


def _csv(names: Sequence[str], rows: Iterator[Sequence[Any]], target: BinaryIO, raw: bool) -> None:
    from warehouse.spreadsheet import neutral_text

    for row in ([*names], *rows):
        cells = ("" if cell is None else cell if isinstance(cell, str) else shown(cell) for cell in row)
        target.write((",".join(_csv_cell(cell if raw else neutral_text(cell)) for cell in cells) + "\n").encode())


def _json(names: Sequence[str], rows: Iterator[Sequence[Any]], target: BinaryIO, raw: bool) -> None:
    """A list of objects, written as its rows come. A name that stands twice stands once, as in every JSON object."""
    from warehouse.reports.values import plain

    between = "[\n "
    for row in rows:
        text = json.dumps(plain(dict(zip(names, row, strict=True))), ensure_ascii=False, indent=1)
        target.write((between + text.replace("\n", "\n ")).encode())
        between = ",\n "
    target.write(b"[]\n" if between.startswith("[") else b"\n]\n")


def _ndjson(names: Sequence[str], rows: Iterator[Sequence[Any]], target: BinaryIO, raw: bool) -> None:
    from warehouse.reports.values import plain

    for row in rows:
        text = json.dumps(plain(dict(zip(names, row, strict=True))), ensure_ascii=False)
        target.write(f"{text}\n".encode())


def _markdown(names: Sequence[str], rows: Iterator[Sequence[Any]], target: BinaryIO, raw: bool) -> None:
    def cell(value: Any) -> str:
        return shown(value).replace("\\", "\\\\").replace("|", "\\|").replace("\n", "<br>")

    target.write(f"| {' | '.join(map(cell, names))} |\n|{' --- |' * len(names)}\n".encode())
    for row in rows:
        target.write(f"| {' | '.join(map(cell, row))} |\n".encode())


def _xlsx(names: Sequence[str], rows: Iterator[Sequence[Any]], target: BinaryIO, raw: bool) -> None:
    import xlsxwriter  # here only: it takes longer to import than most queries run

    book = xlsxwriter.Workbook(
        target, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    )
    sheet = book.add_worksheet("answer")
    day, moment, bold = (book.add_format(each) for each in (
        {"num_format": "yyyy-mm-dd"}, {"num_format": "yyyy-mm-dd hh:mm:ss"}, {"bold": True}
    ))  # fmt: skip
    for place, name in enumerate(names):
        sheet.write_string(0, place, name, bold)
    sheet.freeze_panes(1, 0)
    for number, row in enumerate(rows, 1):
        if number > SHEET_ROWS:
            book.close()
            raise UsageError(f"xlsx: a sheet holds {SHEET_ROWS:,} rows, and the answer has more; take csv or parquet.")
        for place, value in enumerate(row):
            _cell(sheet, number, place, value, day, moment, raw)
    book.close()


def _cell(sheet: Any, number: int, place: int, value: Any, day: Any, moment: Any, raw: bool) -> None:
    from datetime import date, datetime
    from decimal import Decimal

    from warehouse.spreadsheet import neutral_text

    match value:
        case None:
            return
        case bool():
            sheet.write_boolean(number, place, value)
        case int() if abs(value) >= 10**15:  # a cell holds fifteen digits
            sheet.write_string(number, place, str(value))
        case float() if value != value or value in (float("inf"), float("-inf")):
            sheet.write_string(number, place, shown(value))
        case int() | float() | Decimal():
            sheet.write_number(number, place, float(value))
        case datetime():
            sheet.write_datetime(number, place, value.replace(tzinfo=None), moment)
        case date():
            sheet.write_datetime(number, place, datetime(value.year, value.month, value.day), day)  # noqa: DTZ001
        case _:
            text = value if isinstance(value, str) else shown(value)
            sheet.write_string(number, place, (text if raw else neutral_text(text))[:SHEET_TEXT])


_WRITERS: dict[SqlFormat, Callable[[Sequence[str], Iterator[Sequence[Any]], BinaryIO, bool], None]] = {
    SqlFormat.csv: _csv,
    SqlFormat.json: _json,
    SqlFormat.ndjson: _ndjson,
    SqlFormat.markdown: _markdown,
    SqlFormat.xlsx: _xlsx,
}
