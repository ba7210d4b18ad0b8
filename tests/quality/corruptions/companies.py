"""Ways to corrupt the snapshot's file of `companies`."""

from __future__ import annotations

from tests.quality.corruptions.changes import LINE, SET, Kind, again, drop, put

KINDS: tuple[Kind, ...] = (
    Kind(
        "a role that there is not",
        "companies",
        SET,
        "refused",
        rows=put({"role": "Supplier"}, ticker="NVDA"),
        names=("role",),
    ),
    Kind(
        "two companies with one number",
        "companies",
        "one_company_a_number",
        "critical",
        rows=put({"cik": "1045810"}, ticker="MSFT"),
        names=("cik", *LINE),
    ),
    Kind(
        "a company of the four missing",
        "companies",
        "panel_has_those_asked_about",
        "warning",
        rows=drop(ticker="META"),
        names=("META",),
    ),
    Kind(
        "a company again in small letters",
        "companies",
        "ticker_in_capitals",
        "refused",
        rows=again({"ticker": "nvda"}, ticker="NVDA"),
        names=("ticker=nvda", *LINE),
    ),
)
