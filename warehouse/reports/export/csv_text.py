"""Cells of CSV of a frame, so that no spreadsheet runs one as a formula (`warehouse.spreadsheet` has the rule).

Parquet says what is text, so it always holds the text itself.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from warehouse.spreadsheet import FORMULA, PLAIN_NUMBER

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


def csv_bytes(rows: pl.DataFrame, lists: Mapping[str, pl.Series], *, raw: bool) -> bytes:
    """Rows as CSV in UTF-8; `lists` are the columns of lists as JSON. With `raw`, no text is changed."""
    flat = rows.with_columns(**lists)
    if not raw:
        texts = [name for name, kind in flat.schema.items() if kind == pl.String]
        flat = flat.with_columns(**{name: neutral(pl.col(name)) for name in texts})
    return flat.write_csv(datetime_format=TIMES).encode()
