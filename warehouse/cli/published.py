"""Where the published answer is; a dated one is made first where it is missing."""

from __future__ import annotations

import os
import sys
from datetime import date
from pathlib import Path

from warehouse.cli import output
from warehouse.database import seals
from warehouse.errors import UsageError
from warehouse.paths import WAREHOUSE, Paths, paths_here


def here() -> Paths:
    """The paths of the OVERBUILD_HOME that is set. A published answer that is damaged is replaced by the last good one."""
    paths = paths_here()
    if not seals.fault(paths.current):
        return paths
    from warehouse.database import recovery

    return recovery.whole(paths, lambda said: output.say(f"overbuild: {said}"))


def published(as_of: date | None) -> Path:
    """Folder of the published answer. Raises UsageError where nothing is published yet, DamagedError where nothing is whole."""
    paths = here()
    folder = paths.published(as_of)
    if paths.lake and as_of is None:
        return folder  # its file stands for the lake, which says itself what it holds (`releases.connected`)
    why = seals.fault(folder)
    if not why:
        return folder
    if as_of is None:
        from warehouse.database import recovery

        if not recovery.was_published(paths):
            raise UsageError(f"{paths.root}: nothing is published here yet. Run `overbuild run` first.")
        raise recovery.damaged(paths, why)
    from warehouse.cli import run  # only where there is something to make: a run imports everything
    from warehouse.reports.freshness import last_source

    if os.path.lexists(folder):
        output.say(
            f"overbuild: {folder / WAREHOUSE}: what is published as of {as_of} is damaged: {why}. Making it anew."
        )
    else:
        sys.stderr.write(
            f"Nothing is published as of {as_of} yet. Making it first: a run of some minutes, Ctrl-C stops it.\n"
        )
        sys.stderr.flush()
    # From the facts that are here: a warehouse of live data is not mixed with the snapshot unasked.
    live = last_source(paths) == "live"
    run.start(source="live" if live else "reference", only=(), as_of=as_of, quiet=not sys.stderr.isatty(), offline=live)
    return folder
