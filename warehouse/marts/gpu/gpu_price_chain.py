"""Rental prices at constant quality: what the same thing cost from month to month, whoever else was listed.

A median over whoever is listed falls when a cheap newcomer is listed, though nobody lowered a price: the median of
Amazon's H100 spot pools fell by 31 % on 2025-01-31 because seven pools were new. So a price is only ever compared with
an earlier price of the same thing. Two indexes do that, and stand beside each other because neither is enough alone on
price lists that are read a few times a year:

- `matched_index` is a chained matched-model index: the geometric mean of the price relatives of what is listed in a month
  and was before (Jevons; ILO and others, Consumer price index manual, 2004, chapters 9 and 20). What was not listed in
  the month before is compared with the last time that it was, its missing prices being assumed to have moved as those of
  the others did (class mean imputation, the same manual, chapter 7). So a list that is read twice a year still counts
  when it changes. A month that has nothing in common with any other has no value: the chain is broken and says so.
- `dummy_index` is the time-product dummy regression: the log price on a dummy a month and a dummy a thing (the country
  product dummy of Summers 1973 over time; de Haan, Hendriks and Scholz 2021; CPI manual, Concepts and methods, 2020,
  chapter 10). It uses every pair of months at once, so one odd month does not stay in the level for ever, but it is
  revised when a month is added.

What "the same thing" is depends on the price list. A large cloud names its instances and keeps the names, so there a
listing (instance and region) is compared with itself. A specialist's price stands under whatever name its compiler gave
it, so there each size of a provider's node is compared with itself, at its lowest price of the day. Each provider has the
same weight in a month, however many listings it has.

Both are nominal. `real_index` is the chained one over consumer prices: what a rent that stands still loses to them.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.common.columns import KNOWN_ON, says_why
from warehouse.marts.common.mart import Mart, Trace
from warehouse.marts.common.reasons import all_of, because, reason
from warehouse.marts.common.select_current import weakest
from warehouse.marts.gpu.price_indexes import BASE, Months, dummy_index, longest_chain, mean_log_price, providers
from warehouse.marts.gpu.real_prices import with_deflator
from warehouse.marts.gpu.same_things import administered, item_days, item_months
from warehouse.marts.gpu.series import MONTH, N_ADMINISTERED, OF_THE_SERIES, SERIES, SERIES_COLUMNS, per_peak
from warehouse.tables.formula import Formula
from warehouse.tables.guide import Guide
from warehouse.tables.table import Check, Column, mart

TABLE = mart(
    "gpu_price_chain",
    "quality-adjusted rental price index by month, chip, class and kind: chained matched models and time-product dummies",
    [
        MONTH,
        *SERIES_COLUMNS,
        Column("n_providers", "integer", "providers listed in the month", "providers", required=True, minimum=1),
        N_ADMINISTERED,
        Column(
            "n_items",
            "integer",
            "things listed: sizes of providers, or listings of large clouds",
            "things",
            required=True,
            minimum=1,
        ),
        Column(
            "n_matched_providers", "integer", "providers with something listed before", "providers", True, minimum=0
        ),
        Column("n_matched_items", "integer", "things listed before", "things", True, minimum=0),
        Column("compared_from", "date", "oldest month that one of them is compared with; null where there is none"),
        Column("months_bridged", "integer", "months since then, 1 for the month before", "months", minimum=1),
        Column(
            "change",
            "real",
            "change since the month of the chain before this one",
            "share",
            above=-1,
            formula=Formula("change of the chained index since its month before", "index / index before − 1", "9"),
        ),
        Column(
            "matched_index",
            "real",
            "chained matched-model index; 100 in its first month",
            "index",
            above=0,
            formula=Formula(
                "chained mean of log price changes of the same things at the same providers; 100 in the first month",
                "100 × e ^ (Σ mean change of logs)",
                "9",
            ),
        ),
        Column(
            "real_index",
            "real",
            "the chained index deflated by consumer prices, 100 in its first month",
            "index",
            above=0,
            formula=Formula(
                "the chained index over consumer prices, 100 in its first month",
                "index × first consumer prices / consumer prices",
                "7",
            ),
        ),
        Column("cpi_month", "date", "month whose consumer prices deflate it"),
        Column(
            "dummy_index",
            "real",
            "time-product dummy index, 100 in that same month",
            "index",
            above=0,
            formula=Formula(
                "regression of log prices on things and months, 100 in that same month",
                "100 × e ^ (month's effect)",
                "9",
            ),
        ),
        Column(
            "usd_per_gpu_hour",
            "real",
            "the index as a price: that of the month with the most providers, moved by the index",
            "USD per GPU-hour",
            above=0,
            formula=Formula(
                "geometric mean price of the month with the most providers, moved by the index",
                "price of that month × index / its index",
                "9",
            ),
        ),
        Column(
            "usd_per_pflop_hour",
            "real",
            "the same for a thousand dense BF16 TFLOP/s for an hour",
            "USD per PFLOP/s-hour",
            above=0,
            formula=Formula("the same over the chip's dense BF16 peak", "price / (dense BF16 TFLOP/s / 1000)", "7"),
        ),
        KNOWN_ON,
    ],
    key=("month", *SERIES),
    checks=(
        says_why(
            "broken_chain_says_why",
            "matched_index is null or usd_per_pflop_hour is null or real_index is null",
            "a month without a value must not look like a month without a change",
        ),
        Check(
            "change_is_of_the_index",
            "select * from (select *, matched_index / lag(matched_index) over (partition by gpu_model, provider_class, "
            "pricing_kind order by month) - 1 as seen from {table} where matched_index is not null) "
            "where change is distinct from seen and coalesce(abs(change - seen), 1) > 1e-9",
            "the change and the index beside it must say the same",
        ),
        Check(
            "compared_with_earlier",
            "select * from {table} where compared_from >= month or n_matched_items > n_items "
            "or n_matched_providers > n_providers or (compared_from is null) <> (n_matched_items = 0)",
            "a month is compared with earlier ones, by what it has in common with them",
        ),
        Check(
            "base_is_a_hundred",
            "select gpu_model, provider_class, pricing_kind from {table} group by all "
            "having arg_min(matched_index, month) filter (matched_index is not null) <> 100",
            "each series starts from a hundred",
        ),
    ),
    guide=Guide(
        "One row for each month, GPU model, class of provider and kind of price.",
        "indexes: a change is the ratio of two months.",
        {
            "How did the rent of an H100 SXM move at the same providers?": "select month, change, matched_index, "
            "n_matched_providers from gpu_price_chain where gpu_model = 'H100 SXM' and provider_class = 'specialist' and "
            "pricing_kind = 'on_demand' order by month",
            "And in dollars of one year?": "select month, real_index from gpu_price_chain where gpu_model = 'H100 SXM' "
            "and provider_class = 'specialist' and pricing_kind = 'on_demand' and real_index is not null order by month",
            "Where is a month compared with no other?": "select gpu_model, month, reason from gpu_price_chain where "
            "change is null limit 10",
        },
    ),
)


def build(
    gpu_prices: pl.DataFrame,
    gpu_specs: pl.DataFrame,
    consumer_prices: pl.DataFrame,
    *,
    assumptions: Assumptions,
) -> pl.DataFrame:
    """One row for each month and series with an offer (USD per GPU-hour; months by the day of reading)."""
    panel = item_months(gpu_prices)
    rows: list[dict[str, Any]] = []
    for (chip, who, kind), series in panel.group_by(SERIES, maintain_order=True):
        of_series = {"gpu_model": chip, "provider_class": who, "pricing_kind": kind}
        rows += [of_series | row for row in _index(series)]
    computed = {
        n: t
        for n, t in TABLE.polars_schema.items()
        if n not in ("usd_per_pflop_hour", "reason", "real_index", "cpi_month", "n_administered")
    }
    priced = per_peak(pl.DataFrame(rows, schema=computed), gpu_specs, "usd_per_gpu_hour", "usd_per_pflop_hour")
    return _deflated(priced, consumer_prices).join(
        _administered(gpu_prices, assumptions), on=["month", *SERIES], how="left", maintain_order="left"
    )


def _deflated(rows: pl.DataFrame, consumer_prices: pl.DataFrame) -> pl.DataFrame:
    """`rows` with `real_index`: the chained one over consumer prices, both set to 100 in the chain's first month."""
    index, cpi = pl.col("matched_index"), pl.col("cpi")
    found = with_deflator(rows.sort(*SERIES, "month"), consumer_prices, "month").with_columns(
        first_cpi=cpi.filter(index.is_not_null()).first().over(SERIES)
    )
    real = index * pl.col("first_cpi") / cpi
    known = real.is_not_null()
    return found.with_columns(
        real_index=real,
        cpi_month=pl.when(known).then("cpi_month"),
        known_on=pl.max_horizontal("known_on", pl.when(known).then("cpi_known_on")),
        grade=weakest("grade", pl.when(known).then("cpi_grade")),
        reasons=all_of("reasons", pl.when(index.is_not_null() & ~known).then(because("no_consumer_prices"))),
    ).drop("cpi", "first_cpi", "cpi_known_on", "cpi_grade")


