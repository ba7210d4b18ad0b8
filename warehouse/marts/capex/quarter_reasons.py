"""Why figures of a quarter are unknown: one reason a cause, with the figures that it is the cause of."""

from __future__ import annotations

import polars as pl

from warehouse.calendars.fiscal import LENGTHS_DAYS
from warehouse.marts.capex.current_facts import SERIES
from warehouse.marts.capex.filed_periods import BOUNDS, NEAR_DAYS, QUARTERS, is_quarter
from warehouse.marts.capex.measures import (
    DEPRECIATION,
    DEPRECIATION_AND_AMORTIZATION,
    FLOWS,
    INSTANTS,
    KINDS_OF_DEPRECIATION,
    NEVER_NEGATIVE,
)
from warehouse.marts.common.reasons import because

QUARTER = ["ticker", "end"]
# Why a longer period gives no quarter; of several causes the first is said. Before these, why a figure there is not used.
CAUSES = ("shorter_period_known_later", "impossible_difference", "two_series", "cannot_be_split", "no_shorter_period")
NO_FACT = "no_fact_of_figures"
TAGS = ("long_tag", "short_tag")
DAYS = ("first_day", "last_day")
FIELDS: dict[str, tuple[str, ...]] = {
    "two_series": TAGS,
    "part_of_the_whole": TAGS,
    "cannot_be_split": DAYS,
    "larger_under_unlisted_tag": ("long_tag",),
    "figures_quarantined": ("checks",),
}
"""What a cause is told with, beside the figures."""


def reasons_of(
    rows: pl.DataFrame, flows: pl.DataFrame, fallen: pl.DataFrame, quarantined: pl.DataFrame
) -> pl.DataFrame:
    """For each row that has any: `reasons`, first of figures in their order, then what else there is to say.

    `fallen` are figures that were worked out and may not be used, with the `code` that says why; `quarantined` are the
    rows of filings that a check has put aside.
    """
    figures = FLOWS | INSTANTS
    unknown = [
        rows.filter(pl.col(column).is_null()).select(
            *QUARTER, measure=pl.lit(measure), figure=pl.lit(column), place=pl.lit(place)
        )
        for place, (measure, column) in enumerate(figures.items())
    ]
    cause = ["code", *TAGS, *DAYS, "checks"]
    whys = [_fallen(fallen), _quarantined(rows, quarantined), _why_not_derived(rows, flows)]
    why = pl.concat(whys, how="diagonal_relaxed").unique([*QUARTER, "measure"], keep="first", maintain_order=True)
    of_figures = (
        pl.concat(unknown)
        .join(why, on=[*QUARTER, "measure"], how="left")
        .with_columns(pl.col("code").fill_null(NO_FACT))
        .sort(*QUARTER, "place")
        .group_by(*QUARTER, *cause)
        .agg(pl.col("place").min(), figures=pl.col("figure"))
        .select(*QUARTER, "place", reason=_of_cause())
    )
    others = [
        rows.filter(applies).select(*QUARTER, place=pl.lit(place), reason=because(code))
        for place, (code, applies) in enumerate(_notes().items(), start=len(figures))
    ]
    return (
        pl.concat([of_figures, *others], how="vertical_relaxed")
        .sort(*QUARTER, "place")
        .group_by(QUARTER)
        .agg(reasons=pl.col("reason"))
    )


def _fallen(fallen: pl.DataFrame) -> pl.DataFrame:
    return fallen.with_columns(pl.col("measure").replace(DEPRECIATION_AND_AMORTIZATION, DEPRECIATION)).unique(
        [*QUARTER, "measure"], keep="first", maintain_order=True
    )


def _quarantined(rows: pl.DataFrame, quarantined: pl.DataFrame) -> pl.DataFrame:
    """Measures of which rows that end with a quarter were quarantined, with the checks that did so."""
    ends = rows.select(*QUARTER, "period_end").sort("period_end")
    return (
        quarantined.drop_nulls(["ticker", "measure", "period_end"])
        .sort("period_end")
        .join_asof(
            ends.rename({"period_end": "quarter_end"}),
            left_on="period_end",
            right_on="quarter_end",
            by="ticker",
            strategy="nearest",
            tolerance=f"{NEAR_DAYS}d",
            check_sortedness=False,
        )
        .drop_nulls("end")
        .with_columns(measure=pl.col("measure").replace(DEPRECIATION_AND_AMORTIZATION, DEPRECIATION))
        .group_by(*QUARTER, "measure")
        .agg(code=pl.lit("figures_quarantined").first(), checks=pl.col("reason_code").unique().sort())
        .with_columns(checks=pl.col("checks").list.join(", "))
    )


def _of_cause() -> pl.Expr:
    """The reason of each cause, with the fields that it is told with."""
    told = [
        pl.when(pl.col("code") == code).then(
            because(code, figures=pl.col("figures"), **{name: pl.col(name) for name in fields})
        )
        for code, fields in FIELDS.items()
    ]
    # A code that is told with figures alone.
    plain = pl.struct(reason_code=pl.col("code"), figures=pl.col("figures")).struct.json_encode()
    return pl.coalesce(*told, plain)


