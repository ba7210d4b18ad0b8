"""How a claim's formula reaches the facts, and what it hands back.

A claim may only be judged by what was public on the day, and a reader must be able to walk from the finding to the rows
behind it. So every fact that a formula touches is fetched from a dossier, which notes the row and its grade. A fact that
is not there stops the formula with a reason that says what is missing, instead of a zero.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.common.kept import Kept
from warehouse.marts.common.reasons import read, reason
from warehouse.marts.common.select_current import admissible, select_current, weakest_of
from warehouse.tables import CORE
from warehouse.tables.table import FACT_ID, GRADES

Row = Mapping[str, Any]
HEARSAY = GRADES[-1]
SEPARATOR = "; "  # between the places that a reader of `evidence` is shown
# A reason that says what is right in a claim carries this field.
RIGHT = "right"


class NotKnown(Exception):
    """A fact that a formula needs was not public by the as-of date; the reason names it."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.reason = why


class Found(NamedTuple):
    """What a formula found: a finding with its reasons, and the figure (or the word) that decided it."""

    finding: str
    reasons: Sequence[str]
    value: float | None = None
    low: float | None = None
    high: float | None = None
    text: str | None = None

    @property
    def says_what_is_right(self) -> bool:
        return any(read(each).get(RIGHT) for each in self.reasons)


def right(code: str, /, **fields: Any) -> str:
    """A reason that says what is right in a claim."""
    return reason(code, **fields, **{RIGHT: True})


_CURRENT: Kept[pl.DataFrame] = Kept(most=24)
"""The current rows of the tables that were asked for last: forty claims ask for a dozen tables, each many times."""


def forget() -> None:
    """Let go of these rows: of a whole market's prices they are large, and no later mart asks for them."""
    _CURRENT.clear()


@dataclass
class Dossier:
    """The facts open to one claim, and a note of every row that its formula used."""

    frames: Mapping[str, pl.DataFrame]
    as_of: date
    assumptions: Assumptions
    places: list[str] = field(default_factory=list)
    fact_ids: list[str] = field(default_factory=list)
    mart_rows: list[str] = field(default_factory=list)
    grades: list[str] = field(default_factory=list)

    def missing(self, what: str, **fields: Any) -> NotKnown:
        """What a formula raises where a thing is not known; `what` and its fields are worded like a reason."""
        return NotKnown(reason("not_known", what=what, known_by=self.as_of, **fields))

    def rows(self, table: str, *, hearsay: bool = False) -> pl.DataFrame:
        """The current rows of a core table, one for each thing; without hearsay unless it is asked for."""
        frame = self.frames[table]

        def current() -> pl.DataFrame:
            return select_current(frame if hearsay else admissible(frame), CORE[table])

        return _CURRENT.get((table, frame, hearsay), current)

    def find(self, table: str, *, hearsay: bool = False, **key: Any) -> Row | None:
        """One current row of a core table by its key, noted; None where it is not known."""
        found = self.rows(table, hearsay=hearsay).filter(**key)
        if found.is_empty():
            return None
        row = found.row(0, named=True)
        self.used(table, row)
        return row

    def need(self, table: str, what: str, *, hearsay: bool = False, **key: Any) -> Row:
        """As `find`, but a fact that is not known ends the formula. Raises NotKnown."""
        row = self.find(table, hearsay=hearsay, **key)
        if row is None:
            raise self.missing(what, **key)
        return row

    def need_mart(self, mart: str, what: str, *columns: str, needs: str | None = None, **key: Any) -> Row:
        """One row of a mart by its key, noted under `columns`; `needs` must not be null. Raises NotKnown."""
        found = self.frames[mart].filter(**key)
        if found.is_empty():
            raise self.missing(what, **key)
        row = found.row(0, named=True)
        if needs is not None and row[needs] is None:
            if not row["reasons"]:
                raise self.missing(what, **key)
            raise NotKnown(reason("not_known_because", what=what, because=row["reasons"], **key))
        self.used_mart(mart, row, *columns)
        return row

    def used(self, table: str, row: Row) -> None:
        """Note a row of a core table, and what it is worth."""
        self.note(f"core.{table} {_words(row, CORE[table].key)}", [row[FACT_ID]], row["grade"])

    def used_all(self, table: str, rows: pl.DataFrame, which: str = "") -> None:
        """Note many rows of a core table as one place; `which` says what they have in common."""
        self.note(f"core.{table} all {which}".rstrip(), rows[FACT_ID], weakest_of(rows))

    def used_mart(self, mart: str, row: Row, *columns: str) -> None:
        """Note a row of a mart by the columns of its key, and what it is worth."""
        named = {"mart": mart} | {name: _plain(row[name]) for name in columns}
        self.mart_rows.append(json.dumps(named, separators=(",", ":")))
        self.note(f"marts.{mart} {_words(row, columns)}", (), row.get("grade"))

    def note(self, place: str, fact_ids: Iterable[str], grade: str | None) -> None:
        """Note a place as a reader is shown it, the facts that it holds, and their grade."""
        if place not in self.places:
            self.places.append(place)
        self.fact_ids.extend(fact_ids)
        if grade is not None:
            self.grades.append(grade)

    def by_closeness(self, claimed: float, found: float) -> str:
        """confirmed, approximately_right or wrong, by the difference over the claimed number."""
        off = abs(found - claimed) / abs(claimed)
        if off <= self.assumptions.number("claim_confirmed_within"):
            return "confirmed"
        return "approximately_right" if off <= self.assumptions.number("claim_approximate_within") else "wrong"

    @property
    def evidence(self) -> str | None:
        """The places of the rows used, for a reader."""
        return SEPARATOR.join(self.places) or None

    @property
    def grade(self) -> str | None:
        return max(self.grades, default=None)


def ends(values: pl.Series) -> tuple[Any, Any]:
    """Lowest and highest of some figures."""
    return values.min(), values.max()


def behind_mart_row(mart: str, *columns: str) -> str:
    """SQL: whether the row `t` of a mart is among those that `Dossier.used_mart` noted for the row `m`."""
    named = ", ".join([f"'mart': '{mart}'", *(f"'{name}': t.{name}" for name in columns)])
    return f"list_contains(m.mart_rows, to_json({{{named}}})::varchar)"


def _words(row: Row, columns: Iterable[str]) -> str:
    return " ".join(str(row[name]) for name in columns)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value
