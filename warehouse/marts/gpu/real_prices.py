"""Prices in dollars of one month: a rent that stands still while other prices rise has fallen.

The deflator is the US consumer price index (not seasonally adjusted, never revised). A month's index is published in the
month after, and October 2025 was never published. Nobody may invent one: such a month is deflated by the last month known
before it, which `cpi_month` names, as far back as a quarter. In a quarter consumer prices moved by less than a per cent.
"""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from warehouse.marts.common.select_current import admissible, select_current
from warehouse.tables.consumer_prices import TABLE as CONSUMER_PRICES

LONGEST_GAP = timedelta(
    days=92
)  # no judgement on an answer: a month without an index so near has no real price but a reason


def with_deflator(rows: pl.DataFrame, consumer_prices: pl.DataFrame, day: str) -> pl.DataFrame:
    """`rows` with `cpi` (index), `cpi_month` (the month that it is of), `cpi_known_on` and `cpi_grade`; null where unknown.

    `day` names the column whose month counts. The order of the rows is kept.
    """
    of_month = (
        select_current(admissible(consumer_prices), CONSUMER_PRICES)
        .select(cpi_month="month", cpi="index_value", cpi_known_on="known_on", cpi_grade="grade")
        .sort("cpi_month")
        .with_columns(_from="cpi_month")
    )
    months = rows.select(_month=pl.col(day).dt.truncate("1mo")).unique().drop_nulls().sort("_month")
    found = months.join_asof(of_month, left_on="_month", right_on="_from", strategy="backward", tolerance=LONGEST_GAP)
    return (
        rows.with_columns(_month=pl.col(day).dt.truncate("1mo"))
        .join(found.drop("_from", strict=False), on="_month", how="left", maintain_order="left")
        .drop("_month")
    )