def _notes() -> dict[str, pl.Expr]:
    """What to say of a row beside the figures that no fact gives, and when. Rows are sorted by quarter."""
    gross, depreciation = pl.col("property_and_equipment_gross_usd"), pl.col("depreciation_ttm_usd")
    tags = [pl.col("capex_tag").shift(n).over("ticker") for n in range(QUARTERS)]
    is_mixed = pl.col("capex_ttm_usd").is_not_null() & (pl.max_horizontal(tags) != pl.min_horizontal(tags))
    return {
        "capex_of_a_year_incomplete": pl.col("capex_ttm_usd").is_null(),
        "capex_of_a_year_under_several_tags": is_mixed,
        "depreciation_of_a_year_incomplete": depreciation.is_null(),
        "depreciation_is_zero": gross.is_not_null() & (depreciation == 0),
        "cash_flow_not_above_zero": pl.col("capex_usd").is_not_null() & (pl.col("operating_cash_flow_usd") <= 0),
        "revenue_is_zero": pl.col("revenue_usd") == 0,
        "fiscal_year_unknown": pl.col("fiscal_year").is_null(),
        "first_day_unknown": pl.col("period_start").is_null(),
        "company_not_in_panel": pl.col("company").is_null(),
    }


def _why_not_derived(rows: pl.DataFrame, flows: pl.DataFrame) -> pl.DataFrame:
    """Why a quarter that a longer period ends with has no figure: `code`, with the tags or days that it is told with."""
    is_depreciation = pl.col("measure").is_in(KINDS_OF_DEPRECIATION)
    used = flows.join(rows.select("ticker", "depreciation_measure").unique(), on="ticker", how="left").filter(
        ~is_depreciation | (pl.col("measure") == pl.col("depreciation_measure")).fill_null(True)
    )
    periods = used.group_by(*SERIES, *BOUNDS).agg(pl.col("known_on").max(), first_known_on=pl.col("known_on").min())
    shorter = periods.select(
        "ticker", "measure", "begin", short_end="end", short_tag="tag", short_known_on="first_known_on"
    )
    long = periods.filter(~is_quarter("begin", "end"))
    pairs = long.join(shorter, on=["ticker", "measure", "begin"], how="left").with_columns(
        is_apart=is_quarter("short_end", "end").fill_null(False)
    )
    is_same = pl.col("short_tag") == pl.col("tag")
    later, impossible, two_series, cannot, no_shorter = range(len(CAUSES))
    # What is left of the longer period after the longest shorter one.
    rest = pl.col("begin").alias("rest")
    left = (
        pairs.filter(pl.col("short_end") < pl.col("end")).group_by(*SERIES, *BOUNDS).agg(rest=pl.col("short_end").max())
    )
    odd = ~pl.any_horizontal((pl.col("end") - pl.col("rest")).is_between(*span) for span in LENGTHS_DAYS.values())
    alone = long.join(left, on=[*SERIES, *BOUNDS], how="left").with_columns(pl.coalesce("rest", rest)).select(
        *QUARTER,
        "measure",
        cause=pl.when(odd).then(cannot).otherwise(no_shorter),
        first_day=(pl.col("rest") + 1).cast(pl.Int32).cast(pl.Date).cast(pl.String),
        last_day=pl.col("end").cast(pl.Int32).cast(pl.Date).cast(pl.String),
    )  # fmt: skip
    apart = pairs.filter("is_apart").select(
        *QUARTER,
        "measure",
        cause=pl.when(is_same & (pl.col("short_known_on") > pl.col("known_on")))
        .then(later)
        .when(is_same & pl.col("measure").is_in(NEVER_NEGATIVE))
        .then(impossible)
        .when(~is_same)
        .then(two_series)
        .otherwise(no_shorter),
        long_tag=pl.when(~is_same).then(_name("tag")),
        short_tag=pl.when(~is_same).then(_name("short_tag")),
    )
    return (
        pl.concat([apart, alone], how="diagonal_relaxed")
        .with_columns(measure=pl.col("measure").replace(DEPRECIATION_AND_AMORTIZATION, DEPRECIATION))
        .sort("cause", *TAGS, *DAYS)
        .unique([*QUARTER, "measure"], keep="first", maintain_order=True)
        .with_columns(code=pl.col("cause").replace_strict(dict(enumerate(CAUSES)), return_dtype=pl.String))
        .with_columns(
            *(pl.when(pl.col("code") == "two_series").then(name).alias(name) for name in TAGS),
            *(pl.when(pl.col("code") == "cannot_be_split").then(name).alias(name) for name in DAYS),
        )
        .drop("cause")
    )


def _name(tag: str) -> pl.Expr:
    return pl.col(tag).str.split(":").list.last()
