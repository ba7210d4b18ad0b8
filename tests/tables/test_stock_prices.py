"""The checks of prices: real defects and made-up ones are caught, true jumps and rounding pass."""

from __future__ import annotations

import gzip
from datetime import date
from functools import cache
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import recorded, with_provenance
from tests.examples import examples
from warehouse.calendars.exchange import sessions
from warehouse.quality.checks import bad_rows
from warehouse.sources.common import daily_bars
from warehouse.tables import CORE
from warehouse.tables.table import Table

PRICES, ACTIONS = CORE["stock_prices"], CORE["corporate_actions"]
CHECKS = {check.name: check for check in PRICES.checks}
ACTION = {"ticker": pl.String, "date": pl.Date, "kind": pl.String, "value": pl.Float64}
NONE = pl.DataFrame(schema=ACTION)
CONNECTION = duckdb.connect()


@pytest.fixture(scope="module", autouse=True)
def tables() -> None:
    CONNECTION.execute("create schema if not exists core; create schema if not exists calendar")
    days = sessions(date(2018, 1, 1), date(2026, 12, 31)).to_arrow()
    CONNECTION.register("days", days)
    CONNECTION.execute("create or replace table calendar.sessions as from days")


def found(name: str, bars: pl.DataFrame, actions: pl.DataFrame = NONE) -> list[dict[str, Any]]:
    """What a check finds in bars (`source` where it matters) beside recorded actions."""
    for table, frame in ((PRICES, bars), (ACTIONS, actions)):
        known = frame if "known_on" in frame.columns else frame.with_columns(known_on=pl.col("date"))
        _put(table, with_provenance(table, known))
    sql = bad_rows(CHECKS[name], today=date(2026, 12, 1), relation="core.stock_prices")
    return CONNECTION.execute(sql).pl().sort("ticker", "date").to_dicts()


def _put(table: Table, frame: pl.DataFrame) -> None:
    CONNECTION.register("given", frame.to_arrow())
    CONNECTION.execute(f"create or replace table core.{table.name} as from given")
    CONNECTION.unregister("given")


@cache
def history(*parts: str, source: str) -> pl.DataFrame:
    path = recorded("prices", *parts)
    frame = pl.read_csv(gzip.decompress(path.read_bytes()), infer_schema=False)
    frame = frame.rename({name: name.lower().replace(" ", "_") for name in frame.columns})
    numbers = ("open", "high", "low", "close", "adj_close")
    return frame.select(
        pl.lit(path.name.split(".")[0]).alias("ticker"),
        pl.col("date").str.slice(0, 10).str.to_date(),
        *(pl.col(name).cast(pl.Float64) for name in numbers),
        pl.col("volume").cast(pl.Float64).round().cast(pl.Int64),
        pl.lit(source).alias("source"),
    ).filter(pl.col("close") > 0)


def yahoo(ticker: str) -> pl.DataFrame:
    return history("yahoo_daily_2019-05_2026-05", f"{ticker}.csv.gz", source="yahoo")


def second(ticker: str) -> pl.DataFrame:
    return history("second_source_2026-08", f"{ticker}.csv.gz", source="second")


# -- a split on one side ----------------------------------------------------------------------------------------------


def test_the_reverse_split_of_one_side_in_soxs_is_caught() -> None:
    bars = second("SOXS").filter(pl.col("date") >= date(2020, 1, 1))
    [row] = found("split_on_one_side", bars)
    assert (row["ticker"], row["date"], row["close_before"]) == ("SOXS", date(2026, 5, 26), 1159.5)
    assert row["close"] == pytest.approx(62.9)
    assert row["times_usual_turnover"] < 1.5
    assert CHECKS["split_on_one_side"].severity == "critical"


@pytest.mark.parametrize("ticker", ["ORCL", "ARM", "VRT", "SOXL", "CRDO", "BE", "AEHR", "CRWV", "TQQQ", "SNDK", "NVDA"])
def test_true_jumps_pass(ticker: str) -> None:
    for name in ("split_on_one_side", "jump_without_turnover", "adjustment_never_falls"):
        assert found(name, yahoo(ticker)) == []


