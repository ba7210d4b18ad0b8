"""Ways to corrupt the snapshot's file of `capex_guidance`."""

from __future__ import annotations

from tests.quality.corruptions.changes import LINE, Kind, put, times

KINDS: tuple[Kind, ...] = (
    Kind(
        "low and high end of guidance swapped",
        "capex_guidance",
        "range_in_order",
        "quarantined",
        rows=put({"low_usd": "@high_usd", "high_usd": "@low_usd"}, ticker="META", issued_on="2025-01-24"),
        names=("low_usd",),
    ),
    Kind(
        "guidance for a year long past",
        "capex_guidance",
        "about_a_year_near_its_day",
        "quarantined",
        rows=put({"fiscal_year": "2015"}, ticker="META"),
        names=("fiscal_year",),
    ),
    Kind(
        "guidance in millions",
        "capex_guidance",
        "of_the_size_of_the_spending",
        "quarantined",
        rows=put({"low_usd": "65000", "high_usd": "72000"}, ticker="META"),
        names=("low_usd",),
    ),
    Kind(
        "guidance with a digit too many",
        "capex_guidance",
        "range_not_too_wide",
        "quarantined",
        rows=put({"high_usd": times(10, True)}, ticker="META"),
        names=("high_usd",),
    ),
    Kind(
        "guidance for the year after",
        "capex_guidance",
        "far_from_other_guidance",
        "warning",
        rows=put({"fiscal_year": "2026"}, ticker="META", issued_on="2025-04-30"),
        names=("middle_of_others_usd", *LINE),
    ),
    Kind(
        "guidance twice as high",
        "capex_guidance",
        "far_from_other_guidance",
        "warning",
        rows=put({n: times(2, True) for n in ("low_usd", "high_usd")}, ticker="META", issued_on="2025-04-30"),
        names=("middle_of_others_usd", "META", *LINE),
    ),
    Kind(
        "day of guidance of another month",
        "capex_guidance",
        "known_when_issued",
        "warning",
        rows=put({"issued_on": "2025-02-10"}, ticker="AMZN", issued_on="2025-10-30"),
        names=("known_on=2025-10-30", *LINE),
    ),
)
