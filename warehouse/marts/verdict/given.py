"""Reasons of marts whose reasons are still sentences. Goes with the last of them: read a row's `reasons` instead.

It is the one place that takes a sentence apart, so that the verdict itself does not have to.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from warehouse.marts.common.reasons import reason
from warehouse.marts.common.scopes import GROUP
from warehouse.marts.payback.waste import LEFT_OUT, SO_FAR


def reasons_of(row: Mapping[str, Any]) -> list[str] | None:
    """The reasons of a mart's row: its `reasons`, or its sentence as opaque ones."""
    if row.get("reasons"):
        return list(row["reasons"])
    return [opaque(part) for part in row["reason"].split("; ")] if row.get("reason") else None


def opaque(text: str) -> str:
    """A reason that is nothing but its text; what the verdict has to know of it is its code."""
    if text.startswith(LEFT_OUT):
        vintages = [name.split() for name in text.partition(": ")[2].split(", ")]
        return reason("text_left_out", vintages=[{"ticker": name, "year": int(year)} for name, year in vintages])
    return reason(
        "text_so_far" if text.startswith(SO_FAR) else "text", text=text.replace(f" of {GROUP} ", " of the group ")
    )
