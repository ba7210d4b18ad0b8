"""Why figures of a quarter are unknown: one reason a cause, with the figures that it is the cause of."""

from __future__ import annotations

import polars as pl

from warehouse.marts.capex.current_facts import SERIES
from warehouse.marts.capex.filed_periods import MONTHS, QUARTERS
from warehouse.marts.capex.measures import (
    DEPRECIATION,
    DEPRECIATION_AND_AMORTIZATION,
    FLOWS,
    INSTANTS,
    KINDS_OF_DEPRECIATION,
    NEVER_NEGATIVE,
)
from warehouse.marts.common.reasons import because

QUARTER = ["ticker", "end_month"]
# Why a longer period gives no quarter; of several causes the first is said.
CAUSES = ("shorter_period_known_later", "impossible_difference", "two_series", "no_shorter_period")
NO_FACT = "no_fact_of_figures"


def reasons_of(rows: pl.DataFrame, flows: pl.DataFrame) -> pl.DataFrame:
    """For each row that has any: `reasons`, first of figures in their order, then what else there is to say."""
    figures = FLOWS | INSTANTS
    unknown = [
        rows.filter(pl.col(column).is_null()).select(
            *QUARTER, measure=pl.lit(measure), figure=pl.lit(column), place=pl.lit(place)
        )
        for place, (measure, column) in enumerate(figures.items())
    ]
    cause = ["code", "long_tag", "short_tag"]
    of_figures = (
        pl.concat(unknown)
        .join(_why_not_derived(rows, flows), on=[*QUARTER, "measure"], how="left")
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


def _of_cause() -> pl.Expr:
    """The reason of each cause; tags are named where they are the cause."""
    tags = {"two_series": {"long_tag": pl.col("long_tag"), "short_tag": pl.col("short_tag")}}
    return pl.coalesce(
        pl.when(pl.col("code") == code).then(because(code, figures=pl.col("figures"), **tags.get(code, {})))
        for code in (NO_FACT, *CAUSES)
    )


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
    """Why a quarter that a longer period ends with has no figure: `code`, with the tags where these are the cause."""
    is_depreciation = pl.col("measure").is_in(KINDS_OF_DEPRECIATION)
    used = flows.join(rows.select("ticker", "depreciation_measure").unique(), on="ticker", how="left").filter(
        ~is_depreciation | (pl.col("measure") == pl.col("depreciation_measure")).fill_null(True)
    )
    periods = used.group_by(*SERIES, "start_month", "end_month", "quarters").agg(
        pl.col("known_on").max(), first_known_on=pl.col("known_on").min()
    )
    shorter = periods.select(
        "ticker",
        "measure",
        "start_month",
        end_month=pl.col("end_month") + MONTHS,
        short_tag="tag",
        short_known_on="first_known_on",
    )
    is_same = pl.col("short_tag") == pl.col("tag")
    later, impossible, two_series, no_shorter = range(len(CAUSES))
    cause = (
        pl.when(is_same & (pl.col("short_known_on") > pl.col("known_on")))
        .then(later)
        .when(is_same & pl.col("measure").is_in(NEVER_NEGATIVE))
        .then(impossible)
        .when(pl.col("short_tag") != pl.col("tag"))
        .then(two_series)
        .otherwise(no_shorter)
    )
    is_two_series = pl.col("cause") == two_series
    long_tag, short_tag = (pl.col(name).str.split(":").list.last() for name in ("tag", "short_tag"))
    return (
        periods.filter(pl.col("quarters") > 1)
        .join(shorter, on=["ticker", "measure", "start_month", "end_month"], how="left")
        .with_columns(cause=cause, measure=pl.col("measure").replace(DEPRECIATION_AND_AMORTIZATION, DEPRECIATION))
        .with_columns(long_tag=pl.when(is_two_series).then(long_tag), short_tag=pl.when(is_two_series).then(short_tag))
        .sort("cause", "long_tag", "short_tag")
        .unique([*QUARTER, "measure"], keep="first", maintain_order=True)
        .select(
            *QUARTER,
            "measure",
            "long_tag",
            "short_tag",
            code=pl.col("cause").replace_strict(dict(enumerate(CAUSES)), return_dtype=pl.String),
        )
    )
