"""Share counts from the cover pages of filings.

A market value lost in a day is a price change times the shares that were known that day, on the same split basis.
The count is measured on one day and public on a later one.
"""

from warehouse.tables.table import Check, Column, core, of_the_panel

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
        of_the_panel(),
        Check(
            "count_as_before",
            """
            with splits as (select distinct ticker, date, value from {core:corporate_actions} where kind = 'split'),
            today as (
              select t.*, t.shares * coalesce((select product(s.value) from splits s
                where s.ticker = t.ticker and s.date > t.measured_on), 1) as on_todays_basis from {table} t),
            around as (
              select *, median(on_todays_basis) over (partition by ticker) as usual, count(*) over (partition by ticker) as counts
              from today)
            select ticker, measured_on, shares, round(usual) as usual_on_todays_basis, document_sha256, locator from around
            where counts >= 3 and usual >= 1000000 and on_todays_basis / usual not between 0.2 and 5
            """,
            "a count of shares five times another, with no split between them, is in thousands or of another company",
            severity="warning",
            columns=("shares",),
        ),
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
