"""Every figure of a verdict leads to rows of core, and those to documents whose bytes are in the archive."""

from __future__ import annotations

import hashlib
from datetime import date

import polars as pl
import pytest

from tests.published import as_of
from tests.timeline import QUICK
from warehouse.database import connection, releases
from warehouse.errors import UsageError
from warehouse.marts.common.mart import Mart, Trace
from warehouse.paths import WAREHOUSE, Paths
from warehouse.reports import lineage as tracing
from warehouse.tables import CORE
from warehouse.tables.table import FACT_IDS, Column, mart


@pytest.fixture(scope="module")
def paths(published_paths) -> Paths:
    return published_paths


@pytest.fixture
def warehouse(paths):
    with releases.reading(paths.current / WAREHOUSE) as connection:
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


def test_every_document_of_a_verdict_is_in_the_archive_with_its_hash(warehouse, paths):
    found = tracing.follow(warehouse, tracing.named("verdict"), "scope in ('ALL', 'MSFT')")
    documents = {}
    for node, way in found.facts():
        fact = tracing.described(found, node, way)
        assert fact["citation"]
        assert fact["locator"].startswith("line ")
        documents[fact["document_path"]] = fact
    assert len(documents) > 8
    for path, fact in documents.items():
        assert hashlib.sha256((paths.root / path).read_bytes()).hexdigest() == fact["document_sha256"]
        assert fact["document_url"].startswith("snapshot:")
        assert fact["document_name"] in fact["document_url"]


def test_a_locator_is_the_line_that_holds_the_fact(warehouse, paths):
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
    line = (paths.root / press["document_path"]).read_text().splitlines()[int(press["locator"].split()[1]) - 1]
    assert line.startswith("CC031,")
    assert press["value"] == 589_000_000_000
    assert press["path"] == "marts.claim_check SC01 > core.evidence CC031"


def test_hearsay_is_behind_claims_and_nothing_else(warehouse):
    assert {fact["grade"] for fact in followed(warehouse, "claim_check", "claim_id = 'SC30'")} >= {"D"}
    for table in ("marts.verdict", "marts.capex_guidance_change", "marts.attributable_revenue", "marts.glut_signals"):
        assert "D" not in {fact["grade"] for fact in followed(warehouse, table)}, table


def test_nothing_known_later_is_behind_a_dated_answer(paths, tmp_path):
    day = date(2025, 8, 31)
    dated = as_of(day, paths, tmp_path, QUICK, only={"verdict", "claim_check"})
    with releases.reading(dated) as connection:
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


def test_the_timeline_leads_to_core(warehouse):
    day = date(2026, 2, 28)
    found = tracing.follow(warehouse, tracing.named("verdict_timeline"), f"as_of = '{day}'", 100)
    assert len(found.roots) == 25
    assert {way[0] for _, way in found.facts()} == set(found.roots)
    assert max(found.rows[node]["known_on"] for node, _ in found.facts()) <= day


@pytest.mark.parametrize(
    ("table", "where", "message"),
    [
        ("verdit", "", "Did you mean verdict"),
        ("quality.results", "", "no such table of marts or core"),
        ("gpu_price_by_month", "", "this is a view. Trace a table that it reads: "),
        ("verdict", "scop = 'ALL'", r"(?s)scop.*columns of marts.verdict: scope, question"),
        ("verdict", "scope = 'ALL'); drop table marts.verdict; --", "."),
        ("verdict", "true); select (1", "more than a condition"),
        ("verdict", "scope =", "."),
        ("verdict", "(select count(*) from read_csv('/etc/passwd')) > 0", r"read_csv\(\) is refused"),
    ],
)
def test_a_condition_that_is_none_is_refused_with_what_to_do(warehouse, table, where, message):
    with pytest.raises(UsageError, match=message):
        followed(warehouse, table, where)
    assert warehouse.execute("SELECT count(*) FROM marts.verdict").fetchone() == (25,)


def test_a_mart_that_lists_the_ids_of_its_facts_leads_to_these(monkeypatch):
    """To each table that its traces name, and to no other fact, whatever its grade; a list may be empty or null."""
    table = mart("toy", "made up", [Column("key", "text", "key"), FACT_IDS], key=("key",))
    traces = (Trace("core.companies", ids="fact_ids"), Trace("core.evidence", ids="fact_ids"))
    monkeypatch.setattr(tracing, "all_marts", lambda: {"toy": Mart(table, lambda: None, traces)})
    rows = [("a", ["1", "3"]), ("b", ["2", "1"]), ("c", []), ("d", None)]
    with connection.in_memory() as database:
        database.execute("CREATE SCHEMA marts; CREATE SCHEMA core; CREATE TABLE marts.toy (key TEXT, fact_ids TEXT[])")
        database.executemany("INSERT INTO marts.toy VALUES (?, ?)", rows)
        database.execute("CREATE TABLE core.companies AS SELECT '1' AS fact_id, 'A' AS grade")
        database.execute(
            "CREATE TABLE core.evidence AS SELECT * FROM (VALUES ('3', 'A'), ('2', 'D')) t (fact_id, grade)"
        )
        steps = list(tracing._below(database, "marts.toy", {0, 1, 2, 3}, date(2026, 1, 1)))
    companies, evidence = "core.companies", "core.evidence"
    assert sorted(steps) == sorted(
        [(("marts.toy", 0), (companies, 0)), (("marts.toy", 1), (companies, 0)),
         (("marts.toy", 0), (evidence, 0)), (("marts.toy", 1), (evidence, 1))]
    )  # fmt: skip


def test_a_trace_has_a_condition_or_ids_that_its_mart_has():
    table = mart("toy", "made up", [Column("key", "text", "key"), FACT_IDS], key=("key",))
    for given in ({}, {"condition": "true", "ids": "fact_ids"}):
        with pytest.raises(ValueError, match="a condition or a column of ids"):
            Trace("core.companies", **given)
    for column in ("key", "nothing"):
        with pytest.raises(ValueError, match=f"no column of texts {column}"):
            Mart(table, lambda: None, (Trace("core.companies", ids=column),))


def test_a_mart_may_read_all_of_core(assumptions):
    def build(core, sessions, *, as_of, assumptions):
        return pl.DataFrame({"key": [*sorted(core), *sessions["name"]]})

    found = Mart(mart("toy", "made up", [Column("key", "text", "key")], key=("key",)), build)
    assert set(found.inputs) == {*CORE, "sessions"}
    frames = {name: pl.DataFrame({"name": [name]}) for name in (*CORE, "sessions", "verdict")}
    built = found.run(frames, as_of=date(2026, 1, 1), assumptions=assumptions)
    assert built["key"].to_list() == sorted([*CORE, "sessions"])
