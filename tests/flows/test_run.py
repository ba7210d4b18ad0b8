"""The main job, end to end, on real facts: what is published, and what is carried over where nothing changed."""

from __future__ import annotations

import shutil
import tomllib
from dataclasses import replace
from datetime import date

import polars as pl

from tests.repeats import repeats
from tests.runs import (
    REFERENCE,
    command,
    copy_home,
    differing,
    overbuild,
    query,
    run,
    settings,
    tables,
    until_loaded,
)
from warehouse import marts
from warehouse.pipeline import build, record


def test_a_run_publishes_warehouse_site_and_quality_pages(published):
    home, summary = published
    assert summary["as_of"] == "2026-11-09", "the snapshot's last known date"
    for name in ("warehouse.duckdb", "site/index.html", "quality/index.html"):
        assert (home / name).exists(), name
    page = (home / "site" / "index.html").read_text()
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "default-src 'none'" in page, "no page may ask the network for anything"
    assert not any((home / "work").iterdir()), "nothing half-built stays behind"


def test_core_holds_every_row_of_the_snapshot(published):
    home, _ = published
    listed = tomllib.loads((REFERENCE / "snapshot.toml").read_text())
    for table, entry in listed.items():
        assert query(home, f"SELECT count(*) FROM core.{table}") == [(entry["rows"],)], table


def test_every_row_leads_to_an_archived_document(published):
    home, _ = published
    for sha256, name in query(home, "SELECT sha256, name FROM provenance.documents"):
        body = (home / "raw" / sha256[:2] / sha256).read_bytes()
        assert body == (REFERENCE / name).read_bytes()


def test_every_table_and_column_has_a_comment(published):
    home, _ = published
    assert query(home, "SELECT table_name FROM duckdb_tables() WHERE comment IS NULL") == []
    assert query(home, "SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal AND comment IS NULL AND "
                       "schema_name IN ('core', 'marts', 'quality', 'provenance')") == []  # fmt: skip


def test_the_views_pick_one_row_of_each_thing(published):
    home, _ = published
    assert query(home, "SELECT count(*) - count(DISTINCT (ticker, date)) FROM stock_prices") == [(0,)]
    # Meta's 2023 was restated by the annual report for 2024: 27,266 million as first filed, 27,045 later
    rows = query(home, "SELECT value_usd FROM company_facts WHERE ticker = 'META' AND period_start = '2023-01-01' AND "
                       "period_end = '2023-12-31' AND measure = 'purchases_of_property_and_equipment'")  # fmt: skip
    assert rows == [(27_045_000_000,)]


def test_there_is_a_verdict_for_each_question_and_company(published):
    home, _ = published
    found = query(home, "SELECT scope, question FROM marts.verdict ORDER BY 1, 2")
    assert found == [
        (scope, question)
        for scope in ("ALL", "AMZN", "GOOGL", "META", "MSFT")
        for question in ("Q1", "Q2", "Q3", "Q4", "overall")
    ]
    assert query(home, "SELECT count(*) FROM marts.claim_check") == [(43,)]


def test_no_mart_holds_a_figure_that_is_not_one(published):
    home, _ = published
    for name, frame in tables(home, "marts").items():
        for column in frame.select(pl.col(pl.Float64)).columns:
            assert frame[column].drop_nulls().is_finite().all(), (name, column)


