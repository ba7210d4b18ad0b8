"""What must not matter to an event study: units, drifts, order, and other benchmarks and windows."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from tests.examples import examples
from tests.marts.market.cases import (
    ELEVEN_DAYS,
    EVENT,
    MAIN,
    changed,
    one,
    priced,
    study,
)

# ---- What must not matter ------------------------------------------------------------------------------------------

FIGURES = ("alpha", "beta", "r2", "sigma", "abnormal_return", "standard_error", "t_stat", "p_value", "actual_return")


@settings(max_examples=examples(0.1))
@given(factor=st.floats(1e-3, 1e3))
def test_the_unit_of_a_price_does_not_matter(facts, factor):
    before, after = (
        study(facts),
        study(changed(facts, pl.col("ticker") == "NVDA", adj_close=pl.col("adj_close") * factor)),
    )
    assert_frame_equal(after.select(FIGURES), before.select(FIGURES), rel_tol=1e-6, abs_tol=1e-9)


@settings(max_examples=examples(0.1))
@given(drift=st.floats(-0.002, 0.002))
def test_a_benchmark_that_drifts_changes_alpha_alone(facts, drift):
    """Log returns of the benchmark plus a constant: the line shifts along, so a falls by b times it, the rest stays."""
    rank = pl.col("date").rank("dense").over("ticker")
    drifted = priced(facts, pl.col("ticker") == "SPY", pl.col("adj_close") * (drift * rank).exp())
    key = {**MAIN, "return_kind": "log", "ticker": "NVDA", **ELEVEN_DAYS}
    before, after = one(study(facts), **key), one(study(drifted), **key)
    assert after["alpha"] == pytest.approx(before["alpha"] - before["beta"] * drift, abs=1e-9)
    for name in FIGURES[1:]:
        assert after[name] == pytest.approx(before[name], rel=1e-6, abs=1e-9), name


@settings(max_examples=examples(0.1))
@given(seed=st.integers(0, 1000))
def test_the_order_of_facts_does_not_matter(facts, seed):
    shuffled = {**facts, "stock_prices": facts["stock_prices"].sample(fraction=1, shuffle=True, seed=seed)}
    assert study(shuffled).equals(study(facts))


def test_other_benchmarks_and_windows_do_not_matter(facts, published):
    """A study of one benchmark and two windows holds the same figures, to the last digit."""
    narrow = study(facts, tickers=None, windows=[[0, 1], [0, 60]])
    windows = pl.col("window_start").eq(0) & pl.col("window_end").is_in([1, 60])
    same = published.filter(windows, event_date=EVENT, benchmark="SPY")
    assert narrow.drop("event").equals(same.drop("event"))


@settings(max_examples=examples(0.1))
@given(first=st.integers(-30, 30), length=st.integers(1, 40))
def test_windows_add_up(facts, first, length):
    """Abnormal returns of neighbouring windows add up; actual ones compound, of logs they add up."""
    middle, last = first + length, first + 2 * length
    found = study(facts, windows=[[first, middle - 1], [middle, last - 1], [first, last - 1]])
    for kind in ("simple", "log"):
        key = {**MAIN, "return_kind": kind, "ticker": "AMD"}
        a, b, both = (
            one(found, **key, window_start=s, window_end=e)
            for s, e in ((first, middle - 1), (middle, last - 1), (first, last - 1))
        )
        assert a["abnormal_return"] + b["abnormal_return"] == pytest.approx(both["abnormal_return"], abs=1e-12)
        whole = (1 + a["actual_return"]) * (1 + b["actual_return"]) - 1
        whole = a["actual_return"] + b["actual_return"] if kind == "log" else whole
        assert both["actual_return"] == pytest.approx(whole, abs=1e-12)
