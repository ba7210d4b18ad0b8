"""Which assumptions count by their wide range, because the evidence behind them was not public by the as-of date."""

from __future__ import annotations

from collections.abc import Iterable

from warehouse.assumptions import Assumptions
from warehouse.marts.common.reasons import reason

EARLY = "assumption_before_its_evidence"


def early_reasons(assumptions: Assumptions, keys: Iterable[str]) -> list[str]:
    """A reason for each of these entries whose evidence was not public by the day of the assumptions."""
    return [
        reason(EARLY, assumption=key, known_from=assumptions.dated(key)["known_from"])
        for key in keys
        if assumptions.is_early(key)
    ]
