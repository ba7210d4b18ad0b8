"""Daily bars of the panel, as an exchange's vendor gives them.

Two closes matter and they are not the same number: `close` is adjusted for splits only, `adj_close` for splits and
dividends. Returns come from `adj_close`; market values come from `close`.

A new split or dividend makes the vendor rewrite the whole history of a ticker. The rewritten bars are rows of their
own, known from that day. A series is read from one source and on one basis, never partly on two.
"""

from warehouse.tables.guide import Guide
from warehouse.tables.promise import MARKET_DATA, ON_CALL, Promise
from warehouse.tables.table import Check, Column, OneSource, core, of_the_panel

# What tells a split that was applied to one part of a history only from news, each with its reason:
JUMP = 1.6
"""An overnight step by this factor or more is looked at: two-for-one is the smallest common split, and the night's own
move comes on top."""
SMALL_JUMP = 1.45
"""From here on it is worth a look: a three-for-two split. The largest true fall without news of its own (a leveraged
fund in March 2020) is just below."""
CLOSE_JUMP = 2.5
"""The same from close to close, where the first price looks right and the others do not."""
NEWS_TURNOVER = 5.0
"""News that moves a price by half makes people trade: 7 to 500 times the median of the last 20 sessions in the recorded
cases. Splitting a share makes nobody trade more, whether the volume was converted along with the price or not."""
USUAL_SESSIONS, USUAL_DAYS = 20, 60
SPLIT_MATCH = 0.2
"""A step on the day of a recorded split is the split's own within this (as a log). Then the history before it was not
converted.
"""
FACTOR_JUMP = 1.3
"""A step of adj_close against close that no dividend of a size to match explains."""
LARGE_DIVIDEND = 0.15
CENT = 0.01
ROUNDING = 2e-5
"""Two vendors' closes may differ by rounding: of single precision (this), and of each to whole cents (half a cent)."""

# How far a bar is from the bar before it, and which of these steps a split makes and news does not. The check below reads
# these texts in DuckDB, and the parser of a vendor's history reads them in Polars: there is no second rule.
STEPS = {
    "bare_step": "abs(ln(open / close_before))",
    # A dividend can explain a fall; it makes no jump of a price that stays.
    "step": "least(abs(ln(open / close_before)), abs(ln((open + dividend) / close_before)))",
    "move": "least(abs(ln(close / close_before)), abs(ln((close + dividend) / close_before)))",
    "factor_step": "abs(ln(factor / factor_before))",
}
ONE_SIDED = f"""(
    ((step >= ln({JUMP}) or move >= ln({CLOSE_JUMP})) and turnover < {NEWS_TURNOVER})
    or (abs(ln(split)) >= 2 * {SPLIT_MATCH} and abs(bare_step - abs(ln(split))) < {SPLIT_MATCH})
    or (factor_step >= ln({FACTOR_JUMP}) and dividend < {LARGE_DIVIDEND} * close_before)
  )"""
FACTOR_FALLS = f"factor < factor_before * (1 - 1e-4 - {CENT} * (1 / close + 1 / close_before))"
"""The share of a close that dividends leave over falls by more than rounding: two ways of adjusting meet."""

