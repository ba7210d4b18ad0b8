"""US consumer prices by month: the deflator of rental prices.

A glut is a real fall of rental prices. One that falls by 3 % in a year of 3 % inflation fell by 6 % in real terms. The index is
that of all urban consumers and all items, not seasonally adjusted (CPI-U NSA). It is never revised, so a month has one figure for
good.

The Bureau of Labor Statistics publishes a month in the month after, on a day that moves. The rows count from the last day of that
month, so that no run knows a figure too early. October 2025 was never collected: that month has no row, and nobody may invent one.
"""

from warehouse.tables.guide import Guide
from warehouse.tables.promise import ON_CALL, RESEARCH, Promise
from warehouse.tables.table import Check, Column, core

SERIES = "CPI-U NSA"
MOST_OF_A_MONTH = 0.05
"""The largest change in a month since 1950 is 1.9 % (August 1973 and, downwards, November 2008)."""

TABLE = core(
    "consumer_prices",
    "US consumer prices by month, to turn nominal prices into real ones",
    [
        Column("month", "date", "first day of the month that the index is about", required=True),
        Column(
            "series",
            "text",
            "which index",
            required=True,
            allowed={SERIES: "all urban consumers, US city average, all items, not seasonally adjusted"},
        ),
        Column("index_value", "real", "the index", "1982 to 1984 = 100", required=True, above=0),
    ],
    promise=Promise(RESEARCH, ON_CALL, 50, "days", "newest_fact"),
    key=("month",),
    checks=(
        Check(
            "first_day_of_its_month",
            "day(month) <> 1",
            "a month that is written with another day joins nothing",
            quarantines=True,
            columns=("month",),
        ),
        Check(
            "known_in_the_month_after",
            "known_on <= last_day(month)",
            "the index of a month is published when it is over; one known earlier would let a run look ahead",
            quarantines=True,
            columns=("known_on", "month"),
        ),
        Check(
            "moves_as_prices_do",
            f"""
            with beside as (
              select *, lag(index_value) over w as before_index, lag(month) over w as before_month
              from {{table}} window w as (order by month, known_on))
            select month, index_value, before_month, before_index, document_sha256, locator from beside
            where abs(ln(index_value / before_index)) > {MOST_OF_A_MONTH} * greatest(1, date_diff('month', before_month, month))
            """,
            "consumer prices never move by a twentieth in a month: the figure has a wrong digit or is of another base year",
            severity="warning",
            columns=("index_value",),
        ),
    ),
    guide=Guide(
        "One row for each month.",
        "over months: it is an index.",
        {
            "How did prices move in a year?": "select month, index_value, index_value / lag(index_value, 12) over (order "
            "by month) - 1 as change_in_a_year from consumer_prices order by month desc limit 12",
            "What is a dollar of January 2023 in the newest month's dollars?": "select max_by(index_value, month) / "
            "any_value(index_value) filter (month = '2023-01-01') as dollars from consumer_prices",
            "Which months are known?": "select min(month) as first_month, max(month) as last_month, count(*) as months "
            "from consumer_prices",
        },
    ),
)
