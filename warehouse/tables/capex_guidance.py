"""What companies said they would spend.

Guidance is revealed preference: after the shock of January 2025 those who buy could have said less, and their words
are dated. A fiscal year of one company is not the fiscal year of another.
"""

from warehouse.tables.table import Check, Column, core

TABLE = core(
    "capex_guidance",
    "announced capital expenditure for a fiscal year",
    [
        Column("ticker", "text", "ticker of the company", required=True),
        Column("fiscal_year", "integer", "the company's fiscal year", required=True, minimum=2000, maximum=2100),
        Column("issued_on", "date", "day of the announcement", required=True),
        Column("low_usd", "integer", "low end", "USD", required=True, above=0),
        Column("high_usd", "integer", "high end", "USD", required=True, above=0),
        Column("note", "text", "what to know about the row"),
    ],
    key=("ticker", "issued_on", "fiscal_year"),
    identity=("ticker", "issued_on", "fiscal_year", "known_on"),
    checks=(
        Check(
            "range_in_order",
            "low_usd > high_usd",
            "a range whose ends are swapped would be read as a cut",
            quarantines=True,
            columns=("low_usd", "high_usd"),
        ),
    ),
    quarantine_limit=0.05,
)
