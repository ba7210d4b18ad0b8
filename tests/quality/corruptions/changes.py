"""Ways to change the rows of a file, its bytes or a live body, and the rows that most kinds of corruption change."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from warehouse.quality import checks as quality

SHA = "c0" * 32


KEPT_OUT = ("refused", "left_out", "quarantined", "critical")


Rows = list[dict[str, str]]


Change = Callable[[Rows], Rows]


@dataclass(frozen=True)
class Kind:
    """One way to corrupt a table's file (`rows` changes its rows, `body` its bytes) or a live document (`live`)."""

    name: str
    table: str
    caught_by: str
    result: str
    rows: Change | None = None
    body: Callable[[bytes], bytes] | None = None
    live: Callable[[], tuple[str, str, bytes]] | None = None
    names: tuple[str, ...] = ()


def read(body: bytes) -> Rows:
    return list(csv.DictReader(io.StringIO(body.decode(), newline="")))


def written(rows: Rows, **style: Any) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n", **style)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def matches(row: Mapping[str, str], where: Mapping[str, str]) -> bool:
    return all(row[name] == value for name, value in where.items())


def put(changes: Mapping[str, Any], most: int = 1, **where: str) -> Change:
    """Set fields of the first `most` rows that match; a function is given the old text (or the row, for `_`)."""

    def change(rows: Rows) -> Rows:
        left = most
        for row in rows:
            if left and matches(row, where):
                left -= 1
                old = dict(row)
                for name, value in changes.items():
                    row[name] = value(old[name]) if callable(value) else old[value[1:]] if value[:1] == "@" else value
        if left == most:
            raise LookupError(f"no row has {where}")
        return rows

    return change


def times(factor: float, whole: bool = False) -> Callable[[str], str]:
    return lambda text: text and (str(round(float(text) * factor)) if whole else repr(float(text) * factor))


def days(number: int) -> Callable[[str], str]:
    return lambda text: text and (date.fromisoformat(text) + timedelta(days=number)).isoformat()


def drop(most: int = 10**9, **where: str) -> Change:
    def change(rows: Rows) -> Rows:
        left, kept = most, []
        for row in rows:
            if left and matches(row, where):
                left -= 1
            else:
                kept.append(row)
        return kept

    return change


def again(changes: Mapping[str, Any] | None = None, most: int = 1, **where: str) -> Change:
    """Append copies of matching rows, changed."""

    def change(rows: Rows) -> Rows:
        copies = [dict(row) for row in rows if matches(row, where)][:most]
        return rows + put(changes, len(copies))(copies) if changes else rows + copies

    return change


def each(
    changes: Mapping[str, Any], unless: Callable[[Mapping[str, str]], bool] = lambda row: False, **where: str
) -> Change:
    def change(rows: Rows) -> Rows:
        for row in rows:
            if matches(row, where) and not unless(row):
                put(changes)([row])
        return rows

    return change


def column(old: str, new: str | None) -> Callable[[bytes], bytes]:
    def change(body: bytes) -> bytes:
        rows = [{new if n == old else n: v for n, v in row.items() if n != old or new} for row in read(body)]
        return written(rows)  # type: ignore[arg-type]

    return change


BAR = {"ticker": "MSFT", "date": "2025-03-12"}


PRICES = ("open", "high", "low", "close", "adj_close")


CAPEX = {
    "ticker": "MSFT",
    "measure": "purchases_of_property_and_equipment",
    "period_type": "quarter",
    "period_end": "2024-12-31",
}


AMZN = {
    "ticker": "AMZN",
    "measure": "purchases_of_property_and_equipment",
    "period_type": "quarter",
    "period_end": "2025-12-31",
}


COUNT = {"ticker": "AAPL", "measured_on": "2024-10-18"}


OFFER = {"observation_id": "GP0700"}


V3 = {"run_id": "TR001"}


META_YEAR = CAPEX | {"ticker": "META", "period_type": "year"}


def each_of(which: Callable[[Mapping[str, str]], bool], changes: Mapping[str, Any]) -> Change:
    """Change every row that a function picks."""
    return each(changes, unless=lambda row: not which(row))


def other_of(one: str, other: str) -> Callable[[str], str]:
    return lambda text: {one: other, other: one}.get(text, text)


def scaled(factor: float, ticker: str, day: str) -> Change:
    """All prices of one bar by a factor."""
    return put({name: times(factor) for name in PRICES}, ticker=ticker, date=day)


def swapped(one: str, other: str, first: str, last: str) -> Change:
    """The bars of two tickers under each other's name for some days."""
    return each_of(lambda row: first <= row["date"] <= last, {"ticker": other_of(one, other)})


def late(ticker: str, first: str, last: str) -> Change:
    """The bars of some days, each under the date of the session after."""

    def change(rows: Rows) -> Rows:
        own = [row for row in rows if row["ticker"] == ticker and first <= row["date"] <= last]
        for row, earlier in zip(own[1:], [dict(row) for row in own], strict=False):
            row |= {name: earlier[name] for name in (*PRICES, "volume")}
        return rows

    return change


