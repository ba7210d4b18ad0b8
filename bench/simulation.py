"""The simulation against plain numpy, and the whole timeline against one verdict, each side by side in one run.

The plain version is what one writes without this project's arrangements. For each scope and revenue view it draws every
driver, computes the formulas of method 4 and 5, and takes quantiles and mean. It takes the facts from our models: capex
of the vintages and their ages, revenue, training, fleet. It is spared the table, the reasons and the grades. Both make
100,000 draws; the medians must agree within the noise of two simulations. Ours starts with nothing kept from an earlier
round.

The timeline is every month's end and event from the first event on; one verdict is that of the last day, with all that
it reads. Seconds are the processor's, the best of several rounds, which other programs on the machine lengthen least.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import polars as pl
from _snapshot import facts as snapshot

from warehouse import marts
from warehouse.assumptions import Distribution, load
from warehouse.calendars.exchange import sessions
from warehouse.marts.payback import draws, waste_sensitivity, waste_simulation
from warehouse.marts.payback.model import NO_VIEW, Model, simulated
from warehouse.marts.payback.models import models as models_of
from warehouse.marts.verdict import verdict_timeline

AS_OF = date(2026, 11, 9)
SIMULATION_TARGET, TIMELINE_TARGET, ROUNDS = 1.5, 5.0, 5
CACHES = (draws.uniforms, draws.drawn_values, simulated, waste_simulation._figures,
          waste_sensitivity._squares, waste_sensitivity._ranks_drawn)  # fmt: skip
SHARES = list(waste_simulation.QUANTILES.values())
Figures = dict[tuple[str, str, str], float]


def facts() -> dict[str, pl.DataFrame]:
    """The packaged snapshot, and the exchange's sessions."""
    return snapshot() | {"sessions": sessions(date(2018, 1, 1), date(2027, 3, 31))}


def forget() -> None:
    for kept in CACHES:
        kept.cache_clear()


def draw(rng: np.random.Generator, shape: Distribution, n: int) -> np.ndarray:
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
            medians[model.scope, model.view, quantity] = float(quantiles[2])
    return medians


def _plain_share(model: Model, v: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    assert model.training_flop_added is not None
    fleet_flop = v["fleet"] * 989.4e12 * v["utilisation"] * 31_536_000
    share = model.training_flop_added * v["undisclosed_gross_up"] / fleet_flop
    whole = np.minimum(share / v["share_final"], 1)
    return {
        "training_share": share,
        "training_share_with_experiments": whole,
        "redundant_capex_share_gross": whole * (1 - 1 / v["efficiency_gain"]),
        "redundant_capex_share": whole * (1 - v["efficiency_gain"] ** (v["elasticity"] - 1)),
    }


def _plain_payback(model: Model, v: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    life, rate = v["life"], v["discount_rate"]
    standing = sum(np.where(age < life, usd, 0) for usd, age in zip(model.capex_usd, model.ages_years, strict=True))
    lived = sum(
        np.where(age < life, usd * (life - age), 0) for usd, age in zip(model.capex_usd, model.ages_years, strict=True)
    )
    required = standing * v["ai_share"] * rate / (1 - (1 + rate) ** -life) / v["cash_margin"]
    found = {"required_revenue_usd": required, "remaining_life_years": lived / standing}
    if "attributable_revenue" in v:
        coverage = v["attributable_revenue"] / required
        years = np.where(coverage >= 1, 0, np.log(1 / coverage) / np.log1p(v["growth"]))
        found |= {"attributable_revenue_usd": v["attributable_revenue"], "coverage": coverage, "years_to_cover": years}
    return found


def best(run: Callable[[], Any], before: Callable[[], None], rounds: int = ROUNDS) -> tuple[float, Any]:
    """Least processor seconds of several rounds, and what the last one gave."""
    seconds = []
    for _ in range(rounds):
        before()
        started = time.process_time()
        given = run()
        seconds.append(time.process_time() - started)
    return min(seconds), given


def main() -> None:
    assumptions = load()
    n = assumptions.integer("draws")
    known = marts.known(facts(), AS_OF)
    built = {**known, **marts.build(known, as_of=AS_OF, assumptions=assumptions, only={"waste_simulation"})}
    mart = marts.all_marts()["waste_simulation"]
    of_models = {name: built[name] for name in mart.inputs}
    models = models_of(**of_models, as_of=AS_OF, assumptions=assumptions)
    ours, found = best(lambda: mart.run(built, as_of=AS_OF, assumptions=assumptions), forget)
    theirs, medians = best(lambda: plain(models, n), lambda: None)
    compared = 0
    for row in found.to_dicts():
        other = medians.get((row["scope"], row["revenue_view"], row["quantity"]))
        if row["p50"] is None or other is None:
            continue
        compared += 1
        noise = 6 * 2**0.5 * row["p50_standard_error"] + 1e-9 * abs(other)
        if abs(row["p50"] - other) > noise:
            raise SystemExit(f"{row['scope']} {row['revenue_view']} {row['quantity']}: {row['p50']} against {other}")

    days = [day for day in verdict_timeline.days(AS_OF, assumptions) if day < AS_OF]
    one, _ = best(lambda: marts.build(known, as_of=AS_OF, assumptions=assumptions, only={"verdict"}), forget, 3)
    all_days, _ = best(lambda: verdict_timeline.replay(known, days, assumptions), forget, 3)

    print("| what | seconds | against | seconds | ratio | target |")
    print("|---|---|---|---|---|---|")
    print(
        f"| simulation, {n:,} draws, five scopes ({compared} medians agree) | {ours:.3f} | plain numpy | {theirs:.3f} "
        f"| {ours / theirs:.2f} | {SIMULATION_TARGET} |"
    )
    print(
        f"| timeline, {len(days)} days | {all_days:.2f} | one verdict | {one:.2f} | {all_days / one:.2f} "
        f"| {TIMELINE_TARGET} |"
    )


if __name__ == "__main__":
    main()