def _administered(gpu_prices: pl.DataFrame, assumptions: Assumptions) -> pl.DataFrame:
    """How many providers of each month and series had a price that has not moved for a year, as at their last reading."""
    stands = administered(item_days(gpu_prices), assumptions.integer("administered_days"))
    month = ["month", *SERIES]
    return (
        stands.with_columns(month=pl.col("observed_on").dt.truncate("1mo"))
        .sort("observed_on")
        .group_by(*month, "provider")
        .agg(pl.col("is_administered").last())
        .group_by(month)
        .agg(n_administered=pl.col("is_administered").sum().cast(pl.Int64))
    )


def _index(series: pl.DataFrame) -> list[dict[str, Any]]:
    """The rows of one series, its months in order."""
    months: Months = {
        month: {row["item"]: row for row in rows.to_dicts()}
        for (month,), rows in series.group_by("month", maintain_order=True)
    }
    levels = longest_chain(months)
    dummies = dummy_index(months, next(iter(levels)))
    reference = max(levels, key=lambda month: (len(providers(months[month])), month))
    price = mean_log_price(months[reference]) - levels[reference]
    rows: list[dict[str, Any]] = []
    before: float | None = None
    for month, items in months.items():
        level = levels.get(month)
        rows.append(
            {
                "month": month,
                "dummy_index": dummies.get(month),
                "known_on": max(row["known_on"] for row in items.values()),
                "grade": max(row["grade"] for row in items.values()),
                **_matched(month, months),
                **({"reasons": [reason("chain_is_broken")]} if level is None else _levels(level, before, price)),
            }
        )
        before = before if level is None else level
    return rows