def test_no_ticker_of_the_recorded_panel_is_accused() -> None:
    folder = recorded("prices", "yahoo_daily_2019-05_2026-05")
    bars = pl.concat([yahoo(path.name.split(".")[0]) for path in sorted(folder.iterdir())])
    assert found("split_on_one_side", bars) == []
    assert found("jump_without_turnover", bars) == []
    assert found("adjustment_never_falls", bars) == []


def broken(bars: pl.DataFrame, at: int, ratio: float, *, volume: bool = True, before: bool = True) -> pl.DataFrame:
    """Bars in which a split was applied before (or from) one bar on only."""
    place = pl.int_range(pl.len())
    there = place < at if before else place >= at
    factor = pl.when(there).then(1 / ratio).otherwise(1.0)
    prices = [pl.col(name) * factor for name in ("open", "high", "low", "close", "adj_close")]
    shares = (pl.col("volume") / factor).round().cast(pl.Int64)
    return bars.with_columns(*prices, *([shares.alias("volume")] if volume else []))


RATIOS = st.sampled_from([2.0, 3.0, 4.0, 5.0, 8.0, 10.0, 15.0, 20.0, 50.0])
TICKERS = ["NVDA", "MSFT", "AAPL", "SPY", "META", "CRWD", "VST", "TSM"]


@given(st.sampled_from(TICKERS), st.integers(30, 1500), RATIOS, st.booleans(), st.booleans(), st.booleans())
@settings(max_examples=examples(0.2))
def test_any_one_sided_split_is_caught_and_both_forms_of_the_rule_agree(
    ticker: str, at: int, ratio: float, reverse: bool, volume: bool, before: bool
) -> None:
    bars = broken(yahoo(ticker).sort("date"), at, 1 / ratio if reverse else ratio, volume=volume, before=before)
    rows = found("split_on_one_side", bars)
    assert [row["date"] for row in rows] == daily_bars.one_sided(bars, NONE)["date"].to_list()
    # On a day of great news the turnover could pass for that news; no such day is in these histories' usual ones.
    if 0.9 < bars["open"][at] / bars["close"][at - 1] * (ratio if (not reverse) != before else 1 / ratio) < 1.1:
        turnover = daily_bars.usual_turnover(bars)[at]
        assert turnover >= 5 or bars["date"][at] in [row["date"] for row in rows]


def test_a_small_split_on_one_side_is_a_warning() -> None:
    [row] = found("jump_without_turnover", broken(yahoo("MSFT"), 700, 1.5))
    assert row["date"] == yahoo("MSFT")["date"][700]
    assert CHECKS["jump_without_turnover"].severity == "warning"


def test_a_recorded_split_that_was_not_applied_is_caught_whatever_was_traded() -> None:
    bars = yahoo("MSFT").with_columns(
        volume=pl.when(pl.int_range(pl.len()) == 700).then(pl.col("volume") * 50).otherwise("volume")
    )
    day = bars["date"][700]
    split = pl.DataFrame([{"ticker": "MSFT", "date": day, "kind": "split", "value": 1.5}], schema=ACTION)
    [row] = found("split_on_one_side", broken(bars, 700, 1 / 1.5), split)
    assert row["date"] == day
    assert found("split_on_one_side", bars, split) == []


def test_one_bar_on_another_basis_is_caught_on_both_its_sides() -> None:
    place = pl.int_range(pl.len())
    prices = ("open", "high", "low", "close", "adj_close")
    bars = yahoo("AAPL").with_columns(
        pl.when(place == 700).then(pl.col(name) * 10).otherwise(name).alias(name) for name in prices
    )
    days = bars["date"][700:702].to_list()
    assert [row["date"] for row in found("split_on_one_side", bars)] == days


def test_adj_close_alone_on_two_bases_is_caught() -> None:
    place = pl.int_range(pl.len())
    halved = pl.when(place < 700).then(pl.col("adj_close") / 10).otherwise("adj_close")
    [row] = found("split_on_one_side", yahoo("AAPL").with_columns(adj_close=halved))
    assert row["date"] == yahoo("AAPL")["date"][700]


def test_a_change_of_the_way_of_adjusting_is_a_warning() -> None:
    # The second source has no dividends until the middle of 2025 and then a vendor's adjusted closes.
    bars = yahoo("MSFT").with_columns(
        adj_close=pl.when(pl.int_range(pl.len()) < 1000).then("close").otherwise("adj_close")
    )
    [row] = found("adjustment_never_falls", bars)
    assert row["date"] == bars["date"][1000]


