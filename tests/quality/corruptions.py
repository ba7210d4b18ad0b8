"""Every way in which we know how to corrupt the facts, and what becomes of each: the harness that checks the checks.

A check that never fired may be one that cannot fire. So each kind takes the packaged snapshot (or a live body), breaks it
in one way, and sends it along the way of every document: parsed by its source, staged, bad rows put aside, loaded, and
looked at by every check of its table. Nothing is published: the other tables are the good ones, loaded once, and only the
table concerned is loaded anew for each kind. The conditions are the declared ones, run as the SQL that Great Expectations
runs (`tests/test_quality.py` holds the two against each other).

A kind says which check must catch it, what comes of it, and what its message must name. `RESULTS` are in the order of how
far the corruption comes: `refused` stops the run, `left_out` leaves a live document out, `quarantined` keeps the row out of
`core`, `critical` stops the run after loading; `warning` is published and shown; `accepted` is no corruption at all.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from warehouse import assumptions
from warehouse.calendars.exchange import sessions
from warehouse.database.loading import provenance
from warehouse.database.store import Store, opened
from warehouse.errors import OverbuildError
from warehouse.fetching.client import Local
from warehouse.paths import Paths
from warehouse.pipeline import ingest
from warehouse.pipeline.context import RunContext
from warehouse.pipeline.ingest import Ingested
from warehouse.pipeline.quarantine import quarantine
from warehouse.quality import checks as quality
from warehouse.quality import known_findings, validate
from warehouse.quality.expectations import Verdict
from warehouse.quality.findings import Target
from warehouse.settings import Settings
from warehouse.sources import all_sources
from warehouse.sources.common.source import Document, Source
from warehouse.tables import CORE, SYSTEM
from warehouse.tables.table import Check, Table

NOW = datetime(2026, 11, 10, 12, tzinfo=UTC)
TODAY = NOW.date()
# Enough of the panel for every check of prices: with all fifty tickers each kind would take ten times as long.
TICKERS, FIRST_DAY = ("NVDA", "MSFT", "META", "AAPL", "SPY", "AVGO"), "2024-03-01"
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


@dataclass(frozen=True)
class Outcome:
    """What became of a kind: `found` maps each check that caught it to its result; `corrupted` rows came into core."""

    result: str
    found: Mapping[str, str]
    messages: tuple[str, ...]
    corrupted: int


CONTEXTS = {"sec": {"ticker": "MSFT", "fiscal_year_end_month": "6"}}
"""What a live source knows of the bodies below and they do not say."""


class Laboratory:
    """A warehouse with the good facts in it, in memory, where one table at a time is loaded from a changed document."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store = store
        paths = Paths(folder, folder / "warehouse.duckdb")
        self.run = RunContext("laboratory", NOW, paths, Settings())
        self.sources: dict[str, Source] = {}
        self.contexts: dict[str, dict[str, str]] = {}
        self.bodies: dict[str, bytes] = {}
        store.put_helpers(sessions(date(2018, 1, 1), TODAY), _bounds())
        store.execute("ATTACH ':memory:' AS good")
        for source in (s for s in all_sources() if s.kind == "reference"):
            for received in source.fetch(Local(Settings())):
                document, table = received.document(), received.context["table"]
                body = gzip.decompress(document.body) if document.body[:2] == b"\x1f\x8b" else document.body
                if table == "stock_prices":
                    body = written([row for row in read(body) if row["ticker"] in TICKERS and row["date"] >= FIRST_DAY])
                rows = str(body.count(b"\n") - 1) if table == "stock_prices" else received.context["rows"]
                self.sources[table], self.bodies[table] = source, body
                self.contexts[table] = {"table": table, "rows": rows}
                self._stage(table, body, received.name, f"{len(self.contexts):064}")
        quarantine(store, self.run)
        ingest.load(store)
        for name in CORE:
            store.execute(f"CREATE TABLE good.{name} AS FROM core.{name}")
            store.execute(f"DELETE FROM staging.{name}")
        self.clean = {name: self._found(CORE[name]) for name in CORE}

    def _stage(
        self,
        table: str,
        body: bytes,
        name: str,
        sha256: str,
        source: Source | None = None,
        url: str = "",
        context: dict[str, str] | None = None,
    ) -> None:
        source, url = source or self.sources[table], url or f"snapshot:{name}"
        document = Document(sha256, name, url, body, NOW, self.contexts[table] if context is None else context)
        staged = []
        for batch in source.parse(document):
            frame = provenance(batch.table, batch.frame, source=source, document_sha256=sha256, loaded_at=NOW)
            staged.append((batch.table, frame))
            if batch.unreadable.height:
                ingest._keep_unreadable(self.store, self.run, document, batch)
        for declared, frame in staged:
            self.store.staging.add(declared, frame)
        row = {
            "sha256": sha256, "source": source.name, "source_kind": source.kind, "url": url, "context": "{}",
            "name": name, "fetched_at": NOW,
            "bytes": len(body), "media_type": "text/csv", "known_on": None, "parsed_by": "test",
        }  # fmt: skip
        documents = SYSTEM["documents"]
        self.store.append(documents, pl.DataFrame([row], schema=documents.polars_schema))

    @contextmanager
    def as_it_was(self, *tables: str) -> Iterator[None]:
        """Whatever is staged or loaded within, the warehouse is as before afterwards."""
        documents = self.store.execute("SELECT sha256 FROM provenance.documents").fetchall()
        known = [sha256 for (sha256,) in documents]
        try:
            yield
        finally:
            for name in CORE:
                self.store.execute(f"DELETE FROM staging.{name}")
            for changed in tables:
                self.store.execute(f"CREATE OR REPLACE TABLE core.{changed} AS FROM good.{changed}")
            self.store.execute("DELETE FROM quality.quarantine")
            self.store.execute("DELETE FROM provenance.documents WHERE NOT list_contains(?, sha256)", [known])

    def try_out(self, kind: Kind, then: Callable[[Laboratory], None] | None = None) -> Outcome:
        """What becomes of a kind; the warehouse is as before afterwards. `then` looks at what was loaded."""
        touched = next(s.tables for s in all_sources() if s.name == kind.live()[0]) if kind.live else ()
        with self.as_it_was(*{kind.table, *touched}):
            found = self._outcome(kind, CORE[kind.table])
            if then:
                then(self)
            return found

    _live = False

    def _outcome(self, kind: Kind, table: Table) -> Outcome:
        brought: list[Ingested] = []
        self._live = kind.live is not None
        try:
            if kind.live:
                source_name, url, body = kind.live()
                source = next(s for s in all_sources() if s.name == source_name)
                brought = [Ingested(source)]
                self._stage(kind.table, body, f"{source_name} body", SHA, source, url, CONTEXTS.get(source_name, {}))
            else:
                body = self.bodies[kind.table]
                body = kind.body(body) if kind.body else written((kind.rows or (lambda rows: rows))(read(body)))
                context = {"table": kind.table, "rows": _rows_that_the_manifest_counts(kind, self)}
                self.store.execute(f"DELETE FROM core.{kind.table}")
                self._stage(kind.table, body, f"{kind.table}.csv", SHA, context=context)
        except OverbuildError as error:
            return Outcome("left_out" if kind.live else "refused", {"reading": "refused"}, (str(error),), 0)
        waiting = quarantine(self.store, self.run, brought)
        named = {
            finding.check.name: "quarantined"
            for finding in waiting.findings
            if finding.target.table is table and not finding.success
        }
        if waiting.refusals:
            return Outcome("refused", self._refused(waiting.refusals, named), tuple(waiting.refusals), 0)
        ingest.load(self.store)
        new = {check: one for check, one in self._found(table).items() if one != self.clean[kind.table].get(check)}
        outcome = {check: severity for check, (severity, _) in new.items()}
        messages = [*waiting.messages, *(message for _, message in new.values())]
        outcome |= named
        if waiting.messages and not any(result == "quarantined" for result in outcome.values()):
            outcome["reading"] = "quarantined"
        order = [result for result in ("critical", "quarantined", "warning") if result in outcome.values()]
        return Outcome(order[0] if order else "accepted", outcome, tuple(messages), self._corrupted(table))

    def _refused(self, refusals: list[str], found: Mapping[str, str]) -> dict[str, str]:
        named = dict.fromkeys(found, "refused")
        if "the same in these rows" in "\n".join(refusals):
            named["said_twice"] = "refused"
        return named or {"reading": "refused"}

    def _corrupted(self, table: Table) -> int:
        """Rows of core that the good table does not have; of a live document, those that were put aside."""
        if self._live:
            aside = "SELECT locator FROM quality.quarantine"
            where = f"document_sha256 = '{SHA}' AND locator IN ({aside})"
            return int(self.store.scalar(f"SELECT count(*) FROM core.{table.name} WHERE {where}"))
        said = ", ".join(f'"{n}"' for n in table.names if n not in ("loaded_at", "document_sha256", "locator"))
        return int(
            self.store.scalar(
                f"SELECT count(*) FROM (SELECT {said} FROM core.{table.name} EXCEPT SELECT {said} FROM good.{table.name})"
            )
        )

    def _counts(self, table: Table) -> Iterator[tuple[Check, int]]:
        """How many rows of the loaded table break each of its checks."""
        rows = quality.conditions(table)
        each = ", ".join(f"count(*) FILTER ({quality.rendered(check, today=TODAY)})" for check in rows)
        counts = self.store.execute(f"SELECT {each} FROM {table.full_name} r").fetchone()
        yield from zip(rows, counts or (), strict=True)
        for check in quality.rules(table):
            if not check.quarantines:
                sql = quality.bad_rows(check, today=TODAY, relation=table.full_name)
                yield check, self.store.scalar(f"SELECT count(*) FROM ({sql})")

    def rows_found(self, check: Check, table: Table) -> tuple[dict[str, Any], ...]:
        """The rows of the loaded table that break a check, as far as they are compared with what is known."""
        sql = quality.bad_rows(check, today=TODAY, relation=table.full_name)
        found = self.store.frame(f"SELECT * FROM ({sql}) LIMIT {known_findings.MOST}")
        return tuple(found.iter_rows(named=True))

    def _found(self, table: Table) -> dict[str, tuple[str, str]]:
        """Check -> severity and message, of each check that finds something new in the table as it is loaded."""
        found = {}
        names = validate.document_names(self.store.connection)
        target = Target(table, table.full_name, "all")
        for check, count in self._counts(table):
            if count:
                finding = validate.finding(target, Verdict(check, count, 0, self.rows_found(check, table)), names)
                if finding.count:
                    found[check.name] = (check.severity, finding.message)
        return found


