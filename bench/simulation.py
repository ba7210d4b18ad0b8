"""The simulation against plain numpy, and the whole timeline against one verdict, each side by side in one run.

    python -m bench.simulation

The plain version is what one writes without this project's arrangements. For each scope, revenue view and bound it draws every
driver, computes the formulas of method 4 and 5, and takes quantiles and mean. It takes the facts from our models: capex
of the vintages and their ages, revenue, training, fleet. It is spared the table, the reasons and the grades. Both make
100,000 draws; the medians must agree within the noise of two simulations. Ours starts with nothing kept from an earlier
round.

The timeline is every month's end and event from the first event on; one verdict is that of the last day, with all that
it reads.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from bench.lines import in_turn, report
from bench.snapshot import facts as snapshot
from warehouse import marts
from warehouse.assumptions import Distribution, load
from warehouse.calendars.exchange import sessions
from warehouse.marts.payback import (
    breakeven_path,
    breakeven_tests,
    draws,
    payback_model,
    waste_sensitivity,
    waste_simulation,
)
from warehouse.marts.payback.draws import Mixture
from warehouse.marts.payback.model import NO_VIEW, Model, simulated
from warehouse.marts.payback.models import models as models_of
from warehouse.marts.payback.payback_model import Payback
from warehouse.marts.verdict import replay, verdict_timeline

AS_OF = date(2026, 11, 29)
SIMULATION_TARGET, TIMELINE_TARGET, ROUNDS = 1.5, 5.0, 5
CACHES = (draws.uniforms, draws.drawn_values, simulated, waste_simulation._figures,
          waste_sensitivity._squares, waste_sensitivity._ranks_drawn, breakeven_path._on_path)  # fmt: skip
KEPT = (payback_model._CAPITAL, breakeven_tests._EARNED, replay._LAST)
SHARES = list(waste_simulation.QUANTILES.values())
Figures = dict[tuple[str, str, str, str], float]


def facts() -> dict[str, pl.DataFrame]:
    """The packaged snapshot, and the exchange's sessions."""
    return snapshot() | {"sessions": sessions(date(2018, 1, 1), date(2027, 3, 31))}


def forget() -> None:
    for kept in CACHES:
        kept.cache_clear()
    for held in KEPT:
        held.clear()


def draw(rng: np.random.Generator, shape: Distribution | Mixture, n: int) -> np.ndarray:
    if isinstance(shape, Mixture):
        return np.choose(rng.integers(len(shape.of), size=n), [draw(rng, each, n) for each in shape.of])
    if shape.kind == "point":
        return np.full(n, shape["value"])
    if shape.kind == "normal":
        return rng.normal(shape["mean"], shape["sd"], n)
    if shape.kind == "uniform" or shape["low"] == shape["high"]:
        return rng.uniform(shape.low, shape.high, n)
    return rng.triangular(shape["low"], shape["mode"], shape["high"], n)


def plain(models: list[Model], n: int) -> Figures:
    """Quantiles and mean of every quantity of each model, in plain numpy; returns the medians."""
    rng = np.random.default_rng(1)
    medians: Figures = {}
    for model in models:
        drawn = {
            d.name: np.clip(d.scale * sum(draw(rng, shape, n) for _, shape in d.parts), d.minimum, d.maximum)
            for d in model.drivers
        }
        found = _plain_share(model, drawn) if model.view == NO_VIEW else _plain_payback(model, drawn)
        for quantity, values in found.items():
            quantiles = np.quantile(values, SHARES, method="inverted_cdf")
            values.mean()
            medians[model.scope, model.view, model.bound, quantity] = float(quantiles[2])
    return medians


