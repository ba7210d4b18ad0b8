"""Assets obtained under finance leases by quarter, where filings print little more than the year.

A data centre that is leased for its whole life is bought in all but name, and no cash flow shows it: the supplemental
disclosure does, as the assets obtained in exchange for the liability. (The principal repaid, which the cash flows do
show, is a tenth of it while a company builds.) Some companies print the figure by quarter, Microsoft by year alone.
What no quarter's figure says of a year is spread over its other quarters in proportion to their cash capex (method 5):
leased and bought equipment are needed at the same time.
"""

from __future__ import annotations

import polars as pl

from warehouse.marts.capex.current_facts import LISTED_FIRST, in_order, last_known, tag_places
from warehouse.marts.capex.filed_periods import QUARTERS
from warehouse.marts.capex.measures import LEASE_ASSETS

QUARTER = ["ticker", "end"]


def spread(rows: pl.DataFrame, own: pl.DataFrame, flows: pl.DataFrame, fallen: pl.DataFrame) -> pl.DataFrame:
    """A year's assets less those of its known quarters, over its other quarters (USD), with grade, day and facts.

    `rows` are quarters with `capex_usd` and what is behind it, `own` the quarters that filings give themselves. A year
    of which a quarter, or the capex of one without a figure of its own, is unknown is not spread, nor is one that a
    quarter's own figure contradicts (`fallen`).
    """
    found = own.filter(pl.col("measure") == LEASE_ASSETS).select(
        *QUARTER, own_usd="value_usd", own_grade="grade", own_known_on="known_on", own_fact_ids="fact_ids"
    )
    is_other = pl.col("own_usd").is_null()
    contradicted = fallen.filter(pl.col("measure") == LEASE_ASSETS).select(*QUARTER, is_fallen=pl.lit(True)).unique()
    quarters = (
        _years(flows)
        .join(rows.select(*QUARTER, "capex_usd", "capex_grade", "capex_known_on", "capex_fact_ids"), on="ticker")
        .filter(pl.col("end") > pl.col("year_begin"), pl.col("end") <= pl.col("year_end"))
        .join(found, on=QUARTER, how="left")
        .join(contradicted, on=QUARTER, how="left")
        .with_columns(
            weight=pl.when(is_other).then("capex_usd"),
            behind=pl.concat_list("year_fact_id", *(pl.col(f"{n}_fact_ids").fill_null([]) for n in ("own", "capex"))),
        )
    )
    years = (
        quarters.group_by("ticker", "year_end")
        .agg(
            pl.len().alias("quarters"),
            left_usd=pl.col("year_usd").first() - pl.col("own_usd").sum(),
            weights=pl.col("weight").sum(),
            is_whole=(pl.col("is_fallen").is_null() & (~is_other | pl.col("weight").is_not_null())).all(),
            grade=pl.max_horizontal(*(pl.col(f"{name}_grade").max() for name in ("year", "own", "capex"))),
            known_on=pl.max_horizontal(*(pl.col(f"{name}_known_on").max() for name in ("year", "own", "capex"))),
            fact_ids=pl.col("behind").explode(empty_as_null=False).unique().sort(),
        )
        .filter(pl.col("quarters") == QUARTERS, "is_whole", pl.col("weights") > 0, pl.col("left_usd") >= 0)
    )
    return (
        quarters.filter(is_other)
        .join(years, on=["ticker", "year_end"])
        .select(
            *QUARTER,
            "grade",
            "known_on",
            "fact_ids",
            # Two figures of billions overflow when they are multiplied as whole numbers.
            value_usd=pl.col("left_usd") * (pl.col("weight") / pl.col("weights")),
        )
    )


def _years(flows: pl.DataFrame) -> pl.DataFrame:
    """Each company's fiscal years of assets obtained: best grade, then known last, then the tag listed first."""
    years = flows.filter((pl.col("measure") == LEASE_ASSETS) & (pl.col("period_type") == "year"))
    order = {"grade": False, "known_on": True, **LISTED_FIRST, "tag": False}
    return (
        in_order(last_known(years).with_columns(*tag_places()), order)
        .unique(QUARTER, keep="first", maintain_order=True)
        .select(
            "ticker",
            year_begin="begin",
            year_end="end",
            year_usd="value_usd",
            year_grade="grade",
            year_known_on="known_on",
            year_fact_id="fact_id",
        )
    )
