"""Closed forms, independent implementations, and that the answer moves as economics says; then odd input and reach."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tests.conftest import with_provenance
from tests.marts import made_up
from tests.marts.made_up import mart_frame
from warehouse.assumptions import Assumptions, Distribution
from warehouse.marts import all_marts, build, known
from warehouse.marts.payback import waste, waste_sensitivity
from warehouse.marts.payback.waste_sensitivity import turning_values
from warehouse.tables import CORE

AS_OF = date(2026, 7, 1)  # a vintage of 2025 is 365 days old on it
WASTE = ("waste_simulation", "waste_probabilities", "waste_sensitivity")
PAY = waste.PAY_QUANTITIES
FEW = {"draws": 2000}
POINTS_Q3 = {"life": 5, "discount_rate": 0.1, "cash_margin": 0.5, "ai_share": 0.6, "growth": 0.5}
POINTS_Q2 = {"share_final": 0.2, "utilisation": 0.4, "undisclosed_gross_up": 2.0, "efficiency_gain": 4.0,
             "elasticity": 0.0, "fleet": 1.0}  # fmt: skip


# ---- Made-up inputs --------------------------------------------------------------------------------------------------


def share(flop: float = 1e27, low: float = 10e6, high: float = 10e6, **row: Any) -> pl.DataFrame:
    usual = {"year": 2025, "models_known": 10, "models_disclosed": 5, "disclosure_rate": 0.5, "training_flop": flop,
             "training_flop_added": flop, "fleet_h100_low": low, "fleet_h100_high": high, "fleet_facts": "CC001",
             "training_share": 0.01, "is_lower_bound": False, "known_on": made_up.KNOWN, "grade": "C"}  # fmt: skip
    return mart_frame("training_share", [usual | row])


def vintages(capex: dict[int, int | None], ticker: str = "MSFT", leases: int | None = None) -> pl.DataFrame:
    rows = [
        {"ticker": ticker, "year": year, "capex_usd": usd, "finance_lease_principal_usd": leases, "quarters_known": 4,
         "is_running": False, "known_on": made_up.KNOWN, "grade": "A", "reason": "unknown" if usd is None else None}
        for year, usd in capex.items()
    ]  # fmt: skip
    return mart_frame("capex_vintages", rows)


def revenue(*lines: tuple[str, float | None, float, float | None], scope="MSFT", lower=False) -> pl.DataFrame:
    """Counted lines (entity, low, value, high); a low and high of None is a fact without a range."""
    rows = [
        {"scope": scope, "revenue_view": "infrastructure", "entity": entity, "evidence_id": f"CC{i:03}",
         "metric": "ai_run_rate", "as_of_date": date(2026, 1, i + 1), "low_usd": value if low is None else low,
         "value_usd": value, "high_usd": value if high is None else high, "has_range": low is not None,
         "counted": True, "is_lower_bound": lower, "known_on": made_up.KNOWN, "grade": "C"}
        for i, (entity, low, value, high) in enumerate(lines)
    ]  # fmt: skip
    return mart_frame("attributable_revenue", rows)


def evidence() -> pl.DataFrame:
    return CORE["evidence"].empty()


def inputs(**changed: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """What the waste marts read: 100 billion dollars spent in 2025 by Microsoft, 20 billion a year earned."""
    usual = {
        "training_share": share(),
        "capex_vintages": vintages({2025: 100_000_000_000}),
        "attributable_revenue": revenue(("Microsoft", None, 20e9, None)),
        "glut_signals": made_up.glut({}),
        "evidence": evidence(),
    }
    return usual | changed


def model(assumptions: Assumptions, scope: str = "MSFT", view: str = "infrastructure", **changed) -> waste.Model:
    frames = {name: frame for name, frame in inputs(**changed).items() if name != "glut_signals"}
    models = waste.models(**frames, as_of=AS_OF, assumptions=assumptions)
    return next(m for m in models if (m.scope, m.view) == (scope, view))


def run(assumptions: Assumptions, only: tuple[str, ...] = WASTE, **changed: pl.DataFrame) -> dict[str, pl.DataFrame]:
    frames = inputs(**changed)
    return {name: all_marts()[name].run(frames, as_of=AS_OF, assumptions=assumptions) for name in only}


def row(frame: pl.DataFrame, **key: Any) -> dict[str, Any]:
    return frame.filter(*(pl.col(name) == value for name, value in key.items())).row(0, named=True)


# ---- Closed forms ----------------------------------------------------------------------------------------------------


def test_capital_recovery_of_tables():
    """0.14903 and 0.26380 are printed in tables of the capital recovery factor (8 %, 10 years; 10 %, 5 years)."""
    assert waste.capital_recovery(0.08, 10) == pytest.approx(0.14902949, rel=1e-7)
    assert waste.capital_recovery(0.10, 5) == pytest.approx(0.26379748, rel=1e-7)
    assert waste.capital_recovery(0.0, 4) == 0.25
    np.testing.assert_allclose(waste.capital_recovery(np.array([0.0, 0.1]), 5), [0.2, 0.26379748], rtol=1e-7)


@settings(deadline=None)
@given(st.floats(0, 1), st.integers(1, 40))
def test_what_capital_recovery_returns_is_worth_what_was_spent(rate, years):
    paid = waste.capital_recovery(rate, years)
    assert sum(paid / (1 + rate) ** t for t in range(1, years + 1)) == pytest.approx(1, rel=1e-9)


@settings(deadline=None)
@given(st.floats(1e-12, 1e-6), st.floats(0.5, 40))
def test_capital_recovery_is_steady_next_to_no_interest(rate, life):
    assert waste.capital_recovery(rate, life) == pytest.approx(1 / life, rel=1e-4)


@pytest.mark.parametrize(
    ("drawn", "independent"),
    [
        (Distribution("uniform", (0.1, 0.3)), stats.uniform(0.1, 0.2)),
        (Distribution("triangular", (3, 5, 11)), stats.triang(0.25, 3, 8)),
        (Distribution("triangular", (3, 3, 11)), stats.triang(0, 3, 8)),
        (Distribution("triangular", (3, 11, 11)), stats.triang(1, 3, 8)),
        (Distribution("normal", (1.0, 0.2)), stats.norm(1.0, 0.2)),
    ],
)
def test_quantiles_are_scipys(drawn, independent):
    u = np.linspace(0.0005, 0.9995, 1000)
    np.testing.assert_allclose(waste.quantile(drawn, u), independent.ppf(u), rtol=1e-9)


def test_quantiles_of_what_does_not_vary():
    u = np.array([0.0, 0.5, 0.999])
    assert waste.quantile(Distribution("point", (7.0,)), u).tolist() == [7.0] * 3
    assert waste.quantile(Distribution("triangular", (2.0, 2.0, 2.0)), u).tolist() == [2.0] * 3
    assert waste.quantile(Distribution("uniform", (2.0, 2.0)), u).tolist() == [2.0] * 3
    assert waste.quantile(Distribution("normal", (2.0, 0.0)), np.array([0.1, 0.9])).tolist() == [2.0] * 2


def test_redundancy_by_hand():
    """A million H100 at 40 % do 1.248e28 operations a year; 1e27 of training are 8 %, with experiments 40 %."""
    values = {"fleet": 1e6, "utilisation": 0.4, "share_final": 0.2, "undisclosed_gross_up": 1.0,
              "efficiency_gain": 4.0, "elasticity": 0.5}  # fmt: skip
    found = waste.redundancy(values, 1e27)
    one = 1e27 / (1e6 * 989.4e12 * 0.4 * 31_536_000)
    assert found["training_share"] == pytest.approx(one)
    assert found["training_share_with_experiments"] == pytest.approx(one * 5)
    assert found["redundant_capex_share_gross"] == pytest.approx(one * 5 * 0.75)
    assert found["redundant_capex_share"] == pytest.approx(one * 5 * 0.5)  # 1 - 4 ** -0.5
    assert waste.redundancy(values, 1e29)["training_share_with_experiments"] == 1.0


@pytest.mark.parametrize(("elasticity", "sign"), [(0.0, 1), (0.9, 1), (1.0, 0), (1.1, -1), (2.0, -1)])
def test_break_even_elasticity_is_one(elasticity, sign):
    """Above one cheaper training calls for more capex: the redundant share is negative (method 4.5)."""
    values = {"fleet": 1e6, "utilisation": 0.4, "share_final": 0.2, "undisclosed_gross_up": 1.0,
              "efficiency_gain": 5.0, "elasticity": elasticity}  # fmt: skip
    found = waste.redundancy(values, 1e27)
    assert np.sign(found["redundant_capex_share"]) == sign
    if elasticity == 0:
        assert found["redundant_capex_share"] == pytest.approx(found["redundant_capex_share_gross"])


def test_payback_by_hand():
    """Two vintages of 100 and 200, one and three years old, a life of 5: 2.67 years left on average."""
    values = {"life": 5.0, "discount_rate": 0.1, "cash_margin": 0.5, "ai_share": 0.6, "attributable_revenue": 40.0,
              "growth": 1.0}  # fmt: skip
    found = waste.payback(values, (200.0, 100.0), (3.0, 1.0))
    required = 300 * 0.6 * 0.2637974808 / 0.5
    assert found["required_revenue_usd"] == pytest.approx(required)
    assert found["remaining_life_years"] == pytest.approx((200 * 2 + 100 * 4) / 300)
    assert found["coverage"] == pytest.approx(40 / required)
    assert found["years_to_cover"] == pytest.approx(np.log2(required / 40))  # revenue doubles each year


def test_a_vintage_without_life_left_drops_out():
    values = {"life": 3.0, "discount_rate": 0.0, "cash_margin": 1.0, "ai_share": 1.0, "attributable_revenue": 10.0,
              "growth": 0.5}  # fmt: skip
    found = waste.payback(values, (200.0, 90.0), (3.0, 1.0))
    assert found["required_revenue_usd"] == pytest.approx(30.0)
    assert found["remaining_life_years"] == pytest.approx(2.0)
    gone = waste.payback(values, (200.0,), (3.0,))
    assert (gone["required_revenue_usd"], gone["remaining_life_years"], gone["years_to_cover"]) == (0.0, 0.0, 0.0)
    assert np.isinf(gone["coverage"])


@pytest.mark.parametrize(
    ("revenue_usd", "growth", "years"),
    [
        (30.0, 0.5, 0.0),
        (31.0, -1.0, 0.0),
        (20.0, 0.5, 1.0),
        (20.0, 0.0, np.inf),
        (20.0, -1.0, np.inf),
        (0, 0.5, np.inf),
    ],
)
def test_years_to_cover_at_its_edges(revenue_usd, growth, years):
    """Covered already takes none, without growth or revenue it takes for ever; 30 are required."""
    values = {"life": 3.0, "discount_rate": 0.0, "cash_margin": 1.0, "ai_share": 1.0,
              "attributable_revenue": revenue_usd, "growth": growth}  # fmt: skip
    assert waste.payback(values, (90.0,), (1.0,))["years_to_cover"] == pytest.approx(years)


# ---- It moves as economics says --------------------------------------------------------------------------------------

positive = st.floats(0.01, 1.0)
ages = st.lists(st.floats(0, 8), min_size=1, max_size=5)


@st.composite
def pay_values(draw) -> tuple[dict[str, float], list[float], list[float]]:
    vintage_ages = draw(ages)
    values = {
        "life": draw(st.floats(0.5, 10)),
        "discount_rate": draw(st.floats(0, 0.5)),
        "cash_margin": draw(positive),
        "ai_share": draw(positive),
        "attributable_revenue": draw(st.floats(0, 1e3)),
        "growth": draw(st.floats(-0.9, 3)),
    }
    return values, [draw(st.floats(1, 1e3)) for _ in vintage_ages], vintage_ages


def not_above(left: Any, right: Any) -> bool:
    return bool(left <= right or np.isclose(left, right, rtol=1e-9, atol=1e-12))


@settings(deadline=None)
@given(pay_values(), st.floats(1, 5))
def test_more_of_each_driver_of_q3(drawn, factor):
    values, capex, vintage_ages = drawn
    before = waste.payback(values, capex, vintage_ages)

    def with_(name: str) -> dict[str, Any]:
        return waste.payback({**values, name: values[name] * factor}, capex, vintage_ages)

    richer = with_("attributable_revenue")
    assert not_above(before["coverage"], richer["coverage"])
    assert not_above(richer["years_to_cover"], before["years_to_cover"])
    for dearer in ("discount_rate", "ai_share"):
        found = with_(dearer)
        assert not_above(before["required_revenue_usd"], found["required_revenue_usd"])
        assert not_above(found["coverage"], before["coverage"])
        assert not_above(before["years_to_cover"], found["years_to_cover"])
    assert not_above(with_("cash_margin")["required_revenue_usd"], before["required_revenue_usd"])
    if values["growth"] > 0:
        assert not_above(with_("growth")["years_to_cover"], before["years_to_cover"])
    more = waste.payback(values, [usd * factor for usd in capex], vintage_ages)
    assert more["required_revenue_usd"] == pytest.approx(factor * before["required_revenue_usd"])
    assert more["remaining_life_years"] == pytest.approx(before["remaining_life_years"])


@settings(deadline=None)
@given(pay_values(), st.floats(1, 5))
def test_a_longer_life_asks_for_less_while_the_same_vintages_stand(drawn, factor):
    """Where a longer life brings an old vintage back, it may ask for more: that vintage has to be paid for again."""
    values, capex, vintage_ages = drawn
    longer = {**values, "life": values["life"] * factor}
    standing = [min(age, values["life"] * 0.99) for age in vintage_ages]
    before, after = (waste.payback(v, capex, standing) for v in (values, longer))
    assert not_above(after["required_revenue_usd"], before["required_revenue_usd"])
    assert not_above(before["coverage"], after["coverage"])
    assert not_above(before["remaining_life_years"], after["remaining_life_years"])


@settings(deadline=None)
@given(
    st.fixed_dictionaries(
        {"fleet": st.floats(1e5, 1e8), "utilisation": positive, "share_final": positive,
         "undisclosed_gross_up": st.floats(1, 5), "efficiency_gain": st.floats(1.01, 100),
         "elasticity": st.floats(0, 3)}
    ),
    st.floats(1, 5),
)  # fmt: skip
def test_more_of_each_driver_of_q2(values, factor):
    before = waste.redundancy(values, 1e27)

    def with_(name: str) -> dict[str, Any]:
        return waste.redundancy({**values, name: values[name] * factor}, 1e27)

    for larger in ("fleet", "utilisation"):
        assert not_above(with_(larger)["training_share"], before["training_share"])
        assert not_above(with_(larger)["redundant_capex_share_gross"], before["redundant_capex_share_gross"])
    assert not_above(before["training_share"], with_("undisclosed_gross_up")["training_share"])
    final = with_("share_final")
    assert not_above(final["training_share_with_experiments"], before["training_share_with_experiments"])
    assert final["training_share"] == before["training_share"]
    assert not_above(with_("elasticity")["redundant_capex_share"], before["redundant_capex_share"])
    gain = with_("efficiency_gain")
    assert not_above(before["redundant_capex_share_gross"], gain["redundant_capex_share_gross"])
    if values["elasticity"] <= 1:
        assert not_above(before["redundant_capex_share"], gain["redundant_capex_share"])
    else:
        assert not_above(gain["redundant_capex_share"], before["redundant_capex_share"])


# ---- Draws -----------------------------------------------------------------------------------------------------------


def test_draws_depend_on_seed_and_name_alone():
    first = waste.uniforms(1, "life", 1000).copy()
    waste.uniforms.cache_clear()
    assert (waste.uniforms(1, "life", 1000) == first).all()
    assert (waste.uniforms(1, "growth", 1000) != first).all()
    assert (waste.uniforms(2, "life", 1000) != first).all()
    assert abs(stats.spearmanr(first, waste.uniforms(1, "growth", 1000)).statistic) < 0.1
    assert stats.kstest(waste.uniforms(1, "life", 100_000), "uniform").pvalue > 0.01


def test_quantiles_agree_with_a_simulation_written_otherwise(assumptions):
    """Plain numpy, another generator and seed: five standard errors of the difference of two medians are allowed."""
    n = 200_000
    rng = np.random.default_rng(7)
    life, rate = rng.triangular(3, 5, 6, n), rng.uniform(0.08, 0.12, n)
    margin, ai = rng.triangular(0.40, 0.55, 0.70, n), rng.triangular(0.4, 0.6, 0.8, n)
    earned = rng.triangular(15e9, 20e9, 30e9, n)
    age_2025, age_2023 = 365 / 365.25, (AS_OF - date(2023, 7, 1)).days / 365.25
    standing = 100e9 + np.where(age_2023 < life, 50e9, 0)
    required = standing * ai * (rate / (1 - (1 + rate) ** -life)) / margin
    coverage = earned / required
    left = (100e9 * (life - age_2025) + np.where(age_2023 < life, 50e9 * (life - age_2023), 0)) / standing
    found = run(
        assumptions,
        WASTE[:1],
        capex_vintages=vintages({2023: 50_000_000_000, 2025: 100_000_000_000}),
        attributable_revenue=revenue(("Microsoft", 15e9, 20e9, 30e9)),
    )["waste_simulation"]
    for quantity, values in (
        ("coverage", coverage),
        ("required_revenue_usd", required),
        ("remaining_life_years", left),
    ):
        mine = row(found, scope="MSFT", revenue_view="infrastructure", quantity=quantity)
        for name, p in (("p05", 0.05), ("p50", 0.5), ("p95", 0.95)):
            error = 5 * mine["p50_standard_error"] * 2
            assert mine[name] == pytest.approx(np.quantile(values, p), abs=error), (quantity, name)
        assert mine["mean"] == pytest.approx(values.mean(), rel=3e-3)


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
            scope="MSFT", revenue_view="infrastructure", quantity="coverage")["p50_standard_error"]
        for seed in range(10)
    ]  # fmt: skip
    assert np.mean(stated) == pytest.approx(np.sqrt(many), rel=0.25)


def test_companies_differ_by_their_facts_and_not_by_luck(assumptions):
    """The same facts under another ticker give the same figures, and Q2 is every scope's."""
    both = pl.concat([vintages({2025: 100_000_000_000}), vintages({2025: 100_000_000_000}, "AMZN")])
    earned = pl.concat(
        [revenue(("Microsoft", None, 20e9, None)), revenue(("Amazon AWS", None, 20e9, None), scope="AMZN")]
    )
    found = run(assumptions.replaced(FEW), capex_vintages=both, attributable_revenue=earned)["waste_simulation"]
    of = {scope: found.filter(pl.col("scope") == scope).drop("scope") for scope in ("MSFT", "AMZN")}
    assert of["MSFT"].equals(of["AMZN"])


