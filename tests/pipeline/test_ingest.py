"""Live sources on their way into the warehouse: they fail in pieces, and the archive alone gives the same again."""

from __future__ import annotations

import errno
import json
import os
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from tests.by_sql import checks_as_sql  # noqa: F401  (for the whole file)
from tests.live_server import LiveServer, Reply
from warehouse.database.store import Store, opened
from warehouse.errors import DocumentError, StorageError
from warehouse.fetching import archive
from warehouse.paths import Paths, create_folders
from warehouse.pipeline import alerts, ingest, live_sources
from warehouse.pipeline.context import Base, Notice, RunContext
from warehouse.pipeline.documents import Ingested
from warehouse.pipeline.ingest import Ingestion
from warehouse.pipeline.quarantine import quarantine
from warehouse.settings import Settings
from warehouse.sources.common import wording
from warehouse.sources.common.reasons import Reason, reason
from warehouse.sources.common.source import Batch, Document, Fetching, Received, Source
from warehouse.tables import CORE

SHARES = CORE["shares_outstanding"]
NAMES = ("a", "b", "c")
NOW = datetime(2026, 11, 20, tzinfo=UTC)


def line(shares: int, *, day: int = 1, known: int = 2, ticker: str = "A", **more) -> dict:
    return {
        "ticker": ticker,
        "measured_on": f"2025-01-{day:02}",
        "known_on": f"2025-02-{known:02}",
        "shares": shares,
    } | more


NOT_A_NUMBER = reason("not_a_number", column="shares", found="x")


def unknown_chip(name: str) -> Reason:
    return reason("unknown_chips", count=1, names=[name], document="toy", list="chips.toml")


def fetch(fetching: Fetching):
    for name in NAMES:
        if received := fetching.get(f"https://toys.example/{name}", name=f"toy {name}", expect="json"):
            yield received


def parse(document: Document):
    """Batches of one row, so that a body can fail half way."""
    for index, row in enumerate(json.loads(document.body)):
        if "boom" in row:
            raise DocumentError(document.name, f"row {index} is no row.")
        if "bug" in row:
            raise KeyError("bug")
        if "unread" in row:
            unread = pl.DataFrame({"row": ["{}"], "reasons": [[NOT_A_NUMBER.as_json()]], "locator": [f"row {index}"]})
            yield Batch(SHARES, SHARES.empty().select("ticker", "measured_on", "known_on", "shares"), unread)
            continue
        frame = pl.DataFrame([row]).with_columns(pl.col("measured_on", "known_on").str.to_date())
        yield Batch(
            SHARES,
            frame.select(
                "ticker", "measured_on", "known_on", "shares", grade=pl.lit("A"), citation=pl.lit("toy"),
                locator=pl.lit(f"row {index}"),
            ),
            notices=tuple(unknown_chip(name) for name in row.get("unknown", ())),
        )  # fmt: skip


TOY = Source(
    name="toy",
    kind="live",
    feed="capex",
    gives="share counts",
    tables=("shares_outstanding",),
    fetch=fetch,
    parse=parse,
    terms="none",
    host_setting="OVERBUILD_SEC_URL",
    requests_per_second=1000.0,
)


class World:
    """A home, a server that plays the source, and warehouses to load into."""

    def __init__(self, folder: Path, server: LiveServer) -> None:
        self.folder, self.server, self.runs = folder, server, 0
        self.paths = Paths(folder / "home", folder / "home" / "warehouse.duckdb")
        create_folders(self.paths)
        self.messages: list[str] = []

    def play(self, **bodies) -> None:
        for name, rows in bodies.items():
            self.server.body(f"/{name}", rows)

    @contextmanager
    def store(self, warehouse: str = "one"):
        with opened(self.folder / f"{warehouse}.duckdb", self.folder / f"staging{self.runs}.duckdb") as store:
            yield store

    def run(
        self,
        source: Source = TOY,
        warehouse: str = "one",
        *,
        offline: bool = False,
        restores: bool = False,
        asked: bool = True,
    ) -> Ingested:
        """A run as far as the loading; gives what came of it."""
        self.runs += 1
        settings = Settings(
            home=self.paths.root, sec_url=self.server.url, network="off" if offline else "on", timeout_seconds=2
        )
        base = Base(restores=restores)
        context = RunContext(f"run{self.runs}", datetime.now(UTC), self.paths, settings, base=base)
        with self.store(warehouse) as store:
            found = ingest.ingest(source, store, context, asked=asked)
            self.messages = quarantine(store, context, [found]).messages
            self.added = ingest.load(store)
        ingest.note_published([found], context)
        return found

    def core(self, warehouse: str = "one") -> list[tuple]:
        with self.store(warehouse) as store:
            return store.rows(SHARES).rows()

    def quarantined(self, warehouse: str = "one") -> list[tuple[str, ...]]:
        with self.store(warehouse) as store:
            found = "SELECT reason_code, document_name, locator FROM quality.quarantine ORDER BY ALL"
            return store.execute(found).fetchall()

    def counts(self, warehouse: str = "one") -> list[int]:
        return sorted(row[SHARES.names.index("shares")] for row in self.core(warehouse))