def test_a_run_where_nothing_changed_carries_over_what_was_found_and_says_so(published, tmp_path):
    home, first = tmp_path / "home", published[1]["run_id"]
    copy_home(published[0], home)
    before = tables(home, "marts")
    runs = [run(home)]
    assert differing(tables(home, "marts"), before) == []
    done = overbuild(home, "run", PREFECT_HOME=str(tmp_path / "prefect"))  # as a user starts it, in Prefect
    assert done.returncode == 0, done.stderr
    printed = " ".join(done.stdout.split())
    assert f"Nothing has changed since run {first}: its figures and findings stand." in printed, (
        "not since the last one"
    )
    assert "Is the spending wasteful?" in printed
    newest = "SELECT run_id FROM provenance.runs ORDER BY started_at DESC LIMIT 1"
    ids = [runs[0]["run_id"], query(home, newest)[0][0]]
    results = "SELECT table_name, expectation, column_name, success, unexpected_count, checked_at FROM quality.results "
    whole = f"WHERE run_id = '{first}' AND table_name NOT LIKE 'staging.%' ORDER BY ALL"
    for run_id in ids:
        assert query(home, f"{results} WHERE run_id = '{run_id}' ORDER BY ALL") == query(home, results + whole)
        assert query(home, "SELECT DISTINCT details->>'$.carried_over_from' FROM quality.results WHERE run_id = "
                           f"'{run_id}'") == [(first,)]  # fmt: skip
    assert (runs[0]["new_rows"], runs[0]["unchanged_since"]) == (0, first)
    for told in ("verdicts", "warnings", "fact_rows", "as_of"):
        assert runs[0][told] == published[1][told], told
    assert query(home, "SELECT count(*) FROM provenance.runs WHERE outcome = 'published'") == [(3,)]
    compared = [(one, before, "compared") for one, before in zip(ids, (first, ids[0]), strict=True)]
    assert query(home, "SELECT run_id, before_run_id, kind FROM provenance.changes ORDER BY ALL") == sorted(compared)
    assert (home / "export" / "datapackage.json").read_text() == (
        published[0] / "export" / "datapackage.json"
    ).read_text()
    assert (home / "quality" / "index.html").read_text() == (published[0] / "quality" / "index.html").read_text()
    assert ids[1] in (home / "site" / "index.html").read_text()
    said = " ".join(command(home, "quality").stdout.split())
    assert f"Nothing had changed since run {first}, which found this." in said


def test_what_could_change_the_answer_makes_it_anew(published, tmp_path, monkeypatch):
    home = tmp_path / "home"
    copy_home(published[0], home)
    (killed := home / "work" / "of-a-run-that-was-killed").mkdir()
    with settings(home), until_loaded() as loading:
        assert not killed.exists()
        run, found, quarantined = loading.run, loading.loaded, loading.quarantined

        def unchanged(run=run, quarantined=quarantined, found=found) -> bool:
            return build.unchanged(loading.store, run, quarantined, found) is not None

        assert unchanged()
        assert not unchanged(replace(run, asked_as_of=date(2025, 1, 28)))
        assert not unchanged(replace(run, source="live")), "another kind of run"
        assert not unchanged(found=replace(found, as_of=date(2026, 11, 8))), "another date"
        assert not unchanged(found=replace(found, added={**found.added, "evidence": 1}))
        assert not unchanged(quarantined=replace(quarantined, messages=("a row",)))
        assert not unchanged(replace(run, assumptions=run.assumptions.replaced({"life": 3})))
        for part in ("_versions", "_program"):
            with monkeypatch.context() as other:
                other.setattr(record, part, lambda: {"polars": "another"})
                assert not unchanged(), part
        loading.store.execute("DELETE FROM quality.results WHERE table_name LIKE 'marts.%'")
        assert not unchanged(), "no check of a mart is kept"
        loading.store.execute("DELETE FROM provenance.runs")
        assert not unchanged(), "the first run"


@repeats(
    "tests/marts/test_determinism.py::test_a_process_that_differs_in_all_that_must_not_count_builds_the_same_bytes"
)
def test_the_same_facts_give_the_same_bytes(published, tmp_path):
    home = tmp_path / "home"
    copy_home(published[0], home)
    with settings(home), until_loaded() as loading:
        standing = build.build_marts(loading.store, loading.run, loading.loaded.as_of)
        loading.store.execute("DELETE FROM provenance.marts_made")  # as an earlier version left it
        built = build.build_marts(loading.store, loading.run, loading.loaded.as_of)
        loading.store.finish()
        shutil.copyfile(loading.run.release / "warehouse.duckdb", tmp_path / "warehouse.duckdb")
    assert (standing.anew, standing.standing) == (frozenset(), frozenset(marts.all_marts()))
    assert built.anew == built.names == frozenset(marts.all_marts())
    assert differing(tables(tmp_path, "marts"), tables(home, "marts")) == []


@repeats("tests/marts/verdict/test_bad_input.py::test_a_day_before_the_first_fact")
def test_a_dated_run_before_the_first_fact_answers_that_it_cannot_tell(tmp_path):
    home = tmp_path / "home"
    run(home, quick=True, as_of=date(2015, 1, 1))
    dated = home / "as-of" / "2015-01-01"
    assert query(dated, "SELECT DISTINCT verdict FROM marts.verdict") == [("cannot_tell",)]
    assert not (home / "current").exists()