def test_revenue_is_a_sum_over_entities(assumptions):
    """Triangular with a range, else the span of the facts known last; entities are drawn apart."""
    lines = revenue(("Microsoft", 10e9, 20e9, 30e9), ("Amazon AWS", None, 5e9, None))
    (driver,) = (d for d in model(assumptions, attributable_revenue=lines).drivers if d.name == "attributable_revenue")
    assert (driver.low, driver.central, driver.high) == (15e9, 25e9, 35e9)
    assert driver.facts == ("CC001", "CC000")
    tenfold = model(assumptions.replaced({"attributable_revenue": 10}), attributable_revenue=lines)
    assert next(d for d in tenfold.drivers if d.name == "attributable_revenue").central == 250e9


# ---- Bad input: a stated reason, never a NaN that travels --------------------------------------------------------------


def nothing_is_nan(frames: dict[str, pl.DataFrame]) -> None:
    for name, frame in frames.items():
        for column in frame.select(pl.col(pl.Float64)).columns:
            assert frame[column].is_finite().fill_null(True).all(), (name, column)
    simulated = frames["waste_simulation"]
    assert simulated.filter(pl.col("p50").is_null() & pl.col("reason").is_null()).is_empty()


def test_assumptions_that_make_coverage_infinite(assumptions):
    """Nothing spent on AI: nothing is required, so it is covered at once and the row says why there is no figure."""
    found = run(assumptions.replaced({"ai_share": 0, **FEW}))
    nothing_is_nan(found)
    coverage = row(found["waste_simulation"], scope="MSFT", revenue_view="infrastructure", quantity="coverage")
    assert coverage["p50"] is None
    assert "no finite value" in coverage["reason"]
    at = {"scope": "MSFT", "revenue_view": "infrastructure"}
    events = found["waste_probabilities"]
    assert row(events, **at, event="coverage_below_threshold")["probability"] == 0
    assert row(events, **at, event="years_within_share_of_life")["probability"] == 1


