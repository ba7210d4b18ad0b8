"""Which assumptions of a warehouse are not the packaged ones, in words: the mark of every what-if."""

from __future__ import annotations

import json

from warehouse.database.connection import Connection


def overridden(connection: Connection) -> str | None:
    """`life = 3 instead of triangular 3, 5, 6`; None where all are as packaged."""
    rows = connection.execute(
        "SELECT key, value, default_value FROM marts.assumptions WHERE overridden ORDER BY key"
    ).fetchall()
    return "; ".join(f"{key} = {_short(used)} instead of {_short(packaged)}" for key, used, packaged in rows) or None


def _short(held: str) -> str:
    """A value as `marts.assumptions` holds it, for a sentence."""
    value = json.loads(held)
    if isinstance(value, dict) and "distribution" in value:
        kind = value.pop("distribution")
        numbers = ", ".join(f"{number:g}" for number in value.values())
        return numbers if kind == "point" else f"{kind} {numbers}"
    return f"{value:g}" if isinstance(value, float) else str(value)
