"""How fast AI revenue has grown, as far as facts show it, and what it was a year before (method 5).

Growth is seen between two facts of one seller and one metric: a trailing year and a run rate are two metrics, and the
rise from one to the other is no growth. Facts a few weeks apart would be annualised into anything, so they have to be at
least eighty days apart. What a company itself states for the metric over a year counts beside it. Of several sellers it
is the growth of their sum, of those that have a figure on both days.

The lowest and the highest of what was seen are kept, and no mean is taken: a verdict has to hold for the one that is
harder to meet.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import combinations
from typing import Any

from warehouse.assumptions import Assumptions
from warehouse.calendars.months import MONTHS_A_YEAR, months_before
from warehouse.marts.common.reasons import reason
from warehouse.marts.common.units import DAYS_PER_YEAR

Line = Mapping[str, Any]  # a row of `attributable_revenue`
# What is said by the seller itself, or of the industry; two guesses of an outsider show no growth.
OF_A_SERIES = ("disclosed", "estimate", "earlier", "lab")


@dataclass(frozen=True)
class Growth:
    """The lowest and the highest growth seen (shares a year), with the lines behind each; none where nothing was seen."""

    low: float | None = None
    high: float | None = None
    lines: tuple[Line, ...] = ()
    entities: tuple[str, ...] = ()


@dataclass(frozen=True)
class Earlier:
    """Revenue a year before a date (USD a year), with the lines that it is from or lies between; None where unknown."""

    usd: float | None = None
    lines: tuple[Line, ...] = ()
    notes: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def observed(lines: Sequence[Line], on: date, assumptions: Assumptions, *, of_sum: bool) -> Growth:
    """Growth seen in the two years to the newest figure, at least to `on`; `of_sum` for that of the sum over the entities,
    else of the one there is. The figures alone say which two years: the same figures show the same growth on every day."""
    figures = series(lines)
    since = months_before(max([on, *(line["as_of_date"] for line in figures)]), 2 * MONTHS_A_YEAR)
    known = [line for line in figures if line["as_of_date"] >= since]
    seen = list(_of_sums(known, assumptions) if of_sum else _of_one(known, assumptions))
    if not seen:
        return Growth()
    behind = {line["evidence_id"]: line for _, about in (min(seen, key=_rate), max(seen, key=_rate)) for line in about}
    entities = tuple(sorted({line["entity"] for line in behind.values()}))
    return Growth(_rate(min(seen, key=_rate)), _rate(max(seen, key=_rate)), tuple(behind.values()), entities)


def a_year_before(lines: Sequence[Line], entities: Sequence[str], on: date, assumptions: Assumptions) -> Earlier:
    """The sum over entities of revenue a year before `on`: a fact near that day, else interpolated in logs (method 5)."""
    day, near = months_before(on, MONTHS_A_YEAR), assumptions.integer("year_earlier_days")
    total = 0.0
    behind: list[Line] = []
    notes: list[str] = []
    missing: list[str] = []
    for entity in entities:
        own = [line for line in series(lines) if line["entity"] == entity]
        usd, used, how = _on(own, day, near)
        if usd is None:
            missing.append(entity)
        else:
            total, behind, notes = total + usd, [*behind, *used], [*notes, *how]
    if missing or not entities:
        return Earlier(missing=tuple(missing))
    return Earlier(total, tuple(behind), tuple(notes))


def series(lines: Sequence[Line]) -> list[Line]:
    """Figures above zero in the order of their days, one a day of each entity and metric, each said once."""
    figures = [line for line in lines if (line["value_usd"] or 0) > 0 and line["used_as"] in OF_A_SERIES]
    best: dict[tuple[str, str, date], Line] = {}
    for line in sorted(figures, key=lambda each: (each["known_on"], each["evidence_id"]), reverse=True):
        key = (line["entity"], line["metric"], line["as_of_date"])
        if key not in best or line["grade"] < best[key]["grade"]:
            best[key] = line
    return sorted(best.values(), key=lambda each: (each["as_of_date"], each["entity"], each["evidence_id"]))


def _rate(seen: tuple[float, Sequence[Line]]) -> float:
    return seen[0]


def _annualised(earlier: float, later: float, days: float) -> float:
    """Infinite where it is too fast to be said."""
    power = math.log(later / earlier) * DAYS_PER_YEAR / days
    return math.expm1(power) if power < 50 else math.inf


def _of_one(known: Sequence[Line], assumptions: Assumptions) -> Iterator[tuple[float, Sequence[Line]]]:
    """Between any two facts of one entity and metric far enough apart, and as stated over a year."""
    apart = assumptions.integer("growth_minimum_days")
    for earlier, later in combinations(known, 2):
        days = (later["as_of_date"] - earlier["as_of_date"]).days
        same = (earlier["entity"], earlier["metric"]) == (later["entity"], later["metric"])
        if same and days >= apart:
            yield _annualised(earlier["value_usd"], later["value_usd"], days), (earlier, later)
    for line in known:
        if line["growth_stated"] is not None:
            yield line["growth_stated"], (line,)


def _of_sums(known: Sequence[Line], assumptions: Assumptions) -> Iterator[tuple[float, Sequence[Line]]]:
    """Between the sums of all entities that have a figure at both of two days."""
    apart, near = assumptions.integer("growth_minimum_days"), assumptions.integer("same_date_days")
    by_entity: dict[tuple[str, str], list[Line]] = {}
    for line in known:
        by_entity.setdefault((line["entity"], line["metric"]), []).append(line)
    seen = set()
    for first, last in combinations(sorted({line["as_of_date"] for line in known}), 2):
        pairs = []
        for own in by_entity.values():
            at_first, at_last = _nearest(own, first, near), _nearest(own, last, near)
            if at_first is not None and at_last is not None and at_first is not at_last:
                pairs.append((at_first, at_last))
        facts = tuple(sorted(line["evidence_id"] for pair in pairs for line in pair))
        if not pairs or facts in seen:
            continue
        seen.add(facts)
        days = sum((later["as_of_date"] - earlier["as_of_date"]).days for earlier, later in pairs) / len(pairs)
        if days >= apart:
            sums = [sum(pair[side]["value_usd"] for pair in pairs) for side in (0, 1)]
            yield _annualised(sums[0], sums[1], days), [line for pair in pairs for line in pair]


def _nearest(own: Sequence[Line], day: date, near: int) -> Line | None:
    found = min(own, key=lambda line: abs((line["as_of_date"] - day).days), default=None)
    return found if found is not None and abs((found["as_of_date"] - day).days) <= near else None


def _on(own: Sequence[Line], day: date, near: int) -> tuple[float | None, list[Line], list[str]]:
    """The figure near a day, or between those around it in logs; None where they are not on both sides."""
    fact = _nearest(own, day, near)
    if fact is not None:
        return float(fact["value_usd"]), [fact], []
    before = max((line for line in own if line["as_of_date"] < day), key=lambda line: line["as_of_date"], default=None)
    after = min((line for line in own if line["as_of_date"] > day), key=lambda line: line["as_of_date"], default=None)
    if before is None or after is None or before["metric"] != after["metric"]:
        return None, [], []
    along = (day - before["as_of_date"]) / (after["as_of_date"] - before["as_of_date"])
    usd = float(before["value_usd"] ** (1 - along) * after["value_usd"] ** along)
    how = reason(
        "year_earlier_interpolated", entity=before["entity"], first=before["as_of_date"], last=after["as_of_date"]
    )
    return usd, [before, after], [how]
