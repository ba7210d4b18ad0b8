"""Closed forms, and that the formulas move as economics says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.marts.payback.formulas import redundancy


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


positive = st.floats(0.01, 1.0)


def not_above(left: Any, right: Any) -> bool:
    return bool(left <= right or np.isclose(left, right, rtol=1e-9, atol=1e-12))


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
