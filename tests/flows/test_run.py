"""The main job, end to end, on real facts: what is published, what is refused, and that nothing is lost or torn."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import pytest

from flows.environment import prepare
from warehouse.errors import RefusedError, UsageError

prepare()
REFERENCE = Path(__file__).parents[2] / "warehouse" / "reference"
OVERBUILD = Path(sys.executable).with_name("overbuild")


@pytest.fixture(scope="module", autouse=True)
def prefect(tmp_path_factory):
    """One temporary Prefect server for this file."""
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=120):
        yield


def run(home: Path, reference: Path | None = None, webhook: str = "", few_draws: bool = False, **parameters):
    """Run the flow in this process on a home of the test's own; with few draws where the answer does not matter."""
    from flows.answer import answer

    before = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("OVERBUILD_")}
    os.environ["OVERBUILD_HOME"] = str(home)
    if reference:
        os.environ["OVERBUILD_REFERENCE"] = str(reference)
    if webhook:
        os.environ["OVERBUILD_WEBHOOK_URL"] = webhook
    if few_draws:
        assumed = home.parent / "few-draws.toml"
        assumed.write_text("draws = 1000\n")
        os.environ["OVERBUILD_ASSUMPTIONS"] = str(assumed)
    try:
        return answer(**parameters)
    finally:
        for name in ("OVERBUILD_HOME", "OVERBUILD_REFERENCE", "OVERBUILD_WEBHOOK_URL", "OVERBUILD_ASSUMPTIONS"):
            os.environ.pop(name, None)
        os.environ.update(before)


