"""Which prices may be compared with each other: those of the same thing, on another day.

A median over whoever is listed falls when a cheap newcomer is listed, though nobody lowered a price. So a price is only
ever compared with an earlier price of the same thing, and what that is depends on the price list. A large cloud names its
instances and keeps the names: there a listing (instance and region) is compared with itself. A specialist's price stands
under whatever name its compiler gave it: there the provider is compared with itself, at its lowest price of the day.
"""

from __future__ import annotations

import polars as pl

from warehouse.marts.gpu.offers import listings
from warehouse.marts.gpu.series import SERIES

BY_LISTING = "hyperscaler"


def item_days(gpu_prices: pl.DataFrame) -> pl.DataFrame:
    """What may be compared with itself: one row for each series, thing (`item`) and day, at its lowest price."""
    rows = listings(gpu_prices)
    own = pl.when(pl.col("provider_class") == BY_LISTING).then(
        pl.concat_str("provider", "instance", "region", separator=" | ", ignore_nulls=True)
    )
    return (
        rows.with_columns(item=own.otherwise(pl.col("provider")))
        .group_by(*SERIES, "provider", "item", "observed_on")
        .agg(pl.col("usd_per_gpu_hour").min(), pl.col("known_on", "grade").max())
        .sort(*SERIES, "observed_on", "provider", "item")
    )


def item_months(gpu_prices: pl.DataFrame) -> pl.DataFrame:
    """One row for each series, month and thing: the median of its days, of those in the best grade (method 7).

    A provider's own list is read anew only when it changed; a compiler's copy of it, read daily and late by weeks at
    times, would outvote it.
    """
    days = item_days(gpu_prices).with_columns(month=pl.col("observed_on").dt.truncate("1mo"))
    return (
        days.filter(pl.col("grade") == pl.col("grade").min().over(*SERIES, "item", "month"))
        .group_by(*SERIES, "provider", "item", "month")
        .agg(pl.col("usd_per_gpu_hour").median(), pl.col("known_on", "grade").max())
        .sort(*SERIES, "month", "provider", "item")
    )
