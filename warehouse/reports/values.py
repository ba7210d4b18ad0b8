"""One value as a program or a person reads it: JSON keeps numbers and ISO dates, people get thousands separated."""

from __future__ import annotations

import math
from datetime import date, datetime
from decimal import Decimal
from typing import Any


def plain(value: Any) -> Any:
    """A value as JSON can hold it."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, dict):
        return {str(key): plain(cell) for key, cell in value.items()}
    if isinstance(value, list | tuple):
        return [plain(cell) for cell in value]
    return str(value)


def changed_by(share: float) -> str:
    """A change as a share of what was there before, for a person: `+12.5%`; from a doubling on without a decimal."""
    return f"{share:+,.0%}" if abs(share) >= 1 else f"{share:+.1%}"


def readable(value: Any) -> str:
    """A value for a person: thousands separated, no more digits than help."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= 10_000 else str(value)
    if isinstance(value, float | Decimal):
        number = float(value)
        if not math.isfinite(number):
            return "-"
        if number and (abs(number) >= 1e15 or abs(number) < 1e-4):
            return f"{number:.4g}"
        return f"{number:,.0f}" if abs(number) >= 10_000 else f"{number:.6g}"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, list | tuple):
        return ", ".join(map(readable, value)) or "-"
    return str(value)
