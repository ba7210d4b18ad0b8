"""Splits and dividends, so that an adjusted series can be rebuilt and share counts put on one basis.

A ten-for-one split between a share count and a price makes a loss of 600 billion look like 60. A later split rewrites
the dividends before it. So a dividend may have several rows, each known from the day of the basis it is on.
"""

from warehouse.tables.guide import Guide
from warehouse.tables.promise import MARKET_DATA, ON_CALL, Promise
from warehouse.tables.table import Check, Column, core, of_the_panel

NEAR_DAYS = 90
EX_DATE_ROUNDING = 1e-4
"""What rounding of closes to cents and of adjusted closes to six digits leaves of a dividend's share of the close."""

KINDS = {"split": "new shares for old ones", "dividend": "cash for each share"}

TABLE = core(
    "corporate_actions",
    "splits and cash dividends by the day they took effect on the exchange",
    [
        Column("ticker", "text", "ticker of the share", required=True),
        Column("date", "date", "first session on the new basis, or ex-dividend day", required=True),
        Column("kind", "text", "what happened", required=True, allowed=KINDS),
        Column(
            "value", "real", "new shares for one old share, or dollars for a share, split-adjusted", "", True, above=0
        ),
    ],
    promise=Promise(MARKET_DATA, ON_CALL, 4),
    key=("ticker", "date", "kind"),
    identity=("ticker", "date", "kind", "known_on", "source"),
    restates=True,
    quarantine_limit=0.05,
    checks=(
        of_the_panel(),
        Check(
            "ratio_of_a_split",
            "kind = 'split' and (value not between 0.005 and 100 or value = 1)",
            "a split of one for one, or of more than a hundred, is a price or a dividend in the wrong column",
            quarantines=True,
            columns=("value", "kind"),
        ),
        Check(
            "session_of_the_exchange",
            "date between (select min(session) from calendar.sessions) and (select max(session) from calendar.sessions) "
            "and date not in (select session from calendar.sessions)",
            "a split or a dividend takes effect on a day of trade; on another day it would move no price or the wrong one",
            quarantines=True,
            columns=("date",),
        ),
        Check(
            "duplicate_split",
            f"""
            select a.ticker, a.date, a.kind, a.value, a.source, b.date as other_date, b.source as other_source,
                   a.document_sha256, a.locator
            from {{table}} a join {{table}} b on a.ticker = b.ticker and a.kind = b.kind and a.value = b.value
            where a.kind = 'split' and a.date > b.date and a.date - b.date <= {NEAR_DAYS}
            """,
            "one split under two days would be applied twice to every share count before it",
            severity="warning",
            columns=("date", "value"),
        ),
        Check(
            "dividend_in_the_closes",
            f"""
            with told as (
              select * from {{table}} where kind = 'dividend' qualify row_number() over (partition by ticker, date, source
                order by known_on desc, loaded_at desc) = 1),
            bars as (
              select ticker, source, date, close, adj_close / close as factor from {{core:stock_prices}}
              where ticker in (select ticker from told) and close > 0
              qualify row_number() over (partition by ticker, source, date order by known_on desc, loaded_at desc) = 1),
            steps as (
              select ticker, source, date, lag(close) over w as close_before, 1 - lag(factor) over w / factor as share_lost
              from bars window w as (partition by ticker, source order by date)),
            later as (
              select t.ticker, t.date, coalesce(product(s.value), 1) as splits from told t left join
                (select distinct ticker, date, value from {{table}} where kind = 'split') s
                on s.ticker = t.ticker and s.date > t.date group by all),
            compared as (
              select t.ticker, t.date, t.kind, t.value, t.source, t.document_sha256, t.locator,
                p.close_before, p.share_lost,
                least(abs(p.share_lost - t.value / p.close_before), abs(p.share_lost - t.value / l.splits / p.close_before)) as off
              from steps p join told t using (ticker, date) join later l using (ticker, date) where p.close_before is not null
              qualify row_number() over (partition by t.ticker, t.date, t.source order by off) = 1)
            select ticker, date, kind, value, source, round(share_lost * close_before, 4) as of_the_closes_usd, close_before,
                   document_sha256, locator
            from compared where off > {EX_DATE_ROUNDING} + 0.2 * value / close_before
            """,
            "a dividend that the adjusted closes of its day do not know, or know with another amount, is of "
            "another day or company, in cents, or no dividend",
            severity="warning",
            columns=("value",),
        ),
        Check(
            "split_as_in_share_counts",
            """
            with counts as (
              select a.ticker, a.date, a.value, a.document_sha256, a.locator,
                (select arg_max(s.shares, s.measured_on) from {core:shares_outstanding} s where s.ticker = a.ticker
                  and s.measured_on between a.date - 200 and a.date - 1) as before,
                (select arg_min(s.shares, s.measured_on) from {core:shares_outstanding} s where s.ticker = a.ticker
                  and s.measured_on between a.date and a.date + 200) as after
              from {table} a where a.kind = 'split')
            select ticker, date, 'split' as kind, value, before as shares_before, after as shares_after, document_sha256, locator
            from counts where after / before / value not between 0.5 and 2
            """,
            "a split that the counts of shares before and after it do not show is turned over, or of another day",
            severity="warning",
            columns=("value",),
            quarantines_compared=True,
        ),
        Check(
            "dividend_below_the_price",
            "select a.ticker, a.date, a.kind, a.value, p.usual as usual_close, a.document_sha256, a.locator from {table} a join "
            "(select ticker, median(close) as usual from {core:stock_prices} group by all) p using (ticker) "
            "where a.kind = 'dividend' and a.value > 0.5 * p.usual",
            "a dividend of half the price is in cents, or on another split basis; every adjusted close before it would be wrong",
            severity="warning",
            columns=("value",),
            quarantines_compared=True,
        ),
    ),
    guide=Guide(
        "One row for each ticker, day and kind.",
        "",
        {
            "Which splits were there?": "select ticker, date, value from corporate_actions where kind = 'split' order by "
            "date",
            "What did Nvidia pay out?": "select date, value from corporate_actions where ticker = 'NVDA' and kind = "
            "'dividend' order by date",
            "How many actions are known of each ticker?": "select ticker, kind, count(*) as actions from "
            "corporate_actions group by all order by all",
        },
    ),
)
