"""Facts that deserve each verdict of Q2 and Q3 get it, by way of the simulation."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.marts import made_up
from tests.marts.payback.cases import (
    A_YEAR_BEFORE,
    FEW,
    bound,
    earlier,
    grown,
    line,
    revenue,
    run,
    share,
    vintages,
)
from tests.marts.payback.cases import row as row_of
from warehouse.assumptions import Assumptions, load
from warehouse.marts.common.reasons import codes

BILLION = 1_000_000_000
SPENT: dict[int, int | None] = {2024: 40 * BILLION, 2025: 100 * BILLION, 2026: 40 * BILLION}


def verdict_of(question: str, assumptions: Assumptions, *, signals: dict | None = None, **changed) -> str:
    found = run(assumptions.replaced(FEW), **changed)
    frames = made_up.frames(**found, **{name: changed[name] for name in changed if name != "capex_vintages"})
    frames["glut_signals"] = made_up.glut(signals or {})
    frames.pop("capex_vintages", None)
    return made_up.verdicts_of(frames, assumptions)["MSFT", question]["verdict"]


@pytest.mark.parametrize(
    ("flop", "elasticity", "wanted"),
    [
        (1e29, 0.2, "looks_wasteful"),  # training is most of the fleet's work, demand hardly responds
        (1e25, 0.2, "not_shown_wasteful"),  # training is next to nothing
        (1e29, 1.2, "not_shown_wasteful"),  # cheaper training calls for more
        (1.5e27, 0.2, "cannot_tell"),  # the median is below the threshold and the tail above it
    ],
)
def test_reach_of_q2(flop, elasticity, wanted, assumptions):
    assert verdict_of("Q2", assumptions.replaced({"elasticity": elasticity}), training_share=share(flop=flop)) == wanted


# ---- Q3: revenue of 20 billion against 140 billion of capex, growth and what came in a year set by each case -----------


@pytest.mark.parametrize(
    ("now", "before", "wanted", "leaning"),
    [
        (60e9, 20e9, "on_course", None),  # grows threefold, and needs no growth at all
        (20e9, 19e9, "falls_short", None),  # 5 % a year, and the newest spend brought next to nothing
        (0.5e9, 0.125e9, "falls_short", None),  # four times as much a year is not enough
        (20e9, 5e9, "on_course", None),
        (60e9, 58e9, "cannot_tell", None),  # pays without growing, but the newest spend earns less than the average
        (40e9, None, "cannot_tell", "on_course"),  # a year before is unknown: by assumed growth it pays in most draws
        (2e9, None, "cannot_tell", "falls_short"),
    ],
)
def test_reach_of_q3(now, before, wanted, leaning, assumptions):
    row = q3_of(assumptions, attributable_revenue=grown(now, before))
    assert (row["verdict"], row["leaning"]) == (wanted, leaning)
    assert (row["leaning_probability"] is None) == (leaning is None)
    if leaning:
        assert row["leaning_probability"] >= 0.6
        assert "leaning_by_growth_alone" in codes(row["reasons"])


def q3_of(assumptions: Assumptions, scope: str = "MSFT", **changed) -> dict:
    found = run(assumptions.replaced(FEW), **changed)
    lines = changed.get("attributable_revenue", grown())
    return made_up.verdicts_of(made_up.frames(**found, attributable_revenue=lines), assumptions)[scope, "Q3"]


@pytest.mark.parametrize(
    ("life", "wanted"),
    [({"distribution": "uniform", "low": 3, "high": 6}, "on_course"), (2.0, "cannot_tell"), (1.2, "falls_short")],
)
def test_shortened_lives_take_a_verdict_away_and_then_turn_it(life, wanted, assumptions):
    lines = grown(40e9, 12e9)
    assert q3_of(assumptions.replaced({"life": life}), attributable_revenue=lines)["verdict"] == wanted


@pytest.mark.parametrize(
    ("bound_usd", "own_usd", "wanted"),
    [
        (500e9, None, "cannot_tell"),  # at nothing it falls short, at its whole cloud it pays
        (500e9, 0.0, "cannot_tell"),  # a zero is no revenue: no verdict and no figure
        (500e9, 60e9, "on_course"),
        (500e9, 500e9, "on_course"),
        (1e9, None, "cannot_tell"),  # nor its whole cloud could pay; what it had a year before is unknown
    ],
)
def test_a_seller_without_a_figure_gets_a_verdict_only_once_it_gives_one(bound_usd, own_usd, wanted, assumptions):
    """Google at nothing, 60 and 500 billion, four times as much as the year before."""
    lines = (
        revenue(bound("Google Cloud", bound_usd))
        if own_usd is None
        else grown(own_usd, own_usd / 4, entity="Google Cloud")
    )
    lines = lines.with_columns(scope=pl.lit("GOOGL"))
    capex = vintages(SPENT, "GOOGL")
    row = q3_of(assumptions, "GOOGL", attributable_revenue=lines, capex_vintages=capex)
    assert row["verdict"] == wanted
    if own_usd == 0:
        assert "revenue_zero" in codes(row["reasons"])
        assert row["leaning"] is None


def test_falling_short_holds_at_the_upper_bound_and_being_on_course_at_the_lower(assumptions):
    """Two sellers, one without a figure, and the first one's year known: only a wide bound leaves it open."""
    capex = pl.concat(
        [vintages({2024: BILLION, 2025: BILLION, 2026: BILLION}, name) for name in ("GOOGL", "META", "AMZN")]
    )
    capex = pl.concat([capex, vintages(SPENT)])
    alone = [line("Microsoft", 60e9), earlier("Microsoft", 15e9, A_YEAR_BEFORE)]
    lines = revenue(*alone, bound("Google Cloud", 20e9), scope="ALL")
    found = run(assumptions.replaced(FEW), ("waste_probabilities",), attributable_revenue=lines, capex_vintages=capex)
    at = {"scope": "ALL", "revenue_view": "infrastructure"}
    lower, upper = (
        row_of(found["waste_probabilities"], **at, bound=name, event=event)["probability"]
        for name, event in (("lower", "marginal_above_coverage"), ("upper", "falls_short"))
    )
    assert lower > 0.8
    assert upper is None


@pytest.mark.parametrize("known", [True, False])
def test_a_verdict_has_to_hold_at_both_ends_of_an_unknown_quarter(known, assumptions):
    """With 100 billion of 2025 it pays; were the unknown fourth quarter of 400 billion spent, it would not."""
    frame = vintages(SPENT)
    gap = pl.col("calendar_quarter") == "2025Q4"
    high = pl.when(gap).then(400e9).otherwise("capex_high_usd")
    frame = frame.with_columns(
        is_known=~gap | pl.lit(known),
        capex_high_usd=high,
        capex_low_usd=pl.when(gap).then(0.0).otherwise("capex_low_usd"),
    )
    row = q3_of(assumptions, attributable_revenue=grown(40e9, 12e9), capex_vintages=frame)
    assert row["verdict"] == ("on_course" if known else "cannot_tell")


@settings(max_examples=examples(0.2))
@given(st.floats(1e9, 200e9), st.floats(1.05, 5), st.floats(1, 3))
def test_more_revenue_that_came_in_the_last_year_never_makes_it_worse(now, rise, factor):
    """The same year before: with more today, growth, coverage and what the year brought all rise."""
    rank = {"falls_short": 0, "cannot_tell": 1, "on_course": 2}
    before = now / rise
    worse, better = (q3_of(load(), attributable_revenue=grown(usd, before))["verdict"] for usd in (now, now * factor))
    assert rank[better] >= rank[worse]