@pytest.fixture
def world(tmp_path, live_server, monkeypatch):
    monkeypatch.setattr("warehouse.fetching.client.wait_before_retry", lambda state: 0)
    made = World(tmp_path, live_server)
    made.play(a=[line(1)], b=[line(2, day=2)], c=[line(3, day=3)])
    return made


def test_what_a_source_gives_is_loaded_with_the_time_of_its_fetch(world):
    before = datetime.now(UTC)
    found = world.run()
    assert (found.outcome, found.message, len(found.documents)) == ("good", "", 3)
    assert world.counts() == [1, 2, 3]
    with world.store() as store:
        rows = store.execute("SELECT DISTINCT s.loaded_at = d.fetched_at, d.fetched_at FROM core.shares_outstanding s "
                             "JOIN provenance.documents d ON d.sha256 = s.document_sha256").fetchall()  # fmt: skip
    assert len(rows) == 3
    assert all(same and before <= at for same, at in rows)


def test_unchanged_documents_are_neither_parsed_nor_loaded_again(world):
    world.run()
    parsed = []
    spy = replace(TOY, parse=lambda document: parsed.append(document.name) or parse(document))
    world.play(b=[line(20, day=2, known=3)])
    found = world.run(spy)
    assert parsed == ["toy b"]
    assert (len(found.documents), found.new_documents) == (3, 1)
    assert world.counts() == [1, 2, 3, 20]


def test_a_row_dated_in_the_future_is_put_aside_and_no_newest_fact_of_its_document(world):
    world.play(a=[line(1), line(4, day=4) | {"known_on": "2999-01-01"}])
    world.run()
    assert world.counts() == [1, 2, 3]
    with world.store() as store:
        assert store.scalar("SELECT max(known_on) FROM provenance.documents") == date(2025, 2, 2)


def test_a_change_of_the_list_that_the_parser_goes_by_reads_unchanged_documents_again(world):
    """A line added to the list brings the rows that it names, and nothing twice."""

    def read_only(wanted: str, **more) -> Source:
        def those(document: Document):
            return (batch for batch in parse(document) if batch.frame["ticker"].item() in wanted)

        return replace(TOY, parse=those, **more)

    world.play(a=[line(1), line(7, ticker="B")])
    world.run(read_only("A", reads_by="one"))
    assert world.run(read_only("AB", reads_by="one")).new_documents == 0
    assert world.counts() == [1, 2, 3]
    world.run(read_only("AB", reads_by="two"))
    assert world.counts() == [1, 2, 3, 7]
    assert world.run(read_only("AB", reads_by="two")).new_documents == 0


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ([line(20, day=2), {"boom": 1}], "row 1 is no row"),
        ([line(20, day=2), {"bug": 1}], r"unexpected failure at test_ingest\.py, line \d+: KeyError: 'bug'"),
    ],
)
def test_a_document_that_fails_half_way_leaves_no_row_and_the_others_unharmed(world, bad, why):
    import re

    world.play(b=bad)
    found = world.run()
    assert found.outcome == "partly_failed"
    assert world.counts() == [1, 3]
    (failure,) = found.failures
    assert re.search(f"^toy b: {why}", str(failure))
    assert json.loads(failure.kept.read_bytes()) == bad
    assert str(failure.kept) in found.message
    again = world.run()
    assert again.outcome == "partly_failed", "it is tried again, and said again"
    world.play(b=[line(2, day=2)])
    assert world.run().outcome == "good"
    assert world.counts() == [1, 2, 3]


def test_a_missing_document_costs_only_itself(world):
    world.server.refuse("/a", "404")
    found = world.run()
    assert found.message.startswith("1 document failed: toy a: answered 404")
    assert world.counts() == [2, 3]


