"""Q2's three readings of the share that trains: each against arithmetic, the mixture against numpy's own."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tests.built import build
from tests.conftest import with_provenance
from tests.marts.declared import failing
from tests.marts.payback.cases import AS_OF, FEW, POINTS_Q2, model, row, run, share
from warehouse.assumptions import Distribution
from warehouse.marts.common.reasons import codes, read
from warehouse.marts.payback import redundant_by_elasticity, training_share_readings
from warehouse.marts.payback.draws import Mixture
from warehouse.tables import CORE

H100_YEAR = 989.4e12 * 31_536_000
MANY = {"draws": 50_000}
NONE: pl.DataFrame = share(is_lower_bound=True)  # a year that decides nothing


def facts(**named: tuple[str, float, float | None, float | None]) -> pl.DataFrame:
    """Evidence by identifier: metric, value, low, high."""
    rows = [
        {"evidence_id": name, "topic": "inference", "entity": "Somebody", "metric": metric, "as_of_date": date(2025, 12, 31),
         "value": value, "value_low": low, "value_high": high, "unit": "share", "known_on": date(2026, 3, 31), "grade": "C"}
        for name, (metric, value, low, high) in named.items()
    ]  # fmt: skip
    return with_provenance(
        CORE["evidence"], pl.DataFrame(rows, schema_overrides={"value_low": pl.Float64, "value_high": pl.Float64})
    )


ESTIMATES = facts(
    CC088=("inference_share_of_compute", 0.5, 0.33, 0.67),
    CC089=("frontier_training_share_of_compute", 0.05, None, None),
)
LAB = facts(CC015=("compute_spend_total", 7e9, None, None), CC016=("rd_compute_spend", 5e9, None, None))


def readings(assumptions, of: pl.DataFrame, trained: pl.DataFrame | None = None) -> dict[str, dict[str, Any]]:
    frames = {"training_share": share() if trained is None else trained, "evidence": of}
    found = training_share_readings.MART.run(frames, as_of=AS_OF, assumptions=assumptions)
    assert set(failing(training_share_readings.TABLE, found).values()) <= {0}
    return {row["reading"]: row for row in found.to_dicts()}


def test_each_reading_by_itself(assumptions):
    """Bottom up by arithmetic of points; inference by the two ranges' own distribution; the lab's by a division."""
    given_ = assumptions.replaced({**POINTS_Q2, **MANY})
    found = readings(given_, pl.concat([ESTIMATES, LAB]))
    s = 1e27 * 2 / (10e6 * H100_YEAR * 0.4) / 0.2
    bottom_up = found["bottom_up"]
    assert bottom_up["training_share_with_experiments_p05"] == pytest.approx(s)
    assert bottom_up["training_share_with_experiments_p95"] == pytest.approx(s)
    assert bottom_up["redundant_capex_share_gross_p50"] == pytest.approx(s * (1 - 1 / 4))
    # CC088 says 33 to 67 % inference, CC089's note 60 to 80 %: s is U(0.33, 0.67) or U(0.2, 0.4), each half of the draws.
    cdf = lambda x: (stats.uniform(0.33, 0.34).cdf(x) + stats.uniform(0.2, 0.2).cdf(x)) / 2  # noqa: E731
    for end, at in {"p05": 0.05, "p50": 0.5, "p95": 0.95}.items():
        assert cdf(found["inference"][f"training_share_with_experiments_{end}"]) == pytest.approx(at, abs=0.005)
    lab = found["lab_split"]
    assert lab["training_share_with_experiments_p50"] == pytest.approx(5 / 7)
    assert lab["redundant_capex_share_gross_p50"] == pytest.approx(5 / 7 * 0.75)
    assert lab["weight"] == 0
    assert lab["facts"] == ["CC015", "CC016"]
    assert [found[name]["weight"] for name in ("bottom_up", "inference", "mixture")] == [0.5, 0.5, 1.0]


def test_the_mixture_is_half_of_either(assumptions):
    """With s = 0.03 bottom up and s in U(0.33, 0.67) by inference, half of the draws are the one and half the other."""
    of = facts(CC088=("inference_share_of_compute", 0.5, 0.33, 0.67))
    drawn = model(assumptions.replaced({**POINTS_Q2, **MANY}), "ALL", "none", evidence=of).simulate(1, 50_000)
    s = drawn["training_share_with_experiments"]
    low = s < 0.2
    assert low.mean() == pytest.approx(0.5, abs=0.01)
    assert np.ptp(s[low]) == pytest.approx(0)
    assert stats.kstest(s[~low], stats.uniform(0.33, 0.34).cdf).pvalue > 0.01
    weighed = assumptions.replaced({**POINTS_Q2, "training_share_readings": {"bottom_up": 3, "inference": 1}})
    s = model(weighed, "ALL", "none", evidence=of).simulate(1, 50_000)["training_share_with_experiments"]
    assert (s < 0.2).mean() == pytest.approx(0.75, abs=0.01)


@pytest.mark.parametrize(
    ("trained", "of", "drawn", "named"),
    [
        (share(), CORE["evidence"].empty(), ["share_final", "utilisation", "fleet", "undisclosed_gross_up"],
         ["training_of_year", "no_inference_share"]),
        (NONE, ESTIMATES, ["inference_share"], ["no_year_of_training", "inference_shares"]),
        (NONE, LAB, [], []),
    ],
)  # fmt: skip
def test_readings_without_facts_drop_out(trained, of, drawn, named, assumptions):
    """A lab's own split alone decides nothing: it is shown and not drawn from."""
    found = model(assumptions.replaced(FEW), "ALL", "none", training_share=trained, evidence=of)
    always = ["efficiency_gain", "elasticity"] if drawn else []
    assert [each.name for each in found.drivers] == [*drawn, *always]
    assert codes(found.notes)[: len(named)] == named
    assert ("redundant_capex_share" in found.quantities) is bool(drawn)
    if not drawn:
        assert read(found.reasons["redundant_capex_share"])["reason_code"] == "no_reading_of_training"


