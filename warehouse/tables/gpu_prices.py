"""Rental prices of accelerators, always for one GPU and one hour.

Offers are quoted for a node, a GPU, a fraction of one or a term; list prices of the large clouds stand three to four times
above those of specialists; an index is somebody's average and an assumed price nobody's offer. So class and kind are
part of a row, and only offers enter a median of offers. One offer may be listed twice: it counts once.
"""

from warehouse.tables.table import Check, Column, core

PROVIDER_CLASSES = ("hyperscaler", "specialist", "marketplace", "index", "assumption")
PRICING_KINDS = (
    "on_demand",
    "spot",
    "reserved_1y",
    "reserved_3y",
    "marketplace",
    "capacity_block",
    "index",
    "assumed",
)

TABLE = core(
    "gpu_prices",
    "observed rental prices per GPU-hour",
    [
        Column("observation_id", "text", "identifier of the observation", required=True),
        Column("observed_on", "date", "day the price was read", required=True),
        Column("provider", "text", "who offers, or whose index it is", required=True),
        Column("provider_class", "text", "kind of provider", required=True, allowed=PROVIDER_CLASSES),
        Column("instance", "text", "the provider's name of the offer; the chip where it gave none", required=True),
        Column("gpu_model", "text", "chip", required=True),
        Column("gpu_count", "integer", "GPUs of the offer; null where not stated", "GPUs", minimum=1, maximum=4096),
        Column("usd_per_gpu_hour", "real", "price of one GPU for one hour", "USD per GPU-hour", True, above=0),
        Column("pricing_kind", "text", "terms of the price", required=True, allowed=PRICING_KINDS),
        Column("region", "text", "region as the provider names it; empty where not stated", required=True),
        Column("note", "text", "what to know about the row"),
    ],
    key=("provider", "instance", "gpu_count", "region", "pricing_kind", "observed_on"),
    identity=("observation_id",),
    prefer=("usd_per_gpu_hour",),
    checks=(
        Check(
            "plausible_for_the_chip",
            """usd_per_gpu_hour not between
               coalesce((select low_usd_per_gpu_hour from bounds.gpu_prices where gpu_model = {row}.gpu_model),
                        (select low_usd_per_gpu_hour from bounds.gpu_prices where gpu_model = '*')) and
               coalesce((select high_usd_per_gpu_hour from bounds.gpu_prices where gpu_model = {row}.gpu_model),
                        (select high_usd_per_gpu_hour from bounds.gpu_prices where gpu_model = '*'))""",
            "a node's price taken for a GPU's, or cents for dollars, moves every median",
            quarantines=True,
            columns=("usd_per_gpu_hour", "gpu_model"),
        ),
        Check(
            "an_index_is_not_an_offer",
            "(provider_class = 'assumption') <> (pricing_kind = 'assumed') or "
            "(pricing_kind = 'index' and provider_class <> 'index')",
            "an index or an assumed price must never enter a median of offers",
            quarantines=True,
            columns=("provider_class", "pricing_kind"),
        ),
    ),
)
