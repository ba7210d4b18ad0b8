"""Ways to corrupt the snapshot's file of `shares_outstanding`."""

from __future__ import annotations

from tests.quality.corruptions.changes import COUNT, LINE, Kind, S, each, put, times

KINDS: tuple[Kind, ...] = (
    Kind(
        "shares in thousands",
        S,
        "count_of_another_unit",
        "quarantined",
        rows=put({"shares": times(1e-3, True)}, **COUNT),
        names=("shares", *LINE),
    ),
    Kind(
        "the latest count in thousands",
        S,
        "count_of_another_unit",
        "quarantined",
        rows=put({"shares": times(1e-3, True)}, ticker="AAPL", measured_on="2026-01-16"),
        names=("14681140", *LINE),
    ),
    Kind(
        "all counts of a company in thousands",
        S,
        "count_of_another_unit",
        "refused",
        rows=each({"shares": times(1e-3, True)}, ticker="AAPL"),
        names=("revenue_usd", *LINE),
    ),
    Kind(
        "counts in thousands from a year on",
        S,
        "count_of_another_unit",
        "refused",
        rows=each({"shares": times(1e-3, True)}, unless=lambda r: r["measured_on"] < "2024-01-01", ticker="AAPL"),
        names=("15441881", *LINE),
    ),
    Kind(
        "a count with a digit too many",
        S,
        "count_of_another_unit",
        "quarantined",
        rows=put({"shares": times(10, True)}, **COUNT),
        names=("the next count takes it back", *LINE),
    ),
    Kind(
        "the count of one class of shares",
        S,
        "count_of_another_unit",
        "quarantined",
        rows=put({"shares": times(0.5, True)}, ticker="AMZN", measured_on="2025-10-22"),
        names=("5345108006", *LINE),
    ),
    Kind(
        "the count of another company",
        S,
        "count_of_another_unit",
        "quarantined",
        rows=put({"shares": "24490000000"}, **COUNT),
        names=("one_before", *LINE),
    ),
    Kind(
        "shares after a split, dated before it",
        S,
        "count_of_another_unit",
        "quarantined",
        rows=put({"shares": times(10, True)}, ticker="NVDA", measured_on="2024-05-24"),
        names=("24600000000", *LINE),
    ),
    Kind(
        "a split that no source tells",
        S,
        "count_as_before",
        "warning",
        rows=each({"shares": times(4, True)}, unless=lambda r: r["measured_on"] < "2024-01-01", ticker="AAPL"),
        names=("nearest_split=4:1", "AAPL", *LINE),
    ),
    Kind(
        "shares public before they were counted",
        "shares_outstanding",
        "known_after_measured",
        "quarantined",
        rows=put({"known_on": "2020-01-01"}, ticker="AAPL"),
        names=("known_on",),
    ),
)