def test_a_life_that_is_over_for_every_vintage(assumptions):
    found = run(assumptions.replaced({"life": 0.5, **FEW}))
    nothing_is_nan(found)
    at = {"scope": "MSFT", "revenue_view": "infrastructure"}
    assert row(found["waste_simulation"], **at, quantity="required_revenue_usd")["p95"] == 0
    assert row(found["waste_simulation"], **at, quantity="remaining_life_years")["p95"] == 0


def test_zero_revenue_is_a_figure_and_unknown_revenue_is_none(assumptions):
    few = assumptions.replaced(FEW)
    at = {"scope": "MSFT", "revenue_view": "infrastructure"}
    zero = run(few, attributable_revenue=revenue(("Microsoft", None, 0.0, None)))
    nothing_is_nan(zero)
    assert row(zero["waste_simulation"], **at, quantity="coverage")["p50"] == 0
    assert row(zero["waste_probabilities"], **at, event="years_exceed_share_of_life")["probability"] == 1
    assert "no finite value" in row(zero["waste_simulation"], **at, quantity="years_to_cover")["reason"]
    unknown = run(few, attributable_revenue=revenue())
    nothing_is_nan(unknown)
    for quantity in ("attributable_revenue_usd", "coverage", "years_to_cover"):
        found = row(unknown["waste_simulation"], **at, quantity=quantity)
        assert found["p50"] is None
        assert found["reason"] == "no attributable AI revenue of MSFT is known (infrastructure view)"
    assert row(unknown["waste_simulation"], **at, quantity="required_revenue_usd")["p50"] > 0
    assert row(unknown["waste_probabilities"], **at, event="coverage_below_threshold")["probability"] is None


