"""Where `overbuild` starts and ends: the way to the command, and the exit code that says how it went.

A plain query takes a short way, and so does the answer without options. The library of the command line checks options by
means that take longer to import than DuckDB. What has no options needs none of that.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from io import TextIOWrapper

from warehouse import stopping
from warehouse.errors import OverbuildError

TEXTS = ("table", "csv", "json", "ndjson", "markdown")


def main() -> None:
    """Run the command line and leave with the exit code that says how it went."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that has no letter for a formula's sign shows its code; nothing is lost, and nothing breaks off.
        if isinstance(stream, TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")
    try:
        try:
            if not _plain(sys.argv[1:]):
                from warehouse.cli.app import app

                app()
        finally:
            sys.stdout.flush()
    except BaseException as error:
        # Whatever became of the signal on its way here; a service that ended as it was told to has done its work.
        if stopping.asked() and not (isinstance(error, SystemExit) and not error.code):
            stopping.end_now()  # threads that wait for a server keep nobody waiting
        _end(error)


def _end(failure: BaseException) -> None:
    """Say what ended the command, and leave with the exit code that says the same."""
    try:
        raise failure
    except OverbuildError as error:
        _complain(f"overbuild: {error}")
        sys.exit(error.exit_code)
    except SystemExit as ended:
        # Libraries that write to the terminal end a program whose reader left, each with a code of its own.
        if not isinstance(ended.__context__, BrokenPipeError):
            raise
        _reader_left(0)
    except KeyboardInterrupt:
        _complain(f"overbuild: {stopping.said()}")
        sys.exit(stopping.exit_code())
    except BrokenPipeError as error:
        # What was left to be written cannot be any more; how the command itself went stands.
        before = error.__context__
        _reader_left(before.code if isinstance(before, SystemExit) and isinstance(before.code, int) else 0)
    except Exception as error:
        if os.environ.get("OVERBUILD_DEBUG"):
            raise
        _complain(
            f"overbuild: unexpected failure, a defect of ours: {type(error).__name__}: {error}\n"
            "Nothing was published. Set OVERBUILD_DEBUG=1 to see where it happened."
        )
        sys.exit(1)


def _plain(arguments: Sequence[str]) -> bool:
    """Run `overbuild verdict`, with --why or without, or `overbuild sql QUERY`; False where anything else is asked for."""
    match arguments:
        case ["verdict"] | ["verdict", "--why"]:
            from warehouse.cli import verdict_screen

            verdict_screen.show(why=len(arguments) > 1)
            return True
        case ["sql", query]:
            form = "table"
        case ["sql", query, "--format", form] | ["sql", "--format", form, query]:
            pass
        case _:
            return False
    if form not in TEXTS or not query.strip() or query.startswith("-"):
        return False
    from warehouse.cli.asking import ask

    ask(query, form=form)
    return True


def _complain(message: str) -> None:
    """Say what is wrong on standard error: what documents hold in it is no command for the terminal, and nobody need read it."""
    from warehouse.cli.lines import printable

    with suppress(BrokenPipeError):
        sys.stderr.write(f"{printable(message)}\n")
        sys.stderr.flush()


def _reader_left(code: int) -> None:
    """End quietly: whoever read our output has seen enough (`| head -1`)."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)