def query(folder: Path, sql: str):
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def marts_hash(folder: Path) -> dict[str, str]:
    """A hash of the rows of each mart, in their order."""
    names = query(folder, "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'marts' ORDER BY 1")
    return {
        name: hashlib.sha256(repr(query(folder, f"SELECT * FROM marts.{name}")).encode()).hexdigest()
        for (name,) in names
    }


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A home with one run of the packaged snapshot. Tests read it; those that change something copy it."""
    home = tmp_path_factory.mktemp("published")
    summary = run(home)
    return home, summary


def test_a_run_publishes_warehouse_site_and_quality_pages(published):
    home, summary = published
    assert summary["as_of"] == "2026-11-09", "the snapshot's last known date"
    for name in ("warehouse.duckdb", "site/index.html", "quality/index.html"):
        assert (home / name).exists(), name
    page = (home / "site" / "index.html").read_text()
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "<script" not in page
    assert not any((home / "work").iterdir()), "nothing half-built stays behind"


def test_core_holds_every_row_of_the_snapshot(published):
    import tomllib

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
    columns = query(
        home,
        "SELECT table_name, column_name FROM duckdb_columns() WHERE schema_name = 'marts' AND data_type = 'DOUBLE'",
    )
    for table, column in columns:
        assert query(home, f'SELECT count(*) FROM marts.{table} WHERE NOT isfinite("{column}")') == [(0,)], (
            table,
            column,
        )


def test_a_run_where_nothing_changed_carries_over_what_was_found_and_says_so(published, tmp_path, capsys):
    from warehouse.cli.run import print_summary

    home, first = tmp_path / "home", published[1]["run_id"]
    shutil.copytree(published[0], home, symlinks=True)
    before = marts_hash(home)
    runs = [run(home), run(home)]
    assert marts_hash(home) == before
    results = "SELECT table_name, expectation, column_name, success, unexpected_count, checked_at FROM quality.results "
    whole = f"WHERE run_id = '{first}' AND table_name NOT LIKE 'staging.%' ORDER BY ALL"
    for summary in runs:
        assert (summary["new_rows"], summary["unchanged_since"]) == (0, first), (
            "the run that found it, not the last one"
        )
        assert query(home, f"{results} WHERE run_id = '{summary['run_id']}' ORDER BY ALL") == query(
            home, results + whole
        )
        assert query(home, "SELECT DISTINCT details->>'$.carried_over_from' FROM quality.results WHERE run_id = "
                           f"'{summary['run_id']}'") == [(first,)]  # fmt: skip
        for told in ("verdicts", "warnings", "fact_rows", "as_of"):
            assert summary[told] == published[1][told], told
    assert query(home, "SELECT count(*) FROM provenance.runs WHERE outcome = 'published'") == [(3,)]
    assert (home / "quality" / "index.html").read_text() == (published[0] / "quality" / "index.html").read_text()
    assert runs[1]["run_id"] in (home / "site" / "index.html").read_text()
    print_summary(runs[1])
    printed = capsys.readouterr().out
    assert f"Nothing has changed since run {first}: its figures and findings stand." in printed
    assert "Is the spending wasteful?" in printed
    assert f"Nothing had changed since run {first}, which found this." in overbuild(home, "quality").stdout


def test_the_same_facts_give_the_same_bytes(published, tmp_path, monkeypatch):
    from warehouse.pipeline import record

    home = tmp_path / "home"
    shutil.copytree(published[0], home, symlinks=True)
    before = marts_hash(home)
    monkeypatch.setattr(record, "_program", lambda: "another program")
    summary = run(home)
    assert (summary["new_rows"], summary["unchanged_since"]) == (0, ""), "another program makes its own answer"
    assert marts_hash(home) == before


def would_be_unchanged(home, source="reference", as_of=None, new_rows=0, bad_rows=()):
    """Whether a run as far as the loading finds that nothing changed."""
    from warehouse.pipeline import build, check, ingest, live_sources, quarantine
    from warehouse.pipeline.choose import chosen
    from warehouse.pipeline.workspace import workspace

    (killed := home / "work" / "of-a-run-that-was-killed").mkdir(parents=True, exist_ok=True)
    with workspace(source, as_of, print) as (run, store, _):
        assert not killed.exists()
        brought = [ingest.ingest(asked, store, run) for asked in chosen("reference", ())]
        ingestion = ingest.collect(store, run, brought)
        check.check_new_rows(store, run)
        quarantined = quarantine.quarantine_and_accept(store, run, ingestion)
        live_sources.record_live_sources(store, run, ingestion)
        loaded = build.load(store, run)
        loaded.added["evidence"] = loaded.added.get("evidence", 0) + new_rows
        quarantined = replace(quarantined, messages=(*quarantined.messages, *bad_rows))
        return build.unchanged(store, run, quarantined, loaded) is not None


def test_what_could_change_the_answer_makes_it_anew(published, tmp_path, monkeypatch):
    from warehouse.pipeline import record

    home = tmp_path / "home"
    monkeypatch.setenv("OVERBUILD_HOME", str(home))
    assert not would_be_unchanged(home), "the first run"
    shutil.rmtree(home)
    shutil.copytree(published[0], home, symlinks=True)
    assert would_be_unchanged(home)
    assert not would_be_unchanged(home, as_of=date(2025, 1, 28))
    assert not would_be_unchanged(home, "live"), "another date, another kind of run"
    assert not would_be_unchanged(home, new_rows=1)
    assert not would_be_unchanged(home, bad_rows=["a row"])
    with monkeypatch.context() as other:
        other.setattr(record, "_versions", lambda: {"polars": "another"})
        assert not would_be_unchanged(home)
    (tmp_path / "mine.toml").write_text("life = 3\n")
    monkeypatch.setenv("OVERBUILD_ASSUMPTIONS", str(tmp_path / "mine.toml"))
    assert not would_be_unchanged(home)


def test_a_dated_run_knows_nothing_later_and_leaves_todays_answer(published, tmp_path):
    home = tmp_path / "home"
    shutil.copytree(published[0], home, symlinks=True)
    today = (home / "current").resolve()
    run(home, as_of=date(2025, 1, 28))
    assert (home / "current").resolve() == today
    dated = home / "as-of" / "2025-01-28"
    assert query(dated, "SELECT max(known_on) <= DATE '2025-01-28' FROM core.company_facts") == [(True,)]
    assert query(dated, "SELECT max(date) FROM stock_prices") == [(date(2025, 1, 28),)]
    assert query(dated, "SELECT DISTINCT as_of FROM marts.verdict") == [(date(2025, 1, 28),)]
    # R1's own hours were published in September 2025
    assert query(dated, "SELECT count(*) FROM marts.training_cost WHERE run_id = 'TR009'") == [(0,)]


def test_a_dated_run_before_the_first_fact_answers_that_it_cannot_tell(tmp_path):
    run(tmp_path, as_of=date(2015, 1, 1))
    dated = tmp_path / "as-of" / "2015-01-01"
    assert query(dated, "SELECT DISTINCT verdict FROM marts.verdict") == [("cannot_tell",)]
    assert not (tmp_path / "current").exists()


def test_a_date_in_the_future_is_refused(tmp_path):
    with pytest.raises(UsageError, match="is in the future"):
        run(tmp_path, as_of=date(2999, 1, 1))


# -- corrupted snapshots ----------------------------------------------------------------------------------------------


@pytest.fixture
def corrupted(tmp_path):
    """A copy of the snapshot, and a function that edits the text of one of its files."""
    copy = tmp_path / "reference"
    shutil.copytree(REFERENCE, copy)

    def edit(name, change):
        path = copy / name
        packed = name.endswith(".gz")
        lines = (gzip.decompress(path.read_bytes()) if packed else path.read_bytes()).decode().splitlines()
        body = ("\n".join(change(lines)) + "\n").encode()
        path.write_bytes(gzip.compress(body) if packed else body)
        return copy

    return edit


def field(lines, row, column, value):
    """`lines` with one field of data row `row` (from 1) replaced."""
    import csv
    import io

    header = lines[0].split(",")
    cells = next(csv.reader([lines[row]]))
    cells[header.index(column)] = value
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(cells)
    return [*lines[:row], out.getvalue(), *lines[row + 1 :]]


REFUSED = {
    "a missing column": (
        "gpu_specs.csv",
        lambda lines: [",".join(line.split(",")[1:]) for line in lines],
        r"gpu_specs\.csv: column gpu_model is missing",
    ),
    "a file cut within a line": (
        "evidence.csv",
        lambda lines: [*lines[:50], lines[50][:20]],
        r"evidence\.csv, line 51: \d+ fields? where \d+ belong",
    ),
    "a file cut at a line": (
        "gpu_prices.csv",
        lambda lines: lines[:900],
        r"gpu_prices\.csv: 899 rows where snapshot\.toml counts 1247; the file was cut short",
    ),
    "a duplicate key": (
        "shares_outstanding.csv",
        lambda lines: [*lines, lines[5]],
        r"shares_outstanding\.csv, line 6 and line 40: ticker, measured_on, known_on are the same in these rows",
    ),
    "a text where a number belongs, in a small table": (
        "capex_guidance.csv",
        lambda lines: field(lines, 3, "low_usd", "about 60 billion"),
        r"capex_guidance\.csv, line 4: low_usd: 'about 60 billion' is not a whole number",
    ),
    "a chip that no unit fits": (
        "gpu_specs.csv",
        lambda lines: field(lines, 8, "bf16_dense_tflops", "-989.4"),
        r"gpu_specs\.csv, line 9: .*bf16_dense_tflops.*-989\.4",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_document_that_cannot_be_trusted_refuses_the_run_and_changes_nothing(published, corrupted, tmp_path, kind):
    name, change, message = REFUSED[kind]
    reference = corrupted(name, change)
    home = tmp_path / "home"
    shutil.copytree(published[0], home, symlinks=True)
    before = (home / "current").resolve()
    with pytest.raises(RefusedError, match=message):
        run(home, reference)
    assert (home / "current").resolve() == before
    assert not any((home / "work").iterdir())
    (refused,) = (home / "refused").iterdir()
    assert (refused / "message.txt").read_text().strip()
    if kind == "a duplicate key":
        assert run(home)["unchanged_since"] == published[1]["run_id"], "the refused run changed nothing"
        outcomes = query(home, "SELECT outcome FROM provenance.runs ORDER BY started_at")
        assert outcomes == [("published",), ("refused",), ("published",)], "the refused run joins the history"


# End to end for one of each way to be bad; every kind stands in test_corruptions.py.
PUT_ASIDE = {
    "a text where a number belongs": (
        "stock_prices.csv.gz",
        700,
        "volume",
        "many",
        "volume: 'many' is not a whole number",
    ),
    "a date in the future": ("company_facts.csv.gz", 40, "known_on", "2999-01-01", "known_on"),
    "a node's price for a GPU's": ("gpu_prices.csv", 700, "usd_per_gpu_hour", "98.32", "plausible_for_the_chip"),
}


@pytest.mark.parametrize("kind", PUT_ASIDE)
def test_a_single_bad_row_is_put_aside_with_its_reason_and_place(corrupted, tmp_path, kind):
    name, row, column, value, reason = PUT_ASIDE[kind]
    reference = corrupted(name, lambda lines: field(lines, row, column, value))
    home = tmp_path / "home"
    summary = run(home, reference, few_draws=True)
    ((table, said, kept, locator),) = query(home, "SELECT table_name, reason, row, locator FROM quality.quarantine")
    assert table == f"core.{name.split('.')[0]}"
    assert f"{name}, line {row + 1}" in said
    assert reason in said
    assert locator == f"line {row + 1}"
    assert json.loads(kept)[column] in (value, value.rstrip("0"))
    assert summary["quarantined"] == [said]
    total = query(home, f"SELECT count(*) FROM {table}")[0][0]
    import tomllib

    listed = tomllib.loads((REFERENCE / "snapshot.toml").read_text())
    assert total == listed[name.split(".")[0]]["rows"] - 1, "only that row stays out"


def test_a_person_accepts_a_row_and_people_are_told_once_of_each_thing(corrupted, tmp_path, live_server):
    live_server.body("/hook", b"ok")
    hook, home = f"{live_server.url}/hook", tmp_path / "home"
    bad = corrupted("stock_prices.csv.gz", lambda lines: field(lines, 700, "high", "0.01"))
    first = run(home, bad, hook, few_draws=True)
    assert first["notes"] == []
    [(row_id, line)] = query(home, "SELECT row_id, locator FROM quality.quarantine")
    page = (home / "site" / "quality.html").read_text()
    assert row_id in page
    assert line in page

    done = overbuild(home, "quality", "accept", row_id, "--reason", "so says the exchange", "--by", "Ada")
    assert done.returncode == 0, done.stderr
    again = overbuild(home, "quality", "accept", row_id, "--reason", "once more")
    assert again.returncode == 2
    assert "this row was accepted on" in again.stderr

    corrupted("gpu_specs.csv", lambda lines: [",".join(line.split(",")[1:]) for line in lines])
    with pytest.raises(RefusedError, match=r"What was found, and what to do with it: .*quality\.html"):
        run(home, bad, hook, few_draws=True)
    (refused,) = (home / "refused").iterdir()
    assert "This run was refused" in (refused / "site" / "quality.html").read_text()

    shutil.copyfile(REFERENCE / "gpu_specs.csv", bad / "gpu_specs.csv")
    second = run(home, bad, hook, few_draws=True)
    assert second["quarantined"] == []
    assert query(home, "SELECT count(*) FROM core.stock_prices WHERE high = 0.01") == [(1,)]
    assert query(home, "SELECT decision, decided_by FROM quality.decisions") == [("accepted", "Ada")]
    assert query(home, "SELECT count(DISTINCT run_id) FROM quality.measures") == [(3,)]
    assert len(list((home / "quality" / "runs").iterdir())) >= 2, "Data Docs hold earlier runs"

    told = [json.loads(request.body)["text"] for request in live_server.asked("/hook")]
    assert len(told) == 3
    assert "1 row of core.stock_prices was quarantined and waits for a decision" in told[0]
    assert (
        "The run refused its data, and nothing new was published: gpu_specs.csv: column gpu_model is missing" in told[1]
    )
    assert "quarantined" not in told[1]
    assert "Runs succeed again" in told[2]


def test_a_correction_is_seen_from_its_own_day(published, corrupted, tmp_path):
    """A restated share count published in 2026 changes today's answer and not that of January 2025."""

    def restate(lines):
        line = next(line for line in lines if line.startswith("NVDA,2024-11-15"))
        return [*lines, line.replace("24490000000", "24000000000").replace("2024-11-20", "2026-02-01")]

    home = tmp_path / "home"
    shutil.copytree(published[0], home, symlinks=True)
    reference = corrupted("shares_outstanding.csv", restate)
    summary = run(home, reference, few_draws=True)
    assert summary["new_rows"] == 1
    counted = "SELECT shares FROM shares_outstanding WHERE ticker = 'NVDA' AND measured_on = '2024-11-15'"
    assert query(home, counted) == [(24_000_000_000,)]
    run(home, reference, few_draws=True, as_of=date(2025, 1, 28))
    assert query(home / "as-of" / "2025-01-28", counted) == [(24_490_000_000,)]


