"""What each training run would have cost at the rental prices of its time, and whether what was said of it adds up.

A claimed cost is a price times hours, and the price is often an assumption of whoever claims it. So the cost is
recomputed from the hours and the offers that stood in price lists around the run (method 3): lowest, middle and
highest, never one number. Large clouds' list prices are three to four times the specialists' and price nothing here. A
chip that hardly anyone rents out (the H800 was sold to China only) is priced by its nearest unrestricted kin, and the
row says so.

Published figures contradict each other. Three tests show it without any outside knowledge: the claim over the hours
must look like a rental price, six operations a parameter and token must give the published operations, and the
operations over the hours must fit into the chip. The operations, hours and tokens of one row are of one phase or of one
total, as the table declares; nothing is ever taken from another row, since a total and its components are rows of the
same table and their sum is nothing at all.

A recomputed cost is a rental of the hours whatever was claimed: beside an amortised claim it is another rung of the
scope ladder, so `recomputed_scope` names it and the two are not compared.
"""

from __future__ import annotations

import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.common.columns import KNOWN_ON, says_why
from warehouse.marts.common.mart import Mart, Trace
from warehouse.marts.common.select_current import admissible, select_current, weakest
from warehouse.marts.common.units import FLOP_PER_TFLOP, HOURS_PER_DAY, SECONDS_PER_HOUR
from warehouse.marts.common.words import worded
from warehouse.marts.gpu.series import CLASS_MEANINGS
from warehouse.marts.training.findings import findings, reasons
from warehouse.marts.training.rungs import POST_TRAINING, PROGRAMME, PURCHASES, RENTAL
from warehouse.tables.columns import DEVELOPER, ESTIMATE_BY
from warehouse.tables.formula import Formula
from warehouse.tables.gpu_specs import TABLE as GPU_SPECS
from warehouse.tables.guide import Guide
from warehouse.tables.table import Check, Column, mart
from warehouse.tables.training_runs import SCOPE_MEANINGS
from warehouse.tables.training_runs import TABLE as TRAINING_RUNS

KIND = "on_demand"
FLOP_PER_PARAMETER_AND_TOKEN = 6  # two forward, four backward (Kaplan et al. 2020, section 2.1)
NINETY_FIFTH = 1.6448536269514722  # quantile of the standard normal
# "V3 (pre-training only)" is a part of V3. "R1 (increment over V3)", "V3 + R1" and "SFT on Qwen" are runs of their own.
BRACKETS = r"\(([^()]*)\)\s*$"
PHASES = (
    r"(?i)\b(pre|mid|post)-?training\b|\bcontext extension\b|\b(fine-?tuning|annealing|distillation|SFT|RL|RLHF|DPO)\b"
    r"|\bphase\b"
)
WHOLE_OF_ITS_OWN = r"(?i)\bincrement\b|\bover\b|\bon\b|\+"

PRICING = (
    "price_window_days",
    "price_class",
    "price_minimum_offers",
    "price_minimum_offers_stand_in",
    "price_stand_ins",
    "rental_price",
)

