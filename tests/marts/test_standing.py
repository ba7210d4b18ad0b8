"""Marts that stand give, with those that are built anew, what building all of them gives; and a small change builds few."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warehouse import marts
from warehouse.assumptions import Assumptions, load
from warehouse.marts.common.mart import Mart
from warehouse.marts.common.standing import Made, digest, known_rows
from warehouse.tables.table import Column, mart

ASSUMPTIONS = load()
EVIDENT = ASSUMPTIONS.dated("cash_margin")["known_from"]
FIRST = EVIDENT - timedelta(days=4)
OTHER = ASSUMPTIONS.replaced({"draws": 1000})


def a_mart(name: str, build) -> Mart:
    return Mart(table=mart(name, "made up", [Column("n", "integer", "number")], key=("n",)), build=build)


def _bars(stock_prices: pl.DataFrame, *, assumptions: Assumptions) -> pl.DataFrame:
    return pl.DataFrame({"n": [stock_prices.height]})


def _filings(company_facts: pl.DataFrame, *, assumptions: Assumptions) -> pl.DataFrame:
    margin = assumptions.distribution("cash_margin").mean if company_facts.height > 1 else 0
    return pl.DataFrame({"n": [company_facts.height, 100 + round(1e6 * margin)]})


def _hundreds(bars: pl.DataFrame, filings: pl.DataFrame, *, assumptions: Assumptions) -> pl.DataFrame:
    return pl.DataFrame({"n": [bars["n"].sum() // 2, -filings["n"].sum()]})


def _dated(hundreds: pl.DataFrame, *, as_of: date, assumptions: Assumptions) -> pl.DataFrame:
    return pl.DataFrame({"n": [hundreds["n"].sum() * 1000 + as_of.day + assumptions.integer("draws")]})


COUNTED: list[date] = []
"""The days that `by_day` counted, one after another."""


def _by_day(core, *, as_of: date, assumptions: Assumptions, standing: pl.DataFrame | None = None) -> pl.DataFrame:
    """How many filings were known on each day since the first."""
    stand = pl.DataFrame(schema=BY_DAY.polars_schema) if standing is None else standing
    todo = [day for day in _days(as_of) if day not in set(stand["as_of"])]
    COUNTED.extend(todo)
    filings = core["company_facts"]["known_on"]
    rows = [{"as_of": day, "n": (filings <= day).sum() * assumptions.integer("draws")} for day in todo]
    return pl.concat([stand, BY_DAY.conform(pl.DataFrame(rows, schema={"as_of": pl.Date, "n": pl.Int64}))])


def _days(as_of: date) -> list[date]:
    return [FIRST + timedelta(days=n) for n in range((as_of - FIRST).days + 1)]


def _of_days(frames, as_of: date, assumptions: Assumptions) -> dict[date, str]:
    known = known_rows(frames["company_facts"])
    return {day: digest(known(day), assumptions.sha256) for day in _days(as_of)[:-1]}


BY_DAY = mart(
    "by_day",
    "made up",
    [Column("as_of", "date", "day", required=True), Column("n", "integer", "number")],
    key=("as_of",),
)
CHAIN = {
    name: a_mart(name, build)
    for name, build in {"bars": _bars, "filings": _filings, "hundreds": _hundreds, "dated": _dated}.items()
} | {"by_day": Mart(table=BY_DAY, build=_by_day, of_days=_of_days)}


@pytest.fixture
def chain(monkeypatch):
    chain = dict(CHAIN)
    monkeypatch.setattr(marts, "all_marts", lambda: chain)
    return chain


class Kept:
    """What runs keep one after another, as a warehouse does: the rows of each mart, and how it was made."""

    def __init__(self) -> None:
        self.rows: dict[str, pl.DataFrame] = {}
        self.made: dict[str, Made] = {}

    def run(self, facts, day: date, assumptions: Assumptions = ASSUMPTIONS, program: str = "") -> set[str]:
        """Build what does not stand; gives the names of it."""
        built, self.made = marts.build_changed(
            facts,
            as_of=day,
            assumptions=assumptions,
            before=self.made,
            read=self.rows.__getitem__,
            program=program,
        )
        self.rows |= built
        return set(built)


def facts_known(bars: list[date], filings: list[date]) -> dict[str, pl.DataFrame]:
    schema = {"known_on": pl.Date}
    tables = {"stock_prices": bars, "company_facts": filings}
    return {name: pl.DataFrame({"known_on": sorted(days)}, schema=schema) for name, days in tables.items()}


DAY = st.integers(0, 9).map(lambda n: FIRST + timedelta(days=n))
STEP = st.tuples(DAY, st.lists(DAY, max_size=3), st.lists(DAY, max_size=3), st.sampled_from([ASSUMPTIONS, OTHER]))


@settings(max_examples=40)
@given(st.lists(STEP, min_size=2, max_size=6))
def test_increments_in_any_order_give_what_building_all_gives(steps):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(marts, "all_marts", lambda: CHAIN)
        kept, bars, filings = Kept(), [], []
        for day, more_bars, more_filings, assumptions in steps:
            bars, filings = bars + more_bars, filings + more_filings
            facts = facts_known(bars, filings)
            kept.run(facts, day, assumptions)
            whole = marts.build(facts, as_of=day, assumptions=assumptions)
            assert [name for name in whole if not kept.rows[name].equals(whole[name])] == []


def test_a_mart_is_built_again_only_where_what_it_read_changed(chain):
    chain.pop("by_day")
    kept, day = Kept(), FIRST
    facts = facts_known([FIRST] * 4, [FIRST])
    assert kept.run(facts, day) == set(chain)
    assert kept.run(facts, day) == set()
    assert kept.run(facts, day + timedelta(days=1)) == {"dated"}, "the others cannot look at the day"
    assert kept.run(facts, day) == {"dated"}
    more = facts_known([FIRST] * 5, [FIRST])
    assert kept.run(more, day) == {"bars", "hundreds"}, "5 // 2 is 4 // 2: who reads `hundreds` sees no difference"
    assert kept.run(more, day, OTHER) == {"dated"}, "it alone looks up the draws"
    assert kept.run(more, day, OTHER, program="another") == set(chain)
    early = facts_known([FIRST] * 5, [FIRST] * 2)
    assert kept.run(early, day, OTHER, program="another") == {"filings", "hundreds", "dated"}
    assert kept.run(early, EVIDENT, OTHER, program="another") == {"filings", "hundreds", "dated"}, (
        "its evidence is public"
    )


def test_of_a_mart_that_answers_day_by_day_only_days_are_built_whose_facts_changed(chain):
    def counted(bars: list[date], filings: list[date], day: date) -> list[date]:
        COUNTED.clear()
        kept.run(facts_known(bars, filings), day)
        return list(COUNTED)

    kept, [one, two, three, four] = Kept(), _days(FIRST + timedelta(days=3))
    assert counted([], [one], two) == [one, two]
    assert counted([], [one], three) == [two, three], "yesterday's own answer is another mart's, and is made once more"
    assert counted([], [one, three], four) == [three, four]
    assert counted([four], [one, three], four) == [four]
    assert counted([four], [one, two, three], four) == [two, three, four]


# -- the marts themselves: counts that keep what was won, without a clock ---------------------------------------------


def reached(facts: set[str]) -> set[str]:
    """Marts that read one of these frames, directly or not, or ask for the day."""
    found = set(facts)
    for name, each in marts.all_marts().items():
        if not each.is_dateless or found & set(each.inputs):
            found.add(name)
    return found - facts


READ_EVERYTHING = {"claim_check", "required_path", "verdict_timeline", "waste_variants"}
"""They answer as of earlier days, or under other assumptions, and so read all facts."""


def test_what_asks_for_the_day_is_counted():
    """A mart that takes the day is built again every day; one that has no need of it must not."""
    assert {name for name, each in marts.all_marts().items() if not each.is_dateless} == READ_EVERYTHING | {
        "breakeven_path", "capex_guidance_change", "glut_signals", "gpu_price_trend", "method_changes",
        "published_estimates", "training_comparison", "training_share", "verdict",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("table", "untouched"),
    {"stock_prices": 14, "company_facts": 15, "gpu_prices": 13, "evidence": 17}.items(),
)
def test_a_new_fact_leaves_other_marts_alone(table, untouched):
    assert len(marts.all_marts()) - len(reached({table})) == untouched
