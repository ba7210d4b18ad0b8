"""Facts set to what they might have been: verdict, leaning and sentence move together, as the method says (method 5, 7)."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from tests.built import build
from tests.conftest import with_provenance
from tests.marts.verdict.founded import unfounded
from tests.marts.verdict.plain import faults
from warehouse.tables import CORE

DAY = date(2026, 11, 29)
FEW = {"draws": 2_000, "detail": "deciding"}
Facts = dict[str, pl.DataFrame]


def seller(facts: Facts, entity: str, usd: float, growth: float) -> Facts:
    """What a seller discloses: `usd` a year in mid 2026, and a year earlier so much that it grew by `growth`."""
    evidence = facts["evidence"]
    rows = [
        {
            "evidence_id": f"T{entity} {day.year}", "topic": "ai_revenue", "entity": entity, "metric": "ai_run_rate",
            "as_of_date": day, "value": value, "unit": "USD/year", "known_on": known_on, "grade": "A",
        }
        for day, known_on, value in (
            (date(2026, 6, 30), date(2026, 7, 30), usd),
            (date(2025, 6, 30), date(2025, 7, 30), usd / (1 + growth)),
        )
    ]  # fmt: skip
    own = (pl.col("entity") == entity) & pl.col("metric").is_in(["ai_run_rate", "ai_share_of_cloud_revenue"])
    added = with_provenance(CORE["evidence"], pl.DataFrame(rows))
    return {**facts, "evidence": pl.concat([evidence.filter(~own), added.select(evidence.columns)])}


def idle(facts: Facts, shortening: tuple[str, ...] = ("Microsoft", "Amazon", "Meta")) -> Facts:
    """An owner who says that under half of its fleet is in use, and owners who shorten the lives of their servers, all in
    one summer."""
    known_on = date(2026, 8, 1)
    rows = [
        {"evidence_id": "T1", "topic": "capacity", "entity": "Microsoft", "metric": "fleet_utilisation", "value": 0.3,
         "unit": "share"},
        *(
            {"evidence_id": f"T{name}", "topic": "useful_life", "entity": name, "metric": "server_useful_life",
             "value": 3.0, "unit": "years"}
            for name in shortening
        ),
    ]  # fmt: skip
    about = {"as_of_date": date(2026, 7, 1), "known_on": known_on, "grade": "A"}
    added = with_provenance(CORE["evidence"], pl.DataFrame([{**row, **about} for row in rows]))
    evidence = facts["evidence"]
    return {**facts, "evidence": pl.concat([evidence, added.select(evidence.columns)])}


def answers(facts: Facts, assumptions) -> tuple[dict[tuple[str, str], dict], pl.DataFrame]:
    built = build(facts, as_of=DAY, assumptions=assumptions.replaced(FEW), only={"verdict"})
    rows = {(row["scope"], row["question"]): row for row in built["verdict"].to_dicts()}
    return rows, built["verdict_conditions"]


def hold(rows: dict[tuple[str, str], dict], conditions: pl.DataFrame) -> None:
    """Every answer is plain and says nothing that its figures do not bear."""
    for (scope, _), row in rows.items():
        leanings = {question: rows[scope, question]["leaning"] for question in ("Q2", "Q3")}
        assert faults(row) == []
        assert unfounded(row, conditions, leanings) == []


@pytest.mark.parametrize(
    ("usd", "growth", "payback"),
    [
        # What Google would earn and grow by -> what its payback is by the method.
        (5e9, 0.2, "falls_short"),  # a twentieth of what is required, growing by a fifth
        (60e9, 3.0, "on_course"),  # most of what is required, and three quarters of it came within the year
        (500e9, 3.0, "on_course"),
        (500e9, 0.2, None),  # many times what is required: whatever it is, it does not fall short
        (60e9, 0.2, None),
        (0.0, 0.0, "cannot_tell"),  # no revenue at all is no figure
    ],
)
def test_google_at_other_revenue_and_growth(usd, growth, payback, facts, assumptions):
    rows, conditions = answers(seller(facts, "Google Cloud", usd, growth), assumptions)
    hold(rows, conditions)
    found = rows["GOOGL", "Q3"]["verdict"]
    assert found == payback if payback else found != "falls_short"
    if payback == "falls_short":
        assert rows["GOOGL", "overall"]["verdict"] == "at_risk"
        assert "falls short" in rows["GOOGL", "Q3"]["headline"]
    if (usd, growth) == (500e9, 0.2):
        assert rows["GOOGL", "Q3"]["headline"] == (
            "AI revenue covers what Google's spend needs, but the newest spend earns less than the average."
        )


def test_signs_of_a_glut_turn_a_risk_into_waste(facts, assumptions):
    rows, conditions = answers(idle(seller(facts, "Google Cloud", 5e9, 0.2)), assumptions)
    hold(rows, conditions)
    assert rows["GOOGL", "Q3"]["verdict"] == "falls_short"
    assert rows["GOOGL", "overall"]["verdict"] == "looks_wasteful"
    assert "amid a glut" in rows["GOOGL", "overall"]["headline"]
    assert "signs of a glut" in rows["ALL", "overall"]["statement"]


def test_one_sign_of_a_glut_leaves_it_a_risk(facts, assumptions):
    """A fleet at 30 %; one firm alone that shortens lives is no sign."""
    rows, conditions = answers(idle(seller(facts, "Google Cloud", 5e9, 0.2), ("Amazon",)), assumptions)
    hold(rows, conditions)
    assert rows["GOOGL", "overall"]["verdict"] == "at_risk"
    assert "few signs of a glut" in rows["GOOGL", "overall"]["headline"]
    assert rows["GOOGL", "overall"]["would_change"] == "Two signs of a glut instead of one would change it."


@pytest.mark.parametrize("day", [date(2025, 1, 28), date(2025, 10, 31), DAY])
def test_what_is_said_of_the_facts_follows_from_their_figures(day, facts, assumptions):
    built = build(facts, as_of=day, assumptions=assumptions.replaced(FEW), only={"verdict"})
    hold({(row["scope"], row["question"]): row for row in built["verdict"].to_dicts()}, built["verdict_conditions"])
