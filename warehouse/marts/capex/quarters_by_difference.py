"""Quarters from filings that print few of them: as printed, or as the difference of two periods.

A 10-Q gives cash flows since the start of the fiscal year, and the fourth quarter stands in the annual report alone, so
a quarter is mostly a difference of two periods that start on the same day. What makes a difference wrong decides how it
is taken here:

- Two tags are two series. A difference across them is a number that no company ever spent (a public page shows Amazon's
  39.5 billion as 0.8 that way). So quarters are worked out within each tag and only then stitched, one by one; a
  quarter whose two periods are filed under different tags stays unknown until a later filing repeats them under one.
  Where one day's filings give a quarter under two tags, the declared order of the tags decides.
- Restatements come in steps: a company restates its first quarter a year later, its half year a quarter after that.
  Both figures of a difference are therefore taken on one basis: the longer period as last known, the shorter as it was
  known on the day that the longer was filed.

Where better facts leave no shorter period to take off (a results release prints a half year and its second quarter),
the other parts of the longer period are taken off instead.

A year of other than four quarters of about 13 weeks would need other recipes and nothing else here: which periods there
are is the business of `filed_periods`.
"""

from __future__ import annotations

from functools import cache
from itertools import product

import polars as pl

from warehouse.marts.capex.current_facts import BEST_FIRST, LISTED_FIRST, SERIES, in_order, last_known, tag_places
from warehouse.marts.capex.filed_periods import MONTHS, QUARTERS, day_after
from warehouse.marts.capex.measures import NEVER_NEGATIVE

OFF_SCALE = 10
"""A sum since the year began that is this many times below an earlier one was filed in another unit.

A judgement. In the packaged filings of seven companies, 2021 to 2026, no such sum is below an earlier one (the least is
1.25 times it). A figure filed in thousands is a thousand times below. Ten lies between the two.
"""


def quarters(flows: pl.DataFrame) -> pl.DataFrame:
    """The figure of each company, measure and quarter (`end_month`) in USD, with its first day, grade and facts.

    Best grade first. Among equals a figure made of one grade, printed or as the difference of two periods from the same
    day, goes before one from other parts; then the one known last, the tag that the list names first (what a later filing
    repeats under another tag is a restatement), and the printed one. `flows` are facts with `quarters`, `start_month`
    and `end_month`.
    """
    # Both figures of a difference come from facts of one grade where that is possible, so each grade is tried alone.
    grades = sorted(flows["grade"].unique())
    bases = [flows.filter(pl.col("grade") == grade) for grade in grades]
    if len(bases) != 1:
        bases.append(flows)
    possible = pl.concat([candidates for basis in bases for candidates in (_printed(basis), _derived(basis))])
    sensible = possible.filter((pl.col("value_usd") >= 0) | ~pl.col("measure").is_in(NEVER_NEGATIVE))
    order = {
        "grade": False, "mixed": False, "roundabout": False, "known_on": True, **LISTED_FIRST, "is_derived": False,
        # No better than another, but the same one whatever the order in which facts arrive.
        "tag": False, "filed_start": False, "filed_end": False, "accession": False, "\0facts": False,
    }  # fmt: skip
    return (
        in_order(sensible.with_columns(*tag_places(), pl.col("fact_ids").list.join(" ").alias("\0facts")), order)
        .unique(["ticker", "measure", "end_month"], keep="first", maintain_order=True)
        .drop("\0facts")
    )


@cache
def _recipes() -> pl.DataFrame:
    """How a longer period gives one of its quarters: the parts to take off, as numbers of quarters from its start.

    A period of `quarters` gives the quarter number `at` (from 0) when all `parts` of a `recipe` are taken off, one row
    a part. `to_date` marks the usual one: a period less the shorter period from the same day.
    """
    rows: list[dict[str, int | bool]] = []
    recipe = 0
    for long in range(2, QUARTERS + 1):
        for at in range(long):
            for before, after in product(_tilings(0, at), _tilings(at + 1, long)):
                parts = (*before, *after)
                of_recipe = {"quarters": long, "recipe": recipe, "at": at, "parts": len(parts)}
                to_date = at == long - 1 and len(parts) == 1
                rows += [of_recipe | {"to_date": to_date, "part_from": begin, "part_to": end} for begin, end in parts]
                recipe += 1
    return pl.DataFrame(rows)


def _tilings(begin: int, end: int) -> list[tuple[tuple[int, int], ...]]:
    """All ways to lay the quarters from `begin` to `end` out in consecutive parts."""
    if begin == end:
        return [()]
    return [((begin, cut), *rest) for cut in range(begin + 1, end + 1) for rest in _tilings(cut, end)]


def _printed(basis: pl.DataFrame) -> pl.DataFrame:
    return last_known(basis.filter(pl.col("quarters") == 1)).select(
        *SERIES,
        "end_month",
        "value_usd",
        "period_start",
        "grade",
        "known_on",
        "accession",
        filed_start="period_start",
        filed_end="period_end",
        fact_ids=pl.concat_list("fact_id"),
        mixed=pl.lit(False),
        roundabout=pl.lit(0, dtype=pl.Int64),
        is_derived=pl.lit(False),
    )


