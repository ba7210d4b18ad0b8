"""Figures with dimensions: which are taken, how a number is written, what is lost of a page that is not as it should be."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from tests.conftest import EXCERPTS
from tests.live_server import REFUSALS, LiveServer, Reply
from tests.sources.said import notices, unread
from warehouse.errors import DocumentError, StoppedError
from warehouse.fetching.client import Online
from warehouse.settings import Settings
from warehouse.sources import all_sources, sec_inline_xbrl
from warehouse.sources.common.source import Batch, Document
from warehouse.tables import sec_dimensions
from warehouse.tables.company_facts import MEASURES

(SOURCE,) = sec_inline_xbrl.SOURCES
MSFT = (EXCERPTS / "sec_inline_10k_MSFT.htm").read_bytes()
AMZN = (EXCERPTS / "sec_inline_10q_AMZN.htm").read_bytes()
URLS = {
    "MSFT": "https://www.sec.gov/Archives/edgar/data/789019/000119312526323660/msft-20260630.htm",
    "AMZN": "https://www.sec.gov/Archives/edgar/data/1018724/000101872425000086/amzn-20250630.htm",
}
ABOUT = {
    "MSFT": {"ticker": "MSFT", "form": "10-K", "accession": "0001193125-26-323660", "filed": "2026-07-29",
             "fiscal_year_end_month": "6"},
    "AMZN": {"ticker": "AMZN", "form": "10-Q", "accession": "0001018724-25-000086", "filed": "2025-08-01",
             "fiscal_year_end_month": "12"},
}  # fmt: skip
SAID = (
    b'<ix:nonFraction name="us-gaap:RevenueRemainingPerformanceObligation" contextRef="C_commercial" unitRef="U_USD" scale="9" '
    b'decimals="-9" format="ixt:num-dot-decimal" id="F_1">678</ix:nonFraction>'
)


def read(body: bytes, ticker: str = "MSFT") -> Batch:
    name = f"SEC {ABOUT[ticker]['form']} of {ticker}"
    (batch,) = sec_inline_xbrl._parse(Document("0" * 64, name, URLS[ticker], body, context=ABOUT[ticker]))
    return batch


def changed(old: bytes, new: bytes, body: bytes = MSFT) -> bytes:
    assert old in body
    return body.replace(old, new)


def written(**change: str) -> bytes:
    """Microsoft's filing with its commercial backlog written otherwise; `text` is the number, the rest its attributes."""
    given = {"contextRef": "C_commercial", "unitRef": "U_USD", "scale": "9", "decimals": "-9", "text": "678",
             "format": "ixt:num-dot-decimal"} | change  # fmt: skip
    attributes = "".join(f' {name}="{value}"' for name, value in given.items() if name != "text" and value)
    element = f'<ix:nonFraction name="us-gaap:RevenueRemainingPerformanceObligation"{attributes}>{given["text"]}</ix:nonFraction>'
    return changed(SAID, element.encode())


# -- what is read -----------------------------------------------------------------------------------------------------


def test_microsofts_commercial_backlog_is_a_measure_of_its_own():
    """10-K of 2026-07-29: 678 billion commercial, and 684 with the rest, which companyfacts have."""
    batch = read(MSFT)
    (row,) = batch.frame.to_dicts()
    assert (row["measure"], row["value_usd"]) == ("commercial_remaining_performance_obligation", 678_000_000_000)
    assert (row["period_start"], row["period_end"], row["period_type"]) == (None, date(2026, 6, 30), "instant")
    assert (row["fiscal_year"], row["fiscal_quarter"]) == (2026, 4)
    assert (row["filing_fiscal_year"], row["filing_fiscal_period"]) == (2026, "FY")
    assert (row["form"], row["accession"], row["known_on"]) == ("10-K", "0001193125-26-323660", date(2026, 7, 29))
    assert (row["ticker"], row["cik"], row["grade"]) == ("MSFT", 789019, "A")
    assert row["citation"] == URLS["MSFT"].removeprefix("https://")
    assert row["locator"] == (
        "line 14, us-gaap:RevenueRemainingPerformanceObligation in C_commercial, "
        "srt:MajorCustomersAxis = msft:CommercialCustomersMember"
    )
    assert (batch.unreadable.height, batch.notices) == (0, ())


