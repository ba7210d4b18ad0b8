"""Yahoo's chart endpoint: known answers from recorded bodies, every refusal, and bodies that changed their shape."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import EXCERPTS, recorded
from tests.live_server import LiveServer, Reply
from tests.sources import said
from tests.sources.prices import SESSIONS, Share, chart, opened_at, walk
from warehouse.errors import DocumentError, StoppedError
from warehouse.fetching.client import Online
from warehouse.settings import Settings
from warehouse.sources import yahoo
from warehouse.sources.common.source import Batch, Document

SOURCE = yahoo.SOURCES[0]
CHART = "/v8/finance/chart/"
LATER = datetime(2025, 3, 1, tzinfo=UTC)
MADE = "NVDA_made-to-form_2024-05-20_2025-02-14.json.gz"
PARTIAL = "NVDA_made-to-form_partial-last-bar_null-row.json"


EXCERPT = "yahoo_chart_NVDA.json"
EXCERPT_PARTIAL = "yahoo_chart_NVDA_running_session.json"


def body_of(file: str) -> dict[str, Any]:
    """An excerpt made by hand, or a whole answer as recorded."""
    excerpt = EXCERPTS / file
    raw = (excerpt if excerpt.exists() else recorded("prices", "yahoo_chart_2025", file)).read_bytes()
    body = json.loads(gzip.decompress(raw) if file.endswith(".gz") else raw)
    return body["response"]["bodyJson"] if "response" in body else body


def parse(body: Any, ticker: str = "NVDA", at: datetime = LATER) -> list[Batch]:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    url = f"https://{yahoo.HOST}{CHART}{ticker}?period1=1&period2=2&interval=1d&events=div%2Csplits"
    return list(SOURCE.parse(Document("0" * 64, ticker, url, content, at)))


def bars(file: str, ticker: str = "NVDA", at: datetime = LATER) -> pl.DataFrame:
    return parse(body_of(file), ticker, at)[0].frame


# -- known answers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", [EXCERPT, MADE])
def test_known_closes(file: str) -> None:
    found = {day: (close, volume) for day, close, volume in bars(file).select("date", "close", "volume").iter_rows()}
    assert found[date(2024, 6, 7)][0] == 120.888
    assert found[date(2025, 1, 24)][0] == 142.62
    assert found[date(2025, 1, 27)] == (118.42, 818_830_900)


@pytest.mark.parametrize(("file", "place"), [(EXCERPT, 4), (MADE, 171)])
def test_a_row_is_complete_and_known_from_its_day(file: str, place: int) -> None:
    row = bars(file).filter(date=date(2025, 1, 27)).row(0, named=True)
    assert row["known_on"] == date(2025, 1, 27)
    assert (row["ticker"], row["grade"], row["locator"]) == ("NVDA", "A", f"timestamp[{place}]")
    assert row["citation"] == "Yahoo Finance chart of NVDA, query1.finance.yahoo.com, read 2025-02-28"
    assert row["adj_close"] < row["close"]


@pytest.mark.parametrize(("file", "dividends"), [(EXCERPT, 1), (MADE, 3)])
def test_splits_and_dividends_are_facts(file: str, dividends: int) -> None:
    actions = parse(body_of(file))[1].frame
    paid = (date(2024, 6, 11), date(2024, 9, 12), date(2024, 12, 5))[:dividends]
    assert actions.select("date", "kind", "value", "known_on").rows() == [
        (date(2024, 6, 10), "split", 10.0, date(2024, 6, 10)),
        *((day, "dividend", 0.01, day) for day in paid),
    ]


@pytest.mark.parametrize("file", [EXCERPT_PARTIAL, PARTIAL])
def test_a_bar_of_a_running_session_and_a_row_of_nulls_are_no_bars(file: str) -> None:
    [prices, actions] = parse(body_of(file), at=datetime(2025, 1, 28, 15, 5, tzinfo=UTC))
    assert prices.frame["date"].to_list() == [date(2025, 1, 23), date(2025, 1, 27)]
    assert said.notices(prices.notices) == (
        "NVDA: no bar on 2025-01-24 (timestamp[1] holds nulls); the next fetch asks again.",
    )
    assert prices.unreadable.is_empty()
    assert actions.frame.is_empty()


@pytest.mark.parametrize(("whole", "partial"), [(EXCERPT, EXCERPT_PARTIAL), (MADE, PARTIAL)])
def test_a_date_is_the_stamp_in_the_exchanges_zone_and_not_by_todays_offset(whole: str, partial: str) -> None:
    assert body_of(whole)["chart"]["result"][0]["meta"]["gmtoffset"] == -18000
    assert set(bars(whole)["date"]) <= set(SESSIONS)
    body = body_of(partial)
    body["chart"]["result"][0] |= {"timestamp": [int(opened_at(day).timestamp()) for day in SESSIONS[:4]]}
    assert parse(body)[0].frame["date"].to_list() == [SESSIONS[0], SESSIONS[2], SESSIONS[3]]


@pytest.mark.parametrize(
    ("file", "ticker", "rows", "actions"),
    [
        ("TSLA_no-dividends_max.json.gz", "TSLA", 3303, 0),
        ("AAPL_split-and-dividend_2020-08-31_2020-11-07.json", "AAPL", 49, 2),
        ("MSFT_events-dividends_2021-02-01_2022-01-31.json.gz", "MSFT", 252, 4),
        ("NVDA_events-split_2021-02-01_2022-01-31.json.gz", "NVDA", 252, 1),
        ("AAPL_one-day.json", "AAPL", 1, 0),
        ("AMZN_2020-01-01_2020-01-03.json", "AMZN", 1, 0),
        ("AAPL_weekend_no-timestamp.json", "AAPL", 0, 0),
    ],
)
def test_recorded_bodies(file: str, ticker: str, rows: int, actions: int) -> None:
    [prices, found] = parse(body_of(file), ticker, datetime(2025, 3, 25, tzinfo=UTC))
    assert (prices.frame.height, found.frame.height, prices.unreadable.height) == (rows, actions, 0)
    assert prices.frame["date"].is_sorted()


# -- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "ticker", "says"),
    [
        ("OCDO.L_GBp_2020-01-01_2020-01-03.json", "OCDO.L", "OCDO.L: the prices are in GBp, and only USD"),
        ("ORSTED.CO_DKK_2020-01-01_2020-01-03.json", "ORSTED.CO", "the prices are in DKK"),
        ("WSU.DE_EUR_2023-08-04_2023-08-09.json", "WSU.DE", "the prices are in EUR"),
        ("made-up_unknown-error_404.json", "NVDA", "NVDA: Yahoo says Made Up Error: I'm made up"),
        ("made-up_weird-result.json", "NVDA", "has no `chart` but somethingWeird"),
    ],
)
def test_recorded_refusals(file: str, ticker: str, says: str) -> None:
    with pytest.raises(DocumentError, match=says):
        parse(body_of(file), ticker)


@pytest.mark.parametrize("currency", ["GBp", "DKK", "EUR"])
def test_prices_in_another_currency_are_refused(currency: str) -> None:
    body = body_of(EXCERPT)
    body["chart"]["result"][0]["meta"]["currency"] = currency
    with pytest.raises(DocumentError, match=f"NVDA: the prices are in {currency}, and only USD"):
        parse(body)


def test_an_unknown_symbol_in_yahoos_own_words() -> None:
    error = {"code": "Not Found", "description": "No data found, symbol may be delisted"}
    body = {"chart": {"result": None, "error": error}}
    with pytest.raises(DocumentError, match="Yahoo says Not Found: No data found, symbol may be delisted"):
        parse(body)


def test_a_security_of_another_calendar_is_refused_whole() -> None:
    days = [date(2025, 1, day) for day in range(3, 20)]
    body = chart("NVDA", Share(walk(days)), opened_at(days[0]), opened_at(date(2025, 2, 1)), LATER)
    with pytest.raises(DocumentError, match="another calendar"):
        parse(body)


def good() -> dict[str, Any]:
    days = SESSIONS[500:520]
    share = Share(walk(days), dividends={days[9]: 0.5})
    return chart("NVDA", share, opened_at(days[0]), opened_at(SESSIONS[521]), LATER)


def _set(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(result: dict[str, Any]) -> None:
        *parts, last = path.split("/")
        where: Any = result
        for part in parts:
            where = where[int(part)] if part.isdigit() else where[part]
        if value is KeyError:
            del where[last]
        else:
            where[int(last) if last.isdigit() else last] = value

    return change


CHANGES: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "lost a field": (_set("indicators/quote/0/open", KeyError), "the field open is missing"),
    "lost the adjusted closes": (_set("indicators/adjclose", KeyError), "the field adj_close is missing"),
    "cut short": (_set("indicators/quote/0/close", [1.0]), "1 values of close for 20 bars"),
    "no time zone": (_set("meta/exchangeTimezoneName", KeyError), "exchangeTimezoneName is None"),
    "a false time zone": (_set("meta/exchangeTimezoneName", "Mars/Olympus"), "'Mars/Olympus'"),
    "no currency": (_set("meta/currency", None), "a currency that is not named"),
    "another symbol": (_set("meta/symbol", "AMD"), "NVDA was asked for and the answer is about AMD"),
    "weekly bars": (_set("meta/dataGranularity", "1wk"), "bars of 1wk"),
    "no meta": (_set("meta", KeyError), "meta is missing"),
    "a stamp that is none": (_set("timestamp/3", "today"), r"timestamp\[3\]: 'today' is not a time"),
    "a dividend of nothing": (
        _set("events/dividends", {"1736346600": {"amount": 0, "date": 1736346600}}),
        "amount is 0, not dollars for a share",
    ),
    "a split that is none": (
        _set("events/splits", {"1736346600": {"numerator": 10, "denominator": 0, "date": 1736346600}}),
        "is not the ratio of a split",
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_changed_body_is_refused_with_what_is_wrong(what: str) -> None:
    change, says = CHANGES[what]
    body = good()
    change(body["chart"]["result"][0])
    with pytest.raises(DocumentError, match=f"^NVDA: .*{says}"):
        parse(body)


@pytest.mark.parametrize(
    "value", [b"", b"<html>consent</html>", b'{"chart": {"result": [{"meta"', b"[]", b"7", b"null"]
)
def test_a_body_that_is_no_chart_is_refused(value: bytes) -> None:
    with pytest.raises(DocumentError, match=r"^NVDA: "):
        parse(value)


def test_a_field_more_changes_nothing() -> None:
    body, more = good(), good()
    more["chart"]["result"][0]["indicators"]["quote"][0]["vwap"] = [1.0] * 20
    more["chart"]["result"][0]["events"]["capitalGains"] = {}
    more["chart"]["result"][0]["meta"]["mood"] = "calm"
    assert parse(more)[0].frame.equals(parse(body)[0].frame)


def test_a_number_as_text_is_read_and_a_text_that_is_none_is_quarantined() -> None:
    body = good()
    quotes = body["chart"]["result"][0]["indicators"]["quote"][0]
    quotes["close"][4] = str(quotes["close"][4])
    quotes["open"][5] = "n/a"
    quotes["volume"][6] = None
    [prices, _] = parse(body)
    assert prices.frame.height == 18
    reasons = said.unread(prices.unreadable)
    assert reasons == [
        ("open: 'n/a' is not a number", "timestamp[5]"),
        ("volume: is empty", "timestamp[6]"),
    ]


def test_the_bar_that_comes_twice_is_one() -> None:
    body = good()
    result = body["chart"]["result"][0]
    result["timestamp"].append(result["timestamp"][-1] + 6 * 3600)
    for values in (*result["indicators"]["quote"][0].values(), result["indicators"]["adjclose"][0]["adjclose"]):
        values.append(values[-1])
    result["indicators"]["quote"][0]["close"][-1] = result["indicators"]["quote"][0]["close"][-2] + 0.01
    result["indicators"]["quote"][0]["high"][-1] += 1
    [prices, _] = parse(body)
    assert prices.frame.height == 20
    assert prices.frame["close"][-1] == pytest.approx(
        good()["chart"]["result"][0]["indicators"]["quote"][0]["close"][-1] + 0.01
    )
    assert "two bars for" in said.notices(prices.notices)[0]


def test_a_split_applied_to_one_part_is_refused() -> None:
    body = good()
    quotes = body["chart"]["result"][0]["indicators"]["quote"][0]
    for name in ("open", "high", "low", "close"):
        quotes[name][12:] = [price / 15 for price in quotes[name][12:]]
    adjusted = body["chart"]["result"][0]["indicators"]["adjclose"][0]["adjclose"]
    adjusted[12:] = [price / 15 for price in adjusted[12:]]
    with pytest.raises(DocumentError, match=f"on {SESSIONS[512]} .*one part of the history"):
        parse(body)


# -- over the wire ----------------------------------------------------------------------------------------------------


class Nothing:
    """A warehouse that holds nothing yet but a panel."""

    def __init__(self, *tickers: str) -> None:
        self.tickers = list(tickers)

    def newest(self, source: str, table: str, by: str, day: str) -> dict[str, date]:
        return {}

    def values(self, table: str, column: str) -> list[str]:
        return self.tickers if table == "companies" else []

    def rows(self, table: str, columns: tuple[str, ...]) -> list[tuple[Any, ...]]:
        return []


def online(server: LiveServer, folder: Path, *tickers: str, **settings: Any) -> Online:
    chosen = Settings(yahoo_url=server.url, timeout_seconds=0.5, **settings)
    return Online(SOURCE, chosen, folder, Nothing(*tickers), datetime.now(UTC), wait=lambda seconds: None)


def test_how_it_asks(live_server: LiveServer, tmp_path: Path) -> None:
    live_server.body(CHART + "NVDA", good())
    [received] = SOURCE.fetch(online(live_server, tmp_path, "NVDA"))
    [request] = live_server.asked()
    assert request.query["interval"] == "1d"
    assert request.query["events"] == "div,splits"
    assert request.query["period1"] == "1685592000"  # midnight of 2023-06-01 in New York
    agent = {name.lower(): value for name, value in request.headers.items()}["user-agent"]
    assert agent.startswith("Mozilla/5.0")
    assert received.url.startswith("https://query1.finance.yahoo.com/v8/finance/chart/NVDA?")
    list(SOURCE.fetch(online(live_server, tmp_path, "NVDA")))
    assert len(live_server.asked()) == 1  # each symbol once a day


def test_the_user_agent_is_a_setting(live_server: LiveServer, tmp_path: Path) -> None:
    live_server.body(CHART + "NVDA", good())
    list(SOURCE.fetch(online(live_server, tmp_path, "NVDA", yahoo_user_agent="mine/1.0")))
    assert "mine/1.0" in live_server.asked()[0].headers.values()


@pytest.mark.parametrize("kind", ["404", "consent", "challenge", "cut", "redirect", "500", "drop", "huge"])
def test_a_refused_symbol_is_noted_and_the_next_is_asked_for(
    live_server: LiveServer, tmp_path: Path, kind: str
) -> None:
    live_server.refuse(CHART + "AMD", kind)
    live_server.body(CHART + "NVDA", good())
    asking = online(live_server, tmp_path, "AMD", "NVDA")
    assert [received.name for received in SOURCE.fetch(asking)] == ["NVDA"]
    [failure] = asking.failures
    assert failure.name == "AMD"


def test_429_pauses_the_whole_source(live_server: LiveServer, tmp_path: Path) -> None:
    live_server.script(CHART + "AMD", Reply("Edge: Too Many Requests", 429, "text/plain"))
    live_server.body(CHART + "NVDA", good())
    with pytest.raises(StoppedError, match="pause"):
        list(SOURCE.fetch(online(live_server, tmp_path, "AMD", "NVDA")))
    asked = len(live_server.asked())
    with pytest.raises(StoppedError, match="pause"):
        list(SOURCE.fetch(online(live_server, tmp_path, "NVDA")))
    assert len(live_server.asked()) == asked
    assert not live_server.asked(CHART + "NVDA")


def test_the_recorded_consent_page_is_never_answered(live_server: LiveServer, tmp_path: Path) -> None:
    page = json.loads(
        gzip.decompress(recorded("prices", "yahoo_chart_2025", "consent_3_page_200_html.json.gz").read_bytes())
    )
    live_server.script(CHART + "NVDA", Reply(page["response"]["bodyText"], media_type="text/html"))
    asking = online(live_server, tmp_path, "NVDA")
    assert list(SOURCE.fetch(asking)) == []
    assert "consent or challenge page" in asking.failures[0].why
    assert {request.path for request in live_server.asked()} == {CHART + "NVDA"}


def test_what_the_source_says_of_itself() -> None:
    assert SOURCE.requests_per_second < 1.0
    assert SOURCE.backfills
    assert SOURCE.history_at_once


@given(
    st.lists(
        st.one_of(
            st.floats(2.0**-40, 2.0**40, width=32),
            st.floats(0.01, 5000),
            st.integers(),
            st.none(),
            st.text(),
        ),
        max_size=20,
    )
)
def test_a_widened_figure_is_narrowed_to_the_shortest_decimal(values: list[Any]) -> None:
    for given_value, found in zip(values, yahoo.shortest_decimals(values), strict=True):
        narrow = np.float32(given_value) if isinstance(given_value, float) and abs(given_value) < 3e38 else None
        expected = given_value if narrow is None or float(narrow) != given_value else float(str(narrow))
        assert found == expected or found != found
