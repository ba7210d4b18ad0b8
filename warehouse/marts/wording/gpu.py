"""Reasons of the marts in `gpu/`, in words."""

from __future__ import annotations

from warehouse.marts.common.words import Words

WORDS: dict[str, Words] = {
    "no_peak_of_chip": "no price per PFLOP/s: the dense BF16 peak of a chip named just {gpu_model} is not known",
    "chain_is_broken": "the chain is broken: nothing in common with its months",
    "nothing_seen_on_two_days": "nothing was seen on two days of the period",
    "no_interval_from_one_provider": "one provider alone: no interval",
    "prices_are_nominal": "nominal: no consumer price index of the time is known",
    "too_few_providers": "{providers} of the {minimum} providers that a median needs; the offers are listed",
    "no_consumer_prices": "no real price: no consumer price index of the month or the quarter before it is known",
    "no_chain_between": "no chained index of {gpu_model} ({pricing_kind}) has both months",
}
