"""Make docs/commands.md from the program itself: every command, its arguments and its options, as `--help` has them.

python tools/command_reference.py           write the page
python tools/command_reference.py --check   exit 1 where it is stale
"""

from __future__ import annotations

import inspect
import sys
import typing
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

import typer

from tools.pages import ROOT, written
from warehouse.cli.app import COMMANDS, app

PAGE = ROOT / "docs" / "commands.md"
EXIT_CODES = {
    0: "done",
    1: "an unexpected failure",
    2: "wrong use or settings",
    3: "the checks refused the data; nothing new was published",
    4: "published, but a source failed and its last good data were used",
    5: "a disk is full, failing, read-only or closed to this user, a file is damaged, or memory ran out; what was published stands",
    "129, 130, 143": "stopped by SIGHUP, SIGINT or SIGTERM; nothing was published, or the message says what was before",
}
OPENING = """\
# Commands

Made from the program by `make docs`; do not edit. `overbuild COMMAND --help` says the same.

Results go to standard output, and all else to standard error. `--format json` and `csv` write for programs, and standard output
then holds nothing but the rows. The exit code says how it went:

| code | meaning |
|---|---|"""


def page() -> str:
    """The whole page as Markdown."""
    group = typer.main.get_command(app)
    parts = [OPENING, *(f"| {code} | {meaning} |" for code, meaning in EXIT_CODES.items())]
    for name in COMMANDS:
        parts += ["", *_section(group.get_command(None, name), ("overbuild", name), "##")]  # type: ignore[attr-defined, arg-type]
    return "\n".join(parts) + "\n"


def _section(command: Any, path: tuple[str, ...], level: str) -> Iterator[str]:
    yield f"{level} {' '.join(path)}"
    yield ""
    yield COMMANDS[path[1]] if len(path) == 2 else inspect.cleandoc(command.help or "").split("\n\n")[0]
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    options = [each for each in command.params if each.param_type_name == "option" and not each.hidden]
    usage = [*path, *(_argument(each) for each in arguments), *(["[OPTIONS]"] if options else [])]
    yield from ("", "```", " ".join(usage), "```")
    listed = [*arguments, *(each for each in options if not each.name.endswith("_completion"))]
    if listed:
        yield from ("", "| argument or option | default | meaning |", "|---|---|---|")
        yield from (f"| {_named(each)} | {_default(each)} | {_meaning(each)} |" for each in listed)
    for name, below in getattr(command, "commands", {}).items():
        yield from ("", *_section(below, (*path, name), "###"))


def _argument(parameter: Any) -> str:
    name = (parameter.metavar or parameter.name).strip("[]").upper()
    return name if parameter.required else f"[{name}]"


def _named(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return f"`{_argument(parameter)}`"
    value = "" if parameter.is_flag else f" {_value(parameter)}"
    # Within a table a bar ends the cell, in backquotes too.
    return ", ".join(f"`{each}{value}`" for each in (*parameter.opts, *parameter.secondary_opts)).replace("|", "\\|")


def _value(parameter: Any) -> str:
    if parameter.metavar:
        return parameter.metavar
    of = parameter.type_descriptor.annotation
    of = next((each for each in (*typing.get_args(of), of) if each is not type(None)), str)
    if isinstance(of, type) and issubclass(of, Enum):
        return "|".join(str(each.value) for each in of)
    return {int: "N", float: "N", Path: "FILE"}.get(of, parameter.name.upper())


def _default(parameter: Any) -> str:
    if parameter.required:
        return "required"
    default = getattr(parameter.default, "value", parameter.default)
    return "" if default in (None, False, "", ()) or callable(default) else f"`{default}`"


def _meaning(parameter: Any) -> str:
    return " ".join((parameter.help or "").split()).replace("|", "\\|")


if __name__ == "__main__":
    if sys.argv[1:] not in ([], ["--check"]):
        raise SystemExit(__doc__)
    raise SystemExit(written({PAGE: page()}, check="--check" in sys.argv))
