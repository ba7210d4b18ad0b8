"""Stale bars, and splits told the wrong way round or not at all: the figure made of them is null, with the reason."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from tests.built import build
from tests.conftest import AS_OF, with_provenance
from tests.marts.market.cases import DAY, EVENT, MAIN, changed, one, study, without
from warehouse.assumptions import load
from warehouse.marts import known
from warehouse.marts.common.reasons import codes
from warehouse.marts.market.doubts import doubtful
from warehouse.marts.market.event_market_value import MART as MARKET_VALUE
from warehouse.marts.market.event_persistence import MART as PERSISTENCE
from warehouse.tables import CORE

FRIDAY = date(2025, 1, 24)
PRICES = ("open", "high", "low", "close", "adj_close")
WIDE = {"window_start": -1, "window_end": 1}


def of(ticker: str, day: date) -> pl.Expr:
    return (pl.col("ticker") == ticker) & (pl.col("date") == day)


def stale(facts, ticker: str = "NVDA", volume: bool = True) -> dict[str, pl.DataFrame]:
    """The event day's bar is Friday's; with or without its volume."""
    friday = facts["stock_prices"].filter(of(ticker, FRIDAY)).to_dicts()[0]
    columns = (*PRICES, "volume") if volume else PRICES
    return changed(facts, of(ticker, EVENT), **{name: pl.lit(friday[name]) for name in columns})


def times(facts, ticker: str, where: pl.Expr, ratio: float) -> dict[str, pl.DataFrame]:
    """Bars of a ticker with every price times a ratio, and the volume over it."""
    columns = {name: pl.col(name) * ratio for name in PRICES}
    volume = (pl.col("volume") / ratio).round().cast(pl.Int64)
    return changed(facts, (pl.col("ticker") == ticker) & where, **columns, volume=volume)


def test_the_snapshots_bars_are_in_no_doubt(facts):
    assert doubtful(facts["stock_prices"]).is_empty()


# ---- A stale bar -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("volume", [True, False])
def test_a_stale_bar_on_the_event_day_is_no_return_of_zero(facts, volume):
    row = one(study(stale(facts, volume=volume)), **MAIN, ticker="NVDA", **DAY)
    for figure in ("actual_return", "abnormal_return", "p_value", "market_value_change_usd"):
        assert row[figure] is None, figure
    assert "the bar of NVDA on 2025-01-27 repeats the one before and is not real" in row["reason"]


def test_a_flat_bar_at_yesterdays_close_is_filled_in_by_somebody(facts):
    close = facts["stock_prices"].filter(of("NVDA", FRIDAY))["close"].item()
    flat = changed(facts, of("NVDA", EVENT), volume=pl.lit(0), **{name: pl.lit(close) for name in PRICES})
    assert "price_repeated" in codes(one(study(flat), **MAIN, ticker="NVDA", **DAY)["reasons"])


def test_a_stale_benchmark_leaves_nothing_to_hold_a_share_against(facts):
    row = one(study(stale(facts, "SPY")), **MAIN, ticker="NVDA", **DAY)
    assert (row["abnormal_return"], row["actual_return"] is not None) == (None, True)
    assert "the bar of SPY on 2025-01-27 repeats the one before" in row["reason"]


def test_the_other_firms_of_a_portfolio_stay(facts):
    row = one(study(stale(facts)), **MAIN, ticker="portfolio:supplier", **DAY)
    assert row["firms"] == ["AMD"]


def test_a_bar_with_a_good_price_and_no_volume_is_kept(facts):
    bare = changed(facts, of("NVDA", EVENT), volume=pl.lit(0))
    row, whole = (one(study(each), **MAIN, ticker="NVDA", **DAY) for each in (bare, facts))
    assert row["abnormal_return"] == whole["abnormal_return"]
    assert row["reason"] == whole["reason"]


def test_market_value_and_path_know_of_it_too(facts):
    frames = known(stale(facts), AS_OF)
    assumed = load().replaced({"events": {"value": {"2025-01-27": "fall"}}})
    value = MARKET_VALUE.run(frames, as_of=AS_OF, assumptions=assumed)
    row = one(value, ticker="NVDA", figure="computed")
    assert row["market_value_change_usd"] is None
    assert "price_repeated" in codes(row["reasons"])
    path = PERSISTENCE.run(frames, as_of=AS_OF, assumptions=assumed)
    row = one(path, event_date=EVENT, ticker="NVDA", basis="price", day=1)
    assert row["cumulative_return"] is None
    assert "price_repeated" in codes(row["reasons"])


# ---- A split in one part of the history ------------------------------------------------------------------------------


@pytest.mark.parametrize("ratio", [10.0, 0.1, 4.0, 0.25, 2.0])
@pytest.mark.parametrize("day", [date(2025, 1, 27), date(2024, 9, 3)])
def test_a_split_in_one_part_of_the_history_gives_no_figure(facts, ratio, day):
    """AMD's bars before a day are on another basis: told the wrong way round (ratio above 1) or not converted."""
    broken = times(facts, "AMD", pl.col("date") < day, ratio)
    row = one(study(broken), **MAIN, ticker="AMD", **DAY)
    assert row["abnormal_return"] is row["p_value"] is None
    assert "price_two_bases" in codes(row["reasons"])
    assert f"the bar of AMD on {day} and the one before it are on two bases" in row["reason"]


