"""Slopes and intervals against statsmodels, the same decline as the glut signal's, and errors that are honest when few."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
import statsmodels.api as sm
from scipy.stats import t as student

from tests.built import build
from tests.marts.declared import failing
from tests.marts.gpu.cases import cpi
from tests.marts.gpu.test_gpu_price_chain import H100, chips, prices
from warehouse.assumptions import load
from warehouse.marts import known
from warehouse.marts.gpu import gpu_price_trend
from warehouse.marts.gpu.same_things import item_days

AS_OF = date(2026, 11, 9)


def trend(
    listed: pl.DataFrame, period: str = "whole", consumer: pl.DataFrame | None = None, **changes: Any
) -> dict[str, Any]:
    frames = {
        "gpu_prices": listed,
        "gpu_specs": chips("H100 SXM"),
        "consumer_prices": cpi() if consumer is None else consumer,
    }
    found = gpu_price_trend.MART.run(frames, as_of=AS_OF, assumptions=load().replaced(changes))
    assert set(failing(gpu_price_trend.TABLE, found).values()) <= {0}
    return found.filter(pl.col("period") == period).row(0, named=True)


def falling(decline: float, providers: str = "AB", noise: float = 0.0, months: int = 8) -> pl.DataFrame:
    rng = np.random.default_rng(5)
    rows = []
    for i, who in enumerate(providers):
        for month in range(1, months + 1):
            years = (date(2026, month, 10) - date(2026, 1, 10)).days / 365.25
            rows.append((who, month, float((i + 1) * np.exp(-decline * years + noise * rng.standard_normal()))))
    return prices(*rows)


@pytest.mark.parametrize(("decline", "word"), [(0.4, "fell"), (-0.4, "rose")])
def test_a_steady_decline(decline, word):
    row = trend(falling(decline))
    assert row["decline_log_points"] == pytest.approx(decline)
    assert row["decline_share"] == pytest.approx(1 - np.exp(-decline))
    assert row["direction"] == word
    assert (row["n_providers"], row["n_prices"]) == (2, 16)
    assert row["decline_real_log_points"] == pytest.approx(decline)
    assert row["reason"] is None


def test_a_real_decline_is_larger_by_inflation():
    """Rents fall by 0.4 log points a year, consumer prices rise by 0.06, month by month: 0.46 in real terms."""
    first = date(2026, 1, 1)
    inflation = {
        month: 100 * float(np.exp(0.06 * (month - first).days / 365.25))
        for month in (date(2026, number, 1) for number in range(1, 9))
    }
    row = trend(falling(0.4), consumer=cpi(inflation))
    assert row["decline_log_points"] == pytest.approx(0.4)
    assert row["decline_real_log_points"] == pytest.approx(0.46, abs=0.001)
    assert row["excess_log_points"] == pytest.approx(row["decline_real_log_points"] - row["chip_decline_log_points"])
    none = trend(falling(0.4), consumer=cpi({}))
    assert (none["decline_real_log_points"], none["excess_log_points"]) == (None, None)
    assert "nominal" in none["reason"]


def test_what_never_moved_has_no_direction():
    row = trend(falling(0.0))
    assert (row["decline_log_points"], row["direction"]) == (0.0, "no clear change")


def test_slope_and_clustered_error_are_statsmodels(facts):
    """On the snapshot's H100s: dummies by provider and size, errors clustered by provider, t with providers less one."""
    days = item_days(known(facts, AS_OF)["gpu_prices"]).filter(*(pl.col(n) == v for n, v in H100.items()))
    matched = days.filter(pl.col("observed_on").n_unique().over("item") > 1)
    years = matched["observed_on"].to_physical().to_numpy() / 365.25
    who = matched["item"].to_numpy()
    within = pl.DataFrame({"x": years, "y": np.log(matched["usd_per_gpu_hour"].to_numpy()), "who": who}).select(
        "who", pl.col("x", "y") - pl.col("x", "y").mean().over("who")
    )
    groups = matched["provider"].rank("dense").to_numpy()
    fitted = sm.OLS(within["y"].to_numpy(), within["x"].to_numpy()).fit(
        cov_type="cluster", cov_kwds={"groups": groups, "use_correction": True}
    )
    n, g, things = len(groups), len(set(groups)), len(set(who))
    # statsmodels multiplies by (n - 1) / (n - k); with one slope that is 1. The conventional error counts the dummies.
    plain = np.sqrt((fitted.resid**2).sum() / (n - things - 1) / (within["x"].to_numpy() ** 2).sum())
    error = max(float(fitted.bse[0]), plain)
    frames = known(facts, AS_OF)
    row = gpu_price_trend.MART.run(frames, as_of=AS_OF, assumptions=load()).filter(
        *(pl.col(k) == v for k, v in H100.items()), pl.col("period") == "whole"
    ).row(0, named=True)  # fmt: skip
    assert row["decline_log_points"] == pytest.approx(-float(fitted.params[0]), rel=1e-6)
    half = float(student.ppf(0.975, g - 1)) * error
    assert row["decline_high_log_points"] - row["decline_log_points"] == pytest.approx(half, rel=1e-6)