def test_an_impossible_estimate_is_none(assumptions):
    """Shares outside 0 to 1, or a low above its high, are no ranges to draw from."""
    of = facts(
        CC001=("inference_share_of_compute", 0.5, 0.7, 0.3), CC002=("inference_share_of_compute", 60.0, None, None)
    )
    found = model(assumptions.replaced(FEW), "ALL", "none", training_share=NONE, evidence=of)
    assert not found.quantities


def test_a_range_of_the_users_own_takes_an_estimates_place(assumptions):
    mine = assumptions.replaced({"inference_share": {"CC088": [0.9, 0.9], "CC089": [0.9, 0.9]}, **FEW})
    assert readings(mine, ESTIMATES, NONE)["mixture"]["training_share_with_experiments_p50"] == pytest.approx(0.1)


# ---- The table over elasticities -----------------------------------------------------------------------------------


def test_redundant_at_each_elasticity_by_arithmetic(assumptions):
    points = assumptions.replaced({**POINTS_Q2, **FEW})
    frames = {"training_share": share(), "evidence": LAB}
    found = redundant_by_elasticity.MART.run(frames, as_of=AS_OF, assumptions=points)
    assert set(failing(redundant_by_elasticity.TABLE, found).values()) <= {0}
    for elasticity in (0.0, 0.5, 1.0, 1.8):
        lab = row(found, reading="lab_split", elasticity=elasticity)
        # k is 4: at 0.5 half of what is saved at 0 comes back as 4^-0.5 = 1/2; at 1.8 spending rises to 4^0.8 times.
        assert lab["redundant_capex_share_p50"] == pytest.approx(5 / 7 * (1 - 4 ** (elasticity - 1)))
    s = 1e27 * 2 / (10e6 * H100_YEAR * 0.4) / 0.2
    assert row(found, reading="mixture", elasticity=0.0)["redundant_capex_share_p50"] == pytest.approx(0.75 * s)
    assert row(found, reading="inference", elasticity=0.0)["redundant_capex_share_p50"] is None


@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted), min_size=1, max_size=4),
    st.lists(st.floats(0, 1), min_size=2, max_size=20).map(sorted),
)
def test_a_mixtures_quantiles_invert_its_distribution(ranges, at):
    """Quantiles rise, stay inside, and the mean of the parts' own distribution functions gives the probability back."""
    mixture = Mixture(tuple(Distribution("uniform", tuple(each)) for each in ranges))
    values = mixture.quantile(np.array(at))
    assert (np.diff(values) >= 0).all()
    assert values[0] >= mixture.low
    assert values[-1] <= mixture.high
    for u, value in zip(at, values, strict=True):
        below, upto = (
            np.mean(
                [
                    stats.uniform(low, high - low).cdf(x) if high - low > 1e-6 else float(x >= low)
                    for low, high in ranges
                ]
            )
            for x in (value - 1e-5, value + 1e-5)
        )
        assert below <= u + 1e-3
        assert upto >= u - 1e-3 or value == mixture.high


# ---- The snapshot ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("day", [date(2025, 1, 31), date(2026, 4, 30), date(2026, 11, 9)])
def test_nothing_is_known_before_it_was_public(day, facts, assumptions):
    few = assumptions.replaced(FEW)
    built = build(facts, as_of=day, assumptions=few, only={"training_share_readings", "redundant_by_elasticity"})
    for name in ("training_share_readings", "redundant_by_elasticity"):
        assert not built[name].filter(pl.col("known_on") > day).height
    found = {row["reading"]: row for row in built["training_share_readings"].to_dicts()}
    if day < date(2026, 1, 1):
        # No list of models, no count of the world's fleet and no inference share was public in January 2025.
        assert all(each["weight"] == 0 for each in found.values())
    else:
        assert found["mixture"]["year"] == 2025
        # CC089 and the lab's split were published on 19 August 2026.
        assert ("CC089" in found["inference"]["facts"]) is (day > date(2026, 8, 19))
        assert (found["lab_split"]["training_share_with_experiments_p50"] is not None) is (day > date(2026, 8, 19))


def test_q2_can_look_wasteful(assumptions):
    """Nine tenths of computing trains and demand does not respond: four fifths of capex is redundant."""
    mine = assumptions.replaced({"elasticity": 0, "efficiency_gain": 10, **FEW})
    of = facts(CC088=("inference_share_of_compute", 0.1, 0.1, 0.1))
    simulated = run(mine, ("waste_simulation",), training_share=NONE, evidence=of)["waste_simulation"]
    found = row(simulated, scope="ALL", revenue_view="none", quantity="redundant_capex_share")
    assert found["p50"] == pytest.approx(0.9 * 0.9)
    assert readings(mine, of, NONE)["mixture"]["verdict_alone"] == "looks_wasteful"
