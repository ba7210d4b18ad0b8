"""Q2's answer in words against its figures, and its remedies tried on the simulation."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.built import build
from tests.examples import examples
from tests.marts import made_up
from tests.marts.made_up import frames, mart_frame, verdicts_of
from tests.marts.verdict.plain import faults
from warehouse.assumptions import load
from warehouse.marts.common.reasons import reason
from warehouse.marts.verdict.questions.q2_redundant import SMALLER

FEW = {"draws": 20_000}


def redundant(p05: float, p50: float, p95: float, *reasons: str) -> pl.DataFrame:
    rows = [{**row, "reasons": list(reasons) or None} for row in made_up.simulation(p05, p50, p95)]
    return mart_frame("waste_simulation", rows)


@settings(max_examples=examples(0.2))
@given(
    st.tuples(st.floats(-3, 0.9), st.floats(-3, 0.9), st.floats(-3, 0.9)).map(sorted),
    st.sampled_from([*SMALLER, None]),
    st.floats(0.01, 0.99),
    st.sampled_from(["looks_wasteful", "not_shown_wasteful", None]),
)
def test_sentence_verdict_and_figures_say_the_same(shares, driver, value, turns):
    """Whatever the figures: short plain sentences, and a remedy that changes the verdict by the decision table."""
    rows = [] if driver is None else [
        {"scope": "ALL", "revenue_view": "none", "quantity": "redundant_capex_share", "driver": driver, "central": 0.5,
         "flip_value": value, "variance_share": 0.3, "grade": "C"}
    ]  # fmt: skip
    made = frames(waste_simulation=redundant(*shares), waste_sensitivity=mart_frame("waste_sensitivity", rows))
    row = verdicts_of(made, load())["ALL", "Q2"]
    assert faults(row) == []
    wanted = "looks_wasteful" if shares[1] >= 0.25 else "not_shown_wasteful" if shares[2] < 0.25 else "cannot_tell"
    assert row["verdict"] == wanted
    assert ("call for more" in row["headline"] or "calls for more" in row["headline"]) <= (shares[0] < 0)
    if wanted == "looks_wasteful":
        assert "over the line of 25 %" in row["headline"]


def test_assumptions_before_their_evidence_are_named(assumptions):
    early = [reason("assumption_before_its_evidence", assumption=name, known_from=date(2026, 3, 23)) for name in "ab"]
    said = verdicts_of(frames(waste_simulation=redundant(-0.1, 0.02, 0.1, *early)), assumptions)["ALL", "Q2"]
    assert said["statement"].startswith("Wide ranges stand in for 2 assumptions, whose evidence was not public yet.")
    late = verdicts_of(frames(waste_simulation=redundant(-0.1, 0.02, 0.1)), assumptions)["ALL", "Q2"]
    assert "Wide ranges" not in late["statement"]


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        # As drawn the middle is nothing and the 95th percentile above a quarter.
        ({}, "cannot_tell"),
        # Demand that answers the price one for one leaves nothing redundant.
        ({"elasticity": 1.0}, "not_shown_wasteful"),
        # Without any response and with all computing in training, all but a k-th of it is.
        ({"elasticity": 0.0, "inference_share": {"CC088": [0.0, 0.0], "CC089": [0.0, 0.0]},
          "training_share_readings": {"bottom_up": 0, "inference": 1}}, "looks_wasteful"),
    ],
)  # fmt: skip
def test_the_snapshot_turns_as_the_method_says(changes, wanted, facts, assumptions):
    given_ = assumptions.replaced({**FEW, **changes})
    rows = build(facts, as_of=date(2026, 11, 9), assumptions=given_, only={"verdict"})["verdict"]
    row = rows.filter((pl.col("scope") == "ALL") & (pl.col("question") == "Q2")).row(0, named=True)
    assert row["verdict"] == wanted
    assert row["leaning"] == ("not_shown_wasteful" if wanted == "cannot_tell" else None)


def test_a_remedy_that_is_printed_settles_it_when_tried(facts, assumptions):
    """The elasticity that the answer names: just above it the question has an answer, just below it has none."""
    few = assumptions.replaced(FEW)
    of = build(facts, as_of=date(2026, 11, 9), assumptions=few, only={"verdict", "waste_sensitivity"})
    said = of["verdict"].filter((pl.col("scope") == "ALL") & (pl.col("question") == "Q2"))["would_change"].item()
    flips = of["waste_sensitivity"].filter((pl.col("scope") == "ALL") & (pl.col("quantity") == "redundant_capex_share"))
    value = flips.filter(pl.col("driver") == "elasticity")["flip_value"].item()
    assert f"a price elasticity of demand above {value:.2f}" in said.lower()
    for factor, verdict in ((1.002, "not_shown_wasteful"), (0.998, "cannot_tell")):
        tried = assumptions.replaced({**FEW, "elasticity": value * factor})
        rows = build(facts, as_of=date(2026, 11, 9), assumptions=tried, only={"verdict"})["verdict"]
        found = rows.filter((pl.col("scope") == "ALL") & (pl.col("question") == "Q2"))["verdict"].item()
        assert found == verdict, factor
