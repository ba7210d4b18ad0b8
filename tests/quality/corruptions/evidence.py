"""Ways to corrupt the snapshot's file of `evidence`."""

from __future__ import annotations

from tests.quality.corruptions.changes import LINE, Kind, put, times

KINDS: tuple[Kind, ...] = (
    Kind(
        "a share in percent",
        "evidence",
        "share_is_a_fraction",
        "quarantined",
        rows=put({"value": times(100), "value_low": "", "value_high": ""}, unit="share"),
        names=("value", *LINE),
    ),
    Kind(
        "a range that does not hold its value",
        "evidence",
        "range_holds_the_value",
        "quarantined",
        rows=put({"value": times(3)}, evidence_id="CC001"),
        names=("value_high", *LINE),
    ),
    Kind(
        "a range with a digit too many",
        "evidence",
        "range_not_too_wide",
        "warning",
        rows=put({"value_high": times(100)}, evidence_id="CC001"),
        names=("value_high", "CC001", *LINE),
    ),
    Kind(
        "a unit in small letters",
        "evidence",
        "unit_as_elsewhere",
        "warning",
        rows=put({"unit": "usd"}, evidence_id="CC001"),
        names=("usual_unit=USD", *LINE),
    ),
)
