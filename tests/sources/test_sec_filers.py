"""Every company that files: the SEC's archive of all bodies, read in place."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.sources.test_sec import CAPEX, REVENUE, body, row
from warehouse.database.store import opened
from warehouse.errors import DocumentError
from warehouse.paths import Paths
from warehouse.pipeline import ingest
from warehouse.pipeline.context import RunContext
from warehouse.settings import Settings
from warehouse.sources import sec_filers
from warehouse.sources.common import companyfacts
from warehouse.sources.common.source import Received

NOW = datetime(2026, 6, 1, tzinfo=UTC)
(FILERS,) = sec_filers.SOURCES
PANEL, ORACLE, UNLISTED = 1045810, 1341439, 1234567


def of_company(cik: int, capex: int = 7) -> bytes:
    tags = REVENUE | {CAPEX: [row("2025-06-01", "2025-08-31", capex, "2025-09-25")]}
    return json.dumps(body(**tags) | {"cik": cik}, separators=(",", ":")).encode()


def archive(bodies: dict[str, bytes], kind: int = zipfile.ZIP_DEFLATED) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", kind) as file:
        for name, content in bodies.items():
            file.writestr(name, content)
    return written.getvalue()


def named(*ciks: int) -> dict[str, bytes]:
    return {f"CIK{cik:010}.json": of_company(cik) for cik in ciks}


class Fetching:
    """What the source asks for, out of memory."""

    def __init__(self, content: bytes) -> None:
        self.settings = Settings(tickers=())
        self.content = content
        self.failures: list[tuple[str, str]] = []

    def get(self, url: str, *, name: str, expect: str, **_) -> Received | None:
        if url == sec_filers.URL:
            return Received(name, url, "application/zip", self.content, NOW)
        listed = {"0": {"cik_str": ORACLE, "ticker": "ORCL"}, "1": {"cik_str": ORACLE, "ticker": "ORCL-PA"}}
        return Received(name, url, "application/json", json.dumps(listed).encode(), NOW)

    def rows(self, *_: str) -> list[tuple[int]]:
        return [(PANEL,)]

    def failed(self, name: str, why: str, url: str) -> None:
        self.failures.append((name, why))


def fetched(content: bytes) -> tuple[list[Received], Fetching]:
    fetching = Fetching(content)
    return list(FILERS.fetch(fetching)), fetching


def test_a_member_is_a_document_of_its_own_packed_as_it_was():
    found, _ = fetched(archive(named(ORACLE, UNLISTED, PANEL) | {"readme.txt": b"not a body"}))
    assert [(each.name, each.context) for each in found] == [
        ("SEC facts of CIK0001234567", {"ticker": "CIK0001234567"}),
        ("SEC facts of ORCL", {"ticker": "ORCL"}),
    ], "the panel's companies are another source's; of two classes of shares the first stands for the company"
    assert gzip.decompress(found[1].content) == of_company(ORACLE)
    assert len(found[1].content) < len(of_company(ORACLE))
    facts, _ = FILERS.parse(found[1].document("0" * 64))
    assert set(facts.frame["ticker"]) == {"ORCL"}
    assert facts.frame["citation"][0] == "data.sec.gov/api/xbrl/companyfacts/CIK0001341439.json"


def test_one_that_is_not_packed_is_taken_as_it_is():
    found, _ = fetched(archive(named(ORACLE), zipfile.ZIP_STORED))
    assert found[0].content == of_company(ORACLE)


def test_a_member_that_is_damaged_costs_itself():
    content = bytearray(archive(named(ORACLE, UNLISTED)))
    content[0:4] = b"junk"  # the header of the first member
    found, fetching = fetched(bytes(content))
    assert [each.name for each in found] == ["SEC facts of CIK0001234567"]
    assert [name for name, _ in fetching.failures] == ["SEC facts of ORCL"]


LIST = b"PK\x01\x02"
"""With which each member begins in the list of members; the version to read it with is its byte 6, its name begins at 46."""


@pytest.mark.parametrize(("at", "new"), [(6, b"\xff"), (9, b"\x08"), (0, b"X")])
def test_what_is_no_archive_is_refused(at, new):
    """A list that wants zip 25.5, or whose names are UTF-8 and are none, ended the whole source."""
    good = archive(named(ORACLE))
    with pytest.raises(DocumentError, match="no zip file"):
        fetched(good[:-40])
    at += good.index(LIST)
    bad = good[:at] + new + good[at + 1 :]
    with pytest.raises(DocumentError, match="no zip file"):
        fetched(bad.replace(b"CIK", b"CI\xff"))


def test_a_company_that_stands_twice_costs_itself():
    content = archive(
        {"CIK0001341439.json": of_company(ORACLE, 7), "CIK0001341438.json": of_company(ORACLE, 8)} | named(UNLISTED)
    )
    found, fetching = fetched(content.replace(b"CIK0001341438", b"CIK0001341439"))
    assert [each.name for each in found] == ["SEC facts of CIK0001234567"]
    assert [name for name, _ in fetching.failures] == ["SEC facts of ORCL"]
    assert "stands there 2 times" in fetching.failures[0][1]


def test_a_member_that_begins_before_the_file_costs_itself(tmp_path):
    """Of a file on disk the system says for such a place that an argument is wrong, as if the disk were at fault."""
    good = bytearray(archive(named(ORACLE)))
    good[0:10] = b""  # all that follows begins ten bytes before it should
    file = tmp_path / "facts.zip"
    file.write_bytes(good)
    found, fetching = fetched(file)
    assert not found
    assert "before the file does" in fetching.failures[0][1]


def test_a_member_that_begins_further_off_than_any_file_reaches_is_damaged():
    info = zipfile.ZipInfo("CIK0001341439.json")
    info.header_offset = 2**64 - 1
    with pytest.raises(ValueError, match="damaged"):
        sec_filers.packed(io.BytesIO(archive(named(ORACLE))), info)


@pytest.mark.parametrize(
    ("given", "said"), [("", "set OVERBUILD_FILERS=all"), ("some", "none of its values"), ("all", "OVERBUILD_CONTACT")]
)
def test_it_is_asked_only_where_all_filers_are_wanted(given, said):
    assert said in FILERS.not_ready(Settings(filers=given))
    assert not FILERS.not_ready(Settings(filers="all", contact="Jane jane@example.com"))


@pytest.fixture
def run(tmp_path):
    """Ingests the archive into one home; gives the figures that were loaded, and what was new."""

    def ran(content: bytes, stop_after: int | None = None) -> tuple[dict[str, int], int]:
        def fetch(_) -> Iterator[Received]:
            for number, each in enumerate(FILERS.fetch(Fetching(content))):
                if number == stop_after:
                    raise KeyboardInterrupt
                yield each

        source = replace(FILERS, fetch=fetch, ready=lambda settings: None)
        context = RunContext("run", NOW, Paths(tmp_path, tmp_path / "w.duckdb"), Settings(home=tmp_path))
        with opened(tmp_path / "w.duckdb", tmp_path / "staging.duckdb") as store:
            found = ingest.ingest(source, store, context)
            ingest.load(store)
            query = f"SELECT ticker, value_usd FROM core.company_facts WHERE measure = '{companyfacts.CAPEX}'"
            return dict(store.execute(query).fetchall()), found.new_documents

    return ran


def test_a_run_that_was_stopped_in_the_middle_loses_and_doubles_nothing(run):
    content = archive(named(ORACLE, UNLISTED))
    with pytest.raises(KeyboardInterrupt):
        run(content, stop_after=1)
    assert run(content) == ({"ORCL": 7, "CIK0001234567": 7}, 2)
    assert run(content) == ({"ORCL": 7, "CIK0001234567": 7}, 0)


def test_of_a_later_archive_only_what_changed_is_read(run):
    run(archive(named(ORACLE, UNLISTED)))
    later = archive(named(UNLISTED) | {f"CIK{ORACLE:010}.json": of_company(ORACLE, 8)})
    found, new = run(later)
    assert new == 1
    assert found["CIK0001234567"] == 7
