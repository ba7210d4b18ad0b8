"""How fast training gets cheaper at a given capability, and whether a model breaks that trend (method 3).

A cheap model is no news if models get cheaper anyway: what counts is whether it lies below the line that those before and
after it lie on. So the log of what a model's training took is regressed on the day of its release and its capability
(Epoch Capabilities Index); the slope on the day, turned round, is how many times cheaper the same capability becomes
each year, and the residual is what the model is off the line. A residual below -2 standard deviations is a break.

Three things to know of the line. Capability is measured with error, which makes the slope on it too flat and the decline
too slow (attenuation; Fuller 1987, section 1.1). Only models with known compute are on it, and closed labs stopped
disclosing. And a model pulls the line towards itself: `residual_sd` is in standard deviations of all residuals, as the
method has it; `studentised_residual` sets the model against the line through all others (Belsley, Kuh and Welsch 1980,
section 2.1), which is the fairer test of a break.
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

import numpy as np
import polars as pl
from scipy import stats

from warehouse.assumptions import Assumptions
from warehouse.marts.common.columns import KNOWN_ON, says_why
from warehouse.marts.common.mart import Mart, Trace
from warehouse.marts.common.reasons import all_of, because
from warehouse.marts.common.select_current import admissible, select_current
from warehouse.marts.common.units import DAYS_PER_YEAR
from warehouse.marts.training.rungs import RENTAL
from warehouse.tables.formula import Formula
from warehouse.tables.guide import Guide
from warehouse.tables.model_capability import TABLE as MODEL_CAPABILITY
from warehouse.tables.table import Check, Column, mart

# No judgements on an answer: 95 % is how intervals are printed, and fewer models than these have no trend but a reason.
CONFIDENCE = 0.95
# With two slopes and a constant, ten models leave seven degrees of freedom and give each slope five models. Austin and
# Steyerberg find about two enough: The number of subjects per variable required in linear regression analyses, Journal of
# Clinical Epidemiology 68 (2015), 627-636, doi:10.1016/j.jclinepi.2014.12.014.
MODELS_TO_FIT = 10
OPERATIONS, COST = "training_flop", "final_run_cost_usd"
UNITS = {OPERATIONS: "FLOP", COST: "USD"}

TABLE = mart(
    "efficiency_trend",
    "each model against the trend of what training takes for a given capability, and how fast that trend falls",
    [
        Column(
            "quantity",
            "text",
            "what training took",
            required=True,
            allowed={OPERATIONS: "operations", COST: "cost of the final run at rental prices"},
        ),
        Column("model", "text", "model without its setting", required=True),
        MODEL_CAPABILITY.column("released"),
        MODEL_CAPABILITY.column("eci"),
        Column("value", "real", "what its training took", required=True, above=0),
        Column("unit", "text", "unit of value and prediction", required=True),
        Column("n_models", "integer", "models that the trend is fitted to", "models", required=True, minimum=1),
        Column(
            "times_cheaper_a_year",
            "real",
            "fall of the quantity at a given capability: multiple a year",
            above=0,
            formula=Formula(
                "how many times less of it the same capability takes a year later, from a regression of its log "
                "on date and capability",
                "10 ^ (− slope a year)",
                "3",
            ),
        ),
        Column("times_cheaper_low", "real", "lower end of its 95 % interval", "multiple a year", above=0),
        Column("times_cheaper_high", "real", "upper end of its 95 % interval", "multiple a year", above=0),
        Column("trend_sd_log10", "real", "standard deviation of the residuals", "orders of magnitude", minimum=0),
        Column("predicted", "real", "what the trend has for its day and capability", above=0),
        Column(
            "residual_log10",
            "real",
            "log10 of value over prediction",
            "orders of magnitude",
            formula=Formula("log of the value over what the trend predicts", "log10(value / predicted)", "3"),
        ),
        Column(
            "residual_sd",
            "real",
            "that residual",
            "standard deviations of all residuals",
            formula=Formula(
                "that residual in standard deviations of all residuals", "{residual_log10} / {trend_sd_log10}", "3"
            ),
        ),
        Column(
            "studentised_residual",
            "real",
            "off the line through all other models",
            "standard errors of that prediction",
        ),
        Column(
            "is_break",
            "flag",
            "residual below the threshold of method 3: cheaper than the trend explains",
            formula=Formula(
                "cheaper than the trend explains",
                "residual in standard deviations < −2",
                "3",
                assumptions=("claim_trend_break",),
            ),
        ),
        KNOWN_ON,
    ],
    key=("quantity", "model", "released"),
    checks=(
        Check(
            "decline_inside_its_interval",
            "select * from {table} where times_cheaper_low > times_cheaper_a_year "
            "or times_cheaper_high < times_cheaper_a_year",
            "an estimate outside its own interval is a mistake in the arithmetic",
        ),
        Check(
            "residual_is_the_distance",
            "select * from {table} where abs(log10(value / predicted) - residual_log10) > 1e-9 "
            "or abs(residual_log10 - residual_sd * trend_sd_log10) > 1e-9",
            "the residual and the figures beside it must say the same",
        ),
        Check(
            "residuals_add_up_to_nothing",
            "select quantity, sum(residual_log10) as total from {table} group by all "
            "having abs(sum(residual_log10)) > 1e-6",
            "least squares with an intercept leave residuals that add up to zero",
        ),
        says_why("unknown_says_why", "times_cheaper_a_year is null", "a trend that is not known must say why"),
    ),
    guide=Guide(
        "One row for each model and quantity.",
        "value: models of several capabilities have little in common.",
        {
            "Which models are a break with the trend?": "select quantity, model, released, value, times_cheaper_a_year "
            "from efficiency_trend where is_break",
            "How fast does training get cheaper?": "select distinct quantity, times_cheaper_low, times_cheaper_a_year, "
            "times_cheaper_high, n_models from efficiency_trend",
            "Where does DeepSeek-V3 lie?": "select quantity, value, predicted, studentised_residual from efficiency_trend "
            "where model like 'DeepSeek-V3%'",
        },
    ),
)


class Trend(NamedTuple):
    """The fit: fall a year as a multiple with its 95 % interval, and how each model lies to it (in their order)."""

    times: float
    low: float
    high: float
    deviation: float
    predicted: np.ndarray
    residuals: np.ndarray
    studentised: np.ndarray

    @property
    def scaled(self) -> np.ndarray:
        """Residuals in standard deviations."""
        return self.residuals / self.deviation if self.deviation > 0 else np.zeros_like(self.residuals)


def one_a_release(capability: pl.DataFrame) -> pl.DataFrame:
    """One row for each model and release: settings of one model share its index and are one observation."""
    return capability.sort("base_name", "released", "model").unique(
        ["base_name", "released"], keep="first", maintain_order=True
    )


def fit(models: pl.DataFrame, quantity: str = OPERATIONS) -> Trend | None:
    """log10 of `quantity` on the day of release and the capability index, by ordinary least squares.

    `models` has `released`, `eci` and `quantity`, one row a model. None where fewer than ten models, or models that do
    not vary, leave nothing to fit.
    """
    if models.height < MODELS_TO_FIT:
        return None
    years = (models["released"] - date(2025, 1, 1)).dt.total_days().to_numpy() / DAYS_PER_YEAR
    design = np.column_stack([np.ones(models.height), years, models["eci"].to_numpy()])
    logs = np.log10(models[quantity].to_numpy())
    if np.linalg.matrix_rank(design) < design.shape[1]:
        return None
    slopes = np.linalg.lstsq(design, logs, rcond=None)[0]
    predicted = design @ slopes
    left_over = logs - predicted
    free = models.height - design.shape[1]
    inverse = np.linalg.inv(design.T @ design)
    deviation = float(np.sqrt(left_over @ left_over / free))
    margin = stats.t.ppf((1 + CONFIDENCE) / 2, free) * deviation * np.sqrt(inverse[1, 1])
    times, low, high = (float(10 ** -(slopes[1] + shift)) for shift in (0.0, margin, -margin))
    own = 1 - np.einsum("ij,jk,ik->i", design, inverse, design)  # one less the model's pull on its own prediction
    with np.errstate(divide="ignore", invalid="ignore"):
        without = (left_over @ left_over - left_over**2 / own) / (free - 1)
        studentised = np.where(without * own > 0, left_over / np.sqrt(without * own), 0.0)
    return Trend(times, low, high, deviation, 10**predicted, left_over, studentised)


def build(model_capability: pl.DataFrame, training_cost: pl.DataFrame, *, assumptions: Assumptions) -> pl.DataFrame:
    """One row for each quantity and model whose quantity is known (method 3)."""
    models = one_a_release(select_current(admissible(model_capability), MODEL_CAPABILITY))
    about = models.select("base_name", "released", "eci", "training_flop", "known_on", "grade")
    with_cost = about.join(_final_run_costs(training_cost), left_on="base_name", right_on="model").with_columns(
        known_on=pl.max_horizontal("known_on", "cost_known_on"), grade=pl.max_horizontal("grade", "cost_grade")
    )
    samples = {OPERATIONS: about.filter(pl.col(OPERATIONS).is_not_null()), COST: with_cost}
    threshold = assumptions.number("claim_trend_break")
    return pl.concat(
        [
            TABLE.empty(),
            *(_of_sample(sample, quantity, threshold) for quantity, sample in samples.items() if sample.height),
        ]
    )


def _final_run_costs(training_cost: pl.DataFrame) -> pl.DataFrame:
    """Rental cost of each model's final run: recomputed where that is possible, else as claimed on that rung."""
    rental = training_cost.filter(~pl.col("is_component")).with_columns(
        recomputed=pl.when(pl.col("recomputed_scope") == RENTAL).then("cost_mid_usd"),
        claimed=pl.when(pl.col("cost_scope") == RENTAL).then("claimed_cost_usd"),
    )
    return (
        rental.with_columns(pl.coalesce("recomputed", "claimed").alias(COST))
        .filter(pl.col(COST).is_not_null())
        .sort(["recomputed", "grade", "run_id"], nulls_last=True)
        .unique("model", keep="first", maintain_order=True)
        .select("model", COST, cost_known_on="known_on", cost_grade="grade")
    )


