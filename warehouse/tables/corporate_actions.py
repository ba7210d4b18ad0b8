"""Splits and dividends, so that an adjusted series can be rebuilt and share counts put on one basis.

A ten-for-one split between a share count and a price makes a loss of 600 billion look like 60. A later split rewrites
the dividends before it, so a dividend may have several rows, each known from the day of the basis it is on.
"""

from warehouse.tables.table import Check, Column, core, of_the_panel

TABLE = core(
    "corporate_actions",
    "splits and cash dividends by the day they took effect on the exchange",
    [
        Column("ticker", "text", "ticker of the share", required=True),
        Column("date", "date", "first session on the new basis, or ex-dividend day", required=True),
        Column("kind", "text", "split or dividend", required=True, allowed=("split", "dividend")),
        Column(
            "value", "real", "new shares for one old share, or dollars for a share, split-adjusted", "", True, above=0
        ),
    ],
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
            puts_aside=True,
        ),
        Check(
            "dividend_below_the_price",
            "select a.ticker, a.date, a.kind, a.value, p.usual as usual_close, a.document_sha256, a.locator from {table} a join "
            "(select ticker, median(close) as usual from {core:stock_prices} group by all) p using (ticker) "
            "where a.kind = 'dividend' and a.value > 0.5 * p.usual",
            "a dividend of half the price is in cents, or on another split basis; every adjusted close before it would be wrong",
            severity="warning",
            columns=("value",),
            puts_aside=True,
        ),
    ),
)
