"""Ways to corrupt a live body that gives rows of `company_facts`."""

from __future__ import annotations

from tests.quality.corruptions.changes import QUARTER, F, Kind, facts, replaced_in

KINDS: tuple[Kind, ...] = (
    Kind(
        "SEC: no JSON",
        F,
        "reading",
        "left_out",
        live=lambda: (*facts([QUARTER])[:2], b"Your request rate is above the limit"),
    ),
    Kind(
        "SEC: a figure in thousands",
        F,
        "a_thousandfold_off",
        "quarantined",
        live=lambda: facts([{**QUARTER, "val": 15804000}]),
        names=("value_usd", "USD[0]"),
    ),
    Kind(
        "SEC: Amazon's error, at Microsoft",
        F,
        "far_from_both_neighbours",
        "quarantined",
        live=lambda: facts([{**QUARTER, "val": 796000000}]),
        names=("796000000", "USD[0]"),
    ),
    Kind(
        "SEC: a figure 3 % off what the same filing says",
        F,
        "filing_says_one_figure",
        "quarantined",
        live=lambda: facts([{**QUARTER, "val": 16278120000}]),
        names=("value_usd=16278120000", "USD[0]"),
    ),
    Kind(
        "SEC: the year to date called a quarter",
        F,
        "filing_says_one_figure",
        "quarantined",
        live=lambda: facts([{**QUARTER, "start": "2024-07-01"}]),
        names=("told_usd=30727000000", "USD[0]"),
    ),
    Kind(
        "SEC: an accession number cut short",
        F,
        "accession_in_form",
        "quarantined",
        live=lambda: facts(
            [{**QUARTER, "accn": "0000950170-25"}, {**QUARTER, "start": "2024-07-01", "val": 30727000000}]
        ),
        names=("accession=0000950170-25", "USD[0]"),
    ),
    Kind(
        "SEC: a server that numbers filings otherwise",
        F,
        "",
        "accepted",
        live=lambda: facts([QUARTER], own={"accn": "0000-1", "filed": "2025-01-30"}),
    ),
    Kind("SEC: a row twice", F, "", "accepted", live=lambda: facts([QUARTER, QUARTER])),
    Kind(
        "SEC: another company",
        F,
        "reading",
        "left_out",
        live=lambda: replaced_in(facts([QUARTER]), b"789019", b"320193"),
        names=("CIK 320193",),
    ),
    Kind(
        "SEC: a number of two years before",
        F,
        "accession_of_its_day",
        "quarantined",
        live=lambda: facts([{**QUARTER, "accn": "0000950170-22-010491"}]),
        names=("accession", "USD[0]"),
    ),
    Kind(
        "SEC: cents in a figure",
        F,
        "reading",
        "quarantined",
        live=lambda: facts([{**QUARTER, "val": 15804000000.37}]),
        names=("15804000000.37", "USD[0]"),
    ),
    Kind("SEC: a good body", F, "", "accepted", live=lambda: facts([QUARTER], shares=7434139000)),
    Kind(
        "SEC: a negative payment",
        F,
        "capex_and_revenue_not_negative",
        "quarantined",
        live=lambda: facts([{**QUARTER, "val": -15804000000}]),
        names=("value_usd", "USD[0]"),
    ),
    Kind(
        "SEC: a value that is text",
        F,
        "reading",
        "quarantined",
        live=lambda: facts([{**QUARTER, "val": "15.8bn"}]),
        names=("15.8bn",),
    ),
    Kind(
        "SEC: a period without a start",
        F,
        "reading",
        "left_out",
        live=lambda: facts([{"end": "2024-12-31", "val": 1}]),
        names=("start",),
    ),
    Kind(
        "SEC: filed before it was over",
        F,
        "filed_after_period",
        "quarantined",
        live=lambda: facts([{**QUARTER, "filed": "2024-11-29"}]),
        names=("known_on",),
    ),
)
