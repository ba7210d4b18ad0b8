"""Which of several rows about one thing counts: the order, declared once for Polars (marts) and SQL (views).

Facts are only ever added, so a thing may have many rows: corrected later, said by another source, fetched again. The
row of the better grade counts, among equals the one known last; then whatever makes the choice the same in every
warehouse. A view and a mart that ordered rows each in their own way would one day show two figures for one thing.
"""

from __future__ import annotations

from dataclasses import dataclass

from warehouse.tables.table import Listed, OneSource, Table


@dataclass(frozen=True)
class By:
    """One criterion: a column, or the place in a list. The lowest value goes first unless `highest_first`."""

    of: str | Listed
    highest_first: bool = False


def order_of_rows(table: Table) -> tuple[By, ...]:
    """Of the rows of `table` about one thing, the first in this order is the current one."""
    return (
        By("grade"),
        By("known_on", highest_first=True),
        *map(By, table.listed),
        By("loaded_at", highest_first=True),
        *map(By, table.prefer),
        By("document_sha256"),
        By("locator"),
    )


def order_of_sources(rule: OneSource) -> tuple[By, ...]:
    """Of the sources of one series, the first in this order gives the series.

    `grade` and the column `along` which the series runs stand for their largest value in each source's rows.
    """
    listed = Listed(("source",), tuple((source,) for source in rule.preference))
    return (By("grade"), By(rule.along, highest_first=True), *([By(listed)] if rule.preference else []), By("source"))
