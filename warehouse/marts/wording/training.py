"""Reasons of the marts in `training/`, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from warehouse.marts.common.words import Words

Fields = Mapping[str, Any]

NO_RENTALS = {
    "final_run_amortised": "an amortised cost",
    "research_programme": "the cost of a programme",
    "hardware_owned": "a purchase",
    "company_capex": "a company's capex",
    "unknown": "a cost of unstated scope",
}


def _significant(value: float) -> float:
    """Three digits, which is as many as such figures bear."""
    return float(f"{value:.3g}")


def _claim(fields: Fields) -> str:
    return f"the claim is {_significant(fields['implied_usd_per_gpu_hour'])} USD per GPU-hour"


def _possible(fields: Fields) -> str:
    return f"the {fields['possible_low']:g} to {fields['possible_high']:g} that a rental can be"


def _offered(fields: Fields) -> str:
    low, high = fields["offered_low"], fields["offered_high"]
    return f"the offered {round(low, 2)}" + ("" if low == high else f" to {round(high, 2)}")


def _off(fields: Fields) -> str:
    side = "below" if fields["difference_share"] < 0 else "above"
    return f"{_significant(100 * abs(fields['difference_share']))} % {side} the published operations"


def _rate(fields: Fields) -> str:
    return f"{_significant(100 * fields['utilisation'])} % of the dense BF16 peak of {fields['peak_of']}"


def _few(fields: Fields) -> str:
    return (
        f"{fields['price_class']} on-demand offers of {fields['hardware']} within {fields['days']} days of "
        f"{fields['published']}: {fields['offers']} known, {fields['needed']} needed"
    )


def _too_few_of_both(fields: Fields) -> str:
    return f"no price: {_few(fields)}; of {fields['stand_in']}, which could stand in: {fields['stand_in_offers']} known"


def _too_few_disclosed(fields: Fields) -> str:
    return (
        f"a lower bound: {fields['disclosed']} of {fields['models']} models disclosed their compute, "
        f"under the {fields['minimum_rate']:.0%} needed"
    )


WORDS: dict[str, Words] = {
    # What is claimed of a run against what it would have cost, and against itself.
    "nothing_to_compare": "nothing can be compared: too little is known of the run",
    "no_possible_rental": lambda fields: f"scope mislabelled: {_claim(fields)}, outside {_possible(fields)}",
    "not_a_rental": lambda fields: (
        f"{_claim(fields)}, which as {NO_RENTALS[fields['cost_scope']]} is not compared with rental prices"
    ),
    "possible_rental": lambda fields: f"{_claim(fields)}, within {_possible(fields)}",
    "rental_below_offers": lambda fields: f"{_claim(fields)}, a possible rental but below {_offered(fields)}",
    "rental_above_offers": lambda fields: f"{_claim(fields)}, a possible rental but above {_offered(fields)}",
    "rental_within_offers": lambda fields: f"{_claim(fields)}, within {_offered(fields)}",
    "operations_are_6nd": "6ND is the published figure itself",
    "operations_disagree": lambda fields: (
        f"6ND does not agree: {_off(fields)}, more than {100 * fields['tolerance']:g} % "
        "(tokens of another phase, or a mistake)"
    ),
    "operations_agree": lambda fields: f"6ND agrees: {_off(fields)}, within {100 * fields['tolerance']:g} %",
    "impossible_rate": lambda fields: (
        f"impossible rate: operations over GPU-hours are {_rate(fields)}, so the two are not of one phase"
    ),
    "possible_rate": lambda fields: f"possible rate: {_rate(fields)}",
    # Figures of a run that are missing, and the chip that prices it.
    "chip_unknown": "no price: its chip is not known",
    "too_few_offers": lambda fields: f"no price: {_few(fields)}; no chip is named that could stand in",
    "too_few_offers_of_both_chips": _too_few_of_both,
    "priced_by_stand_in": lambda fields: f"{fields['priced_as']} stands in for {fields['hardware']} ({_few(fields)})",
    "gpu_hours_unknown": "its GPU-hours are not known, so neither is a cost, implied price, rate or length",
    "hardware_was_bought": "no cost is recomputed for hardware that was bought: hours are not what it cost",
    "no_cost_was_claimed": "no cost was claimed",
    "parameters_or_tokens_unknown": "6ND needs active parameters and tokens, not both known",
    "operations_unknown": "its operations are not known",
    "peak_unknown": "the dense BF16 peak of {hardware} is not known",
    "gpu_count_unknown": "its number of GPUs is not known",
    # Costs side by side.
    "no_ratio_on_this_rung": (
        "no ratio: {model} has no {basis} cost on this rung, and a ratio across rungs is refused"
    ),
    "another_chip_stands_in": "{priced_as} stands in for {hardware}",
    "sum_of_the_claim": "the sum that the claim is recomputed from (method 1)",
    "dollars_of_several_years": "dollars of several years, set side by side as printed",
    "no_rung_is_stated": "no rung is stated, so it compares with nothing but others without one",
    "programme_from_its_final_run": lambda fields: (
        f"the recomputed run over share_final, {fields['share_low']:g} to {fields['share_high']:g}: "
        "not the programme's own figure"
    ),
    # The share of computing that trains, and the trend.
    "year_is_not_over": "a lower bound: the year is not over on the day of this answer",
    "too_few_models_disclosed": _too_few_disclosed,
    "no_count_of_the_worlds_fleet": "no count of the world's accelerators near the year's end is known",
    "own_share_is_a_lower_bound": (
        "a lower bound: only disclosed models count, and a fleet that is owned may be rented out"
    ),
    "no_trend": "no trend: {models} models have it and an index of capability, {needed} that vary are needed",
}
