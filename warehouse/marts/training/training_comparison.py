"""What models' training took, side by side on one rung of the scope ladder, and never across rungs (method 2).

A final run's rental beside another model's amortised cost, or beside a programme, is the mistake that this project is
about. So a row is one model on one rung by one way of knowing the cost, and its ratio to the model whose claim is checked
(`claim_runs`) is taken on that rung and that way alone. Where that model has no such cost there is no ratio, and the row
says so instead of reaching for another rung. GPU-hours and operations are physical: their ratios need no rung (though an
H800 hour and a TPU hour are not the same work).

Ways of knowing: `recomputed` is GPU-hours at the rental offers of the time (lowest, median, highest; method 3); `claimed` is
what was claimed or estimated of it, lowest to highest where several did; `derived` is a research programme as the
recomputed run over the share of a programme that final runs take, at the ends and middle of that assumption.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from warehouse.assumptions import Assumptions, Distribution
from warehouse.marts.common.columns import KNOWN_ON, says_why
from warehouse.marts.common.mart import Mart, Trace
from warehouse.marts.common.reasons import all_of, because
from warehouse.marts.training.rungs import PROGRAMME, RENTAL, UNKNOWN
from warehouse.tables.columns import DEVELOPER, ESTIMATE_BY
from warehouse.tables.formula import Formula
from warehouse.tables.guide import Guide
from warehouse.tables.table import Check, Column, mart
from warehouse.tables.training_runs import SCOPE_MEANINGS

BASES = {
    "recomputed": "GPU-hours at the rental prices of that time",
    "claimed": "as the developer or the press says",
    "derived": "the final run over the share of it in all the research",
}
COSTS = ("cost_low_usd", "cost_mid_usd", "cost_high_usd")

TABLE = mart(
    "training_comparison",
    "training cost of models on the same rung of the scope ladder, and its ratio to the model whose claim is checked",
    [
        Column(
            "model", "text", "model, programme, or the sum of runs that the claim is recomputed from", required=True
        ),
        Column("rung", "text", "rung of the scope ladder", required=True, allowed=SCOPE_MEANINGS),
        Column("basis", "text", "how the cost is known", required=True, allowed=BASES),
        DEVELOPER,
        Column("published", "date", "day the model was published (the first, where sources differ)", required=True),
        Column("hardware", "text", "chip of the run"),
        Column("gpu_hours", "real", "GPU-hours", "GPU-hours", above=0),
        Column("training_flop", "real", "operations as published", "FLOP", above=0),
        Column("n_estimates", "integer", "estimates that the cost is made of", "estimates", required=True, minimum=1),
        ESTIMATE_BY,
        Column("currency_years", "text", "years of the dollars of claimed costs; empty where not stated"),
        Column("cost_low_usd", "real", "lowest", "USD", required=True, above=0),
        Column("cost_p05_usd", "real", "5 % quantile of a lognormal price, for recomputed costs", "USD", above=0),
        Column("cost_mid_usd", "real", "middle: median of offers or of estimates", "USD", required=True, above=0),
        Column("cost_p95_usd", "real", "95 % quantile of a lognormal price, for recomputed costs", "USD", above=0),
        Column("cost_high_usd", "real", "highest", "USD", required=True, above=0),
        Column("compared_with", "text", "model whose claim is checked", required=True),
        Column(
            "ratio",
            "real",
            "middle cost over that model's on the same rung and basis",
            "multiple",
            above=0,
            formula=Formula(
                "middle cost over that of the model whose claim is checked, on the same rung and basis; across "
                "rungs it is refused",
                "middle cost / its middle cost",
                "2",
                assumptions=("claim_runs",),
            ),
        ),
        Column(
            "gpu_hours_ratio",
            "real",
            "GPU-hours over that model's",
            "multiple",
            above=0,
            formula=Formula(
                "GPU-hours over those of the model whose claim is checked",
                "GPU-hours / its GPU-hours",
                "2",
                assumptions=("claim_runs",),
            ),
        ),
        Column(
            "flop_ratio",
            "real",
            "operations over that model's",
            "multiple",
            above=0,
            formula=Formula(
                "operations over those of the model whose claim is checked",
                "FLOP / its FLOP",
                "2",
                assumptions=("claim_runs",),
            ),
        ),
        Column("run_ids", "texts", "training runs behind the row", required=True),
        KNOWN_ON,
    ],
    key=("model", "rung", "basis"),
    checks=(
        Check(
            "low_middle_high_in_order",
            "select * from {table} where cost_low_usd > cost_mid_usd or cost_mid_usd > cost_high_usd "
            "or cost_p05_usd > cost_mid_usd or cost_p95_usd < cost_mid_usd",
            "a low above a high is a mistake in the arithmetic",
        ),
        Check(
            "ratio_is_on_one_rung",
            "select m.* from {table} m left join {table} b on b.model = m.compared_with and b.rung = m.rung "
            "and b.basis = m.basis where m.ratio is not null "
            "and (b.model is null or abs(m.ratio - m.cost_mid_usd / b.cost_mid_usd) > 1e-9 * m.ratio)",
            "a ratio across rungs is refused (method 2)",
        ),
        says_why("refused_ratio_says_why", "ratio is null", "a ratio that is refused must say why"),
    ),
    guide=Guide(
        "One row for each model, rung of cost and how the cost is known.",
        "over rungs or bases: they are several costs of one model. model_costs has one row a model.",
        {
            "What did models cost on the rung of DeepSeek-V3's claim?": "select model, cost_mid_usd, ratio from "
            "training_comparison where rung = 'final_run_rental' and basis = 'recomputed' order by cost_mid_usd desc "
            "limit 15",
            "What would the research behind them have cost?": "select model, cost_low_usd, cost_high_usd from "
            "training_comparison where rung = 'research_programme' order by cost_high_usd desc limit 10",
            "Which costs of GPT-4 are there?": "select rung, basis, cost_mid_usd, estimate_by, grade from "
            "training_comparison where model = 'GPT-4'",
        },
    ),
)


def build(
    training_cost: pl.DataFrame, training_runs: pl.DataFrame, *, as_of: date, assumptions: Assumptions
) -> pl.DataFrame:
    """One row for each model, rung and way of knowing its cost; USD."""
    names = assumptions.value("claim_runs")
    base, increment = names["base"], names["increment"]
    years = (
        training_runs.filter(pl.col("known_on") <= as_of)
        .sort("run_id", "known_on")
        .unique("run_id", keep="last", maintain_order=True)
        .select("run_id", "cost_currency_year")
    )
    # Phases are parts of a total that has a row of its own: setting a part beside a whole compares nothing.
    whole = training_cost.filter(~pl.col("is_component")).join(years, on="run_id", how="left", maintain_order="left")
    recomputed = _recomputed(whole)
    rows = pl.concat(
        [
            recomputed,
            _sum_of_claim(recomputed, base, increment),
            _claimed(whole),
            _programmes(recomputed, assumptions.distribution("share_final")),
        ],
        how="diagonal",
    )
    known = rows.filter(pl.col("model") == base)
    of_base = known.select("rung", "basis", base_usd="cost_mid_usd")
    hours, flop = known["gpu_hours"].drop_nulls(), known["training_flop"].drop_nulls()
    refused = because("no_ratio_on_this_rung", model=base, basis=pl.col("basis"))
    return rows.join(of_base, on=["rung", "basis"], how="left", maintain_order="left").select(
        *(pl.col(name) for name in TABLE.names if name in rows.columns and name != "reasons"),
        compared_with=pl.lit(base),
        ratio=pl.col("cost_mid_usd") / pl.col("base_usd"),
        gpu_hours_ratio=pl.col("gpu_hours") / (hours[0] if len(hours) else None),
        flop_ratio=pl.col("training_flop") / (flop[0] if len(flop) else None),
        reasons=all_of(pl.when(pl.col("base_usd").is_null()).then(refused), "reasons"),
    )


def _recomputed(whole: pl.DataFrame) -> pl.DataFrame:
    """The run of each model that says how many hours it took, at the offers of its time; one row a model and rung."""
    stand_in = because("another_chip_stands_in", priced_as=pl.col("priced_as"), hardware=pl.col("hardware"))
    return (
        whole.filter(pl.col("cost_mid_usd").is_not_null())
        .sort("grade", "run_id")
        .unique(["model", "recomputed_scope"], keep="first", maintain_order=True)
        .select(
            "model",
            "developer",
            "published",
            "hardware",
            "gpu_hours",
            "training_flop",
            *COSTS,
            "cost_p05_usd",
            "cost_p95_usd",
            "known_on",
            "grade",
            rung="recomputed_scope",
            basis=pl.lit("recomputed"),
            n_estimates=pl.lit(1, pl.Int64),
            estimate_by=pl.lit("this project"),
            run_ids=pl.concat_list("run_id"),
            reasons=all_of(pl.when("is_stand_in").then(stand_in)),
        )
    )


def _sum_of_claim(recomputed: pl.DataFrame, base: str, increment: str) -> pl.DataFrame:
    """The base run and the increment on it together: what Q1 is decided by.

    Both are priced by one market, so their prices are taken to be high or low together and their quantiles add up.
    """
    parts = recomputed.filter(pl.col("model").is_in([base, increment])).sort(pl.col("model") != base)
    if parts.height < 2:
        return recomputed.clear()
    summed = ("gpu_hours", "training_flop", *COSTS, "cost_p05_usd", "cost_p95_usd")
    return parts.select(
        model=pl.lit(f"{base} + {increment}"),
        rung=pl.lit(RENTAL),
        basis=pl.lit("recomputed"),
        developer=pl.col("developer").first(),
        published=pl.col("published").max(),
        hardware=pl.col("hardware").first(),
        **{name: pl.when(pl.col(name).is_not_null().all()).then(pl.col(name).sum()) for name in summed},
        n_estimates=pl.len().cast(pl.Int64),
        estimate_by=pl.lit("this project"),
        run_ids=pl.col("run_ids").list.explode().implode(),
        known_on=pl.col("known_on").max(),
        grade=pl.col("grade").max(),
        reasons=all_of(because("sum_of_the_claim")),
    ).head(1)


def _claimed(whole: pl.DataFrame) -> pl.DataFrame:
    """What was claimed or estimated of each model on each rung, lowest to highest."""
    claims = whole.filter(pl.col("claimed_cost_usd").is_not_null()).sort("model", "cost_scope", "published", "run_id")
    cost, years = pl.col("claimed_cost_usd"), pl.col("years").list.len()
    return (
        claims.group_by("model", rung=pl.col("cost_scope"), maintain_order=True)
        .agg(
            pl.col("developer", "published").first(),
            pl.col("hardware", "gpu_hours", "training_flop").drop_nulls().first(),
            cost_low_usd=cost.min(),
            cost_mid_usd=cost.median(),
            cost_high_usd=cost.max(),
            n_estimates=pl.len().cast(pl.Int64),
            estimate_by=pl.col("estimate_by").unique(maintain_order=True).str.join(", "),
            years=pl.col("cost_currency_year").drop_nulls().unique().sort(),
            run_ids=pl.col("run_id"),
            known_on=pl.col("known_on").max(),
            grade=pl.col("grade").max(),
        )
        .with_columns(
            basis=pl.lit("claimed"),
            currency_years=pl.when(years > 0).then(pl.col("years").cast(pl.List(pl.String)).list.join(", ")),
            reasons=all_of(
                pl.when(years > 1)
                .then(because("dollars_of_several_years"))
                .when(pl.col("rung") == UNKNOWN)
                .then(because("no_rung_is_stated"))
            ),
        )
        .drop("years")
    )


def _programmes(recomputed: pl.DataFrame, share_final: Distribution) -> pl.DataFrame:
    """Research programmes estimated as the recomputed final run over share_final (method 2)."""
    low, high = share_final.low, share_final.high
    return recomputed.filter(pl.col("rung") == RENTAL).with_columns(
        rung=pl.lit(PROGRAMME),
        basis=pl.lit("derived"),
        cost_low_usd=pl.col("cost_low_usd") / high,
        cost_mid_usd=pl.col("cost_mid_usd") / share_final.mean,
        cost_high_usd=pl.col("cost_high_usd") / low,
        cost_p05_usd=pl.lit(None, pl.Float64),
        cost_p95_usd=pl.lit(None, pl.Float64),
        gpu_hours=pl.lit(None, pl.Float64),
        training_flop=pl.lit(None, pl.Float64),
        reasons=all_of(because("programme_from_its_final_run", share_low=low, share_high=high)),
    )


MART = Mart(
    table=TABLE,
    build=build,
    traces=(Trace("marts.training_cost", "list_contains(m.run_ids, t.run_id)"),),
)
