"""`overbuild upkeep`: tidying of a warehouse that several machines share."""

from __future__ import annotations

from typing import Annotated

import typer

from warehouse import stopping


def upkeep(
    travel_days: Annotated[
        int, typer.Option("--travel-days", metavar="DAYS", help="How far back time travel goes on reaching.")
    ] = 90,
) -> None:
    """Merge small files, forget old snapshots and remove what nothing names any more."""
    from flows import environment

    environment.prepare()
    from flows.connection import connected

    with stopping.by_signals(), connected(asks_sources=False):
        from flows.upkeep import upkeep as flow  # imports Prefect, so only once its environment is set

        done = flow(travel_days)
    typer.echo(
        f"{done['snapshots']} snapshots forgotten, files of {done['merged']} tables merged, {done['removed']} files removed"
    )
