"""The simulation against one written otherwise, on odd input, and on the snapshot."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.built import build
from tests.examples import examples
from tests.marts.payback.cases import (
    AS_OF,
    FEW,
    ON,
    POINTS_Q2,
    POINTS_Q3,
    WASTE,
    grown,
    line,
    model,
    nothing_is_nan,
    revenue,
    row,
    run,
    share,
    vintages,
)
from warehouse.marts import all_marts, known
from warehouse.marts.common.reasons import codes, reason


def test_quantiles_agree_with_a_simulation_written_otherwise(assumptions):
    """Plain numpy, another generator and seed: five standard errors of the difference of two medians are allowed."""
    n = 200_000
    rng = np.random.default_rng(7)
    life, rate = rng.triangular(3, 5, 6, n), rng.uniform(0.08, 0.12, n)
    margin, ai = rng.triangular(0.40, 0.55, 0.70, n), rng.triangular(0.4, 0.6, 0.8, n)
    earned = rng.triangular(15e9, 20e9, 30e9, n)
    spent = {date(year, 3 * q - 1, 15): usd / 4 for year, usd in ((2022, 50e9), (2025, 100e9)) for q in range(1, 5)}
    spent |= dict.fromkeys((date(2023, 3 * q - 1, 15) for q in range(1, 5)), 0.0)
    standing, lived, owed = np.zeros(n), np.zeros(n), np.zeros(n)
    for day, usd in spent.items():
        age = (ON - day).days / 365.25
        alive = np.where(age < life, usd, 0.0)
        standing += alive
        lived += alive * (life - age)
        owed += alive * (1 - (1 + rate) ** -(life - age)) / (1 - (1 + rate) ** -life)
    required = standing * ai * (rate / (1 - (1 + rate) ** -life)) / margin
    left, need, cash = lived / standing, owed * ai, margin * earned
    low, high = np.full(n, -0.9), np.full(n, 20.0)
    for _ in range(60):
        middle = (low + high) / 2
        x = np.log1p(middle) - np.log1p(rate)
        short = cash * np.expm1(x * left) / x < need
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    capex = {2022: 50_000_000_000, 2023: 0, 2024: 0, 2025: 100_000_000_000, 2026: 0}
    found = run(
        assumptions,
        WASTE[:1],
        capex_vintages=vintages(capex),
        attributable_revenue=revenue(line("Microsoft", 20e9, low_usd=15e9, high_usd=30e9, has_range=True)),
    )["waste_simulation"]
    for quantity, values in (
        ("coverage", earned / required),
        ("required_revenue_usd", required),
        ("remaining_life_years", left),
        ("standing_capital_usd", need),
        ("breakeven_growth", (low + high) / 2),
    ):
        mine = row(found, scope="MSFT", revenue_view="infrastructure", bound="point", quantity=quantity)
        for name, p in (("p05", 0.05), ("p50", 0.5), ("p95", 0.95)):
            error = 5 * mine["p50_standard_error"] * 2
            assert mine[name] == pytest.approx(np.quantile(values, p), abs=error), (quantity, name)
        assert mine["mean"] == pytest.approx(values.mean(), rel=5e-3)


def test_twice_the_draws_halve_the_squared_error(assumptions):
    """Over 200 seeds, against the median of half a million draws; the error that the mart states is the one seen."""
    asked = model(assumptions)
    truth = np.median(asked.simulate(99, 500_000)["coverage"])

    def squared(draws: int) -> float:
        return float(np.mean([(np.median(asked.simulate(s, draws)["coverage"]) - truth) ** 2 for s in range(200)]))

    few, many = squared(2000), squared(4000)
    assert 1.5 < few / many < 2.7
    stated = [
        row(run(assumptions.replaced({"draws": 4000, "seed": seed}), WASTE[:1])["waste_simulation"],
            scope="MSFT", revenue_view="infrastructure", bound="point", quantity="coverage")["p50_standard_error"]
        for seed in range(10)
    ]  # fmt: skip
    assert np.mean(stated) == pytest.approx(np.sqrt(many), rel=0.25)


def test_companies_differ_by_their_facts_and_not_by_luck(assumptions):
    """The same facts under another ticker give the same figures, and Q2 is every scope's."""
    spent: dict[int, int | None] = {2024: 40_000_000_000, 2025: 100_000_000_000}
    both = pl.concat([vintages(spent), vintages(spent, "AMZN")])
    earned = pl.concat([grown(), grown(scope="AMZN", entity="Amazon AWS")])
    found = run(assumptions.replaced(FEW), capex_vintages=both, attributable_revenue=earned)["waste_simulation"]
    of = {
        scope: found.filter(pl.col("scope") == scope).drop("scope", "reasons", "reason") for scope in ("MSFT", "AMZN")
    }
    assert of["MSFT"].equals(of["AMZN"])