TABLE = mart(
    "training_cost",
    "each training run's cost recomputed from GPU-hours and the rental offers of its time, and what does not add up",
    [
        Column("run_id", "text", "training run", required=True),
        TRAINING_RUNS.column("model"),
        DEVELOPER,
        TRAINING_RUNS.column("published"),
        Column("hardware", "text", "chip of the run"),
        Column("priced_as", "text", "chip whose offers price it; null where there are too few"),
        Column("is_stand_in", "flag", "whether that is another chip than the run's own"),
        Column(
            "is_component", "flag", "whether the row is one phase of a model's training, part of a total", required=True
        ),
        TRAINING_RUNS.column("part_of"),
        Column(
            "cost_scope", "text", "rung of the scope ladder of the claimed cost", required=True, allowed=SCOPE_MEANINGS
        ),
        Column("recomputed_scope", "text", "rung of the recomputed cost, always a rental", allowed=SCOPE_MEANINGS),
        ESTIMATE_BY,
        TRAINING_RUNS.column("claimed_cost_usd"),
        TRAINING_RUNS.column("gpu_count"),
        TRAINING_RUNS.column("gpu_hours"),
        Column("price_class", "text", "class of provider whose offers price it", required=True, allowed=CLASS_MEANINGS),
        Column("price_from", "date", "first day of the window of offers", required=True),
        Column("price_to", "date", "last day of the window of offers", required=True),
        Column("n_offers", "integer", "offers that price it", "offers", required=True, minimum=0),
        Column(
            "price_low_usd_per_gpu_hour",
            "real",
            "lowest of those offers",
            "USD per GPU-hour",
            above=0,
            formula=Formula(
                "the lowest offer of the chip (or its stand-in) within the window around the run's date",
                "min(offers) × rental_price",
                "3",
                assumptions=PRICING,
            ),
        ),
        Column(
            "price_mid_usd_per_gpu_hour",
            "real",
            "median of those offers",
            "USD per GPU-hour",
            above=0,
            formula=Formula("the median of those offers", "median(offers) × rental_price", "3", assumptions=PRICING),
        ),
        Column(
            "price_high_usd_per_gpu_hour",
            "real",
            "highest of those offers",
            "USD per GPU-hour",
            above=0,
            formula=Formula("the highest of those offers", "max(offers) × rental_price", "3", assumptions=PRICING),
        ),
        Column(
            "cost_low_usd",
            "real",
            "GPU-hours at the lowest offer",
            "USD",
            above=0,
            formula=Formula("GPU-hours times the lowest offer", "{gpu_hours} × {price_low_usd_per_gpu_hour}", "3"),
        ),
        Column(
            "cost_mid_usd",
            "real",
            "GPU-hours at the median offer",
            "USD",
            above=0,
            formula=Formula("GPU-hours times the median offer", "{gpu_hours} × {price_mid_usd_per_gpu_hour}", "3"),
        ),
        Column(
            "cost_high_usd",
            "real",
            "GPU-hours at the highest offer",
            "USD",
            above=0,
            formula=Formula("GPU-hours times the highest offer", "{gpu_hours} × {price_high_usd_per_gpu_hour}", "3"),
        ),
        Column(
            "price_sd_log",
            "real",
            "standard deviation of the logs of those offers; null for one offer alone",
            "log points",
            minimum=0,
            formula=Formula("standard deviation of the natural logs of those offers", "sd(ln offer)", "5"),
        ),
        Column(
            "cost_p05_usd",
            "real",
            "GPU-hours at a price that 5 % of offers are below, lognormal",
            "USD",
            above=0,
            formula=Formula(
                "GPU-hours at a price that 5 % of a lognormal with the offers' median and spread is below",
                "{gpu_hours} × {price_mid_usd_per_gpu_hour} × 2.718281828459045 ^ (-1.6448536269514722 × "
                "{price_sd_log})",
                "5",
            ),
        ),
        Column(
            "cost_p95_usd",
            "real",
            "GPU-hours at a price that 95 % of offers are below, lognormal",
            "USD",
            above=0,
            formula=Formula(
                "GPU-hours at a price that 95 % of a lognormal with the offers' median and spread is below",
                "{gpu_hours} × {price_mid_usd_per_gpu_hour} × 2.718281828459045 ^ (1.6448536269514722 × "
                "{price_sd_log})",
                "5",
            ),
        ),
        Column(
            "implied_usd_per_gpu_hour",
            "real",
            "claimed cost over GPU-hours",
            "USD per GPU-hour",
            above=0,
            formula=Formula(
                "claimed cost over GPU-hours; outside the bounds the claim is of another scope",
                "{claimed_cost_usd} / {gpu_hours}",
                "3",
                assumptions=(
                    "implied_price_low_usd_per_gpu_hour",
                    "implied_price_high_usd_per_gpu_hour",
                ),
            ),
        ),
        Column(
            "flop_6nd",
            "real",
            "6 x active parameters x tokens",
            "FLOP",
            above=0,
            formula=Formula(
                "six operations for each active parameter and token", "6 × active parameters × tokens", "3"
            ),
        ),
        Column("training_flop", "real", "operations as published", "FLOP", above=0),
        Column(
            "flop_difference_share",
            "real",
            "6ND over the published operations, less one",
            "share",
            minimum=-1,
            formula=Formula(
                "six operations a parameter and token against the published operations",
                "{flop_6nd} / {training_flop} − 1",
                "3",
                assumptions=("flop_tolerance",),
            ),
        ),
        Column(
            "sustained_tflops_per_gpu",
            "real",
            "published operations over GPU-hours",
            "TFLOP/s",
            above=0,
            formula=Formula(
                "published operations over the seconds of all GPUs",
                "{training_flop} / ({gpu_hours} × 3600) / 1000000000000",
                "3",
            ),
        ),
        Column("peak_of", "text", "chip whose dense BF16 peak the utilisation is a share of"),
        Column(
            "utilisation",
            "real",
            "sustained rate over that peak (model FLOP utilisation)",
            "share",
            above=0,
            formula=Formula(
                "sustained rate over the chip's dense BF16 peak", "{sustained_tflops_per_gpu} / dense BF16 peak", "3"
            ),
        ),
        Column(
            "wall_days",
            "real",
            "GPU-hours over GPUs: length of the run",
            "days",
            above=0,
            formula=Formula("GPU-hours over GPUs and hours of a day", "{gpu_hours} / {gpu_count} / 24", "3"),
        ),
        Column(
            "findings", "texts", "what does not add up, and what agrees: JSON objects as in `reasons`", required=True
        ),
        Column("finding", "text", "the same in words", required=True, prose=True),
        KNOWN_ON,
    ],
    key=("run_id",),
    checks=(
        Check(
            "low_middle_high_in_order",
            "select * from {table} where cost_low_usd > cost_mid_usd or cost_mid_usd > cost_high_usd or "
            "price_low_usd_per_gpu_hour > price_mid_usd_per_gpu_hour or "
            "price_mid_usd_per_gpu_hour > price_high_usd_per_gpu_hour",
            "a low above a high is a mistake in the arithmetic",
        ),
        Check(
            "quantiles_in_order",
            "select * from {table} where cost_p05_usd > cost_mid_usd or cost_p95_usd < cost_mid_usd",
            "the middle of a distribution lies between its ends",
        ),
        Check(
            "cost_is_hours_times_price",
            "select * from {table} where "
            "abs(cost_low_usd - gpu_hours * price_low_usd_per_gpu_hour) > 1e-6 * cost_low_usd or "
            "abs(cost_mid_usd - gpu_hours * price_mid_usd_per_gpu_hour) > 1e-6 * cost_mid_usd or "
            "abs(cost_high_usd - gpu_hours * price_high_usd_per_gpu_hour) > 1e-6 * cost_high_usd",
            "the cost and the hours and prices beside it must say the same",
        ),
        says_why(
            "unknown_says_why",
            "cost_mid_usd is null or flop_6nd is null or implied_usd_per_gpu_hour is null or utilisation is null "
            "or wall_days is null or is_stand_in",
            "nobody can look for a figure whose reason is missing, and a stand-in that is not named looks like the chip itself",
        ),
        Check(
            "components_within_their_total",
            "select c.developer, split_part(c.model, ' (', 1) as whole, sum(c.gpu_hours) as of_parts, "
            "max(w.gpu_hours) as of_whole from {table} c "
            "join (select developer, model, max(gpu_hours) as gpu_hours from {table} "
            "where not is_component group by developer, model) w on w.developer = c.developer "
            "and w.model = split_part(c.model, ' (', 1) where c.is_component group by c.developer, whole "
            "having sum(c.gpu_hours) > 1.01 * max(w.gpu_hours)",
            "parts that are more than their whole are counted twice or are of another run",
            severity="warning",
        ),
        Check(
            "parts_cost_no_more_than_their_whole",
            "select w.run_id, sum(p.cost_mid_usd) as of_parts_usd, max(w.cost_mid_usd) as of_whole_usd from {table} p "
            "join {table} w on w.run_id = p.part_of group by w.run_id "
            "having sum(p.cost_mid_usd) > 1.01 * max(w.cost_mid_usd)",
            "parts are priced on the day of their whole; where they cost more, one was priced at another day's rents",
            severity="warning",
        ),
    ),
    guide=Guide(
        "One row for each training run and statement about it; a model may have several.",
        "over runs of one model: some are parts, some other statements. model_costs has one row a model.",
        {
            "What would DeepSeek's runs have cost?": "select run_id, model, claimed_cost_usd, cost_low_usd, cost_mid_usd, "
            "cost_high_usd, finding from training_cost where developer = 'DeepSeek'",
            "Which claims are outside what was offered?": "select run_id, model, implied_usd_per_gpu_hour, "
            "price_low_usd_per_gpu_hour, price_high_usd_per_gpu_hour from training_cost where implied_usd_per_gpu_hour "
            "not between price_low_usd_per_gpu_hour and price_high_usd_per_gpu_hour",
            "How well were the GPUs used?": "select model, utilisation, wall_days from training_cost where utilisation is "
            "not null order by utilisation desc limit 10",
        },
    ),
)


