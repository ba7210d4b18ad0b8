"""Prices changed on purpose, and returns taken straight from the files, for the tests of the event marts."""

from __future__ import annotations

import csv
import gzip
from datetime import date
from itertools import pairwise

import numpy as np
import polars as pl

from tests.conftest import AS_OF, recorded
from warehouse.assumptions import load
from warehouse.marts import known
from warehouse.marts.market.event_study import MART

EVENT = date(2025, 1, 27)
MAIN = {"event_date": EVENT, "benchmark": "SPY", "model": "market_model", "return_kind": "simple"}
DAY, TWO_DAYS, ELEVEN_DAYS = (
    {"window_start": first, "window_end": last} for first, last in ((0, 0), (0, 1), (0, 10))
)  # fmt: skip
PANEL = {"NVDA": "supplier", "AMD": "supplier", "MSFT": "buyer", "SPY": "benchmark"}


def study(facts, as_of: date = AS_OF, tickers: dict[str, str] | None = PANEL, **changes) -> pl.DataFrame:
    """The mart of a few tickers and SPY alone, with some assumptions changed."""
    assumed = load().replaced({"benchmarks": ["SPY"], "events": {"value": {"2025-01-27": "fall"}}, **changes})
    frames = known(facts, as_of)
    if tickers is not None:
        keep = list(tickers)
        frames["companies"] = frames["companies"].filter(pl.col("ticker").is_in(keep))
        frames["stock_prices"] = frames["stock_prices"].filter(pl.col("ticker").is_in(keep))
    return MART.run(frames, as_of=as_of, assumptions=assumed)


def one(frame: pl.DataFrame, **key) -> dict:
    rows = frame.filter(*(pl.col(name) == value for name, value in key.items())).to_dicts()
    assert len(rows) == 1
    return rows[0]


def closes(facts, ticker: str) -> dict[date, float]:
    rows = facts["stock_prices"].filter(pl.col("ticker") == ticker).sort("date")
    return dict(zip(rows["date"], rows["adj_close"], strict=True))


def returns(facts, ticker: str) -> dict[date, float]:
    """Simple returns from one file row to the next: the file's own days, no calendar."""
    days = list(closes(facts, ticker).items())
    return {day: now / before - 1 for (_, before), (day, now) in pairwise(days)}


def around(facts, tickers: list[str], event: date, first: int, last: int) -> np.ndarray:
    """Returns of the days `first` to `last` from the event, days by tickers."""
    series = [returns(facts, ticker) for ticker in tickers]
    days = sorted(series[-1])
    at = days.index(event)
    return np.array([[one[day] for one in series] for day in days[at + first : at + last + 1]])


def without(facts, **where) -> dict[str, pl.DataFrame]:
    """The facts without the bars that match."""
    bad = pl.all_horizontal(pl.col(name) == value for name, value in where.items())
    return {**facts, "stock_prices": facts["stock_prices"].filter(~bad)}


def changed(facts, where: pl.Expr, **columns: pl.Expr) -> dict[str, pl.DataFrame]:
    """The facts with some columns of some bars replaced."""
    bars = facts["stock_prices"].with_columns(
        pl.when(where).then(value).otherwise(pl.col(name)).alias(name) for name, value in columns.items()
    )
    return {**facts, "stock_prices": bars}


def priced(facts, where: pl.Expr, value: pl.Expr) -> dict[str, pl.DataFrame]:
    """The facts with other adjusted closes for some bars; the bar's other prices keep their ratio to it."""
    others = {name: pl.col(name) * value / pl.col("adj_close") for name in ("open", "high", "low", "close")}
    return changed(facts, where, **others, adj_close=value)


def yahoo(ticker: str) -> dict[date, float]:
    path = recorded("event_study", f"yahoo_{ticker}_2023-07-03_2025-04-29.csv.gz")
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()[3:]
    return {date.fromisoformat(day): float(close) for day, close, *_ in csv.reader(lines)}
