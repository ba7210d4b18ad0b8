"""What is said to change an answer does change it: each remedy is tried on the facts, a little beyond what it names.

A remedy says what has to be different (`Remedy.tries`). Here that is done to the snapshot's facts or to the assumptions, the
marts are built anew, and the verdict has to be another one. A remedy that nobody could try would be no remedy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl
import pytest

from tests.built import build
from tests.conftest import with_provenance
from tests.marts.verdict.test_moves import idle, seller
from warehouse.marts.common.scopes import SCOPES
from warehouse.marts.verdict import verdict
from warehouse.marts.verdict.question import Case, Remedy
from warehouse.tables import CORE

DAY = date(2026, 11, 29)
FEW = {"draws": 4_000}
BEYOND = 0.03  # how far beyond the value named
SELLERS = {"MSFT": "Microsoft", "AMZN": "Amazon AWS", "GOOGL": "Google Cloud"}
OPEN = "cannot_tell"
Facts = Mapping[str, pl.DataFrame]
Key = tuple[str, str]


@pytest.fixture(scope="module")
def snapshot(facts, assumptions) -> tuple[dict[Key, Case], dict[str, pl.DataFrame]]:
    """Every question of every scope on the snapshot, and the marts behind them."""
    assumed = assumptions.replaced(FEW)
    built = build(facts, as_of=DAY, assumptions=assumed, only={"verdict"})
    found = verdict.cases(built["verdict_conditions"], assumed.as_of(DAY))
    return {(case.scope, case.question.name): case for case in found}, built


@pytest.fixture(scope="module")
def verdict_with(facts, assumptions) -> Callable[..., str]:
    """The verdict on facts and assumptions that were changed; each set of changes is built once."""
    kept: dict[Any, dict[Key, str]] = {}

    def asked(key: Key, changed: Facts | None = None, **assumed: Any) -> str:
        name = (repr(sorted(assumed.items())), *(id(changed[table]) for table in sorted(changed or ()) if changed))
        if name not in kept:
            given = assumptions.replaced({**FEW, "detail": "deciding", **assumed})
            rows = build(changed or facts, as_of=DAY, assumptions=given, only={"verdict"})["verdict"]
            kept[name] = {(row["scope"], row["question"]): row["verdict"] for row in rows.to_dicts()}
        return kept[name][key]

    return asked


# ---- What is changed -------------------------------------------------------------------------------------------------


def tried(remedies: Sequence[Remedy], case: Case, facts: Facts, factor: float = BEYOND) -> tuple[Facts, dict[str, Any]]:
    """Facts and assumptions in which all of the remedies are so, a little beyond what they name (or short of it)."""
    changed: Facts = facts
    assumed: dict[str, Any] = {}
    for remedy in remedies:
        tries = remedy.tries
        if "driver" in tries:
            assumed |= driver_at(case, tries, factor)
        elif "assumptions" in tries:
            assumed |= tries["assumptions"]
        elif "cost" in tries:
            assumed["rental_price"] = tries["cost"] / tries["now"] * (1 + factor)
        elif "scope" in tries:
            changed = {**changed, "article_claims": put_for_the_run_alone(facts["article_claims"])}
        elif "glut_signals" in tries:
            changed = idle(dict(changed))
        else:
            changed = FACTS[tries["facts"]](dict(changed), case, tries)
    return changed, assumed


def driver_at(case: Case, tries: Mapping[str, Any], factor: float) -> dict[str, Any]:
    """The assumption that holds one driver a little beyond its value; revenue and fleets are multiples of the facts'."""
    side = tries.get("side") or ("below" if tries["value"] < tries["assumed"] else "above")
    value = tries["value"] * (1 + factor if side == "above" else 1 - factor)
    entry = case.assumptions[tries["driver"]]
    if "distribution" in entry:
        return {tries["driver"]: value / (tries["assumed"] if entry["unit"] == "multiple" else 1.0)}
    return {tries["driver"]: {name: [value, value] for name in entry["value"]}}  # estimates, each with its ends


def put_for_the_run_alone(claims: pl.DataFrame) -> pl.DataFrame:
    """SC24 as if the article had spoken of the training run and not of the whole development."""
    own = pl.col("claim_id") == "SC24"
    return claims.with_columns(quantity=pl.when(own).then(pl.lit("training_cost")).otherwise("quantity"))


def a_year_earlier(facts: dict[str, pl.DataFrame], case: Case, tries: Mapping[str, Any]) -> Facts:
    """AWS says 25 billion a year in mid 2026 and 20 a year before: the newest spend earns less than the average."""
    return seller(facts, SELLERS[case.scope], 25e9, 0.25)


