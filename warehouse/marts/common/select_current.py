"""Which of several rows about one thing counts, and what a figure made of several facts is worth.

The better grade counts, among equals the one known last (method 7). Where rows form a series on one basis (adjusted
prices), the source is chosen first and for the whole series. `warehouse.tables.current` declares both orders, and the
views of the warehouse follow the same. Grade D is hearsay: it enters no mart but the claims. A figure is worth as
little as the weakest of its inputs.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from warehouse.tables.current import By, order_of_rows, order_of_sources
from warehouse.tables.table import GRADES, OneSource, Table

WEAKEST = GRADES[-1]


def admissible(frame: pl.DataFrame) -> pl.DataFrame:
    """`frame` without hearsay (grade D)."""
    return frame.filter(pl.col("grade") != WEAKEST)


def select_current(frame: pl.DataFrame, table: Table, key: Sequence[str] | None = None) -> pl.DataFrame:
    """The current row of each thing (each value of `key`), the best in the order of `table` first.

    Of a series that must come from one source, that source's rows only.
    """
    if table.one_source is not None:
        frame = from_one_source(frame, table.one_source)
    return _first_of_each(frame, list(key or table.key), order_of_rows(table))


def from_one_source(frame: pl.DataFrame, rule: OneSource) -> pl.DataFrame:
    """`frame` with the rows of one source for each series, as `rule` prefers."""
    sources = frame.group_by(*rule.of, "source").agg(pl.col("grade", rule.along).max())
    chosen = _first_of_each(sources, list(rule.of), order_of_sources(rule))
    return frame.join(chosen.select(*rule.of, "source"), on=[*rule.of, "source"], how="semi", maintain_order="left")


def _first_of_each(frame: pl.DataFrame, key: list[str], order: Sequence[By]) -> pl.DataFrame:
    names = [f"by {place}" for place in range(len(order))]
    criteria = {
        name: pl.col(by.of) if isinstance(by.of, str) else by.of.expr for name, by in zip(names, order, strict=True)
    }
    highest_first = [by.highest_first for by in order]
    # Sorted without the other columns, of which a whole market's prices have more than memory should hold twice.
    places = frame.select(*key, several=pl.len().over(key) > 1, **criteria).with_row_index("place")
    rivals = places.filter("several")
    for name, highest in zip([*names, "place"], [*highest_first, False], strict=True):
        if rivals[name].n_unique() > 1:
            best = pl.col(name).max() if highest else pl.col(name).min()
            rivals = rivals.filter(pl.col(name).eq_missing(best.over(key)))
    # Those that remain are one of each thing. To sort all rows by every criterion, most of them text, took far longer.
    chosen = pl.concat([places.filter(~pl.col("several")), rivals])
    ordered = chosen.sort([*names, "place"], descending=[*highest_first, False], nulls_last=True)
    return frame[ordered["place"]]


def weakest(*columns: str | pl.Expr) -> pl.Expr:
    """The weakest grade among some columns of a row; null where all are null."""
    return pl.max_horizontal(*columns)


def weakest_of(frame: pl.DataFrame, column: str = "grade") -> str | None:
    """The weakest grade in a column; None where the frame is empty."""
    worst = frame.get_column(column).max() if frame.height else None
    return None if worst is None else str(worst)
