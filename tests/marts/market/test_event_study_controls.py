"""Negative controls: a calendar without holidays gives wrong answers, and none gets past the mart or the checks.

A published study of this event let a five-day-week calendar count its rows: closes in sequence, one a weekday. Each holiday
then moves every later return one day too early; between July 2023 and January 2025 there are 17. That is done here on
purpose, to see that the wrong answer comes from the calendar and from nothing else, and that it is wrong by a lot.
"""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from itertools import pairwise

import duckdb
import numpy as np
import polars as pl
import pytest
import statsmodels.api as sm

from tests.built import build
from tests.conftest import AS_OF, recorded
from tests.marts.market.cases import MAIN, one, study, yahoo
from warehouse.calendars.exchange import sessions as exchange_sessions
from warehouse.marts.market.event_study import MART
from warehouse.tables.stock_prices import TABLE as STOCK_PRICES

EVENT = date(2025, 1, 27)
FIRST, LAST = date(2023, 7, 3), date(2025, 4, 29)
HOLIDAYS_BEFORE_THE_EVENT = 17
KEY = {**MAIN, "benchmark": "IXIC"}


def weekdays(first: date, number: int) -> list[date]:
    days = (first + timedelta(days=i) for i in range(2 * number))
    return [day for day in days if day.weekday() < 5][:number]


@pytest.fixture(scope="module")
def shifted(nasdaq_facts) -> dict[str, pl.DataFrame]:
    """The recorded closes in sequence on weekdays, and a calendar that believes it."""
    labels = weekdays(FIRST, 458)
    relabel = dict(zip(sorted(yahoo("NVDA")), labels, strict=True))
    bars = (
        nasdaq_facts["stock_prices"].with_columns(pl.col("date").replace_strict(relabel)).with_columns(known_on="date")
    )
    return {
        **nasdaq_facts,
        "stock_prices": bars,
        "sessions": pl.DataFrame({"session": weekdays(date(2018, 1, 1), 2500)}),
    }


def found(facts, window: tuple[int, int], ticker: str = "NVDA", **key) -> dict:
    table = study(facts, tickers=None, benchmarks=["IXIC"], windows=[list(window)])
    return one(table, **{**KEY, **key}, ticker=ticker)


def test_there_are_seventeen_holidays_between(nasdaq_facts):
    sessions = exchange_sessions(FIRST, EVENT).height
    days = sum((FIRST + timedelta(days=i)).weekday() < 5 for i in range((EVENT - FIRST).days + 1))
    assert days - sessions == HOLIDAYS_BEFORE_THE_EVENT


def test_the_wrong_result_is_that_of_another_day(shifted, nasdaq_facts):
    """What the broken calendar calls 27 January is 20 February: Nvidia rose 0.6 % on it and fell 17 % on the right day."""
    days = sorted(yahoo("NVDA"))
    real = days[days.index(EVENT) + HOLIDAYS_BEFORE_THE_EVENT]
    assert real == date(2025, 2, 20)
    wrong, right = found(shifted, (0, 0)), found(nasdaq_facts, (0, 0))
    closes = yahoo("NVDA")
    assert wrong["actual_return"] == pytest.approx(closes[real] / closes[date(2025, 2, 19)] - 1, rel=1e-12)
    assert round(100 * right["actual_return"], 2) == -16.97
    assert wrong["actual_return"] == pytest.approx(0.0063, abs=5e-4)
    assert right["p_value"] < 1e-5 < 0.05 < wrong["p_value"]


@pytest.mark.parametrize("window", [(0, 0), (0, 1), (-1, 1), (-5, 5), (0, 10)])
@pytest.mark.parametrize("ticker", ["AAPL", "MSFT", "NVDA"])
def test_every_window_is_shifted_by_as_many_days(shifted, nasdaq_facts, ticker, window):
    """The broken study equals a correct one of 20 February, digit for digit, and not the one of the event."""
    wrong = found(shifted, window, ticker)
    other = study(
        nasdaq_facts, tickers=None, benchmarks=["IXIC"], windows=[list(window)], events={"2025-02-20": "another day"}
    )
    same = one(other, **KEY | {"event_date": date(2025, 2, 20)}, ticker=ticker)
    right = found(nasdaq_facts, window, ticker)
    for name in ("alpha", "beta", "abnormal_return", "t_stat", "p_value"):
        assert wrong[name] == pytest.approx(same[name], rel=1e-12), name
    assert abs(wrong["abnormal_return"] - right["abnormal_return"]) > 1e-4
    # The right one, once more without this project: on the file's own rows.
    own, market = (yahoo(t) for t in (ticker, "IXIC"))
    days = sorted(own)
    at = days.index(EVENT)
    r, m = (np.array([s[b] / s[a] - 1 for a, b in pairwise(days)]) for s in (own, market))
    estimation, event = slice(at - 261, at - 11), slice(at - 1 + window[0], at + window[1])
    fitted = sm.OLS(r[estimation], sm.add_constant(m[estimation])).fit()
    car = (r[event] - fitted.predict(sm.add_constant(m[event], has_constant="add"))).sum()
    assert right["abnormal_return"] == pytest.approx(car, abs=1e-12)


