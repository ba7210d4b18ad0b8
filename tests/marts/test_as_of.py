"""No mart looks ahead, and none depends on the order of its facts (method 8).

Both are properties of every mart, also of one that somebody adds tomorrow, so they are tested on all there are: facts
known after a day may be changed, doubled or dropped at will, and every row of every table may stand anywhere.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache

import polars as pl
import pytest

from tests.repeats import once
from tests.timeline import DAYS, QUICK, days_told, every_mart, shortened
from warehouse.marts import build, known
from warehouse.tables import CORE


def built(facts: dict[str, pl.DataFrame], day: date) -> dict[str, pl.DataFrame]:
    with shortened(days_told(day)):
        return build(facts, as_of=day, assumptions=QUICK)


@pytest.fixture(scope="module")
def honest(facts):
    """Every mart as of a day, from the facts as they are."""
    return cache(lambda day: every_mart(facts, day))


def differing(one: dict[str, pl.DataFrame], other: dict[str, pl.DataFrame]) -> list[str]:
    """Names of marts that are not the same in every byte: values, nulls, types and the order of rows."""
    assert set(one) == set(other)
    return [name for name in one if one[name].schema != other[name].schema or not one[name].equals(other[name])]


def tempted(facts: dict[str, pl.DataFrame], day: date, table: str, change: str, factor: float, later: int, seed: int):
    """`facts`, where some rows of a table known after `day` are changed, dropped, or said once more of the same thing.

    An added row copies one that was known by `day`, with other figures, the best grade and a day after `day`.
    """
    declared = CORE[table]
    numbers = [c.name for c in declared.columns if c.type in ("integer", "real") and c.name not in declared.key]
    frame = facts[table]
    other = [(pl.col(n) * factor).cast(frame.schema[n]).alias(n) for n in numbers]
    early, after = frame.filter(pl.col("known_on") <= day), frame.filter(pl.col("known_on") > day)
    if change == "dropped":
        after = after.sample(fraction=0.5, seed=seed)
    elif change == "changed":
        after = after.with_columns(*other, grade=pl.lit("A"))
    else:
        said_again = early.sample(fraction=min(1.0, 500 / max(early.height, 1)), seed=seed).with_columns(
            *other, known_on=pl.lit(day + timedelta(days=later)), grade=pl.lit("A")
        )
        after = pl.concat([after, declared.conform(said_again)])
    return {**facts, table: pl.concat([early, after])}


def temptations(day: date) -> dict[str, tuple[str, float, int]]:
    """What is done to each table: over the days of this file every table has each change, with other factors and delays."""
    turn = DAYS.index(day)
    kinds, factors, later = ("said again", "changed", "dropped"), (0.0, 0.1, 10.0, -1.0), (1, 40, 400)
    return {
        table: (kinds[(place + turn) % 3], factors[(place + turn) % 4], later[(place // 3 + turn) % 3])
        for place, table in enumerate(sorted(CORE))
    }


SHOWN = "tests/marts/test_as_of.py::test_facts_known_after_a_day_and_the_order_of_all_change_no_mart_as_of_it"


@pytest.mark.parametrize("day", once(DAYS, shown_by=SHOWN))
def test_facts_known_after_a_day_and_the_order_of_all_change_no_mart_as_of_it(facts, honest, day):
    changed = facts
    for table, change in temptations(day).items():
        changed = tempted(changed, day, table, *change, seed=7)
    shuffled = {name: frame.sample(fraction=1.0, shuffle=True, seed=7) for name, frame in changed.items()}
    assert differing(honest(day), built(shuffled, day)) == []


def test_the_temptation_is_one(facts, honest):
    """The same changed facts, known on the day itself, do change marts: the test above does not pass for want of change."""
    day = DAYS[0]
    for table, mart in {
        "stock_prices": "event_study",
        "training_runs": "training_cost",
        "evidence": "claim_check",
    }.items():
        changed = tempted(facts, day, table, "said again", 10.0, 1, 7)
        on_the_day = pl.col("known_on") == day + timedelta(days=1)
        changed[table] = changed[table].with_columns(
            known_on=pl.when(on_the_day).then(pl.lit(day)).otherwise("known_on")
        )
        found = build(changed, as_of=day, assumptions=QUICK, only={mart})
        assert not found[mart].equals(honest(day)[mart]), table


def test_the_order_of_facts_changes_no_turning_value(facts):
    """The whole sensitivity, tornado and turning values too."""
    whole = QUICK.replaced({"detail": "all"})
    shuffled = {name: frame.reverse() for name, frame in facts.items()}
    names = {"waste_sensitivity", "verdict"}
    one, other = (build(given, as_of=DAYS[2], assumptions=whole, only=names) for given in (facts, shuffled))
    assert differing(one, other) == []


@pytest.mark.parametrize(
    ("fact", "told_on"),
    [
        ("CC107", date(2025, 3, 3)),  # CoreWeave's lives of servers since 2023: private until it filed its Form S-1
        ("CC074", date(2025, 5, 20)),  # Google's tokens of May 2024: told beside those of May 2025
    ],
)
def test_what_was_told_later_does_not_count_before(fact, told_on, facts):
    """A fact is public from the day that it was told, however long ago the thing is that it is about."""
    for day, is_known in ((told_on - timedelta(days=1), False), (told_on, True)):
        assert (fact in known(facts, day)["evidence"]["evidence_id"].to_list()) == is_known
