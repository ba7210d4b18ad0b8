"""Quantiles are those of scipy, and a driver's draws depend on its seed and name alone."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from warehouse.assumptions import Distribution
from warehouse.marts.payback.draws import quantile, uniforms


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
    np.testing.assert_allclose(quantile(drawn, u), independent.ppf(u), rtol=1e-9)


def test_quantiles_of_what_does_not_vary():
    u = np.array([0.0, 0.5, 0.999])
    assert quantile(Distribution("point", (7.0,)), u).tolist() == [7.0] * 3
    assert quantile(Distribution("triangular", (2.0, 2.0, 2.0)), u).tolist() == [2.0] * 3
    assert quantile(Distribution("uniform", (2.0, 2.0)), u).tolist() == [2.0] * 3
    assert quantile(Distribution("normal", (2.0, 0.0)), np.array([0.1, 0.9])).tolist() == [2.0] * 2


def test_draws_depend_on_seed_and_name_alone():
    first = uniforms(1, "life", 1000).copy()
    uniforms.cache_clear()
    assert (uniforms(1, "life", 1000) == first).all()
    assert (uniforms(1, "growth", 1000) != first).all()
    assert (uniforms(2, "life", 1000) != first).all()
    assert abs(stats.spearmanr(first, uniforms(1, "growth", 1000)).statistic) < 0.1
    assert stats.kstest(uniforms(1, "life", 100_000), "uniform").pvalue > 0.01
