"""Figures that no filing gives: AI revenue, fleets, useful lives, required-revenue estimates, trends.

Each has a date it is about and a day it became public, which for an estimate may be a year later.
"""

from warehouse.tables.columns import CONFIDENCE, NOTE
from warehouse.tables.guide import Guide
from warehouse.tables.promise import ON_CALL, RESEARCH, Promise
from warehouse.tables.table import Check, Column, core

WIDEST = 100
IMPUTED_DAYS = (88, 92)
"""A day of publication so long after the day that a figure is about was put in by rule: a quarter later."""
_CODES = "eur|gbp|cny|rmb|jpy|krw|twd|ntd|inr|cad|aud|nzd|hkd|sgd|chf|sek|nok|dkk|ils|aed|sar|brl|mxn"
OTHER_CURRENCY = f"^([a-z]?[a-z]?[a-z][$]|[€£¥₩₹]|({_CODES})([^a-z]|$))"

TOPICS = {
    "ai_revenue": "what AI earns, and who earns it",
    "required_revenue": "published estimates of what the spending has to bring",
    "programme_cost": "what labs spend on research, staff and hardware",
    "capex": "spending as the press and companies say it",
    "capacity": "how many chips the world and each owner has",
    "usage": "tokens and users",
    "useful_life": "how long hardware is used and written off",
    "inference": "cost and share of serving users",
    "efficiency": "how fast training gets cheaper",
    "elasticity": "how demand responds to price",
    "energy": "electricity",
    "market": "market values as printed",
    "capability": "how good models are",
    "analogy": "earlier waves of investment",
}

