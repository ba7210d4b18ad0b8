"""What does not add up in a run's figures, each missing input with its reason, and which rows are parts of a total."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.marts.training.cases import COSTS, H800, PRICES, PUBLISHED, THREE, cost, costs, offers, runs
from warehouse.assumptions import Assumptions, load

# ---- What does not add up -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claimed", "scope", "words"),
    [
        (999.0, "final_run_rental", "scope mislabelled"),
        (999.0, "post_training_run", "scope mislabelled"),
        (12_001.0, "final_run_rental", "scope mislabelled"),
        (1000.0, "final_run_rental", "a possible rental but below the offered 2.0 to 5.0"),
        (12_000.0, "final_run_rental", "a possible rental but above the offered 2.0 to 5.0"),
        (3000.0, "final_run_rental", "the claim is 3.0 USD per GPU-hour, within the offered 2.0 to 5.0"),
        (600.0, "final_run_amortised", "as an amortised cost is not compared"),
        (90_000.0, "unknown", "as a cost of unstated scope is not compared"),
    ],
)
def test_claim_against_prices(claimed, scope, words, assumptions):
    assert words in cost(assumptions, claimed_cost_usd=claimed, cost_scope=scope)["finding"]


@pytest.mark.parametrize(
    ("flop", "words"),
    [
        (1.2e21, "6ND is the published figure itself"),
        (1.26e21, "6ND agrees: 4.76 % below"),
        (1.27e21, "6ND does not agree: 5.51 % below"),
        (1.13e21, "6ND does not agree: 6.19 % above"),
    ],
)
def test_operations_against_six_a_parameter_and_token(flop, words, assumptions):
    """6 x 1e9 x 2e11 = 1.2e21."""
    assert words in cost(assumptions, training_flop=flop)["finding"]


def test_a_rate_above_the_peak_is_impossible(assumptions):
    """989.4 TFLOP/s for 1,000 hours are 3.56184e21 operations."""
    most = 989.4e12 * 3600 * 1000
    assert "possible rate: 100.0 %" in cost(assumptions, training_flop=most * (1 - 1e-9))["finding"]
    assert "impossible rate: operations over GPU-hours are 101.0 %" in (
        cost(assumptions, training_flop=most * 1.01)["finding"]
    )  # fmt: skip


def test_nothing_known_is_said_to_be_nothing(assumptions):
    unknown = dict.fromkeys(
        ("hardware", "gpu_count", "gpu_hours", "training_flop", "parameters_active", "tokens", "claimed_cost_usd")
    )
    row = cost(assumptions, **unknown)
    assert row["finding"] == "nothing can be compared: too little is known of the run"
    for words in ("its chip", "GPU-hours", "no cost was claimed", "operations", "6ND needs", "number of GPUs"):
        assert words in row["reason"]


@pytest.mark.parametrize(
    ("missing", "null", "words"),
    [
        ("gpu_count", ["wall_days"], "number of GPUs"),
        ("tokens", ["flop_6nd", "flop_difference_share"], "6ND needs"),
        ("training_flop", ["flop_difference_share", "sustained_tflops_per_gpu", "utilisation"], "operations"),
        ("claimed_cost_usd", ["implied_usd_per_gpu_hour"], "no cost was claimed"),
        ("gpu_hours", [*COSTS, "implied_usd_per_gpu_hour", "utilisation", "wall_days"], "GPU-hours"),
    ],
)
def test_each_missing_input_has_its_reason(missing, null, words, assumptions):
    row = cost(assumptions, **{missing: None})
    assert all(row[name] is None for name in null)
    assert words in row["reason"]


def test_the_peak_of_an_unknown_chip_is_said(assumptions):
    row = cost(assumptions, offers(*THREE, chip="X1"), hardware="X1")
    assert (row["cost_mid_usd"], row["utilisation"], row["peak_of"]) == (3000.0, None, None)
    assert row["reason"] == "the dense BF16 peak of X1 is not known"


def test_hardware_that_was_bought_is_not_recomputed_from_hours(assumptions):
    row = cost(assumptions, cost_scope="hardware_owned")
    assert (row["cost_mid_usd"], row["recomputed_scope"]) == (None, None)
    assert "bought" in row["reason"]


@pytest.mark.parametrize(
    ("model", "component"),
    [
        ("V9 (pre-training only)", True), ("V9 (pretraining)", True), ("V9 (Context Extension)", True),
        ("V9 (post-training)", True), ("V9 (RL)", True), ("V9 (RL phase)", True), ("V9 (SFT data creation)", True),
        ("V9 (fine-tuning)", True),
        ("V9", False), ("V9 (increment over V8)", False), ("V9 (V8 + RL increment)", False), ("V9 (preview)", False),
        ("s9 (SFT on V8)", False), ("V9 (98B)", False), ("V9 programme (hardware)", False), ("V9 (Jul 2025)", False),
        ("V9 (RL) Turbo", False), ("WORLD-RL", False),
    ],
)  # fmt: skip
def test_which_rows_are_parts_of_a_total(model, component, assumptions):
    assert cost(assumptions, model=model)["is_component"] is component


def test_weakest_grade_and_latest_day_of_what_was_used(assumptions):
    row = cost(assumptions, offers(*THREE, grade="C"))
    assert (row["grade"], row["known_on"]) == ("C", PUBLISHED + timedelta(days=10))
    # Offers of another chip were not used.
    other = pl.concat([offers(*THREE), offers(("x", 20, 1.0), chip="A100 SXM 80GB", grade="C")])
    assert (cost(assumptions, other)["grade"], cost(assumptions, other)["known_on"]) == (
        "B", PUBLISHED + timedelta(days=10),
    )  # fmt: skip


def test_the_best_row_of_a_run_counts_and_hearsay_never(assumptions):
    told = runs(
        {"run_id": "R", "gpu_hours": 1.0, "grade": "C"},
        {"run_id": "R", "gpu_hours": 2.0, "known_on": date(2025, 7, 1)},
        {"run_id": "R", "gpu_hours": 3.0},
        {"run_id": "S", "grade": "D"},
    )
    found = costs(told, offers(*THREE), assumptions)
    assert [(row["run_id"], row["gpu_hours"]) for row in found.values()] == [("R", 2.0)]


DAYS_AND_PRICES = st.lists(
    st.tuples(st.sampled_from("abcde"), st.integers(-130, 130), st.floats(0.02, 40.0)),
    max_size=15,
    unique_by=lambda row: row[:2],
)


@settings(max_examples=examples(0.4))
@given(
    own=DAYS_AND_PRICES,
    kin=DAYS_AND_PRICES,
    hours=st.one_of(st.none(), st.floats(1.0, 1e9)),
    claimed=st.one_of(st.none(), st.floats(1.0, 1e10)),
    seed=st.integers(0, 1000),
)
def test_whatever_the_offers_low_is_below_high_and_every_null_has_its_reason(own, kin, hours, claimed, seed):
    assumptions = load_once()
    offered = pl.concat([offers(*own, chip="H800 SXM"), offers(*kin)])
    trained = runs({**H800, "gpu_hours": hours, "claimed_cost_usd": claimed}, {"hardware": "H100"})
    found = costs(trained, offered, assumptions)
    mixed = offered.sample(fraction=1.0, shuffle=True, seed=seed)
    assert found == costs(trained.reverse(), mixed, assumptions)
    row = found["R0"]
    near_own = [price for _, day, price in own if abs(day) <= 120]
    near_kin = [price for _, day, price in kin if abs(day) <= 120]
    used = near_own if len(near_own) >= 3 else near_kin
    assert row["n_offers"] == len(used)
    if not used:
        assert row["price_mid_usd_per_gpu_hour"] is None
        assert row["reason"].startswith("no price")
    else:
        low, middle, high = (row[name] for name in PRICES)
        assert (low, high) == (min(used), max(used))
        assert low <= middle <= high
    if hours is None or not used:
        assert row["cost_low_usd"] is None
        assert row["reason"]
    else:
        assert [row[name] for name in COSTS] == pytest.approx([hours * row[name] for name in PRICES])
    assert row["finding"]
    assert (row["implied_usd_per_gpu_hour"] is None) == (hours is None or claimed is None)


@cache
def load_once() -> Assumptions:
    return load()
