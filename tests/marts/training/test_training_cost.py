"""Costs recomputed by hand from the papers, windows and stand-ins at their edges, and figures that cannot be."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

from tests.built import build
from tests.marts.declared import behind, failing
from tests.marts.gpu.test_offers import listings
from tests.marts.training.cases import AS_OF, COSTS, H800, PRICES, PUBLISHED, THREE, cost, costs, offers, runs
from warehouse.marts import all_marts
from warehouse.marts.training import training_cost

# ---- Known answers -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def built(facts, assumptions) -> dict[str, pl.DataFrame]:
    return build(facts, as_of=AS_OF, assumptions=assumptions, only={"training_cost"})


@pytest.fixture(scope="module")
def snapshot(built) -> dict[str, dict]:
    return {row["run_id"]: row for row in built["training_cost"].to_dicts()}


def test_deepseek_v3_of_its_paper(snapshot):
    """arXiv:2412.19437, table 1: 2,664K + 119K + 5K hours at an assumed 2 USD; 37B active, 14.8T tokens, 2,048 H800."""
    row = snapshot["TR001"]
    assert row["gpu_hours"] == 2_664_000 + 119_000 + 5_000
    assert row["implied_usd_per_gpu_hour"] == pytest.approx(5.576e6 / 2.788e6) == pytest.approx(2.0)
    assert row["flop_6nd"] == pytest.approx(6 * 37e9 * 14.8e12) == pytest.approx(3.2856e24)
    assert row["flop_difference_share"] == pytest.approx(3.2856 / 3.3 - 1)
    assert row["sustained_tflops_per_gpu"] == pytest.approx(3.3e24 / (2.788e6 * 3600) / 1e12)
    assert row["utilisation"] == pytest.approx(328.79 / 989, rel=1e-4)  # the H800's own peak, not the stand-in's
    assert row["peak_of"] == "H800 SXM"
    assert row["wall_days"] == pytest.approx(2.788e6 / 2048 / 24) == pytest.approx(56.7, abs=0.05)
    assert (row["cost_scope"], row["recomputed_scope"], row["is_component"]) == ("final_run_rental",) * 2 + (False,)


def test_deepseek_v3_at_the_offers_of_its_time(snapshot):
    """One H800 offer lies in the window, so the H100 SXM stands in, with 27 offers; the fourteenth of them is 2.99.

    Verda 2.19 (two days), Cudo 2.45, Oblivus 2.94, Nebius 2.95 (five), DigitalOcean 2.99 (four), Lambda 2.99 (seven) and
    3.29, RunPod 2.99, CR8DL 3.95, CoreWeave 6.155 (four): nine are below 2.99, six above.
    """
    row = snapshot["TR001"]
    assert (row["priced_as"], row["is_stand_in"], row["n_offers"]) == ("H100 SXM", True, 27)
    assert "H100 SXM stands in for H800 SXM" in row["reason"]
    assert (row["price_from"], row["price_to"]) == (date(2024, 8, 28), date(2025, 4, 25))
    assert [row[name] for name in PRICES] == [2.19, 2.99, 6.155]
    assert [row[name] for name in COSTS] == pytest.approx([2.788e6 * usd for usd in (2.19, 2.99, 6.155)])
    assert "a possible rental but below the offered 2.19 to 6.16" in row["finding"]


def test_deepseek_v3_as_it_could_be_known_on_the_day_after_the_fall(facts, assumptions):
    """On 2025-01-28 ten offers of the window were public; R1's increment was not known yet.

    Nebius 2.95 (three days), DigitalOcean 2.99 (four), Lambda 2.99 and 3.29, CoreWeave 6.155: the middle two are 2.99.
    """
    day = date(2025, 1, 28)
    found = build(facts, as_of=day, assumptions=assumptions, only={"training_cost"})["training_cost"]
    row = found.row(by_predicate=pl.col("run_id") == "TR001", named=True)
    assert (row["n_offers"], [row[name] for name in PRICES]) == (10, pytest.approx([2.95, 2.99, 6.155]))
    assert row["cost_low_usd"] == pytest.approx(2.788e6 * 2.95)
    assert found["known_on"].max() <= day
    assert "TR009" not in found["run_id"]


def test_pre_training_alone_is_over_its_own_hours(snapshot):
    """3.29e24 operations in 2,664K hours: 343 TFLOP/s a chip, 34.7 % of 989, in 54.2 days of 2,048 chips."""
    row = snapshot["TR002"]
    assert row["sustained_tflops_per_gpu"] == pytest.approx(343.05, abs=0.01)
    assert row["utilisation"] == pytest.approx(0.3469, abs=1e-4)
    assert row["wall_days"] == pytest.approx(54.2, abs=0.01)
    assert row["is_component"]


def test_a_total_is_not_its_parts(snapshot):
    """The three phases add up to the total and are marked, so that nobody adds all four."""
    parts = [snapshot[run_id] for run_id in ("TR002", "TR003", "TR004")]
    assert all(part["is_component"] for part in parts)
    for name in ("gpu_hours", "claimed_cost_usd", "cost_mid_usd"):
        assert sum(part[name] for part in parts) == pytest.approx(snapshot["TR001"][name])


def test_r1_increment_is_a_run_of_its_own(snapshot):
    """Nature 2025 (s41586-025-09422-z): 147K hours on 512 H800, 294K USD at 2 USD: 12 days."""
    row = snapshot["TR009"]
    assert row["is_component"] is False
    assert (row["recomputed_scope"], row["implied_usd_per_gpu_hour"]) == ("post_training_run", 2.0)
    assert row["wall_days"] == pytest.approx(147_000 / 512 / 24)
    assert row["cost_low_usd"] == pytest.approx(147_000 * 2.19)


def test_llama_3_1_of_its_paper(snapshot):
    """arXiv:2407.21783: 30.84M hours, up to 16,384 H100, 3.8e25 operations, 405B parameters, 15.6T tokens."""
    row = snapshot["TR019"]
    assert row["flop_6nd"] == pytest.approx(3.7908e25)
    assert row["flop_difference_share"] == pytest.approx(3.7908 / 3.8 - 1)
    assert row["sustained_tflops_per_gpu"] == pytest.approx(342.3, abs=0.05)
    assert row["utilisation"] == pytest.approx(0.346, abs=1e-3)
    assert row["wall_days"] == pytest.approx(78.4, abs=0.05)
    assert (row["claimed_cost_usd"], row["implied_usd_per_gpu_hour"]) == (None, None)
    assert "no cost was claimed" in row["reason"]
    # Nobody claimed a cost, so the claim has no rung; the recomputed one is a rental all the same.
    assert (row["cost_scope"], row["recomputed_scope"]) == ("unknown", "final_run_rental")
    # DigitalOcean and Lambda 2.99, Oblivus 3.45, Lambda 3.49, CR8DL 3.95, RunPod 3.99 and Paperspace 5.95 on five days
    # lie within 120 days of 2024-07-23: the sixth of the eleven is 3.99.
    assert [row[name] for name in COSTS] == pytest.approx([30.84e6 * p for p in (2.99, 3.99, 5.95)])


def test_an_amortised_claim_and_its_rental_are_two_rungs(snapshot):
    row = snapshot["TR020"]
    assert (row["cost_scope"], row["recomputed_scope"]) == ("final_run_amortised", "final_run_rental")
    assert "as an amortised cost is not compared with rental prices" in row["finding"]


def test_a_mislabelled_row_is_found(snapshot):
    """TR016: Epoch's 1,102,561 USD over 1,720,320 hours are 0.64 USD an hour, below any rental."""
    assert snapshot["TR016"]["finding"].startswith("scope mislabelled: the claim is 0.641 USD per GPU-hour")


