"""A what-if moves the answer as economics says, is marked wherever it shows, and changes nothing published."""

from __future__ import annotations

import json
import shutil
from datetime import date

import duckdb
import pytest

from tests import built
from warehouse.cli import verdict_screen
from warehouse.cli.output import Format
from warehouse.database import releases
from warehouse.errors import UsageError
from warehouse.marts.verdict.decision import ANSWERS
from warehouse.paths import WAREHOUSE
from warehouse.pipeline import what_if
from warehouse.reports import overrides

FEW = "draws=20000"  # enough for a direction


@pytest.fixture(autouse=True)
def marts_built_once(monkeypatch):
    """What no change of an assumption touches is built once for all what-ifs here."""
    monkeypatch.setattr(what_if.marts, "build", built.build)


def asked(paths, capsys, *assumed: str) -> dict[tuple[str, str], dict]:
    """`overbuild verdict --assume ... --format json`, by scope and question."""
    verdict_screen.write(paths.current, "", Format.json, assumed)
    return {(row["scope"], row["question"]): row for row in json.loads(capsys.readouterr().out)}


def found(row: dict, condition: str) -> float:
    return next(c["value"] for c in row["conditions"] if c["condition"] == condition)


def test_the_published_answer_is_no_what_if(published_paths, capsys):
    rows = asked(published_paths, capsys)
    assert len(rows) == ANSWERS
    assert {row["what_if"] for row in rows.values()} == {None}


def test_an_unchanged_assumption_gives_the_published_answer(published_paths, capsys):
    published = asked(published_paths, capsys)
    same = asked(published_paths, capsys, "q2_threshold=0.25")
    for key, row in published.items():
        assert same[key] | {"what_if": None} == row


def test_demand_that_does_not_respond_makes_capex_redundant(published_paths, capsys):
    """With e = 0 the net share is the gross one, s (1 - 1/k) (method 4.5); with e = 1 nothing is redundant."""
    none = asked(published_paths, capsys, "elasticity=0", FEW)["ALL", "Q2"]
    assert found(none, "redundant_median_at_threshold") == pytest.approx(found(none, "redundant_gross_median"))
    unit = asked(published_paths, capsys, "elasticity=1", FEW)["ALL", "Q2"]
    assert found(unit, "redundant_median_at_threshold") == pytest.approx(0, abs=1e-12)


def test_dearer_capital_and_shorter_lives_cover_less(published_paths, capsys):
    coverage = "coverage_median_point_end_customer"
    base = found(asked(published_paths, capsys, FEW)["ALL", "Q3"], coverage)
    dear = asked(published_paths, capsys, "discount_rate.low=0.2", "discount_rate.high=0.25", FEW)["ALL", "Q3"]
    short = asked(published_paths, capsys, "life=3", FEW)["ALL", "Q3"]
    doubled = asked(published_paths, capsys, "attributable_revenue=2", FEW)["ALL", "Q3"]
    assert found(dear, coverage) < base
    assert found(short, coverage) < base
    assert found(doubled, coverage) == pytest.approx(2 * base, rel=1e-9)


def test_it_is_marked_wherever_it_shows(published_paths, capsys):
    rows = asked(published_paths, capsys, "q1_factor=1", "life.mode=4")
    said = {row["what_if"] for row in rows.values()}
    assert said == {"life = triangular 3, 4, 6 instead of triangular 3, 5, 6; q1_factor = 1 instead of 2"}
    assert rows["ALL", "Q1"]["verdict"] == "claim_fails", "7.2 million is more than once the 6 million claimed"
    verdict_screen.write(published_paths.current, "META", Format.table, ["q1_factor=1"])
    shown = capsys.readouterr().out
    assert shown.startswith("WHAT-IF, not the published answer: q1_factor = 1 instead of 2\n")
    assert "META Q1 claim_holds_for_its_scope -> claim_fails" in shown
    assert "(what-if)" in shown.splitlines()[3]
    verdict_screen.write(published_paths.current, "", Format.csv, ["q1_factor=1", FEW])
    assert capsys.readouterr().out.splitlines()[0].endswith(",what_if,failed_sources")


def test_nothing_is_published(published_paths, capsys):
    before = (published_paths.current / WAREHOUSE).read_bytes()
    asked(published_paths, capsys, "q2_threshold=0.9", FEW)
    assert (published_paths.current / WAREHOUSE).read_bytes() == before


