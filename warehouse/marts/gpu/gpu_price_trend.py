"""How fast rents fall or rise at constant quality, with its error, before and after they are said to have turned.

Rents of a chip ought to fall: each new generation does more for the same money. So the yearly decline stands beside
that of new chips' price per FLOP/s, as for the glut signal, and only the difference says something about scarcity.

The decline is log-linear: the log price on time, with one intercept for each thing that can be compared with itself
(`gpu_price_chain.item_days`), so that who is listed does not move it; `glut_signals` does the same. Prices of one
provider hang together, so the standard error is clustered by provider (Liang and Zeger 1986) and its t distribution has
as many degrees of freedom as there are providers less one (Cameron and Miller 2015, sections II.B and VI): with few
providers the interval is wide, as it should be, and with one there is none. Where one provider has nearly all of the
movement a clustered error comes out near zero, so the conventional one stands in where it is larger (Angrist and Pischke
2009, section 8.2).

The decline stands nominal, with its interval, and real: deflated by consumer prices, which the same fit is made on again.
With prices in general rising the real decline is larger by as much. Against new chips' prices the real one counts.
Days without a reading are no evidence of anything, so the longest gap is shown; a turn inside it was not seen.
"""

from __future__ import annotations

from datetime import date

import polars as pl
from scipy.stats import t as student

from warehouse.assumptions import Assumptions
from warehouse.calendars.months import months_before
from warehouse.marts.common.columns import KNOWN_ON_OR_NULL, says_why
from warehouse.marts.common.mart import Mart, Trace
from warehouse.marts.common.reasons import all_of, because
from warehouse.marts.common.select_current import weakest
from warehouse.marts.common.units import DAYS_PER_YEAR
from warehouse.marts.gpu.chip_prices import chip_decline
from warehouse.marts.gpu.real_prices import with_deflator
from warehouse.marts.gpu.same_things import item_days
from warehouse.marts.gpu.series import OF_THE_SERIES, SERIES, SERIES_COLUMNS
from warehouse.tables.guide import Guide
from warehouse.tables.table import Check, Column, mart

PERIOD_MEANINGS = {
    "whole": "all that are known",
    "before_turn": "up to the turn of the prices",
    "after_turn": "from the turn of the prices",
    "glut_window": "the months that the signal of a glut looks at",
}
PERIODS = tuple(PERIOD_MEANINGS)
CONFIDENCE = 0.95  # no judgement on an answer: how intervals are printed
DECIMALS = 12  # of log points: a double's sums of logs are exact to about fourteen

TABLE = mart(
    "gpu_price_trend",
    "log-linear yearly decline of rental prices at constant quality, by chip, class, kind and period",
    [
        *SERIES_COLUMNS,
        Column("period", "text", "which prices are fitted", required=True, allowed=PERIOD_MEANINGS),
        Column("first_day", "date", "first of the prices"),
        Column("last_day", "date", "last of the prices"),
        Column("n_providers", "integer", "providers seen on two days or more", "providers", True, minimum=0),
        Column("n_prices", "integer", "their prices, one a thing and day", "prices", required=True, minimum=0),
        Column("decline_log_points", "real", "fitted decline; negative where prices rose", "log points a year"),
        Column("decline_low_log_points", "real", "lower end of its 95 % interval", "log points a year"),
        Column("decline_high_log_points", "real", "upper end of its 95 % interval", "log points a year"),
        Column("decline_share", "real", "the same as a share of the price a year: 1 - exp(-decline)", "share a year"),
        Column(
            "direction",
            "text",
            "fell or rose where the interval does not hold zero",
            allowed={
                "fell": "the whole interval is a decline",
                "rose": "the whole interval is a rise",
                "no clear change": "the interval holds both",
            },
        ),
        Column(
            "decline_real_log_points", "real", "the same of prices deflated by consumer prices", "log points a year"
        ),
        Column("chip_decline_log_points", "real", "decline of new chips' price per dense FLOP/s", "log points a year"),
        Column("excess_log_points", "real", "real decline of rents beyond that of new chips", "log points a year"),
        Column("gap_from", "date", "last reading before the longest gap"),
        Column("gap_to", "date", "first reading after it"),
        KNOWN_ON_OR_NULL,
    ],
    key=(*SERIES, "period"),
    checks=(
        Check(
            "decline_inside_its_interval",
            "select * from {table} where decline_low_log_points > decline_log_points "
            "or decline_high_log_points < decline_log_points",
            "an estimate outside its own interval is a mistake in the arithmetic",
        ),
        says_why(
            "unknown_says_why",
            "decline_log_points is null or direction is null or decline_real_log_points is null",
            "a trend that is not known must say why",
        ),
        Check(
            "direction_is_the_interval",
            "select * from {table} where direction is distinct from (case when decline_low_log_points > 0 then 'fell' "
            "when decline_high_log_points < 0 then 'rose' when decline_low_log_points is not null "
            "then 'no clear change' end)",
            "the word and the figures beside it must say the same",
        ),
    ),
    guide=Guide(
        "One row for each GPU model, class of provider, kind of price and period.",
        "declines of several periods: they overlap.",
        {
            "How fast do rents of an H100 SXM fall?": "select period, direction, decline_share, n_providers from "
            "gpu_price_trend where gpu_model = 'H100 SXM' and provider_class = 'specialist' and pricing_kind = "
            "'on_demand'",
            "Where is the direction clear?": "select gpu_model, provider_class, period, direction from gpu_price_trend "
            "where direction in ('fell', 'rose') order by all",
            "Do rents fall faster than chips get cheaper?": "select gpu_model, period, excess_log_points from "
            "gpu_price_trend where excess_log_points is not null order by all limit 20",
        },
    ),
)


