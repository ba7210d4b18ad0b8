"""Which rows of the price lists are offers, and which of them are one listing.

Averages of others, assumed prices and hearsay (grade D) are no offers. Compilers spell one provider in several ways, and
read one listing more than once a day.
"""

from __future__ import annotations

import polars as pl

from warehouse.marts.common.kept import Kept
from warehouse.marts.common.select_current import admissible, select_current
from warehouse.marts.gpu.series import CLASSES, KINDS
from warehouse.tables.gpu_prices import TABLE as GPU_PRICES

OFFER = ("provider", "gpu_model", "provider_class", "pricing_kind", "observed_on")


def listings(gpu_prices: pl.DataFrame) -> pl.DataFrame:
    """The rows of `core.gpu_prices` that are offers, each listing of a day once; `n_rows` says how often it was read.

    Of an offer listed in several grades, the listings of the better one alone (method 7).
    """
    return _LISTINGS.get((gpu_prices,), lambda: _listings(gpu_prices))


_LISTINGS: Kept[pl.DataFrame] = Kept(most=1)
"""Those of the prices that were asked about last: every mart of prices begins with them."""


def _listings(gpu_prices: pl.DataFrame) -> pl.DataFrame:
    rows = admissible(gpu_prices).filter(pl.col("provider_class").is_in(CLASSES) & pl.col("pricing_kind").is_in(KINDS))
    listing = (*GPU_PRICES.key, "gpu_model", "provider_class")
    rows = one_spelling(rows)
    if rows["grade"].n_unique() > 1:
        rows = rows.filter(pl.col("grade") == pl.col("grade").min().over(OFFER))
    return select_current(rows.with_columns(n_rows=pl.len().over(listing)), GPU_PRICES, listing)


def one_spelling(rows: pl.DataFrame) -> pl.DataFrame:
    """`rows` with each `provider` in one spelling: names that differ in case, blanks or signs only are one provider.

    Of several spellings the first in alphabetical order stands, capitals first (`Voltage Park` for `voltagepark`).
    """
    name = pl.col("provider").str.to_lowercase().str.replace_all(r"[^a-z0-9]", "")
    spelt = rows.select("provider").unique().with_columns(one=pl.col("provider").min().over(name))
    return rows.with_columns(pl.col("provider").replace_strict(spelt["provider"], spelt["one"]))
