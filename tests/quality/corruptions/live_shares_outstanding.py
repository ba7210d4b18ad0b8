"""Ways to corrupt a live body that gives rows of `shares_outstanding`."""

from __future__ import annotations

from tests.quality.corruptions.changes import QUARTER, Kind, S, facts

KINDS: tuple[Kind, ...] = (
    Kind(
        "SEC: the count in thousands",
        S,
        "count_of_another_unit",
        "quarantined",
        live=lambda: facts([QUARTER], shares=7434139),
        names=("shares=7434139", "shares[0]"),
    ),
)
