"""Which figures of quarters may not be used, because the filings contradict themselves or each other.

A filing is typed by people. A nine-month figure comes under the dates of the quarter; an annual report is on continuing
operations where the nine months before it are not; total revenue stands in the annual report alone and only a part of
it in the others. Each gives a figure for a quarter that never was, and the arithmetic cannot see it. So parts are held
against the longer periods around them, one filing's two statements of a quarter against each other, and a fourth
quarter against those before it. Where they differ by more than a restatement explains, the quarter is unknown with the
reason; which of two figures is the wrong one, nobody can tell from the outside.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.capex.current_facts import SERIES, last_known, tag_places
from warehouse.marts.capex.filed_periods import BOUNDS, LONGEST, QUARTER_DAYS, QUARTERS, WHOLE_YEAR
from warehouse.marts.capex.measures import CAPEX, NEVER_NEGATIVE, REVENUE, UNLISTED_CAPEX

REPORTS = "^(10-[QK]|20-F|40-F)"
# Days from which a period is a year that quarters are taken out of. No judgement: three quarters have 280 at most, a year 364.
LONG_YEAR = 300
SHOWN = 10
"""A quarter of so many times the rounding shows in its course whether a company buys in lumps. Small companies do: theirs is
doubted only where none of the quarters around it falls off like it."""
ONE = ["ticker", "measure", "end"]
FALLEN = {"ticker": pl.String(), "measure": pl.String(), "end": pl.Int64(), "code": pl.String(), "long_tag": pl.String(),
          "short_tag": pl.String()}  # fmt: skip


@dataclass(frozen=True)
class Limits:
    """Up to where two figures are one thing, as the assumptions file says (shares, times and USD)."""

    restated: float
    rounding_usd: float
    off_scale: float
    told_twice: float
    fall: Mapping[str, float]
    large_usd: float
    unlisted_times: float

    @classmethod
    def of(cls, assumptions: Assumptions) -> Limits:
        number = assumptions.number
        return cls(
            restated=number("filing_restated"),
            rounding_usd=number("filing_rounding_usd"),
            off_scale=number("filing_off_scale"),
            told_twice=number("disagreement"),
            fall={CAPEX: number("filing_fall_capex"), REVENUE: number("filing_fall_revenue")},
            large_usd=number("filing_large_usd"),
            unlisted_times=number("filing_unlisted_times"),
        )


def of_the_whole(flows: pl.DataFrame, limits: Limits) -> tuple[pl.DataFrame, pl.DataFrame]:
    """`flows` without the tags that stand for a part of a measure only, and the quarters that are lost with them.

    A tag is a part where the newest period that a company files under it and under one that is listed before it has less
    there; or under any other one, by half.
    """
    placed = last_known(flows.filter(pl.col("measure").is_in([REVENUE, CAPEX]))).with_columns(*tag_places())
    places = [name for name in placed.columns if name.startswith("tag_place_")]
    one = ["ticker", "measure", *BOUNDS]
    both = placed.select(*one, "tag", "value_usd", *places).join(
        placed.select(*one, whole_tag="tag", whole_usd="value_usd", **{f"whole_{name}": name for name in places}),
        on=one,
    )
    is_before = pl.any_horizontal(pl.col(f"whole_{name}") < pl.col(name) for name in places)
    newest = (
        both.filter(pl.col("tag") != pl.col("whole_tag"))
        .with_columns(share=pl.when(is_before).then(1 - limits.told_twice).otherwise(1 / limits.unlisted_times))
        .sort("end", "begin", "whole_tag")
        .unique(["ticker", "measure", "tag", "whole_tag"], keep="last", maintain_order=True)
        .filter(pl.col("value_usd") < pl.col("share") * pl.col("whole_usd"))
        .unique(["ticker", "measure", "tag"], keep="first", maintain_order=True)
        .select("ticker", "measure", "tag", "whole_tag")
    )
    lost = flows.join(newest, on=["ticker", "measure", "tag"])
    kept = flows.join(newest, on=["ticker", "measure", "tag"], how="anti")
    return kept, _fallen(lost, "part_of_the_whole", long_tag="whole_tag", short_tag="tag")


def without_doubted(flows: pl.DataFrame, limits: Limits) -> tuple[pl.DataFrame, pl.DataFrame]:
    """`flows` without capex where a tag that no list names holds much more, and the quarters that are lost with it.

    The tag may be capex or may not; that a person decides, in the list of tags.
    """
    other = flows.filter(pl.col("measure") == UNLISTED_CAPEX)
    kept = flows.filter(pl.col("measure") != UNLISTED_CAPEX)
    capex = kept.filter(pl.col("measure") == CAPEX)
    # A tag that is listed by now was read as the other measure before.
    other = other.join(capex.select("ticker", "tag").unique(), on=["ticker", "tag"], how="anti")
    if other.is_empty():
        return kept, _none()
    larger = (
        other.select("ticker", *BOUNDS, "tag", "value_usd")
        .join(capex.select("ticker", *BOUNDS, listed_usd="value_usd"), on=["ticker", *BOUNDS], how="left")
        .filter(pl.col("listed_usd").is_null() | (pl.col("value_usd") >= limits.unlisted_times * pl.col("listed_usd")))
        .select("ticker", other_begin="begin", other_end="end", other_tag="tag")
        .unique()
    )
    within = (pl.col("end") > pl.col("other_begin")) & (pl.col("end") <= pl.col("other_end"))
    doubted = capex.join(larger, on="ticker").filter(within)
    ends = larger.select("ticker", "other_tag", measure=pl.lit(CAPEX), end="other_end")
    lost = pl.concat([doubted.select(*ONE, "other_tag"), ends.select(*ONE, "other_tag")]).sort(*ONE, "other_tag")
    return kept.join(doubted.select("fact_id"), on="fact_id", how="anti"), _fallen(
        lost, "larger_under_unlisted_tag", long_tag="other_tag"
    )


def told_once(flows: pl.DataFrame, limits: Limits) -> tuple[pl.DataFrame, pl.DataFrame]:
    """`flows` without the periods of which one day's filings give two figures, and the quarters that end with them."""
    statement = [*SERIES, "period_start", "period_end", "grade", "known_on"]
    low, high = pl.col("value_usd").min().over(statement), pl.col("value_usd").max().over(statement)
    several = (high - low) > pl.max_horizontal(
        limits.told_twice * pl.max_horizontal(high.abs(), low.abs()), pl.lit(1.0)
    )
    is_newest = pl.col("known_on") == pl.col("known_on").max().over(*SERIES, *BOUNDS, "grade")
    told = flows.with_columns(is_twice=several)
    if not told.get_column("is_twice").any():
        return flows, _none()
    twice = told.filter("is_twice")
    # The period as it was known before is no answer either: a newer filing speaks of it.
    newest = twice.filter(is_newest).select(*SERIES, *BOUNDS, "grade").unique()
    kept = told.filter(~pl.col("is_twice")).drop("is_twice").join(newest, on=[*SERIES, *BOUNDS, "grade"], how="anti")
    return kept, _fallen(twice, "told_twice")


