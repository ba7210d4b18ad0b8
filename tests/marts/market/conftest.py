"""The event study of the snapshot, and recorded closes as facts."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from tests.built import build
from tests.conftest import AS_OF, with_provenance
from tests.marts.market.cases import yahoo
from warehouse.tables import CORE


@pytest.fixture(scope="module")
def published(facts, assumptions) -> pl.DataFrame:
    return build(facts, as_of=AS_OF, assumptions=assumptions, only=["event_study"])["event_study"]


@pytest.fixture(scope="module")
def nasdaq_facts(facts) -> dict[str, pl.DataFrame]:
    """Recorded closes of three shares and of the Nasdaq index as facts."""
    tickers = {"AAPL": "adopter", "MSFT": "buyer", "NVDA": "supplier", "IXIC": "benchmark"}
    bars = [(ticker, day, close) for ticker in tickers for day, close in yahoo(ticker).items()]
    frame = pl.DataFrame(bars, schema=["ticker", "date", "close"], orient="row").with_columns(
        adj_close=pl.col("close"), known_on=pl.col("date")
    )
    panel = pl.DataFrame({"ticker": list(tickers), "role": list(tickers.values())})
    panel = panel.with_columns(known_on=pl.lit(date(1970, 1, 1)))
    return {
        "stock_prices": with_provenance(CORE["stock_prices"], frame),
        "companies": with_provenance(CORE["companies"], panel),
        "sessions": facts["sessions"],
    }
