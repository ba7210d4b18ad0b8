"""What a GPU costs to rent, month by month: quartiles over providers, for each chip, class and kind.

Some price lists are read every day and some twice a year. Were every reading a vote, the index would be the price of
whoever is read most often. So each provider has one value a month, the median of its offers in that month, and the
quartiles are taken over providers. `n_offers` says how many readings there were, `n_providers` how many voted.

A single listing is not a market. A cell with fewer than three providers has no median but the reason (method 9); its
offers stand in `offers`. Of the providers that voted, `n_administered` have not moved their price for a year.

The levels here move with who happens to be listed. `gpu_price_chain` compares each thing with itself instead.
"""

from __future__ import annotations

import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.common.columns import KNOWN_ON, says_why
from warehouse.marts.common.mart import Mart, Trace
from warehouse.marts.common.reasons import all_of, because
from warehouse.marts.common.select_current import weakest
from warehouse.marts.gpu.real_prices import with_deflator
from warehouse.marts.gpu.series import MONTH, N_ADMINISTERED, OF_THE_SERIES, SERIES, SERIES_COLUMNS, per_peak
from warehouse.tables.formula import Formula
from warehouse.tables.guide import Guide
from warehouse.tables.table import Check, Column, mart

TABLE = mart(
    "gpu_price_index",
    "rental price per GPU-hour by month, chip, class and kind: quartiles over providers, each with one value",
    [
        MONTH,
        *SERIES_COLUMNS,
        Column("n_offers", "integer", "offers read in the month", "offers", required=True, minimum=1),
        Column("n_providers", "integer", "providers that they are of", "providers", required=True, minimum=1),
        N_ADMINISTERED,
        Column(
            "p25_usd_per_gpu_hour",
            "real",
            "lower quartile over providers, linear between two; null below three providers",
            "USD per GPU-hour",
            above=0,
            formula=Formula(
                "lower quartile over providers, each with the median of its offers in the month",
                "quartile 1 of providers",
                "9",
                assumptions=("index_minimum_providers",),
            ),
        ),
        Column(
            "median_usd_per_gpu_hour",
            "real",
            "median over providers; null below three of them",
            "USD per GPU-hour",
            above=0,
            formula=Formula(
                "median over providers, each with the median of its offers in the month",
                "median of providers",
                "9",
                assumptions=("index_minimum_providers",),
            ),
        ),
        Column(
            "p75_usd_per_gpu_hour",
            "real",
            "upper quartile over providers, linear between two; null below three providers",
            "USD per GPU-hour",
            above=0,
            formula=Formula(
                "upper quartile over providers, each with the median of its offers in the month",
                "quartile 3 of providers",
                "9",
                assumptions=("index_minimum_providers",),
            ),
        ),
        Column(
            "median_usd_per_pflop_hour",
            "real",
            "median price of a thousand dense BF16 TFLOP/s for an hour",
            "USD per PFLOP/s-hour",
            above=0,
            formula=Formula(
                "median price over the chip's dense BF16 peak", "median / (dense BF16 TFLOP/s / 1000)", "7"
            ),
        ),
        Column(
            "median_real_usd_per_gpu_hour",
            "real",
            "the median in dollars of `dollars_of`",
            "USD per GPU-hour",
            above=0,
            formula=Formula(
                "the median in dollars of the last month with consumer prices known",
                "median × index of that month / index of the month",
                "7",
            ),
        ),
        Column("cpi_month", "date", "month whose consumer prices deflate it"),
        Column("dollars_of", "date", "month whose dollars the real median is in: the last with consumer prices known"),
        KNOWN_ON,
    ],
    key=("month", *SERIES),
    checks=(
        Check(
            "quartiles_in_order",
            "select * from {table} where p25_usd_per_gpu_hour > median_usd_per_gpu_hour "
            "or median_usd_per_gpu_hour > p75_usd_per_gpu_hour",
            "a lower quartile above the median is a mistake in the arithmetic",
        ),
        Check(
            "no_more_providers_than_offers",
            "select * from {table} where n_providers > n_offers or n_administered > n_providers",
            "each provider that counts made an offer in the month",
        ),
        Check(
            "first_day_of_the_month",
            "select * from {table} where day(month) <> 1",
            "two days of one month would be two rows of it",
        ),
        says_why(
            "unknown_says_why",
            "median_usd_per_pflop_hour is null or median_usd_per_gpu_hour is null or median_real_usd_per_gpu_hour is null",
            "nobody can look for a figure whose reason is missing too",
        ),
    ),
    guide=Guide(
        "One row for each month, GPU model, class of provider and kind of price.",
        "n_offers over months: most offers are the same again. A mean of medians over models is no price.",
        {
            "What did an H100 SXM cost at specialists?": "select month, n_providers, median_usd_per_gpu_hour from "
            "gpu_price_index where gpu_model = 'H100 SXM' and provider_class = 'specialist' and pricing_kind = "
            "'on_demand' order by month",
            "What is cheapest for its speed?": "select month, gpu_model, provider_class, median_usd_per_pflop_hour from "
            "gpu_price_index where median_usd_per_pflop_hour is not null order by month desc, median_usd_per_pflop_hour "
            "limit 10",
            "Which months lack a price, and why?": "select month, n_providers, reason from gpu_price_index where "
            "gpu_model = 'H100 SXM' and provider_class = 'hyperscaler' and median_usd_per_gpu_hour is null",
        },
    ),
)