def _derived(basis: pl.DataFrame) -> pl.DataFrame:
    """Quarters as a longer period, as last known, less its other parts as they were known on the day it was filed."""
    whole = _parts_to_take_off(basis).group_by(*SERIES, "start_month", "recipe").agg(
        pl.len().alias("found"),
        pl.col("parts", "at", "to_date", "value_usd", "grade", "known_on", "accession", "fact_id").first(),
        pl.col("period_start", "period_end").first().name.prefix("filed_"),
        off_usd=pl.col("part_value_usd").sum(),
        weakest_part=pl.col("part_grade").max(),
        best_part=pl.col("part_grade").min(),
        part_before_ends=pl.col("part_period_end").filter(pl.col("part_to") == pl.col("at")).first(),
        part_fact_ids=pl.col("part_fact_id"),
    )  # fmt: skip
    return whole.filter(pl.col("found") == pl.col("parts")).select(
        *SERIES,
        end_month=pl.col("start_month") + MONTHS * (pl.col("at") + 1),
        value_usd=pl.col("value_usd") - pl.col("off_usd"),
        period_start=pl.when(pl.col("at") == 0).then("filed_period_start").otherwise(day_after("part_before_ends")),
        grade=pl.max_horizontal("grade", "weakest_part"),
        known_on="known_on",
        accession="accession",
        filed_start="filed_period_start",
        filed_end="filed_period_end",
        fact_ids=pl.concat_list("fact_id", "part_fact_ids"),
        mixed=(pl.col("weakest_part") != pl.col("grade")) | (pl.col("best_part") != pl.col("grade")),
        roundabout=pl.when("to_date").then(0).otherwise("parts").cast(pl.Int64),
        is_derived=pl.lit(True),
    )


def _parts_to_take_off(basis: pl.DataFrame) -> pl.DataFrame:
    """Each longer period with the parts of each recipe that are known, one row a part, in the order of time."""
    longer = last_known(basis.filter(pl.col("quarters") > 1)).select(
        *SERIES, "quarters", "start_month", "period_start", "period_end", "value_usd", "grade", "known_on",
        "accession", "fact_id",
    )  # fmt: skip
    of_part = [*BEST_FIRST, "period_start", "period_end", "start_month", "end_month", "fact_id"]
    parts = _on_scale(basis).select(*SERIES, pl.col(of_part).name.prefix("part_"))
    is_shifted = ((pl.col("part_from") == 0) & (pl.col("part_period_start") != pl.col("period_start"))) | (
        (pl.col("part_to") == pl.col("quarters")) & (pl.col("part_period_end") != pl.col("period_end"))
    )
    # Of two rows of a part the one that starts or ends on the very day of the longer period goes first.
    best = {"part_grade": False, "is_shifted": False} | {f"part_{name}": down for name, down in BEST_FIRST.items()}
    known = (
        longer.join(_recipes(), on="quarters")
        .with_columns(
            part_start_month=pl.col("start_month") + MONTHS * pl.col("part_from"),
            part_end_month=pl.col("start_month") + MONTHS * pl.col("part_to"),
        )
        .join(parts, on=[*SERIES, "part_start_month", "part_end_month"])
        .filter(pl.col("part_known_on") <= pl.col("known_on"))
        .with_columns(is_shifted=is_shifted)
    )
    return (
        in_order(known, best)
        .unique([*SERIES, "start_month", "recipe", "part_from"], keep="first", maintain_order=True)
        .sort("part_from", maintain_order=True)
    )


def _on_scale(basis: pl.DataFrame) -> pl.DataFrame:
    """Periods that may be taken off: not those far below a shorter one from the same day, as known when they were filed.

    Of such two the quarter between them is below zero and unknown; the wrong one would spoil the next quarter as well.
    """
    year = [*SERIES, "start_month"]
    period = [*year, "end_month", "known_on", "value_usd"]
    is_low = pl.col("value_usd") * OFF_SCALE < pl.col("value_usd").max().over(year)
    low = basis.filter(is_low & (pl.col("quarters") > 1) & pl.col("measure").is_in(NEVER_NEGATIVE)).select(period)
    if low.is_empty():
        return basis
    of_short = {f"short_{name}": pl.col(name) for name in ("end_month", "known_on", "value_usd")}
    off_scale = (
        low.unique()
        .join(basis.select(*year, **of_short), on=year)
        .filter((pl.col("short_end_month") < pl.col("end_month")) & (pl.col("short_known_on") <= pl.col("known_on")))
        .filter(pl.col("short_known_on") == pl.col("short_known_on").max().over(*period, "short_end_month"))
        .filter(pl.col("value_usd") * OFF_SCALE < pl.col("short_value_usd"))
    )
    return basis.join(off_scale, on=period, how="anti", maintain_order="left")
