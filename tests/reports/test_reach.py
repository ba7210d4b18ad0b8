"""Thousands of rows followed at once reach what each of them reaches by itself."""

from __future__ import annotations

import pytest

from warehouse.database import releases
from warehouse.paths import WAREHOUSE
from warehouse.reports import lineage
from warehouse.reports.reach import ASSUMPTIONS, reach


@pytest.fixture(scope="module")
def connection(published_paths):
    with releases.reading(published_paths.current / WAREHOUSE) as connection:
        yield connection


@pytest.mark.parametrize(
    ("table", "where"),
    [
        ("verdict", "scope = 'ALL'"),
        ("verdict_conditions", "scope = 'ALL' and question in ('Q3', 'overall')"),
        ("capex_guidance_change", "true"),
        ("capex_yearly", "ticker = 'META'"),
        ("training_cost", "model like '%DeepSeek%'"),
        ("claim_check", "claim_id in ('SC01', 'SC11', 'SC20')"),
        ("event_study", "ticker = 'NVDA' and benchmark = 'SPY' and window_end = 1"),
        ("waste_sensitivity", "scope = 'MSFT' and bound = 'point'"),
    ],
)
def test_rows_followed_together_reach_what_a_trace_of_each_reaches(connection, table: str, where: str) -> None:
    alone = lineage.follow(connection, lineage.named(table), where, 10_000)
    wanted: dict[int, set[tuple[str, int]]] = {row: set() for _, row in alone.roots}
    for node, way in alone.facts():
        wanted[way[0][1]].add(node)

    found: dict[int, set[tuple[str, int]]] = {row: set() for row in wanted}
    for below, pairs in reach(connection, {table: list(wanted)}).facts[table].items():
        for row, fact in pairs.iter_rows():
            if below != ASSUMPTIONS and row in found:
                found[row].add((below, fact))
    assert wanted
    assert found == wanted


def test_nothing_that_became_public_later_is_behind_a_row(connection) -> None:
    as_of = lineage.as_of_date(connection)
    rows = [row for (row,) in connection.execute("select rowid from marts.verdict").fetchall()]
    for below, pairs in reach(connection, {"verdict": rows}).facts["verdict"].items():
        if below != ASSUMPTIONS:
            late = f"select count(*) from {below} where rowid in (select unnest(?)) and (known_on > ? or grade = 'D')"
            assert connection.execute(late, [pairs["below"].unique().to_list(), as_of]).fetchone() == (0,)