# -- the command line -------------------------------------------------------------------------------------------------


def overbuild(home, *arguments, stdin=""):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OVERBUILD_")}
    return subprocess.run(
        [OVERBUILD, *arguments],
        env={**environment, "OVERBUILD_HOME": str(home)},
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )


def test_verdict_as_json_is_nothing_but_json(published):
    done = overbuild(published[0], "verdict", "--format", "json")
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert {row["question"] for row in rows if row["scope"] == "ALL"} == {"Q1", "Q2", "Q3", "Q4", "overall"}
    assert rows[0]["as_of"] == "2026-11-09"


def test_sql_writes_numbers_as_numbers_and_dates_as_iso(published):
    sql = "select date, close, volume from stock_prices where ticker = 'NVDA' and date = '2025-01-27'"
    done = overbuild(published[0], "sql", sql, "--format", "json")
    # the official close, and the volume on the consolidated tape
    assert json.loads(done.stdout) == [{"date": "2025-01-27", "close": 118.42, "volume": 818830900}]
    assert overbuild(published[0], "sql", "--format", "csv", stdin=sql).stdout == (
        "date,close,volume\n2025-01-27,118.42,818830900\n"
    )


@pytest.mark.parametrize(
    "path", sorted((REFERENCE.parent.parent / "sql" / "questions").glob("*.sql")), ids=lambda p: p.stem
)
def test_every_ready_question_opens_with_its_question_and_has_an_answer(published, path):
    assert path.read_text().startswith("-- ")
    assert path.read_text().splitlines()[0].endswith("?")
    done = overbuild(published[0], "sql", "--question", path.stem, "--format", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["verdict", "--company", "XYZ"], "--company XYZ: there is no verdict for it; choose from ALL, AMZN"),
        (["verdict", "--as-of", "yesterday"], "'yesterday' is not a date"),
        (["run", "--source", "somewhere"], "--source somewhere: choose reference or live"),
        (["run", "--only", "weather"], "--only weather: there is no such feed"),
        (["sql", "create table t as select 1"], "read-only"),
        (["sql", "selct 1"], "syntax error"),
        (["sql", "select * from core.nothing"], "core.nothing"),
        (["sql", "--question", "nothing"], "there is no such question. There are:"),
        (["sql", "--file", "/nowhere/q.sql"], "/nowhere/q.sql"),
        (["quality", "--run", "nothing"], "there is no such run"),
        (["trace", "marts.nothing"], "trace marts.nothing: there is no such table of marts or core"),
        (
            ["trace", "verdict", "--where", "scop = 'ALL'"],
            "It must be an SQL condition on the columns of marts.verdict",
        ),
        (["verdict", "--assume", "lif=3"], "there is no assumption named 'lif'. Did you mean life"),
        (["verdict", "--assume", "life=300"], "life is 300, outside its range"),
        (["frobnicate"], "No such command"),
    ],
)
def test_wrong_use_is_named_and_exits_with_2(published, arguments, message):
    done = overbuild(published[0], *arguments)
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_trace_leads_from_the_verdict_to_archived_documents(published):
    done = overbuild(
        published[0], "trace", "marts.verdict", "--where", "scope = 'ALL' and question = 'Q1'", "--format", "json"
    )
    facts = json.loads(done.stdout)
    assert {fact["key"] for fact in facts if fact["table"] == "core.training_runs"} == {"TR001", "TR009"}
    for fact in facts:
        body = (published[0] / fact["document_path"]).read_bytes()
        assert hashlib.sha256(body).hexdigest() == fact["document_sha256"]
    timeline = overbuild(
        published[0], "trace", "verdict_timeline", "--where", "as_of = '2025-06-30'", "--format", "json"
    )
    assert max(fact["known_on"] for fact in json.loads(timeline.stdout)) <= "2025-06-30"