def test_no_capex_and_a_year_left_out(assumptions):
    few = assumptions.replaced(FEW)
    none = run(few, capex_vintages=vintages({2024: None, 2025: None}))
    nothing_is_nan(none)
    found = row(none["waste_simulation"], scope="MSFT", revenue_view="infrastructure", quantity="required_revenue_usd")
    assert (found["p50"], found["reason"]) == (None, "no capex of MSFT is known")
    some = run(few, capex_vintages=vintages({2024: None, 2025: 100_000_000_000}))
    at = {"scope": "MSFT", "revenue_view": "infrastructure"}
    assert "MSFT 2024" in row(some["waste_simulation"], **at, quantity="coverage")["reason"]


def test_finance_leases_count_where_asked_for_and_unknown_ones_are_named(assumptions):
    """A lease that is not known is no lease of nothing: the row says whose is missing."""
    with_leases = assumptions.replaced({"include_finance_leases": 1, "draws": 2000})
    both = pl.concat(
        [vintages({2025: 100_000_000_000}, leases=20_000_000_000), vintages({2025: 50_000_000_000}, "AMZN")]
    )
    assert model(with_leases, capex_vintages=both).capex_usd == (120e9,)
    assert model(assumptions, capex_vintages=both).capex_usd == (100e9,)
    group = model(with_leases, "ALL", capex_vintages=both)
    assert group.capex_usd == (170e9,)
    assert group.note == "without finance leases, as these are unknown: AMZN 2025"
    assert model(with_leases, capex_vintages=both).note is None


