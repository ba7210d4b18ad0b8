"""The one gate for SQL that comes as text: what passes, what is said of the rest, and that nothing else lets text in."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import duckdb
import pytest

from warehouse.database import reading, releases
from warehouse.errors import UsageError

ROOM = Path(__file__).parents[2] / "warehouse"

READS = [
    "select 1",
    "with a as (select 1) from a",
    "values (1)",
    "from t",
    "table t",
    "(select 1)",
    "show tables",
    "describe t",
    "desc select 1",
    "summarize t",
    "explain select 1",
    "/* a */ explain /* b */ analyze select 1 -- c",
    "explain (format json) select 1",
    "explain (format yaml) select 1",
    "explain /* a */ ( /* b */ analyze true, format 'json' -- c\n ) select 1",
    'explain ("format" mermaid) (select 1)',
    "explain (select 1)",
    "explain (analyze) select a from t",
    "pragma table_info('t')",
    "pragma version",
    "unpivot (select 1 a, 2 b) on a, b",
    "pivot (select 1 a, 2 b) on a in (1, 2) using sum(b)",
    "pivot t on a using sum(a)",
    "from t pivot (sum(a) for a in (1))",
    "from t unpivot (v for n in (a))",
    "from t select a where a > 0",
    "select a from t qualify row_number() over (order by a) = 1",
    "from t asof join (select 0 as a, 1 as b) u on t.a >= u.a",
    "select [x * 2 for x in [1, 2] if x > 1], list_transform([1], lambda x: x + 1)",
    "select columns('a') from t group by all order by all",
    "select * exclude (a), a as b from t union all by name select 1 as b",
    "select a, lag(a) over w from t window w as (order by a)",
    "from t positional join (select 1 as c)",
    "from t, lateral (select t.a + 1) using sample 1",
    "summarize select 1 as a",
    "show all tables",
    "describe",
    "select * from range(3), generate_series(1, 2), unnest([1])",
    "from duckdb_tables()",
    "with recursive a(n) as (select 1 union all select n + 1 from a where n < 3) from a",
]
REFUSED = {
    "copy (select 1) to 'x'": "COPY",
    "copy t from 'x'": "COPY",
    "explain copy (select 1) to 'x'": "COPY",
    "explain analyze copy (select 1) to 'x'": "COPY",
    "explain (analyze, format json) copy (select 1) to 'x'": "COPY",
    "explain (format json /* ) select 1 -- */) copy (select 1) to 'x'": "COPY",
    "explain (format json) from read_csv('x')": "function",
    "copy from database a to b": "COPY_DATABASE",
    "export database 'x'": "EXPORT",
    "import database 'x'": "IMPORT",
    "/* a */ -- b\n import database 'x'": "IMPORT",
    "attach 'x'": "ATTACH",
    "detach x": "DETACH",
    "install spatial": "INSTALL",
    "force install spatial": "LOAD",
    "load spatial": "LOAD",
    "update extensions": "UPDATE EXTENSIONS",
    "set threads = 1": "SET",
    "pragma memory_limit = '9GB'": "SET",
    "reset threads": "RESET",
    "use marts": "USE",
    "call enable_logging()": "CALL",
    "checkpoint": "CHECKPOINT",
    "pragma enable_profiling": "PRAGMA",
    "pragma enable_verification": "PRAGMA",
    "vacuum": "VACUUM",
    "begin": "TRANSACTION",
    "prepare a as select 1": "PREPARE",
    "execute a": "EXECUTE",
    "create table u as select 1": "CHANGE",
    "create temp macro f() as 1": "CHANGE",
    "create secret (type s3)": "CHANGE",
    "insert into t values (1)": "CHANGE",
    "update t set a = 1": "CHANGE",
    "delete from t": "CHANGE",
    "truncate t": "CHANGE",
    "drop table t": "CHANGE",
    "alter table t rename to u": "CHANGE",
    "comment on table t is 'a'": "CHANGE",
    "merge into t using t as u on true when matched then delete": "CHANGE",
    "from (pivot (select 1 a, 2 b) on a using sum(b))": "PIVOT",
    "explain pivot (select 1 a, 2 b) on a using sum(b)": "PIVOT",
    "describe pivot (select 1 a, 2 b) on a using sum(b)": "PIVOT",
    "pivot (from read_csv('x')) on a using sum(b)": "function",
    "pivot (select 1 a, 2 b) on sleep_ms(a) using sum(b)": "function",
    "with x as (from enable_logging()) pivot t on a using sum(a)": "function",
    "pivot t on a using sum(sleep_ms(a))": "function",
    "pivot t on a using sum(a); drop table t": "CHANGE",
    "from enable_logging()": "function",
    'select (select count(*) from "Enable_Logging"())': "function",
    "with a as (from force_checkpoint()) select 1": "function",
    "describe from truncate_duckdb_logs()": "function",
    "explain from checkpoint()": "function",
    "from arrow_scan(1, 2, 3)": "function",
    "from query('from enable_logging()')": "function",
    "from json_execute_serialized_sql('{}')": "function",
    "from read_csv('/etc/hosts')": "function",
    "from read_text('x')": "function",
    "from glob('*')": "function",
    "from parquet_scan('x')": "function",
    "select sleep_ms(1)": "function",
    "select system.main.write_log('a')": "function",
    "from query_table('t')": "function",
    "select * from query_table(['t'])": "function",
    "from duckdb_secrets()": "function",
    "from duckdb_variables()": "function",
    "from sniff_csv('x')": "function",
    "from sqlite_scan('x', 'y')": "function",
    "from seq_scan('t')": "function",
    "from system.main.read_text('x')": "function",
    'select * from "READ_text"($$x$$)': "function",
    "select/**/*/**/from/**/read_text('x')": "function",
    "values ((select content from read_text('x')))": "function",
    "select 1 limit (select size from read_text('x'))": "function",
    "select 1 order by (select size from read_text('x'))": "function",
    "from t, lateral (from read_text('x'))": "function",
    "with a as materialized (from read_blob('x')) select 1": "function",
    "explain analyze from glob('*')": "function",
    "select [x for x in (select list(content) from read_text('x'))]": "function",
    "select getenv('HOME')": "function",
    "select nextval('s')": "function",
    "set variable x = 1": "VARIABLE_SET",
    "set global threads = 1": "SET",
    "set lock_configuration = false": "SET",
    "pragma lock_configuration = false": "SET",
    "pragma profiling_output = 'x'": "SET",
    "reset lock_configuration": "RESET",
    "call dbgen(sf = 1)": "CALL",
    "install httpfs from community": "INSTALL",
    "load '/x.so'": "LOAD",
    "copy t from program 'ls'": "COPY",
    "from 'x.parquet'": "file",
    "from 's3://bucket/x'": "file",
    "describe '/etc/passwd'": "file",
    'select (select count(*) from "x/y".csv)': "file",
    "with a as (from 'a/*.json') from a": "file",
    "pivot 'x.csv' on a using sum(b)": "file",
    "attach ':memory:' as m": "ATTACH",
    "deallocate a": "EXECUTE",
    "analyze": "VACUUM",
    "rollback": "TRANSACTION",
    "explain analyze delete from t": "CHANGE",
    "create macro f() as table from read_text('x')": "CHANGE",
    "create function f(x) as x": "CHANGE",
    "-- a\nselect 1;;\n/* b */ drop table t": "CHANGE",
    "select 1; select 2; drop table t": "CHANGE",
}


@pytest.fixture
def published(tmp_path):
    path = tmp_path / "release" / "warehouse.duckdb"
    path.parent.mkdir()
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table t as select 1 as a; create view answer as select 'cannot_tell' as verdict")
    return path


@pytest.fixture
def connection(published):
    with releases.reading(published) as opened:
        yield opened


@pytest.mark.parametrize("text", READS)
def test_a_read_passes_and_runs(connection, text):
    [read] = reading.reads(connection, text)
    assert reading.execute(connection, read).fetchall() is not None


PIVOTS = [
    "pivot (select unnest([10, 2, null, 3]) a, 2 b) on a using sum(b)",
    "pivot (select unnest([date '2020-01-01', date '2019-01-01']) a, 2 b) on a using sum(b), count(*) as n",
    "with x as (select unnest(['it''s', 'é']) a, 2 b, 1 c) -- on a\n pivot x on a, -- é, using\n c using sum(b) group by b",
    "pivot (select 1.5 a, 2 b, true c) on a || c, c in (true, false) using sum(b) group by b order by b limit 3",
    'pivot (select 1 as "On A", 2 b) on "On A" using sum(b);',
    "pivot (select 1 a, 2 b) x join (select 1 a, 'k' k) y on x.a = y.a on k using sum(b) group by b",
    "PIVOT (SELECT 1 a, 2 b) ON a",
    "/* pivot */ pivot t on a using sum(a) group by a -- the end",
    "pivot (select [3][1] as a, {'b': 2} as s) on (s['b']) using sum(a)",
]


@pytest.mark.parametrize("text", PIVOTS)
def test_a_pivot_without_its_values_gives_what_duckdb_gives(connection, text):
    read = reading.one(connection, text)
    found = reading.execute(connection, read)
    names, rows = [name for name, *_ in found.description], found.fetchall()
    with duckdb.connect() as plain:
        plain.execute("create table t as select 1 as a")
        expected = plain.execute(text)
        assert names == [name for name, *_ in expected.description]
        assert rows == expected.fetchall()
    assert reading.count(connection, read) == len(rows)
    assert [name for name, _ in reading.types(connection, read)] == names


def test_a_plan_comes_in_the_format_that_is_asked_for(connection):
    read = reading.one(connection, "explain (format json) select a from t")
    [(_, plan)] = reading.execute(connection, read).fetchall()
    assert json.loads(plan)[0]["name"]


def test_several_statements_may_have_pivots_among_them(connection):
    text = "select ';' as a; pivot t on a using sum(a); -- b\n select 2"
    answers = [reading.execute(connection, read).fetchall() for read in reading.reads(connection, text)]
    assert answers == [[(";",)], [(1,)], [(2,)]]


@pytest.mark.parametrize(
    ("source", "said"),
    [("(select 1 as a where false)", "no row has one"), ("(from range(2000) as r(a))", "more than 1,000.*ON a IN")],
)
def test_a_pivot_that_would_have_no_column_or_too_many_says_so(connection, source, said):
    read = reading.one(connection, f"pivot {source} on a using count(*)")
    with pytest.raises(UsageError, match=said):
        reading.execute(connection, read)


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_read_is_refused_in_its_own_words(connection, text):
    with pytest.raises(reading.RefusedStatement) as refused:
        reading.reads(connection, text)
    assert refused.value.code == REFUSED[text]
    assert refused.value.exit_code == 2


def test_each_refusal_has_words_of_its_own():
    assert len(set(reading.WORDS.values())) == len(reading.WORDS)


@pytest.mark.parametrize("text", ["", "  ", "-- nothing", ";;"])
def test_a_text_without_a_statement_holds_none(connection, text):
    assert reading.reads(connection, text) == []


def test_statements_lose_their_semicolons_and_nothing_else(connection):
    texts = [read.text.strip() for read in reading.reads(connection, "select 'é;' as x; select 2 /* ; */; -- ö;\n")]
    assert texts == ["select 'é;' as x", "select 2 /* ; */"]


@pytest.mark.parametrize(
    "text",
    ["selct 1", "\x00", "select " + "(" * 100_000, "select " + "+".join(["1"] * 900), "select 1 --" + "x" * 2_000_000],
    ids=["typo", "zero byte", "parentheses", "sum", "long"],
)
def test_what_cannot_be_read_is_said_and_takes_no_time(connection, text):
    with pytest.raises(UsageError, match="SQL: "):
        reading.reads(connection, text)


def test_an_error_keeps_the_place_that_duckdb_points_at(connection):
    with pytest.raises(UsageError, match=r"LINE 1: select b from t\n +\^"):
        reading.execute(connection, reading.one(connection, "select b from t"))


def test_the_tables_of_duckdb_that_are_neither_allowed_nor_known_are_looked_at():
    """A new version may bring a table function: it is refused until somebody has read what it does."""
    found = duckdb.execute("select distinct function_name from duckdb_functions() where function_type = 'table'")
    known = set(
        """
        arrow_scan arrow_scan_dumb checkpoint disable_logging disable_profiling duckdb_approx_database_count
        duckdb_connection_count duckdb_coordinate_systems duckdb_external_file_cache duckdb_log_contexts duckdb_logs
        duckdb_prepared_statements duckdb_secret_types duckdb_secrets duckdb_table_sample duckdb_temporary_files
        duckdb_variables enable_logging enable_profiling force_checkpoint glob json_execute_serialized_sql pandas_scan
        parquet_bloom_probe parquet_file_metadata parquet_full_metadata parquet_kv_metadata parquet_metadata
        parquet_scan parquet_schema python_map_function query query_table read_blob read_csv read_csv_auto read_duckdb
        read_json read_json_auto read_json_objects read_json_objects_auto read_ndjson read_ndjson_auto
        read_ndjson_objects read_parquet read_text seq_scan sniff_csv test_all_types test_vector_types
        truncate_duckdb_logs which_secret
        """.split()  # noqa: SIM905
    )
    assert {name for (name,) in found.fetchall()} - reading.TABLE_FUNCTIONS == known


def test_a_function_of_the_warehouse_passes_and_one_of_that_name_that_it_lacks_does_not(published):
    with duckdb.connect(str(published)) as writer:
        writer.execute("create macro main.t_as_of(day) as table select a from t where day >= date '2025-01-01'")
        writer.execute("create macro main.other(day) as table select a from t")
    with releases.reading(published) as opened:
        read = reading.one(opened, "from T_as_of(date '2025-01-01')")
        assert reading.execute(opened, read).fetchall() == [(1,)]
        for name in ("u_as_of", "other"):
            with pytest.raises(reading.RefusedStatement, match=name):
                reading.one(opened, f"from {name}('2025-01-01')")


# -- what a query could do to the published answer --------------------------------------------------------------------

FORGED = "copy (select from_hex('{log}') as b) to '{file}.wal' (format blob, use_tmp_file false)"
DESTROYED = "copy (select 'x') to '{file}' (format csv, use_tmp_file false)"


def a_log(folder: Path) -> str:
    """The log of a change to a warehouse like the published one, as it lies beside it before it is taken in."""
    path = folder / "other" / "warehouse.duckdb"
    path.parent.mkdir()
    path.write_bytes((folder / "release" / "warehouse.duckdb").read_bytes())
    with duckdb.connect(str(path)) as writer:
        writer.execute("pragma disable_checkpoint_on_shutdown")
        writer.execute("create or replace view answer as select 'looks_wasteful' as verdict")
    return Path(f"{path}.wal").read_bytes().hex()


def test_a_query_neither_forges_nor_destroys_the_published_answer(published, tmp_path):
    before = published.read_bytes()
    for attack in (FORGED, DESTROYED):
        text = attack.format(log=a_log(tmp_path) if attack is FORGED else "", file=published)
        with releases.reading(published) as connection, pytest.raises(reading.RefusedStatement):
            reading.reads(connection, text)
    assert published.read_bytes() == before
    assert [path.name for path in published.parent.iterdir()] == ["warehouse.duckdb"]


def test_a_reader_takes_in_no_log_that_somebody_laid_beside_the_release(published, tmp_path):
    log = Path(f"{published}.wal")
    log.write_bytes(bytes.fromhex(a_log(tmp_path)))
    with duckdb.connect(str(published), read_only=True) as plain:  # this is what the log would do
        assert plain.execute("from answer").fetchall() == [("looks_wasteful",)]
    with releases.reading(published) as connection:
        assert connection.execute("from answer").fetchall() == [("cannot_tell",)]
    with releases.comparing(published, tmp_path / "other" / "warehouse.duckdb") as connection:
        assert connection.execute("from before.answer").fetchall() == [("cannot_tell",)]
    assert releases.foreign_logs(published) == [log]
    log.unlink()
    assert releases.foreign_logs(published) == []


# -- no second way ----------------------------------------------------------------------------------------------------

TAKES_TEXT = ("cli", "api", "mcp", "reports/lineage.py", "reports/dictionary")
"""Where text that comes from people and other programs arrives."""
RUNS_SQL = {"execute", "executemany", "sql", "query", "from_query"}


def test_text_of_users_reaches_the_database_through_the_gate_alone():
    """Where such text arrives, what is executed directly is written in the program: a text, or put together of names."""
    found = []
    for place in TAKES_TEXT:
        paths = [ROOM / place] if place.endswith(".py") else sorted((ROOM / place).rglob("*.py"))
        for path in (path for path in paths if path.exists()):
            for function in (n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.FunctionDef)):
                given = {arg.arg for arg in (*function.args.args, *function.args.kwonlyargs)}
                for call in (node for node in ast.walk(function) if isinstance(node, ast.Call)):
                    if not (isinstance(call.func, ast.Attribute) and call.func.attr in RUNS_SQL and call.args):
                        continue
                    if isinstance(call.func.value, ast.Name) and call.func.value.id == "reading":
                        continue
                    used = {node.id for node in ast.walk(call.args[0]) if isinstance(node, ast.Name)}
                    if used & given:
                        found.append(f"{path.relative_to(ROOM)}:{function.name}")
    assert sorted({*found} - {*KNOWN}) == []


KNOWN = ["cli/completion.py:_published", "cli/verdict_screen.py:_dicts", "reports/lineage.py:_rows"]
"""Functions that execute a text that they are given, each of which is called with the program's own texts alone.

The first of them asks by the connection of `warehouse.open`, which passes the gate in any case (tests/api/test_api.py).
"""
