"""The three parts of an answer: short, plain, and true to the figures, at every date and for made-up facts too."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.built import build
from tests.examples import examples
from tests.marts import made_up
from tests.marts.made_up import conditions_of, every_view, frames, glut, mart_frame, verdicts_of
from tests.marts.verdict.founded import unfounded
from tests.marts.verdict.plain import faults
from warehouse.marts.common.scopes import SCOPES, VIEWS

FEW_DRAWS = {"draws": 2_000, "detail": "deciding"}


def plain(text: str, **changed: str) -> dict[str, str]:
    return {"scope": "ALL", "question": "Q1", "headline": text, "statement": text, "would_change": text, **changed}


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ("AI revenue covers 14 % of what the spend needs.", 0),
        (" ".join(["Word"] * 21) + ".", 1),
        ("Q3 cannot tell.", 3),
        ("The coverage_median is high.", 3),
        ("It takes 1, 2, 3, 4 and 5 years.", 3),
        ("Microsoft filed 2026Q2.", 3),
        ("MSFT grows.", 3),
        ("one sentence", 3),
    ],
)
def test_faults_are_found(said, wrong):
    assert len(faults(plain(said))) == wrong


@pytest.mark.parametrize(
    "day",
    [date(2024, 6, 1), date(2024, 12, 26), date(2025, 1, 28), date(2025, 6, 30), date(2026, 4, 30), date(2026, 11, 29)],
)
def test_every_answer_is_short_and_plain(day, facts, assumptions):
    found = build(facts, as_of=day, assumptions=assumptions.replaced(FEW_DRAWS), only={"verdict"})["verdict"]
    assert [fault for row in found.to_dicts() for fault in faults(row)] == []


shares = st.floats(-3.0, 1.0)
probability = st.one_of(st.none(), st.floats(0.0, 1.0))
flag = st.sampled_from([True, False, None])
dollars = st.one_of(st.none(), st.floats(1e5, 1e9))


ratios = st.one_of(st.none(), st.floats(0.0, 5.0))
growths = st.one_of(st.none(), st.floats(-0.9, 20.0))


@st.composite
def payback_medians(draw) -> list[dict]:
    """Medians of what Q3 says, at each bound of revenue, known or not."""
    drawn = {
        "coverage": ratios,
        "breakeven_growth": growths,
        "marginal_coverage": ratios,
        "breakeven_revenue_usd": dollars,
    }
    return [
        {"scope": scope, "revenue_view": view, "bound": bound, "quantity": quantity, "p50": draw(values), "grade": "C"}
        for scope in SCOPES
        for view in VIEWS[scope]
        for bound in ("lower", "upper", "point")
        for quantity, values in drawn.items()
    ]


@st.composite
def beside(draw) -> list[dict]:
    """The growth that was seen, and the share of draws that meet each verdict by themselves."""
    rows = [
        {"scope": scope, "revenue_view": view, "event": event, "threshold": draw(growths), "grade": "C"}
        for scope in SCOPES
        for view in VIEWS[scope]
        for event in ("breakeven_within_lowest_growth", "breakeven_beyond_highest_growth")
    ]
    for scope in SCOPES:
        on_course = draw(st.floats(0.0, 1.0))
        rows += [
            {"scope": scope, "revenue_view": "none", "event": event, "probability": share, "grade": "C"}
            for event, share in (("draw_is_on_course", on_course), ("draw_falls_short", 1.0 - on_course))
        ]
    return rows


@st.composite
def made_up_frames(draw) -> made_up.Frames:
    """Facts of any size, known or not, of every question."""
    p05, p50, p95 = sorted(draw(st.tuples(shares, shares, shares)))
    window = st.one_of(st.none(), st.tuples(st.floats(-0.9, 0.9), st.floats(0.0, 1.0)))
    return frames(
        training_cost=made_up.costs(draw(dollars), draw(dollars)),
        article_claims=made_up.claims(stated_as=draw(st.sampled_from([None, "programme_cost", "training_cost"]))),
        training_share=made_up.years(y2025=draw(st.booleans())),
        waste_simulation=mart_frame("waste_simulation", [*made_up.simulation(p05, p50, p95), *draw(payback_medians())]),
        waste_probabilities=mart_frame(
            "waste_probabilities",
            [*every_view(*draw(st.tuples(probability, probability, probability))), *draw(beside())],
        ),
        capex_group=made_up.covered(draw(st.one_of(st.none(), st.floats(0.0, 1.0)))),
        glut_signals=glut(
            {name: draw(flag) for name in ("rental_prices", "idle_fleet", "falling_backlog", "impairments")}
        ),
        **made_up.returns(
            {each: draw(window) for each in ((0, 1), (0, 10), (2, 10), (0, 60))},
            smallest=draw(st.floats(0.001, 0.5)),
            day_0=draw(st.one_of(st.none(), st.floats(-0.3, 0.3))),
        ),
        capex_guidance_change=made_up.guidance(draw(st.one_of(st.none(), st.floats(-9e10, 9e10)))),
    )


@settings(max_examples=examples(0.2), suppress_health_check=[HealthCheck.too_slow])
@given(made_up_frames())
def test_whatever_the_facts_an_answer_is_short_plain_and_founded(assumptions, given_frames):
    found = verdicts_of(given_frames, assumptions)
    assert [fault for row in found.values() for fault in faults(row)] == []
    conditions = conditions_of(given_frames, assumptions)
    for (scope, _), row in found.items():
        leanings = {question: found[scope, question]["leaning"] for question in ("Q2", "Q3")}
        assert unfounded(row, conditions, leanings) == []