def build(
    gpu_prices: pl.DataFrame,
    gpu_specs: pl.DataFrame,
    consumer_prices: pl.DataFrame,
    *,
    as_of: date,
    assumptions: Assumptions,
) -> pl.DataFrame:
    """Four rows for each series in which anything was seen on two days (log points a year)."""
    turn: date = assumptions.value("rental_turn")
    days = item_days(gpu_prices).filter(pl.col("observed_on").n_unique().over(*SERIES, "item") > 1)
    first = months_before(as_of, assumptions.integer("glut_price_window_months"))
    day = pl.col("observed_on")
    within = {
        "whole": pl.lit(True),
        "before_turn": day <= turn,
        "after_turn": day > turn,
        "glut_window": day.is_between(first, as_of),
    }
    parts = [days.filter(kept).with_columns(period=pl.lit(period)) for period, kept in within.items()]
    group = (*SERIES, "period")
    matched = pl.concat(parts).filter(day.n_unique().over(*group, "item") > 1)
    wanted = days.select(SERIES).unique().join(pl.DataFrame({"period": PERIODS}), how="cross")
    of_chips = chip_decline(gpu_specs, assumptions).log_points
    low, high = pl.col("decline_low_log_points"), pl.col("decline_high_log_points")
    decline = pl.col("decline_log_points")
    return (
        wanted.join(fit(matched, group), on=group, how="left")
        .join(real_declines(matched, consumer_prices, group), on=group, how="left")
        .join(_longest_gap(matched, group), on=group, how="left")
        .with_columns(pl.col("n_providers", "n_prices").fill_null(0))
        .with_columns(
            decline_share=1 - (-decline).exp(),
            direction=pl.when(low > 0)
            .then(pl.lit("fell"))
            .when(high < 0)
            .then(pl.lit("rose"))
            .when(low.is_not_null())
            .then(pl.lit("no clear change")),
            chip_decline_log_points=pl.lit(of_chips),
            excess_log_points=pl.col("decline_real_log_points") - of_chips,
            reasons=_reasons(),
            known_on=pl.max_horizontal("known_on", "real_known_on"),
            grade=weakest("grade", "real_grade"),
        )
        .select(name for name in TABLE.names if name != "reason")
    )


def _reasons() -> pl.Expr:
    """Why there is no trend, no interval of it, or none of real prices."""
    n = pl.col("n_providers")
    return all_of(
        pl.when(n == 0).then(because("nothing_seen_on_two_days")),
        pl.when(n == 1).then(because("no_interval_from_one_provider")),
        pl.when((n > 0) & pl.col("decline_real_log_points").is_null()).then(because("prices_are_nominal")),
    )


