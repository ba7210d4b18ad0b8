"""The trend against statsmodels, a made-up one that is known, and breaks that are and are not."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
import statsmodels.api as sm

from tests.built import build
from tests.conftest import with_provenance
from tests.marts.declared import failing
from tests.marts.made_up import mart_frame
from warehouse.assumptions import load
from warehouse.marts import known
from warehouse.marts.training import efficiency_trend
from warehouse.tables import CORE

AS_OF = date(2026, 11, 9)
START = date(2023, 1, 1)


def capability(rows: list[dict[str, Any]]) -> pl.DataFrame:
    usual = {"variant": "", "organization": "Lab", "eci_low": None, "eci_high": None, "accessibility": "API access",
             "known_on": date(2026, 8, 22), "grade": "B"}  # fmt: skip
    named = [{"base_name": row["model"], "locator": f"line {i}", **usual, **row} for i, row in enumerate(rows)]
    types = {"eci_low": pl.Float64, "eci_high": pl.Float64, "training_flop": pl.Float64}
    return with_provenance(CORE["model_capability"], pl.DataFrame(named, schema_overrides=types))


def made(times: float = 4.0, noise: float = 0.1, models: int = 40, **off: float) -> pl.DataFrame:
    """Models whose training falls `times` a year at a given capability; `M3=-1` puts M3 an order of magnitude below."""
    rng = np.random.default_rng(4)
    rows = []
    for i in range(models):
        day = START + timedelta(days=int(rng.integers(0, 1200)))
        eci = float(rng.uniform(90, 150))
        log = 20 + 0.05 * eci - np.log10(times) * (day - START).days / 365.25 + noise * rng.standard_normal()
        rows.append(
            {"model": f"M{i}", "released": day, "eci": eci, "training_flop": 10 ** (log + off.get(f"M{i}", 0.0))}
        )
    return capability(rows)


def trend(models: pl.DataFrame, costs: pl.DataFrame | None = None) -> pl.DataFrame:
    frames = {"model_capability": models, "training_cost": mart_frame("training_cost", []) if costs is None else costs}
    found = efficiency_trend.MART.run(frames, as_of=AS_OF, assumptions=load())
    assert set(failing(efficiency_trend.TABLE, found).values()) <= {0}
    return found


def of_operations(found: pl.DataFrame) -> dict[str, dict[str, Any]]:
    return {row["model"]: row for row in found.filter(pl.col("quantity") == "training_flop").to_dicts()}


def test_a_known_decline_is_found():
    row = of_operations(trend(made(times=4.0)))["M0"]
    assert row["times_cheaper_a_year"] == pytest.approx(4.0, rel=0.1)
    assert row["times_cheaper_low"] < 4.0 < row["times_cheaper_high"]
    exact = of_operations(trend(made(times=3.0, noise=0.0)))["M0"]
    assert exact["times_cheaper_a_year"] == pytest.approx(3.0)


def test_slope_interval_and_residuals_are_statsmodels(facts):
    models = efficiency_trend.one_a_release(known(facts, AS_OF)["model_capability"])
    models = models.filter(pl.col("training_flop").is_not_null())
    years = (models["released"] - date(2020, 1, 1)).dt.total_days().to_numpy() / 365.25
    design = sm.add_constant(np.column_stack([years, models["eci"].to_numpy()]))
    fitted = sm.OLS(np.log10(models["training_flop"].to_numpy()), design).fit()
    found = build(facts, as_of=AS_OF, assumptions=load(), only={"efficiency_trend"})["efficiency_trend"]
    mine = of_operations(found)
    first = next(iter(mine.values()))
    assert first["n_models"] == models.height == 74
    assert first["times_cheaper_a_year"] == pytest.approx(10 ** -fitted.params[1])
    low, high = fitted.conf_int()[1]
    assert (first["times_cheaper_low"], first["times_cheaper_high"]) == pytest.approx((10**-high, 10**-low))
    influence = fitted.get_influence()
    wanted = dict(zip(zip(models["base_name"], models["released"], strict=True),
                      zip(fitted.resid / np.sqrt(fitted.scale), influence.resid_studentized_external, strict=True),
                      strict=True))  # fmt: skip
    for row in found.filter(pl.col("quantity") == "training_flop").to_dicts():
        in_sd, studentised = wanted[row["model"], row["released"]]
        assert row["residual_sd"] == pytest.approx(in_sd)
        assert row["studentised_residual"] == pytest.approx(studentised)


def test_v3_and_r1_are_on_the_trend_and_no_break_of_it(facts, assumptions):
    """About 3.6 times a year (2.0 to 6.4); V3 and R1 lie below the line by less than one standard deviation."""
    found = of_operations(
        build(facts, as_of=AS_OF, assumptions=assumptions, only={"efficiency_trend"})["efficiency_trend"]
    )
    v3, r1 = found["DeepSeek-V3"], found["DeepSeek-R1"]
    assert v3["times_cheaper_a_year"] == pytest.approx(3.6, abs=0.1)
    assert (v3["times_cheaper_low"], v3["times_cheaper_high"]) == pytest.approx((2.0, 6.4), abs=0.1)
    assert -1 < r1["residual_sd"] < v3["residual_sd"] < 0
    assert not v3["is_break"]
    assert not r1["is_break"]
    assert abs(v3["studentised_residual"] - v3["residual_sd"]) < 0.1


@pytest.mark.parametrize(("off", "broken"), [(-2.0, True), (-0.1, False), (2.0, False)])
def test_a_break_is_far_below_the_line(off, broken):
    """Two orders of magnitude below is a break, two above is none (dearer than the trend), a tenth is noise."""
    row = of_operations(trend(made(M3=off)))["M3"]
    assert row["is_break"] is broken
    if broken:
        assert row["studentised_residual"] < row["residual_sd"] < -2, "it pulls the line towards itself"


def test_settings_of_one_model_are_one_observation():
    whole = made(models=12)
    twice = whole.with_columns(variant=pl.lit("Thinking"), model=pl.col("model") + " (Thinking)", locator=pl.lit("x"))
    assert of_operations(trend(pl.concat([whole, twice])))["M0"]["n_models"] == 12


def test_too_few_models_and_models_that_do_not_vary():
    few = trend(made(models=9))
    assert few["times_cheaper_a_year"].null_count() == 9
    assert "9 models" in few["reason"][0]
    same = capability([{"model": f"M{i}", "released": START, "eci": 100.0, "training_flop": 1e24} for i in range(20)])
    assert trend(same)["predicted"].null_count() == 20
    assert trend(CORE["model_capability"].empty()).is_empty()


def test_costs_of_one_rung_only_and_recomputed_before_claimed():
    """Amortised claims and parts of a run are of other rungs; a recomputed rental stands before a claimed one."""
    models = made(models=12)
    rows = [
        {"run_id": f"R{i}", "model": f"M{i}", "cost_scope": "final_run_rental", "claimed_cost_usd": 1e6 * (i + 1),
         "is_component": False, "known_on": AS_OF, "grade": "C"}
        for i in range(12)
    ]  # fmt: skip
    rows[0] |= {"recomputed_scope": "final_run_rental", "cost_mid_usd": 9e6}
    rows[1] |= {"cost_scope": "final_run_amortised"}
    rows[2] |= {"is_component": True}
    found = trend(models, mart_frame("training_cost", rows)).filter(pl.col("quantity") == "final_run_cost_usd")
    assert set(found["model"]) == {f"M{i}" for i in range(12)} - {"M1", "M2"}
    assert found.filter(pl.col("model") == "M0")["value"].item() == 9e6
    assert found.filter(pl.col("model") == "M3")["value"].item() == 4e6
    assert found["grade"].unique().to_list() == ["C"]
