"""How much market value an event took, beside the figures that were printed, and why they differ.

Market value lost is a price change times a number of shares, and every printed figure is right about something: which
close, which share count, how much rounding. So the mart's own figure (`computed`: official close after less official close
before, times the shares that the last cover page known on that day gives, all on one split basis) stands beside each
printed one of the same ticker and day, and the difference is put down to what could make it:

- `implied_close_usd` is the close that gives the printed figure with our share count. The press's 589 billion USD for
  2025-01-27 is the close 118.58, which some outlets printed before the official 118.42 was out.
- `implied_shares` is the share count that gives it with the official closes. Vendors carry basic, diluted or older counts.
- A printed figure that is ours rounded to its own number of digits differs by nothing but rounding: 600 billion has one.

Printed figures are facts like others: the article's claims (`market_cap_change`) and the press's
(`market_cap_loss_reported` in the evidence), each with its grade. Days count on the exchange's calendar, and a day
without a session moves to the next one.
"""

from __future__ import annotations

from datetime import date
from math import floor, log10

import numpy as np
import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.common.mart import Mart, Trace
from warehouse.marts.common.select_current import admissible, pick, weakest
from warehouse.marts.market.event_study import share_counts
from warehouse.marts.market.returns import Setting, setting
from warehouse.tables.article_claims import TABLE as ARTICLE_CLAIMS
from warehouse.tables.companies import TABLE as COMPANIES
from warehouse.tables.evidence import TABLE as EVIDENCE
from warehouse.tables.stock_prices import TABLE as STOCK_PRICES
from warehouse.tables.table import GRADES, Check, Column, mart

COMPUTED, ARTICLE, PRESS = FIGURES = ("computed", "article", "press")

TABLE = mart(
    "event_market_value",
    "market value gained or lost on each event day, beside printed figures, and why they differ",
    [
        Column("event_date", "date", "date of the news, as asked for", required=True),
        Column("session", "date", "trading day that was measured: the event date, or the next session after it"),
        Column("ticker", "text", "share", required=True),
        Column("figure", "text", "ours, the article's, or the press's", required=True, allowed=FIGURES),
        Column("figure_id", "text", "row of evidence or claim that printed it; `computed` for ours", required=True),
        Column("day_before", "date", "session before"),
        Column("close_before_usd", "real", "official close of the session before, split-adjusted", "USD", above=0),
        Column("close_usd", "real", "official close of the session, split-adjusted", "USD", above=0),
        Column("shares", "real", "latest count known on the session, on the closes' split basis", "shares", above=0),
        Column("shares_measured_on", "date", "day that the count is about"),
        Column("market_value_change_usd", "real", "the figure: a loss is negative", "USD"),
        Column("market_value_change_low_usd", "real", "the printed range's larger loss", "USD"),
        Column("market_value_change_high_usd", "real", "the printed range's smaller loss", "USD"),
        Column("market_value_before_usd", "real", "official close of the session before times shares", "USD", above=0),
        Column("difference_usd", "real", "printed figure less ours", "USD"),
        Column("difference_share", "real", "of our figure", "fraction"),
        Column("implied_close_usd", "real", "close that gives the printed figure with our share count", "USD"),
        Column("implied_shares", "real", "share count that gives the printed figure with the official closes", "shares"),
        Column("explanation", "text", "what makes the difference"),
        Column("known_on", "date", "day by which all inputs were public"),
    ],
    key=("event_date", "ticker", "figure", "figure_id"),
    checks=(
        Check(
            "null_has_a_reason",
            "select * from {table} where reason is null and market_value_change_usd is null",
            "a missing figure would look like one that was forgotten",
        ),
        Check(
            "a_difference_is_explained",
            "select * from {table} where difference_usd is not null and explanation is null",
            "two figures for one thing, and no word why",
        ),
        Check(
            "value_is_price_times_shares",
            "select * from {table} where figure = 'computed' and "
            "abs(market_value_change_usd - (close_usd - close_before_usd) * shares) > 1",
            "a market value that its own row does not give",
        ),
    ),
)  # fmt: skip


