"""How fast new chips get cheaper for what they do: the yardstick for a fall in rents.

Rents of a chip ought to fall, because each new generation does more for the same money. Only what goes beyond that says
something about scarcity or a glut.
"""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.common.select_current import admissible, select_current
from warehouse.marts.common.units import DAYS_PER_YEAR
from warehouse.tables.gpu_specs import TABLE as GPU_SPECS

# A sum of squared years below this is rounding: all points are of one day and have no slope.
SAME_DAY = 1e-9


class ChipDecline(NamedTuple):
    """Yearly decline of new chips' price per FLOP/s, and the chips it is fitted to; none where it is assumed."""

    log_points: float
    chips: pl.DataFrame


def chip_decline(gpu_specs: pl.DataFrame, assumptions: Assumptions) -> ChipDecline:
    """The decline fitted to all chips with a price, or the assumed one where they are too few or of one day."""
    chips = _priced_chips(gpu_specs, assumptions)
    enough = chips.height >= assumptions.integer("chip_price_minimum_chips")
    fitted = _decline(chips) if enough else None
    if fitted is None:
        return ChipDecline(assumptions.number("chip_price_decline"), chips.clear())
    return ChipDecline(fitted, chips)


def minus_slope(centred: pl.DataFrame) -> float | None:
    """Yearly decline by ordinary least squares: `price` in logs and `years`, both less their mean; None for no slope."""
    sums = centred.select(
        xy=(pl.col("years") * pl.col("price")).sum(), xx=(pl.col("years") ** 2).sum(), n=pl.len()
    ).row(0, named=True)
    return -sums["xy"] / sums["xx"] if sums["n"] and sums["xx"] > SAME_DAY else None


def _priced_chips(gpu_specs: pl.DataFrame, assumptions: Assumptions) -> pl.DataFrame:
    """Data-centre chips with a price, one row each."""
    consumer = pl.any_horizontal(
        pl.lit(False), *(pl.col("gpu_model").str.starts_with(p) for p in assumptions.value("consumer_chip_prefixes"))
    )
    chips = select_current(admissible(gpu_specs), GPU_SPECS)
    return chips.filter(pl.col("list_price_usd").is_not_null() & ~consumer).sort("gpu_model")


def _decline(chips: pl.DataFrame) -> float | None:
    """Of the price per dense BF16 FLOP/s, in log points a year."""
    points = chips.select(
        years=pl.col("release_date").to_physical() / DAYS_PER_YEAR,
        price=(pl.col("list_price_usd") / pl.col("bf16_dense_tflops")).log(),
    ).select(pl.all() - pl.all().mean())
    return minus_slope(points)