def test_models_are_kept_for_the_same_frames_only(assumptions):
    frames = {name: frame for name, frame in inputs().items() if name != "glut_signals"}
    first = waste.models(**frames, as_of=AS_OF, assumptions=assumptions)
    assert waste.models(**frames, as_of=AS_OF, assumptions=assumptions) is first
    frames["capex_vintages"] = vintages({2025: 1_000_000_000})
    assert waste.models(**frames, as_of=AS_OF, assumptions=assumptions)[-1] is not first[-1]
    dearer = assumptions.replaced({"discount_rate": 0.2})
    assert waste.models(**frames, as_of=AS_OF, assumptions=dearer)[1].drivers != first[1].drivers


def test_what_decides_is_the_same_when_only_that_is_asked_for(assumptions):
    """The timeline asks for less: the figures that a verdict rests on are those of a whole run."""
    whole = run(assumptions.replaced(FEW))
    less = run(assumptions.replaced({**FEW, "detail": "deciding"}))
    assert less["waste_probabilities"].equals(whole["waste_probabilities"])
    deciding = pl.col("quantity").is_in(["redundant_capex_share", "coverage"])
    for name, left_out in (("waste_simulation", "p50_standard_error"), ("waste_sensitivity", "flip_value")):
        columns = [c for c in whole[name].columns if c not in (left_out, "reason") and "quantity_at" not in c]
        assert less[name].filter(deciding).select(columns).equals(whole[name].filter(deciding).select(columns))


