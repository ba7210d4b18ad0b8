"""Tiingo: raw closes become split-adjusted ones, the key stays secret, and every refusal is named."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.conftest import EXCERPTS, recorded
from tests.live_server import LiveServer, Reply
from tests.sources import said
from tests.sources.prices import SESSIONS, Share, walk
from tests.sources.prices import tiingo as answer
from tests.sources.test_yahoo import Nothing
from warehouse.errors import DocumentError, StoppedError
from warehouse.fetching.client import Online
from warehouse.settings import Settings
from warehouse.sources import tiingo
from warehouse.sources.common.source import Batch, Document

SOURCE = tiingo.SOURCES[0]
KEY = "0123456789abcdef0123456789abcdef01234567"
LATER = datetime(2025, 3, 1, tzinfo=UTC)
DAYS = SESSIONS[500:520]


def parse(body: Any, ticker: str = "GOOGL", at: datetime = LATER) -> list[Batch]:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    url = f"https://{tiingo.HOST}/tiingo/daily/{ticker}/prices?startDate=2018-01-01&endDate=2018-02-01&format=json"
    return list(SOURCE.parse(Document("0" * 64, ticker, url, content, at)))


def cassette(file: str) -> bytes:
    """The first body of a recorded cassette (YAML, read without a YAML library)."""
    text = recorded("prices", "keyed_providers", file).read_text()
    return text.split("body: {string: '", 1)[1].split("'}", 1)[0].encode()


def test_recorded_bars() -> None:
    [prices, actions] = parse(cassette("tiingo_ticker_price_pandas_daily_metric_name.yaml"))
    assert prices.frame["date"].to_list()[:2] == [date(2018, 1, 5), date(2018, 1, 8)]
    row = prices.frame.row(0, named=True)
    assert (row["open"], row["high"], row["low"], row["close"], row["adj_close"]) == (
        1103.45, 1113.58, 1101.8, 1110.29, 1110.29,
    )  # fmt: skip
    assert (row["volume"], row["known_on"], row["grade"]) == (1_493_389, date(2018, 1, 5), "A")
    assert actions.frame.is_empty()


def test_an_excerpt_of_an_answer() -> None:
    """A split of ten for one on 10 June 2024: what was traded before it is a tenth in today's shares."""
    [prices, actions] = parse(json.loads((EXCERPTS / "tiingo_prices_NVDA.json").read_text()), "NVDA")
    assert prices.frame.select("date", "close", "adj_close", "volume").rows() == [
        (date(2024, 6, 7), 120.888, 120.8198, 412_386_000),
        (date(2024, 6, 10), 121.79, 121.7213, 313_434_100),
        (date(2024, 6, 11), 120.91, 120.8517, 222_551_200),
        (date(2025, 1, 27), 118.42, 118.3812, 818_830_900),
    ]
    assert prices.frame.row(0, named=True)["locator"] == "[0]"
    assert actions.frame.select("date", "kind", "value").rows() == [
        (date(2024, 6, 10), "split", 10.0),
        (date(2024, 6, 11), "dividend", 0.01),
    ]


def bars(what: Share) -> list[dict[str, Any]]:
    return answer(what, DAYS[0], DAYS[-1], LATER)


def test_raw_closes_become_split_adjusted_and_actions_facts() -> None:
    closes = walk(DAYS)
    traded = {day: close / (10 if day >= DAYS[8] else 1) for day, close in closes.items()}
    share = Share(traded, splits={DAYS[8]: 10.0}, dividends={DAYS[3]: 0.4, DAYS[12]: 0.04})
    [prices, actions] = parse(bars(share))
    for day, close, adj_close, volume in prices.frame.select("date", "close", "adj_close", "volume").iter_rows():
        assert close == pytest.approx(closes[day] / 10)
        assert adj_close == pytest.approx(share.adj_close(day, DAYS[-1]))
        assert volume == (10_000_000 if day < DAYS[8] else 1_000_000)
    assert actions.frame.select("date", "kind", "value").rows() == [
        (DAYS[3], "dividend", 0.04),
        (DAYS[8], "split", 10.0),
        (DAYS[12], "dividend", 0.04),
    ]


