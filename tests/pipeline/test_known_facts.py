"""Marts are given the bars that they look at, however many others the warehouse holds."""

from __future__ import annotations

from datetime import date

import polars as pl

from tests.conftest import with_provenance
from warehouse.assumptions import load
from warehouse.database.store import opened
from warehouse.pipeline import known_facts
from warehouse.tables import CORE

BARS, COMPANIES, SHARES = CORE["stock_prices"], CORE["companies"], CORE["shares_outstanding"]
BAR = {"date": date(2025, 1, 21), "open": 1.0, "high": 1.0, "low": 1.0, "close": 1.0, "adj_close": 1.0, "volume": 1}
FIRM = {"company": "A firm", "role": "supplier", "cik": 1, "fiscal_year_end_month": 1}
COUNT = {"measured_on": date(2025, 1, 21), "shares": 1}


def test_of_a_whole_market_the_bars_of_the_panel_the_benchmarks_and_the_counted_shares_are_read(tmp_path):
    with opened(tmp_path / "warehouse.duckdb", tmp_path / "staging.duckdb") as store:
        tickers = ["FIRM", "COUNTED", "SPY", *(f"OTHER{n}" for n in range(50))]
        for table, rows in (
            (BARS, [BAR | {"ticker": ticker} for ticker in tickers]),
            (COMPANIES, [FIRM | {"ticker": "FIRM"}]),
            (SHARES, [COUNT | {"ticker": "COUNTED"}]),
        ):
            store.append(table, with_provenance(table, pl.DataFrame(rows)))
        facts = known_facts.for_marts(store, load(), date(2025, 1, 23))
        assert facts["stock_prices"]["ticker"].to_list() == ["COUNTED", "FIRM", "SPY"]
        assert facts["stock_prices"].schema == BARS.polars_schema
        assert facts["companies"].height == facts["shares_outstanding"].height == 1
        assert facts["sessions"]["session"].max() == date(2025, 1, 23)
        assert known_facts.count(store) == len(tickers) + 2
