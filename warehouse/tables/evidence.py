"""Figures that no filing gives: AI revenue, fleets, useful lives, required-revenue estimates, trends.

Each has a date it is about and a day it became public, which for an estimate may be a year later.
"""

from warehouse.tables.table import Check, Column, core

TABLE = core(
    "evidence",
    "single figures from papers, statements and the press, with low and high where given",
    [
        Column("evidence_id", "text", "identifier of the row", required=True),
        Column("topic", "text", "what it is about", required=True),
        Column("entity", "text", "company, group or author", required=True),
        Column("metric", "text", "which figure", required=True),
        Column("as_of_date", "date", "day the figure is about", required=True),
        Column("value", "real", "the figure", required=True),
        Column("value_low", "real", "low end"),
        Column("value_high", "real", "high end"),
        Column("unit", "text", "unit of the three", required=True),
        Column("confidence", "text", "confidence of whoever compiled the row"),
        Column("note", "text", "what to know about the row"),
    ],
    key=("evidence_id",),
    identity=("evidence_id", "known_on"),
    checks=(
        Check(
            "range_holds_the_value",
            "value < value_low or value > value_high",
            "a value outside its own range has its columns swapped",
            quarantines=True,
            columns=("value", "value_low", "value_high"),
        ),
        Check(
            "known_after_it_happened",
            "select * from {table} where known_on < as_of_date "
            "and not (month(as_of_date) = 12 and day(as_of_date) = 31 and year(as_of_date) >= year(known_on))",
            "a figure cannot be public before the day it is about; one about the end of a year still to end is a projection",
            severity="warning",
            columns=("as_of_date", "known_on"),
        ),
    ),
)
