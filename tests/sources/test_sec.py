"""Figures from filings: bodies of the SEC, whole, changed and refused."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from tests.conftest import EXCERPTS, SHARED, recorded
from tests.live_server import REFUSALS, LiveServer, Reply
from tests.sources import said
from warehouse.errors import DocumentError, StoppedError
from warehouse.fetching.client import Online
from warehouse.settings import Settings
from warehouse.sources import sec
from warehouse.sources.common import company_bodies
from warehouse.sources.common.companyfacts import CAPEX as OF_CAPEX
from warehouse.sources.common.source import Batch, Document
from warehouse.tables import sec_tags

(SEC,) = sec.SOURCES
CIKS = {"NVDA": 1045810, "GOOGL": 1652044, "AAPL": 320193, "MSFT": 789019, "META": 1326801, "ORCL": 1341439}
BODIES = {
    "NVDA": ("nvda_companyfacts_full_2026",),
    "AAPL": ("aapl_companyfacts_full_2026",),
    "GOOGL": ("googl_companyfacts_full_2026", "googl_companyfacts_trimmed_2026-08"),
    "MSFT": ("msft_companyfacts_trimmed_2026-08",),
    "META": ("meta_companyfacts_trimmed_2026-08",),
}
CAPEX = "PaymentsToAcquirePropertyPlantAndEquipment"
PRODUCTIVE = "PaymentsToAcquireProductiveAssets"


def read(body: bytes | dict, ticker: str = "ORCL", month: int | None = 5) -> tuple[Batch, Batch]:
    context = {"ticker": ticker} | ({"fiscal_year_end_month": str(month)} if month else {})
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    url = company_bodies.FACTS_URL.format(cik=CIKS[ticker])
    facts, shares = company_bodies.parse(Document("0" * 64, f"SEC facts of {ticker}", url, content, context=context))
    return facts, shares


def row(start: str | None, end: str, value, filed: str, form: str = "10-Q", **more) -> dict:
    given = {"start": start, "end": end, "val": value, "accn": f"0001-{filed}", "fy": 2026, "fp": "Q1", "form": form}
    return {k: v for k, v in (given | {"filed": filed} | more).items() if k != "start" or v is not None}


def body(ticker: str = "ORCL", units: str = "USD", **tags: list[dict]) -> dict:
    facts = {tag: {"label": tag, "description": "", "units": {units: rows}} for tag, rows in tags.items()}
    return {"cik": CIKS[ticker], "entityName": ticker, "facts": {"us-gaap": facts}}


REVENUE = {"Revenues": [row("2025-06-01", "2025-08-31", 14_926_000_000, "2025-09-25")]}


# -- what is read -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ticker", BODIES)
def test_every_row_of_the_snapshot_is_found_in_the_bodies_that_it_came_from(ticker, facts):
    """Rows of the second collection name the address of a body too, and add how they were read: none is in a body here.

    So the rows held are those that cite the address and nothing more, of measures that the list of tags reads.
    """
    path = SHARED / "facts" / "company_facts.csv"
    if not path.exists():
        pytest.skip("needs the team's facts, which are not beside this clone: facts/company_facts.csv")
    bodies = [gzip.decompress(recorded("sec", f"{name}.json.gz").read_bytes()) for name in BODIES[ticker]]
    found = pl.concat(read(content, ticker, None)[0].frame for content in bodies).rename({"known_on": "filed"})
    of_the_bodies = (
        (pl.col("ticker") == ticker)
        & (pl.col("citation") == company_bodies.FACTS_URL.format(cik=CIKS[ticker]).removeprefix("https://"))
        & pl.col("measure").is_in([measure.name for measure in sec_tags.tags(ticker)])
    )
    listed = pl.read_csv(path, infer_schema=False).filter(of_the_bodies)
    columns = [name for name in listed.columns if name not in ("note", "cik")]
    wanted = listed.select(pl.when(pl.col(columns) != "").then(pl.col(columns)))
    assert wanted.height == facts["company_facts"].filter(of_the_bodies).height > 200, (
        "every row of the snapshot is held"
    )
    text = found.select(pl.col(columns).cast(pl.String))
    assert wanted.join(text, on=columns, how="anti", nulls_equal=True).is_empty()


@pytest.mark.parametrize("kind", ["excerpt", "whole"])
def test_a_quarter_known_from_a_filing(kind):
    """Nvidia, 10-K of 2026-02-25: capex of the fiscal year to 2026-01-25."""
    if kind == "excerpt":
        content = (EXCERPTS / "sec_companyfacts_NVDA.json").read_bytes()
    else:
        content = gzip.decompress(recorded("sec", "nvda_companyfacts_full_2026.json.gz").read_bytes())
    facts, shares = read(content, "NVDA", None)
    capex = facts.frame.filter((pl.col("measure") == OF_CAPEX) & (pl.col("period_type") == "year")).sort("period_end")
    assert capex.select("period_start", "period_end", "fiscal_year", "fiscal_quarter").row(-1) == (
        date(2025, 1, 27), date(2026, 1, 25), 2026, 4,
    )  # fmt: skip
    assert set(facts.frame["tag"].unique()) >= {f"us-gaap:{CAPEX}", f"us-gaap:{PRODUCTIVE}"}, (
        "both, each row with its own"
    )
    assert facts.unreadable.is_empty()
    cover = shares.frame.filter(pl.col("measured_on") == date(2024, 11, 15))
    assert cover.select("shares", "known_on").rows() == [(24_490_000_000, date(2024, 11, 20))]


def test_comparatives_amendments_and_recasts_are_rows_of_their_own():
    quarter = ("2025-06-01", "2025-08-31")
    rows = [
        row(*quarter, 8_502, "2025-09-25"),
        row(*quarter, 8_512, "2025-11-03", "10-Q/A"),
        row(*quarter, 8_510, "2026-02-01", "8-K", fy=None, fp=None),
        row(*quarter, 8_512, "2026-09-24", fy=2027),
    ]
    facts, _ = read(body(**{CAPEX: rows}, **REVENUE))
    capex = facts.frame.filter(pl.col("measure") == OF_CAPEX)
    assert capex.select("value_usd", "form", "known_on", "filing_fiscal_year").rows() == [
        (8_502, "10-Q", date(2025, 9, 25), 2026),
        (8_512, "10-Q/A", date(2025, 11, 3), 2026),
        (8_510, "8-K", date(2026, 2, 1), None),
        (8_512, "10-Q", date(2026, 9, 24), 2027),
    ]
    assert capex["fiscal_year"].to_list() == [2026] * 4, "the period's own, whatever the filing calls itself"
    assert capex["fiscal_quarter"].to_list() == [1] * 4
    assert capex["locator"].to_list() == [f"us-gaap/{CAPEX}/USD[{n}]" for n in range(4)]


def test_a_year_that_ends_in_may_is_known_from_its_annual_reports():
    annual = [
        row("2024-06-01", "2025-05-31", 21_215, "2025-06-18", "10-K"),
        row("2024-06-01", "2024-08-31", 2_303, "2024-09-10"),
    ]
    facts, _ = read(body(**{CAPEX: annual}, **REVENUE), month=None)
    assert facts.frame.filter(pl.col("measure") == OF_CAPEX).select("fiscal_year", "fiscal_quarter", "period_type").rows() == [
        (2025, 4, "year"),
        (2025, 1, "quarter"),
    ]  # fmt: skip


@pytest.mark.parametrize("month", [12, None])
def test_a_company_that_moved_its_year_end_keeps_the_years_that_it_had(month):
    """Its years ended in June until 2024; after a transition of half a year, its quarters 1 and 2, they end in December."""
    rows = [
        row("2022-07-01", "2023-06-30", 90, "2024-08-15", "10-K"),
        row("2023-07-01", "2023-09-30", 10, "2023-11-01"),
        row("2023-07-01", "2024-06-30", 100, "2024-08-15", "10-K"),
        row("2024-07-01", "2024-09-30", 7, "2024-11-05"),
        row("2024-07-01", "2024-12-31", 15, "2025-02-28", "10-KT"),
        row("2025-01-01", "2025-03-31", 11, "2025-05-05"),
        row("2025-01-01", "2025-12-31", 104, "2026-02-27", "10-K"),
    ]
    facts, _ = read(body(**{CAPEX: rows}, **REVENUE), month=month)
    periods = ["period_type", "fiscal_year", "fiscal_quarter"]
    assert facts.frame.filter(pl.col("measure") == OF_CAPEX).select(periods).rows() == [
        ("year", 2023, 4),
        ("quarter", 2024, 1),
        ("year", 2024, 4),
        ("quarter", 2024, 1),
        ("half_year", 2024, 2),
        ("quarter", 2025, 1),
        ("year", 2025, 4),
    ]


def test_a_field_or_a_tag_more_is_no_matter():
    extended = body(
        **{CAPEX: [row("2025-06-01", "2025-08-31", 1, "2025-09-25", brand="new")], "Goodwill": [{}]}, **REVENUE
    )
    facts, _ = read(extended | {"new": [1]})
    assert facts.frame.height == 2


def test_a_company_with_an_unusual_tag_is_a_line_in_the_list(monkeypatch):
    own = {"companies": {"ORCL": {OF_CAPEX: ["us-gaap:PaymentsToAcquireMachineryAndEquipment"]}}}
    monkeypatch.setattr(sec_tags, "listed", lambda before=sec_tags.listed(): before | own)
    quarter = ("2025-06-01", "2025-08-31")
    unusual = {
        "PaymentsToAcquireMachineryAndEquipment": [row(*quarter, 7, "2025-09-25")],
        CAPEX: [row(*quarter, 5, "2025-09-25")],
    }
    facts, _ = read(body(**unusual, **REVENUE))
    assert facts.frame.filter(pl.col("measure") == OF_CAPEX)["value_usd"].to_list() == [7]


def test_share_counts_by_class_are_not_taken_for_the_companys_own():
    """Two classes on each of twelve cover pages, in whichever order; then a page with one count, said twice."""
    days = [f"20{year}-{month}-01" for year in (22, 23, 24) for month in ("02", "05", "08", "11")]
    counts = [row(None, day, shares, day) for day in days for shares in (500, 60)]
    counts += [row(None, "2025-02-01", 570, "2025-02-01")] * 2
    of_dei = {"EntityCommonStockSharesOutstanding": {"units": {"shares": counts}}}
    given = body(**REVENUE)
    facts, shares = read(given | {"facts": given["facts"] | {"dei": of_dei}})
    assert facts.frame.height == 1
    assert shares.frame.select("measured_on", "shares").rows() == [(date(2025, 2, 1), 570)]
    assert shares.unreadable.is_empty(), "no sign that the rest of the body is wrong"
    (notice,) = said.notices(shares.notices)
    assert notice == (
        "ORCL: 12 cover pages give several share counts, perhaps of classes of shares; none of them is used"
    )


def test_the_list_of_tags_names_every_measure_of_the_snapshot():
    assert {measure.name for measure in sec_tags.tags("MSFT")} == {
        "purchases_of_property_and_equipment", "proceeds_from_sale_of_property_and_equipment", "finance_lease_principal",
        "finance_lease_liability", "revenue", "operating_cash_flow", "operating_income", "net_income", "depreciation",
        "depreciation_and_amortization", "research_and_development", "property_and_equipment_net",
        "property_and_equipment_gross", "remaining_performance_obligation", "finance_lease_assets_obtained",
    }  # fmt: skip


def test_finance_lease_assets_obtained_are_read_under_the_tag_of_all_companies():
    """Alphabet, 10-K of 2026-02-05: 1,606 million in 2025, and 211 in the quarter to 2026-03-31."""
    leases = [
        row("2025-01-01", "2025-12-31", 1_606_000_000, "2026-02-05", "10-K"),
        row("2026-01-01", "2026-03-31", 211_000_000, "2026-04-30"),
    ]
    facts, _ = read(
        body("GOOGL", RightOfUseAssetObtainedInExchangeForFinanceLeaseLiability=leases, **REVENUE), "GOOGL", 12
    )
    found = facts.frame.filter(pl.col("measure") == "finance_lease_assets_obtained")
    assert found.select("period_type", "value_usd", "known_on").rows() == [
        ("year", 1_606_000_000, date(2026, 2, 5)),
        ("quarter", 211_000_000, date(2026, 4, 30)),
    ]


# -- bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"val": "1,234"}, "val: '1,234' is not a whole number"),
        ({"val": "1234"}, "val: '1234' is not a whole number"),
        ({"val": 12.5}, "val: '12.5' is not a whole number"),
        ({"val": None}, "val: null is not a whole number"),
        ({"val": 10**30}, "is not a whole number"),
        ({"end": "31.08.2025"}, "end: '31.08.2025' is not a date"),
        ({"filed": "soon"}, "filed: 'soon' is not a date"),
        ({"start": None}, "start: is empty"),
        ({"start": "2025", "val": "x"}, "val: 'x' is not a whole number; start: '2025' is not a date"),
    ],
)
def test_a_row_that_cannot_be_read_is_quarantined_with_its_reason(change, reason):
    good = row("2025-06-01", "2025-08-31", 8_502, "2025-09-25")
    facts, _ = read(body(**{CAPEX: [good, good | change]}, **REVENUE))
    assert facts.frame.height == 2
    ((why, place),) = said.unread(facts.unreadable)
    assert reason in why
    assert place == f"us-gaap/{CAPEX}/USD[1]"


def test_a_whole_number_written_with_a_point_is_one():
    facts, _ = read(body(**{CAPEX: [row("2025-06-01", "2025-08-31", 8502000000.0, "2025-09-25")]}, **REVENUE))
    assert facts.frame["value_usd"][0] == 8_502_000_000


def test_another_currency_is_named_and_the_rest_is_read():
    facts, _ = read(body(units="EUR", **{CAPEX: [row("2025-06-01", "2025-08-31", 1, "2025-09-25")]}))
    both = body(**{CAPEX: [row("2025-06-01", "2025-08-31", 1, "2025-09-25")]}, **REVENUE)
    both["facts"]["us-gaap"][CAPEX]["units"]["EUR"] = [row("2025-06-01", "2025-08-31", 2, "2025-09-25")]
    assert facts.frame.is_empty()
    assert any(
        f"us-gaap/{CAPEX} is filed in EUR, and only USD is read" in notice for notice in said.notices(facts.notices)
    )
    assert any("no tag of revenue" in notice for notice in said.notices(facts.notices))
    facts, _ = read(both)
    assert facts.frame["value_usd"].to_list() == [1, 14_926_000_000]
    assert any("filed in EUR" in notice for notice in said.notices(facts.notices))


def test_a_tag_that_was_left_for_an_unlisted_one_is_noticed_with_candidates():
    rows = {
        CAPEX: [row("2024-06-01", "2024-08-31", 1, "2024-09-25")],
        "PaymentsToAcquireDataCenters": [row("2025-06-01", "2025-08-31", 2, "2025-09-25")],
        "PaymentsToAcquireInvestments": [row("2020-06-01", "2020-08-31", 2, "2020-09-25")],
    }
    facts, _ = read(body(**rows, **REVENUE))
    (notice,) = said.notices(facts.notices)
    assert notice.startswith(
        "ORCL: capex ends on 2024-08-31 and revenue on 2025-08-31; the company may have changed its tag"
    )
    assert notice.endswith("add the right one to sec_tags.toml, perhaps PaymentsToAcquireDataCenters")


@pytest.mark.parametrize("field", ["val", "accn", "fy", "fp", "form", "filed", "end"])
def test_a_lost_field_refuses_the_body_and_is_named(field):
    rows = [{k: v for k, v in row("2025-06-01", "2025-08-31", 1, "2025-09-25").items() if k != field}]
    with pytest.raises(DocumentError, match=rf"SEC facts of ORCL: us-gaap/{CAPEX}/USD: .*`{field}`"):
        read(body(**{CAPEX: rows}))


def test_a_flow_that_lost_its_start_refuses_the_body():
    with pytest.raises(DocumentError, match="field start is missing"):
        read(body(**{CAPEX: [row(None, "2025-08-31", 1, "2025-09-25")]}))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"error": {"code": "Not Found"}}', "missing required field `cik`"),
        (b'{"message": "throttled"}', "missing required field `cik`"),
        (b"[]", "Expected `object`, got `array`"),
        (b'{"cik": 1341439, "facts": {"dei": {}}}', "facts has no us-gaap; it has dei"),
        (b'{"cik": 1341439, "facts": {"us-gaap": {', "cut short"),
        (b'{"cik": "nobody", "facts": {"us-gaap": {}}}', "cik: 'nobody' is not a number"),
        (b'{"cik": 320193, "facts": {"us-gaap": {}}}', "is about CIK 320193, which was not asked for"),
        (gzip.compress(b'{"cik": 1341439}', mtime=0)[:-9], "cut short or damaged"),
        (b'{"cik": 1341439, "facts": {"us-gaap": {"Revenues": {"label": ""}}}}', "us-gaap/Revenues: .*`units`"),
    ],
)
def test_what_is_no_companyfacts_body_is_refused_by_name(content, message):
    with pytest.raises(DocumentError, match=message) as refused:
        read(content)
    assert "SEC facts of ORCL" in str(refused.value)


def test_a_compressed_body_is_read():
    facts, _ = read(gzip.compress(json.dumps(body(**REVENUE)).encode()))
    assert facts.frame.height == 1


# -- asking -----------------------------------------------------------------------------------------------------------


class Panel:
    """A warehouse with two companies in its panel."""

    def newest(self, source: str, table: str, by: str, day: str) -> dict[str, date]:
        return {}

    def values(self, table: str, column: str) -> list[str]:
        return ["AAPL", "ORCL", "SPY"]

    def rows(self, table: str, columns: tuple[str, ...]) -> list[tuple]:
        return [("AAPL", 320193, 9), ("ORCL", 1341439, None), ("SPY", None, None)]


def ask(server: LiveServer, home: Path, tickers: tuple[str, ...] = ()):
    settings = Settings(
        home=home, sec_url=server.url, contact="Jane Doe jane@example.com", tickers=tickers, timeout_seconds=5
    )
    online = Online(SEC, settings, home / "raw", Panel(), datetime.now(UTC))
    return [(received.url, dict(received.context)) for received in SEC.fetch(online)], online.failures


def about(cik: int, ticker: str, month: int | None = None) -> tuple[str, dict[str, str]]:
    """Address and context of a company's body."""
    context = {"ticker": ticker} | ({"fiscal_year_end_month": str(month)} if month else {})
    return f"https://data.sec.gov/api/xbrl/companyfacts/CIK{cik:010}.json", context


