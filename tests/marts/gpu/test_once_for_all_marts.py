"""What the marts of rents share is computed once, and text is sorted only for rows that nothing before it sets apart."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from warehouse.marts.common import select_current
from warehouse.marts.gpu import same_things
from warehouse.tables.current import By

ORDER = (By("grade"), By("known_on", highest_first=True), By("locator"))


def chosen(*rows: tuple[str, str, int | None, str]) -> list[tuple[str, str]]:
    frame = pl.DataFrame(
        [(thing, grade, day and date(2026, 1, day), locator) for thing, grade, day, locator in rows],
        schema={"thing": pl.String, "grade": pl.String, "known_on": pl.Date, "locator": pl.String},
        orient="row",
    )
    return select_current._first_of_each(frame, ["thing"], ORDER).select("thing", "locator").rows()


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([("a", "B", 9, "1"), ("a", "A", 1, "2")], [("a", "2")]),  # the better grade, though older
        ([("a", "A", 1, "1"), ("a", "A", 2, "2")], [("a", "2")]),  # of one grade the newest
        ([("a", "A", 1, "2"), ("a", "A", 1, "1")], [("a", "1")]),  # then the place in the document
        ([("a", "A", None, "1"), ("a", "A", 1, "2")], [("a", "2")]),  # what is not known goes last
        ([("a", "A", None, "2"), ("a", "A", None, "1")], [("a", "1")]),
        ([("b", "B", 1, "1"), ("a", "A", 1, "2"), ("a", "A", 1, "2")], [("a", "2"), ("b", "1")]),  # in that order
        ([], []),
    ],
)
def test_the_first_row_of_each_thing_in_the_declared_order(rows, expected):
    assert chosen(*rows) == expected


def test_things_of_the_same_prices_are_made_once(facts, monkeypatch):
    """Offers, chain and trend ask for them: each pass over a hundred million readings costs as much as all the rest."""
    made = []
    make = same_things._item_days
    monkeypatch.setattr(same_things, "_item_days", lambda prices: made.append(prices.height) or make(prices))
    prices = facts["gpu_prices"].clone()
    days = same_things.item_days(prices)
    assert same_things.item_days(prices) is days
    stands = same_things.administered(days, 365)
    assert same_things.administered(same_things.item_days(prices), 365) is stands
    assert not same_things.administered(days, 1).equals(stands)
    assert made == [prices.height]
