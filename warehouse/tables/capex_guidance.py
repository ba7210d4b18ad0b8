"""What companies said they would spend.

Guidance is revealed preference: after the shock of January 2025 those who buy could have said less, and their words
are dated. A fiscal year of one company is not the fiscal year of another, and one company may speak of a calendar year.

Companies count different things as capital expenditure (`basis`), and two figures on different bases make no change:
`cash` is what is paid for property and equipment, `cash_and_lease_principal` adds the principal repaid on finance
leases, `with_finance_leases` every asset obtained under them, and `with_finance_leases_reclassified` the same once
future leases count as operating ones instead. Where nobody says, the usual words of a company are taken for cash.
"""

from warehouse.tables.columns import NOTE, TICKER
from warehouse.tables.guide import Guide
from warehouse.tables.promise import FILINGS, ON_CALL, Promise
from warehouse.tables.table import Check, Column, core, of_the_panel

FAR = 1.6
"""The furthest of the snapshot is 1.1 times the middle of the company's other words on the year."""
LATE_DAYS = 45
CASH, FISCAL = "cash", "fiscal"
BASIS_MEANINGS = {
    CASH: "what is paid for property and equipment",
    "cash_and_lease_principal": "the same, and the principal repaid on finance leases",
    "with_finance_leases": "the same, and every asset obtained under finance leases",
    "with_finance_leases_reclassified": "the same, once future leases count as operating ones",
}
YEAR_KIND_MEANINGS = {FISCAL: "the company's own", "calendar": "from January to December"}

TABLE = core(
    "capex_guidance",
    "announced capital expenditure for a fiscal year",
    [
        TICKER,
        Column("fiscal_year", "integer", "the company's fiscal year", required=True, minimum=2000, maximum=2100),
        Column("issued_on", "date", "day of the announcement", required=True),
        Column("low_usd", "integer", "low end", "USD", required=True, above=0),
        Column("high_usd", "integer", "high end", "USD", required=True, above=0),
        Column("basis", "text", "what the figure counts; null where it is not said", allowed=BASIS_MEANINGS),
        Column(
            "year_kind",
            "text",
            "whether `fiscal_year` is the company's or a calendar year; null: its own",
            allowed=YEAR_KIND_MEANINGS,
        ),
        NOTE,
    ],
    promise=Promise(FILINGS, ON_CALL, 100, "days", "newest_fact"),
    key=("ticker", "issued_on", "fiscal_year"),
    identity=("ticker", "issued_on", "fiscal_year", "known_on"),
    checks=(
        of_the_panel(),
        Check(
            "about_a_year_near_its_day",
            "fiscal_year not between year(issued_on) - 1 and year(issued_on) + 2 or known_on < issued_on",
            "companies speak of this year and the next; another year, or a day before the announcement, is a misprint",
            quarantines=True,
            columns=("fiscal_year", "issued_on", "known_on"),
        ),
        Check(
            "range_not_too_wide",
            "high_usd > 3 * low_usd",
            "a high end of three times the low end has a digit too many, and moves the mid-point",
            quarantines=True,
            columns=("low_usd", "high_usd"),
        ),
        Check(
            "of_the_size_of_the_spending",
            """
            with spent as (
              select ticker, median(value_usd) as spent_usd from {core:company_facts}
              where measure = 'purchases_of_property_and_equipment' and period_type in ('year', 'trailing_year')
                and period_end >= date '2022-01-01' group by all)
            select g.ticker, g.fiscal_year, g.issued_on, g.low_usd, g.high_usd, round(s.spent_usd) as usual_year_usd,
                   g.document_sha256, g.locator
            from {table} g join spent s using (ticker)
            where (g.low_usd + g.high_usd) / 2 not between s.spent_usd / 10 and 15 * s.spent_usd
            """,
            "guidance far from what the company spends in a year is in millions, or of another company",
            severity="warning",
            columns=("low_usd", "high_usd"),
            quarantines_compared=True,
        ),
        Check(
            "far_from_other_guidance",
            f"""
            with middles as (select *, (low_usd + high_usd) / 2 as middle from {{table}}),
            others as (
              select a.ticker, a.fiscal_year, a.issued_on, a.middle, median(b.middle) as of_others
              from middles a join middles b on a.ticker = b.ticker and a.fiscal_year = b.fiscal_year and a.issued_on <> b.issued_on
              group by all)
            select g.ticker, g.fiscal_year, g.issued_on, g.low_usd, g.high_usd, round(o.of_others) as middle_of_others_usd,
                   g.document_sha256, g.locator
            from {{table}} g join others o using (ticker, fiscal_year, issued_on)
            where greatest(o.middle / o.of_others, o.of_others / o.middle) >= {FAR}
            """,
            "what a company says of one year moves by a fraction. Words that stand far from its others are about another year, in "
            "another currency or have a misprint, and would be read as a cut or a rise",
            severity="warning",
            columns=("low_usd", "high_usd", "fiscal_year"),
        ),
        Check(
            "known_when_issued",
            f"select ticker, fiscal_year, issued_on, known_on, document_sha256, locator from {{table}} "
            f"where known_on > issued_on + {LATE_DAYS}",
            "guidance is public on the day it is given; one known months later has one of the two days wrong",
            severity="warning",
            columns=("issued_on", "known_on"),
        ),
        Check(
            "range_in_order",
            "low_usd > high_usd",
            "a range whose ends are swapped would be read as a cut",
            quarantines=True,
            columns=("low_usd", "high_usd"),
        ),
    ),
    quarantine_limit=0.05,
    guide=Guide(
        "One row for each company, fiscal year and day on which it spoke of that year.",
        "over rows: a year's later words replace the earlier ones.",
        {
            "What did companies say last of 2026?": "select ticker, issued_on, low_usd, high_usd, basis from "
            "capex_guidance where fiscal_year = 2026 qualify row_number() over (partition by ticker order by issued_on "
            "desc) = 1",
            "What did Meta say, and when?": "select fiscal_year, issued_on, low_usd, high_usd from capex_guidance where "
            "ticker = 'META' order by all",
            "Who says what the figure counts?": "select ticker, count(*) as times, count(basis) as with_basis from "
            "capex_guidance group by all order by all",
        },
    ),
)
