"""`overbuild mcp`: the published answer for assistants, by the Model Context Protocol on standard input and output.

An assistant that is asked about the capex of Amazon should read the warehouse and not its memory. It gets five tools. All
read what is published. A query passes the gate of `overbuild sql` and has its limits of time and memory. Answers are
short, because an assistant reads all that it is given: rows beyond a limit are left out, and the answer says so. Standard
output carries the protocol alone; messages go to standard error.

The library is imported when this command is asked for: it takes longer to import than any other command runs.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic import Field

from warehouse import __version__, api
from warehouse.database import reading, releases
from warehouse.database.limits import SECONDS, Limits, end_process, within
from warehouse.errors import OverbuildError, UsageError
from warehouse.reports import standing
from warehouse.reports.values import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mcp.server.mcpserver import MCPServer

    from warehouse.reports.dictionary.questions import Question

Function = TypeVar("Function", bound="Callable[..., Any]")
Rows = list[dict[str, Any]]

INSTRUCTIONS = """\
The published warehouse of overbuild: is AI infrastructure spending wasteful? It holds filings, share prices, GPU rental
prices and claims, each with its source, and the verdicts made of them. Start with `verdict`. For figures, look a table up
with `dictionary` before you query it with `sql`: its columns have units (shares are fractions, `_usd` is dollars), and some
rows must not be added up. Quote a figure with its `grade` (A best to D) and its date. `cannot_tell` is an answer: say what
would settle it. `trace` gives the documents behind a figure."""
MOST_ROWS = 1000
MOST_CHARACTERS = 500_000
"""Of the rows of an answer as JSON. One cell can hold a gigabyte, and an assistant reads all that it is given."""
LONGEST_SECONDS = 300
MOST_ASSUMED = 50
AsOf = Annotated[
    date | None, Field(description="A day: the answer as it was known then, where a run has published it.")
]
BEHIND = ("condition", "value", "comparison", "threshold", "holds", "statement")


def mcp() -> None:
    """Answer the assistant that started this process, until it closes standard input."""
    server().run()


def server() -> MCPServer:
    """The server with its tools, not yet running."""
    from mcp.server.mcpserver import MCPServer
    from mcp_types import ToolAnnotations

    made = MCPServer("overbuild", version=__version__, instructions=INSTRUCTIONS, log_level="WARNING")
    for tool in (sql, verdict, trace, dictionary, questions):
        made.add_tool(
            _teaching(tool),
            annotations=ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False),
        )
    return made


def _teaching(tool: Function) -> Function:
    """A tool whose errors reach the assistant in their own words, so that it can mend its query."""
    from mcp.server.mcpserver.exceptions import ToolError

    @wraps(tool)
    def taught(*arguments: Any, **named: Any) -> Any:
        try:
            return tool(*arguments, **named)
        except OverbuildError as error:
            raise ToolError(str(error)) from None

    return taught  # type: ignore[return-value]


def sql(
    query: Annotated[
        str, Field(description="One query in DuckDB's SQL, for example `from capex where ticker = 'MSFT'`.")
    ],
    max_rows: Annotated[int, Field(ge=1, le=MOST_ROWS, description="Rows to give; the rest is left out.")] = 100,
    timeout: Annotated[
        float, Field(gt=0, le=LONGEST_SECONDS, description="Seconds after which the query is stopped.")
    ] = SECONDS,
    as_of: AsOf = None,
) -> dict[str, Any]:
    """Run read-only SQL on the published warehouse. `show tables` lists what there is; mart names need no schema.

    Dates are ISO 8601, NULL and NaN are null. `more_rows` is true where rows were left out: aggregate, or add a WHERE.
    """
    limits = Limits(seconds=timeout)
    with releases.reading(api.published(as_of=as_of), limits) as connection, within(connection, limits, end_process):
        result = reading.execute(connection, reading.one(connection, query))
        columns = [name for name, *_ in result.description]
        rows = (plain(dict(zip(columns, row, strict=True))) for row in iter(result.fetchone, None))
        shown, more = _fitting(rows, max_rows)
    return {"rows": shown, "more_rows": more}


def verdict(
    company: Annotated[str, Field(description="A ticker such as MSFT; without one, all of them together.")] = "",
    as_of: AsOf = None,
    assume: Annotated[
        list[str],
        Field(
            max_length=MOST_ASSUMED,
            description="Assumptions to replace, for a what-if: `life=3`, `discount_rate.low=0.05`. `from assumptions` in "
            "`sql` lists them with their ranges. It takes some seconds and publishes nothing.",
        ),
    ] = [],  # noqa: B006 (the protocol's schema shows the default, and nothing changes it)
) -> dict[str, Any]:
    """The answer: the verdict of each question, how sure it is, what would change it, and the conditions behind it.

    With `assume` it is a what-if and not the published answer: each verdict has `what_if`, so say it. `old_data` is there
    where a source failed and its last good data were used: say so with the answer.
    """
    answer = api.verdict(company or "ALL", as_of=as_of, assume=assume)
    rows, old = [], answer.get_column("failed_sources").to_list()[0]
    for row in answer.iter_rows(named=True):
        behind = [{name: condition[name] for name in BEHIND} for condition in row["conditions"] or ()]
        what_if = {"what_if": row["what_if"]} if row["what_if"] else {}
        rows.append({name: row[name] for name in standing.COLUMNS} | what_if | {"conditions": behind})
    return plain({"verdicts": rows} | ({"old_data": old} if old else {}))


def trace(
    table: Annotated[str, Field(description="A table of marts or core, such as capex_quarterly.")],
    where: Annotated[str, Field(description="SQL condition on its columns that picks the rows to follow.")],
    max_facts: Annotated[int, Field(ge=1, le=MOST_ROWS, description="Facts to give; the rest is left out.")] = 50,
    timeout: Annotated[
        float, Field(gt=0, le=LONGEST_SECONDS, description="Seconds after which the condition is stopped.")
    ] = SECONDS,
    as_of: AsOf = None,
) -> dict[str, Any]:
    """From a figure to its sources: the facts behind rows of a table, with citation, document, line, hash and address."""
    found = api.traced(table, where, as_of=as_of, limits=Limits(timeout), stuck=end_process)
    facts = (plain({k: v for k, v in fact.items() if v is not None}) for fact in found.iter_rows(named=True))
    return {"facts": _fitting(facts, max_facts)[0], "facts_found": found.height}


def dictionary(
    table: Annotated[str, Field(description="A table or view, such as capex; without one, the list of them.")] = "",
) -> dict[str, Any]:
    """What tables and views there are; or of one: its grain, columns, units, values, what not to add up, example queries."""
    from warehouse.reports.dictionary import tables

    if table:
        return _filled(asdict(tables.describe(table)))
    listed = [tables.describe(name) for name in tables.names()]
    return {
        "tables": [{"table": each.name, "kind": each.kind, "meaning": each.grain or each.meaning} for each in listed]
    }


def questions() -> Rows:
    """The ready questions: what each asks, its query for `sql`, and its parameters: their values stand in the query."""
    from warehouse.reports.dictionary.questions import questions as ready

    return [_filled(asdict(each) | {"sql": _example(each)}) for each in ready().values()]


def _example(question: Question) -> str:
    """The query with the defaults of its parameters; one without a default stays as `$name`, to be replaced."""
    whole = all(each.default is not None for each in question.parameters)
    return question.filled() if whole else question.sql


def _filled(tree: Any) -> Any:
    """Without what is empty, because an assistant reads all that it is given; allowed values stay, explained or not."""
    if isinstance(tree, dict):
        kept = {str(key): value for key, value in tree.items() if value not in (None, "", {}, (), [])}
        return {key: value if key == "values" else _filled(value) for key, value in kept.items()}
    return [_filled(each) for each in tree] if isinstance(tree, list | tuple) else tree


def _fitting(found: Iterator[dict[str, Any]], most: int) -> tuple[Rows, bool]:
    """The first rows that an answer has room for, and whether more were found. Raises UsageError where not one has room."""
    rows: Rows = []
    characters = 0
    for row in found:
        characters += len(json.dumps(row, ensure_ascii=False))
        if len(rows) == most or (rows and characters > MOST_CHARACTERS):
            return rows, True
        if characters > MOST_CHARACTERS:
            raise UsageError(
                f"One row has {characters:,} characters, and an answer here has room for {MOST_CHARACTERS:,}. Ask for less of "
                "it: left(text, 1000), fewer columns, a part of a list."
            )
        rows.append(row)
    return rows, False
