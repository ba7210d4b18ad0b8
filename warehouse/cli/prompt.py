"""The prompt of `overbuild sql`: for an analyst who asks one question after the other.

Three ways were weighed, each tried on a published file. `harlequin` (2.17) is an editor with panes, a catalogue and a
history. It shows a capex of 35.8 billion dollars as 3.5802e+10, and of a reason the beginning of one line. It brings 45
packages. The duckdb shell (1.5.6) starts fastest, in half the time of importing DuckDB here. It prints 28499000000.0,
and a line as long as its longest text where nobody looks. Both open the file by themselves, so what they run passes
neither our gate nor our limits. In the shell, COPY writes a file even with `-readonly`. Neither knows the ready
questions. `prompt_toolkit` is the library below shells such as ipython and pgcli. It gives editing of several lines,
completion and history. With it every query takes the way of `overbuild sql QUERY`, through the gate and within the
limits. That decided it.

A query ends with a semicolon. Commands begin with a dot. Ctrl-C ends a query and never the session; Ctrl-D leaves.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from warehouse import sqltext
from warehouse.cli import output
from warehouse.cli.answers import BINARY, Answers, SqlFormat
from warehouse.database import reading
from warehouse.database.connection import BEHIND_VIEWS
from warehouse.errors import OverbuildError, UsageError

HISTORY = "sql_history"
HELP = """\
Write SQL and end it with a semicolon; several lines are one query. Tab completes tables, columns and commands.
  .tables              what there is to ask, the most useful first
  .describe TABLE      a table's grain, columns, units and values, what not to sum, queries to start from
  .questions           the ready questions
  .question NAME [P=V] run a ready question, with its parameters
  .format FORMAT       how answers are written: table, csv, json, ndjson, markdown
  .rows N              how many rows of a table are shown
  .timer on|off        the time after each answer
  .help  .quit         this text; leave (Ctrl-D)