# The bars of each source as it gives them now, on one basis.
_LATEST = """latest as (
  select ticker, date, source, open, high, low, close, adj_close, volume, document_sha256, locator from {table}
  qualify row_number() over (partition by ticker, date, source
    order by known_on desc, loaded_at desc, document_sha256, locator) = 1
)"""
# What is usual in the sessions before, only for the few bars that are looked at: of every bar it would cost far more.
_USUAL = f"""usual as (
  select ticker, source, date, median(volume) as usual_volume, median(volume * close) as usual_turnover
  from (
    select b.ticker, b.source, b.date, u.volume, u.close
    from (select distinct ticker, source, date from looked_at) b join latest u
      on u.ticker = b.ticker and u.source = b.source and u.date < b.date and u.date >= b.date - {USUAL_DAYS}
    qualify row_number() over (partition by b.ticker, b.source, b.date order by u.date desc) <= {USUAL_SESSIONS}
  ) group by all
)"""
_MOVES = f"""with {_LATEST},
earlier as (
  select *, lag(date) over w as date_before, lag(close) over w as close_before,
    adj_close / close as factor, lag(adj_close / close) over w as factor_before
  from latest window w as (partition by ticker, source order by date)
),
actions as (
  select ticker, date, max(value) filter (where kind = 'split') as split,
    coalesce(max(value) filter (where kind = 'dividend'), 0) as dividend
  from core.corporate_actions group by ticker, date
),
bars as (
  select e.*, coalesce(a.split, 1) as split, coalesce(a.dividend, 0) as dividend
  from earlier e left join actions a on a.ticker = e.ticker and a.date = e.date
  where e.date_before is not null and e.open > 0 and e.close > 0 and e.adj_close > 0
),
looked_at as (
  select *, {", ".join(f"{text} as {name}" for name, text in STEPS.items())},
    {FACTOR_FALLS} as factor_falls
  from bars
  where (step >= ln({SMALL_JUMP}) or move >= ln({CLOSE_JUMP}) or abs(ln(split)) >= 2 * {SPLIT_MATCH}
      or factor_step >= ln({FACTOR_JUMP}) or factor_falls)
),
{_USUAL},
moves as (
  select *, coalesce(least(volume / nullif(usual_volume, 0), volume * close / nullif(usual_turnover, 0)), 0) as turnover
  from looked_at left join usual using (ticker, source, date)
)"""
_SAID = """ticker, date, source, close, close_before, open, adj_close,
  round(turnover, 2) as times_usual_turnover, document_sha256, locator"""
# Closes of two sources on the same days; returns do not depend on the day as of which each was split-adjusted.
_PAIRS = f"""with {_LATEST},
pairs as (
  select a.ticker, a.date, a.source, b.source as other_source, a.close, b.close as other_close,
    lag(a.close) over w as close_before, lag(b.close) over w as other_close_before,
    row_number() over (partition by a.ticker, a.source, b.source order by a.date desc) as from_end,
    a.document_sha256, a.locator
  from latest a join latest b on a.ticker = b.ticker and a.date = b.date and a.source < b.source
  window w as (partition by a.ticker, a.source, b.source order by a.date)
)"""

LAGGING = 0.25
"""A ticker's returns go with the market's of the same day. Where they go with those of the day before or after by this
much better (as a correlation, over a year), its dates are shifted. In the packaged panel no ticker comes near."""
GOES_WITH = 0.2
ENOUGH_RETURNS, ENOUGH_TICKERS = 100, 5
ENDS_EARLY_DAYS = 10
TRADED = 100_000
"""A share of which so many are traded the day before is no shell that waits for its merger, whose price may stand still."""
ENOUGH_BARS = 20
"""Two tickers that are alike on most of their days are two classes of a share, or made up. On single days, one is a
copy.
"""
LARGEST_VALUE_USD, SMALLEST_VALUE_USD = 2e13, 1e8

HIGHEST_USD = 1e12
"""Funds that lose daily and are split in reverse have had a price of billions, in today's shares."""
RANGE = 3
"""A high or low by this factor beyond open and close is another share's or has a digit too many. The largest in 173,000
recorded bars is 1.45, of shares of a few dollars.
"""
APART = 0.05
"""A bar whose whole range stands so far (as a log) above or below those of both neighbours: 0.034 is the most recorded."""
VOLUME_STEP = 0.05
"""A volume by this factor below or above the one before is looked at."""
VOLUME_LOW, VOLUME_HIGH = 0.01, 1000.0
"""Times the median of the last 20 sessions: from 0.02 (a share that was listed anew) to 550 (one whose news everybody read)."""
CENTS_SHOW = 20
"""From this price on, four prices that are those of the day before to the cent are a copy and no chance."""

