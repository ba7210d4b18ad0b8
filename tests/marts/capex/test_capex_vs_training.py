"""A ratio across rungs has its label and its nearest neighbour beside it, or it is refused."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.built import build
from tests.examples import examples
from tests.marts.declared import behind, failing
from tests.marts.made_up import mart_frame
from warehouse.assumptions import Assumptions
from warehouse.marts.capex import capex_vs_training
from warehouse.marts.capex.capex_vs_training import COMPARISONS, REMAINING, equivalents
from warehouse.marts.common.reasons import reason
from warehouse.tables.training_runs import SCOPES

TWO_SERIES = reason("two_series", figures=["capex_usd"], long_tag="a", short_tag="b")

AS_OF = date(2026, 11, 9)
KNOWN = date(2025, 1, 30)


def quarters(*rows: dict[str, Any]) -> pl.DataFrame:
    """Rows of capex_quarterly: Microsoft's 15.804 billion of the last quarter of 2024 unless a row says otherwise."""
    usual = {
        "ticker": "MSFT", "calendar_quarter": "2024Q4", "period_end": date(2024, 12, 31), "capex_usd": 15.804e9,
        "capex_grade": "A", "capex_known_on": date(2025, 1, 29), "grade": "C", "known_on": date(2025, 1, 29),
    }  # fmt: skip
    return mart_frame("capex_quarterly", [usual | row for row in rows or ({},)])


def runs(*rows: dict[str, Any]) -> pl.DataFrame:
    """Rows of training_cost of one developer; DeepSeek-V3's claimed 5.576 million unless a row says otherwise."""
    usual = {
        "model": "DeepSeek-V3", "developer": "DeepSeek", "is_component": False, "cost_scope": "final_run_rental",
        "claimed_cost_usd": 5.576e6, "grade": "B", "known_on": date(2024, 12, 26),
    }  # fmt: skip
    return mart_frame("training_cost", [{"run_id": f"TR{i}"} | usual | row for i, row in enumerate(rows or ({},))])


HARDWARE = {
    "model": "programme", "developer": "DeepSeek / High-Flyer", "cost_scope": "hardware_owned",
    "claimed_cost_usd": 1.629e9, "grade": "C", "known_on": date(2025, 1, 31),
}  # fmt: skip


def compared(
    assumptions: Assumptions, trained: pl.DataFrame, spent: pl.DataFrame | None = None
) -> dict[tuple[str, str, str, str], dict]:
    frames = {"capex_quarterly": quarters() if spent is None else spent, "training_cost": trained}
    found = capex_vs_training.MART.run(frames, as_of=AS_OF, assumptions=assumptions)
    assert failing(capex_vs_training.TABLE, found) == {}
    return {tuple(row[name] for name in capex_vs_training.TABLE.key): row for row in found.to_dicts()}


def test_a_final_run_is_rhetoric_and_the_fleet_the_nearest(assumptions):
    """15.804e9 / 5.576e6 = 2,834.3 final runs, and 15.804 / 1.629 = 9.70 fleets."""
    found = compared(assumptions, runs({}, HARDWARE))
    run, fleet = found["MSFT", "2024Q4", "TR0", "final_run_rental"], found["MSFT", "2024Q4", "TR1", "hardware_owned"]
    assert (run["comparison"], run["equivalents"]) == ("rhetoric", pytest.approx(2834.29, abs=0.01))
    assert (fleet["comparison"], fleet["equivalents"]) == ("nearest", pytest.approx(9.7017, abs=1e-4))
    assert (run["developer"], fleet["developer"]) == ("DeepSeek", "DeepSeek")
    assert "without research" in run["remaining_difference"]
    assert "against one quarter" in fleet["remaining_difference"]
    assert all("cloud tenants" in row["remaining_difference"] for row in (run, fleet))
    # Weakest grade and latest day of the two sides; the quarter's other figures (grade C) are not in it.
    assert (run["grade"], run["known_on"]) == ("B", date(2025, 1, 29))
    assert (fleet["grade"], fleet["known_on"]) == ("C", date(2025, 1, 31))