def build(
    training_runs: pl.DataFrame,
    offers: pl.DataFrame,
    gpu_specs: pl.DataFrame,
    *,
    assumptions: Assumptions,
) -> pl.DataFrame:
    """One row for each run: USD, GPU-hours, FLOP and days (method 3).

    The date enters through the facts alone: an offer or a run that is not public yet is in no frame.
    """
    runs = select_current(admissible(training_runs), TRAINING_RUNS).rename(
        {"known_on": "run_known_on", "grade": "run_grade"}
    )
    stand_ins = _stand_ins(assumptions)
    priced = runs.join(prices(runs, offers, assumptions), on="run_id", how="left")
    return _conclude(priced.join(_peaks(runs, gpu_specs, stand_ins), on="run_id", how="left"), assumptions)


def prices(runs: pl.DataFrame, offers: pl.DataFrame, assumptions: Assumptions) -> pl.DataFrame:
    """The offers that price each run: one row a `run_id`, prices in USD per GPU-hour (method 3).

    `runs` has run_id, part_of, published and hardware. A part is priced on its whole's day (`priced_on`): priced on its own,
    weeks later, it could cost more than the whole. The window is closed at both ends. Offers are those of the class and
    chip, on demand; with fewer than enough of the chip itself its stand-in's count, and with too few of those the
    prices are null. `n_own` and `n_stand_in` say how many offers of either there were, `stand_in` which chip that is.
    """
    days = assumptions.integer("price_window_days")
    wanted = offers.filter(
        (pl.col("provider_class") == assumptions.value("price_class")) & (pl.col("pricing_kind") == KIND)
    ).select(
        "gpu_model",
        "observed_on",
        "known_on",
        "grade",
        usd_per_gpu_hour=pl.col("usd_per_gpu_hour") * assumptions.number("rental_price"),
    )
    wholes = runs.select(part_of="run_id", of_whole="published")
    day = pl.coalesce("of_whole", "published")
    windows = (
        runs.join(wholes, on="part_of", how="left")
        .join(_stand_ins(assumptions), on="hardware", how="left")
        .select(
            "run_id",
            "hardware",
            "stand_in",
            priced_on=day,
            price_from=day.dt.offset_by(f"-{days}d"),
            price_to=day.dt.offset_by(f"{days}d"),
        )
    )
    own = _in_window(windows, wanted, "hardware", assumptions.integer("price_minimum_offers"))
    other = _in_window(windows, wanted, "stand_in", assumptions.integer("price_minimum_offers_stand_in"))
    # The chip itself where it has enough offers, else its stand-in where that has.
    chosen = (
        pl.concat([own.with_columns(is_stand_in=pl.lit(False)), other.with_columns(is_stand_in=pl.lit(True))])
        .filter("enough")
        .sort("run_id", "is_stand_in")
        .unique("run_id", keep="first", maintain_order=True)
        .drop("enough")
    )
    return (
        windows.drop("hardware")
        .join(own.select("run_id", n_own="n_offers"), on="run_id", how="left")
        .join(other.select("run_id", n_stand_in="n_offers"), on="run_id", how="left")
        .join(chosen, on="run_id", how="left")
        .with_columns(pl.col("n_own", "n_stand_in", "n_offers").fill_null(0))
    )


