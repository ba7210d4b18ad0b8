"""Commands that read the published warehouse: verdict, sql, quality."""

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


def quality(home: Home, run_id: str, form: Format) -> None:
    """Write one run's results (the latest without `run_id`) and, in a table, the history of runs."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    for name, schema in (("results", "quality"), ("quarantine", "quality"), ("runs", "provenance")):
        connection.execute(f"CREATE VIEW {name} AS {_everywhere(connection, home, schema, name)}")
    runs = connection.execute(
        "SELECT run_id, started_at, source, as_of, outcome FROM runs ORDER BY started_at"
    ).fetchall()
    if not runs:
        raise UsageError(f"{home.root}: no run is recorded here yet. Run `overbuild run` first.")
    wanted = run_id or runs[-1][0]
    if wanted not in {run[0] for run in runs}:
        raise UsageError(f"--run {wanted}: there is no such run; the latest are {', '.join(r[0] for r in runs[-5:])}.")
    fields = "run_id, table_name, expectation, column_name, severity, success, unexpected_count, row_count, checked_at, details"
    results = connection.execute(
        f"SELECT {fields} FROM results WHERE run_id = ? ORDER BY success, severity, table_name, expectation, column_name",
        [wanted],
    ).fetchall()
    if form is not Format.table:
        names = fields.split(", ")
        if form is Format.json:
            results = [(*row[:-1], json.loads(row[-1])) for row in results]
        output.write(names, results, form)
        return
    outcome = next(run for run in runs if run[0] == wanted)
    failed = [row for row in results if not row[5]]
    since = {json.loads(row[-1]).get("carried_over_from") for row in results} - {None}
    carried = f" Nothing had changed since run {', '.join(sorted(since))}, which found this." if since else ""
    sys.stdout.write(
        f"Run {wanted} ({outcome[2]}, as of {outcome[3]}): {outcome[4].replace('_', ' ')}. "
        f"{len(results) - len(failed)} of {len(results)} checks held.{carried}\n"
    )
    shown = [[r[1], r[2], r[3], r[4], r[6], _why(r[9])] for r in failed]
    if shown:
        title = "Checks that did not hold"
        output.write(["table", "check", "columns", "severity", "rows", "what it protects"], shown, Format.table, title)
    aside = connection.execute(
        "SELECT table_name, reason FROM quarantine WHERE run_id = ? ORDER BY 1, 2", [wanted]
    ).fetchall()
    if aside:
        output.write(["table", "reason"], aside, Format.table, "Rows put aside")
    history = connection.execute(
        "SELECT r.run_id, r.started_at, r.source, r.as_of, r.outcome, count(q.run_id) AS checks, "
        "count(*) FILTER (NOT q.success) AS not_held FROM runs r LEFT JOIN results q USING (run_id) "
        "GROUP BY ALL ORDER BY r.started_at DESC LIMIT 10"
    ).fetchall()
    output.write(
        ["run", "started (UTC)", "source", "as of", "outcome", "checks", "not held"], history, Format.table, "Runs"
    )


def _everywhere(connection: duckdb.DuckDBPyConnection, home: Home, schema: str, name: str) -> str:
    """SQL for a history table in the published warehouse together with what refused runs left."""
    from warehouse.tables import SYSTEM

    columns = ", ".join(f'"{column}"' for column in SYSTEM[name].names)
    parts = []
    published = home.current / WAREHOUSE
    if published.exists():
        connection.execute(
            f"ATTACH IF NOT EXISTS '{str(published).replace(chr(39), chr(39) * 2)}' AS published (READ_ONLY)"
        )
        parts.append(f"SELECT {columns} FROM published.{schema}.{name}")
    for file in sorted(home.refused.glob(f"*/{name}.parquet")):
        path = str(file).replace("'", "''")
        known = " WHERE run_id NOT IN (SELECT run_id FROM published.provenance.runs)" if published.exists() else ""
        parts.append(f"SELECT {columns} FROM read_parquet('{path}'){known}")
    if not parts:
        empty = ", ".join(f'NULL AS "{column}"' for column in SYSTEM[name].names)
        return f"SELECT {empty} WHERE false"
    return " UNION ALL ".join(parts)


def _why(details: str) -> str:
    found = json.loads(details)
    return str(found.get("protects") or found.get("message") or "")
