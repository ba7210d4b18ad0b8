"""Which assumptions count by their wide range, because the evidence behind them was not public by the as-of date."""

from __future__ import annotations

from collections.abc import Iterable

from warehouse.assumptions import Assumptions
from warehouse.marts.common.reasons import reason


def early_reasons(assumptions: Assumptions, keys: Iterable[str]) -> list[str]:
    """A reason for each of these entries whose evidence was not public by the day of the assumptions."""
    return [
        reason("assumption_before_its_evidence", assumption=key, known_from=assumptions.dated(key)["known_from"])
        for key in keys
        if key in assumptions.early
    ]