def test_a_market_value_needs_closes_on_the_basis_of_the_share_count(facts):
    """Nvidia's closes before March 2025 are a tenth: what was lost on 27 January would be a tenth, too."""
    broken = times(facts, "NVDA", pl.col("date") < date(2025, 3, 3), 0.1)
    row = one(study(broken), **MAIN, ticker="NVDA", **DAY)
    assert row["market_value_change_usd"] is None
    assert row["abnormal_return"] is not None, "its returns are on one basis"
    assert "closes_on_two_bases" in codes(row["reasons"])
    assumed = load().replaced({"events": {"value": {"2025-01-27": "fall"}}})
    value = MARKET_VALUE.run(known(broken, AS_OF), as_of=AS_OF, assumptions=assumed)
    computed = one(value, ticker="NVDA", figure="computed")
    assert computed["market_value_change_usd"] is None
    assert "closes_on_two_bases" in codes(computed["reasons"])


# ---- A split that share counts contradict ----------------------------------------------------------------------------

EARLY = {"events": {"value": {"2024-05-02": "before the split"}}, "estimation_window": [-160, -11]}


def early(facts) -> dict:
    found = study(facts, **EARLY)
    return one(found, **MAIN | {"event_date": date(2024, 5, 2)}, ticker="NVDA", **DAY)


def test_a_count_before_a_split_is_multiplied_by_it(facts):
    assert early(facts)["shares"] == pytest.approx(24.6e9, rel=0.02)


@pytest.mark.parametrize("told", [0.1, None])
def test_a_split_told_the_wrong_way_round_or_not_at_all_gives_no_market_value(facts, told):
    """2.46 billion shares in February 2024, 24.6 in the summer: without a split of ten, one of the two is wrong."""
    actions = facts["corporate_actions"]
    is_split = (pl.col("ticker") == "NVDA") & (pl.col("kind") == "split")
    wrong = (
        actions.filter(~is_split)
        if told is None
        else actions.with_columns(value=pl.when(is_split).then(told).otherwise("value"))
    )
    row = early({**facts, "corporate_actions": wrong})
    assert row["shares"] is row["market_value_change_usd"] is None
    assert "share_counts_on_two_bases" in codes(row["reasons"])
    assert row["abnormal_return"] is not None
    # The count that was known in January 2025 was measured after the split, and stays.
    later = one(study({**facts, "corporate_actions": wrong}), **MAIN, ticker="NVDA", **DAY)
    assert (
        later["market_value_change_usd"] == one(study(facts), **MAIN, ticker="NVDA", **DAY)["market_value_change_usd"]
    )


# ---- Splits after the snapshot's prices end --------------------------------------------------------------------------


def test_a_split_after_the_newest_close_is_not_in_the_closes(facts):
    """The snapshot's closes end on 2026-05-15; a split of July 2026 multiplies no count that stands beside them."""
    split = {"ticker": "NVDA", "date": date(2026, 7, 16), "kind": "split", "value": 10.0, "known_on": date(2026, 7, 16)}
    actions = pl.concat([facts["corporate_actions"], with_provenance(CORE["corporate_actions"], pl.DataFrame([split]))])
    row, whole = (
        one(study(each), **MAIN, ticker="NVDA", **DAY) for each in ({**facts, "corporate_actions": actions}, facts)
    )
    assert row["shares"] == whole["shares"]
    assert row["market_value_change_usd"] == whole["market_value_change_usd"]


