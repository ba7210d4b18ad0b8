"""The vintages of capex that stand at a date, and the capex whose service had begun by then.

Each quarter counts as spent on its middle day: what is spent after the date is left out, the rest has an age. Quarters
that no filing gives are intervals, between nothing and the larger neighbour, and so are those between the last one known
and the date. So a scope's spend is known at its middle and at two ends, and a verdict has to hold at all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from warehouse.assumptions import Assumptions
from warehouse.calendars.months import MONTHS_A_QUARTER, months_before
from warehouse.marts.common.reasons import reason
from warehouse.marts.common.units import DAYS_PER_YEAR

QUARTERS = 4
Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Spend:
    """What a scope spent in each quarter to a date (USD, the youngest first, at the middle and both ends of what is
    unknown), the ages of the quarters (years), and the capex of the four quarters to the lag before the date.

    `reasons` say why there is none; `notes` name quarters that are unknown and companies whose leases are.
    """

    on: date
    ages: tuple[float, ...] = ()
    capex: tuple[tuple[float, ...], ...] = ()
    recent: tuple[float, ...] | None = None
    rows: Rows = ()
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def cases(self) -> Iterator[tuple[tuple[float, ...], float | None]]:
        """Capex of the vintages and of the recent quarters: at the middle, and at both ends where they differ."""
        for place, capex in enumerate(self.capex):
            yield capex, None if self.recent is None else self.recent[place]


def spend(vintages: Rows, tickers: Sequence[str], on: date | None, assumptions: Assumptions) -> Spend:
    """The spend of some companies to a date, from rows of `capex_vintages`; without a date, to the newest quarter."""
    own = [row for row in vintages if row["ticker"] in tickers]
    last = max((row["spent_on"] for row in own if row["is_known"]), default=None)
    if last is None:
        return Spend(on or date.min, reasons=(reason("no_capex", scope=_scope(tickers)),))
    on = on or last + timedelta(days=46)  # the end of the quarter whose middle it is
    first = min(row["spent_on"] for row in own)
    quarters = _quarters(first, on)
    if not quarters:
        return Spend(on, reasons=(reason("no_capex_by", on=on),))
    if len({row["spent_on"] for row in own if row["is_known"] and row["spent_on"] <= on}) < 2:
        return Spend(on, reasons=(reason("one_vintage", scope=_scope(tickers), on=on),))
    table = {(row["ticker"], row["calendar_quarter"]): row for row in own}
    with_leases = bool(assumptions.integer("include_finance_leases"))
    lows, highs = dict.fromkeys(quarters, 0.0), dict.fromkeys(quarters, 0.0)
    unknown, cash_only, behind = [], set(), []
    for ticker in tickers:
        latest = None
        for name in quarters:
            row = table.get((ticker, name))
            if row is not None and row["is_known"]:
                leases = row["finance_lease_assets_usd"]
                usd = row["capex_usd"] + ((leases or 0.0) if with_leases else 0.0)
                lows[name], highs[name], latest = lows[name] + usd, highs[name] + usd, usd
                behind.append(row)
                if with_leases and leases is None:
                    cash_only.add(ticker)
                continue
            most = row["capex_high_usd"] if row is not None else latest
            if most is None:
                return Spend(on, reasons=(reason("capex_unbounded", ticker=ticker),))
            highs[name] += most
            unknown.append(f"{ticker} {name}")
    ages = tuple((on - day).days / DAYS_PER_YEAR for day in reversed(quarters.values()))
    ends = [tuple(each[name] for name in reversed(quarters)) for each in (lows, highs)]
    middle = tuple((low + high) / 2 for low, high in zip(*ends, strict=True))
    cases = (middle, *ends) if unknown else (middle,)
    lag = assumptions.integer("lag_quarters")
    notes = []
    if unknown:
        notes.append(reason("capex_quarters_unknown", quarters=unknown))
    if cash_only:
        notes.append(reason("capex_cash_only", tickers=sorted(cash_only)))
    begun = [
        place
        for place, day in enumerate(reversed(quarters.values()))
        if day <= months_before(on, MONTHS_A_QUARTER * lag)
    ]
    recent = None if len(begun) < QUARTERS else tuple(sum(case[place] for place in begun[:QUARTERS]) for case in cases)
    return Spend(on, ages, cases, recent, tuple(behind), notes=tuple(notes))


def _scope(tickers: Sequence[str]) -> str:
    return tickers[0] if len(tickers) == 1 else "ALL"


def _quarters(first: date, on: date) -> dict[str, date]:
    """The calendar quarters from that of `first` to the last whose middle day is not after `on`, with that day."""
    found = {}
    year, quarter = first.year, (first.month - 1) // 3
    while (middle := middle_day(year, quarter)) <= on:
        found[f"{year}Q{quarter + 1}"] = middle
        year, quarter = (year, quarter + 1) if quarter < QUARTERS - 1 else (year + 1, 0)
    return found


def middle_day(year: int, quarter: int) -> date:
    """The middle day of a calendar quarter (0 to 3)."""
    first = date(year, 3 * quarter + 1, 1)
    following = date(year + (quarter == QUARTERS - 1), (3 * quarter + 3) % 12 + 1, 1)
    return first + timedelta(days=((following - first).days - 1) // 2)
