"""Where the published answer is; a dated one is made first where it is missing."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

from warehouse.errors import UsageError
from warehouse.paths import WAREHOUSE, Paths, paths_here


def here() -> Paths:
    """The paths of the OVERBUILD_HOME that is set."""
    return paths_here()


def published(as_of: date | None) -> Path:
    """Folder of the published answer. Raises UsageError where nothing is published yet."""
    paths = here()
    folder = paths.published(as_of)
    if (folder / WAREHOUSE).exists():
        return folder
    if as_of is None:
        raise UsageError(f"{paths.root}: nothing is published here yet. Run `overbuild run` first.")
    from warehouse.cli import run  # only where there is something to make: a run imports everything
    from warehouse.reports.freshness import last_source

    sys.stderr.write(f"Nothing is published as of {as_of} yet; making it.\n")
    # From the facts that are here: a warehouse of live data is not mixed with the snapshot unasked.
    live = last_source(paths) == "live"
    run.start(source="live" if live else "reference", only=(), as_of=as_of, quiet=not sys.stderr.isatty(), offline=live)
    return folder
