"""What a chip can do and since when it may be sold where.

Peaks are dense BF16 and FP8: vendors like to quote twice that, with sparsity that training does not use.
"""

from warehouse.tables.columns import GPU_MODEL, NOTE
from warehouse.tables.guide import Guide
from warehouse.tables.promise import COMPUTE, ON_CALL, Promise
from warehouse.tables.table import Check, Column, core

ANNOUNCED_DAYS = 730

TABLE = core(
    "gpu_specs",
    "accelerators: dense peak, memory, link, power, price and export restriction",
    [
        GPU_MODEL,
        Column("vendor", "text", "who makes it", required=True),
        Column("release_date", "date", "day of release", required=True),
        Column("bf16_dense_tflops", "real", "dense BF16 peak (FP16 where there is no BF16)", "TFLOP/s", True, above=0),
        Column("fp8_dense_tflops", "real", "dense FP8 peak; null where there is none", "TFLOP/s", above=0),
        Column("memory_gb", "real", "memory of one chip", "GB", required=True, above=0),
        Column("memory_bandwidth_gb_per_s", "real", "memory bandwidth", "GB/s", above=0),
        Column("interconnect_gb_per_s", "real", "chip-to-chip link; null for PCIe cards and unknown", "GB/s", above=0),
        Column("tdp_w", "real", "power", "W", above=0),
        Column("list_price_usd", "real", "list or street price; null where none is published", "USD", above=0),
        Column("export_restricted", "flag", "needs a US licence for China", required=True),
        Column("export_restricted_since", "date", "since when"),
        NOTE,
    ],
    promise=Promise(COMPUTE, ON_CALL, 10),
    key=("gpu_model",),
    identity=("gpu_model", "known_on", "source", "document_sha256"),
    checks=(
        Check(
            "performance_for_its_power",
            "bf16_dense_tflops / tdp_w not between 0.02 and 10 or bf16_dense_tflops not between 5 and 20000 "
            "or memory_gb not between 4 and 2000",
            "a peak in GFLOP/s or PFLOP/s, or a memory in MB, makes a chip a thousand times better than any",
            quarantines=True,
            columns=("bf16_dense_tflops", "tdp_w", "memory_gb"),
        ),
        Check(
            "released_by_its_day",
            f"release_date > known_on + {ANNOUNCED_DAYS}",
            "a chip whose data were public years before its release has a misprint in one of the two days",
            quarantines=True,
            columns=("release_date", "known_on"),
        ),
        Check(
            "dense_and_not_sparse",
            "select gpu_model, bf16_dense_tflops, fp8_dense_tflops, document_sha256, locator from {table} "
            "where fp8_dense_tflops / bf16_dense_tflops not between 1.9 and 2.1",
            "eight bits are computed twice as fast as sixteen; where they are not, one of the two is quoted with sparsity",
            severity="warning",
            columns=("bf16_dense_tflops", "fp8_dense_tflops"),
        ),
    ),
    guide=Guide(
        "One row for each model of an accelerator.",
        "",
        {
            "How fast is each chip, and how much memory has it?": "select gpu_model, release_date, bf16_dense_tflops, "
            "memory_gb from gpu_specs order by release_date",
            "How many operations for a watt?": "select gpu_model, bf16_dense_tflops / tdp_w as tflops_per_watt from "
            "gpu_specs where tdp_w is not null order by tflops_per_watt desc",
            "What has the H800 less than the H100?": "select gpu_model, bf16_dense_tflops, memory_gb, "
            "interconnect_gb_per_s from gpu_specs where gpu_model in ('H100 SXM', 'H800 SXM')",
        },
    ),
)
