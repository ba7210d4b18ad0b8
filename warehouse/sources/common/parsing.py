"""From the text of a document to a typed frame, losing nothing on the way.

A document that is not what it claims to be (a column missing, a line cut short) is refused whole, because nothing in it
can be trusted. A row in which one field cannot be read is put aside with the field, the text found there and its line;
the other rows go on.
"""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from warehouse.errors import DocumentError
from warehouse.tables.table import POLARS_TYPES, Column, Table

_WORDS = {
    "time": "a time (ISO 8601)",
    "integer": "a whole number",
    "real": "a number",
    "date": "a date (YYYY-MM-DD)",
    "flag": "true or false",
}


@dataclass(frozen=True)
class Typed:
    """Rows that could be read (`frame`), and those that could not: `row` (JSON), `reason` and `locator`."""

    frame: pl.DataFrame
    unreadable: pl.DataFrame


def unpacked(body: bytes, name: str) -> bytes:
    """A document's bytes, unpacked where its first two bytes say gzip. Raises DocumentError where it is damaged."""
    if body[:2] != b"\x1f\x8b":
        return body
    try:
        return gzip.decompress(body)
    except (EOFError, zlib.error, OSError) as error:
        raise DocumentError(f"{name}: the compressed file is cut short or damaged ({error}). Get it again.") from error


def text_of(body: bytes, name: str) -> str:
    """The text of a document; `name` is the file or address for messages. Unpacks gzip by its first two bytes.

    Raises DocumentError where the document was cut short, is damaged or is not UTF-8.
    """
    body = unpacked(body, name)
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = body[: error.start].count(b"\n") + 1
        raise DocumentError(f"{name}, line {line}: byte {error.object[error.start]:#x} is not UTF-8 text.") from error


def read_csv(text: str, name: str, columns: Sequence[str]) -> pl.DataFrame:
    """A CSV file with exactly `columns` (in any order), every field as text, and `locator` with its line.

    Raises DocumentError for a missing, repeated or unknown column, and for a line with too many or too few fields.
    """
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header = next(reader, [])
    missing = [column for column in columns if column not in header]
    if missing:
        raise DocumentError(
            f"{name}: column {', '.join(missing)} is missing; the file has {', '.join(header) or 'no header'}."
        )
    extra = [column for column in header if column not in columns]
    if extra or len(set(header)) < len(header):
        raise DocumentError(
            f"{name}: column {', '.join(extra) or 'names'} not expected or repeated; remove or rename it."
        )
    rows: list[list[str]] = []
    lines: list[str] = []
    started = reader.line_num + 1
    try:
        for row in reader:
            if len(row) != len(header):
                raise DocumentError(
                    f"{name}, line {started}: {len(row)} fields where {len(header)} belong; the line is cut short or a "
                    "comma is not quoted."
                )
            rows.append(row)
            lines.append(f"line {started}")
            started = reader.line_num + 1
    except csv.Error as error:
        raise DocumentError(
            f"{name}, line {started}: {error}; the file is cut short or a quote is not closed."
        ) from error
    frame = pl.DataFrame(rows, schema={column: pl.String for column in header}, orient="row")
    return frame.select(columns).with_columns(pl.Series("locator", lines, dtype=pl.String))


def typed(frame: pl.DataFrame, table: Table) -> Typed:
    """Cast the text columns of `frame` to the types that `table` declares.

    An empty field is null, except in a text column that must not be null, where it is empty text. A row with a field
    that cannot be read goes to `unreadable` with a reason such as "close: 'n/a' is not a number".
    """
    columns = [column for column in table.columns if column.name in frame.columns and column.name != "locator"]
    marked = frame.with_columns(
        *(_cast(column).alias(f"\0{column.name}") for column in columns),
        pl.concat_list(_complaint(column) for column in columns).list.drop_nulls().list.join("; ").alias("\0reason"),
    )
    bad = marked.filter(pl.col("\0reason") != "")
    good = marked.filter(pl.col("\0reason") == "").select(
        "locator", *(pl.col(f"\0{column.name}").alias(column.name) for column in columns)
    )
    originals = [column.name for column in columns]
    unreadable = bad.select(
        pl.struct(originals).struct.json_encode().alias("row"), pl.col("\0reason").alias("reason"), "locator"
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


def _complaint(column: Column) -> pl.Expr:
    """What is wrong with a field, or null."""
    if column.type in ("text", "json"):
        return pl.lit(None, dtype=pl.String)
    given = pl.col(column.name).str.strip_chars()
    unread = (given != "") & _cast(column).is_null()
    said = pl.when(unread).then(
        pl.format("{}: '{}' is not {}", pl.lit(column.name), given, pl.lit(_WORDS[column.type]))
    )
    return said.when(pl.lit(column.required) & (given == "")).then(pl.lit(f"{column.name}: is empty"))


assert set(_WORDS) | {"text", "texts", "json"} == set(POLARS_TYPES)
