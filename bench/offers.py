"""The index of rents over many offers: what the marts of prices take, beside a scan of the columns that they need.

    python -m bench.offers [OFFERS]        (default 5,000,000)

Price lists are read every hour, so a listing stands in the facts 24 times a day. Ours makes the offers that count, their
quartiles by month and the chained index. The scan reads the same columns of a Parquet file once and looks at every value:
the least that any index spends. Plain SQL computes the quartiles alone, of well-behaved rows: one spelling, one grade.

Before anything is timed, every quartile and every count of ours is compared with those of plain SQL.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import polars as pl

from bench.lines import in_turn, report
from bench.snapshot import facts
from warehouse.assumptions import Assumptions, load
from warehouse.marts.gpu import gpu_price_chain, gpu_price_index, listings, offers, same_things
from warehouse.tables import CORE

PRICES = CORE["gpu_prices"]
TIMES_THE_SCAN, ROUNDS = 4.0, 3
KEPT = (listings._LISTINGS, same_things._ITEM_DAYS, same_things._ADMINISTERED)
AS_OF = date(2026, 1, 1)
CHIPS, PROVIDERS, SIZES, HOURS = ("H100 SXM", "A100 SXM 80GB", "H200 SXM"), 20, (1, 8), 24
MADE = """
SELECT 'o' || i AS observation_id, date '2021-01-01' + (i // {a_day})::INTEGER AS observed_on,
  'Provider ' || chr((65 + who)::INTEGER) AS provider, if(who % 5 = 0, 'hyperscaler', 'specialist') AS provider_class,
  gpu_model || ' x' || gpu_count AS instance, gpu_model, gpu_count::BIGINT AS gpu_count,
  round(2 + who / 10 + (hash(thing, (i // {a_day}) // (3 + who)) % 200) / 100, 2) AS usd_per_gpu_hour,
  'on_demand' AS pricing_kind, if(thing % 2 = 0, 'us-east', 'eu-west') AS region, observed_on AS known_on,
  'made up' AS citation, 'row ' || i AS locator, 'B' AS grade,
  sha256((i % {hours} + i // {a_day} * {hours})::VARCHAR) AS document_sha256,
  observed_on::TIMESTAMPTZ + to_hours(i % {hours}) AS loaded_at
FROM (SELECT i, i // {hours} % {things} AS thing, thing // {of_one} AS who,
    list_extract({chips}, (thing // {sizes} % {n_chips} + 1)::INTEGER) AS gpu_model,
    list_extract({list_of_sizes}, (thing % {sizes} + 1)::INTEGER) AS gpu_count FROM range({rows}) t(i))
ORDER BY i"""
PLAIN = """
WITH listed AS (SELECT DISTINCT ON (provider, instance, gpu_count, region, pricing_kind, observed_on, gpu_model,
    provider_class) * FROM '{file}' WHERE grade <> 'D'),
  offered AS (SELECT provider, gpu_model, provider_class, pricing_kind, observed_on, min(usd_per_gpu_hour) AS price
    FROM listed GROUP BY ALL),
  monthly AS (SELECT date_trunc('month', observed_on) AS month, gpu_model, provider_class, pricing_kind, provider,
    median(price) AS price, count(*) AS n FROM offered GROUP BY ALL)
SELECT month::DATE AS month, gpu_model, provider_class, pricing_kind, sum(n)::BIGINT AS n_offers,
  count(*) AS n_providers, quantile_cont(price, [0.25, 0.5, 0.75]) AS quartiles
FROM monthly GROUP BY ALL ORDER BY ALL"""


def made_up(rows: int) -> pl.DataFrame:
    """So many readings of price lists, as `core.gpu_prices` holds them."""
    things = PROVIDERS * len(CHIPS) * len(SIZES)
    with duckdb.connect() as connection:
        named = {"hours": HOURS, "things": things, "a_day": things * HOURS, "of_one": len(CHIPS) * len(SIZES)}
        lists = {"chips": list(CHIPS), "n_chips": len(CHIPS), "list_of_sizes": list(SIZES), "sizes": len(SIZES)}
        connection.execute("SET TimeZone = 'UTC'")
        frame = connection.execute(MADE.format(rows=rows, **named, **lists)).pl()
    constant = {"source": "made_up", "source_kind": "live"}
    others = [pl.lit(value).alias(name) for name, value in constant.items() if name in PRICES.names]
    return PRICES.conform(frame.with_columns(*others, fact_id=pl.col("observation_id")))


def ours(prices: pl.DataFrame, about: dict[str, pl.DataFrame], assumptions: Assumptions) -> list[pl.DataFrame]:
    """The marts from the facts to the two indexes, with nothing kept from an earlier round."""
    for kept in KEPT:
        kept.clear()
    offered = offers.MART.run({"gpu_prices": prices}, as_of=AS_OF, assumptions=assumptions)
    given = {**about, "gpu_prices": prices, "offers": offered}
    return [
        mart.run(given, as_of=AS_OF, assumptions=assumptions) for mart in (gpu_price_index.MART, gpu_price_chain.MART)
    ]


def scan(file: Path, columns: list[str]) -> pl.DataFrame:
    """Every value of those columns read and looked at once."""
    return pl.scan_parquet(file).select(pl.col(columns).max()).collect()


def quartiles(index: pl.DataFrame, least: int) -> dict[tuple[object, ...], tuple[object, ...]]:
    names = ("p25_usd_per_gpu_hour", "median_usd_per_gpu_hour", "p75_usd_per_gpu_hour")
    key = ("month", "gpu_model", "provider_class", "pricing_kind")
    return {
        tuple(row[name] for name in key): (row["n_offers"], row["n_providers"], *(round(row[n], 9) for n in names))
        for row in index.filter(pl.col("n_providers") >= least).to_dicts()
    }


def require_the_same(index: pl.DataFrame, file: Path, least: int) -> int:
    """How many cells have the same counts and quartiles in plain SQL; ends the program where one has not."""
    with duckdb.connect() as connection:
        rows = connection.execute(PLAIN.format(file=file)).fetchall()
    plain = {row[:4]: (row[4], row[5], *(round(value, 9) for value in row[6])) for row in rows if row[5] >= least}
    found = quartiles(index, least)
    if found != plain or not found:
        raise SystemExit(
            f"of {len(plain)} cells of plain SQL, {sum(found.get(k) == v for k, v in plain.items())} are ours"
        )
    return len(found)


def seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def main() -> None:
    rows = int(sys.argv[1].replace(",", "")) if len(sys.argv) > 1 else 5_000_000
    assumptions = load()
    about = facts(["gpu_specs", "consumer_prices"])
    prices = made_up(rows)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "prices.parquet"
        prices.write_parquet(file)
        index, _ = ours(prices, about, assumptions)
        cells = require_the_same(index, file, assumptions.integer("index_minimum_providers"))
        columns = [
            *PRICES.key,
            "gpu_model",
            "provider_class",
            "usd_per_gpu_hour",
            "observation_id",
            "known_on",
            "grade",
        ]
        equal, what = f"{cells:,} cells, quartiles and counts", f"indexes of {rows:,} offers"
        scanned = in_turn(
            lambda: seconds(lambda: ours(prices, about, assumptions)),
            lambda: seconds(lambda: scan(file, columns)),
            ROUNDS,
        )
        report(what, "scan of their columns", "CPU s", *scanned, target=TIMES_THE_SCAN, equal=equal)
        with duckdb.connect() as connection:
            sql = PLAIN.format(file=file)
            plain = in_turn(
                lambda: seconds(lambda: ours(prices, about, assumptions)),
                lambda: seconds(lambda: connection.execute(sql).fetchall()),
                ROUNDS,
            )
        report(what, "plain SQL, the quartiles alone", "CPU s", *plain, equal=equal)


if __name__ == "__main__":
    main()
