"""Figures from companies' filings, every filing's row as it was filed.

Cash-flow figures of a 10-Q are year to date, and only the annual report covers a fourth quarter. Last year's figures
are repeated as comparatives under this year's label, and restatements change the past. So every row keeps its period,
its filing and its filing date, and quarters are derived from them later (`marts.capex_quarterly`). `fiscal_year` and
`fiscal_quarter` describe the period itself; what the filing calls itself stands in the `filing_` columns.
"""

from warehouse.calendars.fiscal import DAYS_OVER_MONTH_END, LENGTHS_DAYS, PERIOD_MEANINGS
from warehouse.tables import sec_tags
from warehouse.tables.columns import NOTE, TICKER
from warehouse.tables.guide import Guide
from warehouse.tables.promise import FILINGS, ON_CALL, Promise
from warehouse.tables.table import Check, Column, core, of_the_panel

_NOT_SO_LONG = " or ".join(
    f"(period_type = '{name}' and period_end - period_start + 1 not between {low} and {high})"
    for name, (low, high) in LENGTHS_DAYS.items()
)
# What is paid, earned or owned in an amount that has no sign of its own; over time, such a figure only grows.
_PAID_MEANINGS = {
    "purchases_of_property_and_equipment": "capex: cash paid for property and equipment",
    "finance_lease_principal": "principal repaid on finance leases",
    "revenue": "revenue",
    "depreciation": "depreciation alone",
    "depreciation_and_amortization": "depreciation with amortization",
}
_OWNED_MEANINGS = {
    "property_and_equipment_net": "property and equipment less depreciation",
    "property_and_equipment_gross": "property and equipment at cost",
    "finance_lease_assets_obtained": "assets obtained under finance leases",
    "finance_lease_liability": "what is owed under finance leases",
    "remaining_performance_obligation": "backlog: contracts signed and not yet delivered",
    "commercial_remaining_performance_obligation": "backlog of commercial customers",
    "proceeds_from_sale_of_property_and_equipment": "cash from property and equipment that was sold",
}
MEASURE_MEANINGS = {
    **_PAID_MEANINGS,
    **_OWNED_MEANINGS,
    "net_income": "net income",
    "operating_cash_flow": "cash from operating activities",
    "operating_income": "operating income",
    "research_and_development": "research and development",
    "unlisted_capital_expenditure": "may be capex under a tag that no list names: a doubt, never a figure",
}
PAID, OWNED, MEASURES = tuple(_PAID_MEANINGS), tuple(_OWNED_MEANINGS), tuple(MEASURE_MEANINGS)
_PAID = ", ".join(f"'{measure}'" for measure in PAID)
_OF_THE_YEAR = "'quarter', 'half_year', 'nine_months', 'year'"
# Repayments of leases come in lumps.
_STEADY = ", ".join(f"'{measure}'" for measure in PAID if measure != "finance_lease_principal")
_UNSIGNED = ", ".join(f"'{measure}'" for measure in (*PAID, *OWNED))
_SERIES = "ticker, measure, period_type"
_OF_A_FILING = "ticker, measure, tag, period_start, period_end, accession, known_on"
_LATEST = """latest as (
  select * from {table} qualify row_number() over (partition by ticker, measure, tag, period_start, period_end
    order by grade, known_on desc, loaded_at desc) = 1)"""
ACCESSION = r"\d{10}-\d{2}-\d{6}|\d{18}"
"""As the SEC prints it, or as its folders write it. A server that numbers otherwise throughout is believed."""
MOST, ENOUGH = 0.8, 5
"""What so many of so many rows say of a filing, a tag or a company is so; the few others are wrong."""
RARE = 0.05
"""A company that changed its fiscal year has more than these periods on the other footing."""
THOUSAND = 100
"""A figure by this factor or more off the median of its own series was read in thousands or millions. The largest
factor in the snapshot is 22: a chip maker's income before and after the boom.
"""
FAR = 8
"""A quarter or a year by this factor below or above those on both sides. It counts only where those are a billion or
more, because small companies buy in lumps.
"""
LARGE_USD = 1_000_000_000
LAST_QUARTER = 5
"""A quarter by this factor above those before it in its year: 3.8 is the largest in recorded filings (another company bought)."""
RESTATED = 0.05
SMALL_USD = 10_000_000
SINCE = "2020-01-01"
"""Restatements of older periods are history: no answer rests on them."""