def is_component() -> pl.Expr:
    """Whether `model` names one phase of a model's training in brackets at its end, as in `V3 (context extension)`.

    An increment over another model is no part of it but a run of its own, and so is a sum of runs.
    """
    inside = pl.col("model").str.extract(BRACKETS)
    return (inside.str.contains(PHASES) & ~inside.str.contains(WHOLE_OF_ITS_OWN)).fill_null(False)


def _stand_ins(assumptions: Assumptions) -> pl.DataFrame:
    named = assumptions.value("price_stand_ins")
    return pl.DataFrame(
        {"hardware": list(named), "stand_in": list(named.values())},
        schema={"hardware": pl.String, "stand_in": pl.String},
    )


def _in_window(windows: pl.DataFrame, wanted: pl.DataFrame, chip: str, needed: int) -> pl.DataFrame:
    """Of each run with an offer of the chip in its window: how many, their range, and whether that is enough."""
    price = pl.col("usd_per_gpu_hour")
    return (
        windows.join(wanted, left_on=chip, right_on="gpu_model")
        .filter(pl.col("observed_on").is_between("price_from", "price_to", closed="both"))
        .group_by("run_id")
        .agg(
            priced_as=pl.col(chip).first(),
            n_offers=pl.len().cast(pl.Int64),
            price_low_usd_per_gpu_hour=price.min(),
            price_mid_usd_per_gpu_hour=price.median(),
            price_high_usd_per_gpu_hour=price.max(),
            price_sd_log=price.sort().log().std(),  # a sum of floats depends on its order
            price_known_on=pl.col("known_on").max(),
            price_grade=pl.col("grade").max(),
        )
        .with_columns(enough=pl.col("n_offers") >= needed)
    )


