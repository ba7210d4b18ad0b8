"""Each estimate's own multiple on made-up and on known facts; nothing at publication that was not public then."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from tests.built import build
from tests.marts.declared import failing
from tests.marts.made_up import mart_frame
from warehouse.assumptions import load
from warehouse.marts import QUARANTINED, known
from warehouse.marts.capex import capex_quarterly
from warehouse.marts.common.reasons import codes
from warehouse.marts.common.scopes import COMPANIES
from warehouse.marts.payback import published_estimates
from warehouse.tables import CORE

AS_OF = date(2026, 11, 9)
MART = published_estimates.MART
Rows = dict[tuple[str, str], dict[str, Any]]


def by_key(found: pl.DataFrame) -> Rows:
    assert set(failing(MART.table, found).values()) <= {0}
    return {(row["evidence_id"], row["basis"]): row for row in found.to_dicts()}


@pytest.fixture(scope="module")
def snapshot(facts, assumptions) -> Rows:
    return by_key(build(facts, as_of=AS_OF, assumptions=assumptions, only={MART.name})[MART.name])


@pytest.mark.parametrize(
    ("name", "multiple"),
    [("CC067", 4.0), ("CC068", 4.0), ("CC069", 4.0), ("CC070", 4.0), ("CC071", 0.13), ("CC072", 1000 / 527)],
)
def test_multiples_are_printed_figure_over_what_it_was_printed_for(name, multiple, snapshot):
    for basis in published_estimates.BASES:
        row = snapshot[name, basis]
        assert row["multiple"] == pytest.approx(multiple)
        assert f"x {multiple:.3g}" in row["formula"] or "x 2 (" in row["formula"]


def test_sequoias_first_figure_is_found_again_on_the_facts_of_its_day(snapshot):
    """Nvidia printed 13,507 million for its quarter to July 2023: four times that by four is 216 billion for 200."""
    row = snapshot["CC067", "at_publication"]
    assert row["our_input_usd"] == 4 * 13_507_000_000
    assert row["recomputed_usd"] == pytest.approx(216.112e9)
    assert row["input_through"] == date(2023, 7, 30)


def test_sequoias_second_figure_looked_ahead(snapshot):
    """26,044 million in the quarter to April 2024 give 417 billion; the 600 rest on a run rate that was forecast."""
    row = snapshot["CC068", "at_publication"]
    assert row["our_input_usd"] == 4 * 26_044_000_000
    assert row["recomputed_over_published"] == pytest.approx(0.69, abs=0.01)


@pytest.mark.parametrize("name", ["CC069", "CC072"])
def test_years_of_capex_are_the_four_companies_last_four_quarters(name, snapshot, facts, assumptions):
    quarters = build(facts, as_of=AS_OF, assumptions=assumptions, only={"capex_quarterly"})["capex_quarterly"]
    total = 0.0
    for ticker in COMPANIES:
        own = [row for row in quarters.sort("period_end").to_dicts() if row["ticker"] == ticker and row["capex_usd"]]
        total += sum(row["capex_usd"] for row in own[-4:])
    share = 0.6 if name == "CC069" else 1.0  # the mean share of capex that is for AI; Goldman Sachs counts all
    assert snapshot[name, "as_known"]["our_input_usd"] == pytest.approx(share * total)


def test_what_was_known_on_a_day_is_what_a_run_of_that_day_has(snapshot, facts, assumptions):
    """All days are worked out at once; each must be the mart of that day alone."""
    day = date(2026, 1, 7)
    alone = build(facts, as_of=day, assumptions=assumptions, only={"capex_quarterly"})["capex_quarterly"]
    spent = alone.filter(pl.col("ticker").is_in(COMPANIES) & pl.col("capex_usd").is_not_null()).sort("period_end")
    wanted = spent.group_by("ticker", maintain_order=True).tail(4)["capex_usd"].sum()
    assert snapshot["CC072", "at_publication"]["our_input_usd"] == wanted


def test_the_shortfall_is_less_what_is_earned(snapshot):
    """The middle of 150 and 180 billion, between which the estimates of end customers' spending lie; none was known before."""
    needed, short = snapshot["CC069", "as_known"], snapshot["CC070", "as_known"]
    assert needed["recomputed_usd"] - short["recomputed_usd"] == pytest.approx(165e9)
    assert codes(snapshot["CC070", "at_publication"]["reasons"]) == ["no_end_customer_revenue"]


def test_a_benefit_is_not_recomputed(snapshot):
    row = snapshot["CC073", "as_known"]
    assert row["recomputed_usd"] is None
    assert codes(row["reasons"]) == ["no_spend_in_it"]


def test_every_estimate_says_what_it_assumes(snapshot):
    assert len({row["assumes"] for row in snapshot.values()}) >= 6
    assert {name for name, _ in snapshot} == set(published_estimates.ESTIMATES)


def run(assumptions=None, as_of: date = AS_OF, **frames: pl.DataFrame) -> Rows:
    empty = {
        "evidence": CORE["evidence"].empty(),
        "company_facts": CORE["company_facts"].empty(),
        "companies": CORE["companies"].empty(),
        "capex_quarterly": capex_quarterly.TABLE.empty(),
        "attributable_revenue": mart_frame("attributable_revenue", []),
        "quarantined": pl.DataFrame(schema=QUARANTINED),
    }
    return by_key(MART.run({**empty, **frames}, as_of=as_of, assumptions=assumptions or load()))


def test_no_facts_and_facts_without_ours(facts):
    assert run() == {}
    alone = run(evidence=facts["evidence"])
    assert len(alone) == 14
    assert all(row["recomputed_usd"] is None and row["reasons"] for row in alone.values())


def test_an_input_that_is_not_known_gives_no_figure(facts, assumptions):
    changed = assumptions.replaced({"published_inputs": {"value": {"CC067": 50e9}}})
    frames = known(facts, AS_OF)
    quarters = capex_quarterly.MART.run(frames, as_of=AS_OF, assumptions=assumptions)
    found = run(changed, evidence=facts["evidence"], capex_quarterly=quarters)
    assert found["CC067", "as_known"]["recomputed_usd"] is not None
    assert codes(found["CC072", "as_known"]["reasons"]) == ["published_input_not_known"]


@pytest.mark.parametrize("day", [date(2023, 12, 31), date(2025, 9, 30)])
def test_an_earlier_day_has_only_the_estimates_of_its_time(day, facts, assumptions):
    found = by_key(build(facts, as_of=day, assumptions=assumptions, only={MART.name})[MART.name])
    assert all(row["published_on"] <= day and row["known_on"] <= day for row in found.values())
    assert ("CC067", "as_known") in found
    assert (("CC069", "as_known") in found) == (day > date(2025, 9, 23))
