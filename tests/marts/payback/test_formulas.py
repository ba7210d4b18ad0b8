"""Closed forms, and that the formulas move as economics says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warehouse.marts.payback.formulas import capital_recovery, payback, redundancy


def test_capital_recovery_of_tables():
    """0.14903 and 0.26380 are printed in tables of the capital recovery factor (8 %, 10 years; 10 %, 5 years)."""
    assert capital_recovery(0.08, 10) == pytest.approx(0.14902949, rel=1e-7)
    assert capital_recovery(0.10, 5) == pytest.approx(0.26379748, rel=1e-7)
    assert capital_recovery(0.0, 4) == 0.25
    np.testing.assert_allclose(capital_recovery(np.array([0.0, 0.1]), 5), [0.2, 0.26379748], rtol=1e-7)


@settings(deadline=None)
@given(st.floats(0, 1), st.integers(1, 40))
def test_what_capital_recovery_returns_is_worth_what_was_spent(rate, years):
    paid = capital_recovery(rate, years)
    assert sum(paid / (1 + rate) ** t for t in range(1, years + 1)) == pytest.approx(1, rel=1e-9)


@settings(deadline=None)
@given(st.floats(1e-12, 1e-6), st.floats(0.5, 40))
def test_capital_recovery_is_steady_next_to_no_interest(rate, life):
    assert capital_recovery(rate, life) == pytest.approx(1 / life, rel=1e-4)


def test_redundancy_by_hand():
    """A million H100 at 40 % do 1.248e28 operations a year; 1e27 of training are 8 %, with experiments 40 %."""
    values = {"fleet": 1e6, "utilisation": 0.4, "share_final": 0.2, "undisclosed_gross_up": 1.0,
              "efficiency_gain": 4.0, "elasticity": 0.5}  # fmt: skip
    found = redundancy(values, 1e27)
    one = 1e27 / (1e6 * 989.4e12 * 0.4 * 31_536_000)
    assert found["training_share"] == pytest.approx(one)
    assert found["training_share_with_experiments"] == pytest.approx(one * 5)
    assert found["redundant_capex_share_gross"] == pytest.approx(one * 5 * 0.75)
    assert found["redundant_capex_share"] == pytest.approx(one * 5 * 0.5)  # 1 - 4 ** -0.5
    assert redundancy(values, 1e29)["training_share_with_experiments"] == 1.0


@pytest.mark.parametrize(("elasticity", "sign"), [(0.0, 1), (0.9, 1), (1.0, 0), (1.1, -1), (2.0, -1)])
def test_break_even_elasticity_is_one(elasticity, sign):
    """Above one cheaper training calls for more capex: the redundant share is negative (method 4.5)."""
    values = {"fleet": 1e6, "utilisation": 0.4, "share_final": 0.2, "undisclosed_gross_up": 1.0,
              "efficiency_gain": 5.0, "elasticity": elasticity}  # fmt: skip
    found = redundancy(values, 1e27)
    assert np.sign(found["redundant_capex_share"]) == sign
    if elasticity == 0:
        assert found["redundant_capex_share"] == pytest.approx(found["redundant_capex_share_gross"])


def test_payback_by_hand():
    """Two vintages of 100 and 200, one and three years old, a life of 5: 2.67 years left on average."""
    values = {"life": 5.0, "discount_rate": 0.1, "cash_margin": 0.5, "ai_share": 0.6, "attributable_revenue": 40.0,
              "growth": 1.0}  # fmt: skip
    found = payback(values, (200.0, 100.0), (3.0, 1.0))
    required = 300 * 0.6 * 0.2637974808 / 0.5
    assert found["required_revenue_usd"] == pytest.approx(required)
    assert found["remaining_life_years"] == pytest.approx((200 * 2 + 100 * 4) / 300)
    assert found["coverage"] == pytest.approx(40 / required)
    assert found["years_to_cover"] == pytest.approx(np.log2(required / 40))  # revenue doubles each year


def test_a_vintage_without_life_left_drops_out():
    values = {"life": 3.0, "discount_rate": 0.0, "cash_margin": 1.0, "ai_share": 1.0, "attributable_revenue": 10.0,
              "growth": 0.5}  # fmt: skip
    found = payback(values, (200.0, 90.0), (3.0, 1.0))
    assert found["required_revenue_usd"] == pytest.approx(30.0)
    assert found["remaining_life_years"] == pytest.approx(2.0)
    gone = payback(values, (200.0,), (3.0,))
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
    assert payback(values, (90.0,), (1.0,))["years_to_cover"] == pytest.approx(years)


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
    before = payback(values, capex, vintage_ages)

    def with_(name: str) -> dict[str, Any]:
        return payback({**values, name: values[name] * factor}, capex, vintage_ages)

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
    more = payback(values, [usd * factor for usd in capex], vintage_ages)
    assert more["required_revenue_usd"] == pytest.approx(factor * before["required_revenue_usd"])
    assert more["remaining_life_years"] == pytest.approx(before["remaining_life_years"])


@settings(deadline=None)
@given(pay_values(), st.floats(1, 5))
def test_a_longer_life_asks_for_less_while_the_same_vintages_stand(drawn, factor):
    """Where a longer life brings an old vintage back, it may ask for more: that vintage has to be paid for again."""
    values, capex, vintage_ages = drawn
    longer = {**values, "life": values["life"] * factor}
    standing = [min(age, values["life"] * 0.99) for age in vintage_ages]
    before, after = (payback(v, capex, standing) for v in (values, longer))
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
    before = redundancy(values, 1e27)

    def with_(name: str) -> dict[str, Any]:
        return redundancy({**values, name: values[name] * factor}, 1e27)

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
