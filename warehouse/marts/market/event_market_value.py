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

from collections.abc import Mapping
from datetime import date

import numpy as np
import polars as pl

from warehouse.assumptions import Assumptions
from warehouse.marts.common.columns import KNOWN_ON_OR_NULL
from warehouse.marts.common.mart import Mart, Trace
from warehouse.marts.common.reasons import all_of, because
from warehouse.marts.common.select_current import admissible, select_current, weakest
from warehouse.marts.common.words import worded
from warehouse.marts.market.columns import EVENT_DATE, null_has_a_reason
from warehouse.marts.market.doubts import KINDS, TWO_BASES, doubtful
from warehouse.marts.market.event_reasons import of_the_day
from warehouse.marts.market.panel import Setting, setting
from warehouse.marts.market.share_counts import share_counts
from warehouse.tables.article_claims import TABLE as ARTICLE_CLAIMS
from warehouse.tables.companies import TABLE as COMPANIES
from warehouse.tables.evidence import TABLE as EVIDENCE
from warehouse.tables.formula import Formula
from warehouse.tables.guide import Guide
from warehouse.tables.stock_prices import TABLE as STOCK_PRICES
from warehouse.tables.table import GRADES, Check, Column, mart

FIGURE_MEANINGS = {
    "computed": "ours: shares known that day at the official closes",
    "article": "as the article says",
    "press": "as the press printed it",
}
COMPUTED, ARTICLE, PRESS = FIGURES = tuple(FIGURE_MEANINGS)

