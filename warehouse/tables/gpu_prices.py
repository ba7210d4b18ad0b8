"""Rental prices of accelerators, always for one GPU and one hour.

Offers are quoted for a node, a GPU, a fraction of one or a term. List prices of the large clouds stand three to four
times above those of specialists. An index is somebody's average, and an assumed price is nobody's offer. So class and
kind are part of a row, and only offers enter a median of offers. One offer may be listed twice: it counts once.
"""

from warehouse.tables.columns import GPU_MODEL, NOTE
from warehouse.tables.guide import Guide
from warehouse.tables.promise import COMPUTE, ON_CALL, Promise
from warehouse.tables.table import Check, Column, core

PROVIDER_CLASS_MEANINGS = {
    "hyperscaler": "a general cloud of a big company: Amazon, Microsoft, Google, Oracle",
    "specialist": "a cloud that rents out GPUs, and little else",
    "marketplace": "a place where others offer theirs",
    "index": "a published index of prices",
    "assumption": "a price that a paper assumes, and nobody offers",
}
PRICING_KIND_MEANINGS = {
    "on_demand": "by the hour, at any time, without notice",
    "spot": "by the hour, and taken away when others pay more",
    "reserved_1y": "bound for a year",
    "reserved_3y": "bound for three years",
    "marketplace": "what the owner asks on a marketplace",
    "capacity_block": "booked for some days that are fixed beforehand",
    "index": "as an index is published",
    "assumed": "as a paper assumes it",
}

AROUND_DAYS = 180
NODE = 5.0
"""A price by this factor or more off the median of its chip, class and kind is another thing's. It is a node's (of 8 or
16 GPUs), a part's, or another chip's. The largest true factor that was seen is 4.5 (an old chip, sold out); spot moves
more.
"""
NODE_SPOT = 6.0
OUTLIER_MADS, OUTLIER = 4.0, 3.0
"""An outlier is far from the median by the spread of its own chip and class, and by this factor at least. Where all
offers agree to the cent, the spread alone calls any other price strange.
"""
CHIPS = "gb300|gb200|gh200|b300|b200|h800|h200|h100|a800|a100|v100|l40s|mi355x|mi325x|mi300x|rtx ?[45]090"
TERMS_FROM = {"runpod": "2026-03-24", "vast.ai": "2026-09-01"}
"""Providers whose terms forbid collecting their prices, and the day of those terms. A user with a licence asks them live."""
_FORBIDDEN = " or ".join(
    f"(lower(provider) = '{name}' and observed_on >= date '{day}')" for name, day in TERMS_FROM.items()
)
ENOUGH, FEW = 10, 0.1
SAME, GOES_BACK = 0.02, 0.2
"""What stays is within the first (as a log) of what it was, what goes away is beyond the second."""
_OFFERS = f"""with offers as (
  select *, median(ln(usd_per_gpu_hour)) over w as middle, mad(ln(usd_per_gpu_hour)) over w as spread, count(*) over w as offers
  from {{table}} where provider_class not in ('index', 'assumption') and usd_per_gpu_hour > 0
  window w as (partition by gpu_model, provider_class, pricing_kind order by observed_on
    range between interval {AROUND_DAYS} days preceding and interval {AROUND_DAYS} days following)
), compared as (
  select *, round(exp(middle), 3) as usual_usd_per_gpu_hour, exp(abs(ln(usd_per_gpu_hour) - middle)) as factor,
    abs(ln(usd_per_gpu_hour) - middle) / greatest(1.4826 * spread, 0.1) as mads,
    if(pricing_kind in ('spot', 'marketplace'), {NODE_SPOT}, {NODE}) as limit_factor
  from offers
)"""
_OFFER = """observation_id, provider, instance, gpu_model, gpu_count, region, pricing_kind, observed_on, usd_per_gpu_hour,
  usual_usd_per_gpu_hour, document_sha256, locator"""