def test_a_source_that_stops_keeps_what_it_gave_and_what_it_had(world):
    world.run()
    world.play(a=[line(10, known=3)])
    world.server.refuse("/b", "403")
    found = world.run()
    assert found.outcome == "partly_failed"
    assert "refused this program (403)" in found.message
    assert world.counts() == [1, 2, 3, 10]
    assert not world.server.asked("/c")[1:], "the source stopped there"
    world.server.refuse("/a", "403")
    assert world.run().outcome == "failed"
    assert world.counts() == [1, 2, 3, 10]


def test_a_fault_in_a_source_is_a_failure_of_that_source(world):
    def broken(fetching: Fetching):
        yield from fetch(fetching)
        raise ZeroDivisionError("oops")

    found = world.run(replace(TOY, fetch=broken))
    assert "unexpected failure at test_ingest.py" in found.stopped
    assert world.counts() == [1, 2, 3]


def test_a_source_that_is_not_set_up_is_skipped_where_it_is_optional_and_fails_where_not(world):
    unready = replace(TOY, ready=lambda settings: "set OVERBUILD_TOY_KEY.")
    assert (world.run(unready).outcome, world.run(unready).message) == ("failed", "set OVERBUILD_TOY_KEY.")
    assert world.run(replace(unready, optional=True)).outcome == "skipped"
    assert "OVERBUILD_LICENSED_SOURCES" in world.run(replace(TOY, licensed=True)).skipped
    assert world.server.asked() == []


# -- the same facts in several documents -------------------------------------------------------------------------------


def test_what_two_documents_say_alike_is_loaded_once_from_the_first(world):
    world.play(a=[line(1), line(1)], b=[line(1), line(2, day=2)], c=[line(3, day=3)])
    found = world.run()
    assert world.counts() == [1, 2, 3]
    assert world.core()[0][SHARES.names.index("document_sha256")] == found.documents[0].sha256


def test_a_row_that_contradicts_an_earlier_one_of_the_same_day_is_put_aside(world):
    world.run()
    others = [line(n, day=n) for n in range(10, 20)]
    world.play(b=[line(99), *others], c=[line(3, day=3), line(33, day=3)])
    found = world.run()
    assert world.counts() == [1, 2, 3, *range(10, 20)]
    assert ("contradicts_an_earlier_row", "toy b", "row 0") in world.quarantined()
    assert found.outcome == "good", "said, and no failure"


def test_two_sources_may_say_the_same_and_otherwise(world):
    world.run()
    world.run(replace(TOY, name="other_toy"))
    assert world.counts() == [1, 1, 2, 2, 3, 3]


# -- bad rows ---------------------------------------------------------------------------------------------------------


def test_single_bad_rows_are_put_aside_with_their_place(world):
    world.play(b=[line(0, day=2), {"unread": 1}, *(line(n, day=n) for n in range(4, 12))])
    found = world.run()
    assert found.outcome == "good"
    assert world.counts() == [1, 3, *range(4, 12)]
    assert any(message.startswith("toy b, row 0: shares is not above 0: shares=0") for message in world.messages)
    assert "toy b, row 1: shares: 'x' is not a number" in world.messages


def test_a_document_of_bad_rows_is_left_out_whole_and_named(world):
    world.play(b=[line(-n, day=n) for n in range(1, 4)] + [line(7, day=7)])
    found = world.run()
    assert world.counts() == [1, 3]
    assert found.outcome == "partly_failed"
    assert "toy b: 3 of 4 rows for core.shares_outstanding are bad, so none was loaded" in found.message
    parsed = []
    world.run(replace(TOY, parse=lambda document: parsed.append(document.name) or parse(document)))
    assert parsed == ["toy b"], "it is looked at again"


def test_notices_are_gathered_once(world):
    world.play(a=[line(1, unknown=["X"])], b=[line(2, day=2, unknown=["X", "Y"])])
    found = world.run()
    assert list(found.notices) == [
        ("core.shares_outstanding", unknown_chip("X")),
        ("core.shares_outstanding", unknown_chip("Y")),
    ]
    assert found.outcome == "good"


def what_is_kept(world: World, warehouse: str) -> tuple[list, list[Notice]]:
    """A run of documents with bad rows and notices: its rows, quarantine and results without words, and its notices."""
    world.play(
        a=[line(1, unknown=["X"]), {"unread": True}], b=[line(2, day=2), line(4, day=4) | {"known_on": "2999-01-01"}]
    )
    found = world.run(warehouse=warehouse)
    context = RunContext(f"run{world.runs}", NOW, world.paths, Settings(home=world.paths.root))
    with world.store(warehouse) as store:
        notices = ingest.collect(store, context, [found]).notices
        kept = [
            store.execute(f"SELECT {asked} ORDER BY ALL").fetchall()
            for asked in (
                "fact_id, shares FROM core.shares_outstanding",
                "row_id, reason_code, reasons, row, locator FROM quality.quarantine",
                "expectation, column_name, success, details->'notices' FROM quality.results",
            )
        ]
    return kept, list(notices)


