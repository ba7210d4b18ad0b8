"""Cells of CSV. A spreadsheet runs a text that begins with `=`, `+`, `-` or `@` as a formula; such a cell gets an apostrophe.

Names and notes come from documents that anybody may have written, and CSV cannot say what is text. The apostrophe is the
spreadsheet's own sign for it. A number is no formula, so texts that are plain numbers stay as they are. Parquet says what
is text, so it always holds the text itself.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

FORMULA = r"^[=+\-@\t\r]"
PLAIN_NUMBER = r"^[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$"
TIMES = "%Y-%m-%dT%H:%M:%S%.6fZ"


def neutral(text: pl.Expr) -> pl.Expr:
    """A text that no spreadsheet runs."""
    risky = text.str.contains(FORMULA) & ~text.str.contains(PLAIN_NUMBER)
    return pl.when(risky).then(pl.lit("'") + text).otherwise(text)


def holds_formula(rows: pl.DataFrame) -> bool:
    """Whether any text of these rows has to be made neutral."""
    texts = [pl.col(name) for name, kind in rows.schema.items() if kind == pl.String]
    found = rows.select((neutral(text) != text).any().alias(str(place)) for place, text in enumerate(texts))
    return any(found.row(0)) if texts and found.height else False


def neutral_text(value: str) -> str:
    """The same of one text."""
    return str(pl.select(neutral(pl.lit(value))).item())


def csv_bytes(rows: pl.DataFrame, lists: Mapping[str, pl.Series], *, raw: bool) -> bytes:
    """Rows as CSV in UTF-8; `lists` are the columns of lists as JSON. With `raw`, no text is changed."""
    flat = rows.with_columns(**lists)
    if not raw:
        texts = [name for name, kind in flat.schema.items() if kind == pl.String]
        flat = flat.with_columns(**{name: neutral(pl.col(name)) for name in texts})
    return flat.write_csv(datetime_format=TIMES).encode()
