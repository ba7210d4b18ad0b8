"""Figures from companies' filings, every filing's row as it was filed.

Cash-flow figures of a 10-Q are year to date, a fourth quarter is printed in no filing but the annual report, last
year's figures are repeated as comparatives under this year's label, and restatements change the past. So every row
keeps its period, its filing and its filing date, and quarters are derived from them later (`marts.capex_quarterly`).
`fiscal_year` and `fiscal_quarter` describe the period itself; what the filing calls itself stands in the `filing_` columns.
"""

from warehouse.tables.table import Check, Column, core

PERIOD_TYPES = ("instant", "quarter", "half_year", "nine_months", "year", "trailing_year", "other")

TABLE = core(
    "company_facts",
    "figures from filings and results releases, one row for each time a figure was filed",
    [
        Column("ticker", "text", "ticker of the company", required=True),
        Column("cik", "integer", "the SEC's number of the company", minimum=1),
        Column("measure", "text", "what the figure is, the same word for every company", required=True),
        Column("tag", "text", "XBRL tag of the figure; empty where a release was read", required=True),
        Column("period_start", "date", "first day of the period; null for a figure at a point in time"),
        Column("period_end", "date", "last day of the period", required=True),
        Column("period_type", "text", "length of the period", required=True, allowed=PERIOD_TYPES),
        Column("value_usd", "integer", "the figure as filed", "USD", required=True),
        Column("fiscal_year", "integer", "fiscal year that the period ends in", minimum=1990, maximum=2100),
        Column("fiscal_quarter", "integer", "fiscal quarter that the period ends in", minimum=1, maximum=4),
        Column("filing_fiscal_year", "integer", "fiscal year of the filing (not of the period)"),
        Column("filing_fiscal_period", "text", "fiscal period of the filing (not of the period): Q1, Q2, Q3, FY"),
        Column("form", "text", "form of the filing; empty where a page was read", required=True),
        Column("accession", "text", "accession number of the filing; empty where a page was read", required=True),
        Column("note", "text", "what to know about the row"),
    ],
    key=("ticker", "measure", "period_start", "period_end"),
    identity=(
        "ticker",
        "measure",
        "tag",
        "period_start",
        "period_end",
        "known_on",
        "form",
        "accession",
        "grade",
        "citation",
    ),
    checks=(
        Check(
            "period_in_order",
            "period_start > period_end",
            "a period that ends before it starts has its dates swapped",
            quarantines=True,
            columns=("period_start", "period_end"),
        ),
        Check(
            "filed_after_period",
            "known_on <= period_end",
            "a figure cannot be filed before its period is over",
            quarantines=True,
            columns=("known_on", "period_end"),
        ),
        Check(
            "capex_and_revenue_not_negative",
            "measure in ('purchases_of_property_and_equipment', 'revenue', 'finance_lease_principal') and value_usd < 0",
            "payments are filed as positive amounts; a negative one has its sign turned",
            quarantines=True,
            columns=("value_usd",),
        ),
        Check(
            "printed_quarter_agrees_with_derived",
            """
            with best as (
              select * from {table} where period_start is not null
              qualify row_number() over (partition by ticker, measure, tag, period_start, period_end, grade, known_on
                                         order by loaded_at desc) = 1),
            quarters as (select * from best where period_type = 'quarter'),
            derived as (
              select l.ticker, l.measure, l.tag, s.period_end + 1 as period_start, l.period_end, l.known_on, l.grade,
                     l.value_usd - s.value_usd as value_usd,
                     l.form || ' ' || l.accession as filing
              from best l join best s using (ticker, measure, tag, period_start, grade)
              where l.period_end > s.period_end and date_diff('day', s.period_end, l.period_end) between 80 and 100
                and s.known_on <= l.known_on
              qualify row_number() over (partition by l.ticker, l.measure, l.tag, l.period_start, l.period_end,
                                                      l.known_on, l.grade order by s.known_on desc) = 1)
            select q.ticker, q.measure, q.period_end, q.value_usd as printed_usd, d.value_usd as derived_usd, d.filing,
                   q.citation, q.locator
            from quarters q join derived d using (ticker, measure, tag, period_start, period_end, known_on, grade)
            where abs(q.value_usd - d.value_usd) > 0.01 * greatest(abs(q.value_usd), abs(d.value_usd))
            """,
            "a quarter that one filing both prints and implies by year-to-date figures must agree with itself",
            severity="warning",
            columns=("ticker", "measure", "period_end"),
        ),
        Check(
            "sources_agree",
            """
            with best as (
              select * from {table}
              qualify row_number() over (partition by ticker, measure, tag, period_start, period_end, citation
                                         order by known_on desc, loaded_at desc) = 1)
            select a.ticker, a.measure, a.period_start, a.period_end, a.value_usd as value_a, a.citation as citation_a,
                   b.value_usd as value_b, b.citation as citation_b
            from best a join best b on a.ticker = b.ticker and a.measure = b.measure and a.period_end = b.period_end
              and a.period_start is not distinct from b.period_start and a.citation < b.citation
            where abs(a.value_usd - b.value_usd) > 0.01 * greatest(abs(a.value_usd), abs(b.value_usd))
            """,
            "two sources that differ by more than 1 % about the same figure: the better grade is used, both are named",
            severity="warning",
            columns=("ticker", "measure", "period_end"),
        ),
    ),
)
