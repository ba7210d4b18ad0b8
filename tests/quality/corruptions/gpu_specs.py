"""Ways to corrupt the snapshot's file of `gpu_specs`."""

from __future__ import annotations

from tests.quality.corruptions.changes import LINE, Kind, put, times

KINDS: tuple[Kind, ...] = (
    Kind(
        "peak in GFLOP/s",
        "gpu_specs",
        "performance_for_its_power",
        "refused",
        rows=put({"bf16_dense_tflops": times(1000)}, gpu_model="H100 SXM"),
        names=("bf16_dense_tflops",),
    ),
    Kind(
        "peak with sparsity",
        "gpu_specs",
        "dense_and_not_sparse",
        "warning",
        rows=put({"bf16_dense_tflops": times(2)}, gpu_model="H100 SXM"),
        names=("H100 SXM", *LINE),
    ),
    Kind(
        "dense peak with two digits swapped",
        "gpu_specs",
        "dense_and_not_sparse",
        "warning",
        rows=put({"bf16_dense_tflops": "898.4"}, gpu_model="H100 SXM"),
        names=("H100 SXM", *LINE),
    ),
    Kind(
        "a release in another century",
        "gpu_specs",
        "released_by_its_day",
        "refused",
        rows=put({"release_date": "2202-10-05"}, gpu_model="H100 SXM"),
        names=("release_date=2202-10-05", *LINE),
    ),
)
