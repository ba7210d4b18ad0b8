"""Daily bars of the panel, as an exchange's vendor gives them.

Two closes matter and they are not the same number: `close` is adjusted for splits only, `adj_close` for splits and
dividends. Returns come from `adj_close`; market values come from `close`.
"""

from warehouse.tables.table import Check, Column, core

TABLE = core(
    "stock_prices",
    "daily bars of each ticker; closes are split-adjusted, adj_close is dividend-adjusted too",
    [
        Column("ticker", "text", "ticker of the share or fund", required=True),
        Column("date", "date", "session of the New York exchange", required=True),
        Column("open", "real", "first price, split-adjusted", "USD", required=True, above=0),
        Column("high", "real", "highest price, split-adjusted", "USD", required=True, above=0),
        Column("low", "real", "lowest price, split-adjusted", "USD", required=True, above=0),
        Column("close", "real", "official close, split-adjusted", "USD", required=True, above=0),
        Column("adj_close", "real", "close adjusted for splits and dividends", "USD", required=True, above=0),
        Column("volume", "integer", "shares traded, split-adjusted", "shares", required=True, minimum=0),
    ],
    key=("ticker", "date"),
    identity=("ticker", "date", "known_on"),
    checks=(
        Check(
            "ohlc_consistent",
            "low > least(open, close) * (1 + 1e-9) or high < greatest(open, close) * (1 - 1e-9) or low > high",
            "a bar whose close lies outside its own range belongs to another day or another share",
            quarantines=True,
            columns=("open", "high", "low", "close"),
        ),
        Check(
            "adjustment_lowers_price",
            "adj_close > close * (1 + 1e-6)",
            "dividends only ever lower an adjusted price; a higher one is adjusted twice or for another share",
            quarantines=True,
            columns=("adj_close", "close"),
        ),
        Check(
            "session_of_the_exchange",
            "date not in (select session from calendar.sessions)",
            "a bar on a day without a session shifts every later return by a day",
            quarantines=True,
            columns=("date",),
        ),
        Check(
            "no_session_missing_for_a_ticker",
            "select p.ticker, s.session as date, 'no bar' as found from "
            "(select ticker, min(date) as first, max(date) as last from {table} group by ticker) p "
            "join calendar.sessions s on s.session between p.first and p.last "
            "anti join {table} t on t.ticker = p.ticker and t.date = s.session",
            "a gap makes the next return cover two days; the event study then says so instead of using it",
            severity="warning",
            columns=("ticker", "date"),
        ),
        Check(
            "no_session_missing_for_all",
            "select s.session as date, 'no bar of any ticker' as found from calendar.sessions s "
            "where s.session between (select min(date) from {table}) and (select max(date) from {table}) "
            "and s.session not in (select date from {table})",
            "a whole day missing means that the calendar or the file is wrong",
            columns=("date",),
        ),
    ),
)