def test_a_what_if_is_marked_and_publishes_nothing(published):
    before = (published[0] / "current").resolve()
    done = overbuild(published[0], "verdict", "--assume", "q1_factor=1", "--assume", "draws=1000", "--format", "json")
    rows = json.loads(done.stdout)
    assert {row["verdict"] for row in rows if row["question"] == "Q1"} == {"claim_fails"}
    assert {row["what_if"] for row in rows} == {"draws = 1000 instead of 100000; q1_factor = 1 instead of 2"}
    assert (published[0] / "current").resolve() == before
    assert {row["what_if"] for row in json.loads(overbuild(published[0], "verdict", "--format", "json").stdout)} == {
        None
    }


def test_quality_and_sources_show_what_was_checked(published):
    rows = json.loads(overbuild(published[0], "quality", "--format", "json").stdout)
    assert {row["severity"] for row in rows} == {"critical", "warning"}
    assert {"ohlc_consistent", "document_in_archive"} <= {row["expectation"] for row in rows}
    listed = json.loads(overbuild(published[0], "sources", "--format", "json").stdout)
    assert {row["source"]: row["documents"] for row in listed}["reference_prices"] == 2


def test_before_the_first_run_reading_says_what_to_do(tmp_path):
    done = overbuild(tmp_path, "verdict")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Run `overbuild run` first" in done.stderr


def test_a_home_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    done = overbuild(tmp_path / "file" / "home", "run")
    assert done.returncode == 2
    assert "this folder cannot be written" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_assumptions_file_with_a_mistake_is_named(tmp_path):
    (tmp_path / "mine.toml").write_text("lief = 3\n")
    done = subprocess.run(
        [OVERBUILD, "run"],
        env={**os.environ, "OVERBUILD_HOME": str(tmp_path / "home"), "OVERBUILD_ASSUMPTIONS": str(tmp_path / "mine.toml")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "there is no assumption named 'lief'. Did you mean life" in done.stderr
