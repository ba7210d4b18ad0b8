"""From a document's fields to a typed frame, losing nothing on the way: text of a CSV file, figures of a JSON body.

A document that is not what it claims to be is refused whole. A column is missing, or a line was cut short, and nothing
in it can be trusted. A row in which one field cannot be read is quarantined with the field, what stands there and its
place; the other rows go on. A figure that arrives as a number stays that number; only text is parsed.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from warehouse.errors import DocumentError
from warehouse.sources.common.reasons import UNREADABLE_SCHEMA, Reason, because, reason
from warehouse.sources.common.unpacking import unpacked
from warehouse.tables.table import POLARS_TYPES, Column, Table

NOT_OF_TYPE = {
    "time": "not_a_time",
    "integer": "not_a_whole_number",
    "real": "not_a_number",
    "date": "not_a_date",
    "flag": "not_a_flag",
}
"""The reason of a field that is not of its column's type."""
INT64 = 2**63
_WHOLE = re.compile(r"[+-]?\d+(\.0+)?")
_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


@dataclass(frozen=True)
class Typed:
    """Rows that could be read (`frame`), and those that could not (`UNREADABLE_SCHEMA`)."""

    frame: pl.DataFrame
    unreadable: pl.DataFrame


def text_of(body: bytes, name: str) -> str:
    """The text of a document; `name` is the file or address for messages. Unpacks gzip by its first two bytes.

    Raises DocumentError where the document was cut short, is damaged or is not UTF-8.
    """
    body = unpacked(body, name)
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = body[: error.start].count(b"\n") + 1
        raise DocumentError(name, f"byte {error.object[error.start]:#x} is not UTF-8 text.", line=line) from error


def csv_rows(text: str, name: str) -> Iterator[tuple[int, list[str]]]:
    """The rows of a CSV file, the header among them, each with the line on which it begins; a blank line is an empty row.

    Raises DocumentError where a quote is not closed, or a field is longer than any field of a list.
    """
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    started = 1
    try:
        for row in reader:
            yield started, row
            started = reader.line_num + 1
    except csv.Error as error:
        raise DocumentError(name, f"{error}; the file is cut short or a quote is not closed.", line=started) from error


def read_csv(text: str, name: str, columns: Sequence[str]) -> pl.DataFrame:
    """A CSV file with exactly `columns` (in any order), every field as text, and `locator` with its line.

    Raises DocumentError for a missing, repeated or unknown column, and for a line with too many or too few fields.
    """
    read = csv_rows(text, name)
    _, header = next(read, (1, []))
    missing = [column for column in columns if column not in header]
    if missing:
        raise DocumentError(
            name, f"column {', '.join(missing)} is missing; the file has {', '.join(header) or 'no header'}."
        )
    extra = [column for column in header if column not in columns]
    if extra or len(set(header)) < len(header):
        raise DocumentError(
            name, f"column {', '.join(extra) or 'names'} not expected or repeated; remove or rename it."
        )
    rows: list[list[str]] = []
    lines: list[str] = []
    for line, row in read:
        if len(row) != len(header):
            raise DocumentError(
                name,
                f"{len(row)} fields where {len(header)} belong; the line is cut short or a comma is not quoted.",
                line=line,
            )
        rows.append(row)
        lines.append(f"line {line}")
    frame = pl.DataFrame(rows, schema={column: pl.String for column in header}, orient="row")
    return frame.select(columns).with_columns(pl.Series("locator", lines, dtype=pl.String))


def typed(frame: pl.DataFrame, table: Table) -> Typed:
    """Cast the text columns of `frame` to the types that `table` declares.

    An empty field is null, except in a text column that must not be null, where it is empty text. A row with a field
    that cannot be read goes to `unreadable` with a reason such as `not_a_number` (column: close, found: n/a).
    """
    columns = [column for column in table.columns if column.name in frame.columns and column.name != "locator"]
    faulty = pl.any_horizontal(pl.lit(False), *(_is_faulty(column) for column in columns))
    marked = frame.with_columns(*(_cast(column).alias(f"\0{column.name}") for column in columns), faulty.alias("\0bad"))
    good = marked.filter(~pl.col("\0bad")).select(
        "locator", *(pl.col(f"\0{column.name}").alias(column.name) for column in columns)
    )
    bad = marked.filter("\0bad")
    if bad.is_empty():  # the usual case; the reasons take longer than all else
        return Typed(good, pl.DataFrame(schema=UNREADABLE_SCHEMA))
    unreadable = bad.select(
        pl.struct(column.name for column in columns).struct.json_encode().alias("row"),
        pl.concat_list(_why(column) for column in columns).list.drop_nulls().alias("reasons"),
        "locator",
    )
    return Typed(good, unreadable)


