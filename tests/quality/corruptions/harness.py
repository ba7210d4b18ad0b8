"""A warehouse in memory in which one table at a time is loaded from a corrupted document.

The way is the product's own: its sources parse, its pipeline quarantines and loads, its checks judge. Only the asking
differs: the declared conditions run as SQL (tests/by_sql.py), because Great Expectations takes longer to ask than all the rest.
`test_great_expectations_says_the_same` holds the two against each other, of tables and of corrupted rows that wait.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import polars as pl

from tests.by_sql import by_sql
from tests.quality.corruptions.changes import SHA, Kind, read, written
from warehouse import assumptions
from warehouse.calendars.exchange import sessions
from warehouse.database.loading import provenance
from warehouse.database.store import Store, opened
from warehouse.errors import OverbuildError
from warehouse.fetching.client import Local
from warehouse.paths import Paths
from warehouse.pipeline import ingest
from warehouse.pipeline.context import RunContext
from warehouse.pipeline.documents import Ingested, _keep_unreadable
from warehouse.pipeline.quarantine import Found, quarantine
from warehouse.quality import checks as quality
from warehouse.quality import expectations, known_findings, validate
from warehouse.quality.carried import Key, key_of
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


@dataclass(frozen=True)
class Outcome:
    """What became of a kind: `found` maps each check that caught it to its result; `corrupted` rows came into core."""

    result: str
    found: Mapping[str, str]
    messages: tuple[str, ...]
    corrupted: int


CONTEXTS = {
    "sec": {"ticker": "MSFT", "fiscal_year_end_month": "6"},
    "sec_inline_xbrl": {"ticker": "AMZN", "form": "10-Q", "accession": "0001018724-25-000086", "filed": "2025-08-01",
                        "fiscal_year_end_month": "12"},
}  # fmt: skip
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
        self.quarantine()
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
                _keep_unreadable(self.store, self.run, document, batch)
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
            for staged in self.store.staging.counts():
                self.store.execute(f"DELETE FROM staging.{staged.name}")
            for changed in tables:
                self.store.execute(f"CREATE OR REPLACE TABLE core.{changed} AS FROM good.{changed}")
            self.store.execute("DELETE FROM quality.quarantine")
            self.store.execute("DELETE FROM provenance.documents WHERE NOT list_contains(?, sha256)", [known])

    def quarantine(self, brought: Sequence[Ingested] = ()) -> Found:
        """Quarantine what waits, as a run does."""
        with nullcontext() if self.great_expectations else patch.object(expectations, "opened", by_sql):
            return quarantine(self.store, self.run, brought)

    great_expectations = False
    """Whether rows that wait are asked about by Great Expectations, as in a run."""

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
        waiting = self.quarantine(brought)
        named = {
            finding.check.name: "quarantined"
            for finding in waiting.findings
            if finding.target.table is table and not finding.success
        }
        if waiting.refusals:
            return Outcome("refused", self._refused(waiting.refusals, named), tuple(waiting.refusals), 0)
        ingest.load(self.store)
        found = self._found(table, waiting.waited)
        new = {check: one for check, one in found.items() if one != self.clean[kind.table].get(check)}
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

    def _counts(self, table: Table, waited: Collection[Key] = ()) -> Iterator[tuple[Check, int]]:
        """How many rows of the loaded table break each of its checks.

        As in a run, a check that held for the rows that `waited`, together with those before, is not asked again.
        """
        rows = quality.conditions(table)
        each = ", ".join(f"count(*) FILTER ({quality.rendered(check, today=TODAY)})" for check in rows)
        counts = self.store.execute(f"SELECT {each} FROM {table.full_name} r").fetchone()
        yield from zip(rows, counts or (), strict=True)
        for check in quality.rules(table):
            if not check.quarantines and key_of(Target(table, table.full_name, "all"), check) not in waited:
                sql = quality.bad_rows(check, today=TODAY, relation=table.full_name)
                yield check, self.store.scalar(f"SELECT count(*) FROM ({sql})")

    def rows_found(self, check: Check, table: Table) -> tuple[dict[str, Any], ...]:
        """The rows of the loaded table that break a check, as far as they are compared with what is known."""
        sql = quality.bad_rows(check, today=TODAY, relation=table.full_name)
        found = self.store.frame(f"SELECT * FROM ({sql}) LIMIT {known_findings.MOST}")
        return tuple(found.iter_rows(named=True))

    def _found(self, table: Table, waited: Collection[Key] = ()) -> dict[str, tuple[str, str]]:
        """Check -> severity and message, of each check that finds something new in the table as it is loaded."""
        found = {}
        names = validate.document_names(self.store.connection)
        target = Target(table, table.full_name, "all")
        for check, count in self._counts(table, waited):
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