TABLE = core(
    "evidence",
    "single figures from papers, statements and the press, with low and high where given",
    [
        Column("evidence_id", "text", "identifier of the row", required=True),
        Column("topic", "text", "what it is about", required=True, named=TOPICS),
        Column("entity", "text", "company, group or author", required=True),
        Column("metric", "text", "which figure", required=True),
        Column("as_of_date", "date", "day the figure is about", required=True),
        Column("value", "real", "the figure", required=True),
        Column("value_low", "real", "low end"),
        Column("value_high", "real", "high end"),
        Column("unit", "text", "unit of the three", required=True),
        CONFIDENCE,
        NOTE,
    ],
    promise=Promise(RESEARCH, ON_CALL, 100, "days", "newest_fact"),
    key=("evidence_id",),
    identity=("evidence_id", "known_on"),
    checks=(
        Check(
            "share_is_a_fraction",
            "unit = 'share' and (value not between 0 and 1 or value_low not between 0 and 1 or value_high not between 0 and 1)"
            " or unit = 'return' and (value not between -1 and 5)",
            "shares and returns are fractions here; one in percent is a hundred times too large",
            quarantines=True,
            columns=("value", "unit"),
        ),
        Check(
            "amount_possible",
            "unit like 'USD%' and (value < 0 or value > 1e14) or unit in ('H100e', 'GPU') and (value <= 0 or value > 1e9) "
            "or unit = 'years' and value not between 0.1 and 60 or unit = 'GPU-hour' and (value <= 0 or value > 1e11)",
            "an amount that nothing on earth has is in another unit",
            quarantines=True,
            columns=("value", "unit"),
        ),
        Check(
            "revenue_above_zero",
            "topic = 'ai_revenue' and unit like 'USD%' and (value <= 0 or value_low < 0 or value_high <= 0)",
            "a revenue of nothing, or of less, is a missing figure: it would say that a company sells nothing",
            quarantines=True,
            columns=("value", "value_low", "value_high"),
        ),
        Check(
            "money_in_dollars",
            f"regexp_matches(lower(trim(unit)), '{OTHER_CURRENCY}') and not starts_with(lower(trim(unit)), 'us$')",
            "money in another currency stands in no sum of dollars. Give it in USD at the rate of its day, and say so in the note",
            quarantines=True,
            columns=("unit", "value"),
        ),
        Check(
            "low_not_above_high",
            "value_low > value_high",
            "a range whose low end is above its high end has them swapped, or one of the two is another figure's",
            quarantines=True,
            columns=("value_low", "value_high"),
        ),
        Check(
            "far_from_the_same_metric",
            "with others as (select evidence_id, median(value) over w as usual, count(*) over w as n from {table} "
            "where value > 0 window w as (partition by topic, metric, unit, entity)) "
            "select e.evidence_id, e.entity, e.metric, e.as_of_date, e.value, e.unit, o.usual, e.document_sha256, e.locator "
            "from {table} e join others o using (evidence_id) "
            "where o.n >= 2 and greatest(e.value / o.usual, o.usual / e.value) >= 300",
            "two figures of one metric and entity that differ by hundreds are in two units",
            severity="warning",
            columns=("value",),
            quarantines_compared=True,
        ),
        Check(
            "range_holds_the_value",
            "value < value_low or value > value_high",
            "a value outside its own range has its columns swapped",
            quarantines=True,
            columns=("value", "value_low", "value_high"),
        ),
        Check(
            "range_not_too_wide",
            f"select * from {{table}} where value_low > 0 and value_high > {WIDEST} * value_low",
            "a range of more than a hundredfold has a digit too many at one end, and its middle decides nothing",
            severity="warning",
            columns=("value_low", "value_high"),
        ),
        Check(
            "unit_as_elsewhere",
            "with units as (select unit, count(*) as n from {table} group by all) "
            "select e.evidence_id, e.unit, u.unit as usual_unit, e.document_sha256, e.locator from {table} e "
            "join units o using (unit) join units u on lower(regexp_replace(u.unit, '[^A-Za-z0-9/]', '', 'g')) = "
            "lower(regexp_replace(e.unit, '[^A-Za-z0-9/]', '', 'g')) and u.unit <> e.unit and u.n > o.n",
            "a unit that is spelt otherwise than elsewhere keeps its figure out of every sum without a word",
            severity="warning",
            columns=("unit",),
        ),
        Check(
            "known_on_looks_imputed",
            "select evidence_id, entity, metric, as_of_date, known_on, known_on - as_of_date as days_after, document_sha256, "
            f"locator from {{table}} where known_on - as_of_date between {IMPUTED_DAYS[0]} and {IMPUTED_DAYS[1]}",
            "a day of publication that was put in by rule lets a figure count before it was public, or hides it after",
            severity="warning",
            columns=("known_on", "as_of_date"),
        ),
        Check(
            "known_on_the_day_it_ended",
            "select evidence_id, entity, metric, as_of_date, known_on, unit, document_sha256, locator from {table} "
            "where known_on = as_of_date and as_of_date = last_day(as_of_date) and month(as_of_date) % 3 = 0 "
            "and regexp_matches(unit, '^USD/(quarter|year|fiscal-year)')",
            "what a company earned in a period is told weeks after its last day; a row known on that day looks ahead",
            severity="warning",
            columns=("known_on", "as_of_date"),
        ),
        Check(
            "one_statement_one_grade",
            r"""
            with cited as (select *, regexp_extract(citation, 'https?://[^ ,;)]+') as address from {table})
            select a.evidence_id, a.entity, a.metric, a.value, a.unit, a.grade, b.evidence_id as other_evidence_id,
              b.grade as other_grade, a.document_sha256, a.locator
            from cited a join cited b on a.evidence_id < b.evidence_id and a.entity = b.entity and a.value = b.value
              and a.unit = b.unit and a.address = b.address and a.address <> ''
            where a.grade <> b.grade
            """,
            "one statement has one grade: one page cannot be hearsay in one row and press in another",
            severity="warning",
            columns=("grade",),
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
    guide=Guide(
        "One row for each figure that a source gives.",
        "over rows: each has its own metric, unit and day, and later figures replace earlier ones.",
        {
            "What is known of AI revenue?": "select entity, metric, as_of_date, value, unit, grade from evidence where "
            "topic = 'ai_revenue' order by as_of_date desc limit 20",
            "How many figures are there of each topic?": "select topic, count(*) as figures, max(known_on) as newest from "
            "evidence group by all order by all",
            "How long is hardware used?": "select entity, metric, value, unit, citation from evidence where topic = "
            "'useful_life'",
        },
    ),
)
