"""`overbuild restore`: the published answer made anew, from the archive alone or from a copy of a published warehouse."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from warehouse.cli import run
from warehouse.paths import paths_of
from warehouse.pipeline import starting
from warehouse.settings import load_settings


def restore(
    copy: Annotated[
        Path | None,
        typer.Argument(metavar="[COPY]", help="A copy of warehouse.duckdb, or a release's folder; else the archive."),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Say nothing but the result's exit code and errors.")] = False,
) -> None:
    """Make the published answer anew from what is kept, and send no request."""
    paths = paths_of(load_settings())
    if copy is None:
        kind, start = starting.kind_of_archive(paths), starting.ARCHIVE
    else:
        kind, start = starting.kind_of_copy(copy), str(copy.expanduser().absolute())
    outcome = run.start(source=kind, only=(), as_of=None, quiet=quiet, offline=True, restore=start)
    if not quiet:
        with suppress(BrokenPipeError):
            run.print_summary(outcome)
    if outcome["failed_sources"]:
        raise typer.Exit(4)
