"""How much of the world's computing trains models, year by year, and which years may be believed.

Cheap training can only make redundant what trains. So the operations of all models published in a year are set against
what the world's accelerators could do in it. Three things go wrong easily:

- A model that is built on another counts only what it adds, or the base is counted with each of its children. Nor does a
  list say of every update what it is built on: one that bears a date, and the operations of the model of the same name
  without it, is that model again.
- Closed labs stopped disclosing. A year in which fewer than a third of the models have a figure, and a year that is not
  over, is a lower bound: it is shown and decides nothing, and a fall in it is never read as a fall in training.
- The sum is the world's, so the fleet is the world's. A company's own models over its own fleet stand in
  `training_share_own`, beside it.

Owning is not using (labs rent), and an H100-equivalent mixes chips by their peak operations: both limit every figure
here.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from warehouse.assumptions import Assumptions, Distribution
from warehouse.marts.common.columns import KNOWN_ON
from warehouse.marts.common.kept import Kept
from warehouse.marts.common.mart import Mart, Trace
from warehouse.marts.common.reasons import all_of, because
from warehouse.marts.common.select_current import admissible, select_current
from warehouse.marts.common.units import H100_DENSE_BF16_FLOP_PER_S, SECONDS_PER_YEAR
from warehouse.marts.training.fleets import mean_of_years, world_at_year_ends
from warehouse.tables.ai_models import TABLE as AI_MODELS
from warehouse.tables.formula import Formula
from warehouse.tables.guide import Guide
from warehouse.tables.table import FACT_IDS, Check, Column, mart

# What a list puts behind a model's name to date an update of it: "(Mar 2025)", "(2025-03)", "2025-03-24", "20250324", "0324".
UPDATE_OF = (
    r"(?i)[\s_-]*(\((\w+\s+)?(\d{1,2},?\s+)?(19|20)\d\d(-\d\d){0,2}\)|[\s_-](19|20)\d\d(-?\d\d){0,2}|[\s_-]\d{4})$"
)

TABLE = mart(
    "training_share",
    "operations of the models published in a year over those of the world's accelerators in that year",
    [
        Column("year", "integer", "calendar year of publication", "year", required=True),
        Column("models_known", "integer", "models of the list published in the year", "models", True, minimum=0),
        Column("models_disclosed", "integer", "those of them with training compute", "models", True, minimum=0),
        Column(
            "disclosure_rate",
            "real",
            "disclosed over known",
            "share",
            required=True,
            minimum=0,
            maximum=1,
            formula=Formula(
                "models with disclosed training compute over all models of the list in the year",
                "{models_disclosed} / {models_known}",
                "4.6",
            ),
        ),
        Column(
            "training_flop",
            "real",
            "plain sum of the disclosed operations",
            "FLOP",
            required=True,
            minimum=0,
            formula=Formula("plain sum of the disclosed operations of the year's models", "Σ FLOP", "4.3"),
        ),
        Column(
            "training_flop_added",
            "real",
            "their sum net of base models in the list",
            "FLOP",
            True,
            minimum=0,
            formula=Formula(
                "the same, where a model whose base model is in the list counts only what it adds",
                "Σ max(FLOP − FLOP of its base, 0)",
                "4.3",
            ),
        ),
        Column("vintage", "date", "day of the list that was used", required=True),
        Column("fleet_h100_low", "real", "lowest count of the mean fleet of the year", "H100-equivalents", above=0),
        Column("fleet_h100_high", "real", "highest count of the mean fleet of the year", "H100-equivalents", above=0),
        Column("fleet_facts", "texts", "evidence behind the fleet, by evidence_id"),
        FACT_IDS,
        Column(
            "fleet_flop",
            "real",
            "operations of the middle of the fleet at mean utilisation",
            "FLOP",
            above=0,
            formula=Formula(
                "what the middle of the year's mean fleet does at mean utilisation",
                "(fleet low + fleet high) / 2 × 989.4e12 × utilisation × 31,536,000",
                "4.2",
                assumptions=(
                    "utilisation",
                    "fleet_share_of_end",
                    "fleet_window_days",
                ),
            ),
        ),
        Column(
            "training_share",
            "real",
            "training_flop_added over fleet_flop: disclosed models only",
            "share",
            minimum=0,
            formula=Formula(
                "operations that the year's models added over what the world's fleet could do",
                "{training_flop_added} / {fleet_flop}",
                "4.3",
            ),
        ),
        Column(
            "training_share_grossed_up",
            "real",
            "the same times the mean gross-up for models that were not disclosed",
            "share",
            minimum=0,
            formula=Formula(
                "the same times the mean gross-up for models that did not disclose",
                "training share × (1 + (1 + 3) / rate) / 3",
                "4.3",
                assumptions=("undisclosed_gross_up",),
            ),
        ),
        Column(
            "is_lower_bound",
            "flag",
            "the year is not over, or too few disclosed: it decides nothing",
            required=True,
            formula=Formula(
                "the year is not over at the as-of date, or too few models disclosed",
                "year not over, or disclosure rate < minimum",
                "4.6",
                assumptions=("disclosure_minimum",),
            ),
        ),
        KNOWN_ON,
    ],
    key=("year",),
    checks=(
        Check(
            "added_is_at_most_the_sum",
            "select * from {table} where training_flop_added > training_flop * (1 + 1e-9) "
            "or models_disclosed > models_known",
            "what models add cannot exceed what they took",
        ),
        Check(
            "share_is_the_ratio",
            "select * from {table} where abs(training_share - training_flop_added / fleet_flop) > 1e-9 "
            "or abs(disclosure_rate - models_disclosed / models_known) > 1e-9",
            "the share and the two figures beside it must say the same",
        ),
        Check(
            "share_is_possible",
            "select * from {table} where training_share > 1",
            "models cannot take more operations than all accelerators can do",
            severity="warning",
        ),
    ),
    guide=Guide(
        "One row for each year.",
        "over years: shares have their own fleet each.",
        {
            "How much of the world's computing trains known models?": "select year, training_share, "
            "training_share_grossed_up, is_lower_bound from training_share order by all",
            "How many models say what they took?": "select year, models_known, models_disclosed, disclosure_rate from "
            "training_share order by all",
            "How much was trained, net of base models?": "select year, training_flop, training_flop_added from "
            "training_share order by all",
        },
    ),
)


def build(ai_models: pl.DataFrame, evidence: pl.DataFrame, *, as_of: date, assumptions: Assumptions) -> pl.DataFrame:
    """One row for each year with models (method 4.2, 4.3 and 4.6); `as_of` says which year is over."""
    minimum_rate = assumptions.number("disclosure_minimum")
    gross_up = assumptions.distribution("undisclosed_gross_up")
    flop_of_one = H100_DENSE_BF16_FLOP_PER_S * SECONDS_PER_YEAR * assumptions.distribution("utilisation").mean
    fleets = mean_of_years(
        world_at_year_ends(evidence, assumptions.integer("fleet_window_days")),
        assumptions.number("fleet_share_of_end"),
        counts=("low", "high"),
    ).rename({"low": "fleet_h100_low", "high": "fleet_h100_high", "evidence_ids": "fleet_facts"})
    middle = (pl.col("fleet_h100_low") + pl.col("fleet_h100_high")) / 2
    rate, over = pl.col("disclosure_rate"), _is_over(as_of)
    return (
        _models_by_year(ai_models)
        .join(fleets, on="year", how="left", suffix="_of_fleet")
        .with_columns(disclosure_rate=pl.col("models_disclosed") / pl.col("models_known"))
        .with_columns(
            is_lower_bound=~over | (rate < minimum_rate),
            fleet_flop=middle * flop_of_one,
            known_on=pl.max_horizontal("known_on", "known_on_of_fleet"),
            grade=pl.max_horizontal("grade", "grade_of_fleet"),
        )
        .with_columns(training_share=pl.col("training_flop_added") / pl.col("fleet_flop"))
        .with_columns(
            training_share_grossed_up=pl.when(rate > 0).then(pl.col("training_share") * _mean_gross_up(gross_up, rate)),
            reasons=_reasons(as_of, minimum_rate),
        )
        .select(name for name in TABLE.names if name != "reason")
    )


def _is_over(as_of: date) -> pl.Expr:
    return pl.date(pl.col("year"), 12, 31) <= as_of


def _models_by_year(ai_models: pl.DataFrame) -> pl.DataFrame:
    return (
        latest_vintage(ai_models)
        .group_by(year=pl.col("published").dt.year().cast(pl.Int64))
        .agg(
            models_known=pl.len().cast(pl.Int64),
            models_disclosed=pl.col("training_flop").count().cast(pl.Int64),
            # A sum of floats depends on its order; the largest first is the same on every machine.
            training_flop=pl.col("training_flop").sort(descending=True, nulls_last=True).sum(),
            training_flop_added=pl.col("added_flop").sort(descending=True, nulls_last=True).sum(),
            vintage=pl.col("vintage").max(),
            known_on=pl.col("known_on").max(),
            grade=pl.col("grade").max(),
        )
    )


def _reasons(as_of: date, minimum_rate: float) -> pl.Expr:
    """Why a year is a lower bound, and why its share is unknown.

    No reason names the day: simulations read these rows, and would be made again on each day without a new fact.
    """
    too_few = because(
        "too_few_models_disclosed",
        disclosed=pl.col("models_disclosed"),
        models=pl.col("models_known"),
        minimum_rate=minimum_rate,
    )
    return all_of(
        pl.when(~_is_over(as_of)).then(because("year_is_not_over")),
        pl.when(pl.col("disclosure_rate") < minimum_rate).then(too_few),
        pl.when(pl.col("fleet_flop").is_null()).then(because("no_count_of_the_worlds_fleet")),
    )


def latest_vintage(ai_models: pl.DataFrame) -> pl.DataFrame:
    """The latest list alone, each model once, with `added_flop`: its operations less those of its bases, at least zero.

    A base that is not in the list, or has no figure there, is worth nothing: it cannot be taken off (method 4.3). A dated
    update without a base that has the operations of its namesake is the same model, and its first publication counts.
    """
    return _LATEST.get((ai_models,), lambda: _latest_vintage(ai_models))


_LATEST: Kept[pl.DataFrame] = Kept(most=1)


def _latest_vintage(ai_models: pl.DataFrame) -> pl.DataFrame:
    known = admissible(ai_models)
    latest = known.filter(pl.col("vintage") == pl.col("vintage").max())
    # A list that changed twice in a day was read twice: the later reading counts.
    once = select_current(latest, AI_MODELS, ["model"]).sort("model")
    of_bases = (
        once.select("model", base=pl.col("base_model").str.split(","))
        .explode("base")
        .with_columns(pl.col("base").str.strip_chars())
        .filter(pl.col("base") != pl.col("model"))
        .unique(["model", "base"], maintain_order=True)
        .join(once.select(base="model", base_flop="training_flop"), on="base", how="inner")
        .group_by("model", maintain_order=True)
        .agg(pl.col("base_flop").sum())
    )
    return (
        _without_dated_updates(once)
        .join(of_bases, on="model", how="left", maintain_order="left")
        .with_columns(
            added_flop=pl.when(pl.col("training_flop").is_not_null()).then(
                pl.max_horizontal(pl.col("training_flop") - pl.col("base_flop").fill_null(0.0), pl.lit(0.0))
            )
        )
    )


def _without_dated_updates(models: pl.DataFrame) -> pl.DataFrame:
    """`models` without those that are an earlier one of the list again: same developer, name but for a date, operations."""
    name = pl.col("model").str.replace(UPDATE_OF, "").str.to_lowercase().str.replace_all(r"[\s_-]+", " ")
    kin = ["organization", "_name", "training_flop"]
    ordered = models.with_columns(_name=name.str.strip_chars(), _is_dated=pl.col("model").str.contains(UPDATE_OF)).sort(
        "published", "_is_dated", "model", nulls_last=True
    )
    based = pl.col("base_model").fill_null("").str.strip_chars() != ""
    again = (
        pl.col("_is_dated") & ~based & pl.col("training_flop").is_not_null() & (pl.int_range(pl.len()).over(kin) > 0)
    )
    return ordered.filter(~again).drop("_name", "_is_dated").sort("model")


def _mean_gross_up(gross_up: Distribution, rate: pl.Expr) -> pl.Expr:
    """Mean of the gross-up at a disclosure rate: mode and high of a triangle are multiples of 1 / rate (method 4.3)."""
    if gross_up.kind != "triangular":
        return pl.lit(gross_up.mean)
    return (gross_up["low"] + (gross_up["mode"] + gross_up["high"]) / rate) / 3


MART = Mart(
    table=TABLE,
    build=build,
    traces=(
        Trace("core.ai_models", "t.vintage = m.vintage and year(t.published) = m.year and t.grade <> 'D'"),
        Trace("core.evidence", ids="fact_ids"),
    ),
)
