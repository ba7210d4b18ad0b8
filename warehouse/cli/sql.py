"""`overbuild sql`: an analyst's own question, answered within a minute, on the published warehouse.

A query comes as an argument, from a file, from standard input (`-`), or by the name of a ready question. Without any of
them there is a prompt (`prompt`). Whatever the way, its text passes the one gate (`database.reading`), runs within limits
(`database.limits`) and is written by `answers`. Several statements give several answers, one below the other.

Nothing is imported that a query does not need: DuckDB takes longer to import than most queries take to run.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from warehouse.cli import completion
from warehouse.cli.answers import BINARY, SqlFormat
from warehouse.cli.asking import ask
from warehouse.cli.options import AsOf
from warehouse.database import reading
from warehouse.database.limits import MEMORY, SECONDS, Limits
from warehouse.errors import UsageError


def sql(
    query: Annotated[str, typer.Argument(help="A query, or - for one from standard input; without it, a prompt.")] = "",
    file: Annotated[Path | None, typer.Option("--file", metavar="F", help="A file that holds the query.")] = None,
    question: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="A ready question; --questions lists them.", autocompletion=completion.questions
        ),
    ] = "",
    parameter: Annotated[
        list[str] | None, typer.Option("--param", metavar="NAME=VALUE", help="A value that the query reads as $NAME.")
    ] = None,
    questions: Annotated[bool, typer.Option("--questions", help="List the ready questions.")] = False,
    describe: Annotated[
        str,
        typer.Option(
            metavar="TABLE", help="What a table or view is, and how to ask it.", autocompletion=completion.described
        ),
    ] = "",
    as_of: AsOf = None,
    form: Annotated[SqlFormat, typer.Option("--format", help="How to write the answer.")] = SqlFormat.table,
    target: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="Write the answer to a file; its ending says the format."),
    ] = None,
    raw_cells: Annotated[
        bool, typer.Option("--raw-cells", help="In csv and xlsx, leave texts that a spreadsheet would run.")
    ] = False,
    timeout: Annotated[float, typer.Option(metavar="SECONDS", help="Stop a query after this time.")] = SECONDS,
    memory: Annotated[str, typer.Option(metavar="SIZE", help="Memory of a query; more goes to disk.")] = MEMORY,
) -> None:
    """Run a query and write its answer; without a query, read one from standard input or prompt for it."""
    if sum(map(bool, (query, file, question, questions, describe))) > 1:
        raise UsageError("give one of a query, --file, --question, --questions and --describe.")
    limits = Limits(timeout, memory)
    if describe or questions:
        from warehouse.cli import words  # imports every table's declaration

        words.write_description(describe, form) if describe else words.write_questions(form)
        return
    text = _text(query, file, question, _values(parameter or ()))
    if text is None and target is not None:
        raise UsageError(f"-o {target}: at the prompt, write answers by redirecting the output of single queries.")
    if form is SqlFormat.table and target is not None:
        form = _format_of(target)
    if form in BINARY and target is None:
        raise UsageError(f"--format {form}: this is no text; give a file for it: -o answer.{form}")
    ask(text, as_of=as_of, form=form, target=target, raw_cells=raw_cells, limits=limits)


def _format_of(target: Path) -> SqlFormat:
    """The format that the ending of a file's name says, as answer.csv does; a table where it says none."""
    ending = target.suffix.lower().removeprefix(".")
    endings = {"md": "markdown", "jsonl": "ndjson"} | {each.value: each.value for each in SqlFormat}
    return SqlFormat(endings.get(ending, "table"))


def _text(query: str, file: Path | None, question: str, values: dict[str, str]) -> str | None:
    """The text to run; None where a person is to be asked for it."""
    if question:
        from warehouse.reports.dictionary import questions

        return questions.question(question).filled(values)
    if file is not None and str(file) != "-":
        text = _of_file(file)
    elif query == "-" or str(file) == "-" or (not query and not sys.stdin.isatty()):
        text = _of_standard_input()
    elif query:
        text = query
    else:
        return None
    return reading.with_values(text, values) if values else text


def _of_file(file: Path) -> str:
    from warehouse import files

    try:
        if file.stat().st_size > reading.LONGEST:
            raise UsageError(
                f"--file {file}: this file has {file.stat().st_size:,} bytes; a query has at most a million."
            )
        return files.text(file)
    except FileNotFoundError:
        raise UsageError(f"--file {file}: there is no such file.") from None
    except IsADirectoryError:
        raise UsageError(f"--file {file}: this is a folder; name the file with the query.") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"--file {file}: cannot be read: this is no text in UTF-8, so it holds no query.") from error
    except OSError as error:
        raise UsageError(f"--file {file}: cannot be read ({error.strerror}).") from error


def _of_standard_input() -> str:
    try:
        text = sys.stdin.read(reading.LONGEST + 1)
    except UnicodeDecodeError as error:
        raise UsageError(f"standard input: this is no text in UTF-8: {error}") from error
    if text.lstrip().startswith("."):
        raise UsageError(
            "standard input: commands that begin with a dot belong to the prompt. Their options: --questions, --describe, "
            "--format."
        )
    return text


def _values(parameters: Sequence[str]) -> dict[str, str]:
    values = {}
    for given in parameters:
        name, found, value = given.partition("=")
        if not found or not name.strip():
            raise UsageError(f"--param {given}: write it as NAME=VALUE.")
        values[name.strip().lstrip("$")] = value
    return values