def build(
    offers: pl.DataFrame,
    gpu_specs: pl.DataFrame,
    consumer_prices: pl.DataFrame,
    *,
    assumptions: Assumptions,
) -> pl.DataFrame:
    """One row for each month and series with an offer (USD per GPU-hour; months by the day the price was read).

    Quartiles interpolate linearly between the two nearest providers (Hyndman and Fan 1996, type 7).
    """
    price, least = pl.col("usd_per_gpu_hour"), assumptions.integer("index_minimum_providers")
    enough = pl.col("n_providers") >= least
    quartiles = ("p25_usd_per_gpu_hour", "median_usd_per_gpu_hour", "p75_usd_per_gpu_hour")
    by_month = (
        provider_months(offers)
        .group_by("month", *SERIES)
        .agg(
            pl.col("n_offers").sum(),
            n_providers=pl.len(),
            n_administered=pl.col("is_administered").sum(),
            p25_usd_per_gpu_hour=price.quantile(0.25, "linear"),
            median_usd_per_gpu_hour=price.median(),
            p75_usd_per_gpu_hour=price.quantile(0.75, "linear"),
            known_on=pl.col("known_on").max(),
            grade=pl.col("grade").max(),
        )
        .with_columns(pl.when(enough).then(pl.col(*quartiles)))
        .with_columns(
            reasons=all_of(
                pl.when(~enough).then(because("too_few_providers", providers=pl.col("n_providers"), minimum=least))
            )
        )
    )
    priced = per_peak(by_month, gpu_specs, "median_usd_per_gpu_hour", "median_usd_per_pflop_hour")
    return _in_last_dollars(priced, consumer_prices)


def _in_last_dollars(rows: pl.DataFrame, consumer_prices: pl.DataFrame) -> pl.DataFrame:
    """`rows` with the real median, in dollars of the last month whose consumer prices are known."""
    median = pl.col("median_usd_per_gpu_hour")
    deflated = with_deflator(rows, consumer_prices, "month")
    last = with_deflator(consumer_prices.select(month=pl.col("month").max()), consumer_prices, "month")
    base, base_month, base_known, base_grade = last.select("cpi", "cpi_month", "cpi_known_on", "cpi_grade").row(0)
    known = median.is_not_null() & pl.col("cpi").is_not_null()
    return deflated.with_columns(
        median_real_usd_per_gpu_hour=median * pl.lit(base, pl.Float64) / pl.col("cpi"),
        cpi_month=pl.when(known).then("cpi_month"),
        dollars_of=pl.when(known).then(pl.lit(base_month, pl.Date)),
        known_on=pl.max_horizontal("known_on", pl.when(known).then(pl.lit(base_known, pl.Date))),
        grade=weakest("grade", pl.when(known).then(pl.lit(base_grade, pl.String)), pl.when(known).then("cpi_grade")),
        reasons=all_of(
            "reasons", pl.when(median.is_not_null() & pl.col("cpi").is_null()).then(because("no_consumer_prices"))
        ),
    ).drop("cpi", "cpi_known_on", "cpi_grade")


def provider_months(offers: pl.DataFrame) -> pl.DataFrame:
    """One row for each month, series and provider: the median of its offers in the month, and how many there were.

    Columns: `month` (first day), gpu_model, provider_class, pricing_kind, provider, usd_per_gpu_hour, n_offers,
    is_administered (as at its last offer of the month), known_on (latest) and grade (weakest).
    """
    return (
        offers.sort("observed_on", maintain_order=True)
        .with_columns(month=pl.col("observed_on").dt.truncate("1mo"))
        .group_by("month", *SERIES, "provider")
        .agg(
            pl.col("usd_per_gpu_hour").median(),
            pl.col("known_on", "grade").max(),
            pl.col("is_administered").last(),
            n_offers=pl.len(),
        )
    )


MART = Mart(
    table=TABLE,
    build=build,
    traces=(
        Trace(
            "marts.offers",
            f"{OF_THE_SERIES} and date_trunc('month', t.observed_on) = m.month",
        ),
        Trace("core.consumer_prices", "t.month = m.cpi_month or t.month = m.dollars_of"),
        Trace("core.gpu_specs", "t.gpu_model = m.gpu_model and t.known_on <= m.known_on and t.grade <> 'D'"),
    ),
)
