"""A variant is what a run with that assumption gives, from as many draws; and it changes only what it enters."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from tests.marts.declared import failing
from warehouse.marts import all_marts, build, known
from warehouse.marts.common.scopes import SCOPES, VIEWS
from warehouse.marts.payback import waste_variants
from warehouse.marts.verdict.decision import QUESTIONS

AS_OF = date(2026, 11, 9)
MART = waste_variants.MART


@pytest.fixture(scope="module")
def frames(facts, assumptions) -> dict[str, pl.DataFrame]:
    wanted = set(MART.inputs) & set(all_marts())
    return {**known(facts, AS_OF), **build(facts, as_of=AS_OF, assumptions=assumptions, only={*wanted, "verdict"})}


@pytest.fixture(scope="module")
def variants(frames, assumptions) -> pl.DataFrame:
    found = MART.run(frames, as_of=AS_OF, assumptions=assumptions)
    assert set(failing(MART.table, found).values()) <= {0}
    return found


def verdicts(found: pl.DataFrame, variant: str) -> dict[tuple[str, str], str]:
    return {(r["scope"], r["question"]): r["verdict"] for r in found.filter(pl.col("variant") == variant).to_dicts()}


def value(found: pl.DataFrame, **key: Any) -> float:
    return found.filter(*(pl.col(name) == wanted for name, wanted in key.items()))["value"].item()


def test_every_variant_scope_and_question_is_there(variants):
    keys = variants.select("variant", "scope", "question").unique()
    assert keys.height == len(waste_variants.VARIANTS) * len(SCOPES) * len(QUESTIONS)


def test_with_nothing_replaced_it_is_the_verdict(variants, frames):
    run = {(r["scope"], r["question"]): r["verdict"] for r in frames["verdict"].to_dicts()}
    assert verdicts(variants, "as_assumed") == run


@pytest.mark.parametrize(
    ("variant", "change"),
    [
        ("life_3_years", {"life": 3}),
        ("with_finance_leases", {"include_finance_leases": 1}),
        ("price_window_90_days", {"price_window_days": 90}),
    ],
)
def test_a_variant_is_a_run_with_that_assumption(variant, change, variants, facts, assumptions):
    changed = assumptions.replaced({**change, "draws": waste_variants.DRAWS})
    run = build(facts, as_of=AS_OF, assumptions=changed, only={"verdict"})["verdict"]
    assert verdicts(variants, variant) == {(r["scope"], r["question"]): r["verdict"] for r in run.to_dicts()}


@pytest.mark.parametrize(("variant", "benchmark"), list(waste_variants.BENCHMARKS.items()))
def test_another_benchmark_is_read_from_the_event_study(variant, benchmark, variants, frames):
    row = frames["event_study"].filter(
        pl.col("ticker") == "portfolio:supplier", pl.col("benchmark") == benchmark, pl.col("model") == "market_model",
        pl.col("return_kind") == "simple", pl.col("event_date") == date(2025, 1, 27), pl.col("window_start") == 0,
        pl.col("window_end") == 1,
    )  # fmt: skip
    found = value(variants, variant=variant, scope="ALL", figure="suppliers_car_below_zero_0_1")
    assert found == row["abnormal_return"].item()


def test_hardware_that_lives_three_years_takes_microsofts_verdict_away(variants):
    """The one choice of method 5 that turns a verdict: Microsoft's spend no longer pays in time."""
    changed = variants.filter("is_changed").select("variant", "scope", "question").unique()
    assert sorted(changed.rows()) == [("life_3_years", "MSFT", "Q3"), ("life_3_years", "MSFT", "overall")]


@pytest.mark.parametrize("event", ["coverage_falls_short_infrastructure", "covers_too_late_infrastructure"])
def test_it_moves_as_economics_says(event, variants):
    of = {
        variant: value(variants, variant=variant, scope="MSFT", figure=event)
        for variant in ("life_3_years", "with_finance_leases", "without_finance_leases")
    }
    assert of["life_3_years"] > of["with_finance_leases"] > of["without_finance_leases"]


def test_one_view_alone_shows_that_view_and_touches_the_group_only(variants):
    for variant, view in waste_variants.ONE_VIEW.items():
        rows = variants.filter((pl.col("variant") == variant) & (pl.col("question") == "Q3"))
        of_group = rows.filter(pl.col("scope") == "ALL")
        assert of_group["figure"].str.ends_with(f"_{view}").all()
        assert of_group["is_touched"].all()
        assert not rows.filter(pl.col("scope") != "ALL")["is_touched"].any()


def test_a_view_alone_decides_where_both_together_do_not(frames, assumptions):
    """The industry pays enough, the owners are paid too little: together no verdict, either alone its own."""
    earned = frames["attributable_revenue"].with_columns(is_lower_bound=pl.lit(False)).with_columns(
        pl.when((pl.col("revenue_view") == "end_customer") & pl.col("counted"))
        .then(pl.col("low_usd", "value_usd", "high_usd") * 10)
        .otherwise(pl.col("low_usd", "value_usd", "high_usd"))
    )  # fmt: skip
    found = MART.run({**frames, "attributable_revenue": earned}, as_of=AS_OF, assumptions=assumptions)
    both, paid, owners = (
        verdicts(found, name) for name in ("as_assumed", "end_customer_view_alone", "infrastructure_view_alone")
    )
    assert both["ALL", "Q3"] == "cannot_tell"
    assert paid["ALL", "Q3"] == "not_shown_wasteful"
    assert paid["ALL", "overall"] == "not_shown_wasteful"
    assert owners["ALL", "Q3"] == "cannot_tell", "no glut signal is triggered"
    assert paid["MSFT", "Q3"] == both["MSFT", "Q3"]
    assert VIEWS["MSFT"] == ("infrastructure",)


def test_draws_are_stated_and_never_more_than_asked_for(frames, assumptions):
    found = MART.run(frames, as_of=AS_OF, assumptions=assumptions.replaced({"draws": 1000}))
    assert found["draws"].unique().to_list() == [1000]


def test_nothing_known_cannot_tell(assumptions):
    found = build({}, as_of=AS_OF, assumptions=assumptions, only={MART.name})[MART.name]
    assert set(failing(MART.table, found).values()) <= {0}
    assert found["verdict"].unique().to_list() == ["cannot_tell"]
    assert not found["is_changed"].any()
