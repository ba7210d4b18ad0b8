"""The main job on live sources, end to end: what is published, what a failure leaves, the same from the archive."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.conftest import SHARED
from tests.live_server import REFUSALS, LiveServer
from tests.repeats import repeats
from tests.runs import (
    command,
    copy_home,
    differing,
    few_draws,
    overbuild,
    query,
    settings,
    tables,
    until_loaded,
    without_prefect,
)
from tools.recorded_sources import CIKS as PANEL
from tools.recorded_sources import FACTS as RECORDED
from warehouse.errors import RefusedError


def facts(cik: int, *quarters: tuple[str, str, int, int], filed: str = "2026-10-30") -> dict:
    """A body with a company's capex and revenue, quarter by quarter."""
    rows = {"PaymentsToAcquirePropertyPlantAndEquipment": 2, "Revenues": 3}
    common = {"accn": f"0000-{filed}", "fy": 2026, "fp": "Q3", "form": "10-Q", "filed": filed}
    return {
        "cik": cik,
        "entityName": str(cik),
        "facts": {
            "us-gaap": {
                tag: {"units": {"USD": [{"start": q[0], "end": q[1], "val": q[at] * 10**6} | common for q in quarters]}}
                for tag, at in rows.items()
            }
        },
    }


LATER = facts(PANEL["CRWV"], ("2026-07-01", "2026-09-30", 1_900, 1_300), filed="2026-11-12")
"""A new filing of one company: two rows."""


def play(server: LiveServer) -> None:
    """Every company of the panel: the recorded body where there is one, made to form where not."""
    for ticker, cik in PANEL.items():
        path = SHARED / "recorded" / "sec" / f"{RECORDED.get(ticker)}.json.gz"
        body = path if path.exists() else facts(cik, ("2026-07-01", "2026-09-30", 1_000, 9_000))
        server.body(f"/api/xbrl/companyfacts/CIK{cik:010}.json", body, etag=f'"{ticker}"')


@contextmanager
def live(home: Path, server: LiveServer | None, tickers: str = "") -> Iterator[None]:
    """The settings of a live run with few draws that asks `server`, or nobody, and waits for nothing."""
    given = {"OVERBUILD_TIMEOUT_SECONDS": "2", "OVERBUILD_TICKERS": tickers}
    given["OVERBUILD_CONTACT"] = "Jane Doe jane@example.com" if server else ""
    given["OVERBUILD_SEC_URL"] = server.url if server else "http://127.0.0.1:9"
    with pytest.MonkeyPatch.context() as patch, settings(home, quick=True, **given):
        patch.setattr("warehouse.fetching.client.wait_before_retry", lambda state: 0)
        yield


def run(home: Path, server: LiveServer | None, tickers: str = "", **parameters: Any) -> dict[str, Any]:
    """A live run of the SEC's figures alone, in this process."""
    with live(home, server, tickers), without_prefect() as answer:
        return answer(**{"source": "live", "only": ("sec",)} | parameters)


def facts_of(home: Path) -> dict[str, pl.DataFrame]:
    return tables(home, "core", order="ORDER BY ALL")


@pytest.fixture(scope="module")
def server() -> Iterator[LiveServer]:
    with LiveServer() as server:
        yield server


@pytest.fixture(scope="module")
def published(tmp_path_factory, server):
    """A home with one live run. Tests that change something copy it."""
    play(server)
    home = tmp_path_factory.mktemp("live")
    return home, run(home, server)


@pytest.fixture
def copy(published, tmp_path, server):
    play(server)
    server.forget()
    copy_home(published[0], tmp_path / "home")
    return tmp_path / "home"


def test_an_empty_warehouse_starts_from_live_data_alone(published):
    home, summary = published
    assert summary["failed_sources"] == {}
    assert query(home, "SELECT DISTINCT source FROM core.company_facts") == [("sec",)]
    assert query(home, "SELECT DISTINCT source FROM core.companies") == [("reference_panel",)]
    assert query(home, "SELECT count(*) FROM core.stock_prices") == [(0,)]
    assert query(home, "SELECT count(DISTINCT ticker) FROM core.company_facts") == [(len(PANEL),)]
    ((outcome, documents, requests),) = query(home, "SELECT outcome, documents, requests FROM provenance.source_runs")
    assert (outcome, documents, requests) == ("good", len(PANEL), len(PANEL))
    page = (home / "site" / "index.html").read_text()
    assert "Old data" not in page