def _rows_that_the_manifest_counts(kind: Kind, laboratory: Laboratory) -> str:
    """The count of rows in the manifest: the file's own, but where it was cut short."""
    count = laboratory.contexts[kind.table]["rows"]
    return count if kind.caught_by == "reading" or kind.body else "0"


def _bounds() -> pl.DataFrame:
    bounds = assumptions.load().value("gpu_price_bounds")
    return pl.DataFrame(
        [(chip, low, high) for chip, (low, high) in bounds.items()],
        schema={"gpu_model": pl.String, "low_usd_per_gpu_hour": pl.Float64, "high_usd_per_gpu_hour": pl.Float64},
        orient="row",
    )


@contextmanager
def laboratory(folder: Path) -> Iterator[Laboratory]:
    with opened(Path(":memory:"), Path(":memory:")) as store:
        store.execute("SET threads = 1")  # so little data costs more to divide than to look at
        yield Laboratory(store, folder)


# -- changes of rows ----------------------------------------------------------------------------------------------------


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


def _other_of(one: str, other: str) -> Callable[[str], str]:
    return lambda text: {one: other, other: one}.get(text, text)


def scaled(factor: float, ticker: str, day: str) -> Change:
    """All prices of one bar by a factor."""
    return put({name: times(factor) for name in PRICES}, ticker=ticker, date=day)


def _swapped(one: str, other: str, first: str, last: str) -> Change:
    """The bars of two tickers under each other's name for some days."""
    return each_of(lambda row: first <= row["date"] <= last, {"ticker": _other_of(one, other)})


def _late(ticker: str, first: str, last: str) -> Change:
    """The bars of some days, each under the date of the session after."""

    def change(rows: Rows) -> Rows:
        own = [row for row in rows if row["ticker"] == ticker and first <= row["date"] <= last]
        for row, earlier in zip(own[1:], [dict(row) for row in own], strict=False):
            row |= {name: earlier[name] for name in (*PRICES, "volume")}
        return rows

    return change


def _frozen(ticker: str, first: str, last: str) -> Change:
    """The prices of one day on all days, each with its own volume."""

    def change(rows: Rows) -> Rows:
        own = [row for row in rows if row["ticker"] == ticker and first <= row["date"] <= last]
        for row in own[1:]:
            row |= {name: own[0][name] for name in PRICES}
        return rows

    return change


def _one_day_dearer(rows: Rows) -> Rows:
    """An offer that has one price on three days, a quarter dearer on the second."""
    offer = next(row for row in rows if row["observation_id"] == "GP0700")
    for day, price in (("2026-05-01", 3.673 * 1.25), ("2026-06-01", 3.673)):
        rows = [
            *rows,
            offer | {"observation_id": day, "observed_on": day, "known_on": day, "usd_per_gpu_hour": str(price)},
        ]
    return rows


def _before(day: str) -> Callable[[Mapping[str, str]], bool]:
    return lambda row: row["date"] >= day


def _bar_of(ticker: str, day: str) -> Change:
    def change(rows: Rows) -> Rows:
        other = next(row for row in rows if matches(row, {"ticker": ticker, "date": day}))
        return put({name: other[name] for name in (*PRICES, "volume")}, ticker="MSFT", date=day)(rows)

    return change


def _repeat_day(rows: Rows) -> Rows:
    before = next(row for row in rows if matches(row, {"ticker": "MSFT", "date": "2025-03-11"}))
    return put({name: before[name] for name in (*PRICES, "volume")}, **BAR)(rows)


def _shifted(rows: Rows) -> Rows:
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


def _with(body: tuple[str, str, bytes], old: bytes, new: bytes) -> tuple[str, str, bytes]:
    return body[0], body[1], body[2].replace(old, new)


QUARTER = {"start": "2024-10-01", "end": "2024-12-31", "val": 15804000000}


# -- the kinds ------------------------------------------------------------------------------------------------------------

