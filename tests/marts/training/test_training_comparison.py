"""Models side by side on one rung; a ratio across rungs does not exist, whatever is asked of the table."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pytest
from scipy import stats

from tests.built import build
from tests.marts.declared import failing
from tests.marts.made_up import mart_frame
from tests.marts.training.cases import THREE, cost, offers
from warehouse.assumptions import load
from warehouse.marts.training import training_comparison
from warehouse.tables import CORE

AS_OF = date(2026, 11, 9)
V3, R1 = "DeepSeek-V3", "DeepSeek-R1 (increment over V3)"


def run(model: str, rung: str, claimed: float | None = None, mid: float | None = None, **more: Any) -> dict[str, Any]:
    recomputed = {} if mid is None else {
        "recomputed_scope": rung, "cost_low_usd": mid / 2, "cost_mid_usd": mid, "cost_high_usd": 2 * mid,
        "cost_p05_usd": 0.4 * mid, "cost_p95_usd": 2.5 * mid,
    }  # fmt: skip
    usual = {"model": model, "developer": "D", "published": date(2025, 1, 1), "cost_scope": rung, "estimate_by": "E",
             "claimed_cost_usd": claimed, "is_component": False, "is_stand_in": False, "known_on": AS_OF, "grade": "B"}  # fmt: skip
    return usual | recomputed | more


def table(*rows: dict[str, Any]) -> dict[tuple[str, str, str], dict[str, Any]]:
    named = [{"run_id": f"R{i}", **row} for i, row in enumerate(rows)]
    frames = {"training_cost": mart_frame("training_cost", named), "training_runs": CORE["training_runs"].empty()}
    found = training_comparison.MART.run(frames, as_of=AS_OF, assumptions=load())
    assert set(failing(training_comparison.TABLE, found).values()) <= {0}
    return {(row["model"], row["rung"], row["basis"]): row for row in found.to_dicts()}


def test_ratios_on_the_same_rung_and_basis():
    found = table(
        run(V3, "final_run_rental", 5e6, 8e6, gpu_hours=2e6, training_flop=3e24),
        run("Big", "final_run_rental", 100e6, 160e6, gpu_hours=40e6, training_flop=30e24),
    )
    big = found["Big", "final_run_rental", "claimed"]
    assert (big["ratio"], big["gpu_hours_ratio"], big["flop_ratio"]) == pytest.approx((20, 20, 10))
    assert found["Big", "final_run_rental", "recomputed"]["ratio"] == pytest.approx(20)
    assert found[V3, "final_run_rental", "claimed"]["ratio"] == 1


def test_a_ratio_across_rungs_is_refused():
    """V3's rental and another's amortised cost: no ratio, with the reason; hours still compare."""
    found = table(
        run(V3, "final_run_rental", 5e6, gpu_hours=2e6), run("Big", "final_run_amortised", 40e6, gpu_hours=40e6)
    )
    row = found["Big", "final_run_amortised", "claimed"]
    assert row["ratio"] is None
    assert row["reason"] == (
        "no ratio: DeepSeek-V3 has no claimed cost on this rung, and a ratio across rungs is refused"
    )
    assert row["gpu_hours_ratio"] == pytest.approx(20)


def test_a_claimed_cost_is_not_set_against_a_recomputed_one():
    found = table(run(V3, "final_run_rental", None, 8e6), run("Big", "final_run_rental", 100e6))
    assert found["Big", "final_run_rental", "claimed"]["ratio"] is None


def test_several_claims_make_a_range():
    claims = (run("M", "final_run_rental", usd * 1e6, estimate_by=who) for usd, who in ((3, "A"), (9, "B"), (5, "C")))
    row = table(*claims)["M", "final_run_rental", "claimed"]
    assert (row["cost_low_usd"], row["cost_mid_usd"], row["cost_high_usd"]) == (3e6, 5e6, 9e6)
    assert (row["n_estimates"], row["estimate_by"], row["run_ids"]) == (3, "A, B, C", ["R0", "R1", "R2"])


def test_programmes_are_the_run_over_share_final():
    """Between a tenth and three tenths of a programme is its final run: 3.3 to 10 times as much, 5 in the middle."""
    row = table(run(V3, "final_run_rental", None, 8e6))[V3, "research_programme", "derived"]
    assert row["cost_low_usd"] == pytest.approx(4e6 / 0.3)
    assert row["cost_mid_usd"] == pytest.approx(8e6 / 0.2)
    assert row["cost_high_usd"] == pytest.approx(16e6 / 0.1)
    assert row["ratio"] == 1


def test_the_claims_sum_is_the_run_and_its_increment():
    found = table(run(V3, "final_run_rental", None, 8e6), run(R1, "post_training_run", None, 0.5e6))
    row = found[f"{V3} + {R1}", "final_run_rental", "recomputed"]
    assert row["cost_mid_usd"] == pytest.approx(8.5e6)
    assert (row["cost_p05_usd"], row["cost_p95_usd"]) == pytest.approx((0.4 * 8.5e6, 2.5 * 8.5e6))
    assert row["run_ids"] == ["R0", "R1"]
    assert row["ratio"] == pytest.approx(8.5 / 8)


def test_phases_are_not_compared():
    assert table(run("V3 (pre-training only)", "final_run_rental", 5e6, 8e6, is_component=True)) == {}


# ---- The lognormal price (method 5) ------------------------------------------------------------------------------------


def test_quantiles_of_a_lognormal_price():
    """Offers at 2, 3 and 5 dollars: median 3 and the sample standard deviation of their logs, by scipy's lognormal."""
    sd = stats.tstd([0.6931471805599453, 1.0986122886681098, 1.6094379124341003])
    row = cost(load(), offers(*THREE))
    assert row["price_sd_log"] == pytest.approx(sd)
    price = stats.lognorm(sd, scale=3.0)
    assert row["cost_p05_usd"] == pytest.approx(1000 * price.ppf(0.05))
    assert row["cost_mid_usd"] == pytest.approx(1000 * price.ppf(0.50))
    assert row["cost_p95_usd"] == pytest.approx(1000 * price.ppf(0.95))