def test_weekday_labels_on_the_exchanges_calendar_are_refused_by_the_checks(shifted):
    """Closes labelled by weekdays fall on holidays; so many that the run stops instead of putting them aside."""
    check = next(check for check in STOCK_PRICES.checks if check.name == "session_of_the_exchange")
    connection = duckdb.connect()
    connection.execute("CREATE SCHEMA calendar")
    for name, frame in (("bars", shifted["stock_prices"]), ("open_days", exchange_sessions(FIRST, AS_OF))):
        connection.register(name, frame.to_arrow())
    connection.execute("CREATE TABLE calendar.sessions AS SELECT * FROM open_days")
    bad = connection.execute(f"SELECT count(*) FROM bars WHERE {check.unexpected}").fetchone()
    assert bad is not None
    assert bad[0] / shifted["stock_prices"].height > STOCK_PRICES.quarantine_limit
    assert check.severity == "critical"


def test_no_assumption_and_no_parameter_sets_the_calendar(assumptions):
    """The mart is given sessions, and a run has them from the exchange's calendar alone: no file of a user's names one."""
    assert not [name for name in assumptions if "calendar" in name or "session" in name]
    assert "sessions" in MART.inputs
    holidays = {date(2024, 12, 25), date(2025, 1, 1), date(2025, 1, 9), date(2025, 1, 20), date(2025, 2, 17)}
    assert not holidays & set(exchange_sessions(FIRST, LAST)["session"])
    assert set(exchange_sessions(FIRST, LAST)["session"]) == set(yahoo("NVDA"))


def test_a_study_of_weekdays_never_comes_out_of_true_labels(nasdaq_facts):
    """Truly labelled closes on a calendar of weekdays: every row is null and says which holiday has no price."""
    frames = {**nasdaq_facts, "sessions": pl.DataFrame({"session": weekdays(date(2018, 1, 1), 2500)})}
    table = study(frames, tickers=None, benchmarks=["IXIC"])
    assert table["abnormal_return"].null_count() == table.height
    firms = table.filter(pl.col("ticker").is_in(["AAPL", "MSFT", "NVDA"]))
    assert firms["reason"].str.contains("no price on 2024-02-19").all()


# ---- A published table, where it is right --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def printed() -> dict[str, dict[str, float]]:
    text = recorded("event_study", "yc4704_car_table_2025-01-27_2025-02-10.csv").read_text(encoding="utf-8")
    names = ("CAR", "raw_return", "normal_return_spy", "start_price", "end_price")
    return {row["ticker"]: {name: float(row[name]) for name in names} for row in csv.DictReader(io.StringIO(text))}


def test_its_two_columns_are_of_different_windows(facts, assumptions, printed):
    """CAR is [0, 10], the event day included; raw_return starts from that day's close and is [1, 10]."""
    assumed = assumptions.replaced({"windows": [[0, 10], [1, 10]], "benchmarks": ["SPY"]})
    table = build(facts, as_of=AS_OF, assumptions=assumed, only=["event_study"])["event_study"]
    adjusted = table.filter(event_date=EVENT, model="market_adjusted", return_kind="simple", benchmark="SPY")
    compared = 0
    for ticker, row in printed.items():
        ours = adjusted.filter(pl.col("ticker") == ticker)
        if ours.is_empty() or ours["abnormal_return"].null_count():
            continue
        whole, after = (one(ours, window_start=first) for first in (0, 1))
        assert whole["abnormal_return"] == pytest.approx(row["CAR"], abs=2e-6), ticker
        assert after["actual_return"] == pytest.approx(row["raw_return"], abs=2e-4), ticker
        assert whole["actual_return"] != pytest.approx(row["raw_return"], abs=2e-4), ticker
        compared += 1
    assert compared == 28


def test_its_beta_of_one_is_not_the_market_models(facts, assumptions, printed):
    """For Nvidia, whose beta is over 2, the model matters: its market-model CAR is another number."""
    table = build(facts, as_of=AS_OF, assumptions=assumptions, only=["event_study"])["event_study"]
    row = one(table, **MAIN, ticker="NVDA", window_start=0, window_end=10)
    assert row["beta"] > 2
    assert abs(row["abnormal_return"] - printed["NVDA"]["CAR"]) > 0.005
