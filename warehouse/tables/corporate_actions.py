"""Splits and dividends, so that an adjusted series can be rebuilt and share counts put on one basis.

A ten-for-one split between a share count and a price makes a loss of 600 billion look like 60. A later split rewrites
the dividends before it, so a dividend may have several rows, each known from the day of the basis it is on.
"""

from warehouse.tables.table import Column, core

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
)