def test_the_quarters_are_those_of_the_filings(published):
    if not (SHARED / "recorded" / "sec").exists():
        pytest.skip("needs the team's recorded responses, which are not beside this clone: sec/")
    sql = "SELECT capex_usd FROM marts.capex_quarterly WHERE ticker = '{}' AND period_end = '{}'"
    # Alphabet's 10-Q of 2026-04-30; Microsoft's fourth quarter, 10-K of 2026-07-29 less the 10-Q before it
    assert query(published[0], sql.format("GOOGL", "2026-03-31")) == [(35_674_000_000,)]
    body = json.loads(gzip.decompress((SHARED / "recorded" / "sec" / f"{RECORDED['MSFT']}.json.gz").read_bytes()))
    rows = body["facts"]["us-gaap"]["PaymentsToAcquirePropertyPlantAndEquipment"]["units"]["USD"]
    year, nine = (
        next(r["val"] for r in rows if (r["start"], r["end"]) == ("2025-07-01", end))
        for end in ("2026-06-30", "2026-03-31")
    )
    assert query(published[0], sql.format("MSFT", "2026-06-30")) == [(year - nine,)]


def test_a_run_where_nothing_changed_asks_conditionally_and_adds_nothing(copy, server):
    before = facts_of(copy)
    summary = run(copy, server)
    assert (summary["new_rows"], summary["failed_sources"]) == (0, {})
    assert {request.headers.get("If-None-Match") for request in server.asked()} == {f'"{ticker}"' for ticker in PANEL}
    assert query(copy, "SELECT sum(new_documents) FROM provenance.source_runs WHERE run_id = "
                       f"'{summary['run_id']}'") == [(0,)]  # fmt: skip
    assert differing(facts_of(copy), before) == []


@pytest.fixture(scope="module")
def with_news(published, server, tmp_path_factory):
    """The home after one more run, with a new filing and with a company that the user added; its year ends in May."""
    play(server)
    server.body(f"/api/xbrl/companyfacts/CIK{PANEL['CRWV']:010}.json", LATER)
    added = facts(723125, ("2026-06-01", "2026-08-31", 4_900, 11_300))
    server.body("/api/xbrl/companyfacts/CIK0000723125.json", added)
    server.body("/submissions/CIK0000723125.json", {"cik": "723125", "fiscalYearEnd": "0531"})
    server.body("/files/company_tickers.json", {"0": {"cik_str": 723125, "ticker": "ADDED", "title": "Added"}})
    home = tmp_path_factory.mktemp("news") / "home"
    copy_home(published[0], home)
    return home, run(home, server, tickers="added")


def test_a_ticker_that_the_user_adds_gets_its_quarters(with_news):
    home, summary = with_news
    assert (summary["new_rows"], summary["failed_sources"]) == (2 + 2, {})
    sql = "SELECT capex_usd, fiscal_year, fiscal_quarter, calendar_quarter, reason FROM marts.capex_quarterly WHERE ticker = "
    ((capex, *periods, reason),) = query(home, sql + "'ADDED'")
    assert (capex, *periods) == (4_900_000_000, 2027, 1, "2026Q3")
    assert "company: the ticker is not in the panel" in reason


def test_a_ticker_that_the_sec_does_not_have_costs_only_itself(copy, server):
    server.body("/files/company_tickers.json", {"0": {"cik_str": 723125, "ticker": "OTHER", "title": "Other"}})
    with live(copy, server, tickers="typo"), until_loaded("live", only=("sec",)) as loading:
        assert loading.sources.failed["sec"].startswith("1 document failed: OVERBUILD_TICKERS: TYPO: ")
        assert loading.loaded.rows == 0


def test_a_source_that_fails_leaves_its_data_and_is_named_with_their_age(copy, server):
    before = facts_of(copy)
    ((newest,),) = query(copy, "SELECT max(known_on) FROM core.company_facts")
    server.answer("/", lambda request: REFUSALS["403"][0])
    for cik in PANEL.values():
        server.refuse(f"/api/xbrl/companyfacts/CIK{cik:010}.json", "403")
    summary = run(copy, server)
    assert differing(facts_of(copy), before) == []
    assert summary["unchanged_since"], "a failure brings no fact, so the figures stand"
    said = summary["failed_sources"]["sec"]
    assert "(403)" in said
    assert f"Its newest data are of {newest}, last whole on 20" in said
    rows = json.loads(command(copy, "verdict", "--format", "json").stdout)
    assert rows[0]["failed_sources"][0]["source"] == "sec"
    assert command(copy, "verdict").stdout.startswith("OLD DATA: sec (capex): ")
    assert "Old data: sec (capex)." in (copy / "site" / "index.html").read_text()
    assert query(copy, "SELECT outcome FROM provenance.runs ORDER BY started_at") == [
        ("published",),
        ("published_with_old_data",),
    ]


def test_one_bad_body_costs_one_company_and_is_kept_for_a_look(copy, server):
    cik = PANEL["ORCL"]
    broken = facts(cik, ("2026-07-01", "2026-09-30", 1, 2)) | {
        "facts": {"us-gaap": {"Revenues": {"units": {"USD": [{}]}}}}
    }
    server.body(f"/api/xbrl/companyfacts/CIK{cik:010}.json", broken)
    server.body(f"/api/xbrl/companyfacts/CIK{PANEL['CRWV']:010}.json", LATER)
    with live(copy, server), until_loaded("live", only=("sec",)) as loading:
        assert loading.loaded.rows == 2, "the other company's new filing is in"
        said = loading.sources.failed["sec"]
    assert "1 document failed: SEC facts of ORCL: us-gaap/Revenues/USD: " in said
    kept = Path(said.split("kept for a look: ")[1].split(")")[0])
    assert json.loads(kept.read_bytes()) == broken


