"""`overbuild mcp`: an assistant's tools, asked by the library's own client, in this process and in one of its own."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters
from mcp_types import CallToolResult

from tests.runs import OVERBUILD, query, settings
from warehouse.cli.mcp import server

PROJECT = Path(__file__).parents[2]


def asked(home: Path, use: Callable[[Client], Awaitable[Any]]) -> Any:
    """What a client gets from a server in this process, on a home."""

    async def whole() -> Any:
        async with Client(server()) as client:
            return await use(client)

    with settings(home):
        return anyio.run(whole)


def call(home: Path, tool: str, **arguments: Any) -> CallToolResult:
    return asked(home, lambda client: client.call_tool(tool, arguments))


def given(home: Path, tool: str, **arguments: Any) -> Any:
    """The structured answer of a tool; a list is wrapped by the library."""
    result = call(home, tool, **arguments)
    assert not result.is_error, result.content
    return result.structured_content.get("result", result.structured_content)


def refused(home: Path, tool: str, **arguments: Any) -> str:
    result = call(home, tool, **arguments)
    assert result.is_error
    return result.content[0].text


def test_the_tools_say_what_they_do_and_that_they_only_read(published):
    tools = asked(published[0], lambda client: client.list_tools()).tools
    assert {tool.name for tool in tools} == {"sql", "verdict", "trace", "dictionary", "questions"}
    for tool in tools:
        assert tool.description
        assert tool.annotations.read_only_hint
        assert all(each.get("description") for each in tool.input_schema["properties"].values()), tool.name


def test_sql_gives_rows_and_says_that_there_are_more(published):
    [(closing,)] = query(
        published[0], "select close from main.stock_prices where ticker = 'NVDA' and date = '2025-01-27'"
    )
    wanted = "select date, close from stock_prices where ticker = 'NVDA' and date = '2025-01-27'"
    assert given(published[0], "sql", query=wanted) == {
        "rows": [{"date": "2025-01-27", "close": closing}],
        "more_rows": False,
    }
    many = given(published[0], "sql", query="from stock_prices", max_rows=3)
    assert (len(many["rows"]), many["more_rows"]) == (3, True)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("select nothing_such", "nothing_such"),
        ("create table t (a int)", "read-only"),
        ("select * from read_csv('/etc/passwd')", "no file"),
        ("copy (select 1) to '/tmp/out.csv'", "COPY"),
        ("set threads = 1", "SET changes a setting"),
        ("select 1; select 2", "2 statements"),
    ],
)
def test_sql_that_may_not_run_is_refused_in_words_to_mend_it_by(published, wrong, said):
    assert said in refused(published[0], "sql", query=wrong)


def test_sql_that_does_not_end_is_stopped(published):
    endless = "with recursive t(n) as (select 1 union all select n + 1 from t) select count(*) from t"
    assert "stopped after 0.5 seconds" in refused(published[0], "sql", query=endless, timeout=0.5)


def test_a_condition_of_a_trace_that_does_not_end_is_stopped(published):
    where = (
        "(select count(*) from range(100000) a, range(100000) b, range(100000) c where a.range + b.range = c.range) > 0"
    )
    assert "stopped after 0.2 seconds" in refused(published[0], "trace", table="verdict", where=where, timeout=0.2)


def test_an_answer_has_room_for_so_many_characters(published):
    long = "select repeat('x', {}) as text from range({})"
    found = given(published[0], "sql", query=long.format(200_000, 5))
    assert ([len(row["text"]) for row in found["rows"]], found["more_rows"]) == ([200_000] * 2, True)
    assert "left(text, 1000)" in refused(published[0], "sql", query=long.format(2_000_000, 1))


def test_the_verdict_is_the_published_one_with_its_conditions(published):
    answer = given(published[0], "verdict")
    rows = answer["verdicts"]
    assert "old_data" not in answer
    found = query(published[0], "select question, verdict, headline from marts.verdict where scope = 'ALL'")
    assert {(row["question"], row["verdict"], row["headline"]) for row in rows} == set(found)
    assert all(row["conditions"] for row in rows if row["question"] in ("Q1", "Q2", "Q3", "Q4"))
    assert {row["scope"] for row in given(published[0], "verdict", company="msft")["verdicts"]} == {"MSFT"}
    assert "choose from ALL" in refused(published[0], "verdict", company="IBM")
    assert "overbuild run --as-of 2025-01-28" in refused(published[0], "verdict", as_of="2025-01-28")


def test_a_trace_gives_the_documents_behind_a_figure(published):
    found = given(
        published[0], "trace", table="capex_quarterly", where="ticker = 'MSFT' and calendar_quarter = '2024Q4'"
    )
    assert found["facts_found"] == len(found["facts"]) > 0
    assert all(fact["citation"] and fact["document_sha256"] and fact["locator"] for fact in found["facts"])


def test_the_dictionary_explains_a_table_and_the_values_of_its_columns(published):
    listed = given(published[0], "dictionary")["tables"]
    assert all(each["meaning"] for each in listed)
    assert (listed[0]["table"], listed[0]["kind"]) == ("contents", "view")
    assert {"capex", "verdict", "stock_prices"} <= {each["table"] for each in listed}
    told = given(published[0], "dictionary", table="gpu_price_by_month")
    columns = {each["name"]: each for each in told["columns"]}
    assert columns["median_usd_per_gpu_hour"]["unit"]
    assert "hyperscaler" in columns["provider_class"]["values"]
    assert "Did you mean capex" in refused(published[0], "dictionary", table="capexx")


def test_every_ready_question_runs_as_it_is_given(published):
    listed = given(published[0], "questions")
    assert len(listed) >= 20
    for each in listed:
        assert each["asks"].endswith("?")
        if "$" not in each["sql"]:
            assert given(published[0], "sql", query=each["sql"])["rows"], each["name"]


def test_where_nothing_is_published_the_answer_says_what_to_run(tmp_path):
    assert "Run `overbuild run` first" in refused(tmp_path, "verdict")


def test_a_process_of_its_own_answers_and_ends_with_its_client(published):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OVERBUILD_")}
    environment |= {"OVERBUILD_HOME": str(published[0]), "PYTHONPATH": str(PROJECT)}

    async def whole() -> CallToolResult:
        async with Client(StdioServerParameters(command=str(OVERBUILD), args=["mcp"], env=environment)) as client:
            return await client.call_tool("sql", {"query": "select 6 * 7 as answer"})

    assert anyio.run(whole).structured_content == {"rows": [{"answer": 42}], "more_rows": False}


def test_standard_output_carries_nothing_but_the_protocol(published):
    said = [
        {"method": "initialize", "id": 1, "params": {"protocolVersion": "2025-06-18", "capabilities": {},
         "clientInfo": {"name": "test", "version": "1"}}},
        {"method": "notifications/initialized"},
        {"method": "tools/call", "id": 2, "params": {"name": "sql", "arguments": {"query": "select nothing_such"}}},
    ]  # fmt: skip
    environment = {**os.environ, "OVERBUILD_HOME": str(published[0]), "PYTHONPATH": str(PROJECT)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([OVERBUILD, "mcp"], env=environment, **pipes) as child:
        lines = []
        for one in said:
            child.stdin.write(json.dumps({"jsonrpc": "2.0", **one}) + "\n")
            child.stdin.flush()
            if "id" in one:
                lines.append(json.loads(child.stdout.readline()))
        child.stdin.close()
        assert child.stdout.read() == ""
    assert [line["id"] for line in lines] == [1, 2]
    assert lines[0]["result"]["serverInfo"]["name"] == "overbuild"
    assert "nothing_such" in lines[1]["result"]["content"][0]["text"]
    assert child.returncode == 0
