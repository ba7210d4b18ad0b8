"""Which of several filed figures of one thing counts: the best grade, then the one known last, then the tag listed first.

This is the order of method 7, as `select_current` has it, for figures that are chosen tag by tag: two tags of a measure
are two series, so a tag's rows are first chosen among themselves.
"""

from __future__ import annotations

import polars as pl

from warehouse.marts.capex.measures import INSTANTS
from warehouse.tables.company_facts import TABLE as COMPANY_FACTS

SERIES = ["ticker", "measure", "tag"]
# The best row of one thing first (True for descending), and the same one whatever the order in which rows arrive.
BEST_FIRST = {
    "grade": False, "known_on": True, "loaded_at": True, "document_sha256": False, "locator": False,
    "accession": False, "form": False, "citation": False, "value_usd": False,
}  # fmt: skip
# The place of a row's tag in the order of preference.
LISTED_FIRST = {f"tag_place_{n}": False for n in range(len(COMPANY_FACTS.listed))}


def tag_places() -> list[pl.Expr]:
    return [each.expr.alias(name) for name, each in zip(LISTED_FIRST, COMPANY_FACTS.listed, strict=True)]


def in_order(frame: pl.DataFrame, order: dict[str, bool]) -> pl.DataFrame:
    """`frame` sorted by columns, each descending or not."""
    return frame.sort(list(order), descending=list(order.values()), maintain_order=True)


def last_known(basis: pl.DataFrame) -> pl.DataFrame:
    """One row for each tag and period: best grade, then known last."""
    period = [*SERIES, "begin", "end"]
    return in_order(basis, BEST_FIRST).unique(period, keep="first", maintain_order=True)


def at_quarter_ends(facts: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Figures at the ends of the quarters: best grade, on that very day, known last, under the tag listed first."""
    at = facts.filter(pl.col("measure").is_in(list(INSTANTS)) & pl.col("period_start").is_null())
    order = {"grade": False, "is_away": False, "known_on": True} | LISTED_FIRST | BEST_FIRST
    placed = at.join(rows.select("ticker", "end", quarter_end="period_end"), on=["ticker", "end"]).with_columns(
        *tag_places(), is_away=pl.col("period_end") != pl.col("quarter_end")
    )
    return (
        in_order(placed, order)
        .unique(["ticker", "measure", "end"], keep="first", maintain_order=True)
        .select(*SERIES, "end", "value_usd", "period_start", "grade", "known_on", fact_ids=pl.concat_list("fact_id"))
    )
