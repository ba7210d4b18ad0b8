"""The panel: which tickers are looked at and as what.

The role is our classification (who sells compute, who buys it, who powers it, who uses it), valid at every date.
"""

from warehouse.tables.table import Column, core

ROLES = ("supplier", "buyer", "power", "neocloud", "adopter", "benchmark")

TABLE = core(
    "companies",
    "tickers of the panel with their role and fiscal year",
    [
        Column("ticker", "text", "ticker", required=True),
        Column("company", "text", "name", required=True),
        Column("role", "text", "role in the question", required=True, allowed=ROLES),
        Column("cik", "integer", "the SEC's number; null where its filings are not used", minimum=1),
        Column("fiscal_year_end_month", "integer", "month in which the fiscal year ends", minimum=1, maximum=12),
    ],
    key=("ticker",),
    identity=("ticker", "known_on"),
)
