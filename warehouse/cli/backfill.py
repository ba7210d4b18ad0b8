"""`overbuild backfill`: history in pieces, each a whole run; what is done already is not asked for again."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, date, datetime
from typing import Annotated

import typer

from warehouse import assumptions, stopping
from warehouse.cli.options import day
from warehouse.cli.output import say
from warehouse.errors import UsageError
from warehouse.paths import create_folders, paths_of
from warehouse.pipeline.backfill import Progress, source_of, span_of
from warehouse.pipeline.context import Say
from warehouse.settings import load_settings


def backfill(
    source: Annotated[str, typer.Argument(help="A live source; `overbuild sources` lists them.")],
    first: Annotated[date, typer.Option("--from", metavar="DATE", parser=day, help="First day.")],
    last: Annotated[date, typer.Option("--to", metavar="DATE", parser=day, help="Last day.")],
    again: Annotated[bool, typer.Option("--again", help="Ask for what is done already, too.")] = False,
) -> None:
    with stopping.by_signals():
        failed = start(source, first, last, again=again, say=say)
    if failed:
        say(f"{source}: {len(failed)} piece(s) incomplete: {', '.join(failed)}. The same command asks for them again.")
        raise typer.Exit(4)


def start(name: str, first: date, last: date, *, again: bool, say: Say) -> dict[str, str]:
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

        from flows import environment

        environment.prepare()
        _show_progress()
        from flows.connection import connected

        with connected(asks_sources=True):
            from flows import backfill as flows  # imports Prefect, so only once its environment is set
            from flows import left_behind

            with left_behind.marked("source:live", "kind:backfill", f"asks:{name}"):
                return flows.backfill(name, left)


def _show_progress() -> None:
    """Lines of the flow on standard error, whoever reads it."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s  %(message)s", "%H:%M:%S"))
    for name in ("overbuild.backfill", "overbuild.progress.fetching"):
        logger = logging.getLogger(name)
        logger.setLevel(logging.INFO)
        logger.propagate = False
        logger.addHandler(handler)