def _peaks(runs: pl.DataFrame, gpu_specs: pl.DataFrame, stand_ins: pl.DataFrame) -> pl.DataFrame:
    """Dense BF16 peak of each run's own chip, or of its stand-in's where that is unknown; no row where both are."""
    specs = select_current(admissible(gpu_specs), GPU_SPECS).select(
        "gpu_model", peak_tflops="bf16_dense_tflops", peak_known_on="known_on", peak_grade="grade"
    )
    chips = runs.select("run_id", "hardware").join(stand_ins, on="hardware", how="left")
    of_own = chips.select("run_id", peak_of="hardware", is_other=pl.lit(False))
    of_other = chips.select("run_id", peak_of="stand_in", is_other=pl.lit(True))
    return (
        pl.concat([of_own, of_other])
        .join(specs, left_on="peak_of", right_on="gpu_model")
        .sort("run_id", "is_other")
        .unique("run_id", keep="first", maintain_order=True)
        .drop("is_other")
    )


def _conclude(rows: pl.DataFrame, assumptions: Assumptions) -> pl.DataFrame:
    """Every figure of method 3 from what stands in the row, then the finding and the reasons."""
    hours = pl.col("gpu_hours")
    rented = ~pl.col("cost_scope").is_in(PURCHASES)
    rates = rows.with_columns(
        *(
            pl.when(rented).then(hours * pl.col(f"price_{end}_usd_per_gpu_hour")).alias(f"cost_{end}_usd")
            for end in ("low", "mid", "high")
        ),
        # Lognormal by the offers' median and standard deviation of logs (method 5); its median is the middle cost.
        *(
            pl.when(rented)
            .then(hours * pl.col("price_mid_usd_per_gpu_hour") * (times * pl.col("price_sd_log")).exp())
            .alias(f"cost_{end}_usd")
            for end, times in (("p05", -NINETY_FIFTH), ("p95", NINETY_FIFTH))
        ),
        is_component=is_component() | pl.col("part_of").is_not_null(),
        price_class=pl.lit(assumptions.value("price_class")),
        implied_usd_per_gpu_hour=pl.col("claimed_cost_usd") / hours,
        flop_6nd=FLOP_PER_PARAMETER_AND_TOKEN * pl.col("parameters_active") * pl.col("tokens"),
        sustained_tflops_per_gpu=pl.col("training_flop") / (hours * SECONDS_PER_HOUR) / FLOP_PER_TFLOP,
        wall_days=hours / pl.col("gpu_count") / HOURS_PER_DAY,
    ).with_columns(
        recomputed_scope=pl.when(pl.col("cost_mid_usd").is_not_null()).then(
            # Hours of a research programme stay a programme's; all others are those of a run.
            pl.when(pl.col("cost_scope").is_in((POST_TRAINING, PROGRAMME)))
            .then(pl.col("cost_scope"))
            .otherwise(pl.lit(RENTAL))
        ),
        flop_difference_share=pl.col("flop_6nd") / pl.col("training_flop") - 1,
        utilisation=pl.col("sustained_tflops_per_gpu") / pl.col("peak_tflops"),
    )
    no_rate = pl.col("utilisation").is_null()
    judged = rates.with_columns(
        peak_of=pl.when(~no_rate).then("peak_of"),
        peak_missing=pl.col("peak_tflops").is_null(),
        known_on=pl.max_horizontal("run_known_on", "price_known_on", pl.when(~no_rate).then("peak_known_on")),
        grade=weakest("run_grade", "price_grade", pl.when(~no_rate).then("peak_grade")),
    )
    found = judged.with_columns(findings=findings(assumptions), reasons=reasons(assumptions))
    return worded(found, "findings", "finding").select(name for name in TABLE.names if name != "reason")


MART = Mart(
    table=TABLE,
    build=build,
    traces=(
        Trace("core.training_runs", "t.run_id = m.run_id and t.known_on <= m.known_on and t.grade <> 'D'"),
        Trace(
            "marts.offers",
            "t.gpu_model = m.priced_as and t.provider_class = m.price_class and t.pricing_kind = "
            f"'{KIND}' and t.observed_on between m.price_from and m.price_to",
        ),
        Trace("core.gpu_specs", "t.gpu_model = m.peak_of and t.known_on <= m.known_on and t.grade <> 'D'"),
    ),
)