def _plain_share(model: Model, v: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    assert model.training_flop_added is not None
    found: dict[str, np.ndarray] = {}
    fleet_flop = v["fleet"] * 989.4e12 * v["utilisation"] * 31_536_000
    found["training_share"] = model.training_flop_added * v["undisclosed_gross_up"] / fleet_flop
    whole = np.minimum(found["training_share"] / v["share_final"], 1)
    if "inference_share" in v:
        whole = np.where(v["training_share_readings"] < 0, whole, 1 - v["inference_share"])
    return found | {
        "training_share_with_experiments": whole,
        "redundant_capex_share_gross": whole * (1 - 1 / v["efficiency_gain"]),
        "redundant_capex_share": whole * (1 - v["efficiency_gain"] ** (v["elasticity"] - 1)),
    }


def _plain_payback(model: Model, v: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    formula = model.formula
    if not isinstance(formula, Payback):
        return {}
    life, rate = v["life"], v["discount_rate"]
    standing, lived, left = (np.zeros(len(life)) for _ in range(3))
    for usd, age in zip(formula.capex_usd, formula.ages_years, strict=True):
        alive = np.where(age < life, usd, 0)
        standing, lived = standing + alive, lived + alive * (life - age)
        left = left + alive * (1 - (1 + rate) ** -(life - age)) / (1 - (1 + rate) ** -life)
    recovery = rate / (1 - (1 + rate) ** -life)
    required = standing * v["ai_share"] * recovery / v["cash_margin"]
    years, need = lived / standing, left * v["ai_share"]
    found = {"required_revenue_usd": required, "remaining_life_years": years, "standing_capital_usd": need}
    if "attributable_revenue" not in v:
        return found
    revenue = v["attributable_revenue"] * (formula.owned_h100 / v["fleet"] if formula.owned_h100 else 1)
    found |= {"attributable_revenue_usd": revenue, "coverage": revenue / required}
    if formula.earlier_revenue_usd is not None and formula.recent_capex_usd is not None:
        newest = formula.recent_capex_usd * v["ai_share"] * recovery / v["cash_margin"]
        found["marginal_coverage"] = (revenue - formula.earlier_revenue_usd) / newest
    low, high = np.full(len(life), -0.9), np.full(len(life), 20.0)
    for _ in range(40):  # halving the interval until it is far below the noise
        middle = (low + high) / 2
        excess = np.log1p(middle) - np.log1p(rate)
        short = revenue * v["cash_margin"] * np.expm1(excess * years) / excess < need
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    return found | {"breakeven_growth": (low + high) / 2}


def seconds(run: Callable[[], Any]) -> float:
    """Processor seconds of a round that starts with nothing kept."""
    forget()
    started = time.process_time()
    run()
    return time.process_time() - started


def agreeing(found: pl.DataFrame, medians: Figures) -> int:
    """How many medians both sides have; ends the program where two differ by more than the noise of two simulations."""
    compared = 0
    for row in found.to_dicts():
        other = medians.get((row["scope"], row["revenue_view"], row["bound"], row["quantity"]))
        if row["p50"] is None or other is None:
            continue
        compared += 1
        noise = 6 * 2**0.5 * row["p50_standard_error"] + 1e-9 * abs(other)
        if abs(row["p50"] - other) > noise:
            raise SystemExit(f"{row['scope']} {row['revenue_view']} {row['quantity']}: {row['p50']} against {other}")
    return compared


def main() -> None:
    assumptions = load()
    n = assumptions.integer("draws")
    known = marts.known(facts(), AS_OF)
    built = {**known, **marts.build(known, as_of=AS_OF, assumptions=assumptions, only={"waste_simulation"})}
    mart = marts.all_marts()["waste_simulation"]
    of_models = {name: built[name] for name in mart.inputs}
    models = models_of(**of_models, assumptions=assumptions.as_of(AS_OF))
    simulate = lambda: mart.run(built, as_of=AS_OF, assumptions=assumptions)  # noqa: E731
    compared = agreeing(simulate(), plain(models, n))
    times = in_turn(lambda: seconds(simulate), lambda: seconds(lambda: plain(models, n)), ROUNDS)
    what = f"simulation, {n:,} draws, five scopes"
    report(
        what, "plain numpy", "CPU s", *times, target=SIMULATION_TARGET, equal=f"{compared} medians, within the noise"
    )

    days = [day for day in verdict_timeline.days(AS_OF, assumptions) if day < AS_OF]
    one = lambda: marts.build(known, as_of=AS_OF, assumptions=assumptions, only={"verdict"})  # noqa: E731
    every = lambda: verdict_timeline.replay(known, days, assumptions)  # noqa: E731
    times = in_turn(lambda: seconds(every), lambda: seconds(one), 2)
    report(f"timeline, {len(days)} days", "one verdict", "CPU s", *times, target=TIMELINE_TARGET)


if __name__ == "__main__":
    main()
