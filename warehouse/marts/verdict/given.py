"""Reasons of the marts that a verdict reads. Goes with the last of them whose reasons are still sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from warehouse.marts.common.reasons import reason


def reasons_of(row: Mapping[str, Any]) -> list[str] | None:
    """The reasons of a mart's row: its `reasons`, or its sentence as one that is nothing but its words."""
    if row.get("reasons"):
        return list(row["reasons"])
    return [reason("in_words", text=row["reason"])] if row.get("reason") else None
