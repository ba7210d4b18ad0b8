"""`overbuild sql`: read-only SQL on the published warehouse; with no query, a prompt."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from warehouse import files
from warehouse.cli import completion, output
from warehouse.cli.options import AsOf, Form
from warehouse.cli.output import Format
from warehouse.cli.published import published
from warehouse.database import limits as bounds
from warehouse.database import reading, releases
from warehouse.database.connection import Connection
from warehouse.database.limits import Limits
from warehouse.errors import UsageError
from warehouse.paths import WAREHOUSE


def sql(
    query: Annotated[str, typer.Argument(help="A query; without one, a prompt.")] = "",
    file: Annotated[Path | None, typer.Option("--file", metavar="F", help="A file that holds the query.")] = None,
    question: Annotated[
        str, typer.Option(metavar="NAME", help="A ready question (sql/questions).", autocompletion=completion.questions)
    ] = "",
    as_of: AsOf = None,
    form: Form = Format.table,
) -> None:
    """Run a query and write its result; without a query, read one from standard input or prompt for it."""
    if sum(map(bool, (query, file, question))) > 1:
        raise UsageError("give one of a query, --file and --question.")
    folder = published(as_of)
    if file:
        try:
            query = files.text(file)
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"--file {file}: cannot be read: {error}") from error
    if question:
        from warehouse.reports.dictionary import questions

        query = questions.question(question).filled()
    with releases.reading(folder / WAREHOUSE, Limits()) as connection:
        if query:
            _execute(connection, query, form)
        elif sys.stdin.isatty():
            _prompt(connection, form)
        else:
            _execute(connection, sys.stdin.read(), form)


def _execute(connection: Connection, query: str, form: Format) -> None:
    limits = Limits()
    for read in reading.reads(connection, query):
        with bounds.within(connection, limits, _stuck):
            result = reading.execute(connection, read)
            columns = [name for name, *_ in result.description]
            rows = result.fetchall()
        output.write(columns, rows, form)


def _stuck(said: str) -> None:
    """End a query that does not stop when it is asked to: with this process, as nothing else ends it."""
    sys.stderr.write(f"overbuild: {said}\n")
    sys.stderr.flush()
    bounds.remove_spills()
    os._exit(UsageError.exit_code)


def _prompt(connection: Connection, form: Format) -> None:
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