def test_amazons_backlog_is_its_total_and_not_one_customers():
    """10-Q of 2025-08-01: 195 billion; the axis of its date is no part of it."""
    batch = read(AMZN, "AMZN")
    assert batch.frame.select("measure", "value_usd", "period_end", "fiscal_quarter").rows() == [
        ("remaining_performance_obligation", 195_000_000_000, date(2025, 6, 30), 2)
    ]
    assert "StartDateAxis = 2025-07-01" in batch.frame["locator"][0]
    assert batch.notices == ()


def test_a_packed_page_and_other_prefixes_say_the_same():
    other = MSFT.replace(b"us-gaap", b"gaap").replace(b"fasb.org/gaap", b"fasb.org/us-gaap")
    other = other.replace(b"srt:", b"s:").replace(b"xmlns:srt", b"xmlns:s")
    frames = [read(body).frame.drop("locator") for body in (MSFT, gzip.compress(MSFT), other)]
    assert frames[0].equals(frames[1])
    assert frames[0].equals(frames[2])


@pytest.mark.parametrize(
    ("change", "value"),
    [
        ({"text": "678,123", "scale": "6", "decimals": "-6"}, 678_123_000_000),
        ({"text": "678.5"}, 678_500_000_000),
        ({"text": "678.123", "format": "ixt:num-comma-decimal", "scale": "6"}, 678_123_000_000),
        ({"text": "678,5", "format": "ixt:num-comma-decimal"}, 678_500_000_000),
        ({"text": "678000000000", "format": "", "scale": ""}, 678_000_000_000),
        ({"text": "\u2014", "format": "ixt:fixed-zero"}, 0),
        ({"text": "<span>6</span>78"}, 678_000_000_000),
        ({"sign": "-"}, -678_000_000_000),
        ({"decimals": "INF"}, 678_000_000_000),
    ],
)
def test_a_number_is_read_as_its_format_scale_and_sign_say(change, value):
    body = written(**change).replace(b"encoding='ASCII'", b"encoding='UTF-8'")
    assert read(body).frame["value_usd"].to_list() == [value]


def test_a_figure_in_text_and_table_counts_once_as_precisely_as_it_is_given():
    precise = SAID.replace(b'scale="9" decimals="-9"', b'scale="6" decimals="-6"').replace(b">678<", b">677,912<")
    batch = read(changed(b"</body>", precise + b"</body>"))
    assert batch.frame["value_usd"].to_list() == [677_912_000_000]
    assert batch.unreadable.is_empty()


# -- bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"contextRef": "C_gone"}, "contextRef: the filing has no context C_gone"),
        ({"unitRef": "U_EUR"}, "unitRef: the figure is in 'U_EUR', not in USD"),
        (
            {"format": "ixt-sec:numwordsen", "text": "six hundred"},
            "of the format ixt-sec:numwordsen is written ('sixhundred')",
        ),
        ({"text": "678 billion"}, "value: '678billion (scale 9)' is not a number"),
        ({"scale": "nine"}, "value: '678 (scale nine)' is not a number"),
        ({"text": "0.5", "scale": "0"}, "value: '0.5 (scale 0)' is not a whole number"),
        ({"text": "678", "scale": "30"}, "value: '678 (scale 30)' is not a whole number"),
    ],
)
def test_a_figure_that_cannot_be_read_is_quarantined_with_its_place(change, why):
    batch = read(written(**change))
    assert batch.frame.is_empty()
    ((said, place),) = unread(batch.unreadable)
    assert why in said
    assert place.startswith("line 14, us-gaap:RevenueRemainingPerformanceObligation in C_")


def test_a_context_without_a_day_costs_its_figure():
    batch = read(changed(b"<xbrli:instant>2026-06-30</xbrli:instant>", b"<xbrli:instant>soon</xbrli:instant>"))
    assert "has no day that can be read" in unread(batch.unreadable)[0][0]


def test_two_figures_that_no_rounding_explains_are_both_quarantined():
    batch = read(changed(b"</body>", SAID.replace(b">678<", b">687<") + b"</body>"))
    assert batch.frame.is_empty()
    assert [said for said, _ in unread(batch.unreadable)] == [
        "the filing gives us-gaap:RevenueRemainingPerformanceObligation of 2026-06-30 as 678000000000 and 687000000000, "
        "which no rounding explains"
    ] * 2


