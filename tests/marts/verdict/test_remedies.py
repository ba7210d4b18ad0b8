"""What is said to change an answer does change it: each remedy is tried on the facts, a little beyond the value that it names.

A remedy that names a driver is tried by setting that driver alone; one that names revenue, by setting what is disclosed.
"""

from __future__ import annotations

from datetime import date

import pytest

from tests.marts.verdict.test_moves import seller
from warehouse.marts import build
from warehouse.marts.verdict import verdict

DAY = date(2026, 11, 29)
FEW = {"draws": 4_000}
BEYOND = 0.03  # how far beyond the value named
SELLERS = {"MSFT": "Microsoft", "AMZN": "Amazon AWS"}


@pytest.fixture(scope="module")
def printed(facts, assumptions) -> dict:
    """(scope, question) -> verdict and the remedies that are printed."""
    assumed = assumptions.replaced(FEW)
    conditions = build(facts, as_of=DAY, assumptions=assumed, only={"verdict_conditions"})["verdict_conditions"]
    return {
        (case.scope, case.question.name): (case.verdict, case.remedies[: verdict.MOST_REMEDIES])
        for case in verdict.cases(conditions, assumed.as_of(DAY))
    }


def verdict_with(facts, assumptions, key: tuple[str, str]) -> str:
    assumed = assumptions.replaced({**FEW, "detail": "deciding"})
    found = build(facts, as_of=DAY, assumptions=assumed, only={"verdict"})["verdict"]
    return found.filter(scope=key[0], question=key[1])["verdict"].item()


def moved(tries, factor: float) -> float:
    """The value a little beyond the one named (or on its near side), on the side that is meant."""
    side = tries.get("side") or ("below" if tries["value"] < tries["assumed"] else "above")
    return tries["value"] * (1 + factor if side == "above" else 1 - factor)


def assumed_at(assumptions, tries, factor: float):
    """The assumptions with that driver there alone; revenue and fleets are multiples of what the facts give."""
    scale = tries["assumed"] if assumptions[tries["driver"]]["unit"] == "multiple" else 1.0
    return assumptions.replaced({tries["driver"]: moved(tries, factor) / scale})


@pytest.mark.parametrize("key", [("ALL", "Q2"), ("MSFT", "Q3"), ("MSFT", "overall"), ("AMZN", "Q3")])
def test_a_driver_that_is_said_to_change_the_answer_does(key, printed, facts, assumptions):
    before, remedies = printed[key]
    tried = 0
    for remedy in remedies:
        driver = remedy.tries.get("driver")
        if driver not in assumptions or "distribution" not in assumptions[driver]:
            continue
        beyond = assumed_at(assumptions, remedy.tries, BEYOND)
        assert verdict_with(facts, beyond, key) != before, remedy.words
        short_of_it = assumed_at(assumptions, remedy.tries, -BEYOND)
        assert verdict_with(facts, short_of_it, key) == before, remedy.words
        tried += 1
    assert tried or not any("driver" in remedy.tries for remedy in remedies)


def test_revenue_that_is_said_to_change_the_answer_does(printed, facts, assumptions):
    """Microsoft's payback turns below the revenue that its remedy names, its growth being what it is (123 %)."""
    before, remedies = printed["MSFT", "Q3"]
    for remedy in remedies:
        if remedy.tries.get("driver") == "attributable_revenue":
            usd = moved(remedy.tries, 0.1)
            assert verdict_with(seller(facts, "Microsoft", usd, 1.23), assumptions, ("MSFT", "Q3")) != before


def test_last_years_revenue_settles_amazons_payback(printed, facts, assumptions):
    """AWS said 25 billion a year in mid 2026. Had it been 20 a year before, the newest spend would earn less than average."""
    before, remedies = printed["AMZN", "Q3"]
    if any(remedy.tries.get("facts") == "revenue_a_year_earlier" for remedy in remedies):
        assert before == "cannot_tell"
        assert verdict_with(seller(facts, "Amazon AWS", 25e9, 0.25), assumptions, ("AMZN", "Q3")) == "falls_short"


def test_every_remedy_that_is_printed_turns_its_verdict_by_the_table(facts, assumptions):
    """On other days too; a remedy that settles an open answer gives a verdict."""
    for day in (date(2025, 1, 28), date(2025, 12, 31), DAY):
        assumed = assumptions.replaced({"draws": 1_000})
        conditions = build(facts, as_of=day, assumptions=assumed, only={"verdict_conditions"})["verdict_conditions"]
        for case in verdict.cases(conditions, assumed.as_of(day)):
            for remedy in case.remedies:
                after = verdict.verdict_after(case, remedy)
                assert after != case.verdict
                assert case.is_decided or after != "cannot_tell"
