"""Daily bars, splits and dividends from Tiingo: a second source with a key, to hold the first one against.

Its `close` is the price as it was traded, and its `adjClose` is adjusted for splits and dividends. Ours lies between
the two, adjusted for splits alone. So the traded prices are divided by the splits that come after them in the same
answer, which therefore always reaches to today. A split stands in the row of the first day on the new basis
(`splitFactor`). A dividend stands in the row of its ex-day (`divCash`, dollars as paid).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from math import inf, isfinite
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from warehouse.settings import Setting, Settings
from warehouse.sources.common import daily_bars, json_text
from warehouse.sources.common.daily_bars import History, HistoryRows, wrong
from warehouse.sources.common.parsing import finite
from warehouse.sources.common.source import Batch, Document, Fetching, Received, Source

NAME = "tiingo"
HOST = "api.tiingo.com"
PATH = "/tiingo/daily/"
KEY = Setting("OVERBUILD_TIINGO_KEY")
FIELDS = ("date", "open", "high", "low", "close", "volume", "adjClose", "divCash", "splitFactor")
CITATION = f"Tiingo end-of-day prices of {{ticker}}, {HOST}, read {{day}}"
DIGITS = 6
"""Divided prices are rounded here, where no vendor's price says anything any more."""


def _ready(settings: Settings) -> str | None:
    return None if KEY.of(settings).strip() else f"it needs a key: get one at tiingo.com and set {KEY.name}."


def _fetch(fetching: Fetching) -> Iterator[Received]:
    return daily_bars.fetch(fetching, NAME, _ask, read)


def _ask(fetching: Fetching, ticker: str, first: date, last: date) -> Received | None:
    return fetching.get(
        f"https://{HOST}{PATH}{quote(ticker, safe='')}/prices",
        name=ticker,
        expect="json",
        params={"startDate": first.isoformat(), "endDate": last.isoformat(), "format": "json"},
        headers={"Authorization": f"Token {KEY.of(fetching.settings).strip()}"},
        fresh_for=daily_bars.FRESH_FOR,
    )


def read(document: Document) -> History:
    """The history in an answer, on the basis of its last day. Raises DocumentError, with Tiingo's own words if any."""
    ticker = unquote(urlsplit(document.url).path.split("/")[-2])
    found = _bars(document)
    rows = HistoryRows(ticker)
    ratio = 1.0  # of the splits after the bar at hand
    for at, bar in reversed(list(enumerate(found))):
        where = f"[{at}]"
        day = _date(document, bar["date"], where)
        figures = {name: _divided(bar[name], ratio) for name in ("open", "high", "low", "close")}
        # adj_close is on the same basis already; above close by rounding only, where nothing was paid since.
        figures["adj_close"] = _at_most(bar["adjClose"], figures["close"])
        figures["volume"] = _multiplied(bar["volume"], ratio)
        rows.bar(day, where, **figures)
        paid = _figure(document, bar["divCash"], f"{where}.divCash", lambda cash: cash >= 0)
        if paid > 0:
            amount = _figure(document, paid / ratio, f"{where}.divCash", isfinite)
            rows.actions.append((day, "dividend", round(amount, DIGITS), where))
        split = _figure(document, bar["splitFactor"], f"{where}.splitFactor", lambda factor: factor > 0)
        if split != 1:
            rows.actions.append((day, "split", split, where))
            ratio *= split
            if not 0 < ratio < inf:
                raise wrong(document, f"{where}: the splits from there on multiply to {ratio}, which is no ratio")
    return rows.done()


def _bars(document: Document) -> list[dict[str, Any]]:
    body = json_text.read(document.body, document.name)
    if isinstance(body, dict):
        said = body.get("detail") or body.get("message") or body.get("error") or f"an object with {', '.join(body)}"
        raise wrong(document, f"Tiingo says: {said}")
    if not isinstance(body, list) or any(not isinstance(bar, dict) for bar in body):
        raise wrong(document, f"a list of bars was expected; the format has changed ({str(body)[:80]})")
    for at, bar in enumerate(body):
        if missing := [name for name in FIELDS if name not in bar]:
            raise wrong(document, f"[{at}]: the field {', '.join(missing)} is missing; the format has changed")
    return sorted(body, key=lambda bar: str(bar["date"]))


def _date(document: Document, value: Any, where: str) -> date:
    """The day of a bar: Tiingo stamps it with midnight UTC of that day."""
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError as error:
        raise wrong(document, f"{where}: date is {value!r}, not a day") from error


def _figure(document: Document, value: Any, where: str, allowed: Callable[[float], bool]) -> float:
    found = finite(value)
    if found is None or not allowed(found):
        raise wrong(document, f"{where} is {value!r}, which is no such figure")
    return found


def _divided(value: Any, ratio: float) -> Any:
    found = finite(value)
    return value if found is None else round(found / ratio, DIGITS)


def _multiplied(value: Any, ratio: float) -> Any:
    found = finite(value)
    return value if found is None or not isfinite(found * ratio) else round(found * ratio)


def _at_most(value: Any, close: Any) -> Any:
    adjusted, bound = finite(value), finite(close)
    if adjusted is None or not bound:
        return value
    return bound if 0 < adjusted / bound - 1 < 1e-4 else adjusted


def _parse(document: Document) -> Iterator[Batch]:
    return daily_bars.parse(document, read, CITATION)


SOURCES = (
    Source(
        name=NAME,
        kind="live",
        feed="prices",
        gives="daily bars, splits and dividends of the panel, to hold the first source against",
        tables=("stock_prices", "corporate_actions"),
        fetch=_fetch,
        parse=_parse,
        terms="Tiingo's terms: for internal use by the holder of the key, prices are not passed on",
        passed_on=False,
        needs=KEY.name,
        on_refusal=f"Check {KEY.name}, and what the plan of that key allows.",
        host=HOST,
        host_setting="OVERBUILD_TIINGO_URL",
        requests_per_second=0.9,  # one a second at most, whenever they arrive
        max_bytes=20_000_000,
        ready=_ready,
        optional=True,
        backfills=True,
        history_at_once=True,
    ),
)
