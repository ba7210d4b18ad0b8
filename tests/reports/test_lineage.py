"""Every figure of a verdict leads to rows of core, and those to documents whose bytes are in the archive."""

from __future__ import annotations

import hashlib
import json
from datetime import date

import duckdb
import pytest

from tests.published import publish
from warehouse.cli.output import Format
from warehouse.database import store
from warehouse.errors import UsageError
from warehouse.paths import WAREHOUSE, Home
from warehouse.reports import lineage as tracing


@pytest.fixture(scope="module")
def home(warehouse_home) -> Home:
    return warehouse_home


@pytest.fixture
def warehouse(home):
    with store.reading(home.current / WAREHOUSE) as connection:
        yield connection


def followed(connection, table: str, where: str = "", limit: int = 10_000) -> list[dict]:
    found = tracing.follow(connection, tracing.named(table), where, limit)
    return [tracing.described(found, node, way) for node, way in found.facts()]


@pytest.mark.parametrize(
    ("table", "where"),
    [
        ("marts.verdict", "verdict <> 'cannot_tell' or question in ('Q2', 'Q3', 'overall')"),
        ("marts.verdict_conditions", "decides and value is not null"),
        ("marts.verdict_conditions", "value is not null and scope in ('ALL', 'MSFT')"),
        ("marts.claim_check", "evidence is not null and check_kind = 'computed'"),
        ("marts.waste_simulation", "p50 is not null"),
        ("marts.waste_sensitivity", "quantity_at_low is not null"),
        ("marts.capex_group", "capex_usd is not null"),
        ("marts.capex_quarterly", "capex_usd is not null"),
        ("marts.glut_signals", "value is not null"),
        ("marts.training_cost", "cost_mid_usd is not null"),
    ],
)
def test_every_figure_reaches_core(warehouse, table, where):
    found = tracing.follow(warehouse, tracing.named(table), where, 10_000)
    assert found.roots
    reached = {way[0] for _, way in found.facts()}
    lost = [tracing._place(found, root) for root in found.roots if root not in reached]
    assert lost == []


def test_every_document_of_a_verdict_is_in_the_archive_with_its_hash(warehouse, home):
    found = tracing.follow(warehouse, tracing.named("verdict"), "scope in ('ALL', 'MSFT')")
    documents = {}
    for node, way in found.facts():
        fact = tracing.described(found, node, way)
        assert fact["citation"]
        assert fact["locator"].startswith("line ")
        documents[fact["document_path"]] = fact
    assert len(documents) > 8
    for path, fact in documents.items():
        assert hashlib.sha256((home.root / path).read_bytes()).hexdigest() == fact["document_sha256"]
        assert fact["document_url"].startswith("snapshot:")
        assert fact["document_name"] in fact["document_url"]


def test_a_locator_is_the_line_that_holds_the_fact(warehouse, home):
    """SC01 rests on two closes of Nvidia, a share count and the press's figure: each stands on its line."""
    facts = {
        fact["table"] + " " + fact["key"]: fact for fact in followed(warehouse, "claim_check", "claim_id = 'SC01'")
    }
    assert set(facts) == {
        "core.article_claims SC01",
        "core.evidence CC031",
        "core.shares_outstanding NVDA 2024-11-15",
        "core.stock_prices NVDA 2025-01-24",
        "core.stock_prices NVDA 2025-01-27",
    }
    press = facts["core.evidence CC031"]
    line = (home.root / press["document_path"]).read_text().splitlines()[int(press["locator"].split()[1]) - 1]
    assert line.startswith("CC031,")
    assert press["value"] == 589_000_000_000
    assert press["path"] == "marts.claim_check SC01 > core.evidence CC031"


def test_hearsay_is_behind_claims_and_nothing_else(warehouse):
    assert {fact["grade"] for fact in followed(warehouse, "claim_check", "claim_id = 'SC30'")} >= {"D"}
    for table in ("marts.verdict", "marts.capex_guidance_change", "marts.attributable_revenue", "marts.glut_signals"):
        assert "D" not in {fact["grade"] for fact in followed(warehouse, table)}, table


def test_nothing_known_later_is_behind_a_dated_answer(tmp_path, assumptions):
    made = Home(tmp_path, tmp_path / WAREHOUSE)
    day = date(2025, 8, 31)
    publish(made, day, assumptions)
    with store.reading(made.current / WAREHOUSE) as connection:
        facts = followed(connection, "marts.verdict") + followed(connection, "marts.claim_check")
    assert facts
    assert max(fact["known_on"] for fact in facts) <= day