def _of_sample(sample: pl.DataFrame, quantity: str, threshold: float) -> pl.DataFrame:
    trend = fit(sample, quantity)
    rows = sample.select(
        "released",
        "eci",
        quantity=pl.lit(quantity),
        model="base_name",
        value=pl.col(quantity),
        unit=pl.lit(UNITS[quantity]),
        n_models=pl.lit(sample.height, pl.Int64),
        known_on=pl.col("known_on").max(),
        grade=pl.col("grade").max(),
    )
    if trend is None:
        no_trend = because("no_trend", models=sample.height, needed=MODELS_TO_FIT)
        return TABLE.conform(rows.with_columns(reasons=all_of(no_trend)))
    return TABLE.conform(
        rows.with_columns(
            times_cheaper_a_year=pl.lit(trend.times),
            times_cheaper_low=pl.lit(trend.low),
            times_cheaper_high=pl.lit(trend.high),
            trend_sd_log10=pl.lit(trend.deviation),
            predicted=pl.Series(trend.predicted),
            residual_log10=pl.Series(trend.residuals),
            residual_sd=pl.Series(trend.scaled),
            studentised_residual=pl.Series(trend.studentised),
            is_break=pl.Series(trend.scaled) < threshold,
        )
    )


MART = Mart(
    table=TABLE,
    build=build,
    traces=(
        Trace(
            "core.model_capability",
            "t.base_name = m.model and t.released = m.released and t.known_on <= m.known_on and t.grade <> 'D'",
        ),
        Trace("marts.training_cost", f"m.quantity = '{COST}' and t.model = m.model and not t.is_component"),
    ),
)