AT = {"scope": "MSFT", "revenue_view": "infrastructure", "bound": "point"}


def test_assumptions_that_make_coverage_infinite(assumptions):
    """Nothing spent on AI: nothing is required, so there is no coverage and every growth breaks even."""
    found = run(assumptions.replaced({"ai_share": 0, **FEW}))
    nothing_is_nan(found)
    coverage = row(found["waste_simulation"], **AT, quantity="coverage")
    assert coverage["p50"] is None
    assert "endless_draws" in codes(coverage["reasons"])
    growth = row(found["waste_simulation"], **AT, quantity="breakeven_growth")
    assert (growth["p50"], "outside_of_growth" in codes(growth["reasons"])) == (None, True)
    assert row(found["waste_probabilities"], **AT, event="breakeven_within_lowest_growth")["probability"] == 1


def test_a_life_that_is_over_for_every_vintage(assumptions):
    found = run(
        assumptions.replaced({"life": 0.5, **FEW}), capex_vintages=vintages({2023: 1, 2024: 1, 2025: 0, 2026: 0})
    )
    nothing_is_nan(found)
    assert row(found["waste_simulation"], **AT, quantity="required_revenue_usd")["p95"] == 0
    assert row(found["waste_simulation"], **AT, quantity="remaining_life_years")["p95"] == 0


def test_no_growth_reaches_what_next_to_no_revenue_needs(assumptions):
    found = run(assumptions.replaced(FEW), attributable_revenue=grown(1e6, 5e5))
    nothing_is_nan(found)
    growth = row(found["waste_simulation"], **AT, quantity="breakeven_growth")
    assert growth["p50"] is None
    assert "outside_of_growth" in codes(growth["reasons"])
    assert row(found["waste_probabilities"], **AT, event="breakeven_beyond_highest_growth")["probability"] == 1


@pytest.mark.parametrize(
    ("lines", "code"), [(revenue(line("Microsoft", 0.0)), "revenue_zero"), (revenue(), "no_ai_revenue")]
)
def test_revenue_of_nothing_or_unknown_gives_no_figure(lines, code, assumptions):
    found = run(assumptions.replaced(FEW), attributable_revenue=lines)
    nothing_is_nan(found)
    for quantity in ("attributable_revenue_usd", "coverage", "breakeven_growth", "marginal_coverage"):
        figure = row(found["waste_simulation"], **AT, quantity=quantity)
        assert figure["p50"] is None
        assert codes(figure["reasons"])[0] == code
    assert row(found["waste_simulation"], **AT, quantity="required_revenue_usd")["p50"] > 0
    assert row(found["waste_probabilities"], **AT, event="falls_short")["probability"] is None


def test_no_capex(assumptions):
    none = run(assumptions.replaced(FEW), capex_vintages=vintages({2024: None, 2025: None}))
    nothing_is_nan(none)
    found = row(none["waste_simulation"], **AT, quantity="required_revenue_usd")
    assert (found["p50"], found["reasons"]) == (None, [reason("no_capex", scope="MSFT")])


def test_what_decides_is_the_same_when_only_that_is_asked_for(assumptions):
    """The timeline asks for less: the figures that a verdict rests on are those of a whole run."""
    whole = run(assumptions.replaced(FEW))
    less = run(assumptions.replaced({**FEW, "detail": "deciding"}))
    assert less["waste_probabilities"].equals(whole["waste_probabilities"])
    deciding = pl.col("quantity").is_in(
        ["redundant_capex_share", "breakeven_growth"]
    )  # and what an answer states beside
    for name, left_out in (("waste_simulation", "p50_standard_error"), ("waste_sensitivity", "flip_value")):
        columns = [
            c
            for c in whole[name].columns
            if c not in (left_out, "turns", "reasons", "reason") and "quantity_at" not in c
        ]
        assert less[name].filter(deciding).select(columns).equals(whole[name].filter(deciding).select(columns))