def test_a_split_that_two_sources_date_differently_counts_once(facts):
    """The filing says 10 June 2024; another source that the new basis was there by the 20th."""
    again = {"ticker": "NVDA", "date": date(2024, 6, 20), "kind": "split", "value": 10.0, "known_on": date(2024, 6, 20)}
    actions = pl.concat([facts["corporate_actions"], with_provenance(CORE["corporate_actions"], pl.DataFrame([again]))])
    assert early({**facts, "corporate_actions": actions})["shares"] == early(facts)["shares"]


def test_the_splits_after_the_snapshots_prices_are_known(facts):
    """KLA ten for one by 2026-07-16, CrowdStrike four for one by 2026-07-22: the snapshot's closes end before them."""
    splits = facts["corporate_actions"].filter(pl.col("ticker").is_in(["KLAC", "CRWD"]))
    assert dict(splits.select("ticker", "value").iter_rows()) == {"KLAC": 10.0, "CRWD": 4.0}
    last = facts["stock_prices"].filter(pl.col("ticker").is_in(["KLAC", "CRWD"]))["date"].max()
    assert splits["date"].min() > last


@pytest.mark.parametrize(
    ("ticker", "ratio", "day"), [("KLAC", 10.0, date(2026, 7, 16)), ("CRWD", 4.0, date(2026, 7, 22))]
)
def test_a_live_history_on_a_new_basis_takes_the_place_of_the_snapshots(facts, ticker, ratio, day):
    """After the split the vendor gives the whole history in new shares. One source gives the series: no day has a step."""
    own = facts["stock_prices"].filter(pl.col("ticker") == ticker)
    lived = own.with_columns(
        *(pl.col(name) / ratio for name in PRICES), volume=(pl.col("volume") * ratio).cast(pl.Int64)
    )
    after = lived.tail(1).with_columns(date=pl.lit(day))
    live = pl.concat([lived, after]).with_columns(
        source=pl.lit("yahoo"), source_kind=pl.lit("live"), known_on=pl.max_horizontal("date", pl.lit(day))
    )
    joined = {**facts, "stock_prices": pl.concat([facts["stock_prices"], live])}
    panel = {ticker: "supplier", "SPY": "benchmark"}
    row, alone = (one(study(each, tickers=panel), **MAIN, ticker=ticker, **DAY) for each in (joined, facts))
    for figure in ("alpha", "beta", "actual_return", "abnormal_return", "p_value"):
        assert row[figure] == pytest.approx(alone[figure], rel=1e-9), figure
    assert row["reasons"] == alone["reasons"]


def test_two_sources_of_a_share_are_never_joined(facts):
    """Bars of a second source that begin where the first end are a series of their own, on whatever basis."""
    late = facts["stock_prices"].filter((pl.col("ticker") == "AMD") & (pl.col("date") >= EVENT))
    early_bars = without(facts, ticker="AMD")["stock_prices"]
    first = facts["stock_prices"].filter((pl.col("ticker") == "AMD") & (pl.col("date") < EVENT))
    other = late.with_columns(source=pl.lit("yahoo"), source_kind=pl.lit("live"))
    row = one(study({**facts, "stock_prices": pl.concat([early_bars, first, other])}), **MAIN, ticker="AMD", **DAY)
    assert row["abnormal_return"] is None
    assert "0 of 250 estimation returns of AMD" in row["reason"]


def test_the_verdict_of_a_stale_event_day_cannot_tell(facts, assumptions):
    """Every supplier's bar of the event day repeats Friday's: the market did not say that nothing happened."""
    suppliers = facts["companies"].filter(pl.col("role") == "supplier")["ticker"].to_list()
    friday = facts["stock_prices"].filter(pl.col("date") == FRIDAY).select("ticker", *PRICES, "volume")
    copied = (
        facts["stock_prices"]
        .join(friday, on="ticker", how="left", suffix="_friday", maintain_order="left")
        .with_columns(
            pl.when((pl.col("date") == EVENT) & pl.col("ticker").is_in(suppliers))
            .then(pl.col(f"{name}_friday"))
            .otherwise(pl.col(name))
            .alias(name)
            for name in (*PRICES, "volume")
        )
        .select(facts["stock_prices"].columns)
    )
    found = build({**facts, "stock_prices": copied}, as_of=AS_OF, assumptions=assumptions, only={"verdict"})["verdict"]
    row = found.filter(scope="ALL", question="Q4").to_dicts()[0]
    assert row["verdict"] == "cannot_tell"
    assert row["headline"] == "What the market said cannot be told yet."
