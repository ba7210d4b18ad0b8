"""The command line on a published run: rows as a person and as a program reads them, and what is said of wrong use."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess

import pytest

from tests.runs import OVERBUILD, command, overbuild


def test_verdict_as_json_is_nothing_but_json(published):
    done = overbuild(published[0], "verdict", "--format", "json")
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert {row["question"] for row in rows if row["scope"] == "ALL"} == {"Q1", "Q2", "Q3", "Q4", "overall"}
    assert rows[0]["as_of"] == "2026-11-09"


def test_sql_writes_numbers_as_numbers_and_dates_as_iso(published):
    sql = "select date, close, volume from stock_prices where ticker = 'NVDA' and date = '2025-01-27'"
    done = command(published[0], "sql", sql, "--format", "json")
    # the official close, and the volume on the consolidated tape
    assert json.loads(done.stdout) == [{"date": "2025-01-27", "close": 118.42, "volume": 818830900}]
    assert command(published[0], "sql", "--format", "csv", stdin=sql).stdout == (
        "date,close,volume\n2025-01-27,118.42,818830900\n"
    )


def test_a_ready_question_is_answered_by_its_name(published):
    """All of them are asked in tests/reports/dictionary/test_answers.py, without a process for each."""
    done = command(published[0], "sql", "--question", "closes", "--format", "json")
    assert done.returncode == 0, done.stderr
    assert {"date": "2025-01-27", "close_usd": 118.42}.items() <= json.loads(done.stdout)[4].items()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["verdict", "--company", "XYZ"], "--company XYZ: there is no verdict for it; choose from ALL, AMZN"),
        (["verdict", "--as-of", "yesterday"], "'yesterday' is not a date"),
        (["run", "--source", "somewhere"], "--source somewhere: choose reference or live"),
        (["run", "--only", "weather"], "--only weather: there is no such feed"),
        (["sql", "create table t as select 1"], "read-only"),
        (["sql", "selct 1"], "syntax error"),
        (["sql", "select * from read_csv('/etc/hosts')"], "reads the published warehouse and no file, folder or host"),
        (["sql", "select * from 'https://no.invalid/a.csv'"], "and no file, folder or host"),
        (["sql", "load spatial"], "loads no extension"),
        (["sql", "set memory_limit = '1GB'"], "changes no setting"),
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
    done = command(published[0], *arguments)
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_what_is_no_change_is_not_told_to_copy_the_file(published):
    for refused in ("select * from read_csv('/etc/hosts')", "set memory_limit = '1GB'", "load spatial"):
        assert "Copy the file" not in command(published[0], "sql", refused).stderr
    assert "Copy the file" in command(published[0], "sql", "drop table marts.verdict").stderr


def test_only_says_that_it_takes_sources(tmp_path):
    said = " ".join(command(tmp_path, "run", "--help").stdout.split())
    assert "or live sources by name" in said
    assert "yahoo" in said
    wrong = command(tmp_path, "run", "--source", "live", "--only", "yaho").stderr
    assert "or a live source" in wrong
    assert "yahoo" in wrong
    assert "With --source live it may be yahoo" in command(tmp_path, "run", "--only", "yahoo").stderr


def test_how_a_run_went_stands_where_nobody_reads_its_summary(tmp_path, monkeypatch):
    from warehouse.cli import run

    def left(_):
        raise BrokenPipeError

    monkeypatch.setattr(run, "print_summary", left)
    for failed, code in (({"sec": "away"}, 4), ({}, 0)):
        monkeypatch.setattr(run, "start", lambda failed=failed, **_: {"failed_sources": failed})
        assert command(tmp_path, "run").returncode == code


def test_an_error_that_quotes_a_document_sends_the_terminal_no_command(published):
    said = command(published[0], "trace", "verdict", "--where", "scope = '\x1b[2J' nonsense").stderr
    assert "\\x1b[2J" in said
    assert "\x1b" not in said


@pytest.mark.parametrize("form", ["table", "csv"])
def test_output_ends_quietly_when_the_reader_leaves(published, form):
    """A table is written by a library, which ends a program in its own way; csv is written by us, and flushed last."""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [OVERBUILD, "sql", "select * from stock_prices limit 9000", "--format", form],
        env={**os.environ, "OVERBUILD_HOME": str(published[0])},
        stdout=writer,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


def test_trace_leads_from_the_verdict_to_archived_documents(published):
    done = command(
        published[0], "trace", "marts.verdict", "--where", "scope = 'ALL' and question = 'Q1'", "--format", "json"
    )
    facts = json.loads(done.stdout)
    assert {fact["key"] for fact in facts if fact["table"] == "core.training_runs"} == {"TR001", "TR009"}
    for fact in facts:
        body = (published[0] / fact["document_path"]).read_bytes()
        assert hashlib.sha256(body).hexdigest() == fact["document_sha256"]
    timeline = command(
        published[0],
        "trace",
        "verdict_timeline",
        "--where",
        "as_of = '2025-06-30' and scope = 'ALL'",
        "--format",
        "json",
    )
    assert max(fact["known_on"] for fact in json.loads(timeline.stdout)) <= "2025-06-30"


def test_a_what_if_is_marked_and_publishes_nothing(published):
    before = (published[0] / "current").resolve()
    done = command(published[0], "verdict", "--assume", "q1_factor=1", "--assume", "draws=1000", "--format", "json")
    rows = json.loads(done.stdout)
    assert {row["verdict"] for row in rows if row["question"] == "Q1"} == {"claim_fails"}
    assert {row["what_if"] for row in rows} == {"draws = 1000 instead of 100000; q1_factor = 1 instead of 2"}
    assert (published[0] / "current").resolve() == before
    assert {row["what_if"] for row in json.loads(command(published[0], "verdict", "--format", "json").stdout)} == {None}


def test_quality_and_sources_show_what_was_checked(published):
    rows = json.loads(command(published[0], "quality", "--format", "json").stdout)
    assert {row["severity"] for row in rows} == {"critical", "warning"}
    assert {"ohlc_consistent", "document_in_archive"} <= {row["expectation"] for row in rows}
    listed = json.loads(command(published[0], "sources", "--format", "json").stdout)
    assert {row["source"]: row["documents"] for row in listed}["reference_prices"] == 2


def test_a_terminal_without_the_letters_shows_their_codes(published):
    where = ("--where", "calendar_quarter = '2026Q2'")
    done = overbuild(published[0], "trace", "capex_group", *where, PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert "capex_usd = \\u03a3 capex of the companies" in done.stdout


def test_before_the_first_run_reading_says_what_to_do(tmp_path):
    done = command(tmp_path, "verdict")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Run `overbuild run` first" in done.stderr


def test_a_home_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    done = command(tmp_path / "file" / "home", "run")
    assert done.returncode == 2
    assert "this folder cannot be written" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_assumptions_file_with_a_mistake_is_named(tmp_path):
    (tmp_path / "mine.toml").write_text("lief = 3\n")
    done = overbuild(tmp_path / "home", "run", OVERBUILD_ASSUMPTIONS=str(tmp_path / "mine.toml"))
    assert done.returncode == 2
    assert "there is no assumption named 'lief'. Did you mean life" in done.stderr