def test_both_sources_tell_the_same() -> None:
    from tests.sources.prices import chart, opened_at
    from tests.sources.test_yahoo import parse as parse_yahoo

    share = Share(
        {day: close / (4 if day >= DAYS[8] else 1) for day, close in walk(DAYS).items()},
        splits={DAYS[8]: 4.0},
        dividends={DAYS[3]: 0.4},
    )
    ours = parse(bars(share), "NVDA")
    theirs = parse_yahoo(chart("NVDA", share, opened_at(DAYS[0]), opened_at(SESSIONS[521]), LATER))
    for mine, other in zip(ours, theirs, strict=True):
        same = [name for name in mine.frame.columns if name not in ("locator", "citation", "volume")]
        both = mine.frame.select(same).join(other.frame.select(same), on=["date", *({"kind"} & set(same))])
        assert both.height == mine.frame.height == other.frame.height
        for name in {"open", "close", "adj_close", "value"} & set(same):
            assert both[name].to_list() == pytest.approx(both[f"{name}_right"].to_list(), rel=1e-6)


def test_an_empty_answer_is_no_error() -> None:
    assert [batch.frame.height for batch in parse([])] == [0, 0]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"detail": "Not found."}, "Tiingo says: Not found."),
        ({"detail": "Error: You have run over your hourly request allocation."}, "run over your hourly"),
        ([{"date": "2025-01-02"}], r"\[0\]: the field open, high, .*splitFactor is missing"),
        ([7], "a list of bars was expected"),
        (b"<html>", "is not JSON"),
        (b'[{"date": "2025-', "is not JSON"),
    ],
)
def test_what_is_refused(body: Any, says: str) -> None:
    with pytest.raises(DocumentError, match=f"^GOOGL: .*{says}"):
        parse(body)


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [("date", "soon", "date is 'soon'"), ("divCash", -1, "divCash is -1"), ("splitFactor", 0, "splitFactor is 0")],
)
def test_a_figure_that_is_none_is_refused(field: str, value: Any, says: str) -> None:
    body = bars(Share(walk(DAYS)))
    body[4][field] = value
    with pytest.raises(DocumentError, match=says):
        parse(body)


def test_numbers_as_text_are_read_and_others_are_quarantined() -> None:
    body = bars(Share(walk(DAYS)))
    body[2]["close"] = str(body[2]["close"])
    body[3]["volume"] = "many"
    [prices, _] = parse(body)
    assert prices.frame.height == len(DAYS) - 1
    assert [why for why, _ in said.unread(prices.unreadable)] == ["volume: 'many' is not a whole number"]


# -- over the wire ----------------------------------------------------------------------------------------------------


def online(server: LiveServer, folder: Path, *tickers: str) -> Online:
    settings = Settings(tiingo_url=server.url, tiingo_key=KEY, timeout_seconds=0.5)
    return Online(SOURCE, settings, folder, Nothing(*tickers), datetime.now(UTC), wait=lambda seconds: None)


def test_the_key_is_sent_and_kept_nowhere(live_server: LiveServer, tmp_path: Path) -> None:
    live_server.body("/tiingo/daily/NVDA/prices", bars(Share(walk(DAYS))))
    live_server.body("/tiingo/daily/AMD/prices", {"detail": f"the key {KEY} is over its limit"})
    asking = online(live_server, tmp_path, "AMD", "NVDA")
    [received] = SOURCE.fetch(asking)
    assert received.name == "NVDA"
    assert "repeats a key" in asking.failures[0].why
    request = live_server.asked("/tiingo/daily/NVDA")[0]
    assert {name.lower(): value for name, value in request.headers.items()}["authorization"] == f"Token {KEY}"
    assert request.query["startDate"] == "2023-06-01"
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert kept
    assert all(KEY.encode() not in path.read_bytes() for path in kept)
    assert KEY not in str(asking.failures) + received.url


def test_a_wrong_key_stops_the_source_with_what_to_do(live_server: LiveServer, tmp_path: Path) -> None:
    live_server.script("/tiingo/daily/AMD/prices", Reply({"detail": "Invalid token."}, 401))
    with pytest.raises(StoppedError, match="OVERBUILD_TIINGO_KEY"):
        list(SOURCE.fetch(online(live_server, tmp_path, "AMD", "NVDA")))
    assert len(live_server.asked()) == 1


def test_it_is_asked_only_with_a_key() -> None:
    assert SOURCE.optional
    assert SOURCE.ready(Settings(tiingo_key=KEY)) is None
    assert "OVERBUILD_TIINGO_KEY" in (SOURCE.ready(Settings(tiingo_key=" ")) or "")
    assert pl.Series(SOURCE.tables).to_list() == ["stock_prices", "corporate_actions"]
