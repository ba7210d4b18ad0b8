"""Quarters from filings that print few of them: as printed, or as the difference of two periods.

A 10-Q gives cash flows since the start of the fiscal year, and the fourth quarter stands in the annual report alone, so
a quarter is mostly a difference of two periods that start on one day and end a quarter apart. What makes a difference
wrong decides how it is taken here:

- Two tags are two series. A difference across them is a number that no company ever spent (a public page shows Amazon's
  39.5 billion as 0.8 that way). So quarters are worked out within each tag and only then stitched, one by one; a
  quarter whose two periods are filed under different tags stays unknown until a later filing repeats them under one.
  Where one day's filings give a quarter under two tags, the declared order of the tags decides.
- Restatements come in steps: a company restates its first quarter a year later, its half year a quarter after that.
  Both figures of a difference are therefore taken on one basis: the longer period as last known, the shorter as it was
  known on the day that the longer was filed.
- Some filings contradict themselves or each other. `consistency` says which candidates fall, and why.

Where better facts leave no shorter period to take off (a results release prints a half year and its second quarter),
the other parts of the longer period are taken off instead.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from warehouse.marts.capex import consistency
from warehouse.marts.capex.consistency import Limits
from warehouse.marts.capex.current_facts import BEST_FIRST, LISTED_FIRST, SERIES, in_order, last_known, tag_places
from warehouse.marts.capex.filed_periods import BOUNDS, SHORTEST, WHOLE_YEAR, day_after, is_quarter
from warehouse.marts.capex.measures import NEVER_NEGATIVE

MOST_PARTS = 3  # that are taken off a longer period: the other quarters of a year
ONE = ["ticker", "measure", "end"]


@dataclass(frozen=True)
class Quarters:
    """`found`: the figure of each company, measure and quarter. `fallen`: those that may not be used, with a `code`.

    `used` are the periods that they were worked out from.
    """

    found: pl.DataFrame
    fallen: pl.DataFrame
    used: pl.DataFrame


def quarters(flows: pl.DataFrame, limits: Limits) -> Quarters:
    """The figure of each company, measure and quarter (`begin`, `end`) in USD, with its grade and facts.

    Best grade first. Among equals a figure made of one grade, printed or as the difference of two periods from the same
    day, goes before one from other parts; then the one known last, the tag that the list names first (what a later filing
    repeats under another tag is a restatement), and the printed one. `flows` are facts with bounds, `limits` say which figures
    contradict each other.
    """
    flows, doubted = consistency.without_doubted(flows, limits)
    flows, parts_of_total = consistency.of_the_whole(flows, limits)
    flows, told_twice = consistency.told_once(flows, limits)
    # Both figures of a difference come from facts of one grade where that is possible, so each grade is tried alone.
    grades = sorted(flows["grade"].unique())
    bases = [flows.filter(pl.col("grade") == grade) for grade in grades]
    if len(bases) != 1:
        bases.append(flows)
    possible = pl.concat([candidates for basis in bases for candidates in (_printed(basis), _derived(basis, limits))])
    sensible = possible.filter((pl.col("value_usd") >= 0) | ~pl.col("measure").is_in(NEVER_NEGATIVE))
    held, contradicted = consistency.held_against_longer(sensible, flows, limits)
    chosen = _chosen(held)
    kept, fallen_off = consistency.on_one_basis(chosen, limits)
    fallen = pl.concat([doubted, parts_of_total, told_twice, contradicted, fallen_off], how="diagonal_relaxed")
    return Quarters(kept, fallen.join(kept, on=ONE, how="anti"), flows)


def _chosen(candidates: pl.DataFrame) -> pl.DataFrame:
    order = {
        "grade": False, "mixed": False, "roundabout": False, "known_on": True, **LISTED_FIRST, "is_derived": False,
        # No better than another, but the same one whatever the order in which facts arrive.
        "tag": False, "begin": True, "filed_start": False, "filed_end": False, "accession": False, "\0facts": False,
    }  # fmt: skip
    return (
        in_order(candidates.with_columns(*tag_places(), pl.col("fact_ids").list.join(" ").alias("\0facts")), order)
        .unique(ONE, keep="first", maintain_order=True)
        .drop("\0facts")
    )


def _printed(basis: pl.DataFrame) -> pl.DataFrame:
    return last_known(basis.filter("is_quarter")).select(
        *SERIES,
        *BOUNDS,
        "value_usd",
        "period_start",
        "grade",
        "known_on",
        "accession",
        filed_start="period_start",
        filed_end="period_end",
        long_begin="begin",
        long_end="end",
        parts_known_on=pl.lit(None, dtype=pl.Date),
        fact_ids=pl.concat_list("fact_id"),
        mixed=pl.lit(False),
        roundabout=pl.lit(0, dtype=pl.Int64),
        is_derived=pl.lit(False),
    )


def _derived(basis: pl.DataFrame, limits: Limits) -> pl.DataFrame:
    """Quarters as a longer period, as last known, less its other parts as they were known on the day it was filed."""
    recipe = [*SERIES, "long_begin", "long_end", *BOUNDS, "recipe"]
    whole = _parts_to_take_off(basis, limits).group_by(recipe).agg(
        pl.len().alias("known_parts"),
        pl.col("parts", "value_usd", "grade", "known_on", "accession", "fact_id").first(),
        pl.col("period_start", "period_end").first().name.prefix("filed_"),
        off_usd=pl.col("part_value_usd").sum(),
        weakest_part=pl.col("part_grade").max(),
        best_part=pl.col("part_grade").min(),
        parts_known_on=pl.col("part_known_on").max(),
        part_before_ends=pl.col("part_period_end").filter(pl.col("part_end") == pl.col("begin")).first(),
        part_fact_ids=pl.col("part_fact_id"),
    )  # fmt: skip
    to_date = (pl.col("parts") == 1) & (pl.col("end") == pl.col("long_end"))
    from_start = pl.col("begin") == pl.col("long_begin")
    return whole.filter(pl.col("known_parts") == pl.col("parts")).select(
        *SERIES,
        *BOUNDS,
        value_usd=pl.col("value_usd") - pl.col("off_usd"),
        period_start=pl.when(from_start).then("filed_period_start").otherwise(day_after("part_before_ends")),
        grade=pl.max_horizontal("grade", "weakest_part"),
        known_on="known_on",
        accession="accession",
        filed_start="filed_period_start",
        filed_end="filed_period_end",
        long_begin="long_begin",
        long_end="long_end",
        parts_known_on="parts_known_on",
        fact_ids=pl.concat_list("fact_id", "part_fact_ids"),
        mixed=(pl.col("weakest_part") != pl.col("grade")) | (pl.col("best_part") != pl.col("grade")),
        roundabout=pl.when(to_date).then(0).otherwise("parts").cast(pl.Int64),
        is_derived=pl.lit(True),
    )


def _recipes(basis: pl.DataFrame) -> pl.DataFrame:
    """How a longer period gives one of its quarters: the parts to take off, one row a part.

    A quarter is what is left between the parts from the longer period's start and those to its end, of which there may
    be none on one side.
    """
    periods = basis.select(*SERIES, *BOUNDS).unique()
    longer = periods.filter(~is_quarter("begin", "end")).rename({"begin": "long_begin", "end": "long_end"})
    rows = _rows_of_parts(periods)
    before = rows.rename({"first": "long_begin", "last": "begin", "bounds": "before"})
    after = rows.rename({"first": "end", "last": "long_end", "bounds": "after"})
    none = pl.lit([], dtype=pl.List(pl.Int64))
    is_left = is_quarter("begin", "end") & (pl.col("long_begin") <= pl.col("begin"))
    to_date = longer.join(before, on=[*SERIES, "long_begin"]).with_columns(end="long_end", after=none)
    from_end = longer.join(after, on=[*SERIES, "long_end"]).with_columns(begin="long_begin", before=none)
    between = longer.join(before, on=[*SERIES, "long_begin"]).join(after, on=[*SERIES, "long_end"])
    columns = [*SERIES, "long_begin", "long_end", *BOUNDS, "before", "after"]
    found = [
        each.filter(is_left & (pl.col("end") <= pl.col("long_end"))).select(columns)
        for each in (to_date, from_end, between)
    ]
    return (
        pl.concat(found)
        .with_columns(parts=_steps("before") + _steps("after"))
        .filter(pl.col("parts") <= MOST_PARTS)
        .with_row_index("recipe")
    )


def _steps(name: str) -> pl.Expr:
    """Number of periods between the bounds of a list."""
    return (pl.col(name).list.len().cast(pl.Int64) - 1).clip(lower_bound=0)


def _rows_of_parts(periods: pl.DataFrame) -> pl.DataFrame:
    """Up to MOST_PARTS periods of a series, each beginning where the last ends: `first`, `last` and all `bounds`."""
    one = periods.select(*SERIES, first="begin", last="end", bounds=pl.concat_list(BOUNDS))
    found = [one]
    for _ in range(MOST_PARTS - 1):
        found.append(
            found[-1]
            .join(periods.rename({"begin": "last"}), on=[*SERIES, "last"])
            .filter(pl.col("end") - pl.col("first") <= WHOLE_YEAR - SHORTEST)
            .select(*SERIES, "first", last="end", bounds=pl.concat_list("bounds", "end"))
        )
    return pl.concat(found).filter(pl.col("last") - pl.col("first") <= WHOLE_YEAR - SHORTEST)


def _parts_to_take_off(basis: pl.DataFrame, limits: Limits) -> pl.DataFrame:
    """Each longer period with the parts of each recipe that are known, one row a part, in the order of time."""
    longer = last_known(basis.filter(~pl.col("is_quarter"))).select(
        *SERIES, "period_start", "period_end", "value_usd", "grade", "known_on", "accession", "fact_id",
        long_begin="begin", long_end="end",
    )  # fmt: skip
    of_part = [*BEST_FIRST, "period_start", "period_end", *BOUNDS, "fact_id"]
    parts = _not_below(basis, limits).select(*SERIES, pl.col(of_part).name.prefix("part_"))
    recipes = _recipes(basis)
    steps = [
        recipes.filter(pl.col(side).list.len() > n + 1).with_columns(
            part_begin=pl.col(side).list.get(n, null_on_oob=True),
            part_end=pl.col(side).list.get(n + 1, null_on_oob=True),
        )
        for side in ("before", "after")
        for n in range(MOST_PARTS)
    ]
    is_shifted = (
        (pl.col("part_begin") == pl.col("long_begin")) & (pl.col("part_period_start") != pl.col("period_start"))
    ) | ((pl.col("part_end") == pl.col("long_end")) & (pl.col("part_period_end") != pl.col("period_end")))
    # Of two rows of a part the one that starts or ends on the very day of the longer period goes first.
    best = {"part_grade": False, "is_shifted": False} | {f"part_{name}": down for name, down in BEST_FIRST.items()}
    known = (
        pl.concat(steps)
        .drop("before", "after")
        .join(longer, on=[*SERIES, "long_begin", "long_end"])
        .join(parts, on=[*SERIES, "part_begin", "part_end"])
        .filter(pl.col("part_known_on") <= pl.col("known_on"))
        .with_columns(is_shifted=is_shifted)
    )
    return (
        in_order(known, best)
        .unique(["recipe", "part_begin"], keep="first", maintain_order=True)
        .sort("part_begin", maintain_order=True)
    )


def _not_below(basis: pl.DataFrame, limits: Limits) -> pl.DataFrame:
    """Periods that may be taken off: not those below a shorter one from the same day, as known when they were filed.

    Of such two the quarter between them is below zero and unknown; the wrong one would spoil the next quarter as well.
    """
    year = [*SERIES, "begin"]
    period = [*year, "end", "known_on", "value_usd"]

    def is_below(other: pl.Expr) -> pl.Expr:
        return pl.col("value_usd") * (1 + limits.restated) + limits.rounding_usd < other

    is_low = is_below(pl.col("value_usd").max().over(year))
    low = basis.filter(is_low & ~pl.col("is_quarter") & pl.col("measure").is_in(NEVER_NEGATIVE)).select(period)
    if low.is_empty():
        return basis
    of_short = {f"short_{name}": pl.col(name) for name in ("end", "known_on", "value_usd")}
    below = (
        low.unique()
        .join(basis.select(*year, **of_short), on=year)
        .filter((pl.col("short_end") < pl.col("end")) & (pl.col("short_known_on") <= pl.col("known_on")))
        .filter(pl.col("short_known_on") == pl.col("short_known_on").max().over(*period, "short_end"))
        .filter(is_below(pl.col("short_value_usd")))
    )
    return basis.join(below, on=period, how="anti", maintain_order="left")