TABLE = mart(
    "event_market_value",
    "market value gained or lost on each event day, beside printed figures, and why they differ",
    [
        EVENT_DATE,
        Column("session", "date", "trading day that was measured: the event date, or the next session after it"),
        Column("ticker", "text", "share", required=True),
        Column("figure", "text", "whose figure it is", required=True, allowed=FIGURE_MEANINGS),
        Column("figure_id", "text", "row of evidence or claim that printed it; `computed` for ours", required=True),
        Column("day_before", "date", "session before"),
        Column("close_before_usd", "real", "official close of the session before, split-adjusted", "USD", above=0),
        Column("close_usd", "real", "official close of the session, split-adjusted", "USD", above=0),
        Column("shares", "real", "latest count known on the session, on the closes' split basis", "shares", above=0),
        Column("shares_measured_on", "date", "day that the count is about"),
        Column("market_value_change_usd", "real", "the figure: a loss is negative", "USD",
            formula=Formula(
                "close of the day less the close before it, times the shares known that day; of a printed figure "
                "what was printed",
                "(close − close before) × shares",
                "6",
            ),
        ),
        Column("market_value_change_low_usd", "real", "the printed range's larger loss", "USD"),
        Column("market_value_change_high_usd", "real", "the printed range's smaller loss", "USD"),
        Column("market_value_before_usd", "real", "official close of the session before times shares", "USD", above=0,
            formula=Formula("close of the session before times shares", "{close_before_usd} × {shares}", "6"),
        ),
        Column("difference_usd", "real", "printed figure less ours", "USD",
            formula=Formula("the printed figure less ours", "printed − ours", "6"),
        ),
        Column("difference_share", "real", "of our figure", "fraction",
            formula=Formula("that difference over our figure", "(printed − ours) / |ours|", "6"),
        ),
        Column("implied_close_usd", "real", "close that gives the printed figure with our share count", "USD",
            formula=Formula("the close at which our share count gives the printed figure", "close before + printed / shares", "6"),
        ),
        Column("implied_shares", "real", "share count that gives the printed figure with the official closes", "shares",
            formula=Formula(
                "the share count at which the official closes give the printed figure",
                "printed / (close − close before)", "6",
            ),
        ),
        Column("explanations", "texts", "what makes the difference: JSON objects as in `reasons`"),
        Column("explanation", "text", "the same in words", prose=True),
        KNOWN_ON_OR_NULL,
    ],
    key=("event_date", "ticker", "figure", "figure_id"),
    checks=(
        null_has_a_reason("market_value_change_usd is null"),
        Check(
            "a_difference_is_explained",
            "select * from {table} where difference_usd is not null and explanations is null",
            "two figures for one thing, and no word why",
        ),
        Check(
            "value_is_price_times_shares",
            "select * from {table} where figure = 'computed' and "
            "abs(market_value_change_usd - (close_usd - close_before_usd) * shares) > 1",
            "a market value that its own row does not give",
        ),
    ),
    guide=Guide(
        "One row for each event, ticker and figure: ours, and each printed one.",
        "over figures: they are several statements of one loss.",
        {
            "What did Nvidia lose, by whom?": "select figure, market_value_change_usd, difference_usd, explanation from "
            "event_market_value where ticker = 'NVDA' and event_date = '2025-01-27'",
            "Who lost most?": "select ticker, market_value_change_usd from event_market_value where event_date = "
            "'2025-01-27' and figure = 'computed' order by market_value_change_usd limit 10",
            "Which counts of shares are used?": "select ticker, shares, shares_measured_on from event_market_value where "
            "event_date = '2025-01-27' and figure = 'computed' and shares is not null limit 10",
        },
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
    panel = select_current(admissible(companies), COMPANIES).filter(pl.col("role") != "benchmark")
    panel = panel.select("ticker", "company", panel_grade="grade", panel_known_on="known_on")
    known = select_current(admissible(stock_prices.filter(pl.col("ticker").is_in(chosen.firms))), STOCK_PRICES)
    doubts = doubtful(known)
    bars = known.join(doubts, on=["ticker", "date"], how="anti").select("ticker", "date", "close", "grade", "known_on")
    # Closes before a step between two bases do not fit a share count, which is on the basis of the newest close.
    breaks = doubts.filter(pl.col("doubt") == TWO_BASES).group_by("ticker").agg(last_break=pl.col("date").max())
    newest = dict(bars.group_by("ticker").agg(pl.col("date").max()).iter_rows())
    counts = _counts(shares_outstanding, corporate_actions, chosen, newest)
    ours = (
        events.join(panel, how="cross")
        .join(bars, left_on=["ticker", "session"], right_on=["ticker", "date"], how="left")
        .join(bars, left_on=["ticker", "day_before"], right_on=["ticker", "date"], how="left", suffix="_before")
        .join(counts, on=["event_date", "ticker"], how="left")
        .join(breaks, on="ticker", how="left")
        .join(doubts, left_on=["ticker", "session"], right_on=["ticker", "date"], how="left")
        .join(doubts, left_on=["ticker", "day_before"], right_on=["ticker", "date"], how="left", suffix="_before")
        .with_columns(on_two_bases=(pl.col("last_break") > pl.col("day_before")).fill_null(False))
        .with_columns(shares=pl.when(~pl.col("on_two_bases")).then("shares"), reasons=_doubts())
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
        reasons=_reasons(),
    )


def _doubts() -> pl.Expr:
    """Why closes or counts that are there make no market value."""
    ticker = pl.col("ticker")
    days = ((pl.col("doubt"), pl.col("session")), (pl.col("doubt_before"), pl.col("day_before")))
    doubtful_days = [
        pl.when(kind == each).then(because(f"price_{each}", ticker=ticker, date=day))
        for kind, day in days
        for each in KINDS
    ]
    two_counts = because("share_counts_on_two_bases", ticker=ticker, measured_on=pl.col("count_doubt_on"))
    return all_of(
        *doubtful_days,
        pl.when("on_two_bases").then(because("closes_on_two_bases", ticker=ticker)),
        pl.when(pl.col("count_doubt_on").is_not_null()).then(two_counts),
    )


def _counts(
    shares: pl.DataFrame, actions: pl.DataFrame, chosen: Setting, closes_through: Mapping[str, date]
) -> pl.DataFrame:
    """The share count of each event and firm that has one or whose count is in doubt, with what it is worth."""
    counts = share_counts(shares, actions, chosen, closes_through)
    measured = ~np.isnat(counts.measured_on[:, : len(chosen.firms)])
    events, firms = np.nonzero(measured)
    return pl.DataFrame(
        {
            "event_date": pl.Series([chosen.events[e].asked for e in events], dtype=pl.Date),
            "ticker": pl.Series([chosen.firms[f] for f in firms], dtype=pl.String),
            "shares": counts.shares[events, firms],
            "shares_measured_on": counts.measured_on[events, firms],
            "count_grade": pl.Series([GRADES[code] for code in counts.grade[events, firms]], dtype=pl.String),
            "count_known_on": counts.known_on[events, firms].astype(np.int32),
            "count_doubt_on": counts.doubt_on[events, firms],
        }
    ).with_columns(pl.col("count_known_on").cast(pl.Date), pl.col("shares").fill_nan(None))


def _printed(ours: pl.DataFrame, evidence: pl.DataFrame, article_claims: pl.DataFrame) -> pl.DataFrame:
    """Printed figures of an event's session, each with ours beside it."""
    printed = pl.concat([_of_the_press(evidence), _of_the_article(article_claims, ours)], how="diagonal_relaxed")
    beside = ours.drop("figure", "figure_id").join(printed.drop_nulls("printed"), on=["ticker", "session"])
    change, before = pl.col("market_value_change_usd"), pl.col("close_before_usd")
    found = beside.with_columns(
        difference_usd=pl.col("printed") - change,
        difference_share=(pl.col("printed") - change) / change,
        implied_close_usd=before + pl.col("printed") / pl.col("shares"),
        implied_shares=pl.col("printed") / (pl.col("close_usd") - before),
    ).with_columns(pl.when(pl.col(pl.Float64).is_finite()).then(pl.col(pl.Float64)))
    found = (
        worded(found.with_columns(explanations=_explanations()), "explanations", "explanation")
        .with_columns(
            grade=weakest("grade", "printed_grade"), known_on=pl.max_horizontal("known_on", "printed_known_on")
        )
        .with_columns(market_value_change_usd="printed")
    )
    return found.select([name for name in TABLE.names if name in found.columns])


def _of_the_press(evidence: pl.DataFrame) -> pl.DataFrame:
    reported = select_current(admissible(evidence).filter(pl.col("metric") == "market_cap_loss_reported"), EVIDENCE)
    return reported.select(
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


def _of_the_article(article_claims: pl.DataFrame, ours: pl.DataFrame) -> pl.DataFrame:
    """Claims of a change of market value, each with the company that its statement names."""
    claims = select_current(
        admissible(article_claims).filter(pl.col("quantity") == "market_cap_change"), ARTICLE_CLAIMS
    )
    companies = ours.select("ticker", "company").unique()
    named = pl.col("statement").str.to_lowercase().str.contains(pl.col("company").str.to_lowercase(), literal=True)
    return (
        claims.join(companies, how="cross")
        .filter(named)
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


def _explanations() -> pl.Expr:
    """What makes the printed figure from ours: rounding, or else the close or the share count; null without ours."""
    printed, ours, shares = pl.col("printed"), pl.col("market_value_change_usd"), pl.col("shares")
    unit = _last_digit(printed)
    rounded = (ours / unit).round(mode="half_to_even") * unit
    found = (
        pl.when((printed == 0) | (ours == 0) | (printed * ours < 0))
        .then(because("figures_of_different_signs"))
        .when((rounded - printed).abs() < unit / 2)
        .then(because("printed_figure_is_rounded", ours_usd=ours, unit_usd=unit, printed_usd=printed))
        .otherwise(
            because(
                "another_close_or_share_count",
                printed_usd=printed,
                shares=shares,
                close_usd=pl.col("close_usd"),
                implied_close_usd=pl.col("implied_close_usd"),
                implied_shares=pl.col("implied_shares"),
            )
        )
    )
    noted = (printed * ours > 0) & (pl.col("note") != "")
    return pl.when(ours.is_not_null()).then(
        all_of(found, pl.when(noted).then(because("compilers_note", note=pl.col("note"))))
    )


def _last_digit(printed: pl.Expr) -> pl.Expr:
    """The last digit that a printed figure states, in USD: 600 billion states hundreds of billions, 589 billions."""
    whole = printed.abs().round().cast(pl.Int64).cast(pl.String)
    return pl.lit(10.0).pow(whole.str.len_chars().cast(pl.Int64) - whole.str.strip_chars_end("0").str.len_chars())


def _reasons() -> pl.Expr:
    """Why figures of a row are missing, and whether its day moved."""
    ticker, session = pl.col("ticker"), pl.col("session")

    def missing(column: str, why: pl.Expr) -> pl.Expr:
        return pl.when(session.is_not_null() & pl.col(column).is_null()).then(why)

    return all_of(
        *of_the_day(),
        "reasons",
        missing("close_usd", because("no_close", ticker=ticker, session=session)),
        missing("close_before_usd", because("no_close_before", ticker=ticker, session=session)),
        pl.when(session.is_not_null() & pl.col("shares").is_null() & pl.col("shares_measured_on").is_null()).then(
            because("no_share_count", ticker=ticker, known_by=session)
        ),
    )


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
