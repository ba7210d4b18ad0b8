"""Signs of a glut as conditions: what turns a shortfall of revenue from a risk into waste (method 7).

A build-out that does not earn enough yet may still be filled. Whether it stands idle shows elsewhere: in rents that fall
faster than chips improve, in fleets that owners say are half used, in contracted backlog that shrinks, in impairments.
Two of them together count. One without facts counts as not triggered, and the answer says how many could have spoken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.common.in_words import COUNTS, number
from warehouse.marts.common.mart import Trace
from warehouse.marts.common.reasons import reason
from warehouse.marts.common.words import Words
from warehouse.marts.verdict.question import Case, Condition, Evidence, Figure, Row, greatest

ENOUGH, NONE = "glut_signals_enough", "no_glut_signal"

# Signal -> what it is about, and what its figure is.
SIGNALS = {
    "rental_prices": ("rental prices", "yearly decline of rents beyond that of new chips' price per FLOP/s"),
    "idle_fleet": ("idle fleets", "utilisation of the fleet"),
    "falling_backlog": ("backlog", "quarters running in which contracted backlog fell"),
    "impairments": ("impairments", "firms that impaired equipment or shortened its life"),
}


def conditions(glut_signals: pl.DataFrame, assumptions: Assumptions) -> list[Condition]:
    """How many glut signals are triggered, whether these are enough or none, and each of them beside."""
    signals: Sequence[Row] = glut_signals.sort("signal").to_dicts()
    triggered = [row for row in signals if row["triggered"]]
    unknown = [row["signal"] for row in signals if row["triggered"] is None]
    count: dict[str, Any] = {
        "quantity": "glut_signals",
        "value": float(len(triggered)),
        "unit": "signals",
        "details": {"unknown": unknown, "asked": len(signals)},
        "evidence": Evidence(
            grade=greatest(row["grade"] for row in signals),
            evidence_grade=greatest(row["grade"] for row in triggered),
            known_on=greatest(row["known_on"] for row in signals),
        ),
        "reasons": [reason("signals_unknown", signals=unknown)] if unknown else None,
    }
    needed = float(assumptions.integer("q3_glut_signals"))
    return [
        Condition(kind=ENOUGH, comparison=">=", threshold=needed, **count),
        Condition(kind=NONE, comparison="==", threshold=0.0, **count),
        *(
            Condition(
                kind="glut",
                part=row["signal"],
                quantity=row["signal"],
                value=row["value"],
                comparison=row["comparison"],
                threshold=row["threshold"],
                unit=row["unit"],
                decides=False,
                evidence=Evidence.of(row),
                reasons=row["reasons"] or row["found"],
            )
            for row in signals
        ),
    ]


# ---- Words -----------------------------------------------------------------------------------------------------------


def clause(case: Case) -> str:
    """`of four signs of a glut, two can be read and none shows`."""
    row = case[NONE]
    could = row["asked"] - len(row["unknown"])
    if not could:
        return "no sign of a glut can be read"
    spoke = number(row["value"]) if row["value"] else "none"
    shows = "show" if row["value"] > 1 else "shows"
    return f"of {number(row['asked'])} signs of a glut, {number(could)} can be read and {spoke} {shows}"


def count(signals: float) -> str:
    """`two signs of a glut`."""
    return f"{number(signals)} sign{'s' * (signals != 1)} of a glut"


def _signal(row: Row) -> str:
    _, figure = SIGNALS.get(row["quantity"], ("", row["quantity"].replace("_", " ")))
    return f"the number of {figure}" if row["unit"] in COUNTS else f"the {figure}"


def _signals(row: Row) -> str:
    unknown = row["unknown"]
    return "the number of glut signals" + (
        f" ({len(unknown)} unknown: {', '.join(unknown).replace('_', ' ')})" if unknown else ""
    )


FIGURES: Mapping[str, Figure] = {**dict.fromkeys((ENOUGH, NONE), Figure(_signals)), "glut": Figure(_signal)}
WORDS: Mapping[str, Words] = {
    "signals_unknown": lambda fields: f"unknown, so counted as not triggered: {', '.join(fields['signals'])}",
}
ASSUMES = ("chip_price_decline", "backlog_redefined")
TRACE = Trace("marts.glut_signals", "m.quantity in ('glut_signals', t.signal)")
