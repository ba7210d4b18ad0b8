"""Figures as a reader wants them: percents for shares, millions for dollars, and no more digits than they bear.

Two rules are easy to break by hand. A figure must never be rounded to the threshold that it misses. A reader who sees
`25 %` beside a threshold of 25 % takes the wrong verdict for granted. And a share of draws is never called 0 or 1,
because a simulation of any length cannot show certainty.

Nothing reads these words back.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import date

from warehouse.tables.training_runs import SCOPES as RUNGS

NAMES = {"ALL": "the four", "MSFT": "Microsoft", "GOOGL": "Google", "META": "Meta", "AMZN": "Amazon", "ORCL": "Oracle"}
"""What a reader calls a scope, and the buyer beside the four."""

RUNG_NAMES = dict(
    zip(
        RUNGS,
        (
            "the post-training run alone",
            "the final run at a rental price",
            "the final run with amortised hardware and energy",
            "the whole research programme",
            "the hardware owned",
            "the company's capex",
            "a scope that is not stated",
        ),
        strict=True,
    )
)
RUNGS_IN_SHORT = dict(
    zip(
        RUNGS,
        (
            "post-training alone",
            "the final run",
            "the final run's own hardware",
            "the whole research programme",
            "the hardware owned",
            "the company's whole spend",
            "a scope that is not stated",
        ),
        strict=True,
    )
)
SMALL_PERCENT = 0.1  # below it one decimal says nothing
ALMOST = 0.001  # a simulated probability this close to 0 or 1 is called neither
COUNTS = ("ratio", "signals", "firms", "quarters")  # the sentence itself says what is counted


def in_words(value: float | None, unit: str) -> str:
    """A figure with its unit, as a condition states it."""
    if value is None:
        return "an unknown figure"
    if unit in ("share", "share a year"):
        return _share(value) + unit.removeprefix("share")
    if unit in ("USD", "USD a year"):
        return _dollars(value) + unit.removeprefix("USD")
    if unit == "probability":
        return odds(value)
    if unit == "rung":
        return RUNG_NAMES[RUNGS[int(value)]]
    if unit == "0 or 1":
        return "yes" if value else "no"
    figure = f"{value:.0f}" if float(value).is_integer() else f"{value:.3g}"
    return figure if unit in COUNTS else f"{figure} {unit}"


def _share(value: float) -> str:
    percent = 100 * value
    if value == 0:
        return "0 %"
    return f"{percent + 0.0:.1f} %" if abs(percent) >= SMALL_PERCENT else f"{percent:.2g} %"


def _dollars(value: float) -> str:
    if value == 0:
        return "0 USD"
    size, name = _scale(value)
    return f"{value / size:,.2f} {name} USD"


def odds(probability: float, limit: float | None = None) -> str:
    """A probability or p-value. Draws and samples are finite, so it is never called 0 or 1.

    With `limit`, as many digits as it takes to stand apart from it.
    """
    if probability > 1 - ALMOST:
        return f"above {1 - ALMOST:g}"
    if probability < ALMOST:
        return f"below {ALMOST:g}"
    return apart(probability, limit, 2)


def p_value(probability: float, limit: float | None = None) -> str:
    """What follows `p`: `= 0.03`, or `below 0.001`."""
    said = odds(probability, limit)
    return f"= {said}" if ALMOST <= probability <= 1 - ALMOST else said


def apart(value: float, limit: float | None, digits: int) -> str:
    """`value` with `digits` decimals, or more where it would look like a limit that it is not."""
    text = f"{value:.{digits}f}"
    while limit is not None and value != limit and float(text) == round(limit, digits) and digits < 9:
        digits += 1
        text = f"{value:.{digits}f}"
    return text


def usd(value: float | None, digits: str = "") -> str:
    """Three digits are as many as such figures bear: `7.19 million USD`; with `#` also where they are zeros."""
    if value is None:
        return "an unknown amount"
    size, name = _scale(value)
    return f"{_three_digits(value / size, digits)} {name} USD"


def span(low: float, high: float) -> str:
    """`7.19 to 11.6 million USD`."""
    if _scale(low) == _scale(high):
        size, _ = _scale(low)
        return f"{_three_digits(low / size, '#')} to {usd(high, digits='#')}"
    return f"{usd(low, digits='#')} to {usd(high, digits='#')}"


def _three_digits(value: float, digits: str) -> str:
    return f"{value:{digits}.3g}".rstrip(".")


def _scale(value: float) -> tuple[float, str]:
    return (1e9, "billion") if abs(value) >= 1e9 else (1e6, "million")


def percent(share: float, limit: float | None = None) -> str:
    """A share for a sentence: whole percents, one decimal below ten, more where it would look like the limit."""
    whole = 100 * share
    digits = 0 if abs(whole) >= 10 or whole == 0 else 1
    return f"{apart(whole, None if limit is None else 100 * limit, digits)} %"


def listed(names: Iterable[str]) -> str:
    """`Amazon AWS, Google Cloud and Meta`."""
    *before, last = names
    return f"{', '.join(before)} and {last}" if before else last


def capital(text: str) -> str:
    """The text with its first letter large, as it opens a sentence."""
    return text[:1].upper() + text[1:]


def sentences(*clauses: str) -> str:
    """The clauses that say something, each closed as a sentence."""
    return " ".join(f"{clause}." for clause in clauses if clause)


# ---- As people say them: for headlines and statements, which bear fewer digits than a condition ------------------------

AMOUNTS = ((1e12, "trillion"), (1e9, "billion"), (1e6, "million"))
FRACTIONS = (
    (1 / 10, "a tenth"), (1 / 8, "an eighth"), (1 / 7, "a seventh"), (1 / 6, "a sixth"), (1 / 5, "a fifth"),
    (1 / 4, "a quarter"), (3 / 10, "three tenths"), (1 / 3, "a third"), (2 / 5, "two fifths"), (1 / 2, "half"),
    (3 / 5, "three fifths"), (2 / 3, "two thirds"), (7 / 10, "seven tenths"), (3 / 4, "three quarters"),
    (4 / 5, "four fifths"), (9 / 10, "nine tenths"),
)  # fmt: skip
CLOSE = 0.04  # a fraction is named where it is at most this far off, as a share of itself
BOUNDS = (
    (1 / 10, "a tenth"), (1 / 4, "a quarter"), (1 / 3, "a third"), (1 / 2, "half"), (2 / 3, "two thirds"),
    (3 / 4, "three quarters"), (1.0, "all"),
)  # fmt: skip
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
ORDINALS = {"1": "first", "2": "second", "3": "third", "4": "fourth"}


def money(usd: float | None, limit: float | None = None, digits: int = 2) -> str:
    """US dollars at two digits: `6.4 million dollars`, `130 billion dollars`; more where it would look like the limit."""
    if usd is None:
        return "an unknown amount"
    text = _amount(usd, digits)
    while limit is not None and usd != limit and text == _amount(limit, digits) and digits < 9:
        digits += 1
        text = _amount(usd, digits)
    return f"{text} dollars"


def moneys(low: float, high: float) -> str:
    """`6.4 to 18 million dollars`; one amount where both ends are said alike."""
    first, last = money(low), money(high)
    if first == last:
        return first
    number, _, rest = first.partition(" ")
    return f"{number} to {last}" if last.partition(" ")[2] == rest else f"{first.removesuffix(' dollars')} to {last}"


def _amount(usd: float, digits: int) -> str:
    rounded = _significant(usd, digits)
    size, name = next(((s, n) for s, n in AMOUNTS if abs(rounded) >= s), (1.0, ""))
    return f"{rounded / size:,.10g} {name}".rstrip()


def _significant(value: float, digits: int) -> float:
    """`value` with so many digits that count."""
    return round(value, digits - 1 - math.floor(math.log10(abs(value)))) if value else 0.0


def per_cent(share: float, limit: float | None = None) -> str:
    """A share in whole per cents: `14 %`, `under 1 %`; more digits where it would look like the limit."""
    whole = 100 * share
    if 0 < abs(whole) < 0.5:
        return "under 1 %"
    said = apart(whole, None if limit is None else 100 * limit, 0)
    units, point, digits = said.partition(".")
    return f"{int(units):,}{point}{digits} %" if abs(whole) >= 1000 else f"{said} %"


def fraction(share: float, limit: float | None = None) -> str:
    """A share as a simple fraction where one is close (`a sixth`, `two fifths`), else in per cents; above 1 in times."""
    for size, name in FRACTIONS:
        if abs(share / size - 1) <= CLOSE and (limit is None or share == limit or abs(limit / size - 1) > CLOSE):
            return name
    if share > 1.05:
        return f"{share:.2g} times"
    return per_cent(share, limit)


def under(share: float) -> str:
    """The nearest simple bound above a share: `under half`; `all or more` from one on."""
    return next((f"under {name}" for size, name in BOUNDS if share < size), "all or more")


def draws(probability: float, limit: float | None = None) -> str:
    """A share of draws: `83 % of draws`; finite draws are never all of them nor none."""
    if probability > 0.99:
        return "over 99 % of draws"
    if probability < 0.01:
        return "under 1 % of draws"
    return f"{apart(100 * probability, None if limit is None else 100 * limit, 0)} % of draws"


def number(count: float) -> str:
    """A count as a word up to twelve: `no`, `two`."""
    return NUMBERS[int(count)] if float(count).is_integer() and 0 <= count < len(NUMBERS) else f"{count:g}"


def day(iso: str) -> str:
    """`2025-01-27` as `27 January 2025`."""
    said = date.fromisoformat(iso)
    return f"{said.day} {MONTHS[said.month - 1]} {said.year}"


def quarter(calendar_quarter: str) -> str:
    """`2026Q2` as `the second quarter of 2026`."""
    year, _, place = calendar_quarter.partition("Q")
    return f"the {ORDINALS[place]} quarter of {year}"