def test_other_words_change_no_row_no_result_and_no_alert(world, monkeypatch):
    kept, notices = what_is_kept(world, "one")
    _, quarantined, results = kept
    assert {code for _, code, *_ in quarantined} >= {"not_a_number"}
    assert "unknown_chips" in str(results)
    known, messages = alerts.news(alerts.Known(), alerts.observed(notices=notices), NOW)
    assert [message.key for message in messages] == [f"notice {notices[0].key}"]
    reworded = {code: lambda fields: "in other words" for code in wording.WORDS}
    for name in ("WORDS", "ROWS"):
        monkeypatch.setattr(wording, name, reworded)
    kept_again, notices_again = what_is_kept(world, "two")
    assert kept_again == kept
    assert [notice.text for notice in notices_again] == ["toy: in other words"]
    assert alerts.news(known, alerts.observed(notices=notices_again), NOW)[1] == [], (
        "people were notified of it already"
    )


# -- from the archive alone -------------------------------------------------------------------------------------------


def test_with_the_network_off_the_archive_gives_the_same_rows(world):
    world.run()
    world.play(a=[line(1), line(10, known=5)], b=[line(2, day=2), line(1)])
    world.run()
    world.server.script("/c", Reply("<html>", 200))
    world.play(a=[line(1), line(1, day=20)])
    world.run()
    world.server.forget()
    found = world.run(warehouse="two", offline=True)
    assert found.outcome == "good"
    assert world.server.asked() == []
    assert world.core("two") == world.core("one")
    assert len(world.core("two")) == 5
    again = world.run(warehouse="two", offline=True)
    assert (again.new_documents, sum(world.added.values())) == (0, 0)


def test_what_a_source_knew_of_a_document_comes_back_with_it_from_the_archive(world):
    """The bytes are the same throughout: only the context says that the second time they mean another day."""

    def asked_on(day: int):
        def with_context(fetching: Fetching):
            for received in fetch(fetching):
                yield replace(received, context={"known_on": f"2025-02-{day:02}"})

        return with_context

    def parse_with_context(document: Document):
        known_on = date.fromisoformat(document.context["known_on"])
        for batch in parse(document):
            yield replace(batch, frame=batch.frame.with_columns(known_on=pl.lit(known_on)))

    toy = replace(TOY, parse=parse_with_context)
    assert world.run(replace(toy, fetch=asked_on(10))).new_documents == 3
    assert world.run(replace(toy, fetch=asked_on(20))).new_documents == 3, "the same bytes, and other documents"
    assert world.run(replace(toy, fetch=asked_on(20))).new_documents == 0
    assert len(world.core()) == 6
    assert world.run(toy, "two", offline=True).new_documents == 6
    assert world.core("two") == world.core("one")
    with world.store() as store:
        found = store.execute("SELECT DISTINCT context FROM provenance.documents ORDER BY 1").fetchall()
    assert found == [('{"known_on": "2025-02-10"}',), ('{"known_on": "2025-02-20"}',)]


def test_with_the_network_off_and_an_empty_archive_a_source_is_skipped(world):
    found = world.run(offline=True)
    assert (found.outcome, found.message) == ("skipped", "the network is off, and the archive holds nothing of it.")
    assert world.server.asked() == []


def test_a_document_missing_from_the_archive_is_named(world):
    found = world.run()
    archive.path_of(world.paths.raw, found.documents[1].sha256).unlink()
    again = world.run(warehouse="two", offline=True)
    assert world.counts("two") == [1, 3]
    assert "toy b" in again.message
    assert "cannot be read" in again.message


def test_a_damaged_document_is_named_and_never_read_even_where_it_is_still_json(world):
    found = world.run()
    kept = archive.path_of(world.paths.raw, found.documents[1].sha256)
    whole = kept.read_bytes()
    kept.write_bytes(whole.replace(b"2", b"9"))
    again = world.run(warehouse="two", offline=True)
    assert world.counts("two") == [1, 3]
    assert f"toy b: {kept}: the archived document was changed" in again.message
    assert world.run(warehouse="two").message == "", "with the network it is asked for again"
    assert kept.read_bytes() == whole
    assert world.counts("two") == [1, 2, 3]


