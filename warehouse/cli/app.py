"""The command line, put together: `overbuild --help`.

A command's file is imported when that command is asked for and not before. What some of them need (Prefect, Great
Expectations, the marts) takes seconds to import, and a query should not wait for it. Results go to standard output,
everything else to standard error. The exit code says how it went: 0 done, 1 unexpected failure, 2 wrong use or
settings, 3 the checks refused the data. With 4, the answer was published with the old data of a source that failed. With 5,
a disk did not take or give what it should, or a file is damaged.
"""

from __future__ import annotations

from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

COMMANDS = {
    "run": "Ingest, check, build the marts and publish.",
    "verdict": "The answer: each question's verdict, and the figures and thresholds behind it.",
    "sql": "Read-only SQL on the published warehouse.",
    "quality": "Data-quality results of a run and what is new in them; quarantined rows, and what to do with them.",
    "trace": "From a figure to its inputs: the facts behind a row, their documents, hashes and addresses.",
    "diff": "What changed between two runs or two dates: verdicts, figures, and the facts behind each change.",
    "export": "Every mart and core table as Parquet and CSV, described, with licence and citation.",
    "sources": "Every source: what it gives, its last success, how fresh it is, whether it needs a key.",
    "health": "Whether all is well, for a probe: exit code 0, or 1 with what is wrong and what to do.",
    "report": "Where the published site is.",
    "backfill": "Fetch and load history, piece by piece; goes on where it was interrupted.",
    "backup": "Copy everything that cannot be made again, and the published answer, to a folder; read it back.",
    "restore": "Put a backup into an empty home, or make the published answer anew from the archive or a copy.",
    "prune": "Remove what need not be kept: earlier releases, dated answers, refused runs.",
    "upkeep": "Tidy a warehouse that several machines share: merge small files, forget old snapshots.",
    "serve": "Run the scheduled flows from this process until it is told to stop.",
    "automations": "What Prefect's server does when a run fails, a source is stale or a verdict changes, made as code.",
    "mcp": "Read-only access for assistants: SQL, verdict, trace, dictionary (Model Context Protocol).",
    "doctor": "Check the installation, the settings and what is configured.",
}
"""Each command's file in this folder has a function of the command's name; a command of commands has an `app`."""


class Commands(TyperGroup):
    """The commands, each imported when it is asked for; the list of them imports none."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"warehouse.cli.{cmd_name}")
        group = getattr(module, "app", None)
        if group is None:
            group = typer.Typer(add_completion=False, rich_markup_mode=None)
            group.command(help=COMMANDS[cmd_name])(getattr(module, cmd_name))
        command = typer.main.get_command(group)
        _with_table_options(command)
        return command

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            error.message = _plainly(error)
            raise

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _plainly(error: typer.BadParameter) -> str:
    """What is wrong with an option's value, for its user.

    The library of the command line has values checked by another, whose messages are for programmers: they name neither
    the value nor, in words of the terminal, what is wanted. What is raised by our own code stays as it is.
    """
    found: list[dict[str, Any]] = getattr(error.__cause__, "errors", list)()
    if not found:
        return error.message
    kind, given, limits = found[0]["type"], found[0].get("input"), found[0].get("ctx", {})
    match kind:
        case "int_parsing" | "int_from_float" | "int_type":
            return f"{given!r} is not a whole number."
        case "float_parsing" | "float_type" | "finite_number":
            return f"{given!r} is not a number."
        case "greater_than_equal":
            return f"{given} is too small; the least is {limits.get('ge')}."
        case "less_than_equal":
            return f"{given} is too large; the most is {limits.get('le')}."
    return error.message.removeprefix("Value error, ")


def _with_table_options(command: Any) -> None:
    """Give every command that writes rows the same options of how they are shown, where it has none of its own."""
    for each in getattr(command, "commands", {}).values():
        _with_table_options(each)
    given = {text for parameter in command.params for text in parameter.opts}
    if "--format" not in given:
        return
    from warehouse.cli import output

    def table_options(
        max_rows: Annotated[
            int, typer.Option("--max-rows", min=1, help="Rows that a table shows; the others are counted.")
        ] = output.MAX_ROWS,
        everything: Annotated[
            bool, typer.Option("--all", help="Show every row and column of a table, whatever fits.")
        ] = False,
        raw_cells: Annotated[
            bool, typer.Option("--raw-cells", help="In csv, leave texts that a spreadsheet would run.")
        ] = False,
    ) -> None: ...

    def set_view(context: Any, parameter: Any, value: Any) -> None:
        setattr(output.view, parameter.name, value)

    holder = typer.Typer(add_completion=False)
    holder.command()(table_options)
    for option in typer.main.get_command(holder).params:
        if not given & set(option.opts):
            option.expose_value, option.callback = False, set_view
            command.params.append(option)


app = typer.Typer(
    cls=Commands,
    help="Is AI infrastructure spending wasteful? Ingest filings, prices and claims, check them, and answer.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def overbuild() -> None:
    """Nothing is common to all commands."""