@given(st.lists(st.floats(-1e3, 1e3) | st.sampled_from([0.0, 1.0, np.inf]), min_size=2, max_size=30))
def test_ranks_are_scipys_also_where_values_are_equal(values):
    found = waste_sensitivity._ranks(np.array(values))
    ranks = stats.rankdata(values)
    wanted = ranks - ranks.mean()
    length = np.sqrt(wanted @ wanted)
    np.testing.assert_allclose(found, wanted / length if length else np.zeros(len(values)), atol=1e-12)


def test_lower_bounds_decide_nothing(assumptions):
    found = run(assumptions.replaced(FEW), training_share=share(is_lower_bound=True, reason="a lower bound: not over"))
    share_row = row(found["waste_simulation"], scope="ALL", revenue_view="none", quantity="redundant_capex_share")
    assert share_row["p50"] is None
    assert "a lower bound: not over" in share_row["reason"]
    lower = run(assumptions.replaced(FEW), attributable_revenue=revenue(("Microsoft", None, 1e9, None), lower=True))
    at = {"scope": "MSFT", "revenue_view": "infrastructure", "quantity": "coverage"}
    assert "lower bound" in row(lower["waste_simulation"], **at)["reason"]


def test_nothing_known_at_all(assumptions):
    found = build({}, as_of=AS_OF, assumptions=assumptions.replaced(FEW), only=set(WASTE))
    nothing_is_nan({name: found[name] for name in WASTE})
    assert found["waste_simulation"]["p50"].null_count() == found["waste_simulation"].height
    assert found["waste_sensitivity"].is_empty()


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_no_assumption_within_its_range_makes_a_nan(data, assumptions):
    names = data.draw(st.lists(st.sampled_from([*POINTS_Q3, *POINTS_Q2, "attributable_revenue"]), unique=True))
    changes: dict[str, Any] = {}
    for name in names:
        low, high = assumptions[name]["minimum"], assumptions[name]["maximum"]
        changes[name] = data.draw(st.sampled_from([low, high]) | st.floats(low, high))
    nothing_is_nan(run(assumptions.replaced({**changes, "draws": 1000, "detail": "deciding"})))