def build(
    stock_prices: pl.DataFrame,
    shares_outstanding: pl.DataFrame,
    corporate_actions: pl.DataFrame,
    evidence: pl.DataFrame,
    article_claims: pl.DataFrame,
    companies: pl.DataFrame,
    sessions: pl.DataFrame,
    *,
    as_of: date,
    assumptions: Assumptions,
) -> pl.DataFrame:
    """Ours for every event and share (share counts as in `event_study`), and every printed figure of that day."""
    chosen = setting(companies, sessions, assumptions)
    if not chosen.events:
        return TABLE.empty()
    days = sessions.get_column("session").drop_nulls().unique().sort()
    events = pl.DataFrame(
        {
            "event_date": [event.asked for event in chosen.events],
            "session": [event.session for event in chosen.events],
            "day_before": [days[event.at - 1] if event.session and event.at > 0 else None for event in chosen.events],
        },
        schema={"event_date": pl.Date, "session": pl.Date, "day_before": pl.Date},
    )
    panel = pick(admissible(companies), COMPANIES).filter(pl.col("role") != "benchmark")
    panel = panel.select("ticker", "company", panel_grade="grade", panel_known_on="known_on")
    bars = pick(admissible(stock_prices), STOCK_PRICES).select("ticker", "date", "close", "grade", "known_on")
    ours = (
        events.join(panel, how="cross")
        .join(bars, left_on=["ticker", "session"], right_on=["ticker", "date"], how="left")
        .join(bars, left_on=["ticker", "day_before"], right_on=["ticker", "date"], how="left", suffix="_before")
        .join(_counts(shares_outstanding, corporate_actions, chosen), on=["event_date", "ticker"], how="left")
        .with_columns(
            figure=pl.lit(COMPUTED),
            figure_id=pl.lit(COMPUTED),
            close_before_usd=pl.col("close_before"),
            close_usd=pl.col("close"),
            market_value_before_usd=pl.col("close_before") * pl.col("shares"),
            market_value_change_usd=(pl.col("close") - pl.col("close_before")) * pl.col("shares"),
            grade=weakest("grade", "grade_before", "count_grade", "panel_grade"),
            known_on=pl.max_horizontal("known_on", "known_on_before", "count_known_on", "panel_known_on"),
        )
    )
    shown = [name for name in TABLE.names if name in ours.columns]
    rows = pl.concat([ours.select(*shown), _printed(ours, evidence, article_claims)], how="diagonal_relaxed")
    any_figure = pl.col("market_value_change_usd").is_not_null()
    return rows.with_columns(
        grade=pl.when(any_figure).then("grade"),
        known_on=pl.when(any_figure).then("known_on"),
        reason=pl.struct("event_date", "session", "ticker", "close_before_usd", "close_usd", "shares").map_elements(
            _reason, return_dtype=pl.String
        ),
    )


def _counts(shares: pl.DataFrame, actions: pl.DataFrame, chosen: Setting) -> pl.DataFrame:
    """The share count of each event and firm that has one, with what it is worth."""
    counts = share_counts(shares, actions, chosen)
    events, firms = np.nonzero(np.isfinite(counts.shares[:, : len(chosen.firms)]))
    return pl.DataFrame(
        {
            "event_date": pl.Series([chosen.events[e].asked for e in events], dtype=pl.Date),
            "ticker": pl.Series([chosen.firms[f] for f in firms], dtype=pl.String),
            "shares": counts.shares[events, firms],
            "shares_measured_on": counts.measured_on[events, firms],
            "count_grade": pl.Series([GRADES[code] for code in counts.grade[events, firms]], dtype=pl.String),
            "count_known_on": counts.known_on[events, firms].astype(np.int32),
        }
    ).with_columns(pl.col("count_known_on").cast(pl.Date))