def test_operations_of_one_model_over_the_hours_of_another_are_impossible(snapshot):
    """TR155: all of PaLM's operations over the hours of U-PaLM's continuation alone, 42 times the chips' peak."""
    assert snapshot["TR155"]["utilisation"] == pytest.approx(41.6, abs=0.1)
    assert "impossible rate" in snapshot["TR155"]["finding"]


def test_a_mix_of_chips_has_no_price(snapshot):
    row = snapshot["TR012"]
    assert {row[name] for name in [*PRICES, *COSTS, "priced_as", "recomputed_scope"]} == {None}
    assert row["reason"].startswith("no price: specialist on-demand offers of Hopper")


def test_every_run_of_the_snapshot_keeps_its_row_and_hearsay_has_none(snapshot, facts):
    told = facts["training_runs"].filter(pl.col("grade") != "D")
    assert set(snapshot) == set(told["run_id"])


def test_no_figure_is_out_of_this_world(built):
    numbers = built["training_cost"].select(pl.selectors.float())
    for name in numbers.columns:
        assert numbers[name].drop_nulls().is_finite().all(), name
        assert name == "flop_difference_share" or (numbers[name].drop_nulls() > 0).all(), name


def test_checks_find_nothing_in_the_snapshot_and_what_they_are_for(built):
    found = built["training_cost"]
    assert failing(training_cost.TABLE, found) == {}
    v3 = found.filter(pl.col("run_id") == "TR001")
    assert failing(training_cost.TABLE, v3.with_columns(cost_low_usd=pl.col("cost_high_usd") * 2)) == {
        "low_middle_high_in_order": 1, "cost_is_hours_times_price": 1,
    }  # fmt: skip
    assert failing(training_cost.TABLE, v3.with_columns(reasons=pl.lit(None, pl.List(pl.String)))) == {
        "unknown_says_why": 1
    }
    more = found.with_columns(gpu_hours=pl.when(pl.col("run_id") == "TR003").then(1e9).otherwise("gpu_hours"))
    assert "components_within_their_total" in failing(training_cost.TABLE, more)


