"""Runs, offers and chips made up for the tests of training costs."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from tests.conftest import with_provenance
from tests.marts.made_up import mart_frame
from warehouse.assumptions import Assumptions
from warehouse.marts.training import training_cost
from warehouse.tables import CORE

AS_OF = date(2026, 11, 9)
PUBLISHED = date(2025, 6, 1)
PRICES = [f"price_{end}_usd_per_gpu_hour" for end in ("low", "mid", "high")]
COSTS = [f"cost_{end}_usd" for end in ("low", "mid", "high")]
H800 = {"hardware": "H800 SXM"}


def offers(
    *rows: tuple[str, int, float], chip="H100 SXM", who="specialist", kind="on_demand", grade="B"
) -> pl.DataFrame:
    """Offers (provider, days after the run's publication, USD per GPU-hour)."""
    return mart_frame(
        "offers",
        [
            {"provider": provider, "observed_on": PUBLISHED + timedelta(days=day), "usd_per_gpu_hour": price,
             "gpu_model": chip, "provider_class": who, "pricing_kind": kind, "observation_id": f"{provider}{day}",
             "n_listed": 1, "known_on": PUBLISHED + timedelta(days=day), "grade": grade}
            for provider, day, price in rows
        ],
    )  # fmt: skip


def runs(*rows: dict) -> pl.DataFrame:
    """Rows of core.training_runs: a thousand hours on eight H100 SXM where a row does not say otherwise."""
    usual = {
        "model": "M", "part_of": None, "developer": "D", "published": PUBLISHED, "hardware": "H100 SXM", "gpu_count": 8,
        "gpu_hours": 1000.0, "training_flop": 1.2e21, "parameters_active": 1e9, "tokens": 2e11,
        "claimed_cost_usd": 2000.0, "cost_scope": "final_run_rental", "estimate_by": "developer",
        "known_on": PUBLISHED, "grade": "B",
    }  # fmt: skip
    named = [{"run_id": f"R{i}", "locator": f"line {i}", **usual, **row} for i, row in enumerate(rows)]
    table = CORE["training_runs"]
    types = {name: table.polars_schema[name] for name in named[0]}
    return with_provenance(table, pl.DataFrame(named, schema_overrides=types))


def chips(**tflops: float) -> pl.DataFrame:
    rows = [
        {"gpu_model": name.replace("_", " "), "vendor": "v", "release_date": date(2022, 1, 1), "memory_gb": 80.0,
         "bf16_dense_tflops": peak, "export_restricted": False, "known_on": date(2022, 1, 1), "grade": "B"}
        for name, peak in tflops.items()
    ]  # fmt: skip
    return with_provenance(CORE["gpu_specs"], pl.DataFrame(rows))


PEAKS = chips(H100_SXM=989.4, H800_SXM=989.0)
THREE = [("a", -10, 2.0), ("b", 0, 3.0), ("c", 10, 5.0)]


def costs(
    trained: pl.DataFrame, offered: pl.DataFrame, assumptions: Assumptions, specs: pl.DataFrame = PEAKS
) -> dict[str, dict]:
    frames = {"training_runs": trained, "offers": offered, "gpu_specs": specs}
    found = training_cost.MART.run(frames, as_of=AS_OF, assumptions=assumptions)
    return {row["run_id"]: row for row in found.to_dicts()}


def cost(assumptions: Assumptions, offered: pl.DataFrame | None = None, /, specs=PEAKS, **run) -> dict:
    (row,) = costs(runs(run), offers(*THREE) if offered is None else offered, assumptions, specs).values()
    return row