def fit(prices: pl.DataFrame, group: tuple[str, ...]) -> pl.DataFrame:
    """Decline of each group with its 95 % interval; intercepts by `item`, errors clustered by provider or larger.

    Ordinary least squares of the log price on years, both less their mean by item. The clustered variance is the sum
    over providers of (sum of x e) squared over (sum of x squared) squared, times G / (G - 1) for G providers; the
    intercepts lie within the clusters and are not counted (Cameron and Miller 2015, section III.B).
    """
    years, price = pl.col("observed_on").to_physical() / DAYS_PER_YEAR, pl.col("usd_per_gpu_hour").log()
    item = (*group, "item")
    centred = prices.with_columns(x=years - years.mean().over(item), y=price - price.mean().over(item)).with_columns(
        slope=(pl.col("x") * pl.col("y")).sum().over(group) / (pl.col("x") ** 2).sum().over(group)
    )
    scores = centred.group_by(*group, "provider").agg(
        pl.col("slope").first(),
        score=(pl.col("x") * (pl.col("y") - pl.col("slope") * pl.col("x"))).sum(),
        xx=(pl.col("x") ** 2).sum(),
        ee=((pl.col("y") - pl.col("slope") * pl.col("x")) ** 2).sum(),
        free=pl.len().cast(pl.Int64) - pl.col("item").n_unique(),
        n=pl.len().cast(pl.Int64),
        first_day=pl.col("observed_on").min(),
        last_day=pl.col("observed_on").max(),
        known_on=pl.col("known_on").max(),
        grade=pl.col("grade").max(),
    )
    found = (
        scores.sort(*group, "provider")
        .group_by(group, maintain_order=True)
        .agg(
            n_providers=pl.len().cast(pl.Int64),
            n_prices=pl.col("n").sum(),
            first_day=pl.col("first_day").min(),
            last_day=pl.col("last_day").max(),
            decline_log_points=-pl.col("slope").first(),
            clustered=(pl.col("score") ** 2).sum() / pl.col("xx").sum() ** 2,
            conventional=pl.col("ee").sum() / pl.col("xx").sum(),
            free=pl.col("free").sum().cast(pl.Int64) - 1,
            known_on=pl.col("known_on").max(),
            grade=pl.col("grade").max(),
        )
    )
    clusters = found["n_providers"].unique().to_list()
    quantiles = {g: float(student.ppf((1 + CONFIDENCE) / 2, g - 1)) for g in clusters if g > 1}
    times = pl.DataFrame(
        {"n_providers": list(quantiles), "times": list(quantiles.values())},
        schema={"n_providers": pl.Int64, "times": pl.Float64},
    )
    g = pl.col("n_providers")
    variance = pl.max_horizontal(
        pl.col("clustered") * g / (g - 1),
        pl.when(pl.col("free") > 0).then(pl.col("conventional") / pl.col("free")),
    )
    half = pl.col("times") * variance.sqrt()
    decline = pl.col("decline_log_points")
    # What never moved is no decline of 1e-17: zeros that rounding left are zero.
    return (
        found.join(times, on="n_providers", how="left", maintain_order="left")
        .with_columns(
            decline_log_points=_rounded(decline),
            decline_low_log_points=_rounded(decline - half),
            decline_high_log_points=_rounded(decline + half),
        )
        .drop("clustered", "conventional", "free", "times")
    )


def real_declines(prices: pl.DataFrame, consumer_prices: pl.DataFrame, group: tuple[str, ...]) -> pl.DataFrame:
    """The decline of each group fitted to prices over consumer prices; null where one of its months has no deflator."""
    deflated = with_deflator(prices, consumer_prices, "observed_on")
    whole = deflated.filter(pl.col("cpi").is_not_null().all().over(group))
    real = whole.with_columns(
        usd_per_gpu_hour=pl.col("usd_per_gpu_hour") / pl.col("cpi"),
        known_on=pl.max_horizontal("known_on", "cpi_known_on"),
        grade=weakest("grade", "cpi_grade"),
    )
    return fit(real, group).select(
        *group, decline_real_log_points="decline_log_points", real_known_on="known_on", real_grade="grade"
    )


def _rounded(value: pl.Expr) -> pl.Expr:
    return value.round(DECIMALS) + 0.0


def _longest_gap(prices: pl.DataFrame, group: tuple[str, ...]) -> pl.DataFrame:
    """The longest time without any reading between two of them."""
    return (
        prices.select(*group, "observed_on")
        .unique()
        .sort(*group, "observed_on")
        .with_columns(gap_from=pl.col("observed_on").shift(1).over(group))
        .filter(pl.col("gap_from").is_not_null())
        .with_columns(gap=pl.col("observed_on") - pl.col("gap_from"))
        .sort(*group, "gap", descending=[*(False for _ in group), True], maintain_order=True)
        .unique(group, keep="first", maintain_order=True)
        .select(*group, "gap_from", gap_to="observed_on")
    )


MART = Mart(
    table=TABLE,
    build=build,
    traces=(
        Trace(
            "core.gpu_prices",
            f"{OF_THE_SERIES} and t.observed_on between m.first_day and m.last_day and t.grade <> 'D'",
        ),
        Trace("core.consumer_prices", "t.month between m.first_day - interval 4 months and m.last_day"),
        Trace("core.gpu_specs", "t.list_price_usd is not null and t.grade <> 'D'"),
    ),
)
