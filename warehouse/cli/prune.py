"""`overbuild prune`: remove what a home need not keep: earlier releases, dated answers, refused runs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from warehouse.cli.output import say
from warehouse.paths import create_folders, paths_of
from warehouse.pipeline import retention
from warehouse.pipeline.context import one_at_a_time
from warehouse.pipeline.publish import KEPT_RELEASES
from warehouse.settings import load_settings


def prune(
    releases: Annotated[
        int, typer.Option("--releases", min=0, help="Releases before today's answer that stay.")
    ] = KEPT_RELEASES,
    dated_days: Annotated[
        float | None, typer.Option("--dated-days", min=0, help="Remove dated answers that were made longer ago.")
    ] = None,
    refused_days: Annotated[
        float | None, typer.Option("--refused-days", min=0, help="Remove what runs found that were refused longer ago.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be removed, and remove nothing.")] = False,
) -> None:
    settings = load_settings()
    paths = paths_of(settings)
    create_folders(paths)
    with one_at_a_time(paths, say, settings.lock_wait_seconds):
        found = list(
            retention.due(paths, datetime.now(UTC), releases=releases, dated_days=dated_days, refused_days=refused_days)
        )
        for each in found:
            if not dry_run:
                retention.remove(paths, each)
            typer.echo(f"{each.path}: {each.why}; {each.frees_bytes / 1e6:.1f} MB")
    freed = sum(each.frees_bytes for each in found)
    say(
        f"{len(found)} {'would be' if dry_run else 'were'} removed, {freed / 1e6:.1f} MB; documents of the archive all stay"
    )