def test_a_run_that_finds_no_warehouse_loads_what_was_published_and_then_asks(world):
    world.run()
    world.play(a=[line(7, day=9, known=9)])
    found = world.run(warehouse="two", restores=True)
    assert world.counts("two") == [1, 2, 3, 7], "what the source gave before and gives no more is there, too"
    assert found.message == ""
    world.server.forget()
    world.run(warehouse="three", restores=True, asked=False)
    assert world.server.asked() == []
    assert world.counts("three") == [1, 2, 3, 7]


def test_a_packaged_document_that_is_damaged_in_the_archive_is_named_unless_it_comes_again(world):
    """The snapshot had a document that it has no more: only the archive has it."""
    given = [line(1)], [line(2, day=2)]

    def of_snapshot(bodies):
        return lambda _: iter([Received(f"{n}.json", f"snapshot:{n}", "application/json", json.dumps(body).encode())
                               for n, body in enumerate(bodies)])  # fmt: skip

    packaged = replace(TOY, kind="reference", feed="panel", fetch=of_snapshot(given))
    first, second = (fetched.sha256 for fetched in world.run(packaged).documents)
    for sha256 in (first, second):
        archive.path_of(world.paths.raw, sha256).write_bytes(b"damaged")
    found = world.run(replace(packaged, fetch=of_snapshot(given[:1])), "two", restores=True)
    assert world.counts("two") == [1], "what the snapshot has still is put right"
    assert [failure.name for failure in found.failures] == ["1.json"]
    assert "the archived document was changed" in found.message
    with world.store("two") as store:
        context = RunContext("run", datetime.now(UTC), world.paths, Settings(home=world.paths.root))
        said = live_sources.record_live_sources(store, context, Ingestion((found,))).failed
    assert list(said) == ["toy"]
    assert "1.json" in said["toy"]
    assert "not in this answer" in said["toy"]


def test_a_full_disk_is_no_fault_of_a_source_or_a_document(world, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for place in ("warehouse.fetching.archive.Writer.write", "warehouse.pipeline.documents._load_document"):
        with monkeypatch.context() as patch:
            patch.setattr(place, full)
            with pytest.raises(StorageError, match="the disk is full"):
                world.run()


def test_an_interrupted_run_goes_on_without_fetching_again_what_is_fresh(world):
    def interrupted(fetching: Fetching):
        yield from list(fetch(fetching))[:2]
        raise KeyboardInterrupt

    def fresh(fetching: Fetching):
        for name in NAMES:
            address = f"https://toys.example/{name}"
            if received := fetching.get(address, name=f"toy {name}", expect="json", fresh_for=timedelta(hours=1)):
                yield received

    with pytest.raises(KeyboardInterrupt):
        world.run(replace(TOY, fetch=interrupted))
    world.server.forget()
    assert world.run(replace(TOY, fetch=fresh), warehouse="two").outcome == "good"
    assert world.counts("two") == [1, 2, 3]
    assert world.server.asked() == []


def test_what_a_source_asks_of_the_warehouse_includes_what_waits_in_staging(world):
    world.run()
    seen = {}

    def asking(fetching: Fetching):
        yield from fetch(fetching)
        seen["newest"] = fetching.newest("shares_outstanding", "ticker", "measured_on")
        seen["values"] = fetching.values("shares_outstanding", "ticker")
        seen["rows"] = fetching.rows("shares_outstanding", "ticker", "shares")

    world.play(b=[line(9, day=9, ticker="B")])
    world.run(replace(TOY, fetch=asking))
    assert seen["newest"] == {"A": date(2025, 1, 3), "B": date(2025, 1, 9)}
    assert seen["values"] == ["A", "B"]
    assert seen["rows"] == [("A", 1), ("A", 2), ("A", 3), ("B", 9)]


def test_one_document_is_staged_whole_or_not_at_all(tmp_path):
    def rows(count: int) -> pl.DataFrame:
        from tests.conftest import with_provenance

        return with_provenance(
            SHARES, pl.DataFrame({"ticker": ["A"], "measured_on": [date(2025, 1, 1)], "shares": [count]})
        )

    def half(store: Store) -> None:
        with store.staging.one_document() as stage:
            stage(SHARES, rows(1))
            raise ArithmeticError("half way")

    with opened(tmp_path / "w.duckdb", tmp_path / "s.duckdb") as store:
        with pytest.raises(ArithmeticError, match="half way"):
            half(store)
        assert store.staging.counts() == {}
        with store.staging.one_document() as stage:
            stage(SHARES, rows(2))
        assert store.staging.counts() == {SHARES: 1}
