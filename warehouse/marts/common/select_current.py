"""Which of several rows about one thing counts, and what a figure made of several facts is worth.

The better grade counts, among equals the one known last (method 7). Where rows form a series on one basis (adjusted
prices), the source is chosen first and for the whole series. Grade D is hearsay: it enters no mart but the claims. A
figure is worth as little as the weakest of its inputs.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from warehouse.tables.table import GRADES, OneSource, Table

WEAKEST = GRADES[-1]


def admissible(frame: pl.DataFrame) -> pl.DataFrame:
    """`frame` without hearsay (grade D)."""
    return frame.filter(pl.col("grade") != WEAKEST)


def select_current(frame: pl.DataFrame, table: Table, key: Sequence[str] | None = None) -> pl.DataFrame:
    """One row of `frame` for each thing: best grade, known last, `table.listed`, loaded last, `table.prefer`, place.

    Of a series that must come from one source, that source's rows only.
    """
    if table.one_source is not None:
        frame = from_one_source(frame, table.one_source)
    listed = [each.expr for each in table.listed]
    best_first = [*map(pl.col, ("grade", "known_on")), *listed]
    best_first += map(pl.col, ("loaded_at", *table.prefer, "document_sha256", "locator"))
    descending = [False, True, *(False for _ in listed), True, *(False for _ in table.prefer), False, False]
    return frame.sort(best_first, descending=descending, maintain_order=True).unique(
        list(key or table.key), keep="first", maintain_order=True
    )


def from_one_source(frame: pl.DataFrame, rule: OneSource) -> pl.DataFrame:
    """`frame` with the rows of one source for each series, as `rule` prefers (and as `Store.create_views` does)."""
    ranks = {source: rank for rank, source in enumerate(rule.preference)}
    sources = frame.group_by(*rule.of, "source").agg(pl.col("grade").max(), pl.col(rule.along).max().alias("\0reach"))
    chosen = (
        sources.with_columns(
            pl.col("source").replace_strict(ranks, default=len(ranks), return_dtype=pl.Int64).alias("\0rank")
        )
        .sort("grade", "\0reach", "\0rank", "source", descending=[False, True, False, False])
        .unique(list(rule.of), keep="first", maintain_order=True)
    )
    return frame.join(chosen.select(*rule.of, "source"), on=[*rule.of, "source"], how="semi", maintain_order="left")


def weakest(*columns: str | pl.Expr) -> pl.Expr:
    """The weakest grade among some columns of a row; null where all are null."""
    return pl.max_horizontal(*columns)


def weakest_of(frame: pl.DataFrame, column: str = "grade") -> str | None:
    """The weakest grade in a column; None where the frame is empty."""
    worst = frame.get_column(column).max() if frame.height else None
    return None if worst is None else str(worst)