def played(server: LiveServer) -> None:
    server.body("/api/xbrl/companyfacts/CIK0000320193.json", body("AAPL", **REVENUE))
    server.body("/api/xbrl/companyfacts/CIK0001341439.json", body("ORCL", **REVENUE))
    server.body("/submissions/CIK0001341439.json", {"cik": "1341439", "fiscalYearEnd": "0531"})
    server.body("/files/company_tickers.json", {"0": {"cik_str": 1835632, "ticker": "MRVL", "title": "Marvell"}})


def test_both_hosts_go_to_the_one_base_address_and_the_contact_is_sent(live_server, tmp_path):
    played(live_server)
    live_server.body("/submissions/CIK0001835632.json", EXCERPTS / "sec_submissions_MRVL.json")
    live_server.body("/api/xbrl/companyfacts/CIK0001835632.json", body("ORCL"))
    bodies, failures = ask(live_server, tmp_path, ("mrvl", "AAPL"))
    assert failures == []
    assert bodies == [about(320193, "AAPL", 9), about(1835632, "MRVL", 1), about(1341439, "ORCL", 5)]
    assert {request.headers["User-Agent"] for request in live_server.asked()} == {"overbuild Jane Doe jane@example.com"}
    assert live_server.busiest_second() <= 10


def test_a_ticker_that_the_sec_does_not_know_is_named_and_the_others_are_read(live_server, tmp_path):
    played(live_server)
    bodies, failures = ask(live_server, tmp_path, ("TYPO",))
    assert len(bodies) == 2
    assert [str(failure) for failure in failures] == [
        "OVERBUILD_TICKERS: TYPO: the SEC has no such ticker; correct or remove it"
    ]


