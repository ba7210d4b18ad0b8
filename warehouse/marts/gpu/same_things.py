"""Which prices may be compared with each other: those of the same thing, on another day.

A median over whoever is listed falls when a cheap newcomer is listed, though nobody lowered a price. So a price is only
ever compared with an earlier price of the same thing, and what that is depends on the price list. A large cloud names its
instances and keeps the names: there a listing (instance and region) is compared with itself. A specialist's price stands
under whatever name its compiler gave it: there a provider's size of node is compared with itself, at its lowest price of
the day. Sizes are apart because a single GPU costs more than an eighth of a node of eight: where a compiler reads one size
in spring and another in summer, no price has moved.

Some list prices stand still for years while the market moves. Such a price is `administered`: it says what a provider
asks of those who do not negotiate, and its standing still is no sign of a steady market.
"""

from __future__ import annotations

import polars as pl

from warehouse.marts.common.kept import Kept
from warehouse.marts.gpu.listings import OFFER, listings
from warehouse.marts.gpu.series import SERIES

BY_LISTING = "hyperscaler"


def item_days(gpu_prices: pl.DataFrame) -> pl.DataFrame:
    """What may be compared with itself: one row for each series, thing (`item`) and day, at its lowest price."""
    return _ITEM_DAYS.get((gpu_prices,), lambda: _item_days(gpu_prices))


_ITEM_DAYS: Kept[pl.DataFrame] = Kept(most=1)
_ADMINISTERED: Kept[pl.DataFrame] = Kept(most=1)
"""Those of the prices that were asked about last: four marts compare things with themselves, two ask what stands still."""


def _item_days(gpu_prices: pl.DataFrame) -> pl.DataFrame:
    rows = listings(gpu_prices)
    own = pl.when(pl.col("provider_class") == BY_LISTING).then(
        pl.concat_str("provider", "instance", "region", separator=" | ", ignore_nulls=True)
    )
    of_size = pl.concat_str(pl.col("provider"), pl.lit(" x "), pl.col("gpu_count").cast(pl.String).fill_null("?"))
    return (
        rows.with_columns(item=own.otherwise(of_size))
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


def administered(days: pl.DataFrame, least_days: int) -> pl.DataFrame:
    """For each offer (provider, chip, class, kind and day) of `item_days`: whether its price is administered.

    That is so where one of the provider's things has had one price at every reading of `least_days` or more, and none of
    those read on the day has moved within that time.
    """
    return _ADMINISTERED.get((days, least_days), lambda: _administered(days, least_days))


def _administered(days: pl.DataFrame, least_days: int) -> pl.DataFrame:
    thing = (*SERIES, "item")
    price, day = pl.col("usd_per_gpu_hour"), pl.col("observed_on")
    same = days.sort(*thing, "observed_on").with_columns(
        stands_since=pl.when(price.ne_missing(price.shift(1).over(thing))).then(day)
    )
    runs = same.with_columns(pl.col("stands_since").forward_fill().over(thing), seen_since=day.min().over(thing))
    stood = (day - pl.col("stands_since")).dt.total_days() >= least_days
    moved = (pl.col("stands_since") > pl.col("seen_since")) & ~stood
    return runs.group_by(OFFER).agg(is_administered=stood.any() & ~moved.any())
