"""The chained index held against histories of rents that others publish: month by month, where both have the month.

A compiler's chained index can go wrong without looking wrong: a wrong match, a stale list, one provider too many. The only
outside check is an index that somebody else makes from other readings. Levels differ (others weigh by volume, or leave
providers out), so changes are compared: how far the published index moved between two of its readings, and how far the
chain of the same chip and terms moved between the same months.

Contracts, marketplaces and list prices move differently: in the second half of 2025 contracts fell while list prices did
not. So an index is held against the chain of its own terms (`published_indexes` of the assumptions file says which).
"""

from __future__ import annotations

import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.common.columns import KNOWN_ON
from warehouse.marts.common.mart import Mart, Trace
from warehouse.marts.common.reasons import all_of, because
from warehouse.marts.common.select_current import admissible, weakest
from warehouse.marts.gpu.series import GPU_MODEL, PRICING_KIND
from warehouse.tables.guide import Guide
from warehouse.tables.table import Check, Column, mart

CLASS = "specialist"

TABLE = mart(
    "gpu_price_comparison",
    "changes of published rental price indexes against those of the chained index between the same months",
    [
        Column("published_index", "text", "whose index it is", required=True),
        GPU_MODEL,
        PRICING_KIND,
        Column("from_month", "date", "first day of the month of the earlier reading", required=True),
        Column("to_month", "date", "first day of the month of the later reading", required=True),
        Column(
            "published_from_usd_per_gpu_hour", "real", "the published index then", "USD per GPU-hour", True, above=0
        ),
        Column("published_to_usd_per_gpu_hour", "real", "the published index later", "USD per GPU-hour", True, above=0),
        Column(
            "chain_from_usd_per_gpu_hour", "real", "the chained index then, as a price", "USD per GPU-hour", above=0
        ),
        Column("chain_to_usd_per_gpu_hour", "real", "the chained index later, as a price", "USD per GPU-hour", above=0),
        Column("published_change_log_points", "real", "log change of the published index", "log points", required=True),
        Column("chain_change_log_points", "real", "log change of the chained index", "log points"),
        Column("difference_log_points", "real", "change of the chain less that of the published index", "log points"),
        Column("n_matched_providers", "integer", "providers behind the chain's later month", "providers", minimum=0),
        KNOWN_ON,
    ],
    key=("published_index", "gpu_model", "pricing_kind", "to_month"),
    checks=(
        Check(
            "difference_is_of_the_two_changes",
            "select * from {table} where abs(difference_log_points - chain_change_log_points + published_change_log_points) "
            "> 1e-9 or from_month >= to_month",
            "the difference and the changes beside it must say the same",
        ),
        Check(
            "moves_with_published_histories",
            "select * from {table} where abs(difference_log_points) > 0.15",
            "a chained index that moves by a sixth more or less than an index of others has a wrong match or a stale list, "
            "or measures something else",
            severity="warning",
        ),
    ),
    guide=Guide(
        "One row for each published index and pair of months.",
        "",
        {
            "Does our chain move as published indexes do?": "select published_index, from_month, to_month, "
            "published_change_log_points, chain_change_log_points, difference_log_points from gpu_price_comparison",
            "Which published prices are these?": "select published_index, published_from_usd_per_gpu_hour, "
            "published_to_usd_per_gpu_hour from gpu_price_comparison",
            "How many providers stand behind ours?": "select published_index, n_matched_providers from gpu_price_comparison",
        },
    ),
)


def build(gpu_prices: pl.DataFrame, gpu_price_chain: pl.DataFrame, *, assumptions: Assumptions) -> pl.DataFrame:
    """One row for each published index and pair of its readings in neighbouring months with one (log points)."""
    published = _published(gpu_prices, assumptions)
    chain = gpu_price_chain.filter(pl.col("provider_class") == CLASS).select(
        "gpu_model", "pricing_kind", "month", "n_matched_providers", "usd_per_gpu_hour", "known_on", "grade"
    )
    key = ["gpu_model", "pricing_kind"]
    both = published.join(
        chain.rename({"month": "to_month", "usd_per_gpu_hour": "chain_to_usd_per_gpu_hour"}),
        on=[*key, "to_month"], how="left", suffix="_of_chain",
    ).join(
        chain.select(*key, from_month="month", chain_from_usd_per_gpu_hour="usd_per_gpu_hour"),
        on=[*key, "from_month"], how="left",
    )  # fmt: skip
    moved = pl.col("chain_to_usd_per_gpu_hour") / pl.col("chain_from_usd_per_gpu_hour")
    stated = pl.col("published_to_usd_per_gpu_hour") / pl.col("published_from_usd_per_gpu_hour")
    none = because("no_chain_between", gpu_model=pl.col("gpu_model"), pricing_kind=pl.col("pricing_kind"))
    return both.with_columns(
        published_change_log_points=stated.log(),
        chain_change_log_points=moved.log(),
        difference_log_points=moved.log() - stated.log(),
        known_on=pl.max_horizontal("known_on", "known_on_of_chain"),
        grade=weakest("grade", "grade_of_chain"),
        reasons=all_of(pl.when(moved.is_null()).then(none)),
    ).select(name for name in TABLE.names if name != "reason")


def _published(gpu_prices: pl.DataFrame, assumptions: Assumptions) -> pl.DataFrame:
    """Each named index by pairs of months: the median of its readings of a month beside that of its month before."""
    named = assumptions.value("published_indexes")
    about = pl.DataFrame(
        [(name, each["published_as"], each["gpu_model"], each["pricing_kind"]) for name, each in named.items()],
        schema=dict.fromkeys(("published_index", "published_as", "gpu_model", "pricing_kind"), pl.String),
        orient="row",
    )
    index, month = pl.col("published_index"), pl.col("observed_on").dt.truncate("1mo")
    return (
        admissible(gpu_prices)
        .filter(pl.col("provider_class") == "index")
        .select(
            "usd_per_gpu_hour",
            "known_on",
            "grade",
            published_index="provider",
            published_as="gpu_model",
            to_month=month,
        )
        .join(about, on=["published_index", "published_as"], how="inner")
        .group_by("published_index", "gpu_model", "pricing_kind", "to_month")
        .agg(pl.col("usd_per_gpu_hour").median(), pl.col("known_on", "grade").max())
        .sort("published_index", "to_month")
        .with_columns(
            from_month=pl.col("to_month").shift(1).over(index),
            published_from_usd_per_gpu_hour=pl.col("usd_per_gpu_hour").shift(1).over(index),
            known_on=pl.max_horizontal("known_on", pl.col("known_on").shift(1).over(index)),
            grade=weakest("grade", pl.col("grade").shift(1).over(index)),
        )
        .rename({"usd_per_gpu_hour": "published_to_usd_per_gpu_hour"})
        .filter(pl.col("from_month").is_not_null())
    )


MART = Mart(
    table=TABLE,
    build=build,
    traces=(
        Trace(
            "core.gpu_prices",
            "t.provider = m.published_index and date_trunc('month', t.observed_on) in (m.from_month, m.to_month)",
        ),
        Trace(
            "marts.gpu_price_chain",
            f"t.gpu_model = m.gpu_model and t.pricing_kind = m.pricing_kind and t.provider_class = '{CLASS}' "
            "and t.month in (m.from_month, m.to_month)",
        ),
    ),
)
