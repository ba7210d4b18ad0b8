"""Options that several commands share, and how each is read from the command line."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from warehouse.cli.output import Format


def day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a date; write it as 2025-01-28.") from None


AsOf = Annotated[date | None, typer.Option("--as-of", metavar="DATE", parser=day, help="Answer as of an earlier date.")]
Form = Annotated[Format, typer.Option("--format", help="How to write the rows.")]
