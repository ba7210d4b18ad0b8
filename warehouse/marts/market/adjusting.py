"""An adjusted series rebuilt from closes and the facts of splits and dividends, as of any date.

A vendor's adjusted prices are as of the day of its answer: a later split divides all of them, a later dividend lowers
all of them. What a reader saw on an earlier day is rebuilt here from what does not change, the close and what was
paid and split since. It is also how a vendor's own adjustment is checked.
"""

from __future__ import annotations

from datetime import date

import polars as pl


def adjusted(bars: pl.DataFrame, actions: pl.DataFrame, *, basis: date, as_of: date) -> pl.DataFrame:
    """`ticker`, `date`, `close` and `adj_close` (USD) of the bars until `as_of`, adjusted as of that date.

    `bars` (`ticker`, `date`, `close`) are split-adjusted as of `basis`, and so are the dividends in `actions`
    (`ticker`, `date`, `kind`, `value`: new shares for an old one, dollars for a share). Actions on `as_of` count.

    close(d) = given close(d) x splits in (max(d, as_of), basis], where basis is later than as_of (else divided);
    adj_close(d) = close(d) x product over dividends D with ex-day in (d, as_of] of (1 - D / close of the day before),
    as the Center for Research in Security Prices (CRSP) defines it and Yahoo Finance computes it.
    """
    splits = actions.filter(pl.col("kind") == "split").select("ticker", pl.col("date").alias("on"), "value")
    paid = actions.filter((pl.col("kind") == "dividend") & (pl.col("date") <= as_of))
    given = bars.select("ticker", "date", "close").sort("ticker", "date").with_columns(given=pl.col("close"))
    before = given.select("ticker", pl.col("date").alias("before"), pl.col("close").alias("close_before"))
    # Of a dividend that no bar comes before, nothing is known to lower.
    factors = (
        paid.select("ticker", pl.col("date").alias("on"), "value")
        .sort("on")
        .join_asof(
            before.sort("before"),
            left_on="on",
            right_on="before",
            by="ticker",
            allow_exact_matches=False,
            check_sortedness=False,
        )
        .filter(pl.col("close_before").is_not_null())
        .select("ticker", "on", value=1 - pl.col("value") / pl.col("close_before"))
    )
    low, high = min(basis, as_of), max(basis, as_of)
    rebased = splits.filter(pl.col("on").is_between(low, high, closed="right"))
    split = _product_after(given, rebased)
    ratio = split if basis > as_of else 1 / split
    return (
        given.with_columns(close=pl.col("given") * ratio)
        .with_columns(adj_close=pl.col("close") * _product_after(given, factors))
        .filter(pl.col("date") <= as_of)
        .select("ticker", "date", "close", "adj_close")
    )


def _product_after(bars: pl.DataFrame, events: pl.DataFrame) -> pl.Series:
    """For each bar the product of `value` of its ticker's events that come `on` a later day; 1 where there is none."""
    numbered = bars.select("ticker", "date").with_row_index("place")
    found = (
        numbered.join(events, on="ticker")
        .filter(pl.col("on") > pl.col("date"))
        .group_by("place")
        .agg(pl.col("value").product())
    )
    return numbered.join(found, on="place", how="left", maintain_order="left")["value"].fill_null(1.0)