def test_without_a_programme_of_its_own_one_is_estimated_beside_it(assumptions):
    """share_final is 0.10 to 0.30: 5.576 million / 0.2 = 27.88 million, from 18.59 to 55.76 million."""
    found = compared(assumptions, runs())
    assert set(found) == {
        ("MSFT", "2024Q4", "TR0", "final_run_rental"),
        ("MSFT", "2024Q4", "TR0", "research_programme"),
    }
    row = found["MSFT", "2024Q4", "TR0", "research_programme"]
    assert (row["comparison"], row["cost_basis"]) == ("nearest", "derived")
    costs = [row[f"cost_{end}usd"] for end in ("low_", "", "high_")]
    assert costs == pytest.approx([5.576e6 / 0.3, 5.576e6 / 0.2, 5.576e6 / 0.1])
    assert row["equivalents"] == pytest.approx(15.804e9 / 27.88e6)
    assert row["reasons"] == [reason("programme_estimated", share_low=0.1, share_high=0.3)]
    # With one of its own the estimate is not shown.
    assert ("MSFT", "2024Q4", "TR0", "research_programme") not in compared(assumptions, runs({}, HARDWARE))


def test_what_is_claimed_counts_and_what_is_recomputed_spans(assumptions):
    """The claim of 5.576 million lies below the recomputed 6.83 to 11.01 million of the same rung."""
    prices = {"cost_low_usd": 6.8306e6, "cost_mid_usd": 8.3361e6, "cost_high_usd": 11.0126e6}
    rung = {"recomputed_scope": "final_run_rental"}
    row = compared(assumptions, runs(prices | rung, HARDWARE))["MSFT", "2024Q4", "TR0", "final_run_rental"]
    assert (row["cost_usd"], row["cost_low_usd"], row["cost_high_usd"]) == (5.576e6, 5.576e6, 11.0126e6)
    assert row["cost_basis"] == "claimed"
    unclaimed = runs(prices | rung | {"claimed_cost_usd": None, "cost_scope": "unknown"}, HARDWARE)
    row = compared(assumptions, unclaimed)["MSFT", "2024Q4", "TR0", "final_run_rental"]
    assert (row["cost_usd"], row["cost_basis"]) == (8.3361e6, "recomputed")


def test_an_amortised_claim_and_its_recomputed_rental_are_two_rungs(assumptions):
    both = {
        "cost_scope": "final_run_amortised", "claimed_cost_usd": 2e6, "recomputed_scope": "final_run_rental",
        "cost_low_usd": 4e6, "cost_mid_usd": 5e6, "cost_high_usd": 6e6,
    }  # fmt: skip
    found = compared(assumptions, runs(both, HARDWARE))
    costs = {scope: row["cost_usd"] for (_, _, run_id, scope), row in found.items() if run_id == "TR0"}
    assert costs == {"final_run_amortised": 2e6, "final_run_rental": 5e6}
    assert found["MSFT", "2024Q4", "TR0", "final_run_amortised"]["cost_high_usd"] == 2e6


def test_components_other_developers_and_costs_of_unknown_scope_are_left_out(assumptions):
    trained = runs(
        {}, HARDWARE, {"model": "DeepSeek-V3 (post-training)", "is_component": True}, {"developer": "Meta"},
        {"developer": "DeepSeekers"}, {"cost_scope": "unknown"}, {"cost_scope": "company_capex"},
        {"claimed_cost_usd": None},
    )  # fmt: skip
    assert {run_id for _, _, run_id, _ in compared(assumptions, trained)} == {"TR0", "TR1"}


def test_rhetoric_with_nothing_nearer_is_left_out(assumptions):
    """An increment alone gives no programme to show beside it, so nothing is compared at all."""
    increment = {"cost_scope": "post_training_run", "claimed_cost_usd": 294_000.0}
    assert compared(assumptions, runs(increment)) == {}


def test_before_the_run_of_the_claim_is_known_nothing_is_compared(assumptions):
    assert compared(assumptions, runs({"model": "Llama", "developer": "Meta"})) == {}
    assert compared(assumptions, mart_frame("training_cost", [])) == {}
    assert compared(assumptions, runs(), mart_frame("capex_quarterly", [])) == {}


def test_unknown_capex_is_null_with_its_reason_and_never_zero(assumptions):
    spent = quarters({"capex_usd": None, "capex_grade": None, "capex_known_on": None, "reasons": [TWO_SERIES]})
    row = compared(assumptions, runs({}, HARDWARE), spent)["MSFT", "2024Q4", "TR0", "final_run_rental"]
    assert (row["equivalents"], row["reasons"], row["grade"]) == (
        None,
        [reason("capex_of_quarter_unknown", because=[TWO_SERIES])],
        "B",
    )