P, F, G, T, S = "stock_prices", "company_facts", "gpu_prices", "training_runs", "shares_outstanding"
NULL, RANGE, SET, TWICE = quality.NOT_NULL, quality.BETWEEN, quality.IN_SET, "said_twice"
LINE = ("line ",)
KINDS: tuple[Kind, ...] = (
    # Files: what arrives is not what was sent.
    Kind("file cut in the middle of a line", G, "reading", "refused", body=lambda b: b[: len(b) * 2 // 3], names=LINE),
    Kind(
        "last rows missing",
        G,
        "reading",
        "refused",
        body=lambda b: b[: b.rindex(b"\n", 0, -200) + 1],
        names=("snapshot.toml",),
    ),
    Kind("gzip cut short", F, "reading", "refused", body=lambda b: gzip.compress(b)[:-100], names=("cut short",)),
    Kind("empty file", G, "reading", "refused", body=lambda b: b"", names=("missing",)),
    Kind("header only", G, "reading", "refused", body=lambda b: b[: b.index(b"\n") + 1], names=("0 rows",)),
    Kind("an HTML page in its place", G, "reading", "refused", body=lambda b: b"<html><body>Sign in</body></html>"),
    Kind(
        "Latin-1 in place of UTF-8",
        G,
        "reading",
        "refused",
        body=lambda b: b.replace(b"Lambda Labs", b"Lambd\xe4", 1),
        names=LINE,
    ),
    Kind("UTF-16", G, "reading", "refused", body=lambda b: b.decode().encode("utf-16")),
    Kind("a byte order mark", G, "", "accepted", body=lambda b: b"\xef\xbb\xbf" + b),
    Kind("Windows line ends", G, "", "accepted", body=lambda b: b.replace(b"\n", b"\r\n")),
    Kind("every field quoted", G, "", "accepted", body=lambda b: written(read(b), quoting=csv.QUOTE_ALL)),
    Kind(
        "columns in another order",
        F,
        "",
        "accepted",
        body=lambda b: written([dict(reversed(list(row.items()))) for row in read(b)]),
    ),
    Kind("rows in another order", P, "", "accepted", rows=lambda rows: rows[::-1]),
    Kind("semicolons between the fields", G, "reading", "refused", body=lambda b: b.replace(b",", b";")),
    Kind(
        "a quote that is not closed",
        G,
        "reading",
        "refused",
        body=lambda b: b.replace(b"Lambda Labs", b'"Lambda Labs', 1),
        names=LINE,
    ),
    # Columns.
    Kind("a column missing", F, "reading", "refused", body=column("value_usd", None), names=("value_usd",)),
    Kind("a column renamed", P, "reading", "refused", body=column("adj_close", "Adj Close"), names=("adj_close",)),
    Kind(
        "a column more",
        G,
        "reading",
        "refused",
        body=lambda b: written([{**r, "extra": "1"} for r in read(b)]),
        names=("extra",),
    ),
    Kind(
        "a column twice",
        G,
        "reading",
        "refused",
        body=lambda b: b.replace(b"region,note", b"region,region", 1),
        names=("note",),
    ),
    Kind(
        "a field more in one line",
        G,
        "reading",
        "refused",
        body=lambda b: b[: b.index(b"\n", 500)] + b",9" + b[b.index(b"\n", 500) :],
        names=LINE,
    ),
    Kind(
        "high and low swapped in all rows",
        P,
        "ohlc_consistent",
        "refused",
        rows=each({"high": "@low", "low": "@high"}),
        names=("high", "low"),
    ),
    Kind(
        "open and volume swapped in one row",
        P,
        "reading",
        "quarantined",
        rows=put({"open": "@volume", "volume": "@open"}, **BAR),
        names=("volume",),
    ),
    Kind(
        "adj_close and close swapped",
        P,
        "adjustment_lowers_price",
        "refused",
        rows=each({"close": "@adj_close", "adj_close": "@close"}, ticker="MSFT"),
        names=("adj_close",),
    ),
    Kind(
        "low and high end of guidance swapped",
        "capex_guidance",
        "range_in_order",
        "refused",
        rows=put({"low_usd": "@high_usd", "high_usd": "@low_usd"}, ticker="META", issued_on="2025-01-24"),
        names=("low_usd",),
    ),
    # Text where a figure belongs.
    Kind("a word for a number", P, "reading", "quarantined", rows=put({"close": "n/a"}, **BAR), names=("close", *LINE)),
    Kind("NaN", P, "reading", "quarantined", rows=put({"close": "NaN"}, **BAR), names=("close", *LINE)),
    Kind(
        "infinity",
        G,
        "reading",
        "quarantined",
        rows=put({"usd_per_gpu_hour": "inf"}, **OFFER),
        names=("usd_per_gpu_hour", *LINE),
    ),
    Kind(
        "thousands separators",
        F,
        "reading",
        "quarantined",
        rows=put({"value_usd": "15,804,000,000"}, **CAPEX),
        names=("value_usd", *LINE),
    ),
    Kind(
        "a currency sign",
        G,
        "reading",
        "quarantined",
        rows=put({"usd_per_gpu_hour": "$2.99"}, **OFFER),
        names=("usd_per_gpu_hour",),
    ),
    Kind("a decimal comma", P, "reading", "quarantined", rows=put({"close": "383,27"}, **BAR), names=("close",)),
    Kind(
        "a required field empty",
        P,
        "reading",
        "quarantined",
        rows=put({"adj_close": ""}, **BAR),
        names=("adj_close", *LINE),
    ),
    Kind(
        "a fraction of a dollar in a whole number",
        F,
        "reading",
        "quarantined",
        rows=put({"value_usd": "15804000000.5"}, **CAPEX),
        names=("value_usd",),
    ),
    Kind(
        "an unknown kind of price",
        G,
        SET,
        "quarantined",
        rows=put({"pricing_kind": "ondemand"}, **OFFER),
        names=("pricing_kind", *LINE),
    ),
    Kind(
        "a role that there is not",
        "companies",
        SET,
        "refused",
        rows=put({"role": "Supplier"}, ticker="NVDA"),
        names=("role",),
    ),
    Kind("a grade that there is not", F, SET, "quarantined", rows=put({"grade": "E"}, **CAPEX), names=("grade",)),
    Kind(
        "no citation",
        F,
        "provenance_given",
        "quarantined",
        rows=put({"citation": " "}, **CAPEX),
        names=("citation", *LINE),
    ),
    # Dates.
    Kind(
        "day before month", P, "reading", "quarantined", rows=put({"date": "12/03/2025"}, **BAR), names=("date", *LINE)
    ),
    Kind(
        "a day that there is not", P, "reading", "quarantined", rows=put({"date": "2025-02-30"}, **BAR), names=("date",)
    ),
    Kind(
        "a bar on a Saturday",
        P,
        "session_of_the_exchange",
        "quarantined",
        rows=again({"date": "2025-03-15", "known_on": "2025-03-15"}, **BAR),
        names=("2025-03-15", *LINE),
    ),
    Kind(
        "a bar on a holiday",
        P,
        "session_of_the_exchange",
        "quarantined",
        rows=again({"date": "2025-01-20", "known_on": "2025-01-20"}, **BAR),
        names=("2025-01-20", *LINE),
    ),
    Kind("all dates of a ticker a session late", P, "dates_not_shifted", "critical", rows=_shifted, names=("NVDA",)),
    Kind(
        "all dates of a ticker a calendar day late",
        P,
        "session_of_the_exchange",
        "refused",
        rows=each({"date": days(1), "known_on": days(1)}, ticker="NVDA"),
        names=("session_of_the_exchange",),
    ),
    Kind(
        "known before the session",
        P,
        "known_from_its_day",
        "quarantined",
        rows=put({"known_on": "2025-03-11"}, **BAR),
        names=("known_on", *LINE),
    ),
    Kind(
        "known in the future",
        F,
        "known_by_today",
        "quarantined",
        rows=put({"known_on": "2027-01-29"}, **CAPEX),
        names=("known_on",),
    ),
    Kind(
        "filed before the period was over",
        F,
        "filed_after_period",
        "quarantined",
        rows=put({"known_on": "2024-12-01"}, **CAPEX),
        names=("known_on", *LINE),
    ),
    Kind(
        "filing day off by three years",
        F,
        "accession_of_its_day",
        "quarantined",
        rows=put({"known_on": days(365 * 1 + 340)}, **CAPEX, form="10-Q"),
        names=("accession",),
    ),
    Kind(
        "period end off by a year",
        F,
        "length_of_the_period",
        "quarantined",
        rows=put({"period_end": "2023-12-31"}, **CAPEX),
        names=("period_end",),
    ),
    Kind(
        "both ends of a period off by a year",
        F,
        "fiscal_year_of_the_period",
        "quarantined",
        rows=put({"period_start": days(-365), "period_end": days(-365)}, **CAPEX),
        names=("fiscal_year", *LINE),
    ),
    Kind(
        "period start and end swapped",
        F,
        "period_in_order",
        "quarantined",
        rows=put({"period_start": "@period_end", "period_end": "@period_start"}, **CAPEX),
        names=("period_start",),
    ),
    Kind(
        "a year called a quarter",
        F,
        "length_of_the_period",
        "quarantined",
        rows=put({"period_type": "quarter"}, ticker="GOOGL", measure="revenue", period_type="year"),
        names=("period_type",),
    ),
    Kind(
        "a period of four months",
        F,
        "length_of_the_period",
        "quarantined",
        rows=put({"period_start": "2024-09-01"}, **CAPEX),
        names=("period_start",),
    ),
    Kind(
        "a price read after it was known",
        G,
        "known_once_read",
        "quarantined",
        rows=put({"known_on": "2023-01-01"}, **OFFER),
        names=("known_on",),
    ),
    Kind(
        "a model published after its list",
        "ai_models",
        "published_by_its_vintage",
        "quarantined",
        rows=put({"published": "2026-12-01"}, vintage="2026-08-19"),
        names=("published", *LINE),
    ),
    Kind(
        "guidance for a year long past",
        "capex_guidance",
        "about_a_year_near_its_day",
        "refused",
        rows=put({"fiscal_year": "2015"}, ticker="META"),
        names=("fiscal_year",),
    ),
    # Prices.
    Kind("a close of zero", P, RANGE, "quarantined", rows=put({"close": "0"}, **BAR), names=("close", *LINE)),
    Kind("a negative volume", P, RANGE, "quarantined", rows=put({"volume": "-1"}, **BAR), names=("volume", *LINE)),
    Kind(
        "one close in cents",
        P,
        "ohlc_consistent",
        "quarantined",
        rows=put({"close": times(100)}, **BAR),
        names=("close", *LINE),
    ),
    Kind(
        "one bar in cents",
        P,
        "back_the_next_day",
        "quarantined",
        rows=put(dict.fromkeys(PRICES, times(100)), **BAR),
        names=("MSFT", "2025-03-12", *LINE),
    ),
    Kind(
        "a whole history in cents",
        P,
        "market_value_possible",
        "critical",
        rows=each(dict.fromkeys(PRICES, times(100)), ticker="AAPL"),
        names=("AAPL",),
    ),
    Kind(
        "a split applied before its day only",
        P,
        "split_on_one_side",
        "critical",
        rows=each(dict.fromkeys(PRICES, times(0.25)), unless=_before("2024-10-01"), ticker="META"),
        names=("META", "2024-10-01", *LINE),
    ),
    Kind(
        "the recorded split not applied",
        P,
        "split_on_one_side",
        "critical",
        rows=each(dict.fromkeys(PRICES, times(10)), unless=_before("2024-06-10"), ticker="NVDA"),
        names=("NVDA", "2024-06-10"),
    ),
    Kind(
        "a reverse split applied from its day only",
        P,
        "split_on_one_side",
        "critical",
        rows=each(dict.fromkeys(PRICES, times(10)), unless=lambda r: r["date"] < "2025-10-01", ticker="META"),
        names=("META", "2025-10-01"),
    ),
    Kind(
        "a three-for-two split applied on one side",
        P,
        "jump_without_turnover",
        "warning",
        rows=each(dict.fromkeys(PRICES, times(1 / 1.5)), unless=_before("2024-10-01"), ticker="META"),
        names=("META", "2024-10-01", *LINE),
    ),
    Kind(
        "dividends adjusted in a part only",
        P,
        "adjustment_never_falls",
        "warning",
        rows=each({"adj_close": "@close"}, unless=_before("2024-10-01"), ticker="MSFT"),
        names=("MSFT", "2024-10-01", *LINE),
    ),
    Kind(
        "adj_close above close",
        P,
        "adjustment_lowers_price",
        "quarantined",
        rows=put({"adj_close": times(1.2)}, **BAR),
        names=("adj_close", *LINE),
    ),
    Kind(
        "low above the open",
        P,
        "ohlc_consistent",
        "quarantined",
        rows=put({"low": times(1.2)}, **BAR),
        names=("low", *LINE),
    ),
    Kind(
        "a bar that repeats the day before",
        P,
        "bar_repeats_the_last",
        "warning",
        rows=_repeat_day,
        names=("MSFT", "2025-03-12", *LINE),
    ),
    Kind(
        "the bar of another ticker",
        P,
        "back_the_next_day",
        "quarantined",
        rows=_bar_of("NVDA", BAR["date"]),
        names=("close_before", *LINE),
    ),
    Kind(
        "the bars of another ticker",
        P,
        "bar_of_another_ticker",
        "critical",
        rows=lambda rows: _bar_of("NVDA", "2025-03-13")(_bar_of("NVDA", BAR["date"])(rows)),
        names=("MSFT", *LINE),
    ),
    Kind(
        "a day without trade",
        P,
        "no_trade_on_a_trading_day",
        "warning",
        rows=put({"volume": "0"}, **BAR),
        names=("MSFT", "2025-03-12", *LINE),
    ),
    Kind(
        "a session missing for a ticker",
        P,
        "no_session_missing_for_a_ticker",
        "warning",
        rows=drop(**BAR),
        names=("MSFT", "2025-03-12"),
    ),
    Kind(
        "the benchmark missing on the day of the event",
        P,
        "no_session_missing_for_a_ticker",
        "warning",
        rows=drop(ticker="SPY", date="2025-01-27"),
        names=("SPY", "2025-01-27"),
    ),
    Kind(
        "a session missing for all",
        P,
        "no_session_missing_for_all",
        "critical",
        rows=drop(date="2025-03-12"),
        names=("2025-03-12",),
    ),
    Kind(
        "a ticker that ends early",
        P,
        "ticker_ends_early",
        "warning",
        rows=lambda rows: [r for r in rows if r["ticker"] != "META" or r["date"] < "2026-01-05"],
        names=("META",),
    ),
    Kind("a bar twice", P, TWICE, "refused", rows=again(**BAR), names=("stock_prices.csv, line ",)),
    Kind(
        "a bar twice with another close",
        P,
        TWICE,
        "refused",
        rows=again({"close": times(1.001)}, **BAR),
        names=("line ",),
    ),
    Kind(
        "an unknown ticker",
        P,
        "ticker_of_the_panel",
        "quarantined",
        rows=put({"ticker": "MSFT."}, **BAR),
        names=("MSFT.", *LINE),
    ),
    Kind(
        "a ticker in small letters",
        F,
        "ticker_of_the_panel",
        "quarantined",
        rows=put({"ticker": "msft"}, **CAPEX),
        names=("msft", *LINE),
    ),
    # Corporate actions and share counts.
    Kind(
        "a split of one for one",
        "corporate_actions",
        "ratio_of_a_split",
        "refused",
        rows=put({"value": "1"}, kind="split"),
        names=("value",),
    ),
    Kind(
        "a split turned over",
        "corporate_actions",
        "split_as_in_share_counts",
        "refused",
        rows=put({"value": "0.1"}, kind="split"),
        names=("value", *LINE),
    ),
    Kind(
        "a dividend in cents",
        "corporate_actions",
        "dividend_below_the_price",
        "refused",
        rows=put({"value": "100"}, kind="dividend"),
        names=("value",),
    ),
    Kind(
        "shares in thousands",
        S,
        "count_of_another_unit",
        "quarantined",
        rows=put({"shares": times(1e-3, True)}, **COUNT),
        names=("shares", *LINE),
    ),
    Kind(
        "the latest count in thousands",
        S,
        "count_of_another_unit",
        "quarantined",
        rows=put({"shares": times(1e-3, True)}, ticker="AAPL", measured_on="2026-01-16"),
        names=("14681140", *LINE),
    ),
    Kind(
        "all counts of a company in thousands",
        S,
        "count_of_another_unit",
        "refused",
        rows=each({"shares": times(1e-3, True)}, ticker="AAPL"),
        names=("revenue_usd", *LINE),
    ),
    Kind(
        "counts in thousands from a year on",
        S,
        "count_of_another_unit",
        "refused",
        rows=each({"shares": times(1e-3, True)}, unless=lambda r: r["measured_on"] < "2024-01-01", ticker="AAPL"),
        names=("15441881", *LINE),
    ),
    Kind(
        "a count with a digit too many",
        S,
        "count_of_another_unit",
        "quarantined",
        rows=put({"shares": times(10, True)}, **COUNT),
        names=("the next count takes it back", *LINE),
    ),
    Kind(
        "the count of one class of shares",
        S,
        "count_of_another_unit",
        "quarantined",
        rows=put({"shares": times(0.5, True)}, ticker="AMZN", measured_on="2025-10-22"),
        names=("5345108006", *LINE),
    ),
    Kind(
        "the count of another company",
        S,
        "count_of_another_unit",
        "quarantined",
        rows=put({"shares": "24490000000"}, **COUNT),
        names=("one_before", *LINE),
    ),
    Kind(
        "shares after a split, dated before it",
        S,
        "count_of_another_unit",
        "quarantined",
        rows=put({"shares": times(10, True)}, ticker="NVDA", measured_on="2024-05-24"),
        names=("24600000000", *LINE),
    ),
    Kind(
        "a split that no source tells",
        S,
        "count_as_before",
        "warning",
        rows=each({"shares": times(4, True)}, unless=lambda r: r["measured_on"] < "2024-01-01", ticker="AAPL"),
        names=("nearest_split=4:1", "AAPL", *LINE),
    ),
    Kind(
        "shares public before they were counted",
        "shares_outstanding",
        "known_after_measured",
        "quarantined",
        rows=put({"known_on": "2020-01-01"}, ticker="AAPL"),
        names=("known_on",),
    ),
    # Filings.
    Kind(
        "capex in thousands",
        F,
        "a_thousandfold_off",
        "quarantined",
        rows=put({"value_usd": times(0.001, True)}, **CAPEX),
        names=("value_usd", *LINE),
    ),
    Kind(
        "capex in millions",
        F,
        "a_thousandfold_off",
        "quarantined",
        rows=put({"value_usd": times(1e-6, True)}, **CAPEX),
        names=("value_usd",),
    ),
    Kind(
        "net income a thousandfold",
        F,
        "a_thousandfold_off",
        "quarantined",
        rows=put({"value_usd": times(1000, True)}, ticker="META", measure="net_income"),
        names=("value_usd",),
    ),
    Kind(
        "a digit too many in capex",
        F,
        "far_from_both_neighbours",
        "quarantined",
        rows=put({"value_usd": times(10, True)}, **CAPEX),
        names=("value_usd", *LINE),
    ),
    Kind(
        "Amazon's quarter of 0.796 billion",
        F,
        "far_from_both_neighbours",
        "quarantined",
        rows=put({"value_usd": "796000000"}, most=9, **AMZN),
        names=("796000000", *LINE),
    ),
    Kind(
        "capex with its sign turned",
        F,
        "capex_and_revenue_not_negative",
        "quarantined",
        rows=put({"value_usd": times(-1, True)}, **CAPEX),
        names=("value_usd", *LINE),
    ),
    Kind(
        "operating cash flow with its sign turned",
        F,
        "sign_turned",
        "quarantined",
        rows=put({"value_usd": times(-1, True)}, ticker="GOOGL", measure="operating_cash_flow", period_type="year"),
        names=("value_usd", *LINE),
    ),
    Kind(
        "nine months below six",
        F,
        "year_to_date_never_falls",
        "warning",
        rows=each(
            {"value_usd": times(0.5, True)},
            ticker="GOOGL",
            measure="purchases_of_property_and_equipment",
            period_end="2025-09-30",
            period_type="nine_months",
        ),
        names=("GOOGL", "shorter_value_usd", *LINE),
    ),
    Kind(
        "a printed quarter that its filing contradicts",
        F,
        "printed_quarter_agrees_with_derived",
        "warning",
        rows=each({"value_usd": times(1.3, True)}, **CAPEX),
        names=("MSFT", "derived_usd", *LINE),
    ),
    Kind(
        "a year that is not its quarters",
        F,
        "quarters_make_the_longer_period",
        "warning",
        rows=each(
            {"value_usd": times(1.1, True)},
            ticker="MSFT",
            measure="revenue",
            period_type="half_year",
            period_end="2024-12-31",
        ),
        names=("MSFT", "of_quarters_usd", *LINE),
    ),
    Kind(
        "net property above gross",
        F,
        "gross_is_at_least_net",
        "warning",
        rows=each({"value_usd": times(3, True)}, ticker="AAPL", measure="property_and_equipment_net"),
        names=("AAPL",),
    ),
    Kind(
        "a tag that changes from one year on",
        F,
        "tag_changed",
        "warning",
        rows=lambda rows: each(
            {"tag": "us-gaap:PaymentsToAcquireOtherProductiveAssets"},
            unless=lambda r: r["period_end"] < "2025-01-01",
            ticker="META",
            measure="purchases_of_property_and_equipment",
        )(rows),
        names=("PaymentsToAcquireOtherProductiveAssets", "META"),
    ),
    Kind(
        "a restatement by a tenth",
        F,
        "restated",
        "warning",
        rows=again(
            {"value_usd": times(1.1, True), "known_on": "2026-10-20", "accession": "0000950170-26-000001"},
            **CAPEX,
            form="10-Q",
        ),
        names=("first_usd", *LINE),
    ),
    Kind(
        "a figure again under another number",
        F,
        "accession_of_one_filing",
        "quarantined",
        rows=again({"accession": "0000950170-25-099999"}, **CAPEX, form="10-Q"),
        names=("usual_accession=0000950170-25-010491", *LINE),
    ),
    Kind(
        "a whole filing again under another number",
        F,
        "one_filing_of_a_day",
        "warning",
        rows=again({"accession": "0000950170-25-099999"}, most=10**6, accession="0000950170-25-010491"),
        names=("accession", *LINE),
    ),
    Kind(
        "an accession number of another form",
        F,
        "accession_in_form",
        "quarantined",
        rows=put({"accession": "95017025010491"}, **CAPEX, form="10-Q"),
        names=("accession", *LINE),
    ),
    Kind(
        "an accession number that is lost",
        F,
        "accession_in_form",
        "quarantined",
        rows=put({"accession": ""}, **CAPEX, form="10-Q"),
        names=("accession", *LINE),
    ),
    Kind(
        "an accession number of another company",
        F,
        "accession_of_one_filing",
        "quarantined",
        rows=put({"accession": "0001652044-25-000014"}, **CAPEX, form="10-Q"),
        names=("usual_ticker=GOOGL", *LINE),
    ),
    Kind(
        "an accession number of the quarter after",
        F,
        "accession_of_one_filing",
        "quarantined",
        rows=put({"accession": "0000950170-25-061046"}, **CAPEX, form="10-Q"),
        names=("usual_accession=0000950170-25-010491", *LINE),
    ),
    Kind(
        "day and month of a filing swapped",
        F,
        "accession_of_one_filing",
        "quarantined",
        rows=put({"known_on": "2025-09-01"}, **CAPEX, form="10-Q"),
        names=("usual_known_on=2025-01-29", *LINE),
    ),
    Kind(
        "the number of another company",
        F,
        "cik_of_the_company",
        "quarantined",
        rows=put({"cik": "320193"}, **CAPEX, form="10-Q"),
        names=("cik_of_the_panel=789019", *LINE),
    ),
    Kind(
        "two companies' capex under each other's ticker",
        F,
        "cik_of_the_company",
        "refused",
        rows=each_of(lambda r: r["measure"] == CAPEX["measure"], {"ticker": _other_of("MSFT", "META")}),
        names=("cik_of_the_panel", *LINE),
    ),
    Kind(
        "capex called revenue",
        F,
        "tag_of_its_measure",
        "quarantined",
        rows=put({"measure": "revenue"}, **CAPEX, form="10-Q"),
        names=("usual_measure=purchases_of_property_and_equipment", *LINE),
    ),
    Kind(
        "a measure in capital letters",
        F,
        SET,
        "quarantined",
        rows=put({"measure": "Purchases_Of_Property_And_Equipment"}, **CAPEX, form="10-Q"),
        names=("measure", *LINE),
    ),
    Kind(
        "a quarter a month late",
        F,
        "ends_with_a_quarter",
        "quarantined",
        rows=put({"period_start": "2024-11-01", "period_end": "2025-01-31"}, **CAPEX, filing_fiscal_year="2026"),
        names=("period_end=2025-01-31", *LINE),
    ),
    Kind(
        "a year with a digit too many",
        F,
        "last_quarter_of_the_longer_period",
        "warning",
        rows=each({"value_usd": times(10, True)}, **META_YEAR),
        names=("META", "times_the_quarters_before", *LINE),
    ),
    Kind(
        "a quarter printed 3 % off",
        F,
        "printed_quarter_agrees_with_derived",
        "warning",
        rows=each({"value_usd": times(1.03, True)}, **CAPEX),
        names=("MSFT", "derived_usd", "company_facts.csv, line "),
    ),
    Kind(
        "a restatement by a third",
        F,
        "restated",
        "warning",
        rows=again(
            {"value_usd": times(1.3, True), "known_on": "2026-10-20", "accession": "0000950170-26-000001"},
            **CAPEX,
            form="10-Q",
        ),
        names=("first_usd", "MSFT", *LINE),
    ),
    Kind(
        "revenue of a quarter with a digit lost",
        F,
        "far_from_both_neighbours",
        "quarantined",
        rows=each({"value_usd": times(0.1, True)}, **CAPEX | {"measure": "revenue"}),
        names=("6963200000", *LINE),
    ),
    Kind(
        "two sources that differ",
        F,
        "sources_agree",
        "warning",
        rows=again(
            {
                "value_usd": times(1.03, True),
                "grade": "C",
                "citation": "a page",
                "tag": "",
                "form": "",
                "accession": "",
            },
            **CAPEX,
        ),
        names=("a page",),
    ),
    Kind(
        "guidance in millions",
        "capex_guidance",
        "of_the_size_of_the_spending",
        "refused",
        rows=put({"low_usd": "65000", "high_usd": "72000"}, ticker="META"),
        names=("low_usd",),
    ),
    Kind(
        "guidance with a digit too many",
        "capex_guidance",
        "range_not_too_wide",
        "refused",
        rows=put({"high_usd": times(10, True)}, ticker="META"),
        names=("high_usd",),
    ),
    # GPU prices.
    Kind(
        "price of a node of eight",
        G,
        "price_of_a_node",
        "quarantined",
        rows=put({"usd_per_gpu_hour": times(8)}, observation_id="GP1110"),
        names=("usd_per_gpu_hour", *LINE),
    ),
    Kind(
        "price of a node of four",
        G,
        "price_jumps_by_a_node",
        "warning",
        rows=put({"usd_per_gpu_hour": times(4)}, observation_id="GP1110"),
        names=("usd_per_gpu_hour",),
    ),
    Kind(
        "price divided by eight once more",
        G,
        "price_of_a_node",
        "quarantined",
        rows=put({"usd_per_gpu_hour": times(1 / 8)}, observation_id="GP1110"),
        names=("usd_per_gpu_hour",),
    ),
    Kind(
        "price in cents",
        G,
        "plausible_for_the_chip",
        "quarantined",
        rows=put({"usd_per_gpu_hour": times(100)}, **OFFER),
        names=("usd_per_gpu_hour", *LINE),
    ),
    Kind(
        "price for a month",
        G,
        "plausible_for_the_chip",
        "quarantined",
        rows=put({"usd_per_gpu_hour": times(730)}, **OFFER),
        names=("usd_per_gpu_hour",),
    ),
    Kind(
        "a price of zero",
        G,
        RANGE,
        "quarantined",
        rows=put({"usd_per_gpu_hour": "0"}, **OFFER),
        names=("usd_per_gpu_hour",),
    ),
    Kind(
        "spot above on demand",
        G,
        "spot_above_on_demand",
        "warning",
        rows=lambda rows: _spot_above(rows),
        names=("on_demand_usd_per_gpu_hour", *LINE),
    ),
    Kind(
        "an offer called an index",
        G,
        "an_index_is_not_an_offer",
        "quarantined",
        rows=put({"pricing_kind": "index"}, observation_id="GP0840"),
        names=("pricing_kind",),
    ),
    Kind(
        "an unknown chip",
        G,
        "chip_has_a_specification",
        "warning",
        rows=put({"gpu_model": "H100-SXM"}, observation_id="GP0197"),
        names=("H100-SXM", *LINE),
    ),
    Kind(
        "a chip before its release",
        G,
        "priced_before_its_release",
        "quarantined",
        rows=put({"gpu_model": "B300", "instance": "B300"}, observation_id="GP0197"),
        names=("B300", *LINE),
    ),
    Kind("an observation twice", G, TWICE, "refused", rows=again(**OFFER), names=("line ",)),
    Kind(
        "peak in GFLOP/s",
        "gpu_specs",
        "performance_for_its_power",
        "refused",
        rows=put({"bf16_dense_tflops": times(1000)}, gpu_model="H100 SXM"),
        names=("bf16_dense_tflops",),
    ),
    Kind(
        "peak with sparsity",
        "gpu_specs",
        "dense_and_not_sparse",
        "warning",
        rows=put({"bf16_dense_tflops": times(2)}, gpu_model="H100 SXM"),
        names=("H100 SXM", *LINE),
    ),
    # Training runs, models, evidence.
    Kind(
        "operations off by a thousand",
        T,
        "six_n_d_within_ten",
        "quarantined",
        rows=put({"training_flop": times(1e-3)}, **V3),
        names=("training_flop", *LINE),
    ),
    Kind(
        "operations off by a thousand, tokens unknown",
        T,
        "rate_that_a_chip_can_reach",
        "quarantined",
        rows=put({"training_flop": times(1e3), "tokens": ""}, **V3),
        names=("training_flop",),
    ),
    Kind(
        "GPU-hours in days",
        T,
        "implied_price_of_a_rental",
        "warning",
        rows=put({"gpu_hours": times(1 / 24)}, **V3),
        names=("TR001", "gpu_hours", *LINE),
    ),
    Kind(
        "GPU-hours times a thousand",
        T,
        "price_that_could_be_asked",
        "quarantined",
        rows=put({"gpu_hours": times(1000)}, **V3),
        names=("gpu_hours",),
    ),
    Kind(
        "cost in thousands",
        T,
        "price_that_could_be_asked",
        "quarantined",
        rows=put({"claimed_cost_usd": "5576"}, **V3),
        names=("claimed_cost_usd", *LINE),
    ),
    Kind(
        "ten times the GPUs and none of the hours",
        T,
        "utilisation_possible",
        "warning",
        rows=put({"gpu_hours": times(0.2), "claimed_cost_usd": times(0.5)}, **V3),
        names=("TR001", *LINE),
    ),
    Kind(
        "a scope that is lost",
        T,
        "scope_missing",
        "warning",
        rows=put({"cost_scope": "unknown"}, **V3),
        names=("TR001", *LINE),
    ),
    Kind(
        "a scope that there is not",
        T,
        SET,
        "quarantined",
        rows=put({"cost_scope": "total"}, **V3),
        names=("cost_scope", *LINE),
    ),
    Kind(
        "a cost that is lost",
        T,
        "scope_without_a_cost",
        "quarantined",
        rows=put({"claimed_cost_usd": ""}, **V3),
        names=("claimed_cost_usd",),
    ),
    Kind(
        "a total among its parts",
        T,
        "total_and_parts_agree",
        "warning",
        rows=each(
            {
                "developer": "DeepSeek",
                "gpu_hours": times(2),
                "cost_scope": "final_run_rental",
                "estimate_by": "developer",
            },
            model="DeepSeek-V3 (pre-training only)",
        ),
        names=("DeepSeek-V3", *LINE),
    ),
    Kind(
        "tokens with another power of ten",
        T,
        "six_n_d_within_ten",
        "quarantined",
        rows=put({"tokens": times(1000)}, **V3),
        names=("tokens",),
    ),
    Kind(
        "tokens off by a half",
        T,
        "flop_is_six_n_d",
        "warning",
        rows=put({"tokens": times(1.5)}, **V3),
        names=("TR001", *LINE),
    ),
    Kind(
        "more active parameters than there are",
        T,
        "active_within_all_parameters",
        "quarantined",
        rows=put({"parameters_active": times(100)}, **V3),
        names=("parameters_active",),
    ),
    Kind(
        "hardware misspelt",
        T,
        "hardware_is_known",
        "warning",
        rows=put({"hardware": "H8OO SXM"}, **V3),
        names=("H8OO SXM", *LINE),
    ),
    Kind(
        "a model's operations off by a thousand",
        "ai_models",
        "flop_as_in_other_lists",
        "quarantined",
        rows=put({"training_flop": times(1e3)}, model="DeepSeek-V3", vintage="2026-08-19"),
        names=("training_flop", *LINE),
    ),
    Kind(
        "half a list of models",
        "ai_models",
        "list_does_not_shrink",
        "warning",
        rows=lambda rows: [r for n, r in enumerate(rows) if r["vintage"] != "2026-08-19" or n % 2],
        names=("2026-08-19",),
    ),
    Kind(
        "an index off its scale",
        "model_capability",
        "on_the_scale_of_the_index",
        "quarantined",
        rows=put({"eci": "9954", "eci_high": "10596"}),
        names=("eci", *LINE),
    ),
    Kind(
        "an estimate outside its interval",
        "model_capability",
        "interval_holds_the_estimate",
        "quarantined",
        rows=put({"eci_low": "@eci_high", "eci_high": "@eci_low"}),
        names=("eci_low",),
    ),
    Kind(
        "a share in percent",
        "evidence",
        "share_is_a_fraction",
        "quarantined",
        rows=put({"value": times(100), "value_low": "", "value_high": ""}, unit="share"),
        names=("value", *LINE),
    ),
    Kind(
        "a range that does not hold its value",
        "evidence",
        "range_holds_the_value",
        "quarantined",
        rows=put({"value": times(3)}, evidence_id="CC001"),
        names=("value_high", *LINE),
    ),
    Kind(
        "a curated claim without its finding",
        "article_claims",
        "curated_says_what_was_found",
        "refused",
        rows=put({"curated_finding": ""}, check_kind="curated"),
        names=("curated_finding",),
    ),
    Kind(
        "two companies with one number",
        "companies",
        "one_company_a_number",
        "critical",
        rows=put({"cik": "1045810"}, ticker="MSFT"),
        names=("cik", *LINE),
    ),
    Kind(
        "a company of the four missing",
        "companies",
        "panel_has_those_asked_about",
        "warning",
        rows=drop(ticker="META"),
        names=("META",),
    ),
    # What an eye that reads one row at a time would not see.
    Kind(
        "a high with a digit too many",
        P,
        "range_of_a_bar",
        "quarantined",
        rows=put({"high": times(10)}, **BAR),
        names=("high", *LINE),
    ),
    Kind(
        "a price beyond all prices",
        P,
        "range_of_a_bar",
        "quarantined",
        rows=put({"close": "1e308", "high": "1e308"}, **BAR),
        names=("1e+308", *LINE),
    ),
    Kind(
        "one bar a fifth too high",
        P,
        "back_the_next_day",
        "quarantined",
        rows=scaled(1.2, "MSFT", "2025-03-12"),
        names=("close_before", *LINE),
    ),
    Kind(
        "one adj_close two percent off",
        P,
        "back_the_next_day",
        "quarantined",
        rows=put({"adj_close": times(0.98)}, ticker="NVDA", date="2025-01-27"),
        names=("factor_after", *LINE),
    ),
    Kind(
        "two tickers' bars swapped for a week",
        P,
        "split_on_one_side",
        "critical",
        rows=_swapped("MSFT", "META", "2025-03-10", "2025-03-14"),
        names=("times_usual_turnover", *LINE),
    ),
    Kind(
        "a month of bars a session late",
        P,
        "bar_repeats_the_last",
        "warning",
        rows=_late("NVDA", "2025-01-02", "2025-01-31"),
        names=("2025-01-03", *LINE),
    ),
    Kind(
        "prices that stand still while shares are traded",
        P,
        "bar_repeats_the_last",
        "warning",
        rows=_frozen("MSFT", "2025-03-03", "2025-03-14"),
        names=("MSFT", *LINE),
    ),
    Kind(
        "a volume in thousands",
        P,
        "volume_of_another_unit",
        "warning",
        rows=put({"volume": times(1e-3, True)}, **BAR),
        names=("usual_volume", *LINE),
    ),
    Kind(
        "a hexadecimal number",
        P,
        "reading",
        "quarantined",
        rows=put({"close": "0x17F"}, **BAR),
        names=("0x17F", *LINE),
    ),
    Kind(
        "a time of another zone for a date",
        P,
        "reading",
        "quarantined",
        rows=put({"date": "2025-03-13T00:00:00+00:00"}, **BAR),
        names=("date", *LINE),
    ),
    Kind(
        "day and month of a bar swapped",
        P,
        "known_from_its_day",
        "quarantined",
        rows=put({"date": "2025-12-03"}, **BAR),
        names=("date=2025-12-03", *LINE),
    ),
    Kind(
        "a split on a Sunday",
        "corporate_actions",
        "session_of_the_exchange",
        "refused",
        rows=put({"date": "2024-06-09"}, kind="split"),
        names=("date=2024-06-09", *LINE),
    ),
    Kind(
        "a split called a dividend",
        "corporate_actions",
        "dividend_in_the_closes",
        "warning",
        rows=put({"kind": "dividend"}, kind="split"),
        names=("of_the_closes_usd", *LINE),
    ),
    Kind(
        "a dividend called a split",
        "corporate_actions",
        "split_as_in_share_counts",
        "refused",
        rows=put({"kind": "split"}, date="2024-09-12"),
        names=("value=0.01", *LINE),
    ),
    Kind(
        "a dividend with a digit too many",
        "corporate_actions",
        "dividend_in_the_closes",
        "warning",
        rows=put({"value": "0.1"}, date="2024-09-12"),
        names=("of_the_closes_usd=0.01", *LINE),
    ),
    Kind(
        "a split under two days",
        "corporate_actions",
        "split_told_twice",
        "warning",
        rows=again({"date": "2024-07-10"}, kind="split"),
        names=("other_date=2024-06-10", *LINE),
    ),
    Kind(
        "a header in the middle",
        F,
        "reading",
        "quarantined",
        body=lambda b: b + b[: b.index(b"\n") + 1],
        names=("cik", *LINE),
    ),
    Kind(
        "a chip that its own name contradicts",
        G,
        "chip_as_in_its_name",
        "quarantined",
        rows=put({"gpu_model": "H100 SXM"}, **OFFER),
        names=("chips_in_the_name=['a100']", *LINE),
    ),
    Kind(
        "all H200 called H100",
        G,
        "chip_as_in_its_name",
        "refused",
        rows=each({"gpu_model": "H100 SXM"}, gpu_model="H200 SXM"),
        names=("h200", *LINE),
    ),
    Kind(
        "a list price called a specialist's",
        G,
        "offer_as_before",
        "quarantined",
        rows=put({"provider_class": "specialist"}, observation_id="GP0004"),
        names=("usual_class=hyperscaler", *LINE),
    ),
    Kind(
        "one provider per node of eight",
        G,
        "plausible_for_the_chip",
        "refused",
        rows=each({"usd_per_gpu_hour": times(8)}, provider="Nebius"),
        names=("usd_per_gpu_hour", *LINE),
    ),
    Kind(
        "rupees called dollars",
        G,
        "plausible_for_the_chip",
        "refused",
        rows=each({"usd_per_gpu_hour": times(86)}, provider="Massed Compute"),
        names=("usd_per_gpu_hour", *LINE),
    ),
    Kind(
        "a list price a quarter too high for a day",
        G,
        "price_goes_back",
        "warning",
        rows=_one_day_dearer,
        names=("price_before", *LINE),
    ),
    Kind(
        "a NUL in a name",
        G,
        "text_is_readable",
        "quarantined",
        body=lambda b: b.replace(b"Lambda Labs", b"Lambda\x00Labs", 1),
        names=("provider", *LINE),
    ),
    Kind(
        "a name that was decoded twice",
        G,
        "text_is_readable",
        "quarantined",
        body=lambda b: b.replace(b"Lambda Labs", "Lambd\u00c3\u00a1 Labs".encode(), 1),
        names=("provider", *LINE),
    ),
    Kind(
        "UTF-16 without its mark",
        G,
        "reading",
        "refused",
        body=lambda b: b.decode().encode("utf-16-le"),
        names=("column",),
    ),
    Kind(
        "a remark before the header",
        G,
        "reading",
        "refused",
        body=lambda b: b"# made by a program\n" + b,
        names=("column",),
    ),
    Kind(
        "a comma at the end of each line",
        G,
        "reading",
        "refused",
        body=lambda b: b.replace(b"\n", b",\n"),
        names=("column",),
    ),
    Kind(
        "the file twice, one after the other",
        G,
        TWICE,
        "refused",
        body=lambda b: b + b[b.index(b"\n") + 1 :],
        names=LINE,
    ),
    Kind(
        "dense peak with two digits swapped",
        "gpu_specs",
        "dense_and_not_sparse",
        "warning",
        rows=put({"bf16_dense_tflops": "898.4"}, gpu_model="H100 SXM"),
        names=("H100 SXM", *LINE),
    ),
    Kind(
        "a release in another century",
        "gpu_specs",
        "released_by_its_day",
        "refused",
        rows=put({"release_date": "2202-10-05"}, gpu_model="H100 SXM"),
        names=("release_date=2202-10-05", *LINE),
    ),
    Kind(
        "a cost with two digits swapped",
        T,
        "total_and_parts_agree",
        "warning",
        rows=put({"claimed_cost_usd": "5756000"}, **V3),
        names=("of_parts_usd", *LINE),
    ),
    Kind(
        "hardware of another run",
        T,
        "part_as_its_total",
        "warning",
        rows=put({"hardware": "H200 SXM"}, **V3),
        names=("run_id=TR001", "H800 SXM and H200 SXM", "training_runs.csv, line 2"),
    ),
    Kind(
        "ten times the GPUs",
        T,
        "part_as_its_total",
        "warning",
        rows=put({"gpu_count": times(10, True)}, **V3),
        names=("gpu_count 2048 and 20480", "other_locator=line 2"),
    ),
    Kind(
        "a rental called a programme",
        T,
        "part_as_its_total",
        "warning",
        rows=put({"cost_scope": "research_programme"}, **V3),
        names=("final_run_rental and research_programme", "training_runs.csv, line 2"),
    ),
    Kind(
        "day and month of publication swapped",
        T,
        "part_as_its_total",
        "warning",
        rows=put({"published": "2024-06-12"}, **V3),
        names=("2024-12-26 and 2024-06-12", "training_runs.csv, line 2"),
    ),
    Kind(
        "a run under two identifiers",
        T,
        "run_told_twice",
        "warning",
        rows=again({"run_id": "tr001"}, **V3),
        names=("tr001", *LINE),
    ),
    Kind(
        "operations off by ten",
        T,
        "six_n_d_within_ten",
        "quarantined",
        rows=put({"training_flop": times(10)}, **V3),
        names=("training_flop", *LINE),
    ),
    Kind(
        "operations off by ten, tokens unknown",
        T,
        "utilisation_possible",
        "warning",
        rows=put({"training_flop": times(10), "tokens": ""}, **V3),
        names=("TR001", *LINE),
    ),
    Kind(
        "a model's operations off by ten",
        "ai_models",
        "flop_unlike_other_lists",
        "warning",
        rows=put({"training_flop": times(10)}, model="DeepSeek-V3", vintage="2026-08-19"),
        names=("DeepSeek-V3", *LINE),
    ),
    Kind(
        "a whole list off by ten",
        "ai_models",
        "list_on_the_scale_of_others",
        "critical",
        rows=each({"training_flop": times(10)}, vintage="2026-08-19"),
        names=("times_the_others", "2026-08-19", *LINE),
    ),
    Kind(
        "a model published ten years before",
        "ai_models",
        "published_as_in_other_lists",
        "warning",
        rows=put({"published": "2014-12-24"}, model="DeepSeek-V3", vintage="2026-08-19"),
        names=("usual_published", *LINE),
    ),
    Kind(
        "a model under two spellings",
        "ai_models",
        "model_told_twice",
        "warning",
        rows=again({"model": "deepseek-v3"}, model="DeepSeek-V3", vintage="2026-08-19"),
        names=("deepseek-v3", *LINE),
    ),
    Kind(
        "an index in tenths",
        "model_capability",
        "on_the_scale_of_the_index",
        "refused",
        rows=each({name: times(0.1) for name in ("eci", "eci_low", "eci_high")}),
        names=("eci", *LINE),
    ),
    Kind(
        "a range with a digit too many",
        "evidence",
        "range_not_too_wide",
        "warning",
        rows=put({"value_high": times(100)}, evidence_id="CC001"),
        names=("value_high", "CC001", *LINE),
    ),
    Kind(
        "a unit in small letters",
        "evidence",
        "unit_as_elsewhere",
        "warning",
        rows=put({"unit": "usd"}, evidence_id="CC001"),
        names=("usual_unit=USD", *LINE),
    ),
    Kind(
        "guidance for the year after",
        "capex_guidance",
        "far_from_other_guidance",
        "warning",
        rows=put({"fiscal_year": "2026"}, ticker="META", issued_on="2025-04-30"),
        names=("middle_of_others_usd", *LINE),
    ),
    Kind(
        "guidance twice as high",
        "capex_guidance",
        "far_from_other_guidance",
        "warning",
        rows=put({n: times(2, True) for n in ("low_usd", "high_usd")}, ticker="META", issued_on="2025-04-30"),
        names=("middle_of_others_usd", "META", *LINE),
    ),
    Kind(
        "day of guidance of another month",
        "capex_guidance",
        "known_when_issued",
        "warning",
        rows=put({"issued_on": "2025-02-10"}, ticker="AMZN", issued_on="2025-10-30"),
        names=("known_on=2025-10-30", *LINE),
    ),
    Kind(
        "a company again in small letters",
        "companies",
        "ticker_in_capitals",
        "refused",
        rows=again({"ticker": "nvda"}, ticker="NVDA"),
        names=("ticker=nvda", *LINE),
    ),
    # Live bodies.
    Kind(
        "Yahoo: a consent page",
        P,
        "reading",
        "left_out",
        live=lambda: (*chart()[:2], b"<!doctype html><title>Consent</title>"),
    ),
    Kind("Yahoo: cut short", P, "reading", "left_out", live=lambda: (*chart()[:2], chart()[2][:200])),
    Kind(
        "Yahoo: prices in pence", P, "reading", "left_out", live=lambda: chart(meta={"currency": "GBp"}), names=("GBp",)
    ),
    Kind(
        "Yahoo: another symbol than asked",
        P,
        "reading",
        "left_out",
        live=lambda: chart(meta={"symbol": "NVDL"}),
        names=("NVDL",),
    ),
    Kind(
        "Yahoo: fewer closes than days",
        P,
        "reading",
        "left_out",
        live=lambda: chart(quote={"close": [142.0]}),
        names=("close",),
    ),
    Kind(
        "Yahoo: weekly bars",
        P,
        "reading",
        "left_out",
        live=lambda: chart(meta={"dataGranularity": "1wk"}),
        names=("1wk",),
    ),
    Kind(
        "Yahoo: a close above its high",
        P,
        "ohlc_consistent",
        "quarantined",
        live=lambda: chart(quote={"close": [142.0, 160.0]}),
        names=("high",),
    ),
    Kind(
        "SEC: no JSON",
        F,
        "reading",
        "left_out",
        live=lambda: (*facts([QUARTER])[:2], b"Your request rate is above the limit"),
    ),
    Kind(
        "SEC: a figure in thousands",
        F,
        "a_thousandfold_off",
        "quarantined",
        live=lambda: facts([{**QUARTER, "val": 15804000}]),
        names=("value_usd", "USD[0]"),
    ),
    Kind(
        "SEC: Amazon's error, at Microsoft",
        F,
        "far_from_both_neighbours",
        "quarantined",
        live=lambda: facts([{**QUARTER, "val": 796000000}]),
        names=("796000000", "USD[0]"),
    ),
    Kind(
        "SEC: a figure 3 % off what the same filing says",
        F,
        "filing_says_one_figure",
        "quarantined",
        live=lambda: facts([{**QUARTER, "val": 16278120000}]),
        names=("value_usd=16278120000", "USD[0]"),
    ),
    Kind(
        "SEC: the year to date called a quarter",
        F,
        "filing_says_one_figure",
        "quarantined",
        live=lambda: facts([{**QUARTER, "start": "2024-07-01"}]),
        names=("told_usd=30727000000", "USD[0]"),
    ),
    Kind(
        "SEC: an accession number cut short",
        F,
        "accession_in_form",
        "quarantined",
        live=lambda: facts(
            [{**QUARTER, "accn": "0000950170-25"}, {**QUARTER, "start": "2024-07-01", "val": 30727000000}]
        ),
        names=("accession=0000950170-25", "USD[0]"),
    ),
    Kind(
        "SEC: a server that numbers filings otherwise",
        F,
        "",
        "accepted",
        live=lambda: facts([QUARTER], own={"accn": "0000-1", "filed": "2025-01-30"}),
    ),
    Kind("SEC: a row twice", F, "", "accepted", live=lambda: facts([QUARTER, QUARTER])),
    Kind(
        "SEC: the count in thousands",
        S,
        "count_of_another_unit",
        "quarantined",
        live=lambda: facts([QUARTER], shares=7434139),
        names=("shares=7434139", "shares[0]"),
    ),
    Kind(
        "Yahoo: times in milliseconds",
        P,
        "reading",
        "left_out",
        live=lambda: _with(chart(), b"1737642600", b"1737642600000"),
        names=("timestamp[0]",),
    ),
    Kind(
        "Yahoo: a negative low",
        P,
        RANGE,
        "quarantined",
        live=lambda: chart(quote={"low": [-1.0, 141.0]}),
        names=("low=-1.0", "timestamp[0]"),
    ),
    Kind(
        "Yahoo: a close that is not a number",
        P,
        "reading",
        "quarantined",
        live=lambda: chart(quote={"close": [float("nan"), 147.0]}),
        names=("close", "timestamp[0]"),
    ),
    Kind(
        "Yahoo: prices in hundreds of dollars",
        P,
        "adjustment_lowers_price",
        "quarantined",
        live=lambda: chart(quote={n: [1.42, 1.47] for n in PRICES[:4]}),
        names=("adj_close", "timestamp[1]"),
    ),
    Kind(
        "SEC: another company",
        F,
        "reading",
        "left_out",
        live=lambda: _with(facts([QUARTER]), b"789019", b"320193"),
        names=("CIK 320193",),
    ),
    Kind(
        "SEC: a number of two years before",
        F,
        "accession_of_its_day",
        "quarantined",
        live=lambda: facts([{**QUARTER, "accn": "0000950170-22-010491"}]),
        names=("accession", "USD[0]"),
    ),
    Kind(
        "SEC: cents in a figure",
        F,
        "reading",
        "quarantined",
        live=lambda: facts([{**QUARTER, "val": 15804000000.37}]),
        names=("15804000000.37", "USD[0]"),
    ),
    Kind("SEC: a good body", F, "", "accepted", live=lambda: facts([QUARTER], shares=7434139000)),
    Kind(
        "SEC: a negative payment",
        F,
        "capex_and_revenue_not_negative",
        "quarantined",
        live=lambda: facts([{**QUARTER, "val": -15804000000}]),
        names=("value_usd", "USD[0]"),
    ),
    Kind(
        "SEC: a value that is text",
        F,
        "reading",
        "quarantined",
        live=lambda: facts([{**QUARTER, "val": "15.8bn"}]),
        names=("15.8bn",),
    ),
    Kind(
        "SEC: a period without a start",
        F,
        "reading",
        "left_out",
        live=lambda: facts([{"end": "2024-12-31", "val": 1}]),
        names=("start",),
    ),
    Kind(
        "SEC: filed before it was over",
        F,
        "filed_after_period",
        "quarantined",
        live=lambda: facts([{**QUARTER, "filed": "2024-11-29"}]),
        names=("known_on",),
    ),
)


def _spot_above(rows: Rows) -> Rows:
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