def test_the_main_event_alone_is_behind_the_markets_answer(warehouse):
    """The verdict reads one event and one benchmark; prices of other benchmarks are not behind it."""
    facts = followed(
        warehouse, "marts.verdict_conditions", "scope = 'ALL' and condition = 'suppliers_car_below_zero_0_1'"
    )
    tickers = {fact["ticker"] for fact in facts if fact["table"] == "core.stock_prices"}
    assert {"NVDA", "AVGO", "SPY"} <= tickers
    assert not {"QQQ", "SMH", "META", "WMT"} & tickers
    days = {fact["date"] for fact in facts if fact["table"] == "core.stock_prices"}
    assert (min(days), max(days)) == (date(2024, 1, 10), date(2025, 1, 28))
    assert len(days) == 263, "returns of days -260 to 1 are 262, which takes 263 closes"


def test_q1_rests_on_the_whole_runs_and_the_claims_it_names(warehouse):
    facts = followed(warehouse, "marts.verdict", "scope = 'ALL' and question = 'Q1'")
    assert {f["key"] for f in facts if f["table"] == "core.training_runs"} == {"TR001", "TR009"}
    assert {f["key"] for f in facts if f["table"] == "core.article_claims"} == {"SC11", "SC24"}


def test_a_core_row_leads_to_its_document(warehouse):
    (fact,) = followed(warehouse, "evidence", "evidence_id = 'CC009'")
    assert (fact["path"], fact["value"], fact["document_name"]) == ("core.evidence CC009", 10_000, "evidence.csv")


def test_the_timeline_leads_to_core(home, tmp_path):
    import shutil

    copy = tmp_path / WAREHOUSE
    shutil.copy(home.current / WAREHOUSE, copy)
    with duckdb.connect(str(copy)) as con:
        con.execute(
            "INSERT INTO marts.verdict_timeline (as_of, scope, question, verdict, occasion) "
            "SELECT DATE '2026-02-28', s, q, 'cannot_tell', 'month''s end' FROM (VALUES ('ALL'), ('META')) AS a(s), "
            "(VALUES ('Q1'), ('Q2'), ('Q3'), ('Q4'), ('overall')) AS b(q)"
        )
    with store.reading(copy) as connection:
        found = tracing.follow(connection, tracing.named("verdict_timeline"), "", 100)
        assert {way[0] for _, way in found.facts()} == set(found.roots)
        assert max(found.rows[node]["known_on"] for node, _ in found.facts()) <= date(2026, 2, 28)


@pytest.mark.parametrize(
    ("table", "where", "message"),
    [
        ("verdit", "", "Did you mean verdict"),
        ("quality.results", "", "no such table of marts or core"),
        ("verdict", "scop = 'ALL'", r"(?s)scop.*columns of marts.verdict: scope, question"),
        ("verdict", "scope = 'ALL'); drop table marts.verdict; --", "."),
        ("verdict", "true); select (1", "more than a condition"),
        ("verdict", "scope =", "."),
        ("verdict", "(select count(*) from read_csv('/etc/passwd')) > 0", r"(?i)disabled|permission|external"),
    ],
)
def test_a_condition_that_is_none_is_refused_with_what_to_do(warehouse, table, where, message):
    with pytest.raises(UsageError, match=message):
        followed(warehouse, table, where)
    assert warehouse.execute("SELECT count(*) FROM marts.verdict").fetchone() == (25,)


def test_written_as_json_csv_and_tree(home, capsys):
    where = "question = 'Q4' and scope = 'ALL'"
    tracing.write(home.current, "marts.verdict", where, 25, Format.json)
    listed = json.loads(capsys.readouterr().out)
    assert {"path", "table", "key", "citation", "document_sha256", "document_url", "locator", "grade"} <= set(listed[0])
    assert all(not isinstance(cell, dict | list) for fact in listed for cell in fact.values())

    tracing.write(home.current, "marts.verdict", where, 25, Format.csv)
    assert len(capsys.readouterr().out.splitlines()) >= len(listed) + 1

    tracing.write(home.current, "marts.verdict", where, 25, Format.table)
    tree = capsys.readouterr().out
    assert "core.stock_prices  5240 rows" in tree or "rows, ticker" in tree, "thousands of bars share a line"
    assert len(tree.splitlines()) < 200
    assert "raw/" in tree


def test_no_row_is_an_empty_list_and_a_note(home, capsys):
    tracing.write(home.current, "marts.verdict", "scope = 'XYZ'", 25, Format.json)
    said = capsys.readouterr()
    assert json.loads(said.out) == []
    assert "no row where scope = 'XYZ'" in said.err


def test_many_rows_are_cut_with_a_note(home, capsys):
    tracing.write(home.current, "core.evidence", "", 2, Format.json)
    said = capsys.readouterr()
    assert len(json.loads(said.out)) == 2
    assert "Followed the first 2 of" in said.err