def test_suppliers_and_other_buyers_of_the_panel_are_not_compared(assumptions):
    spent = quarters({}, {"ticker": "NVDA"}, {"ticker": "ORCL"})
    assert {ticker for ticker, *_ in compared(assumptions, runs({}, HARDWARE), spent)} == {"MSFT"}


# ---- The refusal -----------------------------------------------------------------------------------------------------


def ratio(scope: str, comparison: str | None, developer: str = "D", ticker: str = "MSFT", quarter: str = "2024Q4"):
    return {
        "ticker": ticker, "calendar_quarter": quarter, "developer": developer, "cost_scope": scope,
        "comparison": comparison, "capex_usd": 10.0, "cost_usd": 4.0,
    }  # fmt: skip


NEAREST = ratio("hardware_owned", "nearest")


@pytest.mark.parametrize("scope", [scope for scope, label in COMPARISONS.items() if label == "rhetoric"])
@pytest.mark.parametrize("label", [None, "nearest", "same"])
def test_a_ratio_across_rungs_without_its_label_is_refused(scope, label):
    with pytest.raises(ValueError, match=f"capex over {scope} crosses rungs .* its label is 'rhetoric'"):
        equivalents(pl.DataFrame([NEAREST, ratio(scope, label)]))


@pytest.mark.parametrize("label", [None, "rhetoric"])
def test_the_nearest_rung_without_its_label_is_refused(label):
    with pytest.raises(ValueError, match="its label is 'nearest'"):
        equivalents(pl.DataFrame([ratio("research_programme", label)], schema_overrides={"comparison": pl.String}))


@pytest.mark.parametrize("scope", ["unknown", "company_capex"])
@pytest.mark.parametrize("label", ["rhetoric", "nearest"])
def test_a_rung_that_has_no_label_is_refused(scope, label):
    with pytest.raises(ValueError, match="there is no label under which it may be formed"):
        equivalents(pl.DataFrame([NEAREST, ratio(scope, label)]))


@pytest.mark.parametrize("other", [{"ticker": "META"}, {"quarter": "2024Q3"}, {"developer": "E"}])
def test_rhetoric_without_the_nearest_of_its_own_company_quarter_and_developer_is_refused(other):
    rows = pl.DataFrame([ratio("final_run_rental", "rhetoric"), ratio("hardware_owned", "nearest", **other)])
    with pytest.raises(ValueError, match="rhetoric stands alone for MSFT 2024Q4 D"):
        equivalents(rows)


def test_labelled_and_in_company_the_ratio_is_formed():
    rows = equivalents(pl.DataFrame([NEAREST, ratio("final_run_rental", "rhetoric")]))
    assert rows["equivalents"].to_list() == [2.5, 2.5]


def test_every_rung_below_capex_has_a_label_and_words():
    assert [*COMPARISONS] == [scope for scope in SCOPES if scope not in ("company_capex", "unknown")]
    assert set(REMAINING) == set(COMPARISONS)


def test_checks_find_what_they_are_for(assumptions):
    frames = {"capex_quarterly": quarters(), "training_cost": runs({}, HARDWARE)}
    found = capex_vs_training.MART.run(frames, as_of=AS_OF, assumptions=assumptions)
    table = capex_vs_training.TABLE
    assert failing(table, found.filter(pl.col("comparison") == "rhetoric")) == {"rhetoric_never_alone": 1}
    swapped = found.with_columns(comparison=pl.lit("nearest"))
    assert failing(table, swapped) == {"label_of_the_rung": 1}
    assert failing(table, found.with_columns(equivalents=pl.col("equivalents") * 2)) == {"equivalents_is_the_ratio": 2}
    assert failing(table, found.with_columns(equivalents=pl.lit(None, pl.Float64))) == {"unknown_says_why": 2}


# ---- The snapshot ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def snapshot(facts, assumptions) -> dict[str, pl.DataFrame]:
    return build(facts, as_of=AS_OF, assumptions=assumptions, only={"capex_vs_training"})


