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

from warehouse.errors import DamagedError, OverbuildError

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
        from warehouse import stopping

        # Whatever became of the signal on its way here; a service that ended as it was told to has done its work.
        if stopping.asked() and not (isinstance(error, SystemExit) and not error.code):
            stopping.end_now()  # threads that wait for a server keep nobody waiting
        _end(error)


def _end(failure: BaseException) -> None:
    """Say what ended the command, and leave with the exit code that says the same."""
    from warehouse import stopping

    try:
        raise failure
    except OverbuildError as error:
        _complain(f"overbuild: {_with_way_out(error)}")
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
        from warehouse import storage

        if (of_disk := storage.fault(error, _place(error))) is not None:
            _complain(f"overbuild: {_with_way_out(of_disk)}")
            _leave(of_disk.exit_code)
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
    comment = query.startswith(("-- ", "--\n"))  # no option has a blank in its name
    if form not in TEXTS or not query.strip() or (query.startswith("-") and not comment):
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


def _with_way_out(error: OverbuildError) -> str:
    """What went wrong; of a damaged published file also what took its place, or how to make it anew."""
    if not isinstance(error, DamagedError):
        return str(error)
    from warehouse.database import recovery, seals
    from warehouse.paths import paths_here

    said: list[str] = []
    with suppress(OverbuildError, OSError):
        paths = paths_here()
        if recovery.was_published(paths) and seals.damaged(paths.current):
            recovery.whole_to_the_last_byte(paths, said.append)
            return "\n".join([str(error), *said, "Ask again." if said else recovery.REBUILD])
    return str(error)


def _place(error: Exception) -> str:
    """Where an error happened that does not say so: at standard output, to which this room alone writes, or in the home."""
    from warehouse.paths import paths_here

    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    if last is not None and str(last.tb_frame.f_globals.get("__name__")).startswith(
        ("warehouse.cli.", "click.", "rich.")
    ):
        return "standard output"
    with suppress(OverbuildError, OSError):
        return str(paths_here().root)
    return ""


def _reader_left(code: int) -> None:
    """End quietly: whoever read our output has seen enough (`| head -1`)."""
    _leave(code)


def _leave(code: int) -> None:
    """Leave, though what was written to standard output cannot be taken by whoever it was for."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)
