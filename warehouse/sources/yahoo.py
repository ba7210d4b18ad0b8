"""Daily bars, splits and dividends from the chart endpoint of Yahoo Finance.

The endpoint is not documented and not promised to anyone; browsers' pages use it. So it is asked slowly: one request a
second, each symbol once a day, only what is missing. It may refuse at any time. A page that asks for a click or a
script in its place is a failure and is never answered.

What its answers mean, as recorded:

- Quotes are split-adjusted as of the day of the request, and `adjclose` is adjusted for dividends too.
- Figures are single precision, widened, so that 118.42 arrives as 118.41999816894531.
- A bar is stamped with the start of its session. Its date is that stamp in the exchange's own time zone: `gmtoffset` is
  today's offset and not the bar's.
- The last bar may be of a session that still runs.
- A row of nulls is a bar that Yahoo lacks. An answer without `timestamp` holds no bars, which is no error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from math import inf, isfinite
from typing import Any
from urllib.parse import quote, unquote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from warehouse.settings import Setting
from warehouse.sources.common import daily_bars, json_text
from warehouse.sources.common.daily_bars import History, HistoryRows, wrong
from warehouse.sources.common.parsing import finite
from warehouse.sources.common.source import Batch, Document, Fetching, Received, Source

NAME = "yahoo"
HOST = "query1.finance.yahoo.com"
PATH = "/v8/finance/chart/"
CURRENCY = "USD"
USER_AGENT = Setting(
    "OVERBUILD_YAHOO_USER_AGENT",
    default="Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
)
SINGLE_PRECISION_DIGITS = 9
"""So many significant digits tell any single-precision number from any other."""
QUOTES = ("open", "high", "low", "close", "volume")
CITATION = f"Yahoo Finance chart of {{ticker}}, {HOST}, read {{day}}"


def _fetch(fetching: Fetching) -> Iterator[Received]:
    return daily_bars.fetch(fetching, NAME, _ask, read)


def _ask(fetching: Fetching, ticker: str, first: date, last: date) -> Received | None:
    return fetching.get(
        f"https://{HOST}{PATH}{quote(ticker, safe='')}",
        name=ticker,
        expect="json",
        params={
            "period1": str(daily_bars.midnight(first)),
            "period2": str(daily_bars.midnight(last + timedelta(days=1))),
            "interval": "1d",
            "events": "div,splits",
        },
        fresh_for=daily_bars.FRESH_FOR,
    )


def read(document: Document) -> History:
    """The history in a chart document. Raises DocumentError, with Yahoo's own words where it has some."""
    ticker = unquote(urlsplit(document.url).path.rpartition("/")[2])
    chart = _chart(document)
    meta = chart.get("meta")
    if not isinstance(meta, dict):
        raise wrong(document, "chart.result[0].meta is missing; the format has changed")
    _check_meta(document, meta, ticker, bars="timestamp" in chart)
    zone = _zone(document, meta)
    rows = HistoryRows(ticker)
    _read_actions(document, chart.get("events") or {}, zone, rows)
    stamps = chart.get("timestamp")
    if stamps is not None:
        _read_bars(document, stamps, chart, zone, rows)
    return rows.done()


def _chart(document: Document) -> dict[str, Any]:
    body = json_text.read(document.body, document.name)
    answer: Any = next((value for key in ("chart", "finance") if isinstance(value := _of(body, key), dict)), None)
    if answer is None:
        keys = ", ".join(body) if isinstance(body, dict) else type(body).__name__
        raise wrong(document, f"has no `chart` but {keys or 'nothing'}; the format has changed")
    if refusal := answer.get("error"):
        said = f"{refusal.get('code')}: {refusal.get('description')}" if isinstance(refusal, dict) else str(refusal)
        raise wrong(document, f"Yahoo says {said}. Check the symbol, or take it out of the panel")
    result: Any = answer.get("result")
    if not isinstance(result, list) or not result or not isinstance(result[0], dict):
        raise wrong(document, "chart.result is empty and names no error; the format has changed")
    return result[0]


def _check_meta(document: Document, meta: Mapping[str, Any], ticker: str, bars: bool) -> None:
    symbol, currency = meta.get("symbol"), meta.get("currency")
    if symbol and str(symbol).upper() != ticker.upper():
        raise wrong(document, f"{ticker} was asked for and the answer is about {symbol}")
    if currency != CURRENCY:
        raise wrong(
            document,
            f"the prices are in {currency or 'a currency that is not named'}, and only {CURRENCY} can be compared with "
            "the panel; nothing is converted. Take the symbol of a listing in the United States",
        )
    if bars and meta.get("dataGranularity", "1d") != "1d":
        raise wrong(document, f"bars of {meta['dataGranularity']} where daily ones were asked for")


def _zone(document: Document, meta: Mapping[str, Any]) -> ZoneInfo:
    name = meta.get("exchangeTimezoneName")
    try:
        return ZoneInfo(str(name))
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise wrong(document, f"exchangeTimezoneName is {name!r}, so no bar can be given a date") from error