def test_the_snapshot_shows_a_handful_of_runs_with_the_nearest_beside_them(snapshot, facts):
    """The press's operating cost (TR013) and Amodei's order of magnitude (TR014) are hearsay in the second collection."""
    found = snapshot["capex_vs_training"]
    grades = dict(facts["training_runs"].select("run_id", "grade").iter_rows())
    assert [grades[run] for run in ("TR012", "TR013", "TR014")] == ["C", "D", "D"]
    assert set(found.filter(pl.col("comparison") == "nearest")["run_id"]) == {"TR012"}
    assert {"TR001", "TR009"} <= set(found["run_id"])
    assert found["run_id"].n_unique() < 12
    assert failing(capex_vs_training.TABLE, found) == {}
    assert found["equivalents"].drop_nulls().is_finite().all()


def test_microsofts_last_quarter_of_2024_in_runs_of_v3(snapshot):
    """Its 10-Q of 2025-01-29: half a year 30,727 less first quarter 14,923 million = 15,804 million of purchases."""
    row = snapshot["capex_vs_training"].row(
        by_predicate=(pl.col("ticker") == "MSFT")
        & (pl.col("calendar_quarter") == "2024Q4")
        & (pl.col("run_id") == "TR001"),
        named=True,
    )
    assert row["capex_usd"] == 30_727e6 - 14_923e6
    assert row["equivalents"] == pytest.approx(15_804 / 5.576)


def test_on_the_day_of_the_article_only_an_estimate_was_nearer(facts, assumptions):
    """SemiAnalysis (2025-01-31) and Amodei (2025-01-29) had not written yet."""
    day = date(2025, 1, 28)
    found = build(facts, as_of=day, assumptions=assumptions, only={"capex_vs_training"})["capex_vs_training"]
    assert set(found.select("run_id", "cost_scope", "cost_basis").rows()) == {
        ("TR001", "final_run_rental", "claimed"),
        ("TR001", "research_programme", "derived"),
    }
    assert found["known_on"].max() <= day
    assert failing(capex_vs_training.TABLE, found) == {}


def test_rows_behind_the_traces_give_the_figures_again(snapshot):
    found = snapshot["capex_vs_training"]
    to_cost, to_capex = capex_vs_training.MART.traces
    key = [f"m_{name}" for name in capex_vs_training.TABLE.key]
    capex = behind(to_capex, found, snapshot["capex_quarterly"]).select(*key, "m_equivalents", spent="capex_usd")
    cost = behind(to_cost, found, snapshot["training_cost"]).select(*key, "claimed_cost_usd")
    again = capex.join(cost, on=key)
    assert again.height == found.height
    off = again["spent"] / again["claimed_cost_usd"] / again["m_equivalents"] - 1
    assert off.abs().max() < 1e-12


TRAINED = st.lists(
    st.fixed_dictionaries(
        {
            "developer": st.sampled_from(["DeepSeek", "DeepSeek / High-Flyer", "High-Flyer, DeepSeek", "Meta"]),
            "model": st.sampled_from(["DeepSeek-V3", "R1"]),
            "cost_scope": st.sampled_from(SCOPES),
            "claimed_cost_usd": st.one_of(st.none(), st.floats(1e3, 1e10)),
            "is_component": st.booleans(),
        }
    ),
    max_size=6,
)


@settings(max_examples=examples(0.4))
@given(trained=TRAINED, capex=st.one_of(st.none(), st.integers(0, 10**11)), seed=st.integers(0, 1000))
def test_whatever_is_known_no_rhetoric_stands_alone(trained, capex, seed, assumptions):
    given_runs = runs(*trained) if trained else mart_frame("training_cost", [])
    spent = quarters({"capex_usd": capex}, {"ticker": "META", "capex_usd": 1e9})
    found = compared(assumptions, given_runs, spent)
    mixed = given_runs.sample(fraction=1.0, shuffle=True, seed=seed)
    # The base run lends the developer's name; with the same identifiers any order gives the same rows.
    assert compared(assumptions, mixed, spent.reverse()) == found
    for row in found.values():
        assert row["comparison"] == COMPARISONS[row["cost_scope"]]
        assert row["cost_low_usd"] <= row["cost_usd"] <= row["cost_high_usd"]
        assert (row["equivalents"] is None) == (row["capex_usd"] is None)