def frozen(ticker: str, first: str, last: str) -> Change:
    """The prices of one day on all days, each with its own volume."""

    def change(rows: Rows) -> Rows:
        own = [row for row in rows if row["ticker"] == ticker and first <= row["date"] <= last]
        for row in own[1:]:
            row |= {name: own[0][name] for name in PRICES}
        return rows

    return change


def one_day_dearer(rows: Rows) -> Rows:
    """An offer that has one price on three days, a quarter dearer on the second."""
    offer = next(row for row in rows if row["observation_id"] == "GP0700")
    for day, price in (("2026-05-01", 3.673 * 1.25), ("2026-06-01", 3.673)):
        rows = [
            *rows,
            offer | {"observation_id": day, "observed_on": day, "known_on": day, "usd_per_gpu_hour": str(price)},
        ]
    return rows


def before_day(day: str) -> Callable[[Mapping[str, str]], bool]:
    return lambda row: row["date"] >= day


def bar_of(ticker: str, day: str) -> Change:
    def change(rows: Rows) -> Rows:
        other = next(row for row in rows if matches(row, {"ticker": ticker, "date": day}))
        return put({name: other[name] for name in (*PRICES, "volume")}, ticker="MSFT", date=day)(rows)

    return change


def repeat_day(rows: Rows) -> Rows:
    before = next(row for row in rows if matches(row, {"ticker": "MSFT", "date": "2025-03-11"}))
    return put({name: before[name] for name in (*PRICES, "volume")}, **BAR)(rows)


def shifted(rows: Rows) -> Rows:
    """The bars of a ticker under the dates of the session after."""
    own = [row for row in rows if row["ticker"] == "NVDA"]
    for row, later in zip(own[:-1], [dict(r) for r in own[1:]], strict=True):
        row["date"], row["known_on"] = later["date"], later["known_on"]
    return [row for row in rows if row is not own[-1]]


def chart(**changes: Any) -> tuple[str, str, bytes]:
    """A body of Yahoo's chart endpoint: two sessions of NVDA."""
    meta = {
        "symbol": "NVDA", "currency": "USD", "exchangeTimezoneName": "America/New_York", "instrumentType": "EQUITY",
        "regularMarketTime": 1737752400, "dataGranularity": "1d", "gmtoffset": -18000,
    }  # fmt: skip
    quote = {
        "open": [140.0, 143.0],
        "high": [144.0, 148.0],
        "low": [138.0, 141.0],
        "close": [142.0, 147.0],
        "volume": [10, 11],
    }
    body = {
        "meta": meta | changes.pop("meta", {}), "timestamp": [1737642600, 1737729000],
        "indicators": {"quote": [quote | changes.pop("quote", {})], "adjclose": [{"adjclose": [142.0, 147.0]}]},
    }  # fmt: skip
    return (
        "yahoo",
        "https://query1.finance.yahoo.com/v8/finance/chart/NVDA?interval=1d",
        json.dumps({"chart": {"result": [body], "error": None}}).encode(),
    )


def facts(
    rows: Iterable[Mapping[str, Any]],
    unit: str = "USD",
    tag: str = "PaymentsToAcquirePropertyPlantAndEquipment",
    own: Mapping[str, Any] | None = None,
    shares: int = 0,
) -> tuple[str, str, bytes]:
    """A companyfacts body of Microsoft, with its count of shares where one is given."""
    filing = {"accn": "0000950170-25-010491", "fy": 2025, "fp": "Q2", "form": "10-Q", "filed": "2025-01-29"}
    own = filing | dict(own or {})
    counted = {
        "EntityCommonStockSharesOutstanding": {"units": {"shares": [own | {"end": "2025-01-22", "val": shares}]}}
    }
    filed = {"label": tag, "units": {unit: [own | row for row in rows]}}
    revenue = {"label": "r", "units": {"USD": [own | {"start": "2024-10-01", "end": "2024-12-31", "val": 69632000000}]}}
    body = {
        "cik": 789019,
        "entityName": "MICROSOFT CORPORATION",
        "facts": {"us-gaap": {tag: filed, "Revenues": revenue}} | ({"dei": counted} if shares else {}),
    }
    url = "https://data.sec.gov/api/xbrl/companyfacts/CIK0000789019.json"
    return "sec", url, json.dumps(body).encode()


def replaced_in(body: tuple[str, str, bytes], old: bytes, new: bytes) -> tuple[str, str, bytes]:
    return body[0], body[1], body[2].replace(old, new)


QUARTER = {"start": "2024-10-01", "end": "2024-12-31", "val": 15804000000}


P, F, G, T, S = "stock_prices", "company_facts", "gpu_prices", "training_runs", "shares_outstanding"


NULL, RANGE, SET, TWICE = quality.NOT_NULL, quality.BETWEEN, quality.IN_SET, "said_twice"


LINE = ("line ",)


def spot_above(rows: Rows) -> Rows:
    """A spot price above the same offer's on demand."""
    for row in rows:
        if (
            row["pricing_kind"] == "on_demand"
            and row["provider"] == "Microsoft Azure"
            and row["observed_on"] > "2025-01-01"
        ):
            price = float(row["usd_per_gpu_hour"]) * 1.1
            return [
                *rows,
                {**row, "observation_id": "GP9999", "pricing_kind": "spot", "usd_per_gpu_hour": f"{price:.4f}"},
            ]
    raise LookupError("no offer on demand")
