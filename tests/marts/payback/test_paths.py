"""The path that breaks even is compound growth at g*, kept as published, and held against what came later."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from tests.built import build
from tests.marts.declared import failing
from tests.marts.payback.cases import AS_OF, FEW, ON, POINTS_Q3, grown, inputs, line, revenue, row, run
from warehouse.marts import all_marts
from warehouse.marts.common.reasons import codes
from warehouse.marts.payback import breakeven_path, path_scores
from warehouse.marts.verdict import required_path
from warehouse.marts.verdict.verdict_timeline import days

AT = {"scope": "MSFT", "revenue_view": "infrastructure"}


def path(assumptions, **changed) -> pl.DataFrame:
    return run(assumptions, ("breakeven_path",), **changed)["breakeven_path"]


def test_the_path_grows_by_the_growth_that_breaks_even(assumptions):
    """All certain: 20 billion of June 2026, a year later 20 x (1 + g*), at the end of September a quarter of that on."""
    certain = assumptions.replaced({**POINTS_Q3, **FEW})
    found = path(certain)
    assert set(failing(breakeven_path.TABLE, found).values()) <= {0}
    simulated = run(certain, ("waste_simulation",))["waste_simulation"]
    growth = row(simulated, **AT, bound="point", quantity="breakeven_growth")["p50"]
    for end in (date(2026, 9, 30), date(2027, 6, 30), date(2028, 6, 30)):
        at = row(found, **AT, quarter_end=end)
        years = (end - ON).days / 365.25
        for name in ("p20", "p50", "p80"):
            assert at[f"required_revenue_{name}_usd"] == pytest.approx(20e9 * (1 + growth) ** years)
            assert at[f"start_{name}_usd"] == 20e9
    assert found.filter(pl.col("scope") == "MSFT")["quarter_end"].to_list()[0] == date(2026, 9, 30)
    assert found.filter(pl.col("scope") == "MSFT").height == 8


def test_a_path_without_revenue_or_without_an_end_says_why(assumptions):
    few = assumptions.replaced(FEW)
    none = row(path(few), scope="META", revenue_view="infrastructure", quarter_end=date(2026, 9, 30))
    assert (none["required_revenue_p50_usd"], bool(none["reasons"])) == (None, True)
    endless = row(path(few, attributable_revenue=grown(1e6, 5e5)), **AT, quarter_end=date(2026, 9, 30))
    assert endless["required_revenue_p50_usd"] is None
    assert "path_has_no_end" in codes(endless["reasons"])


@pytest.fixture(scope="module")
def kept(facts, assumptions) -> dict[str, pl.DataFrame]:
    few = assumptions.replaced(FEW)
    return build(facts, as_of=date(2026, 8, 31), assumptions=few, only={"path_scores", "verdict_timeline"})


def test_each_day_has_the_path_of_a_run_on_that_day(kept, facts, assumptions):
    found = kept["required_path"]
    assert set(failing(required_path.TABLE, found).values()) <= {0}
    assert sorted(set(found["as_of"])) == list(days(date(2026, 8, 31), assumptions))
    for day in (date(2025, 6, 30), date(2026, 4, 30)):
        alone = build(facts, as_of=day, assumptions=assumptions.replaced(FEW), only={"breakeven_path"})[
            "breakeven_path"
        ]
        then = found.filter(pl.col("as_of") == day)
        columns = ["scope", "revenue_view", "quarter_end", "required_revenue_p50_usd", "starts_on", "grade"]
        assert then.select(columns).equals(alone.select(columns))


def test_later_facts_are_held_against_the_paths_before_them(kept):
    found = kept["path_scores"]
    assert set(failing(path_scores.TABLE, found).values()) <= {0}
    once = found.filter("is_last_before").select("evidence_id", "position")
    assert dict(once.rows())["EV2001"] == "above", "37 billion where at most 31 were needed"
    assert found.filter(pl.col("path_as_of") >= pl.col("known_on")).is_empty()
    assert once["evidence_id"].is_unique().all()


@pytest.mark.parametrize(("usd", "position"), [(30e9, "above"), (24e9, "inside"), (19e9, "below")])
def test_a_fact_lies_above_inside_or_below(usd, position, assumptions):
    """The path of 20 billion leads through 22 to 26 at the end of September; a fact of October is held against it."""
    published = path(assumptions.replaced(FEW)).with_columns(
        required_revenue_p20_usd=22e9, required_revenue_p50_usd=24e9, required_revenue_p80_usd=26e9
    )
    fact = revenue(line("Microsoft", usd, date(2026, 9, 30), known_on=date(2026, 10, 28)))
    frames = {**inputs(), "required_path": published, "attributable_revenue": fact}
    scored = all_marts()["path_scores"].run(frames, as_of=date(2026, 11, 1), assumptions=assumptions)
    assert scored.select("position", "path_as_of", "found_usd").rows() == [(position, AS_OF, usd)]


def test_a_fact_that_the_path_knew_is_no_score(assumptions):
    published = path(assumptions.replaced(FEW))
    frames = {**inputs(), "required_path": published}
    scored = all_marts()["path_scores"].run(frames, as_of=date(2026, 11, 1), assumptions=assumptions)
    assert scored.is_empty()