_FIGURES = ("open", "high", "low", "close", "volume")
_BEFORE = ", ".join(f"lag({name}) over w as {name}_before" for name in _FIGURES)
_SAME_PRICES = " and ".join(f"{name} = {name}_before" for name in _FIGURES[:4])
_SAME = " and ".join(f"{name} = {name}_before" for name in _FIGURES)
REPEATS = (
    f"((volume >= {TRADED} and {_SAME}) "
    f"or (volume >= {TRADED} and close >= {CENTS_SHOW} and high > low and {_SAME_PRICES}) "
    f"or (open = high and high = low and low = close and close = close_before and volume_before >= {TRADED}))"
)
"""A bar that says what the one before it said. The check below and `warehouse.marts.market.doubts` read this text."""

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
        Column(
            "adj_close",
            "real",
            "close adjusted for splits and dividends",
            "USD",
            required=True,
            above=0,
        ),
        Column("volume", "integer", "shares traded, split-adjusted", "shares", required=True, minimum=0),
    ],
    promise=Promise(MARKET_DATA, ON_CALL, 2, "sessions", "newest_fact"),
    key=("ticker", "date"),
    identity=("ticker", "date", "known_on", "source"),
    one_source=OneSource(of=("ticker",), along="date", preference=("yahoo", "tiingo")),
    restates=True,
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
            "known_from_its_day",
            "known_on < date",
            "a close that was public before its session was over has one of its dates wrong",
            quarantines=True,
            columns=("known_on", "date"),
        ),
        Check(
            "range_of_a_bar",
            f"high > {RANGE} * greatest(open, close) or (low > 0 and low * {RANGE} < least(open, close)) or high > {HIGHEST_USD:g}",
            "a high or a low far beyond open and close, or a price beyond all prices, has a digit too many or is of another share",
            quarantines=True,
            columns=("high", "low"),
        ),
        of_the_panel(),
        Check(
            "back_the_next_day",
            f"""with {_LATEST},
            beside as (
              select *, adj_close / close as factor, lag(adj_close / close) over w as factor_before,
                lead(adj_close / close) over w as factor_after, 
                lag(close) over w as close_before, lead(close) over w as close_after,
                ln(greatest(low / greatest(lag(high) over w, lead(high) over w), least(lag(low) over w, lead(low) over w) / high))
                  as apart
              from latest where least(open, high, low, close, adj_close) > 0
              window w as (partition by ticker, source order by date)
            ),
            steps as (
              select *, abs(factor / factor_before - 1) as factor_step, abs(factor_after / factor_before - 1) as factor_stays,
                3 * (1e-4 + {CENT} * (1 / close + 1 / close_before + 1 / close_after)) as rounding from beside
            )
            select ticker, date, source, close, close_before, close_after, adj_close, round(factor, 6) as factor,
              round(factor_before, 6) as factor_before, round(factor_after, 6) as factor_after, document_sha256, locator
            from steps where apart >= {APART} or (factor_step > rounding and factor_stays < factor_step / 5)""",
            "a bar far above or below those of both neighbours, or adjusted otherwise than both, is of another "
            "share, in another currency or a misprint. It makes two returns that nobody earned",
            severity="warning",
            columns=("close", "adj_close"),
            quarantines_compared=True,
        ),
        Check(
            "volume_of_another_unit",
            f"""with {_LATEST},
            looked_at as (
              select * from latest where volume > 0 qualify volume / lag(volume) over (partition by ticker, source order by date)
                not between {VOLUME_STEP} and 1 / {VOLUME_STEP}
            ),
            {_USUAL}
            select ticker, date, source, volume, usual_volume, document_sha256, locator
            from looked_at join usual using (ticker, source, date) where usual_volume >= {TRADED} and volume > 0
              and volume / usual_volume not between {VOLUME_LOW} and {VOLUME_HIGH}""",
            "a volume a hundredth or a thousand times of what is usual is in thousands or in dollars. Checks that "
            "look for news of a jump, and the turnover, would be misled",
            severity="warning",
            columns=("volume",),
        ),
        Check(
            "bar_of_another_ticker",
            f"""with alike as (
              select date, source, close, volume from {{table}} where volume > 0 group by all having count(distinct ticker) > 1
            ), rows as (
              select t.*, count(*) over (partition by t.ticker, t.source) as bars_alike
              from {{table}} t semi join alike using (date, source, close, volume)
            ), bars as (select ticker, source, count(*) as bars from {{table}} group by all having count(*) >= {ENOUGH_BARS})
            select r.ticker, r.date, r.source, r.close, r.volume, r.document_sha256, r.locator
            from rows r join bars b using (ticker, source) where r.bars_alike < 0.5 * b.bars""",
            "two tickers with the same close and the same volume on one day: one has the other's bar",
            columns=("ticker", "close", "volume"),
        ),
        Check(
            "dates_not_shifted",
            f"""with {_LATEST},
            returns as (
              select ticker, source, date, year(date) as year,
                ln(adj_close / lag(adj_close) over (partition by ticker, source order by date)) as r
              from latest where adj_close > 0
            ),
            market as (
              select date, source, sum(r) as total, count(r) as tickers from returns group by all
              having count(r) >= {ENOUGH_TICKERS}
            ),
            days as (
              select date, source, total, tickers, lag(total / tickers) over w as before, lead(total / tickers) over w as after
              from market window w as (partition by source order by date)
            ),
            compared as (
              select ticker, source, year, max(date) as date, count(*) as returns,
                corr(r, (total - r) / (tickers - 1)) as same_day,
                corr(r, before) as day_before, corr(r, after) as day_after
              from returns join days using (date, source) where r is not null and tickers > 1 group by ticker, source, year
            )
            select ticker, date, source, year, returns, round(same_day, 2) as same_day, round(day_before, 2) as day_before,
              round(day_after, 2) as day_after
            from compared where returns >= {ENOUGH_RETURNS}
              and greatest(abs(day_before), abs(day_after)) > greatest(abs(same_day) + {LAGGING}, {GOES_WITH})""",
            "the returns of a ticker that go with the market's of the day before or after have their dates "
            "shifted. An event study would read the wrong day",
            columns=("ticker", "date"),
        ),
        Check(
            "market_value_possible",
            f"""with {_LATEST},
            newest as (
              select * from latest qualify row_number() over (partition by ticker, source order by date desc) = 1),
            counted as (
              select s.ticker, arg_max(s.shares, s.measured_on) as shares, max(s.measured_on) as measured_on
              from core.shares_outstanding s group by all
            )
            select n.ticker, n.date, n.source, n.close, c.shares, n.document_sha256, n.locator
            from newest n join counted c using (ticker)
            where n.close * c.shares * coalesce((select product(a.value) from (select distinct ticker, date, value
                from core.corporate_actions where kind = 'split') a where a.ticker = c.ticker and a.date > c.measured_on), 1)
              not between {SMALLEST_VALUE_USD:.0f} and {LARGEST_VALUE_USD:.0f}""",
            "a company worth more than any ever was has its closes in cents, or another's share count",
            columns=("close", "shares"),
        ),
        Check(
            "ticker_ends_early",
            f"""select ticker, max(date) as date, source, any_value(last) as last_bar_of_others
            from (select ticker, date, source, max(date) over (partition by source) as last from {{table}})
            group by ticker, source having max(date) < any_value(last) - {ENDS_EARLY_DAYS}""",
            "a ticker whose bars stop while the others' go on was delisted, renamed or cut off",
            severity="warning",
            columns=("ticker", "date"),
        ),
        Check(
            "no_trade_on_a_trading_day",
            f"with {_LATEST}, days as (select *, lag(volume) over w as volume_before, lead(volume) over w as volume_after "
            "from latest window w as (partition by ticker, source order by date)) "
            "select ticker, date, source, close, volume, volume_before, document_sha256, locator from days "
            f"where volume = 0 and volume_before >= {TRADED} and coalesce(volume_after, {TRADED}) >= {TRADED}",
            "a bar without any trade of a share that trades every day was filled in by somebody",
            severity="warning",
            columns=("volume", "close"),
        ),
        Check(
            "split_on_one_side",
            f"{_MOVES} select {_SAID} from moves where {ONE_SIDED}",
            "a day on which nearly everything was lost or won and nobody traded more than usual is no news. The history was "
            "converted for a split in one part only, or the bars of another share begin here. Fetch the whole history again "
            "(`overbuild backfill`), or take the ticker out",
            columns=("close",),
        ),
        Check(
            "jump_without_turnover",
            f"{_MOVES} select {_SAID} from moves where step >= ln({SMALL_JUMP}) and turnover < {NEWS_TURNOVER} "
            f"and not {ONE_SIDED}",
            "a large step on an ordinary day may be a small split that was applied to one part of the history only",
            severity="warning",
            columns=("close",),
        ),
        Check(
            "adjustment_never_falls",
            f"{_MOVES} select {_SAID}, factor, factor_before from moves where not {ONE_SIDED} and factor_falls",
            "the share of a close that dividends leave over rises to one; where it falls, two ways of adjusting meet "
            "in one series, and the return of that day is theirs",
            severity="warning",
            columns=("adj_close", "close"),
        ),
        Check(
            "bar_repeats_the_last",
            f"with {_LATEST}, pairs as (select *, {_BEFORE} from latest "
            "window w as (partition by ticker, source order by date)) "
            "select ticker, date, source, close, volume, document_sha256, locator from pairs "
            f"where {REPEATS}",
            "the same prices on two days (of a share of a few dollars, the same volume, too), or one price all day "
            "that is yesterday's close. The second is a copy, and its return of zero is not real",
            severity="warning",
            columns=("close", "volume"),
        ),
        Check(
            "sources_agree",
            f"{_PAIRS} select ticker, date, source, close, close_before, other_source, other_close, "
            "other_close_before, document_sha256, locator from pairs "
            "where abs(close / close_before - other_close / other_close_before) > "
            f"close / close_before * ({ROUNDING} + {CENT / 2} * (1 / close + 1 / close_before + 1 / other_close "
            "+ 1 / other_close_before))",
            "two vendors' closes tell different returns for one day, by more than rounding: one has a wrong close",
            severity="warning",
            columns=("close", "source", "close_before", "other_source", "other_close", "other_close_before"),
        ),
        Check(
            "sources_on_one_basis",
            f"""{_PAIRS},
            later as (
              select p.ticker, p.source, p.other_source, coalesce(sum(ln(s.value)), 0) as split_log
              from pairs p
              left join (select distinct ticker, date, value from core.corporate_actions where kind = 'split') s
                on s.ticker = p.ticker and s.date > p.date
              where p.from_end = 1 group by all
            )
            select p.ticker, p.date, p.source, p.close, p.other_source, p.other_close, p.document_sha256, p.locator
            from pairs p join later l using (ticker, source, other_source)
            where p.from_end = 1
              and least(abs(ln(p.close / p.other_close)), abs(abs(ln(p.close / p.other_close)) - abs(l.split_log)))
                > {ROUNDING} + {CENT / 2} * (1 / p.close + 1 / p.other_close)""",
            "two vendors' closes differ on the last day that both have and no recorded split explains it. One has "
            "another share under this ticker, or a split that the other lacks",
            severity="warning",
            columns=("close", "source", "other_source", "other_close"),
        ),
        Check(
            "no_session_missing_for_a_ticker",
            "select p.ticker, s.session as date, p.source, 'no bar' as found from "
            "(select ticker, source, min(date) as first, max(date) as last from {table} group by ticker, source) p "
            "join calendar.sessions s on s.session between p.first and p.last "
            "anti join {table} t on t.ticker = p.ticker and t.source = p.source and t.date = s.session",
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
    guide=Guide(
        "One row for each ticker and trading day.",
        "prices or adj_close. Returns come from adj_close, market values from close.",
        {
            "At which price did Nvidia close around the event?": "select date, close, volume from stock_prices where "
            "ticker = 'NVDA' and date between '2025-01-21' and '2025-02-03' order by date",
            "What did each share return on 27 January 2025?": "select ticker, date, adj_close / lag(adj_close) over "
            "(partition by ticker order by date) - 1 as daily_return from stock_prices qualify date = '2025-01-27' order "
            "by daily_return",
            "From when to when is each ticker known?": "select ticker, min(date) as first_day, max(date) as last_day, "
            "count(*) as days from stock_prices group by all order by all",
        },
    ),
)
