"""`overbuild restore`: a backup put back as it was, or the answer made anew from the archive or a copy of a warehouse."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from warehouse import stopping
from warehouse.cli import run
from warehouse.cli.output import say
from warehouse.paths import paths_of
from warehouse.pipeline import backup, starting
from warehouse.settings import load_settings


def restore(
    copy: Annotated[
        Path | None,
        typer.Argument(
            metavar="[COPY]", help="A backup, a copy of warehouse.duckdb, or a release's folder; else the archive."
        ),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Say nothing but the result's exit code and errors.")] = False,
) -> None:
    """Make the published answer anew from what is kept, and send no request."""
    settings = load_settings()
    paths = paths_of(settings)
    if copy is not None and backup.is_backup(copy):
        with stopping.by_signals():
            found = backup.restore(copy, paths, say, settings.lock_wait_seconds)
        if not quiet:
            answer = (
                f"run {found.run_id} is published again"
                if found.run_id
                else "it held no answer; next: overbuild restore"
            )
            say(f"{len(found.listed):,} files of {found.made_at}, each compared with its hash; {answer}")
        return
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