def held_against_longer(
    candidates: pl.DataFrame, flows: pl.DataFrame, limits: Limits
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """`candidates` for quarters that no longer period contradicts, and the others with the reason's code."""
    numbered = candidates.with_row_index("number")
    against = [
        ("more_than_the_longer_period", _more_than_longer(numbered, flows, limits)),
        ("perhaps_year_to_date", _year_to_date(numbered, flows)),
        ("on_two_bases", _on_two_bases(numbered, flows, limits)),
        ("printed_against_derived", _against_itself(numbered, limits)),
    ]
    wrong = pl.concat([numbers.select("number", code=pl.lit(code)) for code, numbers in against]).unique(
        "number", keep="first", maintain_order=True
    )
    wrong = pl.concat([wrong, _made_of(numbered, wrong)]).unique("number", keep="first", maintain_order=True)
    fallen = numbered.join(wrong, on="number")
    kept = numbered.join(wrong, on="number", how="anti", maintain_order="left").drop("number")
    return kept, fallen.select(*ONE, "code")


def _made_of(numbered: pl.DataFrame, wrong: pl.DataFrame) -> pl.DataFrame:
    """Quarters that were worked out from a printed one that is wrong: a part taken off a longer period."""
    printed = numbered.filter(~pl.col("is_derived")).join(wrong, on="number").select("code", fact="fact_ids")
    bad = printed.explode("fact", empty_as_null=False, keep_nulls=False).unique(
        "fact", keep="first", maintain_order=True
    )
    if bad.is_empty():
        return wrong.clear()
    parts = numbered.select("number", fact="fact_ids").explode("fact", empty_as_null=False, keep_nulls=False)
    return parts.join(bad, on="fact").select("number", "code").unique("number", keep="first", maintain_order=True)


def on_one_basis(chosen: pl.DataFrame, limits: Limits) -> tuple[pl.DataFrame, pl.DataFrame]:
    """`chosen` quarters without fourth ones that fall off from those before them as no quarter of the company does."""
    rows = chosen.sort("ticker", "measure", "end")
    own = ["ticker", "measure"]
    before = [pl.col("value_usd").shift(n).over(own) for n in range(1, QUARTERS)]
    starts = pl.col("begin").shift(QUARTERS - 1).over(own)
    year_ago = pl.col("value_usd").shift(QUARTERS).over(own)
    is_running = (pl.col("end") - starts).is_between(LONG_YEAR, QUARTERS * LONGEST)
    line = pl.col("measure").replace_strict(limits.fall, default=0.0, return_dtype=pl.Float64)
    least = pl.min_horizontal(before)
    is_steady = least >= line * pl.max_horizontal(*before, year_ago)
    falls = (
        pl.col("is_derived")
        & (pl.col("long_end") == pl.col("end"))
        & (pl.col("long_end") - pl.col("long_begin") >= LONG_YEAR)
        & is_running
        & pl.all_horizontal(each.is_not_null() for each in before)
        & ((least >= limits.large_usd) | (is_steady & (least >= SHOWN * limits.rounding_usd)))
        & (pl.col("value_usd") < line * least)
        & (pl.col("value_usd") < line * year_ago.fill_null(least))
    ).fill_null(False)
    marked = rows.with_columns(falls=falls)
    fallen = marked.filter("falls").select(*ONE, code=pl.lit("falls_off"))
    return marked.filter(~pl.col("falls")).drop("falls"), fallen


def _more_than_longer(numbered: pl.DataFrame, flows: pl.DataFrame, limits: Limits) -> pl.DataFrame:
    """Printed quarters that, with what is known of the same longer period before them, exceed it."""
    printed = numbered.filter(~pl.col("is_derived") & pl.col("measure").is_in(NEVER_NEGATIVE)).select(
        "number", *SERIES, *BOUNDS, "grade", quarter_usd="value_usd"
    )
    periods = last_known(flows).select(*SERIES, "grade", "begin", "end", "value_usd")
    longer = periods.rename({"begin": "long_begin", "end": "long_end", "value_usd": "long_usd"})
    parts = periods.rename({"begin": "long_begin", "end": "begin", "value_usd": "part_usd"})
    held = (
        printed.join(longer, on=[*SERIES, "grade"])
        .filter(
            (pl.col("long_begin") <= pl.col("begin"))
            & (pl.col("end") <= pl.col("long_end"))
            & (pl.col("long_end") - pl.col("long_begin") > LONGEST)
        )
        .join(parts, on=[*SERIES, "grade", "long_begin", "begin"], how="left")
    )
    limit = (1 + limits.restated) * pl.col("long_usd") + limits.rounding_usd
    # A longer period far below one of its quarters was filed in thousands: it is the one that is wrong.
    on_scale = pl.col("long_usd") * limits.off_scale >= pl.col("quarter_usd")
    exceeds = pl.col("quarter_usd") + pl.col("part_usd").fill_null(0) > limit
    return held.filter(on_scale & exceeds).select("number").unique()


def _year_to_date(numbered: pl.DataFrame, flows: pl.DataFrame) -> pl.DataFrame:
    """Printed quarters that are as large as the year before them, in a filing that gives no figure for the year to date.

    A figure of cash spent comes for the year to date; where a filing has the quarter's dates alone, the dates are wrong.
    Revenue and what operations earn may come for the quarter alone. They are doubted only where the figure is nearer to
    the year to date, one more quarter like those before it, than to a quarter.
    """
    printed = numbered.filter(~pl.col("is_derived") & (pl.col("accession") != "")).select(
        "number", *SERIES, *BOUNDS, "accession", "known_on", quarter_usd="value_usd"
    )
    # Results releases print quarters alone.
    reports = flows.filter(pl.col("form").str.contains(REPORTS)).select(*SERIES, *BOUNDS, "accession").unique()
    printed = printed.join(reports, on=[*SERIES, *BOUNDS, "accession"], how="semi")
    to_date = flows.filter(~pl.col("is_quarter")).select(*SERIES, "end", "accession", long_begin="begin")
    alone = printed.join(
        printed.join(to_date, on=[*SERIES, "end", "accession"]).filter(pl.col("long_begin") < pl.col("begin")),
        on="number",
        how="anti",
    )
    before = (
        flows.filter(~pl.col("form").str.contains("T"))
        .select(
            "ticker", "measure", "tag", end="end", part_begin="begin", part_usd="value_usd", part_known_on="known_on"
        )
        .rename({"end": "begin"})
    )
    # A company that never gives this figure for a half year or nine months gives it for the quarter.
    to_date_of_a_year = (pl.col("end") - pl.col("begin")).is_between(LONGEST + 1, LONG_YEAR)
    starts = flows.filter(~pl.col("is_quarter")).select(*SERIES, part_begin="begin").unique()
    year_starts = flows.filter(pl.col("end") - pl.col("begin") >= LONG_YEAR).select("ticker", part_begin="end").unique()
    usual = flows.filter(to_date_of_a_year).group_by(SERIES).agg(since=pl.col("known_on").min())
    is_spent = pl.col("measure").is_in([m for m in NEVER_NEGATIVE if m != REVENUE])
    before_it = ((pl.col("begin") - pl.col("part_begin")) / QUARTER_DAYS).round().clip(lower_bound=1)
    like_to_date = pl.col("part_usd") * (1 + 1 / (2 * before_it))
    return (
        alone.join(before, on=[*SERIES, "begin"])
        .join(starts.with_columns(has_longer=pl.lit(True)), on=[*SERIES, "part_begin"], how="left")
        .join(year_starts.with_columns(starts_year=pl.lit(True)), on=["ticker", "part_begin"], how="left")
        .join(usual, on=SERIES, how="left")
        .filter(pl.col("has_longer") | (pl.col("starts_year") & (pl.col("since") <= pl.col("known_on"))))
        .filter(pl.col("end") - pl.col("part_begin") <= WHOLE_YEAR)
        .filter(pl.col("part_known_on") <= pl.col("known_on"))
        .filter(pl.col("quarter_usd") >= pl.when(is_spent).then("part_usd").otherwise(like_to_date))
        .filter(pl.col("part_usd") > 0)
        .select("number")
        .unique()
    )


def _on_two_bases(numbered: pl.DataFrame, flows: pl.DataFrame, limits: Limits) -> pl.DataFrame:
    """Differences whose longer period was restated since the shorter was last filed."""
    versions = flows.select(
        *SERIES, "grade", long_begin="begin", long_end="end", told_usd="value_usd", told_on="known_on"
    )
    last = last_known(flows).select(*SERIES, long_begin="begin", long_end="end", last_usd="value_usd")
    derived = numbered.filter("is_derived").select(
        "number", *SERIES, "grade", "long_begin", "long_end", "known_on", "parts_known_on"
    )
    return (
        derived.join(last, on=[*SERIES, "long_begin", "long_end"])
        .join(versions, on=[*SERIES, "grade", "long_begin", "long_end"])
        .filter((pl.col("told_on") < pl.col("known_on")) & (pl.col("told_on") >= pl.col("parts_known_on")))
        .filter((pl.col("told_usd") - pl.col("last_usd")).abs() > limits.restated * pl.col("told_usd").abs())
        .select("number")
        .unique()
    )


def _against_itself(numbered: pl.DataFrame, limits: Limits) -> pl.DataFrame:
    """Quarters that one day's filings print and imply by figures to date, and not alike."""
    to_date = pl.col("is_derived") & (pl.col("roundabout") == 0)
    columns = [*SERIES, *BOUNDS, "grade", "known_on"]
    derived = numbered.filter(to_date).select(*columns, derived_number="number", derived_usd="value_usd")
    held = numbered.filter(~pl.col("is_derived")).join(derived, on=columns)
    gap = (pl.col("value_usd") - pl.col("derived_usd")).abs()
    larger = pl.max_horizontal(pl.col("value_usd").abs(), pl.col("derived_usd").abs())
    both = held.filter((gap > limits.restated * larger) & (gap > limits.rounding_usd))
    return pl.concat([both.select("number"), both.select(number="derived_number")]).unique()


def _fallen(lost: pl.DataFrame, code: str, **tags: str) -> pl.DataFrame:
    """Quarters that end with a period that is not used."""
    if lost.is_empty():
        return _none()
    named = {name: pl.col(column).str.split(":").list.last() for name, column in tags.items()}
    return lost.select(*ONE, code=pl.lit(code), **named).unique(ONE, keep="first", maintain_order=True)


def _none() -> pl.DataFrame:
    return pl.DataFrame(schema=FALLEN)
