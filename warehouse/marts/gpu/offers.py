"""The rental offers that count, each once: one provider, chip, class, kind and day (method 3).

A price list repeats itself. The same chip stands there as a node of one, two, four and eight GPUs and in thirty
regions. A compiler lists one offer twice, and two compilers spell one provider in two ways. A median over such rows
would be a median over the longest price lists. So all rows of one provider, chip, class, kind and day are one offer, at
the lowest price per GPU. Averages of others, assumed prices and hearsay (grade D) are no offers and are not here.

The key of `core.gpu_prices` does not hold the chip, and some providers name an offer "8x" or "spot pools" for every
chip, so rows speak of the same thing only where chip and class agree too.
"""

from __future__ import annotations

import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.common.columns import KNOWN_ON
from warehouse.marts.common.mart import Mart, Trace
from warehouse.marts.gpu.listings import OFFER, listings
from warehouse.marts.gpu.same_things import administered, item_days
from warehouse.marts.gpu.series import GPU_MODEL, OF_THE_SERIES, PRICING_KIND, PROVIDER_CLASS
from warehouse.tables.guide import Guide
from warehouse.tables.table import Check, Column, mart

# SQL: a provider's name (to be filled in) without what two spellings of it differ in; `one_spelling` does the same.
_SPELT = "lower(regexp_replace({}, '[^A-Za-z0-9]', '', 'g'))"

TABLE = mart(
    "offers",
    "rental offers, each once at its lowest price per GPU: no index, no assumed price, no hearsay",
    [
        Column("provider", "text", "who offers, in one spelling", required=True),
        PROVIDER_CLASS,
        GPU_MODEL,
        PRICING_KIND,
        Column("observed_on", "date", "day the price was read", required=True),
        Column(
            "usd_per_gpu_hour", "real", "lowest listed price of one GPU for one hour", "USD per GPU-hour", True, above=0
        ),
        Column("observation_id", "text", "observation whose price it is", required=True),
        Column(
            "n_listed",
            "integer",
            "listings that are this one offer: sizes, regions, duplicates",
            "rows",
            True,
            minimum=1,
        ),
        Column(
            "is_administered",
            "flag",
            "whether the provider's price has stood at every reading of a year or more: a list price that no market moves",
            required=True,
        ),
        KNOWN_ON,
    ],
    key=OFFER,
    checks=(
        Check(
            "one_spelling_a_provider",
            f"select {_SPELT.format('provider')} as name from {{table}} "
            "group by name having count(distinct provider) > 1",
            "one provider in two spellings would count as two providers",
        ),
        Check(
            "prices_of_facts",
            "select * from {table} t where not exists (select 1 from core.gpu_prices p where p.observation_id = "
            "t.observation_id and p.usd_per_gpu_hour = t.usd_per_gpu_hour and p.grade <> 'D')",
            "a price that no observation has was made up on the way",
        ),
    ),
    guide=Guide(
        "One row for each offer that the indexes of rents use.",
        "prices: ask gpu_price_by_month for the middle of them.",
        {
            "Which offers make the newest H100 price?": "select provider, observed_on, usd_per_gpu_hour from offers where "
            "gpu_model = 'H100 SXM' and pricing_kind = 'on_demand' order by observed_on desc limit 20",
            "Which prices are set and not found by a market?": "select provider, gpu_model, observed_on, usd_per_gpu_hour "
            "from offers where is_administered limit 10",
            "How many offers has each month?": "select date_trunc('month', observed_on) as month, count(*) as offers from "
            "offers group by all order by all",
        },
    ),
)


def build(gpu_prices: pl.DataFrame, *, assumptions: Assumptions) -> pl.DataFrame:
    """One row for each offer; prices in USD per GPU-hour (method 3).

    Among listings of different grades the better ones count (method 7): an aggregator's stale copy does not undercut the
    provider's own list. `known_on` is the latest of those, since the lowest price rests on all of them.
    """
    rows = listings(gpu_prices).with_columns(n_rows=pl.col("n_rows").sum().over(OFFER))
    stands = administered(item_days(gpu_prices), assumptions.integer("administered_days"))
    offers = (
        rows.sort("usd_per_gpu_hour", "grade", "known_on", "observation_id")
        .group_by(OFFER, maintain_order=True)
        .agg(
            pl.col("usd_per_gpu_hour", "observation_id").first(),
            pl.col("n_rows").first().alias("n_listed"),
            pl.col("known_on", "grade").max(),
        )
    )
    return offers.join(stands, on=OFFER, how="left", maintain_order="left")


MART = Mart(
    table=TABLE,
    build=build,
    traces=(
        Trace(
            "core.gpu_prices",
            f"{OF_THE_SERIES} "
            "and t.observed_on = m.observed_on and t.known_on <= m.known_on and t.grade = m.grade "
            f"and {_SPELT.format('t.provider')} = {_SPELT.format('m.provider')}",
        ),
    ),
)