def test_rows_behind_the_traces_give_the_figures_again(built, facts):
    found = built["training_cost"]
    to_runs, to_offers, to_specs = training_cost.MART.traces
    again = behind(to_runs, found, facts["training_runs"])
    assert again["m_run_id"].sort().equals(found["run_id"].sort().alias("m_run_id"))
    offered = (
        behind(to_offers, found, built["offers"])
        .group_by("m_run_id")
        .agg(
            n=pl.len(),
            low=pl.col("usd_per_gpu_hour").min(),
            mid=pl.col("usd_per_gpu_hour").median(),
            high=pl.col("usd_per_gpu_hour").max(),
            said=pl.struct("m_n_offers", *(f"m_{name}" for name in PRICES)).first(),
        )
        .unnest("said")
    )
    assert offered.height == found["priced_as"].count() > 50
    assert offered.filter(pl.col("n") != pl.col("m_n_offers")).is_empty()
    for end, name in zip(("low", "mid", "high"), PRICES, strict=True):
        assert (offered[end] - offered[f"m_{name}"]).abs().max() == 0
    peaks = behind(to_specs, found, facts["gpu_specs"])
    assert peaks.height == found["utilisation"].count()
    rate = peaks["m_training_flop"] / (peaks["m_gpu_hours"] * 3600) / 1e12 / peaks["bf16_dense_tflops"]
    assert (rate / peaks["m_utilisation"] - 1).abs().max() < 1e-12


# ---- The window and who prices a run ---------------------------------------------------------------------------------


def test_the_window_is_closed_at_120_days_and_no_longer(assumptions):
    inside = [("a", -120, 2.0), ("b", 0, 3.0), ("c", 120, 4.0)]
    row = cost(assumptions, offers(*inside, ("d", -121, 1.0), ("e", 121, 9.0)))
    assert ([row[name] for name in PRICES], row["n_offers"]) == ([2.0, 3.0, 4.0], 3)
    assert [row[name] for name in COSTS] == [2000.0, 3000.0, 4000.0]
    assert row["is_stand_in"] is False