def test_a_renamed_member_is_noticed_with_what_stands_there():
    batch = read(changed(b"msft:CommercialCustomersMember", b"msft:EnterpriseMember"))
    assert batch.frame.is_empty()
    assert notices(batch.notices) == (
        "MSFT: the 10-K 0001193125-26-323660 has no us-gaap:RevenueRemainingPerformanceObligation with "
        "srt:MajorCustomersAxis = msft:CommercialCustomersMember; it stands there with no dimension; "
        "srt:MajorCustomersAxis = msft:EnterpriseMember: is one of them meant? Then correct sec_dimensions.toml",
    )


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (MSFT[:-400], r"line \d+, column \d+; it is no filing, or was cut short"),
        (b"<html><body>Please wait</body></html>", "has no inline XBRL figures"),
        (b"", "no filing"),
        (changed(b"0000789019", b"0000320193"), "is about CIK 320193, and 789019 was asked for"),
        (changed(b"84%", b"84&nbsp;%"), "nbsp.*line 14, column"),
    ],
)
def test_a_page_that_is_no_filing_is_refused_by_name_and_place(body, why):
    with pytest.raises(DocumentError, match=why) as refused:
        read(body)
    assert "SEC 10-K of MSFT" in str(refused.value)


def test_nothing_outside_the_page_is_read():
    """A page that names a file of this machine gets nothing of it."""
    bomb = changed(b"<html ", b'<!DOCTYPE html [<!ENTITY file SYSTEM "file:///etc/hostname">]>\n<html ', MSFT)
    body = changed(b">678<", b">678&file;<", bomb)
    batch = read(body)
    assert batch.frame.is_empty()
    ((said, _),) = unread(batch.unreadable)
    assert said == "value: '678&file; (scale 9)' is not a number"


# -- asking -----------------------------------------------------------------------------------------------------------


class Panel:
    """A warehouse with Microsoft and two others in its panel."""

    def newest(self, source: str, table: str, by: str, day: str) -> dict[str, date]:
        return {}

    def values(self, table: str, column: str) -> list[str]:
        return []

    def rows(self, table: str, columns: tuple[str, ...]) -> list[tuple]:
        return [("AAPL", 320193, 9), ("MSFT", 789019, 6), ("SPY", None, None)]


FILINGS = [
    ("0001193125-26-323660", "2026-07-29", "10-K", "msft-20260630.htm", 1),
    ("0001193125-26-323632", "2026-07-29", "8-K", "msft-8k.htm", 1),
    ("0001193125-26-191507", "2026-04-29", "10-Q", "msft-20260331.htm", 1),
    ("0000950170-23-035122", "2023-07-27", "10-K", "msft-20230630.htm", 1),
    ("0001193125-26-000001", "2026-02-01", "10-Q/A", "paper.htm", 0),
]
FIELDS = ("accessionNumber", "filingDate", "form", "primaryDocument", "isInlineXBRL")
SUBMISSIONS = "/submissions/CIK0000789019.json"
FOLDER = "/Archives/edgar/data/789019"
NOW = datetime(2026, 11, 10, tzinfo=UTC)


def listed(*filings: tuple) -> dict:
    return {field: [filing[at] for filing in filings] for at, field in enumerate(FIELDS)}


def played(server: LiveServer, *filings: tuple, older: list[dict] | None = None) -> None:
    recent = listed(*(filings or FILINGS))
    server.body(SUBMISSIONS, {"cik": "789019", "filings": {"recent": recent, "files": older or []}})
    server.answer(f"{FOLDER}/", lambda request: Reply(MSFT))


def online(server: LiveServer, home: Path, span: tuple[date, date] | None = None) -> Online:
    settings = Settings(home=home, sec_url=server.url, contact="Jane Doe jane@example.com", timeout_seconds=5)
    return Online(SOURCE, settings, home / "raw", Panel(), NOW, span)


def ask(server: LiveServer, home: Path, span: tuple[date, date] | None = None) -> tuple[list[str], list[str]]:
    asking = online(server, home, span)
    found = [received.context["accession"] for received in SOURCE.fetch(asking)]
    return found, [str(failure) for failure in asking.failures]


def test_reports_of_two_years_are_asked_for_once_at_the_base_address(live_server, tmp_path):
    played(live_server)
    for _ in range(2):
        assert ask(live_server, tmp_path) == (["0001193125-26-323660", "0001193125-26-191507"], [])
    assert [request.path for request in live_server.asked(FOLDER)] == [
        f"{FOLDER}/000119312526323660/msft-20260630.htm",
        f"{FOLDER}/000119312526191507/msft-20260331.htm",
    ]
    assert {request.headers["User-Agent"] for request in live_server.asked()} == {"overbuild Jane Doe jane@example.com"}
    assert list(tmp_path.glob("raw/**/*")), "what came is in the archive"


