"""Figures as a reader wants them: percents for shares, millions for dollars, and no more digits than they bear.

Two rules are easy to break by hand. A figure must never be rounded to the threshold that it misses: a reader who sees
`25 %` beside a threshold of 25 % takes the wrong verdict for granted. And a share of draws is never called 0 or 1,
because a simulation of any length cannot show certainty.

Nothing reads these words back.
"""

from __future__ import annotations

from collections.abc import Iterable

from warehouse.tables.training_runs import SCOPES as RUNGS

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
SMALL_PERCENT = 0.1  # below it one decimal says nothing
ALMOST = 0.001  # a simulated probability this close to 0 or 1 is called neither
COUNTS = ("ratio", "signals", "firms", "quarters")  # the sentence itself says what is counted


def in_words(value: float | None, unit: str) -> str:
    """A figure with its unit, as a condition states it."""
    if value is None:
        return "an unknown figure"
    if unit == "share":
        return _share(value)
    if unit == "USD":
        return _dollars(value)
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
