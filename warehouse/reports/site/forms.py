"""How a value is spoken on a page: dollars, shares, dates, words.

A reader takes in three digits and a unit, and a warehouse holds seventeen digits and none. So every figure has a form,
and the form alone decides how it reads. `FIGURES` are the forms that make a value a figure, which must open.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from warehouse.reports.labels import SAID
from warehouse.reports.values import readable
from warehouse.tables.table import GRADE_MEANINGS

UNKNOWN = "unknown"
NBSP = "\u00a0"  # keeps a number and its unit on one line
MINUS = "\u2212"
_LONG = ((1e12, "trillion"), (1e9, "billion"), (1e6, "million"))
_SHORT = ((1e12, "tn"), (1e9, "bn"), (1e6, "m"))


def speak(value: Any, form: str, *, short: bool = False) -> str:
    """A value in a form; `short` for tables and charts (`$84.3bn`), else as in a sentence (`$84.3 billion`).

    Null is "unknown", as is a number that is none. Raises KeyError for a form that does not exist.
    """
    how = FORMS[form]
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return UNKNOWN
    return how(value, short)


def _digits(number: float, significant: int = 3) -> str:
    """At most three digits that matter, and thousands separated."""
    if number == 0:
        return "0"
    decimals = max(0, significant - 1 - math.floor(math.log10(abs(number))))
    text = f"{number:,.{min(decimals, 6)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _signed(number: float, text: str, *, plus: bool = False) -> str:
    sign = MINUS if number < 0 else "+" if plus and number > 0 else ""
    return f"{sign}{text}"


def _usd(value: Any, short: bool) -> str:
    number = float(value)
    for size, name in _SHORT if short else _LONG:
        if abs(number) >= size * 0.9995:
            unit = name if short else f"{NBSP}{name}"
            return _signed(number, f"${_digits(abs(number) / size)}{unit}")
    cents = 0 < abs(number) < 100
    return _signed(number, f"${abs(number):,.2f}" if cents else f"${abs(number):,.0f}")


def _percent(value: Any, _: bool) -> str:
    """A share as a percentage: one decimal below ten, none above."""
    number = 100 * float(value)
    decimals = 0 if abs(number) >= 9.95 or number == 0 else 1 if abs(number) >= 0.095 else 2
    text = f"{abs(number):,.{decimals}f}"
    return _signed(0 if float(text.replace(",", "")) == 0 else number, f"{text}{NBSP}%")


def _change(value: Any, short: bool) -> str:
    spoken = _percent(value, short)
    return f"+{spoken}" if float(value) > 0 and not spoken.startswith(f"0{NBSP}") else spoken


def _number(value: Any, _: bool) -> str:
    number = float(value)
    if number and abs(number) < 1e-3:
        return "below 0.001" if number > 0 else f"above {MINUS}0.001"
    return _signed(number, _digits(abs(number)))


def _unit(name: str, one: str = "") -> Callable[[Any, bool], str]:
    def said(value: Any, short: bool) -> str:
        spoken = _number(value, short)
        return f"{spoken}{NBSP}{one if one and spoken == '1' else name}"

    return said


def _date(value: Any, short: bool) -> str:
    if isinstance(value, datetime):
        value = value.date()
    if not isinstance(value, date):
        return str(value)
    return value.isoformat() if short else f"{value.day}{NBSP}{value:%B}{NBSP}{value.year}"


def _quarter(value: Any, _: bool) -> str:
    """`2025Q3` as it is said: Q3 2025."""
    text = str(value)
    return f"Q{text[5]}{NBSP}{text[:4]}" if len(text) == 6 and text[4] == "Q" else text


def _name(value: Any, _: bool) -> str:
    """A code of the warehouse as words: `cannot_tell` is "cannot tell"."""
    each = value if isinstance(value, list) else [value]
    return ", ".join(SAID.get(str(code)) or str(code).replace("_", " ") for code in each)


def _verdict(value: Any, _: bool) -> str:
    return str(value).replace("_", " ").capitalize()


FIGURES: dict[str, Callable[[Any, bool], str]] = {
    "usd": _usd,
    "usd_per_hour": lambda value, _: _signed(float(value), f"${abs(float(value)):,.2f}"),
    "percent": _percent,
    "change": _change,
    "number": _number,
    "count": lambda value, _: f"{int(value):,}",
    "factor": lambda value, _: f"{_number(value, True)}×",
    "years": _unit("years", "year"),
    "days": _unit("days", "day"),
    "gpu_hours": _unit("GPU-hours"),
    "probability": lambda value, _: (
        "above 0.999" if value > 0.999 else "below 0.001" if value < 0.001 else f"{value:.2g}"
    ),
}
"""Forms of figures: what is shown in one of these links to where it comes from."""

WORDS: dict[str, Callable[[Any, bool], str]] = {
    "text": lambda value, _: readable(value),
    "name": _name,
    "verdict": _verdict,
    "date": _date,
    "quarter": _quarter,
    "year": lambda value, _: str(int(value)),
    "flag": lambda value, _: "yes" if value else "no",
    "grade": lambda value, _: str(value),
    "plain": lambda value, _: readable(value),
}
FORMS = FIGURES | WORDS
NUMBERS = frozenset({*FIGURES, "year"})

GRADES = GRADE_MEANINGS | {"D": f"{GRADE_MEANINGS['D']}, which enters no figure"}
"""What each grade of evidence is worth, for the legend."""
