"""Share counts from the cover pages of filings.

A market value lost in a day is a price change times the shares that were known that day, on the same split basis.
The count is measured on one day and public on a later one.
"""

from warehouse.tables.table import Check, Column, core

TABLE = core(
    "shares_outstanding",
    "shares outstanding as printed on the cover page of a filing",
    [
        Column("ticker", "text", "ticker of the company", required=True),
        Column("measured_on", "date", "day the count is about", required=True),
        Column("shares", "integer", "shares outstanding, on the split basis of that day", "shares", True, above=0),
    ],
    key=("ticker", "measured_on"),
    identity=("ticker", "measured_on", "known_on"),
    checks=(
        Check(
            "known_after_measured",
            "known_on < measured_on",
            "a count cannot be public before the day it is about",
            quarantines=True,
            columns=("measured_on", "known_on"),
        ),
    ),
    quarantine_limit=0.05,
)