def _read_bars(document: Document, stamps: Any, chart: Mapping[str, Any], zone: ZoneInfo, rows: HistoryRows) -> None:
    quotes = _first(_of(chart.get("indicators"), "quote"))
    adjusted = _first(_of(chart.get("indicators"), "adjclose"))
    columns: dict[str, Any] = {name: quotes.get(name) for name in QUOTES} | {"adj_close": adjusted.get("adjclose")}
    for name, values in columns.items():
        if not isinstance(values, list) or not isinstance(stamps, list):
            raise wrong(document, f"the field {name} is missing; the format has changed")
        if len(values) != len(stamps):
            raise wrong(document, f"{len(values)} values of {name} for {len(stamps)} bars; it was cut short")
    columns = {name: shortest_decimals(values) for name, values in columns.items()}
    for at, stamp in enumerate(stamps):
        figures = {name: values[at] for name, values in columns.items()}
        rows.bar(_date(document, stamp, zone, f"timestamp[{at}]"), f"timestamp[{at}]", **figures)


def _read_actions(document: Document, events: Any, zone: ZoneInfo, rows: HistoryRows) -> None:
    if not isinstance(events, dict):
        raise wrong(document, "chart.result[0].events is not an object; the format has changed")
    for key, event in _entries(document, events, "dividends"):
        where = f"events.dividends.{key}"
        amount = finite(_of(event, "amount"))
        if amount is None or amount <= 0:
            raise wrong(document, f"{where}: amount is {_of(event, 'amount')!r}, not dollars for a share")
        rows.actions.append((_date(document, _of(event, "date"), zone, where), "dividend", amount, where))
    for key, event in _entries(document, events, "splits"):
        where = f"events.splits.{key}"
        new, old = finite(_of(event, "numerator")), finite(_of(event, "denominator"))
        if not new or not old or not 0 < new / old < inf:
            raise wrong(document, f"{where}: {new} for {old} is not the ratio of a split")
        rows.actions.append((_date(document, _of(event, "date"), zone, where), "split", new / old, where))


def _entries(document: Document, events: Mapping[str, Any], kind: str) -> list[tuple[str, Any]]:
    found = events.get(kind) or {}
    if not isinstance(found, dict | list):
        raise wrong(document, f"events.{kind} is {found!r}, neither an object nor a list; the format has changed")
    return sorted(found.items()) if isinstance(found, dict) else [(str(at), entry) for at, entry in enumerate(found)]


def _date(document: Document, stamp: Any, zone: ZoneInfo, where: str) -> date:
    seconds = finite(stamp)
    if seconds is None or not 0 <= seconds < 2**33:
        raise wrong(document, f"{where}: {stamp!r} is not a time in seconds since 1970")
    return datetime.fromtimestamp(seconds, UTC).astimezone(zone).date()


def shortest_decimals(values: list[Any]) -> list[Any]:
    """Figures as they were before they were widened: the shortest decimals that are the same single-precision numbers.

    What is no single-precision number stays as it is, and so does what is no number.
    """
    places = [at for at, value in enumerate(values) if isinstance(value, float) and value != 0 and isfinite(value)]
    wide = np.array([values[at] for at in places], dtype=np.float64)
    with np.errstate(over="ignore"):  # what is too large for single precision is none
        narrow = wide.astype(np.float32)
    found = wide.copy()
    waiting = narrow == wide
    magnitude = np.floor(np.log10(np.abs(wide)))
    for digits in range(1, SINGLE_PRECISION_DIGITS + 1):
        decimals = digits - 1 - magnitude
        # Powers up to 10^22 are exact, so that one division or product gives the double nearest to the decimal.
        up, down = 10.0 ** np.clip(decimals, 0, None), 10.0 ** np.clip(-decimals, 0, None)
        candidate = np.rint(wide * up / down) / up * down
        hit = waiting & (candidate.astype(np.float32) == narrow)
        found[hit] = candidate[hit]
        waiting &= ~hit
    result = list(values)
    for at, value in zip(places, found.tolist(), strict=True):
        result[at] = value
    return result


def _first(value: Any) -> dict[str, Any]:
    return value[0] if isinstance(value, list) and value and isinstance(value[0], dict) else {}


def _of(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, dict) else None


def _parse(document: Document) -> Iterator[Batch]:
    return daily_bars.parse(document, read, CITATION)


SOURCES = (
    Source(
        name=NAME,
        kind="live",
        feed="prices",
        gives="daily bars, splits and dividends of the panel",
        tables=("stock_prices", "corporate_actions"),
        fetch=_fetch,
        parse=_parse,
        terms="an unofficial endpoint for personal use under Yahoo's terms; prices are kept here and not passed on",
        passed_on=False,
        on_refusal="Yahoo refuses some addresses and clients for a while; wait, or set OVERBUILD_YAHOO_USER_AGENT.",
        host=HOST,
        host_setting="OVERBUILD_YAHOO_URL",
        requests_per_second=0.9,  # one a second at most, whenever they arrive
        max_bytes=20_000_000,
        user_agent=USER_AGENT.of,
        backfills=True,
        history_at_once=True,
    ),
)
