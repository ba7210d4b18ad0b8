"""Ways to corrupt the snapshot's file of `model_capability`."""

from __future__ import annotations

from tests.quality.corruptions.changes import LINE, Kind, each, put, times

KINDS: tuple[Kind, ...] = (
    Kind(
        "an index off its scale",
        "model_capability",
        "on_the_scale_of_the_index",
        "quarantined",
        rows=put({"eci": "9954", "eci_high": "10596"}),
        names=("eci", *LINE),
    ),
    Kind(
        "an estimate outside its interval",
        "model_capability",
        "interval_holds_the_estimate",
        "quarantined",
        rows=put({"eci_low": "@eci_high", "eci_high": "@eci_low"}),
        names=("eci_low",),
    ),
    Kind(
        "an index in tenths",
        "model_capability",
        "on_the_scale_of_the_index",
        "refused",
        rows=each({name: times(0.1) for name in ("eci", "eci_low", "eci_high")}),
        names=("eci", *LINE),
    ),
)