FILING_PERIOD_MEANINGS = {
    "Q1": "report on the first quarter of the fiscal year",
    "Q2": "report on the second quarter",
    "Q3": "report on the third quarter",
    "FY": "annual report",
}
FORM_MEANINGS = {
    "10-K": "annual report of a US company",
    "10-Q": "quarterly report of a US company",
    "8-K": "report of an event, such as the release of results",
    "DEF 14A": "proxy statement for the meeting of shareholders",
    "": "no filing: a page was read",
}

TABLE = core(
    "company_facts",
    "figures from filings and results releases",
    [
        TICKER,
        Column("cik", "integer", "the SEC's number of the company", minimum=1),
        Column(
            "measure",
            "text",
            "what the figure is, the same word for every company",
            required=True,
            allowed=MEASURE_MEANINGS,
        ),
        Column("tag", "text", "XBRL tag of the figure; empty where a release was read", required=True),
        Column("period_start", "date", "first day of the period; null for a figure at a point in time"),
        Column("period_end", "date", "last day of the period", required=True),
        Column("period_type", "text", "length of the period", required=True, allowed=PERIOD_MEANINGS),
        Column("value_usd", "integer", "the figure as filed", "USD", required=True),
        Column("fiscal_year", "integer", "fiscal year that the period ends in", minimum=1990, maximum=2100),
        Column("fiscal_quarter", "integer", "fiscal quarter that the period ends in", minimum=1, maximum=4),
        Column("filing_fiscal_year", "integer", "fiscal year of the filing (not of the period)"),
        Column(
            "filing_fiscal_period",
            "text",
            "fiscal period of the filing (not of the period)",
            named=FILING_PERIOD_MEANINGS,
        ),
        Column("form", "text", "form of the filing; empty where a page was read", required=True, named=FORM_MEANINGS),
        Column("accession", "text", "accession number of the filing; empty where a page was read", required=True),
        NOTE,
    ],
    promise=Promise(FILINGS, ON_CALL, 4),
    key=("ticker", "measure", "period_start", "period_end"),
    listed=sec_tags.order(),
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
        of_the_panel(),
        Check(
            "length_of_the_period",
            f"(period_type = 'instant') <> (period_start is null) or {_NOT_SO_LONG}",
            "a period that is as long as no quarter, half, nine months or year has a wrong date. A difference of "
            "two such periods is the figure of no quarter",
            quarantines=True,
            columns=("period_type", "period_start", "period_end"),
        ),
        Check(
            "accession_of_its_day",
            r"regexp_full_match(accession, '\d{10}-\d{2}-\d{6}') "
            r"and abs(try_cast(substr(accession, 12, 2) as integer) - year(known_on) % 100) > 1",
            "an accession number says in which year it was filed; another year means a wrong day or another filing's number",
            quarantines=True,
            columns=("accession", "known_on"),
        ),
        Check(
            "fiscal_year_of_the_period",
            f"""
            with labelled as (
              select t.*, c.fiscal_year_end_month, year(t.period_end - {DAYS_OVER_MONTH_END})
                + if(month(t.period_end - {DAYS_OVER_MONTH_END}) > c.fiscal_year_end_month, 1, 0) as of_the_month
              from {{table}} t join (select distinct ticker, fiscal_year_end_month from {{core:companies}}) c using (ticker)),
            told as (  -- a company whose year moved has other years before, and says so in every row of a period
              select ticker, period_end, mode(fiscal_year) as usual, max(of_the_month) as of_the_month from labelled group by all),
            shared as (
              select *, avg((usual = of_the_month)::int) over (partition by ticker order by period_end
                range between interval 400 days preceding and interval 400 days following) as alike from told)
            select t.ticker, t.measure, t.period_start, t.period_end, t.fiscal_year, t.fiscal_year_end_month,
                   t.document_sha256, t.locator
            from labelled t join shared s using (ticker, period_end)
            where t.fiscal_year <> t.of_the_month and (abs(t.fiscal_year - t.of_the_month) > 1 or s.alike >= {MOST}
              or (s.usual = t.of_the_month))
            """,
            "a fiscal year that is not the one its period ends in, by the company's own year, has the period or the year wrong",
            severity="warning",
            columns=("fiscal_year", "period_end"),
            quarantines_compared=True,
        ),
        Check(
            "a_thousandfold_off",
            f"""
            with figures as materialized (
              select {_SERIES}, period_start, period_end, value_usd, document_sha256, locator
              from {{table}} where value_usd <> 0),
            wide as (  -- only there can a figure be so far from the median, which costs more to find
              select {_SERIES} from figures group by all having max(abs(value_usd)) >= {THOUSAND} * min(abs(value_usd))),
            around as (
              select *, median(abs(value_usd)) over w as usual, count(*) over w as others
              from figures semi join wide using ({_SERIES})
              window w as (partition by {_SERIES} order by period_end
                range between interval 1100 days preceding and interval 1100 days following))
            select ticker, measure, period_start, period_end, value_usd, usual as usual_usd, document_sha256, locator
            from around where others >= 4 and (abs(value_usd) >= {THOUSAND} * usual
              or (measure in ({_UNSIGNED}) and abs(value_usd) * {THOUSAND} <= usual))
            """,
            "a figure in thousands or millions, or in another currency, among its neighbours in dollars",
            severity="warning",
            columns=("value_usd",),
            quarantines_compared=True,
        ),
        Check(
            "far_from_both_neighbours",
            f"""
            with of_period as (
              select {_SERIES}, period_end, median(value_usd) as middle from {{table}}
              where measure in ({_PAID}) and period_type in ({_OF_THE_YEAR}) group by all),
            neighbours as (
              select *, lag(middle) over w as one_before,
                lead(middle) over w as one_after, lead(middle, 2) over w as two_after
              from of_period window w as (partition by {_SERIES} order by period_end)),
            compared as (
              select *, coalesce(one_before, two_after) as before_usd, one_after as after_usd
              from neighbours)  -- the newest has nothing after it: it is not judged by those before it alone
            select t.ticker, t.measure, t.period_start, t.period_end, t.value_usd, c.before_usd, c.after_usd,
                   t.document_sha256, t.locator
            from {{table}} t join compared c using ({_SERIES}, period_end)
            where least(c.before_usd, c.after_usd) >= {LARGE_USD} and (t.value_usd * {FAR} < least(c.before_usd, c.after_usd)
              or t.value_usd > {FAR} * greatest(c.before_usd, c.after_usd))
            """,
            "a figure far from those of the periods on both sides is a difference of two series (Amazon's 0.796 billion) or has "
            "a digit too many",
            severity="warning",
            columns=("value_usd",),
            quarantines_compared=True,
        ),
        Check(
            "sign_turned",
            f"""
            with around as (
              select *, median(value_usd) over w as usual, min(value_usd) over w as lowest, count(*) over w as others,
                max(period_end) over w as newest
              from {{table}} where measure in ('operating_cash_flow', 'operating_income')
              window w as (partition by {_SERIES} order by period_end
                range between interval 1100 days preceding and interval 1100 days following))
            select ticker, measure, period_start, period_end, value_usd, usual as usual_usd, document_sha256, locator
            from around where others >= 6 and value_usd < 0 and value_usd = lowest and period_end < newest
              and usual > 0 and -value_usd between 0.5 * usual and 2 * usual
            """,
            "a loss as large as the usual gain, among gains only, is a gain whose sign was turned",
            severity="warning",
            columns=("value_usd",),
            quarantines_compared=True,
        ),
        Check(
            "ends_with_a_quarter",
            f"""
            with ends as (
              select *, month(period_end - {DAYS_OVER_MONTH_END}) % 3 as place from {{table}}
              where period_type in ({_OF_THE_YEAR})),
            counted as (select ticker, place, count(*) as n from ends group by all),
            shared as (select *, sum(n) over (partition by ticker) as of_ticker from counted),
            usual as (  -- the span of the company's usual ends: before and after it, its fiscal year was another
              select e.ticker, min(e.period_end) as first, max(e.period_end) as last
              from ends e join shared s using (ticker, place) where s.n > {RARE} * s.of_ticker group by all)
            select e.ticker, e.measure, e.period_start, e.period_end, e.value_usd, e.document_sha256, e.locator
            from ends e join shared s using (ticker, place) join usual u using (ticker)
            where s.of_ticker >= 20 and s.n <= {RARE} * s.of_ticker and e.period_end between u.first and u.last
            """,
            "a period that ends in another month of the quarter than all others of its company has its dates "
            "wrong. It falls into another calendar quarter",
            severity="warning",
            columns=("period_start", "period_end"),
            quarantines_compared=True,
        ),
        Check(
            "tag_of_its_measure",
            f"""
            with counted as (select ticker, tag, measure, count(*) as n from {{table}}
              where tag <> '' and measure <> 'unlisted_capital_expenditure' group by all),
            told as (
              select *, sum(n) over w as of_tag, max(n) over w as most, arg_max(measure, n) over w as usual_measure
              from counted window w as (partition by ticker, tag))
            select t.ticker, t.measure, t.period_start, t.period_end, t.tag, s.usual_measure, t.value_usd,
              t.document_sha256, t.locator
            from {{table}} t join told s using (ticker, tag, measure)
            where s.n < s.most and s.of_tag >= {ENOUGH} and s.most >= {MOST} * s.of_tag
            """,
            "a tag stands for one measure of a company; a row that calls it another would be read as a figure of that one",
            severity="warning",
            columns=("measure", "tag"),
            quarantines_compared=True,
        ),
        Check(
            "cik_of_the_company",
            """
            select t.ticker, t.measure, t.period_start, t.period_end, t.cik, c.cik as cik_of_the_panel, t.document_sha256, t.locator
            from {table} t join (select ticker, max(cik) as cik from {core:companies} group by all having count(distinct cik) = 1) c
              using (ticker) where t.cik <> c.cik
            """,
            "a figure under one company's ticker and another's number is of one of the two, and nobody knows which",
            severity="warning",
            columns=("cik", "ticker"),
            quarantines_compared=True,
        ),
        Check(
            "accession_in_form",
            f"""
            with formed as (
              select source, ticker, avg(regexp_full_match(accession, '{ACCESSION}')::int) as share from {{table}}
              where accession <> '' or tag <> '' group by all)
            select ticker, measure, period_start, period_end, accession, document_sha256, locator
            from {{table}} join formed using (source, ticker)
            where share > 0.5 and share < 1 and (accession <> '' or tag <> '')
              and not regexp_full_match(accession, '{ACCESSION}')
            """,
            "an accession number of another form than those of the company's other rows leads to no filing, or a "
            "row of a filing has lost it. Its other fields are not to be trusted",
            severity="warning",
            columns=("accession",),
            quarantines_compared=True,
        ),
        Check(
            "accession_of_one_filing",
            f"""
            with told as (
              select accession, ticker, known_on, form, count(*) as n from {{table}}
              where regexp_full_match(accession, '{ACCESSION}') group by all),
            shared as (
              select *, sum(n) over a as of_accession, max(n) over a as most_of_accession,
                sum(n) over f as of_filing, max(n) over f as most_of_filing, arg_max(accession, n) over f as usual_accession,
                arg_max(ticker, n) over a as usual_ticker, arg_max(known_on, n) over a as usual_known_on
              from told window a as (partition by accession), f as (partition by ticker, known_on, form))
            select t.ticker, t.measure, t.period_start, t.period_end, t.accession, t.known_on, t.form, s.usual_accession,
                   s.usual_ticker, s.usual_known_on, t.document_sha256, t.locator
            from {{table}} t join shared s using (accession, ticker, known_on, form)
            where (s.n < s.most_of_accession and s.of_accession >= {ENOUGH} and s.most_of_accession >= {MOST} * s.of_accession)
              or (s.n < s.most_of_filing and s.of_filing >= {ENOUGH} and s.most_of_filing >= {MOST} * s.of_filing
                and t.form in ('10-Q', '10-K', '20-F', '40-F'))
            """,
            "a filing has one number, one company and one day; a row that differs from the filing's others in one of them has "
            "it wrong",
            severity="warning",
            columns=("accession", "known_on"),
            quarantines_compared=True,
        ),
        Check(
            "filing_says_one_figure",
            f"""
            with several as (  -- few periods have two figures; only they are put in order
              select {_OF_A_FILING} from {{table}} group by all having min(value_usd) <> max(value_usd)),
            told as (
              select *, first_value(value_usd) over w as told_usd, first_value(source) over w as told_by,
                first_value(locator) over w as told_at
              from {{table}} where regexp_full_match(accession, '{ACCESSION}') and row({_OF_A_FILING}) in (
                select row({_OF_A_FILING}) from several)
              window w as (partition by {_OF_A_FILING}
                order by grade, source_kind <> 'reference', loaded_at, length(locator), locator))
            select ticker, measure, period_start, period_end, value_usd, told_usd, told_by, told_at, accession,
              document_sha256, locator
            from told where abs(value_usd - told_usd) > 0.001 * greatest(abs(value_usd), abs(told_usd))
            """,
            "one filing gives one figure for a tag and a period; a document that tells another than was told before was changed "
            "on the way",
            severity="warning",
            columns=("value_usd", "accession"),
            quarantines_compared=True,
        ),
        Check(
            "year_to_date_never_falls",
            f"""
            with {_LATEST}
            select b.ticker, b.measure, b.tag, b.period_start, b.period_end, b.value_usd,
                   a.period_end as shorter_period_end, a.value_usd as shorter_value_usd, a.locator as shorter_locator,
                   b.document_sha256, b.locator
            from latest a join latest b using (ticker, measure, tag, period_start, grade)
            where a.measure in ({_PAID}) and b.period_end > a.period_end and b.value_usd < a.value_usd
              and a.value_usd >= {SMALL_USD}
            """,
            "what was paid or earned since the year began cannot have been more three months ago: one of the two is wrong",
            severity="warning",
            columns=("value_usd", "period_end"),
        ),
        Check(
            "last_quarter_of_the_longer_period",
            f"""
            with {_LATEST},
            pairs as (
              select b.ticker, b.measure, b.tag, b.period_start, b.period_end, b.value_usd, a.period_end as shorter_period_end,
                a.value_usd as shorter_value_usd, a.locator as shorter_locator, b.document_sha256, b.locator,
                (b.value_usd - a.value_usd) / (a.value_usd / round((a.period_end - a.period_start) / 91.0))
                  as times_the_quarters_before
              from latest a join latest b using (ticker, measure, tag, period_start, grade)
              where a.measure in ({_STEADY}) and b.period_end - a.period_end between 80 and 100
                and a.value_usd >= {LARGE_USD / 10:.0f})
            select ticker, measure, tag, period_start, period_end, value_usd, shorter_period_end, shorter_value_usd,
                   round(times_the_quarters_before, 2) as times_the_quarters_before, shorter_locator, document_sha256, locator
            from pairs where times_the_quarters_before >= {LAST_QUARTER}
            """,
            "the quarter that two year-to-date figures imply is many times those before it. One of the two has a digit too many, "
            "or is of another period",
            severity="warning",
            columns=("value_usd", "period_end"),
        ),
        Check(
            "quarters_make_the_longer_period",
            f"""
            with {_LATEST},
            quarters as (select * from latest where period_type = 'quarter'),
            longer as (
              select l.ticker, l.measure, l.tag, l.grade, l.period_start, l.period_end, l.value_usd, l.period_type,
                     l.document_sha256, l.locator, count(*) as parts, sum(q.value_usd) as of_quarters_usd
              from latest l join quarters q on q.ticker = l.ticker and q.measure = l.measure and q.tag = l.tag
                and q.grade = l.grade and q.period_start >= l.period_start and q.period_end <= l.period_end
              where l.period_type in ('half_year', 'nine_months', 'year') group by all)
            select ticker, measure, tag, period_start, period_end, value_usd, of_quarters_usd, document_sha256, locator
            from longer
            where parts = case period_type when 'half_year' then 2 when 'nine_months' then 3 else 4 end
              and abs(value_usd - of_quarters_usd) > 0.02 * greatest(abs(value_usd), abs(of_quarters_usd))
            """,
            "printed quarters that do not add up to the half, the nine months or the year that is printed, too",
            severity="warning",
            columns=("value_usd", "period_end"),
        ),
        Check(
            "gross_is_at_least_net",
            f"""
            with {_LATEST}
            select n.ticker, n.period_end, n.value_usd as net_usd, g.value_usd as gross_usd, n.document_sha256, n.locator
            from latest n join latest g on g.ticker = n.ticker and g.period_end = n.period_end
            where n.measure = 'property_and_equipment_net' and g.measure = 'property_and_equipment_gross'
              and n.value_usd > g.value_usd
            """,
            "what depreciation leaves over cannot be more than what was bought",
            severity="warning",
            columns=("ticker", "period_end"),
        ),
        Check(
            "tag_changed",
            """
            with tags as (
              select ticker, measure, tag, min(period_end) as first, max(period_end) as last, max(grade) as grade
              from {table} where tag <> '' and period_start is not null group by all),
            changes as (
              select n.ticker, n.measure, o.tag as old_tag, o.last as old_until, n.tag as new_tag, n.first as new_from
              from tags n join tags o using (ticker, measure) where n.first > o.first and n.last > o.last)
            select c.ticker, c.measure, c.old_tag, c.old_until, c.new_tag, c.new_from from changes c
            where not exists (
              select 1 from {table} a join {table} b using (ticker, measure, period_start, period_end)
              where a.ticker = c.ticker and a.measure = c.measure and a.tag = c.old_tag and b.tag = c.new_tag
                and abs(a.value_usd - b.value_usd) <= 0.01 * abs(a.value_usd))
            """,
            "a company that files a measure under another tag, without one period under both, may mean something "
            "else by it. A difference across the two is no quarter",
            severity="warning",
            columns=("ticker", "measure"),
        ),
        Check(
            "restated",
            f"""
            with told as (
              select ticker, measure, tag, period_start, period_end, known_on, value_usd, accession, document_sha256, locator,
                first_value(value_usd) over w as first_usd, first_value(accession) over w as first_accession,
                row_number() over (partition by ticker, measure, tag, period_start, period_end order by known_on desc) as back
              from {{table}} where grade = 'A' and period_end >= date '{SINCE}'
              window w as (partition by ticker, measure, tag, period_start, period_end order by known_on, accession))
            select ticker, measure, period_start, period_end, value_usd, first_usd, accession, first_accession,
                   document_sha256, locator
            from told where back = 1 and abs(value_usd - first_usd) > {RESTATED} * abs(first_usd)
            """,
            "a figure that a later filing changed by more than a twentieth: answers as of earlier dates keep the first",
            severity="warning",
            columns=("value_usd", "period_end"),
        ),
        Check(
            "one_filing_of_a_day",
            """
            select t.ticker, t.measure, t.period_start, t.period_end, t.known_on, t.form, t.accession, t.document_sha256, t.locator
            from {table} t where accession <> ''
            qualify count(distinct accession) over (partition by ticker, measure, tag, period_start, period_end, known_on, form) > 1
            """,
            "one figure in two filings of one form on one day: a filing was loaded twice under two numbers",
            severity="warning",
            columns=("accession",),
        ),
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
            f"measure in ({_UNSIGNED}) and value_usd < 0",
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
                     l.form || ' ' || l.accession as filing, l.locator
              from best l join best s using (ticker, measure, tag, period_start, grade)
              where l.period_end > s.period_end and date_diff('day', s.period_end, l.period_end) between 80 and 100
                and s.known_on <= l.known_on
              qualify row_number() over (partition by l.ticker, l.measure, l.tag, l.period_start, l.period_end,
                                                      l.known_on, l.grade order by s.known_on desc) = 1)
            select q.ticker, q.measure, q.period_end, q.value_usd as printed_usd, d.value_usd as derived_usd, d.filing,
                   d.locator as derived_locator, q.document_sha256, q.locator
            from quarters q join derived d using (ticker, measure, tag, period_start, period_end, known_on, grade)
            where q.period_end >= date '2020-01-01' and abs(q.value_usd - d.value_usd) > 3000000
              and abs(q.value_usd - d.value_usd) > 0.01 * greatest(abs(q.value_usd), abs(d.value_usd))
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
                   b.value_usd as value_b, b.citation as citation_b, b.locator as locator_b, a.document_sha256, a.locator
            from best a join best b on a.ticker = b.ticker and a.measure = b.measure and a.period_end = b.period_end
              and a.period_start is not distinct from b.period_start and a.citation < b.citation
            where abs(a.value_usd - b.value_usd) > 0.01 * greatest(abs(a.value_usd), abs(b.value_usd))
            """,
            "two sources that differ by more than 1 % about the same figure: the better grade is used, both are named",
            severity="warning",
            columns=("ticker", "measure", "period_end"),
        ),
    ),
    guide=Guide(
        "One row for each company, measure and period (a quarter, the half, nine months and the year are four periods).",
        "over periods: the year holds its quarters already. A sum over 2025 gives about three times what was "
        "spent. Take one period_type, or ask capex_by_year.",
        {
            "What did Microsoft pay for property and equipment in each fiscal year?": "select fiscal_year, value_usd from "
            "company_facts where ticker = 'MSFT' and measure = 'purchases_of_property_and_equipment' and period_type = "
            "'year' order by all",
            "Which measures are known of each company?": "select ticker, measure, count(*) as periods from company_facts "
            "group by all order by all",
            "How large is the backlog at the end of each quarter?": "select ticker, period_end, value_usd from "
            "company_facts where measure = 'remaining_performance_obligation' order by all",
        },
    ),
)
