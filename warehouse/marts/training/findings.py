"""What does not add up in what is said of a training run, and why figures of it are missing.

Published figures contradict each other, and three tests show it without any outside knowledge. The claimed cost over
the hours must look like a rental price. Six operations for each parameter and token must give the published operations.
And the operations over the hours must fit into the chip.
"""

from __future__ import annotations

import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.common.reasons import all_of, because
from warehouse.marts.training.rungs import PURCHASES, RENTALS

# A share closer to zero than this is rounding: 6ND was then computed from the published figure, or the other way round.
SAME = 1e-9


def findings(assumptions: Assumptions) -> pl.Expr:
    """What does not add up, then what agrees; that nothing can be compared where that is so."""
    found = all_of(_claim_against_prices(assumptions), _operations(assumptions), _rate())
    return found.fill_null(pl.concat_list(because("nothing_to_compare")))


def _claim_against_prices(assumptions: Assumptions) -> pl.Expr:
    low = assumptions.number("implied_price_low_usd_per_gpu_hour")
    high = assumptions.number("implied_price_high_usd_per_gpu_hour")
    implied, rental = pl.col("implied_usd_per_gpu_hour"), pl.col("cost_scope").is_in(RENTALS)
    lowest, highest = pl.col("price_low_usd_per_gpu_hour"), pl.col("price_high_usd_per_gpu_hour")
    possible = {"implied_usd_per_gpu_hour": implied, "possible_low": low, "possible_high": high}
    offered = {"implied_usd_per_gpu_hour": implied, "offered_low": lowest, "offered_high": highest}
    return (
        pl.when(implied.is_null())
        .then(None)
        .when(rental & ~implied.is_between(low, high))
        .then(because("no_possible_rental", **possible))
        .when(~rental)
        .then(because("not_a_rental", implied_usd_per_gpu_hour=implied, cost_scope=pl.col("cost_scope")))
        .when(lowest.is_null())
        .then(because("possible_rental", **possible))
        .when(implied < lowest)
        .then(because("rental_below_offers", **offered))
        .when(implied > highest)
        .then(because("rental_above_offers", **offered))
        .otherwise(because("rental_within_offers", **offered))
    )


def _operations(assumptions: Assumptions) -> pl.Expr:
    tolerance, difference = assumptions.number("flop_tolerance"), pl.col("flop_difference_share")
    off = {"difference_share": difference, "tolerance": tolerance}
    return (
        pl.when(difference.is_null())
        .then(None)
        .when(difference.abs() < SAME)
        .then(because("operations_are_6nd"))
        .when(difference.abs() > tolerance)
        .then(because("operations_disagree", **off))
        .otherwise(because("operations_agree", **off))
    )


def _rate() -> pl.Expr:
    rate = {"utilisation": pl.col("utilisation"), "peak_of": pl.col("peak_of")}
    return (
        pl.when(pl.col("utilisation").is_null())
        .then(None)
        .when(pl.col("utilisation") > 1)
        .then(because("impossible_rate", **rate))
        .otherwise(because("possible_rate", **rate))
    )


def reasons(assumptions: Assumptions) -> pl.Expr:
    """Why figures of the row are null, the price first, and which chip stands in for which."""
    hardware, hours = pl.col("hardware"), pl.col("gpu_hours")
    bought = hours.is_not_null() & pl.col("cost_scope").is_in(PURCHASES)
    no_peak = pl.col("peak_missing") & hardware.is_not_null()
    return all_of(
        _price(assumptions),
        pl.when(hours.is_null()).then(because("gpu_hours_unknown")),
        pl.when(bought).then(because("hardware_was_bought")),
        pl.when(pl.col("claimed_cost_usd").is_null()).then(because("no_cost_was_claimed")),
        pl.when(pl.col("flop_6nd").is_null()).then(because("parameters_or_tokens_unknown")),
        pl.when(pl.col("training_flop").is_null()).then(because("operations_unknown")),
        pl.when(no_peak).then(because("peak_unknown", hardware=hardware)),
        pl.when(pl.col("gpu_count").is_null()).then(because("gpu_count_unknown")),
    )


def _price(assumptions: Assumptions) -> pl.Expr:
    few = {
        "hardware": pl.col("hardware"),
        "published": pl.col("priced_on"),
        "offers": pl.col("n_own"),
        "needed": assumptions.integer("price_minimum_offers"),
        "days": assumptions.integer("price_window_days"),
        "price_class": assumptions.value("price_class"),
    }
    stand_in = pl.col("stand_in")
    return (
        pl.when(pl.col("hardware").is_null())
        .then(because("chip_unknown"))
        .when(pl.col("priced_as").is_null() & stand_in.is_null())
        .then(because("too_few_offers", **few))
        .when(pl.col("priced_as").is_null())
        .then(because("too_few_offers_of_both_chips", **few, stand_in=stand_in, stand_in_offers=pl.col("n_stand_in")))
        .when(pl.col("is_stand_in"))
        .then(because("priced_by_stand_in", **few, priced_as=pl.col("priced_as")))
    )
