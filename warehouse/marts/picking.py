"""Which of several rows about one thing counts, and what a figure made of several facts is worth.

The better grade counts, among equals the one known last (method 7). Grade D is hearsay: it enters no mart but the
claims. A figure is worth as little as the weakest of its inputs.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from warehouse.tables.table import GRADES, Table

WEAKEST = GRADES[-1]


def admissible(frame: pl.DataFrame) -> pl.DataFrame:
    """`frame` without hearsay (grade D)."""
    return frame.filter(pl.col("grade") != WEAKEST)


def pick(frame: pl.DataFrame, table: Table, key: Sequence[str] | None = None) -> pl.DataFrame:
    """One row of `frame` for each thing: best grade, then known last, then loaded last, then `table.prefer`, then place."""
    best_first = ["grade", "known_on", "loaded_at", *table.prefer, "document_sha256", "locator"]
    descending = [False, True, True, *(False for _ in table.prefer), False, False]
    return frame.sort(best_first, descending=descending, maintain_order=True).unique(
        list(key or table.key), keep="first", maintain_order=True
    )


def weakest(*columns: str | pl.Expr) -> pl.Expr:
    """The weakest grade among some columns of a row; null where all are null."""
    return pl.max_horizontal(*columns)


def weakest_of(frame: pl.DataFrame, column: str = "grade") -> str | None:
    """The weakest grade in a column; None where the frame is empty."""
    worst = frame.get_column(column).max() if frame.height else None
    return None if worst is None else str(worst)