def test_it_is_the_decline_of_the_glut_signal(facts, assumptions):
    """One idea, two places that must not part: the signal's excess is this mart's."""
    built = build(facts, as_of=AS_OF, assumptions=assumptions, only={"glut_signals", "gpu_price_trend"})
    signal = built["glut_signals"].filter(pl.col("signal") == "rental_prices")["value"].item()
    row = built["gpu_price_trend"].filter(*(pl.col(k) == v for k, v in H100.items()), pl.col("period") == "glut_window")
    assert row["excess_log_points"].item() == pytest.approx(signal)


def test_rents_of_the_h100_rose_after_the_turn_and_did_not_clearly_fall_before_it(facts, assumptions):
    found = gpu_price_trend.MART.run(known(facts, AS_OF), as_of=AS_OF, assumptions=assumptions)
    of = {row["period"]: row for row in found.filter(*(pl.col(k) == v for k, v in H100.items())).to_dicts()}
    assert of["after_turn"]["direction"] == "rose"
    assert of["after_turn"]["n_providers"] >= 9
    assert of["before_turn"]["direction"] == "no clear change"
    assert of["after_turn"]["gap_to"] - of["after_turn"]["gap_from"] < timedelta(days=60), "read month by month since"


def test_periods_are_either_side_of_the_turn():
    listed = falling(0.5)
    changes = {"rental_turn": date(2026, 4, 30)}
    before, after = trend(listed, "before_turn", **changes), trend(listed, "after_turn", **changes)
    assert (before["last_day"], after["first_day"]) == (date(2026, 4, 10), date(2026, 5, 10))
    assert (before["n_prices"], after["n_prices"]) == (8, 8)


def test_one_provider_alone_has_no_interval():
    row = trend(falling(0.4, "A"))
    assert row["decline_log_points"] == pytest.approx(0.4)
    assert (row["decline_low_log_points"], row["direction"]) == (None, None)
    assert "one provider alone" in row["reason"]


def test_one_restless_provider_among_calm_ones_is_no_certainty():
    """All movement in one cluster makes the clustered error vanish; the conventional one stands in."""
    rng = np.random.default_rng(1)
    restless = [("A", month, float(np.exp(rng.standard_normal()))) for month in range(1, 11)]
    calm = [("B", 1, 2.0), ("B", 2, 2.0)]
    row = trend(prices(*restless, *calm))
    assert row["direction"] == "no clear change"
    assert row["decline_high_log_points"] - row["decline_low_log_points"] > 1


def test_nothing_seen_twice_and_no_facts():
    assert gpu_price_trend.MART.run(
        {"gpu_prices": prices(("A", 1, 2.0), ("B", 2, 3.0)), "gpu_specs": chips("H100 SXM"), "consumer_prices": cpi()},
        as_of=AS_OF,
        assumptions=load(),
    ).is_empty()
    row = trend(falling(0.4), "before_turn")
    assert row["decline_log_points"] is None
    assert row["reason"] == "nothing was seen on two days of the period"


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    """Six providers, 200 panels with a decline of 0.3: 95 % intervals hold it in 90 to 99 % of them."""
    rng = np.random.default_rng(11)
    group = ("panel",)
    rows = []
    days = [date(2026, 1, 1) + timedelta(days=30 * i) for i in range(10)]
    for panel in range(200):
        for who in "ABCDEF":
            for day in days:
                years = (day - days[0]).days / 365.25
                rows.append((panel, who, who, day, float(np.exp(-0.3 * years + 0.1 * rng.standard_normal()))))
    frame = pl.DataFrame(
        rows, schema=["panel", "provider", "item", "observed_on", "usd_per_gpu_hour"], orient="row"
    ).with_columns(known_on=pl.lit(AS_OF), grade=pl.lit("B"))
    found = gpu_price_trend.fit(frame, group)
    held = found.select(
        (pl.col("decline_low_log_points") <= 0.3) & (pl.col("decline_high_log_points") >= 0.3)
    ).to_series()
    assert 0.90 <= held.mean() <= 0.995
