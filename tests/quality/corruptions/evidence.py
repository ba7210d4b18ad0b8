"""Ways to corrupt the snapshot's file of `evidence`."""

from __future__ import annotations

from tests.quality.corruptions.changes import LINE, Kind, again, put, times

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
    Kind(
        "a range with its ends swapped",
        "evidence",
        "low_not_above_high",
        "quarantined",
        rows=put({"value_low": "@value_high", "value_high": "@value_low"}, evidence_id="CC001"),
        names=("value_low", "value_high", *LINE),
    ),
    Kind(
        "a revenue of zero",
        "evidence",
        "revenue_above_zero",
        "quarantined",
        rows=put({"value": "0", "value_low": "", "value_high": ""}, evidence_id="CC052"),
        names=("revenue_above_zero", "value", *LINE),
    ),
    Kind(
        "a revenue below zero",
        "evidence",
        "revenue_above_zero",
        "quarantined",
        rows=put({"value": times(-1), "value_low": "", "value_high": ""}, evidence_id="CC052"),
        names=("value", *LINE),
    ),
    Kind(
        "a revenue whose low end is below zero",
        "evidence",
        "revenue_above_zero",
        "quarantined",
        rows=put({"value_low": "-1"}, evidence_id="CC052"),
        names=("value_low", *LINE),
    ),
    Kind(
        "a revenue in euros",
        "evidence",
        "money_in_dollars",
        "quarantined",
        rows=put({"unit": "EUR/year"}, evidence_id="CC052"),
        names=("unit", *LINE),
    ),
    Kind(
        "a revenue with the sign of another currency",
        "evidence",
        "money_in_dollars",
        "quarantined",
        rows=put({"unit": "C$/year"}, evidence_id="CC052"),
        names=("unit", *LINE),
    ),
    Kind(
        "a day of publication that was put in by rule",
        "evidence",
        "known_on_looks_imputed",
        "warning",
        rows=put({"known_on": "2025-05-01"}, evidence_id="CC001"),
        names=("evidence_id=CC001", "days_after=90", *LINE),
    ),
    Kind(
        "one page's statement under two grades",
        "evidence",
        "one_statement_one_grade",
        "warning",
        rows=again({"evidence_id": "CC9002", "grade": "C"}, evidence_id="CC002"),
        names=("CC002", "CC9002", *LINE),
    ),
)