# ---- Sensitivity and turning values ------------------------------------------------------------------------------------


def test_rank_correlations_are_scipys(assumptions):
    found = run(assumptions.replaced(FEW), attributable_revenue=revenue(("Microsoft", 10e9, 20e9, 30e9)))
    asked = model(assumptions, attributable_revenue=revenue(("Microsoft", 10e9, 20e9, 30e9)))
    seed = assumptions.integer("seed")
    coverage = asked.simulate(seed, 2000)["coverage"]
    at = {"scope": "MSFT", "revenue_view": "infrastructure", "quantity": "coverage"}
    for name, values in asked.draw(seed, 2000).items():
        wanted = stats.spearmanr(values, coverage).statistic ** 2
        got = row(found["waste_sensitivity"], **at, driver=name)["rank_correlation_squared"]
        assert got == pytest.approx(wanted, abs=1e-12), name


def test_the_tornado_is_the_formula_at_the_ends(assumptions):
    found = run(assumptions.replaced({**POINTS_Q3, "life": {"distribution": "uniform", "low": 3, "high": 6}, **FEW}))
    bar = row(found["waste_sensitivity"], scope="MSFT", revenue_view="infrastructure", quantity="required_revenue_usd",
              driver="life")  # fmt: skip
    for end, life in (("low", 3), ("central", 4.5), ("high", 6)):
        assert bar[f"quantity_at_{end}"] == pytest.approx(100e9 * 0.6 * 0.1 / (1 - 1.1**-life) / 0.5)


def test_growth_turns_q3_where_algebra_says(assumptions):
    """All else certain, it is covered in half of what is left when (1 + g) ** (left / 2) = 1 / coverage."""
    certain = assumptions.replaced({**POINTS_Q3, **FEW})
    left = 5 - 365 / 365.25
    coverage = 20e9 * 0.5 / (100e9 * 0.6 * 0.2637974808)
    found = run(certain)["waste_sensitivity"]
    at = {"scope": "MSFT", "revenue_view": "infrastructure", "quantity": "coverage"}
    assert row(found, **at, driver="growth")["flip_value"] == pytest.approx(coverage ** (-2 / left) - 1, rel=1e-4)


def test_elasticity_turns_q2_where_algebra_says(assumptions):
    """s (1 - k ** (e - 1)) = 1/4 at e = 1 + ln(1 - 1 / (4 s)) / ln k."""
    certain = assumptions.replaced({**POINTS_Q2, **FEW})
    found = run(certain, training_share=share(flop=1e28))["waste_sensitivity"]
    s = min(1.0, 1e28 * 2 / (10e6 * 989.4e12 * 0.4 * 31_536_000) / 0.2)
    at = {"scope": "ALL", "revenue_view": "none", "quantity": "redundant_capex_share"}
    assert row(found, **at, driver="elasticity")["flip_value"] == pytest.approx(
        1 + np.log(1 - 0.25 / s) / np.log(4), rel=1e-4
    )


# What a user's number for a driver is a multiple of; the others are replaced as they are.
def as_assumption(driver: str, value: float, of: waste.Model) -> float:
    if driver == "fleet":
        return value / 10e6
    if driver == "attributable_revenue":
        return value / next(d for d in of.drivers if d.name == driver).central
    return value


@pytest.mark.parametrize("view", ["none", "infrastructure"])
def test_a_turning_value_turns_the_verdict(view, assumptions):
    """Two per mille to either side of it, set as a user would set it, the condition holds and does not.

    With other draws than the verdict's the value would be a few percent off.
    """
    few = assumptions.replaced({"draws": 50_000})
    # Elasticity below one and much training: Q2's distribution straddles the threshold, so that many drivers can turn it.
    moved = few.replaced({"elasticity": {"low": 0.0, "mode": 0.2, "high": 0.5}})
    frames = {"training_share": share(flop=5e27)}
    scope = "ALL" if view == "none" else "MSFT"
    asked = model(moved, scope, view, **frames)
    turning = {name: value for name, (value, _) in turning_values(asked, 0, moved).items() if value is not None}
    assert len(turning) >= 4, turning
    quantity = "redundant_capex_share"
    for name, value in turning.items():
        outcomes = set()
        for side in (0.998, 1.002):
            changed = moved.replaced({name: as_assumption(name, value * side, asked)})
            found = run(changed, WASTE[:2], **frames)
            if view == "none":
                figures = row(found["waste_simulation"], scope=scope, revenue_view=view, quantity=quantity)
                outcomes.add((figures["p50"] >= 0.25, figures["p95"] < 0.25))
            else:
                events = row(found["waste_probabilities"], scope=scope, revenue_view=view,
                             event="years_within_share_of_life")  # fmt: skip
                outcomes.add(events["probability"] >= 0.5)
        assert len(outcomes) == 2, (name, value, outcomes)


