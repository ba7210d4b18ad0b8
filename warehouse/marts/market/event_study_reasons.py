"""Why a figure of `event_study` is missing, and what to know of the rest.

A return can be missing in many ways: the calendar or the window has not got there, a share was listed late, one day has
no price. Each is another thing to do about it, so each is a reason of its own, with the ticker and the day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from warehouse.marts.common.reasons import all_of, because
from warehouse.marts.market.event_reasons import event_moved, holds_other_news, in_doubt, no_session
from warehouse.marts.market.event_study_rows import Grid, firm_counts, grid_of, is_its_benchmark, shared_firms
from warehouse.marts.market.panel import Gaps, Prices, Setting, first_doubts, gaps
from warehouse.marts.market.returns import MODELS, offsets, uses_market
from warehouse.marts.market.share_counts import ShareCounts


def reasons_and_dates(bars: Prices, members: np.ndarray, counts: ShareCounts, chosen: Setting) -> pl.DataFrame:
    """`prices_from`, `prices_to`, `reasons`, and whether they say why statistics are missing (`explained`).

    One row for each event, window, use of the benchmark, benchmark and asset, in this order; `place_of_reasons` says
    which of them a row of the table has.
    """
    frame = _circumstances(bars, members, counts, chosen)
    rules = _rules(bars.last, chosen)
    # Most rules hold for no row. Making a reason for every row and dropping it again costs more than looking first.
    holds = frame.select(rule.when.fill_null(False).alias(f"holds_{i}") for i, rule in enumerate(rules))
    used = [(name, rule) for name, rule in zip(holds.columns, rules, strict=True) if holds[name].any()]
    explaining = [name for name, rule in used if rule.explains]
    found = frame.hstack(holds).select(
        "prices_from",
        "prices_to",
        pl.any_horizontal(explaining).alias("explained") if explaining else pl.lit(False).alias("explained"),
        *(pl.when(name).then(rule.reason).alias(name) for name, rule in used),
    )
    return found.select(
        "prices_from",
        "prices_to",
        "explained",
        reasons=all_of(*(pl.col(name) for name, _ in used)) if used else pl.lit(None, dtype=pl.List(pl.String)),
    )


def place_of_reasons(grid: Grid) -> np.ndarray:
    """For each row of the table, its row of `reasons_and_dates`."""
    sizes = [2 if axis == "M" else grid.size[axis] for axis in "EWMBA"]
    place = np.arange(int(np.prod(sizes))).reshape(sizes)
    return grid.flat(place[:, :, [int(uses_market(model)) for model in MODELS]], "EWMBA")


def _circumstances(bars: Prices, members: np.ndarray, counts: ShareCounts, chosen: Setting) -> pl.DataFrame:
    """What the rules look at: which prices are missing of the asset and of its benchmark, and what is in both."""
    grid = grid_of(chosen, "EWUBA")
    days = offsets(chosen.estimation[0] - 1, chosen.estimation[1])
    estimation = [gaps(bars, event.at + days) for event in chosen.events]
    windows = [
        gaps(bars, event.at + offsets(first - 1, last)) for event in chosen.events for first, last in chosen.windows
    ]
    benchmarks = [bars.tickers.index(ticker) for ticker in chosen.benchmarks]
    firms, groups = slice(0, len(chosen.firms)), len(chosen.groups)

    def of_assets(found: list[Gaps], name: str, nothing: object) -> np.ndarray:
        return np.stack([np.append(getattr(gap, name)[firms], np.full(groups, nothing)) for gap in found])

    def of_benchmarks(found: list[Gaps], name: str) -> np.ndarray:
        return np.stack([getattr(gap, name)[benchmarks] for gap in found])

    spans = [
        first_doubts(bars, event.at + offsets(chosen.estimation[0] - 1, last))
        for event in chosen.events
        for _, last in chosen.windows
    ]
    no_day = np.datetime64("NaT", "D")
    doubt, doubt_on = (
        np.stack([np.append(span[i][firms], np.full(groups, nothing)) for span in spans])
        for i, nothing in enumerate((0, no_day))
    )
    market_doubt, market_doubt_on = (np.stack([span[i][benchmarks] for span in spans]) for i in (0, 1))
    starts = [bars.day(event.at + chosen.estimation[0] - 1) for event in chosen.events]
    ends = [bars.day(event.at + last) for event in chosen.events for _, last in chosen.windows]
    firsts = [bars.day(event.at + first) for event in chosen.events for first, _ in chosen.windows]
    in_role = np.array([chosen.roles.count(group) for group in chosen.groups], dtype=int)
    return pl.DataFrame(
        {
            "event_date": grid.series([event.asked for event in chosen.events], "E"),
            "session": grid.series([event.session for event in chosen.events], "E", pl.Date()),
            "prices_from": grid.series(starts, "E", pl.Date()),
            "prices_to": grid.series(ends, "EW", pl.Date()),
            "ticker": grid.series(chosen.assets, "A"),
            "benchmark": grid.series(chosen.benchmarks, "B"),
            "uses_market": grid.flat(np.array([False, True]), "U"),
            "have": grid.flat(of_assets(estimation, "returns", chosen.estimation_days), "EA"),
            "short": grid.flat(of_assets(estimation, "missing", False), "EA"),
            "short_on": grid.flat(of_assets(estimation, "first", no_day), "EA"),
            "market_have": grid.flat(of_benchmarks(estimation, "returns"), "EB"),
            "market_short": grid.flat(of_benchmarks(estimation, "missing"), "EB"),
            "market_short_on": grid.flat(of_benchmarks(estimation, "first"), "EB"),
            "gap": grid.flat(of_assets(windows, "missing", False), "EWA"),
            "gap_on": grid.flat(of_assets(windows, "first", no_day), "EWA"),
            "market_gap": grid.flat(of_benchmarks(windows, "missing"), "EWB"),
            "market_gap_on": grid.flat(of_benchmarks(windows, "first"), "EWB"),
            "members": grid.flat(firm_counts(members, chosen), "EWA"),
            "in_role": grid.flat(np.append(np.zeros(len(chosen.firms), dtype=int), in_role), "A"),
            "shared": grid.flat(shared_firms(members, chosen), "EWBA"),
            "itself": grid.flat(is_its_benchmark(members, chosen), "EWBA"),
            "in_benchmark": grid.flat(np.array([len(chosen.held(name)) for name in chosen.benchmarks]), "B"),
            "circular": grid.flat(np.array([chosen.is_circular(name) for name in chosen.benchmarks]), "B"),
            "window_from": grid.series(firsts, "EW", pl.Date()),
            "doubt": grid.flat(doubt, "EWA"),
            "doubt_on": grid.flat(doubt_on, "EWA"),
            "market_doubt": grid.flat(market_doubt, "EWB"),
            "market_doubt_on": grid.flat(market_doubt_on, "EWB"),
            "on_two_bases": grid.flat(_on_two_bases(bars, chosen), "EWA"),
            "shares_doubt_on": grid.flat(counts.doubt_on, "EA"),
            "has_shares": grid.flat(~np.isnan(counts.shares), "EA"),
        }
    )


def _on_two_bases(bars: Prices, chosen: Setting) -> np.ndarray:
    """Whether a firm's closes are on another basis at a window's start than at the end of the series: E by W by A."""
    last_break = bars.last_break()[: len(chosen.firms)]
    starts = np.array([[event.at + first - 1 for first, _ in chosen.windows] for event in chosen.events])
    found = (last_break > starts[:, :, None]) & (starts[:, :, None] >= 0)
    return np.concatenate([found, np.zeros((*starts.shape, len(chosen.groups)), dtype=bool)], axis=2)


@dataclass(frozen=True)
class _Rule:
    """The reason that a row has `when` a condition holds; `explains` where it says why statistics are missing."""

    when: pl.Expr
    reason: pl.Expr
    explains: bool = False


def _rules(last: date | None, chosen: Setting) -> Sequence[_Rule]:
    """Every reason there can be, in the order in which a row gives them; prices are known through `last`."""
    return (
        *_of_the_day(last),
        *_of_missing_returns(last, chosen.estimation_days),
        *_of_what_is_shared(),
        *_of_other_news(last, chosen),
        *_of_value(),
    )


_ON_CALENDAR = pl.col("session").is_not_null()
_PORTFOLIO = pl.col("in_role") > 0
_MARKET = pl.col("uses_market") & ~pl.col("itself")


def _is_over(last: date | None) -> pl.Expr:
    return (pl.col("prices_to") <= pl.lit(last, dtype=pl.Date)).fill_null(False)


def _of_the_day(last: date | None) -> tuple[_Rule, ...]:
    not_over = because("window_not_over", window_end=pl.col("prices_to"), prices_known_through=last)
    return (
        _Rule(*event_moved()),
        _Rule(*no_session(), explains=True),
        _Rule(pl.col("itself"), because("benchmark_against_itself"), explains=True),
        _Rule(_ON_CALENDAR & ~_is_over(last), not_over, explains=True),
    )


def _of_missing_returns(last: date | None, estimation_days: int) -> tuple[_Rule, ...]:
    over = _is_over(last)

    def short(ticker: str, have: str, first: str) -> pl.Expr:
        return because(
            "estimation_returns_missing",
            ticker=pl.col(ticker), returns=pl.col(have), needed=estimation_days, first_missing=pl.col(first),
        )  # fmt: skip

    def gap(ticker: str, day: str) -> pl.Expr:
        return because("no_price_in_window", ticker=pl.col(ticker), date=pl.col(day))

    no_firm = because("no_firm_has_every_return", firms=pl.col("in_role"))
    return (
        _Rule(pl.col("short") & _ON_CALENDAR, short("ticker", "have", "short_on"), explains=True),
        _Rule(
            _MARKET & pl.col("market_short") & _ON_CALENDAR,
            short("benchmark", "market_have", "market_short_on"),
            explains=True,
        ),
        _Rule(pl.col("gap") & over, gap("ticker", "gap_on"), explains=True),
        _Rule(_MARKET & pl.col("market_gap") & over, gap("benchmark", "market_gap_on"), explains=True),
        _Rule(_PORTFOLIO & over & (pl.col("members") == 0), no_firm, explains=True),
        *(_Rule(*each) for each in in_doubt(pl.col("doubt"), pl.col("ticker"), pl.col("doubt_on"))),
        *(
            _Rule(_MARKET & holds, why)
            for holds, why in in_doubt(pl.col("market_doubt"), pl.col("benchmark"), pl.col("market_doubt_on"))
        ),
    )


def _of_what_is_shared() -> tuple[_Rule, ...]:
    """A share that is part of its benchmark pulls it along, and then seems to move less than it did."""
    benchmark, members = pl.col("benchmark"), pl.col("members")
    shared, in_benchmark = pl.col("shared"), pl.col("in_benchmark")
    of_an_index = because(
        "is_one_of_the_benchmark", ticker=pl.col("ticker"), benchmark=benchmark, benchmark_firms=in_benchmark
    )
    a_fund_in_it = because("benchmark_is_in_portfolio", benchmark=benchmark, firms=members)
    overlapping = because(
        "portfolio_is_in_benchmark", benchmark=benchmark, benchmark_firms=in_benchmark, firms=members, shared=shared
    )
    incomplete = because("some_firms_have_every_return", complete=members, firms=pl.col("in_role"))
    circular = because("benchmark_is_circular", benchmark=benchmark, benchmark_firms=in_benchmark)
    return (
        _Rule(_MARKET & pl.col("circular"), circular),
        _Rule(_MARKET & ~_PORTFOLIO & (shared == 1) & (in_benchmark > 1), of_an_index),
        _Rule(_MARKET & _PORTFOLIO & (shared == 1) & (in_benchmark == 1), a_fund_in_it),
        _Rule(_MARKET & _PORTFOLIO & (shared > 0) & (in_benchmark > 1), overlapping),
        _Rule(_PORTFOLIO & (members > 0) & (members < pl.col("in_role")), incomplete),
    )


def _of_other_news(last: date | None, chosen: Setting) -> Sequence[_Rule]:
    """What else moved the market in a window that is over; of one that is not, nobody could have known it."""
    found = (holds_other_news(day, what, pl.col("window_from"), pl.col("prices_to")) for day, what in chosen.other_news)
    return [_Rule(holds & _is_over(last), why) for holds, why in found]


def _of_value() -> tuple[_Rule, ...]:
    no_count = because("no_share_count", ticker=pl.col("ticker"), known_by=pl.col("session"))
    doubtful = pl.col("shares_doubt_on").is_not_null()
    two_counts = because("share_counts_on_two_bases", ticker=pl.col("ticker"), measured_on=pl.col("shares_doubt_on"))
    two_closes = because("closes_on_two_bases", ticker=pl.col("ticker"))
    return (
        _Rule(_PORTFOLIO, because("market_value_not_computed")),
        _Rule(~_PORTFOLIO & ~pl.col("has_shares") & ~doubtful & _ON_CALENDAR, no_count),
        _Rule(~_PORTFOLIO & doubtful & _ON_CALENDAR, two_counts),
        _Rule(~_PORTFOLIO & pl.col("on_two_bases"), two_closes),
    )