def test_the_warehouse_says_which_assumptions_made_it(published_paths, assumptions):
    with releases.reading(published_paths.current / WAREHOUSE) as connection:
        rows = connection.execute("SELECT key, value->>'$', overridden, sha256 FROM marts.assumptions").fetchall()
        assert overrides.overridden(connection) is None
    assert {key for key, *_ in rows} == set(assumptions)
    held = {key: value for key, value, *_ in rows}
    assert (held["q2_threshold"], held["main_event"]) == ("0.25", "2025-01-27")
    assert json.loads(held["discount_rate"]) == {"distribution": "uniform", "low": 0.08, "high": 0.12}
    assert {overridden for *_, overridden, _ in rows} == {False}
    assert {sha256 for *_, sha256 in rows} == {assumptions.sha256}


@pytest.mark.parametrize(
    ("text", "change"),
    [
        (["life=3"], {"life": 3}),
        (["life = 3.5"], {"life": 3.5}),
        (["discount_rate.low=0.05", "discount_rate.high=0.2"], {"discount_rate": {"low": 0.05, "high": 0.2}}),
        (["price_class=hyperscaler"], {"price_class": "hyperscaler"}),
        (["main_event=2025-01-28"], {"main_event": date(2025, 1, 28)}),
        (["windows=[[0, 0], [0, 1]]"], {"windows": [[0, 0], [0, 1]]}),
        (["events.2025-04-09=tariff pause"], {"events": {"2025-04-09": "tariff pause"}}),
    ],
)
def test_what_is_written_is_what_is_meant(text, change):
    assert what_if.changes(text) == change


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["lif=3"], "--assume: there is no assumption named 'lif'. Did you mean life"),
        (["life=300"], "--assume: life is 300, outside its range of 0.5 to 40"),
        (["life.low=7"], "life needs low <= mode <= high"),
        (["life=long"], "life.value is 'long', which is not a number"),
        (["life"], "--assume life: write it as key=value, such as life=3"),
        (["=3"], "write it as key=value"),
        (["life="], "write it as key=value"),
        (["life.=3"], "write it as key=value"),
        (["life=3", "life=4"], "--assume life=4: life is given twice"),
        (["life=3", "life.low=2"], "life is given twice"),
        (["life=[3"], r"\[3 is no value"),
        (["life=3\ndraws = 5"], "is no value"),
    ],
)
def test_a_mistake_is_named_and_refused(texts, message):
    with pytest.raises(UsageError, match=message):
        what_if.assumed(texts)


def test_a_what_if_knows_what_waits_in_quarantine(published_paths, tmp_path):
    """As the run does: a quarantined newest revenue is passed over neither there nor here; one that was dismissed is."""
    copy = tmp_path / WAREHOUSE
    shutil.copyfile(published_paths.current / WAREHOUSE, copy)
    row = {"evidence_id": "T1", "topic": "ai_revenue", "entity": "Microsoft", "metric": "ai_run_rate",
           "as_of_date": "2026-09-30", "known_on": "2026-10-29", "value": "45e9", "unit": "USD/year"}  # fmt: skip
    with duckdb.connect(str(copy)) as warehouse:
        warehouse.execute(
            "INSERT INTO quality.quarantine (run_id, table_name, row_id, reason_code, reason, row, document_sha256, locator) "
            "VALUES ('test', 'core.evidence', 'r1', 'low_not_above_high', 'swapped', ?, '', 'line 1')", [json.dumps(row)],
        )  # fmt: skip

    def payback() -> tuple[str, str]:
        with what_if.built(tmp_path, what_if.assumed([FEW])) as connection:
            query = "SELECT verdict, headline FROM marts.verdict WHERE scope = 'MSFT' AND question = 'Q3'"
            return connection.execute(query).fetchone()

    verdict_then, headline = payback()
    assert verdict_then == "cannot_tell"
    assert "in quarantine" in headline
    with duckdb.connect(str(copy)) as warehouse:
        decided = {"row_id": "r1", "decision": "dismissed", "decided_by": "a test", "reason": "another company's"}
        decided |= {
            "table_name": "core.evidence",
            "quarantined_for": "swapped",
            "row": "{}",
            "document_sha256": "",
            "locator": "",
        }
        names, values = ", ".join(decided), ", ".join("?" for _ in decided)
        warehouse.execute(
            f"INSERT INTO quality.decisions (decided_at, {names}) VALUES (now(), {values})", [*decided.values()]
        )
    assert payback()[0] == "on_course"