def test_a_ticker_newer_than_the_list_that_is_kept_is_looked_up_again(live_server, tmp_path, monkeypatch):
    played(live_server)
    live_server.body("/api/xbrl/companyfacts/CIK0001835632.json", body("ORCL"))
    assert len(ask(live_server, tmp_path, ("MRVL",))[0]) == 3
    assert len(ask(live_server, tmp_path, ("MRVL",))[0]) == 3
    assert len(live_server.asked("/files/")) == 1, "the list is kept"
    monkeypatch.setattr(sec, "TICKERS_FRESH_AGAIN", timedelta(0))
    newcomer = {"0": {"cik_str": 7, "ticker": "NEWCO", "title": "Newco"}}
    live_server.body("/files/company_tickers.json", newcomer)
    live_server.body("/api/xbrl/companyfacts/CIK0000000007.json", body("ORCL"))
    bodies, failures = ask(live_server, tmp_path, ("NEWCO",))
    assert failures == []
    assert about(7, "NEWCO") in bodies


@pytest.mark.parametrize("path", ["/files/company_tickers.json", "/submissions/CIK0001835632.json"])
def test_a_list_or_submissions_that_are_something_else_cost_no_company_and_are_not_kept(live_server, tmp_path, path):
    played(live_server)
    live_server.body("/api/xbrl/companyfacts/CIK0001835632.json", body("ORCL"))
    live_server.body("/submissions/CIK0001835632.json", {"fiscalYearEnd": "0130"})
    live_server.body(path, {"error": {"code": "busy"}, "fiscalYearEnd": 3})
    bodies, (failure,) = ask(live_server, tmp_path, ("MRVL",))
    assert len(bodies) >= 2
    assert "the SEC has changed its answer, or this is an error page" in str(failure)
    played(live_server)
    live_server.body("/submissions/CIK0001835632.json", {"fiscalYearEnd": "0130"})
    bodies, failures = ask(live_server, tmp_path, ("MRVL",))
    assert failures == []
    assert about(1835632, "MRVL", 1) in bodies


