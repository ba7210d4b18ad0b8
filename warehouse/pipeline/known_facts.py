"""The facts as marts are given them: whole tables, but of prices the bars of those tickers that a mart looks at.

A market has ten thousand tickers. A mart asks for those of the panel, for the funds behind the benchmarks, and for
shares that are counted. Bars of others would take gigabytes and change no row.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from warehouse import sqltext
from warehouse.assumptions import Assumptions
from warehouse.calendars.exchange import FIRST_SESSION, as_traded, sessions
from warehouse.database.store import Database, rows
from warehouse.marts.market.panel import tickers_looked_at
from warehouse.quality import quarantined
from warehouse.tables import CORE


def for_marts(database: Database, assumptions: Assumptions, today: date) -> dict[str, pl.DataFrame]:
    """The frames that marts read, by name; sessions to `today`."""
    facts = {name: rows(database, table) for name, table in CORE.items() if name != "stock_prices"}
    asked = {*tickers_looked_at(facts["companies"], assumptions), *facts["shares_outstanding"]["ticker"]}
    bars = CORE["stock_prices"]
    facts["stock_prices"] = rows(database, bars, f"ticker IN ({sqltext.literals(sorted(asked))})")
    traded = database.execute(f"SELECT DISTINCT date FROM {bars.full_name}").pl()
    facts["sessions"] = as_traded(sessions(FIRST_SESSION, today), traded)
    facts["quarantined"] = quarantined.for_marts(database)
    return facts


def count(database: Database) -> int:
    """How many facts there are."""
    return sum(database.execute(f"SELECT count(*) FROM {table.full_name}").fetchone()[0] for table in CORE.values())
