"""How a claim's formula reaches the facts, and what it hands back.

A claim may only be judged by what was public on the day, and a reader must be able to walk from the finding to the rows
behind it. So every fact that a formula touches is fetched by a function here, which notes the row's place and grade,
and a fact that is not there stops the formula with a sentence that says what is missing, instead of a zero.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple

import polars as pl

from warehouse import marts
from warehouse.assumptions import Assumptions
from warehouse.marts.common import select_current
from warehouse.marts.verdict.replay import replay
from warehouse.tables import CORE
from warehouse.tables.table import GRADES

Row = Mapping[str, Any]
HEARSAY = GRADES[-1]
SEPARATOR = "; "


class NotKnown(Exception):
    """A fact that a formula needs was not public by the as-of date; the message names it."""


class Found(NamedTuple):
    """What a formula found: a finding with its reason, and the figure (or the word) that decided it."""

    finding: str
    reason: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    text: str | None = None


@dataclass
class Dossier:
    """The facts open to one claim, and a note of every row that its formula used."""

    frames: Mapping[str, pl.DataFrame]
    as_of: date
    assumptions: Assumptions
    places: list[str] = field(default_factory=list)
    grades: list[str] = field(default_factory=list)

    def used(self, place: str, *grades: str | None) -> None:
        """Note the place of a row (`core.evidence CC009`) and what it is worth."""
        if place not in self.places:
            self.places.append(place)
        self.grades.extend(grade for grade in grades if grade is not None)

    def missing(self, what: str) -> NotKnown:
        return NotKnown(f"{what} was not known by {self.as_of}.")

    def rows(self, table: str, *, hearsay: bool = False) -> pl.DataFrame:
        """The current rows of a core table, one for each thing; without hearsay unless it is asked for."""
        frame = self.frames[table]
        return select_current.select_current(frame if hearsay else select_current.admissible(frame), CORE[table])

    def find(self, table: str, *, hearsay: bool = False, **key: Any) -> Row | None:
        """One current row of a core table by its key, noted; None where it is not known."""
        found = self.rows(table, hearsay=hearsay).filter(**key)
        if found.is_empty():
            return None
        row = found.row(0, named=True)
        self.used(f"core.{table} {' '.join(str(row[k]) for k in CORE[table].key)}", row["grade"])
        return row

    def need(self, table: str, what: str, *, hearsay: bool = False, **key: Any) -> Row:
        """As `find`, but a fact that is not known ends the formula. Raises NotKnown."""
        row = self.find(table, hearsay=hearsay, **key)
        if row is None:
            raise self.missing(what)
        return row

    def need_mart(self, mart: str, what: str, *columns: str, needs: str | None = None, **key: Any) -> Row:
        """One row of a mart by its key, noted under `columns`; `needs` must not be null. Raises NotKnown."""
        found = self.frames[mart].filter(**key)
        if found.is_empty():
            raise self.missing(what)
        row = found.row(0, named=True)
        if needs is not None and row[needs] is None:
            raise NotKnown(f"{what} is not known: {row['reason']}") if row.get("reason") else self.missing(what)
        self.used(f"marts.{mart} {' '.join(str(row[c]) for c in columns)}", row.get("grade"))
        return row

    @property
    def evidence(self) -> str | None:
        return SEPARATOR.join(self.places) or None

    @property
    def grade(self) -> str | None:
        return max(self.grades, default=None)


class Replay(Mapping[str, pl.DataFrame]):
    """The facts known by a day, and marts as a run on that day would have built them, each only where it is asked for.

    A claim is judged as of its own day too. Five days make 43 claims, and each day's formulas read a few marts, so the
    day's replay is shared by its claims and builds nothing that none of them reads.
    """

    def __init__(self, facts: Mapping[str, pl.DataFrame], as_of: date, assumptions: Assumptions) -> None:
        self.as_of, self.assumptions = as_of, assumptions
        self._frames: dict[str, pl.DataFrame] = marts.known(facts, as_of)

    def __getitem__(self, name: str) -> pl.DataFrame:
        if name not in self._frames:
            if name == "verdict":  # without tornado and turning values, which no claim reads
                replayed = replay(self._frames, [self.as_of], self.assumptions)
                self._frames[name] = replayed[self.as_of]
            else:
                built = marts.build(self._frames, as_of=self.as_of, assumptions=self.assumptions, only={name})
                self._frames.update(built)
        return self._frames[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._frames)

    def __len__(self) -> int:
        return len(self._frames)


def sessions_to(dossier: Dossier, day: date) -> tuple[date, date]:
    """The session on `day` (the next one where there is none) and the one before it. Raises NotKnown."""
    sessions = dossier.frames["sessions"].get_column("session").sort()
    at = sessions.search_sorted(day)
    if at == 0 or at >= sessions.len():
        raise dossier.missing(f"The exchange's session of {day}")
    return sessions[at - 1], sessions[at]


def closes(dossier: Dossier, ticker: str, day: date) -> tuple[Row, Row]:
    """The bars of `ticker` on the session before `day` and on `day`. Raises NotKnown."""
    before, on = sessions_to(dossier, day)
    return (
        dossier.need("stock_prices", f"The close of {ticker} on {before}", ticker=ticker, date=before),
        dossier.need("stock_prices", f"The close of {ticker} on {on}", ticker=ticker, date=on),
    )


def day_return(dossier: Dossier, ticker: str, day: date) -> float:
    """Close-to-close simple return of `ticker` on `day`, from closes adjusted for splits and dividends."""
    before, on = closes(dossier, ticker, day)
    return on["adj_close"] / before["adj_close"] - 1


def day_returns(dossier: Dossier, day: date) -> pl.DataFrame:
    """`ticker`, `adj_return` of every ticker that has a bar on `day` and on the session before it."""
    before, on = sessions_to(dossier, day)
    prices = dossier.rows("stock_prices")
    both = prices.filter(date=on).join(prices.filter(date=before), on="ticker", suffix="_before")
    if both.is_empty():
        raise dossier.missing(f"Any close of {on} with the one of {before}")
    for session in (before, on):
        dossier.used(f"core.stock_prices all {session}", select_current.weakest_of(prices.filter(date=session)))
    return both.select("ticker", adj_return=pl.col("adj_close") / pl.col("adj_close_before") - 1).sort("ticker")


def market_value_changes(dossier: Dossier) -> pl.DataFrame:
    """Daily change of market value of every ticker with a share count, `change_usd` by `ticker` and `date`.

    The change of the close times the shares known that day (method 6), a count from before a split multiplied by it,
    because closes are on the basis after it. `measured_on` is the day of the count used.
    """
    splits = dossier.rows("corporate_actions").filter(kind="split").select("ticker", split_on="date", ratio="value")
    counts = (
        dossier.rows("shares_outstanding")
        .sort("ticker", "measured_on")
        .select("ticker", "measured_on", "shares", counted_known_on="known_on", count_grade="grade")
    )
    factor = (
        counts.join(splits, on="ticker", how="left")
        .group_by("ticker", "measured_on", maintain_order=True)
        .agg(factor=pl.when(pl.col("split_on") > pl.col("measured_on")).then(pl.col("ratio")).otherwise(1.0).product())
    )
    counts = counts.join(factor, on=["ticker", "measured_on"]).with_columns(shares=pl.col("shares") * pl.col("factor"))
    prices = dossier.rows("stock_prices").sort("ticker", "date").select("ticker", "date", "close", price_grade="grade")
    return (
        prices.with_columns(close_before=pl.col("close").shift(1).over("ticker"))
        .filter(pl.col("close_before").is_not_null())
        .sort("date", "ticker")
        .join_asof(
            counts.sort("counted_known_on", "measured_on"),
            left_on="date",
            right_on="counted_known_on",
            by="ticker",
            strategy="backward",
            check_sortedness=False,
        )
        .filter(pl.col("shares").is_not_null())
        .with_columns(
            change_usd=(pl.col("close") - pl.col("close_before")) * pl.col("shares"),
            grade=select_current.weakest("price_grade", "count_grade"),
        )
        .sort("date", "ticker")
    )


def usd(value: float) -> str:
    """An amount as a reader says it: `592.7 billion USD`."""
    for size, name in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if abs(value) >= size:
            return f"{_rounded(value / size):,.4g} {name} USD"
    return f"{value:,.2f} USD"


def _rounded(value: float) -> float:
    """Four digits, halves up as on paper: 81.615 is 81.62, though its binary neighbour lies below."""
    exact = Decimal(repr(float(value)))
    return float(exact.quantize(Decimal(1).scaleb(exact.adjusted() - 3), rounding=ROUND_HALF_UP))


def two_digits(value: float) -> str:
    """Two digits that count, written out: 0.000093 and not 9.3e-05."""
    return format(Decimal(f"{value:.2g}"), "f")


def percent(value: float, digits: int = 1) -> str:
    return f"{100 * value:.{digits}f} %"