Ctrl-C ends a query, not the session.
"""
COMMANDS = (".tables", ".describe", ".questions", ".question", ".format", ".rows", ".timer", ".help", ".quit", ".exit")
KEYWORDS = """
    SELECT FROM WHERE GROUP BY ALL ORDER LIMIT WITH AS JOIN LEFT USING ON AND OR NOT IN IS NULL BETWEEN LIKE ILIKE
    CASE WHEN THEN ELSE END DISTINCT HAVING QUALIFY OVER PARTITION UNION EXCEPT INTERSECT VALUES DESCRIBE
    SUMMARIZE SHOW TABLES PIVOT UNPIVOT EXPLAIN ANALYZE EXCLUDE REPLACE ASC DESC NULLS LAST FIRST COUNT SUM AVG
    MIN MAX MEDIAN ROUND COALESCE
    """.split()  # noqa: SIM905
_WORD = re.compile(r"[\w.]+")


def start(answers: Answers, home: Path) -> None:
    """Ask for queries until the person leaves."""
    session = _session(answers, home)
    output.view.more_rows, output.view.more_columns = ".rows N shows more, .format csv all of them", ".format csv"
    shell = Shell(answers)
    sys.stderr.write("SQL on the published warehouse. A query ends with ;  More: .help\n")
    while not shell.left:
        try:
            shell.take(session.prompt())
        except KeyboardInterrupt:
            continue
        except EOFError:
            return


class Shell:
    """What is done with each text that is entered; it knows nothing of the keyboard."""

    def __init__(self, answers: Answers) -> None:
        self.answers, self.timer, self.left = answers, True, False

    def take(self, text: str) -> None:
        """Run a query or a command. What goes wrong is said, and the session goes on."""
        try:
            self._command(text.strip()) if text.lstrip().startswith(".") else self._query(text)
        except KeyboardInterrupt:
            output.say("stopped.")
        except OverbuildError as error:
            output.say(str(error))
        except Exception as error:
            if os.environ.get("OVERBUILD_DEBUG"):
                raise
            output.say(f"unexpected failure, a defect of ours: {type(error).__name__}: {error}")

    def _query(self, text: str) -> None:
        began = time.monotonic()
        self.answers.run(text)
        if self.timer and text.strip(" \n;"):
            rows = "" if self.answers.rows is None else f"{self.answers.rows:,} row{'s' * (self.answers.rows != 1)}, "
            output.say(f"({rows}{time.monotonic() - began:.2f} s)")

    def _command(self, text: str) -> None:
        from warehouse.cli import words

        name, _, rest = text.rstrip(";").strip().partition(" ")
        rest = rest.strip()
        match name:
            case ".quit" | ".exit":
                self.left = True
            case ".help":
                output.write_lines(HELP.splitlines())
            case ".tables":
                words.write_tables()
            case ".describe":
                words.write_description(rest) if rest else words.write_tables()
            case ".questions":
                words.write_questions()
            case ".question":
                self._question(rest)
            case ".format":
                self._format(rest)
            case ".rows":
                if not rest.isdigit() or not int(rest):
                    raise UsageError(".rows N: give a whole number.")
                output.view.max_rows = int(rest)
            case ".timer":
                if rest not in ("on", "off"):
                    raise UsageError(".timer on, or .timer off.")
                self.timer = rest == "on"
            case _:
                raise UsageError(f"{name}: there is no such command; .help lists them.")

    def _question(self, rest: str) -> None:
        from warehouse.cli import words
        from warehouse.reports.dictionary.questions import question

        if not rest:
            words.write_questions()
            return
        name, *given = rest.split()
        values = dict(each.partition("=")[::2] for each in given)
        self._query(question(name).filled(values))

    def _format(self, rest: str) -> None:
        known = [each.value for each in SqlFormat if each not in BINARY]
        if rest not in known:
            raise UsageError(
                f".format {rest}: choose one of {', '.join(known)}; files are written by overbuild sql -o."
            )
        self.answers.form = SqlFormat(rest)


# -- the keyboard -----------------------------------------------------------------------------------------------------


def _session(answers: Answers, home: Path) -> Any:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.completion import Completer, Completion
    from prompt_toolkit.filters import Condition
    from prompt_toolkit.history import FileHistory, InMemoryHistory
    from prompt_toolkit.key_binding import KeyBindings

    class Names(Completer):
        """Tables and columns as the warehouse has them, words of SQL, and commands."""

        def __init__(self) -> None:
            self.tables, self.columns = known_names(answers)

        def get_completions(self, document: Any, complete_event: Any) -> Iterable[Any]:
            before = document.text_before_cursor
            word = document.get_word_before_cursor(pattern=_WORD)
            for found in completions(before, word, self.tables, self.columns):
                yield Completion(found, start_position=-len(word))

    keys = KeyBindings()

    @keys.add("enter")
    def _(event: Any) -> None:
        text = event.current_buffer.text.strip()
        if not text or text.startswith(".") or text.endswith(";"):
            event.current_buffer.validate_and_handle()
        else:
            event.current_buffer.insert_text("\n")

    def lexer() -> Any:
        from prompt_toolkit.lexers import PygmentsLexer
        from pygments.lexers.sql import PostgresLexer

        return PygmentsLexer(PostgresLexer)

    colours = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    file = home / HISTORY
    kept = FileHistory(str(file)) if _can_be_written(file) else InMemoryHistory()
    return PromptSession(
        "overbuild> ",
        completer=Names(),
        complete_while_typing=False,
        history=kept,
        key_bindings=keys,
        multiline=Condition(lambda: True),
        prompt_continuation="       ...> ",
        lexer=lexer() if colours else None,
        enable_history_search=True,
    )


def _can_be_written(file: Path) -> bool:
    try:
        file.touch(mode=0o600)
    except OSError:
        return False
    return True


def known_names(answers: Answers) -> tuple[list[str], list[str]]:
    """Names of tables that people ask (with their schema, those of `main` without) and of columns."""
    read = reading.one(
        answers.connection,
        "SELECT table_schema, table_name, column_name FROM information_schema.columns "
        f"WHERE table_schema <> {sqltext.literal(BEHIND_VIEWS)}",
    )
    found = reading.execute(answers.connection, read).fetchall()
    tables = dict.fromkeys(name if schema == "main" else f"{schema}.{name}" for schema, name, _ in found)
    return sorted(tables), sorted({column for _, _, column in found})


def completions(before: str, word: str, tables: Iterable[str], columns: Iterable[str]) -> list[str]:
    """What a word can become: a command at the beginning, else tables, columns and words of SQL, in the case that is used."""
    if before.lstrip().startswith("."):
        command, space, _ = before.lstrip().partition(" ")
        return list(_begin(tables if command == ".describe" else (), word)) if space else list(_begin(COMMANDS, word))
    keywords = KEYWORDS if word.isupper() else [each.lower() for each in KEYWORDS]
    last = before.split()[-2:-1] if word else before.split()[-1:]
    after_from = bool(last) and last[0].lower() in ("from", "join", "describe", "summarize", "table")
    found = (
        [*_begin(tables, word)]
        if after_from
        else [*_begin(columns, word), *_begin(tables, word), *_begin(keywords, word)]
    )
    return list(dict.fromkeys(found)) if word or after_from else []


def _begin(names: Iterable[str], word: str) -> Iterable[str]:
    return (name for name in names if name.lower().startswith(word.lower()))
