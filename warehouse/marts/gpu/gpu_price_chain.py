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
it, so there the provider is compared with itself, at its lowest price of the day. Each provider has the same weight in
a month, however many listings it has.

No deflator is among the facts: all prices are nominal.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.common.mart import Mart, Trace
from warehouse.marts.common.reasons import joined
from warehouse.marts.common.select_current import admissible, pick, weakest
from warehouse.marts.gpu.gpu_price_index import SERIES, TFLOPS_PER_PFLOPS
from warehouse.marts.gpu.offers import CLASSES, KINDS, listings
from warehouse.tables.gpu_specs import TABLE as GPU_SPECS
from warehouse.tables.table import Check, Column, mart

BASE = 100.0
BY_LISTING = "hyperscaler"

TABLE = mart(
    "gpu_price_chain",
    "quality-adjusted rental price index by month, chip, class and kind: chained matched models and time-product dummies",
    [
        Column("month", "date", "first day of the month", required=True),
        Column("gpu_model", "text", "chip", required=True),
        Column("provider_class", "text", "kind of provider", required=True, allowed=CLASSES),
        Column("pricing_kind", "text", "terms of the price", required=True, allowed=KINDS),
        Column("n_providers", "integer", "providers listed in the month", "providers", required=True, minimum=1),
        Column(
            "n_items", "integer", "things listed: providers, or listings of large clouds", "things", True, minimum=1
        ),
        Column(
            "n_matched_providers", "integer", "providers with something listed before", "providers", True, minimum=0
        ),
        Column("n_matched_items", "integer", "things listed before", "things", True, minimum=0),
        Column("compared_from", "date", "oldest month that one of them is compared with; null where there is none"),
        Column("months_bridged", "integer", "months since then, 1 for the month before", "months", minimum=1),
        Column("change", "real", "change since the month of the chain before this one", "share", above=-1),
        Column("matched_index", "real", "chained matched-model index; 100 in its first month", "index", above=0),
        Column("dummy_index", "real", "time-product dummy index, 100 in that same month", "index", above=0),
        Column(
            "usd_per_gpu_hour",
            "real",
            "the index as a price: that of the month with the most providers, moved by the index",
            "USD per GPU-hour",
            above=0,
        ),
        Column(
            "usd_per_pflop_hour",
            "real",
            "the same for a thousand dense BF16 TFLOP/s for an hour",
            "USD per PFLOP/s-hour",
            above=0,
        ),
        Column("known_on", "date", "day on which the newest fact behind the row became public", required=True),
    ],
    key=("month", *SERIES),
    checks=(
        Check(
            "broken_chain_says_why",
            "select * from {table} where (matched_index is null or usd_per_pflop_hour is null) "
            "and coalesce(reason, '') = ''",
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
)


def build(gpu_prices: pl.DataFrame, gpu_specs: pl.DataFrame, *, as_of: date, assumptions: Assumptions) -> pl.DataFrame:
    """One row for each month and series with an offer (nominal USD per GPU-hour; months by the day of reading)."""
    panel = item_months(gpu_prices)
    rows: list[dict[str, Any]] = []
    for (chip, who, kind), series in panel.group_by(SERIES, maintain_order=True):
        of_series = {"gpu_model": chip, "provider_class": who, "pricing_kind": kind}
        rows += [of_series | row for row in _index(series)]
    computed = TABLE.polars_schema | {"known_on": pl.Date, "grade": pl.String, "reason": pl.String}
    found = pl.DataFrame(rows, schema={n: t for n, t in computed.items() if n != "usd_per_pflop_hour"})
    return _per_peak(found, gpu_specs)


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


def _index(series: pl.DataFrame) -> list[dict[str, Any]]:
    """The rows of one series, its months in order."""
    months = {
        month: {row["item"]: row for row in rows.to_dicts()}
        for (month,), rows in series.group_by("month", maintain_order=True)
    }
    chained = _chained(months)
    sizes: dict[int, int] = {}
    for month, (_, part) in chained.items():
        sizes[part] = sizes.get(part, 0) + len(_providers(months[month]))
    # The chain that is shown is the one with most behind it; of equals the later one.
    shown = max(sizes, key=lambda part: (sizes[part], part))
    in_chain = [month for month, (_, part) in chained.items() if part == shown]
    levels = {month: chained[month][0] - chained[in_chain[0]][0] for month in in_chain}
    dummies = _dummies(months, in_chain[0])
    reference = max(in_chain, key=lambda m: (len(_providers(months[m])), m))
    price = _mean_log_price(months[reference]) - levels[reference]
    rows: list[dict[str, Any]] = []
    before: float | None = None
    for month, items in months.items():
        earlier = {name: last for name in items if (last := _last_seen(name, month, months)) is not None}
        level = levels.get(month)
        rows.append(
            {
                "month": month,
                "n_providers": len(_providers(items)),
                "n_items": len(items),
                "n_matched_providers": len({items[name]["provider"] for name in earlier}),
                "n_matched_items": len(earlier),
                "compared_from": min(earlier.values(), default=None),
                "months_bridged": _months_between(min(earlier.values()), month) if earlier else None,
                "change": None if level is None or before is None else float(np.expm1(level - before)),
                "matched_index": None if level is None else float(BASE * np.exp(level)),
                "dummy_index": dummies.get(month),
                "usd_per_gpu_hour": None if level is None else float(np.exp(price + level)),
                "known_on": max(row["known_on"] for row in items.values()),
                "grade": max(row["grade"] for row in items.values()),
                "reason": "the chain is broken: nothing in common with its months" if level is None else None,
            }
        )
        before = before if level is None else level
    return rows


Items = dict[str, dict[str, Any]]


def _chained(months: dict[date, Items]) -> dict[date, tuple[float, int]]:
    """Log level of each month, and the number of the chain that it belongs to; levels of two chains do not compare.

    What ties two chains together (a month with things of both) makes them one: the smaller is moved to the larger.
    """
    level: dict[date, float] = {}
    part: dict[date, int] = {}
    last: dict[str, date] = {}
    for number, (month, items) in enumerate(months.items()):
        told: dict[int, dict[str, list[float]]] = {}
        for name, row in items.items():
            if name in last:
                base = last[name]
                moved = np.log(row["usd_per_gpu_hour"] / months[base][name]["usd_per_gpu_hour"])
                told.setdefault(part[base], {}).setdefault(row["provider"], []).append(level[base] + moved)
        levels = {p: float(np.mean([np.mean(v) for v in by_provider.values()])) for p, by_provider in told.items()}
        if levels:
            size = {p: sum(len(_providers(months[m])) for m in part if part[m] == p) for p in levels}
            main = max(levels, key=lambda p: (size[p], -p))
            level[month], part[month] = levels[main], main
            for m in [m for m in part if part[m] in levels and part[m] != main]:
                level[m], part[m] = level[m] + levels[main] - levels[part[m]], main
        else:
            level[month], part[month] = 0.0, number
        last |= dict.fromkeys(items, month)
    return {month: (level[month], part[month]) for month in months}


def _last_seen(name: str, month: date, months: dict[date, Items]) -> date | None:
    return max((m for m in months if m < month and name in months[m]), default=None)


def _dummies(months: dict[date, Items], first: date) -> dict[date, float]:
    """Time-product dummy index of the months that hang together with `first`, where it is 100.

    Weighted least squares of the log price on dummies of months and things, each provider with weight one a month.
    """
    connected, things = {first}, set(months[first])
    while grown := {m for m in months if m not in connected and things & set(months[m])}:
        connected |= grown
        things |= {name for m in grown for name in months[m]}
    order, names = sorted(connected), sorted(things)
    month_at, item_at = {m: i for i, m in enumerate(order)}, {n: i for i, n in enumerate(names)}
    observed = [(m, name, row) for m in order for name, row in months[m].items()]
    design = np.zeros((len(observed), len(order) + len(names)))
    log_price, weight = np.empty(len(observed)), np.empty(len(observed))
    for i, (m, name, row) in enumerate(observed):
        design[i, month_at[m]] = design[i, len(order) + item_at[name]] = 1.0
        log_price[i] = np.log(row["usd_per_gpu_hour"])
        of_provider = sum(other["provider"] == row["provider"] for other in months[m].values())
        weight[i] = 1.0 / np.sqrt(of_provider)
    # One level is free (all months up, all things down): the smallest solution has it, and differences do not.
    found = np.linalg.lstsq(design * weight[:, None], log_price * weight, rcond=None)[0]
    return {m: float(BASE * np.exp(found[i] - found[month_at[first]])) for m, i in month_at.items()}


def _providers(items: Items) -> set[str]:
    return {row["provider"] for row in items.values()}


def _mean_log_price(items: Items) -> float:
    """Mean over providers of the mean log price of each one's things."""
    by_provider: dict[str, list[float]] = {}
    for row in items.values():
        by_provider.setdefault(row["provider"], []).append(float(np.log(row["usd_per_gpu_hour"])))
    return float(np.mean([np.mean(logs) for logs in by_provider.values()]))


def _months_between(earlier: date, later: date) -> int:
    return (later.year - earlier.year) * 12 + later.month - earlier.month


def _per_peak(rows: pl.DataFrame, gpu_specs: pl.DataFrame) -> pl.DataFrame:
    peaks = pick(admissible(gpu_specs), GPU_SPECS).select(
        "gpu_model", "bf16_dense_tflops", peak_known_on="known_on", peak_grade="grade"
    )
    no_peak = pl.when(pl.col("bf16_dense_tflops").is_null()).then(
        pl.format("no price per PFLOP/s: the dense BF16 peak of a chip named just {} is not known", "gpu_model")
    )
    return (
        rows.join(peaks, on="gpu_model", how="left", maintain_order="left")
        .with_columns(
            usd_per_pflop_hour=pl.col("usd_per_gpu_hour") / (pl.col("bf16_dense_tflops") / TFLOPS_PER_PFLOPS),
            known_on=pl.max_horizontal("known_on", "peak_known_on"),
            grade=weakest("grade", "peak_grade"),
            reason=joined("reason", no_peak),
        )
        .drop("bf16_dense_tflops", "peak_known_on", "peak_grade")
    )


_SAME_SERIES = (
    "t.gpu_model = m.gpu_model and t.provider_class = m.provider_class and t.pricing_kind = m.pricing_kind "
    "and t.grade <> 'D'"
)
MART = Mart(
    table=TABLE,
    build=build,
    traces=(
        Trace(
            "core.gpu_prices",
            f"{_SAME_SERIES} and date_trunc('month', t.observed_on) between coalesce(m.compared_from, m.month) and m.month",
        ),
        Trace("core.gpu_specs", "t.gpu_model = m.gpu_model and t.known_on <= m.known_on and t.grade <> 'D'"),
    ),
)
