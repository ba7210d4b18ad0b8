"""What the tests share is what the product builds, and is built anew where anything that a mart read has changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date

import polars as pl
import pytest

from tests import built
from warehouse import marts
from warehouse.marts.common.mart import Mart
from warehouse.marts.common.standing import Noting

DAY = date(2026, 11, 9)
SOME = {"training_comparison", "capex_vs_training", "glut_signals"}


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch, tmp_path) -> Iterator[Counter[str]]:
    """How often each mart is built, from nothing that was built before."""
    counted: Counter[str] = Counter()
    run = Mart.run

    def counting(mart: Mart, *given, **more) -> pl.DataFrame:
        counted[mart.name] += 1
        return run(mart, *given, **more)

    monkeypatch.setattr(Mart, "run", counting)
    monkeypatch.setattr(built, "FOLDER", [tmp_path])
    forget(monkeypatch)
    return counted


def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """As another process: nothing is known but what lies in the shared folder."""
    monkeypatch.setattr(built, "_frames", type(built._frames)())
    monkeypatch.setattr(built, "_reads", {})


def test_what_is_shared_is_what_the_product_builds(facts, assumptions, runs, monkeypatch):
    wanted = marts.build(facts, as_of=DAY, assumptions=assumptions, only=SOME)
    before = dict(runs)
    for _ in range(2):  # in this process, and in another one
        for _ in range(2):
            found = built.build(facts, as_of=DAY, assumptions=assumptions, only=SOME)
            assert list(found) == list(wanted)
            assert [name for name in wanted if not found[name].equals(wanted[name])] == []
            assert {name: frame.schema for name, frame in found.items()} == {n: f.schema for n, f in wanted.items()}
        forget(monkeypatch)
    assert dict(runs) == {name: count + 1 for name, count in before.items()}, "once, by the first of the two"


def test_another_fact_day_or_assumption_builds_what_reads_it_anew(facts, assumptions, runs):
    def anew(facts=facts, day: date = DAY, assumptions=assumptions) -> set[str]:
        runs.clear()
        found = built.build(facts, as_of=day, assumptions=assumptions, only=SOME)
        made = set(runs)
        wanted = marts.build(facts, as_of=day, assumptions=assumptions, only=SOME)
        assert [name for name in wanted if not found[name].equals(wanted[name])] == []
        return made

    first = anew()
    assert first == set(marts.build(facts, as_of=DAY, assumptions=assumptions, only=SOME))
    assert anew() == set()
    assert anew(day=date(2025, 1, 28)) == first
    chips = facts["gpu_prices"].with_columns(pl.col("usd_per_gpu_hour") * 2)
    of_prices = anew({**facts, "gpu_prices": chips})
    assert "glut_signals" in of_prices
    assert "capex_quarterly" not in of_prices
    shuffled = anew({**facts, "company_facts": facts["company_facts"].reverse()})
    assert "capex_quarterly" in shuffled, "a mart must not depend on the order of rows, so it is tried"
    other = anew(assumptions=assumptions.replaced({"glut_utilisation": 0.45}))
    assert "glut_signals" in other
    assert not {"capex_quarterly", "training_cost", "gpu_price_index"} & other


def test_assumptions_note_what_is_looked_up(assumptions):
    dated = assumptions.replaced({"draws": 1000}).as_of(DAY)

    def noted(look) -> set[str]:
        noting = Noting(dated)
        look(noting)
        return noting.noted

    assert noted(lambda given: given.integer("draws")) == {"draws"}
    assert noted(lambda given: given.as_of(DAY).distribution("life")) == {"life"}
    assert noted(lambda given: "fleet" in given.overridden) == {"overridden:fleet"}
    assert noted(lambda given: list(given.early)) == {"early:*"}
    for whole in (dict, len, lambda given: given.sha256, lambda given: given.replaced({"draws": 2000})):
        assert "*" in noted(whole)
    assert noted(lambda given: given.as_of(date(2025, 1, 28))) == {"*"}