# ---- Reach: facts that deserve each verdict of Q2 and Q3 get it ---------------------------------------------------------


def verdict_of(question: str, assumptions: Assumptions, *, signals: dict | None = None, **changed) -> str:
    found = run(assumptions.replaced(FEW), **changed)
    frames = made_up.frames(**found, **{name: changed[name] for name in changed if name != "capex_vintages"})
    frames["glut_signals"] = made_up.glut(signals or {})
    frames.pop("capex_vintages", None)
    return made_up.verdicts_of(frames, assumptions)["MSFT", question]["verdict"]


@pytest.mark.parametrize(
    ("flop", "elasticity", "wanted"),
    [
        (1e29, 0.2, "looks_wasteful"),  # training is most of the fleet's work, demand hardly responds
        (1e25, 0.2, "not_shown_wasteful"),  # training is next to nothing
        (1e29, 1.2, "not_shown_wasteful"),  # cheaper training calls for more
        (1.5e27, 0.2, "cannot_tell"),  # the median is below the threshold and the tail above it
    ],
)
def test_reach_of_q2(flop, elasticity, wanted, assumptions):
    assert verdict_of("Q2", assumptions.replaced({"elasticity": elasticity}), training_share=share(flop=flop)) == wanted


GLUT = {"rental_prices": True, "falling_backlog": True}


@pytest.mark.parametrize(
    ("earned", "signals", "wanted"),
    [
        (1e9, GLUT, "looks_wasteful"),
        (0.0, GLUT, "looks_wasteful"),
        (1e9, {"rental_prices": True}, "cannot_tell"),
        (1e9, {}, "cannot_tell"),
        (60e9, {}, "not_shown_wasteful"),
        (60e9, {"rental_prices": True}, "cannot_tell"),
        (60e9, GLUT, "cannot_tell"),
    ],
)
def test_reach_of_q3(earned, signals, wanted, assumptions):
    lines = revenue(("Microsoft", None, earned, None))
    assert verdict_of("Q3", assumptions, signals=signals, attributable_revenue=lines) == wanted


def test_reach_of_q3_without_revenue_or_with_a_lower_bound(assumptions):
    assert verdict_of("Q3", assumptions, signals=GLUT, attributable_revenue=revenue()) == "cannot_tell"
    lower = revenue(("Microsoft", None, 1e9, None), lower=True)
    assert verdict_of("Q3", assumptions, signals=GLUT, attributable_revenue=lower) == "cannot_tell"


# ---- On the snapshot -----------------------------------------------------------------------------------------------------


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
        ({"growth": 0.1}, "years_to_cover", "infrastructure", 1),
        ({"include_finance_leases": 1}, "required_revenue_usd", "infrastructure", 1),
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
    at = {"scope": "MSFT", "revenue_view": view, "quantity": quantity}
    before, after = row(built["waste_simulation"], **at)["p50"], row(changed, **at)["p50"]
    assert np.sign(after - before) == direction


def test_evidence_rows_of_a_driver_carry_their_grade_and_day(assumptions):
    fact = with_provenance(
        CORE["evidence"],
        pl.DataFrame({"evidence_id": ["CC103"], "topic": ["useful_life"], "entity": ["Amazon"], "metric": ["life"],
                      "as_of_date": [date(2025, 1, 1)], "value": [5.0], "unit": ["years"],
                      "known_on": [date(2025, 2, 6)], "grade": ["C"]}),
    )  # fmt: skip
    life = next(d for d in model(assumptions, evidence=fact).drivers if d.name == "life")
    assert (life.grade, life.known_on) == ("C", date(2025, 2, 6))
    assert next(d for d in model(assumptions).drivers if d.name == "life").grade is None
    mine = model(assumptions.replaced({"life": 4}), evidence=fact)
    assert next(d for d in mine.drivers if d.name == "life").grade is None, "a user's number has no facts behind it"
