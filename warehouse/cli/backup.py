"""`overbuild backup`: everything that cannot be made again, and the published answer, in one folder that was read back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from warehouse import stopping
from warehouse.cli.output import say
from warehouse.errors import DamagedError
from warehouse.paths import paths_of
from warehouse.pipeline import backup as backups
from warehouse.settings import load_settings


def backup(
    folder: Annotated[
        Path, typer.Argument(help="A folder outside OVERBUILD_HOME that does not exist yet, or is empty.")
    ],
) -> None:
    with stopping.by_signals():
        made = backups.write(paths_of(load_settings()), folder)
    answers = f"run {made.run_id}" if made.run_id else "no answer, as none is published"
    dated = f" and {len(made.dated)} dated" if made.dated else ""
    say(f"{answers}{dated}, {len(made.listed):,} files, {made.size_bytes / 1e6:.1f} MB, each read back")
    typer.echo(folder)
    if made.left_out:
        raise DamagedError(
            f"left out, because they are no longer what their names say: {'; '.join(made.left_out)}. The rest is whole. "
            "overbuild doctor --verify says more."
        )
