"""How figures are spoken: three digits that matter, a unit, and a sign that a reader knows."""

from __future__ import annotations

from datetime import date

import pytest

from warehouse.reports.site.forms import FORMS, speak

NBSP, MINUS = "\u00a0", "\u2212"


@pytest.mark.parametrize(
    ("value", "form", "said", "short"),
    [
        (84_312_000_000, "usd", f"$84.3{NBSP}billion", "$84.3bn"),
        (5_576_000, "usd", f"$5.58{NBSP}million", "$5.58m"),
        (999_999_999, "usd", f"$1{NBSP}billion", "$1bn"),
        (-56_600_000_000, "usd", f"{MINUS}$56.6{NBSP}billion", f"{MINUS}$56.6bn"),
        (294_000, "usd", "$294,000", "$294,000"),
        (20.5, "usd", "$20.50", "$20.50"),
        (0, "usd", "$0", "$0"),
        (0.3206, "percent", f"32{NBSP}%", f"32{NBSP}%"),
        (0.0351, "percent", f"3.5{NBSP}%", f"3.5{NBSP}%"),
        (-0.0014, "percent", f"{MINUS}0.1{NBSP}%", f"{MINUS}0.1{NBSP}%"),
        (58.1, "percent", f"5,810{NBSP}%", f"5,810{NBSP}%"),
        (0.00000001, "percent", f"0.00{NBSP}%", f"0.00{NBSP}%"),
        (0.108, "change", f"+11{NBSP}%", f"+11{NBSP}%"),
        (3.1, "factor", "3.1×", "3.1×"),
        (1, "years", f"1{NBSP}year", f"1{NBSP}year"),
        (5.286e-17, "number", "below 0.001", "below 0.001"),
        (5.286e-17, "probability", "below 0.001", "below 0.001"),
        (None, "usd", "unknown", "unknown"),
        (float("nan"), "usd", "unknown", "unknown"),
        ("cannot_tell", "verdict", "Cannot tell", "Cannot tell"),
        ("2025Q3", "quarter", f"Q3{NBSP}2025", f"Q3{NBSP}2025"),
        (date(2026, 5, 15), "date", f"15{NBSP}May{NBSP}2026", "2026-05-15"),
    ],
)
def test_a_value_is_spoken_in_its_form(value, form, said, short):
    assert speak(value, form) == said
    assert speak(value, form, short=True) == short


@pytest.mark.parametrize("form", FORMS)
def test_what_is_unknown_is_said_to_be(form):
    assert speak(None, form) == "unknown"