def test_lower_bounds_decide_nothing(assumptions):
    because = [reason("year_is_not_over")]
    found = run(assumptions.replaced(FEW), training_share=share(is_lower_bound=True, reasons=because))
    share_row = row(found["waste_simulation"], scope="ALL", revenue_view="none", quantity="redundant_capex_share")
    assert share_row["p50"] is None
    no_year = reason("no_year_of_training", year=2025, because=because)
    assert share_row["reasons"] == [reason("no_reading_of_training", because=[no_year])]


def test_nothing_known_at_all(assumptions):
    found = build({}, as_of=AS_OF, assumptions=assumptions.replaced(FEW), only=set(WASTE))
    nothing_is_nan({name: found[name] for name in WASTE})
    assert found["waste_simulation"]["p50"].null_count() == found["waste_simulation"].height
    assert found["waste_sensitivity"].is_empty()


@settings(max_examples=examples(0.3))
@given(data=st.data())
def test_no_assumption_within_its_range_makes_a_nan(data, assumptions):
    names = data.draw(st.lists(st.sampled_from([*POINTS_Q3, *POINTS_Q2, "attributable_revenue"]), unique=True))
    changes: dict[str, Any] = {}
    for name in names:
        low, high = assumptions[name]["minimum"], assumptions[name]["maximum"]
        changes[name] = data.draw(st.sampled_from([low, high]) | st.floats(low, high))
    nothing_is_nan(run(assumptions.replaced({**changes, "draws": 1000, "detail": "deciding"})))


@pytest.fixture(scope="module")
def built(facts, assumptions) -> dict[str, pl.DataFrame]:
    as_of = date(2026, 11, 9)
    wanted = {*WASTE, "glut_signals"}
    return {**known(facts, as_of), **build(facts, as_of=as_of, assumptions=assumptions, only=wanted)}


def test_snapshot_passes_the_declared_checks(built):
    duckdb = pytest.importorskip("duckdb")
    nothing_is_nan({name: built[name] for name in WASTE})
    for name in WASTE:
        with duckdb.connect() as con:
            con.register("checked", built[name].to_arrow())
            for check in all_marts()[name].table.checks:
                assert con.sql(check.unexpected.format(table="checked")).fetchall() == [], (name, check.name)


@pytest.mark.parametrize(
    ("change", "quantity", "view", "direction"),
    [
        ({"life": 3}, "required_revenue_usd", "infrastructure", 1),
        ({"discount_rate": 0.15}, "coverage", "infrastructure", -1),
        ({"cash_margin": 0.8}, "coverage", "infrastructure", 1),
        ({"ai_share": 0.9}, "coverage", "infrastructure", -1),
        ({"attributable_revenue": 2}, "coverage", "infrastructure", 1),
        ({"attributable_revenue": 2}, "breakeven_growth", "infrastructure", -1),
        ({"life": 3}, "breakeven_growth", "infrastructure", 1),
        ({"include_finance_leases": 0}, "required_revenue_usd", "infrastructure", -1),
        ({"lag_quarters": 4}, "marginal_coverage", "infrastructure", 1),
        ({"elasticity": 0.5}, "redundant_capex_share", "none", 1),
        ({"elasticity": 1.5}, "redundant_capex_share", "none", -1),
        ({"fleet": 2.0}, "training_share", "none", -1),
        ({"share_final": 0.1}, "training_share_with_experiments", "none", 1),
        ({"utilisation": 0.2}, "training_share", "none", 1),
        ({"efficiency_gain": 20}, "redundant_capex_share_gross", "none", 1),
        ({"undisclosed_gross_up": 1.0}, "training_share", "none", -1),
    ],
)
def test_a_what_if_moves_the_snapshots_answer_as_economics_says(change, quantity, view, direction, built, assumptions):
    mart = all_marts()["waste_simulation"]
    changed = mart.run(built, as_of=date(2026, 11, 9), assumptions=assumptions.replaced(change))
    at = {"scope": "MSFT", "revenue_view": view, "bound": "point", "quantity": quantity}
    before, after = row(built["waste_simulation"], **at)["p50"], row(changed, **at)["p50"]
    assert np.sign(after - before) == direction