TABLE = core(
    "gpu_prices",
    "observed rental prices per GPU-hour",
    [
        Column("observation_id", "text", "identifier of the observation", required=True),
        Column("observed_on", "date", "day the price was read", required=True),
        Column("provider", "text", "who offers, or whose index it is", required=True),
        Column("provider_class", "text", "kind of provider", required=True, allowed=PROVIDER_CLASS_MEANINGS),
        Column("instance", "text", "the provider's name of the offer; the chip where it gave none", required=True),
        GPU_MODEL,
        Column("gpu_count", "integer", "GPUs of the offer; null where not stated", "GPUs", minimum=1, maximum=4096),
        Column("usd_per_gpu_hour", "real", "price of one GPU for one hour", "USD per GPU-hour", True, above=0),
        Column("pricing_kind", "text", "terms of the price", required=True, allowed=PRICING_KIND_MEANINGS),
        Column("region", "text", "region as the provider names it; empty where not stated", required=True),
        NOTE,
    ],
    promise=Promise(COMPUTE, ON_CALL, 2, "days", "newest_fact"),
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
            "terms_allow_it",
            f"source_kind = 'reference' and ({_FORBIDDEN})",
            "the provider's terms forbid collecting its prices from that day on, and a snapshot is passed on to others",
            quarantines=True,
            columns=("provider", "observed_on"),
        ),
        Check(
            "known_once_read",
            "known_on < observed_on",
            "a price cannot have been public before the day it was read",
            quarantines=True,
            columns=("known_on", "observed_on"),
        ),
        Check(
            "chip_as_in_its_name",
            f"""
            with named as (
              select *, regexp_extract_all(lower(instance), '{CHIPS}') as chips_in_the_name from {{table}})
            select observation_id, provider, instance, gpu_model, chips_in_the_name, observed_on, usd_per_gpu_hour,
              document_sha256, locator
            from named where len(chips_in_the_name) > 0
              and len(list_filter(chips_in_the_name, lambda chip: contains(lower(gpu_model), chip))) = 0""",
            "an offer whose own name says another chip would put one chip's price into another's series",
            severity="warning",
            columns=("gpu_model", "instance"),
            quarantines_compared=True,
        ),
        Check(
            "offer_as_before",
            f"""
            with of_each as (
              select provider, instance, split_part(gpu_model, ' ', 1) as chip, provider_class, count(*) as n
              from {{table}} group by all),
            shared as (
              select *, sum(n) over i as of_instance, sum(n) over c as with_this_chip, sum(n) over p as of_provider,
                sum(n) over k as with_this_class,
                arg_max(chip, n) over i as usual_chip, arg_max(provider_class, n) over p as usual_class
              from of_each window i as (partition by provider, instance), c as (partition by provider, instance, chip),
                p as (partition by provider), k as (partition by provider, provider_class))
            select t.observation_id, t.provider, t.instance, t.gpu_model, t.provider_class, t.observed_on, s.usual_chip,
              s.usual_class, t.document_sha256, t.locator
            from {{table}} t join shared s on s.provider = t.provider and s.instance = t.instance
              and s.chip = split_part(t.gpu_model, ' ', 1) and s.provider_class = t.provider_class
            where (s.of_instance >= {ENOUGH} and s.with_this_chip <= {FEW} * s.of_instance)
              or (s.of_provider >= {ENOUGH} and s.with_this_class <= {FEW} * s.of_provider)""",
            "an instance has one chip and a provider one class; the row that says otherwise than the others of it is in the "
            "wrong series",
            severity="warning",
            columns=("gpu_model", "provider_class"),
            quarantines_compared=True,
        ),
        Check(
            "price_goes_back",
            f"""
            with days as (
              select provider, instance, gpu_model, gpu_count, region, pricing_kind, source, observed_on,
                median(usd_per_gpu_hour) as price, min(observation_id) as observation_id,
                min(document_sha256) as document_sha256, min(locator) as locator, count(distinct usd_per_gpu_hour) as prices
              from {{table}} where pricing_kind not in ('spot', 'marketplace') and provider_class not in ('index', 'assumption')
              group by all),
            beside as (
              select *, lag(price) over w as price_before, lead(price) over w as price_after,
                lag(observed_on) over w as before_on, lead(observed_on) over w as after_on,
                max(prices) over (partition by provider, instance, gpu_model, gpu_count, region, pricing_kind, source) as most
              from days window w as (partition by provider, instance, gpu_model, gpu_count, region, pricing_kind, source
                order by observed_on))
            select observation_id, provider, instance, gpu_model, gpu_count, region, pricing_kind, observed_on,
              price as usd_per_gpu_hour, price_before, price_after, before_on, after_on, document_sha256, locator
            from beside where most = 1 and abs(ln(price_after / price_before)) <= {SAME}
              and abs(ln(price / price_before)) >= {GOES_BACK} and after_on - before_on <= {AROUND_DAYS}
            qualify count(*) over (partition by provider, instance, gpu_model, gpu_count, region, pricing_kind, source) = 1""",
            "a price that changes once and is back the next time was of another term, region or currency on that "
            "day, or a misprint. The cheapest of several hosts comes and goes often",
            severity="warning",
            columns=("usd_per_gpu_hour",),
        ),
        Check(
            "price_of_a_node",
            f"{_OFFERS} select {_OFFER} from compared where offers >= 6 and factor >= limit_factor",
            "a price that is a multiple or a fraction of what others ask for the chip is that of a whole node, of a part of "
            "a GPU or of another chip. It moves every median",
            severity="warning",
            columns=("usd_per_gpu_hour", "gpu_count"),
            quarantines_compared=True,
        ),
        Check(
            "outlier_of_its_chip",
            f"{_OFFERS} select {_OFFER} from compared where offers >= 8 and factor < limit_factor "
            f"and factor >= {OUTLIER} and mads >= {OUTLIER_MADS} qualify row_number() over (partition by provider, "
            "instance, gpu_model, gpu_count, region, pricing_kind, source order by observed_on desc) = 1",
            "a price far from what others of its class ask for the chip may be of another chip, term or currency",
            severity="warning",
            columns=("usd_per_gpu_hour", "gpu_model"),
        ),
        Check(
            "price_jumps_by_a_node",
            """with moves as (
              select *, lag(usd_per_gpu_hour) over w as before_usd_per_gpu_hour, lag(observed_on) over w as before_on
              from {table} where pricing_kind not in ('spot', 'marketplace') and provider_class not in ('index', 'assumption')
              window w as (partition by provider, instance, gpu_model, gpu_count, region, pricing_kind, source
                order by observed_on)
            )
            select observation_id, provider, instance, gpu_model, gpu_count, region, pricing_kind, observed_on,
              usd_per_gpu_hour, before_usd_per_gpu_hour, before_on, document_sha256, locator
            from (select *, greatest(usd_per_gpu_hour / before_usd_per_gpu_hour, before_usd_per_gpu_hour / usd_per_gpu_hour)
              as factor from moves)
            where before_on >= observed_on - 400 and list_contains([2, 4, 8, 16, 72], round(factor))
              and abs(factor / round(factor) - 1) < 0.01""",
            "an offer whose price doubles, or grows four- or eightfold to the cent was divided by another number of GPUs",
            severity="warning",
            columns=("usd_per_gpu_hour", "gpu_count"),
        ),
        Check(
            "spot_above_on_demand",
            """select s.observation_id, s.provider, s.instance, s.gpu_model, s.gpu_count, s.region, s.pricing_kind, s.observed_on,
              s.usd_per_gpu_hour, o.usd_per_gpu_hour as on_demand_usd_per_gpu_hour, o.locator as on_demand_locator,
              s.document_sha256, s.locator
            from {table} s join {table} o using (provider, gpu_model, region, observed_on)
            where s.pricing_kind = 'spot' and o.pricing_kind = 'on_demand' and s.gpu_count is not distinct from o.gpu_count
              and s.instance = o.instance and s.usd_per_gpu_hour > o.usd_per_gpu_hour * (1 + 1e-9)
            qualify row_number() over (partition by s.provider, s.instance, s.gpu_model, s.gpu_count, s.region, s.source
              order by s.observed_on desc, o.usd_per_gpu_hour desc) = 1""",
            "nobody pays more for what can be taken away: the two kinds, or two chips, are mixed up",
            severity="warning",
            columns=("usd_per_gpu_hour", "pricing_kind"),
        ),
        Check(
            "chip_has_a_specification",
            r"""select gpu_model, count(*) as offers, min(observed_on) as first, max(observed_on) as last,
              min(document_sha256) as document_sha256, arg_min(locator, observed_on) as locator
            from {table} p where source_kind = 'reference' and not exists (select 1 from core.gpu_specs s
              where list_has_all(string_split(s.gpu_model, ' '), string_split(p.gpu_model, ' ')))
              and exists (select 1 from core.gpu_specs)
            group by gpu_model""",
            "a chip without a specification has a price and no performance. A misspelt one falls out of its own "
            "series (names in live lists are looked up and cannot be misspelt)",
            severity="warning",
            columns=("gpu_model",),
        ),
        Check(
            "priced_before_its_release",
            """select p.observation_id, p.provider, p.gpu_model, p.observed_on, s.released, p.document_sha256, p.locator
            from {table} p join (select gpu_model, min(release_date) as released from {core:gpu_specs} group by all) s
              using (gpu_model) where p.observed_on < s.released - 180""",
            "a chip that could be rented half a year before it was released is another chip, or the day is wrong",
            severity="warning",
            columns=("gpu_model", "observed_on"),
            quarantines_compared=True,
        ),
        Check(
            "provider_vanished",
            """with days as (
              select source, observed_on, row_number() over (partition by source order by observed_on desc) as back
              from (select distinct source, observed_on from {table} where source_kind = 'live')
            ), seen as (
              select source, provider, count(distinct observed_on) filter (back <= 2) as of_last_two,
                count(distinct observed_on) filter (back between 3 and 12) as of_ten_before, max(observed_on) as last_seen_on
              from {table} join days using (source, observed_on) group by all
            )
            select provider, source, last_seen_on, of_ten_before as days_seen_of_ten from seen
            where of_last_two = 0 and of_ten_before >= 8""",
            "a provider that a list had day after day and has no more changed its name, its page or its prices",
            severity="warning",
            columns=("provider", "source"),
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
    guide=Guide(
        "One row for each offer that was seen on a day.",
        "prices: compare middle offers of one model, class and kind of price, as gpu_price_by_month does.",
        {
            "What was asked for an H100 on demand last?": "select observed_on, provider, instance, gpu_count, "
            "usd_per_gpu_hour from gpu_prices where gpu_model = 'H100 SXM' and pricing_kind = 'on_demand' order by "
            "observed_on desc limit 20",
            "How many offers are there of each class?": "select provider_class, pricing_kind, count(*) as offers from "
            "gpu_prices group by all order by all",
            "Who lists most models?": "select provider, count(distinct gpu_model) as models from gpu_prices group by all "
            "order by models desc limit 10",
        },
    ),
)
