"""`import warehouse`: the published answer for programs, and what importing it costs."""

from __future__ import annotations

import ast
import subprocess
import sys
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest

import warehouse
from tests.runs import query, settings
from warehouse import api
from warehouse.database import releases
from warehouse.database.limits import Limits
from warehouse.errors import UsageError
from warehouse.paths import WAREHOUSE

PROJECT = Path(__file__).parents[2]


def imported(program: str) -> set[str]:
    """Every module that is imported when a program has run, beyond those of Python's start."""
    program = f"import sys\nbefore = set(sys.modules)\n{program}\nprint(*(set(sys.modules) - before))"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env={"PYTHONPATH": str(PROJECT)}, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_the_warehouse_imports_no_other_module():
    assert imported("import warehouse") == {"warehouse"}


def test_a_connection_needs_no_polars(published):
    found = imported(f"import warehouse\nwarehouse.open({str(published[0])!r}).execute('select 1')")
    assert "duckdb" in found
    assert not found & {"polars", "pandas", "scipy", "prefect", "great_expectations", "requests", "typer", "rich"}


def test_every_name_is_offered_listed_and_known_to_type_checkers():
    stub = ast.parse((PROJECT / "warehouse" / "__init__.pyi").read_text(encoding="utf-8"))
    typed = {name.asname for node in stub.body if isinstance(node, ast.ImportFrom) for name in node.names}
    assert set(warehouse.__all__) == set(api.__all__) == typed
    assert set(warehouse.__all__) <= set(dir(warehouse))
    assert all(getattr(warehouse, name) is getattr(api, name) for name in warehouse.__all__)
    assert all(getattr(api, name).__doc__ for name in api.__all__)
    assert (PROJECT / "warehouse" / "py.typed").exists()
    with pytest.raises(AttributeError, match="nothing_such"):
        warehouse.nothing_such  # noqa: B018


def test_a_connection_reads_and_can_do_nothing_else(published):
    with warehouse.open(published[0]) as connection:
        assert connection.execute("select count(*) > 10000 from stock_prices").fetchone() == (True,)
        before = (published[0] / WAREHOUSE).read_bytes()
        file = (published[0] / WAREHOUSE).resolve()
        for refused in (
            "create table t (a int)", "select * from read_csv('/etc/passwd')", "set threads = 1", "checkpoint",
            "attach ':memory:' as m; create table m.t (a int)", "copy (select 1) to 'out.csv'", "create temp table t (a int)",
            f"select 1; copy (select 'x') to '{file}' (format csv, use_tmp_file false)", "call enable_logging()",
            f"copy (select 'x') to '{file}.wal' (format csv, use_tmp_file false)", f"from read_blob('{file}')",
        ):  # fmt: skip
            for ask in (connection.execute, connection.sql, connection.query):
                with pytest.raises(UsageError, match="SQL"):
                    ask(refused)
        assert (published[0] / WAREHOUSE).read_bytes() == before
        assert not list(file.parent.glob("*.wal*"))


def test_a_connection_asks_and_fetches_as_duckdb_s_and_has_no_other_way_to_the_engine(published):
    with warehouse.open(published[0]) as connection:
        asked = "select count(*) as n from verdict where scope = "
        assert connection.execute(f"{asked}?", ["ALL"]).fetchone() == (5,)
        assert connection.execute(f"{asked}$scope", {"scope": "ALL"}).pl().to_dicts() == [{"n": 5}]
        assert connection.sql(f"{asked}$scope", params={"scope": "ALL"}).pl().item() == 5
        assert [name for name, *_ in connection.execute("select 1; select 2 as b").description] == ["b"]
        with pytest.raises(UsageError, match="scope"):
            connection.execute(f"{asked}$scope")
        with pytest.raises(UsageError, match="nothing_such"):
            connection.sql("from nothing_such").pl()
        for name in (
            "read_csv",
            "from_parquet",
            "register",
            "install_extension",
            "table_function",
            "from_df",
            "cursor",
        ):
            assert hasattr(duckdb.DuckDBPyConnection, name)
            with pytest.raises(UsageError, match=name):
                getattr(connection, name)
        with pytest.raises(AttributeError):
            connection.no_such_thing  # noqa: B018


def test_any_number_of_connections_are_open_at_once_each_with_its_own_limits(published):
    """DuckDB gives one process one set of settings for a file, and the first connection locks it."""
    with warehouse.open(published[0]) as one, warehouse.open(published[0]) as other:
        query = "select current_database(), count(*) from verdict"
        assert one.execute(query).fetchone() == other.execute(query).fetchone()
        assert warehouse.sql("select 41 + 1 as answer", published[0]).item() == 42
        with releases.reading(published[0] / WAREHOUSE, Limits(memory="100MB")) as bounded:
            assert bounded.execute("select current_setting('memory_limit')").fetchone() == ("95.3 MiB",)
            for refused in ("create table t (a int)", "select * from read_csv('/etc/passwd')", "set threads = 1"):
                with pytest.raises(UsageError, match="SQL"):
                    other.execute(refused)
                with pytest.raises(duckdb.Error, match=r"read-only|disabled|locked"):
                    bounded.execute(refused)