def test_one_offer_alone_has_no_spread():
    assumptions = load().replaced({"price_minimum_offers": 1})
    row = cost(assumptions, offers(("a", 0, 2.0)))
    assert (row["price_sd_log"], row["cost_p05_usd"], row["cost_p95_usd"]) == (None, None, None)
    assert row["cost_mid_usd"] == 2000


# ---- The snapshot -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def snapshot(facts, assumptions) -> dict[tuple[str, str, str], dict[str, Any]]:
    found = build(facts, as_of=AS_OF, assumptions=assumptions, only={"training_comparison"})["training_comparison"]
    assert set(failing(training_comparison.TABLE, found).values()) <= {0}
    return {(row["model"], row["rung"], row["basis"]): row for row in found.to_dicts()}


def test_llama_took_eleven_times_the_hours(snapshot):
    """30.84 million hours at 3.99 USD, the median of mid 2024, against 2.788 million at 2.99: 15 times the cost."""
    row = snapshot["Llama 3.1 405B", "final_run_rental", "recomputed"]
    assert row["gpu_hours_ratio"] == pytest.approx(30.84 / 2.788)
    assert row["ratio"] == pytest.approx(30.84 * 3.99 / (2.788 * 2.99))


@pytest.mark.parametrize("model", ["Llama 3.1 405B", "GPT-4", "Grok-3", "GPT-4.5", "Claude 3.5 Sonnet"])
def test_amortised_costs_have_no_ratio_to_v3(model, snapshot):
    assert snapshot[model, "final_run_amortised", "claimed"]["ratio"] is None


def test_v3_and_r1_cost_five_to_fourteen_million(snapshot):
    """2.935 million hours at 2.99 USD; 5 and 95 % of lognormal prices with the standard deviation of each window's offers.

    Both windows hold 27 offers. R1's has a fifth day of CoreWeave's 6.155 instead of Lambda's 2.99 of September 2024.
    """
    both = [2.19, 2.19, 2.45, 2.94, *[2.95] * 5, *[2.99] * 11, 3.29, 3.95, *[6.155] * 4]
    hours = {2.99: 2.788e6, 6.155: 0.147e6}
    row = snapshot[f"{V3} + {R1}", "final_run_rental", "recomputed"]
    assert row["cost_mid_usd"] == pytest.approx(2.935e6 * 2.99)
    for end, quantile in (("p05", -1.6448536), ("p95", 1.6448536)):
        wanted = sum(
            number * 2.99 * np.exp(quantile * np.std(np.log([*both, last]), ddof=1)) for last, number in hours.items()
        )
        assert row[f"cost_{end}_usd"] == pytest.approx(wanted, rel=1e-6)