def test_what_came_can_be_parsed(live_server, tmp_path):
    played(live_server, FILINGS[0])
    (received,) = SOURCE.fetch(online(live_server, tmp_path))
    (batch,) = SOURCE.parse(received.document("0" * 64))
    assert batch.frame.select("value_usd", "known_on").rows() == [(678_000_000_000, date(2026, 7, 29))]


def test_a_backfill_reads_the_older_files_of_submissions(live_server, tmp_path):
    name = "CIK0000789019-submissions-001.json"
    older = [{"name": name, "filingCount": 2, "filingFrom": "2015-01-01", "filingTo": "2022-12-31"}]
    played(live_server, older=older)
    live_server.body(f"/submissions/{name}", listed(
        ("0001564590-22-026876", "2022-07-28", "10-K", "msft-20220630.htm", 1),
        ("0001564590-17-014900", "2017-08-02", "10-K", "msft-20170630.htm", 0),
    ))  # fmt: skip
    span = (date(2022, 1, 1), date(2023, 12, 31))
    assert ask(live_server, tmp_path, span) == (["0000950170-23-035122", "0001564590-22-026876"], [])


def test_a_page_that_asks_for_patience_is_no_filing_and_is_asked_for_again(live_server, tmp_path):
    played(live_server, FILINGS[0])
    path = f"{FOLDER}/000119312526323660/msft-20260630.htm"
    live_server.refuse(path, "challenge")
    found, (failure,) = ask(live_server, tmp_path)
    assert found == []
    assert "SEC 10-K of MSFT, 0001193125-26-323660: this is no inline XBRL" in failure
    live_server.body(path, MSFT)
    assert ask(live_server, tmp_path) == (["0001193125-26-323660"], [])


def test_a_filing_that_is_missing_costs_only_itself(live_server, tmp_path):
    played(live_server)
    live_server.refuse(f"{FOLDER}/000119312526323660/msft-20260630.htm", "404")
    found, (failure,) = ask(live_server, tmp_path)
    assert found == ["0001193125-26-191507"]
    assert failure.startswith("SEC 10-K of MSFT, 0001193125-26-323660")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({"cik": "789019"}, "missing required field `filings`"),
        ({"filings": {"recent": {"form": []}}}, "missing required field `accessionNumber`"),
    ],
)
def test_submissions_of_another_form_are_named(live_server, tmp_path, answer, why):
    live_server.body(SUBMISSIONS, answer)
    found, (failure,) = ask(live_server, tmp_path)
    assert found == []
    assert why in failure


def test_a_refusal_stops_the_source_and_the_other_of_the_sec_waits_too(live_server, tmp_path, monkeypatch):
    monkeypatch.setattr("warehouse.fetching.client.wait_before_retry", lambda state: 0)
    live_server.answer("/", lambda request: REFUSALS["403"][0])
    with pytest.raises(StoppedError, match=r"\(403\)\. Check OVERBUILD_CONTACT"):
        ask(live_server, tmp_path)
    live_server.answer("/", lambda request: REFUSALS["429"][0])
    with pytest.raises(StoppedError, match="asked for a pause"):
        ask(live_server, tmp_path)
    live_server.forget()
    (sec,) = [source for source in all_sources() if source.name == "sec"]
    settings = Settings(home=tmp_path, sec_url=live_server.url, contact="Jane Doe jane@example.com")
    with pytest.raises(StoppedError, match="asked for a pause"):
        list(sec.fetch(Online(sec, settings, tmp_path / "raw", Panel(), NOW)))
    assert live_server.asked() == []


def test_the_source_is_asked_as_the_secs_other_one_is():
    (sec,) = [source for source in all_sources() if source.name == "sec"]
    same: list[Callable] = [
        lambda source: (source.host, source.host_setting, source.terms, source.requests_per_second, source.feed),
        lambda source: source.rate_limit_of,
        lambda source: source.not_ready(Settings()),
    ]
    assert [get(SOURCE) for get in same] == [get(sec) for get in same]
    assert "OVERBUILD_CONTACT" in SOURCE.not_ready(Settings())


def test_every_figure_of_the_list_is_of_a_measure_that_the_table_knows():
    assert {figure.measure for figure in sec_dimensions.listed()} <= set(MEASURES)
    assert all(figure.dimensions for figure in sec_dimensions.listed())
