"""Share counts from the cover pages of filings.

A market value lost in a day is a price change times the shares that were known that day, on the same split basis.
The count is measured on one day and public on a later one.
"""

from warehouse.tables.columns import TICKER
from warehouse.tables.guide import Guide
from warehouse.tables.promise import FILINGS, ON_CALL, Promise
from warehouse.tables.table import Check, Column, core, of_the_panel

NO_SPLIT = 100
"""No split is of a hundred for one or more: a count by this factor off the usual one is in thousands or millions."""
SPIKE, BACK = 1.4, 1.3
"""A count by this factor off both of its neighbours, which are within the other of each other: what comes back was no split."""
STEP = 1.45
"""From here on a change that stays is told: a three-for-two split. Issues and buybacks are a tenth of that in a quarter."""
SPLITS = ("3:2", "2:1", "3:1", "4:1", "5:1", "7:1", "10:1", "20:1")
DRIFT = 0.12
"""A count between two filings moves by issues and buybacks, too (as a log): so near to a split's ratio it is that split."""
LEAST_OF_REVENUE = 0.05
"""A company is worth more than a twentieth of its usual yearly revenue: in the snapshot three times that revenue or more."""

_RATIO = "split_part(s, ':', 1)::double / split_part(s, ':', 2)::double"
_NEAREST = f"""coalesce(list_filter({list(SPLITS)}, lambda s: abs(abs(ln(c.from_before)) - ln({_RATIO})) <= {DRIFT})[1], 'none')"""
# Each day's count on the split basis of today, beside the counts before and after it and what the company was worth by it.
_COUNTS = f"""with splits as (select distinct ticker, date, value from {{core:corporate_actions}} where kind = 'split'),
days as (
  select ticker, measured_on, median(shares * coalesce((select product(s.value) from splits s
    where s.ticker = t.ticker and s.date > t.measured_on), 1)) as count from {{table}} t group by all
),
closes as (select ticker, median(close) as close from {{core:stock_prices}} group by all),
revenues as (
  select ticker, median(value_usd) as revenue_usd from {{core:company_facts}}
  where measure = 'revenue' and period_type in ('year', 'trailing_year') group by all
),
valued as (
  select d.*, d.count * p.close as value_usd, r.revenue_usd,
    coalesce(d.count * p.close < {LEAST_OF_REVENUE} * r.revenue_usd, false) as of_no_company
  from days d left join closes p using (ticker) left join revenues r using (ticker)
),
beside as (
  select *, lag(count) over w as one_before, lead(count) over w as one_after,
    median(count) filter (not of_no_company) over (partition by ticker) as usual
  from valued window w as (partition by ticker order by measured_on)
),
compared as (
  select *, count / one_before as from_before, count / one_after as from_after,
    greatest(one_before / one_after, one_after / one_before) as back
  from beside
)"""

TABLE = core(
    "shares_outstanding",
    "shares outstanding as printed on the cover page of a filing",
    [
        TICKER,
        Column("measured_on", "date", "day the count is about", required=True),
        Column("shares", "integer", "shares outstanding, on the split basis of that day", "shares", True, above=0),
    ],
    promise=Promise(FILINGS, ON_CALL, 4),
    key=("ticker", "measured_on"),
    identity=("ticker", "measured_on", "known_on"),
    checks=(
        of_the_panel(),
        Check(
            "count_of_another_unit",
            f"""{_COUNTS}
            select t.ticker, t.measured_on, t.shares, c.one_before, c.one_after, round(c.usual) as usual_on_todays_basis,
                   round(c.value_usd) as market_value_usd, c.revenue_usd,
                   case when c.of_no_company then 'the company would be worth a fraction of its yearly revenue'
                     when greatest(c.count / c.usual, c.usual / c.count) >= {NO_SPLIT} then 'a hundredfold off the usual count'
                     when c.back <= {BACK} and (least(c.from_before, c.from_after) >= {SPIKE}
                       or greatest(c.from_before, c.from_after) <= 1.0 / {SPIKE}) then 'the next count takes it back'
                   end as found, t.document_sha256, t.locator
            from {{table}} t join compared c using (ticker, measured_on) where found is not null""",
            "a count in thousands, of another company or of one class of shares makes the market value lost in a "
            "day as wrong as it is",
            severity="warning",
            columns=("shares",),
            quarantines_compared=True,
        ),
        Check(
            "count_as_before",
            f"""{_COUNTS}
            select t.ticker, t.measured_on, t.shares, c.one_before, round(c.from_before, 4) as times_the_count_before,
                   {_NEAREST} as nearest_split, t.document_sha256, t.locator
            from {{table}} t join compared c using (ticker, measured_on)
            where greatest(c.from_before, 1 / c.from_before) >= {STEP}""",
            "a count that changed for good, as by a split that no source gives (the nearest is named). Until it is recorded, "
            "counts before and after it are on two bases",
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
    guide=Guide(
        "One row for each company and day of measurement.",
        "over days: each row is the whole company's count. It is not split-adjusted.",
        {
            "How many shares has Nvidia?": "select measured_on, shares from shares_outstanding where ticker = 'NVDA' "
            "order by measured_on",
            "What is each company's newest count?": "select ticker, max(measured_on) as measured_on, arg_max(shares, "
            "measured_on) as shares from shares_outstanding group by all",
            "How long after its day is a count public?": "select ticker, median(known_on - measured_on) as days from "
            "shares_outstanding group by all",
        },
    ),
)
