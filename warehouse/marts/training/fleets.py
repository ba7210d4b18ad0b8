"""How many accelerators there were in a year: counts near its ends, and the mean fleet between them.

Counts are published for a day that suits whoever counts. One that is near enough to the turn of a year stands for the
end of the year before it and for the beginning of the year after. What trains in a year trains on the fleet between
the two ends.
"""

from __future__ import annotations

import polars as pl

from warehouse.marts.common.select_current import admissible, select_current
from warehouse.tables.evidence import TABLE as EVIDENCE

WORLD, OWNED_BY_ALL, OWNED = "World", "h100_equivalents_total", "h100_equivalents_owned"


def near_year_ends(evidence: pl.DataFrame, metric: str, window_days: int) -> pl.DataFrame:
    """Counts of a metric within `window_days` of a year's end: `year`, and how many days `off` its end they are."""
    counts = select_current(admissible(evidence), EVIDENCE).filter(
        (pl.col("topic") == "capacity") & (pl.col("metric") == metric)
    )
    counted_on = pl.col("as_of_date")
    ends = [
        counts.with_columns(
            year=(counted_on.dt.year() - back).cast(pl.Int64),
            off=(counted_on - pl.date(counted_on.dt.year() - back, 12, 31)).dt.total_days().abs(),
        )
        for back in (0, 1)
    ]
    return pl.concat(ends).filter(pl.col("off") <= window_days)


def world_at_year_ends(evidence: pl.DataFrame, window_days: int) -> pl.DataFrame:
    """The world's accelerators at each year's end: year, low, high, facts (lists), grade, known_on.

    Several counts of one end make a range from the lowest to the highest (method 4.3).
    """
    return (
        near_year_ends(evidence, OWNED_BY_ALL, window_days)
        .filter(pl.col("entity") == WORLD)
        .sort("year", "evidence_id")
        .group_by("year", maintain_order=True)
        .agg(
            low=pl.min_horizontal("value", "value_low").min(),
            high=pl.max_horizontal("value", "value_high").max(),
            evidence_ids=pl.col("evidence_id"),
            fact_ids=pl.col("fact_id"),
            grade=pl.col("grade").max(),
            known_on=pl.col("known_on").max(),
        )
    )


def mean_of_years(
    at_ends: pl.DataFrame, share_of_end: float, *, counts: tuple[str, ...], by: tuple[str, ...] = ()
) -> pl.DataFrame:
    """Mean fleet of each year (and of what else `by` names): of both ends where both are known, else a share of its end.

    `at_ends` has a row for each year's end with one or more `counts`, evidence_ids, fact_ids, grade, known_on (method 4.2).
    """
    begun = at_ends.with_columns(pl.col("year") + 1)
    both = at_ends.join(begun, on=[*by, "year"], how="left", suffix="_begin")
    has_begin = pl.col(f"{counts[0]}_begin").is_not_null()

    def mean(count: str) -> pl.Expr:
        begin, end = pl.col(f"{count}_begin"), pl.col(count)
        return pl.when(has_begin).then((end + begin) / 2).otherwise(end * share_of_end)

    def behind(ids: str) -> pl.Expr:
        return pl.concat_list(pl.col(f"{ids}_begin").fill_null(pl.lit([], dtype=pl.List(pl.String))), ids)

    return both.with_columns(
        **{count: mean(count) for count in counts},
        evidence_ids=behind("evidence_ids"),
        fact_ids=behind("fact_ids"),
        grade=pl.max_horizontal("grade", "grade_begin"),
        known_on=pl.max_horizontal("known_on", "known_on_begin"),
    ).select(at_ends.columns)
