"""The page of what changed: verdicts first, figures that open, and why there is nothing to tell where there is not."""

from __future__ import annotations

from datetime import date

from tests.reports.made_warehouses import CONDITION, EVIDENCE, QUARTER, VERDICT, publish
from warehouse.database.releases import comparing, reading
from warehouse.paths import WAREHOUSE
from warehouse.reports import changes
from warehouse.reports.diff import Comparison
from warehouse.reports.site.blocks import Figure, figures, walk
from warehouse.reports.site.page import Reader
from warehouse.reports.site.pages import changes as page

FIRST, SECOND = "20251101T000000-aaaa", "20251201T000000-bbbb"
BEFORE = {"verdict": [VERDICT], "verdict_conditions": [CONDITION], "capex_quarterly": [QUARTER]}
AFTER = {
    "verdict": [VERDICT | {"verdict": "on_course"}],
    "verdict_conditions": [CONDITION | {"holds": True}],
    "capex_quarterly": [QUARTER | {"capex_usd": 34.9e9}],
}


def written(blocks) -> str:
    """All texts of some blocks."""
    spans = [span for block in walk(blocks) for span in getattr(block, "spans", ())]
    items = [span for block in walk(blocks) for item in getattr(block, "items", ()) for span in item]
    return " ".join(getattr(span, "text", span if isinstance(span, str) else "") for span in (*spans, *items))


def test_a_run_that_changed_something(tmp_path):
    publish(tmp_path, FIRST, BEFORE, {"evidence": [EVIDENCE]})
    publish(tmp_path, f"{SECOND}.draft", AFTER, {"evidence": [EVIDENCE]}, as_of=date(2025, 11, 30))
    with comparing(*(tmp_path / "releases" / run / WAREHOUSE for run in (FIRST, f"{SECOND}.draft"))) as connection:
        kept = [row | {"run_id": SECOND} for row in changes.kept(Comparison(connection))]
    paths = publish(tmp_path, SECOND, AFTER, system={"changes": kept})
    with reading(paths.current / WAREHOUSE) as connection:
        reader = Reader(connection)
        blocks = page.content(reader)
        shown = [
            (figure.column, reader.value(figure) if value is ... else value) for figure, value in figures(list(blocks))
        ]
        front = page.since_last_run(reader)
    assert ("verdict", "on_course") in shown
    assert ("capex_usd", 34.9e9) in shown
    assert "1 verdict changed" in written(blocks)
    assert "$19.4\u00a0billion" in written(blocks), "what it was"
    assert "+80\u00a0%" in written(blocks)
    assert [thing.column for thing in walk(front) if isinstance(thing, Figure)] == ["verdict"]


def test_a_first_run_and_a_dated_answer_say_why_there_is_nothing(tmp_path):
    paths = publish(tmp_path, FIRST, BEFORE)
    with reading(paths.current / WAREHOUSE) as connection:
        assert "nothing to compare it with" in written(page.content(Reader(connection)))
        assert "an earlier day" in written(page.content(Reader(connection, dated=True)))
        assert len(page.every_run(Reader(connection)).rows) == 1


def test_a_run_that_changed_nothing_says_so(tmp_path):
    compared = {"run_id": SECOND, "before_run_id": FIRST, "place": 0, "kind": "compared"}
    paths = publish(tmp_path, SECOND, BEFORE, system={"changes": [compared]})
    with reading(paths.current / WAREHOUSE) as connection:
        assert "Nothing: every verdict" in written(page.content(Reader(connection)))


def test_a_new_fact_opens_its_row_of_core():
    row = {"table_name": "core.evidence", "key": {"evidence_id": "EV1"}, "about": "Microsoft ai_run_rate", "after": 13e9,
           "unit": "USD/year", "column_name": "value", "known_on": date(2025, 10, 29), "fact_id": "f1"}  # fmt: skip
    figures_of = [span for span in page._fact(row) if isinstance(span, Figure)]
    assert [(each.table, each.key, each.column, each.form) for each in figures_of] == [
        ("core.evidence", {"fact_id": "f1"}, "value", "usd"),
        ("core.evidence", {"fact_id": "f1"}, "known_on", "date"),
    ]
    [named] = [span for span in page._fact(row | {"after": None, "column_name": None}) if isinstance(span, Figure)]
    assert named.column == "known_on"