def test_a_table_is_a_frame_of_its_rows(published):
    [(rows,)] = query(published[0], "select count(*) from core.capex_guidance")
    assert warehouse.table("core.capex_guidance", published[0]).height == rows
    frame = warehouse.table("Verdict", published[0])
    assert isinstance(frame, pl.DataFrame)
    assert frame.schema["as_of"] == pl.Date
    assert frame.equals(warehouse.sql("select * from marts.verdict", published[0]))
    with pytest.raises(warehouse.UsageError, match="Did you mean capex_quarterly"):
        warehouse.table("capex_quartely", published[0])
    with pytest.raises(warehouse.UsageError, match=r"SQL: .*nothing_such"):
        warehouse.sql("select nothing_such", published[0])
    with pytest.raises(warehouse.UsageError, match="COPY reads or writes a file"):
        warehouse.sql("copy (select 1) to 'out.csv'", published[0])


def test_the_verdict_comes_with_the_conditions_behind_it(published):
    answer = warehouse.verdict(home=published[0])
    assert answer.row(0, named=True)["scope"] == "ALL"
    assert answer.row(0, named=True)["question"] == "overall"
    assert answer.get_column("what_if").null_count() == answer.height
    behind = "select count(*) from marts.verdict_conditions where scope = 'ALL' and question = 'Q3'"
    [(conditions,)] = query(published[0], behind)
    q3 = answer.row(by_predicate=(pl.col("scope") == "ALL") & (pl.col("question") == "Q3"), named=True)
    assert len(q3["conditions"]) == conditions > 0
    assert {"condition", "value", "threshold", "holds"} <= set(q3["conditions"][0])
    microsoft = warehouse.verdict("msft", published[0])
    assert set(microsoft.get_column("scope")) == {"MSFT"}
    with pytest.raises(warehouse.UsageError, match=r"'IBM'.*choose from ALL, .*MSFT"):
        warehouse.verdict("IBM", published[0])


def test_the_verdict_names_sources_that_failed_and_takes_what_ifs(published, tmp_path):
    from warehouse.cli import mcp

    answer = warehouse.verdict(home=published[0])
    assert answer.get_column("failed_sources").to_list() == [[]] * answer.height
    with pytest.raises(warehouse.UsageError, match="no_such_thing"):
        warehouse.verdict(home=published[0], assume=["no_such_thing=3"])
    changed = warehouse.verdict("MSFT", published[0], assume=["life=3"])
    assert changed.columns == answer.columns
    assert all("life = 3" in said for said in changed.get_column("what_if"))
    with settings(published[0]):
        told = mcp.verdict("MSFT", assume=["life=3"])["verdicts"]
        with pytest.raises(warehouse.UsageError, match=r"assume: .*no_such_thing"):
            mcp.verdict(assume=["no_such_thing=3"])
    assert [row["what_if"] for row in told] == changed.get_column("what_if").to_list()
    assert [row["verdict"] for row in told] == changed.get_column("verdict").to_list()


def test_the_assistant_and_the_program_get_one_answer(published):
    from warehouse.cli import mcp

    with settings(published[0]):
        told = mcp.verdict("MSFT")
        frame = warehouse.verdict("MSFT")
    assert [row["headline"] for row in told["verdicts"]] == frame.get_column("headline").to_list()
    assert [len(row["conditions"]) for row in told["verdicts"]] == frame.get_column("conditions").list.len().to_list()
    assert "old_data" not in told


def test_a_trace_leads_to_the_documents(published):
    condition = "ticker = 'MSFT' and calendar_quarter = '2024Q4'"
    facts = warehouse.trace("capex_quarterly", condition, home=published[0])
    assert facts.height > 0
    assert facts.get_column("path").str.starts_with("marts.capex_quarterly MSFT 2024-12-31 > ").all()
    for row in facts.iter_rows(named=True):
        assert row["citation"]
        assert row["locator"]
        assert (published[0] / row["document_path"]).is_file()
    assert warehouse.trace("capex_quarterly", "ticker = 'nobody'", home=published[0]).is_empty()


def test_an_error_says_what_to_run_where_nothing_is_published(published, tmp_path):
    with pytest.raises(warehouse.UsageError, match=r"nothing is published here yet\. Run `overbuild run`"):
        warehouse.verdict(home=tmp_path)
    with pytest.raises(warehouse.UsageError, match="Run `overbuild run --as-of 2025-01-28`"):
        warehouse.open(published[0], date(2025, 1, 28))
    with pytest.raises(warehouse.UsageError, match="is not a date; write it as 2025-01-28"):
        warehouse.open(published[0], "yesterday")


def test_without_a_home_it_is_the_one_that_is_set(published):
    with settings(published[0]):
        assert warehouse.verdict().equals(warehouse.verdict(home=published[0]))