def test_the_window_is_an_assumption(assumptions):
    near = assumptions.replaced({"price_window_days": 90})
    assert cost(near, offers(*THREE, ("d", 91, 9.0)))["n_offers"] == 3


def test_a_what_if_moves_every_price_and_cost_alike(assumptions):
    """Rents twice as high cost twice as much; hours, operations and the claim's own price stay."""
    usual, dear = (cost(assumptions.replaced({"rental_price": multiple})) for multiple in (1, 2))
    for end in ("low", "mid", "high"):
        for figure in (f"price_{end}_usd_per_gpu_hour", f"cost_{end}_usd"):
            assert dear[figure] == pytest.approx(2 * usual[figure])
    for figure in ("gpu_hours", "implied_usd_per_gpu_hour", "price_sd_log", "utilisation"):
        assert dear[figure] == pytest.approx(usual[figure])


def test_other_classes_kinds_and_chips_price_nothing(assumptions):
    offered = pl.concat(
        [
            offers(*THREE), offers(("h", 0, 12.0), who="hyperscaler"), offers(("m", 0, 0.5), who="marketplace"),
            offers(("s", 0, 0.6), kind="spot"), offers(("r", 0, 0.7), kind="reserved_1y"),
            offers(("p", 0, 0.8), chip="H100 PCIe"), offers(("u", 0, 0.9), chip="H100"),
        ]
    )  # fmt: skip
    assert [cost(assumptions, offered)[name] for name in PRICES] == [2.0, 3.0, 5.0]
    large = cost(assumptions.replaced({"price_class": "hyperscaler", "price_minimum_offers": 1}), offered)
    assert ([large[name] for name in PRICES], large["price_class"]) == ([12.0] * 3, "hyperscaler")


def test_an_index_and_several_sizes_of_a_node_do_not_get_here(assumptions):
    """Through the offers: three providers, one of them in three sizes, beside an index and an assumed price."""
    sizes = [{"gpu_count": n, "instance": f"{n}x", "usd_per_gpu_hour": p} for n, p in ((1, 2.6), (4, 2.5), (8, 2.4))]
    prices = listings(
        *sizes, {"provider": "Two", "usd_per_gpu_hour": 3.0}, {"provider": "Three", "usd_per_gpu_hour": 4.0},
        {"provider": "Index", "provider_class": "index", "pricing_kind": "index", "usd_per_gpu_hour": 0.9},
        {"provider": "Paper", "provider_class": "assumption", "pricing_kind": "assumed", "usd_per_gpu_hour": 0.8},
    )  # fmt: skip
    offered = all_marts()["offers"].run({"gpu_prices": prices}, as_of=AS_OF, assumptions=assumptions)
    row = cost(assumptions, offered, published=date(2025, 1, 10))
    assert ([row[name] for name in PRICES], row["n_offers"]) == ([2.4, 3.0, 4.0], 3)


def test_three_offers_of_the_chip_itself_need_no_stand_in(assumptions):
    row = cost(assumptions, pl.concat([offers(*THREE, chip="H800 SXM"), offers(("x", 0, 9.0))]), **H800)
    assert (row["priced_as"], row["is_stand_in"], row["n_offers"], row["price_high_usd_per_gpu_hour"]) == (
        "H800 SXM", False, 3, 5.0,
    )  # fmt: skip
    assert row["reason"] is None


def test_with_fewer_than_three_the_stand_in_prices_alone_and_one_offer_is_enough(assumptions):
    row = cost(assumptions, pl.concat([offers(*THREE[:2], chip="H800 SXM"), offers(("x", 0, 9.0))]), **H800)
    assert (row["priced_as"], row["is_stand_in"], row["n_offers"]) == ("H100 SXM", True, 1)
    assert [row[name] for name in PRICES] == [9.0, 9.0, 9.0]
    assert "2 known, 3 needed" in row["reason"]
    assert row["peak_of"] == "H800 SXM"


