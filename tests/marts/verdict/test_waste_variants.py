"""A variant is what a run with that assumption gives, from as many draws; and it changes only what it enters."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from tests.built import build
from tests.marts.declared import failing
from tests.marts.payback.cases import earlier, line, revenue
from warehouse.marts import all_marts, known
from warehouse.marts.common.scopes import SCOPES, VIEWS
from warehouse.marts.verdict import waste_variants
from warehouse.marts.verdict.decision import QUESTIONS

AS_OF = date(2026, 11, 29)
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
        ("cash_capex_only", {"include_finance_leases": 0}),
        ("service_after_4_quarters", {"lag_quarters": 4}),
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
    """The one choice of method 5 that turns a verdict of Q3: growth as seen no longer recovers Microsoft's capital."""
    changed = variants.filter(pl.col("is_changed") & (pl.col("question") == "Q3"))
    assert sorted(changed.select("variant", "scope").unique().rows()) == [("life_3_years", "MSFT")]


def test_it_moves_as_economics_says(variants):
    """Shorter lives make it harder to recover the capital, cash capex alone easier; a longer lag asks less of new revenue."""

    def of(variant: str, figure: str) -> float:
        return value(variants, variant=variant, scope="MSFT", figure=f"{figure}_infrastructure")

    grows = "growth_recovers_capital"
    assert of("life_3_years", grows) < of("as_assumed", grows) < of("cash_capex_only", grows)
    earns = "newest_spend_earns_more"
    assert of("service_without_lag", earns) <= of("as_assumed", earns) <= of("service_after_4_quarters", earns)


def test_one_view_alone_shows_that_view_and_touches_the_group_only(variants):
    one_view = {name: each.view for name, each in waste_variants.VARIANTS.items() if each.view}
    assert [*one_view.values()] == ["infrastructure", "end_customer"]
    for variant, view in one_view.items():
        rows = variants.filter((pl.col("variant") == variant) & (pl.col("question") == "Q3"))
        of_group = rows.filter(pl.col("scope") == "ALL")
        assert of_group["figure"].str.ends_with(f"_{view}").all()
        assert of_group["is_touched"].all()
        assert not rows.filter(pl.col("scope") != "ALL")["is_touched"].any()


def test_a_view_alone_decides_where_both_together_do_not(frames, assumptions):
    """The owners are paid enough, and grew so fast; of end customers a year before is unknown: either view its own."""
    day, before = date(2026, 6, 30), date(2025, 6, 30)
    own = [line("Microsoft", 900e9, day), earlier("Microsoft", 100e9, before)]
    rest = frames["attributable_revenue"].filter(
        (pl.col("scope") != "ALL") | (pl.col("revenue_view") == "end_customer")
    )
    earned = pl.concat([rest, revenue(*own, scope="ALL").select(rest.columns)])
    found = MART.run({**frames, "attributable_revenue": earned}, as_of=AS_OF, assumptions=assumptions)
    both, paid, owners = (
        verdicts(found, name) for name in ("as_assumed", "end_customer_view_alone", "infrastructure_view_alone")
    )
    assert both["ALL", "Q3"] == "cannot_tell"
    assert paid["ALL", "Q3"] == "cannot_tell"
    assert owners["ALL", "Q3"] == "on_course"
    assert owners["MSFT", "Q3"] == both["MSFT", "Q3"]
    assert VIEWS["MSFT"] == ("infrastructure",)


def test_draws_are_stated_and_never_more_than_asked_for(frames, assumptions):
    found = MART.run(frames, as_of=AS_OF, assumptions=assumptions.replaced({"draws": 1000}))
    assert found["draws"].unique().to_list() == [1000]


def test_nothing_known_cannot_tell(assumptions):
    found = build({}, as_of=AS_OF, assumptions=assumptions, only={MART.name})[MART.name]
    assert set(failing(MART.table, found).values()) <= {0}
    assert found["verdict"].unique().to_list() == ["cannot_tell"]
    assert not found["is_changed"].any()
