"""An adjusted series rebuilt from closes and facts is the vendor's own, and as of an earlier day what it was then."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sources.prices import SESSIONS, Share, walk
from tests.sources.test_yahoo import body_of, parse
from warehouse.marts.market.adjusting import adjusted

DAYS = SESSIONS[500:520]


@pytest.mark.parametrize(
    ("file", "ticker"),
    [
        ("NVDA_made-to-form_2024-05-20_2025-02-14.json.gz", "NVDA"),
        ("AAPL_split-and-dividend_2020-08-31_2020-11-07.json", "AAPL"),
        ("MSFT_events-dividends_2021-02-01_2022-01-31.json.gz", "MSFT"),
    ],
)
def test_yahoos_own_adjusted_closes_come_out(file: str, ticker: str) -> None:
    bars, actions = (batch.frame for batch in parse(body_of(file), ticker))
    end = bars["date"][-1]
    rebuilt = adjusted(bars, actions, basis=end, as_of=end)
    assert rebuilt["date"].to_list() == bars["date"].to_list()
    # What was paid after the recorded bars lowers all of Yahoo's by one factor.
    since = bars["adj_close"][-1] / bars["close"][-1]
    assert (rebuilt["adj_close"] * since / bars["adj_close"] - 1).abs().max() < 1e-6


def test_before_its_split_nvidia_stood_at_ten_times_the_price() -> None:
    bars, actions = (batch.frame for batch in parse(body_of("NVDA_made-to-form_2024-05-20_2025-02-14.json.gz")))
    before = adjusted(bars, actions, basis=date(2025, 2, 14), as_of=date(2024, 6, 7))
    assert before["date"].max() == date(2024, 6, 7)
    assert before["close"][-1] == pytest.approx(1208.88)
    assert before["adj_close"].to_list() == before["close"].to_list()
    after = adjusted(bars, actions, basis=date(2025, 2, 14), as_of=date(2024, 6, 10))
    assert after.filter(date=date(2024, 6, 7))["close"][0] == pytest.approx(120.888)
    paid = adjusted(bars, actions, basis=date(2025, 2, 14), as_of=date(2024, 6, 11)).filter(date=date(2024, 6, 10))
    assert paid["adj_close"][0] == pytest.approx(paid["close"][0] - 0.01)


@given(
    splits=st.dictionaries(st.integers(1, 19), st.sampled_from([2.0, 10.0, 0.1, 1.5]), max_size=2),
    dividends=st.dictionaries(st.integers(1, 19), st.sampled_from([0.01, 0.25, 2.0]), max_size=3),
    basis=st.integers(0, 19),
    as_of=st.integers(0, 19),
)
def test_from_any_basis_to_any_date(splits, dividends, basis, as_of) -> None:
    share = Share(
        walk(DAYS),
        {DAYS[at]: ratio for at, ratio in splits.items()},
        {DAYS[at]: paid for at, paid in dividends.items()},
    )
    given_on, asked = DAYS[basis], DAYS[as_of]
    bars = pl.DataFrame([{"ticker": "NVDA", "date": day, "close": share.close(day, given_on)} for day in DAYS])
    actions = pl.DataFrame(
        [
            *({"ticker": "NVDA", "date": on, "kind": "split", "value": ratio} for on, ratio in share.splits.items()),
            *(
                {"ticker": "NVDA", "date": on, "kind": "dividend", "value": paid / share.ratio(on, given_on)}
                for on, paid in share.dividends.items()
            ),
        ],
        schema={"ticker": pl.String, "date": pl.Date, "kind": pl.String, "value": pl.Float64},
    )
    # Bars and payments after the basis are given as traded; a later split divides neither of them.
    rebuilt = adjusted(bars, actions, basis=given_on, as_of=asked)
    assert rebuilt["date"].to_list() == DAYS[: as_of + 1]
    if as_of <= basis:
        for day, close, adj_close in rebuilt.select("date", "close", "adj_close").iter_rows():
            assert close == pytest.approx(share.close(day, asked))
            assert adj_close == pytest.approx(share.adj_close(day, asked))


def test_a_dividend_before_the_first_bar_lowers_nothing() -> None:
    bars = pl.DataFrame({"ticker": ["NVDA"], "date": [DAYS[1]], "close": [10.0]})
    paid = pl.DataFrame({"ticker": ["NVDA"], "date": [DAYS[1]], "kind": ["dividend"], "value": [1.0]})
    assert adjusted(bars, paid, basis=DAYS[9], as_of=DAYS[9] + timedelta(days=1))["adj_close"].to_list() == [10.0]