def test_with_neither_the_cost_is_null_with_the_reason(assumptions):
    row = cost(assumptions, offers(*THREE[:2], chip="H800 SXM"), **H800)
    assert {row[name] for name in [*PRICES, *COSTS, "priced_as", "is_stand_in", "recomputed_scope"]} == {None}
    assert row["n_offers"] == 0
    assert "H100 SXM, which could stand in: 0 known" in row["reason"]
    # What needs no price is there all the same.
    assert row["implied_usd_per_gpu_hour"] == 2.0
    assert "within the 1 to 12 that a rental can be" in row["finding"]


@pytest.mark.parametrize(
    ("hardware", "words"),
    [
        (None, "no price: its chip is not known"),
        ("Hopper mix", "offers of Hopper mix within 120 days of 2025-06-01: 0 known, 3 needed; no chip is named"),
    ],
)
def test_no_chip_no_price(hardware, words, assumptions):
    row = cost(assumptions, hardware=hardware)
    assert (row["cost_mid_usd"], row["utilisation"], row["peak_of"]) == (None, None, None)
    assert words in row["reason"]


def test_a_bare_name_is_priced_and_measured_as_the_sxm_chip(assumptions):
    row = cost(assumptions, hardware="H100")
    assert (row["priced_as"], row["is_stand_in"], row["peak_of"]) == ("H100 SXM", True, "H100 SXM")


def test_no_offers_at_all(assumptions):
    assert cost(assumptions, offers())["cost_mid_usd"] is None


def test_r1s_parts_are_priced_on_its_day_and_cost_no_more_than_it(snapshot):
    """147,336 hours of three parts against 147,000 (the paper rounds): 1.0023 times at one price."""
    parts = [snapshot[run_id] for run_id in ("TR006", "TR007", "TR008")]
    assert all(part["part_of"] == "TR009" and part["is_component"] for part in parts)
    assert {part["published"] for part in parts} == {snapshot["TR009"]["published"]}
    ratio = sum(part["cost_mid_usd"] for part in parts) / snapshot["TR009"]["cost_mid_usd"]
    assert ratio == pytest.approx((101_376 + 5_000 + 40_960) / 147_000)


def test_a_part_that_costs_more_than_its_whole_is_found(built):
    dearer = pl.when(pl.col("run_id") == "TR008").then(pl.col("cost_mid_usd") * 2).otherwise("cost_mid_usd")
    found = failing(training_cost.TABLE, built["training_cost"].with_columns(cost_mid_usd=dearer))
    assert "parts_cost_no_more_than_their_whole" in found
    assert "parts_cost_no_more_than_their_whole" not in failing(training_cost.TABLE, built["training_cost"])


def test_a_part_is_priced_on_the_day_of_its_whole(assumptions):
    """Told half a year later, when rents had trebled: at the prices of its own day one part would cost more than all."""
    offered = offers(*THREE, ("a", 180, 9.0), ("b", 190, 9.5), ("c", 200, 10.0))
    later = PUBLISHED + timedelta(days=190)
    whole = {"run_id": "W", "model": "M (increment over B)", "gpu_hours": 1000.0}
    parts = [
        {"run_id": f"P{hours}", "model": f"M (part {hours})", "gpu_hours": hours, "published": later, "part_of": "W"}
        for hours in (400.0, 600.0)
    ]
    found = costs(runs(whole, *parts), offered, assumptions)
    assert [found["W"][name] for name in COSTS] == [2000.0, 3000.0, 5000.0]
    for name in COSTS:
        assert found["P400.0"][name] + found["P600.0"][name] == pytest.approx(found["W"][name])
    assert found["P400.0"]["price_to"] == found["W"]["price_to"]
    # Where the whole is not known, the part's own day is all there is.
    alone = costs(runs(*parts), offered, assumptions)
    assert alone["P400.0"]["cost_low_usd"] == 400 * 9.0
