"""Commands that read the published warehouse: verdict, sql."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from importlib import resources
from pathlib import Path
from typing import Any

import duckdb

from warehouse import output, store
from warehouse.errors import UsageError
from warehouse.home import WAREHOUSE, Home
from warehouse.output import Format

CONTEXT_LINES = 2


def verdict(published: Path, company: str, form: Format) -> None:
    """Write the verdicts and, in a table, the conditions behind them.

    In JSON and CSV one row a verdict; `conditions` holds its conditions as a list (JSON) or as JSON text (CSV).
    """
    with store.reading(published / WAREHOUSE) as connection:
        scopes = [
            scope for (scope,) in connection.execute("SELECT DISTINCT scope FROM marts.verdict ORDER BY 1").fetchall()
        ]
        if company and company not in scopes:
            raise UsageError(f"--company {company}: there is no verdict for it; choose from {', '.join(scopes)}.")
        wanted = [company] if company else scopes
        order = "CASE scope WHEN 'ALL' THEN 0 ELSE 1 END, scope, question"
        verdicts = connection.execute(
            f"SELECT * FROM marts.verdict WHERE scope IN (SELECT unnest(?)) ORDER BY {order}", [wanted]
        )
        columns = [name for name, *_ in verdicts.description]
        rows = verdicts.fetchall()
        behind = connection.execute(
            f"SELECT * FROM marts.verdict_conditions WHERE scope IN (SELECT unnest(?)) ORDER BY {order}, condition",
            [wanted],
        )
        condition_columns = [name for name, *_ in behind.description]
        conditions = [dict(zip(condition_columns, row, strict=True)) for row in behind.fetchall()]
        overridden = _overridden(connection)
        failed = failed_sources(connection)
    if form is Format.table:
        for source in failed:
            sys.stdout.write(f"OLD DATA: {source['source']} ({source['feed']}): {source['message']}\n\n")
        _verdict_table(columns, rows, conditions, overridden, everything=bool(company))
        return
    old = failed if form is Format.json else json.dumps(output.plain(failed), ensure_ascii=False)
    listed = [[*row, _conditions_of(dict(zip(columns, row, strict=True)), conditions, form), old] for row in rows]
    output.write([*columns, "conditions", "failed_sources"], listed, form)


def failed_sources(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Live sources whose last run failed, in whole or in part: what failed, and how old the data are that stand for it."""
    found = connection.execute(
        """SELECT source, feed, outcome, message, last_success_at, newest_known_on FROM provenance.source_runs
        QUALIFY row_number() OVER (PARTITION BY source ORDER BY checked_at DESC) = 1 ORDER BY source"""
    )
    names = [name for name, *_ in found.description]
    latest = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    return [source for source in latest if source["outcome"] in ("failed", "partly_failed")]


def last_source(home: Home) -> str | None:
    """What the published answer was made from, reference or live; None where nothing is published."""
    if not (home.current / WAREHOUSE).exists():
        return None
    with store.reading(home.current / WAREHOUSE) as connection:
        row = connection.execute(
            "SELECT source FROM provenance.runs WHERE outcome LIKE 'published%' ORDER BY started_at DESC LIMIT 1"
        ).fetchone()
    return row[0] if row else None


def _conditions_of(row: dict[str, Any], conditions: list[dict[str, Any]], form: Format) -> Any:
    own = [c for c in conditions if c["scope"] == row["scope"] and c["question"] == row["question"]]
    own = [{key: value for key, value in c.items() if key not in ("scope", "question")} for c in own]
    return own if form is Format.json else json.dumps(output.plain(own), ensure_ascii=False)


def _overridden(connection: duckdb.DuckDBPyConnection) -> list[str]:
    latest = connection.execute(
        "SELECT versions->>'$.assumptions_overridden' FROM provenance.runs ORDER BY started_at DESC LIMIT 1"
    ).fetchone()
    return json.loads(latest[0]) if latest and latest[0] else []


def _verdict_table(
    columns: list[str],
    rows: list[tuple[Any, ...]],
    conditions: list[dict[str, Any]],
    overridden: list[str],
    everything: bool,
) -> None:
    as_dicts = [dict(zip(columns, row, strict=True)) for row in rows]
    if overridden:
        sys.stdout.write(f"WHAT-IF: these assumptions are not the packaged ones: {', '.join(overridden)}\n\n")
    shown = [[r["scope"], r["question"], r["verdict"], r["evidence_grade"], r["statement"]] for r in as_dicts]
    title = f"Verdict as of {as_dicts[0]['as_of']}" if as_dicts else ""
    output.write(["scope", "question", "verdict", "grade", "statement"], shown, Format.table, title)
    behind = [c for c in conditions if everything or c["scope"] == "ALL"]
    fields = ["scope", "question", "condition", "value", "comparison", "threshold", "holds", "statement"]
    output.write(fields, [[c[f] for f in fields] for c in behind], Format.table, "The figures and thresholds behind it")


def sql(published: Path, query: str, file: Path | None, question: str, form: Format) -> None:
    """Run read-only SQL and write its result; without a query, read from standard input or prompt."""
    if file:
        try:
            query = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"--file {file}: cannot be read: {error}") from error
    if question:
        query = _question(question)
    with store.reading(published / WAREHOUSE) as connection:
        if query:
            _execute(connection, query, form)
        elif sys.stdin.isatty():
            _prompt(connection, form)
        else:
            _execute(connection, sys.stdin.read(), form)


def _question(name: str) -> str:
    folder = Path(str(resources.files("sql"))) / "questions"
    path = folder / f"{name}.sql"
    if path.parent != folder or not path.exists():
        known = "\n  ".join(
            f"{p.stem}: {p.read_text().splitlines()[0].lstrip('- ')}" for p in sorted(folder.glob("*.sql"))
        )
        raise UsageError(f"--question {name}: there is no such question. There are:\n  {known}")
    return path.read_text(encoding="utf-8")


def _execute(connection: duckdb.DuckDBPyConnection, query: str, form: Format) -> None:
    try:
        result = connection.execute(query)
        if result is None or result.description is None:
            return
        columns = [name for name, *_ in result.description]
        output.write(columns, result.fetchall(), form)
    except duckdb.Error as error:
        message = str(error).strip()
        if "read-only" in message or "external access" in message.lower() or "disabled" in message:
            message += "\nThe published warehouse is read-only. Copy the file if you want to change it."
        raise UsageError(f"SQL: {message}") from None


def _prompt(connection: duckdb.DuckDBPyConnection, form: Format) -> None:
    with suppress(ImportError):
        import readline  # noqa: F401  (line editing and history, where the system has it)
    sys.stderr.write("SQL on the published warehouse; end a query with ; and leave with .quit or Ctrl-D.\n")
    lines: list[str] = []
    while True:
        try:
            line = input("overbuild> " if not lines else "       ...> ")
        except EOFError:
            return
        if not lines and line.strip() in (".quit", ".exit", "quit", "exit"):
            return
        lines.append(line)
        if line.rstrip().endswith(";"):
            try:
                _execute(connection, "\n".join(lines), form)
            except UsageError as error:
                sys.stderr.write(f"{error}\n")
            lines = []
