"""`overbuild report`: where the published site is, and opening it."""

from __future__ import annotations

from typing import Annotated

import typer

from warehouse.cli.options import AsOf
from warehouse.cli.published import published
from warehouse.errors import UsageError
from warehouse.paths import SITE


def report(
    as_of: AsOf = None,
    open_it: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
) -> None:
    page = published(as_of) / SITE / "index.html"
    if not page.exists():  # where several machines share a warehouse, each has the pages of its own runs
        raise UsageError(f"{page}: no run has published its pages on this machine. Run `overbuild run` here first.")
    typer.echo(page)
    if open_it:
        typer.launch(page.as_uri())
