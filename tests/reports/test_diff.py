"""What changed between two warehouses: rows by the key of their mart, figures by their value, words not at all."""

from __future__ import annotations

from datetime import date

import duckdb
import pytest

from tests.reports.made_warehouses import CONDITION, EVIDENCE, QUARTER, VERDICT, write
from warehouse.database.releases import comparing
from warehouse.reports.diff import Comparison, facts_behind
from warehouse.reports.lineage import Traced

A, B = "20251101T000000-aaaa", "20251201T000000-bbbb"


def compare(tmp_path, before, after, *, before_facts=(), after_facts=(), versions=None):
    """The rows of a comparison, by kind, of two warehouses with these rows of marts and pieces of evidence."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    one = write(tmp_path / "a", A, before, {"evidence": before_facts} if before_facts else {})
    made = {"versions": versions} if versions else {}
    other = write(
        tmp_path / "b", B, after, {"evidence": after_facts} if after_facts else {}, as_of=date(2025, 11, 30), **made
    )
    with comparing(one, other) as connection:
        by_kind: dict[str, list] = {}
        for row in Comparison(connection).rows():
            by_kind.setdefault(row["kind"], []).append(row)
        return by_kind


def test_a_figure_that_changed_has_its_difference_and_its_share_of_the_earlier_value(tmp_path):
    found = compare(
        tmp_path, {"capex_quarterly": [QUARTER]}, {"capex_quarterly": [QUARTER | {"capex_usd": 34.9e9, "grade": "C"}]}
    )
    figures = {row["column_name"]: row for row in found["figure"]}
    capex = figures["capex_usd"]
    assert (capex["before"], capex["after"], capex["unit"]) == (19.4e9, 34.9e9, "USD")
    assert capex["key"] == {"ticker": "MSFT", "period_end": "2025-09-30"}
    assert capex["difference"] == pytest.approx(15.5e9)
    assert capex["change_share"] == pytest.approx(15.5 / 19.4)
    assert (figures["grade"]["before"], figures["grade"]["after"], figures["grade"]["change_share"]) == ("A", "C", None)
    assert set(figures) == {"capex_usd", "grade"}
    counts = {(row["change"], row["column_name"]): row["rows"] for row in found["table"]}
    assert counts == {("changed", None): 1, ("changed", "*"): 2}


@pytest.mark.parametrize(
    ("before", "after", "share"),
    [(0.0, 1.0, None), (None, 1.0, None), (1.0, None, None), (-2.0, -1.0, 0.5), (2.0, -1.0, -1.5)],
)
def test_a_change_from_zero_or_from_nothing_has_no_share(tmp_path, before, after, share):
    rows = [{"capex_quarterly": [QUARTER | {"operating_cash_flow_usd": value}]} for value in (before, after)]
    (figure,) = compare(tmp_path, *rows)["figure"]
    assert figure["change_share"] == share
    assert (figure["before"], figure["after"]) == (before, after)


def test_a_figure_that_is_gone_says_why(tmp_path):
    gone = QUARTER | {"capex_usd": None, "reason": "no filing of that quarter is known"}
    (figure,) = compare(tmp_path, {"capex_quarterly": [QUARTER]}, {"capex_quarterly": [gone]})["figure"]
    assert (figure["after"], figure["reason"]) == (None, "no filing of that quarter is known")


def test_rows_are_matched_by_key_and_a_null_in_a_key_is_a_value(tmp_path):
    later = QUARTER | {"period_end": date(2025, 12, 31)}
    found = compare(tmp_path, {"capex_quarterly": [QUARTER]}, {"capex_quarterly": [later]})
    assert {(row["key"]["period_end"], row["change"]) for row in found["row"]} == {
        ("2025-09-30", "removed"),
        ("2025-12-31", "new"),
    }
    assert "figure" not in found


def test_prose_lineage_and_the_last_bits_of_a_number_are_no_change(tmp_path):
    reworded = QUARTER | {"reason": "said otherwise", "fact_ids": ["f1"], "capex_usd": 19.4e9 * (1 + 1e-12)}
    assert compare(tmp_path, {"capex_quarterly": [QUARTER]}, {"capex_quarterly": [reworded]}) == {}


def test_reasons_are_compared_by_their_codes(tmp_path):
    before, same, other = (
        {"capex_quarterly": [QUARTER | {"reasons": [f'{{"reason_code": "{code}", "year": {year}}}']}]}
        for code, year in (("no_filing", 2024), ("no_filing", 2025), ("rounded", 2025))
    )
    (tmp_path / "same").mkdir()
    assert compare(tmp_path / "same", before, same) == {}
    (figure,) = compare(tmp_path, before, other)["figure"]
    assert (figure["column_name"], figure["after"]) == ("reasons", '["rounded"]')


def test_verdicts_and_conditions_that_turned_come_first(tmp_path):
    company = VERDICT | {"scope": "AMZN"}
    overall = VERDICT | {"question": "overall"}
    found = compare(
        tmp_path,
        {"verdict": [VERDICT, company, overall], "verdict_conditions": [CONDITION]},
        {
            "verdict": [v | {"verdict": "on_course", "headline": "It pays."} for v in (company, VERDICT)],
            "verdict_conditions": [CONDITION | {"holds": True}],
        },
    )
    told = [
        (row["key"]["scope"], row["key"]["question"], row["change"], row["before"], row["after"])
        for row in found["verdict"]
    ]
    assert told == [
        ("ALL", "overall", "removed", "cannot_tell", None),
        ("ALL", "Q3", "changed", "cannot_tell", "on_course"),
        ("AMZN", "Q3", "changed", "cannot_tell", "on_course"),
    ]
    (turned,) = found["condition"]
    assert (turned["before"], turned["after"], turned["key"]["condition"]) == (False, True, "facts_cover_group_capex")
    assert next(iter(found)) == "verdict"


def test_what_the_answer_was_made_with_is_told_where_it_differs(tmp_path):
    found = compare(tmp_path, {}, {}, versions={"overbuild": "0.1.0", "assumptions_sha256": "b" * 64})
    assert [(row["column_name"], row["before"]) for row in found["made_with"]] == [("assumptions_sha256", None)]


def test_facts_behind_are_the_new_ones_and_say_which_condition_rests_on_them():
    verdict, condition, other = ("marts.verdict", 0), ("marts.verdict_conditions", 0), ("marts.verdict_conditions", 1)
    old, new, elsewhere = ("core.evidence", 0), ("core.evidence", 1), ("core.evidence", 2)
    key = {"scope": "ALL", "question": "Q3"}

    def fact(number):
        about = dict.fromkeys(("value_low", "value_high", "note"))
        return about | EVIDENCE | {"evidence_id": f"EV{number}", "fact_id": f"f{number}", "citation": "a filing"}

    class Row(dict):
        def __missing__(self, _):
            return None

    found = Traced(
        roots=[verdict],
        more=0,
        rows={
            verdict: Row(key),
            condition: Row(key | {"condition": "turned"}),
            other: Row(key | {"condition": "as_before"}),
            **{node: Row(fact(node[1])) for node in (old, new, elsewhere)},
        },
        children={verdict: [condition, other], condition: [old, new], other: [elsewhere, old]},
    )
    rows = facts_behind(found, {"core.evidence": {"f1", "f2"}}, [key | {"condition": "turned"}])
    assert [(row["fact_id"], row["behind"]) for row in rows] == [("f1", key | {"condition": "turned"}), ("f2", key)]
    assert (rows[0]["unit"], rows[0]["about"]) == ("USD/year", "ai_revenue Microsoft ai_run_rate 2025-09-30")
    assert (rows[0]["column_name"], rows[0]["after"], rows[0]["known_on"]) == ("value", 13e9, date(2025, 10, 29))


def test_a_key_that_is_only_the_date_of_the_answer_does_not_keep_rows_apart(tmp_path):
    row = {"scope": "ALL", "revenue_view": "infrastructure", "quarter_end": date(2026, 12, 31), "start_p20_usd": 1e9}
    paths = [{"breakeven_path": [row | {"as_of": day, "start_p20_usd": usd}]}
             for day, usd in ((date(2025, 10, 31), 13e9), (date(2025, 11, 30), 37e9))]  # fmt: skip
    found = compare(tmp_path, *paths)
    assert "row" not in found
    (figure,) = found["figure"]
    assert (figure["key"]["as_of"], figure["before"], figure["after"]) == ("2025-11-30", 13e9, 37e9)


def test_a_fact_is_new_where_the_earlier_warehouse_did_not_hold_it(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    later = EVIDENCE | {"evidence_id": "EV2", "known_on": date(2025, 11, 20)}
    one = write(tmp_path / "a", A, {}, {"evidence": [EVIDENCE]})
    other = write(tmp_path / "b", B, {}, {"evidence": [EVIDENCE, later]}, as_of=date(2025, 11, 30))
    with comparing(one, other) as connection:
        new = Comparison(connection)._new_facts()["core.evidence"]
        known = dict(connection.execute("SELECT fact_id, evidence_id FROM core.evidence").fetchall())
    assert [known[fact] for fact in new] == ["EV2"]


def test_a_mart_that_only_one_of_them_has_is_named(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    one, other = (
        write(tmp_path / name, run, {"glut_signals": [], "capex_group": []}) for name, run in (("a", A), ("b", B))
    )
    with duckdb.connect(str(one)) as connection:
        connection.execute("DROP TABLE marts.glut_signals")
        connection.execute("ALTER TABLE marts.capex_group DROP COLUMN grade")
    with comparing(one, other) as connection:
        comparison = Comparison(connection)
        rows = [(row["table_name"], row["change"]) for row in comparison.rows() if row["kind"] == "table"]
    assert rows == [("marts.glut_signals", "not_comparable")], "a column that one of them lacks is not compared"