@pytest.mark.parametrize("written", ["BRK.B", "brk-b", "BRK/B"])
def test_a_class_of_shares_is_found_however_it_is_written(live_server, tmp_path, written):
    played(live_server)
    live_server.body(
        "/files/company_tickers.json", {"0": {"cik_str": 1067983, "ticker": "BRK-B", "title": "Berkshire"}}
    )
    live_server.body("/api/xbrl/companyfacts/CIK0001067983.json", body("ORCL"))
    bodies, failures = ask(live_server, tmp_path, (written, "BRK-B"))
    assert failures == []
    assert [(url, context) for url, context in bodies if "1067983" in url] == [about(1067983, "BRK-B")]


def test_a_company_that_is_missing_costs_only_itself(live_server, tmp_path):
    played(live_server)
    live_server.refuse("/api/xbrl/companyfacts/CIK0000320193.json", "404")
    live_server.refuse("/submissions/CIK0001341439.json", "404")
    bodies, failures = ask(live_server, tmp_path)
    assert bodies == [about(1341439, "ORCL")]
    assert [failure.name for failure in failures] == ["SEC facts of AAPL"]


def test_a_refusal_stops_the_source_and_names_the_setting(live_server, tmp_path):
    live_server.answer("/", lambda request: REFUSALS["403"][0])
    with pytest.raises(StoppedError, match=r"\(403\)\. Check OVERBUILD_CONTACT"):
        ask(live_server, tmp_path)
    assert len(live_server.asked()) == 1


def test_many_companies_are_asked_at_no_more_than_ten_a_second(live_server, tmp_path, monkeypatch):
    live_server.answer("/", lambda request: Reply(body("ORCL")))
    panel = [(f"T{number}", number, 12) for number in range(1, 26)]
    monkeypatch.setattr(Panel, "rows", lambda self, table, columns: panel)
    bodies, _ = ask(live_server, tmp_path)
    assert len(bodies) == 25
    assert live_server.busiest_second() <= 10


@pytest.mark.parametrize("contact", [None, "Jane Doe"])
def test_without_a_contact_the_source_is_refused(contact, tmp_path):
    assert "set OVERBUILD_CONTACT to a name and an e-mail address" in SEC.not_ready(
        Settings(home=tmp_path, contact=contact)
    )