def _printed(ours: pl.DataFrame, evidence: pl.DataFrame, article_claims: pl.DataFrame) -> pl.DataFrame:
    """Printed figures of an event's session, each with ours beside it."""
    press = pick(admissible(evidence).filter(pl.col("metric") == "market_cap_loss_reported"), EVIDENCE).select(
        pl.col("entity").alias("ticker"),
        pl.col("as_of_date").alias("session"),
        figure=pl.lit(PRESS),
        figure_id="evidence_id",
        # Printed as a loss: the sign is turned, and low and high change places.
        printed=-pl.col("value"),
        market_value_change_low_usd=-pl.col("value_high"),
        market_value_change_high_usd=-pl.col("value_low"),
        note="note",
        printed_grade="grade",
        printed_known_on="known_on",
    )
    claims = pick(admissible(article_claims).filter(pl.col("quantity") == "market_cap_change"), ARTICLE_CLAIMS)
    companies = ours.select("ticker", "company").unique()
    article = (
        claims.join(companies, how="cross")
        .filter(pl.struct("statement", "company").map_elements(_is_named, return_dtype=pl.Boolean))
        .select(
            "ticker",
            pl.col("event_date").alias("session"),
            figure=pl.lit(ARTICLE),
            figure_id="claim_id",
            printed=pl.col("value_claimed").cast(pl.Float64, strict=False),
            note=pl.lit(None, dtype=pl.String),
            printed_grade="grade",
            printed_known_on="known_on",
        )
    )
    printed = pl.concat([press, article], how="diagonal_relaxed")
    beside = ours.drop("figure", "figure_id").join(printed.drop_nulls("printed"), on=["ticker", "session"])
    change, before = pl.col("market_value_change_usd"), pl.col("close_before_usd")
    found = beside.with_columns(
        difference_usd=pl.col("printed") - change,
        difference_share=(pl.col("printed") - change) / change,
        implied_close_usd=before + pl.col("printed") / pl.col("shares"),
        implied_shares=pl.col("printed") / (pl.col("close_usd") - before),
    ).with_columns(pl.when(pl.col(pl.Float64).is_finite()).then(pl.col(pl.Float64)))
    explained = pl.struct(
        "printed", "market_value_change_usd", "implied_close_usd", "close_usd", "implied_shares", "shares", "note"
    ).map_elements(_explanation, return_dtype=pl.String)
    found = found.with_columns(
        explanation=pl.when(pl.col("difference_usd").is_not_null()).then(explained),
        grade=weakest("grade", "printed_grade"),
        known_on=pl.max_horizontal("known_on", "printed_known_on"),
    ).with_columns(market_value_change_usd="printed")
    return found.select([name for name in TABLE.names if name in found.columns])


def _is_named(row: dict) -> bool:
    return str(row["company"]).casefold() in str(row["statement"]).casefold()


def _explanation(row: dict) -> str | None:
    """In words: rounding, the close, or the share count, whichever makes the printed figure from ours."""
    printed, ours = row["printed"], row["market_value_change_usd"]
    if ours is None:
        return None
    if not printed or not ours or printed * ours < 0:
        return "the printed figure and ours have different signs: no close or share count makes one from the other"
    unit = _unit(printed)
    texts = []
    if abs(round(ours / unit) * unit - printed) < unit / 2:
        texts.append(f"rounding: {_billions(ours)} to the nearest {unit / 1e9:g} billion USD is {_billions(printed)}")
    else:
        texts.append(
            f"the close: {_billions(printed)} is {row['shares'] / 1e9:.2f} billion shares at a close of "
            f"{row['implied_close_usd']:.2f} USD instead of the official {row['close_usd']:.2f}"
        )
        texts.append(
            f"or the share count: {row['implied_shares'] / 1e9:.2f} billion at the official close instead of the "
            f"{row['shares'] / 1e9:.2f} billion known that day"
        )
    if row["note"]:
        texts.append(f"its compiler notes: {row['note']}")
    return "; ".join(texts)


def _unit(printed: float) -> float:
    """The last digit that a printed figure states, in USD: 600 billion states hundreds of billions, 589 billions."""
    digits = f"{abs(printed):.0f}".rstrip("0")
    return 10.0 ** (floor(log10(abs(printed))) + 1 - len(digits))


def _billions(value: float) -> str:
    return f"{value / 1e9:,.1f} billion USD"


def _reason(row: dict) -> str | None:
    """Why a row's figures are missing, and whether its day moved."""
    session = row["session"]
    if session is None:
        return f"the calendar has no session on or after {row['event_date']}"
    told = []
    if session != row["event_date"]:
        told.append(f"{row['event_date']} has no session, so the event moves to the next one, {session}")
    if row["close_usd"] is None:
        told.append(f"no close of {row['ticker']} on {session}")
    if row["close_before_usd"] is None:
        told.append(f"no close of {row['ticker']} on the session before {session}")
    if row["shares"] is None:
        told.append(f"no share count of {row['ticker']} known by {session}")
    return "; ".join(told) or None


MART = Mart(
    table=TABLE,
    build=build,
    traces=(
        Trace(
            "core.stock_prices",
            "t.ticker = m.ticker and t.date in (m.session, m.day_before) and t.grade <> 'D'",
        ),
        Trace(
            "core.shares_outstanding",
            "t.ticker = m.ticker and t.measured_on = m.shares_measured_on and t.known_on <= m.session "
            "and t.grade <> 'D'",
        ),
        Trace(
            "core.corporate_actions",
            "m.shares is not null and t.ticker = m.ticker and t.kind = 'split' and t.date > m.shares_measured_on "
            "and t.grade <> 'D'",
        ),
        Trace("core.evidence", "m.figure = 'press' and t.evidence_id = m.figure_id"),
        Trace("core.article_claims", "m.figure = 'article' and t.claim_id = m.figure_id"),
        Trace("core.companies", "t.ticker = m.ticker"),
    ),
)
