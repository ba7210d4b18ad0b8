"""`overbuild sql` from outside: every way to give a query, every format, every limit, and what is said of wrong use."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import pty
import subprocess
import sys
import time
import zipfile
from datetime import date, timedelta
from types import SimpleNamespace

import duckdb
import pytest

from tests.reports.made_warehouses import QUARTER, VERDICT, publish
from tests.runs import OVERBUILD, command, overbuild
from warehouse.cli import prompt

RUN = "20251031T060000-0001"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = tmp_path_factory.mktemp("sql") / "home"
    days = [
        {
            **QUARTER,
            "period_end": date(2000, 1, 1) + timedelta(days=n),
            "capex_usd": 400_000_000.0 + n,
            "reason": reason,
        }
        for n, reason in enumerate(["=1+1", "-5", "\x1b[31mred", "a,b", *[None] * 96])
    ]
    publish(home, RUN, {"verdict": [VERDICT], "capex_quarterly": days})
    return home


def ask(home, *arguments, **more):
    done = command(home, "sql", *arguments, **more)
    assert done.returncode == 0, done.stderr
    return done.stdout


QUERY = "select period_end, capex_usd, reason from marts.capex_quarterly order by period_end"


def test_a_table_shows_its_first_rows_and_counts_the_others(home):
    lines = ask(home, QUERY).splitlines()
    assert lines[0].split() == ["period_end", "capex_usd", "reason"]
    assert lines[2].split() == ["2000-01-01", "400,000,000", "=1+1"]
    assert len([line for line in lines if line.startswith("2000-")]) == 40
    assert "100 rows, 40 shown" in "\n".join(lines)
    assert "\x1b" not in "\n".join(lines)
    assert "100 rows, 3 shown" in ask(home, QUERY, "--max-rows", "3")
    assert "shown" not in ask(home, QUERY, "--all")


def test_null_is_null_and_nan_is_nan(home):
    assert ask(home, "select null as a, 'nan'::double as b, '' as c").splitlines()[2].split() == ["NULL", "NaN"]


def test_several_statements_give_several_answers(home):
    assert [line.strip() for line in ask(home, "select 1 as a; select 2 as b;").splitlines() if line.strip()] == [
        "a", "─", "1", "b", "─", "2",
    ]  # fmt: skip


def test_a_query_comes_from_a_file_or_from_standard_input(home, tmp_path):
    (tmp_path / "q.sql").write_text("-- what\nselect 7 as n;\n")
    for given in (["--file", str(tmp_path / "q.sql")], ["-"], ["--file", "-"], []):
        found = ask(home, *given, "--format", "csv", stdin="select 7 as n")
        assert found == "n\n7\n"


def test_values_are_given_by_name(home):
    query = "select $a as a, '$a' as b, $b::int + 1 as c"
    assert json.loads(ask(home, query, "--param", "a=it's", "--param", "b=41", "--format", "json")) == [
        {"a": "it's", "b": "$a", "c": 42}
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["select $a as a"], "give --param a=..."),
        (["select 1", "--param", "b=1"], "the query does not read $b"),
        (["select 1", "--param", "b"], "write it as NAME=VALUE"),
        (["select * from capex_quartely"], "Did you mean"),
        (["select 1", "--file", "x"], "give one of"),
        (["--file", "/nowhere/q.sql"], "/nowhere/q.sql"),
        (["select 1", "--format", "parquet"], "-o answer.parquet"),
        (["explain select 1", "-o", "{tmp}/a.parquet", "--format", "parquet"], "EXPLAIN gives a plan and no table"),
        (["select 1; select 2", "-o", "{tmp}/a.csv", "--format", "csv"], "2 statements"),
        (["select 1", "-o", "{home}/warehouse.duckdb", "--format", "csv"], "what is published"),
        (["select 1", "-o", "{home}/current/warehouse.duckdb.wal", "--format", "csv"], "what is published"),
        (["select 1", "-o", "{home}/releases/" + RUN + "/x.csv", "--format", "csv"], "what is published"),
        (["select 1", "-o", "{tmp}/none/a.csv", "--format", "csv"], "a folder that does not exist"),
        (["select 1", "-o", "{tmp}", "--format", "csv"], "this is a folder"),
        (["select 1", "--timeout", "0"], "seconds above zero"),
        (["select 1", "--memory", "much"], "500MB or 2GB"),
        (["select 1", "--memory", "1KB"], "at least 16MB"),
        (["copy (select 1) to '{home}/warehouse.duckdb.wal'"], "COPY reads or writes a file"),
        (["select 1; drop table marts.verdict"], "Copy the file"),
        (["select 1", "-o", "{tmp}/answer"], "an ending such as .csv"),
        (["--file", "{tmp}/none.sql"], "there is no such file"),
        (["--file", "{tmp}"], "this is a folder"),
        ([""], "holds no query"),
        ([";"], "holds no query"),
        (["-- about nothing"], "holds no query"),
        (["select '\udce9' as a"], "not in UTF-8"),  # a byte of another encoding, as Python gives it to a program
        (["from 'x.csv'"], "reads the published warehouse and no file"),
    ],
)
def test_wrong_use_is_named_and_exits_with_2(home, tmp_path, arguments, said):
    done = command(home, "sql", *(each.format(home=home, tmp=tmp_path) for each in arguments))
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert done.stdout == ""


def test_a_file_without_an_end_and_one_that_is_no_text_are_refused(home, tmp_path):
    (tmp_path / "long.sql").write_bytes(b"select 1 --" + b"x" * 50_000_000)
    (tmp_path / "picture.sql").write_bytes(bytes(range(128, 256)))
    for name, said in (("long.sql", "at most a million"), ("picture.sql", "cannot be read")):
        done = command(home, "sql", "--file", str(tmp_path / name))
        assert (done.returncode, done.stdout) == (2, "")
        assert said in done.stderr
    done = command(home, "sql", "-", stdin="select 1 --" + "x" * 5_000_000)
    assert (done.returncode, "at most 1,000,000" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("a.csv", b"a,b\n"),
        ("a.JSON", b"[\n"),
        ("a.jsonl", b'{"a"'),
        ("a.md", b"| a"),
        ("a.parquet", b"PAR1"),
        ("a.xlsx", b"PK"),
    ],
)
def test_the_ending_of_a_file_says_its_format(home, tmp_path, name, begins):
    ask(home, "select 1 as a, 2 as b", "-o", str(tmp_path / name))
    assert (tmp_path / name).read_bytes().startswith(begins)


def test_a_query_may_begin_with_a_comment(home):
    assert ask(home, "-- the answer\nselect 41 + 1 as answer", "--format", "csv") == "answer\n42\n"


def test_letters_of_a_query_are_those_of_utf_8_whatever_the_terminal_says(home):
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = overbuild(home, "sql", "select length('é…') as letters", "--format", "csv", **plain)
    assert (done.returncode, done.stdout) == (0, "letters\n2\n"), done.stderr


# -- formats ----------------------------------------------------------------------------------------------------------


def test_csv_keeps_every_value_and_leaves_no_formula(home):
    rows = list(csv.DictReader(io.StringIO(ask(home, QUERY, "--format", "csv"))))
    assert len(rows) == 100
    assert [row["reason"] for row in rows[:5]] == ["'=1+1", "-5", "\x1b[31mred", "a,b", ""]
    assert rows[1]["capex_usd"] == "400000001.0"
    assert "\n2000-01-01,400000000.0,=1+1\n" in ask(home, QUERY, "--format", "csv", "--raw-cells")


def test_columns_of_one_name_are_told_apart_as_duckdb_does(home):
    assert ask(home, 'select 1 as a, 2 as a, 3 as "b,c"', "--format", "csv") == 'a,a_1,"b,c"\n1,2,3\n'


def test_what_is_no_select_has_every_format_too(home):
    for query in ("describe marts.verdict", "show all tables", "explain select 1", "summarize marts.verdict"):
        assert ask(home, query, "--format", "csv").count("\n") > 1
        assert json.loads(ask(home, query, "--format", "json"))


def test_json_and_its_lines(home):
    query = (
        "select 1 as n, date '2025-01-27' as d, 'nan'::double as x, [1, null] as l, 'é' as t "
        "union all select 2, null, 1.5, null, ''"
    )
    rows = json.loads(ask(home, f"{query} order by n", "--format", "json"))
    assert rows == [
        {"n": 1, "d": "2025-01-27", "x": None, "l": [1, None], "t": "é"},
        {"n": 2, "d": None, "x": 1.5, "l": None, "t": ""},
    ]
    lines = ask(home, f"{query} order by n", "--format", "ndjson").splitlines()
    assert [json.loads(line) for line in lines] == rows
    assert json.loads(ask(home, "select 1 as n where false", "--format", "json")) == []


def test_markdown_escapes_what_would_end_a_cell(home):
    assert ask(home, "select 'a|b' as x, null as y", "--format", "markdown") == (
        "| x | y |\n| --- | --- |\n| a\\|b | NULL |\n"
    )


def test_files_are_whole_or_not_there(home, tmp_path):
    for form in ("csv", "json", "ndjson", "markdown", "parquet", "xlsx"):
        ask(home, QUERY, "--format", form, "-o", str(tmp_path / f"a.{form}"))
        done = command(home, "sql", "select 1 / nothing", "--format", form, "-o", str(tmp_path / f"b.{form}"))
        assert done.returncode == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "a.csv", "a.json", "a.markdown", "a.ndjson", "a.parquet", "a.xlsx",
    ]  # fmt: skip
    assert duckdb.execute(f"select count(*), max(capex_usd) from '{tmp_path}/a.parquet'").fetchone() == (
        100,
        400_000_099,
    )
    assert (tmp_path / "a.xlsx").read_bytes().startswith(b"PK")


def test_a_workbook_holds_no_formula(home, tmp_path):
    for raw in ((), ("--raw-cells",)):
        ask(home, "select '=1+1' as \"=2+2\"", "--format", "xlsx", "-o", str(tmp_path / "a.xlsx"), *raw)
        with zipfile.ZipFile(tmp_path / "a.xlsx") as book:
            sheet = book.read("xl/worksheets/sheet1.xml").decode()
        assert "<f>" not in sheet
        assert "1+1</t>" in sheet  # as a text


# -- limits -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query",
    [
        "select sum(a.i * b.i) from range(100000000) a(i), range(1000) b(i)",
        "select levenshtein(repeat('a', 300000), repeat('b', 300000))",  # one call, in which DuckDB never looks up
        "with recursive a(n) as (select 1 union all select n + 1 from a) select count(*) from a",
    ],
    ids=["join", "one call", "recursion"],
)
def test_a_query_without_end_is_stopped_and_says_how_to_give_it_more_time(home, query):
    began = time.monotonic()
    done = overbuild(home, "sql", query, "--timeout", "1")
    assert (done.returncode, done.stdout) == (2, "")
    assert "stopped after 1 second." in done.stderr
    assert "--timeout 300" in done.stderr
    assert time.monotonic() - began < 30


@pytest.mark.parametrize(
    "query",
    [
        "select len(range(1000000000))",
        "select length(repeat('x', 4000000000))",
        "select len(list(i)) from range(300000000) t(i)",
    ],
    ids=["list", "text", "aggregate"],
)
def test_a_query_that_eats_memory_is_stopped_and_says_how_to_give_it_more(home, query):
    done = overbuild(home, "sql", query, "--memory", "200MB")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--memory 8GB" in done.stderr


def test_nothing_is_left_of_what_did_not_fit_in_memory(home, tmp_path):
    environment = {**os.environ, "OVERBUILD_HOME": str(home), "TMPDIR": str(tmp_path)}
    query = "select * from range(30000000) t(i) order by hash(i) limit 100000"
    done = subprocess.run(
        [OVERBUILD, "sql", query, "--memory", "100MB", "--format", "csv"],
        env=environment,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert list(tmp_path.iterdir()) == []
    assert {path.name for path in (home / "releases" / RUN).iterdir()} == {"warehouse.duckdb"}


def test_a_log_that_somebody_laid_beside_the_answer_is_named_and_not_read(home):
    log = home / "releases" / RUN / "warehouse.duckdb.wal"
    log.write_bytes(b"not a log")
    try:
        done = command(home, "sql", "select 1 as a", "--format", "csv")
    finally:
        log.unlink()
    assert (done.returncode, done.stdout) == (0, "a\n1\n")
    assert "no run wrote this file" in done.stderr


# -- terminals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "more", [{"COLUMNS": "20"}, {"NO_COLOR": "1"}, {"LC_ALL": "C"}, {"PYTHONIOENCODING": "ascii"}], ids=str
)
def test_any_terminal_will_do(home, more):
    done = overbuild(home, "sql", QUERY + " limit 3", **more)
    assert done.returncode == 0, done.stderr
    assert "400,000,000" in done.stdout
    assert "\x1b" not in done.stdout


# Ctrl-C reaches a program as a signal from the terminal of its session. Not by `preexec_fn`: that forks the tests' process,
# which some systems refuse once it has reserved more addresses than they have memory.
OWNS_ITS_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


def terminal(home, typed, *arguments, seconds=120.0):
    """What a terminal shows when a person types; `typed` are texts and how long to wait before each."""
    main, other = pty.openpty()
    environment = {
        **os.environ,
        "OVERBUILD_HOME": str(home),
        "TERM": "dumb",
        "PAGER": "cat",
        "COLUMNS": "100",
        "LINES": "40",
    }
    process = subprocess.Popen(
        [sys.executable, "-c", OWNS_ITS_TERMINAL, OVERBUILD, "sql", *arguments],
        env=environment,
        stdin=other,
        stdout=other,
        stderr=other,
        start_new_session=True,
    )
    os.close(other)
    shown = b""
    waiting = list(typed)
    end = time.monotonic() + seconds
    os.set_blocking(main, False)
    while time.monotonic() < end and process.poll() is None:
        try:
            shown += os.read(main, 65536)
        except BlockingIOError:
            time.sleep(0.02)
        except OSError:  # it has closed its terminal, and is about to end
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            break
        if waiting and waiting[0][0] in shown:
            after, text = waiting.pop(0)
            shown = shown if not after else shown[shown.index(after) + len(after) :]
            time.sleep(0.2)
            os.write(main, text)
    alive = process.poll() is None
    process.kill()
    process.wait()
    os.close(main)
    return shown.decode(errors="replace"), alive, waiting


def test_the_prompt_goes_on_after_a_command_without_its_name_and_says_its_own_ways_to_see_more(capsys, monkeypatch):
    def fails(text):
        raise RuntimeError("of ours")

    shell = prompt.Shell(SimpleNamespace(run=fails, rows=None))
    shell.take(".question")
    assert "capex_by_year" in capsys.readouterr().out
    monkeypatch.delenv("OVERBUILD_DEBUG", raising=False)
    shell.take("select 1;")
    assert "a defect of ours: RuntimeError: of ours" in capsys.readouterr().err
    assert not shell.left


def test_the_prompt_completes_no_table_that_only_stands_behind_a_view():
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA current_rows; CREATE TABLE current_rows.capex AS SELECT 1 AS kept")
        connection.execute("CREATE VIEW capex AS FROM current_rows.capex")
        assert prompt.known_names(SimpleNamespace(connection=connection)) == (["capex"], ["kept"])


def test_the_prompt_answers_goes_on_after_errors_and_ctrl_c_and_keeps_its_history(home):
    slow = b"select sum(a.i * b.i) from range(100000000) a(i), range(1000) b(i);\r"
    shown, alive, left = terminal(
        home,
        [
            (b"overbuild>", b"select 41 + 1 as answer;\r"),
            (b"42", b""),
            (b"overbuild>", b"selct;\r"),  # what is typed before the prompt is back can be lost
            (b"syntax error", b""),
            (b"overbuild>", slow),
            (b"1000) b(i);", b"\x03"),
            (b"stopped", b""),
            (b"overbuild>", b".help\r"),
            (b".describe", b""),
            (b"overbuild>", b"from range(50);\r"),
            (b".rows N shows more", b""),
            (b"overbuild>", b".quit\r"),
        ],
    )
    assert (left, alive) == ([], False), shown
    assert "select 41 + 1 as answer;" in (home / "sql_history").read_text()