def disclosed_and_growing(facts: dict[str, pl.DataFrame], case: Case, tries: Mapping[str, Any]) -> Facts:
    return seller(facts, SELLERS[case.scope], tries["usd"], tries["growth"] * (1 + BEYOND))


def all_revenue(facts: dict[str, pl.DataFrame], case: Case, tries: Mapping[str, Any]) -> Facts:
    """Every seller and end customers too, each four times what it was a year before."""
    growing = seller(seller(facts, "Google Cloud", 40e9, 3.0), "Amazon AWS", 25e9, 3.0)
    estimates = case.assumptions.value("end_customer_estimates")
    rows = [
        {
            "evidence_id": f"T{entity}", "topic": "ai_revenue", "entity": entity, "metric": metric,
            "as_of_date": date(2025, 6, 30), "value": 30e9, "unit": "USD/year", "known_on": date(2025, 7, 30), "grade": "C",
        }
        for entity, metric in estimates.items()
    ]  # fmt: skip
    added = with_provenance(CORE["evidence"], pl.DataFrame(rows))
    evidence = growing["evidence"]
    return {**growing, "evidence": pl.concat([evidence, added.select(evidence.columns)])}


FACTS = {
    "revenue_a_year_earlier": a_year_earlier,
    "revenue_disclosed_and_growing": disclosed_and_growing,
    "all_revenue": all_revenue,
}

# ---- The remedies ----------------------------------------------------------------------------------------------------

KEYS = [("ALL", question) for question in ("Q1", "Q2", "Q3", "Q4", "overall")] + [
    (scope, question) for scope in SCOPES if scope != "ALL" for question in ("Q3", "overall")
]


@pytest.mark.parametrize("key", KEYS)
def test_what_is_said_to_change_an_answer_does(key, snapshot, verdict_with, facts):
    case = snapshot[0][key]
    together = verdict.two_together(case) if not verdict.printed(case) else ()
    for remedies in [[each] for each in verdict.printed(case)] + ([together] if together else []):
        changed, assumed = tried(remedies, case, facts)
        after = verdict_with(key, changed, **assumed)
        assert after != case.verdict, [each.words for each in remedies]
        assert case.is_decided or after != OPEN


@pytest.mark.parametrize("key", [("ALL", "Q1"), ("ALL", "Q2"), ("MSFT", "Q3")])
def test_a_little_short_of_it_the_answer_stays(key, snapshot, verdict_with, facts):
    case = snapshot[0][key]
    drivers = [each for each in verdict.printed(case) if {"driver", "cost"} & set(each.tries)]
    assert drivers
    for remedy in drivers:
        changed, assumed = tried([remedy], case, facts, -BEYOND)
        assert verdict_with(key, changed, **assumed) == case.verdict, remedy.words


def test_the_fact_that_is_named_first_is_the_likeliest_to_change_the_answer(snapshot):
    """By the table of what each single fact is worth; where none can change it, no single fact is named."""
    cases, built = snapshot
    told = {(row["scope"], row["question"]): row["would_change"] for row in built["verdict"].to_dicts()}
    for (scope, question), case in cases.items():
        if question not in ("Q2", "Q3"):
            continue
        worth = built["value_of_information"].filter(scope=scope, question=question).sort("probability_of_change")
        best = worth.filter(pl.col("probability_of_change") > 0).tail(1).to_dicts()
        if best:
            does = "change" if case.is_decided else "settle"
            assert told[scope, question].startswith(f"The fact most likely to {does} it is {best[0]['learn_from']}.")
        else:
            assert "o single fact" in told[scope, question]


def test_growth_that_pays_in_half_of_the_draws_is_not_called_enough(snapshot, verdict_with, facts):
    """At the median break-even growth (100 %) Google's payback stays open: eight draws in ten have to pay."""
    case = snapshot[0]["GOOGL", "Q3"]
    median = case.value("breakeven_growth_median_point_infrastructure")
    [remedy] = verdict.printed(case)
    assert remedy.tries["growth"] > median
    barely = seller(dict(facts), "Google Cloud", remedy.tries["usd"], median)
    assert verdict_with(("GOOGL", "Q3"), barely) == OPEN


def test_every_remedy_that_is_printed_turns_its_verdict_by_the_table(facts, assumptions):
    """On other days too; a remedy that settles an open answer gives a verdict."""
    for day in (date(2025, 1, 28), date(2025, 12, 31), DAY):
        assumed = assumptions.replaced({"draws": 1_000})
        conditions = build(facts, as_of=day, assumptions=assumed, only={"verdict_conditions"})["verdict_conditions"]
        for case in verdict.cases(conditions, assumed.as_of(day)):
            for remedy in case.remedies:
                after = verdict.verdict_after(case, remedy)
                assert after != case.verdict
                assert case.is_decided or after != OPEN
