"""Days without a session, prices and share counts that are missing, and the grade of what is there."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from tests.built import build
from tests.conftest import AS_OF, with_provenance
from tests.marts.market.cases import (
    DAY,
    ELEVEN_DAYS,
    EVENT,
    MAIN,
    TWO_DAYS,
    changed,
    closes,
    one,
    priced,
    study,
    without,
)
from warehouse.calendars.exchange import sessions as exchange_sessions
from warehouse.marts import known
from warehouse.marts.market.event_study import MART
from warehouse.tables import CORE

# ---- Days ----------------------------------------------------------------------------------------------------------


def test_an_event_on_a_holiday_moves_to_the_next_session(published):
    row = one(published, **MAIN | {"event_date": date(2025, 1, 20)}, ticker="NVDA", **DAY)
    assert row["session"] == date(2025, 1, 21)
    assert row["reason"] == "2025-01-20 has no session, so the event moves to the next one, 2025-01-21"
    assert row["abnormal_return"] is not None
    assert one(published, **MAIN, ticker="NVDA", **DAY)["session"] == EVENT


def test_a_day_of_mourning_is_no_session(facts):
    """The exchange was closed on Thursday 2025-01-09; a window of two days from the 8th ends on the 10th."""
    found = study(facts, events={"2025-01-09": "closed", "2025-01-08": "the day before"})
    assert one(found, **MAIN | {"event_date": date(2025, 1, 9)}, ticker="NVDA", **DAY)["session"] == date(2025, 1, 10)
    two = one(found, **MAIN | {"event_date": date(2025, 1, 8)}, ticker="NVDA", **TWO_DAYS)
    assert two["prices_to"] == date(2025, 1, 10)
    series = closes(facts, "NVDA")
    assert two["actual_return"] == pytest.approx(series[date(2025, 1, 10)] / series[date(2025, 1, 7)] - 1, rel=1e-12)


def test_a_window_that_is_not_over_is_null_and_says_until_when_prices_are_known(facts, published, assumptions):
    then = date(2025, 1, 28)
    early = build(facts, as_of=then, assumptions=assumptions, only=["event_study"])["event_study"]
    for ticker in ("NVDA", "portfolio:supplier"):
        late = one(early, **MAIN, ticker=ticker, **ELEVEN_DAYS)
        assert late["abnormal_return"] is late["actual_return"] is late["p_value"] is None
        assert "the window ends on 2025-02-10 and prices are known through 2025-01-28" in late["reason"]
        # What was over then gives what it gives today.
        assert one(early, **MAIN, ticker=ticker, **TWO_DAYS) == one(published, **MAIN, ticker=ticker, **TWO_DAYS)


def test_before_the_event_there_are_reasons_and_no_figures(facts, assumptions):
    early = build(facts, as_of=date(2024, 6, 28), assumptions=assumptions, only=["event_study"])["event_study"]
    for name in ("abnormal_return", "actual_return", "market_value_change_usd", "grade"):
        assert early[name].null_count() == early.height > 0
    assert early["reason"].null_count() == 0


def test_without_facts_there_are_no_rows(assumptions):
    frames = known({}, AS_OF)
    assert MART.run(frames, as_of=AS_OF, assumptions=assumptions).is_empty()


@pytest.mark.parametrize("missing", ["stock_prices", "sessions", "shares_outstanding", "corporate_actions"])
def test_each_frame_may_be_empty(facts, missing):
    found = study({**facts, missing: facts[missing].clear()})
    assert found.filter(pl.col("reason").is_null() & pl.col("t_stat").is_null()).is_empty()
    if missing in ("stock_prices", "sessions"):
        assert found["actual_return"].null_count() == found.height > 0
    else:
        assert one(found, **MAIN, ticker="NVDA", **DAY)["t_stat"] == pytest.approx(-5.148, abs=1e-3)


def test_an_event_after_the_end_of_the_calendar_has_no_session(facts):
    row = one(
        study(facts, events={"2027-02-01": "later"}), **MAIN | {"event_date": date(2027, 2, 1)}, ticker="NVDA", **DAY
    )
    assert row["session"] is None
    assert "the calendar has no session on or after 2027-02-01" in row["reason"]


# ---- Missing prices ------------------------------------------------------------------------------------------------


def test_too_few_estimation_returns_are_counted(published):
    """Astera Labs was listed on 2024-03-20: its returns run from the 21st, and day -11 is 2025-01-08."""
    listed = exchange_sessions(date(2024, 3, 21), date(2025, 1, 8)).height
    row = one(published, **MAIN, ticker="ALAB", **DAY)
    assert row["n_estimation"] == listed < 250
    assert row["abnormal_return"] is row["alpha"] is row["t_stat"] is None
    assert row["actual_return"] is not None
    assert f"{listed} of 250 estimation returns of ALAB, no price on 2024-01-10" in row["reason"]


def test_a_session_missing_in_the_estimation_window_costs_two_returns(facts):
    gap = date(2024, 6, 12)
    found = study(without(facts, ticker="NVDA", date=gap))
    row = one(found, **MAIN, ticker="NVDA", **DAY)
    assert (row["n_estimation"], row["abnormal_return"]) == (248, None)
    assert "248 of 250 estimation returns of NVDA, no price on 2024-06-12" in row["reason"]
    portfolio = one(found, **MAIN, ticker="portfolio:supplier", **DAY)
    assert (portfolio["firms"], portfolio["n_firms"]) == (["AMD"], 1)
    assert "1 of the role's 2 firms have every return" in portfolio["reason"]


def test_a_session_missing_in_the_window_is_named(facts):
    found = study(without(facts, ticker="NVDA", date=date(2025, 1, 29)))
    row = one(found, **MAIN, ticker="NVDA", **ELEVEN_DAYS)
    assert row["abnormal_return"] is row["actual_return"] is None
    assert row["reason"] == "no price of NVDA on 2025-01-29 in the window"
    # Closes at both ends are there, so the change in market value is; and the shorter window has everything.
    assert row["market_value_change_usd"] is not None
    assert one(found, **MAIN, ticker="NVDA", **TWO_DAYS)["reason"] is None


def test_a_session_that_the_benchmark_misses_spares_the_model_without_it(facts):
    found = study(without(facts, ticker="SPY", date=date(2024, 6, 12)))
    row = one(found, **MAIN, ticker="NVDA", **DAY)
    assert row["abnormal_return"] is None
    assert row["reason"] == "248 of 250 estimation returns of SPY, no price on 2024-06-12"
    assert one(found, **MAIN | {"model": "mean_adjusted"}, ticker="NVDA", **DAY)["t_stat"] is not None


def test_a_role_without_a_complete_firm_has_an_empty_portfolio(facts):
    row = one(study(without(facts, ticker="MSFT", date=EVENT)), **MAIN, ticker="portfolio:buyer", **DAY)
    assert (row["n_firms"], row["firms"], row["abnormal_return"], row["grade"]) == (0, None, None, None)
    assert "none of the role's 1 firms has every return" in row["reason"]


def test_a_benchmark_is_not_held_against_itself(published):
    itself = published.filter(pl.col("ticker") == pl.col("benchmark"))
    assert itself["abnormal_return"].null_count() == itself["beta"].null_count() == itself.height > 0
    assert itself["reason"].str.contains("a benchmark is not held against itself").all()
    assert one(published, **MAIN | {"benchmark": "QQQ"}, ticker="SPY", **DAY)["t_stat"] is not None


def test_prices_that_never_move_allow_no_test(facts):
    flat = priced(facts, pl.col("ticker") == "NVDA", pl.lit(100.0))
    row = one(study(flat), **MAIN, ticker="NVDA", **DAY)
    assert (row["beta"], row["actual_return"], row["t_stat"], row["p_value"]) == (
        pytest.approx(0, abs=1e-12),
        pytest.approx(0, abs=1e-12),
        None,
        None,
    )
    assert "do not vary enough" in row["reason"]


# ---- Share counts --------------------------------------------------------------------------------------------------


def shares(*rows: tuple[date, date, int], grade: str = "A") -> pl.DataFrame:
    frame = pl.DataFrame(rows, schema=["measured_on", "known_on", "shares"], orient="row")
    return with_provenance(CORE["shares_outstanding"], frame.with_columns(ticker=pl.lit("NVDA"), grade=pl.lit(grade)))


def test_only_a_share_count_known_on_the_day_counts(facts):
    counts = shares(
        (date(2024, 8, 23), date(2024, 8, 28), 10),
        (date(2024, 11, 15), EVENT, 20),
        (date(2025, 1, 24), date(2025, 1, 28), 30),
    )
    row = one(study({**facts, "shares_outstanding": counts}), **MAIN, ticker="NVDA", **TWO_DAYS)
    assert (row["shares"], row["shares_measured_on"]) == (20, date(2024, 11, 15))


def test_a_count_from_before_a_split_is_put_on_the_closes_basis(facts):
    """Nvidia split ten for one on 2024-06-10; closes are on the new basis, the count of 2024-05-24 is not."""
    old = shares((date(2024, 5, 24), date(2024, 5, 29), 2_460_000_000))
    row = one(study({**facts, "shares_outstanding": old}), **MAIN, ticker="NVDA", **DAY)
    assert row["shares"] == 24.6e9
    assert row["market_value_change_usd"] == pytest.approx((118.42 - 142.62) * 24.6e9, rel=2e-4)


def test_without_a_share_count_the_market_value_is_null_with_a_reason(published):
    row = one(published, **MAIN, ticker="AMD", **DAY)
    assert row["market_value_change_usd"] is None
    assert row["reason"] == "no share count of AMD known by 2025-01-27"


# ---- Grades --------------------------------------------------------------------------------------------------------


def test_a_row_is_worth_its_weakest_price(facts):
    in_window = study(changed(facts, (pl.col("ticker") == "SPY") & (pl.col("date") == EVENT), grade=pl.lit("C")))
    assert one(in_window, **MAIN, ticker="NVDA", **DAY)["grade"] == "C"
    assert one(in_window, **MAIN | {"model": "mean_adjusted"}, ticker="NVDA", **DAY)["grade"] == "A"
    after = study(changed(facts, pl.col("date") == date(2025, 1, 29), grade=pl.lit("B")))
    assert one(after, **MAIN, ticker="NVDA", **TWO_DAYS)["grade"] == "A"
    assert one(after, **MAIN, ticker="NVDA", **ELEVEN_DAYS)["grade"] == "B"
    assert one(after, **MAIN, ticker="portfolio:supplier", **ELEVEN_DAYS)["grade"] == "B"


def test_hearsay_is_no_price(facts):
    hearsay = study(changed(facts, (pl.col("ticker") == "NVDA") & (pl.col("date") == EVENT), grade=pl.lit("D")))
    assert one(hearsay, **MAIN, ticker="NVDA", **DAY)["actual_return"] is None


def test_a_share_count_lowers_the_grade_where_it_is_used(facts):
    counts = shares((date(2024, 11, 15), date(2024, 11, 20), 24_490_000_000), grade="C")
    found = study({**facts, "shares_outstanding": counts})
    assert one(found, **MAIN, ticker="NVDA", **DAY)["grade"] == "C"
    assert one(found, **MAIN, ticker="MSFT", **DAY)["grade"] == "A"
