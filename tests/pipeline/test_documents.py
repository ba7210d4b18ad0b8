"""Documents that are read one by one and become rows together: each with its own day and notices, its fault its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

import polars as pl
import pytest

from warehouse.database.store import opened
from warehouse.errors import DocumentError
from warehouse.paths import Paths
from warehouse.pipeline import documents, ingest
from warehouse.pipeline.context import RunContext
from warehouse.settings import Settings
from warehouse.sources import sec
from warehouse.sources.common.source import Batch, Document, Fetching, Joint, Received, Source, Together
from warehouse.tables import CORE

(SEC,) = sec.SOURCES
NOW = datetime(2026, 6, 1, tzinfo=UTC)
COUNTS = CORE["shares_outstanding"]


def read(document: Document) -> tuple[Document, int]:
    said = document.body.decode()
    if said == "unreadable":
        raise DocumentError(document.name, "it cannot be read.")
    return document, -1 if said == "spoils the others" else int(said)


def join(readings: Sequence[tuple[Document, int]]) -> Joint:
    if any(count < 0 for _, count in readings):
        raise ZeroDivisionError("nobody foresaw this")
    days = [date(2026, 1, 1 + place) for place in range(len(readings))]
    frame = pl.DataFrame(
        [
            (document.name, day, count, day, "a page", "[0]", "A", document.sha256)
            for (document, count), day in zip(readings, days, strict=True)
        ],
        schema=["ticker", "measured_on", "shares", "known_on", "citation", "locator", "grade", "document_sha256"],
        orient="row",
    )
    return Joint((Batch(COUNTS, frame),), [()] * len(readings))


def source_of(bodies: dict[str, str]) -> Source:
    def fetch(_: Fetching) -> Iterator[Received]:
        for name, body in bodies.items():
            yield Received(name, f"https://pages.example/{name}", "text/plain", body.encode(), NOW)

    return replace(
        SEC, name="pages", fetch=fetch, ready=lambda settings: None, together=Together(read, lambda _: 1, join)
    )


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Ingests a source and loads; gives what it brought, the rows by ticker, and the newest day of each document."""

    def ingested(source: Source, groups_of: int = 40_000):
        monkeypatch.setattr(documents, "WAITING_ROWS", groups_of)
        paths = Paths(tmp_path, tmp_path / "warehouse.duckdb")
        run = RunContext("run", NOW, paths, Settings(home=tmp_path))
        with opened(tmp_path / "warehouse.duckdb", tmp_path / "staging.duckdb") as store:
            found = ingest.ingest(source, store, run)
            ingest.load(store)
            rows = dict(store.execute("SELECT ticker, shares FROM core.shares_outstanding").fetchall())
            days = dict(store.execute("SELECT name, known_on FROM provenance.documents").fetchall())
        return found, rows, days

    return ingested


@pytest.mark.parametrize("groups_of", [1, 2, 40_000])
def test_each_document_has_its_own_rows_and_day_whatever_it_is_joined_with(load, groups_of):
    found, rows, days = load(source_of({"A": "1", "B": "2", "C": "3"}), groups_of)
    assert rows == {"A": 1, "B": 2, "C": 3}
    assert (found.new_documents, found.staged_rows, found.outcome) == (3, 3, "good")
    assert set(days) == {"A", "B", "C"}
    if groups_of == 40_000:
        assert days == {"A": date(2026, 1, 1), "B": date(2026, 1, 2), "C": date(2026, 1, 3)}


@pytest.mark.parametrize("fault", ["unreadable", "spoils the others"])
def test_what_a_document_has_wrong_costs_that_document(load, fault):
    found, rows, days = load(source_of({"A": "1", "B": fault, "C": "3"}))
    assert rows == {"A": 1, "C": 3}
    assert set(days) == {"A", "C"}
    assert [failure.name for failure in found.failures] == ["B"]
    assert [fetched.name for fetched in found.documents] == ["A", "C"]


def test_the_same_document_twice_is_loaded_once(load):
    def twice(fetching: Fetching) -> Iterator[Received]:
        for _ in range(2):
            yield from source_of({"A": "1"}).fetch(fetching)

    found, rows, _ = load(replace(source_of({}), fetch=twice))
    assert rows == {"A": 1}
    assert found.new_documents == 1


def test_one_that_was_loaded_before_is_not_read_again(load):
    load(source_of({"A": "1"}))
    found, rows, _ = load(source_of({"A": "1", "B": "2"}))
    assert rows == {"A": 1, "B": 2}
    assert found.new_documents == 1


def test_where_a_source_stops_what_it_brought_before_is_loaded(load):
    def stopped(fetching: Fetching) -> Iterator[Received]:
        yield from source_of({"A": "1"}).fetch(fetching)
        raise DocumentError("the list", "it ends here.")

    found, rows, _ = load(replace(source_of({}), fetch=stopped))
    assert rows == {"A": 1}
    assert "it ends here" in found.stopped