def _levels(level: float, before: float | None, price: float) -> dict[str, Any]:
    """Figures of a month whose log level in the chain is known; `price` is the log price at level 0."""
    return {
        "change": None if before is None else float(np.expm1(level - before)),
        "matched_index": float(BASE * np.exp(level)),
        "usd_per_gpu_hour": float(np.exp(price + level)),
    }


def _matched(month: date, months: Months) -> dict[str, Any]:
    """How many things the month has, and how many of them were seen before."""
    items = months[month]
    earlier = {name: last for name in items if (last := _last_seen(name, month, months)) is not None}
    oldest = min(earlier.values(), default=None)
    return {
        "n_providers": len(providers(items)),
        "n_items": len(items),
        "n_matched_providers": len({items[name]["provider"] for name in earlier}),
        "n_matched_items": len(earlier),
        "compared_from": oldest,
        "months_bridged": None if oldest is None else _months_between(oldest, month),
    }


def _last_seen(name: str, month: date, months: Months) -> date | None:
    return max((m for m in months if m < month and name in months[m]), default=None)


def _months_between(earlier: date, later: date) -> int:
    return (later.year - earlier.year) * 12 + later.month - earlier.month


MART = Mart(
    table=TABLE,
    build=build,
    traces=(
        Trace(
            "core.gpu_prices",
            f"{OF_THE_SERIES} and t.grade <> 'D' and date_trunc('month', t.observed_on) "
            "between coalesce(m.compared_from, m.month) and m.month",
        ),
        Trace("core.consumer_prices", "t.month = m.cpi_month"),
        Trace("core.gpu_specs", "t.gpu_model = m.gpu_model and t.known_on <= m.known_on and t.grade <> 'D'"),
    ),
)
