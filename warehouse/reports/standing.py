"""The answer as it stands, in the few words that a person wants first: what, why, how sure, what would change it.

A run's last lines, `overbuild verdict` and whoever else says the answer in a breath say it from here. The words are those
of the warehouse; only how sure it is, is put together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from warehouse.database.connection import Connection

GROUP, OVERALL = "ALL", "overall"
COLUMNS = (
    "scope", "question", "as_of", "verdict", "leaning", "leaning_probability", "headline", "statement", "would_change",
    "evidence_grade", "inputs_through", "reason",
)  # fmt: skip
"""What is said of a verdict: the columns of `marts.verdict` that a person or an assistant is given."""


@dataclass(frozen=True)
class Standing:
    """One verdict with what is said of it. `why` and `would_change` are a few sentences each."""

    scope: str
    question: str
    as_of: date
    verdict: str
    leaning: str | None
    leaning_probability: float | None
    headline: str
    why: str
    would_change: str
    grade: str | None
    inputs_through: date | None
    reason: str | None

    @property
    def in_short(self) -> str:
        """`cannot tell, leans to on course (69 % of draws)`."""
        if self.leaning is None:
            return words(self.verdict)
        share = (
            "" if self.leaning_probability is None else f" ({self.leaning_probability:.0%} of draws)".replace("%", " %")
        )
        return f"{words(self.verdict)}, leans to {words(self.leaning)}{share}"

    @property
    def worth(self) -> str:
        """What the answer is worth: the grade of its evidence, and how new that is."""
        grade = (
            f"Grade {self.grade}, the weakest of the facts that matter" if self.grade else "No graded fact decides it"
        )
        return f"{grade}{f', the newest of {self.inputs_through}' if self.inputs_through else ''}."


def standing(connection: Connection, scope: str = GROUP) -> list[Standing]:
    """The verdicts of a scope, the overall one first; empty where the warehouse has none."""
    order = f"question <> '{OVERALL}', question"
    # The scope is picked here: DuckDB imports pandas for the first parameter that it is given.
    found = connection.execute(f"SELECT {', '.join(COLUMNS)} FROM marts.verdict ORDER BY {order}").fetchall()
    rows = [dict(zip(COLUMNS, values, strict=True)) for values in found]
    return [of_row(row) for row in rows if row["scope"] == scope]


def how_sure(answer: Sequence[Standing]) -> str:
    """How sure the first of some verdicts is: the worth of its evidence, then how the others stand."""
    others = "; ".join(f"{one.question} {one.in_short}" for one in answer[1:])
    return f"{answer[0].worth} {others}.".removesuffix(" .")


def of_row(row: Mapping[str, Any]) -> Standing:
    """A row of `marts.verdict` as it stands."""
    renamed = {"statement": "why", "evidence_grade": "grade"}
    return Standing(**{renamed.get(name, name): row[name] for name in COLUMNS})


def words(code: str) -> str:
    """A code as a person reads it."""
    return code.replace("_", " ")
