"""What the marts of rental prices share: their series, columns of them, and the price of computing power.

Prices are compared within a series: one chip, one class of provider, one kind of terms. A large cloud's list price is
three to four times a specialist's for the same chip, and a spot price can be withdrawn, so a mean over them is a price
that nobody pays.

Chips differ in what they do for the money. So a price also stands per peak: a thousand dense BF16 TFLOP/s for an hour. A
chip without a form factor ("H100" may be SXM or PCIe) has no peak of its own, and none is guessed.
"""

from __future__ import annotations

import polars as pl

from warehouse.marts.common.reasons import REASONS, all_of, because
from warehouse.marts.common.select_current import admissible, select_current, weakest
from warehouse.marts.common.units import TFLOPS_PER_PFLOPS
from warehouse.tables.columns import GPU_MODEL
from warehouse.tables.gpu_prices import PRICING_KIND_MEANINGS, PROVIDER_CLASS_MEANINGS
from warehouse.tables.gpu_specs import TABLE as GPU_SPECS
from warehouse.tables.table import Column

# An index is somebody's average and an assumed price nobody's offer.
CLASS_MEANINGS = {
    name: meaning for name, meaning in PROVIDER_CLASS_MEANINGS.items() if name not in ("index", "assumption")
}
KIND_MEANINGS = {name: meaning for name, meaning in PRICING_KIND_MEANINGS.items() if name not in ("index", "assumed")}
CLASSES, KINDS = tuple(CLASS_MEANINGS), tuple(KIND_MEANINGS)
SERIES = ("gpu_model", "provider_class", "pricing_kind")
# SQL: a row `t` is of the series of the mart row `m`.
OF_THE_SERIES = " and ".join(f"t.{name} = m.{name}" for name in SERIES)
MONTH = Column("month", "date", "first day of the month", required=True)
N_ADMINISTERED = Column(
    "n_administered",
    "integer",
    "those of them whose price has not moved for a year",
    "providers",
    required=True,
    minimum=0,
)
GPU_MODEL, PROVIDER_CLASS, PRICING_KIND = SERIES_COLUMNS = (
    GPU_MODEL,
    Column("provider_class", "text", "kind of provider", required=True, allowed=CLASS_MEANINGS),
    Column("pricing_kind", "text", "terms of the price", required=True, allowed=KIND_MEANINGS),
)


def per_peak(rows: pl.DataFrame, gpu_specs: pl.DataFrame, price: str, per_pflop: str) -> pl.DataFrame:
    """`rows` with the column `per_pflop`: their `price` over the chip's dense BF16 peak in PFLOP/s.

    Null, with a reason, where the peak of just that chip is not known. `rows` have gpu_model, known_on and grade.
    """
    peaks = select_current(admissible(gpu_specs), GPU_SPECS).select(
        "gpu_model", "bf16_dense_tflops", peak_known_on="known_on", peak_grade="grade"
    )
    peak = pl.col("bf16_dense_tflops")
    no_peak = pl.when(peak.is_null()).then(because("no_peak_of_chip", gpu_model=pl.col("gpu_model")))
    return (
        rows.join(peaks, on="gpu_model", how="left", maintain_order="left")
        .with_columns(
            (pl.col(price) / (peak / TFLOPS_PER_PFLOPS)).alias(per_pflop),
            known_on=pl.max_horizontal("known_on", "peak_known_on"),
            grade=weakest("grade", "peak_grade"),
            reasons=all_of(*(name for name in rows.columns if name == REASONS), no_peak),
        )
        .drop("bf16_dense_tflops", "peak_known_on", "peak_grade")
    )