def _cast(column: Column) -> pl.Expr:
    text = pl.col(column.name).str.strip_chars()
    filled = pl.when(text != "").then(text)
    match column.type:
        case "text" | "json":
            return text if column.required else filled
        case "integer":
            return filled.str.replace(r"\.0+$", "").cast(pl.Int64, strict=False)
        case "real":
            number = filled.cast(pl.Float64, strict=False)
            return pl.when(number.is_finite()).then(number)
        case "date":
            return filled.str.to_date("%Y-%m-%d", strict=False)
        case "time":
            return filled.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%#z", time_zone="UTC", strict=False)
        case _:
            return pl.when(filled == "true").then(True).when(filled == "false").then(False)


def _is_faulty(column: Column) -> pl.Expr:
    """Whether a field is not of its column's type, or is empty though the column is required."""
    if column.type in ("text", "json"):
        return pl.lit(False)
    given = pl.col(column.name).str.strip_chars()
    unread = ((given != "") & _cast(column).is_null()) | (pl.lit(column.required) & (given == ""))
    return unread.fill_null(False)


def _why(column: Column) -> pl.Expr:
    """What is wrong with a field, as a reason; null where nothing is."""
    if column.type in ("text", "json"):
        return pl.lit(None, dtype=pl.String)
    given = pl.col(column.name).str.strip_chars()
    is_empty = pl.when(given == "").then(because("empty_field", column=column.name))
    wrong = is_empty.otherwise(because(NOT_OF_TYPE[column.type], column=column.name, found=given))
    return pl.when(_is_faulty(column)).then(wrong)


# -- figures that arrive as numbers -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Figures:
    """Columns of figures, and for each row what is wrong with it (nothing where it can be read)."""

    columns: dict[str, pl.Series]
    reasons: list[list[Reason]]


def figures(given: Mapping[str, Sequence[object]], table: Table) -> Figures:
    """Values of a JSON body as the numbers that columns of `table` declare.

    A vendor may send a number as text; an empty text is no value. What is neither has the reason that `typed` gives.
    """
    columns: dict[str, pl.Series] = {}
    reasons: dict[int, list[Reason]] = {}
    for name, values in given.items():
        column = table.column(name)
        read: Sequence[object] = values
        if not _all_numbers(column, values):
            read = [_number(column, value) for value in values]
            for place, (value, number) in enumerate(zip(values, read, strict=True)):
                if number is None and (wrong := _what_is_wrong(column, value)):
                    reasons.setdefault(place, []).append(wrong)
        columns[name] = pl.Series(name, read, dtype=POLARS_TYPES[column.type])
    height = max(map(len, given.values()), default=0)
    return Figures(columns, [reasons.get(place, []) for place in range(height)])


def as_row(values: Mapping[str, object]) -> str:
    """A row that could not be read, as it is quarantined: a JSON object of texts."""
    texts = {name: "" if value is None else str(value) for name, value in values.items()}
    return json.dumps(texts, ensure_ascii=False, separators=(",", ":"))


def _all_numbers(column: Column, values: Sequence[object]) -> bool:
    """Whether every value is such a number already: the usual case, which needs no look at single ones."""
    kinds = set(map(type, values))
    if column.type == "integer":
        return kinds == {int} and min(values) >= -INT64 and max(values) < INT64  # type: ignore[operator, type-var]
    return kinds == {float} and all(map(math.isfinite, values))  # type: ignore[arg-type]


def _number(column: Column, value: object) -> float | int | None:
    """One value as a number of the column's type; None where it is none."""
    if isinstance(value, str):
        text = value.strip()
        pattern = _WHOLE if column.type == "integer" else _DECIMAL
        if not pattern.fullmatch(text):
            return None
        whole = text.partition(".")[0]
        if column.type == "integer" and len(whole) > len(str(INT64)):
            return None
        value = int(whole) if column.type == "integer" else float(text)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if column.type == "integer":
        return int(value) if -INT64 <= value < INT64 and value == int(value) else None
    return finite(value)


def finite(value: Any) -> float | None:
    """A figure that may come as text; None where it is none, or too large for a double."""
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def _what_is_wrong(column: Column, value: object) -> Reason | None:
    """The reason of a value that is no number; none of a missing one that may be missing."""
    text = "" if value is None else str(value).strip()
    if not text:
        return reason("empty_field", column=column.name) if column.required else None
    return reason(NOT_OF_TYPE[column.type], column=column.name, found=text)


assert set(NOT_OF_TYPE) | {"text", "texts", "json"} == set(POLARS_TYPES)
