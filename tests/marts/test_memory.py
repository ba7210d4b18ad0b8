"""What is kept from day to day changes no row, in whatever order the days come, and saves the runs that it can."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from warehouse.assumptions import Assumptions, load
from warehouse.marts.common.mart import Mart
from warehouse.marts.common.memory import Memory
from warehouse.marts.common.standing import Noting
from warehouse.tables.table import Column, mart

ASSUMPTIONS = load()
EVIDENT = ASSUMPTIONS.dated("cash_margin")["known_from"]
FIRST = EVIDENT - timedelta(days=5)
DAYS = st.lists(st.integers(0, 9).map(lambda n: FIRST + timedelta(days=n)), min_size=1, max_size=12)


def a_mart(name: str, build) -> Mart:
    return Mart(table=mart(name, "made up", [Column("n", "integer", "number")], key=("n",)), build=build)


def _asks_where_there_is_much(facts: pl.DataFrame, *, assumptions: Assumptions) -> pl.DataFrame:
    """A mart that asks for the dated entry only where it has more than two facts."""
    margin = assumptions.distribution("cash_margin").mean if facts.height > 2 else 0
    return pl.DataFrame({"n": [facts.height, round(1e6 * margin)]}).unique()


def _halves(first: pl.DataFrame, *, assumptions: Assumptions) -> pl.DataFrame:
    return pl.DataFrame({"n": [first["n"].max() // 2]})


def _dated(halves: pl.DataFrame, *, as_of: date, assumptions: Assumptions) -> pl.DataFrame:
    return pl.DataFrame({"n": [halves["n"].item() * 1000 + as_of.day]})


CHAIN = [a_mart("first", _asks_where_there_is_much), a_mart("halves", _halves), a_mart("dated", _dated)]


def built(day: date, known_on: list[date], assumptions: Assumptions, memory: Memory | None) -> pl.DataFrame:
    facts = pl.DataFrame({"known_on": known_on}, schema={"known_on": pl.Date}).filter(pl.col("known_on") <= day)
    frames = {"facts": memory.same("facts", facts) if memory else facts}
    for each in CHAIN:
        given = {"as_of": day, "assumptions": assumptions}
        frames[each.name] = memory.run(each, frames, **given) if memory else each.run(frames, **given)
    return frames["dated"]


@given(DAYS, st.lists(st.integers(0, 9).map(lambda n: FIRST + timedelta(days=n)), max_size=6))
def test_days_in_any_order_give_what_each_gives_alone(days, known_on):
    memory = Memory()
    for day in days:
        alone = built(day, known_on, ASSUMPTIONS, None)
        assert built(day, known_on, ASSUMPTIONS, memory).equals(alone)
    # By facts known: as many runs as there are counts of facts, and one more where the entry was asked for and turned.
    counts = {(n := sum(each <= day for each in known_on), n > 2 and day >= EVIDENT) for day in days}
    assert memory.runs["first"] == len(counts)
    assert memory.runs["dated"] == len(days)


def test_what_gives_the_same_rows_again_is_not_built_upon_again():
    memory = Memory()
    seen = []

    def upon(first: pl.DataFrame, *, assumptions: Assumptions) -> pl.DataFrame:
        seen.append(first)
        return first

    one, two = a_mart("first", lambda facts, *, assumptions: facts.select(n=pl.lit(7)).head(1)), a_mart("upon", upon)
    for count in (1, 2, 3):
        frames = {"facts": pl.DataFrame({"x": list(range(count))})}
        for each in (one, two):
            frames[each.name] = memory.run(each, frames, as_of=FIRST, assumptions=ASSUMPTIONS)
    assert memory.runs == {"first": 3, "upon": 1}
    assert len(seen) == 1


def test_frames_that_hold_the_same_are_one_and_others_are_not():
    memory = Memory()
    frame = pl.DataFrame({"n": [1, None], "of": [["a"], None]})
    assert memory.same("x", frame.clone()) is memory.same("x", frame)
    assert memory.same("x", frame.with_columns(n=pl.lit(2))) is not memory.same("x", frame)
    assert memory.same("x", frame.head(1)).height == 1


def test_another_assumptions_file_is_not_taken_for_the_first():
    memory, frames = Memory(), {"facts": pl.DataFrame({"known_on": [FIRST] * 3})}
    found = [
        memory.run(CHAIN[0], frames, as_of=FIRST, assumptions=ASSUMPTIONS.replaced({"cash_margin": margin}))["n"].max()
        for margin in (0.5, 0.6)
    ]
    assert found == [500_000, 600_000]


def test_every_way_to_ask_for_an_entry_is_noted():
    ways = [
        lambda a: a["life"], lambda a: a.get("life"), lambda a: "life" in a, lambda a: a.distribution("life"),
        lambda a: a.is_early("life"), lambda a: dict(a), lambda a: a.replaced({"draws": 20_000}),
    ]  # fmt: skip
    for way in ways:
        noting = Noting(ASSUMPTIONS.as_of(FIRST))
        way(noting.as_of(FIRST))
        assert "life" in noting.asked
    for name, way in {
        "seed": Assumptions.integer,
        "q3_probability": Assumptions.number,
        "events": Assumptions.value,
    }.items():
        noting = Noting(ASSUMPTIONS.as_of(FIRST))
        way(noting, name)
        assert noting.asked == {name}
