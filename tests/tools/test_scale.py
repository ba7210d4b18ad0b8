"""What much more data would take is a cost of one times a number, and nothing is said of what was not measured."""

from __future__ import annotations

from typing import Any

from tools import scale


def line(bench: str, what: str, ours: float, unit: str) -> Any:
    return {"bench": bench, "what": what, "against": "limit", "unit": unit, "ours": ours, "theirs": None, "ratio": None,
            "lowest": None, "highest": None, "rounds": 1, "target": None, "faster": False, "equal": "", "size": "reduced",
            "date": "2026-11-30"}  # fmt: skip


def test_a_total_is_the_cost_of_one_times_the_number() -> None:
    filings = line("filings", "filings of 20 companies of 3.9 MiB to rows in the warehouse", 120.0, "CPU ms each")
    bars = line("bars", "loading and checking 1,000,000 bars", 20.0, "CPU s")
    page = scale.page({"machine": {"cores": "2"}, "lines": [filings, bars]})
    # 15,000 times 0.12 s are 1,800 s: 30 minutes, 15 on two cores, 90 s on twenty.
    assert "| 15,000 filers | 30 min | 15 min | 1.5 min |" in page
    # 10,000 tickers, 252 days a year, 5 years, 20 microseconds each: 252 s.
    assert "| 10,000 tickers, 12,600,000 bars | 4.2 min | 2.1 min | 13 s |" in page
    assert "take 25 min at least" in page  # ten a second


def test_nothing_is_said_of_what_was_not_measured() -> None:
    page = scale.page({"machine": {}, "lines": []})
    assert "| 15,000 filers |" not in page
    assert "bars |" not in page
