"""How old each source is on the day of the answer, against how often the world publishes such facts.

An answer is as old as its oldest source, and a reader does not see that in an as-of date. So each kind of fact has a
promise: after how many days without a new one something is missing. `overbuild sources` asks another thing, whether
our own fetching keeps its schedule; facts from a snapshot may be old though no schedule was missed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from warehouse.reports.site.page import Reader


@dataclass(frozen=True)
class Promise:
    """A kind of fact: its table, the column of its newest date, and the days within which a new one is due."""

    what: str
    table: str
    column: str
    days: int
    said: str
    because: str


PROMISES = (
    Promise(
        "share prices",
        "stock_prices",
        "date",
        4,
        "4 days",
        "a session's bar is there the same evening; weekends are long",
    ),
    Promise("GPU rental offers", "gpu_prices", "observed_on", 3, "3 days", "lists are asked every day"),
    Promise(
        "filings of companies",
        "company_facts",
        "known_on",
        100,
        "100 days",
        "each quarter has its filing, within 40 days",
    ),
    Promise(
        "guidance on spending", "capex_guidance", "issued_on", 100, "100 days", "given with each quarter's results"
    ),
    Promise("share counts", "shares_outstanding", "known_on", 100, "100 days", "on the cover of each quarter's filing"),
    Promise(
        "consumer prices",
        "consumer_prices",
        "known_on",
        45,
        "45 days",
        "a month's index is published in the next month",
    ),
    Promise("training runs", "training_runs", "known_on", 31, "31 days", "Epoch AI adds to its list every week"),
    Promise(
        "collected evidence", "evidence", "known_on", 100, "100 days", "revenue of AI is told with quarterly results"
    ),
)


@dataclass(frozen=True)
class Age:
    """How old a kind of fact is: `newest` is None where there is none."""

    what: str
    newest: date | None
    days: int | None
    promised: str
    because: str
    late: bool


def ages(reader: Reader) -> list[Age]:
    """Every kind of fact, those that are furthest beyond their promise first."""
    found: list[tuple[float, Age]] = []
    for promise in PROMISES:
        row = reader.one(
            f"SELECT max({promise.column}) AS newest FROM core.{promise.table} WHERE known_on <= ? AND {promise.column} <= ?",
            reader.as_of,
            reader.as_of,
        )
        newest = row.get("newest")
        days = (reader.as_of - newest).days if newest else None
        late = days is None or days > promise.days
        by = float("inf") if days is None else days / promise.days
        found.append((by, Age(promise.what, newest, days, promise.said, promise.because, late)))
    return [age for _, age in sorted(found, key=lambda each: (-each[0], each[1].what))]


def rows(found: list[Age]) -> list[dict[str, Any]]:
    """The same for a table."""
    return [
        {
            "source": age.what[:1].upper() + age.what[1:],
            "newest": age.newest,
            "days": age.days,
            "promised": age.promised,
            "state": "late" if age.late else "in time",
            "because": age.because,
        }
        for age in found
    ]
