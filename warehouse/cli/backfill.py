"""`overbuild backfill`: history in pieces, each a whole run; what is done already is not asked for again."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from warehouse import assumptions
from warehouse.errors import UsageError
from warehouse.paths import create_folders, paths_of
from warehouse.pipeline.backfill import Progress, source_of, span_of
from warehouse.settings import load_settings


def run(name: str, first: date, last: date, *, again: bool, say: Any) -> dict[str, str]:
    """Backfill a source; gives what failed (piece -> why), empty where all went well.

    Raises UsageError before it starts where the source, the days or the settings do not allow it.
    """
    today = datetime.now(UTC).date()
    source = source_of(name)
    span = span_of(source, first, last, today)
    settings = load_settings()
    assumptions.load(settings.assumptions)
    if refusal := source.not_ready(settings):
        raise UsageError(f"backfill {name}: {refusal}")
    paths = paths_of(settings)
    create_folders(paths)
    progress = Progress(paths, name)
    with progress.alone():
        if again:
            progress.forget()
        left = progress.remaining(span, at_once=source.history_at_once)
        if not left:
            say(f"{name}: {span[0]} to {span[1]} is loaded already; nothing to do (--again asks for it once more).")
            return {}
        if span[0] > first:
            say(f"{name}: it has nothing older than {span[0]}")
        say(f"{name}: {len(left)} piece{'s' if len(left) > 1 else ''} to fetch, {left[0][0]} to {left[-1][1]}")

        from flows.environment import prepare

        prepare()
        _show_progress()
        from flows.backfill import backfill

        return backfill(name, left)


def _show_progress() -> None:
    """Lines of the flow on standard error, whoever reads it."""
    import logging
    import sys

    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s  %(message)s", "%H:%M:%S"))
    for name in ("overbuild.backfill", "overbuild.progress.fetching"):
        logger = logging.getLogger(name)
        logger.setLevel(logging.INFO)
        logger.propagate = False
        logger.addHandler(handler)
