"""Ways to corrupt the snapshot's file of `consumer_prices`."""

from __future__ import annotations

from tests.quality.corruptions.changes import LINE, Kind, days, put, times

P = "consumer_prices"
JANUARY = {"month": "2025-01-01"}

KINDS: tuple[Kind, ...] = (
    Kind(
        "a month's index with two digits swapped",
        P,
        "moves_as_prices_do",
        "warning",
        rows=put({"index_value": "371.671"}, **JANUARY),
        names=("2025-01-01", *LINE),
    ),
    Kind(
        "an index of another base year",
        P,
        "moves_as_prices_do",
        "warning",
        rows=put({"index_value": times(1 / 3)}, **JANUARY),
        names=("index_value", *LINE),
    ),
    Kind(
        "a month written by its last day",
        P,
        "first_day_of_its_month",
        "quarantined",
        rows=put({"month": days(30)}, **JANUARY),
        names=("month", *LINE),
    ),
    Kind(
        "an index known before its month was over",
        P,
        "known_in_the_month_after",
        "quarantined",
        rows=put({"known_on": "@month"}, **JANUARY),
        names=("known_on", *LINE),
    ),
)