def test_a_bar_that_repeats_the_last_is_a_warning() -> None:
    bars = yahoo("MSFT")
    copy = bars[700].with_columns(date=bars["date"][701:702])
    [row] = found("bar_repeats_the_last", pl.concat([bars[:701], copy, bars[702:]]))
    assert row["date"] == bars["date"][701]


# -- two sources ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ticker", ["NVDA", "SPY", "QQQ", "MU"])
def test_sources_that_differ_by_rounding_agree(ticker: str) -> None:
    both = pl.concat([yahoo(ticker), second(ticker)])
    assert found("sources_agree", both) == []
    assert found("sources_on_one_basis", both) == []


@pytest.mark.parametrize("by", [1.002, 0.995, 1.05])
def test_a_close_that_differs_is_a_warning_with_both_named(by: float) -> None:
    theirs = second("NVDA").with_columns(
        close=pl.when(pl.col("date") == date(2025, 1, 27)).then(pl.col("close") * by).otherwise("close")
    )
    rows = found("sources_agree", pl.concat([yahoo("NVDA"), theirs]))
    assert [row["date"] for row in rows] == [date(2025, 1, 27), date(2025, 1, 28)]
    assert {rows[0]["source"], rows[0]["other_source"]} == {"second", "yahoo"}
    assert {rows[0]["close"], rows[0]["other_close"]} > {118.42} or 118.42 in (
        pytest.approx(rows[0]["close"]), pytest.approx(rows[0]["other_close"]),
    )  # fmt: skip
    assert CHECKS["sources_agree"].severity == "warning"


def test_a_close_taken_before_it_was_final_is_found() -> None:
    ours = pl.DataFrame({"date": [date(2026, 2, 26), date(2026, 2, 27)], "close": [207.92, 210.0]})
    theirs = pl.DataFrame({"date": [date(2026, 2, 26), date(2026, 2, 27)], "close": [207.92, 209.971]})
    both = [
        frame.with_columns(
            *(pl.col("close").alias(name) for name in ("open", "high", "low", "adj_close")),
            ticker=pl.lit("AMZN"), source=pl.lit(source), volume=pl.lit(1),
        )
        for source, frame in (("yahoo", ours), ("stooq", theirs))
    ]  # fmt: skip
    [row] = found("sources_agree", pl.concat(both))
    assert (row["date"], row["other_close"] + row["close"]) == (date(2026, 2, 27), pytest.approx(210.0 + 209.971))


def test_another_split_basis_is_no_disagreement_where_the_split_is_recorded() -> None:
    ours = yahoo("NVDA")
    older = broken(ours, ours.height, 1 / 4).with_columns(source=pl.lit("reference_prices"))
    later = date(2026, 6, 10)
    split = pl.DataFrame([{"ticker": "NVDA", "date": later, "kind": "split", "value": 4.0}], schema=ACTION)
    both = pl.concat([ours, older])
    assert found("sources_agree", both, split) == []
    assert found("sources_on_one_basis", both, split) == []
    [row] = found("sources_on_one_basis", both)
    assert row["date"] == ours["date"].max()


def test_a_gap_in_one_source_is_seen_although_another_has_the_bar() -> None:
    gap = date(2025, 1, 27)
    both = pl.concat([yahoo("NVDA").filter(pl.col("date") != gap), second("NVDA")]).filter(
        pl.col("date").is_between(date(2025, 1, 2), date(2025, 3, 3))
    )
    [row] = found("no_session_missing_for_a_ticker", both)
    assert (row["date"], row["source"]) == (gap, "yahoo")


def test_the_history_as_it_is_now_is_looked_at_and_not_what_it_replaced() -> None:
    bars = yahoo("NVDA")
    replaced = broken(bars, bars.height, 1 / 10).head(900)
    again = bars.head(900).with_columns(known_on=pl.lit(date(2026, 5, 15)))
    held = pl.concat([replaced, bars.tail(-900)]).with_columns(known_on=pl.col("date"))
    assert len(found("split_on_one_side", held)) == 1
    assert found("split_on_one_side", pl.concat([held, again.select(held.columns)])) == []