def test_with_no_data_at_all_the_run_is_refused_and_says_what_to_do(tmp_path, server):
    for cik in PANEL.values():
        server.refuse(f"/api/xbrl/companyfacts/CIK{cik:010}.json", "consent")
    with pytest.raises(RefusedError, match="No live source brought anything, and there are no earlier data") as refused:
        run(tmp_path, server)
    assert "a page instead of data" in str(refused.value)
    assert not (tmp_path / "current").exists()


def test_the_archive_alone_gives_the_same_warehouse(with_news, server, tmp_path):
    home, _ = with_news
    server.forget()
    rebuilt = tmp_path / "rebuilt"
    shutil.copytree(home / "raw", rebuilt / "raw")
    summary = run(rebuilt, None, tickers="added", offline=True)
    assert server.asked() == []
    assert summary["failed_sources"] == {}
    for table in ("company_facts", "shares_outstanding"):
        rows = f"SELECT * FROM core.{table} ORDER BY ALL"
        assert query(rebuilt, rows) == query(home, rows), table
    assert differing(tables(rebuilt, "marts"), tables(home, "marts")) == []


@pytest.fixture
def lost(with_news, tmp_path):
    """The home with news after its warehouses were overwritten, all of them."""
    home = copy_home(with_news[0], tmp_path / "lost")
    for release in (home / "releases").iterdir():
        (release / "warehouse.duckdb").write_text("x\nthis is no database at all\nok")
    return home


@repeats("tests/pipeline/test_ingest.py::test_a_run_that_finds_no_warehouse_loads_what_was_published_and_then_asks")
def test_a_run_that_finds_no_whole_release_reads_the_archive_again(lost, with_news, server):
    server.forget()
    summary = run(lost, None, source="reference", only=("training",))
    assert server.asked() == [], "what another kind of source brought comes out of the archive, too"
    assert summary["failed_sources"] == {}
    rows = "SELECT * FROM core.company_facts ORDER BY ALL"
    assert query(lost, rows) == query(with_news[0], rows)
    assert command(lost, "sql", "select count(*) from capex").returncode == 0


@repeats("tests/flows/test_live_run.py::test_the_archive_alone_gives_the_same_warehouse")
def test_a_copy_of_the_warehouse_alone_gives_the_same_answer(with_news, tmp_path, server):
    server.forget()
    copied, home = tmp_path / "backup.duckdb", tmp_path / "restored"
    shutil.copyfile(with_news[0] / "warehouse.duckdb", copied)
    summary = run(home, None, tickers="added", offline=True, restore=str(copied))
    assert server.asked() == []
    assert summary["failed_sources"] == {}
    assert differing(facts_of(home), facts_of(with_news[0])) == []
    assert differing(tables(home, "marts"), tables(with_news[0], "marts")) == []


def test_a_run_of_a_schedule_ends_early_where_nothing_is_new(copy, server):
    before = (copy / "current").resolve()
    summary = run(copy, server, unless_nothing_new=True)
    assert (summary["published"], summary["new_rows"]) == ("", 0)
    assert (copy / "current").resolve() == before
    server.refuse(f"/api/xbrl/companyfacts/CIK{PANEL['ORCL']:010}.json", "404")
    assert run(copy, server, unless_nothing_new=True)["published"], "a failure is news"


def test_live_without_a_contact_is_wrong_use_where_nothing_else_was_asked(tmp_path):
    done = overbuild(tmp_path, "run", "--source", "live", "--only", "capex")
    assert done.returncode == 2
    assert "sec: the SEC asks who is asking: set OVERBUILD_CONTACT" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_run_with_old_data_exits_with_4(copy, server):
    for cik in PANEL.values():
        server.refuse(f"/api/xbrl/companyfacts/CIK{cik:010}.json", "404")
    given = {
        "OVERBUILD_SEC_URL": server.url,
        "OVERBUILD_CONTACT": "Jane Doe jane@example.com",
        "OVERBUILD_ASSUMPTIONS": str(few_draws(copy.parent)),  # as before, so that the figures stand
    }
    with live(copy, server), without_prefect() as answer, pytest.MonkeyPatch.context() as patch:
        patch.setattr("flows.answer.answer", answer)
        patch.setattr("flows.connection.connected", lambda **_: nullcontext())
        done = command(copy, "run", "--source", "live", "--only", "sec", **given)
    assert done.returncode == 4, done.stderr
    assert "source failed: sec: 10 documents failed" in done.stdout
